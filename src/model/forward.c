/* forward.c - see forward.h. Sources: the published configs and transformers' modeling code of each family; order and
 * meaning of the hook points as in TransformerLens' transformer_block.py. */
#include "forward.h"

#include "ops.h"
#include "rope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 1024 };  /* rows a block works on at once, unless one sequence is longer */

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static uint32_t wanted_hooks(const struct ll_listener *l, int n)
{
    uint32_t all = 0;
    for (int i = 0; i < n; i++)
        all |= l[i].hooks;
    return all;
}

struct slot { float **p; size_t floats; };

/* One table of all buffers, for both the sum and the making. */
static int slots(struct ll_pass *p, struct slot out[16])
{
    const struct ll_model *m = p->model;
    size_t rows = (size_t)p->max_rows, chunk = (size_t)p->chunk_rows, d = (size_t)m->d_model, seq = (size_t)p->max_seq;
    size_t dq = (size_t)m->n_heads * (size_t)m->d_head, dkv = (size_t)m->n_kv_heads * (size_t)m->d_head;
    uint32_t hooks = wanted_hooks(p->listeners, p->n_listeners);
    size_t square = hooks & (LL_HOOK_BIT(LL_HOOK_ATTN_SCORES) | LL_HOOK_BIT(LL_HOOK_PATTERN)) ? (size_t)m->n_heads * seq * seq : 0;
    size_t full = hooks & LL_HOOK_BIT(LL_HOOK_LOGITS) ? rows * (size_t)m->d_vocab : 0;
    int n = 0;
    out[n++] = (struct slot){&p->resid, rows * d};
    out[n++] = (struct slot){&p->final, rows * d};
    out[n++] = (struct slot){&p->scale, rows};
    out[n++] = (struct slot){&p->normed, chunk * d};
    out[n++] = (struct slot){&p->qkv, chunk * (dq + 2 * dkv)};
    out[n++] = (struct slot){&p->z, chunk * dq};
    out[n++] = (struct slot){&p->out, chunk * d};
    out[n++] = (struct slot){&p->gate, chunk * (size_t)m->d_mlp};
    out[n++] = (struct slot){&p->up, chunk * (size_t)m->d_mlp};
    out[n++] = (struct slot){&p->rope_cos, seq * (size_t)(m->rope.d_rot / 2)};
    out[n++] = (struct slot){&p->rope_sin, seq * (size_t)(m->rope.d_rot / 2)};
    out[n++] = (struct slot){&p->scores, square};
    out[n++] = (struct slot){&p->pattern, square};
    out[n++] = (struct slot){&p->logits, full};
    return n;
}

static void set_sizes(struct ll_pass *p, const struct ll_model *model, int max_rows, int max_seq, const struct ll_listener *l, int n)
{
    memset(p, 0, sizeof *p);
    p->model = model;
    p->max_rows = max_rows;
    p->max_seq = max_seq;
    p->chunk_rows = max_rows < CHUNK_ROWS ? max_rows : max_seq > CHUNK_ROWS ? max_seq : CHUNK_ROWS;
    p->listeners = l;
    p->n_listeners = n;
}

long long ll_pass_bytes(const struct ll_model *model, int max_rows, int max_seq, const struct ll_listener *l, int n)
{
    struct ll_pass p;
    struct slot s[16];
    long long sum = 0;
    set_sizes(&p, model, max_rows, max_seq, l, n);
    for (int i = 0, k = slots(&p, s); i < k; i++)
        sum += (long long)(s[i].floats * sizeof(float));
    return sum + (long long)sizeof(struct ll_attn) * p.chunk_rows;
}

int ll_pass_init(struct ll_pass *p, const struct ll_model *model, struct ll_engine *engine, int max_rows, int max_seq,
                 const struct ll_listener *l, int n, struct ll_err *err)
{
    struct slot s[16];
    set_sizes(p, model, max_rows, max_seq, l, n);
    p->engine = engine;
    if (max_rows < 1 || max_seq < 1 || max_seq > max_rows) {
        memset(p, 0, sizeof *p);
        return ll_fail(err, LL_EUSAGE, "pass: expected 1 <= longest sequence <= rows, found %d and %d", max_seq, max_rows);
    }
    int rc = LL_OK;
    for (int i = 0, k = slots(p, s); i < k && !rc; i++) {
        /* 64-byte lines: rows of x and y meet vector loads */
        size_t bytes = (s[i].floats * sizeof(float) + 63) & ~(size_t)63;
        if (bytes && !(*s[i].p = aligned_alloc(64, bytes)))
            rc = ll_fail_mem(err, "working memory of the pass", bytes);
    }
    p->attn = calloc((size_t)p->chunk_rows, sizeof *p->attn);
    if (!rc && !p->attn)
        rc = ll_fail_mem(err, "working memory of the pass", sizeof *p->attn * (size_t)p->chunk_rows);
    int widest = model->d_mlp > model->d_model ? model->d_mlp : model->d_model;
    if (widest < model->n_heads * model->d_head)
        widest = model->n_heads * model->d_head;
    if (!rc)
        rc = ll_engine_reserve(engine, p->chunk_rows, widest, max_seq, model->d_head, err);
    if (rc)
        ll_pass_free(p);
    else
        ll_rope_table(&model->rope, max_seq, p->rope_cos, p->rope_sin);
    return rc;
}

void ll_pass_free(struct ll_pass *p)
{
    struct slot s[16];
    if (!p->model)
        return;
    for (int i = 0, k = slots(p, s); i < k; i++)
        free(*s[i].p);
    free(p->attn);
    memset(p, 0, sizeof *p);
}

/* ---- hooks ------------------------------------------------------------------------------------------------------- */

static int call(struct ll_pass *p, const struct ll_hook_visit *visit, struct ll_err *err)
{
    for (int i = 0; i < p->n_listeners; i++)
        if (p->listeners[i].hooks & LL_HOOK_BIT(visit->hook)) {
            int rc = p->listeners[i].fn(p->listeners[i].arg, visit, err);
            if (rc)
                return rc;
        }
    return LL_OK;
}

static int hook(struct ll_pass *p, enum ll_hook h, int layer, int row0, int n_rows, float *data, int width, long stride, struct ll_err *err)
{
    struct ll_hook_visit v = {h, layer, row0, n_rows, width, stride, -1, data};
    return call(p, &v, err);
}

static int wants(const struct ll_pass *p, enum ll_hook h)
{
    return (wanted_hooks(p->listeners, p->n_listeners) & LL_HOOK_BIT(h)) != 0;
}

/* ---- parts of a block -------------------------------------------------------------------------------------------- */

/* What a block works on: whole sequences seq0..seq1-1 of the batch, rows row0..row0+n-1. */
struct chunk { const struct ll_batch *batch; int seq0, seq1, row0, n; };

/* The next chunk of whole sequences of up to chunk_rows rows; 0 at the end. */
static int next_chunk(const struct ll_pass *p, struct chunk *c)
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
    const struct chunk *c;
    const struct ll_layer *L;
    float *a, *b;            /* meaning depends on the step */
    long lda;
    int n_heads;
    const struct ll_norm *norm;
    int seq;
};

/* Rotate the heads of each row by the row's position in its sequence. a: first head of row 0 of the chunk. */
static void rotate_some(void *arg, int row0, int row1)
{
    struct rows_job *j = arg;
    const struct ll_model *m = j->p->model;
    const int *start = j->c->batch->start;
    int seq = j->c->seq0, half = m->rope.d_rot / 2;
    for (int r = row0; r < row1; r++) {
        while (start[seq + 1] <= j->c->row0 + r)
            seq++;
        size_t at = (size_t)(j->c->row0 + r - start[seq]) * (size_t)half;
        ll_rope_apply(&m->rope, j->a + r * j->lda, j->n_heads, m->d_head, j->p->rope_cos + at, j->p->rope_sin + at);
    }
}

/* RMS norm of each head of each row (Qwen 3). */
static void norm_heads_some(void *arg, int row0, int row1)
{
    struct rows_job *j = arg;
    const struct ll_vec *vec = ll_engine_vec(j->p->engine);
    int d = j->norm->d;
    for (int r = row0; r < row1; r++)
        for (int h = 0; h < j->n_heads; h++) {
            float *x = j->a + r * j->lda + (long)h * d;
            ll_rmsnorm(vec, x, x, j->norm->w, d, j->norm->eps);
        }
}

/* gate <- act(gate) * up */
static void activate_some(void *arg, int row0, int row1)
{
    struct rows_job *j = arg;
    const struct ll_model *m = j->p->model;
    const struct ll_vec *vec = ll_engine_vec(j->p->engine);
    void (*const act[])(float *, const float *, size_t) = {
        [LL_ACT_SILU] = vec->silu, [LL_ACT_GELU_TANH] = vec->gelu_tanh, [LL_ACT_GELU_ERF] = vec->gelu_erf};
    size_t at = (size_t)row0 * (size_t)m->d_mlp, n = (size_t)(row1 - row0) * (size_t)m->d_mlp;
    act[m->act](j->a + at, j->a + at, n);
    vec->mul(j->a + at, j->a + at, j->b + at, n);
}

/* a <- a + b, rows of d_model */
static void add_some(void *arg, int row0, int row1)
{
    struct rows_job *j = arg;
    size_t d = (size_t)j->p->model->d_model, at = (size_t)row0 * d;
    ll_engine_vec(j->p->engine)->add(j->a + at, j->a + at, j->b + at, (size_t)(row1 - row0) * d);
}

static void add_to_stream(struct ll_pass *p, const struct chunk *c)
{
    struct rows_job j = {.p = p, .a = p->resid + (size_t)c->row0 * (size_t)p->model->d_model, .b = p->out};
    ll_engine_rows(p->engine, c->n, add_some, &j);
}

/* ln1, ln2: the stream's rows normalised into p->normed. A stream that is not finite shows in its rms. */
static int pre_norm(struct ll_pass *p, const struct chunk *c, const struct ll_norm *norm, int layer, enum ll_hook scale, struct ll_err *err)
{
    int d = p->model->d_model, rc;
    ll_norm_rows(p->engine, norm, p->resid + (size_t)c->row0 * (size_t)d, d, c->n, p->normed, d, p->scale + c->row0);
    for (int r = 0; r < c->n && !p->allow_nonfinite; r++)
        if (!isfinite(p->scale[c->row0 + r]))
            return p->met_nonfinite = 1, ll_fail(err, LL_EUSAGE, "the residual stream is not finite (first seen at layer %d, %s, row %d)", layer, ll_hook_info(scale)->name, c->row0 + r);
    if ((rc = hook(p, scale, layer, c->row0, c->n, p->scale + c->row0, 1, 1, err)))
        return rc;
    return hook(p, (enum ll_hook)(scale + 1), layer, c->row0, c->n, p->normed, d, d, err); /* .normalized follows .scale in the list */
}

/* Attention of one sequence with listeners at the scores or the pattern: compute, show, go on from what they left. */
static int attend_with_hooks(struct ll_pass *p, struct ll_attn *a, int layer, int seq, int row0, struct ll_err *err)
{
    int rc;
    float *z = a->z;
    struct ll_hook_visit v = {LL_HOOK_ATTN_SCORES, layer, row0, a->n_pos, a->n_pos, a->n_pos, seq, p->scores};
    a->z = NULL;
    a->scores_out = p->scores;
    ll_attention(p->engine, a);
    if ((rc = call(p, &v, err)))
        return rc;
    a->scores_out = NULL;
    a->scores_in = p->scores;
    a->pattern_out = p->pattern;
    ll_attention(p->engine, a);
    v.hook = LL_HOOK_PATTERN;
    v.data = p->pattern;
    if ((rc = call(p, &v, err)))
        return rc;
    a->pattern_out = NULL;
    a->scores_in = NULL;
    a->pattern_in = p->pattern;
    a->z = z;
    ll_attention(p->engine, a);
    return LL_OK;
}

static int attention(struct ll_pass *p, const struct chunk *c, const struct ll_layer *L, int layer, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    int dh = m->d_head, dq = m->n_heads * dh, dkv = m->n_kv_heads * dh, rc;
    long ld = dq + 2 * dkv;
    float *q = p->qkv, *k = q + dq, *v = k + dkv;  /* [n, heads, d_head] each, row stride ld */
    struct ll_engine *e = p->engine;

    ll_linear(e, &L->W_Q, p->normed, m->d_model, c->n, L->b_Q, q, ld);
    ll_linear(e, &L->W_K, p->normed, m->d_model, c->n, L->b_K, k, ld);
    ll_linear(e, &L->W_V, p->normed, m->d_model, c->n, L->b_V, v, ld);
    if ((rc = hook(p, LL_HOOK_Q, layer, c->row0, c->n, q, dq, ld, err)) || (rc = hook(p, LL_HOOK_K, layer, c->row0, c->n, k, dkv, ld, err)) ||
        (rc = hook(p, LL_HOOK_V, layer, c->row0, c->n, v, dkv, ld, err)))
        return rc;

    struct rows_job jq = {.p = p, .c = c, .a = q, .lda = ld, .n_heads = m->n_heads, .norm = &L->q_norm};
    struct rows_job jk = {.p = p, .c = c, .a = k, .lda = ld, .n_heads = m->n_kv_heads, .norm = &L->k_norm};
    if (L->q_norm.w) {
        ll_engine_rows(e, c->n, norm_heads_some, &jq);
        ll_engine_rows(e, c->n, norm_heads_some, &jk);
    }
    ll_engine_rows(e, c->n, rotate_some, &jq);
    ll_engine_rows(e, c->n, rotate_some, &jk);
    if ((rc = hook(p, LL_HOOK_ROT_Q, layer, c->row0, c->n, q, dq, ld, err)) || (rc = hook(p, LL_HOOK_ROT_K, layer, c->row0, c->n, k, dkv, ld, err)))
        return rc;

    const int *start = c->batch->start;
    for (int s = c->seq0; s < c->seq1; s++) {
        size_t at = (size_t)(start[s] - c->row0);
        p->attn[s - c->seq0] = (struct ll_attn){
            .n_pos = start[s + 1] - start[s], .n_heads = m->n_heads, .n_kv_heads = m->n_kv_heads, .d_head = dh, .window = L->window,
            .scale = m->attn_scale, .cap = m->attn_cap, .q = q + at * (size_t)ld, .k = k + at * (size_t)ld, .v = v + at * (size_t)ld,
            .ldq = ld, .ldkv = ld, .ldz = dq, .z = p->z + at * (size_t)dq};
    }
    if (!p->scores)
        ll_attention_many(e, p->attn, c->seq1 - c->seq0);
    for (int s = c->seq0; p->scores && s < c->seq1; s++)
        if ((rc = attend_with_hooks(p, &p->attn[s - c->seq0], layer, s, start[s], err)))
            return rc;
    if ((rc = hook(p, LL_HOOK_Z, layer, c->row0, c->n, p->z, dq, dq, err)))
        return rc;
    ll_linear(e, &L->W_O, p->z, dq, c->n, L->b_O, p->out, m->d_model);
    return LL_OK;
}

static int mlp(struct ll_pass *p, const struct chunk *c, const struct ll_layer *L, int layer, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    int d = m->d_model, f = m->d_mlp, rc;
    struct rows_job j = {.p = p, .a = p->gate, .b = p->up};

    ll_linear(p->engine, &L->W_gate, p->normed, d, c->n, L->b_gate, p->gate, f);
    ll_linear(p->engine, &L->W_in, p->normed, d, c->n, L->b_in, p->up, f);
    if ((rc = hook(p, LL_HOOK_PRE, layer, c->row0, c->n, p->gate, f, f, err)) || (rc = hook(p, LL_HOOK_PRE_LINEAR, layer, c->row0, c->n, p->up, f, f, err)))
        return rc;
    ll_engine_rows(p->engine, c->n, activate_some, &j);
    if ((rc = hook(p, LL_HOOK_POST, layer, c->row0, c->n, p->gate, f, f, err)))
        return rc;
    ll_linear(p->engine, &L->W_out, p->gate, f, c->n, L->b_out, p->out, d);
    return LL_OK;
}

/* One block over one chunk: reads and writes the rows of p->resid. */
static int block(struct ll_pass *p, const struct chunk *c, int layer, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    const struct ll_layer *L = &m->layers[layer];
    int d = m->d_model, rc;
    float *resid = p->resid + (size_t)c->row0 * (size_t)d;

    if ((rc = hook(p, LL_HOOK_RESID_PRE, layer, c->row0, c->n, resid, d, d, err)) ||
        (rc = pre_norm(p, c, &L->ln1, layer, LL_HOOK_LN1_SCALE, err)) || (rc = attention(p, c, L, layer, err)))
        return rc;
    if (L->ln1_post.w)
        ll_norm_rows(p->engine, &L->ln1_post, p->out, d, c->n, p->out, d, NULL);
    if ((rc = hook(p, LL_HOOK_ATTN_OUT, layer, c->row0, c->n, p->out, d, d, err)))
        return rc;
    add_to_stream(p, c); /* resid_mid = resid_pre + attn_out */

    if ((rc = hook(p, LL_HOOK_RESID_MID, layer, c->row0, c->n, resid, d, d, err)) ||
        (rc = pre_norm(p, c, &L->ln2, layer, LL_HOOK_LN2_SCALE, err)) || (rc = mlp(p, c, L, layer, err)))
        return rc;
    if (L->ln2_post.w)
        ll_norm_rows(p->engine, &L->ln2_post, p->out, d, c->n, p->out, d, NULL);
    if ((rc = hook(p, LL_HOOK_MLP_OUT, layer, c->row0, c->n, p->out, d, d, err)))
        return rc;
    add_to_stream(p, c); /* resid_post = resid_mid + mlp_out */

    return hook(p, LL_HOOK_RESID_POST, layer, c->row0, c->n, resid, d, d, err);
}

static int embed(struct ll_pass *p, const struct ll_batch *b, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    const struct ll_dtype_info *type = ll_dtype_info(m->W_E->dtype);
    const struct ll_vec *vec = ll_engine_vec(p->engine);
    size_t d = (size_t)m->d_model, row_bytes = m->W_E->size / (size_t)m->d_vocab;
    for (int r = 0; r < b->start[b->n_seq]; r++) {
        if (b->ids[r] < 0 || b->ids[r] >= m->d_vocab)
            return ll_fail(err, LL_EUSAGE, "token id: expected 0..%d, found %d (row %d)", m->d_vocab - 1, b->ids[r], r);
        float *x = p->resid + (size_t)r * d;
        type->to_f32(m->W_E->data + (size_t)b->ids[r] * row_bytes, x, d);
        if (m->emb_scale != 1.0f)
            vec->scale(x, x, d, m->emb_scale);
    }
    return hook(p, LL_HOOK_EMBED, -1, 0, b->start[b->n_seq], p->resid, (int)d, (long)d, err);
}

static int final_norm(struct ll_pass *p, int rows, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    int d = m->d_model, rc;
    ll_norm_rows(p->engine, &m->ln_final, p->resid, d, rows, p->final, d, p->scale);
    for (int r = 0; r < rows && !p->allow_nonfinite; r++)
        if (!isfinite(p->scale[r]))
            return p->met_nonfinite = 1, ll_fail(err, LL_EUSAGE, "the residual stream is not finite (first seen at the final norm, row %d)", r);
    if ((rc = hook(p, LL_HOOK_LN_FINAL_SCALE, -1, 0, rows, p->scale, 1, 1, err)) || (rc = hook(p, LL_HOOK_LN_FINAL_NORMALIZED, -1, 0, rows, p->final, d, d, err)))
        return rc;
    if (!wants(p, LL_HOOK_LOGITS))
        return LL_OK;
    int step = p->chunk_rows; /* the engine's scratch is made for that many rows */
    for (int r = 0; r < rows; r += step) {
        int n = rows - r < step ? rows - r : step;
        ll_linear(p->engine, &m->W_U, p->final + (size_t)r * (size_t)d, d, n, NULL, p->logits + (size_t)r * (size_t)m->d_vocab, m->d_vocab);
    }
    ll_head_tail(m, ll_engine_vec(p->engine), p->logits, (size_t)rows * (size_t)m->d_vocab);
    return hook(p, LL_HOOK_LOGITS, -1, 0, rows, p->logits, m->d_vocab, m->d_vocab, err);
}

/* A pass that met a NaN: say which weight had it, if one did (layer -1 first, as the pass went). */
static int blame_weights(const struct ll_model *m, int upto, struct ll_err *err)
{
    for (int l = -1; l <= upto; l++) {
        int64_t at;
        const char *name = ll_model_nonfinite(m, l, &at);
        if (!name)
            continue;
        struct ll_err found = {0};
        ll_fail(&found, LL_EUSAGE, "%s: tensor %s: value %lld is not finite (NaN or infinity)", m->ckpt->clean, name, (long long)at);
        *err = found;
        return LL_EUSAGE;
    }
    return err->code;
}

int ll_forward(struct ll_pass *p, const struct ll_batch *b, int from, int to, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    int rows = b->start[b->n_seq], rc = LL_OK, l;
    if (from < 0 || to < from || to > m->n_layers)
        return ll_fail(err, LL_EUSAGE, "layers: expected 0 <= from <= to <= %d, found %d and %d", m->n_layers, from, to);
    if (rows > p->max_rows)
        return ll_fail(err, LL_EUSAGE, "pass: made for %d rows, asked for %d", p->max_rows, rows);
    for (int s = 0; s < b->n_seq; s++)
        if (b->start[s + 1] - b->start[s] < 1 || b->start[s + 1] - b->start[s] > p->max_seq)
            return ll_fail(err, LL_EUSAGE, "sequence %d: expected 1..%d tokens, found %d", s, p->max_seq, b->start[s + 1] - b->start[s]);

    p->met_nonfinite = 0;
    if (from == 0 && (rc = embed(p, b, err)))
        return rc;
    for (l = from; l < to && !rc; l++) {
        struct chunk c = {.batch = b};
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
    if (rc && p->met_nonfinite && err)
        rc = blame_weights(m, l < m->n_layers ? l : m->n_layers, err);
    return rc;
}
