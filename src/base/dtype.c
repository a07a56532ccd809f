/* dtype.c - see dtype.h. Files are little-endian, and so is every machine this runs on (checked below). */
#include "dtype.h"

#include "literal.h"
#include "quants.h"

#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are read as they lie in the file: little-endian"
#endif

#define INLINE static inline __attribute__((always_inline)) /* into both compilations (quants.h) */

INLINE float from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

INLINE uint32_t to_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

/* yes or no, as cond is 1 or 0: by masks, because a branch keeps loops from being vectorised. */
INLINE uint32_t pick(uint32_t cond, uint32_t yes, uint32_t no) { return (yes & -cond) | (no & ~-cond); }

/* A small float of E exponent and M mantissa bits with bias B, subnormals included; infinities and NaN are
 * the caller's. The value is mantissa * 2^exponent with both small, so the product is exact. */

INLINE float small_float(uint32_t u, int e_bits, int m_bits, int bias)
{
    const uint32_t sign = u >> (e_bits + m_bits) << 31, e = u >> m_bits & ((1u << e_bits) - 1),
                   m = u & ((1u << m_bits) - 1);
    const float unit = from_bits((uint32_t)(127 + 1 - bias - m_bits) << 23); /* the step of the subnormals */
    const uint32_t normal = (e + 127u - (uint32_t)bias) << 23 | m << (23 - m_bits),
                   below = to_bits((float)(int)m * unit);
    return from_bits(sign | pick(e != 0, normal, below));
}

INLINE float f16(uint32_t u)
{
    const uint32_t special =
        (u & 0x8000) << 16 | 0x7f800000 | (u & 0x3ff) << 13; /* infinity, or NaN with its payload */
    return from_bits(pick((u & 0x7c00) == 0x7c00, special, to_bits(small_float(u, 5, 10, 15))));
}

float ll_f16_to_float(uint16_t h) { return f16(h); }

INLINE float e5m2(uint32_t u) { return f16(u << 8); } /* the upper half of an F16 */

INLINE float e4m3(uint32_t u) /* no infinities; only 0x7f and 0xff are NaN */
{
    return from_bits(
        pick((u & 0x7f) == 0x7f, (u & 0x80) << 24 | 0x7fc00000, to_bits(small_float(u, 4, 3, 7))));
}

INLINE float e8m0(uint32_t u) /* 2^(u-127); 0xff is NaN */
{
    return u == 0xff ? from_bits(0x7fc00000) : u ? from_bits(u << 23) : from_bits(0x00400000);
}

#define TO_F32(name, type, expr) \
    LL_CLONES static void name##_to_f32(const uint8_t *src, float *dst, size_t n) \
    { \
        for (size_t i = 0; i < n; i++) { \
            type v; \
            memcpy(&v, src + i * sizeof v, sizeof v); \
            dst[i] = (expr); \
        } \
    }

TO_F32(f16, uint16_t, f16(v))
TO_F32(bf16, uint16_t, from_bits((uint32_t)v << 16))
TO_F32(f64, double, (float)v)
TO_F32(i64, int64_t, (float)v)
TO_F32(i32, int32_t, (float)v)
TO_F32(i16, int16_t, (float)v)
TO_F32(i8, int8_t, (float)v)
TO_F32(u8, uint8_t, (float)v)
TO_F32(u16, uint16_t, (float)v)
TO_F32(u32, uint32_t, (float)v)
TO_F32(u64, uint64_t, (float)v)
TO_F32(bool, uint8_t, v ? 1.0f : 0.0f)
TO_F32(e4m3, uint8_t, e4m3(v))
TO_F32(e5m2, uint8_t, e5m2(v))
TO_F32(e8m0, uint8_t, e8m0(v))

static void f32_to_f32(const uint8_t *src, float *dst, size_t n)
{
    if (n)
        memcpy(dst, src, n * sizeof *dst);
}

/* The stored numbers 0..15 as they lie; packed.c makes weights of them. */
static void int4_to_f32(const uint8_t *src, float *dst, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = (float)(src[i / 2] >> 4 * (i % 2) & 15);
}

/* clang-format off */
#define QUANT(name, block, bytes, to_f32, ggml) {name, NULL, block, bytes, 1, 0, to_f32, ggml}

static const struct ll_dtype_info infos[LL_N_DTYPES] = {
    /*               safetensors  torch        block bytes float  nonfinite             to float   GGML */
    [LL_F32]     = {"F32",     "float32",       1, 4, 1, 0x7f800000,           f32_to_f32, 0},
    [LL_F16]     = {"F16",     "float16",       1, 2, 1, 0x7c00,               f16_to_f32, 1},
    [LL_BF16]    = {"BF16",    "bfloat16",      1, 2, 1, 0x7f80,               bf16_to_f32, 30},
    [LL_F64]     = {"F64",     "float64",       1, 8, 1, 0x7ff0000000000000,   f64_to_f32, 28},
    [LL_I64]     = {"I64",     "int64",         1, 8, 0, 0,                    i64_to_f32, 27},
    [LL_I32]     = {"I32",     "int32",         1, 4, 0, 0,                    i32_to_f32, 26},
    [LL_I16]     = {"I16",     "int16",         1, 2, 0, 0,                    i16_to_f32, 25},
    [LL_I8]      = {"I8",      "int8",          1, 1, 0, 0,                    i8_to_f32, 24},
    [LL_U8]      = {"U8",      "uint8",         1, 1, 0, 0,                    u8_to_f32, -1},
    [LL_BOOL8]    = {"BOOL",    "bool",          1, 1, 0, 0,                    bool_to_f32, -1},
    [LL_U16]     = {"U16",     "uint16",        1, 2, 0, 0,                    u16_to_f32, -1},
    [LL_U32]     = {"U32",     "uint32",        1, 4, 0, 0,                    u32_to_f32, -1},
    [LL_U64]     = {"U64",     "uint64",        1, 8, 0, 0,                    u64_to_f32, -1},
    [LL_F8_E4M3] = {"F8_E4M3", "float8_e4m3fn", 1, 1, 1, 0x7f,                 e4m3_to_f32, -1},
    [LL_F8_E5M2] = {"F8_E5M2", "float8_e5m2",   1, 1, 1, 0x7c,                 e5m2_to_f32, -1},
    [LL_F8_E8M0] = {"F8_E8M0", "float8_e8m0fnu", 1, 1, 1, 0xff,                e8m0_to_f32, -1},
    [LL_Q4_0]    = QUANT("Q4_0", 32, 18, ll_q4_0_to_f32, 2),
    [LL_Q4_1]    = QUANT("Q4_1", 32, 20, ll_q4_1_to_f32, 3),
    [LL_Q5_0]    = QUANT("Q5_0", 32, 22, ll_q5_0_to_f32, 6),
    [LL_Q5_1]    = QUANT("Q5_1", 32, 24, ll_q5_1_to_f32, 7),
    [LL_Q8_0]    = QUANT("Q8_0", 32, 34, ll_q8_0_to_f32, 8),
    [LL_Q2_K]    = QUANT("Q2_K", 256, 84, ll_q2_k_to_f32, 10),
    [LL_Q3_K]    = QUANT("Q3_K", 256, 110, ll_q3_k_to_f32, 11),
    [LL_Q4_K]    = QUANT("Q4_K", 256, 144, ll_q4_k_to_f32, 12),
    [LL_Q5_K]    = QUANT("Q5_K", 256, 176, ll_q5_k_to_f32, 13),
    [LL_Q6_K]    = QUANT("Q6_K", 256, 210, ll_q6_k_to_f32, 14),
    [LL_Q8_K]    = QUANT("Q8_K", 256, 292, ll_q8_k_to_f32, 15),
    [LL_IQ1_S]   = QUANT("IQ1_S", 256, 50, ll_iq1_s_to_f32, 19),
    [LL_IQ1_M]   = QUANT("IQ1_M", 256, 56, ll_iq1_m_to_f32, 29),
    [LL_IQ2_XXS] = QUANT("IQ2_XXS", 256, 66, ll_iq2_xxs_to_f32, 16),
    [LL_IQ2_XS]  = QUANT("IQ2_XS", 256, 74, ll_iq2_xs_to_f32, 17),
    [LL_IQ2_S]   = QUANT("IQ2_S", 256, 82, ll_iq2_s_to_f32, 22),
    [LL_IQ3_XXS] = QUANT("IQ3_XXS", 256, 98, ll_iq3_xxs_to_f32, 18),
    [LL_IQ3_S]   = QUANT("IQ3_S", 256, 110, ll_iq3_s_to_f32, 21),
    [LL_IQ4_NL]  = QUANT("IQ4_NL", 32, 18, ll_iq4_nl_to_f32, 20),
    [LL_IQ4_XS]  = QUANT("IQ4_XS", 256, 136, ll_iq4_xs_to_f32, 23),
    [LL_TQ1_0]   = QUANT("TQ1_0", 256, 54, ll_tq1_0_to_f32, 34),
    [LL_TQ2_0]   = QUANT("TQ2_0", 256, 66, ll_tq2_0_to_f32, 35),
    [LL_MXFP4]   = QUANT("MXFP4", 32, 17, ll_mxfp4_to_f32, 39),
    [LL_NVFP4]   = QUANT("NVFP4", 64, 36, ll_nvfp4_to_f32, 40),
    [LL_INT4_GPTQ] = QUANT("INT4_GPTQ", 8, 4, int4_to_f32, -1),
    [LL_INT4_AWQ] = QUANT("INT4_AWQ", 8, 4, int4_to_f32, -1),
};
/* clang-format on */

const struct ll_dtype_info *ll_dtype_info(enum ll_dtype t)
{
    return (unsigned)t < LL_N_DTYPES ? &infos[t] : NULL;
}

int ll_dtype_by_name(const char *name)
{
    if (LL_BEGINS(name, "torch."))
        name += 6;
    for (int i = 0; i < LL_N_DTYPES; i++)
        if (!strcmp(name, infos[i].name) || (infos[i].torch_name && !strcmp(name, infos[i].torch_name)))
            return i;
    return -1;
}

int ll_dtype_by_ggml(uint32_t number)
{
    for (int i = 0; i < LL_N_DTYPES; i++)
        if (infos[i].ggml >= 0 && (uint32_t)infos[i].ggml == number)
            return i;
    return -1;
}

const char *ll_ggml_name(uint32_t number)
{
    static const struct {
        uint32_t number;
        const char *name;
    } others[] = {
        {4, "Q4_2"},      {5, "Q4_3"},        {9, "Q8_1"},        {31, "Q4_0_4_4"},   {32, "Q4_0_4_8"},
        {33, "Q4_0_8_8"}, {36, "IQ4_NL_4_4"}, {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"}, {41, "Q1_0"},
    };
    int known = ll_dtype_by_ggml(number);
    if (known >= 0)
        return infos[known].name;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].number == number)
            return others[i].name;
    return NULL;
}
