/* test_engine.c - products. The reference is the rule itself, written out naively; every comparison is of
 * bits.
 *
 * Which mistake each test catches:
 *   shapes      a chain cut elsewhere than at 128 columns, a stretch than at 2048; tails of K, N or M dropped
 *               or doubled; a multiplication and an addition instead of one fma; denormals flushed; the edge
 *               group written past its end
 *   batch       a result that depends on the rows beside it (register block of another shape)
 *   threads     two threads on one element, scratch shared between threads
 *   page_end    reads past the last row's bytes
 *   strides     ldx, ldy or row_bytes taken for k or n; y written between its rows
 *   transposed  a matrix stored [k, n] (and a slice of its columns) summed in another order, or its last
 *               lines dropped
 *   isa_names   an unknown unit silently replaced
 * Tried, each turned one of these red: chains of 64 columns; stretches of 1024; the last column of an odd
 * number left out; rows of w packed past their end. */
#include "unit/engine/test_engine_ref.h"

#include <sys/mman.h>
#include <unistd.h>

static const int type_size[] = {[LL_F32] = 4, [LL_F16] = 2, [LL_BF16] = 2};

/* f16 with exact value, any bits but NaN and infinities */
static float ref_f16(uint16_t h)
{
    int e = h >> 10 & 31;
    double f = h & 1023, v = e ? ldexp(1024 + f, e - 25) : ldexp(f, -24);
    return (float)(h >> 15 ? -v : v);
}

/* kind 0: ordinary; 1: denormals and tiny values whose products underflow; 2: huge values, sums overflow to
 * inf and NaN */
static float sample(int kind, uint64_t i)
{
    float u = uniform(i);
    if (kind == 1)
        return i % 3 ? u * 1e-22f : of_bits((uint32_t)mix(i) & 0x807fffffu);
    return kind == 2 ? u * 1e20f : u;
}

/* stored weight i of some matrix: writes it at p, returns its value */
static float put_weight(enum ll_dtype type, uint8_t *p, int kind, uint64_t i)
{
    float v = sample(kind, i);
    uint16_t h;
    if (type == LL_F32) {
        memcpy(p, &v, 4);
        return v;
    }
    if (type == LL_BF16) {
        h = (uint16_t)(bits_of(v) >> 16);
        memcpy(p, &h, 2);
        return of_bits((uint32_t)h << 16);
    }
    h = (uint16_t)mix(i);
    if (kind == 1)
        h &= 0x83ff; /* f16 subnormals */
    else if ((h >> 10 & 31) == 31)
        h ^= 0x4000; /* no inf, no NaN */
    memcpy(p, &h, 2);
    return ref_f16(h);
}

struct product {
    struct ll_mat w;
    uint8_t *bytes;
    float *values, *x, *bias, *want; /* [n,k] [m,k] [n] [m,n] */
    int m;
};

/* rows start `shift` bytes off any alignment, and are `gap` bytes longer than their weights */
static struct product make_product(enum ll_dtype type, int m, int n, int k, int kind, int shift, int gap,
                                   int with_bias)
{
    struct product p = {.m = m};
    size_t row = (size_t)k * (size_t)type_size[type] + (size_t)gap;
    p.bytes = need(row * (size_t)n + (size_t)shift);
    p.values = need(sizeof(float) * (size_t)n * (size_t)k);
    p.x = need(sizeof(float) * (size_t)m * (size_t)k);
    p.want = need(sizeof(float) * (size_t)m * (size_t)n);
    p.bias = with_bias ? need(sizeof(float) * (size_t)n) : NULL;
    p.w = (struct ll_mat){.type = type, .data = p.bytes + shift, .row_bytes = row, .n = n, .k = k};
    memset(p.bytes, 0xff, row * (size_t)n + (size_t)shift); /* NaN in the gaps */
    for (int i = 0; i < n; i++)
        for (int j = 0; j < k; j++)
            p.values[(size_t)i * (size_t)k + (size_t)j] =
                put_weight(type, p.bytes + shift + (size_t)i * row + (size_t)j * (size_t)type_size[type],
                           kind, (uint64_t)i * 9001 + (uint64_t)j);
    for (size_t i = 0; i < (size_t)m * (size_t)k; i++)
        p.x[i] = sample(kind, i + 77777777);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            p.want[(size_t)i * (size_t)n + (size_t)j] =
                ref_product(p.x + (size_t)i * (size_t)k, p.values + (size_t)j * (size_t)k, 1, k);
    for (int j = 0; p.bias && j < n; j++) {
        p.bias[j] = uniform((uint64_t)j + 5);
        for (int i = 0; i < m; i++)
            p.want[(size_t)i * (size_t)n + (size_t)j] += p.bias[j];
    }
    return p;
}
static void free_product(struct product *p)
{
    free(p->bytes);
    free(p->values);
    free(p->x);
    free(p->bias);
    free(p->want);
}

static void check_product(const struct product *p, int n_threads)
{
    size_t n = (size_t)p->m * (size_t)p->w.n;
    float *y = need(sizeof *y * n);
    for (int i = 0; i < N_ISAS; i++) {
        struct ll_engine *eng = engine_on(ISAS[i], n_threads);
        if (!eng)
            continue;
        struct ll_err err = {0};
        assert_int_equal(ll_engine_reserve(eng, p->m, p->w.k, 0, 0, &err), LL_OK);
        memset(y, 0xff, sizeof *y * n);
        ll_linear(eng, &p->w, p->x, p->w.k, p->m, p->bias, y, p->w.n);
        char what[128];
        snprintf(what, sizeof what, "%s %s m=%d n=%d k=%d threads=%d", ISAS[i], ll_wtype_name(p->w.type),
                 p->m, p->w.n, p->w.k, n_threads);
        assert_same(y, p->want, n, what);
        ll_engine_free(eng);
    }
    free(y);
}

static void test_shapes(void **state)
{
    (void)state;
    static const int shapes[][3] = {
        /* m, n, k */
        {1, 1, 1},        {1, 4, 15},       {2, 5, 16},     {3, 7, 17},     {4, 9, 31},    {5, 16, 33},
        {6, 33, 64},      {7, 130, 48},     {8, 3, 1025},   {9, 31, 1024},  {10, 8, 2500}, {11, 66, 100},
        {12, 12, 896},    {13, 127, 50},    {17, 300, 896}, {17, 40, 2048}, {23, 2, 40},   {31, 6, 1040},
        {40, 129, 160},   {96, 17, 130},    {97, 19, 130},  {98, 260, 96},  {100, 1, 70},  {101, 128, 16},
        {107, 131, 1100}, {200, 4, 33},     {1, 40, 2049},  {2, 70, 4225},  {5, 33, 4100}, {130, 37, 6200},
        {97, 9, 2048},    {230, 140, 4097},
    };
    for (enum ll_dtype type = LL_F32; type <= LL_BF16; type++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            int kind = (int)(s % 3), with_bias = s % 2;
            struct product p = make_product(type, shapes[s][0], shapes[s][1], shapes[s][2], kind,
                                            (int)(s % 4) * (type == LL_F32 ? 1 : 1), (int)(s % 5), with_bias);
            check_product(&p, 1 + (int)(s % 3));
            free_product(&p);
        }
}

static void test_many_rows(void **state) /* panels, several blocks of rows, parts of rows when n is small */
{
    (void)state;
    static const int shapes[][3] = {{816, 64, 896}, {816, 3, 100}, {1024, 20, 40},
                                    {1025, 9, 30},  {2100, 5, 17}, {1037, 150, 8}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int threads = 1; threads <= 3; threads++) {
            struct product p =
                make_product(s % 2 ? LL_F16 : LL_BF16, shapes[s][0], shapes[s][1], shapes[s][2], 0, 0, 0, 1);
            check_product(&p, threads);
            free_product(&p);
        }
}

static void test_batch(void **state) /* a row alone equals the row among others */
{
    (void)state;
    struct product p = make_product(LL_BF16, 130, 70, 1500, 0, 2, 0, 0);
    for (int i = 0; i < N_ISAS; i++) {
        struct ll_engine *eng = engine_on(ISAS[i], 2);
        if (!eng)
            continue;
        struct ll_err err = {0};
        assert_int_equal(ll_engine_reserve(eng, 130, 1500, 0, 0, &err), LL_OK);
        float y[5 * 70];
        for (int m = 1; m <= 5; m++)
            for (int r = 0; r + m <= 130; r += 21) {
                ll_linear(eng, &p.w, p.x + r * 1500, 1500, m, NULL, y, 70);
                assert_same(y, p.want + r * 70, (size_t)m * 70, ISAS[i]);
            }
        ll_engine_free(eng);
    }
    free_product(&p);
}

static void test_strides(void **state)
{
    (void)state;
    struct product p = make_product(LL_F16, 20, 11, 37, 0, 1, 3, 1);
    float x[20 * 50], y[20 * 16];
    for (int i = 0; i < N_ISAS; i++) {
        struct ll_engine *eng = engine_on(ISAS[i], 2);
        if (!eng)
            continue;
        struct ll_err err = {0};
        assert_int_equal(ll_engine_reserve(eng, 20, 37, 0, 0, &err), LL_OK);
        for (int j = 0; j < 20 * 50; j++)
            x[j] = NAN;
        for (int m = 0; m < 20; m++)
            memcpy(x + m * 50, p.x + m * 37, 37 * sizeof *x);
        for (int j = 0; j < 20 * 16; j++)
            y[j] = 123.0f;
        ll_linear(eng, &p.w, x, 50, 20, p.bias, y, 16);
        for (int m = 0; m < 20; m++) {
            assert_same(y + m * 16, p.want + m * 11, 11, ISAS[i]);
            for (int n = 11; n < 16; n++)
                assert_true(y[m * 16 + n] == 123.0f); /* nothing between the rows is touched */
        }
        ll_engine_free(eng);
    }
    free_product(&p);
}

static void test_page_end(
    void **state) /* the matrix ends where the mapping ends: one byte more is a SIGSEGV */
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = 64 * page;
    uint8_t *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
    static const int ks[] = {1, 15, 16, 17, 31, 32, 33, 48, 1025, 1030};
    /* n, m: fewer rows of w than a group, then whole groups of every unit, read as stored or by panels */
    static const int sizes[][2] = {{4, 1},  {4, 34}, {4, 67}, {4, 100}, {5, 1},  {5, 34}, {5, 67}, {5, 100},
                                   {6, 1},  {6, 34}, {6, 67}, {6, 100}, {7, 1},  {7, 34}, {7, 67}, {7, 100},
                                   {16, 1}, {16, 5}, {32, 1}, {32, 2},  {32, 5}, {48, 1}, {48, 40}};
    for (enum ll_dtype type = LL_F32; type <= LL_BF16; type++)
        for (size_t q = 0; q < sizeof ks / sizeof *ks; q++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                struct product p = make_product(type, sizes[i][1], sizes[i][0], ks[q], 0, 0, 0, 0);
                size_t bytes = p.w.row_bytes * (size_t)p.w.n;
                memcpy(map + room - bytes, p.w.data, bytes);
                p.w.data = map + room - bytes;
                check_product(&p, 1);
                free_product(&p);
            }
    munmap(map, room + page);
}

/* The same weights stored [k, n], as columns 3.. of a wider matrix that ends where the mapping ends. */
static void test_transposed(void **state)
{
    (void)state;
    static const int shapes[][3] = {{1, 1, 1},     {2, 5, 17},    {7, 130, 48}, {17, 300, 96},
                                    {3, 40, 1030}, {97, 19, 130}, {200, 9, 33}};
    static const enum ll_dtype types[] = {LL_F32, LL_F16, LL_BF16};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t t = 0; t < sizeof types / sizeof *types; t++)
            for (int threads = 1; threads <= 3; threads += 2) {
                int n = shapes[s][1], k = shapes[s][2];
                struct product p = make_product(types[t], shapes[s][0], n, k, 0, 0, 0, 1);
                size_t size = (size_t)type_size[types[t]], line = (size_t)(n + 3) * size,
                       page = (size_t)sysconf(_SC_PAGESIZE);
                size_t room = ((size_t)k * line + page - 1) / page * page;
                uint8_t *map =
                    mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                assert_true(map != MAP_FAILED);
                assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
                uint8_t *stored = map + room - (size_t)k * line;
                for (int j = 0; j < n; j++)
                    for (int i = 0; i < k; i++)
                        memcpy(stored + (size_t)i * line + (size_t)(j + 3) * size,
                               p.w.data + (size_t)j * p.w.row_bytes + (size_t)i * size, size);
                struct ll_mat wide = {
                    .type = types[t], .data = stored, .row_bytes = line, .n = n + 3, .k = k, .transposed = 1};
                p.w = ll_mat_rows(&wide, 3, n);
                check_product(&p, threads);
                munmap(map, room + page);
                free_product(&p);
            }
}

static void test_mat_row(void **state)
{
    (void)state;
    for (enum ll_dtype type = LL_F32; type <= LL_BF16; type++) {
        struct product p = make_product(type, 1, 3, 21, 0, 1, 1, 0);
        float row[21];
        ll_mat_row(&p.w, 2, row);
        assert_same(row, p.values + 2 * 21, 21, ll_wtype_name(type));
        assert_int_equal(ll_wtype_row_bytes(type, 21), 21 * type_size[type]);
        free_product(&p);
    }
}

static void test_isa_names(void **state)
{
    (void)state;
    struct ll_engine *eng;
    struct ll_err err = {0};
    setenv("LL_ENGINE_ISA", "sse9", 1);
    assert_int_equal(ll_engine_init(&eng, 1, &err), LL_EUSAGE);
    assert_non_null(strstr(err.msg, "sse9"));
    unsetenv("LL_ENGINE_ISA");
    assert_int_equal(ll_engine_init(&eng, 2, &err), LL_OK);
    assert_int_equal(ll_engine_threads(eng), 2);
    ll_engine_free(eng);
    ll_engine_free(NULL);
    eng = engine_on("plain", 1);
    assert_non_null(eng); /* plain C is always there */
    ll_engine_free(eng);
}

static void count_rows(void *arg, int row0, int row1)
{
    for (int r = row0; r < row1; r++)
        ((int *)arg)[r]++;
}
static void test_rows(void **state) /* every row exactly once */
{
    (void)state;
    struct ll_engine *eng = engine_on("plain", 3);
    for (int n = 0; n < 100; n++) {
        int seen[100] = {0};
        ll_engine_rows(eng, n, count_rows, seen);
        for (int r = 0; r < 100; r++)
            assert_int_equal(seen[r], r < n);
    }
    ll_engine_free(eng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),  cmocka_unit_test(test_many_rows), cmocka_unit_test(test_batch),
        cmocka_unit_test(test_strides), cmocka_unit_test(test_page_end),  cmocka_unit_test(test_transposed),
        cmocka_unit_test(test_mat_row), cmocka_unit_test(test_isa_names), cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
