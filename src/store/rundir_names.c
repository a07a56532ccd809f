/* rundir_names.c - names and stamps of run folders (rundir_parts.h). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* vasprintf */
#endif
#include "rundir_parts.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

char *ll_dir_name(struct ll_err *err, const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0) {
        s = NULL;
        ll_fail_mem(err, "folder name", 256);
    }
    va_end(ap);
    return s;
}

/* base, then base-2, base-3, ... */
char *ll_dir_numbered(const char *base, int nr, struct ll_err *err)
{
    return nr == 1 ? ll_dir_name(err, "%s", base) : ll_dir_name(err, "%s-%d", base, nr);
}

int ll_is_stamp(const char *s)
{
    for (int i = 0; i < LL_STAMP_LEN; i++)
        if (i == 8 ? s[i] != '-' : s[i] < '0' || s[i] > '9')
            return 0;
    return s[LL_STAMP_LEN] == 0;
}

int ll_dir_exists(const char *path)
{
    struct stat st;
    return !lstat(path, &st);
}

/* The stamp of a run folder from its timestamp-<stamp> file, the newest if there are several; "" without one.
 */
void ll_stamp_of(const char *folder, char stamp[16])
{
    static const char prefix[] = "timestamp-";
    DIR *d = opendir(folder);
    stamp[0] = 0;
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        const char *s = e->d_name + sizeof prefix - 1;
        if (!strncmp(e->d_name, prefix, sizeof prefix - 1) && ll_is_stamp(s) && strcmp(s, stamp) > 0)
            memcpy(stamp, s, LL_STAMP_LEN + 1);
    }
    closedir(d);
}

/* line: the timestamp file, as the original has it; fraction: of the second, ".123456789". Both may be NULL.
 */
void ll_stamp_now(char stamp[16], char line[LL_STARTED_LINE], char fraction[16])
{
    struct tm tm;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    strftime(stamp, 16, "%Y%m%d-%H%M", &tm);
    if (line)
        strftime(line, LL_STARTED_LINE, "Experiment started: %Y-%m-%d %H:%M:%S\n", &tm);
    if (fraction)
        snprintf(fraction, 16, ".%09ld", now.tv_nsec);
}
