/* tables_json.c - the large parts of a tokenizer.json, as a stream: model.vocab, model.merges, added_tokens;
 * and the model's settings between them. */
#include "literal.h"
#include "reader.h"
#include "token_added.h"

#include <string.h>

int ll_read_vocab(struct reader *r)
{
    struct ll_js *js = &r->js;
    const char *s;
    size_t n;
    int first = 1, more, old, rc = ll_js_open(js, '{');
    while (!rc && (more = ll_js_key(js, &first, &s, &n))) {
        long long id;
        if (more < 0)
            return more;
        /* the key may lie in js->text, which a number does not touch */
        if ((rc = ll_js_int(js, 0, r->max_id, &id)))
            return rc;
        int shown = n > 60 ? 60 : (int)n, added = ll_vocab_add(&r->tok->bpe.vocab, s, n, (int)id, &old);
        if (added < 0)
            return ll_fail_mem(js->err, "vocabulary", n);
        if (added == 1)
            return ll_js_fail(js, LL_EUSAGE, "expected each token once, found \"%.*s\" again", shown, s);
        if (added == 2)
            return ll_js_fail(js, LL_EUSAGE, "expected each id once, found %lld again, for \"%.*s\"", id,
                              shown, s);
    }
    return rc;
}

/* Unigram: [["piece", score], ...], ids in that order */
static int read_pieces(struct reader *r)
{
    struct ll_js *js = &r->js;
    struct ll_tokenizer *tok = r->tok;
    const char *s;
    size_t n;
    double score = 0;
    int first = 1, more, old, id = 0, rc = ll_js_open(js, '[');
    for (; !rc && (more = ll_js_item(js, &first)); id++) {
        int in_pair = 1;
        if (more < 0)
            return more;
        if ((rc = ll_js_open(js, '[')) || (rc = ll_js_item(js, &in_pair)) < 0)
            return rc;
        if (!rc || (rc = ll_js_string(js, &s, &n)))
            return rc ? rc : ll_js_fail(js, LL_EUSAGE, "expected a piece and its score, found an empty list");
        int added = ll_vocab_add(&tok->bpe.vocab, s, n, id, &old);
        if (added < 0)
            return ll_fail_mem(js->err, "vocabulary", n);
        if (added)
            return ll_js_fail(js, LL_EUSAGE, "expected each token once, found \"%.*s\" again",
                              n > 60 ? 60 : (int)n, s);
        if ((more = ll_js_item(js, &in_pair)) < 0 || (more && (rc = ll_js_number(js, &score))))
            return more < 0 ? more : rc;
        if (!more || (more = ll_js_item(js, &in_pair)))
            return more < 0
                ? more
                : ll_js_fail(js, LL_EUSAGE, "expected piece %d as a list of a string and a number", id);
        rc = ll_unigram_add(&tok->unigram, score, js->err);
    }
    return rc;
}

static int find_token(struct reader *r, const char *s, size_t n, int *id)
{
    *id = ll_vocab_find(&r->tok->bpe.vocab, s, n);
    if (*id >= 0)
        return LL_OK;
    return ll_js_fail(&r->js, LL_EUSAGE, "merge %zu names \"%.*s\", which is not in model.vocab",
                      r->tok->bpe.n_merges, n > 60 ? 60 : (int)n, s);
}

/* Merges mostly run through the vocabulary in order of the joined tokens: try the last id and the next one
 * first, which lie in the cache. */
static int add_merge(struct reader *r, const char *joined, size_t n, int left, int right)
{
    const struct ll_vocab *v = &r->tok->bpe.vocab;
    int id = r->last_joined, rc = LL_OK;
    if (!ll_vocab_is(v, id, joined, n) && !ll_vocab_is(v, ++id, joined, n))
        rc = find_token(r, joined, n, &id);
    r->last_joined = id;
    if (!rc && ll_bpe_add_merge(&r->tok->bpe, left, right, id))
        rc = ll_fail_mem(r->js.err, "merges", sizeof(struct ll_merge) * r->tok->bpe.n_merges);
    return rc;
}

/* "left right" */
static int merge_string(struct reader *r, struct ll_buf *joined)
{
    const char *s, *gap;
    size_t n;
    int left, right, rc = ll_js_string(&r->js, &s, &n);
    if (rc || (n >= strlen("#version") && LL_BYTES_ARE(s, "#version")))
        return rc;
    gap = memchr(s, ' ', n);
    if (!gap || memchr(gap + 1, ' ', (size_t)(s + n - gap - 1)))
        return ll_js_fail(&r->js, LL_EUSAGE,
                          "expected a merge of two tokens with one space between, found \"%.*s\"",
                          n > 60 ? 60 : (int)n, s);
    size_t a = (size_t)(gap - s), b = n - a - 1;
    if ((rc = find_token(r, s, a, &left)) || (rc = find_token(r, gap + 1, b, &right)))
        return rc;
    ll_buf_reset(joined);
    ll_buf_add(joined, s, a);
    ll_buf_add(joined, gap + 1, b);
    return joined->failed ? ll_buf_ok(joined, r->js.err)
                          : add_merge(r, ll_buf_str(joined), joined->len, left, right);
}

/* ["left", "right"] */
static int merge_pair(struct reader *r, struct ll_buf *joined)
{
    const char *s;
    size_t n;
    int first = 1, more, half[2], count = 0, rc = ll_js_open(&r->js, '[');
    ll_buf_reset(joined);
    while (!rc && (more = ll_js_item(&r->js, &first))) {
        if (more < 0)
            return more;
        if (count == 2)
            break;
        if ((rc = ll_js_string(&r->js, &s, &n)) || (rc = find_token(r, s, n, &half[count])))
            return rc;
        ll_buf_add(joined, s, n);
        count++;
    }
    if (!rc && (count != 2 || r->js.s[r->js.pos - 1] != ']')) /* fewer, or a third one follows */
        return ll_js_fail(&r->js, LL_EUSAGE, "expected merge %zu as a list of two tokens",
                          r->tok->bpe.n_merges);
    if (!rc)
        rc = ll_buf_ok(joined, r->js.err);
    return rc ? rc : add_merge(r, ll_buf_str(joined), joined->len, half[0], half[1]);
}

int ll_reader_merge(struct reader *r, const struct merge_line *m, struct ll_buf *joined)
{
    const struct ll_vocab *v = &r->tok->bpe.vocab;
    int id[2];
    for (int i = 0; i < 2; i++)
        if ((id[i] = ll_vocab_find(v, m->half[i].s, m->half[i].n)) < 0)
            return ll_fail(r->js.err, LL_EUSAGE, "%s: line %zu: expected tokens of %s, found \"%.*s\"",
                           m->file, m->line, r->name, m->half[i].n > 60 ? 60 : (int)m->half[i].n,
                           m->half[i].s);
    ll_buf_reset(joined);
    for (int i = 0; i < 2; i++)
        ll_buf_add(joined, m->half[i].s, m->half[i].n);
    if (joined->failed)
        return ll_buf_ok(joined, r->js.err);
    int joined_id = r->last_joined;
    if (!ll_vocab_is(v, joined_id, joined->s, joined->len)
        && !ll_vocab_is(v, ++joined_id, joined->s, joined->len))
        joined_id = ll_vocab_find(v, joined->s, joined->len);
    if (joined_id < 0)
        return ll_fail(r->js.err, LL_EUSAGE,
                       "%s: line %zu: expected a merge to a token of %s, found \"%.*s\"", m->file, m->line,
                       r->name, joined->len > 60 ? 60 : (int)joined->len, joined->s);
    r->last_joined = joined_id;
    return ll_bpe_add_merge(&r->tok->bpe, id[0], id[1], joined_id)
        ? ll_fail_mem(r->js.err, "merges", sizeof(struct ll_merge) * r->tok->bpe.n_merges)
        : LL_OK;
}

static int read_merges(struct reader *r)
{
    struct ll_buf joined = {0};
    int first = 1, more, rc = ll_js_open(&r->js, '[');
    while (!rc && (more = ll_js_item(&r->js, &first)))
        rc = more < 0 ? more : ll_js_peek(&r->js) == '[' ? merge_pair(r, &joined) : merge_string(r, &joined);
    if (!rc)
        rc = ll_buf_ok(&joined, r->js.err);
    ll_buf_free(&joined);
    return rc;
}

static int read_flag(struct reader *r, int *flag)
{
    return ll_js_null(&r->js) ? LL_OK : ll_js_bool(&r->js, flag);
}

static int read_unk_id(struct reader *r)
{
    long long id = -1;
    int rc = ll_js_null(&r->js) ? LL_OK : ll_js_int(&r->js, 0, r->max_id, &id);
    r->unk_id = (int)id;
    return rc;
}

static int read_unk(struct reader *r)
{
    const char *s;
    size_t n;
    if (ll_js_null(&r->js))
        return LL_OK;
    int rc = ll_js_string(&r->js, &s, &n);
    if (rc)
        return rc;
    ll_buf_reset(&r->tok->bpe.unk_token);
    ll_buf_add(&r->tok->bpe.unk_token, s, n);
    r->tok->bpe.has_unk = 1;
    return ll_buf_ok(&r->tok->bpe.unk_token, r->js.err);
}

/* Settings that change the algorithm: only their neutral values are known. Judged after the type of the
 * model, of which they may be a part. */
static int read_neutral(struct reader *r, const char *key)
{
    const char *s;
    size_t n;
    int rc = ll_js_skip(&r->js, &s, &n);
    if (rc || r->unsupported.s || ll_reader_equal(s, n, "null") || ll_reader_equal(s, n, "\"\"")
        || ll_reader_equal(s, n, "0") || ll_reader_equal(s, n, "0.0"))
        return rc;
    r->unsupported = (struct section){s, n, 0};
    r->unsupported_key = key;
    return LL_OK;
}

/* A table is read when it is met, if it can be (merges need the vocabulary, other models have a list for
 * vocabulary); else its place is kept. */
static int table(struct reader *r, struct section *sec, const char *key, char bracket,
                 int (*read)(struct reader *))
{
    if (sec->s || !bracket || ll_js_peek(&r->js) != bracket)
        return ll_reader_once(r, sec, key);
    r->js.where = key;
    sec->s = r->js.s + r->js.pos;
    sec->read = 1;
    int rc = read(r);
    r->js.where = "model";
    return rc;
}

int ll_read_model(struct reader *r)
{
    struct ll_bpe *bpe = &r->tok->bpe;
    const char *key;
    size_t n;
    int first = 1, more, rc = ll_js_open(&r->js, '{');
    while (!rc && (more = ll_js_key(&r->js, &first, &key, &n))) {
        if (more < 0)
            return more;
        if (ll_reader_equal(key, n, "type"))
            rc = ll_reader_once(r, &r->type, "model.type");
        else if (ll_reader_equal(key, n, "vocab"))
            rc = table(r, &r->vocab, "model.vocab", '{', ll_read_vocab);
        else if (ll_reader_equal(key, n, "merges"))
            rc = table(r, &r->merges, "model.merges", r->vocab.read ? '[' : 0, read_merges);
        else if (ll_reader_equal(key, n, "byte_fallback"))
            rc = read_flag(r, &bpe->byte_fallback);
        else if (ll_reader_equal(key, n, "fuse_unk"))
            rc = read_flag(r, &bpe->fuse_unk);
        else if (ll_reader_equal(key, n, "ignore_merges"))
            rc = read_flag(r, &bpe->ignore_merges);
        else if (ll_reader_equal(key, n, "unk_token"))
            rc = read_unk(r);
        else if (ll_reader_equal(key, n, "unk_id"))
            rc = read_unk_id(r);
        else if (ll_reader_equal(key, n, "dropout"))
            rc = read_neutral(r, "dropout");
        else if (ll_reader_equal(key, n, "continuing_subword_prefix"))
            rc = read_neutral(r, "continuing_subword_prefix");
        else if (ll_reader_equal(key, n, "end_of_word_suffix"))
            rc = read_neutral(r, "end_of_word_suffix");
        else
            rc = ll_js_skip(&r->js, NULL, NULL);
    }
    return rc;
}

static int at_section(struct reader *r, const struct section *sec, const char *where,
                      int (*read)(struct reader *))
{
    r->js.pos = (size_t)(sec->s - r->js.s);
    r->js.where = where;
    return read(r);
}

static int model_kind(struct reader *r)
{
    const char *s;
    size_t n;
    if (!r->type.s) { /* old files: BPE if there are merges */
        r->tok->model = r->merges.s ? ll_model_kind(LL_LIT("BPE")) : NULL;
        return r->tok->model
            ? LL_OK
            : ll_fail(r->js.err, LL_EUSAGE, "%s: model has neither \"type\" nor \"merges\"", r->name);
    }
    r->js.pos = (size_t)(r->type.s - r->js.s);
    r->js.where = "model.type";
    int rc = ll_js_string(&r->js, &s, &n);
    if (rc)
        return rc;
    r->tok->model = ll_model_kind(s, n);
    if (!r->tok->model)
        return ll_fail(r->js.err, LL_EUNSUP, "%s: model.type \"%.*s\" is not supported (BPE and Unigram are)",
                       r->name, n > 60 ? 60 : (int)n, s);
    if (!r->tok->model->encode)
        return ll_fail(r->js.err, LL_EUNSUP, "%s: model.type %s is not supported (BPE and Unigram are)",
                       r->name, r->tok->model->name);
    return LL_OK;
}

static int unigram_tables(struct reader *r)
{
    struct ll_unigram *u = &r->tok->unigram;
    int rc;
    if (!r->vocab.s || r->vocab.read)
        return ll_fail(r->js.err, LL_EUSAGE, "%s: expected model.vocab as a list of pieces with scores",
                       r->name);
    if ((rc = at_section(r, &r->vocab, "model.vocab", read_pieces)))
        return rc;
    if (r->unk_id >= (int)u->n)
        return ll_fail(r->js.err, LL_EUSAGE, "%s: model.unk_id: expected an id below %zu, found %d", r->name,
                       u->n, r->unk_id);
    u->vocab = &r->tok->bpe.vocab;
    u->unk_id = r->unk_id;
    u->byte_fallback = r->tok->bpe.byte_fallback;
    return ll_unigram_ready(u, r->js.err);
}

int ll_read_tables(struct reader *r)
{
    int rc = model_kind(r);
    if (rc)
        return rc;
    if (r->unsupported.s)
        return ll_fail(r->js.err, LL_EUNSUP, "%s: model.%s is %.*s; only null is supported", r->name,
                       r->unsupported_key, r->unsupported.n > 60 ? 60 : (int)r->unsupported.n,
                       r->unsupported.s);
    if (r->tok->model == ll_model_kind(LL_LIT("Unigram")))
        return unigram_tables(r);
    if (!r->vocab.s || !r->merges.s)
        return ll_fail(r->js.err, LL_EUSAGE, "%s: expected model.%s, found none", r->name,
                       r->vocab.s ? "merges" : "vocab");
    if (!r->vocab.read && (rc = at_section(r, &r->vocab, "model.vocab", ll_read_vocab)))
        return rc;
    return r->merges.read ? LL_OK : at_section(r, &r->merges, "model.merges", read_merges);
}

/* ---- added tokens ---------------------------------------------------------------------------- */

static int added_token(struct reader *r, struct ll_adding *adding, struct ll_buf *content)
{
    struct ll_added_token t;
    int has_id, rc = ll_read_added_object(&r->js, r->max_id, content, &t, &has_id);
    if (!rc && !has_id)
        rc = ll_js_fail(&r->js, LL_EUSAGE, "expected id and content of an added token, found no id");
    return rc ? rc : ll_adding_add(adding, r->name, ll_buf_str(content), content->len, &t, r->js.err);
}

int ll_read_added(struct reader *r)
{
    struct ll_adding adding = ll_adding_begin(r->tok);
    struct ll_buf content = {0};
    int first = 1, more, rc = LL_OK;
    if (ll_js_null(&r->js))
        return LL_OK;
    rc = ll_js_open(&r->js, '[');
    while (!rc && (more = ll_js_item(&r->js, &first)))
        rc = more < 0 ? more : added_token(r, &adding, &content);
    if (!rc)
        rc = ll_buf_ok(&content, r->js.err);
    ll_buf_free(&content);
    return rc;
}
