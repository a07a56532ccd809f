/* doc_tuned.h - what the document says of a tuned lens (docs/experiment.md 11.3, 11.4). */
#ifndef LL_DOC_TUNED_H
#define LL_DOC_TUNED_H
#include "doc_given.h"
#include "key_out.h"
#include "row_health.h"
#include "settings.h"
#include "tuned_fit.h"
#include "tuned_gains.h"

/* Facts of the lens, all borrowed. A text that is NULL was not said. */
struct ll_doc_tuned_given {
    int is_asked, is_loaded; /* nothing below `mode` holds unless loaded */
    enum ll_tuned_mode mode;
    const char *name; /* of its folder: no machine paths */
    const char *base_model, *revision, *unembed_hash, *lens_type;
    int d_model, n_layers, has_bias;
    const double *temperatures; /* [n_layers] */
    const struct ll_settings
        *config; /* its config.json, of which the member "logitlens" is what `tune` wrote */
    struct ll_tuned_audit audit;
    struct ll_skip_sanity skips;
};
struct ll_doc_tuned {
    struct ll_doc_tuned_given lens;
    const char *status;
    struct ll_sidecar base, alt;  /* norm lens, tuned lens, of the main pass */
    int rank_delta[LL_N_RANK_AT]; /* tuned - norm; LL_NO_DELTA */
    int first_kl_delta;
    double kl_gain[3]; /* norm - tuned at the quarters of the depth */
    double gain_p50;   /* over all rows of the main pass; NAN: none */
    const char *hint;  /* "tuned", or NULL */
};
/* lens NULL: none was asked for. */
void ll_doc_tuned_of(struct ll_doc_tuned *out, const struct ll_doc_given *g,
                     const struct ll_doc_tuned_given *lens);
void ll_put_tuned(struct ll_key_out *o, const struct ll_doc_tuned *t); /* member of the document */
void ll_put_skips(struct ll_key_out *o, const struct ll_doc_tuned *t); /* members of "diagnostics" */
#endif
