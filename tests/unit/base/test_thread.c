/* test_thread.c - the pool: every number once, any size. */
#define _GNU_SOURCE
#include "thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct job {
    _Atomic int next;
    _Atomic int calls;
    unsigned char seen[1000];
    int n;
};

static void take_numbers(void *arg, int tid, int n)
{
    struct job *j = arg;
    assert_true(tid >= 0 && tid < n && n == j->n);
    atomic_fetch_add(&j->calls, 1);
    for (int i; (i = atomic_fetch_add(&j->next, 1)) < 1000;)
        j->seen[i]++;
}

static void every_number_once(void **state)
{
    (void)state;
    for (int n = 1; n <= 8; n++) {
        struct ll_pool *p = NULL;
        struct ll_err e = {0};
        assert_int_equal(ll_pool_init(&p, n, &e), LL_OK);
        assert_int_equal(ll_pool_size(p), n);
        for (int round = 0; round < 300; round++) {
            struct job j = {.n = n};
            ll_pool_run(p, take_numbers, &j);
            assert_int_equal(j.calls, n);
            for (int i = 0; i < 1000; i++)
                assert_int_equal(j.seen[i], 1);
        }
        if (n == 3)
            usleep(20000); /* workers fall asleep and are woken again */
        struct job j = {.n = n};
        ll_pool_run(p, take_numbers, &j);
        assert_int_equal(j.calls, n);
        ll_pool_free(p);
    }
}

static void pool_sizes(void **state)
{
    (void)state;
    struct ll_pool *p = NULL;
    struct ll_err e = {0};
    assert_int_equal(ll_pool_init(&p, 0, &e), LL_OK);
    assert_int_equal(ll_pool_size(p), ll_cpu_count() > 256 ? 256 : ll_cpu_count());
    ll_pool_free(p);
    ll_pool_free(NULL);
    assert_int_equal(ll_pool_init(&p, 257, &e), LL_EUSAGE);
    assert_null(p);
    e = (struct ll_err){0};
    assert_int_equal(ll_pool_init(&p, -1, &e), LL_EUSAGE);
    assert_non_null(strstr(e.msg, "found -1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_once),
        cmocka_unit_test(pool_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
