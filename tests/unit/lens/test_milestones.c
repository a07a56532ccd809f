/* test_milestones.c - every rule of docs/experiment.md 7 on made rows, and the five models of the original's
 * late run against what was recomputed from their tables (known-facts.json: not its stored nulls,
 * docs/experiment.md 16.2) */
#include "copy_labels.h"
#include "unit/lens/original_runs.h"
#include "suite.h"

enum { N = 10, V = 100, ANSWER = 7, OTHER = 8 };

struct made {
    struct ll_row_stats rows[N + 2]; /* one beyond, which nobody may read */
    struct ll_pass_stats s;
    struct ll_pass_milestones m;
};

/* Rows of which nothing holds: the answer at rank 5, high entropy, far from the final output. */
static void blank_rows(struct made *t)
{
    memset(t, 0, sizeof *t);
    t->s = (struct ll_pass_stats){.n_layers = N,
                                  .d_vocab = V,
                                  .answer_id = ANSWER,
                                  .control_id = -1,
                                  .teacher_entropy_bits = 2,
                                  .n_rows = N + 1,
                                  .rows = t->rows};
    for (int l = 0; l <= N; l++) {
        struct ll_row_stats *r = &t->rows[l];
        r->norm = (struct ll_reading){.is_set = 1,
                                      .n_top = 3,
                                      .entropy_bits = 6,
                                      .p_answer = 0.01,
                                      .answer_rank = 50,
                                      .kl_to_final_bits = 9};
        r->norm.top[0] = (struct ll_hit){4, OTHER};
        r->norm.top[1] = (struct ll_hit){3, ANSWER};
        r->norm.answer_logit = 3;
        r->echo_mass_prompt = 0.5;
        r->topk_prompt_mass50 = 0.5;
        r->cos_to_final = 0.1;
        r->cos_to_answer = 0.1;
        r->cos_to_prompt_max = 0.3;
    }
}

/* The answer leads row l by gap logits with probability p. */
static void lead(struct made *t, int l, float gap, double p)
{
    struct ll_row_stats *r = &t->rows[l];
    r->is_answer = 1;
    r->norm.answer_rank = 1;
    r->norm.n_top = 2;
    r->norm.top[0] = (struct ll_hit){5, ANSWER};
    r->norm.top[1] = (struct ll_hit){5 - gap, OTHER};
    r->norm.answer_logit = 5;
    r->norm.p_answer = p;
}

static void find(struct made *t, const int *vocab, int n_vocab)
{
    struct ll_copy_labels labels;
    double scratch[N + 1];
    copy_labels_default(&labels);
    ll_pass_milestones_find(&t->m, &t->s, &labels, &ll_milestone_rules_default, vocab, n_vocab, scratch);
}

static void nothing_holds(void **state)
{
    struct made t;
    (void)state;
    blank_rows(&t);
    find(&t, NULL, 0);
    const struct ll_pass_milestones *m = &t.m;
    const int none[] = {m->L_copy,
                        m->L_copy_H,
                        m->L_semantic,
                        m->kl[0],
                        m->kl[1],
                        m->rank[0],
                        m->rank[1],
                        m->rank[2],
                        m->gap[0],
                        m->gap[1],
                        m->cos[0],
                        m->strict[0],
                        m->strict[3],
                        m->soft[0],
                        m->soft_first,
                        m->soft_k,
                        m->margin_ok,
                        m->top2_ok,
                        m->run2,
                        m->strong,
                        m->strong_run2,
                        m->margin_ok_at_semantic,
                        m->surface,
                        m->geom,
                        m->decay,
                        m->L_raw,
                        m->L_tuned,
                        m->confirmed,
                        m->confirmed_margin_ok,
                        m->run2_in_confirmed_window,
                        m->norm_only[0]};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (none[i] != -1)
            fail_msg("milestone %zu: %d", i, none[i]);
    assert_string_equal(m->confirmed_source, "none");
    assert_int_equal(m->stability, LL_STABILITY_NONE);
    assert_true(isnan(m->p_answer_at_semantic) && isnan(m->surface_answer_mass) && isnan(m->decay_mass));
    assert_int_equal(ll_preferred_semantic(m, NULL), -1);
    assert_int_equal(m->n_entropy_gap, N + 1);
    assert_true(m->entropy_gap_bits[1] == 4);
}

/* Each threshold is reached at equality, and the first row that reaches it counts. */
static void thresholds_are_inclusive(void **state)
{
    struct made t;
    (void)state;
    blank_rows(&t);
    t.rows[3].norm.kl_to_final_bits = 1.0;
    t.rows[4].norm.kl_to_final_bits = 0.5;
    t.rows[2].norm.answer_rank = 10;
    t.rows[5].norm.answer_rank = 5;
    t.rows[1].cos_to_final = 0.2;
    t.rows[6].cos_to_final = 0.6;
    t.rows[7].norm.p_answer = 0.5 + 0.05;
    t.rows[7].echo_mass_prompt = 0.5;
    t.rows[8].cos_to_answer = 0.32;
    t.rows[8].cos_to_prompt_max = 0.3;
    t.rows[9].topk_prompt_mass50 = 0.33;
    t.rows[6].entropy_collapse = 1;
    find(&t, NULL, 0);
    assert_int_equal(t.m.kl[1], 3);
    assert_int_equal(t.m.kl[0], 4);
    assert_int_equal(t.m.rank[2], 2);
    assert_int_equal(t.m.rank[1], 5);
    assert_int_equal(t.m.rank[0], -1);
    assert_int_equal(t.m.cos[0], 1);
    assert_int_equal(t.m.cos[1], 6);
    assert_int_equal(t.m.cos[2], 6);
    assert_int_equal(t.m.surface, 7);
    assert_true(t.m.surface_answer_mass == 0.55 && t.m.surface_echo_mass == 0.5);
    assert_int_equal(t.m.geom, 8);
    assert_true(t.m.geom_cos_answer == 0.32 && t.m.geom_cos_prompt == 0.3);
    assert_int_equal(t.m.decay, 9);
    assert_true(t.m.decay_mass == 0.33);
    assert_int_equal(t.m.L_copy_H, 6);
    assert_int_equal(t.m.L_semantic, -1);
}

static void gates(void **state)
{
    struct made t;
    (void)state;
    blank_rows(&t);
    lead(&t, 2, 0.25f, 0.0105); /* rank 1, but neither margin (1/V = 0.01) nor lead */
    lead(&t, 4, 0.5f, 0.0105);  /* lead without margin */
    lead(&t, 5, 0.25f, 0.5);    /* margin without lead; run with 4 */
    lead(&t, 7, 1.0f, 0.5);     /* strong */
    lead(&t, 9, 0.5f, 0.4);
    lead(&t, 10, 2.0f, 0.6); /* strong twice; nothing follows row n */
    find(&t, NULL, 0);
    assert_int_equal(t.m.L_semantic, 2);
    assert_int_equal(t.m.rank[0], 2);
    assert_int_equal(t.m.top2_ok, 4);
    assert_int_equal(t.m.gap[0], 4);
    assert_int_equal(t.m.gap[1], 7);
    assert_int_equal(t.m.run2, 4);
    assert_int_equal(t.m.margin_ok, 5);
    assert_int_equal(t.m.strong, 7);
    assert_int_equal(t.m.strong_run2, 9);
    assert_int_equal(t.m.margin_ok_at_semantic, 0);
    assert_true(t.m.gap_at_semantic == 0.25 && t.m.p_answer_at_semantic == 0.0105);
    const char *name;
    assert_int_equal(ll_preferred_semantic(&t.m, &name), 9);
    assert_string_equal(name, "L_semantic_strong_run2");
    t.m.strong_run2 = -1;
    assert_int_equal(ll_preferred_semantic(&t.m, NULL), 7);
    t.m.strong = -1;
    assert_int_equal(ll_preferred_semantic(&t.m, &name), 2);
    assert_string_equal(name, "L_semantic_norm");
}

static void row_n_alone_is_no_run(void **state)
{
    struct made t;
    (void)state;
    blank_rows(&t);
    lead(&t, N, 2, 0.9);
    lead(&t, N + 1, 2, 0.9);
    find(&t, NULL, 0);
    assert_int_equal(t.m.strong, N);
    assert_int_equal(t.m.run2, -1);
    assert_int_equal(t.m.strong_run2, -1);
}

static void logit_gaps(void **state)
{
    struct made t;
    (void)state;
    blank_rows(&t);
    struct ll_reading *r = &t.rows[0].norm;
    lead(&t, 0, 0.75f, 0.5);
    assert_true(ll_answer_logit_gap(r, ANSWER) == 0.75);
    assert_true(isnan(ll_answer_vs_top1_gap(r, ANSWER)));
    assert_true(isnan(ll_answer_logit_gap(r, -1)));
    r->top[0].id = OTHER; /* a tie: rank 1, another id on top */
    assert_true(isnan(ll_answer_logit_gap(r, ANSWER)) && isnan(ll_answer_vs_top1_gap(r, ANSWER)));
    r->answer_rank = 4;
    r->answer_logit = 3;
    assert_true(ll_answer_vs_top1_gap(r, ANSWER) == -2);
    r->n_top = 1;
    r->answer_rank = 1;
    r->top[0].id = ANSWER;
    assert_true(isnan(ll_answer_logit_gap(r, ANSWER))); /* a vocabulary of one: no runner-up */
    r->answer_rank = -1;
    r->p_answer = NAN;
    assert_int_equal(ll_margin_ok(r, V, 0.002), -1);
    t.rows[0].cos_to_answer = NAN;
    const struct ll_lens_cells angles = ll_norm_cells(&t.rows[0]);
    assert_int_equal(ll_geom_crossover(&angles, 0.02), -1);
}

static void copies(void **state)
{
    static const int vocab[] = {3, 4};
    struct made t;
    (void)state;
    blank_rows(&t);
    t.rows[1].copy_strict[1] = 1;                            /* 0.7 */
    t.rows[2].copy_strict[2] = t.rows[2].copy_strict[3] = 1; /* 0.8, 0.9 */
    t.rows[3].copy_strict[0] = 1;
    t.rows[4].copy_soft[2] = 1;
    t.rows[5].copy_soft[0] = 1;
    t.rows[7].raw =
        (struct ll_reading){.is_set = 1, .n_top = 1, .p_top1 = 0.96, .p_top2 = 0.01, .top = {{9, 3}}};
    find(&t, vocab, 2);
    assert_int_equal(t.m.L_copy, 3);
    assert_int_equal(t.m.strict[1], 1);
    assert_int_equal(t.m.soft_first, 4);
    assert_int_equal(t.m.soft_k, 3);
    assert_int_equal(t.m.stability, LL_STABILITY_STABLE);
    assert_int_equal(t.m.norm_only[0], 0);  /* row 7 copies raw, 4 rows from row 3 */
    assert_int_equal(t.m.norm_only[1], -1); /* row 1: nothing within 4 was read raw */
    t.rows[7].raw.top[0].id = 5;            /* not in the prompt */
    find(&t, vocab, 2);
    assert_int_equal(t.m.norm_only[0], 1);
    t.rows[7].raw.top[0].id = 3;
    t.rows[7].raw.p_top2 = 0.9; /* no margin */
    find(&t, vocab, 2);
    assert_int_equal(t.m.norm_only[0], 1);
}

static void stability_classes(void **state)
{
    static const struct {
        int lo, hi;
        enum ll_stability want;
    } cases[] = {{0, 0, LL_STABILITY_STABLE},  {0, 2, LL_STABILITY_STABLE},
                 {1, -1, LL_STABILITY_MIXED},  {1, 4, LL_STABILITY_FRAGILE /* 30 % of 10 */},
                 {0, 7, LL_STABILITY_FRAGILE}, {-1, -1, LL_STABILITY_NONE}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made t;
        blank_rows(&t);
        if (cases[i].lo >= 0)
            t.rows[cases[i].lo].copy_strict[1] = 1;
        if (cases[i].hi >= 0)
            t.rows[cases[i].hi].copy_strict[0] = 1;
        find(&t, NULL, 0);
        if (t.m.stability != cases[i].want)
            fail_msg("%d and %d: %s", cases[i].lo, cases[i].hi, ll_stability_name(t.m.stability));
        t.s.n_layers = 40; /* 3 layers of 40: 7.5 %, neither stable nor fragile */
        find(&t, NULL, 0);
        if (i == 3)
            assert_int_equal(t.m.stability, LL_STABILITY_MIXED);
    }
}

static void confirmed(void **state)
{
    static const struct {
        int raw, tuned, layer;
        const char *source;
    } cases[] = {{4, -1, 6, "raw"},   {8, -1, 6, "raw"},   {9, -1, -1, "none"},
                 {3, -1, -1, "none"}, {-1, 7, 6, "tuned"}, {5, 6, 6, "both"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made t;
        blank_rows(&t);
        lead(&t, 6, 1, 0.5);
        if (cases[i].raw >= 0)
            t.rows[cases[i].raw].raw = (struct ll_reading){.is_set = 1, .answer_rank = 1};
        if (cases[i].tuned >= 0)
            t.rows[cases[i].tuned].tuned = (struct ll_reading){.is_set = 1, .answer_rank = 1};
        find(&t, NULL, 0);
        assert_int_equal(t.m.confirmed, cases[i].layer);
        assert_string_equal(t.m.confirmed_source, cases[i].source);
        assert_int_equal(t.m.confirmed_margin_ok, cases[i].layer);
        assert_int_equal(t.m.L_raw, cases[i].raw);
        assert_int_equal(t.m.L_tuned, cases[i].tuned);
    }
}

static void fractions(void **state)
{
    (void)state;
    assert_true(ll_depth_fraction(25, 32, 3) == 0.781);
    assert_true(ll_depth_fraction(25, 32, 4) == 0.7812); /* 0.78125: half to even */
    assert_true(ll_depth_fraction(0, 32, 3) == 0);
    assert_true(isnan(ll_depth_fraction(-1, 32, 3)));
    assert_true(ll_round_even(24.5, 0) == 24 && ll_round_even(25.5, 0) == 26);
}

/* ---- the original's late run ----------------------------------------------------------------- */
static void same_layer(const char *model, const char *what, int got, const cJSON *facts, const char *path)
{
    int want = late_layer(facts, path);
    if (got != want)
        fail_msg("%s %s: expected %d, found %d", model, what, want, got);
}

static void check_baseline(const char *model, const struct ll_pass_milestones *m, const cJSON *f)
{
    const struct {
        const char *path;
        int got;
    } layers[] = {{"first_kl_below_0.5", m->kl[0]},
                  {"first_kl_below_1.0", m->kl[1]},
                  {"first_rank_le_1", m->rank[0]},
                  {"first_rank_le_5", m->rank[1]},
                  {"first_rank_le_10", m->rank[2]},
                  {"L_copy_strict/0.7", m->strict[1]},
                  {"L_copy_strict/0.8", m->strict[2]},
                  {"L_copy_strict/0.9", m->strict[3]},
                  {"L_copy_strict/0.95", m->strict[0]},
                  {"L_copy_soft@0.5/k1", m->soft[0]},
                  {"L_copy_soft@0.5/k2", m->soft[1]},
                  {"L_copy_soft@0.5/k3", m->soft[2]},
                  {"L_semantic_margin_ok", m->margin_ok},
                  {"L_semantic_run2", m->run2},
                  {"L_semantic_top2_ok", m->top2_ok},
                  {"L_semantic_strong", m->strong},
                  {"L_semantic_strong_run2", m->strong_run2},
                  {"L_surface_to_meaning", m->surface},
                  {"L_geom", m->geom},
                  {"L_topk_decay", m->decay},
                  {"cos_milestones/ge_0.2", m->cos[0]},
                  {"cos_milestones/ge_0.4", m->cos[1]},
                  {"cos_milestones/ge_0.6", m->cos[2]}};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        same_layer(model, layers[i].path, layers[i].got, f, layers[i].path);
    late_same("p25", m->entropy_gap_bits[0], late_at(f, "entropy_gap_bits/p25"), 1e-9);
    late_same("p50", m->entropy_gap_bits[1], late_at(f, "entropy_gap_bits/p50"), 1e-9);
    late_same("p75", m->entropy_gap_bits[2], late_at(f, "entropy_gap_bits/p75"), 1e-9);
}

/* What the document says of its main pass and was not lost in it. */
static void check_stored(const char *model, const struct ll_pass_milestones *m, const cJSON *d)
{
    const struct {
        const char *path;
        int got;
    } layers[] = {{"L_copy", m->L_copy},
                  {"L_copy_H", m->L_copy_H},
                  {"L_semantic", m->L_semantic},
                  {"confirmed_semantics/L_semantic_raw", m->L_raw},
                  {"confirmed_semantics/L_semantic_tuned", m->L_tuned},
                  {"L_semantic_confirmed", m->confirmed},
                  {"semantic_margin/L_semantic_confirmed_margin_ok_norm", m->confirmed_margin_ok}};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        same_layer(model, layers[i].path, layers[i].got, d, layers[i].path);
    assert_string_equal(m->confirmed_source, late_at(d, "confirmed_semantics/confirmed_source")->valuestring);
    assert_int_equal(m->margin_ok_at_semantic,
                     cJSON_IsTrue(late_at(d, "semantic_margin/margin_ok_at_L_semantic_norm")));
    late_same("p_answer_at_L_semantic", m->p_answer_at_semantic,
              late_at(d, "semantic_margin/p_answer_at_L_semantic_norm"), 0);
    late_same("answer_mass_at_L_surface", m->surface_answer_mass, late_at(d, "answer_mass_at_L_surface_norm"),
              0);
    late_same("echo_mass_at_L_surface", m->surface_echo_mass, late_at(d, "echo_mass_at_L_surface_norm"), 0);
    late_same("cos_to_answer_at_L_geom", m->geom_cos_answer, late_at(d, "cos_to_answer_at_L_geom_norm"), 0);
    late_same("cos_to_prompt_max_at_L_geom", m->geom_cos_prompt,
              late_at(d, "cos_to_prompt_max_at_L_geom_norm"), 0);
    late_same("topk_prompt_mass_at_L", m->decay_mass, late_at(d, "topk_prompt_mass_at_L_norm"), 0);
    late_same("L_semantic_frac", ll_depth_fraction(m->L_semantic, m->n_layers, 3),
              late_at(d, "depth_fractions/L_semantic_frac"), 0);
    late_same("first_rank_le_5_frac", ll_depth_fraction(m->rank[1], m->n_layers, 3),
              late_at(d, "depth_fractions/first_rank_le_5_frac"), 0);
    const cJSON *overlaps = late_at(d, "semantic_gate/run2_overlaps_confirmed_window");
    assert_int_equal(m->run2_in_confirmed_window, cJSON_IsNull(overlaps) ? -1 : cJSON_IsTrue(overlaps));
}

/* The same through the tuned lens. */
static void check_tuned(const char *model, const struct ll_pass_stats *s, const cJSON *d)
{
    struct ll_surface o;
    ll_surface_of(&o, s, LL_OF_TUNED, &ll_milestone_rules_default);
    same_layer(model, "tuned surface", o.surface, d, "L_surface_to_meaning_tuned");
    same_layer(model, "tuned geom", o.geom, d, "L_geom_tuned");
    same_layer(model, "tuned decay", o.decay, d, "L_topk_decay_tuned");
    late_same("answer_mass_at_L_surface_tuned", o.answer_mass, late_at(d, "answer_mass_at_L_surface_tuned"),
              0);
    late_same("echo_mass_at_L_surface_tuned", o.echo_mass, late_at(d, "echo_mass_at_L_surface_tuned"), 0);
    late_same("cos_to_answer_at_L_geom_tuned", o.cos_answer, late_at(d, "cos_to_answer_at_L_geom_tuned"), 0);
    late_same("cos_to_prompt_max_at_L_geom_tuned", o.cos_prompt,
              late_at(d, "cos_to_prompt_max_at_L_geom_tuned"), 0);
    late_same("topk_prompt_mass_at_L_tuned", o.decay_mass, late_at(d, "topk_prompt_mass_at_L_tuned"), 0);
}

static void milestones_of(const struct ll_pass_stats *s, struct ll_pass_milestones *m)
{
    struct ll_copy_labels labels;
    double scratch[80];
    copy_labels_default(&labels);
    ll_pass_milestones_find(m, s, &labels, &ll_milestone_rules_default, NULL, 0, scratch);
}

static void check_model(int i, const cJSON *facts)
{
    const char *model = late_models[i].name;
    char path[600];
    struct late_run run;
    struct ll_pass_milestones m, nf;
    if (!late_load(&run, i)) {
        late_free(&run);
        skip();
    }
    assert_int_equal(run.n, LATE_PASSES);
    const cJSON *pure = late_at(facts, "eras/late/pure");
    milestones_of(&late_find(&run, "Germany→Berlin/pos/orig")->s, &m);
    check_baseline(model, &m, late_at(pure, "baseline_late"));
    snprintf(path, sizeof path, LATE_RUNS "/output-%s.json", model);
    cJSON *doc = late_json(path);
    check_stored(model, &m, late_at(doc, "diagnostics"));
    check_tuned(model, &late_find(&run, "Germany→Berlin/pos/orig")->s, late_at(doc, "diagnostics"));
    milestones_of(&late_find(&run, "Germany→Berlin/pos/no_filler")->s, &nf);
    same_layer(model, "no_filler copy", nf.L_copy, pure, "ablation/L_copy_nf");
    same_layer(model, "no_filler semantic", nf.L_semantic, pure, "ablation/L_sem_nf");

    static const char *const keys[] = {"Germany→Berlin", "France→Paris", "Italy→Rome", "Japan→Tokyo",
                                       "Canada→Ottawa"};
    struct ll_fact fact[5];
    struct ll_suite suite;
    double scratch[80];
    for (int k = 0; k < 5; k++) {
        snprintf(path, sizeof path, "%s/pos/orig", keys[k]);
        struct late_pass *p = late_find(&run, path);
        struct ll_pass_milestones mk;
        milestones_of(&p->s, &mk);
        ll_fact_from(&fact[k], &mk, p->first_row, k == 0);
        snprintf(path, sizeof path, "micro_suite/L_semantic/%s", keys[k]);
        same_layer(model, keys[k], mk.L_semantic, pure, path);
        const cJSON *stored = cJSON_GetArrayItem(late_at(doc, "micro_suite/facts"), k);
        same_layer(model, "row_index", (int)fact[k].row_index, stored, "row_index");
        same_layer(model, "L_copy_soft_k1", fact[k].L_copy_soft_k1, stored, "L_copy_soft_k1");
        same_layer(model, "fact L_semantic_confirmed", fact[k].L_confirmed, stored, "L_semantic_confirmed");
        late_same("delta_hat", fact[k].delta_hat, late_at(stored, "delta_hat"), 1e-15);
    }
    ll_suite_of(&suite, fact, 5, scratch);
    late_same("median", suite.L_semantic_median, late_at(pure, "micro_suite/median"), 0);
    same_layer(model, "n_missing", suite.n_missing, pure, "micro_suite/n_missing");
    const cJSON *a = late_at(doc, "micro_suite/aggregates");
    same_layer(model, "L_semantic_norm_median", suite.L_semantic, a, "L_semantic_norm_median");
    same_layer(model, "L_copy_strict_median", suite.L_copy_strict, a, "L_copy_strict_median");
    same_layer(model, "L_copy_soft_k1_median", suite.L_copy_soft_k1, a, "L_copy_soft_k1_median");
    same_layer(model, "L_semantic_confirmed_median", suite.L_confirmed, a, "L_semantic_confirmed_median");
    same_layer(model, "L_semantic_margin_ok_norm_median", suite.L_margin_ok, a,
               "L_semantic_margin_ok_norm_median");
    assert_int_equal(suite.iqr[0], cJSON_GetArrayItem(late_at(a, "L_semantic_norm_iqr"), 0)->valueint);
    assert_int_equal(suite.iqr[1], cJSON_GetArrayItem(late_at(a, "L_semantic_norm_iqr"), 1)->valueint);
    late_same("delta_hat_median", suite.delta_hat, late_at(a, "delta_hat_median"), 0);

    struct ll_control c;
    ll_control_of(&c, &late_find(&run, "/ctl/orig")->s, 0.5);
    same_layer(model, "control margin", c.first_margin, pure, "control/first_control_margin_pos");
    same_layer(model, "control strong", c.first_strong, pure, "control/first_control_strong_pos");
    late_same("max_control_margin", c.max_margin, late_at(pure, "control/max_control_margin"), 1e-9);
    late_same("max_control_top2_logit_gap", c.max_gap, late_at(pure, "control/max_control_top2_logit_gap"),
              0);
    cJSON_Delete(doc);
    late_free(&run);
}

static void late_models_again(void **state)
{
    cJSON *facts = late_json(LL_SHARED_DIR "/data/runs/known-facts.json");
    (void)state;
    if (!facts) {
        print_message("no shared/data/runs\n");
        skip();
    }
    for (int i = 0; i < N_LATE; i++) {
        const cJSON *model = cJSON_GetArrayItem(late_at(facts, "models"), i);
        assert_string_equal(late_at(model, "model")->valuestring, late_models[i].name);
        check_model(i, model);
    }
    cJSON_Delete(facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_holds),
                                       cmocka_unit_test(thresholds_are_inclusive),
                                       cmocka_unit_test(gates),
                                       cmocka_unit_test(row_n_alone_is_no_run),
                                       cmocka_unit_test(logit_gaps),
                                       cmocka_unit_test(copies),
                                       cmocka_unit_test(stability_classes),
                                       cmocka_unit_test(confirmed),
                                       cmocka_unit_test(fractions),
                                       cmocka_unit_test(late_models_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
