/* token_tekken.c - tekken.json, Mistral's vocabulary: tokens as base64 with ranks, a pattern, special tokens
 * that stand first in the ids. Source: mistral-common (tokens/tokenizers/tekken.py), whose ids these are, and
 * transformers' converter of it. */
#include "json_write.h"
#include "literal.h"
#include "merges.h"
#include "precompiled.h"
#include "reader.h"
#include "token_added.h"
#include "token_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SPECIALS = 1 << 20 };

struct tekken {
    struct ll_tokenizer *tok;
    struct ll_js js;
    const char *name;
    struct section config, vocab, specials;
    struct ll_buf pattern; /* owned */
    long long n_specials,
        n_vocab;                /* config's default_num_special_tokens and default_vocab_size, -1: not said */
    long long version;          /* 7 of "v7" */
    int n_named;                /* special tokens with a name of their own */
    struct ll_buf bytes, piece; /* owned: scratch */
};

/* Files before version 8 may leave them out. */
static const char *const old_specials[] = {
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
};
enum { LAST_WITHOUT_SPECIALS = 7 };

static int top_level(struct tekken *t)
{
    const struct {
        const char *key;
        struct section *sec;
    } wanted[] = {{"config", &t->config}, {"vocab", &t->vocab}, {"special_tokens", &t->specials}};
    const size_t n_wanted = sizeof wanted / sizeof wanted[0];
    const char *key;
    size_t n;
    int first = 1, more, rc = ll_js_open(&t->js, '{');
    while (!rc && (more = ll_js_key(&t->js, &first, &key, &n))) {
        size_t k = 0;
        if (more < 0)
            return more;
        while (k < n_wanted && !ll_reader_equal(key, n, wanted[k].key))
            k++;
        if (k < n_wanted && wanted[k].sec->s)
            return ll_js_fail(&t->js, LL_EUSAGE, "expected \"%s\" once, found it again", wanted[k].key);
        rc = k < n_wanted ? ll_js_skip(&t->js, &wanted[k].sec->s, &wanted[k].sec->n)
                          : ll_js_skip(&t->js, NULL, NULL);
    }
    if (!rc)
        rc = ll_js_end(&t->js);
    for (size_t k = 0; k < n_wanted - 1 && !rc; k++) /* special_tokens may be absent */
        if (!wanted[k].sec->s)
            return ll_fail(t->js.err, LL_EUSAGE, "%s: expected \"%s\", found none", t->name, wanted[k].key);
    return rc;
}

static void at(struct tekken *t, const struct section *sec, const char *where)
{
    t->js.pos = (size_t)(sec->s - t->js.s);
    t->js.where = where;
}

static int read_version(struct tekken *t)
{
    const char *s;
    size_t n;
    int rc = ll_js_string(&t->js, &s, &n);
    t->version = 0;
    for (size_t i = 1; !rc && i < n && s[0] == 'v' && s[i] >= '0' && s[i] <= '9' && t->version < 1000; i++)
        t->version = t->version * 10 + (s[i] - '0');
    return rc;
}

static int read_config(struct tekken *t)
{
    const char *key, *s;
    size_t n, sn;
    int first = 1, more = 0, rc;
    at(t, &t->config, "config");
    rc = ll_js_open(&t->js, '{');
    while (!rc && (more = ll_js_key(&t->js, &first, &key, &n)) > 0) {
        if (LL_IS(key, n, "pattern")) {
            if (!(rc = ll_js_string(&t->js, &s, &sn)))
                ll_buf_reset(&t->pattern), ll_buf_add(&t->pattern, s, sn);
        } else if (LL_IS(key, n, "default_num_special_tokens")) {
            rc = ll_js_null(&t->js) ? LL_OK : ll_js_int(&t->js, 0, MAX_SPECIALS, &t->n_specials);
        } else if (LL_IS(key, n, "default_vocab_size")) {
            rc = ll_js_null(&t->js) ? LL_OK : ll_js_int(&t->js, 0, (long long)t->js.n, &t->n_vocab);
        } else if (LL_IS(key, n, "version") && ll_js_peek(&t->js) == '"') {
            rc = read_version(t);
        } else {
            rc = ll_js_skip(&t->js, NULL, NULL);
        }
    }
    if (rc || more < 0)
        return rc ? rc : more;
    if (!t->pattern.len)
        return ll_fail(t->js.err, LL_EUSAGE, "%s: config: expected a \"pattern\", found none", t->name);
    return ll_buf_ok(&t->pattern, t->js.err);
}

/* {"rank": 3, "token_str": "[INST]", ...} or {"rank": 3, "token_bytes": "...", ...}: rank and one text. */
static int read_entry(struct tekken *t, const char *text_key, long long *rank, struct ll_buf *text)
{
    const char *key, *s;
    size_t n, sn;
    int first = 1, more = 0, found = 0, rc = ll_js_open(&t->js, '{');
    *rank = -1;
    while (!rc && (more = ll_js_key(&t->js, &first, &key, &n)) > 0) {
        if (LL_IS(key, n, "rank")) {
            rc = ll_js_int(&t->js, 0, (long long)t->js.n, rank);
        } else if (ll_reader_equal(key, n, text_key)) {
            if (!(rc = ll_js_string(&t->js, &s, &sn)))
                ll_buf_reset(text), ll_buf_add(text, s, sn), found = 1;
        } else {
            rc = ll_js_skip(&t->js, NULL, NULL);
        }
    }
    if (rc || more < 0)
        return rc ? rc : more;
    if (!found || *rank < 0)
        return ll_js_fail(&t->js, LL_EUSAGE, "expected a token with rank and %s, found no %s", text_key,
                          found ? "rank" : text_key);
    return ll_buf_ok(text, t->js.err);
}

static int put_special(struct tekken *t, int id, const char *s, size_t n)
{
    int old, added = ll_vocab_add(&t->tok->bpe.vocab, s, n, id, &old);
    if (added < 0)
        return ll_fail_mem(t->js.err, "special tokens", n);
    if (added || !n)
        return ll_js_fail(&t->js, LL_EUSAGE,
                          "expected special tokens of different names and ranks, found \"%.*s\", %d again",
                          n > 60 ? 60 : (int)n, s, id);
    return LL_OK;
}

static int named_specials(struct tekken *t)
{
    int first = 1, more = 0, rc = LL_OK;
    long long rank, highest = -1;
    if (!t->specials.s || ll_reader_equal(t->specials.s, t->specials.n, "null")) {
        if (t->version > LAST_WITHOUT_SPECIALS)
            return ll_fail(t->js.err, LL_EUSAGE,
                           "%s: expected special_tokens in a file of version %lld, found none", t->name,
                           t->version);
        t->n_named = sizeof old_specials / sizeof old_specials[0];
        for (int i = 0; i < t->n_named && !rc; i++)
            rc = put_special(t, i, old_specials[i], strlen(old_specials[i]));
        return rc;
    }
    at(t, &t->specials, "special_tokens");
    rc = ll_js_open(&t->js, '[');
    while (!rc && (more = ll_js_item(&t->js, &first)) > 0) {
        if ((rc = read_entry(t, "token_str", &rank, &t->bytes)))
            return rc;
        if (rank >= MAX_SPECIALS)
            return ll_js_fail(&t->js, LL_EUSAGE, "expected a rank below %d, found %lld", MAX_SPECIALS, rank);
        highest = rank > highest ? rank : highest;
        rc = put_special(t, (int)rank, ll_buf_str(&t->bytes), t->bytes.len);
        t->n_named++;
    }
    if (!rc && !more && highest != t->n_named - 1)
        return ll_fail(
            t->js.err, LL_EUSAGE,
            "%s: special_tokens: expected ranks from 0 without gaps, found %lld as the highest of %d",
            t->name, highest, t->n_named);
    return rc ? rc : more;
}

/* Special tokens by name, then fillers, up to the count of the settings. */
static int read_specials(struct tekken *t)
{
    char filler[40];
    int rc = named_specials(t);
    if (rc)
        return rc;
    if (t->n_specials < 0)
        t->n_specials = t->n_named;
    if (t->n_specials < t->n_named)
        return ll_fail(
            t->js.err, LL_EUSAGE,
            "%s: config.default_num_special_tokens: expected at least the %d that are named, found %lld",
            t->name, t->n_named, t->n_specials);
    for (int i = t->n_named; i < t->n_specials && !rc; i++)
        rc = put_special(t, i, filler, (size_t)snprintf(filler, sizeof filler, "<SPECIAL_%d>", i));
    return rc;
}

/* The token of a rank: its bytes in the byte-level alphabet. */
static int put_token(struct tekken *t, long long rank)
{
    int old;
    ll_buf_reset(&t->piece);
    ll_byte_level_put(&t->piece, ll_buf_str(&t->bytes), t->bytes.len);
    if (ll_buf_ok(&t->piece, t->js.err))
        return LL_EFAIL;
    if (!t->piece.len)
        return ll_js_fail(&t->js, LL_EUSAGE, "expected the bytes of token %lld, found none", rank);
    int added = ll_vocab_add(&t->tok->bpe.vocab, t->piece.s, t->piece.len, (int)(rank + t->n_specials), &old);
    if (added < 0)
        return ll_fail_mem(t->js.err, "vocabulary", t->piece.len);
    if (added && old >= t->n_specials)
        return ll_js_fail(&t->js, LL_EUSAGE, "expected each token once, found token %lld again as %lld",
                          old - t->n_specials, rank);
    return LL_OK; /* one that is spelled like a special token gives way to it */
}

/* Tokens in order of rank, no more than the vocabulary's size says. */
static int read_vocab(struct tekken *t)
{
    struct ll_buf text = {0};
    const long long n_inner = t->n_vocab < 0 ? (long long)t->js.n : t->n_vocab - t->n_specials;
    long long rank, n = 0;
    int first = 1, more = 0, rc;
    at(t, &t->vocab, "vocab");
    rc = ll_js_open(&t->js, '[');
    for (; !rc && (more = ll_js_item(&t->js, &first)) > 0; n++) {
        if (n >= n_inner) {
            rc = ll_js_skip(&t->js, NULL, NULL);
            continue;
        }
        if ((rc = read_entry(t, "token_bytes", &rank, &text)))
            break;
        ll_buf_reset(&t->bytes);
        if (rank != n)
            rc = ll_js_fail(&t->js, LL_EUSAGE, "expected tokens in order of rank: %lld, found %lld", n, rank);
        else if (!ll_base64_decode(ll_buf_str(&text), text.len, &t->bytes))
            rc = ll_js_fail(&t->js, LL_EUSAGE, "expected token_bytes in base64, found \"%.40s\"",
                            ll_buf_str(&text));
        else
            rc = put_token(t, n);
    }
    ll_buf_free(&text);
    if (!rc && more >= 0 && n < n_inner && t->n_vocab >= 0)
        return ll_fail(
            t->js.err, LL_EUSAGE,
            "%s: config.default_vocab_size %lld and %lld special tokens: expected %lld tokens, found %lld",
            t->name, t->n_vocab, t->n_specials, n_inner, n);
    return rc ? rc : more;
}

static int make_merges(struct tekken *t)
{
    struct ll_bpe *bpe = &t->tok->bpe;
    size_t n = bpe->vocab.n_ids - (size_t)t->n_specials;
    int *order = malloc((n ? n : 1) * sizeof *order);
    unsigned char *takes_part = malloc(bpe->vocab.n_ids ? bpe->vocab.n_ids : 1);
    int rc = order && takes_part ? LL_OK : ll_fail_mem(t->js.err, "merges", n * sizeof *order);
    for (size_t i = 0; i < bpe->vocab.n_ids && !rc; i++)
        takes_part[i] = i >= (size_t)t->n_specials;
    for (size_t i = 0; i < n && !rc; i++)
        order[i] = (int)(i + (size_t)t->n_specials);
    const struct ll_merge_rule rule = {order, n, takes_part, 1};
    if (!rc)
        rc = ll_merges_make(bpe, &rule, t->name, t->js.err);
    free(order);
    free(takes_part);
    return rc;
}

static int add_specials(struct tekken *t)
{
    struct ll_adding a = ll_adding_begin(t->tok);
    int rc = LL_OK;
    for (int i = 0; i < t->n_specials && !rc; i++) {
        size_t n;
        const char *s = ll_vocab_piece(&t->tok->bpe.vocab, i, &n);
        rc = ll_adding_add(&a, t->name, s, n, &(struct ll_added_token){.special = 1}, t->js.err);
    }
    return rc;
}

static int pipeline(struct tekken *t)
{
    struct ll_buf pretok = {0}, decoder = {0};
    ll_buf_adds(&pretok,
                "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":");
    ll_json_quote(&pretok, ll_buf_str(&t->pattern), t->pattern.len);
    ll_buf_adds(&pretok,
                "},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":"
                "false,\"use_regex\":false}]}");
    ll_buf_adds(&decoder, "{\"type\":\"ByteLevel\"}");
    int rc = ll_tokenizer_sections(t->tok, t->name, NULL, &pretok, &decoder, t->js.err);
    ll_buf_free(&pretok);
    ll_buf_free(&decoder);
    return rc;
}

/* mistral-common puts <s> in front of every prompt; the settings of a folder may say otherwise. */
static int roles(struct tekken *t, struct ll_token_config *c)
{
    static const struct {
        enum ll_token_role role;
        const char *piece;
    } usual[] = {
        {LL_ROLE_BOS, "<s>"},
        {LL_ROLE_EOS, "</s>"},
        {LL_ROLE_PAD, "<pad>"},
        {LL_ROLE_UNK, "<unk>"},
    };
    int rc = LL_OK;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0] && !rc; i++)
        if (ll_vocab_find(&t->tok->bpe.vocab, usual[i].piece, strlen(usual[i].piece)) >= 0)
            rc = ll_role_default(c, usual[i].role, usual[i].piece, strlen(usual[i].piece), t->js.err);
    if (c->add_bos.said == LL_UNSAID)
        c->add_bos = (struct ll_switch){LL_SAID, 1};
    return rc;
}

int ll_tokenizer_read_tekken(struct ll_tokenizer *tok, const char *name, const char *json, size_t n,
                             struct ll_token_config *c, struct ll_err *err)
{
    struct tekken t = {.tok = tok, .name = name, .n_specials = -1, .n_vocab = -1};
    const char *by = c->add_bos.said == LL_UNSAID ? "mistral-common" : name;
    int rc;
    ll_js_init(&t.js, name, json, n, err);
    if (!(rc = top_level(&t)) && !(rc = read_config(&t)) && !(rc = read_specials(&t))
        && !(rc = read_vocab(&t)) && !(rc = make_merges(&t))) {
        tok->model = ll_model_kind(LL_LIT("BPE"));
        tok->bpe.ignore_merges = 1;
        rc = (rc = pipeline(&t)) || (rc = add_specials(&t)) ? rc : roles(&t, c);
    }
    ll_js_free(&t.js);
    ll_buf_free(&t.pattern);
    ll_buf_free(&t.bytes);
    ll_buf_free(&t.piece);
    return rc ? rc : ll_tokenizer_finish(tok, c, by, 0, 0, err);
}
