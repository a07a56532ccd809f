/* json_index.h - members of large objects and arrays of a JSON tree, found without walking
 * along them.
 *
 * A settings file is asked for a few values a layer; with hundreds of thousands of keys each question would
 * walk them all. */
#ifndef LL_JSON_INDEX_H
#define LL_JSON_INDEX_H
#include "fail.h"

#include <stddef.h>

struct cJSON;
struct ll_json_list; /* one large container's members */

/* The large containers of one tree. All zero: none, and every question walks. */
struct ll_json_index {
    struct ll_json_list *lists; /* [n_lists], in order of address; owned */
    size_t n_lists;
};

/* Index the tree, which must stay as it is. LL_OK; LL_EFAIL without memory (then *x is all zero). */
int ll_json_index_make(struct ll_json_index *x, const struct cJSON *tree, struct ll_err *err);
void ll_json_index_free(struct ll_json_index *x);
/* The member of an object whose key is the n bytes at key; member i of an array or object in the file's
 * order. NULL: none. Borrowed from the tree. */
const struct cJSON *ll_json_member(const struct ll_json_index *x, const struct cJSON *object, const char *key,
                                   size_t n);
const struct cJSON *ll_json_item(const struct ll_json_index *x, const struct cJSON *list, size_t i);
/* Members of an array or object. */
size_t ll_json_count(const struct ll_json_index *x, const struct cJSON *list);
#endif
