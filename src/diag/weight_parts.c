/* weight_parts.c - see weight_parts.h */
#include "weight_parts.h"

#include "config.h"
#include "grow.h"
#include "names.h"
#include "shown.h"

#include <stdlib.h>
#include <string.h>

static const struct ll_weight_part_info infos[] = {
#define X(e, name, kind, layered) {name, LL_PART_##kind, layered},
    LL_WEIGHT_PARTS(X)
#undef X
};
const struct ll_weight_part_info *ll_weight_part(int part) { return &infos[part]; }

/* ---- what a layer should have ---------------------------------------------------------------- */

enum presence { ABSENT, OPTIONAL, NEEDED };
enum split { WHOLE, STACKED_QKV, GROUPED_QKV, HALVES };

/* A tensor that plays a role: its parts, and its shape as multiplied (k 0: a vector). */
struct want {
    enum ll_role role;
    enum presence there;
    int part;
    enum split split;
    int64_t n, k;
    int experts;
};

static enum presence of_part(const struct ll_model *m, const struct ll_part *p)
{
    return ll_part_stored(m, p) ? OPTIONAL : ll_part_wanted(m, p) ? NEEDED : ABSENT;
}

static enum presence needed_if(int yes) { return yes ? NEEDED : ABSENT; }

/* ln2 as ll_model_open decides it. */
static enum presence of_ln2(const struct ll_model *m)
{
    const struct ll_family *f = m->family;
    if (!f->names[LL_R_LN2])
        return ABSENT;
    return ll_part_wanted(m, &f->parallel) ? of_part(m, &f->parallel_ln2) : NEEDED;
}

static enum presence of_qk_norm(const struct ll_model *m)
{
    const struct ll_family *f = m->family;
    return needed_if(f->qk_norm != LL_QK_NONE && (!f->qk_norm_if.when || ll_part_wanted(m, &f->qk_norm_if)));
}

enum { MAX_WANTS = 40 };

static int wants_of_layer(const struct ll_model *m, int layer, struct want w[MAX_WANTS])
{
    const struct ll_family *f = m->family;
    int64_t d = m->d_model, dh = m->d_head, dq = m->n_heads * dh, dkv = m->n_kv_heads * dh,
            all = dq + 2 * dkv, ff = m->d_mlp, fx = m->d_expert, fs = m->d_shared;
    int apart = f->qkv == LL_QKV_APART, with_experts = ll_layer_has_experts(m, layer),
        fused = f->names[LL_R_W_GATE_IN] != NULL, gated = fused || f->names[LL_R_W_GATE] != NULL;
    enum presence ln_bias = needed_if(f->norm == LL_NORM_LAYER), post = needed_if(f->post_norms),
                  qkv_bias = of_part(m, &f->qkv_bias),
                  mlp_bias = with_experts ? ABSENT : of_part(m, &f->mlp_bias);
    enum presence ln2 = of_ln2(m), qk = of_qk_norm(m), shared = needed_if(with_experts && m->d_shared);
    int64_t qn = f->qk_norm == LL_QK_HEAD_ONE_GAIN ? dh : dq,
            kn = f->qk_norm == LL_QK_HEAD_ONE_GAIN ? dh : dkv;
    enum split qkv = f->qkv == LL_QKV_GROUPED ? GROUPED_QKV : STACKED_QKV;
    const struct want list[] = {
        {LL_R_LN1, needed_if(f->names[LL_R_LN1] != NULL), LL_WP_LN1, WHOLE, d, 0, 0},
        {LL_R_LN1_B, f->names[LL_R_LN1] ? ln_bias : ABSENT, LL_WP_LN1_B, WHOLE, d, 0, 0},
        {LL_R_LN1_POST, post, LL_WP_LN1_POST, WHOLE, d, 0, 0},
        {LL_R_W_Q, needed_if(apart), LL_WP_Q, WHOLE, dq, d, 0},
        {LL_R_W_K, needed_if(apart), LL_WP_K, WHOLE, dkv, d, 0},
        {LL_R_W_V, needed_if(apart), LL_WP_V, WHOLE, dkv, d, 0},
        {LL_R_B_Q, apart ? qkv_bias : ABSENT, LL_WP_B_Q, WHOLE, dq, 0, 0},
        {LL_R_B_K, apart ? qkv_bias : ABSENT, LL_WP_B_K, WHOLE, dkv, 0, 0},
        {LL_R_B_V, apart ? qkv_bias : ABSENT, LL_WP_B_V, WHOLE, dkv, 0, 0},
        {LL_R_W_QKV, needed_if(!apart), LL_WP_Q, qkv, all, d, 0},
        {LL_R_B_QKV, apart ? ABSENT : qkv_bias, LL_WP_B_Q, qkv, all, 0, 0},
        {LL_R_W_O, NEEDED, LL_WP_O, WHOLE, d, dq, 0},
        {LL_R_B_O, of_part(m, &f->o_bias), LL_WP_B_O, WHOLE, d, 0, 0},
        {LL_R_Q_NORM, qk, LL_WP_Q_NORM, WHOLE, qn, 0, 0},
        {LL_R_K_NORM, qk, LL_WP_K_NORM, WHOLE, kn, 0, 0},
        {LL_R_LN2, ln2, LL_WP_LN2, WHOLE, d, 0, 0},
        {LL_R_LN2_B, ln_bias == NEEDED ? ln2 : ABSENT, LL_WP_LN2_B, WHOLE, d, 0, 0},
        {LL_R_LN2_POST, post, LL_WP_LN2_POST, WHOLE, d, 0, 0},
        {LL_R_W_GATE_IN, needed_if(!with_experts && fused), LL_WP_GATE, HALVES, 2 * ff, d, 0},
        {LL_R_W_GATE, needed_if(!with_experts && !fused && gated), LL_WP_GATE, WHOLE, ff, d, 0},
        {LL_R_W_IN, needed_if(!with_experts && !fused), LL_WP_UP, WHOLE, ff, d, 0},
        {LL_R_W_OUT, needed_if(!with_experts), LL_WP_DOWN, WHOLE, d, ff, 0},
        {LL_R_B_GATE, gated ? mlp_bias : ABSENT, LL_WP_B_GATE, WHOLE, ff, 0, 0},
        {LL_R_B_IN, mlp_bias, LL_WP_B_UP, WHOLE, ff, 0, 0},
        {LL_R_B_OUT, mlp_bias, LL_WP_B_DOWN, WHOLE, d, 0, 0},
        {LL_R_ROUTER, needed_if(with_experts), LL_WP_ROUTER, WHOLE, m->n_experts, d, 0},
        {LL_R_X_GATE, needed_if(with_experts), LL_WP_GATE, WHOLE, fx, d, 1},
        {LL_R_X_IN, needed_if(with_experts), LL_WP_UP, WHOLE, fx, d, 1},
        {LL_R_X_OUT, needed_if(with_experts), LL_WP_DOWN, WHOLE, d, fx, 1},
        {LL_R_SHARED_ROUTER, shared, LL_WP_SHARED_MIX, WHOLE, 1, d, 0},
        {LL_R_SHARED_GATE, shared, LL_WP_SHARED_GATE, WHOLE, fs, d, 0},
        {LL_R_SHARED_IN, shared, LL_WP_SHARED_UP, WHOLE, fs, d, 0},
        {LL_R_SHARED_OUT, shared, LL_WP_SHARED_DOWN, WHOLE, d, fs, 0},
    };
    memcpy(w, list, sizeof list);
    return (int)(sizeof list / sizeof *list);
}

static int wants_of_ends(const struct ll_model *m, struct want w[MAX_WANTS])
{
    const struct ll_family *f = m->family;
    int64_t d = m->d_model;
    const struct want list[] = {
        {LL_R_W_E, NEEDED, LL_WP_EMBED, WHOLE, m->d_vocab, d, 0},
        {LL_R_W_POS, needed_if(m->n_positions > 0), LL_WP_POSITIONS, WHOLE, m->n_positions, d, 0},
        {LL_R_W_U, needed_if(!m->tied), LL_WP_HEAD, WHOLE, m->d_vocab, d, 0},
        {LL_R_B_U, of_part(m, &f->head_bias), LL_WP_B_HEAD, WHOLE, m->d_vocab, 0, 0},
        {LL_R_LN_FINAL, NEEDED, LL_WP_LN_FINAL, WHOLE, d, 0, 0},
        {LL_R_LN_FINAL_B, needed_if(f->norm == LL_NORM_LAYER), LL_WP_LN_FINAL_B, WHOLE, d, 0, 0},
    };
    memcpy(w, list, sizeof list);
    return (int)(sizeof list / sizeof *list);
}

/* ---- where it lies --------------------------------------------------------------------------- */

static int add_run(struct ll_weights *w, struct ll_weight_run run, struct ll_err *err)
{
    if (w->n_runs == w->cap_runs) {
        struct ll_weight_run *grown =
            ll_grow_int(w->runs, &w->cap_runs, sizeof *grown, 256, "list of weights", err);
        if (!grown)
            return LL_EFAIL;
        w->runs = grown;
    }
    w->runs[w->n_runs++] = run;
    return LL_OK;
}

/* A tensor that reads k values (0: a vector), stored [n, k], or [k, n] where it is transposed. */
struct stored {
    const struct ll_tensor *t;
    int transposed;
    int64_t k;
};

/* Outputs n0..n0+n of the tensor (its rows, or its columns where it is transposed) belong to a part. */
static int add_outputs(struct ll_weights *w, int row, int part, const struct stored *of, int64_t n0,
                       int64_t n, struct ll_err *err)
{
    const struct ll_tensor *t = of->t;
    const int64_t k = of->k;
    struct ll_weight_cell *c = &w->layers[row].cell[part];
    struct ll_weight_run run = {.tensor = t, .row = row, .part = part};
    int64_t rows = t->n_dims == 3 ? t->dims[0] * t->dims[1]
        : t->n_dims == 2          ? t->dims[0]
                                  : 1,
            len = t->n_dims ? t->dims[t->n_dims - 1] : 1;
    if (of->transposed || t->n_dims < 2) { /* [k, n], or a vector */
        run.n_rows = rows;
        run.row_len = len;
        run.col0 = n0;
        run.n_cols = n;
    } else {
        run.row0 = n0;
        run.n_rows = n;
        run.row_len = run.n_cols = len;
    }
    c->tensor = c->tensor ? c->tensor : t;
    c->n += run.n_rows * run.n_cols;
    c->rows = k ? (c->rows && c->tensor == t ? c->rows + n : n) : 1;
    c->cols = k ? k : (c->cols && c->tensor == t ? c->cols + n : n);
    return add_run(w, run, err);
}

static int add_split(struct ll_weights *w, int row, const struct want *x, const struct ll_tensor *t,
                     int transposed, struct ll_err *err)
{
    const struct ll_model *m = w->model;
    int64_t dh = m->d_head, per = m->n_heads / m->n_kv_heads, dq = m->n_heads * dh, dkv = m->n_kv_heads * dh;
    const struct stored of = {t, transposed, x->k};
    int q = x->part, rc = LL_OK;
    if (x->split == HALVES) {
        rc = add_outputs(w, row, LL_WP_GATE, &of, 0, x->n / 2, err);
        return rc ? rc : add_outputs(w, row, LL_WP_UP, &of, x->n / 2, x->n / 2, err);
    }
    if (x->split == STACKED_QKV) {
        if ((rc = add_outputs(w, row, q, &of, 0, dq, err))
            || (rc = add_outputs(w, row, q + 1, &of, dq, dkv, err)))
            return rc;
        return add_outputs(w, row, q + 2, &of, dq + dkv, dkv, err);
    }
    for (int64_t g = 0; g < m->n_kv_heads && !rc; g++) {
        int64_t at = g * (per + 2) * dh;
        if ((rc = add_outputs(w, row, q, &of, at, per * dh, err))
            || (rc = add_outputs(w, row, q + 1, &of, at + per * dh, dh, err)))
            return rc;
        rc = add_outputs(w, row, q + 2, &of, at + (per + 1) * dh, dh, err);
    }
    return rc;
}

/* The shape is what the settings say: [n, k] ([k, n] transposed), [n], experts as one tensor [n_experts, n,
 * k]. */
static int fits(const struct ll_model *m, const struct want *x, const struct ll_tensor *t, int transposed)
{
    int64_t n = transposed ? x->k : x->n, k = transposed ? x->n : x->k;
    if (x->experts && t->n_dims == 3)
        return t->dims[0] == m->n_experts && t->dims[1] == n && t->dims[2] == k;
    if (!x->k && t->n_dims == 2) /* [heads, d_head] read as one list */
        return t->dims[0] * t->dims[1] == n;
    return x->k ? t->n_dims == 2 && t->dims[0] == n && t->dims[1] == k : t->n_dims == 1 && t->dims[0] == n;
}

static void put_shape(struct ll_buf *b, const struct ll_tensor *t)
{
    for (int i = 0; i < t->n_dims; i++)
        ll_buf_addf(b, "%s%lld", i ? ", " : "", (long long)t->dims[i]);
}

/* One tensor into its cells. One that does not fit keeps its values in one cell: it is described, not
 * divided. */
static int add_tensor(struct ll_weights *w, int row, const struct want *x, const struct ll_tensor *t,
                      struct ll_err *err)
{
    const struct ll_model *m = w->model;
    struct ll_weight_layer *L = &w->layers[row];
    const struct ll_dtype_info *type = ll_dtype_info(t->dtype);
    int transposed = x->k && m->family->transposed && !m->ckpt->gguf && row < w->n_layers,
        good = fits(m, x, t, transposed), whole = !good || x->split == WHOLE;
    m->layer_of[t - m->ckpt->tensors] = row < w->n_layers ? row
        : x->role == LL_R_W_E || x->role == LL_R_W_POS    ? -1
                                                          : m->n_layers;
    if (!good || (!type->is_float && !t->packed)) {
        ll_buf_addf(&L->wrong_shapes, "%s%s: expected [%lld%s", L->wrong_shapes.len ? "; " : "", t->name,
                    (long long)(transposed ? x->k : x->n), x->k ? ", " : "]");
        if (x->k)
            ll_buf_addf(&L->wrong_shapes, "%lld]", (long long)(transposed ? x->n : x->k));
        ll_buf_adds(&L->wrong_shapes, ", found [");
        put_shape(&L->wrong_shapes, t);
        ll_buf_addf(&L->wrong_shapes, "] of %s", ll_tensor_type(t));
    }
    if (!type->is_float && !t->packed)
        return LL_OK;
    if (!whole)
        return add_split(w, row, x, t, transposed, err);
    int64_t rows = t->n_dims == 3 ? t->dims[0] * t->dims[1]
        : t->n_dims == 2          ? t->dims[0]
                                  : 1,
            len = t->n_dims ? t->dims[t->n_dims - 1] : 1;
    struct ll_weight_cell *c = &L->cell[x->part];
    c->tensor = c->tensor ? c->tensor : t;
    c->n += rows * len;
    c->n_tensors++;
    c->rows = !x->k ? 1 : transposed ? len : t->n_dims == 3 ? t->dims[1] : rows;
    c->cols = !x->k ? rows * len : transposed ? rows : len;
    return add_run(w,
                   (struct ll_weight_run){.tensor = t,
                                          .row = row,
                                          .part = x->part,
                                          .n_rows = rows,
                                          .row_len = len,
                                          .n_cols = len},
                   err);
}

static int add_wants(struct ll_weights *w, int row, const struct want *list, int n, struct ll_err *err)
{
    const struct ll_model *m = w->model;
    struct ll_weight_layer *L = &w->layers[row];
    int rc = LL_OK;
    for (int i = 0; i < n && !rc; i++) {
        const struct want *x = &list[i];
        for (int e = 0,
                 n_parts = x->there == ABSENT ? 0
                 : x->experts                 ? m->n_experts
                                              : 1;
             e < n_parts && !rc; e++) {
            const struct ll_tensor *t = ll_role_tensor(m, x->role, row, e);
            char name[LL_NAME_BYTES];
            if (t)
                rc = add_tensor(w, row, x, t, err);
            else if (x->there == NEEDED && ll_role_name(m, x->role, row, e, name))
                ll_buf_addf(&L->missing, "%s%s", L->missing.len ? "; " : "", name);
            if (x->experts && m->ckpt->gguf)
                break; /* one tensor holds them all */
        }
    }
    for (int p = 0; p < LL_N_WEIGHT_PARTS; p++)
        L->params += L->cell[p].n;
    return rc ? rc : ll_buf_ok(&L->missing, err);
}

/* Tensors of a block that no role names. */
static int add_extras(struct ll_weights *w, struct ll_err *err)
{
    const struct ll_model *m = w->model;
    int rc = LL_OK;
    for (int i = 0; i < m->ckpt->n_tensors && !rc; i++) {
        const char *rest;
        int layer = m->layer_of[i] == LL_UNUSED ? ll_name_layer(m, m->ckpt->tensors[i].name, &rest) : -1;
        if (layer < 0 || layer >= w->n_layers)
            continue;
        struct ll_buf *b = &w->layers[layer].extra;
        ll_buf_addf(b, "%s%s", b->len ? "; " : "", rest);
        rc = ll_buf_ok(b, err);
    }
    return rc;
}

static int count_layers(struct ll_weights *w, struct ll_err *err)
{
    const struct ll_model *m = w->model;
    unsigned char seen[4096] = {0};
    const char *rest;
    for (int i = 0; i < m->ckpt->n_tensors; i++) {
        int layer = ll_name_layer(m, m->ckpt->tensors[i].name, &rest);
        if (layer < 0)
            continue;
        w->n_stored += !seen[layer];
        seen[layer] = 1;
        w->n_layers = layer >= w->n_layers ? layer + 1 : w->n_layers;
    }
    w->layers = calloc((size_t)w->n_layers + 1, sizeof *w->layers);
    return w->layers ? LL_OK : ll_fail_mem(err, "layers", sizeof *w->layers * (size_t)w->n_layers);
}

/* Names from outside, as people may see them. */
static void make_plain(struct ll_buf *b)
{
    if (!b->s)
        return;
    ll_shown_name(b->s);
    b->len = strlen(b->s);
}

int ll_weights_find(struct ll_weights *w, struct ll_model *m, struct ll_err *err)
{
    struct want list[MAX_WANTS];
    memset(w, 0, sizeof *w);
    w->model = m;
    w->n_config = w->n_layers = m->n_layers;
    int rc = count_layers(w, err);
    for (int l = 0; l <= w->n_layers && !rc; l++) {
        for (int p = 0; p < LL_N_WEIGHT_PARTS; p++)
            ll_tensor_stats_init(&w->layers[l].cell[p].stats);
        int n = l < w->n_layers ? wants_of_layer(m, l, list) : wants_of_ends(m, list);
        rc = add_wants(w, l, list, n, err);
    }
    if (!rc)
        rc = add_extras(w, err);
    for (int l = 0; l <= w->n_layers && !rc; l++) {
        make_plain(&w->layers[l].missing);
        make_plain(&w->layers[l].wrong_shapes);
        make_plain(&w->layers[l].extra);
    }
    return rc;
}

void ll_weights_free(struct ll_weights *w)
{
    for (int l = 0; w->layers && l <= w->n_layers; l++) {
        ll_buf_free(&w->layers[l].missing);
        ll_buf_free(&w->layers[l].wrong_shapes);
        ll_buf_free(&w->layers[l].extra);
    }
    free(w->layers);
    free(w->runs);
    memset(w, 0, sizeof *w);
}
