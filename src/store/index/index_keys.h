/* index_keys.h - paths into a document by the numbers of its keys: src/record's table (doc_keys.h) holds the
 * names; here are those that it does not list. For src/store only. */
#ifndef LL_INDEX_KEYS_H
#define LL_INDEX_KEYS_H
#include "doc_keys.h"

/* Keys of the original's own files; of ours, a setting and keys that end in the name of a lens. */
#define LL_OTHER_KEYS(X) \
    X(LAST_POSITION_ONLY, "last_position_only") \
    X(TOP2_OK, "L_semantic_top2_ok") \
    X(SURFACE, "L_surface_to_meaning") \
    X(SURFACE_NORM, "L_surface_to_meaning_norm") \
    X(GEOM, "L_geom") \
    X(GEOM_NORM, "L_geom_norm") \
    X(DECAY, "L_topk_decay") \
    X(DECAY_NORM, "L_topk_decay_norm")

#define LL_OTHER_NUMBER(id, name) LL_OTHER_##id,
enum ll_other_key { LL_OTHER_BEFORE = LL_N_DOC_KEYS - 1, LL_OTHER_KEYS(LL_OTHER_NUMBER) LL_PATH_END };
#undef LL_OTHER_NUMBER

/* A member's member: LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL). Static at file scope. */
#define LL_PATH(...) \
    (const int[]) { __VA_ARGS__, LL_PATH_END }
/* Name of an LL_K_... or LL_OTHER_... */
const char *ll_index_key_name(int key);
#endif
