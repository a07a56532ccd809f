/* resume.c - see resume.h */
#include "resume.h"

#include "map.h"
#include "rundir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int ll_resume_open(struct ll_resume *r, const char *folder, const char *key, int nr,
                   const struct ll_model *model, int *is_done, struct ll_err *err)
{
    char name[64];
    memset(r, 0, sizeof *r);
    r->journal.fd = -1;
    r->model = model;
    r->folder = folder;
    *is_done = 0;
    if (!folder)
        return LL_OK;
    r->key = key;
    ll_rundir_part(r->done, LL_PART_DONE, nr);
    if ((*is_done = ll_kept_holds(folder, r->done, key, &r->was_other)))
        return LL_OK;
    ll_rundir_part(name, LL_PART_JOURNAL, nr);
    int rc = (r->path = ll_path_join(folder, name)) ? ll_names_read(&r->before, folder, err)
                                                    : ll_fail_mem(err, "path", strlen(folder));
    if (!rc)
        rc = ll_journal_open(&r->journal, r->path, key, err);
    r->was_other |= !rc && r->journal.was_other;
    r->failed = rc != LL_OK;
    return rc;
}

int ll_resume_tau(struct ll_resume *r, double *tau, int n)
{
    size_t len;
    if (!r->journal.n_read)
        return 0;
    const void *kept = ll_journal_frame(&r->journal, 0, &len);
    if (len && len != sizeof *tau * (size_t)n)
        return 0;
    memcpy(tau, kept, len);
    return len > 0;
}

void ll_resume_keep_tau(struct ll_resume *r, const double *tau, int n)
{
    ll_buf_reset(&r->first);
    if (tau)
        ll_buf_add(&r->first, tau, sizeof *tau * (size_t)n);
}

/* ---- a sweep --------------------------------------------------------------------------------- */

struct going {
    const struct ll_kept_sweep *k;
    int (*result)(void *arg, const struct ll_sweep_result *r, struct ll_err *err);
    void *arg;
    int offset; /* prompts that were kept */
};

static int keep(const struct ll_kept_sweep *k, const struct ll_sweep_result *res, struct ll_err *err)
{
    struct ll_resume *r = k->resume;
    int rc = LL_OK;
    if (!r->path)
        return LL_OK;
    if (!r->journal.n_frames)
        rc = ll_journal_add(&r->journal, ll_buf_str(&r->first), r->first.len, err);
    ll_buf_reset(&r->frame);
    ll_result_pack(&r->frame, r->model, res,
                   k->keeps_resid ? k->keeps_resid(k->sweep->result_arg, res->prompt) : LL_PACK_NONE,
                   res->n_rows ? k->stats : NULL);
    if (!rc && !(rc = ll_buf_ok(&r->frame, err)))
        rc = ll_journal_add(&r->journal, r->frame.s, r->frame.len, err);
    r->failed |= rc != LL_OK;
    return rc;
}

static int on_new(void *arg, const struct ll_sweep_result *res, struct ll_err *err)
{
    const struct going *g = arg;
    struct ll_sweep_result mine = *res;
    mine.prompt += g->offset;
    int rc = g->result(g->arg, &mine, err);
    return rc ? rc : keep(g->k, &mine, err);
}

/* Hand out what was kept; *n: how many. What cannot be read is swept again. */
static int hand_kept(const struct ll_kept_sweep *k, int *n, struct ll_err *err)
{
    struct ll_journal *j = &k->resume->journal;
    int rc = LL_OK;
    for (*n = 0; !rc && *n < k->sweep->n_prompts && 1 + k->at + *n < j->n_read; ++*n) {
        struct ll_unpacked u;
        size_t len;
        const void *bytes = ll_journal_frame(j, 1 + k->at + *n, &len);
        if (ll_result_unpack(&u, k->resume->model, bytes, len, k->stats, NULL) || u.r.prompt != *n) {
            ll_unpacked_free(&u);
            rc = ll_journal_cut(j, 1 + k->at + *n, err);
            k->resume->failed |= rc != LL_OK;
            return rc;
        }
        if (k->has_stats)
            *k->has_stats = u.has_stats;
        rc = k->sweep->result(k->sweep->result_arg, &u.r, err);
        ll_unpacked_free(&u);
    }
    return rc;
}

int ll_resume_sweep(const struct ll_kept_sweep *k, struct ll_err *err)
{
    struct ll_sweep rest = *k->sweep;
    struct going g = {k, rest.result, rest.result_arg, 0};
    int rc = hand_kept(k, &g.offset, err);
    if (k->has_stats)
        *k->has_stats = 0;
    rest.prompts += g.offset;
    rest.n_prompts -= g.offset;
    rest.result = on_new;
    rest.result_arg = &g;
    return rc || !rest.n_prompts ? rc : ll_sweep_run(&rest, err);
}

int ll_resume_finish(struct ll_resume *r, struct ll_err *err)
{
    int rc = r->folder ? ll_kept_mark(r->folder, r->done, r->key, &r->before, err) : LL_OK;
    if (!rc && r->path)
        unlink(r->path);
    r->failed |= rc != LL_OK;
    return rc;
}

void ll_resume_close(struct ll_resume *r)
{
    ll_journal_close(&r->journal);
    ll_buf_free(&r->first);
    ll_buf_free(&r->frame);
    ll_names_free(&r->before);
    free(r->path);
    memset(r, 0, sizeof *r);
    r->journal.fd = -1;
}
