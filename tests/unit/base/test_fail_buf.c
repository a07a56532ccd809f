/* test_fail_buf.c - reasons of failure and growing buffers. */
#define _GNU_SOURCE
#include "buf.h"
#include "fail.h"
#include "json_write.h"
#include "map.h"
#include "memory.h"
#include "outfile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ll_base_XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
    (void)state;
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", folder);
    return system(cmd);
}

static const char *at(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void first_reason_stays(void **state)
{
    (void)state;
    struct ll_err e = {0};
    assert_int_equal(ll_fail(&e, LL_EUSAGE, "%s\n\tis bad\x7f", "it"), LL_EUSAGE);
    assert_int_equal(ll_fail(&e, LL_EFAIL, "later"), LL_EFAIL);
    assert_int_equal(e.code, LL_EUSAGE);
    assert_string_equal(e.msg, "it  is bad "); /* one line, whatever went in */
    assert_int_equal(ll_context(&e, "model %d", 3), LL_EUSAGE);
    assert_string_equal(e.msg, "model 3: it  is bad ");
    assert_int_equal(ll_fail(NULL, LL_EFIT, "nobody listens"), LL_EFIT);
    assert_int_equal(ll_context(NULL, "x"), LL_EFAIL);
}

static void long_reasons_are_cut(void **state)
{
    (void)state;
    struct ll_err e = {0};
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    ll_fail(&e, LL_EFAIL, "%s", text);
    ll_context(&e, "%s", text);
    assert_true(strlen(e.msg) < sizeof e.msg);
}

static void exit_codes(void **state)
{
    (void)state;
    const int codes[][2] = {{LL_OK, 0},     {LL_EFAIL, 1}, {LL_EUSAGE, 2}, {LL_EUNSUP, 3}, {LL_EFIT, 4},
                            {LL_ECHECK, 5}, {-6, 1},       {-99, 1},       {7, 0}};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        assert_int_equal(ll_exit_code(codes[i][0]), codes[i][1]);
    /* what could not be opened: the path's fault, or the machine's */
    assert_true(ll_open_code(ENOENT) == LL_EUSAGE && ll_open_code(EACCES) == LL_EUSAGE
                && ll_open_code(ELOOP) == LL_EUSAGE);
    assert_true(ll_open_code(ENOMEM) == LL_EFAIL && ll_open_code(EMFILE) == LL_EFAIL
                && ll_open_code(ENFILE) == LL_EFAIL);
}

static void buffers_grow(void **state)
{
    (void)state;
    struct ll_buf b = {0};
    struct ll_err e = {0};
    assert_string_equal(ll_buf_str(&b), "");
    ll_buf_add(&b, NULL, 0);
    for (int i = 0; i < 1000; i++)
        ll_buf_addf(&b, "%03d", i);
    ll_buf_addc(&b, '!');
    ll_buf_add(&b, "a\0b", 3);
    assert_int_equal(b.len, 3004);
    assert_int_equal(b.s[b.len], 0);
    assert_memory_equal(b.s + 2997, "999!a\0b", 7);
    assert_int_equal(ll_buf_ok(&b, &e), LL_OK);
    ll_buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(ll_buf_str(&b), "");
    ll_buf_free(&b);
    assert_null(b.s);
}

static void exact_fill_keeps_the_nul(void **state)
{
    (void)state;
    for (size_t n = 60; n < 70; n++) { /* around the first capacity */
        struct ll_buf b = {0};
        for (size_t i = 0; i < n; i++)
            ll_buf_addc(&b, 'x');
        assert_int_equal(strlen(b.s), n);
        assert_true(b.cap > b.len);
        ll_buf_free(&b);
    }
}

/* In a process of its own: what memory lacked once is not forgotten there. Returns the number of the check
 * that failed, 0: none. */
static int fail_a_buffer(void)
{
    struct ll_buf b = {0}, other = {0};
    struct ll_err e = {0}, of_other = {0};
    ll_buf_adds(&other, "whole");
    if (ll_buf_ok(&other, &of_other) || ll_memory_ran_out())
        return 1;
    ll_buf_add(&b, "x", (size_t)-1 / 2 + 10);
    ll_buf_adds(&b, "more");
    if (!b.failed || ll_buf_ok(&b, &e) != LL_EFAIL || !strstr(e.msg, "out of memory"))
        return 2;
    ll_buf_free(&b);
    if (b.failed || !ll_memory_ran_out())
        return 3;
    if (ll_buf_ok(&other, &of_other) != LL_EFAIL
        || !strstr(of_other.msg, "out of memory")) /* it may hold what b lacks */
        return 4;
    e = (struct ll_err){0};
    if (ll_file_write(at("after"), "x", 1, &e) != LL_EFAIL || ll_is_file(at("after")))
        return 5;
    ll_buf_free(&other);
    return 0;
}

static void a_failed_buffer_stops_every_output(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    if (!child)
        _exit(fail_a_buffer());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_reason_stays),
        cmocka_unit_test(long_reasons_are_cut),
        cmocka_unit_test(exit_codes),
        cmocka_unit_test(buffers_grow),
        cmocka_unit_test(exact_fill_keeps_the_nul),
        cmocka_unit_test(a_failed_buffer_stops_every_output),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
