/* answers_view.h - what `lens` says of the answers it follows: lines, a table of all of them, JSON and CSV.
 */
#ifndef LL_ANSWERS_VIEW_H
#define LL_ANSWERS_VIEW_H
#include "followed.h"
#include "terminal.h"

struct ll_answers_view {
    const struct ll_session *s;
    const struct ll_follows *f;
    const struct ll_head_out *rows; /* [n_layers + 1] at the position read, following f->tracked; borrowed */
    const struct ll_head_out *out;  /* the model's own output there; borrowed */
};
/* For each answer where it is on top, its rank and p at the output, and the same of its other spelling. */
void ll_answers_lines(const struct ll_answers_view *v, struct ll_buf *out);
/* Rank and p at every layer of all answers, when there are several; as many side by side as the terminal has
 * room for. */
void ll_answers_table(const struct ll_answers_view *v, const struct ll_term *t, struct ll_buf *out);
/* Array "answers" of the open object: how each was understood; and of a layer's object: rank and p, in the
 * same order (null: unresolved). */
void ll_answers_json(const struct ll_answers_view *v, struct ll_json *j);
void ll_answers_json_row(const struct ll_answers_view *v, int layer, struct ll_json *j);
/* Columns for all entries but the first, each with a comma in front: names, and a layer's cells. */
void ll_answers_csv_names(const struct ll_answers_view *v, struct ll_buf *out);
void ll_answers_csv_row(const struct ll_answers_view *v, int layer, struct ll_buf *out);
#endif
