/* hook.h - the named points of the pass, and how somebody listens at them.
 *
 * Names and meaning are TransformerLens' (docs/source/content/hook_system.md): `attn_out` and `mlp_out` are
 * what is added to the stream, after any post-norm. The pass calls every listener that asked for a point with
 * the activation in place; a listener may change it and the pass goes on with what it finds. Listening
 * without writing changes no bit. A point that a block does not have does not fire: ln1 and ln2 where there
 * is no such norm, resid_mid in parallel blocks (attention and MLP both read the block's input), pre_linear
 * in an MLP without a gate (whose only projection is `pre`), and in a layer of experts everything but
 * mlp_out. `embed` is what enters block 0: learned positions and the family's multiplier included; attn_out
 * and mlp_out include a residual multiplier. `scale` is the norm's divisor: the rms, or in a LayerNorm the
 * standard deviation, epsilon included. A point is a line in LL_HOOK_LIST and a call in forward.c or
 * a file of blocks/. */
#ifndef LL_HOOK_H
#define LL_HOOK_H
#include "fail.h"

#include <stdint.h>

/* X(enum, name, per layer, width): width in floats of one row; the two [heads, pos, pos] points come a
 * sequence at a time */
#define LL_HOOK_LIST(X) \
    X(EMBED, "embed", 0, D_MODEL) \
    X(RESID_PRE, "resid_pre", 1, D_MODEL) \
    X(LN1_SCALE, "ln1.scale", 1, ONE) \
    X(LN1_NORMALIZED, "ln1.normalized", 1, D_MODEL) \
    X(Q, "q", 1, HEADS) \
    X(K, "k", 1, KV_HEADS) \
    X(V, "v", 1, KV_HEADS) \
    X(ROT_Q, "rot_q", 1, HEADS) \
    X(ROT_K, "rot_k", 1, KV_HEADS) \
    X(ATTN_SCORES, "attn_scores", 1, POS_POS) \
    X(PATTERN, "pattern", 1, POS_POS) \
    X(Z, "z", 1, HEADS) \
    X(ATTN_OUT, "attn_out", 1, D_MODEL) \
    X(RESID_MID, "resid_mid", 1, D_MODEL) \
    X(LN2_SCALE, "ln2.scale", 1, ONE) \
    X(LN2_NORMALIZED, "ln2.normalized", 1, D_MODEL) \
    X(PRE, "pre", 1, D_MLP) \
    X(PRE_LINEAR, "pre_linear", 1, D_MLP) \
    X(POST, "post", 1, D_MLP) \
    X(MLP_OUT, "mlp_out", 1, D_MODEL) \
    X(RESID_POST, "resid_post", 1, D_MODEL) \
    X(LN_FINAL_SCALE, "ln_final.scale", 0, ONE) \
    X(LN_FINAL_NORMALIZED, "ln_final.normalized", 0, D_MODEL) \
    X(LOGITS, "logits", 0, D_VOCAB)

enum ll_hook {
#define X(e, name, layered, width) LL_HOOK_##e,
    LL_HOOK_LIST(X)
#undef X
        LL_N_HOOKS
};
enum ll_hook_width {
    LL_WIDTH_ONE,
    LL_WIDTH_D_MODEL,
    LL_WIDTH_HEADS,
    LL_WIDTH_KV_HEADS,
    LL_WIDTH_D_MLP,
    LL_WIDTH_D_VOCAB,
    LL_WIDTH_POS_POS
};

struct ll_hook_info {
    const char *name; /* "resid_post" */
    int per_layer;
    enum ll_hook_width width;
};
const struct ll_hook_info *ll_hook_info(enum ll_hook h);
/* Hook of a short name ("resid_post") or a TransformerLens name ("blocks.3.hook_resid_post",
 * "blocks.0.attn.hook_q", "blocks.1.ln1.hook_scale", "hook_embed", "ln_final.hook_normalized"). *layer:
 * number in the name, -1 if none. Returns the hook, or -1 (unknown). */
int ll_hook_parse(const char *name, int *layer);
/* The TransformerLens name into out[64]. */
void ll_hook_full_name(enum ll_hook h, int layer, char out[64]);

/* One visit. Row-wise points: data is [n_rows, width] with `stride` floats from row to row, rows row0.. of
 * the batch. ATTN_SCORES and PATTERN: data is [n_heads, n_pos, n_pos] of sequence `seq` (stride = n_pos,
 * n_rows = n_pos, row0 = first batch row of the sequence). */
struct ll_batch;
struct ll_hook_visit {
    enum ll_hook hook;
    int layer; /* 0..n_layers-1, -1 where the point is not in a block */
    int row0, n_rows;
    int width; /* floats a row */
    long stride;
    int seq;                      /* POS_POS points: number of the sequence; else -1 */
    float *data;                  /* borrowed; valid during the call */
    const struct ll_batch *batch; /* what the pass runs over: where its sequences begin; borrowed */
};

/* fn returns LL_OK, or a code with *err filled in that ends the pass. */
struct ll_listener {
    uint32_t hooks; /* bit h set: wants hook h (LL_HOOK_BIT) */
    int (*fn)(void *arg, const struct ll_hook_visit *visit, struct ll_err *err);
    void *arg;
};
#define LL_HOOK_BIT(h) ((uint32_t)1 << (h))
#endif
