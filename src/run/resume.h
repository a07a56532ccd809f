/* resume.h - what one model's run keeps while it is unfinished: a journal of its sweeps' results, and when
 * all its files are written a mark that names them (kept.h).
 *
 * Frame 0 of the journal is the calibration, then come the results of the first sweep in order, then those of
 * the second. Going on hands the kept results to whoever takes results, as the sweep would, and sweeps the
 * rest; so a run that was interrupted ends with the same bytes. Kept under the model's key (run_key.h): what
 * has another one is removed. */
#ifndef LL_RESUME_H
#define LL_RESUME_H
#include "journal.h"
#include "kept.h"
#include "record.h"
#include "result_pack.h"

struct ll_resume {
    struct ll_journal journal;    /* closed when nothing is kept */
    const char *folder;           /* borrowed; NULL: nothing is kept */
    char done[64], *path;         /* the mark's name in it; the journal's path, owned */
    const char *key;              /* borrowed: the model's */
    struct ll_names before;       /* what lay in the folder before this model wrote its files */
    int was_other;                /* something was kept under another key */
    int failed;                   /* what is kept could not be written: no fault of the model's */
    const struct ll_model *model; /* borrowed */
    struct ll_buf first, frame;   /* frame 0 until the first result comes; scratch */
};
/* folder NULL: nothing is kept. key: the model's; nr: its number in the run. *is_done: all files of this
 * model are there. Free with ll_resume_close, also after a failure. */
int ll_resume_open(struct ll_resume *r, const char *folder, const char *key, int nr,
                   const struct ll_model *model, int *is_done, struct ll_err *err);
/* The calibration: 1 and tau [n] filled in when it was kept; else 0, and ll_resume_keep_tau notes it (tau
 * NULL: there is none). */
int ll_resume_tau(struct ll_resume *r, double *tau, int n);
void ll_resume_keep_tau(struct ll_resume *r, const double *tau, int n);

/* One sweep of the run: result as in struct ll_sweep. at: where its results begin among the kept ones (0:
 * first sweep; for the second the number of prompts of the first). stats: NULL, or where statistics are to be
 * found after result(): kept with each result that has lens rows, and given back before result() is called
 * again, *has_stats saying so. keeps_resid: which of a result's residuals are needed again. */
struct ll_kept_sweep {
    struct ll_resume *resume;
    struct ll_sweep *sweep;
    int at;
    struct ll_pass_stats *stats;
    int *has_stats;
    enum ll_pack_resid (*keeps_resid)(void *arg, int prompt);
};
int ll_resume_sweep(const struct ll_kept_sweep *k, struct ll_err *err);
/* All files of the model are written: note it, drop the journal. */
int ll_resume_finish(struct ll_resume *r, struct ll_err *err);
void ll_resume_close(struct ll_resume *r);
#endif
