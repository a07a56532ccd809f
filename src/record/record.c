/* record.c - see record.h; the columns themselves are listed in record_cols.h */
#include "record_cols.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN(id, name, kind, unit, keep, doc) {name, kind, unit, LL_KEEP_##keep, doc},
#define PAIR(k) \
    {"top" #k, LL_TEXT, "", LL_KEEP_LISTED, \
     "Text of the token of rank " #k "; empty past the rows' number of listed tokens."}, \
        {"prob" #k, LL_REAL, "probability", LL_KEEP_LISTED, "Its probability under the full softmax."},
#define FLAG(name, doc) \
    { \
        name, LL_BOOL, "", LL_KEEP_FLAG, doc \
    }
#define STRICT_DOC "The rule of copy_collapse with this threshold and the run's margin."
#define SOFT_DOC \
    "The last K top-1 tokens occur in this order, side by side, in the prompt, and p_top1 is above the " \
    "threshold."
#define STRICT(t) FLAG("copy_strict@" LL_SAID(t), STRICT_DOC),
#define SOFT(k) FLAG("copy_soft_k" #k "@" LL_SAID(LL_COPY_SOFT_THRESHOLD), SOFT_DOC),
static const struct ll_col record_cols[] = {LL_RECORDS_COLUMNS(COLUMN, PAIR)};
static const struct ll_col pure_before[] = {LL_PURE_BEFORE_FLAGS(COLUMN, PAIR)};
static const struct ll_col pure_after[] = {LL_PURE_AFTER_FLAGS(COLUMN) LL_PURE_OURS(COLUMN)};
static const struct ll_col pure_cols[] = {LL_PURE_BEFORE_FLAGS(COLUMN, PAIR) STRICT(LL_COPY_THRESHOLD)
                                              LL_COPY_SWEEP(STRICT) LL_COPY_SOFT_KS(SOFT)
                                                  LL_PURE_AFTER_FLAGS(COLUMN) LL_PURE_OURS(COLUMN)};
static const struct ll_col rawlens_cols[] = {LL_RAWLENS_COLUMNS(COLUMN)};
static const struct ll_col answers_cols[] = {LL_ANSWERS_COLUMNS(COLUMN)};

#define ONE(...) +1
#define TWO(k) +2
enum {
    N_BEFORE = LL_PURE_FLAGS,
    N_AFTER = LL_PURE_COLS - LL_PURE_FLAGS - LL_PURE_DEFAULT_FLAGS,
    N_OURS = 0 LL_PURE_OURS(ONE)
};
const struct ll_schema ll_schema_records = {.table = "records",
                                            .file_suffix = LL_RECORDS_FILE ".csv",
                                            .doc = "Every row and position of every pass.",
                                            .cols = record_cols,
                                            .n_cols = LL_REC_COLS,
                                            .n_seed = 0 LL_RECORDS_ORIGINAL(ONE, TWO)};
const struct ll_schema ll_schema_pure = {.table = "pure",
                                         .file_suffix = LL_PURE_FILE ".csv",
                                         .doc = "The first unseen token, every row of every pass; lens norm "
                                                "or raw, prism and tuned from the sidecar files.",
                                         .cols = pure_cols,
                                         .n_cols = LL_PURE_COLS,
                                         .n_seed = LL_PURE_COLS - N_OURS,
                                         .n_flags = LL_PURE_DEFAULT_FLAGS};
const struct ll_schema ll_schema_rawlens = {
    .table = "rawlens",
    .file_suffix = LL_PURE_FILE "-rawlens.csv",
    .doc = "Raw lens beside norm lens, every row, or four of them (raw_lens sample).",
    .cols = rawlens_cols,
    .n_cols = LL_RAWLENS_COLS,
    .n_seed = 0 LL_RAWLENS_ORIGINAL(ONE)};
const struct ll_schema ll_schema_answers = {.table = "answers",
                                            .file_suffix = "-answers.csv",
                                            .doc = "Every accepted answer of a pass, row by row: rank of its "
                                                   "first token, log-probability of all its tokens.",
                                            .cols = answers_cols,
                                            .n_cols = LL_ANSWERS_COLS};

int ll_pure_schema_init(struct ll_pure_schema *p, const char *const *flags, int n_flags, struct ll_err *err)
{
    memset(p, 0, sizeof *p);
    size_t n = (size_t)(N_BEFORE + n_flags + N_AFTER);
    p->cols = malloc(n * sizeof *p->cols);
    p->names = calloc((size_t)n_flags + 1, sizeof *p->names);
    int ok = p->cols && p->names;
    for (int i = 0; ok && i < n_flags; i++)
        ok = (p->names[i] = strdup(flags[i])) != NULL;
    p->schema = ll_schema_pure;
    p->schema.cols = p->cols;
    p->schema.n_cols = (int)n;
    p->schema.n_seed = (int)n - N_OURS;
    p->schema.n_flags = n_flags;
    if (!ok) {
        ll_pure_schema_free(p);
        return ll_fail_mem(err, "columns", n * sizeof *p->cols);
    }
    memcpy(p->cols, pure_before, sizeof pure_before);
    for (int i = 0; i < n_flags; i++)
        p->cols[N_BEFORE + i] =
            (struct ll_col)FLAG(p->names[i], strstr(flags[i], "soft") ? SOFT_DOC : STRICT_DOC);
    memcpy(p->cols + N_BEFORE + n_flags, pure_after, sizeof pure_after);
    return LL_OK;
}

void ll_pure_schema_free(struct ll_pure_schema *p)
{
    for (int i = 0; p->names && i < p->schema.n_flags; i++)
        free(p->names[i]);
    free(p->names);
    free(p->cols);
    memset(p, 0, sizeof *p);
}

int ll_pure_col(const struct ll_schema *s, int col)
{
    return col <= LL_PURE_LAST_FLAG ? col : col + s->n_flags - LL_PURE_DEFAULT_FLAGS;
}

int ll_schema_find(const struct ll_schema *s, const char *name)
{
    for (int i = 0; i < s->n_cols; i++)
        if (!strcmp(s->cols[i].name, name))
            return i;
    return -1;
}

int ll_row_init(struct ll_row *row, const struct ll_schema *schema, struct ll_err *err)
{
    memset(row, 0, sizeof *row);
    row->cells = calloc((size_t)schema->n_cols, sizeof *row->cells);
    if (!row->cells)
        return ll_fail_mem(err, "row", (size_t)schema->n_cols * sizeof *row->cells);
    row->schema = schema;
    return LL_OK;
}

void ll_row_free(struct ll_row *row)
{
    free(row->cells);
    ll_buf_free(&row->text);
    memset(row, 0, sizeof *row);
}

void ll_row_clear(struct ll_row *row)
{
    memset(row->cells, 0, (size_t)row->schema->n_cols * sizeof *row->cells);
    ll_buf_reset(&row->text);
}

static struct ll_cell *cell(struct ll_row *row, int col)
{
    return col >= 0 && col < row->schema->n_cols ? &row->cells[col] : NULL;
}

void ll_row_text(struct ll_row *row, int col, const char *s, size_t n)
{
    struct ll_cell *c = cell(row, col);
    if (!c)
        return;
    c->set = s != NULL;
    c->v.s.at = row->text.len;
    c->v.s.n = n;
    if (s)
        ll_buf_add(&row->text, s, n);
}

void ll_row_int(struct ll_row *row, int col, long long v)
{
    struct ll_cell *c = cell(row, col);
    if (c) {
        c->set = 1;
        c->v.i = v;
    }
}

void ll_row_real(struct ll_row *row, int col, double v)
{
    struct ll_cell *c = cell(row, col);
    if (c) {
        c->set = isfinite(v) != 0;
        c->v.r = v;
    }
}

void ll_row_bool(struct ll_row *row, int col, int v) { ll_row_int(row, col, v != 0); }

void ll_row_id(struct ll_row *row, int col, const char *pass_key, int layer, int pos)
{
    struct ll_cell *c = cell(row, col);
    if (!c)
        return;
    c->v.s.at = row->text.len;
    ll_buf_addf(&row->text, "%s:L%03d:P%04d", pass_key, layer, pos);
    c->v.s.n = row->text.len - c->v.s.at;
    c->set = 1;
}

const char *ll_row_str(const struct ll_row *row, int col, size_t *n)
{
    if (col < 0 || col >= row->schema->n_cols || !row->cells[col].set
        || row->schema->cols[col].kind != LL_TEXT)
        return NULL;
    *n = row->cells[col].v.s.n;
    return *n ? row->text.s + row->cells[col].v.s.at : "";
}
