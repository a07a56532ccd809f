/* rows.c - see rows.h */
#include "row_parts.h"

#include "lens_cols.h"
#include "milestones.h"
#include "sidecar_cols.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void ll_row_context_free(struct ll_row_context *c) { ll_buf_free(&c->scratch); }

/* Lower case, without .,!?;: and white space at the ends. Only ASCII letters fold: the words of the
 * experiment are ASCII. */
static int matches_word(const char *s, size_t n, const char *word)
{
    while (n && strchr(".,!?;: \t\r\n", s[n - 1]))
        n--;
    while (n && strchr(".,!?;: \t\r\n", *s)) {
        s++;
        n--;
    }
    size_t w = strlen(word);
    for (size_t at = 0; w && at + w <= n; at++) {
        size_t i = 0;
        while (i < w && tolower((unsigned char)s[at + i]) == (unsigned char)word[i])
            i++;
        if (i == w)
            return 1;
    }
    return 0;
}

static int is_verbose(struct ll_row_context *c, int pos)
{
    if (pos == c->info->n_ids - 1)
        return 1;
    const struct ll_buf *text = ll_row_show(c, c->info->ids[pos]);
    for (int i = 0; i < c->rules->n_words; i++)
        if (matches_word(ll_buf_str(text), text->len, c->rules->words[i]))
            return 1;
    return 0;
}

/* Where a table has its listed tokens: columns of the first text and probability (the others follow in
 * pairs), of what is left, of the ids. */
struct top_columns {
    int text, prob, rest, ids;
};

static void fill_top(struct ll_row *row, struct ll_row_context *c, const struct ll_head_out *o, int k,
                     struct top_columns at)
{
    double sum = 0;
    struct ll_buf ids = {0};
    for (int i = 0; i < k && i < o->n_top; i++) {
        double p = ll_head_p(o, o->top[i].v);
        const struct ll_buf *text = ll_row_show(c, o->top[i].id);
        ll_row_text(row, at.text + 2 * i, ll_buf_str(text), text->len);
        ll_row_real(row, at.prob + 2 * i, p);
        ll_buf_addf(&ids, "%s%d", i ? " " : "", o->top[i].id);
        sum += p;
    }
    ll_row_real(row, at.rest, sum < 1 ? 1 - sum : 0);
    ll_row_text(row, at.ids, ll_buf_str(&ids), ids.len);
    ll_buf_free(&ids);
}

/* Columns fact_key .. prompt_variant begin every table; then layer. */
static void fill_pass(struct ll_row *row, const struct ll_pass_info *info)
{
    enum { LAST = (int)LL_REC_PROMPT_VARIANT };
    _Static_assert(LAST == (int)LL_PURE_PROMPT_VARIANT && LAST == (int)LL_RAWLENS_PROMPT_VARIANT
                       && LAST == (int)LL_ANSWERS_PROMPT_VARIANT && LAST == (int)LL_POS_PROMPT_VARIANT,
                   "all tables begin alike");
    if (info->fact_key)
        ll_row_text(row, LL_REC_FACT_KEY, info->fact_key, strlen(info->fact_key));
    if (info->fact_index >= 0)
        ll_row_int(row, LL_REC_FACT_INDEX, info->fact_index);
    ll_row_text(row, LL_REC_PROMPT_ID, info->prompt_id, strlen(info->prompt_id));
    ll_row_text(row, LL_REC_PROMPT_VARIANT, info->prompt_variant, strlen(info->prompt_variant));
}

void ll_fill_record(struct ll_row *row, struct ll_row_context *c, int layer, int pos,
                    const struct ll_head_out *o)
{
    int id = c->info->ids[pos];
    const struct ll_buf *text = ll_row_show(c, id);
    ll_row_int(row, LL_REC_LAYER, layer);
    ll_row_int(row, LL_REC_POS, pos);
    ll_row_text(row, LL_REC_TOKEN, ll_buf_str(text), text->len);
    ll_row_real(row, LL_REC_ENTROPY, o->entropy_bits);
    ll_row_real(row, LL_REC_ENTROPY_BITS, o->entropy_bits);
    fill_top(row, c, o, is_verbose(c, pos) ? c->rules->top_verbose : c->rules->top_record,
             (struct top_columns){LL_REC_TOP(1), LL_REC_PROB(1), LL_REC_REST_MASS, LL_REC_TOP_IDS});
    fill_pass(row, c->info);
    ll_row_int(row, LL_REC_TOKEN_ID, id);
    ll_row_real(row, LL_REC_JS_TO_FINAL_BITS, o->js_to_final_bits);
    ll_row_id(row, LL_REC_ROW_ID, c->info->pass_key, layer, pos);
}

void ll_fill_lens(struct ll_row *row, int layer, int pos, const struct ll_head_out *o, int slot)
{
    ll_row_int(row, LL_LENSROW_LAYER, layer);
    ll_row_int(row, LL_LENSROW_POS, pos);
    ll_row_real(row, LL_LENSROW_ENTROPY_BITS, o->entropy_bits);
    ll_row_real(row, LL_LENSROW_KL_TO_FINAL_BITS, o->kl_to_final_bits);
    ll_row_real(row, LL_LENSROW_JS_TO_FINAL_BITS, o->js_to_final_bits);
    if (slot < 0)
        return;
    ll_row_int(row, LL_LENSROW_ANSWER_RANK, o->tracked_rank[slot]);
    ll_row_real(row, LL_LENSROW_P_ANSWER, ll_head_p(o, o->tracked_logit[slot]));
}

/* ---- the pure row ---------------------------------------------------------------------------- */

#define COL(x) ll_pure_col(row->schema, LL_PURE_##x)

static void fill_flags(struct ll_row *row, const struct ll_copy_labels *labels,
                       const struct ll_row_flags *flags)
{
    ll_row_bool(row, COL(COPY_COLLAPSE), flags->copy_collapse);
    for (int i = 0; i < row->schema->n_flags; i++)
        ll_row_bool(row, LL_PURE_FLAGS + i,
                    i < labels->n_strict ? flags->strict[i] : flags->soft[i - labels->n_strict]);
    ll_row_bool(row, COL(ENTROPY_COLLAPSE), flags->entropy_collapse);
    ll_row_bool(row, COL(IS_ANSWER), flags->is_answer);
}

/* What is said about the main answer's first token, which has this id. */
static void fill_answer_cells(struct ll_row *row, enum ll_row_lens lens, const struct ll_reading *r, int id,
                              int d_vocab)
{
    ll_row_real(row, COL(P_ANSWER), r->p_answer);
    ll_row_real(row, COL(ANSWER_MINUS_UNIFORM), ll_answer_minus_uniform(r, d_vocab));
    if (lens == LL_ROW_NORM)
        ll_row_bool(row, COL(SEMANTIC_MARGIN_OK),
                    ll_margin_ok(r, d_vocab, ll_milestone_rules_default.margin_delta) == 1);
    ll_row_int(row, COL(ANSWER_RANK), r->answer_rank);
    ll_row_real(row, COL(ANSWER_MASS), r->p_answer);
    ll_row_real(row, COL(ANSWER_LOGIT_GAP), ll_answer_logit_gap(r, id));
    ll_row_real(row, COL(ANSWER_VS_TOP1_GAP), ll_answer_vs_top1_gap(r, id));
}

/* What the analysis knows of a row through either lens. */
static void fill_lens_cells(struct ll_row *row, const struct ll_lens_cells *c, double p_answer)
{
    ll_row_real(row, COL(COS_TO_FINAL), c->cos_to_final);
    ll_row_real(row, COL(COS_TO_ANSWER), c->cos_to_answer);
    ll_row_real(row, COL(COS_TO_PROMPT_MAX), c->cos_to_prompt_max);
    const int crossed = ll_geom_crossover(c, ll_milestone_rules_default.geom_gamma);
    if (crossed >= 0)
        ll_row_bool(row, COL(GEOM_CROSSOVER), crossed);
    ll_row_real(row, COL(ECHO_MASS_PROMPT), c->echo_mass_prompt);
    ll_row_real(row, COL(ANSWER_MINUS_ECHO_MASS), p_answer - c->echo_mass_prompt);
    ll_row_real(row, COL(MASS_RATIO), p_answer / (c->echo_mass_prompt + LL_MASS_EPSILON));
    ll_row_real(row, COL(TOPK_PROMPT_MASS50), c->topk_prompt_mass50);
}

/* And of the norm lens only. */
static void fill_analysed(struct ll_row *row, const struct ll_row_stats *r, double p_answer)
{
    const struct ll_lens_cells c = ll_norm_cells(r);
    fill_lens_cells(row, &c, p_answer);
    ll_row_real(row, COL(KL_TO_FINAL_BITS_NORM_TEMP), r->kl_to_final_norm_temp_bits);
    ll_row_real(row, COL(JACCARD50_RAW), r->jaccard50_raw);
    ll_row_real(row, COL(JACCARD50_CONSECUTIVE), r->jaccard50_previous);
    ll_row_real(row, COL(RESID_NORM_RATIO), r->resid_norm_ratio);
    ll_row_real(row, COL(DELTA_RESID_COS), r->delta_resid_cos);
}

void ll_fill_pure(struct ll_row *row, struct ll_row_context *c, enum ll_row_lens lens, int layer,
                  const struct ll_head_out *o, const struct ll_row_flags *flags)
{
    int pos = c->info->n_ids - 1, slot = ll_row_main_slot(c), control = c->control_slot;
    struct ll_reading r;
    ll_reading_from_walk(&r, o, slot);
    fill_pass(row, c->info);
    ll_row_int(row, LL_PURE_LAYER, layer);
    ll_row_int(row, LL_PURE_POS, pos);
    ll_row_text(row, LL_PURE_TOKEN, LL_NEXT_TOKEN, strlen(LL_NEXT_TOKEN));
    ll_row_real(row, LL_PURE_ENTROPY, o->entropy_bits);
    ll_row_real(row, LL_PURE_ENTROPY_BITS, o->entropy_bits);
    fill_top(row, c, o, c->rules->top_record,
             (struct top_columns){LL_PURE_TOP(1), LL_PURE_PROB(1), LL_PURE_REST_MASS, COL(TOP_IDS)});
    fill_flags(row, c->rules->labels, flags);
    if (r.n_top) {
        ll_row_real(row, COL(P_TOP1), r.p_top1);
        ll_row_real(row, COL(P_TOP5), r.p_top5);
    }
    ll_row_real(row, COL(TEACHER_ENTROPY_BITS), c->own->entropy_bits);
    ll_row_real(row, COL(KL_TO_FINAL_BITS), o->kl_to_final_bits);
    if (slot >= 0)
        fill_answer_cells(row, lens, &r, c->answers[0].first_id, c->d_vocab);
    int best = ll_answers_best_rank(c->answers, c->n_answers, o);
    if (lens == LL_ROW_NORM && c->stats)
        fill_analysed(row, &c->stats->rows[layer], r.p_answer);
    if (lens == LL_ROW_TUNED && c->tuned)
        fill_lens_cells(row, &c->tuned[layer], r.p_answer);
    if (c->is_control && slot >= 0 && control >= 0)
        ll_row_real(row, COL(CONTROL_MARGIN), r.p_answer - ll_head_p(o, o->tracked_logit[control]));
    if (best > 0)
        ll_row_int(row, COL(ACCEPTED_RANK), best);
    if (lens == LL_ROW_NORM
        || (c->n_answers
            && c->answers[0].n_tokens == 1)) /* longer answers were read through the norm lens alone */
        ll_row_real(row, COL(ANSWER_LOGPROB),
                    c->n_answers ? ll_answer_logprob(&c->answers[0], layer, o) : NAN);
    ll_row_real(row, COL(JS_TO_FINAL_BITS), o->js_to_final_bits);
    ll_row_id(row, COL(ROW_ID), c->info->pass_key, layer, pos);
}

/* ---- the raw lens and the answers ------------------------------------------------------------ */

/* Five columns from p_top1_... on. */
static void fill_reading(struct ll_row *row, struct ll_row_context *c, const struct ll_reading *r, int at)
{
    if (r->n_top) {
        ll_row_real(row, at, r->p_top1);
        ll_row_int(row, at + 1, r->top[0].id);
        const struct ll_buf *text = ll_row_show(c, r->top[0].id);
        ll_row_text(row, at + 2, ll_buf_str(text), text->len);
    }
    if (r->answer_rank > 0) {
        ll_row_real(row, at + 3, r->p_answer);
        ll_row_int(row, at + 4, r->answer_rank);
    }
}

void ll_fill_rawlens(struct ll_row *row, struct ll_row_context *c, int layer)
{
    const struct ll_row_stats *r = &c->stats->rows[layer];
    fill_pass(row, c->info);
    ll_row_int(row, LL_RAWLENS_LAYER, layer);
    fill_reading(row, c, &r->raw, LL_RAWLENS_P_TOP1_RAW);
    fill_reading(row, c, &r->norm, LL_RAWLENS_P_TOP1_NORM);
    ll_row_real(row, LL_RAWLENS_KL_NORM_RAW, r->kl_norm_raw_bits);
    ll_row_real(row, LL_RAWLENS_KL_RAW_NORM, r->kl_raw_norm_bits);
    ll_row_real(row, LL_RAWLENS_JS, r->js_bits);
    ll_row_real(row, LL_RAWLENS_ENTROPY_NORM, r->norm.entropy_bits);
    ll_row_real(row, LL_RAWLENS_ENTROPY_RAW, r->raw.entropy_bits);
    ll_row_real(row, LL_RAWLENS_ENTROPY_GAP, r->norm.entropy_bits - c->stats->teacher_entropy_bits);
    ll_row_real(row, LL_RAWLENS_L1, r->l1);
    ll_row_real(row, LL_RAWLENS_JACCARD50_RAW, r->jaccard50_raw);
    ll_row_real(row, LL_RAWLENS_JACCARD50_CONSECUTIVE, r->jaccard50_previous);
    if (r->norm.answer_rank > 0 && r->raw.answer_rank > 0)
        ll_row_bool(row, LL_RAWLENS_NORM_ONLY, r->norm.answer_rank == 1 && r->raw.answer_rank != 1);
    ll_row_id(row, LL_RAWLENS_ROW_ID, c->info->pass_key, layer, c->info->n_ids - 1);
}

void ll_fill_answer(struct ll_row *row, struct ll_row_context *c, int layer, int index,
                    const struct ll_head_out *o)
{
    const struct ll_answer_figures *a = &c->answers[index];
    fill_pass(row, c->info);
    ll_row_int(row, LL_ANSWERS_LAYER, layer);
    ll_row_int(row, LL_ANSWERS_ANSWER_INDEX, index);
    if (a->text)
        ll_row_text(row, LL_ANSWERS_ANSWER, a->text, strlen(a->text));
    if (a->slot >= 0) {
        ll_row_int(row, LL_ANSWERS_N_TOKENS, a->n_tokens);
        ll_row_int(row, LL_ANSWERS_FIRST_ID, a->first_id);
        ll_row_int(row, LL_ANSWERS_FIRST_RANK, o->tracked_rank[a->slot]);
        ll_row_real(row, LL_ANSWERS_P_FIRST, ll_head_p(o, o->tracked_logit[a->slot]));
    }
    ll_row_real(row, LL_ANSWERS_LOGPROB, ll_answer_logprob(a, layer, o));
    ll_row_id(row, LL_ANSWERS_ROW_ID, c->info->pass_key, layer, c->info->n_ids - 1);
}

/* ---- positions ------------------------------------------------------------------------------- */

/* Which tracked id it is there; -1: none. */
static int target_slot(const struct ll_row_context *c, int pos)
{
    return pos < c->info->n_ids - 1 ? 0 : ll_row_main_slot(c);
}

int ll_position_target(const struct ll_row_context *c, int pos)
{
    int slot = target_slot(c, pos);
    return pos < c->info->n_ids - 1 ? c->info->ids[pos + 1] : slot < 0 ? -1 : c->answers[0].first_id;
}

int ll_position_rank(const struct ll_row_context *c, int pos, const struct ll_head_out *o)
{
    int slot = target_slot(c, pos);
    return slot < 0 ? -1 : o->tracked_rank[slot];
}

void ll_fill_position(struct ll_row *row, struct ll_row_context *c, int layer, double frac, int pos,
                      const struct ll_head_out *o)
{
    int target = ll_position_target(c, pos), slot = target_slot(c, pos);
    fill_pass(row, c->info);
    ll_row_int(row, LL_POS_LAYER, layer);
    ll_row_real(row, LL_POS_POS_FRAC, frac);
    ll_row_int(row, LL_POS_POS_INDEX, pos);
    if (target >= 0) {
        const struct ll_buf *text = ll_row_show(c, target);
        ll_row_int(row, LL_POS_TARGET_ID, target);
        ll_row_text(row, LL_POS_TARGET, ll_buf_str(text), text->len);
        ll_row_int(row, LL_POS_TARGET_RANK, o->tracked_rank[slot]);
        ll_row_real(row, LL_POS_P_TARGET, ll_head_p(o, o->tracked_logit[slot]));
    }
    if (o->n_top)
        ll_row_int(row, LL_POS_TOP1_ID, o->top[0].id);
    ll_row_real(row, LL_POS_ENTROPY_BITS, o->entropy_bits);
    ll_row_real(row, LL_POS_KL_TO_FINAL_BITS, o->kl_to_final_bits);
    ll_row_id(row, LL_POS_ROW_ID, c->info->pass_key, layer, pos);
}
