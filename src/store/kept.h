/* kept.h - which files in an unfinished run folder are whole: the mark of a model that is done names them.
 *
 * A mark is a manifest (manifest.h) of the files that this model wrote, under the key of what the model was
 * given. What no mark names was being written when the run was interrupted, or belongs to what is no longer
 * wanted, and goes before the run is gone on with. */
#ifndef LL_KEPT_H
#define LL_KEPT_H
#include "fail.h"

/* Names of the visible files in a folder. */
struct ll_names {
    char **v;
    int n;
}; /* owned; {0} owns nothing */
int ll_names_read(struct ll_names *names, const char *folder, struct ll_err *err);
void ll_names_free(struct ll_names *names);

/* The mark `name` in folder: all visible files but those of `before`. */
int ll_kept_mark(const char *folder, const char *name, const char *key, const struct ll_names *before,
                 struct ll_err *err);
/* 1: a mark under this key is there, and each of its files is what it was. Otherwise the mark's files and the
 * mark are removed, and *was_other says whether there was one. */
int ll_kept_holds(const char *folder, const char *name, const char *key, int *was_other);
/* Remove the mark and its files, if it is there. */
void ll_kept_drop(const char *folder, const char *name);
/* Remove every visible file, and every hidden one that was being written, which no mark ("<head><anything>")
 * names. LL_OK or LL_EFAIL. */
int ll_kept_tidy(const char *folder, const char *head, struct ll_err *err);
#endif
