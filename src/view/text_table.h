/* text_table.h - a small table written twice: aligned for the terminal, with bars for Markdown.
 *
 *     struct ll_text_table t = ll_text_table("Layer|Status|Q Std");
 *     ll_text_table_cell(&t, "%d", 3); ... one call a cell, rows follow one another
 *     ll_text_table_put(&t, &text.screen, &text.markdown);     frees it */
#ifndef LL_TEXT_TABLE_H
#define LL_TEXT_TABLE_H
#include "buf.h"

enum { LL_TEXT_TABLE_COLS = 24 };
struct ll_text_table {
    int n_cols, n_cells;
    struct ll_buf text; /* the cells, each with its NUL; the heads first; owned */
    const char *spare;  /* heads of columns that a narrow terminal goes without, the first to go first:
                           "Mean|Std"; NULL: none */
};
struct ll_text_table ll_text_table(const char *heads);
void ll_text_table_cell(struct ll_text_table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends to both (either may be NULL). In the terminal numbers stand right; ** of Markdown is left out. */
void ll_text_table_put(struct ll_text_table *t, struct ll_buf *table, struct ll_buf *markdown);
/* v with so many decimals; never "-0.0000". out: at least 32 bytes. */
const char *ll_fixed(double v, int decimals, char out[32]);
#endif
