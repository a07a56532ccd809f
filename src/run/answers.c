/* answers.c - see answers.h */
#include "answers.h"

#include "tracked.h"
#include "rope.h"

#include <stdlib.h>
#include <string.h>

static int append(struct ll_ids *to, const struct ll_ids *from, int n, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0; i < n && !rc; i++)
        rc = ll_ids_add(to, from->v[i], err);
    return rc;
}

static int init_one(struct ll_answers *out, int i, const struct ll_session *s, const struct ll_prompt *p,
                    const struct ll_ask *a, const struct ll_experiment *e, struct ll_err *err)
{
    struct ll_answer *v = &out->v[i];
    struct ll_answer_figures *f = &out->figures[i];
    const struct ll_prompt_text behind = {a->text, a->text ? strlen(a->text) : 0, &p->ctx};
    enum ll_spelling how = e->answers_exact ? LL_SPELL_EXACT : LL_SPELL_AUTO;
    struct ll_spelled found = {0};
    *f = (struct ll_answer_figures){.text = i < a->n_answers ? a->answers[i] : NULL,
                                    .slot = -1,
                                    .first_id = -1};
    int rc = i == 0 ? append(&v->ids, &p->answer, p->answer.n, err)
                    : ll_prompt_resolve(s, &behind, f->text, how, &found, err);
    if (i)
        v->ids = found.ids; /* taken over */
    if (rc || !v->ids.n)
        return rc;
    f->slot = ll_tracked_slot(out->tracked, &out->n_tracked, v->ids.v[0]);
    f->first_id = v->ids.v[0];
    f->n_tokens = v->ids.n;
    if (v->ids.n > 1 && e->teacher_forcing && !(rc = append(&v->run, &p->ids, p->ids.n, err)))
        rc = append(&v->run, &v->ids, v->ids.n - 1, err);
    v->n_runs = 1;
    for (int more = p->ids.n + 1; more <= v->run.n; more++)
        if (!ll_rope_rows_stay(s->model, p->ids.n, more))
            v->n_runs = v->ids.n;
    return rc;
}

int ll_answers_init(struct ll_answers *out, const struct ll_session *s, const struct ll_prompt *p,
                    const struct ll_ask *a, int control_id, const struct ll_experiment *e, struct ll_err *err)
{
    int n = a->n_answers ? a->n_answers : p->answer.n > 0, rc = LL_OK;
    memset(out, 0, sizeof *out);
    out->control_slot = -1;
    out->v = calloc((size_t)n + 1, sizeof *out->v);
    out->figures = calloc((size_t)n + 1, sizeof *out->figures);
    if (!out->v || !out->figures)
        rc = ll_fail_mem(err, "answers", sizeof *out->v * (size_t)n);
    for (int i = 0; i < n && !rc; i++) {
        out->n = i + 1;
        rc = init_one(out, i, s, p, a, e, err);
    }
    if (!rc && control_id >= 0)
        out->control_slot = ll_tracked_slot(out->tracked, &out->n_tracked, control_id);
    if (rc)
        ll_answers_free(out);
    return rc;
}

void ll_answers_free(struct ll_answers *a)
{
    for (int i = 0; i < a->n; i++) {
        ll_ids_free(&a->v[i].ids);
        ll_ids_free(&a->v[i].run);
        free(a->v[i].logprob);
    }
    free(a->v);
    free(a->figures);
    memset(a, 0, sizeof *a);
}

int ll_answers_prompt(const struct ll_answers *a, int i, int run, struct ll_sweep_prompt *prompt)
{
    const struct ll_answer *v = &a->v[i];
    if (!v->run.n || run >= v->n_runs)
        return 0;
    int n_each = v->ids.n / v->n_runs; /* factors a run */
    *prompt = (struct ll_sweep_prompt){.ids = v->run.v,
                                       .n_ids = v->run.n - (v->n_runs - 1 - run),
                                       .want = LL_SWEEP_TAIL,
                                       .n_tail = n_each,
                                       .tracked = v->ids.v + run * n_each,
                                       .n_tracked = 1};
    return 1;
}

int ll_answers_take(struct ll_answers *a, int i, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct ll_answer *v = &a->v[i];
    if (v->n_taken++ % v->n_runs == 0) {
        free(v->logprob);
        a->figures[i].logprob = v->logprob = calloc((size_t)r->n_rows, sizeof *v->logprob);
    }
    if (!v->logprob)
        return ll_fail_mem(err, "answers", sizeof *v->logprob * (size_t)r->n_rows);
    for (int l = 0; l < r->n_rows; l++) {
        double sum = 0;
        for (int k = 0; k < r->n_pos; k++) {
            const struct ll_head_out *o = &r->rows[(size_t)l * (size_t)r->n_pos + (size_t)k];
            sum += (double)o->tracked_logit[0] - o->lse;
        }
        v->logprob[l] += sum;
    }
    return LL_OK;
}
