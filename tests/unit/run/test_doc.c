/* test_doc.c - the document's sections and derived tables, from the bundled model's own passes: every key of
 * the original's late document is there or named here as left out, the values agree with the rows, threads
 * change nothing */
#include "copy_labels.h"
#include "unit/base/files.h"
#include "unit/lens/walked.h"

#include "analysis.h"
#include "capture.h"
#include "csv_row.h"
#include "doc.h"
#include "document.h"
#include "experiment.h"
#include "prompts.h"
#include "raw_checks.h"
#include "sidecar_cols.h"
#include "session.h"

#include <cjson/cJSON.h>
#include <math.h>

#define CITY_ONLY "Give the city name only, plain text. "
#define DEMOS LL_SOURCE_DIR "/experiments/demo_models/"
#define LATE LL_SHARED_DIR "/data/runs/run-latest/output-Meta-Llama-3-8B.json"

static const struct {
    const char *key, *fact;
    int index;
    const char *id, *variant, *text, *answer;
} asks[] = {{"pos.orig.0", "Germany→Berlin", 0, "pos", "orig",
             CITY_ONLY "The capital of Germany is called simply", "Berlin"},
            {"pos.no_filler.0", "Germany→Berlin", 0, "pos", "no_filler",
             CITY_ONLY "The capital of Germany is called", "Berlin"},
            {"pos.orig.1", "France→Paris", 1, "pos", "orig",
             CITY_ONLY "The capital of France is called simply", "Paris"},
            {"ctl.orig", NULL, -1, "ctl", "orig", CITY_ONLY "The capital of France is called simply",
             "Paris"}};
enum { N_ASKS = sizeof asks / sizeof asks[0], FIRST_ROW = 7 /* a run's need not begin with row 0 */ };

/* ---- the tables kept as text ---------------------------------------------------------------- */
struct kept {
    struct ll_buf text[3];
    int rows[3];
};

static int keep_row(void *arg, const struct ll_row *row, struct ll_err *err)
{
    static const struct ll_schema *const of[] = {&ll_schema_milestones, &ll_schema_artifact,
                                                 &ll_schema_window};
    struct kept *k = arg;
    (void)err;
    for (int i = 0; i < 3; i++)
        if (row->schema == of[i]) {
            if (!k->rows[i]++)
                ll_csv_header(&k->text[i], of[i]);
            ll_csv_row(&k->text[i], row);
            return LL_OK;
        }
    fail_msg("a row of %s", row->schema->table);
    return LL_EFAIL;
}

/* ---- the passes of a model ------------------------------------------------------------------- */
struct how {
    const char *model;
    int threads;
    enum ll_raw_mode raw;
    int is_ids, no_answer, is_tuned;
    enum ll_repeat_mode repeat;
    int has_second, is_other, has_positions;
}; /* is_ids: the same few ids for each prompt */
static const struct how usual = {.model = DEMOS "demo-llama", .threads = 2, .raw = LL_RAW_FULL};

struct made {
    struct how how;
    struct ll_session s;
    struct ll_experiment e;
    struct ll_copy_labels labels;
    struct ll_prompt prompt[N_ASKS];
    struct ll_pass_stats stats[N_ASKS];
    double tau[64];
    struct ll_tuned *tuned;
    float *zeros;
    struct ll_doc *doc;
    struct ll_model_info model;
    char places[64][LL_NORM_PLACE];
    struct ll_doc_tuned_given tuned_given;
    struct ll_tuned_gains gains;
    struct ll_pass_info info[N_ASKS];
    struct ll_milestones first[N_ASKS];
    struct kept kept;
    struct ll_buf text; /* the document */
    cJSON *json;
};

static int is_in(int id, const int *ids, int n)
{
    for (int i = 0; i < n; i++)
        if (ids[i] == id)
            return 1;
    return 0;
}

/* The prompt's distinct ids that are not blank. */
static int vocab_of(const struct made *m, int i, int *out)
{
    struct ll_buf text = {0};
    int n = 0;
    for (int k = 0; k < m->prompt[i].ctx.n; k++) {
        int id = m->prompt[i].ctx.v[k];
        ll_buf_reset(&text);
        ll_session_show(&m->s, id, &text);
        if (!ll_text_is_blank(ll_buf_str(&text), text.len) && !is_in(id, out, n))
            out[n++] = id;
    }
    ll_buf_free(&text);
    return n;
}

static void run_pass(struct made *m, int i)
{
    struct ll_err err = {0};
    struct ll_prompt *p = &m->prompt[i];
    const struct ll_model *model = m->s.model;
    struct ll_stack stack;
    struct ll_pass pass;
    int n = p->ids.n, last = n - 1, start[2] = {0, n}, vocab[64];
    OK(ll_stack_init(&stack, model, n, &last, 1, &err), &err);
    struct ll_listener listener = ll_stack_listener(&stack);
    OK(ll_pass_init(&pass, &(struct ll_pass_plan){model, n, n, &listener, 1}, m->s.engine, &err), &err);
    OK(ll_forward(&pass, &(struct ll_batch){1, start, p->ids.v}, 0, model->n_layers, &err), &err);
    const float *resid[64];
    for (int l = 0; l <= model->n_layers; l++)
        resid[l] = ll_stack_row(&stack, l, 0);
    struct ll_analysis job = {.model = model,
                              .engine = m->s.engine,
                              .lens = m->e.lens,
                              .raw = m->how.raw,
                              .tuned = m->tuned,
                              .resid = resid,
                              .final_normed = pass.final + (size_t)last * (size_t)model->d_model,
                              .prompt_vocab = vocab,
                              .n_prompt_vocab = vocab_of(m, i, vocab),
                              .answer_id = p->answer.n ? p->answer.v[0] : -1,
                              .control_id = asks[i].fact || !p->answer.n ? -1 : m->prompt[0].answer.v[0],
                              .tau = m->tau};
    static struct walked walked;
    walk_rows(&walked, &job);
    OK(ll_pass_stats_init(&m->stats[i], model, &err), &err);
    OK(ll_analysis_run(&job, &m->stats[i], &err), &err);
    for (int l = 0; l <= model->n_layers; l++) {
        struct ll_row_stats *r = &m->stats[i].rows[l];
        r->is_answer = r->norm.answer_rank == 1;
        r->entropy_collapse = r->norm.entropy_bits <= 1;
        for (int k = 0; k < m->labels.n_strict; k++)
            r->copy_strict[k] = is_in(r->norm.top[0].id, vocab, job.n_prompt_vocab)
                && r->norm.p_top1 > m->labels.strict[k] && r->norm.p_top1 - r->norm.p_top2 > m->labels.margin;
    }
    m->info[i] = (struct ll_pass_info){
        .pass_key = asks[i].key,
        .fact_key = asks[i].fact,
        .fact_index = asks[i].index,
        .prompt_id = asks[i].id,
        .prompt_variant = asks[i].variant,
        .prompt_text = asks[i].text,
        .prompt_len = strlen(asks[i].text),
        .ids = p->ids.v,
        .n_ids = n,
        .gold = ll_prompt_gold(p, m->how.no_answer || m->how.is_ids ? NULL : asks[i].answer)};
    const struct ll_doc_pass_given given = {.info = &m->info[i],
                                            .stats = &m->stats[i],
                                            .prompt_vocab = job.prompt_vocab,
                                            .n_prompt_vocab = job.n_prompt_vocab,
                                            .first_row = FIRST_ROW + (long long)i * (model->n_layers + 1),
                                            .has_control = job.control_id >= 0};
    struct ll_pass_checks checks;
    OK(ll_doc_pass(m->doc, &given, &err), &err);
    if (!i) {
        OK(ll_pass_checks_run(&checks, &job, &m->stats[i], ll_doc_main_milestones(m->doc), &err), &err);
        ll_doc_checks(m->doc, &checks);
    }
    ll_pass_free(&pass);
    ll_stack_free(&stack);
}

static cJSON *parsed(struct made *m, const struct ll_doc_figures *figures)
{
    static const struct ll_run_info run = {.experiment = "test", .command = "run", .tool = "t", .seed = 316};
    const struct ll_document d = {.run = &run,
                                  .model = &m->model,
                                  .status = "ok",
                                  .passes = m->info,
                                  .milestones = m->first,
                                  .n_passes = N_ASKS,
                                  .figures = figures};
    struct ll_err err = {0};
    OK(ll_document_write(&m->text, &d, &err), &err);
    cJSON *doc = cJSON_ParseWithLength(m->text.s, m->text.len);
    if (!doc)
        fail_msg("no JSON: %.200s", cJSON_GetErrorPtr());
    assert_null(strstr(m->text.s, "/tmp/"));
    assert_null(strstr(m->text.s, LL_SOURCE_DIR));
    return doc;
}

static void make_prompt(struct made *m, int i)
{
    static const int ids[] = {3, 5, 7, 5, 9};
    struct ll_err err = {0};
    if (m->how.is_ids)
        OK(ll_prompt_from_ids(&m->prompt[i], &m->s, ids, 5, 11, &err), &err);
    else
        OK(ll_prompt_from_text(&m->prompt[i], &m->s, asks[i].text, strlen(asks[i].text),
                               m->how.no_answer ? NULL : asks[i].answer, LL_SPELL_AUTO, &err),
           &err);
}

/* A tuned lens that changes nothing: W = 0, b = 0 at rows 0..n-1. */
static void make_tuned(struct made *m)
{
    struct ll_translator rows[64] = {0};
    struct ll_err err = {0};
    int d = m->s.model->d_model, n = m->s.model->n_layers;
    m->zeros = calloc((size_t)d * (size_t)d, sizeof *m->zeros);
    for (int l = 0; l < n; l++)
        rows[l].W = (struct ll_mat){.type = LL_F32,
                                    .data = (const uint8_t *)m->zeros,
                                    .row_bytes = (size_t)d * sizeof(float),
                                    .n = d,
                                    .k = d};
    OK(ll_tuned_make(&m->tuned, m->s.model, rows, n, NULL, NULL, &err), &err);
}

/* What a second pass said: the same, or (is_other) one that never finds the answer. */
static void second_pass(struct made *m)
{
    struct ll_pass_stats other = m->stats[0];
    int vocab[64], n = vocab_of(m, 0, vocab);
    other.rows = malloc(sizeof *other.rows * (size_t)other.n_rows);
    memcpy(other.rows, m->stats[0].rows, sizeof *other.rows * (size_t)other.n_rows);
    for (int l = 0; l < other.n_rows && m->how.is_other; l++) {
        other.rows[l].norm.answer_rank = 2;
        other.rows[l].is_answer = 0;
    }
    ll_doc_repeat(m->doc, &other, vocab, n);
    free(other.rows);
}

/* Four positions, the last without a target: rank 1 at the first in every row, at the second from the
 * answer's row on, at the third never. */
static void positions(struct made *m)
{
    static const struct ll_pos_frac at[] = {{0.2, 3}, {0.4, 6}, {0.8, 13}, {1, 16}};
    static const int targets[] = {5, 6, 7, -1};
    struct ll_err err = {0};
    int n_rows = m->stats[0].n_rows, L = 0;
    int *ranks = malloc(sizeof *ranks * 4 * (size_t)n_rows);
    while (m->stats[0].rows[L].norm.answer_rank != 1)
        L++;
    for (int l = 0; l < n_rows; l++) {
        ranks[l] = 1;
        ranks[n_rows + l] = l >= L ? 1 : 9;
        ranks[2 * n_rows + l] = 2;
        ranks[3 * n_rows + l] = 1;
    }
    if (m->how.has_positions == 2)
        ranks[n_rows + L] = 4;
    OK(ll_doc_positions(m->doc, at, 4, targets, ranks, &err), &err);
    free(ranks);
}

static void make(struct made *m, const struct how *how)
{
    struct ll_err err = {0};
    memset(m, 0, sizeof *m);
    m->how = *how;
    OK(ll_session_open(&m->s, how->model, NULL, how->threads, &err), &err);
    if (how->is_tuned)
        make_tuned(m);
    m->e.lens = LL_LENS_FINAL;
    m->e.repeat = how->repeat;
    copy_labels_default(&m->labels);
    for (int l = 0; l < 64; l++)
        m->tau[l] = 1;
    const struct ll_model *model = m->s.model;
    m->model = (struct ll_model_info){.model_id = "a/demo",
                                      .clean = model->ckpt->clean,
                                      .stem = model->ckpt->clean,
                                      .architecture = "pre_norm",
                                      .n_layers = model->n_layers,
                                      .d_vocab = model->d_vocab,
                                      .norm_kind = "RMSNorm",
                                      .lens_norm = "final"};
    for (int l = 0; l <= model->n_layers; l++)
        ll_norm_place(model, m->e.lens, l, m->places[l]);
    for (int l = 0; l < N_ASKS; l++)
        m->first[l] = (struct ll_milestones){-1, -1, -1};
    m->tuned_given = (struct ll_doc_tuned_given){.is_asked = how->is_tuned,
                                                 .is_loaded = how->is_tuned,
                                                 .mode = LL_TUNED_AUTO,
                                                 .name = "lens",
                                                 .n_layers = how->is_tuned ? model->n_layers : 0,
                                                 .temperatures = m->tau,
                                                 .skips = {{0.5, 1, 2}, 0}};
    const struct ll_doc_setup setup = {.model = &m->model,
                                       .bias = ll_unembed_bias_of(model),
                                       .norm_places = (const char(*)[LL_NORM_PLACE])m->places,
                                       .tok = m->s.tok,
                                       .labels = &m->labels,
                                       .tau = m->tau,
                                       .tuned = &m->tuned_given,
                                       .lens = m->e.lens,
                                       .raw = how->raw,
                                       .repeat = how->repeat,
                                       .n_passes = N_ASKS};
    OK(ll_doc_open(&m->doc, &setup, &err), &err);
    for (int i = 0; i < N_ASKS; i++)
        make_prompt(m, i);
    for (int i = 0; i < N_ASKS; i++)
        run_pass(m, i);
    if (how->has_second)
        second_pass(m);
    if (how->has_positions)
        positions(m);
    const struct ll_doc_figures *figures;
    for (int i = 0; i < N_ASKS && how->is_tuned; i++)
        ll_tuned_gains_pass(&m->gains, &m->stats[i]);
    OK(ll_tuned_audit_of(&m->tuned_given.audit, &m->gains, &err), &err);
    OK(ll_doc_finish(m->doc, &figures, &err), &err);
    OK(ll_doc_tables(m->doc, (struct ll_row_taker){keep_row, &m->kept}, &err), &err);
    m->json = parsed(m, figures);
}

static void unmake(struct made *m)
{
    cJSON_Delete(m->json);
    ll_doc_close(m->doc);
    ll_tuned_gains_free(&m->gains);
    ll_buf_free(&m->text);
    for (int i = 0; i < N_ASKS; i++) {
        ll_prompt_free(&m->prompt[i]);
        ll_pass_stats_free(&m->stats[i]);
    }
    for (int i = 0; i < 3; i++)
        ll_buf_free(&m->kept.text[i]);
    ll_tuned_free(m->tuned);
    free(m->zeros);
    ll_session_close(&m->s);
}

/* ---- reading the document -------------------------------------------------------------------- */
static const cJSON *at(const cJSON *j, const char *path)
{
    char key[80];
    const char *whole = path;
    while (*path) {
        size_t n = strcspn(path, "/");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        j = cJSON_GetObjectItemCaseSensitive(j, key);
        if (!j)
            fail_msg("no %s of %s", key, whole);
        path += n + (path[n] == '/');
    }
    return j;
}

static int layer_at(const cJSON *j, const char *path)
{
    const cJSON *v = at(j, path);
    return cJSON_IsNumber(v) ? v->valueint : -1;
}

static int first_rank1(const struct ll_pass_stats *s)
{
    for (int l = 0; l < s->n_rows; l++)
        if (s->rows[l].norm.answer_rank == 1)
            return l;
    return -1;
}

static void values_agree_with_rows(void **state)
{
    struct made m;
    (void)state;
    make(&m, &usual);
    const cJSON *d = at(m.json, "diagnostics");
    int n = m.s.model->n_layers, L = first_rank1(&m.stats[0]);
    assert_in_range(L, 1, n); /* the bundled model knows the capital */
    assert_int_equal(layer_at(d, "first_rank_le_1"), L);
    assert_int_equal(layer_at(d, "confirmed_semantics/L_semantic_norm"), L);
    assert_int_equal(layer_at(m.json, "ablation_summary/L_sem_nf"), first_rank1(&m.stats[1]));
    assert_int_equal(at(m.json, "ablation_summary/delta_L_sem")->valueint, first_rank1(&m.stats[1]) - L);
    assert_int_not_equal(first_rank1(&m.stats[1]), L);
    assert_int_equal(cJSON_IsTrue(at(m.json, "ablation_summary/style_sensitive")),
                     abs(first_rank1(&m.stats[1]) - L) * 10 >= n);
    const cJSON *facts = at(m.json, "micro_suite/facts");
    assert_int_equal(cJSON_GetArraySize(facts), 2);
    assert_int_equal(layer_at(cJSON_GetArrayItem(facts, 1), "row_index"),
                     FIRST_ROW + 2 * (n + 1) + first_rank1(&m.stats[2]));
    assert_int_equal(layer_at(m.json, "evaluation_pack/citations/layers/L_semantic_norm_row"), FIRST_ROW + L);
    assert_string_equal(at(cJSON_GetArrayItem(facts, 1), "fact_key")->valuestring, "France→Paris");
    assert_int_equal(cJSON_GetArraySize(at(m.json, "raw_lens_check/samples")), 8);
    double margin = m.stats[3].rows[n].norm.p_answer - m.stats[3].rows[n].p_control;
    assert_true(at(m.json, "control_summary/max_control_margin")->valuedouble >= margin && margin > 0);
    assert_int_equal(layer_at(m.json, "control_prompt/gold_answer/first_id"), m.prompt[3].answer.v[0]);
    assert_true(at(d, "gold_alignment_rate")->valuedouble == 1);
    assert_int_equal(cJSON_GetArraySize(at(d, "gold_alignment_prompts")), N_ASKS);
    assert_true(at(d, "last_layer_consistency/kl_to_final_bits")->valuedouble == 0);
    assert_true(at(d, "last_layer_consistency/temp_est")->valuedouble == 1);
    assert_true(at(d, "repeatability/max_rank_dev")->valuedouble == 0);
    assert_true(at(d, "raw_lens_full/teacher_entropy_bits")->valuedouble == m.stats[0].teacher_entropy_bits);
    assert_int_equal(cJSON_GetArraySize(at(d, "normalization_provenance/per_layer")), n + 1);
    const cJSON *row = cJSON_GetArrayItem(at(d, "layer_map"), 1);
    assert_string_equal(at(row, "block")->valuestring, "blocks[0]");
    assert_string_equal(at(row, "norm")->valuestring, "ln_final");
    assert_int_equal(cJSON_GetArraySize(at(d, "copy_mask/ignored_token_ids")), layer_at(d, "copy_mask/size"));
    assert_true(layer_at(d, "copy_mask/size") > 0);
    assert_true(cJSON_IsTrue(at(d, "decoding_point/tested")));
    assert_string_equal(at(m.json, "tuned_lens/status")->valuestring, "missing");
    assert_int_equal(cJSON_GetArraySize(at(m.json, "copy_flag_columns")), 7);
    assert_true(cJSON_IsNull(at(d, "position_window/rank1_frac")));
    char *grid = cJSON_PrintUnformatted(at(d, "position_window/grid"));
    assert_int_equal(m.prompt[0].ids.n, 17);
    assert_string_equal(grid,
                        "[0.2,0.4,0.6,0.8,0.92,0.98]"); /* 0.96 and 1 fall on positions that were there */
    free(grid);
    unmake(&m);
}

static int lines_of(const struct ll_buf *b)
{
    int n = 0;
    for (size_t i = 0; i < b->len; i++)
        n += b->s[i] == '\n';
    return n;
}

static void tables(void **state)
{
    struct made m;
    char line[400];
    (void)state;
    make(&m, &usual);
    int n = m.s.model->n_layers, L = first_rank1(&m.stats[0]);
    assert_int_equal(m.kept.rows[0], 4);
    assert_int_equal(strncmp(m.kept.text[0].s,
                             "layer,csv_row_index,is_copy_strict,is_copy_soft_k,is_semantic_norm,is_semantic_"
                             "confirmed,answer_rank,p_answer,"
                             "kl_to_final_bits,entropy_bits,lens\n",
                             137),
                     0);
    snprintf(line, sizeof line, "\n%d,%d,False,,True,False,1,", L, FIRST_ROW + L);
    assert_non_null(strstr(m.kept.text[0].s, line));
    assert_int_equal(m.kept.rows[1], n + 2);
    assert_non_null(strstr(m.kept.text[1].s, "\n_summary,"));
    snprintf(line, sizeof line, ",%s\n0,", at(m.json, "diagnostics/raw_lens_full/score/tier")->valuestring);
    assert_non_null(strstr(m.kept.text[1].s, line));
    assert_int_equal(strncmp(m.kept.text[2].s,
                             "fact_key,fact_index,prompt_id,prompt_variant,layer,lens,p_top1,top1_token_id,"
                             "top1_token_str,p_answer,answer_rank,kl_norm_vs_raw_bits\n",
                             132),
                     0);
    assert_true(m.kept.rows[2] % 2 == 0 && lines_of(&m.kept.text[2]) >= m.kept.rows[2] + 1);
    int checked = cJSON_GetArraySize(at(m.json, "diagnostics/raw_lens_window/layers_checked")), of_main = 0;
    for (const char *p = m.kept.text[2].s; (p = strstr(p, "Germany→Berlin,0,pos,orig,")); p++)
        of_main++;
    assert_int_equal(of_main, 2 * checked);
    unmake(&m);
}

/* No object has a key twice. */
static void keys_once(const cJSON *j)
{
    for (const cJSON *a = j->child; a; a = a->next) {
        for (const cJSON *b = a->next; b && cJSON_IsObject(j); b = b->next)
            assert_string_not_equal(a->string, b->string);
        keys_once(a);
    }
}

static void threads_change_nothing(void **state)
{
    struct made a, b;
    struct how one = usual;
    (void)state;
    one.threads = 1;
    make(&a, &one);
    make(&b, &usual);
    assert_string_equal(a.text.s, b.text.s);
    keys_once(a.json);
    for (int i = 0; i < 3; i++)
        assert_string_equal(a.kept.text[i].s, b.kept.text[i].s);
    unmake(&a);
    unmake(&b);
}

/* What the fixed sections of the JSON sink write, what belongs to lenses that are not made here, and what
 * cannot be known. */
static const char *const elsewhere[] = {
    "prompt/type",
    "prompt/context_prompt",
    "prompt/ground_truth",
    "prompt",
    "test_prompts",
    "temperature_exploration",
    "final_prediction",
    "model_stats",
    "gold_answer",
    "diagnostics/type",
    "diagnostics/model",
    "diagnostics/device",
    "diagnostics/use_norm_lens",
    "diagnostics/use_fp32_unembed",
    "diagnostics/unembed_dtype",
    "diagnostics/first_block_ln1_type",
    "diagnostics/final_ln_type",
    "diagnostics/layernorm_bias_fix",
    "diagnostics/norm_alignment_fix",
    "diagnostics/layer0_norm_fix",
    "diagnostics/mixed_precision_fix",
    "diagnostics/layer0_position_info",
    "diagnostics/context_prompt",
    "diagnostics/target_prediction",
    "diagnostics/L_copy",
    "diagnostics/L_copy_H",
    "diagnostics/L_semantic",
    "diagnostics/delta_layers",
    /* the Prism and tuned lenses' */
    "diagnostics/prism_summary",
    "diagnostics/tuned_lens",
    "diagnostics/skip_layers_sanity",
    "diagnostics/tuned_lens_skip_warning",
    "diagnostics/tuned_lens_regression",
    "tuned_lens/path",
    "tuned_lens/summaries",
    "tuned_lens/provenance",
    "tuned_lens/provenance_snapshot",
    "tuned_lens/summary",
    "tuned_lens/audit_summary",
    "tuned_lens/attribution",
    "evaluation_pack/tuned_audit",
    "evaluation_pack/citations/files/tuned_pure_csv",
    "evaluation_pack/citations/files/tuned_variants_csv",
    "evaluation_pack/citations/files/positions_audit_csv",
    "diagnostics/lens_consistency/norm_vs_tuned",
    /* of their machine */
    "provenance/env/torch_version",
    "provenance/env/cuda_version",
    "provenance/env/cudnn",
    "provenance/env/cudnn_benchmark",
    "provenance/env/python",
    "provenance/env/platform",
    /* remarks */
    "measurement_guidance/notes_append",
    "micro_suite/aggregates/notes",
    "diagnostics/micro_suite/aggregates/notes",
    "summary/micro_suite/notes",
    /* flags are there when they hold */
    "diagnostics/flags/rank_only_near_uniform",
    "diagnostics/flags/low_lens_consistency_at_semantic",
    "diagnostics/flags/pos_window_low_stability",
    "diagnostics/flags/normalization_spike",
    /* a target of their run */
    "diagnostics/gate_stability_small_scale/per_target/L_semantic_norm",
};

static int is_elsewhere(const char *path)
{
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        if (!strcmp(path, elsewhere[i]))
            return 1;
    const char *end = strrchr(path, '_');
    return !strncmp(path, "diagnostics/", 12) && end
        && !strcmp(end, "_tuned"); /* the tuned lens' own milestones */
}

/* Every member of want is in got, down through objects and the first element of lists; what has layers or
 * facts as keys is left. */
static int n_missing;
static void same_keys(const cJSON *want, const cJSON *got, const char *path)
{
    const cJSON *v;
    if (cJSON_IsArray(want) && cJSON_IsArray(got) && want->child && got->child)
        same_keys(want->child, got->child, path);
    if (!cJSON_IsObject(want) || !cJSON_IsObject(got) || strstr(path, "per_layer_")
        || strstr(path, "fact_rows"))
        return;
    cJSON_ArrayForEach(v, want)
    {
        char sub[300];
        snprintf(sub, sizeof sub, "%s%s%s", path, *path ? "/" : "", v->string);
        const cJSON *ours = cJSON_GetObjectItemCaseSensitive(got, v->string);
        if (!ours && !is_elsewhere(sub)) {
            print_message("missing: %s\n", sub);
            n_missing++;
        }
        if (ours)
            same_keys(v, ours, sub);
    }
}

static void keys_of_the_late_document(void **state)
{
    struct made m;
    struct ll_buf text = {0};
    struct ll_err err = {0};
    (void)state;
    if (!ll_is_file(LATE)) {
        print_message("no shared/data/runs\n");
        skip();
    }
    OK(ll_file_read(LATE, 1u << 26, &text, &err), &err);
    cJSON *late = cJSON_ParseWithLength(text.s, text.len);
    make(&m, &usual);
    n_missing = 0;
    same_keys(late, m.json, "");
    assert_int_equal(n_missing, 0);
    cJSON_Delete(late);
    ll_buf_free(&text);
    unmake(&m);
}

/* Rows that were not read raw, and no answer at all: nulls and missing tables, no figures. */
static void what_is_not_known(void **state)
{
    struct made m;
    struct how how = usual;
    (void)state;
    how.raw = LL_RAW_OFF;
    make(&m, &how);
    assert_true(cJSON_IsNull(at(m.json, "diagnostics/raw_lens_full"))
                && cJSON_IsNull(at(m.json, "evaluation_pack/artifact")));
    assert_string_equal(at(m.json, "raw_lens_check/mode")->valuestring, "off");
    assert_true(cJSON_IsNull(at(m.json, "raw_lens_check/summary/lens_artifact_risk")));
    assert_true(m.kept.rows[0] == 4 && m.kept.rows[1] == 0 && m.kept.rows[2] == 0);
    assert_string_equal(at(m.json, "diagnostics/confirmed_semantics/confirmed_source")->valuestring, "none");
    unmake(&m);
    how.raw = LL_RAW_SAMPLE;
    make(&m, &how);
    int rows[LL_RAW_SAMPLES];
    assert_int_equal(cJSON_GetArraySize(at(m.json, "raw_lens_check/samples")),
                     2 * ll_raw_sample_rows(m.s.model->n_layers, rows));
    assert_true(cJSON_IsNull(at(m.json, "diagnostics/raw_lens_full")) && m.kept.rows[1] == 0
                && m.kept.rows[2] > 0);
    unmake(&m);
    how.raw = LL_RAW_FULL;
    how.no_answer = 1;
    make(&m, &how);
    assert_true(cJSON_IsNull(at(m.json, "diagnostics/gold_alignment_rate")));
    assert_true(cJSON_IsNull(at(m.json, "diagnostics/first_rank_le_1"))
                && cJSON_IsNull(at(m.json, "control_summary/max_control_margin")));
    assert_true(cJSON_IsNull(at(m.json, "diagnostics/decoding_point/gate/decoding_point_consistent")));
    assert_string_equal(at(m.json, "diagnostics/gold_alignment/status")->valuestring, "none");
    assert_int_equal(layer_at(m.json, "micro_suite/aggregates/n_missing"), 2);
    unmake(&m);
}

/* A lens that changes nothing gains nothing, confirms what the norm says, and agrees with it everywhere. */
static void tuned(void **state)
{
    struct made m;
    struct how how = usual;
    (void)state;
    how.is_tuned = 1;
    make(&m, &how);
    const cJSON *t = at(m.json, "tuned_lens/summary/metrics");
    int L = first_rank1(&m.stats[0]);
    assert_string_equal(at(m.json, "tuned_lens/status")->valuestring, "loaded");
    assert_int_equal(layer_at(t, "rank_milestones/tuned/le_1"), L);
    assert_true(at(t, "rank_milestones/delta/le_1")->valuedouble == 0
                && fabs(at(t, "kl_bits_at_percentiles/delta/p50")->valuedouble)
                    < 1e-6); /* the walk adds floats */
    assert_int_equal(layer_at(t, "first_kl_le_1.0/tuned"), layer_at(t, "first_kl_le_1.0/baseline"));
    assert_int_equal(layer_at(m.json, "diagnostics/confirmed_semantics/L_semantic_tuned"), L);
    assert_string_equal(at(m.json, "diagnostics/confirmed_semantics/confirmed_source")->valuestring, "both");
    assert_true(at(m.json, "diagnostics/lens_consistency/norm_vs_tuned/p50/jaccard@50")->valuedouble == 1);
    assert_string_equal(at(m.json, "measurement_guidance/preferred_lens_for_reporting")->valuestring, "norm");
    unmake(&m);
}

/* Every family of the fixtures, and the one with a soft cap: a document comes out, row n is the model's
 * own. */
static void families(void **state)
{
    DIR *d = opendir(LL_SOURCE_DIR "/tests/fixtures/models");
    struct made m;
    int n = 0;
    (void)state;
    struct how how = usual;
    how.model = DEMOS "demo-gemma2";
    make(&m, &how);
    assert_true(at(m.json, "diagnostics/last_layer_consistency/kl_to_final_bits")->valuedouble == 0);
    assert_true(at(m.json, "diagnostics/last_layer_consistency/cfg_transform/softcap")->valuedouble > 0);
    assert_true(cJSON_IsTrue(at(m.json, "diagnostics/decoding_point/tested")));
    unmake(&m);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        char path[600], config[700];
        snprintf(path, sizeof path, LL_SOURCE_DIR "/tests/fixtures/models/%s", e->d_name);
        snprintf(config, sizeof config, "%s/config.json", path);
        if (!ll_is_file(config))
            continue;
        how = (struct how){.model = path, .threads = 1, .raw = LL_RAW_FULL, .is_ids = 1};
        make(&m, &how);
        assert_true(at(m.json, "diagnostics/last_layer_consistency/kl_to_final_bits")->valuedouble == 0);
        assert_int_equal(m.kept.rows[0], 4);
        assert_int_equal(m.kept.rows[1], m.s.model->n_layers + 2);
        unmake(&m);
        n++;
    }
    closedir(d);
    assert_true(n > 15);
}

static int has_reason(const struct made *m, const char *reason)
{
    const cJSON *r;
    cJSON_ArrayForEach(r, at(m->json, "measurement_guidance/reasons")) if (!strcmp(r->valuestring,
                                                                                   reason)) return 1;
    return 0;
}

static char *plain(const cJSON *j) { return cJSON_PrintUnformatted(j); }

static void second_passes(void **state)
{
    struct made m;
    struct how how = usual;
    (void)state;
    how.repeat = LL_REPEAT_OFF;
    make(&m, &how);
    assert_false(ll_doc_wants_repeat(m.doc));
    assert_true(cJSON_IsFalse(at(m.json, "diagnostics/repeatability_forward/enabled")));
    assert_string_equal(at(m.json, "diagnostics/repeatability_forward/mode")->valuestring, "off");
    unmake(&m);
    how.repeat = LL_REPEAT_ALWAYS;
    how.has_second = 1;
    make(&m, &how);
    assert_true(ll_doc_wants_repeat(m.doc));
    const cJSON *f = at(m.json, "diagnostics/repeatability_forward");
    assert_true(layer_at(f, "milestones/pass2/layer") >= 0);
    assert_int_equal(layer_at(f, "milestones/pass2/layer"), layer_at(f, "milestones/pass1/layer"));
    assert_int_equal(layer_at(f, "milestones/delta_layers"), 0);
    assert_true(at(f, "topk_jaccard_at_primary_layer")->valuedouble == 1);
    assert_true(cJSON_IsTrue(at(f, "gate/repeatability_forward_pass"))
                && cJSON_IsTrue(at(f, "rows_identical")));
    assert_null(cJSON_GetObjectItem(at(m.json, "diagnostics/flags"), "repeatability_forward_skipped"));
    assert_false(has_reason(&m, "repeatability_forward_disagreement"));
    unmake(&m);
    how.is_other = 1;
    make(&m, &how);
    f = at(m.json, "diagnostics/repeatability_forward");
    assert_true(cJSON_IsNull(at(f, "milestones/pass2/layer"))
                && cJSON_IsNull(at(f, "milestones/delta_layers")));
    assert_true(cJSON_IsFalse(at(f, "gate/repeatability_forward_pass"))
                && cJSON_IsFalse(at(f, "rows_identical")));
    assert_true(cJSON_IsTrue(at(m.json, "diagnostics/flags/repeatability_forward_disagreement"))
                && has_reason(&m, "repeatability_forward_disagreement"));
    unmake(&m);
}

static void positions_with_targets(void **state)
{
    struct made m;
    struct how how = usual;
    (void)state;
    how.has_positions = 1;
    make(&m, &how);
    const cJSON *w = at(m.json, "diagnostics/position_window");
    assert_true(fabs(at(w, "rank1_frac")->valuedouble - 2.0 / 3) < 1e-15); /* of three: the last has none */
    assert_true(cJSON_IsFalse(at(w, "fragile")));
    char *a = plain(at(w, "rank1_at_L_semantic_norm")), *b = plain(at(w, "target_ids")),
         *c = plain(at(w, "positions"));
    assert_string_equal(a, "[true,true,false,null]");
    assert_string_equal(b, "[5,6,7,null]");
    assert_string_equal(c, "[3,6,13,16]");
    free(a);
    free(b);
    free(c);
    assert_null(cJSON_GetObjectItem(w, "omitted"));
    assert_false(has_reason(&m, "pos_window_low_stability"));
    unmake(&m);
    how.has_positions = 2;
    make(&m, &how);
    w = at(m.json, "summary/position_window");
    assert_true(fabs(at(w, "rank1_frac")->valuedouble - 1.0 / 3) < 1e-15);
    assert_true(cJSON_IsTrue(at(w, "fragile")) && has_reason(&m, "pos_window_low_stability"));
    assert_true(cJSON_IsTrue(at(m.json, "diagnostics/flags/pos_window_low_stability")));
    unmake(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_agree_with_rows),
                                       cmocka_unit_test(tables),
                                       cmocka_unit_test(threads_change_nothing),
                                       cmocka_unit_test(keys_of_the_late_document),
                                       cmocka_unit_test(what_is_not_known),
                                       cmocka_unit_test(tuned),
                                       cmocka_unit_test(second_passes),
                                       cmocka_unit_test(positions_with_targets),
                                       cmocka_unit_test(families)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
