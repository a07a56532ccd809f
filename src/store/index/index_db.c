/* index_db.c - see index_db.h */
#include "index_db.h"
#include "buf.h"
#include "index.h"
#include "index_diag.h"
#include "index_diff.h"
#include "index_schema.h"
#include "map.h"
#include "outfile.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TIDY_SHARE = 5,
    TIDY_PAGES = 256
};                        /* a fifth of 2 MiB: less is not worth a second pass over the file */
enum { BUSY_MS = 30000 }; /* another import of a large run may hold the lock so long */

int ll_db_fail(sqlite3 *db, const char *what, struct ll_err *err)
{
    const char *file = db ? sqlite3_db_filename(db, "main") : NULL;
    return ll_fail(err, LL_EFAIL, "%s: %s: %s", file && *file ? file : "index", what,
                   db ? sqlite3_errmsg(db) : "out of memory");
}

int ll_db_exec(sqlite3 *db, const char *sql, struct ll_err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? LL_OK : ll_db_fail(db, "SQL failed", err);
}

int ll_db_prepare(sqlite3 *db, sqlite3_stmt **st, const char *sql, struct ll_err *err)
{
    *st = NULL;
    return sqlite3_prepare_v2(db, sql, -1, st, NULL) == SQLITE_OK ? LL_OK : ll_db_fail(db, "SQL failed", err);
}

int ll_db_run(sqlite3 *db, sqlite3_stmt *st, struct ll_err *err)
{
    int rc = sqlite3_step(st);
    rc = rc == SQLITE_DONE || rc == SQLITE_ROW ? LL_OK : ll_db_fail(db, "cannot write", err);
    sqlite3_reset(st);
    return rc;
}

void ll_db_bind_text(sqlite3_stmt *st, int nr, const char *s, size_t n)
{
    if (s)
        sqlite3_bind_text64(st, nr, s, n, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_null(st, nr);
}

void ll_db_bind_cstr(sqlite3_stmt *st, int nr, const char *s)
{
    ll_db_bind_text(st, nr, s, s ? strlen(s) : 0);
}

static void bind_all(sqlite3_stmt *st, const char *kinds, va_list ap)
{
    for (int nr = 1; *kinds; kinds++, nr++) {
        if (*kinds == 'i') {
            sqlite3_bind_int64(st, nr, va_arg(ap, long long));
        } else if (*kinds == 'd') {
            sqlite3_bind_double(st, nr, va_arg(ap, double));
        } else {
            ll_db_bind_cstr(st, nr, va_arg(ap, const char *));
        }
    }
}

int ll_db_do(sqlite3 *db, struct ll_err *err, const char *sql, const char *kinds, ...)
{
    sqlite3_stmt *st;
    va_list ap;
    int rc = ll_db_prepare(db, &st, sql, err);
    if (rc)
        return rc;
    va_start(ap, kinds);
    bind_all(st, kinds, ap);
    va_end(ap);
    rc = ll_db_run(db, st, err);
    sqlite3_finalize(st);
    return rc;
}

int ll_db_get(sqlite3 *db, long long *v, long long missing, struct ll_err *err, const char *sql,
              const char *kinds, ...)
{
    sqlite3_stmt *st;
    va_list ap;
    int rc = ll_db_prepare(db, &st, sql, err);
    if (rc)
        return rc;
    va_start(ap, kinds);
    bind_all(st, kinds, ap);
    va_end(ap);
    int step = sqlite3_step(st);
    *v = step == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL ? sqlite3_column_int64(st, 0)
                                                                         : missing;
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        rc = ll_db_fail(db, "cannot read", err);
    sqlite3_finalize(st);
    return rc;
}

/* ---- opening --------------------------------------------------------------------------------- */
static int not_ours(sqlite3 *db, const char *path, struct ll_err *err)
{
    return ll_fail(err, LL_EUSAGE, "%s: expected a logitlens index, found %s", path,
                   sqlite3_errcode(db) == SQLITE_NOTADB ? "a file that is no SQLite database"
                                                        : "another database");
}

/* *empty: a database without tables. */
static int check_version(sqlite3 *db, const char *path, int *empty, struct ll_err *err)
{
    long long app = 0, version = 0, tables = 0;
    struct ll_err why = {0};
    *empty = 0;
    if (ll_db_get(db, &tables, 0, &why, "SELECT count(*) FROM sqlite_schema", "")) {
        if (sqlite3_errcode(db) == SQLITE_NOTADB)
            return not_ours(db, path, err);
        return ll_fail(err, LL_EFAIL, "%s", why.msg);
    }
    int rc = ll_db_get(db, &app, 0, err, "PRAGMA application_id", "");
    if (!rc)
        rc = ll_db_get(db, &version, 0, err, "PRAGMA user_version", "");
    if (rc)
        return rc;
    *empty = !tables && !app && !version;
    if (*empty)
        return LL_OK;
    if (app != LL_INDEX_APPLICATION)
        return not_ours(db, path, err);
    if (version != LL_INDEX_VERSION)
        return ll_fail(err, LL_EUSAGE,
                       "%s: index of version %lld, expected %d: delete it and index the run folders again",
                       path, version, LL_INDEX_VERSION);
    return LL_OK;
}

static int make_schema(sqlite3 *db, const char *path, struct ll_err *err)
{
    int empty;
    int rc = ll_db_exec(db, "BEGIN IMMEDIATE", err); /* two programs at once: the second finds it made */
    if (!rc)
        rc = check_version(db, path, &empty, err);
    if (!rc && empty) {
        struct ll_buf sql = {0};
        ll_index_put_schema(&sql);
        ll_index_put_diff_schema(&sql);
        ll_buf_adds(&sql, ll_index_diag_schema);
        ll_buf_addf(&sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;", LL_INDEX_APPLICATION,
                    LL_INDEX_VERSION);
        rc = ll_buf_ok(&sql, err);
        if (!rc)
            rc = ll_db_exec(db, sql.s, err);
        ll_buf_free(&sql);
    }
    if (!rc)
        rc = ll_db_exec(db, "COMMIT", err);
    else
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static int cannot_open(sqlite3 **db, const char *path, struct ll_err *err)
{
    int rc = ll_fail(err, LL_EFAIL, "%s: cannot open the index: %s", path,
                     *db ? sqlite3_errmsg(*db) : "out of memory");
    sqlite3_close(*db);
    *db = NULL;
    return rc;
}

int ll_db_open_write(sqlite3 **db, const char *path, struct ll_err *err)
{
    struct stat st;
    int empty;
    *db = NULL;
    if (!stat(path, &st) && !S_ISREG(st.st_mode))
        return ll_fail(err, LL_EUSAGE, "%s: expected a file for the index, found a folder, device or pipe",
                       path);
    if (sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        return cannot_open(db, path, err);
    sqlite3_busy_timeout(*db, BUSY_MS);
    int rc = check_version(*db, path, &empty, err);
    if (!rc && empty) /* wide rows: less is lost at the ends of larger pages */
        rc = ll_db_exec(*db, "PRAGMA page_size = 8192", err);
    if (!rc) /* refused while another has it open without WAL: the import is as safe without */
        sqlite3_exec(*db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    if (!rc)
        rc = ll_db_exec(*db,
                        "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY",
                        err);
    if (!rc && empty)
        rc = make_schema(*db, path, err);
    if (rc) {
        sqlite3_close(*db);
        *db = NULL;
    }
    return rc;
}

/* Rows that arrive in the order of their key leave pages a tenth empty, replaced ones leave whole pages;
 * VACUUM fills them. It is not worth while for a small share of a large index. */
static void tidy(sqlite3 *db, long long pages_before)
{
    long long pages = 0, idle = 0;
    if (!ll_db_get(db, &pages, 0, NULL, "PRAGMA page_count", "")
        && !ll_db_get(db, &idle, 0, NULL, "PRAGMA freelist_count", "") && pages > TIDY_PAGES
        && (pages - pages_before > pages / TIDY_SHARE || idle > pages / TIDY_SHARE))
        sqlite3_exec(db, "VACUUM", NULL, NULL,
                     NULL); /* refused while somebody reads: the index is right, only larger */
}

void ll_db_close_write(sqlite3 *db, long long pages_before)
{
    if (db) {
        sqlite3_busy_timeout(db, 0); /* others use it: the last one to close does this */
        if (pages_before >= 0)
            tidy(db, pages_before);
        sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    }
    sqlite3_close(db);
}

/* A file: URI of any path; immutable: no lock and no -shm file, for folders where none can be made. */
static void uri_of(struct ll_buf *uri, const char *path, int immutable)
{
    ll_buf_adds(uri, "file:");
    for (; *path; path++)
        if (strchr("?#%", *path))
            ll_buf_addf(uri, "%%%02X", (unsigned char)*path);
        else
            ll_buf_addc(uri, *path);
    ll_buf_adds(uri, immutable ? "?immutable=1" : "?mode=ro");
}

/* may_be_empty: a file in which no index was made yet will do. */
static int open_read(sqlite3 **db, const char *path, int immutable, int may_be_empty, struct ll_err *err)
{
    struct ll_buf uri = {0};
    int empty = 0, rc = LL_OK;
    uri_of(&uri, path, immutable);
    if (uri.failed || sqlite3_open_v2(uri.s, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) != SQLITE_OK)
        rc = cannot_open(db, path, err);
    ll_buf_free(&uri);
    if (rc)
        return rc;
    sqlite3_busy_timeout(*db, BUSY_MS);
    rc = check_version(*db, path, &empty, err);
    if (!rc && empty && !may_be_empty)
        rc = not_ours(*db, path, err);
    if (rc) {
        sqlite3_close(*db);
        *db = NULL;
    }
    return rc;
}

int ll_db_open_read(sqlite3 **db, const char *path, struct ll_err *err)
{
    struct ll_err first = {0};
    *db = NULL;
    if (!ll_is_file(path))
        return ll_fail(err, LL_EUSAGE, "%s: no index there; make it with: logitlens index RUN_FOLDER...",
                       path);
    int rc = open_read(db, path, 0, 0, &first);
    if (rc == LL_EFAIL) /* a WAL database in a folder we may not write to */
        rc = open_read(db, path, 1, 0, NULL);
    return rc ? ll_fail(err, first.code, "%s", first.msg) : LL_OK;
}

int ll_index_check(const char *path, struct ll_err *err)
{
    struct ll_err why = {0};
    sqlite3 *db = NULL;
    int rc = ll_outfile_check(path, err);
    if (rc || !ll_is_file(path))
        return rc;
    rc = open_read(&db, path, 0, 1, &why);
    sqlite3_close(db);
    return rc == LL_EUSAGE ? ll_fail(err, rc, "%s", why.msg)
                           : LL_OK; /* else: locked, or left by a kill: SQLite mends that when it writes */
}
