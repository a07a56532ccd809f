/* tile_impl.h - the register tile of rule B, written once over sixteen lanes. Included by each kernels_*.c
 * after its simd_*.h, with MR (most rows of x) and NV (vectors of sixteen in a panel's line) defined;
 * everything is static. Rows and pairs are constants where a tile is made, so that the sums stay in
 * registers. */
#include "kernels.h"

enum { NR = 16 * NV };

/* acc += column x[0..rows) by one line of the panel */
#define TILE_STEP(X) \
    _Pragma("GCC unroll 12") for (int i = 0; i < rows; i++) \
    { \
        const v16 xv = v_set((X)[i]); \
        _Pragma("GCC unroll 2") for (int j = 0; j < NV; j++) acc[i][j] = v_fma(xv, wv[j], acc[i][j]); \
    }
#define TILE_LOAD(EXPR) \
    _Pragma("GCC unroll 2") for (int j = 0; j < NV; j++) \
    { \
        wv[j] = EXPR; \
        V_PIN(wv[j]); /* one load: gcc would load again for every row */ \
    }

LL_INLINE void run_tile(const int rows, const int pairs, const struct ll_tile *t)
{
    const float *x = t->x, *w = t->w;
    const uint8_t *ask = t->ask;
    int fresh = t->fresh;
    for (int k0 = 0; k0 < t->kl; k0 += LL_CHAIN, fresh = 0) {
        const int len = t->kl - k0 < LL_CHAIN ? t->kl - k0 : LL_CHAIN;
        v16 acc[MR][NV], wv[NV];
#pragma GCC unroll 12
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
            for (int j = 0; j < NV; j++)
                acc[i][j] = v_set(0.0f);
        for (int k = len / 2; k > 0; k--, x += 2 * rows) {
#pragma GCC unroll 2
            for (int j = 0; j < NV; j++)
                __builtin_prefetch(ask + 64 * j);
            ask += t->ask_step;
            if (pairs) {
                TILE_LOAD(v_pair_low(w + 16 * j))
                TILE_STEP(x)
                TILE_LOAD(v_pair_high(w + 16 * j))
                TILE_STEP(x + rows)
                w += NR;
            } else {
                TILE_LOAD(v_load(w + 16 * j))
                TILE_STEP(x)
                TILE_LOAD(v_load(w + NR + 16 * j))
                TILE_STEP(x + rows)
                w += 2 * NR;
            }
        }
        if (len % 2) { /* only at the end of a row of w */
            if (pairs)
                TILE_LOAD(v_pair_low(w + 16 * j))
            else
                TILE_LOAD(v_load(w + 16 * j))
            TILE_STEP(x)
        }
#pragma GCC unroll 12
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
            for (int j = 0; j < NV; j++) {
                float *y = t->y + i * t->ldy + 16 * j;
                v_store(y, fresh ? acc[i][j] : v_add(v_load(y), acc[i][j]));
            }
    }
}

#define TILE(ROWS) \
    static void tile_##ROWS(const struct ll_tile *t) { run_tile(ROWS, 0, t); } \
    static void pairs_##ROWS(const struct ll_tile *t) { run_tile(ROWS, 1, t); }
