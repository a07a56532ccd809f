/* term.h - what a terminal shows: widths, colours, bars, progress. */
#ifndef LL_TERM_H
#define LL_TERM_H
#include "buf.h"
#include "width.h"

#include <stdio.h>

/* Colours only on a terminal, and never with NO_COLOR set. */
struct ll_term {
    int colour;
    int width;
};
struct ll_term ll_term_of(FILE *f); /* width: columns, 80 when unknown */
/* Append an escape sequence when the terminal has colour. Names: see ll_style in term.c. */
enum ll_style { LL_PLAIN, LL_BOLD, LL_DIM, LL_GREEN, LL_YELLOW, LL_CYAN };
void ll_style(struct ll_buf *out, const struct ll_term *t, enum ll_style s);
/* Length of the style that stands at s, 0: none, or stdout is no terminal and never gets one. */
size_t ll_style_len(const char *s);

int ll_stdout_columns(void); /* of the terminal that stdout is; 0: it is none, nothing has to fit */
/* lead, then text broken at spaces so that no line is wider than `width` columns (0: never broken), the rest
 * under the text's first word; and a newline. */
void ll_put_wrapped(struct ll_buf *out, int width, const char *lead, const char *text);
/* Append text made visible (newline as ↵, tab as ⇥, other control characters as ·), cut to at most `width`
 * columns with …, and padded to it with spaces when pad is set. */
void ll_put_cell(struct ll_buf *out, const char *s, size_t n, int width, int pad);
/* A bar of `width` columns for a value in 0..1, in eighths of a column. */
void ll_put_bar(struct ll_buf *out, double value, int width);
/* "1.5 GB", "730 kB"; powers of 1000. out: at least 16 bytes. */
const char *ll_human_bytes(double bytes, char out[16]);
const char *ll_human_count(double n, char out[16]);
/* "0.8 s", "3 min 20 s" */
const char *ll_human_time(double s, char out[24]);

/* One progress line on stderr, shown only on a terminal, only after two seconds, not with --quiet. */
struct ll_progress {
    const char *label;
    double t0, last;
    int on, shown;
};
void ll_progress_start(struct ll_progress *p, const char *label, int quiet);
void ll_progress_show(struct ll_progress *p, double done /* 0..1 */);
void ll_progress_end(struct ll_progress *p); /* clears the line */
#endif
