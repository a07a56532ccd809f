/* test_index_ask.c - questions to the index: named queries, output that is safe, nobody writes. */
#include "unit/index/imported.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <cjson/cJSON.h>
#include <sqlite3.h>

static void named_queries_know_the_answers(void **state)
{
    const struct place *p = *state;
    import(p);
    expect(p->db, "first-semantic-layer",
           "stamp,model,n_layers,L_semantic,depth\n20260102-0304,Made-1,2,2,1\n");
    expect(p->db, "first-semantic-layer pass=ctl.orig",
           "stamp,model,n_layers,L_semantic,depth\n20260102-0304,Made-1,2,1,0.5\n");
    expect(p->db, "first-semantic-layer model=nobody", "stamp,model,n_layers,L_semantic,depth\n");
    expect(p->db, "copy-reflex pass=all",
           "stamp,model,copy_reflex,first_row\n20260102-0304,Made-1,yes,0\n20260102-0304,Made-1,no,\n");
    expect(p->db, "final-entropy",
           "stamp,model,entropy_bits,top1,prob1\n20260102-0304,Made-1,0.5, Berlin,0.75\n");
    expect(p->db, "entropy-drop", "stamp,model,from_layer,to_layer,drop_bits\n20260102-0304,Made-1,1,2,5\n");
    expect(p->db, "answer-trajectory model=Made run=20260102-0304",
           "stamp,model,pass_key,layer,answer_rank,p_answer,kl_to_final_bits,is_answer\n20260102-0304,Made-1,"
           "pos.orig.0,0,9,0.01,2,0\n"
           "20260102-0304,Made-1,pos.orig.0,1,8,0.01,1,0\n20260102-0304,Made-1,pos.orig.0,2,1,0.75,0,1\n");
    expect(p->db, "columns table=topk",
           "table,column,type\ntopk,pass,INTEGER\ntopk,lens,\ntopk,layer,INTEGER\ntopk,pos,INTEGER\ntopk,"
           "rank,\ntopk,token_id,INTEGER\ntopk,token,TEXT\ntopk,prob,REAL\n");
    for (const struct ll_query *q = ll_queries; q->name; q++) { /* every one runs, in every form */
        struct ll_err err = {0};
        for (int f = LL_OUT_TABLE; f <= LL_OUT_JSON; f++) {
            struct ll_buf out = {0};
            OK(ll_index_query(p->db, q->name, (enum ll_query_format)f, 60, &out, &err), &err);
            if (f == LL_OUT_JSON) {
                cJSON *j = cJSON_Parse(out.s);
                assert_true(cJSON_IsArray(j));
                cJSON_Delete(j);
            }
            assert_non_null(q->help);
            ll_buf_free(&out);
        }
    }
}

/* What the help says a query takes is what its SQL takes. */
static void parameters_are_those_listed(void **state)
{
    const struct place *p = *state;
    sqlite3 *db;
    import(p);
    assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
    for (const struct ll_query *q = ll_queries; q->name; q++) {
        sqlite3_stmt *st;
        int n = 0;
        if (sqlite3_prepare_v2(db, q->sql, -1, &st, NULL) != SQLITE_OK)
            fail_msg("%s: %s", q->name, sqlite3_errmsg(db));
        for (const char *s = q->params; (s = strchr(s, '=')); s++)
            n++;
        if (n != sqlite3_bind_parameter_count(st))
            fail_msg("%s: %d parameters, the list says \"%s\"", q->name, sqlite3_bind_parameter_count(st),
                     q->params);
        for (int i = 1; i <= n; i++) {
            char word[40];
            snprintf(word, sizeof word, "%s=", sqlite3_bind_parameter_name(st, i) + 1);
            if (!strstr(q->params, word))
                fail_msg("%s: %s is not in \"%s\"", q->name, word, q->params);
        }
        sqlite3_finalize(st);
    }
    sqlite3_close(db);
}

/* Without run=, the newest run of each era; run=all, a stamp, a folder and a number choose. */
static void the_newest_run_is_the_default(void **state)
{
    const struct place *p = *state;
    char *second = path2(p->dir, "run-b");
    import(p);
    mkdir(second, 0777);
    made_into(second);
    spill(second, "timestamp-20260102-0305", "Experiment started: 2026-01-02 03:05:00\n", 40);
    struct place q = {p->dir, second, p->db};
    import(&q);
    static const char newer[] = "stamp,model,n_layers,L_semantic,depth\n20260102-0305,Made-1,2,2,1\n",
                      older[] = "stamp,model,n_layers,L_semantic,depth\n20260102-0304,Made-1,2,2,1\n";
    expect(p->db, "first-semantic-layer", newer);
    expect(p->db, "first-semantic-layer era=ours", newer);
    expect(p->db, "first-semantic-layer era=late", "stamp,model,n_layers,L_semantic,depth\n");
    expect(p->db, "first-semantic-layer run=20260102-0304", older);
    expect(p->db, "first-semantic-layer run=run-latest", older);
    expect(p->db, "first-semantic-layer run=1", older);
    expect(p->db, "first-semantic-layer run=all",
           "stamp,model,n_layers,L_semantic,depth\n20260102-0304,Made-1,2,2,1\n20260102-0305,Made-1,2,2,1\n");
    free(second);
}

static void an_index_of_another_version_is_refused(void **state)
{
    const struct place *p = *state;
    struct ll_err err = {0};
    struct ll_buf out = {0};
    sqlite3 *db;
    import(p);
    assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(ll_index_import(p->db, p->run, NULL, NULL, NULL, &err), LL_EUSAGE);
    assert_non_null(
        strstr(err.msg, "index of version 1, expected 4: delete it and index the run folders again"));
    err.code = 0;
    assert_int_equal(ll_index_query(p->db, "runs", LL_OUT_CSV, 0, &out, &err), LL_EUSAGE);
    assert_non_null(strstr(err.msg, "version 1"));
    ll_buf_free(&out);
}

static void output_is_safe_and_aligned(void **state)
{
    const struct place *p = *state;
    struct ll_err err = {0};
    struct ll_buf out = {0};
    import(p);
    OK(ll_index_query(p->db, "VALUES ('a\x1b[31m', 1.5, NULL), ('日本', 22, 'x\ny')", LL_OUT_TABLE, 0, &out,
                      &err),
       &err);
    assert_string_equal(out.s,
                        "column1    column2  column3\n---------  -------  -------\na\\x1b[31m      1.5  "
                        "null\n日本            22  x\\ny\n");
    ll_buf_reset(&out);
    OK(ll_index_query(p->db, "SELECT 1 AS a, 2 AS a, 'x\"' b, 0.1 c, NULL d", LL_OUT_JSON, 0, &out, &err),
       &err);
    assert_string_equal(out.s,
                        "[\n  {\n    \"a\": 1,\n    \"a_2\": 2,\n    \"b\": \"x\\\"\",\n    \"c\": 0.1,\n    "
                        "\"d\": null\n  }\n]\n");
    ll_buf_free(&out);
}

static void long_text_is_shortened_numbers_are_not(void **state)
{
    const struct place *p = *state;
    struct ll_err err = {0};
    struct ll_buf out = {0};
    import(p);
    OK(ll_index_query(p->db, "SELECT printf('%.*c', 200, 'x') AS t, 123456789012 AS n", LL_OUT_TABLE, 0, &out,
                      &err),
       &err);
    assert_non_null(strstr(out.s, "x…  123456789012\n"));
    assert_int_equal(strchr(out.s, '\n') - out.s, 80);
    ll_buf_free(&out);
}

static void nobody_writes(void **state)
{
    static const char *const sql[] = {
        "INSERT INTO runs (stamp, era) VALUES ('x', 'y')",
        "DELETE FROM records",
        "UPDATE runs SET stamp = 'x'",
        "DROP TABLE runs",
        "CREATE TABLE t(x)",
        "CREATE TEMP TABLE t(x)",
        "ATTACH '/tmp/ll-attached.sqlite' AS x",
        "SELECT 1; DELETE FROM records",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA journal_mode",
        "PRAGMA user_version = 7",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "VACUUM INTO '/tmp/ll-vacuum.sqlite'",
        "BEGIN IMMEDIATE",
        "SELECT load_extension('x')",
        "WITH x AS (SELECT 1) DELETE FROM records",
        "REINDEX",
        "ANALYZE",
    };
    const struct place *p = *state;
    import(p);
    char *before = dump(p->db);
    for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++) {
        struct ll_err err = {0};
        struct ll_buf out = {0};
        if (ll_index_query(p->db, sql[i], LL_OUT_CSV, 5, &out, &err) != LL_EUSAGE)
            fail_msg("%s: %s", sql[i], err.msg);
        assert_int_equal(out.len, 0);
        assert_null(strchr(err.msg, '\n'));
        ll_buf_free(&out);
    }
    assert_int_not_equal(access("/tmp/ll-attached.sqlite", F_OK), 0);
    assert_int_not_equal(access("/tmp/ll-vacuum.sqlite", F_OK), 0);
    char *after = dump(p->db);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void wrong_questions_are_one_clear_line(void **state)
{
    static const struct {
        const char *ask, *say;
    } t[] = {
        {"SELECT nowhere FROM runs", "no such column: nowhere"},
        {"SELEC 1", "syntax error"},
        {"nonsense", "expected SQL or one of: tables, columns"},
        {"", "expected SQL or one of"},
        {"layers modle=x", "expected :"},
        {"runs model=x", "no parameters"},
        {"-- only a comment", "found nothing"},
        {"SELECT 1; SELECT 2", "one statement"},
        {"layers nonsense", "syntax error"},
    };
    const struct place *p = *state;
    import(p);
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct ll_err err = {0};
        struct ll_buf out = {0};
        assert_int_equal(ll_index_query(p->db, t[i].ask, LL_OUT_TABLE, 5, &out, &err), LL_EUSAGE);
        if (i != 4 && !strstr(err.msg, t[i].say))
            fail_msg("%s: %s", t[i].ask, err.msg);
        ll_buf_free(&out);
    }
}

static void a_runaway_query_is_stopped(void **state)
{
    const struct place *p = *state;
    struct ll_err err = {0};
    struct ll_buf out = {0};
    import(p);
    static const char *const sql[] = {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    };
    for (int i = 0; i < 2; i++) {
        err.code = 0;
        assert_int_equal(ll_index_query(p->db, sql[i], LL_OUT_CSV, 0.2, &out, &err), LL_EFAIL);
        assert_non_null(strstr(err.msg, "limit of 0.2 s"));
        assert_int_equal(out.len, 0);
    }
    ll_buf_free(&out);
}

static void an_index_in_a_read_only_folder_is_readable(void **state)
{
    const struct place *p = *state;
    import(p);
    assert_int_equal(chmod(p->dir, 0555), 0);
    expect(p->db, "SELECT count(*) n FROM records", "n\n18\n");
    chmod(p->dir, 0755);
}

static void the_early_data_give_the_known_facts(void **state)
{
    const struct place *p = *state;
    struct ll_err err = {0};
    struct ll_import_report r;
    static const char folder[] = LL_SHARED_DIR "/data/runs/run-20250824-1549";
    if (!ll_is_dir(folder))
        skip();
    OK(ll_index_import(p->db, folder, &r, NULL, NULL, &err), &err);
    assert_int_equal(r.n_rows, 3482 + 207);
    expect(p->db,
           "SELECT model, L_semantic, depth FROM (SELECT model, n_layers, L_semantic, round(1.0 * L_semantic "
           "/ n_layers, 3) depth FROM v_milestones ORDER BY depth, model)",
           "model,L_semantic,depth\nYi-34B,44,0.733\nMeta-Llama-3-8B,25,0.781\nMistral-7B-v0.1,25,0."
           "781\nQwen3-8B,31,0.861\ngemma-2-9b,42,1\n");
    expect(p->db, "SELECT count(*) n FROM v_milestone_conflicts", "n\n0\n");
    expect(p->db, "SELECT model, entropy_bits FROM v_pure WHERE layer = n_layers ORDER BY entropy_bits",
           "model,entropy_bits\ngemma-2-9b,0.3700670599937439\nMeta-Llama-3-8B,2.9610023498535156\nYi-34B,2."
           "9811551570892334\nQwen3-8B,3.1225836277008057\nMistral-7B-v0.1,3.611043691635132\n");
    expect(p->db, "SELECT DISTINCT pass_key, fact_key, era FROM v_passes",
           "pass_key,fact_key,era\npos.orig.0,Germany→Berlin,early\n");
    /* token text: backslashes halved, NUL bytes kept */
    expect(p->db, "SELECT count(*) AS n FROM tokens WHERE instr(text, '\\\\\\')",
           "n\n0\n"); /* three: only undecoded text has so many */
    expect(p->db, "SELECT count(*) AS n FROM tokens WHERE instr(text, '\\\\')", "n\n5\n");
    expect(p->db, "SELECT count(*) > 0 AS nul FROM tokens WHERE instr(CAST(text AS BLOB), x'00')",
           "nul\n1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(named_queries_know_the_answers),
        CASE(parameters_are_those_listed),
        CASE(the_newest_run_is_the_default),
        CASE(an_index_of_another_version_is_refused),
        CASE(output_is_safe_and_aligned),
        CASE(long_text_is_shortened_numbers_are_not),
        CASE(nobody_writes),
        CASE(wrong_questions_are_one_clear_line),
        CASE(a_runaway_query_is_stopped),
        CASE(an_index_in_a_read_only_folder_is_readable),
        CASE(the_early_data_give_the_known_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
