/* experiment.h - an experiment file (JSON): models, prompts, options. experiments/README.md gives each key's
 * type, range, default and meaning; experiment.c's tables are what is checked. In short:
 *
 *   name              text; default: the name of the file's folder
 *   description       text, for the reader
 *   models            list of paths (relative to the file) or hub names
 *   top_k             {"record": 5, "verbose": 20}
 *   copy              {"rule": "strict"|"legacy", "threshold": 0.95, "margin": 0.10}
 *   norm              "final" | "next-ln1" | "post-ln2" | "raw"
 *   ln_bias           "keep" | "drop": the bias of a LayerNorm at the rows before the last
 *   important_words   words whose positions get the verbose top-k
 *   facts             {"variants": {"orig": "... {country} ...", ...}, "items": [["Germany", "Berlin"], ...]}
 *                     one pass a fact and variant: {country} (once a template) stands for the first word, the second is the answer
 *   prompts           list of {"id", "variant", "text" | "ids", "answer" | "answer_id", "fact", "fact_index"}; "answer" goes with "text" only
 *   test_prompts      list of texts: the model's own output only
 *   temperatures      list of numbers, applied to the main (first) prompt's output
 *   last_position_only  true: no records CSV */
#ifndef LL_EXPERIMENT_H
#define LL_EXPERIMENT_H
#include "metrics.h"
#include "settings.h"

struct ll_ask {                /* one prompt of the experiment */
    char *pass_key, *fact_key, *prompt_id, *variant, *text, *answer; /* owned; fact_key, text, answer may be NULL */
    int fact_index;            /* -1: none */
    int *ids, n_ids;           /* owned; instead of text */
    int answer_id;             /* -1: none; goes with text or ids, never together with answer */
};

struct ll_experiment {
    char *name;                /* owned */
    char **models; int n_models;           /* owned, resolved against the file's folder */
    struct ll_ask *asks; int n_asks;       /* owned */
    char **test_prompts; int n_test_prompts;
    char **words; int n_words;             /* important words, lower case */
    double *temperatures; int n_temperatures;
    int top_record, top_verbose, last_only;
    struct ll_copy_opts copy;
    enum ll_lens_kind lens;
    int ln_bias_drop;
};
/* Returns LL_OK, or LL_EUSAGE (key, expected, found; also unknown and equal keys, a byte order mark) or LL_EFAIL, *e then
 * empty. A value of null is an absent one. */
int ll_experiment_read(struct ll_experiment *e, const char *path, struct ll_err *err);
void ll_experiment_free(struct ll_experiment *e);
#endif
