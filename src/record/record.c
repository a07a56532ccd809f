/* record.c - see record.h; the columns themselves are listed in record_cols.h */
#include "record_cols.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN(id, name, kind, unit, doc) {name, kind, unit, doc},
#define PAIR(k) \
    {"top" #k, LL_TEXT, "", "Text of the token of rank " #k "; empty past the rows' number of listed tokens."}, \
    {"prob" #k, LL_REAL, "probability", "Its probability under the full softmax."},
static const struct ll_col record_cols[] = {LL_RECORDS_COLUMNS(COLUMN, PAIR)};
static const struct ll_col pure_cols[] = {LL_PURE_COLUMNS(COLUMN, PAIR)};

#define ONE(...) +1
#define TWO(k) +2
const struct ll_schema ll_schema_records = {"records", "-records.csv", record_cols, LL_REC_COLS, 0 LL_RECORDS_SEED_COLUMNS(ONE, TWO)};
const struct ll_schema ll_schema_pure = {"pure", "-pure-next-token.csv", pure_cols, LL_PURE_COLS, 0 LL_PURE_SEED_COLUMNS(ONE, TWO)};

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
    if (col < 0 || col >= row->schema->n_cols || !row->cells[col].set || row->schema->cols[col].kind != LL_TEXT)
        return NULL;
    *n = row->cells[col].v.s.n;
    return *n ? row->text.s + row->cells[col].v.s.at : "";
}
