/* fuzz_ref_npy.c - numpy arrays, archives of them and torch files as references; every array accepted must
 * hold what its shape says. A changed archive of deflated members fails at its checksum mostly, so that a
 * bound on sizes is given. */
#include "ref.h"

#include <stdlib.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t n);
const char *const *fuzz_seeds(void);

static const char *const seeds[] = {"tests/fixtures/refs/f2.npy",
                                    "tests/fixtures/refs/f4.npy",
                                    "tests/fixtures/refs/f8.npy",
                                    "tests/fixtures/refs/fortran.npy",
                                    "tests/fixtures/refs/hidden.npz",
                                    "tests/fixtures/refs/deflated.npz",
                                    "tests/fixtures/refs/deflated/llama3_gqa.hidden.float32.npz",
                                    "tests/fixtures/refs/deflated/bad_bomb.npz",
                                    "tests/fixtures/refs/torch/llama3_gqa.nested.pt",
                                    "tests/fixtures/refs/torch/llama3_gqa.views.pt",
                                    NULL};

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
    struct ll_err a = {0}, b = {0}, c = {0};
    check(&r, ll_ref_parse_npy(&r, "fuzz", "input_ids", data, n, &a), &a);
    r.most_values = 1 << 16;
    check(&r, ll_ref_parse_npz(&r, "fuzz", data, n, &b), &b);
    check(&r, ll_ref_parse_torch(&r, "fuzz", "root", data, n, &c), &c);
    return 0;
}
