/* test_utf8.c - UTF-8 read, checked and cleaned. */
#define _GNU_SOURCE
#include "buf.h"
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void utf8_round_trip(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        struct ll_buf b = {0};
        uint32_t back = 0;
        ll_utf8_put(&b, cp);
        int want = cp >= 0xd800 && cp < 0xe000 ? 0 : (int)b.len;
        assert_int_equal(ll_utf8_next(b.s, b.len, &back, NULL), want);
        if (want)
            assert_int_equal(back, cp);
        for (size_t cut = 1; cut < b.len && want;
             cut++) { /* cut short: all of what is left is one bad part */
            int bad = 0;
            assert_int_equal(ll_utf8_next(b.s, cut, &back, &bad), 0);
            assert_int_equal(bad, cut);
        }
        ll_buf_free(&b);
    }
}

static void utf8_maximal_parts(void **state)
{
    (void)state;
    const struct {
        const char *in;
        int bad;
    } rows[] = {
        /* Unicode 15, tables 3-8 to 3-11 */
        {"\x80", 1},         {"\xc0\xaf", 1},         {"\xc1\x80", 1},         {"\xe0\x80\xaf", 1},
        {"\xed\xa0\x80", 1}, {"\xf4\x91\x92\x93", 1}, {"\xf5\x80\x80\x80", 1}, {"\xff", 1},
        {"\xe1\x80\xe2", 2}, {"\xf0\x91\x92z", 3},    {"\xf1\xbf", 2},         {"\xc2z", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t cp;
        int bad = 0;
        assert_int_equal(ll_utf8_next(rows[i].in, strlen(rows[i].in), &cp, &bad), 0);
        assert_int_equal(bad, rows[i].bad);
    }
}

static void utf8_check_and_clean(void **state)
{
    (void)state;
    struct ll_buf b = {0};
    assert_int_equal(ll_utf8_check("abcdefgh\xc3\xa9", 10), 10);
    assert_int_equal(ll_utf8_check("abcdefghijk\xc3", 12), 11);
    assert_int_equal(ll_utf8_check("", 0), 0);
    ll_utf8_clean(&b, "a\xf0\x91\x92z\0\xc3\xa9\xff", 9);
    assert_string_equal(b.s, "a\xef\xbf\xbdz\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd");
    ll_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_round_trip),
        cmocka_unit_test(utf8_maximal_parts),
        cmocka_unit_test(utf8_check_and_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
