/* doc_parts.h - what the document keeps while it is gathered. Private to doc.c and doc_tables.c. */
#ifndef LL_DOC_PARTS_H
#define LL_DOC_PARTS_H
#include "doc.h"

struct ll_doc {
    struct ll_doc_setup set;
    struct ll_milestone_rules rules; /* raw_radius: of the main pass, for all (docs/experiment.md 8.4) */
    struct ll_doc_pass *passes;      /* [set.n_passes]; owned, as all below */
    int n_passes;
    struct ll_pass_stats main; /* copy of the main pass's statistics */
    struct ll_pass_checks checks;
    struct ll_doc_forward forward;
    struct ll_doc_swept swept;
    int *at_rank;    /* swept.rank */
    double *scratch; /* [larger of n_rows and n_passes] */
    /* what the figures point to */
    struct ll_fact *facts;                  /* [n_passes] */
    const struct ll_doc_pass **fact_passes; /* [n_passes] */
    struct ll_doc_place *places;            /* [n_rows] */
    int *flagged;                           /* [n_rows] */
    struct ll_copy_mask mask;
    struct ll_doc_figures figures;
    int is_finished;
};
#endif
