/* divergence_impl.h - the terms of KL and JS between two distributions given by logits, over sixteen lanes;
 * included by vec_impl.h.
 *
 * With u = a - lse_a, w = b - lse_b (natural log), p = e^u, q = e^w, s = |u - w|, r = e^-s and the larger one
 * e = max(p, q), each vocabulary entry adds
 *     KL(p || q):  p (u - w) - p + q  = e g(s) where p is the larger, e h(s) where q is
 *     KL(q || p):  the other of the two
 *     JS:          e j(s)
 * g = s - 1 + r, h = 1 - (1 + s) r, j = -((1 + r) ln((1 + r) / 2) + r s) / 2. The -p + q parts sum to zero;
 * with them every term is at least 0 and an error of the log-sum-exps enters only in the second order (in the
 * plain sum of p (u - w): in the first), so that a KL of 1e-11 keeps its digits. Below s = 1 the three are
 * s^2 times a polynomial (own fits, relative error below 7e-8), for nothing is left of the differences there;
 * s = 0 gives exactly 0. */

#define POLY(acc, s, ...) \
    do { \
        static const float c_[] = {__VA_ARGS__}; \
        (acc) = v_set(c_[sizeof c_ / sizeof *c_ - 1]); \
        for (int k_ = (int)(sizeof c_ / sizeof *c_) - 2; k_ >= 0; k_--) \
            (acc) = v_fma(acc, s, v_set(c_[k_])); \
    } while (0)

struct div_acc {
    v16 ab, ba, js;
};

/* Logits and log-sum-exps of sixteen entries: what both steps below begin with. */
struct div_at {
    v16 lse_a, lse_b, shift_hi, shift_lo; /* shift: lse_a - lse_b in two parts */
};

static inline struct div_at div_at(double lse_a, double lse_b)
{
    const double shift = lse_a - lse_b;
    return (struct div_at){v_set((float)lse_a), v_set((float)lse_b), v_set((float)shift),
                           v_set((float)(shift - (double)(float)shift))};
}

/* u - w; exactly 0 for equal logits and log-sum-exps. */
static inline v16 div_gap(v16 a, v16 b, const struct div_at *at)
{
    return v_sub(v_sub(v_sub(a, b), at->shift_hi), at->shift_lo);
}

static inline v16 div_larger(v16 a, v16 b, m16 p_larger, const struct div_at *at)
{
    return f_exp(v_select(p_larger, v_sub(a, at->lse_a), v_sub(b, at->lse_b)));
}

/* r s; r is 0 far out: the cut keeps 0 * inf away. */
static inline v16 div_rs(v16 s, v16 r) { return v_mul(r, v_at_most(s, v_set(115.0f))); }

/* j(s), twice the share of JS. */
static inline v16 div_js(v16 s, v16 r, v16 rs, m16 far)
{
    v16 j, l;
    POLY(j, s, 0x1.000000p-2f, -0x1.000000p-3f, 0x1.000000p-5f, -0x1.555530p-8f, 0x1.c7158ap-11f,
         -0x1.6bb4b2p-13f, 0x1.655a6ep-16f, 0x1.1e582cp-20f, -0x1.0d836ap-21f);
    /* -(1 + r) ln((1 + r) / 2) for r below 1/e */
    POLY(l, r, 0x1.62e430p-1f, -0x1.3a37a0p-2f, -0x1.fffff8p-2f, 0x1.555368p-3f, -0x1.551df0p-4f,
         0x1.960c66p-5f, -0x1.feef92p-6f, 0x1.1ad906p-6f, -0x1.7357c8p-8f);
    return v_select(far, v_sub(l, rs), v_mul(v_mul(s, s), j));
}

/* Called, not inlined: sixteen lanes are work enough, and the plain unit under sanitizers takes minutes to
 * compile otherwise. */
__attribute__((noinline)) static void div_step(struct div_acc *acc, v16 a, v16 b, const struct div_at *at)
{
    const v16 one = v_set(1.0f);
    v16 d = div_gap(a, b, at), s = v_abs(d), r = f_exp(v_sub(v_set(0.0f), s)), s2 = v_mul(s, s);
    m16 p_larger = v_ge(d, v_set(0.0f)), far = v_gt(s, one);
    v16 e = div_larger(a, b, p_larger, at), g, h, rs = div_rs(s, r);
    POLY(g, s, 0x1.000000p-1f, -0x1.555556p-3f, 0x1.55554cp-5f, -0x1.110ffep-7f, 0x1.6bf49ep-10f,
         -0x1.9dc78cp-13f, 0x1.895b4ap-16f, -0x1.f30086p-20f);
    POLY(h, s, 0x1.000000p-1f, -0x1.555554p-2f, 0x1.ffffdcp-4f, -0x1.110ebep-5f, 0x1.c6d26ep-8f,
         -0x1.358d8cp-10f, 0x1.53451cp-13f, -0x1.dad640p-17f);
    g = v_select(far, v_add(v_sub(s, one), r), v_mul(s2, g));
    h = v_select(far, v_sub(v_sub(one, r), rs), v_mul(s2, h));
    acc->ab = v_fma(e, v_select(p_larger, g, h), acc->ab);
    acc->ba = v_fma(e, v_select(p_larger, h, g), acc->ba);
    acc->js = v_fma(e, div_js(s, r, rs, far), acc->js);
}

/* JS alone: the same operations, so the same bits; every lens row has it, so it is worth inlining. */
LL_INLINE v16 js_step(v16 sum, v16 a, v16 b, const struct div_at *at)
{
    v16 d = div_gap(a, b, at), s = v_abs(d), r = f_exp(v_sub(v_set(0.0f), s));
    v16 e = div_larger(a, b, v_ge(d, v_set(0.0f)), at);
    return v_fma(e, div_js(s, r, div_rs(s, r), v_gt(s, v_set(1.0f))), sum);
}

/* Sixteen entries at a time; those missing from the last have probability 0 in both. */
#define EACH_SIXTEEN(STEP) \
    int i = 0; \
    for (; i + 16 <= n; i += 16) \
        STEP(v_load(a + i), v_load(b + i)); \
    if (i < n) { \
        const int rest = n - i; \
        TAIL(pa, a, -1e30f); \
        TAIL(pb, b, -1e30f); \
        STEP(v_load(pa), v_load(pb)); \
    }
#define ALL_THREE(x, y) div_step(&acc, x, y, &at)
#define JS_ALONE(x, y) sum = js_step(sum, x, y, &at)

static void tile_divergence(const float *a, const float *b, int n, double lse_a, double lse_b,
                            struct ll_tile_div *out)
{
    const struct div_at at = div_at(lse_a, lse_b);
    const v16 zero = v_set(0.0f);
    struct div_acc acc = {zero, zero, zero};
    EACH_SIXTEEN(ALL_THREE)
    *out = (struct ll_tile_div){v_tree(acc.ab), v_tree(acc.ba), 0.5f * v_tree(acc.js)};
}

static float tile_js(const float *a, const float *b, int n, double lse_a, double lse_b)
{
    const struct div_at at = div_at(lse_a, lse_b);
    v16 sum = v_set(0.0f);
    EACH_SIXTEEN(JS_ALONE)
    return 0.5f * v_tree(sum);
}
#undef EACH_SIXTEEN
#undef ALL_THREE
#undef JS_ALONE
#undef POLY
