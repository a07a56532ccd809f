/* index_kinds.h - every kind of file a run folder holds for a model, and the table of the index that takes
 * its rows.
 *
 * A new kind of CSV file is a row of ll_file_kinds: its columns, its table and what that holds are those of
 * the schema in src/record, from which the loader (index_csv.c) and the index's tables (index_schema.c)
 * follow. For src/store only. */
#ifndef LL_INDEX_KINDS_H
#define LL_INDEX_KINDS_H
#include "record.h"

/* How a file's rows are keyed. */
enum ll_shape {
    LL_SHAPE_DOC,     /* output-<stem>.json */
    LL_SHAPE_RECORDS, /* pass, lens, layer, position; a list of likely tokens */
    LL_SHAPE_PURE,    /* pass, lens, layer; a list of likely tokens, copy flags */
    LL_SHAPE_PASS,    /* pass, layer and perhaps one more column (key) */
    LL_SHAPE_MODEL,   /* model and number of the data row; pass where the file says one */
};
/* LL_ANY_FIRST: any first layer will do, but n_layers must be reached, or n_layers - 1 from 0 on.
 * LL_ALL_OR_SAMPLE: 0..n_layers, or only the rows of the sampled raw-lens check, 0 and n/4 + 1, n/2 + 1, 3n/4
 * + 1. */
enum { LL_ANY_ROWS = -1, LL_ANY_FIRST = -2, LL_ALL_OR_SAMPLE = -3 };
struct ll_file_kind {
    const char *suffix; /* behind "output-<stem>"; NULL: the schema's (ask ll_kind_suffix) */
    enum ll_shape shape;
    const struct ll_schema
        *schema;      /* the columns, and the table they go to; NULL: the document, which has several */
    const char *lens; /* NULL: the lens of the model's own run */
    int key;          /* LL_SHAPE_PASS: a further column of the key, by its number; 0: none */
    int first_layer;  /* rows must cover first_layer..n_layers without gap; or LL_ANY_FIRST, ... */
};
/* In the order in which a model's files are read. */
extern const struct ll_file_kind ll_file_kinds[];
extern const int ll_n_file_kinds;
/* The first kind of that shape: of the run's own records, pure rows. */
const struct ll_file_kind *ll_kind_of(enum ll_shape shape);
const char *ll_kind_suffix(const struct ll_file_kind *k);
const char *ll_kind_key(const struct ll_file_kind *k); /* name of the further column of the key, or NULL */
/* The columns that the index keeps under their own names (LL_KEEP_COLUMN), in order:
 *     for (const struct ll_col *c = NULL; (c = ll_kind_next_col(k, c)); ) */
const struct ll_col *ll_kind_next_col(const struct ll_file_kind *k, const struct ll_col *after);
/* The kind of "output-<stem><suffix>", the longest suffix that fits; NULL: none. *stem_len: of the stem. */
const struct ll_file_kind *ll_file_kind_of(const char *name, int *stem_len);

/* Columns of the pure tables whose names carry a threshold (copy_strict@0.95, copy_soft_k2@0.5): kept as
 * bits, read through the view pure_flags. */
int ll_is_flag_column(const char *name);
enum { LL_MAX_FLAGS = 62 };
#endif
