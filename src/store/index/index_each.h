/* index_each.h - rows of the index one at a time, for parts that read it (report, commands). */
#ifndef LL_INDEX_EACH_H
#define LL_INDEX_EACH_H
#include "fail.h"

#include <stddef.h>

enum ll_value_kind { LL_V_NULL, LL_V_INT, LL_V_REAL, LL_V_TEXT };
struct ll_value {
    enum ll_value_kind kind;
    long long i; /* LL_V_INT */
    double r;    /* LL_V_INT and LL_V_REAL */
    const char *s;
    size_t n; /* LL_V_TEXT: n bytes, and a NUL that does not count; valid during the call */
};

/* One open index, read-only. */
struct ll_reader;
int ll_reader_open(struct ll_reader **r, const char *db_path, struct ll_err *err);
void ll_reader_close(struct ll_reader *r); /* NULL is fine */
/* Run one SELECT of ours (trusted text) with text parameters ?1.. from binds[n_binds] (NULL: null), and call
 * row for each row: n columns, their names, their values. A result of row below 0 ends it and is returned. */
int ll_reader_each(struct ll_reader *r, const char *sql, const char *const *binds, int n_binds,
                   int (*row)(void *arg, int n, const char *const *names, const struct ll_value *v,
                              struct ll_err *err),
                   void *arg, struct ll_err *err);
#endif
