/* rundir.h - the folder of a run: temporary while it is written, run-latest when complete, older ones
 * rotated.
 *
 * docs/experiment.md 14.3. ll_rundir_begin makes "<root>/.run-<stamp>.partial"; ll_rundir_finish fsyncs,
 * rotates an existing run-latest to run-<its stamp> (from its timestamp-<stamp> file; -2, -3 if taken;
 * run-<now>-rotated without one) and renames the partial folder to run-latest. With an explicit out_dir
 * nothing rotates: the folder must be absent or empty, is written under "<out_dir>.partial" and renamed. A
 * partial folder of that name which exists already (a run going on) is left alone: ours gets "-2", "-3".
 * Wall-clock time stands in the timestamp file only.
 *
 * A partial folder holds ".unfinished", locked (flock) while its run lives, with the run's key (what it is a
 * run of). Results that are whole before the run is lie in it as ".journal-<model>" (prompts, journal.h) and
 * ".done-<model>" (a model whose files are there, kept.h). These marks stay from finish, which gives the
 * folder its name, until settle: a run that is killed in between is taken back by resume and finished again.
 * begin removes the partial folders of dead runs in which nothing is whole; others wait for resume, and for a
 * run of the same key to settle, which removes them; how many of other keys are waiting is told. From finish
 * to abort the root is locked, so that no other run rotates the folder away while it is imported into the
 * index. */
#ifndef LL_RUNDIR_H
#define LL_RUNDIR_H
#include "fail.h"

enum { LL_RUN_KEY = 80 };
struct ll_rundir {
    char *work;     /* owned: where files are written now; NULL when finished or aborted */
    char *final;    /* owned: the name it will get, and after finish has */
    char *root;     /* owned: folder of run-latest (the results root); NULL with an explicit out_dir */
    char stamp[16]; /* YYYYMMDD-HHMM, local time of begin */
    int n_aside; /* partial folders of dead runs that hold results of something else (after resume and begin)
                  */
    char *aside; /* owned: one of them */
    void *marks; /* owned: the folder, opened before it gets its name, so that settling it cannot fail; NULL:
                    not yet */
    int is_begun, alive, lock; /* descriptors of the two locks, -1: not held; valid when is_begun */
};
/* out_dir NULL: rotation under root. Makes missing parents and writes timestamp-<stamp>. Returns LL_OK,
 * LL_EUSAGE (out_dir holds something) or LL_EFAIL (the system said no); a failed begin leaves nothing. */
int ll_rundir_begin(struct ll_rundir *dir, const char *root, const char *out_dir, struct ll_err *err);
/* Go on with the newest partial folder of a dead run of this key (at most LL_RUN_KEY - 1 bytes), or with one
 * that got its name and was not settled. What in it is not whole is removed. *found 0: there is none, and
 * *dir is empty but for n_aside and aside. Same results otherwise as begin, which may follow. */
int ll_rundir_resume(struct ll_rundir *dir, const char *root, const char *out_dir, const char *key,
                     int *found, struct ll_err *err);
/* Say what this is a run of, after begin. */
int ll_rundir_mark(struct ll_rundir *dir, const char *key, struct ll_err *err);
/* 1: the partial folder holds results that are whole: abort will keep it. */
int ll_rundir_is_resumable(const struct ll_rundir *dir);
enum ll_run_part { LL_PART_JOURNAL, LL_PART_DONE };
/* File name, in the work folder, of a part of model number `model`. */
void ll_rundir_part(char name[64], enum ll_run_part part, int model);
/* Waits for other runs that finish under the same root. Afterwards dir->final is where the run lies and stays
 * until abort; free with ll_rundir_abort(). On failure the results are kept in the partial folder, which the
 * reason names, and dir is empty. */
int ll_rundir_finish(struct ll_rundir *dir, struct ll_err *err);
/* All that there is to do with the finished run is done: what only served to go on goes, here and in partial
 * folders of the same key. Without a finished run: nothing happens. */
void ll_rundir_settle(struct ll_rundir *dir);
/* Removes the partial folder and all in it, unless something in it is whole; frees the names and the locks.
 * Safe after finish (then only frees), twice, and on {0}. */
void ll_rundir_abort(struct ll_rundir *dir);
#endif
