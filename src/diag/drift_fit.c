/* drift_fit.c - what can be read off the reference at the first divergence (drift.h): the setting that it
 * must have used, or the rows of a matrix in which it differs. Each row of the table tries one reading; a
 * reading that does not explain the difference but for LL_DRIFT_LEFT says nothing. */
#include "drift.h"

#include "engine.h"
#include "exact.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNEXPLAINED 1e-3 /* of angles, logs of probabilities, shares */

struct fit {
    const struct ll_drift *d;
    const struct ll_drift_point *p;
    const struct ll_actv *ref;
    struct ll_buf *out;
};

/* Does a fit that leaves this share of the reference's squares explain the difference? */
static int explains(const struct fit *f, double left)
{
    double rel = f->p->has_isolated ? f->p->isolated.rel : f->p->running.rel;
    return left <= rel * rel * LL_DRIFT_LEFT * LL_DRIFT_LEFT;
}

/* Values of another point as the reference has them, or as our formulas give them from what it has; owned.
 * NULL: not to be had. */
static double *values(const struct fit *f, int hook, int layer, int *width)
{
    const struct ll_actv *known = ll_acts_good(f->d->ref, hook, layer);
    struct ll_exact e = {f->d->m, f->d->ref, f->d->ids, f->d->n};
    struct ll_err quiet = {0};
    double *x = NULL;
    int rows;
    if (!known || known->rows != f->d->n)
        return ll_exact_point(&e, hook, layer, &x, &rows, width, &quiet) ? NULL : x;
    *width = known->width;
    size_t n = (size_t)known->rows * (size_t)known->width;
    if (!(x = malloc(sizeof *x * n)))
        return NULL;
    for (size_t i = 0; i < n; i++)
        x[i] = (double)known->x[i];
    return x;
}

/* ---- a norm: the epsilon of its divisor ------------------------------------------------------ */

static const struct ll_norm *norm_of(const struct fit *f)
{
    int h = f->p->hook;
    const struct ll_layer *L = f->p->layer < 0 ? NULL : &f->d->m->layers[f->p->layer];
    return !L ? &f->d->m->ln_final : h == LL_HOOK_LN1_NORMALIZED ? &L->ln1 : &L->ln2;
}

struct divisor {
    double mean_sq, scale, left;
}; /* of a row: mean square, the divisor that fits, what it leaves of |y|^2 */

static struct divisor row_divisor(const struct ll_norm *norm, const double *x, const float *y)
{
    int centred = norm->kind == LL_NORM_LAYER || norm->kind == LL_NORM_LAYER_NO_BIAS;
    double mean = 0, sq = 0, xy = 0, xx = 0, yy = 0;
    for (int i = 0; i < norm->d && centred; i++)
        mean += x[i] / norm->d;
    for (int i = 0; i < norm->d; i++) {
        double v = x[i] - mean, g = v * (double)norm->w[i],
               t = (double)y[i] - (centred && norm->b ? (double)norm->b[i] : 0);
        sq += v * v;
        xy += g * t;
        xx += g * g;
        yy += t * t;
    }
    return (struct divisor){sq / norm->d, xx / xy, yy > 0 ? (yy - xy * xy / xx) / yy : 1};
}

static void read_eps(const struct fit *f)
{
    const struct ll_norm *norm = norm_of(f);
    struct ll_drift_input in[3];
    int width;
    struct divisor least = {.mean_sq = INFINITY};
    double left = 0; /* mean over rows: all are of the norm's size */
    if (!norm->w || ll_drift_inputs(f->d->m, f->p->hook, f->p->layer, in) != 1 || f->ref->rows != f->d->n)
        return;
    double *x = values(f, in[0].hook, in[0].layer, &width);
    for (int r = 0; x && r < f->d->n; r++) { /* epsilon shows most in the smallest row */
        struct divisor v =
            row_divisor(norm, x + (size_t)r * (size_t)width, f->ref->x + (size_t)r * (size_t)width);
        left += v.left / f->d->n;
        least = v.mean_sq < least.mean_sq ? v : least;
    }
    double eps = least.scale * least.scale - least.mean_sq;
    if (x && explains(f, left) && eps > 1e-6 * least.mean_sq)
        ll_buf_addf(f->out, "the reference's divisor fits an epsilon of %.2g; ours is %.2g", eps,
                    (double)norm->eps);
    free(x);
}

/* ---- an addition: how much of each addend ---------------------------------------------------- */

/* Solve the normal equations a c = b of n <= 3 unknowns in place; 0: singular. */
static int solve(double a[3][3], double b[3], int n)
{
    for (int i = 0; i < n; i++)
        for (int r = 0; r < n; r++) {
            if (r == i || fabs(a[i][i]) < 1e-300)
                continue;
            double k = a[r][i] / a[i][i];
            for (int c = 0; c < n; c++)
                a[r][c] -= k * a[i][c];
            b[r] -= k * b[i];
        }
    for (int i = 0; i < n; i++) {
        if (fabs(a[i][i]) < 1e-300)
            return 0;
        b[i] /= a[i][i];
    }
    return 1;
}

static double dot(const double *x, const double *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

static void say_sum(const struct fit *f, const struct ll_drift_input in[3], double *const x[3],
                    const double *y, int n, size_t size)
{
    double a[3][3], c[3], left = 0;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < n; k++)
            a[i][k] = dot(x[i], x[k], size);
        c[i] = dot(x[i], y, size);
    }
    if (!solve(a, c, n))
        return;
    for (size_t i = 0; i < size; i++) {
        double e = y[i];
        for (int k = 0; k < n; k++)
            e -= c[k] * x[k][i];
        left += e * e;
    }
    if (!explains(f, left / dot(y, y, size)))
        return;
    ll_buf_adds(f->out, "the reference is");
    for (int k = 0; k < n; k++)
        ll_buf_addf(f->out, "%s %.4g * %s", k ? " +" : "", c[k],
                    ll_hook_info((enum ll_hook)in[k].hook)->name);
    ll_buf_adds(f->out, "; ours adds 1 of each");
}

static void read_sum(const struct fit *f)
{
    struct ll_drift_input in[3];
    double *x[3] = {NULL}, *y = NULL;
    int width = 0, n = ll_drift_inputs(f->d->m, f->p->hook, f->p->layer, in),
        good = f->ref->rows == f->d->n && ll_drift_is_alone(f->d, f->p);
    size_t size = (size_t)f->ref->rows * (size_t)f->ref->width;
    for (int i = 0; i < n && good; i++) {
        x[i] = values(f, in[i].hook, in[i].layer, &width);
        good = x[i] != NULL;
    }
    if (good && (y = malloc(sizeof *y * size))) {
        for (size_t i = 0; i < size; i++)
            y[i] = (double)f->ref->x[i];
        say_sum(f, in, x, y, n, size);
    }
    for (int i = 0; i < n; i++)
        free(x[i]);
    free(y);
}

/* ---- attention: scores by another factor, queries that see what comes later ------------------ */

/* Over the keys that both see: sums of log p about their mean, ours and theirs. */
static void add_logs(const double *ours, const float *theirs, int seen, double sum[3])
{
    double mean[2] = {0};
    int n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int s = 0; s < seen; s++) {
            if (!(ours[s] > 1e-9) || !(theirs[s] > 1e-9f))
                continue;
            double a = ll_log(ours[s]), b = ll_log((double)theirs[s]);
            if (!pass) {
                mean[0] += a;
                mean[1] += b;
                n++;
                continue;
            }
            a -= mean[0] / n;
            b -= mean[1] / n;
            sum[0] += a * a;
            sum[1] += a * b;
            sum[2] += b * b;
        }
}

static void read_pattern(const struct fit *f)
{
    struct ll_exact e = {f->d->m, f->d->ref, f->d->ids, f->d->n};
    struct ll_err quiet = {0};
    double *ours, sum[3] = {0}, later = 0;
    int rows, width, n = f->d->n;
    if (f->ref->rows != f->d->m->n_heads * n)
        return;
    for (int r = 0; r < f->ref->rows; r++)
        for (int s = r % n + 1; s < n; s++)
            later += (double)f->ref->x[(size_t)r * (size_t)n + (size_t)s] / f->ref->rows;
    if (later > UNEXPLAINED) {
        ll_buf_addf(f->out,
                    "the reference's queries put %.0f %% of their weight on later tokens: no causal mask",
                    100 * later);
        return;
    }
    if (ll_exact_point(&e, LL_HOOK_PATTERN, f->p->layer, &ours, &rows, &width, &quiet))
        return;
    for (int r = 0; r < rows; r++)
        add_logs(ours + (size_t)r * (size_t)n, f->ref->x + (size_t)r * (size_t)n, r % n + 1, sum);
    free(ours);
    double factor = sum[1] / sum[0], left = sum[2] - factor * sum[1];
    if (sum[0] > 0 && left < UNEXPLAINED * UNEXPLAINED * sum[2] && fabs(factor - 1) > UNEXPLAINED)
        ll_buf_addf(f->out, "the reference's scores are %.4g times ours: a scale of %.4g where ours is %.4g",
                    factor, factor * (double)f->d->m->layers[f->p->layer].attn_scale,
                    (double)f->d->m->layers[f->p->layer].attn_scale);
}

/* ---- rotation: base, direction, first position ----------------------------------------------- */

/* The angle by which pair i of row r turns, over all heads. */
static double angle(const struct fit *f, const struct ll_rope *rope, const double *q, int r, int i)
{
    int dh = f->d->m->d_head, width = f->ref->width, a = rope->interleaved ? 2 * i : i,
        b = rope->interleaved ? a + 1 : a + rope->d_rot / 2;
    double re = 0, im = 0;
    for (int h = 0; h < width; h += dh) {
        const double *x = q + (size_t)r * (size_t)width + h;
        const float *y = f->ref->x + (size_t)r * (size_t)width + h;
        re += x[a] * (double)y[a] + x[b] * (double)y[b];
        im += x[a] * (double)y[b] - x[b] * (double)y[a];
    }
    return atan2(im, re);
}

/* Angles of position 0, and from it to position 1, against first * base^-(2i/d_rot) and base^-(2i/d_rot): all
 * pairs must agree. */
static void say_rotation(const struct fit *f, const struct ll_rope *rope, const double *q)
{
    int half = rope->d_rot / 2, mid = half / 2;
    double step = angle(f, rope, q, 1, mid) - angle(f, rope, q, 0, mid), sign = step < 0 ? -1 : 1,
           log_base = -ll_log(fabs(step)) * half / mid;
    double start = angle(f, rope, q, 0, 0);
    for (int i = 0; i < half; i++) {
        double want = sign * ll_exp(-log_base * i / half),
               got = angle(f, rope, q, 1, i) - angle(f, rope, q, 0, i),
               turns = (got - want) / 6.283185307179586;
        if (!(fabs(turns - nearbyint(turns)) < UNEXPLAINED))
            return;
    }
    char base[32];
    snprintf(base, sizeof base, "%.4g", ll_exp(log_base));
    ll_buf_addf(f->out, "the reference turns with base %.10g%s", strtod(base, NULL),
                sign < 0 ? ", the other way round" : "");
    if (fabs(start) > UNEXPLAINED)
        ll_buf_addf(f->out, ", and its first position is %.3g", sign * start);
}

static void read_rotation(const struct fit *f)
{
    const struct ll_layer *L = &f->d->m->layers[f->p->layer];
    int is_q = f->p->hook == LL_HOOK_ROT_Q, width;
    if (!L->rope || L->rope->d_rot < 4 || f->d->n < 2 || f->ref->rows != f->d->n
        || (is_q ? L->q_norm.w : L->k_norm.w))
        return;
    double *q = values(f, is_q ? LL_HOOK_Q : LL_HOOK_K, f->p->layer, &width);
    if (q && width == f->ref->width)
        say_rotation(f, L->rope, q);
    free(q);
}

/* ---- a product: few columns hold the difference ---------------------------------------------- */

static double column_sq(const struct fit *f, int col)
{
    const struct ll_actv *ours =
        ll_acts_at(f->p->has_isolated ? &f->d->iso : &f->d->ours, f->p->hook, f->p->layer);
    double sq = 0;
    for (int r = 0; r < f->ref->rows; r++) {
        double e = (double)ours->x[(size_t)(r + f->ref->row0) * (size_t)ours->width + (size_t)col]
            - (double)f->ref->x[(size_t)r * (size_t)ours->width + (size_t)col];
        sq += e * e;
    }
    return sq;
}

static void read_rows(const struct fit *f)
{
    const struct ll_cmp *c = f->p->has_isolated ? &f->p->isolated : &f->p->running;
    double sq[3] = {0}, all = 0;
    if (f->ref->width < 16 || !(c->top3 > 1 - UNEXPLAINED) || c->n_bad)
        return;
    for (int i = 0; i < 3 && c->top_dim[i] >= 0; i++)
        all += sq[i] = column_sq(f, c->top_dim[i]);
    ll_buf_adds(f->out, "only a few columns are off:");
    for (int i = 0, n = 0; i < 3; i++)
        if (sq[i] > UNEXPLAINED * all)
            ll_buf_addf(f->out, "%s %d", n++ ? "," : "", c->top_dim[i]);
    ll_buf_adds(f->out, "; so single rows of the matrix (or its bias there)");
}

/* Of an embedding only some tokens. */
static void read_tokens(const struct fit *f)
{
    const struct ll_actv *ours = ll_acts_at(&f->d->ours, LL_HOOK_EMBED, -1);
    double rms = ll_tensor_rms(&f->p->running.ref);
    struct ll_buf ids = {0};
    int n = 0;
    for (int r = 0; r < f->ref->rows; r++) {
        double sq = 0;
        for (int i = 0; i < f->ref->width; i++) {
            double e = (double)ours->x[(size_t)(r + f->ref->row0) * (size_t)f->ref->width + (size_t)i]
                - (double)f->ref->x[(size_t)r * (size_t)f->ref->width + (size_t)i];
            sq += e * e;
        }
        if (sqrt(sq / f->ref->width) > f->p->tol * rms && n++ < 8)
            ll_buf_addf(&ids, "%s%d", n > 1 ? ", " : "", f->d->ids[r + f->ref->row0]);
    }
    if (n && n < f->ref->rows)
        ll_buf_addf(f->out, "only %d of %d tokens are off: %s%s", n, f->ref->rows, ll_buf_str(&ids),
                    n > 8 ? ", ..." : "");
    ll_buf_free(&ids);
}

/* ---- the readings ---------------------------------------------------------------------------- */

static const struct reading {
    int hook;
    void (*read)(const struct fit *f);
} readings[] = {
    {LL_HOOK_EMBED, read_tokens},
    {LL_HOOK_LN1_NORMALIZED, read_eps},
    {LL_HOOK_LN2_NORMALIZED, read_eps},
    {LL_HOOK_LN_FINAL_NORMALIZED, read_eps},
    {LL_HOOK_Q, read_rows},
    {LL_HOOK_K, read_rows},
    {LL_HOOK_V, read_rows},
    {LL_HOOK_ROT_Q, read_rotation},
    {LL_HOOK_ROT_K, read_rotation},
    {LL_HOOK_PATTERN, read_pattern},
    {LL_HOOK_ATTN_OUT, read_rows},
    {LL_HOOK_RESID_MID, read_sum},
    {LL_HOOK_PRE, read_rows},
    {LL_HOOK_PRE_LINEAR, read_rows},
    {LL_HOOK_MLP_OUT, read_rows},
    {LL_HOOK_RESID_POST, read_sum},
    {LL_HOOK_LOGITS, read_rows},
};

void ll_drift_read_off(const struct ll_drift *d, const struct ll_drift_point *p, struct ll_buf *out)
{
    const struct ll_actv *ref = ll_acts_good(d->ref, p->hook, p->layer);
    struct fit f = {.d = d, .p = p, .ref = ref, .out = out};
    for (size_t i = 0; ref && !p->self && i < sizeof readings / sizeof *readings; i++)
        if (readings[i].hook == p->hook)
            readings[i].read(&f);
}
