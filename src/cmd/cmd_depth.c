/* cmd_depth.c - what the model would say after its first k layers, and whether logits look healthy
 * (docs/diagnostics.md 5). */
#include "cmd.h"
#include "depth.h"
#include "depth_json.h"
#include "depth_view.h"
#include "diag_out.h"
#include "layer_list.h"
#include "opened.h"

#include <string.h>

struct depth_opts {
    struct ll_diag_opts out;
    int threads, quiet, exact;
    const char *layers, *ids, *reference;
};
enum { N_OPTS = LL_N_DIAG_OPTS + 7 };
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

static int report(const struct ll_opened *x, const struct depth_opts *o, const struct ll_depth_job *job,
                  struct ll_err *err)
{
    const struct ll_token_names names = ll_session_names(&x->s);
    struct ll_depth found = {0};
    struct ll_diag d = {0};
    int rc = ll_depth_run(&found, job, err);
    if (!rc && !(rc = ll_diag_begin(&d, "depth", &x->s, err))) {
        ll_depth_judge(&found, job, &d.criteria);
        ll_depth_json(&d.doc.j, &found, job, &names);
        ll_depth_view(&d.text, &found, job, &names, d.info.model_id);
        ll_report_criteria(&d.text, &d.criteria, 0);
        rc = ll_diag_finish(&d, &o->out, err);
    }
    ll_depth_free(&found);
    ll_diag_free(&d);
    return rc;
}

int ll_cmd_depth(int argc, char **argv, struct ll_err *err)
{
    struct depth_opts o = defaults;
    struct ll_opt t[N_OPTS];
    const char *v[2] = {NULL, NULL};
    struct ll_args args = {.v = v, .least = 1, .most = 2, .expected = "a model"};
    struct ll_settings *reference = NULL;
    struct ll_opened x = {0};
    int k[LL_MAX_DEPTHS], n_k, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)))
        return rc;
    if (o.reference && (rc = ll_settings_read(&reference, o.reference, err)))
        return rc;
    const struct ll_open_ask ask = {v[0], o.ids, v[1], o.threads, o.quiet, o.exact};
    if (!(rc = ll_open_model(&x.s, &ask, err))
        && !(rc = ll_depths_read(o.layers, o.layers == defaults.layers, x.s.model->n_layers, k, &n_k, err))
        && !(rc = ll_open_prompt(&x, &ask, err))) {
        const struct ll_depth_job job = {.model = x.s.model,
                                         .engine = x.s.engine,
                                         .ids = x.p.ids.v,
                                         .n_ids = x.p.ids.n,
                                         .k = k,
                                         .n_k = n_k,
                                         .reference = reference};
        rc = report(&x, &o, &job, err);
    }
    ll_opened_close(&x);
    ll_settings_free(reference);
    return rc;
}
