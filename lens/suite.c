/* suite.c - see suite.h */
#include "suite.h"

#include "rules.h"
#include "stats.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

void ll_fact_from(struct ll_fact *f, const struct ll_pass_milestones *m, long long first_row, int is_main)
{
    *f = (struct ll_fact){.L_copy_strict = m->L_copy,
                          .L_copy_soft_k1 = -1,
                          .L_semantic = m->L_semantic,
                          .L_confirmed = is_main ? m->confirmed : -1,
                          .L_margin_ok = m->margin_ok,
                          .delta_hat = NAN,
                          .row_index = m->L_semantic < 0 ? -1 : first_row + m->L_semantic};
    for (int i = m->labels.n_soft - 1; i >= 0; i--)
        if (m->labels.soft[i].k == 1 && m->labels.soft[i].threshold == m->labels.soft[0].threshold)
            f->L_copy_soft_k1 = m->soft[i];
    int copy = m->L_copy >= 0 ? m->L_copy : m->soft_first;
    if (copy >= 0 && m->L_semantic >= 0 && m->n_layers > 0)
        f->delta_hat = (double)(m->L_semantic - copy) / (double)m->n_layers;
}

/* Percentile of one layer member over the facts that have it; NAN: none has. */
static double layer_percentile(const struct ll_fact *facts, int n, size_t offset, double q, double *v)
{
    size_t k = 0;
    for (int i = 0; i < n; i++) {
        int l;
        memcpy(&l, (const char *)&facts[i] + offset, sizeof l);
        if (l >= 0)
            v[k++] = l;
    }
    return k ? ll_percentile(v, k, q) : NAN;
}

static int rounded(double v) { return isfinite(v) ? (int)ll_round_even(v, 0) : -1; }

void ll_suite_of(struct ll_suite *out, const struct ll_fact *facts, int n, double *scratch)
{
    const struct {
        size_t from;
        int *to;
    } medians[] = {{offsetof(struct ll_fact, L_copy_strict), &out->L_copy_strict},
                   {offsetof(struct ll_fact, L_copy_soft_k1), &out->L_copy_soft_k1},
                   {offsetof(struct ll_fact, L_semantic), &out->L_semantic},
                   {offsetof(struct ll_fact, L_confirmed), &out->L_confirmed},
                   {offsetof(struct ll_fact, L_margin_ok), &out->L_margin_ok}};
    size_t k = 0;
    *out = (struct ll_suite){.n = n};
    for (size_t i = 0; i < sizeof medians / sizeof *medians; i++)
        *medians[i].to = rounded(layer_percentile(facts, n, medians[i].from, LL_P50, scratch));
    out->L_semantic_median =
        layer_percentile(facts, n, offsetof(struct ll_fact, L_semantic), LL_P50, scratch);
    out->iqr[0] = rounded(layer_percentile(facts, n, offsetof(struct ll_fact, L_semantic), LL_P25, scratch));
    out->iqr[1] = rounded(layer_percentile(facts, n, offsetof(struct ll_fact, L_semantic), LL_P75, scratch));
    for (int i = 0; i < n; i++) {
        out->n_missing += facts[i].L_semantic < 0;
        if (isfinite(facts[i].delta_hat))
            scratch[k++] = facts[i].delta_hat;
    }
    out->delta_hat = k ? ll_round_even(ll_median(scratch, k), 4) : NAN;
}

/* NAN: not a control pass. */
static double control_margin(const struct ll_row_stats *r) { return r->norm.p_answer - r->p_control; }

void ll_control_of(struct ll_control *out, const struct ll_pass_stats *s, double strong_gap)
{
    *out = (struct ll_control){.first_margin = -1, .first_strong = -1, .max_margin = NAN, .max_gap = NAN};
    for (int l = s->n_rows - 1; l >= 0; l--) {
        double margin = control_margin(&s->rows[l]),
               gap = ll_answer_logit_gap(&s->rows[l].norm, s->answer_id);
        if (isfinite(margin) && !(out->max_margin >= margin))
            out->max_margin = margin;
        if (isfinite(gap) && !(out->max_gap >= gap))
            out->max_gap = gap;
        if (margin > 0)
            out->first_margin = l;
        if (margin > 0 && gap >= strong_gap)
            out->first_strong = l;
    }
}
