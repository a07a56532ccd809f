/* tuned.c - see tuned.h */
#include "tuned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ll_tuned {
    int n_layers, d_model;
    struct ll_translator *layers; /* [n_layers], owned; W borrowed from owner */
    float *b;                     /* [n_layers, d_model], owned: the translators' biases */
    void *owner;
    void (*release)(void *owner);
};

static int check(const struct ll_model *m, const struct ll_translator *layers, int n, struct ll_err *err)
{
    if (n != m->n_layers)
        return ll_fail(err, LL_EUSAGE, "tuned lens: expected %d translators (layers of %s), found %d",
                       m->n_layers, m->ckpt->clean, n);
    for (int l = 0; l < n; l++) {
        const struct ll_translator *T = &layers[l];
        if (T->W.n && (T->W.n != m->d_model || T->W.k != m->d_model))
            return ll_fail(err, LL_EUSAGE,
                           "tuned lens: translator %d: expected [%d, %d] (width of %s), found [%d, %d]", l,
                           m->d_model, m->d_model, m->ckpt->clean, T->W.n, T->W.k);
        for (int i = 0; T->b && i < m->d_model; i++)
            if (!isfinite(T->b[i]))
                return ll_fail(err, LL_EUSAGE,
                               "tuned lens: bias of translator %d: expected finite values, found %g at %d", l,
                               (double)T->b[i], i);
    }
    return LL_OK;
}

int ll_tuned_make(struct ll_tuned **out, const struct ll_model *m, const struct ll_translator *layers, int n,
                  void *owner, void (*release)(void *), struct ll_err *err)
{
    size_t d = (size_t)m->d_model;
    int rc = check(m, layers, n, err);
    *out = NULL;
    if (rc)
        return rc;
    struct ll_tuned *t = calloc(1, sizeof *t);
    if (t) {
        t->layers = calloc((size_t)n, sizeof *t->layers);
        t->b = calloc((size_t)n * d, sizeof *t->b);
    }
    if (!t || !t->layers || !t->b) {
        ll_tuned_free(t);
        return ll_fail_mem(err, "tuned lens", (size_t)n * d * sizeof *t->b);
    }
    t->n_layers = n;
    t->d_model = m->d_model;
    for (int l = 0; l < n; l++) {
        float *b = t->b + (size_t)l * d;
        t->layers[l].W = layers[l].W;
        if (layers[l].b)
            t->layers[l].b = memcpy(b, layers[l].b, sizeof *b * d);
    }
    t->owner = owner;
    t->release = release;
    *out = t;
    return LL_OK;
}

void ll_tuned_free(struct ll_tuned *t)
{
    if (!t)
        return;
    if (t->release)
        t->release(t->owner);
    free(t->layers);
    free(t->b);
    free(t);
}

int ll_tuned_has(const struct ll_tuned *t, int layer)
{
    return layer >= 0 && layer < t->n_layers && (t->layers[layer].W.n || t->layers[layer].b);
}

double ll_tuned_temperature(const struct ll_tuned *t, int layer)
{
    (void)t;
    (void)layer;
    return 1;
}

int ll_tuned_apply(const struct ll_tuned *t, struct ll_engine *eng, int layer, const float *resid, int n_rows,
                   float *out, struct ll_err *err)
{
    const struct ll_vec *vec = ll_engine_vec(eng);
    size_t d = (size_t)t->d_model;
    if (!ll_tuned_has(t, layer)) {
        memcpy(out, resid, sizeof *out * (size_t)n_rows * d);
        return LL_OK;
    }
    const struct ll_translator *T = &t->layers[layer];
    if (T->W.n) {
        int rc = ll_engine_reserve(eng, n_rows, t->d_model, 0, 0, err);
        if (rc)
            return rc;
        ll_linear(eng, &T->W, resid, t->d_model, n_rows, T->b, out, t->d_model);
    }
    for (size_t r = 0; r < (size_t)n_rows; r++) {
        if (T->W.n)
            vec->add(out + r * d, out + r * d, resid + r * d, d);
        else
            vec->add(out + r * d, T->b, resid + r * d, d);
    }
    return LL_OK;
}
