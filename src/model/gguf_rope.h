/* gguf_rope.h - inside src/model: rotary frequencies of a GGUF model.
 *
 *     angle(pos, i) = pos * f_i / divisor_i,   f_i = freq_base^(-2i/d_rot) scaled by kind and factor
 *
 * rope.dimension_count values of a head turn (absent: all). The kind is rope.scaling.type, linear where it is
 * absent; the factor rope.scaling.factor, in files of 2023 rope.scale_linear; 0 and absent mean 1, and so
 * does kind "none". Kind "yarn" as in rope.h, its length rope.scaling.original_context_length, else
 * context_length. cos and sin are multiplied by rope.scaling.attn_factor, whatever the kind (yarn: and by its
 * own 0.1 ln(factor) + 1). The tensors rope_freqs (one divisor a frequency), or rope_factors_long and
 * rope_factors_short (of which the former counts in sequences beyond the original length), divide what comes
 * out. Source: llama.cpp's load_hparams, llama_context (yarn) and get_rope_factors, ggml's rope. */
#ifndef LL_MODEL_GGUF_ROPE_H
#define LL_MODEL_GGUF_ROPE_H
#include "model.h"

/* Fills *rope for layers without (local 0) or with a window (local 1). LL_OK, LL_EUNSUP (another kind, by
 * name), LL_EUSAGE or LL_EFAIL; after a failure there is nothing to free. */
int ll_gguf_rope_init(struct ll_rope *rope, const struct ll_model *m, int local, struct ll_err *err);
#endif
