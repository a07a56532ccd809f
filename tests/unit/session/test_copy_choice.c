/* test_copy_choice.c - the copy flags that a run chooses are columns of its pure table, and the choice is
 * found again */
#include "csv_row.h"
#include "experiment.h"
#include "record_cols.h"
#include "unit/base/files.h"

static char *header_of(const struct ll_schema *s)
{
    struct ll_buf b = {0};
    ll_csv_header(&b, s);
    b.s[b.len - 1] = 0;
    return b.s;
}

static void flags_of_a_run_move_the_rest(void **state)
{
    (void)state;
    struct ll_err err = {0};
    struct ll_copy_choice c;
    struct ll_copy_labels l;
    struct ll_pure_schema p;
    char text[8][64];
    const char *names[8];
    ll_copy_choice_default(&c);
    c.threshold = 0.9; /* no longer a column of its own kind: listed once, first */
    c.n_ks = 2, c.ks[0] = 3, c.ks[1] = 1;
    c.n_extra = 1, c.extra[0] = 0.33;
    OK(ll_copy_choose(&l, &c, &err), &err);
    assert_int_equal(l.n_strict, 4);
    assert_int_equal(l.n_soft, 4);
    for (int i = 0; i < 4; i++) {
        ll_copy_strict_name(&l, i, text[i]);
        ll_copy_soft_name(&l, i, text[4 + i]);
    }
    for (int i = 0; i < 8; i++)
        names[i] = text[i];
    OK(ll_pure_schema_init(&p, names, 8, &err), &err);
    char *got = header_of(&p.schema);
    assert_non_null(strstr(got,
                           ",copy_collapse,copy_strict@0.9,copy_strict@0.7,copy_strict@0.8,copy_strict@0.95,"
                           "copy_soft_k1@0.5,copy_soft_k3@0.5,copy_soft_k1@0.33,"
                           "copy_soft_k3@0.33,entropy_collapse,"));
    assert_int_equal(ll_pure_col(&p.schema, LL_PURE_COPY_COLLAPSE), LL_PURE_COPY_COLLAPSE);
    assert_int_equal(ll_pure_col(&p.schema, LL_PURE_ENTROPY_COLLAPSE),
                     ll_schema_find(&p.schema, "entropy_collapse"));
    assert_int_equal(ll_pure_col(&p.schema, LL_PURE_ROW_ID), ll_schema_find(&p.schema, "row_id"));
    assert_int_equal(p.schema.n_seed, 86);
    struct ll_copy_choice back;
    struct ll_copy_labels again;
    ll_copy_choice_of(&back, &l);
    OK(ll_copy_choose(&again, &back, &err), &err);
    assert_memory_equal(&again, &l, sizeof l);
    free(got);
    ll_pure_schema_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(flags_of_a_run_move_the_rest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
