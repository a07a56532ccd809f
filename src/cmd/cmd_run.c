/* cmd_run.c - an experiment over its models: sweep, records, run folder, index. */
#include "cmd.h"
#include "index.h"
#include "map.h"
#include "provenance.h"
#include "rows.h"
#include "rundir.h"
#include "sink.h"
#include "stats.h"
#include "sweep.h"
#include "term.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run_opts {
    struct ll_common common;
    const char *out_dir, *root, *index, *copy_rule;
    int no_index, last_only;
};
static const struct run_opts defaults = {.common = {.norm = NULL}, .root = "output"};
enum { N_OPTS = 12, MAX_SINKS = 8, MAX_ARGS = 256, TOP_TEST = 10, TOP_TEMPERATURE = 15, TOP_FINAL = 20 };

static void opt_table(struct run_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--out-dir", LL_OPT_STR, &o->out_dir, "DIR", "write the run here; nothing is rotated", 0, 0, NULL},
        {"--root", LL_OPT_STR, &o->root, "DIR", "folder of run-latest and index.sqlite", 0, 0, NULL},
        {"--index", LL_OPT_STR, &o->index, "FILE", "the SQLite index (default: index.sqlite in --root)", 0, 0, NULL},
        {"--no-index", LL_OPT_FLAG, &o->no_index, NULL, "leave the index alone", 0, 0, NULL},
        {"--norm", LL_OPT_STR, &o->common.norm, "KIND", "gain of the lens norm, in place of the experiment's", 0, 0, "final|next-ln1|post-ln2|raw"},
        {"--ln-bias", LL_OPT_STR, &o->common.ln_bias, "WHAT", "bias of a LayerNorm at the rows before the last, in place of the experiment's", 0, 0, "keep|drop"},
        {"--copy-rule", LL_OPT_STR, &o->copy_rule, "RULE", "copy detection, in place of the experiment's", 0, 0, "strict|legacy"},
        {"--last-position-only", LL_OPT_FLAG, &o->last_only, NULL, "no records CSV", 0, 0, NULL},
        LL_OPT_THREADS(o->common),
        LL_OPT_QUIET(o->common),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_run_options(struct ll_buf *out)
{
    struct run_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
}

/* Ctrl-C and kill: looked at between prompts and models, so that the partial folder goes. A second one ends us at once (the
 * next run then removes the folder). Set by the handler, hence not an argument. */
static volatile sig_atomic_t interrupted;
static void on_signal(int nr) { (void)nr; interrupted = 1; }

static void catch_signals(void)
{
    static const int nrs[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        struct sigaction old, ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
        if (!sigaction(nrs[i], NULL, &old) && old.sa_handler != SIG_IGN) /* nohup, background jobs */
            sigaction(nrs[i], &ours, NULL);
    }
}

/* ---- the sinks together ------------------------------------------------------------------------------------------ */

struct sinks { struct ll_sink *s[MAX_SINKS]; int n; };

static int sinks_open(struct sinks *all, const char *folder, const struct ll_run_info *run, struct ll_err *err)
{
    for (all->n = 0; ll_sinks[all->n] && all->n < MAX_SINKS; all->n++) {
        int rc = ll_sinks[all->n]->open(&all->s[all->n], folder, run, err);
        if (rc)
            return rc;
    }
    return LL_OK;
}

static int sinks_begin(struct sinks *all, const struct ll_model_info *model, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0; i < all->n && !rc; i++)
        rc = all->s[i]->type->begin_model(all->s[i], model, err);
    return rc;
}

static int sinks_row(struct sinks *all, const struct ll_row *row, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0; i < all->n && !rc; i++)
        rc = all->s[i]->type->row(all->s[i], row, err);
    return rc;
}

static int sinks_end(struct sinks *all, const struct ll_model_doc *doc, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0; i < all->n && !rc; i++)
        rc = all->s[i]->type->end_model(all->s[i], doc, err);
    return rc;
}

static void sinks_abort(struct sinks *all)
{
    for (int i = 0; i < all->n; i++)
        all->s[i]->type->abort_model(all->s[i]);
}

static void sinks_close(struct sinks *all)
{
    for (int i = 0; i < all->n; i++)
        all->s[i]->type->close(all->s[i]);
    all->n = 0;
}

/* ---- one model --------------------------------------------------------------------------------------------------- */

/* All that one model's run holds; freed as a whole. */
struct model_run {
    const struct ll_experiment *e;
    struct ll_session s;
    struct sinks *sinks;
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
            rc = sinks_row(m->sinks, &m->record, err);
        }
    for (int l = 0; l < r->n_rows && !rc; l++) {
        ll_row_clear(&m->pure);
        ll_fill_pure(&m->pure, &c, l, &r->rows[(size_t)(l + 1) * (size_t)r->n_pos - 1], &m->flags[l]);
        rc = sinks_row(m->sinks, &m->pure, err);
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
    if (interrupted)
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

static int sweep_model(struct model_run *m, int quiet, struct ll_err *err)
{
    const struct ll_experiment *e = m->e;
    struct ll_progress bar;
    int V = m->s.model->d_vocab, k = e->top_verbose < V ? e->top_verbose : V; /* clamped to the vocabulary (spec 6) */
    struct ll_sweep sweep = {.model = m->s.model, .engine = m->s.engine, .lens = e->lens, .ln_bias_drop = e->ln_bias_drop, .k = k, .prompts = m->sweep, .n_prompts = m->n_prompts,
                             .result = on_result, .result_arg = m, .progress = on_progress, .progress_arg = &bar};
    ll_progress_start(&bar, m->s.model->ckpt->clean, quiet);
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
    int rc = sinks_end(m->sinks, &doc, err);
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

/* A model that could not be run still leaves a valid JSON with a status (spec 12.3). */
static int write_failure(struct sinks *sinks, const char *model, int code, const char *why, struct ll_err *err)
{
    char *clean = ll_path_base(model);
    struct ll_buf reason = {0};
    if (!clean)
        return ll_fail_mem(err, "model name", strlen(model));
    put_reason(&reason, why, model, clean);
    struct ll_model_info info = {.model_id = id_of(model, clean), .clean = clean};
    struct ll_model_doc doc = {.model = &info, .status = code == LL_EFIT ? "skipped" : "failed", .reason = ll_buf_str(&reason)};
    int rc = sinks_begin(sinks, &info, err);
    if (!rc)
        rc = sinks_end(sinks, &doc, err);
    ll_buf_free(&reason);
    free(clean);
    return rc;
}

/* *fatal: the folder cannot be written, so there is no point in going on. */
static int run_model(const char *model, const struct ll_experiment *e, struct ll_engine *engine, struct sinks *sinks, int quiet, int *fatal, struct ll_err *err)
{
    struct model_run m = {.e = e, .sinks = sinks};
    struct ll_model_info info;
    struct ll_info_text keep;
    int rc = ll_session_open(&m.s, model, engine, 0, err);
    if (rc)
        return rc;
    if (!(rc = prepare(&m, err)) && !(rc = ll_session_info(&m.s, e->lens, &info, &keep, err))) {
        rc = sinks_begin(sinks, &info, err);
        m.rows_failed = rc != LL_OK;
        if (!rc && !(rc = sweep_model(&m, quiet, err)))
            rc = finish_model(&m, &info, err);
    }
    if (rc)
        sinks_abort(sinks);
    *fatal = m.rows_failed;
    model_run_free(&m);
    return rc;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

struct run {
    struct run_opts o;
    struct ll_experiment e;
    struct ll_engine *engine;
    struct ll_rundir dir;
    struct sinks sinks;
    struct ll_buf log;        /* run log: times, machine, outcome; never compared */
    int n_ok, n_failed, first_failure;
    char first_reason[512];   /* of the first failed model */
    char *index;
};

static void say(const struct run *r, const char *line)
{
    if (!r->o.common.quiet)
        fprintf(stderr, "%s\n", line);
}

static int run_models(struct run *r, struct ll_err *err)
{
    for (int i = 0; i < r->e.n_models; i++) {
        struct ll_err why = {0};
        struct ll_buf line = {0};
        char took[24];
        int fatal = 0;
        double t0 = ll_now_s();
        int rc = run_model(r->e.models[i], &r->e, r->engine, &r->sinks, r->o.common.quiet, &fatal, &why);
        char *clean = ll_path_base(r->e.models[i]);
        ll_buf_addf(&line, "[%d/%d] %s: %s", i + 1, r->e.n_models, clean ? clean : "model", rc ? why.msg : "ok");
        ll_buf_addf(&line, ", %s", ll_human_time(ll_now_s() - t0, took));
        say(r, ll_buf_str(&line));
        ll_buf_addf(&r->log, "%s\n", ll_buf_str(&line));
        ll_buf_free(&line);
        free(clean);
        if (interrupted)
            return ll_fail(err, LL_EFAIL, "interrupted");
        if (fatal)
            return ll_fail(err, why.code, "%s", why.msg);
        if (rc) {
            if (!r->n_failed++)
                snprintf(r->first_reason, sizeof r->first_reason, "%.511s", why.msg);
            r->first_failure = r->first_failure ? r->first_failure : rc;
            struct ll_err bad = {0};
            if (write_failure(&r->sinks, r->e.models[i], rc, why.msg, &bad))
                return ll_fail(err, bad.code, "%s", bad.msg);
        } else
            r->n_ok++;
    }
    return LL_OK;
}

static int write_log(struct run *r, double t0, struct ll_err *err)
{
    char took[24], peak[16];
    ll_buf_addf(&r->log, "tool %s, compiler %s, vector unit %s, %d threads\n", ll_tool_version(), ll_compiler(), ll_engine_isa(r->engine), ll_engine_threads(r->engine));
    ll_buf_addf(&r->log, "took %s, peak resident memory %s (mapped weights included)\n", ll_human_time(ll_now_s() - t0, took), ll_human_bytes((double)ll_peak_rss_bytes(), peak));
    char *path = ll_path_join(r->dir.work, "run.log");
    int rc = path ? ll_buf_ok(&r->log, err) : ll_fail_mem(err, "path", 64);
    if (!rc)
        rc = ll_file_write(path, ll_buf_str(&r->log), r->log.len, err);
    free(path);
    return rc;
}

static void on_import(void *arg, const char *line) { say(arg, line); }

static int fill_index(struct run *r, struct ll_err *err)
{
    struct ll_import_report report;
    if (r->o.no_index)
        return LL_OK;
    int rc = ll_index_import(r->index, r->dir.final, &report, on_import, r, err);
    return rc ? ll_context(err, "the run is complete in %s, but the index is not", r->dir.final) : LL_OK;
}

static int apply_options(struct run *r, const char **models, int n, struct ll_err *err)
{
    const struct run_opts *o = &r->o;
    if (o->common.norm)
        r->e.lens = (enum ll_lens_kind)ll_lens_by_name(o->common.norm);
    if (o->common.ln_bias)
        r->e.ln_bias_drop = !strcmp(o->common.ln_bias, "drop");
    if (o->copy_rule)
        r->e.copy = strcmp(o->copy_rule, "legacy") ? ll_copy_strict : ll_copy_legacy;
    r->e.last_only |= o->last_only;
    if (n) { /* models named on the command line replace the experiment's */
        for (int i = 0; i < r->e.n_models; i++)
            free(r->e.models[i]);
        free(r->e.models);
        r->e.n_models = 0;
        if (!(r->e.models = calloc((size_t)n, sizeof *r->e.models)))
            return ll_fail_mem(err, "models", sizeof *r->e.models * (size_t)n);
        for (int i = 0; i < n; i++, r->e.n_models++)
            if (!(r->e.models[i] = strdup(models[i])))
                return ll_fail_mem(err, "models", strlen(models[i]));
    }
    if (!r->e.n_models)
        return ll_fail(err, LL_EUSAGE, "no models: expected \"models\" in the experiment or names after it");
    ll_warn_lens(r->e.lens, o->common.quiet);
    return LL_OK;
}

static int run_all(struct run *r, struct ll_err *err)
{
    char threshold[32], margin[32], record[16], verbose[16];
    ll_fmt_double(threshold, r->e.copy.threshold);
    ll_fmt_double(margin, r->e.copy.margin);
    snprintf(record, sizeof record, "%d", r->e.top_record);
    snprintf(verbose, sizeof verbose, "%d", r->e.top_verbose);
    const char *settings[] = {"lens_norm", ll_lens_info(r->e.lens)->name, "ln_bias", r->e.ln_bias_drop ? "drop" : "keep", "copy_rule", r->e.copy.rule == LL_COPY_LEGACY ? "legacy" : "strict",
                              "copy_threshold", threshold, "copy_margin", margin, "top_k_record", record, "top_k_verbose", verbose,
                              "last_position_only", r->e.last_only ? "true" : "false", NULL};
    struct ll_run_info info = {.experiment = r->e.name, .command = "run", .tool = ll_tool_version(), .seed = LL_SEED, .settings = settings};
    double t0 = ll_now_s();
    catch_signals();
    int rc = ll_rundir_begin(&r->dir, r->o.root, r->o.out_dir, err);
    if (!rc && !(rc = sinks_open(&r->sinks, r->dir.work, &info, err)))
        rc = run_models(r, err);
    sinks_close(&r->sinks);
    if (!rc && !(rc = write_log(r, t0, err)) && !(rc = ll_rundir_finish(&r->dir, err)))
        rc = fill_index(r, err);
    if (!rc) {
        struct ll_buf line = {0};
        ll_buf_addf(&line, "%s: %d model%s, %d failed\n", r->dir.final, r->n_ok + r->n_failed, r->n_ok + r->n_failed == 1 ? "" : "s", r->n_failed);
        rc = ll_print(&line, err);
        ll_buf_free(&line);
    }
    if (!rc && r->n_failed && r->o.common.quiet)
        rc = ll_fail(err, r->first_failure, "%d of %d models failed: %s", r->n_failed, r->e.n_models, r->first_reason);
    else if (!rc && r->n_failed)
        rc = ll_fail(err, r->first_failure, "%d of %d models failed (see above and the JSON files)", r->n_failed, r->e.n_models);
    return rc;
}

int ll_cmd_run(int argc, char **argv, struct ll_err *err)
{
    struct run r = {.o = defaults};
    struct ll_opt t[N_OPTS];
    const char *args[MAX_ARGS];
    int n_args, rc;
    opt_table(&r.o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, MAX_ARGS, &n_args, err)))
        return rc;
    if (n_args < 1)
        return ll_fail(err, LL_EUSAGE, "run: expected an experiment file (see: logitlens help run)");
    if ((rc = ll_experiment_read(&r.e, args[0], err)))
        return rc;
    r.index = r.o.index ? strdup(r.o.index) : ll_path_join(r.o.root, "index.sqlite");
    rc = r.index ? apply_options(&r, args + 1, n_args - 1, err) : ll_fail_mem(err, "path", 64);
    if (!rc && !(rc = ll_engine_init(&r.engine, r.o.common.threads, err)))
        rc = run_all(&r, err);
    ll_rundir_abort(&r.dir);
    ll_engine_free(r.engine);
    ll_buf_free(&r.log);
    free(r.index);
    ll_experiment_free(&r.e);
    return rc;
}
