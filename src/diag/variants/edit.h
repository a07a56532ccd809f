/* edit.h - inside variants/: what a switch works on, and all switches' functions. */
#ifndef LL_VARIANTS_EDIT_H
#define LL_VARIANTS_EDIT_H
#include "pass_ops.h"
#include "variant.h"

/* A changed copy of a model, and what a pass over it does otherwise. */
struct ll_variant {
    struct ll_model model;     /* first: who has the model has the variant; its ops point at those below */
    struct ll_pass_ops ops;    /* order.c */
    unsigned *mistakes;        /* [n_layers] LL_MISTAKE_* of each layer; owned */
    const struct ll_rope *own; /* the rotation that one layer has for itself; NULL: none */
};

/* What a switch is applied to: layers from..to-1 (whole: it was given without a layer), and the number with
 * it. */
struct ll_edit {
    struct ll_variant *variant;
    struct ll_model *m; /* the variant's model */
    int from, to, whole;
    double value;
    struct ll_err *err;
};
/* A copy of n floats that the variant owns; x NULL: room for them. NULL: no memory, err is filled in. */
float *ll_edit_copy(struct ll_edit *e, const float *x, int n);
/* A rotation's lists become the variant's own. LL_OK or LL_EFAIL. */
int ll_edit_own_freqs(struct ll_edit *e, struct ll_rope *r);

/* Each returns how many things it changed, 0: the model has nothing of the kind; or a negative code. */
typedef int ll_edit_fn(struct ll_edit *e);
/* norms.c */
ll_edit_fn ll_edit_eps_scaled, ll_edit_eps_value, ll_edit_norm_offset, ll_edit_norm_bias_off,
    ll_edit_norm_rms, ll_edit_norm_layer, ll_edit_qk_norm_off, ll_edit_post_norm_off;
/* rope.c */
ll_edit_fn ll_edit_rope_pairs, ll_edit_rope_base, ll_edit_rope_scaling_off, ll_edit_rope_off,
    ll_edit_rope_local_off;
/* projections.c */
ll_edit_fn ll_edit_bias_off, ll_edit_bias_qkv_off, ll_edit_bias_o_off, ll_edit_bias_mlp_off,
    ll_edit_kv_swapped, ll_edit_qk_permute;
/* attention.c */
ll_edit_fn ll_edit_attn_cap_off, ll_edit_attn_scale_head, ll_edit_attn_scale_model, ll_edit_attn_scale_one,
    ll_edit_window_off, ll_edit_window_shift;
/* mlp.c */
ll_edit_fn ll_edit_act_other, ll_edit_mlp_swapped, ll_edit_renorm_flipped, ll_edit_resid_scale_off,
    ll_edit_block_parallel, ll_edit_block_sequential;
/* order.c */
ll_edit_fn ll_edit_act_order, ll_edit_bias_late, ll_edit_qk_norm_late, ll_edit_grouping_modulo;
/* ends.c */
ll_edit_fn ll_edit_emb_scale_off, ll_edit_emb_scale_root, ll_edit_logit_scale_off, ll_edit_logit_scale_emb,
    ll_edit_logit_cap_off, ll_edit_head_bias_off;

/* table.c: all switches. A name that ends with VALUE takes a number in lo..hi; the others have their own. */
struct ll_edit_row {
    struct ll_switch s;
    ll_edit_fn *apply;
    double value, lo, hi;
};
extern const struct ll_edit_row ll_edit_rows[];
extern const int ll_n_edit_rows;

/* order.c: the operations of a pass over the variant. */
struct ll_pass_ops ll_variant_ops_of(struct ll_variant *v);

/* A mistake that changes fields of a layer, in each layer of the edit: `body` counts in n. */
#define EACH_LAYER(name, body) \
    int name(struct ll_edit *e) \
    { \
        int n = 0; \
        for (int l = e->from; l < e->to; l++) { \
            struct ll_layer *L = &e->m->layers[l]; \
            (void)L; \
            body \
        } \
        return n; \
    }
#define DROP(p) (n += (p) != NULL, (p) = NULL)
#define PUT(field, to) \
    do { \
        if ((field) != (to)) { \
            (field) = (to); \
            n++; \
        } \
    } while (0)
#endif
