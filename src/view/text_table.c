/* text_table.c - see text_table.h */
#include "text_table.h"

#include "literal.h"
#include "terminal.h"
#include "cells.h"
#include "width.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct ll_text_table ll_text_table(const char *heads)
{
    struct ll_text_table t = {0};
    for (;; heads++) {
        size_t n = strcspn(heads, "|");
        ll_buf_add(&t.text, heads, n);
        ll_buf_addc(&t.text, 0);
        t.n_cols++;
        heads += n;
        if (!*heads || t.n_cols == LL_TEXT_TABLE_COLS)
            return t;
    }
}

void ll_text_table_cell(struct ll_text_table *t, const char *fmt, ...)
{
    char cell[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(cell, sizeof cell, fmt, ap);
    va_end(ap);
    ll_buf_add(&t->text, cell, strlen(cell) + 1);
    t->n_cells++;
}

/* Columns of a cell on the terminal, where ** is left out. */
static int shown_width(const char *cell)
{
    int stars = LL_BEGINS(cell, "**");
    return ll_text_width(cell, strlen(cell)) - 4 * stars;
}

static void put_markdown(const struct ll_text_table *t, struct ll_buf *out)
{
    const char *c = t->text.s;
    ll_buf_addc(out, '\n');
    for (int i = 0; i < t->n_cols + t->n_cells; i++, c += strlen(c) + 1) {
        ll_buf_adds(out, i % t->n_cols ? " " : "| ");
        for (const char *p = c; *p; p++)
            ll_buf_addf(out, *p == '|' ? "\\|" : "%c", *p == '\n' ? ' ' : *p);
        ll_buf_adds(out, " |");
        if (i % t->n_cols == t->n_cols - 1)
            ll_buf_addc(out, '\n');
        if (i == t->n_cols - 1)
            for (int k = 0; k < t->n_cols; k++)
                ll_buf_adds(out,
                            k < t->n_cols - 1    ? k ? "---|" : "|---|"
                                : t->n_cols == 1 ? "|---|\n"
                                                 : "---|\n");
    }
    ll_buf_addc(out, '\n');
}

static int is_number(const char *c)
{
    return (*c >= '0' && *c <= '9') || ((*c == '-' || *c == '+') && c[1] >= '0' && c[1] <= '9');
}

/* Column of that head, -1: none. */
static int column_of(const struct ll_text_table *t, const char *head, size_t n)
{
    const char *c = t->text.s;
    for (int k = 0; k < t->n_cols; k++, c += strlen(c) + 1)
        if (strlen(c) == n && !strncmp(c, head, n))
            return k;
    return -1;
}

/* Widths of spare columns become -1 until the rest fits. */
static void make_fit(const struct ll_text_table *t, int *width)
{
    int most = ll_stdout_columns(), total = -2;
    for (int k = 0; k < t->n_cols; k++)
        total += width[k] + 2;
    for (const char *p = t->spare; p && *p && most && total > most;) {
        size_t n = strcspn(p, "|");
        int k = column_of(t, p, n);
        if (k >= 0) {
            total -= width[k] + 2;
            width[k] = -1;
        }
        p += n + (p[n] == '|');
    }
}

/* Which columns are not there. */
static void say_left_out(const struct ll_text_table *t, const int *width, struct ll_buf *out)
{
    struct ll_buf heads = {0}, text = {0};
    const char *c = t->text.s;
    for (int k = 0; k < t->n_cols; k++, c += strlen(c) + 1)
        if (width[k] < 0)
            ll_buf_addf(&heads, "%s%s", heads.len ? ", " : "", c);
    ll_buf_addf(&text, "(in a wider terminal, --markdown or --json also: %s)", ll_buf_str(&heads));
    if (heads.len)
        ll_put_wrapped(out, ll_stdout_columns(), "", ll_buf_str(&text));
    ll_buf_free(&heads);
    ll_buf_free(&text);
}

static void put_table(const struct ll_text_table *t, struct ll_buf *out)
{
    int width[LL_TEXT_TABLE_COLS] = {0}, numbers[LL_TEXT_TABLE_COLS], shown = 0;
    const char *c = t->text.s;
    for (int k = 0; k < t->n_cols; k++)
        numbers[k] = t->n_cells > 0;
    for (int i = 0; i < t->n_cols + t->n_cells; i++, c += strlen(c) + 1) {
        int w = shown_width(c), k = i % t->n_cols;
        width[k] = w > width[k] ? w : width[k];
        numbers[k] &= i < t->n_cols || is_number(c) || !strcmp(c, "-") || !*c;
    }
    make_fit(t, width);
    c = t->text.s;
    for (int i = 0; i < t->n_cols + t->n_cells; i++, c += strlen(c) + 1) {
        int k = i % t->n_cols, pad = width[k] - shown_width(c), stars = LL_BEGINS(c, "**");
        shown = k ? shown : 0;
        if (width[k] < 0) {
            if (k == t->n_cols - 1)
                ll_buf_addc(out, '\n');
            continue;
        }
        if (shown++)
            ll_buf_adds(out, "  ");
        for (int s = 0; numbers[k] && s < pad; s++)
            ll_buf_addc(out, ' ');
        ll_buf_add(out, c + 2 * stars, strlen(c) - (size_t)(4 * stars));
        for (int s = 0; !numbers[k] && k < t->n_cols - 1 && s < pad; s++)
            ll_buf_addc(out, ' ');
        if (k == t->n_cols - 1)
            ll_buf_addc(out, '\n');
    }
    say_left_out(t, width, out);
}

void ll_text_table_put(struct ll_text_table *t, struct ll_buf *table, struct ll_buf *markdown)
{
    if (t->text.failed) {
        if (table)
            table->failed = 1;
    } else {
        if (table)
            put_table(t, table);
        if (markdown)
            put_markdown(t, markdown);
    }
    ll_buf_free(&t->text);
    *t = (struct ll_text_table){0};
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
