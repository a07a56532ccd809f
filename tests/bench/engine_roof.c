/* engine_roof.c - how near the engine comes to what this machine can do. Never a pass or fail.
 *
 * Each repetition measures, next to each other so that a busy machine hits all alike: the FMA peak and the
 * read bandwidth of the engine's threads, then the product, then OpenBLAS sgemm on weights widened
 * beforehand. Printed are medians, and as the share of the roof  max(flops / peak, bytes / bandwidth) / time
 * of that repetition. Weights come from a long arena, so that no product finds its matrix in a cache. With
 * one thread time is processor time, so that other programs disturb little; with more it is wall time, and
 * the machine must be idle for the figures to mean anything.
 *     engine_roof [threads] [repetitions] [rows of x, ...]
 * LL_ENGINE_ISA picks the vector unit; engine_roof.sh builds and runs it. */
#define _GNU_SOURCE
#include "engine.h"
#include "stats.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
void openblas_set_num_threads(int n);

enum { MAX_REPS = 64, MAX_THREADS = 256, MAX_M = 1024, MAX_K = 4864 };

static double now_s(const struct ll_engine *eng)
{
    struct timespec t;
    clock_gettime(ll_engine_threads(eng) == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the roof -------------------------------------------------------------------------------- */
enum { FMA_ROUNDS = 400000 };
#if defined(__x86_64__)
#define FMA_PROBE(NAME, TARGET, VEC, SET, FMA, CHAINS) \
    __attribute__((target(TARGET))) static void NAME(void *arg, int tid, int n) \
    { \
        (void)arg, (void)tid, (void)n; \
        VEC a[CHAINS], x = SET(1.0000001f), y = SET(1e-7f); \
        _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) a[i] = SET((float)i); \
        for (int r = 0; r < FMA_ROUNDS; r++) { \
            _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) a[i] = FMA(a[i], x, y); \
            _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) __asm__ volatile("" : "+v"(a[i])); \
        } \
    }
FMA_PROBE(probe_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps, 12)
FMA_PROBE(probe_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps, 16)
#endif

/* GFLOP/s of all threads, for the unit in use; 0 where there is no probe */
static double fma_peak(struct ll_engine *eng)
{
#if defined(__x86_64__)
    const int wide = !strcmp(ll_engine_isa(eng), "avx512");
    if (!__builtin_cpu_supports("fma"))
        return 0;
    double t0 = now_s(eng);
    ll_pool_run(ll_engine_pool(eng), wide ? probe_avx512 : probe_avx2, NULL);
    return 2.0 * FMA_ROUNDS * (wide ? 16 * 16 : 12 * 8) * ll_engine_threads(eng) / (now_s(eng) - t0) * 1e-9;
#else
    (void)eng;
    return 0;
#endif
}

struct reading {
    const uint8_t *p;
    size_t n;
    uint64_t sum[MAX_THREADS];
};
static void probe_read(void *arg, int tid, int n) /* eight streams a thread */
{
    struct reading *r = arg;
    size_t part = r->n / (size_t)n / 8 & ~(size_t)255;
    const uint8_t *p = r->p + 8 * part * (size_t)tid;
    uint64_t sum = 0;
    for (size_t at = 0; at < part; at += 64)
        for (size_t s = 0; s < 8; s++) {
            uint64_t v;
            memcpy(&v, p + s * part + at, sizeof v);
            sum += v;
        }
    r->sum[tid] = sum;
}
static double read_bandwidth(struct ll_engine *eng, const uint8_t *p, size_t n) /* GB/s */
{
    static struct reading r;
    r.p = p, r.n = n;
    double t0 = now_s(eng);
    ll_pool_run(ll_engine_pool(eng), probe_read, &r);
    return (double)n / (now_s(eng) - t0) * 1e-9;
}

/* ---- the products ---------------------------------------------------------------------------- */
static void *big(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        perror("engine_roof: memory");
        exit(1);
    }
    madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

struct arena {
    uint8_t *p;
    size_t size, at;
};
static const uint8_t *arena_next(struct arena *a, size_t bytes)
{
    a->at = a->at + 2 * bytes > a->size ? 0 : a->at + bytes;
    return a->p + a->at;
}

/* the epilogue of a walk: what lens/head_pass.c does to a tile, more or less */
struct stats {
    const struct ll_tile_ops *ops;
    const struct ll_vec *vec;
    struct ll_tile_sums sums[MAX_THREADS];
};
static void tile_stats(void *arg, int tid, int task, int v0, int n, int r0, int m, float *y, long ldy)
{
    (void)task, (void)v0, (void)r0;
    struct stats *s = arg;
    for (int i = 0; i < m; i++) {
        struct ll_tile_sums t;
        float *l = y + i * ldy;
        s->ops->sums(l, n, s->vec->max(l, (size_t)n), y, y, NULL, &t);
        t.s += (float)s->ops->count_gt(l, n, 0.5f);
        s->sums[tid].s += t.s + t.c;
    }
}

static void tile_nothing(void *arg, int tid, int task, int v0, int n, int r0, int m, float *y, long ldy)
{
    (void)arg, (void)tid, (void)task, (void)v0, (void)n, (void)r0, (void)m, (void)y, (void)ldy;
}

struct bench {
    struct ll_engine *eng;
    struct arena weights;
    float *x, *y, *wide; /* wide: one matrix in float, for OpenBLAS, or NULL */
    int reps, threads;
};

enum kind { LINEAR, WALK, WALK_STATS, BLAS };
static const char *const kind_name[] = {"linear", "walk", "walk+stats", "sgemm"};

static double run_once(const struct bench *b, enum kind kind, const struct ll_mat *w, int m)
{
    struct stats s = {.ops = ll_engine_tile_ops(b->eng), .vec = ll_engine_vec(b->eng)};
    int chunks[MAX_M / 48 + 2], n = 0;
    for (chunks[0] = 0; chunks[n] < m; n++)
        chunks[n + 1] = chunks[n] + 48 < m ? chunks[n] + 48 : m;
    double t0 = now_s(b->eng);
    if (kind == LINEAR)
        ll_linear(b->eng, w, b->x, w->k, m, NULL, b->y, w->n);
    else if (kind == BLAS)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, w->n, w->k, 1, b->x, w->k, b->wide, w->k, 0,
                    b->y, w->n);
    else if (kind == WALK_STATS)
        ll_walk(b->eng, w, b->x, w->k, chunks, n, tile_stats, &s);
    else
        ll_walk(b->eng, w, b->x, w->k, chunks, n, tile_nothing, NULL);
    return now_s(b->eng) - t0;
}
static void one_line(struct bench *b, enum kind kind, int k, int n, int m)
{
    double ms[MAX_REPS], gflops[MAX_REPS], roof[MAX_REPS], peaks[MAX_REPS], bands[MAX_REPS];
    const size_t bytes = (kind == BLAS ? 4 : 2) * (size_t)n * (size_t)k;
    for (int r = -1; r < b->reps; r++) {
        struct ll_mat w = {LL_BF16, arena_next(&b->weights, 2 * (size_t)n * (size_t)k), 2 * (size_t)k, n, k};
        double peak = fma_peak(b->eng), band = read_bandwidth(b->eng, b->weights.p, b->weights.size / 4),
               s = run_once(b, kind, &w, m), flops = 2.0 * m * n * k;
        if (r < 0)
            continue;
        double by_flops = peak > 0 ? flops / peak : 0, by_bytes = (double)bytes / band;
        ms[r] = s * 1e3, gflops[r] = flops / s * 1e-9, peaks[r] = peak, bands[r] = band;
        roof[r] = (by_flops > by_bytes ? by_flops : by_bytes) * 1e-9 / s;
    }
    size_t reps = (size_t)b->reps;
    double t = ll_median(ms, reps);
    printf("| %-10s | %4d | %6d | %4d | %9.3f | %7.1f | %5.1f | %4.0f %% | %6.1f | %5.1f |\n",
           kind_name[kind], k, n, m, t, ll_median(gflops, reps), (double)bytes / t * 1e-6,
           100 * ll_median(roof, reps), ll_median(peaks, reps), ll_median(bands, reps));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const int shapes[][2] = {{896, 4864}, {4864, 896}, {2048, 5632}, {896, 151936}};
    int ms[16] = {1, 17, 128, 816}, n_ms = argc > 3 ? 0 : 4;
    for (int i = 3; i < argc && n_ms < 16; i++)
        ms[n_ms++] = atoi(argv[i]) < MAX_M ? atoi(argv[i]) : MAX_M;
    struct bench b = {.reps = argc > 2 ? atoi(argv[2]) : 9};
    b.reps = b.reps < 1 ? 1 : b.reps > MAX_REPS ? MAX_REPS : b.reps;
    struct ll_err err = {0};
    if (ll_engine_init(&b.eng, argc > 1 ? atoi(argv[1]) : 0, &err)
        || ll_engine_reserve(b.eng, MAX_M, MAX_K, 0, 0, &err)) {
        fprintf(stderr, "engine_roof: %s\n", err.msg);
        return ll_exit_code(err.code);
    }
    b.weights = (struct arena){big((size_t)560 << 20), (size_t)560 << 20, 0};
    for (size_t i = 0; i < b.weights.size / 2; i++) { /* bf16 of size about 0.02 */
        uint16_t h = (uint16_t)(0x3c00u | (i * 2654435761u >> 13 & 0x80ffu));
        memcpy(b.weights.p + 2 * i, &h, 2);
    }
    b.x = big(sizeof(float) * MAX_M * MAX_K);
    for (size_t i = 0; i < (size_t)MAX_M * MAX_K; i++)
        b.x[i] = (float)(i * 2654435761u >> 16 & 0xffff) / 32768.0f - 1.0f;
    b.y = big(sizeof(float) * MAX_M * 151936);
    b.wide = big(sizeof(float) * 151936 * 896);
    for (size_t i = 0; i < (size_t)151936 * 896; i++)
        b.wide[i] = 0.01f * (float)(i % 7);
    openblas_set_num_threads(ll_engine_threads(b.eng));
    printf("unit %s, %d threads, %d repetitions, bf16 weights; sgemm: OpenBLAS on float weights\n\n",
           ll_engine_isa(b.eng), ll_engine_threads(b.eng), b.reps);
    puts("| what       |    k |      n |    m |        ms | GFLOP/s |  GB/s | of roof |   peak |  read "
         "|\n|---|---|---|---|---|---|---|---|---|---|");
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int i = 0; i < n_ms; i++) {
            const int k = shapes[s][0], n = shapes[s][1], vocab = n > 100000;
            one_line(&b, LINEAR, k, n, ms[i]);
            if (vocab) {
                one_line(&b, WALK, k, n, ms[i]);
                one_line(&b, WALK_STATS, k, n, ms[i]);
            }
            one_line(&b, BLAS, k, n, ms[i]);
        }
    ll_engine_free(b.eng);
    return 0;
}
