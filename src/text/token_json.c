/* token_json.c - tokenizer.json (and the tokens that the files beside it name) -> tables and settings.
 *
 * The tables (model.vocab, model.merges, added_tokens) are read as a stream (tables_json.c), the four small
 * sections as trees (sections_json.c). The file is hostile: whatever does not fit is refused with file, key,
 * expected and found. */
#include "reader.h"
#include "token_added.h"
#include "token_files.h"

#include <limits.h>
#include <string.h>

enum {
    MIN_ID_BOUND = 1 << 20
}; /* ids may be sparse, but not beyond this or the file's size, whichever is more */

int ll_reader_equal(const char *s, size_t n, const char *word)
{
    return n == strlen(word) && !memcmp(s, word, n);
}

int ll_reader_once(struct reader *r, struct section *sec, const char *key)
{
    if (sec->s)
        return ll_js_fail(&r->js, LL_EUSAGE, "expected \"%s\" once, found it again", key);
    return ll_js_skip(&r->js, &sec->s, &sec->n);
}

static int top_level(struct reader *r, struct section *added, struct section *model)
{
    const struct {
        const char *key;
        struct section *sec;
    } wanted[] = {
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
        if (k < n_wanted && wanted[k].sec == model
            && !model->s) { /* large: its settings are read in passing */
            r->js.where = "model";
            model->s = r->js.s;
            rc = ll_read_model(r);
            r->js.where = "";
        } else {
            rc = k < n_wanted ? ll_reader_once(r, wanted[k].sec, wanted[k].key)
                              : ll_js_skip(&r->js, NULL, NULL);
        }
    }
    return rc ? rc : ll_js_end(&r->js);
}

static int describe(struct ll_tokenizer *tok, const struct ll_token_config *c, const char *name,
                    struct ll_err *err)
{
    const struct ll_named_token *bos = &c->role[LL_ROLE_BOS];
    struct ll_buf policy = {0};
    if (ll_tokenizer_describe_kind(tok, err))
        return LL_EFAIL;
    ll_buf_addf(&policy, "%s: post_processor adds ", name);
    ll_put_policy(tok, &policy);
    if (c->add_bos.said == LL_SAID && c->add_bos.on != (tok->before.n > 0))
        ll_buf_addf(&policy, " (tokenizer_config.json disagrees: add_bos_token %s%s%s; not followed)",
                    c->add_bos.on ? "true" : "false", bos->said == LL_SAID ? ", bos_token " : "",
                    bos->said == LL_SAID ? ll_token_text(c, bos) : "");
    if (ll_buf_ok(&policy, err))
        return ll_buf_free(&policy), LL_EFAIL;
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

long long ll_reader_max_id(size_t file_size)
{
    return file_size > MIN_ID_BOUND ? (long long)file_size : MIN_ID_BOUND;
}

int ll_tokenizer_read(struct ll_tokenizer *tok, const char *name, const char *json, size_t n,
                      const struct ll_token_config *c, struct ll_err *err)
{
    struct reader r = {.tok = tok, .name = name, .unk_id = -1, .max_id = ll_reader_max_id(n)};
    ll_js_init(&r.js, name, json, n, err);
    int rc = n >= UINT32_MAX
        ? ll_fail(err, LL_EUNSUP, "%s: %zu bytes are more than the 4 GiB supported", name, n)
        : read_all(&r);
    ll_js_free(&r.js);
    if (!rc)
        rc = ll_add_configured(tok, c, 1, 0, err);
    if (!rc)
        rc = ll_tokenizer_ready(tok, err);
    return rc ? rc : describe(tok, c, name, err);
}
