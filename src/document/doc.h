/* doc.h - the figures of the document (docs/experiment.md 5 to 13), gathered pass by pass and derived at the
 * end of a model.
 *
 * A run hands over the statistics of each pass as it comes; what is needed later is kept (rows without their
 * top lists, except those of the main pass). At the end ll_doc_finish derives everything once; the tables are
 * made from it by ll_doc_tables, the text by ll_document_write (document.h). */
#ifndef LL_DOC_H
#define LL_DOC_H
#include "doc_guide.h"

struct ll_doc;
/* Borrows for the life of the document what the setup borrows. */
int ll_doc_open(struct ll_doc **doc, const struct ll_doc_setup *setup, struct ll_err *err);
/* The next pass (the main pass first); everything is borrowed for the call. */
int ll_doc_pass(struct ll_doc *doc, const struct ll_doc_pass_given *pass, struct ll_err *err);
/* Of the main pass, after its ll_doc_pass: its milestones; what decoding its residuals again gave
 * (pass_checks.h), without which the document cannot be finished. */
const struct ll_pass_milestones *ll_doc_main_milestones(const struct ll_doc *doc);
void ll_doc_checks(struct ll_doc *doc, const struct ll_pass_checks *checks);
/* The main pass at positions along its prompt (docs/experiment.md 9.5): targets [n] an id or -1, ranks [n,
 * n_layers + 1] of the target (-1: none). Without this call the figure is left out. LL_OK or LL_EFAIL
 * (memory). */
int ll_doc_positions(struct ll_doc *doc, const struct ll_pos_frac *at, int n, const int *targets,
                     const int *ranks, struct ll_err *err);
/* Is the main pass to be run again (docs/experiment.md 9.3)? After ll_doc_checks; then ll_doc_repeat takes
 * what the second pass says, flags included, vocab as in the analysis. */
int ll_doc_wants_repeat(const struct ll_doc *doc);
void ll_doc_repeat(struct ll_doc *doc, const struct ll_pass_stats *second, const int *vocab, int n_vocab);
/* Derive all figures; owned by doc. LL_OK or LL_EFAIL (memory). */
int ll_doc_finish(struct ll_doc *doc, const struct ll_doc_figures **figures, struct ll_err *err);
/* Rows of the tables made at a model's end (sidecar_cols.h: milestones, artefact audit, raw-lens window),
 * after ll_doc_finish. */
int ll_doc_tables(const struct ll_doc *doc, struct ll_row_taker rows, struct ll_err *err);
void ll_doc_close(struct ll_doc *doc); /* NULL is fine */
#endif
