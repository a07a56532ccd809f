/* doc_head.h - what the document says without the analysis and does not simply repeat: labels of model and
 * lens at the head of "diagnostics", in the words of the original, and distances of layers.
 *
 * The labels say which norm was used. The original's said only that a block owns an ln2, whatever was used
 * (docs/experiment.md 16.2); where ours means the same as one of the original's labels, it has the same text.
 */
#ifndef LL_DOC_HEAD_H
#define LL_DOC_HEAD_H
#include "document.h"

struct ll_doc_head {
    int use_norm_lens;
    const char *norm_kind; /* [norm_kind_len] without its variant: "RMSNorm(1+w)" is an RMSNorm */
    size_t norm_kind_len;
    const char *bias_fix, *norm_fix, *embedding_fix, *position_info;
    struct ll_buf target;            /* what the pure rows predict; owned */
    const struct ll_pass_info *main; /* the main pass; NULL: none; borrowed */
    struct ll_milestones first;      /* of the main pass */
    int delta_layers;                /* L_semantic - L_copy of the main pass; LL_NO_DELTA */
    int *deltas;                     /* [n_passes] the same of each; owned */
};
/* LL_OK or LL_EFAIL (memory); free with ll_doc_head_free, also after a failure. */
int ll_doc_head_of(struct ll_doc_head *out, const struct ll_document *d, struct ll_err *err);
void ll_doc_head_free(struct ll_doc_head *h);

/* write_labels.c: the first members of "diagnostics". */
void ll_put_labels(struct ll_key_out *o, const struct ll_doc_head *h, const struct ll_model_info *m);
/* write_head.c: members of the document. */
void ll_put_prompt(struct ll_key_out *o, const struct ll_document *d, const struct ll_doc_head *h);
void ll_put_predictions(struct ll_key_out *o, const struct ll_document *d);
void ll_put_final_prediction(struct ll_key_out *o, const struct ll_document *d);
void ll_put_stats(struct ll_key_out *o, const struct ll_model_info *m);
/* gold_answer, main_pass, passes */
void ll_put_passes(struct ll_key_out *o, const struct ll_document *d, const struct ll_doc_head *h);
/* write_provenance.c */
void ll_put_provenance(struct ll_key_out *o, const struct ll_document *d, enum ll_doc_key k);
#endif
