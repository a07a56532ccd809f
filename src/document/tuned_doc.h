/* tuned_doc.h - what a run says about its tuned lens (docs/experiment.md 11.3, 11.4): rows of two tables,
 * members of the document.
 *
 * Rows are filled for every pass; the summary takes all of them, where the original's held its last pass only
 * (docs/experiment.md 16.2). */
#ifndef LL_TUNED_DOC_H
#define LL_TUNED_DOC_H
#include "json_write.h"
#include "pass_stats.h"
#include "session.h"
#include "sweep.h"
#include "tuned_cols.h"
#include "tuned_fit.h"

/* What config.json says. Strings are owned; NULL: not said. */
struct ll_tuned_facts {
    char *name; /* of the folder: no machine paths */
    char *base_model, *revision, *unembed_hash, *lens_type;
    char *identity;   /* of the checkpoint that `tune` fitted it to */
    char *provenance; /* config.json's member "logitlens" as JSON, what `tune` wrote */
    int d_model, n_layers, has_bias;
};
int ll_tuned_facts_read(struct ll_tuned_facts *f, const char *dir, struct ll_err *err);
void ll_tuned_facts_free(struct ll_tuned_facts *f); /* {0} and twice are fine */
/* One line on stderr when the lens was fitted to another checkpoint than this (identity known). */
void ll_tuned_warn(const struct ll_tuned_facts *f, const char *identity, int quiet);

/* ---- rows ------------------------------------------------------------------------------------ */
struct ll_tuned_point {
    double kl_bits, entropy_bits;
    int answer_rank;
}; /* NAN, -1: not known */
struct ll_tuned_point ll_tuned_point_of(const struct ll_reading *r);
struct ll_tuned_point ll_tuned_point_of_head(const struct ll_head_out *o,
                                             int has_answer); /* of a sweep; rank: tracked id 0 */

/* Fill a cleared row from the statistics of lens row `layer` (0..n_layers) of a pass; for rows whose tuned
 * reading is set. */
void ll_fill_tuned_variant(struct ll_row *row, const struct ll_pass_info *info, int layer,
                           const struct ll_row_stats *s);

/* Positions of docs/experiment.md 9.5 in a prompt of n_ids tokens: frac and position, rising, positions
 * distinct. Returns how many. */
enum { LL_N_POS_FRACS = 8 };
struct ll_pos_frac {
    double frac;
    int pos;
};
int ll_position_fractions(int n_ids, struct ll_pos_frac out[LL_N_POS_FRACS]);
void ll_fill_pos_audit(struct ll_row *row, const struct ll_pass_info *info, struct ll_pos_frac at, int layer,
                       struct ll_tuned_point baseline, struct ll_tuned_point tuned);

/* ---- the document ---------------------------------------------------------------------------- */
struct ll_tuned_deltas {
    double *v;
    size_t n, cap;
}; /* owned */
struct ll_tuned_doc {
    struct ll_tuned_deltas tuned, temp;        /* of KL, rows 0..n_layers-1 of all passes */
    struct ll_tuned_deltas at[LL_N_POS_FRACS]; /* by fraction; all passes */
    double kl_final;                           /* largest KL of the tuned row n_layers over the passes: 0 */
    int failed;                                /* out of memory: said by ll_tuned_doc_ok */
};
void ll_tuned_doc_pass(struct ll_tuned_doc *d, const struct ll_pass_stats *stats);
/* Rows 0..n_layers-1 only. */
void ll_tuned_doc_position(struct ll_tuned_doc *d, double frac, struct ll_tuned_point baseline,
                           struct ll_tuned_point tuned);
int ll_tuned_doc_ok(const struct ll_tuned_doc *d, struct ll_err *err);
void ll_tuned_doc_free(struct ll_tuned_doc *d);
/* Members of the open object "tuned_lens": path, config, temperatures, provenance, audit_summary. */
void ll_put_tuned_facts(struct ll_json *j, const struct ll_tuned_facts *f, const struct ll_tuned *t,
                        int n_layers);
void ll_put_tuned_audit(struct ll_json *j, struct ll_tuned_doc *d);

/* The skip-layers check on the prompts of a run. LL_OK (also when no prompt is long enough: all NAN) or as
 * ll_tuned_evaluate. */
int ll_tuned_skip_check(const struct ll_session *s, enum ll_lens_kind lens, int ln_bias_drop,
                        const struct ll_tuned *t, const struct ll_sweep_prompt *prompts, int n_prompts,
                        struct ll_skip_sanity *out, struct ll_err *err);
/* Members skip_layers_sanity {"m=2": ...} and tuned_lens_regression of the open object "diagnostics". */
void ll_put_skips(struct ll_json *j, const struct ll_skip_sanity *s);
#endif
