/* map.h - a file mapped read-only, and files written whole or not at all. */
#ifndef LL_MAP_H
#define LL_MAP_H
#include "buf.h"
#include "fail.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A whole regular file as bytes. `data` is NULL for an empty file. Reading beyond the end of a file that
 * somebody truncates later raises SIGBUS, as with every mapping. */
struct ll_map {
    const uint8_t *data; /* owned mapping, read-only, private */
    size_t size;         /* bytes */
};

/* Map the file at path. Returns LL_OK, or LL_EUSAGE (no such file, no regular file) or LL_EFAIL. */
int ll_map_open(struct ll_map *map, const char *path, struct ll_err *err);
void ll_map_close(struct ll_map *map);
/* Tell the kernel that bytes [off, off+len) will be wanted soon, or not any more. Advice only. */
void ll_map_will_need(const struct ll_map *map, size_t off, size_t len);
void ll_map_dont_need(const struct ll_map *map, size_t off, size_t len);

/* Read a whole file into b (appended). limit: refuse more bytes than that. */
int ll_file_read(const char *path, size_t limit, struct ll_buf *b, struct ll_err *err);

/* A file that appears under its name only when complete: written as "<path>.tmp<pid>", then flushed, fsynced
 * and renamed by ll_outfile_commit(). ll_outfile_abort() (also after a failure, also twice) removes it. */
struct ll_outfile {
    FILE *f;          /* write here; errors are noticed at commit */
    char *path, *tmp; /* owned */
};
int ll_outfile_open(struct ll_outfile *out, const char *path, struct ll_err *err);
int ll_outfile_commit(struct ll_outfile *out, struct ll_err *err);
void ll_outfile_abort(struct ll_outfile *out);
/* The whole content at once. */
int ll_file_write(const char *path, const void *bytes, size_t n, struct ll_err *err);

/* 1 when path is a folder / a regular file, else 0. */
int ll_is_dir(const char *path);
int ll_is_file(const char *path);
/* mkdir -p. */
int ll_make_dirs(const char *path, struct ll_err *err);
/* "<dir>/<name>" as an owned string, NULL without memory. */
char *ll_path_join(const char *dir, const char *name);
/* The part after the last '/' (trailing slashes do not count); owned by the caller. */
char *ll_path_base(const char *path);
#endif
