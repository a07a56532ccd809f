/* model_run.c - see model_run.h */
#include "model_run.h"

#include "calibrate.h"
#include "doc.h"
#include "fit_run.h"
#include "intervene_opt.h"
#include "keep_resid.h"
#include "map.h"
#include "outfile.h"
#include "pass_tables.h"
#include "resume.h"
#include "run_key.h"
#include "tuned_run.h"
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOP_TEST = 10, TOP_TEMPERATURE = 15, TOP_FINAL = 20, MIN_TOP = 5 /* p_top5 */ };

/* What a prompt of the sweep is there for. */
struct slot {
    int ask, answer;
}; /* answer -1: the pass itself; ask >= n_asks: a test prompt */

/* All that one model's run holds; freed as a whole. */
struct model_run {
    const struct ll_run_env *env;
    struct ll_intervene iv;
    struct ll_listener listeners[2];
    int n_listeners; /* stop, interventions */
    struct ll_run_fit fit;
    const struct ll_experiment *e; /* env->e */
    struct ll_session s;
    struct ll_sink_set *sinks;
    struct ll_prompt *prompts;         /* [n_asks] then test prompts */
    struct ll_answers *answers;        /* [n_asks] */
    struct ll_pass_info *passes;       /* [n_asks] */
    struct ll_milestones *milestones;  /* [n_asks] */
    struct ll_sweep_prompt *sweep;     /* [n_sweep] */
    struct slot *slots;                /* [n_sweep] */
    int **follow;                      /* [n_asks] the target at each position looked at (sweep.h); owned */
    int n_prompts, n_answers, n_sweep; /* prepared so far */
    struct ll_pass_tables tables;
    struct ll_pass_stats stats; /* of the pass at hand */
    int has_stats;              /* they were kept: no analysis is needed */
    struct ll_resume resume;
    char ckpt_stamp[65]; /* of the checkpoint's files when they were opened */
    double *tau;         /* [n_layers + 1]; NULL: not calibrated */
    struct ll_tuned_run tuned;
    struct ll_lens_cells *tuned_cells; /* [n_asks, n_layers + 1] of the passes so far; NULL: no tuned lens */
    struct ll_doc *doc;                /* NULL: no analysis */
    const char *stem;                  /* of this model's files; owned by env->stems */
    struct ll_kept_prediction *tests, *temps, final;
    struct ll_prediction *test_list, *temp_list;
    int n_tests, n_temps;
    int rows_failed; /* a sink failed: not the model's fault, ends the run */
};

/* ---- one pass -------------------------------------------------------------------------------- */

static struct ll_row_context context_of(struct model_run *m, int i, const struct ll_sweep_result *r)
{
    return (struct ll_row_context){.s = &m->s,
                                   .info = &m->passes[i],
                                   .prompt = &m->prompts[i],
                                   .e = m->e,
                                   .answers = &m->answers[i],
                                   .own = &r->own[r->n_pos - 1],
                                   .is_control = m->e->asks[i].control_index >= 0};
}

/* The first id of an ask's main answer; -1: unresolved. */
static int answer_id(const struct model_run *m, int i)
{
    return m->prompts[i].answer.n ? m->prompts[i].answer.v[0] : -1;
}

static struct ll_analysis job_of(const struct model_run *m, int i, const struct ll_sweep_result *r,
                                 const int *vocab, int n_vocab)
{
    const struct ll_ask *ask = &m->e->asks[i];
    return (struct ll_analysis){.model = m->iv.model,
                                .engine = m->s.engine,
                                .lens = m->e->lens,
                                .ln_bias_drop = m->e->ln_bias_drop,
                                .bare_head = m->e->bare_head,
                                .tuned = m->tuned.lens,
                                .raw = m->e->raw,
                                .resid = r->resid_last,
                                .final_normed = r->final_last,
                                .prompt_vocab = vocab,
                                .n_prompt_vocab = n_vocab,
                                .answer_id = answer_id(m, i),
                                .control_id = ask->control_index < 0 ? -1 : answer_id(m, ask->control_index),
                                .tau = m->tau};
}

/* The statistics of a pass into m->stats, the flags from the tables. */
static int take_stats(struct model_run *m, int i, const struct ll_row_context *c,
                      const struct ll_sweep_result *r, const struct ll_analysis *job, struct ll_err *err)
{
    int rc = m->has_stats ? LL_OK : ll_analysis_run(job, &m->stats, err);
    int slot = m->answers[i].n ? m->answers[i].v[0].slot : -1, control = m->answers[i].control_slot;
    for (int l = 0; l < r->n_rows && !rc; l++) {
        struct ll_row_stats *row = &m->stats.rows[l];
        const struct ll_head_out *last = &r->rows[(size_t)(l + 1) * (size_t)r->n_pos - 1];
        ll_reading_from_walk(&row->norm, last, slot);
        if (c->is_control
            && control >= 0) /* from the same sums as the answer's: equal ids give a margin of 0 */
            row->p_control = ll_head_p(last, last->tracked_logit[control]);
        const struct ll_row_flags *f = &m->tables.flags[l];
        memcpy(row->copy_strict, f->strict, sizeof row->copy_strict);
        memcpy(row->copy_soft, f->soft, sizeof row->copy_soft);
        row->entropy_collapse = (unsigned char)f->entropy_collapse;
        if (m->tuned_cells)
            m->tuned_cells[(size_t)i * (size_t)r->n_rows + (size_t)l] = row->tuned_cells;
        row->is_answer = (unsigned char)f->is_answer;
    }
    ll_reading_from_walk(&m->stats.own, c->own, slot);
    m->stats.teacher_entropy_bits = c->own->entropy_bits;
    return rc;
}

/* The main pass's targets at positions along its prompt. */
static int keep_positions(struct model_run *m, const struct ll_row_context *c,
                          const struct ll_sweep_result *r, struct ll_err *err)
{
    struct ll_pos_frac at[LL_N_POS_FRACS];
    int targets[LL_N_POS_FRACS], n = ll_position_fractions(c->prompt->ids.n, at);
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
    int rc = ll_doc_positions(m->doc, at, n, targets, ranks, err);
    free(ranks);
    return rc;
}

/* Analysis, rows and what the document keeps of a pass. vocab: the prompt's. */
static int analyse(struct model_run *m, int i, struct ll_row_context *c, const struct ll_sweep_result *r,
                   const int *vocab, int n_vocab, struct ll_err *err)
{
    long long first_row = m->tables.n_pure;
    struct ll_analysis job = job_of(m, i, r, vocab, n_vocab);
    int rc = take_stats(m, i, c, r, &job, err);
    c->stats = &m->stats;
    if (!rc && (rc = ll_pass_tables_write(&m->tables, c, r, err)))
        m->rows_failed = 1;
    if (!rc)
        rc = ll_doc_pass(m->doc, i, &m->passes[i], &m->prompts[i], &job, &m->stats, first_row, err);
    if (!rc && !i && !m->e->last_only)
        rc = keep_positions(m, c, r, err);
    if (!rc && m->tuned.lens
        && (rc = ll_tuned_run_pass(&m->tuned, i, &m->passes[i], &m->stats, r, answer_id(m, i) >= 0, m->sinks,
                                   err)))
        m->rows_failed = 1;
    return rc;
}

static int plain_rows(struct model_run *m, struct ll_row_context *c, const struct ll_sweep_result *r,
                      struct ll_err *err)
{
    int rc = ll_pass_tables_write(&m->tables, c, r, err);
    m->rows_failed |= rc != LL_OK;
    return rc;
}

static int analysed_rows(struct model_run *m, int i, struct ll_row_context *c,
                         const struct ll_sweep_result *r, struct ll_err *err)
{
    int *vocab = NULL, n_vocab = 0, rc = ll_prompt_vocab(c, &vocab, &n_vocab, err);
    if (!rc)
        rc = analyse(m, i, c, r, vocab, n_vocab, err);
    free(vocab);
    return rc;
}

/* The main prompt's output: as the model says it, and at the experiment's temperatures
 * (docs/experiment.md 10.2). */
static int keep_main(struct model_run *m, const struct ll_sweep_result *r, struct ll_err *err)
{
    const struct ll_head_out *o = &r->own[r->n_pos - 1];
    int k = o->n_top < TOP_FINAL ? o->n_top : TOP_FINAL, rc;
    if ((rc = ll_prediction_keep(&m->final, &m->s, NULL, 0, o->entropy_bits, o->lse, o->top, k, err))
        || !m->e->n_temperatures)
        return rc;
    int V = m->s.model->d_vocab, want = V < TOP_TEMPERATURE ? V : TOP_TEMPERATURE;
    float *logits = malloc(sizeof *logits * (size_t)V);
    struct ll_hit top[TOP_TEMPERATURE];
    if (!logits)
        return ll_fail_mem(err, "logits", sizeof *logits * (size_t)V);
    ll_head_logits(m->iv.model, m->s.engine, r->final_last, logits);
    for (int i = 0; i < m->e->n_temperatures && !rc; i++) {
        double t = m->e->temperatures[i], bits, lse;
        int n_top;
        ll_logits_stats(logits, V, t, want, top, &n_top, &bits, &lse);
        rc = ll_prediction_keep(&m->temps[i], &m->s, NULL, t, bits, lse, top, n_top, err);
        m->temp_list[i] = m->temps[i].p;
        m->n_temps = i + 1;
    }
    free(logits);
    return rc;
}

/* Everything that one pass leaves, in the order of its tables. */
static int on_pass(struct model_run *m, int i, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct ll_row_context c = context_of(m, i, r);
    struct ll_milestones *ms = &m->milestones[i];
    int rc = ll_pass_tables_flags(&m->tables, &c, r, err);
    if (!rc)
        rc = m->e->analysis ? analysed_rows(m, i, &c, r, err) : plain_rows(m, &c, r, err);
    ll_row_context_free(&c);
    if (rc)
        return rc;
    ll_first_layers(m->tables.flags, r->n_rows, &ms->L_copy, &ms->L_copy_H, &ms->L_semantic);
    if (i == 0 && m->env->resid_dir && r->stack && (rc = ll_keep_resid(m->env->resid_dir, m->stem, r, err)))
        m->rows_failed = 1;
    return rc || i ? rc : keep_main(m, r, err);
}

static int on_test(struct model_run *m, int t, const struct ll_sweep_result *r, struct ll_err *err)
{
    const struct ll_head_out *o = &r->own[0];
    int rc = ll_prediction_keep(&m->tests[t], &m->s, m->e->test_prompts[t], 0, o->entropy_bits, o->lse,
                                o->top, o->n_top < TOP_TEST ? o->n_top : TOP_TEST, err);
    m->test_list[t] = m->tests[t].p;
    m->n_tests = t + 1;
    return rc;
}

static int on_result(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct model_run *m = arg;
    struct slot s = m->slots[r->prompt];
    if (*m->env->interrupted)
        return ll_fail(err, LL_EFAIL, "interrupted");
    if (s.ask >= m->e->n_asks)
        return on_test(m, s.ask - m->e->n_asks, r, err);
    return s.answer < 0 ? on_pass(m, s.ask, r, err) : ll_answers_take(&m->answers[s.ask], s.answer, r, err);
}

/* The main pass again, for the document alone. */
static int on_again(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct model_run *m = arg;
    struct ll_row_context c = context_of(m, 0, r);
    int *vocab = NULL, n_vocab = 0, rc = ll_pass_tables_flags(&m->tables, &c, r, err);
    if (!rc && !(rc = ll_prompt_vocab(&c, &vocab, &n_vocab, err))) {
        struct ll_analysis job = job_of(m, 0, r, vocab, n_vocab);
        rc = take_stats(m, 0, &c, r, &job, err);
    }
    if (!rc)
        ll_doc_repeat(m->doc, &m->stats, vocab, n_vocab);
    free(vocab);
    ll_row_context_free(&c);
    return rc;
}

/* The same passes read through the tuned lens. */
static int on_tuned(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct model_run *m = arg;
    if (*m->env->interrupted)
        return ll_fail(err, LL_EFAIL, "interrupted");
    struct ll_row_context c = context_of(m, r->prompt, r);
    c.tuned = m->tuned_cells + (size_t)r->prompt * (size_t)r->n_rows;
    int rc = ll_pass_tables_tuned(&m->tables, &c, m->tuned.lens, r, err);
    if (!rc)
        rc = ll_tuned_run_audit(&m->tuned, r->prompt, &m->passes[r->prompt], r, answer_id(m, r->prompt) >= 0,
                                m->sinks, err);
    m->rows_failed |= rc != LL_OK;
    ll_row_context_free(&c);
    return rc;
}

/* ---- before the sweep ------------------------------------------------------------------------ */

static void model_run_free(struct model_run *m)
{
    for (int i = 0; i < m->n_prompts; i++)
        ll_prompt_free(&m->prompts[i]);
    for (int i = 0; i < m->n_answers; i++)
        ll_answers_free(&m->answers[i]);
    for (int i = 0; i < m->n_tests; i++)
        ll_prediction_free(&m->tests[i]);
    for (int i = 0; i < m->n_temps; i++)
        ll_prediction_free(&m->temps[i]);
    for (int i = 0; m->follow && i < m->e->n_asks; i++)
        free(m->follow[i]);
    free(m->follow);
    ll_prediction_free(&m->final);
    ll_doc_close(m->doc);
    ll_pass_tables_free(&m->tables);
    ll_pass_stats_free(&m->stats);
    ll_tuned_run_free(&m->tuned);
    ll_run_fit_free(&m->fit);
    ll_resume_close(&m->resume);
    ll_intervene_free(&m->iv);
    void *owned[] = {m->prompts, m->answers, m->passes, m->milestones, m->sweep,     m->slots,
                     m->tau,     m->tests,   m->temps,  m->test_list,  m->temp_list, m->tuned_cells};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    ll_session_close(&m->s);
}

static int model_run_init(struct model_run *m, struct ll_err *err)
{
    const struct ll_experiment *e = m->e;
    size_t asks = (size_t)e->n_asks, tests = (size_t)e->n_test_prompts + 1,
           temps = (size_t)e->n_temperatures + 1;
    const struct {
        void *at;
        size_t n, size;
    } arrays[] = {{&m->prompts, asks + tests, sizeof *m->prompts},
                  {&m->follow, asks, sizeof *m->follow},
                  {&m->answers, asks, sizeof *m->answers},
                  {&m->passes, asks, sizeof *m->passes},
                  {&m->milestones, asks, sizeof *m->milestones},
                  {&m->tests, tests, sizeof *m->tests},
                  {&m->temps, temps, sizeof *m->temps},
                  {&m->test_list, tests, sizeof *m->test_list},
                  {&m->temp_list, temps, sizeof *m->temp_list}};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        void *made = calloc(arrays[i].n, arrays[i].size);
        if (!made)
            return ll_fail_mem(err, "prompts", arrays[i].n * arrays[i].size);
        memcpy(arrays[i].at, &made, sizeof made);
    }
    int rc = ll_pass_tables_init(&m->tables, e, m->sinks, m->s.model->n_layers + 1, err);
    return rc || !e->analysis ? rc : ll_pass_stats_init(&m->stats, m->s.model, err);
}

static int prepare_prompt(struct model_run *m, int i, struct ll_err *err)
{
    const struct ll_ask *a = &m->e->asks[i];
    struct ll_prompt *p = &m->prompts[i];
    const char *answer = a->n_answers ? a->answers[0] : NULL;
    enum ll_spelling how = m->e->answers_exact ? LL_SPELL_EXACT : LL_SPELL_AUTO;
    int rc = a->text ? ll_prompt_from_text(p, &m->s, a->text, strlen(a->text), answer, how, err)
                     : ll_prompt_from_ids(p, &m->s, a->ids, a->n_ids, a->answer_id, err);
    if (!rc && a->text && a->answer_id >= 0 && (rc = ll_prompt_follow(p, &m->s, a->answer_id, err)))
        ll_prompt_free(p);
    if (rc)
        return ll_context(err, "prompt %s", a->pass_key);
    m->n_prompts = i + 1;
    m->passes[i] = (struct ll_pass_info){.pass_key = a->pass_key,
                                         .fact_key = a->fact_key,
                                         .fact_index = a->fact_index,
                                         .prompt_id = a->prompt_id,
                                         .prompt_variant = a->variant,
                                         .prompt_text = a->text,
                                         .prompt_len = a->text ? strlen(a->text) : 0,
                                         .ids = p->ids.v,
                                         .n_ids = p->ids.n,
                                         .gold = ll_prompt_gold(p, answer)};
    return LL_OK;
}

static int add_run(struct model_run *m, struct ll_sweep_prompt prompt, int ask, int answer,
                   struct ll_err *err)
{
    if (!(m->n_sweep & (m->n_sweep - 1))) { /* capacity doubles at powers of two */
        size_t n = m->n_sweep ? 2 * (size_t)m->n_sweep : 1;
        struct ll_sweep_prompt *sweep = realloc(m->sweep, sizeof *sweep * n);
        m->sweep = sweep ? sweep : m->sweep;
        struct slot *slots = realloc(m->slots, sizeof *slots * n);
        m->slots = slots ? slots : m->slots;
        if (!sweep || !slots)
            return ll_fail_mem(err, "prompts", sizeof *sweep * n);
    }
    m->sweep[m->n_sweep] = prompt;
    m->slots[m->n_sweep++] = (struct slot){ask, answer};
    return LL_OK;
}

/* What comes next in the prompt, at the positions of docs/experiment.md 9.5. */
static int prepare_targets(struct model_run *m, int i, struct ll_err *err)
{
    const struct ll_ids *ids = &m->prompts[i].ids;
    struct ll_pos_frac at[LL_N_POS_FRACS];
    int n = ll_position_fractions(ids->n, at);
    if (!(m->follow[i] = malloc(sizeof *m->follow[i] * (size_t)ids->n)))
        return ll_fail_mem(err, "positions", sizeof *m->follow[i] * (size_t)ids->n);
    for (int p = 0; p < ids->n; p++)
        m->follow[i][p] = -1;
    for (int k = 0; k < n; k++)
        if (at[k].pos < ids->n - 1)
            m->follow[i][at[k].pos] = ids->v[at[k].pos + 1];
    return LL_OK;
}

/* The runs of an ask: those of its answers of several tokens first, so that they are known when the pass
 * itself arrives. */
static int prepare_answers(struct model_run *m, int i, struct ll_err *err)
{
    const struct ll_ask *a = &m->e->asks[i];
    const struct ll_prompt *p = &m->prompts[i];
    struct ll_answers *answers = &m->answers[i];
    struct ll_sweep_prompt run;
    int rc = ll_answers_init(answers, &m->s, p, a, a->control_index < 0 ? -1 : answer_id(m, a->control_index),
                             m->e, err);
    if (rc)
        return ll_context(err, "prompt %s", a->pass_key);
    m->n_answers = i + 1;
    if (!m->e->last_only && (rc = prepare_targets(m, i, err)))
        return rc;
    for (int k = 0; k < answers->n; k++)
        for (int nr = 0; !rc && ll_answers_prompt(answers, k, nr, &run); nr++)
            rc = add_run(m, run, i, k, err);
    return rc ? rc
              : add_run(m,
                        (struct ll_sweep_prompt){.ids = p->ids.v,
                                                 .n_ids = p->ids.n,
                                                 .want = m->e->last_only ? LL_SWEEP_LAST : LL_SWEEP_ALL,
                                                 .tracked = answers->tracked,
                                                 .n_tracked = answers->n_tracked,
                                                 .follow = m->follow[i]},
                        i, -1, err);
}

static int prepare(struct model_run *m, struct ll_err *err)
{
    const struct ll_experiment *e = m->e;
    int rc = ll_site_check(m->s.model, e->site, err);
    if (!rc)
        rc = model_run_init(m, err);
    for (int i = 0; i < e->n_asks && !rc; i++)
        rc = prepare_prompt(m, i, err);
    for (int i = 0; i < e->n_asks && !rc;
         i++) /* after all prompts: a control needs another prompt's answer */
        rc = prepare_answers(m, i, err);
    for (int i = 0; i < e->n_test_prompts && !rc; i++) {
        struct ll_prompt *p = &m->prompts[e->n_asks + i];
        const char *text = e->test_prompts[i];
        if ((rc = ll_prompt_from_text(p, &m->s, text, strlen(text), NULL, LL_SPELL_AUTO, err)))
            break;
        m->n_prompts = e->n_asks + i + 1;
        rc = add_run(m, (struct ll_sweep_prompt){.ids = p->ids.v, .n_ids = p->ids.n, .want = LL_SWEEP_OUTPUT},
                     e->n_asks + i, -1, err);
    }
    if (!rc)
        ll_prompts_warn(&m->s, m->prompts, m->n_prompts, m->env->quiet);
    return rc;
}

/* ---- the sweep ------------------------------------------------------------------------------- */

static void on_progress(void *arg, double done) { ll_progress_show(arg, done); }

/* What all sweeps of a model share. */
static struct ll_sweep sweep_of(struct model_run *m, struct ll_progress *bar)
{
    const struct ll_experiment *e = m->e;
    int V = m->s.model->d_vocab, k = e->top_verbose > MIN_TOP ? e->top_verbose : MIN_TOP;
    return (struct ll_sweep){.model = m->iv.model,
                             .engine = m->s.engine,
                             .lens = e->lens,
                             .ln_bias_drop = e->ln_bias_drop,
                             .bare_head = e->bare_head,
                             .site = e->site,
                             .k = k < V ? k : V /* clamped to the vocabulary */,
                             .prompts = m->sweep,
                             .n_prompts = m->n_sweep,
                             .result = on_result,
                             .result_arg = m,
                             .progress = on_progress,
                             .progress_arg = bar,
                             .extra = m->listeners,
                             .n_extra = m->n_listeners,
                             .memory_budget = m->fit.budget};
}

static int calibrate(struct model_run *m, struct ll_err *err)
{
    const struct ll_experiment *e = m->e;
    struct ll_sweep sweep = sweep_of(m, NULL);
    if (!e->analysis || !e->calibrate)
        return LL_OK;
    struct ll_sweep_prompt *asks = calloc((size_t)e->n_asks, sizeof *asks);
    m->tau = calloc((size_t)m->s.model->n_layers + 1, sizeof *m->tau);
    int rc = asks && m->tau ? LL_OK : ll_fail_mem(err, "calibration", sizeof *asks * (size_t)e->n_asks);
    for (int i = 0; i < e->n_asks && !rc; i++)
        asks[i] = (struct ll_sweep_prompt){.ids = m->prompts[i].ids.v, .n_ids = m->prompts[i].ids.n};
    if (!rc && !ll_resume_tau(&m->resume, m->tau, m->s.model->n_layers + 1))
        rc = ll_calibrate_run(e, &sweep, asks, m->tau, err);
    ll_resume_keep_tau(&m->resume, m->tau, m->s.model->n_layers + 1);
    free(asks);
    return rc;
}

/* Of the main pass the document decodes residuals again, and all of them may be asked for as files. */
static enum ll_pack_resid keeps_resid(void *arg, int prompt)
{
    const struct model_run *m = arg;
    int is_main = m->slots[prompt].ask == 0 && m->slots[prompt].answer < 0;
    return !is_main ? LL_PACK_NONE : m->env->resid_dir ? LL_PACK_ALL : LL_PACK_LAST;
}

/* Once more through the tuned lens, the passes only. */
static int sweep_tuned(struct model_run *m, struct ll_sweep sweep, struct ll_err *err)
{
    int n = 0;
    for (int i = 0; i < m->n_sweep; i++)
        if (m->slots[i].answer < 0 && m->slots[i].ask < m->e->n_asks)
            m->sweep[n++] = m->sweep[i]; /* result numbers are the asks' */
    sweep.tuned = m->tuned.lens;
    sweep.n_prompts = n;
    sweep.result = on_tuned;
    const struct ll_kept_sweep kept = {.resume = &m->resume, .sweep = &sweep, .at = m->n_sweep};
    int rc = ll_resume_sweep(&kept, err);
    if (m->iv.n) { /* the check would run the model as it is, without them */
        m->tuned.skips = (struct ll_skip_sanity){{NAN, NAN, NAN}, -1};
        return rc;
    }
    return rc ? rc : ll_tuned_run_skips(&m->tuned, m->e, &m->s, m->sweep, n, err);
}

static int sweep_again(struct model_run *m, struct ll_sweep sweep, struct ll_err *err)
{
    struct ll_sweep_prompt again = {.ids = m->prompts[0].ids.v,
                                    .n_ids = m->prompts[0].ids.n,
                                    .want = LL_SWEEP_LAST,
                                    .tracked = m->answers[0].tracked,
                                    .n_tracked = m->answers[0].n_tracked};
    sweep.prompts = &again;
    sweep.n_prompts = 1;
    sweep.result = on_again;
    return ll_sweep_run(&sweep, err);
}

static int sweep_model(struct model_run *m, struct ll_err *err)
{
    struct ll_progress bar;
    struct ll_sweep sweep = sweep_of(m, &bar);
    ll_progress_start(&bar, m->s.model->ckpt->clean, m->env->quiet);
    int rc = calibrate(m, err);
    const struct ll_doc_setup setup = {.s = &m->s,
                                       .e = m->e,
                                       .labels = &m->e->labels,
                                       .tau = m->tau,
                                       .tuned = m->tuned.lens,
                                       .put_tuned = ll_tuned_run_put,
                                       .put_tuned_arg = &m->tuned,
                                       .stem = m->stem,
                                       .n_passes = m->e->n_asks};
    size_t cells = (size_t)m->e->n_asks * ((size_t)m->s.model->n_layers + 1);
    if (!rc && m->tuned.lens && !(m->tuned_cells = calloc(cells, sizeof *m->tuned_cells)))
        rc = ll_fail_mem(err, "tuned lens", cells * sizeof *m->tuned_cells);
    if (!rc && m->e->analysis)
        rc = ll_doc_open(&m->doc, &setup, err);
    const struct ll_kept_sweep kept = {.resume = &m->resume,
                                       .sweep = &sweep,
                                       .stats = m->e->analysis ? &m->stats : NULL,
                                       .has_stats = &m->has_stats,
                                       .keeps_resid = keeps_resid};
    if (!rc)
        rc = ll_resume_sweep(&kept, err);
    if (!rc && m->doc && ll_doc_wants_repeat(m->doc))
        rc = sweep_again(m, sweep, err);
    if (!rc && m->tuned.lens)
        rc = sweep_tuned(m, sweep, err);
    ll_progress_end(&bar);
    return rc;
}

/* The document's further sections: those of the passes, and what the tuned lens adds to the diagnostics. */
struct sections {
    struct ll_doc_section *v;
    int n;
    char *text[2];
}; /* v and the texts owned */

static int join_sections(struct sections *all, const struct model_run *m, const struct ll_doc_section *doc,
                         int n, struct ll_err *err)
{
    int n_tuned = 0;
    if (!(all->v = malloc(sizeof *all->v * ((size_t)n + 3))))
        return ll_fail_mem(err, "sections", sizeof *all->v * (size_t)n);
    if (n)
        memcpy(all->v, doc, sizeof *doc * (size_t)n);
    int rc = ll_tuned_run_sections(&m->tuned, all->v + n, all->text, &n_tuned, err);
    all->n = n + n_tuned;
    all->v[all->n++] = (struct ll_doc_section){"provenance", "memory_fit", ll_buf_str(&m->fit.json)};
    return rc;
}

static void free_sections(struct sections *all)
{
    free(all->text[0]);
    free(all->text[1]);
    free(all->v);
}

static int finish_model(struct model_run *m, const struct ll_model_info *info, struct ll_err *err)
{
    const struct ll_ckpt *ckpt = m->s.model->ckpt;
    const char **warnings = malloc(sizeof *warnings * (size_t)(ckpt->n_notes + 3)); /* 3: those below */
    struct ll_buf changed = {0};
    const struct ll_doc_section *made = NULL;
    struct sections sections = {0};
    int n_warnings = 0, n_made = 0, rc = LL_OK;
    if (!warnings)
        return ll_fail_mem(err, "warnings", sizeof *warnings * (size_t)(ckpt->n_notes + 3));
    while (n_warnings < ckpt->n_notes) {
        warnings[n_warnings] = ckpt->notes[n_warnings];
        n_warnings++;
    }
    if (ll_lens_info(m->e->lens)->warning)
        warnings[n_warnings++] = ll_lens_info(m->e->lens)->warning;
    if (m->tuned.reason.len)
        warnings[n_warnings++] = m->tuned.reason.s;
    if (m->iv.n) {
        ll_buf_addf(&changed, "interventions change the model: %s", m->e->interventions_text);
        warnings[n_warnings++] = ll_buf_str(&changed);
        rc = ll_buf_ok(&changed, err);
    }
    if (!rc && m->doc)
        rc = ll_doc_finish(m->doc, m->sinks, &made, &n_made, err);
    if (!rc)
        rc = join_sections(&sections, m, made, n_made, err);
    struct ll_model_doc doc = {.model = info,
                               .status = "ok",
                               .main_pass = &m->passes[0],
                               .test_prompts = m->test_list,
                               .n_test_prompts = m->n_tests,
                               .temperatures = m->temp_list,
                               .n_temperatures = m->n_temps,
                               .final_prediction = &m->final.p,
                               .milestones = m->milestones[0],
                               .passes = m->passes,
                               .n_passes = m->e->n_asks,
                               .pass_milestones = m->milestones,
                               .copy_threshold = m->e->copy.threshold,
                               .copy_margin = m->e->copy.margin,
                               .last_row_equal = ll_last_row_is_own(m->s.model, m->e->site, m->e->bare_head),
                               .warnings = warnings,
                               .n_warnings = n_warnings,
                               .sections = sections.v,
                               .n_sections = sections.n};
    if (!rc)
        rc = ll_sink_set_end(m->sinks, &doc, err);
    free_sections(&sections);
    ll_buf_free(&changed);
    free(warnings);
    m->rows_failed |= rc != LL_OK;
    return rc;
}

static int key_of(const struct model_run *m, const struct ll_model_info *info, char key[65],
                  struct ll_err *err)
{
    const struct ll_model_given given = {.run_key = m->env->key,
                                         .s = &m->s,
                                         .info = info,
                                         .stem = m->stem,
                                         .prompts = m->sweep,
                                         .n_prompts = m->n_sweep,
                                         .iv = &m->iv,
                                         .tuned = &m->tuned,
                                         .memory_fit = ll_buf_str(&m->fit.json)};
    return ll_model_key(&given, key, err);
}

/* Weights are mapped, so a checkpoint that is written to meanwhile is read half as it was and half as it is.
 */
static int check_untouched(const struct model_run *m, struct ll_err *err)
{
    char now[65];
    int rc = ll_ckpt_stamp(m->s.model->ckpt, now, err);
    return rc || !strcmp(now, m->ckpt_stamp)
        ? rc
        : ll_fail(err, LL_EFAIL, "%s: the checkpoint's files were changed while they were read",
                  m->s.model->ckpt->clean);
}

/* evaluation-<stem>.md, to which evaluations append: a title and when the run was (docs/experiment.md 14.1).
 * One that is there stays. */
static int write_stub(const struct model_run *m, const char *model_id, struct ll_err *err)
{
    struct ll_buf name = {0}, text = {0};
    const char *t = m->env->stamp;
    if (!m->env->keep_dir || !t || strlen(t) < 13)
        return LL_OK;
    ll_buf_addf(&name, "%s/evaluation-%s.md", m->env->keep_dir, m->stem);
    ll_buf_addf(&text, "# Evaluation Report: %s\n\nRun of %.4s-%.2s-%.2s %.2s:%.2s\n", model_id, t, t + 4,
                t + 6, t + 9, t + 11);
    int rc = ll_buf_ok(&name, err);
    if (!rc && !(rc = ll_buf_ok(&text, err)) && !ll_is_file(name.s))
        rc = ll_file_write(name.s, text.s, text.len, err);
    ll_buf_free(&name);
    ll_buf_free(&text);
    return rc;
}

static int run_begun(struct model_run *m, const char *model, const struct ll_model_info *info,
                     struct ll_err *err)
{
    char key[65];
    int is_done = 0,
        rc = ll_tuned_run_open(&m->tuned, m->e, &m->s, model, info->identity, m->env->quiet, err);
    if (!rc) {
        struct ll_sweep sweep = sweep_of(m, NULL);
        sweep.tuned = m->tuned.lens;
        rc = ll_run_fit(&m->fit, &sweep, info->model_id, m->env->capacity, m->env->log, err);
    }
    if (rc)
        return rc;
    if (!(m->stem = ll_stem_take(m->env->stems, info->clean, err)))
        return LL_EFAIL;
    if (!(rc = key_of(m, info, key, err)))
        rc = ll_resume_open(&m->resume, m->env->keep_dir, key, m->env->model_nr, m->s.model, &is_done, err);
    if (!rc && m->resume.was_other && !m->env->quiet)
        fprintf(stderr,
                "%s: what was kept was made of something else (checkpoint, lens, values) or harmed: set "
                "aside, computed anew\n",
                info->clean);
    if (!rc && is_done) {
        ll_sink_set_keep(m->sinks);
        return LL_OK;
    }
    if (!rc && !(rc = write_stub(m, info->model_id, err)) && !(rc = sweep_model(m, err))
        && !(rc = check_untouched(m, err)) && !(rc = finish_model(m, info, err)))
        rc = ll_resume_finish(&m->resume, err);
    if (rc && m->env->resid_dir) /* the journal has what they are made of */
        ll_drop_resid(m->env->resid_dir, m->stem, m->s.model->n_layers + 1);
    if (rc)
        ll_stem_give_back(m->env->stems);
    return rc;
}

/* Looked at once a layer, so that Ctrl-C does not wait for the batch. */
static int look_up(void *arg, const struct ll_hook_visit *visit, struct ll_err *err)
{
    const struct model_run *m = arg;
    (void)visit;
    return *m->env->interrupted ? ll_fail(err, LL_EFAIL, "interrupted") : LL_OK;
}

int ll_model_run(const char *model, const struct ll_run_env *env, int *fatal, struct ll_err *err)
{
    struct model_run m = {.env = env, .e = env->e, .sinks = env->sinks, .resume.journal.fd = -1};
    struct ll_model_info info;
    struct ll_info_text keep;
    int rc = ll_session_open(&m.s, model, env->engine, 0, err);
    if (rc)
        return rc;
    ll_warn_notes(m.s.model, env->quiet);
    rc = ll_ckpt_stamp(m.s.model->ckpt, m.ckpt_stamp, err);
    m.listeners[m.n_listeners++] = (struct ll_listener){LL_HOOK_BIT(LL_HOOK_RESID_PRE), look_up, &m};
    if (!rc)
        rc = ll_intervene_open(&m.iv, &m.s, (const char *const *)m.e->interventions, m.e->n_interventions,
                               m.env->quiet, err);
    if (m.iv.n)
        m.listeners[m.n_listeners++] = ll_intervene_listener(&m.iv);
    if (!rc && !(rc = prepare(&m, err)) && !(rc = ll_session_info(&m.s, m.e->lens, &info, &keep, err))) {
        info.lens_site = ll_site_name(m.e->site);
        info.lens_head = m.e->bare_head ? "bare" : "model";
        rc = ll_sink_set_begin(m.sinks, &info, err);
        m.rows_failed = rc != LL_OK;
        if (!rc)
            rc = run_begun(&m, model, &info, err);
    }
    if (rc)
        ll_sink_set_abort(m.sinks);
    *fatal = m.rows_failed || m.resume.failed;
    model_run_free(&m);
    return rc;
}
