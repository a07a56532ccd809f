/* pass.h - inside src/model: what the parts of a block share. */
#ifndef LL_MODEL_PASS_H
#define LL_MODEL_PASS_H
#include "forward.h"

/* What a block works on: whole sequences seq0..seq1-1 of the batch, rows row0..row0+n-1. */
struct ll_chunk {
    const struct ll_batch *batch;
    int seq0, seq1, row0, n;
};

/* Show n_rows rows of `width` floats at hook h to everybody who asked for it. */
int ll_pass_hook(struct ll_pass *p, enum ll_hook h, int layer, int row0, int n_rows, float *data, int width,
                 long stride, struct ll_err *err);
int ll_pass_call(struct ll_pass *p, const struct ll_hook_visit *visit, struct ll_err *err);

/* The numeric policy's part, where there is one. */
static inline void ll_pass_store(const struct ll_pass *p, enum ll_store_point at, int layer, float *x,
                                 long ld, int n, int width)
{
    if (p->numeric)
        p->numeric->store(p->numeric->arg, at, layer, x, ld, n, width);
}

static inline void ll_pass_linear(const struct ll_pass *p, const struct ll_mat *w, const float *x, long ldx,
                                  int m, const float *bias, float *y, long ldy)
{
    if (p->numeric && p->numeric->linear)
        p->numeric->linear(p->numeric->arg, p->engine, w, x, ldx, m, bias, y, ldy);
    else
        ll_linear(p->engine, w, x, ldx, m, bias, y, ldy);
}

/* x [c->n, d_model] -> p->out: q, k, v, their norms, rotation, attention, W_O. */
int ll_block_attention(struct ll_pass *p, const struct ll_chunk *c, const struct ll_layer *L, int layer,
                       const float *x, struct ll_err *err);
/* x [c->n, d_model] -> p->out: the layer's MLP or mixture. */
int ll_block_mlp(struct ll_pass *p, const struct ll_chunk *c, const struct ll_layer *L, int layer,
                 const float *x, struct ll_err *err);
#endif
