/* weight_flags.c - see weight_flags.h */
#include "weight_flags.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int same_pattern(const struct ll_weight_layer *a, const struct ll_weight_layer *b)
{
    if (strcmp(ll_buf_str(&a->extra), ll_buf_str(&b->extra))) /* also tensors that the family does not read */
        return 0;
    for (int p = 0; p < LL_N_WEIGHT_PARTS; p++)
        if (a->cell[p].n != b->cell[p].n || a->cell[p].rows != b->cell[p].rows
            || a->cell[p].cols != b->cell[p].cols)
            return 0;
    return 1;
}

/* The pattern that most layers have; the earliest of equals. */
static int commonest(const struct ll_weights *w)
{
    int best = 0, best_n = 0;
    for (int l = 0; l < w->n_layers; l++) {
        int n = 0;
        for (int k = 0; k < w->n_layers; k++)
            n += same_pattern(&w->layers[l], &w->layers[k]);
        if (n > best_n) {
            best = l;
            best_n = n;
        }
    }
    return best;
}

static int by_layer(const void *a, const void *b)
{
    const struct ll_weight_flag *x = a, *y = b;
    return x->layer != y->layer ? x->layer - y->layer
        : x->part != y->part    ? x->part - y->part
                                : x->is_std - y->is_std;
}

/* One statistic of all layers; v, z: room for n_layers. */
static int judge(struct ll_weight_flags *f, const struct ll_weights *w, int part, int is_std, double *v,
                 double *z, struct ll_err *err)
{
    struct ll_robust of;
    for (int l = 0; l < w->n_layers; l++) {
        const struct ll_weight_cell *c = &w->layers[l].cell[part];
        v[l] = !c->tensor ? NAN : is_std ? ll_tensor_std(&c->stats) : ll_tensor_mean(&c->stats);
    }
    int rc = ll_robust_z(v, w->n_layers, z, &of, err);
    for (int l = 0; l < w->n_layers && !rc; l++) {
        f->max_z[l] = fmax(f->max_z[l], fabs(z[l]));
        if (fabs(z[l]) <= LL_ROBUST_LIMIT)
            continue;
        struct ll_weight_flag *grown = realloc(f->flags, sizeof *grown * (size_t)(f->n + 1));
        if (!grown)
            return ll_fail_mem(err, "outliers", sizeof *grown * (size_t)f->n);
        f->flags = grown;
        f->flags[f->n++] = (struct ll_weight_flag){l, part, is_std, v[l], z[l], of};
    }
    return rc;
}

int ll_weight_flags_find(struct ll_weight_flags *f, const struct ll_weights *w, struct ll_err *err)
{
    size_t n = (size_t)w->n_layers + 1;
    double *v = malloc(sizeof *v * n), *z = malloc(sizeof *z * n);
    memset(f, 0, sizeof *f);
    f->max_z = calloc(n, sizeof *f->max_z);
    f->differs = calloc(n, 1);
    int rc = v && z && f->max_z && f->differs ? LL_OK : ll_fail_mem(err, "outliers", sizeof *v * n);
    for (int p = 0; p < LL_N_WEIGHT_PARTS && !rc; p++)
        for (int is_std = 0; is_std < 2 && !rc && ll_weight_part(p)->layered; is_std++)
            rc = judge(f, w, p, is_std, v, z, err);
    int common = rc ? 0 : commonest(w);
    for (int l = 0; l < w->n_layers && !rc; l++)
        f->differs[l] = !same_pattern(&w->layers[l], &w->layers[common]);
    if (f->n)
        qsort(f->flags, (size_t)f->n, sizeof *f->flags, by_layer);
    free(v);
    free(z);
    return rc;
}

void ll_weight_flags_free(struct ll_weight_flags *f)
{
    free(f->flags);
    free(f->max_z);
    free(f->differs);
    memset(f, 0, sizeof *f);
}
