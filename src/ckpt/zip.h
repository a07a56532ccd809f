/* zip.h - the entries of a .zip archive, stored or deflated, and an archive of stored entries written.
 *
 *     { local header, name, extra, data, (data descriptor) } per entry
 *     central directory: sizes, offset and name of each entry;  (zip64 end record and locator);  end record
 *
 * Read from the end: the central directory is believed after its lengths were checked, of a local header only
 * the signature and its own length, so data descriptors do not matter. zip64 is read (32-bit fields of all
 * ones). Other methods than stored (0) and deflated (8), encrypted entries, archives in parts and equal names
 * are refused. The list verifies no checksum: torch.save can be told not to make them; ll_zip_read does.
 * Source: APPNOTE.TXT of PKWARE, 6.3.9; RFC 1951. */
#ifndef LL_CKPT_ZIP_H
#define LL_CKPT_ZIP_H
#include "fail.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct ll_zip_entry {
    const char *name;
    size_t name_len; /* borrowed from the bytes, no NUL at the end; any bytes */
    const uint8_t *data;
    size_t packed; /* as it lies in the file: borrowed, inside the bytes */
    uint64_t size; /* of the contents, as the directory says; packed where stored */
    uint32_t crc;  /* of the contents */
    int deflated;
};
struct ll_zip {
    struct ll_zip_entry *entries;
    int n;
}; /* entries owned, sorted by name */

/* bytes[n]: the whole file. Returns LL_OK, LL_EUSAGE (broken, or a size that deflated data cannot have),
 * LL_EUNSUP (another method, encrypted, in parts, more than 65536 entries) or LL_EFAIL (memory); messages
 * begin with `file`. After a failure there is nothing to free. */
int ll_zip_list(struct ll_zip *z, const char *file, const uint8_t *bytes, size_t n, struct ll_err *err);
const struct ll_zip_entry *ll_zip_find(const struct ll_zip *z, const char *name, size_t len); /* or NULL */
/* The contents [e->size]: *data borrowed from the file, or from *owned (free it; NULL where stored). Never
 * more than e->size bytes are made; ask before whether so many may be. Returns LL_OK, LL_EUSAGE (broken,
 * another size, another checksum: message begins with `what`) or LL_EFAIL (memory). */
int ll_zip_read(const struct ll_zip_entry *e, const char *what, const uint8_t **data, uint8_t **owned,
                struct ll_err *err);
void ll_zip_free(struct ll_zip *z); /* {0} and twice are fine */

/* Write an archive: entries in the given order, stored, their data at multiples of 64 bytes, dated 1980-01-01
 * so that equal contents are equal files; zip64 records always. Parts: data is the concatenation of n_parts
 * runs. */
struct ll_zip_part {
    const void *data;
    size_t size;
};
struct ll_zip_new {
    const char *name;
    const struct ll_zip_part *parts;
    int n_parts;
};
/* Returns LL_OK or LL_EFAIL (memory); errors of writing show at commit (map.h). f must stand at offset 0. */
int ll_zip_write(FILE *f, const struct ll_zip_new *entries, int n, struct ll_err *err);
#endif
