/* utf8.c - see utf8.h. The table is Unicode 15 table 3-7: a lead byte fixes the length and the range of the
 * second byte; every later byte is 80..BF. */
#include "utf8.h"

#include <string.h>

static const struct lead {
    unsigned char first, last; /* lead bytes of this row */
    unsigned char lo, hi;      /* range of the second byte */
    unsigned char len;
} leads[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static const struct lead *lead_of(unsigned char c)
{
    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++)
        if (c >= leads[i].first && c <= leads[i].last)
            return &leads[i];
    return NULL;
}

int ll_utf8_next(const char *str, size_t n, uint32_t *cp, int *bad)
{
    const unsigned char *s = (const unsigned char *)str;
    if (s[0] < 0x80)
        return *cp = s[0], 1;
    const struct lead *l = lead_of(s[0]);
    int good = 1; /* bytes that fit the pattern: the maximal ill-formed part when the sequence breaks off */
    if (l) {
        uint32_t c = s[0] & (0xffu >> (l->len + 1));
        for (; good < l->len && (size_t)good < n; good++) {
            unsigned char lo = good == 1 ? l->lo : 0x80, hi = good == 1 ? l->hi : 0xbf;
            if (s[good] < lo || s[good] > hi)
                break;
            c = c << 6 | (s[good] & 0x3fu);
        }
        if (good == l->len)
            return *cp = c, good;
    }
    if (bad)
        *bad = good;
    return 0;
}

size_t ll_utf8_check(const char *s, size_t n)
{
    uint32_t cp;
    size_t i = 0;
    while (i < n) {
        uint64_t eight;
        if (n - i >= 8 && (memcpy(&eight, s + i, 8), !(eight & 0x8080808080808080u))) {
            i += 8;
            continue;
        }
        int len = ll_utf8_next(s + i, n - i, &cp, NULL);
        if (!len)
            return i;
        i += (size_t)len;
    }
    return n;
}

void ll_utf8_clean(struct ll_buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        int bad = 1, len = ll_utf8_next(s + i, n - i, &cp, &bad);
        if (len && cp)
            ll_buf_add(out, s + i, (size_t)len);
        else
            ll_utf8_put(out, 0xfffd);
        i += (size_t)(len ? len : bad);
    }
}

void ll_utf8_put(struct ll_buf *out, uint32_t cp)
{
    if (cp < 0x80)
        ll_buf_addc(out, (char)cp);
    else if (cp < 0x800)
        ll_buf_add(out, (char[]){(char)(0xc0 | cp >> 6), (char)(0x80 | (cp & 0x3f))}, 2);
    else if (cp < 0x10000)
        ll_buf_add(out,
                   (char[]){(char)(0xe0 | cp >> 12), (char)(0x80 | (cp >> 6 & 0x3f)),
                            (char)(0x80 | (cp & 0x3f))},
                   3);
    else
        ll_buf_add(out,
                   (char[]){(char)(0xf0 | cp >> 18), (char)(0x80 | (cp >> 12 & 0x3f)),
                            (char)(0x80 | (cp >> 6 & 0x3f)), (char)(0x80 | (cp & 0x3f))},
                   4);
}
