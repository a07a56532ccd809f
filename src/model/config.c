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
    char *tie = *root ? ll_settings_json(all, "tie_word_embeddings") : NULL; /* wrappers say this outside */
    if (tie)
        ll_buf_addf(&own, "\"tie_word_embeddings\":%s", tie);
    free(tie);
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
    const char *type = NULL;
    int rc = ll_settings_opt_str(s, "model_type", &type, err);
    if (rc)
        return rc;
    m->family = ll_family_find(s);
    ll_family_list(known, sizeof known);
    if (!m->family)
        return ll_fail(err, LL_EUNSUP, "config.json: model_type \"%s\" (%s) is not supported; known: %s", ll_settings_str(s, "model_type", ""),
                       ll_settings_str(s, "architectures.0", "no architectures"), known);
    snprintf(inner, sizeof inner, "%s.model_type", m->family->wraps ? m->family->wraps : "");
    type = NULL;
    if (m->family->wraps && ((rc = ll_settings_opt_object(s, m->family->wraps, err)) || (rc = ll_settings_opt_str(s, inner, &type, err))))
        return rc;
    int same = !type;
    for (const char *const *t = m->family->model_types; *t && type; t++)
        same |= !strcmp(*t, type);
    return same ? LL_OK : ll_fail(err, LL_EUNSUP, "config.json: %s \"%s\" is not supported", inner, type);
}

/* What is read without a look at its type later on: by the family's functions, by layer, by rope.c. All families share the
 * names, so one table serves; a key that a family does not use is still no key to write nonsense at. */
#define INT_MAX_NUM 2147483647.0
static const struct ll_settings_row typed[] = {
    {"rope_theta", LL_SET_NUM, 1, 1e12, 0}, {"rotary_emb_base", LL_SET_NUM, 1, 1e12, 0}, {"rope_local_base_freq", LL_SET_NUM, 1, 1e12, 0},
    {"partial_rotary_factor", LL_SET_NUM, 0, 1, 0}, {"rotary_pct", LL_SET_NUM, 0, 1, 0},
    {"rope_scaling", LL_SET_OBJECT, 0, 0, 0}, {"rope_parameters", LL_SET_OBJECT, 0, 0, 0},
    {"tie_word_embeddings", LL_SET_BOOL, 0, 0, 0}, {"attention_bias", LL_SET_BOOL, 0, 0, 0}, {"mlp_bias", LL_SET_BOOL, 0, 0, 0},
    {"hidden_act", LL_SET_STR, 0, 0, 0}, {"hidden_activation", LL_SET_STR, 0, 0, 0},
    {"max_position_embeddings", LL_SET_INT, 1, INT_MAX_NUM, 0},
    {"sliding_window", LL_SET_INT, 0, INT_MAX_NUM, 0}, {"use_sliding_window", LL_SET_BOOL, 0, 0, 0}, {"max_window_layers", LL_SET_INT, 0, INT_MAX_NUM, 0},
    {"sliding_window_pattern", LL_SET_INT, 0, INT_MAX_NUM, 0}, {"_sliding_window_pattern", LL_SET_INT, 0, INT_MAX_NUM, 0},
    {"window_size", LL_SET_INT, 0, INT_MAX_NUM, 0}, {"attention_types", LL_SET_LIST, 0, 0, 0}, {"attention_layers", LL_SET_LIST, 0, 0, 0},
    {"layer_types", LL_SET_LIST, 0, 0, 0}, {"no_rope_layers", LL_SET_LIST, 0, 0, 0}, {"no_rope_layer_interval", LL_SET_INT, 0, INT_MAX_NUM, 0},
    {"mlp_only_layers", LL_SET_LIST, 0, 0, 0}, {"decoder_sparse_step", LL_SET_INT, 0, INT_MAX_NUM, 0},
    {"new_decoder_architecture", LL_SET_BOOL, 0, 0, 0}, {"multi_query", LL_SET_BOOL, 0, 0, 0}, {"num_kv_heads", LL_SET_INT, 1, MAX_WIDTH, 0},
    {NULL, LL_SET_INT, 0, 0, 0},
};

/* The entries of a list of integers or of texts. */
static int check_entries(const struct ll_settings *s, const char *list, enum ll_settings_kind kind, struct ll_err *err)
{
    int rc = LL_OK, n = ll_settings_len(s, list);
    for (int i = 0; i < n && !rc; i++) {
        char key[64];
        const char *text;
        long long v;
        snprintf(key, sizeof key, "%s.%d", list, i);
        rc = kind == LL_SET_STR ? ll_settings_need_str(s, key, &text, err) : ll_settings_need_int(s, key, 0, 0x7fffffff, &v, err);
    }
    return rc;
}

/* Switches of a row, as one list. */
static int check_parts(const struct ll_model *m, struct ll_err *err)
{
    const struct ll_family *f = m->family;
    const struct ll_part parts[] = {f->qk_norm_if, f->parallel, f->parallel_ln2, f->qkv_bias, f->o_bias, f->mlp_bias, f->head_bias, f->renormalised};
    int rc = LL_OK, on;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !rc; i++)
        rc = ll_settings_opt_bool(m->settings, parts[i].when == LL_IF_KEY ? parts[i].key : NULL, &on, err);
    return rc;
}

/* What layer_types may say where it is honoured: another kind of attention is mathematics not here. */
static int check_layer_types(const struct ll_model *m, struct ll_err *err)
{
    int n = m->family->layer_types ? ll_settings_len(m->settings, "layer_types") : 0;
    for (int i = 0; i < n; i++) {
        char key[48];
        snprintf(key, sizeof key, "layer_types.%d", i);
        const char *kind = ll_settings_str(m->settings, key, "");
        if (strcmp(kind, "full_attention") && strcmp(kind, "sliding_attention"))
            return ll_fail(err, LL_EUNSUP, "config.json: %s: \"%s\" is not supported (known: full_attention, sliding_attention)", key, kind);
    }
    return LL_OK;
}

/* attention_types: [[["global", "local"], 6], ...] */
static int check_attention_types(const struct ll_settings *s, struct ll_err *err)
{
    int rc = LL_OK, n = ll_settings_len(s, "attention_types");
    for (int i = 0; i < n && !rc; i++) {
        char key[64];
        long long times;
        snprintf(key, sizeof key, "attention_types.%d.1", i);
        rc = ll_settings_need_int(s, key, 1, MAX_LAYERS, &times, err);
        snprintf(key, sizeof key, "attention_types.%d.0", i);
        if (!rc && (!ll_settings_is_array(s, key) || ll_settings_len(s, key) < 1))
            rc = ll_fail(err, LL_EUSAGE, "config.json: %s: expected a list of \"global\" and \"local\"", key);
        rc = rc ? rc : check_entries(s, key, LL_SET_STR, err);
    }
    return rc;
}

static int check_types(const struct ll_model *m, struct ll_err *err)
{
    static const struct { const char *list; enum ll_settings_kind kind; } lists[] = {
        {"layer_types", LL_SET_STR}, {"attention_layers", LL_SET_STR}, {"no_rope_layers", LL_SET_INT}, {"mlp_only_layers", LL_SET_INT}};
    int rc = ll_settings_check(m->settings, "", typed, LL_OTHERS_PASS, err);
    if (!rc)
        rc = check_parts(m, err);
    for (size_t i = 0; i < sizeof lists / sizeof *lists && !rc; i++)
        rc = check_entries(m->settings, lists[i].list, lists[i].kind, err);
    if (!rc)
        rc = check_attention_types(m->settings, err);
    return rc ? rc : check_layer_types(m, err);
}

static int check_refused(const struct ll_model *m, struct ll_err *err)
{
    const struct ll_settings *s = m->settings;
    for (const char *const *key = m->family->refused; key && *key; key++) {
        int off = **key == '!', on = off, rc = ll_settings_opt_bool(s, *key + off, &on, err);
        if (rc)
            return rc;
        if (on != off)
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
    const char *key = m->family->act_key, *name = NULL;
    int rc = ll_settings_opt_str(m->settings, key, &name, err);
    m->act = m->family->act_default;
    if (rc || !name)
        return rc;
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
    long long n_ctx = 0;
    if ((rc = ll_settings_opt_int(s, keys->n_ctx, 1, 0x7fffffff, &n_ctx, err)))
        return rc;
    m->n_ctx = n_ctx;
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
    m->tied = f->tied_by_default;
    return ll_settings_opt_bool(s, "tie_word_embeddings", &m->tied, err);
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
    if ((rc = find_family(m, err)) || (rc = fill_in(m, err)) || (rc = check_types(m, err)) || (rc = check_refused(m, err)) || (rc = read_dims(m, err)) || (rc = read_eps(m, err)) ||
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
