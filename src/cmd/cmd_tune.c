/* cmd_tune.c - fit a tuned lens to a model on text, say what it gains on text held out, save it. */
#include "cmd.h"
#include "opened.h"
#include "print.h"
#include "progress.h"
#include "tune_json.h"
#include "tune_view.h"
#include "tuned_save.h"
#include "tuned_text.h"

#include <string.h>

struct tune_opts {
    struct ll_common common;
    const char *out;
    double ridge, held_out;
    int tokens, seq, json, exact;
};
static const struct tune_opts defaults = {.common = LL_COMMON_DEFAULTS,
                                          .ridge = 0.001,
                                          .held_out = 0.1,
                                          .seq = 512};
enum { N_OPTS = 10, MAX_FILES = 256 };

static void opt_table(struct tune_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--out", LL_OPT_STR, &o->out, "DIR",
         "folder to write (config.json, params.pt): absent or empty; none: only measure", 0, 0, NULL},
        {"--ridge", LL_OPT_NUM, &o->ridge, "X", "ridge, in shares of each dimension's spread", 1e-9, 1e6,
         NULL},
        {"--tokens", LL_OPT_INT, &o->tokens, "N", "tokens of the text taken, 0: all", 0, 1 << 30, NULL},
        {"--held-out", LL_OPT_NUM, &o->held_out, "SHARE", "share of the windows that the fit does not see",
         0.001, 0.9, NULL},
        {"--seq", LL_OPT_INT, &o->seq, "N", "tokens of a window, at most the model's context", 8, 32768,
         NULL},
        {"--json", LL_OPT_FLAG, &o->json, NULL, "JSON instead of the table", 0, 0, NULL},
        LL_OPT_EXACT_FILES(*o),
        LL_OPT_THREADS(o->common),
        LL_OPT_QUIET(o->common),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_tune_options(struct ll_buf *out)
{
    struct tune_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
    ll_buf_adds(out,
                "\nThe equations are solved by OpenBLAS, whose kernels differ between processors: the\n"
                "same command gives the same file on one machine, with any number of threads.\n");
}

static int save(const char *folder, const struct ll_tune_doc *d, struct ll_err *err)
{
    struct ll_buf config = {0};
    ll_tune_config(&config, d);
    int rc = ll_buf_ok(&config, err);
    if (!rc)
        rc = ll_tuned_save(folder,
                           &(struct ll_tuned_new){ll_buf_str(&config), config.len, d->found->W, d->found->b,
                                                  d->info->n_layers, d->info->d_model},
                           err);
    ll_buf_free(&config);
    return rc;
}

static int put_out(const struct ll_tune_doc *d, const struct tune_opts *o, struct ll_err *err)
{
    struct ll_buf out = {0};
    int rc = o->out ? save(o->out, d, err) : LL_OK;
    if (!rc && o->json)
        ll_tune_json(&out, d);
    else if (!rc)
        ll_tune_view(&out, d->found, d->job);
    if (!rc)
        rc = ll_print_as(o->json, &out, err);
    if (!rc && !o->common.quiet)
        ll_say_line("fit %.1f s, held-out text %.1f s%s%s", d->found->fit_s, d->found->held_out_s,
                    o->out ? ", written to " : "", o->out ? o->out : "");
    ll_buf_free(&out);
    return rc;
}

static int run(const struct ll_session *s, const struct ll_split *split, int seq, const struct tune_opts *o,
               const struct ll_model_info *info, struct ll_err *err)
{
    struct ll_progress bar;
    struct ll_tune found = {0};
    const struct ll_tune_job job = {.model = s->model,
                                    .engine = s->engine,
                                    .text = ll_split_windows(&split->fit),
                                    .held_out = ll_split_windows(&split->held_out),
                                    .ridge = o->ridge,
                                    .seq = seq,
                                    .progress = ll_progress_tick,
                                    .progress_arg = &bar};
    const struct ll_tune_doc d = {info, &job, &found};
    int rc = ll_tune_check_memory(&job, err);
    if (rc)
        return rc;
    ll_progress_start(&bar, s->model->ckpt->clean, o->common.quiet);
    rc = ll_tune_run(&found, &job, err);
    ll_progress_end(&bar);
    if (!rc)
        rc = put_out(&d, o, err);
    ll_tune_free(&found);
    return rc;
}

int ll_cmd_tune(int argc, char **argv, struct ll_err *err)
{
    struct tune_opts o = defaults;
    struct ll_opt t[N_OPTS];
    const char *v[MAX_FILES + 1];
    struct ll_args args = {.v = v,
                           .least = 2,
                           .most = MAX_FILES + 1,
                           .expected = "a model and files of text"};
    struct ll_session s = {0};
    struct ll_split split = {0};
    struct ll_model_info info;
    struct ll_info_text keep;
    int rc;
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)) || (o.out && (rc = ll_tuned_can_save(o.out, err))))
        return rc;
    const struct ll_open_ask ask = {.model = v[0], .threads = o.common.threads, .quiet = o.common.quiet};
    if ((rc = ll_open_model(&s, &ask, err)))
        return rc;
    const int seq = s.model->n_ctx > 0 && o.seq > s.model->n_ctx ? (int)s.model->n_ctx : o.seq;
    const struct ll_split_opts so = {seq, o.tokens, o.held_out, {o.exact, o.common.quiet}};
    if (!(rc = ll_session_info(&s, LL_LENS_FINAL, &info, &keep, err))
        && !(rc = ll_split_files(&split, &s, v + 1, args.n - 1, &so, err)))
        rc = run(&s, &split, seq, &o, &info, err);
    ll_split_free(&split);
    ll_session_close(&s);
    return rc;
}
