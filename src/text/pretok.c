/* pretok.c - the pre-tokenizers of tokenizer.json, a row each: they change the pieces of a stretch of text or
 * cut them further. Each step makes scratch->b from scratch->a; the two then change places. */
#include "literal.h"
#include "token_internal.h"
#include "unicode_class.h"
#include "utf8.h"

#include <string.h>

typedef int (*apply_fn)(const struct ll_step *step, struct ll_scratch *x, const char *s, size_t n,
                        int at_start, struct ll_err *err);

/* Add s[0..n) to the new pieces. Empty ones vanish. */
static int put(struct ll_pieces *p, const char *s, size_t n, struct ll_err *err)
{
    size_t start = p->text.len;
    ll_buf_add(&p->text, s, n);
    int rc = ll_buf_ok(&p->text, err); /* a span over text that is not there would be read */
    return rc || !n ? rc : ll_spans_add(&p->spans, start, start + n, 0, err);
}

/* Spans of matches and gaps -> spans of pieces, `match` meaning "to be removed". One function per behaviour
 * of Split. */
static int merged(struct ll_spans *out, const struct ll_span *f, int join, struct ll_err *err)
{
    if (join && out->n) {
        out->v[out->n - 1].end = f->end;
        return LL_OK;
    }
    return ll_spans_add(out, f->start, f->end, 0, err);
}

static int isolated(const struct ll_spans *in, struct ll_spans *out, struct ll_err *err)
{
    int rc = LL_OK;
    for (size_t i = 0; i < in->n && !rc; i++)
        rc = ll_spans_add(out, in->v[i].start, in->v[i].end, 0, err);
    return rc;
}

static int removed(const struct ll_spans *in, struct ll_spans *out, struct ll_err *err)
{
    int rc = LL_OK;
    for (size_t i = 0; i < in->n && !rc; i++)
        rc = ll_spans_add(out, in->v[i].start, in->v[i].end, in->v[i].match, err);
    return rc;
}

static int contiguous(const struct ll_spans *in, struct ll_spans *out, struct ll_err *err)
{
    int rc = LL_OK, previous = 0;
    for (size_t i = 0; i < in->n && !rc; previous = in->v[i++].match)
        rc = merged(out, &in->v[i], in->v[i].match == previous, err);
    return rc;
}

static int with_previous(const struct ll_spans *in, struct ll_spans *out, struct ll_err *err)
{
    int rc = LL_OK, previous = 0;
    for (size_t i = 0; i < in->n && !rc; previous = in->v[i++].match)
        rc = merged(out, &in->v[i], in->v[i].match && !previous, err);
    return rc;
}

/* From the right: a match joins what stands behind it, unless that is a match too. */
static int with_next(const struct ll_spans *in, struct ll_spans *out, struct ll_err *err)
{
    int rc = LL_OK;
    for (size_t i = 0; i < in->n && !rc; i++)
        rc = merged(out, &in->v[i], i && in->v[i - 1].match && !in->v[i].match, err);
    return rc;
}

static int (*const behaviors[])(const struct ll_spans *, struct ll_spans *, struct ll_err *) = {
    [LL_ISOLATED] = isolated,          [LL_REMOVED] = removed,
    [LL_CONTIGUOUS] = contiguous,      [LL_MERGED_WITH_PREVIOUS] = with_previous,
    [LL_MERGED_WITH_NEXT] = with_next,
};

/* Cut one piece and pass each part on. */
static int cut(const struct ll_step *step, int behavior, struct ll_scratch *x, const char *s, size_t n,
               int to_bytes, struct ll_err *err)
{
    int rc = ll_pattern_find(&step->pattern, s, n, &x->found, err);
    for (size_t i = 0; step->invert && i < x->found.n; i++)
        x->found.v[i].match = !x->found.v[i].match;
    x->merged.n = 0;
    if (!rc)
        rc = behaviors[behavior](&x->found, &x->merged, err);
    for (size_t i = 0; i < x->merged.n && !rc; i++) {
        const struct ll_span *p = &x->merged.v[i];
        if (p->match || p->end == p->start)
            continue;
        size_t start = x->b.text.len;
        if (!x->b.spans.n && p->start)
            x->b.at_start = 0; /* what stood in front was removed */
        if (to_bytes)
            ll_byte_level_put(&x->b.text, s + p->start, p->end - p->start);
        else
            ll_buf_add(&x->b.text, s + p->start, p->end - p->start);
        rc = ll_spans_add(&x->b.spans, start, x->b.text.len, 0, err);
    }
    return rc;
}

static int split(const struct ll_step *step, struct ll_scratch *x, const char *s, size_t n, int at_start,
                 struct ll_err *err)
{
    return (void)at_start, cut(step, step->behavior, x, s, n, 0, err);
}

static int byte_level(const struct ll_step *step, struct ll_scratch *x, const char *s, size_t n, int at_start,
                      struct ll_err *err)
{
    (void)at_start;
    if (step->add_prefix_space && s[0] != ' ') {
        ll_buf_reset(&x->x);
        ll_buf_addc(&x->x, ' ');
        ll_buf_add(&x->x, s, n);
        if (x->x.failed)
            return ll_buf_ok(&x->x, err);
        s = x->x.s;
        n = x->x.len;
    }
    return cut(step, LL_ISOLATED, x, s, n, 1, err);
}

static int metaspace(const struct ll_step *step, struct ll_scratch *x, const char *s, size_t n, int at_start,
                     struct ll_err *err)
{
    const char *mark = ll_buf_str(&step->text);
    size_t mark_n = step->text.len;
    struct ll_buf *b = &x->x;
    ll_buf_reset(b);
    int marked = s[0] == ' ' || (n >= mark_n && !memcmp(s, mark, mark_n));
    if (!marked && (step->scheme == LL_ALWAYS || (step->scheme == LL_FIRST && at_start)))
        ll_buf_add(b, mark, mark_n);
    for (size_t i = 0; i < n; i++)
        ll_buf_add(b, s[i] == ' ' ? mark : s + i, s[i] == ' ' ? mark_n : 1);
    if (b->failed)
        return ll_buf_ok(b, err);
    if (!step->split)
        return put(&x->b, ll_buf_str(b), b->len, err);
    return cut(step, LL_MERGED_WITH_NEXT, x, ll_buf_str(b), b->len, 0, err);
}

static int finish_byte_level(struct ll_step *step, struct ll_err *err)
{
    const char *g = ll_word_rule_expr(0); /* GPT-2's */
    if (!step->use_regex)
        return LL_OK;
    return ll_pattern_regex(&step->pattern, g, strlen(g), "ByteLevel", err);
}

static int finish_metaspace(struct ll_step *step, struct ll_err *err)
{
    if (!step->has_text)
        ll_buf_adds(&step->text, LL_WORD_MARK);
    return ll_pattern_literal(&step->pattern, ll_buf_str(&step->text), step->text.len, err);
}

static int chars(struct ll_step *step, int (*is)(uint32_t), int behavior)
{
    step->pattern = (struct ll_pattern){.kind = LL_PATTERN_CHARS, .is = is};
    step->behavior = behavior;
    return LL_OK;
}

static int finish_digits(struct ll_step *step, struct ll_err *err)
{
    return (void)err, chars(step, ll_is_numeric, step->individual_digits ? LL_ISOLATED : LL_CONTIGUOUS);
}
static int finish_punctuation(struct ll_step *step, struct ll_err *err)
{
    return (void)err, chars(step, ll_is_punct, step->behavior);
}
static int finish_whitespace_split(struct ll_step *step, struct ll_err *err)
{
    return (void)err, chars(step, ll_is_space, LL_REMOVED);
}

static int finish_whitespace(struct ll_step *step, struct ll_err *err)
{
    step->invert = 1;
    step->behavior = LL_REMOVED;
    /* \w+|[^\w\s]+ with Rust's word characters: the two joiners too */
    return ll_pattern_regex(&step->pattern, LL_LIT("[\\w\\x{200C}\\x{200D}]+|[^\\w\\s\\x{200C}\\x{200D}]+"),
                            "Whitespace", err);
}

static int finish_delimiter(struct ll_step *step, struct ll_err *err)
{
    step->behavior = LL_REMOVED;
    return ll_pattern_literal(&step->pattern, ll_buf_str(&step->text), step->text.len, err);
}

static const struct row {
    struct ll_step_kind kind;
    apply_fn apply;
} rows[] = {
    {{"ByteLevel", 0, finish_byte_level}, byte_level},
    {{"Split", LL_NEED_PATTERN, NULL}, split},
    {{"Metaspace", 0, finish_metaspace}, metaspace},
    {{"Digits", 0, finish_digits}, split},
    {{"Punctuation", 0, finish_punctuation}, split},
    {{"WhitespaceSplit", 0, finish_whitespace_split}, split},
    {{"Whitespace", 0, finish_whitespace}, split},
    {{"CharDelimiterSplit", LL_NEED_TEXT, finish_delimiter}, split},
};

static const struct ll_step_kind *kind(size_t i)
{
    return i < sizeof rows / sizeof rows[0] ? &rows[i].kind : NULL;
}
const struct ll_stage ll_pretokenizers = {"pre_tokenizer", "pretokenizers", kind};

int ll_pretokenize(const struct ll_steps *steps, const char *s, size_t n, int at_start, struct ll_scratch *x,
                   struct ll_err *err)
{
    ll_buf_reset(&x->a.text);
    x->a.spans.n = 0;
    x->a.at_start = at_start;
    int rc = put(&x->a, s, n, err);
    if (!rc)
        rc = ll_buf_ok(&x->a.text, err);
    for (size_t k = 0; k < steps->n && !rc; k++) {
        const struct ll_step *step = &steps->v[k];
        ll_buf_reset(&x->b.text);
        x->b.spans.n = 0;
        x->b.at_start = x->a.at_start;
        for (size_t i = 0; i < x->a.spans.n && !rc; i++) {
            const struct ll_span *p = &x->a.spans.v[i];
            rc = rows[step->kind].apply(step, x, x->a.text.s + p->start, p->end - p->start,
                                        x->a.at_start && i == 0, err);
        }
        if (!rc)
            rc = ll_buf_ok(&x->b.text, err);
        struct ll_pieces swap = x->a;
        x->a = x->b;
        x->b = swap;
    }
    return rc ? rc : ll_buf_ok(&x->a.text, err);
}
