/* rope.h - rotary frequencies from settings.
 *
 * Base: inv_freq[i] = theta^(-2i/d_rot), in double, rounded to float (as the reference holds it); d_rot = d_head times
 * partial_rotary_factor. Scaling, by the kind that the settings name: "linear" divides by `factor`; "llama3" (Llama 3.1)
 * divides long wavelengths by `factor`, keeps short ones and blends between low_freq_factor and high_freq_factor of
 * original_max_position_embeddings; "longrope" (Phi 3, also called "su") divides by short_factor[i], or by long_factor[i]
 * in sequences longer than original_max_position_embeddings, and multiplies cos and sin by attention_factor, by default
 * sqrt(1 + ln(factor) / ln(original length)); "divisors" (GGUF) lists one a frequency. So with longrope the rows of a prompt change when it grows past that length.
 * Settings come in two spellings: rope_theta and rope_scaling at top level (the kind under rope_type or type), or
 * rope_parameters, in Gemma 3 once more divided by layer type (older: rope_local_base_freq for layers with a window). */
#ifndef LL_ROPE_H
#define LL_ROPE_H
#include "model.h"

/* Fills *rope (its lists owned by it). layer_type: "full_attention" or "sliding_attention" where a family's layers differ,
 * else NULL. Returns LL_OK, LL_EUNSUP (another kind, by name), LL_EUSAGE, LL_EFAIL; a failed one holds nothing. */
int ll_rope_init(struct ll_rope *rope, const struct ll_settings *s, int d_head, const char *layer_type, struct ll_err *err);
void ll_rope_free(struct ll_rope *rope);
/* Does a sequence of n_pos positions use the list for long ones? */
int ll_rope_is_long(const struct ll_rope *rope, int n_pos);
/* Do the rows of a sequence of n tokens stay as they are, to the bit, when it grows to `more` tokens? 0 where a rotation depends
 * on the length and the two lengths turn differently. */
int ll_rope_rows_stay(const struct ll_model *model, int n, int more);
/* cos and sin [n_pos, d_rot/2] of positions 0..n_pos-1: angle = (float)pos * frequency in float, functions in double,
 * rounded to float, times attn_factor in float. */
void ll_rope_table(const struct ll_rope *rope, int is_long, int n_pos, float *cos_out, float *sin_out);
/* Rotate n_heads heads of one row in place: (a, b) -> (a cos - b sin, b cos + a sin) for pairs (i, i + d_rot/2), or
 * (2i, 2i + 1) when rope->interleaved; c and s are one row of ll_rope_table. Values from d_rot on stay as they are. */
void ll_rope_apply(const struct ll_rope *rope, float *row, int n_heads, int d_head, const float *c, const float *s);
#endif
