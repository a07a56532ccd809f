/* test_columns.c - the tables' columns against the original's files; the flags and cells of synthetic rows
 * (docs/experiment.md 4 to 8) */
#include "copy_labels.h"
#include "metrics.h"
#include "rows.h"
#include "sidecar_cols.h"
#include "unit/base/files.h"

#include "csv_row.h"

#include <math.h>

#define TOPS \
    "top1,prob1,top2,prob2,top3,prob3,top4,prob4,top5,prob5,top6,prob6,top7,prob7,top8,prob8,top9,prob9," \
    "top10,prob10,top11,prob11,top12,prob12," \
    "top13,prob13,top14,prob14,top15,prob15,top16,prob16,top17,prob17,top18,prob18,top19,prob19,top20," \
    "prob20,rest_mass"
#define PASS "fact_key,fact_index,prompt_id,prompt_variant,layer,"
static const char records[] = PASS "pos,token,entropy,entropy_bits," TOPS;
static const char pure[] =
    PASS "pos,token,entropy,entropy_bits," TOPS
         ",copy_collapse,copy_strict@0.95,copy_strict@0.7,copy_strict@0.8,copy_strict@0.9,copy_soft_k1@0.5,"
         "copy_soft_k2@0.5,copy_soft_k3@0.5,entropy_collapse,is_answer,"
         "p_top1,p_top5,p_answer,answer_minus_uniform,semantic_margin_ok,teacher_entropy_bits,kl_to_final_"
         "bits,kl_to_final_bits_norm_temp,answer_rank,"
         "topk_jaccard_raw_norm@50,topk_jaccard_consecutive@50,cos_to_final,cos_to_answer,cos_to_prompt_max,"
         "geom_crossover,echo_mass_prompt,answer_mass,"
         "answer_minus_echo_mass,mass_ratio_ans_over_prompt,topk_prompt_mass@50,control_margin,resid_norm_"
         "ratio,delta_resid_cos,answer_logit_gap,answer_vs_top1_gap";
static const char rawlens[] =
    PASS "p_top1_raw,top1_token_id_raw,top1_token_str_raw,p_answer_raw,answer_rank_raw,p_top1_norm,top1_"
         "token_id_norm,top1_token_str_norm,"
         "p_answer_norm,answer_rank_norm,kl_norm_vs_raw_bits,kl_raw_to_norm_bits,js_divergence,entropy_bits_"
         "norm,entropy_bits_raw,entropy_gap_bits,l1_prob_diff,"
         "topk_jaccard_raw_norm@50,topk_jaccard_consecutive@50,norm_only_semantics";

static char *header_of(const struct ll_schema *s)
{
    struct ll_buf b = {0};
    ll_csv_header(&b, s);
    b.s[b.len - 1] = 0;
    return b.s;
}

static void headers_are_those_of_the_original(void **state)
{
    (void)state;
    static const struct {
        const struct ll_schema *s;
        const char *original, *ours;
        int n_seed;
    } tables[] = {{&ll_schema_records, records, ",token_id,top_ids,js_to_final_bits,row_id", 50},
                  {&ll_schema_pure, pure,
                   ",top_ids,token_id,answer_logprob,accepted_rank,js_to_final_bits,row_id", 85},
                  {&ll_schema_rawlens, rawlens, ",row_id", 25},
                  {&ll_schema_positions, "",
                   PASS "pos_frac,pos_index,target_id,target,target_rank,p_target,top1_id,entropy_bits,kl_to_"
                        "final_bits,row_id",
                   0},
                  {&ll_schema_answers, "",
                   PASS "answer_index,answer,n_tokens,first_id,first_rank,p_first,logprob,row_id", 0}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char *got = header_of(tables[i].s), want[4000];
        snprintf(want, sizeof want, "%s%s", tables[i].original, tables[i].ours);
        assert_string_equal(got, want);
        assert_int_equal(tables[i].s->n_seed, tables[i].n_seed);
        free(got);
    }
}

/* The same against the files themselves, where they are. */
static void headers_are_those_of_the_files(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *want;
    } files[] = {{"output-Qwen3-8B-records.csv", records},
                 {"output-Yi-34B-pure-next-token.csv", pure},
                 {"output-gemma-2-9b-pure-next-token-tuned.csv", pure},
                 {"output-Mistral-7B-v0.1-pure-next-token-rawlens.csv", rawlens}};
    int n = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[1000], line[8000];
        snprintf(path, sizeof path, "%s/data/runs/run-latest/%s", LL_SHARED_DIR, files[i].file);
        FILE *f = fopen(path, "r");
        if (!f || !fgets(line, sizeof line, f))
            continue;
        line[strcspn(line, "\r\n")] = 0;
        assert_string_equal(line, files[i].want);
        fclose(f);
        n++;
    }
    if (!n) {
        print_message("no original run at hand\n");
        skip();
    }
}

/* ---- copy rules (docs/experiment.md 5) ------------------------------------------------------- */

/* The soft flag for windows of k rows, in a row whose best id has probability 1. */
static int is_soft(const int *tops, int n, int k, double threshold, const int *ctx, int n_ctx)
{
    struct ll_hit best = {0, tops[n - 1]};
    const struct ll_head_out o = {.lse = 0, .entropy_bits = 2, .n_top = 1, .top = &best};
    const struct ll_copy_labels l = {.n_soft = 1, .soft = {{k, threshold}}};
    struct ll_row_flags f = {0};
    ll_copy_flags(&o, &(struct ll_copy_place){tops, n, ctx, n_ctx, 0}, &ll_copy_strict, &l, &f);
    return f.soft[0];
}

static void soft_windows_are_contiguous(void **state)
{
    (void)state;
    static const int ctx[] = {5, 6, 7, 5, 8}, tops[] = {9, 5, 6, 7, 8};
    assert_true(is_soft(tops, 2, 1, 0.5, ctx, 5));
    assert_false(is_soft(tops, 1, 1, 0.5, ctx, 5)); /* 9 stands nowhere */
    assert_true(is_soft(tops, 3, 2, 0.5, ctx, 5));  /* 5 6 */
    assert_true(is_soft(tops, 4, 3, 0.5, ctx, 5));  /* 5 6 7 */
    assert_false(is_soft(tops, 5, 2, 0.5, ctx, 5)); /* 7 8: both there, not side by side */
    assert_false(is_soft(tops, 2, 3, 0.5, ctx, 5)); /* only two rows so far */
    assert_false(is_soft(tops, 2, 1, 1, ctx, 5));   /* must be above */
    assert_false(is_soft(tops, 2, 1, 0.5, ctx, 0));
}

/* A row with these probabilities for ids 0, 1, 2, ... and the rest spread beyond. */
static struct ll_head_out row_of(struct ll_hit *top, const int *ids, const double *p, int n)
{
    for (int i = 0; i < n; i++)
        top[i] = (struct ll_hit){(float)log(p[i]), ids[i]};
    return (struct ll_head_out){.lse = 0, .entropy_bits = 2.0, .n_top = n, .top = top};
}

static void strict_flags_follow_their_thresholds(void **state)
{
    (void)state;
    static const int ctx[] = {3, 4}, ids[] = {4, 9}, other[] = {9, 4};
    struct ll_copy_labels l;
    struct ll_row_flags f = {0};
    struct ll_hit top[2];
    copy_labels_default(&l);
    struct ll_head_out o = row_of(top, ids, (double[]){0.85, 0.1}, 2);
    ll_copy_flags(&o, &(struct ll_copy_place){ids, 1, ctx, 2, 0}, &ll_copy_strict, &l, &f);
    assert_int_equal(f.copy_collapse, 0);
    assert_memory_equal(f.strict, ((unsigned char[]){0, 1, 1, 0}), 4); /* 0.95, 0.7, 0.8, 0.9 */
    assert_memory_equal(f.soft, ((unsigned char[]){1, 0, 0}), 3);
    ll_copy_flags(&o, &(struct ll_copy_place){ids, 1, ctx, 2, 1}, &ll_copy_strict, &l, &f);
    assert_memory_equal(f.strict, ((unsigned char[]){0, 0, 0, 0}), 4); /* blank guard */
    assert_memory_equal(f.soft, ((unsigned char[]){1, 0, 0}), 3);      /* soft has none */
    o = row_of(top, ids, (double[]){0.75, 0.7}, 2);
    ll_copy_flags(&o, &(struct ll_copy_place){ids, 1, ctx, 2, 0}, &ll_copy_strict, &l, &f);
    assert_memory_equal(f.strict, ((unsigned char[]){0, 0, 0, 0}), 4); /* margin */
    o = row_of(top, other, (double[]){0.97, 0.01}, 2);
    ll_copy_flags(&o, &(struct ll_copy_place){other, 1, ctx, 2, 0}, &ll_copy_strict, &l, &f);
    assert_memory_equal(f.strict, ((unsigned char[]){0, 0, 0, 0}), 4); /* not in the prompt */
    o = row_of(top, ids, (double[]){0.97, 0.01}, 2);
    ll_copy_flags(&o, &(struct ll_copy_place){ids, 1, ctx, 2, 0}, &ll_copy_strict, &l, &f);
    assert_memory_equal(f.strict, ((unsigned char[]){1, 1, 1, 1}), 4);
    assert_int_equal(f.copy_collapse, 1);
    o.entropy_bits = 0.5;
    o.top = row_of(top, other, (double[]){0.5, 0.4}, 2).top;
    ll_copy_flags(&o, &(struct ll_copy_place){other, 1, ctx, 2, 0}, &ll_copy_legacy, &l, &f);
    assert_int_equal(f.copy_collapse, 1); /* the early rule fires on low entropy; its strict columns do not */
    assert_memory_equal(f.strict, ((unsigned char[]){0, 0, 0, 0}), 4);
    assert_int_equal(f.entropy_collapse, 1);
}

/* ---- cells of a pure row: full and empty ----------------------------------------------------- */

static double real_of(const struct ll_row *r, int col) { return r->cells[col].set ? r->cells[col].v.r : NAN; }

struct world {
    struct ll_row_rules rules;
    struct ll_copy_labels labels;
    struct ll_answer_figures answer[2];
    struct ll_pass_info info;
    struct ll_head_out own, o;
    struct ll_hit top[6];
    struct ll_row_context c;
    struct ll_row row;
};
static const int prompt_ids[] = {1, 3, 4};

static void world_init(struct world *w)
{
    struct ll_err err = {0};
    memset(w, 0, sizeof *w);
    copy_labels_default(&w->labels);
    w->rules = (struct ll_row_rules){.top_record = 5, .labels = &w->labels};
    w->answer[0] = (struct ll_answer_figures){.text = "x", .slot = 0, .first_id = 4, .n_tokens = 1};
    w->answer[1] = (struct ll_answer_figures){.text = "y", .slot = 1, .first_id = 7, .n_tokens = 1};
    w->info = (struct ll_pass_info){.pass_key = "k.orig",
                                    .fact_index = -1,
                                    .prompt_id = "k",
                                    .prompt_variant = "orig",
                                    .ids = prompt_ids,
                                    .n_ids = 3};
    w->own.entropy_bits = 1.25;
    static const int ids[] = {4, 7, 1, 2, 3, 5};
    w->o = row_of(w->top, ids, (double[]){0.5, 0.2, 0.1, 0.08, 0.05, 0.04}, 6);
    w->o.kl_to_final_bits = 0.75;
    w->o.tracked_logit[0] = w->top[0].v, w->o.tracked_rank[0] = 1;
    w->o.tracked_logit[1] = w->top[1].v, w->o.tracked_rank[1] = 2;
    w->c = (struct ll_row_context){.rules = &w->rules,
                                   .d_vocab = 10,
                                   .info = &w->info,
                                   .ctx = prompt_ids,
                                   .n_ctx = 3,
                                   .answers = w->answer,
                                   .n_answers = 2,
                                   .control_slot = 1,
                                   .own = &w->own};
    OK(ll_row_init(&w->row, &ll_schema_pure, &err), &err);
}

static void world_free(struct world *w)
{
    ll_row_context_free(&w->c);
    ll_row_free(&w->row);
}

static void fill(struct world *w, enum ll_row_lens lens)
{
    struct ll_row_flags flags = {.is_answer = w->o.tracked_rank[0] == 1,
                                 .strict = {1, 0, 1, 0},
                                 .soft = {0, 1, 0}};
    ll_row_clear(&w->row);
    ll_fill_pure(&w->row, &w->c, lens, 2, &w->o, &flags);
}

#define SET(w, col) ((w)->row.cells[LL_PURE_##col].set)
#define REAL(w, col) real_of(&(w)->row, LL_PURE_##col)

static void pure_cells_without_analysis(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    fill(&w, LL_ROW_NORM);
    assert_true(fabs(REAL(&w, P_TOP1) - 0.5) < 1e-7);
    assert_true(fabs(REAL(&w, P_TOP5) - 0.93) < 1e-7); /* five of six */
    assert_true(fabs(REAL(&w, REST_MASS) - 0.07) < 1e-7);
    assert_true(fabs(REAL(&w, ANSWER_MINUS_UNIFORM) - 0.4) < 1e-7);
    assert_true(REAL(&w, P_ANSWER) == REAL(&w, ANSWER_MASS));
    assert_true(REAL(&w, TEACHER_ENTROPY_BITS) == 1.25);
    assert_true(fabs(REAL(&w, ANSWER_LOGIT_GAP) - log(2.5)) < 1e-6);
    assert_false(SET(&w, ANSWER_VS_TOP1_GAP));
    assert_true(fabs(REAL(&w, ANSWER_LOGPROB) - log(0.5)) < 1e-6);
    assert_int_equal(w.row.cells[LL_PURE_ACCEPTED_RANK].v.i, 1);
    assert_true(w.row.cells[LL_PURE_SEMANTIC_MARGIN_OK].v.i == 1);
    assert_int_equal(w.row.cells[LL_PURE_FLAGS].v.i, 1);
    assert_int_equal(w.row.cells[LL_PURE_FLAGS + 2].v.i, 1);
    assert_int_equal(w.row.cells[LL_PURE_FLAGS + 5].v.i, 1);
    assert_int_equal(w.row.cells[LL_PURE_LAST_FLAG].v.i, 0);
    static const int empty[] = {LL_PURE_TOKEN_ID,         LL_PURE_CONTROL_MARGIN,
                                LL_PURE_COS_TO_FINAL,     LL_PURE_KL_TO_FINAL_BITS_NORM_TEMP,
                                LL_PURE_ECHO_MASS_PROMPT, LL_PURE_GEOM_CROSSOVER,
                                LL_PURE_RESID_NORM_RATIO, LL_PURE_FACT_KEY,
                                LL_PURE_FACT_INDEX};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        assert_false(w.row.cells[empty[i]].set);

    w.c.is_control = 1;
    fill(&w, LL_ROW_NORM);
    assert_true(fabs(REAL(&w, CONTROL_MARGIN) - 0.3) < 1e-7);
    fill(&w, LL_ROW_TUNED);
    assert_true(fabs(REAL(&w, CONTROL_MARGIN) - 0.3) < 1e-7);
    assert_int_equal(w.row.cells[LL_PURE_ACCEPTED_RANK].v.i, 1);
    assert_false(SET(&w, SEMANTIC_MARGIN_OK));
    assert_true(SET(&w, ANSWER_LOGIT_GAP));
    world_free(&w);
}

static void pure_cells_of_other_ranks(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.o.tracked_rank[0] = 2; /* the followed answer is id 7 now */
    w.o.tracked_logit[0] = w.top[1].v;
    w.answer[0].first_id = 7;
    fill(&w, LL_ROW_NORM);
    assert_false(SET(&w, ANSWER_LOGIT_GAP));
    assert_true(fabs(REAL(&w, ANSWER_VS_TOP1_GAP) + log(2.5)) < 1e-6);
    assert_true(w.row.cells[LL_PURE_SEMANTIC_MARGIN_OK].v.i == 0);
    w.o.tracked_rank[0] = 1; /* rank 1 by a tie, the best id is another: both gaps empty */
    fill(&w, LL_ROW_NORM);
    assert_false(SET(&w, ANSWER_LOGIT_GAP));
    assert_false(SET(&w, ANSWER_VS_TOP1_GAP));
    w.answer[0].slot = -1; /* unresolved */
    fill(&w, LL_ROW_NORM);
    static const int empty[] = {LL_PURE_P_ANSWER,           LL_PURE_ANSWER_RANK, LL_PURE_ANSWER_MINUS_UNIFORM,
                                LL_PURE_SEMANTIC_MARGIN_OK, LL_PURE_ANSWER_MASS, LL_PURE_ANSWER_LOGPROB};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        assert_false(w.row.cells[empty[i]].set);
    assert_int_equal(w.row.cells[LL_PURE_ACCEPTED_RANK].v.i, 2); /* the other accepted answer still counts */
    world_free(&w);
}

static void pure_cells_with_analysis(void **state)
{
    (void)state;
    struct world w;
    struct ll_row_stats rows[3] = {0};
    struct ll_pass_stats stats = {.n_layers = 2, .d_vocab = 10, .n_rows = 3, .rows = rows};
    world_init(&w);
    w.c.stats = &stats;
    rows[2].cos_to_answer = 0.52;
    rows[2].cos_to_prompt_max = 0.5;
    rows[2].echo_mass_prompt = 0.25;
    rows[2].jaccard50_previous = NAN;
    rows[2].kl_to_final_norm_temp_bits = NAN;
    rows[2].jaccard50_raw = 0.5;
    fill(&w, LL_ROW_NORM);
    assert_int_equal(w.row.cells[LL_PURE_GEOM_CROSSOVER].v.i, 1); /* exactly 0.02 above */
    assert_true(fabs(REAL(&w, ANSWER_MINUS_ECHO_MASS) - 0.25) < 1e-7);
    assert_true(fabs(REAL(&w, MASS_RATIO) - 0.5 / (0.25 + 1e-9)) < 1e-6);
    assert_false(SET(&w, JACCARD50_CONSECUTIVE));
    assert_false(SET(&w, KL_TO_FINAL_BITS_NORM_TEMP));
    assert_true(REAL(&w, JACCARD50_RAW) == 0.5);
    rows[2].cos_to_prompt_max = NAN; /* empty prompt vocabulary */
    w.answer[0].slot = -1;
    fill(&w, LL_ROW_NORM);
    assert_false(SET(&w, GEOM_CROSSOVER));
    assert_false(SET(&w, ANSWER_MINUS_ECHO_MASS));
    assert_true(SET(&w, ECHO_MASS_PROMPT));
    fill(&w, LL_ROW_TUNED);
    assert_false(SET(&w, ECHO_MASS_PROMPT));
    struct ll_lens_cells cells[3] = {
        [2] = {0.75, 0.25, 0.5, 0.125, 0.0625}}; /* its own, whatever the norm lens says */
    w.c.tuned = cells;
    w.answer[0].slot = 0;
    fill(&w, LL_ROW_TUNED);
    assert_true(REAL(&w, COS_TO_FINAL) == 0.75 && REAL(&w, COS_TO_ANSWER) == 0.25
                && REAL(&w, COS_TO_PROMPT_MAX) == 0.5 && REAL(&w, TOPK_PROMPT_MASS50) == 0.0625);
    assert_true(fabs(REAL(&w, ANSWER_MINUS_ECHO_MASS) - 0.375) < 1e-7);
    assert_true(SET(&w, GEOM_CROSSOVER) && w.row.cells[LL_PURE_GEOM_CROSSOVER].v.i == 0);
    static const int empty[] = {LL_PURE_SEMANTIC_MARGIN_OK, LL_PURE_KL_TO_FINAL_BITS_NORM_TEMP,
                                LL_PURE_JACCARD50_RAW,      LL_PURE_JACCARD50_CONSECUTIVE,
                                LL_PURE_RESID_NORM_RATIO,   LL_PURE_DELTA_RESID_COS};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        assert_false(w.row.cells[empty[i]].set);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_those_of_the_original),
        cmocka_unit_test(headers_are_those_of_the_files),
        cmocka_unit_test(soft_windows_are_contiguous),
        cmocka_unit_test(strict_flags_follow_their_thresholds),
        cmocka_unit_test(pure_cells_without_analysis),
        cmocka_unit_test(pure_cells_of_other_ranks),
        cmocka_unit_test(pure_cells_with_analysis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
