/* gguf_rope.c - see gguf_rope.h */
#include "gguf_rope.h"

#include "engine.h"
#include "rope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum kind { NO_SCALING, LINEAR, YARN, LONGROPE, N_KINDS };
static const char *const kinds[N_KINDS] = {"none", "linear", "yarn", "longrope"};

static int read_kind(const struct ll_model *m, enum kind *kind, struct ll_err *err)
{
    const char *s;
    unsigned long n;
    *kind = LINEAR;
    if (!ll_gguf_text(m, LL_S_ROPE_KIND, &s, &n))
        return LL_OK;
    for (int i = 0; i < N_KINDS; i++)
        if (strlen(kinds[i]) == n && !memcmp(kinds[i], s, n)) {
            *kind = (enum kind)i;
            return LL_OK;
        }
    return ll_setting_refuse(m, LL_S_ROPE_KIND, err,
                             "rope scaling \"%.*s\" is not supported (known: none, linear, yarn, longrope)",
                             (int)(n < 40 ? n : 40), s);
}

/* How many values of a head turn. Where the converter paired the rows of whole heads, all of them must. */
static int read_width(const struct ll_model *m, int *d_rot, struct ll_err *err)
{
    enum ll_setting what = LL_S_ROPE_DIMS;
    int local;
    *d_rot = m->d_head;
    ll_setting_int(m, what, d_rot);
    if (ll_setting_int(m, LL_S_ROPE_DIMS_LOCAL, &local) && local != *d_rot)
        return ll_setting_refuse(m, LL_S_ROPE_DIMS_LOCAL, err, "expected that of all layers, %d, found %d",
                                 *d_rot, local);
    if (m->family->gguf.paired_rows && *d_rot != m->d_head)
        return ll_setting_refuse(m, what, err, "expected that of a head in architecture %s, %d, found %d",
                                 m->family->gguf.arch, m->d_head, *d_rot);
    if (*d_rot % 2 || *d_rot < 2 || *d_rot > m->d_head)
        return ll_setting_fail(m, what, err,
                               "expected an even number of values, at most the %d of a head, found %d",
                               m->d_head, *d_rot);
    return LL_OK;
}

/* A tensor of one divisor a frequency; *t NULL: there is none. */
static int find_divisors(const struct ll_model *m, const char *name, int half, const struct ll_tensor **t,
                         struct ll_err *err)
{
    if (!(*t = ll_ckpt_find(m->ckpt, name)))
        return LL_OK;
    const struct ll_dtype_info *d = ll_dtype_info((*t)->dtype);
    m->ckpt->tensors[*t - m->ckpt->tensors].consulted = 1;
    if ((*t)->opaque || !d->is_float || d->block != 1 || (*t)->n_dims != 1 || (*t)->dims[0] != half)
        return ll_fail(err, LL_EUSAGE,
                       "%s: tensor %s: expected %d numbers, one a frequency, found %d dimension%s, the first "
                       "of %lld, stored as %s",
                       m->ckpt->files[(*t)->file].name, name, half, (*t)->n_dims,
                       (*t)->n_dims == 1 ? "" : "s", (long long)(*t)->dims[0], ll_tensor_type(*t));
    for (int i = 0; i < half; i++) {
        float v;
        d->to_f32((*t)->data + (size_t)i * d->block_bytes, &v, 1);
        if (!isfinite(v) || !(v >= 1e-6f && v <= 1e9f))
            return ll_fail(err, LL_EUSAGE, "%s: tensor %s: expected numbers above 0, found %g at %d",
                           m->ckpt->files[(*t)->file].name, name, (double)v, i);
    }
    return LL_OK;
}

static void divide(float *freq, const struct ll_tensor *t, int half)
{
    const struct ll_dtype_info *d = t ? ll_dtype_info(t->dtype) : NULL;
    for (int i = 0; t && i < half; i++) {
        float v;
        d->to_f32(t->data + (size_t)i * d->block_bytes, &v, 1);
        freq[i] /= v;
    }
}

static int apply_divisors(struct ll_rope *r, const struct ll_model *m, enum kind kind, int old_len,
                          struct ll_err *err)
{
    const struct ll_tensor *all, *lengthy, *brief;
    int half = r->d_rot / 2, rc;
    if ((rc = find_divisors(m, "rope_freqs.weight", half, &all, err))
        || (rc = find_divisors(m, "rope_factors_long.weight", half, &lengthy, err))
        || (rc = find_divisors(m, "rope_factors_short.weight", half, &brief, err)))
        return rc;
    if (all && kind != LONGROPE) {
        divide(r->inv_freq, all, half);
        r->kind = strcmp(r->kind, "default") ? r->kind : "divisors";
        return LL_OK;
    }
    if (!lengthy && !brief)
        return LL_OK;
    r->kind = "longrope";
    r->short_up_to = old_len;
    if (!(r->long_freq = malloc(sizeof *r->long_freq * (size_t)(half + 1))))
        return ll_fail_mem(err, "rotary frequencies", sizeof *r->long_freq * (size_t)half);
    memcpy(r->long_freq, r->inv_freq, sizeof *r->long_freq * (size_t)half);
    divide(r->long_freq, lengthy, half);
    divide(r->inv_freq, brief, half);
    return LL_OK;
}

int ll_gguf_rope_init(struct ll_rope *r, const struct ll_model *m, int local, struct ll_err *err)
{
    int unscaled = local && m->family->gguf.local == LL_LOCAL_UNSCALED, old_len = (int)m->n_ctx, rc;
    enum kind kind;
    double factor = 1, gain = 1;
    memset(r, 0, sizeof *r);
    if ((rc = read_kind(m, &kind, err)) || (rc = read_width(m, &r->d_rot, err)))
        return rc;
    ll_setting_num(m, LL_S_ROPE_THETA, &r->theta);
    if (local)
        ll_setting_num(m, LL_S_ROPE_THETA_LOCAL, &r->theta);
    if (!(r->theta > 1))
        return ll_setting_fail(m, LL_S_ROPE_THETA, err, "expected a number above 1, found %g", r->theta);
    ll_setting_num(m, LL_S_ROPE_FACTOR, &factor);
    ll_setting_num(m, LL_S_ROPE_GAIN, &gain);
    ll_setting_int(m, LL_S_ROPE_ORIGINAL, &old_len);
    if (unscaled || (kind == NO_SCALING && !local)) /* llama.cpp asks for the kind of the others alone */
        factor = 1;
    int half = r->d_rot / 2;
    if (!(r->inv_freq = malloc(sizeof *r->inv_freq * (size_t)(half + 1))))
        return ll_fail_mem(err, "rotary frequencies", sizeof *r->inv_freq * (size_t)half);
    r->kind = factor != 1 || gain != 1 ? "linear" : "default";
    for (int i = 0; i < half; i++)
        r->inv_freq[i] = (float)ll_pow(r->theta, -2.0 * i / r->d_rot) / (float)factor;
    if (kind == YARN && !unscaled) {
        r->kind = "yarn";
        ll_rope_yarn(r, factor, old_len, 32, 1, 1);
        gain *= ll_rope_yarn_gain(factor, 1);
    }
    r->attn_factor = (float)gain;
    if (!local && (rc = apply_divisors(r, m, kind, old_len, err)))
        ll_rope_free(r);
    return rc;
}
