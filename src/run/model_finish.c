/* model_finish.c - see model_finish.h */
#include "model_finish.h"

#include "document.h"
#include "memory_facts.h"
#include "run_key.h"

#include <stdlib.h>
#include <string.h>

/* Weights are mapped, so a checkpoint that is written to meanwhile is read half old, half new. */
static int check_untouched(const struct ll_model_prepared *m, struct ll_err *err)
{
    char now[65];
    int rc = ll_ckpt_stamp(m->s.model->ckpt, now, err);
    return rc || !strcmp(now, m->ckpt_stamp)
        ? rc
        : ll_fail(err, LL_EFAIL, "%s: the checkpoint's files were changed while they were read",
                  m->s.model->ckpt->clean);
}

/* What a reader of the document is told of this model. */
struct warnings {
    const char **v; /* owned, its texts borrowed */
    int n;
    struct ll_buf changed; /* owned */
};

static int collect_warnings(struct warnings *w, const struct ll_model_prepared *m, struct ll_err *err)
{
    const struct ll_ckpt *ckpt = m->s.model->ckpt;
    size_t max = (size_t)ckpt->n_notes + 3; /* 3: those below */
    if (!(w->v = malloc(sizeof *w->v * max)))
        return ll_fail_mem(err, "warnings", sizeof *w->v * max);
    for (int i = 0; i < ckpt->n_notes; i++)
        w->v[w->n++] = ckpt->notes[i];
    if (ll_lens_info(m->e->lens)->warning)
        w->v[w->n++] = ll_lens_info(m->e->lens)->warning;
    if (m->tuned.reason.len)
        w->v[w->n++] = m->tuned.reason.s;
    if (m->iv.n) {
        ll_buf_addf(&w->changed, "interventions change the model: %s", m->e->interventions_text);
        w->v[w->n++] = ll_buf_str(&w->changed);
    }
    return ll_buf_ok(&w->changed, err);
}

static void free_warnings(struct warnings *w)
{
    ll_buf_free(&w->changed);
    free(w->v);
}

static int write_document(struct ll_model_passes *d, const struct warnings *w,
                          const struct ll_doc_figures *figures, struct ll_err *err)
{
    const struct ll_model_prepared *m = d->m;
    const struct ll_doc_fit fit = ll_memory_facts(&m->memory);
    const struct ll_document doc = {.run = m->env->info,
                                    .model = &m->info,
                                    .status = "ok",
                                    .passes = m->pass_info,
                                    .milestones = d->milestones,
                                    .n_passes = m->e->n_asks,
                                    .test_prompts = d->test_list,
                                    .n_test_prompts = d->n_tests,
                                    .temperatures = d->temp_list,
                                    .n_temperatures = d->n_temps,
                                    .final_prediction = &d->final.p,
                                    .copy_threshold = m->e->copy.threshold,
                                    .copy_margin = m->e->copy.margin,
                                    .ln_bias_dropped = m->e->ln_bias_drop,
                                    .last_row_equal =
                                        ll_last_row_is_own(m->s.model, m->e->site, m->e->bare_head),
                                    .warnings = w->v,
                                    .n_warnings = w->n,
                                    .fit = &fit,
                                    .figures = figures};
    struct ll_buf text = {0};
    int rc = ll_document_write(&text, &doc, err);
    if (!rc) {
        const struct ll_model_end end = {.is_done = 1, .json = text.s, .json_len = text.len};
        rc = ll_sink_set_end(m->env->sinks, &end, err);
    }
    ll_buf_free(&text);
    return rc;
}

/* Figures of all passes, and the tables made of them. */
static int finish_figures(struct ll_model_passes *d, const struct ll_doc_figures **figures,
                          struct ll_err *err)
{
    int rc = ll_tuned_run_finish(&d->m->tuned, err);
    if (!rc && !(rc = ll_doc_finish(d->doc, figures, err)))
        rc = ll_doc_tables(d->doc, ll_sink_set_rows(d->m->env->sinks), err);
    return rc;
}

int ll_model_finish(struct ll_model_passes *d, struct ll_err *err)
{
    struct warnings warnings = {0};
    const struct ll_doc_figures *figures = NULL;
    int rc = check_untouched(d->m, err);
    if (rc)
        return rc;
    rc = collect_warnings(&warnings, d->m, err);
    if (!rc && d->doc)
        rc = finish_figures(d, &figures, err);
    if (!rc)
        rc = write_document(d, &warnings, figures, err);
    free_warnings(&warnings);
    d->rows_failed |= rc != LL_OK;
    return rc ? rc : ll_resume_finish(&d->m->resume, err);
}
