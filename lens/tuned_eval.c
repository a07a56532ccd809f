/* tuned_eval.c - see tuned_fit.h: lens rows and their translations, side by side in one walk over the
 * vocabulary. */
#include "tuned_fit.h"

#include "head_pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POSITIONS = 64 };                       /* read in one walk */
static const double BITS = 1.4426950408889634; /* 1 / ln 2 */

struct eval {
    const struct ll_tuned_eval *e;
    float *moved; /* [n_layers, POSITIONS, d_model] translated rows */
    struct ll_head_group groups[POSITIONS];
    struct ll_head_row *rows; /* [POSITIONS, 2 n_layers + 1]: lens rows 0..n, translated rows 0..n-1 */
    struct ll_head_out *out, own[POSITIONS];
    struct ll_hit *hits;
    struct ll_tuned_gain *gain; /* sums */
    double own_nll;
    long long n;
};

static int eval_init(struct eval *v, struct ll_err *err)
{
    size_t n = (size_t)v->e->model->n_layers, rows = (2 * n + 1) * POSITIONS,
           d = (size_t)v->e->model->d_model;
    v->moved = malloc(sizeof *v->moved * n * POSITIONS * d);
    v->rows = calloc(rows, sizeof *v->rows);
    v->out = calloc(rows, sizeof *v->out);
    v->hits = calloc(rows + POSITIONS, sizeof *v->hits);
    if (!v->moved || !v->rows || !v->out || !v->hits)
        return ll_fail_mem(err, "rows of an evaluation", n * POSITIONS * d * sizeof *v->moved);
    for (size_t i = 0; i < rows; i++)
        v->out[i].top = v->hits + i;
    for (size_t i = 0; i < POSITIONS; i++)
        v->own[i].top = v->hits + rows + i;
    return LL_OK;
}

static void eval_free(struct eval *v)
{
    free(v->moved);
    free(v->rows);
    free(v->out);
    free(v->hits);
}

/* Kept rows first..first+n-1 of the batch, n <= POSITIONS. */
static int lay_out(struct eval *v, const struct ll_text_batch *b, int first, int n, struct ll_err *err)
{
    int L = v->e->model->n_layers, rc = LL_OK;
    size_t d = (size_t)v->e->model->d_model;
    for (int l = 0; l < L && !rc; l++)
        rc = ll_tuned_apply(v->e->tuned, v->e->engine, l, ll_stack_row(b->stack, l, first), n,
                            v->moved + (size_t)l * POSITIONS * d, err);
    for (int i = 0; i < n; i++) {
        int at = i * (2 * L + 1);
        v->groups[i] = (struct ll_head_group){b->final[first + i], at, 2 * L + 1, b->next + first + i, 1};
        for (int l = 0; l <= L; l++)
            v->rows[at + l] = (struct ll_head_row){ll_stack_row(b->stack, l, first + i), l};
        for (int l = 0; l < L; l++)
            v->rows[at + L + 1 + l] =
                (struct ll_head_row){v->moved + ((size_t)l * POSITIONS + (size_t)i) * d, l};
    }
    return rc;
}

static double nll_bits(const struct ll_head_out *o) { return (o->lse - (double)o->tracked_logit[0]) * BITS; }

static void add(struct eval *v, int n)
{
    int L = v->e->model->n_layers;
    for (int i = 0; i < n; i++) {
        const struct ll_head_out *o = v->out + i * (2 * L + 1);
        for (int l = 0; l < L; l++) {
            v->gain[l].kl_lens_bits += o[l].kl_to_final_bits;
            v->gain[l].nll_lens_bits += nll_bits(&o[l]);
            v->gain[l].kl_tuned_bits += o[L + 1 + l].kl_to_final_bits;
            v->gain[l].nll_tuned_bits += nll_bits(&o[L + 1 + l]);
        }
        v->own_nll += nll_bits(&o[L]);
    }
    v->n += n;
}

static int on_batch(void *arg, const struct ll_text_batch *b, struct ll_err *err)
{
    struct eval *v = arg;
    int rc = LL_OK;
    for (int first = 0; first < b->stack->n_kept && !rc; first += POSITIONS) {
        int n = b->stack->n_kept - first < POSITIONS ? b->stack->n_kept - first : POSITIONS;
        struct ll_head_job job = {.model = v->e->model,
                                  .engine = v->e->engine,
                                  .lens = v->e->lens,
                                  .ln_bias_drop = v->e->ln_bias_drop,
                                  .k = 1,
                                  .groups = v->groups,
                                  .n_groups = n,
                                  .rows = v->rows,
                                  .out = v->out,
                                  .model_out = v->own};
        if (!(rc = lay_out(v, b, first, n, err)) && !(rc = ll_head_pass(&job, err)))
            add(v, n);
        if (v->e->progress)
            v->e->progress(v->e->progress_arg, b->done);
    }
    return rc;
}

int ll_tuned_evaluate(const struct ll_tuned_eval *e, struct ll_tuned_gain *gain, double *own_nll_bits,
                      long long *n, struct ll_err *err)
{
    struct eval v = {.e = e, .gain = gain};
    memset(gain, 0, sizeof *gain * (size_t)e->model->n_layers);
    int rc = eval_init(&v, err);
    if (!rc)
        rc = ll_text_walk(e->model, e->engine, &e->text, LL_SKIP_ENDS, on_batch, &v, err);
    if (!rc && !v.n)
        rc = ll_fail(err, LL_EUSAGE, "held-out text: expected a window of at least 3 tokens, found none");
    for (int l = 0; l < e->model->n_layers && !rc; l++) {
        gain[l].kl_lens_bits /= (double)v.n;
        gain[l].kl_tuned_bits /= (double)v.n;
        gain[l].nll_lens_bits /= (double)v.n;
        gain[l].nll_tuned_bits /= (double)v.n;
    }
    *own_nll_bits = v.n ? v.own_nll / (double)v.n : 0;
    *n = v.n;
    eval_free(&v);
    return rc;
}

const int ll_skips[LL_N_SKIPS] = {2, 4, 8};

void ll_skip_sanity(const struct ll_tuned_gain *gain, int n_layers, double own_nll_bits,
                    struct ll_skip_sanity *out)
{
    for (int i = 0; i < LL_N_SKIPS; i++) {
        int row = n_layers - ll_skips[i];
        out->ppl_increase[i] = row < 0 ? NAN : ll_exp((gain[row].nll_tuned_bits - own_nll_bits) / BITS) - 1;
    }
    out->regression = isnan(out->ppl_increase[0]) ? -1 : out->ppl_increase[0] > LL_SKIP_REGRESSION;
}
