/* index.h - the SQLite index across runs and models: filled from run folders, rebuildable from them at any
 * time. Schema: docs/index.md 2 and index_schema.c. Keyed so that a second import changes nothing. */
#ifndef LL_INDEX_H
#define LL_INDEX_H
#include "buf.h"
#include "fail.h"

/* n_models: in the folder; n_skipped_models: of those, failed or skipped when they were run; n_files, n_rows:
 * read now; n_unchanged: files that the index knows already; n_problems: files that are broken or missing.
 * All 0 when nothing was imported. */
struct ll_import_report {
    int n_models, n_skipped_models, n_files, n_unchanged, n_problems;
    long long n_rows;
};
/* Import a run folder, ours or the original project's, into the index at db_path (made when absent), in one
 * transaction: the index holds the folder as it was or as it is, nothing between. The index mirrors the
 * folder: what a model's files say replaces what they said before; a second import changes nothing; a renamed
 * or copied folder is the run that it was. Of a broken file no row is imported (and none of its former rows
 * is kept), everything else of the folder is; `files` keeps the reason. talk: called with one line of text
 * for everything a person should hear (broken and missing files with their data row, unknown columns, files
 * without a table), may be NULL. report may be NULL. Returns LL_OK; LL_EUSAGE with report->n_problems > 0
 * (everything else is imported; the message names the first such file) or 0 (nothing imported: not a run
 * folder; db_path is another database or an index of another version); or LL_EFAIL, the index unchanged. */
int ll_index_import(const char *db_path, const char *run_folder, struct ll_import_report *report,
                    void (*talk)(void *, const char *), void *talk_arg, struct ll_err *err);

/* LL_OK when a run can be imported there: an index of this version, or a place where one can be made. Changes
 * nothing. Else LL_EUSAGE or LL_EFAIL. */
int ll_index_check(const char *db_path, struct ll_err *err);

/* Tables, views and imported files as Markdown tables, for the documentation. */
void ll_index_put_tables(struct ll_buf *out);

/* A named query; params: "era= run= ...", "" none. */
struct ll_query {
    const char *name, *help, *params, *sql;
};
extern const struct ll_query ll_queries[]; /* name NULL at the end */
enum ll_query_format {
    LL_OUT_TABLE, /* for a terminal of 80 columns */
    LL_OUT_CSV,
    LL_OUT_JSON,
    LL_OUT_WIDE /* a table with nothing cut */
};
/* Run one read-only SQL statement, or a named query with its parameters ("layers model=Qwen3-8B
 * pass=pos.orig.0"), and append the result to out (query_out.h says how it looks; on failure nothing is
 * appended). time_limit_s: 0 = none. Returns LL_OK, LL_EUSAGE (no index there, unknown name or parameter,
 * wrong SQL, an attempt to write) or LL_EFAIL (time limit, I/O). */
int ll_index_query(const char *db_path, const char *name_or_sql, enum ll_query_format format,
                   double time_limit_s, struct ll_buf *out, struct ll_err *err);
#endif
