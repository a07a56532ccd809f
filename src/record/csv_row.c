/* csv_row.c - see csv_row.h */
#include "csv_row.h"
#include "csv_text.h"

#include <string.h>

void ll_csv_header(struct ll_buf *out, const struct ll_schema *schema)
{
    for (int i = 0; i < schema->n_cols; i++) {
        if (i)
            ll_buf_addc(out, ',');
        ll_csv_field(out, schema->cols[i].name, strlen(schema->cols[i].name));
    }
    ll_buf_addc(out, '\n');
}

static void add_cell(struct ll_buf *line, const struct ll_row *row, int col)
{
    const struct ll_cell *c = &row->cells[col];
    char number[32];
    size_t n;
    if (!c->set)
        return;
    switch (row->schema->cols[col].kind) {
    case LL_TEXT: {
        const char *text = ll_row_str(row, col, &n);
        ll_csv_field(line, text, n);
        break;
    }
    case LL_INT: ll_buf_addf(line, "%lld", c->v.i); break;
    case LL_REAL: ll_buf_add(line, number, (size_t)ll_fmt_double(number, c->v.r)); break;
    case LL_BOOL: ll_buf_adds(line, c->v.i ? "True" : "False"); break;
    }
}

void ll_csv_row(struct ll_buf *out, const struct ll_row *row)
{
    for (int i = 0; i < row->schema->n_cols; i++) {
        if (i)
            ll_buf_addc(out, ',');
        add_cell(out, row, i);
    }
    ll_buf_addc(out, '\n');
}
