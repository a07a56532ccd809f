/* index_milestones.h - the summary layers of docs/experiment.md 7.2: name, rule over the rows, place in the
 * JSON file. One row each; the views (index_views.c) are made from the rules, the documents (index_doc.c) are
 * read by the places. For src/store only. */
#ifndef LL_INDEX_MILESTONES_H
#define LL_INDEX_MILESTONES_H

struct ll_milestone {
    const char *name;   /* key of docs/experiment.md 7.2; name of the views' column */
    const char *rule;   /* SQL over a row c of pure: true where the condition holds; NULL: not of one lens's
                           rows alone */
    const int *path[2]; /* LL_PATH, of members below `diagnostics` (or below a pass's `milestones`); the first
                           that exists counts; NULL: no second */
};
extern const struct ll_milestone ll_milestone_list[]; /* name NULL at the end */
#endif
