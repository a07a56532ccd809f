/* doc_keys.c - see doc_keys.h */
#include "doc_keys.h"

#include "record_cols.h"
#include "sidecar_cols.h"

/* When a key is there that is not always there. */
#define ANALYSIS "with the analysis"
#define TUNED "with a tuned lens"

#define O(obj, sentence)
#define K(obj, id, key, what, of_unit, ...) \
    [LL_K_##obj##_## \
        id] = {.in = LL_OBJ_##obj, .name = key, .kind = LL_KEY_##what, .unit = of_unit, __VA_ARGS__},
#define C(obj, id, table, column, ...) \
    [LL_K_##obj##_##id] = {.in = LL_OBJ_##obj, .schema = &ll_schema_##table, .col = column, __VA_ARGS__},
static const struct ll_doc_key_row keys[LL_N_DOC_KEYS] = {
#include "doc_keys.inc"
};
#undef O
#undef K
#undef C

#define O(obj, sentence) [LL_OBJ_##obj] = sentence,
#define K(obj, id, key, what, of_unit, ...)
#define C(obj, id, table, column, ...)
static const char *const objects[LL_N_OBJECTS] = {
#include "doc_keys.inc"
};
#undef O
#undef K
#undef C

struct ll_doc_key_row ll_doc_key(enum ll_doc_key k)
{
    static const enum ll_key_kind kinds[] = {
        [LL_TEXT] = LL_KEY_TEXT, [LL_INT] = LL_KEY_INT, [LL_REAL] = LL_KEY_REAL, [LL_BOOL] = LL_KEY_BOOL};
    struct ll_doc_key_row row = keys[k];
    if (!row.schema)
        return row;
    const struct ll_col *col = &row.schema->cols[row.col];
    row.name = col->name;
    row.kind = kinds[col->kind];
    row.unit = row.unit ? row.unit : col->unit;
    row.doc = row.doc ? row.doc : col->doc;
    return row;
}

const char *ll_doc_object_doc(enum ll_doc_object o) { return objects[o] ? objects[o] : ""; }

const char *ll_key_kind_name(enum ll_key_kind kind)
{
    static const char *const names[] = {[LL_KEY_TEXT] = "text",     [LL_KEY_INT] = "integer",
                                        [LL_KEY_REAL] = "real",     [LL_KEY_BOOL] = "true or false",
                                        [LL_KEY_LIST] = "list",     [LL_KEY_MAP] = "map",
                                        [LL_KEY_OBJECT] = "object", [LL_KEY_OBJECTS] = "list of objects",
                                        [LL_KEY_ANY] = "any"};
    return names[kind];
}
