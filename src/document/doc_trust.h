/* doc_trust.h - can the main pass be trusted: last row, repeatability, gates, health, growth of the residual
 * (docs/experiment.md 9.1 to 9.4, 9.6, 9.7). */
#ifndef LL_DOC_TRUST_H
#define LL_DOC_TRUST_H
#include "doc_given.h"
#include "key_out.h"
#include "row_health.h"

#define LL_LAST_ROW_BITS 0.25 /* docs/experiment.md 9.1 */

struct ll_doc_trust {
    struct ll_last_row last;
    double last_gain_bits; /* what the best temperature gains there */
    int warn_last;
    struct ll_repeatability repeat;
    int is_repeatable, n_rows;
    struct ll_doc_forward forward;      /* without a second pass what it would say is null */
    int forward_enabled, forward_delta; /* layers; LL_NO_DELTA */
    const char *forward_mode;           /* a constant, as first_name */
    const char *forward_skipped;        /* why there was no second pass; NULL: there was one */
    const char *first_name;             /* the first pass's preferred semantic layer */
    int first_layer;
    struct ll_gate gates[LL_N_GATES];
    int n_gates;
    double least_gate; /* NAN: none */
    struct ll_numeric_health health;
    const int *flagged; /* [health.n_flagged] rows with logits that are no numbers; borrowed */
    struct ll_trajectory trajectory;
};
/* One run of the main pass. */
struct ll_doc_run {
    const struct ll_pass_stats *stats;
    const struct ll_pass_milestones *milestones;
};
void ll_doc_forward_of(struct ll_doc_forward *out, struct ll_doc_run first, struct ll_doc_run second);
/* flagged: [n_rows], filled in. */
void ll_doc_trust_of(struct ll_doc_trust *out, const struct ll_doc_given *g, int *flagged);
void ll_put_trust(struct ll_key_out *o,
                  const struct ll_doc_trust *t); /* members of "diagnostics" up to the gates */
void ll_put_health(struct ll_key_out *o, const struct ll_doc_trust *t);
#endif
