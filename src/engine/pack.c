/* pack.c - rows of x, and values of attention, into the panels of kernels.h. */
#include "kernels.h"

#include <string.h>

/* rows rows of x, columns k0..k0+kl, into one group */
static void pack_group(const float *x, long ldx, int rows, int k0, int kl, float *out)
{
    for (int i = 0; i < rows; i++) {
        const float *src = x + i * ldx + k0;
        float *dst = out + i * 16;
        int k = 0;
        for (; k + 16 <= kl; k += 16, dst += 16 * rows)
            memcpy(dst, src + k, 16 * sizeof *dst);
        if (k < kl) {
            memset(dst, 0, 16 * sizeof *dst);
            memcpy(dst, src + k, (size_t)(kl - k) * sizeof *dst);
        }
    }
}

void ll_pack_x(const struct ll_kernels *kern, const float *x, long ldx, int m, int k, float *out, int part,
               int n_parts)
{
    int turn = 0;
    for (int k0 = 0; k0 < k; k0 += LL_BLOCK) {
        int kl = k - k0 < LL_BLOCK ? k - k0 : LL_BLOCK, kb = ll_pad16(kl);
        float *block = out + (long)m * k0;
        for (int m0 = 0, rows; m0 < m; m0 += rows) {
            rows = kern->x_rows(m - m0);
            if (turn++ % n_parts == part)
                pack_group(x + m0 * ldx, ldx, rows, k0, kl, block + (long)m0 * kb);
        }
    }
}

int ll_pack_v16(const float *v, long ldv, int s, int n_pos, int d, int nr, float *panel, long group_stride)
{
    float nan = 0.0f; /* becomes NaN when a value is not finite */
    for (int j = 0; j < 16; j++) {
        const float *row = v + (long)(s + j) * ldv;
        for (int c = 0; c < (d + nr - 1) / nr * nr; c++) {
            float value = s + j < n_pos && c < d ? row[c] : 0.0f;
            nan += value * 0.0f;
            panel[c / nr * group_stride + c % nr * 16 + j] = value;
        }
    }
    return nan != nan;
}
