/* engine.h - the numeric core: products, attention pieces, elementwise functions and sums whose result bits
 * depend on nothing but their operands: not on threads, batch, tiles or vector unit.
 *
 * Rule B (every product  y[m][n] = sum_k x[m][k] * w[n][k],  x float32, w exact in float32): K is cut into
 * blocks of 128 (the last one shorter, never padded). Within a block each output is one chain: from +0, k in
 * rising order, one fused multiply-add a step. Sixteen blocks (2048 columns) are a stretch: its chains'
 * values are added in rising order, the first one starting the sum; the stretches' sums likewise. Denormals
 * are kept. No vector length, tile or thread is in it.
 *
 * Kernels: plain C defines the bits; AVX2, AVX-512 and NEON follow; one is chosen at start
 * (LL_ENGINE_ISA=plain|avx2|avx512|neon forces one). Weights stay as stored and are widened a tile at a time.
 * "The same bits" leaves out which of the many NaNs a NaN is.
 *
 * One engine serves one caller at a time; several engines may run side by side. */
#ifndef LL_ENGINE_H
#define LL_ENGINE_H
#include "dtype.h"
#include "fail.h"
#include "packed.h"
#include "thread.h"

#include <stddef.h>
#include <stdint.h>

/* The rule's name in outputs and in the key of kept results: another rule, another name. */
#define LL_ENGINE_RULE "B"

/* A matrix of n rows of k weights as stored, borrowed. Rows may start at any byte address; k is a multiple of
 * the type's block. */
struct ll_mat {
    enum ll_dtype type;  /* any row of dtype.h; kernels have fast paths for some */
    const uint8_t *data; /* row 0 */
    size_t row_bytes;    /* from one row to the next */
    int n, k;
    int transposed; /* 1: stored [k, n]: column k of all rows lies at data + k * row_bytes (types with one
                       value a block) */
    int paired; /* > 0: rows lie as GGUF keeps W_Q and W_K: in groups of `paired` rows (a head), row i of a
                 * group is stored as its row 2i, row i + paired/2 as 2i + 1. ll_linear and ll_mat_row undo
                 * it; n is a multiple. 0: in order */
    const struct ll_packed *
        packed; /* not NULL: stored as packed.h says, all of it at data; row_bytes does not count; borrowed */
    int packed_row; /* its row that is row 0 here (ll_mat_rows) */
};
const char *ll_wtype_name(enum ll_dtype type);        /* "F32", "Q4_K", ... */
size_t ll_wtype_row_bytes(enum ll_dtype type, int k); /* bytes of k stored weights */
/* Rows row0..row0+n of w as a matrix of their own (parts of fused projections, one word of the unembedding);
 * of a paired matrix whole groups. */
struct ll_mat ll_mat_rows(const struct ll_mat *w, int row0, int n);
/* Row n of w as w->k floats, exact (embedding look-up); a transposed one value by value. */
void ll_mat_row(const struct ll_mat *w, int n, float *out);

struct ll_engine;
/* n_threads as ll_pool_init. LL_EUSAGE when LL_ENGINE_ISA names a unit unknown or absent here. */
int ll_engine_init(struct ll_engine **eng, int n_threads, struct ll_err *err);
void ll_engine_free(struct ll_engine *eng);
const char *ll_engine_isa(const struct ll_engine *eng); /* "plain", "avx2", "avx512", "neon" */
int ll_engine_threads(const struct ll_engine *eng);
struct ll_pool *ll_engine_pool(struct ll_engine *eng);
/* Make scratch for products of up to max_m rows of x and max_k columns, and attention over max_pos keys with
 * heads of max_d_head (at most 1024); afterwards calls within these bounds allocate nothing. May be called
 * again to grow; bounds never shrink, 0 leaves one as it is. Memory: at most 1024 x max_k floats plus, a
 * thread, 1.2 MB and (2 max_d_head + 48) x max_pos floats. After a failure (LL_EFAIL) no scratch is left.
 */
int ll_engine_reserve(struct ll_engine *eng, int max_m, int max_k, int max_pos, int max_d_head,
                      struct ll_err *err);

/* y[m, n] (row stride ldy floats) = x[m, k] (row stride ldx floats) . w^T, by rule B, all threads. bias:
 * [w->n] added to each row afterwards (one rounding), or NULL. x and y may not overlap. Within the reserved
 * bounds. */
void ll_linear(struct ll_engine *eng, const struct ll_mat *w, const float *x, long ldx, int m,
               const float *bias, float *y, long ldy);

/* Causal attention of one sequence, all heads, all threads.
 *   scores[h][t][s] = B(q[t][h], k[s][h/g]) * scale, then cap * tanh(scores / cap) when cap > 0, for
 *   s in max(0, t - window + 1)..t (window 0: from 0); softmax over these s (maximum subtracted, exp of
 * fmath.h, denominator in 16 float chains by s mod 16 over blocks of 1024, folded +8, +4, +2, +1 and added in
 * rising order, p = e / sum); z[t][h] = B over s of p[t][s] * v[s][h/g], s counted from 0; a key with p = 0
 * contributes +0 whatever v is (so masked infinities do not leak), and a z of -0 becomes +0. Appended
 * positions and other sequences change no bit. q [n_pos, n_heads, d_head] (row stride ldq), k, v [n_pos,
 * n_kv_heads, d_head] (row stride ldkv), z like q (stride ldz). When scores_out / pattern_out are not NULL
 * they get [n_heads, n_pos, n_pos] float: the scores (after the cap) with -inf where masked, and the pattern
 * with 0 there. A pass whose listeners want to change scores or pattern computes them first (z NULL: stop
 * after the pattern), lets the listener write, and calls again with scores_in or pattern_in: these are used
 * for all s in 0..n_pos-1 as they are, the listener may unmask. A row whose scores are all -inf has a pattern
 * of NaN. n_heads is a multiple of n_kv_heads; k (q) is not read when scores_in or pattern_in is given, v not
 * when z is NULL. */
struct ll_attn {
    int n_pos, n_heads, n_kv_heads, d_head, window;
    float scale, cap;
    const float *q, *k, *v;
    long ldq, ldkv, ldz;
    float *z;
    float *scores_out, *pattern_out;
    const float *scores_in;  /* not NULL: softmax of these instead of q.k (masked entries -inf) */
    const float *pattern_in; /* not NULL: this pattern instead of the softmax */
};
void ll_attention(struct ll_engine *eng, const struct ll_attn *a);
/* The same for many independent sequences at once (one task list, so that short prompts use all threads). */
void ll_attention_many(struct ll_engine *eng, const struct ll_attn *a, int n);

/* Elementwise, fixed operation sequences (no libm); n values, in place allowed, serial; the same bits
 * everywhere. NaN gives NaN. Errors: exp and tanh below 1.2 ulp, erf below 1.25, silu below 2.6 (silu(-inf) =
 * -0; quick_gelu(-inf), too; the other gelus of -inf are NaN). */
struct ll_vec {
    void (*exp)(float *y, const float *x, size_t n);
    void (*silu)(float *y, const float *x, size_t n);
    void (*gelu_tanh)(float *y, const float *x, size_t n);
    void (*gelu_erf)(float *y, const float *x, size_t n);
    void (*quick_gelu)(float *y, const float *x, size_t n);         /* x / (1 + e^-1.702x) */
    void (*relu)(float *y, const float *x, size_t n);               /* max(x, 0) */
    void (*relu2)(float *y, const float *x, size_t n);              /* its square */
    void (*softcap)(float *y, const float *x, size_t n, float cap); /* cap * tanh(x / cap) */
    void (*mul)(float *y, const float *a, const float *b, size_t n);
    void (*add)(float *y, const float *a, const float *b, size_t n);
    void (*scale)(float *y, const float *x, size_t n, float s);
    double (*sum)(const float *x, size_t n);    /* 16 double chains by index mod 16, folded +8, +4, +2, +1 */
    double (*sum_sq)(const float *x, size_t n); /* the same over (double)x*x */
    double (*dot)(const float *a, const float *b, size_t n); /* the same over (double)a*b */
    float (*max)(const float *x, size_t n); /* NaN ignored unless all are; zero is returned as +0; n >= 1 */
    void (*tanh)(float *y, const float *x, size_t n);
    void (*erf)(float *y, const float *x, size_t n);
    void (*exp_double)(double *y, const double *x,
                       size_t n); /* the bits of ll_exp and ll_log, but fast on long arrays */
    void (*log_double)(double *y, const double *x, size_t n);
};
const struct ll_vec *ll_engine_vec(const struct ll_engine *eng);
/* Run fn(arg, row0, row1) over 0..n rows split among all threads (ranges; results must not depend on the
 * split). */
void ll_engine_rows(struct ll_engine *eng, int n, void (*fn)(void *arg, int row0, int row1), void *arg);

/* exp and log in double by own fixed sequence, < 1 ulp, for merges of partial sums. */
double ll_exp(double x);
double ll_log(double x);
double ll_log2(double x);
/* For rotary tables, by the same rule: the C libraries differ in the last bit. ll_pow: x > 0 and finite (else
 * NaN), < 2 ulp. ll_sin, ll_cos: |x| < LL_ANGLE_MAX (else NaN), < 1 ulp but near the zeros, where they are
 * within 2^-70. */
#define LL_ANGLE_MAX 0x1p26
double ll_pow(double x, double y);
double ll_sin(double x);
double ll_cos(double x);

/* ---- the walk over the unembedding ----------------------------------------------------------- */

/* For tile after tile of `w`
 * (vocabulary rows v0..v0+n) the caller's function gets the raw products of all rows of x: fn(arg, tid, task,
 * v0, n, r0, m, y, ldy): rows r0..r0+m of x, y [m, n] floats (row stride ldy), writable scratch. Tasks are
 * runs of LL_WALK_TASK vocabulary rows, taken by threads in any order; within a task tiles (LL_WALK_TILE)
 * come in rising v0 and, within a tile, row chunks in the order of chunk_start[]. So a caller that keeps one
 * running state a (task, row) and merges tasks in rising order gets the same bits for any number of threads.
 */
enum {
    LL_WALK_TASK = 1024,
    LL_WALK_TILE = 128,
    LL_WALK_ROWS = 1024 /* most rows of x */
};
typedef void (*ll_walk_fn)(void *arg, int tid, int task, int v0, int n, int r0, int m, float *y, long ldy);
/* x [m, k] with stride ldx; chunk_start[0..n_chunks] rising, chunk_start[0]=0, chunk_start[n_chunks]=m, m
 * at most LL_WALK_ROWS. Within the reserved bounds (max_m, max_k). */
void ll_walk(struct ll_engine *eng, const struct ll_mat *w, const float *x, long ldx, const int *chunk_start,
             int n_chunks, ll_walk_fn fn, void *arg);

/* Statistics of one row of a logits tile, for lens/head_pass.c: vectorised, fixed order (16 lanes, folded +8,
 * +4, +2, +1). */
struct ll_tile_sums {
    float s; /* sum e^(l-m) */
    float t; /* sum e^(l-m) (l-m) */
    float c; /* sum ef * (l-lf) */
    float d; /* sum e^(l-m) (l-lf) */
};
struct ll_tile_div {
    float kl_ab, kl_ba, js;
}; /* natural log; each at least 0 */
struct ll_tile_ops {
    /* e_out (may be NULL): gets e^(l-m). ef, lf (both or neither): exponentials and logits of the final row;
     * without them c = d = 0. m >= every l. l = -inf adds nothing to s and t. n >= 1. */
    void (*sums)(const float *l, int n, float m, const float *ef, const float *lf, float *e_out,
                 struct ll_tile_sums *out);
    int (*count_gt)(const float *l, int n, float t); /* how many l > t */
    int (*find_ge)(const float *l, int n, float t,
                   int *idx); /* indices with l >= t, rising, into idx[n]; returns how many */
    /* This tile's part of KL(p || q), KL(q || p) and JS(p, q), p = e^(a - lse_a), q = e^(b - lse_b) over all
     * tiles (divergence_impl.h). Equal logits and lse give exactly 0. Finite logits; n >= 1, best at most
     * LL_WALK_TILE. */
    void (*divergence)(const float *a, const float *b, int n, double lse_a, double lse_b,
                       struct ll_tile_div *out);
    float (*js)(const float *a, const float *b, int n, double lse_a, double lse_b); /* JS alone, same bits */
};
const struct ll_tile_ops *ll_engine_tile_ops(const struct ll_engine *eng);
#endif
