/* normalize.c - the normalizers of tokenizer.json, a row each. */
#include "token_internal.h"
#include "unicode_class.h"
#include "utf8.h"

#include <string.h>

typedef int (*apply_fn)(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, struct ll_err *err);

static int nfc(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, struct ll_err *err)
{
    return (void)step, ll_normal_form(s, n, 1, 0, out, err);
}
static int nfd(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, struct ll_err *err)
{
    return (void)step, ll_normal_form(s, n, 0, 0, out, err);
}
static int nfkc(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, struct ll_err *err)
{
    return (void)step, ll_normal_form(s, n, 1, 1, out, err);
}
static int nfkd(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, struct ll_err *err)
{
    return (void)step, ll_normal_form(s, n, 0, 1, out, err);
}

static int prepend(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, struct ll_err *err)
{
    if (n)
        ll_buf_add(out, ll_buf_str(&step->text), step->text.len);
    ll_buf_add(out, s, n);
    return ll_buf_ok(out, err);
}

int ll_check_growth(size_t now, size_t before, struct ll_err *err)
{
    if (now / 64 <= before || now < (1 << 20))
        return LL_OK;
    return ll_fail(err, LL_EUSAGE, "tokenizer: its steps make %zu bytes out of a text of %zu: not a tokenizer's work", now, before);
}

static int replace(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, struct ll_err *err)
{
    struct ll_spans found = {0};
    int rc = ll_pattern_find(&step->pattern, s, n, &found, err);
    for (size_t i = 0; i < found.n && !rc; i++) {
        const struct ll_span *f = &found.v[i];
        if (f->match)
            ll_buf_add(out, ll_buf_str(&step->text), step->text.len);
        else
            ll_buf_add(out, s + f->start, f->end - f->start);
        rc = ll_check_growth(out->len, n, err);
    }
    ll_spans_free(&found);
    return rc ? rc : ll_buf_ok(out, err);
}

static int lowercase(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, struct ll_err *err)
{
    uint32_t cp = 0;
    (void)step;
    for (size_t i = 0; i < n;) {
        i += (size_t)ll_utf8_next(s + i, n - i, &cp, NULL);
        ll_put_lower(out, cp);
    }
    return ll_buf_ok(out, err);
}

static int strip(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, struct ll_err *err)
{
    uint32_t cp = 0;
    size_t start = 0, end = n, kept = 0; /* kept: end of the last character that is no space */
    for (size_t i = 0; i < n;) {
        size_t len = (size_t)ll_utf8_next(s + i, n - i, &cp, NULL);
        if (!ll_is_space(cp))
            kept = i + len;
        else if (!kept && step->strip_left)
            start = i + len;
        i += len;
    }
    if (step->strip_right)
        end = kept > start ? kept : start;
    ll_buf_add(out, s + start, end - start);
    return ll_buf_ok(out, err);
}

static int strip_accents(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, struct ll_err *err)
{
    uint32_t cp = 0;
    (void)step;
    for (size_t i = 0; i < n;) {
        size_t len = (size_t)ll_utf8_next(s + i, n - i, &cp, NULL);
        if (!ll_is_accent(cp))
            ll_buf_add(out, s + i, len);
        i += len;
    }
    return ll_buf_ok(out, err);
}

static int byte_level(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, struct ll_err *err)
{
    (void)step;
    ll_byte_level_put(out, s, n);
    return ll_buf_ok(out, err);
}

static const struct row {
    struct ll_step_kind kind;
    apply_fn apply;
} rows[] = {
    {{"NFC", 0, NULL}, nfc},
    {{"NFD", 0, NULL}, nfd},
    {{"NFKC", 0, NULL}, nfkc},
    {{"NFKD", 0, NULL}, nfkd},
    {{"Prepend", LL_NEED_TEXT, NULL}, prepend},
    {{"Replace", LL_NEED_TEXT | LL_NEED_PATTERN, NULL}, replace},
    {{"Lowercase", 0, NULL}, lowercase},
    {{"Strip", 0, NULL}, strip},
    {{"StripAccents", 0, NULL}, strip_accents},
    {{"ByteLevel", 0, NULL}, byte_level},
};

static const struct ll_step_kind *kind(size_t i) { return i < sizeof rows / sizeof rows[0] ? &rows[i].kind : NULL; }
const struct ll_stage ll_normalizers = {"normalizer", "normalizers", kind};

int ll_normalize(const struct ll_steps *steps, const char *s, size_t n, struct ll_scratch *scratch, struct ll_buf *out, struct ll_err *err)
{
    int rc = LL_OK;
    ll_buf_reset(out);
    ll_buf_add(out, s, n);
    for (size_t i = 0; i < steps->n && !rc; i++) {
        ll_buf_reset(&scratch->y);
        rc = rows[steps->v[i].kind].apply(&steps->v[i], ll_buf_str(out), out->len, &scratch->y, err);
        struct ll_buf swap = *out;
        *out = scratch->y;
        scratch->y = swap;
        if (!rc)
            rc = ll_check_growth(out->len, n, err);
    }
    return rc ? rc : ll_buf_ok(out, err);
}
