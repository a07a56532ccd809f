/* doc_suite.h - what the passes say together, and what was asked: micro-suite, ablation, control, answers
 * (docs/experiment.md 12, 13.4). */
#ifndef LL_DOC_SUITE_H
#define LL_DOC_SUITE_H
#include "doc_given.h"
#include "key_out.h"

/* Layers of the main pass and of its wording without the filler. */
struct ll_doc_ablation {
    int is_there;
    int L_copy[2], L_semantic[2], delta_copy, delta_semantic; /* LL_NO_DELTA */
    int style_sensitive;                                      /* 1, 0; -1: a layer is missing */
};
struct ll_doc_suite {
    const struct ll_doc_pass *passes; /* borrowed, as all passes here */
    int n_passes;
    struct ll_fact *facts;                  /* the facts asked for as the main pass asks for its own */
    const struct ll_doc_pass **fact_passes; /* the pass of each */
    int n;
    struct ll_suite s;
    struct ll_doc_ablation ablation;
    const struct ll_doc_pass *control; /* NULL: none */
    double control_gap;                /* threshold of a strong control margin */
    double alignment_rate;             /* NAN: no pass asks for an answer */
};
/* facts, fact_passes: [n_passes], filled in and borrowed. */
void ll_doc_suite_of(struct ll_doc_suite *out, const struct ll_doc_given *g, struct ll_fact *facts,
                     const struct ll_doc_pass **fact_passes);

/* Members of "diagnostics"; of the document. */
void ll_put_suite_diag(struct ll_key_out *o, const struct ll_doc_suite *s);
void ll_put_suite(struct ll_key_out *o, const struct ll_doc_suite *s);
/* "facts": a row each; whole 0: without the soft copy and the row number, as in the evaluation pack. */
void ll_put_facts(struct ll_key_out *o, const struct ll_doc_suite *s, int whole);
/* Members of an object of aggregates; of the citations of facts. */
void ll_put_aggregates(struct ll_key_out *o, enum ll_doc_key k, const struct ll_suite *s);
void ll_put_fact_rows(struct ll_key_out *o, const struct ll_doc_suite *s);
#endif
