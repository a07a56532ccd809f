/* test_store_sinks.c - what the CSV and JSON files look like, and that a failure leaves none */
#include "unit/store/made_run.h"
#include "csv_text.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

static struct ll_sink *open_sink(int which, const char *folder)
{
    struct ll_err err = {0};
    struct ll_sink *s;
    OK(ll_sinks[which]->open(&s, folder, &err), &err);
    return s;
}

static void fields_are_quoted_only_when_needed(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t n;
        const char *out;
    } t[] = {
        {"plain", 5, "plain"},
        {" blank ", 7, " blank "},
        {"back\\slash\\\\", 12, "back\\slash\\\\"},
        {"", 0, "\"\""},
        {"a,b", 3, "\"a,b\""},
        {"a\"b", 3, "\"a\"\"b\""},
        {"\"", 1, "\"\"\"\""},
        {"a\nb", 3, "\"a\nb\""},
        {"a\rb", 3, "\"a\rb\""},
        {"a\0b", 3,
         "a\xEF\xBF\xBD"
         "b"},
        {"\xff,", 2, "\"\xEF\xBF\xBD,\""},
        {"\xe2\x82\"", 3, "\"\xEF\xBF\xBD\"\"\""},
        {"⟨NEXT⟩", 10, "⟨NEXT⟩"},
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct ll_buf b = {0};
        ll_csv_field(&b, t[i].in, t[i].n);
        assert_string_equal(ll_buf_str(&b), t[i].out);
        ll_buf_free(&b);
    }
}

static void csv_files_are_rfc4180(void **state)
{
    (void)state;
    char *dir = tmp_folder();
    made_into(dir);
    struct ll_buf rec = slurp(dir, "output-Made-1-records.csv"),
                  pure = slurp(dir, "output-Made-1-pure-next-token.csv");
    assert_ptr_equal(
        strstr(
            rec.s,
            "fact_key,fact_index,prompt_id,prompt_variant,layer,pos,token,entropy,entropy_bits,top1,prob1,"),
        rec.s);
    assert_non_null(strstr(rec.s,
                           "rest_mass,token_id,top_ids,js_to_final_bits,row_id\nGermany→Berlin,0,pos,orig,0,"
                           "0, the,6.5,6.5, w1,0.1, w2,0.05,"));
    assert_non_null(strstr(rec.s, "\nGermany→Berlin,0,pos,orig,1,1,\"a,\"\"b\"\"\nc\\\",5.5,5.5, w1,"));
    assert_non_null(strstr(rec.s, ",0.3333333333333333,7,51 52 53 54 55,,pos.orig.0:L001:P0001\n"));
    assert_non_null(strstr(rec.s, "\n,,ctl,orig,0,0,"));
    assert_non_null(strstr(pure.s, "\nGermany→Berlin,0,pos,orig,2,2,⟨NEXT⟩,0.5,0.5, Berlin,0.75,,,"));
    assert_non_null(strstr(pure.s, ",0.25,False,,,,,,,,True,True,0.75,,0.75,,,,0,,1,,,"));
    assert_non_null(strstr(pure.s, ",42,,,,,pos.orig.0:L002:P0002\n"));
    assert_null(memchr(rec.s, '\r', rec.len));
    assert_int_equal(rec.s[rec.len - 1], '\n');
    assert_int_equal(count_entries(dir), 3);
    ll_buf_free(&rec);
    ll_buf_free(&pure);
    remove_tree(dir);
    free(dir);
}

static void reals_read_back(void **state)
{
    (void)state;
    static const double v[] = {
        0.1, 1.0 / 3, 1e-300, 5e-324, 1.7976931348623157e308, 16.956815719604492, -0.0, 123456789012345680.0};
    char *dir = tmp_folder();
    struct ll_err err = {0};
    struct ll_sink *s = open_sink(0, dir);
    struct ll_row r;
    OK(ll_row_init(&r, &ll_schema_pure, &err), &err);
    OK(s->type->begin_model(s, &made_model, &err), &err);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        ll_row_clear(&r);
        ll_row_int(&r, LL_PURE_LAYER, (long long)i);
        ll_row_real(&r, LL_PURE_ENTROPY, v[i]);
        OK(s->type->row(s, &r, &err), &err);
    }
    OK(end_made(s, &err), &err);
    s->type->close(s);
    struct ll_buf b = slurp(dir, "output-Made-1-pure-next-token.csv");
    char *line = strchr(b.s, '\n') + 1;
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++, line = strchr(line, '\n') + 1) {
        const char *cell = line;
        for (int k = 0; k < LL_PURE_ENTROPY; k++)
            cell = strchr(cell, ',') + 1;
        double got = strtod(cell, NULL);
        assert_true(got == v[i]);
    }
    assert_false(has_file(dir, "output-Made-1-records.csv")); /* no row, no file */
    ll_buf_free(&b);
    ll_row_free(&r);
    remove_tree(dir);
    free(dir);
}

static void a_failed_model_leaves_a_json_only(void **state)
{
    (void)state;
    char *dir = tmp_folder();
    struct ll_err err = {0};
    struct ll_model_info bare = {.model_id = "org/Made-1", .clean = "Made-1", .stem = "Made-1"};
    static const char text[] = "{\"status\": \"failed\"}\n";
    const struct ll_model_end end = {.is_done = 0, .json = text, .json_len = sizeof text - 1};
    for (int i = 0; i < 2; i++) {
        struct ll_sink *s = open_sink(i, dir);
        OK(s->type->begin_model(s, &bare, &err), &err);
        made_rows(s);
        OK(s->type->end_model(s, &end, &err), &err);
        s->type->close(s);
    }
    assert_int_equal(count_entries(dir), 1);
    struct ll_buf b = slurp(dir, "output-Made-1.json");
    assert_string_equal(b.s, text);
    ll_buf_free(&b);
    remove_tree(dir);
    free(dir);
}

static void abort_leaves_nothing(void **state)
{
    (void)state;
    char *dir = tmp_folder();
    struct ll_err err = {0};
    for (int i = 0; i < 2; i++) {
        struct ll_sink *s = open_sink(i, dir);
        s->type->abort_model(s);
        OK(s->type->begin_model(s, &made_model, &err), &err);
        made_rows(s);
        s->type->abort_model(s);
        s->type->abort_model(s);
        assert_int_equal(count_entries(dir), 0);
        OK(s->type->begin_model(s, &made_model, &err), &err);
        made_rows(s);
        s->type->close(s); /* without end */
        assert_int_equal(count_entries(dir), 0);
    }
    remove_tree(dir);
    free(dir);
}

static void files_are_named_by_the_stem(void **state)
{
    (void)state;
    char *dir = tmp_folder();
    struct ll_err err = {0};
    struct ll_model_info second = made_model;
    second.stem = "Made-1-2"; /* the same model again in one run */
    for (int i = 0; i < 2; i++) {
        struct ll_sink *s = open_sink(i, dir);
        for (int k = 0; k < 2; k++) {
            OK(s->type->begin_model(s, k ? &second : &made_model, &err), &err);
            made_rows(s);
            OK(end_made(s, &err), &err);
        }
        s->type->close(s);
    }
    assert_int_equal(count_entries(dir), 6);
    assert_true(has_file(dir, "output-Made-1-records.csv"));
    assert_true(has_file(dir, "output-Made-1-2-records.csv"));
    assert_true(has_file(dir, "output-Made-1-2.json"));
    remove_tree(dir);
    free(dir);
}

static void a_folder_that_is_none_is_one_clear_error(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct ll_err err = {0};
        struct ll_sink *s = open_sink(i, "/proc/no/such/folder");
        struct ll_row r;
        OK(s->type->begin_model(s, &made_model, &err), &err);
        OK(ll_row_init(&r, &ll_schema_records, &err), &err);
        made_record(&r, 0, 0, 0);
        int rc = s->type->row(s, &r, &err);
        if (!rc)
            rc = end_made(s, &err);
        assert_int_equal(rc, LL_EFAIL);
        assert_non_null(strstr(err.msg, "/proc/no/such/folder/output-Made-1"));
        s->type->abort_model(s);
        s->type->close(s);
        ll_row_free(&r);
    }
}

/* A limit on the size of files stands in for a full disk. */
static void a_full_disk_leaves_nothing(void **state)
{
    (void)state;
    char *dir = tmp_folder();
    struct rlimit old, small;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 1500;
    for (int i = 0; i < 2; i++) {
        struct ll_err err = {0};
        struct ll_sink *s = open_sink(i, dir);
        struct ll_row r;
        OK(s->type->begin_model(s, &made_model, &err), &err);
        OK(ll_row_init(&r, &ll_schema_records, &err), &err);
        made_record(&r, 0, 0, 2);
        int rc = setrlimit(RLIMIT_FSIZE, &small);
        for (int k = 0; k < 20 && !rc; k++)
            rc = s->type->row(s, &r, &err);
        if (!rc)
            rc = end_made(s, &err);
        setrlimit(RLIMIT_FSIZE, &old);
        s->type->abort_model(s);
        s->type->close(s);
        ll_row_free(&r);
        assert_int_equal(rc, LL_EFAIL);
        assert_int_equal(err.code, LL_EFAIL);
        assert_int_equal(count_entries(dir), 0);
    }
    remove_tree(dir);
    free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_quoted_only_when_needed),
        cmocka_unit_test(csv_files_are_rfc4180),
        cmocka_unit_test(reals_read_back),
        cmocka_unit_test(a_failed_model_leaves_a_json_only),
        cmocka_unit_test(abort_leaves_nothing),
        cmocka_unit_test(files_are_named_by_the_stem),
        cmocka_unit_test(a_folder_that_is_none_is_one_clear_error),
        cmocka_unit_test(a_full_disk_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
