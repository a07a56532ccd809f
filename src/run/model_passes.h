/* model_passes.h - the second step of a model's run: its passes, their rows into the sinks, and what the
 * document needs of them.
 *
 * One sweep over all prompts; the main pass once more where the document wants it; all passes once more
 * through the tuned lens. Where an interrupted run kept results, they replace the passes (resume.h). */
#ifndef LL_MODEL_PASSES_H
#define LL_MODEL_PASSES_H
#include "doc.h"
#include "model_prepare.h"
#include "pass_tables.h"
#include "predictions.h"

struct ll_model_passes {
    struct ll_model_prepared *m; /* borrowed */
    struct ll_row_rules rules;   /* of its experiment */
    struct ll_pass_tables tables;
    struct ll_pass_stats stats;         /* of the pass at hand */
    int has_stats;                      /* they were kept: no analysis is needed */
    struct ll_milestones *milestones;   /* [n_asks]; owned, as all below */
    double *tau;                        /* [n_layers + 1]; NULL: not calibrated */
    struct ll_lens_cells *tuned_cells;  /* [n_asks, n_layers + 1] of the passes so far; NULL: no tuned lens */
    char (*norm_places)[LL_NORM_PLACE]; /* [n_layers + 1] for the document */
    struct ll_doc *doc;                 /* NULL: no analysis */
    struct ll_kept_prediction *tests, *temps, final;
    struct ll_prediction *test_list, *temp_list;
    int n_tests, n_temps;
    int rows_failed; /* a sink failed: not the model's fault, ends the run */
};

/* All passes of a prepared model whose rows the sinks wait for. Free with ll_model_passes_free, also after a
 * failure, and not before the sinks have ended the model. */
int ll_model_passes_run(struct ll_model_passes *d, struct ll_model_prepared *m, struct ll_err *err);
void ll_model_passes_free(struct ll_model_passes *d); /* {0} is fine */

/* pass_results.c: takers of a sweep's results (sweep.h); arg: the passes. */
int ll_take_result(void *arg, const struct ll_sweep_result *r, struct ll_err *err);
/* The main pass again, for the document alone. */
int ll_take_again(void *arg, const struct ll_sweep_result *r, struct ll_err *err);
/* The same passes read through the tuned lens. */
int ll_take_tuned(void *arg, const struct ll_sweep_result *r, struct ll_err *err);
#endif
