/* cmd_run.c - an experiment over its models: sweep, records, run folder, index. */
#include "cmd.h"
#include "diag_out.h"
#include "experiment_run.h"
#include "interrupt.h"
#include "print.h"
#include "progress.h"
#include "run_options.h"
#include "self_test.h"
#include "shown.h"

#include <string.h>

struct run_opts {
    struct ll_common common;
    struct ll_run_options choice;
    struct ll_run_job job;
    const char *shard;
    int self_test;
};
static const struct run_opts defaults = {.job.root = "output"};
enum { N_OPTS = 11 + LL_N_RUN_OPTIONS, MAX_ARGS = 256 };

static void opt_table(struct run_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--out-dir", LL_OPT_STR, &o->job.out_dir, "DIR", "write the run here; nothing is rotated", 0, 0,
         NULL},
        {"--root", LL_OPT_STR, &o->job.root, "DIR", "folder of run-latest and index.sqlite", 0, 0, NULL},
        {"--index", LL_OPT_STR, &o->job.index, "FILE", "the SQLite index (default: index.sqlite in --root)",
         0, 0, NULL},
        {"--no-index", LL_OPT_FLAG, &o->job.no_index, NULL, "leave the index alone", 0, 0, NULL},
        {"--keep-residuals", LL_OPT_FLAG, &o->job.asked.keep_resid, NULL,
         "the main pass's residuals as MODEL_LL_resid.bin, one file a row", 0, 0, NULL},
        LL_OPT_RUN(o->choice),
        {"--resume", LL_OPT_FLAG, &o->job.resume, NULL,
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

static void bar_begin(void *bar, const char *what) { ll_progress_start(bar, what, 0); }
static void bar_show(void *bar, double done) { ll_progress_show(bar, done); }
static void bar_end(void *bar) { ll_progress_end(bar); }

/* Where the results lie, and how many models worked. */
static int tell(const struct ll_run_outcome *out, const struct ll_run_job *job, struct ll_err *err)
{
    const struct ll_run_tally n = ll_run_models_tally(&out->models);
    const struct ll_run_model *worst = ll_run_models_worst(&out->models);
    struct ll_buf line = {0};
    ll_shown(&line, out->dir.final, strlen(out->dir.final), "");
    ll_buf_addf(&line, ": %d model%s, %d failed", n.ok + n.failed, n.ok + n.failed == 1 ? "" : "s",
                n.failed - n.skipped);
    ll_buf_addf(&line, n.skipped ? ", %d skipped\n" : "\n", n.skipped);
    int rc = ll_print_text(&line, err);
    ll_buf_free(&line);
    if (!rc && n.ok && !job->no_index && !job->talk.quiet)
        ll_say_line("next: logitlens query first-semantic-layer (logitlens query lists more)");
    if (!rc && worst && job->talk.quiet)
        rc = ll_fail(err, worst->code, "%d of %d models failed: %s", n.failed, out->models.n, worst->reason);
    else if (!rc && worst)
        rc = ll_fail(err, worst->code, "%d of %d models failed (see above and the JSON files)", n.failed,
                     out->models.n);
    return rc;
}

/* The experiment as the options, the environment and the models named behind it want it. */
static int resolve(struct ll_experiment *e, struct run_opts *o, const char *more[LL_N_ENV_WORDS],
                   struct ll_err *err)
{
    struct ll_command_line *line = &o->job.line;
    int rc = ll_run_options_env(&o->choice, more, &line->n_more, err);
    if (rc || (rc = ll_run_options_take(e, &o->choice, err)) || (rc = ll_run_check(e, err))
        || (rc = ll_experiment_models(e, line->args + 1, line->n_args - 1, err)))
        return rc;
    ll_warn_lens(e->lens, o->common.quiet);
    if (e->n_interventions && !o->common.quiet)
        ll_say_line("logitlens: warning: interventions change the models: %s", e->interventions_text);
    return LL_OK;
}

static int run(struct ll_run_job *job, int quiet, struct ll_err *err)
{
    struct ll_progress bar;
    struct ll_run_outcome out;
    job->talk = quiet ? (struct ll_run_talk){.quiet = 1}
                      : (struct ll_run_talk){0, bar_begin, bar_show, bar_end, &bar};
    job->interrupted = ll_interrupt_catch();
    int rc = ll_experiment_run(&out, job, err);
    if (!rc)
        rc = tell(&out, job, err);
    ll_run_outcome_free(&out);
    return rc;
}

static int self_test(struct ll_engine *engine, const struct ll_experiment *e, struct ll_err *err)
{
    const struct ll_diag_opts on_screen = {0};
    struct ll_diag d;
    int rc = ll_diag_begin(&d, "run --self-test", NULL, err);
    if (!rc && !(rc = ll_self_test(engine, e->models, e->n_models, &d.criteria, err))) {
        ll_report_criteria(&d.text, &d.criteria, 0);
        rc = ll_diag_finish(&d, &on_screen, err);
    }
    ll_diag_free(&d);
    return rc;
}

int ll_cmd_run(int argc, char **argv, struct ll_err *err)
{
    struct run_opts o = defaults;
    struct ll_run_job *job = &o.job;
    struct ll_opt t[N_OPTS];
    struct ll_experiment e;
    const char *args[MAX_ARGS], *more[LL_N_ENV_WORDS];
    int rc;
    opt_table(&o, t);
    job->line = (struct ll_command_line){.argc = argc, .argv = argv, .args = args, .more = more};
    if ((rc = ll_opt_parse(t, argc, argv, args, MAX_ARGS, &job->line.n_args, err))
        || (rc = ll_shard_parse(o.shard, &job->asked.shard, &job->asked.n_shards, err)))
        return rc;
    if (job->line.n_args < 1)
        return ll_fail(err, LL_EUSAGE, "run: expected an experiment file (see: logitlens help run)");
    if ((rc = ll_experiment_read(&e, args[0], err)))
        return rc;
    ll_experiment_say(&e, o.common.quiet);
    job->asked.e = &e;
    job->asked.file = args[0];
    if (!(rc = resolve(&e, &o, more, err)) && !(rc = ll_engine_init(&job->engine, o.common.threads, err))) {
        job->asked.capacity = o.choice.capacity;
        rc = o.self_test ? self_test(job->engine, &e, err) : run(job, o.common.quiet, err);
    }
    ll_engine_free(job->engine);
    ll_experiment_free(&e);
    return rc;
}
