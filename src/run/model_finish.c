/* model_finish.c - see model_finish.h */
#include "model_finish.h"

#include "run_key.h"

#include <stdlib.h>
#include <string.h>

/* Weights are mapped, so a checkpoint that is written to meanwhile is read half as it was and half as it is.
 */
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

/* The document's further sections: those of the passes, and what the tuned lens adds to the diagnostics. */
struct sections {
    struct ll_doc_section *v;
    int n;
    char *text[2];
}; /* v and the texts owned */

static int join_sections(struct sections *all, const struct ll_model_passes *d,
                         const struct ll_doc_section *doc, int n, struct ll_err *err)
{
    int n_tuned = 0;
    if (!(all->v = malloc(sizeof *all->v * ((size_t)n + 3))))
        return ll_fail_mem(err, "sections", sizeof *all->v * (size_t)n);
    if (n)
        memcpy(all->v, doc, sizeof *doc * (size_t)n);
    int rc = ll_tuned_run_sections(&d->m->tuned, all->v + n, all->text, &n_tuned, err);
    all->n = n + n_tuned;
    all->v[all->n++] = (struct ll_doc_section){"provenance", "memory_fit", ll_buf_str(&d->m->memory.json)};
    return rc;
}

static void free_sections(struct sections *all)
{
    free(all->text[0]);
    free(all->text[1]);
    free(all->v);
}

static int write_document(struct ll_model_passes *d, const struct warnings *w, const struct sections *s,
                          struct ll_err *err)
{
    const struct ll_model_prepared *m = d->m;
    struct ll_model_doc doc = {.model = &m->info,
                               .status = "ok",
                               .main_pass = &m->pass_info[0],
                               .test_prompts = d->test_list,
                               .n_test_prompts = d->n_tests,
                               .temperatures = d->temp_list,
                               .n_temperatures = d->n_temps,
                               .final_prediction = &d->final.p,
                               .milestones = d->milestones[0],
                               .passes = m->pass_info,
                               .n_passes = m->e->n_asks,
                               .pass_milestones = d->milestones,
                               .copy_threshold = m->e->copy.threshold,
                               .copy_margin = m->e->copy.margin,
                               .last_row_equal = ll_last_row_is_own(m->s.model, m->e->site, m->e->bare_head),
                               .warnings = w->v,
                               .n_warnings = w->n,
                               .sections = s->v,
                               .n_sections = s->n};
    return ll_sink_set_end(m->env->sinks, &doc, err);
}

int ll_model_finish(struct ll_model_passes *d, struct ll_err *err)
{
    struct warnings warnings = {0};
    struct sections sections = {0};
    const struct ll_doc_section *made = NULL;
    int n_made = 0, rc = check_untouched(d->m, err);
    if (rc)
        return rc;
    rc = collect_warnings(&warnings, d->m, err);
    if (!rc && d->doc)
        rc = ll_doc_finish(d->doc, d->m->env->sinks, &made, &n_made, err);
    if (!rc && !(rc = join_sections(&sections, d, made, n_made, err)))
        rc = write_document(d, &warnings, &sections, err);
    free_sections(&sections);
    free_warnings(&warnings);
    d->rows_failed |= rc != LL_OK;
    return rc ? rc : ll_resume_finish(&d->m->resume, err);
}
