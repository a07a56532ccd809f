/* print.c - see print.h */
#include "print.h"

#include "shown.h"
#include "terminal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int put(const char *s, size_t n, struct ll_err *err)
{
    errno = 0;
    if (fwrite(s, 1, n, stdout) != n || fflush(stdout))
        return ll_fail(err, LL_EFAIL, "standard output: %s", errno ? strerror(errno) : "write failed");
    return LL_OK;
}

int ll_print_text(const struct ll_buf *b, struct ll_err *err)
{
    struct ll_buf shown = {0};
    const char *s = ll_buf_str(b);
    for (size_t i = 0; i < b->len;) {
        size_t own = s[i] == '\033' ? ll_style_len(s + i) : 0, n = own;
        for (; !own && i + n < b->len && (!n || s[i + n] != '\033'); n++)
            ;
        if (own)
            ll_buf_add(&shown, s + i, n);
        else
            ll_shown(&shown, s + i, n, "\n\t");
        i += n;
    }
    int rc = ll_buf_ok(b, err) ? LL_EFAIL : ll_buf_ok(&shown, err);
    if (!rc)
        rc = put(ll_buf_str(&shown), shown.len, err);
    ll_buf_free(&shown);
    return rc;
}

int ll_print(const struct ll_buf *b, struct ll_err *err)
{
    if (isatty(STDOUT_FILENO))
        return ll_print_text(b, err);
    return ll_buf_ok(b, err) ? LL_EFAIL : put(ll_buf_str(b), b->len, err);
}

void ll_say_line(const char *fmt, ...)
{
    char line[2048];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    ll_shown_line(line);
    fprintf(stderr, "%s\n", line);
}

int ll_print_as(int is_data, const struct ll_buf *b, struct ll_err *err)
{
    return is_data ? ll_print(b, err) : ll_print_text(b, err);
}
