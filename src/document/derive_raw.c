/* derive_raw.c - see doc_raw.h */
#include "doc_raw.h"

#include <math.h>

void ll_doc_raw_of(struct ll_doc_raw *out, const struct ll_doc_given *g,
                   const struct ll_doc_pass *const *sampled, int n_sampled)
{
    const struct ll_doc_pass *p = &g->passes[0];
    *out = (struct ll_doc_raw){.mode = g->set->raw,
                               .sampled = sampled,
                               .n_sampled = n_sampled,
                               .summary = p->sampled,
                               .radius = g->rules->raw_radius,
                               .window = p->window,
                               .n_window = p->n_window,
                               .max_kl_window = NAN,
                               .teacher_entropy_bits = g->main->teacher_entropy_bits,
                               .rows = g->main->rows,
                               .n_rows = g->main->n_rows};
    out->n_centers = ll_raw_window_centers(&p->m, out->centers);
    for (int i = 0; i < p->n_window; i++) {
        double kl = p->window[i].kl_bits;
        if (kl >= 0 && !(kl <= out->max_kl_window))
            out->max_kl_window = kl;
        out->has_norm_only |= p->window[i].norm_only == 1;
    }
    ll_raw_full(&out->full, g->main, g->scratch);
    out->is_full = out->full.n == g->main->n_rows;
}
