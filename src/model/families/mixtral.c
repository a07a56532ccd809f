/* mixtral.c - Mixtral: every layer has experts, each as wide as intermediate_size. */
#include "rows.h"

static const char *const names[LL_N_ROLES] = {
    LLAMA_NAMES,
    [LL_R_ROUTER] = BLOCK "block_sparse_moe.gate.weight",
    [LL_R_X_GATE] = BLOCK "block_sparse_moe.experts.%d.w1.weight",
    [LL_R_X_IN] = BLOCK "block_sparse_moe.experts.%d.w3.weight",
    [LL_R_X_OUT] = BLOCK "block_sparse_moe.experts.%d.w2.weight",
};

static const struct ll_setting_row settings[] = {
    DIMS(32000, 4096, 14336, 32, 32),
    NUM(N_KV_HEADS, 8),
    NONE(D_HEAD),
    NUM(N_CTX, 131072),
    RMS_EPS(1e-5),
    STR(ACT, "silu"),
    NUM(TIED, 0),
    ROPE(1000000),
    NONE(WINDOW),
    NUM_AT(N_EXPERTS, "num_experts|num_local_experts", 8),
    NUM(TOP_K, 2),
};

/* Experts as wide as feed_forward_length, whatever expert_feed_forward_length says. */
static const struct ll_gguf_row gguf[] = {KEY_NEEDED(N_EXPERTS), KEY_NEEDED(TOP_K), KEY_OR_ZERO(WINDOW)};

const struct ll_family ll_family_mixtral = {
    .name = "mixtral",
    .model_types = TYPES("mixtral"),
    .covers = "Mixtral 8x7B, 8x22B",
    SETTINGS(settings),
    .names = names,
    .window = ll_window_every_layer,
    .experts = ll_experts_everywhere,
    .renormalised = ALWAYS,
    GGUF("llama", .with = "expert_count", GGUF_ROWS(gguf), .paired_rows = 1, .window_left_out = 1),
};
