/* byte_level.c - the byte alphabet of GPT-2: 21-7E, A1-AC and AE-FF stand for themselves as code points, the
 * other 68 bytes, in rising order, for U+0100, U+0101 ... (so a space is U+0120). */
#include "token_internal.h"
#include "utf8.h"

static int is_itself(uint32_t b) { return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b != 0xAD && b <= 0xFF); }

/* How many bytes below b do not stand for themselves. */
static uint32_t moved_before(uint32_t b)
{
    return b <= 0x20 ? b : b < 0x7F ? 0x21 : b <= 0xA0 ? 0x21 + (b - 0x7F) : 0x43;
}

static int byte_of(uint32_t cp)
{
    if (cp <= 0xFF)
        return is_itself(cp) ? (int)cp : -1;
    if (cp < 0x121)
        return (int)(cp - 0x100);
    if (cp < 0x143)
        return (int)(cp - 0x121 + 0x7F);
    return cp == 0x143 ? 0xAD : -1;
}

void ll_byte_level_put(struct ll_buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t b = (unsigned char)s[i];
        ll_utf8_put(out, is_itself(b) ? b : 0x100 + moved_before(b));
    }
}

int ll_byte_level_bytes(struct ll_buf *out, const char *s, size_t n)
{
    size_t start = out->len;
    uint32_t cp = 0;
    for (size_t i = 0; i < n;) {
        int len = ll_utf8_next(s + i, n - i, &cp, NULL), b = len ? byte_of(cp) : -1;
        if (b < 0) {
            out->len = start;
            return 0;
        }
        ll_buf_addc(out, (char)b);
        i += (size_t)len;
    }
    return 1;
}

void ll_put_lossy(struct ll_buf *out, const char *s, size_t n)
{
    uint32_t cp;
    for (size_t i = 0; i < n;) {
        int bad = 1, len = ll_utf8_next(s + i, n - i, &cp, &bad);
        if (len)
            ll_buf_add(out, s + i, (size_t)len);
        else
            ll_buf_adds(out, "\xEF\xBF\xBD");
        i += (size_t)(len ? len : bad);
    }
}
