/* stem.h - the part of a model's file names between "output-" and the suffix.
 *
 * Normally the model's clean name. A second model of the same clean name in one run gets "-2", a third "-3",
 * so that nothing is overwritten; letter case does not tell names apart (some file systems ignore it). Every
 * sink, and whoever else names files after models, keeps its own list: the same models in the same order give
 * the same stems. */
#ifndef LL_STEM_H
#define LL_STEM_H
#include "fail.h"

struct ll_stems {
    char **taken; /* owned, n names, owned */
    int n;
};
/* The stem for the next model of that clean name ('/', '\\' and control characters become '_'; NULL or empty:
 * "model"). Returned string: owned by the list. NULL with *err filled in when memory is short. */
const char *ll_stem_take(struct ll_stems *stems, const char *clean, struct ll_err *err);
/* The model came to nothing and wrote no file: the newest stem is free again. */
void ll_stem_give_back(struct ll_stems *stems);
void ll_stems_free(struct ll_stems *stems);
#endif
