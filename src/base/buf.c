/* buf.c - see buf.h */
#include "buf.h"

#include "memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(struct ll_buf *b)
{
    ll_memory_note();
    b->failed = 1;
    return -1;
}

static int grow(struct ll_buf *b, size_t n)
{
    if (b->failed)
        return -1;
    if (n < b->cap - b->len && b->cap)
        return 0;
    size_t cap = b->cap ? b->cap : 64;
    while (cap - b->len <= n) {
        if (cap > (size_t)-1 / 2)
            return fail(b);
        cap *= 2;
    }
    char *s = realloc(b->s, cap);
    if (!s)
        return fail(b);
    b->s = s;
    b->cap = cap;
    return 0;
}

void ll_buf_add(struct ll_buf *b, const void *bytes, size_t n)
{
    if (grow(b, n))
        return;
    if (n)
        memcpy(b->s + b->len, bytes, n);
    b->len += n;
    b->s[b->len] = 0;
}

void ll_buf_adds(struct ll_buf *b, const char *s) { ll_buf_add(b, s, strlen(s)); }
void ll_buf_addc(struct ll_buf *b, char c) { ll_buf_add(b, &c, 1); }

void ll_buf_addf(struct ll_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        fail(b); /* printf itself had no memory */
    if (n < 0 || grow(b, (size_t)n))
        return;
    va_start(ap, fmt);
    vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void ll_buf_reset(struct ll_buf *b)
{
    b->len = 0;
    b->failed = 0;
    if (b->s)
        b->s[0] = 0;
}

void ll_buf_free(struct ll_buf *b)
{
    free(b->s);
    memset(b, 0, sizeof *b);
}

int ll_buf_ok(const struct ll_buf *b, struct ll_err *err)
{
    return b->failed ? ll_fail_mem(err, "text buffer", (unsigned long long)(b->cap ? b->cap * 2 : 64))
                     : ll_memory_ok(err);
}

const char *ll_buf_str(const struct ll_buf *b) { return b->s ? b->s : ""; }

int ll_fmt_double(char *out, double v)
{
    if (v == 0)
        return out[0] = '0', out[1] = 0, 1;
    if (isnan(v))
        return snprintf(out, 32, "nan");
    if (isinf(v))
        return snprintf(out, 32, v > 0 ? "inf" : "-inf");
    for (int digits = 15;; digits++) { /* 17 digits always read back; fewer often do */
        int n = snprintf(out, 32, "%.*g", digits, v);
        if (digits == 17 || strtod(out, NULL) == v)
            return n;
    }
}
