/* token.c - the public functions and the pipeline:
 *
 *     text -> added tokens cut out -> normalizer -> added tokens cut out of the normalized text ->
 *       pre-tokenizer -> model
 *
 * Every step after the first sees one stretch of text at a time. Then the post-processor's ids go around the
 * whole. */
#include "token.h"

#include "token_internal.h"
#include "utf8.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ll_ids_free(struct ll_ids *ids)
{
    free(ids->v);
    memset(ids, 0, sizeof *ids);
}

int ll_ids_add(struct ll_ids *ids, int id, struct ll_err *err)
{
    if (ids->n == ids->cap) {
        int cap = ids->cap ? ids->cap > INT_MAX / 2 ? INT_MAX : ids->cap * 2 : 64;
        int *v = ids->n < INT_MAX ? realloc(ids->v, (size_t)cap * sizeof *v) : NULL;
        if (!v)
            return ll_fail_mem(err, "token ids", (unsigned long long)cap * sizeof *v);
        ids->v = v;
        ids->cap = cap;
    }
    ids->v[ids->n++] = id;
    return LL_OK;
}

static int encode_bpe(const struct ll_tokenizer *tok, struct ll_scratch *x, const char *s, size_t n,
                      struct ll_ids *ids, struct ll_err *err)
{
    return ll_bpe_encode(&tok->bpe, &x->work, s, n, ids, err);
}

static int encode_spm(const struct ll_tokenizer *tok, struct ll_scratch *x, const char *s, size_t n,
                      struct ll_ids *ids, struct ll_err *err)
{
    return ll_spm_encode(&tok->spm, &x->spm, s, n, ids, err);
}

static int encode_unigram(const struct ll_tokenizer *tok, struct ll_scratch *x, const char *s, size_t n,
                          struct ll_ids *ids, struct ll_err *err)
{
    return ll_unigram_encode(&tok->unigram, &x->unigram, s, n, ids, err);
}

/* A run of line ends that is a token is taken whole: no merge makes it. */
static int encode_gemma4(const struct ll_tokenizer *tok, struct ll_scratch *x, const char *s, size_t n,
                         struct ll_ids *ids, struct ll_err *err)
{
    int whole = n && s[0] == '\n' ? ll_vocab_find(&tok->bpe.vocab, s, n) : -1;
    return whole >= 0 ? ll_ids_add(ids, whole, err) : encode_bpe(tok, x, s, n, ids, err);
}

static const struct ll_model_kind *by_name(const struct ll_model_kind *kinds, size_t n_kinds,
                                           const char *name, size_t n)
{
    for (size_t i = 0; i < n_kinds; i++)
        if (strlen(kinds[i].name) == n && !memcmp(kinds[i].name, name, n))
            return &kinds[i];
    return NULL;
}

const struct ll_model_kind *ll_model_kind(const char *name, size_t n)
{
    static const struct ll_model_kind kinds[] = {{"BPE", encode_bpe},
                                                 {"Unigram", encode_unigram},
                                                 {"WordPiece", NULL},
                                                 {"WordLevel", NULL}};
    return by_name(kinds, sizeof kinds / sizeof kinds[0], name, n);
}

const struct ll_model_kind *ll_gguf_model_kind(const char *name, size_t n)
{
    static const struct ll_model_kind kinds[] = {{"llama", encode_spm},
                                                 {"gpt2", encode_bpe},
                                                 {"gemma4", encode_gemma4}};
    return by_name(kinds, sizeof kinds / sizeof kinds[0], name, n);
}

/* ---- opening --------------------------------------------------------------------------------- */

struct ll_tokenizer *ll_tokenizer_new(struct ll_err *err)
{
    struct ll_tokenizer *tok = calloc(1, sizeof *tok);
    if (!tok)
        return ll_fail_mem(err, "tokenizer", sizeof *tok), NULL;
    tok->container = &ll_json_container;
    return tok;
}

static void steps_free(struct ll_steps *steps)
{
    for (size_t i = 0; i < steps->n; i++) {
        ll_pattern_free(&steps->v[i].pattern);
        ll_buf_free(&steps->v[i].text);
    }
    free(steps->v);
    memset(steps, 0, sizeof *steps);
}

struct ll_step *ll_steps_add(struct ll_steps *steps, const struct ll_stage *stage, const char *name)
{
    int kind = 0;
    struct ll_step *v = realloc(steps->v, (steps->n + 1) * sizeof *v);
    if (!v)
        return NULL;
    while (strcmp(stage->kind((size_t)kind)->name, name))
        kind++;
    steps->v = v;
    v[steps->n] = (struct ll_step){.kind = kind};
    return &v[steps->n++];
}

void ll_scratch_free(struct ll_scratch *x)
{
    ll_buf_free(&x->a.text);
    ll_buf_free(&x->b.text);
    ll_spans_free(&x->a.spans);
    ll_spans_free(&x->b.spans);
    ll_spans_free(&x->found);
    ll_spans_free(&x->merged);
    ll_buf_free(&x->x);
    ll_buf_free(&x->y);
    ll_hits_free(&x->hits);
    ll_hits_free(&x->inner);
    ll_bpe_work_free(&x->work);
    ll_spm_work_free(&x->spm);
    ll_unigram_work_free(&x->unigram);
}

void ll_tokenizer_close(struct ll_tokenizer *tok)
{
    if (!tok)
        return;
    ll_bpe_free(&tok->bpe);
    ll_spm_free(&tok->spm);
    ll_unigram_free(&tok->unigram);
    ll_gguf_vocab_free(&tok->gguf);
    ll_vocab_free(&tok->vocab);
    ll_vocab_free(&tok->decoded);
    ll_added_free(&tok->added);
    steps_free(&tok->normalizer);
    steps_free(&tok->pretok);
    steps_free(&tok->decoder);
    ll_ids_free(&tok->before);
    ll_ids_free(&tok->after);
    free(tok->kind);
    free(tok->bos_policy);
    free(tok->files);
    free(tok);
}

/* Special tokens come first where two have the same text. Normalized ones are looked for, and decoded, in
 * normalized form. */
static int fill_tries(struct ll_tokenizer *tok, struct ll_err *err)
{
    struct ll_scratch x = {0};
    struct ll_buf content = {0};
    struct ll_added *a = &tok->added;
    int rc = LL_OK, old;
    for (int special = 1; special >= 0; special--)
        for (size_t i = 0; i < a->n && !rc; i++) {
            const struct ll_added_token *t = &a->v[i];
            if (t->special != special)
                continue;
            if (!t->normalized) {
                rc = ll_trie_add(&a->raw, a->pool.s + t->off, t->len, (int)i, err);
                continue;
            }
            rc = ll_normalize(&tok->normalizer, a->pool.s + t->off, t->len, &x, &content, err);
            if (!rc)
                rc = ll_trie_add(&a->normalized, ll_buf_str(&content), content.len, (int)i, err);
            if (!rc && (content.len != t->len || memcmp(ll_buf_str(&content), a->pool.s + t->off, t->len))
                && ll_vocab_add(&tok->decoded, ll_buf_str(&content), content.len, t->id, &old) < 0)
                rc = ll_fail_mem(err, "added tokens", content.len);
        }
    ll_buf_free(&content);
    ll_scratch_free(&x);
    return rc;
}

int ll_tokenizer_ready(struct ll_tokenizer *tok, struct ll_err *err)
{
    int rc = ll_bpe_ready(&tok->bpe, err);
    return rc ? rc : fill_tries(tok, err);
}

int ll_tokenizer_open_mem(struct ll_tokenizer **out, const char *name, const char *json, size_t n,
                          const char *config, size_t config_n, struct ll_err *err)
{
    struct ll_token_config c = {0};
    struct ll_buf text = {.s = (char *)(uintptr_t)config, .len = config_n}; /* read only */
    const struct ll_config_texts texts = {.tokenizer_config = config ? &text : NULL};
    int rc = ll_token_config_read(&c, &texts, err);
    *out = NULL;
    struct ll_tokenizer *tok = rc ? NULL : ll_tokenizer_new(err);
    if (tok && !(rc = ll_tokenizer_read(tok, name, json, n, &c, err)))
        *out = tok;
    else
        ll_tokenizer_close(tok);
    ll_token_config_free(&c);
    return rc || *out ? rc : LL_EFAIL;
}

/* ---- encoding -------------------------------------------------------------------------------- */

static int encode_plain(const struct ll_tokenizer *tok, struct ll_scratch *x, const char *s, size_t n,
                        int at_start, struct ll_ids *ids, struct ll_err *err)
{
    int rc = ll_pretokenize(&tok->pretok, s, n, at_start, x, err);
    for (size_t i = 0; i < x->a.spans.n && !rc; i++)
        rc = tok->model->encode(tok, x, x->a.text.s + x->a.spans.v[i].start,
                                x->a.spans.v[i].end - x->a.spans.v[i].start, ids, err);
    return rc;
}

/* Text between raw added tokens. */
struct stretch {
    const char *s;
    size_t n;
    int at_start; /* of the whole text */
    int as_text;  /* special tokens in it are ordinary text */
};

/* Normalize a stretch, cut out the normalized added tokens, encode the rest. */
static int encode_stretch(const struct ll_tokenizer *tok, struct ll_scratch *x, const struct stretch *part,
                          struct ll_ids *ids, struct ll_err *err)
{
    struct ll_buf text = {0};
    int rc = ll_normalize(&tok->normalizer, part->s, part->n, x, &text, err);
    const size_t front = x->front;
    if (!rc)
        rc = ll_added_find(&tok->added, &tok->added.normalized, ll_buf_str(&text), text.len, part->as_text,
                           &x->inner, err);
    for (size_t i = 0; !rc && i < x->inner.n; i++) {
        struct ll_hit h = x->inner.v[i];
        if (h.id >= 0)
            rc = ll_ids_add(ids, h.id, err);
        else
            rc = encode_plain(tok, x, text.s + h.start, h.end - h.start, part->at_start && h.start < front,
                              ids, err);
    }
    ll_buf_free(&text);
    return rc;
}

int ll_tokenizer_encode(const struct ll_tokenizer *tok, const char *text, size_t n, int flags,
                        struct ll_ids *ids, struct ll_err *err)
{
    struct ll_scratch x = {0};
    int as_text = (flags & LL_ENC_SPECIAL_AS_TEXT) != 0, rc = LL_OK, kept = ids->n;
    size_t good = n ? ll_utf8_check(text, n) : 0;
    if (good < n)
        return ll_fail(err, LL_EUSAGE, "text: expected UTF-8, found byte 0x%02X at offset %zu",
                       (unsigned char)text[good], good);
    for (int i = 0; (flags & LL_ENC_BOS) && i < tok->before.n && !rc; i++)
        rc = ll_ids_add(ids, tok->before.v[i], err);
    if (!rc)
        rc = tok->container->cut(tok, text, n, as_text, &x.hits, err);
    for (size_t i = 0; !rc && i < x.hits.n; i++) {
        const struct ll_hit *h = &x.hits.v[i];
        if (h->id >= 0)
            rc = ll_ids_add(ids, h->id, err);
        else
            rc = encode_stretch(tok, &x,
                                &(struct stretch){text + h->start, h->end - h->start, h->start == 0, as_text},
                                ids, err);
    }
    for (int i = 0; (flags & LL_ENC_BOS) && i < tok->after.n && !rc; i++)
        rc = ll_ids_add(ids, tok->after.v[i], err);
    ll_scratch_free(&x);
    if (rc)
        ids->n = kept;
    return rc;
}

/* ---- decoding and looking up ----------------------------------------------------------------- */

const char *ll_tokenizer_piece(const struct ll_tokenizer *tok, int id, size_t *n)
{
    const char *s = ll_vocab_piece(&tok->vocab, id, n);
    return s ? s : ll_vocab_piece(&tok->bpe.vocab, id, n);
}

static int json_cut(const struct ll_tokenizer *tok, const char *s, size_t n, int as_text,
                    struct ll_hits *hits, struct ll_err *err)
{
    return ll_added_find(&tok->added, &tok->added.raw, s, n, as_text, hits, err);
}

static int json_is_special(const struct ll_tokenizer *tok, int id)
{
    return ll_added_is_special(&tok->added, id);
}

static int json_decode(const struct ll_tokenizer *tok, const int *ids, int n, int skip_special,
                       struct ll_buf *out, struct ll_err *err)
{
    struct ll_buf text = {0};
    struct ll_spans tokens = {0};
    int rc = LL_OK;
    for (int i = 0; i < n && !rc; i++) {
        size_t len, start = text.len;
        const char *s = ll_vocab_piece(&tok->decoded, ids[i], &len);
        int id = s ? ll_vocab_find(&tok->vocab, s, len)
                   : ids[i]; /* the reference skips what is spelled like a special token */
        if (!s)
            s = ll_tokenizer_piece(tok, ids[i], &len);
        if (!s || (skip_special && ll_tokenizer_is_special(tok, id)))
            continue;
        ll_buf_add(&text, s, len);
        rc = ll_spans_add(&tokens, start, text.len, 0, err);
    }
    if (!rc)
        rc = ll_buf_ok(&text, err);
    if (!rc && tokens.n)
        rc = ll_decode(tok, &tokens, ll_buf_str(&text), out, err);
    ll_buf_free(&text);
    ll_spans_free(&tokens);
    return rc;
}

static void json_bytes(const struct ll_tokenizer *tok, int id, struct ll_buf *out)
{
    size_t n;
    const char *s = ll_tokenizer_piece(tok, id, &n);
    if (s)
        ll_token_bytes(tok, s, n, out);
}
const struct ll_container ll_json_container = {json_cut, json_decode, json_bytes, json_is_special};

static int gguf_cut(const struct ll_tokenizer *tok, const char *s, size_t n, int as_text,
                    struct ll_hits *hits, struct ll_err *err)
{
    return ll_gguf_vocab_cut(&tok->gguf, s, n, as_text, hits, err);
}

static int gguf_decode(const struct ll_tokenizer *tok, const int *ids, int n, int skip_special,
                       struct ll_buf *out, struct ll_err *err)
{
    return ll_gguf_vocab_decode(&tok->gguf, ids, n, skip_special, out, err);
}

static void gguf_bytes(const struct ll_tokenizer *tok, int id, struct ll_buf *out)
{
    ll_gguf_vocab_bytes(&tok->gguf, id, out);
}

static int gguf_is_special(const struct ll_tokenizer *tok, int id)
{
    return id >= 0 && (size_t)id < tok->gguf.n && (tok->gguf.attr[id] & LL_TOKEN_SPECIAL);
}
const struct ll_container ll_gguf_container = {gguf_cut, gguf_decode, gguf_bytes, gguf_is_special};

int ll_tokenizer_decode(const struct ll_tokenizer *tok, const int *ids, int n, int skip_special,
                        struct ll_buf *out, struct ll_err *err)
{
    return tok->container->decode(tok, ids, n, skip_special, out, err);
}

void ll_tokenizer_bytes(const struct ll_tokenizer *tok, int id, struct ll_buf *out)
{
    tok->container->bytes(tok, id, out);
}

void ll_tokenizer_show(const struct ll_tokenizer *tok, int id, struct ll_buf *out)
{
    struct ll_buf bytes = {0};
    if (!ll_tokenizer_piece(tok, id, NULL)) {
        ll_buf_addf(out, "<id %d>", id);
        return;
    }
    size_t n;
    const char *piece = ll_tokenizer_piece(tok, id, &n);
    ll_tokenizer_bytes(tok, id, &bytes);
    if (bytes.len)
        ll_put_lossy(out, bytes.s, bytes.len);
    else /* an unused token of a GGUF: its name tells more than nothing */
        ll_buf_add(out, piece, n);
    out->failed |= bytes.failed;
    ll_buf_free(&bytes);
}

void ll_token_show(const struct ll_tokenizer *tok, int id, struct ll_buf *out)
{
    if (tok)
        ll_tokenizer_show(tok, id, out);
    else
        ll_buf_addf(out, "<id %d>", id);
}

int ll_tokenizer_id(const struct ll_tokenizer *tok, const char *piece, size_t n)
{
    int id = ll_vocab_find(&tok->vocab, piece, n);
    return id >= 0 ? id : ll_vocab_find(&tok->bpe.vocab, piece, n);
}

int ll_tokenizer_size(const struct ll_tokenizer *tok)
{
    return (int)(tok->vocab.n_ids > tok->bpe.vocab.n_ids ? tok->vocab.n_ids : tok->bpe.vocab.n_ids);
}

int ll_tokenizer_is_special(const struct ll_tokenizer *tok, int id)
{
    return tok->container->is_special(tok, id);
}
const char *ll_tokenizer_kind(const struct ll_tokenizer *tok) { return tok->kind; }
const char *ll_tokenizer_files(const struct ll_tokenizer *tok) { return tok->files ? tok->files : ""; }
const char *ll_tokenizer_bos_policy(const struct ll_tokenizer *tok) { return tok->bos_policy; }
