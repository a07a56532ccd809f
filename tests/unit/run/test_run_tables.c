/* test_run_tables.c - a run's tables from the outside: identities between tables, whole answers against
 * transformers, sites, kept residuals. Runs the program as a user does. */
#include "csv_read.h"
#include "unit/base/files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPERIMENTS LL_SOURCE_DIR "/experiments/"
enum { MAX_ROWS = 4000, MAX_COLS = 120 };

/* A CSV file in memory; texts owned. */
struct table {
    char *names[MAX_COLS];
    int n_cols;
    char **cell[MAX_ROWS];
    int n;
};

static int on_header(void *arg, const struct ll_csv_row *row, struct ll_err *err)
{
    struct table *t = arg;
    (void)err;
    assert_true(row->n < MAX_COLS);
    for (t->n_cols = 0; t->n_cols < row->n; t->n_cols++)
        t->names[t->n_cols] = strndup(row->field[t->n_cols].s, row->field[t->n_cols].n);
    return 0;
}

static int on_row(void *arg, const struct ll_csv_row *row, struct ll_err *err)
{
    struct table *t = arg;
    (void)err;
    assert_true(t->n < MAX_ROWS);
    t->cell[t->n] = calloc((size_t)row->n, sizeof(char *));
    for (int i = 0; i < row->n; i++)
        t->cell[t->n][i] = row->field[i].s ? strndup(row->field[i].s, row->field[i].n) : NULL;
    t->n++;
    return 0;
}

static void load(struct table *t, const char *dir, const char *name)
{
    struct ll_err err = {0};
    struct ll_buf b = slurp(dir, name);
    const struct ll_csv_user user = {on_header, on_row, t};
    memset(t, 0, sizeof *t);
    OK(ll_csv_read(name, b.s, b.len, LL_RFC4180, &user, NULL, &err), &err);
    ll_buf_free(&b);
}

static void unload(struct table *t)
{
    for (int i = 0; i < t->n; i++) {
        for (int k = 0; k < t->n_cols; k++)
            free(t->cell[i][k]);
        free(t->cell[i]);
    }
    for (int k = 0; k < t->n_cols; k++)
        free(t->names[k]);
}

static const char *text(const struct table *t, int row, const char *col)
{
    for (int k = 0; k < t->n_cols; k++)
        if (!strcmp(t->names[k], col))
            return t->cell[row][k];
    fail_msg("no column %s", col);
    return NULL;
}
static double num(const struct table *t, int row, const char *col)
{
    const char *s = text(t, row, col);
    return s ? strtod(s, NULL) : NAN;
}
static int same(const char *a, const char *b) { return (!a && !b) || (a && b && !strcmp(a, b)); }

static int find(const struct table *t, const char *col, const char *value)
{
    for (int i = 0; i < t->n; i++)
        if (same(text(t, i, col), value))
            return i;
    return -1;
}

/* Run the program on an experiment text; results in dir/out. */
static void run(const char *dir, const char *experiment, const char *args)
{
    char command[3000];
    char *file = path2(dir, "e.json");
    spill(dir, "e.json", experiment, strlen(experiment));
    snprintf(command, sizeof command,
             "'%s/logitlens' run '%s' %s --out-dir '%s/out' --no-index --quiet >'%s/said' 2>&1", LL_BUILD_DIR,
             file, args, dir, dir);
    if (system(command)) {
        struct ll_buf said = slurp(dir, "said");
        fail_msg("%s: %s", command, ll_buf_str(&said));
    }
    free(file);
}

/* Spec 26.3 and 26.4, and what else must hold in any run at resid_post with the model's head. */
static void check_identities(const char *out, const char *stem, int n_layers, int d_vocab)
{
    struct table rec, pure, raw;
    char name[200];
    snprintf(name, sizeof name, "output-%s-records.csv", stem);
    load(&rec, out, name);
    snprintf(name, sizeof name, "output-%s-pure-next-token-rawlens.csv", stem);
    load(&raw, out, name);
    snprintf(name, sizeof name, "output-%s-pure-next-token.csv", stem);
    load(&pure, out, name);
    assert_true(pure.n > 0);
    for (int i = 0; i < pure.n; i++) {
        int r = find(&rec, "row_id", text(&pure, i, "row_id")), layer = (int)num(&pure, i, "layer");
        double sum = 0, bits = num(&pure, i, "entropy_bits");
        assert_true(r >= 0);
        assert_true(same(text(&rec, r, "entropy"), text(&pure, i, "entropy")));
        assert_true(same(text(&pure, i, "entropy"), text(&pure, i, "entropy_bits")));
        for (int k = 1; k <= 5; k++) {
            char col[16];
            snprintf(col, sizeof col, "top%d", k);
            assert_true(same(text(&rec, r, col), text(&pure, i, col)));
            snprintf(col, sizeof col, "prob%d", k);
            assert_true(same(text(&rec, r, col), text(&pure, i, col)));
            sum += num(&pure, i, col);
        }
        assert_true(fabs(num(&pure, i, "p_top5") - sum) < 1e-6);
        assert_true(fabs(num(&pure, i, "rest_mass") - fmax(0, 1 - sum)) < 1e-6);
        assert_true(bits >= 0 && bits <= log2(d_vocab) + 1e-9);
        assert_true(same(text(&pure, i, "p_top1"), text(&pure, i, "prob1")));
        assert_int_equal(text(&pure, i, "answer_logit_gap") != NULL, num(&pure, i, "answer_rank") == 1);
        assert_int_equal(text(&pure, i, "answer_vs_top1_gap") != NULL, num(&pure, i, "answer_rank") > 1);
        assert_int_equal(text(&pure, i, "control_margin") != NULL,
                         !strcmp(text(&pure, i, "prompt_id"), "ctl"));
        assert_true(same(text(&pure, i, "is_answer"), num(&pure, i, "answer_rank") == 1 ? "True" : "False"));
        int w = find(&raw, "row_id", text(&pure, i, "row_id"));
        assert_true(w >= 0);
        assert_true(same(text(&raw, w, "entropy_bits_norm"), text(&pure, i, "entropy_bits")));
        assert_true(same(text(&raw, w, "p_answer_norm"), text(&pure, i, "p_answer")));
        assert_true(same(text(&raw, w, "answer_rank_norm"), text(&pure, i, "answer_rank")));
        assert_true(
            same(text(&raw, w, "topk_jaccard_raw_norm@50"), text(&pure, i, "topk_jaccard_raw_norm@50")));
        assert_true(num(&raw, w, "js_divergence") >= 0 && num(&raw, w, "js_divergence") <= 1);
        assert_true(fabs(num(&pure, i, "answer_minus_echo_mass")
                         - (num(&pure, i, "answer_mass") - num(&pure, i, "echo_mass_prompt")))
                    < 1e-12);
        if (layer == n_layers) {
            assert_true(num(&pure, i, "kl_to_final_bits") == 0);
            assert_true(same(text(&pure, i, "entropy_bits"), text(&pure, i, "teacher_entropy_bits")));
        }
    }
    unload(&rec);
    unload(&raw);
    unload(&pure);
}

static void identities_of_a_run(void **state)
{
    (void)state;
    char *dir = tmp_folder(), *out = path2(dir, "out");
    struct ll_err err = {0};
    struct ll_buf e = {0};
    OK(ll_file_read(EXPERIMENTS "001_layers_and_logits/experiment.json", 1 << 20, &e, &err), &err);
    run(dir, e.s, "'" EXPERIMENTS "demo_models/demo-llama' '" EXPERIMENTS "demo_models/demo-gemma2'");
    check_identities(out, "demo-llama", 8, 1567);
    check_identities(out, "demo-gemma2", 8, 1663);
    ll_buf_free(&e);
    remove_tree(dir);
    free(out);
    free(dir);
}

static void identities_of_a_real_model(void **state)
{
    (void)state;
    if (access(LL_SHARED_DIR "/real/stories260k/config.json", R_OK)) {
        print_message("no real model at hand\n");
        skip();
    }
    char *dir = tmp_folder(), *out = path2(dir, "out");
    run(dir,
        "{\"prompts\": [{\"text\": \"Once upon a\", \"answer\": \"time\"}, {\"role\": \"control\", \"text\": "
        "\"Lily and Tom went to the\", \"answer\": \"park\"}]}",
        "'" LL_SHARED_DIR "/real/stories260k'");
    check_identities(out, "stories260k", 5, 512);
    remove_tree(dir);
    free(out);
    free(dir);
}

/* Whole answers: sums of log-probabilities by transformers in float64, norm and head applied to every block's
 * output. */
static void whole_answers_are_those_of_transformers(void **state)
{
    (void)state;
    static const struct {
        const char *stem, *answer;
        int n_tokens;
        double want[9];
    } t[] = {{"demo-llama",
              "Berlin",
              1,
              {-6.01981282, -9.40751552, -9.8822287, -10.2578318, -0.776760385, -0.0490096208, -0.0294648088,
               -0.0330010482, -0.0502285949}},
             {"demo-llama",
              "old Berlin",
              2,
              {-13.7308975, -6.29684777, -6.48305641, -6.56643525, -2.6040044, -5.94955556, -5.73904715,
               -5.43421645, -5.00015292}},
             {"demo-llama",
              "Bonn-Mitte",
              8,
              {-76.6485286, -98.7411238, -120.500429, -136.461583, -144.124355, -142.205941, -163.91772,
               -164.091645, -162.956029}},
             {"demo-gemma2",
              "old Berlin",
              2,
              {-20.7791494, -7.93988506, -2.15274684, -1.72158883, -1.72469147, -4.09593817, -4.71291337,
               -5.73541649, -4.09761086}},
             {"demo-gemma2",
              "Bonn-Mitte",
              8,
              {-66.9843817, -67.4596592, -65.6056283, -65.7177054, -66.5575876, -69.2331086, -70.2468586,
               -70.7165007, -73.2982553}}};
    char *dir = tmp_folder(), *out = path2(dir, "out");
    run(dir,
        "{\"prompts\": [{\"text\": \"Give the city name only, plain text. The capital of Germany is called "
        "simply\", \"answers\": [\"old Berlin\", \"Berlin\", \"Bonn-Mitte\"]}],"
        " \"analysis\": false}",
        "'" EXPERIMENTS "demo_models/demo-llama' '" EXPERIMENTS "demo_models/demo-gemma2'");
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct table a, pure;
        char name[100];
        int seen = 0;
        snprintf(name, sizeof name, "output-%s-answers.csv", t[i].stem);
        load(&a, out, name);
        snprintf(name, sizeof name, "output-%s-pure-next-token.csv", t[i].stem);
        load(&pure, out, name);
        for (int r = 0; r < a.n; r++) {
            if (strcmp(text(&a, r, "answer"), t[i].answer))
                continue;
            int layer = (int)num(&a, r, "layer"), p = find(&pure, "row_id", text(&a, r, "row_id"));
            double got = num(&a, r, "logprob"), want = t[i].want[layer];
            if (!(fabs(got - want) < 3e-6 * fabs(want) + 1e-7)) /* float32 against float64 */
                fail_msg("%s, %s, row %d: %.9g, expected %.9g", t[i].stem, t[i].answer, layer, got, want);
            assert_int_equal((int)num(&a, r, "n_tokens"), t[i].n_tokens);
            if (t[i].n_tokens == 1)
                assert_true(fabs(got - log(num(&a, r, "p_first"))) < 1e-9);
            if ((int)num(&a, r, "answer_index") == 0) {
                assert_true(same(text(&pure, p, "answer_logprob"), text(&a, r, "logprob")));
                assert_true(same(text(&pure, p, "answer_rank"), text(&a, r, "first_rank")));
            }
            assert_true(num(&pure, p, "accepted_rank") <= num(&a, r, "first_rank"));
            seen++;
        }
        assert_int_equal(seen, 9);
        unload(&a);
        unload(&pure);
    }
    remove_tree(dir);
    free(out);
    free(dir);
}

/* Floats of a file of keep_resid.h. */
static float *floats(const char *dir, const char *name, int *n)
{
    struct ll_buf b = slurp(dir, name);
    int32_t count;
    assert_true(b.len > 4);
    memcpy(&count, b.s, 4);
    assert_int_equal(b.len, 4 + 4 * (size_t)count);
    float *x = malloc(sizeof *x * (size_t)count);
    memcpy(x, b.s + 4, 4 * (size_t)count);
    ll_buf_free(&b);
    *n = count;
    return x;
}

/* What is kept at each site adds up: resid_mid(l) = resid_post(l - 1) + attn_out(l), resid_post(l) =
 * resid_mid(l) + mlp_out(l). */
static void sites_add_up(void **state)
{
    (void)state;
    static const char *const sites[] = {"resid_post", "resid_mid", "attn_out", "mlp_out"};
    static const char e[] = "{\"prompts\": [{\"text\": \"The capital of Germany is called\", \"answer\": "
                            "\"Berlin\"}], \"analysis\": false}";
    float *x[4][9];
    int n = 0;
    for (int s = 0; s < 4; s++) {
        char *dir = tmp_folder(), *out = path2(dir, "out"), args[300];
        snprintf(args, sizeof args, "'" EXPERIMENTS "demo_models/demo-llama' --keep-residuals --site %s",
                 sites[s]);
        run(dir, e, args);
        for (int l = 0; l <= 8; l++) {
            char name[64];
            snprintf(name, sizeof name, "demo-llama_%02d_resid.bin", l);
            x[s][l] = floats(out, name, &n);
        }
        struct ll_buf doc = slurp(out, "output-demo-llama.json");
        char want[64];
        snprintf(want, sizeof want, "\"lens_site\": \"%s\"", sites[s]);
        assert_non_null(strstr(doc.s, want));
        assert_non_null(
            strstr(doc.s, s ? "\"last_row_equals_model\": false" : "\"last_row_equals_model\": true"));
        ll_buf_free(&doc);
        remove_tree(dir);
        free(out);
        free(dir);
    }
    for (int l = 1; l <= 8; l++)
        for (int i = 0; i < n; i++) {
            assert_true(x[1][l][i] == x[0][l - 1][i] + x[2][l][i]);
            assert_true(x[0][l][i] == x[1][l][i] + x[3][l][i]);
        }
    for (int s = 0; s < 4; s++)
        assert_memory_equal(x[s][0], x[0][0],
                            sizeof(float) * (size_t)n); /* row 0 is the embedding everywhere */
    for (int s = 0; s < 4; s++)
        for (int l = 0; l <= 8; l++)
            free(x[s][l]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities_of_a_run),
        cmocka_unit_test(identities_of_a_real_model),
        cmocka_unit_test(whole_answers_are_those_of_transformers),
        cmocka_unit_test(sites_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
