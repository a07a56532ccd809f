/* grid.c - see grid.h */
#include "grid.h"

#include "width.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct ll_grid ll_grid(const char *heads)
{
    struct ll_grid g = {0};
    for (;; heads++) {
        size_t n = strcspn(heads, "|");
        ll_buf_add(&g.text, heads, n);
        ll_buf_add(&g.text, "", 1);
        g.n_cols++;
        heads += n;
        if (!*heads || g.n_cols == LL_GRID_COLS)
            return g;
    }
}

void ll_grid_cell(struct ll_grid *g, const char *fmt, ...)
{
    char cell[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(cell, sizeof cell, fmt, ap);
    va_end(ap);
    ll_buf_add(&g->text, cell, strlen(cell) + 1);
    g->n_cells++;
}

/* Columns of a cell on the terminal, where ** is left out. */
static int shown_width(const char *cell)
{
    int stars = !strncmp(cell, "**", 2);
    return ll_text_width(cell, strlen(cell)) - 4 * stars;
}

static void put_markdown(const struct ll_grid *g, struct ll_buf *out)
{
    const char *c = g->text.s;
    ll_buf_addc(out, '\n');
    for (int i = 0; i < g->n_cols + g->n_cells; i++, c += strlen(c) + 1) {
        ll_buf_adds(out, i % g->n_cols ? " " : "| ");
        for (const char *p = c; *p; p++)
            ll_buf_addf(out, *p == '|' ? "\\|" : "%c", *p == '\n' ? ' ' : *p);
        ll_buf_adds(out, " |");
        if (i % g->n_cols == g->n_cols - 1)
            ll_buf_addc(out, '\n');
        if (i == g->n_cols - 1)
            for (int k = 0; k < g->n_cols; k++)
                ll_buf_adds(out, k < g->n_cols - 1 ? k ? "---|" : "|---|" : g->n_cols == 1 ? "|---|\n" : "---|\n");
    }
    ll_buf_addc(out, '\n');
}

static int is_number(const char *c) { return (*c >= '0' && *c <= '9') || ((*c == '-' || *c == '+') && c[1] >= '0' && c[1] <= '9'); }

static void put_table(const struct ll_grid *g, struct ll_buf *out)
{
    int width[LL_GRID_COLS] = {0}, numbers[LL_GRID_COLS];
    const char *c = g->text.s;
    for (int k = 0; k < g->n_cols; k++)
        numbers[k] = g->n_cells > 0;
    for (int i = 0; i < g->n_cols + g->n_cells; i++, c += strlen(c) + 1) {
        int w = shown_width(c), k = i % g->n_cols;
        width[k] = w > width[k] ? w : width[k];
        numbers[k] &= i < g->n_cols || is_number(c) || !strcmp(c, "-") || !*c;
    }
    c = g->text.s;
    for (int i = 0; i < g->n_cols + g->n_cells; i++, c += strlen(c) + 1) {
        int k = i % g->n_cols, pad = width[k] - shown_width(c), stars = !strncmp(c, "**", 2);
        if (k)
            ll_buf_adds(out, "  ");
        for (int s = 0; numbers[k] && s < pad; s++)
            ll_buf_addc(out, ' ');
        ll_buf_add(out, c + 2 * stars, strlen(c) - (size_t)(4 * stars));
        for (int s = 0; !numbers[k] && k < g->n_cols - 1 && s < pad; s++)
            ll_buf_addc(out, ' ');
        if (k == g->n_cols - 1)
            ll_buf_addc(out, '\n');
    }
}

void ll_grid_put(struct ll_grid *g, struct ll_buf *table, struct ll_buf *markdown)
{
    if (g->text.failed) {
        if (table)
            table->failed = 1;
    } else {
        if (table)
            put_table(g, table);
        if (markdown)
            put_markdown(g, markdown);
    }
    ll_buf_free(&g->text);
    *g = (struct ll_grid){0};
}

const char *ll_fixed(double v, int decimals, char out[32])
{
    if (!isfinite(v))
        snprintf(out, 32, "%s", isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
    else
        snprintf(out, 32, fabs(v) < 1e12 ? "%.*f" : "%.*e", decimals, v);
    if (out[0] == '-' && strspn(out + 1, "0.") == strlen(out + 1))
        memmove(out, out + 1, strlen(out));
    return out;
}

void ll_say(struct ll_buf *table, struct ll_buf *markdown, const char *fmt, ...)
{
    char text[2000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (table)
        ll_buf_adds(table, text);
    if (markdown)
        ll_buf_adds(markdown, text);
}
