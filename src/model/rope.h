/* rope.h - rotary frequencies from settings.
 *
 * Base: inv_freq[i] = theta^(-2i/d_rot), in double, rounded to float (as the reference holds it); d_rot =
 * d_head times partial_rotary_factor in families that know it. Scaling, by the kind that the settings name:
 *   "linear"    divides by `factor`;
 *   "llama3"    (Llama 3.1) divides long wavelengths by `factor`, keeps short ones and blends between
 *               low_freq_factor and high_freq_factor of original_max_position_embeddings;
 *   "yarn"      keeps frequencies of more than beta_fast turns over original_max_position_embeddings, divides
 *               those of less than beta_slow by `factor`, a ramp between (its ends on whole frequencies
 *               unless `truncate` is false), and multiplies cos and sin by attention_factor, by default 0.1
 *               ln(factor) + 1 or what mscale and mscale_all_dim say;
 *   "dynamic"   changes nothing up to the context; in longer sequences of n positions the base is multiplied
 *               by (factor n / context - factor + 1)^(d_rot / (d_rot - 2)): rows change with the prompt's
 *               length;
 *   "longrope"  (Phi 3, there also called "su" or "yarn") divides by short_factor[i], or by long_factor[i] in
 *               sequences longer than original_max_position_embeddings, and multiplies cos and sin by
 *               attention_factor, by default sqrt(1 + ln(factor) / ln(original length)): the rows of a prompt
 *               change when it grows past that length.
 * GGUF metadata say it otherwise: gguf_rope.h. Settings come in two spellings: rope_scaling (the kind under
 * rope_type or type) with rope_theta at top level, or rope_parameters. Where both are there rope_scaling
 * counts, as in transformers 5.24; what it does not hold comes from top level. In Gemma 3 rope_parameters is
 * divided by layer type, and rope_scaling is laid over the part of full attention. */
#ifndef LL_ROPE_H
#define LL_ROPE_H
#include "model.h"

/* Fills *rope (its lists owned by it) for a model whose dimensions are known. layer_type: "full_attention" or
 * "sliding_attention" where a family's layers differ, else NULL. Returns LL_OK, LL_EUNSUP (another kind, by
 * name), LL_EUSAGE, LL_EFAIL; after a failure there is nothing to free. */
int ll_rope_init(struct ll_rope *rope, const struct ll_model *m, const char *layer_type, struct ll_err *err);
/* Yarn's frequencies into r->inv_freq, from r->theta and r->d_rot: those that turn more than `fast` times in
 * the first training's length stay, those of less than `slow` turns are divided by factor, with a ramp
 * between (its ends on whole frequencies where `truncate`). */
void ll_rope_yarn(struct ll_rope *r, double factor, double old_len, double fast, double slow, int truncate);
/* 0.1 m ln(factor) + 1, where the context grew at all: what yarn multiplies cos and sin by. */
double ll_rope_yarn_gain(double factor, double m);
void ll_rope_free(struct ll_rope *rope);
/* Does a sequence of n_pos positions use the list for long ones? */
int ll_rope_is_long(const struct ll_rope *rope, int n_pos);
/* Do the rows of a sequence of n tokens stay as they are, to the bit, when it grows to `more` tokens? 0 where
 * a rotation depends on the length and the two lengths turn differently. */
int ll_rope_rows_stay(const struct ll_model *model, int n, int more);
/* Is the base of a sequence of n_pos positions its own? Then there is no table: ll_rope_row. */
int ll_rope_grows(const struct ll_rope *rope, int n_pos);
/* Frequency i in a sequence of n_pos positions, for every kind. */
float ll_rope_freq(const struct ll_rope *rope, int n_pos, int i);
/* cos and sin [d_rot/2] of position pos in a sequence of n_pos positions: what the table holds, where there
 * is one. */
void ll_rope_row(const struct ll_rope *rope, int n_pos, int pos, float *cos_out, float *sin_out);
/* cos and sin [n_pos, d_rot/2] of positions 0..n_pos-1: angle = (float)pos * frequency in float, functions in
 * double, rounded to float, times attn_factor in float. */
void ll_rope_table(const struct ll_rope *rope, int is_long, int n_pos, float *cos_out, float *sin_out);
/* Rotate n_heads heads of one row in place: (a, b) -> (a cos - b sin, b cos + a sin) for pairs (i, i +
 * d_rot/2), or (2i, 2i + 1) when rope->interleaved; c and s are one row of ll_rope_table. Values from d_rot
 * on stay as they are. */
void ll_rope_apply(const struct ll_rope *rope, float *row, int n_heads, int d_head, const float *c,
                   const float *s);
#endif
