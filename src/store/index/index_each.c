/* index_each.c - see index_each.h */
#include "index_each.h"

#include "index_db.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 256 };
struct ll_reader {
    sqlite3 *db;
};

int ll_reader_open(struct ll_reader **r, const char *db_path, struct ll_err *err)
{
    int rc;
    *r = calloc(1, sizeof **r);
    if (!*r)
        return ll_fail_mem(err, "index reader", sizeof **r);
    if ((rc = ll_db_open_read(&(*r)->db, db_path, err))) {
        free(*r);
        *r = NULL;
    }
    return rc;
}

void ll_reader_close(struct ll_reader *r)
{
    if (r)
        sqlite3_close(r->db);
    free(r);
}

static struct ll_value value_of(sqlite3_stmt *st, int i)
{
    struct ll_value v = {.kind = LL_V_NULL};
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_INTEGER:
        v.kind = LL_V_INT;
        v.i = sqlite3_column_int64(st, i);
        v.r = (double)v.i;
        break;
    case SQLITE_FLOAT:
        v.kind = LL_V_REAL;
        v.r = sqlite3_column_double(st, i);
        break;
    case SQLITE_TEXT:
        v.kind = LL_V_TEXT;
        v.s = (const char *)sqlite3_column_text(st, i);
        v.n = (size_t)sqlite3_column_bytes(st, i);
        break;
    default: break;
    }
    return v;
}

int ll_reader_each(struct ll_reader *r, const char *sql, const char *const *binds, int n_binds,
                   int (*row)(void *arg, int n, const char *const *names, const struct ll_value *v,
                              struct ll_err *err),
                   void *arg, struct ll_err *err)
{
    sqlite3_stmt *st;
    const char *names[MAX_COLUMNS];
    struct ll_value v[MAX_COLUMNS];
    int rc = ll_db_prepare(r->db, &st, sql, err), step;
    if (rc)
        return rc;
    for (int i = 0; i < n_binds && i < sqlite3_bind_parameter_count(st); i++)
        ll_db_bind_text(st, i + 1, binds[i], binds[i] ? strlen(binds[i]) : 0);
    int n = sqlite3_column_count(st) < MAX_COLUMNS ? sqlite3_column_count(st) : MAX_COLUMNS;
    while ((step = sqlite3_step(st)) == SQLITE_ROW && !rc) {
        for (int i = 0; i < n; i++) {
            names[i] = sqlite3_column_name(st, i);
            v[i] = value_of(st, i);
        }
        rc = row(arg, n, names, v, err);
    }
    if (!rc && step != SQLITE_DONE)
        rc = ll_db_fail(r->db, "cannot read", err);
    sqlite3_finalize(st);
    return rc;
}
