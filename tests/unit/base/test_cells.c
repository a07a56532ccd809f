/* test_cells.c - words broken to fit a terminal. Caught: an indent counted in bytes, a line one column too
 * wide, words lost. */
#include "cells.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void broken_at_spaces(void **state)
{
    static const struct {
        int width;
        const char *lead, *text, *want;
    } all[] = {
        {0, "pass     ", "a criterion: never broken where nothing has to fit",
         "pass     a criterion: never broken where nothing has to fit\n"},
        {12, "ab  ", "one two three",
         "ab  one two\n    three\n"}, /* "ab  one two" has 11 columns; with " three" 17 */
        {11, "ab  ", "one two three", "ab  one two\n    three\n"}, /* exactly as wide */
        {10, "ab  ", "one two three", "ab  one\n    two\n    three\n"},
        {9, "\xe2\x96\x88  ", "\xc3\xa4\xc3\xb6 \xc3\xbc\xc3\xa9\xc3\xa8 x",
         "\xe2\x96\x88  \xc3\xa4\xc3\xb6 \xc3\xbc\xc3\xa9\xc3\xa8\n   x\n"}, /* columns, not bytes */
        {6, "", "longerthanwide x", "longerthanwide\nx\n"},                  /* a word stays whole */
        {20, "ab ", "", "ab \n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct ll_buf b = {0};
        ll_put_wrapped(&b, all[i].width, all[i].lead, all[i].text);
        assert_string_equal(ll_buf_str(&b), all[i].want);
        ll_buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(broken_at_spaces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
