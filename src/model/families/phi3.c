/* phi3.c - Phi 3 to Phi 4: one matrix for q, k, v, one for gate and up. What its rotation calls su or yarn is
 * longrope, and the length of the first training stands beside rope_parameters, not in it. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {
    LLAMA_ENDS,
    LLAMA_LN1,
    LLAMA_LN2,
    [LL_R_W_QKV] = BLOCK "self_attn.qkv_proj.weight",
    [LL_R_W_O] = BLOCK "self_attn.o_proj.weight",
    [LL_R_W_GATE_IN] = BLOCK "mlp.gate_up_proj.weight",
    [LL_R_W_OUT] = BLOCK "mlp.down_proj.weight",
};

static const struct ll_setting_row settings[] = {
    DIMS(32064, 3072, 8192, 32, 32),
    KV_AS_HEADS,
    NONE(D_HEAD),
    NUM(N_CTX, 4096),
    RMS_EPS(1e-5),
    STR(ACT, "silu"),
    NUM(TIED, 0),
    NONE(ROPE),
    NONE(ROPE_OLD),
    NUM_OR_NULL(ROPE_THETA, 10000),
    NUM(ROPE_ORIGINAL, 4096),
    NUM_OR_NULL(ROPE_PART, 1),
    NONE(WINDOW),
};

static const struct ll_rope_alias aliases[] = {{"su", "longrope"}, {"yarn", "longrope"}, {NULL, NULL}};

static const struct ll_gguf_row gguf[] = {KEY_OR_ZERO(WINDOW)};

const struct ll_family ll_family_phi3 = {
    .name = "phi3",
    .model_types = TYPES("phi3"),
    .covers = "Phi 3, Phi 3.5 mini, Phi 4, Phi 4 mini",
    SETTINGS(settings),
    .names = names,
    .qkv = LL_QKV_STACKED,
    .rope_aliases = aliases,
    .window = ll_window_every_layer,
    GGUF("phi3", GGUF_ROWS(gguf), .window_left_out = 1),
};
