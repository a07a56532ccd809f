/* json_tree.c - see json_tree.h */
#include "json_tree.h"

#include "buf.h"
#include "literal.h"
#include "memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- equal keys ------------------------------------------------------------------------------ */

struct key {
    cJSON *item;
    int at; /* place in the object: equal keys sort by it */
};

static int by_key(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int c = strcmp(x->item->string, y->item->string);
    return c ? c : x->at - y->at;
}

/* What is looked for and where one stands: path is the dotted one to the value at hand. */
struct settle {
    const char *name, *text;
    size_t n;
    enum ll_json_keys keys;
    char path[256];
};

/* Said with the line where the name stands first. */
static int refuse_twice(const struct settle *s, const char *key, struct ll_err *err)
{
    char at[512];
    snprintf(at, sizeof at, "%s%s%.200s", s->path, *s->path ? "." : "", key);
    return ll_fail(err, LL_EUSAGE, "%s: line %zu: \"%.200s\": expected each name once, found it twice",
                   s->name, ll_json_line(s->text, s->n, at), key);
}

static int settle_object(cJSON *obj, const struct settle *s, struct ll_err *err)
{
    size_t n = 0;
    for (cJSON *c = obj->child; c; c = c->next)
        n++;
    if (n < 2)
        return LL_OK;
    struct key few[8], *k = n <= 8 ? few : malloc(n * sizeof *k); /* most objects are small */
    if (!k)
        return ll_fail_mem(err, s->name, n * sizeof *k);
    size_t i = 0;
    for (cJSON *c = obj->child; c; c = c->next, i++)
        k[i] = (struct key){c, (int)i};
    qsort(k, n, sizeof *k, by_key);
    int rc = LL_OK;
    for (i = 0; i + 1 < n && !rc; i++) {
        if (strcmp(k[i].item->string, k[i + 1].item->string))
            continue;
        if (s->keys == LL_KEYS_UNIQUE)
            rc = refuse_twice(s, k[i].item->string, err);
        else
            cJSON_Delete(cJSON_DetachItemViaPointer(obj, k[i].item));
    }
    if (k != few)
        free(k);
    return rc;
}

/* Recursion is bounded by LL_JSON_DEPTH. A path too long for its buffer is cut: it only serves to name a
 * line. */
static int settle_keys(cJSON *v, struct settle *s, struct ll_err *err)
{
    size_t len = strlen(s->path);
    int rc = cJSON_IsObject(v) ? settle_object(v, s, err) : LL_OK, i = 0;
    for (cJSON *c = v->child; c && !rc; c = c->next, i++) {
        if (!c->child)
            continue;
        if (s->keys == LL_KEYS_UNIQUE && c->string)
            snprintf(s->path + len, sizeof s->path - len, "%s%s", len ? "." : "", c->string);
        else if (s->keys == LL_KEYS_UNIQUE)
            snprintf(s->path + len, sizeof s->path - len, "%s%d", len ? "." : "", i);
        rc = settle_keys(c, s, err);
        s->path[len] = 0;
    }
    return rc;
}

/* ---- public ---------------------------------------------------------------------------------- */

int ll_json_tree(cJSON **tree, const char *name, const char *text, size_t n, enum ll_json_keys keys,
                 struct ll_err *err)
{
    struct ll_buf plain = {0};
    *tree = NULL;
    int rc = keys == LL_KEYS_LAST ? ll_json_scan_python(name, text, n, &plain, err)
                                  : ll_json_scan(name, text, n, err);
    if (!rc && plain.len) {
        text = plain.s;
        n = plain.len;
    }
    size_t mark = !rc && n >= 3 && LL_BYTES_ARE(text, "\xef\xbb\xbf")
        ? 3
        : 0; /* cJSON trips over it in the shortest texts */
    cJSON *t = rc ? NULL : cJSON_ParseWithLength(text + mark, n - mark);
    if (!rc && !t) /* it is JSON, so only memory can be lacking */
        rc = ll_fail_mem(err, name, n);
    struct settle s = {name, text, n, keys, ""};
    if (!rc)
        rc = settle_keys(t, &s, err);
    ll_buf_free(&plain);
    if (rc)
        cJSON_Delete(t);
    else
        *tree = t;
    return rc;
}

int ll_json_get_integer(const cJSON *v, long long lo, long long hi, long long *out)
{
    if (!cJSON_IsNumber(v) || !(fabs(v->valuedouble) <= LL_JSON_EXACT)
        || v->valuedouble != floor(v->valuedouble))
        return 0;
    long long i = (long long)v->valuedouble;
    if (i < lo || i > hi)
        return 0;
    *out = i;
    return 1;
}

const char *ll_json_show(const cJSON *v, char out[64])
{
    const char *s = cJSON_IsObject(v) ? "an object"
        : cJSON_IsArray(v)            ? "an array"
        : cJSON_IsTrue(v)             ? "true"
        : cJSON_IsFalse(v)            ? "false"
        : v                           ? "null"
                                      : "nothing";
    if (cJSON_IsString(v))
        snprintf(out, 64, strlen(v->valuestring) > 48 ? "\"%.48s...\"" : "\"%s\"", v->valuestring);
    else if (cJSON_IsNumber(v) && isfinite(v->valuedouble))
        snprintf(out, 64, "%.17g", v->valuedouble);
    else
        snprintf(out, 64, "%s", s);
    return out;
}

static void *noted_malloc(size_t n)
{
    void *p = malloc(n);
    if (!p && n)
        ll_memory_note();
    return p;
}

void ll_json_watch_memory(void)
{
    cJSON_Hooks hooks = {noted_malloc, free};
    cJSON_InitHooks(&hooks);
}
