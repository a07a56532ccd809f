/* kernels_plain.c - rule L16 written out in scalar C with fmaf: the specification the other units must match.
 */
#include "simd_plain.h"

#include "vec_impl.h"

enum { NR = 4 };

static int x_rows(int left)
{
    (void)left;
    return 1;
}

/* y = dot product of one packed row of x with row `i` of a group of w, over kb columns */
static float block_value(const float *x, const float *w, int i, int kb)
{
    float chain[16] = {0};
    for (int k = 0; k < kb; k += 16)
        for (int j = 0; j < 16; j++)
            chain[j] = fmaf(x[k + j], w[k * NR + i * 16 + j], chain[j]);
    for (int h = 8; h; h >>= 1)
        for (int j = 0; j < h; j++)
            chain[j] += chain[j + h];
    return chain[0];
}

static void tile(const struct ll_tile *t)
{
    for (int m = 0; m < t->m; m++)
        for (int n = 0; n < t->n_groups * NR; n++) {
            float v = block_value(t->x + (long)m * t->kb, t->w + n / NR * t->group_stride, n % NR, t->kb);
            float *y = t->y + m * t->ldy + n;
            *y = t->first ? v : *y + v;
        }
}

const struct ll_kernels ll_kernels_plain = {
    .name = "plain",
    .nr = NR,
    .x_rows = x_rows,
    .tile = tile,
    .softmax = softmax_row,
    .vec = VEC_TABLE,
    .ops = OPS_TABLE,
};
