/* test_pass_summaries.c - the checks of docs/experiment.md 8 to 12 that are made of rows: on made rows, and
 * on the original's late run, whose documents store what it made of the same tables */
#include "copy_labels.h"
#include "unit/lens/original_runs.h"
#include "raw_checks.h"
#include "row_health.h"
#include "suite.h"

enum { N = 8, ANSWER = 7 };

struct made {
    struct ll_row_stats rows[N + 1];
    struct ll_pass_stats s;
};

static void blank_rows(struct made *t)
{
    memset(t, 0, sizeof *t);
    t->s = (struct ll_pass_stats){
        .n_layers = N, .d_vocab = 100, .answer_id = ANSWER, .n_rows = N + 1, .rows = t->rows};
    for (int l = 0; l <= N; l++) {
        t->rows[l].norm = (struct ll_reading){.is_set = 1, .answer_rank = 5, .kl_to_final_bits = 8 - l};
        t->rows[l].raw = (struct ll_reading){.is_set = 1, .answer_rank = 5};
        t->rows[l].resid_norm = 1 << l;
        t->rows[l].resid_norm_ratio = 1;
        t->rows[l].delta_resid_cos = 1;
        t->rows[l].max_abs_logit = l;
        t->rows[l].min_p = 0.001 * l;
    }
}

static void sample_rows(void **state)
{
    static const struct {
        int n, want, rows[4];
    } cases[] = {{32, 4, {0, 9, 17, 25}}, {42, 4, {0, 11, 22, 32}}, {60, 4, {0, 16, 31, 46}},
                 {4, 4, {0, 2, 3, 4}},    {1, 2, {0, 1}},           {2, 3, {0, 1, 2}}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rows[LL_RAW_SAMPLES], n = ll_raw_sample_rows(cases[i].n, rows);
        assert_int_equal(n, cases[i].want);
        assert_memory_equal(rows, cases[i].rows, sizeof *rows * (size_t)n);
    }
}

static void sampled_risk(void **state)
{
    static const struct {
        double kl;
        int norm_only;
        enum ll_tier want;
    } cases[] = {{0.49, 0, LL_TIER_LOW},
                 {0.5, 0, LL_TIER_MEDIUM},
                 {1.0, 0, LL_TIER_HIGH},
                 {0.1, 1, LL_TIER_HIGH}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made t;
        struct ll_raw_sampled r;
        blank_rows(&t); /* sampled: 0, 3, 5, 7 */
        t.rows[5].kl_norm_raw_bits = cases[i].kl;
        t.rows[4].kl_norm_raw_bits = 9; /* not sampled */
        if (cases[i].norm_only)
            t.rows[7].norm.answer_rank = 1;
        ll_raw_sampled(&r, &t.s);
        assert_int_equal(r.n, 4);
        assert_true(r.max_kl_bits == cases[i].kl);
        assert_int_equal(r.first_norm_only, cases[i].norm_only ? 7 : -1);
        assert_int_equal(r.risk, cases[i].want);
        assert_int_equal(ll_raw_window_radius(&r), cases[i].want == LL_TIER_HIGH ? 8 : 4);
    }
}

static void window_layers(void **state)
{
    struct ll_pass_milestones m = {
        .n_layers = 40, .L_semantic = 25, .rank = {25, 25, 3}, .kl = {-1, 40}, .L_copy = -1, .soft_first = 1};
    int layers[41], centers[LL_RAW_CENTERS];
    (void)state;
    assert_int_equal(ll_raw_window_centers(&m, centers), 3);
    assert_true(centers[0] == 1 && centers[1] == 25 && centers[2] == 40);
    int n = ll_raw_window_layers(&m, 4, layers);
    assert_int_equal(n, 6 + 9 + 5);
    assert_true(layers[0] == 0 && layers[5] == 5 && layers[6] == 21 && layers[14] == 29 && layers[15] == 36
                && layers[19] == 40);
    m = (struct ll_pass_milestones){.n_layers = 40,
                                    .L_semantic = -1,
                                    .rank = {-1, -1, -1},
                                    .kl = {-1, -1},
                                    .L_copy = -1,
                                    .soft_first = -1};
    assert_int_equal(ll_raw_window_layers(&m, 4, layers), 0);
}

static void nothing_read_raw(void **state)
{
    struct made t;
    struct ll_raw_full f;
    struct ll_raw_sampled r;
    double scratch[N + 1];
    (void)state;
    blank_rows(&t);
    for (int l = 0; l <= N; l++)
        t.rows[l].raw.is_set = 0;
    ll_raw_full(&f, &t.s, scratch);
    ll_raw_sampled(&r, &t.s);
    assert_true(f.n == 0 && isnan(f.score) && isnan(f.js[1]) && isnan(f.pct_kl_ge_1) && f.first_js == -1);
    assert_true(r.n == 0 && isnan(r.max_kl_bits) && r.risk == LL_TIER_LOW);
    assert_int_equal(ll_norm_only_semantic(&t.rows[0]), -1);
}

static void artifact_tiers(void **state)
{
    static const struct {
        int n_above; /* of ten rows: those with a KL of at least 1 bit */
        int norm_only;
        double kl, js, l1;
        double score, v2;
        enum ll_tier tier;
    } cases[] = {{0, 0, 0, 0, 0, 0, 0, LL_TIER_LOW},
                 {1, 0, 5, 0.05, 0.25, 0.16, 0.235, LL_TIER_LOW},
                 {5, 0, 10, 1, 1, 0.4, 0.55, LL_TIER_MEDIUM},
                 {10, 1, 5, 1, 1, 1, 1, LL_TIER_HIGH}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ll_row_stats rows[10] = {0};
        const struct ll_pass_stats s = {.n_layers = 9, .n_rows = 10, .rows = rows};
        struct ll_raw_full f;
        double scratch[10];
        for (int l = 0; l < 10; l++) {
            rows[l].norm.answer_rank = cases[i].norm_only && l == 3 ? 1 : 5;
            rows[l].raw = (struct ll_reading){.is_set = 1, .answer_rank = 5};
            rows[l].kl_norm_raw_bits = l < cases[i].n_above ? cases[i].kl : 0;
            rows[l].js_bits = cases[i].js;
            rows[l].l1 = cases[i].l1;
        }
        ll_raw_full(&f, &s, scratch);
        assert_true(fabs(f.score - cases[i].score) < 1e-12 && fabs(f.score_v2 - cases[i].v2) < 1e-12);
        assert_int_equal(f.tier, cases[i].tier);
    }
}

static void trajectory(void **state)
{
    struct made t;
    struct ll_trajectory r;
    (void)state;
    blank_rows(&t); /* doubles at each row: slope ln 2, on its line */
    ll_trajectory_of(&r, &t.s, 3);
    assert_int_equal(r.shape, LL_SHAPE_MONOTONIC);
    assert_true(fabs(r.slope - 0.69314718055994531) < 1e-14 && fabs(r.r2 - 1) < 1e-14);
    t.rows[4].resid_norm_ratio = 3.5; /* after L_semantic */
    ll_trajectory_of(&r, &t.s, 3);
    assert_int_equal(r.n_spikes, 0);
    t.rows[3].delta_resid_cos = 0.79;
    ll_trajectory_of(&r, &t.s, 3);
    assert_int_equal(r.shape, LL_SHAPE_SPIKE);
    assert_int_equal(r.n_spikes, 1);
    ll_trajectory_of(&r, &t.s, -1);
    assert_int_equal(r.n_spikes, 2);
    blank_rows(&t);
    for (int l = 0; l <= N; l++)
        t.rows[l].resid_norm = 3;
    ll_trajectory_of(&r, &t.s, -1);
    assert_int_equal(r.shape, LL_SHAPE_PLATEAU);
    for (int l = 0; l <= N; l++)
        t.rows[l].resid_norm = l % 2 ? 50 : 1 + l;
    ll_trajectory_of(&r, &t.s, -1);
    assert_int_equal(r.shape, LL_SHAPE_NON_MONOTONIC);
}

static void health(void **state)
{
    struct made t;
    struct ll_numeric_health h;
    double scratch[N + 1];
    (void)state;
    blank_rows(&t);
    ll_numeric_health_of(&h, &t.s, scratch);
    assert_true(!h.any_nan && !h.any_inf && !h.n_flagged);
    assert_true(fabs(h.max_abs_logit_p99 - 7.92) < 1e-12 && fabs(h.min_p_p01 - 0.00008) < 1e-15);
    t.rows[2].n_nan = 1;
    t.rows[5].n_inf = 1;
    ll_numeric_health_of(&h, &t.s, scratch);
    assert_true(h.any_nan && h.any_inf && h.n_flagged == 2);
}

static void gates(void **state)
{
    struct made t;
    struct ll_pass_milestones m = {.L_semantic = 3, .strong = 3, .strong_run2 = 3};
    struct ll_gate g[LL_N_GATES];
    double least;
    (void)state;
    blank_rows(&t);
    for (int l = 3; l <= 4; l++) {
        t.rows[l].norm.answer_rank = 1;
        t.rows[l].norm.n_top = 2;
        t.rows[l].norm.top[0] = (struct ll_hit){2.0f, ANSWER};
        t.rows[l].norm.top[1] = (struct ll_hit){l == 3 ? 1.46f : 1.0f, 1};
        for (int i = 0; i < 4; i++)
            t.rows[l].scaled_p_answer[i] = l == 4 && i == 3 ? 0.0119 : 0.2; /* 1/V is 0.01 */
    }
    assert_int_equal(ll_gates_of(g, &t.s, &m, &ll_milestone_rules_default, &least), 3);
    assert_true(g[0].layer == 3 && g[0].uniform_margin == 1);
    assert_true(g[0].top2_gap == 0.75 && g[0].both == 0.75); /* lead 0.54: 0.486 at 0.90, 0.513 at 0.95 */
    assert_true(g[2].uniform_margin == 0.75 && g[2].both == 0.5);
    assert_true(least == 0.5);
    m.strong = m.strong_run2 = m.L_semantic = -1;
    assert_int_equal(ll_gates_of(g, &t.s, &m, &ll_milestone_rules_default, &least), 0);
    assert_true(isnan(least));
}

static void agreement(void **state)
{
    struct ll_pass_milestones m = {
        .rank = {4, 3, 2}, .L_semantic = 4, .strong = -1, .strong_run2 = -1, .confirmed = 4};
    struct ll_target at[LL_MAX_TARGETS];
    struct made t;
    int is_low;
    (void)state;
    blank_rows(&t);
    assert_int_equal(ll_consistency_targets(&m, at), 4);
    assert_string_equal(at[3].name, "L_semantic_confirmed");
    for (int l = 2; l <= 4; l++) {
        t.rows[l].jaccard10_raw = 0.1 * l;
        t.rows[l].jaccard50_raw = 0.5;
        t.rows[l].spearman50_raw = l == 3 ? NAN : 0.5;
    }
    struct ll_agreement p = ll_agreement_p50(&t.s, LL_OF_RAW, at, 4, &is_low);
    assert_true(fabs(p.jaccard10 - 0.35) < 1e-12 && p.spearman50 == 0.5);
    assert_int_equal(is_low, 0); /* row 2 is low, but no semantic target */
    t.rows[4].jaccard10_raw = 0.29;
    ll_agreement_p50(&t.s, LL_OF_RAW, at, 4, &is_low);
    assert_int_equal(is_low, 1);
    p = ll_agreement_p50(&t.s, LL_OF_TUNED, at, 4, &is_low);
    assert_true(isnan(p.jaccard10) && !is_low);
}

static void suite_rounds_half_to_even(void **state)
{
    struct ll_fact f[4] = {{.L_semantic = 25}, {.L_semantic = 24}, {.L_semantic = -1}, {.L_semantic = 22}};
    struct ll_fact more = {.L_semantic = 32,
                           .delta_hat = 0.25,
                           .L_copy_strict = -1,
                           .L_copy_soft_k1 = -1,
                           .L_confirmed = -1,
                           .L_margin_ok = -1};
    struct ll_fact all[5];
    struct ll_suite s;
    double scratch[5];
    (void)state;
    for (int i = 0; i < 5; i++) {
        all[i] = more;
        all[i].L_semantic = i < 4 ? f[i].L_semantic : 32;
        all[i].delta_hat = i == 0 ? 1.0 / 3 : NAN;
    }
    ll_suite_of(&s, all, 5, scratch);
    assert_true(s.n == 5 && s.n_missing == 1 && s.L_semantic == 24 && s.L_semantic_median == 24.5);
    assert_true(s.iqr[0] == 24 && s.iqr[1] == 27); /* 23.5 and 26.75 */
    assert_true(s.delta_hat == 0.3333 && s.L_copy_strict == -1);
    ll_suite_of(&s, all, 0, scratch);
    assert_true(s.n == 0 && s.L_semantic == -1 && isnan(s.delta_hat));
}

static void fact_delta(void **state)
{
    struct ll_pass_milestones m = {.n_layers = 36,
                                   .L_copy = -1,
                                   .L_semantic = 32,
                                   .soft_first = 30,
                                   .confirmed = 32,
                                   .margin_ok = 31,
                                   .labels = {.n_soft = 1, .soft = {{1, 0.5}}},
                                   .soft = {30}};
    struct ll_fact f;
    (void)state;
    ll_fact_from(&f, &m, 100, 0);
    assert_true(f.delta_hat == 2.0 / 36 && f.row_index == 132 && f.L_confirmed == -1
                && f.L_copy_soft_k1 == 30);
    m.L_copy = 0; /* the strict layer goes first, 0 is a layer */
    ll_fact_from(&f, &m, 100, 1);
    assert_true(f.delta_hat == 32.0 / 36 && f.L_confirmed == 32);
}

static void sidecar(void **state)
{
    struct made t;
    struct ll_sidecar s;
    double scratch[N + 1];
    (void)state;
    assert_int_equal(ll_quarter_row(42, 1), 10); /* 10.5 */
    assert_int_equal(ll_quarter_row(42, 3), 32); /* 31.5 */
    blank_rows(&t);
    for (int l = 1; l <= N; l++)
        t.rows[l].tuned =
            (struct ll_reading){.is_set = 1, .answer_rank = l > 5 ? 1 : 7, .kl_to_final_bits = (8 - l) * 0.5};
    ll_sidecar_of(&s, &t.s, LL_OF_TUNED);
    assert_true(s.rank[0] == 6 && s.rank[1] == 6 && s.rank[2] == 1 && s.kl_at[0] == 3 && s.kl_at[2] == 1
                && s.first_kl_1 == 6);
    ll_sidecar_of(&s, &t.s, LL_OF_NORM);
    assert_true(s.rank[0] == -1 && s.kl_at[0] == 6 && s.first_kl_1 == 7);
    assert_true(ll_sidecar_gain_p50(&t.s, LL_OF_TUNED, scratch) == 1.75);
    assert_true(isnan(ll_sidecar_gain_p50(&t.s, LL_OF_TUNED_TEMP, scratch)));
    t.rows[N].tuned.is_set = 0; /* a lens that leaves row n as it is reads there what the norm reads */
    t.rows[N].norm.answer_rank = 3;
    assert_ptr_equal(ll_row_reading(&t.s, N, LL_OF_TUNED), &t.rows[N].norm);
    assert_true(ll_agreement_at(&t.s, N, LL_OF_TUNED).jaccard10 == 1);
    assert_null(ll_row_reading(&t.s, N, LL_OF_TUNED_TEMP));
    for (int l = 0; l < N; l++)
        t.rows[l].tuned.is_set = 0;
    assert_null(ll_row_reading(&t.s, N, LL_OF_TUNED));
}

static void figures_of_the_walk(void **state)
{
    struct ll_hit top[6] = {{2, 4}, {1, 3}, {0, 2}, {-1, 1}, {-2, 0}, {-3, 5}};
    struct ll_head_out o = {.lse = 2.5,
                            .entropy_bits = 1.5,
                            .kl_to_final_bits = 0.25,
                            .n_top = 6,
                            .top = top,
                            .tracked_logit = {-1, 1},
                            .tracked_rank = {4, 2}};
    struct ll_reading r;
    (void)state;
    ll_reading_from_walk(&r, &o, 1);
    assert_true(r.lse == 2.5 && r.entropy_bits == 1.5 && r.kl_to_final_bits == 0.25);
    assert_true(fabs(r.p_top1 - exp(-0.5)) < 1e-15 && fabs(r.p_top2 - exp(-1.5)) < 1e-15
                && fabs(r.p_answer - exp(-1.5)) < 1e-15 && r.answer_rank == 2 && r.answer_logit == 1);
    assert_true(fabs(r.p_top5 - (exp(-0.5) + exp(-1.5) + exp(-2.5) + exp(-3.5) + exp(-4.5))) < 1e-15);
    assert_int_equal(r.n_top, 6);
    assert_memory_equal(r.top, top, sizeof top);
    o.n_top = 1; /* nothing of the call before stays */
    ll_reading_from_walk(&r, &o, -1);
    assert_true(r.p_top5 == r.p_top1 && r.p_top2 == 0 && r.answer_rank == -1 && isnan(r.p_answer)
                && isnan(r.answer_logit) && isnan(r.norm));
}

/* ---- the original's late run ----------------------------------------------------------------- */
static void check_raw(const struct late_pass *p, const struct ll_pass_milestones *m, const cJSON *doc,
                      const cJSON *d)
{
    struct ll_raw_full f;
    struct ll_raw_sampled r;
    double scratch[80];
    ll_raw_full(&f, &p->s, scratch);
    const cJSON *w = late_at(d, "raw_lens_full");
    late_same("pct 1.0", f.pct_kl_ge_1, late_at(w, "pct_layers_kl_ge_1.0"), 1e-15);
    late_same("pct 0.5", f.pct_kl_ge_half, late_at(w, "pct_layers_kl_ge_0.5"), 1e-15);
    assert_int_equal(f.n_norm_only, late_layer(w, "n_norm_only_semantics_layers"));
    assert_int_equal(f.earliest_norm_only, late_layer(w, "earliest_norm_only_semantic"));
    late_same("max kl", f.max_kl_bits, late_at(w, "max_kl_norm_vs_raw_bits"), 0);
    static const char *const q[] = {"p25", "p50", "p75"};
    for (int i = 0; i < 3; i++) {
        late_same("js", f.js[i], late_at(late_at(w, "js_divergence_percentiles"), q[i]), 1e-12);
        late_same("l1", f.l1[i], late_at(late_at(w, "l1_prob_diff_percentiles"), q[i]), 1e-12);
    }
    assert_int_equal(f.first_js, late_layer(w, "first_js_le_0.1"));
    assert_int_equal(f.first_l1, late_layer(w, "first_l1_le_0.5"));
    late_same("jaccard", f.jaccard50_p50, late_at(w, "topk_overlap/jaccard_raw_norm_p50"), 1e-12);
    assert_int_equal(f.first_jaccard, late_layer(w, "topk_overlap/first_jaccard_raw_norm_ge_0.5"));
    late_same("score", f.score, late_at(w, "score/lens_artifact_score"), 1e-12);
    late_same("score v2", f.score_v2, late_at(w, "score/lens_artifact_score_v2"), 1e-12);
    assert_string_equal(ll_tier_name(f.tier), late_at(w, "score/tier")->valuestring);
    ll_raw_sampled(&r, &p->s);
    w = late_at(doc, "raw_lens_check/summary");
    assert_int_equal(r.first_norm_only, late_layer(w, "first_norm_only_semantic_layer"));
    late_same("sampled max", r.max_kl_bits, late_at(w, "max_kl_norm_vs_raw_bits"), 1e-9);
    assert_string_equal(ll_tier_name(r.risk), late_at(w, "lens_artifact_risk")->valuestring);
    int layers[80], n = ll_raw_window_layers(m, 4, layers); /* their first pass took 4 */
    w = late_at(d, "raw_lens_window/layers_checked");
    assert_int_equal(n, cJSON_GetArraySize(w));
    for (int i = 0; i < n; i++)
        assert_int_equal(layers[i], cJSON_GetArrayItem(w, i)->valueint);
}

/* The residual's lengths are in their provenance of the norms, the other two measures in the table. */
static void check_trajectory(struct late_pass *p, const struct ll_pass_milestones *m, const cJSON *d)
{
    struct ll_trajectory t;
    const cJSON *row;
    int l = 0;
    cJSON_ArrayForEach(row, late_at(d, "normalization_provenance/per_layer")) p->s.rows[l++].resid_norm =
        late_at(row, "raw_resid_norm")->valuedouble;
    assert_int_equal(l, p->s.n_rows);
    ll_trajectory_of(&t, &p->s, m->L_semantic);
    const cJSON *w = late_at(d, "norm_trajectory");
    assert_string_equal(ll_shape_name(t.shape), late_at(w, "shape")->valuestring);
    late_same("slope", t.slope, late_at(w, "slope"), 1e-8); /* theirs took float logarithms */
    late_same("r2", t.r2, late_at(w, "r2"), 1e-8);
    assert_int_equal(t.n_spikes, late_layer(w, "n_spikes"));
    assert_int_equal(t.n_rows, late_layer(w, "sampled_layers"));
}

static void check_sidecar(const struct late_pass *p, const cJSON *doc)
{
    static const struct {
        const char *name;
        enum ll_lens_of lens;
    } lenses[] = {{"baseline", LL_OF_NORM}, {"tuned", LL_OF_TUNED}};
    static const char *const ranks[] = {"le_1", "le_5", "le_10"}, *const q[] = {"p25", "p50", "p75"};
    const cJSON *w = late_at(doc, "tuned_lens/summary/metrics");
    for (int k = 0; k < 2; k++) {
        struct ll_sidecar s;
        ll_sidecar_of(&s, &p->s, lenses[k].lens);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(s.rank[i],
                             late_layer(late_at(late_at(w, "rank_milestones"), lenses[k].name), ranks[i]));
            late_same(q[i], s.kl_at[i],
                      late_at(late_at(late_at(w, "kl_bits_at_percentiles"), lenses[k].name), q[i]), 0);
        }
        assert_int_equal(s.first_kl_1, late_layer(late_at(w, "first_kl_le_1.0"), lenses[k].name));
    }
}

/* Two lines a layer. Their first pass took radius 4, the later ones 8, as its sampled check was risky
 * (docs/experiment.md 16.2). */
static void check_windows(const struct late_run *run)
{
    for (int i = 0; i < run->n; i++) {
        const struct late_pass *p = &run->p[i];
        struct ll_copy_labels labels;
        struct ll_pass_milestones m;
        double scratch[80];
        int layers[80], k = 0;
        copy_labels_default(&labels);
        ll_pass_milestones_find(&m, &p->s, &labels, &ll_milestone_rules_default, NULL, 0, scratch);
        int n = ll_raw_window_layers(&m, i ? 8 : 4, layers);
        for (int l = 0; l <= run->n_layers; l++)
            if (p->in_window[l] != (k < n && layers[k] == l ? k++, 2 : 0))
                fail_msg("%s: layer %d has %d lines", p->key, l, p->in_window[l]);
    }
}

static void late_models_again(void **state)
{
    (void)state;
    for (int i = 0; i < N_LATE; i++) {
        struct late_run run;
        struct ll_copy_labels labels;
        struct ll_pass_milestones m;
        double scratch[80];
        char path[600];
        if (!late_load(&run, i)) {
            late_free(&run);
            print_message("no shared/data/runs\n");
            skip();
        }
        struct late_pass *p = late_find(&run, "Germany→Berlin/pos/orig");
        copy_labels_default(&labels);
        ll_pass_milestones_find(&m, &p->s, &labels, &ll_milestone_rules_default, NULL, 0, scratch);
        snprintf(path, sizeof path, LATE_RUNS "/output-%s.json", late_models[i].name);
        cJSON *doc = late_json(path);
        check_raw(p, &m, doc, late_at(doc, "diagnostics"));
        check_trajectory(p, &m, late_at(doc, "diagnostics"));
        check_sidecar(p, doc);
        check_windows(&run);
        if (i == 0) { /* the figures of docs/experiment.md 8.5 */
            struct ll_raw_full f;
            ll_raw_full(&f, &p->s, scratch);
            assert_true(fabs(f.score - 0.418182) < 5e-7 && fabs(f.score_v2 - 0.459017) < 5e-7);
        }
        cJSON_Delete(doc);
        late_free(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sample_rows),
                                       cmocka_unit_test(sampled_risk),
                                       cmocka_unit_test(window_layers),
                                       cmocka_unit_test(nothing_read_raw),
                                       cmocka_unit_test(artifact_tiers),
                                       cmocka_unit_test(trajectory),
                                       cmocka_unit_test(health),
                                       cmocka_unit_test(gates),
                                       cmocka_unit_test(agreement),
                                       cmocka_unit_test(suite_rounds_half_to_even),
                                       cmocka_unit_test(fact_delta),
                                       cmocka_unit_test(sidecar),
                                       cmocka_unit_test(figures_of_the_walk),
                                       cmocka_unit_test(late_models_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
