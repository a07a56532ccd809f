/* gguf.h - one GGUF file: its metadata (key-value pairs) and its table of tensors, read where they lie.
 *
 *     "GGUF", u32 version (2 or 3), u64 tensors, u64 pairs          all little-endian
 *     pairs     key, u32 type, value                                a string is u64 length + bytes
 *     tensors   name, u32 dims, u64 sizes (innermost first), u32 storage type, u64 offset
 *     padding to general.alignment (32), then the data area; offsets count from its first byte
 *
 * Everything is checked when the file is opened: counts and lengths against the bytes that are there, types,
 * sizes whose product overflows, alignment, offsets (aligned, inside the file, without overlap), keys and
 * tensor names (UTF-8, each once). Afterwards nothing here can fail, and nothing is copied but names: strings
 * and numbers are borrowed from the mapping, so they live as long as the struct ll_gguf. Read-only, any
 * number of threads. Source: ggml's docs/gguf.md. */
#ifndef LL_CKPT_GGUF_H
#define LL_CKPT_GGUF_H
#include "fail.h"

#include <stddef.h>
#include <stdint.h>

enum ll_gguf_type { /* numbers of the format */
                    LL_GGUF_U8,
                    LL_GGUF_I8,
                    LL_GGUF_U16,
                    LL_GGUF_I16,
                    LL_GGUF_U32,
                    LL_GGUF_I32,
                    LL_GGUF_F32,
                    LL_GGUF_BOOL,
                    LL_GGUF_STR,
                    LL_GGUF_ARR,
                    LL_GGUF_U64,
                    LL_GGUF_I64,
                    LL_GGUF_F64,
                    LL_GGUF_N_TYPES
};

/* One pair. Of an array, type is that of its elements (never LL_GGUF_ARR: arrays of arrays are refused). */
struct ll_gguf_kv {
    const char *key; /* valid UTF-8 without NUL, NUL-terminated */
    enum ll_gguf_type type;
    int is_array;
    uint64_t n;            /* elements; 1 for a single value */
    const uint8_t *data;   /* first element, borrowed */
    size_t size;           /* bytes of all elements as stored */
    const uint64_t *marks; /* strings: where every 32nd begins, from data; NULL for others */
};

struct ll_gguf_tensor {
    const char *name; /* valid UTF-8 without NUL, NUL-terminated */
    int n_dims;
    uint64_t dims[4]; /* innermost first, as the file has them */
    uint32_t type;    /* GGML's number, not yet looked up */
    uint64_t offset;  /* from the first byte of the data area */
};

struct ll_gguf;

/* 1 when the file at path begins as a GGUF file does; its name does not matter. */
int ll_is_gguf(const char *path);
/* Map and check a file. A file without tensors (a vocabulary) is fine. Returns LL_OK, LL_EUSAGE (broken:
 * file, field, expected, found), LL_EUNSUP (big-endian, version 1, arrays of arrays) or LL_EFAIL. After a
 * failure there is nothing to free. */
int ll_gguf_open(struct ll_gguf **g, const char *path, struct ll_err *err);
/* The same for bytes that the caller keeps. file: used in messages. */
int ll_gguf_parse(struct ll_gguf **g, const char *file, const uint8_t *bytes, size_t n, struct ll_err *err);
void ll_gguf_close(struct ll_gguf *g); /* NULL is fine */

/* ---- metadata -------------------------------------------------------------------------------- */
int ll_gguf_n_kv(const struct ll_gguf *g);
const struct ll_gguf_kv *ll_gguf_kv_at(const struct ll_gguf *g, int i); /* in order of keys (bytes) */
const struct ll_gguf_kv *ll_gguf_find(const struct ll_gguf *g, const char *key); /* NULL: absent */

/* Element i (0 for a single value) as the wanted kind. Returns 1 and *out, or 0 when kv is NULL, i >= n, the
 * stored type is of another kind (int: all integers and bool, u64 up to INT64_MAX; num: all integers, f32,
 * f64), or out of range. */
int ll_gguf_int(const struct ll_gguf_kv *kv, uint64_t i, int64_t *out);
int ll_gguf_num(const struct ll_gguf_kv *kv, uint64_t i, double *out);
int ll_gguf_bool(const struct ll_gguf_kv *kv, uint64_t i, int *out); /* bool only; 0 or 1 */
/* A string: *s is not NUL-terminated, may hold any bytes (no UTF-8 promised); constant time. */
int ll_gguf_str(const struct ll_gguf_kv *kv, uint64_t i, const char **s, size_t *len);
/* The same by key for single values (arrays do not count), with a fallback for absent or another kind. */
int64_t ll_gguf_get_int(const struct ll_gguf *g, const char *key, int64_t fallback);
int ll_gguf_get_str(const struct ll_gguf *g, const char *key, const char **s, size_t *len); /* 1 when there */
const char *ll_gguf_type_name(enum ll_gguf_type t); /* "u32", "string", ... */

/* All strings of an array in order, cheapest:  struct ll_gguf_iter it = ll_gguf_iter(kv); while
 * (ll_gguf_next(&it, &s, &n)) ... Gives nothing when kv is NULL or holds no strings. */
struct ll_gguf_iter {
    const uint8_t *at;
    uint64_t left;
};
struct ll_gguf_iter ll_gguf_iter(const struct ll_gguf_kv *kv);
int ll_gguf_next(struct ll_gguf_iter *it, const char **s, size_t *len);

/* ---- tensors --------------------------------------------------------------------------------- */
uint64_t ll_gguf_data_start(
    const struct ll_gguf *g); /* offset of the data area in the file; may lie past its end */

/* The tensors as a checkpoint wants them: types looked up, sizes outermost first, each checked to hold whole
 * blocks and to lie inside the file without overlap, in order of their data. The size of a storage
 * type that is not read here (struct ll_tensor, opaque) is not known: its data reach to the next tensor's or
 * the end.
 * *out is owned by the caller (free), and so is *type_names, where the names of such types lie (NULL: there
 * are none); names of tensors stay g's. file: used in messages. LL_OK, LL_EUSAGE or LL_EFAIL. */
struct ll_tensor;
int ll_gguf_list(const struct ll_gguf *g, const char *file, struct ll_tensor **out, int *n, char **type_names,
                 struct ll_err *err);
#endif
