/* cmd_tune.c - fit a tuned lens to a model on text, say what it gains on text held out, save it. */
#include "cmd.h"
#include "json_write.h"
#include "provenance.h"
#include "session.h"
#include "stats.h"
#include "tuned_fit.h"
#include "tuned_save.h"
#include "tuned_text.h"
#include "human.h"
#include "progress.h"
#include "print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

/* One fit and what it gains. */
struct tune {
    const struct tune_opts *o;
    struct ll_session s;
    struct ll_split split;
    struct ll_model_info info;
    struct ll_info_text keep;
    float *W, *b;               /* owned */
    struct ll_tuned *tuned;     /* borrows W */
    struct ll_tuned_gain *gain; /* [n_layers], owned */
    struct ll_skip_sanity skips;
    double own_nll, fit_s, eval_s;
    long long n_eval;
    struct ll_progress bar;
    int seq;         /* as asked for, at most the model's context */
    double from, to; /* share of the bar that the step at work has */
};

static void on_progress(void *arg, double done)
{
    struct tune *t = arg;
    ll_progress_show(&t->bar, t->from + (t->to - t->from) * done);
}

static long long tokens_of(const struct ll_split_part *p)
{
    return (long long)p->n_ids - p->n; /* the first of each window is left out */
}

/* ---- what is said ---------------------------------------------------------------------------- */

static void put_rows(const struct tune *t, struct ll_json *j)
{
    ll_json_arr(j, "rows");
    for (int l = 0; l < t->s.model->n_layers; l++) {
        const struct ll_tuned_gain *g = &t->gain[l];
        ll_json_obj_flat(j, NULL);
        ll_json_int(j, "layer", l);
        ll_json_num(j, "kl_lens_bits", g->kl_lens_bits);
        ll_json_num(j, "kl_tuned_bits", g->kl_tuned_bits);
        ll_json_num(j, "nll_lens_bits", g->nll_lens_bits);
        ll_json_num(j, "nll_tuned_bits", g->nll_tuned_bits);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_arr(j, "skip_layers_sanity");
    for (int i = 0; i < LL_N_SKIPS; i++) {
        ll_json_obj_flat(j, NULL);
        ll_json_int(j, "m", ll_skips[i]);
        ll_json_num(j, "ppl_increase", t->skips.ppl_increase[i]);
        ll_json_end(j);
    }
    ll_json_end(j);
}

/* How it was made; the same members in config.json and on stdout. */
static void put_facts(const struct tune *t, struct ll_json *j)
{
    ll_json_cstr(j, "tool", ll_tool_version());
    ll_json_cstr(j, "identity", t->info.identity);
    ll_json_cstr(j, "stored_types", t->info.stored_types);
    ll_json_cstr(j, "engine", t->info.engine);
    ll_json_cstr(j, "method",
                 "weighted ridge regression to the final residual, weights 1/mean(h_n^2), position 0 of "
                 "windows left out");
    ll_json_cstr(j, "solver", "OpenBLAS dposv: reproducible on one machine only");
    ll_json_num(j, "ridge", t->o->ridge);
    ll_json_int(j, "seq", t->seq);
    ll_json_int(j, "n_fit_tokens", tokens_of(&t->split.fit));
    ll_json_int(j, "n_held_out_positions", t->n_eval);
    ll_json_num(j, "own_nll_bits", t->own_nll);
    put_rows(t, j);
}

static void put_config(const struct tune *t, struct ll_buf *out)
{
    struct ll_json j;
    ll_json_init(&j, out);
    ll_json_obj(&j, NULL);
    ll_json_cstr(&j, "base_model_name_or_path", t->info.model_id);
    ll_json_int(&j, "d_model", t->s.model->d_model);
    ll_json_int(&j, "num_hidden_layers", t->s.model->n_layers);
    ll_json_bool(&j, "bias", 1);
    ll_json_null(&j, "base_model_revision");
    ll_json_null(&j, "unembed_hash");
    ll_json_cstr(&j, "lens_type", "linear_tuned_lens");
    ll_json_obj(&j, "logitlens");
    put_facts(t, &j);
    ll_json_end(&j);
    ll_json_end(&j);
}

static void put_json(const struct tune *t, struct ll_buf *out)
{
    struct ll_json j;
    ll_json_init(&j, out);
    ll_json_obj(&j, NULL);
    ll_json_int(&j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(&j, "model", t->info.model_id);
    put_facts(t, &j);
    ll_json_end(&j);
}

static void put_table(const struct tune *t, struct ll_buf *out)
{
    const struct ll_model *m = t->s.model;
    int lower = 0;
    ll_buf_addf(out, "%s: %lld tokens fitted, %lld positions held out, ridge %g\n", m->ckpt->clean,
                tokens_of(&t->split.fit), t->n_eval, t->o->ridge);
    ll_buf_addf(out,
                "bits on the held-out text: KL to the model's output, and -log2 p of the next token\n\n");
    ll_buf_addf(out, "layer  KL lens  KL tuned   next lens  next tuned\n");
    for (int l = 0; l < m->n_layers; l++) {
        const struct ll_tuned_gain *g = &t->gain[l];
        ll_buf_addf(out, "%5d %8.3f  %8.3f    %8.3f    %8.3f\n", l, g->kl_lens_bits, g->kl_tuned_bits,
                    g->nll_lens_bits, g->nll_tuned_bits);
        lower += g->kl_tuned_bits < g->kl_lens_bits;
    }
    ll_buf_addf(out, "%5d %8.3f  %8.3f    %8.3f    %8.3f  the model\n\n", m->n_layers, 0.0, 0.0, t->own_nll,
                t->own_nll);
    ll_buf_addf(out, "KL is lower at %d of %d inner layers\n", lower, m->n_layers);
    for (int i = 0; i < LL_N_SKIPS; i++)
        if (!isnan(t->skips.ppl_increase[i]))
            ll_buf_addf(out, "without the last %d blocks perplexity is %+.1f %%%s\n", ll_skips[i],
                        100 * t->skips.ppl_increase[i],
                        !i && t->skips.regression == 1 ? "  (above 20 %: the lens is no stand-in for them)"
                                                       : "");
}

/* ---- the steps ------------------------------------------------------------------------------- */

static int fit(struct tune *t, struct ll_err *err)
{
    const struct ll_model *m = t->s.model;
    size_t n = (size_t)m->n_layers, d = (size_t)m->d_model;
    struct ll_translator *layers = calloc(n, sizeof *layers);
    t->W = malloc(sizeof *t->W * n * d * d);
    t->b = malloc(sizeof *t->b * n * d);
    t->gain = calloc(n, sizeof *t->gain);
    int rc =
        layers && t->W && t->b && t->gain ? LL_OK : ll_fail_mem(err, "translators", sizeof *t->W * n * d * d);
    struct ll_tuned_fit job = {.model = m,
                               .engine = t->s.engine,
                               .text = ll_split_windows(&t->split.fit),
                               .ridge = t->o->ridge,
                               .progress = on_progress,
                               .progress_arg = t};
    double t0 = ll_now_s();
    if (!rc)
        rc = ll_tuned_fit_run(&job, t->W, t->b, err);
    t->fit_s = ll_now_s() - t0;
    for (size_t l = 0; l < n && !rc; l++)
        layers[l] = (struct ll_translator){{.type = LL_F32,
                                            .data = (const uint8_t *)(t->W + l * d * d),
                                            .row_bytes = sizeof *t->W * d,
                                            .n = (int)d,
                                            .k = (int)d},
                                           t->b + l * d};
    if (!rc)
        rc = ll_tuned_make(&t->tuned, m, layers, (int)n, NULL, NULL, err);
    free(layers);
    return rc;
}

static int evaluate(struct tune *t, struct ll_err *err)
{
    struct ll_tuned_eval job = {.model = t->s.model,
                                .engine = t->s.engine,
                                .lens = LL_LENS_FINAL,
                                .tuned = t->tuned,
                                .text = ll_split_windows(&t->split.held_out),
                                .progress = on_progress,
                                .progress_arg = t};
    double t0 = ll_now_s();
    int rc = ll_tuned_evaluate(&job, t->gain, &t->own_nll, &t->n_eval, err);
    t->eval_s = ll_now_s() - t0;
    ll_skip_sanity(t->gain, t->s.model->n_layers, t->own_nll, &t->skips);
    return rc;
}

static int save(const struct tune *t, struct ll_err *err)
{
    struct ll_buf config = {0};
    put_config(t, &config);
    int rc = ll_buf_ok(&config, err);
    if (!rc)
        rc = ll_tuned_save(t->o->out, ll_buf_str(&config), config.len, t->W, t->b, t->s.model->n_layers,
                           t->s.model->d_model, err);
    ll_buf_free(&config);
    return rc;
}

/* Translators, sums of one row, its equations, and a batch of residuals must go into memory; more rows at
 * once only save walks. */
static int check_memory(const struct tune *t, struct ll_err *err)
{
    const struct ll_model *m = t->s.model;
    struct ll_windows text = ll_split_windows(&t->split.fit);
    int rows = ll_text_batch_rows(&text);
    long long need = 4LL * m->n_layers * m->d_model * (m->d_model + 1LL) + ll_tuned_fit_row_bytes(m->d_model)
        + ll_tuned_fit_solve_bytes(m->d_model) + ll_stack_bytes(m, rows)
        + ll_pass_bytes(&(struct ll_pass_plan){m, rows, t->seq, NULL, 0}),
              have = ll_available_bytes();
    char a[16], b[16];
    return have < 0 || need <= have
        ? LL_OK
        : ll_fail(err, LL_EFIT, "tune: expected %s of free memory, found %s", ll_human_bytes((double)need, a),
                  ll_human_bytes((double)have, b));
}

static int run(struct tune *t, const char *const *files, int n_files, struct ll_err *err)
{
    struct ll_buf out = {0};
    t->seq = t->s.model->n_ctx > 0 && t->o->seq > t->s.model->n_ctx ? (int)t->s.model->n_ctx : t->o->seq;
    struct ll_split_opts so = {t->seq, t->o->tokens, t->o->held_out, {t->o->exact, t->o->common.quiet}};
    int rc = ll_session_info(&t->s, LL_LENS_FINAL, &t->info, &t->keep, err);
    if (!rc)
        rc = ll_split_files(&t->split, &t->s, files, n_files, &so, err);
    if (!rc)
        rc = check_memory(t, err);
    if (rc)
        return rc;
    ll_progress_start(&t->bar, t->s.model->ckpt->clean, t->o->common.quiet);
    t->to = 0.7; /* fitting; the rest is the held-out text */
    rc = fit(t, err);
    t->from = t->to;
    t->to = 1;
    if (!rc)
        rc = evaluate(t, err);
    ll_progress_end(&t->bar);
    if (!rc && t->o->out)
        rc = save(t, err);
    if (!rc) {
        (t->o->json ? put_json : put_table)(t, &out);
        rc = (t->o->json ? ll_print : ll_print_text)(&out, err);
    }
    if (!rc && !t->o->common.quiet)
        ll_say_line("fit %.1f s, held-out text %.1f s%s%s", t->fit_s, t->eval_s,
                    t->o->out ? ", written to " : "", t->o->out ? t->o->out : "");
    ll_buf_free(&out);
    return rc;
}

int ll_cmd_tune(int argc, char **argv, struct ll_err *err)
{
    struct tune_opts o = defaults;
    struct ll_opt table[N_OPTS];
    const char *args[MAX_FILES + 1];
    int n_args, rc;
    opt_table(&o, table);
    if ((rc = ll_opt_parse(table, argc, argv, args, MAX_FILES + 1, &n_args, err)))
        return rc;
    if (n_args < 2)
        return ll_fail(err, LL_EUSAGE, "tune: expected a model and files of text (see: logitlens help tune)");
    if (o.out && (rc = ll_tuned_can_save(o.out, err)))
        return rc;
    struct tune t = {.o = &o};
    if ((rc = ll_session_open(&t.s, args[0], NULL, o.common.threads, err)))
        return rc;
    ll_warn_notes(t.s.model, o.common.quiet);
    rc = run(&t, args + 1, n_args - 1, err);
    ll_tuned_free(t.tuned);
    free(t.W);
    free(t.b);
    free(t.gain);
    ll_split_free(&t.split);
    ll_session_close(&t.s);
    return rc;
}
