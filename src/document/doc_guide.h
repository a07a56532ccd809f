/* doc_guide.h - how to read the numbers of this model: reasons for care, and the figures that evaluations
 * cite (docs/experiment.md 13.1 to 13.3). */
#ifndef LL_DOC_GUIDE_H
#define LL_DOC_GUIDE_H
#include "doc_copy.h"
#include "doc_lens.h"
#include "doc_milestones.h"
#include "doc_positions.h"
#include "doc_raw.h"
#include "doc_suite.h"
#include "doc_trust.h"
#include "doc_tuned.h"

enum { LL_N_REASONS = 15 };
/* One reason for care. flag: a key of "diagnostics.flags" of the same name, -1: none. */
struct ll_doc_reason {
    const char *name;
    int flag;
};
/* In the order written. */
struct ll_doc_reason ll_doc_reason(int i);

/* The files of the tables that are cited. */
struct ll_doc_files {
    struct ll_buf pure, rawlens, tuned, milestones; /* owned; empty: not there */
};
struct ll_doc_guide {
    unsigned char applies[LL_N_REASONS];
    int needs_care;   /* one of them does */
    const char *lens; /* to report: "norm" or "tuned" */
    int use_confirmed;
    /* the evaluation pack */
    double L_copy_frac, L_semantic_frac, delta_hat;            /* four decimals */
    long long copy_row, soft_row, semantic_row, confirmed_row; /* data rows of the pure table; -1: none */
    const char *model, *alignment_variant;                     /* borrowed */
    int n_layers;
    struct ll_doc_files files;
};

/* All that is derived of a model's passes. */
struct ll_doc_figures {
    struct ll_doc_suite suite;
    struct ll_doc_copy copy;
    struct ll_doc_milestones milestones;
    struct ll_doc_raw raw;
    struct ll_doc_lens lens;
    struct ll_doc_tuned tuned;
    struct ll_doc_trust trust;
    struct ll_doc_positions positions;
    struct ll_doc_guide guide; /* made from the others */
};
/* f->guide from the rest of f. LL_OK or LL_EFAIL (memory); free with ll_doc_guide_free, also after a failure.
 */
int ll_doc_guide_of(struct ll_doc_figures *f, const struct ll_doc_given *g, struct ll_err *err);
void ll_doc_guide_free(struct ll_doc_guide *guide);

void ll_put_flags(struct ll_key_out *o, const struct ll_doc_figures *f); /* member of "diagnostics" */
void ll_put_guide(struct ll_key_out *o, const struct ll_doc_figures *f); /* summary, guidance */
void ll_put_pack(struct ll_key_out *o, const struct ll_doc_figures *f);  /* write_pack.c */
#endif
