/* json_stream.c - see json_stream.h. RFC 8259. */
#include "json_stream.h"

#include "literal.h"
#include "utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ll_js_init(struct ll_js *js, const char *file, const char *s, size_t n, struct ll_err *err)
{
    *js = (struct ll_js){.s = s, .n = n, .file = file, .where = "", .err = err};
    if (n >= 3 && LL_BYTES_ARE(s, "\xEF\xBB\xBF"))
        js->pos = 3; /* byte-order mark */
}

void ll_js_free(struct ll_js *js) { ll_buf_free(&js->text); }

int ll_js_fail(struct ll_js *js, int code, const char *fmt, ...)
{
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    struct ll_buf clean = {0};
    ll_utf8_clean(&clean, what, strlen(what)); /* a quoted text may have been cut inside a character */
    int rc = ll_fail(js->err, code, "%s: %s%s(byte %zu): %s", js->file, js->where, *js->where ? " " : "",
                     js->pos, ll_buf_str(&clean));
    ll_buf_free(&clean);
    return rc;
}

static inline void spaces(struct ll_js *js)
{
    const char *s = js->s;
    size_t i = js->pos, n = js->n;
    while (i < n && (unsigned char)s[i] <= ' '
           && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r'))
        i++;
    js->pos = i;
}

char ll_js_peek(struct ll_js *js)
{
    spaces(js);
    return js->pos < js->n ? js->s[js->pos] : 0;
}

/* What stands at pos, for messages. */
static const char *found(struct ll_js *js, char out[16])
{
    if (js->pos >= js->n)
        return "the end of the file";
    unsigned char c = (unsigned char)js->s[js->pos];
    snprintf(out, 16, c >= 0x21 && c < 0x7F ? "'%c'" : "byte 0x%02X", c);
    return out;
}

static int expected(struct ll_js *js, const char *what)
{
    char buf[16];
    return ll_js_fail(js, LL_EUSAGE, "expected %s, found %s", what, found(js, buf));
}

int ll_js_open(struct ll_js *js, char bracket)
{
    if (ll_js_peek(js) != bracket)
        return expected(js, bracket == '{' ? "an object" : "a list");
    js->pos++;
    return LL_OK;
}

/* Comma handling shared by objects and lists: 1 when an element follows. */
static int more(struct ll_js *js, int *first, char close)
{
    char c = ll_js_peek(js);
    if (c == close && c)
        return js->pos++, 0;
    if (*first)
        return *first = 0, 1;
    if (c != ',')
        return expected(js, close == '}' ? "',' or '}'" : "',' or ']'");
    js->pos++;
    return 1;
}

int ll_js_key(struct ll_js *js, int *first, const char **s, size_t *n)
{
    int r = more(js, first, '}');
    if (r <= 0)
        return r;
    if ((r = ll_js_string(js, s, n)))
        return r;
    if (ll_js_peek(js) != ':')
        return expected(js, "':'");
    js->pos++;
    return 1;
}

int ll_js_item(struct ll_js *js, int *first) { return more(js, first, ']'); }

static int hex4(struct ll_js *js, uint32_t *v)
{
    *v = 0;
    for (int i = 0; i < 4; i++, js->pos++) {
        char c = js->pos < js->n ? js->s[js->pos] : 0;
        if (c >= '0' && c <= '9')
            *v = *v << 4 | (uint32_t)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            *v = *v << 4 | (uint32_t)((c | 32) - 'a' + 10);
        else
            return expected(js, "four hex digits after \\u");
    }
    return LL_OK;
}

static int unicode_escape(struct ll_js *js)
{
    uint32_t cp, low;
    int rc = hex4(js, &cp);
    if (rc)
        return rc;
    if (cp >= 0xDC00 && cp < 0xE000)
        return ll_js_fail(js, LL_EUSAGE, "a low surrogate \\u%04X without a high one", cp);
    if (cp >= 0xD800 && cp < 0xDC00) {
        if (js->n - js->pos < 2 || js->s[js->pos] != '\\' || js->s[js->pos + 1] != 'u')
            return ll_js_fail(js, LL_EUSAGE, "a high surrogate \\u%04X without a low one", cp);
        js->pos += 2;
        if ((rc = hex4(js, &low)))
            return rc;
        if (low < 0xDC00 || low >= 0xE000)
            return ll_js_fail(js, LL_EUSAGE, "a high surrogate \\u%04X without a low one", cp);
        cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
    }
    ll_utf8_put(&js->text, cp);
    return LL_OK;
}

static int escape(struct ll_js *js)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = ++js->pos < js->n ? js->s[js->pos] : 0;
    const char *p = c ? strchr(from, c) : NULL;
    if (p) {
        js->pos++;
        ll_buf_addc(&js->text, to[p - from]);
        return LL_OK;
    }
    if (c != 'u')
        return expected(js, "one of \"\\/bfnrtu after a backslash");
    js->pos++;
    return unicode_escape(js);
}

/* Pass over plain characters up to a quote or backslash. */
static int plain_run(struct ll_js *js)
{
    uint32_t cp;
    while (js->pos < js->n) {
        unsigned char c = (unsigned char)js->s[js->pos];
        if (c == '"' || c == '\\')
            return LL_OK;
        if (c < 0x20)
            return expected(js, "no bare control character in a string");
        if (c < 0x80) {
            js->pos++;
            continue;
        }
        if (c >= 0xC2 && c < 0xE0 && js->pos + 1 < js->n
            && ((unsigned char)js->s[js->pos + 1] & 0xC0) == 0x80) {
            js->pos += 2; /* most of a byte-level vocabulary */
            continue;
        }
        int len = ll_utf8_next(js->s + js->pos, js->n - js->pos, &cp, NULL);
        if (!len)
            return expected(js, "well-formed UTF-8");
        js->pos += (size_t)len;
    }
    return expected(js, "'\"' at the end of a string");
}

int ll_js_string(struct ll_js *js, const char **s, size_t *n)
{
    if (ll_js_peek(js) != '"')
        return expected(js, "a string");
    size_t start = ++js->pos;
    int rc = plain_run(js), escaped = 0;
    while (!rc && js->s[js->pos] == '\\') {
        if (!escaped)
            ll_buf_reset(&js->text), escaped = 1;
        ll_buf_add(&js->text, js->s + start, js->pos - start);
        if ((rc = escape(js)))
            return rc;
        start = js->pos;
        rc = plain_run(js);
    }
    if (rc)
        return rc;
    if (escaped) {
        ll_buf_add(&js->text, js->s + start, js->pos - start);
        *s = ll_buf_str(&js->text);
        *n = js->text.len;
        if ((rc = ll_buf_ok(&js->text, js->err)))
            return rc;
    } else {
        *s = js->s + start;
        *n = js->pos - start;
    }
    js->pos++;
    return LL_OK;
}

int ll_js_int(struct ll_js *js, long long lo, long long hi, long long *v)
{
    char c = ll_js_peek(js);
    size_t i = js->pos + (c == '-'), start = i;
    long long x = 0;
    int big = 0;
    for (; i < js->n && js->s[i] >= '0' && js->s[i] <= '9'; i++) {
        if (x > 99999999999999LL)
            big = 1;
        else
            x = x * 10 + (js->s[i] - '0');
    }
    if (i == start || (i - start > 1 && js->s[start] == '0')
        || (i < js->n && strchr(".eE", js->s[i]) && js->s[i]))
        return expected(js, "a whole number");
    if (c == '-')
        x = -x;
    if (big || x < lo || x > hi)
        return ll_js_fail(js, LL_EUSAGE, "expected a number from %lld to %lld, found %.*s", lo, hi,
                          i - js->pos > 40 ? 40 : (int)(i - js->pos), js->s + js->pos);
    js->pos = i;
    *v = x;
    return LL_OK;
}

static size_t digits(const struct ll_js *js, size_t i)
{
    while (i < js->n && js->s[i] >= '0' && js->s[i] <= '9')
        i++;
    return i;
}

int ll_js_number(struct ll_js *js, double *v)
{
    char text[64];
    int minus = ll_js_peek(js) == '-'; /* moves to the value */
    size_t start = js->pos + (size_t)minus, i = digits(js, start), end;
    int ok = i > start && !(i - start > 1 && js->s[start] == '0');
    if (ok && i < js->n && js->s[i] == '.')
        ok = (end = digits(js, i + 1)) > i + 1, i = end;
    if (ok && i < js->n && (js->s[i] | 32) == 'e') {
        i += 1 + (i + 1 < js->n && (js->s[i + 1] == '+' || js->s[i + 1] == '-'));
        ok = (end = digits(js, i)) > i, i = end;
    }
    if (!ok || i - js->pos >= sizeof text)
        return expected(js, "a number");
    memcpy(text, js->s + js->pos, i - js->pos);
    text[i - js->pos] = 0;
    *v = strtod(text, NULL);
    if (!isfinite(*v))
        return expected(js, "a finite number");
    js->pos = i;
    return LL_OK;
}

static int word(struct ll_js *js, const char *w)
{
    size_t n = strlen(w);
    spaces(js);
    if (js->n - js->pos < n || memcmp(js->s + js->pos, w, n))
        return 0;
    js->pos += n;
    return 1;
}

int ll_js_bool(struct ll_js *js, int *v)
{
    if (word(js, "true"))
        *v = 1;
    else if (word(js, "false"))
        *v = 0;
    else
        return expected(js, "true or false");
    return LL_OK;
}

int ll_js_null(struct ll_js *js) { return word(js, "null"); }

static int scalar(struct ll_js *js)
{
    const char *s;
    size_t n;
    char c = ll_js_peek(js);
    if (c == '"')
        return ll_js_string(js, &s, &n);
    if (word(js, "true") || word(js, "false") || word(js, "null"))
        return LL_OK;
    size_t start = js->pos;
    while (js->pos < js->n && js->s[js->pos] && strchr("+-.0123456789eE", js->s[js->pos]))
        js->pos++;
    return js->pos > start ? LL_OK : expected(js, "a value");
}

int ll_js_skip(struct ll_js *js, const char **s, size_t *n)
{
    char closer[LL_JS_DEPTH];
    int first[LL_JS_DEPTH], depth = 0, r;
    const char *key;
    size_t key_n;
    ll_js_peek(js);
    size_t start = js->pos;
    do {
        char c = ll_js_peek(js);
        if (c == '{' || c == '[') {
            if (depth == LL_JS_DEPTH)
                return ll_js_fail(js, LL_EUSAGE, "nested deeper than %d", LL_JS_DEPTH);
            js->pos++;
            closer[depth] = c == '{' ? '}' : ']';
            first[depth++] = 1;
        } else if ((r = scalar(js))) {
            return r;
        }
        while (depth
               && !(r = closer[depth - 1] == '}' ? ll_js_key(js, &first[depth - 1], &key, &key_n)
                                                 : ll_js_item(js, &first[depth - 1])))
            depth--;
        if (depth && r < 0)
            return r;
    } while (depth);
    if (s)
        *s = js->s + start;
    if (n)
        *n = js->pos - start;
    return LL_OK;
}

int ll_js_end(struct ll_js *js)
{
    return ll_js_peek(js) || js->pos < js->n ? expected(js, "the end of the file") : LL_OK;
}
