/* family.c - the table of model families. Sources: the published config.json files and transformers' modeling code of
 * each family; checked against reference activations (tests/oracle). */
#include "family.h"

#include <stdio.h>
#include <string.h>

/* ---- names of tensors --------------------------------------------------------------------------------------------- */

#define BLOCK "model.layers.%d."
#define LLAMA_NAMES LLAMA_WITHOUT_LN1, [LL_R_LN1] = BLOCK "input_layernorm.weight"
#define LLAMA_WITHOUT_LN1                                                                                   \
    [LL_R_W_E] = "model.embed_tokens.weight", [LL_R_W_U] = "lm_head.weight", [LL_R_LN_FINAL] = "model.norm.weight", \
    [LL_R_W_Q] = BLOCK "self_attn.q_proj.weight", [LL_R_B_Q] = BLOCK "self_attn.q_proj.bias",               \
    [LL_R_W_K] = BLOCK "self_attn.k_proj.weight", [LL_R_B_K] = BLOCK "self_attn.k_proj.bias",               \
    [LL_R_W_V] = BLOCK "self_attn.v_proj.weight", [LL_R_B_V] = BLOCK "self_attn.v_proj.bias",               \
    [LL_R_W_O] = BLOCK "self_attn.o_proj.weight", [LL_R_B_O] = BLOCK "self_attn.o_proj.bias",               \
    [LL_R_Q_NORM] = BLOCK "self_attn.q_norm.weight", [LL_R_K_NORM] = BLOCK "self_attn.k_norm.weight",       \
    [LL_R_W_GATE] = BLOCK "mlp.gate_proj.weight", [LL_R_B_GATE] = BLOCK "mlp.gate_proj.bias",               \
    [LL_R_W_IN] = BLOCK "mlp.up_proj.weight", [LL_R_B_IN] = BLOCK "mlp.up_proj.bias",                       \
    [LL_R_W_OUT] = BLOCK "mlp.down_proj.weight", [LL_R_B_OUT] = BLOCK "mlp.down_proj.bias"

/* Trap: post_attention_layernorm is ln2 in Llama-like models and the norm of attention's output in Gemma 2. */
static const char *const llama_names[LL_N_ROLES] = {LLAMA_NAMES, [LL_R_LN2] = BLOCK "post_attention_layernorm.weight"};
static const char *const gemma2_names[LL_N_ROLES] = {
    LLAMA_NAMES,
    [LL_R_LN1_POST] = BLOCK "post_attention_layernorm.weight",
    [LL_R_LN2] = BLOCK "pre_feedforward_layernorm.weight",
    [LL_R_LN2_POST] = BLOCK "post_feedforward_layernorm.weight",
};

/* Multimodal checkpoints keep the text model under "language_model.", newer ones under "model.language_model.". */
static const struct ll_prefix wrapped[] = {{"", "language_model."}, {"model.", "model.language_model."}, {NULL, NULL}};
static const char *const phi3_names[LL_N_ROLES] = {
    [LL_R_W_E] = "model.embed_tokens.weight", [LL_R_W_U] = "lm_head.weight", [LL_R_LN_FINAL] = "model.norm.weight",
    [LL_R_LN1] = BLOCK "input_layernorm.weight", [LL_R_LN2] = BLOCK "post_attention_layernorm.weight",
    [LL_R_W_QKV] = BLOCK "self_attn.qkv_proj.weight", [LL_R_W_O] = BLOCK "self_attn.o_proj.weight",
    [LL_R_W_GATE_IN] = BLOCK "mlp.gate_up_proj.weight", [LL_R_W_OUT] = BLOCK "mlp.down_proj.weight",
};

static const char *const olmo2_names[LL_N_ROLES] = {
    LLAMA_WITHOUT_LN1, /* the blocks read the stream itself */
    [LL_R_LN1_POST] = BLOCK "post_attention_layernorm.weight",
    [LL_R_LN2_POST] = BLOCK "post_feedforward_layernorm.weight",
};

static const char *const mixtral_names[LL_N_ROLES] = {
    LLAMA_NAMES, [LL_R_LN2] = BLOCK "post_attention_layernorm.weight", [LL_R_ROUTER] = BLOCK "block_sparse_moe.gate.weight",
    [LL_R_X_GATE] = BLOCK "block_sparse_moe.experts.%d.w1.weight", [LL_R_X_IN] = BLOCK "block_sparse_moe.experts.%d.w3.weight",
    [LL_R_X_OUT] = BLOCK "block_sparse_moe.experts.%d.w2.weight",
};

static const char *const qwen_moe_names[LL_N_ROLES] = {
    LLAMA_NAMES, [LL_R_LN2] = BLOCK "post_attention_layernorm.weight", [LL_R_ROUTER] = BLOCK "mlp.gate.weight",
    [LL_R_X_GATE] = BLOCK "mlp.experts.%d.gate_proj.weight", [LL_R_X_IN] = BLOCK "mlp.experts.%d.up_proj.weight",
    [LL_R_X_OUT] = BLOCK "mlp.experts.%d.down_proj.weight", [LL_R_SHARED_MIX] = BLOCK "mlp.shared_expert_gate.weight",
    [LL_R_SHARED_GATE] = BLOCK "mlp.shared_expert.gate_proj.weight", [LL_R_SHARED_IN] = BLOCK "mlp.shared_expert.up_proj.weight",
    [LL_R_SHARED_OUT] = BLOCK "mlp.shared_expert.down_proj.weight",
};

#define LN(role, name) [role] = name ".weight", [role##_B] = name ".bias"
#define LINEAR(role, bias, name) [role] = name ".weight", [bias] = name ".bias"
static const char *const cohere_names[LL_N_ROLES] = {LLAMA_NAMES};
static const char *const phi_names[LL_N_ROLES] = {
    [LL_R_W_E] = "model.embed_tokens.weight", LINEAR(LL_R_W_U, LL_R_B_U, "lm_head"), LN(LL_R_LN_FINAL, "model.final_layernorm"),
    LN(LL_R_LN1, BLOCK "input_layernorm"), LINEAR(LL_R_W_Q, LL_R_B_Q, BLOCK "self_attn.q_proj"), LINEAR(LL_R_W_K, LL_R_B_K, BLOCK "self_attn.k_proj"),
    LINEAR(LL_R_W_V, LL_R_B_V, BLOCK "self_attn.v_proj"), LINEAR(LL_R_W_O, LL_R_B_O, BLOCK "self_attn.dense"),
    LINEAR(LL_R_W_IN, LL_R_B_IN, BLOCK "mlp.fc1"), LINEAR(LL_R_W_OUT, LL_R_B_OUT, BLOCK "mlp.fc2"),
};

static const char *const stablelm_names[LL_N_ROLES] = {
    LLAMA_NAMES, LN(LL_R_LN2, BLOCK "post_attention_layernorm"),
    [LL_R_LN_FINAL_B] = "model.norm.bias", [LL_R_LN1_B] = BLOCK "input_layernorm.bias",
};

#define NEOX "gpt_neox.layers.%d."
static const char *const neox_names[LL_N_ROLES] = {
    [LL_R_W_E] = "gpt_neox.embed_in.weight", [LL_R_W_U] = "embed_out.weight", LN(LL_R_LN_FINAL, "gpt_neox.final_layer_norm"),
    LN(LL_R_LN1, NEOX "input_layernorm"), LN(LL_R_LN2, NEOX "post_attention_layernorm"),
    LINEAR(LL_R_W_QKV, LL_R_B_QKV, NEOX "attention.query_key_value"), LINEAR(LL_R_W_O, LL_R_B_O, NEOX "attention.dense"),
    LINEAR(LL_R_W_IN, LL_R_B_IN, NEOX "mlp.dense_h_to_4h"), LINEAR(LL_R_W_OUT, LL_R_B_OUT, NEOX "mlp.dense_4h_to_h"),
};

#define FALCON "transformer.h.%d."
static const char *const falcon_names[LL_N_ROLES] = {
    [LL_R_W_E] = "transformer.word_embeddings.weight", [LL_R_W_U] = "lm_head.weight", LN(LL_R_LN_FINAL, "transformer.ln_f"),
    /* with two norms (40B, 180B) they are called ln_attn and ln_mlp */
    [LL_R_LN1] = FALCON "input_layernorm.weight|" FALCON "ln_attn.weight", [LL_R_LN1_B] = FALCON "input_layernorm.bias|" FALCON "ln_attn.bias",
    [LL_R_LN2] = FALCON "post_attention_layernorm.weight|" FALCON "ln_mlp.weight",
    [LL_R_LN2_B] = FALCON "post_attention_layernorm.bias|" FALCON "ln_mlp.bias",
    LINEAR(LL_R_W_QKV, LL_R_B_QKV, FALCON "self_attention.query_key_value"), LINEAR(LL_R_W_O, LL_R_B_O, FALCON "self_attention.dense"),
    LINEAR(LL_R_W_IN, LL_R_B_IN, FALCON "mlp.dense_h_to_4h"), LINEAR(LL_R_W_OUT, LL_R_B_OUT, FALCON "mlp.dense_4h_to_h"),
};

static const struct ll_dim_keys falcon_keys = {"num_hidden_layers", "hidden_size", "num_attention_heads", "num_kv_heads", "ffn_hidden_size", "max_position_embeddings"};
#define GPT2 "h.%d."
static const struct ll_prefix transformer_prefix[] = {{"", "transformer."}, {NULL, NULL}}; /* kept by some tools, dropped by others */
static const char *const gpt2_names[LL_N_ROLES] = {
    [LL_R_W_E] = "wte.weight", [LL_R_W_POS] = "wpe.weight", [LL_R_W_U] = "lm_head.weight", LN(LL_R_LN_FINAL, "ln_f"),
    LN(LL_R_LN1, GPT2 "ln_1"), LN(LL_R_LN2, GPT2 "ln_2"), LINEAR(LL_R_W_QKV, LL_R_B_QKV, GPT2 "attn.c_attn"), LINEAR(LL_R_W_O, LL_R_B_O, GPT2 "attn.c_proj"),
    LINEAR(LL_R_W_IN, LL_R_B_IN, GPT2 "mlp.c_fc"), LINEAR(LL_R_W_OUT, LL_R_B_OUT, GPT2 "mlp.c_proj"),
};

static const struct ll_dim_keys gpt2_keys = {"n_layer", "n_embd", "n_head", NULL, "n_inner", "n_positions"};
static const char *const gpt_neo_names[LL_N_ROLES] = {
    [LL_R_W_E] = "wte.weight", [LL_R_W_POS] = "wpe.weight", [LL_R_W_U] = "lm_head.weight", LN(LL_R_LN_FINAL, "ln_f"),
    LN(LL_R_LN1, GPT2 "ln_1"), LN(LL_R_LN2, GPT2 "ln_2"), [LL_R_W_Q] = GPT2 "attn.attention.q_proj.weight",
    [LL_R_W_K] = GPT2 "attn.attention.k_proj.weight", [LL_R_W_V] = GPT2 "attn.attention.v_proj.weight",
    LINEAR(LL_R_W_O, LL_R_B_O, GPT2 "attn.attention.out_proj"), LINEAR(LL_R_W_IN, LL_R_B_IN, GPT2 "mlp.c_fc"), LINEAR(LL_R_W_OUT, LL_R_B_OUT, GPT2 "mlp.c_proj"),
};

static const struct ll_dim_keys gpt_neo_keys = {"num_layers", "hidden_size", "num_heads", NULL, "intermediate_size", "max_position_embeddings"};

/* ---- what some rows ask the settings ------------------------------------------------------------------------------ */

/* Types and ranges have been checked before (config.c's table): a key added here belongs there, too. */

static int window_every_layer(const struct ll_settings *s, int layer)
{
    (void)layer;
    return (int)ll_settings_int(s, "sliding_window", 0);
}

/* Qwen: switched by use_sliding_window, and only from max_window_layers on. */
static int window_upper_layers(const struct ll_settings *s, int layer)
{
    if (!ll_settings_bool(s, "use_sliding_window", 0) || layer < ll_settings_int(s, "max_window_layers", 28))
        return 0;
    return (int)ll_settings_int(s, "sliding_window", 0);
}

static int window_where_used(const struct ll_settings *s, int layer)
{
    (void)layer;
    return ll_settings_bool(s, "use_sliding_window", 0) ? (int)ll_settings_int(s, "sliding_window", 0) : 0;
}

static int window_even_layers(const struct ll_settings *s, int layer)
{
    return layer % 2 ? 0 : (int)ll_settings_int(s, "sliding_window", 0);
}

/* Layers i with (i + 1) divisible by the pattern see everything. */
static int window_but_every_nth(const struct ll_settings *s, int layer)
{
    long long n = ll_settings_int(s, "sliding_window_pattern", ll_settings_int(s, "_sliding_window_pattern", 6));
    return n > 0 && (layer + 1) % n == 0 ? 0 : (int)ll_settings_int(s, "sliding_window", 0);
}

/* attention_types: [[["global", "local"], 6], ...], each list repeated so many times; or attention_layers, written out. */
static int window_of_local_layers(const struct ll_settings *s, int layer)
{
    char key[64];
    const char *kind = NULL;
    snprintf(key, sizeof key, "attention_layers.%d", layer);
    kind = ll_settings_str(s, key, NULL);
    for (int i = 0, left = layer; !kind && i < ll_settings_len(s, "attention_types"); i++) {
        snprintf(key, sizeof key, "attention_types.%d.0", i);
        int n = ll_settings_len(s, key);
        snprintf(key, sizeof key, "attention_types.%d.1", i);
        long long all = n > 0 ? n * ll_settings_int(s, key, 0) : 0;
        if (left < all) {
            snprintf(key, sizeof key, "attention_types.%d.0.%d", i, left % n);
            kind = ll_settings_str(s, key, "global");
        } else
            left -= (int)all;
    }
    return kind && !strcmp(kind, "local") ? (int)ll_settings_int(s, "window_size", 256) : 0;
}

/* Without a list every interval-th layer has no rotation. */
static int no_rope_listed(const struct ll_settings *s, int layer)
{
    char key[48];
    snprintf(key, sizeof key, "no_rope_layers.%d", layer);
    long long n = ll_settings_int(s, "no_rope_layer_interval", 4);
    return ll_settings_has(s, "no_rope_layers") ? !ll_settings_int(s, key, 1) : n > 0 && (layer + 1) % n == 0;
}

/* Cohere 2: only layers with a window rotate. */
static int no_rope_without_window(const struct ll_settings *s, int layer)
{
    char key[48];
    snprintf(key, sizeof key, "layer_types.%d", layer);
    return ll_settings_has(s, key) ? strcmp(ll_settings_str(s, key, ""), "sliding_attention") != 0 : !window_but_every_nth(s, layer);
}

static int experts_everywhere(const struct ll_settings *s, int layer)
{
    (void)s, (void)layer;
    return 1;
}

/* Every decoder_sparse_step-th layer, but none of mlp_only_layers. */
static int experts_by_step(const struct ll_settings *s, int layer)
{
    char key[48];
    long long step = ll_settings_int(s, "decoder_sparse_step", 1);
    for (int i = 0; i < ll_settings_len(s, "mlp_only_layers"); i++) {
        snprintf(key, sizeof key, "mlp_only_layers.%d", i);
        if (ll_settings_int(s, key, -1) == layer)
            return 0;
    }
    return step > 0 && (layer + 1) % step == 0;
}

/* num_kv_heads counts only in the newer architecture; the older has one, or as many as heads. */
static int falcon_kv_heads(const struct ll_settings *s, int n_heads)
{
    if (ll_settings_bool(s, "new_decoder_architecture", 0))
        return (int)ll_settings_int(s, "num_kv_heads", n_heads);
    return ll_settings_bool(s, "multi_query", 0) ? 1 : n_heads;
}

/* ---- the table ---------------------------------------------------------------------------------------------------- */

#define TYPES(...) (const char *const[]){__VA_ARGS__, NULL}

#define ALWAYS {LL_ALWAYS, NULL}
#define IF_KEY(key) {LL_IF_KEY, key}
#define IF_STORED {LL_IF_STORED, NULL}

const struct ll_family ll_families[] = {
    {.name = "llama", .model_types = TYPES("llama"), .covers = "Llama 1, 2, 3, 3.1, 3.2, 3.3, TinyLlama, Yi",
     .names = llama_names, .qkv_bias = IF_KEY("attention_bias"), .o_bias = IF_KEY("attention_bias"), .mlp_bias = IF_KEY("mlp_bias"),
     .act_key = "hidden_act"},
    {.name = "mistral", .model_types = TYPES("mistral", "mistral3"), .covers = "Mistral 7B, Nemo, Small; the text part of Small 3.1 and later",
     .wraps = "text_config", .prefixes = wrapped, .names = llama_names, .act_key = "hidden_act", .window = window_every_layer},
    {.name = "mixtral", .model_types = TYPES("mixtral"), .covers = "Mixtral 8x7B, 8x22B",
     .names = mixtral_names, .act_key = "hidden_act", .window = window_every_layer,
     .experts = experts_everywhere, .d_expert_key = "intermediate_size", .renormalised = ALWAYS},
    {.name = "qwen2", .model_types = TYPES("qwen2"), .covers = "Qwen 1.5, 2, 2.5",
     .names = llama_names, .qkv_bias = ALWAYS, .act_key = "hidden_act", .window = window_upper_layers, .layer_types = 1},
    {.name = "qwen2_moe", .model_types = TYPES("qwen2_moe"), .covers = "Qwen 1.5 and 2 with experts",
     .defaults = "\"qkv_bias\":true",
     .names = qwen_moe_names, .qkv_bias = IF_KEY("qkv_bias"), .act_key = "hidden_act", .window = window_upper_layers, .layer_types = 1,
     .experts = experts_by_step, .d_expert_key = "moe_intermediate_size", .d_shared_key = "shared_expert_intermediate_size",
     .renormalised = IF_KEY("norm_topk_prob")},
    {.name = "qwen3", .model_types = TYPES("qwen3"), .covers = "Qwen 3 (dense)",
     .names = llama_names, .qkv_bias = IF_KEY("attention_bias"), .o_bias = IF_KEY("attention_bias"), .qk_norm = LL_QK_HEAD, .d_head_default = 128,
     .act_key = "hidden_act", .window = window_upper_layers, .layer_types = 1},
    {.name = "qwen3_moe", .model_types = TYPES("qwen3_moe"), .covers = "Qwen 3 with experts",
     .names = qwen_moe_names, .qkv_bias = IF_KEY("attention_bias"), .o_bias = IF_KEY("attention_bias"), .qk_norm = LL_QK_HEAD,
     .act_key = "hidden_act", .window = window_where_used,
     .experts = experts_by_step, .d_expert_key = "moe_intermediate_size", .renormalised = IF_KEY("norm_topk_prob")},
    {.name = "gemma", .model_types = TYPES("gemma"), .covers = "Gemma 1",
     /* hidden_act says gelu in the first configs, but the tanh form is meant */
     .names = llama_names, .norm = LL_NORM_RMS_PLUS_ONE, .qkv_bias = IF_KEY("attention_bias"), .o_bias = IF_KEY("attention_bias"),
     .emb_scale_sqrt_d = 1, .tied_by_default = 1, .d_head_default = 256, .act_default = LL_ACT_GELU_TANH},
    {.name = "gemma2", .model_types = TYPES("gemma2"), .covers = "Gemma 2",
     /* as in transformers' Gemma2Config; a cap that is null there is none */
     .defaults = "\"attn_logit_softcapping\":50,\"final_logit_softcapping\":30,\"query_pre_attn_scalar\":256,\"sliding_window\":4096",
     .names = gemma2_names, .norm = LL_NORM_RMS_PLUS_ONE, .qkv_bias = IF_KEY("attention_bias"), .o_bias = IF_KEY("attention_bias"), .post_norms = 1,
     .emb_scale_sqrt_d = 1, .tied_by_default = 1, .d_head_default = 256, .act_default = LL_ACT_GELU_TANH,
     .act_key = "hidden_activation", .attn_scale_key = "query_pre_attn_scalar", .attn_cap_key = "attn_logit_softcapping",
     .logit_cap_key = "final_logit_softcapping", .window = window_even_layers, .layer_types = 1},
    {.name = "gemma3", .model_types = TYPES("gemma3_text", "gemma3"), .covers = "Gemma 3, the text part",
     .wraps = "text_config", .prefixes = wrapped, .refused = TYPES("use_bidirectional_attention"),
     .defaults = "\"vocab_size\":262208,\"num_attention_heads\":8,\"num_key_value_heads\":4,\"head_dim\":256,\"rms_norm_eps\":1e-6,\"rope_theta\":1e6,"
                 "\"max_position_embeddings\":131072,\"query_pre_attn_scalar\":256,\"sliding_window\":4096",
     .names = gemma2_names, .norm = LL_NORM_RMS_PLUS_ONE, .qkv_bias = IF_KEY("attention_bias"), .o_bias = IF_KEY("attention_bias"), .post_norms = 1,
     .qk_norm = LL_QK_HEAD, .rope_by_type = 1, .emb_scale_sqrt_d = 1, .tied_by_default = 1, .act_default = LL_ACT_GELU_TANH,
     .act_key = "hidden_activation", .attn_scale_key = "query_pre_attn_scalar", .attn_cap_key = "attn_logit_softcapping",
     .logit_cap_key = "final_logit_softcapping", .window = window_but_every_nth, .layer_types = 1},
    {.name = "phi", .model_types = TYPES("phi"), .covers = "Phi 1, 1.5, 2",
     .defaults = "\"partial_rotary_factor\":0.5", .refused = TYPES("qk_layernorm"),
     .names = phi_names, .norm = LL_NORM_LAYER, .parallel = ALWAYS, .qkv_bias = ALWAYS, .o_bias = ALWAYS, .mlp_bias = ALWAYS, .head_bias = ALWAYS,
     .act_default = LL_ACT_GELU_TANH, .act_key = "hidden_act"},
    {.name = "phi3", .model_types = TYPES("phi3"), .covers = "Phi 3, Phi 3.5 mini, Phi 4, Phi 4 mini",
     .names = phi3_names, .qkv = LL_QKV_STACKED, .act_key = "hidden_act", .window = window_every_layer},
    {.name = "olmo2", .model_types = TYPES("olmo2"), .covers = "OLMo 2",
     .names = olmo2_names, .qkv_bias = IF_KEY("attention_bias"), .o_bias = IF_KEY("attention_bias"), .post_norms = 1, .qk_norm = LL_QK_WIDE,
     .act_key = "hidden_act"},
    {.name = "smollm3", .model_types = TYPES("smollm3"), .covers = "SmolLM3",
     .names = llama_names, .qkv_bias = IF_KEY("attention_bias"), .o_bias = IF_KEY("attention_bias"), .mlp_bias = IF_KEY("mlp_bias"),
     .act_key = "hidden_act", .no_rope = no_rope_listed, .layer_types = 1, .tied_by_default = 1},
    {.name = "granite", .model_types = TYPES("granite"), .covers = "Granite 3 (dense)",
     .names = llama_names, .qkv_bias = IF_KEY("attention_bias"), .o_bias = IF_KEY("attention_bias"), .mlp_bias = IF_KEY("mlp_bias"),
     .act_key = "hidden_act", .defaults = "\"attention_multiplier\":1", .emb_scale_key = "embedding_multiplier",
     .resid_scale_key = "residual_multiplier", .attn_mult_key = "attention_multiplier", .logit_div_key = "logits_scaling"},
    {.name = "cohere", .model_types = TYPES("cohere"), .covers = "Command R, Aya 23",
     .defaults = "\"logit_scale\":0.0625",
     .names = cohere_names, .norm = LL_NORM_LAYER_NO_BIAS, .qk_norm = LL_QK_OWN, .qk_norm_if = IF_KEY("use_qk_norm"), .parallel = ALWAYS,
     .qkv_bias = IF_KEY("attention_bias"), .o_bias = IF_KEY("attention_bias"), .act_key = "hidden_act", .interleaved = 1,
     .tied_by_default = 1, .logit_scale_key = "logit_scale"},
    {.name = "cohere2", .model_types = TYPES("cohere2"), .covers = "Command R7B, Command A",
     .defaults = "\"logit_scale\":0.0625,\"sliding_window_pattern\":4",
     .names = cohere_names, .norm = LL_NORM_LAYER_NO_BIAS, .parallel = ALWAYS, .qkv_bias = IF_KEY("attention_bias"), .o_bias = IF_KEY("attention_bias"),
     .act_key = "hidden_act", .interleaved = 1, .no_rope = no_rope_without_window, .window = window_but_every_nth, .layer_types = 1,
     .tied_by_default = 1, .logit_scale_key = "logit_scale"},
    {.name = "stablelm", .model_types = TYPES("stablelm"), .covers = "StableLM 2 1.6B, StableLM 3B, Stable Code",
     .defaults = "\"partial_rotary_factor\":0.25,\"layer_norm_eps\":1e-5", .refused = TYPES("qk_layernorm"),
     .names = stablelm_names, .norm = LL_NORM_LAYER, .parallel = IF_KEY("use_parallel_residual"), .qkv_bias = IF_KEY("use_qkv_bias"), .act_key = "hidden_act"},
    {.name = "falcon", .model_types = TYPES("falcon"), .covers = "Falcon 7B, 11B, 40B, 180B (those with rotary positions)",
     .defaults = "\"parallel_attn\":true,\"multi_query\":true,\"layer_norm_epsilon\":1e-5", .refused = TYPES("alibi"), .keys = &falcon_keys,
     .names = falcon_names, .norm = LL_NORM_LAYER, .parallel = IF_KEY("parallel_attn"), .parallel_ln2 = IF_STORED, .qkv = LL_QKV_GROUPED,
     .n_kv_heads = falcon_kv_heads, .qkv_bias = IF_KEY("bias"), .o_bias = IF_KEY("bias"), .mlp_bias = IF_KEY("bias"), .mlp_times = 4,
     .act_default = LL_ACT_GELU_ERF, .act_key = "activation", .tied_by_default = 1},
    {.name = "gpt2", .model_types = TYPES("gpt2"), .covers = "GPT-2, DistilGPT-2",
     .refused = TYPES("scale_attn_by_inverse_layer_idx", "add_cross_attention", "!scale_attn_weights"), .defaults = "\"scale_attn_weights\":true",
     .keys = &gpt2_keys, .prefixes = transformer_prefix,
     .names = gpt2_names, .norm = LL_NORM_LAYER, .qkv = LL_QKV_STACKED, .transposed = 1, .qkv_bias = ALWAYS, .o_bias = ALWAYS, .mlp_bias = ALWAYS,
     .mlp_times = 4, .act_default = LL_ACT_GELU_TANH, .act_key = "activation_function", .positions = 1, .tied_by_default = 1},
    {.name = "gpt_neo", .model_types = TYPES("gpt_neo"), .covers = "GPT-Neo, TinyStories",
     .defaults = "\"attention_multiplier\":1", /* scores are not scaled at all */
     .keys = &gpt_neo_keys, .prefixes = transformer_prefix,
     .names = gpt_neo_names, .norm = LL_NORM_LAYER, .o_bias = ALWAYS, .mlp_bias = ALWAYS, .mlp_times = 4, .act_default = LL_ACT_GELU_TANH,
     .act_key = "activation_function", .positions = 1, .window = window_of_local_layers, .attn_mult_key = "attention_multiplier", .tied_by_default = 1},
    {.name = "gpt_neox", .model_types = TYPES("gpt_neox"), .covers = "GPT-NeoX 20B, Pythia",
     .defaults = "\"use_parallel_residual\":true,\"rotary_pct\":0.25,\"attention_bias\":true,\"layer_norm_eps\":1e-5",
     .names = neox_names, .norm = LL_NORM_LAYER, .parallel = IF_KEY("use_parallel_residual"), .parallel_ln2 = ALWAYS, .qkv = LL_QKV_GROUPED,
     .qkv_bias = IF_KEY("attention_bias"), .o_bias = IF_KEY("attention_bias"), .mlp_bias = ALWAYS, .act_default = LL_ACT_GELU_ERF, .act_key = "hidden_act"},
    {.name = NULL},
};

const struct ll_family *ll_family_find(const struct ll_settings *s)
{
    const char *type = ll_settings_str(s, "model_type", "");
    for (const struct ll_family *f = ll_families; f->name; f++)
        for (const char *const *t = f->model_types; *t; t++)
            if (!strcmp(*t, type))
                return f;
    return NULL;
}

void ll_family_list(char *out, int size)
{
    int at = 0;
    out[0] = 0;
    for (const struct ll_family *f = ll_families; f->name; f++)
        for (const char *const *t = f->model_types; *t && at < size - 1; t++) {
            int n = snprintf(out + at, (size_t)(size - at), "%s%s", at ? ", " : "", *t);
            if (n > 0)
                at += n;
        }
}
