/* decode.c - the decoders of tokenizer.json, a row each: a list of token strings becomes another list; the
 * text is the last list joined. `show` is what a kind does to a single token on display. */
#include "literal.h"
#include "token_internal.h"
#include "utf8.h"

#include <string.h>

typedef int (*apply_fn)(const struct ll_step *step, const struct ll_pieces *in, struct ll_pieces *out,
                        struct ll_err *err);
typedef void (*show_fn)(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out);

/* Close the token that was written behind `start`. */
static int end_token(struct ll_pieces *out, size_t start, struct ll_err *err)
{
    return ll_spans_add(&out->spans, start, out->text.len, 0, err);
}

static void fuse_bytes(const struct ll_pieces *in, struct ll_buf *out)
{
    for (size_t i = 0; i < in->spans.n; i++)
        ll_buf_add(out, in->text.s + in->spans.v[i].start, in->spans.v[i].end - in->spans.v[i].start);
}

static int fuse(const struct ll_step *step, const struct ll_pieces *in, struct ll_pieces *out,
                struct ll_err *err)
{
    (void)step;
    fuse_bytes(in, &out->text);
    return end_token(out, 0, err);
}

static void show_byte_level(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out)
{
    (void)step;
    if (!ll_byte_level_bytes(out, s, n)) /* an added token outside the alphabet stands for its own UTF-8 */
        ll_buf_add(out, s, n);
}

static int byte_level(const struct ll_step *step, const struct ll_pieces *in, struct ll_pieces *out,
                      struct ll_err *err)
{
    struct ll_buf bytes = {0};
    for (size_t i = 0; i < in->spans.n; i++)
        show_byte_level(step, in->text.s + in->spans.v[i].start, in->spans.v[i].end - in->spans.v[i].start,
                        &bytes);
    ll_put_lossy(&out->text, ll_buf_str(&bytes), bytes.len);
    int rc = ll_buf_ok(&bytes, err);
    ll_buf_free(&bytes);
    return rc ? rc : end_token(out, 0, err);
}

static int replace(const struct ll_step *step, const struct ll_pieces *in, struct ll_pieces *out,
                   struct ll_err *err)
{
    struct ll_spans found = {0};
    int rc = LL_OK;
    for (size_t i = 0; i < in->spans.n && !rc; i++) {
        const char *s = in->text.s + in->spans.v[i].start;
        size_t start = out->text.len;
        rc = ll_pattern_find(&step->pattern, s, in->spans.v[i].end - in->spans.v[i].start, &found, err);
        for (size_t k = 0; k < found.n && !rc; k++) {
            const struct ll_span *f = &found.v[k];
            ll_buf_add(&out->text, f->match ? ll_buf_str(&step->text) : s + f->start,
                       f->match ? step->text.len : f->end - f->start);
            rc = ll_check_growth(out->text.len, in->text.len, err);
        }
        if (!rc)
            rc = end_token(out, start, err);
    }
    ll_spans_free(&found);
    return rc;
}

static void show_replace(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out)
{
    struct ll_spans found = {0};
    if (ll_pattern_find(&step->pattern, s, n, &found, NULL)) {
        out->failed = 1; /* no memory */
        found.n = 0;
    }
    for (size_t k = 0; k < found.n; k++) {
        const struct ll_span *f = &found.v[k];
        ll_buf_add(out, f->match ? ll_buf_str(&step->text) : s + f->start,
                   f->match ? step->text.len : f->end - f->start);
    }
    ll_spans_free(&found);
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The byte of a token "<0xE2>", or -1. */
static int byte_token(const char *s, size_t n)
{
    if (n != strlen("<0x00>") || !LL_BYTES_ARE(s, "<0x") || s[5] != '>' || hex(s[3]) < 0 || hex(s[4]) < 0)
        return -1;
    return hex(s[3]) << 4 | hex(s[4]);
}

/* A run of byte tokens: the text if it is well-formed, else one U+FFFD for each byte. */
static int end_bytes(struct ll_buf *run, struct ll_pieces *out, struct ll_err *err)
{
    size_t start = out->text.len;
    if (!run->len)
        return LL_OK;
    if (ll_utf8_check(run->s, run->len) == run->len)
        ll_buf_add(&out->text, run->s, run->len);
    else
        for (size_t i = 0; i < run->len; i++)
            ll_buf_adds(&out->text, "\xEF\xBF\xBD");
    ll_buf_reset(run);
    return end_token(out, start, err);
}

static int byte_fallback(const struct ll_step *step, const struct ll_pieces *in, struct ll_pieces *out,
                         struct ll_err *err)
{
    struct ll_buf run = {0};
    int rc = LL_OK;
    (void)step;
    for (size_t i = 0; i < in->spans.n && !rc; i++) {
        const char *s = in->text.s + in->spans.v[i].start;
        size_t n = in->spans.v[i].end - in->spans.v[i].start;
        int b = byte_token(s, n);
        if (b >= 0) {
            ll_buf_addc(&run, (char)b);
            continue;
        }
        rc = end_bytes(&run, out, err);
        size_t start = out->text.len;
        ll_buf_add(&out->text, s, n);
        if (!rc)
            rc = end_token(out, start, err);
    }
    if (!rc)
        rc = end_bytes(&run, out, err);
    if (!rc)
        rc = ll_buf_ok(&run, err);
    ll_buf_free(&run);
    return rc;
}

static void show_byte_fallback(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out)
{
    int b = byte_token(s, n);
    (void)step;
    if (b >= 0)
        ll_buf_addc(out, (char)b);
    else
        ll_buf_add(out, s, n);
}

/* Up to `start` marks off the front and `stop` off the end of every token. */
static int strip(const struct ll_step *step, const struct ll_pieces *in, struct ll_pieces *out,
                 struct ll_err *err)
{
    const char *c = ll_buf_str(&step->text);
    size_t cn = step->text.len;
    int rc = LL_OK;
    for (size_t i = 0; i < in->spans.n && !rc; i++) {
        const char *s = in->text.s + in->spans.v[i].start;
        size_t a = 0, b = in->spans.v[i].end - in->spans.v[i].start, start = out->text.len;
        for (int k = 0; k < step->start && b - a >= cn && !memcmp(s + a, c, cn); k++)
            a += cn;
        for (int k = 0; k < step->stop && b - a >= cn && !memcmp(s + b - cn, c, cn); k++)
            b -= cn;
        ll_buf_add(&out->text, s + a, b - a);
        rc = end_token(out, start, err);
    }
    return rc;
}

static int metaspace(const struct ll_step *step, const struct ll_pieces *in, struct ll_pieces *out,
                     struct ll_err *err)
{
    const char *mark = ll_buf_str(&step->text);
    size_t mark_n = step->text.len;
    int rc = LL_OK;
    for (size_t i = 0; i < in->spans.n && !rc; i++) {
        const char *s = in->text.s + in->spans.v[i].start;
        size_t n = in->spans.v[i].end - in->spans.v[i].start, start = out->text.len;
        for (size_t k = 0; k < n;) {
            int is_mark = n - k >= mark_n && !memcmp(s + k, mark, mark_n);
            if (!is_mark)
                ll_buf_addc(&out->text, s[k]);
            else if (i || step->scheme == LL_NEVER) /* the first token loses its marks */
                ll_buf_addc(&out->text, ' ');
            k += is_mark ? mark_n : 1;
        }
        rc = end_token(out, start, err);
    }
    return rc;
}

static int finish_metaspace(struct ll_step *step, struct ll_err *err)
{
    int rc = LL_OK;
    if (!step->has_text)
        ll_buf_adds(&step->text, LL_WORD_MARK);
    rc = ll_pattern_literal(&step->pattern, ll_buf_str(&step->text), step->text.len, err);
    return rc;
}

static void show_metaspace(const struct ll_step *step, const char *s, size_t n, struct ll_buf *out)
{
    struct ll_step blank = *step; /* borrowed parts only */
    struct ll_buf space = {(char[]){' ', 0}, 1, 2, 0};
    blank.text = space;
    show_replace(&blank, s, n, out);
}

static const struct row {
    struct ll_step_kind kind;
    apply_fn apply;
    show_fn show; /* NULL: leaves a single token as it is */
} rows[] = {
    {{"ByteLevel", 0, NULL}, byte_level, show_byte_level},
    {{"Replace", LL_NEED_TEXT | LL_NEED_PATTERN, NULL}, replace, show_replace},
    {{"ByteFallback", 0, NULL}, byte_fallback, show_byte_fallback},
    {{"Fuse", 0, NULL}, fuse, NULL},
    {{"Strip", LL_NEED_TEXT, NULL}, strip, NULL},
    {{"Metaspace", 0, finish_metaspace}, metaspace, show_metaspace},
};

static const struct ll_step_kind *kind(size_t i)
{
    return i < sizeof rows / sizeof rows[0] ? &rows[i].kind : NULL;
}
const struct ll_stage ll_decoders = {"decoder", "decoders", kind};

static void pieces_reset(struct ll_pieces *p)
{
    ll_buf_reset(&p->text);
    p->spans.n = 0;
}

int ll_decode(const struct ll_tokenizer *tok, const struct ll_spans *tokens, const char *text,
              struct ll_buf *out, struct ll_err *err)
{
    struct ll_pieces a = {0}, b = {0};
    size_t began = 0;
    int rc = LL_OK;
    for (size_t i = 0; i < tokens->n && !rc; i++) {
        size_t start = a.text.len;
        if (!tok->has_decoder && i) /* the reference joins by spaces then */
            ll_buf_addc(&a.text, ' ');
        ll_buf_add(&a.text, text + tokens->v[i].start, tokens->v[i].end - tokens->v[i].start);
        rc = end_token(&a, start, err);
    }
    began = a.text.len;
    if (!rc)
        rc = ll_buf_ok(&a.text, err);
    for (size_t k = 0; k < tok->decoder.n && !rc; k++) {
        pieces_reset(&b);
        rc = rows[tok->decoder.v[k].kind].apply(&tok->decoder.v[k], &a, &b, err);
        if (!rc)
            rc = ll_buf_ok(&b.text, err);
        struct ll_pieces swap = a;
        a = b;
        b = swap;
        if (!rc)
            rc = ll_check_growth(a.text.len, began, err);
    }
    if (!rc) {
        fuse_bytes(&a, out);
        rc = ll_buf_ok(out, err);
    }
    ll_buf_free(&a.text);
    ll_buf_free(&b.text);
    ll_spans_free(&a.spans);
    ll_spans_free(&b.spans);
    return rc;
}

void ll_token_bytes(const struct ll_tokenizer *tok, const char *s, size_t n, struct ll_buf *out)
{
    struct ll_buf a = {0}, b = {0};
    ll_buf_add(&a, s, n);
    int failed = a.failed;
    for (size_t k = 0; k < tok->decoder.n; k++) {
        show_fn show = rows[tok->decoder.v[k].kind].show;
        if (!show)
            continue;
        ll_buf_reset(&b);
        show(&tok->decoder.v[k], ll_buf_str(&a), a.len, &b);
        failed |= b.failed;
        struct ll_buf swap = a;
        a = b;
        b = swap;
    }
    ll_buf_add(out, ll_buf_str(&a), a.len);
    out->failed |= failed;
    ll_buf_free(&a);
    ll_buf_free(&b);
}
