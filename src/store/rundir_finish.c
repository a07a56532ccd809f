/* rundir_finish.c - a complete run folder gets its name (rundir.h). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "rundir.h"
#include "rundir_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    int bad = fsync(fd);
    int why = errno;
    close(fd);
    errno = why;
    return bad && why != EINVAL ? -1 : 0; /* EINVAL: this file system does not sync such a thing */
}

static int sync_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)at;
    return (flag == FTW_F && S_ISREG(st->st_mode)) || flag == FTW_DP ? sync_path(path) : 0;
}

/* Move an existing run-latest out of the way; no folder is overwritten. */
static int rotate(const struct ll_rundir *dir, struct ll_err *err)
{
    char stamp[16], now[16];
    ll_stamp_of(dir->final, stamp);
    ll_stamp_now(now, NULL, NULL);
    char *base = *stamp ? ll_dir_name(err, "%s/run-%s", dir->root, stamp)
                        : ll_dir_name(err, "%s/run-%s-rotated", dir->root, now);
    if (!base)
        return LL_EFAIL;
    int rc = LL_EFAIL;
    char key[LL_RUN_KEY];
    int lock = ll_dead_lock(dir->final, key); /* nobody will finish it any more */
    if (lock >= 0) {
        DIR *d = opendir(dir->final);
        ll_dead_clear_marks(d);
        if (d)
            closedir(d);
        close(lock);
    }
    for (int nr = 1; nr <= LL_MAX_SAME_NAME; nr++) {
        char *to = ll_dir_numbered(base, nr, err);
        if (!to)
            break;
        if (ll_dir_exists(to)) {
            free(to);
            continue;
        }
        /* ENOENT: another run rotated it at this moment; the caller's rename decides */
        int done = !rename(dir->final, to) || errno == ENOENT;
        rc = done ? LL_OK
                  : ll_fail(err, LL_EFAIL, "%s: cannot rename to %s: %s", dir->final, to, strerror(errno));
        free(to);
        break;
    }
    free(base);
    return rc ? ll_fail(err, LL_EFAIL, "%s: cannot be rotated", dir->final) : LL_OK;
}

static int sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent = !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    int bad = !parent || sync_path(parent);
    free(parent);
    return bad;
}

static int take_name(const struct ll_rundir *dir, struct ll_err *err)
{
    for (int attempt = 0; attempt < LL_MAX_SAME_NAME; attempt++) {
        if (dir->root && ll_dir_exists(dir->final)) {
            int rc = rotate(dir, err);
            if (rc)
                return rc;
        }
        if (!rename(dir->work, dir->final))
            return LL_OK;
        if (!dir->root
            || (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)) /* else: another run was faster */
            break;
    }
    return ll_fail(err, LL_EFAIL, "%s: cannot be named %s: %s", dir->work, dir->final, strerror(errno));
}

/* On disk, and under its name. */
static int publish(struct ll_rundir *dir, struct ll_err *err)
{
    if (nftw(dir->work, sync_one, LL_MAX_OPEN_DIRS, FTW_DEPTH | FTW_PHYS))
        return ll_fail(err, LL_EFAIL, "%s: cannot write to disk: %s", dir->work, strerror(errno));
    if (!(dir->marks = opendir(dir->work)))
        return ll_fail(err, ll_open_code(errno), "%s: cannot be read: %s", dir->work, strerror(errno));
    if (dir->root) /* the folder itself is the lock: no file is left behind */
        dir->lock = ll_lock_path(dir->root, O_RDONLY | O_DIRECTORY, LOCK_EX);
    return take_name(dir, err);
}

int ll_rundir_finish(struct ll_rundir *dir, struct ll_err *err)
{
    struct ll_err why = {0};
    if (!dir->work)
        return ll_fail(err, LL_EFAIL, "run folder: nothing was begun");
    int rc = publish(dir, &why);
    if (rc) { /* hours of work may lie there: keep it and say where */
        ll_fail(err, rc, "%s (the results stay in %s)", why.msg, dir->work);
        ll_rundir_forget(dir);
        return rc;
    }
    sync_parent(dir->final); /* the name itself; the content is safe already */
    free(dir->work);
    dir->work = NULL;
    return LL_OK;
}
