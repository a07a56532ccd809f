/* op_inputs.c - see op_inputs.h */
#include "op_inputs.h"

static float uniform(uint32_t *state) { return (float)((int32_t)ll_op_bits(state) >> 7) * 0x1p-24f; }

void ll_op_fill(float *x, size_t n, int set, uint32_t seed)
{
    uint32_t state = seed * 2654435761u | 1;
    for (size_t i = 0; i < n; i++) {
        float v = uniform(&state);
        uint32_t kind = set ? ll_op_bits(&state) % 16 : 2, power = set ? ll_op_bits(&state) % 41 : 27;
        for (uint32_t p = power; p < 27; p++)
            v *= 0.5f;
        for (uint32_t p = 27; p < power; p++)
            v *= 2.0f;
        x[i] = kind == 0 ? -0.0f : kind == 1 ? v * 0x1p-100f * 0x1p-40f : v;
    }
}
