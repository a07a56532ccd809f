/* llama.c - Llama and what is built like it. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {LLAMA_NAMES};

static const struct ll_setting_row settings[] = {
    DIMS(32000, 4096, 11008, 32, 32),
    KV_AS_HEADS,
    NONE(D_HEAD),
    NUM(N_CTX, 2048),
    RMS_EPS(1e-6),
    STR(ACT, "silu"),
    NUM(TIED, 0),
    ROPE(10000),
    NUM(ATTN_BIAS, 0),
    NUM(MLP_BIAS, 0),
};

const struct ll_family ll_family_llama = {
    .name = "llama",
    .model_types = TYPES("llama"),
    .covers = "Llama 1, 2, 3, 3.1, 3.2, 3.3, TinyLlama, Yi",
    SETTINGS(settings),
    .names = names,
    .qkv_bias = IF_SET(ATTN_BIAS),
    .o_bias = IF_SET(ATTN_BIAS),
    .mlp_bias = IF_SET(MLP_BIAS),
    GGUF("llama", .paired_rows = 1),
};
