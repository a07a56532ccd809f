/* tuned_text.h - text files as windows of ids, divided into those a lens is fitted on and those held out. */
#ifndef LL_TUNED_TEXT_H
#define LL_TUNED_TEXT_H
#include "session.h"
#include "text_in.h"
#include "text_batch.h"

/* Two lists of windows over ids of their own. */
struct ll_split_part {
    int *ids, *start;
    int n;
    size_t n_ids;
}; /* owned */
struct ll_split {
    struct ll_split_part fit, held_out;
};

struct ll_split_opts {
    int seq;          /* ids of a window, the start token (where the tokenizer adds one) included */
    long long tokens; /* ids taken in all, start tokens not counted; 0: all */
    double held_out;  /* share of the windows, spread evenly through the text; 0: none */
    struct ll_text_how how;
};
/* Files are read one after the other, each cut into windows of its own; a last window of less than 3 ids is
 * dropped. Returns LL_OK, LL_EUSAGE (unreadable file, no tokenizer, nothing left to fit on) or LL_EFAIL. */
int ll_split_files(struct ll_split *split, const struct ll_session *s, const char *const *files, int n_files,
                   const struct ll_split_opts *o, struct ll_err *err);
void ll_split_free(struct ll_split *split);
struct ll_windows ll_split_windows(const struct ll_split_part *part);
#endif
