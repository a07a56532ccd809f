/* drift_shape.c - what a difference looks like, and the table symptom -> likely cause (drift.h). Causes: the
 * traps named in style and spec; TransformerLens' notes on numerical divergence. */
#include "drift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct view {
    const struct ll_actv *a, *b;
    int rows, width;
}; /* ours (isolated where there is one) and the reference, from ref->row0 on */

static float ours_at(const struct view *v, int r, int c)
{
    return v->a->x[(size_t)(r + v->b->row0) * (size_t)v->width + (size_t)c];
}
static float ref_at(const struct view *v, int r, int c)
{
    return v->b->x[(size_t)r * (size_t)v->width + (size_t)c];
}
static double diff(const struct view *v, int r, int c)
{
    double e = (double)ours_at(v, r, c) - (double)ref_at(v, r, c);
    return isfinite(e) ? e : 0;
}

static double row_sq(const struct view *v, int r)
{
    double sq = 0;
    for (int c = 0; c < v->width; c++)
        sq += diff(v, r, c) * diff(v, r, c);
    return sq;
}

static void along_rows(const struct view *v, const struct ll_drift_point *p, struct ll_drift_shape *s,
                       double total)
{
    int n_pos = v->b->heads ? v->width : v->rows; /* of POS_POS points a row is (head, query) */
    double ref_rms = ll_tensor_rms(p->has_isolated ? &p->isolated.ref : &p->running.ref), half[2] = {0},
           first = 0;
    s->first_bad_row = -1;
    for (int r = 0; r < v->rows; r++) {
        int pos = v->b->heads ? r % v->width : r;
        double sq = row_sq(v, r);
        first += pos == 0 ? sq : 0;
        half[pos >= (n_pos + 1) / 2] += sq;
        if (sqrt(sq / v->width) > p->tol * ref_rms && (s->first_bad_row < 0 || pos < s->first_bad_row))
            s->first_bad_row = pos;
    }
    s->first_row = total > 0 ? sqrt(first * n_pos / total) : 0;
    s->last_over_first = half[0] > 0 ? sqrt(half[1] / half[0]) : half[1] > 0 ? INFINITY : 1;
}

static void one_factor(const struct view *v, struct ll_drift_shape *s, double total)
{
    double dot = 0, sq = 0, left = 0;
    for (int r = 0; r < v->rows; r++)
        for (int c = 0; c < v->width; c++)
            if (isfinite(ours_at(v, r, c)) && isfinite(ref_at(v, r, c))) {
                dot += (double)ours_at(v, r, c) * (double)ref_at(v, r, c);
                sq += (double)ref_at(v, r, c) * (double)ref_at(v, r, c);
            }
    s->factor = sq > 0 ? dot / sq : 0;
    for (int r = 0; r < v->rows; r++)
        for (int c = 0; c < v->width; c++)
            if (isfinite(ours_at(v, r, c)) && isfinite(ref_at(v, r, c))) {
                double e = (double)ours_at(v, r, c) - s->factor * (double)ref_at(v, r, c);
                left += e * e;
            }
    s->factor_left = total > 0 ? sqrt(left / total) : 0;
}

static void one_vector(const struct view *v, struct ll_drift_shape *s, double total)
{
    double left = 0;
    for (int c = 0; c < v->width; c++) {
        double mean = 0;
        for (int r = 0; r < v->rows; r++)
            mean += diff(v, r, c) / v->rows;
        for (int r = 0; r < v->rows; r++)
            left += (diff(v, r, c) - mean) * (diff(v, r, c) - mean);
    }
    s->constant_left = v->rows > 1 && total > 0 ? sqrt(left / total) : 1;
}

static int rising(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int other_order(const struct view *v, struct ll_drift_shape *s, double total, struct ll_err *err)
{
    float *rows = malloc(sizeof *rows * 2 * (size_t)v->width), *b = rows + v->width;
    double left = 0;
    if (!rows)
        return ll_fail_mem(err, "sorted rows", sizeof *rows * 2 * (size_t)v->width);
    for (int r = 0; r < v->rows; r++) {
        for (int c = 0; c < v->width; c++) {
            rows[c] = isfinite(ours_at(v, r, c)) ? ours_at(v, r, c) : 0;
            b[c] = isfinite(ref_at(v, r, c)) ? ref_at(v, r, c) : 0;
        }
        qsort(rows, (size_t)v->width, sizeof *rows, rising);
        qsort(b, (size_t)v->width, sizeof *b, rising);
        for (int c = 0; c < v->width; c++)
            left += ((double)rows[c] - (double)b[c]) * ((double)rows[c] - (double)b[c]);
    }
    s->sorted_left = total > 0 ? sqrt(left / total) : 0;
    free(rows);
    return LL_OK;
}

int ll_drift_shape(const struct ll_drift *d, const struct ll_drift_point *p, struct ll_drift_shape *s,
                   struct ll_err *err)
{
    const struct ll_actv *ref = ll_acts_good(d->ref, p->hook, p->layer);
    memset(s, 0, sizeof *s);
    if (!ref || p->self)
        return LL_OK;
    struct view v = {ll_acts_at(p->has_isolated ? &d->iso : &d->ours, p->hook, p->layer), ref, ref->rows,
                     ref->width};
    double total = 0;
    for (int r = 0; r < v.rows; r++)
        total += row_sq(&v, r);
    along_rows(&v, p, s, total);
    one_factor(&v, s, total);
    one_vector(&v, s, total);
    s->columns3 = p->has_isolated ? p->isolated.top3 : p->running.top3;
    return other_order(&v, s, total, err);
}

/* ---- symptoms -------------------------------------------------------------------------------- */

#define SEEN(name, condition) \
    static int name(const struct ll_drift *d, const struct ll_drift_point *p, \
                    const struct ll_drift_shape *s) \
    { \
        (void)d, (void)p, (void)s; \
        return condition; \
    }
static int is(const struct ll_drift_point *p, uint32_t hooks)
{
    return p && (LL_HOOK_BIT(p->hook) & hooks) != 0;
}
#define H(x) LL_HOOK_BIT(LL_HOOK_##x)
#define ANY_NORM \
    (H(LN1_SCALE) | H(LN1_NORMALIZED) | H(LN2_SCALE) | H(LN2_NORMALIZED) | H(LN_FINAL_SCALE) \
     | H(LN_FINAL_NORMALIZED))
#define ANY_QK (H(Q) | H(K) | H(ROT_Q) | H(ROT_K))
#define ROT (H(ROT_Q) | H(ROT_K))

SEEN(last_dump, d->trap)
SEEN(nothing_here, !p)
SEEN(embed_factor, is(p, H(EMBED)) && s->factor_left < 0.01)
SEEN(norm_small, is(p, ANY_NORM) && p->isolated.rel < 0.05)
SEEN(norm_large, is(p, ANY_NORM) && p->isolated.rel >= 0.05)
SEEN(rot_pos0, is(p, ROT) && d->n > 1 && s->first_bad_row > 0 && s->first_row < 0.01)
SEEN(rot_all, is(p, ROT) && (s->first_bad_row == 0 || d->n == 1))
SEEN(reordered, is(p, ANY_QK | H(V)) && s->sorted_left < 0.05)
SEEN(constant,
     is(p, ANY_QK | H(V) | H(ATTN_OUT) | H(PRE) | H(PRE_LINEAR) | H(MLP_OUT) | H(LOGITS))
         && s->constant_left < 0.01)
SEEN(scores_factor, is(p, H(ATTN_SCORES)) && s->factor_left < 0.01)
SEEN(scores_wrong,
     is(p, H(ATTN_SCORES) | H(PATTERN) | H(Z)) && s->factor_left >= 0.01 && s->first_bad_row <= 1)
SEEN(scores_late, is(p, H(ATTN_SCORES) | H(PATTERN) | H(Z)) && s->first_bad_row > 1)
SEEN(activation_small, is(p, H(POST)) && p->isolated.rel < 0.01)
SEEN(activation_large, is(p, H(POST)) && p->isolated.rel >= 0.01)
SEEN(gate_up, is(p, H(PRE) | H(PRE_LINEAR)) && s->constant_left >= 0.01)
SEEN(addend_wrong, is(p, H(ATTN_OUT) | H(MLP_OUT)) && s->constant_left >= 0.01 && s->factor_left >= 0.01)
SEEN(addend_factor, is(p, H(ATTN_OUT) | H(MLP_OUT)) && s->factor_left < 0.01)
SEEN(logits_wrong, is(p, H(LOGITS)) && s->constant_left >= 0.01)
SEEN(sum_wrong, is(p, H(RESID_MID) | H(RESID_POST)) && ll_drift_is_alone(d, p))
SEEN(block_wrong, is(p, H(RESID_MID) | H(RESID_PRE) | H(RESID_POST)) && !ll_drift_is_alone(d, p))

const struct ll_drift_symptom ll_drift_symptoms[] = {
    {"only the last dump is off, by orders of magnitude",
     "it was made after the final norm (a framework's list of hidden states); judged as such", "", last_dump},
    {"no operation is off, running errors grow a little from layer to layer",
     "rounding, accumulated: both are right", "", nothing_here},
    {"embed off by one factor", "embedding multiplier left out, or applied twice",
     "emb-scale=off,emb-scale=sqrt-d", embed_factor},
    {"a norm's output off by less than 5 %, most where the stream is small", "another epsilon",
     "eps=x10,eps=/10", norm_small},
    {"a norm's output off by more",
     "1 + w against w; mean taken off or not; the norm's bias; gains of another layer",
     "norm-offset=+1,norm-offset=-1,norm-kind=rms,norm-kind=layer,norm-bias=off", norm_large},
    {"rot_q, rot_k exact at position 0 and off later", "rotary pairing, base or scaling",
     "rope=interleaved,rope=halves,rope-base=10000,rope-scaling=off,rope-local=off", rot_pos0},
    {"rot_q, rot_k off at position 0, too",
     "norm of q and k, their order, biases, the order of rows; positions counted from 1",
     "qk-norm=off,qk-norm=late,bias-qk=late,bias-qkv=off,qk-permute=on,qk-permute=off", rot_all},
    {"q, k or v holds the right values in another order",
     "heads exchanged; GGUF's row order of W_Q and W_K undone twice or not at all",
     "qk-permute=on,qk-permute=off", reordered},
    {"off by the same vector at every position", "a bias left out or added twice",
     "bias=off,bias-qkv=off,bias-o=off,bias-mlp=off,head-bias=off", constant},
    {"attn_scores off by one factor",
     "the scores' scale: 1/sqrt(d_head), of d_model, or a setting of its own",
     "attn-scale=head,attn-scale=model,attn-scale=1", scores_factor},
    {"attention off although q, k, v and rotation are right",
     "heads grouped wrongly; soft cap of the scores; scale; causal mask",
     "grouping=modulo,attn-cap=off,attn-scale=head,kv=swapped", scores_wrong},
    {"attention right up to a position and off from there on", "sliding window",
     "window=off,window=+1,window=-1", scores_late},
    {"post off by less than 1 %", "exact GELU against its tanh form", "act=gelu_tanh,act=gelu_erf",
     activation_small},
    {"post off by more", "gate and up exchanged in the activation; another activation",
     "act-order=swapped,act=silu,act=gelu_tanh,act=quick_gelu,act=relu,act=relu2", activation_large},
    {"pre or pre_linear off", "W_gate and W_in exchanged; the MLP reads another stream; a bias",
     "mlp=swapped,block=parallel,block=sequential,bias-mlp=off", gate_up},
    {"attn_out or mlp_out off by one factor", "residual multiplier; experts' weights not renormalised",
     "resid-scale=off,experts-renorm=flipped", addend_factor},
    {"attn_out or mlp_out off",
     "norm after the half block; other weights, of another layer or damaged; experts chosen otherwise",
     "post-norm=off,experts-renorm=flipped,bias-o=off", addend_wrong},
    {"logits off, final norm right",
     "soft cap, multiplier or bias of the head; tied head scaled, or tied where it is not",
     "logit-cap=off,logit-scale=off,logit-scale=emb,head-bias=off", logits_wrong},
    {"an addition is off although both addends are right",
     "an addend multiplied, left out or taken from elsewhere",
     "resid-scale=off,block=parallel,block=sequential", sum_wrong},
    {"only whole blocks can be compared, one is off",
     "any operation of the block: try all switches, and compare with a reference that holds the steps", "all",
     block_wrong},
    {NULL, NULL, NULL, NULL},
};
