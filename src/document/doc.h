/* doc.h - the document's further sections (docs/experiment.md 5 to 13), gathered pass by pass, written at the
 * end of a model.
 *
 * A run hands over the statistics of each pass as it comes; what is needed later is kept (rows without their
 * top lists, except those of the main pass). At the end ll_doc_finish writes the derived tables' rows and
 * makes the JSON sections. */
#ifndef LL_DOC_H
#define LL_DOC_H
#include "analysis.h"
#include "experiment.h"
#include "json_write.h"
#include "prompts.h"
#include "session.h"
#include "sink_set.h"
#include "tuned_doc.h"

struct ll_doc;
/* All borrowed for the life of the document. tau: [n_layers + 1] or NULL. n_passes: to come. */
struct ll_doc_setup {
    const struct ll_session *s;
    const struct ll_experiment *e;
    const struct ll_copy_labels *labels;
    const double *tau;
    const struct ll_tuned *tuned; /* NULL: none */
    void (*put_tuned)(void *arg, struct ll_json *j);
    void *put_tuned_arg; /* further members of "tuned_lens", called in ll_doc_finish; NULL: none */
    const char *stem;    /* of the model's file names (stem.h); NULL: its clean name */
    int n_passes;
};
int ll_doc_open(struct ll_doc **doc, const struct ll_doc_setup *setup, struct ll_err *err);
/* Pass number i (in order, 0 = the main pass). info, prompt and stats are borrowed for the call, job as well
 * (it can decode again: decoding points, last row, repeatability are taken here for the main pass).
 * first_row: data row (0-based) of this pass's row 0 in the pure-next-token CSV. */
int ll_doc_pass(struct ll_doc *doc, int i, const struct ll_pass_info *info, const struct ll_prompt *prompt,
                const struct ll_analysis *job, const struct ll_pass_stats *stats, long long first_row,
                struct ll_err *err);
/* The main pass at positions along its prompt (docs/experiment.md 9.5), after ll_doc_pass(0): targets [n] an
 * id or -1, ranks [n, n_layers + 1] of the target (-1: none). Without this call the figure is left out. LL_OK
 * or LL_EFAIL (memory). */
int ll_doc_positions(struct ll_doc *doc, const struct ll_pos_frac *at, int n, const int *targets,
                     const int *ranks, struct ll_err *err);
/* Is the main pass to be run again (docs/experiment.md 9.3)? After the first ll_doc_pass; then ll_doc_repeat
 * takes what the second pass says, flags included, vocab as in the analysis. */
int ll_doc_wants_repeat(const struct ll_doc *doc);
void ll_doc_repeat(struct ll_doc *doc, const struct ll_pass_stats *second, const int *vocab, int n_vocab);
/* Write the derived tables (sidecar_cols.h: milestones, artifact audit, raw-lens window) through sinks and
 * hand out the sections, owned by doc. sinks NULL: the sections only. */
int ll_doc_finish(struct ll_doc *doc, struct ll_sink_set *sinks, const struct ll_doc_section **sections,
                  int *n, struct ll_err *err);
void ll_doc_close(struct ll_doc *doc); /* NULL is fine */
#endif
