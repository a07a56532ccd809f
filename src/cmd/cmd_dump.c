/* cmd_dump.c - activations of one pass, for comparing with other programs. */
#include "cmd.h"
#include "dump.h"
#include "print.h"

#include <string.h>

struct dump_opts {
    struct ll_common common;
    const char *hooks, *out, *bin, *ids;
    int counted, exact;
};
static const struct dump_opts defaults = {.common = LL_COMMON_DEFAULTS,
                                          .hooks = "embed,resid_post,ln_final.normalized"};
enum { N_OPTS = 9 };

static void opt_table(struct dump_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--out", LL_OPT_STR, &o->out, "FILE", "hook names as keys: .safetensors, or .npz for numpy.load", 0,
         0, NULL},
        {"--bin", LL_OPT_STR, &o->bin, "DIR",
         "a folder of after_layer_N.bin and layerN_COMPONENT.bin for numpy.fromfile(f, '<f4'); shapes in "
         "manifest.json",
         0, 0, NULL},
        {"--counted", LL_OPT_FLAG, &o->counted, NULL, "with --bin: a count of 4 bytes before the values", 0,
         0, NULL},
        {"--hooks", LL_OPT_STR, &o->hooks, "LIST",
         "hook points, separated by commas: every layer (resid_post) or one (blocks.3.hook_resid_post); all",
         0, 0, NULL},
        {"--ids", LL_OPT_STR, &o->ids, "LIST", "token ids instead of text: 1,2,3", 0, 0, NULL},
        LL_OPT_EXACT(*o),
        LL_OPT_THREADS(o->common),
        LL_OPT_QUIET(o->common),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_dump_options(struct ll_buf *out)
{
    struct dump_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
    ll_buf_adds(out, "\nhook points:");
    for (int h = 0, at = 100; h < LL_N_HOOKS; h++) {
        const char *name = ll_hook_info((enum ll_hook)h)->name;
        if (at + (int)strlen(name) > 70) {
            ll_buf_adds(out, "\n ");
            at = 2;
        }
        ll_buf_addf(out, " %s", name);
        at += (int)strlen(name) + 1;
    }
    ll_buf_addc(out, '\n');
}

static int say_how_many(int n, int n_tokens, struct ll_err *err)
{
    struct ll_buf line = {0};
    ll_buf_addf(&line, "%d activations of %d tokens\n", n, n_tokens);
    int rc = ll_print_text(&line, err);
    ll_buf_free(&line);
    return rc;
}

static int dump(const struct dump_opts *o, const struct ll_opened *x, struct ll_err *err)
{
    struct ll_dump_points points;
    struct ll_dump d = {0};
    int rc = ll_dump_choose(&points, o->hooks, x->s.model->n_layers, err);
    if (!rc)
        rc = ll_dump_capture(&d, x, &points, err);
    if (!rc && o->out)
        rc = ll_dump_write(o->out, &d, x, err);
    if (!rc && o->bin)
        rc = ll_dump_write_bins(o->bin, o->counted, &d, x, err);
    if (!rc)
        rc = say_how_many(d.n, x->p.ids.n, err);
    ll_dump_free(&d);
    return rc;
}

int ll_cmd_dump(int argc, char **argv, struct ll_err *err)
{
    static const char expected[] = "a model and --out FILE or --bin DIR";
    struct dump_opts o = defaults;
    struct ll_opt t[N_OPTS];
    const char *v[2] = {NULL, NULL};
    struct ll_args args = {.v = v, .least = 1, .most = 2, .expected = expected};
    struct ll_opened x = {0};
    int rc;
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)))
        return rc;
    if (!o.out && !o.bin)
        return ll_opt_expected(argv[0], expected, err);
    if (o.out && (rc = ll_dump_check_name(o.out, err)))
        return rc;
    const struct ll_open_ask ask = {v[0], o.ids, v[1], o.common.threads, o.common.quiet, o.exact};
    if (!(rc = ll_open(&x, &ask, err)))
        rc = dump(&o, &x, err);
    ll_opened_close(&x);
    return rc;
}
