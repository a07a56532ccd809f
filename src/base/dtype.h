/* dtype.h - storage types of tensors: one row a type (ll_dtype_info). A new type is a row here and a to-float
 * function; that is all the engine needs to multiply with it (fast conversions in its kernels are
 * optional). */
#ifndef LL_DTYPE_H
#define LL_DTYPE_H
#include <stddef.h>
#include <stdint.h>

/* clang-format off */
enum ll_dtype {
    LL_F32, LL_F16, LL_BF16, LL_F64, LL_I64, LL_I32, LL_I16, LL_I8, LL_U8, LL_BOOL8,
    LL_U16, LL_U32, LL_U64, LL_F8_E4M3, LL_F8_E5M2, LL_F8_E8M0,
    /* blocks of GGML (quants.h) */
    LL_Q4_0, LL_Q4_1, LL_Q5_0, LL_Q5_1, LL_Q8_0, LL_Q2_K, LL_Q3_K, LL_Q4_K, LL_Q5_K, LL_Q6_K, LL_Q8_K,
    LL_IQ1_S, LL_IQ1_M, LL_IQ2_XXS, LL_IQ2_XS, LL_IQ2_S, LL_IQ3_XXS, LL_IQ3_S, LL_IQ4_NL, LL_IQ4_XS,
    LL_TQ1_0, LL_TQ2_0, LL_MXFP4, LL_NVFP4,
    /* four-bit numbers, eight in an int32; weights only together with scales and zeros (packed.h) */
    LL_INT4_GPTQ, LL_INT4_AWQ, LL_N_DTYPES
};
/* clang-format on */

struct ll_dtype_info {
    const char *name;       /* as safetensors spells it: "F32", "BF16", ... */
    const char *torch_name; /* as config.json spells it: "float32", "bfloat16"; NULL if none */
    int block;              /* values a block (1 for plain types) */
    int block_bytes;        /* bytes a block */
    int is_float;
    uint64_t nonfinite; /* a stored value v is NaN or infinite exactly when (v & nonfinite) == nonfinite; 0:
                           never */
    /* n values, whole blocks; src may be unaligned. Exact where float32 can hold the value (all float types
     * but F64), else rounded to nearest, ties to even. Infinities and NaN stay so. */
    void (*to_f32)(const uint8_t *src, float *dst, size_t n);
    int ggml; /* number in GGUF files; -1: GGUF has no such type */
};

const struct ll_dtype_info *ll_dtype_info(enum ll_dtype t);
int ll_dtype_by_name(const char *name); /* safetensors or torch spelling (or GGML's); -1 when unknown */
int ll_dtype_by_ggml(uint32_t number);  /* -1 when unknown */
/* What GGML calls a type that has no row here (retired, or never stored), for messages; NULL for a number
 * that GGML does not know either. */
const char *ll_ggml_name(uint32_t number);
float ll_f16_to_float(uint16_t h);
#endif
