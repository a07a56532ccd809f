/* derive_copy.c - see doc_copy.h */
#include "doc_copy.h"

#include <math.h>

void ll_doc_copy_of(struct ll_doc_copy *out, const struct ll_copy_labels *l, const struct ll_copy_mask *mask)
{
    *out = (struct ll_doc_copy){.strict = l->strict[0],
                                .soft = l->n_soft ? l->soft[0].threshold : NAN,
                                .mask = mask};
    for (int i = 0; i < l->n_strict; i++)
        ll_copy_strict_name(l, i, out->names[out->n_names++]);
    for (int i = 0; i < l->n_soft; i++)
        ll_copy_soft_name(l, i, out->names[out->n_names++]);
    for (int i = 0; i < l->n_soft; i++) {
        int is_main = l->soft[i].threshold == out->soft, is_seen = is_main;
        for (int k = 0; k < i; k++)
            is_seen |= l->soft[k].threshold == l->soft[i].threshold;
        if (is_main)
            out->ks[out->n_ks++] = l->soft[i].k;
        if (!is_seen)
            out->extra[out->n_extra++] = l->soft[i].threshold;
    }
}
