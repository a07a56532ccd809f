/* fuzz_gguf.c - a GGUF header, its metadata and tensors. Everything accepted is looked at:
 * each value of each pair, each byte of each tensor must lie in the input. */
#include "ckpt.h"
#include "gguf.h"

#include <stdlib.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

static const char *const seeds[] = {
    "tests/fixtures/gguf/small.gguf",
    "tests/fixtures/gguf/vocab.gguf",
    "tests/fixtures/gguf/two-00001-of-00002.gguf",
    "tests/fixtures/gguf/two-00002-of-00002.gguf",
    NULL,
};

const char *const *fuzz_seeds(void) { return seeds; }

static volatile uint64_t sink;

static void touch(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sink += ((const uint8_t *)p)[i];
}

static void read_pairs(const struct ll_gguf *g)
{
    for (int i = 0; i < ll_gguf_n_kv(g); i++) {
        const struct ll_gguf_kv *kv = ll_gguf_kv_at(g, i);
        struct ll_gguf_iter it = ll_gguf_iter(kv);
        const char *s, *t;
        size_t len, tlen;
        if (ll_gguf_find(g, kv->key) != kv)
            abort();
        touch(kv->data, kv->size);
        for (uint64_t k = 0; k < kv->n; k++) {
            int64_t whole;
            double num;
            int flag;
            if (kv->type != LL_GGUF_STR) {
                if (!ll_gguf_int(kv, k, &whole) && !ll_gguf_num(kv, k, &num) && !ll_gguf_bool(kv, k, &flag)
                    && kv->type != LL_GGUF_U64)
                    abort();
                continue;
            }
            if (!ll_gguf_next(&it, &s, &len) || !ll_gguf_str(kv, k, &t, &tlen) || s != t || len != tlen)
                abort();
            touch(s, len);
        }
        if (ll_gguf_next(&it, &s, &len) || ll_gguf_str(kv, kv->n, &s, &len))
            abort();
    }
}

static void check(int rc, const struct ll_err *err)
{
    if (rc && (!err->code || err->code == LL_EFAIL || !err->msg[0]))
        abort();
}

int fuzz_one(const uint8_t *data, size_t n)
{
    struct ll_gguf *g;
    struct ll_err err = {0};
    struct ll_tensor *t = NULL;
    int n_tensors = 0;
    char *types = NULL;
    int rc = ll_gguf_parse(&g, "fuzz", data, n, &err);
    check(rc, &err);
    if (rc)
        return 0;
    read_pairs(g);
    rc = ll_gguf_list(g, "fuzz", &t, &n_tensors, &types, &err);
    check(rc, &err);
    if (!rc) {
        for (int i = 0; i < n_tensors; i++) {
            if (t[i].data < data || t[i].size > n || t[i].data + t[i].size > data + n)
                abort();
            sink += (uint64_t)ll_tensor_nonfinite(&t[i]);
        }
    }
    free(types);
    free(t);
    ll_gguf_close(g);
    return 0;
}
