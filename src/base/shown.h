/* shown.h - text from outside as a person may see it: the one place that knows which characters are not for
 * terminals.
 *
 * A name, a path or a token may hold escapes that move the cursor, line ends that break a table, or marks
 * that turn the direction of what follows. Shown text has one visible sign for each: a line end as an arrow,
 * a tab as one, other control characters and marks of direction as a middle dot, bytes that are no UTF-8 as
 * U+FFFD. Files and pipes that hold data (CSV, JSON) keep the bytes themselves, by their own quoting. */
#ifndef LL_SHOWN_H
#define LL_SHOWN_H
#include "buf.h"

#include <stdint.h>

/* cp itself, or the sign that stands for it. */
uint32_t ll_cp_shown(uint32_t cp);
/* Append s as shown. keep: characters of ASCII that stay as they are, such as "\n"; "" for names and
 * cells. */
void ll_shown(struct ll_buf *out, const char *s, size_t n, const char *keep);
/* A message in place, never longer than before: what is not for terminals becomes a space, or ? where it is
 * no UTF-8. */
void ll_shown_line(char *s);
/* A name in place, as it can stand in a heading, a table and the name of a file: what is not for terminals,
 * or no UTF-8, becomes '_'. Never longer than before. */
void ll_shown_name(char *name);
#endif
