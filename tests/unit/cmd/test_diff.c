/* test_diff.c - two models on the same prompts: demo-llama, and copies of it whose MLP weights lost 1 or 4 of
 * their bits, against tests/fixtures/diff/expected.json (float64, numpy, another pass than ours); then the
 * invariants and the command. Caught: A and B swapped, nats for bits, a layer off by one, a tile or slab left
 * out, a result that depends on threads or batches, a second import that adds rows, a diff_rows that lacks a
 * column of the CSV file. */
#include "diff.h"
#include "diff_out.h"
#include "diff_stats.h"
#include "index.h"
#include "outfile.h"
#include "unit/base/files.h"
#include "cmd.h"

#include <math.h>

#define DEMO LL_SOURCE_DIR "/experiments/demo_models/demo-llama"
#define EXPECTED LL_SOURCE_DIR "/tests/fixtures/diff/expected.json"
enum { MAX_PROMPTS = 4, MAX_IDS = 64, MAX_ROWS = 1024 };

/* ---- rounded copies -------------------------------------------------------------------------- */

static void copy_file(const char *name, const char *folder)
{
    struct ll_buf b = slurp(DEMO, name);
    struct ll_err err = {0};
    char *to = path2(folder, name);
    OK(ll_file_write(to, b.s, b.len, &err), &err);
    free(to);
    ll_buf_free(&b);
}

/* folder: demo-llama with every bf16 word of the MLP tensors masked. */
static void write_copy(const char *folder, unsigned mask)
{
    struct ll_ckpt *ckpt;
    struct ll_err err = {0};
    struct ll_buf b = slurp(DEMO, "model.safetensors");
    OK(ll_ckpt_open(&ckpt, DEMO, &err), &err);
    for (int i = 0; i < ckpt->n_tensors; i++) {
        const struct ll_tensor *t = &ckpt->tensors[i];
        if (!strstr(t->name, ".mlp."))
            continue;
        uint8_t *data = (uint8_t *)b.s + (t->data - ckpt->files[t->file].map.data);
        for (size_t k = 0; k < t->size; k += 2)
            data[k] &= (uint8_t)(mask & 0xff); /* little-endian: the low byte holds the low bits */
    }
    char *to = path2(folder, "model.safetensors");
    OK(ll_file_write(to, b.s, b.len, &err), &err);
    free(to);
    ll_buf_free(&b);
    ll_ckpt_close(ckpt);
    copy_file("config.json", folder);
    copy_file("tokenizer.json", folder);
    copy_file("tokenizer_config.json", folder);
}

/* ---- one comparison, kept whole -------------------------------------------------------------- */

struct asked {
    int n, len[MAX_PROMPTS], ids[MAX_PROMPTS][MAX_IDS];
};
struct kept {
    int n_rows, n_pos;
    struct ll_diff_row row[MAX_ROWS];
    struct ll_diff_stats *stats;
}; /* row [position][layer] */

static void read_prompts(const struct ll_settings *s, struct asked *a)
{
    a->n = ll_settings_len(s, "prompts");
    assert_in_range(a->n, 1, MAX_PROMPTS);
    for (int p = 0; p < a->n; p++) {
        char path[64];
        snprintf(path, sizeof path, "prompts.%d", p);
        a->len[p] = ll_settings_len(s, path);
        assert_in_range(a->len[p], 1, MAX_IDS);
        for (int i = 0; i < a->len[p]; i++) {
            snprintf(path, sizeof path, "prompts.%d.%d", p, i);
            a->ids[p][i] = (int)ll_settings_int(s, path, -1);
        }
    }
}

static int keep(void *arg, const struct ll_diff_result *r, struct ll_err *err)
{
    struct kept *k = arg;
    (void)err;
    k->n_rows = r->n_rows;
    for (int i = 0; i < r->n_pos; i++, k->n_pos++)
        for (int l = 0; l < r->n_rows; l++) {
            assert_true((k->n_pos + 1) * r->n_rows <= MAX_ROWS);
            k->row[k->n_pos * r->n_rows + l] = r->rows[l * r->n_pos + i];
        }
    if (k->stats)
        ll_diff_stats_add(k->stats, r);
    return LL_OK;
}

static void run(const char *a, const char *b, const struct asked *asked, int threads, long long budget,
                enum ll_sweep_want want, struct kept *k)
{
    struct ll_model *ma, *mb;
    struct ll_engine *eng;
    struct ll_err err = {0};
    struct ll_sweep_prompt prompts[MAX_PROMPTS];
    for (int p = 0; p < asked->n; p++)
        prompts[p] = (struct ll_sweep_prompt){.ids = asked->ids[p], .n_ids = asked->len[p], .want = want};
    OK(ll_model_open(&ma, a, &err), &err);
    OK(ll_model_open(&mb, b, &err), &err);
    OK(ll_engine_init(&eng, threads, &err), &err);
    struct ll_diff d = {.a = ma,
                        .b = mb,
                        .engine = eng,
                        .prompts = prompts,
                        .n_prompts = asked->n,
                        .memory_budget = budget,
                        .result = keep,
                        .result_arg = k};
    k->n_pos = 0;
    OK(ll_diff_run(&d, &err), &err);
    ll_engine_free(eng);
    ll_model_close(ma);
    ll_model_close(mb);
}

static double measure(const struct ll_diff_row *r, const char *name)
{
    const struct {
        const char *name;
        double v;
    } all[] = {
        {"kl_a_to_b_bits", r->div.kl_ab_bits},
        {"kl_b_to_a_bits", r->div.kl_ba_bits},
        {"js_bits", r->div.js_bits},
        {"entropy_a_bits", r->entropy_bits[0]},
        {"entropy_b_bits", r->entropy_bits[1]},
        {"top5_jaccard", r->top5_jaccard},
        {"resid_cos", r->resid_cos},
        {"resid_rel_err", r->resid_rel_err},
        {"top1_flip", r->flip},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].name, name))
            return all[i].v;
    fail_msg("no measure %s", name);
    return NAN;
}

/* ---- against float64 ------------------------------------------------------------------------- */

/* Float32 passes leave noise of a few 1e-6 in a logit (tests/oracle); a KL made of differences d moves by
 * d * 3e-6 or so, which is 6e-6 of its root; numpy's own float32 pass is up to 3.4e-6 of the root away from
 * float64 here. Relative errors of residuals and cosines come from the same noise. */
static double tolerance(const char *name, double want)
{
    if (strstr(name, "kl_") || strstr(name, "js_"))
        return 1e-5 * want + 1e-5 * sqrt(want) + 1e-11;
    return strstr(name, "entropy")      ? 2e-5
        : strstr(name, "resid_rel_err") ? 3e-6
        : strstr(name, "resid_cos")     ? 1e-6
                                        : 1e-12;
}

static void check_case(const struct ll_settings *s, const char *name, const struct kept *k)
{
    static const char *const names[] = {"kl_a_to_b_bits", "kl_b_to_a_bits", "js_bits",
                                        "entropy_a_bits", "entropy_b_bits", "resid_cos",
                                        "resid_rel_err",  "top1_flip",      "top5_jaccard"};
    for (size_t m = 0; m < sizeof names / sizeof *names; m++) {
        double worst = 0;
        int at_layer = 0, at_pos = 0, other_sets = 0;
        for (int l = 0; l < k->n_rows; l++)
            for (int i = 0; i < k->n_pos; i++) {
                char path[96];
                snprintf(path, sizeof path, "cases.%s.%s.%d.%d", name, names[m], l, i);
                double want = ll_settings_num(s, path, NAN),
                       got = measure(&k->row[i * k->n_rows + l], names[m]),
                       off = fabs(got - want) / tolerance(names[m], fabs(want));
                if (!strcmp(names[m], "top5_jaccard")) { /* fifth and sixth may change places in float32 */
                    other_sets += fabs(got - want) > 1e-6;
                    continue;
                }
                if (!(off <= worst)) {
                    worst = off;
                    at_layer = l;
                    at_pos = i;
                }
            }
        printf("%s %-15s worst %.2g of its tolerance (layer %d, position %d)\n", name, names[m], worst,
               at_layer, at_pos);
        if (!(worst <= 1) || other_sets > 2)
            fail_msg("%s %s layer %d position %d: got %.10g; %d other sets", name, names[m], at_layer, at_pos,
                     measure(&k->row[at_pos * k->n_rows + at_layer], names[m]), other_sets);
    }
}

static void against_float64(void **state)
{
    static struct kept k;
    struct ll_settings *s;
    struct ll_err err = {0};
    struct asked asked;
    (void)state;
    OK(ll_settings_read(&s, EXPECTED, &err), &err);
    read_prompts(s, &asked);
    for (int i = 0; i < ll_settings_len(s, "cases"); i++) {
        const char *name = ll_settings_key(s, "cases", i);
        char *folder = tmp_folder(), path[64];
        snprintf(path, sizeof path, "cases.%s.mask", name);
        write_copy(folder, (unsigned)ll_settings_int(s, path, 0));
        run(DEMO, folder, &asked, 2, 0, LL_SWEEP_ALL, &k);
        assert_int_equal(k.n_rows, 9);
        check_case(s, name, &k);
        remove_tree(folder);
        free(folder);
    }
    ll_settings_free(s);
}

/* ---- invariants ------------------------------------------------------------------------------ */

static const struct asked three = {3,
                                   {5, 9, 1},
                                   {{1565, 10, 400, 31, 7}, {1565, 3, 3, 900, 20, 21, 22, 1000, 4}, {1565}}};

static void a_model_equals_itself(void **state)
{
    static struct kept k;
    (void)state;
    run(DEMO, DEMO, &three, 2, 0, LL_SWEEP_ALL, &k);
    assert_int_equal(k.n_pos, 15);
    for (int i = 0; i < k.n_pos * k.n_rows; i++) {
        const struct ll_diff_row *r = &k.row[i];
        assert_true(r->div.kl_ab_bits == 0 && r->div.kl_ba_bits == 0 && r->div.js_bits == 0 && r->flip == 0);
        assert_true(r->top5_jaccard == 1 && r->resid_cos == 1 && r->resid_rel_err == 0
                    && r->entropy_bits[0] == r->entropy_bits[1]);
    }
}

static void same(const struct ll_diff_row *x, const struct ll_diff_row *y)
{
    static const char *const names[] = {"kl_a_to_b_bits", "kl_b_to_a_bits", "js_bits",
                                        "entropy_a_bits", "entropy_b_bits", "resid_cos",
                                        "resid_rel_err",  "top1_flip",      "top5_jaccard"};
    for (size_t m = 0; m < sizeof names / sizeof *names; m++)
        if (measure(x, names[m]) != measure(y, names[m]))
            fail_msg("%s: %.17g and %.17g", names[m], measure(x, names[m]), measure(y, names[m]));
    assert_memory_equal(x->top_id, y->top_id, sizeof x->top_id);
}

/* Threads, batches of one prompt, the last position alone, and the two models in the other order. */
static void nothing_depends_on_how(void **state)
{
    static struct kept one, other;
    char *folder = tmp_folder();
    (void)state;
    write_copy(folder, 0xFFF0);
    run(DEMO, folder, &three, 1, 0, LL_SWEEP_ALL, &one);
    run(DEMO, folder, &three, 3, 1, LL_SWEEP_ALL, &other);
    assert_int_equal(one.n_pos, other.n_pos);
    for (int i = 0; i < one.n_pos * one.n_rows; i++)
        same(&one.row[i], &other.row[i]);
    run(DEMO, folder, &three, 2, 0, LL_SWEEP_LAST, &other);
    assert_int_equal(other.n_pos, 3);
    for (int p = 0, end = 0; p < 3; p++) {
        end += three.len[p];
        for (int l = 0; l < one.n_rows; l++)
            same(&one.row[(end - 1) * one.n_rows + l], &other.row[p * one.n_rows + l]);
    }
    run(folder, DEMO, &three, 2, 0, LL_SWEEP_ALL, &other);
    for (int i = 0; i < one.n_pos * one.n_rows; i++) {
        assert_true(fabs(one.row[i].div.kl_ab_bits - other.row[i].div.kl_ba_bits)
                    <= 1e-6 * one.row[i].div.kl_ab_bits);
        assert_true(fabs(one.row[i].div.js_bits - other.row[i].div.js_bits) <= 1e-6 * one.row[i].div.js_bits);
        assert_true(one.row[i].entropy_bits[0] == other.row[i].entropy_bits[1]);
    }
    remove_tree(folder);
    free(folder);
}

/* Seven of eight layers: only the outputs meet. */
static void other_depth(void **state)
{
    static struct kept whole, cut, back;
    char *folder = tmp_folder();
    struct ll_err err = {0};
    (void)state;
    write_copy(folder, 0xFFFF);
    struct ll_buf c = slurp(folder, "config.json");
    char *at = strstr(c.s, "\"num_hidden_layers\": 8");
    assert_non_null(at);
    at[strlen("\"num_hidden_layers\": ")] = '7';
    char *path = path2(folder, "config.json");
    OK(ll_file_write(path, c.s, c.len, &err), &err);
    run(DEMO, DEMO, &three, 2, 0, LL_SWEEP_ALL, &whole);
    run(DEMO, folder, &three, 2, 0, LL_SWEEP_ALL, &cut);
    run(folder, DEMO, &three, 2, 0, LL_SWEEP_ALL, &back);
    assert_int_equal(cut.n_rows, 1);
    assert_int_equal(cut.n_pos, 15);
    for (int i = 0; i < 15; i++) {
        assert_true(cut.row[i].entropy_bits[0] == whole.row[i * 9 + 8].entropy_bits[0]); /* row 8 of A, */
        assert_true(cut.row[i].entropy_bits[1]
                    == whole.row[i * 9 + 7].entropy_bits[0]); /* row 7 of what is A cut short */
        assert_true(cut.row[i].div.kl_ab_bits > 0 && cut.row[i].resid_cos < 1
                    && back.row[i].entropy_bits[0] == cut.row[i].entropy_bits[1]);
    }
    free(path);
    ll_buf_free(&c);
    remove_tree(folder);
    free(folder);
}

/* ---- summary and tolerances ------------------------------------------------------------------ */

static void summary(void **state)
{
    struct ll_diff_stats s;
    struct ll_err err = {0};
    struct ll_diff_row rows[2 * 4]; /* two lens rows, four positions */
    struct ll_diff_layer l;
    (void)state;
    for (int i = 0; i < 8; i++)
        rows[i] = (struct ll_diff_row){.div = {i / 4 ? 4 - i % 4 : 0, 0, 0.5},
                                       .flip = i % 4 == 1,
                                       .resid_cos = i / 4 ? NAN : 1 - 0.1 * (i % 4),
                                       .resid_rel_err = NAN};
    OK(ll_diff_stats_init(&s, 2, 0, 4, &err), &err);
    ll_diff_stats_add(
        &s, &(struct ll_diff_result){.prompt = 0, .n_rows = 2, .n_pos = 4, .pos0 = 6, .rows = rows});
    assert_true(s.worst_prompt == 0 && s.worst_pos == 6 && s.worst.div.kl_ab_bits == 4);
    const double none[LL_DIFF_TOLERANCES] = {-1, -1, -1, -1, -1},
                 all[LL_DIFF_TOLERANCES] = {2.5, 0.4, 0.2, 0.9, 0.1};
    ll_diff_stats_layer(&s, 1, all, &l);
    assert_true(l.n == 4 && l.layer == 1 && l.flips == 1);
    assert_true(fabs(l.m[LL_DIFF_M_KL_AB].mean - 2.5) < 1e-12 && fabs(l.m[LL_DIFF_M_KL_AB].p95 - 3.85) < 1e-12
                && fabs(l.m[LL_DIFF_M_KL_AB].worst - 4) < 1e-12);
    assert_true(isnan(l.m[LL_DIFF_M_COS].mean) && isnan(l.m[LL_DIFF_M_REL_ERR].worst));
    assert_int_equal(l.beyond,
                     1u << LL_DIFF_T_JS
                         | 1u << LL_DIFF_T_FLIPS); /* equal to the tolerance is within; null too */
    assert_int_equal(ll_diff_beyond(&l, none), 0);
    ll_diff_stats_layer(&s, 0, all, &l);
    assert_true(fabs(l.m[LL_DIFF_M_COS].worst - 0.7) < 1e-12 && fabs(l.m[LL_DIFF_M_COS].p95 - 0.715) < 1e-12);
    assert_int_equal(l.beyond, 1u << LL_DIFF_T_JS | 1u << LL_DIFF_T_FLIPS | 1u << LL_DIFF_T_COS);
    ll_diff_stats_free(&s);
}

/* ---- the command ----------------------------------------------------------------------------- */

static int logitlens(const char *const *args)
{
    char *argv[24] = {(char *)(uintptr_t) "logitlens"};
    int n = 1;
    while (args[n - 1] && n < 23) {
        argv[n] = (char *)(uintptr_t)args[n - 1];
        n++;
    }
    return ll_main(n, argv);
}
#define RUN(...) logitlens((const char *const[]){"diff", __VA_ARGS__, "--quiet", NULL})

static long long ask(const char *index, const char *sql)
{
    struct ll_buf out = {0};
    struct ll_err err = {0};
    OK(ll_index_query(index, sql, LL_OUT_CSV, 10, &out, &err), &err);
    long long v = strtoll(strchr(out.s, '\n') + 1, NULL, 10);
    ll_buf_free(&out);
    return v;
}

static void files_and_index(void **state)
{
    char *folder = tmp_folder(), *out = tmp_folder(), *csv1 = path2(out, "1.csv"),
         *csv3 = path2(out, "3.csv"), *json1 = path2(out, "1.json"), *json3 = path2(out, "3.json"),
         *index = path2(out, "index.sqlite");
    struct ll_buf q = {0};
    struct ll_err err = {0};
    struct ll_settings *doc;
    (void)state;
    write_copy(folder, 0xFFF0);
    assert_int_equal(RUN(DEMO, folder, "--threads", "1", "--csv", csv1, "--json", json1, "--index", index),
                     0);
    assert_int_equal(RUN(DEMO, folder, "--threads", "3", "--csv", csv3, "--json", json3, "--index", index),
                     0);
    struct ll_buf a = slurp(out, "1.csv"), b = slurp(out, "3.csv"), c = slurp(out, "1.json"),
                  d = slurp(out, "3.json");
    assert_true(a.len == b.len && !memcmp(a.s, b.s, a.len));
    assert_true(c.len == d.len && !memcmp(c.s, d.s, c.len));
    assert_int_equal(ask(index, "SELECT count(*) FROM diffs"), 1); /* the second time changed nothing */
    OK(ll_settings_read(&doc, json1, &err), &err);
    long long n = ll_settings_int(doc, "layers.0.n", 0);
    assert_int_equal(ask(index, "SELECT count(*) FROM diff_rows"), 9 * n);
    assert_int_equal(ll_settings_len(doc, "layers"), 9);
    assert_int_equal(ask(index, "SELECT count(*) FROM diff_prompts"), ll_settings_len(doc, "prompts"));
    assert_int_equal(ask(index, "SELECT flips FROM v_diff_layers WHERE layer = 8"),
                     ll_settings_int(doc, "layers.8.top1_flips", -1));
    assert_int_equal(ask(index, "SELECT round(1e9 * kl_mean_bits) FROM v_diff_layers WHERE layer = 8"),
                     llround(1e9 * ll_settings_num(doc, "layers.8.kl_a_to_b_bits.mean", NAN)));
    assert_int_equal(ask(index, "SELECT min(layer) FROM v_diff_layers WHERE beyond"),
                     ll_settings_int(doc, "first_layer_beyond", -1));
    assert_int_equal(ask(index, "SELECT first_beyond FROM diffs"),
                     ll_settings_int(doc, "first_layer_beyond", -1));
    OK(ll_index_query(index, "diff-layers", LL_OUT_TABLE, 10, &q, &err), &err);
    OK(ll_index_query(index, "diff-flips diff=1", LL_OUT_TABLE, 10, &q, &err), &err);
    OK(ll_index_query(index, "diffs", LL_OUT_TABLE, 10, &q, &err), &err);
    ll_settings_free(doc);
    ll_buf_free(&q);
    ll_buf_free(&a);
    ll_buf_free(&b);
    ll_buf_free(&c);
    ll_buf_free(&d);
    remove_tree(folder);
    remove_tree(out);
    free(folder);
    free(out);
    free(csv1);
    free(csv3);
    free(json1);
    free(json3);
    free(index);
}

static void the_index_has_every_column(void **state)
{
    char *out = tmp_folder(), *index = path2(out, "i.sqlite"), *csv = path2(out, "x.csv");
    (void)state;
    assert_int_equal(RUN(DEMO, DEMO, "--ids", "1565,3,4", "--index", index, "--csv", csv), 0);
    assert_int_equal(ask(index, "SELECT count(*) FROM pragma_table_info('diff_rows')"),
                     LL_DIFF_COLS + 1); /* and the comparison's number */
    for (int i = 0; i < LL_DIFF_COLS; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM pragma_table_info('diff_rows') WHERE name = '%s'",
                 ll_schema_diff.cols[i].name);
        assert_int_equal(ask(index, sql), 1);
    }
    struct ll_buf b = slurp(out, "x.csv");
    int lines = 0;
    for (size_t i = 0; i < b.len; i++)
        lines += b.s[i] == '\n';
    assert_in_range(lines, 1 + 9 * 3, 1 + 9 * 3 + 54); /* a token may hold a line end */
    ll_buf_free(&b);
    remove_tree(out);
    free(out);
    free(index);
    free(csv);
}

static void exit_codes(void **state)
{
    char *folder = tmp_folder(), *text = path2(folder, "p.txt"), *ids = path2(folder, "e.json");
    struct ll_err err = {0};
    static const char experiment[] = "{\"models\": [\"x\"], \"prompts\": [{\"ids\": [5, 6]}, {\"text\": "
                                     "\"The capital\"}], \"test_prompts\": [\"Berlin is\"]}";
    (void)state;
    write_copy(folder, 0xFFF0);
    OK(ll_file_write(text, "one line\r\n\nand another\n", 23, &err), &err);
    OK(ll_file_write(ids, experiment, sizeof experiment - 1, &err), &err);
    assert_int_equal(RUN(DEMO), 2);
    assert_int_equal(RUN(DEMO, LL_SOURCE_DIR "/experiments/demo_models/demo-gemma2"),
                     2); /* another vocabulary */
    assert_int_equal(RUN(DEMO, DEMO, "text", "--ids", "1"), 2);
    assert_int_equal(RUN(DEMO, DEMO, "--csv", "-", "--json", "-"), 2);
    assert_int_equal(RUN(DEMO, DEMO, "--ids", "99999"), 2);
    assert_int_equal(RUN(DEMO, DEMO, "--prompts", "/nowhere"), 2);
    assert_int_equal(RUN(DEMO, DEMO, "--prompts", text, "--fail"), 0);
    assert_int_equal(RUN(DEMO, DEMO, "--prompts", ids, "--fail"), 0);
    assert_int_equal(RUN(DEMO, folder, "one", "two", "--fail"), 5);
    assert_int_equal(RUN(DEMO, folder, "one", "two"), 0);
    assert_int_equal(RUN(DEMO, folder, "one", "two", "--fail", "--tolerance=-1", "--max-js=-1",
                         "--max-flips=-1", "--min-cos=-1", "--max-rel-err=-1"),
                     0);
    assert_int_equal(RUN(DEMO, folder, "--positions", "last", "--norm", "raw"), 0);
    remove_tree(folder);
    free(folder);
    free(text);
    free(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summary),
        cmocka_unit_test(a_model_equals_itself),
        cmocka_unit_test(against_float64),
        cmocka_unit_test(nothing_depends_on_how),
        cmocka_unit_test(other_depth),
        cmocka_unit_test(files_and_index),
        cmocka_unit_test(the_index_has_every_column),
        cmocka_unit_test(exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
