/* cmd_show.c - what a checkpoint is, which family row reads it, and what a run over it would take. */
#include "cmd.h"
#include "opened.h"
#include "plan_view.h"
#include "print.h"
#include "show_json.h"
#include "show_view.h"

#include <string.h>

struct show_opts {
    struct ll_common common;
    int plan, tensors, json;
    struct ll_plan_opts plan_for;
};
static const struct show_opts defaults = {.common = LL_COMMON_DEFAULTS,
                                          .plan_for = {.prompts = 25, .tokens = 20, .device = "auto"}};
enum { N_OPTS = 10 };

static void opt_table(struct show_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--plan", LL_OPT_FLAG, &o->plan, NULL, "memory, bytes read and time of a sweep", 0, 0, NULL},
        {"--prompts", LL_OPT_INT, &o->plan_for.prompts, "N", "for --plan: prompts", 1, 100000, NULL},
        {"--tokens", LL_OPT_INT, &o->plan_for.tokens, "N", "for --plan: tokens a prompt", 1, 1000000, NULL},
        {"--device", LL_OPT_STR, &o->plan_for.device, "WHERE",
         "for --plan: device the original's policy may choose", 0, 0, "auto|cuda|mps|cpu"},
        {"--capacity", LL_OPT_STR, &o->plan_for.capacity, "LIST",
         "for --plan: free memory, such as cuda=24GiB,cpu=64GiB", 0, 0, NULL},
        {"--tensors", LL_OPT_FLAG, &o->tensors, NULL,
         "list every tensor: type, shape, size, read by the pass or not", 0, 0, NULL},
        {"--json", LL_OPT_FLAG, &o->json, NULL, "JSON instead of text", 0, 0, NULL},
        LL_OPT_THREADS(o->common),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_show_options(struct ll_buf *out)
{
    struct show_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
}

static int print(const struct ll_session *s, const struct show_opts *o, struct ll_err *err)
{
    struct ll_model_info info;
    struct ll_info_text keep;
    struct ll_plan plan;
    struct ll_buf out = {0};
    int rc = ll_session_info(s, LL_LENS_FINAL, &info, &keep, err);
    const struct ll_plan_job job = {s->model, s->engine, s->model->ckpt->model_id, &o->plan_for};
    if (!rc && o->plan)
        rc = ll_plan_make(&plan, &job, err);
    if (!rc && o->json)
        ll_show_json(&out, s->model, &info, o->plan ? &plan : NULL, &o->plan_for);
    else if (!rc) {
        ll_show_text(&out, s->model, &info, s->tok ? ll_tokenizer_kind(s->tok) : s->tok_err.msg);
        if (o->tensors)
            ll_show_tensors(&out, s->model);
        if (o->plan)
            ll_plan_text(&plan, &o->plan_for, &out);
        ll_warn_notes(s->model, o->common.quiet);
    }
    if (!rc)
        rc = ll_print_as(o->json, &out, err);
    ll_buf_free(&out);
    return rc;
}

int ll_cmd_show(int argc, char **argv, struct ll_err *err)
{
    struct show_opts o = defaults;
    struct ll_opt t[N_OPTS];
    const char *model;
    struct ll_args args = {.v = &model, .least = 1, .most = 1, .expected = "a model"};
    struct ll_session s = {0};
    int rc;
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)))
        return rc;
    if (!(rc = ll_session_open(&s, model, NULL, o.common.threads, err)))
        rc = print(&s, &o, err);
    ll_session_close(&s);
    return rc;
}
