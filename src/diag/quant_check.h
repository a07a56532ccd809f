/* quant_check.h - Q4_0 and Q6_K: published vectors bit for bit, quantising back and forth, and files that
 * must be refused (docs/diagnostics.md 6.2). */
#ifndef LL_QUANT_CHECK_H
#define LL_QUANT_CHECK_H
#include "ckpt.h"
#include "engine.h"

struct ll_quant_check {
    const char *name;
    int good;
    char detail[200];
};
enum { LL_QUANT_CHECKS = 16 };
/* Everything that needs no model. Returns how many. */
int ll_quant_check(struct ll_quant_check out[LL_QUANT_CHECKS]);

/* The quantiser of these checks for Q4_0: 32 values -> 18 bytes. The scale d is rounded away from zero, so
 * that |value - dequantised| <= |d| for every finite input whose scale a binary16 number can hold; the value
 * of largest magnitude is -8 d. */
void ll_quantise_q4_0(const float x[32], uint8_t out[18]);

/* Stored blocks of a checkpoint by type. */
struct ll_block_count {
    enum ll_dtype type;
    int n_tensors;
    long long n_blocks, n_values;
};
/* One entry a type that occurs, at most LL_N_DTYPES; *bad: first tensor (by name) whose values are not all
 * finite, and *bad_at, or NULL; *other_size: the first whose size is not blocks times block bytes, or NULL.
 * Reads all values. Returns how many types. */
int ll_count_blocks(const struct ll_ckpt *c, struct ll_block_count out[LL_N_DTYPES],
                    const struct ll_tensor **bad, int64_t *bad_at, const struct ll_tensor **other_size);
#endif
