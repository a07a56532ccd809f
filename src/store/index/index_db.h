/* index_db.h - opening the index and small helpers over SQLite; for src/store only. */
#ifndef LL_INDEX_DB_H
#define LL_INDEX_DB_H
#include "fail.h"

#include <sqlite3.h>
#include <stddef.h>

/* Open for writing; makes file and schema when absent. Not an index, or one of another version: LL_EUSAGE. */
int ll_db_open_write(sqlite3 **db, const char *path, struct ll_err *err);
/* Close it so that nothing lies beside the file: WAL while writing, a single file when no program has it
 * open. NULL is fine. pages_before: PRAGMA page_count before the import, so that an index that grew or lost
 * much is packed; -1: never. */
void ll_db_close_write(sqlite3 *db, long long pages_before);
/* Open an existing index so that nothing can be written through it. Absent: LL_EUSAGE that says how to make
 * it. */
int ll_db_open_read(sqlite3 **db, const char *path, struct ll_err *err);

/* *err from the connection's last error. */
int ll_db_fail(sqlite3 *db, const char *what, struct ll_err *err);
int ll_db_exec(sqlite3 *db, const char *sql, struct ll_err *err);
int ll_db_prepare(sqlite3 *db, sqlite3_stmt **st, const char *sql, struct ll_err *err);
/* Step a statement that gives no rows, then reset it. Bindings stay. */
int ll_db_run(sqlite3 *db, sqlite3_stmt *st, struct ll_err *err);
/* SQL without result, one argument list: 'i' long long, 's' const char* (NULL: null), 'd' double. */
int ll_db_do(sqlite3 *db, struct ll_err *err, const char *sql, const char *kinds, ...);
/* First column of the first row as integer; `missing` without a row. Same arguments. */
int ll_db_get(sqlite3 *db, long long *v, long long missing, struct ll_err *err, const char *sql,
              const char *kinds, ...);
/* s NULL: null. The text must live until the statement is reset. */
void ll_db_bind_text(sqlite3_stmt *st, int nr, const char *s, size_t n);
void ll_db_bind_cstr(sqlite3_stmt *st, int nr, const char *s);
#endif
