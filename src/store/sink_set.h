/* sink_set.h - all sinks of a run as one: every call goes to each of them in turn, the first failure ends it.
 */
#ifndef LL_SINK_SET_H
#define LL_SINK_SET_H
#include "sink.h"

enum { LL_MAX_SINKS = 8 };
struct ll_sink_set {
    struct ll_sink *s[LL_MAX_SINKS];
    int n;
};

/* One sink a row of ll_sinks[], writing into folder; the meaning of each call is the sink's (sink.h). After a
 * failed open the set holds what was opened: close it. */
int ll_sink_set_open(struct ll_sink_set *all, const char *folder, struct ll_err *err);
int ll_sink_set_begin(struct ll_sink_set *all, const struct ll_model_info *model, struct ll_err *err);
int ll_sink_set_row(struct ll_sink_set *all, const struct ll_row *row, struct ll_err *err);
/* The set as a taker of rows; borrowed. */
struct ll_row_taker ll_sink_set_rows(struct ll_sink_set *all);
int ll_sink_set_end(struct ll_sink_set *all, const struct ll_model_end *end, struct ll_err *err);
void ll_sink_set_abort(struct ll_sink_set *all);
void ll_sink_set_close(struct ll_sink_set *all);
#endif
