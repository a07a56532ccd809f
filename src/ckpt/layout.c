/* layout.c - see layout.h */
#define _GNU_SOURCE
#include "layout.h"

#include "buf.h"
#include "gguf.h"
#include "json_tree.h"
#include "literal.h"
#include "map.h"
#include "settings.h"
#include "str.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECTED \
    "a Hugging Face folder, a .safetensors file, an index (.safetensors.index.json) or a GGUF file"
#define MAX_INDEX ((size_t)64 << 20) /* the largest published ones have some 100,000 lines, 10 MB */

static const char weights_suffix[] = ".safetensors", index_suffix[] = ".safetensors.index.json",
                  gguf_suffix[] = ".gguf";
enum { MAX_PARTS = 99999 }; /* the split names have five digits */
/* Weights in Python's pickle format: recognised to say why they are not read. */
static const char *const pickle_suffixes[] = {".bin", ".bin.index.json", ".pt", ".pth", ".ckpt"};

/* Does dir hold something of that name? A FIFO or a link to nothing counts: whoever opens it says what it
 * is. */
static int holds(const char *dir, const char *name)
{
    char *p = ll_path_join(dir, name);
    int yes = p && ll_is_there(p);
    free(p);
    return yes;
}

/* The same, but not a folder: those may be called anything. */
static int holds_file(const char *dir, const char *name)
{
    char *p = ll_path_join(dir, name);
    int yes = p && ll_is_there(p) && !ll_is_dir(p);
    free(p);
    return yes;
}

static int add_file(struct ll_layout *l, const char *name, struct ll_err *err)
{
    char **files = realloc(l->files, ((size_t)l->n_files + 1) * sizeof *files);
    if (!files)
        return ll_fail_mem(err, "file list", ((size_t)l->n_files + 1) * sizeof *files);
    l->files = files;
    if (!(files[l->n_files] = strdup(name)))
        return ll_fail_mem(err, "file name", strlen(name));
    l->n_files++;
    return LL_OK;
}

/* ---- an index -------------------------------------------------------------------------------- */

static int by_file(const void *a, const void *b)
{
    const struct ll_layout_entry *x = a, *y = b;
    int c = strcmp(x->file, y->file);
    return c ? c : strcmp(x->tensor, y->tensor);
}

/* Shards lie beside their index: a name with a folder in it could lead anywhere. */
static int check_shard_name(const struct ll_layout *l, const cJSON *item, struct ll_err *err)
{
    char text[64];
    const char *s = item->valuestring;
    if (cJSON_IsString(item) && !strpbrk(s, "/\\") && ll_ends_with(s, weights_suffix))
        return LL_OK;
    return ll_fail(
        err, LL_EUSAGE,
        "%s: weight_map: %.200s: expected the name of a .safetensors file beside the index, found %s",
        l->index_name, item->string, ll_json_show(item, text));
}

static int read_weight_map(struct ll_layout *l, const cJSON *map, struct ll_err *err)
{
    char text[64];
    if (!cJSON_IsObject(map) || !map->child)
        return ll_fail(err, LL_EUSAGE,
                       "%s: weight_map: expected an object of tensor names and file names, found %s",
                       l->index_name, cJSON_IsObject(map) ? "an empty one" : ll_json_show(map, text));
    size_t n = (size_t)cJSON_GetArraySize(map);
    l->entries = calloc(n, sizeof *l->entries);
    if (!l->entries)
        return ll_fail_mem(err, l->index_name, n * sizeof *l->entries);
    for (const cJSON *c = map->child; c; c = c->next) {
        int rc = check_shard_name(l, c, err);
        if (rc)
            return rc;
        l->entries[l->n_entries++] = (struct ll_layout_entry){c->string, c->valuestring};
    }
    qsort(l->entries, n, sizeof *l->entries, by_file);
    return LL_OK;
}

/* Is a shard there? A link to nothing, which an interrupted download leaves in a hub cache, does not count:
 * *links becomes 1 when the first one missing is such a link. Anything else that is not a file is reported
 * when it is opened. */
static int is_whole(const char *dir, const char *name, int *links)
{
    char *p = ll_path_join(dir, name);
    const char *what = p ? ll_not_a_file(p) : "nothing";
    int gone = what && (!strcmp(what, "nothing") || !strcmp(what, "a link to nothing"));
    if (gone && *links < 0)
        *links = !strcmp(what, "a link to nothing");
    free(p);
    return !gone;
}

static int list_shards(struct ll_layout *l, struct ll_err *err)
{
    const char *first = NULL;
    int missing = 0, links = -1;
    for (int i = 0; i < l->n_entries; i++) {
        const char *file = l->entries[i].file;
        if (i && !strcmp(file, l->entries[i - 1].file))
            continue;
        int rc = add_file(l, file, err);
        if (rc)
            return rc;
        if (!is_whole(l->dir, file, &links) && !missing++)
            first = file;
    }
    if (!missing)
        return LL_OK;
    return ll_fail(err, LL_EUSAGE,
                   "%s: %d of the %d shards listed in %s missing, the first is %s%s (incomplete download?)",
                   l->dir, missing, l->n_files, l->index_name, first, links ? ", a link to nothing" : "");
}

static int use_index(struct ll_layout *l, const char *name, struct ll_err *err)
{
    struct ll_buf b = {0};
    char *path = ll_path_join(l->dir, name);
    int rc = path && (l->index_name = strdup(name)) ? LL_OK : ll_fail_mem(err, name, strlen(name));
    if (!rc)
        rc = ll_file_read(path, MAX_INDEX, &b, err);
    if (!rc)
        rc = ll_json_tree(&l->index, name, ll_buf_str(&b), b.len, LL_KEYS_UNIQUE, err);
    if (!rc)
        rc = read_weight_map(l, cJSON_GetObjectItemCaseSensitive(l->index, "weight_map"), err);
    if (!rc)
        rc = list_shards(l, err);
    free(path);
    ll_buf_free(&b);
    return rc;
}

/* ---- GGUF ------------------------------------------------------------------------------------ */

/* "NAME-00002-of-00005.gguf": the number of parts, *part (from 1) and the length of NAME; else 0. */
static int split_name(const char *name, int *part, size_t *stem)
{
    static const char form[] = "-ddddd-of-ddddd.gguf";
    size_t n = strlen(name), m = sizeof form - 1;
    if (n <= m)
        return 0;
    const char *tail = name + n - m;
    for (size_t i = 0; i < m; i++)
        if (form[i] == 'd' ? tail[i] < '0' || tail[i] > '9' : tail[i] != form[i])
            return 0;
    *part = atoi(tail + 1);
    *stem = n - m;
    int parts = atoi(tail + 10);
    return *part >= 1 && *part <= parts ? parts : 0;
}

/* One file, or all parts of the split one that `name` belongs to. */
static int use_gguf(struct ll_layout *l, const char *name, struct ll_err *err)
{
    int part = 0, parts, rc = LL_OK;
    size_t stem = 0;
    l->is_gguf = 1;
    if (!(parts = split_name(name, &part, &stem)))
        return add_file(l, name, err);
    for (int i = 1; i <= parts && !rc; i++) {
        struct ll_buf b = {0};
        ll_buf_addf(&b, "%.*s-%05d-of-%05d.gguf", (int)stem, name, i, parts);
        rc = ll_buf_ok(&b, err);
        if (!rc && !holds(l->dir, ll_buf_str(&b)))
            rc = ll_fail(err, LL_EUSAGE, "%s: part %d of %d is missing: %s (incomplete download?)", l->dir, i,
                         parts, ll_buf_str(&b));
        if (!rc)
            rc = add_file(l, ll_buf_str(&b), err);
        ll_buf_free(&b);
    }
    return rc;
}

/* Does a GGUF file say near its beginning, where converters put it, that it is an adapter? (ckpt.c asks what
 * is opened.) */
static int is_gguf_adapter(const char *dir, const char *name)
{
    /* key, type 8 (a text), length, text */
    static const char type[] = "general.type\x08\0\0\0\x07\0\0\0\0\0\0\0adapter",
                      kind[] = "adapter.type\x08\0\0\0";
    enum { SOME = 1 << 16 };
    char *path = ll_path_join(dir, name), *b = malloc(SOME);
    FILE *f = path && b && ll_ends_with(name, gguf_suffix) && ll_is_gguf(path) ? fopen(path, "rb") : NULL;
    size_t n = f ? fread(b, 1, SOME, f) : 0;
    int is = n && (memmem(b, n, type, sizeof type - 1) || memmem(b, n, kind, sizeof kind - 1));
    if (f)
        fclose(f);
    free(path);
    free(b);
    return is;
}

/* A folder without safetensors: the one GGUF model in it, a first part standing for all; adapters count where
 * there is no model. *found: 0 when there is none. */
static int use_only_gguf(struct ll_layout *l, int *found, struct ll_err *err)
{
    char *only = NULL;
    int n = 0, part = 0, rc = LL_OK, is_adapter, only_adapter = 1;
    size_t stem;
    DIR *d = opendir(l->dir);
    for (struct dirent *e; d && !rc && (e = readdir(d));) {
        if (e->d_name[0] == '.' || !ll_ends_with(e->d_name, gguf_suffix) || !holds_file(l->dir, e->d_name)
            || (split_name(e->d_name, &part, &stem) && part > 1))
            continue;
        if ((is_adapter = is_gguf_adapter(l->dir, e->d_name)) && only && !only_adapter)
            continue;
        n = only && only_adapter > is_adapter ? 1 : n + 1;
        if (only && only_adapter == is_adapter && strcmp(only, e->d_name) < 0)
            continue;
        only_adapter = is_adapter;
        free(only);
        if (!(only = strdup(e->d_name)))
            rc = ll_fail_mem(err, "file name", strlen(e->d_name));
    }
    if (d)
        closedir(d);
    if (!rc && n > 1)
        rc = ll_fail(err, LL_EUSAGE, "%s: %d .gguf models; name one of them, such as %s", l->dir, n, only);
    if (!rc && n == 1)
        rc = use_gguf(l, only, err);
    *found = n;
    free(only);
    return rc;
}

/* ---- a folder -------------------------------------------------------------------------------- */

/* Every *.safetensors into l->files; the name of some pickle into *pickle (owned). */
static int list_folder(struct ll_layout *l, char **pickle, struct ll_err *err)
{
    DIR *d = opendir(l->dir);
    if (!d)
        return ll_fail(err, ll_open_code(errno), "%s: cannot read the folder: %s", l->dir, strerror(errno));
    int rc = LL_OK;
    for (struct dirent *e; !rc && (e = readdir(d));) {
        if (e->d_name[0] != '.' && ll_ends_with(e->d_name, weights_suffix) && holds_file(l->dir, e->d_name))
            rc = add_file(l, e->d_name, err);
        for (size_t i = 0; i < sizeof pickle_suffixes / sizeof pickle_suffixes[0]; i++)
            if (!*pickle && ll_ends_with(e->d_name, pickle_suffixes[i])
                && strcmp(e->d_name, "training_args.bin"))
                *pickle = strdup(e->d_name);
    }
    closedir(d);
    if (l->n_files > 1)
        qsort(l->files, (size_t)l->n_files, sizeof *l->files, ll_compare_strings);
    return rc;
}

/* A folder without the usual names: exactly one weights file will do. */
static int use_only_file(struct ll_layout *l, struct ll_err *err)
{
    char *pickle = NULL;
    int n_gguf = 0, rc = list_folder(l, &pickle, err);
    if (!rc && !l->n_files)
        rc = use_only_gguf(l, &n_gguf, err);
    if (!rc && !l->n_files && pickle)
        rc = ll_fail(
            err, LL_EUNSUP,
            "%s: holds only %s; pickles are not read (they can run code), expected *.safetensors or *.gguf",
            l->dir, pickle);
    if (!rc && !l->n_files)
        rc =
            ll_fail(err, LL_EUSAGE, "%s: no *.safetensors and no *.gguf here; expected %s", l->dir, EXPECTED);
    if (!rc && l->n_files > 1 && !l->is_gguf)
        rc = ll_fail(
            err, LL_EUSAGE,
            "%s: %d .safetensors files and no model.safetensors.index.json; name one of them, such as %s",
            l->dir, l->n_files, l->files[0]);
    free(pickle);
    return rc;
}

static int use_folder(struct ll_layout *l, struct ll_err *err)
{
    if (holds(l->dir, "model.safetensors"))
        return add_file(l, "model.safetensors", err);
    if (holds(l->dir, "model.safetensors.index.json"))
        return use_index(l, "model.safetensors.index.json", err);
    return use_only_file(l, err);
}

/* ---- what the model is called ---------------------------------------------------------------- */

/* Last part of a folder's path, "." and ".." resolved. Owned. */
static char *folder_name(const char *dir)
{
    char *base = ll_path_base(dir);
    if (base && strcmp(base, ".") && strcmp(base, ".."))
        return base;
    free(base);
    char *full = realpath(dir, NULL);
    base = ll_path_base(full ? full : dir);
    free(full);
    return base;
}

/* A file of the usual name is called like its folder, another one like itself. Owned. */
static char *file_name(const char *dir, const char *name, const char *suffix)
{
    size_t stem = strlen(name) - strlen(suffix);
    int part;
    split_name(name, &part, &stem);
    return stem == 5 && LL_BEGINS(name, "model") ? folder_name(dir) : strndup(name, stem);
}

/* ---- adapters -------------------------------------------------------------------------------- */

static const char adapter_config[] = "adapter_config.json", adapter_stem[] = "adapter_model";

/* A PEFT adapter is no model: it changes one, which the message names. */
static int refuse_adapter(const char *dir, struct ll_err *err)
{
    struct ll_settings *s = NULL;
    char *path = ll_path_join(dir, adapter_config);
    if (path)
        ll_settings_read(&s, path, NULL); /* unreadable: the name alone says enough */
    const char *kind = s ? ll_settings_str(s, "peft_type", "LORA") : "LORA",
               *base = s ? ll_settings_str(s, "base_model_name_or_path", NULL) : NULL;
    ll_fail(err, LL_EUNSUP,
            "%s: %s %.40s adapter (%s), not a whole model: merge it into its base model%s%.200s first (in "
            "PEFT: merge_and_unload, then save_pretrained)",
            dir, strchr("AEIOU", *kind) ? "an" : "a", strcmp(kind, "LORA") ? kind : "LoRA", adapter_config,
            base ? " " : "", base ? base : "");
    ll_settings_free(s);
    free(path);
    return LL_EUNSUP;
}

/* Does the path mean an adapter: its weights, or a folder that has nothing else? */
static int means_adapter(const char *dir, const char *file)
{
    static const char *const whole[] = {"model.safetensors", "model.safetensors.index.json"};
    if (!holds(dir, adapter_config))
        return 0;
    if (file)
        return !strncmp(file, adapter_stem, sizeof adapter_stem - 1);
    DIR *d = opendir(dir);
    int others = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        others += strncmp(e->d_name, adapter_stem, sizeof adapter_stem - 1)
            && (ll_ends_with(e->d_name, weights_suffix) || ll_ends_with(e->d_name, gguf_suffix));
    if (d)
        closedir(d);
    return !others && !holds(dir, whole[0]) && !holds(dir, whole[1]);
}

/* What says that an adapter lies beside the model, into l->adapter: PEFT's settings, or in a folder that was
 * named as a whole a GGUF file. */
static int find_adapter(struct ll_layout *l, int whole_folder, struct ll_err *err)
{
    const char *found = holds(l->dir, adapter_config) ? adapter_config : NULL;
    DIR *d = found || !whole_folder ? NULL : opendir(l->dir);
    for (struct dirent *e; d && !found && (e = readdir(d));)
        if (is_gguf_adapter(l->dir, e->d_name) && (!l->is_gguf || strcmp(l->files[0], e->d_name)))
            found = e->d_name;
    l->adapter = found ? strdup(found) : NULL;
    int rc = found && !l->adapter ? ll_fail_mem(err, "file name", strlen(found)) : LL_OK;
    if (d)
        closedir(d);
    return rc;
}

/* ---- public ---------------------------------------------------------------------------------- */

/* What a file of any name is, told by its first bytes, with the ending that makes up its name (""): a GGUF
 * file, or safetensors: a header length that fits, then '{'. */
static const char *ending_by_content(const char *path)
{
    unsigned char b[9] = {0};
    uint64_t n = 0;
    FILE *f = ll_is_file(path) ? fopen(path, "rb") : NULL;
    size_t got = f ? fread(b, 1, sizeof b, f) : 0;
    long size = f && !fseek(f, 0, SEEK_END) ? ftell(f) : 0;
    if (f)
        fclose(f);
    for (int i = 7; i >= 0; i--)
        n = n << 8 | b[i];
    if (ll_is_gguf(path))
        return gguf_suffix;
    return got == sizeof b && b[8] == '{' && n >= 2 && size > 8 && n <= (uint64_t)size - 8 ? weights_suffix
                                                                                           : NULL;
}

static int from_file(struct ll_layout *l, const char *path, struct ll_err *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    l->dir = slash == path ? strdup("/") : slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    if (!l->dir)
        return ll_fail_mem(err, path, strlen(path));
    const char *by_content = ending_by_content(path), *ending = "";
    const char *const endings[] = {index_suffix, gguf_suffix, weights_suffix};
    for (size_t i = 0; i < 3 && !*ending; i++)
        if (ll_ends_with(name, endings[i]))
            ending = endings[i];
    int is_index = ending == index_suffix,
        is_gguf = by_content ? by_content == gguf_suffix : ending == gguf_suffix;
    if (means_adapter(l->dir, name))
        return refuse_adapter(l->dir, err);
    if (!*ending && !by_content)
        return ll_fail(err, LL_EUSAGE, "%s: expected %s", path, EXPECTED);
    l->clean = file_name(l->dir, name, ending);
    if (!l->clean)
        return ll_fail_mem(err, path, strlen(path));
    return is_gguf ? use_gguf(l, name, err) : is_index ? use_index(l, name, err) : add_file(l, name, err);
}

static int from_folder(struct ll_layout *l, const char *path, struct ll_err *err)
{
    l->dir = strdup(path);
    l->clean = folder_name(path);
    if (!l->dir || !l->clean)
        return ll_fail_mem(err, path, strlen(path));
    return means_adapter(path, NULL) ? refuse_adapter(path, err) : use_folder(l, err);
}

int ll_layout_find(struct ll_layout *l, const char *path, struct ll_err *err)
{
    memset(l, 0, sizeof *l);
    int is_folder = ll_is_dir(path), rc = is_folder ? from_folder(l, path, err) : from_file(l, path, err);
    if (!rc)
        rc = find_adapter(l, is_folder, err);
    if (!rc && !l->is_gguf && !holds(l->dir, "config.json"))
        rc = ll_fail(err, LL_EUSAGE,
                     "%s: no config.json here; expected a Hugging Face folder (config.json, tokenizer.json, "
                     "*.safetensors)",
                     l->dir);
    if (rc)
        ll_layout_free(l);
    return rc;
}

void ll_layout_free(struct ll_layout *l)
{
    for (int i = 0; i < l->n_files; i++)
        free(l->files[i]);
    free(l->files);
    free(l->entries);
    cJSON_Delete(l->index);
    free(l->index_name);
    free(l->adapter);
    free(l->dir);
    free(l->clean);
    memset(l, 0, sizeof *l);
}
