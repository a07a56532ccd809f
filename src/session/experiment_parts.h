/* experiment_parts.h - what experiment.c, experiment_prompts.c and experiment_models.c share; for those files
 * only. */
#ifndef LL_EXPERIMENT_PARTS_H
#define LL_EXPERIMENT_PARTS_H
#include "experiment.h"

enum {
    LL_MAX_ASKS = 1 << 20,
    LL_MAX_MODELS = 10000,
    LL_MAX_LIST = 1 << 20,
    LL_MAX_NAME = 60,
    LL_MAX_TEXT = 4096 /* paths, keys, names of columns */
};
#define LL_MAX_ID 2147483647.0

/* Owned copy of s (NULL: NULL). */
int ll_copy_text(char **out, const char *s, struct ll_err *err);
/* A list of texts at `key`, none of them empty. */
int ll_read_texts(const struct ll_settings *s, const char *key, char ***out, int *n, struct ll_err *err);
/* "facts", "prompts", "prompts_from" in this order; then unique keys, the main pass first, controls resolved.
 * dir: the file's. */
int ll_read_asks(struct ll_experiment *e, const struct ll_settings *s, const char *dir, struct ll_err *err);
/* One file of prompts_from (at "prompts_from.<i>"), appended to e->asks. */
int ll_read_prompt_file(struct ll_experiment *e, const struct ll_settings *s, int i, const char *dir,
                        struct ll_err *err);

/* A new, empty ask at the end, *a. LL_OK, LL_EUSAGE (too many) or LL_EFAIL. */
int ll_ask_add(struct ll_experiment *e, struct ll_ask **a, struct ll_err *err);
int ll_ask_answer(struct ll_ask *a, const char *text, struct ll_err *err);
/* After prompt_id, variant and fact_index: "pos.orig.0", "ctl.orig". Sets is_control for the id "ctl", too.
 */
int ll_ask_name(struct ll_ask *a, struct ll_err *err);
/* NULL when the name may be part of a pass key (no dots, 1..60 bytes), else what was expected. */
const char *ll_bad_variant(const char *name);

/* Models: globs become the sorted matches (none: e->models_err), paths are taken relative to dir; what is no
 * such path stays (a hub name). */
int ll_resolve_models(struct ll_experiment *e, const struct ll_settings *s, const char *dir,
                      struct ll_err *err);
#endif
