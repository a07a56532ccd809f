/* cmd_check.c - determinism and known answers of every operation, quantised blocks, and the same prompt in
 * lower precision (docs/diagnostics.md 6). Without a model, only the checks that need none run. */
#include "cmd.h"
#include "check.h"
#include "check_json.h"
#include "check_view.h"
#include "diag_out.h"
#include "op_inputs.h"
#include "opened.h"
#include "progress.h"

#include <string.h>

struct check_opts {
    struct ll_diag_opts out;
    int threads, quiet, runs, exact;
    const char *ids, *parts, *format, *original;
};
enum { N_OPTS = LL_N_DIAG_OPTS + 9, DEFAULT_IDS = 8 };
static const struct check_opts defaults = {.runs = 10, .parts = "all", .format = "f16"};

static void opt_table(struct check_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--runs", LL_OPT_INT, &o->runs, "N", "how often each operation runs on the same inputs", 2, 1000,
         NULL},
        {"--parts", LL_OPT_STR, &o->parts, "WHAT",
         "ops: determinism and known answers; blocks: quantised blocks; arms: lower precision", 0, 0,
         "all|ops|blocks|arms"},
        {"--format", LL_OPT_STR, &o->format, "TYPE", "of the lower precision", 0, 0, "f16|bf16"},
        {"--ids", LL_OPT_STR, &o->ids, "LIST",
         "token ids instead of text: 1,2,3; with neither, eight seeded ones", 0, 0, NULL},
        {"--original", LL_OPT_STR, &o->original, "MODEL",
         "the unquantised checkpoint: mean, std and rms of every part beside it", 0, 0, NULL},
        LL_OPT_EXACT(*o),
        LL_OPT_DIAG(o->out),
        LL_OPT_THREADS(*o),
        LL_OPT_QUIET(*o),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_check_options(struct ll_buf *out)
{
    struct check_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
}

static int wanted(const struct check_opts *o, const char *part)
{
    return !strcmp(o->parts, "all") || !strcmp(o->parts, part);
}

/* The model, and the text, the ids, or eight ids from the seeded generator. */
static int open_model(struct ll_opened *x, const struct ll_open_ask *ask, struct ll_err *err)
{
    int ids[DEFAULT_IDS], rc;
    uint32_t state = LL_OP_SEED;
    if (ask->text || ask->ids)
        return ll_open(x, ask, err);
    if ((rc = ll_open_model(&x->s, ask, err)))
        return rc;
    for (int i = 0; i < DEFAULT_IDS; i++)
        ids[i] = (int)(ll_op_bits(&state) % (uint32_t)x->s.model->d_vocab);
    return ll_prompt_from_ids(&x->p, &x->s, ids, DEFAULT_IDS, -1, err);
}

/* model: as named by the user; NULL: none. */
static int run_parts(struct ll_check *k, const struct ll_check_job *job, const struct check_opts *o,
                     const char *model, struct ll_criteria *c, struct ll_err *err)
{
    struct ll_progress *bar = job->progress_arg;
    int rc = LL_OK;
    if (wanted(o, "ops")) {
        ll_progress_start(bar, "operations", o->quiet);
        rc = ll_check_ops(k, job, c, err);
        ll_progress_end(bar);
    }
    if (!rc && wanted(o, "blocks"))
        ll_check_blocks(k, job, c);
    if (!rc && o->original)
        rc = ll_check_original(k, job, model, o->original, c, err);
    if (!rc && wanted(o, "arms"))
        rc = ll_check_arms(k, job, c, err);
    return rc;
}

static int report(const struct ll_opened *x, const struct check_opts *o, const char *model,
                  struct ll_err *err)
{
    struct ll_progress bar;
    struct ll_check_job job = {.model = x->s.model,
                               .engine = x->s.engine,
                               .ids = x->p.ids.v,
                               .n_ids = x->p.ids.n,
                               .runs = o->runs,
                               .format = !strcmp(o->format, "bf16") ? LL_HALF_BF16 : LL_HALF_F16,
                               .progress = ll_progress_tick,
                               .progress_arg = &bar};
    struct ll_check k = {0};
    struct ll_diag d;
    int rc = ll_diag_begin(&d, "check", model ? &x->s : NULL, err);
    if (!rc && !(rc = run_parts(&k, &job, o, model, &d.criteria, err))) {
        ll_check_json(&d.doc.j, &k, &job);
        ll_check_view(&d.text, &k, &job, &d.criteria, model ? d.info.model_id : NULL);
        rc = ll_diag_finish(&d, &o->out, err);
    }
    ll_check_free(&k);
    ll_diag_free(&d);
    return rc;
}

int ll_cmd_check(int argc, char **argv, struct ll_err *err)
{
    struct check_opts o = defaults;
    struct ll_opt t[N_OPTS];
    const char *v[2] = {NULL, NULL};
    struct ll_args args = {.v = v, .most = 2};
    struct ll_opened x = {0};
    int rc;
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)))
        return rc;
    if (!args.n && (o.ids || o.original))
        return ll_fail(err, LL_EUSAGE, "%s: expected a model, too", o.ids ? "--ids" : "--original");
    const struct ll_open_ask ask = {v[0], o.ids, v[1], o.threads, o.quiet, o.exact};
    if (args.n)
        rc = open_model(&x, &ask, err);
    if (!rc)
        rc = report(&x, &o, v[0], err);
    ll_opened_close(&x);
    return rc;
}
