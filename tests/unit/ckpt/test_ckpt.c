/* test_ckpt.c - checkpoints, good and bad. All files but the oracle's are written here, into a folder of
 * their own. */
#define _GNU_SOURCE
#include "ckpt.h"
#include "outfile.h"
#include "stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dirent.h>

#include <cmocka.h>

/* ---- files ----------------------------------------------------------------------------------- */

static char folder[] = "/tmp/ll_ckpt_XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
    (void)state;
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", folder);
    return system(cmd);
}

/* folder/name; valid until the eighth next call. */
static const char *at(const char *name)
{
    static char path[8][512];
    static int turn;
    char *p = path[turn++ % 8];
    snprintf(p, 512, "%s/%s", folder, name);
    return p;
}

static void put(const char *name, const void *bytes, size_t n)
{
    struct ll_err e = {0};
    char *path = strdup(at(name)), *slash = strrchr(path, '/');
    *slash = 0;
    assert_int_equal(ll_make_dirs(path, &e), LL_OK);
    *slash = '/';
    assert_int_equal(ll_file_write(path, bytes, n, &e), LL_OK);
    free(path);
}

static void puts_to(const char *name, const char *text) { put(name, text, strlen(text)); }

/* A safetensors file: length, header, n bytes of data that count up from 1. */
static void put_weights(const char *name, const char *header, size_t n_header, size_t n_data)
{
    size_t n = 8 + n_header + n_data;
    uint8_t *b = calloc(n, 1);
    assert_non_null(b);
    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)((uint64_t)n_header >> 8 * i);
    memcpy(b + 8, header, n_header);
    for (size_t i = 0; i < n_data; i++)
        b[8 + n_header + i] = (uint8_t)(i + 1);
    put(name, b, n);
    free(b);
}

static void weights(const char *name, const char *header, size_t n_data)
{
    put_weights(name, header, strlen(header), n_data);
}

#define T(name, dtype, shape, begin, end) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

/* Opening `model` fails with `code`, and the message names all of the rest (up to NULL). */
static void refused(const char *model, int code, ...)
{
    struct ll_ckpt *c = NULL;
    struct ll_err e = {0};
    int rc = ll_ckpt_open(&c, model, &e);
    if (rc != code)
        fail_msg("%s: expected code %d, found %d (%s)", model, code, rc, e.msg);
    assert_null(c);
    assert_int_equal(e.code, code);
    va_list ap;
    va_start(ap, code);
    for (const char *s; (s = va_arg(ap, const char *));)
        if (!strstr(e.msg, s))
            fail_msg("expected \"%s\" in: %s", s, e.msg);
    va_end(ap);
}

static struct ll_ckpt *opened(const char *model)
{
    struct ll_ckpt *c = NULL;
    struct ll_err e = {0};
    if (ll_ckpt_open(&c, model, &e))
        fail_msg("%s", e.msg);
    return c;
}

/* ---- good ones ------------------------------------------------------------------------------- */

static void one_file(void **state)
{
    (void)state;
    puts_to("one/config.json", "{\"n\": 1}");
    weights("one/model.safetensors",
            "{\"__metadata__\":{\"format\":\"pt\"}," T("b", "BF16", "[2,3]", 4,
                                                       16) "," T("a", "F32", "[]", 0,
                                                                 4) "," T("e", "F16", "[0,7]", 4, 4) "}   ",
            16);
    char slashed[600];
    snprintf(slashed, sizeof slashed, "%s//", at("one"));
    const char *const names[] = {at("one"), slashed, at("one/model.safetensors")};
    for (int i = 0; i < 3; i++) {
        struct ll_ckpt *c = opened(names[i]);
        assert_string_equal(c->clean, "one");
        assert_string_equal(c->model_id, "one");
        assert_string_equal(c->dir, at("one"));
        assert_string_equal(c->container, "safetensors");
        assert_int_equal(ll_settings_int(c->settings, "n", 0), 1);
        assert_int_equal(c->n_files, 1);
        assert_string_equal(c->files[0].name, "model.safetensors");
        assert_string_equal(c->files[0].path, at("one/model.safetensors"));
        assert_int_equal(c->n_tensors, 3);
        assert_string_equal(c->tensors[0].name, "a");
        assert_string_equal(c->tensors[2].name, "e");
        const struct ll_tensor *b = ll_ckpt_find(c, "b"), *e = ll_ckpt_find(c, "e");
        assert_int_equal(b->dtype, LL_BF16);
        assert_int_equal(b->n_dims, 2);
        assert_true(b->dims[0] == 2 && b->dims[1] == 3 && b->dims[2] == 0);
        assert_int_equal(b->size, 12);
        assert_int_equal(b->data[0], 5);
        assert_ptr_equal(b->data, c->files[0].map.data + c->files[0].header_size + 4);
        assert_int_equal(e->size, 0);
        assert_true(ll_tensor_nonfinite(e) == -1);
        assert_int_equal(ll_ckpt_find(c, "a")->n_dims, 0);
        assert_null(ll_ckpt_find(c, "A"));
        ll_ckpt_will_need(c, b);
        ll_ckpt_dont_need(c, b);
        assert_int_equal(b->data[11], 16);
        ll_ckpt_close(c);
    }
    ll_ckpt_close(NULL);
}

static void names_from_paths(void **state)
{
    (void)state;
    char here[512];
    assert_non_null(getcwd(here, sizeof here));
    puts_to("one/config.json", "{}");
    weights("one/other.safetensors", "{}", 0);
    weights("one/model.safetensors", "{}", 0);
    struct ll_ckpt *c = opened(at("one/other.safetensors"));
    assert_string_equal(c->clean, "other");
    assert_int_equal(c->n_tensors, 0);
    assert_null(ll_ckpt_find(c, "x"));
    ll_ckpt_close(c);
    assert_int_equal(chdir(at("one")), 0);
    c = opened(".");
    assert_string_equal(c->clean, "one");
    ll_ckpt_close(c);
    c = opened("model.safetensors");
    assert_string_equal(c->clean, "one");
    ll_ckpt_close(c);
    assert_int_equal(chdir(here), 0);
}

static void the_only_file(void **state)
{
    (void)state;
    puts_to("only/config.json", "{}");
    weights("only/consolidated.safetensors", "{" T("x", "U8", "[4]", 0, 4) "}", 4);
    struct ll_ckpt *c = opened(at("only"));
    assert_string_equal(c->clean, "only");
    assert_string_equal(c->files[0].name, "consolidated.safetensors");
    ll_ckpt_close(c);
    weights("only/second.safetensors", "{}", 0);
    refused(at("only"), LL_EUSAGE, "only: 2 .safetensors files", "consolidated.safetensors", NULL);
}

static void put_index(const char *dir, const char *map)
{
    char name[64], text[1024];
    snprintf(name, sizeof name, "%s/model.safetensors.index.json", dir);
    snprintf(text, sizeof text, "{\"metadata\": {\"total_size\": 8}, \"weight_map\": %s}", map);
    puts_to(name, text);
}

static void shards(void **state)
{
    (void)state;
    puts_to("sh/config.json", "{}");
    weights("sh/model-00001-of-00002.safetensors",
            "{" T("b", "F32", "[1]", 0, 4) "," T("more", "U8", "[1]", 4, 5) "}", 5);
    weights("sh/model-00002-of-00002.safetensors", "{" T("a", "F32", "[1]", 0, 4) "}", 4);
    put_index("sh",
              "{\"a\": \"model-00002-of-00002.safetensors\", \"b\": \"model-00001-of-00002.safetensors\"}");
    const char *const names[] = {at("sh"), at("sh/model.safetensors.index.json")};
    for (int i = 0; i < 2; i++) {
        struct ll_ckpt *c = opened(names[i]);
        assert_string_equal(c->clean, "sh");
        assert_int_equal(c->n_files, 2);
        assert_int_equal(c->n_tensors, 3); /* one more than the index names */
        assert_string_equal(c->files[ll_ckpt_find(c, "a")->file].name, "model-00002-of-00002.safetensors");
        assert_int_equal(ll_ckpt_find(c, "b")->file, 0);
        ll_ckpt_close(c);
    }
}

static void identity(void **state)
{
    (void)state;
    char first[65], other[65];
    struct ll_err e = {0};
    const char *ab = "{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 4, 8) "}";
    const char *ba = "{" T("b", "F32", "[1]", 4, 8) "," T("a", "F32", "[1]", 0, 4) ",\"__metadata__\":{}}";
    puts_to("id/config.json", "{}");
    puts_to("id/tokenizer.json", "{\"t\": 1}");
    weights("id/model.safetensors", ab, 8);
    struct ll_ckpt *c = opened(at("id"));
    assert_int_equal(ll_ckpt_identity(c, first, &e), LL_OK);
    assert_int_equal(strlen(first), 64);
    ll_ckpt_close(c);
    const struct {
        const char *file, *text, *header;
        size_t n;
        int same;
    } rows[] = {
        /* what is changed; does identity stay? */
        {NULL, NULL, ba, 8, 1},
        {"id/config.json", "{ }", ab, 8, 0},
        {"id/config.json", "{}", ab, 8, 1},
        {"id/tokenizer.json", "{\"t\": 2}", ab, 8, 0},
        {"id/tokenizer.json", "{\"t\": 1}", "{" T("a", "F32", "[1]", 4, 8) "," T("b", "F32", "[1]", 0, 4) "}",
         8, 0}, /* values */
        {NULL, NULL, "{" T("a", "F32", "[1]", 0, 4) "," T("c", "F32", "[1]", 4, 8) "}", 8, 0},
        {NULL, NULL, "{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1,1]", 4, 8) "}", 8, 0},
        {NULL, NULL, "{" T("a", "F32", "[1]", 0, 4) "," T("b", "I32", "[1]", 4, 8) "}", 8, 0},
        {NULL, NULL, ab, 8, 1},
        {"id/tokenizer_config.json", "{}", ab, 8, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].file)
            puts_to(rows[i].file, rows[i].text);
        weights("id/model.safetensors", rows[i].header, rows[i].n);
        c = opened(at("id"));
        assert_int_equal(ll_ckpt_identity(c, other, &e), LL_OK);
        if ((strcmp(first, other) == 0) != rows[i].same)
            fail_msg("row %zu: identity %s", i, rows[i].same ? "changed" : "stayed");
        ll_ckpt_close(c);
    }
}

static void identity_of_shards(void **state)
{
    (void)state;
    char one[65], two[65];
    struct ll_err e = {0};
    puts_to("i1/config.json", "{}");
    weights("i1/model.safetensors", "{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 2, 4) "}", 4);
    puts_to("i2/config.json", "{}");
    weights("i2/x.safetensors", "{" T("a", "U8", "[2]", 0, 2) "}", 2);
    put_weights("i2/y.safetensors", "{" T("b", "U8", "[2]", 0, 2) "}",
                strlen("{" T("b", "U8", "[2]", 0, 2) "}"), 0);
    char file[512]; /* y holds bytes 3, 4: the same values as in one file */
    snprintf(file, sizeof file, "%s", at("i2/y.safetensors"));
    FILE *f = fopen(file, "ab");
    assert_non_null(f);
    fputc(3, f), fputc(4, f);
    fclose(f);
    put_index("i2", "{\"a\": \"x.safetensors\", \"b\": \"y.safetensors\"}");
    struct ll_ckpt *c = opened(at("i1")), *d = opened(at("i2"));
    assert_int_equal(ll_ckpt_identity(c, one, &e), LL_OK);
    assert_int_equal(ll_ckpt_identity(d, two, &e), LL_OK);
    assert_string_equal(one, two);
    ll_ckpt_close(c);
    ll_ckpt_close(d);
}

/* ---- bad weights ----------------------------------------------------------------------------- */

static const struct bad_header {
    const char *header;
    size_t n_data;
    int code;
    const char *say1, *say2;
} bad_headers[] = {
    /* JSON */
    {"[]", 0, LL_EUSAGE, "expected '{' at byte 8", "0x5b"},
    {"  ", 0, LL_EUSAGE, "expected '{' at byte 8", "0x20"},
    {" []", 0, LL_EUSAGE, "expected '{' at byte 9", "0x5b"},
    {"{]", 0, LL_EUSAGE, "line 1, column 2: not valid JSON", "expected a name in quotes or }"},
    {"{} {}", 0, LL_EUSAGE, "expected the end of the document", "column 4"},
    {"{\"a\":", 0, LL_EUSAGE, "expected a value", "found the end of the text"},
    {"{\"a", 0, LL_EUSAGE, "without an end", NULL},
    {"{" T("a\xff", "U8", "[1]", 0, 1) "}", 1, LL_EUSAGE, "column 4: not valid JSON: not UTF-8", NULL},
    {"{" T("a\\ud800", "U8", "[1]", 0, 1) "}", 1, LL_EUSAGE, "surrogate pair", NULL},
    {"{" T("a\\u0000b", "U8", "[1]", 0, 1) "}", 1, LL_EUSAGE, "NUL", NULL},
    {"{" T("a\nb", "U8", "[1]", 0, 1) "}", 1, LL_EUSAGE, "control character inside a string", NULL},
    {"{" T("a", "U8", "[1]", 0, 1) "," T("a", "U8", "[1]", 1, 2) "}", 2, LL_EUSAGE, "\"a\"",
     "found it twice"},
    {"{" T("a", "U8", "[1]", 0, 1) "," T("\\u0061", "U8", "[1]", 1, 2) "}", 2, LL_EUSAGE, "\"a\"",
     "found it twice"},
    {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, LL_EUSAGE,
     "\"dtype\"", "found it twice"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, LL_EUSAGE, "__metadata__", "found it twice"},
    /* metadata */
    {"{\"__metadata__\":3}", 0, LL_EUSAGE, "__metadata__: expected an object", "found 3"},
    {"{\"__metadata__\":{\"k\":[1]}}", 0, LL_EUSAGE, "__metadata__: k: expected a text", "an array"},
    /* dtype */
    {"{\"a\":7}", 0, LL_EUSAGE, "tensor \"a\": entry", "found 7"},
    {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, LL_EUSAGE, "tensor \"a\": dtype", "found nothing"},
    {"{\"a\":{\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, LL_EUSAGE, "tensor \"a\": dtype",
     "found 3"},
    {"{" T("a", "F6_E2M3", "[1]", 0, 1) "}", 1, LL_EUSAGE, "tensor \"a\": shape",
     "no whole number of bytes of F6_E2M3"},
    {"{" T("a", "F4", "[3]", 0, 2) "}", 2, LL_EUSAGE, "tensor \"a\": shape",
     "no whole number of bytes of F4"},
    {"{" T("a", "F4", "[4]", 0, 4) "}", 4, LL_EUSAGE, "tensor \"a\": data_offsets: expected 2 bytes",
     "F4, found 4"},
    {"{" T("a", "C64", "[2]", 0, 8) "}", 8, LL_EUSAGE, "tensor \"a\": data_offsets: expected 16 bytes",
     "C64, found 8"},
    {"{" T("a", "float32", "[1]", 0, 4) "}", 4, LL_EUNSUP, "tensor \"a\": dtype", "float32"},
    /* shape */
    {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, LL_EUSAGE,
     "tensor \"a\": shape: expected a list", "found nothing"},
    {"{" T("a", "U8", "[-1]", 0, 1) "}", 1, LL_EUSAGE, "tensor \"a\": shape: expected whole numbers",
     "found -1"},
    {"{" T("a", "U8", "[1.5]", 0, 1) "}", 1, LL_EUSAGE, "tensor \"a\": shape: expected whole numbers",
     "found 1.5"},
    {"{" T("a", "U8", "[\"1\"]", 0, 1) "}", 1, LL_EUSAGE, "tensor \"a\": shape: expected whole numbers",
     "found \"1\""},
    {"{" T("a", "U8", "[9223372036854775807]", 0, 1) "}", 1, LL_EUSAGE,
     "tensor \"a\": shape: expected whole numbers", "found 9.2"},
    {"{" T("a", "U8", "[1e999]", 0, 1) "}", 1, LL_EUSAGE, "tensor \"a\": shape: expected whole numbers",
     "found"},
    {"{" T("a", "U8", "[4294967296,4294967296]", 0, 0) "}", 0, LL_EUSAGE, "tensor \"a\": shape", "too large"},
    {"{" T("a", "F32", "[4194304,1099511627776]", 0, 0) "}", 0, LL_EUSAGE, "tensor \"a\": shape",
     "too large"},
    {"{" T("a", "U8", "[4503599627370496,4503599627370496,0]", 0, 0) "}", 0, LL_EUSAGE, "tensor \"a\": shape",
     "too large"},
    {"{" T("a", "U8", "[1,1,1,1,1,1,1,4294967296,4294967296]", 0, 1) "}", 1, LL_EUSAGE, "tensor \"a\": shape",
     "too large"},
    /* offsets */
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, LL_EUSAGE, "tensor \"a\": data_offsets: expected two",
     "found nothing"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, LL_EUSAGE,
     "tensor \"a\": data_offsets: expected two", "an array"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, LL_EUSAGE,
     "tensor \"a\": data_offsets: expected two", "an array"},
    {"{" T("a", "U8", "[1]", -1, 0) "}", 1, LL_EUSAGE, "tensor \"a\": data_offsets: expected two",
     "found -1"},
    {"{" T("a", "U8", "[1]", 0, 0.5) "}", 1, LL_EUSAGE, "tensor \"a\": data_offsets: expected two",
     "found 0.5"},
    {"{" T("a", "U8", "[1]", 1, 0) "}", 1, LL_EUSAGE, "tensor \"a\": data_offsets: expected begin <= end",
     "[1, 0]"},
    {"{" T("a", "U8", "[9]", 0, 9) "}", 8, LL_EUSAGE, "tensor \"a\": data_offsets",
     "within the 8 bytes of data, found 9"},
    {"{" T("a", "BF16", "[2,3]", 0, 11) "}", 11, LL_EUSAGE, "tensor \"a\": data_offsets: expected 12 bytes",
     "BF16, found 11"},
    {"{" T("a", "F32", "[]", 0, 8) "}", 8, LL_EUSAGE, "tensor \"a\": data_offsets: expected 4 bytes",
     "F32, found 8"},
    {"{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[4]", 3, 7) "}", 7, LL_EUSAGE, "tensor \"b\"",
     "overlaps \"a\""},
    {"{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[4]", 0, 4) "}", 4, LL_EUSAGE, "tensor \"",
     "overlaps \""},
    {"{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[0]", 2, 2) "}", 4, LL_EUSAGE, "tensor \"b\"",
     "overlaps \"a\""},
    {"{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[4]", 5, 9) "}", 9, LL_EUSAGE, "tensor \"b\"", "a hole"},
    {"{" T("a", "U8", "[4]", 1, 5) "}", 5, LL_EUSAGE, "tensor \"a\"", "expected a begin at 0, found 1"},
    {"{" T("a", "U8", "[4]", 0, 4) "}", 5, LL_EUSAGE, "expected 4 bytes of data", "found 5"},
    {"{}", 1, LL_EUSAGE, "expected 0 bytes of data", "found 1"},
};

/* What the reference (safetensors 0.8.0, Python) reads, so do we: types without a reader, many dimensions, no
 * metadata. */
static void headers_of_other_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *type;
        int n_dims;
        size_t size;
    } rows[] = {
        {"{\"__metadata__\":null," T("a", "F32", "[1]", 0, 4) "}", 4, "F32", 1, 4},
        {"  {" T("a", "F32", "[1]", 0, 4) "}  ", 4, "F32", 1, 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"foo\":[3]}}", 4, "F32", 1, 4},
        {"{" T("a", "F4", "[2]", 0, 1) "}", 1, "F4", 1, 1},
        {"{" T("a", "F6_E2M3", "[4]", 0, 3) "}", 3, "F6_E2M3", 1, 3},
        {"{" T("a", "F6_E3M2", "[2,2]", 0, 3) "}", 3, "F6_E3M2", 2, 3},
        {"{" T("a", "C64", "[3]", 0, 24) "}", 24, "C64", 1, 24},
        {"{" T("a", "F8_E4M3FNUZ", "[5]", 0, 5) "}", 5, "F8_E4M3FNUZ", 1, 5},
        {"{" T("a", "F8_E5M2FNUZ", "[5]", 0, 5) "}", 5, "F8_E5M2FNUZ", 1, 5},
        {"{" T("a", "I4", "[5]", 0, 3) "}", 3, "I4", 1,
         3}, /* unknown to the reference, too: a later one's, perhaps */
        {"{" T("a", "F16", "[1,1,1,1,3]", 0, 6) "}", 6, "F16", 5, 6},
        {"{" T("a", "F16", "[1,2,1,2,1,2,1,2,1,2]", 0, 64) "}", 64, "F16", 8, 64},
    };
    puts_to("kinds/config.json", "{}");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weights("kinds/model.safetensors", rows[i].header, rows[i].data);
        struct ll_ckpt *c = opened(at("kinds"));
        const struct ll_tensor *t = ll_ckpt_find(c, "a");
        assert_string_equal(ll_tensor_type(t), rows[i].type);
        assert_int_equal(t->n_dims, rows[i].n_dims);
        assert_int_equal(t->size, rows[i].size);
        char hex[65];
        struct ll_err e = {0};
        assert_int_equal(ll_ckpt_identity(c, hex, &e), LL_OK);
        ll_ckpt_close(c);
    }
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
    puts_to("bad/config.json", "{}");
    for (size_t i = 0; i < sizeof bad_headers / sizeof bad_headers[0]; i++) {
        const struct bad_header *b = &bad_headers[i];
        weights("bad/model.safetensors", b->header, b->n_data);
        refused(at("bad"), b->code, "/bad: model.safetensors: ", b->say1, b->say2, NULL);
    }
}

static void cut_anywhere(void **state)
{
    (void)state;
    const char *h = "{" T("a", "F32", "[2]", 0, 8) "," T("b", "U8", "[3]", 8, 11) "}";
    size_t n = 8 + strlen(h) + 11;
    puts_to("cut/config.json", "{}");
    weights("cut/model.safetensors", h, 11);
    char *whole = strdup(at("cut/model.safetensors"));
    for (size_t left = n; left-- > 0;) { /* every shorter file is refused, for what it lacks */
        assert_int_equal(truncate(whole, (off_t)left), 0);
        refused(at("cut"), LL_EUSAGE, "model.safetensors: ",
                left < 8                   ? "expected at least the 8 bytes"
                    : left < 8 + strlen(h) ? "header length: expected"
                                           : "data_offsets",
                NULL);
    }
    free(whole);
}

static void lengths_that_lie(void **state)
{
    (void)state;
    const struct {
        uint64_t len;
        const char *say;
    } rows[] = {
        {0, "expected 2..20"},
        {1, "expected 2..20"},
        {21, "found 21"},
        {100000001, "at most 100000000"},
        {UINT64_MAX, "at most 100000000"},
        {UINT64_MAX - 7, "at most"},
        {3, "expected the end of the document"},
    };
    puts_to("lie/config.json", "{}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t b[28] = {0};
        for (int k = 0; k < 8; k++)
            b[k] = (uint8_t)(rows[i].len >> 8 * k);
        memcpy(b + 8, "{}", 2);
        put("lie/model.safetensors", b, sizeof b);
        refused(at("lie"), LL_EUSAGE, "model.safetensors: ", rows[i].say, NULL);
    }
    puts_to("lie/model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    refused(at("lie"), LL_EUSAGE, "git-lfs pointer", NULL);
}

static void deep_headers(void **state)
{
    (void)state;
    static char h[200001];
    memset(h, '[', sizeof h - 1);
    memcpy(h, "{\"a\":", 5);
    puts_to("deep/config.json", "{}");
    weights("deep/model.safetensors", h, 0);
    refused(at("deep"), LL_EUSAGE, "nested too deeply", NULL);
}

/* ---- bad folders ----------------------------------------------------------------------------- */

static void paths_that_are_no_checkpoint(void **state)
{
    (void)state;
    puts_to("none/notes.txt", "");
    refused(at("none"), LL_EUSAGE, "none: no *.safetensors", "Hugging Face folder", NULL);
    refused(at("none/notes.txt"), LL_EUSAGE, "notes.txt: expected a Hugging Face folder", NULL);
    puts_to("none/m.gguf", "GGUF");
    refused(at("none/m.gguf"), LL_EUSAGE, "m.gguf: version at byte 4", "cut short", NULL);
    puts_to("none/m.bad", "GGUF");
    refused(at("none/m.bad"), LL_EUSAGE, "m.bad: version at byte 4", "cut short",
            NULL); /* the first bytes count, not the name */
    puts_to("none/m.bad", "GGU");
    refused(at("none/m.bad"), LL_EUSAGE,
            "m.bad: expected a Hugging Face folder, a .safetensors file, an index", NULL);
    weights("none/model.safetensors", "{}", 0);
    refused(at("none"), LL_EUSAGE, "none: no config.json", NULL);
    refused(at("none/model.safetensors"), LL_EUSAGE, "none: no config.json", NULL);
    refused(at("gone"), LL_EUSAGE, "gone: no such file or folder", NULL);
    refused("", LL_EUSAGE, "no such file or folder", NULL);
    puts_to("fold/config.json", "{}");
    assert_int_equal(mkdir(at("fold/model.safetensors"), 0777), 0);
    refused(at("fold"), LL_EUSAGE, "model.safetensors: expected a regular file, found a folder", NULL);
}

/* A FIFO, socket, folder or link to nothing in the place of each file of a checkpoint: said in one line,
 * without waiting. */
static void files_that_are_none(void **state)
{
    (void)state;
    static const char *const places[] = {
        "odd/config.json",   "odd/model.safetensors", "odd/model.safetensors.index.json",
        "odd/a.safetensors", "odd/tokenizer.json",    "odd/m.gguf"};
    static const struct {
        const char *make, *said;
    } kinds[] = {
        {"mkfifo", "found a FIFO"},
        {"mkdir", "found a folder"},
        {"ln -s ../blobs/0", "where nothing is"},
        {"python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])'",
         "found a socket"},
    };
    for (size_t p = 0; p < sizeof places / sizeof *places; p++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            char cmd[700];
            struct ll_buf b = {0};
            struct ll_err e = {0};
            snprintf(cmd, sizeof cmd, "rm -rf '%s' && mkdir '%s' && %s '%s'", at("odd"), at("odd"),
                     kinds[k].make, at(places[p]));
            if (system(cmd)) /* no Python: no sockets */
                continue;
            assert_int_equal(ll_file_read(at(places[p]), 100, &b, &e), LL_EUSAGE);
            assert_non_null(strstr(e.msg, kinds[k].said));
            if (p != 0)
                puts_to("odd/config.json", "{}");
            if (p == 0)
                weights("odd/model.safetensors", "{}", 0);
            if (p == 3) {
                puts_to("odd/model.safetensors.index.json", "{\"weight_map\": {\"x\": \"a.safetensors\"}}");
                refused(at("odd"), LL_EUSAGE, "a.safetensors",
                        k == 2 ? "a link to nothing (incomplete download?)" : kinds[k].said, NULL);
            } else if (p != 4)
                refused(p == 5 ? at(places[p]) : at("odd"), LL_EUSAGE, strrchr(places[p], '/') + 1,
                        p == 5 && k == 1 ? "no *.safetensors" : kinds[k].said, NULL);
        }
}

/* A Git LFS pointer in the place of each file. */
static void pointers(void **state)
{
    (void)state;
    static const char text[] = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1234567\n";
    static const char *const places[] = {"lfs/config.json", "lfs/model.safetensors",
                                         "lfs/model.safetensors.index.json", "lfs/a.safetensors",
                                         "lfs/m.gguf"};
    for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
        char cmd[700];
        snprintf(cmd, sizeof cmd, "rm -rf '%s'", at("lfs"));
        assert_int_equal(system(cmd), 0);
        puts_to("lfs/config.json", "{}");
        if (p == 0)
            weights("lfs/model.safetensors", "{}", 0);
        if (p == 3)
            puts_to("lfs/model.safetensors.index.json", "{\"weight_map\": {\"x\": \"a.safetensors\"}}");
        puts_to(places[p], text);
        refused(at("lfs"), LL_EUSAGE, strrchr(places[p], '/') + 1, "git-lfs pointer", "git lfs pull", NULL);
    }
}

/* A file that is written to, cut or replaced after it was mapped. */
static void files_that_change(void **state)
{
    (void)state;
    struct ll_map m;
    struct ll_err e = {0};
    puts_to("chg/a", "0123456789");
    assert_int_equal(ll_map_open(&m, at("chg/a"), &e), LL_OK);
    assert_int_equal(ll_map_unchanged(&m, at("chg/a"), &e), LL_OK);
    assert_int_equal(truncate(at("chg/a"), 4), 0);
    assert_int_equal(ll_map_unchanged(&m, at("chg/a"), &e), LL_EFAIL);
    assert_non_null(strstr(e.msg, "10 bytes when opened, 4 now"));
    ll_map_close(&m);
    e = (struct ll_err){0};
    assert_int_equal(ll_map_open(&m, at("chg/a"), &e), LL_OK);
    puts_to("chg/a", "another"); /* by rename: what is mapped stays */
    assert_int_equal(ll_map_unchanged(&m, at("chg/a"), &e), LL_OK);
    assert_memory_equal(m.data, "0123", 4);
    ll_map_close(&m);
    assert_int_equal(ll_map_open(&m, at("chg/a"), &e), LL_OK);
    usleep(20000); /* beyond the clock of the file system */
    FILE *f = fopen(at("chg/a"), "r+");
    assert_true(f && fputs("X", f) >= 0 && !fclose(f));
    assert_int_equal(ll_map_unchanged(&m, at("chg/a"), &e), LL_EFAIL);
    assert_non_null(strstr(e.msg, "written to"));
    ll_map_close(&m);
}

static void pickles(void **state)
{
    (void)state;
    puts_to("pkl/config.json", "{}");
    puts_to("pkl/pytorch_model.bin", "x");
    refused(at("pkl"), LL_EUNSUP, "pkl: holds only pytorch_model.bin; pickles are not read", NULL);
}

static void bad_configs(void **state)
{
    (void)state;
    weights("cfg/model.safetensors", "{}", 0);
    const char *const rows[][2] = {
        {"", "config.json: expected JSON, found an empty file"},
        {"{\n \"a\": }", "config.json: line 2, column 7: not valid JSON"},
        {"[1]", "config.json: expected an object"},
        {"3", "config.json: expected an object"},
        {"{\"a\": 1", "expected , or the end of the object or array, found the end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        puts_to("cfg/config.json", rows[i][0]);
        refused(at("cfg"), LL_EUSAGE, "/cfg: config.json", rows[i][1], NULL);
    }
}

/* A tensor in another shard than the index says, but in one: read there, with a word. */
static void index_that_errs(void **state)
{
    (void)state;
    puts_to("err/config.json", "{}");
    weights("err/x.safetensors", "{" T("a", "U8", "[1]", 0, 1) "}", 1);
    weights("err/y.safetensors", "{" T("b", "U8", "[1]", 0, 1) "," T("c", "U8", "[1]", 1, 2) "}", 2);
    put_index("err", "{\"a\": \"x.safetensors\", \"b\": \"x.safetensors\", \"c\": \"y.safetensors\"}");
    struct ll_ckpt *c = opened(at("err"));
    assert_int_equal(c->n_tensors, 3);
    assert_string_equal(c->files[ll_ckpt_find(c, "b")->file].name, "y.safetensors");
    assert_int_equal(c->n_notes, 1);
    assert_string_equal(c->notes[0],
                        "model.safetensors.index.json names the wrong file for 1 of its tensors: \"b\" is in "
                        "y.safetensors, not in x.safetensors; read where they are");
    ll_ckpt_close(c);
}

/* PEFT adapters: alone they are no model, beside one they are mentioned. */
static void adapters(void **state)
{
    (void)state;
    puts_to("lora/adapter_config.json",
            "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"org/base\"}");
    weights("lora/adapter_model.safetensors",
            "{" T("base_model.model.a.lora_A.weight", "U8", "[1]", 0, 1) "}", 1);
    refused(at("lora"), LL_EUNSUP,
            "lora: a LoRA adapter (adapter_config.json), not a whole model: merge it into its base model "
            "org/base first",
            "merge_and_unload", NULL);
    refused(at("lora/adapter_model.safetensors"), LL_EUNSUP, "a LoRA adapter", NULL);
    puts_to("lora/config.json", "{}"); /* as some trainers leave it */
    refused(at("lora"), LL_EUNSUP, "a LoRA adapter", NULL);
    puts_to("lora/adapter_config.json", "{\"peft_type\": \"IA3\"");
    refused(at("lora"), LL_EUNSUP, "a LoRA adapter (adapter_config.json)", NULL);
    puts_to("lora/adapter_config.json", "{\"peft_type\": \"IA3\"}");
    refused(at("lora"), LL_EUNSUP, "an IA3 adapter (adapter_config.json)", NULL);
    weights("lora/model.safetensors", "{" T("a", "U8", "[1]", 0, 1) "}", 1);
    struct ll_ckpt *c = opened(at("lora"));
    assert_int_equal(c->n_files, 1);
    assert_int_equal(c->n_notes, 1);
    assert_non_null(
        strstr(c->notes[0], "an adapter (adapter_config.json) lies beside the model: it is not applied"));
    ll_ckpt_close(c);
    refused(at("lora/adapter_model.safetensors"), LL_EUNSUP, "adapter", NULL);
}

/* A file is known by its first bytes, whatever its name. */
static void files_by_content(void **state)
{
    (void)state;
    puts_to("blob/config.json", "{}");
    weights("blob/sha256-00", "{" T("a", "U8", "[1]", 0, 1) "}", 1);
    struct ll_ckpt *c = opened(at("blob/sha256-00"));
    assert_string_equal(c->clean, "sha256-00");
    assert_string_equal(c->container, "safetensors");
    ll_ckpt_close(c);
    puts_to("blob/x.safetensors", "GGUF\x03");
    refused(at("blob/x.safetensors"), LL_EUSAGE, "x.safetensors: version at byte 4", NULL);
    puts_to("blob/notes", "no model, but long enough {");
    refused(at("blob/notes"), LL_EUSAGE, "expected a Hugging Face folder", NULL);
}

static void bad_indexes(void **state)
{
    (void)state;
    const struct {
        const char *map, *say1, *say2;
    } rows[] = {
        {"{\"a\": \"../x.safetensors\"}", "index.json: weight_map: a: expected the name", "../x.safetensors"},
        {"{\"a\": \"/etc/x.safetensors\"}", "weight_map: a: expected the name", "/etc"},
        {"{\"a\": \"sub/x.safetensors\"}", "weight_map: a: expected the name", NULL},
        {"{\"a\": \"..\\\\x.safetensors\"}", "weight_map: a: expected the name", NULL},
        {"{\"a\": \".safetensors\"}", "weight_map: a: expected the name", NULL},
        {"{\"a\": \"pytorch_model.bin\"}", "weight_map: a: expected the name of a .safetensors",
         "pytorch_model.bin"},
        {"{\"a\": 3}", "weight_map: a: expected the name", "found 3"},
        {"{}", "weight_map: expected an object", "an empty one"},
        {"[]", "weight_map: expected an object", "an array"},
        {"{\"a\": \"x.safetensors\", \"a\": \"y.safetensors\"}", "\"a\"", "found it twice"},
        {"{\"a\": \"x.safetensors\", \"b\": \"z.safetensors\", \"c\": \"w.safetensors\"}",
         "2 of the 3 shards listed in model.safetensors.index.json missing", "w.safetensors"},
        {"{\"a\": \"x.safetensors\", \"q\": \"x.safetensors\"}",
         "tensor \"q\": model.safetensors.index.json expects it in x.safetensors", "nowhere"},
        {"{\"a\": \"x.safetensors\", \"b\": \"two.safetensors\"}", "tensor \"a\": expected in one file",
         "two.safetensors and x.safetensors"},
        {"{\"a\": \"x.safetensors\"", "not valid JSON", "index.json: line 1"},
    };
    puts_to("idx/config.json", "{}");
    weights("idx/x.safetensors", "{" T("a", "U8", "[1]", 0, 1) "}", 1);
    weights("idx/y.safetensors", "{" T("b", "U8", "[1]", 0, 1) "," T("c", "U8", "[1]", 1, 2) "}", 2);
    weights("idx/two.safetensors", "{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[1]", 1, 2) "}", 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_index("idx", rows[i].map);
        refused(at("idx"), LL_EUSAGE, rows[i].say1, rows[i].say2, NULL);
    }
    puts_to("idx/model.safetensors.index.json", "{}");
    refused(at("idx"), LL_EUSAGE, "weight_map: expected an object", "found nothing", NULL);
    puts_to("idx/model.safetensors.index.json", "7");
    refused(at("idx"), LL_EUSAGE, "weight_map: expected an object", "found nothing", NULL);
}

/* ---- hub cache ------------------------------------------------------------------------------- */

static void put_snapshot(const char *repo, const char *hash)
{
    char name[256], blob[256], link[256];
    snprintf(name, sizeof name, "hub/%s/snapshots/%s/config.json", repo, hash);
    snprintf(blob, sizeof blob, "hub/%s/blobs/b0", repo);
    snprintf(link, sizeof link, "hub/%s/snapshots/%s/model.safetensors", repo, hash);
    puts_to(name, "{}");
    weights(blob, "{" T("x", "U8", "[1]", 0, 1) "}", 1);
    unlink(at(link));
    assert_int_equal(symlink("../../blobs/b0", at(link)), 0);
}

static void check_hub(const char *asked, const char *id, const char *clean, const char *hash)
{
    char snap[128];
    struct ll_ckpt *c = opened(asked);
    assert_string_equal(c->model_id, id);
    assert_string_equal(c->clean, clean);
    snprintf(snap, sizeof snap, "/snapshots/%s", hash);
    assert_true(strlen(c->path) > strlen(snap) && !strcmp(c->path + strlen(c->path) - strlen(snap), snap));
    assert_int_equal(c->n_tensors, 1);
    ll_ckpt_close(c);
}

static void hub_cache(void **state)
{
    (void)state;
    setenv("HF_HUB_CACHE", at("hub"), 1);
    put_snapshot("models--Org--Some-Model.1", "aaaa");
    put_snapshot("models--Org--Some-Model.1", "bbbb");
    refused("Org/Some-Model.1", LL_EUSAGE, "no snapshot of revision main", "models--Org--Some-Model.1",
            "nothing is downloaded", NULL);
    puts_to("hub/models--Org--Some-Model.1/refs/main", "aaaa");
    puts_to("hub/models--Org--Some-Model.1/refs/v1", "bbbb\n");
    puts_to("hub/models--Org--Some-Model.1/refs/refs/pr/3", "bbbb");
    puts_to("hub/models--Org--Some-Model.1/refs/evil", "../../../../one");
    check_hub("Org/Some-Model.1", "Org/Some-Model.1", "Some-Model.1", "aaaa");
    check_hub("Org/Some-Model.1@main", "Org/Some-Model.1", "Some-Model.1", "aaaa");
    check_hub("Org/Some-Model.1@v1", "Org/Some-Model.1", "Some-Model.1", "bbbb");
    check_hub("Org/Some-Model.1@refs/pr/3", "Org/Some-Model.1", "Some-Model.1", "bbbb");
    check_hub("Org/Some-Model.1@bbbb", "Org/Some-Model.1", "Some-Model.1", "bbbb");
    check_hub(at("hub/models--Org--Some-Model.1/snapshots/bbbb/"), "Org/Some-Model.1", "Some-Model.1",
              "bbbb");
    check_hub(at("hub/models--Org--Some-Model.1"), "Org/Some-Model.1", "Some-Model.1", "aaaa");
    check_hub(at("hub/models--Org--Some-Model.1/"), "Org/Some-Model.1", "Some-Model.1", "aaaa");
    check_hub(at("hub/models--Org--Some-Model.1/snapshots//"), "Org/Some-Model.1", "Some-Model.1", "aaaa");
    puts_to("hub/models--Org--Broken/refs/main", "dddd");
    assert_int_equal(mkdir(at("hub/models--Org--Broken/snapshots"), 0777), 0);
    refused(at("hub/models--Org--Broken"), LL_EUSAGE,
            "models--Org--Broken: this folder of the hub cache holds no snapshot", NULL);
    put_snapshot("models--Org--Gone", "eeee");
    assert_int_equal(unlink(at("hub/models--Org--Gone/blobs/b0")), 0);
    refused("Org/Gone", LL_EUSAGE, "eeee/model.safetensors: expected a regular file, found a link to ",
            "blobs/b0, where nothing is (incomplete download?)", NULL);
    put_snapshot("models--gpt2", "cccc"); /* no refs: the only snapshot is the one; no organisation */
    check_hub("gpt2", "gpt2", "gpt2", "cccc");
    refused("gpt2@v9", LL_EUSAGE, "no snapshot of revision v9", NULL);
    refused("Org/Some-Model.1@evil", LL_EUSAGE, "no snapshot of revision evil", NULL);
    refused("Org/Other", LL_EUSAGE, "Org/Other: no such file or folder", "models--Org--Other",
            "nothing is downloaded", NULL);
    const char *const bad[] = {"Org/Some-Model.1@../x",
                               "Org/Some-Model.1@/x",
                               "Org/Some-Model.1@",
                               "../x",
                               "a/b/c",
                               "a//b",
                               "Org/",
                               "/Org",
                               "a--b",
                               "a b",
                               "@x",
                               "a/.."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (strcmp(bad[i], "a/.."))
            refused(bad[i], LL_EUSAGE, "no such file or folder", NULL);
}

static void hub_places(void **state)
{
    (void)state;
    const char *const vars[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"};
    char *home = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    setenv("HOME", "/h", 1);
    setenv("XDG_CACHE_HOME", "/xdg", 1);
    setenv("HF_HOME", "/hf", 1);
    setenv("HUGGINGFACE_HUB_CACHE", "/old", 1);
    setenv("HF_HUB_CACHE", "/hub", 1);
    const char *const want[] = {"/hub/models--o--n", "/old/models--o--n", "/hf/hub/models--o--n",
                                "/xdg/huggingface/hub/models--o--n",
                                "/h/.cache/huggingface/hub/models--o--n"};
    /* as Python's expanduser and expandvars: in the value of each, a variable that is not set stays as it is
     */
    const char *const spelled[][2] = {{"~", "/h/models--o--n"},
                                      {"~/x", "/h/x/models--o--n"},
                                      {"$HF_HOME/c", "/hf/c/models--o--n"},
                                      {"${HF_HOME}/c", "/hf/c/models--o--n"},
                                      {"~nobody_here/x", "~nobody_here/x/models--o--n"},
                                      {"/a/~/$LL_UNSET/${LL_UNSET", "/a/~/$LL_UNSET/${LL_UNSET/models--o--n"},
                                      {"/a$", "/a$/models--o--n"}};
    for (size_t i = 0; i < sizeof spelled / sizeof *spelled; i++) {
        char looked[128];
        setenv("HF_HUB_CACHE", spelled[i][0], 1);
        snprintf(looked, sizeof looked, "(looked for %s)", spelled[i][1]);
        refused("o/n", LL_EUSAGE, looked, NULL);
    }
    setenv("HF_HUB_CACHE", "/hub", 1);
    for (int i = 0; i < 5; i++) {
        char looked[128];
        snprintf(looked, sizeof looked, "(looked for %s)", want[i]);
        refused("o/n", LL_EUSAGE, looked, NULL);
        if (i < 4)
            unsetenv(vars[i]);
    }
    unsetenv("HOME");
    refused("o/n", LL_EUSAGE, "HF_HOME", NULL);
    if (home)
        setenv("HOME", home, 1);
    free(home);
}

/* ---- size ------------------------------------------------------------------------------------ */

static void thirty_thousand_tensors(void **state)
{
    (void)state;
    struct ll_buf b = {0};
    ll_buf_adds(&b, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (int i = 0; i < 30000; i++)
        ll_buf_addf(&b,
                    ",\"model.layers.%d.mlp.experts.%d.down_proj.weight\":{\"dtype\":\"BF16\",\"shape\":[2,3]"
                    ",\"data_offsets\":[%d,%d]}",
                    i / 512, i % 512, i * 12, i * 12 + 12);
    ll_buf_adds(&b, "}");
    puts_to("many/config.json", "{}");
    put_weights("many/model.safetensors", b.s, b.len, 30000 * 12);
    ll_buf_free(&b);
    double best = 1e9, id = 1e9;
    for (int i = 0; i < 3; i++) {
        char hex[65];
        struct ll_err e = {0};
        double t = ll_now_s();
        struct ll_ckpt *c = opened(at("many"));
        t = ll_now_s() - t;
        best = t < best ? t : best;
        assert_int_equal(c->n_tensors, 30000);
        assert_non_null(ll_ckpt_find(c, "model.layers.58.mlp.experts.303.down_proj.weight"));
        t = ll_now_s();
        assert_int_equal(ll_ckpt_identity(c, hex, &e), LL_OK);
        id = ll_now_s() - t < id ? ll_now_s() - t : id;
        ll_ckpt_close(c);
    }
    print_message("30000 tensors: open %.1f ms, identity %.1f ms\n", best * 1e3, id * 1e3);
}

/* ---- the oracle's models --------------------------------------------------------------------- */

static void oracle_models(void **state)
{
    (void)state;
    const char *dir = LL_SHARED_DIR "/oracle/models";
    DIR *d = opendir(dir);
    int n = 0;
    if (!d)
        skip();
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        char *path = ll_path_join(dir, e->d_name), *ref_path = ll_path_join(path, "reference.safetensors");
        struct ll_ckpt *c = opened(path), *ref = opened(ref_path);
        long long layers =
            ll_settings_int(c->settings, "num_hidden_layers", ll_settings_int(c->settings, "n_layer", 0));
        const struct ll_tensor *h = ll_ckpt_find(ref, "len17.hidden");
        assert_non_null(h);
        assert_int_equal(h->dtype, LL_F32);
        assert_int_equal(h->n_dims, 3);
        assert_true(layers >= 3 && h->dims[0] == layers + 1 && h->dims[1] == 17);
        assert_string_equal(c->clean, e->d_name);
        for (int i = 0; i < c->n_tensors; i++) /* stored causal masks of GPT-2 and Pythia may hold anything */
            assert_true(ll_tensor_nonfinite(&c->tensors[i]) == -1);
        ll_ckpt_close(c);
        ll_ckpt_close(ref);
        free(ref_path);
        free(path);
        n++;
    }
    closedir(d);
    assert_int_equal(n, 30);
}

/* First values of a tensor as Python's safetensors and torch read them (float16 and bfloat16 to float32). */
static void oracle_values(void **state)
{
    (void)state;
    const struct {
        const char *model, *tensor;
        long long d0, d1;
        double v[4];
    } rows[] = {
        {"llama31_rope",
         "model.layers.2.mlp.down_proj.weight",
         64,
         80,
         {-0.1376953125, -0.0206298828125, -0.01123046875, 0.04833984375}},
        {"llama_gqa_tied",
         "model.embed_tokens.weight",
         320,
         60,
         {0.0770263671875, -0.4091796875, -0.1715087890625, -0.298583984375}},
        {"gpt2",
         "wte.weight",
         320,
         48,
         {-0.432363361120224, -0.16969949007034302, 0.08968014270067215, -0.18031033873558044}},
        {"pythia",
         "gpt_neox.layers.0.attention.dense.weight",
         64,
         64,
         {0.1483154296875, -0.0687255859375, 0.0290679931640625, 0.0244598388671875}},
        {"mixtral",
         "model.layers.1.self_attn.q_proj.weight",
         48,
         48,
         {0.0137939453125, 0.044189453125, -0.032470703125, -0.36328125}},
    };
    if (!ll_is_dir(LL_SHARED_DIR "/oracle/models"))
        skip();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[512];
        float f[4];
        snprintf(path, sizeof path, "%s/oracle/models/%s", LL_SHARED_DIR, rows[i].model);
        struct ll_ckpt *c = opened(path);
        const struct ll_tensor *t = ll_ckpt_find(c, rows[i].tensor);
        assert_non_null(t);
        assert_true(t->dims[0] == rows[i].d0 && t->dims[1] == rows[i].d1);
        const struct ll_dtype_info *d = ll_dtype_info(t->dtype);
        d->to_f32(t->data + t->size - 4 * (size_t)d->block_bytes, f, 4); /* the last four */
        for (int k = 0; k < 4; k++)
            assert_true(f[k] == rows[i].v[k]);
        ll_ckpt_close(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_file),
        cmocka_unit_test(names_from_paths),
        cmocka_unit_test(the_only_file),
        cmocka_unit_test(shards),
        cmocka_unit_test(identity),
        cmocka_unit_test(identity_of_shards),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(lengths_that_lie),
        cmocka_unit_test(deep_headers),
        cmocka_unit_test(paths_that_are_no_checkpoint),
        cmocka_unit_test(pickles),
        cmocka_unit_test(headers_of_other_kinds),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(pointers),
        cmocka_unit_test(files_that_change),
        cmocka_unit_test(bad_configs),
        cmocka_unit_test(index_that_errs),
        cmocka_unit_test(adapters),
        cmocka_unit_test(files_by_content),
        cmocka_unit_test(bad_indexes),
        cmocka_unit_test(hub_cache),
        cmocka_unit_test(hub_places),
        cmocka_unit_test(thirty_thousand_tensors),
        cmocka_unit_test(oracle_models),
        cmocka_unit_test(oracle_values),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
