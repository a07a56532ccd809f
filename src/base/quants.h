/* quants.h - the block formats of GGML: n stored values (whole blocks) at src -> floats. One function a type;
 * the rows of dtype.c name them. src may be unaligned; any bytes are a valid block. The operations and their
 * order are those of ggml's dequantize_row_*, so the floats equal ggml's bit for bit; no product here is
 * fused.
 *
 * A block holds its scale(s) as F16 unless said otherwise; "d" are scales, "m" is a minimum; values a block
 * in parentheses. Q4_0 Q5_0 Q8_0 (32)      d * (q - offset) Q4_1 Q5_1 (32)           d * q + m Q2_K Q4_K Q5_K
 * (256)     d * s_j * q - m * t_j, s and t of a sub-block j Q3_K Q6_K (256)          d * s_j * q Q8_K (256)
 * d * q, d in float32 TQ1_0 TQ2_0 (256)        d * {-1, 0, 1} IQ1 IQ2 IQ3 (256)        d * s_j * (entry of a
 * codebook) IQ4_NL (32)              d * one of 16 levels IQ4_XS (256)             d * s_j * one of 16 levels
 *   MXFP4 (32), NVFP4 (64)   E2M1 values; scales E8M0 (one a block), unsigned E4M3 (one for 16 values)
 * Source: ggml-common.h, ggml-quants.c and gguf-py's quants.py (layouts); checked against
 * shared/oracle/quant. */
#ifndef LL_QUANTS_H
#define LL_QUANTS_H
#include <stddef.h>
#include <stdint.h>

/* Compiled a second time for AVX2 and chosen at start: plain arithmetic without contraction, so the bits are
 * the same. Sanitizers may not be called as early as that choice is made; clang (14) gives the choice a name
 * that nothing finds. */
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define LL_CLONES __attribute__((target_clones("default", "avx2")))
#else
#define LL_CLONES
#endif

typedef void ll_to_f32(const uint8_t *src, float *dst, size_t n);
ll_to_f32 ll_q4_0_to_f32, ll_q4_1_to_f32, ll_q5_0_to_f32, ll_q5_1_to_f32, ll_q8_0_to_f32;
ll_to_f32 ll_q2_k_to_f32, ll_q3_k_to_f32, ll_q4_k_to_f32, ll_q5_k_to_f32, ll_q6_k_to_f32, ll_q8_k_to_f32;
ll_to_f32 ll_iq1_s_to_f32, ll_iq1_m_to_f32, ll_iq2_xxs_to_f32, ll_iq2_xs_to_f32, ll_iq2_s_to_f32,
    ll_iq3_xxs_to_f32, ll_iq3_s_to_f32;
ll_to_f32 ll_iq4_nl_to_f32, ll_iq4_xs_to_f32, ll_tq1_0_to_f32, ll_tq2_0_to_f32, ll_mxfp4_to_f32,
    ll_nvfp4_to_f32;
#endif
