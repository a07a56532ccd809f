/* words.c - the published pre-tokenizer patterns, matched by hand.
 *
 * All of them are one rule with different settings, tried in this order at each position:
 *     contraction ('s, 't, ...)            | lead? letters (contraction?)  | numbers
 *     | space? symbols, line ends          | white space ending in a line end
 *     | white space but its last character when something follows         | white space
 * which covers every character. The test compares each rule with its expression under PCRE2.
 *
 * Behind them the rules of llama.cpp for GGUF files: the same with its own alphabet (Unicode 15.1;
 * contractions fold ASCII only) and, where case counts, its approximation: letters but not a-z, letters but
 * not A-Z, no marks. */
#include "gguf_pre.h"
#include "pattern.h"
#include "unicode_class.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

enum { /* flags of a character, above its 21 bits */
       SPACE = 1 << 21,
       LETTER = 1 << 22,
       NUMBER = 1 << 23,
       MARK = 1 << 24,
       UPPER = 1 << 25, /* Lu Lt Lm Lo M: may begin a cased word */
       LOWER = 1 << 26, /* Ll Lm Lo M: may end one */
};
#define CP(c) ((c)&0x1FFFFFu)

enum contraction { NO_CONTRACTION, FIRST_EXACT, FIRST_ANY_CASE, AFTER_WORD };

struct ll_word_rule {
    const char *expr;
    enum contraction contraction;
    uint32_t letters; /* flags that make a letter; UPPER|LOWER: capitals, then small letters */
    int lead_any; /* letters may follow any one character that is not a line end, letter or number; else one
                     space */
    int max_numbers;         /* 0: any count, and a space may lead */
    const char *symbol_tail; /* characters after symbols */
    int line_ends;           /* white space up to its last line end is a piece */
    int llama;               /* llama.cpp's alphabet */
};

#define TAIL_WS "|\\s+(?!\\S)|\\s+"
#define CASED "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define SMALL "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define NEWS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
static const struct ll_word_rule rules[] = {
    /* GPT-2 */
    {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+" TAIL_WS, FIRST_EXACT, LETTER, 0, 0,
     "", 0, 0},
    /* Llama 3 */
    {NEWS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+" TAIL_WS,
     FIRST_ANY_CASE, LETTER, 1, 3, "\r\n", 1, 0},
    /* Qwen 2, 2.5, 3 */
    {NEWS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+" TAIL_WS,
     FIRST_ANY_CASE, LETTER, 1, 1, "\r\n", 1, 0},
    /* Qwen 3.5 */
    {NEWS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| "
          "?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+" TAIL_WS,
     FIRST_ANY_CASE, LETTER | MARK, 1, 1, "\r\n", 1, 0},
    /* tekken (Mistral-Nemo) */
    {"[^\\r\\n\\p{L}\\p{N}]?" CASED "*" SMALL "+|[^\\r\\n\\p{L}\\p{N}]?" CASED "+" SMALL
     "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+" TAIL_WS,
     NO_CONTRACTION, UPPER | LOWER, 1, 1, "\r\n/", 1, 0},
    /* o200k (Llama 4, Phi-4-mini, gpt-oss) */
    {"[^\\r\\n\\p{L}\\p{N}]?" CASED "*" SMALL "+" NEWS "?|[^\\r\\n\\p{L}\\p{N}]?" CASED "+" SMALL "*" NEWS
     "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+" TAIL_WS,
     AFTER_WORD, UPPER | LOWER, 1, 3, "\r\n/", 1, 0},
    /* cl100k (Phi-4): Llama 3's in another spelling */
    {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| "
     "?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]" TAIL_WS,
     FIRST_ANY_CASE, LETTER, 1, 3, "\r\n", 1, 0},
};
enum { N_RULES = sizeof rules / sizeof rules[0] };

static const struct ll_word_rule llama_rules[] = {
    {LL_PRE_GPT2, FIRST_EXACT, LETTER, 0, 0, "", 0, 1},
    {LL_PRE_LLAMA3, FIRST_ANY_CASE, LETTER, 1, 3, "\r\n", 1, 1},
    {LL_PRE_QWEN2, FIRST_ANY_CASE, LETTER, 1, 1, "\r\n", 1, 1},
    {LL_PRE_QWEN35, FIRST_ANY_CASE, LETTER | MARK, 1, 1, "\r\n", 1, 1},
    {LL_PRE_UFAKZEKA, NO_CONTRACTION, LETTER, 1, 1, "\r\n", 1, 1},
    {LL_PRE_TEKKEN, NO_CONTRACTION, UPPER | LOWER, 1, 1, "\r\n/", 1, 1},
    {LL_PRE_GPT4O, AFTER_WORD, UPPER | LOWER, 1, 3, "\r\n/", 1, 1},
};
enum { N_LLAMA_RULES = sizeof llama_rules / sizeof llama_rules[0] };

static int is_expr(const struct ll_word_rule *r, const char *expr, size_t n)
{
    return strlen(r->expr) == n && !memcmp(r->expr, expr, n);
}

const struct ll_word_rule *ll_word_rule(const char *expr, size_t n)
{
    for (size_t i = 0; i < N_RULES; i++)
        if (is_expr(&rules[i], expr, n))
            return &rules[i];
    return NULL;
}

const struct ll_word_rule *ll_llama_word_rule(const char *expr, size_t n)
{
    for (size_t i = 0; i < N_LLAMA_RULES; i++)
        if (is_expr(&llama_rules[i], expr, n))
            return &llama_rules[i];
    return NULL;
}

const char *ll_word_rule_expr(size_t i) { return i < N_RULES ? rules[i].expr : NULL; }

static uint32_t flagged(uint32_t cp)
{
    if (cp < 0x80) {
        if ((cp | 32) >= 'a' && (cp | 32) <= 'z')
            return cp | LETTER | (cp & 32 ? LOWER : UPPER);
        return cp | (cp >= '0' && cp <= '9' ? NUMBER : ll_is_space(cp) ? SPACE : 0);
    }
    uint32_t bit = LL_BIT(ll_category(cp)), f = cp;
    if (bit & LL_L_BITS)
        f |= LETTER;
    if (bit & LL_M_BITS)
        f |= MARK;
    if (bit & LL_N_BITS)
        f |= NUMBER;
    if (bit & (LL_M_BITS | LL_BIT(LL_LU) | LL_BIT(LL_LT) | LL_BIT(LL_LM) | LL_BIT(LL_LO)))
        f |= UPPER;
    if (bit & (LL_M_BITS | LL_BIT(LL_LL) | LL_BIT(LL_LM) | LL_BIT(LL_LO)))
        f |= LOWER;
    return f | (ll_is_space(cp) ? SPACE : 0);
}

static uint32_t llama_flagged(uint32_t cp)
{
    if (cp < 0x80)
        return flagged(cp);
    uint32_t bit = LL_BIT(ll_old_category(cp)), f = ll_is_space(cp) ? cp | SPACE : cp;
    if (bit & LL_L_BITS)
        f |= LETTER | UPPER | LOWER;
    if (bit & LL_M_BITS)
        f |= MARK;
    if (bit & LL_N_BITS)
        f |= NUMBER;
    return f;
}

/* c[0..n) are the flagged characters; every matcher takes the position and returns the end of its match, or i
 * for none. */
struct text {
    const uint32_t *c;
    size_t n;
};

static uint32_t at(const struct text *t, size_t i) { return i < t->n ? t->c[i] : 0; }

static size_t run(const struct text *t, size_t i, uint32_t flags)
{
    while (i < t->n && (t->c[i] & flags))
        i++;
    return i;
}

/* Lower case of the letters of contractions; U+017F folds to s, but not for llama.cpp. */
static uint32_t fold(uint32_t c, int any_case, int llama)
{
    c = CP(c);
    return !any_case ? c : c == 0x17F && !llama ? 's' : c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static size_t contraction(const struct ll_word_rule *r, const struct text *t, size_t i)
{
    int any_case = r->contraction != FIRST_EXACT, llama = r->llama;
    if (CP(at(t, i)) != '\'' || i + 1 >= t->n)
        return i;
    uint32_t a = fold(at(t, i + 1), any_case, llama), b = fold(at(t, i + 2), any_case, llama);
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return i + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))
        return i + 3;
    return i;
}

/* [U]*[W]+ from i, U and W overlapping, as backtracking finds it: as many U as leave at least one W. */
static size_t capitals_then_small(const struct text *t, size_t i)
{
    size_t e = run(t, i, UPPER);
    if (at(t, e) & LOWER)
        return run(t, e, LOWER);
    while (e > i && !(t->c[e - 1] & LOWER))
        e--;
    return e;
}

/* [U]+[W]* from i. */
static size_t capitals(const struct text *t, size_t i)
{
    size_t e = run(t, i, UPPER);
    return e > i ? run(t, e, LOWER) : i;
}

static int can_lead(const struct ll_word_rule *r, uint32_t c)
{
    return r->lead_any ? !(c & (LETTER | NUMBER)) && CP(c) != '\r' && CP(c) != '\n' : CP(c) == ' ';
}

static size_t cased_word(const struct ll_word_rule *r, const struct text *t, size_t i)
{
    static size_t (*const forms[])(const struct text *, size_t) = {capitals_then_small, capitals};
    int lead = can_lead(r, at(t, i));
    for (int form = 0; form < 2; form++)
        for (size_t skip = (size_t)lead + 1; skip-- > 0;) { /* with the leading character, then without */
            size_t e = forms[form](t, i + skip);
            if (e > i + skip)
                return r->contraction == AFTER_WORD ? contraction(r, t, e) : e;
        }
    return i;
}

static size_t word(const struct ll_word_rule *r, const struct text *t, size_t i)
{
    if (r->letters & UPPER)
        return cased_word(r, t, i);
    if (can_lead(r, at(t, i)) && (at(t, i + 1) & r->letters))
        return run(t, i + 1, r->letters);
    return run(t, i, r->letters);
}

static size_t numbers(const struct ll_word_rule *r, const struct text *t, size_t i)
{
    if (!r->max_numbers) {
        size_t from = i + (CP(at(t, i)) == ' '), e = run(t, from, NUMBER);
        return e > from ? e : i;
    }
    size_t e = i;
    while (e < t->n && e - i < (size_t)r->max_numbers && (t->c[e] & NUMBER))
        e++;
    return e;
}

static size_t symbols(const struct ll_word_rule *r, const struct text *t, size_t i)
{
    uint32_t not_symbol = SPACE | LETTER | NUMBER | (r->letters & MARK);
    size_t from = i + (CP(at(t, i)) == ' '), e = from;
    while (e < t->n && !(t->c[e] & not_symbol))
        e++;
    if (e == from)
        return i;
    while (e < t->n && CP(t->c[e]) < 0x80 && CP(t->c[e]) && strchr(r->symbol_tail, (int)CP(t->c[e])))
        e++;
    return e;
}

static size_t white(const struct ll_word_rule *r, const struct text *t, size_t i)
{
    size_t e = run(t, i, SPACE), last = e;
    if (r->line_ends) {
        while (last > i && CP(t->c[last - 1]) != '\r' && CP(t->c[last - 1]) != '\n')
            last--;
        if (last > i)
            return last;
    }
    return e < t->n && e - i > 1 ? e - 1 : e;
}

static size_t next_word(const struct ll_word_rule *r, const struct text *t, size_t i)
{
    size_t e = i;
    if (r->contraction == FIRST_EXACT || r->contraction == FIRST_ANY_CASE)
        e = contraction(r, t, i);
    if (e == i)
        e = word(r, t, i);
    if (e == i)
        e = numbers(r, t, i);
    if (e == i)
        e = symbols(r, t, i);
    if (e == i)
        e = white(r, t, i);
    return e > i ? e : i + 1; /* every character is in some class; go on by one in any case */
}

static size_t utf8_size(uint32_t cp) { return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4; }

int ll_words_find(const struct ll_word_rule *rule, const char *s, size_t n, struct ll_spans *spans,
                  struct ll_err *err)
{
    uint32_t small[256], *c = small, cp = 0;
    struct text t = {small, 0};
    if (n > 256 && !(c = malloc(n * sizeof *c)))
        return ll_fail_mem(err, "splitting", n * sizeof *c);
    for (size_t i = 0; i < n;) {
        i += (size_t)ll_utf8_next(s + i, n - i, &cp, NULL);
        c[t.n++] = rule->llama ? llama_flagged(cp) : flagged(cp);
    }
    t.c = c;
    int rc = LL_OK;
    size_t off = 0;
    for (size_t i = 0, e; i < t.n && !rc; i = e) {
        size_t start = off;
        e = next_word(rule, &t, i);
        for (size_t k = i; k < e; k++)
            off += utf8_size(CP(c[k]));
        rc = ll_spans_add(spans, start, off, 1, err);
    }
    if (c != small)
        free(c);
    return rc;
}
