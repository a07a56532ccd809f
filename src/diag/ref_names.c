/* ref_names.c - the names that references use (ref_place.h); those of modules are in ref_modules.c. What
 * users are told of them: docs/diagnostics.md 4.1. Sources: llama.cpp's src/llama-model.cpp and
 * llama-graph.cpp (names given by cb()). Names of llama.cpp differ by version: a map file goes first. kqv_out
 * is the context before the output projection in current versions; where the node says it was made by a
 * product or an addition (older versions), it is what follows the projection. */
#include "ref_place.h"

#include <stdio.h>
#include <string.h>

enum { LLAMA = LL_REF_LAST_ROW, HALF = LL_REF_NO_POST | LL_REF_UNSCALED };

/* What dump --bin calls a point. attn and mlp are the half blocks' own outputs in the published dumps; what
 * joins the stream has another name where it differs from them. */
static const char *const bin_names[LL_N_HOOKS] = {
    [LL_HOOK_EMBED] = "after_embeddings",
    [LL_HOOK_RESID_POST] = "after_layer_%d",
    [LL_HOOK_LN_FINAL_NORMALIZED] = "after_final_norm",
    [LL_HOOK_LOGITS] = "final_logits",
    [LL_HOOK_LN1_NORMALIZED] = "layer%d_input_norm",
    [LL_HOOK_Q] = "layer%d_q_proj",
    [LL_HOOK_K] = "layer%d_k_proj",
    [LL_HOOK_V] = "layer%d_v_proj",
    [LL_HOOK_ROT_Q] = "layer%d_rot_q",
    [LL_HOOK_ROT_K] = "layer%d_rot_k",
    [LL_HOOK_ATTN_SCORES] = "layer%d_attn_scores",
    [LL_HOOK_PATTERN] = "layer%d_pattern",
    [LL_HOOK_Z] = "layer%d_z",
    [LL_HOOK_ATTN_OUT] = "layer%d_attn",
    [LL_HOOK_RESID_MID] = "layer%d_resid_mid",
    [LL_HOOK_LN2_NORMALIZED] = "layer%d_post_norm",
    [LL_HOOK_PRE] = "layer%d_gate_proj",
    [LL_HOOK_PRE_LINEAR] = "layer%d_up_proj",
    [LL_HOOK_POST] = "layer%d_mlp_act",
    [LL_HOOK_MLP_OUT] = "layer%d_mlp",
};

const char *ll_ref_bin_name(const struct ll_model *m, int hook, int layer, char out[64])
{
    const struct ll_layer *L = layer >= 0 ? &m->layers[layer] : NULL;
    const char *pattern = bin_names[hook];
    if (hook == LL_HOOK_ATTN_OUT && (L->ln1_post.w || L->resid_scale != 1.0f))
        pattern = "layer%d_attn_out";
    if (hook == LL_HOOK_MLP_OUT && (L->ln2_post.w || L->resid_scale != 1.0f))
        pattern = "layer%d_mlp_out";
    if (hook == LL_HOOK_LN2_NORMALIZED && L->ln1_post.w)
        pattern = "layer%d_mlp_norm";
    if (hook == LL_HOOK_PRE && !L->mlp.W_gate.n)
        pattern = "layer%d_up_proj"; /* the only projection */
    if (!pattern)
        return NULL;
    const char *at = strstr(pattern, "%d");
    if (at)
        snprintf(out, 64, "%.*s%d%s.bin", (int)(at - pattern), pattern, layer, at + 2);
    else
        snprintf(out, 64, "%s.bin", pattern);
    return out;
}

const struct ll_ref_name ll_ref_names[] = {
    {"after_embeddings", LL_HOOK_EMBED, 0},
    {"after_layer_%d", LL_HOOK_RESID_POST, 0},
    {"after_final_norm", LL_HOOK_LN_FINAL_NORMALIZED, 0},
    {"final_logits", LL_HOOK_LOGITS, 0},
    {"layer%d_input_norm", LL_HOOK_LN1_NORMALIZED, 0},
    {"layer%d_q_proj", LL_HOOK_Q, 0},
    {"layer%d_k_proj", LL_HOOK_K, 0},
    {"layer%d_v_proj", LL_HOOK_V, 0},
    {"layer%d_o_proj", LL_HOOK_ATTN_OUT, HALF},
    {"layer%d_attn", LL_HOOK_ATTN_OUT, HALF},
    {"layer%d_post_norm", LL_HOOK_LN2_NORMALIZED, LL_REF_NO_POST},
    {"layer%d_gate_proj", LL_HOOK_PRE, 0},
    {"layer%d_up_proj", 0, LL_REF_UP},
    {"layer%d_down_proj", LL_HOOK_MLP_OUT, HALF},
    {"layer%d_mlp", LL_HOOK_MLP_OUT, HALF},

    {"layer%d_rot_q", LL_HOOK_ROT_Q, 0},
    {"layer%d_rot_k", LL_HOOK_ROT_K, 0},
    {"layer%d_attn_scores", LL_HOOK_ATTN_SCORES, 0},
    {"layer%d_pattern", LL_HOOK_PATTERN, 0},
    {"layer%d_z", LL_HOOK_Z, 0},
    {"layer%d_attn_out", LL_HOOK_ATTN_OUT, 0},
    {"layer%d_resid_mid", LL_HOOK_RESID_MID, 0},
    {"layer%d_mlp_norm", LL_HOOK_LN2_NORMALIZED, 0},
    {"layer%d_mlp_act", LL_HOOK_POST, 0},
    {"layer%d_mlp_out", LL_HOOK_MLP_OUT, 0},

    {"inp_embd", LL_HOOK_EMBED, LLAMA | LL_REF_RAW_EMBED},
    {"inp_scaled", LL_HOOK_EMBED, LLAMA},
    {"norm-%d", 0, LL_REF_IGNORE}, /* before the gain */
    {"norm", 0, LL_REF_IGNORE},
    {"attn_norm-%d", LL_HOOK_LN1_NORMALIZED, LLAMA},
    {"Qcur-%d@ROPE", LL_HOOK_ROT_Q, LLAMA | LL_REF_ROWS_PAIRED},
    {"Kcur-%d@ROPE", LL_HOOK_ROT_K, LLAMA | LL_REF_ROWS_PAIRED},
    {"Qcur-%d", LL_HOOK_Q, LLAMA | LL_REF_ROWS_PAIRED},
    {"Kcur-%d", LL_HOOK_K, LLAMA | LL_REF_ROWS_PAIRED},
    {"Vcur-%d", LL_HOOK_V, LLAMA},
    {"kqv_out-%d@MUL_MAT", LL_HOOK_ATTN_OUT, LLAMA | HALF},
    {"kqv_out-%d@ADD", LL_HOOK_ATTN_OUT, LLAMA | HALF},
    {"kqv_out-%d", LL_HOOK_Z, LLAMA},
    {"attn_out-%d", LL_HOOK_ATTN_OUT, LLAMA | HALF},
    {"attn_post_norm-%d", LL_HOOK_ATTN_OUT, LLAMA},
    {"ffn_inp-%d", LL_HOOK_RESID_MID, LLAMA},
    {"ffn_norm-%d", LL_HOOK_LN2_NORMALIZED, LLAMA},
    {"ffn_gate-%d", LL_HOOK_PRE, LLAMA},
    {"ffn_up-%d", 0, LLAMA | LL_REF_UP},
    {"ffn_gate_par-%d", LL_HOOK_POST, LLAMA},
    {"ffn_swiglu-%d", LL_HOOK_POST, LLAMA},
    {"ffn_geglu-%d", LL_HOOK_POST, LLAMA},
    {"ffn_out-%d", LL_HOOK_MLP_OUT, LLAMA | HALF},
    {"ffn_post_norm-%d", LL_HOOK_MLP_OUT, LLAMA},
    {"l_out-%d", LL_HOOK_RESID_POST, LLAMA},
    {"result_norm", LL_HOOK_LN_FINAL_NORMALIZED, LLAMA},
    {"result_output", LL_HOOK_LOGITS, LLAMA},

    {"hidden_states", 0,
     LL_REF_STACK}, /* transformers: the last entry is after the final norm; drift tests that */
    {"hook_pos_embed", 0, LL_REF_POSITIONS}, /* added to hook_embed, where both are there */
    {"hidden_states_%d", 0, LL_REF_STREAM},
    {"hidden_states.%d", 0, LL_REF_STREAM},
    {"hidden_state_%d", 0, LL_REF_STREAM},
    {"hidden_state.%d", 0, LL_REF_STREAM},
    {"hidden_%d", 0, LL_REF_STREAM},
    {"hidden.%d", 0, LL_REF_STREAM},
    {"hs_%d", 0, LL_REF_STREAM},
    {"hs.%d", 0, LL_REF_STREAM},
    {"attentions_%d", LL_HOOK_PATTERN, 0},
    {"attentions.%d", LL_HOOK_PATTERN, 0},
    {"last_hidden_state", LL_HOOK_LN_FINAL_NORMALIZED, 0},
    {"resid_pre_%d", LL_HOOK_RESID_PRE, 0},
    {"resid_pre.%d", LL_HOOK_RESID_PRE, 0},
    {"resid_mid_%d", LL_HOOK_RESID_MID, 0},
    {"resid_mid.%d", LL_HOOK_RESID_MID, 0},
    {"resid_post_%d", LL_HOOK_RESID_POST, 0},
    {"resid_post.%d", LL_HOOK_RESID_POST, 0},

    {"hidden", 0, LL_REF_STACK},
    {"lens_logits", LL_HOOK_LOGITS, LL_REF_LAST},
    {"entropy", 0, LL_REF_IGNORE},
    {"top5_probs", 0, LL_REF_IGNORE},
    {"layer%d.attn_norm", LL_HOOK_LN1_NORMALIZED, 0},
    {"layer%d.q", LL_HOOK_ROT_Q, LL_REF_HEADS_FIRST},
    {"layer%d.k", LL_HOOK_ROT_K, LL_REF_HEADS_FIRST},
    {"layer%d.v", LL_HOOK_V, LL_REF_HEADS_FIRST},
    {"layer%d.attn_probs", LL_HOOK_PATTERN, 0},
    {"layer%d.attn_ctx", LL_HOOK_Z, 0},
    {"layer%d.attn_out", LL_HOOK_ATTN_OUT, HALF},
    {"layer%d.post_attn_norm", LL_HOOK_ATTN_OUT, LL_REF_UNSCALED},
    {"layer%d.resid_mid", LL_HOOK_RESID_MID, 0},
    {"layer%d.mlp_norm", LL_HOOK_LN2_NORMALIZED, 0},
    {"layer%d.gate", LL_HOOK_PRE, 0},
    {"layer%d.up", 0, LL_REF_UP},
    {"layer%d.mlp_act", LL_HOOK_POST, 0},
    {"layer%d.mlp_out", LL_HOOK_MLP_OUT, HALF},
    {"layer%d.post_mlp_norm", LL_HOOK_MLP_OUT, LL_REF_UNSCALED},
    {"layer%d.router_logits", 0, LL_REF_IGNORE},
    {"layer%d.router_weights", 0, LL_REF_IGNORE},
    {NULL, 0, 0},
};
