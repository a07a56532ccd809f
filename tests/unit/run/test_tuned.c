/* test_tuned.c - tuned lenses: files that torch wrote (tests/fixtures/tuned/make.py), hostile pickles and
 * archives, the translators, the fit against numpy and transformers (figures below, made in double), our own
 * files read back. Caught: strides ignored, W for its transpose, translators numbered from row 1, the
 * residual form forgotten, an unweighted fit, the shift not taken back, a view one value beyond its storage,
 * row n_layers translated. */
#include "map.h"
#include "sweep.h"
#include "torch_file.h"
#include "torch_pickle.h"
#include "torch_write.h"
#include "doc_tuned.h"
#include "tuned_file.h"
#include "tuned_fit.h"
#include "tuned_open.h"
#include "zip.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs the headers above */
#include <cmocka.h>

#define FIXTURES LL_SOURCE_DIR "/tests/fixtures/tuned/"
#define MODEL LL_SOURCE_DIR "/tests/fixtures/models/llama3_gqa"
enum { D = 4, N = 2 };

static void near(double got, double want, double tol)
{
    if (!(fabs(got - want) <= tol))
        fail_msg("got %.12g, expected %.12g", got, want);
}

/* ---- files ----------------------------------------------------------------------------------- */

static float value(const struct ll_tensor *t, int i)
{
    const struct ll_dtype_info *d = ll_dtype_info(t->dtype);
    float v;
    d->to_f32(t->data + (size_t)i * (size_t)d->block_bytes, &v, 1);
    return v;
}

/* The rule of make.py. */
static void check_values(const struct ll_tuned_file *f, enum ll_dtype dtype)
{
    assert_int_equal(f->d_model, D);
    assert_int_equal(f->n_layers, N);
    for (int l = 0; l < N; l++)
        for (int i = 0; i < D; i++) {
            assert_int_equal(f->weight[l]->dtype, dtype);
            for (int j = 0; j < D; j++)
                near((double)value(f->weight[l], i * D + j), ((7 * i + 3 * j + 5 * l) % 16 - 8) / 8.0, 0);
            if (f->has_bias)
                near((double)value(f->bias[l], i), ((3 * i + l) % 8 - 4) / 4.0, 0);
            else
                assert_null(f->bias[l]);
        }
}

static void reads_torch_files(void **state)
{
    static const struct {
        const char *name;
        enum ll_dtype dtype;
    } of[] = {{"ordered", LL_F32},
              {"strided_bf16", LL_BF16},
              {"shared_f16", LL_F16},
              {"nobias_f64", LL_F64},
              {"safetensors", LL_F32}};
    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        char dir[4096];
        struct ll_tuned_file *f;
        struct ll_err err = {0};
        snprintf(dir, sizeof dir, FIXTURES "%s", of[i].name);
        if (ll_tuned_file_open(&f, dir, &err))
            fail_msg("%s: %s", of[i].name, err.msg);
        check_values(f, of[i].dtype);
        ll_tuned_file_close(f);
    }
}

static void refuses(const char *file, int code, const char *word)
{
    struct ll_map map;
    struct ll_torch_file t;
    struct ll_err err = {0};
    char path[4096];
    snprintf(path, sizeof path, FIXTURES "bad/%s", file);
    assert_int_equal(ll_map_open(&map, path, &err), LL_OK);
    int rc = ll_torch_parse(&t, file, NULL, map.data, map.size, &err);
    if (rc != code || !strstr(err.msg, word))
        fail_msg("%s: code %d, \"%s\"; expected code %d and \"%s\"", file, rc, err.msg, code, word);
    assert_null(t.tensors);
    ll_map_close(&map);
}

static void refuses_by_name(void **state)
{
    (void)state;
    refuses("evil.pt", LL_EUNSUP, "posix.system");
    refuses("legacy.pt", LL_EUNSUP, "torch before 1.6");
    refuses("protocol4.pt", LL_EUNSUP, "protocol 4");
    refuses("deflated.pt", LL_EUNSUP, "compression method 8");
    refuses("big.pt", LL_EUNSUP, "byteorder");
    refuses("list.pt", LL_EUNSUP, "opcode 0x5d");
    refuses("number.pt", LL_EUSAGE, "expected a tensor, found a number");
    refuses("long.pt", LL_EUNSUP, "torch.LongStorage");
    refuses("short.pt", LL_EUSAGE, "a storage of 16 values, found 60 bytes");
}

/* A pickle of {"w": tensor} whose numbers the caller chooses; the storage holds `have` floats. */
static int parse_view(int have, int stored, int offset, int rows, int cols, int s0, int s1,
                      struct ll_torch_file *t, struct ll_err *err)
{
    uint8_t pickle[512];
    static const float zeros[64];
    char *bytes;
    size_t n_bytes;
    int n = sprintf((char *)pickle, "%s",
                    "\x80\x02}X\x01"
                    "XXXwctorch._utils\n_rebuild_tensor_v2\n((X\x07"
                    "XXXstoragectorch\nFloatStorage\nX\x01"
                    "XXX0X\x03"
                    "XXXcpu");
    for (int i = 0; i + 4 < n; i++) /* the high bytes of text lengths */
        if (pickle[i] == 'X' && pickle[i + 1] < 0x20 && !memcmp(pickle + i + 2, "XXX", 3))
            memset(pickle + i + 2, 0, 3);
    const int numbers[] = {stored, offset, rows, cols, s0, s1};
    static const char *const around[] = {"", "tQ", "", "", "\x86", "", "\x86\x89}tRs."};
    for (int i = 0; i <= 6; i++) {
        n += sprintf((char *)pickle + n, "%s", around[i]);
        for (int k = 0; i < 6 && k < 5; k++)
            pickle[n++] = k ? (uint8_t)((uint32_t)numbers[i] >> 8 * (k - 1)) : 'J';
    }
    const struct ll_zip_part parts[] = {{pickle, (size_t)n}, {zeros, (size_t)have * sizeof *zeros}};
    const struct ll_zip_new entries[] = {{"a/data.pkl", &parts[0], 1}, {"a/data/0", &parts[1], 1}};
    FILE *f = open_memstream(&bytes, &n_bytes);
    assert_int_equal(ll_zip_write(f, entries, 2, err), LL_OK);
    fclose(f);
    int rc = ll_torch_parse(t, "made", NULL, (const uint8_t *)bytes, n_bytes, err);
    if (!rc) /* what is borrowed ends with the bytes */
        ll_torch_free(t);
    free(bytes);
    return rc;
}

static void checks_views(void **state)
{
    static const struct {
        int have, stored, offset, rows, cols, s0, s1, ok;
        const char *word;
    } of[] = {{12, 12, 0, 3, 4, 4, 1, 1, ""},
              {12, 12, 0, 4, 3, 1, 4, 1, ""},
              {12, 12, 0, 0, 4, 4, 1, 1, ""},
              {12, 12, 1, 3, 4, 4, 1, 0, "inside its storage"},
              {12, 12, 0, 3, 4, 5, 1, 0, "inside its storage"},
              {12, 13, 0, 3, 4, 4, 1, 0, "a storage of 13 values"},
              {12, 12, -1, 3, 4, 4, 1, 0, "offset >= 0"},
              {12, 12, 0, -3, 4, 4, 1, 0, "numbers >= 0"},
              {12, 12, 0, 3, 4, -4, 1, 0, "numbers >= 0"},
              {12, 12, 0, 2147483647, 2147483647, 0, 0, 0, "inside its storage"},
              {12, 12, 0, 2147483647, 2, 2147483647, 1, 0, "inside its storage"},
              {12, 12, 0, 5, 4, 0, 1, 0, "inside its storage"}};
    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct ll_err err = {0};
        struct ll_torch_file t;
        int rc = parse_view(of[i].have, of[i].stored, of[i].offset, of[i].rows, of[i].cols, of[i].s0,
                            of[i].s1, &t, &err);
        if ((rc == LL_OK) != of[i].ok || !strstr(err.msg, of[i].word))
            fail_msg("view %zu: code %d \"%s\"", i, rc, err.msg);
    }
}

static void unpickle_fails(const char *root, const char *bytes, size_t n, int code, const char *word)
{
    struct ll_torch_view *v;
    int n_views;
    struct ll_err err = {0};
    uint8_t *exact = malloc(n ? n : 1);
    memcpy(exact, bytes, n);
    int rc = ll_torch_unpickle(&v, &n_views, "p", root, exact, n, &err);
    if (rc != code || !strstr(err.msg, word) || v)
        fail_msg("code %d \"%s\", expected \"%s\"", rc, err.msg, word);
    free(exact);
}
#define FAILS(bytes, code, word) unpickle_fails(NULL, bytes, sizeof bytes - 1, code, word)
#define ROOT_FAILS(bytes, code, word) unpickle_fails("root", bytes, sizeof bytes - 1, code, word)

static void checks_the_stack(void **state)
{
    (void)state;
    FAILS("", LL_EUNSUP, "protocol 2");
    FAILS("\x80\x02", LL_EUSAGE, "STOP");
    FAILS("\x80\x02.", LL_EUSAGE, "one dictionary");
    FAILS("\x80\x02}}.", LL_EUSAGE, "one dictionary");
    FAILS("\x80\x02t.", LL_EUSAGE, "a mark");
    FAILS("\x80\x02u.", LL_EUSAGE, "a mark");
    FAILS("\x80\x02(K\x01K\x02u.", LL_EUSAGE, "a dictionary below");
    FAILS("\x80\x02}(K\x01K\x02u.", LL_EUSAGE, "expected a text, found a number");
    FAILS("\x80\x02}(K\x01u.", LL_EUSAGE, "a dictionary below");
    FAILS("\x80\x02(\x85.", LL_EUSAGE, "as many values");
    FAILS("\x80\x02R.", LL_EUSAGE, "a name and a tuple");
    FAILS("\x80\x02"
          "ctorch\nFloatStorage\n)R.",
          LL_EUNSUP, "refused to call torch.FloatStorage");
    FAILS("\x80\x02"
          "cos\nsystem\n.",
          LL_EUNSUP, "os.system");
    FAILS("\x80\x02"
          "cos\nsys",
          LL_EUSAGE, "two lines");
    FAILS("\x80\x02"
          "ctorch.storage\n_load_from_bytes\n.",
          LL_EUNSUP, "torch.storage._load_from_bytes");
    FAILS("\x80\x02h\x07.", LL_EUSAGE, "memo 7");
    FAILS("\x80\x02}r\xff\xff\xff\xff.", LL_EUSAGE, "memo number");
    FAILS("\x80\x02X\xff\xff\xff\x7f"
          "abc.",
          LL_EUSAGE, "inside the pickle");
    FAILS("\x80\x02X\x01\0\0\0\xff.", LL_EUSAGE, "UTF-8");
    FAILS("\x80\x02J\x01", LL_EUSAGE, "argument");
    FAILS("\x80\x02\x8a\x09"
          "123456789.",
          LL_EUSAGE, "at most 8 bytes");
    FAILS("\x80\x02K\x01Q.", LL_EUSAGE, "a tuple of 5");
    FAILS("\x80\x02}}X\x01\0\0\0aK\x01sb.", LL_EUNSUP, "refused to set an attribute");
    FAILS("\x80\x02i.", LL_EUNSUP, "opcode 0x69");
}

/* Containers: what a tuned lens may not have, a reference may. */
static void checks_containers(void **state)
{
    (void)state;
    FAILS("\x80\x02].", LL_EUNSUP, "opcode 0x5d");
    FAILS("\x80\x02}X\x01\0\0\0aG12345678s.", LL_EUNSUP, "opcode 0x47");
    FAILS("\x80\x02}X\x01\0\0\0a)s.", LL_EUSAGE, "expected a tensor, found a tuple"); /* an empty one, too */
    FAILS("\x80\x02}X\x01\0\0\0aK\x01\x85s.", LL_EUSAGE, "expected a tensor, found a tuple");
    ROOT_FAILS("\x80\x02K\x01.", LL_EUSAGE, "one list, tuple or dictionary of tensors, found a number");
    ROOT_FAILS("\x80\x02K\x01"
               "e.",
               LL_EUSAGE, "a mark below values of a list");
    ROOT_FAILS("\x80\x02K\x01K\x02"
               "a.",
               LL_EUSAGE, "a list below its values");
    ROOT_FAILS("\x80\x02}(K\x02"
               "e.",
               LL_EUSAGE, "a list below its values");
    ROOT_FAILS("\x80\x02"
               "a.",
               LL_EUSAGE, "a list and a value");
    ROOT_FAILS("\x80\x02]NK\x01s.", LL_EUSAGE, "a dictionary below keys and values");
    ROOT_FAILS("\x80\x02}NK\x01s.", LL_EUSAGE, "a text or a number, found None");
    ROOT_FAILS("\x80\x02}}K\x05K\x01sb.", LL_EUSAGE, "texts as their names");
    ROOT_FAILS("\x80\x02G1234567", LL_EUSAGE, "argument");
    ROOT_FAILS("\x80\x02"
               "cos\nsystem\nX\x02\0\0\0ls\x85R.",
               LL_EUNSUP, "os.system");
    /* a list that holds itself, twice: read once, and no deeper */
    static const char ring[] = "\x80\x02]q\0(h\0h\0e.";
    struct ll_torch_view *v;
    int n;
    struct ll_err err = {0};
    assert_int_equal(ll_torch_unpickle(&v, &n, "p", "root", (const uint8_t *)ring, sizeof ring - 1, &err),
                     LL_OK);
    assert_true(n == 2 && v[1].n_names == 2 && v[1].name[1].i == 1
                && !strcmp(v[1].why, "nested deeper than one level"));
    free(v);
    static const char empty[] = "\x80\x02}X\x01\0\0\0a)s.";
    assert_int_equal(ll_torch_unpickle(&v, &n, "p", "root", (const uint8_t *)empty, sizeof empty - 1, &err),
                     LL_OK);
    assert_true(n == 1 && !strcmp(v[0].why, "empty"));
    free(v);
}

/* Eight containers that share one list of thousands: what is listed has a bound. */
static void bounds_what_is_shared(void **state)
{
    struct ll_buf b = {0};
    struct ll_torch_view *v;
    int n;
    struct ll_err err = {0};
    (void)state;
    ll_buf_add(&b, "\x80\x02}(K\0](", 8);
    for (int i = 0; i < 9000; i++)
        ll_buf_addc(&b, 'N');
    ll_buf_add(&b, "eq\x01", 3);
    for (int i = 1; i < 8; i++)
        ll_buf_addf(&b, "K%ch\x01", i);
    ll_buf_adds(&b, "u.");
    assert_int_equal(ll_torch_unpickle(&v, &n, "p", "root", (const uint8_t *)b.s, b.len, &err), LL_EUNSUP);
    assert_non_null(strstr(err.msg, "at most 65536 values"));
    ll_buf_free(&b);
}

static void checks_archives(void **state)
{
    struct ll_buf good = {0};
    struct ll_err err = {0};
    struct ll_zip z;
    (void)state;
    assert_int_equal(ll_file_read(FIXTURES "ordered/params.pt", 1 << 20, &good, &err), LL_OK);
    for (size_t n = 0; n < good.len; n++) { /* cut anywhere: no end record */
        uint8_t *exact = malloc(n ? n : 1);
        memcpy(exact, good.s, n);
        err.code = 0;
        assert_int_equal(ll_zip_list(&z, "cut", exact, n, &err), LL_EUSAGE);
        free(exact);
    }
    assert_int_equal(ll_zip_list(&z, "whole", (const uint8_t *)good.s, good.len, &err), LL_OK);
    assert_non_null(ll_zip_find(&z, "params/data/0", 13));
    assert_null(ll_zip_find(&z, "params/data/", 12));
    ll_zip_free(&z);
    ll_buf_free(&good);
}

static void writes_what_it_reads(void **state)
{
    static const float w[] = {1.5f, -2, 3e-30f, 0, 7, 1e30f}, b[] = {0.25f};
    struct ll_torch_new t[] = {{"0.weight", w, 2, {2, 3}}, {"0.bias", b, 1, {1}}};
    struct ll_map map;
    struct ll_torch_file back;
    struct ll_err err = {0};
    char path[] = "test_tuned_XXXXXX";
    (void)state;
    close(mkstemp(path));
    assert_int_equal(ll_torch_write(path, t, 2, &err), LL_OK);
    assert_int_equal(ll_map_open(&map, path, &err), LL_OK);
    if (ll_torch_parse(&back, path, NULL, map.data, map.size, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(back.n_tensors, 2);
    assert_string_equal(back.tensors[1].name, "0.bias");
    assert_int_equal(back.tensors[0].dims[0], 2);
    assert_int_equal(back.tensors[0].dims[1], 3);
    assert_memory_equal(back.tensors[0].data, w, sizeof w);
    assert_int_equal((back.tensors[0].data - map.data) % 64, 0);
    ll_torch_free(&back);
    ll_map_close(&map);
    unlink(path);
}

/* ---- translators ----------------------------------------------------------------------------- */

struct world {
    struct ll_model *m;
    struct ll_engine *eng;
    struct ll_err err;
};
static struct world w;

static int setup(void **state)
{
    (void)state;
    return ll_model_open(&w.m, MODEL, &w.err) || ll_engine_init(&w.eng, 2, &w.err);
}
static int teardown(void **state)
{
    (void)state;
    ll_engine_free(w.eng);
    ll_model_close(w.m);
    return 0;
}

static void applies_the_residual_form(void **state)
{
    enum { ROWS = 5 };
    int d = w.m->d_model;
    float *W = malloc(sizeof *W * (size_t)(d * d)), b[64], x[ROWS * 64], y[ROWS * 64], one[64];
    struct ll_translator layers[2] = {{{0}, NULL}, {{0}, b}};
    struct ll_tuned *t;
    (void)state;
    for (int i = 0; i < d * d; i++)
        W[i] = (float)((i * 37 + i / d) % 101 - 50) / 100;
    for (int i = 0; i < d; i++)
        b[i] = (float)(i % 7) - 3;
    for (int i = 0; i < ROWS * d; i++)
        x[i] = (float)((i * 13) % 29 - 14) / 7;
    layers[1].W = (struct ll_mat){
        .type = LL_F32, .data = (const uint8_t *)W, .row_bytes = sizeof *W * (size_t)d, .n = d, .k = d};
    assert_int_equal(ll_tuned_make(&t, w.m, layers, 2, NULL, NULL, &w.err), LL_OK);
    assert_int_equal(ll_tuned_has(t, -1) + ll_tuned_has(t, 0) + ll_tuned_has(t, 2), 0);
    assert_int_equal(ll_tuned_has(t, 1), 1);
    near(ll_tuned_temperature(t, 1), 1, 0);
    assert_int_equal(ll_tuned_apply(t, w.eng, 1, x, ROWS, y, &w.err), LL_OK);
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < d; i++) {
            double want = (double)b[i] + (double)x[r * d + i];
            for (int k = 0; k < d; k++)
                want += (double)W[i * d + k] * (double)x[r * d + k];
            near((double)y[r * d + i], want, 1e-5);
        }
    assert_int_equal(ll_tuned_apply(t, w.eng, 1, x + 2 * d, 1, one, &w.err),
                     LL_OK); /* row mates change no bit */
    assert_memory_equal(one, y + 2 * d, sizeof *one * (size_t)d);
    for (int l = 0; l <= 2; l += 2) { /* rows without translator are copied */
        assert_int_equal(ll_tuned_apply(t, w.eng, l, x, ROWS, y, &w.err), LL_OK);
        assert_memory_equal(y, x, sizeof *x * (size_t)(ROWS * d));
    }
    ll_tuned_free(t);
    b[3] = NAN;
    assert_int_equal(ll_tuned_make(&t, w.m, layers, 2, NULL, NULL, &w.err), LL_EUSAGE);
    assert_non_null(strstr(w.err.msg, "bias of translator 1"));
    w.err.code = 0;
    assert_int_equal(ll_tuned_make(&t, w.m, layers, 1, NULL, NULL, &w.err), LL_EUSAGE);
    w.err.code = 0;
    free(W);
}

/* ---- the fit --------------------------------------------------------------------------------- */

enum { N_WINDOWS = 60, SEQ = 24 };
struct text {
    int ids[N_WINDOWS * SEQ], start[N_WINDOWS + 1];
};

static void make_text(struct text *t)
{
    uint32_t k = 0;
    for (int i = 0; i < N_WINDOWS * SEQ; i++) {
        k = (k * 1103515245u + 12345u) & 0x7fffffffu;
        t->ids[i] = (int)(k / 65536 % 96);
    }
    for (int i = 0; i <= N_WINDOWS; i++)
        t->start[i] = i * SEQ;
}

static void fit(const struct text *t, struct ll_engine *eng, long long budget, float *W, float *b)
{
    struct ll_tuned_fit f = {.model = w.m,
                             .engine = eng,
                             .text = {t->ids, t->start, N_WINDOWS},
                             .ridge = 0.01,
                             .memory_budget = budget};
    if (ll_tuned_fit_run(&f, W, b, &w.err))
        fail_msg("%s", w.err.msg);
}

static struct ll_tuned *as_lens(const float *W, const float *b)
{
    size_t d = (size_t)w.m->d_model;
    struct ll_translator layers[2];
    struct ll_tuned *t;
    for (size_t l = 0; l < 2; l++)
        layers[l] = (struct ll_translator){{.type = LL_F32,
                                            .data = (const uint8_t *)(W + l * d * d),
                                            .row_bytes = sizeof *W * d,
                                            .n = (int)d,
                                            .k = (int)d},
                                           b + l * d};
    assert_int_equal(ll_tuned_make(&t, w.m, layers, 2, NULL, NULL, &w.err), LL_OK);
    return t;
}

/* Figures: ridge 0.01, weights 1/mean(h_n^2), 60 windows of 24 ids, positions 1..23; transformers and numpy
 * in double. */
static void fits_like_numpy(void **state)
{
    static const int at[5][2] = {{0, 0}, {0, 23}, {5, 7}, {23, 0}, {11, 11}}, bias_at[3] = {0, 9, 23};
    static const double want[2][5] = {{-0.2396495, -0.2041867, 0.3871364, -0.4910357, -0.9845064},
                                      {-0.1324092, 0.05868371, 0.01248871, 0.06605952, -0.03387084}};
    static const double want_bias[2][3] = {{0.1268149, 0.2622129, -0.263665},
                                           {-0.08776638, 0.1647733, 0.09525352}};
    static struct text t;
    float W[2 * 24 * 24], b[2 * 24], W1[2 * 24 * 24], b1[2 * 24];
    struct ll_engine *one;
    (void)state;
    make_text(&t);
    assert_int_equal(w.m->d_model, 24);
    fit(&t, w.eng, 0, W, b);
    for (int l = 0; l < 2; l++) {
        for (int i = 0; i < 5; i++)
            near((double)W[l * 576 + at[i][0] * 24 + at[i][1]], want[l][i], 5e-5);
        for (int i = 0; i < 3; i++)
            near((double)b[l * 24 + bias_at[i]], want_bias[l][i], 5e-5);
    }
    assert_int_equal(ll_engine_init(&one, 1, &w.err),
                     LL_OK); /* threads and walks through the text change no bit */
    fit(&t, one, 1, W1, b1);
    ll_engine_free(one);
    assert_memory_equal(W, W1, sizeof W);
    assert_memory_equal(b, b1, sizeof b);
}

/* Figures of the first 5 windows, positions 1..22, as above. */
static void gains_like_numpy(void **state)
{
    static const double want[2][4] = {{5.88860639, 3.53098151, 10.36247258, 10.69448967},
                                      {1.76292939, 1.20635384, 10.1068578, 10.25696203}};
    static struct text t;
    float W[2 * 24 * 24], b[2 * 24];
    struct ll_tuned_gain g[2];
    struct ll_skip_sanity skips;
    double own;
    long long n;
    (void)state;
    make_text(&t);
    fit(&t, w.eng, 0, W, b);
    struct ll_tuned *lens = as_lens(W, b);
    struct ll_tuned_eval e = {
        .model = w.m, .engine = w.eng, .lens = LL_LENS_FINAL, .tuned = lens, .text = {t.ids, t.start, 5}};
    if (ll_tuned_evaluate(&e, g, &own, &n, &w.err))
        fail_msg("%s", w.err.msg);
    assert_int_equal(n, 110);
    near(own, 10.160626694728764, 2e-4);
    for (int l = 0; l < 2; l++) {
        near(g[l].kl_lens_bits, want[l][0], 2e-4);
        near(g[l].kl_tuned_bits, want[l][1], 2e-3);
        near(g[l].nll_lens_bits, want[l][2], 2e-4);
        near(g[l].nll_tuned_bits, want[l][3], 2e-3);
    }
    ll_skip_sanity(g, 2, own, &skips);
    near(skips.ppl_increase[0], exp2(10.69448967 - 10.160626694728764) - 1, 2e-3); /* m = 2: row 0 */
    assert_true(isnan(skips.ppl_increase[1]));
    assert_int_equal(skips.regression, 1);
    ll_tuned_free(lens);
}

/* ---- the sweep ------------------------------------------------------------------------------- */

struct kept {
    double kl[3];
};
static int keep_kl(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct kept *k = arg;
    (void)err;
    for (int l = 0; l < 3; l++)
        k->kl[l] = r->rows[(size_t)l * (size_t)r->n_pos + 4].kl_to_final_bits;
    return LL_OK;
}

static void sweeps_through_translators(void **state)
{
    static const int ids[] = {1, 60, 4, 37, 20, 80, 61};
    float W[2 * 24 * 24] = {0}, b[2 * 24] = {0};
    struct kept plain, same, moved;
    struct ll_sweep_prompt p = {.ids = ids, .n_ids = 7, .want = LL_SWEEP_ALL};
    (void)state;
    struct ll_sweep s = {.model = w.m,
                         .engine = w.eng,
                         .lens = LL_LENS_FINAL,
                         .k = 3,
                         .prompts = &p,
                         .n_prompts = 1,
                         .result = keep_kl,
                         .result_arg = &plain};
    assert_int_equal(ll_sweep_run(&s, &w.err), LL_OK);
    s.tuned = as_lens(W, b); /* W = 0, b = 0: the plain lens */
    s.result_arg = &same;
    assert_int_equal(ll_sweep_run(&s, &w.err), LL_OK);
    assert_memory_equal(&plain, &same, sizeof plain);
    ll_tuned_free((struct ll_tuned *)s.tuned);
    for (int i = 0; i < 24; i++)
        W[576 + i * 24 + i] = (float)(i % 3) - 0.5f; /* row 1 alone */
    s.tuned = as_lens(W, b);
    s.result_arg = &moved;
    assert_int_equal(ll_sweep_run(&s, &w.err), LL_OK);
    near(moved.kl[0], plain.kl[0], 0);
    near(moved.kl[2], 0, 0);
    assert_true(fabs(moved.kl[1] - plain.kl[1]) > 0.01);
    ll_tuned_free((struct ll_tuned *)s.tuned);
}

/* ---- rows and document ----------------------------------------------------------------------- */

static void positions_of_a_prompt(void **state)
{
    static const struct ll_pos_frac want[] = {{0.2, 3},   {0.4, 6},  {0.6, 10}, {0.8, 13},
                                              {0.92, 15}, {0.98, 16}}; /* docs/experiment.md 9.5, S = 17 */
    struct ll_pos_frac got[LL_N_POS_FRACS];
    (void)state;
    int n = ll_position_fractions(17, got);
    /* 0.96 x 15 of 16 rounds to 15 as 0.92 does; 0.98 and 1 to 16 */
    assert_int_equal(n, 6);
    for (int i = 0; i < n; i++) {
        near(got[i].frac, want[i].frac, 0);
        assert_int_equal(got[i].pos, want[i].pos);
    }
    assert_int_equal(ll_position_fractions(1, got), 1);
}

static void fills_the_tables(void **state)
{
    struct ll_row row;
    struct ll_row_stats s = {
        .norm = {.is_set = 1, .kl_to_final_bits = 5, .answer_rank = 40, .entropy_bits = 9},
        .tuned = {.is_set = 1, .kl_to_final_bits = 2, .answer_rank = 7, .entropy_bits = 4}};
    struct ll_pass_info info = {.fact_key = "F",
                                .fact_index = 3,
                                .prompt_id = "pos",
                                .prompt_variant = "orig"};
    size_t n;
    (void)state;
    assert_int_equal(ll_schema_tuned_variants.n_seed, 18);
    assert_int_equal(ll_schema_pos_audit.n_seed, 11);
    assert_int_equal(ll_row_init(&row, &ll_schema_tuned_variants, &w.err), LL_OK);
    ll_fill_tuned_variant(&row, &info, 6, &s);
    near(row.cells[LL_TV_DELTA_TUNED].v.r, 3, 0);
    assert_int_equal(row.cells[LL_TV_SHIFT_TUNED].v.i, 33);
    assert_int_equal(row.cells[LL_TV_LAYER].v.i, 6);
    assert_int_equal(row.cells[LL_TV_KL_ROT].set + row.cells[LL_TV_KL_TEMP].set
                         + row.cells[LL_TV_DELTA_TEMP].set + row.cells[LL_TV_SHIFT_TEMP].set,
                     0);
    assert_memory_equal(ll_row_str(&row, LL_TV_PROMPT_ID, &n), "pos", 3);
    assert_int_equal(n, 3);
    ll_row_free(&row);
    assert_int_equal(ll_row_init(&row, &ll_schema_pos_audit, &w.err), LL_OK);
    ll_fill_pos_audit(&row, &info, (struct ll_pos_frac){0.4, 6}, 2, (struct ll_tuned_point){5, 9, -1},
                      (struct ll_tuned_point){6, 8, -1});
    near(row.cells[LL_PA_DELTA_TUNED].v.r, -1, 0);
    assert_int_equal(row.cells[LL_PA_RANK_TUNED].set + row.cells[LL_PA_SHIFT_TUNED].set, 0);
    ll_row_free(&row);
}

static void summarises_all_passes(void **state)
{
    struct ll_row_stats rows[3] = {0};
    struct ll_pass_stats stats = {.n_layers = 2, .n_rows = 3, .rows = rows};
    struct ll_tuned_gains g = {0};
    struct ll_tuned_audit a;
    (void)state;
    for (int pass = 0; pass < 2; pass++) { /* deltas 1, 2 and 3, 4 */
        for (int l = 0; l < 2; l++) {
            rows[l].norm = (struct ll_reading){.is_set = 1, .kl_to_final_bits = 10};
            rows[l].tuned = (struct ll_reading){.is_set = 1, .kl_to_final_bits = 10 - (2 * pass + l + 1)};
        }
        ll_tuned_gains_pass(&g, &stats);
    }
    ll_tuned_gains_position(&g, 0.2, (struct ll_tuned_point){4, 0, -1}, (struct ll_tuned_point){1, 0, -1});
    ll_tuned_gains_position(&g, 0.98, (struct ll_tuned_point){4, 0, -1}, (struct ll_tuned_point){3, 0, -1});
    assert_int_equal(ll_tuned_audit_of(&a, &g, &w.err), LL_OK);
    near(a.tuned[1], 2.5, 0);
    assert_true(isnan(a.temp[1]));
    assert_int_equal(a.n_grid, 2);
    assert_true(a.grid[0] == 0.2 && a.grid[1] == 0.98);
    near(a.gap, -2, 0);
    assert_int_equal(a.n_rows, 4);
    ll_tuned_gains_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_torch_files),
        cmocka_unit_test(refuses_by_name),
        cmocka_unit_test(checks_views),
        cmocka_unit_test(checks_the_stack),
        cmocka_unit_test(checks_containers),
        cmocka_unit_test(bounds_what_is_shared),
        cmocka_unit_test(checks_archives),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(applies_the_residual_form),
        cmocka_unit_test(fits_like_numpy),
        cmocka_unit_test(gains_like_numpy),
        cmocka_unit_test(sweeps_through_translators),
        cmocka_unit_test(positions_of_a_prompt),
        cmocka_unit_test(fills_the_tables),
        cmocka_unit_test(summarises_all_passes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
