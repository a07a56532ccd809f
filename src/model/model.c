/* model.c - see model.h */
#include "model.h"

#include "buf.h"
#include "config.h"
#include "names.h"
#include "rope.h"
#include "unused.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- weights --------------------------------------------------------------------------------- */

/* The tensor of a role (names.h), marked as read by its layer. */
static const struct ll_tensor *seek_role(struct ll_model *m, enum ll_role role, int layer, int expert)
{
    const struct ll_tensor *t = ll_role_tensor(m, role, layer, expert);
    if (t)
        m->layer_of[t - m->ckpt->tensors] = ll_role_is_layered(m, role) ? layer
            : role == LL_R_W_E || role == LL_R_W_POS                    ? -1
                                                                        : m->n_layers;
    return t;
}

static const struct ll_tensor *find_role(struct ll_model *m, enum ll_role role, int layer, int expert,
                                         struct ll_err *err)
{
    const struct ll_tensor *t = seek_role(m, role, layer, expert);
    if (!t)
        ll_role_missing(m, role, layer, expert, err);
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
    int rc = k ? ll_fail(err, LL_EUSAGE, "%s: tensor %s: expected shape [%d, %d], found [%s]",
                         m->ckpt->files[t->file].name, t->name, n, k, ll_buf_str(&found))
               : ll_fail(err, LL_EUSAGE, "%s: tensor %s: expected shape [%d], found [%s]",
                         m->ckpt->files[t->file].name, t->name, n, ll_buf_str(&found));
    ll_buf_free(&found);
    return rc;
}

static int mat_of(const struct ll_model *m, const struct ll_tensor *t, int n, int k, struct ll_mat *out,
                  struct ll_err *err)
{
    int rc = check_shape(m, t, n, k, err);
    if (rc)
        return rc;
    if (!ll_dtype_info(t->dtype)->is_float)
        return ll_fail(
            err, LL_EUNSUP,
            "%s: tensor %s: weights stored as %s are not supported (expected a floating or block type)",
            m->ckpt->files[t->file].name, t->name, ll_tensor_type(t));
    *out = (struct ll_mat){.type = t->dtype,
                           .data = t->data,
                           .row_bytes = t->size / (size_t)n,
                           .n = n,
                           .k = k,
                           .packed = t->packed};
    return LL_OK;
}

/* Matrix `at` of a stack. */
static int stacked_mat(const struct ll_model *m, const struct ll_tensor *t, int at, int n, int k,
                       struct ll_mat *out, struct ll_err *err)
{
    if (m->n_experts < 1 || t->dims[0] != m->n_experts || t->dims[1] != n || t->dims[2] != k
        || !ll_dtype_info(t->dtype)->is_float)
        return ll_fail(err, LL_EUSAGE,
                       "%s: tensor %s: expected shape [%d, %d, %d] of a floating or block type, found [%lld, "
                       "%lld, %lld] of %s",
                       m->ckpt->files[t->file].name, t->name, m->n_experts, n, k, (long long)t->dims[0],
                       (long long)t->dims[1], (long long)t->dims[2], ll_tensor_type(t));
    size_t one = t->size / (size_t)m->n_experts;
    *out = (struct ll_mat){
        .type = t->dtype, .data = t->data + (size_t)at * one, .row_bytes = one / (size_t)n, .n = n, .k = k};
    return LL_OK;
}

/* Which weight: its role, its layer, and the expert where it has any. */
struct which {
    enum ll_role role;
    int layer, expert;
};

static int get_mat_of(struct ll_model *m, struct which w, int n, int k, struct ll_mat *out,
                      struct ll_err *err)
{
    const struct ll_tensor *t = find_role(m, w.role, w.layer, w.expert, err);
    if (!t)
        return ll_err_code(err, LL_EUSAGE);
    if (m->ckpt->gguf && t->n_dims == 3) /* experts as one tensor: [n_experts, n, k] */
        return stacked_mat(m, t, w.expert, n, k, out, err);
    if (!m->family->transposed || m->ckpt->gguf || !strstr(m->family->names[w.role], "%d"))
        return mat_of(m, t, n, k, out, err);
    int rc = mat_of(m, t, k, n, out, err); /* stored [k, n] */
    out->n = n;
    out->k = k;
    out->transposed = 1;
    return rc;
}

static int get_mat(struct ll_model *m, enum ll_role role, int layer, int n, int k, struct ll_mat *out,
                   struct ll_err *err)
{
    return get_mat_of(m, (struct which){role, layer, 0}, n, k, out, err);
}

/* W_Q or W_K, b_Q or b_K of a GGUF model whose rows pair the halves of a head: the matrix says so, the bias
 * is put in order. */
static int order_rows(struct ll_model *m, struct ll_mat *w, const float *bias, struct ll_err *err)
{
    int half = m->d_head / 2;
    float *b = (float *)(uintptr_t)bias, head[1024]; /* one of m->small: ours */
    if (!ll_rows_paired(m))
        return LL_OK;
    if (m->d_head > 1024)
        return ll_fail(err, LL_EUNSUP, "%s: head_dim: expected at most 1024, found %d", m->ckpt->clean,
                       m->d_head);
    if (m->d_head % 2)
        return ll_fail(err, LL_EUSAGE,
                       "%s: head_dim: expected an even number, as the rows of this architecture's W_Q and "
                       "W_K pair the halves of a head, found %d",
                       m->ckpt->clean, m->d_head);
    w->paired = m->d_head;
    for (int n = 0; b && n < w->n; n += m->d_head) {
        memcpy(head, b + n, sizeof *b * (size_t)m->d_head);
        for (int i = 0; i < m->d_head; i++)
            b[n + i] = head[i < half ? 2 * i : 2 * (i - half) + 1];
    }
    return LL_OK;
}

/* A small vector as floats, `offset` added to each. */
static int get_vec(struct ll_model *m, enum ll_role role, int layer, int n, float offset, const float **out,
                   struct ll_err *err)
{
    const struct ll_tensor *t = find_role(m, role, layer, 0, err);
    if (!t)
        return ll_err_code(err, LL_EUSAGE);
    int own_gains =
        m->family->qk_norm == LL_QK_HEAD_OWN_GAIN && t->n_dims == 2; /* [heads, d_head] read as one list */
    int rc = own_gains && t->dims[0] * t->dims[1] == n ? LL_OK : check_shape(m, t, n, 0, err);
    if (rc)
        return rc;
    const struct ll_dtype_info *info = ll_dtype_info(t->dtype);
    if (!info->is_float || info->block != 1)
        return ll_fail(err, LL_EUNSUP, "%s: tensor %s: stored as %s, expected a floating type",
                       m->ckpt->files[t->file].name, t->name, ll_tensor_type(t));
    struct ll_small *grown = realloc(m->small, sizeof *grown * (size_t)(m->n_small + 1));
    float *v = malloc(sizeof *v * (size_t)n);
    if (grown)
        m->small = grown;
    if (!grown || !v) {
        free(v);
        return ll_fail_mem(err, t->name, sizeof *v * (size_t)n);
    }
    m->small[m->n_small++] = (struct ll_small){v, n, t};
    info->to_f32(t->data, v, (size_t)n);
    for (int i = 0; i < n && offset != 0; i++)
        v[i] = offset + v[i];
    *out = v;
    return LL_OK;
}

/* A norm of d values; its bias has the role after its gain's, where the kind has one. */
static int get_norm(struct ll_model *m, enum ll_role role, int layer, int d, struct ll_norm *out,
                    struct ll_err *err)
{
    enum ll_norm_kind kind = m->family->norm;
    out->d = d;
    out->eps = (float)m->norm_eps;
    out->kind = kind;
    int plus_one = kind == LL_NORM_RMS_PLUS_ONE && !ll_norms_complete(m);
    int rc = get_vec(m, role, layer, d, plus_one ? 1.0f : 0.0f, &out->w, err);
    return rc || kind != LL_NORM_LAYER ? rc : get_vec(m, (enum ll_role)(role + 1), layer, d, 0, &out->b, err);
}

/* A bias that may be absent: leaves *out NULL. */
static int get_bias(struct ll_model *m, const struct ll_part *part, enum ll_role role, int layer, int n,
                    const float **out, struct ll_err *err)
{
    int there = ll_part_stored(m, part) ? seek_role(m, role, layer, 0) != NULL : ll_part_wanted(m, part);
    return there ? get_vec(m, role, layer, n, 0, out, err) : LL_OK;
}

/* W_Q, W_K, W_V and their biases, as rows of one matrix or as three. */
static int read_qkv(struct ll_model *m, struct ll_layer *L, int l, struct ll_err *err)
{
    const struct ll_part *bias = &m->family->qkv_bias;
    int d = m->d_model, dq = m->n_heads * m->d_head, dkv = m->n_kv_heads * m->d_head, all = dq + 2 * dkv, rc;
    struct ll_mat W;
    const float *b = NULL;
    if (m->family->qkv == LL_QKV_APART) {
        if ((rc = get_mat(m, LL_R_W_Q, l, dq, d, &L->W_Q, err))
            || (rc = get_mat(m, LL_R_W_K, l, dkv, d, &L->W_K, err))
            || (rc = get_mat(m, LL_R_W_V, l, dkv, d, &L->W_V, err))
            || (rc = get_bias(m, bias, LL_R_B_Q, l, dq, &L->b_Q, err))
            || (rc = get_bias(m, bias, LL_R_B_K, l, dkv, &L->b_K, err)))
            return rc;
        if ((rc = order_rows(m, &L->W_Q, L->b_Q, err)) || (rc = order_rows(m, &L->W_K, L->b_K, err)))
            return rc;
        return get_bias(m, bias, LL_R_B_V, l, dkv, &L->b_V, err);
    }
    if ((rc = get_mat(m, LL_R_W_QKV, l, all, d, &W, err))
        || (rc = get_bias(m, bias, LL_R_B_QKV, l, all, &b, err)))
        return rc;
    if (m->family->qkv == LL_QKV_GROUPED) {
        L->W_QKV = W;
        L->b_QKV = b;
        return LL_OK;
    }
    L->W_Q = ll_mat_rows(&W, 0, dq);
    L->W_K = ll_mat_rows(&W, dq, dkv);
    L->W_V = ll_mat_rows(&W, dq + dkv, dkv);
    if (b) {
        L->b_Q = b;
        L->b_K = b + dq;
        L->b_V = b + dq + dkv;
    }
    return LL_OK;
}

static int read_qk_norms(struct ll_model *m, struct ll_layer *L, int l, struct ll_err *err)
{
    const struct ll_family *f = m->family;
    if (f->qk_norm == LL_QK_NONE || (f->qk_norm_if.when && !ll_part_wanted(m, &f->qk_norm_if)))
        return LL_OK;
    int per_head = f->qk_norm == LL_QK_HEAD_ONE_GAIN, rc;
    if ((rc = get_norm(m, LL_R_Q_NORM, l, per_head ? m->d_head : m->n_heads * m->d_head, &L->q_norm, err))
        || (rc = get_norm(m, LL_R_K_NORM, l, per_head ? m->d_head : m->n_kv_heads * m->d_head, &L->k_norm,
                          err)))
        return rc;
    if (f->qk_norm == LL_QK_HEAD_OWN_GAIN)
        L->q_norm.d = L->k_norm.d = m->d_head;
    return LL_OK;
}

static int read_attention(struct ll_model *m, struct ll_layer *L, int l, struct ll_err *err)
{
    int d = m->d_model, rc;
    if (m->family->names[LL_R_LN1] && (rc = get_norm(m, LL_R_LN1, l, d, &L->ln1, err)))
        return rc;
    if (m->family->post_norms && (rc = get_norm(m, LL_R_LN1_POST, l, d, &L->ln1_post, err)))
        return rc;
    if ((rc = read_qkv(m, L, l, err))
        || (rc = get_mat(m, LL_R_W_O, l, d, m->n_heads * m->d_head, &L->W_O, err))
        || (rc = get_bias(m, &m->family->o_bias, LL_R_B_O, l, d, &L->b_O, err))
        || (rc = read_qk_norms(m, L, l, err)))
        return rc;
    L->attn_scale = m->attn_scale;
    L->attn_cap = m->attn_cap;
    L->resid_scale = m->resid_scale;
    L->act = m->act;
    L->rope = ll_layer_rope(m, l);
    L->window = ll_layer_window(m, l);
    return LL_OK;
}

/* Gate (where the family has one), up and down of width f under the three roles from `gate` on. */
static int read_mlp_mats(struct ll_model *m, enum ll_role gate, int l, int expert, int f, struct ll_mlp *mlp,
                         struct ll_err *err)
{
    int d = m->d_model, rc = LL_OK;
    if (m->family->names[gate])
        rc = get_mat_of(m, (struct which){gate, l, expert}, f, d, &mlp->W_gate, err);
    if (!rc)
        rc = get_mat_of(m, (struct which){(enum ll_role)(gate + 1), l, expert}, f, d, &mlp->W_in, err);
    return rc ? rc
              : get_mat_of(m, (struct which){(enum ll_role)(gate + 2), l, expert}, d, f, &mlp->W_out, err);
}

static int read_dense(struct ll_model *m, struct ll_mlp *mlp, int l, struct ll_err *err)
{
    const struct ll_part *bias = &m->family->mlp_bias;
    int d = m->d_model, f = m->d_mlp, rc;
    if (m->family->names[LL_R_W_GATE_IN]) {
        struct ll_mat both;
        if ((rc = get_mat(m, LL_R_W_GATE_IN, l, 2 * f, d, &both, err))
            || (rc = get_mat(m, LL_R_W_OUT, l, d, f, &mlp->W_out, err)))
            return rc;
        mlp->W_gate = ll_mat_rows(&both, 0, f);
        mlp->W_in = ll_mat_rows(&both, f, f);
    } else if ((rc = read_mlp_mats(m, LL_R_W_GATE, l, 0, f, mlp, err)))
        return rc;
    if ((mlp->W_gate.n && (rc = get_bias(m, bias, LL_R_B_GATE, l, f, &mlp->b_gate, err)))
        || (rc = get_bias(m, bias, LL_R_B_IN, l, f, &mlp->b_in, err)))
        return rc;
    return get_bias(m, bias, LL_R_B_OUT, l, d, &mlp->b_out, err);
}

static int read_experts(struct ll_model *m, struct ll_experts *moe, int l, struct ll_err *err)
{
    struct ll_mlp *experts = m->expert_mlps + (size_t)l * (size_t)m->n_experts;
    int rc = get_mat(m, LL_R_ROUTER, l, m->n_experts, m->d_model, &moe->W_router, err);
    for (int e = 0; e < m->n_experts && !rc; e++)
        rc = read_mlp_mats(m, LL_R_X_GATE, l, e, m->d_expert, &experts[e], err);
    if (!rc && m->d_shared
        && !(rc = read_mlp_mats(m, LL_R_SHARED_GATE, l, 0, m->d_shared, &moe->shared, err)))
        rc = get_mat(m, LL_R_SHARED_ROUTER, l, 1, m->d_model, &moe->W_shared_router, err);
    moe->n = m->n_experts;
    moe->top_k = m->top_k;
    moe->renormalised = ll_part_wanted(m, &m->family->renormalised);
    moe->mlps = experts;
    return rc;
}

/* ln2 and the MLP; whether the block is parallel decides if it has an ln2. */
static int read_mlp(struct ll_model *m, struct ll_layer *L, int l, struct ll_err *err)
{
    const struct ll_part *own = &m->family->parallel_ln2;
    int d = m->d_model, has_ln2 = m->family->names[LL_R_LN2] != NULL, rc;
    L->parallel = ll_part_wanted(m, &m->family->parallel);
    if (L->parallel)
        has_ln2 = own->when == LL_IF_STORED ? seek_role(m, LL_R_LN2, l, 0) != NULL : ll_part_wanted(m, own);
    if ((has_ln2 && (rc = get_norm(m, LL_R_LN2, l, d, &L->ln2, err)))
        || (m->family->post_norms && (rc = get_norm(m, LL_R_LN2_POST, l, d, &L->ln2_post, err))))
        return rc;
    return ll_layer_has_experts(m, l) ? read_experts(m, &L->experts, l, err) : read_dense(m, &L->mlp, l, err);
}

static int read_ends(struct ll_model *m, struct ll_err *err)
{
    int rc, swapped = m->tied && !ll_role_tensor(m, LL_R_W_E, 0, 0) && ll_role_tensor(m, LL_R_W_U, 0, 0);
    if (!(m->W_E = find_role(m, swapped ? LL_R_W_U : LL_R_W_E, 0, 0, err)))
        return ll_err_code(err, LL_EUSAGE);
    if (swapped)
        m->layer_of[m->W_E - m->ckpt->tensors] = -1;
    struct ll_mat emb;
    if ((rc = mat_of(m, m->W_E, m->d_vocab, m->d_model, &emb, err)))
        return rc;
    if (m->n_positions) {
        struct ll_mat pos;
        if (!(m->W_pos = find_role(m, LL_R_W_POS, 0, 0, err)))
            return ll_err_code(err, LL_EUSAGE);
        if ((rc = mat_of(m, m->W_pos, m->n_positions, m->d_model, &pos, err)))
            return rc;
    }
    m->W_U = emb;
    if ((!m->tied && (rc = get_mat(m, LL_R_W_U, 0, m->d_vocab, m->d_model, &m->W_U, err)))
        || (rc = get_bias(m, &m->family->head_bias, LL_R_B_U, 0, m->d_vocab, &m->b_U, err)))
        return rc;
    if (emb.packed || m->W_U.packed) /* both are read a row at a time in places */
        return ll_fail(err, LL_EUNSUP,
                       "%s: quantization_config: scaled or four-bit embeddings and heads are not supported",
                       m->ckpt->clean);
    return get_norm(m, LL_R_LN_FINAL, 0, m->d_model, &m->ln_final, err);
}

static int read_weights(struct ll_model *m, struct ll_err *err)
{
    int rc = read_ends(m, err);
    for (int l = 0; l < m->n_layers && !rc; l++)
        if (!(rc = read_attention(m, &m->layers[l], l, err)))
            rc = read_mlp(m, &m->layers[l], l, err);
    return rc;
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

/* The same values, be they stored in two types? Of block types only equal bytes count. */
static int same_values(const struct ll_tensor *a, const struct ll_tensor *b)
{
    enum { SOME = 256 };
    const struct ll_dtype_info *A = ll_dtype_info(a->dtype), *B = ll_dtype_info(b->dtype);
    float x[SOME], y[SOME];
    size_t n = A->block == 1 && A->is_float ? a->size / (size_t)A->block_bytes : 0, some;
    if (a->dtype == b->dtype)
        return a->size == b->size && !memcmp(a->data, b->data, a->size);
    if (!n || B->block != 1 || !B->is_float || n != b->size / (size_t)B->block_bytes)
        return 0;
    for (size_t i = 0; i < n; i += some) {
        some = n - i < SOME ? n - i : SOME;
        A->to_f32(a->data + i * (size_t)A->block_bytes, x, some);
        B->to_f32(b->data + i * (size_t)B->block_bytes, y, some);
        if (memcmp(x, y, some * sizeof *x))
            return 0;
    }
    return 1;
}

/* A tied head whose tensor is stored all the same. With equal values the embedding is used (pickled
 * checkpoints hold both); a different head counts, as in transformers, and the user is told. Stored without
 * the embedding it serves as both. */
static int settle_tie(struct ll_model *m, struct ll_err *err)
{
    const struct ll_tensor *emb = ll_role_tensor(m, LL_R_W_E, 0, 0),
                           *head = ll_role_tensor(m, LL_R_W_U, 0, 0);
    char key[LL_SETTING_PATH];
    if (!m->tied || !emb || !head || same_values(emb, head))
        return LL_OK;
    m->tied = 0;
    return ll_ckpt_note(m->ckpt, err,
                        "%s%s is true, but %s is stored and differs from %s: the stored one is used",
                        ll_setting_given(m, LL_S_TIED) ? "config.json: " : "by default ",
                        ll_setting_key(m, LL_S_TIED, key), head->name, emb->name);
}

int ll_model_open_settings(struct ll_model **model, const char *path, struct ll_err *err)
{
    struct ll_model *m = calloc(1, sizeof *m);
    *model = NULL;
    if (!m)
        return ll_fail_mem(err, "model", sizeof *m);
    int rc = ll_ckpt_open(&m->ckpt, path, err);
    if (!rc)
        rc = ll_model_read_settings(m, err);
    if (!rc)
        rc = ll_tensor_names_open(m, err);
    if (!rc) {
        m->layers = calloc((size_t)m->n_layers, sizeof *m->layers);
        m->expert_mlps = calloc((size_t)m->n_layers * (size_t)m->n_experts + 1, sizeof *m->expert_mlps);
        m->layer_of = malloc(sizeof *m->layer_of * ((size_t)m->ckpt->n_tensors + 1));
        for (int i = 0; m->layer_of && i < m->ckpt->n_tensors; i++)
            m->layer_of[i] = LL_UNUSED;
        rc = m->layers && m->expert_mlps && m->layer_of
            ? LL_OK
            : ll_fail_mem(err, "layers", sizeof *m->layers * (size_t)m->n_layers);
    }
    if (!rc)
        rc = settle_tie(m, err);
    if (rc)
        ll_model_close(m);
    else
        *model = m;
    return rc;
}

int ll_model_open(struct ll_model **model, const char *path, struct ll_err *err)
{
    struct ll_model *m;
    int rc = ll_model_open_settings(&m, path, err);
    *model = NULL;
    if (rc)
        return rc;
    if ((rc = read_weights(m, err)) || (rc = ll_note_unused(m, err))) {
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
        free(m->small[i].v);
    free(m->small);
    free(m->layer_of);
    free(m->layers);
    free(m->expert_mlps);
    ll_rope_free(&m->ropes[LL_ROPE_MAIN]);
    ll_rope_free(&m->ropes[LL_ROPE_LOCAL]);
    ll_tensor_names_close(&m->names);
    ll_ckpt_close(m->ckpt);
    free(m);
}

/* ---- whole layers ---------------------------------------------------------------------------- */

/* Is tensor i read by this layer (-1: embedding, n_layers: final norm and head)? A tied head reads the
 * embedding's matrix again. */
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

const char *ll_norm_kind_name(const struct ll_model *m)
{
    static const char *const names[] = {[LL_NORM_RMS] = "RMSNorm",
                                        [LL_NORM_RMS_PLUS_ONE] = "RMSNorm(1+w)",
                                        [LL_NORM_LAYER] = "LayerNorm",
                                        [LL_NORM_LAYER_NO_BIAS] = "LayerNorm without bias"};
    return names[m->family->norm];
}

static double weights_of(const struct ll_mat *w) { return (double)w->n * w->k; }
static double mlp_weights(const struct ll_mlp *mlp)
{
    return weights_of(&mlp->W_gate) + weights_of(&mlp->W_in) + weights_of(&mlp->W_out);
}

double ll_model_row_products(const struct ll_model *m)
{
    double n = 0;
    for (int l = 0; l < m->n_layers; l++) {
        const struct ll_layer *L = &m->layers[l];
        n += weights_of(&L->W_Q) + weights_of(&L->W_K) + weights_of(&L->W_V) + weights_of(&L->W_QKV)
            + weights_of(&L->W_O) + mlp_weights(&L->mlp);
        if (L->experts.n)
            n += weights_of(&L->experts.W_router) + L->experts.top_k * mlp_weights(&L->experts.mlps[0])
                + mlp_weights(&L->experts.shared);
    }
    return n;
}

int ll_model_n_unused(const struct ll_model *m)
{
    int n = 0;
    for (int i = 0; i < m->ckpt->n_tensors; i++)
        n += m->layer_of[i] == LL_UNUSED;
    return n;
}

long long ll_model_weight_bytes(const struct ll_model *m)
{
    long long n = 0;
    for (int i = 0; i < m->ckpt->n_tensors; i++)
        n += m->layer_of[i] != LL_UNUSED ? (long long)m->ckpt->tensors[i].size : 0;
    return n;
}
