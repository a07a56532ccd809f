/* setting.c - see setting.h */
#include "setting.h"

#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG 2147483647.0

/* One row a meaning: the name most families give it (and the one under which GGUF metadata arrive), kind and
 * range. */
static const struct {
    const char *usual;
    enum ll_settings_kind kind;
    double lo, hi;
    enum ll_settings_kind entries;
} meanings[LL_N_SETTINGS] = {
    [LL_S_VOCAB] = {"vocab_size", LL_SET_INT, 1, LL_MAX_VOCAB, 0},
    [LL_S_D_MODEL] = {"hidden_size", LL_SET_INT, 1, LL_MAX_WIDTH, 0},
    [LL_S_D_MLP] = {"intermediate_size", LL_SET_INT, 1, LL_MAX_WIDTH, 0},
    [LL_S_N_LAYERS] = {"num_hidden_layers", LL_SET_INT, 1, LL_MAX_LAYERS, 0},
    [LL_S_N_HEADS] = {"num_attention_heads", LL_SET_INT, 1, LL_MAX_WIDTH, 0},
    [LL_S_N_KV_HEADS] = {"num_key_value_heads", LL_SET_INT, 1, LL_MAX_WIDTH, 0},
    [LL_S_D_HEAD] = {"head_dim", LL_SET_INT, 1, LL_MAX_WIDTH, 0},
    [LL_S_N_CTX] = {"max_position_embeddings", LL_SET_INT, 1, BIG, 0},
    [LL_S_EPS] = {"norm_eps", LL_SET_NUM, 0, 1, 0},
    [LL_S_ACT] = {"hidden_act", LL_SET_STR, 0, 0, 0},
    [LL_S_TIED] = {"tie_word_embeddings", LL_SET_BOOL, 0, 0, 0},
    [LL_S_ATTN_BIAS] = {"attention_bias", LL_SET_BOOL, 0, 0, 0},
    [LL_S_MLP_BIAS] = {"mlp_bias", LL_SET_BOOL, 0, 0, 0},
    [LL_S_PARALLEL] = {"use_parallel_residual", LL_SET_BOOL, 0, 0, 0},
    [LL_S_QK_NORM] = {"use_qk_norm", LL_SET_BOOL, 0, 0, 0},
    [LL_S_NEW_DECODER] = {"new_decoder_architecture", LL_SET_BOOL, 0, 0, 0},
    [LL_S_MULTI_QUERY] = {"multi_query", LL_SET_BOOL, 0, 0, 0},
    [LL_S_WINDOW] = {"sliding_window", LL_SET_INT, 0, BIG, 0},
    [LL_S_USE_WINDOW] = {"use_sliding_window", LL_SET_BOOL, 0, 0, 0},
    [LL_S_WINDOW_LAYERS] = {"max_window_layers", LL_SET_INT, 0, BIG, 0},
    [LL_S_WINDOW_PATTERN] = {"sliding_window_pattern", LL_SET_INT, 1, BIG, 0},
    [LL_S_LAYER_TYPES] = {"layer_types", LL_SET_LIST, 0, 0, LL_SET_STR},
    [LL_S_ATTENTION_TYPES] = {"attention_types", LL_SET_LIST, 0, 0, LL_SET_LIST},
    [LL_S_ATTENTION_LAYERS] = {"attention_layers", LL_SET_LIST, 0, 0, LL_SET_STR},
    [LL_S_ROPE] = {"rope_parameters", LL_SET_OBJECT, 0, 0, 0},
    [LL_S_ROPE_OLD] = {"rope_scaling", LL_SET_OBJECT, 0, 0, 0},
    [LL_S_ROPE_THETA] = {"rope_theta", LL_SET_NUM, 1, 1e12, 0},
    [LL_S_ROPE_THETA_LOCAL] = {"rope_local_base_freq", LL_SET_NUM, 1, 1e12, 0},
    [LL_S_ROPE_PART] = {"partial_rotary_factor", LL_SET_NUM, 0, 1, 0},
    [LL_S_ROPE_ORIGINAL] = {"original_max_position_embeddings", LL_SET_NUM, 1, 1e9, 0},
    [LL_S_NO_ROPE_LAYERS] = {"no_rope_layers", LL_SET_LIST, 0, 0, LL_SET_INT},
    [LL_S_NO_ROPE_EVERY] = {"no_rope_layer_interval", LL_SET_INT, 1, BIG, 0},
    [LL_S_EMB_SCALE] = {"embedding_multiplier", LL_SET_NUM, 1e-9, 1e9, 0},
    [LL_S_RESID_SCALE] = {"residual_multiplier", LL_SET_NUM, 1e-9, 1e9, 0},
    [LL_S_ATTN_MULT] = {"attention_multiplier", LL_SET_NUM, 1e-9, 1e9, 0},
    [LL_S_ATTN_UNDER_ROOT] = {"query_pre_attn_scalar", LL_SET_NUM, 1e-9, 1e9, 0},
    [LL_S_LOGIT_SCALE] = {"logit_scale", LL_SET_NUM, 1e-9, 1e9, 0},
    [LL_S_LOGIT_DIV] = {"logits_scaling", LL_SET_NUM, 1e-9, 1e9, 0},
    [LL_S_ATTN_CAP] = {"attn_logit_softcapping", LL_SET_NUM, 1e-9, 1e9, 0},
    [LL_S_LOGIT_CAP] = {"final_logit_softcapping", LL_SET_NUM, 1e-9, 1e9, 0},
    [LL_S_N_EXPERTS] = {"num_experts", LL_SET_INT, 1, LL_MAX_EXPERTS, 0},
    [LL_S_TOP_K] = {"num_experts_per_tok", LL_SET_INT, 1, LL_MAX_EXPERTS, 0},
    [LL_S_D_EXPERT] = {"moe_intermediate_size", LL_SET_INT, 1, LL_MAX_WIDTH, 0},
    [LL_S_D_SHARED] = {"shared_expert_intermediate_size", LL_SET_INT, 1, LL_MAX_WIDTH, 0},
    [LL_S_RENORMALISED] = {"norm_topk_prob", LL_SET_BOOL, 0, 0, 0},
    [LL_S_EXPERT_STEP] = {"decoder_sparse_step", LL_SET_INT, 1, BIG, 0},
    [LL_S_MLP_ONLY] = {"mlp_only_layers", LL_SET_LIST, 0, 0, LL_SET_INT},
    [LL_S_ALIBI] = {"alibi", LL_SET_BOOL, 0, 0, 0},
    [LL_S_QK_LAYERNORM] = {"qk_layernorm", LL_SET_BOOL, 0, 0, 0},
    [LL_S_BIDIRECTIONAL] = {"use_bidirectional_attention", LL_SET_BOOL, 0, 0, 0},
    [LL_S_SCALE_BY_LAYER] = {"scale_attn_by_inverse_layer_idx", LL_SET_BOOL, 0, 0, 0},
    [LL_S_SCALE_SCORES] = {"scale_attn_weights", LL_SET_BOOL, 0, 0, 0},
    [LL_S_CROSS_ATTENTION] = {"add_cross_attention", LL_SET_BOOL, 0, 0, 0},
};

static const struct ll_setting_row *row_of(const struct ll_model *m, enum ll_setting what)
{
    for (int i = 0; i < m->family->n_settings; i++)
        if (m->family->settings[i].what == what)
            return &m->family->settings[i];
    return NULL;
}

/* ---- where a value stands ----------------------------------------------------------------------------- */

/* The names of a row, in config.json or among what GGUF metadata became. */
static const char *names_of(const struct ll_model *m, const struct ll_setting_row *r)
{
    return r->keys && !m->ckpt->gguf ? r->keys : meanings[r->what].usual;
}

static const char *root_of(const struct ll_model *m, const struct ll_setting_row *r)
{
    return r->outside ? "" : m->root;
}

/* The i-th name of a row as a path; 0: it has fewer. */
static int name_path(const struct ll_model *m, const struct ll_setting_row *r, int i,
                     char out[LL_SETTING_PATH])
{
    const char *at = names_of(m, r), *root = root_of(m, r);
    for (; i > 0 && at; i--)
        at = (at = strchr(at, '|')) ? at + 1 : NULL;
    if (at)
        snprintf(out, LL_SETTING_PATH, "%s%s%.*s", root, *root ? "." : "", (int)strcspn(at, "|"), at);
    return at != NULL;
}

/* The path of the name that counts, present or null; 0: none of them is there. */
static int find(const struct ll_model *m, const struct ll_setting_row *r, char out[LL_SETTING_PATH])
{
    const struct ll_settings *s = m->ckpt->settings;
    for (int i = 0; name_path(m, r, i, out); i++)
        if (ll_settings_has(s, out) || ll_settings_is_null(s, out))
            return 1;
    return 0;
}

enum from { NOWHERE, STORED, DEFAULT };

/* Where the value of a meaning comes from; *row its row, path where it is stored. */
static enum from seek(const struct ll_model *m, enum ll_setting what, const struct ll_setting_row **row,
                      char path[LL_SETTING_PATH])
{
    const struct ll_setting_row *r = *row = row_of(m, what);
    if (!r)
        return NOWHERE;
    if (find(m, r, path))
        return ll_settings_has(m->ckpt->settings, path) ? STORED : NOWHERE;
    return r->has_default ? DEFAULT : NOWHERE;
}

/* ---- checks ------------------------------------------------------------------------------------------- */

static int check_entries(const struct ll_model *m, const char *list, enum ll_settings_kind kind,
                         struct ll_err *err)
{
    const struct ll_settings *s = m->ckpt->settings;
    int rc = LL_OK, n = ll_settings_len(s, list);
    for (int i = 0; i < n && !rc && kind != LL_SET_LIST; i++) {
        char key[LL_SETTING_PATH + 16];
        const char *text;
        long long v;
        snprintf(key, sizeof key, "%s.%d", list, i);
        rc = kind == LL_SET_STR ? ll_settings_need_str(s, key, &text, err)
                                : ll_settings_need_int(s, key, 0, 0x7fffffff, &v, err);
    }
    return rc;
}

static int check_only(const struct ll_model *m, const struct ll_setting_row *r, const char *path,
                      struct ll_err *err)
{
    int value = ll_settings_bool(m->ckpt->settings, path, (int)r->value);
    if (!r->only_default || value == (int)r->value)
        return LL_OK;
    return ll_fail(err, LL_EUNSUP, "config.json: %s: %s is not supported in family %s", path,
                   value ? "true" : "false", m->family->name);
}

/* One stored value against its meaning. */
static int check_row(const struct ll_model *m, const struct ll_setting_row *r, struct ll_err *err)
{
    char path[LL_SETTING_PATH];
    if (!find(m, r, path))
        return LL_OK;
    const char *root = root_of(m, r), *key = path + (*root ? strlen(root) + 1 : 0);
    const struct ll_settings_row rows[] = {
        {key, meanings[r->what].kind, meanings[r->what].lo, meanings[r->what].hi, r->null == LL_NULL_REFUSED},
        {NULL, LL_SET_INT, 0, 0, 0}};
    int rc = ll_settings_check(m->ckpt->settings, root, rows, LL_OTHERS_PASS, err);
    if (!rc && meanings[r->what].kind == LL_SET_LIST)
        rc = check_entries(m, path, meanings[r->what].entries, err);
    return rc ? rc : check_only(m, r, path, err);
}

int ll_settings_of_family(const struct ll_model *m, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0; i < m->family->n_settings && !rc; i++)
        rc = check_row(m, &m->family->settings[i], err);
    return rc;
}

/* ---- readers ------------------------------------------------------------------------------------------ */

int ll_setting_int(const struct ll_model *m, enum ll_setting what, int *out)
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    enum from from = seek(m, what, &r, path);
    if (from != NOWHERE)
        *out = from == STORED ? (int)ll_settings_int(m->ckpt->settings, path, 0) : (int)r->value;
    return from != NOWHERE;
}

int ll_setting_num(const struct ll_model *m, enum ll_setting what, double *out)
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    enum from from = seek(m, what, &r, path);
    if (from != NOWHERE)
        *out = from == STORED ? ll_settings_num(m->ckpt->settings, path, 0) : r->value;
    return from != NOWHERE;
}

const char *ll_setting_str(const struct ll_model *m, enum ll_setting what)
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    enum from from = seek(m, what, &r, path);
    return from == STORED ? ll_settings_str(m->ckpt->settings, path, NULL) : from == DEFAULT ? r->text : NULL;
}

int ll_setting_on(const struct ll_model *m, enum ll_setting what)
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    enum from from = seek(m, what, &r, path);
    return from == STORED ? ll_settings_bool(m->ckpt->settings, path, 0) : from == DEFAULT && r->value != 0;
}

int ll_setting_has(const struct ll_model *m, enum ll_setting what) { return row_of(m, what) != NULL; }

int ll_setting_given(const struct ll_model *m, enum ll_setting what)
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    return seek(m, what, &r, path) == STORED;
}

int ll_setting_len(const struct ll_model *m, enum ll_setting what)
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    return seek(m, what, &r, path) == STORED ? ll_settings_len(m->ckpt->settings, path) : -1;
}

/* Path of entry i of a stored list; 0: no list. */
static int item_path(const struct ll_model *m, enum ll_setting what, int i, char out[LL_SETTING_PATH + 16])
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    if (seek(m, what, &r, path) != STORED)
        return 0;
    snprintf(out, LL_SETTING_PATH + 16, "%s.%d", path, i);
    return 1;
}

const char *ll_setting_item_str(const struct ll_model *m, enum ll_setting what, int i)
{
    char path[LL_SETTING_PATH + 16];
    return item_path(m, what, i, path) ? ll_settings_str(m->ckpt->settings, path, "") : "";
}

long long ll_setting_item_int(const struct ll_model *m, enum ll_setting what, int i, long long fallback)
{
    char path[LL_SETTING_PATH + 16];
    return item_path(m, what, i, path) ? ll_settings_int(m->ckpt->settings, path, fallback) : fallback;
}

const char *ll_setting_key(const struct ll_model *m, enum ll_setting what, char out[LL_SETTING_PATH])
{
    const struct ll_setting_row *r = row_of(m, what);
    if (!r)
        snprintf(out, LL_SETTING_PATH, "%s%s%s", m->root, *m->root ? "." : "", meanings[what].usual);
    else if (!find(m, r, out))
        name_path(m, r, 0, out);
    return out;
}

int ll_setting_fail(const struct ll_model *m, enum ll_setting what, struct ll_err *err, const char *fmt, ...)
{
    char path[LL_SETTING_PATH], why[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return ll_fail(err, LL_EUSAGE, "config.json: %s: %s", ll_setting_key(m, what, path), why);
}
