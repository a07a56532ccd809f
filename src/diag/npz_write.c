/* npz_write.c - see npz_write.h */
#include "npz_write.h"

#include "buf.h"
#include "literal.h"
#include "map.h"
#include "outfile.h"
#include "zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "\x93NUMPY", version 1.0, length, dictionary, padded so that the values begin at a multiple of 64 bytes of
 * the array's file. */
static void put_header(const struct ll_npz_array *a, struct ll_buf *out)
{
    struct ll_buf dict = {0};
    ll_buf_addf(&dict, "{'descr': '<%c4', 'fortran_order': False, 'shape': (", a->is_int ? 'i' : 'f');
    for (int i = 0; i < a->n_dims; i++)
        ll_buf_addf(&dict, "%s%lld%s", i ? " " : "", (long long)a->dims[i],
                    a->n_dims == 1 || i + 1 < a->n_dims ? "," : "");
    ll_buf_adds(&dict, "), }");
    while ((10 + dict.len + 1) % 64)
        ll_buf_addc(&dict, ' ');
    ll_buf_addc(&dict, '\n');
    ll_buf_add(out, LL_LIT("\x93NUMPY\x01\x00"));
    ll_buf_addc(out, (char)(dict.len & 255));
    ll_buf_addc(out, (char)(dict.len >> 8));
    ll_buf_add(out, ll_buf_str(&dict), dict.len);
    out->failed |= dict.failed;
    ll_buf_free(&dict);
}

struct entry {
    struct ll_buf header;
    struct ll_buf name;
    struct ll_zip_part parts[2];
};

static int fill(struct entry *e, struct ll_zip_new *z, const struct ll_npz_array *a, struct ll_err *err)
{
    int64_t n = 1;
    for (int i = 0; i < a->n_dims; i++)
        n *= a->dims[i];
    put_header(a, &e->header);
    ll_buf_addf(&e->name, "%s.npy", a->name);
    if (e->header.failed || e->name.failed)
        return ll_fail_mem(err, "header", e->header.len);
    e->parts[0] = (struct ll_zip_part){e->header.s, e->header.len};
    e->parts[1] = (struct ll_zip_part){a->data, 4 * (size_t)n};
    *z = (struct ll_zip_new){e->name.s, e->parts, 2};
    return LL_OK;
}

int ll_npz_write(const char *path, const struct ll_npz_array *arrays, int n, struct ll_err *err)
{
    struct ll_outfile out = {0};
    struct entry *e = calloc((size_t)n + 1, sizeof *e);
    struct ll_zip_new *z = calloc((size_t)n + 1, sizeof *z);
    int rc = e && z ? LL_OK : ll_fail_mem(err, path, sizeof *e * (size_t)n);
    for (int i = 0; i < n && !rc; i++)
        rc = fill(&e[i], &z[i], &arrays[i], err);
    if (!rc && !(rc = ll_outfile_open(&out, path, err)) && !(rc = ll_zip_write(out.f, z, n, err)))
        rc = ll_outfile_commit(&out, err);
    ll_outfile_abort(&out);
    for (int i = 0; i < n && e; i++) {
        ll_buf_free(&e[i].header);
        ll_buf_free(&e[i].name);
    }
    free(e);
    free(z);
    return rc;
}
