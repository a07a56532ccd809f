/* test_drift.c - where two passes part: growth, ties, rounding, statuses, llama.cpp's criteria. */
#include "drift.h"
#include "drift_report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- growth ---------------------------------------------------------------------------------- */

/* The seed's run on 24 layers: its five growth figures; between depths 3 and 22 equal steps from 0.020 to
 * 0.044. */
static void worked_example(void **state)
{
    struct ll_drift_depth d[25] = {0};
    (void)state;
    for (int k = 0; k <= 24; k++)
        d[k].known = 1;
    d[24].c.mae = 3.406;
    d[23].c.mae = 3.406 / 20.187;
    d[22].c.mae = d[23].c.mae / 3.813;
    d[3].c.mae = 0.020;
    for (int k = 4; k < 22; k++)
        d[k].c.mae = 0.020 * pow(d[22].c.mae / 0.020, (k - 3) / 19.0);
    d[2].c.mae = 0.020 / 15.010;
    d[1].c.mae = d[2].c.mae / 1.675;
    ll_drift_growth(d, 24);
    assert_true(fabs(d[23].c.mae - 0.169) < 0.0005
                && fabs(d[22].c.mae - 0.044) < 0.0005); /* the figures the text gives */
    assert_true(d[1].growth == 1 && !d[1].jump);
    assert_true(fabs(d[2].growth - 1.675) < 1e-9 && fabs(d[3].growth - 15.010) < 1e-9
                && fabs(d[23].growth - 3.813) < 1e-9 && fabs(d[24].growth - 20.187) < 1e-9);
    for (int k = 4; k <= 22; k++)
        assert_true(fabs(d[k].growth - 1.0424) < 0.0005 && !d[k].jump); /* 0.0440/0.020 over 19 layers */
    /* the three jumps belong to blocks 2, 22 and 23; 1.675 is above 1.2, too, but no jump */
    struct ll_drift_summary s = ll_drift_summarise(d, 24);
    assert_int_equal(s.n_jumps, 3);
    assert_int_equal(s.n_moderate, 1);
    assert_true(d[3].jump == 2 && d[23].jump == 2 && d[24].jump == 2 && d[2].jump == 1);
    assert_int_equal(s.n_judged, 23);
    assert_true(fabs(s.total_growth - 3.406 / d[1].c.mae) < 1e-6 && s.first == d[1].c.mae && s.last == 3.406);
    /* an average hides a single bad layer: theirs is above 1.2, but without the last two it is not the
     * layers' fault */
    assert_true(fabs(s.mean_growth - (1.675 + 15.010 + 3.813 + 20.187 + 19 * d[10].growth) / 23) < 1e-6);
}

static void floor_and_gaps(void **state)
{
    struct ll_drift_depth d[6] = {0};
    const double mae[] = {0, 1e-8, 5e-7, 9e-6, 1.1e-5, 1};
    (void)state;
    for (int k = 0; k < 6; k++) {
        d[k].known = 1;
        d[k].c.mae = mae[k];
        d[k].floor = 1e-5;
    }
    ll_drift_growth(d, 5);
    for (int k = 1; k < 4; k++)
        assert_true(!d[k].judged && !d[k].jump); /* fifty times, but below the floor */
    assert_true(d[2].growth == 5e-7 / 1e-8);
    assert_true(d[4].judged && !d[4].jump); /* 1.22 times, but hardly out of the floor */
    assert_true(d[5].judged && d[5].jump == 2);
    d[4].known = 0; /* a dump is missing: what follows is not judged */
    ll_drift_growth(d, 5);
    assert_true(!d[5].judged && !d[5].jump && d[5].growth == 0);
    d[4].known = 1;
    d[5].normed = 1; /* after the final norm: another scale */
    ll_drift_growth(d, 5);
    assert_true(!d[5].judged && !d[5].jump);
    d[5].normed = 0;
    d[5].own = 1; /* the layer alone is right: what came in grew */
    d[2].own = 2; /* it is not, however small the error */
    ll_drift_growth(d, 5);
    assert_true(!d[5].judged && !d[5].jump && d[2].judged && d[2].jump == 2);
}

/* What rounding explains: five steps of the type, a random walk over operations. */
static void rounding(void **state)
{
    (void)state;
    assert_true(ll_drift_rounding("bfloat16", 0) == 5.0 / 256 && ll_drift_rounding("float16", 0) == 5.0 / 2048
                && fabs(ll_drift_rounding("float32", 0) / 2.5e-6 - 1) < 1e-12);
    assert_true(ll_drift_rounding("bfloat16", LL_DRIFT_BLOCK_OPS) == 10.0 / 256
                && fabs(ll_drift_rounding("float64", LL_DRIFT_BLOCK_OPS) / 5e-6 - 1) < 1e-12);
    assert_true(ll_drift_tolerance(0, "float32", 500) == 1e-4 && ll_drift_tolerance(0, "float16", 0) == 2e-2
                && ll_drift_tolerance(0, "bfloat16", 12) == 10.0 / 256
                && ll_drift_tolerance(0.5, "text", 9) == 0.5);
    struct ll_drift_depth d = {.own = 1, .has_iso = 1, .iso.mae = 0.3, .c.mae = 0.4, .floor = 0.5};
    assert_string_equal(ll_drift_isolated_status(&d), "rounding");
    assert_string_equal(ll_drift_depth_status(&d), "rounding");
    assert_false(ll_drift_layer_fails(&d));
    d.own = 2;
    d.floor = 0.39;
    assert_string_equal(ll_drift_isolated_status(&d), "bug");
    assert_string_equal(ll_drift_depth_status(&d), "degraded");
    assert_true(ll_drift_layer_fails(&d));
}

/* Every point once, in the order of the pass. */
/* Two best words that change places by less than rounding does: 5 * 2^-11 * sqrt(1 + 12 / 4) of an rms of 4
 * is 0.0195. */
static void ties(void **state)
{
    static const struct {
        float gap;
        const char *dtype;
        int tie;
    } of[] = {{0.01f, "float16", 1},
              {0.03f, "float16", 0},
              {0.03f, "bfloat16", 1},
              {0.2f, "bfloat16", 0},
              {0.01f, "float32", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        const float theirs[] = {4, 4 + of[i].gap}, ours[] = {4 + of[i].gap, 4}, apart[] = {5, 4};
        assert_int_equal(ll_drift_is_tie(theirs, ours, 2, 1, 0, of[i].dtype), of[i].tie);
        assert_false(ll_drift_is_tie(theirs, apart, 2, 1, 0, of[i].dtype));  /* ours holds them far apart */
        assert_false(ll_drift_is_tie(theirs, theirs, 2, 1, 1, of[i].dtype)); /* the same word is no tie */
    }
}

static void order_of_points(void **state)
{
    struct ll_model m = {.n_layers = 2};
    int hook = -1, layer = 7, n = 0, was = -1, layered = 0;
    (void)state;
    for (int h = 0; h < LL_N_HOOKS; h++)
        layered += ll_hook_info((enum ll_hook)h)->per_layer != 0;
    for (; ll_drift_next(&m, &hook, &layer); n++) {
        int per_layer = ll_hook_info((enum ll_hook)hook)->per_layer,
            place = per_layer       ? (layer + 1) * LL_N_HOOKS + hook
            : hook == LL_HOOK_EMBED ? 0
                                    : 3 * LL_N_HOOKS + hook;
        assert_true(per_layer ? layer >= 0 && layer < 2 : layer == -1);
        assert_true(place > was);
        was = place;
    }
    assert_int_equal(n, LL_N_HOOKS + layered); /* each once, those of a block twice */
}

/* Where rounding explains nothing. */
static const char *depth_status(double mae)
{
    const struct ll_drift_depth d = {.c.mae = mae};
    return ll_drift_depth_status(&d);
}
static const char *layer_status(double mae)
{
    const struct ll_drift_depth d = {.iso.mae = mae, .own = 2};
    return ll_drift_isolated_status(&d);
}

static void statuses(void **state)
{
    (void)state;
    assert_string_equal(depth_status(0.00099), "excellent");
    assert_string_equal(depth_status(0.001), "good");
    assert_string_equal(depth_status(0.01), "acceptable");
    assert_string_equal(depth_status(0.1), "degraded");
    assert_string_equal(depth_status(1), "poor");
    assert_string_equal(depth_status(NAN), "poor");
    assert_string_equal(layer_status(0.0009), "excellent");
    assert_string_equal(layer_status(0.009), "good");
    assert_string_equal(layer_status(0.09), "warning");
    assert_string_equal(layer_status(0.1), "bug");
}

/* std of the reference 0.33 -> 26.6 is 80.6 times, 55.7 -> 1.9 a 29.3th. */
static void anomalies(void **state)
{
    struct ll_drift_depth d[5] = {0};
    const double std[] = {1, 0.33, 26.6, 55.7, 1.9};
    (void)state;
    for (int k = 0; k < 5; k++) {
        const float two[] = {(float)-std[k], (float)std[k]};
        d[k].known = 1;
        ll_tensor_stats_init(&d[k].c.ref);
        ll_tensor_stats_add(&d[k].c.ref, two, 2);
    }
    ll_drift_growth(d, 4);
    assert_true(fabs(d[2].std_ratio - 80.6) < 0.05 && d[2].std_ratio >= LL_DRIFT_ANOMALY);
    assert_true(fabs(1 / d[4].std_ratio - 29.3) < 0.05 && d[4].std_ratio <= 1 / LL_DRIFT_ANOMALY);
    assert_true(d[3].std_ratio < LL_DRIFT_ANOMALY);
}

/* ---- errors of one point --------------------------------------------------------------------- */

static void figures(void **state)
{
    float a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 2, 3, 4, 5, 2}, c[] = {1, 2, 3, 4, 5, NAN};
    struct ll_actv ours = {.x = a, .rows = 2, .width = 3, .bad_at = -1},
                   ref = {.x = b, .rows = 2, .width = 3, .bad_at = -1};
    struct ll_cmp e;
    struct ll_err err = {0};
    (void)state;
    assert_int_equal(ll_compare(&e, &ours, &ref, 0, NULL, &err), LL_OK);
    assert_true(e.n == 6 && fabs(e.mae - 4.0 / 6) < 1e-15 && fabs(e.rmse - sqrt(16.0 / 6)) < 1e-15
                && e.max == 4 && e.max_row == 1 && e.max_col == 2);
    assert_true(fabs(e.rel - 4 / sqrt(59)) < 1e-15
                && fabs(e.mae_rel - 4.0 / 17) < 1e-15); /* 1+4+9+16+25+4; 1+2+3+4+5+2 */
    assert_true(fabs(e.cosine - 67 / sqrt(91.0 * 59)) < 1e-15 && e.top3 == 1 && e.top_dim[0] == 2);
    unsigned char rows[] = {0, 0}, cols[] = {0, 0, 1};
    assert_int_equal(ll_compare(&e, &ours, &ref, 0, &(struct ll_cmp_mask){rows, cols}, &err), LL_OK);
    assert_true(e.n == 4 && e.mae == 0 && e.cosine > 1 - 1e-15);
    ref.x = c;
    assert_int_equal(ll_compare(&e, &ours, &ref, 0, NULL, &err), LL_OK);
    assert_true(e.n == 5 && e.n_bad == 1 && e.mae == 0); /* counted, not hidden */
    ref.width = 2;
    assert_int_equal(ll_compare(&e, &ours, &ref, 0, NULL, &err), LL_EUSAGE);
}

/* llama.cpp's criteria: rms within 1 % and cosine above 0.999; stored in blocks 5 % and 0.99. Equal rms is
 * not equal values. */
static void nodes_of_llama(void **state)
{
    static const struct {
        double scale, cosine;
        int plain, blocks;
    } cases[] = {{1.009, 1, 1, 1},  {1.011, 1, 0, 1}, {0.951, 1, 0, 1}, {1.051, 1, 0, 0},
                 {1, 0.9985, 0, 1}, {1, 0.98, 0, 0},  {1, 0.9995, 1, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ll_drift_point p = {.running.cosine = cases[i].cosine};
        float a[] = {3, -4}, b[] = {(float)(3 * cases[i].scale), (float)(-4 * cases[i].scale)};
        ll_tensor_stats_init(&p.running.ours);
        ll_tensor_stats_init(&p.running.ref);
        ll_tensor_stats_add(&p.running.ref, a, 2);
        ll_tensor_stats_add(&p.running.ours, b, 2);
        struct ll_node_check c = ll_drift_node(&(struct ll_drift_report){.quantised = 0}, &p),
                             q = ll_drift_node(&(struct ll_drift_report){.quantised = 1}, &p);
        if (c.good != cases[i].plain || q.good != cases[i].blocks
            || fabs(c.rms_percent - 100 * (cases[i].scale - 1)) > 1e-4)
            fail_msg("case %d: %d %d %g %%", (int)i, c.good, q.good, c.rms_percent);
    }
}

/* Of two nodes only sums are known: that of all values, and that of the last row alone. */
static void nodes_known_by_their_sum(void **state)
{
    float x[] = {1, 2, -3, 5};
    const struct ll_model m = {.n_layers = 0};
    struct ll_acts ref;
    struct ll_drift d = {.m = &m, .ref = &ref};
    const struct ll_drift_report r = {.d = &d};
    struct ll_sum_check s;
    struct ll_err err = {0};
    int hook = -1, layer = -1;
    (void)state;
    assert_int_equal(ll_acts_init(&ref, 0, 2, &err), LL_OK);
    assert_int_equal(ll_acts_init(&d.ours, 0, 2, &err), LL_OK);
    static const int at[2] = {LL_HOOK_EMBED, LL_HOOK_LOGITS};
    for (int i = 0; i < 2; i++)
        *ll_acts_at(&d.ours, at[i], -1) = (struct ll_actv){.x = x, .rows = 2, .width = 2, .bad_at = -1};
    *ll_acts_at(&ref, at[0], -1) = (struct ll_actv){.has_sum = 1, .sum = 5, .sum_n = 4};
    *ll_acts_at(&ref, at[1], -1) = (struct ll_actv){.has_sum = 1, .sum = 2.1, .sum_n = 2};
    assert_int_equal(ll_drift_next_sum(&r, &hook, &layer, &s), 1);
    assert_int_equal(hook, at[0]);
    assert_true(s.good && s.ours == 5 && s.percent == 0);
    assert_int_equal(ll_drift_next_sum(&r, &hook, &layer, &s), 1);
    assert_int_equal(hook, at[1]);
    assert_true(!s.good && s.ours == 2 && fabs(s.percent - 100 * 0.1 / 8) < 1e-9);
    assert_int_equal(ll_drift_next_sum(&r, &hook, &layer, &s), 0);
    for (int i = 0; i < 2; i++)
        ll_acts_at(&d.ours, at[i], -1)->x = NULL; /* not owned */
    ll_acts_free(&ref);
    ll_acts_free(&d.ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_example),  cmocka_unit_test(floor_and_gaps),
        cmocka_unit_test(rounding),        cmocka_unit_test(ties),
        cmocka_unit_test(order_of_points), cmocka_unit_test(statuses),
        cmocka_unit_test(anomalies),       cmocka_unit_test(figures),
        cmocka_unit_test(nodes_of_llama),  cmocka_unit_test(nodes_known_by_their_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
