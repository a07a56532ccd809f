/* csv_text.c - see csv_text.h */
#include "csv_text.h"
#include "utf8.h"

#include <string.h>

static int needs_quotes(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] == ',' || s[i] == '"' || s[i] == '\r' || s[i] == '\n')
            return 1;
    return n == 0;
}

static int is_clean(const char *s, size_t n) { return ll_utf8_check(s, n) == n && !memchr(s, 0, n); }

static void put(struct ll_buf *out, const char *s, size_t n)
{
    if (n && !is_clean(s, n))
        ll_utf8_clean(out, s, n);
    else
        ll_buf_add(out, s, n);
}

void ll_csv_field(struct ll_buf *out, const char *s, size_t n)
{
    if (!needs_quotes(s, n)) {
        put(out, s, n);
        return;
    }
    ll_buf_addc(out, '"');
    for (const char *q;
         n && (q = memchr(s, '"', n));) { /* a quote ends any ill-formed part, so pieces clean alike */
        size_t k = (size_t)(q - s);
        put(out, s, k);
        ll_buf_adds(out, "\"\"");
        s += k + 1;
        n -= k + 1;
    }
    put(out, s, n);
    ll_buf_addc(out, '"');
}
