/* buf.h - a growable run of bytes, always followed by a NUL that does not count.
 *
 * `s` may be read as a C string when the content holds no NUL. An empty buffer is {0} and owns nothing;
 * ll_buf_free() makes it so again. Running out of memory sets `failed` and later appends do nothing, so that
 * a writer checks once at its end (ll_buf_ok). By then other buffers may
 * hold what was made from the failed one: ll_buf_ok therefore fails for every buffer of the process once one
 * has failed (memory.h). */
#ifndef LL_BUF_H
#define LL_BUF_H
#include "fail.h"

#include <stddef.h>

struct ll_buf {
    char *s; /* owned; NULL while nothing was ever added */
    size_t len, cap;
    int failed; /* an allocation failed: the content is incomplete */
};

void ll_buf_add(struct ll_buf *b, const void *bytes, size_t n);
void ll_buf_adds(struct ll_buf *b, const char *s);
void ll_buf_addc(struct ll_buf *b, char c);
void ll_buf_addf(struct ll_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ll_buf_reset(struct ll_buf *b); /* length 0, memory kept */
void ll_buf_free(struct ll_buf *b);
/* LL_OK, or LL_EFAIL when memory ran out for this or for any other buffer. */
int ll_buf_ok(const struct ll_buf *b, struct ll_err *err) __attribute__((warn_unused_result));
const char *ll_buf_str(const struct ll_buf *b); /* content, "" when empty */

/* The shortest decimal text that strtod reads back to the same double, written as a JSON/CSV number (no
 * leading '+', "0" for both zeros). Not for NaN or infinities: those give "nan", "inf", "-inf".
 * out: at least 32 bytes. Returns its length. */
int ll_fmt_double(char *out, double v);
#endif
