/* normalize.c - the normalizers of tokenizer.json, a row each. */
#include "precompiled.h"
#include "token_internal.h"
#include "unicode_class.h"
#include "utf8.h"

#include <string.h>

/* *front: how many bytes at the front of s come from the first character of the whole text; a step that
 * removes or replaces characters there keeps it right (Metaspace's "first" needs it). */
typedef int (*apply_fn)(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out,
                        size_t *front, struct ll_err *err);

/* For steps that turn each character into at least one: the first stays the first. */
static int first_stays(const struct ll_buf *out, size_t *front, struct ll_err *err)
{
    uint32_t cp;
    if (ll_buf_ok(out, err))
        return LL_EFAIL;
    if (*front)
        *front = out->len ? (size_t)ll_utf8_next(out->s, out->len, &cp, NULL) : 0;
    return LL_OK;
}

static int form(const char *s, size_t n, int compose, int compat, struct ll_buf *out, size_t *front,
                struct ll_err *err)
{
    int rc = ll_normal_form(s, n, compose, compat, out, err);
    return rc ? rc : first_stays(out, front, err);
}

static int nfc(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, size_t *front,
               struct ll_err *err)
{
    return (void)step, form(s, n, 1, 0, out, front, err);
}
static int nfd(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, size_t *front,
               struct ll_err *err)
{
    return (void)step, form(s, n, 0, 0, out, front, err);
}
static int nfkc(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, size_t *front,
                struct ll_err *err)
{
    return (void)step, form(s, n, 1, 1, out, front, err);
}
static int nfkd(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, size_t *front,
                struct ll_err *err)
{
    return (void)step, form(s, n, 0, 1, out, front, err);
}

static int prepend(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, size_t *front,
                   struct ll_err *err)
{
    if (n)
        ll_buf_add(out, ll_buf_str(&step->text), step->text.len);
    if (*front)
        *front += step->text.len;
    ll_buf_add(out, s, n);
    return ll_buf_ok(out, err);
}

int ll_check_growth(size_t now, size_t before, struct ll_err *err)
{
    if (now / 64 <= before || now < (1 << 20))
        return LL_OK;
    return ll_fail(err, LL_EUSAGE,
                   "tokenizer: its steps make %zu bytes out of a text of %zu: not a tokenizer's work", now,
                   before);
}

static int replace(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, size_t *front,
                   struct ll_err *err)
{
    struct ll_spans found = {0};
    const size_t before = *front;
    int rc = ll_pattern_find(&step->pattern, s, n, &found, err);
    *front = 0;
    for (size_t i = 0; i < found.n && !rc; i++) {
        const struct ll_span *f = &found.v[i];
        if (f->match
            && f->end <= before) /* a replacement stands for the last character of what it replaces */
            *front += step->text.len;
        else if (!f->match && f->start < before)
            *front += (f->end < before ? f->end : before) - f->start;
        if (f->match)
            ll_buf_add(out, ll_buf_str(&step->text), step->text.len);
        else
            ll_buf_add(out, s + f->start, f->end - f->start);
        rc = ll_check_growth(out->len, n, err);
    }
    ll_spans_free(&found);
    return rc ? rc : ll_buf_ok(out, err);
}

static int lowercase(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, size_t *front,
                     struct ll_err *err)
{
    uint32_t cp = 0;
    (void)step;
    for (size_t i = 0; i < n;) {
        i += (size_t)ll_utf8_next(s + i, n - i, &cp, NULL);
        ll_put_lower(out, cp);
    }
    return first_stays(out, front, err);
}

static int strip(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, size_t *front,
                 struct ll_err *err)
{
    uint32_t cp = 0;
    size_t start = 0, end = n, kept = 0; /* kept: end of the last character that is not a space */
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
    *front = *front > start ? *front - start : 0;
    ll_buf_add(out, s + start, end - start);
    return ll_buf_ok(out, err);
}

static int strip_accents(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out,
                         size_t *front, struct ll_err *err)
{
    uint32_t cp = 0;
    size_t before = *front;
    (void)step;
    *front = 0;
    for (size_t i = 0; i < n;) {
        size_t len = (size_t)ll_utf8_next(s + i, n - i, &cp, NULL);
        if (!ll_is_accent(cp))
            ll_buf_add(out, s + i, len);
        i += len;
        if (i <= before)
            *front = out->len;
    }
    return ll_buf_ok(out, err);
}

static int byte_level(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, size_t *front,
                      struct ll_err *err)
{
    (void)step;
    ll_byte_level_put(out, s, n);
    return first_stays(out, front, err);
}

static int finish_precompiled(struct ll_step *step, struct ll_err *err)
{
    struct ll_buf map = {0};
    int rc = ll_base64_decode(ll_buf_str(&step->text), step->text.len, &map)
        ? ll_buf_ok(&map, err)
        : ll_fail(err, LL_EUSAGE, "precompiled_charsmap: expected base64");
    ll_buf_free(&step->text);
    step->text = map;
    return rc ? rc : ll_charsmap_check(ll_buf_str(&map), map.len, err);
}

static int precompiled(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out, size_t *front,
                       struct ll_err *err)
{
    int rc = ll_charsmap_apply(step->text.s, step->text.len, s, n, out, err);
    return rc ? rc : first_stays(out, front, err);
}

static int finish_prepend(struct ll_step *step, struct ll_err *err)
{
    if (step->text.len)
        return LL_OK;
    return ll_fail(
        err, LL_EUNSUP,
        "Prepend of an empty text is not supported"); /* the reference doubles the first character then */
}

static const struct row {
    struct ll_step_kind kind;
    apply_fn apply;
} rows[] = {
    {{"NFC", 0, NULL}, nfc},
    {{"NFD", 0, NULL}, nfd},
    {{"NFKC", 0, NULL}, nfkc},
    {{"NFKD", 0, NULL}, nfkd},
    {{"Prepend", LL_NEED_TEXT, finish_prepend}, prepend},
    {{"Replace", LL_NEED_TEXT | LL_NEED_PATTERN, NULL}, replace},
    {{"Lowercase", 0, NULL}, lowercase},
    {{"Strip", 0, NULL}, strip},
    {{"StripAccents", 0, NULL}, strip_accents},
    {{"ByteLevel", 0, NULL}, byte_level},
    {{"Precompiled", LL_NEED_TEXT, finish_precompiled}, precompiled},
};

static const struct ll_step_kind *kind(size_t i)
{
    return i < sizeof rows / sizeof rows[0] ? &rows[i].kind : NULL;
}
const struct ll_stage ll_normalizers = {"normalizer", "normalizers", kind};

int ll_normalize(const struct ll_steps *steps, const char *s, size_t n, struct ll_scratch *scratch,
                 struct ll_buf *out, struct ll_err *err)
{
    int rc = LL_OK;
    uint32_t cp;
    ll_buf_reset(out);
    ll_buf_add(out, s, n);
    scratch->front = n ? (size_t)ll_utf8_next(s, n, &cp, NULL) : 0;
    if (out->failed)
        return ll_buf_ok(out, err);
    for (size_t i = 0; i < steps->n && !rc; i++) {
        ll_buf_reset(&scratch->y);
        rc = rows[steps->v[i].kind].apply(&steps->v[i], ll_buf_str(out), out->len, &scratch->y,
                                          &scratch->front, err);
        struct ll_buf swap = *out;
        *out = scratch->y;
        scratch->y = swap;
        if (!rc)
            rc = ll_check_growth(out->len, n, err);
    }
    return rc ? rc : ll_buf_ok(out, err);
}
