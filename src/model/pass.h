/* pass.h - inside src/model: what the parts of the pass share. */
#ifndef LL_MODEL_PASS_H
#define LL_MODEL_PASS_H
#include "pass_ops.h"

/* Leave the function with the code of a call that failed. */
#define LL_TRY(call) \
    do { \
        int rc_ = (call); \
        if (rc_) \
            return rc_; \
    } while (0)

/* Show rows of the chunk, its first row first, at hook h to everybody who asked for it. Returns LL_OK, or
 * what a listener returned. */
int ll_pass_hook(struct ll_pass *p, const struct ll_chunk *c, enum ll_hook h, struct ll_rows rows,
                 struct ll_err *err);
/* The same for a visit written out: the [heads, pos, pos] points. */
int ll_pass_visit(struct ll_pass *p, const struct ll_hook_visit *visit, struct ll_err *err);

/* What a layer adds to the stream, before norm and multiplier: x [c->n, d_model] -> out [c->n, d_model]. */
int ll_block_attention(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x, struct ll_rows out,
                       struct ll_err *err);
int ll_block_mlp(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x, struct ll_rows out,
                 struct ll_err *err);
int ll_block_experts(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x, struct ll_rows out,
                     struct ll_err *err);

/* One MLP's arithmetic, for an expert: no hook shows what happens inside. */
void ll_mlp_quiet(struct ll_pass *p, const struct ll_chunk *c, const struct ll_mlp *mlp, struct ll_rows x,
                  struct ll_rows out);
#endif
