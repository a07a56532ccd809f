/* model_passes.c - see model_passes.h */
#include "model_passes.h"

#include "calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int make_arrays(struct ll_model_passes *d, struct ll_err *err)
{
    const struct ll_experiment *e = d->m->e;
    size_t rows = (size_t)d->m->s.model->n_layers + 1, asks = (size_t)e->n_asks,
           tests = (size_t)e->n_test_prompts + 1, temps = (size_t)e->n_temperatures + 1;
    const struct {
        void *at;
        size_t n, size;
        int is_needed;
    } arrays[] = {{&d->milestones, asks, sizeof *d->milestones, 1},
                  {&d->tests, tests, sizeof *d->tests, 1},
                  {&d->temps, temps, sizeof *d->temps, 1},
                  {&d->test_list, tests, sizeof *d->test_list, 1},
                  {&d->temp_list, temps, sizeof *d->temp_list, 1},
                  {&d->norm_places, rows, sizeof *d->norm_places, e->analysis},
                  {&d->tau, rows, sizeof *d->tau, e->analysis && e->calibrate},
                  {&d->tuned_cells, asks * rows, sizeof *d->tuned_cells, d->m->tuned.lens != NULL}};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        void *made = arrays[i].is_needed ? calloc(arrays[i].n, arrays[i].size) : NULL;
        if (arrays[i].is_needed && !made)
            return ll_fail_mem(err, "results", arrays[i].n * arrays[i].size);
        memcpy(arrays[i].at, &made, sizeof made);
    }
    d->rules = (struct ll_row_rules){.top_record = e->top_record,
                                     .top_verbose = e->top_verbose,
                                     .words = (const char *const *)e->words,
                                     .n_words = e->n_words,
                                     .last_only = e->last_only,
                                     .copy = e->copy,
                                     .labels = &e->labels};
    int rc = ll_pass_tables_init(&d->tables, &d->rules, ll_sink_set_rows(d->m->env->sinks), (int)rows, err);
    return rc || !e->analysis ? rc : ll_pass_stats_init(&d->stats, d->m->s.model, err);
}

void ll_model_passes_free(struct ll_model_passes *d)
{
    for (int i = 0; i < d->n_tests; i++)
        ll_prediction_free(&d->tests[i]);
    for (int i = 0; i < d->n_temps; i++)
        ll_prediction_free(&d->temps[i]);
    ll_prediction_free(&d->final);
    ll_doc_close(d->doc);
    ll_pass_tables_free(&d->tables);
    ll_pass_stats_free(&d->stats);
    void *owned[] = {d->milestones, d->tau,   d->norm_places, d->tuned_cells,
                     d->tests,      d->temps, d->test_list,   d->temp_list};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    memset(d, 0, sizeof *d);
}

/* Norm-lens temperatures into d->tau, unless they were kept. */
static int calibrate(struct ll_model_passes *d, struct ll_err *err)
{
    const struct ll_experiment *e = d->m->e;
    struct ll_sweep sweep = ll_model_sweep(d->m);
    int n_rows = d->m->s.model->n_layers + 1, rc = LL_OK;
    if (!d->tau)
        return LL_OK;
    struct ll_sweep_prompt *asks = calloc((size_t)e->n_asks, sizeof *asks);
    if (!asks)
        return ll_fail_mem(err, "calibration", sizeof *asks * (size_t)e->n_asks);
    for (int i = 0; i < e->n_asks; i++)
        asks[i] = (struct ll_sweep_prompt){.ids = d->m->prompts[i].ids.v, .n_ids = d->m->prompts[i].ids.n};
    if (!ll_resume_tau(&d->m->resume, d->tau, n_rows))
        rc = ll_calibrate_run(e, &sweep, asks, d->tau, err);
    ll_resume_keep_tau(&d->m->resume, d->tau, n_rows);
    free(asks);
    return rc;
}

static int open_doc(struct ll_model_passes *d, struct ll_err *err)
{
    const struct ll_model *model = d->m->s.model;
    const struct ll_experiment *e = d->m->e;
    const struct ll_doc_setup setup = {.model = &d->m->info,
                                       .bias = ll_unembed_bias_of(model),
                                       .norm_places = (const char(*)[LL_NORM_PLACE])d->norm_places,
                                       .tok = d->m->s.tok,
                                       .labels = &e->labels,
                                       .tau = d->tau,
                                       .tuned = &d->m->tuned.given,
                                       .lens = e->lens,
                                       .raw = e->raw,
                                       .repeat = e->repeat,
                                       .n_passes = e->n_asks};
    for (int l = 0; d->norm_places && l <= model->n_layers; l++)
        ll_norm_place(model, e->lens, l, d->norm_places[l]);
    return e->analysis ? ll_doc_open(&d->doc, &setup, err) : LL_OK;
}

/* Of the main pass the document decodes residuals again, and all of them may be asked for as files. */
static enum ll_pack_resid keeps_resid(void *arg, int prompt)
{
    const struct ll_model_passes *d = arg;
    int is_main = d->m->slots[prompt].ask == 0 && d->m->slots[prompt].answer < 0;
    return !is_main ? LL_PACK_NONE : d->m->env->resid_dir ? LL_PACK_ALL : LL_PACK_LAST;
}

static int sweep_once(struct ll_model_passes *d, struct ll_sweep sweep, struct ll_err *err)
{
    const struct ll_kept_sweep kept = {.resume = &d->m->resume,
                                       .sweep = &sweep,
                                       .stats = d->m->e->analysis ? &d->stats : NULL,
                                       .has_stats = &d->has_stats,
                                       .keeps_resid = keeps_resid};
    sweep.result = ll_take_result;
    return ll_resume_sweep(&kept, err);
}

/* The main pass once more, where the document asks for it. */
static int sweep_again(struct ll_model_passes *d, struct ll_sweep sweep, struct ll_err *err)
{
    struct ll_sweep_prompt again = {.ids = d->m->prompts[0].ids.v,
                                    .n_ids = d->m->prompts[0].ids.n,
                                    .want = LL_SWEEP_LAST,
                                    .tracked = d->m->answers[0].tracked,
                                    .n_tracked = d->m->answers[0].n_tracked};
    sweep.prompts = &again;
    sweep.n_prompts = 1;
    sweep.result = ll_take_again;
    return d->doc && ll_doc_wants_repeat(d->doc) ? ll_sweep_run(&sweep, err) : LL_OK;
}

/* Once more through the tuned lens, the passes only. */
static int sweep_tuned(struct ll_model_passes *d, struct ll_sweep sweep, struct ll_err *err)
{
    int n = 0;
    if (!d->m->tuned.lens)
        return LL_OK;
    for (int i = 0; i < d->m->n_sweep; i++)
        if (d->m->slots[i].answer < 0 && d->m->slots[i].ask < d->m->e->n_asks)
            d->m->sweep[n++] = d->m->sweep[i]; /* result numbers are the asks' */
    sweep.tuned = d->m->tuned.lens;
    sweep.n_prompts = n;
    sweep.result = ll_take_tuned;
    const struct ll_kept_sweep kept = {.resume = &d->m->resume, .sweep = &sweep, .at = d->m->n_sweep};
    int rc = ll_resume_sweep(&kept, err);
    if (d->m->iv.n) { /* the check would run the model as it is, without them */
        d->m->tuned.skips = (struct ll_skip_sanity){{NAN, NAN, NAN}, -1};
        return rc;
    }
    return rc ? rc : ll_tuned_run_skips(&d->m->tuned, d->m->e, &d->m->s, d->m->sweep, n, err);
}

int ll_model_passes_run(struct ll_model_passes *d, struct ll_model_prepared *m, struct ll_err *err)
{
    const struct ll_run_talk *talk = m->env->talk;
    struct ll_sweep sweep = ll_model_sweep(m);
    *d = (struct ll_model_passes){.m = m};
    sweep.result_arg = d;
    sweep.progress = talk->show;
    sweep.progress_arg = talk->arg;
    if (talk->begin)
        talk->begin(talk->arg, m->s.model->ckpt->clean);
    int rc = make_arrays(d, err);
    if (!rc && !(rc = calibrate(d, err)) && !(rc = open_doc(d, err)) && !(rc = sweep_once(d, sweep, err))
        && !(rc = sweep_again(d, sweep, err)))
        rc = sweep_tuned(d, sweep, err);
    if (talk->end)
        talk->end(talk->arg);
    return rc;
}
