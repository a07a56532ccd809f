/* torch_write.c - see torch_write.h */
#include "torch_write.h"

#include "buf.h"
#include "outfile.h"
#include "zip.h"

#include <stdlib.h>
#include <string.h>

static void put_le(struct ll_buf *b, uint64_t v, int n)
{
    for (; n--; v >>= 8)
        ll_buf_addc(b, (char)(v & 0xff));
}

static void put_text(struct ll_buf *b, const char *s)
{
    ll_buf_addc(b, 'X');
    put_le(b, strlen(s), 4);
    ll_buf_adds(b, s);
}

static void put_int(struct ll_buf *b, int64_t v)
{
    if (v <= INT32_MAX) {
        ll_buf_addc(b, 'J');
        put_le(b, (uint64_t)v, 4);
    } else {
        ll_buf_adds(b, "\x8a\x08");
        put_le(b, (uint64_t)v, 8);
    }
}

static int64_t count(const struct ll_torch_new *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->n_dims; i++)
        n *= t->dims[i];
    return n;
}

/* _rebuild_tensor_v2(("storage", FloatStorage, "3", "cpu", n), 0, dims, strides, False, OrderedDict()) */
static void put_tensor(struct ll_buf *b, const struct ll_torch_new *t, int number)
{
    char key[16];
    ll_buf_adds(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    put_text(b, "storage");
    ll_buf_adds(b, "ctorch\nFloatStorage\n");
    snprintf(key, sizeof key, "%d", number);
    put_text(b, key);
    put_text(b, "cpu");
    put_int(b, count(t));
    ll_buf_adds(b, "tQ");
    put_int(b, 0);
    ll_buf_addc(b, '(');
    for (int i = 0; i < t->n_dims; i++)
        put_int(b, t->dims[i]);
    ll_buf_adds(b, "t(");
    for (int i = 0; i < t->n_dims; i++)
        put_int(b, i + 1 < t->n_dims ? t->dims[i + 1] : 1);
    ll_buf_adds(b,
                "t\x89"
                "ccollections\nOrderedDict\n)RtR");
}

static void put_pickle(struct ll_buf *b, const struct ll_torch_new *t, int n)
{
    ll_buf_adds(b,
                "\x80\x02"
                "ccollections\nOrderedDict\n)R(");
    for (int i = 0; i < n; i++) {
        put_text(b, t[i].name);
        put_tensor(b, &t[i], i);
    }
    ll_buf_adds(b, "u.");
}

int ll_torch_write(const char *path, const struct ll_torch_new *t, int n, struct ll_err *err)
{
    struct ll_buf pickle = {0};
    struct ll_outfile out = {0};
    int n_entries = n + 3;
    struct ll_zip_new *e = calloc((size_t)n_entries, sizeof *e);
    struct ll_zip_part *parts = calloc((size_t)n_entries, sizeof *parts);
    char(*names)[32] = calloc((size_t)n_entries, sizeof *names);
    put_pickle(&pickle, t, n);
    int rc =
        e && parts && names ? ll_buf_ok(&pickle, err) : ll_fail_mem(err, path, (size_t)n_entries * sizeof *e);
    for (int i = 0; i < n_entries && !rc; i++) {
        struct ll_zip_part part[] = {{ll_buf_str(&pickle), pickle.len}, {"little", 6}, {"3\n", 2}};
        const char *fixed[] = {"params/data.pkl", "params/byteorder", "params/version"};
        int tensor = i - 2; /* order: pickle, byte order, data, version */
        int special = i < 2 ? i : i == n_entries - 1 ? 2 : -1;
        if (special < 0)
            snprintf(names[i], sizeof names[i], "params/data/%d", tensor);
        parts[i] = special >= 0
            ? part[special]
            : (struct ll_zip_part){t[tensor].data, sizeof(float) * (size_t)count(&t[tensor])};
        e[i] = (struct ll_zip_new){special >= 0 ? fixed[special] : names[i], &parts[i], 1};
    }
    if (!rc && !(rc = ll_outfile_open(&out, path, err)) && !(rc = ll_zip_write(out.f, e, n_entries, err)))
        rc = ll_outfile_commit(&out, err);
    ll_outfile_abort(&out);
    ll_buf_free(&pickle);
    free(e);
    free(parts);
    free(names);
    return rc;
}
