/* criteria.c - see criteria.h */
#include "criteria.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *ll_crit_name(enum ll_crit c)
{
    static const char *const names[LL_N_CRITS] = {[LL_CRIT_PASS] = "pass",
                                                  [LL_CRIT_WARN] = "warn",
                                                  [LL_CRIT_FAIL] = "fail",
                                                  [LL_CRIT_NOT_RUN] = "not run"};
    return names[c];
}

void ll_criteria_add(struct ll_criteria *c, enum ll_crit status, const char *name, const char *fmt, ...)
{
    if (c->n == c->cap) {
        int cap = c->cap ? 2 * c->cap : 16;
        struct ll_criterion *more = realloc(c->v, sizeof *more * (size_t)cap);
        c->failed |= !more;
        if (!more)
            return;
        c->v = more;
        c->cap = cap;
    }
    struct ll_criterion *new = &c->v[c->n++];
    va_list ap;
    new->status = status;
    new->section = c->section;
    snprintf(new->name, sizeof new->name, "%s", name);
    va_start(ap, fmt);
    vsnprintf(new->detail, sizeof new->detail, fmt, ap);
    va_end(ap);
}

int ll_criteria_count(const struct ll_criteria *c, enum ll_crit status)
{
    int n = 0;
    for (int i = 0; i < c->n; i++)
        n += c->v[i].status == status;
    return n;
}

enum ll_crit ll_criteria_verdict(const struct ll_criteria *c)
{
    static const enum ll_crit worst_first[] = {LL_CRIT_FAIL, LL_CRIT_WARN, LL_CRIT_PASS};
    for (int i = 0; i < 3; i++)
        if (ll_criteria_count(c, worst_first[i]))
            return worst_first[i];
    return LL_CRIT_NOT_RUN;
}

int ll_criteria_ok(const struct ll_criteria *c, struct ll_err *err)
{
    return c->failed ? ll_fail_mem(err, "criteria", sizeof *c->v * (size_t)c->n) : LL_OK;
}

void ll_criteria_free(struct ll_criteria *c)
{
    free(c->v);
    *c = (struct ll_criteria){0};
}
