/* lens_cols.c - see lens_cols.h */
#include "lens_cols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN(id, name, kind, unit, keep, doc) {name, kind, unit, LL_KEEP_##keep, doc},
static const struct ll_col lens_cols[] = {LL_LENS_COLUMNS(COLUMN)};
static const struct ll_col followed_cols[] = {LL_TRACKED_COLUMNS(COLUMN)};
static const struct ll_col top_members[] = {LL_LENS_TOP_MEMBERS(COLUMN)};
static const struct ll_col answer_members[] = {LL_LENS_ANSWER_MEMBERS(COLUMN)};
static const struct ll_col attribution_cols[] = {LL_ATTRIBUTION_COLUMNS(COLUMN)};

const struct ll_schema ll_schema_lens = {.table = "lens",
                                         .file_suffix = "",
                                         .doc = "The layers of one position, a row a listed token.",
                                         .cols = lens_cols,
                                         .n_cols = LL_LENSROW_COLS};
const struct ll_schema ll_schema_lens_top = {.table = "top",
                                             .file_suffix = "",
                                             .doc = "A token of a layer's list.",
                                             .cols = top_members,
                                             .n_cols = LL_LENSTOP_COLS};
const struct ll_schema ll_schema_lens_answer = {.table = "answers",
                                                .file_suffix = "",
                                                .doc = "An answer at a layer.",
                                                .cols = answer_members,
                                                .n_cols = LL_LENSANSWER_COLS};
const struct ll_schema ll_schema_attribution = {.table = "attribution",
                                                .file_suffix = "",
                                                .doc = "What each part of the pass adds to a logit.",
                                                .cols = attribution_cols,
                                                .n_cols = LL_ATTR_COLS};

int ll_tracked_col(int i, enum ll_tracked_col col)
{
    return LL_LENSROW_COLS + i * LL_TRACKED_COLS + (int)col;
}

int ll_lens_schema_init(struct ll_lens_schema *s, int n_more, struct ll_err *err)
{
    enum { NAME = 32 }; /* bytes a name; the longest column's has 11, a number at most 11 */
    size_t n = (size_t)(LL_LENSROW_COLS + n_more * LL_TRACKED_COLS);
    memset(s, 0, sizeof *s);
    s->cols = malloc(n * sizeof *s->cols);
    s->names = malloc((n + 1) * NAME);
    if (!s->cols || !s->names) {
        ll_lens_schema_free(s);
        return ll_fail_mem(err, "columns", n * sizeof *s->cols);
    }
    memcpy(s->cols, lens_cols, sizeof lens_cols);
    for (int i = 0; i < n_more; i++)
        for (int c = 0; c < LL_TRACKED_COLS; c++) {
            int at = ll_tracked_col(i, (enum ll_tracked_col)c);
            char *name = s->names + (size_t)at * NAME;
            snprintf(name, NAME, "%s_%d", followed_cols[c].name, i + 2);
            s->cols[at] = followed_cols[c];
            s->cols[at].name = name;
        }
    s->schema = ll_schema_lens;
    s->schema.cols = s->cols;
    s->schema.n_cols = (int)n;
    return LL_OK;
}

void ll_lens_schema_free(struct ll_lens_schema *s)
{
    free(s->cols);
    free(s->names);
    memset(s, 0, sizeof *s);
}
