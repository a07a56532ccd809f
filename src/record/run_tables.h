/* run_tables.h - all tables of a run that have a file of their own. */
#ifndef LL_RUN_TABLES_H
#define LL_RUN_TABLES_H
#include "record.h"

extern const struct ll_schema *const ll_run_tables[]; /* NULL at the end */
#endif
