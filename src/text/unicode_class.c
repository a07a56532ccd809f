/* unicode_class.c - see unicode_class.h; the tables are generated. Sorted runs and binary search: 4,099 runs
 * take 12 steps, and ASCII has a direct table. */
#include "unicode_class.h"

#include "utf8.h"

#include <stddef.h>

struct range {
    uint32_t first, last;
};
struct lower {
    uint32_t first, last;
    int step, delta;
};
#include "unicode_tables.inc"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define IN(table, cp) in_ranges(table, COUNT(table), cp)

static int in_ranges(const struct range *r, size_t n, uint32_t cp)
{
    size_t lo = 0, hi = n; /* the first range with last >= cp lies in [lo, hi] */
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (r[mid].last < cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && r[lo].first <= cp;
}

enum ll_category ll_category(uint32_t cp)
{
    size_t lo = 0,
           hi = COUNT(categories); /* categories[lo] starts at or before cp, categories[hi] after it */
    if (cp > 0x10FFFF)
        return LL_CN;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (categories[mid] >> 5 <= cp)
            lo = mid;
        else
            hi = mid;
    }
    return (enum ll_category)(categories[lo] & 31);
}

enum ll_category ll_old_category(uint32_t cp) { return IN(late_assigned, cp) ? LL_CN : ll_category(cp); }

int ll_is_space(uint32_t cp)
{
    if (cp < 0x80)
        return cp == ' ' || (cp >= 9 && cp <= 13);
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028
        || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

int ll_is_numeric(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= '0' && cp <= '9';
    return (LL_BIT(ll_category(cp)) & LL_N_BITS) || IN(late_numbers, cp);
}

int ll_is_punct(uint32_t cp)
{
    if (LL_BIT(ll_category(cp)) & LL_P_BITS)
        return !IN(punct_missing, cp);
    return IN(punct_extra, cp);
}

int ll_is_accent(uint32_t cp)
{
    if (cp < 0x300)
        return 0;
    if (LL_BIT(ll_category(cp)) & LL_M_BITS)
        return !IN(accent_missing, cp);
    return IN(accent_extra, cp);
}

int ll_is_word(uint32_t cp) { return IN(word_chars, cp); }
int ll_has_no_class(uint32_t cp) { return IN(class_zero_marks, cp); }
int ll_composes_as_starter(uint32_t cp) { return IN(composing_starters, cp); }
int ll_is_late_composition(uint32_t cp) { return IN(late_compositions, cp); }
int ll_is_late_decomposition(uint32_t cp) { return IN(late_decompositions, cp); }

void ll_put_lower(struct ll_buf *out, uint32_t cp)
{
    if (cp == 0x130) { /* the only character whose lower case is two: i with a dot above */
        ll_utf8_put(out, 'i');
        ll_utf8_put(out, 0x307);
        return;
    }
    for (size_t i = 0; cp >= 'A' && i < COUNT(lower_rows); i++) { /* rows may interleave: no binary search */
        const struct lower *r = &lower_rows[i];
        if (r->first > cp)
            break;
        if (cp <= r->last && (cp - r->first) % (uint32_t)r->step == 0) {
            cp = (uint32_t)((int)cp + r->delta);
            break;
        }
    }
    ll_utf8_put(out, cp);
}

void ll_category_ranges(uint32_t bits, void (*fn)(void *arg, uint32_t first, uint32_t last), void *arg)
{
    for (size_t i = 0; i < COUNT(categories); i++) {
        size_t j = i;
        while (j < COUNT(categories) && (LL_BIT(categories[j] & 31) & bits))
            j++;
        if (j > i) {
            fn(arg, categories[i] >> 5, j < COUNT(categories) ? (categories[j] >> 5) - 1 : 0x10FFFF);
            i = j;
        }
    }
}

struct rest { /* of a run, what was assigned before Unicode 16 */
    void (*fn)(void *arg, uint32_t first, uint32_t last);
    void *arg;
};

static void put_rest(void *arg, uint32_t first, uint32_t last)
{
    const struct rest *to = arg;
    for (size_t i = 0; i < COUNT(late_assigned) && first <= last; i++) {
        const struct range *late = &late_assigned[i];
        if (late->last < first || late->first > last)
            continue;
        if (late->first > first)
            to->fn(to->arg, first, late->first - 1);
        first = late->last + 1;
    }
    if (first <= last)
        to->fn(to->arg, first, last);
}

void ll_old_category_ranges(uint32_t bits, void (*fn)(void *arg, uint32_t first, uint32_t last), void *arg)
{
    ll_category_ranges(bits, put_rest, &(struct rest){fn, arg});
}

void ll_word_ranges(void (*fn)(void *arg, uint32_t first, uint32_t last), void *arg)
{
    for (size_t i = 0; i < COUNT(word_chars); i++)
        fn(arg, word_chars[i].first, word_chars[i].last);
}
