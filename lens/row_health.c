/* row_health.c - see row_health.h */
#include "row_health.h"

#include "rules.h"
#include "stats.h"

#include <math.h>

enum { GATE_RUN = 2 };
static const double RATIO_SPIKE = 3, COS_SPIKE = 0.8, SLOPE_PLATEAU = 0.01, R2_MONOTONIC = 0.70,
                    LOW_AGREEMENT = 0.30; /* docs/experiment.md 9.7, 9.8 */

void ll_numeric_health_of(struct ll_numeric_health *out, const struct ll_pass_stats *s, double *scratch)
{
    size_t n = 0;
    *out = (struct ll_numeric_health){0};
    for (int l = 0; l < s->n_rows; l++) {
        const struct ll_row_stats *r = &s->rows[l];
        out->any_nan |= r->n_nan > 0;
        out->any_inf |= r->n_inf > 0;
        out->n_flagged += r->n_nan > 0 || r->n_inf > 0;
        if (isfinite(r->max_abs_logit))
            scratch[n++] = r->max_abs_logit;
    }
    out->max_abs_logit_p99 = n ? ll_percentile(scratch, n, 0.99) : NAN;
    n = 0;
    for (int l = 0; l < s->n_rows; l++)
        if (isfinite(s->rows[l].min_p))
            scratch[n++] = s->rows[l].min_p;
    out->min_p_p01 = n ? ll_percentile(scratch, n, 0.01) : NAN;
}

const char *ll_shape_name(enum ll_shape s)
{
    static const char *const names[] = {"spike", "plateau", "monotonic", "non_monotonic", NULL};
    return names[s];
}

/* Slope and r2 of ln(resid_norm) on the row; returns the rows used. Two sums around the means: nothing
 * cancels. */
static int fit(const struct ll_pass_stats *s, double *slope, double *r2)
{
    double mx = 0, my = 0, sxx = 0, sxy = 0, syy = 0;
    int n = 0;
    for (int l = 0; l < s->n_rows; l++)
        if (s->rows[l].resid_norm > 0) {
            mx += l;
            my += ll_log(s->rows[l].resid_norm);
            n++;
        }
    *slope = *r2 = NAN;
    if (n < 2)
        return n;
    mx /= n;
    my /= n;
    for (int l = 0; l < s->n_rows; l++)
        if (s->rows[l].resid_norm > 0) {
            double dx = l - mx, dy = ll_log(s->rows[l].resid_norm) - my;
            sxx += dx * dx;
            sxy += dx * dy;
            syy += dy * dy;
        }
    *slope = sxy / sxx;
    *r2 = syy > 0 ? sxy * sxy / (sxx * syy) : 1; /* a constant lies on its line */
    return n;
}

void ll_trajectory_of(struct ll_trajectory *out, const struct ll_pass_stats *s, int L_semantic)
{
    int last = L_semantic < 0 ? s->n_rows - 1 : L_semantic;
    *out = (struct ll_trajectory){.shape = LL_SHAPE_UNKNOWN};
    out->n_rows = fit(s, &out->slope, &out->r2);
    for (int l = 0; l <= last && l < s->n_rows; l++)
        out->n_spikes += s->rows[l].resid_norm_ratio > RATIO_SPIKE || s->rows[l].delta_resid_cos < COS_SPIKE;
    if (out->n_spikes)
        out->shape = LL_SHAPE_SPIKE;
    else if (isfinite(out->slope))
        out->shape = fabs(out->slope) <= SLOPE_PLATEAU ? LL_SHAPE_PLATEAU
            : out->r2 >= R2_MONOTONIC                  ? LL_SHAPE_MONOTONIC
                                                       : LL_SHAPE_NON_MONOTONIC;
}

int ll_consistency_targets(const struct ll_pass_milestones *m, struct ll_target out[LL_MAX_TARGETS])
{
    const struct ll_target all[LL_MAX_TARGETS] = {{"first_rank_le_10", m->rank[2], 0},
                                                  {"first_rank_le_5", m->rank[1], 0},
                                                  {"L_semantic_norm", m->L_semantic, 1},
                                                  {"L_semantic_strong", m->strong, 1},
                                                  {"L_semantic_strong_run2", m->strong_run2, 1},
                                                  {"L_semantic_confirmed", m->confirmed, 1}};
    int n = 0;
    for (int i = 0; i < LL_MAX_TARGETS; i++)
        if (all[i].layer >= 0)
            out[n++] = all[i];
    return n;
}

struct ll_agreement ll_agreement_at(const struct ll_pass_stats *s, int layer, enum ll_lens_of lens)
{
    const struct ll_row_stats *r = &s->rows[layer];
    const struct ll_reading *other = ll_row_reading(s, layer, lens);
    if (!other)
        return (struct ll_agreement){NAN, NAN, NAN};
    if (other == &r->norm)
        return (struct ll_agreement){1, 1, 1};
    if (lens == LL_OF_TUNED)
        return (struct ll_agreement){r->jaccard10_tuned, r->jaccard50_tuned, r->spearman50_tuned};
    return (struct ll_agreement){r->jaccard10_raw, r->jaccard50_raw, r->spearman50_raw};
}

static double median_known(double *v, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i]))
            v[k++] = v[i];
    return k ? ll_median(v, k) : NAN;
}

struct ll_agreement ll_agreement_p50(const struct ll_pass_stats *s, enum ll_lens_of lens,
                                     const struct ll_target *t, int n, int *is_low)
{
    double j10[LL_MAX_TARGETS], j50[LL_MAX_TARGETS], rho[LL_MAX_TARGETS];
    *is_low = 0;
    for (int i = 0; i < n; i++) {
        struct ll_agreement a = ll_agreement_at(s, t[i].layer, lens);
        j10[i] = a.jaccard10;
        j50[i] = a.jaccard50;
        rho[i] = a.spearman50;
        *is_low |= t[i].is_semantic && (a.jaccard10 < LOW_AGREEMENT || a.spearman50 < LOW_AGREEMENT);
    }
    return (struct ll_agreement){median_known(j10, (size_t)n), median_known(j50, (size_t)n),
                                 median_known(rho, (size_t)n)};
}

/* Do the gates hold at this row when the logits are multiplied by scale i? The rank does not change with it.
 */
static void gates_at(const struct ll_pass_stats *s, int layer, int i, const struct ll_milestone_rules *r,
                     int *margin, int *gap)
{
    const struct ll_row_stats *row = layer < s->n_rows ? &s->rows[layer] : NULL;
    *margin =
        row && row->norm.answer_rank == 1 && row->scaled_p_answer[i] - 1.0 / s->d_vocab >= r->margin_delta;
    *gap = row && ll_gate_scales[i] * ll_answer_logit_gap(&row->norm, s->answer_id) >= r->top2_gap;
}

int ll_gates_of(struct ll_gate out[LL_N_GATES], const struct ll_pass_stats *s,
                const struct ll_pass_milestones *m, const struct ll_milestone_rules *r, double *least)
{
    const struct {
        const char *name;
        int layer, rows;
    } targets[LL_N_GATES] = {{"L_semantic_norm", m->L_semantic, 1},
                             {"L_semantic_strong", m->strong, 1},
                             {"L_semantic_strong_run2", m->strong_run2, GATE_RUN}};
    int n = 0;
    *least = NAN;
    for (int t = 0; t < LL_N_GATES; t++) {
        int n_margin = 0, n_gap = 0, n_both = 0;
        if (targets[t].layer < 0)
            continue;
        for (int i = 0; i < LL_GATE_SCALES; i++) {
            int margin = 1, gap = 1;
            for (int k = 0; k < targets[t].rows; k++) {
                int one, other;
                gates_at(s, targets[t].layer + k, i, r, &one, &other);
                margin &= one;
                gap &= other;
            }
            n_margin += margin;
            n_gap += gap;
            n_both += margin && gap;
        }
        out[n] = (struct ll_gate){targets[t].name, targets[t].layer, n_margin / (double)LL_GATE_SCALES,
                                  n_gap / (double)LL_GATE_SCALES, n_both / (double)LL_GATE_SCALES};
        if (!(*least <= out[n].both))
            *least = out[n].both;
        n++;
    }
    return n;
}

int ll_quarter_row(int n_layers, int quarter) { return (int)ll_round_even(n_layers * 0.25 * quarter, 0); }

void ll_sidecar_of(struct ll_sidecar *out, const struct ll_pass_stats *s, enum ll_lens_of lens)
{
    for (int i = 0; i < LL_N_RANK_AT; i++)
        out->rank[i] = ll_first_rank(s, lens, ll_rank_at[i]);
    for (int i = 0; i < 3; i++) {
        const struct ll_reading *r = ll_row_reading(s, ll_quarter_row(s->n_layers, i + 1), lens);
        out->kl_at[i] = r ? r->kl_to_final_bits : NAN;
    }
    out->first_kl_1 = ll_first_kl(s, lens, LL_KL_AT_2);
}

double ll_sidecar_gain_p50(const struct ll_pass_stats *s, enum ll_lens_of lens, double *scratch)
{
    size_t n = 0;
    for (int l = 0; l < s->n_rows; l++) {
        const struct ll_reading *r = ll_row_reading(s, l, lens);
        if (r && isfinite(r->kl_to_final_bits) && isfinite(s->rows[l].norm.kl_to_final_bits))
            scratch[n++] = s->rows[l].norm.kl_to_final_bits - r->kl_to_final_bits;
    }
    return n ? ll_median(scratch, n) : NAN;
}
