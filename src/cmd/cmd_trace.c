/* cmd_trace.c - every step of a block measured and explained; the stream through all blocks; numerical
 * stability. */
#include "cmd.h"
#include "diag_out.h"
#include "intervene_opt.h"
#include "opened.h"
#include "progress.h"
#include "trace_json.h"
#include "trace_view.h"

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

static int report(struct ll_trace_report *r, const struct ll_session *s, const struct ll_diag_opts *o,
                  struct ll_err *err)
{
    const struct ll_token_names names = ll_session_names(s);
    const struct ll_term term = ll_term_of(stdout);
    struct ll_diag d;
    int rc = ll_diag_begin(&d, "trace", s, err);
    if (!rc) {
        ll_trace_find(r);
        ll_trace_judge(r, &d.criteria);
        ll_trace_json(&d.doc.j, r);
        ll_trace_view(&d.text, r, &names, &term);
        ll_report_criteria(&d.text, &d.criteria, 0);
        rc = ll_diag_finish(&d, o, err);
    }
    ll_diag_free(&d);
    return rc;
}

static void on_layer(void *arg, int layer, int n_layers) { ll_progress_show(arg, (layer + 1.0) / n_layers); }

static struct ll_trace_parts parts_of(const struct trace_opts *o)
{
    int others = o->sweep || o->stability || o->massive || o->attention;
    return (struct ll_trace_parts){.steps = o->layer >= 0 || !others || !strcmp(o->act_order, "swapped"),
                                   .sweep = o->sweep,
                                   .stability = o->stability,
                                   .massive = o->massive,
                                   .attention = o->attention};
}

static int run(const struct trace_opts *o, const struct ll_opened *x, struct ll_intervene *iv,
               struct ll_err *err)
{
    struct ll_trace t = {0};
    struct ll_trace_report r = {
        .model = x->s.model, .t = &t, .ids = x->p.ids.v, .iv = iv, .parts = parts_of(o)};
    struct ll_progress bar;
    struct ll_trace_job job = {.engine = x->s.engine,
                               .iv = iv,
                               .ids = x->p.ids.v,
                               .n_ids = x->p.ids.n,
                               .layer = o->layer < 0 ? 0 : o->layer,
                               .weights = r.parts.steps,
                               .square = r.parts.steps || r.parts.stability || r.parts.attention,
                               .swapped = !strcmp(o->act_order, "swapped"),
                               .massive_factor = o->factor,
                               .progress = on_layer,
                               .progress_arg = &bar};
    ll_progress_start(&bar, x->s.model->ckpt->clean, o->common.quiet);
    int rc = ll_trace_run(&t, &job, err);
    ll_progress_end(&bar);
    if (!rc)
        rc = report(&r, &x->s, &o->diag, err);
    ll_trace_free(&t);
    return rc;
}

int ll_cmd_trace(int argc, char **argv, struct ll_err *err)
{
    struct trace_opts o = defaults;
    struct ll_opt t[N_OPTS];
    const char *v[2] = {NULL, NULL};
    struct ll_args args = {.v = v, .least = 1, .most = 2, .expected = "a model"};
    struct ll_opened x = {0};
    struct ll_intervene iv = {0};
    int rc;
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)))
        return rc;
    const struct ll_open_ask ask = {v[0], o.ids, v[1], o.common.threads, o.common.quiet, o.exact};
    if (!(rc = ll_open(&x, &ask, err))) {
        ll_warn_length(&x.s, x.p.ids.n, o.common.quiet);
        rc = ll_intervene_open(&iv, &x.s, o.intervene.v, o.intervene.n, o.common.quiet, err);
    }
    if (!rc && !(rc = ll_intervene_fits(&iv, x.p.ids.n, err)))
        rc = run(&o, &x, &iv, err);
    ll_intervene_free(&iv);
    ll_opened_close(&x);
    return rc;
}
