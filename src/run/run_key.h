/* run_key.h - the one key of everything that shapes a byte of a run's output.
 *
 * An interrupted run goes on from its results only under an equal key; whatever differs is computed anew,
 * because a result that was made of something else is the worst fault this program can have. The run's part
 * is made of what was asked, after every option, file of prompts and environment variable has been resolved,
 * so that it does not matter where something was said; the model's part of what that model was given:
 * checkpoint, tokens, lens, values of interventions. Whoever adds a member to the structs that hold what was
 * asked meets a static assertion in run_key.c. */
#ifndef LL_RUN_KEY_H
#define LL_RUN_KEY_H
#include "experiment.h"
#include "sha256.h"
#include "tuned_run.h"

struct ll_intervene;

/* What all models of a run share. All borrowed. */
struct ll_run_asked {
    const struct ll_experiment *e; /* resolved, the options' choices in it */
    const char *file;              /* the experiment's path: its text counts, too */
    const char *const *settings;   /* as the outputs get them: key, value, ..., NULL (ll_run_settings) */
    const char *capacity;          /* NULL: this machine's */
    int keep_resid, shard, n_shards;
};
/* Depends on no path, machine or clock, hence it may stand in outputs. LL_OK, LL_EUSAGE or LL_EFAIL (the file
 * cannot be read). */
int ll_run_key(const struct ll_run_asked *asked, char key[65], struct ll_err *err);

/* What one model was given. All borrowed. */
struct ll_model_given {
    const char *run_key;
    const struct ll_session *s;
    const struct ll_model_info *info;
    const char *stem; /* of its files */
    const struct ll_sweep_prompt *prompts;
    int n_prompts;
    const struct ll_intervene *iv;
    const struct ll_tuned_run *tuned;
    const char *memory_fit; /* what the document says of it */
};
/* Made of the checkpoint's files as they lie there now (size, times to the nanosecond, inode: a sample of the
 * weights would name a model, not prove it), hence for this machine's folders only. LL_OK or LL_EFAIL (a file
 * cannot be looked at or read). */
int ll_model_key(const struct ll_model_given *given, char key[65], struct ll_err *err);

/* Of the files with the weights alone, which are mapped: were they touched between two calls? */
int ll_ckpt_stamp(const struct ll_ckpt *ckpt, char stamp[65], struct ll_err *err);
#endif
