/* drift_answer.c - what is asked beside the comparison itself (drift_report.h). */
#include "drift_report.h"

#include "variant.h"

#include <stdlib.h>
#include <string.h>

int ll_has_blocks(const struct ll_model *m)
{
    for (int i = 0; i < m->ckpt->n_tensors; i++)
        if (m->layer_of[i] != LL_UNUSED
            && (ll_dtype_info(m->ckpt->tensors[i].dtype)->block > 1 || m->ckpt->tensors[i].packed))
            return 1;
    return 0;
}

static int argmax_last(const struct ll_actv *logits)
{
    const float *x = logits->x + (size_t)(logits->rows - 1) * (size_t)logits->width;
    int best = 0;
    for (int i = 1; i < logits->width; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

static const float *last_row(const struct ll_actv *a)
{
    return a->x + (size_t)(a->rows - 1) * (size_t)a->width;
}

/* Are the two tokens' logits equal in both passes, except for the reference's rounding? */
static int is_tie(const struct ll_drift_report *r, const struct ll_actv *theirs, const struct ll_actv *ours)
{
    return ll_drift_is_tie(last_row(theirs), last_row(ours), theirs->width, r->token_ref, r->token_ours,
                           theirs->dtype);
}

/* Predicted tokens: ours needs logits, which the running pass made only where the reference has them. */
static int predict(struct ll_drift_report *r, const struct ll_drift_questions *q, struct ll_err *err)
{
    const struct ll_actv *theirs = ll_acts_good(r->d->ref, LL_HOOK_LOGITS, -1);
    struct ll_acts got = {0};
    struct ll_acts_want want = {.hooks = LL_HOOK_BIT(LL_HOOK_LOGITS)};
    r->token_ours = -1;
    r->token_ref = q->expect >= 0 ? q->expect : theirs ? argmax_last(theirs) : -1;
    if (r->token_ref < 0)
        return LL_OK;
    const struct ll_acts_pass pass = ll_drift_pass(r->d, &want, NULL);
    int rc = ll_acts_run(&got, &pass, err);
    if (!rc) {
        r->token_ours = argmax_last(ll_acts_at(&got, LL_HOOK_LOGITS, -1));
        r->token_tie = theirs && q->expect < 0 && is_tie(r, theirs, ll_acts_at(&got, LL_HOOK_LOGITS, -1));
    }
    ll_acts_free(&got);
    return rc;
}

static double mean_mae(const struct ll_drift *d)
{
    double sum = 0;
    int n = 0;
    for (int k = 0; k <= d->m->n_layers; k++)
        if (d->depths[k].known) {
            sum += d->depths[k].c.mae;
            n++;
        }
    return n ? sum / n : 0;
}

/* The same comparison with the checkpoint's own epsilon. */
static int compare_eps(struct ll_drift_report *r, const struct ll_drift_questions *q, struct ll_err *err)
{
    struct ll_model *v;
    if (r->eps < 0)
        return LL_OK;
    int rc = ll_variant_make(&v, q->root, r->broken, err);
    struct ll_drift plain = {
        .m = v, .eng = r->d->eng, .ids = r->d->ids, .n = r->d->n, .ref = r->d->ref, .tol = r->d->tol};
    if (!rc)
        rc = ll_drift_run(&plain, err);
    if (!rc) {
        r->eps_mae[0] = mean_mae(&plain);
        r->eps_mae[1] = mean_mae(r->d);
    }
    ll_drift_free(&plain);
    ll_variant_free(v);
    return rc;
}

/* A tenfold wrong epsilon is common, and cheap to look for. */
static void look_for_eps(struct ll_drift_report *r, const struct ll_drift_questions *q)
{
    static const char *const both[] = {"eps=x10", "eps=/10"};
    for (int i = 0; i < 2 && r->d->first >= 0 && !r->eps_hint; i++) {
        struct ll_try *one;
        struct ll_err local = {0}; /* an epsilon of 0 has no tenth */
        int n;
        if (strstr(q->switches, both[i])
            || ll_drift_try(r->d, q->root, q->switches, both[i], &one, &n,
                            &local)) /* a switch that is active already explains nothing */
            continue;
        if (n && one[0].verdict >= LL_TRY_HERE)
            r->eps_hint = both[i];
        free(one);
    }
}

static int explain(struct ll_drift_report *r, const struct ll_drift_questions *q, struct ll_err *err)
{
    int rc = LL_OK;
    look_for_eps(r, q);
    if (r->d->first >= 0)
        rc = ll_drift_shape(r->d, &r->d->points[r->d->first], &r->shape, err);
    if (!rc && q->try_list
        && !(rc = ll_drift_try(r->d, q->root, q->switches, q->try_list, &r->tries, &r->n_tries, err))) {
        r->tried = 1;
    }
    return rc;
}

int ll_drift_answer(struct ll_drift_report *r, const struct ll_drift_questions *q, struct ll_err *err)
{
    int rc = predict(r, q, err);
    if (!rc)
        rc = compare_eps(r, q, err);
    return rc ? rc : explain(r, q, err);
}

void ll_drift_report_free(struct ll_drift_report *r)
{
    free(r->tries);
    r->tries = NULL;
}
