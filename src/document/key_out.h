/* key_out.h - JSON members written by the number of their key (doc_keys.h), so that no name is typed twice.
 *
 * Each call asserts that the key belongs to the object that is open and is of the kind that is written: a
 * key in the wrong place is our own mistake and ends the program in the first test that meets it. Values that
 * are not known are null: a real that is not finite, a negative layer, NULL text, a choice of -1. Members of
 * a map and values of a list have no key: they go to the writer inside (json_write.h). */
#ifndef LL_KEY_OUT_H
#define LL_KEY_OUT_H
#include "doc_keys.h"
#include "json_write.h"
#include "layer_delta.h"

enum { LL_KEY_DEPTH = 32 };

struct ll_key_out {
    struct ll_json j;
    enum ll_doc_object
        at[LL_KEY_DEPTH]; /* kind of each open container; LL_OBJ_NONE: its members have no keys */
    enum ll_doc_object items[LL_KEY_DEPTH]; /* of an open list or map: the kind of its objects */
    int depth;
    const char *fill; /* stands for '*' in the names of the keys that follow; borrowed */
};
/* An object that is the whole document. */
void ll_key_begin(struct ll_key_out *o, struct ll_buf *out, enum ll_doc_object root);
/* Open what the key says: an object, a list or a map. _flat: on one line. ll_key_end closes the innermost. */
void ll_key_open(struct ll_key_out *o, enum ll_doc_key k);
void ll_key_open_flat(struct ll_key_out *o, enum ll_doc_key k);
void ll_key_open_tight(struct ll_key_out *o, enum ll_doc_key k); /* without any space, json_write.h */
/* The next object of the open list; of the open map, under its name. */
void ll_key_item(struct ll_key_out *o, const char *name);
void ll_key_item_flat(struct ll_key_out *o);
void ll_key_end(struct ll_key_out *o);

void ll_key_text(struct ll_key_out *o, enum ll_doc_key k, const char *s);
void ll_key_bytes(struct ll_key_out *o, enum ll_doc_key k, const char *s, size_t n);
void ll_key_real(struct ll_key_out *o, enum ll_doc_key k, double v);
void ll_key_int(struct ll_key_out *o, enum ll_doc_key k, long long v);
void ll_key_layer(struct ll_key_out *o, enum ll_doc_key k, long long v); /* any index: negative is null */
void ll_key_delta(struct ll_key_out *o, enum ll_doc_key k, int v);       /* LL_NO_DELTA is null */
void ll_key_bool(struct ll_key_out *o, enum ll_doc_key k, int v);
void ll_key_choice(struct ll_key_out *o, enum ll_doc_key k, int v); /* 1, 0; -1 is null */
void ll_key_null(struct ll_key_out *o, enum ll_doc_key k);

/* What several topics write. */
void ll_key_ints(struct ll_key_out *o, enum ll_doc_key k, const int *v, int n); /* a list on one line */
void ll_key_quartiles(struct ll_key_out *o, enum ll_doc_key k, const double v[3]);
void ll_json_choice(struct ll_json *j, const char *name, int v);
void ll_json_delta(struct ll_json *j, const char *name, int v);
#endif
