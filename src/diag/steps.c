/* steps.c - see steps.h */
#include "steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int ll_hook_fires(const struct ll_model *m, enum ll_hook h, int layer)
{
    if (!ll_hook_info(h)->per_layer)
        return layer < 0;
    if (layer < 0 || layer >= m->n_layers)
        return 0;
    const struct ll_layer *L = &m->layers[layer];
    switch (h) {
    case LL_HOOK_LN1_SCALE:
    case LL_HOOK_LN1_NORMALIZED: return L->ln1.w != NULL;
    case LL_HOOK_LN2_SCALE:
    case LL_HOOK_LN2_NORMALIZED: return L->ln2.w != NULL;
    case LL_HOOK_RESID_MID: return !L->parallel;
    case LL_HOOK_PRE:
    case LL_HOOK_POST: return !L->experts.n;
    case LL_HOOK_PRE_LINEAR: return !L->experts.n && L->mlp.W_gate.n;
    default: return 1;
    }
}

int ll_mat_stats(const struct ll_mat *w, struct ll_tensor_stats *s, struct ll_err *err)
{
    float *row = malloc(sizeof *row * (size_t)(w->k ? w->k : 1));
    if (!row)
        return ll_fail_mem(err, "statistics of a weight", sizeof *row * (size_t)w->k);
    for (int n = 0; n < w->n; n++) {
        ll_mat_row(w, n, row);
        ll_tensor_stats_add(s, row, (size_t)w->k);
    }
    free(row);
    return LL_OK;
}

static const char *const bounds[LL_N_BOUNDS] = {[LL_BOUND_FINITE] = "no NaN or infinity",
                                                [LL_BOUND_SOFTMAX_SUM] = "softmax rows sum to 1 within 1e-5",
                                                [LL_BOUND_SOFTMAX_RANGE] = "softmax values in 0..1",
                                                [LL_BOUND_NORM_RMS] =
                                                    "rms before a norm's gain in 0.9..1.0001",
                                                [LL_BOUND_RESID_SIZE] = "residual below 1e5",
                                                [LL_BOUND_ZERO_ROW] = "no residual row all zero"};
const char *ll_bound_name(enum ll_bound b) { return bounds[b]; }

int ll_watch_init(struct ll_watch *st, const struct ll_model *m, int n_pos, struct ll_err *err)
{
    size_t layers = (size_t)m->n_layers;
    memset(st, 0, sizeof *st);
    st->model = m;
    st->n_pos = n_pos;
    st->step = calloc((layers + 1) * LL_N_HOOKS, sizeof *st->step);
    st->norm = calloc((layers + 1) * LL_N_CHECKS, sizeof *st->norm);
    st->pattern = calloc(layers * (size_t)m->n_heads + 1, sizeof *st->pattern);
    if (st->step && st->norm && st->pattern)
        return LL_OK;
    ll_watch_free(st);
    return ll_fail_mem(err, "statistics of the steps", (layers + 1) * LL_N_HOOKS * sizeof *st->step);
}

void ll_watch_free(struct ll_watch *st)
{
    free(st->step);
    free(st->norm);
    free(st->pattern);
    memset(st, 0, sizeof *st);
}

static size_t slot(const struct ll_watch *st, int layer)
{
    return (size_t)(layer < 0 ? st->model->n_layers : layer);
}

const struct ll_step *ll_step_at(const struct ll_watch *st, enum ll_hook h, int layer)
{
    const struct ll_step *s = &st->step[slot(st, layer) * LL_N_HOOKS + h];
    return s->n_rows ? s : NULL;
}

const struct ll_norm_check *ll_norm_check_at(const struct ll_watch *st, int which, int layer)
{
    const struct ll_norm_check *c =
        &st->norm[slot(st, which == LL_CHECK_FINAL ? -1 : layer) * LL_N_CHECKS + (size_t)which];
    return c->is_set ? c : NULL;
}

/* ---- offences -------------------------------------------------------------------------------- */

static void blame(struct ll_watch *st, enum ll_bound b, const struct ll_hook_visit *v, int head, int pos,
                  int index, double value)
{
    if (st->n_offences[b] < LL_OFFENCES_EACH)
        st->first[st->n_first++] = (struct ll_offence){b, v->hook, v->layer, head, pos, index, value};
    st->n_offences[b]++;
}

/* Where a row of values lies: its head (-1: none), its position, and the index of the first. */
struct spot {
    int head, pos, first;
};

/* One row: counted, its place of the largest magnitude kept, what is not finite named. */
static void add_row(struct ll_watch *st, struct ll_step *s, const struct ll_hook_visit *v, struct spot at,
                    const float *row, int n)
{
    int64_t before = s->s.n;
    ll_tensor_stats_add(&s->s, row, (size_t)n);
    if (s->s.max_abs_at >= before) {
        s->max_head = at.head;
        s->max_pos = at.pos;
        s->max_index = at.first + (int)(s->s.max_abs_at - before);
    }
    for (int i = 0; i < n; i++) {
        float size = fabsf(row[i]);
        s->n_over_f16 += size > 65504.0f;
        s->n_under_f16 += size > 0 && size < 6e-5f;
        if (!isfinite(row[i]))
            blame(st, LL_BOUND_FINITE, v, at.head, at.pos, at.first + i, (double)row[i]);
    }
}

static void check_stream(struct ll_watch *st, const struct ll_hook_visit *v, int pos, const float *row)
{
    int zero = 1;
    for (int i = 0; i < v->width; i++) {
        zero = zero && row[i] == 0;
        if (isfinite(row[i]) && fabsf(row[i]) >= 1e5f)
            blame(st, LL_BOUND_RESID_SIZE, v, -1, pos, i, (double)row[i]);
    }
    if (zero)
        blame(st, LL_BOUND_ZERO_ROW, v, -1, pos, -1, 0);
}

/* ---- norms ----------------------------------------------------------------------------------- */

static const struct ll_norm *norm_of(const struct ll_watch *st, const struct ll_hook_visit *v, int *which)
{
    const struct ll_model *m = st->model;
    if (v->hook == LL_HOOK_LN_FINAL_SCALE || v->hook == LL_HOOK_LN_FINAL_NORMALIZED)
        return *which = LL_CHECK_FINAL, &m->ln_final;
    int first = v->hook == LL_HOOK_LN1_SCALE || v->hook == LL_HOOK_LN1_NORMALIZED;
    return *which = first ? LL_CHECK_LN1 : LL_CHECK_LN2,
           first ? &m->layers[v->layer].ln1 : &m->layers[v->layer].ln2;
}

/* Mean square of a row (about its mean in a LayerNorm), and what is subtracted. */
static double mean_square(const struct ll_norm *norm, const float *x, double *mean)
{
    double sum = 0, sq = 0;
    *mean = 0;
    for (int i = 0; i < norm->d; i++)
        sum += (double)x[i];
    if (norm->kind == LL_NORM_LAYER || norm->kind == LL_NORM_LAYER_NO_BIAS)
        *mean = sum / norm->d;
    for (int i = 0; i < norm->d; i++)
        sq += ((double)x[i] - *mean) * ((double)x[i] - *mean);
    return sq / norm->d;
}

static void check_scale(struct ll_watch *st, const struct ll_hook_visit *v)
{
    int which;
    const struct ll_norm *norm = norm_of(st, v, &which);
    struct ll_norm_check *c = &st->norm[slot(st, v->layer) * LL_N_CHECKS + (size_t)which];
    for (int r = 0; r < v->n_rows; r++) {
        double mean, ms = mean_square(norm, st->resid + r * st->resid_stride, &mean),
                     rms = sqrt(ms) / (double)v->data[r * v->stride];
        if (!isfinite(ms) || !isfinite(rms))
            continue; /* counted where it is not finite */
        int first = !c->is_set;
        c->is_set = 1;
        c->ms_min = first || ms < c->ms_min ? ms : c->ms_min;
        c->ms_max = first || ms > c->ms_max ? ms : c->ms_max;
        c->rms_min = first || rms < c->rms_min ? rms : c->rms_min;
        c->rms_max = first || rms > c->rms_max ? rms : c->rms_max;
        if (ms >= 10 * (double)norm->eps && !(rms >= 0.9 && rms <= 1.0001))
            blame(st, LL_BOUND_NORM_RMS, v, -1, v->row0 + r, -1, rms);
    }
}

static void check_normalized(struct ll_watch *st, const struct ll_hook_visit *v)
{
    int which;
    const struct ll_norm *norm = norm_of(st, v, &which);
    struct ll_norm_check *c = &st->norm[slot(st, v->layer) * LL_N_CHECKS + (size_t)which];
    for (int r = 0; r < v->n_rows; r++) {
        const float *x = st->resid + r * st->resid_stride, *y = v->data + r * v->stride;
        double mean, root = sqrt(mean_square(norm, x, &mean) + (double)norm->eps), off = 0, size = 0;
        for (int i = 0; i < norm->d; i++) {
            double want =
                       ((double)x[i] - mean) / root * (double)norm->w[i] + (norm->b ? (double)norm->b[i] : 0),
                   d = (double)y[i] - want;
            off += d * d;
            size += want * want;
        }
        double rel = size > 0 ? sqrt(off / size) : sqrt(off);
        if (isfinite(rel) && rel > c->worst_rel)
            c->worst_rel = rel;
    }
}

/* ---- attention ------------------------------------------------------------------------------- */

static void measure_square(struct ll_watch *st, struct ll_step *s, const struct ll_hook_visit *v)
{
    const struct ll_model *m = st->model;
    int window = m->layers[v->layer].window, n = v->n_rows, is_pattern = v->hook == LL_HOOK_PATTERN;
    s->n_heads = m->n_heads;
    for (int h = 0; h < m->n_heads; h++) {
        struct ll_head_pattern *hp = &st->pattern[(size_t)v->layer * (size_t)m->n_heads + (size_t)h],
                               sum = {0};
        for (int t = 0; t < n; t++) {
            const float *row = v->data + ((size_t)h * (size_t)n + (size_t)t) * (size_t)v->stride;
            int s0 = window && t + 1 > window ? t + 1 - window : 0;
            double total = 0, entropy = 0;
            add_row(st, s, v, (struct spot){h, t, s0}, row + s0, t + 1 - s0);
            for (int k = s0; is_pattern && k <= t; k++) {
                double p = (double)row[k];
                total += p;
                entropy -= p > 0 ? p * ll_log2(p) : 0;
                if (p < 0 || p > 1)
                    blame(st, LL_BOUND_SOFTMAX_RANGE, v, h, t, k, p);
            }
            if (is_pattern && isfinite(total) && fabs(total - 1) > 1e-5)
                blame(st, LL_BOUND_SOFTMAX_SUM, v, h, t, -1, total);
            if (is_pattern && t) {
                sum.entropy_bits += entropy;
                sum.entropy_share += t > s0 ? entropy / ll_log2((double)(t + 1 - s0)) : 0;
                sum.sink += s0 ? 0 : (double)row[0];
            }
        }
        if (is_pattern) {
            double queries = n - 1;
            *hp = n > 1 ? (struct ll_head_pattern){sum.entropy_bits / queries, sum.entropy_share / queries,
                                                   sum.sink / queries}
                        : (struct ll_head_pattern){NAN, NAN, NAN};
        }
    }
}

/* ---- the listener ---------------------------------------------------------------------------- */

static int is_stream(enum ll_hook h)
{
    return h == LL_HOOK_EMBED || h == LL_HOOK_RESID_PRE || h == LL_HOOK_RESID_MID || h == LL_HOOK_RESID_POST;
}

static int on_visit(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct ll_watch *st = arg;
    struct ll_step *s = &st->step[slot(st, v->layer) * LL_N_HOOKS + v->hook];
    if (v->n_rows != st->n_pos)
        return ll_fail(err, LL_EUSAGE,
                       "statistics of the steps: made for one sequence of %d tokens, found %d rows",
                       st->n_pos, v->n_rows);
    ll_tensor_stats_init(&s->s);
    s->n_rows = v->n_rows;
    s->width = v->width;
    s->max_head = s->max_pos = s->max_index = -1;
    if (is_stream(v->hook)) {
        st->resid = v->data;
        st->resid_stride = v->stride;
    }
    if (ll_hook_info(v->hook)->width == LL_WIDTH_POS_POS) {
        measure_square(st, s, v);
        return LL_OK;
    }
    for (int r = 0; r < v->n_rows; r++) {
        const float *row = v->data + r * v->stride;
        add_row(st, s, v, (struct spot){-1, r, 0}, row, v->width);
        if (is_stream(v->hook))
            check_stream(st, v, r, row);
    }
    if (v->hook == LL_HOOK_LN1_SCALE || v->hook == LL_HOOK_LN2_SCALE || v->hook == LL_HOOK_LN_FINAL_SCALE)
        check_scale(st, v);
    if (v->hook == LL_HOOK_LN1_NORMALIZED || v->hook == LL_HOOK_LN2_NORMALIZED
        || v->hook == LL_HOOK_LN_FINAL_NORMALIZED)
        check_normalized(st, v);
    return LL_OK;
}

struct ll_listener ll_watch_listener(struct ll_watch *st, int square)
{
    uint32_t all = LL_HOOK_BIT(LL_HOOK_LOGITS) - 1;
    if (!square)
        all &= ~(LL_HOOK_BIT(LL_HOOK_ATTN_SCORES) | LL_HOOK_BIT(LL_HOOK_PATTERN));
    return (struct ll_listener){all, on_visit, st};
}
