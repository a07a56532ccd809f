/* test_tokenizer_folders.c - model folders whose vocabulary is no tokenizer.json, or whose tokens are named
 * outside it, against what transformers' AutoTokenizer makes of them (fixtures/tokenizers/folders, made by
 * make_folders.py); and files that lie. */
#include "map.h"
#include "token.h"
#include "token_files.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FIXTURES LL_SOURCE_DIR "/tests/fixtures/tokenizers/"

static int n_bad;

static int same(const struct ll_ids *ids, const cJSON *want)
{
    const cJSON *v;
    int i = 0, same = cJSON_GetArraySize(want) == ids->n;
    cJSON_ArrayForEach(v, want) same = same && v->valueint == ids->v[i++];
    return same;
}

static void complain(const char *name, const char *text, const char *what, const struct ll_ids *ids,
                     const cJSON *want)
{
    char *w = cJSON_PrintUnformatted(want);
    printf("%s: %s of \"%s\": expected %s, found [", name, what, text, w);
    for (int i = 0; i < ids->n; i++)
        printf("%s%d", i ? "," : "", ids->v[i]);
    printf("]\n");
    free(w);
    n_bad++;
}

static void check_text(const struct ll_tokenizer *tok, const char *name, const char *text, const cJSON *row)
{
    struct ll_ids ids = {0};
    struct ll_buf out = {0};
    struct ll_err err = {0};
    if (ll_tokenizer_encode(tok, text, strlen(text), 0, &ids, &err))
        fail_msg("%s: %s", name, err.msg);
    if (!same(&ids, cJSON_GetArrayItem(row, 0)))
        complain(name, text, "ids", &ids, cJSON_GetArrayItem(row, 0));
    ids.n = 0;
    assert_int_equal(ll_tokenizer_encode(tok, text, strlen(text), LL_ENC_BOS, &ids, &err), LL_OK);
    if (!same(&ids, cJSON_GetArrayItem(row, 1)))
        complain(name, text, "ids with start and end", &ids, cJSON_GetArrayItem(row, 1));
    assert_int_equal(ll_tokenizer_decode(tok, ids.v, ids.n, 1, &out, &err), LL_OK);
    if (strcmp(ll_buf_str(&out), cJSON_GetArrayItem(row, 2)->valuestring)) {
        printf("%s: decoded \"%s\": expected \"%s\", found \"%s\"\n", name, text,
               cJSON_GetArrayItem(row, 2)->valuestring, ll_buf_str(&out));
        n_bad++;
    }
    ll_ids_free(&ids);
    ll_buf_free(&out);
}

static void test_folders(void **state)
{
    struct ll_buf text = {0};
    const cJSON *e, *v;
    int n = 0;
    (void)state;
    assert_int_equal(ll_file_read(FIXTURES "folders.json", 1 << 24, &text, NULL), LL_OK);
    cJSON *all = cJSON_ParseWithLength(text.s, text.len), *texts = cJSON_GetObjectItem(all, "texts");
    cJSON_ArrayForEach(e, cJSON_GetObjectItem(all, "folders"))
    {
        const char *name = cJSON_GetObjectItem(e, "name")->valuestring;
        struct ll_tokenizer *tok;
        struct ll_err err = {0};
        char path[1000];
        snprintf(path, sizeof path, FIXTURES "folders/%s", name);
        n++;
        if (ll_tokenizer_open(&tok, path, &err)) {
            printf("%s: %s\n", name, err.msg);
            n_bad++;
            continue;
        }
        cJSON_ArrayForEach(v, cJSON_GetObjectItem(e, "ids")) if (ll_tokenizer_id(tok, v->string,
                                                                                 strlen(v->string))
                                                                 != v->valueint)
        {
            printf("%s: id of %s: expected %d, found %d\n", name, v->string, v->valueint,
                   ll_tokenizer_id(tok, v->string, strlen(v->string)));
            n_bad++;
        }
        for (int i = 0; i < cJSON_GetArraySize(texts); i++)
            check_text(tok, name, cJSON_GetArrayItem(texts, i)->valuestring,
                       cJSON_GetArrayItem(cJSON_GetObjectItem(e, "rows"), i));
        ll_tokenizer_close(tok);
    }
    assert_true(n >= 40);
    assert_int_equal(n_bad, 0);
    cJSON_Delete(all);
    ll_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
