/* settings.c - see settings.h */
#include "settings.h"

#include "buf.h"
#include "json_tree.h"
#include "map.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A configuration is a few kilobytes; the largest seen (with id2label tables) stay below 1 MB. */
#define MAX_BYTES ((size_t)64 << 20)

struct ll_settings {
    char *name; /* owned */
    cJSON *doc; /* owned */
};

/* The element of an array that the path starts with ("3", "3.rest"); *rest is what follows, NULL at the end. */
static const cJSON *element(const cJSON *arr, const char *path, const char **rest)
{
    size_t digits = strspn(path, "0123456789");
    if (!digits || digits > 9 || (path[digits] && path[digits] != '.'))
        return NULL;
    *rest = path[digits] ? path + digits + 1 : NULL;
    return cJSON_GetArrayItem(arr, atoi(path));
}

/* Keys may hold dots themselves, so every key that the path starts with is tried. */
static const cJSON *walk(const cJSON *v, const char *path)
{
    if (cJSON_IsArray(v)) {
        const char *rest = NULL;
        const cJSON *e = element(v, path, &rest);
        return e && rest ? walk(e, rest) : e;
    }
    if (!cJSON_IsObject(v))
        return NULL;
    const cJSON *part = NULL;
    for (const cJSON *c = v->child; c; c = c->next) {
        size_t n = strlen(c->string);
        if (strncmp(path, c->string, n))
            continue;
        if (!path[n])
            return c;
        if (path[n] == '.' && c->child && !part)
            part = walk(c, path + n + 1);
    }
    return part;
}

/* The value at path; null counts as absent. */
static const cJSON *get(const struct ll_settings *s, const char *path)
{
    const cJSON *v = *path ? walk(s->doc, path) : s->doc;
    return v && !cJSON_IsNull(v) ? v : NULL;
}

int ll_settings_parse(struct ll_settings **out, const char *name, const char *text, size_t n, struct ll_err *err)
{
    *out = NULL;
    if (n > MAX_BYTES)
        return ll_fail(err, LL_EUSAGE, "%s: %zu bytes, expected at most %zu", name, n, MAX_BYTES);
    struct ll_settings *s = calloc(1, sizeof *s);
    int rc = LL_OK;
    if (!s || !(s->name = strdup(name)))
        rc = ll_fail_mem(err, name, sizeof *s + strlen(name));
    if (!rc)
        rc = ll_json_tree(&s->doc, name, text, n, LL_KEYS_LAST, err);
    if (rc)
        ll_settings_free(s);
    else
        *out = s;
    return rc;
}

int ll_settings_read(struct ll_settings **s, const char *path, struct ll_err *err)
{
    struct ll_buf b = {0};
    char *name = ll_path_base(path);
    *s = NULL;
    int rc = name ? ll_file_read(path, MAX_BYTES, &b, err) : ll_fail_mem(err, path, strlen(path));
    if (!rc)
        rc = ll_settings_parse(s, name, ll_buf_str(&b), b.len, err);
    free(name);
    ll_buf_free(&b);
    return rc;
}

void ll_settings_free(struct ll_settings *s)
{
    if (!s)
        return;
    cJSON_Delete(s->doc);
    free(s->name);
    free(s);
}

int ll_settings_has(const struct ll_settings *s, const char *path) { return get(s, path) != NULL; }

double ll_settings_num(const struct ll_settings *s, const char *path, double fallback)
{
    const cJSON *v = get(s, path);
    return cJSON_IsNumber(v) ? v->valuedouble : fallback;
}

long long ll_settings_int(const struct ll_settings *s, const char *path, long long fallback)
{
    long long v = fallback;
    ll_json_get_integer(get(s, path), -(long long)LL_JSON_EXACT, (long long)LL_JSON_EXACT, &v);
    return v;
}

int ll_settings_bool(const struct ll_settings *s, const char *path, int fallback)
{
    const cJSON *v = get(s, path);
    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : fallback;
}

const char *ll_settings_str(const struct ll_settings *s, const char *path, const char *fallback)
{
    const cJSON *v = get(s, path);
    return cJSON_IsString(v) ? v->valuestring : fallback;
}

int ll_settings_len(const struct ll_settings *s, const char *path)
{
    const cJSON *v = get(s, path);
    return cJSON_IsArray(v) || cJSON_IsObject(v) ? cJSON_GetArraySize(v) : -1;
}

int ll_settings_is_array(const struct ll_settings *s, const char *path) { return cJSON_IsArray(get(s, path)); }

const char *ll_settings_key(const struct ll_settings *s, const char *path, int i)
{
    const cJSON *v = get(s, path);
    const cJSON *c = cJSON_IsObject(v) && i >= 0 ? cJSON_GetArrayItem(v, i) : NULL;
    return c ? c->string : NULL;
}

int ll_settings_need_int(const struct ll_settings *s, const char *path, long long lo, long long hi, long long *out, struct ll_err *err)
{
    char found[64];
    const cJSON *v = get(s, path);
    if (ll_json_get_integer(v, lo, hi, out))
        return LL_OK;
    return ll_fail(err, LL_EUSAGE, "%s: %s: expected an integer in %lld..%lld, found %s", s->name, path, lo, hi, ll_json_show(v, found));
}

int ll_settings_need_num(const struct ll_settings *s, const char *path, double lo, double hi, double *out, struct ll_err *err)
{
    char found[64];
    const cJSON *v = get(s, path);
    if (cJSON_IsNumber(v) && v->valuedouble >= lo && v->valuedouble <= hi)
        return *out = v->valuedouble, LL_OK;
    return ll_fail(err, LL_EUSAGE, "%s: %s: expected a number in %g..%g, found %s", s->name, path, lo, hi, ll_json_show(v, found));
}

int ll_settings_need_str(const struct ll_settings *s, const char *path, const char **out, struct ll_err *err)
{
    char found[64];
    const cJSON *v = get(s, path);
    if (cJSON_IsString(v))
        return *out = v->valuestring, LL_OK;
    return ll_fail(err, LL_EUSAGE, "%s: %s: expected a text, found %s", s->name, path, ll_json_show(v, found));
}

char *ll_settings_json(const struct ll_settings *s, const char *path)
{
    const cJSON *v = get(s, path);
    char *text = v ? cJSON_PrintUnformatted(v) : NULL;
    char *own = text ? strdup(text) : NULL; /* cJSON's allocator is its own affair */
    cJSON_free(text);
    return own;
}
