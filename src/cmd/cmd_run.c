/* cmd_run.c - an experiment over its models: sweep, records, run folder, index. */
#include "cmd.h"
#include "index.h"
#include "manifest.h"
#include "map.h"
#include "model_run.h"
#include "outfile.h"
#include "provenance.h"
#include "replay.h"
#include "rundir.h"
#include "run_choice.h"
#include "run_key.h"
#include "self_test.h"
#include "session.h"
#include "shown.h"
#include "stats.h"
#include "human.h"
#include "print.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run_opts {
    struct ll_common common;
    struct ll_run_choice choice;
    const char *out_dir, *root, *index, *shard;
    int no_index, keep_resid, resume, self_test;
};
static const struct run_opts defaults = {.root = "output"};
enum { N_OPTS = 11 + LL_N_RUN_CHOICES, MAX_ARGS = 256 };

static void opt_table(struct run_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--out-dir", LL_OPT_STR, &o->out_dir, "DIR", "write the run here; nothing is rotated", 0, 0, NULL},
        {"--root", LL_OPT_STR, &o->root, "DIR", "folder of run-latest and index.sqlite", 0, 0, NULL},
        {"--index", LL_OPT_STR, &o->index, "FILE", "the SQLite index (default: index.sqlite in --root)", 0, 0,
         NULL},
        {"--no-index", LL_OPT_FLAG, &o->no_index, NULL, "leave the index alone", 0, 0, NULL},
        {"--keep-residuals", LL_OPT_FLAG, &o->keep_resid, NULL,
         "the main pass's residuals as MODEL_LL_resid.bin, one file a row", 0, 0, NULL},
        LL_OPT_RUN_CHOICE(o->choice),
        {"--resume", LL_OPT_FLAG, &o->resume, NULL,
         "go on with an interrupted run of the same; what is whole is not repeated", 0, 0, NULL},
        {"--self-test", LL_OPT_FLAG, &o->self_test, NULL,
         "check norms and the last row on the models instead; writes nothing", 0, 0, NULL},
        {"--shard", LL_OPT_STR, &o->shard, "I/N", "only every Nth model, from the Ith (1 to N)", 0, 0, NULL},
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
    ll_intervene_help(out);
}

/* Ctrl-C and kill: looked at between prompts and models, so that the partial folder goes. A second one ends
 * us at once (the next run then removes the folder). Set by the handler, hence not an argument. */
static volatile sig_atomic_t interrupted;
static void on_signal(int nr)
{
    (void)nr;
    interrupted = 1;
}

static void catch_signals(void)
{
    static const int nrs[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        struct sigaction old, ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
        if (!sigaction(nrs[i], NULL, &old) && old.sa_handler != SIG_IGN) /* nohup, background jobs */
            sigaction(nrs[i], &ours, NULL);
    }
}

/* ---- the run --------------------------------------------------------------------------------- */

struct run {
    struct run_opts o;
    struct ll_experiment e;
    struct ll_engine *engine;
    struct ll_rundir dir;
    struct ll_sink_set sinks;
    struct ll_run_models models;
    struct ll_buf log; /* run log: times, machine, outcome; never compared */
    char *index;
    int shard, n_shards; /* models i with i % n_shards == shard - 1 are ours */
    const char *more[LL_N_ENV_WORDS];
    int n_more; /* options that the environment made */
    int argc;
    char **argv; /* as given; */
    const char *args[MAX_ARGS];
    int n_args;   /* of these, what are no options: the experiment, models; borrowed */
    char key[65]; /* of what is run: experiment, settings, models, tool */
};

static void say(const struct run *r, const char *line)
{
    if (!r->o.common.quiet)
        ll_say_line("%s", line);
}

static int run_models(struct run *r, struct ll_err *err)
{
    struct ll_run_env env = {.e = &r->e,
                             .engine = r->engine,
                             .sinks = &r->sinks,
                             .quiet = r->o.common.quiet,
                             .interrupted = &interrupted,
                             .models = &r->models,
                             .resid_dir = r->o.keep_resid ? r->dir.work : NULL,
                             .keep_dir = r->dir.work,
                             .key = r->key,
                             .stamp = r->dir.stamp,
                             .capacity = r->o.choice.capacity,
                             .log = &r->log};
    for (int i = 0; i < r->models.n; i++) {
        if (i % r->n_shards != r->shard - 1)
            continue;
        struct ll_err why = {0};
        struct ll_buf line = {0};
        char took[24];
        int fatal = 0;
        double t0 = ll_now_s();
        int rc = ll_model_run(&env, i, &fatal, &why);
        ll_buf_addf(&line, "[%d/%d] %s: %s", i + 1, r->models.n, r->models.v[i].name, rc ? why.msg : "ok");
        ll_buf_addf(&line, ", %s", ll_human_time(ll_now_s() - t0, took));
        say(r, ll_buf_str(&line));
        ll_buf_addf(&r->log, "%s\n", ll_buf_str(&line));
        ll_buf_free(&line);
        if (interrupted)
            return ll_fail(err, LL_EFAIL, "interrupted");
        if (fatal)
            return ll_fail(err, why.code, "%s", why.msg);
        int ended = ll_run_models_end(&r->models, i, rc, why.msg, err);
        if (ended || (rc && (ended = ll_model_run_failed(&env, i, err))))
            return ended;
    }
    return LL_OK;
}

static int parse_shard(struct run *r, struct ll_err *err)
{
    char end;
    r->shard = r->n_shards = 1;
    if (r->o.shard
        && (sscanf(r->o.shard, "%d/%d%c", &r->shard, &r->n_shards, &end) != 2 || r->n_shards < 1
            || r->shard < 1 || r->shard > r->n_shards))
        return ll_fail(err, LL_EUSAGE, "--shard: expected I/N with 1 <= I <= N, found \"%s\"", r->o.shard);
    return LL_OK;
}

static int write_log(struct run *r, double t0, struct ll_err *err)
{
    char took[24], peak[16];
    ll_buf_addf(&r->log, "tool %s, compiler %s, vector unit %s, %d threads\n", ll_tool_version(),
                ll_compiler(), ll_engine_isa(r->engine), ll_engine_threads(r->engine));
    ll_buf_addf(&r->log, "took %s, peak resident memory %s (mapped weights included)\n",
                ll_human_time(ll_now_s() - t0, took), ll_human_bytes((double)ll_peak_rss_bytes(), peak));
    char *path = ll_path_join(r->dir.work, "run.log");
    int rc = path ? ll_buf_ok(&r->log, err) : ll_fail_mem(err, "path", 64);
    if (!rc)
        rc = ll_file_write(path, ll_buf_str(&r->log), r->log.len, err);
    free(path);
    return rc;
}

/* A new folder, or with --resume that of an interrupted run of the same. */
static int begin_folder(struct run *r, struct ll_err *err)
{
    int found = 0, rc = LL_OK;
    struct ll_buf line = {0};
    if (r->o.resume) {
        rc = ll_rundir_resume(&r->dir, r->o.root, r->o.out_dir, r->key, &found, err);
        if (!rc)
            say(r,
                found ? "going on with an interrupted run"
                      : "no interrupted run of this is there: beginning anew");
    }
    if (!rc && !found && !(rc = ll_rundir_begin(&r->dir, r->o.root, r->o.out_dir, err)))
        rc = ll_rundir_mark(&r->dir, r->key, err);
    if (!rc && r->dir.n_aside) {
        ll_buf_addf(&line,
                    "%s%s: what interrupted runs %s left there is set aside: --resume with what %s run with "
                    "goes on, or remove it",
                    r->dir.aside, r->dir.n_aside > 1 ? " and others" : "",
                    r->o.resume ? "of something else" : "with results",
                    r->dir.n_aside > 1 ? "they were" : "it was");
        say(r, ll_buf_str(&line));
    }
    ll_buf_free(&line);
    return rc ? rc
              : ll_replay_write(r->dir.work, r->argc, r->argv, r->args, r->n_args, r->more, r->n_more, err);
}

static int write_manifest(const struct run *r, struct ll_err *err)
{
    struct ll_manifest m;
    int rc = ll_manifest_scan(&m, r->dir.work, err);
    if (!rc)
        rc = ll_manifest_write(&m, r->dir.work, ll_manifest_name, r->key, err);
    ll_manifest_free(&m);
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
    int rc = ll_run_choice_env(&r->o.choice, r->more, &r->n_more, err);
    if (rc || (rc = ll_run_choose(&r->e, &o->choice, err)) || (rc = ll_run_check(&r->e, err)))
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
    if (r->e.n_interventions && !o->common.quiet)
        ll_say_line("logitlens: warning: interventions change the models: %s", r->e.interventions_text);
    return LL_OK;
}

/* Everything that can be known before anything is begun: a mistyped name is said now, not after hours, and
 * moves nothing. */
static int check_inputs(const struct run *r, struct ll_err *err)
{
    int rc = LL_OK;
    if (r->e.tuned_dir && r->e.tuned == LL_TUNED_REQUIRE && !ll_is_dir(r->e.tuned_dir))
        return ll_fail(err, LL_EUSAGE, "tuned: %s: expected a folder, found none of that name",
                       r->e.tuned_dir);
    for (int i = 0; i < r->e.n_interventions && !rc; i++)
        rc = ll_intervene_check_files(r->e.interventions[i], err);
    if (!rc && !r->o.no_index && (r->o.index || ll_is_dir(r->o.root)))
        rc = ll_index_check(r->index, err);
    return rc;
}

/* A run in which nothing worked does not take the place of one that did. An out-dir is nobody's place. */
static int publish(struct run *r, double t0, struct ll_err *err)
{
    const struct ll_run_tally n = ll_run_models_tally(&r->models);
    const struct ll_run_model *worst = ll_run_models_worst(&r->models);
    int rc;
    if (n.denied)
        return ll_fail(err, LL_EFAIL, "%s (%d of %d models; the run is not finished)",
                       ll_run_models_first(&r->models, LL_MODEL_DENIED)->reason, n.denied, n.ok + n.failed);
    if (!n.ok && r->dir.root)
        return worst
            ? ll_fail(err, worst->code, "%d of %d models failed, so that run-latest stays what it was: %s",
                      n.failed, n.failed, worst->reason)
            : LL_OK;
    if ((rc = write_log(r, t0, err)) || (rc = write_manifest(r, err)) || (rc = ll_rundir_finish(&r->dir, err))
        || (rc = fill_index(r, err)))
        return rc;
    ll_rundir_settle(&r->dir);
    return LL_OK;
}

static int run_all(struct run *r, struct ll_err *err)
{
    struct ll_run_settings settings;
    ll_run_settings(&r->e, &settings);
    const struct ll_run_asked asked = {.e = &r->e,
                                       .file = r->args[0],
                                       .settings = settings.v,
                                       .capacity = r->o.choice.capacity,
                                       .keep_resid = r->o.keep_resid,
                                       .shard = r->shard,
                                       .n_shards = r->n_shards};
    struct ll_run_info info = {.experiment = r->e.name,
                               .command = "run",
                               .tool = ll_tool_version(),
                               .seed = r->e.seed,
                               .settings = settings.v};
    double t0 = ll_now_s();
    catch_signals();
    int rc = check_inputs(r, err);
    if (!rc)
        rc = ll_run_models_init(&r->models, r->e.models, r->e.n_models, err);
    if (!rc && !(rc = ll_run_key(&asked, r->key, err)))
        rc = begin_folder(r, err);
    if (!rc && !(rc = ll_sink_set_open(&r->sinks, r->dir.work, &info, err)))
        rc = run_models(r, err);
    ll_sink_set_close(&r->sinks);
    if (!rc)
        rc = publish(r, t0, err);
    if (rc && ll_rundir_is_resumable(&r->dir))
        say(r, "what is whole is kept: the same command with --resume goes on from there");
    const struct ll_run_tally n = ll_run_models_tally(&r->models);
    const struct ll_run_model *worst = ll_run_models_worst(&r->models);
    if (!rc) {
        struct ll_buf line = {0};
        ll_shown(&line, r->dir.final, strlen(r->dir.final), "");
        ll_buf_addf(&line, ": %d model%s, %d failed", n.ok + n.failed, n.ok + n.failed == 1 ? "" : "s",
                    n.failed - n.skipped);
        ll_buf_addf(&line, n.skipped ? ", %d skipped\n" : "\n", n.skipped);
        rc = ll_print_text(&line, err);
        ll_buf_free(&line);
    }
    if (!rc && n.ok && !r->o.no_index)
        say(r, "next: logitlens query first-semantic-layer (logitlens query lists more)");
    if (!rc && n.failed && r->o.common.quiet)
        rc = ll_fail(err, worst->code, "%d of %d models failed: %s", n.failed, r->models.n, worst->reason);
    else if (!rc && n.failed)
        rc = ll_fail(err, worst->code, "%d of %d models failed (see above and the JSON files)", n.failed,
                     r->models.n);
    return rc;
}

int ll_cmd_run(int argc, char **argv, struct ll_err *err)
{
    struct run r = {.o = defaults, .argc = argc, .argv = argv};
    struct ll_opt t[N_OPTS];
    int rc;
    opt_table(&r.o, t);
    if ((rc = ll_opt_parse(t, argc, argv, r.args, MAX_ARGS, &r.n_args, err)) || (rc = parse_shard(&r, err)))
        return rc;
    if (r.n_args < 1)
        return ll_fail(err, LL_EUSAGE, "run: expected an experiment file (see: logitlens help run)");
    if ((rc = ll_experiment_read(&r.e, r.args[0], err)))
        return rc;
    ll_experiment_say(&r.e, r.o.common.quiet);
    r.index = r.o.index ? strdup(r.o.index) : ll_path_join(r.o.root, "index.sqlite");
    rc = r.index ? apply_options(&r, r.args + 1, r.n_args - 1, err) : ll_fail_mem(err, "path", 64);
    if (!rc && !(rc = ll_engine_init(&r.engine, r.o.common.threads, err)))
        rc = r.o.self_test ? ll_self_test(r.engine, r.e.models, r.e.n_models, err) : run_all(&r, err);
    ll_rundir_abort(&r.dir);
    ll_engine_free(r.engine);
    ll_run_models_free(&r.models);
    ll_buf_free(&r.log);
    free(r.index);
    ll_experiment_free(&r.e);
    return rc;
}
