/* tuned_fit.c - see tuned_fit.h. Told in order: the text in batches, the sums of a row, their solution. */
#include "tuned_fit.h"

#include "capture.h"
#include "lapack.h"
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { X_ROWS = 256 }; /* rows of a product at a time: bounds its float result */

/* Sums of lens rows l0..l1-1. Columns of g: d of x, the 1, d of y; rows: d of x and the 1. */
struct sums {
    int d, l0, l1, n_tokens;
    double *g;      /* [l1 - l0, d + 1, 2d + 1] */
    float *shift;   /* [l1 - l0, d] mean of the first batch, taken off x: keeps the products small */
    float *columns; /* [2d + 1, tokens of a batch] */
    float *product; /* [X_ROWS, 2d + 1] */
    float *weight;  /* [tokens of a batch] square roots of w_t */
};

static size_t sums_of(const struct sums *s, int l)
{
    return (size_t)(l - s->l0) * (size_t)(s->d + 1) * (size_t)(2 * s->d + 1);
}

long long ll_tuned_fit_row_bytes(int d) { return 8LL * (d + 1) * (2 * d + 1); }
long long ll_tuned_fit_solve_bytes(int d) { return 16LL * d * d; }

static void sums_free(struct sums *s)
{
    void *owned[] = {s->g, s->shift, s->columns, s->product, s->weight};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    memset(s, 0, sizeof *s);
}

static int sums_init(struct sums *s, int d, int l0, int l1, int max_tokens, struct ll_err *err)
{
    size_t D = (size_t)d, n = (size_t)(l1 - l0), T = (size_t)max_tokens;
    *s = (struct sums){.d = d, .l0 = l0, .l1 = l1};
    s->g = calloc(n * (D + 1) * (2 * D + 1), sizeof *s->g);
    s->shift = malloc(sizeof *s->shift * n * D);
    s->columns = malloc(sizeof *s->columns * (2 * D + 1) * T);
    s->product = malloc(sizeof *s->product * X_ROWS * (2 * D + 1));
    s->weight = malloc(sizeof *s->weight * T);
    if (s->g && s->shift && s->columns && s->product && s->weight)
        return LL_OK;
    sums_free(s);
    return ll_fail_mem(err, "sums of the fit", n * (D + 1) * (2 * D + 1) * sizeof *s->g);
}

static void make_shift(float *shift, const float *h, int n, int d)
{
    for (int i = 0; i < d; i++) {
        double sum = 0;
        for (int t = 0; t < n; t++)
            sum += (double)h[(size_t)t * (size_t)d + (size_t)i];
        shift[i] = (float)(sum / n);
    }
}

static void make_weights(float *w, const float *final, int n, int d, const struct ll_vec *vec)
{
    for (int t = 0; t < n; t++) {
        double ms = vec->sum_sq(final + (size_t)t * (size_t)d, (size_t)d) / d;
        w[t] = ms > 0 ? (float)(1 / sqrt(ms)) : 0;
    }
}

/* Columns of one batch: x, 1, y of each token times the square root of its weight, transposed so that tokens
 * are summed over. */
static void make_columns(struct sums *s, const float *h, const float *final, const float *shift, int n)
{
    size_t d = (size_t)s->d, T = (size_t)n;
    for (size_t t = 0; t < T; t++) {
        const float *x = h + t * d, *f = final + t * d;
        float w = s->weight[t];
        for (size_t i = 0; i < d; i++) {
            s->columns[i * T + t] = (x[i] - shift[i]) * w;
            s->columns[(d + 1 + i) * T + t] = (f[i] - x[i]) * w;
        }
        s->columns[d * T + t] = w;
    }
}

static int add_products(struct sums *s, struct ll_engine *eng, double *g, int n, struct ll_err *err)
{
    int width = 2 * s->d + 1;
    struct ll_mat w = {.type = LL_F32,
                       .data = (const uint8_t *)s->columns,
                       .row_bytes = sizeof(float) * (size_t)n,
                       .n = width,
                       .k = n};
    int rc = ll_engine_reserve(eng, X_ROWS, n, 0, 0, err);
    for (int r = 0; r <= s->d && !rc; r += X_ROWS) {
        int m = s->d + 1 - r < X_ROWS ? s->d + 1 - r : X_ROWS;
        ll_linear(eng, &w, s->columns + (size_t)r * (size_t)n, n, m, NULL, s->product, width);
        double *to = g + (size_t)r * (size_t)width;
        for (size_t i = 0, all = (size_t)m * (size_t)width; i < all; i++)
            to[i] += (double)s->product[i];
    }
    return rc;
}

static int add_batch(struct sums *s, struct ll_engine *eng, const struct ll_stack *st, struct ll_err *err)
{
    int n = st->n_kept, rc = LL_OK;
    const float *final = ll_stack_row(st, st->n_layers, 0);
    make_weights(s->weight, final, n, s->d, ll_engine_vec(eng));
    for (int l = s->l0; l < s->l1 && !rc; l++) {
        const float *h = ll_stack_row(st, l, 0);
        float *shift = s->shift + (size_t)(l - s->l0) * (size_t)s->d;
        if (!s->n_tokens)
            make_shift(shift, h, n, s->d);
        make_columns(s, h, final, shift, n);
        rc = add_products(s, eng, s->g + sums_of(s, l), n, err);
    }
    s->n_tokens += n;
    return rc;
}

/* ---- the solution ---------------------------------------------------------------------------- */

/* Centred sums of products, ridge on the diagonal of a; b[j] the right-hand side of output dimension j.
 * Column-major for LAPACK; a is symmetric, and a solved column j of b is row j of W. */
static void make_equations(const struct sums *s, const double *g, double ridge, double *a, double *b)
{
    size_t d = (size_t)s->d, width = 2 * d + 1;
    double n = g[d * width + d], floor = 0;
    for (size_t i = 0; i < d; i++) {
        double si = g[i * width + d];
        for (size_t j = 0; j < d; j++) {
            a[i * d + j] = g[i * width + j] - si * g[j * width + d] / n;
            b[j * d + i] = g[i * width + d + 1 + j] - si * g[d * width + d + 1 + j] / n;
        }
        floor += a[i * d + i];
    }
    floor =
        floor > 0 ? 1e-9 * floor / (double)d : 1; /* a dimension that never moves gets a translator of 0 */
    for (size_t i = 0; i < d; i++)
        a[i * d + i] += ridge * fmax(a[i * d + i], 0) + floor;
}

struct solver {
    struct ll_lapack lapack;
    double ridge, *a, *b; /* [d, d] each, for the equations of one row */
};

static int solve(struct solver *e, const struct sums *s, int l, float *W, float *bias, struct ll_err *err)
{
    double *b = e->b;
    size_t d = (size_t)s->d, width = 2 * d + 1;
    const double *g = s->g + sums_of(s, l);
    const float *shift = s->shift + (size_t)(l - s->l0) * d;
    int n = s->d, info = 0;
    make_equations(s, g, e->ridge, e->a, b);
    e->lapack.dposv("U", &n, &n, e->a, &n, b, &n, &info, 1);
    if (info)
        return ll_fail(err, LL_EFAIL,
                       "tuned lens: row %d: expected positive definite equations, found none at dimension %d "
                       "(more text, or a larger --ridge)",
                       l, info);
    for (size_t j = 0; j < d; j++) {
        double off = g[d * width + d + 1 + j];
        for (size_t i = 0; i < d; i++)
            off -= b[j * d + i] * g[i * width + d];
        off /= g[d * width + d];
        for (size_t i = 0; i < d; i++) {
            W[j * d + i] = (float)b[j * d + i];
            off -= b[j * d + i] * (double)shift[i];
        }
        bias[j] = (float)off;
    }
    for (size_t i = 0; i < d * d; i++)
        if (!isfinite(W[i]))
            return ll_fail(err, LL_EFAIL,
                           "tuned lens: row %d: the equations have no finite solution (a larger --ridge)", l);
    return LL_OK;
}

static int solve_all(const struct sums *s, double ridge, float *W, float *b, struct ll_err *err)
{
    size_t d = (size_t)s->d;
    struct solver e = {.ridge = ridge, .a = malloc(sizeof *e.a * d * d), .b = malloc(sizeof *e.b * d * d)};
    int rc = e.a && e.b
        ? LL_OK
        : ll_fail_mem(err, "equations of the fit",
                      ll_tuned_fit_solve_bytes(s->d) > 0 ? (unsigned long long)ll_tuned_fit_solve_bytes(s->d)
                                                         : 0);
    if (!rc)
        rc = ll_lapack_open(&e.lapack, err);
    for (int l = s->l0; l < s->l1 && !rc; l++)
        rc = solve(&e, s, l, W + (size_t)l * d * d, b + (size_t)l * d, err);
    ll_lapack_close(&e.lapack);
    free(e.a);
    free(e.b);
    return rc;
}

/* ---- the fit --------------------------------------------------------------------------------- */

struct walk {
    const struct ll_tuned_fit *fit;
    struct sums *sums;
};

static int on_batch(void *arg, const struct ll_text_batch *b, struct ll_err *err)
{
    struct walk *w = arg;
    if (w->fit->progress)
        w->fit->progress(w->fit->progress_arg,
                         ((double)w->sums->l0 + (double)(w->sums->l1 - w->sums->l0) * b->done)
                             / w->fit->model->n_layers);
    return add_batch(w->sums, w->fit->engine, b->stack, err);
}

static int check(const struct ll_tuned_fit *fit, struct ll_err *err)
{
    long long n = fit->text.n ? fit->text.start[fit->text.n] - fit->text.start[0] - fit->text.n : 0,
              least = fit->model->d_model / 8;
    if (!(fit->ridge > 0) || !isfinite(fit->ridge))
        return ll_fail(err, LL_EUSAGE, "ridge: expected a number above 0, found %g", fit->ridge);
    if (n < least || n < 2)
        return ll_fail(err, LL_EUSAGE,
                       "text: expected at least %lld tokens for a width of %d (many times the width is "
                       "better), found %lld",
                       least > 2 ? least : 2, fit->model->d_model, n);
    return LL_OK;
}

int ll_tuned_fit_run(const struct ll_tuned_fit *fit, float *W, float *b, struct ll_err *err)
{
    const struct ll_model *m = fit->model;
    long long free_bytes = ll_available_bytes(),
              budget = fit->memory_budget > 0 ? fit->memory_budget
        : free_bytes > 0                      ? free_bytes / 4
                                              : 1LL << 30;
    long long at_once = budget / ll_tuned_fit_row_bytes(m->d_model);
    int step = at_once < 1 ? 1 : at_once > m->n_layers ? m->n_layers : (int)at_once, rc = check(fit, err);
    for (int l = 0; l < m->n_layers && !rc; l += step) {
        struct sums s = {0};
        struct walk w = {fit, &s};
        rc = sums_init(&s, m->d_model, l, l + step < m->n_layers ? l + step : m->n_layers,
                       ll_text_batch_rows(&fit->text), err);
        if (!rc)
            rc = ll_text_walk(m, fit->engine, &fit->text, LL_SKIP_FIRST, on_batch, &w, err);
        if (!rc)
            rc = solve_all(&s, fit->ridge, W, b, err);
        sums_free(&s);
    }
    return rc;
}
