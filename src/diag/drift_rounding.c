/* drift_rounding.c - how far two right programs may be apart: the reference's precision, and how many
 * operations lie between what both know and what is compared (drift.h).
 *
 * A step is what one operation may add, relative to the rms of its result: the unit roundoff of float16 and
 * bfloat16; of float32, where both sides round and sums are long, 5e-7. Steps of n operations add up like a
 * random walk, some of an operation's inputs being rounded as well: 5 steps * sqrt(1 + n / 4). Measured
 * against PyTorch over 50 models, largest of all points: one operation 1 step in float32, 2 in half
 * precision; one block 1.5 and 3.6; 4 blocks 3 and 9; SmolLM2 of 30 blocks 1.6 and 5. */
#include "drift.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *dtype;
    double step;
} steps[] = {
    {"float16", 0x1p-11},
    {"bfloat16", 0x1p-8},
    {"text", 0x1p-8}, /* text: four decimals, of products that may be quantised */
    {NULL, 5e-7},
};

double ll_drift_rounding(const char *dtype, int n_ops)
{
    int i = 0;
    while (steps[i].dtype && strcmp(steps[i].dtype, dtype) != 0)
        i++;
    return 5 * steps[i].step * sqrt(1 + n_ops / 4.0);
}

int ll_drift_is_half(const char *dtype)
{
    for (int i = 0; steps[i].dtype; i++)
        if (!strcmp(steps[i].dtype, dtype))
            return 1;
    return 0;
}

int ll_drift_is_tie(const float *theirs, const float *ours, int n, int best_theirs, int best_ours,
                    const char *dtype)
{
    double sq = 0;
    for (int i = 0; i < n; i++)
        sq += (double)theirs[i] * (double)theirs[i] / n;
    double most = sqrt(sq) * ll_drift_rounding(dtype, LL_DRIFT_BLOCK_OPS);
    return best_theirs != best_ours && (double)theirs[best_theirs] - (double)theirs[best_ours] <= most
        && (double)ours[best_ours] - (double)ours[best_theirs] <= most;
}

double ll_drift_tolerance(double given, const char *dtype, int n_ops)
{
    if (given > 0)
        return given;
    return ll_drift_is_half(dtype) ? fmax(LL_DRIFT_TOL_HALF, ll_drift_rounding(dtype, n_ops))
                                   : LL_DRIFT_TOL_F32;
}

int ll_drift_rows_beyond(const struct ll_actv *ours, const struct ll_actv *ref, double tol)
{
    int n = 0;
    for (int r = 0; r < ref->rows; r++) {
        const float *a = ours->x + (size_t)(r + ref->row0) * (size_t)ours->width,
                    *b = ref->x + (size_t)r * (size_t)ref->width;
        double e = 0, sq = 0;
        for (int i = 0; i < ref->width; i++) {
            e += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
            sq += (double)b[i] * (double)b[i];
        }
        n += !(e <= tol * tol * sq);
    }
    return n;
}
