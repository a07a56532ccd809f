/* lens_run.c - see lens_run.h */
#include "lens_run.h"

#include "map.h"
#include "sweep.h"

#include <stdlib.h>
#include <string.h>

/* Shares of the answer's logit, or of the first choice's. */
static int attribute(const struct ll_lens_ask *ask, struct ll_lens_report *r, struct ll_attribution *a,
                     struct ll_err *err)
{
    const int slot = ll_lens_main_slot(r), first = r->rows[r->model->n_layers].top[0].id;
    r->attribution = a;
    r->attributed_id = slot >= 0 ? ask->answers->tracked[slot] : first;
    r->against_id = ask->against_id;
    struct ll_attribution_job job = {.engine = ask->x->s.engine,
                                     .iv = ask->iv,
                                     .ids = r->ids,
                                     .n_ids = r->n_ids,
                                     .pos = r->pos,
                                     .id = r->attributed_id,
                                     .other = r->against_id};
    return ll_attribution_run(a, &job, err);
}

static int is_bare(const struct ll_lens_ask *ask) { return !strcmp(ask->head, "bare"); }
static enum ll_lens_site site_of(const struct ll_lens_ask *ask)
{
    return (enum ll_lens_site)ll_site_by_name(ask->site);
}

static int on_result(void *arg, const struct ll_sweep_result *found, struct ll_err *err)
{
    const struct ll_lens_ask *ask = arg;
    const struct ll_model *m = ask->x->s.model;
    const struct ll_token_names names = ll_session_names(&ask->x->s);
    struct ll_attribution a = {0};
    char *tuned_name = ask->tuned ? ll_path_base(ask->tuned_dir) : NULL; /* no machine paths */
    /* at another site, or with a bare head, only the model itself speaks for the output */
    const int is_own = ll_last_row_is_own(m, site_of(ask), is_bare(ask));
    struct ll_lens_report r = {.model = m,
                               .names = &names,
                               .tuned_lens = tuned_name,
                               .lens = ll_lens_info(ask->lens)->name,
                               .ln_bias = ask->ln_bias,
                               .site = ask->site,
                               .head = ask->head,
                               .ids = ask->x->p.ids.v,
                               .n_ids = ask->x->p.ids.n,
                               .pos = ask->pos,
                               .answers = ask->answers,
                               .iv = ask->iv,
                               .rows = found->rows, /* of one position */
                               .own = is_own ? &found->rows[m->n_layers] : &found->own[0],
                               .last_row_is_own = is_own};
    int rc = ask->tuned && !tuned_name ? ll_fail_mem(err, "name of the tuned lens", 1) : LL_OK;
    if (!rc && ask->attribution)
        rc = attribute(ask, &r, &a, err);
    if (!rc)
        rc = ask->put(ask->put_arg, &r, err);
    ll_attribution_free(&a);
    free(tuned_name);
    return rc;
}

int ll_lens_run(const struct ll_lens_ask *ask, struct ll_err *err)
{
    /* the whole prompt runs: a rotation that depends on its length turns earlier rows, too */
    struct ll_sweep_prompt prompt = {.ids = ask->x->p.ids.v,
                                     .n_ids = ask->x->p.ids.n,
                                     .want = LL_SWEEP_AT,
                                     .at = ask->pos,
                                     .tracked = ask->answers->tracked,
                                     .n_tracked = ask->answers->n_tracked};
    struct ll_listener writes = ll_intervene_listener(ask->iv);
    struct ll_lens_ask copy = *ask; /* the callback's argument is not const */
    struct ll_sweep sweep = {.extra = &writes,
                             .n_extra = writes.hooks != 0,
                             .model = ask->iv->model,
                             .engine = ask->x->s.engine,
                             .lens = ask->lens,
                             .ln_bias_drop = !strcmp(ask->ln_bias, "drop"),
                             .bare_head = is_bare(ask),
                             .site = site_of(ask),
                             .tuned = ask->tuned,
                             .k = ask->top,
                             .prompts = &prompt,
                             .n_prompts = 1,
                             .result = on_result,
                             .result_arg = &copy,
                             .progress = ask->progress,
                             .progress_arg = ask->progress_arg};
    return ll_sweep_run(&sweep, err);
}
