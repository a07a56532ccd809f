/* cmd_index.c - import or refresh run folders in the SQLite index. */
#include "cmd.h"
#include "index.h"
#include "opt.h"

#include <stdio.h>
#include <string.h>

struct index_opts { const char *index; int quiet; };
enum { N_OPTS = 3, MAX_RUNS = 1000 };

static void opt_table(struct index_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--index", LL_OPT_STR, &o->index, "FILE", "the SQLite index, made when absent", 0, 0, NULL},
        {"--quiet", LL_OPT_FLAG, &o->quiet, NULL, "no talk on stderr", 0, 0, NULL},
        {NULL, LL_OPT_FLAG, NULL, NULL, NULL, 0, 0, NULL},
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_index_options(struct ll_buf *out)
{
    struct index_opts o = {.index = "output/index.sqlite"};
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
}

static void talk(void *arg, const char *line)
{
    const struct index_opts *o = arg;
    if (!o->quiet)
        fprintf(stderr, "%s\n", line);
}

static int print_report(const char *folder, const struct ll_import_report *r, struct ll_err *err)
{
    struct ll_buf line = {0};
    ll_buf_addf(&line, "%s: %d models (%d without results), %d files (%d unchanged%s", folder, r->n_models, r->n_skipped_models, r->n_files, r->n_unchanged, r->n_problems ? ", " : "");
    if (r->n_problems)
        ll_buf_addf(&line, "%d broken or missing", r->n_problems);
    ll_buf_addf(&line, "), %lld rows\n", r->n_rows);
    int rc = ll_print(&line, err);
    ll_buf_free(&line);
    return rc;
}

int ll_cmd_index(int argc, char **argv, struct ll_err *err)
{
    struct index_opts o = {.index = "output/index.sqlite"};
    struct ll_opt t[N_OPTS];
    const char *args[MAX_RUNS];
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, MAX_RUNS, &n_args, err)))
        return rc;
    if (n_args < 1)
        return ll_fail(err, LL_EUSAGE, "index: expected a run folder (see: logitlens help index)");
    for (int i = 0; i < n_args; i++) { /* a broken folder does not keep the others out; the first reason is the command's */
        struct ll_import_report r = {0};
        struct ll_err why = {0};
        int failed = ll_index_import(o.index, args[i], &r, talk, &o, &why);
        if (failed && !rc)
            rc = ll_fail(err, failed, "%s", why.msg);
        else if (failed && !o.quiet)
            fprintf(stderr, "%s\n", why.msg);
        if (!failed || r.n_problems)
            failed = print_report(args[i], &r, err);
        rc = rc ? rc : failed;
    }
    return rc;
}
