/* document.h - output-MODEL.json: everything it says, as one plain struct, and its one author.
 *
 * The original's six sections first, keys unchanged (docs/experiment.md 13.1), ours after them; a model that
 * failed or was skipped leaves {status, model, reason, schema_version, provenance} (docs/experiment.md 13.5).
 * No wall clock and no machine paths: two runs are compared byte for byte. The keys are those of doc_keys.h;
 * nothing is computed while it is written. */
#ifndef LL_DOCUMENT_H
#define LL_DOCUMENT_H
#include "doc_guide.h"

/* What the original experiment would have needed for this model, by kind of device. */
enum { LL_FIT_DEVICES = 3 };
struct ll_doc_fit {
    double params, params_by_name; /* params_by_name NAN: the name says none */
    struct {
        const char *device, *dtype;
        long long estimate_bytes, reserve_bytes;
        double overhead;
    } devices[LL_FIT_DEVICES];
};

struct ll_document { /* all borrowed */
    const struct ll_run_info *run;
    const struct ll_model_info *model;
    const char *status;                     /* "ok", "failed", "skipped" */
    const char *reason;                     /* for failed and skipped, of which nothing below is said */
    const struct ll_pass_info *passes;      /* the main pass first */
    const struct ll_milestones *milestones; /* [n_passes], by the flags of the pure rows */
    int n_passes;
    const struct ll_prediction *test_prompts, *temperatures, *final_prediction;
    int n_test_prompts, n_temperatures;
    double copy_threshold, copy_margin;
    int ln_bias_dropped,
        last_row_equal; /* 1: lens row n is the model's own output, bit for bit, in every pass */
    const char *const *warnings;
    int n_warnings;
    const struct ll_doc_fit *fit;
    const struct ll_doc_figures *figures; /* NULL: no analysis */
};
/* Its text, appended to out. LL_OK or LL_EFAIL (memory). */
int ll_document_write(struct ll_buf *out, const struct ll_document *d, struct ll_err *err);
/* Member memory_fit of "provenance". */
void ll_put_fit(struct ll_key_out *o, const struct ll_doc_fit *fit);
#endif
