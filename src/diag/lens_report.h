/* lens_report.h - what `lens` found: one position of one prompt through one lens. Its JSON and CSV
 * (document/lens_doc.h) and its screen (view/lens_view.h) are written from it. */
#ifndef LL_LENS_REPORT_H
#define LL_LENS_REPORT_H
#include "attribution.h"
#include "intervene.h"
#include "token_names.h"
#include "tracked.h"

/* All borrowed. */
struct ll_lens_report {
    const struct ll_model *model;
    const struct ll_token_names *names;
    const char *tuned_lens;                   /* name of the tuned lens; NULL: none */
    const char *lens, *ln_bias, *site, *head; /* as the options name them */
    const int *ids;                           /* [n_ids] the prompt as fed to the model */
    int n_ids, pos;                           /* pos: the position read */
    const struct ll_tracked_set *answers;
    const struct ll_intervene *iv;            /* what was changed in the pass */
    const struct ll_head_out *rows;           /* [n_layers + 1] at the position, tracking answers->tracked */
    const struct ll_head_out *own;            /* the model's own output there */
    int last_row_is_own;                      /* the walk has compared row n_layers with the model's logits */
    const struct ll_attribution *attribution; /* NULL: not asked for */
    int attributed_id, against_id;            /* against_id -1: none */
};
/* The answer that has columns of its own: its place among the tracked ids; -1: none, or not resolved. */
int ll_lens_main_slot(const struct ll_lens_report *r);
#endif
