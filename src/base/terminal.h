/* terminal.h - what a standard stream is: a terminal or not, how wide, in colour or not. */
#ifndef LL_TERMINAL_H
#define LL_TERMINAL_H
#include "buf.h"

#include <stdio.h>

/* Colours only on a terminal, and never with NO_COLOR set. */
struct ll_term {
    int colour;
    int width;
};
struct ll_term ll_term_of(FILE *f); /* width: columns, 80 when unknown */
int ll_stdout_columns(
    void); /* of the terminal that stdout is; 0: stdout is not a terminal, nothing has to fit */

enum ll_style { LL_PLAIN, LL_BOLD, LL_DIM, LL_GREEN, LL_YELLOW, LL_CYAN };
/* Append the escape sequence of a style when the terminal has colour. */
void ll_style(struct ll_buf *out, const struct ll_term *t, enum ll_style s);
/* Length of the style that stands at s, 0: none, or stdout is no terminal and never gets one. */
size_t ll_style_len(const char *s);
#endif
