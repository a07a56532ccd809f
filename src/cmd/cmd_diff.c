/* cmd_diff.c - two checkpoints of one vocabulary on the same prompts: what quantising, or fine-tuning, did
 * layer by layer. */
#include "cmd.h"
#include "diff_json.h"
#include "diff_run.h"
#include "diff_view.h"
#include "outfile.h"
#include "print.h"
#include "progress.h"

#include <string.h>

struct diff_opts {
    struct ll_common common;
    const char *ids, *prompts, *positions, *csv, *json, *index;
    double tolerance[LL_DIFF_TOLERANCES];
    int fail, exact;
};
/* 0.01 bits a token raise perplexity by 0.7 %, which is hard to see. The other limits mean about the same:
 * for close distributions JS is a quarter of KL, and a cosine of 0.999 is a relative error of 0.045. */
static const struct diff_opts defaults = {
    .common = LL_COMMON_DEFAULTS,
    .positions = "all",
    .tolerance = {[LL_DIFF_T_KL] = 0.01,
                  [LL_DIFF_T_JS] = 0.0025,
                  [LL_DIFF_T_FLIPS] = 0.05,
                  [LL_DIFF_T_COS] = 0.999,
                  [LL_DIFF_T_REL_ERR] = 0.05},
};
enum { N_OPTS = 17, MAX_ARGS = 1000 };

static void opt_table(struct diff_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--ids", LL_OPT_STR, &o->ids, "LIST", "token ids instead of text: 1,2,3", 0, 0, NULL},
        {"--prompts", LL_OPT_STR, &o->prompts, "FILE",
         "an experiment.json, a .csv or .jsonl of prompts, or a text file of one prompt a line", 0, 0, NULL},
        {"--positions", LL_OPT_STR, &o->positions, "WHICH", "positions compared", 0, 0, "all|last"},
        LL_OPT_NORM(o->common),
        {"--tolerance", LL_OPT_NUM, &o->tolerance[LL_DIFF_T_KL], "BITS",
         "a layer's mean KL(A||B); -1, here and below: not asked", -1, 1e9, NULL},
        {"--max-js", LL_OPT_NUM, &o->tolerance[LL_DIFF_T_JS], "BITS", "a layer's mean JS", -1, 1, NULL},
        {"--max-flips", LL_OPT_NUM, &o->tolerance[LL_DIFF_T_FLIPS], "SHARE",
         "share of positions whose most likely token differs", -1, 1, NULL},
        {"--min-cos", LL_OPT_NUM, &o->tolerance[LL_DIFF_T_COS], "COS", "a layer's mean residual cosine", -1,
         1, NULL},
        {"--max-rel-err", LL_OPT_NUM, &o->tolerance[LL_DIFF_T_REL_ERR], "E",
         "a layer's mean relative error of the residual", -1, 1e9, NULL},
        {"--fail", LL_OPT_FLAG, &o->fail, NULL, "exit 5 when the output is beyond a tolerance", 0, 0, NULL},
        {"--csv", LL_OPT_STR, &o->csv, "FILE",
         "every prompt, position and layer as CSV; -: standard output, no table", 0, 0, NULL},
        {"--json", LL_OPT_STR, &o->json, "FILE", "the summary as JSON; -: standard output, no table", 0, 0,
         NULL},
        {"--index", LL_OPT_STR, &o->index, "FILE", "add it to this SQLite index (query diff-layers)", 0, 0,
         NULL},
        LL_OPT_EXACT(*o),
        LL_OPT_THREADS(o->common),
        LL_OPT_QUIET(o->common),
        LL_OPT_END,
    };
    _Static_assert(sizeof rows / sizeof *rows == N_OPTS, "N_OPTS");
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_diff_options(struct ll_buf *out)
{
    struct diff_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
    ll_buf_adds(out,
                "\nSeveral TEXTs are several prompts (-: standard input); without TEXT, --ids or --prompts "
                "eight plain\n"
                "English sentences are used. Tolerances are of a layer's mean over positions.\n"
                "Models of different depth are compared at their outputs only.\n");
}

static int to_stdout(const char *file) { return file && !strcmp(file, "-"); }

static int write_out(struct ll_comparison *r, const struct diff_opts *o, struct ll_err *err)
{
    const struct ll_diff_doc *doc = &r->doc;
    struct ll_buf b = {0};
    struct ll_term t = ll_term_of(stdout);
    char key[65];
    int added, rc = ll_diff_out_finish(r->out, doc, key, &added, err);
    if (!rc && o->json) {
        ll_diff_json(&b, doc, key);
        rc = ll_buf_ok(&b, err);
        if (!rc)
            rc = to_stdout(o->json) ? ll_print(&b, err) : ll_file_write(o->json, b.s, b.len, err);
        ll_buf_reset(&b);
    }
    if (!rc && !to_stdout(o->json) && !to_stdout(o->csv)) {
        ll_diff_view(&b, &t, doc);
        rc = ll_print_text(&b, err);
    }
    ll_buf_free(&b);
    if (!rc && o->index && !o->common.quiet)
        ll_say_line("%s: %s", o->index,
                    added ? "comparison added (logitlens query diff-layers)"
                          : "has this comparison already, nothing added");
    return rc;
}

/* --fail: the verdict comes after all outputs are written. */
static int judge(const struct ll_diff_doc *doc, struct ll_err *err)
{
    const struct ll_diff_layer *last = &doc->layers[doc->n_layers - 1];
    struct ll_buf why = {0};
    if (!last->beyond)
        return LL_OK;
    ll_diff_put_beyond(&why, last, doc->tolerance);
    int rc =
        ll_fail(err, LL_ECHECK, "the output of %s is beyond tolerance: %s", doc->b->clean, ll_buf_str(&why));
    ll_buf_free(&why);
    return rc;
}

static int run(const struct ll_diff_ask *ask, const struct diff_opts *o, struct ll_err *err)
{
    struct ll_progress *bar = ask->progress_arg;
    struct ll_comparison r = {0};
    ll_warn_lens(ask->lens, o->common.quiet);
    ll_progress_start(bar, "diff", o->common.quiet);
    int rc = ll_diff_compare(&r, ask, err);
    ll_progress_end(bar);
    if (!rc)
        rc = write_out(&r, o, err);
    if (!rc && o->fail)
        rc = judge(&r.doc, err);
    ll_comparison_free(&r);
    return rc;
}

int ll_cmd_diff(int argc, char **argv, struct ll_err *err)
{
    struct diff_opts o = defaults;
    struct ll_opt t[N_OPTS];
    const char *v[MAX_ARGS];
    struct ll_args args = {.v = v, .least = 2, .most = MAX_ARGS, .expected = "two models"};
    struct ll_progress bar;
    int rc;
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)))
        return rc;
    if (to_stdout(o.csv) && to_stdout(o.json))
        return ll_fail(err, LL_EUSAGE, "diff: expected at most one of --csv and --json on standard output");
    struct ll_diff_ask ask = {.a = v[0],
                              .b = v[1],
                              .lens = (enum ll_lens_kind)ll_lens_by_name(o.common.norm),
                              .norm = o.common.norm,
                              .positions = o.positions,
                              .prompts = {v + 2, args.n - 2, o.ids, o.prompts, {o.exact, o.common.quiet}},
                              .csv = o.csv,
                              .index = o.index,
                              .threads = o.common.threads,
                              .quiet = o.common.quiet,
                              .progress = ll_progress_tick,
                              .progress_arg = &bar};
    memcpy(ask.tolerance, o.tolerance, sizeof ask.tolerance);
    return run(&ask, &o, err);
}
