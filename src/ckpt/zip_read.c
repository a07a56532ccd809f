/* zip_read.c - see zip.h: the contents of one entry, by zlib where they are deflated. */
#include "zip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Next piece of what is left: zlib counts in 32 bits. */
static uInt piece(uint64_t left) { return left < 1u << 30 ? (uInt)left : 1u << 30; }

static uint32_t checksum(const uint8_t *p, uint64_t n)
{
    uLong crc = crc32(0, NULL, 0);
    for (uInt k; n; p += k, n -= k)
        crc = crc32(crc, p, k = piece(n));
    return (uint32_t)crc;
}

/* e->data into out[e->size + 1]; 1: the stream ended with the last byte of both. */
static int inflate_all(z_stream *z, const struct ll_zip_entry *e, uint8_t *out)
{
    uint64_t in_left = e->packed, out_left = e->size;
    int rc = Z_OK;
    z->next_in = (Bytef *)e->data; /* zlib reads only */
    z->next_out = out;
    while (rc == Z_OK) {
        uInt in = piece(in_left), room = piece(out_left);
        z->avail_in = in;
        z->avail_out = room;
        rc = inflate(z, Z_NO_FLUSH);
        in_left -= in - z->avail_in;
        out_left -= room - z->avail_out;
        if (rc == Z_OK && in == z->avail_in && room == z->avail_out)
            break;
    }
    return rc == Z_STREAM_END && !in_left && !out_left;
}

static int inflate_entry(const struct ll_zip_entry *e, const char *what, uint8_t *out, struct ll_err *err)
{
    z_stream z = {0};
    int rc = inflateInit2(&z, -MAX_WBITS); /* bare: no header of zlib around it */
    if (rc != Z_OK)
        return ll_fail_mem(err, "inflating", 1 << 16);
    int whole = inflate_all(&z, e, out);
    inflateEnd(&z);
    return whole ? LL_OK
                 : ll_fail(err, LL_EUSAGE,
                           "%s: expected deflated data of %llu bytes, found it broken or of another length",
                           what, (unsigned long long)e->size);
}

int ll_zip_read(const struct ll_zip_entry *e, const char *what, const uint8_t **data, uint8_t **owned,
                struct ll_err *err)
{
    int rc = LL_OK;
    *owned = NULL;
    *data = e->data;
    if (e->deflated) {
        if (e->size >= SIZE_MAX || !(*owned = malloc((size_t)e->size + 1)))
            return ll_fail_mem(err, what, e->size);
        *data = *owned;
        rc = inflate_entry(e, what, *owned, err);
    }
    uint32_t found = rc ? 0 : checksum(*data, e->size);
    if (!rc && found != e->crc)
        rc = ll_fail(err, LL_EUSAGE, "%s: expected the checksum %08x of the archive, found %08x", what,
                     e->crc, found);
    if (rc) {
        free(*owned);
        *owned = NULL;
    }
    return rc;
}
