/* rope.c - see rope.h. Sources: Su et al. 2021 (RoFormer); Llama 3.1 and linear scaling as in transformers'
 * modeling_rope_utils.py. */
#include "rope.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

/* The object that holds the scaling settings: its path, or "" when there is none. */
static const char *scaling_path(const struct ll_settings *s)
{
    if (ll_settings_len(s, "rope_parameters") > 0)
        return "rope_parameters";
    return ll_settings_len(s, "rope_scaling") > 0 ? "rope_scaling" : "";
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

static int scale_none(struct ll_rope *r, const struct ll_settings *s, const char *at, struct ll_err *err)
{
    (void)r, (void)s, (void)at, (void)err;
    return LL_OK;
}

static const struct {
    const char *kind;
    int (*scale)(struct ll_rope *r, const struct ll_settings *s, const char *at, struct ll_err *err);
} kinds[] = {{"default", scale_none}, {"linear", scale_linear}, {"llama3", scale_llama3}, {NULL, NULL}};

int ll_rope_init(struct ll_rope *r, const struct ll_settings *s, int d_head, struct ll_err *err)
{
    const char *at = scaling_path(s);
    char type_key[64], old_key[64], theta_key[64];
    snprintf(type_key, sizeof type_key, "%s.rope_type", at);
    snprintf(old_key, sizeof old_key, "%s.type", at);
    snprintf(theta_key, sizeof theta_key, "%s.rope_theta", at);
    const char *kind = *at ? ll_settings_str(s, type_key, ll_settings_str(s, old_key, "default")) : "default";
    double theta = ll_settings_num(s, "rope_theta", 10000.0);
    if (*at)
        theta = ll_settings_num(s, theta_key, theta);
    memset(r, 0, sizeof *r);
    if (!(theta > 1 && theta < 1e12))
        return ll_fail(err, LL_EUSAGE, "config.json: rope_theta: expected a number above 1, found %g", theta);
    if (d_head % 2)
        return ll_fail(err, LL_EUSAGE, "config.json: head_dim: expected an even number for rotary positions, found %d", d_head);
    r->d_rot = d_head;
    r->inv_freq = malloc(sizeof(float) * (size_t)(d_head / 2 + 1));
    if (!r->inv_freq)
        return ll_fail_mem(err, "rotary frequencies", sizeof(float) * (size_t)d_head);
    for (int i = 0; i < d_head / 2; i++)
        r->inv_freq[i] = (float)pow(theta, -2.0 * i / d_head);
    for (int i = 0; kinds[i].kind; i++)
        if (!strcmp(kinds[i].kind, kind)) {
            r->kind = kinds[i].kind;
            int rc = kinds[i].scale(r, s, at, err);
            if (rc)
                ll_rope_free(r);
            return rc;
        }
    ll_rope_free(r);
    return ll_fail(err, LL_EUNSUP, "config.json: rope scaling \"%s\" is not supported (known: default, linear, llama3)", kind);
}

void ll_rope_free(struct ll_rope *r)
{
    free(r->inv_freq);
    memset(r, 0, sizeof *r);
}

void ll_rope_table(const struct ll_rope *r, int n_pos, float *cos_out, float *sin_out)
{
    int half = r->d_rot / 2;
    for (int p = 0; p < n_pos; p++)
        for (int i = 0; i < half; i++) {
            float angle = (float)p * r->inv_freq[i];
            cos_out[(size_t)p * (size_t)half + (size_t)i] = (float)cos((double)angle);
            sin_out[(size_t)p * (size_t)half + (size_t)i] = (float)sin((double)angle);
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
