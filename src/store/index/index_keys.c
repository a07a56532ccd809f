/* index_keys.c - see index_keys.h */
#include "index_keys.h"

const char *ll_index_key_name(int key)
{
#define NAME(id, name) name,
    static const char *const other[] = {LL_OTHER_KEYS(NAME)};
#undef NAME
    return key < LL_N_DOC_KEYS ? ll_doc_key((enum ll_doc_key)key).name : other[key - LL_N_DOC_KEYS];
}
