/* eval_check.h - an evaluation read back: is every cited row and every figure in the data?
 *
 * What is recognised, line by line:
 *   - a row id, PASS:Llll:Ppppp, with or without MODEL/ in front: the run must have that row;
 *   - json:KEY or json:KEY.MEMBER.2: the document must have that member (KEY: a row of the index's
 * `diagnostics`);
 *   - a figure: a number with a decimal point or a percent sign, or a number behind "layer", "row", "rank",
 * "=" or a milestone's name. In a line that cites rows or members it must be one of their values, or the
 * difference of one column of two of them; in any other line a value of the run's pure-next-token rows,
 * milestones, predictions or document. "Is a value" means: the same when rounded to as many decimals as are
 * written; a percentage is held against a hundredth. Numbers inside names (L25, top5, Qwen2.5), in headings,
 * in code fences, list numbers, dates and arXiv or DOI numbers are no figures. The check finds what is not in
 * the data; that a figure is does not make the sentence true. */
#ifndef LL_EVAL_CHECK_H
#define LL_EVAL_CHECK_H
#include "index_each.h"

#include "buf.h"

struct ll_eval_verdict {
    int n_rows, n_members, n_figures, n_bad;
};
/* text: the evaluation. stem: the model that ids without MODEL/ mean; NULL: any model of the run. Appends a
 * line to out for everything not found ("line 12: ..."). Returns LL_OK (also when n_bad > 0) or a failure of
 * the index. */
int ll_eval_check(struct ll_reader *r, const char *stem, const char *text, size_t n,
                  struct ll_eval_verdict *v, struct ll_buf *out, struct ll_err *err);
#endif
