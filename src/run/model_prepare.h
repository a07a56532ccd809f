/* model_prepare.h - the first step of a model's run: everything that is known before its passes begin. */
#ifndef LL_MODEL_PREPARE_H
#define LL_MODEL_PREPARE_H
#include "answers.h"
#include "memory_plan.h"
#include "intervene_opt.h"
#include "model_run.h"
#include "prompts.h"
#include "resume.h"
#include "session.h"
#include "tuned_run.h"

/* What a prompt of the sweep is for. answer: the answer of several tokens whose factors it gives, -1: the
 * pass itself. ask: which one of the experiment; from n_asks on: test prompt ask - n_asks. */
struct ll_sweep_slot {
    int ask, answer;
};

struct ll_model_prepared {
    const struct ll_run_env *env;  /* borrowed */
    const struct ll_experiment *e; /* env->e */
    struct ll_run_model *me;       /* in env->models, number nr */
    int nr;
    struct ll_session s;
    char ckpt_stamp[65]; /* of the checkpoint's files when they were opened */
    struct ll_intervene iv;
    struct ll_listener listeners[2]; /* Ctrl-C, interventions */
    int n_listeners;
    struct ll_prompt *prompts;      /* [n_asks], then the test prompts */
    struct ll_answers *answers;     /* [n_asks]; filled in while the passes run */
    struct ll_pass_info *pass_info; /* [n_asks] */
    int **follow;                   /* [n_asks] the target at each position looked at (sweep.h); owned */
    struct ll_sweep_prompt *sweep;  /* [n_sweep] */
    struct ll_sweep_slot *slots;    /* [n_sweep] */
    int n_prompts, n_answers, n_sweep;
    struct ll_model_info info; /* borrows from s, info_text and me */
    struct ll_info_text info_text;
    struct ll_tuned_run tuned;
    struct ll_memory_plan memory;
    struct ll_resume resume; /* what an interrupted run kept of this model */
    int is_done;             /* its files are all there */
};

/* Open model number nr of the run and resolve what it is asked; its stem and key are known then. Free with
 * ll_model_prepared_free, also after a failure. LL_EFIT: it would not fit into memory. */
int ll_model_prepare(struct ll_model_prepared *m, const struct ll_run_env *env, int nr, struct ll_err *err);
void ll_model_prepared_free(struct ll_model_prepared *m);

/* The first id of an ask's main answer; -1: unresolved. */
int ll_answer_id(const struct ll_model_prepared *m, int ask);
/* What all sweeps of a model share; result, result_arg and the progress are the caller's. */
struct ll_sweep ll_model_sweep(const struct ll_model_prepared *m);
#endif
