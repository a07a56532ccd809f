/* eval_prompt.h - a template for an evaluating model, filled from an index that holds one run
 * (docs/experiment.md 15).
 *
 * Templates are text with {{name}} (a short value), {{rows name}} (a block of data) and {{#name}} ...
 * {{/name}} on lines of their own (left out when the block or value is empty). The three of prompts/eval are
 * built into the program. */
#ifndef LL_EVAL_PROMPT_H
#define LL_EVAL_PROMPT_H
#include "eval_block.h"

enum ll_eval_kind { LL_EVAL_SINGLE, LL_EVAL_CROSS, LL_EVAL_META, LL_N_EVALS };
struct ll_eval_info {
    const char *name; /* "single" */
    const char *file; /* name of the filled prompt; %s: the model's stem */
    const char *text; /* the built-in template */
};
const struct ll_eval_info *ll_eval_info(enum ll_eval_kind kind);

struct ll_eval_input {
    struct ll_reader *reader;  /* an index of this run alone; borrowed */
    const char *stem;          /* LL_EVAL_SINGLE: the model; else NULL */
    const char *template_text; /* NULL: the built-in one */
    const struct ll_eval_block *given;
    int n_given;          /* blocks the caller made ("columns", "evaluations", "scores", "extra"); borrowed */
    long long max_tokens; /* size budget; tokens are estimated at LL_BYTES_A_TOKEN */
};
enum { LL_BYTES_A_TOKEN = 3 }; /* tables of digits take more tokens than prose: about 3 bytes each */

/* Append the filled prompt to out, and to said a line for each block that was cut. Returns LL_OK, LL_EUSAGE
 * (the template names something unknown: which line; no such model; even without data it is above the budget)
 * or LL_EFAIL. */
int ll_eval_prompt(enum ll_eval_kind kind, const struct ll_eval_input *in, struct ll_buf *out,
                   struct ll_buf *said, struct ll_err *err);
#endif
