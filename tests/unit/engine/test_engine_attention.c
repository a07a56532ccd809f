/* test_engine_attention.c - attention against two references: the header's rule written naively in float
 * (bits), and the formula in double (tolerance), which would notice a rule that is computed faithfully but is
 * not attention.
 *
 * Which mistake each test catches:
 *   rule        mask off by one, window off by one, wrong kv head, cap before scale, another order of sums,
 *               blocks of 48 queries, 128 or 1024 keys joined wrongly
 *   prefix      anything of later positions in earlier rows: infinities and NaN, and the sign of a zero
 *   many        packed keys of one sequence or head used for another
 *   round_trip  scores_out that are not what the softmax saw, pattern_out that is not what z used
 * Tried, each turned one of these red: window - 1 -> window; head / group -> head % n_kv_heads; no test for
 * infinities among the values; packed keys kept across heads; z without its last + 0. */
#include "unit/engine/test_engine_ref.h"

struct setup {
    struct ll_attn a;
    float *q, *k, *v, *z, *scores, *pattern; /* owned */
    size_t n_z, n_pattern;
};

static struct setup make_setup(int n_pos, int n_heads, int n_kv_heads, int d_head, int window, float cap,
                               uint64_t seed)
{
    struct setup s = {.a = {.n_pos = n_pos,
                            .n_heads = n_heads,
                            .n_kv_heads = n_kv_heads,
                            .d_head = d_head,
                            .window = window,
                            .scale = 1 / sqrtf((float)d_head),
                            .cap = cap}};
    s.a.ldq = (long)n_heads * d_head + 3;
    s.a.ldkv = (long)n_kv_heads * d_head + 1;
    s.a.ldz = (long)n_heads * d_head;
    size_t nq = (size_t)n_pos * (size_t)s.a.ldq, nkv = (size_t)n_pos * (size_t)s.a.ldkv;
    s.n_z = (size_t)n_pos * (size_t)s.a.ldz;
    s.n_pattern = (size_t)n_heads * (size_t)n_pos * (size_t)n_pos;
    s.q = need(sizeof(float) * nq);
    s.k = need(sizeof(float) * nkv);
    s.v = need(sizeof(float) * nkv);
    s.z = need(sizeof(float) * s.n_z);
    s.scores = need(sizeof(float) * s.n_pattern);
    s.pattern = need(sizeof(float) * s.n_pattern);
    /* values by position, so that a shorter setup of the same seed is a prefix of a longer one */
    for (size_t i = 0; i < nq; i++)
        s.q[i] = 3 * uniform(seed + i);
    for (size_t i = 0; i < nkv; i++) {
        s.k[i] = 3 * uniform(seed + i + 1000000000);
        s.v[i] = uniform(seed + i + 2000000000);
    }
    s.a.q = s.q, s.a.k = s.k, s.a.v = s.v, s.a.z = s.z, s.a.scores_out = s.scores,
    s.a.pattern_out = s.pattern;
    memset(s.z, 0xff, sizeof(float) * s.n_z);
    memset(s.scores, 0xff, sizeof(float) * s.n_pattern);
    memset(s.pattern, 0xff, sizeof(float) * s.n_pattern);
    return s;
}
static void free_setup(struct setup *s)
{
    free(s->q);
    free(s->k);
    free(s->v);
    free(s->z);
    free(s->scores);
    free(s->pattern);
}
static struct ll_engine *attention_engine(const char *isa, int threads, const struct setup *s)
{
    struct ll_engine *eng = engine_on(isa, threads);
    struct ll_err err = {0};
    if (eng)
        assert_int_equal(ll_engine_reserve(eng, 0, 0, s->a.n_pos, s->a.d_head, &err), LL_OK);
    return eng;
}

/* one head, one query, by the header: scores, pattern [n_pos], z [d_head] */
static void ref_row(const struct ll_vec *vec, const struct ll_attn *a, int h, int t, float *scores,
                    float *pattern, float *z)
{
    const int d = a->d_head, g = a->n_heads / a->n_kv_heads,
              from = a->window && t - a->window + 1 > 0 ? t - a->window + 1 : 0;
    const float *q = a->q + t * a->ldq + h * d, *k = a->k + h / g * d, *v = a->v + h / g * d;
    float max = -INFINITY, sum = 0;
    for (int s = 0; s < a->n_pos; s++) {
        scores[s] = -INFINITY;
        pattern[s] = 0;
        if (s < from || s > t)
            continue;
        scores[s] = ref_product(q, k + s * a->ldkv, 1, d) * a->scale;
        if (a->cap > 0)
            vec->softcap(scores + s, scores + s, 1, a->cap);
        if (scores[s] > max)
            max = scores[s];
    }
    for (int s0 = 0; s0 < a->n_pos; s0 += 1024) {
        float c[16] = {0};
        for (int s = s0; s < a->n_pos && s < s0 + 1024; s++)
            if (s >= from && s <= t) {
                float x = scores[s] - max;
                vec->exp(&pattern[s], &x, 1);
                c[s % 16] += pattern[s];
            }
        for (int w = 8; w; w /= 2)
            for (int j = 0; j < w; j++)
                c[j] += c[j + w];
        sum = s0 ? sum + c[0] : c[0];
    }
    for (int s = from; s <= t; s++)
        pattern[s] = pattern[s] / sum;
    for (int c = 0; c < d; c++)
        z[c] = ref_product(pattern, v + c, a->ldkv, t + 1) + 0.0f;
}

/* the formula in double; the result is a mean of |v| <= 1, so an absolute bound: score errors of about 1e-6
 * relative change p by about 1e-5 at most */
static void check_double(const struct ll_attn *a, int h, int t, const float *z)
{
    const int d = a->d_head, g = a->n_heads / a->n_kv_heads,
              from = a->window && t - a->window + 1 > 0 ? t - a->window + 1 : 0;
    double *p = need(sizeof *p * (size_t)a->n_pos), sum = 0;
    for (int s = from; s <= t; s++) {
        double x = 0;
        for (int c = 0; c < d; c++)
            x += (double)a->q[t * a->ldq + h * d + c] * (double)a->k[s * a->ldkv + h / g * d + c];
        x *= (double)a->scale;
        p[s] = exp(a->cap > 0 ? (double)a->cap * tanh(x / (double)a->cap) : x);
        sum += p[s];
    }
    for (int c = 0; c < d; c++) {
        double want = 0;
        for (int s = from; s <= t; s++)
            want += p[s] / sum * (double)a->v[s * a->ldkv + h / g * d + c];
        if (!(fabs(want - (double)z[c]) < 1e-5))
            fail_msg("head %d query %d column %d: %.9g, in double %.9g", h, t, c, (double)z[c], want);
    }
    free(p);
}

static const struct {
    int n_pos, n_heads, n_kv_heads, d_head, window;
    float cap;
} cases[] = {
    {1, 1, 1, 1, 0, 0},       {2, 2, 1, 5, 0, 0},     {16, 2, 2, 16, 0, 0},  {17, 4, 2, 64, 0, 0},
    {33, 3, 3, 7, 5, 0},      {49, 4, 1, 24, 0, 30},  {97, 2, 1, 64, 16, 0}, {100, 6, 2, 80, 33, 50},
    {200, 2, 1, 32, 0, 0},    {300, 2, 2, 9, 100, 2}, {1100, 2, 1, 8, 0, 0}, {1100, 1, 1, 6, 40, 0},
    {2100, 1, 1, 4, 1500, 0},
};
enum { N_CASES = sizeof cases / sizeof *cases };
static struct setup case_setup(int i)
{
    return make_setup(cases[i].n_pos, cases[i].n_heads, cases[i].n_kv_heads, cases[i].d_head, cases[i].window,
                      cases[i].cap, (uint64_t)i << 40);
}

static void test_rule(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        struct setup s = case_setup(i);
        const int n = s.a.n_pos, d = s.a.d_head;
        float *want_scores = need(sizeof(float) * s.n_pattern),
              *want_pattern = need(sizeof(float) * s.n_pattern), *want_z = need(sizeof(float) * s.n_z);
        for (int isa = 0; isa < N_ISAS; isa++) {
            struct ll_engine *eng = attention_engine(ISAS[isa], 1 + (i + isa) % 3, &s);
            if (!eng)
                continue;
            if (isa == 0)
                for (int h = 0; h < s.a.n_heads; h++)
                    for (int t = 0; t < n; t++) {
                        size_t row = ((size_t)h * (size_t)n + (size_t)t) * (size_t)n;
                        ref_row(ll_engine_vec(eng), &s.a, h, t, want_scores + row, want_pattern + row,
                                want_z + t * s.a.ldz + h * d);
                        check_double(&s.a, h, t, want_z + t * s.a.ldz + h * d);
                    }
            char what[64];
            snprintf(what, sizeof what, "case %d, %s", i, ISAS[isa]);
            ll_attention(eng, &s.a);
            assert_same(s.scores, want_scores, s.n_pattern, what);
            assert_same(s.pattern, want_pattern, s.n_pattern, what);
            assert_same(s.z, want_z, s.n_z, what);
            /* the round trip: z from given scores, and from a given pattern */
            for (int given = 0; given < 2; given++) {
                struct ll_attn b = s.a;
                b.scores_out = b.pattern_out = NULL;
                b.q = b.k = NULL;
                *(given ? &b.pattern_in : &b.scores_in) = given ? want_pattern : want_scores;
                memset(s.z, 0xff, sizeof(float) * s.n_z);
                ll_attention(eng, &b);
                assert_same(s.z, want_z, s.n_z, given ? "pattern_in" : "scores_in");
            }
            /* z NULL: stops after the pattern */
            struct ll_attn b = s.a;
            b.z = NULL;
            b.v = NULL;
            b.scores_out = NULL;
            memset(s.pattern, 0xff, sizeof(float) * s.n_pattern);
            ll_attention(eng, &b);
            assert_same(s.pattern, want_pattern, s.n_pattern, what);
            ll_engine_free(eng);
        }
        free(want_scores);
        free(want_pattern);
        free(want_z);
        free_setup(&s);
    }
}

static void test_prefix(void **state) /* rows of a long prompt = rows of its beginning, whatever follows */
{
    (void)state;
    static const int lengths[][2] = {{17, 40}, {1, 100}, {48, 49}, {20, 1100}, {1000, 1030}};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (int odd = 0; odd < 3; odd++)
            for (int isa = 0; isa < N_ISAS; isa++) {
                struct setup a = make_setup(lengths[l][0], 2, 1, 20, (int)l % 2 * 30, 0, 5),
                             b = make_setup(lengths[l][1], 2, 1, 20, (int)l % 2 * 30, 0, 5);
                a.a.scores_out = a.a.pattern_out = b.a.scores_out = b.a.pattern_out = NULL;
                if (odd == 2) { /* products that underflow to -0: 0 * v - 0 is -0 for later v < 0, but +0 for
                                   padding */
                    for (int i = 0; i < lengths[l][1] * (int)b.a.ldkv; i++)
                        b.v[i] = -1.0f;
                    for (int i = 0; i < lengths[l][0] * (int)a.a.ldkv; i++)
                        a.v[i] = b.v[i] = -1e-45f;
                    for (int i = 0; i < lengths[l][0] * (int)a.a.ldq; i++)
                        a.q[i] = b.q[i] = 0.0f; /* p = 1 / (number of keys) */
                }
                if (odd == 1) /* what comes later overflows */
                    for (int c = 0; c < 20; c++) {
                        b.v[lengths[l][0] * b.a.ldkv + c] = c % 2 ? INFINITY : NAN;
                        b.k[lengths[l][0] * b.a.ldkv + c] = INFINITY;
                    }
                struct ll_engine *eng = attention_engine(ISAS[isa], 2, &b);
                if (eng) {
                    ll_attention(eng, &a.a);
                    ll_attention(eng, &b.a);
                    assert_same(b.z, a.z, a.n_z, ISAS[isa]);
                    if (odd == 1)
                        assert_true(isnan(b.z[lengths[l][0] * b.a.ldz])); /* and shows where it belongs */
                }
                ll_engine_free(eng);
                free_setup(&a);
                free_setup(&b);
            }
}

static void test_many(
    void **state) /* a sequence among others = alone; a long one and short ones, all threads */
{
    (void)state;
    enum { N = 9 };
    for (int isa = 0; isa < N_ISAS; isa++)
        for (int threads = 1; threads <= 3; threads++) {
            struct setup s[N];
            struct ll_attn all[N];
            float *alone[N];
            struct setup largest = make_setup(130, 1, 1, 24, 0, 0, 1);
            struct ll_engine *eng = attention_engine(ISAS[isa], threads, &largest);
            free_setup(&largest);
            for (int i = 0; eng && i < N; i++) {
                s[i] =
                    make_setup(i == 4 ? 130 : 1 + 7 * i, 4, i % 2 ? 2 : 4, 8 + i, 0, 0, (uint64_t)i * 1000);
                ll_attention(eng, &s[i].a);
                alone[i] = need(sizeof(float) * s[i].n_z);
                memcpy(alone[i], s[i].z, sizeof(float) * s[i].n_z);
                memset(s[i].z, 0xff, sizeof(float) * s[i].n_z);
                all[i] = s[i].a;
            }
            if (!eng)
                continue;
            ll_attention_many(eng, all, N);
            for (int i = 0; i < N; i++) {
                assert_same(s[i].z, alone[i], s[i].n_z, ISAS[isa]);
                free(alone[i]);
                free_setup(&s[i]);
            }
            ll_engine_free(eng);
        }
}

static void test_edited(void **state) /* a listener's pattern is used as it is, also above the diagonal */
{
    (void)state;
    for (int isa = 0; isa < N_ISAS; isa++) {
        struct setup s = make_setup(60, 2, 1, 12, 0, 0, 9);
        struct ll_engine *eng = attention_engine(ISAS[isa], 2, &s);
        if (eng) {
            for (size_t i = 0; i < s.n_pattern; i++)
                s.pattern[i] = i % 7 ? 0.0f : 2.0f * uniform(i);
            struct ll_attn b = s.a;
            b.pattern_in = s.pattern;
            b.pattern_out = b.scores_out = NULL;
            ll_attention(eng, &b);
            for (int h = 0; h < 2; h++)
                for (int t = 0; t < 60; t++)
                    for (int c = 0; c < 12; c++) {
                        float want = ref_product(s.pattern + (h * 60 + t) * 60, s.v + c, s.a.ldkv, 60) + 0.0f;
                        assert_same(&s.z[t * s.a.ldz + h * 12 + c], &want, 1, ISAS[isa]);
                    }
        }
        ll_engine_free(eng);
        free_setup(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rule), cmocka_unit_test(test_prefix),
                                       cmocka_unit_test(test_many), cmocka_unit_test(test_edited)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
