/* cmd_trace.c - every step of a block measured and explained; the stream through all blocks; numerical
 * stability. */
#include "cmd.h"
#include "intervene_opt.h"
#include "prompts.h"
#include "trace_json.h"
#include "trace_view.h"
#include "terminal.h"
#include "progress.h"
#include "diag_out.h"

#include <stdio.h>
#include <string.h>

struct trace_opts {
    struct ll_common common;
    struct ll_diag_opts diag;
    struct ll_opt_list intervene;
    const char *ids, *act_order;
    int layer, sweep, stability, massive, attention, exact;
    double factor;
};
static const struct trace_opts defaults = {.common = LL_COMMON_DEFAULTS,
                                           .layer = -1,
                                           .act_order = "model",
                                           .factor = LL_MASSIVE_FACTOR};
enum { N_OPTS = 13 + LL_N_DIAG_OPTS };

static void opt_table(struct trace_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--layer", LL_OPT_INT, &o->layer, "L",
         "block to show step by step, counted from 0; -1: block 0, unless another part is asked for", -1,
         100000, NULL},
        {"--sweep", LL_OPT_FLAG, &o->sweep, NULL, "rms of the stream and of both halves after every block", 0,
         0, NULL},
        {"--stability", LL_OPT_FLAG, &o->stability, NULL, "ranges and bounds of every step of every block", 0,
         0, NULL},
        {"--massive", LL_OPT_FLAG, &o->massive, NULL, "massive activations: where they are, rise and fall", 0,
         0, NULL},
        {"--factor", LL_OPT_NUM, &o->factor, "X", "massive: beyond X times the median magnitude", 1.0001, 1e9,
         NULL},
        {"--attention", LL_OPT_FLAG, &o->attention, NULL,
         "entropy and mass on the first token, per head and block", 0, 0, NULL},
        {"--act-order", LL_OPT_STR, &o->act_order, "ORDER",
         "swapped: also compute act(up) * gate in the block and compare", 0, 0, "model|swapped"},
        LL_OPT_INTERVENE(o->intervene),
        {"--ids", LL_OPT_STR, &o->ids, "LIST", "token ids instead of text: 1,2,3", 0, 0, NULL},
        LL_OPT_EXACT(*o),
        LL_OPT_DIAG(o->diag),
        LL_OPT_THREADS(o->common),
        LL_OPT_QUIET(o->common),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_trace_options(struct ll_buf *out)
{
    struct trace_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
    ll_intervene_help(out);
}

static void put_view(struct ll_trace_view *v, const struct ll_trace_parts *p, const struct ll_intervene *iv,
                     const struct ll_findings *layer, const struct ll_findings *sweep)
{
    ll_trace_put_head(v, iv);
    if (p->steps) {
        ll_trace_put_steps(v, layer);
        ll_trace_put_relations(v);
        ll_trace_put_swap(v);
        ll_trace_put_findings(v, layer);
    }
    if (p->sweep) {
        ll_trace_put_sweep(v, sweep);
        ll_trace_put_findings(v, sweep);
    }
    if (p->stability)
        ll_trace_put_stability(v);
    if (p->massive)
        ll_trace_put_massive(v);
    if (p->attention)
        ll_trace_put_attention(v);
    ll_buf_addc(v->out, '\n');
}

static int report(const struct trace_opts *o, const struct ll_session *s, const struct ll_prompt *prompt,
                  const struct ll_intervene *iv, const struct ll_trace *t, const struct ll_trace_parts *parts,
                  struct ll_err *err)
{
    static struct ll_findings none;
    struct ll_findings layer = none, sweep = none;
    struct ll_model_info info;
    struct ll_info_text keep;
    struct ll_diag d;
    int rc = ll_session_info(s, LL_LENS_FINAL, &info, &keep, err);
    if (rc)
        return rc;
    if (parts->steps)
        ll_findings_layer(&layer, t);
    if (parts->sweep)
        ll_findings_sweep(&sweep, t);
    ll_diag_begin(&d, "trace", &info);
    ll_trace_json(&d.j, t, parts, prompt->ids.v, iv, &layer, &sweep);
    struct ll_trace_view v = {
        .s = s, .t = t, .ids = prompt->ids.v, .term = ll_term_of(stdout), .out = &d.table};
    put_view(&v, parts, iv, &layer, &sweep);
    ll_buf_addf(&d.markdown, "# Trace of %s\n\n```\n", info.model_id);
    v.term = (struct ll_term){0, 120};
    v.out = &d.markdown;
    put_view(&v, parts, iv, &layer, &sweep);
    ll_buf_adds(&d.markdown, "```\n\n## Criteria\n\n");
    ll_trace_criteria(&d, t, parts);
    rc = ll_diag_finish(&d, &o->diag, err);
    ll_diag_free(&d);
    return rc;
}

static void on_layer(void *arg, int layer, int n_layers) { ll_progress_show(arg, (layer + 1.0) / n_layers); }

static int run_trace(const struct trace_opts *o, const struct ll_session *s, const struct ll_prompt *p,
                     struct ll_err *err)
{
    int others = o->sweep || o->stability || o->massive || o->attention;
    struct ll_trace_parts parts = {.steps = o->layer >= 0 || !others || !strcmp(o->act_order, "swapped"),
                                   .sweep = o->sweep,
                                   .stability = o->stability,
                                   .massive = o->massive,
                                   .attention = o->attention};
    struct ll_intervene iv = {0};
    struct ll_trace t = {0};
    struct ll_progress bar;
    int rc = ll_intervene_open(&iv, s, o->intervene.v, o->intervene.n, o->common.quiet, err);
    if (!rc)
        rc = ll_intervene_fits(&iv, p->ids.n, err);
    ll_progress_start(&bar, s->model->ckpt->clean, o->common.quiet);
    struct ll_trace_job job = {.engine = s->engine,
                               .iv = &iv,
                               .ids = p->ids.v,
                               .n_ids = p->ids.n,
                               .layer = o->layer < 0 ? 0 : o->layer,
                               .weights = parts.steps,
                               .square = parts.steps || parts.stability || parts.attention,
                               .swapped = !strcmp(o->act_order, "swapped"),
                               .massive_factor = o->factor,
                               .progress = on_layer,
                               .progress_arg = &bar};
    if (!rc)
        rc = ll_trace_run(&t, &job, err);
    ll_progress_end(&bar);
    if (!rc)
        rc = report(o, s, p, &iv, &t, &parts, err);
    ll_trace_free(&t);
    ll_intervene_free(&iv);
    return rc;
}

int ll_cmd_trace(int argc, char **argv, struct ll_err *err)
{
    struct trace_opts o = defaults;
    struct ll_opt t[N_OPTS];
    struct ll_session s = {0};
    struct ll_prompt p = {0};
    const char *args[2];
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, 2, &n_args, err)))
        return rc;
    if (n_args < 1)
        return ll_fail(err, LL_EUSAGE, "trace: expected a model (see: logitlens help trace)");
    if ((rc = ll_session_open(&s, args[0], NULL, o.common.threads, err)))
        return rc;
    const struct ll_text_how how = {o.exact, o.common.quiet};
    rc = ll_prompt_read(&p, &s, o.ids, n_args > 1 ? args[1] : NULL, &how, NULL, err);
    if (!rc) {
        ll_session_warn(&s, LL_LENS_FINAL, p.ids.n, o.common.quiet);
        rc = run_trace(&o, &s, &p, err);
    }
    ll_prompt_free(&p);
    ll_session_close(&s);
    return rc;
}
