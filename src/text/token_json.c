/* token_json.c - tokenizer.json (and tokenizer_config.json) -> tables and settings.
 *
 * The tables (model.vocab, model.merges, added_tokens) are read as a stream (tables_json.c), the four small sections as
 * trees (sections_json.c). The file is hostile: whatever does not fit is refused with file, key, expected and found. */
#include "reader.h"

#include <limits.h>
#include <string.h>

enum { MIN_ID_BOUND = 1 << 20 }; /* ids may be sparse, but not beyond this or the file's size, whichever is more */

int ll_reader_equal(const char *s, size_t n, const char *word) { return n == strlen(word) && !memcmp(s, word, n); }

int ll_reader_once(struct reader *r, struct section *sec, const char *key)
{
    if (sec->s)
        return ll_js_fail(&r->js, LL_EUSAGE, "expected \"%s\" once, found it again", key);
    return ll_js_skip(&r->js, &sec->s, &sec->n);
}

static int top_level(struct reader *r, struct section *added, struct section *model)
{
    const struct { const char *key; struct section *sec; } wanted[] = {
        {"added_tokens", added},      {"normalizer", &r->normalizer}, {"pre_tokenizer", &r->pretok},
        {"post_processor", &r->post}, {"decoder", &r->decoder},       {"model", model},
    };
    const size_t n_wanted = sizeof wanted / sizeof wanted[0];
    const char *key;
    size_t n;
    int first = 1, more, rc = ll_js_open(&r->js, '{');
    while (!rc && (more = ll_js_key(&r->js, &first, &key, &n))) {
        size_t k = 0;
        if (more < 0)
            return more;
        while (k < n_wanted && !ll_reader_equal(key, n, wanted[k].key))
            k++;
        if (k < n_wanted && wanted[k].sec == model && !model->s) { /* large: its settings are read in passing */
            r->js.where = "model";
            model->s = r->js.s;
            rc = ll_read_model(r);
            r->js.where = "";
        } else {
            rc = k < n_wanted ? ll_reader_once(r, wanted[k].sec, wanted[k].key) : ll_js_skip(&r->js, NULL, NULL);
        }
    }
    return rc ? rc : ll_js_end(&r->js);
}

/* What the settings file says about BOS: -1 nothing, 0, 1. */
struct bos_config {
    int add_bos;
    char bos[64];
};

static int read_config(const char *s, size_t n, struct bos_config *c, struct ll_err *err)
{
    struct ll_js js;
    const char *key, *text;
    size_t kn, tn;
    int first = 1, more, flag, rc;
    ll_js_init(&js, "tokenizer_config.json", s, n, err);
    rc = ll_js_open(&js, '{');
    while (!rc && (more = ll_js_key(&js, &first, &key, &kn))) {
        if (more < 0) {
            rc = more;
        } else if (ll_reader_equal(key, kn, "add_bos_token")) {
            js.where = "add_bos_token";
            if (!ll_js_null(&js) && !(rc = ll_js_bool(&js, &flag)))
                c->add_bos = flag;
            js.where = "";
        } else if (ll_reader_equal(key, kn, "bos_token") && ll_js_peek(&js) == '"') {
            if (!(rc = ll_js_string(&js, &text, &tn)) && tn < sizeof c->bos)
                memcpy(c->bos, text, tn), c->bos[tn] = 0;
        } else {
            rc = ll_js_skip(&js, NULL, NULL);
        }
    }
    ll_js_free(&js);
    return rc;
}

/* "<s>", "<a> <b>" or "nothing". */
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

static int describe(struct ll_tokenizer *tok, const struct bos_config *c, const char *name, struct ll_err *err)
{
    struct ll_buf kind = {0}, policy = {0};
    int bytes = 0;
    for (size_t i = 0; i < tok->pretok.n; i++)
        bytes |= !strcmp(ll_pretokenizers.kind((size_t)tok->pretok.v[i].kind)->name, "ByteLevel");
    for (size_t i = 0; i < tok->normalizer.n; i++)
        bytes |= !strcmp(ll_normalizers.kind((size_t)tok->normalizer.v[i].kind)->name, "ByteLevel");
    ll_buf_addf(&kind, "%s, %s", tok->model->name, bytes ? "byte level" : tok->bpe.byte_fallback ? "sentencepiece style with byte fallback" : "characters");
    ll_buf_addf(&policy, "%s: post_processor adds ", name);
    if (tok->before.n || tok->after.n) {
        name_ids(tok, &tok->before, &policy);
        ll_buf_adds(&policy, tok->before.n && tok->after.n ? " in front and " : tok->before.n ? " in front" : "");
        name_ids(tok, &tok->after, &policy);
        ll_buf_adds(&policy, tok->after.n ? " at the end" : "");
    } else {
        ll_buf_adds(&policy, "nothing");
    }
    if (c->add_bos >= 0 && c->add_bos != (tok->before.n > 0))
        ll_buf_addf(&policy, " (tokenizer_config.json disagrees: add_bos_token %s%s%s; not followed)", c->add_bos ? "true" : "false",
                    *c->bos ? ", bos_token " : "", c->bos);
    if (ll_buf_ok(&kind, err) || ll_buf_ok(&policy, err)) {
        ll_buf_free(&kind);
        ll_buf_free(&policy);
        return LL_EFAIL;
    }
    tok->kind = kind.s;
    tok->bos_policy = policy.s;
    return LL_OK;
}

static int read_all(struct reader *r)
{
    struct section added = {0}, model = {0};
    int rc = top_level(r, &added, &model);
    if (rc)
        return rc;
    if (!model.s)
        return ll_fail(r->js.err, LL_EUSAGE, "%s: expected a \"model\", found none", r->name);
    if ((rc = ll_read_tables(r)))
        return rc;
    if (added.s) {
        r->js.pos = (size_t)(added.s - r->js.s);
        r->js.where = "added_tokens";
        if ((rc = ll_read_added(r)))
            return rc;
    }
    r->js.where = "";
    return ll_read_sections(r);
}

int ll_tokenizer_read(struct ll_tokenizer *tok, const char *name, const char *json, size_t n, const char *config, size_t config_n, struct ll_err *err)
{
    struct reader r = {.tok = tok, .name = name, .unk_id = -1, .max_id = n > MIN_ID_BOUND ? (long long)n : MIN_ID_BOUND};
    struct bos_config c = {.add_bos = -1};
    ll_js_init(&r.js, name, json, n, err);
    int rc = n >= UINT32_MAX ? ll_fail(err, LL_EUNSUP, "%s: %zu bytes are more than the 4 GiB supported", name, n) : read_all(&r);
    ll_js_free(&r.js);
    if (!rc && config)
        rc = read_config(config, config_n, &c, err);
    if (!rc)
        rc = ll_tokenizer_ready(tok, err);
    return rc ? rc : describe(tok, &c, name, err);
}
