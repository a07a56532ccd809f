/* gguf_names.c - what GGUF calls the tensors of each role. Source: gguf-py's constants.py (TENSOR_NAMES). One table serves
 * all families, since GGUF names tensors by what they do. */
#include "family.h"

#define BLK "blk.%d."

const char *const ll_gguf_names[LL_N_ROLES] = {
    [LL_R_W_E] = "token_embd.weight", [LL_R_W_U] = "output.weight", [LL_R_LN_FINAL] = "output_norm.weight",
    [LL_R_LN1] = BLK "attn_norm.weight", [LL_R_LN1_POST] = BLK "post_attention_norm.weight",
    [LL_R_LN2] = BLK "ffn_norm.weight", [LL_R_LN2_POST] = BLK "post_ffw_norm.weight",
    [LL_R_W_Q] = BLK "attn_q.weight", [LL_R_B_Q] = BLK "attn_q.bias",
    [LL_R_W_K] = BLK "attn_k.weight", [LL_R_B_K] = BLK "attn_k.bias",
    [LL_R_W_V] = BLK "attn_v.weight", [LL_R_B_V] = BLK "attn_v.bias",
    [LL_R_W_O] = BLK "attn_output.weight", [LL_R_B_O] = BLK "attn_output.bias",
    [LL_R_Q_NORM] = BLK "attn_q_norm.weight", [LL_R_K_NORM] = BLK "attn_k_norm.weight",
    [LL_R_W_GATE] = BLK "ffn_gate.weight", [LL_R_B_GATE] = BLK "ffn_gate.bias",
    [LL_R_W_IN] = BLK "ffn_up.weight", [LL_R_B_IN] = BLK "ffn_up.bias",
    [LL_R_W_OUT] = BLK "ffn_down.weight", [LL_R_B_OUT] = BLK "ffn_down.bias",
};
