/* test_tokenizer.c - tokenizers: the fixtures of fixtures/tokenizers (made by its make.py), refusals, long
 * texts, and the hand-written word patterns against the same expressions under PCRE2. */
#include "json_stream.h"
#include "map.h"
#include "stats.h"
#include "token.h"
#include "token_internal.h"
#include "unicode_class.h"
#include "utf8.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIXTURES LL_SOURCE_DIR "/tests/fixtures/tokenizers/"
static const char *const names[] = {"llama3", "gpt2", "llama2", "metaspace"};

static struct ll_tokenizer *open_fixture(const char *name)
{
    struct ll_tokenizer *tok;
    struct ll_err err = {0};
    char path[1000];
    snprintf(path, sizeof path, FIXTURES "%s", name);
    if (ll_tokenizer_open(&tok, path, &err))
        fail_msg("%s", err.msg);
    return tok;
}

static void encode(const struct ll_tokenizer *tok, const char *s, size_t n, int flags, struct ll_ids *ids)
{
    struct ll_err err = {0};
    ids->n = 0;
    if (ll_tokenizer_encode(tok, s, n, flags, ids, &err))
        fail_msg("\"%s\": %s", s, err.msg);
}

static void assert_ids(const struct ll_ids *ids, const cJSON *want, const char *text)
{
    int i = 0;
    const cJSON *v;
    if (cJSON_GetArraySize(want) != ids->n)
        fail_msg("\"%s\": %d ids, expected %d", text, ids->n, cJSON_GetArraySize(want));
    cJSON_ArrayForEach(v, want)
    {
        if (v->valueint != ids->v[i])
            fail_msg("\"%s\": id %d is %d, expected %d", text, i, ids->v[i], v->valueint);
        i++;
    }
}

static void assert_decoded(const struct ll_tokenizer *tok, const struct ll_ids *ids, int skip,
                           const char *want)
{
    struct ll_buf out = {0};
    assert_int_equal(ll_tokenizer_decode(tok, ids->v, ids->n, skip, &out, NULL), LL_OK);
    assert_string_equal(ll_buf_str(&out), want);
    ll_buf_free(&out);
}

/* What the tokenizers library answered when the fixtures were made. */
static void test_fixtures(void **state)
{
    struct ll_buf text = {0};
    struct ll_ids ids = {0};
    int n = 0;
    (void)state;
    assert_int_equal(ll_file_read(FIXTURES "expected.json", 1 << 20, &text, NULL), LL_OK);
    cJSON *list = cJSON_ParseWithLength(text.s, text.len), *e;
    for (size_t k = 0; k < 4; k++) {
        struct ll_tokenizer *tok = open_fixture(names[k]);
        cJSON_ArrayForEach(e, list)
        {
            const char *s = cJSON_GetObjectItem(e, "text")->valuestring;
            if (strcmp(cJSON_GetObjectItem(e, "name")->valuestring, names[k]))
                continue;
            encode(tok, s, strlen(s), 0, &ids);
            assert_ids(&ids, cJSON_GetObjectItem(e, "ids"), s);
            encode(tok, s, strlen(s), LL_ENC_BOS, &ids);
            assert_ids(&ids, cJSON_GetObjectItem(e, "ids_with_special"), s);
            assert_decoded(tok, &ids, 0, cJSON_GetObjectItem(e, "decoded")->valuestring);
            assert_decoded(tok, &ids, 1, cJSON_GetObjectItem(e, "skipped")->valuestring);
            n++;
        }
        ll_tokenizer_close(tok);
    }
    assert_true(n >= 100);
    cJSON_Delete(list);
    ll_buf_free(&text);
    ll_ids_free(&ids);
}

/* A folder or the file itself; sizes, pieces and ids both ways; descriptions. */
static void test_lookup(void **state)
{
    struct ll_tokenizer *tok;
    size_t n;
    (void)state;
    assert_int_equal(ll_tokenizer_open(&tok, FIXTURES "llama2/tokenizer.json", NULL), LL_OK);
    assert_string_equal(ll_tokenizer_piece(tok, 1, &n), "<s>");
    assert_int_equal(n, 3);
    assert_int_equal(ll_tokenizer_id(tok, "<s>", 3), 1);
    assert_int_equal(ll_tokenizer_id(tok, "<0x0A>", 6), 13);
    assert_int_equal(ll_tokenizer_id(tok, "no such piece", 13), -1);
    assert_null(ll_tokenizer_piece(tok, -1, &n));
    assert_null(ll_tokenizer_piece(tok, ll_tokenizer_size(tok), &n));
    assert_true(ll_tokenizer_is_special(tok, 2) && !ll_tokenizer_is_special(tok, 13)
                && !ll_tokenizer_is_special(tok, -5));
    assert_string_equal(ll_tokenizer_kind(tok), "BPE, sentencepiece style with byte fallback");
    assert_string_equal(ll_tokenizer_bos_policy(tok),
                        "tokenizer.json: post_processor adds <s> in front and </s> at the end");
    ll_tokenizer_close(tok);
    tok = open_fixture("gpt2");
    assert_string_equal(ll_tokenizer_kind(tok), "BPE, byte level");
    assert_non_null(strstr(ll_tokenizer_bos_policy(tok),
                           "adds nothing (tokenizer_config.json disagrees: add_bos_token true"));
    ll_tokenizer_close(tok);
}

/* A character cut over several tokens: U+FFFD alone, whole together; bytes exact; word marks as spaces, not
 * stripped. */
static void test_show(void **state)
{
    struct ll_ids ids = {0};
    struct ll_buf b = {0};
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct ll_tokenizer *tok = open_fixture(names[k]);
        encode(tok, "a \xF0\x9F\x98\x80", 6, 0, &ids);
        int last = ids.v[ids.n - 1];
        ll_buf_reset(&b);
        ll_tokenizer_show(tok, last, &b);
        assert_string_equal(b.s, "\xEF\xBF\xBD");
        ll_buf_reset(&b);
        ll_tokenizer_bytes(tok, last, &b);
        assert_int_equal(b.len, 1);
        assert_int_equal((unsigned char)b.s[0], 0x80);
        ll_buf_reset(&b);
        for (int i = 0; i < ids.n; i++)
            ll_tokenizer_bytes(tok, ids.v[i], &b);
        assert_string_equal(k == 2 ? b.s + 1 : b.s, "a \xF0\x9F\x98\x80"); /* llama2: with its prefix space */
        assert_decoded(tok, &ids, 0, "a \xF0\x9F\x98\x80");
        ll_buf_reset(&b);
        ll_tokenizer_show(tok, 1 << 20, &b);
        assert_string_equal(b.s, "<id 1048576>");
        ll_buf_reset(&b);
        ll_tokenizer_bytes(tok, -1, &b);
        assert_int_equal(b.len, 0);
        ll_tokenizer_close(tok);
    }
    ll_buf_free(&b);
    ll_ids_free(&ids);
}

/* NUL is a character like others; unknown ids are left out of a decoded text. */
static void test_nul(void **state)
{
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct ll_tokenizer *tok = open_fixture(names[k]);
        struct ll_ids ids = {0};
        struct ll_buf b = {0};
        encode(tok, "a\0b\0", 4, 0, &ids);
        assert_int_equal(ll_ids_add(&ids, 1 << 29, NULL), LL_OK);
        assert_int_equal(ll_ids_add(&ids, -7, NULL), LL_OK);
        assert_int_equal(ll_tokenizer_decode(tok, ids.v, ids.n, 0, &b, NULL), LL_OK);
        assert_int_equal(b.len, 4);
        assert_memory_equal(b.s, "a\0b\0", 4);
        ll_buf_free(&b);
        ll_ids_free(&ids);
        ll_tokenizer_close(tok);
    }
}

static void test_flags(void **state)
{
    struct ll_tokenizer *tok = open_fixture("llama3");
    struct ll_ids ids = {0};
    (void)state;
    int think = ll_tokenizer_id(tok, "<think>", 7), s = ll_tokenizer_id(tok, "<s>", 3);
    encode(tok, "<s><think>", 10, LL_ENC_SPECIAL_AS_TEXT, &ids); /* not special: still found */
    assert_true(ids.n > 2 && ids.v[0] != s && ids.v[ids.n - 1] == think);
    assert_decoded(tok, &ids, 1, "<s><think>");
    encode(tok, "<s><think>", 10, 0, &ids);
    assert_true(ids.n == 2 && ids.v[0] == s && ids.v[1] == think);
    struct ll_ids more = ids; /* ids are appended; a failure appends nothing */
    struct ll_err err = {0};
    assert_int_equal(ll_tokenizer_encode(tok, "ab\xFFzz", 5, 0, &more, &err), LL_EUSAGE);
    assert_int_equal(more.n, 2);
    assert_non_null(strstr(err.msg, "byte 0xFF at offset 2"));
    assert_int_equal(ll_tokenizer_encode(tok, "a", 1, 0, &more, NULL), LL_OK);
    assert_int_equal(more.n, 3);
    ll_ids_free(&more);
    ll_tokenizer_close(tok);
}

/* Tiny models for one rule each; ids as the tokenizers library gives them. */
static void test_rules(void **state)
{
    static const struct {
        const char *json, *text;
        int n, ids[4];
    } rules[] = {
        /* ties go to the left */
        {"{\"model\":{\"vocab\":{\"a\":0,\"aa\":1},\"merges\":[\"a a\"]}}", "aaa", 2, {1, 0}},
        /* a pair that has changed since it was queued counts no more */
        {"{\"model\":{\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"bc\":3,\"ab\":4,\"abc\":5},\"merges\":[\"b "
         "c\",\"a b\",\"a bc\"]}}",
         "abc",
         1,
         {5}},
        /* of two equal merges the last counts: here \"b c\" comes first */
        {"{\"model\":{\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"bc\":3,\"ab\":4},\"merges\":[\"a b\",\"b c\",\"a "
         "b\"]}}",
         "abc",
         2,
         {0, 3}},
        /* merges before the vocabulary, model type last */
        {"{\"model\":{\"merges\":[[\"a\",\"b\"]],\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"type\":\"BPE\"}}",
         "abab",
         2,
         {2, 2}},
        /* without an unknown token, unknown characters vanish */
        {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}}", "axa", 2, {0, 0}},
        {"{\"model\":{\"vocab\":{\"a\":0,\"u\":1},\"merges\":[],\"unk_token\":\"u\"}}", "xxa", 3, {1, 1, 0}},
        {"{\"model\":{\"vocab\":{\"a\":0,\"u\":1},\"merges\":[],\"unk_token\":\"u\",\"fuse_unk\":true}}",
         "xxa",
         2,
         {1, 0}},
        /* two added tokens that normalize alike: the special one */
        {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[]},\"normalizer\":{\"type\":\"Lowercase\"},\"added_"
         "tokens\":[{\"id\":1,\"content\":\"<x>\",\"normalized\":true},"
         "{\"id\":2,\"content\":\"<X>\",\"normalized\":true,\"special\":true}]}",
         "a<x>a<X>",
         4,
         {0, 2, 0, 2}},
        /* old Metaspace: add_prefix_space false means never (today the library refuses such a file) */
        {"{\"model\":{\"vocab\":{\"a\":0,\"_\":1},\"merges\":[]},\"pre_tokenizer\":{\"type\":\"Metaspace\","
         "\"replacement\":\"_\",\"add_prefix_space\":false}}",
         "a a",
         3,
         {0, 1, 0}},
        {"{\"model\":{\"vocab\":{\"a\":0,\"_\":1},\"merges\":[]},\"pre_tokenizer\":{\"type\":\"Metaspace\","
         "\"replacement\":\"_\",\"add_prefix_space\":true}}",
         "a a",
         4,
         {1, 0, 1, 0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct ll_tokenizer *tok;
        struct ll_err err = {0};
        struct ll_ids ids = {0};
        if (ll_tokenizer_open_mem(&tok, "tokenizer.json", rules[i].json, strlen(rules[i].json), NULL, 0,
                                  &err))
            fail_msg("%s: %s", rules[i].json, err.msg);
        encode(tok, rules[i].text, strlen(rules[i].text), 0, &ids);
        if (ids.n != rules[i].n || memcmp(ids.v, rules[i].ids, (size_t)ids.n * sizeof(int)))
            fail_msg("%s: \"%s\" gives %d ids, the first %d", rules[i].json, rules[i].text, ids.n,
                     ids.n ? ids.v[0] : -1);
        ll_ids_free(&ids);
        ll_tokenizer_close(tok);
    }
}

#define MODEL(rest) \
    "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}" rest "}"
#define UNI(pieces) "{\"model\":{\"type\":\"Unigram\",\"vocab\":[" pieces "]}}"
static const struct bad {
    const char *json;
    int code;
    const char *says; /* part of the message */
} bad[] = {
    {"", LL_EUSAGE, "expected an object, found the end of the file"},
    {"[]", LL_EUSAGE, "expected an object, found '['"},
    {"{}", LL_EUSAGE, "expected a \"model\""},
    {"{\"model\":{}}", LL_EUSAGE, "neither \"type\" nor \"merges\""},
    {"{\"model\":{\"type\":\"BPE\",\"merges\":[]}}", LL_EUSAGE, "expected model.vocab"},
    {"{\"model\":{\"type\":\"BPE\",\"vocab\":{}}}", LL_EUSAGE, "expected model.merges"},
    {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0}}}", LL_EUNSUP, "WordPiece"},
    {"{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0}}}", LL_EUNSUP, "WordLevel"},
    {"{\"model\":{\"type\":\"spm\",\"vocab\":{\"a\":0}}}", LL_EUNSUP, "\"spm\""},
    {UNI("[\"a\",0.5],[\"a\",0.1]"), LL_EUSAGE, "expected each token once, found \"a\" again"},
    {UNI("[\"a\"]"), LL_EUSAGE, "expected piece 0 as a list of a string and a number"},
    {UNI("[\"a\",1,2]"), LL_EUSAGE, "expected piece 0 as a list of a string and a number"},
    {UNI("[\"a\",\"b\"]"), LL_EUSAGE, "expected a number, found '\"'"},
    {UNI("[\"a\",1e999]"), LL_EUSAGE, "expected a finite number"},
    {UNI("[\"a\",01]"), LL_EUSAGE, "expected a number"},
    {UNI("[]"), LL_EUSAGE, "found an empty list"},
    {UNI("\"a\""), LL_EUSAGE, "expected a list"},
    {"{\"model\":{\"type\":\"Unigram\",\"unk_id\":7,\"vocab\":[[\"a\",-2e0]]}}", LL_EUSAGE,
     "model.unk_id: expected an id below 1, found 7"},
    {"{\"model\":{\"type\":\"Unigram\",\"vocab\":{\"a\":1}}}", LL_EUSAGE,
     "expected model.vocab as a list of pieces with scores"},
    {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",0]]},\"normalizer\":{\"type\":\"Precompiled\"}}",
     LL_EUSAGE, "Precompiled lacks its text"},
    {"{\"model\":{\"type\":\"Magic\",\"vocab\":{\"a\":0}}}", LL_EUNSUP, "\"Magic\""},
    {"{\"model\":{\"vocab\":{\"a\":0,\"a\":1},\"merges\":[]}}", LL_EUSAGE,
     "model.vocab (byte 30): expected each token once, found \"a\" again"},
    {"{\"model\":{\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}", LL_EUSAGE,
     "expected each id once, found 0 again, for \"b\""},
    {"{\"model\":{\"vocab\":{\"a\":-1},\"merges\":[]}}", LL_EUSAGE,
     "expected a number from 0 to 1048576, found -1"},
    {"{\"model\":{\"vocab\":{\"a\":99999999999999999999},\"merges\":[]}}", LL_EUSAGE,
     "found 99999999999999999999"},
    {"{\"model\":{\"vocab\":{\"a\":1.5},\"merges\":[]}}", LL_EUSAGE, "expected a whole number"},
    {"{\"model\":{\"vocab\":{\"a\":\"b\"},\"merges\":[]}}", LL_EUSAGE, "expected a whole number, found '\"'"},
    {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"a\"]}}", LL_EUSAGE, "one space between, found \"a\""},
    {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"a a a\"]}}", LL_EUSAGE, "one space between"},
    {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"a x\"]}}", LL_EUSAGE,
     "merge 0 names \"x\", which is not in model.vocab"},
    {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"a a\"]}}", LL_EUSAGE, "merge 0 names \"aa\""},
    {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]}}", LL_EUSAGE,
     "expected merge 0 as a list of two tokens"},
    {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[[\"a\",\"a\",\"a\"]]}}", LL_EUSAGE,
     "expected merge 0 as a list of two tokens"},
    {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[7]}}", LL_EUSAGE, "expected a string, found '7'"},
    {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[],\"dropout\":0.1}}", LL_EUNSUP, "model.dropout is 0.1"},
    {"{\"model\":{\"vocab\":{\"\xC3(\":0},\"merges\":[]}}", LL_EUSAGE,
     "expected well-formed UTF-8, found byte 0xC3"},
    {"{\"model\":{\"vocab\":{\"\\ud800\":0},\"merges\":[]}}", LL_EUSAGE,
     "high surrogate \\uD800 without a low one"},
    {"{\"model\":{\"vocab\":{\"\\q\":0},\"merges\":[]}}", LL_EUSAGE, "after a backslash, found 'q'"},
    {"{\"model\":{\"vocab\":{\"a\n\":0},\"merges\":[]}}", LL_EUSAGE, "control character"},
    {"{\"model\":{\"vocab\":{\"a\":0", LL_EUSAGE, "expected ',' or '}', found the end of the file"},
    {"{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", LL_EUSAGE,
     "nested deeper than 64"},
    {MODEL("") "x", LL_EUSAGE, "expected the end of the file, found 'x'"},
    {MODEL(",\"model\":{}"), LL_EUSAGE, "\"model\" once"},
    {MODEL(",\"added_tokens\":[{\"content\":\"x\"}]"), LL_EUSAGE, "found no id"},
    {MODEL(",\"added_tokens\":[{\"id\":3}]"), LL_EUSAGE, "found no content"},
    {"{\"model\":{\"vocab\":{\"a\":0,\"c\":2},\"merges\":[]},\"added_tokens\":[{\"id\":3,\"content\":\"x\"},{"
     "\"id\":2,\"content\":\"c\"}]}",
     LL_EUSAGE, "added token \"c\" comes to id 2"},
    {MODEL(",\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAA\"}"), LL_EUSAGE,
     "precompiled_charsmap: expected base64"},
    {MODEL(",\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"CAAAAAAA\"}"), LL_EUSAGE,
     "precompiled_charsmap: expected a table of 8 bytes"},
    {MODEL(",\"added_tokens\":[{\"id\":3,\"content\":\"x\",\"special\":3}]"), LL_EUSAGE,
     "expected true or false, found '3'"},
    {MODEL(",\"normalizer\":{\"type\":\"Nmt\"}"), LL_EUNSUP, "normalizer of type \"Nmt\" is not supported"},
    {MODEL(",\"normalizer\":{\"type\":\"Prepend\"}"), LL_EUSAGE, "Prepend lacks its text"},
    {MODEL(",\"normalizer\":[]"), LL_EUSAGE, "normalizer: expected an object or null"},
    {MODEL(",\"normalizer\":{\"type\":\"Sequence\"}"), LL_EUSAGE, "expected a list \"normalizers\""},
    {MODEL(",\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}"), LL_EUNSUP,
     "pre_tokenizer of type \"BertPreTokenizer\""},
    {MODEL(",\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Isolated\"}"), LL_EUSAGE,
     "pre_tokenizer.pattern: expected"},
    {MODEL(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"}}"), LL_EUSAGE,
     "the pattern is no regular expression"},
    {MODEL(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a{1,2}+\"}}"), LL_EUNSUP,
     "{n,m}+"},
    {MODEL(
         ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"Sideways\"}"),
     LL_EUSAGE, "expected a split behavior"},
    {MODEL(",\"decoder\":{\"type\":\"CTC\"}"), LL_EUNSUP, "decoder of type \"CTC\""},
    {MODEL(",\"post_processor\":{\"type\":\"Other\"}"), LL_EUNSUP, "post_processor of type \"Other\""},
    {MODEL(",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>"
           "\"}}],\"special_tokens\":{}}"),
     LL_EUSAGE, "expected ids for \"<s>\" under special_tokens"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ll_tokenizer *tok = (void *)&tok;
        struct ll_err err = {0};
        char *copy = malloc(strlen(bad[i].json) + 1); /* exact size: sanitizers see every read beyond */
        size_t n = strlen(bad[i].json);
        memcpy(copy, bad[i].json, n);
        int rc = ll_tokenizer_open_mem(&tok, "tokenizer.json", copy, n, NULL, 0, &err);
        free(copy);
        if (rc != bad[i].code || !strstr(err.msg, bad[i].says) || strncmp(err.msg, "tokenizer.json: ", 16))
            fail_msg("%s\n  expected %d \"%s\"\n  found %d \"%s\"", bad[i].json, bad[i].code, bad[i].says, rc,
                     err.msg);
        assert_null(tok);
    }
    struct ll_tokenizer *tok;
    struct ll_err err = {0};
    assert_int_equal(ll_tokenizer_open(&tok, FIXTURES "nowhere", &err), LL_EUSAGE);
    assert_non_null(strstr(err.msg, "nowhere"));
    memset(&err, 0, sizeof err);
    const char *ok = MODEL(""), *config = "{\"add_bos_token\": 3}";
    assert_int_equal(ll_tokenizer_open_mem(&tok, "tokenizer.json", ok, strlen(ok), config, strlen(config),
                                           &err),
                     LL_EUSAGE);
    assert_non_null(strstr(err.msg, "tokenizer_config.json: add_bos_token"));
}

/* Every prefix of a file is refused (or, the whole, read) without a read beyond its end. */
static void test_cut_files(void **state)
{
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        struct ll_buf text = {0};
        char path[1000];
        snprintf(path, sizeof path, FIXTURES "%s/tokenizer.json", names[k]);
        assert_int_equal(ll_file_read(path, 1 << 20, &text, NULL), LL_OK);
        for (size_t n = 0; n < text.len; n += n < 800 || n + 400 > text.len ? 1 : 37) {
            struct ll_tokenizer *tok;
            char *copy = malloc(n + !n);
            memcpy(copy, text.s, n);
            assert_int_not_equal(ll_tokenizer_open_mem(&tok, "tokenizer.json", copy, n, NULL, 0, NULL),
                                 LL_OK);
            free(copy);
        }
        ll_buf_free(&text);
    }
}

static uint32_t dice(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)*seed * n) >> 32);
}

/* 200 kB each of one letter, spaces, marks and random words: nothing may be quadratic. */
static void test_long_texts(void **state)
{
    const size_t n = 200000;
    char *text = malloc(n);
    uint32_t seed = 316;
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        struct ll_tokenizer *tok = open_fixture(names[k]);
        for (int form = 0; form < 4; form++) {
            struct ll_ids ids = {0};
            struct ll_buf out = {0};
            for (size_t i = 0; i < n; i++)
                text[i] = form == 0 ? 'e'
                    : form == 1     ? ' '
                    : form == 2     ? "\xCC\xA7\xCC\x81"[i % 4]
                                    : "the keperwn,1\n"[dice(&seed, 14)];
            double t0 = ll_now_s();
            encode(tok, text, n, 0, &ids);
            assert_int_equal(ll_tokenizer_decode(tok, ids.v, ids.n, 0, &out, NULL), LL_OK);
            double s = ll_now_s() - t0;
            if (form != 2 && k != 3) { /* normal forms reorder marks; the metaspace fixture is lossy */
                assert_int_equal(out.len, n);
                assert_memory_equal(out.s, text, n);
            }
            if (s > 5) /* a quadratic merge would need minutes */
                fail_msg("%s, text %d: %.1f s", names[k], form, s);
            ll_buf_free(&out);
            ll_ids_free(&ids);
        }
        ll_tokenizer_close(tok);
    }
    free(text);
}

/* A random character from where the patterns make differences. */
static uint32_t any_char(uint32_t *seed)
{
    static const uint32_t picks[] = {' ',   ' ',    '\n',   '\r',    '\t',    '\'',   's',    'S',
                                     't',   'L',    'l',    'v',     'E',     'r',    'd',    'm',
                                     'a',   'B',    '1',    '9',     '.',     '/',    '!',    0x17F,
                                     0xA0,  0x3000, 0xE9,   0xC9,    0x1C5,   0x2B0,  0x4E2D, 0x301,
                                     0x903, 0xB2,   0x2160, 0x661,   0x1F600, 0x200B, 0x180E, 0x85,
                                     0,     0xAD,   0x2028, 0x10D50, 0x16D40, 0x897,  0x1E5D0};
    if (dice(seed, 10))
        return picks[dice(seed, sizeof picks / sizeof picks[0])];
    uint32_t cp = dice(seed, 8) ? dice(seed, 0x3000) : dice(seed, 0x110000);
    return cp >= 0xD800 && cp < 0xE000 ? 'x' : cp;
}

static void test_words_against_pcre(void **state)
{
    uint32_t seed = 316;
    struct ll_err err = {0};
    struct ll_spans by_hand = {0}, by_pcre = {0};
    struct ll_buf s = {0};
    const char *expr;
    (void)state;
    for (size_t i = 0; (expr = ll_word_rule_expr(i)); i++) {
        struct ll_regex *re;
        const struct ll_word_rule *rule = ll_word_rule(expr, strlen(expr));
        assert_non_null(rule);
        if (ll_regex_compile(&re, expr, strlen(expr), "test", &err))
            fail_msg("%s", err.msg);
        for (int round = 0; round < 4000; round++) {
            ll_buf_reset(&s);
            for (uint32_t k = 1 + dice(&seed, 24); k; k--)
                ll_utf8_put(&s, any_char(&seed));
            by_hand.n = 0;
            assert_int_equal(ll_words_find(rule, s.s, s.len, &by_hand, &err), LL_OK);
            assert_int_equal(ll_regex_find(re, s.s, s.len, &by_pcre, &err), LL_OK);
            if (by_hand.n != by_pcre.n)
                fail_msg("rule %zu, \"%s\": %zu words, PCRE2 %zu", i, s.s, by_hand.n, by_pcre.n);
            for (size_t k = 0; k < by_hand.n; k++)
                if (by_hand.v[k].end != by_pcre.v[k].end)
                    fail_msg("rule %zu, \"%s\": word %zu ends at %zu, PCRE2 %zu", i, s.s, k, by_hand.v[k].end,
                             by_pcre.v[k].end);
        }
        ll_regex_free(re);
    }
    ll_spans_free(&by_hand);
    ll_spans_free(&by_pcre);
    ll_buf_free(&s);
}

/* A pattern whose ranges PCRE2 cannot hold falls back to PCRE2's own classes. */
static void test_large_pattern(void **state)
{
    struct ll_buf expr = {0};
    struct ll_spans spans = {0};
    struct ll_err err = {0};
    struct ll_regex *re;
    (void)state;
    for (int i = 0; i < 60; i++)
        ll_buf_addf(&expr, "%s\\p{Lu}[\\p{Ll}\\p{Nd}]{%d}", i ? "|" : "", 60 - i);
    if (ll_regex_compile(&re, expr.s, expr.len, "test", &err))
        fail_msg("%s", err.msg);
    assert_int_equal(ll_regex_find(re, "-Ab1c-", 6, &spans, &err), LL_OK);
    assert_int_equal(spans.n, 3);
    assert_int_equal(spans.v[1].end, 5);
    ll_regex_free(re);
    ll_spans_free(&spans);
    ll_buf_free(&expr);
}

static void count(void *arg, uint32_t first, uint32_t last) { *(long *)arg += last - first + 1; }

/* The counts of Unicode 16, and a few characters whose class was got wrong elsewhere. */
static void test_classes(void **state)
{
    static const struct {
        uint32_t bits;
        long n;
    } want[] = {{LL_L_BITS, 141028}, {LL_N_BITS, 1911}, {LL_M_BITS, 2501}, {LL_P_BITS, 855}};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        long n = 0;
        ll_category_ranges(want[i].bits, count, &n);
        assert_int_equal(n, want[i].n);
    }
    int spaces = 0, late = 0;
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        spaces += ll_is_space(cp);
        late += ll_is_numeric(cp) && !(LL_BIT(ll_category(cp)) & LL_N_BITS);
    }
    assert_int_equal(spaces, 25);
    assert_int_equal(late, 13);
    assert_true(!ll_is_space(0x180E) && !ll_is_space(0x200B) && ll_is_punct('$') && !ll_is_punct(0x2E52)
                && ll_is_word('_') && !ll_is_word('-'));
    assert_int_equal(ll_category('A'), LL_LU);
    assert_int_equal(ll_category(0x10FFFF), LL_CN);
}

static void assert_form(const char *s, int compose, int compat, const char *want)
{
    struct ll_buf out = {0};
    assert_int_equal(ll_normal_form(s, strlen(s), compose, compat, &out, NULL), LL_OK);
    assert_string_equal(ll_buf_str(&out), want);
    ll_buf_free(&out);
}

static void test_normal_forms(void **state)
{
    (void)state;
    assert_form("e\xCC\x81", 1, 0, "\xC3\xA9");
    assert_form("\xC3\xA9", 0, 0, "e\xCC\x81");
    assert_form("\xEF\xAC\x81", 1, 1, "fi");
    assert_form("\xEF\xAC\x81", 1, 0, "\xEF\xAC\x81");
    assert_form("a\xCC\x81\xCC\xA7", 0, 0, "a\xCC\xA7\xCC\x81");               /* reordered by class */
    assert_form("\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", 1, 0, "\xEA\xB0\x81"); /* Hangul, three letters */
    assert_form("\xEA\xB0\x80\xE1\x86\xA7", 1, 0, "\xEA\xB0\x80\xE1\x86\xA7"); /* U+11A7 after LV stays */
    assert_form("a\xCC\xA7\xCC\x81", 1, 0, "\xC3\xA1\xCC\xA7");  /* composes across a mark of a lower class */
    assert_form("a\xCC\x8D\xCC\x81", 1, 0, "a\xCC\x8D\xCC\x81"); /* but not across one of the same class */
    assert_form("a\xF0\x90\xBD\x86\xCC\xA7", 1, 0,
                "a\xF0\x90\xBD\x86\xCC\xA7"); /* U+10F46, a mark newer than the reference's tables */
    assert_form("\xF0\x91\xA4\xB5\xF0\x91\xA4\xB0", 1, 0,
                "\xF0\x91\xA4\xB5\xF0\x91\xA4\xB0"); /* a composition newer than them */
    assert_form("\xE2\x84\xAB", 1, 0, "\xC3\x85");   /* Angstrom sign */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),      cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_show),          cmocka_unit_test(test_nul),
        cmocka_unit_test(test_flags),         cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_rules),         cmocka_unit_test(test_cut_files),
        cmocka_unit_test(test_long_texts),    cmocka_unit_test(test_words_against_pcre),
        cmocka_unit_test(test_large_pattern), cmocka_unit_test(test_classes),
        cmocka_unit_test(test_normal_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
