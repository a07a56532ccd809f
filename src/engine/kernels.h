/* kernels.h - what a vector unit provides to the engine: one table of functions a unit, all giving the same
 * bits.
 *
 * Layouts (no part of rule B, see engine.h):
 *   panel   nr rows of w over kl columns, as [kl][nr] floats: a vector load is one column of many outputs.
 *           bf16 may stay as it is stored, two columns in a word: [kl / 2][nr] words ("pairs")
 *   tile    up to mr rows of x over all columns, as [k][rows] floats
 * A register tile is `rows` rows of x by the nr columns of a panel. */
#ifndef LL_KERNELS_H
#define LL_KERNELS_H
#include "engine.h"

enum {
    LL_CHAIN = 128,    /* columns of one chain (rule B) */
    LL_STRETCH = 2048, /* columns whose chains are added up before they join the sum (rule B) */
    LL_PANEL_K = 256,  /* columns of w in a panel; a multiple of LL_CHAIN, divides LL_STRETCH */
    LL_TASK_N = 128,   /* most columns of y that a task works on; a multiple of every nr */
    LL_MAX_NR = 32,
    LL_MAX_MR = 12,
    LL_SOFTMAX_BLOCK = 1024, /* keys in a block of the softmax's denominator (engine.h) */
};

/* One tile by one panel: y[i][j] (i < rows, j < nr) gets the values of the panel's chains: added in rising
 * order to what is there, or, when fresh, the first one starts the sum. The panel starts at the beginning of
 * a chain. */
struct ll_tile {
    const float *x; /* [kl][rows] */
    const float *w; /* panel */
    int kl;
    float *y;
    long ldy;
    int fresh;
    const uint8_t *ask; /* bytes to prefetch, ask_step further every two columns; never NULL */
    long ask_step;      /* at most 4 * nr, so that every line of them is asked for */
};
/* The same for a few rows of x and `fused_n` rows of w as stored: every weight is used once, so it is widened
 * and transposed in registers and no panel is made. Over all k columns, by rule B; y is stored. */
struct ll_fused {
    const float *x; /* [k][rows] */
    int rows;       /* 1..fused_m */
    const uint8_t *w;
    size_t row_bytes;
    int k;
    float *y;
    long ldy;
    int asks; /* prefetch the next fused_n rows */
};
typedef void (*ll_fused_fn)(const struct ll_fused *f);
typedef void (*ll_tile_fn)(const struct ll_tile *t);
/* nr whole rows of w, row_bytes apart, w at the first of kl columns -> panel. */
typedef void (*ll_pack_fn)(const uint8_t *w, size_t row_bytes, int kl, float *panel);

struct ll_kernels {
    const char *name;
    int nr, mr;
    int panel_k; /* columns of a panel that many tiles meet one after another: it stays in L1 beside a tile */
    int pair_m;  /* up to so many rows of x, panels of bf16 stay pairs */
    ll_tile_fn tile[LL_MAX_MR + 1];       /* by the number of rows */
    ll_tile_fn tile_pairs[LL_MAX_MR + 1]; /* the same with a panel of pairs */
    ll_pack_fn pack[LL_N_DTYPES];         /* NULL: by way of the type's to-float function; F32 is there */
    ll_pack_fn pack_pairs;                /* bf16 as pairs */
    int fused_m, fused_n;                 /* 0: no type has a fused form */
    ll_fused_fn fused[LL_N_DTYPES];       /* NULL: none */

    /* row[lo..hi) -> softmax over it; lo and hi are multiples of 16, masked entries are -inf. Order: see
     * ll_attn. */
    void (*softmax)(float *row, int lo, int hi);
    struct ll_vec vec;
    struct ll_tile_ops ops;
};

/* The tables. A unit that this build lacks has none; dispatch.c knows which to name. */
extern const struct ll_kernels ll_kernels_plain, ll_kernels_avx2, ll_kernels_avx512, ll_kernels_neon;
/* The best unit this processor has, or the one LL_ENGINE_ISA names; NULL with *err set when there is none of
 * that name. */
const struct ll_kernels *ll_kernels_choose(struct ll_err *err);
#endif
