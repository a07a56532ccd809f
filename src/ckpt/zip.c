/* zip.c - see zip.h: reading. */
#include "zip.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    MAX_COMMENT = 65535,
    MAX_ENTRIES = 65536,
    EXTRA_ZIP64 = 1,
    FLAG_ENCRYPTED = 1,
    STORED = 0,
    DEFLATED = 8,
    MOST_DEFLATED = 1032, /* bytes that one byte can stand for: two bits a run of 258 */
};
static const uint32_t LOCAL_SIG = 0x04034b50, CENTRAL_SIG = 0x02014b50, END_SIG = 0x06054b50,
                      END64_SIG = 0x06064b50, LOCATOR_SIG = 0x07064b50;

static uint64_t le(const uint8_t *p, int n)
{
    uint64_t v = 0;
    while (n--)
        v = v << 8 | p[n];
    return v;
}
static uint32_t le32(const uint8_t *p) { return (uint32_t)le(p, 4); }
static uint16_t le16(const uint8_t *p) { return (uint16_t)le(p, 2); }

struct reader {
    const char *file;
    const uint8_t *bytes;
    size_t n;
    struct ll_err *err;
};

struct directory {
    uint64_t entries, size, offset;
};

/* Where the end record begins: the last place that looks like one and whose comment reaches the end of the
 * file. */
static const uint8_t *find_end(const struct reader *r)
{
    for (size_t back = END_SIZE; back <= r->n && back <= (size_t)END_SIZE + MAX_COMMENT; back++) {
        const uint8_t *p = r->bytes + r->n - back;
        if (le32(p) == END_SIG && (size_t)END_SIZE + le16(p + 20) == back)
            return p;
    }
    return NULL;
}

/* The zip64 end record, when a locator stands before the end record. */
static int read_end64(const struct reader *r, const uint8_t *end, struct directory *d)
{
    if (end - r->bytes < LOCATOR_SIZE || le32(end - LOCATOR_SIZE) != LOCATOR_SIG)
        return LL_OK;
    uint64_t at = le(end - LOCATOR_SIZE + 8, 8);
    if (r->n < END64_SIZE || at > r->n - END64_SIZE || le32(r->bytes + at) != END64_SIG)
        return ll_fail(r->err, LL_EUSAGE, "%s: zip64 end record: expected at byte %llu of %zu, found none",
                       r->file, (unsigned long long)at, r->n);
    const uint8_t *p = r->bytes + at;
    if (le32(p + 16) || le32(p + 20))
        return ll_fail(r->err, LL_EUNSUP, "%s: expected an archive in one file, found part %u", r->file,
                       le32(p + 16));
    *d = (struct directory){le(p + 32, 8), le(p + 40, 8), le(p + 48, 8)};
    return LL_OK;
}

static int read_end(const struct reader *r, struct directory *d)
{
    const uint8_t *end = find_end(r);
    if (!end)
        return ll_fail(r->err, LL_EUSAGE, "%s: expected a zip archive, found no end record in %zu bytes",
                       r->file, r->n);
    if ((le16(end + 4) && le16(end + 4) != 0xffff) || (le16(end + 6) && le16(end + 6) != 0xffff))
        return ll_fail(r->err, LL_EUNSUP, "%s: expected an archive in one file, found part %d", r->file,
                       le16(end + 4));
    *d = (struct directory){le16(end + 10), le32(end + 12), le32(end + 16)};
    int rc = read_end64(r, end, d);
    if (rc)
        return rc;
    if (d->offset > r->n || d->size > r->n - d->offset)
        return ll_fail(r->err, LL_EUSAGE,
                       "%s: central directory: expected inside %zu bytes, found %llu bytes at %llu", r->file,
                       r->n, (unsigned long long)d->size, (unsigned long long)d->offset);
    if (d->entries > MAX_ENTRIES)
        return ll_fail(r->err, LL_EUNSUP, "%s: expected at most %d entries, found %llu", r->file, MAX_ENTRIES,
                       (unsigned long long)d->entries);
    return LL_OK;
}

struct sizes {
    uint64_t packed, size, offset;
};

/* The zip64 extra field gives, in this order, those of size, packed size and offset that are all ones. 0 when
 * it is too short. */
static int read_extra(const uint8_t *p, size_t n, struct sizes *s)
{
    uint64_t *want[3];
    int n_want = 0;
    if (s->size == UINT32_MAX)
        want[n_want++] = &s->size;
    if (s->packed == UINT32_MAX)
        want[n_want++] = &s->packed;
    if (s->offset == UINT32_MAX)
        want[n_want++] = &s->offset;
    for (size_t len; n_want && n >= 4; p += 4 + len, n -= 4 + len) {
        len = le16(p + 2);
        if (len > n - 4)
            return 0;
        if (le16(p) != EXTRA_ZIP64)
            continue;
        if (len < (size_t)n_want * 8)
            return 0;
        for (int i = 0; i < n_want; i++)
            *want[i] = le(p + 4 + 8 * i, 8);
        return 1;
    }
    return !n_want;
}

/* Data of an entry whose local header lies at s->offset. */
static int locate(const struct reader *r, int i, const struct sizes *s, struct ll_zip_entry *e)
{
    if (r->n < LOCAL_SIZE || s->offset > r->n - LOCAL_SIZE || le32(r->bytes + s->offset) != LOCAL_SIG)
        return ll_fail(r->err, LL_EUSAGE, "%s: entry %d: expected a local header at byte %llu, found none",
                       r->file, i, (unsigned long long)s->offset);
    const uint8_t *p = r->bytes + s->offset;
    uint64_t at = s->offset + LOCAL_SIZE + le16(p + 26) + le16(p + 28);
    if (at > r->n || s->packed > r->n - at)
        return ll_fail(r->err, LL_EUSAGE,
                       "%s: entry %d: expected %llu bytes at %llu, found a file of %zu bytes", r->file, i,
                       (unsigned long long)s->packed, (unsigned long long)at, r->n);
    e->data = r->bytes + at;
    e->packed = (size_t)s->packed;
    e->size = s->size;
    return LL_OK;
}

/* One entry of the central directory at p (left bytes remain); *used: its length. */
static int read_entry(const struct reader *r, int i, const uint8_t *p, size_t left, struct ll_zip_entry *e,
                      size_t *used)
{
    if (left < CENTRAL_SIZE || le32(p) != CENTRAL_SIG)
        return ll_fail(r->err, LL_EUSAGE, "%s: central directory: expected entry %d, found none", r->file, i);
    size_t name = le16(p + 28), extra = le16(p + 30), comment = le16(p + 32);
    *used = CENTRAL_SIZE + name + extra + comment;
    if (*used > left)
        return ll_fail(r->err, LL_EUSAGE,
                       "%s: entry %d of the central directory: expected at most %zu bytes, found %zu",
                       r->file, i, left, *used);
    struct sizes s = {le32(p + 20), le32(p + 24), le32(p + 42)};
    if (le16(p + 8) & FLAG_ENCRYPTED)
        return ll_fail(r->err, LL_EUNSUP, "%s: entry %d: expected plain data, found it encrypted", r->file,
                       i);
    int method = le16(p + 10);
    if (method != STORED && method != DEFLATED)
        return ll_fail(
            r->err, LL_EUNSUP,
            "%s: entry %d: expected it stored (method 0) or deflated (8), found compression method %d",
            r->file, i, method);
    if (!read_extra(p + CENTRAL_SIZE + name, extra, &s))
        return ll_fail(r->err, LL_EUSAGE,
                       "%s: entry %d: expected its 64-bit sizes in a zip64 field, found none", r->file, i);
    if (method == STORED && s.packed != s.size)
        return ll_fail(r->err, LL_EUSAGE,
                       "%s: entry %d: expected equal sizes of stored data, found %llu and %llu", r->file, i,
                       (unsigned long long)s.packed, (unsigned long long)s.size);
    if (method == DEFLATED && s.size / MOST_DEFLATED > s.packed)
        return ll_fail(r->err, LL_EUSAGE,
                       "%s: entry %d: expected at most %d times its %llu bytes, found %llu", r->file, i,
                       MOST_DEFLATED, (unsigned long long)s.packed, (unsigned long long)s.size);
    e->deflated = method == DEFLATED;
    e->crc = le32(p + 16);
    e->name = (const char *)p + CENTRAL_SIZE;
    e->name_len = name;
    return locate(r, i, &s, e);
}

static int by_name(const void *a, const void *b)
{
    const struct ll_zip_entry *x = a, *y = b;
    size_t n = x->name_len < y->name_len ? x->name_len : y->name_len;
    int c = n ? memcmp(x->name, y->name, n) : 0;
    return c ? c : x->name_len < y->name_len ? -1 : x->name_len > y->name_len;
}

static int read_all(struct ll_zip *z, const struct reader *r, const struct directory *d)
{
    size_t at = 0, used = 0;
    for (; z->n < (int)d->entries; z->n++, at += used) {
        int rc =
            read_entry(r, z->n, r->bytes + d->offset + at, (size_t)d->size - at, &z->entries[z->n], &used);
        if (rc)
            return rc;
    }
    qsort(z->entries, (size_t)z->n, sizeof *z->entries, by_name);
    for (int i = 0; i + 1 < z->n; i++)
        if (!by_name(&z->entries[i], &z->entries[i + 1]))
            return ll_fail(r->err, LL_EUSAGE, "%s: entry \"%.*s\": expected once, found twice", r->file,
                           (int)(z->entries[i].name_len & 0xff), z->entries[i].name);
    return LL_OK;
}

int ll_zip_list(struct ll_zip *z, const char *file, const uint8_t *bytes, size_t n, struct ll_err *err)
{
    struct reader r = {file, bytes, n, err};
    struct directory d = {0};
    memset(z, 0, sizeof *z);
    int rc = read_end(&r, &d);
    if (rc)
        return rc;
    z->entries = calloc((size_t)d.entries + 1, sizeof *z->entries);
    if (!z->entries)
        return ll_fail_mem(err, "entries of an archive", d.entries * sizeof *z->entries);
    rc = read_all(z, &r, &d);
    if (rc)
        ll_zip_free(z);
    return rc;
}

const struct ll_zip_entry *ll_zip_find(const struct ll_zip *z, const char *name, size_t len)
{
    struct ll_zip_entry key = {.name = name, .name_len = len};
    return z->n ? bsearch(&key, z->entries, (size_t)z->n, sizeof *z->entries, by_name) : NULL;
}

void ll_zip_free(struct ll_zip *z)
{
    free(z->entries);
    memset(z, 0, sizeof *z);
}
