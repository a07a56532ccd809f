/* weight_pairs.c - see weight_pairs.h */
#include "weight_pairs.h"

#include "weight_scan.h"
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A checkpoint's weights by part, scanned. */
struct scanned {
    struct ll_model *m;
    struct ll_weights w;
};

static int scan_model(struct scanned *s, const char *path, struct ll_engine *eng, struct ll_err *err)
{
    int rc = ll_model_open_settings(&s->m, path, err);
    if (!rc)
        rc = ll_weights_find(&s->w, s->m, err);
    return rc ? rc : ll_weight_scan(&s->w, eng, NULL, NULL, NULL, err);
}

static void scanned_free(struct scanned *s)
{
    ll_weights_free(&s->w);
    ll_model_close(s->m);
}

/* Gemma's gains lack 1 in safetensors and have it in GGUF: what must be added to compare with the other
 * container. */
static double gain_offset(const struct ll_model *m, int part)
{
    return ll_weight_part(part)->kind == LL_PART_NORM && m->family->norm == LL_NORM_RMS_PLUS_ONE
        && !ll_norms_complete(m);
}

static void moments(const struct scanned *s, int row, int part, double out[LL_N_MOMENTS])
{
    const struct ll_tensor_stats *t = &s->w.layers[row].cell[part].stats;
    out[LL_STD] = ll_tensor_std(t);
    out[LL_MEAN] = ll_tensor_mean(t) + gain_offset(s->m, part);
    out[LL_RMS] = sqrt(out[LL_MEAN] * out[LL_MEAN] + out[LL_STD] * out[LL_STD]);
}

static double percent_off(double rms, double original)
{
    return original > 0 ? 100 * (rms - original) / original : rms > 0 ? INFINITY : 0;
}

/* Part beside part, where both have it in the same size. */
static void pair_up(struct ll_weight_pairs *p, const struct scanned *q, const struct scanned *f)
{
    for (int l = 0; l <= q->w.n_layers; l++)
        for (int part = 0; part < LL_N_WEIGHT_PARTS; part++) {
            const struct ll_weight_cell *a = &q->w.layers[l].cell[part], *b = &f->w.layers[l].cell[part];
            struct ll_weight_pair *new = &p->v[p->n];
            if (!a->tensor || !b->tensor || a->n != b->n)
                continue;
            *new = (struct ll_weight_pair){.layer = l < q->w.n_layers ? l : -1,
                                           .part = part,
                                           .type = a->tensor->dtype};
            moments(q, l, part, new->quantised);
            moments(f, l, part, new->original);
            new->percent = percent_off(new->quantised[LL_RMS], new->original[LL_RMS]);
            if (fabs(new->percent) > fabs(p->v[p->worst].percent))
                p->worst = p->n;
            p->n++;
        }
}

int ll_weight_pairs_find(struct ll_weight_pairs *p, const char *quantised, const char *original,
                         struct ll_engine *eng, struct ll_err *err)
{
    struct scanned q = {0}, f = {0};
    memset(p, 0, sizeof *p);
    int rc = scan_model(&q, quantised, eng, err);
    if (!rc)
        rc = scan_model(&f, original, eng, err);
    if (!rc && (q.w.n_layers != f.w.n_layers || q.m->d_model != f.m->d_model))
        rc = ll_fail(err, LL_EUSAGE, "--original: expected %d layers of width %d, found %d of %d",
                     q.w.n_layers, q.m->d_model, f.w.n_layers, f.m->d_model);
    size_t most = rc ? 0 : (size_t)(q.w.n_layers + 1) * LL_N_WEIGHT_PARTS;
    if (!rc && !(p->v = calloc(most, sizeof *p->v)))
        rc = ll_fail_mem(err, "weights", most * sizeof *p->v);
    if (!rc)
        pair_up(p, &q, &f);
    scanned_free(&q);
    scanned_free(&f);
    return rc;
}

void ll_weight_pairs_free(struct ll_weight_pairs *p)
{
    free(p->v);
    memset(p, 0, sizeof *p);
}
