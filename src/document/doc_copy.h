/* doc_copy.h - the copy rules of a run: thresholds, names of their columns, ids left out (docs/experiment.md
 * 5). */
#ifndef LL_DOC_COPY_H
#define LL_DOC_COPY_H
#include "copy_mask.h"
#include "doc_given.h"
#include "key_out.h"

struct ll_doc_copy {
    char names[LL_MAX_STRICT + LL_MAX_SOFT][64]; /* of the flag columns */
    int n_names;
    double strict, soft;       /* main thresholds; soft NAN: no soft flag */
    int ks[LL_MAX_SOFT], n_ks; /* lengths of the runs at the main soft threshold */
    double extra[LL_MAX_SOFT]; /* thresholds of the other soft flags, each once */
    int n_extra;
    const struct ll_copy_mask *mask; /* NULL: which ids are blank is not known */
};
/* mask: borrowed; NULL: not known. */
void ll_doc_copy_of(struct ll_doc_copy *out, const struct ll_copy_labels *labels,
                    const struct ll_copy_mask *mask);
void ll_put_copy_diag(struct ll_key_out *o, const struct ll_doc_copy *c);
void ll_put_copy_columns(struct ll_key_out *o, const struct ll_doc_copy *c);
#endif
