/* test_derive.c - what the document derives from made rows and facts, with known answers */
#include "copy_labels.h"
#include "unit/base/files.h"

#include "doc.h"

#include <math.h>

enum { N = 10, ROWS = N + 1, PASSES = 3, V = 100 };

/* A main pass, its wording without the filler, and a control: copies at rows 2 and 4, the answer from row 6
 * on, two rows earlier without the filler. */
struct made {
    struct ll_row_stats rows[ROWS];
    struct ll_pass_stats stats;
    struct ll_doc_pass passes[PASSES];
    struct ll_copy_labels labels;
    struct ll_milestone_rules rules;
    struct ll_model_info model;
    char places[ROWS][LL_NORM_PLACE];
    struct ll_doc_setup set;
    struct ll_pass_checks checks;
    struct ll_doc_forward forward;
    struct ll_doc_swept swept;
    struct ll_doc_raw_row window[3];
    int ranks[2 * ROWS];
    double scratch[ROWS];
    struct ll_doc_given g;
    struct ll_fact facts[PASSES];
    const struct ll_doc_pass *fact_passes[PASSES];
    struct ll_doc_place layer_places[ROWS];
    int flagged[ROWS];
};

static void make_pass(struct made *t, int i, const char *id, const char *variant, const char *fact,
                      int L_semantic)
{
    struct ll_doc_pass *p = &t->passes[i];
    *p = (struct ll_doc_pass){.fact_key = (char *)(uintptr_t)fact,
                              .prompt_id = (char *)(uintptr_t)id,
                              .variant = (char *)(uintptr_t)variant,
                              .fact_index = fact ? 0 : -1,
                              .n_ids = 21,
                              .first_row = (long long)i * ROWS,
                              .alignment = {1, 1, "ok"},
                              .is_control = !fact};
    ll_pass_milestones_find(&p->m, &t->stats, &t->labels, &t->rules, NULL, 0, t->scratch);
    p->m.L_semantic = L_semantic;
}

static void make(struct made *t)
{
    memset(t, 0, sizeof *t);
    copy_labels_default(&t->labels); /* strict 0.95, 0.7, 0.8, 0.9; soft k 1, 2, 3 at 0.5 */
    t->rules = ll_milestone_rules_default;
    t->stats = (struct ll_pass_stats){
        .n_layers = N, .d_vocab = V, .answer_id = 7, .control_id = -1, .n_rows = ROWS, .rows = t->rows};
    for (int l = 0; l < ROWS; l++) {
        struct ll_row_stats *r = &t->rows[l];
        r->norm = (struct ll_reading){.is_set = 1, .n_top = 2, .answer_rank = l < 6 ? 9 : 1, .p_answer = 0.5};
        r->is_answer = l >= 6;
        r->copy_strict[0] = l == 4; /* 0.95 */
        r->copy_strict[1] = l >= 2; /* 0.7 */
        r->copy_soft[0] = l >= 3;   /* k 1 */
        snprintf(t->places[l], sizeof t->places[l], "%s", l == N ? "ln_final" : l ? "blocks[0].ln2" : "raw");
    }
    make_pass(t, 0, "pos", "orig", "A→B", 6);
    make_pass(t, 1, "pos", "no_filler", "A→B", 4);
    make_pass(t, 2, "ctl", "orig", NULL, -1);
    t->model = (struct ll_model_info){.clean = "m", .stem = "m-2", .architecture = "pre_norm", .n_layers = N};
    t->set = (struct ll_doc_setup){.model = &t->model,
                                   .norm_places = (const char(*)[LL_NORM_PLACE])t->places,
                                   .labels = &t->labels,
                                   .raw = LL_RAW_SAMPLE};
    t->g = (struct ll_doc_given){.set = &t->set,
                                 .passes = t->passes,
                                 .n_passes = PASSES,
                                 .main = &t->stats,
                                 .rules = &t->rules,
                                 .checks = &t->checks,
                                 .forward = &t->forward,
                                 .swept = &t->swept,
                                 .scratch = t->scratch};
}

static void milestones(void **state)
{
    static const double taus[] = {0.7, 0.8, 0.9, 0.95};
    struct made t;
    struct ll_doc_milestones m;
    (void)state;
    make(&t);
    ll_doc_milestones_of(&m, &t.g, 0);
    assert_int_equal(m.delta_strict, 2); /* 6 - 4 */
    assert_int_equal(m.n_strict, 4);
    for (int i = 0; i < 4; i++)
        assert_true(m.strict[i].threshold == taus[i]);
    assert_int_equal(m.strict[0].layer, 2);
    assert_int_equal(m.strict[3].layer, 4);
    assert_true(m.strict[3].fraction == 0.4 && isnan(m.strict[1].fraction));
    assert_int_equal(m.n_soft, 3);
    assert_true(m.soft[0].k == 1 && m.soft[0].layer == 3 && m.soft[0].delta == 3
                && m.soft[0].fraction == 0.3);
    assert_int_equal(m.soft[1].delta, LL_NO_DELTA);
    assert_true(m.L_semantic_frac == 0.6 && m.p_uniform == 0.01);
    t.passes[0].m.margin_ok_at_semantic = 0;
    ll_doc_milestones_of(&m, &t.g, 0);
    assert_int_equal(m.is_near_uniform, 1);
    t.passes[0].m.L_semantic = -1;
    ll_doc_milestones_of(&m, &t.g, 0);
    assert_int_equal(m.is_near_uniform, 0);
    assert_int_equal(m.delta_strict, LL_NO_DELTA);
}

static void suite(void **state)
{
    struct made t;
    struct ll_doc_suite s;
    (void)state;
    make(&t);
    ll_doc_suite_of(&s, &t.g, t.facts, t.fact_passes);
    assert_int_equal(s.n, 1); /* the other wording and the control are no facts of it */
    assert_ptr_equal(s.fact_passes[0], &t.passes[0]);
    assert_int_equal(s.ablation.delta_semantic, -2);
    assert_int_equal(s.ablation.style_sensitive, 1); /* two of ten layers */
    assert_ptr_equal(s.control, &t.passes[2]);
    assert_true(s.alignment_rate == 1);
    t.passes[1].alignment.ok = 0;
    t.passes[2].alignment = (struct ll_doc_alignment){0, 0, "none"};
    t.passes[1].m.L_semantic = -1;
    ll_doc_suite_of(&s, &t.g, t.facts, t.fact_passes);
    assert_true(s.alignment_rate == 0.5);
    assert_int_equal(s.ablation.delta_semantic, LL_NO_DELTA);
    assert_int_equal(s.ablation.style_sensitive, -1);
}

static void raw_window(void **state)
{
    struct made t;
    struct ll_doc_raw r;
    (void)state;
    make(&t);
    const struct ll_doc_pass *sampled = &t.passes[0];
    ll_doc_raw_of(&r, &t.g, &sampled, 1);
    assert_true(isnan(r.max_kl_window) && !r.is_full && !r.has_norm_only);
    t.passes[0].window = t.window;
    t.passes[0].n_window = 3;
    t.window[0].kl_bits = 0.5;
    t.window[1].kl_bits = 2;
    t.window[2] = (struct ll_doc_raw_row){.kl_bits = 1, .norm_only = 1};
    ll_doc_raw_of(&r, &t.g, &sampled, 1);
    assert_true(r.max_kl_window == 2 && r.has_norm_only);
}

static void trust(void **state)
{
    struct made t;
    struct ll_doc_trust f;
    (void)state;
    make(&t);
    t.rows[3].n_nan = 1;
    t.rows[8].n_inf = 2;
    ll_doc_trust_of(&f, &t.g, t.flagged);
    assert_true(!f.warn_last && f.is_repeatable);
    assert_int_equal(f.health.n_flagged, 2);
    assert_true(f.flagged[0] == 3 && f.flagged[1] == 8);
    assert_string_equal(f.forward_mode, "skipped_deterministic"); /* auto */
    assert_string_equal(f.forward_skipped, "deterministic_env");
    assert_int_equal(f.forward_delta, LL_NO_DELTA);
    t.checks.last.kl_to_final_bits = 0.25; /* the threshold itself warns */
    t.checks.repeat.max_rank_dev = 5;
    ll_doc_trust_of(&f, &t.g, t.flagged);
    assert_true(f.warn_last && f.is_repeatable);
    t.checks.repeat.top1_flip_rate = 0.03;
    t.forward = (struct ll_doc_forward){.is_run = 1, .layer = 9};
    t.set.repeat = LL_REPEAT_ALWAYS;
    ll_doc_trust_of(&f, &t.g, t.flagged);
    assert_false(f.is_repeatable);
    assert_string_equal(f.forward_mode, "always");
    assert_null(f.forward_skipped);
    assert_int_equal(f.forward_delta, 9 - f.first_layer);
}

static void second_pass(void **state)
{
    struct made t, other;
    struct ll_doc_forward f;
    (void)state;
    make(&t);
    make(&other);
    for (int l = 0; l < ROWS; l++)
        t.rows[l].norm.top[0].id = other.rows[l].norm.top[0].id = l;
    const struct ll_doc_run first = {&t.stats, &t.passes[0].m}, second = {&other.stats, &other.passes[0].m};
    ll_doc_forward_of(&f, first, second);
    assert_true(f.is_equal && f.agrees && f.jaccard10 == 1);
    other.rows[1].norm.lse = 1e-12; /* a bit is enough */
    ll_doc_forward_of(&f, first, second);
    assert_true(!f.is_equal && f.agrees);
    int layer = ll_preferred_semantic(&t.passes[0].m, NULL);
    other.rows[layer].norm.n_top = 1;
    other.rows[layer].norm.top[0].id = 77;
    ll_doc_forward_of(&f, first, second);
    assert_true(f.jaccard10 == 0 && !f.agrees);
}

static void positions(void **state)
{
    struct made t;
    struct ll_doc_positions p;
    (void)state;
    make(&t);
    ll_doc_positions_of(&p, &t.g);
    assert_true(isnan(p.rank1) && p.is_fragile == -1 && p.n == 7); /* 21 ids: 0.98 is 1.00's position */
    t.swept = (struct ll_doc_swept){.n = 2, .at = {{0.2, 4}, {1, 20}}, .target = {5, -1}, .rank = t.ranks};
    t.ranks[6] = 1;
    t.ranks[ROWS + 6] = 1; /* no target there: does not count */
    ll_doc_positions_of(&p, &t.g);
    assert_true(p.rank1 == 1 && p.is_fragile == 0);
    assert_true(p.at_semantic[0] == 1 && p.at_semantic[1] == -1);
    t.ranks[6] = 2;
    ll_doc_positions_of(&p, &t.g);
    assert_true(p.rank1 == 0 && p.is_fragile == 1);
}

static void lens(void **state)
{
    struct made t;
    struct ll_doc_lens l;
    (void)state;
    make(&t);
    ll_doc_lens_of(&l, &t.g, 0, t.layer_places);
    assert_string_equal(l.places[0].block, "blocks[0]");
    assert_string_equal(l.places[4].block, "blocks[3]");
    assert_string_equal(l.places[N].stream, "unembed_head");
    assert_true(!l.places[0].has_norm && l.places[1].has_norm);
    assert_int_equal(l.is_consistent, -1);
    t.passes[0].m.strong = t.passes[0].m.strong_run2 = -1;
    t.checks.n_points = 2;
    t.checks.point_names[0] = "first_rank_le_5";
    t.checks.points[0] = (struct ll_decoding_point){.row = 5,
                                                    .ln1 = {.answer_rank = 1},
                                                    .ln2 = {.answer_rank = 1},
                                                    .jaccard10 = 0.1};
    t.checks.point_names[1] = "L_semantic_norm";
    t.checks.points[1] = (struct ll_decoding_point){.row = 6,
                                                    .ln1 = {.answer_rank = 1},
                                                    .ln2 = {.answer_rank = 1},
                                                    .jaccard10 = 0.5};
    ll_doc_lens_of(&l, &t.g, 0, t.layer_places);
    assert_true(l.preferred == 1 && l.is_consistent == 1); /* only the preferred one's lists count */
    t.checks.points[0].ln2.answer_rank = 4;
    ll_doc_lens_of(&l, &t.g, 0, t.layer_places);
    assert_true(l.is_consistent == 0 && l.points[0].delta_rank == 3);
    t.checks.points[0].ln1.answer_rank = -1;
    ll_doc_lens_of(&l, &t.g, 0, t.layer_places);
    assert_int_equal(l.points[0].delta_rank, LL_NO_DELTA);
}

static void copy_rules(void **state)
{
    struct ll_copy_labels l;
    struct ll_doc_copy c;
    (void)state;
    copy_labels_default(&l);
    l.n_soft = 6;
    for (int i = 0; i < 3; i++) {
        l.soft[3 + i].k = i + 1;
        l.soft[3 + i].threshold = i < 2 ? 0.3 : 0.4;
    }
    ll_doc_copy_of(&c, &l, NULL);
    assert_int_equal(c.n_names, 10);
    assert_string_equal(c.names[0], "copy_strict@0.95");
    assert_true(c.n_ks == 3 && c.n_extra == 2 && c.extra[0] == 0.3 && c.extra[1] == 0.4);
    l.n_soft = 0;
    ll_doc_copy_of(&c, &l, NULL);
    assert_true(isnan(c.soft) && c.n_ks == 0);
}

static void tuned(void **state)
{
    struct made t;
    struct ll_doc_tuned d;
    struct ll_doc_tuned_given given = {.is_asked = 1, .mode = LL_TUNED_OFF};
    (void)state;
    make(&t);
    ll_doc_tuned_of(&d, &t.g, NULL);
    assert_string_equal(d.status, "missing");
    ll_doc_tuned_of(&d, &t.g, &given);
    assert_string_equal(d.status, "disabled");
    given = (struct ll_doc_tuned_given){.is_asked = 1,
                                        .is_loaded = 1,
                                        .mode = LL_TUNED_AUTO,
                                        .audit.tuned = {0, 0.2}};
    for (int l = 0; l < N; l++) {
        t.rows[l].norm.kl_to_final_bits = 3;
        t.rows[l].tuned =
            (struct ll_reading){.is_set = 1, .answer_rank = l < 4 ? 9 : 1, .kl_to_final_bits = 0.5};
    }
    ll_doc_tuned_of(&d, &t.g, &given);
    assert_string_equal(d.status, "loaded");
    assert_int_equal(d.rank_delta[0], -2); /* the answer two rows earlier */
    assert_true(d.kl_gain[1] == 2.5 && d.gain_p50 == 2.5);
    assert_int_equal(d.first_kl_delta, -N);
    assert_null(d.hint); /* 0.2 bits are not more than 0.2 */
}

static int applies(const struct ll_doc_figures *f, const char *name)
{
    for (int i = 0; i < LL_N_REASONS; i++)
        if (!strcmp(ll_doc_reason(i).name, name))
            return f->guide.applies[i];
    fail_msg("no reason %s", name);
    return 0;
}

static void guide(void **state)
{
    struct made t;
    struct ll_doc_figures f = {.copy.mask = (void *)&f,
                               .trust = {.is_repeatable = 1,
                                         .least_gate = NAN,
                                         .trajectory.shape = LL_SHAPE_PLATEAU},
                               .lens.is_consistent = -1,
                               .suite.alignment_rate = 1,
                               .positions.is_fragile = -1,
                               .tuned.gain_p50 = NAN};
    struct ll_err err = {0};
    (void)state;
    make(&t);
    OK(ll_doc_guide_of(&f, &t.g, &err), &err);
    assert_int_equal(f.guide.needs_care, 0); /* what is not known is no reason */
    assert_string_equal(f.guide.lens, "norm");
    assert_string_equal(f.guide.files.pure.s, "output-m-2-pure-next-token.csv");
    assert_int_equal(f.guide.files.rawlens.len, 0);
    assert_int_equal(f.guide.semantic_row, 6);
    assert_int_equal(f.guide.confirmed_row, -1);
    ll_doc_guide_free(&f.guide);
    f.trust.least_gate = 0.5;
    f.lens.is_consistent = 0;
    f.tuned.gain_p50 = 0.3;
    f.copy.mask = NULL;
    OK(ll_doc_guide_of(&f, &t.g, &err), &err);
    assert_true(applies(&f, "scale_sensitive_semantic_gate") && applies(&f, "decoding_point_sensitive")
                && applies(&f, "copy_mask_missing") && !applies(&f, "pos_window_low_stability"));
    assert_string_equal(f.guide.lens, "tuned");
    ll_doc_guide_free(&f.guide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(milestones),  cmocka_unit_test(suite),
                                       cmocka_unit_test(raw_window),  cmocka_unit_test(trust),
                                       cmocka_unit_test(second_pass), cmocka_unit_test(positions),
                                       cmocka_unit_test(lens),        cmocka_unit_test(copy_rules),
                                       cmocka_unit_test(tuned),       cmocka_unit_test(guide)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
