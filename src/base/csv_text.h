/* csv_text.h - one CSV field as RFC 4180 wants it, quoted only when needed.
 *
 * libcsv reads our files; its writer quotes every field, so the ten lines that quote are our own. */
#ifndef LL_CSV_TEXT_H
#define LL_CSV_TEXT_H
#include "buf.h"

/* Append n bytes as a field: quoted when it holds a comma, quote, CR or LF, embedded quotes doubled,
 * backslashes left alone; every NUL and ill-formed UTF-8 part becomes U+FFFD. Empty text gives "" (two
 * quotes), because an empty cell without quotes means null. */
void ll_csv_field(struct ll_buf *out, const char *s, size_t n);
#endif
