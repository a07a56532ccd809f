/* test_real.c - the real model that experiments/fetch_real_model.sh fetches (SmolLM2-135M-Instruct, GGUF,
 * Q4_1 and Q8_0): token ids, and what every layer says, against transformers in float64 over the same
 * weights. Two tables: tests/fixtures/real/expected.json (the last position of each prompt) and, where the
 * folder is there,
 * ../shared/real/smollm2 (every position). Skipped with a word when the model was not fetched. */
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
#include <unistd.h>
/* cmocka needs the headers above */
#include <cmocka.h>

#define MODEL LL_SOURCE_DIR "/build/real/SmolLM2-135M-Instruct.Q4_1.gguf"
#define OWN_TABLE LL_SOURCE_DIR "/tests/fixtures/real/expected.json"
#define SHARED_TABLE LL_SHARED_DIR "/real/smollm2/expected.json"

/* Noise of a float32 pass against float64: entropies seen within 2.8e-5 bits, probabilities within 3.5e-6. A
 * KL carries the error of the output's smallest log-probabilities, so it also gets a share of its own size
 * (seen: 2e-6 of 30 bits). */
enum { N_BEST = 5 };
static const double BITS = 5e-5, KL_RELATIVE = 5e-6, P = 1e-5;

static struct {
    struct ll_model *model;
    struct ll_engine *engine;
    struct ll_tokenizer *tok;
} real;

struct check {
    const struct ll_settings *table;
    int prompt;
    double worst_bits, worst_kl, worst_p;
    int n_rows;
};

static double number(const struct check *c, int row, const char *what, double fallback)
{
    char path[96];
    snprintf(path, sizeof path, "%d.rows.%d.%s", c->prompt, row, what);
    double v = ll_settings_num(c->table, path, fallback);
    if (isnan(v))
        fail_msg("expected.json: %s is missing", path);
    return v;
}

/* The five best, in order: neighbours may change places only where their probabilities are as close as the
 * tolerance. */
static void check_best(struct check *c, int row, const struct ll_head_out *o)
{
    double want[N_BEST];
    int ids[N_BEST];
    for (int k = 0; k < N_BEST; k++) {
        char what[24];
        snprintf(what, sizeof what, "top_p.%d", k);
        want[k] = number(c, row, what, NAN);
        snprintf(what, sizeof what, "top_ids.%d", k);
        ids[k] = (int)number(c, row, what, NAN);
        c->worst_p = fmax(c->worst_p, fabs(ll_head_p(o, o->top[k].v) - want[k]));
    }
    for (int k = 0; k < N_BEST; k++) {
        int close_above = k > 0 && want[k - 1] - want[k] < 2 * P;
        int close_below = k == N_BEST - 1 || want[k] - want[k + 1] < 2 * P;
        if (o->top[k].id != ids[k] && !close_above && !close_below)
            fail_msg("prompt %d, row %d: rank %d is id %d, expected %d", c->prompt, row, k + 1, o->top[k].id,
                     ids[k]);
    }
}

static int on_result(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct check *c = arg;
    char path[32];
    (void)err;
    snprintf(path, sizeof path, "%d.rows", c->prompt);
    for (int i = 0; i < ll_settings_len(c->table, path); i++, c->n_rows++) {
        int layer = (int)number(c, i, "layer", i), pos = (int)number(c, i, "pos", r->n_pos - 1);
        const struct ll_head_out *o = &r->rows[layer * r->n_pos + pos];
        double kl = number(c, i, "kl_to_final_bits", NAN);
        c->worst_bits = fmax(c->worst_bits, fabs(o->entropy_bits - number(c, i, "entropy_bits", NAN)));
        c->worst_kl = fmax(c->worst_kl, fabs(o->kl_to_final_bits - kl) / (BITS + KL_RELATIVE * kl));
        check_best(c, i, o);
    }
    return LL_OK;
}

static void check_ids(const struct ll_settings *table, int prompt, struct ll_ids *ids)
{
    struct ll_err err = {0};
    char path[64];
    snprintf(path, sizeof path, "%d.prompt", prompt);
    const char *text = ll_settings_str(table, path, NULL);
    assert_non_null(text);
    assert_int_equal(ll_tokenizer_encode(real.tok, text, strlen(text), LL_ENC_BOS, ids, &err), LL_OK);
    snprintf(path, sizeof path, "%d.ids", prompt);
    assert_int_equal(ids->n, ll_settings_len(table, path));
    for (int i = 0; i < ids->n; i++) {
        snprintf(path, sizeof path, "%d.ids.%d", prompt, i);
        assert_int_equal(ids->v[i], ll_settings_int(table, path, -1));
    }
}

static void check_table(const char *path, int n_prompts, int rows_a_prompt_min)
{
    struct ll_settings *table;
    struct ll_err err = {0};
    if (ll_settings_read(&table, path, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(ll_settings_len(table, ""), n_prompts);
    for (int i = 0; i < n_prompts; i++) {
        struct ll_ids ids = {0};
        struct check c = {.table = table, .prompt = i};
        check_ids(table, i, &ids);
        struct ll_sweep_prompt p = {.ids = ids.v, .n_ids = ids.n, .want = LL_SWEEP_ALL};
        struct ll_sweep sweep = {.model = real.model,
                                 .engine = real.engine,
                                 .k = N_BEST,
                                 .prompts = &p,
                                 .n_prompts = 1,
                                 .result = on_result,
                                 .result_arg = &c};
        if (ll_sweep_run(&sweep, &err))
            fail_msg("%s", err.msg);
        printf("prompt %d: %d rows, worst entropy %.2g bits, KL %.2g of its tolerance, probability %.2g\n", i,
               c.n_rows, c.worst_bits, c.worst_kl, c.worst_p);
        assert_true(c.n_rows >= rows_a_prompt_min);
        assert_true(c.worst_bits < BITS);
        assert_true(c.worst_kl < 1);
        assert_true(c.worst_p < P);
        ll_ids_free(&ids);
    }
    ll_settings_free(table);
}

static void last_positions(void **state)
{
    (void)state;
    check_table(OWN_TABLE, 4, real.model->n_layers + 1);
}

static void every_position(void **state)
{
    (void)state;
    if (access(SHARED_TABLE, R_OK)) {
        printf("../shared/real/smollm2/expected.json is absent: skipped\n");
        return;
    }
    check_table(SHARED_TABLE, 5, 7 * (real.model->n_layers + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(last_positions), cmocka_unit_test(every_position)};
    struct ll_err err = {0};
    if (access(MODEL, R_OK)) {
        printf("the real model was not fetched (experiments/fetch_real_model.sh): skipped\n");
        return 77;
    }
    if (ll_model_open(&real.model, MODEL, &err) || ll_engine_init(&real.engine, 2, &err)
        || ll_tokenizer_open(&real.tok, MODEL, &err)) {
        printf("%s\n", err.msg);
        return 1;
    }
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    ll_tokenizer_close(real.tok);
    ll_engine_free(real.engine);
    ll_model_close(real.model);
    return bad;
}
