/* model_run.h - one model through an experiment: prompts, calibration, sweep, rows, document. */
#ifndef LL_MODEL_RUN_H
#define LL_MODEL_RUN_H
#include "experiment.h"
#include "run_models.h"
#include "sink_set.h"
#include "talk.h"

#include <signal.h>

/* What the models of a run share; all borrowed. */
struct ll_run_env {
    const struct ll_experiment *e;
    struct ll_engine *engine;
    struct ll_sink_set *sinks;
    const struct ll_run_info *info; /* provenance of every document */
    const struct ll_run_talk *talk;
    const volatile sig_atomic_t *interrupted; /* looked at between results: ends the model with LL_EFAIL */
    struct ll_run_models *models;             /* all of them, with what is known of each so far */
    const char *resid_dir; /* keep the main pass's residuals here (keep_resid.h); NULL: no */
    const char *keep_dir,
        *key;          /* keep unfinished results here, under the run's key (resume.h); keep_dir NULL: no */
    const char *stamp; /* YYYYMMDD-HHMM of the run, for the evaluation stubs */
    const char *capacity; /* free memory by device (original_memory.h), in place of this machine's; NULL: this
                             machine's */
    struct ll_buf *log;   /* lines for the run's log, which is never compared */
};
/* Run model number nr of the list and write all its files. On failure nothing of it is left in the sinks;
 * *fatal: a file could not be written, so there is no point in going on with other models. */
int ll_model_run(const struct ll_run_env *env, int nr, int *fatal, struct ll_err *err);

/* model_failed.c */
/* A model that has ended (ll_run_models_end) without being ok still leaves a valid JSON with its fate
 * (docs/experiment.md 13.5); what an interrupted run kept of it is removed. LL_MODEL_DENIED says nothing of
 * the model: then nothing is written or removed, and the name of its files stays taken. */
int ll_model_run_failed(const struct ll_run_env *env, int nr, struct ll_err *err);
/* A reason for a file that is compared: it may depend neither on the machine nor on how a path was spelled.
 * The model's path becomes its name, that of the lenses' folder (tuned_dir, NULL: none) its last part; of any
 * other absolute path only the last part stays. Appended; a lack of memory shows in *out. */
void ll_put_reason(struct ll_buf *out, const char *why, const char *model, const char *clean,
                   const char *tuned_dir);
#endif
