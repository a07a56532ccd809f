/* doc_lens.h - what the lens did at each row and whether another would have said the same: norms used,
 * agreement of lenses, decoding points, calibration (docs/experiment.md 9.8 to 9.10, 10.1). */
#ifndef LL_DOC_LENS_H
#define LL_DOC_LENS_H
#include "doc_given.h"
#include "key_out.h"
#include "row_health.h"

struct ll_doc_place { /* of a lens row */
    char block[32];
    const char *stream, *norm; /* norm: borrowed */
    int has_norm;
    double resid_norm_ratio, delta_resid_cos, resid_norm;
};
struct ll_doc_point {
    const char *name;
    const struct ll_decoding_point *p;       /* borrowed */
    int rank1_agree, top1_agree, delta_rank; /* LL_NO_DELTA: a rank is not known */
};
/* Another lens against the norm lens. */
struct ll_doc_lens_pair {
    struct ll_agreement at[LL_MAX_TARGETS], p50;
};
struct ll_doc_lens {
    struct ll_unembed_bias bias;
    const char *arch, *strategy, *ablation; /* ablation NULL: not tested */
    const struct ll_doc_place *places;      /* [n_rows]; borrowed */
    int n_rows;
    struct ll_target targets[LL_MAX_TARGETS];
    int n_targets;
    struct ll_doc_lens_pair raw, tuned;
    int has_tuned, is_low_agreement;
    struct ll_doc_point points[LL_MAX_POINTS];
    int n_points, preferred; /* preferred: number of a point, -1: none */
    int is_consistent;       /* 1, 0; -1: nothing tested */
    const double *tau;       /* [n_rows] or NULL; borrowed */
    struct {
        int layer, percent;
        double kl_bits;
    } calibrated[3]; /* at the quarters of the depth */
};
/* places: [n_rows], filled in. */
void ll_doc_lens_of(struct ll_doc_lens *out, const struct ll_doc_given *g, int has_tuned,
                    struct ll_doc_place *places);
void ll_put_lens(struct ll_key_out *o, const struct ll_doc_lens *l); /* members of "diagnostics" */
#endif
