/* table.c - the switches: name, the mistake in words, what is seen when it is the cause. The list of
 * mistakes: design and style notes on traps met by others; TransformerLens'
 * debugging_numerical_divergence.md; the published configs (which value another family would have). */
#include "edit.h"

#define IN LL_SWITCH_LAYER
#define AT_ENDS LL_SWITCH_ENDS
/* clang-format off */
const struct ll_edit_row ll_edit_rows[] = {
    {{"rope=interleaved", "rotation pairs neighbouring values", "q and k agree, rot_q and rot_k do not; "
    "position 0 is exact", IN}, ll_edit_rope_pairs, 1, 0, 0},
    {{"rope=halves", "rotation pairs the two halves of a head", "q and k agree, rot_q and rot_k do not; "
    "position 0 is exact", IN}, ll_edit_rope_pairs, 0, 0, 0},
    {{"rope=off", "no rotation", "rot_q equals q; position 0 is exact, the error grows with the position",
    IN}, ll_edit_rope_off, 0, 0, 0},
    {{"rope-base=10000", "rotary base 10000", "rot_q and rot_k drift apart with the position; position 0 "
    "is exact", IN}, ll_edit_rope_base, 10000, 0, 0},
    {{"rope-base=500000", "rotary base 500000", "rot_q and rot_k drift apart with the position; position "
    "0 is exact", IN}, ll_edit_rope_base, 500000, 0, 0},
    {{"rope-base=1000000", "rotary base 1000000", "rot_q and rot_k drift apart with the position; "
    "position 0 is exact", IN}, ll_edit_rope_base, 1000000, 0, 0},
    {{"rope-scaling=off", "rotary scaling (linear, llama3, yarn, ...) left out", "low frequencies of "
    "rot_q and rot_k off, growing with the position", IN}, ll_edit_rope_scaling_off, 0, 0, 0},
    {{"rope-local=off", "windowed layers use the global rotary base", "rot_q and rot_k off in windowed "
    "layers only", IN}, ll_edit_rope_local_off, 0, 0, 0},
    {{"eps=x10", "epsilon ten times as large", "norm outputs slightly small, most where the stream is "
    "small (first layers)", IN}, ll_edit_eps_scaled, 10, 0, 0},
    {{"eps=/10", "epsilon a tenth", "norm outputs slightly large, most where the stream is small (first "
    "layers)", IN}, ll_edit_eps_scaled, 0.1, 0, 0},
    {{"norm-offset=+1", "1 added to norm gains that are complete (Gemma's convention)", "norm outputs off "
    "by the normed input itself", IN}, ll_edit_norm_offset, 1, 0, 0},
    {{"norm-offset=-1", "the 1 of Gemma's norm gains left out", "norm outputs off by the normed input "
    "itself", IN}, ll_edit_norm_offset, -1, 0, 0},
    {{"norm-kind=rms", "RMSNorm in place of LayerNorm: neither mean nor bias", "norm outputs off by a "
    "multiple of the gain", IN}, ll_edit_norm_rms, 0, 0, 0},
    {{"norm-kind=layer", "mean taken off in an RMSNorm", "norm outputs off by a multiple of the gain", IN},
    ll_edit_norm_layer, 0, 0, 0},
    {{"norm-bias=off", "bias of the LayerNorms left out", "norm outputs off by a constant vector", IN},
    ll_edit_norm_bias_off, 0, 0, 0},
    {{"bias=off", "all biases of the block left out", "q, k, v off by a constant vector, the same at "
    "every position", IN}, ll_edit_bias_off, 0, 0, 0},
    {{"bias-qkv=off", "biases of q, k, v left out", "q, k, v off by a constant vector, the same at every "
    "position", IN}, ll_edit_bias_qkv_off, 0, 0, 0},
    {{"bias-o=off", "bias of the output projection left out", "attn_out off by a constant vector", IN},
    ll_edit_bias_o_off, 0, 0, 0},
    {{"bias-mlp=off", "biases of the MLP left out", "pre or mlp_out off by a constant vector", IN},
    ll_edit_bias_mlp_off, 0, 0, 0},
    {{"bias-qk=late", "biases of q and k added after the rotation", "q, k off by the bias, rot_q and "
    "rot_k off with the position", IN}, ll_edit_bias_late, 0, 0, 0},
    {{"qk-norm=off", "norm of q and k left out", "q and k agree, rot_q and rot_k have another rms", IN},
    ll_edit_qk_norm_off, 0, 0, 0},
    {{"qk-norm=late", "norm of q and k after the rotation", "rot_q and rot_k off where gains of a pair "
    "differ", IN}, ll_edit_qk_norm_late, 0, 0, 0},
    {{"qk-permute=on", "rows of W_Q and W_K taken for GGUF's neighbouring pairs", "q and k hold the right "
    "values in another order", IN}, ll_edit_qk_permute, 1, 0, 0},
    {{"qk-permute=off", "GGUF's order of W_Q and W_K not undone", "q and k hold the right values in "
    "another order", IN}, ll_edit_qk_permute, 0, 0, 0},
    {{"kv=swapped", "W_K and W_V swapped", "k and v swapped, q right", IN}, ll_edit_kv_swapped, 0, 0, 0},
    {{"grouping=modulo", "query head h reads key/value head h mod n_kv_heads", "q, k, v and rotation "
    "right, attn_scores or z wrong in most heads", IN}, ll_edit_grouping_modulo, 0, 0, 0},
    {{"attn-scale=head", "scores times 1/sqrt(d_head)", "attn_scores off by one factor everywhere", IN},
    ll_edit_attn_scale_head, 0, 0, 0},
    {{"attn-scale=model", "scores times 1/sqrt(d_model)", "attn_scores off by one factor everywhere", IN},
    ll_edit_attn_scale_model, 0, 0, 0},
    {{"attn-scale=1", "scores not scaled", "attn_scores off by one factor; the pattern nearly one-hot",
    IN}, ll_edit_attn_scale_one, 0, 0, 0},
    {{"attn-cap=off", "soft cap of the scores left out", "large attn_scores too large, small ones right",
    IN}, ll_edit_attn_cap_off, 0, 0, 0},
    {{"window=off", "sliding window ignored", "right up to the window's length, wrong after it", IN},
    ll_edit_window_off, 0, 0, 0},
    {{"window=+1", "window one position too long", "wrong from the window's length on, only there", IN},
    ll_edit_window_shift, 1, 0, 0},
    {{"window=-1", "window one position too short", "wrong from the window's length on, only there", IN},
    ll_edit_window_shift, -1, 0, 0},
    {{"act-order=swapped", "act(up) * gate instead of act(gate) * up", "pre and pre_linear right, post "
    "wrong", IN}, ll_edit_act_order, 0, 0, 0},
    {{"mlp=swapped", "W_gate and W_in swapped", "pre and pre_linear swapped", IN}, ll_edit_mlp_swapped, 0, 0, 0},
    {{"act=silu", "activation silu", "pre right, post off by a few per cent and more", IN}, ll_edit_act_other, 
    LL_ACT_SILU, 0, 0},
    {{"act=gelu_tanh", "activation GELU in its tanh form", "pre right, post off by some 1e-4", IN},
    ll_edit_act_other, LL_ACT_GELU_TANH, 0, 0},
    {{"act=gelu_erf", "activation exact GELU", "pre right, post off by some 1e-4", IN}, ll_edit_act_other, 
    LL_ACT_GELU_ERF, 0, 0},
    {{"act=quick_gelu", "activation x * sigmoid(1.702 x)", "pre right, post off by up to 0.02", IN},
    ll_edit_act_other, LL_ACT_QUICK_GELU, 0, 0},
    {{"act=relu", "activation ReLU", "pre right, post 0 where pre is below 0", IN}, ll_edit_act_other, LL_ACT_RELU,
    0, 0},
    {{"act=relu2", "activation ReLU squared", "pre right, post 0 where pre is below 0", IN}, ll_edit_act_other, 
    LL_ACT_RELU2, 0, 0},
    {{"experts-renorm=flipped", "weights of the chosen experts renormalised, or not", "mlp_out of mixture "
    "layers off by one factor a token", IN}, ll_edit_renorm_flipped, 0, 0, 0},
    {{"post-norm=off", "norms after attention and MLP left out", "attn_out and mlp_out have another rms",
    IN}, ll_edit_post_norm_off, 0, 0, 0},
    {{"resid-scale=off", "multiplier of what is added to the stream left out", "attn_out and mlp_out off "
    "by one factor", IN}, ll_edit_resid_scale_off, 0, 0, 0},
    {{"block=parallel", "MLP reads the block's input", "attention right, ln2 or the MLP wrong", IN},
    ll_edit_block_parallel, 0, 0, 0},
    {{"block=sequential", "MLP reads the stream after attention", "attention right, ln2 or the MLP wrong",
    IN}, ll_edit_block_sequential, 0, 0, 0},
    {{"emb-scale=off", "embedding not multiplied", "embed off by one factor; norms hide it in part",
    AT_ENDS}, ll_edit_emb_scale_off, 0, 0, 0},
    {{"emb-scale=sqrt-d", "embedding times sqrt(d_model)", "embed off by one factor; norms hide it in "
    "part", AT_ENDS}, ll_edit_emb_scale_root, 0, 0, 0},
    {{"logit-scale=off", "multiplier of the logits left out", "logits off by one factor, all before right",
    AT_ENDS}, ll_edit_logit_scale_off, 0, 0, 0},
    {{"logit-scale=emb", "tied head read with the embedding's multiplier", "logits off by one factor, all "
    "before right", AT_ENDS}, ll_edit_logit_scale_emb, 0, 0, 0},
    {{"logit-cap=off", "soft cap of the logits left out", "large logits too large, order of tokens right",
    AT_ENDS}, ll_edit_logit_cap_off, 0, 0, 0},
    {{"head-bias=off", "bias of the head left out", "logits off by a constant vector", AT_ENDS},
    ll_edit_head_bias_off, 0, 0, 0},
    {{"eps=VALUE", "epsilon of this value", "norm outputs slightly off, most where the stream is small",
    IN}, ll_edit_eps_value, 0, 0, 1},
    {{"rope-base=VALUE", "rotary base of this value", "rot_q and rot_k drift apart with the position", IN},
    ll_edit_rope_base, 0, 1.0000001, 1e12},
};
/* clang-format on */
const int ll_n_edit_rows = sizeof ll_edit_rows / sizeof *ll_edit_rows;
