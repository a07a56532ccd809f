/* torch_file.h - what torch.save makes of tensors, alone or in containers, read and written without Python.
 *
 *     a zip archive (zip.h) of stored entries, all below one folder name:
 *     X/data.pkl     a pickle of protocol 2: {"0.weight": tensor, ...}
 *     X/data/K       the bytes of storage K
 *     X/byteorder    "little" (absent: taken for it)
 *
 * The pickle is interpreted by a table of the opcodes that such a file needs (torch_pickle.c). Nothing can be
 * called: the only names known are collections.OrderedDict, torch._utils._rebuild_tensor_v2 and the types of
 * storages; every other one is refused by name. Lengths, offsets, strides, memo numbers and depths are
 * checked. Source: torch.serialization (torch.save, _use_new_zipfile_serialization), Python's pickletools. */
#ifndef LL_CKPT_TORCH_FILE_H
#define LL_CKPT_TORCH_FILE_H
#include "buf.h"
#include "ckpt.h"

struct ll_torch_file {
    /* owned, in the order of the containers; row-major; data borrowed from the bytes parsed or from
     * `owned` */
    struct ll_tensor *tensors;
    int n_tensors;
    char *names;     /* owned */
    uint8_t **owned; /* copies of tensors that are not row-major as stored; owned */
    int n_owned;
    struct ll_buf passed; /* what is not a tensor, with a root: "NAME: what it is", one a line; owned */
};
/* bytes[n]: the whole file. root NULL: a dictionary of float tensors and nothing else. Else dictionaries,
 * lists and tuples, one inside the other once, of tensors of floats and integers; names are joined by dots,
 * keys or numbers ("hidden_states.3"), and what the file itself is, a list or one tensor, is called root.
 * Returns LL_OK, LL_EUSAGE (broken, or something else), LL_EUNSUP (other opcodes, names, storage types,
 * compressed data, the format before torch 1.6) or LL_EFAIL (memory). After a failure there is nothing to
 * free. */
int ll_torch_parse(struct ll_torch_file *t, const char *file, const char *root, const uint8_t *bytes,
                   size_t n, struct ll_err *err);
/* 1: begins as a pickle does, or an archive that holds X/data.pkl */
int ll_torch_is(const uint8_t *bytes, size_t n);
void ll_torch_free(struct ll_torch_file *t); /* {0} and twice are fine */
#endif
