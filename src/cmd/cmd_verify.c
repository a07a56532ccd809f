/* cmd_verify.c - a run once more: are its files what they were, and does the same command give the same
 * bytes? */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "cmd.h"
#include "manifest.h"
#include "map.h"
#include "replay.h"
#include "session.h"
#include "shown.h"
#include "print.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

struct result {
    int n, n_differ;
    struct ll_buf out;
};

/* have against want, file by file; what names the reading ("as written", "replayed"). */
static void compare(struct result *r, const struct ll_manifest *want, const struct ll_manifest *have,
                    const char *what)
{
    for (int i = 0; i < want->n; i++) {
        const struct ll_manifest_file *w = &want->files[i], *h = ll_manifest_find(have, w->name);
        int same = h && !strcmp(h->sha256, w->sha256);
        r->n++;
        r->n_differ += !same;
        if (!same)
            ll_buf_addf(&r->out, "%-10s %s: expected %.16s (%lld bytes), found %.16s", what, w->name,
                        w->sha256, w->bytes, h ? h->sha256 : "no such file");
        if (!same && h)
            ll_buf_addf(&r->out, " (%lld bytes)", h->bytes);
        if (!same)
            ll_buf_addc(&r->out, '\n');
    }
    for (int i = 0; i < have->n; i++)
        if (!ll_manifest_find(want, have->files[i].name)) {
            r->n_differ++;
            ll_buf_addf(&r->out, "%-10s %s: not in the manifest\n", what, have->files[i].name);
        }
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st, (void)flag, (void)at;
    remove(path);
    return 0;
}

/* Run the recorded command into a scratch folder and read its digests. A run in which models failed has
 * files, too: then they are read and the reason is in *err all the same. */
static int replay(const char *run, const struct verify_opts *o, const char **models, int n_models,
                  struct ll_manifest *have, struct ll_err *err)
{
    const char *tmp = getenv("TMPDIR");
    char dir[256], threads[16], *target = NULL;
    snprintf(dir, sizeof dir, "%s/logitlens-XXXXXX", tmp && *tmp && strlen(tmp) < 200 ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return ll_fail(err, LL_EFAIL, "verify: cannot make a temporary folder");
    snprintf(threads, sizeof threads, "%d", o->common.threads);
    int rc = (target = ll_path_join(dir, "run")) ? LL_OK : ll_fail_mem(err, "path", 64);
    const char *more[] = {"--out-dir", target,  "--no-index",
                          "--threads", threads, o->common.quiet ? "--quiet" : NULL};
    if (!rc) {
        struct ll_replay again = {.folder = run,
                                  .experiment = o->experiment,
                                  .models = models,
                                  .n_models = n_models,
                                  .more = more,
                                  .n_more = o->common.quiet ? 6 : 5,
                                  .run = ll_cmd_run};
        rc = ll_replay_run(&again, err);
    }
    if (target && ll_is_dir(target)) {
        struct ll_err scan = {0};
        if (ll_manifest_scan(have, target, &scan) && !rc)
            rc = ll_fail(err, scan.code, "%s", scan.msg);
    }
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(target);
    return rc;
}

int ll_cmd_verify(int argc, char **argv, struct ll_err *err)
{
    struct verify_opts o = defaults;
    struct ll_opt t[N_OPTS];
    struct ll_manifest want = {0}, have = {0}, again = {0};
    struct result r = {0};
    const char *args[MAX_ARGS];
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, MAX_ARGS, &n_args, err)))
        return rc;
    if (n_args < 1)
        return ll_fail(err, LL_EUSAGE, "verify: expected a run folder (see: logitlens help verify)");
    if (!(rc = ll_manifest_read(&want, args[0], ll_manifest_name, err))
        && !(rc = ll_manifest_scan(&have, args[0], err)))
        compare(&r, &want, &have, "as written");
    if (!rc && !o.files_only) {
        int n_before = r.n_differ;
        rc = replay(args[0], &o, args + 1, n_args - 1, &again, err);
        if (!rc || again.n)
            compare(&r, &want, &again, "replayed");
        if (rc && again.n && r.n_differ == n_before) { /* the same models failed for the same reasons */
            memset(err, 0, sizeof *err);
            rc = LL_OK;
        }
    }
    if (!rc) {
        ll_shown(&r.out, args[0], strlen(args[0]), "");
        ll_buf_addf(&r.out, ": %d files, %s%d digests compared, %d differ\n", want.n,
                    o.files_only ? "" : "read and replayed, ", r.n, r.n_differ);
        rc = ll_print_text(&r.out, err);
    }
    if (!rc && r.n_differ)
        rc = ll_fail(err, LL_ECHECK, "verify: %d files are not what the manifest says (see above)",
                     r.n_differ);
    ll_manifest_free(&want);
    ll_manifest_free(&have);
    ll_manifest_free(&again);
    ll_buf_free(&r.out);
    return rc;
}
