/* forward.h - the forward pass: one readable function over the hook points of hook.h.
 *
 *     embed (+ learned positions)
 *     n_layers times: ln1 -> q, k, v -> (norm of q, k) -> rotation -> attention -> W_O -> (ln1_post) -> +
 *                     ln2 -> gate, up -> activation -> W_out -> (ln2_post) -> +
 *     ln_final (-> logits, if somebody listens)
 *
 * What a family does not have is left out: a norm, the gate, the rotation. In a parallel block attention and
 * MLP both read the block's input; in a layer of experts the MLP is a weighted sum of a few. forward.c holds
 * the block as a whole, blocks/ a file for each kind of half block, pass_ops.h the arithmetic between hooks.
 *
 * A batch is any number of independent sequences, laid end to end. The pass is layer-major: all sequences go
 * through layer l before layer l+1 is touched, so each weight is read once per batch; within a layer the
 * sequences go in chunks of whole sequences, which bounds the workspace. No bit of a sequence's result
 * depends on its batch mates. Nothing is allocated inside ll_forward. */
#ifndef LL_FORWARD_H
#define LL_FORWARD_H
#include "hook.h"
#include "model.h"

struct ll_pass_ops; /* pass_ops.h */

struct ll_batch {
    int n_seq;
    const int *start; /* [n_seq + 1] first row of each sequence; start[n_seq] = rows in all; borrowed */
    const int *ids;   /* [rows] token ids; borrowed; not read when the pass starts above layer 0 */
};

/* cos and sin of the positions, [max_seq, d_rot/2] each. */
struct ll_rope_rows {
    float *cos, *sin;
};

/* The working memory of passes: made once for the largest batch, used by one pass at a time. */
struct ll_pass {
    const struct ll_model *model; /* borrowed */
    struct ll_engine *engine;     /* borrowed */
    int max_rows, max_seq, chunk_rows;
    float *resid;     /* [max_rows, d_model] the stream; after a pass the residual of its last layer; owned */
    float *normed;    /* [chunk_rows, d_model] */
    float *scale;     /* [max_rows] rms or standard deviation of the last norm */
    float *qkv;       /* [chunk_rows, (n_heads + 2 n_kv_heads) * d_head] */
    float *fused;     /* the same size, only for projections interleaved by head */
    float *z;         /* [chunk_rows, n_heads * d_head] */
    float *out;       /* [chunk_rows, d_model] attn_out, mlp_out */
    float *gate, *up; /* [chunk_rows, d_mlp_max] */
    float *router; /* [chunk_rows, n_experts] the router's logits; this and the next six only with experts */
    int *chosen;   /* [chunk_rows, top_k] experts of each row */
    float *weight; /* [chunk_rows, top_k] their weights */
    int *taken;    /* [chunk_rows] rows that chose the expert at hand */
    float *share;  /* [chunk_rows] their weights for it */
    float *gathered, *expert_out; /* [chunk_rows, d_model] what it reads and gives */
    float *final; /* [max_rows, d_model] ln_final.normalized after a pass through the last layer */
    struct ll_rope_rows rope_rows[LL_MAX_ROPES][2]; /* a rotation each; [1] for long sequences */
    float *scores, *pattern; /* [n_heads, max_seq, max_seq], only when listeners want them */
    float *logits;           /* [max_rows, d_vocab], only when listeners want them */
    struct ll_attn *attn;    /* [chunk_rows] one a sequence */
    const struct ll_listener *listeners;
    int n_listeners;              /* borrowed; set by ll_pass_init */
    const struct ll_batch *batch; /* of the ll_forward at work or last done; borrowed */
    int allow_nonfinite;          /* 0: a NaN or infinity in the stream ends the pass with a named reason */
    int met_nonfinite; /* that is how the last pass ended: 1 the reason names the tensor, 2 no weight there is
                          at fault */
    int drop_behind;   /* 1: tell the kernel to forget a layer's weights once used (larger than memory) */
    const struct ll_pass_ops *ops; /* the model's, or the plain ones; another table may be set after
                                      ll_pass_init; borrowed */
    void (*progress)(void *arg, int layer, int n_layers); /* after each layer; may be NULL */
    void *progress_arg;
};

/* What a pass is made for: batches of up to max_rows rows with sequences of up to max_seq positions. Model
 * and listeners stay borrowed for the life of the pass. */
struct ll_pass_plan {
    const struct ll_model *model;
    int max_rows, max_seq;
    const struct ll_listener *listeners; /* NULL: none */
    int n_listeners;
};
/* Make its working memory; plan itself is not kept. Returns LL_OK, LL_EUSAGE (sizes), LL_EFAIL (memory).
 * After a failure there is nothing to free. */
int ll_pass_init(struct ll_pass *pass, const struct ll_pass_plan *plan, struct ll_engine *engine,
                 struct ll_err *err);
void ll_pass_free(struct ll_pass *pass); /* an empty one is fine */
/* Bytes that ll_pass_init would allocate, engine scratch excluded. */
long long ll_pass_bytes(const struct ll_pass_plan *plan);

/* Run layers from..to-1 (0 <= from <= to <= n_layers) over the batch. from 0 embeds batch->ids first; from >
 * 0 goes on from what pass->resid holds (rows in batch order). to == n_layers ends with ln_final into
 * pass->final. Returns LL_OK, LL_EUSAGE (id outside the vocabulary, batch larger than the pass was made for,
 * more tokens than learned positions; NaN or infinite weights or activations, with the first tensor at
 * fault), or what a listener returned. */
int ll_forward(struct ll_pass *pass, const struct ll_batch *batch, int from, int to, struct ll_err *err);
#endif
