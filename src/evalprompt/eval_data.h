/* eval_data.h - the values and blocks that a template may name, one row each; inside src/evalprompt only. */
#ifndef LL_EVAL_DATA_H
#define LL_EVAL_DATA_H
#include "eval_prompt.h"

/* ?1 is the model's stem (single) or NULL. */
struct ll_eval_source {
    const char *name;
    const char *sql;    /* values: one row, one column; blocks: rows */
    int is_facts;       /* a block of "- name: value" lines */
    int importance;     /* of a block: 0 is never cut, the greatest number is cut first */
    const char *source; /* where the whole is; %s: the stem (or * for all) */
};
extern const struct ll_eval_source ll_eval_values[], ll_eval_blocks[]; /* name NULL at the end */
#endif
