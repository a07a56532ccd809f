/* test_index_diag.c - reports of diagnostics in the index: rows, criteria, once only, and what is no report.
 * Caught: a report added twice, a criterion lost, layer left in the JSON, a broken report that leaves half of
 * itself. */
#include "index.h"
#include "index_diag.h"
#include "unit/base/files.h"

static const char report[] =
    "{\"schema_version\": 1, \"command\": \"depth\", \"provenance\": {\"tool\": \"logitlens 0\"}, \"model\": "
    "{\"id\": \"org/M\", \"identity\": \"ab\"},"
    " \"layers\": [0, 2], \"rows\": [{\"layer\": 0, \"step\": \"truncated\", \"top1\": 7}, {\"step\": \"x\", "
    "\"v\": 1.5}],"
    " \"criteria\": [{\"name\": \"a\", \"status\": \"pass\", \"detail\": \"\"}, {\"name\": \"b\", "
    "\"status\": \"fail\", \"detail\": \"why\"}], \"verdict\": \"fail\"}";

static char *ask(const char *db, const char *sql)
{
    struct ll_buf b = {0};
    struct ll_err err = {0};
    OK(ll_index_query(db, sql, LL_OUT_CSV, 0, &b, &err), &err);
    return b.s;
}

static void expect(const char *db, const char *sql, const char *want)
{
    char *got = ask(db, sql);
    if (!strstr(got, want))
        fail_msg("%s: expected %s in %s", sql, want, got);
    free(got);
}

static void adds_once(void **state)
{
    (void)state;
    struct ll_err err = {0};
    char *dir = tmp_folder(), *db = path2(dir, "i.sqlite");
    int added = -1;
    OK(ll_index_diag(db, report, sizeof report - 1, &added, &err), &err);
    assert_int_equal(added, 1);
    OK(ll_index_diag(db, report, sizeof report - 1, &added, &err), &err);
    assert_int_equal(added, 0);
    expect(db, "diag-reports", "1,depth,org/M,fail,2,1");
    expect(db, "diag-criteria", "b,fail,why");
    expect(db, "diag-rows layer=0", "0,truncated,\"{\"\"top1\"\":7}\"");
    expect(db, "select count(*) as n from diag_rows where layer is null and step = 'x'", "1");
    expect(db, "select header from diag_reports", "\"\"layers\"\":[0,2]");
    free(db);
    remove_tree(dir);
    free(dir);
}

static void refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"command\": \"x\"}",
        "{\"command\": \"x\", \"criteria\": [{\"name\": \"a\", \"status\": \"good\"}]}",
        "{\"command\": \"x\", \"criteria\": [], \"rows\": [1]}",
        "{\"command\": \"x\", \"criteria\": [], \"rows\": {}}",
        "{\"command\": \"x\", \"criteria\": []} x"};
    char *dir = tmp_folder(), *db = path2(dir, "i.sqlite");
    struct ll_err err = {0};
    OK(ll_index_diag(db, report, sizeof report - 1, NULL, &err), &err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int added = -1;
        memset(&err, 0, sizeof err);
        assert_int_equal(ll_index_diag(db, bad[i], strlen(bad[i]), &added, &err), LL_EUSAGE);
        assert_int_equal(added, 0);
    }
    expect(db, "select count(*) as n from diag_reports", "1");
    free(db);
    remove_tree(dir);
    free(dir);
}

/* Changed bytes: added or refused, never half of it. */
static void changed_bytes(void **state)
{
    (void)state;
    char *dir = tmp_folder(), *db = path2(dir, "i.sqlite"), text[sizeof report];
    struct ll_err err = {0};
    uint32_t u = 316;
    int n_added = 0;
    OK(ll_index_diag(db, report, sizeof report - 1, NULL, &err), &err);
    for (int i = 0; i < 400; i++) {
        memcpy(text, report, sizeof text);
        for (int k = 0; k <= i % 3; k++) {
            u = u * 1664525u + 1013904223u;
            text[(u >> 8) % (sizeof report - 1)] = (char)(u >> 3);
        }
        int added = 0,
            rc = ll_index_diag(db, text, i % 5 ? sizeof report - 1 : (u >> 8) % sizeof report, &added, &err);
        assert_true(rc == LL_OK || rc == LL_EUSAGE);
        assert_true(!rc || !added);
        n_added += added;
    }
    char want[32];
    snprintf(want, sizeof want, "%d\n", n_added + 1);
    expect(db, "select count(*) as n from diag_reports", want);
    expect(db, "select count(*) as n from diag_rows where report not in (select id from diag_reports)", "0");
    free(db);
    remove_tree(dir);
    free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(adds_once), cmocka_unit_test(refuses),
                                       cmocka_unit_test(changed_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
