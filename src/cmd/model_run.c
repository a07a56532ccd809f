/* model_run.c - see model_run.h */
#include "model_run.h"

#include "map.h"
#include "rows.h"
#include "sweep.h"
#include "term.h"

#include <stdlib.h>
#include <string.h>

enum { TOP_TEST = 10, TOP_TEMPERATURE = 15, TOP_FINAL = 20 };

/* All that one model's run holds; freed as a whole. */
struct model_run {
    const struct ll_run_env *env;
    const struct ll_experiment *e;     /* env->e */
    struct ll_session s;
    struct ll_sink_set *sinks;
    struct ll_prompt *prompts;         /* [n_asks] then test prompts */
    struct ll_pass_info *passes;       /* [n_asks] */
    struct ll_milestones *milestones;  /* [n_asks] */
    struct ll_sweep_prompt *sweep;     /* [n_asks + n_test_prompts] */
    int n_prompts;                     /* prompts prepared */
    struct ll_row record, pure;
    struct ll_row_flags *flags;        /* [n_layers + 1] */
    struct ll_kept_prediction *tests, *temps, final;
    struct ll_prediction *test_list, *temp_list;
    int n_tests, n_temps;
    int rows_failed;                   /* a sink failed: not the model's fault, ends the run */
};

static int fill_rows(struct model_run *m, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct ll_row_context c = {.s = &m->s, .info = &m->passes[r->prompt], .prompt = &m->prompts[r->prompt], .e = m->e};
    struct ll_milestones *ms = &m->milestones[r->prompt];
    int rc = LL_OK;
    for (int l = 0; l < r->n_rows && !rc; l++)
        for (int i = 0; i < r->n_pos && !rc && !m->e->last_only; i++) {
            ll_row_clear(&m->record);
            ll_fill_record(&m->record, &c, l, r->pos0 + i, &r->rows[(size_t)l * (size_t)r->n_pos + (size_t)i]);
            rc = ll_sink_set_row(m->sinks, &m->record, err);
        }
    for (int l = 0; l < r->n_rows && !rc; l++) {
        ll_row_clear(&m->pure);
        ll_fill_pure(&m->pure, &c, l, &r->rows[(size_t)(l + 1) * (size_t)r->n_pos - 1], &m->flags[l]);
        rc = ll_sink_set_row(m->sinks, &m->pure, err);
    }
    ll_first_layers(m->flags, r->n_rows, &ms->L_copy, &ms->L_copy_H, &ms->L_semantic);
    ll_row_context_free(&c);
    m->rows_failed = rc != LL_OK;
    return rc;
}

/* The main prompt's output: as the model says it, and at the experiment's temperatures (spec 13.5). */
static int keep_main(struct model_run *m, const struct ll_sweep_result *r, struct ll_err *err)
{
    const struct ll_head_out *o = &r->own[r->n_pos - 1];
    int k = o->n_top < TOP_FINAL ? o->n_top : TOP_FINAL, rc;
    if ((rc = ll_prediction_keep(&m->final, &m->s, NULL, 0, o->entropy_bits, o->lse, o->top, k, err)) || !m->e->n_temperatures)
        return rc;
    int V = m->s.model->d_vocab, want = V < TOP_TEMPERATURE ? V : TOP_TEMPERATURE;
    float *logits = malloc(sizeof *logits * (size_t)V);
    struct ll_hit top[TOP_TEMPERATURE];
    if (!logits)
        return ll_fail_mem(err, "logits", sizeof *logits * (size_t)V);
    ll_head_logits(m->s.model, m->s.engine, r->final_last, logits);
    for (int i = 0; i < m->e->n_temperatures && !rc; i++) {
        double t = m->e->temperatures[i], bits, lse;
        int n_top;
        ll_logits_stats(logits, V, t, want, top, &n_top, &bits, &lse);
        rc = ll_prediction_keep(&m->temps[i], &m->s, NULL, t, bits, lse, top, n_top, err);
        m->temp_list[i] = m->temps[i].p;
        m->n_temps = i + 1;
    }
    free(logits);
    return rc;
}

static int on_result(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct model_run *m = arg;
    if (*m->env->interrupted)
        return ll_fail(err, LL_EFAIL, "interrupted");
    if (r->prompt < m->e->n_asks) {
        int rc = fill_rows(m, r, err);
        return rc || r->prompt ? rc : keep_main(m, r, err);
    }
    int t = r->prompt - m->e->n_asks;
    const struct ll_head_out *o = &r->own[0];
    int rc = ll_prediction_keep(&m->tests[t], &m->s, m->e->test_prompts[t], 0, o->entropy_bits, o->lse, o->top, o->n_top < TOP_TEST ? o->n_top : TOP_TEST, err);
    m->test_list[t] = m->tests[t].p;
    m->n_tests = t + 1;
    return rc;
}

static void model_run_free(struct model_run *m)
{
    for (int i = 0; i < m->n_prompts; i++)
        ll_prompt_free(&m->prompts[i]);
    for (int i = 0; i < m->n_tests; i++)
        ll_prediction_free(&m->tests[i]);
    for (int i = 0; i < m->n_temps; i++)
        ll_prediction_free(&m->temps[i]);
    ll_prediction_free(&m->final);
    ll_row_free(&m->record);
    ll_row_free(&m->pure);
    void *owned[] = {m->prompts, m->passes, m->milestones, m->sweep, m->flags, m->tests, m->temps, m->test_list, m->temp_list};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    ll_session_close(&m->s);
}

static int model_run_init(struct model_run *m, struct ll_err *err)
{
    const struct ll_experiment *e = m->e;
    size_t asks = (size_t)e->n_asks, tests = (size_t)e->n_test_prompts + 1, temps = (size_t)e->n_temperatures + 1;
    m->prompts = calloc(asks + tests, sizeof *m->prompts);
    m->passes = calloc(asks, sizeof *m->passes);
    m->milestones = calloc(asks, sizeof *m->milestones);
    m->sweep = calloc(asks + tests, sizeof *m->sweep);
    m->flags = calloc((size_t)m->s.model->n_layers + 1, sizeof *m->flags);
    m->tests = calloc(tests, sizeof *m->tests);
    m->temps = calloc(temps, sizeof *m->temps);
    m->test_list = calloc(tests, sizeof *m->test_list);
    m->temp_list = calloc(temps, sizeof *m->temp_list);
    if (!m->prompts || !m->passes || !m->milestones || !m->sweep || !m->flags || !m->tests || !m->temps || !m->test_list || !m->temp_list)
        return ll_fail_mem(err, "prompts", (asks + tests) * sizeof *m->prompts);
    int rc = ll_row_init(&m->record, &ll_schema_records, err);
    return rc ? rc : ll_row_init(&m->pure, &ll_schema_pure, err);
}

static int prepare_ask(struct model_run *m, int i, struct ll_err *err)
{
    const struct ll_ask *a = &m->e->asks[i];
    struct ll_prompt *p = &m->prompts[i];
    int rc = a->text ? ll_prompt_from_text(p, &m->s, a->text, strlen(a->text), a->answer, err)
                     : ll_prompt_from_ids(p, &m->s, a->ids, a->n_ids, a->answer_id, err);
    if (!rc && a->text && a->answer_id >= 0 && (rc = ll_prompt_follow(p, &m->s, a->answer_id, err)))
        ll_prompt_free(p);
    if (rc)
        return ll_context(err, "prompt %s", a->pass_key);
    m->n_prompts = i + 1;
    m->passes[i] = (struct ll_pass_info){.pass_key = a->pass_key, .fact_key = a->fact_key, .fact_index = a->fact_index, .prompt_id = a->prompt_id,
                                         .prompt_variant = a->variant, .prompt_text = a->text, .prompt_len = a->text ? strlen(a->text) : 0,
                                         .ids = p->ids.v, .n_ids = p->ids.n, .gold = ll_prompt_gold(p, a->answer)};
    m->sweep[i] = (struct ll_sweep_prompt){.ids = p->ids.v, .n_ids = p->ids.n, .want = m->e->last_only ? LL_SWEEP_LAST : LL_SWEEP_ALL,
                                           .tracked = p->answer.v, .n_tracked = p->answer.n ? 1 : 0};
    return LL_OK;
}

static int prepare(struct model_run *m, struct ll_err *err)
{
    const struct ll_experiment *e = m->e;
    int rc = model_run_init(m, err);
    for (int i = 0; i < e->n_asks && !rc; i++)
        rc = prepare_ask(m, i, err);
    for (int i = 0; i < e->n_test_prompts && !rc; i++) {
        struct ll_prompt *p = &m->prompts[e->n_asks + i];
        if ((rc = ll_prompt_from_text(p, &m->s, e->test_prompts[i], strlen(e->test_prompts[i]), NULL, err)))
            break;
        m->n_prompts = e->n_asks + i + 1;
        m->sweep[e->n_asks + i] = (struct ll_sweep_prompt){.ids = p->ids.v, .n_ids = p->ids.n, .want = LL_SWEEP_OUTPUT};
    }
    return rc;
}

static void on_progress(void *arg, double done) { ll_progress_show(arg, done); }

static int sweep_model(struct model_run *m, struct ll_err *err)
{
    const struct ll_experiment *e = m->e;
    struct ll_progress bar;
    int V = m->s.model->d_vocab, k = e->top_verbose < V ? e->top_verbose : V; /* clamped to the vocabulary (spec 6) */
    struct ll_sweep sweep = {.model = m->s.model, .engine = m->s.engine, .lens = e->lens, .ln_bias_drop = e->ln_bias_drop, .k = k, .prompts = m->sweep, .n_prompts = m->n_prompts,
                             .result = on_result, .result_arg = m, .progress = on_progress, .progress_arg = &bar};
    ll_progress_start(&bar, m->s.model->ckpt->clean, m->env->quiet);
    int rc = ll_sweep_run(&sweep, err);
    ll_progress_end(&bar);
    return rc;
}

static int finish_model(struct model_run *m, const struct ll_model_info *info, struct ll_err *err)
{
    const char *warning = ll_lens_info(m->e->lens)->warning;
    struct ll_model_doc doc = {.model = info, .status = "ok", .main_pass = &m->passes[0], .test_prompts = m->test_list, .n_test_prompts = m->n_tests,
                               .temperatures = m->temp_list, .n_temperatures = m->n_temps, .final_prediction = &m->final.p, .milestones = m->milestones[0],
                               .passes = m->passes, .n_passes = m->e->n_asks, .pass_milestones = m->milestones, .copy_threshold = m->e->copy.threshold,
                               .copy_margin = m->e->copy.margin, .last_row_equal = 1, .warnings = &warning, .n_warnings = warning ? 1 : 0};
    int rc = ll_sink_set_end(m->sinks, &doc, err);
    m->rows_failed |= rc != LL_OK;
    return rc;
}

/* A reason without machine paths, for a file that is compared: the model's path becomes its name, of any other absolute
 * path only the last part stays. */
static void put_reason(struct ll_buf *out, const char *why, const char *model, const char *clean)
{
    size_t n = strlen(model);
    for (const char *p = why; *p;) {
        int at_start = p == why || strchr(" (\"'", p[-1]);
        if (n && !strncmp(p, model, n)) {
            ll_buf_adds(out, clean);
            p += n;
        } else if (at_start && *p == '/') {
            size_t len = strcspn(p, " ,;:)\"'"), last = len;
            while (last && p[last - 1] != '/')
                last--;
            ll_buf_add(out, p + last, len - last);
            p += len;
        } else
            ll_buf_addc(out, *p++);
    }
}

/* "org/name" as asked for, when that is no path; else the name. */
static const char *id_of(const char *model, const char *clean)
{
    const char *slash = strchr(model, '/');
    int is_hub = slash && slash != model && slash[1] && !strchr(slash + 1, '/') && *model != '.' && !ll_is_dir(model) && !ll_is_file(model);
    return is_hub ? model : clean;
}

int ll_model_run_failed(struct ll_sink_set *sinks, const char *model, int code, const char *why, struct ll_err *err)
{
    char *clean = ll_path_base(model);
    struct ll_buf reason = {0};
    if (!clean)
        return ll_fail_mem(err, "model name", strlen(model));
    put_reason(&reason, why, model, clean);
    struct ll_model_info info = {.model_id = id_of(model, clean), .clean = clean};
    struct ll_model_doc doc = {.model = &info, .status = code == LL_EFIT ? "skipped" : "failed", .reason = ll_buf_str(&reason)};
    int rc = ll_sink_set_begin(sinks, &info, err);
    if (!rc)
        rc = ll_sink_set_end(sinks, &doc, err);
    ll_buf_free(&reason);
    free(clean);
    return rc;
}

int ll_model_run(const char *model, const struct ll_run_env *env, int *fatal, struct ll_err *err)
{
    struct model_run m = {.env = env, .e = env->e, .sinks = env->sinks};
    struct ll_model_info info;
    struct ll_info_text keep;
    int rc = ll_session_open(&m.s, model, env->engine, 0, err);
    if (rc)
        return rc;
    if (!(rc = prepare(&m, err)) && !(rc = ll_session_info(&m.s, m.e->lens, &info, &keep, err))) {
        rc = ll_sink_set_begin(m.sinks, &info, err);
        m.rows_failed = rc != LL_OK;
        if (!rc && !(rc = sweep_model(&m, err)))
            rc = finish_model(&m, &info, err);
    }
    if (rc)
        ll_sink_set_abort(m.sinks);
    *fatal = m.rows_failed;
    model_run_free(&m);
    return rc;
}
