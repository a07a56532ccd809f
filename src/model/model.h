/* model.h - a checkpoint read as a model: dimensions, weights as stored, and the facts the pass needs.
 *
 * Weights stay in the mapped files (struct ll_mat borrows them); only gains, biases and rotary frequencies,
 * which are small, are kept as float copies (a norm's gain with the family's offset already added). Read-only
 * after opening: any number of passes may share a model. */
#ifndef LL_MODEL_H
#define LL_MODEL_H
#include "ckpt.h"
#include "engine.h"
#include "family.h"

struct ll_pass_ops;

struct ll_norm {
    const float *w; /* [d] gain as multiplied; NULL: this norm does not exist */
    const float *b; /* [d] added afterwards; NULL: none */
    int d;
    float eps;              /* inside the root */
    enum ll_norm_kind kind; /* with or without the mean taken off */
};

/* Rotary frequencies of one kind of layer: angle(pos, i) = pos * inv_freq[i]; the first d_rot values of a
 * head turn. */
struct ll_rope {
    float *inv_freq; /* [d_rot/2], scaling included; owned */
    int d_rot;
    int interleaved;  /* pairs (2i, 2i+1) instead of (i, i + d_rot/2) */
    const char *kind; /* "default", "linear", "llama3", "yarn", ...: rope.h */
    int grows_from; /* "dynamic": the base of sequences longer than this grows with their length; 0: it never
                       does */
    float grows_by; /* the factor of it */
    float *long_freq; /* longrope: [d_rot/2] for sequences of more than short_up_to positions; NULL: none;
                         owned */
    int short_up_to;
    float attn_factor; /* cos and sin times this; 1 for most */
    double theta;      /* the base */
};

/* An MLP: W_out (act(W_gate x) * W_in x), or W_out act(W_in x) where there is no gate (W_gate.n == 0). */
struct ll_mlp {
    struct ll_mat W_gate, W_in, W_out;  /* [d_mlp, d_model] x2, [d_model, d_mlp] */
    const float *b_gate, *b_in, *b_out; /* NULL: none */
};

/* A mixture of experts: softmax over W_router x; the outputs of the top_k experts are added, their
 * probabilities being the weights. */
struct ll_experts {
    int n, top_k;                  /* n 0: this layer has none */
    int renormalised;              /* weights of the chosen divided by their sum */
    struct ll_mat W_router;        /* [n, d_model] */
    const struct ll_mlp *mlps;     /* [n], owned by the model */
    struct ll_mlp shared;          /* takes every token, times sigmoid(W_shared_router x); W_in.n 0: none */
    struct ll_mat W_shared_router; /* [1, d_model] */
};

struct ll_layer {
    struct ll_norm ln1, ln1_post, ln2, ln2_post, q_norm, k_norm;
    struct ll_mat W_Q, W_K, W_V,
        W_O; /* [n_heads*d_head, d_model], [n_kv_heads*d_head, d_model] x2, [d_model, n_heads*d_head] */
    struct ll_mat W_QKV; /* instead of the three: rows [n_kv_heads][its q heads, k, v][d_head]; n 0: none */
    const float *b_Q, *b_K, *b_V, *b_O, *b_QKV; /* NULL: none */
    struct ll_mlp mlp;                          /* empty in a layer of experts */
    struct ll_experts experts;                  /* n 0: this layer has an MLP instead */
    const struct ll_rope *rope; /* one of the model's ropes; NULL: no rotation in this layer */
    int parallel;               /* the MLP reads the block's input: ln2 of it, or what ln1 gave */
    int window;                 /* positions seen, itself included; 0: all */
    float attn_scale, attn_cap,
        resid_scale; /* the model's own in every layer; a variant (src/diag) changes some */
    enum ll_act act;
};

enum {
    LL_ROPE_MAIN,
    LL_ROPE_LOCAL /* of layers with a window, where these have their own */,
    LL_MAX_ROPES = 3
};
enum { LL_UNUSED = -2 };

/* A gain or bias as floats. */
struct ll_small {
    float *v;
    int n;
    const struct ll_tensor *from;
}; /* v owned; from NULL: a variant made it */

/* How this checkpoint spells its tensors (names.h). Of GGUF: empty. */
struct ll_alias {
    const char *name;
    const struct ll_tensor *tensor;
};
struct ll_tensor_names {
    size_t root;            /* bytes of the family's names that `body` stands for */
    char *body, *head;      /* owned: what stands in front of the body's and of the head's names */
    struct ll_alias *alias; /* owned: all names without wrappers' parts, sorted; NULL: none has any */
    int n_alias;
    char *text; /* owned: where these names lie */
};

struct ll_model {
    struct ll_ckpt *ckpt;          /* owned */
    const struct ll_pass_ops *ops; /* how passes over it compute (pass_ops.h); NULL: plainly; borrowed */
    const struct ll_family *family;
    const char
        *root; /* where the text model's settings stand in the checkpoint's: "" or the family's wraps */
    struct ll_tensor_names names;
    int n_layers, d_model, n_heads, n_kv_heads, d_head, d_mlp, d_vocab;
    int d_mlp_max;                            /* the widest of d_mlp, experts and shared expert */
    int n_experts, top_k, d_expert, d_shared; /* 0: no layer has experts */
    int n_positions;                          /* rows of W_pos; 0: no learned positions */
    long long n_ctx, n_params;
    double norm_eps;
    float emb_scale, resid_scale, attn_scale,
        logit_scale;           /* multipliers, 1: none (attn_scale: of the scores) */
    float attn_cap, logit_cap; /* 0: none */
    enum ll_act act;
    int tied;
    const struct ll_tensor *W_E;   /* [d_vocab, d_model] */
    const struct ll_tensor *W_pos; /* [n_positions, d_model], or NULL */
    struct ll_mat W_U;             /* [d_vocab, d_model] */
    const float *b_U;              /* [d_vocab], or NULL */
    struct ll_norm ln_final;
    struct ll_rope
        ropes[LL_MAX_ROPES]; /* [n_ropes] the different rotations of its layers; behind them all zero */
    int n_ropes;
    struct ll_layer *layers;    /* [n_layers], owned */
    struct ll_mlp *expert_mlps; /* [n_layers, n_experts], owned */
    int *layer_of;              /* [ckpt->n_tensors] which layer reads a tensor: 0.., -1 embedding, n_layers
                                   final norm and head, LL_UNUSED none; owned */
    struct ll_small *small;     /* [n_small], owned */
    int n_small;
};

/* Open and resolve. Returns LL_OK, LL_EUSAGE (missing tensor, wrong shape, bad setting: named), LL_EUNSUP
 * (unknown architecture: lists the known ones; unknown activation, rope kind or storage type) or LL_EFAIL. */
int ll_model_open(struct ll_model **model, const char *path, struct ll_err *err);
/* The same without a look at any tensor: checkpoint, family and all that settings decide; layers are empty,
 * layer_of is LL_UNUSED throughout. For reports about checkpoints that ll_model_open refuses. */
int ll_model_open_settings(struct ll_model **model, const char *path, struct ll_err *err);
void ll_model_close(struct ll_model *model); /* NULL is fine */

/* Tell the kernel about the weights of a layer: read ahead, or drop behind. layer n_layers: the head. */
void ll_model_will_need(const struct ll_model *model, int layer);
void ll_model_dont_need(const struct ll_model *model, int layer);
/* Logits are not finite: 1 with the tensor and value in *err when the head holds such a value (or, where
 * already its input was not finite, the final norm), else 0 with *err untouched. What the pass itself meets
 * is said by ll_forward. */
int ll_blame_head(const struct ll_model *model, int input_is_finite, struct ll_err *err);
const char *ll_norm_kind_name(
    const struct ll_model *model); /* "RMSNorm", "RMSNorm(1+w)", "LayerNorm", "LayerNorm without bias" */
const char *ll_act_name(enum ll_act act);
int ll_layer_window(const struct ll_model *model,
                    int layer); /* positions that a layer sees, itself included; 0: all */
long long ll_model_weight_bytes(
    const struct ll_model *model);                   /* stored bytes of all tensors the pass reads */
int ll_model_n_unused(const struct ll_model *model); /* tensors that it does not read */
/* Multiplications by weights that a token position costs in all blocks (of experts, those that a token
 * chooses). */
double ll_model_row_products(const struct ll_model *model);
#endif
