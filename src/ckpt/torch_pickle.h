/* torch_pickle.h - internal to ckpt: the pickle of torch_file.h as a flat list of named views of storages. */
#ifndef LL_CKPT_TORCH_PICKLE_H
#define LL_CKPT_TORCH_PICKLE_H
#include "ckpt.h"

/* A key of a dictionary, borrowed from the pickle (valid UTF-8 without NUL), or s NULL: the number i. */
struct ll_torch_key {
    const char *s;
    size_t n;
    int64_t i;
};
struct ll_torch_view {
    struct ll_torch_key name[2];
    int n_names;     /* from the outermost container inwards */
    const char *why; /* not NULL: the reason why this tensor cannot be read; static */
    const char *key;
    size_t key_len; /* of the storage; borrowed */
    enum ll_dtype dtype;
    int64_t storage_len, offset; /* values */
    int n_dims;
    int64_t dims[LL_MAX_DIMS], strides[LL_MAX_DIMS]; /* >= 0; in values */
};
/* bytes[n]: the pickle; root as in ll_torch_parse. *views: [*n_views] owned by the caller. Views are not yet
 * checked against their storage. LL_OK, LL_EUSAGE, LL_EUNSUP or LL_EFAIL as ll_torch_parse. */
int ll_torch_unpickle(struct ll_torch_view **views, int *n_views, const char *file, const char *root,
                      const uint8_t *bytes, size_t n, struct ll_err *err);
#endif
