/* rundir_dead.c - unfinished run folders: whose run lives, and what killed runs left (rundir_parts.h). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "rundir_parts.h"

#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_WAITS = 3000, /* of 20 ms: a minute, then go on without the lock: a run must not wait for ever */
};
const char ll_unfinished[] = ".unfinished", ll_done_head[] = ".done-", ll_journal_head[] = ".journal-";

/* Some network file systems have no such locks: then two runs are on their own, and nothing stale is removed.
 */
int ll_lock_path(const char *path, int flags, int how)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return -1;
    for (int waits = 0;
         flock(fd, how | LOCK_NB) && (errno == EWOULDBLOCK || errno == EINTR) && waits < MAX_WAITS; waits++)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return fd;
}

void ll_unlock(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* 1: the folder holds results of models or prompts that are whole, so that going on saves work. */
int ll_dead_has_results(const char *path)
{
    struct stat st;
    DIR *d = opendir(path);
    int found = 0;
    for (struct dirent *e; d && !found && (e = readdir(d));)
        found = !strncmp(e->d_name, ll_done_head, strlen(ll_done_head))
            || (!strncmp(e->d_name, ll_journal_head, strlen(ll_journal_head))
                && !fstatat(dirfd(d), e->d_name, &st, 0) && st.st_size > LL_JOURNAL_EMPTY);
    if (d)
        closedir(d);
    return found;
}

/* Lock the partial folder at path if a run left it ll_unfinished and lives no more; key: what it was a run
 * of,
 * "" unknown. Returns the lock, -1: alive, or nothing of ours. */
int ll_dead_lock(const char *path, char key[LL_RUN_KEY])
{
    char *mark = ll_dir_name(NULL, "%s/%s", path, ll_unfinished);
    int fd = mark ? open(mark, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
    free(mark);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
        close(fd);
        fd = -1;
    }
    ssize_t n = fd >= 0 ? pread(fd, key, LL_RUN_KEY - 1, 0) : 0;
    key[n > 0 ? n : 0] = 0;
    return fd;
}

/* Is it the name of a partial folder of ours? head: what all of them begin with; of a root a stamp follows.
 * Then ".partial", and
 * "-<number>" where several are of one name. */
static int is_partial_name(const char *name, const char *head, int has_stamp)
{
    static const char mark[] = ".partial";
    char stamp[LL_STAMP_LEN + 1] = "";
    size_t n = strlen(head);
    if (strncmp(name, head, n))
        return 0;
    name += n;
    if (has_stamp) {
        snprintf(stamp, sizeof stamp, "%.*s", LL_STAMP_LEN, name);
        if (!ll_is_stamp(stamp))
            return 0;
        name += LL_STAMP_LEN;
    }
    if (strncmp(name, mark, sizeof mark - 1))
        return 0;
    name += sizeof mark - 1;
    return !*name || (*name == '-' && name[1] && strspn(name + 1, "0123456789") == strlen(name + 1));
}

/* Look at every partial folder beside ours that killed runs left behind: ".run-<stamp>.partial" of a root,
 * "<name>.partial" of an out_dir, "-2" and so on behind. look gets it locked and closes the lock or keeps it.
 * An empty one was killed before it was marked. */
void ll_dead_each(const struct ll_rundir *dir,
                  void (*look)(void *arg, const char *path, const char *key, int lock), void *arg)
{
    const char *slash = strrchr(dir->final, '/'), *name = slash ? slash + 1 : dir->final;
    char *parent =
        !slash ? strdup(".") : strndup(dir->final, slash == dir->final ? 1 : (size_t)(slash - dir->final));
    char *head = strdup(dir->root ? ".run-" : name);
    DIR *d = parent && head ? opendir(parent) : NULL;
    for (struct dirent *e; d && (e = readdir(d));)
        if (is_partial_name(e->d_name, head, dir->root != NULL)) {
            char key[LL_RUN_KEY], *path = ll_dir_name(NULL, "%s/%s", parent, e->d_name);
            int lock = path ? ll_dead_lock(path, key) : -1;
            if (lock >= 0)
                look(arg, path, key, lock);
            else if (path)
                rmdir(path); /* fails unless it is empty; its run, if it is alive after all, makes another */
            free(path);
        }
    if (d)
        closedir(d);
    free(parent);
    free(head);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st, (void)flag, (void)at;
    remove(path); /* what cannot be removed stays; nobody is left to tell */
    return 0;
}

static int remove_unmarked(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    return strcmp(path + at->base, ll_unfinished) ? remove_one(path, st, flag, at) : 0;
}

/* The mark goes last, so that what a kill leaves of it is known for what it is. */
void ll_dead_remove(const char *path)
{
    nftw(path, remove_unmarked, LL_MAX_OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
    nftw(path, remove_one, LL_MAX_OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
}

/* What only served to go on. The mark last: without it nothing there is looked for. */
void ll_dead_clear_marks(DIR *d)
{
    if (!d)
        return;
    rewinddir(d);
    for (struct dirent *e; (e = readdir(d));)
        if (!strncmp(e->d_name, ll_done_head, strlen(ll_done_head))
            || !strncmp(e->d_name, ll_journal_head, strlen(ll_journal_head)))
            unlinkat(dirfd(d), e->d_name, 0);
    unlinkat(dirfd(d), ll_unfinished, 0);
}
