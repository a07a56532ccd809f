/* engine_priv.h - the engine's inside: the kernels chosen, the threads, and the scratch made by
 * ll_engine_reserve. */
#ifndef LL_ENGINE_PRIV_H
#define LL_ENGINE_PRIV_H
#include "kernels.h"

enum {
    LL_M_BLOCK = 1024, /* rows of x packed at a time in a product */
    LL_Q_BLOCK = 48,   /* query rows of an attention task */
};

/* Scratch of one thread, all 64-byte aligned, all owned. */
struct ll_scratch {
    float *panel;  /* [LL_PANEL_ROWS, max_k padded]: widened rows of w */
    float *edge;   /* [LL_M_BLOCK, 16]: y of a group that is not whole */
    float *walk_y; /* [LL_WALK_CHUNK, LL_WALK_TILE] */
    float *walk_x; /* [LL_WALK_CHUNK, max_k padded]: a packed chunk when x does not fit into `x` */
    /* attention */
    float *k_panel; /* [max_pos padded, max_d_head padded] */
    float *v_panel; /* [max_pos padded to LL_BLOCK, max_d_head padded], transposed */
    float *scores;  /* [LL_Q_BLOCK, max_pos padded] */
    float *attn_x;  /* [LL_Q_BLOCK, LL_BLOCK]: packed q or pattern */
    float *attn_z;  /* [LL_Q_BLOCK, max_d_head padded] */
};

struct ll_engine {
    const struct ll_kernels *kern;
    struct ll_pool *pool; /* owned */
    int n_threads;
    int max_m, max_k, max_pos, max_d_head;
    float *x; /* packed x, x_floats long; owned */
    size_t x_floats;
    struct ll_scratch *scratch; /* [n_threads]; owned */
};
#endif
