/* run_models.c - see run_models.h */
#include "run_models.h"

#include "buf.h"
#include "map.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *ll_model_fate_name(enum ll_model_fate fate)
{
    return fate == LL_MODEL_OK ? "ok" : fate == LL_MODEL_SKIPPED ? "skipped" : "failed";
}

int ll_run_models_init(struct ll_run_models *all, char *const *asked, int n, struct ll_err *err)
{
    *all = (struct ll_run_models){.v = calloc((size_t)n + 1, sizeof *all->v)};
    if (!all->v)
        return ll_fail_mem(err, "models", sizeof *all->v * (size_t)n);
    for (int i = 0; i < n; i++, all->n++) {
        all->v[i].asked = asked[i];
        if (!(all->v[i].name = ll_path_base(asked[i]))) {
            ll_run_models_free(all);
            return ll_fail_mem(err, "model name", strlen(asked[i]));
        }
    }
    return LL_OK;
}

void ll_run_models_free(struct ll_run_models *all)
{
    for (int i = 0; i < all->n; i++) {
        free(all->v[i].name);
        free(all->v[i].stem);
        free(all->v[i].reason);
    }
    free(all->v);
    memset(all, 0, sizeof *all);
}

static int is_taken(const struct ll_run_models *all, const char *stem)
{
    for (int i = 0; i < all->n; i++)
        if (all->v[i].stem && !strcasecmp(all->v[i].stem, stem))
            return 1;
    return 0;
}

static void put_safe(struct ll_buf *b, const char *s)
{
    for (; *s; s++)
        ll_buf_addc(b, *s == '/' || *s == '\\' || (unsigned char)*s < 0x20 || *s == 0x7f ? '_' : *s);
}

int ll_run_models_name(struct ll_run_models *all, int nr, const char *name, struct ll_err *err)
{
    struct ll_buf b = {0};
    free(all->v[nr].stem);
    all->v[nr].stem = NULL;
    for (int k = 1; k == 1 || (!b.failed && is_taken(all, b.s)); k++) {
        ll_buf_reset(&b);
        put_safe(&b, *name ? name : "model");
        if (k > 1)
            ll_buf_addf(&b, "-%d", k);
    }
    int rc = ll_buf_ok(&b, err);
    if (rc)
        ll_buf_free(&b);
    else
        all->v[nr].stem = b.s;
    return rc;
}

int ll_run_models_end(struct ll_run_models *all, int nr, int code, const char *reason, struct ll_err *err)
{
    struct ll_run_model *m = &all->v[nr];
    m->code = code;
    m->fate = code == LL_OK ? LL_MODEL_OK
        : code == LL_EFIT   ? LL_MODEL_SKIPPED
        : code == LL_EFAIL  ? LL_MODEL_DENIED
                            : LL_MODEL_FAILED;
    if (code && !(m->reason = strdup(reason)))
        return ll_fail_mem(err, "reason", strlen(reason));
    return LL_OK;
}

struct ll_run_tally ll_run_models_tally(const struct ll_run_models *all)
{
    struct ll_run_tally t = {0};
    for (int i = 0; i < all->n; i++) {
        enum ll_model_fate fate = all->v[i].fate;
        t.ok += fate == LL_MODEL_OK;
        t.failed += fate != LL_MODEL_OK && fate != LL_MODEL_WAITS;
        t.skipped += fate == LL_MODEL_SKIPPED;
        t.denied += fate == LL_MODEL_DENIED;
    }
    return t;
}

const struct ll_run_model *ll_run_models_first(const struct ll_run_models *all, enum ll_model_fate fate)
{
    for (int i = 0; i < all->n; i++)
        if (all->v[i].fate == fate)
            return &all->v[i];
    return NULL;
}

const struct ll_run_model *ll_run_models_worst(const struct ll_run_models *all)
{
    for (int i = 0; i < all->n; i++)
        if (all->v[i].fate == LL_MODEL_FAILED || all->v[i].fate == LL_MODEL_DENIED)
            return &all->v[i];
    return ll_run_models_first(all, LL_MODEL_SKIPPED);
}
