/* fuzz_ref_npy.c - numpy arrays and archives of them as references; every array accepted must hold what its shape says. */
#include "ref.h"

#include <stdlib.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

static const char *const seeds[] = {"tests/fixtures/refs/f2.npy", "tests/fixtures/refs/f4.npy", "tests/fixtures/refs/f8.npy", "tests/fixtures/refs/fortran.npy", "tests/fixtures/refs/hidden.npz", NULL};

const char *const *fuzz_seeds(void) { return seeds; }

static volatile float sink;

static void check(struct ll_ref *r, int rc, const struct ll_err *err)
{
    if (rc && (!err->code || !err->msg[0]))
        abort();
    for (int i = 0; i < r->n; i++) {
        int64_t n = 1;
        for (int k = 0; k < r->a[i].n_dims; k++)
            n *= r->a[i].dims[k];
        if (n != r->a[i].n || n < 1 || !r->a[i].name)
            abort();
        sink = r->a[i].x[n - 1];
    }
    ll_ref_free(r);
}

int fuzz_one(const uint8_t *data, size_t n)
{
    struct ll_ref r = {0};
    struct ll_err a = {0}, b = {0};
    check(&r, ll_ref_parse_npy(&r, "fuzz", "input_ids", data, n, &a), &a);
    check(&r, ll_ref_parse_npz(&r, "fuzz", data, n, &b), &b);
    return 0;
}
