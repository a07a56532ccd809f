/* test_criteria.c - the list of criteria: the worst one is the verdict, what was not run is no pass, sections
 * and texts stay with their criterion. Caught: a warning that hides a failure, an empty list that passes, a
 * text too long that runs over. */
#include "criteria.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka needs the headers above */
#include <cmocka.h>

static void worst_is_the_verdict(void **state)
{
    static const struct {
        enum ll_crit all[4], want;
        int n;
    } rows[] = {
        {.n = 0, .want = LL_CRIT_NOT_RUN},
        {{LL_CRIT_NOT_RUN}, LL_CRIT_NOT_RUN, 1},
        {{LL_CRIT_NOT_RUN, LL_CRIT_PASS}, LL_CRIT_PASS, 2},
        {{LL_CRIT_PASS, LL_CRIT_WARN, LL_CRIT_PASS}, LL_CRIT_WARN, 3},
        {{LL_CRIT_FAIL, LL_CRIT_WARN, LL_CRIT_PASS, LL_CRIT_NOT_RUN}, LL_CRIT_FAIL, 4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ll_criteria c = {0};
        for (int k = 0; k < rows[i].n; k++)
            ll_criteria_add(&c, rows[i].all[k], "name", "%d", k);
        assert_int_equal(ll_criteria_verdict(&c), rows[i].want);
        ll_criteria_free(&c);
    }
}

static void kept_in_order(void **state)
{
    enum { N = 40 }; /* more than the list has room for at first */
    struct ll_criteria c = {0};
    struct ll_err err = {0};
    (void)state;
    for (int i = 0; i < N; i++) {
        c.section = i / 10;
        ll_criteria_add(&c, i % 2 ? LL_CRIT_PASS : LL_CRIT_FAIL, i % 2 ? "odd" : "even", "number %d", i);
    }
    assert_int_equal(ll_criteria_ok(&c, &err), LL_OK);
    assert_int_equal(c.n, N);
    assert_int_equal(ll_criteria_count(&c, LL_CRIT_FAIL), N / 2);
    assert_int_equal(c.v[23].section, 2);
    assert_string_equal(c.v[23].name, "odd");
    assert_string_equal(c.v[23].detail, "number 23");
    ll_criteria_free(&c);
}

static void long_texts_are_cut(void **state)
{
    char text[600];
    struct ll_criteria c = {0};
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    ll_criteria_add(&c, LL_CRIT_WARN, text, "%s", text);
    assert_int_equal(strlen(c.v[0].name), sizeof c.v[0].name - 1);
    assert_int_equal(strlen(c.v[0].detail), sizeof c.v[0].detail - 1);
    assert_int_equal(c.v[0].status, LL_CRIT_WARN);
    ll_criteria_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(worst_is_the_verdict),
                                       cmocka_unit_test(kept_in_order), cmocka_unit_test(long_texts_are_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
