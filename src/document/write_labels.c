/* write_labels.c - see doc_head.h */
#include "doc_head.h"

void ll_put_labels(struct ll_key_out *o, const struct ll_doc_head *h, const struct ll_model_info *m)
{
    const struct ll_pass_info *p = h->main;
    ll_key_text(o, LL_K_DIAG_TYPE, "diagnostics");
    ll_key_text(o, LL_K_DIAG_MODEL, m->model_id);
    ll_key_text(o, LL_K_DIAG_DEVICE, "cpu");
    ll_key_bool(o, LL_K_DIAG_USE_NORM_LENS, h->use_norm_lens);
    ll_key_bool(o, LL_K_DIAG_USE_FP32_UNEMBED, 1); /* products are float32 whatever the stored type */
    ll_key_text(o, LL_K_DIAG_UNEMBED_DTYPE, "float32");
    ll_key_bytes(o, LL_K_DIAG_FIRST_NORM_TYPE, h->norm_kind, h->norm_kind_len);
    ll_key_bytes(o, LL_K_DIAG_FINAL_NORM_TYPE, h->norm_kind, h->norm_kind_len);
    ll_key_text(o, LL_K_DIAG_BIAS_FIX, h->bias_fix);
    ll_key_text(o, LL_K_DIAG_NORM_FIX, h->norm_fix);
    ll_key_text(o, LL_K_DIAG_EMBEDDING_FIX, h->embedding_fix);
    ll_key_text(o, LL_K_DIAG_PRECISION_FIX, "not_needed_fp32_throughout");
    ll_key_text(o, LL_K_DIAG_POSITION_INFO, h->position_info);
    ll_key_bytes(o, LL_K_DIAG_CONTEXT_PROMPT, p ? p->prompt_text : NULL, p ? p->prompt_len : 0);
    ll_key_bytes(o, LL_K_DIAG_TARGET_PREDICTION, h->target.s, h->target.len);
    ll_key_layer(o, LL_K_DIAG_L_COPY, h->first.L_copy);
    ll_key_layer(o, LL_K_DIAG_L_COPY_H, h->first.L_copy_H);
    ll_key_layer(o, LL_K_DIAG_L_SEMANTIC, h->first.L_semantic);
    ll_key_delta(o, LL_K_DIAG_DELTA_LAYERS, h->delta_layers);
}
