/* head_facts.c - see head_facts.h */
#include "head_facts.h"

#include <math.h>
#include <stdio.h>

void ll_norm_place(const struct ll_model *m, enum ll_lens_kind kind, int row, char out[LL_NORM_PLACE])
{
    const struct ll_norm *norm = ll_lens_norm(m, kind, row);
    snprintf(out, LL_NORM_PLACE, "%s", !norm ? "raw" : norm == &m->ln_final ? "ln_final" : "unknown");
    for (int l = 0; norm && norm != &m->ln_final && l < m->n_layers; l++) {
        const struct ll_layer *b = &m->layers[l];
        const struct {
            const struct ll_norm *at;
            const char *name;
        } of[] = {{&b->ln1, "ln1"}, {&b->ln1_post, "ln1_post"}, {&b->ln2, "ln2"}, {&b->ln2_post, "ln2_post"}};
        for (size_t i = 0; i < sizeof of / sizeof *of; i++)
            if (norm == of[i].at)
                snprintf(out, LL_NORM_PLACE, "blocks[%d].%s", l, of[i].name);
    }
}

struct ll_unembed_bias ll_unembed_bias_of(const struct ll_model *m)
{
    double sum = 0, max = 0;
    for (int v = 0; m->b_U && v < m->d_vocab; v++) {
        sum += (double)m->b_U[v] * (double)m->b_U[v];
        max = fabs((double)m->b_U[v]) > max ? fabs((double)m->b_U[v]) : max;
    }
    return (struct ll_unembed_bias){m->b_U != NULL, sqrt(sum), max};
}
