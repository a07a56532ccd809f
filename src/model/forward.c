/* forward.c - see forward.h. Sources: the published configs and transformers' modeling code of each family;
 * order and meaning of the hook points as in TransformerLens' transformer_block.py. */
#include "forward.h"

#include "blame.h"
#include "pass.h"

/* ---- hooks ----------------------------------------------------------------------------------- */

int ll_pass_visit(struct ll_pass *p, const struct ll_hook_visit *visit, struct ll_err *err)
{
    for (int i = 0; i < p->n_listeners; i++)
        if (p->listeners[i].hooks & LL_HOOK_BIT(visit->hook))
            LL_TRY(p->listeners[i].fn(p->listeners[i].arg, visit, err));
    return LL_OK;
}

int ll_pass_hook(struct ll_pass *p, const struct ll_chunk *c, enum ll_hook h, struct ll_rows rows,
                 struct ll_err *err)
{
    const struct ll_hook_visit v = {.hook = h,
                                    .layer = c->layer,
                                    .row0 = c->row0,
                                    .n_rows = rows.n,
                                    .width = rows.width,
                                    .stride = rows.ld,
                                    .seq = -1,
                                    .data = rows.x,
                                    .batch = c->batch};
    return ll_pass_visit(p, &v, err);
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

/* The chunk's rows of the stream. */
static struct ll_rows stream_of(const struct ll_pass *p, const struct ll_chunk *c)
{
    return ll_rows(p->resid + (size_t)c->row0 * (size_t)p->model->d_model, c->n, p->model->d_model);
}

/* ln1, ln2: *x becomes the stream's rows normalised. Without such a norm (OLMo 2) it stays what it is. */
static int pre_norm(struct ll_pass *p, const struct ll_chunk *c, const struct ll_norm *norm,
                    enum ll_hook scale_hook, struct ll_rows *x, struct ll_err *err)
{
    if (!norm->w)
        return LL_OK;
    struct ll_rows scale = ll_rows(p->scale + c->row0, c->n, 1);
    *x = ll_rows(p->normed, c->n, p->model->d_model);
    p->ops->norm(p, c, norm, stream_of(p, c), *x, scale.x);
    LL_TRY(ll_check_scale(p, c, scale_hook, err));
    LL_TRY(ll_pass_hook(p, c, scale_hook, scale, err));
    return ll_pass_hook(p, c, (enum ll_hook)(scale_hook + 1), *x, err); /* .normalized follows in the list */
}

/* attn_out, mlp_out: `out` becomes what attention or MLP, which read x, adds to the stream. */
static int addend(struct ll_pass *p, const struct ll_chunk *c, enum ll_hook hook, struct ll_rows x,
                  struct ll_rows out, struct ll_err *err)
{
    p->ops->addend(p, c, hook == LL_HOOK_ATTN_OUT ? &c->L->ln1_post : &c->L->ln2_post, out);
    LL_TRY(ll_check_addend(p, c, hook, x, out, err));
    return ll_pass_hook(p, c, hook, out, err);
}

/* One block over one chunk: reads and writes its rows of the stream. In a parallel block attention and MLP
 * both read the block's input, so ln2 (or ln1's output, kept) is taken before attention's part joins the
 * stream, and there is no resid_mid. */
static int block(struct ll_pass *p, const struct ll_chunk *c, struct ll_err *err)
{
    const struct ll_layer *L = c->L;
    struct ll_rows resid = stream_of(p, c), out = ll_rows(p->out, c->n, p->model->d_model), x = resid;

    LL_TRY(ll_pass_hook(p, c, LL_HOOK_RESID_PRE, resid, err));
    LL_TRY(pre_norm(p, c, &L->ln1, LL_HOOK_LN1_SCALE, &x, err));
    LL_TRY(ll_block_attention(p, c, x, out, err));
    LL_TRY(addend(p, c, LL_HOOK_ATTN_OUT, x, out, err));

    if (L->parallel) {
        LL_TRY(pre_norm(p, c, &L->ln2, LL_HOOK_LN2_SCALE, &x, err));
        p->ops->add(p, c, resid, out);
    } else {
        p->ops->add(p, c, resid, out); /* resid_mid = resid_pre + attn_out */
        x = resid;
        LL_TRY(ll_pass_hook(p, c, LL_HOOK_RESID_MID, resid, err));
        LL_TRY(pre_norm(p, c, &L->ln2, LL_HOOK_LN2_SCALE, &x, err));
    }

    LL_TRY((L->experts.n ? ll_block_experts : ll_block_mlp)(p, c, x, out, err));
    LL_TRY(addend(p, c, LL_HOOK_MLP_OUT, x, out, err));
    p->ops->add(p, c, resid, out); /* resid_post = resid_mid + mlp_out, or (resid_pre + attn_out) + mlp_out */
    return ll_pass_hook(p, c, LL_HOOK_RESID_POST, resid, err);
}

/* ---- before and after the blocks ------------------------------------------------------------- */

/* The word's row times the family's multiplier, plus the position's row where positions are learned. */
static int embed(struct ll_pass *p, const struct ll_chunk *all, struct ll_err *err)
{
    struct ll_rows resid = stream_of(p, all);
    p->ops->embed(p, all, resid);
    LL_TRY(ll_check_embedding(p, all, resid, err));
    return ll_pass_hook(p, all, LL_HOOK_EMBED, resid, err);
}

static int final_norm(struct ll_pass *p, const struct ll_chunk *all, struct ll_err *err)
{
    struct ll_rows final = ll_rows(p->final, all->n, p->model->d_model);
    p->ops->norm(p, all, &p->model->ln_final, stream_of(p, all), final, p->scale);
    LL_TRY(ll_check_final(p, all, final, err));
    LL_TRY(ll_pass_hook(p, all, LL_HOOK_LN_FINAL_SCALE, ll_rows(p->scale, all->n, 1), err));
    return ll_pass_hook(p, all, LL_HOOK_LN_FINAL_NORMALIZED, final, err);
}

static int head(struct ll_pass *p, const struct ll_chunk *all, struct ll_err *err)
{
    if (!p->logits) /* no listener asks for logits */
        return LL_OK;
    struct ll_rows logits = ll_rows(p->logits, all->n, p->model->d_vocab);
    p->ops->head(p, all, ll_rows(p->final, all->n, p->model->d_model), logits);
    LL_TRY(ll_check_logits(p, logits, err));
    return ll_pass_hook(p, all, LL_HOOK_LOGITS, logits, err);
}

/* ---- the pass -------------------------------------------------------------------------------- */

static int check_ids(const struct ll_model *m, const struct ll_batch *b, struct ll_err *err)
{
    for (int r = 0; r < b->start[b->n_seq]; r++)
        if (b->ids[r] < 0 || b->ids[r] >= m->d_vocab)
            return ll_fail(err, LL_EUSAGE, "token id: expected 0..%d, found %d (row %d)", m->d_vocab - 1,
                           b->ids[r], r);
    return LL_OK;
}

static int check_sequences(const struct ll_pass *p, const struct ll_batch *b, struct ll_err *err)
{
    int most = p->model->n_positions;
    if (b->start[b->n_seq] > p->max_rows)
        return ll_fail(err, LL_EUSAGE, "pass: made for %d rows, asked for %d", p->max_rows,
                       b->start[b->n_seq]);
    for (int s = 0; s < b->n_seq; s++) {
        int n = b->start[s + 1] - b->start[s];
        if (n < 1 || n > p->max_seq)
            return ll_fail(err, LL_EUSAGE, "sequence %d: expected 1..%d tokens, found %d", s, p->max_seq, n);
        if (most && n > most)
            return ll_fail(err, LL_EUSAGE,
                           "sequence %d: expected at most %d tokens, as many as the model has learned "
                           "positions, found %d",
                           s, most, n);
    }
    return LL_OK;
}

/* Layer l over the whole batch, a chunk at a time. */
static int layer(struct ll_pass *p, const struct ll_batch *b, int l, struct ll_err *err)
{
    struct ll_chunk c = {.batch = b, .layer = l, .L = &p->model->layers[l]};
    int rc = LL_OK;
    ll_model_will_need(p->model, l + 1);
    while (!rc && next_chunk(p, &c))
        rc = block(p, &c, err);
    if (p->drop_behind)
        ll_model_dont_need(p->model, l);
    if (p->progress && !rc)
        p->progress(p->progress_arg, l, p->model->n_layers);
    return rc;
}

static int run(struct ll_pass *p, const struct ll_batch *b, int from, int to, struct ll_err *err)
{
    const struct ll_chunk all = {.batch = b, .seq1 = b->n_seq, .n = b->start[b->n_seq], .layer = -1};
    if (from == 0)
        LL_TRY(embed(p, &all, err));
    for (int l = from; l < to; l++)
        LL_TRY(layer(p, b, l, err));
    if (to < p->model->n_layers)
        return LL_OK;
    LL_TRY(final_norm(p, &all, err));
    return head(p, &all, err);
}

int ll_forward(struct ll_pass *p, const struct ll_batch *b, int from, int to, struct ll_err *err)
{
    const struct ll_model *m = p->model;
    if (from < 0 || to < from || to > m->n_layers)
        return ll_fail(err, LL_EUSAGE, "layers: expected 0 <= from <= to <= %d, found %d and %d", m->n_layers,
                       from, to);
    LL_TRY(check_sequences(p, b, err));
    if (from == 0)
        LL_TRY(check_ids(m, b, err));

    p->met_nonfinite = 0;
    p->batch = b;
    int rc = run(p, b, from, to, err);
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
