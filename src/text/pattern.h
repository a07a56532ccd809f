/* pattern.h - what a split or a replacement looks for: a literal text, a character class, one of the
 * published pre-tokenizer patterns (hand-written, words.c) or any other regular expression (PCRE2, regex.c).
 *
 * A search cuts a text into spans that cover it without gaps, each a match or what lies between two. */
#ifndef LL_PATTERN_H
#define LL_PATTERN_H
#include "buf.h"
#include "fail.h"

#include <stddef.h>
#include <stdint.h>

struct ll_span {
    size_t start, end;
    int match;
};
struct ll_spans {      /* {0} is empty */
    struct ll_span *v; /* owned */
    size_t n, cap;
};
int ll_spans_add(struct ll_spans *spans, size_t start, size_t end, int match, struct ll_err *err);
/* Add a match after `*done`, with the gap before it; *done moves to its end. */
int ll_spans_match(struct ll_spans *spans, size_t *done, size_t start, size_t end, struct ll_err *err);
void ll_spans_free(struct ll_spans *spans);

enum ll_pattern_kind {
    LL_PATTERN_NONE,
    LL_PATTERN_LITERAL,
    LL_PATTERN_CHARS,
    LL_PATTERN_WORDS,
    LL_PATTERN_REGEX,
    LL_PATTERN_SET
};

struct ll_pattern {
    enum ll_pattern_kind kind;
    struct ll_buf literal;           /* owned */
    int (*is)(uint32_t cp);          /* CHARS: each such character is a match */
    const struct ll_word_rule *rule; /* WORDS: static */
    struct ll_regex *regex;          /* REGEX: owned */
    struct ll_trie *set;             /* SET: owned; texts, the longest that begins at a place counts */
};

/* A regular expression as tokenizer.json spells it: a known one gets its hand-written matcher. LL_EUNSUP or
 * LL_EUSAGE when it cannot be compiled; `what` names it in the message. */
int ll_pattern_regex(struct ll_pattern *p, const char *expr, size_t n, const char *what, struct ll_err *err);
int ll_pattern_literal(struct ll_pattern *p, const char *s, size_t n, struct ll_err *err);
/* One more text of a set (made from an empty pattern). */
int ll_pattern_set_add(struct ll_pattern *p, const char *s, size_t n, struct ll_err *err);
/* Replace spans by those of s (valid UTF-8). */
int ll_pattern_find(const struct ll_pattern *p, const char *s, size_t n, struct ll_spans *spans,
                    struct ll_err *err);
void ll_pattern_free(struct ll_pattern *p);

/* words.c: the rule for a published pattern, or NULL; and its search. Rule 0.. by number for tests. */
const struct ll_word_rule *ll_word_rule(const char *expr, size_t n);
const struct ll_word_rule *ll_llama_word_rule(const char *expr,
                                              size_t n); /* the same for a pattern of llama.cpp */
const char *ll_word_rule_expr(size_t i);                 /* NULL past the last */
int ll_words_find(const struct ll_word_rule *rule, const char *s, size_t n, struct ll_spans *spans,
                  struct ll_err *err);

/* regex.c: PCRE2 with Oniguruma's meaning and Unicode 16 classes. */
int ll_regex_compile(struct ll_regex **regex, const char *expr, size_t n, const char *what,
                     struct ll_err *err);
int ll_regex_compile_old(struct ll_regex **regex, const char *expr, size_t n, const char *what,
                         struct ll_err *err); /* Unicode 15.1: llama.cpp */
int ll_regex_find(const struct ll_regex *regex, const char *s, size_t n, struct ll_spans *spans,
                  struct ll_err *err);
void ll_regex_free(struct ll_regex *regex);
#endif
