/* olmo2.c - OLMo 2: blocks read the stream itself, norms stand behind attention and MLP. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {
    LLAMA_WITHOUT_LN1,
    [LL_R_LN1_POST] = BLOCK "post_attention_layernorm.weight",
    [LL_R_LN2_POST] = BLOCK "post_feedforward_layernorm.weight",
};

static const struct ll_setting_row settings[] = {
    DIMS(50304, 4096, 11008, 32, 32),
    KV_AS_HEADS,
    NONE(D_HEAD),
    NUM(N_CTX, 2048),
    RMS_EPS(1e-5),
    STR(ACT, "silu"),
    NUM(TIED, 0),
    ROPE(10000),
    NUM(ATTN_BIAS, 0),
};

const struct ll_family ll_family_olmo2 = {
    .name = "olmo2",
    .model_types = TYPES("olmo2"),
    .covers = "OLMo 2",
    SETTINGS(settings),
    .names = names,
    .qkv_bias = IF_SET(ATTN_BIAS),
    .o_bias = IF_SET(ATTN_BIAS),
    .post_norms = 1,
    .qk_norm = LL_QK_ALL_HEADS,
    /* with a window it is OLMo 3, whose layers turn differently */
    GGUF("olmo2", .own_head = 1, .without = "attention.sliding_window"),
};
