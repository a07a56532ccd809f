/* derive_labels.c - see doc_labels.h */
#include "doc_labels.h"

#include "literal.h"

#include <string.h>

static const struct norm_label {
    const char *lens_norm, *post_block, *post_block_layernorm, *embeddings;
} norm_labels[] = {
    {"final", "using_ln_final_for_post_block", "using_ln_final_for_post_block",
     "using_ln_final_on_embeddings"},
    {"next-ln1", "using_next_ln1_for_post_block", "using_next_ln1_for_post_block",
     "using_real_ln1_on_embeddings"},
    {"post-ln2", "using_ln2_rmsnorm_for_post_block", "using_ln2_layernorm_for_post_block",
     "using_real_ln1_on_embeddings"},
    {"raw", "no_normalization", "no_normalization", "no_normalization"},
    {NULL, NULL, NULL, NULL},
};

int ll_doc_delta_layers(const struct ll_milestones *m) { return ll_layer_delta(m->L_copy, m->L_semantic); }

void ll_doc_labels_of(struct ll_doc_labels *out, const struct ll_document *d)
{
    const struct ll_model_info *m = d->model;
    int is_rms = !m->norm_kind || LL_BEGINS(m->norm_kind, "RMSNorm");
    const struct norm_label *l = norm_labels;
    while (l->lens_norm && (!m->lens_norm || strcmp(l->lens_norm, m->lens_norm)))
        l++;
    *out = (struct ll_doc_labels){
        .use_norm_lens = !m->lens_norm || strcmp(m->lens_norm, "raw") != 0,
        .norm_kind = m->norm_kind,
        .norm_kind_len = m->norm_kind ? strcspn(m->norm_kind, "(") : 0,
        /* "active": the lens drops beta; the default keeps it, so that row n is the model's output */
        .bias_fix = is_rms       ? "not_needed_rms_model"
            : d->ln_bias_dropped ? "active"
                                 : "bias_kept",
        .norm_fix = is_rms ? l->post_block : l->post_block_layernorm,
        .embedding_fix = l->embeddings,
        .position_info = m->learned_positions ? "additive_pos_embed_included" : "token_only_rotary_model",
        .first = d->n_passes ? d->milestones[0] : (struct ll_milestones){-1, -1, -1}};
    out->delta_layers = ll_doc_delta_layers(&out->first);
}
