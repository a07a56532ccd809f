/* test_run_models.c - how the files of a run's models are called, and what their failures say of the run */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run_models.h"

enum { N = 5 };
static char *const asked[N] = {"some/folder/A/", "org/a", "b.gguf", "../x", "A"};

static void begin(struct ll_run_models *all)
{
    struct ll_err err = {0};
    assert_int_equal(ll_run_models_init(all, asked, N, &err), LL_OK);
}

static const char *stem_of(struct ll_run_models *all, int nr, const char *name)
{
    struct ll_err err = {0};
    assert_int_equal(ll_run_models_name(all, nr, name, &err), LL_OK);
    return all->v[nr].stem;
}

static void names_come_from_paths(void **state)
{
    (void)state;
    static const char *const names[N] = {"A", "a", "b.gguf", "x", "A"};
    struct ll_run_models all;
    begin(&all);
    for (int i = 0; i < N; i++) {
        assert_string_equal(all.v[i].name, names[i]);
        assert_ptr_equal(all.v[i].asked, asked[i]);
        assert_null(all.v[i].stem);
    }
    ll_run_models_free(&all);
}

static void equal_names_get_numbers(void **state)
{
    (void)state;
    struct ll_run_models all;
    begin(&all);
    assert_string_equal(stem_of(&all, 0, "A"), "A");
    assert_string_equal(stem_of(&all, 1, "a"), "a-2"); /* some file systems do not tell them apart */
    assert_string_equal(stem_of(&all, 4, "A"), "A-3");
    assert_string_equal(stem_of(&all, 3, "../x"), ".._x");
    assert_string_equal(stem_of(&all, 2, ""), "model");
    assert_string_equal(stem_of(&all, 0, "A"), "A"); /* its own stem is not in its way */
    assert_string_equal(stem_of(&all, 1, "b"), "b"); /* and what it gave up is free again */
    assert_string_equal(stem_of(&all, 4, "a"), "a-2");
    ll_run_models_free(&all);
}

static void end(struct ll_run_models *all, int nr, int code, const char *reason)
{
    struct ll_err err = {0};
    assert_int_equal(ll_run_models_end(all, nr, code, reason, &err), LL_OK);
}

/* A model that does not fit tells how the run went only when nothing worse happened, however early it
 * comes. */
static void the_worst_failure_tells(void **state)
{
    (void)state;
    struct ll_run_models all;
    begin(&all);
    assert_null(ll_run_models_worst(&all));
    end(&all, 0, LL_OK, NULL);
    end(&all, 1, LL_EFIT, "too large");
    assert_string_equal(ll_run_models_worst(&all)->reason, "too large");
    end(&all, 2, LL_EUNSUP, "no such family");
    end(&all, 3, LL_EFAIL, "disk full");
    assert_string_equal(ll_run_models_worst(&all)->reason, "no such family");
    assert_int_equal(ll_run_models_worst(&all)->code, LL_EUNSUP);
    assert_string_equal(ll_run_models_first(&all, LL_MODEL_DENIED)->reason, "disk full");
    struct ll_run_tally n = ll_run_models_tally(&all);
    assert_int_equal(n.ok, 1);
    assert_int_equal(n.failed, 3); /* not the one that waits */
    assert_int_equal(n.skipped, 1);
    assert_int_equal(n.denied, 1);
    ll_run_models_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_from_paths),
        cmocka_unit_test(equal_names_get_numbers),
        cmocka_unit_test(the_worst_failure_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
