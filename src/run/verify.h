/* verify.h - a run once more: are its files what they were, and does the same command give the same bytes? */
#ifndef LL_VERIFY_H
#define LL_VERIFY_H
#include "buf.h"
#include "replay.h"

struct ll_verify {
    int n_files; /* in the manifest */
    int n_compared, n_differ;
    struct ll_buf report; /* a line for each difference; owned */
};
/* The files of the run in `folder` against its manifest and, where `again` is not NULL, against those of its
 * command given once more with again's changes: folder, `more` and what is behind it are set here, the
 * command writes into a folder that is removed afterwards. A command that fails as it failed then (same
 * files) is no difference. LL_OK also when files differ; else LL_EUSAGE (no manifest, no command), LL_EFAIL,
 * or why the command failed. Free v in any case. */
int ll_verify_run(struct ll_verify *v, const char *folder, const struct ll_replay *again, int threads,
                  int quiet, struct ll_err *err);
void ll_verify_free(struct ll_verify *v);
#endif
