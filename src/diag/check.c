/* check.c - see check.h */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A pass that stopped with an error becomes a criterion with its message. */
static int cannot_pass(struct ll_criteria *c, enum ll_crit status, const char *name, struct ll_err *err)
{
    ll_criteria_add(c, status, name, "%.300s", err->msg);
    memset(err, 0, sizeof *err);
    return LL_OK;
}

/* ---- operations ------------------------------------------------------------------------------ */

static void judge_ops(const struct ll_check *k, int runs, struct ll_criteria *c)
{
    const struct ll_op_result *differs = NULL, *wrong = NULL;
    for (int i = 0; i < k->n_ops; i++) {
        const struct ll_op_result *r = &k->op[i];
        differs = differs || r->deterministic ? differs : r;
        wrong = wrong || isnan(r->limit) || r->error <= r->limit ? wrong : r;
    }
    if (differs)
        ll_criteria_add(c, LL_CRIT_FAIL, "every operation gives the same bits every time",
                        "%s, %s inputs, %d threads: %lld differ, by up to %g", differs->op, differs->set,
                        differs->threads, differs->n_diff, differs->max_diff);
    else
        ll_criteria_add(c, LL_CRIT_PASS, "every operation gives the same bits every time",
                        "%d runs each, 1, 2 and all threads: maximum difference exactly 0", runs);
    if (wrong)
        ll_criteria_add(c, LL_CRIT_FAIL, "every operation agrees with float64",
                        "%s, %s inputs: error %.2e, limit %.2e", wrong->op, wrong->set, wrong->error,
                        wrong->limit);
    else
        ll_criteria_add(c, LL_CRIT_PASS, "every operation agrees with float64", "errors as printed");
}

int ll_check_ops(struct ll_check *k, const struct ll_check_job *job, struct ll_criteria *c,
                 struct ll_err *err)
{
    k->ran_ops = 1;
    const struct ll_op_job ops = {.model = job->model,
                                  .ids = job->ids,
                                  .n_ids = job->n_ids,
                                  .runs = job->runs,
                                  .progress = job->progress,
                                  .progress_arg = job->progress_arg};
    int rc = ll_op_check(&ops, k->op, &k->n_ops, err);
    c->section = LL_CHECK_NO_PASS;
    if (rc == LL_EUSAGE && job->model) /* a pass met a NaN: the results before it are kept */
        rc = cannot_pass(c, LL_CRIT_FAIL, "whole layer and whole pass", err);
    c->section = LL_CHECK_OPS;
    if (rc)
        return rc;
    judge_ops(k, job->runs, c);
    if (!job->model)
        ll_criteria_add(c, LL_CRIT_NOT_RUN, "whole layer and whole pass", "no model");
    return LL_OK;
}

/* ---- blocks, weights ------------------------------------------------------------------------- */

static void count_types(struct ll_check *k, const struct ll_ckpt *ckpt, struct ll_criteria *c)
{
    const struct ll_tensor *bad, *other_size;
    int64_t at;
    k->n_types = ll_count_blocks(ckpt, k->type, &bad, &at, &other_size);
    ll_criteria_add(c, other_size ? LL_CRIT_FAIL : LL_CRIT_PASS, "blocks are values / values a block", "%s",
                    other_size ? other_size->name : "every tensor");
    if (bad)
        ll_criteria_add(c, LL_CRIT_FAIL, "all stored values are finite", "tensor %s, value %lld", bad->name,
                        (long long)at);
    else
        ll_criteria_add(c, LL_CRIT_PASS, "all stored values are finite", "every tensor");
}

void ll_check_blocks(struct ll_check *k, const struct ll_check_job *job, struct ll_criteria *c)
{
    k->ran_blocks = 1;
    k->n_quant = ll_quant_check(k->quant);
    c->section = LL_CHECK_BLOCKS;
    for (int i = 0; i < k->n_quant; i++)
        ll_criteria_add(c, k->quant[i].good ? LL_CRIT_PASS : LL_CRIT_FAIL, k->quant[i].name, "%s",
                        k->quant[i].detail);
    c->section = LL_CHECK_TYPES;
    if (job->model)
        count_types(k, job->model->ckpt, c);
    else
        ll_criteria_add(c, LL_CRIT_NOT_RUN, "blocks of a checkpoint", "no model");
}

int ll_check_original(struct ll_check *k, const struct ll_check_job *job, const char *model,
                      const char *original, struct ll_criteria *c, struct ll_err *err)
{
    enum { LIMIT_PERCENT = 5 };
    k->ran_original = 1;
    int rc = ll_weight_pairs_find(&k->pairs, model, original, job->engine, err), n = k->pairs.n;
    if (rc)
        return rc;
    const struct ll_weight_pair *worst = &k->pairs.v[k->pairs.worst];
    char where[80] = "", layer[32] = "";
    if (n && worst->layer >= 0)
        snprintf(layer, sizeof layer, "layer %d, ", worst->layer);
    if (n)
        snprintf(where, sizeof where, "%s%s", layer, ll_weight_part(worst->part)->name);
    c->section = LL_CHECK_ORIGINAL;
    ll_criteria_add(c,
                    !n                                          ? LL_CRIT_NOT_RUN
                        : fabs(worst->percent) <= LIMIT_PERCENT ? LL_CRIT_PASS
                                                                : LL_CRIT_FAIL,
                    "rms of every part within 5 % of the original",
                    "%d parts; largest difference %+.3f %% (%s)", n, worst->percent, where);
    return LL_OK;
}

/* ---- lower precision ------------------------------------------------------------------------- */

enum ll_arm_agreement ll_arm_agreement(const struct ll_arm *x)
{
    return x->top1_same ? LL_ARM_SAME : x->top1_tie ? LL_ARM_TIE : LL_ARM_OTHER;
}

int ll_arms_connected(const struct ll_arms *a, int l) { return !strcmp(a->input[l], a->output[l]); }

static const char of_prediction[] = "lower precision leaves the prediction alone",
                  of_connection[] = "each layer reads what the one before wrote";

static void judge_connection(const struct ll_arms *a, struct ll_criteria *c)
{
    int broken = -1;
    for (int l = 0; l + 1 < a->n_rows && broken < 0; l++)
        broken = ll_arms_connected(a, l) ? -1 : l;
    if (broken < 0)
        ll_criteria_add(c, LL_CRIT_PASS, of_connection, "%d layers", a->n_rows - 1);
    else
        ll_criteria_add(c, LL_CRIT_FAIL, of_connection, "layer %d does not", broken);
}

static void judge_prediction(const struct ll_arms *a, struct ll_criteria *c)
{
    static const char *const word[] = {
        [LL_ARM_OTHER] = "changed", [LL_ARM_TIE] = "as good as equal", [LL_ARM_SAME] = "same"};
    int hurt = ll_arms_hurt(a), repaired = ll_arms_repaired(a);
    const struct ll_arm *x = a->arm;
    ll_criteria_add(c, hurt ? LL_CRIT_WARN : LL_CRIT_PASS, of_prediction,
                    "KL b %.4f, c %.4f, d %.4f bits; top-1 %s, %s, %s; \"precision explains the failure\" %s",
                    x[1].kl_bits, x[2].kl_bits, x[3].kl_bits, word[ll_arm_agreement(&x[1])],
                    word[ll_arm_agreement(&x[2])], word[ll_arm_agreement(&x[3])],
                    !hurt ? "does not hold: neither b nor c changes the top token or has a KL above 0.1 bit"
                        : repaired ? "holds: b or c fails and d repairs it"
                                   : "does not hold: b or c fails, but d does not repair it");
}

int ll_check_arms(struct ll_check *k, const struct ll_check_job *job, struct ll_criteria *c,
                  struct ll_err *err)
{
    c->section = LL_CHECK_ARMS;
    if (!job->model) {
        ll_criteria_add(c, LL_CRIT_NOT_RUN, of_prediction, "no model");
        ll_criteria_add(c, LL_CRIT_NOT_RUN, of_connection, "no model");
        return LL_OK;
    }
    int rc = ll_arms_run(&k->arms, job->model, job->engine, job->ids, job->n_ids, job->format, err);
    if (rc) {
        ll_arms_free(&k->arms);
        return rc == LL_EUSAGE ? cannot_pass(c, LL_CRIT_NOT_RUN, of_prediction, err) : rc;
    }
    judge_connection(&k->arms, c);
    judge_prediction(&k->arms, c);
    return LL_OK;
}

void ll_check_free(struct ll_check *k)
{
    ll_weight_pairs_free(&k->pairs);
    ll_arms_free(&k->arms);
}
