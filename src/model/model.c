/* model.c - see model.h */
#include "model.h"

#include "rope.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 4096, MAX_WIDTH = 1 << 20, MAX_VOCAB = 1 << 24 };

/* ---- settings ---------------------------------------------------------------------------------------------------- */

static const struct { const char *name; enum ll_act act; } acts[] = {
    {"silu", LL_ACT_SILU}, {"swish", LL_ACT_SILU}, {"gelu_pytorch_tanh", LL_ACT_GELU_TANH},
    {"gelu_new", LL_ACT_GELU_TANH}, {"gelu", LL_ACT_GELU_ERF}, {NULL, 0},
};

const char *ll_act_name(enum ll_act act)
{
    static const char *const names[] = {[LL_ACT_SILU] = "silu", [LL_ACT_GELU_TANH] = "gelu_pytorch_tanh", [LL_ACT_GELU_ERF] = "gelu"};
    return names[act];
}

static int read_act(struct ll_model *m, const struct ll_settings *s, struct ll_err *err)
{
    const char *name = ll_settings_str(s, m->family->act_key, NULL);
    m->act = m->family->act_default;
    if (!name)
        return LL_OK;
    for (int i = 0; acts[i].name; i++)
        if (!strcmp(acts[i].name, name))
            return m->act = acts[i].act, LL_OK;
    return ll_fail(err, LL_EUNSUP, "config.json: %s: activation \"%s\" is not supported", m->family->act_key, name);
}

static int read_int(const struct ll_settings *s, const char *key, long long hi, int *out, struct ll_err *err)
{
    long long v = 0;
    int rc = ll_settings_need_int(s, key, 1, hi, &v, err);
    *out = (int)v;
    return rc;
}

/* An optional positive integer: absent keeps *out. */
static int read_opt_int(const struct ll_settings *s, const char *key, long long hi, int *out, struct ll_err *err)
{
    return ll_settings_has(s, key) ? read_int(s, key, hi, out, err) : LL_OK;
}

static int read_cap(const struct ll_settings *s, const char *key, float *out, struct ll_err *err)
{
    double v = 0;
    if (!key || !ll_settings_has(s, key))
        return LL_OK;
    int rc = ll_settings_need_num(s, key, 1e-6, 1e9, &v, err);
    *out = (float)v;
    return rc;
}

static int read_dims(struct ll_model *m, const struct ll_settings *s, struct ll_err *err)
{
    int rc;
    if ((rc = read_int(s, "num_hidden_layers", MAX_LAYERS, &m->n_layers, err)) ||
        (rc = read_int(s, "hidden_size", MAX_WIDTH, &m->d_model, err)) ||
        (rc = read_int(s, "num_attention_heads", MAX_WIDTH, &m->n_heads, err)) ||
        (rc = read_int(s, "intermediate_size", MAX_WIDTH, &m->d_mlp, err)) ||
        (rc = read_int(s, "vocab_size", MAX_VOCAB, &m->d_vocab, err)))
        return rc;
    m->n_kv_heads = m->n_heads;
    if ((rc = read_opt_int(s, "num_key_value_heads", MAX_WIDTH, &m->n_kv_heads, err)))
        return rc;
    if (m->n_heads % m->n_kv_heads)
        return ll_fail(err, LL_EUSAGE, "config.json: num_key_value_heads: expected a divisor of num_attention_heads %d, found %d", m->n_heads, m->n_kv_heads);
    m->d_head = m->family->d_head_default;
    if ((rc = read_opt_int(s, "head_dim", MAX_WIDTH, &m->d_head, err)))
        return rc;
    if (!m->d_head) {
        if (m->d_model % m->n_heads)
            return ll_fail(err, LL_EUSAGE, "config.json: head_dim is absent and hidden_size %d is no multiple of num_attention_heads %d", m->d_model, m->n_heads);
        m->d_head = m->d_model / m->n_heads;
    }
    if ((long long)m->n_heads * m->d_head > MAX_WIDTH)
        return ll_fail(err, LL_EUSAGE, "config.json: num_attention_heads %d times head_dim %d: expected at most %d", m->n_heads, m->d_head, MAX_WIDTH);
    m->n_ctx = ll_settings_int(s, "max_position_embeddings", 0);
    return LL_OK;
}

static int read_eps(struct ll_model *m, const struct ll_settings *s, struct ll_err *err)
{
    static const char *const keys[] = {"rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", NULL};
    for (int i = 0; keys[i]; i++)
        if (ll_settings_has(s, keys[i])) {
            double v = 0;
            int rc = ll_settings_need_num(s, keys[i], 0, 1, &v, err);
            m->norm_eps = (float)v;
            return rc;
        }
    return ll_fail(err, LL_EUSAGE, "config.json: the norm's epsilon is missing (looked for rms_norm_eps, layer_norm_eps, layer_norm_epsilon)");
}

static int read_scales(struct ll_model *m, const struct ll_settings *s, struct ll_err *err)
{
    double under_root = m->d_head;
    int rc;
    if (m->family->attn_scale_key && ll_settings_has(s, m->family->attn_scale_key) &&
        (rc = ll_settings_need_num(s, m->family->attn_scale_key, 1e-6, 1e9, &under_root, err)))
        return rc;
    m->attn_scale = (float)(1.0 / sqrt(under_root));
    m->emb_scale = m->family->emb_scale_sqrt_d ? (float)sqrt((double)m->d_model) : 1.0f;
    if ((rc = read_cap(s, m->family->attn_cap_key, &m->attn_cap, err)) || (rc = read_cap(s, m->family->logit_cap_key, &m->logit_cap, err)))
        return rc;
    m->tied = ll_settings_bool(s, "tie_word_embeddings", m->family->tied_by_default);
    return LL_OK;
}

static int read_settings(struct ll_model *m, struct ll_err *err)
{
    const struct ll_settings *s = m->ckpt->settings;
    char known[512];
    m->family = ll_family_find(s);
    ll_family_list(known, sizeof known);
    if (!m->family)
        return ll_fail(err, LL_EUNSUP, "config.json: model_type \"%s\" (%s) is not supported; known: %s", ll_settings_str(s, "model_type", ""),
                       ll_settings_str(s, "architectures.0", "no architectures"), known);
    int rc;
    if ((rc = read_dims(m, s, err)) || (rc = read_eps(m, s, err)) || (rc = read_act(m, s, err)) || (rc = read_scales(m, s, err)))
        return rc;
    return ll_rope_init(&m->rope, s, m->d_head, err);
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */

static const struct ll_tensor *find_role(struct ll_model *m, enum ll_role role, int layer, struct ll_err *err)
{
    char name[160];
    const char *pattern = m->ckpt->gguf ? ll_gguf_names[role] : m->family->names[role];
    if (!pattern) {
        ll_fail(err, LL_EFAIL, "family %s has no name for role %d", m->family->name, (int)role);
        return NULL;
    }
    /* the table's patterns hold at most one %d */
    const char *d = strstr(pattern, "%d");
    if (d)
        snprintf(name, sizeof name, "%.*s%d%s", (int)(d - pattern), pattern, layer, d + 2);
    else
        snprintf(name, sizeof name, "%s", pattern);
    const struct ll_tensor *t = ll_ckpt_find(m->ckpt, name);
    if (!t)
        ll_fail(err, LL_EUSAGE, "%s: tensor %s is missing", m->ckpt->clean, name);
    else
        m->layer_of[t - m->ckpt->tensors] = d ? layer : role == LL_R_W_E ? -1 : m->n_layers;
    return t;
}

static int check_shape(const struct ll_model *m, const struct ll_tensor *t, int n, int k, struct ll_err *err)
{
    int good = k ? t->n_dims == 2 && t->dims[0] == n && t->dims[1] == k : t->n_dims == 1 && t->dims[0] == n;
    if (good)
        return LL_OK;
    struct ll_buf found = {0};
    for (int i = 0; i < t->n_dims; i++)
        ll_buf_addf(&found, "%s%lld", i ? ", " : "", (long long)t->dims[i]);
    int rc = k ? ll_fail(err, LL_EUSAGE, "%s: tensor %s: expected shape [%d, %d], found [%s]", m->ckpt->files[t->file].name, t->name, n, k, ll_buf_str(&found))
               : ll_fail(err, LL_EUSAGE, "%s: tensor %s: expected shape [%d], found [%s]", m->ckpt->files[t->file].name, t->name, n, ll_buf_str(&found));
    ll_buf_free(&found);
    return rc;
}

static int mat_of(const struct ll_model *m, const struct ll_tensor *t, int n, int k, struct ll_mat *out, struct ll_err *err)
{
    int rc = check_shape(m, t, n, k, err);
    if (rc)
        return rc;
    if (!ll_dtype_info(t->dtype)->is_float)
        return ll_fail(err, LL_EUNSUP, "%s: tensor %s: weights stored as %s are not supported (expected a floating or block type)", m->ckpt->files[t->file].name, t->name, ll_dtype_info(t->dtype)->name);
    *out = (struct ll_mat){.type = t->dtype, .data = t->data, .row_bytes = t->size / (size_t)n, .n = n, .k = k, .packed = t->packed};
    return LL_OK;
}

static int get_mat(struct ll_model *m, enum ll_role role, int layer, int n, int k, struct ll_mat *out, struct ll_err *err)
{
    const struct ll_tensor *t = find_role(m, role, layer, err);
    return t ? mat_of(m, t, n, k, out, err) : err ? err->code : LL_EUSAGE;
}

/* W_Q or W_K, b_Q or b_K of a GGUF model whose rows pair the halves of a head: the matrix says so, the bias is put in order. */
static int order_rows(struct ll_model *m, struct ll_mat *w, const float *bias, struct ll_err *err)
{
    int half = m->d_head / 2;
    float *b = (float *)(uintptr_t)bias, head[1024]; /* one of m->small: ours */
    if (!ll_settings_bool(m->ckpt->settings, "gguf.paired_rows", 0))
        return LL_OK;
    if (m->d_head > 1024)
        return ll_fail(err, LL_EUNSUP, "%s: head_dim: expected at most 1024, found %d", m->ckpt->clean, m->d_head);
    w->paired = m->d_head;
    for (int n = 0; b && n < w->n; n += m->d_head) {
        memcpy(head, b + n, sizeof *b * (size_t)m->d_head);
        for (int i = 0; i < m->d_head; i++)
            b[n + i] = head[i < half ? 2 * i : 2 * (i - half) + 1];
    }
    return LL_OK;
}

/* A small vector as floats, `offset` added to each. */
static int get_vec(struct ll_model *m, enum ll_role role, int layer, int n, float offset, const float **out, struct ll_err *err)
{
    const struct ll_tensor *t = find_role(m, role, layer, err);
    if (!t)
        return err ? err->code : LL_EUSAGE;
    int rc = check_shape(m, t, n, 0, err);
    if (rc)
        return rc;
    const struct ll_dtype_info *info = ll_dtype_info(t->dtype);
    if (!info->is_float || info->block != 1)
        return ll_fail(err, LL_EUNSUP, "%s: tensor %s: stored as %s, expected a floating type", m->ckpt->files[t->file].name, t->name, info->name);
    float **grown = realloc(m->small, sizeof *grown * (size_t)(m->n_small + 1));
    float *v = malloc(sizeof *v * (size_t)n);
    if (grown)
        m->small = grown;
    if (!grown || !v) {
        free(v);
        return ll_fail_mem(err, t->name, sizeof *v * (size_t)n);
    }
    m->small[m->n_small++] = v;
    info->to_f32(t->data, v, (size_t)n);
    for (int i = 0; i < n && offset != 0; i++)
        v[i] = offset + v[i];
    *out = v;
    return LL_OK;
}

static int get_norm(struct ll_model *m, enum ll_role role, int layer, int d, struct ll_norm *out, struct ll_err *err)
{
    out->d = d;
    out->eps = m->norm_eps;
    int plus_one = m->family->norm == LL_NORM_RMS_PLUS_ONE && !ll_settings_bool(m->ckpt->settings, "gguf.norms_complete", 0);
    return get_vec(m, role, layer, d, plus_one ? 1.0f : 0.0f, &out->w, err);
}

static int wanted(const struct ll_model *m, enum ll_when when, const char *key)
{
    return when == LL_ALWAYS || (when == LL_IF_KEY && ll_settings_bool(m->ckpt->settings, key, 0));
}

static int layer_window(const struct ll_model *m, int layer)
{
    const struct ll_settings *s = m->ckpt->settings;
    char key[48];
    snprintf(key, sizeof key, "layer_types.%d", layer);
    if (m->family->layer_types && ll_settings_has(s, key))
        return strcmp(ll_settings_str(s, key, ""), "sliding_attention") ? 0 : (int)ll_settings_int(s, "sliding_window", 0);
    return m->family->window(s, layer);
}

static int read_attention(struct ll_model *m, struct ll_layer *L, int l, struct ll_err *err)
{
    int d = m->d_model, dq = m->n_heads * m->d_head, dkv = m->n_kv_heads * m->d_head, rc;
    if ((rc = get_norm(m, LL_R_LN1, l, d, &L->ln1, err)) || (rc = get_mat(m, LL_R_W_Q, l, dq, d, &L->W_Q, err)) ||
        (rc = get_mat(m, LL_R_W_K, l, dkv, d, &L->W_K, err)) || (rc = get_mat(m, LL_R_W_V, l, dkv, d, &L->W_V, err)) ||
        (rc = get_mat(m, LL_R_W_O, l, d, dq, &L->W_O, err)))
        return rc;
    if (wanted(m, m->family->qkv_bias, "attention_bias") &&
        ((rc = get_vec(m, LL_R_B_Q, l, dq, 0, &L->b_Q, err)) || (rc = get_vec(m, LL_R_B_K, l, dkv, 0, &L->b_K, err)) || (rc = get_vec(m, LL_R_B_V, l, dkv, 0, &L->b_V, err))))
        return rc;
    if ((rc = order_rows(m, &L->W_Q, L->b_Q, err)) || (rc = order_rows(m, &L->W_K, L->b_K, err)))
        return rc;
    if (wanted(m, m->family->o_bias, "attention_bias") && (rc = get_vec(m, LL_R_B_O, l, d, 0, &L->b_O, err)))
        return rc;
    if (m->family->qk_norm && ((rc = get_norm(m, LL_R_Q_NORM, l, m->d_head, &L->q_norm, err)) || (rc = get_norm(m, LL_R_K_NORM, l, m->d_head, &L->k_norm, err))))
        return rc;
    L->window = layer_window(m, l);
    return L->window < 0 ? ll_fail(err, LL_EUSAGE, "config.json: sliding_window: expected a positive number, found %d", L->window) : LL_OK;
}

static int read_mlp(struct ll_model *m, struct ll_layer *L, int l, struct ll_err *err)
{
    int d = m->d_model, rc;
    if ((rc = get_norm(m, LL_R_LN2, l, d, &L->ln2, err)) || (rc = get_mat(m, LL_R_W_GATE, l, m->d_mlp, d, &L->W_gate, err)) ||
        (rc = get_mat(m, LL_R_W_IN, l, m->d_mlp, d, &L->W_in, err)) || (rc = get_mat(m, LL_R_W_OUT, l, d, m->d_mlp, &L->W_out, err)))
        return rc;
    if (wanted(m, m->family->mlp_bias, "mlp_bias") &&
        ((rc = get_vec(m, LL_R_B_GATE, l, m->d_mlp, 0, &L->b_gate, err)) || (rc = get_vec(m, LL_R_B_IN, l, m->d_mlp, 0, &L->b_in, err)) || (rc = get_vec(m, LL_R_B_OUT, l, d, 0, &L->b_out, err))))
        return rc;
    if (m->family->post_norms && ((rc = get_norm(m, LL_R_LN1_POST, l, d, &L->ln1_post, err)) || (rc = get_norm(m, LL_R_LN2_POST, l, d, &L->ln2_post, err))))
        return rc;
    return LL_OK;
}

static int read_weights(struct ll_model *m, struct ll_err *err)
{
    int rc;
    if (!(m->W_E = find_role(m, LL_R_W_E, 0, err)))
        return err ? err->code : LL_EUSAGE;
    struct ll_mat emb;
    if ((rc = mat_of(m, m->W_E, m->d_vocab, m->d_model, &emb, err)))
        return rc;
    m->W_U = emb;
    if (!m->tied && (rc = get_mat(m, LL_R_W_U, 0, m->d_vocab, m->d_model, &m->W_U, err)))
        return rc;
    if (emb.packed || m->W_U.packed) /* both are read a row at a time in places */
        return ll_fail(err, LL_EUNSUP, "%s: quantization_config: scaled or four-bit embeddings and heads are not supported", m->ckpt->clean);
    if ((rc = get_norm(m, LL_R_LN_FINAL, 0, m->d_model, &m->ln_final, err)))
        return rc;
    for (int l = 0; l < m->n_layers; l++)
        if ((rc = read_attention(m, &m->layers[l], l, err)) || (rc = read_mlp(m, &m->layers[l], l, err)))
            return rc;
    return LL_OK;
}

static void count_params(struct ll_model *m)
{
    for (int i = 0; i < m->ckpt->n_tensors; i++) {
        const struct ll_tensor *t = &m->ckpt->tensors[i];
        long long n = 1;
        for (int k = 0; k < t->n_dims; k++)
            n *= t->dims[k];
        m->n_params += m->layer_of[i] != LL_UNUSED ? n : 0;
    }
}

int ll_model_open(struct ll_model **model, const char *path, struct ll_err *err)
{
    struct ll_model *m = calloc(1, sizeof *m);
    *model = NULL;
    if (!m)
        return ll_fail_mem(err, "model", sizeof *m);
    int rc = ll_ckpt_open(&m->ckpt, path, err);
    if (!rc)
        rc = read_settings(m, err);
    if (!rc) {
        m->layers = calloc((size_t)m->n_layers, sizeof *m->layers);
        m->layer_of = malloc(sizeof *m->layer_of * ((size_t)m->ckpt->n_tensors + 1));
        for (int i = 0; m->layer_of && i < m->ckpt->n_tensors; i++)
            m->layer_of[i] = LL_UNUSED;
        rc = m->layers && m->layer_of ? read_weights(m, err) : ll_fail_mem(err, "layers", sizeof *m->layers * (size_t)m->n_layers);
    }
    if (rc) {
        ll_model_close(m);
        return rc;
    }
    count_params(m);
    *model = m;
    return LL_OK;
}

void ll_model_close(struct ll_model *m)
{
    if (!m)
        return;
    for (int i = 0; i < m->n_small; i++)
        free(m->small[i]);
    free(m->small);
    free(m->layer_of);
    free(m->layers);
    ll_rope_free(&m->rope);
    ll_ckpt_close(m->ckpt);
    free(m);
}

/* ---- whole layers ------------------------------------------------------------------------------------------------ */

/* Is tensor i read by this layer (see ll_model_nonfinite)? A tied head reads the embedding's matrix again. */
static int in_layer(const struct ll_model *m, int i, int layer)
{
    return m->layer_of[i] == layer || (m->tied && layer == m->n_layers && m->layer_of[i] == -1);
}

void ll_model_will_need(const struct ll_model *m, int layer)
{
    for (int i = 0; i < m->ckpt->n_tensors; i++)
        if (in_layer(m, i, layer))
            ll_ckpt_will_need(m->ckpt, &m->ckpt->tensors[i]);
}

void ll_model_dont_need(const struct ll_model *m, int layer)
{
    for (int i = 0; i < m->ckpt->n_tensors; i++)
        if (in_layer(m, i, layer))
            ll_ckpt_dont_need(m->ckpt, &m->ckpt->tensors[i]);
}

const char *ll_model_nonfinite(const struct ll_model *m, int layer, int64_t *index)
{
    for (int i = 0; i < m->ckpt->n_tensors; i++) {
        const struct ll_tensor *t = &m->ckpt->tensors[i];
        if (in_layer(m, i, layer) && (*index = ll_tensor_nonfinite(t)) >= 0)
            return t->name;
    }
    return NULL;
}

const char *ll_norm_kind_name(const struct ll_model *m)
{
    static const char *const names[] = {[LL_NORM_RMS] = "RMSNorm", [LL_NORM_RMS_PLUS_ONE] = "RMSNorm(1+w)"};
    return names[m->family->norm];
}

long long ll_model_weight_bytes(const struct ll_model *m)
{
    long long n = 0;
    for (int i = 0; i < m->ckpt->n_tensors; i++)
        n += m->layer_of[i] != LL_UNUSED ? (long long)m->ckpt->tensors[i].size : 0;
    return n;
}
