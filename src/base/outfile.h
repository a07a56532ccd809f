/* outfile.h - the one way in which files are written: whole or not at all, and never in place of something
 * that is not a file.
 *
 * What lies at the path decides:
 *   nothing, or a regular file    written as "<path>.tmp<pid>" beside it; commit flushes, fsyncs and renames.
 *                                 Mode and owner of the old file are kept; where a rename cannot keep the
 *                                 owner (another user's file), the finished content is copied into it.
 *                                 A file without write permission is not replaced.
 *   a link                        followed, even when it points to nothing yet: the link stays
 *   a device, a pipe, a socket    written to directly
 *   /dev/stdout, /dev/stderr, /dev/fd/N, /proc/self/fd/N
 *                                 the open descriptor of that number, whatever it is (a shell's process
 *                                 substitution gives such a path)
 *   a folder                      refused */
#ifndef LL_OUTFILE_H
#define LL_OUTFILE_H
#include "fail.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct ll_outfile {
    FILE *f;      /* write here, in order, without seeking; errors are noticed at commit */
    int why;      /* errno of the first ll_outfile_write that failed */
    char *path;   /* owned: as it was given, for messages */
    char *target; /* owned: path with its last links followed; NULL: written to directly */
    char *tmp;    /* owned: what f writes; NULL: written to directly */
    int has_old;  /* a regular file is there; its mode and owner: */
    unsigned mode;
    uid_t uid;
    gid_t gid;
};
/* LL_OK; LL_EUSAGE: a folder; LL_EFAIL: the system says no. After a failure there is nothing to free. */
int ll_outfile_open(struct ll_outfile *out, const char *path, struct ll_err *err);
/* Write n bytes; a failure shows at commit. */
void ll_outfile_write(struct ll_outfile *out, const void *bytes, size_t n);
/* LL_OK or LL_EFAIL; *out is empty afterwards, and after a failure the file that was there still is (of one
 * written to directly what was written before cannot be taken back). */
int ll_outfile_commit(struct ll_outfile *out, struct ll_err *err);
/* Drop what was written; also after a failure, also twice, also on {0}. */
void ll_outfile_abort(struct ll_outfile *out);
/* The whole content at once. */
int ll_file_write(const char *path, const void *bytes, size_t n, struct ll_err *err);
/* Could ll_outfile_open write there now? Makes nothing, changes nothing. LL_OK, LL_EUSAGE or LL_EFAIL. */
int ll_outfile_check(const char *path, struct ll_err *err);
#endif
