/* calibrate.c - see calibrate.h */
#include "calibrate.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_PASSES = 3 };

/* Copies of what each pass's last position holds. */
struct kept {
    const struct ll_model *model;
    int n_done;
    float *resid[MAX_PASSES], *final[MAX_PASSES]; /* [n_layers + 1, d_model], [d_model]; owned */
    const float **rows[MAX_PASSES];               /* [n_layers + 1] into resid; owned */
};

static int keep(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct kept *k = arg;
    size_t d = (size_t)k->model->d_model, n = (size_t)r->n_rows;
    int i = k->n_done++;
    k->resid[i] = malloc(sizeof(float) * n * d);
    k->final[i] = malloc(sizeof(float) * d);
    k->rows[i] = malloc(sizeof(*k->rows[i]) * n);
    if (!k->resid[i] || !k->final[i] || !k->rows[i])
        return ll_fail_mem(err, "calibration", sizeof(float) * n * d);
    for (size_t l = 0; l < n; l++) {
        k->rows[i][l] = k->resid[i] + l * d;
        memcpy(k->resid[i] + l * d, r->resid_last[l], sizeof(float) * d);
    }
    memcpy(k->final[i], r->final_last, sizeof(float) * d);
    return LL_OK;
}

/* The main pass, its first other wording, the first control. */
static int choose(const struct ll_experiment *e, int which[MAX_PASSES])
{
    int n = 1, other = 0, control = 0;
    which[0] = 0;
    for (int i = 1; i < e->n_asks; i++) {
        const struct ll_ask *a = &e->asks[i], *m = &e->asks[0];
        if (!other && a->fact_index == m->fact_index && !strcmp(a->prompt_id, m->prompt_id)
            && strcmp(a->variant, m->variant))
            other = i;
        if (!control && a->is_control)
            control = i;
    }
    if (other)
        which[n++] = other;
    if (control)
        which[n++] = control;
    return n;
}

int ll_calibrate_run(const struct ll_experiment *e, const struct ll_sweep *sweep,
                     const struct ll_sweep_prompt *prompts, double *tau, struct ll_err *err)
{
    struct kept k = {.model = sweep->model};
    struct ll_sweep_prompt few[MAX_PASSES];
    struct ll_analysis jobs[MAX_PASSES];
    struct ll_sweep s = *sweep;
    int which[MAX_PASSES], n = choose(e, which);
    for (int i = 0; i < n; i++)
        few[i] = (struct ll_sweep_prompt){.ids = prompts[which[i]].ids,
                                          .n_ids = prompts[which[i]].n_ids,
                                          .want = LL_SWEEP_LAST};
    s.prompts = few;
    s.n_prompts = n;
    s.k = 1;
    s.tuned = NULL;
    s.result = keep;
    s.result_arg = &k;
    s.progress = NULL;
    int rc = ll_sweep_run(&s, err);
    for (int i = 0; i < n && !rc; i++)
        jobs[i] = (struct ll_analysis){.model = s.model,
                                       .engine = s.engine,
                                       .lens = s.lens,
                                       .ln_bias_drop = s.ln_bias_drop,
                                       .bare_head = s.bare_head,
                                       .raw = LL_RAW_OFF,
                                       .resid = k.rows[i],
                                       .final_normed = k.final[i],
                                       .answer_id = -1,
                                       .control_id = -1};
    if (!rc)
        rc = ll_calibrate(jobs, n, tau, err);
    for (int i = 0; i < MAX_PASSES; i++) {
        free(k.resid[i]);
        free(k.final[i]);
        free(k.rows[i]);
    }
    return rc;
}
