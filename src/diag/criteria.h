/* criteria.h - what a diagnostic asks of the figures it found, and whether it holds.
 *
 * A diagnostic judges its figures once: ll_criteria_add for each question, in the order in which they are
 * shown. JSON (document/diag_doc.h) and the screen (view/report_text.h) are written from the list afterwards.
 * What cannot be judged is "not run", never "pass". */
#ifndef LL_CRITERIA_H
#define LL_CRITERIA_H
#include "fail.h"

enum ll_crit { LL_CRIT_PASS, LL_CRIT_WARN, LL_CRIT_FAIL, LL_CRIT_NOT_RUN, LL_N_CRITS };
const char *ll_crit_name(enum ll_crit c); /* "pass", "warn", "fail", "not run" */

struct ll_criterion {
    enum ll_crit status;
    int section; /* part of the report that it stands in; of ll_criteria when it was added */
    char name[120], detail[400];
};
/* {0} is an empty list. */
struct ll_criteria {
    struct ll_criterion *v;
    int n, cap;  /* owned */
    int section; /* of the criteria added from now on; 0 where the report has only one such part */
    int failed;  /* memory ran out: the list is incomplete */
};
void ll_criteria_add(struct ll_criteria *c, enum ll_crit status, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int ll_criteria_count(const struct ll_criteria *c, enum ll_crit status);
/* The worst of all: fail, warn, pass; not run when no criterion was judged. */
enum ll_crit ll_criteria_verdict(const struct ll_criteria *c);
/* LL_OK, or LL_EFAIL when memory ran out. */
int ll_criteria_ok(const struct ll_criteria *c, struct ll_err *err);
void ll_criteria_free(struct ll_criteria *c);
#endif
