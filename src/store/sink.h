/* sink.h - where records go. One row of ll_sinks[] an output format; a sink knows columns but not models.
 *
 * Order of calls: open, then for each model: begin_model, { row }*, end_model(end) or abort_model; then
 * close. A sink writes nothing under a final name before end_model. After any failure the caller calls
 * abort_model and close; both are safe at any time. A model that was not done leaves its JSON file only, rows
 * are dropped. Files are named output-<stem>..., by the stem that the caller gives the model. `model` is
 * borrowed until end or abort. */
#ifndef LL_SINK_H
#define LL_SINK_H
#include "record.h"

struct ll_sink;
struct ll_sink_type {
    const char *name; /* "csv", "json" */
    const char *help;
    int (*open)(struct ll_sink **s, const char *folder, struct ll_err *err);
    int (*begin_model)(struct ll_sink *s, const struct ll_model_info *model, struct ll_err *err);
    int (*row)(struct ll_sink *s, const struct ll_row *row, struct ll_err *err);
    int (*end_model)(struct ll_sink *s, const struct ll_model_end *end, struct ll_err *err);
    void (*abort_model)(struct ll_sink *s);
    void (*close)(struct ll_sink *s);
};
struct ll_sink {
    const struct ll_sink_type *type;
};                                                  /* first member of every sink */
extern const struct ll_sink_type *const ll_sinks[]; /* NULL at the end */
#endif
