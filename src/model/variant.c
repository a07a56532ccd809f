/* variant.c - see variant.h. The list of mistakes: design and style notes on traps met by others;
 * TransformerLens' debugging_numerical_divergence.md; the published configs (which value another family would
 * have). */
#include "variant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The layers a switch may touch, and the number given with it. */
struct edit {
    struct ll_model *v;
    int from, to, whole;
    double value;
    struct ll_err *err;
};
/* Returns how many things it changed, 0: the model has nothing of the kind; or a negative code. */
typedef int (*apply_fn)(struct edit *e);

/* ---- what the copy owns ---------------------------------------------------------------------- */

static float *own_copy(struct edit *e, const float *x, int n)
{
    struct ll_model *v = e->v;
    struct ll_small *grown = realloc(v->small, sizeof *grown * (size_t)(v->n_small + 1));
    float *y = malloc(sizeof *y * (size_t)n);
    if (grown)
        v->small = grown;
    if (!grown || !y) {
        free(y);
        ll_fail_mem(e->err, "variant", sizeof *y * (size_t)n);
        return NULL;
    }
    if (x)
        memcpy(y, x, sizeof *y * (size_t)n);
    v->small[v->n_small++] = (struct ll_small){y, n, NULL};
    return y;
}

static int own_freqs(struct edit *e, struct ll_rope *r)
{
    if (r->d_rot && !(r->inv_freq = own_copy(e, r->inv_freq, r->d_rot / 2)))
        return LL_EFAIL;
    return !r->d_rot || !r->long_freq || (r->long_freq = own_copy(e, r->long_freq, r->d_rot / 2)) ? LL_OK
                                                                                                  : LL_EFAIL;
}

/* ---- norms ----------------------------------------------------------------------------------- */

typedef int (*norm_fn)(struct edit *e, struct ll_norm *n);

static int each_norm(struct edit *e, int with_qk, norm_fn fn)
{
    int changed = 0, rc;
    for (int l = e->from; l < e->to; l++) {
        struct ll_layer *L = &e->v->layers[l];
        struct ll_norm *all[] = {&L->ln1, &L->ln1_post, &L->ln2, &L->ln2_post, &L->q_norm, &L->k_norm};
        for (int i = 0; i < (with_qk ? 6 : 4); i++)
            if (all[i]->w) {
                if ((rc = fn(e, all[i])) < 0)
                    return rc;
                changed += rc;
            }
    }
    if (!e->whole)
        return changed;
    return (rc = fn(e, &e->v->ln_final)) < 0 ? rc : changed + rc;
}

static int scale_eps(struct edit *e, struct ll_norm *n)
{
    float was = n->eps;
    n->eps = (float)((double)was * e->value);
    return n->eps != was;
}
static int put_eps(struct edit *e, struct ll_norm *n)
{
    float was = n->eps;
    n->eps = (float)e->value;
    return n->eps != was;
}
static int shift_gain(struct edit *e, struct ll_norm *n)
{
    /* own gains ([heads, d_head]) would be longer than d */
    int len = e->v->family->qk_norm == LL_QK_HEAD_OWN_GAIN && n->d == e->v->d_head ? 0 : n->d;
    float *w = len ? own_copy(e, n->w, len) : NULL;
    if (!w)
        return len ? LL_EFAIL : 0;
    for (int i = 0; i < len; i++)
        w[i] += (float)e->value;
    n->w = w;
    return 1;
}
static int drop_norm_bias(struct edit *e, struct ll_norm *n)
{
    int there = n->b != NULL;
    (void)e;
    n->b = NULL;
    return there;
}
static int is_centred(const struct ll_norm *n)
{
    return n->kind == LL_NORM_LAYER || n->kind == LL_NORM_LAYER_NO_BIAS;
}
static int keep_mean(struct edit *e, struct ll_norm *n)
{
    (void)e;
    if (!is_centred(n))
        return 0;
    n->kind = LL_NORM_RMS;
    return 1;
}
static int drop_mean(struct edit *e, struct ll_norm *n)
{
    (void)e;
    if (is_centred(n))
        return 0;
    n->kind = LL_NORM_LAYER_NO_BIAS;
    return 1;
}

static int eps_scaled(struct edit *e) { return each_norm(e, 1, scale_eps); }
static int eps_value(struct edit *e) { return each_norm(e, 1, put_eps); }
static int norm_offset(struct edit *e) { return each_norm(e, 1, shift_gain); }
static int norm_bias_off(struct edit *e) { return each_norm(e, 0, drop_norm_bias); }
static int norm_rms(struct edit *e) { return each_norm(e, 0, keep_mean); }
static int norm_layer(struct edit *e) { return each_norm(e, 0, drop_mean); }

static int drop_norm(struct ll_norm *n)
{
    int there = n->w != NULL;
    memset(n, 0, sizeof *n);
    return there;
}

/* ---- rotation -------------------------------------------------------------------------------- */

typedef int (*rope_fn)(struct edit *e, struct ll_rope *r);

/* All of the model's rotations, or that of one layer as rope_odd. */
static int each_rope(struct edit *e, rope_fn fn)
{
    struct ll_model *v = e->v;
    struct ll_layer *L = &v->layers[e->from];
    int rc = 0, changed = 0;
    if (e->whole) {
        struct ll_rope *all[] = {&v->rope, &v->rope_local, &v->rope_odd};
        for (int i = 0; i < 3; i++) {
            if (all[i]->d_rot && (rc = fn(e, all[i])) < 0)
                return rc;
            changed += all[i]->d_rot ? rc : 0;
        }
        return changed;
    }
    if (!L->rope)
        return 0;
    if (L->rope != &v->rope_odd) {
        if (v->rope_odd.d_rot)
            return ll_fail(e->err, LL_EUSAGE, "a variant may change the rotation of one layer only");
        v->rope_odd = *L->rope;
        L->rope = &v->rope_odd;
        if (own_freqs(e, &v->rope_odd))
            return LL_EFAIL;
    }
    return fn(e, &v->rope_odd);
}

static int pair(struct edit *e, struct ll_rope *r)
{
    int was = r->interleaved;
    r->interleaved = (int)e->value;
    return was != r->interleaved && r->d_rot > 2; /* one pair is the same either way */
}
static int rebase(struct edit *e, struct ll_rope *r)
{
    if (r->theta == e->value)
        return 0;
    for (int i = 0; i < r->d_rot / 2; i++) {
        double ratio = ll_pow(e->value / r->theta, -2.0 * i / r->d_rot);
        r->inv_freq[i] = (float)((double)r->inv_freq[i] * ratio);
        if (r->long_freq)
            r->long_freq[i] = (float)((double)r->long_freq[i] * ratio);
    }
    r->theta = e->value;
    return r->d_rot > 2; /* the first frequency is 1 whatever the base */
}
static int unscale(struct edit *e, struct ll_rope *r)
{
    (void)e;
    if (!strcmp(r->kind, "default"))
        return 0;
    for (int i = 0; i < r->d_rot / 2; i++)
        r->inv_freq[i] = (float)ll_pow(r->theta, -2.0 * i / r->d_rot);
    r->long_freq = NULL;
    r->grows_from = 0;
    r->attn_factor = 1;
    r->kind = "default";
    return 1;
}

static int rope_pairs(struct edit *e) { return each_rope(e, pair); }
static int rope_base(struct edit *e) { return each_rope(e, rebase); }
static int rope_scaling_off(struct edit *e) { return each_rope(e, unscale); }
static int rope_off(struct edit *e)
{
    int n = 0;
    for (int l = e->from; l < e->to; l++) {
        n += e->v->layers[l].rope != NULL;
        e->v->layers[l].rope = NULL;
    }
    return n;
}
static int rope_local_off(struct edit *e)
{
    int n = 0;
    for (int l = e->from; l < e->to; l++)
        if (e->v->layers[l].rope == &e->v->rope_local) {
            e->v->layers[l].rope = &e->v->rope;
            n++;
        }
    return n;
}

/* ---- fields of a layer: one macro a mistake -------------------------------------------------- */

#define EACH_LAYER(name, body) \
    static int name(struct edit *e) \
    { \
        int n = 0; \
        for (int l = e->from; l < e->to; l++) { \
            struct ll_layer *L = &e->v->layers[l]; \
            body \
        } \
        return n; \
    }

#define DROP(p) (n += (p) != NULL, (p) = NULL)
#define PUT(field, to) \
    do { \
        if ((field) != (to)) { \
            (field) = (to); \
            n++; \
        } \
    } while (0)

EACH_LAYER(bias_off, DROP(L->b_Q); DROP(L->b_K); DROP(L->b_V); DROP(L->b_QKV); DROP(L->b_O);
           DROP(L->mlp.b_gate); DROP(L->mlp.b_in); DROP(L->mlp.b_out);)
EACH_LAYER(bias_qkv_off, DROP(L->b_Q); DROP(L->b_K); DROP(L->b_V); DROP(L->b_QKV);)
EACH_LAYER(bias_o_off, DROP(L->b_O);)
EACH_LAYER(bias_mlp_off, DROP(L->mlp.b_gate); DROP(L->mlp.b_in); DROP(L->mlp.b_out);)
EACH_LAYER(attn_cap_off, PUT(L->attn_cap, 0.0f);)
EACH_LAYER(attn_scale_head, PUT(L->attn_scale, (float)(1.0 / sqrt((double)e->v->d_head)));)
EACH_LAYER(attn_scale_model, PUT(L->attn_scale, (float)(1.0 / sqrt((double)e->v->d_model)));)
EACH_LAYER(attn_scale_one, PUT(L->attn_scale, 1.0f);)
EACH_LAYER(window_off, PUT(L->window, 0);)
EACH_LAYER(
    window_shift, if (L->window + (int)e->value > 0 && L->window) {
        L->window += (int)e->value;
        n++;
    })
EACH_LAYER(qk_norm_off, n += drop_norm(&L->q_norm); drop_norm(&L->k_norm);)
EACH_LAYER(
    qk_norm_late, if (L->q_norm.w && L->rope) {
        L->odd ^= LL_ODD_QK_NORM_LATE;
        n++;
    })
EACH_LAYER(
    bias_late, if (L->b_Q && L->b_K && L->rope) {
        L->odd ^= LL_ODD_BIAS_LATE;
        n++;
    })
EACH_LAYER(
    grouping_modulo, if (e->v->n_kv_heads > 1 && e->v->n_kv_heads < e->v->n_heads) {
        L->odd ^= LL_ODD_GROUPING;
        n++;
    })
EACH_LAYER(
    act_order, if (L->mlp.W_gate.n || (L->experts.n && L->experts.mlps[0].W_gate.n)) {
        L->odd ^= LL_ODD_ACT_ORDER;
        n++;
    })
EACH_LAYER(act_other, PUT(L->act, (enum ll_act)(int)e->value);)
EACH_LAYER(resid_scale_off, PUT(L->resid_scale, 1.0f);)
EACH_LAYER(post_norm_off, n += drop_norm(&L->ln1_post); n += drop_norm(&L->ln2_post);)
EACH_LAYER(
    block_parallel, if (!L->parallel && (L->ln1.w || L->ln2.w)) {
        L->parallel = 1;
        n++;
    })
EACH_LAYER(
    block_sequential, if (L->parallel && L->ln2.w) {
        L->parallel = 0;
        n++;
    })
EACH_LAYER(
    renorm_flipped, if (L->experts.n && L->experts.top_k > 1) {
        L->experts.renormalised = !L->experts.renormalised;
        n++;
    })
EACH_LAYER(
    mlp_swapped, if (L->mlp.W_gate.n) {
        struct ll_mat w = L->mlp.W_gate;
        const float *b = L->mlp.b_gate;
        L->mlp.W_gate = L->mlp.W_in;
        L->mlp.b_gate = L->mlp.b_in;
        L->mlp.W_in = w;
        L->mlp.b_in = b;
        n++;
    })
EACH_LAYER(
    kv_swapped, if (L->W_K.n && !L->W_K.paired) {
        struct ll_mat w = L->W_K;
        const float *b = L->b_K;
        L->W_K = L->W_V;
        L->b_K = L->b_V;
        L->W_V = w;
        L->b_V = b;
        n++;
    })

/* W_Q and W_K read as the other convention has them (a bias follows its rows). to 1: as pairs, 0: as halves.
 */
static int permute(struct edit *e, struct ll_mat *w, const float **bias, int to)
{
    int dh = e->v->d_head, half = dh / 2;
    if (!w->n || w->packed || w->transposed || (w->paired != 0) == to || dh % 2)
        return 0;
    w->paired = to ? dh : 0;
    if (!*bias)
        return 1;
    float *b = own_copy(e, *bias, w->n);
    if (!b)
        return LL_EFAIL;
    for (int h = 0; h < w->n; h += dh)
        for (int i = 0; i < dh; i++) {
            int pairs = i < half ? 2 * i : 2 * (i - half) + 1; /* where row i lies among pairs */
            b[h + (to ? i : pairs)] = (*bias)[h + (to ? pairs : i)];
        }
    *bias = b;
    return 1;
}

static int qk_permute(struct edit *e)
{
    int n = 0, rc;
    for (int l = e->from; l < e->to; l++) {
        struct ll_layer *L = &e->v->layers[l];
        if ((rc = permute(e, &L->W_Q, &L->b_Q, (int)e->value)) < 0)
            return rc;
        n += rc;
        if ((rc = permute(e, &L->W_K, &L->b_K, (int)e->value)) < 0)
            return rc;
        n += rc;
    }
    return n;
}

/* ---- embedding and head ---------------------------------------------------------------------- */

static int put_scale(float *field, double to)
{
    float was = *field;
    *field = (float)to;
    return *field != was;
}
static int emb_scale_off(struct edit *e) { return put_scale(&e->v->emb_scale, 1); }
static int emb_scale_root(struct edit *e) { return put_scale(&e->v->emb_scale, sqrt((double)e->v->d_model)); }
static int logit_scale_off(struct edit *e) { return put_scale(&e->v->logit_scale, 1); }
static int logit_scale_emb(struct edit *e)
{
    return put_scale(&e->v->logit_scale, (double)e->v->logit_scale * (double)e->v->emb_scale);
}
static int logit_cap_off(struct edit *e) { return put_scale(&e->v->logit_cap, 0); }
static int head_bias_off(struct edit *e)
{
    int there = e->v->b_U != NULL;
    e->v->b_U = NULL;
    return there;
}

/* ---- the table ------------------------------------------------------------------------------- */

#define IN LL_SWITCH_LAYER
#define AT_ENDS LL_SWITCH_ENDS
/* clang-format off */
static const struct row { struct ll_switch s; apply_fn apply; double value, lo, hi; } rows[] = {
    {{"rope=interleaved", "rotation pairs neighbouring values", "q and k agree, rot_q and rot_k do not; "
    "position 0 is exact", IN}, rope_pairs, 1, 0, 0},
    {{"rope=halves", "rotation pairs the two halves of a head", "q and k agree, rot_q and rot_k do not; "
    "position 0 is exact", IN}, rope_pairs, 0, 0, 0},
    {{"rope=off", "no rotation", "rot_q equals q; position 0 is exact, the error grows with the position",
    IN}, rope_off, 0, 0, 0},
    {{"rope-base=10000", "rotary base 10000", "rot_q and rot_k drift apart with the position; position 0 "
    "is exact", IN}, rope_base, 10000, 0, 0},
    {{"rope-base=500000", "rotary base 500000", "rot_q and rot_k drift apart with the position; position "
    "0 is exact", IN}, rope_base, 500000, 0, 0},
    {{"rope-base=1000000", "rotary base 1000000", "rot_q and rot_k drift apart with the position; "
    "position 0 is exact", IN}, rope_base, 1000000, 0, 0},
    {{"rope-scaling=off", "rotary scaling (linear, llama3, yarn, ...) left out", "low frequencies of "
    "rot_q and rot_k off, growing with the position", IN}, rope_scaling_off, 0, 0, 0},
    {{"rope-local=off", "windowed layers use the global rotary base", "rot_q and rot_k off in windowed "
    "layers only", IN}, rope_local_off, 0, 0, 0},
    {{"eps=x10", "epsilon ten times as large", "norm outputs slightly small, most where the stream is "
    "small (first layers)", IN}, eps_scaled, 10, 0, 0},
    {{"eps=/10", "epsilon a tenth", "norm outputs slightly large, most where the stream is small (first "
    "layers)", IN}, eps_scaled, 0.1, 0, 0},
    {{"norm-offset=+1", "1 added to norm gains that are complete (Gemma's convention)", "norm outputs off "
    "by the normed input itself", IN}, norm_offset, 1, 0, 0},
    {{"norm-offset=-1", "the 1 of Gemma's norm gains left out", "norm outputs off by the normed input "
    "itself", IN}, norm_offset, -1, 0, 0},
    {{"norm-kind=rms", "RMSNorm in place of LayerNorm: neither mean nor bias", "norm outputs off by a "
    "multiple of the gain", IN}, norm_rms, 0, 0, 0},
    {{"norm-kind=layer", "mean taken off in an RMSNorm", "norm outputs off by a multiple of the gain", IN},
    norm_layer, 0, 0, 0},
    {{"norm-bias=off", "bias of the LayerNorms left out", "norm outputs off by a constant vector", IN},
    norm_bias_off, 0, 0, 0},
    {{"bias=off", "all biases of the block left out", "q, k, v off by a constant vector, the same at "
    "every position", IN}, bias_off, 0, 0, 0},
    {{"bias-qkv=off", "biases of q, k, v left out", "q, k, v off by a constant vector, the same at every "
    "position", IN}, bias_qkv_off, 0, 0, 0},
    {{"bias-o=off", "bias of the output projection left out", "attn_out off by a constant vector", IN},
    bias_o_off, 0, 0, 0},
    {{"bias-mlp=off", "biases of the MLP left out", "pre or mlp_out off by a constant vector", IN},
    bias_mlp_off, 0, 0, 0},
    {{"bias-qk=late", "biases of q and k added after the rotation", "q, k off by the bias, rot_q and "
    "rot_k off with the position", IN}, bias_late, 0, 0, 0},
    {{"qk-norm=off", "norm of q and k left out", "q and k agree, rot_q and rot_k have another rms", IN},
    qk_norm_off, 0, 0, 0},
    {{"qk-norm=late", "norm of q and k after the rotation", "rot_q and rot_k off where gains of a pair "
    "differ", IN}, qk_norm_late, 0, 0, 0},
    {{"qk-permute=on", "rows of W_Q and W_K taken for GGUF's neighbouring pairs", "q and k hold the right "
    "values in another order", IN}, qk_permute, 1, 0, 0},
    {{"qk-permute=off", "GGUF's order of W_Q and W_K not undone", "q and k hold the right values in "
    "another order", IN}, qk_permute, 0, 0, 0},
    {{"kv=swapped", "W_K and W_V swapped", "k and v swapped, q right", IN}, kv_swapped, 0, 0, 0},
    {{"grouping=modulo", "query head h reads key/value head h mod n_kv_heads", "q, k, v and rotation "
    "right, attn_scores or z wrong in most heads", IN}, grouping_modulo, 0, 0, 0},
    {{"attn-scale=head", "scores times 1/sqrt(d_head)", "attn_scores off by one factor everywhere", IN},
    attn_scale_head, 0, 0, 0},
    {{"attn-scale=model", "scores times 1/sqrt(d_model)", "attn_scores off by one factor everywhere", IN},
    attn_scale_model, 0, 0, 0},
    {{"attn-scale=1", "scores not scaled", "attn_scores off by one factor; the pattern nearly one-hot",
    IN}, attn_scale_one, 0, 0, 0},
    {{"attn-cap=off", "soft cap of the scores left out", "large attn_scores too large, small ones right",
    IN}, attn_cap_off, 0, 0, 0},
    {{"window=off", "sliding window ignored", "right up to the window's length, wrong after it", IN},
    window_off, 0, 0, 0},
    {{"window=+1", "window one position too long", "wrong from the window's length on, only there", IN},
    window_shift, 1, 0, 0},
    {{"window=-1", "window one position too short", "wrong from the window's length on, only there", IN},
    window_shift, -1, 0, 0},
    {{"act-order=swapped", "act(up) * gate instead of act(gate) * up", "pre and pre_linear right, post "
    "wrong", IN}, act_order, 0, 0, 0},
    {{"mlp=swapped", "W_gate and W_in swapped", "pre and pre_linear swapped", IN}, mlp_swapped, 0, 0, 0},
    {{"act=silu", "activation silu", "pre right, post off by a few per cent and more", IN}, act_other,
    LL_ACT_SILU, 0, 0},
    {{"act=gelu_tanh", "activation GELU in its tanh form", "pre right, post off by some 1e-4", IN},
    act_other, LL_ACT_GELU_TANH, 0, 0},
    {{"act=gelu_erf", "activation exact GELU", "pre right, post off by some 1e-4", IN}, act_other,
    LL_ACT_GELU_ERF, 0, 0},
    {{"act=quick_gelu", "activation x * sigmoid(1.702 x)", "pre right, post off by up to 0.02", IN},
    act_other, LL_ACT_QUICK_GELU, 0, 0},
    {{"act=relu", "activation ReLU", "pre right, post 0 where pre is below 0", IN}, act_other, LL_ACT_RELU,
    0, 0},
    {{"act=relu2", "activation ReLU squared", "pre right, post 0 where pre is below 0", IN}, act_other,
    LL_ACT_RELU2, 0, 0},
    {{"experts-renorm=flipped", "weights of the chosen experts renormalised, or not", "mlp_out of mixture "
    "layers off by one factor a token", IN}, renorm_flipped, 0, 0, 0},
    {{"post-norm=off", "norms after attention and MLP left out", "attn_out and mlp_out have another rms",
    IN}, post_norm_off, 0, 0, 0},
    {{"resid-scale=off", "multiplier of what is added to the stream left out", "attn_out and mlp_out off "
    "by one factor", IN}, resid_scale_off, 0, 0, 0},
    {{"block=parallel", "MLP reads the block's input", "attention right, ln2 or the MLP wrong", IN},
    block_parallel, 0, 0, 0},
    {{"block=sequential", "MLP reads the stream after attention", "attention right, ln2 or the MLP wrong",
    IN}, block_sequential, 0, 0, 0},
    {{"emb-scale=off", "embedding not multiplied", "embed off by one factor; norms hide it in part",
    AT_ENDS}, emb_scale_off, 0, 0, 0},
    {{"emb-scale=sqrt-d", "embedding times sqrt(d_model)", "embed off by one factor; norms hide it in "
    "part", AT_ENDS}, emb_scale_root, 0, 0, 0},
    {{"logit-scale=off", "multiplier of the logits left out", "logits off by one factor, all before right",
    AT_ENDS}, logit_scale_off, 0, 0, 0},
    {{"logit-scale=emb", "tied head read with the embedding's multiplier", "logits off by one factor, all "
    "before right", AT_ENDS}, logit_scale_emb, 0, 0, 0},
    {{"logit-cap=off", "soft cap of the logits left out", "large logits too large, order of tokens right",
    AT_ENDS}, logit_cap_off, 0, 0, 0},
    {{"head-bias=off", "bias of the head left out", "logits off by a constant vector", AT_ENDS},
    head_bias_off, 0, 0, 0},
    {{"eps=VALUE", "epsilon of this value", "norm outputs slightly off, most where the stream is small",
    IN}, eps_value, 0, 0, 1},
    {{"rope-base=VALUE", "rotary base of this value", "rot_q and rot_k drift apart with the position", IN},
    rope_base, 0, 1.0000001, 1e12},
};
/* clang-format on */
enum { N_ROWS = sizeof rows / sizeof *rows };

int ll_n_switches(void) { return N_ROWS; }
const struct ll_switch *ll_switch_row(int i) { return &rows[i].s; }

/* The row of a name; a row that ends with VALUE takes the number. NULL: unknown. */
static const struct row *find(const char *name, double *value, struct ll_err *err)
{
    for (int i = 0; i < N_ROWS; i++) {
        size_t n = strlen(rows[i].s.name);
        if (!strcmp(rows[i].s.name, name)) {
            *value = rows[i].value;
            return n > 5 && !strcmp(name + n - 5, "VALUE") ? NULL : &rows[i];
        }
        if (n < 6 || strcmp(rows[i].s.name + n - 5, "VALUE") || strncmp(rows[i].s.name, name, n - 5))
            continue;
        char *end;
        *value = strtod(name + n - 5, &end);
        if (end == name + n - 5 || *end || !(*value >= rows[i].lo && *value <= rows[i].hi)) {
            ll_fail(err, LL_EUSAGE, "%s: expected a number in %g..%g", name, rows[i].lo, rows[i].hi);
            return NULL;
        }
        return &rows[i];
    }
    ll_fail(err, LL_EUSAGE, "unknown switch \"%s\" (drift --explain lists them)", name);
    return NULL;
}

/* One switch "name" or "name@L". */
static int apply_one(struct edit *e, char *text)
{
    char *at = strchr(text, '@'), *end;
    long layer = -1;
    if (at) {
        layer = strtol(at + 1, &end, 10);
        if (end == at + 1 || *end || layer < 0 || layer >= e->v->n_layers)
            return ll_fail(e->err, LL_EUSAGE, "switch %s: expected a layer in 0..%d after @", text,
                           e->v->n_layers - 1);
        *at = 0;
    }
    const struct row *row = find(text, &e->value, e->err);
    if (!row)
        return ll_fail(e->err, LL_EUSAGE, "switch %s: expected a number in place of VALUE",
                       text); /* the first reason stays */
    if (at && row->s.scope == LL_SWITCH_ENDS)
        return ll_fail(e->err, LL_EUSAGE, "switch %s: is not part of a block, expected no @layer", text);
    e->whole = !at;
    e->from = at ? (int)layer : 0;
    e->to = at ? (int)layer + 1 : e->v->n_layers;
    int n = row->apply(e);
    if (n < 0)
        return e->err && e->err->code ? e->err->code : n;
    return n ? LL_OK
             : ll_fail(e->err, LL_EUNSUP,
                       "switch %s changes nothing here: the model has no such part, or is so already", text);
}

static int apply_list(struct edit *e, const char *list)
{
    int rc = LL_OK;
    for (const char *p = list ? list : ""; *p && !rc;) {
        char text[96];
        size_t n = strcspn(p, ",");
        if (n >= sizeof text)
            return ll_fail(e->err, LL_EUSAGE, "unknown switch \"%.40s...\"", p);
        memcpy(text, p, n);
        text[n] = 0;
        rc = apply_one(e, text);
        p += n + (p[n] == ',');
    }
    return rc;
}

/* Layers point at the rotations of their own model. */
static const struct ll_rope *moved(const struct ll_rope *r, const struct ll_model *from,
                                   const struct ll_model *to)
{
    return r == &from->rope      ? &to->rope
        : r == &from->rope_local ? &to->rope_local
        : r == &from->rope_odd   ? &to->rope_odd
                                 : NULL;
}

int ll_variant_make(struct ll_model **variant, const struct ll_model *model, const char *list,
                    struct ll_err *err)
{
    struct ll_model *v = malloc(sizeof *v);
    *variant = NULL;
    if (!v)
        return ll_fail_mem(err, "variant", sizeof *v);
    *v = *model;
    v->small = NULL;
    v->n_small = 0;
    v->layers = malloc(sizeof *v->layers * (size_t)v->n_layers);
    struct edit e = {.v = v, .err = err};
    int rc = v->layers ? LL_OK : ll_fail_mem(err, "variant", sizeof *v->layers * (size_t)v->n_layers);
    for (int l = 0; !rc && l < v->n_layers; l++) {
        v->layers[l] = model->layers[l];
        v->layers[l].rope = moved(model->layers[l].rope, model, v);
    }
    if (!rc && (own_freqs(&e, &v->rope) || own_freqs(&e, &v->rope_local) || own_freqs(&e, &v->rope_odd)))
        rc = LL_EFAIL;
    if (!rc)
        rc = apply_list(&e, list);
    if (rc) {
        ll_variant_free(v);
        return rc;
    }
    *variant = v;
    return LL_OK;
}

void ll_variant_free(struct ll_model *v)
{
    if (!v)
        return;
    for (int i = 0; i < v->n_small; i++)
        free(v->small[i].v);
    free(v->small);
    free(v->layers);
    free(v);
}
