/* packed.h - matrices whose stored numbers become weights only together with other tensors: eight-bit floats
 * with scales, and the four-bit group formats. w[n][k] of n rows (outputs) and k columns (inputs), in
 * float32:
 *
 *   LL_SCALED  stored [n, k] of any plain type
 *              w = stored * scale[n / block_n][k / block_k], one rounding
 *   LL_GPTQ    stored int32 [k/8, n]: input k in bits 4 (k % 8) of word [k/8][n]
 *              zeros int32 [groups, n/8]: output n in bits 4 (n % 8)
 *              w = scale[g][n] * (q - z), g = g_idx[k] or k / block_k, z = stored zero + zero_plus
 *   LL_AWQ     stored int32 [k, n/8], zeros int32 [groups, n/8]: outputs 0 2 4 6 1 3 5 7 of each eight,
 *              lowest bits first
 *              w = scale[g][n] * (q - z), g = k / block_k
 *
 * scale [groups, n] and z are exact in float32, and so is nearly every product: q - z has five bits, a
 * binary16 scale eleven. Nothing is rounded to binary16 afterwards, as some kernels do.
 * Sources: transformers' finegrained_fp8.py; AutoGPTQ's qlinear_cuda_old.py (version 1 stores z - 1; a stored
 * 15 means 16); AutoAWQ's packing_utils.py (gemm). */
#ifndef LL_PACKED_H
#define LL_PACKED_H
#include "dtype.h"

enum ll_packing { LL_SCALED, LL_GPTQ, LL_AWQ };

struct ll_packed {
    enum ll_packing kind;
    enum ll_dtype type; /* of the stored numbers (LL_SCALED) */
    int n, k;
    const uint8_t *scales; /* borrowed, as is all here */
    enum ll_dtype scale_type;
    size_t scale_bytes;
    int block_n,
        block_k; /* LL_SCALED: rows and columns that share a scale; else block_k: columns of a group */
    const uint8_t *zeros; /* LL_GPTQ, LL_AWQ */
    int zero_plus;
    const uint8_t *g_idx; /* LL_GPTQ: int32 [k], checked to name groups that exist; NULL: k / block_k */
};

enum { LL_PACKED_ROWS = 128 }; /* most rows a call */
struct ll_packed_part {
    int n0, n, k0, kl; /* rows n0..n0+n, columns k0..k0+kl */
};
/* A part of the matrix stored at `data` -> out[r * ldo + c]. */
void ll_packed_read(const struct ll_packed *p, const uint8_t *data, const struct ll_packed_part *part,
                    float *out, long ldo);
#endif
