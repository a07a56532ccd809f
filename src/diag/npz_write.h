/* npz_write.h - arrays as numpy.load reads them: an uncompressed .npz, names as keys (format: NEP 1 and
 * APPNOTE.TXT, zip.h). */
#ifndef LL_NPZ_WRITE_H
#define LL_NPZ_WRITE_H
#include "fail.h"

#include <stdint.h>

struct ll_npz_array {
    const char *name; /* borrowed */
    int is_int;       /* int32 instead of float32 */
    int n_dims;
    int64_t dims[4];
    const void *data; /* C order; borrowed */
};
/* Equal contents are equal files. Returns LL_OK or LL_EFAIL; a failed write leaves nothing under the name. */
int ll_npz_write(const char *path, const struct ll_npz_array *arrays, int n, struct ll_err *err);
#endif
