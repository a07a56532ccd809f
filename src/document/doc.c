/* doc.c - see doc.h: what is kept of each pass, and the order in which everything is made at the end */
#include "doc_parts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- sections -------------------------------------------------------------------------------- */
struct ll_json *ll_doc_value(struct ll_doc *d, const char *parent, const char *key)
{
    assert(d->n_sections < LL_DOC_SECTIONS);
    struct ll_buf *text = &d->texts[d->n_sections];
    d->sections[d->n_sections++] = (struct ll_doc_section){.parent = parent, .key = key};
    ll_json_init_at(&d->j, text, parent ? 2 : 1);
    return &d->j;
}

void ll_doc_layer(struct ll_doc *d, const char *key, int layer)
{
    ll_json_layer(ll_doc_value(d, "diagnostics", key), NULL, layer);
}
void ll_doc_num(struct ll_doc *d, const char *key, double v)
{
    ll_json_num(ll_doc_value(d, "diagnostics", key), NULL, v);
}

void ll_doc_tri(struct ll_json *j, const char *key, int v)
{
    if (v < 0)
        ll_json_null(j, key);
    else
        ll_json_bool(j, key, v);
}

void ll_doc_quartiles(struct ll_json *j, const char *key, const double v[3])
{
    ll_json_obj(j, key);
    ll_json_num(j, "p25", v[0]);
    ll_json_num(j, "p50", v[1]);
    ll_json_num(j, "p75", v[2]);
    ll_json_end(j);
}

static int same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

const struct ll_doc_pass *ll_doc_find(const struct ll_doc *d, const char *prompt_id, const char *fact_key,
                                      const char *variant)
{
    for (int i = 0; i < d->n_passes; i++) {
        const struct ll_doc_pass *p = &d->passes[i];
        if (same_text(p->prompt_id, prompt_id) && same_text(p->fact_key, fact_key)
            && same_text(p->variant, variant))
            return p;
    }
    return NULL;
}

const struct ll_doc_pass *ll_doc_control(const struct ll_doc *d)
{
    for (int i = 0; i < d->n_passes; i++)
        if (d->passes[i].is_control)
            return &d->passes[i];
    return NULL;
}

/* ---- a pass ---------------------------------------------------------------------------------- */
static void pass_free(struct ll_doc_pass *p)
{
    for (int i = 0; i < p->gold.n_pieces; i++)
        free((char *)(uintptr_t)p->gold.pieces[i]);
    void *owned[] = {p->fact_key,
                     p->prompt_id,
                     p->variant,
                     p->text,
                     p->window,
                     (void *)(uintptr_t)p->gold.text,
                     (void *)(uintptr_t)p->gold.ids,
                     (void *)(uintptr_t)p->gold.pieces};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    memset(p, 0, sizeof *p);
}

/* A copy of text, or NULL for NULL; *failed when memory is short. */
static char *keep_text(const char *s, int *failed)
{
    char *copy = s ? strdup(s) : NULL;
    *failed |= s && !copy;
    return copy;
}

static int keep_gold(struct ll_gold *to, const struct ll_gold *from)
{
    int failed = 0;
    int *ids = malloc(sizeof *ids * (size_t)(from->n + 1));
    const char **pieces = calloc((size_t)from->n_pieces + 1, sizeof *pieces);
    *to = (struct ll_gold){.text = keep_text(from->text, &failed),
                           .variant = from->variant,
                           .reason = from->reason,
                           .ids = ids,
                           .pieces = pieces};
    if (!ids || !pieces)
        return 1;
    for (int i = 0; i < from->n; i++)
        ids[i] = from->ids[i];
    to->n = from->n;
    for (int i = 0; i < from->n_pieces; i++)
        pieces[i] = keep_text(from->pieces[i], &failed);
    to->n_pieces = from->n_pieces;
    return failed;
}

static int keep_info(struct ll_doc_pass *p, const struct ll_pass_info *info, struct ll_err *err)
{
    int failed = 0;
    p->fact_key = keep_text(info->fact_key, &failed);
    p->prompt_id = keep_text(info->prompt_id, &failed);
    p->variant = keep_text(info->prompt_variant, &failed);
    p->text = info->prompt_text ? strndup(info->prompt_text, info->prompt_len) : NULL;
    p->text_len = info->prompt_len;
    p->fact_index = info->fact_index;
    p->n_ids = info->n_ids;
    failed |= info->prompt_text && !p->text;
    failed |= keep_gold(&p->gold, &info->gold);
    return failed ? ll_fail_mem(err, "pass of the document", sizeof *p) : LL_OK;
}

static struct ll_doc_reading brief(const struct ll_reading *r)
{
    return (struct ll_doc_reading){.p_top1 = r->p_top1,
                                   .p_answer = r->p_answer,
                                   .top_id = r->n_top ? r->top[0].id : 0,
                                   .answer_rank = r->answer_rank};
}

/* Those of the listed rows that were read raw. Returns how many. */
static int keep_raw_rows(struct ll_doc_raw_row *out, const struct ll_pass_stats *s, const int *layers, int n)
{
    int k = 0;
    for (int i = 0; i < n; i++) {
        const struct ll_row_stats *r = &s->rows[layers[i]];
        if (r->raw.is_set)
            out[k++] = (struct ll_doc_raw_row){.layer = layers[i],
                                               .norm = brief(&r->norm),
                                               .raw = brief(&r->raw),
                                               .kl_bits = r->kl_norm_raw_bits};
    }
    return k;
}

static int keep_window(struct ll_doc *d, struct ll_doc_pass *p, const struct ll_pass_stats *s,
                       struct ll_err *err)
{
    int *layers = malloc(sizeof *layers * (size_t)s->n_rows),
        n = layers ? ll_raw_window_layers(&p->m, d->rules.raw_radius, layers) : 0;
    p->window = layers ? calloc((size_t)n + 1, sizeof *p->window) : NULL;
    if (p->window)
        p->n_window = keep_raw_rows(p->window, s, layers, n);
    free(layers);
    return p->window ? LL_OK : ll_fail_mem(err, "raw-lens window", sizeof *p->window * (size_t)s->n_rows);
}

/* ---- the main pass --------------------------------------------------------------------------- */
/* Where the decoding points are asked for: a row after a block, in families with a norm before attention and
 * one before the MLP (docs/experiment.md 9.9; Gemma 2, which norms afterwards too, was tested by the original
 * as well). */
static int add_target(struct ll_doc *d, const char *name, int layer)
{
    const struct ll_model *m = d->set.s->model;
    if (layer < 1 || layer > m->n_layers || !ll_decoding_points_exist(m))
        return 0;
    d->targets[d->n_points++] = (struct ll_doc_target){name, layer};
    return 1;
}

static int decode_points(struct ll_doc *d, const struct ll_pass_milestones *m, const struct ll_analysis *job,
                         struct ll_err *err)
{
    int rows[LL_DOC_POINTS];
    add_target(d, "L_semantic_norm", m->L_semantic);
    add_target(d, "L_semantic_strong", m->strong);
    if (add_target(d, "L_semantic_strong_run2", m->strong_run2))
        add_target(d, "L_semantic_strong_run2+1", m->strong_run2 + 1);
    add_target(d, "first_rank_le_5", m->rank[1]);
    for (int i = 0; i < d->n_points; i++)
        rows[i] = d->targets[i].layer;
    return d->n_points ? ll_decoding_points(job, rows, d->n_points, d->points, err) : LL_OK;
}

static int keep_main(struct ll_doc *d, const struct ll_pass_stats *s, const struct ll_analysis *job,
                     struct ll_err *err)
{
    int rc = ll_pass_stats_init(&d->main, d->set.s->model, err);
    if (rc)
        return rc;
    struct ll_row_stats *rows = d->main.rows;
    memcpy(rows, s->rows, sizeof *rows * (size_t)s->n_rows);
    d->main = *s;
    d->main.rows = rows;
    d->raw_mode = job->raw;
    if ((rc = decode_points(d, &d->passes[0].m, job, err)) || (rc = ll_last_row_check(job, &d->last, err)))
        return rc;
    return ll_analysis_repeat(job, s, &d->repeat, err);
}

int ll_doc_pass(struct ll_doc *d, int i, const struct ll_pass_info *info, const struct ll_prompt *prompt,
                const struct ll_analysis *job, const struct ll_pass_stats *stats, long long first_row,
                struct ll_err *err)
{
    (void)prompt; /* its ids and answer are in info */
    int layers[LL_RAW_SAMPLES];
    assert(i == d->n_passes && i < d->set.n_passes && stats->n_rows == d->set.s->model->n_layers + 1);
    struct ll_doc_pass *p = &d->passes[d->n_passes++];
    int rc = keep_info(p, info, err);
    if (rc)
        return rc;
    p->first_row = first_row;
    p->is_control = job->control_id >= 0 || same_text(info->prompt_id, "ctl");
    ll_raw_sampled(&p->sampled, stats);
    p->n_samples = keep_raw_rows(p->samples, stats, layers, ll_raw_sample_rows(stats->n_layers, layers));
    if (!i)
        d->rules.raw_radius = ll_raw_window_radius(&p->sampled);
    ll_pass_milestones_find(&p->m, stats, d->set.labels, &d->rules, job->prompt_vocab, job->n_prompt_vocab,
                            d->scratch);
    ll_control_of(&p->control, stats, d->rules.top2_gap);
    rc = keep_window(d, p, stats, err);
    return rc || i ? rc : keep_main(d, stats, job, err);
}

int ll_doc_positions(struct ll_doc *d, const struct ll_pos_frac *at, int n, const int *targets,
                     const int *ranks, struct ll_err *err)
{
    size_t size = sizeof *d->at_rank * (size_t)n * (size_t)d->main.n_rows;
    assert(n <= LL_N_POS_FRACS && d->n_passes > 0 && !d->at_rank);
    if (!(d->at_rank = malloc(size + 1)))
        return ll_fail_mem(err, "positions", size);
    memcpy(d->at_rank, ranks, size);
    memcpy(d->at, at, sizeof *at * (size_t)n);
    memcpy(d->target, targets, sizeof *targets * (size_t)n);
    d->n_at = n;
    return LL_OK;
}

int ll_doc_wants_repeat(const struct ll_doc *d)
{
    const struct ll_repeatability *r = &d->repeat;
    int is_zero = r->max_rank_dev <= 0 && r->p95_rank_dev <= 0 && r->top1_flip_rate <= 0;
    return d->set.e->repeat == LL_REPEAT_ALWAYS || (d->set.e->repeat == LL_REPEAT_AUTO && !is_zero);
}

static int same_row(const struct ll_reading *a, const struct ll_reading *b)
{
    return a->n_top == b->n_top && !memcmp(a->top, b->top, sizeof *a->top * (size_t)a->n_top)
        && a->answer_rank == b->answer_rank && !memcmp(&a->lse, &b->lse, sizeof a->lse)
        && !memcmp(&a->entropy_bits, &b->entropy_bits, sizeof a->entropy_bits);
}

void ll_doc_repeat(struct ll_doc *d, const struct ll_pass_stats *second, const int *vocab, int n_vocab)
{
    struct ll_pass_milestones m;
    struct ll_doc_forward *f = &d->forward;
    const char *name;
    int layer = ll_preferred_semantic(&d->passes[0].m, &name);
    ll_pass_milestones_find(&m, second, d->set.labels, &d->rules, vocab, n_vocab, d->scratch);
    *f = (struct ll_doc_forward){.is_run = 1, .jaccard10 = NAN, .is_equal = 1};
    f->layer = ll_preferred_semantic(&m, &f->name);
    for (int l = 0; l < d->main.n_rows; l++)
        f->is_equal &= same_row(&d->main.rows[l].norm, &second->rows[l].norm);
    if (layer >= 0) {
        const struct ll_reading *a = &d->main.rows[layer].norm, *b = &second->rows[layer].norm;
        f->jaccard10 = ll_topk_jaccard(a->top, a->n_top, b->top, b->n_top, LL_REPEAT_TOP);
    }
    f->agrees = same_text(name, f->name)
        && (layer < 0 ? f->layer < 0
                      : f->layer >= 0 && abs(f->layer - layer) <= LL_REPEAT_LAYERS
                    && f->jaccard10 >= LL_REPEAT_JACCARD);
}

/* ---- the end --------------------------------------------------------------------------------- */
/* The micro-suite: the facts asked for as the main pass asks for its own. */
static void find_suite(struct ll_doc *d)
{
    const struct ll_doc_pass *a = &d->passes[0];
    for (int i = 0; i < d->n_passes; i++) {
        const struct ll_doc_pass *p = &d->passes[i];
        if (p->fact_index < 0 || !p->fact_key || !same_text(p->prompt_id, a->prompt_id)
            || !same_text(p->variant, a->variant))
            continue;
        ll_fact_from(&d->facts[d->n_facts], &p->m, p->first_row, i == 0);
        d->fact_pass[d->n_facts++] = i;
    }
    ll_suite_of(&d->suite, d->facts, d->n_facts, d->scratch);
}

static double alignment_rate(const struct ll_doc *d)
{
    int asked = 0, resolved = 0;
    for (int i = 0; i < d->n_passes; i++) {
        asked += d->passes[i].gold.text || d->passes[i].gold.n > 0;
        resolved += d->passes[i].gold.n > 0;
    }
    return asked ? (double)resolved / asked : NAN;
}

static int derive(struct ll_doc *d, struct ll_err *err)
{
    const struct ll_pass_milestones *m = &d->passes[0].m;
    int low_raw, low_tuned;
    find_suite(d);
    ll_raw_full(&d->full, &d->main, d->scratch);
    ll_trajectory_of(&d->trajectory, &d->main, m->L_semantic);
    ll_numeric_health_of(&d->health, &d->main, d->scratch);
    d->n_agree = ll_consistency_targets(m, d->agree_at);
    d->agree_raw = ll_agreement_p50(&d->main, LL_OF_RAW, d->agree_at, d->n_agree, &low_raw);
    d->agree_tuned = ll_agreement_p50(&d->main, LL_OF_TUNED, d->agree_at, d->n_agree, &low_tuned);
    d->is_low_agreement = low_raw || low_tuned;
    d->n_gates = ll_gates_of(d->gates, &d->main, m, &d->rules, &d->least_gate);
    d->alignment_rate = alignment_rate(d);
    d->tuned_gain_p50 = ll_sidecar_gain_p50(&d->main, LL_OF_TUNED, d->scratch);
    return d->set.s->tok ? ll_copy_mask(d->set.s->tok, d->set.s->model->d_vocab, &d->mask, err) : LL_OK;
}

int ll_doc_finish(struct ll_doc *d, struct ll_sink_set *sinks, const struct ll_doc_section **sections, int *n,
                  struct ll_err *err)
{
    assert(d->n_passes == d->set.n_passes && d->n_passes > 0 && !d->n_sections);
    int rc = derive(d, err);
    if (rc)
        return rc;
    ll_doc_put_suite(d);
    ll_doc_put_copy(d);
    ll_doc_put_milestones(d);
    ll_doc_put_raw(d);
    ll_doc_put_lens(d);
    ll_doc_put_trust(d);
    ll_doc_put_guide(d);
    for (int i = 0; i < d->n_sections && !rc; i++) {
        rc = ll_buf_ok(&d->texts[i], err);
        d->sections[i].json = ll_buf_str(&d->texts[i]);
    }
    *sections = d->sections;
    *n = d->n_sections;
    return rc || !sinks ? rc : ll_doc_tables(d, sinks, err);
}

int ll_doc_open(struct ll_doc **doc, const struct ll_doc_setup *setup, struct ll_err *err)
{
    size_t n = (size_t)setup->n_passes, rows = (size_t)setup->s->model->n_layers + 1;
    struct ll_doc *d = *doc = calloc(1, sizeof *d);
    if (!d)
        return ll_fail_mem(err, "document", sizeof *d);
    d->set = *setup;
    if (!d->set.stem)
        d->set.stem = setup->s->model->ckpt->clean;
    d->rules = ll_milestone_rules_default;
    d->passes = calloc(n + 1, sizeof *d->passes);
    d->facts = calloc(n + 1, sizeof *d->facts);
    d->fact_pass = calloc(n + 1, sizeof *d->fact_pass);
    d->scratch = malloc(sizeof *d->scratch * (n > rows ? n : rows));
    if (d->passes && d->facts && d->fact_pass && d->scratch)
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
        pass_free(&d->passes[i]);
    for (int i = 0; i < d->n_sections; i++)
        ll_buf_free(&d->texts[i]);
    ll_pass_stats_free(&d->main);
    ll_ids_free(&d->mask);
    free(d->at_rank);
    free(d->passes);
    free(d->facts);
    free(d->fact_pass);
    free(d->scratch);
    free(d);
}
