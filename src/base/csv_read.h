/* csv_read.h - a CSV file row by row, columns found by the header's names.
 *
 * Built on libcsv in its strict mode. Fields keep their spaces, NUL bytes and line ends; an empty field
 * without quotes is null, "" is empty text. What is hostile or cut short is an error that names file and data
 * row (1 = the first after the header): a row with more or fewer fields than the header, a quote left open, a
 * last line without its end, a column named twice, a field above 1 MiB. */
#ifndef LL_CSV_READ_H
#define LL_CSV_READ_H
#include "buf.h"
#include "fail.h"

#include <stddef.h>

/* How a file writes its fields. */
enum ll_dialect {
    LL_RFC4180,        /* ours: RFC 4180 to the letter */
    LL_BACKSLASH_TWICE /* the original's: RFC 4180, but every backslash is written twice
                          (docs/experiment.md 16.2) */
};

struct ll_field {
    const char *s; /* n bytes and a NUL that does not count; NULL: null */
    size_t n;
};

struct ll_csv_row {
    const char *file;             /* for messages; borrowed */
    long long nr;                 /* data row, 1 = first */
    int n;                        /* fields = columns of the header */
    const struct ll_field *field; /* [n], valid during the call */
};

/* What to do with the header (called once, before any row) and with each row. A result below 0 ends the
 * reading and is returned. */
struct ll_csv_user {
    int (*header)(void *arg, const struct ll_csv_row *names, struct ll_err *err);
    int (*row)(void *arg, const struct ll_csv_row *row, struct ll_err *err);
    void *arg;
};

/* Read n bytes of CSV text; name is what messages call the file. *n_rows (may be NULL): data rows read. */
int ll_csv_read(const char *name, const void *bytes, size_t n, enum ll_dialect dialect,
                const struct ll_csv_user *user, long long *n_rows, struct ll_err *err);

/* Strict numbers: the whole field and nothing else, decimal, finite. 1 and *v, or 0 when it is not one. */
int ll_field_int(const struct ll_field *f, long long *v);
int ll_field_real(const struct ll_field *f, double *v);
int ll_field_bool(const struct ll_field *f, long long *v); /* True or False */
#endif
