/* test_relations.c - the arithmetic of sizes on the figures of a published trace (TinyLlama, layer 0, 20
 * tokens), worked by hand. */
#include "relations.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka needs the headers above */
#include <cmocka.h>

#define CLOSE(got, want, tol) assert_true(fabs((got) - (want)) < (tol))

static void residuals(void **state)
{
    (void)state;
    CLOSE(ll_rms_uncorrelated(0.009120, 0.011568), 0.014731, 5e-7);
    CLOSE(ll_rms_uncorrelated(0.014746, 0.002623), 0.014977, 5e-7);
    assert_true(ll_rms_within(0.009120, 0.011568, 0.014746));
    assert_true(ll_rms_within(0.014746, 0.002623, 0.015003));
    assert_true(ll_rms_within(1, 2, 3) && ll_rms_within(1, 2, 1));
    assert_false(ll_rms_within(1, 2, 3.001));
    assert_false(ll_rms_within(1, 2, 0.999));
    CLOSE(ll_rms_correlation(3, 4, 5), 0, 1e-12);
    CLOSE(ll_rms_correlation(3, 4, 7), 1, 1e-12);
    CLOSE(ll_rms_correlation(3, 4, 1), -1, 1e-12);
    assert_true(isnan(ll_rms_correlation(0, 4, 4)));
}

static void products(void **state)
{
    (void)state;
    CLOSE(ll_product_rms(0.061091, 0.062791), 0.001918, 5e-7);
}

static void norms(void **state)
{
    struct ll_norm_arithmetic a = ll_norm_arithmetic(0.009120, 1e-5, 0.087731, 0.107617);
    (void)state;
    CLOSE(a.root * a.root, 9.317e-5, 5e-9);
    CLOSE(a.root, 0.009653, 5e-7);
    CLOSE(a.eps_share, 0.058, 5e-4);
    CLOSE(a.largest, 9.09, 5e-3);
    CLOSE(a.ratio, 11.8, 5e-2);
    CLOSE(0.087731 / 0.009120, 9.62, 5e-3); /* what eps makes of it: 9.09 */
    assert_true(isinf(ll_norm_arithmetic(0, 1e-5, 0, 0).eps_share));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(residuals), cmocka_unit_test(products),
                                       cmocka_unit_test(norms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
