/* manifest.h - manifest.json of a run folder: every output file with its SHA-256 and size, so that a run can be verified.
 *
 *   {"schema_version", "tool", "key", "files": [{"name", "sha256", "bytes"}, ...]}   files output-*, by name
 *
 * The key says what was run (settings, models asked for, tool). Nothing in it depends on the machine or the clock. */
#ifndef LL_MANIFEST_H
#define LL_MANIFEST_H
#include "fail.h"

struct ll_manifest_file { char *name; char sha256[65]; long long bytes; };
struct ll_manifest { struct ll_manifest_file *files; int n; };

/* The output-* files that lie in folder now, sorted by name. */
int ll_manifest_scan(struct ll_manifest *m, const char *folder, struct ll_err *err);
int ll_manifest_write(const struct ll_manifest *m, const char *folder, const char *key, struct ll_err *err);
/* Read folder's manifest.json. LL_EUSAGE when it is absent or broken. */
int ll_manifest_read(struct ll_manifest *m, const char *folder, struct ll_err *err);
const struct ll_manifest_file *ll_manifest_find(const struct ll_manifest *m, const char *name); /* NULL: not in it */
void ll_manifest_free(struct ll_manifest *m);   /* {0} and twice are fine */
#endif
