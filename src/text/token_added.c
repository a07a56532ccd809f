/* token_added.c - see token_added.h. Source: tokenizers 0.23 (added_vocabulary.rs), transformers 5.24
 * (tokenization_utils_tokenizers). */
#include "token_added.h"

#include <limits.h>
#include <string.h>

struct ll_adding ll_adding_begin(struct ll_tokenizer *tok)
{
    size_t next = tok->bpe.vocab.n > tok->vocab.n_ids ? tok->bpe.vocab.n : tok->vocab.n_ids;
    return (struct ll_adding){tok, next < INT_MAX ? (int)next : INT_MAX, 0};
}

int ll_adding_add(struct ll_adding *a, const char *what, const char *s, size_t n,
                  const struct ll_added_token *flags, struct ll_err *err)
{
    struct ll_tokenizer *tok = a->tok;
    struct ll_added_token t = *flags;
    int old, shown = n > 60 ? 60 : (int)n;
    if (!n)
        return LL_OK;
    if ((t.id = ll_vocab_find(&tok->vocab, s, n)) >= 0)
        return ll_added_change(&tok->added, &t, err);
    if ((t.id = ll_vocab_find(&tok->bpe.vocab, s, n)) < 0) {
        if (a->next == INT_MAX)
            return ll_fail(err, LL_EUNSUP, "%s: no id is left for added token \"%.*s\"", what, shown, s);
        t.id = a->next++;
    }
    int added = ll_vocab_add(&tok->vocab, s, n, t.id, &old);
    if (added < 0)
        return ll_fail_mem(err, "added tokens", n);
    if (added)
        return ll_fail(err, LL_EUSAGE, "%s: added token \"%.*s\" comes to id %d, which another one has", what,
                       shown, s, t.id);
    return ll_added_add(&tok->added, s, n, &t, err);
}

static int same_text(const struct ll_token_config *c, const struct ll_named_token *a,
                     const struct ll_named_token *b)
{
    return b->said == LL_SAID && a->t.len == b->t.len
        && !memcmp(ll_token_text(c, a), ll_token_text(c, b), a->t.len);
}

static int has_role(const struct ll_token_config *c, const struct ll_named_token *t)
{
    for (int role = 0; role < LL_N_ROLES; role++)
        if (same_text(c, t, &c->role[role]))
            return 1;
    for (size_t i = 0; i < c->other.n; i++)
        if (same_text(c, t, &c->other.v[i]))
            return 1;
    return 0;
}

/* only_new: only what was no added token when this pass began; of two that are spelled alike the last one's
 * flags count. */
static int add_named(struct ll_adding *a, const struct ll_token_config *c, const struct ll_named_token *t,
                     int only_new, int plain, struct ll_err *err)
{
    struct ll_added_token flags = plain ? (struct ll_added_token){.special = 1} : t->t;
    if (t->said != LL_SAID
        || (only_new
            && ll_added_among(&a->tok->added, ll_vocab_find(&a->tok->vocab, ll_token_text(c, t), t->t.len),
                              a->n_before)))
        return LL_OK;
    if (!plain && has_role(c, t))
        flags.special = 1;
    return ll_adding_add(a, "tokenizer_config.json", ll_token_text(c, t), t->t.len, &flags, err);
}

static int add_decoder(struct ll_adding *a, const struct ll_token_config *c, int beside_json,
                       struct ll_err *err)
{
    int rc = LL_OK;
    for (size_t i = 0; i < c->decoder.n && !rc; i++) {
        const struct ll_named_token *t = &c->decoder.v[i];
        if (beside_json && c->from_added_file && ll_vocab_piece(&a->tok->vocab, t->t.id, NULL))
            continue; /* tokenizer.json says what this id is */
        if (!ll_added_same(&a->tok->added, ll_vocab_find(&a->tok->vocab, ll_token_text(c, t), t->t.len),
                           &t->t))
            rc = add_named(a, c, t, 0, 0, err);
    }
    return rc;
}

/* Roles, further names, extra tokens. */
static int add_specials(struct ll_adding *a, const struct ll_token_config *c, int plain, struct ll_err *err)
{
    int rc = LL_OK;
    a->n_before = a->tok->added.n;
    for (int role = 0; role < LL_N_ROLES && !rc; role++)
        rc = add_named(a, c, &c->role[role], !plain, plain, err);
    for (size_t i = 0; i < c->other.n && !rc; i++)
        rc = add_named(a, c, &c->other.v[i], !plain, plain, err);
    for (size_t i = 0; i < c->extra.n && !rc; i++)
        rc = add_named(a, c, &c->extra.v[i], !plain, plain, err);
    return rc;
}

int ll_add_configured(struct ll_tokenizer *tok, const struct ll_token_config *c, int beside_json, int plain,
                      struct ll_err *err)
{
    struct ll_adding a = ll_adding_begin(tok);
    int rc = add_decoder(&a, c, beside_json, err);
    if (!rc)
        rc = add_specials(&a, c, 0, err);
    if (!rc && plain) {
        a = ll_adding_begin(tok);
        rc = add_specials(&a, c, 1, err);
    }
    return rc;
}
