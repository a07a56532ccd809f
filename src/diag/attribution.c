/* attribution.c - see attribution.h */
#include "attribution.h"

#include "ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the pass: what joins the stream at the position read ------------------------------------ */

struct parts {
    int d, dq, row;                               /* row: the one read */
    float *embed, *attn, *mlp, *post, *z, *final; /* [d], [n_layers, d] x3, [n_layers, dq], [d] */
    float *all;                                   /* owned: the memory of these */
    float scale;
};

static int make_parts(struct parts *p, const struct ll_model *m, int pos, struct ll_err *err)
{
    size_t d = (size_t)m->d_model, dq = (size_t)m->n_heads * (size_t)m->d_head, n = (size_t)m->n_layers,
           floats = 2 * d + n * (3 * d + dq);
    *p = (struct parts){.d = (int)d, .dq = (int)dq, .row = pos, .all = calloc(floats, sizeof(float))};
    if (!p->all)
        return ll_fail_mem(err, "attribution", floats * sizeof(float));
    p->embed = p->all;
    p->final = p->embed + d;
    p->attn = p->final + d;
    p->mlp = p->attn + n * d;
    p->post = p->mlp + n * d;
    p->z = p->post + n * d;
    return LL_OK;
}

static int on_visit(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct parts *p = arg;
    int row = p->row - v->row0;
    (void)err;
    if (row < 0 || row >= v->n_rows)
        return LL_OK;
    const float *x = v->data + row * v->stride;
    size_t at = v->layer < 0 ? 0 : (size_t)v->layer;
    float *to = v->hook == LL_HOOK_EMBED         ? p->embed
        : v->hook == LL_HOOK_LN_FINAL_NORMALIZED ? p->final
        : v->hook == LL_HOOK_Z                   ? p->z + at * (size_t)p->dq
        : v->hook == LL_HOOK_LN_FINAL_SCALE      ? &p->scale
                                                 : (v->hook == LL_HOOK_ATTN_OUT      ? p->attn
                                                        : v->hook == LL_HOOK_MLP_OUT ? p->mlp
                                                                                     : p->post)
            + at * (size_t)p->d;
    memcpy(to, x, sizeof *to * (size_t)v->width);
    return LL_OK;
}

static int run_pass(struct parts *p, const struct ll_attribution_job *job, struct ll_err *err)
{
    const struct ll_model *m = job->iv->model;
    struct ll_listener all[2] = {ll_intervene_listener(job->iv), {0, on_visit, p}};
    all[1].hooks = LL_HOOK_BIT(LL_HOOK_EMBED) | LL_HOOK_BIT(LL_HOOK_Z) | LL_HOOK_BIT(LL_HOOK_ATTN_OUT)
        | LL_HOOK_BIT(LL_HOOK_MLP_OUT) | LL_HOOK_BIT(LL_HOOK_RESID_POST) | LL_HOOK_BIT(LL_HOOK_LN_FINAL_SCALE)
        | LL_HOOK_BIT(LL_HOOK_LN_FINAL_NORMALIZED);
    int start[2] = {0, job->n_ids}, rc;
    struct ll_batch batch = {1, start, job->ids};
    struct ll_pass pass = {0};
    if (!(rc = ll_pass_init(&pass, &(struct ll_pass_plan){m, job->n_ids, job->n_ids, all, 2}, job->engine,
                            err)))
        rc = ll_forward(&pass, &batch, 0, m->n_layers, err);
    ll_pass_free(&pass);
    return rc;
}

/* ---- shares ---------------------------------------------------------------------------------- */

static int is_centred(const struct ll_norm *n)
{
    return n->kind == LL_NORM_LAYER || n->kind == LL_NORM_LAYER_NO_BIAS;
}

static double dot(const double *u, const float *x, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++)
        s += u[i] * (double)x[i];
    return s;
}

/* A direction read after a norm, as read before it: u * gain / scale, minus its mean where the norm takes the
 * mean off. */
static void through_norm(double *u, const struct ll_norm *norm, double scale)
{
    double mean = 0;
    for (int i = 0; i < norm->d; i++) {
        u[i] *= (double)norm->w[i] / scale;
        mean += u[i] / norm->d;
    }
    for (int i = 0; i < norm->d && is_centred(norm); i++)
        u[i] -= mean;
}

struct work {
    double *w, *u, *e, *g;
    float *row, *out, *normed;
}; /* w: the unembedding's direction; e, g: through W_O */

/* Heads of one block, and the bias of its output. */
static void split_heads(struct ll_attribution *a, const struct ll_model *m, struct ll_engine *engine,
                        const struct parts *p, struct work *w, int layer)
{
    const struct ll_layer *L = &m->layers[layer];
    const struct ll_norm *post = &L->ln1_post;
    const float *z = p->z + (size_t)layer * (size_t)p->dq;
    double sum = 0;
    for (int i = 0; i < p->d; i++)
        w->e[i] = w->u[i] * (double)L->resid_scale;
    if (post->w) {
        if (post->b)
            a->attn_bias[layer] += dot(w->e, post->b, p->d);
        ll_linear(engine, &L->W_O, z, p->dq, 1, L->b_O, w->out, p->d);
        through_norm(w->e, post, (double)ll_norm_row(ll_engine_vec(engine), post, w->out, w->normed));
    }
    if (L->b_O)
        a->attn_bias[layer] += dot(w->e, L->b_O, p->d);
    memset(w->g, 0, sizeof *w->g * (size_t)p->dq);
    for (int i = 0; i < p->d; i++) {
        ll_mat_row(&L->W_O, i, w->row);
        for (int k = 0; k < p->dq; k++)
            w->g[k] += w->e[i] * (double)w->row[k];
    }
    for (int h = 0; h < m->n_heads; h++)
        sum += a->head[(size_t)layer * (size_t)m->n_heads + (size_t)h] =
            dot(w->g + (size_t)h * (size_t)m->d_head, z + (size_t)h * (size_t)m->d_head, m->d_head);
    a->head_residue = fmax(a->head_residue, fabs(a->attn[layer] - sum - a->attn_bias[layer]));
}

static void share_out(struct ll_attribution *a, const struct ll_attribution_job *job, const struct parts *p,
                      struct work *w)
{
    const struct ll_model *m = job->iv->model;
    double total, written = 0;
    memcpy(w->u, w->w, sizeof *w->u * (size_t)p->d);
    a->bias = m->ln_final.b ? dot(w->w, m->ln_final.b, p->d) : 0;
    if (m->b_U)
        a->bias += (double)m->logit_scale
            * ((double)m->b_U[job->id] - (job->other < 0 ? 0 : (double)m->b_U[job->other]));
    through_norm(w->u, &m->ln_final, (double)p->scale);
    a->scale = (double)p->scale;
    a->embed = dot(w->u, p->embed, p->d);
    total = a->embed + a->bias;
    for (int l = 0; l < m->n_layers; l++) {
        const float *before = l ? p->post + (size_t)(l - 1) * (size_t)p->d : p->embed,
                    *after = p->post + (size_t)l * (size_t)p->d;
        a->attn[l] = dot(w->u, p->attn + (size_t)l * (size_t)p->d, p->d);
        a->mlp[l] = dot(w->u, p->mlp + (size_t)l * (size_t)p->d, p->d);
        if (m->layers[l].mlp.b_out && !m->layers[l].experts.n && !m->layers[l].ln2_post.w)
            a->mlp_bias[l] = (double)m->layers[l].resid_scale * dot(w->u, m->layers[l].mlp.b_out, p->d);
        a->written[l] = dot(w->u, after, p->d) - dot(w->u, before, p->d) - a->attn[l] - a->mlp[l];
        split_heads(a, m, job->engine, p, w, l);
        total += a->attn[l] + a->mlp[l];
        written += a->written[l];
    }
    a->residue = a->logit - total - (job->iv->n ? written : 0);
}

/* The model's own logit of one token from the final row: as the head makes it, without and with the soft
 * cap. */
static void own_logit(const struct ll_attribution_job *job, const struct parts *p, int id, double sign,
                      struct ll_attribution *a)
{
    const struct ll_model *m = job->iv->model;
    struct ll_model bare = *m;
    struct ll_mat word = ll_mat_rows(&m->W_U, id, 1);
    float before, after;
    bare.logit_cap = 0;
    ll_linear(job->engine, &word, p->final, p->d, 1, NULL, &before, 1);
    after = before;
    ll_head_tail(&bare, ll_engine_vec(job->engine), &before, id, 1);
    ll_head_tail(m, ll_engine_vec(job->engine), &after, id, 1);
    a->logit += sign * (double)before;
    a->capped += sign * (double)after;
}

static void add_word(const struct ll_model *m, struct work *w, int id, double sign)
{
    ll_mat_row(&m->W_U, id, w->row);
    for (int i = 0; i < m->d_model; i++)
        w->w[i] += sign * (double)m->logit_scale * (double)w->row[i];
}

static int make_result(struct ll_attribution *a, const struct ll_model *m, struct ll_err *err)
{
    size_t n = (size_t)m->n_layers, total = n * (5 + (size_t)m->n_heads);
    *a = (struct ll_attribution){.n_layers = m->n_layers,
                                 .n_heads = m->n_heads,
                                 .attn = calloc(total, sizeof(double))};
    if (!a->attn)
        return ll_fail_mem(err, "attribution", total * sizeof(double));
    a->mlp = a->attn + n;
    a->attn_bias = a->mlp + n;
    a->mlp_bias = a->attn_bias + n;
    a->written = a->mlp_bias + n;
    a->head = a->written + n;
    return LL_OK;
}

static int make_work(struct work *w, const struct ll_model *m, struct ll_err *err)
{
    size_t d = (size_t)m->d_model, dq = (size_t)m->n_heads * (size_t)m->d_head, wide = d > dq ? d : dq;
    w->w = calloc(4 * wide, sizeof *w->w);
    w->row = calloc(3 * wide, sizeof *w->row);
    w->u = w->w + wide;
    w->e = w->u + wide;
    w->g = w->e + wide;
    w->out = w->row + wide;
    w->normed = w->out + wide;
    return w->w && w->row ? LL_OK : ll_fail_mem(err, "attribution", 4 * wide * sizeof *w->w);
}

int ll_attribution_run(struct ll_attribution *a, const struct ll_attribution_job *job, struct ll_err *err)
{
    const struct ll_model *m = job->iv->model;
    struct parts p = {0};
    struct work w = {0};
    int rc;
    memset(a, 0, sizeof *a);
    if (job->id < 0 || job->id >= m->d_vocab || job->other >= m->d_vocab)
        return ll_fail(err, LL_EUSAGE, "attribution: token id: expected 0..%d, found %d", m->d_vocab - 1,
                       job->id < 0 || job->id >= m->d_vocab ? job->id : job->other);
    if (job->pos < -1 || job->pos >= job->n_ids)
        return ll_fail(err, LL_EUSAGE, "attribution: position: expected -1..%d, found %d", job->n_ids - 1,
                       job->pos);
    if (!(rc = make_parts(&p, m, job->pos < 0 ? job->n_ids - 1 : job->pos, err))
        && !(rc = make_result(a, m, err)) && !(rc = make_work(&w, m, err))
        && !(rc = run_pass(&p, job, err))) {
        own_logit(job, &p, job->id, 1, a);
        add_word(m, &w, job->id, 1);
        if (job->other >= 0) {
            own_logit(job, &p, job->other, -1, a);
            add_word(m, &w, job->other, -1);
        }
        share_out(a, job, &p, &w);
    }
    free(p.all);
    free(w.w);
    free(w.row);
    if (rc)
        ll_attribution_free(a);
    return rc;
}

void ll_attribution_free(struct ll_attribution *a)
{
    free(a->attn); /* the others lie behind it */
    memset(a, 0, sizeof *a);
}
