/* help.h - what the program says about itself: commands, options, tables. */
#ifndef LL_HELP_H
#define LL_HELP_H
#include "buf.h"

/* `help`: all commands (name NULL or "help"), one of them, or "tables"; on standard output. LL_EUSAGE: no
 * such command. */
int ll_help(const char *name, struct ll_err *err);
/* `version` */
int ll_help_version(struct ll_err *err);
/* Families, containers, storage types, hook points, columns, formats, index: Markdown, for docs/tables.md (a
 * test keeps the two equal). */
void ll_help_tables(struct ll_buf *out);
#endif
