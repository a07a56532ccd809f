/* calibrate.c - the temperature of each lens row (docs/experiment.md 10.1).
 *
 * With x = z - max(z), b = 1/tau and the model's own output q, the cross-entropy is ln sum e^(b x) - b sum q
 * x. It is convex in b, and so is its mean over passes; over the grid it falls, then rises, and its least
 * value is found by bisection instead of at all 25 places. On a plateau the value nearest to where the search
 * began, 1, stays. */
#include "analysis_priv.h"
#include "decode.h"

#include <math.h>
#include <stdlib.h>

double ll_temperature(double span, int i)
{
    const int half = LL_N_TEMPERATURES / 2;
    return ll_exp(ll_log(span) * (i - half) / half);
}

static const double SPAN = 5; /* 0.2 .. 5 */

struct work {
    const struct ll_analysis *passes;
    int n;
    struct ll_reader *readers; /* [n] */
    float *own;                /* [n, d_vocab] */
    double *q;                 /* [n, d_vocab] the own output's probabilities */
    struct ll_decode dec;
    double *tau;
    int row0;
};

/* One row of all passes, and what of the grid is known. */
struct search {
    const struct work *w;
    const float *z;                  /* [n, d_vocab] */
    double *e;                       /* [d_vocab] */
    double *mean;                    /* [n] sum q z of each pass */
    double known[LL_N_TEMPERATURES]; /* NAN: not yet */
};

static double at(struct search *s, int i)
{
    const int V = s->w->passes[0].model->d_vocab;
    const double beta = 1 / ll_temperature(SPAN, i);
    struct ll_weights w;
    if (!isnan(s->known[i]))
        return s->known[i];
    double sum = 0;
    for (int p = 0; p < s->w->n; p++)
        sum += ll_weigh(&s->w->readers[p], s->z + (size_t)p * (size_t)V, beta, s->e, &w)
            ? w.lse - beta * s->mean[p]
            : INFINITY;
    return s->known[i] = sum / s->w->n;
}

static int least(struct search *s)
{
    int lo = LL_N_TEMPERATURES / 2, hi = lo;
    if (at(s, lo - 1) < at(s, lo)) {
        lo = 0;
        hi--;
    } else if (at(s, hi + 1) < at(s, hi)) {
        hi = LL_N_TEMPERATURES - 1;
        lo++;
    }
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (at(s, mid) <= at(s, mid + 1))
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static void find(void *arg, int tid, int i)
{
    struct work *w = arg;
    const int V = w->passes[0].model->d_vocab;
    double *e = ll_decode_weights(&w->dec, tid, 0);
    struct search s = {.w = w,
                       .z = ll_decode_logits(&w->dec, i * w->n),
                       .e = e,
                       .mean = ll_decode_weights(&w->dec, tid, 1)};
    for (int t = 0; t < LL_N_TEMPERATURES; t++)
        s.known[t] = NAN;
    for (int p = 0; p < w->n; p++)
        s.mean[p] =
            ll_dist_weighted(w->q + (size_t)p * (size_t)V, s.z + (size_t)p * (size_t)V, 1, NULL, 0, V);
    w->tau[w->row0 + i] = ll_temperature(SPAN, least(&s));
}

static void run_rows(struct work *w)
{
    const struct ll_model *m = w->passes[0].model;
    for (int row = 0, used; row <= m->n_layers; row += used) {
        for (used = 0; row + used <= m->n_layers && (used + 1) * w->n <= w->dec.max_slots; used++)
            for (int p = 0; p < w->n; p++)
                ll_lens_normalize(m, w->readers[p].vec, w->passes[p].lens, w->passes[p].ln_bias_drop,
                                  row + used, w->passes[p].resid[row + used],
                                  ll_decode_x(&w->dec, used * w->n + p));
        w->row0 = row;
        ll_decode_run(&w->dec, used * w->n);
        ll_decode_each(&w->dec, used, find, w);
    }
}

static int read_own(struct work *w, struct ll_err *err)
{
    const size_t V = (size_t)w->passes[0].model->d_vocab;
    int rc = LL_OK;
    for (int p = 0; p < w->n && !rc; p++) {
        double *q = w->q + (size_t)p * V;
        rc = ll_analysis_own(&w->passes[p], &w->readers[p], w->own + (size_t)p * V, q, err);
        for (size_t v = 0; v < V && !rc; v++)
            q[v] = (double)w->own[(size_t)p * V + v] - w->readers[p].own_lse;
        if (!rc)
            w->readers[p].vec->exp_double(q, q, V);
    }
    return rc;
}

static int check(const struct ll_analysis *passes, int n, struct ll_err *err)
{
    int rc = n < 1 || n > passes[0].model->d_vocab
        ? ll_fail(err, LL_EUSAGE, "calibration: expected 1..%d passes, found %d",
                  n < 1 ? 1 : passes[0].model->d_vocab, n)
        : LL_OK;
    for (int p = 0; p < n && !rc; p++) {
        rc = ll_analysis_check(&passes[p], err);
        if (!rc
            && (passes[p].model != passes[0].model || passes[p].engine != passes[0].engine
                || passes[p].bare_head != passes[0].bare_head))
            rc = ll_fail(err, LL_EUSAGE, "calibration: expected passes of one model, engine and head");
    }
    return rc;
}

int ll_calibrate(const struct ll_analysis *passes, int n, double *tau, struct ll_err *err)
{
    struct work w = {.passes = passes, .n = n, .tau = tau};
    int rc = check(passes, n, err);
    if (rc)
        return rc;
    const size_t V = (size_t)passes[0].model->d_vocab, N = (size_t)n;
    w.readers = calloc(N, sizeof *w.readers);
    w.own = malloc(sizeof *w.own * N * V);
    w.q = malloc(sizeof *w.q * N * V);
    if (!w.readers || !w.own || !w.q)
        rc = ll_fail_mem(err, "calibration", (sizeof *w.own + sizeof *w.q) * N * V);
    if (!rc)
        rc = ll_decode_init(&w.dec,
                            &(struct ll_decode_plan){.model = passes[0].model,
                                                     .engine = passes[0].engine,
                                                     .bare = passes[0].bare_head,
                                                     .min_slots = n,
                                                     .max_slots = n * (passes[0].model->n_layers + 1),
                                                     .bytes = ll_analysis_buffer(&passes[0]),
                                                     .n_weights = 2},
                            err);
    if (!rc)
        rc = read_own(&w, err);
    if (!rc)
        run_rows(&w);
    ll_decode_free(&w.dec);
    free(w.q);
    free(w.own);
    free(w.readers);
    return rc;
}
