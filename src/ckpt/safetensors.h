/* safetensors.h - internal to ckpt: the header of one .safetensors file.
 *
 *     8 bytes   N, little-endian
 *     N bytes   JSON: {"name": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [begin, end]}, ...,
 *               "__metadata__": {}}
 *     rest      the data area; offsets count from its first byte
 *
 * Checked here: N against the file and the format's limit of 100 MB; the JSON (json_tree.h); each dtype,
 * shape and size (a type that is not read here is kept by name: struct ll_tensor, opaque); and that the
 * tensors cover the data area from its first byte to its last, without overlap and without holes, as the
 * reference implementation demands. Source: safetensors README ("Format") and Metadata::validate of its
 * crate. */
#ifndef LL_CKPT_SAFETENSORS_H
#define LL_CKPT_SAFETENSORS_H
#include "ckpt.h"

struct ll_st_header {
    struct ll_tensor
        *tensors; /* owned, in order of their data; data borrowed from the bytes parsed, file = 0 */
    int n_tensors;
    char *names; /* owned: where the names of the tensors and of opaque types lie */
    size_t size; /* 8 + N: bytes before the data area */
};

/* bytes[n]: the whole file, mapped or read; only its header is looked at. file: used in messages. Returns
 * LL_OK, or LL_EUSAGE (broken: the message names file, tensor, field, expected and found), LL_EUNSUP (a dtype
 * that the format does not have) or LL_EFAIL (memory). After a failure there is nothing to free. */
int ll_st_parse(struct ll_st_header *h, const char *file, const uint8_t *bytes, size_t n, struct ll_err *err);
void ll_st_free(struct ll_st_header *h); /* {0} and a freed one are fine */
#endif
