/* cmd_diff.c - two checkpoints of one vocabulary on the same prompts: what quantising, or fine-tuning, did
 * layer by layer. */
#include "cmd.h"
#include "diff_out.h"
#include "diff_prompts.h"
#include "diff_stats.h"
#include "diff_view.h"
#include "provenance.h"
#include "outfile.h"
#include "terminal.h"
#include "progress.h"
#include "print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diff_opts {
    struct ll_common common;
    const char *ids, *prompts, *positions, *csv, *json, *index;
    double tolerance[LL_DIFF_TOLERANCES];
    int fail, exact;
};
/* A hundredth of a bit a token is a loss hardly to be seen in perplexity (0.7 %). The others say about the
 * same: for close distributions JS is a quarter of KL, and a cosine of 0.999 is a relative error of 0.045. */
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

/* One comparison; freed as a whole. */
struct run {
    const struct diff_opts *o;
    struct ll_session s[2];
    struct ll_model_info info[2];
    struct ll_info_text info_text[2];
    enum ll_lens_kind lens;
    struct ll_diff_prompts prompts;
    struct ll_sweep_prompt *sweep; /* [n prompts]; owned */
    struct ll_diff_stats stats;
    struct ll_diff_layer *layers; /* [stats.n_rows]; owned */
    struct ll_diff_out *out;
    struct ll_row row;
    struct ll_buf command, token[3]; /* owned: command line; token, top-1 of A and of B being shown */
};

static void run_free(struct run *r)
{
    ll_diff_out_close(r->out);
    ll_diff_stats_free(&r->stats);
    ll_diff_prompts_free(&r->prompts);
    ll_row_free(&r->row);
    free(r->sweep);
    free(r->layers);
    ll_buf_free(&r->command);
    for (int i = 0; i < 3; i++)
        ll_buf_free(&r->token[i]);
    ll_session_close(&r->s[1]); /* uses the first one's engine */
    ll_session_close(&r->s[0]);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void show(const struct run *r, int id, struct ll_buf *text)
{
    ll_buf_reset(text);
    ll_session_show(&r->s[r->s[0].tok ? 0 : 1], id, text);
}

static void fill_row(struct run *r, int prompt, int pos, int layer, const struct ll_diff_row *d)
{
    struct ll_row *row = &r->row;
    const int ids[3] = {r->prompts.v[prompt].ids.v[pos], d->top_id[0][0], d->top_id[1][0]};
    static const int id_cols[3] = {LL_DIFF_TOKEN_ID, LL_DIFF_TOP1_A_ID, LL_DIFF_TOP1_B_ID},
                     text_cols[3] = {LL_DIFF_TOKEN, LL_DIFF_TOP1_A, LL_DIFF_TOP1_B};
    ll_row_clear(row);
    ll_row_int(row, LL_DIFF_PROMPT, prompt);
    ll_row_int(row, LL_DIFF_POS, pos);
    ll_row_int(row, LL_DIFF_LAYER, layer);
    for (int i = 0; i < 3; i++) {
        show(r, ids[i], &r->token[i]);
        ll_row_int(row, id_cols[i], ids[i]);
        ll_row_text(row, text_cols[i], ll_buf_str(&r->token[i]), r->token[i].len);
    }
    ll_row_real(row, LL_DIFF_KL_AB, d->div.kl_ab_bits);
    ll_row_real(row, LL_DIFF_KL_BA, d->div.kl_ba_bits);
    ll_row_real(row, LL_DIFF_JS, d->div.js_bits);
    ll_row_real(row, LL_DIFF_ENTROPY_A, d->entropy_bits[0]);
    ll_row_real(row, LL_DIFF_ENTROPY_B, d->entropy_bits[1]);
    ll_row_real(row, LL_DIFF_P_TOP1_A, d->top_p[0][0]);
    ll_row_real(row, LL_DIFF_P_TOP1_B, d->top_p[1][0]);
    ll_row_bool(row, LL_DIFF_TOP1_FLIP, d->flip);
    ll_row_real(row, LL_DIFF_TOP5_JACCARD, d->top5_jaccard);
    ll_row_real(row, LL_DIFF_RESID_COS, d->resid_cos);
    ll_row_real(row, LL_DIFF_RESID_REL_ERR, d->resid_rel_err);
}

static int on_result(void *arg, const struct ll_diff_result *d, struct ll_err *err)
{
    struct run *r = arg;
    int rc = LL_OK;
    ll_diff_stats_add(&r->stats, d);
    for (int i = 0; i < d->n_pos && !rc; i++)
        for (int l = 0; l < d->n_rows && !rc; l++) {
            fill_row(r, d->prompt, d->pos0 + i, r->stats.first_layer + l,
                     &d->rows[(size_t)l * (size_t)d->n_pos + (size_t)i]);
            rc = ll_diff_out_row(r->out, &r->row, err);
        }
    return rc;
}

/* ---- running --------------------------------------------------------------------------------- */

static void on_progress(void *arg, double done) { ll_progress_show(arg, done); }

static int open_both(struct run *r, const char *const *models, struct ll_err *err)
{
    int rc = ll_session_open(&r->s[0], models[0], NULL, r->o->common.threads, err);
    if (!rc)
        rc = ll_session_open(&r->s[1], models[1], r->s[0].engine, 0, err);
    const struct ll_model *a = r->s[0].model, *b = r->s[1].model;
    if (!rc && a->d_vocab != b->d_vocab)
        rc = ll_fail(err, LL_EUSAGE,
                     "expected two models of one vocabulary, found %s with %d tokens and %s with %d",
                     a->ckpt->clean, a->d_vocab, b->ckpt->clean, b->d_vocab);
    for (int i = 0; i < 2 && !rc; i++)
        ll_warn_notes(r->s[i].model, r->o->common.quiet);
    for (int i = 0; i < 2 && !rc; i++)
        rc = ll_session_info(&r->s[i], r->lens, &r->info[i], &r->info_text[i], err);
    return rc;
}

static int prepare(struct run *r, struct ll_err *err)
{
    const struct ll_model *a = r->s[0].model, *b = r->s[1].model;
    int n = r->prompts.n, n_rows = ll_diff_rows(a, b), last = !strcmp(r->o->positions, "last");
    size_t positions = 0;
    if (!(r->sweep = calloc((size_t)n, sizeof *r->sweep))
        || !(r->layers = calloc((size_t)n_rows, sizeof *r->layers)))
        return ll_fail_mem(err, "prompts", sizeof *r->sweep * (size_t)n);
    for (int i = 0; i < n; i++) {
        r->sweep[i] = (struct ll_sweep_prompt){.ids = r->prompts.v[i].ids.v,
                                               .n_ids = r->prompts.v[i].ids.n,
                                               .want = last ? LL_SWEEP_LAST : LL_SWEEP_ALL};
        positions += last ? 1 : (size_t)r->sweep[i].n_ids;
    }
    int rc = ll_diff_stats_init(&r->stats, n_rows, n_rows == 1 ? a->n_layers : 0, positions, err);
    if (!rc)
        rc = ll_row_init(&r->row, &ll_schema_diff, err);
    return rc ? rc : ll_diff_out_open(&r->out, r->o->csv, r->o->index, err);
}

static int compare(struct run *r, struct ll_err *err)
{
    struct ll_progress bar;
    struct ll_diff d = {.a = r->s[0].model,
                        .b = r->s[1].model,
                        .engine = r->s[0].engine,
                        .lens = r->lens,
                        .prompts = r->sweep,
                        .n_prompts = r->prompts.n,
                        .result = on_result,
                        .result_arg = r,
                        .progress = on_progress,
                        .progress_arg = &bar};
    ll_progress_start(&bar, "diff", r->o->common.quiet);
    int rc = ll_diff_run(&d, err);
    ll_progress_end(&bar);
    return rc;
}

/* ---- what comes out -------------------------------------------------------------------------- */

static void gather(struct run *r, const char *const *models, struct ll_diff_doc *doc)
{
    const struct ll_diff_stats *s = &r->stats;
    *doc = (struct ll_diff_doc){.a = &r->info[0],
                                .b = &r->info[1],
                                .path_a = models[0],
                                .path_b = models[1],
                                .prompts_from = r->prompts.from,
                                .positions = r->o->positions,
                                .prompts = r->prompts.list,
                                .n_prompts = r->prompts.n,
                                .layers = r->layers,
                                .n_layers = s->n_rows,
                                .first_beyond = -1,
                                .worst_prompt = s->worst_prompt,
                                .worst_pos = s->worst_pos,
                                .worst_kl_bits = s->worst.div.kl_ab_bits,
                                .worst_p_a = s->worst.top_p[0][0],
                                .worst_p_b = s->worst.top_p[1][0],
                                .tool = ll_tool_version()};
    memcpy(doc->tolerance, r->o->tolerance, sizeof doc->tolerance);
    for (int l = 0; l < s->n_rows; l++) {
        ll_diff_stats_layer(&r->stats, l, doc->tolerance, &r->layers[l]);
        if (doc->first_beyond < 0 && r->layers[l].beyond)
            doc->first_beyond = l;
    }
    show(r, r->prompts.v[s->worst_prompt].ids.v[s->worst_pos], &r->token[0]);
    show(r, s->worst.top_id[0][0], &r->token[1]);
    show(r, s->worst.top_id[1][0], &r->token[2]);
    doc->worst_token = ll_buf_str(&r->token[0]);
    doc->worst_top1_a = ll_buf_str(&r->token[1]);
    doc->worst_top1_b = ll_buf_str(&r->token[2]);
    ll_buf_addf(&r->command, "diff %s %s --norm %s --positions %s", r->info[0].clean, r->info[1].clean,
                r->o->common.norm, r->o->positions);
    doc->command = ll_buf_str(&r->command);
}

static int to_stdout(const char *file) { return file && !strcmp(file, "-"); }

static int write_out(struct run *r, const struct ll_diff_doc *doc, struct ll_err *err)
{
    struct ll_buf b = {0};
    struct ll_term t = ll_term_of(stdout);
    char key[65];
    int added, rc = ll_diff_out_finish(r->out, doc, key, &added, err);
    if (!rc && r->o->json) {
        ll_diff_json(&b, doc, key);
        rc = ll_buf_ok(&b, err);
        if (!rc)
            rc = to_stdout(r->o->json) ? ll_print(&b, err) : ll_file_write(r->o->json, b.s, b.len, err);
        ll_buf_reset(&b);
    }
    if (!rc && !to_stdout(r->o->json) && !to_stdout(r->o->csv)) {
        ll_diff_view(&b, &t, doc);
        rc = ll_print_text(&b, err);
    }
    ll_buf_free(&b);
    if (!rc && r->o->index && !r->o->common.quiet)
        ll_say_line("%s: %s", r->o->index,
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

int ll_cmd_diff(int argc, char **argv, struct ll_err *err)
{
    struct diff_opts o = defaults;
    struct ll_opt t[N_OPTS];
    const char *args[MAX_ARGS];
    struct ll_diff_doc doc;
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, MAX_ARGS, &n_args, err)))
        return rc;
    if (n_args < 2)
        return ll_fail(err, LL_EUSAGE, "diff: expected two models (see: logitlens help diff)");
    if (to_stdout(o.csv) && to_stdout(o.json))
        return ll_fail(err, LL_EUSAGE, "diff: expected at most one of --csv and --json on standard output");
    struct run r = {.o = &o, .lens = (enum ll_lens_kind)ll_lens_by_name(o.common.norm)};
    struct ll_diff_asked asked = {args + 2, n_args - 2, o.ids, o.prompts, {o.exact, o.common.quiet}};
    ll_warn_lens(r.lens, o.common.quiet);
    if (!(rc = open_both(&r, args, err))
        && !(rc = ll_diff_prompts_make(&r.prompts, &asked, &r.s[0], &r.s[1], err)) && !(rc = prepare(&r, err))
        && !(rc = compare(&r, err))) {
        gather(&r, args, &doc);
        rc = write_out(&r, &doc, err);
        if (!rc && o.fail)
            rc = judge(&doc, err);
    }
    run_free(&r);
    return rc;
}
