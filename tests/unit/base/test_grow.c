/* test_grow.c - lists that grow by doubling: content kept, the first size, and sizes that cannot be had. */
#include "grow.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void doubles_and_keeps(void **state)
{
    (void)state;
    struct ll_err err = {0};
    size_t cap = 0;
    long *v = NULL;
    for (size_t n = 0; n < 100; n++) {
        if (n == cap)
            assert_non_null(v = ll_grow(v, &cap, sizeof *v, 3, "numbers", &err));
        v[n] = (long)n;
    }
    assert_int_equal(cap, 192);
    for (size_t n = 0; n < 100; n++)
        assert_int_equal(v[n], n);
    free(v);
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    struct ll_err err = {0};
    char block[16];
    size_t cap = SIZE_MAX / 24; /* twice as many of 16 bytes are more than there are addresses */
    assert_null(ll_grow(block, &cap, 16, 1, "numbers", &err));
    assert_int_equal(err.code, LL_EFAIL);
    assert_true(cap == SIZE_MAX / 24);
    int n = INT_MAX / 2 + 1;
    assert_null(ll_grow_int(block, &n, 1, 1, "numbers", NULL));
    assert_int_equal(n, INT_MAX / 2 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_and_keeps),
        cmocka_unit_test(refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
