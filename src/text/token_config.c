/* token_config.c - see token_config.h */
#include "token_config.h"

#include "grow.h"
#include "literal.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CONFIG_ID = 1 << 30 };

static const char *const role_keys[LL_N_ROLES] = {
    [LL_ROLE_BOS] = "bos_token",   [LL_ROLE_EOS] = "eos_token", [LL_ROLE_UNK] = "unk_token",
    [LL_ROLE_SEP] = "sep_token",   [LL_ROLE_PAD] = "pad_token", [LL_ROLE_CLS] = "cls_token",
    [LL_ROLE_MASK] = "mask_token",
};

const char *ll_token_text(const struct ll_token_config *c, const struct ll_named_token *t)
{
    return ll_buf_str(&c->pool) + t->t.off;
}

static int keep_text(struct ll_token_config *c, const char *s, size_t n, struct ll_added_token *t,
                     struct ll_err *err)
{
    t->off = (uint32_t)c->pool.len;
    t->len = (uint32_t)n;
    ll_buf_add(&c->pool, s, n);
    ll_buf_addc(&c->pool, 0);
    return ll_buf_ok(&c->pool, err);
}

int ll_named_add(struct ll_token_config *c, struct ll_named_tokens *list, const char *s, size_t n,
                 const struct ll_added_token *flags, struct ll_err *err)
{
    if (list->n == list->cap) {
        struct ll_named_token *v = ll_grow(list->v, &list->cap, sizeof *v, 16, "special tokens", err);
        if (!v)
            return LL_EFAIL;
        list->v = v;
    }
    struct ll_named_token *t = &list->v[list->n++];
    *t = (struct ll_named_token){LL_SAID, *flags};
    return keep_text(c, s, n, &t->t, err);
}

/* ---- the object of a token ------------------------------------------------------------------- */

int ll_read_added_object(struct ll_js *js, long long max_id, struct ll_buf *content, struct ll_added_token *t,
                         int *has_id)
{
    enum { SINGLE_WORD, LSTRIP, RSTRIP, NORMALIZED, SPECIAL, N_FLAGS };
    static const char *const names[N_FLAGS] = {"single_word", "lstrip", "rstrip", "normalized", "special"};
    int value[N_FLAGS] = {[NORMALIZED] = -1}, first = 1, more, has_content = 0, rc = ll_js_open(js, '{');
    const char *key, *s;
    size_t n, sn;
    long long id = 0;
    ll_buf_reset(content);
    *has_id = 0;
    while (!rc && (more = ll_js_key(js, &first, &key, &n))) {
        int k = 0;
        if (more < 0)
            return more;
        while (k < N_FLAGS && (strlen(names[k]) != n || memcmp(names[k], key, n)))
            k++;
        if (k < N_FLAGS) {
            rc = ll_js_null(js) ? LL_OK : ll_js_bool(js, &value[k]);
        } else if (LL_IS(key, n, "id")) {
            rc = ll_js_int(js, 0, max_id, &id);
            *has_id = 1;
        } else if (LL_IS(key, n, "content")) {
            if (!(rc = ll_js_string(js, &s, &sn)))
                ll_buf_reset(content), ll_buf_add(content, s, sn), has_content = 1;
        } else {
            rc = ll_js_skip(js, NULL, NULL);
        }
    }
    *t = (struct ll_added_token){.id = (int)id,
                                 .single_word = value[SINGLE_WORD] > 0,
                                 .lstrip = value[LSTRIP] > 0,
                                 .rstrip = value[RSTRIP] > 0,
                                 .special = value[SPECIAL] > 0};
    t->normalized = value[NORMALIZED] < 0 ? !t->special : value[NORMALIZED] > 0;
    if (!rc && !has_content)
        return ll_js_fail(js, LL_EUSAGE, "expected an added token with its content, found no content");
    return rc ? rc : ll_buf_ok(content, js->err);
}

/* A token written as a string or as an object. Anything else is passed over (*found 0). is_special: special,
 * whatever the object says. */
static int read_token(struct ll_js *js, struct ll_buf *content, struct ll_added_token *t, int is_special,
                      int *found)
{
    const char *s;
    size_t n;
    int has_id, rc;
    char c = ll_js_peek(js);
    *found = c == '"' || c == '{';
    if (!*found)
        return ll_js_skip(js, NULL, NULL);
    if (c == '{') {
        rc = ll_read_added_object(js, MAX_CONFIG_ID, content, t, &has_id);
        t->special |= is_special;
        return rc;
    }
    if ((rc = ll_js_string(js, &s, &n)))
        return rc;
    ll_buf_reset(content);
    ll_buf_add(content, s, n);
    *t = (struct ll_added_token){.special = 1};
    return ll_buf_ok(content, js->err);
}

/* ---- files ----------------------------------------------------------------------------------- */

struct source {
    struct ll_token_config *c;
    struct ll_js js;
    struct ll_buf content;
    int is_map; /* special_tokens_map.json: its objects are special, and what it names overrides */
};

static int read_role(struct source *r, enum ll_token_role role)
{
    struct ll_named_token *t = &r->c->role[role];
    int found, rc;
    if (ll_js_null(&r->js))
        return t->said = LL_SAID_NULL, LL_OK;
    if ((rc = read_token(&r->js, &r->content, &t->t, r->is_map, &found)) || !found)
        return rc;
    t->said = LL_SAID;
    return keep_text(r->c, ll_buf_str(&r->content), r->content.len, &t->t, r->js.err);
}

/* extra_special_tokens: a list, or an object whose values are further named tokens. additional_special_tokens
 * is its old name, which counts where the new one has nothing; null in tokenizer_config.json counts, too: the
 * map's list is not used then. */
static int read_extra(struct source *r, int old)
{
    struct ll_named_tokens *list = &r->c->extra;
    struct ll_added_token t;
    const char *key;
    size_t n, before = list->n;
    int first = 1, more = 0, found, rc;
    char c = ll_js_peek(&r->js);
    if (ll_js_null(&r->js))
        return r->c->has_extra |= !r->is_map, LL_OK;
    if ((c != '[' && c != '{') || (old && (r->is_map ? r->c->has_extra : before > 0)))
        return ll_js_skip(&r->js, NULL, NULL);
    if ((rc = ll_js_open(&r->js, c)))
        return rc;
    while (!rc && (more = c == '[' ? ll_js_item(&r->js, &first) : ll_js_key(&r->js, &first, &key, &n)) > 0) {
        rc = read_token(&r->js, &r->content, &t, 1, &found);
        if (!rc && found)
            rc = ll_named_add(r->c, c == '[' ? list : &r->c->other, ll_buf_str(&r->content), r->content.len,
                              &t, r->js.err);
    }
    if (!old && list->n > before && before && r->c->extra_is_old) {
        memmove(list->v, list->v + before, (list->n - before) * sizeof *list->v);
        list->n -= before;
    }
    r->c->extra_is_old = old && list->n;
    r->c->has_extra |= c == '[' && !(old && r->is_map);
    return rc ? rc : more;
}

static int id_of(const char *key, size_t n)
{
    long long id = n ? 0 : -1;
    for (size_t i = 0; i < n && id >= 0; i++)
        id = key[i] >= '0' && key[i] <= '9' && id <= MAX_CONFIG_ID ? id * 10 + (key[i] - '0') : -1;
    return id > MAX_CONFIG_ID ? -1 : (int)id;
}

/* {"480": {"content": "<x>", ...}, ...} */
static int read_decoder(struct source *r)
{
    struct ll_added_token t;
    const char *key;
    size_t n;
    int first = 1, more = 0, has_id, rc;
    r->c->has_decoder = 1;
    if (ll_js_null(&r->js))
        return LL_OK;
    rc = ll_js_open(&r->js, '{');
    while (!rc && (more = ll_js_key(&r->js, &first, &key, &n)) > 0) {
        int id = id_of(key, n);
        if (id < 0)
            return ll_js_fail(&r->js, LL_EUSAGE, "expected ids as keys, found \"%.*s\"", n > 40 ? 40 : (int)n,
                              key);
        if (!(rc = ll_read_added_object(&r->js, MAX_CONFIG_ID, &r->content, &t, &has_id))) {
            t.id = id;
            rc = ll_named_add(r->c, &r->c->decoder, ll_buf_str(&r->content), r->content.len, &t, r->js.err);
        }
    }
    return rc ? rc : more;
}

static int read_switch(struct source *r, struct ll_switch *sw)
{
    if (ll_js_null(&r->js))
        return sw->said = LL_SAID_NULL, LL_OK;
    int rc = ll_js_bool(&r->js, &sw->on);
    sw->said = rc ? LL_UNSAID : LL_SAID;
    return rc;
}

static int read_name(struct source *r, struct ll_buf *name)
{
    const char *s;
    size_t n;
    if (ll_js_peek(&r->js) != '"')
        return ll_js_skip(&r->js, NULL, NULL);
    int rc = ll_js_string(&r->js, &s, &n);
    ll_buf_reset(name);
    if (!rc)
        ll_buf_add(name, s, n);
    return rc ? rc : ll_buf_ok(name, r->js.err);
}

static int ends_in_token(const char *key, size_t n)
{
    const size_t end = strlen("_token");
    return n > end && LL_BYTES_ARE(key + n - end, "_token");
}

/* One key of tokenizer_config.json or special_tokens_map.json. */
static int read_setting(struct source *r, const char *key, size_t n)
{
    const struct {
        const char *key;
        struct ll_switch *sw;
    } switches[] = {
        {"add_bos_token", &r->c->add_bos},
        {"add_eos_token", &r->c->add_eos},
        {"add_prefix_space", &r->c->add_prefix_space},
        {"legacy", &r->c->legacy},
    };
    struct ll_added_token t;
    int found, rc;
    for (int role = 0; role < LL_N_ROLES; role++)
        if (strlen(role_keys[role]) == n && !memcmp(role_keys[role], key, n))
            return read_role(r, role);
    for (size_t i = 0; i < sizeof switches / sizeof switches[0] && !r->is_map; i++)
        if (strlen(switches[i].key) == n && !memcmp(switches[i].key, key, n))
            return r->js.where = switches[i].key, read_switch(r, switches[i].sw);
    if (LL_IS(key, n, "extra_special_tokens") || LL_IS(key, n, "additional_special_tokens"))
        return read_extra(r, *key == 'a');
    if (LL_IS(key, n, "added_tokens_decoder") && !r->is_map)
        return r->js.where = "added_tokens_decoder", read_decoder(r);
    if (LL_IS(key, n, "tokenizer_class") && !r->is_map)
        return read_name(r, &r->c->tokenizer_class);
    if (!ends_in_token(key, n))
        return ll_js_skip(&r->js, NULL, NULL);
    if ((rc = read_token(&r->js, &r->content, &t, 1, &found)) || !found)
        return rc;
    return ll_named_add(r->c, &r->c->other, ll_buf_str(&r->content), r->content.len, &t, r->js.err);
}

/* config.json: the kind of model, and the class where tokenizer_config.json names none. */
static int read_model_key(struct source *r, const char *key, size_t n)
{
    if (LL_IS(key, n, "model_type"))
        return read_name(r, &r->c->model_type);
    if (!LL_IS(key, n, "tokenizer_class") || r->c->tokenizer_class.len)
        return ll_js_skip(&r->js, NULL, NULL);
    r->c->class_of_model = 1;
    return read_name(r, &r->c->tokenizer_class);
}

/* added_tokens.json: {"<x>": 480, ...}; special are those named elsewhere. */
static int is_named(const struct ll_token_config *c, const char *s, size_t n)
{
    for (int role = 0; role < LL_N_ROLES; role++)
        if (c->role[role].said == LL_SAID && c->role[role].t.len == n
            && !memcmp(ll_token_text(c, &c->role[role]), s, n))
            return 1;
    for (size_t i = 0; i < c->extra.n; i++)
        if (c->extra.v[i].t.len == n && !memcmp(ll_token_text(c, &c->extra.v[i]), s, n))
            return 1;
    return 0;
}

static int read_added(struct source *r, const char *key, size_t n)
{
    long long id;
    ll_buf_reset(&r->content); /* the key is gone when the id is read */
    ll_buf_add(&r->content, key, n);
    int rc = ll_buf_ok(&r->content, r->js.err), special = is_named(r->c, key, n);
    if (rc || (rc = ll_js_int(&r->js, 0, MAX_CONFIG_ID, &id)))
        return rc;
    const struct ll_added_token t = {.id = (int)id,
                                     .special = (unsigned char)special,
                                     .normalized = !special};
    return ll_named_add(r->c, &r->c->decoder, ll_buf_str(&r->content), r->content.len, &t, r->js.err);
}

static int read_file(struct ll_token_config *c, const char *name, const struct ll_buf *text, int is_map,
                     int (*setting)(struct source *r, const char *key, size_t n), struct ll_err *err)
{
    struct source r = {.c = c, .is_map = is_map};
    const char *key;
    size_t n;
    int first = 1, more, rc;
    if (!text)
        return LL_OK;
    ll_js_init(&r.js, name, ll_buf_str(text), text->len, err);
    rc = ll_js_open(&r.js, '{');
    while (!rc && (more = ll_js_key(&r.js, &first, &key, &n))) {
        rc = more < 0 ? more : setting(&r, key, n);
        r.js.where = "";
    }
    if (!rc)
        rc = ll_js_end(&r.js);
    ll_js_free(&r.js);
    ll_buf_free(&r.content);
    ll_buf_addf(&c->files, ", %s", name);
    return rc ? rc : ll_buf_ok(&c->files, err);
}

static int by_id(const void *a, const void *b)
{
    const struct ll_named_token *x = a, *y = b;
    if (x->t.id != y->t.id)
        return x->t.id < y->t.id ? -1 : 1;
    return x->t.off < y->t.off ? -1 : 1; /* in order of the file */
}

/* By rising id; of equal ids the last stays. */
static void sort_decoder(struct ll_named_tokens *list)
{
    size_t n = 0;
    if (list->n)
        qsort(list->v, list->n, sizeof *list->v, by_id);
    for (size_t i = 0; i < list->n; i++)
        if (i + 1 == list->n || list->v[i + 1].t.id != list->v[i].t.id)
            list->v[n++] = list->v[i];
    list->n = n;
}

int ll_token_config_read(struct ll_token_config *c, const struct ll_config_texts *texts, struct ll_err *err)
{
    int rc = read_file(c, "tokenizer_config.json", texts->tokenizer_config, 0, read_setting, err);
    if (!rc && !c->has_decoder)
        rc = read_file(c, "special_tokens_map.json", texts->special_tokens_map, 1, read_setting, err);
    if (!rc && !c->has_decoder) {
        c->from_added_file = texts->added_tokens != NULL;
        rc = read_file(c, "added_tokens.json", texts->added_tokens, 0, read_added, err);
    }
    if (!rc)
        rc = read_file(c, "config.json", texts->config, 0, read_model_key, err);
    sort_decoder(&c->decoder);
    return rc;
}

void ll_token_config_free(struct ll_token_config *c)
{
    ll_buf_free(&c->pool);
    free(c->decoder.v);
    free(c->other.v);
    free(c->extra.v);
    ll_buf_free(&c->tokenizer_class);
    ll_buf_free(&c->model_type);
    ll_buf_free(&c->files);
    memset(c, 0, sizeof *c);
}
