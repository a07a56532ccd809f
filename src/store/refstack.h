/* refstack.h - activations as files others read: safetensors with hook names as keys, or after_layer_N.bin.
 *
 * after_*.bin (docs/diagnostics.md 4.1): 4 bytes signed little-endian count N, then N binary32 little-endian,
 * nothing else; for S tokens N = S * d, row-major; manifest.json beside them names model, tokens and the
 * SHA-256 of every file. */
#ifndef LL_REFSTACK_H
#define LL_REFSTACK_H
#include "fail.h"

#include <stddef.h>
#include <stdint.h>

enum ll_array_type { LL_ARRAY_F32, LL_ARRAY_I32 };
struct ll_array {
    char *name; /* owned by whoever made the list */
    enum ll_array_type type;
    int n_dims;
    int64_t dims[4];
    const void *data; /* borrowed */
};
/* One safetensors file: header padded to 8 bytes, tensors in the given order. meta: key, value, ..., NULL;
 * text. */
int ll_safetensors_write(const char *path, const struct ll_array *arrays, int n, const char *const *meta,
                         struct ll_err *err);

/* One .bin file in an existing folder; hex (65 bytes) gets its SHA-256. */
int ll_bin_write(const char *folder, const char *name, const float *x, int64_t n, char hex[65],
                 struct ll_err *err);
#endif
