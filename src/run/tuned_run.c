/* tuned_run.c - see tuned_run.h */
#include "tuned_run.h"

#include "map.h"
#include "model_run.h"
#include "skip_check.h"
#include "tuned_open.h"

#include <stdlib.h>
#include <string.h>

struct ll_tuned_base {
    struct ll_pos_frac at[LL_N_POS_FRACS];
    int n_at;                      /* those that the sweep looked at */
    struct ll_tuned_point *points; /* [n_at, n_rows]; owned */
};

static int open_for(struct ll_tuned_run *t, const char *dir, const struct ll_session *s, const char *identity,
                    int quiet, struct ll_err *err)
{
    int rc = ll_tuned_open(&t->lens, dir, s->model, err);
    if (!rc && (rc = ll_tuned_facts_read(&t->facts, dir, err))) {
        ll_tuned_free(t->lens);
        t->lens = NULL;
    }
    if (!rc)
        ll_tuned_warn(&t->facts, identity, quiet);
    return rc;
}

int ll_tuned_run_open(struct ll_tuned_run *t, const struct ll_experiment *e, const struct ll_session *s,
                      const char *model, const char *identity, int quiet, struct ll_err *err)
{
    struct ll_err why = {0};
    memset(t, 0, sizeof *t);
    t->given.is_asked = e->tuned_dir != NULL;
    t->given.mode = e->tuned;
    if (!e->analysis || !e->tuned_dir || e->tuned == LL_TUNED_OFF)
        return LL_OK;
    char *own = ll_path_join(e->tuned_dir, s->model->ckpt->clean);
    if (!own)
        return ll_fail_mem(err, "path", strlen(e->tuned_dir));
    if (!ll_is_dir(own)) {
        free(own);
        if (!(own = strdup(e->tuned_dir)))
            return ll_fail_mem(err, "path", strlen(e->tuned_dir));
    }
    t->dir = own;
    int rc = open_for(t, t->dir, s, identity, quiet, &why);
    if (rc && (e->tuned == LL_TUNED_REQUIRE || rc == LL_EFAIL)) {
        ll_tuned_run_free(t);
        return ll_fail(err, why.code, "%s", why.msg);
    }
    if (rc) {
        ll_buf_adds(&t->reason, "no tuned lens: ");
        ll_put_reason(&t->reason, why.msg, model, s->model->ckpt->clean, e->tuned_dir);
        return ll_buf_ok(&t->reason, err);
    }
    t->n_asks = e->n_asks;
    if (!(t->base = calloc((size_t)e->n_asks, sizeof *t->base)))
        rc = ll_fail_mem(err, "tuned lens", sizeof *t->base * (size_t)e->n_asks);
    if (rc || (rc = ll_row_init(&t->variant, &ll_schema_tuned_variants, err))
        || (rc = ll_row_init(&t->audit, &ll_schema_pos_audit, err)))
        ll_tuned_run_free(t);
    return rc;
}

void ll_tuned_run_free(struct ll_tuned_run *t)
{
    for (int i = 0; t->base && i < t->n_asks; i++)
        free(t->base[i].points);
    free(t->base);
    ll_row_free(&t->variant);
    ll_row_free(&t->audit);
    ll_tuned_gains_free(&t->gains);
    free(t->temperatures);
    ll_tuned_facts_free(&t->facts);
    ll_tuned_free(t->lens);
    ll_buf_free(&t->reason);
    free(t->dir);
    memset(t, 0, sizeof *t);
}

/* A reading at a position of a result; the answer is followed at the last one. */
static struct ll_tuned_point point_at(const struct ll_sweep_result *r, int layer, int pos, int has_answer)
{
    int i = pos - r->pos0;
    return ll_tuned_point_of_head(&r->rows[(size_t)layer * (size_t)r->n_pos + (size_t)i],
                                  has_answer && i == r->n_pos - 1);
}

static int keep_base(struct ll_tuned_base *b, const struct ll_sweep_result *r, int n_ids, int has_answer,
                     struct ll_err *err)
{
    struct ll_pos_frac all[LL_N_POS_FRACS];
    int n = ll_position_fractions(n_ids, all);
    for (int k = 0; k < n; k++)
        if (all[k].pos >= r->pos0)
            b->at[b->n_at++] = all[k];
    if (!(b->points = malloc(sizeof *b->points * ((size_t)b->n_at * (size_t)r->n_rows + 1))))
        return ll_fail_mem(err, "tuned lens", sizeof *b->points * (size_t)b->n_at);
    for (int k = 0; k < b->n_at; k++)
        for (int l = 0; l < r->n_rows; l++)
            b->points[k * r->n_rows + l] = point_at(r, l, b->at[k].pos, has_answer);
    return LL_OK;
}

int ll_tuned_run_pass(struct ll_tuned_run *t, const struct ll_tuned_pass *pass,
                      const struct ll_pass_stats *stats, struct ll_err *err)
{
    int rc = keep_base(&t->base[pass->ask], pass->r, pass->info->n_ids, pass->has_answer, err);
    ll_tuned_gains_pass(&t->gains, stats);
    for (int l = 0; l < stats->n_rows && !rc; l++)
        if (stats->rows[l].tuned.is_set) {
            ll_row_clear(&t->variant);
            ll_fill_tuned_variant(&t->variant, pass->info, l, &stats->rows[l]);
            rc = ll_sink_set_row(pass->sinks, &t->variant, err);
        }
    return rc;
}

int ll_tuned_run_audit(struct ll_tuned_run *t, const struct ll_tuned_pass *pass, struct ll_err *err)
{
    const struct ll_tuned_base *b = &t->base[pass->ask];
    const struct ll_sweep_result *r = pass->r;
    int rc = LL_OK;
    for (int k = 0; k < b->n_at; k++)
        for (int l = 0; l < r->n_rows && !rc; l++) {
            struct ll_tuned_point before = b->points[k * r->n_rows + l],
                                  after = point_at(r, l, b->at[k].pos, pass->has_answer);
            if (!ll_tuned_has(t->lens, l))
                continue;
            ll_tuned_gains_position(&t->gains, b->at[k].frac, before, after);
            ll_row_clear(&t->audit);
            ll_fill_pos_audit(&t->audit, pass->info, b->at[k], l, before, after);
            rc = ll_sink_set_row(pass->sinks, &t->audit, err);
        }
    return rc ? rc : ll_tuned_gains_ok(&t->gains, err);
}

int ll_tuned_run_skips(struct ll_tuned_run *t, const struct ll_experiment *e, const struct ll_session *s,
                       const struct ll_sweep_prompt *prompts, int n, struct ll_err *err)
{
    return ll_skip_check(&t->skips, t->lens, e, s, prompts, n, err);
}

int ll_tuned_run_finish(struct ll_tuned_run *t, struct ll_err *err)
{
    const struct ll_tuned_facts *f = &t->facts;
    struct ll_doc_tuned_given *g = &t->given;
    if (!t->lens)
        return LL_OK;
    if (!(t->temperatures = malloc(sizeof *t->temperatures * (size_t)(f->n_layers + 1))))
        return ll_fail_mem(err, "tuned lens", sizeof *t->temperatures * (size_t)f->n_layers);
    for (int l = 0; l < f->n_layers; l++)
        t->temperatures[l] = ll_tuned_temperature(t->lens, l);
    g->is_loaded = 1;
    g->name = f->name;
    g->base_model = f->base_model;
    g->revision = f->revision;
    g->unembed_hash = f->unembed_hash;
    g->lens_type = f->lens_type;
    g->d_model = f->d_model;
    g->n_layers = f->n_layers;
    g->has_bias = f->has_bias;
    g->temperatures = t->temperatures;
    g->config = f->config;
    g->skips = t->skips;
    return ll_tuned_audit_of(&g->audit, &t->gains, err);
}
