/* test_index_import.c - runs into SQLite: once is enough, a broken file costs its own rows only. */
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
#include <sqlite3.h>

static void a_run_is_imported_whole(void **state)
{
    const struct place *p = *state;
    struct ll_import_report r = import(p);
    assert_int_equal(r.n_models, 1);
    assert_int_equal(r.n_files, 3);
    assert_int_equal(r.n_rows, 18 + 6);
    expect(p->db, "SELECT folder, stamp, started_at, era, tool_version, seed, experiment FROM runs",
           "folder,stamp,started_at,era,tool_version,seed,experiment\nrun-latest,20260102-0304,2026-01-02 "
           "03:04:05,ours,logitlens 0.1.0,316,made\n");
    expect(p->db, "SELECT count(*) n, count(DISTINCT pass) passes, sum(entropy_bits) e FROM records",
           "n,passes,e\n18,2,99\n");
    expect(p->db, "SELECT count(*) n, max(rank) k FROM topk", "n,k\n180,20\n");
    expect(p->db,
           "SELECT rank, token_id, token, prob FROM topk WHERE pass = 1 AND layer = 0 AND pos = 2 AND rank "
           "IN (2, 20)",
           "rank,token_id,token,prob\n2,52, w2,0.05\n20,70, w20,0.005\n");
    expect(p->db,
           "SELECT row_id, token, token_id, top1, rest_mass FROM v_records WHERE pass_key = 'ctl.orig' AND "
           "layer = 1 AND pos = 1",
           "row_id,token,token_id,top1,rest_mass\nctl.orig:L001:P0001,\"a,\"\"b\"\"\nc\\\",7, "
           "w1,0.3333333333333333\n");
    expect(p->db,
           "SELECT pass_key, is_main, fact_key, fact_index, prompt_text, token_ids, n_pos, gold_text, "
           "gold_first_id, gold_status FROM passes",
           "pass_key,is_main,fact_key,fact_index,prompt_text,token_ids,n_pos,gold_text,gold_first_id,gold_"
           "status\n"
           "pos.orig.0,1,Germany→Berlin,0,The capital,1 7 9,3,Berlin,42,with_space\n"
           "ctl.orig,0,,,\"The \"\"other\"\"\n\",1 7 9,3,Berlin,42,with_space\n");
    expect(p->db,
           "SELECT model, status, dtype, lens_norm, copy_threshold, final_entropy_bits, final_top1, "
           "final_p_top1, last_row_equals_model FROM run_models",
           "model,status,dtype,lens_norm,copy_threshold,final_entropy_bits,final_top1,final_p_top1,last_row_"
           "equals_model\n1,ok,BF16,final,0.95,0.5, Berlin,0.75,1\n");
    expect(p->db, "SELECT json FROM diagnostics WHERE key = 'L_semantic'", "json\n2\n");
    expect(p->db, "SELECT prompt, top1 FROM test_prompts", "prompt,top1\nBerlin is, Berlin\n");
    expect(p->db,
           "SELECT j.value ->> 0 AS token, j.value ->> 1 AS p FROM test_prompts t, json_each(t.topk) j",
           "token,p\n Berlin,0.75\n\xEF\xBF\xBD,0.125\n");
    expect(p->db, "SELECT temperature, entropy_bits FROM temperatures",
           "temperature,entropy_bits\n0.1,0.25\n");
    expect(p->db, "SELECT count(*) AS n FROM v_milestone_conflicts", "n\n0\n");
    expect(p->db, "SELECT pass_key, L_copy, L_copy_H, L_semantic, delta_layers FROM v_milestones",
           "pass_key,L_copy,L_copy_H,L_semantic,delta_layers\npos.orig.0,,2,2,\nctl.orig,0,,1,1\n");
}

static void a_second_import_changes_nothing(void **state)
{
    const struct place *p = *state;
    import(p);
    char *before = dump(p->db);
    struct ll_import_report r = import(p);
    char *after = dump(p->db);
    assert_int_equal(r.n_files, 0);
    assert_int_equal(r.n_rows, 0);
    assert_int_equal(r.n_unchanged, 3);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void a_changed_file_replaces_its_rows(void **state)
{
    const struct place *p = *state;
    import(p);
    replace_in(p->run, "output-Made-1-pure-next-token.csv", "0,2,⟨NEXT⟩,6.5,6.5,", "0,2,⟨NEXT⟩,6.25,6.25,");
    struct ll_import_report r = import(p);
    assert_int_equal(r.n_files, 3);
    expect(p->db, "SELECT count(*) n, max(entropy_bits) e FROM pure", "n,e\n6,6.5\n");
    expect(p->db, "SELECT entropy_bits FROM v_pure WHERE is_main AND layer = 0", "entropy_bits\n6.25\n");
    expect(p->db, "SELECT count(*) n FROM records", "n\n18\n");
    expect(p->db,
           "SELECT (SELECT count(*) FROM runs) r, (SELECT count(*) FROM run_models) m, (SELECT count(*) FROM "
           "files) f, (SELECT count(*) FROM records_more) k",
           "r,m,f,k\n1,1,3,6\n");
    /* a model that leaves the folder leaves the index */
    char *gone = path2(p->run, "output-Made-1.json"), *gone2 = path2(p->run, "output-Made-1-records.csv"),
         *gone3 = path2(p->run, "output-Made-1-pure-next-token.csv");
    static const char other[] =
        "{\"status\": \"skipped\", \"model\": \"org/Other\", \"reason\": \"too big\"}";
    spill(p->run, "output-Other.json", other, sizeof other - 1);
    unlink(gone);
    unlink(gone2);
    unlink(gone3);
    r = import(p);
    assert_int_equal(r.n_skipped_models, 1);
    expect(p->db, "SELECT m.model_id, r.status, r.reason FROM run_models r JOIN models m ON m.id = r.model",
           "model_id,status,reason\norg/Other,skipped,too big\n");
    expect(p->db, "SELECT count(*) n FROM records", "n\n0\n");
    free(gone);
    free(gone2);
    free(gone3);
}

static void a_renamed_folder_is_the_same_run(void **state)
{
    struct place *p = *state;
    import(p);
    char *old = p->run;
    p->run = path2(p->dir, "run-20260102-0304");
    assert_int_equal(rename(old, p->run), 0);
    struct ll_import_report r = import(p);
    assert_int_equal(r.n_unchanged, 3);
    expect(p->db, "SELECT folder FROM runs", "folder\nrun-20260102-0304\n");
    /* a new run takes the old name; the index learns of both in either order */
    mkdir(old, 0777);
    made_into(old);
    spill(old, "timestamp-20260102-0305", "Experiment started: 2026-01-02 03:05:00\n", 40);
    struct place q = {p->dir, old, p->db};
    import(&q);
    expect(p->db, "SELECT folder, stamp FROM runs ORDER BY stamp",
           "folder,stamp\nrun-20260102-0304,20260102-0304\nrun-latest,20260102-0305\n");
    free(old);
}

static void a_displaced_run_gets_its_rotated_name(void **state)
{
    const struct place *p = *state;
    import(p);
    char *stamp = path2(p->run, "timestamp-20260102-0304");
    unlink(stamp);
    spill(p->run, "timestamp-20260102-0305", "Experiment started: 2026-01-02 03:05:00\n", 40);
    import(p);
    expect(p->db, "SELECT folder, stamp FROM runs ORDER BY stamp",
           "folder,stamp\nrun-20260102-0304,20260102-0304\nrun-latest,20260102-0305\n");
    free(stamp);
}

/* The import says so with both words; nothing of the broken file is there, all of the others is; the same
 * again at a second import; the file repaired, the index is as if nothing had been. */
static void expect_partial(const struct place *p, const char *file, const char *a, const char *b)
{
    struct ll_err err = {0};
    struct ll_import_report r;
    int is_doc = strstr(file, ".json") != NULL, is_pure = strstr(file, "-pure-") != NULL;
    for (int again = 0; again < 2; again++) {
        memset(&err, 0, sizeof err);
        if (ll_index_import(p->db, p->run, &r, NULL, NULL, &err) != LL_EUSAGE)
            fail_msg("expected \"%s\" and \"%s\", found success", a, b);
        if (!strstr(err.msg, a) || !strstr(err.msg, b) || !strstr(err.msg, file))
            fail_msg("expected \"%s\", \"%s\" and \"%s\" in: %s", a, b, file, err.msg);
        assert_int_equal(r.n_problems, 1);
        assert_int_equal(r.n_rows, again ? 0 : is_doc ? 24 : is_pure ? 18 : 6);
        assert_int_equal(r.n_unchanged, again ? 3 : 0);
    }
    char expected[300];
    snprintf(expected, sizeof expected, "r,p,problems,name,ids\n%d,%d,1,%s,%d\n", is_doc || is_pure ? 18 : 0,
             is_pure ? 0 : 6, file, is_doc ? 0 : 2);
    expect(
        p->db,
        "SELECT (SELECT count(*) FROM records) r, (SELECT count(*) FROM pure) p, (SELECT count(*) FROM files "
        "WHERE problem IS NOT NULL) problems,"
        " (SELECT name FROM files WHERE problem IS NOT NULL) name, (SELECT count(token_ids) FROM passes) ids",
        expected);
}

static void expect_repaired(const struct place *p, const char *before)
{
    sqlite3 *db;
    import(p);
    /* the model whose document was broken had been another: its row has another number since */
    assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE models SET id = 1; UPDATE run_models SET model = 1", NULL, NULL,
                                  NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    char *after = dump(p->db);
    assert_string_equal(before, after);
    free(after);
}

static void a_broken_file_costs_its_own_rows_only(void **state)
{
    static const char csv[] = "output-Made-1-records.csv", pure[] = "output-Made-1-pure-next-token.csv";
    static const struct {
        const char *file, *from, *to, *say, *say_too;
    } t[] = {
        {csv, "orig,0,1,", "orig,0,one,", "data row 2", "column pos"},
        {csv, "orig,0,0, the,6.5", "orig,0,0, the,0x10", "data row 1", "column entropy"},
        {csv, "orig,0,0, the,6.5", "orig,0,0, the,nan", "data row 1", "column entropy"},
        {csv, "orig,0,0, the,6.5,6.5, w1,0.1", "orig,0,0, the,6.5,6.5, w1,", "data row 1", "prob1"},
        {csv, "orig,0,0, the", "orig,-1,0, the", "data row 1", "column layer"},
        {csv, "orig,0,1,", "orig,0,0,", "data row 2", "row_id"},
        {csv, "pos.orig.0:L000:P0001\n", "pos.orig.0:L000:P0001,x\n", "data row 2", "expected 54 fields"},
        {csv, "51 52 53 54 55,", "51 52 53 54,", "data row 1", "top_ids"},
        {csv, "51 52 53 54 55,", "51 52 53 54 x,", "data row 1", "top_ids"},
        {csv, "layer,pos,", "layer,layer,", csv, "twice"},
        {csv, "layer,pos,", "depth,pos,", csv, "expected the columns layer, pos"},
        {csv, "orig,0,1,\"a", "orig,0,1,\"a\"", "data row 2", "quot"},
        {pure, "False,,,,,,,,False,False", "False,,,,,,,,no,False", "data row 1", "entropy_collapse"},
        {pure, "orig,1,2,", "orig,0,2,", "data row 2", "row_id"},
        {csv, "orig,0,1,", "orig,0,1,0,", "data row 2", "expected 54 fields"},
        {"output-Made-1.json", "\"passes\"", "passes", "output-Made-1.json", "not a JSON object"},
    };
    const struct place *p = *state;
    import(p);
    char *before = dump(p->db);
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct ll_buf whole = slurp(p->run, t[i].file);
        replace_in(p->run, t[i].file, t[i].from, t[i].to);
        expect_partial(p, t[i].file, t[i].say, t[i].say_too);
        spill(p->run, t[i].file, whole.s, whole.len);
        ll_buf_free(&whole);
    }
    expect_repaired(p, before);
    free(before);
}

static void a_file_cut_short_is_told(void **state)
{
    static const char *const files[] = {"output-Made-1-records.csv", "output-Made-1-pure-next-token.csv",
                                        "output-Made-1.json"};
    const struct place *p = *state;
    import(p);
    char *before = dump(p->db);
    for (int f = 0; f < 3; f++) {
        struct ll_buf whole = slurp(p->run, files[f]);
        for (size_t n = 0; n + 1 < whole.len; n += 1 + n % 397) {
            spill(p->run, files[f], whole.s, n);
            expect_partial(p, files[f], "", "");
        }
        size_t last = whole.len - 1; /* whole lines only */
        while (f < 2 && whole.s[last - 1] != '\n')
            last--;
        if (f < 2) {
            spill(p->run, files[f], whole.s, last);
            expect_partial(p, files[f], "cut short", "");
        }
        spill(p->run, files[f], whole.s, whole.len);
        ll_buf_free(&whole);
    }
    expect_repaired(p, before);
    free(before);
}

/* Tokens of a refused file go with it; the next file that has the same gets its own. */
static void tokens_of_a_refused_file_are_made_again(void **state)
{
    static const char pure[] =
        "layer,pos,entropy,top1,prob1\n0,2,1, both,0.5\n1,2,1, both,0.5\n2,2,x, both,0.5\n";
    static const char records[] = "layer,pos,token,entropy,top1,prob1\n0,0, own,1, both,0.5\n1,0, own,1, "
                                  "both,0.5\n2,0, own,1, both,0.5\n";
    const struct place *p = *state;
    struct ll_err err = {0};
    char *doc = path2(p->run, "output-Made-1.json");
    unlink(doc);
    spill(p->run, "output-Made-1-pure-next-token.csv", pure, sizeof pure - 1);
    spill(p->run, "output-Made-1-records.csv", records, sizeof records - 1);
    assert_int_equal(ll_index_import(p->db, p->run, NULL, NULL, NULL, &err), LL_EUSAGE);
    assert_non_null(strstr(err.msg, "data row 3"));
    expect(p->db, "SELECT token, top1 FROM v_records", "token,top1\n own, both\n own, both\n own, both\n");
    free(doc);
}

static void a_missing_file_is_told(void **state)
{
    static const char *const files[] = {"output-Made-1.json", "output-Made-1-pure-next-token.csv",
                                        "output-Made-1-records.csv"};
    const struct place *p = *state;
    for (int f = 0; f < 3; f++) {
        struct ll_err err = {0};
        struct ll_import_report r;
        struct ll_buf whole = slurp(p->run, files[f]);
        char *path = path2(p->run, files[f]);
        unlink(path);
        for (int again = 0; again < 2; again++) {
            err.code = 0;
            assert_int_equal(ll_index_import(p->db, p->run, &r, NULL, NULL, &err), LL_EUSAGE);
            assert_int_equal(r.n_problems, 1);
            assert_non_null(strstr(err.msg, files[f]));
            assert_non_null(strstr(err.msg, "missing"));
        }
        spill(p->run, files[f], whole.s, whole.len);
        import(p);
        expect(p->db,
               "SELECT (SELECT count(*) FROM records) r, (SELECT count(*) FROM pure) p, (SELECT status FROM "
               "run_models) s",
               "r,p,s\n18,6,ok\n");
        free(path);
        ll_buf_free(&whole);
    }
}

/* A whole pass that one of the tables has not. */
static void a_missing_pass_is_told(void **state)
{
    const struct place *p = *state;
    struct ll_err err = {0};
    struct ll_import_report r;
    struct ll_buf whole = slurp(p->run, "output-Made-1-records.csv");
    char *at = strstr(whole.s, "pos.orig.0:L002:P0002\n");
    assert_non_null(at);
    spill(p->run, "output-Made-1-records.csv", whole.s,
          (size_t)(at - whole.s) + strlen("pos.orig.0:L002:P0002\n"));
    assert_int_equal(ll_index_import(p->db, p->run, &r, NULL, NULL, &err), LL_EUSAGE);
    assert_non_null(strstr(err.msg, "output-Made-1-records.csv: expected rows of pass ctl.orig"));
    expect(p->db, "SELECT (SELECT count(*) FROM records) r, (SELECT count(*) FROM pure) p",
           "r,p\n9,6\n"); /* what is whole is kept */
    ll_buf_free(&whole);
}

static void note(void *arg, const char *line)
{
    struct ll_buf *b = arg;
    ll_buf_adds(b, line);
    ll_buf_addc(b, '\n');
}

static void columns_are_found_by_name(void **state)
{
    const struct place *p = *state;
    struct ll_err err = {0};
    struct ll_buf said = {0};
    static const char csv[] =
        "odd,entropy,pos,layer,top1,prob1\n\"x,y\",1.5,0,0, a,0.5\n,2.5,0,1, b,0.25\nz,3.5,0,2,,\n";
    char *json = path2(p->run, "output-Made-1.json"),
         *pure = path2(p->run, "output-Made-1-pure-next-token.csv");
    unlink(json);
    unlink(pure);
    spill(p->run, "output-Made-1-records.csv", csv, sizeof csv - 1);
    spill(p->run, "output-Made-1-what.csv", "x\n", 2);
    struct ll_import_report r;
    assert_int_equal(ll_index_import(p->db, p->run, &r, note, &said, &err), LL_EUSAGE);
    assert_int_equal(r.n_problems, 2); /* the two files that were taken away */
    assert_int_equal(r.n_rows, 3);
    assert_non_null(strstr(said.s, "kept as text: odd"));
    assert_non_null(strstr(said.s, "output-Made-1.json: missing"));
    assert_non_null(strstr(said.s, "1 files of kinds"));
    expect(p->db, "SELECT layer, pos, entropy_bits, top1, prob1 FROM v_records",
           "layer,pos,entropy_bits,top1,prob1\n0,0,1.5, a,0.5\n1,0,2.5, b,0.25\n2,0,3.5,,\n");
    expect(p->db, "SELECT nr, name, value, pass, layer, pos FROM extra",
           "nr,name,value,pass,layer,pos\n1,odd,\"x,y\",1,0,0\n3,odd,z,1,2,0\n");
    expect(p->db, "SELECT pass_key, fact_index, is_main FROM passes",
           "pass_key,fact_index,is_main\npos.orig.0,0,1\n");
    ll_buf_free(&said);
    free(json);
    free(pure);
}

/* The original wrote three lines of text under the .json name of a model that fitted nowhere
 * (docs/experiment.md 16.2). */
static void a_skip_in_plain_text_is_a_skip(void **state)
{
    static const char text[] =
        "SKIPPED (NO FIT): org/Huge-70B\nEstimated peak memory exceeds every device\n2025-10-16 07:26:19\n";
    const struct place *p = *state;
    spill(p->run, "output-Huge-70B.json", text, sizeof text - 1);
    struct ll_import_report r = import(p);
    assert_int_equal(r.n_models, 2);
    assert_int_equal(r.n_skipped_models, 1);
    assert_int_equal(r.n_problems, 0);
    expect(p->db, "SELECT stem, status, reason FROM run_models ORDER BY stem",
           "stem,status,reason\nHuge-70B,skipped,SKIPPED (NO FIT): org/Huge-70B Estimated peak memory "
           "exceeds every device 2025-10-16 07:26:19\nMade-1,ok,\n");
}

/* Doubled backslashes, line ends and NULs in tokens, CRLF at the ends of rows: the original's dialect. */
static void the_originals_dialect_is_read(void **state)
{
    static const char csv[] = "layer,pos,token,entropy,top1,prob1\r\n0,0,a\\\\b,1.5,\"x\r\ny\",0.5\r\n1,0,"
                              "a\\\\b,1.5,\"q\"\"\",0.5\r\n2,0,a\\\\b,1.5,n\0m,0.5\r\n";
    const struct place *p = *state;
    struct ll_err err = {0};
    char *json = path2(p->run, "output-Made-1.json"),
         *pure = path2(p->run, "output-Made-1-pure-next-token.csv");
    unlink(json);
    unlink(pure);
    spill(p->run, "output-Made-1-records.csv", csv, sizeof csv - 1);
    assert_int_equal(ll_index_import(p->db, p->run, NULL, NULL, NULL, &err),
                     LL_EUSAGE); /* the two that are gone */
    expect(p->db, "SELECT dialect, n_rows, problem FROM files",
           "dialect,n_rows,problem\nbackslash-twice,3,\n");
    expect(p->db, "SELECT token, hex(top1) AS top1 FROM v_records",
           "token,top1\na\\b,780D0A79\na\\b,7122\na\\b,6E006D\n");
    free(json);
    free(pure);
}

static void what_is_no_run_or_no_index_is_refused(void **state)
{
    const struct place *p = *state;
    struct ll_err err = {0};
    struct ll_buf out = {0};
    char *empty = path2(p->dir, "empty"), *other = path2(p->dir, "other.sqlite"),
         *text = path2(p->dir, "text");
    mkdir(empty, 0777);
    assert_int_equal(ll_index_import(p->db, empty, NULL, NULL, NULL, &err), LL_EUSAGE);
    assert_non_null(strstr(err.msg, "found no output-"));
    assert_false(has_file(p->dir, "index.sqlite"));
    err.code = 0;
    assert_int_equal(ll_index_query(p->db, "runs", LL_OUT_TABLE, 0, &out, &err), LL_EUSAGE);
    assert_non_null(strstr(err.msg, "logitlens index"));
    sqlite3 *db;
    assert_int_equal(sqlite3_open(other, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    spill(p->dir, "text",
          "this is no database, but it is long enough to be taken for one "
          "......................................................",
          110);
    const char *const wrong[] = {other, text};
    for (int i = 0; i < 2; i++) {
        err.code = 0;
        assert_int_equal(ll_index_import(wrong[i], p->run, NULL, NULL, NULL, &err), LL_EUSAGE);
        assert_non_null(strstr(err.msg, "expected a logitlens index"));
        err.code = 0;
        assert_int_equal(ll_index_query(wrong[i], "SELECT 1", LL_OUT_TABLE, 0, &out, &err), LL_EUSAGE);
    }
    free(empty);
    free(other);
    free(text);
    ll_buf_free(&out);
}

/* Files of the late kind made here: every table gets its rows, flags and nulls come back, wrong ones are
 * told. */
static void further_files_fill_their_tables(void **state)
{
    static const char rawlens[] = "fact_key,fact_index,prompt_id,prompt_variant,layer,answer_rank_raw,answer_"
                                  "rank_norm,norm_only_semantics,top1_token_str_raw\n"
                                  "Germany→Berlin,0,pos,orig,0,9,9,False,\"a\nb\"\nGermany→Berlin,0,pos,orig,"
                                  "1,7,1,True,x\\y\nGermany→Berlin,0,pos,orig,2,1,1,False,\n";
    static const char tuned[] =
        "layer,pos,token,entropy,top1,prob1,fact_index,prompt_id,prompt_variant,copy_strict@0.95,copy_soft_"
        "k1@0.5,answer_rank,kl_to_final_bits\n"
        "1,2,x,5.5, a,0.25,0,pos,orig,True,,1,0.5\n2,2,x,4.5, a,0.25,0,pos,orig,False,True,1,0\n";
    static const char audit[] = "layer,js_divergence,risk_tier\n_summary,0.5,high\n0,1,\n1,2,\n2,3,\n";
    static const char answers[] = "fact_key,fact_index,prompt_id,prompt_variant,layer,answer_index,answer,n_"
                                  "tokens,first_id,first_rank,p_first,logprob,row_id\n"
                                  ",0,pos,orig,2,0,Berlin,1,42,1,0.75,-0.25,pos.orig.0:L002:P0002\n,0,pos,"
                                  "orig,2,1,Bonn,2,43,5,0.1,-2.5,pos.orig.0:L002:P0002\n";
    const struct place *p = *state;
    spill(p->run, "output-Made-1-pure-next-token-rawlens.csv", rawlens, sizeof rawlens - 1);
    spill(p->run, "output-Made-1-pure-next-token-tuned.csv", tuned, sizeof tuned - 1);
    spill(p->run, "output-Made-1-artifact-audit.csv", audit, sizeof audit - 1);
    spill(p->run, "output-Made-1-answers.csv", answers, sizeof answers - 1);
    spill(p->run, "evaluation-Made-1.md", "#\n", 2);
    spill(p->run, "meta-evaluation.md", "#\n", 2);
    import(p);
    expect(
        p->db, "SELECT layer, answer_rank_raw, norm_only_semantics, top1_token_str_raw FROM v_rawlens",
        "layer,answer_rank_raw,norm_only_semantics,top1_token_str_raw\n0,9,0,\"a\nb\"\n1,7,1,x\\y\n2,1,0,\n");
    expect(p->db, "norm-raw-disagreement",
           "stamp,model,pass_key,layer,rank_norm,rank_raw,p_norm,p_raw,top1_norm,top1_raw\n20260102-0304,"
           "Made-1,pos.orig.0,1,1,7,,,,x\\y\n");
    expect(p->db, "SELECT layer, name, value FROM pure_flags f JOIN pure p ON p.id = f.pure ORDER BY 1, 2",
           "layer,name,value\n1,copy_strict@0.95,1\n2,copy_soft_k1@0.5,1\n2,copy_strict@0.95,0\n");
    expect(p->db, "SELECT lens, layer, gain_bits FROM v_lens_gain",
           "lens,layer,gain_bits\ntuned,1,0.5\ntuned,2,0\n");
    expect(p->db, "tuned-gain",
           "stamp,model,pass_key,lens,n_rows,median_gain_bits,n_better,first_rank1_lens,first_rank1_"
           "own\n20260102-0304,Made-1,pos.orig.0,tuned,2,0.25,1,1,2\n");
    expect(p->db, "confirmed",
           "stamp,model,pass_key,L_norm,L_raw,L_tuned,confirmed,by\n20260102-0304,Made-1,pos.orig.0,2,2,1,2,"
           "both\n");
    expect(p->db, "SELECT nr, layer, js_divergence, risk_tier FROM artifact_audit",
           "nr,layer,js_divergence,risk_tier\n1,,0.5,high\n2,0,1,\n3,1,2,\n4,2,3,\n");
    expect(p->db, "SELECT kind, model, path FROM evaluations ORDER BY path",
           "kind,model,path\nsingle,Made-1,evaluation-Made-1.md\nmeta,,meta-evaluation.md\n");
    expect(p->db, "answers",
           "stamp,model,pass_key,layer,answer,n_tokens,first_rank,p_first,logprob\n20260102-0304,Made-1,pos."
           "orig.0,2,Berlin,1,1,0.75,-0.25\n20260102-0304,Made-1,pos.orig.0,2,Bonn,2,5,0.1,-2.5\n");
    /* cut between two rows */
    struct ll_err err = {0};
    spill(p->run, "output-Made-1-pure-next-token-tuned.csv", tuned, (size_t)(strstr(tuned, "2,2,x") - tuned));
    assert_int_equal(ll_index_import(p->db, p->run, NULL, NULL, NULL, &err), LL_EUSAGE);
    assert_non_null(strstr(
        err.msg,
        "output-Made-1-pure-next-token-tuned.csv: pass pos.orig.0: expected layers 1 to 2, found 1 to 1"));
    expect(p->db,
           "SELECT (SELECT count(*) FROM answers) a, (SELECT count(*) FROM pure WHERE lens = 'tuned') t",
           "a,t\n2,0\n");
}

static void stored_and_recomputed_milestones_are_compared(void **state)
{
    const struct place *p = *state;
    replace_in(p->run, "output-Made-1.json", "\"L_semantic\": 1", "\"L_semantic\": 0");
    import(p);
    expect(p->db, "SELECT pass_key, milestone, stored, recomputed FROM v_milestone_conflicts",
           "pass_key,milestone,stored,recomputed\nctl.orig,L_semantic,0,1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_run_is_imported_whole),
        CASE(a_second_import_changes_nothing),
        CASE(a_changed_file_replaces_its_rows),
        CASE(a_renamed_folder_is_the_same_run),
        CASE(a_displaced_run_gets_its_rotated_name),
        CASE(a_broken_file_costs_its_own_rows_only),
        CASE(a_file_cut_short_is_told),
        CASE(tokens_of_a_refused_file_are_made_again),
        CASE(a_missing_file_is_told),
        CASE(a_missing_pass_is_told),
        CASE(columns_are_found_by_name),
        CASE(a_skip_in_plain_text_is_a_skip),
        CASE(the_originals_dialect_is_read),
        CASE(what_is_no_run_or_no_index_is_refused),
        CASE(further_files_fill_their_tables),
        CASE(stored_and_recomputed_milestones_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
