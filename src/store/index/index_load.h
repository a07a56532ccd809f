/* index_load.h - one model's files into the tables; for src/store only. */
#ifndef LL_INDEX_LOAD_H
#define LL_INDEX_LOAD_H
#include "csv_read.h"
#include "index_kinds.h"
#include "index_tokens.h"

#include <sqlite3.h>

struct ll_load {
    sqlite3 *db;                        /* borrowed, inside a transaction */
    void (*talk)(void *, const char *); /* may be NULL */
    void *talk_arg;
    struct ll_tokens tokens;
    long long run, run_model,
        file;     /* rows; run_model is made by ll_load_doc or ll_load_no_doc; file: of the one being read */
    int n_layers; /* of the model; -1: unknown */
    int is_ours;  /* the JSON file is this program's */
    char lens[8]; /* "norm", "raw" */
    char status[16];
};
void ll_talk(const struct ll_load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* output-<stem>.json: the rows of models, run_models, passes, stored_milestones, diagnostics, test_prompts,
 * temperatures; fills what is empty of the run's row. Reads our files, the original's of both eras, and its
 * old text form of a skip. */
int ll_load_doc(struct ll_load *l, const char *name, const char *stem, const void *bytes, size_t n,
                struct ll_err *err);
/* A model whose JSON file is missing or broken (reason). */
int ll_load_no_doc(struct ll_load *l, const char *stem, const char *reason, struct ll_err *err);
/* The passes that a document names, with the milestones it states (index_passes.c); part of ll_load_doc. */
struct cJSON;
int ll_load_passes(struct ll_load *l, const struct cJSON *doc, struct ll_err *err);

/* A CSV file's text; borrowed. */
struct ll_csv_file {
    const char *name; /* for messages */
    const void *bytes;
    size_t n;
    enum ll_dialect dialect;
};
struct ll_csv_size {
    long long n_rows;
    int n_columns; /* of the header */
};
/* The rows of a CSV file of any kind, columns by name, any order. */
int ll_load_csv(struct ll_load *l, const struct ll_file_kind *kind, const struct ll_csv_file *file,
                struct ll_csv_size *size, struct ll_err *err);
/* Our CSV files have a column row_id, the original's do not. */
enum ll_dialect ll_guess_dialect(const void *bytes, size_t n);
#endif
