/* refstack.c - see refstack.h */
#include "refstack.h"

#include "endian.h"
#include "json_write.h"
#include "map.h"
#include "outfile.h"
#include "sha256.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
} types[] = {[LL_ARRAY_F32] = {"F32", 4}, [LL_ARRAY_I32] = {"I32", 4}};

static size_t bytes_of(const struct ll_array *a)
{
    size_t n = types[a->type].bytes;
    for (int i = 0; i < a->n_dims; i++)
        n *= (size_t)a->dims[i];
    return n;
}

static void put_header(struct ll_buf *b, const struct ll_array *arrays, int n, const char *const *meta)
{
    size_t at = 0;
    ll_buf_adds(b, "{\"__metadata__\":{");
    for (int i = 0; meta && meta[i]; i += 2) {
        ll_buf_adds(b, i ? "," : "");
        ll_json_quote(b, meta[i], strlen(meta[i]));
        ll_buf_addc(b, ':');
        ll_json_quote(b, meta[i + 1], strlen(meta[i + 1]));
    }
    ll_buf_addc(b, '}');
    for (int i = 0; i < n; i++) {
        ll_buf_addc(b, ',');
        ll_json_quote(b, arrays[i].name, strlen(arrays[i].name));
        ll_buf_addf(b, ":{\"dtype\":\"%s\",\"shape\":[", types[arrays[i].type].name);
        for (int k = 0; k < arrays[i].n_dims; k++)
            ll_buf_addf(b, "%s%lld", k ? "," : "", (long long)arrays[i].dims[k]);
        ll_buf_addf(b, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes_of(&arrays[i]));
        at += bytes_of(&arrays[i]);
    }
    ll_buf_addc(b, '}');
    while (b->len % 8)
        ll_buf_addc(b, ' ');
}

int ll_safetensors_write(const char *path, const struct ll_array *arrays, int n, const char *const *meta,
                         struct ll_err *err)
{
    struct ll_buf header = {0};
    struct ll_outfile out;
    uint8_t size[8];
    put_header(&header, arrays, n, meta);
    int rc = ll_buf_ok(&header, err);
    if (!rc)
        rc = ll_outfile_open(&out, path, err);
    if (rc) {
        ll_buf_free(&header);
        return rc;
    }
    ll_le_put(size, header.len, 8);
    ll_outfile_write(&out, size, 8);
    ll_outfile_write(&out, header.s, header.len);
    for (int i = 0; i < n; i++)
        ll_outfile_write(&out, arrays[i].data, bytes_of(&arrays[i]));
    ll_buf_free(&header);
    return ll_outfile_commit(&out, err);
}

int ll_bin_write(const char *folder, const char *name, const float *x, int64_t n, char hex[65],
                 struct ll_err *err)
{
    struct ll_sha256 sha;
    struct ll_outfile out;
    uint8_t count[4];
    if (n < 1 || n > 0x7fffffff)
        return ll_fail(err, LL_EUSAGE, "%s: expected 1..2147483647 values, found %lld", name, (long long)n);
    char *path = ll_path_join(folder, name);
    if (!path)
        return ll_fail_mem(err, "path", strlen(folder));
    int rc = ll_outfile_open(&out, path, err);
    free(path);
    if (rc)
        return rc;
    ll_le_put(count, (uint64_t)n, 4);
    ll_sha256_init(&sha);
    ll_sha256_add(&sha, count, 4);
    ll_sha256_add(&sha, x, sizeof *x * (size_t)n);
    ll_sha256_hex(&sha, hex);
    ll_outfile_write(&out, count, 4);
    ll_outfile_write(&out, x, sizeof *x * (size_t)n);
    return ll_outfile_commit(&out, err);
}
