/* logit_health.c - see logit_health.h */
#include "logit_health.h"

#include "engine.h"
#include "half.h"
#include "head_pass.h"

#include <math.h>

const char *ll_health_name(enum ll_health h)
{
    static const char *const names[] = {[LL_HEALTHY] = "healthy",
                                        [LL_HEALTH_WEAK] = "weak",
                                        [LL_HEALTH_COLLAPSED] = "collapsed",
                                        [LL_HEALTH_BROKEN] = "broken"};
    return names[h];
}

static int all_f16(const float *z, int n)
{
    int other = 0;
    for (int i = 0; i < n; i++) {
        if (ll_round_f16(z[i]) != z[i])
            return 0;
        other |= z[i] != 0;
    }
    return other;
}

static enum ll_health judge(const struct ll_logit_health *h, int n, int is_last)
{
    if (h->stats.first_bad >= 0 || h->range == 0)
        return LL_HEALTH_BROKEN;
    if (is_last
        && (ll_tensor_std(&h->stats) < 0.5 || h->range < 2 || h->entropy_bits > 0.98 * ll_log2((double)n)))
        return LL_HEALTH_COLLAPSED;
    return h->gap < 0.01 && h->p_top1 < 0.01 ? LL_HEALTH_WEAK : LL_HEALTHY;
}

void ll_logit_health(const float *z, int n, int is_last, struct ll_logit_health *h)
{
    *h = (struct ll_logit_health){.entropy_bits = NAN, .lse = NAN, .p_top1 = NAN};
    ll_tensor_stats_init(&h->stats);
    ll_tensor_stats_add(&h->stats, z, (size_t)n);
    h->range = h->stats.max - h->stats.min;
    if (h->stats.first_bad < 0) {
        ll_logits_stats(z, n, 1, n < LL_HEALTH_TOP ? n : LL_HEALTH_TOP, h->top, &h->n_top, &h->entropy_bits,
                        &h->lse);
        h->p_top1 = ll_exp((double)h->top[0].v - h->lse);
        h->gap = h->n_top > 1 ? (double)h->top[0].v - (double)h->top[1].v : 0;
        h->is_f16 = all_f16(z, n);
    }
    h->health = judge(h, n, is_last);
}
