/* grid.h - a small table written twice: aligned for the terminal, with bars for Markdown.
 *
 *     struct ll_grid g = ll_grid("Layer|Status|Q Std");
 *     ll_grid_cell(&g, "%d", 3); ... one call a cell, rows follow one another
 *     ll_grid_put(&g, &d.table, &d.markdown);     frees it */
#ifndef LL_GRID_H
#define LL_GRID_H
#include "buf.h"

enum { LL_GRID_COLS = 24 };
struct ll_grid {
    int n_cols, n_cells;
    struct ll_buf text; /* the cells, each with its NUL; the heads first; owned */
    const char *spare;  /* heads of columns that a narrow terminal goes without, the first to go first:
                           "Mean|Std"; NULL: none */
};
struct ll_grid ll_grid(const char *heads);
void ll_grid_cell(struct ll_grid *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends to both (either may be NULL). In the terminal numbers stand right; ** of Markdown is left out. */
void ll_grid_put(struct ll_grid *g, struct ll_buf *table, struct ll_buf *markdown);
/* v with so many decimals; never "-0.0000". out: at least 32 bytes. */
const char *ll_fixed(double v, int decimals, char out[32]);
/* The same words into both (either may be NULL). */
void ll_say(struct ll_buf *table, struct ll_buf *markdown, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#endif
