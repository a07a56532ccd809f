/* fuzz_tuned.c - the files of a tuned lens: archive and pickle; every byte of every tensor accepted must lie
 * in the input or in a copy. Most changes of a whole file only break the archive, so a seed that is a pickle
 * alone is put into a sound archive with small storages. */
#include "torch_file.h"
#include "zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

#define T "tests/fixtures/tuned/"
static const char *const seeds[] = {
    T "ordered.pkl",
    T "ordered/params.pt",
    T "strided_bf16/params.pt",
    T "shared_f16/params.pt",
    T "bad/evil.pt",
    T "bad/deflated.pt",
    T "bad/protocol4.pt",
    "tests/fixtures/refs/torch/containers.pkl",
    NULL,
};

const char *const *fuzz_seeds(void) { return seeds; }

static volatile int64_t sink;

static int is_inside(const struct ll_tensor *t, const uint8_t *data, size_t n)
{
    return t->data >= data && t->data <= data + n && t->size <= (size_t)(data + n - t->data);
}

static int is_owned(const struct ll_torch_file *f, const struct ll_tensor *t)
{
    for (int i = 0; i < f->n_owned; i++)
        if (f->owned[i] == t->data)
            return 1;
    return 0;
}

static void parse(const uint8_t *data, size_t n, const char *root)
{
    struct ll_torch_file f;
    struct ll_err err = {0};
    if (ll_torch_parse(&f, "fuzz", root, data, n, &err)) {
        if (!err.code || err.code == LL_EFAIL || !err.msg[0] || f.tensors || f.names || f.owned
            || f.passed.len)
            abort();
        return;
    }
    for (int i = 0; i < f.n_tensors; i++) {
        const struct ll_tensor *t = &f.tensors[i];
        size_t count = 1;
        for (int k = 0; k < t->n_dims; k++)
            count *= (size_t)t->dims[k];
        if (count * (size_t)ll_dtype_info(t->dtype)->block_bytes != t->size
            || (!is_inside(t, data, n) && !is_owned(&f, t)))
            abort();
        sink = ll_tensor_nonfinite(t);
    }
    ll_torch_free(&f);
}

int fuzz_one(const uint8_t *data, size_t n)
{
    parse(data, n, NULL);
    parse(data, n, "root");
    if (!n || data[0] != 0x80)
        return 0;
    static const float values[16] = {1, 2, 3};
    const struct ll_zip_part parts[] = {{data, n}, {values, sizeof values}, {values, 16}};
    const struct ll_zip_new entries[] = {{"x/data.pkl", &parts[0], 1},
                                         {"x/data/0", &parts[1], 1},
                                         {"x/data/1", &parts[2], 1},
                                         {"x/data/2", &parts[1], 1},
                                         {"x/data/3", &parts[2], 1}};
    char *bytes = NULL;
    size_t size = 0;
    struct ll_err err = {0};
    FILE *f = open_memstream(&bytes, &size);
    if (!f || ll_zip_write(f, entries, 5, &err) || fclose(f))
        abort();
    uint8_t *exact = malloc(size);
    if (!exact)
        abort();
    memcpy(exact, bytes, size);
    parse(exact, size, NULL);
    parse(exact, size, "root");
    free(exact);
    free(bytes);
    return 0;
}
