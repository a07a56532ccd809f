/* exact.c - see exact.h. Formulas: Zhang & Sennrich 2019, Ba et al. 2016, Su et al. 2021, Vaswani et al.
 * 2017, Shazeer 2020 (gated MLPs), Hendrycks & Gimpel 2016 (GELU), Jiang et al. 2024 (experts), Gemma 2
 * report (soft caps). */
#include "exact.h"

#include "rope.h"
#include "variant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct val {
    double *x;
    int rows, width;
}; /* x NULL: not made yet; owned by the work */
struct work {
    const struct ll_exact *e;
    struct val *cache;
    struct ll_err *err;
};

static const double *point(struct work *w, int hook, int layer, int *width);

/* ---- pieces ---------------------------------------------------------------------------------- */

static double *make(struct work *w, size_t n)
{
    double *x = calloc(n ? n : 1, sizeof *x);
    if (!x)
        ll_fail_mem(w->err, "double-precision values", n * sizeof *x);
    return x;
}

/* y [n, rows] = x [n, k] . rows of W at `row0`, to columns at `col0` of y; then the bias. */
struct part_of_product {
    const struct ll_mat *W;
    const float *b;
    int row0, rows;
    double *y;
    int ldy, col0;
};

static int linear_rows(struct work *w, const struct part_of_product *p, const double *x, int n)
{
    size_t width = (size_t)p->W->k;
    float *row = malloc(sizeof *row * width);
    if (!row)
        return ll_fail_mem(w->err, "row of a weight", sizeof *row * width);
    for (int r = 0; r < p->rows; r++) {
        ll_mat_row(p->W, p->row0 + r, row);
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (size_t k = 0; k < width; k++)
                sum += x[(size_t)i * width + k] * (double)row[k];
            p->y[(size_t)i * (size_t)p->ldy + (size_t)(p->col0 + r)] =
                sum + (p->b ? (double)p->b[p->row0 + r] : 0);
        }
    }
    free(row);
    return LL_OK;
}

static double *linear(struct work *w, const struct ll_mat *W, const float *b, const double *x, int n)
{
    double *y = x ? make(w, (size_t)n * (size_t)W->n) : NULL;
    const struct part_of_product all = {W, b, 0, W->n, y, W->n, 0};
    if (y && linear_rows(w, &all, x, n)) {
        free(y);
        return NULL;
    }
    return y;
}

/* In place; returns the divisor. */
static double norm_one(const struct ll_norm *norm, const float *gain, double *x)
{
    int centred = norm->kind == LL_NORM_LAYER || norm->kind == LL_NORM_LAYER_NO_BIAS;
    double mean = 0, sq = 0;
    for (int i = 0; i < norm->d && centred; i++)
        mean += x[i] / norm->d;
    for (int i = 0; i < norm->d; i++)
        sq += (x[i] - mean) * (x[i] - mean);
    double scale = sqrt(sq / norm->d + (double)norm->eps);
    for (int i = 0; i < norm->d; i++)
        x[i] = (x[i] - mean) / scale * (double)gain[i] + (centred && norm->b ? (double)norm->b[i] : 0);
    return scale;
}

static double *copy_of(struct work *w, const double *x, size_t n)
{
    double *y = x ? make(w, n) : NULL;
    if (y)
        memcpy(y, x, n * sizeof *y);
    return y;
}

static double *norm_rows(struct work *w, const struct ll_norm *norm, const double *x, int n, int scales)
{
    double *y = copy_of(w, x, (size_t)n * (size_t)norm->d);
    for (int r = 0; y && r < n; r++) {
        double scale = norm_one(norm, norm->w, y + (size_t)r * (size_t)norm->d);
        if (scales)
            y[r] = scale; /* row r begins at or after it, already read */
    }
    return y;
}

static const double PI = 3.14159265358979323846;

/* Absolute error below 2e-15, which is what is needed here. */
static double tanh64(double x) { return x > 20 ? 1 : x < -20 ? -1 : 1 - 2 / (ll_exp(2 * x) + 1); }

/* erf(x) = 2x/sqrt(pi) e^(-x^2) sum_n (2x^2)^n / (1 3 5 ... (2n+1)): all terms of one sign (Abramowitz &
 * Stegun 7.1.6). */
static double erf64(double x)
{
    double term = 1, sum = 1;
    if (!(fabs(x) < 6))
        return x > 0 ? 1 : x < 0 ? -1 : x; /* 1 - erf(6) is 2e-17 */
    for (int n = 1; term > 1e-18 * sum; n++)
        sum += term *= 2 * x * x / (2 * n + 1);
    return 2 * x / sqrt(PI) * ll_exp(-x * x) * sum;
}

static double act(enum ll_act kind, double x)
{
    switch (kind) {
    case LL_ACT_SILU: return x / (1 + ll_exp(-x));
    case LL_ACT_GELU_TANH: return 0.5 * x * (1 + tanh64(sqrt(2 / PI) * (x + 0.044715 * x * x * x)));
    case LL_ACT_QUICK_GELU: return x / (1 + ll_exp(-1.702 * x));
    case LL_ACT_RELU: return x < 0 ? 0 : x;
    case LL_ACT_RELU2: return x < 0 ? 0 : x * x;
    default: return 0.5 * x * (1 + erf64(x / sqrt(2.0)));
    }
}

/* ---- operations: each returns [n, *width], or NULL with err filled in ------------------------ */

static const struct ll_layer *layer_of(const struct work *w, int l) { return &w->e->m->layers[l]; }
/* Does this layer make a mistake on purpose (variant.h)? */
static int makes(const struct work *w, int layer, enum ll_mistake mistake)
{
    return (ll_variant_mistakes(w->e->m, layer) & mistake) != 0;
}
static double *absent(struct work *w, int hook, int layer)
{
    ll_fail(w->err, LL_EUNSUP, "layer %d has no %s", layer, ll_hook_info((enum ll_hook)hook)->name);
    return NULL;
}

static void table_row(const struct ll_tensor *t, int n_rows, int row, float *out, size_t d)
{
    ll_dtype_info(t->dtype)->to_f32(t->data + (size_t)row * (t->size / (size_t)n_rows), out, d);
}

static double *op_embed(struct work *w, int hook, int layer, int *width)
{
    const struct ll_model *m = w->e->m;
    size_t d = (size_t)m->d_model;
    float *row = malloc(sizeof *row * d);
    double *y = make(w, (size_t)w->e->n * d);
    (void)hook, (void)layer;
    for (int r = 0; row && y && r < w->e->n; r++) {
        table_row(m->W_E, m->d_vocab, w->e->ids[r], row, d);
        for (size_t i = 0; i < d; i++)
            y[(size_t)r * d + i] = (double)row[i] * (double)m->emb_scale;
        if (m->W_pos)
            table_row(m->W_pos, m->n_positions, r, row, d);
        for (size_t i = 0; i < d && m->W_pos; i++)
            y[(size_t)r * d + i] += (double)row[i];
    }
    free(row);
    *width = (int)d;
    return y;
}

static double *op_resid_pre(struct work *w, int hook, int layer, int *width)
{
    (void)hook;
    const double *x =
        layer ? point(w, LL_HOOK_RESID_POST, layer - 1, width) : point(w, LL_HOOK_EMBED, -1, width);
    return copy_of(w, x, (size_t)w->e->n * (size_t)w->e->m->d_model);
}

static const struct ll_norm *norm_of(const struct work *w, int hook, int layer)
{
    if (layer < 0)
        return &w->e->m->ln_final;
    return hook == LL_HOOK_LN1_SCALE || hook == LL_HOOK_LN1_NORMALIZED ? &layer_of(w, layer)->ln1
                                                                       : &layer_of(w, layer)->ln2;
}

static double *op_norm(struct work *w, int hook, int layer, int *width)
{
    const struct ll_norm *norm = norm_of(w, hook, layer);
    int first = hook == LL_HOOK_LN1_SCALE || hook == LL_HOOK_LN1_NORMALIZED,
        scales = hook == LL_HOOK_LN1_SCALE || hook == LL_HOOK_LN2_SCALE || hook == LL_HOOK_LN_FINAL_SCALE;
    if (!norm->w)
        return absent(w, hook, layer);
    const double *x = layer < 0                 ? point(w, LL_HOOK_RESID_POST, w->e->m->n_layers - 1, width)
        : first || layer_of(w, layer)->parallel ? point(w, LL_HOOK_RESID_PRE, layer, width)
                                                : point(w, LL_HOOK_RESID_MID, layer, width);
    *width = scales ? 1 : norm->d;
    return norm_rows(w, norm, x, w->e->n, scales);
}

/* What the projections of a half block read. */
static const double *attn_input(struct work *w, int layer, int *width)
{
    return point(w, layer_of(w, layer)->ln1.w ? LL_HOOK_LN1_NORMALIZED : LL_HOOK_RESID_PRE, layer, width);
}
static const double *mlp_input(struct work *w, int layer, int *width)
{
    const struct ll_layer *L = layer_of(w, layer);
    return point(w,
                 L->ln2.w          ? LL_HOOK_LN2_NORMALIZED
                     : L->parallel ? LL_HOOK_LN1_NORMALIZED
                                   : LL_HOOK_RESID_MID,
                 layer, width);
}

static double *op_qkv(struct work *w, int hook, int layer, int *width)
{
    const struct ll_model *m = w->e->m;
    const struct ll_layer *L = layer_of(w, layer);
    int late = makes(w, layer, LL_MISTAKE_BIAS_LATE), dh = m->d_head, per = m->n_heads / m->n_kv_heads;
    const double *x = attn_input(w, layer, width);
    const struct ll_mat *W = hook == LL_HOOK_Q ? &L->W_Q : hook == LL_HOOK_K ? &L->W_K : &L->W_V;
    const float *b = hook == LL_HOOK_V ? L->b_V : late ? NULL : hook == LL_HOOK_Q ? L->b_Q : L->b_K;
    *width = dh * (hook == LL_HOOK_Q ? m->n_heads : m->n_kv_heads);
    if (!x || !L->W_QKV.n)
        return linear(w, W, b, x, w->e->n);
    double *y = make(w, (size_t)w->e->n * (size_t)*width); /* rows of a group: its query heads, k, v */
    int rc = LL_OK, rows = hook == LL_HOOK_Q ? per * dh : dh,
        skip = hook == LL_HOOK_Q ? 0
        : hook == LL_HOOK_K      ? per * dh
                                 : (per + 1) * dh;
    for (int g = 0; y && g < m->n_kv_heads && !rc; g++) {
        const struct part_of_product part = {&L->W_QKV, L->b_QKV, g * (per + 2) * dh + skip, rows, y,
                                             *width,    g * rows};
        rc = linear_rows(w, &part, x, w->e->n);
    }
    if (rc) {
        free(y);
        return NULL;
    }
    return y;
}

static void norm_heads(const struct ll_model *m, const struct ll_norm *norm, double *x, int width)
{
    for (int at = 0; at < width; at += norm->d)
        norm_one(norm, norm->w + (m->family->qk_norm == LL_QK_HEAD_OWN_GAIN ? at : 0), x + at);
}

static void rotate(const struct ll_rope *r, int n_pos, int pos, int dh, double *x, int width)
{
    int half = r->d_rot / 2, step = r->interleaved ? 2 : 1, apart = r->interleaved ? 1 : half;
    for (int h = 0; h < width; h += dh)
        for (int i = 0; i < half; i++) {
            /* angle, cos and sin are float by definition (rope.h), in the published implementations, too */
            double angle = (double)((float)pos * ll_rope_freq(r, n_pos, i)),
                   c = (double)((float)ll_cos(angle) * r->attn_factor),
                   s = (double)((float)ll_sin(angle) * r->attn_factor);
            double *p = x + h + i * step, a = p[0], b = p[apart];
            p[0] = a * c - b * s;
            p[apart] = b * c + a * s;
        }
}

static double *op_rot(struct work *w, int hook, int layer, int *width)
{
    const struct ll_layer *L = layer_of(w, layer);
    int is_q = hook == LL_HOOK_ROT_Q, n = w->e->n, norm_late = makes(w, layer, LL_MISTAKE_QK_NORM_LATE);
    const struct ll_norm *norm = is_q ? &L->q_norm : &L->k_norm;
    const float *late = !makes(w, layer, LL_MISTAKE_BIAS_LATE) ? NULL : is_q ? L->b_Q : L->b_K;
    const double *x = point(w, is_q ? LL_HOOK_Q : LL_HOOK_K, layer, width);
    double *y = copy_of(w, x, (size_t)n * (size_t)*width);
    for (int r = 0; y && r < n; r++) {
        double *row = y + (size_t)r * (size_t)*width;
        if (norm->w && !norm_late)
            norm_heads(w->e->m, norm, row, *width);
        if (L->rope)
            rotate(L->rope, n, r, w->e->m->d_head, row, *width);
        if (norm->w && norm_late)
            norm_heads(w->e->m, norm, row, *width);
        for (int i = 0; late && i < *width; i++)
            row[i] += (double)late[i];
    }
    return y;
}

static int kv_head(const struct work *w, int layer, int h)
{
    const struct ll_model *m = w->e->m;
    return makes(w, layer, LL_MISTAKE_GROUPING) ? h % m->n_kv_heads : h / (m->n_heads / m->n_kv_heads);
}

static double *op_scores(struct work *w, int hook, int layer, int *width)
{
    const struct ll_model *m = w->e->m;
    const struct ll_layer *L = layer_of(w, layer);
    int n = w->e->n, dh = m->d_head, wq, wk;
    const double *q = point(w, LL_HOOK_ROT_Q, layer, &wq),
                 *k = q ? point(w, LL_HOOK_ROT_K, layer, &wk) : NULL;
    double *y = k ? make(w, (size_t)m->n_heads * (size_t)n * (size_t)n) : NULL;
    (void)hook;
    *width = n;
    for (int h = 0; y && h < m->n_heads; h++)
        for (int t = 0; t < n; t++)
            for (int s = 0; s < n; s++) {
                double *to = &y[((size_t)h * (size_t)n + (size_t)t) * (size_t)n + (size_t)s], sum = 0;
                for (int i = 0; i < dh; i++)
                    sum += q[(size_t)t * (size_t)wq + (size_t)(h * dh + i)]
                        * k[(size_t)s * (size_t)wk + (size_t)(kv_head(w, layer, h) * dh + i)];
                sum *= (double)L->attn_scale;
                if (L->attn_cap > 0)
                    sum = (double)L->attn_cap * tanh64(sum / (double)L->attn_cap);
                *to = s > t || (L->window && t - s >= L->window) ? -INFINITY : sum;
            }
    return y;
}

static double *op_pattern(struct work *w, int hook, int layer, int *width)
{
    int n = w->e->n, rows = w->e->m->n_heads * n;
    double *y = copy_of(w, point(w, LL_HOOK_ATTN_SCORES, layer, width), (size_t)rows * (size_t)n);
    (void)hook;
    for (int r = 0; y && r < rows; r++) {
        double *p = y + (size_t)r * (size_t)n, max = -INFINITY, sum = 0;
        int seen = r % n + 1; /* whatever a reference holds beyond the query is masked */
        for (int s = 0; s < seen; s++)
            max = p[s] > max ? p[s] : max;
        for (int s = 0; s < n; s++)
            sum += p[s] = s < seen && p[s] > -1e30 ? ll_exp(p[s] - max) : 0;
        for (int s = 0; s < n; s++)
            p[s] /= sum;
    }
    return y;
}

static double *op_z(struct work *w, int hook, int layer, int *width)
{
    const struct ll_model *m = w->e->m;
    int n = w->e->n, dh = m->d_head, wp, wv;
    const double *p = point(w, LL_HOOK_PATTERN, layer, &wp), *v = p ? point(w, LL_HOOK_V, layer, &wv) : NULL;
    double *y = v ? make(w, (size_t)n * (size_t)(m->n_heads * dh)) : NULL;
    (void)hook;
    *width = m->n_heads * dh;
    for (int h = 0; y && h < m->n_heads; h++)
        for (int t = 0; t < n; t++)
            for (int s = 0; s <= t; s++)
                for (int i = 0; i < dh; i++)
                    y[(size_t)t * (size_t)*width + (size_t)(h * dh + i)] +=
                        p[((size_t)h * (size_t)n + (size_t)t) * (size_t)n + (size_t)s]
                        * v[(size_t)s * (size_t)wv + (size_t)(kv_head(w, layer, h) * dh + i)];
    return y;
}

/* What joins the stream: post-normed and multiplied. */
static double *addend(struct work *w, const struct ll_layer *L, const struct ll_norm *post, double *y)
{
    int d = w->e->m->d_model;
    for (int r = 0; y && r < w->e->n; r++) {
        double *row = y + (size_t)r * (size_t)d;
        if (post->w)
            norm_one(post, post->w, row);
        for (int i = 0; i < d; i++)
            row[i] *= (double)L->resid_scale;
    }
    return y;
}

static double *op_attn_out(struct work *w, int hook, int layer, int *width)
{
    const struct ll_layer *L = layer_of(w, layer);
    double *y = linear(w, &L->W_O, L->b_O, point(w, LL_HOOK_Z, layer, width), w->e->n);
    (void)hook;
    *width = w->e->m->d_model;
    return addend(w, L, &L->ln1_post, y);
}

static double *add(struct work *w, double *y, int hook, int layer)
{
    int d;
    const double *x = y ? point(w, hook, layer, &d) : NULL;
    for (size_t i = 0; x && i < (size_t)w->e->n * (size_t)w->e->m->d_model; i++)
        y[i] += x[i];
    if (!x) {
        free(y);
        return NULL;
    }
    return y;
}

static double *op_resid_mid(struct work *w, int hook, int layer, int *width)
{
    if (layer_of(w, layer)->parallel)
        return absent(w, hook, layer);
    double *y =
        copy_of(w, point(w, LL_HOOK_RESID_PRE, layer, width), (size_t)w->e->n * (size_t)w->e->m->d_model);
    return add(w, y, LL_HOOK_ATTN_OUT, layer);
}

static double *op_resid_post(struct work *w, int hook, int layer, int *width)
{
    int parallel = layer_of(w, layer)->parallel;
    double *y = copy_of(w, point(w, parallel ? LL_HOOK_RESID_PRE : LL_HOOK_RESID_MID, layer, width),
                        (size_t)w->e->n * (size_t)w->e->m->d_model);
    (void)hook;
    if (parallel)
        y = add(w, y, LL_HOOK_ATTN_OUT, layer);
    return add(w, y, LL_HOOK_MLP_OUT, layer);
}

static double *op_pre(struct work *w, int hook, int layer, int *width)
{
    const struct ll_mlp *mlp = &layer_of(w, layer)->mlp;
    int gate = hook == LL_HOOK_PRE && mlp->W_gate.n;
    if (!mlp->W_in.n || (hook == LL_HOOK_PRE_LINEAR && !mlp->W_gate.n))
        return absent(w, hook, layer);
    double *y = linear(w, gate ? &mlp->W_gate : &mlp->W_in, gate ? mlp->b_gate : mlp->b_in,
                       mlp_input(w, layer, width), w->e->n);
    *width = mlp->W_in.n;
    return y;
}

static void activate(const struct work *w, int layer, double *gate, const double *up, size_t n)
{
    enum ll_act kind = layer_of(w, layer)->act;
    int swapped = makes(w, layer, LL_MISTAKE_ACT_ORDER);
    for (size_t i = 0; i < n; i++)
        gate[i] = !up ? act(kind, gate[i])
            : swapped ? gate[i] * act(kind, up[i])
                      : act(kind, gate[i]) * up[i];
}

static double *op_post(struct work *w, int hook, int layer, int *width)
{
    const struct ll_layer *L = layer_of(w, layer);
    int gated = L->mlp.W_gate.n != 0;
    if (!L->mlp.W_in.n)
        return absent(w, hook, layer);
    size_t n = (size_t)w->e->n * (size_t)L->mlp.W_in.n;
    double *y = copy_of(w, point(w, LL_HOOK_PRE, layer, width), n);
    const double *up = y && gated ? point(w, LL_HOOK_PRE_LINEAR, layer, width) : NULL;
    if (y && gated && !up) {
        free(y);
        return NULL;
    }
    if (y)
        activate(w, layer, y, up, n);
    return y;
}

/* One expert on one row, times its share, added to out. */
static int add_expert(struct work *w, int layer, const struct ll_mlp *mlp, const double *x, double share,
                      double *out)
{
    double *gate =
        linear(w, mlp->W_gate.n ? &mlp->W_gate : &mlp->W_in, mlp->W_gate.n ? mlp->b_gate : mlp->b_in, x, 1);
    double *up = gate && mlp->W_gate.n ? linear(w, &mlp->W_in, mlp->b_in, x, 1) : NULL, *y = NULL;
    if (gate && (up || !mlp->W_gate.n)) {
        activate(w, layer, gate, up, (size_t)mlp->W_in.n);
        y = linear(w, &mlp->W_out, mlp->b_out, gate, 1);
    }
    for (int i = 0; y && i < mlp->W_out.n; i++)
        out[i] += share * y[i];
    int rc = y ? LL_OK : LL_EFAIL;
    free(gate);
    free(up);
    free(y);
    return rc;
}

static int experts_row(struct work *w, int layer, const double *x, double *out)
{
    const struct ll_experts *moe = &layer_of(w, layer)->experts;
    double *p = linear(w, &moe->W_router, NULL, x, 1), max = -INFINITY, sum = 0, picked = 0, share[256];
    int chosen[256], rc = p ? LL_OK : LL_EFAIL, top = moe->top_k < 256 ? moe->top_k : 256;
    for (int e = 0; !rc && e < moe->n; e++)
        max = p[e] > max ? p[e] : max;
    for (int e = 0; !rc && e < moe->n; e++)
        sum += p[e] = ll_exp(p[e] - max);
    for (int k = 0; !rc && k < top; k++) {
        chosen[k] = 0;
        for (int e = 1; e < moe->n; e++)
            if (p[e] > p[chosen[k]])
                chosen[k] = e;
        share[k] = p[chosen[k]] / sum;
        picked += share[k];
        p[chosen[k]] = -1;
    }
    for (int k = 0; !rc && k < top; k++)
        rc = add_expert(w, layer, &moe->mlps[chosen[k]], x, moe->renormalised ? share[k] / picked : share[k],
                        out);
    free(p);
    if (rc || !moe->shared.W_in.n)
        return rc;
    double *s = linear(w, &moe->W_shared_router, NULL, x, 1);
    rc = s ? add_expert(w, layer, &moe->shared, x, 1 / (1 + ll_exp(-s[0])), out) : LL_EFAIL;
    free(s);
    return rc;
}

static double *op_mlp_out(struct work *w, int hook, int layer, int *width)
{
    const struct ll_layer *L = layer_of(w, layer);
    int d = w->e->m->d_model, wx;
    double *y;
    (void)hook;
    if (!L->experts.n)
        y = linear(w, &L->mlp.W_out, L->mlp.b_out, point(w, LL_HOOK_POST, layer, &wx), w->e->n);
    else {
        const double *x = mlp_input(w, layer, &wx);
        y = x ? make(w, (size_t)w->e->n * (size_t)d) : NULL;
        for (int r = 0; y && r < w->e->n; r++)
            if (experts_row(w, layer, x + (size_t)r * (size_t)d, y + (size_t)r * (size_t)d)) {
                free(y);
                return NULL;
            }
    }
    *width = d;
    return addend(w, L, &L->ln2_post, y);
}

static double *op_logits(struct work *w, int hook, int layer, int *width)
{
    const struct ll_model *m = w->e->m;
    double *y = linear(w, &m->W_U, m->b_U, point(w, LL_HOOK_LN_FINAL_NORMALIZED, -1, width), w->e->n);
    (void)hook, (void)layer;
    *width = m->d_vocab;
    for (size_t i = 0; y && i < (size_t)w->e->n * (size_t)m->d_vocab; i++) {
        y[i] *= (double)m->logit_scale;
        if (m->logit_cap > 0)
            y[i] = (double)m->logit_cap * tanh64(y[i] / (double)m->logit_cap);
    }
    return y;
}

typedef double *(*op_fn)(struct work *w, int hook, int layer, int *width);
static const op_fn ops[LL_N_HOOKS] = {
    [LL_HOOK_EMBED] = op_embed,
    [LL_HOOK_RESID_PRE] = op_resid_pre,
    [LL_HOOK_LN1_SCALE] = op_norm,
    [LL_HOOK_LN1_NORMALIZED] = op_norm,
    [LL_HOOK_Q] = op_qkv,
    [LL_HOOK_K] = op_qkv,
    [LL_HOOK_V] = op_qkv,
    [LL_HOOK_ROT_Q] = op_rot,
    [LL_HOOK_ROT_K] = op_rot,
    [LL_HOOK_ATTN_SCORES] = op_scores,
    [LL_HOOK_PATTERN] = op_pattern,
    [LL_HOOK_Z] = op_z,
    [LL_HOOK_ATTN_OUT] = op_attn_out,
    [LL_HOOK_RESID_MID] = op_resid_mid,
    [LL_HOOK_LN2_SCALE] = op_norm,
    [LL_HOOK_LN2_NORMALIZED] = op_norm,
    [LL_HOOK_PRE] = op_pre,
    [LL_HOOK_PRE_LINEAR] = op_pre,
    [LL_HOOK_POST] = op_post,
    [LL_HOOK_MLP_OUT] = op_mlp_out,
    [LL_HOOK_RESID_POST] = op_resid_post,
    [LL_HOOK_LN_FINAL_SCALE] = op_norm,
    [LL_HOOK_LN_FINAL_NORMALIZED] = op_norm,
    [LL_HOOK_LOGITS] = op_logits,
};

/* ---- the graph ------------------------------------------------------------------------------- */

static int rows_of(const struct work *w, int hook)
{
    return ll_hook_info((enum ll_hook)hook)->width == LL_WIDTH_POS_POS ? w->e->m->n_heads * w->e->n : w->e->n;
}

/* A value that an operation reads: known, made before, or made now. */
static const double *point(struct work *w, int hook, int layer, int *width)
{
    struct val *v = &w->cache[(size_t)hook * (size_t)(w->e->m->n_layers + 1)
                              + (size_t)(layer < 0 ? w->e->m->n_layers : layer)];
    const struct ll_actv *known = ll_acts_good(w->e->from, hook, layer);
    if (!v->x && known && known->rows == rows_of(w, hook)) {
        v->x = make(w, (size_t)known->rows * (size_t)known->width);
        v->width = known->width;
        for (size_t i = 0; v->x && i < (size_t)known->rows * (size_t)known->width; i++)
            v->x[i] = (double)known->x[i];
    } else if (!v->x)
        v->x = ops[hook](w, hook, layer, &v->width);
    *width = v->width;
    return v->x;
}

int ll_exact_point(const struct ll_exact *e, int hook, int layer, double **out, int *rows, int *width,
                   struct ll_err *err)
{
    size_t n = (size_t)LL_N_HOOKS * (size_t)(e->m->n_layers + 1);
    struct ll_err own = {0};
    struct work w = {e, calloc(n, sizeof *w.cache), &own};
    *out = NULL;
    if (!w.cache)
        return ll_fail_mem(err, "double-precision values", n * sizeof *w.cache);
    *out = ops[hook](&w, hook, layer, width);
    *rows = rows_of(&w, hook);
    for (size_t i = 0; i < n; i++)
        free(w.cache[i].x);
    free(w.cache);
    return *out ? LL_OK : ll_fail(err, own.code ? own.code : LL_EFAIL, "%s", own.msg);
}
