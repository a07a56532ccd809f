/* half_arms.c - see half_arms.h */
#include "half_arms.h"

#include "drift.h"

#include "dist.h"
#include "sha256.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *what;
    int rounds, accumulate, resid_f32;
} kinds[LL_N_ARMS] = {
    {"a", "all float32", 0, 0, 0},
    {"b", "storage", 1, 0, 0},
    {"c", "storage and accumulation", 1, 1, 0},
    {"d", "as c, stream in float32", 1, 1, 1},
};

struct watch {
    struct ll_arms *arms;
    struct ll_arm *arm;
    struct ll_stack *stack; /* of arm a: filled by it, read by the others */
    int is_first, n_tokens;
};

static double rms_of(const struct ll_hook_visit *v)
{
    struct ll_tensor_stats s;
    ll_tensor_stats_init(&s);
    for (int r = 0; r < v->n_rows; r++)
        ll_tensor_stats_add(&s, v->data + r * v->stride, (size_t)v->width);
    return s.first_bad < 0 ? ll_tensor_rms(&s) : NAN;
}

static void hash_of(const struct ll_hook_visit *v, char hex[65])
{
    struct ll_sha256 sha;
    ll_sha256_init(&sha);
    for (int r = 0; r < v->n_rows; r++)
        ll_sha256_add(&sha, v->data + r * v->stride, sizeof(float) * (size_t)v->width);
    ll_sha256_hex(&sha, hex);
}

/* The stream's rows against arm a's: sums in double, rising order. */
static void compare(struct watch *w, const struct ll_hook_visit *v, struct ll_arm_row *row, int at)
{
    double abs_sum = 0, diff_sq = 0, a_sq = 0, x_sq = 0, dot = 0;
    for (int r = 0; r < v->n_rows; r++) {
        const float *x = v->data + r * v->stride, *a = ll_stack_row(w->stack, at, r);
        for (int i = 0; i < v->width; i++) {
            double d = (double)x[i] - (double)a[i];
            row->n_nonfinite += !isfinite(x[i]);
            row->max_err = fabs(d) > row->max_err ? fabs(d) : row->max_err;
            abs_sum += fabs(d);
            diff_sq += d * d;
            a_sq += (double)a[i] * (double)a[i];
            x_sq += (double)x[i] * (double)x[i];
            dot += (double)a[i] * (double)x[i];
        }
    }
    int good = !row->n_nonfinite;
    row->mae = good ? abs_sum / ((double)v->n_rows * v->width) : NAN;
    row->max_err = good ? row->max_err : NAN;
    row->rel_err = good ? sqrt(diff_sq) / sqrt(a_sq) : NAN;
    row->cosine = !good ? NAN : diff_sq == 0 ? 1 : dot / (sqrt(a_sq) * sqrt(x_sq));
}

static int on_hook(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct watch *w = arg;
    int at = v->hook == LL_HOOK_EMBED ? 0 : v->layer + 1;
    struct ll_arm_row *row = &w->arm->rows[at];
    (void)err;
    if (v->hook == LL_HOOK_ATTN_OUT)
        row->attn_rms = rms_of(v);
    else if (v->hook == LL_HOOK_MLP_OUT)
        row->mlp_rms = rms_of(v);
    else if (v->hook == LL_HOOK_RESID_PRE) {
        if (w->is_first)
            hash_of(v, w->arms->input[v->layer]);
    } else if (v->hook == LL_HOOK_LOGITS)
        memcpy(w->arm->logits, v->data + (long)(v->n_rows - 1) * v->stride, sizeof(float) * (size_t)v->width);
    else {
        row->rms = rms_of(v);
        w->arm->final_rms = row->rms;
        if (w->is_first) {
            for (int r = 0; r < v->n_rows; r++)
                memcpy(ll_stack_row(w->stack, at, r), v->data + r * v->stride,
                       sizeof(float) * (size_t)v->width);
            hash_of(v, w->arms->output[at]);
        }
        compare(w, v, row, at);
    }
    return LL_OK;
}

/* What all arms run. */
struct arms_job {
    const struct ll_model *m;
    struct ll_engine *eng;
    const int *ids;
    int n_ids;
    enum ll_half_format f;
    struct ll_stack stack; /* of arm a */
};

static int run_arm(struct ll_arms *a, int i, struct arms_job *j, struct ll_err *err)
{
    const struct ll_model *m = j->m;
    struct watch w = {a, &a->arm[i], &j->stack, i == 0, j->n_ids};
    const struct ll_listener l = {LL_HOOK_BIT(LL_HOOK_EMBED) | LL_HOOK_BIT(LL_HOOK_RESID_POST)
                                      | LL_HOOK_BIT(LL_HOOK_RESID_PRE) | LL_HOOK_BIT(LL_HOOK_ATTN_OUT)
                                      | LL_HOOK_BIT(LL_HOOK_MLP_OUT) | LL_HOOK_BIT(LL_HOOK_LOGITS),
                                  on_hook, &w};
    struct ll_half_policy policy = {0};
    struct ll_pass pass = {0};
    int start[2] = {0, j->n_ids}, rc = LL_OK;
    struct ll_batch batch = {1, start, j->ids};
    if (kinds[i].rounds)
        rc = ll_half_policy_init(&policy, m, j->n_ids, j->f, kinds[i].accumulate, kinds[i].resid_f32, err);
    if (!rc
        && !(rc = ll_pass_init(&pass, &(struct ll_pass_plan){m, j->n_ids, j->n_ids, &l, 1}, j->eng, err))) {
        if (kinds[i].rounds)
            pass.ops = &policy.ops;
        pass.allow_nonfinite = kinds[i].rounds;
        rc = ll_forward(&pass, &batch, 0, m->n_layers, err);
    }
    if (!rc && policy.no_memory)
        rc = ll_fail_mem(err, "emulated products", sizeof(float) * 16 * (size_t)m->d_mlp_max);
    for (int r = 0; r <= m->n_layers && !rc && policy.overflow; r++) {
        a->arm[i].rows[r].overflow = r ? policy.overflow[r - 1] : policy.overflow[m->n_layers];
        a->arm[i].overflow += policy.overflow[r];
    }
    ll_pass_free(&pass);
    ll_half_policy_free(&policy);
    return rc;
}

static void judge_arm(struct ll_arms *a, int i, int d_vocab, enum ll_half_format f)
{
    struct ll_arm *x = &a->arm[i];
    ll_logit_health(x->logits, d_vocab, 1, &x->health);
    int good = x->health.n_top && a->arm[0].health.n_top;
    x->kl_bits = good
        ? ll_dist_kl_bits(a->arm[0].logits, a->arm[0].health.lse, x->logits, x->health.lse, d_vocab)
        : NAN;
    x->top1_same = good && x->health.top[0].id == a->arm[0].health.top[0].id;
    x->top1_tie = good
        && ll_drift_is_tie(a->arm[0].logits, x->logits, d_vocab, a->arm[0].health.top[0].id,
                           x->health.top[0].id, f == LL_HALF_F16 ? "float16" : "bfloat16");
    x->first_beyond = -1;
    for (int r = 0; r < a->n_rows && x->first_beyond < 0; r++)
        if (!(x->rows[r].rel_err <= 0.01))
            x->first_beyond = r;
}

int ll_arms_run(struct ll_arms *a, const struct ll_model *m, struct ll_engine *eng, const int *ids, int n_ids,
                enum ll_half_format f, struct ll_err *err)
{
    struct arms_job job = {.m = m, .eng = eng, .ids = ids, .n_ids = n_ids, .f = f};
    memset(a, 0, sizeof *a);
    a->n_rows = m->n_layers + 1;
    a->n_tokens = n_ids;
    a->input = calloc((size_t)a->n_rows, sizeof *a->input);
    a->output = calloc((size_t)a->n_rows, sizeof *a->output);
    int rc = a->input && a->output ? ll_stack_init(&job.stack, m, n_ids, NULL, 0, err)
                                   : ll_fail_mem(err, "arms", 65 * (size_t)a->n_rows);
    for (int i = 0; i < LL_N_ARMS && !rc; i++) {
        struct ll_arm *x = &a->arm[i];
        x->name = kinds[i].name;
        x->what = kinds[i].what;
        x->rows = calloc((size_t)a->n_rows, sizeof *x->rows);
        x->logits = malloc(sizeof *x->logits * (size_t)m->d_vocab);
        if (!x->rows || !x->logits)
            rc = ll_fail_mem(err, "arms", sizeof *x->rows * (size_t)a->n_rows);
        for (int r = 0; r < a->n_rows && !rc; r++)
            x->rows[r].attn_rms = x->rows[r].mlp_rms = NAN;
        if (!rc && !(rc = run_arm(a, i, &job, err)))
            judge_arm(a, i, m->d_vocab, f);
    }
    ll_stack_free(&job.stack);
    return rc;
}

void ll_arms_free(struct ll_arms *a)
{
    for (int i = 0; i < LL_N_ARMS; i++) {
        free(a->arm[i].rows);
        free(a->arm[i].logits);
    }
    free(a->input);
    free(a->output);
    memset(a, 0, sizeof *a);
}

static int is_hurt(const struct ll_arm *x) { return !(x->top1_same || x->top1_tie) || !(x->kl_bits <= 0.1); }
int ll_arms_hurt(const struct ll_arms *a) { return is_hurt(&a->arm[1]) || is_hurt(&a->arm[2]); }
int ll_arms_repaired(const struct ll_arms *a) { return !is_hurt(&a->arm[3]); }
