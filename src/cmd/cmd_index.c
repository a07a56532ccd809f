/* cmd_index.c - import or refresh run folders in the SQLite index, and add reports of diagnostics
 * (FILE.json). */
#include "cmd.h"
#include "index.h"
#include "index_diag.h"
#include "map.h"
#include "opt.h"
#include "shown.h"
#include "str.h"
#include "print.h"

#include <stdio.h>
#include <string.h>

struct index_opts {
    const char *index;
    int quiet;
};
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
        ll_say_line("%s", line);
}

static int print_report(const char *folder, const struct ll_import_report *r, struct ll_err *err)
{
    struct ll_buf line = {0}, name = {0};
    ll_shown(&name, folder, strlen(folder), "");
    ll_buf_addf(&line, "%s: %d models (%d without results), %d files (%d unchanged%s", ll_buf_str(&name),
                r->n_models, r->n_skipped_models, r->n_files, r->n_unchanged, r->n_problems ? ", " : "");
    if (r->n_problems)
        ll_buf_addf(&line, "%d broken or missing", r->n_problems);
    ll_buf_addf(&line, "), %lld rows\n", r->n_rows);
    int rc = ll_print_text(&line, err);
    ll_buf_free(&name);
    ll_buf_free(&line);
    return rc;
}

enum { MAX_REPORT = 256 << 20 };

/* A report of a diagnostic (--out FILE.json), also as a stream that the caller opened; a FIFO is refused when
 * it is read. */
static int is_report(const char *path)
{
    return ll_is_there(path) && !ll_is_dir(path) && (ll_ends_with(path, ".json") || !ll_is_file(path));
}

static int add_report(const char *index, const char *path, struct ll_err *err)
{
    struct ll_buf text = {0}, line = {0};
    int added = 0, rc = ll_file_read(path, MAX_REPORT, &text, err);
    if (!rc && (rc = ll_index_diag(index, ll_buf_str(&text), text.len, &added, err)))
        ll_context(err, "%s", path);
    ll_shown(&line, path, strlen(path), "");
    ll_buf_addf(&line, ": %s\n", added ? "report added" : "report known already");
    rc = rc ? rc : ll_print_text(&line, err);
    ll_buf_free(&text);
    ll_buf_free(&line);
    return rc;
}

static int add_run(struct index_opts *o, const char *path, struct ll_err *err)
{
    struct ll_import_report r = {0};
    int rc = ll_index_import(o->index, path, &r, talk, o, err), printed = LL_OK;
    if (!rc || r.n_problems)
        printed = print_report(path, &r, err);
    return rc ? rc : printed;
}

int ll_cmd_index(int argc, char **argv, struct ll_err *err)
{
    struct index_opts o = {.index = "output/index.sqlite"};
    struct ll_opt t[N_OPTS];
    const char *v[MAX_RUNS];
    struct ll_args args = {.v = v,
                           .least = 1,
                           .most = MAX_RUNS,
                           .expected = "a run folder or a report of a diagnostic"};
    int rc;
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)))
        return rc;
    /* a broken folder does not keep the others out; the first reason is the command's */
    for (int i = 0; i < args.n; i++) {
        struct ll_err why = {0};
        int failed = is_report(v[i]) ? add_report(o.index, v[i], &why) : add_run(&o, v[i], &why);
        if (failed && !rc)
            rc = ll_fail(err, failed, "%s", why.msg);
        else if (failed && !o.quiet)
            ll_say_line("%s", why.msg);
    }
    return rc;
}
