/* token_gguf.c - the tokenizer.ggml.* keys of a GGUF file -> tables and settings. Source: llama.cpp
 * (llama-vocab.cpp), whose defaults and corrections are followed; the kinds of model are rows of a table.
 * Everything is copied: the file may be closed. What does not fit is refused with file, key, expected and
 * found. */
#include "gguf.h"
#include "gguf_pre.h"
#include "literal.h"
#include "token_internal.h"
#include "utf8.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY(name) "tokenizer.ggml." name

struct source {
    struct ll_tokenizer *tok;
    const struct ll_gguf *g;
    const char *name; /* of the file, for messages */
    const struct gguf_model *model;
    const struct ll_gguf_pre *pre; /* NULL where the model has none */
    const char *pre_name;
    size_t pre_n;
    struct ll_err *err;
};

struct gguf_model {
    const char *name;
    const char *pre; /* the value that stands for every file of this model, or NULL: the key decides */
    int has_scores, has_merges, has_pre;
    int add_bos, force_bos, space_prefix; /* defaults; force: the key does not count */
    int bos, eos;                         /* default ids, -1: none */
    const char *kind;
};
static const struct gguf_model models[] = {
    {"llama", NULL, 1, 0, 0, 1, 0, 1, 1, 2, "merges by score, sentencepiece style with byte fallback"},
    {"gpt2", NULL, 0, 1, 1, 0, 0, 0, 11, 11, "BPE, byte level"},
    {"gemma4", "gemma4", 0, 1, 1, 0, 1, 0, -1, -1, "BPE, sentencepiece style with byte fallback"},
};

static int bad(const struct source *r, const char *key, const char *expected)
{
    return ll_fail(r->err, LL_EUSAGE, "%s: tokenizer.ggml.%s: expected %s", r->name, key, expected);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static int add_tokens(struct source *r)
{
    const struct ll_gguf_kv *kv = ll_gguf_find(r->g, KEY("tokens"));
    struct ll_vocab *v = &r->tok->bpe.vocab;
    const char *s;
    size_t n;
    int id = 0, old;
    if (!kv || !kv->is_array || kv->type != LL_GGUF_STR || !kv->n || kv->n >= INT_MAX / 2)
        return bad(r, "tokens", "an array of strings");
    for (struct ll_gguf_iter it = ll_gguf_iter(kv); ll_gguf_next(&it, &s, &n); id++) {
        char empty[32];
        size_t good = n ? ll_utf8_check(s, n) : 0;
        if (good < n)
            return ll_fail(
                r->err, LL_EUSAGE,
                "%s: tokenizer.ggml.tokens: token %d: expected UTF-8, found byte 0x%02X at offset %zu",
                r->name, id, (unsigned char)s[good], good);
        if (!n)
            s = empty, n = (size_t)snprintf(empty, sizeof empty, "[EMPTY_%d]", id);
        int added = ll_vocab_add(v, s, n, id, &old);
        if (added < 0)
            return ll_fail_mem(r->err, "vocabulary", n);
        if (added)
            return ll_fail(r->err, LL_EUSAGE,
                           "%s: tokenizer.ggml.tokens: expected each token once, found \"%.*s\" as %d and %d",
                           r->name, n > 60 ? 60 : (int)n, s, old, id);
    }
    r->tok->gguf.vocab = v;
    r->tok->gguf.n = (size_t)id;
    return LL_OK;
}

/* One number for each token. */
static int parallel(struct source *r, const char *key, const char *full_key, int required,
                    const struct ll_gguf_kv **kv)
{
    *kv = ll_gguf_find(r->g, full_key);
    if (!*kv && !required)
        return LL_OK;
    if (!*kv || !(*kv)->is_array || (*kv)->type == LL_GGUF_STR)
        return bad(r, key, "an array of numbers");
    if ((*kv)->n != r->tok->gguf.n)
        return ll_fail(r->err, LL_EUSAGE,
                       "%s: tokenizer.ggml.%s: expected one for each of the %zu tokens, found %llu", r->name,
                       key, r->tok->gguf.n, (unsigned long long)(*kv)->n);
    return LL_OK;
}

static int add_scores(struct source *r)
{
    const struct ll_gguf_kv *kv;
    struct ll_spm *spm = &r->tok->spm;
    size_t n = r->tok->gguf.n;
    int rc = parallel(r, "scores", KEY("scores"), 1, &kv);
    if (rc)
        return rc;
    spm->vocab = &r->tok->bpe.vocab;
    if (!(spm->score = malloc(n * sizeof *spm->score)))
        return ll_fail_mem(r->err, "scores", n * sizeof *spm->score);
    for (size_t i = 0; i < n; i++) {
        double x;
        if (!ll_gguf_num(kv, i, &x) || isnan(x))
            return ll_fail(r->err, LL_EUSAGE, "%s: tokenizer.ggml.scores: token %zu: expected a number",
                           r->name, i);
        spm->score[i] = (float)x;
    }
    ll_spm_ready(spm);
    return LL_OK;
}

static int add_types(struct source *r)
{
    static const unsigned char attr_of[] = {0,
                                            LL_TOKEN_NORMAL,
                                            LL_TOKEN_UNKNOWN,
                                            LL_TOKEN_CONTROL,
                                            LL_TOKEN_USER,
                                            LL_TOKEN_UNUSED,
                                            LL_TOKEN_BYTE};
    const struct ll_gguf_kv *kv;
    struct ll_gguf_vocab *v = &r->tok->gguf;
    int rc = parallel(r, "token_type", KEY("token_type"), 0, &kv);
    if (rc)
        return rc;
    if (!(v->attr = malloc(v->n)))
        return ll_fail_mem(r->err, "token types", v->n);
    for (size_t i = 0; i < v->n; i++) {
        int64_t type = 1;
        if (kv && !ll_gguf_int(kv, i, &type))
            return bad(r, "token_type", "an array of whole numbers");
        v->attr[i] = type >= 0 && type < (int64_t)sizeof attr_of ? attr_of[type] : 0;
    }
    return LL_OK;
}

static int find_half(struct source *r, const char *s, size_t n, const char *what, int *id)
{
    *id = ll_vocab_find(&r->tok->bpe.vocab, s, n);
    if (*id >= 0)
        return LL_OK;
    return ll_fail(r->err, LL_EUSAGE,
                   "%s: tokenizer.ggml.merges: merge %zu %s \"%.*s\", which is not in tokenizer.ggml.tokens",
                   r->name, r->tok->bpe.n_merges, what, n > 60 ? 60 : (int)n, s);
}

/* "left right": they are separated by the first space after the first character. Results mostly follow each
 * other in the vocabulary. */
static int add_merge(struct source *r, const char *s, size_t n, struct ll_buf *joined, int *last)
{
    const char *gap = n > 1 ? memchr(s + 1, ' ', n - 1) : NULL;
    int left, right, id = *last, rc;
    if (!gap)
        return ll_fail(
            r->err, LL_EUSAGE,
            "%s: tokenizer.ggml.merges: merge %zu: expected two tokens with a space between, found \"%.*s\"",
            r->name, r->tok->bpe.n_merges, n > 60 ? 60 : (int)n, s);
    size_t a = (size_t)(gap - s), b = n - a - 1;
    if ((rc = find_half(r, s, a, "names", &left)) || (rc = find_half(r, gap + 1, b, "names", &right)))
        return rc;
    ll_buf_reset(joined);
    ll_buf_add(joined, s, a);
    ll_buf_add(joined, gap + 1, b);
    const struct ll_vocab *v = &r->tok->bpe.vocab;
    if (!ll_vocab_is(v, id, ll_buf_str(joined), joined->len)
        && !ll_vocab_is(v, ++id, ll_buf_str(joined), joined->len)
        && (rc = find_half(r, ll_buf_str(joined), joined->len, "makes", &id)))
        return rc;
    *last = id;
    return ll_bpe_add_merge(&r->tok->bpe, left, right, id) ? ll_fail_mem(r->err, "merges", n) : LL_OK;
}

static int add_merges(struct source *r)
{
    const struct ll_gguf_kv *kv = ll_gguf_find(r->g, KEY("merges"));
    struct ll_buf joined = {0};
    const char *s;
    size_t n;
    int rc = LL_OK, last = 0;
    if (!kv || !kv->is_array || kv->type != LL_GGUF_STR)
        return bad(r, "merges", "an array of strings");
    for (struct ll_gguf_iter it = ll_gguf_iter(kv); !rc && ll_gguf_next(&it, &s, &n);)
        rc = add_merge(r, s, n, &joined, &last);
    if (!rc)
        rc = ll_buf_ok(&joined, r->err);
    ll_buf_free(&joined);
    return rc;
}

/* ---- settings -------------------------------------------------------------------------------- */

static int read_flag(const struct source *r, const char *key, const char *full_key, int *flag)
{
    const struct ll_gguf_kv *kv = ll_gguf_find(r->g, full_key);
    if (kv && (kv->is_array || !ll_gguf_bool(kv, 0, flag)))
        return bad(r, key, "true or false");
    return LL_OK;
}

/* The id that goes in front or at the end: its key, or llama.cpp's default for the model. */
static int put_id(struct source *r, const char *key, const char *full_key, int fallback, struct ll_ids *ids)
{
    const struct ll_gguf_kv *kv = ll_gguf_find(r->g, full_key);
    int64_t id = fallback;
    if (kv && (kv->is_array || !ll_gguf_int(kv, 0, &id)))
        return bad(r, key, "a token id");
    if (id < 0 || (uint64_t)id >= r->tok->gguf.n)
        return ll_fail(r->err, LL_EUSAGE, "%s: tokenizer.ggml.%s: expected an id below %zu, found %lld",
                       r->name, key, r->tok->gguf.n, (long long)id);
    return ll_ids_add(ids, (int)id, r->err);
}

/* "file: KEY is true: <s> in front", and why when no key says so. */
static int surround(struct source *r)
{
    static const char *const rule_fmt[] = {"%s: %stokenizer.ggml.add_bos_token is %s",
                                           "%s: no %stokenizer.ggml.add_bos_token, default %s"};
    struct ll_tokenizer *tok = r->tok;
    int has_key = ll_gguf_find(r->g, KEY("add_bos_token")) != NULL,
        bos = r->pre ? r->pre->add_bos : r->model->add_bos, eos = 0, rc;
    struct ll_buf b = {0};
    if ((rc = read_flag(r, "add_bos_token", KEY("add_bos_token"), &bos))
        || (rc = read_flag(r, "add_eos_token", KEY("add_eos_token"), &eos)))
        return rc;
    int forced = r->model->force_bos && !bos;
    ll_buf_addf(&b, rule_fmt[!has_key], r->name, "", bos ? "true" : "false");
    if (!has_key)
        ll_buf_addf(&b, " for %s \"%.*s\"", r->pre ? "pre" : "model", r->pre ? (int)r->pre_n : 60,
                    r->pre ? r->pre_name : r->model->name);
    if (forced)
        ll_buf_addf(&b, " but not followed for model \"%s\"", r->model->name);
    bos |= forced;
    if (bos && (rc = put_id(r, "bos_token_id", KEY("bos_token_id"), r->model->bos, &tok->before)))
        goto out;
    if (eos && (rc = put_id(r, "eos_token_id", KEY("eos_token_id"), r->model->eos, &tok->after)))
        goto out;
    ll_buf_adds(&b, bos ? ": " : ": nothing in front");
    if (bos)
        ll_buf_addf(&b, "%s in front", ll_tokenizer_piece(tok, tok->before.v[0], NULL));
    if (eos)
        ll_buf_addf(&b, ", add_eos_token: %s at the end", ll_tokenizer_piece(tok, tok->after.v[0], NULL));
    rc = ll_buf_ok(&b, r->err);
    if (!rc)
        tok->bos_policy = b.s, b = (struct ll_buf){0};
out:
    ll_buf_free(&b);
    return rc;
}

/* A new step of a stage, by the name of its kind. */
/* Spaces are U+2581 in the vocabulary; with prefix, one more goes in front of each stretch. */
static int mark_spaces(struct source *r, int prefix)
{
    struct ll_step *step;
    if (prefix) {
        if (!(step = ll_steps_add(&r->tok->normalizer, &ll_normalizers, "Prepend")))
            return ll_fail_mem(r->err, "normalizer", sizeof *step);
        ll_buf_adds(&step->text, LL_WORD_MARK);
        if (ll_buf_ok(&step->text, r->err))
            return LL_EFAIL;
    }
    if (!(step = ll_steps_add(&r->tok->normalizer, &ll_normalizers, "Replace")))
        return ll_fail_mem(r->err, "normalizer", sizeof *step);
    ll_buf_adds(&step->text, LL_WORD_MARK);
    int rc = ll_buf_ok(&step->text, r->err);
    return rc ? rc : ll_pattern_literal(&step->pattern, LL_LIT(" "), r->err);
}

static int cut_words(struct source *r)
{
    struct ll_steps *steps = &r->tok->pretok;
    int rc = LL_OK;
    for (size_t i = 0; r->pre && r->pre->patterns[i] && !rc; i++) {
        struct ll_step *step = ll_steps_add(steps, &ll_pretokenizers, "Split");
        if (!step)
            return ll_fail_mem(r->err, "pre-tokenizer", sizeof *step);
        rc = ll_gguf_pre_pattern(r->pre->patterns[i], &step->pattern, &step->behavior, r->err);
    }
    if (!rc && r->pre && !r->tok->gguf.marks && !ll_steps_add(steps, &ll_pretokenizers, "ByteLevel"))
        rc = ll_fail_mem(r->err, "pre-tokenizer", sizeof(struct ll_step));
    return rc;
}

/* Which row of patterns; a gpt2 file without one gets the old default, as in llama.cpp. */
static int choose_pre(struct source *r)
{
    const char *fixed = r->model->pre;
    const struct ll_gguf_kv *kv = ll_gguf_find(r->g, KEY("pre"));
    r->pre_name = "default";
    r->pre_n = 7;
    if (!r->model->has_pre)
        return LL_OK;
    if (fixed)
        r->pre_name = fixed, r->pre_n = strlen(fixed);
    else if (kv && (kv->is_array || !ll_gguf_str(kv, 0, &r->pre_name, &r->pre_n)))
        return bad(r, "pre", "a string");
    if (!r->pre_n)
        r->pre_name = "default", r->pre_n = 7;
    r->pre = ll_gguf_pre(r->pre_name, r->pre_n);
    if (r->pre && (fixed || strcmp(r->pre->names, "gemma4 ")))
        return LL_OK;
    return ll_fail(r->err, LL_EUNSUP, "%s: tokenizer.ggml.pre \"%.*s\" is not supported", r->name,
                   r->pre_n > 60 ? 60 : (int)r->pre_n, r->pre_name);
}

static int choose_model(struct source *r)
{
    const char *s;
    size_t n;
    if (!ll_gguf_get_str(r->g, KEY("model"), &s, &n))
        return ll_fail(r->err, LL_EUSAGE, "%s: no tokenizer: expected a string tokenizer.ggml.model",
                       r->name);
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        if (strlen(models[i].name) == n && !memcmp(models[i].name, s, n))
            r->model = &models[i];
    if (r->model)
        return LL_OK;
    return ll_fail(r->err, LL_EUNSUP,
                   "%s: tokenizer.ggml.model \"%.*s\" is not supported (llama, gpt2 and gemma4 are)", r->name,
                   n > 60 ? 60 : (int)n, s);
}

static int describe(struct source *r)
{
    struct ll_buf b = {0};
    int approximate = r->pre && strstr(r->pre->patterns[0], "[^a-z]") != NULL;
    ll_buf_addf(&b, "GGUF %s", r->model->name);
    if (r->pre && !r->model->pre)
        ll_buf_addf(&b, " (pre %.*s%s)", (int)r->pre_n, r->pre_name,
                    !ll_gguf_find(r->g, KEY("pre")) ? ": no key, the old default, wrong for most models"
                                                    : "");
    ll_buf_addf(&b, ": %s%s", r->model->kind, approximate ? ", pattern approximated as in llama.cpp" : "");
    int rc = ll_buf_ok(&b, r->err);
    if (rc)
        ll_buf_free(&b);
    else
        r->tok->kind = b.s;
    if (!rc && !(r->tok->files = strdup(r->name)))
        rc = ll_fail_mem(r->err, "name", strlen(r->name));
    return rc;
}

static unsigned taken_fims(const struct source *r)
{
    static const char *const keys[] = {LL_FIM_KEYS}, *const old[] = {"prefix", "suffix", "middle",
                                                                     NULL,     NULL,     NULL};
    unsigned taken = 0;
    char key[64];
    for (unsigned k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        snprintf(key, sizeof key, KEY("%s_token_id"), keys[k]);
        int has = ll_gguf_find(r->g, key) != NULL;
        snprintf(key, sizeof key, KEY("%s_token_id"), old[k] ? old[k] : keys[k]);
        taken |= (unsigned)(has || ll_gguf_find(r->g, key) != NULL) << k;
    }
    return taken;
}

static int read_all(struct source *r)
{
    struct ll_tokenizer *tok = r->tok;
    const char *name = NULL;
    size_t name_n = 0;
    int rc, prefix;
    if ((rc = choose_model(r)) || (rc = choose_pre(r)) || (rc = add_tokens(r)) || (rc = add_types(r)))
        return rc;
    prefix = r->model->space_prefix;
    if ((rc = read_flag(r, "add_space_prefix", KEY("add_space_prefix"), &prefix)))
        return rc;
    tok->container = &ll_gguf_container;
    tok->model = ll_gguf_model_kind(r->model->name, strlen(r->model->name));
    tok->bpe.first_wins = tok->bpe.unknown_parts = 1;
    tok->bpe.byte_fallback = r->model->force_bos;
    tok->bpe.ignore_merges = r->pre && r->pre->ignore_merges;
    tok->gguf.marks = !r->model->has_pre || r->model->pre != NULL;
    tok->gguf.strip_first = prefix;
    tok->gguf.clean_spaces = r->pre && !r->pre->keep_spaces;
    if ((r->model->has_scores && (rc = add_scores(r))) || (r->model->has_merges && (rc = add_merges(r))))
        return rc;
    if ((tok->gguf.marks && (rc = mark_spaces(r, prefix && r->model->space_prefix))) || (rc = cut_words(r))
        || (rc = ll_tokenizer_ready(tok, r->err)))
        return rc;
    ll_gguf_get_str(r->g, "general.name", &name, &name_n);
    if ((rc = ll_gguf_vocab_ready(&tok->gguf, taken_fims(r), name, name_n, r->err)) || (rc = surround(r)))
        return rc;
    return describe(r);
}

int ll_tokenizer_open_gguf(struct ll_tokenizer **out, const struct ll_gguf *g, const char *name,
                           struct ll_err *err)
{
    *out = NULL;
    struct ll_tokenizer *tok = calloc(1, sizeof *tok);
    struct source r = {.tok = tok, .g = g, .name = name, .err = err};
    if (!tok)
        return ll_fail_mem(err, "tokenizer", sizeof *tok);
    int rc = read_all(&r);
    if (rc)
        ll_tokenizer_close(tok);
    else
        *out = tok;
    return rc;
}
