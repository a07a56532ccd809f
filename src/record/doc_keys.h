/* doc_keys.h - the keys of output-MODEL.json: what each object of the document may hold.
 *
 * doc_keys.inc lists the objects and, below each, its keys in a fixed form. The list is read twice: here for
 * the numbers (LL_OBJ_GOLD, LL_K_GOLD_STRING), in doc_keys.c for the table. The writers of the document name
 * a key by its number only, so that a name is typed once; docs/tables.md is printed from the table; a test
 * walks documents and finds every key in it. A key that is also a column takes its name, kind, unit and
 * sentence from the column. */
#ifndef LL_DOC_KEYS_H
#define LL_DOC_KEYS_H
#include "record.h"

/* What stands behind a key. Any of these may be null instead: not known. */
enum ll_key_kind {
    LL_KEY_TEXT,
    LL_KEY_INT, /* also a layer or another index */
    LL_KEY_REAL,
    LL_KEY_BOOL,
    LL_KEY_LIST,    /* of plain values, or of lists of plain values */
    LL_KEY_MAP,     /* object whose member names are data: layers, thresholds, facts */
    LL_KEY_OBJECT,  /* of the kind `of` */
    LL_KEY_OBJECTS, /* list of such objects */
    LL_KEY_ANY      /* a value from another file, as it stands there */
};

#define O(obj, doc) LL_OBJ_##obj,
#define K(obj, id, name, kind, unit, ...)
#define C(obj, id, schema, col, ...)
enum ll_doc_object {
    LL_OBJ_NONE,
#include "doc_keys.inc"
    LL_N_OBJECTS
};
#undef O
#undef K
#undef C

#define O(obj, doc)
#define K(obj, id, name, kind, unit, ...) LL_K_##obj##_##id,
#define C(obj, id, schema, col, ...) LL_K_##obj##_##id,
enum ll_doc_key {
#include "doc_keys.inc"
    LL_N_DOC_KEYS
};
#undef O
#undef K
#undef C

struct ll_doc_key_row {
    enum ll_doc_object in; /* the object it is a member of */
    const char *name;      /* a '*' in it stands for a number or a word of the run: the sentence says which */
    enum ll_key_kind kind;
    const char *unit;      /* "layer", "bits", "probability", "logit", ""; of a list or map: of its values */
    const char *doc;       /* one sentence */
    enum ll_doc_object of; /* OBJECT, OBJECTS, and a MAP of objects */
    const char *when;      /* it is there only then; NULL: always */
    /* a column of the same name; NULL: none. What the row itself does not say is the column's. */
    const struct ll_schema *schema;
    int col;
};
/* Row of a key, the column's part filled in. */
struct ll_doc_key_row ll_doc_key(enum ll_doc_key k);
/* One sentence on an object; "" for LL_OBJ_NONE. */
const char *ll_doc_object_doc(enum ll_doc_object o);
/* All objects and their keys as Markdown, appended. */
void ll_doc_keys_put(struct ll_buf *out);
/* "text", "integer", "real", ... */
const char *ll_key_kind_name(enum ll_key_kind kind);
#endif
