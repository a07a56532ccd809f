/* ckpt.h - a checkpoint as named tensors and settings, the same for every container.
 *
 * A Hugging Face folder (config.json + one *.safetensors, or many with model.safetensors.index.json), a
 * single .safetensors or .index.json file beside its config.json, a GGUF file of any name (single, or any
 * part of a split one) or a folder with one such model and no safetensors, or org/name[@rev] in the local hub
 * cache (hub.h). Of a GGUF model the settings stay in its metadata (gguf.h; read by src/model). Everything in
 * the files is hostile until checked: lengths, offsets, products, types and UTF-8. Tensors stay as stored in
 * the mapped files; nothing is copied. Source: safetensors format document; ggml's gguf.md; huggingface_hub
 * cache layout. */
#ifndef LL_CKPT_H
#define LL_CKPT_H
#include "dtype.h"
#include "fail.h"
#include "map.h"
#include "packed.h"
#include "settings.h"

#include <stddef.h>
#include <stdint.h>

enum { LL_MAX_DIMS = 8 };

struct ll_gguf;

struct ll_tensor {
    const char *name; /* borrowed from the checkpoint, valid UTF-8 */
    enum ll_dtype dtype;
    const char *opaque; /* name of a storage type that is not read here, borrowed; then dtype is LL_U8 and the
                         * data are so many bytes; NULL for nearly all */
    int n_dims;         /* 0 = scalar */
    int64_t dims[LL_MAX_DIMS]; /* outermost first, row-major; unused ones 0; of more dimensions the last holds
                                  the product */
    const uint8_t *data;       /* borrowed from the mapping; may be unaligned */
    size_t size;               /* bytes, checked against dims and dtype */
    int file;                  /* index into ckpt->files */
    int consulted;             /* read for the rotation of a GGUF model: "rope_freqs.weight" */
    const struct ll_packed *packed; /* what turns the stored numbers into weights; NULL for nearly all */
};

struct ll_ckpt_file {
    char *path;           /* owned */
    char *name;           /* owned: path relative to the checkpoint folder, for messages and provenance */
    char *tensor_names;   /* owned: where the names of its tensors lie */
    struct ll_map map;    /* owned */
    struct ll_gguf *gguf; /* owned: its header, where it is a GGUF file; else NULL */
    size_t header_size;   /* bytes before the first tensor */
};

struct ll_ckpt {
    char *path;  /* owned: as resolved */
    char *dir;   /* owned: folder that holds config.json, tokenizer.json */
    char *clean; /* owned: model name, the part after the last '/' of what was asked for (without @rev; of a
                  * file named model.*: of its folder; of a folder inside a hub cache: of the model's id) */
    char *model_id;        /* owned: "org/name" when it came from the hub cache, else clean */
    const char *container; /* "safetensors", "gguf" */
    struct ll_gguf *gguf;  /* metadata of a GGUF model: that of files[0] (gguf.h); NULL for safetensors */
    struct ll_settings *settings; /* owned: config.json; without any key for GGUF */
    struct ll_ckpt_file *files;   /* owned */
    int n_files;
    struct ll_tensor *tensors; /* owned, sorted by name, each name once */
    int n_tensors;
    struct ll_packed *packed; /* owned: those of the tensors */
    char **notes; /* owned: what a user of this checkpoint should be told, each once, n_notes of them */
    int n_notes;
};

/* Open what `model` names (see above). Reads headers only. Where config.json has a quantization_config, its
 * scales and zeros are joined to the weights: "X.qweight" and its companions become a tensor "X.weight" of
 * shape [n, k] (packed_ckpt.c). Returns LL_OK, or LL_EUSAGE (missing or broken file: the message names file,
 * field, expected and found), LL_EUNSUP (pickled weights, a quantisation not known) or LL_EFAIL. A tensor of
 * a storage type that is not read here is not refused here, but by the code that needs its values
 * (ll_tensor_type).
 * After a failure there is nothing to free. */
int ll_ckpt_open(struct ll_ckpt **ckpt, const char *model, struct ll_err *err);
void ll_ckpt_close(struct ll_ckpt *ckpt); /* NULL is fine */
/* Note something about this checkpoint that changes no result, but that its user should know: one line
 * without "warning:", naming file or key. The same line is kept only once. LL_OK or LL_EFAIL (memory).
 * Readers: c->notes, in the order in which they were found; commands print each once on stderr, documents
 * list them. */
int ll_ckpt_note(struct ll_ckpt *c, struct ll_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Are the files still what was opened? LL_OK, or LL_EFAIL: one was written to or cut meanwhile, and what was
 * read from it is not to be trusted. Costs a stat() a file. */
int ll_ckpt_unchanged(const struct ll_ckpt *ckpt, struct ll_err *err);
/* The tensor of that name, or NULL. */
const struct ll_tensor *ll_ckpt_find(const struct ll_ckpt *ckpt, const char *name);
/* Ask the kernel to read a tensor ahead / to drop its pages. */
void ll_ckpt_will_need(const struct ll_ckpt *ckpt, const struct ll_tensor *t);
void ll_ckpt_dont_need(const struct ll_ckpt *ckpt, const struct ll_tensor *t);

/* What the checkpoint is, cheaply: SHA-256 (hex) over the bytes of config.json, tokenizer.json and
 * tokenizer_config.json (where there; of a GGUF model instead all metadata but its division into parts), and
 * per tensor, in order of names, its name, dtype, shape and size, and 64 bytes from its middle (of at most
 * 1024 tensors, evenly chosen), so that training steps and fine-tunes of one model differ. Independent of
 * where the files lie, their names and their division into shards. It does not prove the weights equal: that
 * takes a hash of all bytes. Costs a read of the tokenizer (33 MB: 0.1 s) and a page a tensor. LL_OK,
 * LL_EUSAGE or LL_EFAIL. */
int ll_ckpt_identity(const struct ll_ckpt *ckpt, char hex[65], struct ll_err *err);

/* What a tensor is stored as, for people: "BF16", "Q4_K", "F6_E2M3", "GGML type 77". Borrowed. */
const char *ll_tensor_type(const struct ll_tensor *t);
/* First NaN or infinite value of a tensor as stored: its flat index, or -1 when all are finite (integers
 * always are). */
int64_t ll_tensor_nonfinite(const struct ll_tensor *t);
#endif
