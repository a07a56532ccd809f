/* tracked.h - the answers that `lens` and `tokens` track: each by its first token, in the spelling that
 * belongs behind the text and in the other one (with the space, or without) where its ids differ. */
#ifndef LL_TRACKED_H
#define LL_TRACKED_H
#include "head_pass.h"

struct ll_tracked {
    const char *text;    /* borrowed; NULL: given as an id */
    int *ids, n_ids;     /* owned; 0: unresolved */
    const char *variant; /* "with_space", "no_space", "exact", "ids", "unresolved" */
    const char *reason;  /* NULL: nothing to say */
    int is_other;        /* the other spelling of the entry before */
    int slot;            /* which tracked id is its first; -1: unresolved */
};
struct ll_tracked_set {
    struct ll_tracked *v;
    int n;                                  /* owned */
    int tracked[LL_MAX_TRACKED], n_tracked; /* distinct first ids in that order */
};
void ll_tracked_free(struct ll_tracked_set *f);
/* "with the space", "without the space", "as given" */
const char *ll_tracked_spelling(const struct ll_tracked *v);
/* The place of id among the *n ids that a walk tracks, made when it is new; -1 when there is none left. */
int ll_tracked_slot(int tracked[LL_MAX_TRACKED], int *n, int id);
#endif
