/* lens_doc.h - what `lens` found, as JSON and as CSV: figures in, bytes out. Columns and members are those of
 * src/record/lens_cols.h. */
#ifndef LL_LENS_DOC_H
#define LL_LENS_DOC_H
#include "attribution.h"
#include "session.h"
#include "tracked.h"

/* One position of one prompt through one lens; all borrowed. */
struct ll_lens_doc {
    const struct ll_session *s;               /* for the texts of tokens */
    const struct ll_model_info *info;         /* JSON only */
    const char *tuned_lens;                   /* name of the tuned lens; NULL: none */
    const char *lens, *ln_bias, *site, *head; /* as the options name them */
    const int *ids;                           /* [n_ids] the prompt as fed to the model */
    int n_ids, pos, n_layers;                 /* pos: the position read */
    const struct ll_tracked_set *answers;     /* answers */
    const struct ll_intervene *iv;            /* what was changed in the pass */
    const struct ll_head_out *rows;           /* [n_layers + 1] at the position, tracking answers->tracked */
    int last_row_is_own;                      /* the walk has compared row n_layers with the model's logits */
    const struct ll_attribution *attribution; /* NULL: not asked for */
    int attributed_id, against_id;            /* against_id -1: none */
};
/* The answer that has columns of its own: its place among the tracked ids; -1: none, or not resolved. */
int ll_lens_main_slot(const struct ll_lens_doc *d);
/* The whole document, or all lines, appended. LL_OK or LL_EFAIL (memory). */
int ll_lens_json(struct ll_buf *out, const struct ll_lens_doc *d, struct ll_err *err);
int ll_lens_csv(struct ll_buf *out, const struct ll_lens_doc *d, struct ll_err *err);
#endif
