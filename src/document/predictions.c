/* predictions.c - see predictions.h */
#include "predictions.h"

#include "engine.h"

#include <stdlib.h>
#include <string.h>

int ll_prediction_keep(struct ll_kept_prediction *k, const struct ll_prediction_given *g, struct ll_err *err)
{
    struct ll_buf texts = {0};
    memset(k, 0, sizeof *k);
    if (!(k->top = calloc((size_t)g->n_top + 1, sizeof *k->top)))
        return ll_fail_mem(err, "prediction", sizeof *k->top * (size_t)g->n_top);
    for (int i = 0; i < g->n_top; i++) {
        size_t at = texts.len;
        double z = (double)g->top[i].v;
        ll_token_show(g->tok, g->top[i].id, &texts);
        k->top[i].n = texts.len - at;
        k->top[i].id = g->top[i].id;
        k->top[i].p = ll_exp((g->temperature > 0 ? z / g->temperature : z) - g->lse);
    }
    ll_buf_addc(&texts, 0);
    k->texts = texts.s;
    for (size_t i = 0, at = 0; i < (size_t)g->n_top && texts.s; at += k->top[i++].n)
        k->top[i].text = texts.s + at;
    k->p = (struct ll_prediction){.prompt = g->prompt,
                                  .prompt_len = g->prompt ? strlen(g->prompt) : 0,
                                  .temperature = g->temperature,
                                  .entropy_bits = g->entropy_bits,
                                  .top = k->top,
                                  .n_top = g->n_top};
    int rc = ll_buf_ok(&texts, err);
    if (rc)
        ll_prediction_free(k);
    return rc;
}

void ll_prediction_free(struct ll_kept_prediction *k)
{
    free(k->top);
    free(k->texts);
    memset(k, 0, sizeof *k);
}
