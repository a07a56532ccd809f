/* config.c - see config.h */
#include "config.h"

#include "buf.h"
#include "rope.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 4096, MAX_WIDTH = 1 << 20, MAX_VOCAB = 1 << 24, MAX_EXPERTS = 4096 };

static const struct ll_dim_keys usual_keys = {
    "num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads", "intermediate_size", "max_position_embeddings"};

static const struct { const char *name; enum ll_act act; } acts[] = {
    {"silu", LL_ACT_SILU}, {"swish", LL_ACT_SILU}, {"gelu_pytorch_tanh", LL_ACT_GELU_TANH},
    {"gelu_new", LL_ACT_GELU_TANH}, {"gelu_fast", LL_ACT_GELU_TANH}, {"gelu", LL_ACT_GELU_ERF}, {NULL, 0},
};

const char *ll_act_name(enum ll_act act)
{
    static const char *const names[] = {[LL_ACT_SILU] = "silu", [LL_ACT_GELU_TANH] = "gelu_pytorch_tanh", [LL_ACT_GELU_ERF] = "gelu"};
    return names[act];
}

/* ---- the document ------------------------------------------------------------------------------------------------ */

/* The members of the object at path as text, without the braces; empty when there are none. */
static void add_members(struct ll_buf *out, const struct ll_settings *s, const char *path)
{
    char *json = ll_settings_json(s, path);
    size_t n = json ? strlen(json) : 0;
    if (n > 2 && json[0] == '{')
        ll_buf_add(out, json + 1, n - 2);
    free(json);
}

/* Settings with the family's defaults in front: of equal keys the last one counts. */
static int fill_in(struct ll_model *m, struct ll_err *err)
{
    const struct ll_settings *all = m->ckpt->settings;
    const struct ll_family *f = m->family;
    const char *root = f->wraps && ll_settings_len(all, f->wraps) >= 0 ? f->wraps : "";
    struct ll_buf text = {0}, own = {0};
    if (*root && ll_settings_has(all, "tie_word_embeddings")) /* wrappers say this outside */
        ll_buf_addf(&own, "\"tie_word_embeddings\":%s", ll_settings_bool(all, "tie_word_embeddings", 0) ? "true" : "false");
    if (own.len)
        ll_buf_addc(&own, ',');
    size_t before = own.len;
    add_members(&own, all, root);
    if (own.len == before && before)
        own.s[--own.len] = 0;
    ll_buf_addf(&text, "{%s%s", f->defaults ? f->defaults : "", f->defaults && own.len ? "," : "");
    ll_buf_add(&text, ll_buf_str(&own), own.len);
    ll_buf_addc(&text, '}');
    int rc = ll_buf_ok(&own, err);
    if (!rc)
        rc = ll_buf_ok(&text, err);
    if (!rc)
        rc = ll_settings_parse(&m->settings, "config.json", ll_buf_str(&text), text.len, err);
    ll_buf_free(&own);
    ll_buf_free(&text);
    return rc;
}

static int find_family(struct ll_model *m, struct ll_err *err)
{
    const struct ll_settings *s = m->ckpt->settings;
    char known[1024], inner[64];
    m->family = ll_family_find(s);
    ll_family_list(known, sizeof known);
    if (!m->family)
        return ll_fail(err, LL_EUNSUP, "config.json: model_type \"%s\" (%s) is not supported; known: %s", ll_settings_str(s, "model_type", ""),
                       ll_settings_str(s, "architectures.0", "no architectures"), known);
    snprintf(inner, sizeof inner, "%s.model_type", m->family->wraps ? m->family->wraps : "");
    const char *type = m->family->wraps ? ll_settings_str(s, inner, NULL) : NULL;
    int same = !type;
    for (const char *const *t = m->family->model_types; *t && type; t++)
        same |= !strcmp(*t, type);
    return same ? LL_OK : ll_fail(err, LL_EUNSUP, "config.json: %s \"%s\" is not supported", inner, type);
}

static int check_refused(const struct ll_model *m, struct ll_err *err)
{
    const struct ll_settings *s = m->settings;
    for (const char *const *key = m->family->refused; key && *key; key++) {
        int off = **key == '!';
        if (ll_settings_bool(s, *key + off, off) != off)
            return ll_fail(err, LL_EUNSUP, "config.json: %s: %s is not supported in family %s", *key + off, off ? "false" : "true", m->family->name);
    }
    return LL_OK;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static int read_int(const struct ll_settings *s, const char *key, long long hi, int *out, struct ll_err *err)
{
    long long v = 0;
    int rc = ll_settings_need_int(s, key, 1, hi, &v, err);
    *out = (int)v;
    return rc;
}

/* The same for a key that may be absent (null): keeps *out. */
static int read_opt_int(const struct ll_settings *s, const char *key, long long hi, int *out, struct ll_err *err)
{
    return key && ll_settings_has(s, key) ? read_int(s, key, hi, out, err) : LL_OK;
}

/* A positive number that may be absent, or whose family has none (key NULL): keeps *out. */
static int read_positive(const struct ll_settings *s, const char *key, double *out, struct ll_err *err)
{
    return key && ll_settings_has(s, key) ? ll_settings_need_num(s, key, 1e-9, 1e9, out, err) : LL_OK;
}

static int read_act(struct ll_model *m, struct ll_err *err)
{
    const char *key = m->family->act_key, *name = key ? ll_settings_str(m->settings, key, NULL) : NULL;
    m->act = m->family->act_default;
    if (!name)
        return LL_OK;
    for (int i = 0; acts[i].name; i++)
        if (!strcmp(acts[i].name, name))
            return m->act = acts[i].act, LL_OK;
    return ll_fail(err, LL_EUNSUP, "config.json: %s: activation \"%s\" is not supported", key, name);
}

static int read_heads(struct ll_model *m, const struct ll_dim_keys *keys, struct ll_err *err)
{
    const struct ll_settings *s = m->settings;
    int rc;
    m->n_kv_heads = m->n_heads;
    if (m->family->n_kv_heads)
        m->n_kv_heads = m->family->n_kv_heads(s, m->n_heads);
    else if ((rc = read_opt_int(s, keys->n_kv_heads, MAX_WIDTH, &m->n_kv_heads, err)))
        return rc;
    if (m->n_kv_heads < 1 || m->n_heads % m->n_kv_heads)
        return ll_fail(err, LL_EUSAGE, "config.json: %s: expected a divisor of %s %d, found %d", keys->n_kv_heads ? keys->n_kv_heads : "key/value heads", keys->n_heads, m->n_heads, m->n_kv_heads);
    m->d_head = m->family->d_head_default;
    if ((rc = read_opt_int(s, "head_dim", MAX_WIDTH, &m->d_head, err)))
        return rc;
    if (!m->d_head) {
        if (m->d_model % m->n_heads)
            return ll_fail(err, LL_EUSAGE, "config.json: head_dim is absent and %s %d is no multiple of %s %d", keys->d_model, m->d_model, keys->n_heads, m->n_heads);
        m->d_head = m->d_model / m->n_heads;
    }
    if ((long long)m->n_heads * m->d_head > MAX_WIDTH)
        return ll_fail(err, LL_EUSAGE, "config.json: %s %d times head_dim %d: expected at most %d", keys->n_heads, m->n_heads, m->d_head, MAX_WIDTH);
    return LL_OK;
}

static int read_mixture(struct ll_model *m, struct ll_err *err)
{
    const struct ll_settings *s = m->settings;
    const struct ll_family *f = m->family;
    const char *count = ll_settings_has(s, "num_local_experts") ? "num_local_experts" : "num_experts"; /* both are in use */
    int rc;
    if (!f->experts)
        return LL_OK;
    if ((rc = read_int(s, count, MAX_EXPERTS, &m->n_experts, err)) || (rc = read_int(s, "num_experts_per_tok", m->n_experts, &m->top_k, err)) ||
        (rc = read_int(s, f->d_expert_key, MAX_WIDTH, &m->d_expert, err)))
        return rc;
    return f->d_shared_key ? read_int(s, f->d_shared_key, MAX_WIDTH, &m->d_shared, err) : LL_OK;
}

static int read_dims(struct ll_model *m, struct ll_err *err)
{
    const struct ll_settings *s = m->settings;
    const struct ll_dim_keys *keys = m->family->keys && !m->ckpt->gguf ? m->family->keys : &usual_keys; /* GGUF's are made to be the usual */
    int rc;
    if ((rc = read_int(s, keys->n_layers, MAX_LAYERS, &m->n_layers, err)) || (rc = read_int(s, keys->d_model, MAX_WIDTH, &m->d_model, err)) ||
        (rc = read_int(s, keys->n_heads, MAX_WIDTH, &m->n_heads, err)) || (rc = read_int(s, "vocab_size", MAX_VOCAB, &m->d_vocab, err)) ||
        (rc = read_heads(m, keys, err)) || (rc = read_mixture(m, err)))
        return rc;
    int times = m->family->mlp_times;
    if (times && !ll_settings_has(s, keys->d_mlp) && m->d_model <= MAX_WIDTH / times)
        m->d_mlp = m->d_model * times;
    else if ((rc = read_int(s, keys->d_mlp, MAX_WIDTH, &m->d_mlp, err)))
        return rc;
    m->d_mlp_max = m->d_mlp > m->d_expert ? m->d_mlp : m->d_expert;
    m->d_mlp_max = m->d_mlp_max > m->d_shared ? m->d_mlp_max : m->d_shared;
    m->n_ctx = ll_settings_int(s, keys->n_ctx, 0);
    return m->family->positions ? read_int(s, keys->n_ctx, MAX_VOCAB, &m->n_positions, err) : LL_OK;
}

static int read_eps(struct ll_model *m, struct ll_err *err)
{
    static const char *const keys[] = {"rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", NULL};
    for (int i = 0; keys[i]; i++)
        if (ll_settings_has(m->settings, keys[i]))
            return ll_settings_need_num(m->settings, keys[i], 0, 1, &m->norm_eps, err);
    return ll_fail(err, LL_EUSAGE, "config.json: the norm's epsilon is missing (looked for rms_norm_eps, layer_norm_eps, layer_norm_epsilon)");
}

static int read_scales(struct ll_model *m, struct ll_err *err)
{
    const struct ll_settings *s = m->settings;
    const struct ll_family *f = m->family;
    double under_root = m->d_head, attn = 0, emb = f->emb_scale_sqrt_d ? sqrt((double)m->d_model) : 1, resid = 1, logit = 1, divisor = 1, attn_cap = 0, logit_cap = 0;
    int rc;
    if ((rc = read_positive(s, f->attn_scale_key, &under_root, err)) || (rc = read_positive(s, f->attn_mult_key, &attn, err)) ||
        (rc = read_positive(s, f->emb_scale_key, &emb, err)) || (rc = read_positive(s, f->resid_scale_key, &resid, err)) ||
        (rc = read_positive(s, f->logit_scale_key, &logit, err)) || (rc = read_positive(s, f->logit_div_key, &divisor, err)) ||
        (rc = read_positive(s, f->attn_cap_key, &attn_cap, err)) || (rc = read_positive(s, f->logit_cap_key, &logit_cap, err)))
        return rc;
    m->attn_scale = (float)(attn > 0 ? attn : 1.0 / sqrt(under_root));
    m->emb_scale = (float)emb;
    m->resid_scale = (float)resid;
    m->logit_scale = (float)(logit / divisor);
    m->attn_cap = (float)attn_cap;
    m->logit_cap = (float)logit_cap;
    m->tied = ll_settings_bool(s, "tie_word_embeddings", f->tied_by_default);
    return LL_OK;
}

static int read_rope(struct ll_model *m, struct ll_err *err)
{
    const struct ll_family *f = m->family;
    if (f->positions)
        return LL_OK;
    int rc = ll_rope_init(&m->rope, m->settings, m->d_head, f->rope_by_type ? "full_attention" : NULL, err);
    if (!rc && f->rope_by_type)
        rc = ll_rope_init(&m->rope_local, m->settings, m->d_head, "sliding_attention", err);
    m->rope.interleaved = m->rope_local.interleaved = f->interleaved;
    return rc;
}

int ll_model_read_settings(struct ll_model *m, struct ll_err *err)
{
    int rc;
    if ((rc = find_family(m, err)) || (rc = fill_in(m, err)) || (rc = check_refused(m, err)) || (rc = read_dims(m, err)) || (rc = read_eps(m, err)) ||
        (rc = read_act(m, err)) || (rc = read_scales(m, err)))
        return rc;
    return read_rope(m, err);
}

/* ---- facts of a layer -------------------------------------------------------------------------------------------- */

int ll_part_wanted(const struct ll_model *m, const struct ll_part *part)
{
    return part->when == LL_ALWAYS || (part->when == LL_IF_KEY && ll_settings_bool(m->settings, part->key, 0));
}

int ll_layer_window(const struct ll_model *m, int layer)
{
    const struct ll_settings *s = m->settings;
    char key[48];
    snprintf(key, sizeof key, "layer_types.%d", layer);
    if (m->family->layer_types && ll_settings_has(s, key))
        return strcmp(ll_settings_str(s, key, ""), "sliding_attention") ? 0 : (int)ll_settings_int(s, "sliding_window", 0);
    return m->family->window ? m->family->window(s, layer) : 0;
}

const struct ll_rope *ll_layer_rope(const struct ll_model *m, int layer)
{
    if (!m->rope.d_rot || (m->family->no_rope && m->family->no_rope(m->settings, layer)))
        return NULL;
    return m->rope_local.d_rot && ll_layer_window(m, layer) ? &m->rope_local : &m->rope;
}

int ll_layer_is_mixture(const struct ll_model *m, int layer) { return m->family->experts && m->family->experts(m->settings, layer); }
