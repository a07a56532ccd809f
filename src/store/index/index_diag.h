/* index_diag.h - reports of the diagnostic commands in the index.
 *
 *     diag_reports    one report, UNIQUE by the SHA-256 of its JSON; header: the document without rows and
 *                     criteria
 *     diag_rows       its rows: layer and step as columns, the rest as JSON
 *     diag_criteria   its criteria in order
 *     v_diag_rows     rows with command and model */
#ifndef LL_INDEX_DIAG_H
#define LL_INDEX_DIAG_H
#include "fail.h"

#include <stddef.h>

/* SQL that makes the tables and views where they are absent (as ll_index_put_diff_schema). */
extern const char ll_index_diag_schema[];

/* Add a report (json: n bytes, the document that a diagnostic writes) to the index at db (made when absent),
 * in one transaction. *added (may be NULL): 0 when this very document is there already, then nothing changes.
 * Returns LL_OK, LL_EUSAGE (no such document: what is missing; db is another database) or LL_EFAIL. */
int ll_index_diag(const char *db, const char *json, size_t n, int *added, struct ll_err *err);
#endif
