/* index_load.h - one model's files into the tables; for src/store only. */
#ifndef LL_INDEX_LOAD_H
#define LL_INDEX_LOAD_H
#include "csv_read.h"
#include "index_tokens.h"

#include <sqlite3.h>

struct ll_load {
    sqlite3 *db;                        /* borrowed, inside a transaction */
    void (*talk)(void *, const char *); /* may be NULL */
    void *talk_arg;
    struct ll_tokens tokens;
    long long run, run_model;           /* rows; run_model is made by ll_load_doc or ll_load_no_doc */
    int n_layers;                       /* of the model; -1: unknown */
    char lens[8];                       /* "norm", "raw" */
    char status[16];
};
void ll_talk(const struct ll_load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* output-<stem>.json: the rows of models, run_models, passes, diagnostics, test_prompts, temperatures; fills what is
 * empty of the run's row. Reads our files, the original's of both eras, and its old text form of a skip. */
int ll_load_doc(struct ll_load *l, const char *name, const char *stem, const void *bytes, size_t n, struct ll_err *err);
/* A model whose JSON file is missing. */
int ll_load_no_doc(struct ll_load *l, const char *stem, struct ll_err *err);

/* The rows of output-<stem>-records.csv or -pure-next-token.csv, columns by name, any order. */
enum ll_table { LL_IN_RECORDS, LL_IN_PURE };
int ll_load_csv(struct ll_load *l, enum ll_table table, const char *name, const void *bytes, size_t n, enum ll_dialect dialect, long long *n_rows, struct ll_err *err);
/* Ours have a column row_id, the original's do not. */
enum ll_dialect ll_guess_dialect(const void *bytes, size_t n);
#endif
