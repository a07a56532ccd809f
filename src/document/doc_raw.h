/* doc_raw.h - raw lens against norm lens in the document (docs/experiment.md 8). */
#ifndef LL_DOC_RAW_H
#define LL_DOC_RAW_H
#include "doc_given.h"
#include "key_out.h"

struct ll_doc_raw {
    enum ll_raw_mode mode;
    /* passes whose sampled rows are listed: those of the micro-suite, as in the original, or the main pass
     * where there is no suite; borrowed */
    const struct ll_doc_pass *const *sampled;
    int n_sampled;
    struct ll_raw_sampled summary; /* of the main pass alone */
    int radius, centers[LL_RAW_CENTERS], n_centers;
    const struct ll_doc_raw_row *window; /* [n_window] of the main pass; borrowed */
    int n_window;
    double max_kl_window; /* NAN: none */
    int has_norm_only;    /* a row of the window has the answer through the norm only */
    int is_full;          /* every row was read raw: the rest holds */
    struct ll_raw_full full;
    double teacher_entropy_bits;
    const struct ll_row_stats *rows; /* [n_rows] of the main pass; borrowed */
    int n_rows;
};
/* sampled: [n_sampled]. */
void ll_doc_raw_of(struct ll_doc_raw *out, const struct ll_doc_given *g,
                   const struct ll_doc_pass *const *sampled, int n_sampled);
void ll_put_raw_check(struct ll_key_out *o, const struct ll_doc_raw *r); /* member of the document */
void ll_put_raw_diag(struct ll_key_out *o, const struct ll_doc_raw *r);  /* members of "diagnostics" */
#endif
