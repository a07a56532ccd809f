/* pass_ops.c - see pass_ops.h: the plain operations, by the engine. */
#include "pass_ops.h"

#include "rope.h"

/* ---- embedding ------------------------------------------------------------------------------- */

/* Row `row` of a table as it is stored, as floats. */
static void look_up(const struct ll_tensor *table, int n_rows, int row, float *out, size_t d)
{
    ll_dtype_info(table->dtype)->to_f32(table->data + (size_t)row * (table->size / (size_t)n_rows), out, d);
}

static void embed(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x)
{
    const struct ll_model *m = p->model;
    const struct ll_vec *vec = ll_engine_vec(p->engine);
    size_t d = (size_t)m->d_model;
    for (int r = 0, seq = 0; r < c->n; r++) {
        float *row = x.x + r * x.ld;
        look_up(m->W_E, m->d_vocab, c->batch->ids[r], row, d);
        if (m->emb_scale != 1.0f)
            vec->scale(row, row, d, m->emb_scale);
        while (c->batch->start[seq + 1] <= r)
            seq++;
        if (m->W_pos) {
            look_up(m->W_pos, m->n_positions, r - c->batch->start[seq], p->out, d);
            vec->add(row, row, p->out, d);
        }
    }
}

/* ---- norms and products ---------------------------------------------------------------------- */

static void norm(struct ll_pass *p, const struct ll_chunk *c, const struct ll_norm *n, struct ll_rows x,
                 struct ll_rows y, float *scale)
{
    (void)c;
    ll_norm_rows(p->engine, n, x, y, scale);
}

static void linear(struct ll_pass *p, const struct ll_chunk *c, const struct ll_product *op)
{
    (void)c;
    ll_linear(p->engine, op->w, op->x.x, op->x.ld, op->x.n, op->bias, op->y.x, op->y.ld);
}

/* ---- heads of q and k ------------------------------------------------------------------------ */

struct heads_job {
    struct ll_pass *p;
    const struct ll_chunk *c;
    const struct ll_heads *h;
};

static void norm_heads_some(void *arg, int row0, int row1)
{
    const struct heads_job *j = arg;
    const struct ll_model *m = j->p->model;
    const struct ll_vec *vec = ll_engine_vec(j->p->engine);
    struct ll_norm one = *j->h->norm;
    int n = one.d == m->d_head ? j->h->n : 1, own_gain = m->family->qk_norm == LL_QK_HEAD_OWN_GAIN;
    for (int r = row0; r < row1; r++)
        for (int h = 0; h < n; h++) {
            float *x = j->h->rows.x + r * j->h->rows.ld + (long)h * one.d;
            one.w = j->h->norm->w + (own_gain ? (long)h * one.d : 0);
            ll_norm_row(vec, &one, x, x);
        }
}

static void norm_heads(struct ll_pass *p, const struct ll_chunk *c, const struct ll_heads *h)
{
    ll_engine_rows(p->engine, h->rows.n, norm_heads_some, &(struct heads_job){p, c, h});
}

static void rotate_some(void *arg, int row0, int row1)
{
    const struct heads_job *j = arg;
    const struct ll_rope *rope = j->c->L->rope;
    const struct ll_rope_rows *tables = j->p->rope_rows[rope - j->p->model->ropes];
    const int *start = j->c->batch->start;
    int seq = j->c->seq0;
    float own_cos[LL_MAX_D_HEAD / 2], own_sin[LL_MAX_D_HEAD / 2];
    for (int r = row0; r < row1; r++) {
        while (start[seq + 1] <= j->c->row0 + r)
            seq++;
        int n_pos = start[seq + 1] - start[seq], pos = j->c->row0 + r - start[seq];
        const struct ll_rope_rows *t = &tables[ll_rope_is_long(rope, n_pos)];
        size_t at = (size_t)pos * (size_t)(rope->d_rot / 2);
        const float *cosines = t->cos + at, *sines = t->sin + at;
        if (ll_rope_grows(rope, n_pos)) {
            ll_rope_row(rope, n_pos, pos, own_cos, own_sin);
            cosines = own_cos;
            sines = own_sin;
        }
        ll_rope_apply(rope, j->h->rows.x + r * j->h->rows.ld, j->h->n, j->p->model->d_head, cosines, sines);
    }
}

static void rotate(struct ll_pass *p, const struct ll_chunk *c, const struct ll_heads *h)
{
    if (c->L->rope)
        ll_engine_rows(p->engine, h->rows.n, rotate_some, &(struct heads_job){p, c, h});
}

static void attend(struct ll_pass *p, const struct ll_chunk *c, const struct ll_attn *a, int n)
{
    (void)c;
    ll_attention_many(p->engine, a, n);
}

/* ---- elementwise ----------------------------------------------------------------------------- */

struct rows_job {
    const struct ll_vec *vec;
    struct ll_rows a, b;
    enum ll_act act;
    float scale;
};

static float *row_of(const struct ll_rows *rows, int r) { return rows->x + r * rows->ld; }

static void activate_some(void *arg, int row0, int row1)
{
    const struct rows_job *j = arg;
    size_t n = (size_t)(row1 - row0) * (size_t)j->b.width; /* gate and up lie without gaps */
    float *up = row_of(&j->b, row0), *post = j->a.x ? row_of(&j->a, row0) : up;
    ll_activate(j->vec, j->act, post, n);
    if (j->a.x)
        j->vec->mul(post, post, up, n);
}

static void activate(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows gate, struct ll_rows up)
{
    struct rows_job j = {ll_engine_vec(p->engine), gate, up, c->L->act, 1};
    ll_engine_rows(p->engine, up.n, activate_some, &j);
}

static void scale_some(void *arg, int row0, int row1)
{
    const struct rows_job *j = arg;
    for (int r = row0; r < row1; r++)
        j->vec->scale(row_of(&j->a, r), row_of(&j->a, r), (size_t)j->a.width, j->scale);
}

static void addend(struct ll_pass *p, const struct ll_chunk *c, const struct ll_norm *post, struct ll_rows y)
{
    struct rows_job j = {.vec = ll_engine_vec(p->engine), .a = y, .scale = c->L->resid_scale};
    if (post->w)
        ll_norm_rows(p->engine, post, y, y, NULL);
    if (j.scale != 1.0f)
        ll_engine_rows(p->engine, y.n, scale_some, &j);
}

static void add_some(void *arg, int row0, int row1)
{
    const struct rows_job *j = arg;
    for (int r = row0; r < row1; r++)
        j->vec->add(row_of(&j->a, r), row_of(&j->a, r), row_of(&j->b, r), (size_t)j->a.width);
}

static void add(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows stream, struct ll_rows y)
{
    struct rows_job j = {.vec = ll_engine_vec(p->engine), .a = stream, .b = y};
    (void)c;
    ll_engine_rows(p->engine, y.n, add_some, &j);
}

/* ---- head ------------------------------------------------------------------------------------ */

static void head(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x, struct ll_rows logits)
{
    const struct ll_model *m = p->model;
    int step = p->chunk_rows; /* the engine's scratch is made for that many rows */
    for (int r = 0; r < x.n; r += step) {
        int n = x.n - r < step ? x.n - r : step;
        const struct ll_product part = {.w = &m->W_U,
                                        .x = {row_of(&x, r), n, x.width, x.ld},
                                        .y = {row_of(&logits, r), n, logits.width, logits.ld},
                                        .role = LL_R_W_U};
        p->ops->linear(p, c, &part);
    }
    for (int r = 0; r < x.n; r++)
        ll_head_tail(m, ll_engine_vec(p->engine), row_of(&logits, r), 0, m->d_vocab);
}

const struct ll_pass_ops ll_pass_ops_plain = {
    .embed = embed,
    .norm = norm,
    .linear = linear,
    .norm_heads = norm_heads,
    .rotate = rotate,
    .attend = attend,
    .activate = activate,
    .addend = addend,
    .add = add,
    .head = head,
};
