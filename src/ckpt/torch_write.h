/* torch_write.h - a dictionary of float32 tensors as torch.save writes it (torch_file.h);
 * torch.load(weights_only=True) reads it. Equal contents give equal files. */
#ifndef LL_CKPT_TORCH_WRITE_H
#define LL_CKPT_TORCH_WRITE_H
#include "fail.h"

#include <stdint.h>

struct ll_torch_new {
    char name[32];
    const float *data;
    int n_dims;
    int64_t dims[2];
}; /* row-major; data borrowed */
/* The file is complete or absent. LL_OK or LL_EFAIL. */
int ll_torch_write(const char *path, const struct ll_torch_new *tensors, int n, struct ll_err *err);
#endif
