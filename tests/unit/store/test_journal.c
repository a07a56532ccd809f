/* The journal of a run: whole frames survive, whatever happens behind them; nothing harmed is believed. */
#include "journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/ll-journal-XXXXXX";
static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char other[] = "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char *const payloads[] = {"first", "", "a third one, longer"};

static void write_three(void)
{
    struct ll_journal j;
    unlink(path);
    assert_int_equal(ll_journal_open(&j, path, key, NULL), LL_OK);
    assert_int_equal(j.n_read, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ll_journal_add(&j, payloads[i], strlen(payloads[i]), NULL), LL_OK);
    ll_journal_close(&j);
    ll_journal_close(&j);
}

static int n_whole(const char *with)
{
    struct ll_journal j;
    assert_int_equal(ll_journal_open(&j, path, with, NULL), LL_OK);
    int n = j.n_read;
    for (int i = 0; i < n; i++) {
        size_t len;
        const void *p = ll_journal_frame(&j, i, &len);
        assert_int_equal(len, strlen(payloads[i]));
        assert_memory_equal(p, payloads[i], len);
    }
    ll_journal_close(&j);
    return n;
}

static struct ll_buf read_file(void)
{
    struct ll_buf b = {0};
    assert_int_equal(ll_file_read(path, 1 << 20, &b, NULL), LL_OK);
    return b;
}

static void write_file(const char *s, size_t n)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(s, 1, n, f), n);
    fclose(f);
}

static void test_goes_on(void **state)
{
    (void)state;
    struct ll_journal j;
    write_three();
    assert_int_equal(n_whole(key), 3);
    assert_int_equal(ll_journal_open(&j, path, key, NULL), LL_OK);
    assert_int_equal(ll_journal_cut(&j, 1, NULL), LL_OK);
    assert_int_equal(ll_journal_add(&j, payloads[1], 0, NULL), LL_OK);
    ll_journal_close(&j);
    assert_int_equal(n_whole(key), 2);
    assert_int_equal(n_whole(other), 0); /* of something else: begun anew */
    assert_int_equal(n_whole(key), 0);
}

/* Cut at every byte: as many frames as lie before the cut, and going on from there works. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    write_three();
    struct ll_buf whole = read_file();
    int seen = 0;
    for (size_t n = 0; n <= whole.len; n++) {
        write_file(whole.s, n);
        int k = n_whole(key);
        assert_true(k == seen || k == seen + 1);
        seen = k;
    }
    assert_int_equal(seen, 3);
    ll_buf_free(&whole);
}

/* One bit wrong anywhere behind the header: frames before it stay, it and those after it go. */
static void test_flipped_bit(void **state)
{
    (void)state;
    write_three();
    struct ll_buf whole = read_file();
    for (size_t at = 0; at < whole.len; at++) {
        whole.s[at] ^= 4;
        write_file(whole.s, whole.len);
        assert_true(n_whole(key) < 3);
        whole.s[at] ^= 4;
    }
    ll_buf_free(&whole);
}

static int begin(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}
static int end(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_goes_on), cmocka_unit_test(test_cut_anywhere),
                                       cmocka_unit_test(test_flipped_bit)};
    return cmocka_run_group_tests(tests, begin, end);
}
