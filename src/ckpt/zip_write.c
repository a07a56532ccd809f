/* zip_write.c - see zip.h: an archive of stored entries. */
#include "zip.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64, VERSION = 45, DATE_1980 = 1 << 5 | 1, EXTRA_ZIP64 = 1, EXTRA_PADDING = 0x4246 };

static void put(FILE *f, uint64_t v, int n)
{
    for (; n--; v >>= 8)
        putc((int)(v & 0xff), f);
}

/* CRC-32 of IEEE 802.3 (reflected, polynomial 0xEDB88320), four tables so that four bytes go at once. */
struct crc_tables {
    uint32_t t[4][256];
};

static void make_crc(struct crc_tables *c)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int k = 0; k < 8; k++)
            v = v & 1 ? v >> 1 ^ 0xEDB88320u : v >> 1;
        c->t[0][i] = v;
    }
    for (int k = 1; k < 4; k++)
        for (int i = 0; i < 256; i++)
            c->t[k][i] = c->t[k - 1][i] >> 8 ^ c->t[0][c->t[k - 1][i] & 0xff];
}

static uint32_t add_crc(const struct crc_tables *c, uint32_t crc, const uint8_t *p, size_t n)
{
    for (; n >= 4; p += 4, n -= 4) {
        crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        crc = c->t[3][crc & 0xff] ^ c->t[2][crc >> 8 & 0xff] ^ c->t[1][crc >> 16 & 0xff] ^ c->t[0][crc >> 24];
    }
    while (n--)
        crc = crc >> 8 ^ c->t[0][(crc ^ *p++) & 0xff];
    return crc;
}

struct placed {
    uint64_t offset, size;
    uint32_t crc;
};

/* The fields that local header and central directory share, from "version needed" to "length of the name". */
static void put_common(FILE *f, const struct ll_zip_new *e, const struct placed *p)
{
    put(f, VERSION, 2);
    put(f, 0, 2); /* flags */
    put(f, 0, 2); /* stored */
    put(f, 0, 2); /* time */
    put(f, DATE_1980, 2);
    put(f, p->crc, 4);
    put(f, UINT32_MAX, 4); /* both sizes: in the zip64 field */
    put(f, UINT32_MAX, 4);
    put(f, strlen(e->name), 2);
}

static void put_zip64(FILE *f, const struct placed *p, int with_offset)
{
    put(f, EXTRA_ZIP64, 2);
    put(f, with_offset ? 24 : 16, 2);
    put(f, p->size, 8);
    put(f, p->size, 8);
    if (with_offset)
        put(f, p->offset, 8);
}

/* Local header, padding in an extra field so that the data begin at a multiple of ALIGN, data. Returns where
 * the next header goes. */
static uint64_t put_entry(FILE *f, const struct ll_zip_new *e, const struct placed *p)
{
    uint64_t head = p->offset + 30 + strlen(e->name) + 20, start = (head + 4 + ALIGN - 1) / ALIGN * ALIGN;
    put(f, 0x04034b50, 4);
    put_common(f, e, p);
    put(f, 20 + (start - head), 2);
    fputs(e->name, f);
    put_zip64(f, p, 0);
    put(f, EXTRA_PADDING, 2);
    put(f, start - head - 4, 2);
    for (uint64_t i = head + 4; i < start; i++)
        putc('Z', f);
    for (int i = 0; i < e->n_parts; i++)
        fwrite(e->parts[i].data, 1, e->parts[i].size, f);
    return start + p->size;
}

static uint64_t put_central(FILE *f, const struct ll_zip_new *e, const struct placed *p)
{
    put(f, 0x02014b50, 4);
    put(f, VERSION, 2); /* made by */
    put_common(f, e, p);
    put(f, 28, 2);         /* length of the extra field */
    put(f, 0, 2);          /* comment */
    put(f, 0, 2);          /* part */
    put(f, 0, 2);          /* internal attributes */
    put(f, 0, 4);          /* external ones */
    put(f, UINT32_MAX, 4); /* offset: in the zip64 field */
    fputs(e->name, f);
    put_zip64(f, p, 1);
    return 46 + strlen(e->name) + 28;
}

static void put_end(FILE *f, int n, uint64_t at, uint64_t size)
{
    put(f, 0x06064b50, 4); /* zip64 end record */
    put(f, 44, 8);
    put(f, VERSION, 2);
    put(f, VERSION, 2);
    put(f, 0, 4);
    put(f, 0, 4);
    put(f, (uint64_t)n, 8);
    put(f, (uint64_t)n, 8);
    put(f, size, 8);
    put(f, at, 8);
    put(f, 0x07064b50, 4); /* its locator */
    put(f, 0, 4);
    put(f, at + size, 8);
    put(f, 1, 4);
    put(f, 0x06054b50, 4); /* end record */
    put(f, 0, 2);
    put(f, 0, 2);
    put(f, n < 0xffff ? (uint64_t)n : 0xffff, 2);
    put(f, n < 0xffff ? (uint64_t)n : 0xffff, 2);
    put(f, size < UINT32_MAX ? size : UINT32_MAX, 4);
    put(f, at < UINT32_MAX ? at : UINT32_MAX, 4);
    put(f, 0, 2);
}

int ll_zip_write(FILE *f, const struct ll_zip_new *entries, int n, struct ll_err *err)
{
    struct placed *p = calloc((size_t)n + 1, sizeof *p);
    struct crc_tables crc;
    uint64_t at = 0, size = 0;
    if (!p)
        return ll_fail_mem(err, "entries of an archive", (size_t)n * sizeof *p);
    make_crc(&crc);
    for (int i = 0; i < n; i++) {
        p[i] = (struct placed){.offset = at, .crc = UINT32_MAX};
        for (int k = 0; k < entries[i].n_parts; k++) {
            p[i].size += entries[i].parts[k].size;
            p[i].crc = add_crc(&crc, p[i].crc, entries[i].parts[k].data, entries[i].parts[k].size);
        }
        p[i].crc ^= UINT32_MAX;
        at = put_entry(f, &entries[i], &p[i]);
    }
    for (int i = 0; i < n; i++)
        size += put_central(f, &entries[i], &p[i]);
    put_end(f, n, at, size);
    free(p);
    return LL_OK;
}
