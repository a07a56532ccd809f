/* test_tokenizer_gguf.c - tokenizers from GGUF metadata: the tiny files of tests/fixtures/tokenizers/gguf
 * against what llama.cpp answers, and files whose arrays lie. */
#define _GNU_SOURCE /* memmem, mkstemps */
#include "gguf.h"
#include "map.h"
#include "outfile.h"
#include "pattern.h"
#include "gguf_pre.h"
#include "token.h"
#include "token_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#define FIXTURES LL_SOURCE_DIR "/tests/fixtures/tokenizers/gguf"

/* ---- a GGUF file in memory ------------------------------------------------------------------- */

static void put(struct ll_buf *b, const void *v, size_t n) { ll_buf_add(b, v, n); }
static void put_u32(struct ll_buf *b, uint32_t v) { put(b, &v, 4); }
static void put_u64(struct ll_buf *b, uint64_t v) { put(b, &v, 8); }
static void put_str(struct ll_buf *b, const char *s)
{
    put_u64(b, strlen(s));
    ll_buf_adds(b, s);
}

/* pairs: lines "key kind value ..."; kinds s string, i int, f float, b bool, S I F arrays (values parted by
 * '|'). */
static void put_pair(struct ll_buf *b, const char *line, size_t n)
{
    char copy[400], *key = copy, *kind, *v;
    snprintf(copy, sizeof copy, "%.*s", (int)n, line);
    kind = strchr(key, ' ') + 1;
    kind[-1] = 0;
    v = kind + 2;
    int is_array = *kind >= 'A' && *kind <= 'Z',
        type = (*kind | 32) == 's' ? LL_GGUF_STR
        : (*kind | 32) == 'i'      ? LL_GGUF_I32
        : (*kind | 32) == 'f'      ? LL_GGUF_F32
                                   : LL_GGUF_BOOL;
    put_str(b, key);
    put_u32(b, is_array ? LL_GGUF_ARR : (uint32_t)type);
    if (is_array) {
        uint64_t count = *v != 0;
        for (const char *p = v; *p; p++)
            count += *p == '|';
        put_u32(b, (uint32_t)type);
        put_u64(b, count);
    }
    for (char *end; *v || !is_array; v = end + 1) {
        end = is_array ? v + strcspn(v, "|") : v + strlen(v);
        int last = !*end;
        *end = 0;
        float f = strtof(v, NULL);
        if (type == LL_GGUF_STR)
            put_str(b, v);
        else if (type == LL_GGUF_BOOL)
            ll_buf_addc(b, *v == '1');
        else if (type == LL_GGUF_F32)
            put(b, &f, 4);
        else
            put_u32(b, (uint32_t)strtol(v, NULL, 10));
        if (last)
            break;
    }
}

static void build(const char *pairs, struct ll_buf *b)
{
    uint64_t n = 0;
    for (const char *p = pairs; *p; p++)
        n += *p == '\n';
    ll_buf_reset(b);
    ll_buf_adds(b, "GGUF");
    put_u32(b, 3);
    put_u64(b, 0);
    put_u64(b, n);
    for (const char *p = pairs, *end; *p; p = end + 1) {
        end = strchr(p, '\n');
        put_pair(b, p, (size_t)(end - p));
    }
}

static int open_pairs(const char *pairs, struct ll_tokenizer **tok, struct ll_err *err)
{
    struct ll_buf b = {0};
    struct ll_gguf *g = NULL;
    *tok = NULL;
    memset(err, 0, sizeof *err);
    build(pairs, &b);
    uint8_t *copy = malloc(b.len); /* exact size: sanitizers see every read beyond */
    memcpy(copy, b.s, b.len);
    int rc = ll_gguf_parse(&g, "x.gguf", copy, b.len, err);
    if (!rc)
        rc = ll_tokenizer_open_gguf(tok, g, "x.gguf", err);
    ll_gguf_close(g);
    free(copy);
    ll_buf_free(&b);
    return rc;
}

#define T "tokenizer.ggml."
#define LLAMA T "model s llama\n"
#define GPT2 T "model s gpt2\n"
#define TOKENS T "tokens S <unk>|<s>|</s>|a|b|ab|<0x0A>\n"
#define SCORES T "scores F 0|0|0|-1|-2|-3|0\n"
#define TYPES T "token_type I 2|3|3|1|1|1|6\n"
#define MERGES T "merges S a b\n"
static const struct bad {
    const char *pairs;
    int code;
    const char *says;
} bad[] = {
    {"general.name s x\n", LL_EUSAGE, "no tokenizer: expected a string tokenizer.ggml.model"},
    {T "model i 3\n", LL_EUSAGE, "no tokenizer"},
    {T "model s t5\n" TOKENS, LL_EUNSUP, "tokenizer.ggml.model \"t5\" is not supported"},
    {T "model s bert\n" TOKENS, LL_EUNSUP, "\"bert\""},
    {GPT2 T "pre s kimi-k2\n" TOKENS MERGES, LL_EUNSUP, "tokenizer.ggml.pre \"kimi-k2\" is not supported"},
    {GPT2 T "pre s gemma4\n" TOKENS MERGES, LL_EUNSUP, "tokenizer.ggml.pre \"gemma4\" is not supported"},
    {GPT2 T "pre i 3\n" TOKENS MERGES, LL_EUSAGE, "tokenizer.ggml.pre: expected a string"},
    {LLAMA SCORES TYPES, LL_EUSAGE, "tokenizer.ggml.tokens: expected an array of strings"},
    {LLAMA T "tokens S \n" SCORES, LL_EUSAGE, "tokenizer.ggml.tokens: expected an array of strings"},
    {LLAMA T "tokens I 1|2\n" SCORES, LL_EUSAGE, "tokenizer.ggml.tokens: expected an array of strings"},
    {LLAMA T "tokens s a\n" SCORES, LL_EUSAGE, "tokenizer.ggml.tokens: expected an array of strings"},
    {LLAMA T "tokens S a|b|a\n" T "scores F 0|0|0\n", LL_EUSAGE,
     "expected each token once, found \"a\" as 0 and 2"},
    {LLAMA T "tokens S a|b\xC3|c\n" T "scores F 0|0|0\n", LL_EUSAGE,
     "token 1: expected UTF-8, found byte 0xC3 at offset 1"},
    {LLAMA TOKENS, LL_EUSAGE, "tokenizer.ggml.scores: expected an array of numbers"},
    {LLAMA TOKENS T "scores F 0|0|0\n", LL_EUSAGE,
     "tokenizer.ggml.scores: expected one for each of the 7 tokens, found 3"},
    {LLAMA TOKENS T "scores F 0|0|0|0|0|0|0|0\n", LL_EUSAGE, "found 8"},
    {LLAMA TOKENS T "scores S a|b|c|d|e|f|g\n", LL_EUSAGE,
     "tokenizer.ggml.scores: expected an array of numbers"},
    {LLAMA TOKENS T "scores F 0|0|nan|0|0|0|0\n", LL_EUSAGE,
     "tokenizer.ggml.scores: token 2: expected a number"},
    {LLAMA TOKENS SCORES T "token_type I 1|1\n", LL_EUSAGE,
     "tokenizer.ggml.token_type: expected one for each of the 7 tokens, found 2"},
    {LLAMA TOKENS SCORES T "token_type F 1|1|1|1|1|1|1\n", LL_EUSAGE,
     "tokenizer.ggml.token_type: expected an array of whole numbers"},
    {LLAMA TOKENS SCORES T "token_type i 1\n", LL_EUSAGE,
     "tokenizer.ggml.token_type: expected an array of numbers"},
    {LLAMA TOKENS SCORES TYPES T "bos_token_id i 7\n", LL_EUSAGE,
     "tokenizer.ggml.bos_token_id: expected an id below 7, found 7"},
    {LLAMA TOKENS SCORES TYPES T "bos_token_id i -1\n", LL_EUSAGE,
     "tokenizer.ggml.bos_token_id: expected an id below 7, found -1"},
    {LLAMA TOKENS SCORES TYPES T "bos_token_id s x\n", LL_EUSAGE,
     "tokenizer.ggml.bos_token_id: expected a token id"},
    {LLAMA TOKENS SCORES TYPES T "add_eos_token b 1\n" T "eos_token_id i 99\n", LL_EUSAGE,
     "tokenizer.ggml.eos_token_id: expected an id below 7, found 99"},
    {LLAMA TOKENS SCORES TYPES T "add_bos_token i 1\n", LL_EUSAGE,
     "tokenizer.ggml.add_bos_token: expected true or false"},
    {LLAMA TOKENS SCORES TYPES T "add_space_prefix s yes\n", LL_EUSAGE,
     "tokenizer.ggml.add_space_prefix: expected true or false"},
    {GPT2 TOKENS, LL_EUSAGE, "tokenizer.ggml.merges: expected an array of strings"},
    {GPT2 TOKENS T "merges S ab\n", LL_EUSAGE,
     "merge 0: expected two tokens with a space between, found \"ab\""},
    {GPT2 TOKENS T "merges S a b|x b\n", LL_EUSAGE,
     "merge 1 names \"x\", which is not in tokenizer.ggml.tokens"},
    {GPT2 TOKENS T "merges S a y\n", LL_EUSAGE, "merge 0 names \"y\""},
    {GPT2 TOKENS T "merges S b a\n", LL_EUSAGE,
     "merge 0 makes \"ba\", which is not in tokenizer.ggml.tokens"},
    {GPT2 TOKENS MERGES T "pre s llama-bpe\n", LL_EUSAGE,
     "tokenizer.ggml.bos_token_id: expected an id below 7, found 11"}, /* llama.cpp's default id */
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ll_tokenizer *tok;
        struct ll_err err;
        int rc = open_pairs(bad[i].pairs, &tok, &err);
        if (rc != bad[i].code || !strstr(err.msg, bad[i].says) || strncmp(err.msg, "x.gguf: ", 8)
            || strchr(err.msg, '\n'))
            fail_msg("%s\n  expected %d \"%s\"\n  found %d \"%s\"", bad[i].pairs, bad[i].code, bad[i].says,
                     rc, err.msg);
        assert_null(tok);
    }
}

/* Where the BOS comes from. */
static const struct {
    const char *pairs, *says;
    int n_before, n_after;
} policies[] = {
    {LLAMA TOKENS SCORES TYPES,
     "x.gguf: no tokenizer.ggml.add_bos_token, default true for model \"llama\": <s> in front", 1, 0},
    {LLAMA TOKENS SCORES TYPES T "add_bos_token b 0\n" T "add_eos_token b 1\n",
     "x.gguf: tokenizer.ggml.add_bos_token is false: nothing in front, add_eos_token: </s> at the end", 0, 1},
    {LLAMA TOKENS SCORES T "bos_token_id i 3\n",
     "x.gguf: no tokenizer.ggml.add_bos_token, default true for model \"llama\": a in front", 1, 0},
    {LLAMA TOKENS SCORES T "add_bos_token b 0\n" T "bos_token_id i 99\n",
     "x.gguf: tokenizer.ggml.add_bos_token is false: nothing in front", 0, 0},
    {GPT2 TOKENS MERGES T "pre s \n",
     "x.gguf: no tokenizer.ggml.add_bos_token, default false for pre \"default\": nothing in front", 0, 0},
    {GPT2 TOKENS MERGES,
     "x.gguf: no tokenizer.ggml.add_bos_token, default false for pre \"default\": nothing in front", 0, 0},
    {GPT2 TOKENS MERGES T "pre s llama-v3\n" T "bos_token_id i 1\n",
     "x.gguf: no tokenizer.ggml.add_bos_token, default true for pre \"llama-v3\": <s> in front", 1, 0},
    {T "model s gemma4\n" TOKENS MERGES T "add_bos_token b 0\n" T "bos_token_id i 1\n",
     "x.gguf: tokenizer.ggml.add_bos_token is false but not followed for model \"gemma4\": <s> in front", 1,
     0},
};

static void test_policies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        struct ll_tokenizer *tok;
        struct ll_err err;
        if (open_pairs(policies[i].pairs, &tok, &err))
            fail_msg("%s: %s", policies[i].pairs, err.msg);
        assert_string_equal(ll_tokenizer_bos_policy(tok), policies[i].says);
        assert_int_equal(tok->before.n, policies[i].n_before);
        assert_int_equal(tok->after.n, policies[i].n_after);
        ll_tokenizer_close(tok);
    }
}

/* A character outside the vocabulary keeps its neighbours apart, then vanishes; of two equal merges the first
 * counts. */
static void test_unknown_characters(void **state)
{
    struct ll_tokenizer *tok;
    struct ll_err err;
    struct ll_ids ids = {0};
    (void)state;
    assert_int_equal(open_pairs(GPT2 T "tokens S a|b|ab|ba|aab\n" T "merges S a b|b a|a ab|a b\n" T
                                       "pre s gpt-2\n",
                                &tok, &err),
                     LL_OK);
    assert_int_equal(ll_tokenizer_encode(tok, "axb", 3, 0, &ids, NULL), LL_OK);
    assert_int_equal(ids.n, 2);
    assert_true(ids.v[0] == 0 && ids.v[1] == 1);
    ids.n = 0;
    assert_int_equal(ll_tokenizer_encode(tok, "aba", 3, 0, &ids, NULL), LL_OK); /* "a b" before "b a" */
    assert_true(ids.n == 2 && ids.v[0] == 2 && ids.v[1] == 0);
    ll_ids_free(&ids);
    ll_tokenizer_close(tok);
    assert_int_equal(open_pairs(LLAMA TOKENS SCORES TYPES, &tok, &err),
                     LL_OK); /* no byte token for the space's mark */
    assert_int_equal(ll_tokenizer_encode(tok, "ab", 2, 0, &ids, &err), LL_EUSAGE);
    assert_non_null(strstr(err.msg, "needs the byte token <0xE2>"));
    assert_int_equal(ids.n, 0);
    ll_ids_free(&ids);
    ll_tokenizer_close(tok);
}

/* ---- against llama.cpp ----------------------------------------------------------------------- */

static void assert_ids(const struct ll_tokenizer *tok, const cJSON *e, const char *key, int flags)
{
    const char *text = cJSON_GetObjectItem(e, "text")->valuestring;
    const cJSON *want = cJSON_GetObjectItem(e, key), *v;
    struct ll_ids ids = {0};
    struct ll_err err = {0};
    int i = 0, same;
    if (ll_tokenizer_encode(tok, text, strlen(text), flags, &ids, &err))
        fail_msg("%s: \"%s\": %s", cJSON_GetObjectItem(e, "name")->valuestring, text, err.msg);
    same = cJSON_GetArraySize(want) == ids.n;
    cJSON_ArrayForEach(v, want) if (same) same = (int)v->valuedouble == ids.v[i++];
    if (!same)
        fail_msg("%s: \"%s\": %s differ, expected %s", cJSON_GetObjectItem(e, "name")->valuestring, text, key,
                 cJSON_PrintUnformatted(want));
    ll_ids_free(&ids);
}

static void test_fixtures(void **state)
{
    struct ll_buf text = {0};
    struct ll_tokenizer *tok = NULL;
    char open[40] = "", path[1000];
    cJSON *all, *e;
    int n = 0;
    (void)state;
    assert_int_equal(ll_file_read(FIXTURES "/expected.json", 1 << 22, &text, NULL), LL_OK);
    all = cJSON_ParseWithLength(text.s, text.len);
    cJSON_ArrayForEach(e, all)
    {
        const char *name = cJSON_GetObjectItem(e, "name")->valuestring;
        struct ll_err err = {0};
        if (strcmp(open, name)) {
            ll_tokenizer_close(tok);
            snprintf(open, sizeof open, "%s", name);
            snprintf(path, sizeof path, FIXTURES "/%s.gguf", name);
            if (ll_tokenizer_open(&tok, path, &err))
                fail_msg("%s", err.msg);
        }
        assert_ids(tok, e, "ids", LL_ENC_SPECIAL_AS_TEXT);
        assert_ids(tok, e, "ids_parse", 0);
        assert_ids(tok, e, "ids_with_special", LL_ENC_BOS);
        n++;
    }
    assert_true(n > 100);
    ll_tokenizer_close(tok);
    cJSON_Delete(all);
    ll_buf_free(&text);
}

/* pre-base.gguf with another tokenizer.ggml.pre in place of "default". */
static struct ll_buf with_pre(const struct ll_buf *base, const char *name)
{
    static const char key[] = "tokenizer.ggml.pre", was[] = "default";
    struct ll_buf b = {0};
    const char *at = memmem(base->s, base->len, key, sizeof key - 1);
    assert_non_null(at);
    size_t head = (size_t)(at - base->s) + sizeof key - 1 + sizeof(uint32_t),
           tail = head + sizeof(uint64_t) + sizeof was - 1;
    assert_memory_equal(base->s + tail - (sizeof was - 1), was, sizeof was - 1);
    put(&b, base->s, head);
    put_str(&b, name);
    put(&b, base->s + tail, base->len - tail);
    return b;
}

/* Every name of the table, and each row's settings, as llama.cpp has them: no row without a case. */
static void test_pre_names(void **state)
{
    struct ll_buf text = {0}, base = {0};
    const cJSON *g, *name, *want;
    int n = 0, n_rows = 0, seen[100] = {0};
    (void)state;
    assert_int_equal(ll_file_read(FIXTURES "/pre_names.json", 1 << 20, &text, NULL), LL_OK);
    assert_int_equal(ll_file_read(FIXTURES "/pre-base.gguf", 1 << 20, &base, NULL), LL_OK);
    cJSON *all = cJSON_ParseWithLength(text.s, text.len), *texts = cJSON_GetObjectItem(all, "texts");
    cJSON_ArrayForEach(g, cJSON_GetObjectItem(all, "groups"))
        cJSON_ArrayForEach(name, cJSON_GetObjectItem(g, "names"))
    {
        char path[] = "/tmp/ll_test_XXXXXX.gguf";
        struct ll_tokenizer *tok;
        struct ll_err err = {0};
        struct ll_buf raw = with_pre(&base, name->valuestring);
        int fd = mkstemps(path, (int)strlen(".gguf")), i = 0;
        assert_true(fd >= 0);
        assert_int_equal(write(fd, raw.s, raw.len), (ssize_t)raw.len);
        close(fd);
        if (ll_tokenizer_open(&tok, path, &err))
            fail_msg("%s: %s", name->valuestring, err.msg);
        unlink(path);
        cJSON_ArrayForEach(want, cJSON_GetObjectItem(g, "ids"))
        {
            struct ll_ids ids = {0};
            const char *s = cJSON_GetArrayItem(texts, i++)->valuestring;
            assert_int_equal(ll_tokenizer_encode(tok, s, strlen(s), LL_ENC_BOS | LL_ENC_SPECIAL_AS_TEXT, &ids,
                                                 &err),
                             LL_OK);
            int same = ids.n == cJSON_GetArraySize(want);
            for (int k = 0; k < ids.n && same; k++)
                same = ids.v[k] == cJSON_GetArrayItem(want, k)->valueint;
            if (!same)
                fail_msg("pre %s: ids of \"%s\" differ, expected %s", name->valuestring, s,
                         cJSON_PrintUnformatted(want));
            ll_ids_free(&ids);
        }
        for (size_t r = 0; ll_gguf_pre_row(r); r++)
            seen[r] |= ll_gguf_pre_row(r) == ll_gguf_pre(name->valuestring, strlen(name->valuestring));
        ll_tokenizer_close(tok);
        ll_buf_free(&raw);
        n++;
    }
    for (; ll_gguf_pre_row((size_t)n_rows); n_rows++)
        if (!seen[n_rows] && strcmp(ll_gguf_pre_row((size_t)n_rows)->names, "gemma4 "))
            fail_msg("%s: no case in pre_names.json", ll_gguf_pre_row((size_t)n_rows)->names);
    int n_names = 0;
    for (int r = 0; r < n_rows; r++)
        for (const char *s = ll_gguf_pre_row((size_t)r)->names; *s; s++)
            n_names += *s == ' ';
    assert_int_equal(n, n_names - 1); /* gemma4 is a model of its own */
    cJSON_Delete(all);
    ll_buf_free(&text);
    ll_buf_free(&base);
}

static void assert_shown(const struct ll_tokenizer *tok, const char *piece, const char *shown)
{
    struct ll_buf out = {0};
    int id = ll_tokenizer_id(tok, piece, strlen(piece));
    assert_true(id >= 0);
    ll_tokenizer_show(tok, id, &out);
    assert_string_equal(ll_buf_str(&out), shown);
    ll_buf_free(&out);
}

static void test_show(void **state)
{
    struct ll_tokenizer *tok;
    struct ll_buf out = {0};
    struct ll_ids ids = {0};
    (void)state;
    assert_int_equal(ll_tokenizer_open(&tok, FIXTURES "/llama.gguf", NULL), LL_OK);
    assert_shown(tok, "\xE2\x96\x81the", " the");
    assert_shown(tok, "<0x41>", "A");
    assert_shown(tok, "<0xC3>", "\xEF\xBF\xBD");
    assert_shown(tok, "<s>", "<s>");
    assert_shown(tok, "[PAD5]", "[PAD5]"); /* unused: its name, though it decodes to nothing */
    ll_tokenizer_show(tok, 100000, &out);
    assert_string_equal(ll_buf_str(&out), "<id 100000>");
    assert_true(ll_tokenizer_is_special(tok, 1)
                && !ll_tokenizer_is_special(tok, ll_tokenizer_id(tok, "<n>", 3))
                && !ll_tokenizer_is_special(tok, -1));
    assert_int_equal(ll_tokenizer_encode(tok, "the <s> the", 11, LL_ENC_BOS, &ids, NULL), LL_OK);
    ll_buf_reset(&out);
    assert_int_equal(ll_tokenizer_decode(tok, ids.v, ids.n, 0, &out, NULL), LL_OK);
    assert_string_equal(ll_buf_str(&out), "<s> the <s>  the");
    ll_buf_reset(&out);
    assert_int_equal(ll_tokenizer_decode(tok, ids.v, ids.n, 1, &out, NULL), LL_OK);
    assert_string_equal(ll_buf_str(&out), " the   the");
    ll_buf_reset(&out);
    assert_int_equal(ll_tokenizer_decode(tok, ids.v + 1, ids.n - 1, 1, &out, NULL),
                     LL_OK); /* one space in front goes */
    assert_string_equal(ll_buf_str(&out), "the   the");
    ll_ids_free(&ids);
    ll_tokenizer_close(tok);

    assert_int_equal(ll_tokenizer_open(&tok, FIXTURES "/gpt2-gpt-2.gguf", NULL), LL_OK);
    const char *s = "water , only . ' x it 's 're 'll ?";
    assert_int_equal(ll_tokenizer_encode(tok, s, strlen(s), 0, &ids, NULL), LL_OK);
    ll_buf_reset(&out);
    assert_int_equal(ll_tokenizer_decode(tok, ids.v, ids.n, 0, &out, NULL), LL_OK);
    assert_string_equal(ll_buf_str(&out), "water, only.'x it's're 'll?");
    ll_ids_free(&ids);
    ll_tokenizer_close(tok);
    ll_buf_free(&out);
}

/* A folder without tokenizer.json: its one GGUF, or the first part of it. */
static void test_folder(void **state)
{
    char dir[] = "/tmp/ll_test_XXXXXX", a[100], b[100], c[100];
    struct ll_buf bytes = {0};
    struct ll_tokenizer *tok;
    struct ll_err err = {0};
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(a, sizeof a, "%s/m-00001-of-00002.gguf", dir);
    snprintf(b, sizeof b, "%s/m-00002-of-00002.gguf", dir);
    snprintf(c, sizeof c, "%s/other.gguf", dir);
    assert_int_equal(ll_file_read(FIXTURES "/llama.gguf", 1 << 20, &bytes, NULL), LL_OK);
    assert_int_equal(ll_tokenizer_open(&tok, dir, &err), LL_EUSAGE);
    assert_int_equal(ll_file_write(a, bytes.s, bytes.len, NULL), LL_OK);
    assert_int_equal(ll_file_write(b, "GGUF", 4, NULL), LL_OK);
    assert_int_equal(ll_tokenizer_open(&tok, dir, &err), LL_OK);
    assert_int_equal(ll_tokenizer_size(tok), 362);
    ll_tokenizer_close(tok);
    assert_int_equal(ll_file_write(c, bytes.s, bytes.len, NULL), LL_OK);
    memset(&err, 0, sizeof err);
    assert_int_equal(ll_tokenizer_open(&tok, dir, &err), LL_EUSAGE);
    assert_non_null(strstr(err.msg, "2 .gguf files; name one"));
    assert_int_equal(ll_tokenizer_open(&tok, c, &err), LL_OK);
    ll_tokenizer_close(tok);
    memset(&err, 0, sizeof err);
    assert_int_equal(ll_tokenizer_open(&tok, b, &err), LL_EUSAGE);
    unlink(a), unlink(b), unlink(c), rmdir(dir);
    ll_buf_free(&bytes);
}

/* Every pattern of the table compiles; those of one character at a time and of words agree with PCRE2 on old
 * characters. */
static void test_patterns(void **state)
{
    static const char text[] = "The keeper's 12345 \xC3\x89l\xC3\xA8ve, 'S camelCase HTTPServer\r\n\n  x/y "
                               "($7.50)\t\xE4\xB8\xAD\xE6\x96\x87!! \xD0\xB4\xD0\xB0";
    struct ll_err err = {0};
    (void)state;
    for (size_t i = 0; ll_gguf_pre_row(i); i++)
        for (size_t k = 0; ll_gguf_pre_row(i)->patterns[k]; k++) {
            const char *expr = ll_gguf_pre_row(i)->patterns[k];
            struct ll_pattern p = {0};
            struct ll_spans spans = {0}, by_pcre = {0};
            struct ll_regex *re;
            int behavior;
            size_t ends = 0, same = 0;
            if (ll_gguf_pre_pattern(expr, &p, &behavior, &err)
                || ll_regex_compile(&re, expr, strlen(expr), "test", &err))
                fail_msg("%s: %s", ll_gguf_pre_row(i)->names, err.msg);
            assert_int_equal(ll_pattern_find(&p, text, sizeof text - 1, &spans, &err), LL_OK);
            assert_int_equal(ll_regex_find(re, text, sizeof text - 1, &by_pcre, &err), LL_OK);
            for (size_t j = 0; j < by_pcre.n; j++)
                for (size_t m = 0; m < spans.n; m++)
                    same += spans.v[m].end == by_pcre.v[j].end;
            ends = by_pcre.n;
            if (same != ends || (p.kind != LL_PATTERN_CHARS && spans.n != by_pcre.n))
                fail_msg("%s: pattern %zu: %zu pieces, PCRE2 %zu, %zu ends in common",
                         ll_gguf_pre_row(i)->names, k, spans.n, by_pcre.n, same);
            ll_pattern_free(&p);
            ll_regex_free(re);
            ll_spans_free(&spans);
            ll_spans_free(&by_pcre);
        }
}

/* 200 kB of spaces, letters, special tokens: nothing may be quadratic (a hang is the failure). */
static void test_long_texts(void **state)
{
    static const char *const names[] = {"llama", "gemma4", "gpt2-tekken", "gpt2-none"},
                             *const parts[] = {" ", "e", "<sep>", "<think>mor", "\n"};
    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            char path[1000];
            struct ll_tokenizer *tok;
            struct ll_buf text = {0};
            struct ll_ids ids = {0};
            snprintf(path, sizeof path, FIXTURES "/%s.gguf", names[k]);
            assert_int_equal(ll_tokenizer_open(&tok, path, NULL), LL_OK);
            while (text.len < 200000)
                ll_buf_adds(&text, parts[i]);
            assert_int_equal(ll_tokenizer_encode(tok, text.s, text.len, 0, &ids, NULL), LL_OK);
            assert_true(ids.n > 0);
            ll_ids_free(&ids);
            ll_buf_free(&text);
            ll_tokenizer_close(tok);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_unknown_characters),
        cmocka_unit_test(test_pre_names),
        cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_show),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
