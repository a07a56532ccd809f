/* qwen3.c - Qwen 3, dense and with experts: q and k are normed head by head. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {LLAMA_NAMES};

static const struct ll_setting_row settings[] = {
    DIMS(151936, 4096, 22016, 32, 32),
    NUM_OR_NULL(N_KV_HEADS, 32),
    NUM(D_HEAD, 128),
    NUM(N_CTX, 32768),
    RMS_EPS(1e-6),
    STR(ACT, "silu"),
    NUM(TIED, 0),
    ROPE(10000),
    NUM(ATTN_BIAS, 0),
    NUM(USE_WINDOW, 0),
    NUM_OR_NULL(WINDOW, 4096),
    NUM(WINDOW_LAYERS, 28),
    NONE(LAYER_TYPES),
};

const struct ll_family ll_family_qwen3 = {
    .name = "qwen3",
    .model_types = TYPES("qwen3"),
    .covers = "Qwen 3 (dense)",
    SETTINGS(settings),
    .check = ll_check_window_switch,
    .names = names,
    .qkv_bias = IF_SET(ATTN_BIAS),
    .o_bias = IF_SET(ATTN_BIAS),
    .qk_norm = LL_QK_HEAD_ONE_GAIN,
    .window = ll_window_upper_layers,
    .gguf = {.arch = "qwen3"},
};

static const char *const moe_names[LL_N_ROLES] = {QWEN_MOE_NAMES};

/* No list of layer types here: a window that is used is every layer's. */
static const struct ll_setting_row moe_settings[] = {
    DIMS(151936, 2048, 6144, 24, 32),
    NUM(N_KV_HEADS, 4),
    NONE(D_HEAD),
    NUM(N_CTX, 32768),
    RMS_EPS(1e-6),
    STR(ACT, "silu"),
    NUM(TIED, 0),
    ROPE(10000),
    NUM(ATTN_BIAS, 0),
    NUM(USE_WINDOW, 0),
    NUM_OR_NULL(WINDOW, 4096),
    NUM(EXPERT_STEP, 1),
    NONE(MLP_ONLY),
    NUM_AT(N_EXPERTS, "num_local_experts|num_experts", 128),
    NUM(TOP_K, 8),
    NUM(D_EXPERT, 768),
    NUM(RENORMALISED, 0),
};

static const struct ll_gguf_row gguf_moe[] = {
    KEY(D_MLP), KEY_NEEDED(N_EXPERTS), KEY_NEEDED(TOP_K), KEY_OR_ZERO(D_EXPERT), FACT(RENORMALISED, 1),
};

const struct ll_family ll_family_qwen3_moe = {
    .name = "qwen3_moe",
    .model_types = TYPES("qwen3_moe"),
    .covers = "Qwen 3 with experts",
    SETTINGS(moe_settings),
    .names = moe_names,
    .qkv_bias = IF_SET(ATTN_BIAS),
    .o_bias = IF_SET(ATTN_BIAS),
    .qk_norm = LL_QK_HEAD_ONE_GAIN,
    .window = ll_window_where_used,
    .experts = ll_experts_by_step,
    .renormalised = IF_SET(RENORMALISED),
    GGUF("qwen3moe", GGUF_ROWS(gguf_moe), .experts_share = 1),
};
