/* precompiled.c - see precompiled.h */
#include "precompiled.h"

#include "utf8.h"

#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

enum {
    GRAPHEME_MAX = 6,
    UNIT = 4
}; /* bytes: graphemes from this on are not looked up whole; a unit of the trie */

static uint32_t u32_at(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

struct table {
    const char *units, *texts;
    size_t n_units, n_texts;
};

static struct table table_of(const char *map)
{
    size_t size = u32_at(map);
    return (struct table){map + UNIT, map + UNIT + size, size / UNIT, 0};
}

int ll_charsmap_check(const char *map, size_t n, struct ll_err *err)
{
    if (n < UNIT || u32_at(map) > n - UNIT || u32_at(map) % UNIT || !u32_at(map))
        return ll_fail(err, LL_EUSAGE,
                       "precompiled_charsmap: expected a table of %u bytes and its texts, found %zu bytes",
                       n < UNIT ? 0u : (unsigned)u32_at(map), n);
    size_t head = UNIT + u32_at(map);
    if (ll_utf8_check(map + head, n - head) < n - head)
        return ll_fail(err, LL_EUSAGE, "precompiled_charsmap: expected replacements in UTF-8");
    return LL_OK;
}

/* The unit at pos, with where its children lie. A position outside (a broken table) ends the search. */
static int unit_at(const struct table *t, size_t pos, uint32_t *unit)
{
    if (pos >= t->n_units)
        return 0;
    *unit = u32_at(t->units + pos * UNIT);
    return 1;
}

static size_t offset_of(uint32_t unit) { return (size_t)(unit >> 10) << ((unit & 1u << 9) >> 6); }

/* The replacement for the shortest prefix of s that is in the table, or NULL. */
static const char *replacement(const struct table *t, const char *s, size_t n, size_t *len)
{
    const uint32_t leaf_bit = 1u << 8, value_bits = (1u << 31) - 1, label_bits = 1u << 31 | 0xFF;
    uint32_t unit;
    size_t pos = 0;
    if (!unit_at(t, pos, &unit))
        return NULL;
    pos ^= offset_of(unit);
    for (size_t i = 0; i < n && s[i]; i++) {
        unsigned char c = (unsigned char)s[i];
        pos ^= c;
        if (!unit_at(t, pos, &unit) || (unit & label_bits) != c)
            return NULL;
        pos ^= offset_of(unit);
        if (!(unit & leaf_bit))
            continue;
        if (!unit_at(t, pos, &unit) || (unit & value_bits) > t->n_texts)
            return NULL;
        const char *text = t->texts + (unit & value_bits),
                   *end = memchr(text, 0, t->n_texts - (unit & value_bits));
        if (((unsigned char)*text & 0xC0) == 0x80
            && text < t->texts + t->n_texts) /* inside a character: a broken table */
            return NULL;
        *len = end ? (size_t)(end - text) : t->n_texts - (unit & value_bits);
        return text;
    }
    return NULL;
}

/* Bytes of the grapheme at s: characters until the next break. */
static size_t grapheme(const char *s, size_t n)
{
    utf8proc_int32_t state = 0;
    uint32_t before = 0, cp = 0;
    size_t len = (size_t)ll_utf8_next(s, n, &before, NULL);
    while (len < n) {
        size_t more = (size_t)ll_utf8_next(s + len, n - len, &cp, NULL);
        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)cp, &state))
            break;
        before = cp;
        len += more;
    }
    return len;
}

/* One part: replaced if it is in the table. */
static int put(const struct table *t, const char *s, size_t n, struct ll_buf *out)
{
    size_t len;
    const char *text = replacement(t, s, n, &len);
    if (text)
        ll_buf_add(out, text, len);
    return text != NULL;
}

int ll_charsmap_apply(const char *map, size_t map_n, const char *s, size_t n, struct ll_buf *out,
                      struct ll_err *err)
{
    struct table t = table_of(map);
    uint32_t cp;
    t.n_texts = map_n - (size_t)(t.texts - map);
    for (size_t i = 0, len; i < n; i += len) {
        len = grapheme(s + i, n - i);
        if (len < GRAPHEME_MAX && put(&t, s + i, len, out))
            continue;
        for (size_t k = i, one; k < i + len; k += one) {
            one = (size_t)ll_utf8_next(s + k, i + len - k, &cp, NULL);
            if (!put(&t, s + k, one, out))
                ll_buf_add(out, s + k, one);
        }
    }
    return ll_buf_ok(out, err);
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int ll_base64_decode(const char *s, size_t n, struct ll_buf *out)
{
    if (n % 4)
        return 0;
    for (size_t i = 0; i < n; i += 4) {
        int pad = i + 4 == n && s[i + 3] == '=' ? s[i + 2] == '=' ? 2 : 1 : 0;
        uint32_t v = 0;
        for (int k = 0; k < 4; k++) {
            int d = k >= 4 - pad ? 0 : digit(s[i + (size_t)k]);
            if (d < 0)
                return 0;
            v = v << 6 | (uint32_t)d;
        }
        for (int k = 0; k < 3 - pad; k++)
            ll_buf_addc(out, (char)(v >> (16 - 8 * k)));
    }
    return 1;
}

void ll_base64_encode(const char *s, size_t n, struct ll_buf *out)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < have ? (unsigned char)s[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            ll_buf_addc(out, k <= have ? digits[v >> (18 - 6 * k) & 63] : '=');
    }
}
