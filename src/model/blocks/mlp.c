/* mlp.c - the MLP half of a block: W_out (act(W_gate x) * W_in x), or W_out act(W_in x) where there is no
 * gate. Sources: as forward.c; Shazeer 2020 (gated MLPs). */
#include "pass.h"

/* What an MLP's products give for n rows. gate.x NULL: it has none; `post`, what W_out reads, lies in the
 * gate's place, or in up's. */
struct inner {
    struct ll_rows gate, up, post;
};

static struct inner inner_of(const struct ll_pass *p, const struct ll_mlp *mlp, int n)
{
    struct ll_rows up = ll_rows(p->up, n, mlp->W_in.n),
                   gate = mlp->W_gate.n ? ll_rows(p->gate, n, mlp->W_gate.n) : (struct ll_rows){0};
    return (struct inner){gate, up, gate.x ? gate : up};
}

static void project(struct ll_pass *p, const struct ll_chunk *c, const struct ll_mlp *mlp, struct ll_rows x,
                    const struct inner *to)
{
    if (to->gate.x)
        p->ops->linear(p, c, &(struct ll_product){&mlp->W_gate, mlp->b_gate, x, to->gate, LL_R_W_GATE});
    p->ops->linear(p, c, &(struct ll_product){&mlp->W_in, mlp->b_in, x, to->up, LL_R_W_IN});
}

int ll_block_mlp(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x, struct ll_rows out,
                 struct ll_err *err)
{
    const struct ll_mlp *mlp = &c->L->mlp;
    const struct inner in = inner_of(p, mlp, x.n);

    project(p, c, mlp, x, &in);
    LL_TRY(ll_pass_hook(p, c, LL_HOOK_PRE, in.post, err)); /* not yet activated */
    if (in.gate.x)
        LL_TRY(ll_pass_hook(p, c, LL_HOOK_PRE_LINEAR, in.up, err));
    p->ops->activate(p, c, in.gate, in.up);
    LL_TRY(ll_pass_hook(p, c, LL_HOOK_POST, in.post, err));
    p->ops->linear(p, c, &(struct ll_product){&mlp->W_out, mlp->b_out, in.post, out, LL_R_W_OUT});
    return LL_OK;
}

void ll_mlp_quiet(struct ll_pass *p, const struct ll_chunk *c, const struct ll_mlp *mlp, struct ll_rows x,
                  struct ll_rows out)
{
    const struct inner in = inner_of(p, mlp, x.n);
    project(p, c, mlp, x, &in);
    p->ops->activate(p, c, in.gate, in.up);
    p->ops->linear(p, c, &(struct ll_product){&mlp->W_out, mlp->b_out, in.post, out, LL_R_W_OUT});
}
