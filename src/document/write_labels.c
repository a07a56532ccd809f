/* write_labels.c - see doc_labels.h */
#include "doc_labels.h"

void ll_put_labels(struct ll_key_out *o, const struct ll_document *d)
{
    const struct ll_pass_info *p = d->n_passes ? &d->passes[0] : NULL;
    struct ll_doc_labels l;
    struct ll_buf target = {0};
    ll_doc_labels_of(&l, d);
    ll_buf_adds(&target, "first unseen token");
    if (p && p->gold.text)
        ll_buf_addf(&target, " (likely '%s')", p->gold.text);
    ll_key_text(o, LL_K_DIAG_TYPE, "diagnostics");
    ll_key_text(o, LL_K_DIAG_MODEL, d->model->model_id);
    ll_key_text(o, LL_K_DIAG_DEVICE, "cpu");
    ll_key_bool(o, LL_K_DIAG_USE_NORM_LENS, l.use_norm_lens);
    ll_key_bool(o, LL_K_DIAG_USE_FP32_UNEMBED, 1); /* products are float32 whatever the stored type */
    ll_key_text(o, LL_K_DIAG_UNEMBED_DTYPE, "float32");
    ll_key_bytes(o, LL_K_DIAG_FIRST_NORM_TYPE, l.norm_kind, l.norm_kind_len);
    ll_key_bytes(o, LL_K_DIAG_FINAL_NORM_TYPE, l.norm_kind, l.norm_kind_len);
    ll_key_text(o, LL_K_DIAG_BIAS_FIX, l.bias_fix);
    ll_key_text(o, LL_K_DIAG_NORM_FIX, l.norm_fix);
    ll_key_text(o, LL_K_DIAG_EMBEDDING_FIX, l.embedding_fix);
    ll_key_text(o, LL_K_DIAG_PRECISION_FIX, "not_needed_fp32_throughout");
    ll_key_text(o, LL_K_DIAG_POSITION_INFO, l.position_info);
    ll_key_bytes(o, LL_K_DIAG_CONTEXT_PROMPT, p ? p->prompt_text : NULL, p ? p->prompt_len : 0);
    ll_key_bytes(o, LL_K_DIAG_TARGET_PREDICTION, target.s, target.len);
    ll_key_layer(o, LL_K_DIAG_L_COPY, l.first.L_copy);
    ll_key_layer(o, LL_K_DIAG_L_COPY_H, l.first.L_copy_H);
    ll_key_layer(o, LL_K_DIAG_L_SEMANTIC, l.first.L_semantic);
    ll_key_delta(o, LL_K_DIAG_DELTA_LAYERS, l.delta_layers);
    o->j.out->failed |= target.failed;
    ll_buf_free(&target);
}
