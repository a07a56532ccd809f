/* width.c - see width.h */
#include "width.h"

#include "utf8.h"

/* The large blocks of Unicode 15 EastAsianWidth W/F and of combining marks; enough to keep columns
 * straight. */
static const struct {
    uint32_t from, to;
    int width;
} widths[] = {
    {0x0300, 0x036F, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05BD, 0}, {0x0610, 0x061A, 0},
    {0x064B, 0x065F, 0},   {0x0E31, 0x0E31, 0},   {0x0E34, 0x0E3A, 0}, {0x0E47, 0x0E4E, 0},
    {0x1100, 0x115F, 2},   {0x1AB0, 0x1AFF, 0},   {0x1DC0, 0x1DFF, 0}, {0x200B, 0x200F, 0},
    {0x202A, 0x202E, 0},   {0x2060, 0x2064, 0},   {0x20D0, 0x20FF, 0}, {0x2E80, 0x303E, 2},
    {0x3041, 0x33FF, 2},   {0x3400, 0x4DBF, 2},   {0x4E00, 0x9FFF, 2}, {0xA000, 0xA4CF, 2},
    {0xAC00, 0xD7A3, 2},   {0xF900, 0xFAFF, 2},   {0xFE00, 0xFE0F, 0}, {0xFE20, 0xFE2F, 0},
    {0xFE30, 0xFE6F, 2},   {0xFF00, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2}, {0x1F300, 0x1F64F, 2},
    {0x1F900, 0x1F9FF, 2}, {0x20000, 0x3FFFD, 2},
};

int ll_cp_width(uint32_t cp)
{
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++)
        if (cp >= widths[i].from && cp <= widths[i].to)
            return widths[i].width;
    return 1;
}

int ll_text_width(const char *s, size_t n)
{
    int width = 0;
    for (size_t at = 0; at < n;) {
        uint32_t cp = 0xFFFD;
        int bad = 1, k = ll_utf8_next(s + at, n - at, &cp, &bad);
        width += k ? ll_cp_width(cp) : 1;
        at += (size_t)(k ? k : bad);
    }
    return width;
}
