/* shown.c - see shown.h */
#include "shown.h"

#include "utf8.h"

#include <string.h>

uint32_t ll_cp_shown(uint32_t cp)
{
    static const struct {
        uint32_t from, to, sign;
    } signs[] = {
        /* the first that fits */
        {'\n', '\n', 0x21B5},   {'\t', '\t', 0x21E5},
        {0, 0x1f, 0xB7},        {0x7f, 0x9f, 0xB7}, /* C0, DEL, C1 */
        {0x61C, 0x61C, 0xB7},   {0x200E, 0x200F, 0xB7},
        {0x2028, 0x202E, 0xB7}, {0x2066, 0x2069, 0xB7}, /* direction, line separators */
    };
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (cp >= signs[i].from && cp <= signs[i].to)
            return signs[i].sign;
    return cp;
}

void ll_shown(struct ll_buf *out, const char *s, size_t n, const char *keep)
{
    for (size_t i = 0; i < n;) {
        uint32_t cp = 0xFFFD;
        int bad = 1, len = ll_utf8_next(s + i, n - i, &cp, &bad);
        uint32_t shown = !len ? 0xFFFD : cp && cp < 0x80 && strchr(keep, (int)cp) ? cp : ll_cp_shown(cp);
        if (len && shown == cp)
            ll_buf_add(out, s + i, (size_t)len);
        else
            ll_utf8_put(out, shown);
        i += (size_t)(len ? len : bad);
    }
}

void ll_shown_line(char *s)
{
    for (size_t n = strlen(s); n;) {
        uint32_t cp = 0;
        int bad = 1, len = ll_utf8_next(s, n, &cp, &bad), step = len ? len : bad;
        if (!len || ll_cp_shown(cp) != cp)
            memset(s, len ? ' ' : '?', (size_t)step);
        s += step;
        n -= (size_t)step;
    }
}

void ll_shown_name(char *name)
{
    size_t n = strlen(name), to = 0;
    for (size_t at = 0; at < n;) {
        uint32_t cp = 0;
        int bad = 1, len = ll_utf8_next(name + at, n - at, &cp, &bad);
        if (!len || ll_cp_shown(cp) != cp)
            name[to++] = '_';
        else {
            memmove(name + to, name + at, (size_t)len);
            to += (size_t)len;
        }
        at += (size_t)(len ? len : bad);
    }
    name[to] = 0;
}
