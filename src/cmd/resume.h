/* resume.h - what one model's run keeps while it is unfinished: a journal of its sweeps' results, and a mark when all its files
 * are written.
 *
 * Frame 0 of the journal is the calibration, then come the results of the first sweep in order, then those of the second.
 * Going on hands the kept results to whoever takes results, as the sweep would, and sweeps the rest; so a run that was
 * interrupted ends with the same bytes. Kept under a key of checkpoint, token ids and settings. */
#ifndef LL_RESUME_H
#define LL_RESUME_H
#include "journal.h"
#include "record.h"
#include "result_pack.h"

struct ll_resume {
    struct ll_journal journal;       /* closed when nothing is kept */
    char *done, *path;               /* owned; file names of the mark and the journal; NULL: nothing is kept */
    char key[65];
    const struct ll_model *model;    /* borrowed */
    struct ll_buf first, frame;      /* frame 0 until the first result comes; scratch */
};
/* folder NULL: nothing is kept. run_key: of the run; nr: the model's number in it; prompts[n]: all that is swept. *is_done: all
 * files of this model are there. Free with ll_resume_close, also after a failure. */
int ll_resume_open(struct ll_resume *r, const char *folder, const char *run_key, int nr, const struct ll_model_info *info, const struct ll_model *model,
                   const struct ll_sweep_prompt *prompts, int n, int *is_done, struct ll_err *err);
/* The calibration: 1 and tau [n] filled in when it was kept; else 0, and ll_resume_keep_tau notes it (tau NULL: there is none). */
int ll_resume_tau(struct ll_resume *r, double *tau, int n);
void ll_resume_keep_tau(struct ll_resume *r, const double *tau, int n);

/* One sweep of the run: result as in struct ll_sweep. at: what kept the result numbers of it (0: first sweep; for the second the
 * number of prompts of the first). stats: NULL, or where statistics are to be found after result(): kept with each result that
 * has lens rows, and given back before result() is called again, *has_stats saying so. keeps_resid: the results whose residuals
 * are needed again. */
struct ll_kept_sweep {
    struct ll_resume *resume;
    struct ll_sweep *sweep;
    int at;
    struct ll_pass_stats *stats; int *has_stats;
    int (*keeps_resid)(void *arg, int prompt);
};
int ll_resume_sweep(const struct ll_kept_sweep *k, struct ll_err *err);
/* All files of the model are written: note it, drop the journal. */
int ll_resume_finish(struct ll_resume *r, struct ll_err *err);
void ll_resume_close(struct ll_resume *r);
#endif
