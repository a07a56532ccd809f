/* pass_ops.h - the arithmetic of the forward pass: the table of operations that the pass (forward.c, blocks/)
 * calls between its hooks.
 *
 * The plain table, ll_pass_ops_plain, holds the engine's functions. To run the same pass with other
 * arithmetic, copy it, replace functions in the copy, and give the copy to a pass (ll_pass.ops, after
 * ll_pass_init) or to a model (ll_model.ops: every pass over the model then uses it). src/diag does this
 * three times: half_policy.c rounds the result of each operation, double_policy.c multiplies in double, and
 * variants/order.c makes usual mistakes on purpose. A function that changes little calls the plain one and
 * works on its result. */
#ifndef LL_PASS_OPS_H
#define LL_PASS_OPS_H
#include "forward.h"
#include "ops.h"

/* What the pass works on at a time: some sequences of the batch, whole, in one block. */
struct ll_chunk {
    const struct ll_batch *batch;
    int seq0, seq1;           /* sequences seq0..seq1-1 */
    int row0, n;              /* rows row0..row0+n-1 */
    int layer;                /* -1: outside the blocks, and then the whole batch */
    const struct ll_layer *L; /* NULL outside the blocks */
};

/* y [n, w->n] = x [n, w->k] . w^T, then the bias on each row. x and y do not overlap. */
struct ll_product {
    const struct ll_mat *w;
    const float *bias; /* NULL: none */
    struct ll_rows x, y;
    enum ll_role role; /* which weight it is; of an expert's three matrices as of an MLP's */
};

/* The heads of q or of k, side by side in each row. */
struct ll_heads {
    struct ll_rows rows;
    int n;                      /* heads a row */
    const struct ll_norm *norm; /* of this layer for them; its w NULL: none */
    const float *bias;          /* [n * d_head] what their projection added; NULL: nothing */
};

/* Each function reads and writes what its arguments name and no other buffer of the pass (embed alone may
 * also use p->out), on all threads. None can fail: where a table's own function may lack memory, what `own`
 * points at remembers it. */
struct ll_pass_ops {
    void *own;        /* what the functions of a table share; found as p->ops->own; borrowed; NULL: nothing */
    int hides_scores; /* 1: attend goes from q, k, v to z in one step: attn_scores and pattern do not fire */

    /* x [n, d_model]: each token's row, times the model's multiplier, plus the row of its position. */
    void (*embed)(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x);
    /* y = norm(x), row by row; y may be x. scale [n]: each row's rms or standard deviation. */
    void (*norm)(struct ll_pass *p, const struct ll_chunk *c, const struct ll_norm *norm, struct ll_rows x,
                 struct ll_rows y, float *scale);
    void (*linear)(struct ll_pass *p, const struct ll_chunk *c, const struct ll_product *product);
    /* Each head normalised by itself, or all heads of a row together, as the norm's width says. */
    void (*norm_heads)(struct ll_pass *p, const struct ll_chunk *c, const struct ll_heads *h);
    /* Each head rotated by the row's position in its sequence, as c->L->rope says; NULL: not at all. */
    void (*rotate)(struct ll_pass *p, const struct ll_chunk *c, const struct ll_heads *h);
    /* Attention of n sequences; struct ll_attn says which of scores, pattern and z to compute from what. */
    void (*attend)(struct ll_pass *p, const struct ll_chunk *c, const struct ll_attn *a, int n);
    /* gate <- act(gate) * up; without a gate (gate.x NULL) up <- act(up). act: c->L->act. */
    void (*activate)(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows gate, struct ll_rows up);
    /* y, what attention or MLP gave, becomes what joins the stream: the norm `post` where its w is not NULL,
     * then the multiplier c->L->resid_scale. */
    void (*addend)(struct ll_pass *p, const struct ll_chunk *c, const struct ll_norm *post, struct ll_rows y);
    /* stream <- stream + y */
    void (*add)(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows stream, struct ll_rows y);
    /* logits [n, d_vocab] from x [n, d_model], what the final norm gave: product by W_U (through `linear`),
     * bias, multiplier, soft cap. */
    void (*head)(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x, struct ll_rows logits);
};
extern const struct ll_pass_ops ll_pass_ops_plain;
#endif
