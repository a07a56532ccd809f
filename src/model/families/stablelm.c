/* stablelm.c - StableLM: LayerNorm, a quarter of each head turns. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {
    LLAMA_WITHOUT_LN1,
    LN(LL_R_LN1, BLOCK "input_layernorm"),
    LN(LL_R_LN2, BLOCK "post_attention_layernorm"),
    [LL_R_LN_FINAL_B] = "model.norm.bias",
};

static const struct ll_setting_row settings[] = {
    DIMS(50304, 2560, 6912, 32, 32),
    NUM(N_KV_HEADS, 32),
    NUM(N_CTX, 4096),
    LN_EPS(1e-5),
    STR(ACT, "silu"),
    NUM(TIED, 0),
    ROPE(10000),
    NUM_OR_NULL(ROPE_PART, 0.25),
    NUM_AT(ATTN_BIAS, "use_qkv_bias", 0),
    NUM(PARALLEL, 0),
    ONLY(QK_LAYERNORM, 0),
};

const struct ll_family ll_family_stablelm = {
    .name = "stablelm",
    .model_types = TYPES("stablelm"),
    .covers = "StableLM 2 1.6B, StableLM 3B, Stable Code",
    SETTINGS(settings),
    .names = names,
    .norm = LL_NORM_LAYER,
    .parallel = IF_SET(PARALLEL),
    .qkv_bias = IF_SET(ATTN_BIAS),
    GGUF("stablelm", .own_head = 1),
};
