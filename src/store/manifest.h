/* manifest.h - a list of files with SHA-256 and size. manifest.json of a run folder lists every output file,
 * so that a run can be verified; marks of models that are done (kept.h) are such lists, too.
 *
 *   {"schema_version", "tool", "key", "files": [{"name", "sha256", "bytes"}, ...]}   files output-*, by name
 *
 * The key says what was run (settings, models asked for, tool). Nothing in it depends on the machine or the
 * clock. */
#ifndef LL_MANIFEST_H
#define LL_MANIFEST_H
#include "fail.h"

struct ll_manifest_file {
    char *name;
    char sha256[65];
    long long bytes;
};
extern const char ll_manifest_name[]; /* "manifest.json" */
struct ll_manifest {
    struct ll_manifest_file *files;
    int n;
    char key[65]; /* as read; "": none of 64 hex digits */
};

/* The output-* files that lie in folder now, sorted by name. */
int ll_manifest_scan(struct ll_manifest *m, const char *folder, struct ll_err *err);
/* The file of that name in folder, as it is now, at the end of the list. LL_OK, LL_EUSAGE or LL_EFAIL. */
int ll_manifest_add(struct ll_manifest *m, const char *folder, const char *name, struct ll_err *err);
/* Write it as `name` into folder. */
int ll_manifest_write(const struct ll_manifest *m, const char *folder, const char *name, const char *key,
                      struct ll_err *err);
/* Read such a file. LL_EUSAGE when it is absent or broken, *m then empty. */
int ll_manifest_read(struct ll_manifest *m, const char *folder, const char *name, struct ll_err *err);
const struct ll_manifest_file *ll_manifest_find(const struct ll_manifest *m,
                                                const char *name); /* NULL: not in it */
void ll_manifest_free(struct ll_manifest *m);                      /* {0} and twice are fine */
#endif
