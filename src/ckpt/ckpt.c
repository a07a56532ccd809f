/* ckpt.c - see ckpt.h. Told in order: a path (hub.c, layout.c), its files, their headers (safetensors.c), one
 * sorted list. */
#include "ckpt.h"

#include "gguf.h"
#include "hub.h"
#include "layout.h"
#include "packed_ckpt.h"
#include "safetensors.h"
#include "shown.h"

#include <stdlib.h>
#include <string.h>

/* The header of a mapped file, by its container. What ll_gguf_list() gives takes the same shape. */
static int parse_header(const struct ll_ckpt *c, struct ll_ckpt_file *f, struct ll_st_header *h,
                        struct ll_err *err)
{
    if (strcmp(c->container, "gguf"))
        return ll_st_parse(h, f->name, f->map.data, f->map.size, err);
    int rc = ll_gguf_parse(&f->gguf, f->name, f->map.data, f->map.size, err);
    if (!rc)
        rc = ll_gguf_list(f->gguf, f->name, &h->tensors, &h->n_tensors, &h->names, err);
    if (!rc)
        h->size = (size_t)ll_gguf_data_start(f->gguf);
    return rc;
}

/* Map one file and append its tensors, unsorted as yet. */
static int add_file(struct ll_ckpt *c, const char *name, struct ll_err *err)
{
    struct ll_st_header h = {0};
    struct ll_ckpt_file *f =
        &c->files[c->n_files++]; /* counted before it is whole: ll_ckpt_close() takes it */
    f->name = strdup(name);
    f->path = ll_path_join(c->dir, name);
    if (!f->name || !f->path)
        return ll_fail_mem(err, "file name", strlen(name));
    int rc = ll_map_open(&f->map, f->path, err);
    if (rc)
        return rc;
    rc = parse_header(c, f, &h, err);
    if (rc)
        return ll_context(err, "%s", c->dir);
    size_t n = (size_t)c->n_tensors + (size_t)h.n_tensors;
    struct ll_tensor *all = realloc(c->tensors, (n ? n : 1) * sizeof *all);
    if (!all) {
        ll_st_free(&h);
        return ll_fail_mem(err, name, n * sizeof *all);
    }
    c->tensors = all;
    for (int i = 0; i < h.n_tensors; i++) {
        all[c->n_tensors] = h.tensors[i];
        all[c->n_tensors++].file = c->n_files - 1;
    }
    f->tensor_names = h.names;
    f->header_size = h.size;
    h.names = NULL;
    ll_st_free(&h);
    return LL_OK;
}

int ll_tensor_by_name(const void *a, const void *b)
{
    return strcmp(((const struct ll_tensor *)a)->name, ((const struct ll_tensor *)b)->name);
}

static int check_once(const struct ll_ckpt *c, struct ll_err *err)
{
    for (int i = 0; i + 1 < c->n_tensors; i++)
        if (!ll_tensor_by_name(&c->tensors[i], &c->tensors[i + 1]))
            return ll_fail(err, LL_EUSAGE,
                           "%s: tensor \"%.200s\": expected in one file, found in both %s and %s", c->dir,
                           c->tensors[i].name, c->files[c->tensors[i].file].name,
                           c->files[c->tensors[i + 1].file].name);
    return LL_OK;
}

/* Each tensor that the index names must be there, once (check_once), though perhaps in another file; tensors
 * that it does not name are accepted. */
static int check_index(struct ll_ckpt *c, const struct ll_layout *l, struct ll_err *err)
{
    const struct ll_layout_entry *moved = NULL;
    int n_moved = 0;
    for (int i = 0; i < l->n_entries; i++) {
        const struct ll_layout_entry *e = &l->entries[i];
        const struct ll_tensor *t = ll_ckpt_find(c, e->tensor);
        if (!t)
            return ll_fail(err, LL_EUSAGE, "%s: tensor \"%.200s\": %s expects it in %s, found it nowhere",
                           c->dir, e->tensor, l->index_name, e->file);
        if (strcmp(c->files[t->file].name, e->file) && !n_moved++)
            moved = e;
    }
    if (!n_moved)
        return LL_OK;
    return ll_ckpt_note(
        c, err,
        "%s names the wrong file for %d of its tensors: \"%.200s\" is in %s, not in %s; read where they are",
        l->index_name, n_moved, moved->tensor, c->files[ll_ckpt_find(c, moved->tensor)->file].name,
        moved->file);
}

static int open_files(struct ll_ckpt *c, const struct ll_layout *l, struct ll_err *err)
{
    int rc = LL_OK;
    c->files = calloc((size_t)l->n_files, sizeof *c->files);
    if (!c->files)
        return ll_fail_mem(err, "file list", (size_t)l->n_files * sizeof *c->files);
    for (int i = 0; i < l->n_files && !rc; i++)
        rc = add_file(c, l->files[i], err);
    if (rc)
        return rc;
    qsort(c->tensors, (size_t)c->n_tensors, sizeof *c->tensors, ll_tensor_by_name);
    rc = check_once(c, err);
    return rc ? rc : check_index(c, l, err);
}

/* A split model's parts say how many they are and which each is; metadata lie in the first. */
static int check_parts(const struct ll_ckpt *c, struct ll_err *err)
{
    for (int i = 0; i < c->n_files; i++) {
        const struct ll_gguf *g = c->files[i].gguf;
        int64_t count = ll_gguf_get_int(g, "split.count", c->n_files), no = ll_gguf_get_int(g, "split.no", i),
                all = ll_gguf_get_int(g, "split.tensors.count", c->n_tensors);
        if (count != c->n_files && !(count == 0 && c->n_files == 1))
            return ll_fail(err, LL_EUSAGE, "%s: key split.count: expected %d as the name says, found %lld",
                           c->files[i].name, c->n_files, (long long)count);
        if (no != i)
            return ll_fail(err, LL_EUSAGE, "%s: key split.no: expected %d as the name says, found %lld",
                           c->files[i].name, i, (long long)no);
        if (all != c->n_tensors)
            return ll_fail(err, LL_EUSAGE,
                           "%s: key split.tensors.count: expected the %d tensors of all parts, found %lld",
                           c->files[i].name, c->n_tensors, (long long)all);
    }
    return LL_OK;
}

/* A LoRA adapter has the architecture of its base model, but none of its tensors. */
static int refuse_gguf_adapter(const struct ll_ckpt *c, struct ll_err *err)
{
    static const char type[] = "adapter";
    const char *s, *base = "";
    size_t n, n_base = 0;
    int is = ll_gguf_get_str(c->gguf, "general.type", &s, &n) && n == sizeof type - 1 && !memcmp(s, type, n);
    if (!is && !ll_gguf_find(c->gguf, "adapter.type"))
        return LL_OK;
    ll_gguf_get_str(c->gguf, "general.base_model.0.name", &base, &n_base);
    return ll_fail(err, LL_EUNSUP,
                   "%s: a LoRA adapter (general.type adapter), not a whole model: merge it into its base "
                   "model%s%.*s first (llama.cpp: llama-export-lora)",
                   c->files[0].name, n_base ? " " : "", (int)(n_base < 200 ? n_base : 200), base);
}

static int read_metadata(struct ll_ckpt *c, struct ll_err *err)
{
    c->gguf = c->files[0].gguf;
    int rc = refuse_gguf_adapter(c, err);
    if (!rc)
        rc = check_parts(c, err);
    if (!rc)
        rc = ll_settings_parse(&c->settings, c->files[0].name, "{}", 2,
                               err); /* src/model reads c->gguf itself */
    return rc ? ll_context(err, "%s", c->dir) : LL_OK;
}

static int read_config(struct ll_ckpt *c, struct ll_err *err)
{
    char *path = ll_path_join(c->dir, "config.json");
    int rc = path ? ll_settings_read(&c->settings, path, err) : ll_fail_mem(err, "path", strlen(c->dir));
    free(path);
    if (!rc && (ll_settings_len(c->settings, "") < 0 || ll_settings_is_array(c->settings, "")))
        rc = ll_fail(err, LL_EUSAGE, "config.json: expected an object");
    return rc ? ll_context(err, "%s", c->dir) : LL_OK;
}

/* The names the model goes by. id: owned, taken over; NULL when it did not come through the hub cache. */
static int name_it(struct ll_ckpt *c, struct ll_layout *l, char *id, struct ll_err *err)
{
    if (!id)
        id = ll_hub_id_of_path(l->dir);
    c->model_id = id ? id : strdup(l->clean);
    c->clean = id ? ll_path_base(id) : strdup(l->clean);
    if (c->model_id && c->clean) { /* they stand in headings, tables and names of files */
        ll_shown_name(c->model_id);
        ll_shown_name(c->clean);
    }
    c->dir = strdup(l->dir);
    c->container = l->is_gguf ? "gguf" : "safetensors";
    return c->model_id && c->clean && c->dir ? LL_OK : ll_fail_mem(err, "model name", strlen(l->dir));
}

/* "model/" and "model" are the same folder. Owned. */
static char *without_slashes(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    return strndup(path, n);
}

/* The folder or file that `model` names, *id where it came through the hub cache. Both owned. */
static int find_path(const char *model, char **path, char **id, struct ll_err *err)
{
    int in_cache = 0, rc = LL_OK;
    if (!ll_is_there(model))
        return ll_hub_find(model, path, id, err);
    if (!ll_is_dir(model) && !ll_is_file(model))
        return ll_fail_not_a_file(model, err);
    if (ll_is_dir(model) && ((rc = ll_hub_repo(model, &in_cache, path, err)) || in_cache))
        return rc;
    *path = without_slashes(model);
    return *path ? LL_OK : ll_fail_mem(err, "path", strlen(model));
}

int ll_ckpt_open(struct ll_ckpt **ckpt, const char *model, struct ll_err *err)
{
    struct ll_layout l = {0};
    char *id = NULL;
    *ckpt = NULL;
    struct ll_ckpt *c = calloc(1, sizeof *c);
    if (!c)
        return ll_fail_mem(err, "checkpoint", sizeof *c);
    int rc = find_path(model, &c->path, &id, err);
    if (!rc)
        rc = ll_layout_find(&l, c->path, err);
    if (rc)
        free(id);
    else
        rc = name_it(c, &l, id, err);
    if (!rc && !l.is_gguf)
        rc = read_config(c, err);
    if (!rc)
        rc = open_files(c, &l, err);
    if (!rc && l.is_gguf)
        rc = read_metadata(c, err);
    else if (!rc)
        rc = ll_ckpt_join_packed(c, err);
    if (!rc && l.adapter)
        rc = ll_ckpt_note(
            c, err,
            "an adapter (%.200s) lies beside the model: it is not applied, this is the model without it",
            l.adapter);
    ll_layout_free(&l);
    if (rc)
        ll_ckpt_close(c);
    else
        *ckpt = c;
    return rc;
}

void ll_ckpt_close(struct ll_ckpt *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->n_files; i++) {
        ll_gguf_close(c->files[i].gguf);
        ll_map_close(&c->files[i].map);
        free(c->files[i].tensor_names);
        free(c->files[i].path);
        free(c->files[i].name);
    }
    free(c->files);
    free(c->tensors);
    free(c->packed);
    for (int i = 0; i < c->n_notes; i++)
        free(c->notes[i]);
    free(c->notes);
    ll_settings_free(c->settings);
    free(c->model_id);
    free(c->clean);
    free(c->dir);
    free(c->path);
    free(c);
}

const struct ll_tensor *ll_ckpt_find(const struct ll_ckpt *c, const char *name)
{
    const struct ll_tensor key = {.name = name};
    return c->n_tensors ? bsearch(&key, c->tensors, (size_t)c->n_tensors, sizeof key, ll_tensor_by_name)
                        : NULL;
}

int ll_ckpt_unchanged(const struct ll_ckpt *c, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0; i < c->n_files && !rc; i++)
        rc = ll_map_unchanged(&c->files[i].map, c->files[i].path, err);
    return rc;
}

static size_t offset_of(const struct ll_ckpt *c, const struct ll_tensor *t)
{
    return (size_t)(t->data - c->files[t->file].map.data);
}

void ll_ckpt_will_need(const struct ll_ckpt *c, const struct ll_tensor *t)
{
    ll_map_will_need(&c->files[t->file].map, offset_of(c, t), t->size);
}

void ll_ckpt_dont_need(const struct ll_ckpt *c, const struct ll_tensor *t)
{
    ll_map_dont_need(&c->files[t->file].map, offset_of(c, t), t->size);
}
