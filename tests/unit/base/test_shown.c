/* test_shown.c - text from outside, made fit for a screen. */
#define _GNU_SOURCE
#include "buf.h"
#include "fail.h"
#include "shown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void shown_text_has_no_controls(void **state)
{
    (void)state;
    static const struct {
        const char *s, *keep, *want;
    } rows[] = {
        {"plain \xc3\xa4 \xe4\xb8\xad", "", "plain \xc3\xa4 \xe4\xb8\xad"},
        {"a\033[31mb", "", "a\xc2\xb7[31mb"},
        {"a\nb\tc\rd", "",
         "a\xe2\x86\xb5"
         "b\xe2\x87\xa5"
         "c\xc2\xb7"
         "d"},
        {"a\nb\tc\rd", "\n\t",
         "a\nb\tc\xc2\xb7"
         "d"},
        {"\xc2\x9b"
         "2J\x7f",
         "",
         "\xc2\xb7"
         "2J\xc2\xb7"}, /* C1's own escape */
        {"\x9b"
         "2J\xff",
         "",
         "\xef\xbf\xbd"
         "2J\xef\xbf\xbd"}, /* the same as a bare byte */
        {"x\xe2\x80\xae"
         "y\xe2\x81\xa7z",
         "", "x\xc2\xb7y\xc2\xb7z"}, /* direction */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ll_buf b = {0};
        ll_shown(&b, rows[i].s, strlen(rows[i].s), rows[i].keep);
        assert_string_equal(ll_buf_str(&b), rows[i].want);
        ll_buf_free(&b);
    }
    struct ll_err e = {0};
    ll_fail(&e, LL_EUSAGE, "%s",
            "a\033[1mb\nc\xc2\x9b"
            "d\xff\xe2\x80\xae\xc3\xa4");
    assert_string_equal(e.msg, "a [1mb c  d?   \xc3\xa4");
}

static void names_to_show(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"Qwen3-0.6B", "Qwen3-0.6B"},
        {"\xe4\xb8\xad \xf0\x9f\x99\x82", "\xe4\xb8\xad \xf0\x9f\x99\x82"},
        {"a\033[2J\nb\177", "a_[2J_b_"},
        {"\xc2\x9b"
         "31m",
         "_31m"},
        {"\xe2\x80\xae"
         "x\xe2\x80\xa8",
         "_x_"},
        {"\xff\xe2\x80", "__"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char s[64];
        snprintf(s, sizeof s, "%s", rows[i].from);
        ll_shown_name(s);
        assert_string_equal(s, rows[i].to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shown_text_has_no_controls),
        cmocka_unit_test(names_to_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
