/* regex.c - patterns without a hand-written matcher, through PCRE2.
 *
 * The reference compiles them with Oniguruma (Ruby syntax, Unicode 16). Before PCRE2 sees a pattern its
 * classes
 * (\p{..}, \s, \d, \w, \h) become explicit ranges, so that the result does not depend on the Unicode version
 * of the installed library; constructs that mean something else in the two dialects are refused by name. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "literal.h"
#include "pattern.h"
#include "unicode_class.h"
#include "utf8.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

struct ll_regex {
    pcre2_code *code;           /* owned */
    pcre2_match_context *limit; /* owned; only read after compiling */
};
enum {
    MATCH_LIMIT = 20000000,   /* steps of one match; the patterns at hand need a few per character */
    MAX_EXPR = 20000,         /* bytes of a pattern; published ones have a few hundred */
    MAX_TRANSLATED = 4 << 20, /* with its classes as ranges */
};

typedef void (*range_fn)(void *arg, uint32_t first, uint32_t last);

struct translation {
    const char *s, *what;
    size_t n, i;
    struct ll_buf out;
    struct ll_err *err;
    uint32_t next; /* complement(): where the next gap begins */
    range_fn each; /* word_ranges(): what takes a range */
    int groups;
    int own_classes; /* leave \p{..} to PCRE2 */
    int old;         /* categories of llama.cpp's tables */
};

static int unsupported(struct translation *t, const char *thing)
{
    return ll_fail(t->err, LL_EUNSUP, "%s: the pattern uses %s (character %zu), which is not supported",
                   t->what, thing, t->i);
}

static void put_range(void *arg, uint32_t first, uint32_t last)
{
    struct translation *t = arg;
    ll_buf_addf(&t->out, "\\x{%X}", first);
    if (last > first)
        ll_buf_addf(&t->out, "-\\x{%X}", last);
}

static void put_gap(void *arg, uint32_t first, uint32_t last)
{
    struct translation *t = arg;
    if (first > t->next)
        put_range(t, t->next, first - 1);
    t->next = last + 1;
}

static void space_ranges(range_fn fn, void *arg)
{
    static const uint32_t r[][2] = {{9, 13},          {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},
                                    {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
                                    {0x205F, 0x205F}, {0x3000, 0x3000}};
    for (size_t i = 0; i < sizeof r / sizeof r[0]; i++)
        fn(arg, r[i][0], r[i][1]);
}

/* Oniguruma's (Unicode 16): the script that published patterns name, newer than many an installed PCRE2. */
static void han_ranges(range_fn fn, void *arg)
{
    static const uint32_t r[][2] = {{0x2E80, 0x2E99},   {0x2E9B, 0x2EF3},   {0x2F00, 0x2FD5},
                                    {0x3005, 0x3005},   {0x3007, 0x3007},   {0x3021, 0x3029},
                                    {0x3038, 0x303B},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},
                                    {0xF900, 0xFA6D},   {0xFA70, 0xFAD9},   {0x16FE2, 0x16FE3},
                                    {0x16FF0, 0x16FF1}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B739},
                                    {0x2B740, 0x2B81D}, {0x2B820, 0x2CEA1}, {0x2CEB0, 0x2EBE0},
                                    {0x2EBF0, 0x2EE5D}, {0x2F800, 0x2FA1D}, {0x30000, 0x3134A},
                                    {0x31350, 0x323AF}};
    for (size_t i = 0; i < sizeof r / sizeof r[0]; i++)
        fn(arg, r[i][0], r[i][1]);
}

static void hex_ranges(range_fn fn, void *arg)
{
    fn(arg, '0', '9');
    fn(arg, 'A', 'F');
    fn(arg, 'a', 'f');
}

/* The word characters of single_word and Whitespace (Rust's) hold the two joiners, Oniguruma's do not;
 * outside brackets it counts superscripts and fractions of Latin-1 among them. */
static void without_joiners(void *arg, uint32_t first, uint32_t last)
{
    struct translation *t = arg;
    if (first != 0x200C)
        t->each(t, first, last);
}

static void word_ranges(struct translation *t, range_fn fn, int in_set)
{
    t->each = fn;
    ll_word_ranges(without_joiners, t);
    if (!in_set)
        fn(t, 0xB2, 0xB3), fn(t, 0xB9, 0xB9), fn(t, 0xBC, 0xBE);
}

/* The ranges of one class, plain or complemented; inside brackets without brackets of their own. */
static void put_class(struct translation *t, int kind, uint32_t bits, int inverted, int in_set)
{
    range_fn fn = inverted && in_set ? put_gap : put_range;
    t->next = 0;
    if (!in_set)
        ll_buf_adds(&t->out, inverted ? "[^" : "[");
    if (kind == 's')
        space_ranges(fn, t);
    else if (kind == 'H')
        han_ranges(fn, t);
    else if (kind == 'h')
        hex_ranges(fn, t);
    else if (kind == 'w')
        word_ranges(t, fn, in_set);
    else if (t->old)
        ll_old_category_ranges(bits, fn, t);
    else
        ll_category_ranges(bits, fn, t);
    if (fn == put_gap && t->next <= 0x10FFFF)
        put_range(t, t->next, 0x10FFFF);
    if (!in_set)
        ll_buf_addc(&t->out, ']');
}

static uint32_t category_bits(const char *name, size_t n)
{
    static const char two[LL_N_CATEGORIES][3] = {"Cn", "Cc", "Cf", "Co", "Cs", "Ll", "Lm", "Lo", "Lt", "Lu",
                                                 "Mc", "Me", "Mn", "Nd", "Nl", "No", "Pc", "Pd", "Pe", "Pf",
                                                 "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs"};
    uint32_t bits = 0;
    for (int c = 0; c < LL_N_CATEGORIES && (n == 1 || n == 2); c++)
        if (two[c][0] == name[0] && (n == 1 || two[c][1] == name[1]))
            bits |= LL_BIT(c);
    return bits;
}

/* \p{X}, \P{X}, \p{^X}: a category becomes ranges, anything else must be a script and is left to PCRE2, which
 * would take scx:X, the script's extensions, for a bare X. t->i stands at the p. */
static int property(struct translation *t, int in_set)
{
    int inverted = t->s[t->i] == 'P';
    const char *open = t->s + t->i + 1,
               *close = t->i + 1 < t->n && *open == '{' ? memchr(open, '}', t->n - t->i - 1) : NULL;
    if (!close)
        return unsupported(t, "\\p without {name}");
    const char *name = open + 1;
    if (*name == '^')
        inverted = !inverted, name++;
    uint32_t bits = t->own_classes ? 0 : category_bits(name, (size_t)(close - name));
    if (bits)
        put_class(t, 'p', bits, inverted, in_set);
    else if (!t->old && LL_IS(name, (size_t)(close - name), "Han"))
        put_class(t, 'H', 0, inverted, in_set);
    else
        ll_buf_addf(&t->out, "\\%c{%s%.*s}", inverted ? 'P' : 'p',
                    t->own_classes && category_bits(name, (size_t)(close - name)) ? "" : "sc:",
                    (int)(close - name), name);
    t->i = (size_t)(close - t->s) + 1;
    return LL_OK;
}

/* A backslash and what follows. */
static int escaped(struct translation *t, int in_set)
{
    if (++t->i >= t->n)
        return unsupported(t, "a backslash at its end");
    char c = t->s[t->i], lower = (char)(c | 32);
    if (lower == 'p')
        return property(t, in_set);
    if (c && strchr("sSdDwWhH", c)) {
        put_class(t, lower, lower == 'd' ? LL_BIT(LL_ND) : 0, c != lower, in_set);
        t->i++;
        return LL_OK;
    }
    if (c == 'x' && t->i + 1 < t->n && t->s[t->i + 1] == '{') {
        const char *end = memchr(t->s + t->i, '}', t->n - t->i);
        size_t len = end ? (size_t)(end + 1 - (t->s + t->i)) : t->n - t->i;
        ll_buf_addc(&t->out, '\\');
        ll_buf_add(&t->out, t->s + t->i, len);
        t->i += len;
        return LL_OK;
    }
    int alnum = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
    if ((c == 'b' || c == 'B') && !in_set)
        return unsupported(t, "a word boundary"); /* PCRE2's words have no marks */
    if (alnum && !strchr(in_set ? "rntfvaex" : "rntfvaexAzZ", c))
        return unsupported(t, "an escape that is not known");
    if (c == 'v') /* vertical tab in Ruby, all vertical space in PCRE2 */
        ll_buf_adds(&t->out, "\\x{B}");
    else if ((unsigned char)c < 0x80)
        ll_buf_addf(&t->out, "\\%c", c);
    else
        ll_buf_addc(&t->out, c);
    t->i++;
    return LL_OK;
}

static int set(struct translation *t)
{
    ll_buf_addc(&t->out, '[');
    t->i++;
    if (t->i < t->n && t->s[t->i] == '^') {
        ll_buf_addc(&t->out, '^');
        t->i++;
    }
    if (t->i < t->n && t->s[t->i] == ']')
        return unsupported(t, "an empty set");
    while (t->i < t->n && t->s[t->i] != ']') {
        char c = t->s[t->i];
        int rc = LL_OK;
        if (c == '[')
            return unsupported(t, "a set inside a set");
        if (c == '&' && t->i + 1 < t->n && t->s[t->i + 1] == '&')
            return unsupported(t, "an intersection of sets");
        if (c == '\\')
            rc = escaped(t, 1);
        else
            ll_buf_addc(&t->out, c), t->i++;
        if (rc)
            return rc;
    }
    if (t->i >= t->n)
        return unsupported(t, "a set without end");
    ll_buf_addc(&t->out, ']');
    t->i++;
    return LL_OK;
}

/* "(?...": only what means the same in both dialects. */
static int group(struct translation *t)
{
    static const char *const heads[] = {"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
    if (++t->groups > 200)
        return unsupported(t, "more than 200 groups");
    if (t->i + 1 < t->n && t->s[t->i + 1] == '?') {
        size_t k = 0, len = 0;
        for (; k < sizeof heads / sizeof heads[0]; k++)
            if ((len = strlen(heads[k])) <= t->n - t->i && !memcmp(heads[k], t->s + t->i, len))
                break;
        if (k == sizeof heads / sizeof heads[0])
            return unsupported(t, "a group of an unknown kind");
        ll_buf_add(&t->out, t->s + t->i, len);
        t->i += len;
        return LL_OK;
    }
    if (t->i + 1 < t->n && t->s[t->i + 1] == '*')
        return unsupported(t, "a verb");
    ll_buf_addc(&t->out, '(');
    t->i++;
    return LL_OK;
}

static size_t digits(const struct translation *t, size_t i)
{
    size_t from = i;
    while (i < t->n && t->s[i] >= '0' && t->s[i] <= '9')
        i++;
    return i - from;
}

/* {n}, {n,}, {,m}, {n,m}: a count; any other brace is itself. */
static int brace(struct translation *t)
{
    size_t least = digits(t, t->i + 1), i = t->i + 1 + least, most = 0;
    int has_comma = i < t->n && t->s[i] == ',';
    if (has_comma)
        most = digits(t, i + 1), i += 1 + most;
    if ((!least && !most) || i >= t->n || t->s[i] != '}') {
        ll_buf_adds(&t->out, "\\{");
        t->i++;
        return LL_OK;
    }
    char next = i + 1 < t->n ? t->s[i + 1] : 0;
    if (next == '+')
        return unsupported(t, "{n,m}+"); /* repeated in Ruby, possessive in PCRE2 */
    if (next == '?' && !has_comma)
        return unsupported(t, "{n}?");        /* n times or not at all in Ruby, n times in PCRE2 */
    ll_buf_adds(&t->out, least ? "{" : "{0"); /* PCRE2 knows {,m} since 10.43 */
    ll_buf_add(&t->out, t->s + t->i + 1, i - t->i);
    t->i = i + 1;
    return LL_OK;
}

static int translate(struct translation *t)
{
    int rc = LL_OK;
    while (t->i < t->n && !rc) {
        char c = t->s[t->i];
        if (t->out.len > MAX_TRANSLATED)
            rc = unsupported(t, "too many classes");
        else if (c == '\\')
            rc = escaped(t, 0);
        else if (c == '[')
            rc = set(t);
        else if (c == '(')
            rc = group(t);
        else if (c == '{')
            rc = brace(t);
        else
            ll_buf_addc(&t->out, c), t->i++;
    }
    return rc ? rc : ll_buf_ok(&t->out, t->err);
}

/* *too_large: PCRE2 cannot hold the pattern in its 64 kB; no message then. */
static int compile(struct ll_regex *r, const struct ll_buf *expr, const char *what, int *too_large,
                   struct ll_err *err)
{
    int code;
    PCRE2_SIZE at;
    PCRE2_UCHAR text[160];
    pcre2_compile_context *cc = pcre2_compile_context_create(NULL);
    if (!r->limit)
        r->limit = pcre2_match_context_create(NULL);
    if (!cc || !r->limit) {
        pcre2_compile_context_free(cc);
        return ll_fail_mem(err, "a pattern", 0);
    }
    pcre2_set_newline(cc, PCRE2_NEWLINE_LF);
    pcre2_set_match_limit(r->limit, MATCH_LIMIT);
    r->code =
        pcre2_compile((PCRE2_SPTR)ll_buf_str(expr), expr->len,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &code, &at, cc);
    pcre2_compile_context_free(cc);
    if (!r->code && code == PCRE2_ERROR_PATTERN_TOO_LARGE && !*too_large)
        return *too_large = 1, LL_EUSAGE;
    if (!r->code) {
        pcre2_get_error_message(code, text, sizeof text);
        return ll_fail(err, code == PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY ? LL_EUNSUP : LL_EUSAGE,
                       "%s: the pattern is no regular expression: %s", what, (char *)text);
    }
    pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); /* where there is none, the interpreter does */
    return LL_OK;
}

static int compile_with(struct ll_regex **regex, const char *expr, size_t n, const char *what, int old,
                        struct ll_err *err)
{
    struct translation t = {.s = expr, .n = n, .what = what, .old = old, .err = err};
    int too_large = 0;
    *regex = NULL;
    if (n > MAX_EXPR)
        return ll_fail(err, LL_EUNSUP, "%s: a pattern of %zu bytes is longer than the %d supported", what, n,
                       MAX_EXPR);
    struct ll_regex *r = calloc(1, sizeof *r);
    if (!r)
        return ll_fail_mem(err, "a pattern", sizeof *r);
    int rc = translate(&t);
    if (!rc)
        rc = compile(r, &t.out, what, &too_large, err);
    if (too_large) { /* with PCRE2's own classes: right for all but the newest characters */
        ll_buf_reset(&t.out);
        t.i = 0;
        t.groups = 0;
        t.own_classes = 1;
        rc = translate(&t);
        if (!rc)
            rc = compile(r, &t.out, what, &too_large, err);
    }
    ll_buf_free(&t.out);
    if (rc)
        ll_regex_free(r);
    else
        *regex = r;
    return rc;
}

int ll_regex_compile(struct ll_regex **regex, const char *expr, size_t n, const char *what,
                     struct ll_err *err)
{
    return compile_with(regex, expr, n, what, 0, err);
}

int ll_regex_compile_old(struct ll_regex **regex, const char *expr, size_t n, const char *what,
                         struct ll_err *err)
{
    return compile_with(regex, expr, n, what, 1, err);
}

void ll_regex_free(struct ll_regex *regex)
{
    if (!regex)
        return;
    pcre2_code_free(regex->code);
    pcre2_match_context_free(regex->limit);
    free(regex);
}

static int match_at(const struct ll_regex *r, const char *s, size_t n, size_t from, pcre2_match_data *md)
{
    int rc = pcre2_match(r->code, (PCRE2_SPTR)s, n, from, PCRE2_NO_UTF_CHECK, md, r->limit);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) /* the interpreter works on the heap */
        rc = pcre2_match(r->code, (PCRE2_SPTR)s, n, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, md, r->limit);
    return rc;
}

int ll_regex_find(const struct ll_regex *regex, const char *s, size_t n, struct ll_spans *spans,
                  struct ll_err *err)
{
    pcre2_match_data *md = pcre2_match_data_create(1, NULL);
    if (!md)
        return ll_fail_mem(err, "splitting", 0);
    const PCRE2_SIZE *ov = pcre2_get_ovector_pointer(md);
    size_t done = 0, from = 0;
    int rc = LL_OK, m, any = 0;
    spans->n = 0;
    while (!rc && from <= n && (m = match_at(regex, s, n, from, md)) != PCRE2_ERROR_NOMATCH) {
        if (m < 0) {
            PCRE2_UCHAR text[160];
            pcre2_get_error_message(m, text, sizeof text);
            rc = ll_fail(err, LL_EUSAGE, "a pattern of the tokenizer failed on the text at byte %zu: %s",
                         from, (char *)text);
            break;
        }
        size_t start = ov[0], end = ov[1];
        from = end;
        if (end <= start) { /* empty: counts unless it touches the last match; go on one character further */
            uint32_t cp;
            from = start < n ? start + (size_t)ll_utf8_next(s + start, n - start, &cp, NULL) : n + 1;
            if (end < start || (any && start == done))
                continue;
        }
        rc = ll_spans_match(spans, &done, start, end, err);
        any = 1;
    }
    pcre2_match_data_free(md);
    if (!rc && done < n)
        rc = ll_spans_add(spans, done, n, 0, err);
    return rc;
}
