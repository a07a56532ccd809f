/* tuned_run.h - the tuned lens of a model's run: opened, compared with the norm lens pass by pass, summed up
 * in the document. */
#ifndef LL_TUNED_RUN_H
#define LL_TUNED_RUN_H
#include "doc_tuned.h"
#include "experiment.h"
#include "session.h"
#include "sink_set.h"
#include "sweep.h"
#include "tuned_facts.h"

struct ll_tuned_base;
struct ll_tuned_run {
    struct ll_tuned *lens; /* owned; NULL: none, nothing below holds */
    char *dir;             /* owned: where it lies */
    struct ll_buf
        reason; /* owned; why there is none though one was asked for; empty: none was, or it is there */
    struct ll_tuned_facts facts;
    double *temperatures; /* [facts.n_layers]; owned */
    struct ll_tuned_gains gains;
    struct ll_doc_tuned_given given; /* borrows from the above */
    struct ll_skip_sanity skips;
    struct ll_row variant, audit; /* owned */
    struct ll_tuned_base *base;   /* [n_asks] the norm lens at the positions looked at; owned */
    int n_asks;
};
/* The lens for this model lies in a folder of its name under e->tuned_dir, else in tuned_dir itself. Mode
 * auto: one that is missing or does not fit leaves lens NULL and a reason without machine paths (model: as
 * named for the run). identity: the checkpoint's. */
int ll_tuned_run_open(struct ll_tuned_run *t, const struct ll_experiment *e, const struct ll_session *s,
                      const char *model, const char *identity, int quiet, struct ll_err *err);
void ll_tuned_run_free(struct ll_tuned_run *t);

/* One ask as it comes out of a sweep; all borrowed. */
struct ll_tuned_pass {
    int ask; /* its number */
    const struct ll_pass_info *info;
    const struct ll_sweep_result *r;
    int has_answer;            /* tracked id 0 is the main answer's */
    struct ll_sink_set *sinks; /* for its rows */
};
/* An ask through the norm lens: rows of the variants table, what the document sums up, the readings kept for
 * the audit. */
int ll_tuned_run_pass(struct ll_tuned_run *t, const struct ll_tuned_pass *pass,
                      const struct ll_pass_stats *stats, struct ll_err *err);
/* The same ask swept through the tuned lens: rows of the positions audit. */
int ll_tuned_run_audit(struct ll_tuned_run *t, const struct ll_tuned_pass *pass, struct ll_err *err);
/* The skip-layers check on the run's prompts (docs/experiment.md 11.4). */
int ll_tuned_run_skips(struct ll_tuned_run *t, const struct ll_experiment *e, const struct ll_session *s,
                       const struct ll_sweep_prompt *prompts, int n, struct ll_err *err);
/* t->given becomes complete: what the document says of the lens. After all passes. LL_OK or LL_EFAIL
 * (memory). */
int ll_tuned_run_finish(struct ll_tuned_run *t, struct ll_err *err);
#endif
