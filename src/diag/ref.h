/* ref.h - activations that somebody else computed, whatever they come in: a list of named arrays, and the
 * token ids.
 *
 *   folder          after_embeddings.bin, after_layer_N.bin, after_final_norm.bin, final_logits.bin,
 * layerN_COMPONENT.bin, or any NODE.bin / NODE.npy / NODE.pt; manifest.json may name the token ids .bin: 4
 * bytes signed little-endian count N, then N binary32 little-endian, nothing else; or values alone, as
 *                   numpy's tofile writes them: type and shape then follow from the point and the tokens
 * (ref_raw.c)
 *   *.safetensors   names as dump writes them (TransformerLens'), or SEQUENCE.input_ids, SEQUENCE.hidden,
 * SEQUENCE.layerL.STEP
 *   *.npz, *.npy    numpy; entries stored or deflated; little-endian float16/32/64, C order
 *   *.pt, *.pth     torch.save of a tensor, or of dictionaries, lists and tuples of them (ckpt's
 * torch_file.h); nothing is executed text            what llama.cpp's evaluation callback prints: "... NAME =
 * (f32) OP(...) = {shape}", values, "sum = X"
 *
 * Everything in the files is hostile until checked. What a name means is ref_place.h's business. Sources:
 * docs/diagnostics.md 4.1; numpy's format document (NEP 1); llama.cpp's examples/eval-callback. */
#ifndef LL_REF_H
#define LL_REF_H
#include "buf.h"
#include "fail.h"

#include <stddef.h>
#include <stdint.h>

struct ll_tensor;
enum { LL_REF_DIMS = 4 };
struct ll_ref_array {
    char *name;  /* owned */
    char op[24]; /* operation that made it, where the reference says so; else "" */
    int n_dims;  /* leading 1s are dropped; 1 and dims[0] = n where the file does not know the shape */
    int64_t dims[LL_REF_DIMS]; /* outermost first */
    int64_t n;                 /* their product */
    float *x;                  /* [n]; owned; NULL: values were cut, only the sum is known */
    const char *dtype;         /* as stored: "float32", ...; static */
    int has_sum;
    double sum;
    uint8_t *raw;
    size_t n_raw; /* values alone, of a type that the file does not say; x NULL then; owned */
};
struct ll_ref_ids {
    char sequence[64];
    int *v;
    int n;
}; /* v owned */
struct ll_ref {
    const char *kind;     /* "folder", "safetensors", "npz", "npy", "torch file", "callback text" */
    long long room, used; /* bytes that values may take, 0: not asked; that they take */
    int64_t most_values;  /* of one deflated array; 0: as of any */
    struct ll_ref_array *a;
    int n, cap;                    /* owned */
    struct ll_buf passed;          /* what holds no activations: "NAME: why", one a line; owned */
    char model[128], identity[65]; /* what the reference says made it (our dumps do); "": nothing */
    struct ll_ref_ids *seq;
    int n_seq; /* token ids; owned. After ll_ref_open at most one is left, none: the reference does not say */
};
/* sequence NULL: the one with most arrays. most_values: what a deflated array may hold, 0: any. Returns
 * LL_OK, LL_EUSAGE (broken: file, field, expected, found), LL_EUNSUP (a type, compression or pickle not
 * known), LL_EFIT (more than the memory available) or LL_EFAIL. After a failure there is nothing to free. */
int ll_ref_open(struct ll_ref *r, const char *path, const char *sequence, int64_t most_values,
                struct ll_err *err);
void ll_ref_free(struct ll_ref *r); /* {0} and twice are fine */

/* The parsers, for ll_ref_open and the fuzz entries: add what bytes[n] hold to r. file: used in messages. */
int ll_ref_parse_bin(struct ll_ref *r, const char *file, const char *name, const uint8_t *bytes, size_t n,
                     struct ll_err *err);
int ll_ref_parse_npy(struct ll_ref *r, const char *file, const char *name, const uint8_t *bytes, size_t n,
                     struct ll_err *err);
int ll_ref_parse_npz(struct ll_ref *r, const char *file, const uint8_t *bytes, size_t n, struct ll_err *err);
int ll_ref_parse_torch(struct ll_ref *r, const char *file, const char *name, const uint8_t *bytes, size_t n,
                       struct ll_err *err);
int ll_ref_parse_text(struct ll_ref *r, const char *file, const uint8_t *bytes, size_t n, struct ll_err *err);
/* An array to be added: all borrowed, the name is copied. */
struct ll_ref_new {
    const char *file; /* for errors */
    const char *name;
    size_t name_len;
    const int64_t *dims;
    int n_dims;
    const char *dtype; /* static */
    int with_values;   /* 1: room for its values is made */
};
/* A new array of the list; NULL with err filled in (a dimension below 1, more than 2^31 values, memory). */
struct ll_ref_array *ll_ref_add(struct ll_ref *r, const struct ll_ref_new *a, struct ll_err *err);
/* What a tensor of a safetensors or torch file holds. */
int ll_ref_take_tensor(struct ll_ref *r, const char *file, const struct ll_tensor *t, struct ll_err *err);
/* May `bytes` more be taken? LL_OK or LL_EFIT. */
int ll_ref_may_take(const struct ll_ref *r, const char *file, const char *name, uint64_t bytes,
                    struct ll_err *err);
/* Note what is not an activation. */
void ll_ref_pass_over(struct ll_ref *r, const char *name, const char *why);
/* Integers named input_ids, token_ids or tokens become token ids, those of sequence "S" when named
 * "S.input_ids": call with every integer array. rows: n over the last dimension; more than 1 is a batch,
 * refused. value(arg, i): the i-th. Others are passed over. */
int ll_ref_take_ids(struct ll_ref *r, const char *name, int64_t rows, int64_t n,
                    long long (*value)(const void *arg, int64_t i), const void *arg, struct ll_err *err);
#endif
