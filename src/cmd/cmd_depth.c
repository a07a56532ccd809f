/* cmd_depth.c - what the model would say after its first k layers, and whether logits look healthy
 * (docs/diagnostics.md 5). */
#include "capture.h"
#include "cmd.h"
#include "diag_out.h"
#include "dist.h"
#include "grid.h"
#include "head_pass.h"
#include "logit_health.h"
#include "prompts.h"
#include "cells.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct depth_opts {
    struct ll_diag_opts out;
    int threads, quiet, exact;
    const char *layers, *ids, *reference;
};
enum { N_OPTS = LL_N_DIAG_OPTS + 7, MAX_DEPTHS = 4097 };
static const struct depth_opts defaults = {.layers = "0,1,2,10,n"};

static void opt_table(struct depth_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--layers", LL_OPT_STR, &o->layers, "LIST",
         "how many layers to run: 0,1,2,n (n: all; of the default, what the model has), or all", 0, 0, NULL},
        {"--ids", LL_OPT_STR, &o->ids, "LIST", "token ids instead of text: 1,2,3", 0, 0, NULL},
        {"--reference", LL_OPT_STR, &o->reference, "FILE",
         "predicted ids to compare with: {\"0\": 30466, \"22\": 1314}, or the JSON of another depth", 0, 0,
         NULL},
        LL_OPT_EXACT(*o),
        LL_OPT_DIAG(o->out),
        LL_OPT_THREADS(*o),
        LL_OPT_QUIET(*o),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_depth_options(struct ll_buf *out)
{
    struct depth_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
}

struct depth {
    struct ll_diag d;
    struct ll_session s;
    struct ll_prompt p;
    struct ll_settings *reference;
    int *k, n_k;                   /* depths asked for; owned */
    struct ll_stack stack;         /* last position only */
    float *normed, *logits, *full; /* [d_model], [d_vocab] x2; owned */
    double full_lse;
    int broken, agree, differ, last_equal;
    struct ll_logit_health last;
};

/* ---- which depths ---------------------------------------------------------------------------- */

static int add_depth(struct depth *d, long k, struct ll_err *err)
{
    int n = d->s.model->n_layers;
    if (k < 0 || k > n)
        return ll_fail(err, LL_EUSAGE, "--layers: expected 0..%d, found %ld", n, k);
    for (int i = 0; i < d->n_k; i++)
        if (d->k[i] == k)
            return ll_fail(err, LL_EUSAGE, "--layers: %ld is there twice", k);
    d->k[d->n_k++] = (int)k;
    return LL_OK;
}

/* The default leaves out what a shallow model has not. */
static int default_depths(struct depth *d, struct ll_err *err)
{
    static const int usual[] = {0, 1, 2, 10};
    int rc = LL_OK;
    for (int i = 0; i < 4 && !rc && usual[i] < d->s.model->n_layers; i++)
        rc = add_depth(d, usual[i], err);
    return rc ? rc : add_depth(d, d->s.model->n_layers, err);
}

static int parse_depths(struct depth *d, const char *list, struct ll_err *err)
{
    int rc = LL_OK;
    if (!(d->k = malloc(sizeof *d->k * MAX_DEPTHS)))
        return ll_fail_mem(err, "depths", sizeof *d->k * MAX_DEPTHS);
    if (list == defaults.layers)
        return default_depths(d, err);
    if (!strcmp(list, "all")) {
        for (int k = 0; k <= d->s.model->n_layers && !rc; k++)
            rc = add_depth(d, k, err);
        return rc;
    }
    if (!*list)
        return ll_fail(err, LL_EUSAGE, "--layers: expected at least one depth, found an empty list");
    for (const char *p = list; !rc; p++) {
        char *end = (char *)(uintptr_t)p + 1;
        errno = 0;
        long k = *p == 'n' ? d->s.model->n_layers : strtol(p, &end, 10);
        if (end == p || errno || (*end && *end != ','))
            return ll_fail(err, LL_EUSAGE,
                           "--layers: expected numbers or n separated by commas, found \"%.20s\"", p);
        rc = add_depth(d, k, err);
        p = end;
        if (!*p)
            break;
    }
    return rc;
}

/* ---- the reference --------------------------------------------------------------------------- */

/* The id that the reference predicts after k layers; -1: it does not say. */
static long long reference_id(const struct depth *d, int k)
{
    char key[64];
    snprintf(key, sizeof key, "%d", k);
    if (!d->reference || ll_settings_len(d->reference, "rows") < 0)
        return d->reference ? ll_settings_int(d->reference, key, -1) : -1;
    for (int i = 0; i < ll_settings_len(d->reference, "rows"); i++) {
        char layer[48], step[48], id[48];
        snprintf(layer, sizeof layer, "rows.%d.layer", i);
        snprintf(step, sizeof step, "rows.%d.step", i);
        snprintf(id, sizeof id, "rows.%d.top1_id", i);
        if (ll_settings_int(d->reference, layer, -1) == k
            && !strcmp(ll_settings_str(d->reference, step, ""), "final norm"))
            return ll_settings_int(d->reference, id, -1);
    }
    return -1;
}

/* ---- a row ----------------------------------------------------------------------------------- */

static const char *show(const struct depth *d, int id, struct ll_buf *b)
{
    struct ll_buf raw = {0};
    ll_session_show(&d->s, id, &raw);
    ll_buf_reset(b);
    ll_put_cell(b, ll_buf_str(&raw), raw.len, 20, 0);
    ll_buf_free(&raw);
    return ll_buf_str(b);
}

static void put_top(struct depth *d, const struct ll_logit_health *h, const struct ll_hit *top, int as_table,
                    struct ll_buf *out)
{
    struct ll_buf text = {0};
    for (int i = 0; i < h->n_top; i++)
        if (as_table)
            ll_buf_addf(out, "%s%d %s %.4g", i ? ", " : "", top[i].id, show(d, top[i].id, &text),
                        (double)top[i].v);
        else
            ll_buf_addf(out, "%s%d:%.9g", i ? " " : "", top[i].id, (double)top[i].v);
    ll_buf_free(&text);
}

static void json_row(struct depth *d, int k, const char *step, const struct ll_logit_health *h, double kl,
                     const char *verdict)
{
    struct ll_json *j = &d->d.j;
    struct ll_buf top = {0}, text = {0};
    ll_json_obj_flat(j, NULL);
    ll_json_int(j, "layer", k);
    ll_json_cstr(j, "step", step);
    if (h->n_top) {
        ll_session_show(&d->s, h->top[0].id, &text);
        put_top(d, h, h->top, 0, &top);
        ll_json_int(j, "top1_id", h->top[0].id);
        ll_json_str(j, "top1", ll_buf_str(&text), text.len);
        ll_json_cstr(j, "top5", ll_buf_str(&top));
    }
    ll_json_num(j, "entropy_bits", h->entropy_bits);
    ll_json_num(j, "kl_to_full_bits", kl);
    ll_json_num(j, "p_top1", h->p_top1);
    ll_json_num(j, "gap", h->gap);
    ll_json_num(j, "range", h->range);
    ll_tensor_stats_json(j, &h->stats);
    ll_json_bool(j, "looks_like_fp16", h->is_f16);
    ll_json_cstr(j, "health", ll_health_name(h->health));
    ll_json_cstr(j, "verdict", verdict);
    ll_json_end(j);
    ll_buf_free(&top);
    ll_buf_free(&text);
}

static void grid_row(struct depth *d, struct ll_grid *g, int k, const struct ll_logit_health *h, double kl,
                     const char *verdict)
{
    struct ll_buf text = {0};
    char v[32];
    const double shown[] = {
        h->stats.min, h->stats.max, ll_tensor_mean(&h->stats), ll_tensor_std(&h->stats), h->entropy_bits, kl};
    ll_grid_cell(g, "%d", k);
    ll_grid_cell(g, h->n_top ? "%d" : "-", h->n_top ? h->top[0].id : 0);
    ll_grid_cell(g, "%s", h->n_top ? show(d, h->top[0].id, &text) : "-");
    for (int i = 0; i < 6; i++)
        ll_grid_cell(g, "%s", ll_fixed(shown[i], i < 4 ? 3 : 4, v));
    ll_grid_cell(g, "%s", ll_health_name(h->health));
    ll_grid_cell(g, "%s", verdict);
    ll_buf_free(&text);
}

/* The logits of depth k by one norm, their health and divergence. */
static void read_row(struct depth *d, enum ll_lens_kind lens, int k, struct ll_logit_health *h, double *kl)
{
    const struct ll_model *m = d->s.model;
    ll_lens_normalize(m, ll_engine_vec(d->s.engine), lens, 0, k, ll_stack_row(&d->stack, k, 0), d->normed);
    ll_head_logits(m, d->s.engine, d->normed, d->logits);
    ll_logit_health(d->logits, m->d_vocab, k == m->n_layers, h);
    *kl = h->n_top ? ll_dist_kl_bits(d->logits, h->lse, d->full, d->full_lse, m->d_vocab) : NAN;
}

static const char *verdict_of(struct depth *d, int k, const struct ll_logit_health *h)
{
    long long want = reference_id(d, k);
    if (want < 0 || !h->n_top)
        return "computed";
    int same = h->top[0].id == want;
    d->agree += same;
    d->differ += !same;
    return same ? "agrees" : "differs";
}

static void put_tops(struct depth *d, const struct ll_logit_health *h)
{
    ll_say(&d->d.table, &d->d.markdown, "\ntop-5 after the final norm (id text logit)\n\n");
    for (int i = 0; i < d->n_k; i++) {
        struct ll_buf line = {0};
        put_top(d, &h[i], h[i].top, 1, &line);
        ll_say(&d->d.table, &d->d.markdown, "    %d: %s\n", d->k[i], ll_buf_str(&line));
        ll_buf_free(&line);
    }
}

/* Both tables; the rows of the JSON. */
static int put_rows(struct depth *d, struct ll_err *err)
{
    static const char *const heads =
        "Layers|Id|Predicted|Min|Max|Mean|Std|Entropy bits|KL to full|Health|Verdict";
    static const char *const spare = "Mean|Std|Min|Verdict|Max";
    struct ll_logit_health *h = calloc((size_t)d->n_k, sizeof *h), other;
    struct ll_grid g = ll_grid(heads);
    g.spare = spare;
    double kl;
    if (!h)
        return ll_fail_mem(err, "depths", sizeof *h * (size_t)d->n_k);
    ll_json_arr(&d->d.j, "rows");
    for (int i = 0; i < d->n_k; i++) {
        read_row(d, LL_LENS_FINAL, d->k[i], &h[i], &kl);
        const char *verdict = verdict_of(d, d->k[i], &h[i]);
        d->broken += h[i].health == LL_HEALTH_BROKEN;
        json_row(d, d->k[i], "final norm", &h[i], kl, verdict);
        grid_row(d, &g, d->k[i], &h[i], kl, verdict);
    }
    ll_say(&d->d.table, &d->d.markdown, "the first k layers, then final norm and unembedding\n");
    ll_grid_put(&g, &d->d.table, &d->d.markdown);
    put_tops(d, h);
    ll_say(&d->d.table, &d->d.markdown,
           "\nthe same residuals with the gain of the next block's ln1 (lens row)\n");
    g = ll_grid(heads);
    g.spare = spare;
    for (int i = 0; i < d->n_k; i++) {
        if (d->k[i] == d->s.model->n_layers)
            continue; /* there is no next block */
        read_row(d, LL_LENS_NEXT_LN1, d->k[i], &other, &kl);
        json_row(d, d->k[i], "next ln1", &other, kl, "computed");
        grid_row(d, &g, d->k[i], &other, kl, "computed");
    }
    ll_grid_put(&g, &d->d.table, &d->d.markdown);
    ll_say(&d->d.table, &d->d.markdown, "\n");
    ll_json_end(&d->d.j);
    free(h);
    return LL_OK;
}

/* ---- the pass -------------------------------------------------------------------------------- */

static int run_pass(struct depth *d, struct ll_err *err)
{
    const struct ll_model *m = d->s.model;
    int last = d->p.ids.n - 1, start[2] = {0, d->p.ids.n},
        rc = ll_stack_init(&d->stack, m, d->p.ids.n, &last, 1, err);
    struct ll_listener l = ll_stack_listener(&d->stack);
    struct ll_batch batch = {1, start, d->p.ids.v};
    struct ll_pass pass = {0};
    size_t width = (size_t)m->d_model, vocab = (size_t)m->d_vocab;
    if (rc)
        return rc;
    d->normed = malloc(sizeof(float) * width);
    d->logits = malloc(sizeof(float) * vocab);
    d->full = malloc(sizeof(float) * vocab);
    if (!d->normed || !d->logits || !d->full)
        return ll_fail_mem(err, "logits", sizeof(float) * vocab);
    if (!(rc = ll_pass_init(&pass, m, d->s.engine, d->p.ids.n, d->p.ids.n, &l, 1, err))
        && !(rc = ll_forward(&pass, &batch, 0, m->n_layers, err))) {
        ll_head_logits(m, d->s.engine, pass.final + (size_t)last * width, d->full);
        ll_logit_health(d->full, m->d_vocab, 1, &d->last);
        d->full_lse = d->last.lse;
        ll_lens_normalize(m, ll_engine_vec(d->s.engine), LL_LENS_FINAL, 0, m->n_layers,
                          ll_stack_row(&d->stack, m->n_layers, 0), d->normed);
        d->last_equal = !memcmp(d->normed, pass.final + (size_t)last * width, sizeof(float) * width);
    }
    ll_pass_free(&pass);
    return rc;
}

static void judge(struct depth *d)
{
    static const enum ll_crit of[] = {[LL_HEALTHY] = LL_CRIT_PASS,
                                      [LL_HEALTH_WEAK] = LL_CRIT_WARN,
                                      [LL_HEALTH_COLLAPSED] = LL_CRIT_FAIL,
                                      [LL_HEALTH_BROKEN] = LL_CRIT_FAIL};
    const struct ll_logit_health *h = &d->last;
    ll_diag_criterion(&d->d, of[h->health], "logits of the full model are healthy",
                      "%s: std %.3f, range %.3f, entropy %.3f of %.3f bits, gap %.4f, p(top1) %.4f%s",
                      ll_health_name(h->health), ll_tensor_std(&h->stats), h->range, h->entropy_bits,
                      ll_log2((double)d->s.model->d_vocab), h->gap, h->p_top1,
                      h->is_f16 ? "; logits look like fp16" : "");
    ll_diag_criterion(&d->d, d->broken ? LL_CRIT_FAIL : LL_CRIT_PASS,
                      "logits of every depth are finite and not constant", "%d of %d are not", d->broken,
                      d->n_k);
    ll_diag_criterion(&d->d, d->last_equal ? LL_CRIT_PASS : LL_CRIT_FAIL,
                      "all layers and the lens give the model's own output", "bit for bit");
    if (!d->reference)
        ll_diag_criterion(&d->d, LL_CRIT_NOT_RUN, "predictions agree with the reference",
                          "no --reference: a token that came out says nothing about quality");
    else if (!d->agree && !d->differ)
        ll_diag_criterion(&d->d, LL_CRIT_NOT_RUN, "predictions agree with the reference",
                          "it names none of these depths");
    else
        ll_diag_criterion(&d->d, d->differ ? LL_CRIT_FAIL : LL_CRIT_PASS,
                          "predictions agree with the reference", "%d agree, %d differ", d->agree, d->differ);
}

static int write_report(struct depth *d, const struct depth_opts *o, struct ll_err *err)
{
    struct ll_model_info info;
    struct ll_info_text keep;
    int rc = ll_session_info(&d->s, LL_LENS_FINAL, &info, &keep, err);
    if (rc)
        return rc;
    ll_diag_begin(&d->d, "depth", &info);
    ll_buf_addf(&d->d.markdown, "# Depth truncation of %s\n\n", info.model_id);
    ll_json_arr_flat(&d->d.j, "token_ids");
    for (int i = 0; i < d->p.ids.n; i++)
        ll_json_int(&d->d.j, NULL, d->p.ids.v[i]);
    ll_json_end(&d->d.j);
    ll_say(&d->d.table, &d->d.markdown, "%s, %d layers, %d tokens\n\n", info.model_id, info.n_layers,
           d->p.ids.n);
    if ((rc = put_rows(d, err)))
        return rc;
    judge(d);
    return ll_diag_finish(&d->d, &o->out, err);
}

int ll_cmd_depth(int argc, char **argv, struct ll_err *err)
{
    struct depth_opts o = defaults;
    struct ll_opt t[N_OPTS];
    struct depth d = {0};
    const char *args[2];
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, 2, &n_args, err)))
        return rc;
    if (n_args < 1)
        return ll_fail(err, LL_EUSAGE, "depth: expected a model (see: logitlens help depth)");
    if (o.reference && (rc = ll_settings_read(&d.reference, o.reference, err)))
        return rc;
    const struct ll_text_how how = {o.exact, o.quiet};
    if (!(rc = ll_session_open(&d.s, args[0], NULL, o.threads, err)))
        ll_warn_notes(d.s.model, o.quiet);
    if (!rc && !(rc = parse_depths(&d, o.layers, err))
        && !(rc = ll_prompt_read(&d.p, &d.s, o.ids, n_args > 1 ? args[1] : NULL, &how, NULL, err))
        && !(rc = run_pass(&d, err)))
        rc = write_report(&d, &o, err);
    ll_diag_free(&d.d);
    ll_stack_free(&d.stack);
    ll_prompt_free(&d.p);
    ll_settings_free(d.reference);
    ll_session_close(&d.s);
    free(d.k);
    free(d.normed);
    free(d.logits);
    free(d.full);
    return rc;
}
