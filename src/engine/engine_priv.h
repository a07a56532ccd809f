/* engine_priv.h - the engine's inside: the kernels chosen, the threads, the scratch made by
 * ll_engine_reserve, and the one driver of products. */
#ifndef LL_ENGINE_PRIV_H
#define LL_ENGINE_PRIV_H
#include "kernels.h"

enum {
    LL_M_BLOCK = LL_WALK_ROWS, /* most rows of x in a product at a time */
    LL_Q_BLOCK = 48,           /* query rows of an attention task */
    LL_MAX_D_HEAD = 1024,
    LL_MAX_PAIRED = 1024, /* rows of a head whose order ll_linear undoes */
    LL_S_BLOCK = 512, /* keys whose pattern is packed at a time; divides LL_STRETCH, a multiple of LL_CHAIN */
};

/* Scratch of one thread, all 64-byte aligned, all owned. */
struct ll_scratch {
    float *panel; /* [LL_TASK_N, LL_PANEL_K]: packed groups of w */
    float *y;     /* [m, LL_TASK_N]: y of a task that has no whole groups, or of a walk */
    float *more;  /* the same size: the sum of a stretch after the first */
    /* attention */
    float *k_panel; /* [max_pos padded, max_d_head] */
    float *v_panel; /* [max_pos padded, max_d_head padded] */
    float *scores;  /* [LL_Q_BLOCK, max_pos padded] */
    float *attn_x;  /* [LL_Q_BLOCK, larger of LL_S_BLOCK and max_d_head]: packed q or pattern */
    float *attn_z;  /* [LL_Q_BLOCK, max_d_head padded] */
    float *attn_more;
};

struct ll_engine {
    const struct ll_kernels *kern;
    struct ll_pool *pool; /* owned */
    int n_threads;
    int max_m, max_k, max_pos, max_d_head;
    float *x;                   /* [at most LL_M_BLOCK, max_k] packed x; owned */
    struct ll_scratch *scratch; /* [n_threads]; owned */
};

static inline int ll_round_up(int n, int step) { return (n + step - 1) / step * step; }
static inline int ll_min(int a, int b) { return a < b ? a : b; }

/* ---- panels and tiles (panel.c) ---------------------------------------------------------------- */
/* Rows n0..n0+n (at most nr; the lines' other places become 0) and columns k0..k0+kl of w; k0 a multiple of
 * LL_PANEL_K. */
struct ll_part {
    int n0, n, k0, kl;
};
void ll_pack_w(const struct ll_kernels *kern, const struct ll_mat *w, const struct ll_part *part, int pairs,
               float *panel);
/* Rows of the next tile when `left` rows are left. */
int ll_tile_rows(const struct ll_kernels *kern, int left);
/* Rows of x, columns 0..k: the tile that starts at row m0 lies at out + m0 * k. Part `part` of n_parts does
 * every n_parts-th tile. */
void ll_pack_x(const struct ll_kernels *kern, const float *x, long ldx, int m, int k, float *out, int part,
               int n_parts);

/* ---- the driver (product.c) -------------------------------------------------------------------- */
/* Columns n0..n0+n of y, n at most LL_TASK_N, for rows of packed x that begin with a tile. */
struct ll_product_task {
    const struct ll_kernels *kern;
    const struct ll_mat *w;
    int n0, n;
    const float *x; /* packed: the first row's tile */
    int m;          /* so many rows */
    int left;       /* rows from the first one to the end of what was packed (tiles depend on it) */
    float *y;       /* row 0, column n0; every column of the last group is written: n rounded up to nr */
    long ldy;
};
void ll_product_run(const struct ll_product_task *p, struct ll_scratch *s);
#endif
