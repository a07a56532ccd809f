/* tokenizer_open.c - see tokenizer_open.h */
#include "tokenizer_open.h"

#include "ckpt.h"
#include "gguf.h"
#include "hub.h"
#include "map.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>

/* For a path that is not a tokenizer's own; own: the error that opening it gave. */
static int open_of_model(struct ll_tokenizer **tok, const char *model, const struct ll_err *own,
                         struct ll_err *err)
{
    struct ll_ckpt *ckpt = NULL;
    struct ll_err why = {0};
    char *dir = NULL, *id = NULL;
    int rc = ll_ckpt_open(&ckpt, model, &why);
    if (!rc)
        rc = ll_tokenizer_open(tok, ckpt->dir, err);
    else if (ll_is_dir(model))
        rc = ll_fail(err, own->code, "%s", own->msg);
    else if (!ll_is_file(model) && !ll_hub_find(model, &dir, &id, NULL))
        rc = ll_tokenizer_open(tok, dir, err);
    else
        rc = ll_fail(err, rc, "%s", why.msg);
    ll_ckpt_close(ckpt);
    free(dir);
    free(id);
    return rc;
}

/* A GGUF file has its tokenizer inside or nowhere. */
static int is_gguf(const char *path) { return ll_ends_with(path, ".gguf") || ll_is_gguf(path); }

int ll_tokenizer_of_model(struct ll_tokenizer **tok, const char *model, struct ll_err *err)
{
    struct ll_err own = {0};
    if (!ll_tokenizer_open(tok, model, &own)) /* a folder with just a tokenizer will do */
        return LL_OK;
    *tok = NULL;
    return is_gguf(model) ? ll_fail(err, own.code, "%s", own.msg) : open_of_model(tok, model, &own, err);
}

static void put_bytes(const struct ll_tokenizer *tok, int id, struct ll_buf *out)
{
    struct ll_buf bytes = {0};
    ll_tokenizer_bytes(tok, id, &bytes);
    for (size_t i = 0; i < bytes.len; i++)
        ll_buf_addf(out, "%s%02x", i ? " " : "", (unsigned char)bytes.s[i]);
    ll_buf_free(&bytes);
}

int ll_token_list_make(struct ll_token_list *l, const struct ll_tokenizer *tok, const struct ll_ids *ids,
                       struct ll_err *err)
{
    *l = (struct ll_token_list){.kind = ll_tokenizer_kind(tok),
                                .files = ll_tokenizer_files(tok),
                                .bos_policy = ll_tokenizer_bos_policy(tok),
                                .n_entries = ll_tokenizer_size(tok)};
    if (ids->n && !(l->v = calloc((size_t)ids->n, sizeof *l->v)))
        return ll_fail_mem(err, "tokens", sizeof *l->v * (size_t)ids->n);
    for (l->n = 0; l->n < ids->n; l->n++) {
        struct ll_token_line *t = &l->v[l->n];
        t->id = ids->v[l->n];
        t->is_special = ll_tokenizer_is_special(tok, t->id);
        t->piece = ll_tokenizer_piece(tok, t->id, &t->n_piece);
        ll_tokenizer_show(tok, t->id, &t->text);
        put_bytes(tok, t->id, &t->bytes);
    }
    return LL_OK;
}

void ll_put_piece(const struct ll_tokenizer *tok, int id, struct ll_buf *out)
{
    size_t n = 0;
    const char *piece = ll_tokenizer_piece(tok, id, &n);
    if (piece)
        ll_buf_add(out, piece, n);
}
