/* rope.c - see rope.h. Sources: Su et al. 2021 (RoFormer); Ding et al. 2024 (LongRoPE); Peng et al. 2023
 * (YaRN); scaling and the order of spellings as in transformers' modeling_rope_utils.py and configuration
 * classes. */
#include "rope.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

/* Where the settings of one rotation stand: two objects, the first one's keys count. "": none. */
struct source {
    const struct ll_model *m;
    char first[LL_SETTING_PATH + 32], second[LL_SETTING_PATH + 32];
    int bare; /* neither spelling is there: the kind is "default", even if rope_scaling names another type */
    struct ll_err *err;
};
struct range {
    double lo, hi;
};
static const struct range lengths = {2, 1e9}, factors = {1e-6, 1e9}, thetas = {1, 1e12}, parts = {0, 1},
                          gains = {0, 1e9};

/* Path of a key in the object that has it, be it null; 0: neither does. Then path is the first one's. */
static int has_key(const struct source *at, const char *key, char path[LL_SETTING_PATH + 96])
{
    const struct ll_settings *s = at->m->ckpt->settings;
    const char *const objects[2] = {at->second, at->first};
    for (int i = 1; i >= 0; i--) {
        if (!*objects[i])
            continue;
        snprintf(path, LL_SETTING_PATH + 96, "%s.%s", objects[i], key);
        if (ll_settings_has(s, path) || ll_settings_is_null(s, path))
            return 1;
    }
    snprintf(path, LL_SETTING_PATH + 96, "%s.%s", *at->first ? at->first : at->second, key);
    return 0;
}

/* A number that must be there. */
static int need_num(const struct source *at, const char *key, struct range in, double *out)
{
    char path[LL_SETTING_PATH + 96];
    has_key(at, key, path);
    return ll_settings_need_num(at->m->ckpt->settings, path, in.lo, in.hi, out, at->err);
}

/* A number that may be absent: then *out stays. *there (NULL: not wanted): was it there? Null is no
 * number. */
static int opt_num(const struct source *at, const char *key, struct range in, double *out, int *there)
{
    char path[LL_SETTING_PATH + 96];
    int has = has_key(at, key, path);
    if (there)
        *there = has;
    return has ? ll_settings_need_num(at->m->ckpt->settings, path, in.lo, in.hi, out, at->err) : LL_OK;
}

/* The same, where null is the same as absent. */
static int null_num(const struct source *at, const char *key, struct range in, double *out, int *there)
{
    char path[LL_SETTING_PATH + 96];
    *there = has_key(at, key, path) && ll_settings_has(at->m->ckpt->settings, path);
    return *there ? ll_settings_need_num(at->m->ckpt->settings, path, in.lo, in.hi, out, at->err) : LL_OK;
}

/* The length of the first training. One layer type's own object counts alone; else what stands at top level
 * (or what the family takes for granted there) counts before the object, and both before the context. */
static int old_length(const struct source *at, int by_type, double *out)
{
    char top[LL_SETTING_PATH];
    *out = (double)at->m->n_ctx;
    int rc = opt_num(at, "original_max_position_embeddings", lengths, out, NULL);
    if (!by_type && !ll_setting_num(at->m, LL_S_ROPE_ORIGINAL, out)
        && ll_settings_is_null(at->m->ckpt->settings, ll_setting_key(at->m, LL_S_ROPE_ORIGINAL, top)))
        return ll_setting_fail(at->m, LL_S_ROPE_ORIGINAL, at->err, "expected a number, found null");
    return rc;
}

/* ---- the kinds ------------------------------------------------------------------------------- */

static int scale_none(struct ll_rope *r, const struct source *at, int by_type)
{
    (void)r, (void)at, (void)by_type;
    return LL_OK;
}

static int scale_linear(struct ll_rope *r, const struct source *at, int by_type)
{
    double factor;
    (void)by_type;
    int rc = need_num(at, "factor", factors, &factor);
    for (int i = 0; !rc && i < r->d_rot / 2; i++)
        r->inv_freq[i] /= (float)factor;
    return rc;
}

static int scale_llama3(struct ll_rope *r, const struct source *at, int by_type)
{
    double factor, low, high, old_len;
    int rc;
    if ((rc = need_num(at, "factor", factors, &factor))
        || (rc = need_num(at, "low_freq_factor", factors, &low))
        || (rc = need_num(at, "high_freq_factor", factors, &high))
        || (rc = old_length(at, by_type, &old_len)))
        return rc;
    if (high <= low)
        return ll_fail(at->err, LL_EUSAGE,
                       "config.json: %s.high_freq_factor: expected more than low_freq_factor %g, found %g",
                       at->first, low, high);
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

/* Up to the context nothing changes; beyond it the base grows with the sequence's length. */
static int scale_dynamic(struct ll_rope *r, const struct source *at, int by_type)
{
    double factor = 0;
    (void)by_type;
    int rc = need_num(at, "factor", factors, &factor);
    if (!rc && r->d_rot < 4)
        rc = ll_fail(
            at->err, LL_EUSAGE,
            "config.json: rope scaling \"dynamic\": expected heads that turn 4 values or more, found %d",
            r->d_rot);
    r->grows_from = (int)at->m->n_ctx;
    r->grows_by = (float)factor;
    return rc;
}

double ll_rope_yarn_gain(double s, double m) { return s <= 1 ? 1 : 0.1 * m * ll_log(s) + 1; }

/* cos and sin are multiplied by attention_factor, or by what follows from factor, mscale and
 * mscale_all_dim. */
static int yarn_attention(struct ll_rope *r, const struct source *at, double factor)
{
    double gain = 1, m = 0, all = 0;
    int given, rc, ignored;
    if ((rc = null_num(at, "attention_factor", gains, &gain, &given))
        || (rc = null_num(at, "mscale", gains, &m, &ignored))
        || (rc = null_num(at, "mscale_all_dim", gains, &all, &ignored)))
        return rc;
    if (!given)
        gain = m > 0 && all > 0 ? ll_rope_yarn_gain(factor, m) / ll_rope_yarn_gain(factor, all)
                                : ll_rope_yarn_gain(factor, 1);
    r->attn_factor = (float)gain;
    return LL_OK;
}

/* The frequency (not a whole number) that turns so many times over the first training's length. */
static double yarn_dim(const struct ll_rope *r, double turns, double old_len)
{
    return r->d_rot * ll_log(old_len / (turns * 2 * PI)) / (2 * ll_log(r->theta));
}

void ll_rope_yarn(struct ll_rope *r, double factor, double old_len, double fast, double slow, int truncate)
{
    double low = yarn_dim(r, fast, old_len), high = yarn_dim(r, slow, old_len);
    low = fmax(truncate ? floor(low) : low, 0);
    high = fmin(truncate ? ceil(high) : high, r->d_rot - 1);
    if (low == high)
        high += 0.001;
    for (int i = 0; i < r->d_rot / 2; i++) {
        double f = ll_pow(r->theta, -2.0 * i / r->d_rot), ramp = fmin(fmax((i - low) / (high - low), 0), 1);
        r->inv_freq[i] = (float)(f / factor * ramp + f * (1 - ramp));
    }
}

static int scale_yarn(struct ll_rope *r, const struct source *at, int by_type)
{
    double factor = 0, old_len, fast = 0, slow = 0;
    int rc, given, ignored, truncate = 1;
    char path[LL_SETTING_PATH + 96];
    if ((rc = old_length(at, by_type, &old_len)))
        return rc;
    if (!has_key(at, "factor", path))
        return need_num(at, "factor", factors, &factor);
    if ((rc = null_num(at, "factor", factors, &factor, &given))
        || (rc = null_num(at, "beta_fast", gains, &fast, &ignored))
        || (rc = null_num(at, "beta_slow", gains, &slow, &ignored)))
        return rc;
    if (!given)
        factor = (double)at->m->n_ctx / old_len;
    fast = fast > 0 ? fast : 32;
    slow = slow > 0 ? slow : 1;
    if (by_type) { /* beside the layer types, not in them */
        char key[LL_SETTING_PATH];
        snprintf(path, sizeof path, "%s.truncate", ll_setting_key(at->m, LL_S_ROPE, key));
    } else
        has_key(at, "truncate", path);
    if ((rc = ll_settings_opt_bool(at->m->ckpt->settings, path, &truncate, at->err))
        || (rc = yarn_attention(r, at, factor)))
        return rc;
    ll_rope_yarn(r, factor, old_len, fast, slow, truncate);
    return LL_OK;
}

/* 1 / (factor[i] * theta^(2i/d_rot)) for one of the two lists. */
static int scale_by_list(const struct ll_rope *r, const struct source *at, const char *name, float *out)
{
    const struct ll_settings *s = at->m->ckpt->settings;
    char list[LL_SETTING_PATH + 96], key[LL_SETTING_PATH + 112];
    int half = r->d_rot / 2;
    has_key(at, name, list);
    if (ll_settings_len(s, list) != half)
        return ll_fail(at->err, LL_EUSAGE,
                       "config.json: %s: expected %d factors (half the rotated width), found %d", list, half,
                       ll_settings_len(s, list));
    for (int i = 0; i < half; i++) {
        double factor;
        snprintf(key, sizeof key, "%s.%d", list, i);
        int rc = ll_settings_need_num(s, key, factors.lo, factors.hi, &factor, at->err);
        if (rc)
            return rc;
        out[i] = (float)((double)r->inv_freq[i] / factor);
    }
    return LL_OK;
}

static int scale_longrope(struct ll_rope *r, const struct source *at, int by_type)
{
    double old_len, factor = 0, gain = 0;
    int rc, given;
    if ((rc = old_length(at, by_type, &old_len)) || (rc = null_num(at, "factor", factors, &factor, &given)))
        return rc;
    if (!given)
        factor = (double)at->m->n_ctx / old_len;
    if ((rc = null_num(at, "attention_factor", gains, &gain, &given)))
        return rc;
    if (!given)
        gain = factor > 1 ? sqrt(1 + ll_log(factor) / ll_log(old_len)) : 1;
    r->attn_factor = (float)gain;
    r->short_up_to = (int)old_len;
    if (!(r->long_freq = malloc(sizeof(float) * (size_t)(r->d_rot / 2 + 1))))
        return ll_fail_mem(at->err, "rotary frequencies", sizeof(float) * (size_t)r->d_rot);
    rc = scale_by_list(r, at, "long_factor", r->long_freq);
    return rc ? rc : scale_by_list(r, at, "short_factor", r->inv_freq);
}

static const struct {
    const char *kind;
    int (*scale)(struct ll_rope *r, const struct source *at, int by_type);
} kinds[] = {{"default", scale_none},
             {"linear", scale_linear},
             {"dynamic", scale_dynamic},
             {"yarn", scale_yarn},
             {"llama3", scale_llama3},
             {"longrope", scale_longrope},
             {NULL, NULL}};

/* ---- where they stand ------------------------------------------------------------------------ */

static int is_filled(const struct ll_model *m, const char *path)
{
    return ll_settings_len(m->ckpt->settings, path) > 0;
}

/* One object for all layers: the older spelling counts before the newer, as a whole. */
static int flat_source(struct source *at)
{
    char old[LL_SETTING_PATH], now[LL_SETTING_PATH], nested[LL_SETTING_PATH + 64];
    static const char *const types[] = {"full_attention", LL_SLIDING};
    ll_setting_key(at->m, LL_S_ROPE_OLD, old);
    ll_setting_key(at->m, LL_S_ROPE, now);
    if (is_filled(at->m, old) || is_filled(at->m, now))
        snprintf(at->first, sizeof at->first, "%s", is_filled(at->m, old) ? old : now);
    for (int i = 0; i < 2 && *at->first && ll_setting_has(at->m, LL_S_LAYER_TYPES); i++) {
        snprintf(nested, sizeof nested, "%s.%s", at->first, types[i]);
        if (is_filled(at->m, nested))
            return ll_fail(at->err, LL_EUNSUP,
                           "config.json: %s: a rotation for each kind of layer is not supported in family %s",
                           nested, at->m->family->name);
    }
    return LL_OK;
}

/* One object a layer type; the older spelling, without types, is laid over that of full attention. */
static int typed_source(struct source *at, const char *layer_type)
{
    const struct ll_settings *s = at->m->ckpt->settings;
    char old[LL_SETTING_PATH], now[LL_SETTING_PATH];
    ll_setting_key(at->m, LL_S_ROPE_OLD, old);
    ll_setting_key(at->m, LL_S_ROPE, now);
    int is_new = ll_settings_has(s, now),
        is_old = ll_settings_has(s, old) && !!strcmp(layer_type, LL_SLIDING);
    at->bare = !is_new;
    snprintf(at->second, sizeof at->second, "%s.%s", now, layer_type);
    int rc = ll_settings_opt_object(s, at->second, at->err);
    if (!rc && is_old && is_new && !ll_settings_has(s, at->second))
        rc = ll_fail(at->err, LL_EUSAGE,
                     "config.json: %s and %s contradict each other: the latter has no %s to which the former "
                     "could belong",
                     old, now, layer_type);
    if (is_old)
        snprintf(at->first, sizeof at->first, "%s", old);
    return rc;
}

/* The kind of scaling: rope_type, else type. *kind is borrowed from the settings or static. */
static int read_kind(const struct source *at, const char **kind)
{
    const struct ll_settings *s = at->m->ckpt->settings;
    char path[LL_SETTING_PATH + 96];
    *kind = "default";
    if (!*at->first && !*at->second)
        return LL_OK;
    int named = has_key(at, "rope_type", path) || (!(at->bare && *at->second) && has_key(at, "type", path));
    int rc = named ? ll_settings_need_str(s, path, kind, at->err) : LL_OK;
    for (const struct ll_rope_alias *a = at->m->family->rope_aliases; !rc && a && a->name; a++)
        if (!strcmp(a->name, *kind))
            *kind = a->kind;
    return rc;
}

/* What stands at top level, or the family's own. A null there does no harm as long as the object has the
 * value. */
static int from_top(const struct source *at, enum ll_setting what, double *out)
{
    return ll_setting_num(at->m, what, out)
        ? LL_OK
        : ll_setting_fail(at->m, what, at->err, "expected a number, found null");
}

/* The base: in the object, else at top level, else the family's. */
static int read_theta(const struct source *at, const char *layer_type, double *theta)
{
    int there, rc = opt_num(at, "rope_theta", thetas, theta, &there);
    if (!rc && !there)
        rc = from_top(at,
                      layer_type && !strcmp(layer_type, LL_SLIDING) ? LL_S_ROPE_THETA_LOCAL : LL_S_ROPE_THETA,
                      theta);
    if (!rc && !(*theta > 1))
        rc = ll_fail(at->err, LL_EUSAGE, "config.json: rope_theta: expected a number above 1, found %g",
                     *theta);
    return rc;
}

/* How much of a head turns, where the family reads that. Elsewhere plain rotation ignores the key, and any
 * other kind would turn only a part of each head: the reference fails on such a checkpoint. */
static int read_part(const struct source *at, const char *kind, double *part)
{
    static const char key[] = "partial_rotary_factor";
    char path[LL_SETTING_PATH + 96];
    int there, rc;
    *part = 1;
    if (ll_setting_has(at->m, LL_S_ROPE_PART)) {
        there = has_key(at, key, path);
        rc = opt_num(at, key, parts, part, NULL);
        if (!rc && !there)
            rc = from_top(at, LL_S_ROPE_PART, part);
        if (rc || *part > 0)
            return rc;
        if (!there)
            ll_setting_key(at->m, LL_S_ROPE_PART, path);
        return ll_fail(at->err, LL_EUSAGE, "config.json: %s: expected more than 0 and at most 1, found %g",
                       path, *part);
    }
    int has = has_key(at, key, path);
    if (!has) { /* at top level: transformers moves it into the object, whatever the family */
        snprintf(path, sizeof path, "%s%s%s", at->m->root, *at->m->root ? "." : "", key);
        has = ll_settings_has(at->m->ckpt->settings, path);
    }
    if (strcmp(kind, kinds[0].kind) && has) {
        rc = ll_settings_need_num(at->m->ckpt->settings, path, parts.lo, parts.hi, part, at->err);
        if (rc || *part == 1)
            return rc;
        return ll_fail(at->err, LL_EUNSUP,
                       "config.json: %s: %g together with rope scaling \"%s\" is not supported in family %s",
                       path, *part, kind, at->m->family->name);
    }
    return LL_OK;
}

static int scale(struct ll_rope *r, const struct source *at, const char *kind, int by_type)
{
    char known[128] = "";
    for (int i = 0; kinds[i].kind; i++) {
        if (!strcmp(kinds[i].kind, kind)) {
            r->kind = kinds[i].kind;
            return kinds[i].scale(r, at, by_type);
        }
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", kinds[i].kind);
    }
    return ll_fail(at->err, LL_EUNSUP, "config.json: rope scaling \"%s\" is not supported (known: %s)", kind,
                   known);
}

int ll_rope_init(struct ll_rope *r, const struct ll_model *m, const char *layer_type, struct ll_err *err)
{
    struct source at = {.m = m, .err = err};
    const char *kind;
    double theta = 0, part;
    int rc;
    memset(r, 0, sizeof *r);
    r->attn_factor = 1;
    if ((rc = layer_type ? typed_source(&at, layer_type) : flat_source(&at)) || (rc = read_kind(&at, &kind))
        || (rc = read_theta(&at, layer_type, &theta)) || (rc = read_part(&at, kind, &part)))
        return rc;
    r->theta = theta;
    r->d_rot = (int)(m->d_head * part);
    if (r->d_rot % 2 || r->d_rot < 2)
        return ll_fail(
            err, LL_EUSAGE,
            "config.json: head_dim: expected an even number for rotary positions, found %d (of %d)", r->d_rot,
            m->d_head);
    r->inv_freq = malloc(sizeof(float) * (size_t)(r->d_rot / 2 + 1));
    if (!r->inv_freq)
        return ll_fail_mem(err, "rotary frequencies", sizeof(float) * (size_t)r->d_rot);
    for (int i = 0; i < r->d_rot / 2; i++)
        r->inv_freq[i] = (float)ll_pow(theta, -2.0 * i / r->d_rot);
    if ((rc = scale(r, &at, kind, layer_type != NULL)))
        ll_rope_free(r);
    return rc;
}

void ll_rope_free(struct ll_rope *r)
{
    free(r->inv_freq);
    free(r->long_freq);
    memset(r, 0, sizeof *r);
}

int ll_rope_is_long(const struct ll_rope *r, int n_pos) { return r->long_freq && n_pos > r->short_up_to; }

int ll_rope_grows(const struct ll_rope *r, int n_pos) { return r->grows_from && n_pos > r->grows_from; }

float ll_rope_freq(const struct ll_rope *r, int n_pos, int i)
{
    if (!ll_rope_grows(r, n_pos))
        return ll_rope_is_long(r, n_pos) ? r->long_freq[i] : r->inv_freq[i];
    double stretch = (double)r->grows_by * n_pos / r->grows_from - ((double)r->grows_by - 1);
    double base = r->theta * ll_pow(stretch, (double)r->d_rot / (r->d_rot - 2));
    return (float)ll_pow(base, -2.0 * i / r->d_rot);
}

static int same_turn(const struct ll_rope *r, int n, int more)
{
    return !ll_rope_grows(r, more) && ll_rope_is_long(r, n) == ll_rope_is_long(r, more);
}

int ll_rope_rows_stay(const struct ll_model *model, int n, int more)
{
    int stay = 1;
    for (int i = 0; i < model->n_ropes; i++)
        stay = stay && (n == more || same_turn(&model->ropes[i], n, more));
    return stay;
}

/* Of frequency f at position pos. */
static void turn(const struct ll_rope *r, int pos, float f, float *cos_out, float *sin_out)
{
    float angle = (float)pos * f;
    *cos_out = (float)ll_cos((double)angle) * r->attn_factor;
    *sin_out = (float)ll_sin((double)angle) * r->attn_factor;
}

void ll_rope_row(const struct ll_rope *r, int n_pos, int pos, float *cos_out, float *sin_out)
{
    for (int i = 0; i < r->d_rot / 2; i++)
        turn(r, pos, ll_rope_freq(r, n_pos, i), cos_out + i, sin_out + i);
}

void ll_rope_table(const struct ll_rope *r, int is_long, int n_pos, float *cos_out, float *sin_out)
{
    const float *freq = is_long ? r->long_freq : r->inv_freq;
    size_t half = (size_t)r->d_rot / 2;
    for (int p = 0; p < n_pos; p++)
        for (size_t i = 0; i < half; i++)
            turn(r, p, freq[i], cos_out + (size_t)p * half + i, sin_out + (size_t)p * half + i);
}

void ll_rope_apply(const struct ll_rope *rope, float *row, int n_heads, int d_head, const float *c,
                   const float *s)
{
    int half = rope->d_rot / 2, step = rope->interleaved ? 2 : 1, apart = rope->interleaved ? 1 : half;
    for (int h = 0; h < n_heads; h++, row += d_head)
        for (int i = 0; i < half; i++) {
            float *x = row + i * step, a = x[0], b = x[apart];
            x[0] = a * c[i] - b * s[i];
            x[apart] = b * c[i] + a * s[i];
        }
}
