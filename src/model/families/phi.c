/* phi.c - Phi 1, 1.5 and 2: parallel blocks, half of each head turns. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {
    [LL_R_W_E] = "model.embed_tokens.weight",
    LINEAR(LL_R_W_U, LL_R_B_U, "lm_head"),
    LN(LL_R_LN_FINAL, "model.final_layernorm"),
    LN(LL_R_LN1, BLOCK "input_layernorm"),
    LINEAR(LL_R_W_Q, LL_R_B_Q, BLOCK "self_attn.q_proj"),
    LINEAR(LL_R_W_K, LL_R_B_K, BLOCK "self_attn.k_proj"),
    LINEAR(LL_R_W_V, LL_R_B_V, BLOCK "self_attn.v_proj"),
    LINEAR(LL_R_W_O, LL_R_B_O, BLOCK "self_attn.dense"),
    LINEAR(LL_R_W_IN, LL_R_B_IN, BLOCK "mlp.fc1"),
    LINEAR(LL_R_W_OUT, LL_R_B_OUT, BLOCK "mlp.fc2"),
};

static const struct ll_setting_row settings[] = {
    DIMS(51200, 2048, 8192, 24, 32),
    KV_AS_HEADS,
    NONE(D_HEAD),
    NUM(N_CTX, 2048),
    LN_EPS(1e-5),
    STR(ACT, "gelu_new"),
    NUM(TIED, 0),
    ROPE(10000),
    NUM_OR_NULL(ROPE_PART, 0.5),
    ONLY(QK_LAYERNORM, 0),
};

const struct ll_family ll_family_phi = {
    .name = "phi",
    .model_types = TYPES("phi"),
    .covers = "Phi 1, 1.5, 2",
    SETTINGS(settings),
    .names = names,
    .norm = LL_NORM_LAYER,
    .parallel = ALWAYS,
    .qkv_bias = ALWAYS,
    .o_bias = ALWAYS,
    .mlp_bias = ALWAYS,
    .head_bias = ALWAYS,
    GGUF("phi2", .own_head = 1),
};
