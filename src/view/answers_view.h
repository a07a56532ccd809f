/* answers_view.h - what `lens` says of the answers it tracks: lines, and a table of all of them. */
#ifndef LL_ANSWERS_VIEW_H
#define LL_ANSWERS_VIEW_H
#include "session.h"
#include "tracked.h"
#include "terminal.h"

struct ll_answers_view {
    const struct ll_session *s;
    const struct ll_tracked_set *f;
    const struct ll_head_out *rows; /* [n_layers + 1] at the position read, tracking f->tracked; borrowed */
    const struct ll_head_out *out;  /* the model's own output there; borrowed */
};
/* For each answer where it is on top, its rank and p at the output, and the same of its other spelling. */
void ll_answers_lines(const struct ll_answers_view *v, struct ll_buf *out);
/* Rank and p at every layer of all answers, when there are several; as many side by side as the terminal has
 * room for. */
void ll_answers_table(const struct ll_answers_view *v, const struct ll_term *t, struct ll_buf *out);
#endif
