/* experiment_run.c - see experiment_run.h */
#include "experiment_run.h"

#include "human.h"
#include "index.h"
#include "intervene_opt.h"
#include "manifest.h"
#include "map.h"
#include "model_run.h"
#include "outfile.h"
#include "print.h"
#include "provenance.h"
#include "run_settings.h"
#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
    const struct ll_run_job *job;
    struct ll_run_outcome *out;
    struct ll_run_settings settings;
    struct ll_sink_set sinks;
    char *index;       /* path of the index; owned; NULL: it is left alone */
    struct ll_buf log; /* times, machine, outcome; never compared */
    char key[65];      /* of what is run: experiment, settings, models, tool */
    double t0;
};

int ll_shard_parse(const char *text, int *shard, int *n_shards, struct ll_err *err)
{
    char end;
    *shard = *n_shards = 1;
    if (text
        && (sscanf(text, "%d/%d%c", shard, n_shards, &end) != 2 || *n_shards < 1 || *shard < 1
            || *shard > *n_shards))
        return ll_fail(err, LL_EUSAGE, "--shard: expected I/N with 1 <= I <= N, found \"%s\"", text);
    return LL_OK;
}

static void say(const struct run *r, const char *line)
{
    if (!r->job->talk.quiet)
        ll_say_line("%s", line);
}

/* ---- before anything is begun ---------------------------------------------------------------- */

/* A mistyped name is reported now, not after hours, and nothing is moved. */
static int check_inputs(const struct run *r, struct ll_err *err)
{
    const struct ll_run_job *job = r->job;
    const struct ll_experiment *e = job->asked.e;
    int rc = LL_OK;
    if (e->tuned_dir && e->tuned == LL_TUNED_REQUIRE && !ll_is_dir(e->tuned_dir))
        return ll_fail(err, LL_EUSAGE, "tuned: %s: expected a folder, found none of that name", e->tuned_dir);
    for (int i = 0; i < e->n_interventions && !rc; i++)
        rc = ll_intervene_check_files(e->interventions[i], err);
    if (!rc && r->index && (job->index || ll_is_dir(job->root)))
        rc = ll_index_check(r->index, err);
    return rc;
}

static int find_key(struct run *r, struct ll_err *err)
{
    struct ll_run_asked asked = r->job->asked;
    ll_run_settings(asked.e, &r->settings);
    asked.settings = r->settings.v;
    return ll_run_key(&asked, r->key, err);
}

static void say_what_is_aside(const struct run *r)
{
    const struct ll_rundir *dir = &r->out->dir;
    struct ll_buf line = {0};
    if (!dir->n_aside)
        return;
    ll_buf_addf(&line,
                "%s%s: what interrupted runs %s left there is set aside: --resume with what %s run with goes "
                "on, or remove it",
                dir->aside, dir->n_aside > 1 ? " and others" : "",
                r->job->resume ? "of something else" : "with results",
                dir->n_aside > 1 ? "they were" : "it was");
    say(r, ll_buf_str(&line));
    ll_buf_free(&line);
}

/* A new folder, or with --resume that of an interrupted run of the same. */
static int begin_folder(struct run *r, struct ll_err *err)
{
    struct ll_rundir *dir = &r->out->dir;
    int found = 0, rc = LL_OK;
    if (r->job->resume) {
        if ((rc = ll_rundir_resume(dir, r->job->root, r->job->out_dir, r->key, &found, err)))
            return rc;
        say(r,
            found ? "going on with an interrupted run"
                  : "no interrupted run of this is there: beginning anew");
    }
    if (!found
        && ((rc = ll_rundir_begin(dir, r->job->root, r->job->out_dir, err))
            || (rc = ll_rundir_mark(dir, r->key, err))))
        return rc;
    say_what_is_aside(r);
    return ll_replay_write(dir->work, &r->job->line, err);
}

/* ---- the models ------------------------------------------------------------------------------ */

static int run_one(struct run *r, const struct ll_run_env *env, int nr, struct ll_err *err)
{
    struct ll_err why = {0};
    struct ll_buf line = {0};
    char took[24];
    int fatal = 0;
    double t0 = ll_now_s();
    int code = ll_model_run(env, nr, &fatal, &why);
    ll_buf_addf(&line, "[%d/%d] %s: %s", nr + 1, env->models->n, env->models->v[nr].name,
                code ? why.msg : "ok");
    ll_buf_addf(&line, ", %s", ll_human_time(ll_now_s() - t0, took));
    say(r, ll_buf_str(&line));
    ll_buf_addf(&r->log, "%s\n", ll_buf_str(&line));
    ll_buf_free(&line);
    if (*r->job->interrupted)
        return ll_fail(err, LL_EFAIL, "interrupted");
    if (fatal)
        return ll_fail(err, why.code, "%s", why.msg);
    int rc = ll_run_models_end(env->models, nr, code, why.msg, err);
    return rc || !code ? rc : ll_model_run_failed(env, nr, err);
}

static int run_models(struct run *r, const struct ll_run_info *info, struct ll_err *err)
{
    const struct ll_run_asked *asked = &r->job->asked;
    const struct ll_rundir *dir = &r->out->dir;
    const struct ll_run_env env = {.e = asked->e,
                                   .engine = r->job->engine,
                                   .sinks = &r->sinks,
                                   .info = info,
                                   .talk = &r->job->talk,
                                   .interrupted = r->job->interrupted,
                                   .models = &r->out->models,
                                   .resid_dir = asked->keep_resid ? dir->work : NULL,
                                   .keep_dir = dir->work,
                                   .key = r->key,
                                   .stamp = dir->stamp,
                                   .capacity = asked->capacity,
                                   .log = &r->log};
    int rc = LL_OK;
    for (int i = 0; i < env.models->n && !rc; i++)
        if (i % asked->n_shards == asked->shard - 1)
            rc = run_one(r, &env, i, err);
    return rc;
}

static int run_into_folder(struct run *r, struct ll_err *err)
{
    const struct ll_run_info info = {.experiment = r->job->asked.e->name,
                                     .command = "run",
                                     .tool = ll_tool_version(),
                                     .seed = r->job->asked.e->seed,
                                     .settings = r->settings.v};
    int rc = ll_sink_set_open(&r->sinks, r->out->dir.work, err);
    if (!rc)
        rc = run_models(r, &info, err);
    ll_sink_set_close(&r->sinks);
    return rc;
}

/* ---- when all models have been run ----------------------------------------------------------- */

static int write_log(struct run *r, struct ll_err *err)
{
    char took[24], peak[16];
    ll_buf_addf(&r->log, "tool %s, compiler %s, vector unit %s, %d threads\n", ll_tool_version(),
                ll_compiler(), ll_engine_isa(r->job->engine), ll_engine_threads(r->job->engine));
    ll_buf_addf(&r->log, "took %s, peak resident memory %s (mapped weights included)\n",
                ll_human_time(ll_now_s() - r->t0, took), ll_human_bytes((double)ll_peak_rss_bytes(), peak));
    char *path = ll_path_join(r->out->dir.work, "run.log");
    int rc = path ? ll_buf_ok(&r->log, err) : ll_fail_mem(err, "path", 64);
    if (!rc)
        rc = ll_file_write(path, ll_buf_str(&r->log), r->log.len, err);
    free(path);
    return rc;
}

static int write_manifest(const struct run *r, struct ll_err *err)
{
    struct ll_manifest m;
    int rc = ll_manifest_scan(&m, r->out->dir.work, err);
    if (!rc)
        rc = ll_manifest_write(&m, r->out->dir.work, ll_manifest_name, r->key, err);
    ll_manifest_free(&m);
    return rc;
}

static void on_import(void *arg, const char *line) { say(arg, line); }

static int fill_index(struct run *r, struct ll_err *err)
{
    struct ll_import_report report;
    if (!r->index)
        return LL_OK;
    int rc = ll_index_import(r->index, r->out->dir.final, &report, on_import, r, err);
    return rc ? ll_context(err, "the run is complete in %s, but the index is not", r->out->dir.final) : LL_OK;
}

/* A run in which no model worked does not become run-latest; with an out-dir its files are written all the
 * same. */
static int publish(struct run *r, struct ll_err *err)
{
    struct ll_run_outcome *out = r->out;
    const struct ll_run_tally n = ll_run_models_tally(&out->models);
    const struct ll_run_model *worst = ll_run_models_worst(&out->models);
    int rc;
    if (n.denied)
        return ll_fail(err, LL_EFAIL, "%s (%d of %d models; the run is not finished)",
                       ll_run_models_first(&out->models, LL_MODEL_DENIED)->reason, n.denied, n.ok + n.failed);
    if (!n.ok && out->dir.root)
        return worst
            ? ll_fail(err, worst->code, "%d of %d models failed, so that run-latest stays what it was: %s",
                      n.failed, n.failed, worst->reason)
            : LL_OK;
    if ((rc = write_log(r, err)) || (rc = write_manifest(r, err)) || (rc = ll_rundir_finish(&out->dir, err))
        || (rc = fill_index(r, err)))
        return rc;
    ll_rundir_settle(&out->dir);
    return LL_OK;
}

int ll_experiment_run(struct ll_run_outcome *out, const struct ll_run_job *job, struct ll_err *err)
{
    const struct ll_experiment *e = job->asked.e;
    struct run r = {.job = job, .out = out, .t0 = ll_now_s()};
    memset(out, 0, sizeof *out);
    if (!job->no_index
        && !(r.index = job->index ? strdup(job->index) : ll_path_join(job->root, "index.sqlite")))
        return ll_fail_mem(err, "path", 64);
    int rc = check_inputs(&r, err);
    if (!rc && !(rc = ll_run_models_init(&out->models, e->models, e->n_models, err))
        && !(rc = find_key(&r, err)) && !(rc = begin_folder(&r, err)) && !(rc = run_into_folder(&r, err)))
        rc = publish(&r, err);
    if (rc && ll_rundir_is_resumable(&out->dir))
        say(&r, "what is whole is kept: the same command with --resume goes on from there");
    ll_buf_free(&r.log);
    free(r.index);
    return rc;
}

void ll_run_outcome_free(struct ll_run_outcome *out)
{
    ll_rundir_abort(&out->dir);
    ll_run_models_free(&out->models);
}
