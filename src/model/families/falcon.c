/* falcon.c - Falcon with rotary positions: q, k, v in one matrix, group by group. */
#include "rows.h"

#define H "transformer.h.%d."
static const char *const names[LL_N_ROLES] = {
    [LL_R_W_E] = "transformer.word_embeddings.weight",
    [LL_R_W_U] = "lm_head.weight",
    LN(LL_R_LN_FINAL, "transformer.ln_f"),
    /* with two norms (40B, 180B) they are called ln_attn and ln_mlp */
    [LL_R_LN1] = H "input_layernorm.weight|" H "ln_attn.weight",
    [LL_R_LN1_B] = H "input_layernorm.bias|" H "ln_attn.bias",
    [LL_R_LN2] = H "post_attention_layernorm.weight|" H "ln_mlp.weight",
    [LL_R_LN2_B] = H "post_attention_layernorm.bias|" H "ln_mlp.bias",
    LINEAR(LL_R_W_QKV, LL_R_B_QKV, H "self_attention.query_key_value"),
    LINEAR(LL_R_W_O, LL_R_B_O, H "self_attention.dense"),
    LINEAR(LL_R_W_IN, LL_R_B_IN, H "mlp.dense_h_to_4h"),
    LINEAR(LL_R_W_OUT, LL_R_B_OUT, H "mlp.dense_4h_to_h"),
};

static const struct ll_setting_row settings[] = {
    NUM(VOCAB, 65024),
    {.what = LL_S_D_MODEL, .keys = "n_embed|hidden_size", .value = 4544, .has_default = 1},
    NUM(N_LAYERS, 32),
    NUM(N_HEADS, 71),
    NONE_AT(D_MLP, "ffn_hidden_size"),
    NONE_AT(N_KV_HEADS, "num_kv_heads"),
    NUM(N_CTX, 2048),
    NUM_AT(EPS, "layer_norm_epsilon", 1e-5),
    STR_AT(ACT, "activation", "gelu"),
    NUM(TIED, 1),
    ROPE(10000),
    NUM_OR_NULL(NEW_DECODER, 0),
    NUM_OR_NULL(MULTI_QUERY, 1),
    NUM_OR_NULL_AT(PARALLEL, "parallel_attn", 1),
    NUM_OR_NULL_AT(ATTN_BIAS, "bias", 0),
    ONLY_OR_NULL(ALIBI, 0),
};

/* num_kv_heads counts only in the newer architecture; the older has one, or as many as heads. */
static int n_kv_heads(const struct ll_model *m)
{
    int n = m->n_heads;
    if (ll_setting_on(m, LL_S_NEW_DECODER))
        return ll_setting_int(m, LL_S_N_KV_HEADS, &n), n;
    return ll_setting_on(m, LL_S_MULTI_QUERY) ? 1 : n;
}

const struct ll_family ll_family_falcon = {
    .name = "falcon",
    .model_types = TYPES("falcon"),
    .covers = "Falcon 7B, 11B, 40B, 180B (those with rotary positions)",
    SETTINGS(settings),
    .names = names,
    .norm = LL_NORM_LAYER,
    .parallel = IF_SET(PARALLEL),
    .parallel_ln2 = IF_STORED,
    .qkv = LL_QKV_GROUPED,
    .n_kv_heads = n_kv_heads,
    .qkv_bias = IF_SET(ATTN_BIAS),
    .o_bias = IF_SET(ATTN_BIAS),
    .mlp_bias = IF_SET(ATTN_BIAS),
    .mlp_times = 4,
};
