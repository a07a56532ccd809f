/* pattern.c - see pattern.h */
#include "pattern.h"

#include "added.h"
#include "grow.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

int ll_spans_add(struct ll_spans *spans, size_t start, size_t end, int match, struct ll_err *err)
{
    if (spans->n == spans->cap) {
        struct ll_span *v = ll_grow(spans->v, &spans->cap, sizeof *v, 16, "pieces of text", err);
        if (!v)
            return LL_EFAIL;
        spans->v = v;
    }
    spans->v[spans->n++] = (struct ll_span){start, end, match};
    return LL_OK;
}

int ll_spans_match(struct ll_spans *spans, size_t *done, size_t start, size_t end, struct ll_err *err)
{
    int rc = start > *done ? ll_spans_add(spans, *done, start, 0, err) : LL_OK;
    *done = end;
    return rc ? rc : ll_spans_add(spans, start, end, 1, err);
}

void ll_spans_free(struct ll_spans *spans)
{
    free(spans->v);
    memset(spans, 0, sizeof *spans);
}

int ll_pattern_literal(struct ll_pattern *p, const char *s, size_t n, struct ll_err *err)
{
    *p = (struct ll_pattern){.kind = LL_PATTERN_LITERAL};
    ll_buf_add(&p->literal, s, n);
    return ll_buf_ok(&p->literal, err);
}

int ll_pattern_regex(struct ll_pattern *p, const char *expr, size_t n, const char *what, struct ll_err *err)
{
    *p = (struct ll_pattern){.kind = LL_PATTERN_WORDS, .rule = ll_word_rule(expr, n)};
    if (p->rule)
        return LL_OK;
    p->kind = LL_PATTERN_REGEX;
    return ll_regex_compile(&p->regex, expr, n, what, err);
}

static int find_literal(const struct ll_buf *lit, const char *s, size_t n, struct ll_spans *spans,
                        size_t *done, struct ll_err *err)
{
    int rc = LL_OK;
    for (size_t i = 0; lit->len && !rc && i + lit->len <= n;) {
        const char *p = memchr(s + i, lit->s[0], n - i - lit->len + 1);
        if (!p)
            break;
        i = (size_t)(p - s);
        if (memcmp(p, lit->s, lit->len)) {
            i++;
            continue;
        }
        rc = ll_spans_match(spans, done, i, i + lit->len, err);
        i += lit->len;
    }
    return rc;
}

static int find_chars(int (*is)(uint32_t), const char *s, size_t n, struct ll_spans *spans, size_t *done,
                      struct ll_err *err)
{
    int rc = LL_OK;
    uint32_t cp = 0;
    for (size_t i = 0; i < n && !rc;) {
        size_t len = (size_t)ll_utf8_next(s + i, n - i, &cp, NULL);
        if (is(cp))
            rc = ll_spans_match(spans, done, i, i + len, err);
        i += len;
    }
    return rc;
}

int ll_pattern_set_add(struct ll_pattern *p, const char *s, size_t n, struct ll_err *err)
{
    p->kind = LL_PATTERN_SET;
    if (!p->set && !(p->set = calloc(1, sizeof *p->set)))
        return ll_fail_mem(err, "pattern", sizeof *p->set);
    return ll_trie_add(p->set, s, n, 0, err);
}

static int find_set(const struct ll_trie *set, const char *s, size_t n, struct ll_spans *spans, size_t *done,
                    struct ll_err *err)
{
    size_t len = 0;
    int rc = LL_OK;
    for (size_t i = 0; i < n && !rc; i += len) {
        if (ll_trie_longest(set, s + i, n - i, &len) >= 0)
            rc = ll_spans_match(spans, done, i, i + len, err);
        else
            len = 1;
    }
    return rc;
}

int ll_pattern_find(const struct ll_pattern *p, const char *s, size_t n, struct ll_spans *spans,
                    struct ll_err *err)
{
    size_t done = 0;
    int rc = LL_OK;
    spans->n = 0;
    if (p->kind == LL_PATTERN_WORDS)
        return ll_words_find(p->rule, s, n, spans, err);
    if (p->kind == LL_PATTERN_REGEX && !n) /* as in the reference, nothing matches there */
        return LL_OK;
    if (p->kind == LL_PATTERN_REGEX)
        return ll_regex_find(p->regex, s, n, spans, err);
    if (p->kind == LL_PATTERN_LITERAL)
        rc = find_literal(&p->literal, s, n, spans, &done, err);
    else if (p->kind == LL_PATTERN_CHARS)
        rc = find_chars(p->is, s, n, spans, &done, err);
    else if (p->kind == LL_PATTERN_SET)
        rc = find_set(p->set, s, n, spans, &done, err);
    if (!rc && done < n)
        rc = ll_spans_add(spans, done, n, 0, err);
    return rc;
}

void ll_pattern_free(struct ll_pattern *p)
{
    ll_buf_free(&p->literal);
    ll_regex_free(p->regex);
    if (p->set)
        ll_trie_free(p->set);
    free(p->set);
    memset(p, 0, sizeof *p);
}
