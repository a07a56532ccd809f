/* compare.c - see compare.h */
#include "compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sums {
    double abs, sq, ref_abs, ref_sq, our_sq, dot;
};

static void three_worst(struct ll_cmp *c, const double *col, int width, double total)
{
    double share = 0;
    for (int k = 0; k < 3; k++) {
        c->top_dim[k] = -1;
        for (int i = 0; i < width; i++) {
            int taken = (k > 0 && i == c->top_dim[0]) || (k > 1 && i == c->top_dim[1]);
            if (!taken && col[i] > 0 && (c->top_dim[k] < 0 || col[i] > col[c->top_dim[k]]))
                c->top_dim[k] = i;
        }
        share += c->top_dim[k] < 0 ? 0 : col[c->top_dim[k]];
    }
    c->top3 = total > 0 ? share / total : 0;
}

static void one(struct ll_cmp *c, struct sums *s, double *col, float ours, float ref, int row, int i)
{
    ll_tensor_stats_add(&c->ours, &ours, 1);
    ll_tensor_stats_add(&c->ref, &ref, 1);
    if (!isfinite(ours) || !isfinite(ref)) {
        c->n_bad++;
        return;
    }
    double a = (double)ours, b = (double)ref, e = a - b, size = fabs(e);
    s->abs += size;
    s->sq += e * e;
    s->ref_abs += fabs(b);
    s->ref_sq += b * b;
    s->our_sq += a * a;
    s->dot += a * b;
    col[i] += e * e;
    if (!c->n || size > c->max) {
        c->max = size;
        c->max_row = row;
        c->max_col = i;
        c->max_ours = a;
        c->max_ref = b;
    }
    c->n++;
}

int ll_compare(struct ll_cmp *c, const struct ll_actv *ours, const struct ll_actv *ref, int is_scores,
               const struct ll_cmp_mask *mask, struct ll_err *err)
{
    memset(c, 0, sizeof *c);
    ll_tensor_stats_init(&c->ours);
    ll_tensor_stats_init(&c->ref);
    if (ours->width != ref->width || ref->row0 + ref->rows > ours->rows)
        return ll_fail(err, LL_EUSAGE, "%s: expected rows of %d values for %d rows, found %d for %d",
                       ref->origin ? ref->origin : "activation", ours->width, ours->rows, ref->width,
                       ref->rows);
    double *col = calloc((size_t)ref->width, sizeof *col);
    struct sums s = {0};
    if (!col)
        return ll_fail_mem(err, "errors of dimensions", sizeof *col * (size_t)ref->width);
    for (int r = 0; r < ref->rows; r++) {
        int row = ref->row0 + r, token = ref->heads ? row % ref->width : row,
            n = is_scores && ref->heads ? token + 1 : ref->width;
        const float *a = ours->x + (size_t)row * (size_t)ours->width,
                    *b = ref->x + (size_t)r * (size_t)ref->width;
        if (mask && mask->rows && mask->rows[token])
            continue;
        for (int i = 0; i < n; i++)
            if (!(mask && mask->cols && mask->cols[i]) && !(is_scores && a[i] == -INFINITY && b[i] < -1e30f))
                one(c, &s, col, a[i], b[i], row, i);
    }
    double n = c->n ? (double)c->n : 1;
    c->mae = s.abs / n;
    c->rmse = sqrt(s.sq / n);
    c->rel = s.sq > 0 ? sqrt(s.sq / s.ref_sq) : 0; /* infinite where the reference is all zero */
    c->mae_rel = s.abs > 0 ? s.abs / s.ref_abs : 0;
    c->cosine = s.our_sq > 0 && s.ref_sq > 0 ? s.dot / sqrt(s.our_sq) / sqrt(s.ref_sq)
        : s.our_sq == s.ref_sq               ? 1
                                             : 0;
    three_worst(c, col, ref->width, s.sq);
    free(col);
    return LL_OK;
}
