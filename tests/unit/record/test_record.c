/* test_record.c - column numbers and names; rows of values. The lists themselves: test_columns.c. */
#include "unit/record/made_rows.h"

#include "csv_row.h"
#include "lens_cols.h"
#include "row_json.h"

#include <math.h>

static void numbers_fit_names(void **state)
{
    (void)state;
    assert_int_equal(ll_schema_find(&ll_schema_records, "rest_mass"), LL_REC_REST_MASS);
    assert_int_equal(ll_schema_find(&ll_schema_records, "row_id"), LL_REC_ROW_ID);
    assert_int_equal(ll_schema_find(&ll_schema_pure, "copy_collapse"), LL_PURE_COPY_COLLAPSE);
    assert_int_equal(ll_schema_find(&ll_schema_pure, "kl_to_final_bits"), LL_PURE_KL_TO_FINAL_BITS);
    assert_int_equal(ll_schema_find(&ll_schema_pure, "copy_strict@0.95"), LL_PURE_FLAGS);
    assert_int_equal(ll_schema_find(&ll_schema_pure, "copy_soft_k3@0.5"), LL_PURE_LAST_FLAG);
    assert_int_equal(ll_schema_find(&ll_schema_pure, "row_id"), LL_PURE_ROW_ID);
    assert_int_equal(ll_schema_find(&ll_schema_rawlens, "norm_only_semantics"), LL_RAWLENS_NORM_ONLY);
    assert_int_equal(ll_schema_find(&ll_schema_answers, "logprob"), LL_ANSWERS_LOGPROB);
    assert_int_equal(ll_schema_find(&ll_schema_pure, "no such column"), -1);
    for (int k = 1; k <= LL_TOP_COLS; k++) {
        char name[16];
        snprintf(name, sizeof name, "top%d", k);
        assert_int_equal(ll_schema_find(&ll_schema_records, name), LL_REC_TOP(k));
        assert_int_equal(ll_schema_find(&ll_schema_pure, name), LL_PURE_TOP(k));
        snprintf(name, sizeof name, "prob%d", k);
        assert_int_equal(ll_schema_find(&ll_schema_records, name), LL_REC_PROB(k));
        assert_int_equal(ll_schema_find(&ll_schema_pure, name), LL_PURE_PROB(k));
    }
    for (int i = 0; i < ll_schema_pure.n_cols; i++) {
        assert_non_null(ll_schema_pure.cols[i].unit);
        assert_true(strlen(ll_schema_pure.cols[i].doc) > 10);
    }
}

static void cells_hold_what_was_set(void **state)
{
    (void)state;
    struct ll_err err = {0};
    struct ll_row r;
    size_t n;
    OK(ll_row_init(&r, &ll_schema_records, &err), &err);
    ll_row_text(&r, LL_REC_TOKEN, "a\0b", 3);
    ll_row_text(&r, LL_REC_TOP(1), "", 0);
    ll_row_text(&r, LL_REC_TOP(2), NULL, 0);
    ll_row_real(&r, LL_REC_ENTROPY, NAN);
    ll_row_real(&r, LL_REC_REST_MASS, INFINITY);
    ll_row_int(&r, LL_REC_POS, 7);
    ll_row_int(&r, -1, 7);
    ll_row_int(&r, 1000, 7);
    ll_row_id(&r, LL_REC_ROW_ID, "pos.orig.0", 5, 16);
    assert_memory_equal(ll_row_str(&r, LL_REC_TOKEN, &n), "a\0b", 3);
    assert_int_equal(n, 3);
    assert_non_null(ll_row_str(&r, LL_REC_TOP(1), &n));
    assert_int_equal(n, 0);
    assert_null(ll_row_str(&r, LL_REC_TOP(2), &n));
    assert_null(ll_row_str(&r, LL_REC_POS, &n));
    assert_int_equal(r.cells[LL_REC_ENTROPY].set, 0);
    assert_int_equal(r.cells[LL_REC_REST_MASS].set, 0);
    assert_int_equal(r.cells[LL_REC_POS].v.i, 7);
    assert_memory_equal(ll_row_str(&r, LL_REC_ROW_ID, &n), "pos.orig.0:L005:P0016", 21);
    assert_int_equal(n, 21);
    ll_row_clear(&r);
    for (int i = 0; i < r.schema->n_cols; i++)
        assert_int_equal(r.cells[i].set, 0);
    ll_row_free(&r);
    ll_row_free(&r);
}

/* Each further answer repeats the five columns under its number, the second at the left. */
static void lens_rows_follow_any_number_of_answers(void **state)
{
    (void)state;
    struct ll_err err = {0};
    struct ll_lens_schema s;
    struct ll_row r;
    struct ll_buf b = {0};
    OK(ll_lens_schema_init(&s, 2, &err), &err);
    OK(ll_row_init(&r, &s.schema, &err), &err);
    for (int i = 0; i < 2; i++)
        for (int c = 0; c < LL_TRACKED_COLS; c++) {
            static const char *const names[] = {"answer", "spelling", "answer_id", "answer_rank", "p_answer"};
            char name[32];
            snprintf(name, sizeof name, "%s_%d", names[c], i + 2);
            assert_int_equal(ll_schema_find(&s.schema, name), ll_tracked_col(i, (enum ll_tracked_col)c));
        }
    assert_int_equal(s.schema.n_cols, LL_LENSROW_COLS + 2 * LL_TRACKED_COLS);
    ll_row_int(&r, LL_LENSROW_LAYER, 3);
    ll_row_int(&r, ll_tracked_col(1, LL_TRACKED_ANSWER_RANK), 9);
    ll_csv_row(&b, &r);
    assert_string_equal(ll_buf_str(&b) + b.len - strlen(",9,\n"), ",9,\n"); /* last but one */

    struct ll_json j;
    ll_buf_reset(&b);
    ll_json_init(&j, &b);
    ll_json_obj_flat(&j, NULL);
    ll_row_json(&j, &r, LL_LENSROW_LAYER, LL_LENSROW_POS);
    ll_json_end(&j);
    assert_string_equal(ll_buf_str(&b), "{\"layer\": 3, \"pos\": null}\n");
    ll_buf_free(&b);
    ll_row_free(&r);
    ll_lens_schema_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_fit_names),
        cmocka_unit_test(cells_hold_what_was_set),
        cmocka_unit_test(lens_rows_follow_any_number_of_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
