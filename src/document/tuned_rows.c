/* tuned_rows.c - see tuned_rows.h */
#include "tuned_rows.h"

#include <math.h>
#include <string.h>

static struct ll_tuned_point point_of(const struct ll_reading *r)
{
    return r->is_set ? (struct ll_tuned_point){r->kl_to_final_bits, r->entropy_bits, r->answer_rank}
                     : (struct ll_tuned_point){NAN, NAN, -1};
}

struct ll_tuned_point ll_tuned_point_of_head(const struct ll_head_out *o, int has_answer)
{
    return (struct ll_tuned_point){o->kl_to_final_bits, o->entropy_bits,
                                   has_answer ? o->tracked_rank[0] : -1};
}

static void put_rank(struct ll_row *row, int col, int rank)
{
    if (rank > 0)
        ll_row_int(row, col, rank);
}

/* A variant against the baseline: its KL and rank, their differences. Columns: kl, delta, rank, shift. */
static void put_variant(struct ll_row *row, const int col[4], struct ll_tuned_point base,
                        struct ll_tuned_point p)
{
    ll_row_real(row, col[0], p.kl_bits);
    ll_row_real(row, col[1], base.kl_bits - p.kl_bits);
    put_rank(row, col[2], p.answer_rank);
    if (base.answer_rank > 0 && p.answer_rank > 0)
        ll_row_int(row, col[3], base.answer_rank - p.answer_rank);
}

static void put_pass(struct ll_row *row, int first, const struct ll_pass_info *info)
{
    if (info->fact_key)
        ll_row_text(row, first, info->fact_key, strlen(info->fact_key));
    if (info->fact_index >= 0)
        ll_row_int(row, first + 1, info->fact_index);
    ll_row_text(row, first + 2, info->prompt_id, strlen(info->prompt_id));
    ll_row_text(row, first + 3, info->prompt_variant, strlen(info->prompt_variant));
}

void ll_fill_tuned_variant(struct ll_row *row, const struct ll_pass_info *info, int layer,
                           const struct ll_row_stats *s)
{
    static const int tuned_cols[] = {LL_TV_KL_TUNED, LL_TV_DELTA_TUNED, LL_TV_RANK_TUNED, LL_TV_SHIFT_TUNED};
    static const int temp_cols[] = {LL_TV_KL_TEMP, LL_TV_DELTA_TEMP, LL_TV_RANK_TEMP, LL_TV_SHIFT_TEMP};
    struct ll_tuned_point base = point_of(&s->norm), tuned = point_of(&s->tuned);
    ll_row_int(row, LL_TV_LAYER, layer);
    ll_row_real(row, LL_TV_KL_BASELINE, base.kl_bits);
    put_rank(row, LL_TV_RANK_BASELINE, base.answer_rank);
    put_variant(row, tuned_cols, base, tuned);
    put_variant(row, temp_cols, base, point_of(&s->tuned_temp));
    ll_row_real(row, LL_TV_ENTROPY_BASELINE, base.entropy_bits);
    ll_row_real(row, LL_TV_ENTROPY_TUNED, tuned.entropy_bits);
    put_pass(row, LL_TV_FACT_KEY, info);
}

void ll_fill_pos_audit(struct ll_row *row, const struct ll_pass_info *info, struct ll_pos_frac at, int layer,
                       struct ll_tuned_point base, struct ll_tuned_point tuned)
{
    static const int cols[] = {LL_PA_KL_TUNED, LL_PA_DELTA_TUNED, LL_PA_RANK_TUNED, LL_PA_SHIFT_TUNED};
    ll_row_real(row, LL_PA_POS_FRAC, at.frac);
    ll_row_int(row, LL_PA_POS_INDEX, at.pos);
    ll_row_int(row, LL_PA_LAYER, layer);
    ll_row_real(row, LL_PA_KL_BASELINE, base.kl_bits);
    put_rank(row, LL_PA_RANK_BASELINE, base.answer_rank);
    put_variant(row, cols, base, tuned);
    ll_row_real(row, LL_PA_ENTROPY_BASELINE, base.entropy_bits);
    ll_row_real(row, LL_PA_ENTROPY_TUNED, tuned.entropy_bits);
    put_pass(row, LL_PA_FACT_KEY, info);
}
