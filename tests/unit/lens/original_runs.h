/* original_runs.h - the original project's late tables (shared/data/runs/run-latest) as pass statistics, for
 * the tests of what is derived from rows. Only what the tables hold is filled in. */
#ifndef LL_TEST_ORIGINAL_RUNS_H
#define LL_TEST_ORIGINAL_RUNS_H
#include "unit/base/files.h"

#include "csv_read.h"
#include "milestones.h"

#include <cjson/cJSON.h>
#include <math.h>

#define LATE_RUNS LL_SHARED_DIR "/data/runs/run-latest"

static const struct {
    const char *name;
    int n_layers, d_vocab;
} late_models[] = {{"Meta-Llama-3-8B", 32, 128256},
                   {"Mistral-7B-v0.1", 32, 32000},
                   {"Qwen3-8B", 36, 151936},
                   {"gemma-2-9b", 42, 256000},
                   {"Yi-34B", 60, 64000}};
enum { N_LATE = 5, LATE_PASSES = 11, LATE_ANSWER = 1, LATE_OTHER = 2 };

struct late_pass {
    char key[128];
    struct ll_pass_stats s;
    long long first_row;
    unsigned char in_window[80];
};
struct late_run {
    struct late_pass p[LATE_PASSES];
    int n, n_layers, d_vocab;
};

struct late_reader {
    struct late_run *run;
    const struct ll_csv_row *names;
    struct ll_buf held;
    struct ll_field *field;
    int n_fields;
    int which;
    long long nr;
};
enum { LATE_PURE, LATE_RAW, LATE_TUNED, LATE_WINDOW };

static inline int late_header(void *arg, const struct ll_csv_row *names, struct ll_err *err)
{
    struct late_reader *r = arg;
    (void)err;
    r->field = calloc((size_t)names->n, sizeof *r->field);
    r->n_fields = names->n;
    for (int i = 0; i < names->n; i++)
        r->field[i] = (struct ll_field){strndup(names->field[i].s, names->field[i].n), names->field[i].n};
    return LL_OK;
}

static inline const struct ll_field *late_field(const struct late_reader *r, const struct ll_csv_row *row,
                                                const char *name)
{
    for (int i = 0; i < r->n_fields; i++)
        if (!strcmp(r->field[i].s, name))
            return &row->field[i];
    fail_msg("%s: no column %s", row->file, name);
    return NULL;
}

static inline double late_real(const struct late_reader *r, const struct ll_csv_row *row, const char *name)
{
    double v;
    return ll_field_real(late_field(r, row, name), &v) ? v : NAN;
}

static inline int late_int(const struct late_reader *r, const struct ll_csv_row *row, const char *name)
{
    long long v;
    return ll_field_int(late_field(r, row, name), &v) ? (int)v : -1;
}

static inline unsigned char late_bool(const struct late_reader *r, const struct ll_csv_row *row,
                                      const char *name)
{
    long long v;
    assert_true(ll_field_bool(late_field(r, row, name), &v));
    return (unsigned char)v;
}

/* The row of the pass and layer that a line names; a pass is made when the pure table first names it. */
static inline struct ll_row_stats *late_row(struct late_reader *r, const struct ll_csv_row *row,
                                            struct late_pass **pass)
{
    char key[128];
    const struct ll_field *f = late_field(r, row, "fact_key"), *p = late_field(r, row, "prompt_id"),
                          *v = late_field(r, row, "prompt_variant");
    snprintf(key, sizeof key, "%.*s/%.*s/%.*s", (int)f->n, f->s ? f->s : "", (int)p->n, p->s ? p->s : "",
             (int)v->n, v->s ? v->s : "");
    int i = 0, layer = late_int(r, row, "layer");
    while (i < r->run->n && strcmp(r->run->p[i].key, key))
        i++;
    if (i == r->run->n) {
        assert_int_equal(r->which, LATE_PURE);
        assert_true(i < LATE_PASSES);
        struct late_pass *new = &r->run->p[r->run->n++];
        struct ll_model m = {.n_layers = r->run->n_layers, .d_vocab = r->run->d_vocab};
        struct ll_err err = {0};
        snprintf(new->key, sizeof new->key, "%s", key);
        OK(ll_pass_stats_init(&new->s, &m, &err), &err);
        new->first_row = row->nr - 1 - layer;
        new->s.answer_id = LATE_ANSWER;
    }
    assert_in_range(layer, 0, r->run->n_layers);
    *pass = &r->run->p[i];
    return &r->run->p[i].s.rows[layer];
}

static inline void late_pure(struct late_reader *r, const struct ll_csv_row *row, struct ll_row_stats *s,
                             struct late_pass *pass)
{
    static const char *const strict[] = {"copy_strict@0.95", "copy_strict@0.7", "copy_strict@0.8",
                                         "copy_strict@0.9"};
    static const char *const soft[] = {"copy_soft_k1@0.5", "copy_soft_k2@0.5", "copy_soft_k3@0.5"};
    double gap = late_real(r, row, "answer_logit_gap"), margin = late_real(r, row, "control_margin");
    for (int i = 0; i < 4; i++)
        s->copy_strict[i] = late_bool(r, row, strict[i]);
    assert_int_equal(s->copy_strict[0], late_bool(r, row, "copy_collapse"));
    for (int i = 0; i < 3; i++)
        s->copy_soft[i] = late_bool(r, row, soft[i]);
    s->entropy_collapse = late_bool(r, row, "entropy_collapse");
    s->is_answer = late_bool(r, row, "is_answer");
    s->norm = (struct ll_reading){.is_set = 1,
                                  .n_top = 2,
                                  .entropy_bits = late_real(r, row, "entropy_bits"),
                                  .p_answer = late_real(r, row, "p_answer"),
                                  .answer_rank = late_int(r, row, "answer_rank"),
                                  .kl_to_final_bits = late_real(r, row, "kl_to_final_bits")};
    s->norm.top[0] =
        (struct ll_hit){isfinite(gap) ? (float)gap : 0, isfinite(gap) ? LATE_ANSWER : LATE_OTHER};
    s->norm.top[1] = (struct ll_hit){0, LATE_OTHER};
    s->cos_to_final = late_real(r, row, "cos_to_final");
    s->cos_to_answer = late_real(r, row, "cos_to_answer");
    s->cos_to_prompt_max = late_real(r, row, "cos_to_prompt_max");
    s->echo_mass_prompt = late_real(r, row, "echo_mass_prompt");
    s->topk_prompt_mass50 = late_real(r, row, "topk_prompt_mass@50");
    s->resid_norm_ratio = late_real(r, row, "resid_norm_ratio");
    s->delta_resid_cos = late_real(r, row, "delta_resid_cos");
    s->p_control = s->norm.p_answer - margin;
    pass->s.teacher_entropy_bits = late_real(r, row, "teacher_entropy_bits");
}

static inline void late_raw(struct late_reader *r, const struct ll_csv_row *row, struct ll_row_stats *s)
{
    s->raw = (struct ll_reading){.is_set = 1,
                                 .n_top = 1,
                                 .p_top1 = late_real(r, row, "p_top1_raw"),
                                 .p_top2 = NAN,
                                 .p_answer = late_real(r, row, "p_answer_raw"),
                                 .answer_rank = late_int(r, row, "answer_rank_raw")};
    s->raw.top[0].id = late_int(r, row, "top1_token_id_raw");
    s->kl_norm_raw_bits = late_real(r, row, "kl_norm_vs_raw_bits");
    s->kl_raw_norm_bits = late_real(r, row, "kl_raw_to_norm_bits");
    s->js_bits = late_real(r, row, "js_divergence");
    s->l1 = late_real(r, row, "l1_prob_diff");
    s->jaccard50_raw = late_real(r, row, "topk_jaccard_raw_norm@50");
}

static inline void late_tuned(struct late_reader *r, const struct ll_csv_row *row, struct ll_row_stats *s)
{
    s->tuned = (struct ll_reading){.is_set = 1,
                                   .answer_rank = late_int(r, row, "answer_rank"),
                                   .kl_to_final_bits = late_real(r, row, "kl_to_final_bits"),
                                   .p_answer = late_real(r, row, "p_answer")};
    s->tuned_cells =
        (struct ll_lens_cells){late_real(r, row, "cos_to_final"), late_real(r, row, "cos_to_answer"),
                               late_real(r, row, "cos_to_prompt_max"), late_real(r, row, "echo_mass_prompt"),
                               late_real(r, row, "topk_prompt_mass@50")};
}

static inline int late_line(void *arg, const struct ll_csv_row *row, struct ll_err *err)
{
    struct late_reader *r = arg;
    struct late_pass *pass;
    struct ll_row_stats *s = late_row(r, row, &pass);
    (void)err;
    if (r->which == LATE_PURE)
        late_pure(r, row, s, pass);
    else if (r->which == LATE_RAW)
        late_raw(r, row, s);
    else if (r->which == LATE_WINDOW)
        pass->in_window[s - pass->s.rows]++;
    else
        late_tuned(r, row, s);
    return LL_OK;
}

static inline char *late_text(const char *model, const char *suffix, size_t *n)
{
    char path[600];
    snprintf(path, sizeof path, LATE_RUNS "/output-%s%s", model, suffix);
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    struct ll_buf b = {0};
    char part[1 << 16];
    for (size_t k; (k = fread(part, 1, sizeof part, f)) > 0;)
        ll_buf_add(&b, part, k);
    fclose(f);
    *n = b.len;
    return b.s;
}

static inline int late_table(struct late_run *run, const char *model, const char *suffix, int which)
{
    struct late_reader r = {.run = run, .which = which};
    struct ll_csv_user user = {late_header, late_line, &r};
    struct ll_err err = {0};
    size_t n;
    char *text = late_text(model, suffix, &n);
    if (!text)
        return 0;
    OK(ll_csv_read(suffix, text, n, LL_BACKSLASH_TWICE, &user, NULL, &err), &err);
    for (int i = 0; i < r.n_fields; i++)
        free((char *)(uintptr_t)r.field[i].s);
    free(r.field);
    free(text);
    return 1;
}

/* 0: the shared data is not there. */
static inline int late_load(struct late_run *run, int model)
{
    memset(run, 0, sizeof *run);
    run->n_layers = late_models[model].n_layers;
    run->d_vocab = late_models[model].d_vocab;
    return late_table(run, late_models[model].name, "-pure-next-token.csv", LATE_PURE)
        && late_table(run, late_models[model].name, "-pure-next-token-rawlens.csv", LATE_RAW)
        && late_table(run, late_models[model].name, "-pure-next-token-tuned.csv", LATE_TUNED)
        && late_table(run, late_models[model].name, "-pure-next-token-rawlens-window.csv", LATE_WINDOW);
}

static inline void late_free(struct late_run *run)
{
    for (int i = 0; i < run->n; i++)
        ll_pass_stats_free(&run->p[i].s);
}

static inline struct late_pass *late_find(struct late_run *run, const char *key)
{
    for (int i = 0; i < run->n; i++)
        if (!strcmp(run->p[i].key, key))
            return &run->p[i];
    fail_msg("no pass %s", key);
    return NULL;
}

static inline cJSON *late_json(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    struct ll_buf b = {0};
    char part[1 << 16];
    for (size_t k; (k = fread(part, 1, sizeof part, f)) > 0;)
        ll_buf_add(&b, part, k);
    fclose(f);
    cJSON *j = cJSON_ParseWithLength(b.s, b.len);
    ll_buf_free(&b);
    return j;
}

/* A member by a path of keys separated by '/'; fails the test when it is not there. */
static inline const cJSON *late_at(const cJSON *j, const char *path)
{
    char key[80];
    const char *p = path;
    while (*p) {
        size_t n = strcspn(p, "/");
        snprintf(key, sizeof key, "%.*s", (int)n, p);
        j = cJSON_GetObjectItemCaseSensitive(j, key);
        if (!j)
            fail_msg("no %s in %s", key, path);
        p += n + (p[n] == '/');
    }
    return j;
}

/* null is -1 for a layer. */
static inline int late_layer(const cJSON *j, const char *path)
{
    const cJSON *v = late_at(j, path);
    return cJSON_IsNumber(v) ? v->valueint : -1;
}

static inline void late_same(const char *what, double got, const cJSON *want, double relative)
{
    if (cJSON_IsNull(want)) {
        if (isfinite(got))
            fail_msg("%s: expected null, found %.17g", what, got);
        return;
    }
    if (!(fabs(got - want->valuedouble) <= relative * (1 + fabs(want->valuedouble))))
        fail_msg("%s: expected %.17g, found %.17g", what, want->valuedouble, got);
}
#endif
