/* json_scan.c - is this text JSON (RFC 8259), within our limits? Reads once, builds nothing, knows the place
 * of the first mistake to the character. What passes here is what cJSON is given: cJSON 1.7.15 alone accepts
 * bytes that are no UTF-8, control characters in strings, "\u0000" (its strings end there) and 01; places its
 * errors a character off; cannot read numbers of more than 63 characters; and reads a byte too far when a
 * text stops after the comma of an object. */
#include "json_tree.h"

#include "buf.h"
#include "literal.h"
#include "utf8.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A value of two bytes becomes a node of some 70: without a bound, a file of 100 MB would ask for
 * gigabytes. */
enum { MAX_VALUES = 8 << 20, MAX_NUMBER = 63 };

enum want { VALUE, ELEMENT_OR_END, KEY, KEY_OR_END, COLON, COMMA_OR_END, NOTHING };

static const char *const wants[] = {
    [VALUE] = "expected a value",
    [ELEMENT_OR_END] = "expected a value or ]",
    [KEY] = "expected a name in quotes",
    [KEY_OR_END] = "expected a name in quotes or }",
    [COLON] = "expected :",
    [COMMA_OR_END] = "expected , or the end of the object or array",
    [NOTHING] = "expected the end of the document",
};

struct scan {
    const char *s;
    size_t n, at;
    enum want want;
    int depth;
    uint64_t is_obj; /* bit d: the container at depth d is an object */
    size_t values;
    const char *what;   /* the mistake at s[at], NULL while there is none */
    struct ll_buf *out; /* as Python: the text in plain JSON, up to `copied`, once something had to be
                           changed; NULL: strict */
    size_t copied;
};

/* s[from..at) stands in the plain text as `with`. */
static void replace(struct scan *c, size_t from, const char *with)
{
    ll_buf_add(c->out, c->s + c->copied, from - c->copied);
    ll_buf_adds(c->out, with);
    c->copied = c->at;
}

static int bad_at(const char *name, const char *text, size_t at, const char *what, int cut,
                  struct ll_err *err)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n')
            line++, column = 1;
        else if (((unsigned char)text[i] & 0xc0) != 0x80) /* not the inside of a character */
            column++;
    }
    return ll_fail(err, LL_EUSAGE, "%s: line %zu, column %zu: not valid JSON: %s%s", name, line, column, what,
                   cut ? ", found the end of the text" : "");
}

static int hex4(const struct scan *c, size_t at, unsigned *v)
{
    *v = 0;
    for (size_t i = at; i < at + 4; i++) {
        const char *digits = "0123456789abcdefABCDEF",
                   *d = i < c->n && c->s[i] ? strchr(digits, c->s[i]) : NULL;
        if (!d)
            return 0;
        *v = *v << 4 | (unsigned)(d - digits < 16 ? d - digits : d - digits - 6);
    }
    return 1;
}

/* At the 'u' of an escape. Surrogates must come as a pair, high then low; Python takes halves. */
static void scan_unicode(struct scan *c)
{
    unsigned hi = 0, lo = 0;
    size_t from = c->at - 1;
    int half = 0;
    if (!hex4(c, c->at + 1, &hi))
        c->what = "expected four hexadecimal digits after \\u";
    else if (!hi)
        c->what = "NUL character (\\u0000) inside a string";
    else if (hi >= 0xdc00 && hi < 0xe000)
        half = 2;
    else if (hi >= 0xd800 && hi < 0xdc00) {
        if (c->n - c->at >= 11 && c->s[c->at + 5] == '\\' && c->s[c->at + 6] == 'u' && hex4(c, c->at + 7, &lo)
            && lo >= 0xdc00 && lo < 0xe000)
            c->at += 6;
        else
            half = 1;
    }
    if (half && !c->out)
        c->what = half == 2 ? "second half of a surrogate pair without the first"
                            : "first half of a surrogate pair without the second";
    if (c->what)
        return;
    c->at += 5;
    if (half)
        replace(c, from, "\xef\xbf\xbd");
}

static void scan_string(struct scan *c)
{
    for (c->at++; c->at < c->n && !c->what;) {
        unsigned char b = (unsigned char)c->s[c->at];
        if (b == '"') {
            c->at++;
            return;
        }
        if (b < 0x20)
            c->what = "control character inside a string";
        else if (b != '\\')
            c->at++;
        else if (++c->at < c->n) {
            if (c->s[c->at] == 'u')
                scan_unicode(c);
            else if (c->s[c->at] && strchr("\"\\/bfnrt", c->s[c->at]))
                c->at++;
            else
                c->what = "unknown escape";
        }
    }
    if (!c->what)
        c->what = "string without an end";
}

static size_t skip_digits(struct scan *c)
{
    size_t from = c->at;
    while (c->at < c->n && c->s[c->at] >= '0' && c->s[c->at] <= '9')
        c->at++;
    return c->at - from;
}

static int skip_one(struct scan *c, const char *set)
{
    int yes = c->at < c->n && c->s[c->at] && strchr(set, c->s[c->at]);
    c->at += (size_t)yes;
    return yes;
}

/* A number that a double cannot hold, or that cJSON cannot read, as what Python makes of it. */
static void fit_number(struct scan *c, size_t from)
{
    char cut[32];
    size_t n = c->at - from;
    if (n <= MAX_NUMBER && !memchr(c->s + from, 'e', n) && !memchr(c->s + from, 'E', n))
        return;
    char *text = strndup(c->s + from, n);
    if (!text) {
        c->out->failed = 1;
        return;
    }
    double v = strtod(text, NULL);
    free(text);
    snprintf(cut, sizeof cut, "%.17g", v);
    if (isinf(v))
        replace(c, from, v < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    else if (n > MAX_NUMBER)
        replace(c, from, cut);
}

static void scan_number(struct scan *c)
{
    size_t from = c->at;
    skip_one(c, "-");
    int zero = c->at < c->n && c->s[c->at] == '0';
    size_t digits = skip_digits(c);
    if (!digits)
        c->what = "expected a digit";
    else if (zero && digits > 1)
        c->what = "number with a leading zero";
    else if (skip_one(c, ".") && !skip_digits(c))
        c->what = "expected a digit after the point";
    else if (skip_one(c, "eE")) {
        skip_one(c, "+-");
        if (!skip_digits(c))
            c->what = "expected a digit in the exponent";
    }
    if (c->what)
        return;
    if (!c->out && c->at - from > MAX_NUMBER)
        c->what = "number of more than 63 characters";
    else if (c->out)
        fit_number(c, from);
}

/* Does one of the words stand here? Its number, and c->at behind it; -1: none. */
static int skip_word(struct scan *c, const char *const *words, int n)
{
    for (int i = 0; i < n; i++) {
        size_t len = strlen(words[i]);
        if (c->n - c->at >= len && !memcmp(c->s + c->at, words[i], len)) {
            c->at += len;
            return i;
        }
    }
    return -1;
}

static void scan_word(struct scan *c)
{
    static const char *const words[] = {"true", "false", "null"};
    if (skip_word(c, words, 3) < 0)
        c->what = wants[c->want];
}

/* What Python's json writes and reads beside JSON; 1: one of them stood here. */
static int scan_not_finite(struct scan *c)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"},
                             *const texts[] = {"\"NaN\"", "\"Infinity\"", "\"-Infinity\""};
    size_t from = c->at;
    int i = c->out ? skip_word(c, words, 3) : -1;
    if (i >= 0)
        replace(c, from, texts[i]);
    return i >= 0;
}

static void after_value(struct scan *c) { c->want = c->depth ? COMMA_OR_END : NOTHING; }

static void open_container(struct scan *c, int is_obj)
{
    if (c->depth == LL_JSON_DEPTH) {
        c->what = "nested too deeply (more than 64 levels)";
        return;
    }
    uint64_t bit = (uint64_t)1 << c->depth++;
    c->is_obj = is_obj ? c->is_obj | bit : c->is_obj & ~bit;
    c->want = is_obj ? KEY_OR_END : ELEMENT_OR_END;
    c->at++;
}

static void scan_value(struct scan *c)
{
    char b = c->s[c->at];
    if (++c->values > MAX_VALUES) {
        c->what = "more than 8 million values";
        return;
    }
    if (b == '{' || b == '[') {
        open_container(c, b == '{');
        return;
    }
    if (b == '"')
        scan_string(c);
    else if (scan_not_finite(c))
        ;
    else if (b == '-' || (b >= '0' && b <= '9'))
        scan_number(c);
    else
        scan_word(c);
    after_value(c);
}

/* One token at s[at], which is no white space. */
static void scan_token(struct scan *c)
{
    char b = c->s[c->at];
    int in_obj = c->depth && (c->is_obj >> (c->depth - 1) & 1);
    int may_close = in_obj ? c->want == KEY_OR_END || c->want == COMMA_OR_END
                           : c->depth && (c->want == ELEMENT_OR_END || c->want == COMMA_OR_END);
    if (may_close && b == (in_obj ? '}' : ']')) {
        c->depth--;
        c->at++;
        after_value(c);
    } else if (c->want == VALUE || c->want == ELEMENT_OR_END)
        scan_value(c);
    else if ((c->want == KEY || c->want == KEY_OR_END) && b == '"') {
        scan_string(c);
        c->want = COLON;
    } else if ((c->want == COLON && b == ':') || (c->want == COMMA_OR_END && b == ',')) {
        c->at++;
        c->want = b == ',' && in_obj ? KEY : VALUE;
    } else
        c->what = wants[c->want];
}

static int scan(struct scan *c, const char *name, struct ll_err *err)
{
    if (!c->n)
        return ll_fail(err, LL_EUSAGE, "%s: expected JSON, found an empty file", name);
    size_t ok = ll_utf8_check(c->s, c->n);
    if (ok < c->n)
        return bad_at(name, c->s, ok, "not UTF-8", 0, err);
    if (c->n >= 3 && LL_BYTES_ARE(c->s, "\xef\xbb\xbf")) /* a byte order mark, as some editors leave it */
        c->at = 3;
    for (;;) {
        while (!c->what && c->at < c->n && c->s[c->at] && strchr(" \t\r\n", c->s[c->at]))
            c->at++;
        if (c->at == c->n || c->what)
            break;
        scan_token(c);
    }
    if (!c->what && c->want != NOTHING)
        c->what = wants[c->want];
    return c->what ? bad_at(name, c->s, c->at, c->what, c->at >= c->n, err) : LL_OK;
}

int ll_json_scan(const char *name, const char *text, size_t n, struct ll_err *err)
{
    struct scan c = {.s = text, .n = n, .want = VALUE};
    return scan(&c, name, err);
}

int ll_json_scan_python(const char *name, const char *text, size_t n, struct ll_buf *out, struct ll_err *err)
{
    struct scan c = {.s = text, .n = n, .want = VALUE, .out = out};
    int rc = scan(&c, name, err);
    if (!rc && c.copied)
        ll_buf_add(out, text + c.copied, n - c.copied);
    if (!rc)
        rc = ll_buf_ok(out, err);
    return rc;
}
