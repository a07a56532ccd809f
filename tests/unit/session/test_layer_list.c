/* test_layer_list.c - layers and depths as options name them. Caught: a depth taken twice, the default that
 * asks a shallow model for more than it has, a list that ends in a comma and is taken for another. */
#include "layer_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above */
#include <cmocka.h>

static void depths(void **state)
{
    static const struct {
        const char *list;
        int usual, n_layers, n; /* n -1: refused */
        int want[5];
    } rows[] = {
        {"0,1,2,10,n", 1, 24, 5, {0, 1, 2, 10, 24}},
        {"0,1,2,10,n", 1, 4, 4, {0, 1, 2, 4}}, /* the default leaves out what is not there */
        {"0,1,2,10,n", 0, 4, -1, {0}},         /* who asks for it is told */
        {"0,1,2,10,n", 1, 2, 3, {0, 1, 2}},    /* 2 is n: once */
        {"all", 0, 2, 3, {0, 1, 2}},
        {"n,0", 0, 7, 2, {7, 0}},
        {"3,3", 0, 7, -1, {0}},
        {"7,n", 0, 7, -1, {0}},
        {"", 0, 7, -1, {0}},
        {"1,", 0, 7, -1, {0}},
        {"-1", 0, 7, -1, {0}},
        {"1 2", 0, 7, -1, {0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ll_err err = {0};
        int k[LL_MAX_DEPTHS], n,
            rc = ll_depths_read(rows[i].list, rows[i].usual, rows[i].n_layers, k, &n, &err);
        assert_int_equal(rc, rows[i].n < 0 ? LL_EUSAGE : LL_OK);
        for (int j = 0; j < rows[i].n; j++)
            assert_int_equal(k[j], rows[i].want[j]);
        if (rows[i].n >= 0)
            assert_int_equal(n, rows[i].n);
    }
}

static void chosen(void **state)
{
    unsigned char *flags;
    struct ll_err err = {0};
    (void)state;
    assert_int_equal(ll_layers_chosen("--parts", NULL, 3, &flags, &err), LL_OK);
    assert_null(flags);
    assert_int_equal(ll_layers_chosen("--parts", "2,0", 3, &flags, &err), LL_OK);
    assert_memory_equal(flags, ((unsigned char[]){1, 0, 1}), 3);
    free(flags);
    assert_int_equal(ll_layers_chosen("--parts", "all", 3, &flags, &err), LL_OK);
    assert_memory_equal(flags, ((unsigned char[]){1, 1, 1}), 3);
    free(flags);
    assert_int_equal(ll_layers_chosen("--parts", "3", 3, &flags, &err), LL_EUSAGE);
    assert_non_null(strstr(err.msg, "--parts"));
    assert_non_null(strstr(err.msg, "0..2"));
    free(flags);
}

static void marked(void **state)
{
    int marks[LL_MAX_MARKS], n;
    struct ll_err err = {0};
    (void)state;
    assert_int_equal(ll_layers_marked(NULL, 3, marks, &n, &err), LL_OK);
    assert_int_equal(n, 0);
    assert_int_equal(ll_layers_marked("2,1", 3, marks, &n, &err), LL_OK);
    assert_int_equal(n, 2);
    assert_int_equal(marks[0], 2);
    assert_int_equal(marks[1], 1);
    assert_int_equal(ll_layers_marked("3", 3, marks, &n, &err), LL_EUSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(depths), cmocka_unit_test(chosen),
                                       cmocka_unit_test(marked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
