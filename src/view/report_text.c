/* report_text.c - see report_text.h */
#include "report_text.h"

#include "cells.h"
#include "terminal.h"

#include <stdarg.h>
#include <stdio.h>

void ll_report_say(struct ll_report_text *r, const char *fmt, ...)
{
    char text[2000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ll_buf_adds(&r->screen, text);
    ll_buf_adds(&r->markdown, text);
}

void ll_report_criteria(struct ll_report_text *r, const struct ll_criteria *c, int section)
{
    for (int i = 0; i < c->n; i++) {
        const struct ll_criterion *one = &c->v[i];
        const char *colon = *one->detail ? ": " : "";
        struct ll_buf line = {0};
        char lead[16];
        if (one->section != section)
            continue;
        snprintf(lead, sizeof lead, "%-8s ", ll_crit_name(one->status));
        ll_buf_addf(&line, "%s%s%s", one->name, colon, one->detail);
        ll_put_wrapped(&r->screen, ll_stdout_columns(), lead, ll_buf_str(&line));
        ll_buf_addf(&r->markdown, "- **%s** %s%s%s\n", ll_crit_name(one->status), one->name, colon,
                    one->detail);
        r->screen.failed |= line.failed;
        ll_buf_free(&line);
    }
}

int ll_report_text_ok(const struct ll_report_text *r, struct ll_err *err)
{
    int rc = ll_buf_ok(&r->screen, err);
    return rc ? rc : ll_buf_ok(&r->markdown, err);
}

void ll_report_text_free(struct ll_report_text *r)
{
    ll_buf_free(&r->screen);
    ll_buf_free(&r->markdown);
}
