/* pass_results.c - what one result of a model's sweeps leaves: rows, statistics, answers, predictions. */
#include "keep_resid.h"
#include "model_passes.h"

#include <stdlib.h>
#include <string.h>

enum { TOP_TEST = 10, TOP_TEMPERATURE = 15, TOP_FINAL = 20 };

static struct ll_row_context context_of(struct ll_model_passes *d, int i, const struct ll_sweep_result *r)
{
    const struct ll_answers *answers = &d->m->answers[i];
    return (struct ll_row_context){.rules = &d->rules,
                                   .tok = d->m->s.tok,
                                   .d_vocab = d->m->s.model->d_vocab,
                                   .info = &d->m->pass_info[i],
                                   .ctx = d->m->prompts[i].ctx.v,
                                   .n_ctx = d->m->prompts[i].ctx.n,
                                   .answers = answers->figures,
                                   .n_answers = answers->n,
                                   .control_slot = answers->control_slot,
                                   .own = &r->own[r->n_pos - 1],
                                   .is_control = d->m->e->asks[i].control_index >= 0};
}

static struct ll_analysis job_of(const struct ll_model_passes *d, int i, const struct ll_sweep_result *r,
                                 const int *vocab, int n_vocab)
{
    const struct ll_ask *ask = &d->m->e->asks[i];
    const struct ll_answers *answers = &d->m->answers[i];
    return (struct ll_analysis){.model = d->m->iv.model,
                                .engine = d->m->s.engine,
                                .lens = d->m->e->lens,
                                .ln_bias_drop = d->m->e->ln_bias_drop,
                                .bare_head = d->m->e->bare_head,
                                .tuned = d->m->tuned.lens,
                                .raw = d->m->e->raw,
                                .resid = r->resid_last,
                                .final_normed = r->final_last,
                                .site = d->m->e->site,
                                .walk = {.rows = &r->rows[r->n_pos - 1],
                                         .stride = r->n_pos,
                                         .own = &r->own[r->n_pos - 1],
                                         .answer = answers->n ? answers->figures[0].slot : -1,
                                         .control = ask->control_index < 0 ? -1 : answers->control_slot},
                                .prompt_vocab = vocab,
                                .n_prompt_vocab = n_vocab,
                                .answer_id = ll_answer_id(d->m, i),
                                .control_id =
                                    ask->control_index < 0 ? -1 : ll_answer_id(d->m, ask->control_index),
                                .tau = d->tau};
}

/* The statistics of a pass into d->stats, the flags from the tables. */
static int take_stats(struct ll_model_passes *d, int i, const struct ll_sweep_result *r,
                      const struct ll_analysis *job, struct ll_err *err)
{
    int rc = d->has_stats ? LL_OK : ll_analysis_run(job, &d->stats, err);
    for (int l = 0; l < r->n_rows && !rc; l++) {
        struct ll_row_stats *row = &d->stats.rows[l];
        const struct ll_row_flags *f = &d->tables.flags[l];
        memcpy(row->copy_strict, f->strict, sizeof row->copy_strict);
        memcpy(row->copy_soft, f->soft, sizeof row->copy_soft);
        row->entropy_collapse = (unsigned char)f->entropy_collapse;
        if (d->tuned_cells)
            d->tuned_cells[(size_t)i * (size_t)r->n_rows + (size_t)l] = row->tuned_cells;
        row->is_answer = (unsigned char)f->is_answer;
    }
    return rc;
}

/* The main pass's targets at positions along its prompt. */
static int keep_positions(struct ll_model_passes *d, const struct ll_row_context *c,
                          const struct ll_sweep_result *r, struct ll_err *err)
{
    struct ll_pos_frac at[LL_N_POS_FRACS];
    int targets[LL_N_POS_FRACS], n = ll_position_fractions(c->info->n_ids, at);
    int *ranks = malloc(sizeof *ranks * (size_t)n * (size_t)r->n_rows + 1);
    if (!ranks)
        return ll_fail_mem(err, "positions", sizeof *ranks * (size_t)n * (size_t)r->n_rows);
    for (int i = 0; i < n; i++) {
        targets[i] = ll_position_target(c, at[i].pos);
        for (int l = 0; l < r->n_rows; l++)
            ranks[i * r->n_rows + l] =
                ll_position_rank(c, at[i].pos,
                                 &r->rows[(size_t)l * (size_t)r->n_pos + (size_t)(at[i].pos - r->pos0)]);
    }
    int rc = ll_doc_positions(d->doc, at, n, targets, ranks, err);
    free(ranks);
    return rc;
}

/* What the document keeps of a pass; of the main pass also the result of decoding its residuals again. */
static int keep_pass(struct ll_model_passes *d, int i, const struct ll_analysis *job, long long first_row,
                     struct ll_err *err)
{
    const struct ll_doc_pass_given given = {.info = &d->m->pass_info[i],
                                            .stats = &d->stats,
                                            .prompt_vocab = job->prompt_vocab,
                                            .n_prompt_vocab = job->n_prompt_vocab,
                                            .first_row = first_row,
                                            .has_control = job->control_id >= 0};
    struct ll_pass_checks checks;
    int rc = ll_doc_pass(d->doc, &given, err);
    if (rc || i)
        return rc;
    if (!(rc = ll_pass_checks_run(&checks, job, &d->stats, ll_doc_main_milestones(d->doc), err)))
        ll_doc_checks(d->doc, &checks);
    return rc;
}

static struct ll_tuned_pass tuned_pass(const struct ll_model_passes *d, int i,
                                       const struct ll_sweep_result *r)
{
    return (struct ll_tuned_pass){.ask = i,
                                  .info = &d->m->pass_info[i],
                                  .r = r,
                                  .has_answer = ll_answer_id(d->m, i) >= 0,
                                  .sinks = d->m->env->sinks};
}

/* Analysis, rows and what the document keeps of a pass. vocab: the prompt's. */
static int analyse(struct ll_model_passes *d, int i, struct ll_row_context *c,
                   const struct ll_sweep_result *r, const int *vocab, int n_vocab, struct ll_err *err)
{
    long long first_row = d->tables.n_pure;
    struct ll_analysis job = job_of(d, i, r, vocab, n_vocab);
    const struct ll_tuned_pass pass = tuned_pass(d, i, r);
    int rc = take_stats(d, i, r, &job, err);
    c->stats = &d->stats;
    if (!rc && (rc = ll_pass_tables_write(&d->tables, c, r, err)))
        d->rows_failed = 1;
    if (!rc)
        rc = keep_pass(d, i, &job, first_row, err);
    if (!rc && !i && !d->m->e->last_only)
        rc = keep_positions(d, c, r, err);
    if (!rc && d->m->tuned.lens && (rc = ll_tuned_run_pass(&d->m->tuned, &pass, &d->stats, err)))
        d->rows_failed = 1;
    return rc;
}

static int plain_rows(struct ll_model_passes *d, struct ll_row_context *c, const struct ll_sweep_result *r,
                      struct ll_err *err)
{
    int rc = ll_pass_tables_write(&d->tables, c, r, err);
    d->rows_failed |= rc != LL_OK;
    return rc;
}

static int analysed_rows(struct ll_model_passes *d, int i, struct ll_row_context *c,
                         const struct ll_sweep_result *r, struct ll_err *err)
{
    int *vocab = NULL, n_vocab = 0, rc = ll_prompt_vocab(c, &vocab, &n_vocab, err);
    if (!rc)
        rc = analyse(d, i, c, r, vocab, n_vocab, err);
    free(vocab);
    return rc;
}

/* The main prompt's output: as the model says it, and at the experiment's temperatures
 * (docs/experiment.md 10.2). */
static int keep_main(struct ll_model_passes *d, const struct ll_sweep_result *r, struct ll_err *err)
{
    const struct ll_head_out *o = &r->own[r->n_pos - 1];
    int k = o->n_top < TOP_FINAL ? o->n_top : TOP_FINAL, rc;
    const struct ll_prediction_given own = {
        .tok = d->m->s.tok, .entropy_bits = o->entropy_bits, .lse = o->lse, .top = o->top, .n_top = k};
    if ((rc = ll_prediction_keep(&d->final, &own, err)) || !d->m->e->n_temperatures)
        return rc;
    int V = d->m->s.model->d_vocab, want = V < TOP_TEMPERATURE ? V : TOP_TEMPERATURE;
    float *logits = malloc(sizeof *logits * (size_t)V);
    struct ll_hit top[TOP_TEMPERATURE];
    if (!logits)
        return ll_fail_mem(err, "logits", sizeof *logits * (size_t)V);
    ll_head_logits(d->m->iv.model, d->m->s.engine, r->final_last, logits);
    for (int i = 0; i < d->m->e->n_temperatures && !rc; i++) {
        struct ll_prediction_given at = {.tok = d->m->s.tok,
                                         .temperature = d->m->e->temperatures[i],
                                         .top = top};
        ll_logits_stats(logits, V, at.temperature, want, top, &at.n_top, &at.entropy_bits, &at.lse);
        rc = ll_prediction_keep(&d->temps[i], &at, err);
        d->temp_list[i] = d->temps[i].p;
        d->n_temps = i + 1;
    }
    free(logits);
    return rc;
}

/* Everything that one pass leaves, in the order of its tables. */
static int on_pass(struct ll_model_passes *d, int i, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct ll_row_context c = context_of(d, i, r);
    struct ll_milestones *ms = &d->milestones[i];
    int rc = ll_pass_tables_flags(&d->tables, &c, r, err);
    if (!rc)
        rc = d->m->e->analysis ? analysed_rows(d, i, &c, r, err) : plain_rows(d, &c, r, err);
    ll_row_context_free(&c);
    if (rc)
        return rc;
    ll_first_layers(d->tables.flags, r->n_rows, &ms->L_copy, &ms->L_copy_H, &ms->L_semantic);
    if (i == 0 && d->m->env->resid_dir && r->stack
        && (rc = ll_keep_resid(d->m->env->resid_dir, d->m->info.stem, r, err)))
        d->rows_failed = 1;
    return rc || i ? rc : keep_main(d, r, err);
}

static int on_test(struct ll_model_passes *d, int t, const struct ll_sweep_result *r, struct ll_err *err)
{
    const struct ll_head_out *o = &r->own[0];
    const struct ll_prediction_given given = {.tok = d->m->s.tok,
                                              .prompt = d->m->e->test_prompts[t],
                                              .entropy_bits = o->entropy_bits,
                                              .lse = o->lse,
                                              .top = o->top,
                                              .n_top = o->n_top < TOP_TEST ? o->n_top : TOP_TEST};
    int rc = ll_prediction_keep(&d->tests[t], &given, err);
    d->test_list[t] = d->tests[t].p;
    d->n_tests = t + 1;
    return rc;
}

int ll_take_result(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct ll_model_passes *d = arg;
    struct ll_sweep_slot s = d->m->slots[r->prompt];
    if (*d->m->env->interrupted)
        return ll_fail(err, LL_EFAIL, "interrupted");
    if (s.ask >= d->m->e->n_asks)
        return on_test(d, s.ask - d->m->e->n_asks, r, err);
    return s.answer < 0 ? on_pass(d, s.ask, r, err)
                        : ll_answers_take(&d->m->answers[s.ask], s.answer, r, err);
}

int ll_take_again(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct ll_model_passes *d = arg;
    struct ll_row_context c = context_of(d, 0, r);
    int *vocab = NULL, n_vocab = 0, rc = ll_pass_tables_flags(&d->tables, &c, r, err);
    if (!rc && !(rc = ll_prompt_vocab(&c, &vocab, &n_vocab, err))) {
        struct ll_analysis job = job_of(d, 0, r, vocab, n_vocab);
        rc = take_stats(d, 0, r, &job, err);
    }
    if (!rc)
        ll_doc_repeat(d->doc, &d->stats, vocab, n_vocab);
    free(vocab);
    ll_row_context_free(&c);
    return rc;
}

int ll_take_tuned(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct ll_model_passes *d = arg;
    if (*d->m->env->interrupted)
        return ll_fail(err, LL_EFAIL, "interrupted");
    const struct ll_tuned_pass pass = tuned_pass(d, r->prompt, r);
    struct ll_row_context c = context_of(d, r->prompt, r);
    c.tuned = d->tuned_cells + (size_t)r->prompt * (size_t)r->n_rows;
    int rc = ll_pass_tables_tuned(&d->tables, &c, d->m->tuned.lens, r, err);
    if (!rc)
        rc = ll_tuned_run_audit(&d->m->tuned, &pass, err);
    d->rows_failed |= rc != LL_OK;
    ll_row_context_free(&c);
    return rc;
}
