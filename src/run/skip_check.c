/* skip_check.c - see skip_check.h */
#include "skip_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int ll_skip_check(struct ll_skip_sanity *out, const struct ll_tuned *t, const struct ll_experiment *e,
                  const struct ll_session *s, const struct ll_sweep_prompt *prompts, int n_prompts,
                  struct ll_err *err)
{
    enum { LEAST_IDS = 3 };
    size_t total = 0;
    for (int i = 0; i < n_prompts; i++)
        total += (size_t)prompts[i].n_ids;
    int *ids = malloc(sizeof *ids * (total + 1)), *start = calloc((size_t)n_prompts + 1, sizeof *start),
        n = 0;
    struct ll_tuned_gain *gain = calloc((size_t)s->model->n_layers, sizeof *gain);
    double own = 0;
    long long n_pos;
    int rc = ids && start && gain ? LL_OK : ll_fail_mem(err, "prompts", sizeof *ids * total);
    *out = (struct ll_skip_sanity){{NAN, NAN, NAN}, -1};
    for (int i = 0; i < n_prompts && !rc; i++) {
        if (prompts[i].n_ids < LEAST_IDS)
            continue;
        memcpy(ids + start[n], prompts[i].ids, sizeof *ids * (size_t)prompts[i].n_ids);
        start[n + 1] = start[n] + prompts[i].n_ids;
        n++;
    }
    struct ll_tuned_eval job = {.model = s->model,
                                .engine = s->engine,
                                .lens = e->lens,
                                .ln_bias_drop = e->ln_bias_drop,
                                .tuned = t,
                                .text = {ids, start, n}};
    if (!rc && n && !(rc = ll_tuned_evaluate(&job, gain, &own, &n_pos, err)))
        ll_skip_sanity(gain, s->model->n_layers, own, out);
    free(ids);
    free(start);
    free(gain);
    return rc;
}
