/* nfc.c - Unicode normal forms as the reference library makes them: with the tables of Unicode 9.
 *
 * Decomposition of single characters and composition of pairs come from utf8proc; what Unicode changed since
 * 9 (marks that got a combining class, new decompositions and compositions) is undone through
 * unicode_class.h. Hangul is composed here: utf8proc 2.8 loses U+11A7 after an LV syllable. */
#include "token_internal.h"
#include "unicode_class.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

struct chars {
    uint32_t *cp;       /* owned */
    unsigned char *ccc; /* owned; combining classes */
    size_t n, cap;
};

static int combining_class(uint32_t cp)
{
    return cp < 0x300 || ll_has_no_class(cp)
        ? 0
        : (int)utf8proc_get_property((utf8proc_int32_t)cp)->combining_class;
}

static int add(struct chars *c, uint32_t cp, struct ll_err *err)
{
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 256;
        uint32_t *p = realloc(c->cp, cap * sizeof *p);
        if (p)
            c->cp = p;
        unsigned char *q = realloc(c->ccc, cap);
        if (q)
            c->ccc = q;
        if (!p || !q)
            return ll_fail_mem(err, "normalizing", cap * sizeof *p);
        c->cap = cap;
    }
    c->ccc[c->n] = (unsigned char)combining_class(cp);
    c->cp[c->n++] = cp;
    return LL_OK;
}

static int decompose(struct chars *c, uint32_t cp, int compat, struct ll_err *err)
{
    utf8proc_int32_t part[32]; /* the longest decomposition has 18 */
    int bound = 0;
    if (cp < 0xA0 || ll_is_late_decomposition(cp))
        return add(c, cp, err);
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)cp, part, 32,
                                                 UTF8PROC_DECOMPOSE | (compat ? UTF8PROC_COMPAT : 0), &bound);
    if (n < 1 || n > 32)
        return add(c, cp, err);
    int rc = LL_OK;
    for (utf8proc_ssize_t i = 0; i < n && !rc; i++)
        rc = add(c, (uint32_t)part[i], err);
    return rc;
}

struct mark {
    uint32_t cp;
    unsigned char ccc;
    size_t at;
};

static int by_class(const void *a, const void *b)
{
    const struct mark *x = a, *y = b;
    return x->ccc != y->ccc ? (int)x->ccc - (int)y->ccc : (x->at > y->at) - (x->at < y->at);
}

/* Canonical order: each run of marks sorted by class, stable. Long runs (hostile text) must not cost n^2. */
static int reorder(struct chars *c, struct ll_err *err)
{
    for (size_t i = 0, e; i < c->n; i = e + 1) {
        int sorted = 1;
        for (e = i; e < c->n && c->ccc[e]; e++)
            sorted &= e == i || c->ccc[e - 1] <= c->ccc[e];
        if (sorted)
            continue;
        struct mark *m = malloc((e - i) * sizeof *m);
        if (!m)
            return ll_fail_mem(err, "normalizing", (e - i) * sizeof *m);
        for (size_t k = i; k < e; k++)
            m[k - i] = (struct mark){c->cp[k], c->ccc[k], k};
        qsort(m, e - i, sizeof *m, by_class);
        for (size_t k = i; k < e; k++)
            c->cp[k] = m[k - i].cp, c->ccc[k] = m[k - i].ccc;
        free(m);
    }
    return LL_OK;
}

/* The character that a and b compose to, or 0. */
static uint32_t composed(uint32_t a, uint32_t b, int class_b)
{
    enum { S = 0xAC00, L = 0x1100, V = 0x1161, T = 0x11A7 };
    if (a >= L && a < L + 19 && b >= V && b < V + 21)
        return S + ((a - L) * 21 + (b - V)) * 28;
    if (a >= S && a < S + 11172 && (a - S) % 28 == 0 && b > T && b < T + 28)
        return a + (b - T);
    if (!class_b && !ll_composes_as_starter(b))
        return 0;
    utf8proc_int32_t pair[2] = {(utf8proc_int32_t)a, (utf8proc_int32_t)b};
    utf8proc_ssize_t n = utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    return n == 1 && !ll_is_late_composition((uint32_t)pair[0]) ? (uint32_t)pair[0] : 0;
}

static void compose(struct chars *c)
{
    size_t out = 0, starter = (size_t)-1;
    int last = 0; /* class of the last character kept after the starter; 256: nothing there yet */
    for (size_t i = 0; i < c->n; i++) {
        uint32_t cp = c->cp[i], joined = 0;
        int ccc = c->ccc[i];
        if (starter != (size_t)-1 && (last == 256 || (last < ccc && last)))
            joined = composed(c->cp[starter], cp, ccc);
        if (joined) {
            c->cp[starter] = joined;
            continue;
        }
        if (!ccc)
            starter = out, last = 256;
        else
            last = ccc;
        c->cp[out] = cp;
        c->ccc[out++] = (unsigned char)ccc;
    }
    c->n = out;
}

int ll_normal_form(const char *s, size_t n, int make_composed, int compat, struct ll_buf *out,
                   struct ll_err *err)
{
    struct chars c = {0};
    uint32_t cp = 0, highest = 0;
    int rc = LL_OK;
    for (size_t i = 0; i < n; i += (size_t)ll_utf8_next(s + i, n - i, &cp, NULL))
        highest |= (unsigned char)s[i] >= 0x80 ? ((unsigned char)s[i] >= 0xCC ? 0x300u : 0xA0u) : 0;
    if (!highest
        || (highest < 0x300 && make_composed
            && !compat)) { /* nothing to do below U+0300 (NFC), U+0080 (all) */
        ll_buf_add(out, s, n);
        return ll_buf_ok(out, err);
    }
    for (size_t i = 0; i < n && !rc;) {
        i += (size_t)ll_utf8_next(s + i, n - i, &cp, NULL);
        rc = decompose(&c, cp, compat, err);
    }
    if (!rc)
        rc = reorder(&c, err);
    if (!rc && make_composed)
        compose(&c);
    for (size_t i = 0; i < c.n && !rc; i++)
        ll_utf8_put(out, c.cp[i]);
    free(c.cp);
    free(c.ccc);
    return rc ? rc : ll_buf_ok(out, err);
}
