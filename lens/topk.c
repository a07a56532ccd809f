/* topk.c - see topk.h */
#include "topk.h"

#include <math.h>
#include <stdlib.h>

/* 1 when a ranks before b. */
static int before(struct ll_hit a, struct ll_hit b) { return a.v > b.v || (a.v == b.v && a.id < b.id); }

static void swap(struct ll_hit *a, struct ll_hit *b)
{
    struct ll_hit t = *a;
    *a = *b;
    *b = t;
}

static void sift_down(struct ll_hit *h, int n)
{
    for (int i = 0, c; (c = 2 * i + 1) < n; i = c) {
        if (c + 1 < n && before(h[c], h[c + 1]))
            c++; /* the worse child */
        if (!before(h[i], h[c]))
            return;
        swap(&h[i], &h[c]);
    }
}

void ll_topk_add(struct ll_hit *h, int *n, int k, struct ll_hit hit)
{
    if (k <= 0 || hit.v != hit.v)
        return;
    if (*n < k) {
        int i = (*n)++;
        h[i] = hit;
        for (int p; i > 0 && before(h[p = (i - 1) / 2], h[i]); i = p)
            swap(&h[p], &h[i]);
        return;
    }
    if (!before(hit, h[0]))
        return;
    h[0] = hit;
    sift_down(h, k);
}

float ll_topk_floor(const struct ll_hit *h, int n, int k)
{
    return n < k || k <= 0 ? (k <= 0 ? INFINITY : -INFINITY) : h[0].v;
}

static int compare(const void *a, const void *b)
{
    const struct ll_hit *x = a, *y = b;
    return before(*x, *y) ? -1 : before(*y, *x);
}

void ll_topk_sort(struct ll_hit *h, int n) { qsort(h, (size_t)n, sizeof *h, compare); }
