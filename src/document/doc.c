/* doc.c - see doc.h: what is kept of each pass, and the order in which everything is derived at the end */
#include "doc_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- a pass ---------------------------------------------------------------------------------- */
static int keep_main(struct ll_doc *d, const struct ll_pass_stats *s, struct ll_err *err)
{
    size_t size = sizeof *s->rows * (size_t)s->n_rows;
    struct ll_row_stats *rows = malloc(size);
    if (!rows)
        return ll_fail_mem(err, "rows of the main pass", size);
    memcpy(rows, s->rows, size);
    d->main = *s;
    d->main.rows = rows;
    return LL_OK;
}

int ll_doc_pass(struct ll_doc *d, const struct ll_doc_pass_given *g, struct ll_err *err)
{
    const struct ll_pass_stats *s = g->stats;
    int i = d->n_passes;
    assert(i < d->set.n_passes && s->n_rows == d->set.model->n_layers + 1);
    struct ll_doc_pass *p = &d->passes[d->n_passes++];
    int rc = ll_doc_pass_keep_info(p, g, err);
    if (rc)
        return rc;
    ll_doc_pass_keep_samples(p, s);
    if (!i)
        d->rules.raw_radius = ll_raw_window_radius(&p->sampled);
    ll_pass_milestones_find(&p->m, s, d->set.labels, &d->rules, g->prompt_vocab, g->n_prompt_vocab,
                            d->scratch);
    ll_control_of(&p->control, s, d->rules.top2_gap);
    rc = ll_doc_pass_keep_window(p, s, d->rules.raw_radius, err);
    return rc || i ? rc : keep_main(d, s, err);
}

const struct ll_pass_milestones *ll_doc_main_milestones(const struct ll_doc *d) { return &d->passes[0].m; }

void ll_doc_checks(struct ll_doc *d, const struct ll_pass_checks *checks) { d->checks = *checks; }

int ll_doc_positions(struct ll_doc *d, const struct ll_pos_frac *at, int n, const int *targets,
                     const int *ranks, struct ll_err *err)
{
    size_t size = sizeof *d->at_rank * (size_t)n * (size_t)d->main.n_rows;
    assert(n <= LL_N_POS_FRACS && d->n_passes > 0 && !d->at_rank);
    if (!(d->at_rank = malloc(size + 1)))
        return ll_fail_mem(err, "positions", size);
    memcpy(d->at_rank, ranks, size);
    memcpy(d->swept.at, at, sizeof *at * (size_t)n);
    memcpy(d->swept.target, targets, sizeof *targets * (size_t)n);
    d->swept.rank = d->at_rank;
    d->swept.n = n;
    return LL_OK;
}

/* ---- the main pass again --------------------------------------------------------------------- */
int ll_doc_wants_repeat(const struct ll_doc *d)
{
    const struct ll_repeatability *r = &d->checks.repeat;
    int is_zero = r->max_rank_dev <= 0 && r->p95_rank_dev <= 0 && r->top1_flip_rate <= 0;
    return d->set.repeat == LL_REPEAT_ALWAYS || (d->set.repeat == LL_REPEAT_AUTO && !is_zero);
}

void ll_doc_repeat(struct ll_doc *d, const struct ll_pass_stats *second, const int *vocab, int n_vocab)
{
    struct ll_pass_milestones m;
    ll_pass_milestones_find(&m, second, d->set.labels, &d->rules, vocab, n_vocab, d->scratch);
    ll_doc_forward_of(&d->forward, (struct ll_doc_run){&d->main, &d->passes[0].m},
                      (struct ll_doc_run){second, &m});
}

/* ---- the end --------------------------------------------------------------------------------- */
int ll_doc_finish(struct ll_doc *d, const struct ll_doc_figures **figures, struct ll_err *err)
{
    struct ll_doc_figures *f = &d->figures;
    const struct ll_doc_given g = {.set = &d->set,
                                   .passes = d->passes,
                                   .n_passes = d->n_passes,
                                   .main = &d->main,
                                   .rules = &d->rules,
                                   .checks = &d->checks,
                                   .forward = &d->forward,
                                   .swept = &d->swept,
                                   .scratch = d->scratch};
    const struct ll_doc_tuned_given *tuned = d->set.tuned;
    int rc = LL_OK, has_tuned = tuned && tuned->is_loaded;
    assert(d->n_passes == d->set.n_passes && d->n_passes > 0 && !d->is_finished);
    d->is_finished = 1;
    if (d->set.tok && (rc = ll_copy_mask_of(&d->mask, d->set.tok, d->set.model->d_vocab, err)))
        return rc;
    ll_doc_suite_of(&f->suite, &g, d->facts, d->fact_passes);
    if (!f->suite.n)
        d->fact_passes[0] = &d->passes[0]; /* no suite: the raw lens' samples are the main pass's */
    ll_doc_copy_of(&f->copy, d->set.labels, d->set.tok ? &d->mask : NULL);
    ll_doc_milestones_of(&f->milestones, &g, has_tuned);
    ll_doc_raw_of(&f->raw, &g, d->fact_passes, f->suite.n ? f->suite.n : 1);
    ll_doc_lens_of(&f->lens, &g, has_tuned, d->places);
    ll_doc_tuned_of(&f->tuned, &g, tuned);
    ll_doc_trust_of(&f->trust, &g, d->flagged);
    ll_doc_positions_of(&f->positions, &g);
    *figures = f;
    return ll_doc_guide_of(f, &g, err);
}

int ll_doc_open(struct ll_doc **doc, const struct ll_doc_setup *setup, struct ll_err *err)
{
    size_t n = (size_t)setup->n_passes, rows = (size_t)setup->model->n_layers + 1;
    struct ll_doc *d = *doc = calloc(1, sizeof *d);
    if (!d)
        return ll_fail_mem(err, "document", sizeof *d);
    d->set = *setup;
    d->rules = ll_milestone_rules_default;
    d->passes = calloc(n + 1, sizeof *d->passes);
    d->facts = calloc(n + 1, sizeof *d->facts);
    d->fact_passes = calloc(n + 1, sizeof *d->fact_passes);
    d->places = calloc(rows, sizeof *d->places);
    d->flagged = calloc(rows, sizeof *d->flagged);
    d->scratch = malloc(sizeof *d->scratch * (n > rows ? n : rows));
    if (d->passes && d->facts && d->fact_passes && d->places && d->flagged && d->scratch)
        return LL_OK;
    ll_doc_close(d);
    *doc = NULL;
    return ll_fail_mem(err, "document", n * sizeof *d->passes);
}

void ll_doc_close(struct ll_doc *d)
{
    if (!d)
        return;
    for (int i = 0; d->passes && i < d->n_passes; i++)
        ll_doc_pass_free(&d->passes[i]);
    ll_pass_stats_free(&d->main);
    ll_copy_mask_free(&d->mask);
    ll_doc_guide_free(&d->figures.guide);
    void *owned[] = {d->at_rank, d->passes,  d->facts,  (void *)d->fact_passes,
                     d->places,  d->flagged, d->scratch};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(d);
}
