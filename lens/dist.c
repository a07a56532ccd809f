/* dist.c - see dist.h. Kullback & Leibler 1951; Lin 1991 (JS); Spearman 1904, ties by average ranks. */
#include "dist.h"

#include <math.h>

enum { BLOCK = 256 };

double ll_dist_bits(double nats) { return nats > 0 ? nats * LL_BITS_PER_NAT : isnan(nats) ? nats : 0; }

/* ---- sums over weights ----------------------------------------------------------------------- */

/* Each goes on from `sum`, so that blocks add in the order of one long loop. */
static double add_weighted(double sum, const double *w, const float *z, double beta, const float *b,
                           double shift, int n)
{
    for (int v = 0; v < n; v++)
        if (w[v] > 0 || isnan(w[v]))
            sum += w[v] * (beta * (double)z[v] - (b ? (double)b[v] : 0) - shift);
    return sum;
}

/* p ln(p/m) + q ln(q/m), m = (p + q) / 2: with the larger p, r = q/p and L = ln((1 + r) / 2) = ln(m/p) it is
 * -(p + q) L + q ln r, where ln r is known from the logits. */
static double add_js(double sum, const struct ll_vec *vec, const struct ll_weights *a,
                     const struct ll_weights *b, int v0, int n)
{
    double p[BLOCK], q[BLOCK], l[BLOCK] = {0};
    for (int i = 0; i < n; i++) {
        double pa = a->w[v0 + i] / a->sum, pb = b->w[v0 + i] / b->sum;
        p[i] = pa > pb ? pa : pb;
        q[i] = pa > pb ? pb : pa;
        l[i] = p[i] > 0 ? (1 + q[i] / p[i]) / 2 : 1;
    }
    vec->log_double(l, l, (size_t)n);
    for (int i = 0; i < n; i++)
        if (!(p[i] <= q[i])) { /* equal ones add nothing, and no rounding either */
            double ln_r = -fabs((double)a->z[v0 + i] - (double)b->z[v0 + i] - (a->lse - b->lse));
            sum += -(p[i] + q[i]) * l[i] + (q[i] <= 0 ? 0 : q[i] * ln_r);
        }
    return sum;
}

double ll_dist_weighted(const double *w, const float *z, double beta, const float *b, double shift, int n)
{
    return add_weighted(0, w, z, beta, b, shift, n);
}
double ll_dist_weights_l1(const struct ll_weights *a, const struct ll_weights *b, int n)
{
    double sum = 0;
    for (int v = 0; v < n; v++)
        sum += fabs(a->w[v] / a->sum - b->w[v] / b->sum);
    return sum;
}

double ll_dist_weights_js_bits(const struct ll_vec *vec, const struct ll_weights *a,
                               const struct ll_weights *b, int n)
{
    double sum = 0;
    for (int v = 0; v < n; v += BLOCK)
        sum = add_js(sum, vec, a, b, v, n - v < BLOCK ? n - v : BLOCK);
    double bits = ll_dist_bits(sum / 2);
    return bits > 1 ? 1 : bits; /* only rounding leads past 1 */
}

/* ---- logits ---------------------------------------------------------------------------------- */

/* Probabilities of logits v0.. into p[BLOCK]; returns how many. */
static int probabilities(const float *z, double lse, int v0, int n, double *p)
{
    int m = n - v0 < BLOCK ? n - v0 : BLOCK;
    for (int i = 0; i < m; i++)
        p[i] = ll_exp((double)z[v0 + i] - lse);
    return m;
}

double ll_dist_kl_bits(const float *a, double lse_a, const float *b, double lse_b, int n)
{
    double p[BLOCK], sum = 0;
    for (int v = 0, m; v < n; v += m) {
        m = probabilities(a, lse_a, v, n, p);
        sum = add_weighted(sum, p, a + v, 1, b + v, lse_a - lse_b, m);
    }
    return ll_dist_bits(sum);
}

double ll_dist_cosine_without(const float *a, const float *b, const float *bias, int n)
{
    double aa = 0, bb = 0, ab = 0;
    for (int i = 0; i < n; i++) {
        double off = bias ? (double)bias[i] : 0, x = (double)a[i] - off, y = (double)b[i] - off;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    double cosine = ab / ((sqrt(aa) + 1e-12) * (sqrt(bb) + 1e-12));
    if (!isfinite(aa) || !isfinite(bb) || !isfinite(ab))
        return NAN;
    return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine; /* only rounding leads past 1 or -1 */
}

/* ---- lists ----------------------------------------------------------------------------------- */

double ll_topk_jaccard(const struct ll_hit *a, int n_a, const struct ll_hit *b, int n_b, int k)
{
    n_a = n_a < k ? n_a : k;
    n_b = n_b < k ? n_b : k;
    int both = 0;
    for (int i = 0; i < n_a; i++)
        for (int j = 0; j < n_b; j++)
            both += a[i].id == b[j].id;
    return n_a + n_b ? (double)both / (n_a + n_b - both) : 1;
}

/* Rank of x[i] less the mean rank, twice: an integer. Ties share the average. */
static double centred_rank(const double *x, int n, int i)
{
    int below = 0, above = 0;
    for (int j = 0; j < n; j++) {
        below += x[j] < x[i];
        above += x[j] > x[i];
    }
    return below - above;
}

double ll_spearman(const double *x, const double *y, int n)
{
    double xx = 0, yy = 0, xy = 0;
    for (int i = 0; i < n; i++) {
        double rx = centred_rank(x, n, i), ry = centred_rank(y, n, i);
        if (isnan(x[i]) || isnan(y[i]))
            return NAN;
        xx += rx * rx;
        yy += ry * ry;
        xy += rx * ry;
    }
    return n >= 2 && xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}
