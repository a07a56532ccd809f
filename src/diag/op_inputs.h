/* op_inputs.h - numbers to test with: seeded and reproducible everywhere. For src/diag only. */
#ifndef LL_OP_INPUTS_H
#define LL_OP_INPUTS_H
#include <stddef.h>
#include <stdint.h>

enum { LL_OP_SEED = 316 };
/* xorshift32; state is not 0. */
static inline uint32_t ll_op_bits(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}
/* set 0: uniform in [-1, 1), steps of 2^-24. set 1: times 2^-27 .. 2^13 (1e-8 .. 1e4), one in 16 a negative
 * zero, one in 16 a denormal. */
void ll_op_fill(float *x, size_t n, int set, uint32_t seed);
#endif
