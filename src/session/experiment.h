/* experiment.h - an experiment file (JSON): models, prompts, options. experiments/README.md gives each key's
 * type, range, default and meaning; the tables in experiment.c and experiment_prompts.c are what is checked.
 * In short:
 *
 *   name, description
 *   models            paths and globs (relative to the file) or hub names
 *   prompts           list of {"id", "variant", "text" | "ids", "answer" | "answers" | "answer_id", "fact",
 *                     "fact_index", "role"}
 *   prompts_from      list of {"file", "id", "variant", ...}: the same from CSV or JSONL files; keys name
 *                     columns
 *   facts             one pass a fact and variant: {country} (once a template) stands for the first word, the
 *                     second is the answer
 *   main              key of the main pass
 *   test_prompts, temperatures   the model's own output
 *   top_k, copy, norm, ln_bias, head, site, raw_lens, calibrate, tuned, repeat_forward, analysis,
 *   answers_by_teacher_forcing, answers_exact, seed, important_words, last_position_only | positions,
 *   interventions */
#ifndef LL_EXPERIMENT_H
#define LL_EXPERIMENT_H
#include "analysis.h"
#include "metrics.h"
#include "opt.h"
#include "run_modes.h"
#include "settings.h"

enum {
    LL_MAX_ANSWERS = LL_MAX_TRACKED - 1
}; /* accepted answers of a prompt; one tracked id is the control's */

struct ll_ask {                                             /* one prompt of the experiment */
    char *pass_key, *fact_key, *prompt_id, *variant, *text; /* owned; fact_key, text may be NULL */
    char **answers;
    int n_answers;     /* owned; accepted answers, the main one first; none for ids */
    int fact_index;    /* -1: none */
    int *ids, n_ids;   /* owned; instead of text */
    int answer_id;     /* -1: none; goes with text or ids, never together with answers */
    int is_control;    /* its answer is held against that of `control_of` (control_margin) */
    char *control_of;  /* owned; pass key, NULL: the main pass */
    int control_index; /* the ask meant by control_of; -1: no control */
};

enum { LL_MAX_INTERVENTIONS = LL_OPT_LIST_MAX };

struct ll_experiment {
    char *name; /* owned */
    char **models;
    int n_models; /* owned, resolved against the file's folder */
    struct ll_err
        models_err; /* a pattern that fits nothing: matters unless other models are named; code 0: none */
    struct ll_ask *asks;
    int n_asks; /* owned; the main pass first */
    char **test_prompts;
    int n_test_prompts;
    char **words;
    int n_words; /* important words, lower case */
    double *temperatures;
    int n_temperatures;
    int top_record, top_verbose, last_only;
    struct ll_copy_opts copy;     /* the rule of copy_collapse */
    struct ll_copy_labels labels; /* the flag columns */
    enum ll_lens_kind lens;
    int ln_bias_drop, bare_head;
    enum ll_lens_site site;
    int analysis; /* 0: only what the walk gives; raw, calibrate and tuned then do nothing */
    enum ll_raw_mode raw;
    int calibrate, teacher_forcing, answers_exact;
    char *tuned_dir;
    enum ll_tuned_mode tuned;   /* owned; NULL: none */
    enum ll_repeat_mode repeat; /* the main pass a second time */
    char **interventions;
    int n_interventions;      /* owned; intervene.h says what they mean */
    char *interventions_text; /* owned; the same joined by "; " for the outputs, without machine paths; NULL:
                                 none */
    int residual_compute,
        prism_off;       /* recorded only: the cache is float32 either way, Prism is never fitted here */
    int seed;            /* recorded; nothing here draws numbers */
    struct ll_buf notes; /* lines: what was read otherwise, or not at all; owned */
};
/* Returns LL_OK, or LL_EUSAGE (line, key, expected, found; also unknown and equal keys, a byte order mark) or
 * LL_EFAIL, *e then empty. A value of null is an absent one. */
int ll_experiment_read(struct ll_experiment *e, const char *path, struct ll_err *err);
void ll_experiment_free(struct ll_experiment *e);
/* An experiment of the prompts of one CSV or JSONL file with columns of the usual names
 * (experiments/README.md), the rest as by default. As ll_experiment_read. */
int ll_experiment_of_prompts(struct ll_experiment *e, const char *path, struct ll_err *err);
/* Is the name one of such a file? */
int ll_is_prompt_file(const char *path);
/* Its notes on stderr. */
void ll_experiment_say(const struct ll_experiment *e, int quiet);
/* Labels from options (docs/experiment.md 5): the main threshold first, then of thresholds[n] those not equal
 * to it, rising; soft flags by k, then for each extra threshold (rising) by k. LL_EUSAGE when there are too
 * many or a value lies outside its range. */
struct ll_copy_choice {
    double threshold, margin;
    double thresholds[8];
    int n_thresholds;
    double soft;
    int ks[8];
    int n_ks;
    double extra[8];
    int n_extra;
};
void ll_copy_choice_default(struct ll_copy_choice *c);
int ll_copy_choose(struct ll_copy_labels *labels, const struct ll_copy_choice *c, struct ll_err *err);
/* The choice that gave these labels (to change one option of them). */
void ll_copy_choice_of(struct ll_copy_choice *c, const struct ll_copy_labels *labels);
/* Take these models in place of the experiment's (n 0: those). LL_EUSAGE when there are none at all or a
 * pattern of the experiment's fits nothing. */
int ll_experiment_models(struct ll_experiment *e, const char *const *models, int n, struct ll_err *err);
/* Take these texts in place of the interventions there are. LL_OK, LL_EUSAGE (names the part at fault) or
 * LL_EFAIL. */
int ll_experiment_intervene(struct ll_experiment *e, const char *const *texts, int n, struct ll_err *err);
#endif
