/* index_schema.h - the tables of the index; for src/store only. */
#ifndef LL_INDEX_SCHEMA_H
#define LL_INDEX_SCHEMA_H
#include "record.h"

enum {
    LL_INDEX_VERSION = 4,              /* PRAGMA user_version; another version is rebuilt, not migrated */
    LL_INDEX_APPLICATION = 0x4C4F4749, /* PRAGMA application_id: "LOGI" */
    LL_INDEX_TOP = 5,                  /* tokens kept within a row; the others go to the _more tables */
};
/* Append SQL that makes an empty index: its tables and views. */
void ll_index_put_schema(struct ll_buf *sql);
/* The views alone (index_views.c). */
void ll_index_put_views(struct ll_buf *sql);
/* Rows "| name | what |" of every view, in Markdown. */
void ll_index_put_view_docs(struct ll_buf *out);
const char *ll_sql_type(enum ll_kind kind); /* "INTEGER", "REAL", "TEXT" */
/* lens_nr of a table of records: 0 norm, 1 raw, 2 prism, 3 tuned; another name: -1. */
int ll_lens_nr(const char *lens);
#define LL_LENS_OF_NR(nr) \
    "CASE " nr " WHEN 0 THEN 'norm' WHEN 1 THEN 'raw' WHEN 2 THEN 'prism' WHEN 3 THEN 'tuned' END"
#endif
