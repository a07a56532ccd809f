/* torch_file.h - internal to ckpt: what torch.save makes of a dictionary of tensors, read and written without Python.
 *
 *     a zip archive (zip.h) of stored entries, all below one folder name:
 *     X/data.pkl     a pickle of protocol 2: {"0.weight": tensor, ...}
 *     X/data/K       the bytes of storage K
 *     X/byteorder    "little" (absent: taken for it)
 *
 * The pickle is interpreted by a table of the opcodes that such a dictionary needs (torch_pickle.c). Nothing can be called:
 * the only names known are collections.OrderedDict, torch._utils._rebuild_tensor_v2 and the storage types torch.FloatStorage,
 * DoubleStorage, HalfStorage, BFloat16Storage; every other one is refused by name. Lengths, offsets, strides, memo numbers and
 * depths are checked. Source: torch.serialization (torch.save, _use_new_zipfile_serialization), Python's pickletools. */
#ifndef LL_CKPT_TORCH_FILE_H
#define LL_CKPT_TORCH_FILE_H
#include "ckpt.h"

struct ll_torch_file {
    struct ll_tensor *tensors; /* owned, in the order of the dictionary; row-major; data borrowed from the bytes parsed or from `owned` */
    int n_tensors;
    char *names;               /* owned */
    uint8_t **owned;           /* copies of tensors that are not row-major as stored; owned */
    int n_owned;
};
/* bytes[n]: the whole file. Returns LL_OK, LL_EUSAGE (broken, or no dictionary of tensors), LL_EUNSUP (other opcodes, names, storage
 * types, compressed data, the format before torch 1.6) or LL_EFAIL (memory). A failed parse holds nothing. */
int ll_torch_parse(struct ll_torch_file *t, const char *file, const uint8_t *bytes, size_t n, struct ll_err *err);
void ll_torch_free(struct ll_torch_file *t); /* {0} and twice are fine */
#endif
