/* ref_bin.c - after_layer_N.bin (see ref.h). */
#include "ref.h"

#include <string.h>

static uint32_t le32(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }
static uint32_t be32(const uint8_t *p) { return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24; }

int ll_ref_parse_bin(struct ll_ref *r, const char *file, const char *name, const uint8_t *bytes, size_t n, struct ll_err *err)
{
    if (n < 4)
        return ll_fail(err, LL_EUSAGE, "%s: expected a count of 4 bytes, found %zu bytes", file, n);
    int64_t count = (int32_t)le32(bytes);
    if (count > 0 && 4 + 4 * (uint64_t)count == n) {
        struct ll_ref_array *a = ll_ref_add(r, file, name, strlen(name), &count, 1, "float32", 1, err);
        for (int64_t i = 0; a && i < count; i++) {
            uint32_t v = le32(bytes + 4 + 4 * i);
            memcpy(&a->x[i], &v, 4);
        }
        return a ? LL_OK : err ? err->code : LL_EFAIL;
    }
    if (be32(bytes) > 0 && 4 + 4 * (uint64_t)be32(bytes) == n)
        return ll_fail(err, LL_EUSAGE, "%s: looks big-endian: its count read the other way round, %u, fits the file; expected little-endian", file, be32(bytes));
    if (count <= 0)
        return ll_fail(err, LL_EUSAGE, "%s: count: expected 1 or more values, found %lld", file, (long long)count);
    return ll_fail(err, LL_EUSAGE, "%s: expected 4 + 4 * %lld = %lld bytes, found %zu", file, (long long)count, 4 + 4 * (long long)count, n);
}
