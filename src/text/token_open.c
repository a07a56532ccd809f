/* token_open.c - from a path to the file that holds the tokenizer: a tokenizer.json with its settings file, or a GGUF. */
#include "gguf.h"
#include "map.h"
#include "token_internal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_json(struct ll_tokenizer **tok, const char *folder, const char *path, struct ll_err *err)
{
    const size_t config_max = 64u << 20;
    struct ll_map map = {0};
    struct ll_buf config = {0};
    char *name = ll_path_base(path), *config_path = ll_path_join(folder, "tokenizer_config.json");
    int rc = name && config_path ? ll_map_open(&map, path, err) : ll_fail_mem(err, "path", strlen(path));
    if (!rc && ll_is_there(config_path))
        rc = ll_file_read(config_path, config_max, &config, err);
    if (!rc)
        rc = ll_tokenizer_open_mem(tok, name, (const char *)map.data, map.size, config.len ? config.s : NULL, config.len, err);
    if (rc && map.data)
        ll_context(err, "%s", folder);
    ll_map_close(&map);
    ll_buf_free(&config);
    free(config_path);
    free(name);
    return rc;
}

static int open_gguf(struct ll_tokenizer **tok, const char *folder, const char *path, struct ll_err *err)
{
    struct ll_gguf *g = NULL;
    char *name = ll_path_base(path);
    int rc = name ? ll_gguf_open(&g, path, err) : ll_fail_mem(err, "path", strlen(path));
    if (!rc && (rc = ll_tokenizer_open_gguf(tok, g, name, err)))
        ll_context(err, "%s", folder);
    ll_gguf_close(g);
    free(name);
    return rc;
}

static int ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

/* "...-00002-of-00005.gguf": a part of a split file that is not its first. */
static int is_later_part(const char *name)
{
    size_t n = strlen(name);
    int part, parts, len = 0;
    const char *tail = n > 20 ? name + n - 20 : "";
    return sscanf(tail, "-%5d-of-%5d.gguf%n", &part, &parts, &len) == 2 && len == 20 && part != 1;
}

/* The one .gguf file of a folder, or the first part of the one that is split; NULL: none, or several (*n says). */
static char *only_gguf(const char *dir, int *n)
{
    char *found = NULL;
    struct dirent *e;
    DIR *d = opendir(dir);
    *n = 0;
    while (d && (e = readdir(d)))
        if (ends_in(e->d_name, ".gguf") && !is_later_part(e->d_name) && !(*n)++)
            found = ll_path_join(dir, e->d_name);
    if (d)
        closedir(d);
    if (*n != 1) {
        free(found);
        found = NULL;
    }
    return found;
}

int ll_tokenizer_open(struct ll_tokenizer **tok, const char *given, struct ll_err *err)
{
    int is_dir = ll_is_dir(given), n_gguf = 0, rc;
    const char *slash = strrchr(given, '/');
    *tok = NULL;
    char *folder = is_dir ? strdup(given) : slash ? strndup(given, (size_t)(slash - given) + (slash == given)) : strdup(".");
    char *path = is_dir ? ll_path_join(given, "tokenizer.json") : strdup(given), *gguf = NULL;
    if (path && is_dir && !ll_is_there(path))
        gguf = only_gguf(given, &n_gguf);
    else if (path && !is_dir && ends_in(path, ".gguf"))
        gguf = strdup(path);
    if (!folder || !path)
        rc = ll_fail_mem(err, "path", strlen(given));
    else if (n_gguf > 1)
        rc = ll_fail(err, LL_EUSAGE, "%s: no tokenizer.json and %d .gguf files; name one of them", given, n_gguf);
    else
        rc = gguf ? open_gguf(tok, folder, gguf, err) : open_json(tok, folder, path, err);
    free(gguf);
    free(path);
    free(folder);
    return rc;
}
