/* gpt2.c - GPT-2: learned positions, matrices stored the other way round. */
#include "rows.h"

#define H "h.%d."
static const char *const names[LL_N_ROLES] = {
    [LL_R_W_E] = "wte.weight",
    [LL_R_W_POS] = "wpe.weight",
    [LL_R_W_U] = "lm_head.weight",
    LN(LL_R_LN_FINAL, "ln_f"),
    LN(LL_R_LN1, H "ln_1"),
    LN(LL_R_LN2, H "ln_2"),
    LINEAR(LL_R_W_QKV, LL_R_B_QKV, H "attn.c_attn"),
    LINEAR(LL_R_W_O, LL_R_B_O, H "attn.c_proj"),
    LINEAR(LL_R_W_IN, LL_R_B_IN, H "mlp.c_fc"),
    LINEAR(LL_R_W_OUT, LL_R_B_OUT, H "mlp.c_proj"),
};

static const struct ll_setting_row settings[] = {
    NUM(VOCAB, 50257),
    NUM_AT(D_MODEL, "hidden_size|n_embd", 768),
    NUM_AT(N_LAYERS, "num_hidden_layers|n_layer", 12),
    NUM_AT(N_HEADS, "num_attention_heads|n_head", 12),
    NONE_AT(D_MLP, "n_inner"),
    NUM_AT(N_CTX, "max_position_embeddings|n_positions", 1024),
    NUM_AT(EPS, "layer_norm_epsilon", 1e-5),
    STR_AT(ACT, "activation_function", "gelu_new"),
    NUM(TIED, 1),
    ONLY(SCALE_SCORES, 1),
    ONLY(SCALE_BY_LAYER, 0),
    ONLY(CROSS_ATTENTION, 0),
};

const struct ll_family ll_family_gpt2 = {
    .name = "gpt2",
    .model_types = TYPES("gpt2"),
    .covers = "GPT-2, DistilGPT-2",
    SETTINGS(settings),
    .names = names,
    .norm = LL_NORM_LAYER,
    .qkv = LL_QKV_STACKED,
    .transposed = 1,
    .qkv_bias = ALWAYS,
    .o_bias = ALWAYS,
    .mlp_bias = ALWAYS,
    .mlp_times = 4,
    .positions = 1,
    .gguf = {.arch = "gpt2"},
};
