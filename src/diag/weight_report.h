/* weight_report.h - what the weights of every layer look like, and which layers stand apart
 * (docs/diagnostics.md 2): the scanned weights, what is odd about each layer, and the criteria. */
#ifndef LL_WEIGHT_REPORT_H
#define LL_WEIGHT_REPORT_H
#include "criteria.h"
#include "weight_flags.h"
#include "weight_scan.h"

/* w and f are filled by ll_weights_find, ll_weight_scan and ll_weight_flags_find; {0} before. */
struct ll_weight_report {
    struct ll_weights w; /* owned, as f */
    struct ll_weight_flags f;
    const int *marks; /* [n_marks] layers to show beside 0 and 1; borrowed */
    int n_marks;
};
void ll_weight_report_free(struct ll_weight_report *r);

/* layer n_layers: embedding, head, final norm. */
const struct ll_weight_cell *ll_weight_at(const struct ll_weight_report *r, int layer, int part);
int ll_weight_has(const struct ll_weight_report *r, int layer, int part);
int ll_weight_has_qk_norm(const struct ll_weight_report *r, int layer);
/* The first part that holds a NaN or infinity; NULL: none. */
const struct ll_weight_cell *ll_weight_bad(const struct ll_weight_report *r, int layer);
/* A fault: something missing, of another shape or not finite. The criteria fail for the same. */
int ll_weight_is_problem(const struct ll_weight_report *r, int layer);
/* Standing apart is no fault: first and last layers often do, and some families have two kinds of layers. */
int ll_weight_is_apart(const struct ll_weight_report *r, int layer);
/* "problem", "apart", "normal" */
const char *ll_weight_status(const struct ll_weight_report *r, int layer);

void ll_weight_judge(const struct ll_weight_report *r, struct ll_criteria *c);
#endif
