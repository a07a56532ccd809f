/* token_open.c - from a path to the file that holds the tokenizer, with the settings files of its folder: a
 * row each. */
#include "gguf.h"
#include "map.h"
#include "token_files.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAX = 64 << 20 }; /* bytes of a settings file */

/* The files of a folder that say something about its tokenizer. */
struct folder {
    const char *path;      /* borrowed */
    struct ll_buf text[4]; /* owned, in the order of struct ll_config_texts */
    struct ll_token_config c;
};

/* A file of the folder, where there is one: 1, 0, or a failure. */
static int read_file(const char *folder, const char *name, size_t max, struct ll_buf *text,
                     struct ll_err *err)
{
    char *path = ll_path_join(folder, name);
    int rc = path ? LL_OK : ll_fail_mem(err, "path", strlen(folder)),
        there = path && ll_is_there(path); /* what is not a file is reported */
    if (there)
        rc = ll_file_read(path, max, text, err);
    free(path);
    return rc ? rc : there;
}

static int read_settings(struct folder *f, struct ll_err *err)
{
    static const char *const names[] = {"tokenizer_config.json", "special_tokens_map.json",
                                        "added_tokens.json", "config.json"};
    const struct ll_buf *text[sizeof names / sizeof names[0]];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int there = read_file(f->path, names[i], CONFIG_MAX, &f->text[i], err);
        if (there < 0)
            return there;
        text[i] = there ? &f->text[i] : NULL;
    }
    const struct ll_config_texts texts = {text[0], text[1], text[2], text[3]};
    return ll_token_config_read(&f->c, &texts, err);
}

static void folder_free(struct folder *f)
{
    for (size_t i = 0; i < sizeof f->text / sizeof f->text[0]; i++)
        ll_buf_free(&f->text[i]);
    ll_token_config_free(&f->c);
}

/* ---- the files that hold a vocabulary -------------------------------------------------------- */

typedef int (*read_fn)(struct ll_tokenizer *tok, const char *name, const struct ll_map *map, struct folder *f,
                       struct ll_err *err);

static int read_json(struct ll_tokenizer *tok, const char *name, const struct ll_map *map, struct folder *f,
                     struct ll_err *err)
{
    return ll_tokenizer_read(tok, name, (const char *)map->data, map->size, &f->c, err);
}

static int read_tekken(struct ll_tokenizer *tok, const char *name, const struct ll_map *map, struct folder *f,
                       struct ll_err *err)
{
    return ll_tokenizer_read_tekken(tok, name, (const char *)map->data, map->size, &f->c, err);
}

static int read_spm(struct ll_tokenizer *tok, const char *name, const struct ll_map *map, struct folder *f,
                    struct ll_err *err)
{
    return ll_tokenizer_read_spm(tok, name, (const char *)map->data, map->size, &f->c, err);
}

static int read_merges(struct ll_tokenizer *tok, const char *name, const struct ll_map *map, struct folder *f,
                       struct ll_err *err)
{
    const struct ll_buf vocab = {.s = (char *)(uintptr_t)map->data, .len = map->size}; /* read only */
    struct ll_buf merges = {0};
    int there = read_file(f->path, "merges.txt", SIZE_MAX / 2, &merges, err);
    int rc = there == 0 ? ll_fail(err, LL_EUSAGE, "%s: expected merges.txt beside it, found none", name)
        : there < 0     ? there
                        : LL_OK;
    if (!rc)
        rc = ll_tokenizer_read_merges(tok, name, &vocab, &merges, &f->c, err);
    ll_buf_free(&merges);
    return rc;
}

static int refuse_tiktoken(struct ll_tokenizer *tok, const char *name, const struct ll_map *map,
                           struct folder *f, struct ll_err *err)
{
    (void)tok, (void)map, (void)f;
    return ll_fail(err, LL_EUNSUP,
                   "%s: a tiktoken file of ranks, which is not supported without a tokenizer.json", name);
}

/* In the order in which a folder is searched, which is transformers' (of tekken.json and tokenizer.model it
 * takes either; here the former, as mistral-common). */
static const struct vocabulary {
    const char *name;
    const char *files; /* further ones that are read with it */
    read_fn read;
} vocabularies[] = {
    {"tokenizer.json", "", read_json},       {"tekken.json", "", read_tekken},
    {"tokenizer.model", "", read_spm},       {"vocab.json", ", merges.txt", read_merges},
    {"tiktoken.model", "", refuse_tiktoken},
};
enum { N_VOCABULARIES = sizeof vocabularies / sizeof vocabularies[0] };

static int open_vocabulary(struct ll_tokenizer **out, const char *folder, const char *path,
                           const struct vocabulary *v, struct ll_err *err)
{
    struct ll_map map = {0};
    struct folder f = {.path = folder};
    struct ll_buf files = {0};
    char *name = ll_path_base(path);
    int rc = name ? ll_map_open(&map, path, err) : ll_fail_mem(err, "path", strlen(path));
    struct ll_tokenizer *tok = rc ? NULL : ll_tokenizer_new(err);
    if (!rc && !tok)
        rc = LL_EFAIL;
    if (!rc)
        rc = read_settings(&f, err);
    if (!rc)
        rc = v->read(tok, name, &map, &f, err);
    if (!rc) {
        ll_buf_addf(&files, "%s%s%s", name, v->files, ll_buf_str(&f.c.files));
        rc = ll_buf_ok(&files, err);
    }
    if (!rc)
        tok->files = files.s, *out = tok;
    else
        ll_buf_free(&files), ll_tokenizer_close(tok);
    if (rc && map.data)
        ll_context(err, "%s", folder);
    ll_map_close(&map);
    folder_free(&f);
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

/* The one .gguf file of a folder, or the first part of the one that is split; NULL: none, or several (*n
 * says). */
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

/* The vocabulary of a folder: its row (NULL: none) with the path in *path, owned by the caller. */
static int find_in(const char *folder, const struct vocabulary **found, char **path, struct ll_err *err)
{
    *found = NULL;
    for (size_t i = 0; i < N_VOCABULARIES && !*found; i++) {
        free(*path);
        if (!(*path = ll_path_join(folder, vocabularies[i].name)))
            return ll_fail_mem(err, "path", strlen(folder));
        if (ll_is_there(*path))
            *found = &vocabularies[i];
    }
    return LL_OK;
}

/* A file that was named: read as its name says, else as a tokenizer.json. */
static const struct vocabulary *of_file(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (size_t i = 0; i < N_VOCABULARIES; i++)
        if (!strcmp(name, vocabularies[i].name))
            return &vocabularies[i];
    for (size_t i = 0; i < N_VOCABULARIES; i++) {
        if (vocabularies[i].read == read_tekken && strstr(name, "tekken") && ends_in(name, ".json"))
            return &vocabularies[i];
        if (vocabularies[i].read == read_spm && ends_in(name, ".model"))
            return &vocabularies[i];
    }
    return &vocabularies[0];
}

static int open_folder(struct ll_tokenizer **tok, const char *folder, struct ll_err *err)
{
    int n_gguf = 0;
    char *path = NULL, *gguf = NULL;
    const struct vocabulary *v;
    int rc = find_in(folder, &v, &path, err);
    if (rc)
        return rc;
    if (v)
        rc = open_vocabulary(tok, folder, path, v, err);
    else if ((gguf = only_gguf(folder, &n_gguf)))
        rc = open_gguf(tok, folder, gguf, err);
    else if (n_gguf > 1)
        rc = ll_fail(err, LL_EUSAGE, "%s: no tokenizer.json and %d .gguf files; name one of them", folder,
                     n_gguf);
    else
        rc = ll_fail(err, LL_EUSAGE,
                     "%s: no tokenizer: expected tokenizer.json, tekken.json, tokenizer.model, vocab.json "
                     "with merges.txt, or a .gguf file",
                     folder);
    free(path);
    free(gguf);
    return rc;
}

int ll_tokenizer_open(struct ll_tokenizer **tok, const char *given, struct ll_err *err)
{
    const char *slash = strrchr(given, '/');
    *tok = NULL;
    if (ll_is_dir(given))
        return open_folder(tok, given, err);
    char *folder = slash ? strndup(given, (size_t)(slash - given) + (slash == given)) : strdup(".");
    if (!folder)
        return ll_fail_mem(err, "path", strlen(given));
    int rc = ends_in(given, ".gguf") || ll_is_gguf(given)
        ? open_gguf(tok, folder, given, err)
        : open_vocabulary(tok, folder, given, of_file(given), err);
    free(folder);
    return rc;
}
