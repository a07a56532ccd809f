/* rundir.c - see rundir.h; docs/experiment.md 14.3. A folder is begun, gone on with, settled or removed;
 * names lie in rundir_names.c, what killed runs left in rundir_dead.c, finishing in rundir_finish.c. */
#include "rundir.h"

#include "kept.h"
#include "map.h"
#include "outfile.h"
#include "rundir_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Mark the new folder as ours and alive. *gone: another run took it for a killed run's before it was locked.
 */
static int mark_unfinished(struct ll_rundir *dir, int *gone, struct ll_err *err)
{
    struct stat st;
    char *path = ll_dir_name(err, "%s/%s", dir->work, ll_unfinished);
    if (!path)
        return LL_EFAIL;
    dir->alive = ll_lock_path(path, O_RDWR | O_CREAT, LOCK_EX);
    int why = errno;
    *gone = dir->alive < 0 ? why == ENOENT : fstat(dir->alive, &st) || !st.st_nlink;
    int rc = dir->alive >= 0 || *gone ? LL_OK
                                      : ll_fail(err, LL_EFAIL, "%s: cannot write: %s", path, strerror(why));
    if (*gone)
        ll_unlock(&dir->alive);
    free(path);
    return rc;
}

/* Nothing in it is whole, or (key given) it is a run of the same that has been finished since. */
static void remove_if_stale(void *arg, const char *path, const char *key, int lock)
{
    const char *same = arg;
    if (same ? !strcmp(key, same) : !ll_dead_has_results(path))
        ll_dead_remove(path);
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
    if ((!o->key || strcmp(key, o->key)) && ll_dead_has_results(path)) {
        o->dir->n_aside++;
        free(o->dir->aside);
        o->dir->aside = strdup(path);
    }
    close(lock);
}

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
    ll_stamp_of(path, stamp);
    if (*stamp && !strcmp(key, n->key) && strcmp(stamp, n->stamp) > 0 && (copy = strdup(path))) {
        free(n->path);
        ll_unlock(&n->lock);
        n->path = copy;
        n->lock = lock;
        memcpy(n->stamp, stamp, sizeof stamp);
    } else
        close(lock);
}

void ll_rundir_forget(struct ll_rundir *dir)
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
        ll_unlock(&dir->alive);
        ll_unlock(&dir->lock);
    }
    dir->is_begun = 0;
}

/* ---- making the folder ----------------------------------------------------------------------- */
/* Make base or base-2, ...: the first that is free. Another's partial folder is neither used nor touched. */
static int make_free_dir(char **made, const char *base, struct ll_err *err)
{
    for (int nr = 1; nr <= LL_MAX_SAME_NAME; nr++) {
        char *path = ll_dir_numbered(base, nr, err);
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
    return ll_fail(err, LL_EFAIL, "%s: %d folders of this name exist already", base, LL_MAX_SAME_NAME);
}

static int names_under_root(struct ll_rundir *dir, const char *root, char **partial, struct ll_err *err)
{
    int rc = ll_make_dirs(root, err);
    if (rc)
        return rc;
    size_t n = strlen(root);
    while (n > 1 && root[n - 1] == '/')
        n--;
    dir->root = ll_dir_name(err, "%.*s", (int)n, root);
    dir->final = ll_dir_name(err, "%.*s/run-latest", (int)n, root);
    *partial = ll_dir_name(err, "%.*s/.run-%s.partial", (int)n, root, dir->stamp);
    return dir->root && dir->final && *partial ? LL_OK : LL_EFAIL;
}

static int names_of_out_dir(struct ll_rundir *dir, const char *out_dir, char **partial, struct ll_err *err)
{
    dir->final = ll_dir_exists(out_dir) ? realpath(out_dir, NULL) : ll_dir_name(err, "%s", out_dir);
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
    *partial = ll_dir_name(err, "%s.partial", dir->final);
    return *partial ? LL_OK : LL_EFAIL;
}

/* What is known of a folder before it is made. */
struct plan {
    char line[LL_STARTED_LINE], fraction[16]; /* of the timestamp files (rundir_parts.h, ll_stamp_now) */
    char *partial;                            /* owned: its name until it is complete */
};

/* The timestamp file, and beside it what tells runs of one second apart (read by the index only). */
static int write_timestamp(const struct ll_rundir *dir, const struct plan *plan, struct ll_err *err)
{
    char *path = ll_dir_name(err, "%s/timestamp-%s", dir->work, dir->stamp),
         *beside = ll_dir_name(err, "%s/.started", dir->work);
    int rc = path && beside ? ll_file_write(path, plan->line, strlen(plan->line), err) : LL_EFAIL;
    if (!rc)
        rc = ll_file_write(beside, plan->fraction, strlen(plan->fraction), err);
    free(path);
    free(beside);
    return rc;
}

/* A run that got its name but was killed before it was settled: a partial folder again, when it is one of
 * this key. */
static int take_back(const struct ll_rundir *dir, const char *partial, const char *key, struct ll_err *err)
{
    char found[LL_RUN_KEY];
    int lock = ll_dead_lock(dir->final, found), rc = LL_OK;
    for (int nr = 1, done = lock < 0 || strcmp(found, key); !rc && !done && nr <= LL_MAX_SAME_NAME; nr++) {
        char *to = ll_dir_numbered(partial, nr, err);
        if (!to)
            rc = LL_EFAIL;
        else if (!ll_dir_exists(to) && !(done = !rename(dir->final, to)))
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
    if (!ll_dir_exists(out_dir) || ll_is_empty_dir(out_dir))
        return LL_OK;
    int lock = ll_dead_lock(dir->final, key);
    if (lock < 0)
        return ll_fail(err, LL_EUSAGE, "%s: expected an absent or empty folder", out_dir);
    close(lock);
    return ll_fail(err, LL_EUSAGE,
                   "%s: expected an absent or empty folder, found a run that was killed at its very end: "
                   "--resume with what it was run with finishes it",
                   out_dir);
}

/* The folder's names, stamped now. key: what is gone on with; NULL: nothing is. Free plan->partial in any
 * case. */
static int start(struct ll_rundir *dir, struct plan *plan, const char *root, const char *out_dir,
                 const char *key, struct ll_err *err)
{
    memset(dir, 0, sizeof *dir);
    memset(plan, 0, sizeof *plan);
    dir->alive = dir->lock = -1;
    dir->is_begun = 1;
    if (out_dir ? !*out_dir : !root || !*root)
        return ll_fail(err, LL_EUSAGE, "run folder: expected a path, found nothing");
    ll_stamp_now(dir->stamp, plan->line, plan->fraction);
    int rc = out_dir ? names_of_out_dir(dir, out_dir, &plan->partial, err)
                     : names_under_root(dir, root, &plan->partial, err);
    if (!rc && key)
        rc = take_back(dir, plan->partial, key, err);
    return rc || !out_dir ? rc : check_out_dir(dir, out_dir, err);
}

int ll_rundir_resume(struct ll_rundir *dir, const char *root, const char *out_dir, const char *key,
                     int *found, struct ll_err *err)
{
    struct plan plan;
    struct newest n = {.key = key, .lock = -1};
    int rc = start(dir, &plan, root, out_dir, key, err);
    free(plan.partial);
    *found = 0;
    if (!rc)
        ll_dead_each(dir, keep_newest, &n);
    if (!n.path) {
        ll_rundir_forget(dir);
        return rc;
    }
    dir->work = n.path;
    dir->alive = n.lock;
    memcpy(dir->stamp, n.stamp, sizeof n.stamp);
    *found = 1;
    ll_dead_each(dir, count_other, &(struct others){dir, key});
    if ((rc = ll_kept_tidy(dir->work, ll_done_head, err)))
        ll_rundir_forget(dir);
    return rc;
}

int ll_rundir_mark(struct ll_rundir *dir, const char *key, struct ll_err *err)
{
    size_t n = strlen(key);
    if (dir->alive >= 0 && pwrite(dir->alive, key, n, 0) != (ssize_t)n)
        return ll_fail(err, LL_EFAIL, "%s/%s: cannot write: %s", dir->work, ll_unfinished, strerror(errno));
    return LL_OK;
}

int ll_rundir_is_resumable(const struct ll_rundir *dir)
{
    return dir->work && ll_dead_has_results(dir->work);
}

void ll_rundir_part(char name[64], enum ll_run_part part, int model)
{
    snprintf(name, 64, "%s%d", part == LL_PART_DONE ? ll_done_head : ll_journal_head, model);
}

int ll_rundir_begin(struct ll_rundir *dir, const char *root, const char *out_dir, struct ll_err *err)
{
    struct plan plan;
    int gone = 1, rc = start(dir, &plan, root, out_dir, NULL, err);
    if (!rc) {
        ll_dead_each(dir, remove_if_stale, NULL);
        ll_dead_each(dir, count_other, &(struct others){dir, NULL});
    }
    while (!rc && gone) {
        free(dir->work);
        dir->work = NULL;
        if (!(rc = make_free_dir(&dir->work, plan.partial, err)))
            rc = mark_unfinished(dir, &gone, err);
    }
    if (!rc)
        rc = write_timestamp(dir, &plan, err);
    free(plan.partial);
    if (rc)
        ll_rundir_abort(dir);
    return rc;
}

void ll_rundir_settle(struct ll_rundir *dir)
{
    char key[LL_RUN_KEY];
    if (!dir->final || dir->work)
        return;
    ssize_t n = dir->alive >= 0 ? pread(dir->alive, key, LL_RUN_KEY - 1, 0) : 0;
    key[n > 0 ? n : 0] = 0;
    if (*key)
        ll_dead_each(dir, remove_if_stale, key);
    ll_dead_clear_marks(dir->marks);
    ll_unlock(&dir->alive);
}

void ll_rundir_abort(struct ll_rundir *dir)
{
    if (dir->work && !ll_dead_has_results(dir->work))
        ll_dead_remove(dir->work);
    ll_rundir_forget(dir);
}
