/* gguf_names.c - what GGUF calls the tensors of each role. Source: gguf-py's constants.py (TENSOR_NAMES). One
 * table serves all families, since GGUF names tensors by what they do. */
#include "family.h"

#define BLK "blk.%d."
#define BOTH(role, bias, name) [role] = name ".weight", [bias] = name ".bias"

const char *const ll_gguf_names[LL_N_ROLES] = {
    [LL_R_W_E] = "token_embd.weight",
    [LL_R_W_POS] = "position_embd.weight",
    BOTH(LL_R_W_U, LL_R_B_U, "output"),
    BOTH(LL_R_LN_FINAL, LL_R_LN_FINAL_B, "output_norm"),
    BOTH(LL_R_LN1, LL_R_LN1_B, BLK "attn_norm"),
    [LL_R_LN1_POST] = BLK "post_attention_norm.weight",
    BOTH(LL_R_LN2, LL_R_LN2_B, BLK "ffn_norm"),
    [LL_R_LN2_POST] = BLK "post_ffw_norm.weight",
    BOTH(LL_R_W_Q, LL_R_B_Q, BLK "attn_q"),
    BOTH(LL_R_W_K, LL_R_B_K, BLK "attn_k"),
    BOTH(LL_R_W_V, LL_R_B_V, BLK "attn_v"),
    BOTH(LL_R_W_QKV, LL_R_B_QKV, BLK "attn_qkv"),
    BOTH(LL_R_W_O, LL_R_B_O, BLK "attn_output"),
    [LL_R_Q_NORM] = BLK "attn_q_norm.weight",
    [LL_R_K_NORM] = BLK "attn_k_norm.weight",
    BOTH(LL_R_W_GATE, LL_R_B_GATE, BLK "ffn_gate"),
    BOTH(LL_R_W_IN, LL_R_B_IN, BLK "ffn_up"),
    BOTH(LL_R_W_OUT, LL_R_B_OUT, BLK "ffn_down"),
    [LL_R_W_GATE_IN] = BLK "ffn_up.weight",    /* Phi 3: the rows of the gate, then of up, under one name */
    [LL_R_ROUTER] = BLK "ffn_gate_inp.weight", /* experts: one tensor for all of a layer, [n_experts, n, k] */
    [LL_R_X_GATE] = BLK "ffn_gate_exps.weight",
    [LL_R_X_IN] = BLK "ffn_up_exps.weight",
    [LL_R_X_OUT] = BLK "ffn_down_exps.weight",
};
