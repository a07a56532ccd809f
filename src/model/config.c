/* config.c - see config.h. Settings are read by meaning (setting.h); what a family is silent about or names
 * otherwise is known there and in its file. */
#include "config.h"

#include "buf.h"
#include "gguf_rope.h"
#include "rope.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Names as in transformers' activations.py; those of one row differ from each other by rounding only. */
static const struct {
    const char *name;
    enum ll_act act;
} acts[] = {
    {"silu", LL_ACT_SILU},
    {"swish", LL_ACT_SILU},
    {"gelu_pytorch_tanh", LL_ACT_GELU_TANH},
    {"gelu_python_tanh", LL_ACT_GELU_TANH},
    {"gelu_new", LL_ACT_GELU_TANH},
    {"gelu_fast", LL_ACT_GELU_TANH},
    {"gelu_accurate", LL_ACT_GELU_TANH},
    {"gelu", LL_ACT_GELU_ERF},
    {"gelu_python", LL_ACT_GELU_ERF},
    {"quick_gelu", LL_ACT_QUICK_GELU},
    {"relu", LL_ACT_RELU},
    {"relu2", LL_ACT_RELU2},
    {NULL, 0},
};

const char *ll_act_name(enum ll_act act)
{
    static const char *const names[] = {[LL_ACT_SILU] = "silu",     [LL_ACT_GELU_TANH] = "gelu_pytorch_tanh",
                                        [LL_ACT_GELU_ERF] = "gelu", [LL_ACT_QUICK_GELU] = "quick_gelu",
                                        [LL_ACT_RELU] = "relu",     [LL_ACT_RELU2] = "relu2"};
    return names[act];
}

/* ---- the family ------------------------------------------------------------------------------ */

static int holds(const char *const *list, const char *text)
{
    for (; list && *list; list++)
        if (!strcmp(*list, text))
            return 1;
    return 0;
}

/* The settings of a wrapped model: an object whose model_type, where it says one, is the family's. */
static int find_root(struct ll_model *m, struct ll_err *err)
{
    const struct ll_settings *s = m->ckpt->settings;
    const char *wraps = m->family->wraps, *type = NULL;
    char inner[64];
    int rc;
    m->root = "";
    if (!wraps)
        return LL_OK;
    if ((rc = ll_settings_opt_object(s, wraps, err)))
        return rc;
    if (!ll_settings_has(s, wraps))
        return ll_fail(
            err, LL_EUSAGE,
            "config.json: %s: expected an object {...} with the settings of the text model, found nothing",
            wraps);
    snprintf(inner, sizeof inner, "%s.model_type", wraps);
    if ((rc = ll_settings_opt_str(s, inner, &type, err)))
        return rc;
    if (type && !holds(m->family->wrapped_types, type) && !holds(m->family->model_types, type))
        return ll_fail(err, LL_EUNSUP, "config.json: %s \"%s\" is not supported", inner, type);
    m->root = wraps;
    return LL_OK;
}

static int find_family(struct ll_model *m, struct ll_err *err)
{
    const struct ll_settings *s = m->ckpt->settings;
    char known[1024];
    const char *type = "";
    m->root = "";
    if (m->ckpt->gguf)
        return ll_gguf_find_family(m, err);
    int rc = ll_settings_opt_str(s, "model_type", &type, err);
    if (rc)
        return rc;
    m->family = ll_family_find(type);
    if (m->family)
        return find_root(m, err);
    ll_family_list(known, sizeof known);
    return ll_fail(err, LL_EUNSUP, "config.json: model_type \"%s\" (%s) is not supported; known: %s", type,
                   ll_settings_str(s, "architectures.0", "no architectures"), known);
}

/* ---- values ---------------------------------------------------------------------------------- */

static int read_act(struct ll_model *m, struct ll_err *err)
{
    const char *name = ll_setting_str(m, LL_S_ACT);
    for (int i = 0; acts[i].name; i++)
        if (!strcmp(acts[i].name, name)) {
            m->act = acts[i].act;
            if (m->family->gelu_means_tanh && !strcmp(name, "gelu"))
                m->act = LL_ACT_GELU_TANH;
            return LL_OK;
        }
    return ll_setting_refuse(m, LL_S_ACT, err, "activation \"%s\" is not supported", name);
}

static int read_heads(struct ll_model *m, struct ll_err *err)
{
    char a[LL_SETTING_PATH], b[LL_SETTING_PATH];
    const char *heads = ll_setting_key(m, LL_S_N_HEADS, a), *width = ll_setting_key(m, LL_S_D_MODEL, b);
    m->n_kv_heads = m->n_heads;
    if (m->family->n_kv_heads)
        m->n_kv_heads = m->family->n_kv_heads(m);
    else
        ll_setting_int(m, LL_S_N_KV_HEADS, &m->n_kv_heads);
    if (m->n_kv_heads < 1 || m->n_heads % m->n_kv_heads)
        return ll_setting_fail(m, LL_S_N_KV_HEADS, err, "expected a divisor of %s %d, found %d", heads,
                               m->n_heads, m->n_kv_heads);
    if (!ll_setting_int(m, LL_S_D_HEAD, &m->d_head)) {
        if (m->d_model % m->n_heads)
            return ll_setting_fail(m, LL_S_D_HEAD, err, "is absent, and %s %d is no multiple of %s %d", width,
                                   m->d_model, heads, m->n_heads);
        m->d_head = m->d_model / m->n_heads;
    }
    if (m->d_head > LL_MAX_D_HEAD) /* what attention is made for */
        return ll_setting_refuse(m, LL_S_D_HEAD, err, "heads of at most %d values are supported, found %d",
                                 LL_MAX_D_HEAD, m->d_head);
    if (m->d_head % 2 && ll_rows_paired(m))
        return ll_setting_refuse(
            m, LL_S_D_HEAD, err,
            "expected an even number of values, as rows of W_Q and W_K lie in pairs here, found %d",
            m->d_head);
    if ((long long)m->n_heads * m->d_head > LL_MAX_WIDTH)
        return ll_setting_fail(m, LL_S_D_HEAD, err, "%s %d times %d values: expected at most %d", heads,
                               m->n_heads, m->d_head, LL_MAX_WIDTH);
    return LL_OK;
}

static int read_experts(struct ll_model *m, struct ll_err *err)
{
    if (!m->family->experts)
        return LL_OK;
    ll_setting_int(m, LL_S_N_EXPERTS, &m->n_experts);
    ll_setting_int(m, LL_S_TOP_K, &m->top_k);
    if (m->top_k > m->n_experts)
        return ll_setting_fail(m, LL_S_TOP_K, err, "expected an integer in 1..%d, found %d", m->n_experts,
                               m->top_k);
    m->d_expert = m->d_mlp; /* where it is no setting of its own */
    if (!ll_setting_int(m, LL_S_D_EXPERT, &m->d_expert) && m->family->gguf.experts_share && m->ckpt->gguf)
        m->d_expert = m->d_mlp / (m->top_k ? m->top_k : 1);
    if (m->d_expert < 1)
        return ll_setting_fail(m, LL_S_D_EXPERT, err, "expected a positive number, found none");
    ll_setting_int(m, LL_S_D_SHARED, &m->d_shared);
    return LL_OK;
}

static int read_dims(struct ll_model *m, struct ll_err *err)
{
    int rc, n_ctx = 0;
    ll_setting_int(m, LL_S_VOCAB, &m->d_vocab);
    ll_setting_int(m, LL_S_D_MODEL, &m->d_model);
    ll_setting_int(m, LL_S_N_LAYERS, &m->n_layers);
    ll_setting_int(m, LL_S_N_HEADS, &m->n_heads);
    if (!ll_setting_int(m, LL_S_D_MLP, &m->d_mlp) && m->family->mlp_times) {
        if (m->d_model > LL_MAX_WIDTH / m->family->mlp_times)
            return ll_setting_fail(m, LL_S_D_MODEL, err, "expected at most %d, found %d",
                                   LL_MAX_WIDTH / m->family->mlp_times, m->d_model);
        m->d_mlp = m->d_model * m->family->mlp_times;
    }
    if ((rc = read_heads(m, err)) || (rc = read_experts(m, err)))
        return rc;
    m->d_mlp_max = m->d_mlp > m->d_expert ? m->d_mlp : m->d_expert;
    m->d_mlp_max = m->d_mlp_max > m->d_shared ? m->d_mlp_max : m->d_shared;
    ll_setting_int(m, LL_S_N_CTX, &n_ctx);
    m->n_ctx = n_ctx;
    if (m->family->positions && n_ctx > LL_MAX_VOCAB)
        return ll_setting_fail(m, LL_S_N_CTX, err, "expected an integer in 1..%d, found %d", LL_MAX_VOCAB,
                               n_ctx);
    m->n_positions = m->family->positions ? n_ctx : 0;
    return LL_OK;
}

static void read_scales(struct ll_model *m)
{
    double under_root = m->d_head, attn = m->family->scores_unscaled,
           emb = m->family->emb_scale_sqrt_d ? sqrt((double)m->d_model) : 1;
    double resid = 1, logit = 1, divisor = 1, attn_cap = 0, logit_cap = 0;
    if (m->ckpt->gguf) /* no key: llama.cpp goes by the number of layers */
        under_root = m->n_layers == m->family->gguf.wide_scale_layers ? m->d_model / m->n_heads : m->d_head;
    else
        ll_setting_num(m, LL_S_ATTN_UNDER_ROOT, &under_root);
    ll_setting_num(m, LL_S_ATTN_MULT, &attn);
    ll_setting_num(m, LL_S_EMB_SCALE, &emb);
    ll_setting_num(m, LL_S_RESID_SCALE, &resid);
    ll_setting_num(m, LL_S_LOGIT_SCALE, &logit);
    ll_setting_num(m, LL_S_LOGIT_DIV, &divisor);
    ll_setting_num(m, LL_S_ATTN_CAP, &attn_cap);
    ll_setting_num(m, LL_S_LOGIT_CAP, &logit_cap);
    ll_setting_num(m, LL_S_EPS, &m->norm_eps);
    m->attn_scale = (float)(attn > 0 ? attn : 1.0 / sqrt(under_root));
    m->emb_scale = (float)emb;
    m->resid_scale = (float)resid;
    m->logit_scale = (float)(logit / divisor);
    m->attn_cap = (float)attn_cap;
    m->logit_cap = (float)logit_cap;
    m->tied = ll_setting_on(m, LL_S_TIED);
}

static int read_rope(struct ll_model *m, struct ll_err *err)
{
    const struct ll_family *f = m->family;
    if (f->positions)
        return LL_OK;
    int rc, by_type = m->ckpt->gguf ? f->gguf.local != LL_LOCAL_SAME : f->rope_by_type;
    if (m->ckpt->gguf)
        rc = ll_gguf_rope_init(&m->ropes[LL_ROPE_MAIN], m, 0, err);
    else
        rc = ll_rope_init(&m->ropes[LL_ROPE_MAIN], m, by_type ? "full_attention" : NULL, err);
    if (!rc && by_type)
        rc = m->ckpt->gguf ? ll_gguf_rope_init(&m->ropes[LL_ROPE_LOCAL], m, 1, err)
                           : ll_rope_init(&m->ropes[LL_ROPE_LOCAL], m, LL_SLIDING, err);
    m->ropes[LL_ROPE_MAIN].interleaved = m->ropes[LL_ROPE_LOCAL].interleaved = f->interleaved;
    m->n_ropes = by_type ? 2 : m->ropes[LL_ROPE_MAIN].d_rot > 0;
    return rc;
}

/* The list has one entry a layer, as transformers asks of every family. In families that read it each entry
 * is of a kind that is computed here ("attention" is the first name of full_attention), and one with a window
 * has a width. */
static int check_layer_types(const struct ll_model *m, struct ll_err *err)
{
    static const char *const known[] = {"full_attention", LL_SLIDING, "attention", NULL};
    const struct ll_settings *s = m->ckpt->settings;
    char key[LL_SETTING_PATH];
    int window,
        n = ll_settings_is_array(s, ll_setting_key(m, LL_S_LAYER_TYPES, key)) ? ll_settings_len(s, key) : -1;
    if (n >= 0 && n != m->n_layers)
        return ll_setting_fail(m, LL_S_LAYER_TYPES, err, "expected one entry for each of %d layers, found %d",
                               m->n_layers, n);
    for (int i = 0; i < n && ll_setting_has(m, LL_S_LAYER_TYPES); i++) {
        const char *kind = ll_setting_item_str(m, LL_S_LAYER_TYPES, i);
        if (!holds(known, kind))
            return ll_fail(err, LL_EUNSUP,
                           "config.json: %s.%d: \"%s\" is not supported (known: full_attention, " LL_SLIDING
                           ")",
                           key, i, kind);
        if (!strcmp(kind, LL_SLIDING) && !ll_setting_int(m, LL_S_WINDOW, &window))
            return ll_setting_fail(m, LL_S_WINDOW, err,
                                   "expected a number, as layer_types.%d is %s, found null", i, kind);
    }
    return LL_OK;
}

/* With a window of width 0 a position would not even see itself. */
static int check_windows(const struct ll_model *m, struct ll_err *err)
{
    for (int l = 0; l < m->n_layers; l++)
        if (ll_layer_window(m, l) < 0)
            return ll_setting_fail(m, LL_S_WINDOW, err,
                                   "expected a positive number, as layer %d has a window, found 0", l);
    return LL_OK;
}

/* llama.cpp leaves a window out in some architectures; the file's makers trained with it. */
static int note_window(struct ll_model *m, struct ll_err *err)
{
    char place[LL_SETTING_PLACE];
    int window = 0;
    if (!m->ckpt->gguf || !m->family->gguf.window_left_out)
        return LL_OK;
    if (!ll_setting_int(m, LL_S_WINDOW, &window) || window >= m->n_ctx)
        return LL_OK;
    return ll_ckpt_note(m->ckpt, err, "%s: a window of %d positions is used; llama.cpp leaves it out",
                        ll_setting_place(m, LL_S_WINDOW, place), window);
}

int ll_model_read_settings(struct ll_model *m, struct ll_err *err)
{
    int rc;
    if ((rc = find_family(m, err)) || (rc = ll_settings_of_family(m, err)) || (rc = read_dims(m, err))
        || (rc = read_act(m, err)) || (rc = check_layer_types(m, err))
        || (rc = m->family->check ? m->family->check(m, err) : LL_OK) || (rc = check_windows(m, err))
        || (rc = note_window(m, err)))
        return rc;
    read_scales(m);
    return read_rope(m, err);
}

/* ---- facts of a layer ------------------------------------------------------------------------ */

int ll_rows_paired(const struct ll_model *m) { return m->ckpt->gguf && m->family->gguf.paired_rows; }

int ll_norms_complete(const struct ll_model *m) { return m->ckpt->gguf && m->family->gguf.norms_complete; }

/* In GGUF files a bias is there where its tensor is, as llama.cpp reads it; those of q, k and v even in
 * families that always have them. */
int ll_part_stored(const struct ll_model *m, const struct ll_part *part)
{
    const struct ll_family *f = m->family;
    int qkv = part == &f->qkv_bias && f->qkv == LL_QKV_APART;
    int bias = part == &f->qkv_bias || part == &f->o_bias || part == &f->mlp_bias;
    return part->when == LL_IF_STORED || (m->ckpt->gguf && (qkv || (bias && part->when != LL_ALWAYS)));
}

int ll_part_wanted(const struct ll_model *m, const struct ll_part *part)
{
    return part->when == LL_ALWAYS || (part->when == LL_IF_SET && ll_setting_on(m, part->what));
}

int ll_window_width(const struct ll_model *m)
{
    int window = 0, there = ll_setting_int(m, LL_S_WINDOW, &window);
    return there && !window && !m->ckpt->gguf ? -1 : window;
}

int ll_layer_window(const struct ll_model *m, int layer)
{
    if (ll_setting_len(m, LL_S_LAYER_TYPES) < 0)
        return m->family->window ? m->family->window(m, layer) : 0;
    return strcmp(ll_setting_item_str(m, LL_S_LAYER_TYPES, layer), LL_SLIDING) ? 0 : ll_window_width(m);
}

/* Is the layer listed as one with a window (even of width 0) or, without a list, has it one? */
static int is_sliding(const struct ll_model *m, int layer)
{
    if (ll_setting_len(m, LL_S_LAYER_TYPES) < 0)
        return ll_layer_window(m, layer) > 0;
    return !strcmp(ll_setting_item_str(m, LL_S_LAYER_TYPES, layer), LL_SLIDING);
}

const struct ll_rope *ll_layer_rope(const struct ll_model *m, int layer)
{
    if (!m->ropes[LL_ROPE_MAIN].d_rot || (m->family->no_rope && m->family->no_rope(m, layer)))
        return NULL;
    return &m->ropes[m->ropes[LL_ROPE_LOCAL].d_rot && is_sliding(m, layer) ? LL_ROPE_LOCAL : LL_ROPE_MAIN];
}

int ll_layer_has_experts(const struct ll_model *m, int layer)
{
    return m->family->experts && m->family->experts(m, layer);
}
