/* layout.h - internal to ckpt: which files make up a checkpoint, told from a path. Reads folder and index, no
 * weights. */
#ifndef LL_CKPT_LAYOUT_H
#define LL_CKPT_LAYOUT_H
#include "fail.h"

struct cJSON;

struct ll_layout_entry {
    const char *tensor; /* borrowed from the index */
    const char *file;   /* borrowed from the index */
};

struct ll_layout {
    char *dir;           /* owned: folder of config.json, or of the GGUF files */
    int is_gguf;         /* the files are GGUF: one, or all parts of a split one in order */
    char *index_name;    /* owned: name of the index file, NULL without one */
    struct cJSON *index; /* owned: its content */
    struct ll_layout_entry
        *entries; /* owned: the weight map, sorted by file, then tensor; NULL without an index */
    int n_entries;
    char **files; /* owned: names inside dir, sorted, each once */
    int n_files;
    char *adapter; /* owned: name of a file that says that an adapter lies beside the model; NULL: none */
    char *clean;   /* owned: what the path calls the model */
};

/* path must exist: a folder, a .safetensors file, an index, or a GGUF file, known by its first bytes whatever
 * its name (of a split model any part, by its name). Returns LL_OK, or LL_EUSAGE (no checkpoint, config.json
 * or shard missing, an index that points elsewhere), LL_EUNSUP (pickles only, an adapter) or LL_EFAIL. After
 * a failure there is nothing to free. */
int ll_layout_find(struct ll_layout *l, const char *path, struct ll_err *err);
void ll_layout_free(struct ll_layout *l); /* {0} is fine */
#endif
