/* half_policy.c - see half_policy.h. Round-to-odd before rounding: Boldo & Melquiond 2008. */
#include "half_policy.h"

#include "half.h"
#include "quants.h"
#include "stats.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static float round_to(enum ll_half_format f, float x)
{
    return f == LL_HALF_F16 ? ll_round_f16(x) : ll_round_bf16(x);
}

/* ---- the chain, eight lanes at a time -------------------------------------------------------- */

typedef float f8 __attribute__((vector_size(32)));
typedef int32_t i8 __attribute__((vector_size(32)));
typedef uint32_t u8 __attribute__((vector_size(32)));
#define INLINE static inline __attribute__((always_inline))

/* a + p rounded to odd: a float whose last bit is set when the sum was not exact. */
INLINE void add_odd(const f8 *a, const f8 *p, f8 *out)
{
    f8 s = *a + *p, b = s - *a, lost = (*a - (s - b)) + (*p - b);
    i8 u = (i8)s, inexact = lost != 0, even = (u & 1) == 0, finite = (u & 0x7f800000) != 0x7f800000;
    i8 away = ((((i8)lost ^ u) < 0) & 2); /* 2 where the true sum is nearer to zero than s */
    away = 1 - away;                      /* -1 there, 1 where it is farther */
    *out = (f8)(u + (away & inexact & even & finite));
}

/* To the format, ties to even. */
INLINE void round_f16(f8 *x)
{
    const u8 u = (u8)*x, mag = u & 0x7fffffff;
    u8 normal =
        (u + 0xfff + (u >> 13 & 1)) & ~(u8){0x1fff, 0x1fff, 0x1fff, 0x1fff, 0x1fff, 0x1fff, 0x1fff, 0x1fff};
    const f8 small = (*x + 0.75f) - 0.75f; /* steps of 2^-24 */
    const u8 is_small = (u8)((i8)mag < 0x38800000), is_large = (u8)((i8)mag >= 0x477ff000),
             is_nan = (u8)((i8)mag > 0x7f800000);
    const u8 inf = (u & 0x80000000) | 0x7f800000;
    normal = (normal & ~is_large) | (inf & is_large);
    normal = (normal & ~is_nan) | (u & is_nan);
    *x = (f8)((normal & ~is_small) | ((u8)small & is_small));
}

INLINE void round_bf16(f8 *x)
{
    const u8 u = (u8)*x, is_nan = (u8)((i8)(u & 0x7fffffff) > 0x7f800000);
    const u8 r = (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000u;
    *x = (f8)((r & ~is_nan) | (u & is_nan));
}

LL_CLONES static void chain_f16(float acc[16], const float *x, const float *w, int n)
{
    f8 a[2];
    memcpy(a, acc, sizeof a);
    for (int k = 0; k < n; k++)
        for (int g = 0; g < 2; g++) {
            f8 v;
            memcpy(&v, w + 16 * (size_t)k + 8 * (size_t)g, sizeof v);
            v *= x[k];
            add_odd(&a[g], &v, &v);
            round_f16(&v);
            a[g] = v;
        }
    memcpy(acc, a, sizeof a);
}

LL_CLONES static void chain_bf16(float acc[16], const float *x, const float *w, int n)
{
    f8 a[2];
    memcpy(a, acc, sizeof a);
    for (int k = 0; k < n; k++)
        for (int g = 0; g < 2; g++) {
            f8 v;
            memcpy(&v, w + 16 * (size_t)k + 8 * (size_t)g, sizeof v);
            v *= x[k];
            add_odd(&a[g], &v, &v);
            round_bf16(&v);
            a[g] = v;
        }
    memcpy(acc, a, sizeof a);
}

void ll_half_chain(enum ll_half_format f, float acc[16], const float *x, const float *w, int n)
{
    (f == LL_HALF_F16 ? chain_f16 : chain_bf16)(acc, x, w, n);
}

/* ---- products -------------------------------------------------------------------------------- */

struct product_job {
    struct ll_half_policy *h;
    const struct ll_product *op;
};

static void add_bias(const struct product_job *j, float acc[16], int n0, int n)
{
    for (int i = 0; i < n && j->op->bias; i++)
        acc[i] = round_to(j->h->format, acc[i] + round_to(j->h->format, j->op->bias[n0 + i]));
}

/* Tiles of sixteen outputs. */
static void product_some(void *arg, int tile0, int tile1)
{
    const struct product_job *j = arg;
    const struct ll_mat *w = j->op->w;
    size_t k = (size_t)w->k;
    float *wt = malloc(sizeof *wt * 16 * k), *row = malloc(sizeof *row * k);
    if (!wt || !row)
        j->h->no_memory = 1;
    for (int tile = tile0; tile < tile1 && wt && row; tile++) {
        int n0 = 16 * tile, n = w->n - n0 < 16 ? w->n - n0 : 16;
        memset(wt, 0, sizeof *wt * 16 * k);
        for (int i = 0; i < n; i++) {
            ll_mat_row(w, n0 + i, row);
            for (size_t c = 0; c < k; c++)
                wt[16 * c + (size_t)i] = round_to(j->h->format, row[c]);
        }
        for (int r = 0; r < j->op->x.n; r++) {
            const float *x = j->op->x.x + r * j->op->x.ld;
            float acc[16] = {0};
            for (size_t c = 0; c < k; c++)
                row[c] = round_to(j->h->format, x[c]);
            ll_half_chain(j->h->format, acc, row, wt, (int)k);
            add_bias(j, acc, n0, n);
            memcpy(j->op->y.x + r * j->op->y.ld + n0, acc, sizeof *acc * (size_t)n);
        }
    }
    free(wt);
    free(row);
}

static void product(struct ll_pass *p, const struct ll_product *op)
{
    struct product_job j = {p->ops->own, op};
    ll_engine_rows(p->engine, (op->w->n + 15) / 16, product_some, &j);
}

/* ---- attention ------------------------------------------------------------------------------- */

struct heads {
    struct ll_half_policy *p;
    const struct ll_attn *a;
    const struct ll_vec *vec;
};

/* A matrix as it lies: n rows of n_k values, rows ldw floats apart, values of a row `step`. */
struct strided {
    const float *w;
    long ldw, step;
    int n, n_k;
};

/* out[j] = chain over k of x[k] * w[j][k], sixteen j at a time. wt: room for 16 * n_k floats. */
static void chain_over(enum ll_half_format f, const float *x, const struct strided *w, float *wt, float *out)
{
    for (int j0 = 0; j0 < w->n; j0 += 16) {
        int cols = w->n - j0 < 16 ? w->n - j0 : 16;
        float acc[16] = {0};
        memset(wt, 0, sizeof *wt * 16 * (size_t)w->n_k);
        for (int j = 0; j < cols; j++)
            for (int k = 0; k < w->n_k; k++)
                wt[16 * k + j] = w->w[(j0 + j) * w->ldw + k * w->step];
        ll_half_chain(f, acc, x, wt, w->n_k);
        memcpy(out + j0, acc, sizeof *acc * (size_t)cols);
    }
}

static int first_key(const struct ll_attn *a, int t)
{
    return a->window && t - a->window + 1 > 0 ? t - a->window + 1 : 0;
}

/* Scores of some heads: [t][s], -inf where masked. */
static void score_some(void *arg, int h0, int h1)
{
    const struct heads *j = arg;
    const struct ll_attn *a = j->a;
    enum ll_half_format f = j->p->format;
    int n = a->n_pos, per = a->n_heads / a->n_kv_heads;
    float *wt = malloc(sizeof *wt * 16 * (size_t)(a->d_head + 1));
    if (!wt)
        j->p->no_memory = 1;
    for (int h = h0; h < h1 && wt; h++)
        for (int t = 0; t < n; t++) {
            float *row = j->p->scores + ((size_t)h * (size_t)n + (size_t)t) * (size_t)n;
            int from = first_key(a, t);
            for (int s = 0; s < n; s++)
                row[s] = -INFINITY;
            const struct strided keys = {a->k + from * a->ldkv + (long)(h / per) * a->d_head, a->ldkv, 1,
                                         t + 1 - from, a->d_head};
            chain_over(f, a->q + t * a->ldq + (long)h * a->d_head, &keys, wt, row + from);
            for (int s = from; s <= t; s++)
                row[s] = round_to(f, row[s] * a->scale);
            if (a->cap > 0)
                j->vec->softcap(row + from, row + from, (size_t)(t + 1 - from), a->cap);
            for (int s = from; s <= t && a->cap > 0; s++)
                row[s] = round_to(f, row[s]);
        }
    free(wt);
}

static void mix_some(void *arg, int h0, int h1)
{
    const struct heads *j = arg;
    const struct ll_attn *a = j->a;
    int n = a->n_pos, per = a->n_heads / a->n_kv_heads;
    float *wt = malloc(sizeof *wt * 16 * (size_t)n);
    if (!wt)
        j->p->no_memory = 1;
    for (int h = h0; h < h1 && wt; h++)
        for (int t = 0; t < n; t++) {
            const float *row = j->p->pattern + ((size_t)h * (size_t)n + (size_t)t) * (size_t)n;
            int from = first_key(a, t);
            const struct strided values = {a->v + from * a->ldkv + (long)(h / per) * a->d_head, 1, a->ldkv,
                                           a->d_head, t + 1 - from};
            chain_over(j->p->format, row + from, &values, wt, a->z + t * a->ldz + (long)h * a->d_head);
        }
    free(wt);
}

static void round_all(enum ll_half_format f, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = round_to(f, x[i]);
}

static void attend_one(struct ll_half_policy *p, struct ll_engine *eng, const struct ll_attn *whole)
{
    struct ll_attn a = *whole;
    struct heads j = {p, whole, ll_engine_vec(eng)};
    size_t all = (size_t)a.n_heads * (size_t)a.n_pos * (size_t)a.n_pos;
    if (p->accumulate)
        ll_engine_rows(eng, a.n_heads, score_some, &j);
    else {
        a.z = NULL;
        a.scores_out = p->scores;
        ll_attention(eng, &a);
        round_all(p->format, p->scores, all);
    }
    a = *whole;
    a.z = NULL;
    a.scores_in = p->scores;
    a.pattern_out = p->pattern;
    ll_attention(eng, &a);
    round_all(p->format, p->pattern, all);
    if (p->accumulate) {
        ll_engine_rows(eng, a.n_heads, mix_some, &j);
        return;
    }
    a = *whole;
    a.pattern_in = p->pattern;
    ll_attention(eng, &a);
}

/* ---- storage: what each operation of the pass gives, rounded --------------------------------- */

static void store(const struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x)
{
    struct ll_half_policy *h = p->ops->own;
    int64_t over = 0;
    for (int r = 0; r < x.n; r++)
        for (int i = 0; i < x.width; i++) {
            float *v = x.x + r * x.ld + i;
            *v = round_to(h->format, *v);
            over += isinf(*v) != 0;
        }
    h->overflow[c->layer < 0 ? h->n_layers : c->layer] += over;
}

static void store_stream(const struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x)
{
    const struct ll_half_policy *h = p->ops->own;
    if (!h->resid_f32)
        store(p, c, x);
}

static void embed(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x)
{
    ll_pass_ops_plain.embed(p, c, x);
    store_stream(p, c, x);
}

static void norm(struct ll_pass *p, const struct ll_chunk *c, const struct ll_norm *n, struct ll_rows x,
                 struct ll_rows y, float *scale)
{
    ll_pass_ops_plain.norm(p, c, n, x, y, scale);
    store(p, c, y);
}

static void linear(struct ll_pass *p, const struct ll_chunk *c, const struct ll_product *op)
{
    const struct ll_half_policy *h = p->ops->own;
    if (h->accumulate)
        product(p, op);
    else
        ll_pass_ops_plain.linear(p, c, op);
    /* logits are stored after bias and soft cap; the shared expert's weight is no activation */
    if (op->role != LL_R_W_U && op->role != LL_R_SHARED_ROUTER)
        store(p, c, op->y);
}

static void norm_heads(struct ll_pass *p, const struct ll_chunk *c, const struct ll_heads *h)
{
    ll_pass_ops_plain.norm_heads(p, c, h);
    store(p, c, h->rows);
}

static void rotate(struct ll_pass *p, const struct ll_chunk *c, const struct ll_heads *h)
{
    ll_pass_ops_plain.rotate(p, c, h);
    if (c->L->rope)
        store(p, c, h->rows);
}

static void attend(struct ll_pass *p, const struct ll_chunk *c, const struct ll_attn *a, int n)
{
    for (int i = 0; i < n; i++) {
        attend_one(p->ops->own, p->engine, &a[i]);
        store(p, c, (struct ll_rows){a[i].z, a[i].n_pos, a[i].n_heads * a[i].d_head, a[i].ldz});
    }
}

static void activate(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows gate, struct ll_rows up)
{
    ll_pass_ops_plain.activate(p, c, gate, up);
    store(p, c, gate.x ? gate : up);
}

static void addend(struct ll_pass *p, const struct ll_chunk *c, const struct ll_norm *post, struct ll_rows y)
{
    ll_pass_ops_plain.addend(p, c, post, y);
    store(p, c, y);
}

static void add(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows stream, struct ll_rows y)
{
    ll_pass_ops_plain.add(p, c, stream, y);
    store_stream(p, c, stream);
}

static void head(struct ll_pass *p, const struct ll_chunk *c, struct ll_rows x, struct ll_rows logits)
{
    ll_pass_ops_plain.head(p, c, x, logits);
    store(p, c, logits);
}

static const struct ll_pass_ops half_ops = {.hides_scores = 1,
                                            .embed = embed,
                                            .norm = norm,
                                            .linear = linear,
                                            .norm_heads = norm_heads,
                                            .rotate = rotate,
                                            .attend = attend,
                                            .activate = activate,
                                            .addend = addend,
                                            .add = add,
                                            .head = head};

/* ---- making it ------------------------------------------------------------------------------- */

int ll_half_policy_init(struct ll_half_policy *p, const struct ll_model *m, int max_pos,
                        enum ll_half_format f, int accumulate, int resid_f32, struct ll_err *err)
{
    size_t square = (size_t)m->n_heads * (size_t)max_pos * (size_t)max_pos;
    long long room = ll_available_bytes();
    memset(p, 0, sizeof *p);
    if (room >= 0 && 2.0 * sizeof(float) * (double)square > (double)room)
        return ll_fail(
            err, LL_EFIT,
            "scores and pattern of %d positions and %d heads: expected at most %lld bytes, found %.0f",
            max_pos, m->n_heads, room, 2.0 * sizeof(float) * (double)square);
    p->format = f;
    p->accumulate = accumulate;
    p->resid_f32 = resid_f32;
    p->n_layers = m->n_layers;
    p->ops = half_ops;
    p->ops.own = p;
    p->overflow = calloc((size_t)m->n_layers + 1, sizeof *p->overflow);
    p->scores = malloc(sizeof *p->scores * square);
    p->pattern = malloc(sizeof *p->pattern * square);
    if (p->overflow && p->scores && p->pattern)
        return LL_OK;
    ll_half_policy_free(p);
    return ll_fail_mem(err, "emulated arithmetic", 2 * sizeof *p->scores * square);
}

void ll_half_policy_free(struct ll_half_policy *p)
{
    free(p->overflow);
    free(p->scores);
    free(p->pattern);
    memset(p, 0, sizeof *p);
}
