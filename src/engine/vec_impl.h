/* vec_impl.h - elementwise functions, sums, tile statistics and the softmax row, written once over sixteen
 * lanes. Included by each kernels_*.c after its simd_*.h; everything is static, so that no unit's code can
 * stand in for another's. Tails shorter than 16 go through a padded buffer. */
#include "dmath_impl.h"
#include "fmath.h"
#include "kernels.h"

#define TAIL(buf, src, fill) \
    float buf[16]; \
    for (int q = 0; q < 16; q++) \
    buf[q] = q < (int)rest ? (src)[i + (size_t)q] : (fill)

#define ELEMENTWISE(NAME, PARAMS, LOAD, LOAD_TAIL, EXPR) \
    static void NAME PARAMS \
    { \
        size_t i = 0; \
        for (; i + 16 <= n; i += 16) { \
            LOAD; \
            v_store(y + i, EXPR); \
        } \
        size_t rest = n - i; \
        if (rest) { \
            LOAD_TAIL; \
            float out[16]; \
            v_store(out, EXPR); \
            memcpy(y + i, out, rest * sizeof *out); \
        } \
    }
#define ONE v16 x = v_load(px + i)
#define ONE_TAIL \
    TAIL(bx, px, 0.0f); \
    v16 x = v_load(bx)
#define TWO v16 a = v_load(pa + i), b = v_load(pb + i)
#define TWO_TAIL \
    TAIL(ba, pa, 0.0f); \
    TAIL(bb, pb, 0.0f); \
    v16 a = v_load(ba), b = v_load(bb)

ELEMENTWISE(vec_exp, (float *y, const float *px, size_t n), ONE, ONE_TAIL, f_exp(x))
ELEMENTWISE(vec_silu, (float *y, const float *px, size_t n), ONE, ONE_TAIL, f_silu(x))
ELEMENTWISE(vec_gelu_tanh, (float *y, const float *px, size_t n), ONE, ONE_TAIL, f_gelu_tanh(x))
ELEMENTWISE(vec_gelu_erf, (float *y, const float *px, size_t n), ONE, ONE_TAIL, f_gelu_erf(x))
ELEMENTWISE(vec_quick_gelu, (float *y, const float *px, size_t n), ONE, ONE_TAIL, f_quick_gelu(x))
ELEMENTWISE(vec_relu, (float *y, const float *px, size_t n), ONE, ONE_TAIL, f_relu(x))
ELEMENTWISE(vec_relu2, (float *y, const float *px, size_t n), ONE, ONE_TAIL, f_relu2(x))
ELEMENTWISE(vec_tanh, (float *y, const float *px, size_t n), ONE, ONE_TAIL, f_tanh(x))
ELEMENTWISE(vec_erf, (float *y, const float *px, size_t n), ONE, ONE_TAIL, f_erf(x))
ELEMENTWISE(vec_softcap, (float *y, const float *px, size_t n, float cap), ONE, ONE_TAIL,
            v_mul(v_set(cap), f_tanh(v_div(x, v_set(cap)))))
ELEMENTWISE(vec_scale, (float *y, const float *px, size_t n, float s), ONE, ONE_TAIL, v_mul(x, v_set(s)))
ELEMENTWISE(vec_mul, (float *y, const float *pa, const float *pb, size_t n), TWO, TWO_TAIL, v_mul(a, b))
ELEMENTWISE(vec_add, (float *y, const float *pa, const float *pb, size_t n), TWO, TWO_TAIL, v_add(a, b))

static void vec_exp_double(double *y, const double *x, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        exp_eight(y + i, x + i);
    for (; i < n; i++)
        y[i] = exp_double(x[i]);
}

static void vec_log_double(double *y, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = log_double(x[i]);
}

#define DOUBLE_SUM(NAME, PARAMS, LOAD, LOAD_TAIL, EXPR) \
    static double NAME PARAMS \
    { \
        d16 s = d_zero(); \
        size_t i = 0; \
        for (; i + 16 <= n; i += 16) { \
            LOAD; \
            s = EXPR; \
        } \
        size_t rest = n - i; \
        if (rest) { \
            LOAD_TAIL; \
            s = EXPR; \
        } \
        return d_tree(s); \
    }
DOUBLE_SUM(vec_sum, (const float *px, size_t n), ONE, ONE_TAIL, d_add(s, x))
DOUBLE_SUM(vec_sum_sq, (const float *px, size_t n), ONE, ONE_TAIL, d_add_product(s, x, x))
DOUBLE_SUM(vec_dot, (const float *pa, const float *pb, size_t n), TWO, TWO_TAIL, d_add_product(s, a, b))

static float vec_max(const float *px, size_t n)
{
    const float none = -__builtin_inff();
    v16 m = v_set(none);
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        m = v_max_number(v_load(px + i), m);
    size_t rest = n - i;
    if (rest) {
        TAIL(bx, px, none);
        m = v_max_number(v_load(bx), m);
    }
    float r = v_max_lane(m);
    if (r > none)
        return r + 0.0f; /* which of two zeros came first must not show: -0 becomes +0 */
    for (i = 0; i < n; i++)
        if (!__builtin_isnan(px[i]))
            return none;
    return __builtin_nanf("");
}

/* ---- statistics of a tile of logits: 16 chains by index mod 16, padded with zeros, then the tree  */

struct tile_acc {
    v16 s, t, c, d;
};

/* pad: lanes from `rest` on add zeros only. ef = NULL: s and t alone. */
LL_INLINE void tile_step(struct tile_acc *a, v16 l, v16 m, const float *ef, const float *lf, float *e_out)
{
    v16 diff = v_at_least(v_sub(l, m), v_set(-115.0f)),
        e = f_exp(diff); /* e is 0 there: the cut keeps 0 * -inf away */
    a->s = v_add(a->s, e);
    a->t = v_fma(e, diff, a->t);
    if (ef) {
        v16 g = v_sub(l, v_load(lf)); /* exactly 0 where a row equals the final one */
        a->c = v_fma(v_load(ef), g, a->c);
        a->d = v_fma(e, g, a->d);
    }
    if (e_out)
        v_store(e_out, e);
}

static void tile_sums(const float *l, int n, float m, const float *ef, const float *lf, float *e_out,
                      struct ll_tile_sums *out)
{
    const v16 zero = v_set(0.0f), vm = v_set(m);
    struct tile_acc a = {zero, zero, zero, zero};
    int i = 0;
    if (ef && e_out)
        for (; i + 16 <= n; i += 16)
            tile_step(&a, v_load(l + i), vm, ef + i, lf + i, e_out + i);
    else if (ef)
        for (; i + 16 <= n; i += 16)
            tile_step(&a, v_load(l + i), vm, ef + i, lf + i, NULL);
    else if (e_out)
        for (; i + 16 <= n; i += 16)
            tile_step(&a, v_load(l + i), vm, NULL, NULL, e_out + i);
    else
        for (; i + 16 <= n; i += 16)
            tile_step(&a, v_load(l + i), vm, NULL, NULL, NULL);
    if (i < n) { /* the same with each term of the missing lanes set to +0 */
        float term[4][16] = {{0}}, pl[16], pef[16] = {0}, plf[16], pe[16];
        for (int q = 0; q < 16; q++) {
            pl[q] = q < n - i ? l[i + q] : m;
            plf[q] = ef && q < n - i ? lf[i + q] : pl[q];
            pef[q] = ef && q < n - i ? ef[i + q] : 0.0f;
        }
        v16 vl = v_load(pl), diff = v_at_least(v_sub(vl, vm), v_set(-115.0f));
        v_store(pe, f_exp(diff));
        v_store(term[1], diff);
        v_store(term[2], v_sub(vl, v_load(plf)));
        for (int q = n - i; q < 16; q++)
            pe[q] = term[1][q] = term[2][q] = 0.0f;
        v16 e = v_load(pe), g = v_load(term[2]);
        a.s = v_add(a.s, e);
        a.t = v_fma(e, v_load(term[1]), a.t);
        if (ef) {
            a.c = v_fma(v_load(pef), g, a.c);
            a.d = v_fma(e, g, a.d);
        }
        if (e_out)
            memcpy(e_out + i, pe, (size_t)(n - i) * sizeof *pe);
    }
    *out = (struct ll_tile_sums){v_tree(a.s), v_tree(a.t), v_tree(a.c), v_tree(a.d)};
}

static int tile_count_gt(const float *l, int n, float t)
{
    const v16 vt = v_set(t);
    int i = 0, count = 0;
    for (; i + 16 <= n; i += 16)
        count += __builtin_popcount(m_bits(v_gt(v_load(l + i), vt)));
    for (; i < n; i++)
        count += l[i] > t;
    return count;
}

static int tile_find_ge(const float *l, int n, float t, int *idx)
{
    const v16 vt = v_set(t);
    int i = 0, found = 0;
    for (; i + 16 <= n; i += 16)
        for (unsigned bits = m_bits(v_ge(v_load(l + i), vt)); bits; bits &= bits - 1)
            idx[found++] = i + __builtin_ctz(bits);
    for (; i < n; i++)
        if (l[i] >= t)
            idx[found++] = i;
    return found;
}

#include "divergence_impl.h"

/* ---- one row of the attention pattern -------------------------------------------------------- */
static void softmax_row(float *row, int lo, int hi)
{
    v16 top = v_set(-__builtin_inff());
    for (int s = lo; s < hi; s += 16)
        top = v_max_number(v_load(row + s), top);
    const v16 m = v_set(v_max_lane(top));
    float sum = 0.0f;
    for (int s = lo; s < hi;) { /* block by block of positions counted from 0; blocks left out would add +0 */
        int end = (s / LL_SOFTMAX_BLOCK + 1) * LL_SOFTMAX_BLOCK;
        v16 chains = v_set(0.0f);
        for (; s < hi && s < end; s += 16) {
            v16 e = f_exp(v_sub(v_load(row + s), m));
            v_store(row + s, e);
            chains = v_add(chains, e);
        }
        sum += v_tree(chains);
    }
    const v16 all = v_set(sum);
    for (int s = lo; s < hi; s += 16)
        v_store(row + s, v_div(v_load(row + s), all));
}

#define VEC_TABLE \
    { \
        vec_exp, vec_silu, vec_gelu_tanh, vec_gelu_erf, vec_quick_gelu, vec_relu, vec_relu2, vec_softcap, \
            vec_mul, vec_add, vec_scale, vec_sum, vec_sum_sq, vec_dot, vec_max, vec_tanh, vec_erf, \
            vec_exp_double, vec_log_double \
    }
#define OPS_TABLE \
    { \
        tile_sums, tile_count_gt, tile_find_ge, tile_divergence, tile_js \
    }
