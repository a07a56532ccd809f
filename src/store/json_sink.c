/* json_sink.c - output-<clean>.json: what was run and what came out, without the rows.
 *
 * The original's six sections first, keys unchanged (docs/experiment.md 13.1), ours after them; a model that
 * failed or was skipped leaves {status, model, reason, schema_version, provenance} (docs/experiment.md 13.5).
 * No wall clock and no machine paths: two runs are compared byte for byte. */
#include "json_write.h"
#include "literal.h"
#include "outfile.h"
#include "provenance.h"
#include "sinks.h"

#include <stdlib.h>
#include <string.h>

struct json_sink {
    struct ll_sink sink;
    char *folder;                  /* owned */
    const struct ll_run_info *run; /* borrowed: outlives the sink */
    const char *stem;              /* borrowed: of the model being written; NULL between models */
};

static void put_milestones(struct ll_json *j, const struct ll_milestones *m)
{
    ll_json_layer(j, "L_copy", m->L_copy);
    ll_json_layer(j, "L_copy_H", m->L_copy_H);
    ll_json_layer(j, "L_semantic", m->L_semantic);
    if (m->L_copy < 0 || m->L_semantic < 0)
        ll_json_null(j, "delta_layers");
    else
        ll_json_int(j, "delta_layers", m->L_semantic - m->L_copy);
}

static void put_ids(struct ll_json *j, const char *key, const int *ids, int n)
{
    ll_json_arr_flat(j, key);
    for (int i = 0; i < n; i++)
        ll_json_int(j, NULL, ids[i]);
    ll_json_end(j);
}

static void put_gold(struct ll_json *j, const char *key, const struct ll_gold *gold)
{
    if (!gold->text && gold->n <= 0) { /* an answer given by its id has no text */
        ll_json_null(j, key);
        return;
    }
    ll_json_obj(j, key);
    ll_json_cstr(j, "string", gold->text);
    ll_json_arr_flat(j, "pieces");
    for (int i = 0; i < gold->n_pieces; i++)
        ll_json_cstr(j, NULL, gold->pieces[i]);
    ll_json_end(j);
    if (gold->n > 0)
        ll_json_int(j, "first_id", gold->ids[0]);
    else
        ll_json_null(j, "first_id");
    put_ids(j, "answer_ids", gold->ids, gold->n);
    ll_json_cstr(j, "variant", gold->variant);
    if (gold->reason)
        ll_json_cstr(j, "reason", gold->reason);
    ll_json_end(j);
}

/* The further members of an object (parent NULL: of the document). */
static void put_sections(struct ll_json *j, const struct ll_model_doc *doc, const char *parent)
{
    for (int i = 0; i < doc->n_sections; i++) {
        const struct ll_doc_section *s = &doc->sections[i];
        if (parent ? s->parent && !strcmp(s->parent, parent) : !s->parent)
            ll_json_raw(j, s->key, s->json);
    }
}

/* ---- the original's sections ----------------------------------------------------------------- */
static void put_prompt(struct ll_json *j, const struct ll_model_doc *doc)
{
    const struct ll_pass_info *p = doc->main_pass;
    ll_json_obj(j, "prompt");
    ll_json_cstr(j, "type", "prompt");
    ll_json_str(j, "context_prompt", p ? p->prompt_text : NULL, p ? p->prompt_len : 0);
    ll_json_cstr(j, "ground_truth", p ? p->gold.text : NULL);
    put_sections(j, doc, "prompt");
    ll_json_end(j);
}

/* Members entropy and topk of a prediction; topk_ids, ours, tells apart tokens of the same text. */
static void put_distribution(struct ll_json *j, const struct ll_prediction *p)
{
    ll_json_num(j, "entropy", p->entropy_bits);
    ll_json_arr(j, "topk");
    for (int i = 0; i < p->n_top; i++) {
        ll_json_arr_flat(j, NULL);
        ll_json_str(j, NULL, p->top[i].text, p->top[i].n);
        ll_json_num(j, NULL, p->top[i].p);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_arr_flat(j, "topk_ids");
    for (int i = 0; i < p->n_top; i++)
        ll_json_int(j, NULL, p->top[i].id);
    ll_json_end(j);
}

static void put_test_prompts(struct ll_json *j, const struct ll_model_doc *doc)
{
    ll_json_arr(j, "test_prompts");
    for (int i = 0; i < doc->n_test_prompts; i++) {
        const struct ll_prediction *p = &doc->test_prompts[i];
        ll_json_obj(j, NULL);
        ll_json_cstr(j, "type", "test_prompt");
        ll_json_str(j, "prompt", p->prompt, p->prompt_len);
        put_distribution(j, p);
        ll_json_end(j);
    }
    ll_json_end(j);
}

static void put_temperatures(struct ll_json *j, const struct ll_model_doc *doc)
{
    ll_json_arr(j, "temperature_exploration");
    for (int i = 0; i < doc->n_temperatures; i++) {
        ll_json_obj(j, NULL);
        ll_json_cstr(j, "type", "temperature_exploration");
        ll_json_num(j, "temperature", doc->temperatures[i].temperature);
        put_distribution(j, &doc->temperatures[i]);
        ll_json_end(j);
    }
    ll_json_end(j);
}

/* The labels say which norm was used. The original's said only that a block owns an ln2, whatever was used
 * (docs/experiment.md 16.2); where ours means the same as one of the original's labels, it has the same text.
 */
static const struct norm_label {
    const char *lens_norm, *post_block, *post_block_layernorm, *embeddings;
} norm_labels[] = {
    {"final", "using_ln_final_for_post_block", "using_ln_final_for_post_block",
     "using_ln_final_on_embeddings"},
    {"next-ln1", "using_next_ln1_for_post_block", "using_next_ln1_for_post_block",
     "using_real_ln1_on_embeddings"},
    {"post-ln2", "using_ln2_rmsnorm_for_post_block", "using_ln2_layernorm_for_post_block",
     "using_real_ln1_on_embeddings"},
    {"raw", "no_normalization", "no_normalization", "no_normalization"},
    {NULL, NULL, NULL, NULL},
};

static const char *setting(const struct ll_run_info *run, const char *key)
{
    for (const char *const *s = run->settings; s && s[0]; s += 2)
        if (!strcmp(s[0], key))
            return s[1];
    return NULL;
}

static void put_norm_labels(struct ll_json *j, const struct ll_model_info *m, const struct ll_run_info *run)
{
    int is_rms = !m->norm_kind || LL_BEGINS(m->norm_kind, "RMSNorm");
    const char *bias = setting(run, "ln_bias");
    const struct norm_label *l = norm_labels;
    while (l->lens_norm && (!m->lens_norm || strcmp(l->lens_norm, m->lens_norm)))
        l++;
    /* "active": the lens drops beta; the default keeps it, so that row n is the model's output */
    ll_json_cstr(j, "layernorm_bias_fix",
                 is_rms                              ? "not_needed_rms_model"
                     : bias && !strcmp(bias, "drop") ? "active"
                                                     : "bias_kept");
    ll_json_cstr(j, "norm_alignment_fix", is_rms ? l->post_block : l->post_block_layernorm);
    ll_json_cstr(j, "layer0_norm_fix", l->embeddings);
}

static void put_diagnostics(struct ll_json *j, const struct ll_model_doc *doc, const struct ll_run_info *run)
{
    const struct ll_model_info *m = doc->model;
    const struct ll_pass_info *p = doc->main_pass;
    size_t kind_len = m->norm_kind ? strcspn(m->norm_kind, "(") : 0; /* "RMSNorm(1+w)" is an RMSNorm */
    struct ll_buf target = {0};
    ll_buf_adds(&target, "first unseen token");
    if (p && p->gold.text)
        ll_buf_addf(&target, " (likely '%s')", p->gold.text);
    ll_json_obj(j, "diagnostics");
    ll_json_cstr(j, "type", "diagnostics");
    ll_json_cstr(j, "model", m->model_id);
    ll_json_cstr(j, "device", "cpu");
    ll_json_bool(j, "use_norm_lens", !m->lens_norm || strcmp(m->lens_norm, "raw") != 0);
    ll_json_bool(j, "use_fp32_unembed", 1); /* products are float32 whatever the stored type */
    ll_json_cstr(j, "unembed_dtype", "float32");
    ll_json_str(j, "first_block_ln1_type", m->norm_kind, kind_len);
    ll_json_str(j, "final_ln_type", m->norm_kind, kind_len);
    put_norm_labels(j, m, run);
    ll_json_cstr(j, "mixed_precision_fix", "not_needed_fp32_throughout");
    ll_json_cstr(j, "layer0_position_info",
                 m->learned_positions ? "additive_pos_embed_included" : "token_only_rotary_model");
    ll_json_str(j, "context_prompt", p ? p->prompt_text : NULL, p ? p->prompt_len : 0);
    ll_json_str(j, "target_prediction", target.s, target.len);
    put_milestones(j, &doc->milestones);
    put_sections(j, doc, "diagnostics");
    ll_json_end(j);
    ll_buf_free(&target);
}

static void put_final_prediction(struct ll_json *j, const struct ll_model_doc *doc)
{
    if (!doc->final_prediction) {
        ll_json_null(j, "final_prediction");
        return;
    }
    ll_json_obj(j, "final_prediction");
    ll_json_cstr(j, "type", "final_prediction");
    put_distribution(j, doc->final_prediction);
    ll_json_end(j);
}

static void put_model_stats(struct ll_json *j, const struct ll_model_info *m)
{
    ll_json_obj(j, "model_stats");
    ll_json_cstr(j, "type", "model_stats");
    ll_json_int(j, "num_layers", m->n_layers);
    ll_json_int(j, "d_model", m->d_model);
    ll_json_int(j, "n_heads", m->n_heads);
    ll_json_int(j, "d_vocab", m->d_vocab);
    ll_json_int(j, "n_ctx", m->n_ctx);
    ll_json_cstr(j, "architecture", m->architecture);
    ll_json_int(j, "n_kv_heads", m->n_kv_heads); /* from here on ours */
    ll_json_int(j, "d_head", m->d_head);
    ll_json_int(j, "d_mlp", m->d_mlp);
    ll_json_int(j, "n_params", m->n_params);
    ll_json_end(j);
}

/* ---- ours ------------------------------------------------------------------------------------ */
static void put_pass(struct ll_json *j, const struct ll_pass_info *p, const struct ll_milestones *m)
{
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "pass_key", p->pass_key);
    ll_json_cstr(j, "fact_key", p->fact_key);
    ll_json_layer(j, "fact_index", p->fact_index);
    ll_json_cstr(j, "prompt_id", p->prompt_id);
    ll_json_cstr(j, "prompt_variant", p->prompt_variant);
    ll_json_str(j, "prompt", p->prompt_text, p->prompt_len);
    put_ids(j, "token_ids", p->ids, p->n_ids);
    put_gold(j, "gold_answer", &p->gold);
    if (m) {
        ll_json_obj(j, "milestones");
        put_milestones(j, m);
        ll_json_end(j);
    }
    ll_json_end(j);
}

static void put_passes(struct ll_json *j, const struct ll_model_doc *doc)
{
    ll_json_cstr(j, "main_pass", doc->main_pass ? doc->main_pass->pass_key : NULL);
    ll_json_arr(j, "passes");
    for (int i = 0; i < doc->n_passes; i++)
        put_pass(j, &doc->passes[i], doc->pass_milestones ? &doc->pass_milestones[i] : NULL);
    ll_json_end(j);
}

static void put_model(struct ll_json *j, const struct ll_model_info *m)
{
    ll_json_cstr(j, "identity", m->identity);
    ll_json_cstr(j, "container", m->container);
    ll_json_cstr(j, "stored_types", m->stored_types);
    ll_json_cstr(j, "family", m->family);
    ll_json_cstr(j, "engine", m->engine);
    ll_json_cstr(j, "lens_norm", m->lens_norm);
    if (m->lens_site)
        ll_json_cstr(j, "lens_site", m->lens_site);
    if (m->lens_head)
        ll_json_cstr(j, "lens_head", m->lens_head);
    ll_json_cstr(j, "norm_kind", m->norm_kind);
    ll_json_num(j, "norm_eps", m->norm_eps);
    ll_json_cstr(j, "bos_policy", m->bos_policy);
    ll_json_num(j, "logit_scale", m->logit_scale);
    ll_json_num(j, "logit_cap", m->logit_cap);
    ll_json_num(j, "embedding_scale", m->emb_scale);
}

/* What is unknown of a model that was not run is left out: a zero would be taken for a value. */
static void put_provenance(struct ll_json *j, const struct ll_model_doc *doc, const struct ll_run_info *run)
{
    int is_done = !strcmp(doc->status, "ok");
    ll_json_obj(j, "provenance");
    ll_json_cstr(j, "tool", run->tool);
    ll_json_int(j, "seed", run->seed);
    ll_json_cstr(j, "command", run->command);
    ll_json_cstr(j, "experiment", run->experiment);
    ll_json_obj(j, "settings");
    for (const char *const *s = run->settings; s && s[0]; s += 2)
        ll_json_cstr(j, s[0], s[1]);
    ll_json_end(j);
    ll_json_obj(j, "model");
    ll_json_cstr(j, "id", doc->model->model_id);
    if (is_done)
        put_model(j, doc->model);
    ll_json_end(j);
    if (is_done) {
        ll_json_num(j, "copy_threshold", doc->copy_threshold);
        ll_json_num(j, "copy_margin", doc->copy_margin);
    }
    put_sections(j, doc, "provenance");
    ll_json_end(j);
}

static void put_warnings(struct ll_json *j, const struct ll_model_doc *doc)
{
    ll_json_arr(j, "warnings");
    for (int i = 0; i < doc->n_warnings; i++)
        ll_json_cstr(j, NULL, doc->warnings[i]);
    ll_json_end(j);
}

static void put_done(struct ll_json *j, const struct ll_model_doc *doc, const struct ll_run_info *run)
{
    ll_json_obj(j, NULL);
    put_prompt(j, doc);
    put_test_prompts(j, doc);
    put_temperatures(j, doc);
    put_diagnostics(j, doc, run);
    put_final_prediction(j, doc);
    put_model_stats(j, doc->model);
    ll_json_int(j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(j, "status", doc->status);
    if (doc->main_pass)
        put_gold(j, "gold_answer", &doc->main_pass->gold);
    else
        ll_json_null(j, "gold_answer");
    put_passes(j, doc);
    put_provenance(j, doc, run);
    put_warnings(j, doc);
    put_sections(j, doc, NULL);
    ll_json_bool(j, "last_row_equals_model", doc->last_row_equal);
    ll_json_end(j);
}

static void put_not_done(struct ll_json *j, const struct ll_model_doc *doc, const struct ll_run_info *run)
{
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "status", doc->status);
    ll_json_cstr(j, "model", doc->model->model_id);
    ll_json_cstr(j, "reason", doc->reason);
    ll_json_int(j, "schema_version", LL_SCHEMA_VERSION);
    put_provenance(j, doc, run);
    ll_json_end(j);
}

/* ---- the sink -------------------------------------------------------------------------------- */
static int json_open(struct ll_sink **sink, const char *folder, const struct ll_run_info *run,
                     struct ll_err *err)
{
    struct json_sink *s = calloc(1, sizeof *s);
    *sink = NULL;
    if (!s || !(s->folder = strdup(folder))) {
        free(s);
        return ll_fail_mem(err, "json sink", sizeof *s);
    }
    s->sink.type = &ll_sink_json;
    s->run = run;
    *sink = &s->sink;
    return LL_OK;
}

static void json_abort_model(struct ll_sink *sink) { ((struct json_sink *)sink)->stem = NULL; }

static int json_begin_model(struct ll_sink *sink, const struct ll_model_info *model, struct ll_err *err)
{
    struct json_sink *s = (struct json_sink *)sink;
    s->stem = model->stem;
    return s->stem ? LL_OK : ll_fail(err, LL_EFAIL, "json sink: a model without a stem");
}

static int json_row(struct ll_sink *sink, const struct ll_row *row, struct ll_err *err)
{
    (void)sink, (void)row, (void)err; /* rows are the CSV files' */
    return LL_OK;
}

static int json_end_model(struct ll_sink *sink, const struct ll_model_doc *doc, struct ll_err *err)
{
    struct json_sink *s = (struct json_sink *)sink;
    struct ll_buf text = {0}, path = {0};
    struct ll_json j;
    if (!s->stem)
        return ll_fail(err, LL_EFAIL, "json sink: end without a model");
    ll_json_init(&j, &text);
    if (strcmp(doc->status, "ok"))
        put_not_done(&j, doc, s->run);
    else
        put_done(&j, doc, s->run);
    ll_buf_addf(&path, "%s/output-%s.json", s->folder, s->stem);
    int rc = ll_buf_ok(&text, err);
    if (!rc)
        rc = ll_buf_ok(&path, err);
    if (!rc)
        rc = ll_file_write(path.s, text.s, text.len, err);
    if (!rc)
        s->stem = NULL;
    ll_buf_free(&text);
    ll_buf_free(&path);
    return rc;
}

static void json_close(struct ll_sink *sink)
{
    struct json_sink *s = (struct json_sink *)sink;
    if (!s)
        return;
    free(s->folder);
    free(s);
}

const struct ll_sink_type ll_sink_json = {
    "json",           "what was run, milestones, predictions and provenance, one JSON file a model",
    json_open,        json_begin_model,
    json_row,         json_end_model,
    json_abort_model, json_close,
};
