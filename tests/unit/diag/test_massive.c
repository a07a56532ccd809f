/* test_massive.c - massive activations: medians by counting against sorting, places followed through rows,
 * the masks. */
#include "massive.h"
#include "stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above */
#include <cmocka.h>

static void medians(void **state)
{
    double sorted[1001];
    float x[1001];
    unsigned seed = 7;
    struct ll_err err = {0};
    (void)state;
    for (size_t n = 1; n <= 1001; n += 125) {
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            x[i] =
                ((float)(seed >> 8) / (float)(1 << 24) - 0.5f) * (i % 3 ? 1.0f : 1e-20f) * (i % 7 ? 1 : 1e6f);
            sorted[i] = fabs((double)x[i]);
        }
        struct ll_massive m;
        assert_int_equal(ll_massive_init(&m, 1, (int)n, 100, &err), LL_OK);
        assert_int_equal(ll_massive_add(&m, x, &err), LL_OK);
        assert_true(m.rows[0].median == ll_median(sorted, n));
        ll_massive_free(&m);
    }
}

/* Four positions, eight dimensions, all 1; (0, 5) massive in rows 1 to 3, (2, 5) in row 2 only, (1, 0) just
 * below. */
static void places(void **state)
{
    enum { P = 4, D = 8 };
    struct ll_massive m;
    struct ll_err err = {0};
    float x[P * D];
    (void)state;
    assert_int_equal(ll_massive_init(&m, P, D, 100, &err), LL_OK);
    for (int row = 0; row < 5; row++) {
        for (int i = 0; i < P * D; i++)
            x[i] = i % 2 ? 1.0f : -1.0f;
        x[1 * D + 0] = 100.0f; /* not beyond */
        if (row >= 1 && row <= 3)
            x[5] = row == 2 ? -900.0f : 300.0f;
        if (row == 2)
            x[2 * D + 5] = 101.0f;
        x[3 * D + 7] = row == 4 ? NAN : 1;
        assert_int_equal(ll_massive_add(&m, x, &err), LL_OK);
    }
    assert_int_equal(m.n, 2);
    assert_int_equal(m.n_rows, 5);
    assert_true(m.rows[2].median == 1 && m.rows[2].n == 2 && m.rows[2].max_abs == 900
                && m.rows[2].max_pos == 0 && m.rows[2].max_dim == 5);
    assert_true(m.at[0].pos == 0 && m.at[0].dim == 5 && m.at[0].first == 1 && m.at[0].last == 3
                && m.at[0].n_rows == 3 && m.at[0].peak == 2);
    assert_true(m.at[0].value == -900 && m.at[0].ratio == 900);
    assert_true(m.at[1].pos == 2 && m.at[1].dim == 5 && m.at[1].first == 2 && m.at[1].last == 2);
    int dims[D], positions[P];
    assert_int_equal(ll_massive_dims(&m, dims), 1);
    assert_int_equal(dims[0], 5);
    assert_int_equal(ll_massive_positions(&m, positions), 2);
    assert_true(positions[0] == 0 && positions[1] == 2);
    ll_massive_free(&m);
    assert_int_equal(ll_massive_init(&m, 0, D, 100, &err), LL_EUSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(medians), cmocka_unit_test(places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
