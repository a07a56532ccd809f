/* raw_checks.c - see raw_checks.h */
#include "raw_checks.h"

#include "rules.h"
#include "stats.h"

#include <math.h>
#include <string.h>

enum { RADIUS = 4, RADIUS_RISKY = 8 };

int ll_norm_only_semantic(const struct ll_row_stats *r)
{
    if (!r->raw.is_set || r->raw.answer_rank < 1 || r->norm.answer_rank < 1)
        return -1;
    return r->norm.answer_rank == 1 && r->raw.answer_rank != 1;
}

const char *ll_tier_name(enum ll_tier t)
{
    static const char *const names[] = {"low", "medium", "high"};
    return names[t];
}

int ll_raw_sample_rows(int n_layers, int rows[LL_RAW_SAMPLES])
{
    const int at[LL_RAW_SAMPLES] = {0, n_layers / 4 + 1, n_layers / 2 + 1, 3 * n_layers / 4 + 1};
    int n = 0;
    for (int i = 0; i < LL_RAW_SAMPLES; i++)
        if (at[i] <= n_layers && (!n || at[i] > rows[n - 1]))
            rows[n++] = at[i];
    return n;
}

void ll_raw_sampled(struct ll_raw_sampled *out, const struct ll_pass_stats *s)
{
    int rows[LL_RAW_SAMPLES], n = ll_raw_sample_rows(s->n_layers, rows);
    *out = (struct ll_raw_sampled){.first_norm_only = -1, .max_kl_bits = NAN};
    for (int i = 0; i < n; i++) {
        const struct ll_row_stats *r = &s->rows[rows[i]];
        if (!r->raw.is_set)
            continue;
        out->n++;
        if (!(out->max_kl_bits >= r->kl_norm_raw_bits))
            out->max_kl_bits = r->kl_norm_raw_bits;
        if (ll_norm_only_semantic(r) == 1 && out->first_norm_only < 0)
            out->first_norm_only = rows[i];
    }
    out->risk = out->first_norm_only >= 0 || out->max_kl_bits >= LL_RAW_KL_HIGH ? LL_TIER_HIGH
        : out->max_kl_bits >= LL_RAW_KL_MEDIUM                                  ? LL_TIER_MEDIUM
                                                                                : LL_TIER_LOW;
}

int ll_raw_window_radius(const struct ll_raw_sampled *main_pass)
{
    return main_pass->risk == LL_TIER_HIGH || main_pass->max_kl_bits >= LL_RAW_KL_HIGH ? RADIUS_RISKY
                                                                                       : RADIUS;
}

int ll_raw_window_centers(const struct ll_pass_milestones *m, int centers[LL_RAW_CENTERS])
{
    const int all[LL_RAW_CENTERS] = {m->L_semantic, m->rank[1], m->kl[1], m->L_copy, m->soft_first};
    int n = 0;
    for (int l = 0; l <= m->n_layers; l++)
        for (int i = 0; i < LL_RAW_CENTERS; i++)
            if (all[i] == l) {
                centers[n++] = l;
                break;
            }
    return n;
}

int ll_raw_window_layers(const struct ll_pass_milestones *m, int radius, int *layers)
{
    int centers[LL_RAW_CENTERS], k = ll_raw_window_centers(m, centers), n = 0;
    for (int l = 0; l <= m->n_layers; l++)
        for (int i = 0; i < k; i++)
            if (l >= centers[i] - radius && l <= centers[i] + radius) {
                layers[n++] = l;
                break;
            }
    return n;
}

/* Percentiles of one member over the rows read raw; v is scratch. Returns the values seen. */
static size_t percentiles(const struct ll_pass_stats *s, size_t offset, const double *q, int n_q, double *out,
                          double *v)
{
    size_t n = 0;
    for (int l = 0; l < s->n_rows; l++) {
        double x;
        memcpy(&x, (const char *)&s->rows[l] + offset, sizeof x);
        if (s->rows[l].raw.is_set && isfinite(x))
            v[n++] = x;
    }
    for (int i = 0; i < n_q; i++)
        out[i] = n ? ll_percentile(v, n, q[i]) : NAN;
    return n;
}

static double at_most_1(double v) { return v < 1 ? v : 1; }

/* score, score_v2 and tier from the rest. */
static void artifact_score(struct ll_raw_full *f)
{
    if (!f->n) {
        f->score = f->score_v2 = NAN;
        return;
    }
    f->score = LL_ARTIFACT_PCT_KL * f->pct_kl_ge_1 + LL_ARTIFACT_NORM_ONLY * (f->n_norm_only > 0)
        + LL_ARTIFACT_MAX_KL * at_most_1(f->max_kl_bits / LL_ARTIFACT_KL_FULL);
    f->tier = f->score < LL_ARTIFACT_LOW ? LL_TIER_LOW
        : f->score <= LL_ARTIFACT_HIGH   ? LL_TIER_MEDIUM
                                         : LL_TIER_HIGH;
    double v2 = f->score + LL_ARTIFACT_JS * at_most_1(f->js[1] / LL_ARTIFACT_JS_FULL)
        + LL_ARTIFACT_L1 * at_most_1(f->l1[1] / LL_ARTIFACT_L1_FULL);
    f->score_v2 = v2 < 0 ? 0 : at_most_1(v2);
}

void ll_raw_full(struct ll_raw_full *out, const struct ll_pass_stats *s, double *scratch)
{
    static const double quartiles[3] = {LL_P25, LL_P50, LL_P75}, half = LL_P50;
    int ge_1 = 0, ge_half = 0;
    *out = (struct ll_raw_full){
        .earliest_norm_only = -1, .first_js = -1, .first_l1 = -1, .first_jaccard = -1, .max_kl_bits = NAN};
    for (int l = s->n_rows - 1; l >= 0; l--) { /* downwards: the first one stays */
        const struct ll_row_stats *r = &s->rows[l];
        if (!r->raw.is_set)
            continue;
        out->n++;
        ge_1 += r->kl_norm_raw_bits >= LL_RAW_KL_HIGH;
        ge_half += r->kl_norm_raw_bits >= LL_RAW_KL_MEDIUM;
        if (!(out->max_kl_bits >= r->kl_norm_raw_bits))
            out->max_kl_bits = r->kl_norm_raw_bits;
        if (ll_norm_only_semantic(r) == 1) {
            out->n_norm_only++;
            out->earliest_norm_only = l;
        }
        out->first_js = r->js_bits <= LL_RAW_JS_NEAR ? l : out->first_js;
        out->first_l1 = r->l1 <= LL_RAW_L1_NEAR ? l : out->first_l1;
        out->first_jaccard = r->jaccard50_raw >= LL_RAW_JACCARD_NEAR ? l : out->first_jaccard;
    }
    out->pct_kl_ge_1 = out->n ? (double)ge_1 / out->n : NAN;
    out->pct_kl_ge_half = out->n ? (double)ge_half / out->n : NAN;
    percentiles(s, offsetof(struct ll_row_stats, js_bits), quartiles, 3, out->js, scratch);
    percentiles(s, offsetof(struct ll_row_stats, l1), quartiles, 3, out->l1, scratch);
    percentiles(s, offsetof(struct ll_row_stats, jaccard50_raw), &half, 1, &out->jaccard50_p50, scratch);
    percentiles(s, offsetof(struct ll_row_stats, kl_raw_norm_bits), &half, 1, &out->kl_raw_norm_p50, scratch);
    artifact_score(out);
}
