/* settings.c - see settings.h */
#include "settings.h"

#include "buf.h"
#include "json_index.h"
#include "json_tree.h"
#include "map.h"
#include "memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A configuration is a few kilobytes; the largest seen (with id2label tables) stay below 1 MB. */
#define MAX_BYTES ((size_t)64 << 20)

struct ll_settings {
    char *name;                 /* owned */
    cJSON *doc;                 /* owned */
    struct ll_json_index index; /* of doc; owned */
    struct ll_buf text; /* owned; what a user wrote by hand, so that messages can name the line; else empty */
};

/* "NAME" or "NAME: line 3", for messages about the value at path. */
static const char *where(const struct ll_settings *s, const char *path, char out[300])
{
    if (!s->text.len)
        return s->name;
    snprintf(out, 300, "%.250s: line %zu", s->name, ll_json_line(s->text.s, s->text.len, path));
    return out;
}

/* The element of an array that the path starts with ("3", "3.rest"); *rest is what follows, NULL at the
 * end. */
static const cJSON *element(const struct ll_settings *s, const cJSON *arr, const char *path,
                            const char **rest)
{
    size_t digits = strspn(path, "0123456789");
    if (!digits || digits > 9 || (path[digits] && path[digits] != '.'))
        return NULL;
    *rest = path[digits] ? path + digits + 1 : NULL;
    return ll_json_item(&s->index, arr, (size_t)atoi(path));
}

/* Keys may hold dots themselves, so every key that the path starts with is tried: the whole path, then the
 * shortest. */
static const cJSON *walk(const struct ll_settings *s, const cJSON *v, const char *path)
{
    if (cJSON_IsArray(v)) {
        const char *rest = NULL;
        const cJSON *e = element(s, v, path, &rest);
        return e && rest ? walk(s, e, rest) : e;
    }
    if (!cJSON_IsObject(v))
        return NULL;
    const cJSON *found = ll_json_member(&s->index, v, path, strlen(path));
    for (const char *dot = strchr(path, '.'); dot && !found; dot = strchr(dot + 1, '.')) {
        const cJSON *part = ll_json_member(&s->index, v, path, (size_t)(dot - path));
        found = part ? walk(s, part, dot + 1) : NULL;
    }
    return found;
}

/* The value at path; null counts as absent. */
static const cJSON *get(const struct ll_settings *s, const char *path)
{
    const cJSON *v = *path ? walk(s, s->doc, path) : s->doc;
    return v && !cJSON_IsNull(v) ? v : NULL;
}

static int parse(struct ll_settings **out, const char *name, const char *text, size_t n,
                 enum ll_json_keys keys, struct ll_err *err)
{
    *out = NULL;
    if (n > MAX_BYTES)
        return ll_fail(err, LL_EUSAGE, "%s: %zu bytes, expected at most %zu", name, n, MAX_BYTES);
    struct ll_settings *s = calloc(1, sizeof *s);
    int rc = LL_OK;
    if (!s || !(s->name = strdup(name)))
        rc = ll_fail_mem(err, name, sizeof *s + strlen(name));
    if (!rc)
        rc = ll_json_tree(&s->doc, name, text, n, keys, err);
    if (!rc)
        rc = ll_json_index_make(&s->index, s->doc, err);
    if (!rc && keys == LL_KEYS_UNIQUE) {
        ll_buf_add(&s->text, text, n);
        rc = ll_buf_ok(&s->text, err);
    }
    if (rc)
        ll_settings_free(s);
    else
        *out = s;
    return rc;
}

int ll_settings_parse(struct ll_settings **s, const char *name, const char *text, size_t n,
                      struct ll_err *err)
{
    return parse(s, name, text, n, LL_KEYS_LAST, err);
}

/* The byte order marks that editors put in front, by name: a reader who does not see them cannot guess. */
static int refuse_mark(const char *name, const char *text, size_t n, struct ll_err *err)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *what;
    } marks[] = {{"\xef\xbb\xbf", 3, "UTF-8"}, {"\xff\xfe", 2, "UTF-16"}, {"\xfe\xff", 2, "UTF-16"}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (n >= marks[i].n && !memcmp(text, marks[i].bytes, marks[i].n))
            return ll_fail(err, LL_EUSAGE,
                           "%s: expected UTF-8 without a byte order mark, found one (of %s) at its "
                           "beginning: save the file without BOM",
                           name, marks[i].what);
    return LL_OK;
}

static int read_file(struct ll_settings **s, const char *path, enum ll_json_keys keys, struct ll_err *err)
{
    struct ll_buf b = {0};
    char *name = ll_path_base(path);
    *s = NULL;
    int rc = name ? ll_file_read(path, MAX_BYTES, &b, err) : ll_fail_mem(err, path, strlen(path));
    if (!rc && keys == LL_KEYS_UNIQUE)
        rc = refuse_mark(name, ll_buf_str(&b), b.len, err);
    if (!rc)
        rc = parse(s, name, ll_buf_str(&b), b.len, keys, err);
    free(name);
    ll_buf_free(&b);
    return rc;
}

int ll_settings_read(struct ll_settings **s, const char *path, struct ll_err *err)
{
    return read_file(s, path, LL_KEYS_LAST, err);
}
int ll_settings_read_strict(struct ll_settings **s, const char *path, struct ll_err *err)
{
    return read_file(s, path, LL_KEYS_UNIQUE, err);
}

void ll_settings_free(struct ll_settings *s)
{
    if (!s)
        return;
    ll_json_index_free(&s->index);
    cJSON_Delete(s->doc);
    ll_buf_free(&s->text);
    free(s->name);
    free(s);
}

int ll_settings_has(const struct ll_settings *s, const char *path) { return get(s, path) != NULL; }
int ll_settings_is_null(const struct ll_settings *s, const char *path)
{
    return cJSON_IsNull(*path ? walk(s, s->doc, path) : s->doc);
}

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
    return cJSON_IsArray(v) || cJSON_IsObject(v) ? (int)ll_json_count(&s->index, v) : -1;
}

int ll_settings_is_array(const struct ll_settings *s, const char *path)
{
    return cJSON_IsArray(get(s, path));
}

const char *ll_settings_key(const struct ll_settings *s, const char *path, int i)
{
    const cJSON *v = get(s, path);
    const cJSON *c = cJSON_IsObject(v) && i >= 0 ? ll_json_item(&s->index, v, (size_t)i) : NULL;
    return c ? c->string : NULL;
}

int ll_settings_need_int(const struct ll_settings *s, const char *path, long long lo, long long hi,
                         long long *out, struct ll_err *err)
{
    char found[64], at[300];
    const cJSON *v = get(s, path);
    if (ll_json_get_integer(v, lo, hi, out))
        return LL_OK;
    return ll_fail(err, LL_EUSAGE, "%s: %s: expected an integer in %lld..%lld, found %s", where(s, path, at),
                   path, lo, hi, ll_json_show(v, found));
}

int ll_settings_need_num(const struct ll_settings *s, const char *path, double lo, double hi, double *out,
                         struct ll_err *err)
{
    char found[64], at[300];
    const cJSON *v = get(s, path);
    if (cJSON_IsNumber(v) && v->valuedouble >= lo && v->valuedouble <= hi)
        return *out = v->valuedouble, LL_OK;
    return ll_fail(err, LL_EUSAGE, "%s: %s: expected a number in %g..%g, found %s", where(s, path, at), path,
                   lo, hi, ll_json_show(v, found));
}

int ll_settings_need_str(const struct ll_settings *s, const char *path, const char **out, struct ll_err *err)
{
    char found[64], at[300];
    const cJSON *v = get(s, path);
    if (cJSON_IsString(v))
        return *out = v->valuestring, LL_OK;
    return ll_fail(err, LL_EUSAGE, "%s: %s: expected a text, found %s", where(s, path, at), path,
                   ll_json_show(v, found));
}

int ll_settings_opt_str(const struct ll_settings *s, const char *path, const char **inout, struct ll_err *err)
{
    return path && get(s, path) ? ll_settings_need_str(s, path, inout, err) : LL_OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int within(double v, const struct ll_settings_row *r)
{
    return (!r->lo && !r->hi) || (v >= r->lo && v <= r->hi);
}

static int is_as(const cJSON *v, const struct ll_settings_row *r)
{
    long long i;
    switch (r->kind) {
    case LL_SET_INT:
        return ll_json_get_integer(v, -(long long)LL_JSON_EXACT, (long long)LL_JSON_EXACT, &i)
            && within((double)i, r);
    case LL_SET_NUM: return cJSON_IsNumber(v) && isfinite(v->valuedouble) && within(v->valuedouble, r);
    case LL_SET_BOOL: return cJSON_IsBool(v);
    case LL_SET_STR: return cJSON_IsString(v) && within((double)strlen(v->valuestring), r);
    case LL_SET_LIST: return cJSON_IsArray(v) && within(cJSON_GetArraySize(v), r);
    default: return cJSON_IsObject(v);
    }
}

/* `at` and key: where the value stands. */
static int fail_row(const struct ll_settings *s, const char *at, const struct ll_settings_row *r,
                    const cJSON *v, struct ll_err *err)
{
    static const struct {
        const char *what, *of, *many;
    } words[] = {
        [LL_SET_INT] = {"an integer", " in ", ""},      [LL_SET_NUM] = {"a number", " in ", ""},
        [LL_SET_BOOL] = {"true or false", "", ""},      [LL_SET_STR] = {"a text", " of ", " bytes"},
        [LL_SET_LIST] = {"a list", " of ", " entries"}, [LL_SET_OBJECT] = {"an object {...}", "", ""}};
    char found[64], range[80] = "", count[40] = "", place[300], path[300];
    int ranged = *words[r->kind].of && (r->lo || r->hi);
    if (ranged)
        snprintf(range, sizeof range, "%s%.10g..%.10g%s", words[r->kind].of, r->lo, r->hi,
                 words[r->kind].many);
    if (ranged && r->kind == LL_SET_LIST && cJSON_IsArray(v))
        snprintf(count, sizeof count, " of %d", cJSON_GetArraySize(v));
    snprintf(path, sizeof path, "%.200s%s%.90s", at, *at && *r->key ? "." : "", r->key);
    return ll_fail(err, LL_EUSAGE, "%s: %s%s%s: expected %s%s, found %s%s", where(s, path, place), at,
                   *at && *r->key ? "." : "", r->key, words[r->kind].what, range, ll_json_show(v, found),
                   count);
}

int ll_settings_opt_bool(const struct ll_settings *s, const char *path, int *inout, struct ll_err *err)
{
    const cJSON *v = path ? get(s, path) : NULL;
    if (v && !cJSON_IsBool(v))
        return fail_row(s, path, &(struct ll_settings_row){.key = "", .kind = LL_SET_BOOL}, v, err);
    if (v)
        *inout = cJSON_IsTrue(v);
    return LL_OK;
}

int ll_settings_opt_object(const struct ll_settings *s, const char *path, struct ll_err *err)
{
    const cJSON *v = path ? get(s, path) : NULL;
    return !v || cJSON_IsObject(v)
        ? LL_OK
        : fail_row(s, path, &(struct ll_settings_row){.key = "", .kind = LL_SET_OBJECT}, v, err);
}

static int fail_key(const struct ll_settings *s, const char *at, const struct ll_settings_row *rows,
                    const char *key, struct ll_err *err)
{
    struct ll_buf known = {0};
    for (const struct ll_settings_row *r = rows; r->key; r++)
        ll_buf_addf(&known, "%s%s", r > rows ? ", " : "", r->key);
    int rc = ll_buf_ok(&known, err);
    char place[300], path[300];
    snprintf(path, sizeof path, "%.200s%s%.90s", at, *at ? "." : "", key);
    if (!rc)
        rc = ll_fail(err, LL_EUSAGE, "%s: %s%sunknown key \"%.60s\": expected one of %s",
                     where(s, path, place), at, *at ? ": " : "", key, ll_buf_str(&known));
    ll_buf_free(&known);
    return rc;
}

int ll_settings_check(const struct ll_settings *s, const char *at, const struct ll_settings_row *rows,
                      enum ll_settings_others others, struct ll_err *err)
{
    const cJSON *obj = get(s, at);
    if (!cJSON_IsObject(obj))
        return fail_row(s, *at ? at : "the document",
                        &(struct ll_settings_row){.key = "", .kind = LL_SET_OBJECT}, obj, err);
    for (const cJSON *c = obj->child; c && others == LL_OTHERS_REFUSED; c = c->next) {
        const struct ll_settings_row *r = rows;
        while (r->key && strcmp(r->key, c->string))
            r++;
        if (!r->key)
            return fail_key(s, at, rows, c->string, err);
    }
    for (const struct ll_settings_row *r = rows; r->key; r++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(obj, r->key);
        if (v && !cJSON_IsNull(v) ? !is_as(v, r) : r->required)
            return fail_row(s, at, r, v, err);
    }
    return LL_OK;
}

int ll_settings_fail(const struct ll_settings *s, const char *path, struct ll_err *err, const char *fmt, ...)
{
    char place[300], why[700];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return ll_fail(err, LL_EUSAGE, "%s: %s%s%s", where(s, path, place), path, *path ? ": " : "", why);
}

static void put_value(const cJSON *v, struct ll_json *j, const char *key)
{
    const cJSON *member;
    if (cJSON_IsObject(v) || cJSON_IsArray(v)) {
        (cJSON_IsObject(v) ? ll_json_obj_tight : ll_json_arr_tight)(j, key);
        cJSON_ArrayForEach(member, v) put_value(member, j, cJSON_IsObject(v) ? member->string : NULL);
        ll_json_end(j);
    } else if (cJSON_IsString(v))
        ll_json_cstr(j, key, v->valuestring);
    else if (cJSON_IsBool(v))
        ll_json_bool(j, key, cJSON_IsTrue(v));
    else if (cJSON_IsNumber(v))
        ll_json_num(j, key, v->valuedouble);
    else
        ll_json_null(j, key);
}

void ll_settings_put(const struct ll_settings *s, const char *path, struct ll_json *j, const char *key)
{
    put_value(s ? get(s, path) : NULL, j, key);
}
