/* index.h - the SQLite index across runs and models: filled from run folders, rebuildable from them at any time.
 * Schema: spec 24 and index_schema.c. Keyed so that a second import changes nothing. */
#ifndef LL_INDEX_H
#define LL_INDEX_H
#include "buf.h"
#include "fail.h"

struct ll_import_report { int n_models, n_skipped_models, n_files, n_unchanged; long long n_rows; };
/* Import a run folder into the index at db_path (made when absent), in one transaction. talk: called with one line of
 * text for everything a person should hear (unknown columns, unreadable files), may be NULL. */
int ll_index_import(const char *db_path, const char *run_folder, struct ll_import_report *report, void (*talk)(void *, const char *), void *talk_arg, struct ll_err *err);

struct ll_query { const char *name, *help, *sql; };   /* named queries, one row each */
extern const struct ll_query ll_queries[];            /* name NULL at the end */
enum ll_query_format { LL_OUT_TABLE, LL_OUT_CSV, LL_OUT_JSON };
/* Run read-only SQL (or the named query) and append the result to out. time_limit_s: 0 = none. */
int ll_index_query(const char *db_path, const char *name_or_sql, enum ll_query_format format, double time_limit_s, struct ll_buf *out, struct ll_err *err);
#endif
