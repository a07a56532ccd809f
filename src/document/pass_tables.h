/* pass_tables.h - the tables of a model's passes, row by row to a taker: records, pure-next-token,
 * rawlens, answers, positions, and the tuned lens' twins of the first two. */
#ifndef LL_PASS_TABLES_H
#define LL_PASS_TABLES_H
#include "rows.h"
#include "sweep.h"

struct ll_pass_tables {
    const struct ll_row_rules *rules; /* borrowed */
    struct ll_row_taker out;
    struct ll_pure_schema pure_schema;          /* owned */
    struct ll_schema records_tuned, pure_tuned; /* the same columns under another file name */
    struct ll_row record, pure, rawlens, answers, position, record_tuned, pure_tuned_row; /* owned */
    struct ll_row_flags *flags; /* [n_rows] of the pass written last; owned */
    long long n_pure;           /* pure rows written so far */
};
/* n_rows: lens rows of a pass. After a failure there is nothing to free. The tables must live until the sinks
 * have ended the model: rows borrow their schema. */
int ll_pass_tables_init(struct ll_pass_tables *t, const struct ll_row_rules *rules, struct ll_row_taker out,
                        int n_rows, struct ll_err *err);
void ll_pass_tables_free(struct ll_pass_tables *t);
/* The flags of the pass, from its rows at the last position, into t->flags [r->n_rows]. */
int ll_pass_tables_flags(struct ll_pass_tables *t, struct ll_row_context *c, const struct ll_sweep_result *r,
                         struct ll_err *err);
/* Records and positions (unless last_only), pure, rawlens (where c->stats has raw readings) and answers rows;
 * the flags come first. */
int ll_pass_tables_write(struct ll_pass_tables *t, struct ll_row_context *c, const struct ll_sweep_result *r,
                         struct ll_err *err);
/* The tuned twins of a pass swept through the tuned lens; rows without a translator are left out. Uses
 * t->flags. */
int ll_pass_tables_tuned(struct ll_pass_tables *t, struct ll_row_context *c, const struct ll_tuned *tuned,
                         const struct ll_sweep_result *r, struct ll_err *err);
#endif
