/* dump_json.h - manifest.json of a folder of activations. */
#ifndef LL_DUMP_JSON_H
#define LL_DUMP_JSON_H
#include "record.h"
#include "token_names.h"

#include <stdint.h>

struct ll_dump_file {
    char name[64], sha256[65];
    int n_dims;
    int64_t dims[4];
};
struct ll_dump_manifest { /* all borrowed */
    const char *model;
    const int *ids;
    int n_ids, d_model, counted;
    const struct ll_token_names *names;
    const struct ll_dump_file *files;
    int n_files;
};
void ll_dump_manifest_json(struct ll_buf *out, const struct ll_dump_manifest *m);
#endif
