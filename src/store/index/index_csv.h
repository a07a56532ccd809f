/* index_csv.h - what the two halves of the CSV loader share: columns and passes (index_csv.c), values
 * (index_rows.c). For src/store only. */
#ifndef LL_INDEX_CSV_H
#define LL_INDEX_CSV_H
#include "index_load.h"

/* What a column is that is not simply a value of the table's column of the same name. */
enum ll_special {
    LL_W_LAYER,
    LL_W_POS,
    LL_W_TOKEN,
    LL_W_TOKEN_ID,
    LL_W_ENTROPY,
    LL_W_ENTROPY_BITS,
    LL_W_TOP_IDS,
    LL_W_ROW_ID,
    LL_W_FACT_KEY,
    LL_W_FACT_INDEX,
    LL_W_PROMPT_ID,
    LL_W_PROMPT_VARIANT,
    LL_W_REST_MASS,
    LL_W_N
};
enum { LL_MAX_LAYER = 100000, LL_MAX_POS = 10000000, LL_MAX_PLAIN = 64 };

struct ll_loader {
    struct ll_load *l;
    const struct ll_file_kind *k;
    const char *lens;
    sqlite3_stmt *insert, *insert_more, *insert_extra; /* owned */
    int first_top, first_plain;                        /* parameters of insert */
    const struct ll_col *plain[LL_MAX_PLAIN];
    int n_plain; /* the table's plain columns, borrowed */
    int col[LL_W_N], plain_col[LL_MAX_PLAIN], top_col[LL_TOP_COLS], prob_col[LL_TOP_COLS]; /* -1: absent */
    int flag_col[LL_MAX_FLAGS], n_flags, n_columns;
    long long flag_set;
    int *extra_col, n_extra;     /* owned */
    struct ll_buf extra_names;   /* owned: names with NULs, in the order of extra_col */
    const char **extra_name;     /* owned, into extra_names */
    struct ll_buf key, last_key; /* owned: pass key of this row and of pass */
    long long pass;              /* row of last_key; 0: none */
    long long layer, pos;        /* of the row; -1: none */
    int told_entropy;
};

/* Field of a column that may be absent (then null). */
const struct ll_field *ll_at(const struct ll_csv_row *row, int col);
int ll_bad_cell(const struct ll_csv_row *row, struct ll_err *err, const char *column, const char *expected,
                const struct ll_field *f);
const char *ll_special_name(enum ll_special w); /* of the column */

/* index_rows.c: prepare the statements once the columns are known; put one row whose pass, layer and pos are
 * known. */
int ll_rows_prepare(struct ll_loader *d, struct ll_err *err);
int ll_rows_put(struct ll_loader *d, const struct ll_csv_row *row, struct ll_err *err);
#endif
