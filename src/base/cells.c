/* cells.c - see cells.h */
#include "cells.h"

#include "shown.h"
#include "utf8.h"
#include "width.h"

#include <string.h>

void ll_put_wrapped(struct ll_buf *out, int width, const char *lead, const char *text)
{
    int indent = ll_text_width(lead, strlen(lead)), at = indent;
    ll_buf_adds(out, lead);
    for (const char *w = text; *w;) {
        int n = (int)strcspn(w, " "), cols = ll_text_width(w, (size_t)n);
        if (width > 0 && at + cols + (at > indent) > width && at > indent) {
            ll_buf_addf(out, "\n%*s", indent, "");
            at = indent;
        }
        ll_buf_addf(out, "%s%.*s", at > indent ? " " : "", n, w);
        at += cols + (at > indent);
        w += n + (w[n] == ' ');
    }
    ll_buf_addc(out, '\n');
}

void ll_put_cell(struct ll_buf *out, const char *s, size_t n, int width, int pad)
{
    int at = 0, whole = ll_text_width(s, n) <= width;
    for (size_t i = 0; i < n;) {
        uint32_t cp = 0xFFFD;
        int bad = 1, len = ll_utf8_next(s + i, n - i, &cp, &bad);
        cp = len ? ll_cp_shown(cp) : 0xFFFD;
        int w = ll_cp_width(cp);
        if (at + w > width - !whole) {
            ll_utf8_put(out, 0x2026);
            at++;
            break;
        }
        ll_utf8_put(out, cp);
        at += w;
        i += (size_t)(len ? len : bad);
    }
    for (; pad && at < width; at++)
        ll_buf_addc(out, ' ');
}

void ll_put_bar(struct ll_buf *out, double value, int width)
{
    int eighths = (int)((value < 0 ? 0 : value > 1 ? 1 : value) * width * 8 + 0.5), at = 0;
    for (; eighths >= 8; eighths -= 8, at++)
        ll_utf8_put(out, 0x2588);
    if (eighths && at < width) {
        ll_utf8_put(out, 0x2590 - (uint32_t)eighths); /* U+258F one eighth .. U+2589 seven eighths */
        at++;
    }
    for (; at < width; at++)
        ll_buf_addc(out, ' ');
}
