/* cmd_lens.c - one model, one text: a layer table that a person reads. */
#include "cmd.h"
#include "intervene_opt.h"
#include "lens_doc.h"
#include "lens_run.h"
#include "lens_view.h"
#include "print.h"
#include "progress.h"
#include "track.h"
#include "tuned_facts.h"
#include "tuned_open.h"

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

/* What goes together and what does not; --no-norm-lens becomes --lens raw. */
static int check_options(struct lens_opts *o, struct ll_err *err)
{
    int rc = ll_device_check(o->device, err);
    if (rc)
        return rc;
    if (o->no_norm_lens && strcmp(o->lens, "norm") && strcmp(o->lens, "raw"))
        return ll_fail(err, LL_EUSAGE, "--no-norm-lens: expected no --lens beside it, or raw, found %s",
                       o->lens);
    if (o->no_norm_lens && strcmp(o->common.norm, "final") && strcmp(o->common.norm, "raw"))
        return ll_fail(err, LL_EUSAGE, "--no-norm-lens: expected no --norm beside it, or raw, found %s",
                       o->common.norm);
    if (o->no_norm_lens)
        o->lens = "raw";
    return o->json && o->csv ? ll_fail(err, LL_EUSAGE, "lens: expected one of --json and --csv") : LL_OK;
}

/* The tuned lens of ask->tuned_dir, with a word when it was fitted to another checkpoint. */
static int open_tuned(struct ll_tuned **tuned, const struct ll_lens_ask *ask, int quiet, struct ll_err *err)
{
    const struct ll_model *m = ask->x->s.model;
    struct ll_tuned_facts facts = {0};
    char identity[65];
    int rc = ll_tuned_open(tuned, ask->tuned_dir, m, err);
    if (!rc && !(rc = ll_tuned_facts_read(&facts, ask->tuned_dir, err))
        && !(rc = ll_ckpt_identity(m->ckpt, identity, err)))
        ll_tuned_warn(&facts, identity, quiet);
    ll_tuned_facts_free(&facts);
    return rc;
}

/* What was found, on standard output. */
struct output {
    const struct lens_opts *o;
    const struct ll_session *s;
    enum ll_lens_kind lens;
    struct ll_buf text; /* owned */
};

static int put(void *arg, const struct ll_lens_report *r, struct ll_err *err)
{
    struct output *out = arg;
    const struct ll_term t = ll_term_of(stdout);
    struct ll_model_info info;
    struct ll_info_text keep;
    if (out->o->csv)
        return ll_lens_csv(&out->text, r, err);
    if (!out->o->json) {
        ll_lens_view(&out->text, &t, r, out->o->top);
        return LL_OK;
    }
    int rc = ll_session_info(out->s, out->lens, &info, &keep, err);
    return rc ? rc : ll_lens_json(&out->text, r, &info, err);
}

static int run(struct ll_lens_ask *ask, const struct lens_opts *o, struct ll_err *err)
{
    struct ll_progress bar;
    struct output out = {o, &ask->x->s, ask->lens, {0}};
    ask->progress = ll_progress_tick;
    ask->progress_arg = &bar;
    ask->put = put;
    ask->put_arg = &out;
    ll_progress_start(&bar, ask->x->s.model->ckpt->clean, o->common.quiet);
    int rc = ll_lens_run(ask, err);
    ll_progress_end(&bar);
    if (!rc)
        rc = ll_print_as(o->json || o->csv, &out.text, err);
    ll_buf_free(&out.text);
    return rc;
}

/* Model, prompt, answers, tuned lens and interventions, as asked for. */
static int open_all(struct ll_opened *x, struct ll_lens_ask *ask, struct ll_tuned **tuned,
                    struct ll_tracked_set *answers, const struct lens_opts *o, const struct ll_open_ask *open,
                    struct ll_err *err)
{
    const struct ll_track_ask track = {&o->answers, &o->answer_ids, o->exact};
    int rc = ll_session_open(&x->s, open->model, NULL, open->threads, err);
    if (rc)
        return rc;
    if (o->ids && o->answers.n)
        return ll_fail(err, LL_EUSAGE,
                       "--answer: expected a text prompt, found --ids (follow an id with --answer-id)");
    if ((rc = ll_open_prompt(x, open, err)))
        return rc;
    if (o->pos >= x->p.ids.n)
        return ll_fail(err, LL_EUSAGE, "--pos: expected -1..%d (the prompt has %d tokens), found %d",
                       x->p.ids.n - 1, x->p.ids.n, o->pos);
    ask->pos = o->pos < 0 ? x->p.ids.n - 1 : o->pos;
    if ((rc = ll_track_answers_at(answers, &x->s, &x->p, open->kept, ask->pos, &track, err)))
        return rc;
    if (o->against_id >= 0 && !o->attribution)
        return ll_fail(err, LL_EUSAGE, "--against-id: expected --attribution with it");
    if (ask->tuned_dir && (rc = open_tuned(tuned, ask, o->common.quiet, err)))
        return rc;
    ask->tuned = *tuned;
    ll_session_warn(&x->s, ask->lens, x->p.ids.n, o->common.quiet);
    rc = ll_intervene_open(ask->iv, &x->s, o->intervene.v, o->intervene.n, o->common.quiet, err);
    return rc ? rc : ll_intervene_fits(ask->iv, x->p.ids.n, err);
}

int ll_cmd_lens(int argc, char **argv, struct ll_err *err)
{
    struct lens_opts o = defaults;
    struct ll_opt t[N_OPTS];
    const char *v[2] = {NULL, NULL};
    struct ll_args args = {.v = v, .least = 1, .most = 2, .expected = "a model"};
    struct ll_opened x = {0};
    struct ll_intervene iv = {0};
    struct ll_tracked_set answers = {0};
    struct ll_tuned *tuned = NULL;
    struct ll_buf text = {0};
    int rc;
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)) || (rc = check_options(&o, err)))
        return rc;
    const struct ll_open_ask open = {v[0], o.ids, v[1], o.common.threads, o.common.quiet, o.exact, &text};
    struct ll_lens_ask ask = {.x = &x,
                              .iv = &iv,
                              .ln_bias = o.common.ln_bias,
                              .site = o.common.site,
                              .head = o.common.head,
                              .answers = &answers,
                              .top = o.top,
                              .attribution = o.attribution,
                              .against_id = o.against_id};
    if ((rc = ll_lens_choice(o.lens, o.common.norm, &ask.lens, &ask.tuned_dir, err)))
        return rc;
    if (ask.tuned_dir && ll_site_by_name(o.common.site) != LL_SITE_RESID_POST)
        return ll_fail(err, LL_EUSAGE, "--lens tuned: a tuned lens reads resid_post, found --site %s",
                       o.common.site);
    if (!(rc = open_all(&x, &ask, &tuned, &answers, &o, &open, err)))
        rc = run(&ask, &o, err);
    ll_buf_free(&text);
    ll_tracked_free(&answers);
    ll_tuned_free(tuned);
    ll_intervene_free(&iv);
    ll_opened_close(&x);
    return rc;
}
