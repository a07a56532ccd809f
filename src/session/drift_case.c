/* drift_case.c - see drift_case.h */
#include "drift_case.h"

#include "variant.h"

#include <stdio.h>
#include <string.h>

enum { MOST_TOKENS = 1 << 20 }; /* where a model does not say its longest text */

/* Token ids: given, or the reference's; when both, they must be equal. */
static int settle_ids(struct ll_drift_case *k, struct ll_opened *x, const struct ll_open_ask *ask,
                      struct ll_err *err)
{
    const struct ll_ref_ids *theirs = k->ref.n_seq ? &k->ref.seq[0] : NULL;
    int rc;
    if (!ask->ids && !ask->text) {
        if (!theirs)
            return ll_fail(err, LL_EUSAGE,
                           "the reference does not say its token ids: expected --ids LIST or a text");
        k->ids_from_reference = 1;
        return ll_prompt_from_ids(&x->p, &x->s, theirs->v, theirs->n, -1, err);
    }
    if ((rc = ll_open_prompt(x, ask, err)) || !theirs)
        return rc;
    struct ll_buf a = {0}, b = {0};
    int equal = theirs->n == x->p.ids.n && !memcmp(theirs->v, x->p.ids.v, sizeof(int) * (size_t)theirs->n);
    for (int i = 0; i < theirs->n && i < 32; i++)
        ll_buf_addf(&a, "%s%d", i ? "," : "", theirs->v[i]);
    for (int i = 0; i < x->p.ids.n && i < 32; i++)
        ll_buf_addf(&b, "%s%d", i ? "," : "", x->p.ids.v[i]);
    if (!equal)
        rc = ll_fail(err, LL_EUSAGE, "token ids: the reference has %s, found %s", ll_buf_str(&a),
                     ll_buf_str(&b));
    k->ids_proven = equal;
    ll_buf_free(&a);
    ll_buf_free(&b);
    return rc;
}

static int open_variant(struct ll_drift_case *k, const struct ll_model *root, const struct ll_drift_ask *o,
                        struct ll_err *err)
{
    size_t n = o->broken ? strlen(o->broken) : 0;
    if (n > 1000)
        return ll_fail(err, LL_EUSAGE, "--break: expected at most 1000 characters, found %zu", n);
    snprintf(k->switches, sizeof k->switches, "%s", n ? o->broken : "");
    if (o->eps >= 0 && (n || (float)o->eps != root->ln_final.eps))
        snprintf(k->switches + n, sizeof k->switches - n, "%seps=%.9g", n ? "," : "", o->eps);
    struct ll_err why = {0};
    int rc = ll_variant_make(&k->m, root, k->switches, &why);
    return rc ? ll_fail(err, rc == LL_EUNSUP ? LL_EUSAGE : rc, "%s", why.msg) : LL_OK;
}

static int none_known(const struct ll_drift_case *k, const char *path, struct ll_err *err)
{
    struct ll_buf names = {0}, near = {0};
    const struct ll_buf *lines = k->place.unknown.len ? &k->place.unknown : &k->place.passed;
    ll_ref_fold(lines, &names);
    ll_ref_nearest(&k->place, &near);
    ll_fail(err, LL_EUSAGE,
            "%s: none of %d names is known: %.300s%s%s (--map FILE can give them a meaning; logitlens help "
            "drift)",
            path, k->ref.n, ll_buf_str(&names), near.len ? "; nearest: " : "", ll_buf_str(&near));
    ll_buf_free(&names);
    ll_buf_free(&near);
    return LL_EUSAGE;
}

static int open_reference(struct ll_drift_case *k, struct ll_opened *x, const struct ll_drift_ask *o,
                          struct ll_err *err)
{
    const struct ll_model *m = x->s.model;
    int rc = ll_ref_open(&k->ref, o->reference, o->sequence,
                         ll_ref_most_values(m, m->n_ctx > 0 ? m->n_ctx : MOST_TOKENS), err);
    if (rc || (rc = settle_ids(k, x, o->prompt, err)))
        return rc;
    if (o->map && (rc = ll_ref_map_read(&k->map, o->map, err)))
        return rc;
    if (o->pos >= x->p.ids.n)
        return ll_fail(err, LL_EUSAGE, "--pos: expected a position in 0..%d, found %d", x->p.ids.n - 1,
                       o->pos);
    if (o->raw && ll_ref_raw_type(o->raw) < 0)
        return ll_fail(err, LL_EUSAGE,
                       "--raw: expected float32, float64, float16 or bfloat16, found \"%.40s\"", o->raw);
    k->place = (struct ll_ref_place){.m = m,
                                     .raw = o->raw,
                                     .n_pos = x->p.ids.n,
                                     .ids = x->p.ids.v,
                                     .pos = o->pos,
                                     .map = o->map ? &k->map : NULL};
    if ((rc = ll_ref_place(&k->place, &k->ref, &k->acts, err)))
        return rc;
    if (!k->place.n_placed && !k->place.n_sums)
        return none_known(k, o->reference, err);
    return ll_ref_settle_order(&k->place, &k->acts, x->s.engine, x->p.ids.v, &k->order, err);
}

int ll_drift_case_open(struct ll_drift_case *k, struct ll_opened *x, const struct ll_drift_ask *ask,
                       struct ll_err *err)
{
    int rc = open_variant(k, x->s.model, ask, err);
    return rc ? rc : open_reference(k, x, ask, err);
}

void ll_drift_case_note_unused(struct ll_drift_case *k, const struct ll_acts *ours)
{
    for (int h = 0; h < LL_N_HOOKS; h++)
        for (int l = -1; l < k->m->n_layers; l++) {
            const struct ll_actv *a = ll_acts_at(&k->acts, h, l), *own = ll_acts_at(ours, h, l);
            if (a->x && !own->x && a->origin)
                ll_buf_addf(&k->place.passed, "%s: the pass of this model has no such point\n", a->origin);
        }
    if (k->ref.passed.len)
        ll_buf_adds(&k->place.passed, ll_buf_str(&k->ref.passed));
}

void ll_drift_case_close(struct ll_drift_case *k)
{
    if (k->acts.at)
        ll_acts_free(&k->acts);
    ll_ref_place_free(&k->place);
    ll_ref_map_free(&k->map);
    ll_ref_free(&k->ref);
    ll_variant_free(k->m);
    memset(k, 0, sizeof *k);
}
