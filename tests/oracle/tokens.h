/* tokens.h - what the tokenizer tests share: reading reference files, comparing ids and texts, counting. */
#ifndef LL_TEST_TOKENS_H
#define LL_TEST_TOKENS_H
#include "map.h"
#include "token.h"
#include "token_internal.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int n_bad;
static int n_checked __attribute__((unused));

static inline const char *str(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

static inline cJSON *read_json(const char *path)
{
    struct ll_err err = {0};
    struct ll_buf b = {0};
    cJSON *j = NULL;
    if (!ll_file_read(path, 1u << 28, &b, &err))
        j = cJSON_ParseWithLength(ll_buf_str(&b), b.len);
    if (!j)
        printf("cannot read %s: %s\n", path, err.msg), n_bad++;
    ll_buf_free(&b);
    return j;
}

static inline int unpack(const char *xz, struct ll_buf *out)
{
    char cmd[1200], chunk[65536];
    size_t n;
    snprintf(cmd, sizeof cmd, "xz -dc '%s'", xz);
    FILE *p = popen(cmd, "r");
    if (!p)
        return -1;
    while ((n = fread(chunk, 1, sizeof chunk, p)) > 0)
        ll_buf_add(out, chunk, n);
    return pclose(p) || out->failed ? -1 : 0;
}

static int same_ids(const struct ll_ids *ids, const cJSON *want)
{
    const cJSON *v;
    int i = 0;
    if (cJSON_GetArraySize(want) != ids->n)
        return 0;
    cJSON_ArrayForEach(v, want) if ((int)v->valuedouble != ids->v[i++]) return 0;
    return 1;
}

static void complain(const char *what, const char *text, const struct ll_ids *ids, const cJSON *want)
{
    char *w = cJSON_PrintUnformatted(want);
    if (n_bad++ > 40)
        return;
    printf("    %s differ for \"%.80s\"\n      expected %.400s\n      found    [", what, text, w);
    for (int i = 0; i < ids->n && i < 60; i++)
        printf("%s%d", i ? "," : "", ids->v[i]);
    printf("]\n");
    free(w);
}

static inline int check_ids(const struct ll_tokenizer *tok, const char *text, size_t n, int flags,
                            const cJSON *want, const char *what, struct ll_ids *ids)
{
    struct ll_err err = {0};
    ids->n = 0;
    if (ll_tokenizer_encode(tok, text, n, flags, ids, &err)) {
        printf("    \"%.80s\": %s\n", text, err.msg);
        return n_bad++, 0;
    }
    if (same_ids(ids, want))
        return 1;
    complain(what, text, ids, want);
    return 0;
}

static inline int check_decoded(const struct ll_tokenizer *tok, const struct ll_ids *ids, int skip,
                                const char *want)
{
    struct ll_buf out = {0};
    struct ll_err err = {0};
    int ok = !ll_tokenizer_decode(tok, ids->v, ids->n, skip, &out, &err) && out.len == strlen(want)
        && !memcmp(ll_buf_str(&out), want, out.len);
    if (!ok && n_bad++ < 40)
        printf("    decoded: expected \"%s\", found \"%s\" %s\n", want, ll_buf_str(&out), err.msg);
    ll_buf_free(&out);
    return ok;
}

static inline int nibble(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

static inline void put_hex(const char *hex, struct ll_buf *out)
{
    for (; hex[0] && hex[1]; hex += 2)
        ll_buf_addc(out, (char)(nibble(hex[0]) << 4 | nibble(hex[1])));
}
#endif
