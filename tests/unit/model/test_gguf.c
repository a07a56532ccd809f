/* test_gguf.c - GGUF headers, good and bad. Bad ones are made here byte by byte: one lie each, and the
 * message must name the file and what lied. Caught: a length believed before it is checked, an offset that
 * wraps, a part left out. */
#define _GNU_SOURCE
#include "gguf.h"
#include "model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIXTURES LL_SOURCE_DIR "/tests/fixtures/gguf"

/* ---- a writer -------------------------------------------------------------------------------- */

static struct ll_buf b;

static void raw(const void *p, size_t n) { ll_buf_add(&b, p, n); }
static void u32(uint32_t v) { raw(&v, 4); }
static void u64(uint64_t v) { raw(&v, 8); }
static void str(const char *s)
{
    u64(strlen(s));
    raw(s, strlen(s));
}
static void head(uint32_t version, uint64_t n_tensors, uint64_t n_kv)
{
    ll_buf_reset(&b);
    raw("GGUF", 4);
    u32(version);
    u64(n_tensors);
    u64(n_kv);
}
static void key_u32(const char *key, uint32_t v)
{
    str(key);
    u32(LL_GGUF_U32);
    u32(v);
}
static void tensor1(const char *name, uint64_t size, uint32_t type, uint64_t offset)
{
    str(name);
    u32(1);
    u64(size);
    u32(type);
    u64(offset);
}
static void data(size_t n)
{
    while (b.len % 32)
        raw("", 1);
    for (size_t i = 0; i < n; i++)
        raw("", 1);
}

/* What was written is refused with `code`, and the message holds all of the rest (up to NULL). */
static void refused(int code, ...)
{
    struct ll_gguf *g = NULL;
    struct ll_tensor *t = NULL;
    struct ll_err err = {0};
    int n = 0;
    char *types = NULL;
    uint8_t *exact = malloc(b.len ? b.len : 1); /* reading past the end is seen by the sanitizer */
    if (b.len)
        memcpy(exact, b.s, b.len);
    int rc = ll_gguf_parse(&g, "bad.gguf", exact, b.len, &err);
    if (!rc)
        rc = ll_gguf_list(g, "bad.gguf", &t, &n, &types, &err);
    if (rc != code)
        fail_msg("expected code %d, found %d (%s)", code, rc, err.msg);
    va_list ap;
    va_start(ap, code);
    for (const char *s = "bad.gguf: "; s; s = va_arg(ap, const char *))
        if (!strstr(err.msg, s))
            fail_msg("expected \"%s\" in: %s", s, err.msg);
    va_end(ap);
    ll_gguf_close(g);
    free(exact);
}

/* ---- good ones ------------------------------------------------------------------------------- */

static void every_type(void **state)
{
    static const struct {
        const char *key;
        double v;
    } numbers[] = {{"a.u8", 200},     {"a.i8", -3},   {"a.u16", 60000},           {"a.i16", -300},
                   {"a.i32", -70000}, {"a.f32", 0.5}, {"a.u64", 1099511627776.0}, {"a.i64", -1099511627776.0},
                   {"a.f64", 0.25}};
    struct ll_gguf *g;
    struct ll_err err = {0};
    const char *s;
    size_t len;
    int64_t i;
    double x;
    (void)state;
    assert_int_equal(ll_gguf_open(&g, FIXTURES "/small.gguf", &err), LL_OK);
    assert_int_equal(ll_gguf_data_start(g), 640); /* 601 at 64; at 32 it were 608 */
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        assert_true(ll_gguf_num(ll_gguf_find(g, numbers[k].key), 0, &x) && x == numbers[k].v);
    assert_int_equal(ll_gguf_get_int(g, "a.i8", 99), -3);
    assert_int_equal(ll_gguf_get_int(g, "a.f32", 99), 99);
    assert_int_equal(ll_gguf_get_int(g, "a.numbers", 99), 99);
    assert_int_equal(ll_gguf_get_int(g, "absent", 99), 99);
    int on;
    assert_true(ll_gguf_bool(ll_gguf_find(g, "a.bool"), 0, &on) && on == 1);
    assert_false(ll_gguf_bool(ll_gguf_find(g, "a.u8"), 0, &on));
    const struct ll_gguf_kv *kv = ll_gguf_find(g, "a.strings");
    assert_true(kv && kv->is_array && kv->n == 3 && kv->type == LL_GGUF_STR);
    assert_true(ll_gguf_str(kv, 2, &s, &len) && len == 8 && !memcmp(s, "three \xc3\xa9", 8));
    assert_true(ll_gguf_str(kv, 0, &s, &len) && len == 0);
    assert_false(ll_gguf_str(kv, 3, &s, &len));
    assert_true(ll_gguf_int(ll_gguf_find(g, "a.numbers"), 1, &i) && i == 1);
    assert_int_equal(ll_gguf_find(g, "a.none")->n, 0);
    struct ll_tensor *t;
    int n;
    char *types;
    assert_int_equal(ll_gguf_list(g, "small.gguf", &t, &n, &types, &err), LL_OK);
    assert_null(types);
    assert_int_equal(n, 3);
    assert_string_equal(t[1].name, "y");
    assert_true(t[1].dtype == LL_Q4_0 && t[1].n_dims == 2 && t[1].dims[0] == 2 && t[1].dims[1] == 64
                && t[1].size == 72);
    free(t);
    ll_gguf_close(g);
}

static void vocabulary(void **state)
{
    struct ll_gguf *g;
    struct ll_err err = {0};
    const char *s, *t;
    size_t len, tlen;
    char want[16];
    (void)state;
    assert_int_equal(ll_gguf_open(&g, FIXTURES "/vocab.gguf", &err), LL_OK);
    struct ll_tensor *tensors;
    int n = -1;
    char *types;
    assert_int_equal(ll_gguf_list(g, "vocab.gguf", &tensors, &n, &types, &err), LL_OK);
    assert_int_equal(n, 0);
    free(tensors);
    free(types);
    const struct ll_gguf_kv *kv = ll_gguf_find(g, "tokenizer.ggml.tokens");
    struct ll_gguf_iter it = ll_gguf_iter(kv);
    for (int i = 0; i < 70; i++) { /* over two marks */
        snprintf(want, sizeof want, "<%d>", i);
        assert_true(ll_gguf_str(kv, (uint64_t)i, &s, &len) && ll_gguf_next(&it, &t, &tlen));
        assert_true(s == t && len == tlen && len == strlen(want) && !memcmp(s, want, len));
    }
    assert_false(ll_gguf_next(&it, &t, &tlen));
    ll_gguf_close(g);
}

/* Both parts, by either name, give the same model; the folder holds two models, so it must be told which. */
static void two_parts(void **state)
{
    struct ll_model *m;
    struct ll_ckpt *c;
    struct ll_err err = {0}, none = {0};
    char a[65], z[65];
    (void)state;
    assert_int_equal(ll_ckpt_open(&c, FIXTURES "/two-00002-of-00002.gguf", &err), LL_OK);
    assert_string_equal(c->container, "gguf");
    assert_string_equal(c->clean, "two");
    assert_int_equal(c->n_files, 2);
    assert_int_equal(c->n_tensors, 11);
    assert_ptr_equal(c->gguf, c->files[0].gguf);
    assert_int_equal(ll_ckpt_identity(c, a, &err), LL_OK);
    ll_ckpt_close(c);
    assert_int_equal(ll_model_open(&m, FIXTURES "/two-00001-of-00002.gguf", &err), LL_OK);
    assert_true(m->tied && m->d_model == 8 && m->d_vocab == 16 && m->layers[0].W_Q.paired == 4
                && m->layers[0].W_V.paired == 0);
    assert_int_equal(ll_ckpt_identity(m->ckpt, z, &err), LL_OK);
    assert_string_equal(a, z);
    ll_model_close(m);
    assert_int_equal(ll_ckpt_open(&c, FIXTURES, &none), LL_EUSAGE);
    assert_non_null(strstr(none.msg, "3 .gguf models; name one"));
}

/* ---- bad ones -------------------------------------------------------------------------------- */

static void bad_heads(void **state)
{
    (void)state;
    ll_buf_reset(&b);
    refused(LL_EUSAGE, "first bytes are \"GGUF\"", NULL);
    raw("GGUF", 4);
    refused(LL_EUSAGE, "version", "cut short", NULL);
    head(1, 0, 0);
    refused(LL_EUNSUP, "expected 2 or 3, found 1", NULL);
    head(4, 0, 0);
    refused(LL_EUSAGE, "expected 2 or 3, found 4", NULL);
    head(0x03000000, 0, 0);
    refused(LL_EUNSUP, "big-endian", NULL);
    head(3, 0, UINT64_MAX);
    refused(LL_EUSAGE, "key-value pairs", "found 18446744073709551615", NULL);
    head(3, UINT64_MAX, 0);
    refused(LL_EUSAGE, "number of tensors", "found 18446744073709551615", NULL);
    ll_buf_reset(&b);
    ll_buf_adds(&b, "version https://git-lfs.github.com/spec/v1");
    refused(LL_EUSAGE, "git-lfs", NULL);
}

static void bad_pairs(void **state)
{
    (void)state;
    head(3, 0, 1), u64(UINT64_MAX), raw("abcdefghij", 10);
    refused(LL_EUSAGE, "key at byte 24", "18446744073709551615", NULL);
    head(3, 0, 1), u64(500), raw("abcdefghij", 10);
    refused(LL_EUSAGE, "key", "expected 500 bytes, found 10", NULL);
    head(3, 0, 1), str("\xff\xfe"), u32(0), raw("abcd", 4);
    refused(LL_EUSAGE, "UTF-8", NULL);
    head(3, 0, 1), str("k"), u32(13), raw("abcdefgh", 8);
    refused(LL_EUSAGE, "key k: value type: expected 0..12, found 13", NULL);
    head(3, 0, 1), str("k"), u32(LL_GGUF_STR), u64(UINT64_MAX);
    refused(LL_EUSAGE, "key k: element 0", NULL);
    head(3, 0, 1), str("k"), u32(LL_GGUF_ARR), u32(LL_GGUF_U64), u64((uint64_t)1 << 61), u64(0);
    refused(LL_EUSAGE, "key k: expected room for 2305843009213693952 values", NULL);
    head(3, 0, 1), str("k"), u32(LL_GGUF_ARR), u32(LL_GGUF_STR), u64(2), str("one"), u64(77),
        raw("abcdefgh", 8);
    refused(LL_EUSAGE, "key k: element 1", "expected 77 bytes", NULL);
    head(3, 0, 1), str("k"), u32(LL_GGUF_ARR), u32(LL_GGUF_ARR), u64(1), u64(0);
    refused(LL_EUNSUP, "key k: arrays of arrays", NULL);
    head(3, 0, 1), str("k"), u32(LL_GGUF_BOOL), raw("\2abc", 4);
    refused(LL_EUSAGE, "key k: expected a bool (0 or 1), found 2", NULL);
    head(3, 0, 2), key_u32("k", 1), key_u32("k", 2);
    refused(LL_EUSAGE, "key k: expected once, found twice", NULL);
    head(3, 0, 1), key_u32("general.alignment", 0);
    refused(LL_EUSAGE, "general.alignment", "found 0", NULL);
    head(3, 0, 1), key_u32("general.alignment", 48);
    refused(LL_EUSAGE, "general.alignment", "power of two", "found 48", NULL);
    head(3, 0, 1), str("general.alignment"), u32(LL_GGUF_STR), str("32");
    refused(LL_EUSAGE, "general.alignment: expected a u32, found string", NULL);
}

/* Storage types that nobody here reads: named, and as long as the room up to the next tensor. */
static void opaque_tensors(void **state)
{
    struct ll_gguf *g;
    struct ll_tensor *t;
    struct ll_err err = {0};
    int n;
    char *types;
    (void)state;
    head(3, 3, 0), tensor1("t", 4, 999, 32), tensor1("u", 8, 0, 0), tensor1("v", 4, 31, 96), data(160);
    assert_int_equal(ll_gguf_parse(&g, "o.gguf", (const uint8_t *)b.s, b.len, &err), LL_OK);
    assert_int_equal(ll_gguf_list(g, "o.gguf", &t, &n, &types, &err), LL_OK);
    assert_int_equal(n, 3);
    assert_true(!t[0].opaque && t[0].size == 32 && !strcmp(t[0].name, "u"));
    assert_string_equal(ll_tensor_type(&t[1]), "GGML type 999");
    assert_true(t[1].size == 64 && t[1].n_dims == 1 && t[1].dims[0] == 4);
    assert_string_equal(ll_tensor_type(&t[2]), "Q4_0_4_4");
    assert_true(t[2].size == 64 && t[2].data + 64 == (const uint8_t *)b.s + b.len);
    free(types);
    free(t);
    ll_gguf_close(g);
}

static void bad_tensors(void **state)
{
    (void)state;
    head(3, 1, 0), str("t"), u32(5), u64(1), u64(1), u64(1), u64(1), u64(1), u32(0), u64(0), data(64);
    refused(LL_EUSAGE, "tensor t: expected at most 4 dimensions, found 5", NULL);
    head(3, 1, 0), str("t"), u32(2), u64((uint64_t)1 << 40), u64((uint64_t)1 << 40), u32(0), u64(0), data(64);
    refused(LL_EUSAGE, "tensor t: the product of its sizes is too large", NULL);
    head(3, 1, 0), tensor1("t", UINT64_MAX, 0, 0), data(64);
    refused(LL_EUSAGE, "tensor t: the product of its sizes is too large", NULL);
    head(3, 1, 0), tensor1("t", (uint64_t)1 << 62, 0, 0), data(64);
    refused(LL_EUSAGE, "tensor t: the product of its sizes is too large", NULL);
    head(3, 1, 0), tensor1("t", 4, 999, 96), data(64);
    refused(LL_EUSAGE, "tensor t: expected an offset within the data, 64 bytes, found 96", NULL);
    head(3, 2, 0), tensor1("t", 4, 999, 0), tensor1("u", 4, 31, 0), data(64);
    refused(LL_EUSAGE, "expected data of its own, found an overlap", NULL);
    head(3, 1, 0), tensor1("t", 33, 2, 0), data(64);
    refused(LL_EUSAGE, "tensor t: expected rows of whole Q4_0 blocks (32 values), found rows of 33", NULL);
    head(3, 1, 0), tensor1("t", 4, 0, 8), data(64);
    refused(LL_EUSAGE, "tensor t: offset: expected a multiple of the alignment 32, found 8", NULL);
    head(3, 1, 0), tensor1("t", 4, 0, UINT64_MAX - 31), data(64);
    refused(LL_EUSAGE, "tensor t: expected 16 bytes at offset 18446744073709551584", NULL);
    head(3, 1, 0), tensor1("t", 17, 0, 0), data(64);
    refused(LL_EUSAGE, "tensor t: expected 68 bytes at offset 0 of the data, found a data area of 64", NULL);
    head(3, 2, 0), tensor1("t", 16, 0, 0), tensor1("u", 4, 0, 32), data(64);
    refused(LL_EUSAGE, "tensor u: offset: expected data of its own, found an overlap with t", NULL);
    head(3, 1, 0), tensor1("t", 4, 0, 0);
    refused(LL_EUSAGE, "tensor t: expected 16 bytes at offset 0", NULL);
    ll_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),  cmocka_unit_test(vocabulary), cmocka_unit_test(two_parts),
        cmocka_unit_test(bad_heads),   cmocka_unit_test(bad_pairs),  cmocka_unit_test(opaque_tensors),
        cmocka_unit_test(bad_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
