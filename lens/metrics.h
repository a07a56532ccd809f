/* metrics.h - judgements about a row of the lens: copying, collapse, answer; and the layers where they first
 * hold.
 *
 * docs/experiment.md 5 and 7. Everything in ids and probabilities; text enters only as "is this token blank".
 */
#ifndef LL_METRICS_H
#define LL_METRICS_H
#include "pass_stats.h"
#include "rules.h"

enum ll_copy_rule {
    LL_COPY_STRICT, /* top-1 occurs in the prompt, p1 > threshold, p1 - p2 > margin, top-1 is not blank
                       (docs/experiment.md 5.2) */
    LL_COPY_LEGACY, /* the early rule: without the blank guard, or entropy below 1 bit
                       (docs/experiment.md 5.4: known false positives) */
};
struct ll_copy_opts {
    enum ll_copy_rule rule;
    double threshold, margin;
};
extern const struct ll_copy_opts ll_copy_strict, ll_copy_legacy; /* rules.h; the early one: 0.90, 0.05 */

/* White space or ASCII punctuation only, after U+2581, U+0120 and U+010A count as spaces
 * (docs/experiment.md 5.1). Text is UTF-8. */
int ll_text_is_blank(const char *s, size_t n);

/* What one row of a pass says, in layer order. strict, soft: in the order of the labels. */
struct ll_row_flags {
    int copy_collapse, entropy_collapse, is_answer;
    unsigned char strict[LL_MAX_STRICT], soft[LL_MAX_SOFT];
};
/* What the copy rules look at beside the row. All borrowed. */
struct ll_copy_place {
    const int
        *tops; /* the best ids of consecutive rows of this pass and this lens, the last one this row's */
    int n_tops;
    const int *ctx; /* ids of the prompt without special tokens */
    int n_ctx;
    int blank; /* 1 when the top-1 token is white space or punctuation only */
};
/* All copy and collapse flags of a row (is_answer is left alone): copy_collapse by opts, the labels' by the
 * strict and the soft rule. The soft rule (docs/experiment.md 5.3): p1 > threshold, and the last k of tops
 * exist and stand side by side in ctx; no margin, no blank guard. */
void ll_copy_flags(const struct ll_head_out *o, const struct ll_copy_place *at,
                   const struct ll_copy_opts *opts, const struct ll_copy_labels *labels,
                   struct ll_row_flags *flags);
/* First row, in order, for which each holds; -1: none. */
void ll_first_layers(const struct ll_row_flags *rows, int n, int *L_copy, int *L_copy_H, int *L_semantic);
#endif
