/* fail.c - see fail.h */
#include "fail.h"

#include "memory.h"
#include "shown.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int ll_fail(struct ll_err *err, int code, const char *fmt, ...)
{
    if (err && !err->code) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
        ll_shown_line(err->msg);
        err->code = code;
    }
    return code;
}

int ll_context(struct ll_err *err, const char *fmt, ...)
{
    if (!err)
        return LL_EFAIL;
    char head[256], rest[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(head, sizeof head, fmt, ap);
    va_end(ap);
    ll_shown_line(head);
    memcpy(rest, err->msg, sizeof rest);
    snprintf(err->msg, sizeof err->msg, "%s: %.*s", head, (int)(sizeof err->msg - sizeof head - 3), rest);
    return err->code;
}

int ll_fail_mem(struct ll_err *err, const char *what, unsigned long long bytes)
{
    if (!err)
        ll_memory_note(); /* the reason is lost, and later output may be incomplete */
    return ll_fail(err, LL_EFAIL, "out of memory: %s needs %llu bytes", what, bytes);
}

int ll_err_code(const struct ll_err *err, int otherwise) { return err ? err->code : otherwise; }

int ll_open_code(int errno_value)
{
    return errno_value == ENOMEM || errno_value == EMFILE || errno_value == ENFILE ? LL_EFAIL : LL_EUSAGE;
}

int ll_exit_code(int code) { return code >= 0 ? 0 : code < LL_ECHECK ? 1 : -code; }
