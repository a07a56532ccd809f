/* doc_labels.h - what the head of "diagnostics" says of model and lens, in the words of the original.
 *
 * The labels say which norm was used. The original's said only that a block owns an ln2, whatever was used
 * (docs/experiment.md 16.2); where ours means the same as one of the original's labels, it has the same text.
 */
#ifndef LL_DOC_LABELS_H
#define LL_DOC_LABELS_H
#include "document.h"

struct ll_doc_labels {
    int use_norm_lens;
    const char *norm_kind; /* [norm_kind_len] without its variant: "RMSNorm(1+w)" is an RMSNorm */
    size_t norm_kind_len;
    const char *bias_fix, *norm_fix, *embedding_fix, *position_info;
    struct ll_milestones first; /* of the main pass */
    int delta_layers;           /* L_semantic - L_copy; LL_NO_DELTA */
};
void ll_doc_labels_of(struct ll_doc_labels *out, const struct ll_document *d);
int ll_doc_delta_layers(const struct ll_milestones *m);
void ll_put_labels(struct ll_key_out *o, const struct ll_document *d); /* first members of "diagnostics" */
#endif
