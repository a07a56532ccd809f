/* qwen2.c - Qwen 1.5, 2 and 2.5, dense and with experts. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {LLAMA_NAMES};

static const struct ll_setting_row settings[] = {
    DIMS(151936, 4096, 22016, 32, 32),
    NUM_OR_NULL(N_KV_HEADS, 32),
    NONE(D_HEAD),
    NUM(N_CTX, 32768),
    RMS_EPS(1e-6),
    STR(ACT, "silu"),
    NUM(TIED, 0),
    ROPE(10000),
    NUM(USE_WINDOW, 0),
    NUM_OR_NULL(WINDOW, 4096),
    NUM(WINDOW_LAYERS, 28),
    NONE(LAYER_TYPES),
};

const struct ll_family ll_family_qwen2 = {
    .name = "qwen2",
    .model_types = TYPES("qwen2"),
    .covers = "Qwen 1.5, 2, 2.5",
    SETTINGS(settings),
    .check = ll_check_window_switch,
    .names = names,
    .qkv_bias = ALWAYS,
    .window = ll_window_upper_layers,
    .gguf = {.arch = "qwen2"},
};

static const char *const moe_names[LL_N_ROLES] = {
    QWEN_MOE_NAMES,
    [LL_R_SHARED_ROUTER] = BLOCK "mlp.shared_expert_gate.weight",
    [LL_R_SHARED_GATE] = BLOCK "mlp.shared_expert.gate_proj.weight",
    [LL_R_SHARED_IN] = BLOCK "mlp.shared_expert.up_proj.weight",
    [LL_R_SHARED_OUT] = BLOCK "mlp.shared_expert.down_proj.weight",
};

static const struct ll_setting_row moe_settings[] = {
    DIMS(151936, 2048, 5632, 24, 16),
    NUM(N_KV_HEADS, 16),
    NONE(D_HEAD),
    NUM(N_CTX, 32768),
    RMS_EPS(1e-6),
    STR(ACT, "silu"),
    NUM(TIED, 0),
    ROPE(10000),
    NUM(USE_WINDOW, 0),
    NUM_OR_NULL(WINDOW, 4096),
    NUM(WINDOW_LAYERS, 28),
    NONE(LAYER_TYPES),
    NUM_AT(ATTN_BIAS, "qkv_bias", 1),
    NUM(EXPERT_STEP, 1),
    NONE(MLP_ONLY),
    NUM(N_EXPERTS, 60),
    NUM(TOP_K, 4),
    NUM(D_EXPERT, 1408),
    NUM(D_SHARED, 5632),
    NUM(RENORMALISED, 0),
};

/* Other than in the dense models: every second layer below max_window_layers. */
static int window_even_lower(const struct ll_model *m, int layer)
{
    int below = 0;
    ll_setting_int(m, LL_S_WINDOW_LAYERS, &below);
    return layer % 2 || layer >= below ? 0 : ll_window_where_used(m, layer);
}

const struct ll_family ll_family_qwen2_moe = {
    .name = "qwen2_moe",
    .model_types = TYPES("qwen2_moe"),
    .covers = "Qwen 1.5 and 2 with experts",
    SETTINGS(moe_settings),
    .check = ll_check_window_switch,
    .names = moe_names,
    .qkv_bias = IF_SET(ATTN_BIAS),
    .window = window_even_lower,
    .experts = ll_experts_by_step,
    .renormalised = IF_SET(RENORMALISED),
};
