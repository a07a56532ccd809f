/* gpt_neox.c - GPT-NeoX and Pythia: rotation under names of its own. */
#include "rows.h"

#define L "gpt_neox.layers.%d."
static const char *const names[LL_N_ROLES] = {
    [LL_R_W_E] = "gpt_neox.embed_in.weight",
    [LL_R_W_U] = "embed_out.weight",
    LN(LL_R_LN_FINAL, "gpt_neox.final_layer_norm"),
    LN(LL_R_LN1, L "input_layernorm"),
    LN(LL_R_LN2, L "post_attention_layernorm"),
    LINEAR(LL_R_W_QKV, LL_R_B_QKV, L "attention.query_key_value"),
    LINEAR(LL_R_W_O, LL_R_B_O, L "attention.dense"),
    LINEAR(LL_R_W_IN, LL_R_B_IN, L "mlp.dense_h_to_4h"),
    LINEAR(LL_R_W_OUT, LL_R_B_OUT, L "mlp.dense_4h_to_h"),
};

static const struct ll_setting_row settings[] = {
    DIMS(50432, 6144, 24576, 44, 64),
    NUM(N_CTX, 2048),
    LN_EPS(1e-5),
    STR(ACT, "gelu"),
    NUM(TIED, 0),
    NONE(ROPE),
    NONE(ROPE_OLD),
    NUM_OR_NULL_AT(ROPE_THETA, "rotary_emb_base", 10000),
    NUM_OR_NULL_AT(ROPE_PART, "rotary_pct", 0.25),
    NONE(ROPE_ORIGINAL),
    NUM(PARALLEL, 1),
    NUM(ATTN_BIAS, 1),
};

const struct ll_family ll_family_gpt_neox = {
    .name = "gpt_neox",
    .model_types = TYPES("gpt_neox"),
    .covers = "GPT-NeoX 20B, Pythia",
    SETTINGS(settings),
    .names = names,
    .norm = LL_NORM_LAYER,
    .parallel = IF_SET(PARALLEL),
    .parallel_ln2 = ALWAYS,
    .qkv = LL_QKV_GROUPED,
    .qkv_bias = IF_SET(ATTN_BIAS),
    .o_bias = IF_SET(ATTN_BIAS),
    .mlp_bias = ALWAYS,
};
