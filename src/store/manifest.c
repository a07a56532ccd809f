/* manifest.c - see manifest.h */
#include "manifest.h"

#include "json_write.h"
#include "literal.h"
#include "map.h"
#include "outfile.h"
#include "provenance.h"
#include "sha256.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILES = 1000000, MAX_MANIFEST = 1 << 28 };
const char ll_manifest_name[] = "manifest.json";

static int add(struct ll_manifest *m, const char *name, struct ll_manifest_file **file, struct ll_err *err)
{
    if (m->n >= MAX_FILES)
        return ll_fail(err, LL_EUSAGE, "%s: more than %d files", ll_manifest_name, MAX_FILES);
    if (!(m->n & (m->n - 1))) { /* capacity doubles at powers of two */
        struct ll_manifest_file *more = realloc(m->files, sizeof *more * (size_t)(m->n ? 2 * m->n : 1));
        if (!more)
            return ll_fail_mem(err, ll_manifest_name, sizeof *more * 2 * (size_t)m->n);
        m->files = more;
    }
    *file = &m->files[m->n];
    memset(*file, 0, sizeof **file);
    if (!((*file)->name = strdup(name)))
        return ll_fail_mem(err, ll_manifest_name, strlen(name));
    m->n++;
    return LL_OK;
}

static int digest(struct ll_manifest_file *f, const char *folder, struct ll_err *err)
{
    struct ll_map map;
    struct ll_sha256 sha;
    char *path = ll_path_join(folder, f->name);
    int rc = path ? ll_map_open(&map, path, err) : ll_fail_mem(err, "path", strlen(folder));
    free(path);
    if (rc)
        return rc;
    ll_sha256_init(&sha);
    ll_sha256_add(&sha, map.data, map.size);
    ll_sha256_hex(&sha, f->sha256);
    f->bytes = (long long)map.size;
    ll_map_close(&map);
    return LL_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct ll_manifest_file *)a)->name, ((const struct ll_manifest_file *)b)->name);
}

int ll_manifest_add(struct ll_manifest *m, const char *folder, const char *name, struct ll_err *err)
{
    struct ll_manifest_file *f;
    int rc = add(m, name, &f, err);
    return rc ? rc : digest(f, folder, err);
}

int ll_manifest_scan(struct ll_manifest *m, const char *folder, struct ll_err *err)
{
    int rc = LL_OK;
    memset(m, 0, sizeof *m);
    DIR *d = opendir(folder);
    if (!d)
        return ll_fail(err, ll_open_code(errno), "%s: cannot read the run folder: %s", folder,
                       strerror(errno));
    for (struct dirent *e; !rc && (e = readdir(d));)
        if (LL_BEGINS(e->d_name, "output-"))
            rc = ll_manifest_add(m, folder, e->d_name, err);
    closedir(d);
    if (rc)
        ll_manifest_free(m);
    else if (m->n)
        qsort(m->files, (size_t)m->n, sizeof *m->files, by_name);
    return rc;
}

int ll_manifest_write(const struct ll_manifest *m, const char *folder, const char *name, const char *key,
                      struct ll_err *err)
{
    struct ll_buf text = {0};
    struct ll_json j;
    char *path = ll_path_join(folder, name);
    ll_json_init(&j, &text);
    ll_json_obj(&j, NULL);
    ll_json_int(&j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(&j, "tool", ll_tool_version());
    ll_json_cstr(&j, "key", key);
    ll_json_arr(&j, "files");
    for (int i = 0; i < m->n; i++) {
        ll_json_obj_flat(&j, NULL);
        ll_json_cstr(&j, "name", m->files[i].name);
        ll_json_cstr(&j, "sha256", m->files[i].sha256);
        ll_json_int(&j, "bytes", m->files[i].bytes);
        ll_json_end(&j);
    }
    ll_json_end(&j);
    ll_json_end(&j);
    int rc = path ? ll_buf_ok(&text, err) : ll_fail_mem(err, "path", strlen(folder));
    if (!rc)
        rc = ll_file_write(path, text.s, text.len, err);
    ll_buf_free(&text);
    free(path);
    return rc;
}

static int read_file(struct ll_manifest *m, const cJSON *o, const char *folder, const char *file,
                     struct ll_err *err)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(o, "name"),
                *sum = cJSON_GetObjectItemCaseSensitive(o, "sha256"),
                *bytes = cJSON_GetObjectItemCaseSensitive(o, "bytes");
    struct ll_manifest_file *f;
    if (!cJSON_IsString(name) || !cJSON_IsString(sum) || strlen(sum->valuestring) != 64
        || !cJSON_IsNumber(bytes))
        return ll_fail(err, LL_EUSAGE, "%s/%s: files.%d: expected name, sha256 (64 hex digits) and bytes",
                       folder, file, m->n);
    int rc = add(m, name->valuestring, &f, err);
    if (!rc) {
        memcpy(f->sha256, sum->valuestring, 65);
        f->bytes = (long long)bytes->valuedouble;
    }
    return rc;
}

int ll_manifest_read(struct ll_manifest *m, const char *folder, const char *name, struct ll_err *err)
{
    struct ll_buf text = {0};
    char *path = ll_path_join(folder, name);
    cJSON *doc = NULL;
    memset(m, 0, sizeof *m);
    int rc = path ? ll_file_read(path, MAX_MANIFEST, &text, err) : ll_fail_mem(err, "path", strlen(folder));
    const cJSON *files = !rc && (doc = cJSON_ParseWithLength(ll_buf_str(&text), text.len))
        ? cJSON_GetObjectItemCaseSensitive(doc, "files")
        : NULL,
                *o;
    if (!rc && !cJSON_IsArray(files))
        rc = ll_fail(err, LL_EUSAGE, "%s/%s: expected a manifest with \"files\", found something else",
                     folder, name);
    if (!rc)
        cJSON_ArrayForEach(o, files) if (!rc) rc = read_file(m, o, folder, name, err);
    const cJSON *key = doc ? cJSON_GetObjectItemCaseSensitive(doc, "key") : NULL;
    if (!rc && m->n)
        qsort(m->files, (size_t)m->n, sizeof *m->files, by_name);
    if (rc)
        ll_manifest_free(m);
    else if (cJSON_IsString(key) && strlen(key->valuestring) < sizeof m->key)
        snprintf(m->key, sizeof m->key, "%s", key->valuestring);
    cJSON_Delete(doc);
    ll_buf_free(&text);
    free(path);
    return rc;
}

const struct ll_manifest_file *ll_manifest_find(const struct ll_manifest *m, const char *name)
{
    struct ll_manifest_file want = {.name = (char *)(size_t)name};
    return m->n ? bsearch(&want, m->files, (size_t)m->n, sizeof *m->files, by_name) : NULL;
}

void ll_manifest_free(struct ll_manifest *m)
{
    for (int i = 0; i < m->n; i++)
        free(m->files[i].name);
    free(m->files);
    memset(m, 0, sizeof *m);
}
