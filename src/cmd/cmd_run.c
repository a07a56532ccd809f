/* cmd_run.c - an experiment over its models: sweep, records, run folder, index. */
#include "cmd.h"
#include "index.h"
#include "map.h"
#include "model_run.h"
#include "provenance.h"
#include "rundir.h"
#include "run_choice.h"
#include "session.h"
#include "stats.h"
#include "term.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run_opts {
    struct ll_common common;
    struct ll_run_choice choice;
    const char *out_dir, *root, *index;
    int no_index, keep_resid;
};
static const struct run_opts defaults = {.root = "output"};
enum { N_OPTS = 8 + LL_N_RUN_CHOICES, MAX_ARGS = 256 };

static void opt_table(struct run_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--out-dir", LL_OPT_STR, &o->out_dir, "DIR", "write the run here; nothing is rotated", 0, 0, NULL},
        {"--root", LL_OPT_STR, &o->root, "DIR", "folder of run-latest and index.sqlite", 0, 0, NULL},
        {"--index", LL_OPT_STR, &o->index, "FILE", "the SQLite index (default: index.sqlite in --root)", 0, 0, NULL},
        {"--no-index", LL_OPT_FLAG, &o->no_index, NULL, "leave the index alone", 0, 0, NULL},
        {"--keep-residuals", LL_OPT_FLAG, &o->keep_resid, NULL, "the main pass's residuals as MODEL_LL_resid.bin, one file a row", 0, 0, NULL},
        LL_OPT_RUN_CHOICE(o->choice),
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

/* ---- the run ----------------------------------------------------------------------------------------------------- */

struct run {
    struct run_opts o;
    struct ll_experiment e;
    struct ll_engine *engine;
    struct ll_rundir dir;
    struct ll_sink_set sinks;
    struct ll_stems stems;    /* of the models' files, as the sinks name them */
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
    const struct ll_run_env env = {.e = &r->e, .engine = r->engine, .sinks = &r->sinks, .quiet = r->o.common.quiet, .interrupted = &interrupted,
                                   .stems = &r->stems, .resid_dir = r->o.keep_resid ? r->dir.work : NULL};
    for (int i = 0; i < r->e.n_models; i++) {
        struct ll_err why = {0};
        struct ll_buf line = {0};
        char took[24];
        int fatal = 0;
        double t0 = ll_now_s();
        int rc = ll_model_run(r->e.models[i], &env, &fatal, &why);
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
            if (ll_model_run_failed(&env, r->e.models[i], rc, why.msg, &bad))
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
    int rc = ll_run_choose(&r->e, &o->choice, err);
    if (rc || (rc = ll_run_check(&r->e, err)))
        return rc;
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
    if (!n && r->e.models_err.code)
        return ll_fail(err, r->e.models_err.code, "%s", r->e.models_err.msg);
    if (!r->e.n_models)
        return ll_fail(err, LL_EUSAGE, "no models: expected \"models\" in the experiment or names after it");
    ll_warn_lens(r->e.lens, o->common.quiet);
    return LL_OK;
}

static int run_all(struct run *r, struct ll_err *err)
{
    struct ll_run_settings settings;
    ll_run_settings(&r->e, &settings);
    struct ll_run_info info = {.experiment = r->e.name, .command = "run", .tool = ll_tool_version(), .seed = r->e.seed, .settings = settings.v};
    double t0 = ll_now_s();
    catch_signals();
    int rc = ll_rundir_begin(&r->dir, r->o.root, r->o.out_dir, err);
    if (!rc && !(rc = ll_sink_set_open(&r->sinks, r->dir.work, &info, err)))
        rc = run_models(r, err);
    ll_sink_set_close(&r->sinks);
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
    ll_stems_free(&r.stems);
    ll_buf_free(&r.log);
    free(r.index);
    ll_experiment_free(&r.e);
    return rc;
}
