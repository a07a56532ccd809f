/* cmd_lens.c - one model, one text: a layer table that a person reads. */
#include "cmd.h"
#include "intervene_opt.h"
#include "lens_doc.h"
#include "lens_view.h"
#include "map.h"
#include "print.h"
#include "progress.h"
#include "sweep.h"
#include "track.h"
#include "tuned_facts.h"
#include "tuned_open.h"

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

/* What the callback for the walk's result needs. */
struct view {
    const struct lens_opts *o;
    const struct ll_session *s;
    const struct ll_prompt *p;
    struct ll_tracked_set f; /* owned */
    struct ll_intervene *iv;
    enum ll_lens_kind lens;
    const char *tuned_dir;  /* NULL: no tuned lens */
    struct ll_tuned *tuned; /* owned */
    int ln_bias_drop, bare_head;
    enum ll_lens_site site;
    int pos;
    struct ll_buf out;
};

/* Shares of the answer's logit, or of the first choice's. */
static int attribute(const struct view *v, struct ll_lens_report *d, struct ll_attribution *a,
                     struct ll_err *err)
{
    const int slot = ll_lens_main_slot(d), first = d->rows[d->model->n_layers].top[0].id;
    d->attribution = a;
    d->attributed_id = slot >= 0 ? v->f.tracked[slot] : first;
    d->against_id = v->o->against_id;
    struct ll_attribution_job job = {.engine = v->s->engine,
                                     .iv = v->iv,
                                     .ids = v->p->ids.v,
                                     .n_ids = v->p->ids.n,
                                     .pos = v->pos,
                                     .id = d->attributed_id,
                                     .other = d->against_id};
    return ll_attribution_run(a, &job, err);
}

static int put_json(struct view *v, const struct ll_lens_report *d, struct ll_err *err)
{
    struct ll_model_info info;
    struct ll_info_text keep;
    int rc = ll_session_info(v->s, v->lens, &info, &keep, err);
    return rc ? rc : ll_lens_json(&v->out, d, &info, err);
}

static int put_out(struct view *v, const struct ll_lens_report *d, struct ll_err *err)
{
    const struct ll_term t = ll_term_of(stdout);
    if (v->o->json)
        return put_json(v, d, err);
    if (v->o->csv)
        return ll_lens_csv(&v->out, d, err);
    ll_lens_view(&v->out, &t, d, v->o->top);
    return LL_OK;
}

static int on_result(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct view *v = arg;
    const struct ll_token_names names = ll_session_names(v->s);
    struct ll_attribution a = {0};
    char *tuned_name = v->tuned ? ll_path_base(v->tuned_dir) : NULL; /* no machine paths */
    /* at another site, or with a bare head, only the model itself speaks for the output */
    int is_own = ll_last_row_is_own(v->s->model, v->site, v->bare_head);
    struct ll_lens_report d = {.model = v->s->model,
                               .names = &names,
                               .tuned_lens = tuned_name,
                               .lens = ll_lens_info(v->lens)->name,
                               .ln_bias = v->o->common.ln_bias,
                               .site = v->o->common.site,
                               .head = v->o->common.head,
                               .ids = v->p->ids.v,
                               .n_ids = v->p->ids.n,
                               .pos = v->pos,
                               .answers = &v->f,
                               .iv = v->iv,
                               .rows = r->rows, /* of one position */
                               .own = is_own ? &r->rows[v->s->model->n_layers] : &r->own[0],
                               .last_row_is_own = is_own};
    int rc = v->tuned && !tuned_name ? ll_fail_mem(err, "name of the tuned lens", 1) : LL_OK;
    if (!rc && v->o->attribution)
        rc = attribute(v, &d, &a, err);
    if (!rc)
        rc = put_out(v, &d, err);
    ll_attribution_free(&a);
    free(tuned_name);
    return rc;
}

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
                             .progress = ll_progress_tick,
                             .progress_arg = &bar};
    ll_progress_start(&bar, v->s->model->ckpt->clean, o->common.quiet);
    int rc = ll_sweep_run(&sweep, err);
    ll_progress_end(&bar);
    return rc ? rc : ll_print_as(o->json || o->csv, &v->out, err);
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
    const struct ll_track_ask ask = {&v->o->answers, &v->o->answer_ids, v->o->exact};
    struct ll_buf part = {0};
    struct ll_ids ctx = v->p->ctx; /* borrowed */
    if (v->pos == v->p->ids.n - 1 || !v->o->answers.n)
        return ll_track_answers(&v->f, v->s, ll_buf_str(text), text->len, &ctx, &ask, err);
    int rc = text_so_far(v, text, &part, &ctx.n, err);
    if (!rc)
        rc = ll_track_answers(&v->f, v->s, ll_buf_str(&part), part.len, &ctx, &ask, err);
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
    ll_tracked_free(&v.f);
    ll_tuned_free(v.tuned);
    ll_intervene_free(&iv);
    ll_prompt_free(&p);
    ll_session_close(&s);
    return rc;
}
