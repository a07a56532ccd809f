/* rows.h - how a family's file writes its rows: names that many families share, and settings with their
 * defaults. Included by the families' files only. */
#ifndef LL_FAMILIES_ROWS_H
#define LL_FAMILIES_ROWS_H
#include "family.h"
#include "model.h"

#include <stdio.h>
#include <string.h>

/* ---- names of tensors ------------------------------------------------------------------------ */

#define BLOCK "model.layers.%d."
#define LLAMA_ENDS \
    [LL_R_W_E] = "model.embed_tokens.weight", \
    [LL_R_W_U] = "lm_head.weight", \
    [LL_R_LN_FINAL] = "model.norm.weight"
#define LLAMA_WITHOUT_LN1 \
    LLAMA_ENDS, \
    [LL_R_W_Q] = BLOCK "self_attn.q_proj.weight", [LL_R_B_Q] = BLOCK "self_attn.q_proj.bias", \
    [LL_R_W_K] = BLOCK "self_attn.k_proj.weight", [LL_R_B_K] = BLOCK "self_attn.k_proj.bias", \
    [LL_R_W_V] = BLOCK "self_attn.v_proj.weight", [LL_R_B_V] = BLOCK "self_attn.v_proj.bias", \
    [LL_R_W_O] = BLOCK "self_attn.o_proj.weight", [LL_R_B_O] = BLOCK "self_attn.o_proj.bias", \
    [LL_R_Q_NORM] = BLOCK "self_attn.q_norm.weight", \
    [LL_R_K_NORM] = BLOCK "self_attn.k_norm.weight", \
    [LL_R_W_GATE] = BLOCK "mlp.gate_proj.weight", [LL_R_B_GATE] = BLOCK "mlp.gate_proj.bias", \
    [LL_R_W_IN] = BLOCK "mlp.up_proj.weight", [LL_R_B_IN] = BLOCK "mlp.up_proj.bias", \
    [LL_R_W_OUT] = BLOCK "mlp.down_proj.weight", [LL_R_B_OUT] = BLOCK "mlp.down_proj.bias"
#define LLAMA_LN1 [LL_R_LN1] = BLOCK "input_layernorm.weight"
/* Trap: post_attention_layernorm is ln2 in Llama-like models and the norm of attention's output in Gemma
 * 2. */
#define LLAMA_LN2 [LL_R_LN2] = BLOCK "post_attention_layernorm.weight"
#define LLAMA_NAMES LLAMA_WITHOUT_LN1, LLAMA_LN1, LLAMA_LN2

/* A gain or matrix and its bias under one stem. */
#define LN(role, name) [role] = name ".weight", [role##_B] = name ".bias"
#define LINEAR(role, bias, name) [role] = name ".weight", [bias] = name ".bias"

#define GEMMA2_NAMES \
    LLAMA_WITHOUT_LN1, LLAMA_LN1, \
    [LL_R_LN1_POST] = BLOCK "post_attention_layernorm.weight", \
    [LL_R_LN2] = BLOCK "pre_feedforward_layernorm.weight", \
    [LL_R_LN2_POST] = BLOCK "post_feedforward_layernorm.weight"
#define QWEN_MOE_NAMES \
    LLAMA_NAMES, \
    [LL_R_ROUTER] = BLOCK "mlp.gate.weight", \
    [LL_R_X_GATE] = BLOCK "mlp.experts.%d.gate_proj.weight", \
    [LL_R_X_IN] = BLOCK "mlp.experts.%d.up_proj.weight", \
    [LL_R_X_OUT] = BLOCK "mlp.experts.%d.down_proj.weight"

#define TYPES(...) \
    (const char *const[]) { __VA_ARGS__, NULL }

/* ---- settings -------------------------------------------------------------------------------- */

/* Under the usual name (setting.c), with a default. */
#define NUM(meaning, v) {.what = LL_S_##meaning, .value = v, .has_default = 1}
#define STR(meaning, v) {.what = LL_S_##meaning, .text = v, .has_default = 1}
/* The same, and null says that there is none. */
#define NUM_OR_NULL(meaning, v) {.what = LL_S_##meaning, .value = v, .has_default = 1, .null = LL_NULL_NONE}
/* No default: absent and null say that there is none. */
#define NONE(meaning) {.what = LL_S_##meaning, .null = LL_NULL_NONE}
/* Under names of the family's own. */
#define NUM_AT(meaning, names, v) {.what = LL_S_##meaning, .keys = names, .value = v, .has_default = 1}
#define STR_AT(meaning, names, v) {.what = LL_S_##meaning, .keys = names, .text = v, .has_default = 1}
#define NUM_OR_NULL_AT(meaning, names, v) \
    {.what = LL_S_##meaning, .keys = names, .value = v, .has_default = 1, .null = LL_NULL_NONE}
#define NONE_AT(meaning, names) {.what = LL_S_##meaning, .keys = names, .null = LL_NULL_NONE}
/* Only this value is computed here. */
#define ONLY(meaning, v) {.what = LL_S_##meaning, .value = v, .has_default = 1, .only_default = 1}
#define ONLY_OR_NULL(meaning, v) \
    {.what = LL_S_##meaning, .value = v, .has_default = 1, .only_default = 1, .null = LL_NULL_NONE}
/* The rows that nearly all have. */
#define DIMS(vocab, d_model, d_mlp, n_layers, n_heads) \
    NUM(VOCAB, vocab), NUM(D_MODEL, d_model), NUM(D_MLP, d_mlp), NUM(N_LAYERS, n_layers), \
        NUM(N_HEADS, n_heads)
#define KV_AS_HEADS NONE(N_KV_HEADS)
#define RMS_EPS(v) NUM_AT(EPS, "rms_norm_eps", v)
#define LN_EPS(v) NUM_AT(EPS, "layer_norm_eps", v)
#define ROPE(theta) \
    NONE(ROPE), NONE(ROPE_OLD), NUM_OR_NULL(ROPE_THETA, theta), NONE(ROPE_ORIGINAL)

#define SETTINGS(rows) .settings = rows, .n_settings = (int)(sizeof rows / sizeof *rows)

#define ALWAYS {LL_ALWAYS, 0}
#define IF_SET(meaning) {LL_IF_SET, LL_S_##meaning}
#define IF_STORED {LL_IF_STORED, 0}

/* ---- GGUF (gguf_setting.h) ------------------------------------------------------------------- */

#define GGUF(name, ...) .gguf = {.arch = name, __VA_ARGS__}
#define GGUF_ROWS(list) .rows = list, .n_rows = (int)(sizeof list / sizeof *list)
/* A key that may be absent, with a default and without; one that must be there; a fact no key says. */
#define KEY(meaning) {LL_S_##meaning, LL_GGUF_NONE, 0, 0}
#define KEY_OR(meaning, v) {LL_S_##meaning, LL_GGUF_DEFAULT, v, 0}
#define KEY_NEEDED(meaning) {LL_S_##meaning, LL_GGUF_REQUIRED, 0, 0}
#define FACT(meaning, v) {LL_S_##meaning, LL_GGUF_FIXED, v, 0}
/* The same as KEY, and 0 is written for none. */
#define KEY_OR_ZERO(meaning) {LL_S_##meaning, LL_GGUF_NONE, 0, 1}

/* ---- what several families ask (windows.c) --------------------------------------------------- */

int ll_window_every_layer(const struct ll_model *m, int layer);
/* Every layer, switched by use_sliding_window. */
int ll_window_where_used(const struct ll_model *m, int layer);
int ll_window_upper_layers(const struct ll_model *m, int layer); /* switched, and from max_window_layers on */
/* All layers but those i with (i + 1) divisible by the pattern. */
int ll_window_by_pattern(const struct ll_model *m, int layer);
/* check: layer_types may name windows only where use_sliding_window is true (elsewhere there is no width to
 * give them). */
int ll_check_window_switch(const struct ll_model *m, struct ll_err *err);
/* experts: every decoder_sparse_step-th layer, but none of mlp_only_layers */
int ll_experts_everywhere(const struct ll_model *m, int layer);
int ll_experts_by_step(const struct ll_model *m, int layer);
#endif
