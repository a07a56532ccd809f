/* divergence.c - see divergence.h */
#include "divergence.h"

#include "dist.h"

void ll_divergence_add(const struct ll_tile_ops *ops, const float *a, double lse_a, const float *b,
                       double lse_b, int n, struct ll_divergence *sum)
{
    for (int v = 0; v < n; v += LL_WALK_TILE) {
        struct ll_tile_div part;
        ops->divergence(a + v, b + v, n - v < LL_WALK_TILE ? n - v : LL_WALK_TILE, lse_a, lse_b, &part);
        sum->kl_ab_bits += (double)part.kl_ab;
        sum->kl_ba_bits += (double)part.kl_ba;
        sum->js_bits += (double)part.js;
    }
}

double ll_js_add(const struct ll_tile_ops *ops, double sum, const float *a, double lse_a, const float *b,
                 double lse_b, int n)
{
    for (int v = 0; v < n; v += LL_WALK_TILE)
        sum += (double)ops->js(a + v, b + v, n - v < LL_WALK_TILE ? n - v : LL_WALK_TILE, lse_a, lse_b);
    return sum;
}

double ll_js_bits(double sum)
{
    return sum * LL_BITS_PER_NAT > 1 ? 1 : sum * LL_BITS_PER_NAT; /* only rounding leads past 1 */
}

void ll_divergence_finish(struct ll_divergence *sum)
{
    sum->kl_ab_bits *= LL_BITS_PER_NAT;
    sum->kl_ba_bits *= LL_BITS_PER_NAT;
    sum->js_bits = ll_js_bits(sum->js_bits);
}
