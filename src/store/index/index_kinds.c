/* index_kinds.c - see index_kinds.h */
#include "index_kinds.h"

#include "literal.h"
#include "sidecar_cols.h"
#include "tuned_cols.h"

#include <string.h>

const struct ll_file_kind ll_file_kinds[] = {
    {.suffix = ".json", .shape = LL_SHAPE_DOC, .first_layer = LL_ANY_ROWS},
    {.shape = LL_SHAPE_PURE, .schema = &ll_schema_pure},
    {.shape = LL_SHAPE_RECORDS, .schema = &ll_schema_records},
    {.suffix = LL_PURE_FILE "-prism.csv", .shape = LL_SHAPE_PURE, .schema = &ll_schema_pure, .lens = "prism"},
    {.suffix = LL_RECORDS_FILE "-prism.csv",
     .shape = LL_SHAPE_RECORDS,
     .schema = &ll_schema_records,
     .lens = "prism"},
    {.suffix = LL_PURE_FILE "-tuned.csv",
     .shape = LL_SHAPE_PURE,
     .schema = &ll_schema_pure,
     .lens = "tuned",
     .first_layer = LL_ANY_FIRST},
    {.suffix = LL_RECORDS_FILE "-tuned.csv",
     .shape = LL_SHAPE_RECORDS,
     .schema = &ll_schema_records,
     .lens = "tuned",
     .first_layer = LL_ANY_FIRST},
    {.shape = LL_SHAPE_PASS,
     .schema = &ll_schema_answers,
     .key = LL_ANSWERS_ANSWER_INDEX,
     .first_layer = LL_ANY_FIRST},
    {.shape = LL_SHAPE_PASS, .schema = &ll_schema_rawlens, .first_layer = LL_ALL_OR_SAMPLE},
    {.shape = LL_SHAPE_PASS, .schema = &ll_schema_window, .key = LL_WIN_LENS, .first_layer = LL_ANY_ROWS},
    {.shape = LL_SHAPE_MODEL, .schema = &ll_schema_tuned_variants, .first_layer = LL_ANY_FIRST},
    {.shape = LL_SHAPE_MODEL, .schema = &ll_schema_pos_audit, .first_layer = LL_ANY_FIRST},
    {.shape = LL_SHAPE_PASS, .schema = &ll_schema_positions, .key = LL_POS_POS_INDEX},
    {.shape = LL_SHAPE_MODEL, .schema = &ll_schema_milestones, .first_layer = LL_ANY_ROWS},
    {.shape = LL_SHAPE_MODEL, .schema = &ll_schema_artifact},
};
const int ll_n_file_kinds = sizeof ll_file_kinds / sizeof *ll_file_kinds;

const struct ll_file_kind *ll_kind_of(enum ll_shape shape)
{
    const struct ll_file_kind *k = ll_file_kinds;
    while (k->shape != shape)
        k++;
    return k;
}

const char *ll_kind_suffix(const struct ll_file_kind *k)
{
    return k->suffix ? k->suffix : k->schema->file_suffix;
}

const char *ll_kind_key(const struct ll_file_kind *k) { return k->key ? k->schema->cols[k->key].name : NULL; }

const struct ll_col *ll_kind_next_col(const struct ll_file_kind *k, const struct ll_col *after)
{
    if (!k->schema)
        return NULL;
    const struct ll_col *c = after ? after + 1 : k->schema->cols, *end = k->schema->cols + k->schema->n_cols;
    while (c < end && c->keep != LL_KEEP_COLUMN)
        c++;
    return c < end ? c : NULL;
}

const struct ll_file_kind *ll_file_kind_of(const char *name, int *stem_len)
{
    static const char head[] = "output-";
    size_t n = strlen(name), best = 0;
    const struct ll_file_kind *found = NULL;
    if (strncmp(name, head, sizeof head - 1))
        return NULL;
    for (int i = 0; i < ll_n_file_kinds; i++) {
        const char *suffix = ll_kind_suffix(&ll_file_kinds[i]);
        size_t m = strlen(suffix);
        if (m > best && n > sizeof head - 1 + m && !strcmp(name + n - m, suffix)) {
            found = &ll_file_kinds[i];
            best = m;
        }
    }
    *stem_len = (int)(n - (sizeof head - 1) - best);
    return found;
}

int ll_is_flag_column(const char *name)
{
    return (LL_BEGINS(name, "copy_strict@") || LL_BEGINS(name, "copy_soft_k")) && strchr(name, '@');
}
