/* row_json.c - see row_json.h */
#include "row_json.h"

static void put_cell(struct ll_json *j, const struct ll_row *row, int col)
{
    const struct ll_col *c = &row->schema->cols[col];
    const struct ll_cell *cell = &row->cells[col];
    size_t n = 0;
    if (!cell->set) {
        ll_json_null(j, c->name);
        return;
    }
    switch (c->kind) {
    case LL_TEXT: {
        const char *text = ll_row_str(row, col, &n);
        ll_json_str(j, c->name, text, n);
        break;
    }
    case LL_INT: ll_json_int(j, c->name, cell->v.i); break;
    case LL_REAL: ll_json_num(j, c->name, cell->v.r); break;
    case LL_BOOL: ll_json_bool(j, c->name, cell->v.i != 0); break;
    }
}

void ll_row_json(struct ll_json *j, const struct ll_row *row, int first, int last)
{
    for (int col = first; col <= last; col++)
        put_cell(j, row, col);
}
