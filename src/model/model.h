/* model.h - a checkpoint read as a model: dimensions, weights as stored, and the facts the pass needs.
 *
 * Weights stay in the mapped files (struct ll_mat borrows them); only gains, biases and rotary frequencies, which are
 * small, are kept as float copies (a norm's gain with the family's offset already added). Read-only after opening: any
 * number of passes may share a model. */
#ifndef LL_MODEL_H
#define LL_MODEL_H
#include "ckpt.h"
#include "engine.h"
#include "family.h"

struct ll_norm {
    const float *w;         /* [d] gain as multiplied; NULL: this norm does not exist */
    int d;
    float eps;              /* inside the root */
};

/* Rotary frequencies of one kind of layer: angle(pos, i) = pos * inv_freq[i]; the first d_rot values of a head turn. */
struct ll_rope {
    float *inv_freq;        /* [d_rot/2], scaling included; owned */
    int d_rot;
    int interleaved;        /* pairs (2i, 2i+1) instead of (i, i + d_rot/2) */
    const char *kind;       /* "default", "linear", "llama3" */
};

struct ll_layer {
    struct ll_norm ln1, ln1_post, ln2, ln2_post, q_norm, k_norm;
    struct ll_mat W_Q, W_K, W_V, W_O;        /* [n_heads*d_head, d_model], [n_kv_heads*d_head, d_model] x2, [d_model, n_heads*d_head] */
    struct ll_mat W_gate, W_in, W_out;       /* [d_mlp, d_model] x2, [d_model, d_mlp] */
    const float *b_Q, *b_K, *b_V, *b_O, *b_gate, *b_in, *b_out;  /* NULL: none */
    int window;                              /* positions seen, itself included; 0: all */
};

enum { LL_UNUSED = -2 };

struct ll_model {
    struct ll_ckpt *ckpt;                    /* owned */
    const struct ll_family *family;
    int n_layers, d_model, n_heads, n_kv_heads, d_head, d_mlp, d_vocab;
    long long n_ctx, n_params;
    float norm_eps, emb_scale, attn_scale, attn_cap, logit_cap; /* caps: 0 = none */
    enum ll_act act;
    int tied;
    const struct ll_tensor *W_E;             /* [d_vocab, d_model] */
    struct ll_mat W_U;                       /* [d_vocab, d_model] */
    struct ll_norm ln_final;
    struct ll_rope rope;
    struct ll_layer *layers;                 /* [n_layers], owned */
    int *layer_of;                           /* [ckpt->n_tensors] which layer reads a tensor: 0.., -1 embedding, n_layers
                                                final norm and head, LL_UNUSED none; owned */
    float **small;                           /* owned float copies; n_small of them */
    int n_small;
};

/* Open and resolve. Returns LL_OK, LL_EUSAGE (missing tensor, wrong shape, bad setting: named), LL_EUNSUP (unknown
 * architecture: lists the known ones; unknown activation, rope kind or storage type) or LL_EFAIL. */
int ll_model_open(struct ll_model **model, const char *path, struct ll_err *err);
void ll_model_close(struct ll_model *model); /* NULL is fine */

/* Tell the kernel about the weights of a layer: read ahead, or drop behind. layer n_layers: the head. */
void ll_model_will_need(const struct ll_model *model, int layer);
void ll_model_dont_need(const struct ll_model *model, int layer);
/* First tensor of the layer (-1: embedding, n_layers: final norm and head) holding a NaN or infinity: its name and flat
 * index; NULL when all are finite. */
const char *ll_model_nonfinite(const struct ll_model *model, int layer, int64_t *index);
const char *ll_norm_kind_name(const struct ll_model *model); /* "RMSNorm", "RMSNorm(1+w)" */
const char *ll_act_name(enum ll_act act);
long long ll_model_weight_bytes(const struct ll_model *model); /* stored bytes of all tensors the pass reads */
#endif
