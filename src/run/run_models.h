/* run_models.h - the models of a run in their order, with what is known of each.
 *
 * The one list of them: whoever names files after a model, counts models or asks how one ended looks here.
 * The files that a model left are not listed: they are looked up where they lie (kept.h, manifest.h), as a
 * run that goes on must do anyway. */
#ifndef LL_RUN_MODELS_H
#define LL_RUN_MODELS_H
#include "fail.h"

enum ll_model_fate {
    LL_MODEL_WAITS,   /* not run yet */
    LL_MODEL_OK,      /* all its files are there */
    LL_MODEL_SKIPPED, /* it would not fit into memory */
    LL_MODEL_FAILED,  /* it cannot be run: its document says why */
    LL_MODEL_DENIED,  /* the system said no, which tells nothing of the model: it has no files */
};
const char *ll_model_fate_name(enum ll_model_fate fate); /* "ok", "skipped", "failed": status in documents */

struct ll_run_model {
    const char *asked; /* as the experiment or the command line names it; borrowed */
    char *name;        /* owned: last part of that path */
    char *stem;        /* owned: of its files, between "output-" and the suffix; NULL: not named yet */
    char key[65];      /* of all that it was given (run_key.h); "": not known yet */
    enum ll_model_fate fate;
    int code;     /* LL_OK, or why it is not ok */
    char *reason; /* owned: the same in words; NULL: ok */
};
struct ll_run_models {
    struct ll_run_model *v; /* owned */
    int n;
};

/* asked [n]: borrowed until free. After a failure there is nothing to free. */
int ll_run_models_init(struct ll_run_models *all, char *const *asked, int n, struct ll_err *err);
void ll_run_models_free(struct ll_run_models *all); /* {0} is fine */

/* Give model nr the stem of its files, in place of one it may have: the name ('/', '\\' and control
 * characters become
 * '_'; empty: "model"), with "-2", "-3" behind it where another model has that stem; letter case does not
 * tell stems apart (some file systems ignore it). LL_OK or LL_EFAIL (memory). */
int ll_run_models_name(struct ll_run_models *all, int nr, const char *name, struct ll_err *err);
/* Model nr has been run: code and reason of ll_model_run. LL_OK or LL_EFAIL (memory). */
int ll_run_models_end(struct ll_run_models *all, int nr, int code, const char *reason, struct ll_err *err);

struct ll_run_tally {
    int ok, failed, skipped, denied; /* failed: all that are not ok, the skipped and the denied ones too */
};
struct ll_run_tally ll_run_models_tally(const struct ll_run_models *all);
/* The model whose failure tells how the run went: the first that was not ok, one that did not fit only when
 * there is no other; NULL: all were ok. */
const struct ll_run_model *ll_run_models_worst(const struct ll_run_models *all);
/* The first of this fate; NULL: none. */
const struct ll_run_model *ll_run_models_first(const struct ll_run_models *all, enum ll_model_fate fate);
#endif
