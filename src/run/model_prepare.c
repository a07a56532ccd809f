/* model_prepare.c - see model_prepare.h */
#include "model_prepare.h"

#include "memory_facts.h"
#include "print.h"
#include "run_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_TOP = 5 /* p_top5 */ };

int ll_answer_id(const struct ll_model_prepared *m, int ask)
{
    return m->prompts[ask].answer.n ? m->prompts[ask].answer.v[0] : -1;
}

struct ll_sweep ll_model_sweep(const struct ll_model_prepared *m)
{
    const struct ll_experiment *e = m->e;
    int V = m->s.model->d_vocab, k = e->top_verbose > MIN_TOP ? e->top_verbose : MIN_TOP;
    return (struct ll_sweep){.model = m->iv.model,
                             .engine = m->s.engine,
                             .lens = e->lens,
                             .ln_bias_drop = e->ln_bias_drop,
                             .bare_head = e->bare_head,
                             .site = e->site,
                             .k = k < V ? k : V, /* clamped to the vocabulary */
                             .k_last = !e->analysis    ? 0
                                 : LL_TOP_COMPARED < V ? LL_TOP_COMPARED
                                                       : V,
                             .prompts = m->sweep,
                             .n_prompts = m->n_sweep,
                             .extra = m->listeners,
                             .n_extra = m->n_listeners,
                             .memory_budget = m->memory.budget};
}

/* ---- the model ------------------------------------------------------------------------------- */

/* Looked at once a layer, so that Ctrl-C does not wait for the batch. */
static int stop_when_interrupted(void *arg, const struct ll_hook_visit *visit, struct ll_err *err)
{
    const struct ll_run_env *env = arg;
    (void)visit;
    return *env->interrupted ? ll_fail(err, LL_EFAIL, "interrupted") : LL_OK;
}

static int open_model(struct ll_model_prepared *m, struct ll_err *err)
{
    const struct ll_experiment *e = m->e;
    int rc = ll_session_open(&m->s, m->me->asked, m->env->engine, 0, err);
    if (rc)
        return rc;
    ll_warn_notes(m->s.model, m->env->talk->quiet);
    if ((rc = ll_ckpt_stamp(m->s.model->ckpt, m->ckpt_stamp, err))
        || (rc = ll_intervene_open(&m->iv, &m->s, (const char *const *)e->interventions, e->n_interventions,
                                   m->env->talk->quiet, err)))
        return rc;
    m->listeners[m->n_listeners++] =
        (struct ll_listener){LL_HOOK_BIT(LL_HOOK_RESID_PRE), stop_when_interrupted, (void *)(size_t)m->env};
    if (m->iv.n)
        m->listeners[m->n_listeners++] = ll_intervene_listener(&m->iv);
    return LL_OK;
}

/* ---- what it is asked ------------------------------------------------------------------------ */

static int make_arrays(struct ll_model_prepared *m, struct ll_err *err)
{
    size_t asks = (size_t)m->e->n_asks, tests = (size_t)m->e->n_test_prompts;
    m->prompts = calloc(asks + tests + 1, sizeof *m->prompts);
    m->follow = calloc(asks, sizeof *m->follow);
    m->answers = calloc(asks, sizeof *m->answers);
    m->pass_info = calloc(asks, sizeof *m->pass_info);
    return m->prompts && m->follow && m->answers && m->pass_info
        ? LL_OK
        : ll_fail_mem(err, "prompts", (asks + tests) * sizeof *m->prompts);
}

static int prepare_prompt(struct ll_model_prepared *m, int i, struct ll_err *err)
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
    m->pass_info[i] = (struct ll_pass_info){.pass_key = a->pass_key,
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

static int add_run(struct ll_model_prepared *m, struct ll_sweep_prompt prompt, int ask, int answer,
                   struct ll_err *err)
{
    if (!(m->n_sweep & (m->n_sweep - 1))) { /* capacity doubles at powers of two */
        size_t n = m->n_sweep ? 2 * (size_t)m->n_sweep : 1;
        struct ll_sweep_prompt *sweep = realloc(m->sweep, sizeof *sweep * n);
        m->sweep = sweep ? sweep : m->sweep;
        struct ll_sweep_slot *slots = realloc(m->slots, sizeof *slots * n);
        m->slots = slots ? slots : m->slots;
        if (!sweep || !slots)
            return ll_fail_mem(err, "prompts", sizeof *sweep * n);
    }
    m->sweep[m->n_sweep] = prompt;
    m->slots[m->n_sweep++] = (struct ll_sweep_slot){ask, answer};
    return LL_OK;
}

/* What comes next in the prompt, at the positions of docs/experiment.md 9.5. */
static int prepare_targets(struct ll_model_prepared *m, int i, struct ll_err *err)
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
static int prepare_answers(struct ll_model_prepared *m, int i, struct ll_err *err)
{
    const struct ll_ask *a = &m->e->asks[i];
    const struct ll_prompt *p = &m->prompts[i];
    struct ll_answers *answers = &m->answers[i];
    struct ll_sweep_prompt run;
    int rc = ll_answers_init(answers, &m->s, p, a,
                             a->control_index < 0 ? -1 : ll_answer_id(m, a->control_index), m->e, err);
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

static int prepare_sweep(struct ll_model_prepared *m, struct ll_err *err)
{
    const struct ll_experiment *e = m->e;
    int rc = ll_site_check(m->s.model, e->site, err);
    if (!rc)
        rc = make_arrays(m, err);
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
        ll_prompts_warn(&m->s, m->prompts, m->n_prompts, m->env->talk->quiet);
    return rc;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int describe(struct ll_model_prepared *m, struct ll_err *err)
{
    int rc = ll_session_info(&m->s, m->e->lens, &m->info, &m->info_text, err);
    m->info.lens_site = ll_site_name(m->e->site);
    m->info.lens_head = m->e->bare_head ? "bare" : "model";
    return rc;
}

static int check_memory(struct ll_model_prepared *m, struct ll_err *err)
{
    struct ll_sweep sweep = ll_model_sweep(m);
    sweep.tuned = m->tuned.lens;
    return ll_memory_plan_make(&m->memory, &sweep, m->info.model_id, m->env->capacity, m->env->log, err);
}

/* What was kept of this model, under the key of everything it was given. */
static int find_kept(struct ll_model_prepared *m, struct ll_err *err)
{
    struct ll_buf fit = {0};
    ll_memory_facts_text(&m->memory, &fit);
    const struct ll_model_given given = {.run_key = m->env->key,
                                         .s = &m->s,
                                         .info = &m->info,
                                         .stem = m->info.stem,
                                         .prompts = m->sweep,
                                         .n_prompts = m->n_sweep,
                                         .iv = &m->iv,
                                         .tuned = &m->tuned,
                                         .memory_fit = ll_buf_str(&fit)};
    int rc = ll_buf_ok(&fit, err);
    if (!rc)
        rc = ll_model_key(&given, m->me->key, err);
    ll_buf_free(&fit);
    if (!rc)
        rc = ll_resume_open(&m->resume, m->env->keep_dir, m->me->key, m->nr, m->s.model, &m->is_done, err);
    if (!rc && m->resume.was_other && !m->env->talk->quiet)
        ll_say_line("%s: what was kept was made of something else (checkpoint, lens, values) or harmed: set "
                    "aside, computed anew",
                    m->info.clean);
    return rc;
}

int ll_model_prepare(struct ll_model_prepared *m, const struct ll_run_env *env, int nr, struct ll_err *err)
{
    *m = (struct ll_model_prepared){
        .env = env, .e = env->e, .me = &env->models->v[nr], .nr = nr, .resume.journal.fd = -1};
    int rc = open_model(m, err);
    if (rc || (rc = prepare_sweep(m, err)) || (rc = describe(m, err))
        || (rc = ll_tuned_run_open(&m->tuned, m->e, &m->s, m->me->asked, m->info.identity, env->talk->quiet,
                                   err))
        || (rc = check_memory(m, err)) || (rc = ll_run_models_name(env->models, nr, m->info.clean, err)))
        return rc;
    m->info.stem = m->me->stem;
    return find_kept(m, err);
}

void ll_model_prepared_free(struct ll_model_prepared *m)
{
    for (int i = 0; i < m->n_prompts; i++)
        ll_prompt_free(&m->prompts[i]);
    for (int i = 0; i < m->n_answers; i++)
        ll_answers_free(&m->answers[i]);
    for (int i = 0; m->follow && i < m->e->n_asks; i++)
        free(m->follow[i]);
    ll_tuned_run_free(&m->tuned);
    ll_resume_close(&m->resume);
    ll_intervene_free(&m->iv);
    void *owned[] = {m->prompts, m->answers, m->pass_info, m->follow, m->sweep, m->slots};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    ll_session_close(&m->s);
}
