/* gemma3.c - Gemma 3, alone and as the text part of the multimodal models: layers with a window have their
 * own rotation. Its configuration still names a soft cap of the scores, which its attention does not
 * apply. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {GEMMA2_NAMES};

#define GEMMA3 \
    DIMS(262208, 2304, 9216, 26, 8), NUM(N_KV_HEADS, 4), NUM(D_HEAD, 256), NUM(N_CTX, 131072), \
        RMS_EPS(1e-6), STR_AT(ACT, "hidden_activation", "gelu_pytorch_tanh"), ROPE(1000000), \
        NUM_OR_NULL(ROPE_THETA_LOCAL, 10000), NUM(ATTN_BIAS, 0), ONLY_OR_NULL(BIDIRECTIONAL, 0), \
        NUM(ATTN_UNDER_ROOT, 256), NUM_OR_NULL(WINDOW, 4096), NUM(WINDOW_PATTERN, 6), NONE(LAYER_TYPES), \
        NONE(LOGIT_CAP)

static const struct ll_setting_row settings[] = {GEMMA3, NUM(TIED, 1)};
static const struct ll_setting_row settings_wrapped[] = {
    GEMMA3, {.what = LL_S_TIED, .value = 1, .has_default = 1, .null = LL_NULL_NONE, .outside = 1}};

#define LIKE_GEMMA3 \
    .names = names, .norm = LL_NORM_RMS_PLUS_ONE, .qkv_bias = IF_SET(ATTN_BIAS), \
    .o_bias = IF_SET(ATTN_BIAS), .post_norms = 1, .qk_norm = LL_QK_HEAD_ONE_GAIN, .rope_by_type = 1, \
    .emb_scale_sqrt_d = 1, .window = ll_window_by_pattern

static const struct ll_gguf_row gguf[] = {
    KEY_OR_ZERO(WINDOW),  KEY_OR(WINDOW_PATTERN, 6), KEY_OR_ZERO(LOGIT_CAP), KEY_OR(ROPE_THETA_LOCAL, 10000),
    KEY(ROPE_DIMS_LOCAL),
};

const struct ll_family ll_family_gemma3 = {
    .name = "gemma3",
    .model_types = TYPES("gemma3_text"),
    .covers = "Gemma 3, text only",
    SETTINGS(settings),
    LIKE_GEMMA3,
    GGUF("gemma3", GGUF_ROWS(gguf), .norms_complete = 1, .wide_scale_layers = 62, .local = LL_LOCAL_UNSCALED),
};

const struct ll_family ll_family_gemma3_wrapped = {
    .name = "gemma3",
    .model_types = TYPES("gemma3"),
    .covers = "Gemma 3, the text part of the multimodal models",
    .wraps = "text_config",
    .wrapped_types = TYPES("gemma3_text"),
    SETTINGS(settings_wrapped),
    LIKE_GEMMA3,
};
