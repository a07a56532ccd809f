/* half.h - float32 to binary16 and bfloat16 in software: to nearest, ties to even, the same on every
 * processor. The way back is ll_f16_to_float (dtype.h); of a bfloat16 it is a shift. */
#ifndef LL_HALF_H
#define LL_HALF_H
#include <stdint.h>

/* Beyond the largest finite value (binary16: from 65520 on) infinity; subnormals kept; NaN stays NaN (quiet,
 * top bits). */
uint16_t ll_float_to_f16(float f);
/* To the nearest value of the format, the same rules. */
float ll_round_f16(float f);
float ll_round_bf16(float f);
#endif
