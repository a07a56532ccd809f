/* record.h - what a run says: the column schema of its tables and the plain facts about run, model and pass.
 *
 * Names, units and order of columns are defined here and in record_cols.h only; CSV, JSON, SQLite and the
 * documentation follow the tables. A column is a row in a list (record_cols.h, which also numbers them); a
 * row of values is a struct ll_row of that schema. Column order: the original experiment's late columns first
 * (docs/experiment.md 16.1), names and order unchanged, ours appended at the right. Knows nothing of models
 * or files. */
#ifndef LL_RECORD_H
#define LL_RECORD_H
#include "buf.h"
#include "fail.h"

#include <stddef.h>

enum ll_kind { LL_TEXT, LL_INT, LL_REAL, LL_BOOL };

/* How the index (src/store) keeps a column's values. */
enum ll_keep {
    LL_KEEP_COLUMN,  /* as a column of the same name */
    LL_KEEP_PLACE,   /* in the row's key or its pass */
    LL_KEEP_TOKEN,   /* text and vocabulary id together, as a reference to `tokens` (pure: not at all, it is
                        unseen) */
    LL_KEEP_LISTED,  /* among the row's listed tokens: tok1, p1, ... */
    LL_KEEP_ENTROPY, /* two names of one number: entropy_bits */
    LL_KEEP_FLAG,    /* as a bit of `flags`: number and names of these differ from run to run */
    LL_KEEP_DERIVED, /* a view computes it */
};

struct ll_col {
    const char *name; /* CSV header; SQL name derived by the index */
    enum ll_kind kind;
    const char *unit; /* "bits", "probability", "logit", "" */
    enum ll_keep keep;
    const char *doc; /* one sentence, goes to docs/tables.md */
};

enum { LL_TOP_RECORD = 5, LL_TOP_VERBOSE = 20, LL_TOP_COLS = 20 };

struct ll_schema {
    const char *table;       /* "records", "pure", ... */
    const char *file_suffix; /* "-records.csv", "-pure-next-token.csv", ... */
    const char *doc;         /* one sentence */
    const struct ll_col *cols;
    int n_cols;
    int n_seed;  /* the first n_seed are the original's */
    int n_flags; /* pure: copy flag columns, from LL_PURE_FLAGS on; else 0 */
};
extern const struct ll_schema ll_schema_records, ll_schema_pure, ll_schema_rawlens, ll_schema_answers;
/* The pure table with a run's own copy flags in place of the default seven. */
struct ll_pure_schema {
    struct ll_schema schema;
    struct ll_col *cols; /* owned */
    char **names;        /* [n_flags] owned */
};
/* flags: the columns' names in order (copied). Returns LL_OK or LL_EFAIL (memory), *p then empty. */
int ll_pure_schema_init(struct ll_pure_schema *p, const char *const *flags, int n_flags, struct ll_err *err);
void ll_pure_schema_free(struct ll_pure_schema *p);
/* A column of the pure table (record_cols.h, LL_PURE_...) in a schema with other flags. */
int ll_pure_col(const struct ll_schema *s, int col);
int ll_schema_find(const struct ll_schema *s, const char *name); /* column number or -1 */

struct ll_cell {
    unsigned char set; /* 0: null (an empty CSV cell) */
    union {
        long long i; /* LL_INT, LL_BOOL */
        double r;    /* LL_REAL */
        struct {
            size_t at, n;
        } s; /* LL_TEXT: n bytes at row->text.s + at */
    } v;
};

/* One row of values; cells are allocated once for a schema and reused. */
struct ll_row {
    const struct ll_schema *schema; /* borrowed */
    struct ll_cell *cells;          /* [schema->n_cols], owned */
    struct ll_buf text;             /* owned */
};
int ll_row_init(struct ll_row *row, const struct ll_schema *schema, struct ll_err *err);
void ll_row_free(struct ll_row *row);
void ll_row_clear(struct ll_row *row); /* all null */
/* The cell must be of the setter's kind. col < 0 or past the end does nothing; NULL text or a non-finite real
 * makes the cell null. Text is copied; running out of memory shows in ll_buf_ok(&row->text), which every sink
 * asks. */
void ll_row_text(struct ll_row *row, int col, const char *s, size_t n);
void ll_row_int(struct ll_row *row, int col, long long v);
void ll_row_real(struct ll_row *row, int col, double v);
void ll_row_bool(struct ll_row *row, int col, int v);
/* A row's stable name: "<pass_key>:L<layer>:P<pos>", three and four digits so that names sort
 * ("pos.orig.0:L005:P0016"). */
void ll_row_id(struct ll_row *row, int col, const char *pass_key, int layer, int pos);
const char *ll_row_str(const struct ll_row *row, int col,
                       size_t *n); /* text of a LL_TEXT cell, NULL when null */
/* Who takes finished rows: a code other than LL_OK ends whoever makes them. The row is borrowed for the call.
 */
struct ll_row_taker {
    int (*take)(void *arg, const struct ll_row *row, struct ll_err *err);
    void *arg;
};

/* ---- facts about a run ----------------------------------------------------------------------- */
struct ll_gold {         /* docs/experiment.md 3.2 */
    const char *text;    /* the answer as asked for, NULL: none */
    const char *variant; /* "with_space", "no_space", "exact", "ids", "unresolved" */
    const char *reason;  /* why unresolved, or why the answer is encoded for itself; else NULL */
    const int *ids;      /* n ids; first_id = ids[0] */
    int n;
    const char *const *pieces; /* vocabulary strings of the first (up to 4) ids */
    int n_pieces;
};

struct ll_pass_info {      /* one prompt through one model; all pointers borrowed for the call */
    const char *pass_key;  /* "pos.orig.0", "ctl.orig": unique within a model, stable; begins every row_id */
    const char *fact_key;  /* "Germany→Berlin"; NULL: none */
    int fact_index;        /* -1: none */
    const char *prompt_id; /* "pos" or "ctl" or the experiment's own id */
    const char *prompt_variant; /* "orig", "no_filler", ... */
    const char *prompt_text;
    size_t prompt_len;
    const int *ids; /* as fed to the model */
    int n_ids;
    struct ll_gold gold;
};

struct ll_model_info {
    const char *model_id, *clean;      /* "org/name", the part after the last '/' */
    const char *stem;                  /* of the model's files, between "output-" and the suffix */
    const char *family, *architecture; /* row of the family table; "pre_norm" or "post_norm" */
    const char *container;             /* "safetensors", "gguf" */
    const char *stored_types;          /* "BF16" or "BF16, F32" */
    const char *identity;              /* checkpoint identity, 64 hex digits */
    int n_layers, d_model, n_heads, n_kv_heads, d_head, d_mlp, d_vocab;
    long long n_ctx, n_params;
    const char *norm_kind; /* "RMSNorm", "LayerNorm", "RMSNorm(1+w)" */
    double norm_eps;
    const char *lens_norm;         /* "final", "next-ln1", "post-ln2", "raw" */
    const char *lens_site;         /* "resid_post", "resid_mid", "attn_out", "mlp_out" */
    const char *lens_head;         /* "model", "bare" */
    const char *engine;            /* the rule of its products: "B" */
    double logit_scale, logit_cap; /* 1, 0: none */
    const char *bos_policy;
    double emb_scale;
    int learned_positions; /* row 0 holds a position's vector too */
};

struct ll_top {
    const char *text;
    size_t n;
    int id;
    double p;
};                      /* one predicted token */
struct ll_prediction {  /* a whole output distribution, docs/experiment.md 13.1 */
    const char *prompt; /* NULL where it is the main prompt */
    size_t prompt_len;
    double temperature; /* 0: not one of a temperature exploration */
    double entropy_bits;
    const struct ll_top *top;
    int n_top;
};

/* Layer milestones of the main pass: -1 = none. */
struct ll_milestones {
    int L_copy, L_copy_H, L_semantic;
};

/* What a model's run leaves at its end. */
struct ll_model_end {
    int is_done;      /* 0: it failed or was skipped, and its rows tell nothing */
    const char *json; /* [json_len] the text of its document (src/document); borrowed */
    size_t json_len;
};

struct ll_run_info {
    const char *experiment; /* name of the experiment: folder or file name without extension */
    const char *command;    /* the command line without machine paths */
    const char *tool;       /* ll_tool_version() */
    int seed;
    const char *const *settings; /* key, value, key, value, ... NULL: provenance of every output */
};
#endif
