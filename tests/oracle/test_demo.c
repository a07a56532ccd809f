/* test_demo.c - the bundled demo models, from text to lens rows, against
 * experiments/demo_models/expected.json, which transformers computed in float32. Runs anywhere: nothing
 * outside the repository is needed. */
#include "map.h"
#include "settings.h"
#include "sweep.h"
#include "token.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above */
#include <cmocka.h>

#define DEMO LL_SOURCE_DIR "/experiments/demo_models/"

struct check {
    const struct ll_settings *s;
    const char *model, *prompt;
    double worst_bits, worst_p;
    int rows;
};

static double num(const struct check *c, const char *what, int row, int k)
{
    char path[128];
    int n = snprintf(path, sizeof path, "%s.%s.rows.%d.%s", c->model, c->prompt, row, what);
    if (k >= 0)
        snprintf(path + n, sizeof path - (size_t)n, ".%d", k);
    double v = ll_settings_num(c->s, path, NAN);
    if (isnan(v))
        fail_msg("expected.json: %s is missing", path);
    return v;
}

static int on_result(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct check *c = arg;
    (void)err;
    for (int l = 0; l < r->n_rows; l++) {
        const struct ll_head_out *o = &r->rows[l];
        c->worst_bits = fmax(c->worst_bits, fabs(o->entropy_bits - num(c, "entropy_bits", l, -1)));
        for (int k = 0; k < 5; k++) {
            double p = ll_head_p(o, o->top[k].v), want = num(c, "top5_p", l, k);
            c->worst_p = fmax(c->worst_p, fabs(p - want));
            /* a swap of neighbours is fine only within the tolerance of the probabilities */
            if (o->top[k].id != (int)num(c, "top5_ids", l, k))
                assert_true((k > 0 && fabs(want - num(c, "top5_p", l, k - 1)) < 4e-5)
                            || (k < 4 && fabs(want - num(c, "top5_p", l, k + 1)) < 4e-5) || k == 4);
        }
        c->rows++;
    }
    return LL_OK;
}

static void check_prompt(const char *model, const char *prompt, const struct ll_settings *s)
{
    struct ll_model *m;
    struct ll_engine *eng;
    struct ll_tokenizer *tok;
    struct ll_err err = {0};
    struct ll_ids ids = {0};
    struct check c = {.s = s, .model = model, .prompt = prompt};
    char path[256];
    snprintf(path, sizeof path, DEMO "%s", model);
    if (ll_model_open(&m, path, &err) || ll_engine_init(&eng, 2, &err) || ll_tokenizer_open(&tok, path, &err))
        fail_msg("%s", err.msg);
    snprintf(path, sizeof path, "%s.%s.prompt", model, prompt);
    const char *text = ll_settings_str(s, path, NULL);
    assert_non_null(text);
    assert_int_equal(ll_tokenizer_encode(tok, text, strlen(text), LL_ENC_BOS, &ids, &err), LL_OK);
    snprintf(path, sizeof path, "%s.%s.ids", model, prompt);
    assert_int_equal(ids.n, ll_settings_len(s, path));
    for (int i = 0; i < ids.n; i++) {
        snprintf(path, sizeof path, "%s.%s.ids.%d", model, prompt, i);
        assert_int_equal(ids.v[i], ll_settings_int(s, path, -1));
    }
    struct ll_sweep_prompt p = {.ids = ids.v, .n_ids = ids.n, .want = LL_SWEEP_LAST};
    struct ll_sweep sweep = {.model = m,
                             .engine = eng,
                             .k = 5,
                             .prompts = &p,
                             .n_prompts = 1,
                             .result = on_result,
                             .result_arg = &c};
    if (ll_sweep_run(&sweep, &err))
        fail_msg("%s", err.msg);
    printf("%s %s: %d rows, worst entropy %.2g bits, worst probability %.2g\n", model, prompt, c.rows,
           c.worst_bits, c.worst_p);
    assert_int_equal(c.rows, m->n_layers + 1);
    assert_true(c.worst_bits < 7e-5); /* tolerances of the reference models (../shared/oracle/README.md) */
    assert_true(c.worst_p < 2e-5);
    ll_ids_free(&ids);
    ll_tokenizer_close(tok);
    ll_engine_free(eng);
    ll_model_close(m);
}

static void demo_models(void **state)
{
    struct ll_settings *s;
    struct ll_err err = {0};
    (void)state;
    if (ll_settings_read(&s, DEMO "expected.json", &err))
        fail_msg("%s", err.msg);
    int n = 0;
    for (int i = 0; i < ll_settings_len(s, ""); i++) {
        const char *model = ll_settings_key(s, "", i);
        for (int k = 0; k < ll_settings_len(s, model); k++, n++)
            check_prompt(model, ll_settings_key(s, model, k), s);
    }
    assert_int_equal(n, 4); /* two models, main prompt and control */
    ll_settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(demo_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
