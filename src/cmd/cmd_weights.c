/* cmd_weights.c - what the weights of every layer look like, and which layers stand apart
 * (docs/diagnostics.md 2). */
#include "cmd.h"
#include "diag_out.h"
#include "human.h"
#include "layer_list.h"
#include "print.h"
#include "progress.h"
#include "session.h"
#include "stats.h"
#include "weight_report.h"
#include "weights_json.h"
#include "weights_view.h"

#include <string.h>

struct weights_opts {
    struct ll_diag_opts out;
    int threads, quiet;
    const char *mark;
};
enum { N_OPTS = LL_N_DIAG_OPTS + 4 };

static void opt_table(struct weights_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--mark", LL_OPT_STR, &o->mark, "LIST", "layers to show beside 0 and 1: 2,22,23", 0, 0, NULL},
        LL_OPT_DIAG(o->out),
        LL_OPT_THREADS(*o),
        LL_OPT_QUIET(*o),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_weights_options(struct ll_buf *out)
{
    struct weights_opts o = {0};
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
}

static int scan(struct ll_weight_report *r, const struct weights_opts *o, struct ll_err *err)
{
    struct ll_engine *eng;
    struct ll_progress bar;
    long long bytes = 0;
    char size[16], rate[16];
    double t0 = ll_now_s();
    int rc = ll_engine_init(&eng, o->threads, err);
    if (rc)
        return rc;
    ll_progress_start(&bar, "reading weights", o->quiet);
    rc = ll_weight_scan(&r->w, eng, ll_progress_tick, &bar, &bytes, err);
    ll_progress_end(&bar);
    ll_engine_free(eng);
    double s = ll_now_s() - t0;
    if (!rc && !o->quiet)
        ll_say_line("read %s in %.2f s (%s/s)", ll_human_bytes((double)bytes, size), s,
                    ll_human_bytes((double)bytes / (s > 1e-6 ? s : 1e-6), rate));
    return rc ? rc : ll_weight_flags_find(&r->f, &r->w, err);
}

static int report(const struct ll_weight_report *r, const struct weights_opts *o, const struct ll_session *s,
                  struct ll_err *err)
{
    struct ll_diag d;
    int rc = ll_diag_begin(&d, "weights", s, err);
    if (!rc) {
        ll_weight_judge(r, &d.criteria);
        ll_weights_json(&d.doc.j, r);
        ll_weights_view(&d.text, r, d.info.model_id);
        ll_report_criteria(&d.text, &d.criteria, 0);
        ll_weights_view_end(&d.text);
        rc = ll_diag_finish(&d, &o->out, err);
    }
    ll_diag_free(&d);
    return rc;
}

/* Tensors may be missing: only the settings must be readable. */
int ll_cmd_weights(int argc, char **argv, struct ll_err *err)
{
    struct weights_opts o = {0};
    struct ll_opt t[N_OPTS];
    const char *model;
    struct ll_args args = {.v = &model, .least = 1, .most = 1, .expected = "a model"};
    struct ll_session s = {0};
    int marks[LL_MAX_MARKS], rc;
    struct ll_weight_report r = {.marks = marks};
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)) || (rc = ll_model_open_settings(&s.model, model, err)))
        return rc;
    ll_warn_notes(s.model, o.quiet);
    if (!(rc = ll_weights_find(&r.w, s.model, err))
        && !(rc = ll_layers_marked(o.mark, r.w.n_layers, marks, &r.n_marks, err))
        && !(rc = scan(&r, &o, err)))
        rc = report(&r, &o, &s, err);
    ll_weight_report_free(&r);
    ll_session_close(&s);
    return rc;
}
