/* cmd_lens.c - one model, one text: a layer table that a person reads. */
#include "cmd.h"
#include "answers_view.h"
#include "attribution_view.h"
#include "csv_text.h"
#include "intervene_opt.h"
#include "json_write.h"
#include "map.h"
#include "metrics.h"
#include "provenance.h"
#include "stats.h"
#include "sweep.h"
#include "tuned_doc.h"
#include "tuned_open.h"
#include "utf8.h"
#include "terminal.h"
#include "human.h"
#include "cells.h"
#include "progress.h"
#include "width.h"
#include "print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lens_opts {
    struct ll_common common;
    const char *ids, *lens, *device;
    int no_norm_lens, fp32_unembed;
    struct ll_opt_list answers, answer_ids, intervene;
    int exact, top, pos, json, csv, attribution, against_id;
};
static const struct lens_opts defaults = {
    .common = LL_COMMON_DEFAULTS, .top = 3, .pos = -1, .against_id = -1, .lens = "norm"};
enum { N_OPTS = 22 };

static void opt_table(struct lens_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--answer", LL_OPT_LIST, &o->answers, "TEXT",
         "follow this answer: its rank and probability at every layer; several may be given", 0, 0, NULL},
        {"--answer-id", LL_OPT_LIST, &o->answer_ids, "ID", "the same by token id", 0, 0, NULL},
        {"--exact", LL_OPT_FLAG, &o->exact, NULL,
         "take standard input byte by byte, and answers as they are written", 0, 0, NULL},
        {"--ids", LL_OPT_STR, &o->ids, "LIST", "token ids instead of text: 1,2,3", 0, 0, NULL},
        {"--top", LL_OPT_INT, &o->top, "K", "tokens a layer; the table shows as many of them as fit", 1,
         1000000, NULL},
        {"--pos", LL_OPT_INT, &o->pos, "P", "position read inside the whole prompt, from 0; -1: the last", -1,
         2e9, NULL},
        {"--lens", LL_OPT_STR, &o->lens, "KIND",
         "norm, raw, or tuned:DIR: a tuned lens in that folder (see tune)", 0, 0, NULL},
        LL_OPT_NORM(o->common),
        LL_OPT_LN_BIAS(o->common),
        LL_OPT_HEAD(o->common),
        LL_OPT_SITE(o->common),
        LL_OPT_INTERVENE(o->intervene),
        {"--attribution", LL_OPT_FLAG, &o->attribution, NULL,
         "also: what each block and head adds to the answer's logit (without an answer: to the first "
         "choice's)",
         0, 0, NULL},
        {"--against-id", LL_OPT_INT, &o->against_id, "ID",
         "with --attribution: to the answer's logit minus this token's", -1, 2e9, NULL},
        {"--json", LL_OPT_FLAG, &o->json, NULL, "JSON instead of the table", 0, 0, NULL},
        {"--csv", LL_OPT_FLAG, &o->csv, NULL, "CSV instead of the table", 0, 0, NULL},
        LL_OPT_DEVICE(*o),
        LL_OPT_NO_NORM(*o),
        LL_OPT_FP32_UNEMBED(*o),
        LL_OPT_THREADS(o->common),
        LL_OPT_QUIET(o->common),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_lens_options(struct ll_buf *out)
{
    struct lens_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
    ll_intervene_help(out);
}

/* What the result callback needs to print. */
struct view {
    const struct lens_opts *o;
    const struct ll_session *s;
    const struct ll_prompt *p;
    struct ll_follows f; /* owned */
    struct ll_answers_view answers;
    struct ll_intervene *iv;
    enum ll_lens_kind lens;
    const char *tuned_dir;  /* NULL: no tuned lens */
    struct ll_tuned *tuned; /* owned */
    int ln_bias_drop, bare_head;
    enum ll_lens_site site;
    int pos;
    const struct ll_attribution_view *attribution; /* NULL: not asked for */
    struct ll_buf out;
};

static const struct ll_head_out *row_of(const struct ll_sweep_result *r, const struct view *v, int layer)
{
    return &r->rows[(size_t)layer * (size_t)r->n_pos + (size_t)(v->pos - r->pos0)];
}

/* First id of the first answer; -1: none, or unresolved. */
static int main_id(const struct view *v) { return v->f.n && v->f.v[0].slot >= 0 ? v->f.v[0].ids.v[0] : -1; }

/* ---- the table ------------------------------------------------------------------------------- */

/* The text up to the position read; what does not fit is cut off in front, because the end is what matters.
 * Bytes are joined before they are decoded: a character may be spread over several tokens. */
static void put_prompt(struct view *v, const struct ll_term *t)
{
    enum { BYTES_A_COLUMN = 8 };
    struct ll_buf bytes = {0}, text = {0};
    int room = t->width - 12, first = v->pos;
    for (long have = 0; first > 0 && have < (long)room * BYTES_A_COLUMN; first--) {
        ll_buf_reset(&bytes);
        ll_session_bytes(v->s, v->p->ids.v[first], &bytes);
        have += (long)bytes.len;
    }
    ll_buf_reset(&bytes);
    for (int i = first; i <= v->pos; i++)
        ll_session_bytes(v->s, v->p->ids.v[i], &bytes);
    ll_utf8_clean(&text, ll_buf_str(&bytes), bytes.len);
    const char *s = ll_buf_str(&text);
    size_t n = text.len;
    for (int over = ll_text_width(s, n) - room; over > 0 && n;) {
        uint32_t cp;
        int len = ll_utf8_next(s, n, &cp, NULL);
        over -= ll_cp_width(cp);
        s += len;
        n -= (size_t)len;
    }
    ll_buf_addf(&v->out, "reading  %s", first || s != ll_buf_str(&text) ? "…" : "");
    ll_put_cell(&v->out, s, n, room, 0);
    ll_buf_addc(&v->out, '\n');
    ll_buf_free(&bytes);
    ll_buf_free(&text);
}

static void put_header(struct view *v, const struct ll_term *t, double bits_max)
{
    const struct ll_model *m = v->s->model;
    char n[16];
    ll_style(&v->out, t, LL_BOLD);
    ll_buf_addf(&v->out, "%s", m->ckpt->clean);
    ll_style(&v->out, t, LL_PLAIN);
    ll_buf_addf(&v->out, "  %s, %d layers, width %d, vocabulary %d, %s parameters\n", m->family->name,
                m->n_layers, m->d_model, m->d_vocab, ll_human_count((double)m->n_params, n));
    put_prompt(v, t);
    ll_buf_addf(&v->out, "position %d of 0..%d, %s%s lens (%s%s)%s%s%s\nentropy in bits, at most %.2f\n",
                v->pos, v->p->ids.n - 1, v->tuned ? "tuned " : "", ll_lens_info(v->lens)->name,
                ll_norm_kind_name(m),
                v->ln_bias_drop && m->ln_final.b ? ", bias dropped before the last row" : "",
                v->site == LL_SITE_RESID_POST ? "" : ", site ",
                v->site == LL_SITE_RESID_POST ? "" : v->o->common.site, v->bare_head ? ", bare head" : "",
                bits_max);
    ll_style(&v->out, t, LL_YELLOW);
    ll_intervene_line(&v->out, v->iv);
    ll_style(&v->out, t, LL_PLAIN);
    ll_buf_addc(&v->out, '\n');
}

enum { BAR = 10, CELL = 11 }; /* columns of the entropy bar and of a token's text */

static int tokens_that_fit(const struct view *v, const struct ll_term *t)
{
    int left = t->width - (5 + 1 + 6 + 1 + BAR + 2) - (main_id(v) >= 0 ? 17 : 0), k = left / (CELL + 6);
    return k < 1 ? 1 : k > v->o->top ? v->o->top : k;
}

static void put_p(struct ll_buf *out, double p)
{
    if (p >= 0.9995)
        ll_buf_adds(out, "1.00");
    else if (p >= 0.0005)
        ll_buf_addf(out, ".%03d", (int)(p * 1000 + 0.5));
    else
        ll_buf_adds(out, "~0  ");
}

static void put_row(struct view *v, const struct ll_term *t, const struct ll_head_out *o, int layer,
                    double bits_max, int k)
{
    int answer = main_id(v);
    int hit = answer >= 0 && o->n_top && o->top[0].id == answer;
    ll_buf_addf(&v->out, "%5d", layer);
    ll_buf_addf(&v->out, " %6.3f ", o->entropy_bits);
    ll_style(&v->out, t, LL_CYAN);
    ll_put_bar(&v->out, o->entropy_bits / bits_max, BAR);
    ll_style(&v->out, t, LL_PLAIN);
    for (int i = 0; i < k && i < o->n_top; i++) {
        struct ll_buf text = {0};
        ll_session_show(v->s, o->top[i].id, &text);
        ll_buf_adds(&v->out, "  ");
        ll_style(&v->out, t, o->top[i].id == answer ? LL_GREEN : i ? LL_DIM : LL_PLAIN);
        int blank = strspn(ll_buf_str(&text), " ") == text.len; /* would look like nothing */
        ll_put_cell(&v->out, blank ? "␣" : ll_buf_str(&text), blank ? strlen("␣") : text.len, CELL - 1, 1);
        ll_buf_addc(&v->out, ' ');
        put_p(&v->out, ll_head_p(o, o->top[i].v));
        ll_style(&v->out, t, LL_PLAIN);
        ll_buf_free(&text);
    }
    if (answer >= 0) {
        for (int i = o->n_top; i < k; i++)
            ll_buf_addf(&v->out, "%*s", CELL + 6, "");
        ll_style(&v->out, t, hit ? LL_GREEN : LL_PLAIN);
        ll_buf_addf(&v->out, "  %7d %6.4f", o->tracked_rank[0], ll_head_p(o, o->tracked_logit[0]));
        ll_style(&v->out, t, LL_PLAIN);
    }
    ll_buf_addc(&v->out, '\n');
}

static void put_table(struct view *v, const struct ll_sweep_result *r)
{
    struct ll_term t = ll_term_of(stdout);
    double bits_max = log2((double)v->s->model->d_vocab);
    int k = tokens_that_fit(v, &t), n = v->s->model->n_layers;
    put_header(v, &t, bits_max);
    ll_style(&v->out, &t, LL_BOLD);
    ll_buf_addf(&v->out, "layer  bits  %-*s  %-*s", BAR, "entropy", k * (CELL + 6) - 2,
                main_id(v) >= 0 && k < 2 ? "next token" : "next token, most likely first");
    if (main_id(v) >= 0)
        ll_buf_addf(&v->out, "  %7s %6s", "answer#", "p");
    ll_style(&v->out, &t, LL_PLAIN);
    ll_buf_addc(&v->out, '\n');
    for (int l = 0; l <= n; l++)
        put_row(v, &t, row_of(r, v, l), l, bits_max, k);
    ll_answers_lines(&v->answers, &v->out);
    ll_answers_table(&v->answers, &t, &v->out);
}

/* ---- machine-readable ------------------------------------------------------------------------ */

static void put_json(struct view *v, const struct ll_sweep_result *r, const struct ll_model_info *info)
{
    struct ll_json j;
    int n = v->s->model->n_layers;
    ll_json_init(&j, &v->out);
    ll_json_obj(&j, NULL);
    ll_json_int(&j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(&j, "tool", ll_tool_version());
    ll_json_cstr(&j, "model", info->model_id);
    ll_json_cstr(&j, "identity", info->identity);
    ll_json_cstr(&j, "family", info->family);
    ll_json_cstr(&j, "stored_types", info->stored_types);
    ll_json_cstr(&j, "lens", info->lens_norm);
    if (v->tuned) {
        char *name = ll_path_base(v->tuned_dir); /* no machine paths */
        ll_json_cstr(&j, "tuned_lens", name);
        free(name);
    }
    ll_json_cstr(&j, "ln_bias", v->o->common.ln_bias);
    ll_json_cstr(&j, "lens_site", v->o->common.site);
    ll_json_cstr(&j, "lens_head", v->o->common.head);
    ll_json_cstr(&j, "engine", info->engine);
    ll_json_int(&j, "n_layers", n);
    ll_json_int(&j, "pos", v->pos);
    ll_json_arr_flat(&j, "ids");
    for (int i = 0; i < v->p->ids.n; i++)
        ll_json_int(&j, NULL, v->p->ids.v[i]);
    ll_json_end(&j);
    if (main_id(v) >= 0)
        ll_json_int(&j, "answer_id", main_id(v));
    if (v->f.n)
        ll_answers_json(&v->answers, &j);
    ll_intervene_json(&j, v->iv);
    ll_json_bool(&j, "last_row_equals_model",
                 ll_last_row_is_own(v->s->model, v->site, v->bare_head)); /* ll_head_pass fails otherwise */
    ll_json_arr(&j, "layers");
    for (int l = 0; l <= n; l++) {
        const struct ll_head_out *o = row_of(r, v, l);
        ll_json_obj(&j, NULL);
        ll_json_int(&j, "layer", l);
        ll_json_num(&j, "entropy_bits", o->entropy_bits);
        ll_json_num(&j, "kl_to_final_bits", o->kl_to_final_bits);
        if (main_id(v) >= 0) {
            ll_json_int(&j, "answer_rank", o->tracked_rank[0]);
            ll_json_num(&j, "p_answer", ll_head_p(o, o->tracked_logit[0]));
        }
        if (v->f.n)
            ll_answers_json_row(&v->answers, l, &j);
        ll_json_arr(&j, "top");
        for (int i = 0; i < o->n_top; i++) {
            struct ll_buf text = {0};
            ll_session_show(v->s, o->top[i].id, &text);
            ll_json_obj_flat(&j, NULL);
            ll_json_int(&j, "id", o->top[i].id);
            ll_json_str(&j, "text", ll_buf_str(&text), text.len);
            ll_json_num(&j, "p", ll_head_p(o, o->top[i].v));
            ll_json_end(&j);
            ll_buf_free(&text);
        }
        ll_json_end(&j);
        ll_json_end(&j);
    }
    ll_json_end(&j);
    if (v->attribution)
        ll_attribution_json(v->attribution, &j);
    ll_json_end(&j);
}

static void put_csv(struct view *v, const struct ll_sweep_result *r)
{
    ll_buf_adds(&v->out,
                "layer,pos,entropy_bits,kl_to_final_bits,answer_rank,p_answer,rank,token_id,token,p,"
                "interventions");
    ll_answers_csv_names(&v->answers, &v->out);
    ll_buf_addc(&v->out, '\n');
    for (int l = 0; l <= v->s->model->n_layers; l++) {
        const struct ll_head_out *o = row_of(r, v, l);
        for (int i = 0; i < o->n_top; i++) {
            char h[32], kl[32], p[32], pa[32] = "";
            struct ll_buf text = {0};
            ll_fmt_double(h, o->entropy_bits);
            ll_fmt_double(kl, o->kl_to_final_bits);
            ll_fmt_double(p, ll_head_p(o, o->top[i].v));
            if (main_id(v) >= 0)
                ll_fmt_double(pa, ll_head_p(o, o->tracked_logit[0]));
            ll_buf_addf(&v->out, "%d,%d,%s,%s,", l, v->pos, h, kl);
            if (main_id(v) >= 0)
                ll_buf_addf(&v->out, "%d", o->tracked_rank[0]);
            ll_buf_addf(&v->out, ",%s,%d,%d,", pa, i + 1, o->top[i].id);
            ll_session_show(v->s, o->top[i].id, &text);
            ll_csv_field(&v->out, ll_buf_str(&text), text.len);
            ll_buf_addf(&v->out, ",%s,", p);
            ll_intervene_csv(&v->out, v->iv);
            ll_answers_csv_row(&v->answers, l, &v->out);
            ll_buf_addc(&v->out, '\n');
            ll_buf_free(&text);
        }
    }
}

/* Shares of the answer's logit, or of the first choice's. */
static int attribute(struct view *v, const struct ll_sweep_result *r, struct ll_attribution *a,
                     struct ll_attribution_view *view, struct ll_err *err)
{
    int first = row_of(r, v, v->s->model->n_layers)->top[0].id, id = main_id(v) >= 0 ? main_id(v) : first;
    struct ll_attribution_job job = {.engine = v->s->engine,
                                     .iv = v->iv,
                                     .ids = v->p->ids.v,
                                     .n_ids = v->p->ids.n,
                                     .pos = v->pos,
                                     .id = id,
                                     .other = v->o->against_id};
    *view = (struct ll_attribution_view){
        .s = v->s, .a = a, .iv = v->iv, .id = id, .other = v->o->against_id, .is_top = main_id(v) < 0};
    v->attribution = view;
    return ll_attribution_run(a, &job, err);
}

static int on_result(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct view *v = arg;
    struct ll_attribution a = {0};
    struct ll_attribution_view shares;
    struct ll_model_info info;
    struct ll_info_text keep;
    /* else only the model itself speaks for the output */
    int is_own = ll_last_row_is_own(v->s->model, v->site, v->bare_head);
    v->answers =
        (struct ll_answers_view){v->s, &v->f, r->rows, is_own ? &r->rows[r->n_rows - 1] : &r->own[0]};
    int rc = v->o->attribution ? attribute(v, r, &a, &shares, err) : LL_OK;
    if (!rc && v->o->json && !(rc = ll_session_info(v->s, v->lens, &info, &keep, err)))
        put_json(v, r, &info);
    else if (!rc && v->o->csv && v->attribution)
        ll_attribution_csv(v->attribution, &v->out);
    else if (!rc && v->o->csv)
        put_csv(v, r);
    else if (!rc) {
        struct ll_term t = ll_term_of(stdout);
        put_table(v, r);
        if (v->attribution)
            ll_attribution_table(v->attribution, &t, &v->out);
    }
    v->attribution = NULL;
    ll_attribution_free(&a);
    return rc;
}

static void on_progress(void *arg, double done) { ll_progress_show(arg, done); }

static int run_view(struct view *v, const struct lens_opts *o, struct ll_err *err)
{
    /* the whole prompt runs: a rotation that depends on its length turns earlier rows, too */
    struct ll_sweep_prompt prompt = {.ids = v->p->ids.v,
                                     .n_ids = v->p->ids.n,
                                     .want = LL_SWEEP_AT,
                                     .at = v->pos,
                                     .tracked = v->f.tracked,
                                     .n_tracked = v->f.n_tracked};
    struct ll_progress bar;
    struct ll_listener writes = ll_intervene_listener(v->iv);
    struct ll_sweep sweep = {.extra = &writes,
                             .n_extra = writes.hooks != 0,
                             .model = v->iv->model,
                             .engine = v->s->engine,
                             .lens = v->lens,
                             .ln_bias_drop = v->ln_bias_drop,
                             .bare_head = v->bare_head,
                             .site = v->site,
                             .tuned = v->tuned,
                             .k = o->top,
                             .prompts = &prompt,
                             .n_prompts = 1,
                             .result = on_result,
                             .result_arg = v,
                             .progress = on_progress,
                             .progress_arg = &bar};
    ll_progress_start(&bar, v->s->model->ckpt->clean, o->common.quiet);
    int rc = ll_sweep_run(&sweep, err);
    ll_progress_end(&bar);
    return rc ? rc : (o->json || o->csv ? ll_print : ll_print_text)(&v->out, err);
}

/* The tuned lens, with a word when it was fitted to another checkpoint. */
static int open_tuned(struct view *v, struct ll_err *err)
{
    struct ll_tuned_facts facts = {0};
    char identity[65];
    int rc = ll_tuned_open(&v->tuned, v->tuned_dir, v->s->model, err);
    if (!rc && !(rc = ll_tuned_facts_read(&facts, v->tuned_dir, err))
        && !(rc = ll_ckpt_identity(v->s->model->ckpt, identity, err)))
        ll_tuned_warn(&facts, identity, v->o->common.quiet);
    ll_tuned_facts_free(&facts);
    return rc;
}

/* What the prompt's tokens up to the position read spell (--pos); *n_ctx: how many of them the text gave. */
static int text_so_far(const struct view *v, const struct ll_buf *text, struct ll_buf *part, int *n_ctx,
                       struct ll_err *err)
{
    const struct ll_prompt *p = v->p;
    int added = p->ids.n - p->ctx.n; /* in front, by the tokenizer */
    *n_ctx = v->pos + 1 > added ? v->pos + 1 - added : 0;
    for (int i = 0; i < *n_ctx; i++)
        ll_session_bytes(v->s, p->ctx.v[i], part);
    if (part->len && part->s[0] == ' ' && *ll_buf_str(text) != ' ') /* a first word's mark is no space */
        memmove(part->s, part->s + 1, part->len--);
    return ll_buf_ok(part, err);
}

static int follow(struct view *v, const struct ll_buf *text, struct ll_err *err)
{
    const struct ll_follow_ask ask = {&v->o->answers, &v->o->answer_ids, v->o->exact};
    struct ll_buf part = {0};
    struct ll_ids ctx = v->p->ctx; /* borrowed */
    if (v->pos == v->p->ids.n - 1 || !v->o->answers.n)
        return ll_follows_make(&v->f, v->s, ll_buf_str(text), text->len, &ctx, &ask, err);
    int rc = text_so_far(v, text, &part, &ctx.n, err);
    if (!rc)
        rc = ll_follows_make(&v->f, v->s, ll_buf_str(&part), part.len, &ctx, &ask, err);
    ll_buf_free(&part);
    return rc;
}

int ll_cmd_lens(int argc, char **argv, struct ll_err *err)
{
    struct lens_opts o = defaults;
    struct ll_opt t[N_OPTS];
    const char *args[2];
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, 2, &n_args, err)))
        return rc;
    if (n_args < 1)
        return ll_fail(err, LL_EUSAGE, "lens: expected a model (see: logitlens help lens)");
    if ((rc = ll_device_check(o.device, err)))
        return rc;
    if (o.no_norm_lens && strcmp(o.lens, "norm") && strcmp(o.lens, "raw"))
        return ll_fail(err, LL_EUSAGE, "--no-norm-lens: expected no --lens beside it, or raw, found %s",
                       o.lens);
    if (o.no_norm_lens && strcmp(o.common.norm, "final") && strcmp(o.common.norm, "raw"))
        return ll_fail(err, LL_EUSAGE, "--no-norm-lens: expected no --norm beside it, or raw, found %s",
                       o.common.norm);
    if (o.no_norm_lens)
        o.lens = "raw";
    if (o.json && o.csv)
        return ll_fail(err, LL_EUSAGE, "lens: expected one of --json and --csv");

    struct ll_session s = {0};
    struct ll_prompt p = {0};
    struct ll_intervene iv = {0};
    struct ll_buf text = {0};
    struct view v = {.o = &o, .s = &s, .p = &p, .iv = &iv};
    if ((rc = ll_lens_choice(o.lens, o.common.norm, &v.lens, &v.tuned_dir, err)))
        return rc;
    v.ln_bias_drop = !strcmp(o.common.ln_bias, "drop");
    v.bare_head = !strcmp(o.common.head, "bare");
    v.site = (enum ll_lens_site)ll_site_by_name(o.common.site);
    if (v.tuned_dir && v.site != LL_SITE_RESID_POST)
        return ll_fail(err, LL_EUSAGE, "--lens tuned: a tuned lens reads resid_post, found --site %s",
                       o.common.site);
    if ((rc = ll_session_open(&s, args[0], NULL, o.common.threads, err)))
        return rc;
    const struct ll_text_how how = {o.exact, o.common.quiet};
    rc = o.ids && o.answers.n ? ll_fail(err, LL_EUSAGE,
                                        "--answer: expected a text prompt, found --ids (follow an "
                                        "id with --answer-id)")
                              : ll_prompt_read(&p, &s, o.ids, n_args > 1 ? args[1] : NULL, &how, &text, err);
    if (!rc && o.pos >= p.ids.n)
        rc = ll_fail(err, LL_EUSAGE, "--pos: expected -1..%d (the prompt has %d tokens), found %d",
                     p.ids.n - 1, p.ids.n, o.pos);
    v.pos = o.pos < 0 ? p.ids.n - 1 : o.pos;
    if (!rc)
        rc = follow(&v, &text, err);
    if (!rc && o.against_id >= 0 && !o.attribution)
        rc = ll_fail(err, LL_EUSAGE, "--against-id: expected --attribution with it");
    if (!rc && v.tuned_dir)
        rc = open_tuned(&v, err);
    if (!rc)
        ll_session_warn(&s, v.lens, p.ids.n, o.common.quiet);
    if (!rc && !(rc = ll_intervene_open(&iv, &s, o.intervene.v, o.intervene.n, o.common.quiet, err)))
        rc = ll_intervene_fits(&iv, p.ids.n, err);
    if (!rc)
        rc = run_view(&v, &o, err);
    ll_buf_free(&v.out);
    ll_buf_free(&text);
    ll_follows_free(&v.f);
    ll_tuned_free(v.tuned);
    ll_intervene_free(&iv);
    ll_prompt_free(&p);
    ll_session_close(&s);
    return rc;
}
