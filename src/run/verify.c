/* verify.c - see verify.h */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "verify.h"

#include "manifest.h"
#include "map.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* have against want, file by file; what names the reading ("as written", "replayed"). */
static void compare(struct ll_verify *v, const struct ll_manifest *want, const struct ll_manifest *have,
                    const char *what)
{
    for (int i = 0; i < want->n; i++) {
        const struct ll_manifest_file *w = &want->files[i], *h = ll_manifest_find(have, w->name);
        int same = h && !strcmp(h->sha256, w->sha256);
        v->n_compared++;
        v->n_differ += !same;
        if (!same)
            ll_buf_addf(&v->report, "%-10s %s: expected %.16s (%lld bytes), found %.16s", what, w->name,
                        w->sha256, w->bytes, h ? h->sha256 : "no such file");
        if (!same && h)
            ll_buf_addf(&v->report, " (%lld bytes)", h->bytes);
        if (!same)
            ll_buf_addc(&v->report, '\n');
    }
    for (int i = 0; i < have->n; i++)
        if (!ll_manifest_find(want, have->files[i].name)) {
            v->n_differ++;
            ll_buf_addf(&v->report, "%-10s %s: not in the manifest\n", what, have->files[i].name);
        }
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st, (void)flag, (void)at;
    remove(path);
    return 0;
}

/* The command into a folder of its own; its digests into have. A run in which models failed has files, too:
 * then they are read, and the reason is in *err all the same. */
static int replay(struct ll_manifest *have, const struct ll_replay *changes, int quiet, int threads,
                  struct ll_err *err)
{
    char dir[256], number[16], *target = NULL;
    if (ll_make_temp_dir(dir))
        return ll_fail(err, LL_EFAIL, "verify: cannot make a temporary folder");
    snprintf(number, sizeof number, "%d", threads);
    int rc = (target = ll_path_join(dir, "run")) ? LL_OK : ll_fail_mem(err, "path", 64);
    const char *more[] = {"--out-dir", target, "--no-index", "--threads", number, "--quiet"};
    struct ll_replay again = *changes;
    again.more = more;
    again.n_more = quiet ? 6 : 5;
    if (!rc)
        rc = ll_replay_run(&again, err);
    if (target && ll_is_dir(target)) {
        struct ll_err scan = {0};
        if (ll_manifest_scan(have, target, &scan) && !rc)
            rc = ll_fail(err, scan.code, "%s", scan.msg);
    }
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(target);
    return rc;
}

static int verify_replay(struct ll_verify *v, const struct ll_manifest *want, const struct ll_replay *again,
                         int threads, int quiet, struct ll_err *err)
{
    struct ll_manifest have = {0};
    struct ll_err why = {0};
    int n_before = v->n_differ, rc = replay(&have, again, quiet, threads, &why);
    if (!rc || have.n)
        compare(v, want, &have, "replayed");
    if (rc && have.n && v->n_differ == n_before) /* the same models failed for the same reasons */
        rc = LL_OK;
    ll_manifest_free(&have);
    return rc ? ll_fail(err, rc, "%s", why.msg) : LL_OK;
}

int ll_verify_run(struct ll_verify *v, const char *folder, const struct ll_replay *again, int threads,
                  int quiet, struct ll_err *err)
{
    struct ll_manifest want = {0}, have = {0};
    memset(v, 0, sizeof *v);
    int rc = ll_manifest_read(&want, folder, ll_manifest_name, err);
    if (!rc && !(rc = ll_manifest_scan(&have, folder, err)))
        compare(v, &want, &have, "as written");
    v->n_files = want.n;
    if (!rc && again)
        rc = verify_replay(v, &want, again, threads, quiet, err);
    ll_manifest_free(&want);
    ll_manifest_free(&have);
    return rc;
}

void ll_verify_free(struct ll_verify *v)
{
    ll_buf_free(&v->report);
    memset(v, 0, sizeof *v);
}
