/* rundir.c - see rundir.h; docs/experiment.md 14.3 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "rundir.h"
#include "buf.h"
#include "journal.h"
#include "kept.h"
#include "map.h"
#include "outfile.h"

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
    STAMP_LEN = 13,       /* YYYYMMDD-HHMM */
    MAX_SAME_NAME = 1000, /* folders of one name before we say that something else is wrong */
    MAX_WAITS = 3000,     /* of 20 ms: a minute, then go on without it: no run may wait without end */
    LINE_SIZE = 64,       /* the timestamp file */
    MAX_OPEN_DIRS = 16,   /* nftw's descriptors */
};
/* In a partial folder: locked for as long as its run lives, holds the run's key; and what is whole already.
 */
static const char unfinished[] = ".unfinished", done_head[] = ".done-", journal_head[] = ".journal-";

/* ---- names ----------------------------------------------------------------------------------- */
static char *name_of(struct ll_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static char *name_of(struct ll_err *err, const char *fmt, ...)
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
static char *numbered(const char *base, int nr, struct ll_err *err)
{
    return nr == 1 ? name_of(err, "%s", base) : name_of(err, "%s-%d", base, nr);
}

static int is_stamp(const char *s)
{
    for (int i = 0; i < STAMP_LEN; i++)
        if (i == 8 ? s[i] != '-' : s[i] < '0' || s[i] > '9')
            return 0;
    return s[STAMP_LEN] == 0;
}

static int exists(const char *path)
{
    struct stat st;
    return !lstat(path, &st);
}

static int is_empty_dir(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    if (!d)
        return 0;
    for (struct dirent *e; n < 3 && (e = readdir(d)); n++)
        ;
    closedir(d);
    return n <= 2; /* . and .. */
}

/* The stamp of a run folder from its timestamp-<stamp> file, the newest if there are several; "" without one.
 */
static void stamp_of(const char *folder, char stamp[16])
{
    static const char prefix[] = "timestamp-";
    DIR *d = opendir(folder);
    stamp[0] = 0;
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        const char *s = e->d_name + sizeof prefix - 1;
        if (!strncmp(e->d_name, prefix, sizeof prefix - 1) && is_stamp(s) && strcmp(s, stamp) > 0)
            memcpy(stamp, s, STAMP_LEN + 1);
    }
    closedir(d);
}

/* line: the timestamp file, as the original has it; fraction: of the second, ".123456789". Both may be NULL.
 */
static void stamp_now(char stamp[16], char line[LINE_SIZE], char fraction[16])
{
    struct tm tm;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    strftime(stamp, 16, "%Y%m%d-%H%M", &tm);
    if (line)
        strftime(line, LINE_SIZE, "Experiment started: %Y-%m-%d %H:%M:%S\n", &tm);
    if (fraction)
        snprintf(fraction, 16, ".%09ld", now.tv_nsec);
}

/* ---- whole trees ----------------------------------------------------------------------------- */
static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st, (void)flag, (void)at;
    remove(path); /* what cannot be removed stays; nobody is left to tell */
    return 0;
}

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

/* ---- locks ----------------------------------------------------------------------------------- */
/* Some network file systems have no such locks: then two runs are on their own, and nothing stale is removed.
 */
static int lock_path(const char *path, int flags, int how)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return -1;
    for (int waits = 0;
         flock(fd, how | LOCK_NB) && (errno == EWOULDBLOCK || errno == EINTR) && waits < MAX_WAITS; waits++)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return fd;
}

static void unlock(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Mark the new folder as ours and alive. *gone: another run took it for a killed run's before it was locked.
 */
static int mark_unfinished(struct ll_rundir *dir, int *gone, struct ll_err *err)
{
    struct stat st;
    char *path = name_of(err, "%s/%s", dir->work, unfinished);
    if (!path)
        return LL_EFAIL;
    dir->alive = lock_path(path, O_RDWR | O_CREAT, LOCK_EX);
    int why = errno;
    *gone = dir->alive < 0 ? why == ENOENT : fstat(dir->alive, &st) || !st.st_nlink;
    int rc = dir->alive >= 0 || *gone ? LL_OK
                                      : ll_fail(err, LL_EFAIL, "%s: cannot write: %s", path, strerror(why));
    if (*gone)
        unlock(&dir->alive);
    free(path);
    return rc;
}

/* 1: the folder holds results of models or prompts that are whole, so that going on saves work. */
static int has_results(const char *path)
{
    struct stat st;
    DIR *d = opendir(path);
    int found = 0;
    for (struct dirent *e; d && !found && (e = readdir(d));)
        found = !strncmp(e->d_name, done_head, strlen(done_head))
            || (!strncmp(e->d_name, journal_head, strlen(journal_head))
                && !fstatat(dirfd(d), e->d_name, &st, 0) && st.st_size > LL_JOURNAL_EMPTY);
    if (d)
        closedir(d);
    return found;
}

/* Lock the partial folder at path if a run left it unfinished and lives no more; key: what it was a run of,
 * "" unknown. Returns the lock, -1: alive, or nothing of ours. */
static int lock_dead(const char *path, char key[LL_RUN_KEY])
{
    char *mark = name_of(NULL, "%s/%s", path, unfinished);
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
    char stamp[STAMP_LEN + 1] = "";
    size_t n = strlen(head);
    if (strncmp(name, head, n))
        return 0;
    name += n;
    if (has_stamp) {
        snprintf(stamp, sizeof stamp, "%.*s", STAMP_LEN, name);
        if (!is_stamp(stamp))
            return 0;
        name += STAMP_LEN;
    }
    if (strncmp(name, mark, sizeof mark - 1))
        return 0;
    name += sizeof mark - 1;
    return !*name || (*name == '-' && name[1] && strspn(name + 1, "0123456789") == strlen(name + 1));
}

/* Look at every partial folder beside ours that killed runs left behind: ".run-<stamp>.partial" of a root,
 * "<name>.partial" of an out_dir, "-2" and so on behind. look gets it locked and closes the lock or keeps it.
 * An empty one was killed before it was marked. */
static void each_dead(const struct ll_rundir *dir,
                      void (*look)(void *arg, const char *path, const char *key, int lock), void *arg)
{
    const char *slash = strrchr(dir->final, '/'), *name = slash ? slash + 1 : dir->final;
    char *parent =
        !slash ? strdup(".") : strndup(dir->final, slash == dir->final ? 1 : (size_t)(slash - dir->final));
    char *head = strdup(dir->root ? ".run-" : name);
    DIR *d = parent && head ? opendir(parent) : NULL;
    for (struct dirent *e; d && (e = readdir(d));)
        if (is_partial_name(e->d_name, head, dir->root != NULL)) {
            char key[LL_RUN_KEY], *path = name_of(NULL, "%s/%s", parent, e->d_name);
            int lock = path ? lock_dead(path, key) : -1;
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

static int remove_unmarked(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    return strcmp(path + at->base, unfinished) ? remove_one(path, st, flag, at) : 0;
}

/* The mark goes last, so that what a kill leaves of it is known for what it is. */
static void remove_tree(const char *path)
{
    nftw(path, remove_unmarked, MAX_OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
    nftw(path, remove_one, MAX_OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
}

/* Nothing in it is whole, or (key given) it is a run of the same that has been finished since. */
static void remove_if_stale(void *arg, const char *path, const char *key, int lock)
{
    const char *same = arg;
    if (same ? !strcmp(key, same) : !has_results(path))
        remove_tree(path);
    close(lock);
}

/* What goes on with other keys: count and show. arg: the folder we look from; key "" until it has one. */
struct others {
    struct ll_rundir *dir;
    const char *key;
};

static void count_other(void *arg, const char *path, const char *key, int lock)
{
    const struct others *o = arg;
    if ((!o->key || strcmp(key, o->key)) && has_results(path)) {
        o->dir->n_aside++;
        free(o->dir->aside);
        o->dir->aside = strdup(path);
    }
    close(lock);
}

/* ---- going on -------------------------------------------------------------------------------- */
struct newest {
    const char *key;
    char *path;
    char stamp[16];
    int lock;
};

static void keep_newest(void *arg, const char *path, const char *key, int lock)
{
    struct newest *n = arg;
    char stamp[16], *copy = NULL;
    stamp_of(path, stamp);
    if (*stamp && !strcmp(key, n->key) && strcmp(stamp, n->stamp) > 0 && (copy = strdup(path))) {
        free(n->path);
        unlock(&n->lock);
        n->path = copy;
        n->lock = lock;
        memcpy(n->stamp, stamp, sizeof stamp);
    } else
        close(lock);
}

static void forget(struct ll_rundir *dir)
{
    free(dir->work);
    free(dir->final);
    free(dir->root);
    free(dir->aside);
    dir->work = dir->final = dir->root = dir->aside = NULL;
    if (dir->marks)
        closedir(dir->marks);
    dir->marks = NULL;
    if (dir->is_begun) { /* {0} has no descriptors */
        unlock(&dir->alive);
        unlock(&dir->lock);
    }
    dir->is_begun = 0;
}

/* ---- making the folder ----------------------------------------------------------------------- */
/* Make base or base-2, ...: the first that is free. Another's partial folder is neither used nor touched. */
static int make_free_dir(char **made, const char *base, struct ll_err *err)
{
    for (int nr = 1; nr <= MAX_SAME_NAME; nr++) {
        char *path = numbered(base, nr, err);
        if (!path)
            return LL_EFAIL;
        if (!mkdir(path, 0777)) {
            *made = path;
            return LL_OK;
        }
        int why = errno;
        free(path);
        if (why != EEXIST)
            return ll_fail(err, LL_EFAIL, "%s: cannot make the run folder: %s", base, strerror(why));
    }
    return ll_fail(err, LL_EFAIL, "%s: %d folders of this name exist already", base, MAX_SAME_NAME);
}

static int names_under_root(struct ll_rundir *dir, const char *root, char **partial, struct ll_err *err)
{
    int rc = ll_make_dirs(root, err);
    if (rc)
        return rc;
    size_t n = strlen(root);
    while (n > 1 && root[n - 1] == '/')
        n--;
    dir->root = name_of(err, "%.*s", (int)n, root);
    dir->final = name_of(err, "%.*s/run-latest", (int)n, root);
    *partial = name_of(err, "%.*s/.run-%s.partial", (int)n, root, dir->stamp);
    return dir->root && dir->final && *partial ? LL_OK : LL_EFAIL;
}

static int names_of_out_dir(struct ll_rundir *dir, const char *out_dir, char **partial, struct ll_err *err)
{
    dir->final = exists(out_dir) ? realpath(out_dir, NULL) : name_of(err, "%s", out_dir);
    if (!dir->final)
        return ll_fail(err, LL_EFAIL, "%s: cannot use as run folder: %s", out_dir, strerror(errno));
    for (size_t n = strlen(dir->final); n > 1 && dir->final[n - 1] == '/'; n--)
        dir->final[n - 1] = 0;
    char *slash = strrchr(dir->final, '/');
    if (slash && slash != dir->final) {
        *slash = 0;
        int rc = ll_make_dirs(dir->final, err);
        *slash = '/';
        if (rc)
            return rc;
    }
    *partial = name_of(err, "%s.partial", dir->final);
    return *partial ? LL_OK : LL_EFAIL;
}

/* The timestamp file, and beside it what tells runs of one second apart (read by the index only). */
static int write_timestamp(const struct ll_rundir *dir, const char *line, const char *fraction,
                           struct ll_err *err)
{
    char *path = name_of(err, "%s/timestamp-%s", dir->work, dir->stamp),
         *beside = name_of(err, "%s/.started", dir->work);
    int rc = path && beside ? ll_file_write(path, line, strlen(line), err) : LL_EFAIL;
    if (!rc)
        rc = ll_file_write(beside, fraction, strlen(fraction), err);
    free(path);
    free(beside);
    return rc;
}

/* What only served to go on. The mark last: without it nothing there is looked for. */
static void clear_marks(DIR *d)
{
    if (!d)
        return;
    rewinddir(d);
    for (struct dirent *e; (e = readdir(d));)
        if (!strncmp(e->d_name, done_head, strlen(done_head))
            || !strncmp(e->d_name, journal_head, strlen(journal_head)))
            unlinkat(dirfd(d), e->d_name, 0);
    unlinkat(dirfd(d), unfinished, 0);
}

/* A run that got its name but was killed before it was settled: a partial folder again, when it is one of
 * this key. */
static int take_back(const struct ll_rundir *dir, const char *partial, const char *key, struct ll_err *err)
{
    char found[LL_RUN_KEY];
    int lock = lock_dead(dir->final, found), rc = LL_OK;
    for (int nr = 1, done = lock < 0 || strcmp(found, key); !rc && !done && nr <= MAX_SAME_NAME; nr++) {
        char *to = numbered(partial, nr, err);
        if (!to)
            rc = LL_EFAIL;
        else if (!exists(to) && !(done = !rename(dir->final, to)))
            rc = ll_fail(err, LL_EFAIL, "%s: cannot rename to %s: %s", dir->final, to, strerror(errno));
        free(to);
    }
    if (lock >= 0)
        close(lock);
    return rc;
}

static int check_out_dir(const struct ll_rundir *dir, const char *out_dir, struct ll_err *err)
{
    char key[LL_RUN_KEY];
    if (!exists(out_dir) || is_empty_dir(out_dir))
        return LL_OK;
    int lock = lock_dead(dir->final, key);
    if (lock < 0)
        return ll_fail(err, LL_EUSAGE, "%s: expected an absent or empty folder", out_dir);
    close(lock);
    return ll_fail(err, LL_EUSAGE,
                   "%s: expected an absent or empty folder, found a run that was killed at its very end: "
                   "--resume with what it was run with finishes it",
                   out_dir);
}

/* The folder's names, stamped now. key: what is gone on with; NULL: nothing is. */
static int start(struct ll_rundir *dir, const char *root, const char *out_dir, const char *key,
                 char line[LINE_SIZE], char fraction[16], char **partial, struct ll_err *err)
{
    memset(dir, 0, sizeof *dir);
    dir->alive = dir->lock = -1;
    dir->is_begun = 1;
    if (out_dir ? !*out_dir : !root || !*root)
        return ll_fail(err, LL_EUSAGE, "run folder: expected a path, found nothing");
    stamp_now(dir->stamp, line, fraction);
    int rc =
        out_dir ? names_of_out_dir(dir, out_dir, partial, err) : names_under_root(dir, root, partial, err);
    if (!rc && key)
        rc = take_back(dir, *partial, key, err);
    return rc || !out_dir ? rc : check_out_dir(dir, out_dir, err);
}

int ll_rundir_resume(struct ll_rundir *dir, const char *root, const char *out_dir, const char *key,
                     int *found, struct ll_err *err)
{
    char line[LINE_SIZE], fraction[16], *partial = NULL;
    struct newest n = {.key = key, .lock = -1};
    int rc = start(dir, root, out_dir, key, line, fraction, &partial, err);
    free(partial);
    *found = 0;
    if (!rc)
        each_dead(dir, keep_newest, &n);
    if (!n.path) {
        forget(dir);
        return rc;
    }
    dir->work = n.path;
    dir->alive = n.lock;
    memcpy(dir->stamp, n.stamp, sizeof n.stamp);
    *found = 1;
    each_dead(dir, count_other, &(struct others){dir, key});
    if ((rc = ll_kept_tidy(dir->work, done_head, err)))
        forget(dir);
    return rc;
}

int ll_rundir_mark(struct ll_rundir *dir, const char *key, struct ll_err *err)
{
    size_t n = strlen(key);
    if (dir->alive >= 0 && pwrite(dir->alive, key, n, 0) != (ssize_t)n)
        return ll_fail(err, LL_EFAIL, "%s/%s: cannot write: %s", dir->work, unfinished, strerror(errno));
    return LL_OK;
}

int ll_rundir_is_resumable(const struct ll_rundir *dir) { return dir->work && has_results(dir->work); }

void ll_rundir_part(char name[64], enum ll_run_part part, int model)
{
    snprintf(name, 64, "%s%d", part == LL_PART_DONE ? done_head : journal_head, model);
}

int ll_rundir_begin(struct ll_rundir *dir, const char *root, const char *out_dir, struct ll_err *err)
{
    char line[LINE_SIZE], fraction[16], *partial = NULL;
    int gone = 1, rc = start(dir, root, out_dir, NULL, line, fraction, &partial, err);
    if (!rc) {
        each_dead(dir, remove_if_stale, NULL);
        each_dead(dir, count_other, &(struct others){dir, NULL});
    }
    while (!rc && gone) {
        free(dir->work);
        dir->work = NULL;
        if (!(rc = make_free_dir(&dir->work, partial, err)))
            rc = mark_unfinished(dir, &gone, err);
    }
    if (!rc)
        rc = write_timestamp(dir, line, fraction, err);
    free(partial);
    if (rc)
        ll_rundir_abort(dir);
    return rc;
}

/* ---- giving it its name ---------------------------------------------------------------------- */
/* Move an existing run-latest out of the way; nobody's folder is overwritten. */
static int rotate(const struct ll_rundir *dir, struct ll_err *err)
{
    char stamp[16], now[16];
    stamp_of(dir->final, stamp);
    stamp_now(now, NULL, NULL);
    char *base = *stamp ? name_of(err, "%s/run-%s", dir->root, stamp)
                        : name_of(err, "%s/run-%s-rotated", dir->root, now);
    if (!base)
        return LL_EFAIL;
    int rc = LL_EFAIL;
    char key[LL_RUN_KEY];
    int lock = lock_dead(dir->final, key); /* nobody will finish it any more */
    if (lock >= 0) {
        DIR *d = opendir(dir->final);
        clear_marks(d);
        if (d)
            closedir(d);
        close(lock);
    }
    for (int nr = 1; nr <= MAX_SAME_NAME; nr++) {
        char *to = numbered(base, nr, err);
        if (!to)
            break;
        if (exists(to)) {
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
    for (int attempt = 0; attempt < MAX_SAME_NAME; attempt++) {
        if (dir->root && exists(dir->final)) {
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

int ll_rundir_finish(struct ll_rundir *dir, struct ll_err *err)
{
    if (!dir->work)
        return ll_fail(err, LL_EFAIL, "run folder: nothing was begun");
    int rc = LL_OK;
    if (nftw(dir->work, sync_one, MAX_OPEN_DIRS, FTW_DEPTH | FTW_PHYS))
        rc = ll_fail(err, LL_EFAIL, "%s: cannot write to disk: %s", dir->work, strerror(errno));
    if (!rc && !(dir->marks = opendir(dir->work)))
        rc = ll_fail(err, ll_open_code(errno), "%s: cannot be read: %s", dir->work, strerror(errno));
    if (!rc && dir->root) /* the folder itself is the lock: no file is left behind */
        dir->lock = lock_path(dir->root, O_RDONLY | O_DIRECTORY, LOCK_EX);
    if (!rc)
        rc = take_name(dir, err);
    if (rc) { /* hours of work may lie there: keep it and say where */
        struct ll_err told = {0};
        ll_fail(&told, rc, "%s (the results stay in %s)", err ? err->msg : "", dir->work);
        if (err)
            *err = told;
        forget(dir);
        return rc;
    }
    sync_parent(dir->final); /* the name itself; the content is safe already */
    free(dir->work);
    dir->work = NULL;
    return LL_OK;
}

void ll_rundir_settle(struct ll_rundir *dir)
{
    char key[LL_RUN_KEY];
    if (!dir->final || dir->work)
        return;
    ssize_t n = dir->alive >= 0 ? pread(dir->alive, key, LL_RUN_KEY - 1, 0) : 0;
    key[n > 0 ? n : 0] = 0;
    if (*key)
        each_dead(dir, remove_if_stale, key);
    clear_marks(dir->marks);
    unlock(&dir->alive);
}

void ll_rundir_abort(struct ll_rundir *dir)
{
    if (dir->work && !has_results(dir->work))
        remove_tree(dir->work);
    forget(dir);
}
