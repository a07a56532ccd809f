/* milestones.c - see milestones.h */
#include "milestones.h"

#include "rules.h"
#include "stats.h"

#include <math.h>
#include <string.h>

const struct ll_milestone_rules ll_milestone_rules_default = {.margin_delta = LL_MARGIN_DELTA,
                                                              .top2_gap = LL_TOP2_GAP,
                                                              .surface_delta = LL_SURFACE_DELTA,
                                                              .geom_gamma = LL_GEOM_GAMMA,
                                                              .decay_tau = LL_DECAY_TAU,
                                                              .confirm_window = 2,
                                                              .raw_radius = 4};
const double ll_kl_at[LL_N_KL_AT] = {LL_KL_AT_1, LL_KL_AT_2},
             ll_gap_at[LL_N_GAP_AT] = {LL_GAP_AT_1, LL_GAP_AT_2},
             ll_cos_at[LL_N_COS_AT] = {LL_COS_AT_1, LL_COS_AT_2, LL_COS_AT_3};
const int ll_rank_at[LL_N_RANK_AT] = {LL_RANK_AT_1, LL_RANK_AT_2, LL_RANK_AT_3};

/* ---- one reading ----------------------------------------------------------------------------- */
double ll_answer_logit_gap(const struct ll_reading *r, int answer_id)
{
    if (answer_id < 0 || r->answer_rank != 1 || r->n_top < 2 || r->top[0].id != answer_id)
        return NAN;
    return (double)r->top[0].v - (double)r->top[1].v;
}

double ll_answer_vs_top1_gap(const struct ll_reading *r, int answer_id)
{
    return answer_id < 0 || r->answer_rank <= 1 || r->n_top < 1 ? NAN : r->answer_logit - (double)r->top[0].v;
}

double ll_answer_minus_uniform(const struct ll_reading *r, int d_vocab)
{
    return r->p_answer - 1.0 / (double)d_vocab;
}

int ll_margin_ok(const struct ll_reading *r, int d_vocab, double delta)
{
    if (r->answer_rank < 1 || !isfinite(r->p_answer))
        return -1;
    return r->answer_rank == 1 && ll_answer_minus_uniform(r, d_vocab) >= delta;
}

int ll_geom_crossover(const struct ll_lens_cells *c, double gamma)
{
    if (!isfinite(c->cos_to_answer) || !isfinite(c->cos_to_prompt_max))
        return -1;
    return c->cos_to_answer >= c->cos_to_prompt_max + gamma;
}

static const struct ll_reading *own_reading(const struct ll_row_stats *r, enum ll_lens_of lens)
{
    const struct ll_reading *of[] = {[LL_OF_NORM] = &r->norm,
                                     [LL_OF_RAW] = &r->raw,
                                     [LL_OF_TUNED] = &r->tuned,
                                     [LL_OF_TUNED_TEMP] = &r->tuned_temp};
    return of[lens]->is_set ? of[lens] : NULL;
}

static int is_used(const struct ll_pass_stats *s, enum ll_lens_of lens)
{
    for (int l = 0; l < s->n_rows; l++)
        if (own_reading(&s->rows[l], lens))
            return 1;
    return 0;
}

const struct ll_reading *ll_row_reading(const struct ll_pass_stats *s, int layer, enum ll_lens_of lens)
{
    const struct ll_reading *r = own_reading(&s->rows[layer], lens);
    return !r && lens == LL_OF_TUNED && layer == s->n_layers && is_used(s, lens) ? &s->rows[layer].norm : r;
}

int ll_first_rank(const struct ll_pass_stats *s, enum ll_lens_of lens, int rank)
{
    for (int l = 0; l < s->n_rows; l++) {
        const struct ll_reading *r = ll_row_reading(s, l, lens);
        if (r && r->answer_rank >= 1 && r->answer_rank <= rank)
            return l;
    }
    return -1;
}

int ll_first_kl(const struct ll_pass_stats *s, enum ll_lens_of lens, double bits)
{
    for (int l = 0; l < s->n_rows; l++) {
        const struct ll_reading *r = ll_row_reading(s, l, lens);
        if (r && r->kl_to_final_bits <= bits)
            return l;
    }
    return -1;
}

/* What the raw lens would call a strict copy: its top-1 among the prompt's ids that are not blank, p1 >
 * threshold, p1 - p2 > margin. -1: the row was not read raw. */
static int raw_copy(const struct ll_row_stats *r, const int *prompt_vocab, int n_prompt_vocab,
                    double threshold, double margin)
{
    const struct ll_reading *raw = &r->raw;
    if (!raw->is_set || raw->n_top < 1)
        return -1;
    if (!(raw->p_top1 > threshold && raw->p_top1 - (isfinite(raw->p_top2) ? raw->p_top2 : 0) > margin))
        return 0;
    for (int i = 0; i < n_prompt_vocab; i++)
        if (prompt_vocab[i] == raw->top[0].id)
            return 1;
    return 0;
}

/* ---- rows to layers -------------------------------------------------------------------------- */
/* One rule on one row: does it hold? */
struct rule {
    const struct ll_pass_stats *s;
    const struct ll_milestone_rules *r;
    double at;
    int i;
};
typedef int (*holds)(const struct rule *u, const struct ll_row_stats *row);

static int is_copy(const struct rule *u, const struct ll_row_stats *row) { return row->copy_strict[u->i]; }
static int is_soft(const struct rule *u, const struct ll_row_stats *row) { return row->copy_soft[u->i]; }
static int is_collapse(const struct rule *u, const struct ll_row_stats *row)
{
    (void)u;
    return row->entropy_collapse;
}
static int is_answer(const struct rule *u, const struct ll_row_stats *row)
{
    (void)u;
    return row->is_answer;
}
static int is_first(const struct ll_row_stats *row) { return row->norm.answer_rank == 1; }
static int is_gap(const struct rule *u, const struct ll_row_stats *row)
{
    return ll_answer_logit_gap(&row->norm, u->s->answer_id) >= u->at;
}
static int is_cos(const struct rule *u, const struct ll_row_stats *row) { return row->cos_to_final >= u->at; }
static int is_margin(const struct rule *u, const struct ll_row_stats *row)
{
    return ll_margin_ok(&row->norm, u->s->d_vocab, u->r->margin_delta) == 1;
}
static int is_top2(const struct rule *u, const struct ll_row_stats *row)
{
    return is_first(row) && ll_answer_logit_gap(&row->norm, u->s->answer_id) >= u->r->top2_gap;
}
static int is_strong(const struct rule *u, const struct ll_row_stats *row)
{
    return is_margin(u, row) && is_top2(u, row);
}
static int is_run2(const struct rule *u, const struct ll_row_stats *row)
{
    return row + 1 < u->s->rows + u->s->n_rows && is_first(row) && is_first(row + 1);
}
static int is_strong2(const struct rule *u, const struct ll_row_stats *row)
{
    return row + 1 < u->s->rows + u->s->n_rows && is_strong(u, row) && is_strong(u, row + 1);
}

static int first(const struct rule *u, holds h)
{
    for (int l = 0; l < u->s->n_rows; l++)
        if (h(u, &u->s->rows[l]))
            return l;
    return -1;
}

static enum ll_stability stability(const struct ll_pass_milestones *m)
{
    int lo = -1, hi = -1, any = 0; /* layers at the ends of the sweep */
    for (int i = 0; i < m->labels.n_strict; i++) {
        any |= m->strict[i] >= 0;
        if (m->labels.strict[i] == LL_COPY_SWEEP_LOW)
            lo = m->strict[i];
        if (m->labels.strict[i] == LL_COPY_THRESHOLD)
            hi = m->strict[i];
    }
    if (!any)
        return LL_STABILITY_NONE;
    if (lo < 0 || hi < 0)
        return LL_STABILITY_MIXED;
    double apart = fabs((double)hi - (double)lo), n = (double)m->n_layers;
    if (apart <= 2 || apart <= 0.05 * n)
        return LL_STABILITY_STABLE;
    return apart >= 6 || apart >= 0.15 * n ? LL_STABILITY_FRAGILE : LL_STABILITY_MIXED;
}

const char *ll_stability_name(enum ll_stability s)
{
    static const char *const names[] = {"none", "stable", "mixed", "fragile"};
    return names[s];
}

/* 1: the raw lens has no strict copy within the radius of the layer; 0: it has; -1: not read there. */
static int norm_only(const struct ll_pass_stats *s, int layer, int radius, const int *vocab, int n_vocab,
                     double threshold, double margin)
{
    int known = 0;
    if (layer < 0)
        return -1;
    for (int l = layer - radius < 0 ? 0 : layer - radius; l <= layer + radius && l < s->n_rows; l++) {
        int copy = raw_copy(&s->rows[l], vocab, n_vocab, threshold, margin);
        if (copy == 1)
            return 0;
        known |= copy == 0;
    }
    return known ? 1 : -1;
}

static void find_copies(struct ll_pass_milestones *m, struct rule *u, const int *vocab, int n_vocab)
{
    const struct ll_copy_labels *c = &m->labels;
    for (int i = 0; i < c->n_strict; i++) {
        u->i = i;
        m->strict[i] = first(u, is_copy);
        m->norm_only[i] =
            norm_only(u->s, m->strict[i], u->r->raw_radius, vocab, n_vocab, c->strict[i], c->margin);
    }
    for (int i = 0; i < c->n_soft; i++) {
        u->i = i;
        m->soft[i] = first(u, is_soft);
        if (c->soft[i].threshold == c->soft[0].threshold && m->soft[i] >= 0
            && (m->soft_first < 0 || m->soft[i] < m->soft_first)) {
            m->soft_first = m->soft[i];
            m->soft_k = c->soft[i].k;
        }
    }
    m->L_copy = c->n_strict ? m->strict[0] : -1;
    m->stability = stability(m);
}

static void find_gates(struct ll_pass_milestones *m, struct rule *u)
{
    m->L_copy_H = first(u, is_collapse);
    m->L_semantic = first(u, is_answer);
    m->margin_ok = first(u, is_margin);
    m->top2_ok = first(u, is_top2);
    m->run2 = first(u, is_run2);
    m->strong = first(u, is_strong);
    m->strong_run2 = first(u, is_strong2);
    for (int i = 0; i < LL_N_KL_AT; i++)
        m->kl[i] = ll_first_kl(u->s, LL_OF_NORM, ll_kl_at[i]);
    for (int i = 0; i < LL_N_RANK_AT; i++)
        m->rank[i] = ll_first_rank(u->s, LL_OF_NORM, ll_rank_at[i]);
    for (int i = 0; i < LL_N_GAP_AT; i++) {
        u->at = ll_gap_at[i];
        m->gap[i] = first(u, is_gap);
    }
    for (int i = 0; i < LL_N_COS_AT; i++) {
        u->at = ll_cos_at[i];
        m->cos[i] = first(u, is_cos);
    }
}

void ll_surface_of(struct ll_surface *o, const struct ll_pass_stats *s, enum ll_lens_of lens,
                   const struct ll_milestone_rules *rules)
{
    *o = (struct ll_surface){-1, NAN, NAN, -1, NAN, NAN, -1, NAN};
    for (int l = 0; l < s->n_rows; l++) {
        const struct ll_row_stats *row = &s->rows[l];
        const struct ll_reading *r = ll_row_reading(s, l, lens);
        const struct ll_lens_cells c = r == &row->tuned ? row->tuned_cells : ll_norm_cells(row);
        if (!r)
            continue;
        if (o->surface < 0 && r->p_answer >= c.echo_mass_prompt + rules->surface_delta) {
            o->surface = l;
            o->answer_mass = r->p_answer;
            o->echo_mass = c.echo_mass_prompt;
        }
        if (o->geom < 0 && ll_geom_crossover(&c, rules->geom_gamma) == 1) {
            o->geom = l;
            o->cos_answer = c.cos_to_answer;
            o->cos_prompt = c.cos_to_prompt_max;
        }
        if (o->decay < 0 && c.topk_prompt_mass50 <= rules->decay_tau) {
            o->decay = l;
            o->decay_mass = c.topk_prompt_mass50;
        }
    }
}

static void find_surface(struct ll_pass_milestones *m, const struct rule *u)
{
    struct ll_surface o;
    ll_surface_of(&o, u->s, LL_OF_NORM, u->r);
    m->surface = o.surface;
    m->surface_answer_mass = o.answer_mass;
    m->surface_echo_mass = o.echo_mass;
    m->geom = o.geom;
    m->geom_cos_answer = o.cos_answer;
    m->geom_cos_prompt = o.cos_prompt;
    m->decay = o.decay;
    m->decay_mass = o.decay_mass;
}

static void find_entropy_gap(struct ll_pass_milestones *m, const struct ll_pass_stats *s, double *v)
{
    static const double q[3] = {LL_P25, LL_P50, LL_P75};
    size_t n = 0;
    for (int l = 0; l < s->n_rows; l++)
        if (isfinite(s->rows[l].norm.entropy_bits) && isfinite(s->teacher_entropy_bits))
            v[n++] = s->rows[l].norm.entropy_bits - s->teacher_entropy_bits;
    m->n_entropy_gap = (int)n;
    for (int i = 0; i < 3; i++)
        m->entropy_gap_bits[i] = n ? ll_percentile(v, n, q[i]) : NAN;
}

static int first_within(const struct ll_pass_stats *s, enum ll_lens_of lens, int layer, int window)
{
    for (int l = layer - window < 0 ? 0 : layer - window; l <= layer + window && l < s->n_rows; l++) {
        const struct ll_reading *r = ll_row_reading(s, l, lens);
        if (r && r->answer_rank == 1)
            return 1;
    }
    return 0;
}

static void find_confirmed(struct ll_pass_milestones *m, const struct ll_pass_stats *s,
                           const struct ll_milestone_rules *r)
{
    static const char *const source[] = {"none", "raw", "tuned", "both"};
    int how = 0, L = m->L_semantic;
    m->L_raw = ll_first_rank(s, LL_OF_RAW, 1);
    m->L_tuned = ll_first_rank(s, LL_OF_TUNED, 1);
    m->margin_ok_at_semantic = m->confirmed = m->confirmed_margin_ok = m->run2_in_confirmed_window = -1;
    m->p_answer_at_semantic = m->gap_at_semantic = NAN;
    if (L >= 0) {
        const struct ll_reading *at = &s->rows[L].norm;
        m->margin_ok_at_semantic = ll_margin_ok(at, s->d_vocab, r->margin_delta);
        m->p_answer_at_semantic = at->p_answer;
        m->gap_at_semantic = ll_answer_logit_gap(at, s->answer_id);
        how = first_within(s, LL_OF_RAW, L, r->confirm_window)
            + 2 * first_within(s, LL_OF_TUNED, L, r->confirm_window);
    }
    m->confirmed_source = source[how];
    if (how) {
        m->confirmed = L;
        m->confirmed_margin_ok = m->margin_ok_at_semantic == 1 ? L : -1;
    }
    if (m->run2 >= 0 && m->confirmed >= 0)
        m->run2_in_confirmed_window =
            m->run2 <= L + r->confirm_window && m->run2 + 1 >= L - r->confirm_window;
}

void ll_pass_milestones_find(struct ll_pass_milestones *m, const struct ll_pass_stats *s,
                             const struct ll_copy_labels *labels, const struct ll_milestone_rules *rules,
                             const int *prompt_vocab, int n_prompt_vocab, double *scratch)
{
    struct rule u = {.s = s, .r = rules};
    memset(m, 0, sizeof *m);
    m->n_layers = s->n_layers;
    m->d_vocab = s->d_vocab;
    m->labels = *labels;
    m->soft_first = m->soft_k = -1;
    find_copies(m, &u, prompt_vocab, n_prompt_vocab);
    find_gates(m, &u);
    find_surface(m, &u);
    find_entropy_gap(m, s, scratch);
    find_confirmed(m, s, rules);
}

int ll_preferred_semantic(const struct ll_pass_milestones *m, const char **name)
{
    const struct {
        int layer;
        const char *name;
    } order[] = {{m->strong_run2, "L_semantic_strong_run2"},
                 {m->strong, "L_semantic_strong"},
                 {m->confirmed, "L_semantic_confirmed"},
                 {m->L_semantic, "L_semantic_norm"}};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (order[i].layer >= 0) {
            if (name)
                *name = order[i].name;
            return order[i].layer;
        }
    if (name)
        *name = NULL;
    return -1;
}

/* nearbyint in the default rounding mode: half to even. */
double ll_round_even(double v, int decimals)
{
    static const double ten[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
    return isfinite(v) ? nearbyint(v * ten[decimals]) / ten[decimals] : v;
}

double ll_depth_fraction(int layer, int n_layers, int decimals)
{
    return layer < 0 || n_layers < 1 ? NAN : ll_round_even((double)layer / (double)n_layers, decimals);
}
