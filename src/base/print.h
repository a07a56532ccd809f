/* print.h - what goes to standard output and standard error. */
#ifndef LL_PRINT_H
#define LL_PRINT_H
#include "buf.h"

/* Write all of b to stdout; a failed write is a failure, and so is a b that is incomplete (ll_buf_ok). Text
 * for people has no control character but line ends, tabs and the colours of ll_style; data (CSV, JSON) goes
 * out byte by byte, and as text where stdout is a terminal. */
int ll_print_text(const struct ll_buf *b, struct ll_err *err);
int ll_print(const struct ll_buf *b, struct ll_err *err);
/* ll_print of data (JSON, CSV), or ll_print_text. */
int ll_print_as(int is_data, const struct ll_buf *b, struct ll_err *err);
/* One line on stderr, even where its arguments contain line ends; the final line end is added. */
void ll_say_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#endif
