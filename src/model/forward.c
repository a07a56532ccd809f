/* forward.c - see forward.h. Sources: the published configs and transformers' modeling code of each family;
 * order and meaning of the hook points as in TransformerLens' transformer_block.py. */
#include "forward.h"

#include "blame.h"
#include "ops.h"
#include "pass.h"
#include "rope.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 1024 }; /* rows a block works on at once, unless one sequence is longer */

/* ---- memory ---------------------------------------------------------------------------------- */

static uint32_t wanted_hooks(const struct ll_listener *l, int n)
{
    uint32_t all = 0;
    for (int i = 0; i < n; i++)
        all |= l[i].hooks;
    return all;
}

enum { MAX_SLOTS = 32 };
struct slot {
    void **p;
    size_t bytes;
};

static struct slot floats(float **p, size_t n) { return (struct slot){(void **)p, n * sizeof(float)}; }
static struct slot ints(int **p, size_t n) { return (struct slot){(void **)p, n * sizeof(int)}; }

/* One table of all buffers, for both the sum and the making. */
static int slots(struct ll_pass *p, struct slot out[MAX_SLOTS])
{
    const struct ll_model *m = p->model;
    const struct ll_rope *ropes[3] = {&m->rope, &m->rope_local, &m->rope_odd};
    size_t rows = (size_t)p->max_rows, chunk = (size_t)p->chunk_rows, d = (size_t)m->d_model,
           seq = (size_t)p->max_seq;
    size_t dq = (size_t)m->n_heads * (size_t)m->d_head, dkv = (size_t)m->n_kv_heads * (size_t)m->d_head;
    size_t mixed = m->n_experts ? chunk : 0, top_k = (size_t)m->top_k; /* rows of what only mixtures need */
    uint32_t hooks = wanted_hooks(p->listeners, p->n_listeners);
    size_t square = hooks & (LL_HOOK_BIT(LL_HOOK_ATTN_SCORES) | LL_HOOK_BIT(LL_HOOK_PATTERN))
        ? (size_t)m->n_heads * seq * seq
        : 0;
    size_t full = hooks & LL_HOOK_BIT(LL_HOOK_LOGITS) ? rows * (size_t)m->d_vocab : 0;
    int n = 0;
    out[n++] = floats(&p->resid, rows * d);
    out[n++] = floats(&p->final, rows * d);
    out[n++] = floats(&p->scale, rows);
    out[n++] = floats(&p->normed, chunk * d);
    out[n++] = floats(&p->qkv, chunk * (dq + 2 * dkv));
    out[n++] = floats(&p->fused, m->family->qkv == LL_QKV_GROUPED ? chunk * (dq + 2 * dkv) : 0);
    out[n++] = floats(&p->z, chunk * dq);
    out[n++] = floats(&p->out, chunk * d);
    out[n++] = floats(&p->gate, chunk * (size_t)m->d_mlp_max);
    out[n++] = floats(&p->up, chunk * (size_t)m->d_mlp_max);
    out[n++] = floats(&p->router, mixed * (size_t)m->n_experts);
    out[n++] = floats(&p->weight, mixed * top_k);
    out[n++] = ints(&p->chosen, mixed * top_k);
    out[n++] = floats(&p->share, mixed);
    out[n++] = ints(&p->taken, mixed);
    out[n++] = floats(&p->gathered, mixed * d);
    out[n++] = floats(&p->expert_out, mixed * d);
    for (int i = 0; i < LL_ROPE_TABLES; i++) {
        const struct ll_rope *r = ropes[i / 2];
        size_t values = i % 2 && !r->long_freq ? 0 : seq * (size_t)(r->d_rot / 2);
        out[n++] = floats(&p->rope_rows[i].cos, values);
        out[n++] = floats(&p->rope_rows[i].sin, values);
    }
    out[n++] = floats(&p->scores, square);
    out[n++] = floats(&p->pattern, square);
    out[n++] = floats(&p->logits, full);
    return n;
}

static void set_sizes(struct ll_pass *p, const struct ll_model *model, int max_rows, int max_seq,
                      const struct ll_listener *l, int n)
{
    memset(p, 0, sizeof *p);
    p->model = model;
    p->max_rows = max_rows;
    p->max_seq = max_seq;
    p->chunk_rows = max_rows < CHUNK_ROWS ? max_rows : max_seq > CHUNK_ROWS ? max_seq : CHUNK_ROWS;
    p->listeners = l;
    p->n_listeners = n;
}

long long ll_pass_bytes(const struct ll_model *model, int max_rows, int max_seq, const struct ll_listener *l,
                        int n)
{
    struct ll_pass p;
    struct slot s[MAX_SLOTS];
    long long sum = 0;
    set_sizes(&p, model, max_rows, max_seq, l, n);
    for (int i = 0, k = slots(&p, s); i < k; i++)
        sum += (long long)s[i].bytes;
    return sum + (long long)sizeof(struct ll_attn) * p.chunk_rows;
}

int ll_pass_init(struct ll_pass *p, const struct ll_model *model, struct ll_engine *engine, int max_rows,
                 int max_seq, const struct ll_listener *l, int n, struct ll_err *err)
{
    struct slot s[MAX_SLOTS];
    set_sizes(p, model, max_rows, max_seq, l, n);
    p->engine = engine;
    if (max_rows < 1 || max_seq < 1 || max_seq > max_rows) {
        memset(p, 0, sizeof *p);
        return ll_fail(err, LL_EUSAGE, "pass: expected 1 <= longest sequence <= rows, found %d and %d",
                       max_seq, max_rows);
    }
    int rc = LL_OK;
    for (int i = 0, k = slots(p, s); i < k && !rc; i++) {
        /* 64-byte lines: rows of x and y meet vector loads */
        size_t bytes = (s[i].bytes + 63) & ~(size_t)63;
        if (bytes && !(*s[i].p = aligned_alloc(64, bytes)))
            rc = ll_fail_mem(err, "working memory of the pass", bytes);
    }
    p->attn = calloc((size_t)p->chunk_rows, sizeof *p->attn);
    if (!rc && !p->attn)
        rc = ll_fail_mem(err, "working memory of the pass", sizeof *p->attn * (size_t)p->chunk_rows);
    int widest = model->d_mlp_max > model->d_model ? model->d_mlp_max : model->d_model;
    if (widest < model->n_heads * model->d_head)
        widest = model->n_heads * model->d_head;
    if (!rc)
        rc = ll_engine_reserve(engine, p->chunk_rows, widest, max_seq, model->d_head, err);
    if (rc)
        ll_pass_free(p);
    const struct ll_rope *ropes[3] = {&model->rope, &model->rope_local, &model->rope_odd};
    for (int i = 0; i < LL_ROPE_TABLES && !rc; i++)
        if (p->rope_rows[i].cos)
            ll_rope_table(ropes[i / 2], i % 2, max_seq, p->rope_rows[i].cos, p->rope_rows[i].sin);
    return rc;
}

void ll_pass_free(struct ll_pass *p)
{
    struct slot s[MAX_SLOTS];
    if (!p->model)
        return;
    p->n_listeners = 0; /* sizes do not matter here, and the listeners may be gone */
    for (int i = 0, k = slots(p, s); i < k; i++)
        free(*s[i].p);
    free(p->attn);
    memset(p, 0, sizeof *p);
}

/* ---- hooks ----------------------------------------------------------------------------------- */

int ll_pass_call(struct ll_pass *p, const struct ll_hook_visit *visit, struct ll_err *err)
{
    for (int i = 0; i < p->n_listeners; i++)
        if (p->listeners[i].hooks & LL_HOOK_BIT(visit->hook)) {
            int rc = p->listeners[i].fn(p->listeners[i].arg, visit, err);
            if (rc)
                return rc;
        }
    return LL_OK;
}

int ll_pass_hook(struct ll_pass *p, enum ll_hook h, int layer, int row0, int n_rows, float *data, int width,
                 long stride, struct ll_err *err)
{
    struct ll_hook_visit v = {h, layer, row0, n_rows, width, stride, -1, data, p->batch};
    return ll_pass_call(p, &v, err);
}

static int wants(const struct ll_pass *p, enum ll_hook h)
{
    return (wanted_hooks(p->listeners, p->n_listeners) & LL_HOOK_BIT(h)) != 0;
}

/* ---- a block --------------------------------------------------------------------------------- */

/* The next chunk of whole sequences of up to chunk_rows rows; 0 at the end. */
static int next_chunk(const struct ll_pass *p, struct ll_chunk *c)
{
    const struct ll_batch *b = c->batch;
    c->seq0 = c->seq1;
    c->row0 = c->seq0 < b->n_seq ? b->start[c->seq0] : 0;
    if (c->seq0 >= b->n_seq)
        return 0;
    do
        c->seq1++;
    while (c->seq1 < b->n_seq && b->start[c->seq1 + 1] - c->row0 <= p->chunk_rows);
    c->n = b->start[c->seq1] - c->row0;
    return 1;
}

struct rows_job {
    struct ll_pass *p;
    float *a;
    const float *b;
    float scale;
};

/* a <- a + b, rows of d_model */
static void add_some(void *arg, int row0, int row1)
{
    struct rows_job *j = arg;
    size_t d = (size_t)j->p->model->d_model, at = (size_t)row0 * d;
    ll_engine_vec(j->p->engine)->add(j->a + at, j->a + at, j->b + at, (size_t)(row1 - row0) * d);
}

static void add_to_stream(struct ll_pass *p, const struct ll_chunk *c, int layer)
{
    struct rows_job j = {.p = p, .a = p->resid + (size_t)c->row0 * (size_t)p->model->d_model, .b = p->out};
    ll_engine_rows(p->engine, c->n, add_some, &j);
    ll_pass_store(p, LL_STORE_RESID, layer, j.a, p->model->d_model, c->n, p->model->d_model);
}

static void scale_some(void *arg, int row0, int row1)
{
    struct rows_job *j = arg;
    size_t d = (size_t)j->p->model->d_model, at = (size_t)row0 * d;
    ll_engine_vec(j->p->engine)->scale(j->a + at, j->a + at, (size_t)(row1 - row0) * d, j->scale);
}

/* What a half block adds to the stream: its output in p->out, normed and multiplied where the family does so.
 * x: what it read. */
static int addend(struct ll_pass *p, const struct ll_chunk *c, const struct ll_norm *post, enum ll_hook h,
                  int layer, const float *x, struct ll_err *err)
{
    int d = p->model->d_model, bad;
    float scale = p->model->layers[layer].resid_scale;
    if (post->w)
        ll_norm_rows(p->engine, post, p->out, d, c->n, p->out, d, NULL);
    if (scale != 1.0f) {
        struct rows_job j = {.p = p, .a = p->out, .scale = scale};
        ll_engine_rows(p->engine, c->n, scale_some, &j);
    }
    if (!p->allow_nonfinite && (bad = ll_first_bad_row(ll_engine_vec(p->engine), p->out, d, c->n, d)) >= 0)
        return (h == LL_HOOK_ATTN_OUT ? ll_blame_attention : ll_blame_mlp)(p, c, layer, x, bad, err);
    ll_pass_store(p, LL_STORE_BRANCH, layer, p->out, d, c->n, d);
    return ll_pass_hook(p, h, layer, c->row0, c->n, p->out, d, d, err);
}

/* ln1, ln2: the stream's rows normalised into p->normed. A stream that is not finite shows in its scale. */
static int pre_norm(struct ll_pass *p, const struct ll_chunk *c, const struct ll_norm *norm, int layer,
                    enum ll_hook scale, struct ll_err *err)
{
    int d = p->model->d_model, rc;
    ll_norm_rows(p->engine, norm, p->resid + (size_t)c->row0 * (size_t)d, d, c->n, p->normed, d,
                 p->scale + c->row0);
    for (int r = 0; r < c->n && !p->allow_nonfinite; r++)
        if (!isfinite(p->scale[c->row0 + r]))
            return ll_blame_stream(p, ll_hook_info(scale)->name, layer, c->row0 + r, err);
    if ((rc = ll_pass_hook(p, scale, layer, c->row0, c->n, p->scale + c->row0, 1, 1, err)))
        return rc;
    ll_pass_store(p, LL_STORE_NORM, layer, p->normed, d, c->n, d);
    return ll_pass_hook(p, (enum ll_hook)(scale + 1), layer, c->row0, c->n, p->normed, d, d,
                        err); /* .normalized follows .scale in the list */
}

/* One block over one chunk: reads and writes the rows of p->resid. What attention and MLP read is p->normed,
 * or the stream itself where the family has no norm there (OLMo 2). In a parallel block both read the block's
 * input, so ln2 (or ln1's output, kept) is taken before attention's part joins the stream, and there is no
 * resid_mid. */
static int block(struct ll_pass *p, const struct ll_chunk *c, int layer, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    const struct ll_layer *L = &m->layers[layer];
    int d = m->d_model, rc;
    float *resid = p->resid + (size_t)c->row0 * (size_t)d;
    const float *x = L->ln1.w ? p->normed : resid; /* what attention reads */

    if ((rc = ll_pass_hook(p, LL_HOOK_RESID_PRE, layer, c->row0, c->n, resid, d, d, err)))
        return rc;
    if (L->ln1.w && (rc = pre_norm(p, c, &L->ln1, layer, LL_HOOK_LN1_SCALE, err)))
        return rc;
    if ((rc = ll_block_attention(p, c, L, layer, x, err))
        || (rc = addend(p, c, &L->ln1_post, LL_HOOK_ATTN_OUT, layer, x, err)))
        return rc;

    if (L->parallel) {
        if (L->ln2.w && (rc = pre_norm(p, c, &L->ln2, layer, LL_HOOK_LN2_SCALE, err)))
            return rc;
        add_to_stream(p, c, layer);
        x = p->normed;
    } else {
        add_to_stream(p, c, layer); /* resid_mid = resid_pre + attn_out */
        if ((rc = ll_pass_hook(p, LL_HOOK_RESID_MID, layer, c->row0, c->n, resid, d, d, err)))
            return rc;
        if (L->ln2.w && (rc = pre_norm(p, c, &L->ln2, layer, LL_HOOK_LN2_SCALE, err)))
            return rc;
        x = L->ln2.w ? p->normed : resid;
    }
    if ((rc = ll_block_mlp(p, c, L, layer, x, err))
        || (rc = addend(p, c, &L->ln2_post, LL_HOOK_MLP_OUT, layer, x, err)))
        return rc;
    add_to_stream(p, c, layer); /* resid_post = resid_mid + mlp_out, or (resid_pre + attn_out) + mlp_out */

    return ll_pass_hook(p, LL_HOOK_RESID_POST, layer, c->row0, c->n, resid, d, d, err);
}

/* Row n of a table as stored, as floats. */
static void look_up(const struct ll_tensor *table, int n_rows, int row, float *out, size_t d)
{
    ll_dtype_info(table->dtype)->to_f32(table->data + (size_t)row * (table->size / (size_t)n_rows), out, d);
}

/* The word's row times the family's scale, plus the position's row where positions are learned. */
static int embed(struct ll_pass *p, const struct ll_batch *b, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    const struct ll_vec *vec = ll_engine_vec(p->engine);
    size_t d = (size_t)m->d_model;
    for (int r = 0, seq = 0; r < b->start[b->n_seq]; r++) {
        if (b->ids[r] < 0 || b->ids[r] >= m->d_vocab)
            return ll_fail(err, LL_EUSAGE, "token id: expected 0..%d, found %d (row %d)", m->d_vocab - 1,
                           b->ids[r], r);
        float *x = p->resid + (size_t)r * d;
        look_up(m->W_E, m->d_vocab, b->ids[r], x, d);
        if (m->emb_scale != 1.0f)
            vec->scale(x, x, d, m->emb_scale);
        while (b->start[seq + 1] <= r)
            seq++;
        if (m->W_pos) {
            look_up(m->W_pos, m->n_positions, r - b->start[seq], p->out, d);
            vec->add(x, x, p->out, d);
        }
        if (!p->allow_nonfinite && ll_first_bad_row(vec, x, (long)d, 1, (int)d) == 0)
            return ll_blame_embedding(p, b->ids[r], r - b->start[seq], err);
    }
    ll_pass_store(p, LL_STORE_RESID, -1, p->resid, (long)d, b->start[b->n_seq], (int)d);
    return ll_pass_hook(p, LL_HOOK_EMBED, -1, 0, b->start[b->n_seq], p->resid, (int)d, (long)d, err);
}

static int final_norm(struct ll_pass *p, int rows, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    int d = m->d_model, rc;
    ll_norm_rows(p->engine, &m->ln_final, p->resid, d, rows, p->final, d, p->scale);
    ll_pass_store(p, LL_STORE_NORM, -1, p->final, d, rows, d);
    for (int r = 0; r < rows && !p->allow_nonfinite; r++)
        if (!isfinite(p->scale[r]))
            return ll_blame_stream(p, "the final norm", -1, r, err);
    if (!p->allow_nonfinite && ll_first_bad_row(ll_engine_vec(p->engine), p->final, d, rows, d) >= 0) {
        p->met_nonfinite = ll_blame_head(m, 0, err) ? 1 : 2;
        return ll_fail(err, LL_EUSAGE, "the final norm's result is not finite");
    }
    if ((rc = ll_pass_hook(p, LL_HOOK_LN_FINAL_SCALE, -1, 0, rows, p->scale, 1, 1, err))
        || (rc = ll_pass_hook(p, LL_HOOK_LN_FINAL_NORMALIZED, -1, 0, rows, p->final, d, d, err)))
        return rc;
    if (!wants(p, LL_HOOK_LOGITS))
        return LL_OK;
    int step = p->chunk_rows; /* the engine's scratch is made for that many rows */
    for (int r = 0; r < rows; r += step) {
        int n = rows - r < step ? rows - r : step;
        ll_pass_linear(p, &m->W_U, p->final + (size_t)r * (size_t)d, d, n, NULL,
                       p->logits + (size_t)r * (size_t)m->d_vocab, m->d_vocab);
    }
    for (int r = 0; r < rows; r++)
        ll_head_tail(m, ll_engine_vec(p->engine), p->logits + (size_t)r * (size_t)m->d_vocab, 0, m->d_vocab);
    for (size_t i = 0, n = (size_t)rows * (size_t)m->d_vocab; i < n && !p->allow_nonfinite; i++)
        if (!(p->logits[i] <= FLT_MAX)) { /* a word masked by a bias of -inf is in order */
            p->met_nonfinite = ll_blame_head(m, 1, err) ? 1 : 2;
            return ll_fail(err, LL_EUSAGE, "the logits are not finite");
        }
    ll_pass_store(p, LL_STORE_LOGITS, -1, p->logits, m->d_vocab, rows, m->d_vocab);
    return ll_pass_hook(p, LL_HOOK_LOGITS, -1, 0, rows, p->logits, m->d_vocab, m->d_vocab, err);
}

int ll_forward(struct ll_pass *p, const struct ll_batch *b, int from, int to, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    int rows = b->start[b->n_seq], rc = LL_OK, l;
    if (from < 0 || to < from || to > m->n_layers)
        return ll_fail(err, LL_EUSAGE, "layers: expected 0 <= from <= to <= %d, found %d and %d", m->n_layers,
                       from, to);
    if (rows > p->max_rows)
        return ll_fail(err, LL_EUSAGE, "pass: made for %d rows, asked for %d", p->max_rows, rows);
    for (int s = 0; s < b->n_seq; s++)
        if (b->start[s + 1] - b->start[s] < 1 || b->start[s + 1] - b->start[s] > p->max_seq)
            return ll_fail(err, LL_EUSAGE, "sequence %d: expected 1..%d tokens, found %d", s, p->max_seq,
                           b->start[s + 1] - b->start[s]);
        else if (m->n_positions && b->start[s + 1] - b->start[s] > m->n_positions)
            return ll_fail(err, LL_EUSAGE,
                           "sequence %d: expected at most %d tokens, as many as the model has learned "
                           "positions, found %d",
                           s, m->n_positions, b->start[s + 1] - b->start[s]);

    p->met_nonfinite = 0;
    p->batch = b;
    if (from == 0 && (rc = embed(p, b, err)))
        return rc;
    for (l = from; l < to && !rc; l++) {
        struct ll_chunk c = {.batch = b};
        ll_model_will_need(m, l + 1);
        while (!rc && next_chunk(p, &c))
            rc = block(p, &c, l, err);
        if (p->drop_behind)
            ll_model_dont_need(m, l);
        if (p->progress && !rc)
            p->progress(p->progress_arg, l, m->n_layers);
    }
    if (!rc && to == m->n_layers)
        rc = final_norm(p, rows, err);
    if (!rc || p->met_nonfinite) { /* numbers of a file that changed meanwhile are no numbers of this model */
        struct ll_err changed = {0};
        if (ll_ckpt_unchanged(m->ckpt, &changed)) {
            if (err)
                *err = changed;
            return changed.code;
        }
    }
    return rc;
}
