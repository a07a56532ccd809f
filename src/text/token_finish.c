/* token_finish.c - what all readers of vocabularies without a pipeline share; see token_files.h */
#include "reader.h"
#include "token_added.h"
#include "token_files.h"

#include <string.h>

int ll_role_default(struct ll_token_config *c, enum ll_token_role role, const char *s, size_t n,
                    struct ll_err *err)
{
    struct ll_named_token *t = &c->role[role];
    if (t->said != LL_UNSAID)
        return LL_OK;
    *t = (struct ll_named_token){LL_SAID, {.special = 1, .off = (uint32_t)c->pool.len, .len = (uint32_t)n}};
    ll_buf_add(&c->pool, s, n);
    ll_buf_addc(&c->pool, 0);
    return ll_buf_ok(&c->pool, err);
}

static int put_role(struct ll_tokenizer *tok, const struct ll_token_config *c, enum ll_token_role role,
                    struct ll_ids *ids, struct ll_err *err)
{
    const struct ll_named_token *t = &c->role[role];
    int id = t->said == LL_SAID ? ll_tokenizer_id(tok, ll_token_text(c, t), t->t.len) : -1;
    return id < 0 ? LL_OK : ll_ids_add(ids, id, err);
}

static void name_ids(const struct ll_tokenizer *tok, const struct ll_ids *ids, struct ll_buf *out)
{
    for (int i = 0; i < ids->n; i++) {
        size_t n = 0;
        const char *s = ll_tokenizer_piece(tok, ids->v[i], &n);
        if (i)
            ll_buf_addc(out, ' ');
        if (s)
            ll_buf_add(out, s, n);
        else
            ll_buf_addf(out, "<id %d>", ids->v[i]);
    }
}

void ll_put_policy(const struct ll_tokenizer *tok, struct ll_buf *out)
{
    name_ids(tok, &tok->before, out);
    ll_buf_adds(out, tok->before.n && tok->after.n ? " in front and " : tok->before.n ? " in front" : "");
    name_ids(tok, &tok->after, out);
    ll_buf_adds(out, tok->after.n ? " at the end" : tok->before.n ? "" : "nothing");
}

static void put_switch(struct ll_buf *out, const char *name, const struct ll_switch *sw)
{
    if (sw->said == LL_SAID)
        ll_buf_addf(out, ", %s %s", name, sw->on ? "true" : "false");
}

int ll_tokenizer_describe_kind(struct ll_tokenizer *tok, struct ll_err *err)
{
    struct ll_buf kind = {0};
    int bytes = 0;
    for (size_t i = 0; i < tok->pretok.n; i++)
        bytes |= !strcmp(ll_pretokenizers.kind((size_t)tok->pretok.v[i].kind)->name, "ByteLevel");
    for (size_t i = 0; i < tok->normalizer.n; i++)
        bytes |= !strcmp(ll_normalizers.kind((size_t)tok->normalizer.v[i].kind)->name, "ByteLevel");
    ll_buf_addf(&kind, "%s, %s", tok->model->name,
                bytes                        ? "byte level"
                    : tok->bpe.byte_fallback ? "sentencepiece style with byte fallback"
                                             : "characters");
    if (ll_buf_ok(&kind, err))
        return ll_buf_free(&kind), LL_EFAIL;
    tok->kind = kind.s;
    return LL_OK;
}

static int describe_policy(struct ll_tokenizer *tok, const struct ll_token_config *c, const char *by,
                           int cls_and_sep, struct ll_err *err)
{
    struct ll_buf policy = {0};
    ll_buf_addf(&policy, "%s", by);
    if (!cls_and_sep) {
        put_switch(&policy, "add_bos_token", &c->add_bos);
        put_switch(&policy, "add_eos_token", &c->add_eos);
    }
    ll_buf_adds(&policy, ": ");
    ll_put_policy(tok, &policy);
    if (ll_buf_ok(&policy, err))
        return ll_buf_free(&policy), LL_EFAIL;
    tok->bos_policy = policy.s;
    return LL_OK;
}

int ll_tokenizer_finish(struct ll_tokenizer *tok, const struct ll_token_config *c, const char *by,
                        int plain_specials, int cls_and_sep, struct ll_err *err)
{
    int rc = ll_add_configured(tok, c, 0, plain_specials, err);
    if (!rc && (cls_and_sep || (c->add_bos.said == LL_SAID && c->add_bos.on)))
        rc = put_role(tok, c, cls_and_sep ? LL_ROLE_CLS : LL_ROLE_BOS, &tok->before, err);
    if (!rc && (cls_and_sep || (c->add_eos.said == LL_SAID && c->add_eos.on)))
        rc = put_role(tok, c, cls_and_sep ? LL_ROLE_SEP : LL_ROLE_EOS, &tok->after, err);
    if (!rc)
        rc = ll_tokenizer_ready(tok, err);
    if (!rc)
        rc = ll_tokenizer_describe_kind(tok, err);
    return rc ? rc : describe_policy(tok, c, by, cls_and_sep, err);
}

int ll_tokenizer_sections(struct ll_tokenizer *tok, const char *name, const struct ll_buf *normalizer,
                          const struct ll_buf *pretok, const struct ll_buf *decoder, struct ll_err *err)
{
    struct reader r = {.tok = tok, .name = name};
    const struct {
        const struct ll_buf *text;
        struct section *to;
    } parts[] = {{normalizer, &r.normalizer}, {pretok, &r.pretok}, {decoder, &r.decoder}};
    r.js.err = err;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].text && ll_buf_ok(parts[i].text, err))
            return LL_EFAIL;
        if (!parts[i].text || !parts[i].text->len)
            continue;
        *parts[i].to = (struct section){parts[i].text->s, parts[i].text->len, 0};
    }
    return ll_read_sections(&r);
}
