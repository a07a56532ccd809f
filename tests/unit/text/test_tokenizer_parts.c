/* test_tokenizer_parts.c - every part of a tokenizer.json that src/text has a table row for, by itself,
 * against what the tokenizers library makes of the same texts (fixtures/tokenizers/parts.json, made by
 * make_parts.py); a row without a case fails. */
#include "map.h"
#include "token.h"
#include "token_internal.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static cJSON *parts;

static int read_parts(void **state)
{
    struct ll_buf text = {0};
    (void)state;
    int rc = ll_file_read(LL_SOURCE_DIR "/tests/fixtures/tokenizers/parts.json", 1 << 24, &text, NULL);
    parts = rc ? NULL : cJSON_ParseWithLength(text.s, text.len);
    ll_buf_free(&text);
    return !parts;
}

static int free_parts(void **state)
{
    (void)state;
    cJSON_Delete(parts);
    return 0;
}

static const cJSON *list(const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(parts, key);
    assert_true(cJSON_GetArraySize(v) > 0);
    return v;
}

static int open_json(struct ll_tokenizer **tok, const cJSON *tokenizer, struct ll_err *err)
{
    char *s = cJSON_PrintUnformatted(tokenizer);
    int rc = ll_tokenizer_open_mem(tok, "tokenizer.json", s, strlen(s), NULL, 0, err);
    cJSON_free(s);
    return rc;
}

/* A tokenizer with just this part, in the stage. */
static struct ll_tokenizer *with_part(const char *stage, const cJSON *part)
{
    struct ll_tokenizer *tok;
    struct ll_err err = {0};
    cJSON *t = cJSON_Parse("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}");
    cJSON_AddItemToObject(t, stage, cJSON_Duplicate(part, 1));
    if (open_json(&tok, t, &err))
        fail_msg("%s", err.msg);
    cJSON_Delete(t);
    return tok;
}

static void assert_text(const struct ll_buf *got, const char *want, const cJSON *part, const char *of)
{
    if (got->len != strlen(want) || memcmp(ll_buf_str(got), want, got->len))
        fail_msg("%s of \"%s\": \"%s\", expected \"%s\"", cJSON_PrintUnformatted(part), of, ll_buf_str(got),
                 want);
}

static void check_normalizer(const struct ll_tokenizer *tok, const cJSON *entry, int i)
{
    struct ll_scratch x = {0};
    struct ll_buf out = {0};
    const char *text = cJSON_GetArrayItem(list("texts"), i)->valuestring;
    assert_int_equal(ll_normalize(&tok->normalizer, text, strlen(text), &x, &out, NULL), LL_OK);
    assert_text(&out, cJSON_GetArrayItem(cJSON_GetObjectItem(entry, "out"), i)->valuestring,
                cJSON_GetObjectItem(entry, "json"), text);
    ll_buf_free(&out);
    ll_scratch_free(&x);
}

static void check_pretokenizer(const struct ll_tokenizer *tok, const cJSON *entry, int i)
{
    struct ll_scratch x = {0};
    const char *text = cJSON_GetArrayItem(list("texts"), i)->valuestring;
    const cJSON *want = cJSON_GetArrayItem(cJSON_GetObjectItem(entry, "out"), i), *w;
    size_t k = 0;
    assert_int_equal(ll_pretokenize(&tok->pretok, text, strlen(text), 1, &x, NULL), LL_OK);
    cJSON_ArrayForEach(w, want)
    {
        const struct ll_span *p = k < x.a.spans.n ? &x.a.spans.v[k++] : NULL;
        if (!p || p->end - p->start != strlen(w->valuestring)
            || memcmp(x.a.text.s + p->start, w->valuestring, p->end - p->start))
            fail_msg("%s of \"%s\": piece %zu is \"%.*s\", expected \"%s\"",
                     cJSON_PrintUnformatted(cJSON_GetObjectItem(entry, "json")), text, k,
                     p ? (int)(p->end - p->start) : 0, p ? x.a.text.s + p->start : "", w->valuestring);
    }
    assert_int_equal(k, x.a.spans.n);
    ll_scratch_free(&x);
}

static void check_decoder(const struct ll_tokenizer *tok, const cJSON *entry, int i)
{
    struct ll_buf joined = {0}, out = {0};
    struct ll_spans spans = {0};
    const cJSON *t;
    cJSON_ArrayForEach(t, cJSON_GetArrayItem(list("tokens"), i))
    {
        size_t start = joined.len;
        ll_buf_adds(&joined, t->valuestring);
        assert_int_equal(ll_spans_add(&spans, start, joined.len, 0, NULL), LL_OK);
    }
    assert_int_equal(ll_decode(tok, &spans, ll_buf_str(&joined), &out, NULL), LL_OK);
    assert_text(&out, cJSON_GetArrayItem(cJSON_GetObjectItem(entry, "out"), i)->valuestring,
                cJSON_GetObjectItem(entry, "json"), ll_buf_str(&joined));
    ll_buf_free(&joined);
    ll_buf_free(&out);
    ll_spans_free(&spans);
}

static int has_case(const cJSON *entries, const char *name)
{
    const cJSON *e;
    cJSON_ArrayForEach(
        e, entries) if (!strcmp(cJSON_GetObjectItem(cJSON_GetObjectItem(e, "json"), "type")->valuestring,
                                name)) return 1;
    return 0;
}

static void check_stage(const struct ll_stage *stage, const char *inputs,
                        void (*check)(const struct ll_tokenizer *, const cJSON *, int))
{
    const cJSON *entries = list(stage->key), *e;
    int n = cJSON_GetArraySize(list(inputs));
    for (size_t i = 0; stage->kind(i); i++)
        if (!has_case(entries, stage->kind(i)->name))
            fail_msg("%s %s: no case in parts.json", stage->key, stage->kind(i)->name);
    cJSON_ArrayForEach(e, entries)
    {
        struct ll_tokenizer *tok = with_part(stage->key, cJSON_GetObjectItem(e, "json"));
        for (int i = 0; i < n; i++)
            check(tok, e, i);
        ll_tokenizer_close(tok);
    }
}

static void test_normalizers(void **state)
{
    (void)state, check_stage(&ll_normalizers, "texts", check_normalizer);
}
static void test_pretokenizers(void **state)
{
    (void)state, check_stage(&ll_pretokenizers, "texts", check_pretokenizer);
}
static void test_decoders(void **state) { (void)state, check_stage(&ll_decoders, "tokens", check_decoder); }

static void assert_ids(const struct ll_ids *ids, const cJSON *want, const char *text, const cJSON *whole)
{
    const cJSON *v;
    int i = 0, same = cJSON_GetArraySize(want) == ids->n;
    cJSON_ArrayForEach(v, want) same = same && v->valueint == ids->v[i++];
    if (!same)
        fail_msg("%s: ids of \"%s\" differ: expected %s", cJSON_PrintUnformatted(whole), text,
                 cJSON_PrintUnformatted(want));
}

/* Models with each of their switches, and post-processors. */
static void test_wholes(void **state)
{
    const cJSON *e;
    struct ll_ids ids = {0};
    (void)state;
    cJSON_ArrayForEach(e, list("whole"))
    {
        const cJSON *whole = cJSON_GetObjectItem(e, "json");
        struct ll_tokenizer *tok;
        struct ll_err err = {0};
        if (open_json(&tok, whole, &err))
            fail_msg("%s", err.msg);
        for (int i = 0; i < cJSON_GetArraySize(list("texts")); i++) {
            const char *text = cJSON_GetArrayItem(list("texts"), i)->valuestring;
            struct ll_buf out = {0};
            ids.n = 0;
            assert_int_equal(ll_tokenizer_encode(tok, text, strlen(text), 0, &ids, &err), LL_OK);
            assert_ids(&ids, cJSON_GetArrayItem(cJSON_GetObjectItem(e, "ids"), i), text, whole);
            ids.n = 0;
            assert_int_equal(ll_tokenizer_encode(tok, text, strlen(text), LL_ENC_BOS, &ids, &err), LL_OK);
            assert_ids(&ids, cJSON_GetArrayItem(cJSON_GetObjectItem(e, "full"), i), text, whole);
            assert_int_equal(ll_tokenizer_decode(tok, ids.v, ids.n, 1, &out, &err), LL_OK);
            assert_text(&out, cJSON_GetArrayItem(cJSON_GetObjectItem(e, "decoded"), i)->valuestring, whole,
                        text);
            ll_buf_free(&out);
        }
        ll_tokenizer_close(tok);
    }
    ll_ids_free(&ids);
}

/* Parts that the library has and we do not are refused by their name. */
static void test_refused(void **state)
{
    const cJSON *e;
    (void)state;
    cJSON_ArrayForEach(e, list("refused"))
    {
        struct ll_tokenizer *tok;
        struct ll_err err = {0};
        const char *name = cJSON_GetObjectItem(e, "name")->valuestring;
        assert_int_equal(open_json(&tok, cJSON_GetObjectItem(e, "json"), &err), LL_EUNSUP);
        if (!strstr(err.msg, name))
            fail_msg("expected %s in: %s", name, err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalizers), cmocka_unit_test(test_pretokenizers),
        cmocka_unit_test(test_decoders),    cmocka_unit_test(test_wholes),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, read_parts, free_parts);
}
