/* cmd_verify.c - a run once more: are its files what they were, and does the same command give the same
 * bytes? */
#include "cmd.h"
#include "print.h"
#include "session.h"
#include "shown.h"
#include "verify.h"

#include <string.h>

struct verify_opts {
    struct ll_common common;
    int files_only;
    const char *experiment;
};
enum { N_OPTS = 5, MAX_ARGS = 256 };
static const struct verify_opts defaults = {.common = {0}};

static void opt_table(struct verify_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--files-only", LL_OPT_FLAG, &o->files_only, NULL, "only hold the files against the manifest", 0, 0,
         NULL},
        {"--experiment", LL_OPT_STR, &o->experiment, "FILE",
         "the experiment file, where it lies elsewhere now", 0, 0, NULL},
        LL_OPT_THREADS(o->common),
        LL_OPT_QUIET(o->common),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_verify_options(struct ll_buf *out)
{
    struct verify_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
}

int ll_cmd_verify(int argc, char **argv, struct ll_err *err)
{
    struct verify_opts o = defaults;
    struct ll_opt t[N_OPTS];
    struct ll_verify v;
    const char *args[MAX_ARGS];
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, MAX_ARGS, &n_args, err)))
        return rc;
    if (n_args < 1)
        return ll_fail(err, LL_EUSAGE, "verify: expected a run folder (see: logitlens help verify)");
    const struct ll_replay again = {.folder = args[0],
                                    .experiment = o.experiment,
                                    .models = args + 1,
                                    .n_models = n_args - 1,
                                    .run = ll_cmd_run};
    rc = ll_verify_run(&v, args[0], o.files_only ? NULL : &again, o.common.threads, o.common.quiet, err);
    if (!rc) {
        ll_shown(&v.report, args[0], strlen(args[0]), "");
        ll_buf_addf(&v.report, ": %d files, %s%d digests compared, %d differ\n", v.n_files,
                    o.files_only ? "" : "read and replayed, ", v.n_compared, v.n_differ);
        rc = ll_print_text(&v.report, err);
    }
    if (!rc && v.n_differ)
        rc = ll_fail(err, LL_ECHECK, "verify: %d files are not what the manifest says (see above)",
                     v.n_differ);
    ll_verify_free(&v);
    return rc;
}
