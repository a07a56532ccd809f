/* map.h - a file mapped read-only, and names of files and folders. Files are written by outfile.h. */
#ifndef LL_MAP_H
#define LL_MAP_H
#include "buf.h"
#include "fail.h"

#include <stddef.h>
#include <stdint.h>

/* What a file was when it was opened, to see later whether it still is that. */
struct ll_file_mark {
    unsigned long long dev, ino;
    long long size, sec; /* bytes; time of the last change of its content */
    long nsec;
};

/* A whole regular file as bytes. `data` is NULL for an empty file. Reading beyond the end of a file that
 * somebody truncates later raises SIGBUS, as with every mapping (bus.h ends the program with a line then). */
struct ll_map {
    const uint8_t *data; /* owned mapping, read-only, private */
    size_t size;         /* bytes */
    struct ll_file_mark mark;
};

/* Map the file at path. Returns LL_OK, or LL_EUSAGE (no such file; not a regular file, with what it is
 * instead; a Git LFS pointer) or LL_EFAIL. Never waits for somebody to write into a FIFO. */
int ll_map_open(struct ll_map *map, const char *path, struct ll_err *err);
void ll_map_close(struct ll_map *map);
/* Is the file at path still what was mapped? LL_OK, also when another file has taken its name (the mapping
 * keeps the old one's content), or LL_EFAIL: its content was written or cut while it was in use. */
int ll_map_unchanged(const struct ll_map *map, const char *path, struct ll_err *err);
/* Tell the kernel that bytes [off, off+len) will be wanted soon, or not any more. Advice only. */
void ll_map_will_need(const struct ll_map *map, size_t off, size_t len);
void ll_map_dont_need(const struct ll_map *map, size_t off, size_t len);

/* Read a whole file into b (appended). limit: refuse more bytes than that. Errors as ll_map_open(); a file
 * that ends early or grows meanwhile is LL_EFAIL. A stream that the caller of the program has opened
 * (/dev/stdin, /dev/fd/N: what <(...) of a shell gives) is read to its end; a FIFO by any other name is
 * refused. */
int ll_file_read(const char *path, size_t limit, struct ll_buf *b, struct ll_err *err);

/* 1 when path is a folder / a regular file, else 0. */
int ll_is_dir(const char *path);
int ll_is_empty_dir(const char *path); /* a folder in which nothing lies */
int ll_is_file(const char *path);
/* NULL when path is a regular file (links are followed); else what it is instead, for messages: "nothing", "a
 * folder", "a link to nothing", "a FIFO", "a socket", "a device". */
const char *ll_not_a_file(const char *path);
/* 1 when something has that name, even a link to nothing or a folder. For names that must not be ignored
 * only because they are not regular files. */
int ll_is_there(const char *path);
/* The reason why path cannot be read as a file: LL_EUSAGE, "PATH: expected a regular file, found a FIFO". */
int ll_fail_not_a_file(const char *path, struct ll_err *err);
/* Are these the n bytes of a Git LFS pointer: the few lines that stand for a large file that was not
 * fetched? */
int ll_is_lfs_pointer(const void *bytes, size_t n);
/* The reason for one: LL_EUSAGE, with what to do. */
int ll_fail_lfs(const char *name, struct ll_err *err);
/* mkdir -p. */
int ll_make_dirs(const char *path, struct ll_err *err);
/* A new folder under TMPDIR (else /tmp) for this process alone; path gets its name. 0, or -1: none could be
 * made, *path then empty. */
int ll_make_temp_dir(char path[256]);
/* "<dir>/<name>" as an owned string, NULL without memory. */
char *ll_path_join(const char *dir, const char *name);
/* The part after the last '/' (trailing slashes do not count), as a name that can be shown (ll_shown_name);
 * owned by the caller. */
char *ll_path_base(const char *path);
#endif
