/* identity.c - the cheap hash that names a checkpoint (see ll_ckpt_identity in ckpt.h).
 *
 * Every piece is preceded by its kind and its length, so that no two different checkpoints feed the hash the
 * same bytes. */
#define _GNU_SOURCE /* memmem */
#include "ckpt.h"
#include "gguf.h"
#include "literal.h"
#include "sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SAMPLES = 1024, SAMPLE_BYTES = 64 };

/* Files that decide what the model or its tokenizer does. Those that are not read in a folder do not count in
 * it: the vocabularies beside a tokenizer.json, the two old files of special tokens beside a
 * tokenizer_config.json that replaces them. */
enum when { ALWAYS, WITHOUT_TOKENIZER_JSON, WITHOUT_DECODER };
static const struct document {
    const char *name;
    enum when when;
} documents[] = {
    {"config.json", ALWAYS},
    {"tokenizer.json", ALWAYS},
    {"tokenizer_config.json", ALWAYS},
    {"tekken.json", WITHOUT_TOKENIZER_JSON},
    {"tokenizer.model", WITHOUT_TOKENIZER_JSON},
    {"vocab.json", WITHOUT_TOKENIZER_JSON},
    {"merges.txt", WITHOUT_TOKENIZER_JSON},
    {"special_tokens_map.json", WITHOUT_DECODER},
    {"added_tokens.json", WITHOUT_DECODER},
};

static void add_piece(struct ll_sha256 *sha, const char *kind, const void *bytes, size_t n)
{
    char head[64];
    int len = snprintf(head, sizeof head, "%s %zu\n", kind, n);
    ll_sha256_add(sha, head, (size_t)len);
    ll_sha256_add(sha, bytes, n);
}

static int has_file(const char *dir, const char *name, struct ll_err *err)
{
    char *path = ll_path_join(dir, name);
    int there = path ? ll_is_file(path) : ll_fail_mem(err, "path", strlen(dir));
    free(path);
    return there;
}

/* tokenizer_config.json lists its added tokens itself. */
static int has_decoder(const char *dir, struct ll_err *err)
{
    struct ll_map map = {0};
    int there = has_file(dir, "tokenizer_config.json", err), rc;
    char *path = there > 0 ? ll_path_join(dir, "tokenizer_config.json") : NULL;
    if (there <= 0)
        return there;
    rc = path ? ll_map_open(&map, path, err) : ll_fail_mem(err, "path", strlen(dir));
    if (!rc)
        there = map.size && memmem(map.data, map.size, LL_LIT("\"added_tokens_decoder\"")) != NULL;
    ll_map_close(&map);
    free(path);
    return rc ? rc : there;
}

static int add_document(struct ll_sha256 *sha, const char *dir, const char *name, struct ll_err *err)
{
    struct ll_map map = {0};
    char *path = ll_path_join(dir, name);
    if (!path)
        return ll_fail_mem(err, "path", strlen(dir));
    int rc = LL_OK;
    if (ll_is_there(path)) {
        rc = ll_map_open(&map, path, err);
        if (!rc)
            add_piece(sha, name, map.data, map.size);
        ll_map_close(&map);
    }
    free(path);
    return rc;
}

static int add_documents(struct ll_sha256 *sha, const char *dir, struct ll_err *err)
{
    int not_read[] = {[ALWAYS] = 0,
                      [WITHOUT_TOKENIZER_JSON] = has_file(dir, "tokenizer.json", err),
                      [WITHOUT_DECODER] = has_decoder(dir, err)};
    int rc = LL_OK;
    for (size_t i = 0; i < sizeof documents / sizeof documents[0] && !rc; i++) {
        int skip = not_read[documents[i].when];
        rc = skip < 0 ? skip : skip ? LL_OK : add_document(sha, dir, documents[i].name, err);
    }
    return rc;
}

/* Pairs in order of keys; how a model is split is no part of what it is. */
static void add_metadata(struct ll_sha256 *sha, const struct ll_gguf *g)
{
    char type[48];
    for (int i = 0; i < ll_gguf_n_kv(g); i++) {
        const struct ll_gguf_kv *kv = ll_gguf_kv_at(g, i);
        if (LL_BEGINS(kv->key, "split."))
            continue;
        int n = snprintf(type, sizeof type, "%s%s %llu", ll_gguf_type_name(kv->type),
                         kv->is_array ? "[]" : "", (unsigned long long)kv->n);
        add_piece(sha, "key", kv->key, strlen(kv->key));
        add_piece(sha, "type", type, (size_t)n);
        add_piece(sha, "value", kv->data, kv->size);
    }
}

static void add_tensor(struct ll_sha256 *sha, const struct ll_tensor *t, int sample)
{
    char line[64 + 24 * LL_MAX_DIMS];
    int n = snprintf(line, sizeof line, "%.60s", ll_tensor_type(t));
    for (int i = 0; i < t->n_dims; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, " %lld", (long long)t->dims[i]);
    add_piece(sha, "tensor", t->name, strlen(t->name));
    add_piece(sha, "type", line, (size_t)n);
    if (!sample)
        return;
    size_t len = t->size < SAMPLE_BYTES ? t->size : SAMPLE_BYTES;
    add_piece(sha, "sample", t->data + (t->size - len) / 2, len);
    if (!t->packed)
        return;
    len = t->packed->scale_bytes < SAMPLE_BYTES ? t->packed->scale_bytes : SAMPLE_BYTES;
    add_piece(sha, "scales", t->packed->scales + (t->packed->scale_bytes - len) / 2, len);
}

int ll_ckpt_identity(const struct ll_ckpt *c, char hex[65], struct ll_err *err)
{
    struct ll_sha256 sha;
    int rc = LL_OK;
    ll_sha256_init(&sha);
    if (c->gguf)
        add_metadata(&sha, c->gguf);
    if (!c->gguf)
        rc = add_documents(&sha, c->dir, err);
    if (rc)
        return rc;
    for (int64_t i = 0, n = c->n_tensors; i < n;
         i++) /* a sample where i * MAX_SAMPLES / n takes a new value */
        add_tensor(&sha, &c->tensors[i],
                   n <= MAX_SAMPLES || i * MAX_SAMPLES / n != (i - 1) * MAX_SAMPLES / n || !i);
    ll_sha256_hex(&sha, hex);
    return LL_OK;
}
