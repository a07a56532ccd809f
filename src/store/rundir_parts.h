/* rundir_parts.h - what the files rundir*.c share; for those files only. */
#ifndef LL_RUNDIR_PARTS_H
#define LL_RUNDIR_PARTS_H
#include "rundir.h"

#include <dirent.h>

enum {
    LL_STAMP_LEN = 13,       /* YYYYMMDD-HHMM */
    LL_MAX_SAME_NAME = 1000, /* folders of one name before we say that something else is wrong */
    LL_STARTED_LINE = 64,    /* the timestamp file */
    LL_MAX_OPEN_DIRS = 16,   /* nftw's descriptors */
};

/* ---- rundir_names.c -------------------------------------------------------------------------- */
/* A formatted path, owned; NULL with *err filled in without memory. */
char *ll_dir_name(struct ll_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* base, then base-2, base-3, ...; as above. */
char *ll_dir_numbered(const char *base, int nr, struct ll_err *err);
int ll_is_stamp(const char *s);
/* Is anything of that name there, be it a link to nothing? */
int ll_dir_exists(const char *path);
/* The stamp of a run folder from its timestamp-<stamp> file, the newest if there are several; "" without one.
 */
void ll_stamp_of(const char *folder, char stamp[16]);
/* line: the timestamp file, as the original has it; fraction: of the second, ".123456789". Both may be NULL.
 */
void ll_stamp_now(char stamp[16], char line[LL_STARTED_LINE], char fraction[16]);

/* ---- rundir_dead.c --------------------------------------------------------------------------- */
/* In a partial folder: a file that is locked for as long as its run lives and holds the run's key; and the
 * names of what is whole already. */
extern const char ll_unfinished[], ll_done_head[], ll_journal_head[];
/* Lock a file (flags of open, `how` of flock), waiting a minute at most; the descriptor, -1: it cannot be
 * opened. */
int ll_lock_path(const char *path, int flags, int how);
void ll_unlock(int *fd); /* -1 is fine, and is left */
/* 1: the folder holds results of models or prompts that are whole, so that going on saves work. */
int ll_dead_has_results(const char *path);
/* Lock the partial folder at path if a run left it unfinished and lives no more; key: what it was a run of,
 * "" unknown. Returns the lock, -1: alive, or nothing of ours. */
int ll_dead_lock(const char *path, char key[LL_RUN_KEY]);
/* Look at every partial folder beside ours that killed runs left behind; look gets it locked and closes the
 * lock or keeps it. */
void ll_dead_each(const struct ll_rundir *dir,
                  void (*look)(void *arg, const char *path, const char *key, int lock), void *arg);
void ll_dead_remove(const char *path);
/* Remove what only served to go on; NULL: nothing happens. */
void ll_dead_clear_marks(DIR *d);

/* ---- rundir.c -------------------------------------------------------------------------------- */
void ll_rundir_forget(struct ll_rundir *dir); /* frees all it owns, leaves the folder */
#endif
