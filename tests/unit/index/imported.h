/* imported.h - the made run in a folder of the test's own, its index, and questions to it. */
#ifndef LL_TEST_IMPORTED_H
#define LL_TEST_IMPORTED_H
#include "unit/store/made_run.h"

#include "index.h"

struct place {
    char *dir, *run, *db;
};

static inline int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    p->dir = tmp_folder();
    p->run = path2(p->dir, "run-latest");
    p->db = path2(p->dir, "index.sqlite");
    mkdir(p->run, 0777);
    made_into(p->run);
    spill(p->run, "timestamp-20260102-0304", "Experiment started: 2026-01-02 03:04:05\n", 40);
    *state = p;
    return 0;
}

static inline int tear_down(void **state)
{
    struct place *p = *state;
    remove_tree(p->dir);
    free(p->dir);
    free(p->run);
    free(p->db);
    free(p);
    return 0;
}

static inline struct ll_import_report import(const struct place *p)
{
    struct ll_err err = {0};
    struct ll_import_report r;
    OK(ll_index_import(p->db, p->run, &r, NULL, NULL, &err), &err);
    return r;
}

static inline char *ask(const char *db, const char *sql)
{
    struct ll_err err = {0};
    struct ll_buf out = {0};
    OK(ll_index_query(db, sql, LL_OUT_CSV, 60, &out, &err), &err);
    return out.s;
}

static inline void expect(const char *db, const char *sql, const char *csv)
{
    char *got = ask(db, sql);
    assert_string_equal(got, csv);
    free(got);
}

/* Every table's content as one text. */
static inline char *dump(const char *db)
{
    struct ll_buf all = {0};
    char *names = ask(db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"), *save = NULL;
    strtok_r(names, "\n", &save); /* the header */
    for (char *name = strtok_r(NULL, "\n", &save); name; name = strtok_r(NULL, "\n", &save)) {
        char sql[80];
        snprintf(sql, sizeof sql,
                 !strcmp(name, "models") ? "SELECT model_id, clean, n_layers, d_vocab FROM %s"
                                         : "SELECT * FROM %s",
                 name);
        char *s = ask(db, sql);
        ll_buf_addf(&all, "%s\n%s", name, s);
        free(s);
    }
    free(names);
    return all.s;
}

static inline void replace_in(const char *folder, const char *name, const char *from, const char *to)
{
    struct ll_buf b = slurp(folder, name), out = {0};
    char *at = strstr(b.s, from);
    assert_non_null(at);
    ll_buf_add(&out, b.s, (size_t)(at - b.s));
    ll_buf_adds(&out, to);
    ll_buf_adds(&out, at + strlen(from));
    spill(folder, name, out.s, out.len);
    ll_buf_free(&b);
    ll_buf_free(&out);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#endif
