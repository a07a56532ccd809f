/* fuzz_safetensors.c - the header of a .safetensors file; every byte of every tensor accepted must lie in the
 * input. Nearly every change of the header makes its length wrong, so each input is tried a second time with
 * the length set right (up to the last '}') and the data area made as long as the last tensor wants. */
#include "safetensors.h"

#include <stdlib.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

static const char *const seeds[] = {
    "tests/fixtures/ckpt/small.safetensors",
    "tests/fixtures/ckpt/types.safetensors",
    "tests/fixtures/ckpt/empty.safetensors",
    NULL,
};

const char *const *fuzz_seeds(void) { return seeds; }

static volatile int64_t sink;

static void parse(const uint8_t *data, size_t n)
{
    struct ll_st_header h;
    struct ll_err err = {0};
    if (ll_st_parse(&h, "fuzz", data, n, &err)) {
        if (!err.code || err.code == LL_EFAIL || !err.msg[0] || h.tensors || h.names)
            abort();
        return;
    }
    size_t total = h.size;
    for (int i = 0; i < h.n_tensors; i++) {
        const struct ll_tensor *t = &h.tensors[i];
        if (t->data < data + h.size || t->data + t->size > data + n)
            abort();
        sink = ll_tensor_nonfinite(t);
        total += t->size;
    }
    if (total != n)
        abort();
    ll_st_free(&h);
}

int fuzz_one(const uint8_t *data, size_t n)
{
    parse(data, n);
    size_t end = n;
    while (end > 8 && data[end - 1] != '}')
        end--;
    if (end <= 8)
        return 0;
    const size_t rooms[] = {n - end, 40, 300}; /* bytes of data: as it is, and what the seeds want */
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        uint8_t *exact = calloc(end + rooms[i], 1);
        if (!exact)
            abort();
        memcpy(exact, data, end);
        for (int k = 0; k < 8; k++)
            exact[k] = (uint8_t)((uint64_t)(end - 8) >> 8 * k);
        parse(exact, end + rooms[i]);
        free(exact);
    }
    return 0;
}
