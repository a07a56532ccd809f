/* made_rows.h - the rows and facts of a small made run: 2 layers, 3 positions, two passes; the answer is
 * top-1 at row 2 of the main pass, at rows 1 and 2 of the other. */
#ifndef LL_TEST_MADE_ROWS_H
#define LL_TEST_MADE_ROWS_H
#include "unit/base/files.h"

#include "record_cols.h"

static const int made_ids[] = {1, 7, 9}, made_gold[] = {42};
static const char *const made_pieces[] = {" Berlin"};
static const struct ll_model_info made_model = {
    .model_id = "org/Made-1",
    .clean = "Made-1",
    .stem = "Made-1",
    .family = "llama",
    .architecture = "pre_norm",
    .container = "safetensors",
    .stored_types = "BF16",
    .identity = "ab12",
    .n_layers = 2,
    .d_model = 8,
    .n_heads = 2,
    .n_kv_heads = 1,
    .d_head = 4,
    .d_mlp = 16,
    .d_vocab = 100,
    .n_ctx = 64,
    .n_params = 1000,
    .norm_kind = "RMSNorm",
    .norm_eps = 1e-5,
    .lens_norm = "final",
    .engine = "B",
    .logit_scale = 1,
    .bos_policy = "none",
    .emb_scale = 1,
};
#define MADE_GOLD \
    { \
        "Berlin", "with_space", NULL, made_gold, 1, made_pieces, 1 \
    }
static const struct ll_pass_info made_passes[] = {
    {"pos.orig.0", "Germany→Berlin", 0, "pos", "orig", "The capital", 11, made_ids, 3, MADE_GOLD},
    {"ctl.orig", NULL, -1, "ctl", "orig", "The \"other\"\n", 12, made_ids, 3, MADE_GOLD},
};
static const struct ll_milestones made_milestones[] = {{-1, 2, 2}, {0, -1, 1}};
static inline void set_text(struct ll_row *row, int col, const char *s)
{
    ll_row_text(row, col, s, strlen(s));
}

static inline void made_record(struct ll_row *row, int pass, int layer, int pos)
{
    const struct ll_pass_info *p = &made_passes[pass];
    int n_top = pos == 2 ? 20 : 5;
    char ids[200] = "";
    ll_row_clear(row);
    ll_row_int(row, LL_REC_LAYER, layer);
    ll_row_int(row, LL_REC_POS, pos);
    set_text(row, LL_REC_TOKEN, pos == 1 ? "a,\"b\"\nc\\" : " the");
    ll_row_int(row, LL_REC_TOKEN_ID, made_ids[pos]);
    ll_row_real(row, LL_REC_ENTROPY, 6.5 - layer);
    ll_row_real(row, LL_REC_ENTROPY_BITS, 6.5 - layer);
    for (int k = 1; k <= n_top; k++) {
        char word[16];
        snprintf(word, sizeof word, " w%d", k);
        set_text(row, LL_REC_TOP(k), word);
        ll_row_real(row, LL_REC_PROB(k), 0.1 / k);
        snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s%d", k > 1 ? " " : "", 50 + k);
    }
    set_text(row, LL_REC_TOP_IDS, ids);
    ll_row_real(row, LL_REC_REST_MASS, 1.0 / 3);
    if (p->fact_key) {
        set_text(row, LL_REC_FACT_KEY, p->fact_key);
        ll_row_int(row, LL_REC_FACT_INDEX, p->fact_index);
    }
    set_text(row, LL_REC_PROMPT_ID, p->prompt_id);
    set_text(row, LL_REC_PROMPT_VARIANT, p->prompt_variant);
    ll_row_id(row, LL_REC_ROW_ID, p->pass_key, layer, pos);
}

static inline void made_pure(struct ll_row *row, int pass, int layer)
{
    const struct ll_milestones *m = &made_milestones[pass];
    const struct ll_pass_info *p = &made_passes[pass];
    int answer = layer >= m->L_semantic;
    ll_row_clear(row);
    ll_row_int(row, LL_PURE_LAYER, layer);
    ll_row_int(row, LL_PURE_POS, 2);
    set_text(row, LL_PURE_TOKEN, LL_NEXT_TOKEN);
    ll_row_real(row, LL_PURE_ENTROPY, layer == 2 ? 0.5 : 6.5 - layer);
    ll_row_real(row, LL_PURE_ENTROPY_BITS, layer == 2 ? 0.5 : 6.5 - layer);
    set_text(row, LL_PURE_TOP(1), answer ? " Berlin" : " the");
    ll_row_real(row, LL_PURE_PROB(1), 0.75);
    set_text(row, LL_PURE_TOP_IDS, answer ? "42" : "7");
    ll_row_real(row, LL_PURE_REST_MASS, 0.25);
    ll_row_bool(row, LL_PURE_COPY_COLLAPSE, m->L_copy == layer);
    ll_row_bool(row, LL_PURE_ENTROPY_COLLAPSE, m->L_copy_H == layer);
    ll_row_bool(row, LL_PURE_IS_ANSWER, answer);
    ll_row_real(row, LL_PURE_P_TOP1, 0.75);
    ll_row_real(row, LL_PURE_P_ANSWER, answer ? 0.75 : 0.01);
    ll_row_int(row, LL_PURE_ANSWER_RANK, answer ? 1 : 9 - layer);
    ll_row_real(row, LL_PURE_KL_TO_FINAL_BITS, 2.0 - layer);
    if (p->fact_key) {
        set_text(row, LL_PURE_FACT_KEY, p->fact_key);
        ll_row_int(row, LL_PURE_FACT_INDEX, p->fact_index);
    }
    set_text(row, LL_PURE_PROMPT_ID, p->prompt_id);
    set_text(row, LL_PURE_PROMPT_VARIANT, p->prompt_variant);
    ll_row_id(row, LL_PURE_ROW_ID, p->pass_key, layer, 2);
}
#endif
