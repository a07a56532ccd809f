/* gguf_setting.c - see gguf_setting.h */
#include "gguf_setting.h"

#include "buf.h"
#include "gguf.h"
#include "json_write.h"
#include "meaning.h"
#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What load_hparams reads whatever the architecture. An absent scaling factor is none, and so is a stored
 * 0. */
static const struct ll_gguf_row general[] = {
    {LL_S_N_LAYERS, LL_GGUF_REQUIRED, 0, 0},      {LL_S_D_MODEL, LL_GGUF_REQUIRED, 0, 0},
    {LL_S_N_CTX, LL_GGUF_REQUIRED, 0, 0},         {LL_S_N_HEADS, LL_GGUF_REQUIRED, 0, 0},
    {LL_S_D_MLP, LL_GGUF_REQUIRED, 0, 0},         {LL_S_EPS, LL_GGUF_REQUIRED, 0, 0},
    {LL_S_N_KV_HEADS, LL_GGUF_NONE, 0, 0},        {LL_S_D_HEAD, LL_GGUF_NONE, 0, 0},
    {LL_S_ROPE_THETA, LL_GGUF_DEFAULT, 10000, 0}, {LL_S_ROPE_ORIGINAL, LL_GGUF_NONE, 0, 1},
    {LL_S_ROPE_DIMS, LL_GGUF_NONE, 0, 0},         {LL_S_ROPE_KIND, LL_GGUF_NONE, 0, 0},
    {LL_S_ROPE_FACTOR, LL_GGUF_DEFAULT, 1, 1},    {LL_S_ROPE_GAIN, LL_GGUF_DEFAULT, 1, 0},
};
enum { N_GENERAL = sizeof general / sizeof *general };

/* Settings that follow from a tensor's being there. */
static const struct sign {
    enum ll_setting what;
    const char *tensor;
    int when_there;
} signs[] = {
    {LL_S_TIED, "output.weight", 0},
    {LL_S_ATTN_BIAS, "blk.0.attn_q.bias", 1},
    {LL_S_MLP_BIAS, "blk.0.ffn_up.bias", 1},
    {LL_S_PARALLEL, "blk.0.ffn_norm.weight", 0},
    {LL_S_QK_LAYERNORM, "blk.0.attn_q_norm.weight", 1},
};

/* Whose rows are the vocabulary, whatever vocab_size says. */
static const char embedding[] = "token_embd.weight";

static const char *file_of(const struct ll_model *m) { return m->ckpt->files[0].name; }

/* A family's own row counts before the general one. */
static const struct ll_gguf_row *row_of(const struct ll_model *m, enum ll_setting what)
{
    const struct ll_gguf_family *g = &m->family->gguf;
    for (int i = 0; i < g->n_rows; i++)
        if (g->rows[i].what == what)
            return &g->rows[i];
    for (int i = 0; i < N_GENERAL; i++)
        if (general[i].what == what)
            return &general[i];
    return NULL;
}

static const struct sign *sign_of(enum ll_setting what)
{
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (signs[i].what == what)
            return &signs[i];
    return NULL;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* The i-th key of a meaning, its architecture in front; 0: it has fewer. Norms that take the mean off have
 * their epsilon under another name. */
static int key_of(const struct ll_model *m, enum ll_setting what, int i, char out[LL_SETTING_PATH])
{
    int centred = m->family->norm == LL_NORM_LAYER || m->family->norm == LL_NORM_LAYER_NO_BIAS;
    const char *at = what == LL_S_EPS && centred ? "attention.layer_norm_epsilon" : ll_meanings[what].gguf;
    for (; i > 0 && at; i--)
        at = (at = strchr(at, '|')) ? at + 1 : NULL;
    if (at)
        snprintf(out, LL_SETTING_PATH, "%s.%.*s", m->family->gguf.arch, (int)strcspn(at, "|"), at);
    return at != NULL;
}

/* The pair that counts, and its key; NULL: none of the keys is there. */
static const struct ll_gguf_kv *find(const struct ll_model *m, enum ll_setting what,
                                     char key[LL_SETTING_PATH])
{
    const struct ll_gguf_kv *kv = NULL;
    for (int i = 0; !kv && key_of(m, what, i, key); i++)
        kv = ll_gguf_find(m->ckpt->gguf, key);
    if (!kv)
        key_of(m, what, 0, key);
    return kv;
}

static const struct ll_gguf_kv *find_at(const struct ll_model *m, const char *arch, const char *suffix)
{
    char key[LL_SETTING_PATH];
    snprintf(key, sizeof key, "%s.%s", arch, suffix);
    return ll_gguf_find(m->ckpt->gguf, key);
}

/* Element i as it was written: of float32 numbers the shortest decimal that reads back to them, 1e-05 and not
 * 9.99999974737875e-06. */
static double written(const struct ll_gguf_kv *kv, uint64_t i)
{
    char text[40];
    double v = 0;
    int on;
    if (ll_gguf_bool(kv, i, &on))
        return on;
    ll_gguf_num(kv, i, &v);
    for (int digits = 1; kv->type == LL_GGUF_F32 && digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtof(text, NULL) == (float)v)
            return strtod(text, NULL);
    }
    return v;
}

/* ---- the family ------------------------------------------------------------------------------ */

static int above_zero(const struct ll_model *m, const char *arch, const char *suffix)
{
    double v = 0;
    return ll_gguf_num(find_at(m, arch, suffix), 0, &v) && v > 0;
}

void ll_gguf_list_architectures(struct ll_buf *out)
{
    int n = 0;
    for (const struct ll_family *const *f = ll_families; *f; f++)
        if ((*f)->gguf.arch && !(*f)->gguf.with)
            ll_buf_addf(out, "%s%s", n++ ? ", " : "", (*f)->gguf.arch);
}

int ll_gguf_find_family(struct ll_model *m, struct ll_err *err)
{
    const char *name;
    size_t n;
    if (!ll_gguf_get_str(m->ckpt->gguf, "general.architecture", &name, &n))
        return ll_fail(err, LL_EUSAGE, "%s: key general.architecture: expected a string, found none",
                       file_of(m));
    m->family = NULL;
    for (const struct ll_family *const *f = ll_families; *f; f++) {
        const struct ll_gguf_family *g = &(*f)->gguf;
        if (!g->arch || strlen(g->arch) != n || memcmp(g->arch, name, n))
            continue;
        if (g->with ? above_zero(m, g->arch, g->with) : !m->family)
            m->family = *f;
    }
    if (m->family)
        return LL_OK;
    struct ll_buf shown = {0}, known = {0};
    ll_json_quote(&shown, name, n < 60 ? n : 60);
    ll_gguf_list_architectures(&known);
    ll_fail(err, LL_EUNSUP, "%s: key general.architecture: %s is not supported; known: %s", file_of(m),
            ll_buf_str(&shown), ll_buf_str(&known));
    ll_buf_free(&shown);
    ll_buf_free(&known);
    return LL_EUNSUP;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static const char *expected(enum ll_settings_kind kind)
{
    return kind == LL_SET_INT ? "an integer"
        : kind == LL_SET_BOOL ? "a bool"
        : kind == LL_SET_STR  ? "a string"
                              : "a number";
}

static int is_integer(const struct ll_gguf_kv *kv)
{
    return kv->type != LL_GGUF_BOOL && kv->type != LL_GGUF_F32 && kv->type != LL_GGUF_F64
        && kv->type != LL_GGUF_STR;
}

static int is_kind(const struct ll_gguf_kv *kv, enum ll_settings_kind kind)
{
    if (kind == LL_SET_STR || kind == LL_SET_BOOL)
        return kv->type == (kind == LL_SET_STR ? LL_GGUF_STR : LL_GGUF_BOOL);
    return is_integer(kv) || (kind == LL_SET_NUM && (kv->type == LL_GGUF_F32 || kv->type == LL_GGUF_F64));
}

/* One stored number against its range. */
static int check_number(const struct ll_model *m, const struct ll_gguf_row *r, const char *key,
                        const struct ll_gguf_kv *kv, uint64_t i, struct ll_err *err)
{
    const struct ll_meaning *w = &ll_meanings[r->what];
    double v = NAN;
    if (!ll_gguf_num(kv, i, &v) || !isfinite(v))
        return ll_fail(err, LL_EUSAGE, "%s: key %s: expected %s, found %g", file_of(m), key,
                       expected(w->kind), v);
    if ((v >= w->lo && v <= w->hi) || (v == 0 && r->zero_is_absent))
        return LL_OK;
    return ll_fail(err, LL_EUSAGE, "%s: key %s: expected %s in %.10g..%.10g, found %.10g", file_of(m), key,
                   expected(w->kind), w->lo, w->hi, v);
}

/* A list of one value a layer: all the same, as the pass has one size for all. A pattern may vary. */
static int check_list(const struct ll_model *m, const struct ll_gguf_row *r, const char *key,
                      const struct ll_gguf_kv *kv, struct ll_err *err)
{
    char layers_key[LL_SETTING_PATH];
    const struct ll_gguf_kv *layers = find(m, LL_S_N_LAYERS, layers_key);
    int64_t n = 0;
    int varies = r->what == LL_S_WINDOW_PATTERN;
    if (!varies && !ll_meanings[r->what].per_layer)
        return ll_fail(err, LL_EUSAGE, "%s: key %s: expected %s, found a list", file_of(m), key,
                       expected(ll_meanings[r->what].kind));
    if (!(varies && kv->type == LL_GGUF_BOOL) && !is_kind(kv, LL_SET_INT))
        return ll_fail(err, LL_EUSAGE, "%s: key %s: expected %s, found a list of %s", file_of(m), key,
                       varies ? "a list of bool" : "integers", ll_gguf_type_name(kv->type));
    ll_gguf_int(layers, 0, &n);
    if (kv->n < 1 || (int64_t)kv->n != n)
        return ll_fail(err, LL_EUSAGE, "%s: key %s: expected one entry for each of %lld layers, found %llu",
                       file_of(m), key, (long long)n, (unsigned long long)kv->n);
    for (uint64_t i = 0; i < kv->n && !varies; i++) {
        int rc = check_number(m, r, key, kv, i, err);
        if (rc)
            return rc;
        if (written(kv, i) != written(kv, 0))
            return ll_fail(err, LL_EUNSUP,
                           "%s: key %s: values that differ between layers are not supported (%g in layer 0, "
                           "%g in layer %d)",
                           file_of(m), key, written(kv, 0), written(kv, i), (int)i);
    }
    return LL_OK;
}

static int check_row(const struct ll_model *m, const struct ll_gguf_row *r, struct ll_err *err)
{
    char key[LL_SETTING_PATH];
    if (r->absent == LL_GGUF_FIXED)
        return LL_OK;
    const struct ll_gguf_kv *kv = find(m, r->what, key);
    enum ll_settings_kind kind = ll_meanings[r->what].kind;
    if (!kv)
        return r->absent != LL_GGUF_REQUIRED
            ? LL_OK
            : ll_fail(err, LL_EUSAGE, "%s: key %s: expected %s, found no such key", file_of(m), key,
                      expected(kind));
    if (kv->is_array)
        return check_list(m, r, key, kv, err);
    if (!is_kind(kv, kind))
        return ll_fail(err, LL_EUSAGE, "%s: key %s: expected %s, found %s", file_of(m), key, expected(kind),
                       ll_gguf_type_name(kv->type));
    return kind == LL_SET_INT || kind == LL_SET_NUM ? check_number(m, r, key, kv, 0, err) : LL_OK;
}

/* Keys that are looked at for what they would change, but have no meaning of their own here. */
static int check_others(const struct ll_model *m, struct ll_err *err)
{
    static const struct {
        const char *suffix;
        enum ll_settings_kind kind;
    } others[] = {{"attention.causal", LL_SET_BOOL},
                  {"attention.value_length", LL_SET_INT},
                  {"attention.key_length_swa", LL_SET_INT},
                  {"attention.sliding_window", LL_SET_INT},
                  {"expert_count", LL_SET_INT}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const struct ll_gguf_kv *kv = find_at(m, m->family->gguf.arch, others[i].suffix);
        if (kv && (kv->is_array || !is_kind(kv, others[i].kind)))
            return ll_fail(err, LL_EUSAGE, "%s: key %s: expected %s, found %s", file_of(m), kv->key,
                           expected(others[i].kind), kv->is_array ? "a list" : ll_gguf_type_name(kv->type));
    }
    return LL_OK;
}

/* What asks for mathematics that is not here. */
static int check_rest(const struct ll_model *m, struct ll_err *err)
{
    const struct ll_gguf_family *g = &m->family->gguf;
    const char *arch = g->arch;
    double causal = 1, heads = 0, width = 0, k = 0, v = 0, on = 0;
    int is;
    if (ll_gguf_bool(find_at(m, arch, "attention.causal"), 0, &is))
        causal = is;
    const struct ll_tensor *emb = ll_ckpt_find(m->ckpt, embedding);
    if (!emb || emb->n_dims != 2 || emb->dims[0] < 1 || emb->dims[0] > LL_MAX_VOCAB)
        return ll_fail(err, LL_EUSAGE, "%s: tensor %s: expected a matrix of 1..%d rows, found %s", file_of(m),
                       embedding, LL_MAX_VOCAB,
                       !emb                   ? "no such tensor"
                           : emb->n_dims != 2 ? "another shape"
                           : emb->dims[0] < 1 ? "none"
                                              : "more");
    if (!causal)
        return ll_fail(err, LL_EUNSUP,
                       "%s: key %s.attention.causal: false (each position sees all) is not supported",
                       file_of(m), arch);
    if (above_zero(m, arch, "expert_count") && !row_of(m, LL_S_N_EXPERTS))
        return ll_fail(err, LL_EUNSUP,
                       "%s: key %s.expert_count: a mixture of experts is not supported in architecture %s",
                       file_of(m), arch, arch);
    if (g->without && above_zero(m, arch, g->without))
        return ll_fail(err, LL_EUNSUP, "%s: key %s.%s is not supported in architecture %s", file_of(m), arch,
                       g->without, arch);
    if (ll_gguf_value(m, LL_S_N_HEADS, &heads) && ll_gguf_value(m, LL_S_D_MODEL, &width))
        k = v = heads > 0 ? floor(width / heads) : 0;
    ll_gguf_value(m, LL_S_D_HEAD, &k);
    ll_gguf_num(find_at(m, arch, "attention.value_length"), 0, &v);
    if (v != k)
        return ll_fail(err, LL_EUNSUP,
                       "%s: key %s.attention.value_length: expected that of keys, %g, found %g", file_of(m),
                       arch, k, v);
    if (g->local != LL_LOCAL_SAME && ll_gguf_num(find_at(m, arch, "attention.key_length_swa"), 0, &v)
        && v != k)
        return ll_fail(err, LL_EUNSUP,
                       "%s: key %s.attention.key_length_swa: expected that of all layers, %g, found %g",
                       file_of(m), arch, k, v);
    for (int i = 0; i < m->family->n_settings; i++)
        if (m->family->settings[i].only_default && sign_of(m->family->settings[i].what)
            && ll_gguf_value(m, m->family->settings[i].what, &on) && on != m->family->settings[i].value)
            return ll_fail(err, LL_EUNSUP, "%s: tensor %s: not supported in architecture %s", file_of(m),
                           sign_of(m->family->settings[i].what)->tensor, arch);
    return LL_OK;
}

int ll_gguf_check(const struct ll_model *m, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0; i < N_GENERAL && !rc; i++)
        rc = check_row(m, row_of(m, general[i].what), err);
    for (int i = 0; i < m->family->gguf.n_rows && !rc; i++)
        rc = check_row(m, &m->family->gguf.rows[i], err);
    if (rc || (rc = check_others(m, err)))
        return rc;
    return check_rest(m, err);
}

/* ---- values ---------------------------------------------------------------------------------- */

int ll_gguf_answers(const struct ll_model *m, enum ll_setting what)
{
    return what == LL_S_VOCAB || ll_meanings[what].gguf || sign_of(what) || row_of(m, what);
}

int ll_gguf_value(const struct ll_model *m, enum ll_setting what, double *out)
{
    char key[LL_SETTING_PATH];
    const struct sign *s = sign_of(what);
    const struct ll_tensor *emb = what == LL_S_VOCAB ? ll_ckpt_find(m->ckpt, embedding) : NULL;
    if (emb) {
        *out = (double)emb->dims[0];
        return 1;
    }
    if (s && !(what == LL_S_TIED && m->family->gguf.own_head)) {
        *out = (ll_ckpt_find(m->ckpt, s->tensor) != NULL) == s->when_there;
        return 1;
    }
    const struct ll_gguf_row *r = row_of(m, what);
    if (!r)
        return 0;
    const struct ll_gguf_kv *kv = r->absent == LL_GGUF_FIXED ? NULL : find(m, what, key);
    double v = kv ? written(kv, 0) : 0;
    int there = kv && !(v == 0 && r->zero_is_absent);
    if (!there && r->absent != LL_GGUF_DEFAULT && r->absent != LL_GGUF_FIXED)
        return 0;
    *out = there ? v : r->value;
    return 1;
}

int ll_gguf_text(const struct ll_model *m, enum ll_setting what, const char **s, unsigned long *n)
{
    char key[LL_SETTING_PATH];
    return row_of(m, what) && ll_gguf_str(find(m, what, key), 0, s, n);
}

int ll_gguf_given(const struct ll_model *m, enum ll_setting what)
{
    char key[LL_SETTING_PATH];
    return row_of(m, what) && find(m, what, key) != NULL;
}

int ll_gguf_len(const struct ll_model *m, enum ll_setting what)
{
    char key[LL_SETTING_PATH];
    const struct ll_gguf_kv *kv = row_of(m, what) ? find(m, what, key) : NULL;
    return kv && kv->is_array ? (int)kv->n : -1;
}

double ll_gguf_item(const struct ll_model *m, enum ll_setting what, int i)
{
    char key[LL_SETTING_PATH];
    const struct ll_gguf_kv *kv = find(m, what, key);
    return kv ? written(kv, (uint64_t)i) : 0;
}

const char *ll_gguf_place(const struct ll_model *m, enum ll_setting what, char out[LL_SETTING_PATH])
{
    char key[LL_SETTING_PATH];
    const struct sign *s = sign_of(what);
    if (s)
        snprintf(out, LL_SETTING_PATH, "tensor %s", s->tensor);
    else if (ll_meanings[what].gguf) {
        find(m, what, key);
        snprintf(out, LL_SETTING_PATH, "key %.180s", key);
    } else
        snprintf(out, LL_SETTING_PATH, "%s", ll_meanings[what].usual);
    return out;
}
