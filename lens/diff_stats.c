/* diff_stats.c - see diff_stats.h */
#include "diff_stats.h"

#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int ll_diff_stats_init(struct ll_diff_stats *s, int n_rows, int first_layer, size_t n_positions,
                       struct ll_err *err)
{
    size_t values = (size_t)n_rows * LL_DIFF_MEASURES * n_positions;
    *s = (struct ll_diff_stats){.n_rows = n_rows,
                                .first_layer = first_layer,
                                .cap = n_positions,
                                .worst_prompt = -1};
    s->v = malloc(sizeof *s->v * values);
    s->flips = calloc((size_t)n_rows, sizeof *s->flips);
    if (s->v && s->flips)
        return LL_OK;
    ll_diff_stats_free(s);
    return ll_fail_mem(err, "summary of the comparison", sizeof *s->v * values);
}

void ll_diff_stats_free(struct ll_diff_stats *s)
{
    free(s->v);
    free(s->flips);
    memset(s, 0, sizeof *s);
}

static double *values(const struct ll_diff_stats *s, int row, int measure)
{
    return s->v + ((size_t)row * LL_DIFF_MEASURES + (size_t)measure) * s->cap;
}

static void put(struct ll_diff_stats *s, int row, size_t at, const struct ll_diff_row *r)
{
    const double v[LL_DIFF_MEASURES] = {
        [LL_DIFF_M_KL_AB] = r->div.kl_ab_bits,
        [LL_DIFF_M_KL_BA] = r->div.kl_ba_bits,
        [LL_DIFF_M_JS] = r->div.js_bits,
        [LL_DIFF_M_ENTROPY_A] = r->entropy_bits[0],
        [LL_DIFF_M_ENTROPY_B] = r->entropy_bits[1],
        [LL_DIFF_M_JACCARD] = r->top5_jaccard,
        [LL_DIFF_M_COS] = r->resid_cos,
        [LL_DIFF_M_REL_ERR] = r->resid_rel_err,
    };
    for (int m = 0; m < LL_DIFF_MEASURES; m++)
        values(s, row, m)[at] = v[m];
    s->flips[row] += r->flip;
}

void ll_diff_stats_add(struct ll_diff_stats *s, const struct ll_diff_result *r)
{
    for (int i = 0; i < r->n_pos && s->n < s->cap; i++, s->n++) {
        for (int l = 0; l < s->n_rows; l++)
            put(s, l, s->n, &r->rows[(size_t)l * (size_t)r->n_pos + (size_t)i]);
        const struct ll_diff_row *last = &r->rows[(size_t)(s->n_rows - 1) * (size_t)r->n_pos + (size_t)i];
        if (s->worst_prompt < 0 || last->div.kl_ab_bits > s->worst.div.kl_ab_bits) {
            s->worst = *last;
            s->worst_prompt = r->prompt;
            s->worst_pos = r->pos0 + i;
        }
    }
}

static struct ll_diff_stat stat_of(double *v, size_t n, int low_is_worse)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i]; /* in the order of prompts and positions */
    if (!n || isnan(sum))
        return (struct ll_diff_stat){NAN, NAN, NAN, NAN};
    struct ll_diff_stat s = {.mean = sum / (double)n, .median = ll_median(v, n)};
    s.p95 = ll_percentile(v, n, low_is_worse ? 0.05 : 0.95);
    s.worst = ll_percentile(v, n, low_is_worse ? 0 : 1);
    return s;
}

void ll_diff_stats_layer(struct ll_diff_stats *s, int row, const double tolerance[LL_DIFF_TOLERANCES],
                         struct ll_diff_layer *out)
{
    *out = (struct ll_diff_layer){.layer = s->first_layer + row, .n = (int)s->n, .flips = s->flips[row]};
    for (int m = 0; m < LL_DIFF_MEASURES; m++)
        out->m[m] = stat_of(values(s, row, m), s->n, ll_diff_measures[m].low_is_worse);
    out->beyond = ll_diff_beyond(out, tolerance);
}
