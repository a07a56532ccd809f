/* reading.c - see reading.h */
#include "reading.h"

#include <math.h>

struct ll_reader ll_reader_of(struct ll_engine *eng, int n, int answer_id)
{
    return (struct ll_reader){.vec = ll_engine_vec(eng),
                              .ops = ll_engine_tile_ops(eng),
                              .n = n,
                              .answer_id = answer_id,
                              .own_lse = NAN};
}

int ll_weigh(const struct ll_reader *r, const float *z, double beta, double *e, struct ll_weights *w)
{
    const double max = beta * (double)r->vec->max(z, (size_t)r->n);
    *w = (struct ll_weights){.z = z, .lse = NAN, .w = e};
    if (!isfinite(max))
        return 0;
    for (int v = 0; v < r->n; v++)
        e[v] = beta * (double)z[v] - max;
    r->vec->exp_double(e, e, (size_t)r->n);
    for (int v = 0; v < r->n; v++)
        w->sum += e[v];
    w->lse = max + ll_log(w->sum);
    return isfinite(w->lse);
}

double ll_weights_p(const struct ll_weights *w, double beta, int id)
{
    return ll_exp(beta * (double)w->z[id] - w->lse);
}

double ll_weights_kl_bits(const struct ll_reader *r, const struct ll_weights *w, double beta)
{
    return ll_dist_bits(ll_dist_weighted(w->w, w->z, beta, r->own, w->lse - r->own_lse, r->n) / w->sum);
}

static void keep_top(const struct ll_reader *r, const float *z, struct ll_reading *out)
{
    int idx[LL_WALK_TILE];
    for (int v = 0; v < r->n; v += LL_WALK_TILE) {
        int n = r->n - v < LL_WALK_TILE ? r->n - v : LL_WALK_TILE;
        int found = r->ops->find_ge(z + v, n, ll_topk_floor(out->top, out->n_top, LL_TOP_COMPARED), idx);
        for (int i = 0; i < found; i++)
            ll_topk_add(out->top, &out->n_top, LL_TOP_COMPARED, (struct ll_hit){z[v + idx[i]], v + idx[i]});
    }
    ll_topk_sort(out->top, out->n_top);
}

void ll_reading_of(const struct ll_reader *r, const float *z, double beta, double *e, struct ll_weights *w,
                   struct ll_reading *out)
{
    ll_reading_clear(out, 1);
    keep_top(r, z, out);
    if (!ll_weigh(r, z, beta, e, w))
        return;
    out->lse = w->lse;
    out->entropy_bits = ll_dist_bits(-ll_dist_weighted(e, z, beta, NULL, w->lse, r->n) / w->sum);
    out->p_top1 = ll_weights_p(w, beta, out->top[0].id);
    out->p_top2 = out->n_top > 1 ? ll_weights_p(w, beta, out->top[1].id) : 0;
    out->p_top5 = 0;
    for (int i = 0; i < 5 && i < out->n_top; i++)
        out->p_top5 += ll_weights_p(w, beta, out->top[i].id);
    if (r->own)
        out->kl_to_final_bits = ll_weights_kl_bits(r, w, beta);
    if (r->answer_id >= 0) {
        out->p_answer = ll_weights_p(w, beta, r->answer_id);
        out->answer_rank = 1 + r->ops->count_gt(z, r->n, z[r->answer_id]);
        out->answer_logit = beta * (double)z[r->answer_id];
    }
    for (int i = 0; i < out->n_top; i++)
        out->top[i].v = (float)(beta * (double)out->top[i].v);
}
