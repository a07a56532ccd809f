/* index_query.c - questions to the index, see index.h
 *
 * Read-only in three ways: the connection (SQLITE_OPEN_READONLY), PRAGMA query_only, and an authorizer that
 * lets a statement read and nothing else (no ATTACH, no PRAGMA that sets). One statement a call. */
#include "index.h"
#include "index_db.h"
#include "literal.h"
#include "query_out.h"
#include "stats.h"

#include <ctype.h>
#include <string.h>

enum { STEPS_BETWEEN_LOOKS = 10000, MAX_VALUE = 1 << 26 };

static int may(void *arg, int action, const char *a, const char *b, const char *c, const char *d)
{
    static const char *const pragmas[] = {"table_info", "table_xinfo", "table_list",       "index_list",
                                          "index_info", "index_xinfo", "foreign_key_list", NULL};
    static const char *const functions[] = {"load_extension", "writefile",      "readfile",
                                            "edit",           "fts3_tokenizer", NULL};
    (void)arg, (void)c, (void)d;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE: return SQLITE_OK;
    case SQLITE_FUNCTION:
        for (const char *const *f = functions; *f; f++)
            if (b && !sqlite3_stricmp(b, *f))
                return SQLITE_DENY;
        return SQLITE_OK;
    case SQLITE_PRAGMA:
        for (const char *const *p = pragmas; *p; p++)
            if (a && !sqlite3_stricmp(a, *p))
                return SQLITE_OK;
        return a && !b && (!sqlite3_stricmp(a, "user_version") || !sqlite3_stricmp(a, "application_id"))
            ? SQLITE_OK
            : SQLITE_DENY;
    default: return SQLITE_DENY;
    }
}

static int is_late(void *deadline) { return ll_now_s() > *(const double *)deadline; }

/* ---- what is asked --------------------------------------------------------------------------- */
static size_t word_len(const char *s) { return strcspn(s, " \t\n\r"); }
static const char *skip_blank(const char *s) { return s + strspn(s, " \t\n\r"); }

/* "key=..." at s: the key's length, else 0. */
static size_t key_len(const char *s)
{
    size_t n = 0;
    while (islower((unsigned char)s[n]) || s[n] == '_')
        n++;
    return n && s[n] == '=' ? n : 0;
}

/* The named query that s asks for: its name, then nothing or key=value words. */
static const struct ll_query *named(const char *s)
{
    size_t n = word_len(s);
    const char *rest = skip_blank(s + n);
    for (const struct ll_query *q = ll_queries; q->name; q++)
        if (strlen(q->name) == n && !strncmp(q->name, s, n))
            return !*rest || key_len(rest) ? q : NULL;
    return NULL;
}

static int looks_like_sql(const char *s)
{
    static const char *const words[] = {"select", "with", "values", "explain", "pragma", NULL};
    size_t n = 0;
    while (isalpha((unsigned char)s[n]))
        n++;
    for (const char *const *w = words; *w; w++)
        if (strlen(*w) == n && !sqlite3_strnicmp(*w, s, (int)n))
            return 1;
    /* comments, parentheses and the statements that will be refused by name */
    return !n || strpbrk(s, " ;(") != NULL;
}

static int unknown_name(const char *s, struct ll_err *err)
{
    struct ll_buf list = {0};
    for (const struct ll_query *q = ll_queries; q->name; q++)
        ll_buf_addf(&list, "%s%s", list.len ? ", " : "", q->name);
    int rc =
        ll_fail(err, LL_EUSAGE, "query: expected SQL or one of: %s; found \"%.60s\"", ll_buf_str(&list), s);
    ll_buf_free(&list);
    return rc;
}

/* Parameters whose values are known beforehand. */
static const struct choice {
    const char *param, *values[6];
} choices[] = {{":era", {"early", "late", "ours"}}, {":lens", {"norm", "raw", "prism", "tuned", "all"}}};

static int check_choice(const char *name, const char *param, const char *value, size_t n, struct ll_err *err)
{
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        struct ll_buf list = {0};
        int k = 0;
        if (strcmp(param, choices[i].param))
            continue;
        for (; choices[i].values[k]
             && (strlen(choices[i].values[k]) != n || memcmp(choices[i].values[k], value, n));
             k++)
            ll_buf_addf(&list, "%s%s", k ? ", " : "", choices[i].values[k]);
        int rc = choices[i].values[k]
            ? LL_OK
            : ll_fail(err, LL_EUSAGE, "query %s: %s: expected one of %s; found \"%.*s\"", name, param + 1,
                      ll_buf_str(&list), n < 60 ? (int)n : 60, value);
        ll_buf_free(&list);
        return rc;
    }
    return LL_OK;
}

/* Bind the "key=value key=value" words behind a name; a word without '=' belongs to the value before it. */
static int bind_words(sqlite3_stmt *st, const char *name, const char *s, struct ll_err *err)
{
    unsigned seen = 0;
    while (*(s = skip_blank(s))) {
        char param[40];
        size_t k = key_len(s);
        const char *value = s + k + 1, *end = value + word_len(value);
        for (const char *next = skip_blank(end); *next && !key_len(next); next = skip_blank(end))
            end = next + word_len(next);
        param[0] = ':';
        memcpy(param + 1, s, k < sizeof param - 2 ? k : sizeof param - 2);
        param[k < sizeof param - 2 ? k + 1 : sizeof param - 1] = 0;
        int nr = sqlite3_bind_parameter_index(st, param);
        if (!nr) {
            struct ll_buf list = {0};
            for (int i = 1; i <= sqlite3_bind_parameter_count(st); i++)
                ll_buf_addf(&list, "%s%s=", i > 1 ? ", " : "", sqlite3_bind_parameter_name(st, i) + 1);
            int rc = ll_fail(err, LL_EUSAGE, "query %s: expected %s; found %.40s=", name,
                             list.len ? list.s : "no parameters", param + 1);
            ll_buf_free(&list);
            return rc;
        }
        if (nr < 32 && (seen & 1u << nr))
            return ll_fail(err, LL_EUSAGE, "query %s: %s= stands there twice", name, param + 1);
        seen |= nr < 32 ? 1u << nr : 0;
        int rc = check_choice(name, param, value, (size_t)(end - value), err);
        if (rc)
            return rc;
        sqlite3_bind_text64(st, nr, value, (sqlite3_uint64)(end - value), SQLITE_TRANSIENT, SQLITE_UTF8);
        s = end;
    }
    return LL_OK;
}

/* ---- asking ---------------------------------------------------------------------------------- */
static int sql_error(sqlite3 *db, struct ll_err *err)
{
    int code = sqlite3_errcode(db);
    if (code == SQLITE_AUTH || code == SQLITE_READONLY)
        return ll_fail(err, LL_EUSAGE, "query: only reading is allowed: %s", sqlite3_errmsg(db));
    if (code == SQLITE_ERROR || code == SQLITE_RANGE || code == SQLITE_MISMATCH || code == SQLITE_TOOBIG)
        return ll_fail(err, LL_EUSAGE, "query: %s", sqlite3_errmsg(db));
    return ll_db_fail(db, "query", err);
}

static int rest_is_empty(const char *s)
{
    for (;;) {
        s += strspn(s, " \t\n\r;");
        if (LL_BEGINS(s, "--"))
            s += strcspn(s, "\n");
        else
            return !*s;
    }
}

static int prepare(sqlite3 *db, sqlite3_stmt **st, const char *sql, struct ll_err *err)
{
    const char *rest = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, st, &rest) != SQLITE_OK)
        return sql_error(db, err);
    if (!*st)
        return ll_fail(err, LL_EUSAGE, "query: expected SQL or a name, found nothing");
    if (!rest_is_empty(rest))
        return ll_fail(err, LL_EUSAGE, "query: expected one statement, found more behind it");
    if (!sqlite3_stmt_readonly(*st))
        return ll_fail(err, LL_EUSAGE, "query: only reading is allowed");
    return LL_OK;
}

static int guard(sqlite3 *db, struct ll_err *err)
{
    /* Table-valued functions declare themselves on first use, by a CREATE TABLE of their own that the
     * authorizer would refuse: those allowed are used once before it watches. If one is missing
     * (SQLite built without JSON), nothing is lost. */
    static const char *const first_use[] = {
        "SELECT 1 FROM pragma_table_info('runs') LIMIT 0",
        "SELECT 1 FROM pragma_table_xinfo('runs') LIMIT 0",
        "SELECT 1 FROM pragma_table_list LIMIT 0",
        "SELECT 1 FROM pragma_index_list('runs') LIMIT 0",
        "SELECT 1 FROM pragma_index_info('runs') LIMIT 0",
        "SELECT 1 FROM pragma_foreign_key_list('runs') LIMIT 0",
        "SELECT 1 FROM json_each('[]') LIMIT 0",
        "SELECT 1 FROM json_tree('[]') LIMIT 0",
        NULL,
    };
    for (const char *const *f = first_use; *f; f++)
        sqlite3_exec(db, *f, NULL, NULL, NULL);
    int rc = ll_db_exec(db, "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -65536",
                        err);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, MAX_VALUE);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_set_authorizer(db, may, NULL);
    return rc;
}

int ll_index_query(const char *db_path, const char *name_or_sql, enum ll_query_format format,
                   double time_limit_s, struct ll_buf *out, struct ll_err *err)
{
    const char *ask = skip_blank(name_or_sql ? name_or_sql : "");
    const struct ll_query *q = named(ask);
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    double deadline = ll_now_s() + time_limit_s;
    if (!*ask || (!q && !looks_like_sql(ask)))
        return unknown_name(ask, err);
    int rc = ll_db_open_read(&db, db_path, err);
    if (rc)
        return rc;
    rc = guard(db, err);
    if (!rc && time_limit_s > 0)
        sqlite3_progress_handler(db, STEPS_BETWEEN_LOOKS, is_late, &deadline);
    if (!rc)
        rc = prepare(db, &st, q ? q->sql : ask, err);
    if (!rc && q)
        rc = bind_words(st, q->name, ask + word_len(ask), err);
    if (!rc) {
        int step = ll_query_write(st, format, out);
        if (step == SQLITE_INTERRUPT)
            rc = ll_fail(err, LL_EFAIL, "query: stopped after its limit of %g s", time_limit_s);
        else if (step == SQLITE_NOMEM)
            rc = ll_fail_mem(err, "query result", out->cap);
        else if (step == SQLITE_TOOBIG)
            rc = ll_fail(err, LL_EUSAGE, "query: the result is larger than %d MiB; narrow the question",
                         LL_MAX_OUTPUT >> 20);
        else if (step != SQLITE_DONE)
            rc = sql_error(db, err);
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    return rc;
}
