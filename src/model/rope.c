/* rope.c - see rope.h. Sources: Su et al. 2021 (RoFormer); Ding et al. 2024 (LongRoPE); Llama 3.1, linear and longrope
 * scaling as in transformers' modeling_rope_utils.py. */
#include "rope.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

/* Objects, where they are there? Nested ones only count where layers differ. */
static int check_objects(const struct ll_settings *s, const char *layer_type, struct ll_err *err)
{
    char path[96];
    snprintf(path, sizeof path, "rope_parameters.%s", layer_type ? layer_type : "");
    int rc = ll_settings_opt_object(s, "rope_parameters", err);
    if (!rc && layer_type)
        rc = ll_settings_opt_object(s, path, err);
    return rc ? rc : ll_settings_opt_object(s, "rope_scaling", err);
}

/* The object that holds the scaling settings: its path, or "" when there is none. */
static const char *scaling_path(const struct ll_settings *s, const char *layer_type, char path[96])
{
    snprintf(path, 96, "rope_parameters.%s", layer_type ? layer_type : "");
    if (layer_type && ll_settings_len(s, path) > 0)
        return path;
    if (ll_settings_len(s, "rope_parameters") > 0)
        return "rope_parameters";
    if (ll_settings_len(s, "rope_scaling") > 0 && (!layer_type || strcmp(layer_type, "sliding_attention")))
        return "rope_scaling"; /* Gemma 3's older spelling means the layers without a window */
    return "";
}

struct range { double lo, hi; };

/* A number at `at`.key, or else at top level under key or its other name (NULL: it has none); *out stays when it is nowhere. */
static int number_of(const struct ll_settings *s, const char *at, const char *key, const char *other, struct range in, double *out, struct ll_err *err)
{
    char path[160];
    snprintf(path, sizeof path, "%s.%s", at, key);
    const char *there = *at && ll_settings_has(s, path) ? path : ll_settings_has(s, key) ? key : other;
    return ll_settings_opt_num(s, there, in.lo, in.hi, out, err);
}

static int scale_linear(struct ll_rope *r, const struct ll_settings *s, const char *at, struct ll_err *err)
{
    char key[64];
    double factor;
    snprintf(key, sizeof key, "%s.factor", at);
    int rc = ll_settings_need_num(s, key, 1e-6, 1e6, &factor, err);
    for (int i = 0; !rc && i < r->d_rot / 2; i++)
        r->inv_freq[i] /= (float)factor;
    return rc;
}

static int scale_llama3(struct ll_rope *r, const struct ll_settings *s, const char *at, struct ll_err *err)
{
    static const char *const names[4] = {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"};
    double v[4];
    for (int i = 0; i < 4; i++) {
        char key[96];
        snprintf(key, sizeof key, "%s.%s", at, names[i]);
        int rc = ll_settings_need_num(s, key, 1e-6, 1e9, &v[i], err);
        if (rc)
            return rc;
    }
    double factor = v[0], low = v[1], high = v[2], old_len = v[3];
    if (high <= low)
        return ll_fail(err, LL_EUSAGE, "config.json: %s.high_freq_factor: expected more than low_freq_factor %g, found %g", at, low, high);
    for (int i = 0; i < r->d_rot / 2; i++) {
        double f = r->inv_freq[i], wavelength = 2 * PI / f;
        if (wavelength > old_len / low)
            f = f / factor;
        else if (wavelength >= old_len / high) {
            double smooth = (old_len / wavelength - low) / (high - low);
            f = (1 - smooth) * f / factor + smooth * f;
        }
        r->inv_freq[i] = (float)f;
    }
    return LL_OK;
}

/* What GGUF's rope_freqs.weight holds: one divisor a frequency. */
static int scale_divisors(struct ll_rope *r, const struct ll_settings *s, const char *at, struct ll_err *err)
{
    char key[64];
    snprintf(key, sizeof key, "%s.divisors", at);
    int n = ll_settings_len(s, key), rc = LL_OK;
    if (n != r->d_rot / 2)
        return ll_fail(err, LL_EUSAGE, "rope_freqs.weight: expected %d values, found %d", r->d_rot / 2, n);
    for (int i = 0; !rc && i < n; i++) {
        double divisor = 1;
        snprintf(key, sizeof key, "%s.divisors.%d", at, i);
        rc = ll_settings_need_num(s, key, 1e-6, 1e6, &divisor, err);
        r->inv_freq[i] /= (float)divisor;
    }
    return rc;
}

/* 1 / (factor[i] * theta^(2i/d_rot)) for one of the two lists. */
static int scale_by_list(const struct ll_rope *r, const struct ll_settings *s, const char *at, const char *list, float *out, struct ll_err *err)
{
    char key[160];
    int half = r->d_rot / 2;
    snprintf(key, sizeof key, "%s.%s", at, list);
    if (ll_settings_len(s, key) != half)
        return ll_fail(err, LL_EUSAGE, "config.json: %s: expected %d factors (half the rotated width), found %d", key, half, ll_settings_len(s, key));
    for (int i = 0; i < half; i++) {
        double factor;
        snprintf(key, sizeof key, "%s.%s.%d", at, list, i);
        int rc = ll_settings_need_num(s, key, 1e-6, 1e9, &factor, err);
        if (rc)
            return rc;
        out[i] = (float)((double)r->inv_freq[i] / factor);
    }
    return LL_OK;
}

static int scale_longrope(struct ll_rope *r, const struct ll_settings *s, const char *at, struct ll_err *err)
{
    const struct range lengths = {2, 1e9}, factors = {0, 1e9};
    double old_len = 0, factor = 0, len;
    int rc;
    if ((rc = number_of(s, at, "original_max_position_embeddings", "max_position_embeddings", lengths, &old_len, err)))
        return rc;
    if (!old_len)
        return ll_fail(err, LL_EUSAGE, "config.json: original_max_position_embeddings: expected 2 or more, found nothing");
    len = old_len;
    if ((rc = number_of(s, at, "factor", NULL, factors, &factor, err)) || (rc = ll_settings_opt_num(s, "max_position_embeddings", lengths.lo, lengths.hi, &len, err)))
        return rc;
    if (!(factor > 0))
        factor = len / old_len;
    double gain = factor > 1 ? sqrt(1 + log(factor) / log(old_len)) : 1;
    if ((rc = number_of(s, at, "attention_factor", NULL, factors, &gain, err)))
        return rc;
    r->attn_factor = (float)gain;
    r->short_up_to = (int)old_len;
    if (!(r->long_freq = malloc(sizeof(float) * (size_t)(r->d_rot / 2 + 1))))
        return ll_fail_mem(err, "rotary frequencies", sizeof(float) * (size_t)r->d_rot);
    rc = scale_by_list(r, s, at, "long_factor", r->long_freq, err);
    return rc ? rc : scale_by_list(r, s, at, "short_factor", r->inv_freq, err);
}

static int scale_none(struct ll_rope *r, const struct ll_settings *s, const char *at, struct ll_err *err)
{
    (void)r, (void)s, (void)at, (void)err;
    return LL_OK;
}

static const struct {
    const char *kind;
    int (*scale)(struct ll_rope *r, const struct ll_settings *s, const char *at, struct ll_err *err);
} kinds[] = {{"default", scale_none}, {"linear", scale_linear}, {"llama3", scale_llama3}, {"longrope", scale_longrope}, {"su", scale_longrope}, {"divisors", scale_divisors}, {NULL, NULL}};

int ll_rope_init(struct ll_rope *r, const struct ll_settings *s, int d_head, const char *layer_type, struct ll_err *err)
{
    static const struct range thetas = {1, 1e12}, parts = {0, 1};
    char path[96], key[128];
    int rc = LL_OK;
    memset(r, 0, sizeof *r);
    if ((rc = check_objects(s, layer_type, err)))
        return rc;
    const char *at = scaling_path(s, layer_type, path), *kind = "default";
    r->attn_factor = 1;
    snprintf(key, sizeof key, "%s.type", at);
    if (*at && (rc = ll_settings_opt_str(s, key, &kind, err)))
        return rc;
    snprintf(key, sizeof key, "%s.rope_type", at);
    if (*at && (rc = ll_settings_opt_str(s, key, &kind, err)))
        return rc;
    int local = layer_type && !strcmp(layer_type, "sliding_attention") && !*at;
    double theta = 10000, part = 1;
    rc = local ? ll_settings_opt_num(s, "rope_local_base_freq", thetas.lo, thetas.hi, &theta, err) : number_of(s, at, "rope_theta", "rotary_emb_base", thetas, &theta, err);
    if (rc || (rc = number_of(s, at, "partial_rotary_factor", "rotary_pct", parts, &part, err)))
        return rc;
    if (!(theta > 1))
        return ll_fail(err, LL_EUSAGE, "config.json: rope_theta: expected a number above 1, found %g", theta);
    if (!(part > 0 && part <= 1))
        return ll_fail(err, LL_EUSAGE, "config.json: partial_rotary_factor: expected more than 0 and at most 1, found %g", part);
    r->theta = theta;
    r->d_rot = (int)(d_head * part);
    if (r->d_rot % 2 || r->d_rot < 2)
        return ll_fail(err, LL_EUSAGE, "config.json: head_dim: expected an even number for rotary positions, found %d (of %d)", r->d_rot, d_head);
    r->inv_freq = malloc(sizeof(float) * (size_t)(r->d_rot / 2 + 1));
    if (!r->inv_freq)
        return ll_fail_mem(err, "rotary frequencies", sizeof(float) * (size_t)r->d_rot);
    for (int i = 0; i < r->d_rot / 2; i++)
        r->inv_freq[i] = (float)pow(theta, -2.0 * i / r->d_rot);
    for (int i = 0; kinds[i].kind; i++)
        if (!strcmp(kinds[i].kind, kind)) {
            r->kind = kinds[i].kind;
            rc = kinds[i].scale(r, s, at, err);
            if (rc)
                ll_rope_free(r);
            return rc;
        }
    ll_rope_free(r);
    return ll_fail(err, LL_EUNSUP, "config.json: rope scaling \"%s\" is not supported (known: default, linear, llama3, longrope)", kind);
}

void ll_rope_free(struct ll_rope *r)
{
    free(r->inv_freq);
    free(r->long_freq);
    memset(r, 0, sizeof *r);
}

int ll_rope_is_long(const struct ll_rope *r, int n_pos) { return r->long_freq && n_pos > r->short_up_to; }

int ll_rope_rows_stay(const struct ll_model *model, int n, int more)
{
    const struct ll_rope *ropes[] = {&model->rope, &model->rope_local, &model->rope_odd};
    int stay = 1;
    for (size_t i = 0; i < sizeof ropes / sizeof *ropes; i++)
        stay = stay && ll_rope_is_long(ropes[i], n) == ll_rope_is_long(ropes[i], more);
    return stay;
}

void ll_rope_table(const struct ll_rope *r, int is_long, int n_pos, float *cos_out, float *sin_out)
{
    const float *freq = is_long ? r->long_freq : r->inv_freq;
    int half = r->d_rot / 2;
    for (int p = 0; p < n_pos; p++)
        for (int i = 0; i < half; i++) {
            float angle = (float)p * freq[i];
            cos_out[(size_t)p * (size_t)half + (size_t)i] = (float)cos((double)angle) * r->attn_factor;
            sin_out[(size_t)p * (size_t)half + (size_t)i] = (float)sin((double)angle) * r->attn_factor;
        }
}

void ll_rope_apply(const struct ll_rope *rope, float *row, int n_heads, int d_head, const float *c, const float *s)
{
    int half = rope->d_rot / 2, step = rope->interleaved ? 2 : 1, apart = rope->interleaved ? 1 : half;
    for (int h = 0; h < n_heads; h++, row += d_head)
        for (int i = 0; i < half; i++) {
            float *x = row + i * step, a = x[0], b = x[apart];
            x[0] = a * c[i] - b * s[i];
            x[apart] = b * c[i] + a * s[i];
        }
}
