/* gemma.c - Gemma 1 and 2. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {LLAMA_NAMES};

static const struct ll_setting_row settings[] = {
    DIMS(256000, 3072, 24576, 28, 16),
    NUM(N_KV_HEADS, 16),
    NUM(D_HEAD, 256),
    NUM(N_CTX, 8192),
    RMS_EPS(1e-6),
    STR(ACT, "gelu_pytorch_tanh"),
    NUM(TIED, 1),
    ROPE(10000),
    NUM(ATTN_BIAS, 0),
    ONLY_OR_NULL(BIDIRECTIONAL, 0),
};

const struct ll_family ll_family_gemma = {
    .name = "gemma",
    .model_types = TYPES("gemma"),
    .covers = "Gemma 1",
    SETTINGS(settings),
    .names = names,
    .norm = LL_NORM_RMS_PLUS_ONE,
    .qkv_bias = IF_SET(ATTN_BIAS),
    .o_bias = IF_SET(ATTN_BIAS),
    .gelu_means_tanh = 1,
    .emb_scale_sqrt_d = 1,
    GGUF("gemma", .norms_complete = 1),
};

static const char *const names2[LL_N_ROLES] = {GEMMA2_NAMES};

/* A cap that is null there is none. */
static const struct ll_setting_row settings2[] = {
    DIMS(256000, 2304, 9216, 26, 8),
    NUM(N_KV_HEADS, 4),
    NUM(D_HEAD, 256),
    NUM(N_CTX, 8192),
    RMS_EPS(1e-6),
    STR_AT(ACT, "hidden_activation", "gelu_pytorch_tanh"),
    NUM(TIED, 1),
    ROPE(10000),
    NUM(ATTN_BIAS, 0),
    ONLY_OR_NULL(BIDIRECTIONAL, 0),
    NUM(ATTN_UNDER_ROOT, 256),
    NUM_OR_NULL(WINDOW, 4096),
    NONE(LAYER_TYPES),
    NUM_OR_NULL(LOGIT_CAP, 30),
    NUM_OR_NULL(ATTN_CAP, 50),
};

static int window_even_layers(const struct ll_model *m, int layer)
{
    if (ll_setting_has(m, LL_S_WINDOW_PATTERN))
        return ll_window_by_pattern(m, layer);
    return layer % 2 ? 0 : ll_window_every_layer(m, layer);
}

static const struct ll_gguf_row gguf2[] = {
    KEY_OR(WINDOW, 4096),  KEY_OR(WINDOW_PATTERN, 2), KEY_OR(ATTN_CAP, 50),
    KEY_OR(LOGIT_CAP, 30), KEY(ROPE_THETA_LOCAL),     KEY(ROPE_DIMS_LOCAL),
};

const struct ll_family ll_family_gemma2 = {
    .name = "gemma2",
    .model_types = TYPES("gemma2"),
    .covers = "Gemma 2",
    SETTINGS(settings2),
    .names = names2,
    .norm = LL_NORM_RMS_PLUS_ONE,
    .qkv_bias = IF_SET(ATTN_BIAS),
    .o_bias = IF_SET(ATTN_BIAS),
    .post_norms = 1,
    .emb_scale_sqrt_d = 1,
    .window = window_even_layers,
    GGUF("gemma2", GGUF_ROWS(gguf2), .norms_complete = 1, .wide_scale_layers = 46, .local = LL_LOCAL_BASE),
};
