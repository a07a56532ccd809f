/* experiment_run.h - one experiment over its models: a folder is begun, model after model is run into it, the
 * folder gets its name and is imported into the index. */
#ifndef LL_EXPERIMENT_RUN_H
#define LL_EXPERIMENT_RUN_H
#include "engine.h"
#include "replay.h"
#include "run_key.h"
#include "run_models.h"
#include "rundir.h"
#include "talk.h"

#include <signal.h>

/* What is to be done. All borrowed. */
struct ll_run_job {
    struct ll_run_asked asked; /* what shapes the outputs; settings are filled in by the run */
    struct ll_engine *engine;
    const char *out_dir, *root; /* rundir.h */
    const char *index;          /* path of the SQLite index; NULL: index.sqlite in root */
    int no_index;               /* it is left alone */
    int resume;                 /* go on with an interrupted run of the same */
    struct ll_command_line line;
    const volatile sig_atomic_t *interrupted; /* set by a signal: ends the run with LL_EFAIL */
    struct ll_run_talk talk;
};
/* What came of it. */
struct ll_run_outcome {
    struct ll_run_models models;
    struct ll_rundir dir; /* dir.final: where the results lie, or would lie if any model had worked */
};

/* "I/N", 1 <= I <= N; NULL: 1/1. LL_EUSAGE. */
int ll_shard_parse(const char *text, int *shard, int *n_shards, struct ll_err *err);
/* LL_OK also when models failed (ll_run_models_worst says so); then, and when all went well, the results are
 * in out->dir.final, unless no model worked. Free out in any case. */
int ll_experiment_run(struct ll_run_outcome *out, const struct ll_run_job *job, struct ll_err *err);
void ll_run_outcome_free(struct ll_run_outcome *out);
#endif
