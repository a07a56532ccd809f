/* quants.c - see quants.h. Small blocks (32) first, then the K types, codebooks, ternary and four-bit
 * floats. */
#include "quants.h"

#include "dtype.h"

#include <string.h>

#include "quant_grids.inc"

#define INLINE static inline __attribute__((always_inline)) /* into both compilations */

INLINE uint32_t u16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
INLINE uint32_t u32(const uint8_t *p) { return u16(p) | u16(p + 2) << 16; }
INLINE float half(const uint8_t *p) { return ll_f16_to_float((uint16_t)u16(p)); }
INLINE int nibble(const uint8_t *p, int i)
{
    return p[i >> 1] >> 4 * (i & 1) & 15;
} /* packed two a byte, low first */

/* The public function of a type from the one that does a block. */
#define BLOCKS(name, len, bytes) \
    LL_CLONES void ll_##name##_to_f32(const uint8_t *src, float *dst, size_t n) \
    { \
        for (; n >= (len); n -= (len), src += (bytes), dst += (len)) \
            name(src, dst); \
    }

/* ---- 32 values: the first 16 lie in the low nibbles, the others in the high ones ------------- */

INLINE void q4_0(const uint8_t *b, float *y)
{
    const float d = half(b);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((b[2 + i] & 15) - 8);
        y[i + 16] = d * (float)((b[2 + i] >> 4) - 8);
    }
}
BLOCKS(q4_0, 32, 18)

INLINE void q4_1(const uint8_t *b, float *y)
{
    const float d = half(b), m = half(b + 2);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)(b[4 + i] & 15) + m;
        y[i + 16] = d * (float)(b[4 + i] >> 4) + m;
    }
}
BLOCKS(q4_1, 32, 20)

INLINE void q5_0(const uint8_t *b, float *y)
{
    const float d = half(b);
    const uint32_t high = u32(b + 2);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((int)((b[6 + i] & 15u) | (high >> i & 1) << 4) - 16);
        y[i + 16] = d * (float)((int)(b[6 + i] >> 4 | (high >> (i + 16) & 1) << 4) - 16);
    }
}
BLOCKS(q5_0, 32, 22)

INLINE void q5_1(const uint8_t *b, float *y)
{
    const float d = half(b), m = half(b + 2);
    const uint32_t high = u32(b + 4);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((b[8 + i] & 15u) | (high >> i & 1) << 4) + m;
        y[i + 16] = d * (float)(b[8 + i] >> 4 | (high >> (i + 16) & 1) << 4) + m;
    }
}
BLOCKS(q5_1, 32, 24)

INLINE void q8_0(const uint8_t *b, float *y)
{
    const float d = half(b);
    for (int i = 0; i < 32; i++)
        y[i] = (float)(int8_t)b[2 + i] * d;
}
BLOCKS(q8_0, 32, 34)

/* ---- K types: 256 values in sub-blocks of 16 or 32 ------------------------------------------- */

/* Two bits a value: the value at place i lies in byte i/128*32 + i%32, shifted by i/32%4*2. */
INLINE int two_bits(const uint8_t *qs, int i) { return qs[(i >> 7) * 32 + (i & 31)] >> (i >> 5 & 3) * 2 & 3; }

INLINE void q2_k(const uint8_t *b, float *y)
{
    const uint8_t *scales = b, *qs = b + 16;
    const float d = half(b + 80), m = half(b + 82);
    for (int j = 0; j < 16; j++) {
        const float s = d * (float)(scales[j] & 15), t = m * (float)(scales[j] >> 4);
        const uint8_t *q = qs + j / 8 * 32 + j % 2 * 16;
        for (int i = 0; i < 16; i++)
            y[16 * j + i] = s * (float)(q[i] >> j / 2 % 4 * 2 & 3) - t;
    }
}
BLOCKS(q2_k, 256, 84)

INLINE void q3_k(const uint8_t *b, float *y)
{
    const uint8_t *high = b, *qs = b + 32, *scales = b + 96;
    const float d = half(b + 108);
    for (int j = 0; j < 16; j++) {
        const int low4 = scales[j % 8] >> 4 * (j / 8) & 15, high2 = scales[8 + j % 4] >> 2 * (j / 4) & 3;
        const float s = d * (float)((low4 | high2 << 4) - 32);
        const uint8_t *q = qs + j / 8 * 32 + j % 2 * 16, *h = high + j % 2 * 16;
        for (int i = 0; i < 16; i++) /* a clear bit takes 4 away */
            y[16 * j + i] = s * (float)((q[i] >> j / 2 % 4 * 2 & 3) + (h[i] >> j / 2 & 1) * 4 - 4);
    }
}
BLOCKS(q3_k, 256, 110)

/* Scale and minimum of sub-block j of Q4_K and Q5_K: 6 bits each, those of the last four split. */
INLINE void six_bits(const uint8_t *p, int j, int *s, int *m)
{
    *s = j < 4 ? p[j] & 63 : (p[j + 4] & 15) | p[j - 4] >> 6 << 4;
    *m = j < 4 ? p[j + 4] & 63 : p[j + 4] >> 4 | p[j] >> 6 << 4;
}

INLINE void q4_k(const uint8_t *b, float *y)
{
    const float d = half(b), m = half(b + 2);
    for (int j = 0; j < 8; j++) {
        int s6, m6;
        six_bits(b + 4, j, &s6, &m6);
        const float s = d * (float)s6, t = m * (float)m6;
        const uint8_t *qs = b + 16 + j / 2 * 32;
        for (int i = 0; i < 32; i++)
            y[32 * j + i] = s * (float)(qs[i] >> 4 * (j & 1) & 15) - t;
    }
}
BLOCKS(q4_k, 256, 144)

INLINE void q5_k(const uint8_t *b, float *y)
{
    const float d = half(b), m = half(b + 2);
    const uint8_t *high = b + 16;
    for (int j = 0; j < 8; j++) {
        int s6, m6;
        six_bits(b + 4, j, &s6, &m6);
        const float s = d * (float)s6, t = m * (float)m6;
        const uint8_t *qs = b + 48 + j / 2 * 32;
        for (int i = 0; i < 32; i++)
            y[32 * j + i] = s * (float)((qs[i] >> 4 * (j & 1) & 15) | (high[i] >> j & 1) << 4) - t;
    }
}
BLOCKS(q5_k, 256, 176)

INLINE void q6_k(const uint8_t *b, float *y)
{
    const float d = half(b + 208);
    for (int j = 0; j < 16; j++) {
        const float s = d * (float)(int8_t)b[192 + j];
        const int h = j / 8, g = j / 2 % 4; /* half of 128, group of 32 in it */
        const uint8_t *low = b + h * 64 + (g & 1) * 32 + j % 2 * 16, *high = b + 128 + h * 32 + j % 2 * 16;
        for (int i = 0; i < 16; i++)
            y[16 * j + i] = s * (float)(((low[i] >> 4 * (g / 2) & 15) | (high[i] >> 2 * g & 3) << 4) - 32);
    }
}
BLOCKS(q6_k, 256, 210)

INLINE void q8_k(const uint8_t *b, float *y) /* sums of 16 follow the values; they are not needed */
{
    float d;
    memcpy(&d, b, sizeof d);
    for (int i = 0; i < 256; i++)
        y[i] = d * (float)(int8_t)b[4 + i];
}
BLOCKS(q8_k, 256, 292)

/* ---- codebooks ------------------------------------------------------------------------------- */

/* The sign bits of eight values from seven: the eighth makes their number even. */
INLINE uint32_t even_signs(uint32_t seven) { return seven | (uint32_t)__builtin_parity(seven) << 7; }

/* Eight values: an entry's levels, each times s, negative where the sign bit is set. */
INLINE void grid8(uint32_t entry, float s, uint32_t signs, float *y)
{
    static const float levels[4] = {8, 25, 43, 0}; /* code 3 occurs in no entry */
    for (int i = 0; i < 8; i++) {
        float v = s * levels[entry >> 2 * i & 3];
        y[i] = signs >> i & 1 ? -v : v;
    }
}

INLINE void iq2_xxs(const uint8_t *b, float *y)
{
    const float d = half(b);
    for (int j = 0; j < 8; j++) {
        const uint8_t *q = b + 2 + 8 * j;
        const uint32_t rest = u32(q + 4);
        const float s = d * (0.5f + (float)(rest >> 28)) * 0.25f;
        for (int l = 0; l < 4; l++)
            grid8(iq2_xxs_grid[q[l]], s, even_signs(rest >> 7 * l & 127), y + 32 * j + 8 * l);
    }
}
BLOCKS(iq2_xxs, 256, 66)

INLINE void iq2_xs(const uint8_t *b, float *y)
{
    const float d = half(b);
    for (int e = 0; e < 32; e++) {
        const uint32_t q = u16(b + 2 + 2 * e);
        const float s = d * (0.5f + (float)nibble(b + 66, e / 2)) * 0.25f;
        grid8(iq2_xs_grid[q & 511], s, even_signs(q >> 9), y + 8 * e);
    }
}
BLOCKS(iq2_xs, 256, 74)

INLINE void iq2_s(const uint8_t *b, float *y)
{
    const uint8_t *qs = b + 2, *signs = b + 34, *high = b + 66;
    const float d = half(b);
    for (int e = 0; e < 32; e++) {
        const uint32_t q = qs[e] | (high[e / 4] >> 2 * (e % 4) & 3u) << 8;
        const float s = d * (0.5f + (float)nibble(b + 74, e / 2)) * 0.25f;
        grid8(iq2_s_grid[q], s, signs[e], y + 8 * e);
    }
}
BLOCKS(iq2_s, 256, 82)

INLINE void grid4(uint32_t entry, const float levels[16], float s, uint32_t signs, float *y)
{
    for (int i = 0; i < 4; i++) {
        float v = s * levels[entry >> 4 * i & 15];
        y[i] = signs >> i & 1 ? -v : v;
    }
}

INLINE void iq3_xxs(const uint8_t *b, float *y)
{
    static const float levels[16] = {4, 12, 20, 28, 36, 44, 52, 62};
    const float d = half(b);
    for (int j = 0; j < 8; j++) {
        const uint32_t rest = u32(b + 66 + 4 * j);
        const float s = d * (0.5f + (float)(rest >> 28)) * 0.5f;
        for (int l = 0; l < 8; l++)
            grid4(iq3_xxs_grid[b[2 + 8 * j + l]], levels, s,
                  even_signs(rest >> 7 * (l / 2) & 127) >> 4 * (l & 1), y + 32 * j + 4 * l);
    }
}
BLOCKS(iq3_xxs, 256, 98)

INLINE void iq3_s(const uint8_t *b, float *y)
{
    static const float levels[16] = {1, 3, 5, 7, 9, 11, 13, 15};
    const uint8_t *qs = b + 2, *high = b + 66, *signs = b + 74;
    const float d = half(b);
    for (int e = 0; e < 64; e++) {
        const uint32_t q = qs[e] | (high[e / 8] >> e % 8 & 1u) << 8;
        const float s = d * (float)(1 + 2 * nibble(b + 106, e / 8));
        grid4(iq3_s_grid[q], levels, s, (uint32_t)nibble(signs, e), y + 4 * e);
    }
}
BLOCKS(iq3_s, 256, 110)

/* Eight values of IQ1: s * ({-1, 0, 1} + delta). */
INLINE void ternary8(uint32_t entry, float s, float delta, float *y)
{
    for (int i = 0; i < 8; i++)
        y[i] = s * ((float)((int)(entry >> 2 * i & 3) - 1) + delta);
}

INLINE void iq1_s(const uint8_t *b, float *y)
{
    const float d = half(b);
    for (int j = 0; j < 8; j++) {
        const uint32_t high = u16(b + 34 + 2 * j);
        const float s = d * (float)(2 * (high >> 12 & 7) + 1), delta = high & 0x8000 ? -0.125f : 0.125f;
        for (int l = 0; l < 4; l++)
            ternary8(iq1_grid[b[2 + 4 * j + l] | (high >> 3 * l & 7) << 8], s, delta, y + 32 * j + 8 * l);
    }
}
BLOCKS(iq1_s, 256, 50)

INLINE void iq1_m(const uint8_t *b, float *y)
{
    const uint8_t *high = b + 32, *scales = b + 48;
    uint32_t bits = 0; /* the F16 scale is spread over the upper nibbles of the four words of scales */
    for (int i = 0; i < 4; i++)
        bits |= u16(scales + 2 * i) >> 12 << 4 * i;
    const float d = ll_f16_to_float((uint16_t)bits);
    for (int e = 0; e < 32; e++) {
        const uint32_t h = (uint32_t)nibble(high, e), word = u16(scales + e / 8 * 2);
        const float s = d * (float)(2 * (word >> 3 * (e / 2 % 4) & 7) + 1);
        ternary8(iq1_grid[b[e] | (h & 7) << 8], s, h & 8 ? -0.125f : 0.125f, y + 8 * e);
    }
}
BLOCKS(iq1_m, 256, 56)

static const int8_t iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};

INLINE void levels32(const uint8_t *qs, const int8_t levels[16], int n, float s,
                     float *y) /* n low nibbles, then n high ones */
{
    for (int i = 0; i < n; i++) {
        y[i] = s * (float)levels[qs[i] & 15];
        y[i + n] = s * (float)levels[qs[i] >> 4];
    }
}

INLINE void iq4_nl(const uint8_t *b, float *y) { levels32(b + 2, iq4_levels, 16, half(b), y); }
BLOCKS(iq4_nl, 32, 18)

INLINE void iq4_xs(const uint8_t *b, float *y)
{
    const float d = half(b);
    const uint32_t high = u16(b + 2);
    for (int j = 0; j < 8; j++)
        levels32(b + 8 + 16 * j, iq4_levels, 16,
                 d * (float)((int)((uint32_t)nibble(b + 4, j) | (high >> 2 * j & 3) << 4) - 32), y + 32 * j);
}
BLOCKS(iq4_xs, 256, 136)

/* ---- ternary --------------------------------------------------------------------------------- */

/* Five values a byte, as a fraction of 243 in 1/256: the digit comes out at the top when multiplied by 3
 * again and again. */
INLINE void tq1_0(const uint8_t *b, float *y)
{
    static const uint8_t powers[5] = {1, 3, 9, 27, 81};
    static const struct {
        int at, bytes, digits;
    } parts[3] = {{0, 32, 5}, {32, 16, 5}, {48, 4, 4}};
    const float d = half(b + 52);
    for (int p = 0; p < 3; p++)
        for (int k = 0; k < parts[p].digits; k++)
            for (int i = 0; i < parts[p].bytes; i++) {
                const uint8_t q = (uint8_t)(b[parts[p].at + i] * powers[k]);
                *y++ = d * (float)((q * 3 >> 8) - 1);
            }
}
BLOCKS(tq1_0, 256, 54)

INLINE void tq2_0(const uint8_t *b, float *y)
{
    const float d = half(b + 64);
    for (int i = 0; i < 256; i++)
        y[i] = d * (float)(two_bits(b, i) - 1);
}
BLOCKS(tq2_0, 256, 66)

/* ---- four-bit floats ------------------------------------------------------------------------- */

static const int8_t e2m1_doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

INLINE void mxfp4(const uint8_t *b, float *y)
{
    const uint32_t bits =
        b[0] < 2 ? 0x00200000u << b[0] : (uint32_t)(b[0] - 1) << 23; /* half of 2^(e - 127) */
    float d;
    memcpy(&d, &bits, sizeof d);
    levels32(b + 1, e2m1_doubled, 16, d, y);
}
BLOCKS(mxfp4, 32, 17)

/* Half of an unsigned E4M3; its not-a-number counts as 0. */
static float half_ue4m3(uint8_t x)
{
    const int e = x >> 3 & 15, m = x & 7;
    uint32_t bits = (uint32_t)(e + 127 - 8) << 23 | (uint32_t)m << 20;
    float v;
    if (!x || x == 0x7f)
        return 0;
    memcpy(&v, &bits, sizeof v);
    return e ? v : (float)m * 0x1p-10f;
}

INLINE void nvfp4(const uint8_t *b, float *y)
{
    for (int j = 0; j < 4; j++)
        levels32(b + 4 + 8 * j, e2m1_doubled, 8, half_ue4m3(b[j]), y + 16 * j);
}
BLOCKS(nvfp4, 64, 36)
