/* eval_given.c - see eval_given.h */
#include "eval_given.h"

#include "index.h"
#include "literal.h"
#include "map.h"
#include "schema_text.h"
#include "str.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILES = 1000 };

/* Lines of a text; a line end inside quotes does not end one when quoted is set. */
static int add_lines(struct ll_eval_block *b, const char *s, size_t n, const char *prefix, int quoted,
                     struct ll_err *err)
{
    int rc = LL_OK, nr = 0, in_quotes = 0;
    struct ll_buf line = {0};
    for (size_t from = 0, i = 0; i <= n && !rc; i++) {
        if (i < n && s[i] == '"')
            in_quotes = quoted && !in_quotes;
        if (i < n && (s[i] != '\n' || in_quotes))
            continue;
        if (i > from || i < n) {
            ll_buf_reset(&line);
            if (prefix)
                ll_buf_addf(&line, "%s:%d: ", prefix, ++nr);
            ll_buf_add(&line, s + from, i - from);
            rc = ll_buf_ok(&line, err);
            if (!rc)
                rc = ll_eval_block_add(b, ll_buf_str(&line), line.len, b->n, err);
        }
        from = i + 1;
    }
    ll_buf_free(&line);
    return rc;
}

/* evaluation-<stem>.md of the run, for a review also the cross evaluation; a file of a few lines is a stub
 * and is left out. */
static int add_evaluations(struct ll_eval_block *b, const char *run, int with_cross, struct ll_err *err)
{
    enum { STUB_LINES = 4 };
    char *names[MAX_FILES];
    int n = 0, rc = LL_OK;
    DIR *d = opendir(run);
    for (struct dirent *e; d && n < MAX_FILES && (e = readdir(d));) {
        size_t len = strlen(e->d_name);
        int is_cross = strstr(e->d_name, "cross-model") != NULL, is_meta = strstr(e->d_name, "meta") != NULL;
        if (LL_BEGINS(e->d_name, "evaluation-") && len > 14 && ll_ends_with(e->d_name, ".md") && !is_meta
            && (with_cross || !is_cross))
            names[n++] = strdup(e->d_name);
    }
    if (d)
        closedir(d);
    qsort(names, (size_t)n, sizeof *names, ll_compare_strings);
    for (int i = 0; i < n; i++) {
        struct ll_buf text = {0};
        char *path = names[i] ? ll_path_join(run, names[i]) : NULL;
        int lines = 0;
        if (!rc)
            rc = path ? ll_file_read(path, LL_EVAL_MAX_TEXT, &text, err) : ll_fail_mem(err, "path", 64);
        for (size_t k = 0; k < text.len; k++)
            lines += text.s[k] == '\n';
        if (!rc && lines > STUB_LINES)
            rc = add_lines(b, text.s, text.len, names[i], 0, err);
        ll_buf_free(&text);
        free(path);
        free(names[i]);
    }
    return rc;
}

/* The meaning of the columns of the two tables that evaluations cite most, as `help tables` has it. */
static int add_columns(struct ll_eval_block *b, struct ll_err *err)
{
    static const struct ll_schema *const tables[] = {&ll_schema_records, &ll_schema_pure};
    int rc = LL_OK;
    for (int i = 0; i < 2 && !rc; i++) {
        struct ll_buf text = {0};
        ll_schema_put_run_file(&text, tables[i]);
        if (!(rc = ll_buf_ok(&text, err)))
            rc = add_lines(b, text.s, text.len, NULL, 0, err);
        ll_buf_free(&text);
    }
    return rc;
}

static int add_extra(struct ll_eval_block *b, const char *db, const char *sql, struct ll_err *err)
{
    struct ll_buf csv = {0};
    b->is_table = 1;
    int rc = ll_index_query(db, sql, LL_OUT_CSV, 60, &csv, err);
    if (!rc)
        rc = add_lines(b, ll_buf_str(&csv), csv.len, NULL, 1, err);
    ll_buf_free(&csv);
    return rc;
}

static int add_scores(struct ll_eval_block *b, const char *path, struct ll_err *err)
{
    struct ll_buf csv = {0};
    b->is_table = 1;
    int rc = ll_file_read(path, LL_EVAL_MAX_TEXT, &csv, err);
    size_t head = csv.s ? strcspn(csv.s, "\n") : 0;
    if (!rc) {
        char *first = strndup(ll_buf_str(&csv), head);
        if (!first || !strstr(first, "source"))
            rc = ll_fail(
                err, LL_EUSAGE,
                "%s: expected a column \"source\" in the first line: scores without a source are not used",
                path);
        free(first);
    }
    if (!rc)
        rc = add_lines(b, csv.s, csv.len, NULL, 1, err);
    ll_buf_free(&csv);
    return rc;
}

int ll_eval_given(struct ll_eval_block b[LL_N_GIVEN], enum ll_eval_kind kind,
                  const struct ll_eval_given_ask *ask, struct ll_err *err)
{
    static const char *const names[LL_N_GIVEN] = {[LL_GIVEN_COLUMNS] = "columns",
                                                  [LL_GIVEN_EXTRA] = "extra",
                                                  [LL_GIVEN_EVALUATIONS] = "evaluations",
                                                  [LL_GIVEN_SCORES] = "scores"};
    for (int i = 0; i < LL_N_GIVEN; i++)
        b[i] = (struct ll_eval_block){.name = names[i]};
    int rc = add_columns(&b[LL_GIVEN_COLUMNS], err);
    if (!rc && ask->sql)
        rc = add_extra(&b[LL_GIVEN_EXTRA], ask->db, ask->sql, err);
    if (!rc && kind != LL_EVAL_SINGLE)
        rc = add_evaluations(&b[LL_GIVEN_EVALUATIONS], ask->run, kind == LL_EVAL_META, err);
    if (!rc && ask->scores)
        rc = add_scores(&b[LL_GIVEN_SCORES], ask->scores, err);
    return rc;
}
