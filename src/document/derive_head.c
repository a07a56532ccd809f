/* derive_head.c - see doc_head.h */
#include "doc_head.h"

#include "literal.h"

#include <stdlib.h>
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

static int delta(const struct ll_milestones *m) { return ll_layer_delta(m->L_copy, m->L_semantic); }

static void labels_of(struct ll_doc_head *out, const struct ll_document *d)
{
    const struct ll_model_info *m = d->model;
    int is_rms = !m->norm_kind || LL_BEGINS(m->norm_kind, "RMSNorm");
    const struct norm_label *l = norm_labels;
    while (l->lens_norm && (!m->lens_norm || strcmp(l->lens_norm, m->lens_norm)))
        l++;
    out->use_norm_lens = !m->lens_norm || strcmp(m->lens_norm, "raw") != 0;
    out->norm_kind = m->norm_kind;
    out->norm_kind_len = m->norm_kind ? strcspn(m->norm_kind, "(") : 0;
    /* "active": the lens drops beta; the default keeps it, so that row n is the model's output */
    out->bias_fix = is_rms ? "not_needed_rms_model" : d->ln_bias_dropped ? "active" : "bias_kept";
    out->norm_fix = is_rms ? l->post_block : l->post_block_layernorm;
    out->embedding_fix = l->embeddings;
    out->position_info = m->learned_positions ? "additive_pos_embed_included" : "token_only_rotary_model";
}

int ll_doc_head_of(struct ll_doc_head *out, const struct ll_document *d, struct ll_err *err)
{
    *out = (struct ll_doc_head){.main = d->n_passes ? &d->passes[0] : NULL,
                                .first = d->n_passes ? d->milestones[0] : (struct ll_milestones){-1, -1, -1}};
    labels_of(out, d);
    out->delta_layers = delta(&out->first);
    ll_buf_adds(&out->target, "first unseen token");
    if (out->main && out->main->gold.text)
        ll_buf_addf(&out->target, " (likely '%s')", out->main->gold.text);
    if (!(out->deltas = malloc(sizeof *out->deltas * ((size_t)d->n_passes + 1))))
        return ll_fail_mem(err, "document", sizeof *out->deltas * (size_t)d->n_passes);
    for (int i = 0; i < d->n_passes; i++)
        out->deltas[i] = delta(&d->milestones[i]);
    return ll_buf_ok(&out->target, err);
}

void ll_doc_head_free(struct ll_doc_head *h)
{
    ll_buf_free(&h->target);
    free(h->deltas);
}
