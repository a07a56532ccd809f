/* half.c - see half.h */
#include "half.h"

#include "dtype.h"

#include <string.h>

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float float_of(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* u without its lowest `drop` bits, to nearest, ties to even. */
static uint32_t round_off(uint32_t u, int drop)
{
    return (u + ((1u << (drop - 1)) - 1) + (u >> drop & 1)) >> drop;
}

uint16_t ll_float_to_f16(float f)
{
    uint32_t u = bits_of(f), sign = u >> 16 & 0x8000, a = u & 0x7fffffff;
    if (a > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (a >> 13 & 0x1ff));
    if (a >= 0x47800000) /* 65536 and more */
        return (uint16_t)(sign | 0x7c00);
    if (a >= 0x38800000) /* from 2^-14 on normal; 65520 and more carries into the code of infinity */
        return (uint16_t)(sign | round_off(a - 0x38000000, 13));
    if (a < 0x33000000) /* below 2^-25 */
        return (uint16_t)sign;
    int drop = 126 - (int)(a >> 23); /* steps of 2^-24 */
    return (uint16_t)(sign | round_off((a & 0x7fffff) | 0x800000, drop));
}

static uint16_t to_bf16(float f)
{
    uint32_t u = bits_of(f);
    if ((u & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)round_off(u, 16);
}

float ll_round_f16(float f) { return ll_f16_to_float(ll_float_to_f16(f)); }
float ll_round_bf16(float f) { return float_of((uint32_t)to_bf16(f) << 16); }
