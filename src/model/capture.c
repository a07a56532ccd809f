/* capture.c - see capture.h */
#include "capture.h"

#include "lines.h"

#include <stdlib.h>
#include <string.h>

long long ll_stack_bytes(const struct ll_model *m, int n_keep)
{
    return (long long)(m->n_layers + 1) * n_keep * m->d_model * (long long)sizeof(float);
}

int ll_stack_init(struct ll_stack *st, const struct ll_model *m, int max_rows, const int *keep, int n_keep,
                  struct ll_err *err)
{
    memset(st, 0, sizeof *st);
    st->n_layers = m->n_layers;
    st->d_model = m->d_model;
    st->max_rows = max_rows;
    st->site = LL_HOOK_RESID_POST;
    st->n_kept = keep ? n_keep : max_rows;
    st->slot = malloc(sizeof *st->slot * (size_t)max_rows);
    size_t bytes = (size_t)ll_stack_bytes(m, st->n_kept);
    st->x = ll_lines_alloc(bytes);
    if (!st->slot || !st->x) {
        ll_stack_free(st);
        return ll_fail_mem(err, "residual stack", bytes);
    }
    for (int r = 0; r < max_rows; r++)
        st->slot[r] = keep ? -1 : r;
    for (int i = 0; keep && i < n_keep; i++) {
        if (keep[i] < 0 || keep[i] >= max_rows) {
            ll_stack_free(st);
            return ll_fail(err, LL_EUSAGE, "residual stack: kept row: expected 0..%d, found %d", max_rows - 1,
                           keep[i]);
        }
        st->slot[keep[i]] = i;
    }
    return LL_OK;
}

void ll_stack_free(struct ll_stack *st)
{
    free(st->slot);
    free(st->x);
    memset(st, 0, sizeof *st);
}

float *ll_stack_row(const struct ll_stack *st, int layer, int kept)
{
    return st->x + ((size_t)layer * (size_t)st->n_kept + (size_t)kept) * (size_t)st->d_model;
}

static int keep_rows(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct ll_stack *st = arg;
    int row = v->hook == LL_HOOK_EMBED ? 0 : v->layer + 1;
    (void)err;
    for (int r = 0; r < v->n_rows; r++) {
        int kept = st->slot[v->row0 + r];
        if (kept >= 0)
            memcpy(ll_stack_row(st, row, kept), v->data + r * v->stride, sizeof(float) * (size_t)st->d_model);
    }
    return LL_OK;
}

struct ll_listener ll_stack_listener(struct ll_stack *st)
{
    return (struct ll_listener){LL_HOOK_BIT(LL_HOOK_EMBED) | LL_HOOK_BIT(st->site), keep_rows, st};
}
