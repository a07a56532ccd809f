/* cohere.c - Command R and its followers: parallel blocks, rotation of neighbouring values. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {LLAMA_WITHOUT_LN1, LLAMA_LN1};

#define COHERE \
    DIMS(256000, 8192, 22528, 40, 64), KV_AS_HEADS, NONE(D_HEAD), NUM(N_CTX, 8192), LN_EPS(1e-5), \
        STR(ACT, "silu"), NUM(TIED, 1), NUM(ATTN_BIAS, 0), NUM(LOGIT_SCALE, 0.0625)

static const struct ll_setting_row settings[] = {COHERE, ROPE(500000), NUM_OR_NULL(QK_NORM, 0)};
static const struct ll_setting_row settings2[] = {COHERE, ROPE(10000), NUM_OR_NULL(WINDOW, 4096),
                                                  NUM(WINDOW_PATTERN, 4), NONE(LAYER_TYPES)};

#define LIKE_COHERE \
    .names = names, .norm = LL_NORM_LAYER_NO_BIAS, .parallel = ALWAYS, .qkv_bias = IF_SET(ATTN_BIAS), \
    .o_bias = IF_SET(ATTN_BIAS), .interleaved = 1

const struct ll_family ll_family_cohere = {
    .name = "cohere",
    .model_types = TYPES("cohere"),
    .covers = "Command R, Aya 23",
    SETTINGS(settings),
    LIKE_COHERE,
    .qk_norm = LL_QK_HEAD_OWN_GAIN,
    .qk_norm_if = IF_SET(QK_NORM),
};

/* Only layers with a window rotate. */
static int no_rope_without_window(const struct ll_model *m, int layer) { return !ll_layer_window(m, layer); }

const struct ll_family ll_family_cohere2 = {
    .name = "cohere2",
    .model_types = TYPES("cohere2"),
    .covers = "Command R7B, Command A",
    SETTINGS(settings2),
    LIKE_COHERE,
    .no_rope = no_rope_without_window,
    .window = ll_window_by_pattern,
};
