/* massive.c - see massive.h */
#include "massive.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Magnitudes of floats order as their bits without the sign do. */
static uint32_t magnitude(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits & 0x7fffffffu;
}

/* The k-th smallest |x| (k from 0): the upper half of its bits by counting, then the lower half. count:
 * [65536] */
static float kth(const float *x, size_t n, size_t k, size_t *count)
{
    uint32_t high = 0, low = 0;
    memset(count, 0, sizeof *count << 16);
    for (size_t i = 0; i < n; i++)
        count[magnitude(x[i]) >> 16]++;
    for (; k >= count[high]; high++)
        k -= count[high];
    memset(count, 0, sizeof *count << 16);
    for (size_t i = 0; i < n; i++)
        if (magnitude(x[i]) >> 16 == high)
            count[magnitude(x[i]) & 0xffff]++;
    for (; k >= count[low]; low++)
        k -= count[low];
    uint32_t bits = high << 16 | low;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* The median of |x| over n values, exact; the mean of the middle two when n is even. Reads x twice, holds 512
 * KiB. n >= 1. */
static int median_abs(const float *x, size_t n, double *median, struct ll_err *err)
{
    size_t *count = malloc(sizeof *count << 16);
    if (!count)
        return ll_fail_mem(err, "median", sizeof *count << 16);
    *median = n % 2 ? (double)kth(x, n, n / 2, count)
                    : ((double)kth(x, n, n / 2 - 1, count) + (double)kth(x, n, n / 2, count)) / 2;
    free(count);
    return LL_OK;
}

int ll_massive_init(struct ll_massive *m, int n_pos, int d_model, double factor, struct ll_err *err)
{
    memset(m, 0, sizeof *m);
    if (n_pos < 1 || d_model < 1 || !(factor > 1))
        return ll_fail(err, LL_EUSAGE,
                       "massive activations: expected positions and width from 1 and a factor above 1, found "
                       "%d, %d and %g",
                       n_pos, d_model, factor);
    m->n_pos = n_pos;
    m->d_model = d_model;
    m->factor = factor;
    m->slot = calloc((size_t)n_pos * (size_t)d_model, sizeof *m->slot);
    return m->slot
        ? LL_OK
        : ll_fail_mem(err, "massive activations", (size_t)n_pos * (size_t)d_model * sizeof *m->slot);
}

static int note(struct ll_massive *m, int row, int pos, int dim, double v, double ratio, struct ll_err *err)
{
    int *slot = &m->slot[(size_t)pos * (size_t)m->d_model + (size_t)dim];
    if (!*slot) {
        if (m->n == m->cap) {
            int cap = m->cap ? 2 * m->cap : 64;
            struct ll_massive_at *found = realloc(m->found, sizeof *found * (size_t)cap);
            if (found)
                m->found = found;
            struct ll_massive_at *at = found ? realloc(m->at, sizeof *at * (size_t)cap) : NULL;
            if (!at)
                return ll_fail_mem(err, "massive activations", sizeof *found * (size_t)cap);
            m->at = at;
            m->cap = cap;
        }
        m->found[m->n] = (struct ll_massive_at){
            .pos = pos, .dim = dim, .first = row, .peak = row, .value = v, .ratio = ratio};
        *slot = ++m->n;
    }
    struct ll_massive_at *a = &m->found[*slot - 1];
    a->last = row;
    a->n_rows++;
    if (fabs(v) > fabs(a->value)) {
        a->value = v;
        a->ratio = ratio;
        a->peak = row;
    }
    return LL_OK;
}

static int by_place(const void *pa, const void *pb)
{
    const struct ll_massive_at *a = pa, *b = pb;
    return a->pos != b->pos ? (a->pos > b->pos) - (a->pos < b->pos) : (a->dim > b->dim) - (a->dim < b->dim);
}

int ll_massive_add(struct ll_massive *m, const float *x, struct ll_err *err)
{
    struct ll_massive_row *rows = realloc(m->rows, sizeof *rows * (size_t)(m->n_rows + 1)), *r;
    if (!rows)
        return ll_fail_mem(err, "massive activations", sizeof *rows * (size_t)(m->n_rows + 1));
    m->rows = rows;
    r = &rows[m->n_rows];
    memset(r, 0, sizeof *r);
    int rc = median_abs(x, (size_t)m->n_pos * (size_t)m->d_model, &r->median, err);
    for (int p = 0; p < m->n_pos && !rc; p++)
        for (int i = 0; i < m->d_model && !rc; i++) {
            double v = (double)x[(size_t)p * (size_t)m->d_model + (size_t)i], size = fabs(v);
            if (!isfinite(v))
                continue;
            if (size > r->max_abs) {
                r->max_abs = size;
                r->max_pos = p;
                r->max_dim = i;
            }
            if (size > m->factor * r->median && r->median > 0) {
                rc = note(m, m->n_rows, p, i, v, size / r->median, err);
                r->n++;
            }
        }
    if (rc)
        return rc;
    m->n_rows++;
    if (m->n) {
        memcpy(m->at, m->found, sizeof *m->at * (size_t)m->n);
        qsort(m->at, (size_t)m->n, sizeof *m->at, by_place);
    }
    return LL_OK;
}

static int is_massive(const struct ll_massive *m, int pos, int dim)
{
    return m->slot[(size_t)pos * (size_t)m->d_model + (size_t)dim] != 0;
}

int ll_massive_dims(const struct ll_massive *m, int *dims)
{
    int n = 0;
    for (int i = 0; i < m->d_model; i++)
        for (int p = 0; p < m->n_pos; p++)
            if (is_massive(m, p, i)) {
                if (dims)
                    dims[n] = i;
                n++;
                break;
            }
    return n;
}

int ll_massive_positions(const struct ll_massive *m, int *positions)
{
    int n = 0;
    for (int i = 0; i < m->n; i++)
        if (!i || m->at[i].pos != m->at[i - 1].pos) {
            if (positions)
                positions[n] = m->at[i].pos;
            n++;
        }
    return n;
}

void ll_massive_free(struct ll_massive *m)
{
    free(m->rows);
    free(m->at);
    free(m->found);
    free(m->slot);
    memset(m, 0, sizeof *m);
}
