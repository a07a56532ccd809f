/* tuned_gains.c - see tuned_gains.h */
#include "tuned_gains.h"

#include "rules.h"
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add(struct ll_tuned_gains *g, struct ll_gain_list *to, double v)
{
    if (!isfinite(v))
        return;
    if (to->n == to->cap) {
        size_t cap = to->cap ? 2 * to->cap : 64;
        double *more = realloc(to->v, cap * sizeof *more);
        if (!more) {
            g->failed = 1;
            return;
        }
        to->v = more;
        to->cap = cap;
    }
    to->v[to->n++] = v;
}

void ll_tuned_gains_pass(struct ll_tuned_gains *g, const struct ll_pass_stats *stats)
{
    for (int l = 0; l < stats->n_layers; l++) {
        const struct ll_row_stats *s = &stats->rows[l];
        double base = s->norm.kl_to_final_bits;
        if (!s->tuned.is_set)
            continue;
        add(g, &g->tuned, base - s->tuned.kl_to_final_bits);
        if (s->tuned_temp.is_set)
            add(g, &g->temp, base - s->tuned_temp.kl_to_final_bits);
    }
    const struct ll_reading *last = &stats->rows[stats->n_layers].tuned;
    if (last->is_set && last->kl_to_final_bits > g->kl_final)
        g->kl_final = last->kl_to_final_bits;
}

void ll_tuned_gains_position(struct ll_tuned_gains *g, double frac, struct ll_tuned_point base,
                             struct ll_tuned_point tuned)
{
    for (int i = 0; i < LL_N_POS_FRACS; i++)
        if (ll_pos_fracs[i] == frac)
            add(g, &g->at[i], base.kl_bits - tuned.kl_bits);
}

int ll_tuned_gains_ok(const struct ll_tuned_gains *g, struct ll_err *err)
{
    return g->failed ? ll_fail_mem(err, "figures of the tuned lens", g->tuned.n * sizeof(double)) : LL_OK;
}

void ll_tuned_gains_free(struct ll_tuned_gains *g)
{
    free(g->tuned.v);
    free(g->temp.v);
    for (int i = 0; i < LL_N_POS_FRACS; i++)
        free(g->at[i].v);
    memset(g, 0, sizeof *g);
}

static double percentile(struct ll_gain_list *l, double q)
{
    return l->n ? ll_percentile(l->v, l->n, q) : NAN;
}

static void quartiles(double out[3], struct ll_gain_list *l)
{
    out[0] = percentile(l, LL_P25);
    out[1] = percentile(l, LL_P50);
    out[2] = percentile(l, LL_P75);
}

/* Median over the positions with lo <= fraction <= hi. */
static double median_between(struct ll_tuned_gains *g, double lo, double hi)
{
    struct ll_gain_list all = {0};
    for (int i = 0; i < LL_N_POS_FRACS; i++)
        for (size_t k = 0; k < g->at[i].n && ll_pos_fracs[i] >= lo && ll_pos_fracs[i] <= hi; k++)
            add(g, &all, g->at[i].v[k]);
    double m = percentile(&all, LL_P50);
    free(all.v);
    return m;
}

int ll_tuned_audit_of(struct ll_tuned_audit *out, struct ll_tuned_gains *g, struct ll_err *err)
{
    *out = (struct ll_tuned_audit){.kl_final = g->kl_final, .n_rows = (long long)g->tuned.n};
    quartiles(out->tuned, &g->tuned);
    quartiles(out->temp, &g->temp);
    for (int i = 0; i < LL_N_POS_FRACS; i++)
        if (g->at[i].n)
            out->grid[out->n_grid++] = ll_pos_fracs[i];
    out->in_dist = median_between(g, 0, LL_POS_IN);
    out->out_of_dist = median_between(g, LL_POS_OUT, 1);
    out->gap = out->out_of_dist - out->in_dist;
    return ll_tuned_gains_ok(g, err);
}
