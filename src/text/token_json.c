/* token_json.c - tokenizer.json (and tokenizer_config.json) -> tables and settings.
 *
 * The tables (model.vocab, model.merges, added_tokens) are read as a stream; the four small sections as trees. The file is
 * hostile: whatever does not fit is refused with file, key, expected and found. */
#include "json_stream.h"
#include "token_internal.h"
#include "utf8.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECTION_MAX = 1 << 20, /* bytes of normalizer, pre_tokenizer, post_processor, decoder; published ones have under 10 kB */
    STEPS_MAX = 64,
    MIN_ID_BOUND = 1 << 20, /* ids may be sparse, but not beyond this or the file's size, whichever is more */
};

struct section {
    const char *s; /* NULL: absent */
    size_t n;
    int read;      /* already */
};
struct reader {
    struct ll_tokenizer *tok;
    struct ll_js js;
    const char *name;
    long long max_id;
    int last_joined;    /* id of the last merge's result */
    struct section normalizer, pretok, post, decoder, vocab, merges, type;
};

static int equal(const char *s, size_t n, const char *word) { return n == strlen(word) && !memcmp(s, word, n); }

/* ---- model ---- */

static int read_vocab(struct reader *r)
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
            return ll_js_fail(js, LL_EUSAGE, "expected each id once, found %lld again, for \"%.*s\"", id, shown, s);
    }
    return rc;
}

static int find_token(struct reader *r, const char *s, size_t n, int *id)
{
    *id = ll_vocab_find(&r->tok->bpe.vocab, s, n);
    if (*id >= 0)
        return LL_OK;
    return ll_js_fail(&r->js, LL_EUSAGE, "merge %zu names \"%.*s\", which is not in model.vocab", r->tok->bpe.n_merges, n > 60 ? 60 : (int)n, s);
}

/* Merges mostly run through the vocabulary in order of the joined tokens: try the last id and the next one first, which
 * lie in the cache. */
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
    if (rc || (n >= 8 && !memcmp(s, "#version", 8)))
        return rc;
    gap = memchr(s, ' ', n);
    if (!gap || memchr(gap + 1, ' ', (size_t)(s + n - gap - 1)))
        return ll_js_fail(&r->js, LL_EUSAGE, "expected a merge of two tokens with one space between, found \"%.*s\"", n > 60 ? 60 : (int)n, s);
    size_t a = (size_t)(gap - s), b = n - a - 1;
    if ((rc = find_token(r, s, a, &left)) || (rc = find_token(r, gap + 1, b, &right)))
        return rc;
    ll_buf_reset(joined);
    ll_buf_add(joined, s, a);
    ll_buf_add(joined, gap + 1, b);
    return add_merge(r, ll_buf_str(joined), joined->len, left, right);
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
    if (!rc && (count != 2 || first || r->js.s[r->js.pos - 1] != ']'))
        return ll_js_fail(&r->js, LL_EUSAGE, "expected merge %zu as a list of two tokens", r->tok->bpe.n_merges);
    return rc ? rc : add_merge(r, ll_buf_str(joined), joined->len, half[0], half[1]);
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

static int read_flag(struct reader *r, int *flag) { return ll_js_null(&r->js) ? LL_OK : ll_js_bool(&r->js, flag); }

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

/* Settings that change the algorithm: only their neutral values are known. */
static int read_neutral(struct reader *r, const char *key)
{
    const char *s;
    size_t n;
    int rc = ll_js_skip(&r->js, &s, &n);
    if (rc || equal(s, n, "null") || equal(s, n, "\"\"") || equal(s, n, "0") || equal(s, n, "0.0"))
        return rc;
    return ll_fail(r->js.err, LL_EUNSUP, "%s: model.%s is %.*s; only null is supported", r->name, key, n > 60 ? 60 : (int)n, s);
}

static int once(struct reader *r, struct section *sec, const char *key)
{
    if (sec->s)
        return ll_js_fail(&r->js, LL_EUSAGE, "expected \"%s\" once, found it again", key);
    return ll_js_skip(&r->js, &sec->s, &sec->n);
}

/* A table is read when it is met, if it can be (merges need the vocabulary, other models have a list for vocabulary);
 * else its place is kept. */
static int table(struct reader *r, struct section *sec, const char *key, char bracket, int (*read)(struct reader *))
{
    if (sec->s || !bracket || ll_js_peek(&r->js) != bracket)
        return once(r, sec, key);
    r->js.where = key;
    sec->s = r->js.s + r->js.pos;
    sec->read = 1;
    int rc = read(r);
    r->js.where = "model";
    return rc;
}


static int model_settings(struct reader *r)
{
    struct ll_bpe *bpe = &r->tok->bpe;
    const char *key;
    size_t n;
    int first = 1, more, rc = ll_js_open(&r->js, '{');
    while (!rc && (more = ll_js_key(&r->js, &first, &key, &n))) {
        if (more < 0)
            return more;
        if (equal(key, n, "type"))
            rc = once(r, &r->type, "model.type");
        else if (equal(key, n, "vocab"))
            rc = table(r, &r->vocab, "model.vocab", '{', read_vocab);
        else if (equal(key, n, "merges"))
            rc = table(r, &r->merges, "model.merges", r->vocab.read ? '[' : 0, read_merges);
        else if (equal(key, n, "byte_fallback"))
            rc = read_flag(r, &bpe->byte_fallback);
        else if (equal(key, n, "fuse_unk"))
            rc = read_flag(r, &bpe->fuse_unk);
        else if (equal(key, n, "ignore_merges"))
            rc = read_flag(r, &bpe->ignore_merges);
        else if (equal(key, n, "unk_token"))
            rc = read_unk(r);
        else if (equal(key, n, "dropout"))
            rc = read_neutral(r, "dropout");
        else if (equal(key, n, "continuing_subword_prefix"))
            rc = read_neutral(r, "continuing_subword_prefix");
        else if (equal(key, n, "end_of_word_suffix"))
            rc = read_neutral(r, "end_of_word_suffix");
        else
            rc = ll_js_skip(&r->js, NULL, NULL);
    }
    return rc;
}

static int at_section(struct reader *r, const struct section *sec, const char *where, int (*read)(struct reader *))
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
        r->tok->model = r->merges.s ? ll_model_kind("BPE", 3) : NULL;
        return r->tok->model ? LL_OK : ll_fail(r->js.err, LL_EUSAGE, "%s: model has neither \"type\" nor \"merges\"", r->name);
    }
    r->js.pos = (size_t)(r->type.s - r->js.s);
    r->js.where = "model.type";
    int rc = ll_js_string(&r->js, &s, &n);
    if (rc)
        return rc;
    r->tok->model = ll_model_kind(s, n);
    if (!r->tok->model)
        return ll_fail(r->js.err, LL_EUNSUP, "%s: model.type \"%.*s\" is not supported (only BPE is)", r->name, n > 60 ? 60 : (int)n, s);
    if (!r->tok->model->encode)
        return ll_fail(r->js.err, LL_EUNSUP, "%s: model.type %s is not supported (only BPE is)", r->name, r->tok->model->name);
    return LL_OK;
}

static int model_tables(struct reader *r)
{
    int rc = model_kind(r);
    if (rc)
        return rc;
    if (!r->vocab.s || !r->merges.s)
        return ll_fail(r->js.err, LL_EUSAGE, "%s: expected model.%s, found none", r->name, r->vocab.s ? "merges" : "vocab");
    if (!r->vocab.read && (rc = at_section(r, &r->vocab, "model.vocab", read_vocab)))
        return rc;
    return r->merges.read ? LL_OK : at_section(r, &r->merges, "model.merges", read_merges);
}

/* ---- added tokens ---- */

/* Ids as the file says; a token that also lies in the model's vocabulary must agree with it. */
static int add_token(struct reader *r, const struct ll_buf *content, const struct ll_added_token *flags, int has_id)
{
    struct ll_tokenizer *tok = r->tok;
    const char *s = ll_buf_str(content);
    int old, known, shown = content->len > 60 ? 60 : (int)content->len;
    if (!content->len || !has_id)
        return ll_js_fail(&r->js, LL_EUSAGE, "expected id and content of an added token, found %s", has_id ? "no content" : "no id");
    known = ll_vocab_find(&tok->bpe.vocab, s, content->len);
    if (known >= 0 && known != flags->id)
        return ll_js_fail(&r->js, LL_EUSAGE, "added token \"%.*s\": expected its id in model.vocab, %d, found %d", shown, s, known, flags->id);
    int added = ll_vocab_add(&tok->vocab, s, content->len, flags->id, &old);
    if (added < 0)
        return ll_fail_mem(r->js.err, "added tokens", content->len);
    if (added == 1 && old != flags->id)
        return ll_js_fail(&r->js, LL_EUSAGE, "added token \"%.*s\" has two ids: %d and %d", shown, s, old, flags->id);
    if (added == 2)
        return ll_js_fail(&r->js, LL_EUSAGE, "expected each id once, found %d again, for added token \"%.*s\"", flags->id, shown, s);
    return added ? LL_OK : ll_added_add(&tok->added, s, content->len, flags, r->js.err);
}

static int added_token(struct reader *r, struct ll_buf *content)
{
    struct { const char *key; int value; } flag[] = {{"single_word", 0}, {"lstrip", 0}, {"rstrip", 0}, {"normalized", -1}, {"special", 0}};
    const char *key, *s;
    size_t n, sn;
    long long id = 0;
    int first = 1, more, has_id = 0, rc = ll_js_open(&r->js, '{');
    ll_buf_reset(content);
    while (!rc && (more = ll_js_key(&r->js, &first, &key, &n))) {
        size_t k = 0;
        if (more < 0)
            return more;
        while (k < 5 && !equal(key, n, flag[k].key))
            k++;
        if (k < 5) {
            rc = read_flag(r, &flag[k].value);
        } else if (equal(key, n, "id")) {
            rc = ll_js_int(&r->js, 0, r->max_id, &id);
            has_id = 1;
        } else if (equal(key, n, "content")) {
            if (!(rc = ll_js_string(&r->js, &s, &sn)))
                ll_buf_reset(content), ll_buf_add(content, s, sn);
        } else {
            rc = ll_js_skip(&r->js, NULL, NULL);
        }
    }
    struct ll_added_token t = {.id = (int)id, .single_word = flag[0].value > 0, .lstrip = flag[1].value > 0, .rstrip = flag[2].value > 0, .special = flag[4].value > 0};
    t.normalized = flag[3].value < 0 ? !t.special : flag[3].value > 0;
    return rc ? rc : add_token(r, content, &t, has_id);
}

static int read_added(struct reader *r)
{
    struct ll_buf content = {0};
    int first = 1, more, rc = LL_OK;
    if (ll_js_null(&r->js))
        return LL_OK;
    rc = ll_js_open(&r->js, '[');
    while (!rc && (more = ll_js_item(&r->js, &first)))
        rc = more < 0 ? more : added_token(r, &content);
    if (!rc)
        rc = ll_buf_ok(&content, r->js.err);
    ll_buf_free(&content);
    return rc;
}

/* ---- the small sections ---- */

static int tree_of(struct reader *r, const struct section *sec, const char *key, cJSON **tree)
{
    *tree = NULL;
    if (!sec->s || equal(sec->s, sec->n, "null"))
        return LL_OK;
    if (sec->n > SECTION_MAX)
        return ll_fail(r->js.err, LL_EUNSUP, "%s: %s has %zu bytes, more than the %d supported", r->name, key, sec->n, SECTION_MAX);
    for (size_t i = 0; i + 6 <= sec->n; i++)
        if (!memcmp(sec->s + i, "\\u0000", 6)) /* cJSON strings end at a NUL */
            return ll_fail(r->js.err, LL_EUNSUP, "%s: %s holds a NUL character, which is not supported", r->name, key);
    *tree = cJSON_ParseWithLength(sec->s, sec->n);
    if (!*tree)
        return ll_fail(r->js.err, LL_EUSAGE, "%s: %s cannot be read as JSON", r->name, key);
    if (cJSON_IsObject(*tree))
        return LL_OK;
    cJSON_Delete(*tree);
    *tree = NULL;
    return ll_fail(r->js.err, LL_EUSAGE, "%s: %s: expected an object or null", r->name, key);
}

static const char *type_of(const cJSON *obj)
{
    const cJSON *t = cJSON_GetObjectItemCaseSensitive(obj, "type");
    return cJSON_IsString(t) ? t->valuestring : NULL;
}

/* The fields of all steps, by name; what a kind does not know it ignores. */
enum field_type { FLAG, COUNT_FIELD, TEXT, BEHAVIOR, SCHEME };
static const struct field {
    const char *name;
    enum field_type type;
    size_t offset; /* of an int in struct ll_step */
} fields[] = {
    {"invert", FLAG, offsetof(struct ll_step, invert)},
    {"split", FLAG, offsetof(struct ll_step, split)},
    {"use_regex", FLAG, offsetof(struct ll_step, use_regex)},
    {"add_prefix_space", FLAG, offsetof(struct ll_step, add_prefix_space)},
    {"individual_digits", FLAG, offsetof(struct ll_step, individual_digits)},
    {"strip_left", FLAG, offsetof(struct ll_step, strip_left)},
    {"strip_right", FLAG, offsetof(struct ll_step, strip_right)},
    {"start", COUNT_FIELD, offsetof(struct ll_step, start)},
    {"stop", COUNT_FIELD, offsetof(struct ll_step, stop)},
    {"prepend", TEXT, 0},
    {"content", TEXT, 0},
    {"replacement", TEXT, 0},
    {"delimiter", TEXT, 0},
    {"behavior", BEHAVIOR, offsetof(struct ll_step, behavior)},
    {"prepend_scheme", SCHEME, offsetof(struct ll_step, scheme)},
};
static const char *const behavior_names[] = {"Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext", NULL};
static const char *const scheme_names[] = {"always", "first", "never", NULL};

static int name_index(const char *const *names, const cJSON *v)
{
    for (int i = 0; cJSON_IsString(v) && names[i]; i++)
        if (!strcmp(names[i], v->valuestring))
            return i;
    return -1;
}

static int read_field(struct reader *r, const char *key, const struct field *f, const cJSON *v, struct ll_step *step)
{
    int *out = (int *)((char *)step + f->offset), i;
    const char *want = "another value";
    if (cJSON_IsNull(v))
        return LL_OK;
    switch (f->type) {
    case FLAG:
        want = "true or false";
        if (cJSON_IsBool(v))
            return *out = cJSON_IsTrue(v), LL_OK;
        break;
    case COUNT_FIELD:
        want = "a whole number from 0 to 1000000";
        if (cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= 1e6)
            return *out = (int)v->valuedouble, LL_OK;
        break;
    case TEXT:
        want = "a string";
        if (cJSON_IsString(v)) {
            ll_buf_reset(&step->text);
            ll_buf_adds(&step->text, v->valuestring);
            step->has_text = 1;
            return ll_buf_ok(&step->text, r->js.err);
        }
        break;
    case BEHAVIOR:
    case SCHEME:
        want = f->type == BEHAVIOR ? "a split behavior" : "always, first or never";
        if ((i = name_index(f->type == BEHAVIOR ? behavior_names : scheme_names, v)) >= 0)
            return *out = i, LL_OK;
        break;
    }
    return ll_fail(r->js.err, LL_EUSAGE, "%s: %s.%s: expected %s", r->name, key, f->name, want);
}

/* {"String": ...} or {"Regex": ...} */
static int read_pattern(struct reader *r, const char *key, const cJSON *v, struct ll_step *step)
{
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(v, "String"), *x = cJSON_GetObjectItemCaseSensitive(v, "Regex");
    char what[200];
    snprintf(what, sizeof what, "%.120s: %s", r->name, key);
    if (cJSON_IsString(s))
        return ll_pattern_literal(&step->pattern, s->valuestring, strlen(s->valuestring), r->js.err);
    if (cJSON_IsString(x))
        return ll_pattern_regex(&step->pattern, x->valuestring, strlen(x->valuestring), what, r->js.err);
    return ll_fail(r->js.err, LL_EUSAGE, "%s: %s.pattern: expected {\"String\": ...} or {\"Regex\": ...}", r->name, key);
}

static int step_fields(struct reader *r, const struct ll_stage *stage, const struct ll_step_kind *kind, const cJSON *obj, struct ll_step *step)
{
    const cJSON *v, *pattern = cJSON_GetObjectItemCaseSensitive(obj, "pattern");
    int rc = LL_OK;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && !rc; i++)
        if ((v = cJSON_GetObjectItemCaseSensitive(obj, fields[i].name)))
            rc = read_field(r, stage->key, &fields[i], v, step);
    v = cJSON_GetObjectItemCaseSensitive(obj, "add_prefix_space");
    if (cJSON_IsFalse(v) && !strcmp(kind->name, "Metaspace")) /* the spelling before prepend_scheme */
        step->scheme = LL_NEVER;
    if (!rc && (kind->need & LL_NEED_PATTERN))
        rc = read_pattern(r, stage->key, pattern, step);
    if (!rc && (kind->need & LL_NEED_TEXT) && !step->has_text)
        rc = ll_fail(r->js.err, LL_EUSAGE, "%s: %s: %s lacks its text", r->name, stage->key, kind->name);
    return rc || !kind->finish ? rc : kind->finish(step, r->js.err);
}

static int add_step(struct reader *r, const struct ll_stage *stage, const cJSON *obj, struct ll_steps *steps)
{
    const char *type = type_of(obj);
    const struct ll_step_kind *kind = NULL;
    int row = 0;
    if (!type)
        return ll_fail(r->js.err, LL_EUSAGE, "%s: %s: expected a \"type\"", r->name, stage->key);
    while ((kind = stage->kind((size_t)row)) && strcmp(kind->name, type))
        row++;
    if (!kind)
        return ll_fail(r->js.err, LL_EUNSUP, "%s: %s of type \"%.60s\" is not supported", r->name, stage->key, type);
    if (steps->n == STEPS_MAX)
        return ll_fail(r->js.err, LL_EUNSUP, "%s: %s has more than %d steps", r->name, stage->key, STEPS_MAX);
    struct ll_step *v = realloc(steps->v, (steps->n + 1) * sizeof *v);
    if (!v)
        return ll_fail_mem(r->js.err, stage->key, sizeof *v);
    steps->v = v;
    v[steps->n] = (struct ll_step){.kind = row, .split = 1, .use_regex = 1};
    return step_fields(r, stage, kind, obj, &v[steps->n++]);
}

/* A Sequence, at any depth, becomes a flat list of steps. */
static int add_steps(struct reader *r, const struct ll_stage *stage, const cJSON *obj, struct ll_steps *steps)
{
    const char *type = type_of(obj);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(obj, stage->children), *child;
    int rc = LL_OK;
    if (!type || strcmp(type, "Sequence"))
        return add_step(r, stage, obj, steps);
    if (!cJSON_IsArray(list))
        return ll_fail(r->js.err, LL_EUSAGE, "%s: %s: expected a list \"%s\" in the Sequence", r->name, stage->key, stage->children);
    cJSON_ArrayForEach(child, list)
        if (!rc)
            rc = add_steps(r, stage, child, steps);
    return rc;
}

static int read_steps(struct reader *r, const struct ll_stage *stage, const struct section *sec, struct ll_steps *steps)
{
    cJSON *tree;
    int rc = tree_of(r, sec, stage->key, &tree);
    if (!rc && tree)
        rc = add_steps(r, stage, tree, steps);
    cJSON_Delete(tree);
    return rc;
}

/* ---- post-processor ---- */

static int post_id(struct reader *r, const cJSON *v, struct ll_ids *ids)
{
    if (!cJSON_IsNumber(v) || v->valuedouble < 0 || v->valuedouble > (double)r->max_id || v->valuedouble != (double)(int)v->valuedouble)
        return ll_fail(r->js.err, LL_EUSAGE, "%s: post_processor: expected a token id from 0 to %lld", r->name, r->max_id);
    return ll_ids_add(ids, (int)v->valuedouble, r->js.err);
}

/* {"SpecialToken": {"id": "<s>"}} -> the ids listed for it */
static int template_special(struct reader *r, const cJSON *specials, const cJSON *token, struct ll_ids *ids)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(token, "id"), *entry, *list, *v;
    int rc = LL_OK;
    entry = cJSON_IsString(name) ? cJSON_GetObjectItemCaseSensitive(specials, name->valuestring) : NULL;
    list = cJSON_GetObjectItemCaseSensitive(entry, "ids");
    if (!cJSON_IsArray(list))
        return ll_fail(r->js.err, LL_EUSAGE, "%s: post_processor: expected ids for \"%.60s\" under special_tokens", r->name, cJSON_IsString(name) ? name->valuestring : "?");
    cJSON_ArrayForEach(v, list)
        if (!rc)
            rc = post_id(r, v, ids);
    return rc;
}

static int template(struct reader *r, const cJSON *obj, struct ll_ids *before, struct ll_ids *after)
{
    const cJSON *single = cJSON_GetObjectItemCaseSensitive(obj, "single"), *specials = cJSON_GetObjectItemCaseSensitive(obj, "special_tokens"), *item;
    int rc = LL_OK, texts = 0;
    if (!cJSON_IsArray(single))
        return ll_fail(r->js.err, LL_EUSAGE, "%s: post_processor: expected a list \"single\" in the TemplateProcessing", r->name);
    cJSON_ArrayForEach(item, single) {
        const cJSON *special = cJSON_GetObjectItemCaseSensitive(item, "SpecialToken"), *seq = cJSON_GetObjectItemCaseSensitive(item, "Sequence");
        if (cJSON_IsObject(special))
            rc = template_special(r, specials, special, texts ? after : before);
        else if (cJSON_IsObject(seq) && ++texts > 1)
            rc = ll_fail(r->js.err, LL_EUNSUP, "%s: post_processor: a template with the text twice is not supported", r->name);
        else if (!cJSON_IsObject(seq))
            rc = ll_fail(r->js.err, LL_EUSAGE, "%s: post_processor.single: expected SpecialToken or Sequence", r->name);
        if (rc)
            return rc;
    }
    return texts ? LL_OK : ll_fail(r->js.err, LL_EUSAGE, "%s: post_processor.single: expected a place for the text", r->name);
}

/* "cls": ["<s>", 0], "sep": ["</s>", 2] */
static int cls_sep(struct reader *r, const cJSON *obj, struct ll_ids *before, struct ll_ids *after)
{
    int rc = post_id(r, cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(obj, "cls"), 1), before);
    return rc ? rc : post_id(r, cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(obj, "sep"), 1), after);
}

static int offsets_only(struct reader *r, const cJSON *obj, struct ll_ids *before, struct ll_ids *after)
{
    return (void)r, (void)obj, (void)before, (void)after, LL_OK;
}

static const struct post_row {
    const char *name;
    int (*read)(struct reader *r, const cJSON *obj, struct ll_ids *before, struct ll_ids *after);
} post_rows[] = {
    {"TemplateProcessing", template},
    {"ByteLevel", offsets_only},
    {"RobertaProcessing", cls_sep},
    {"BertProcessing", cls_sep},
};

/* Put one more layer around what is there. */
static int wrap(struct reader *r, const struct ll_ids *before, const struct ll_ids *after)
{
    struct ll_ids outer = {0};
    int rc = LL_OK;
    for (int i = 0; i < before->n && !rc; i++)
        rc = ll_ids_add(&outer, before->v[i], r->js.err);
    for (int i = 0; i < r->tok->before.n && !rc; i++)
        rc = ll_ids_add(&outer, r->tok->before.v[i], r->js.err);
    ll_ids_free(&r->tok->before);
    r->tok->before = outer;
    for (int i = 0; i < after->n && !rc; i++)
        rc = ll_ids_add(&r->tok->after, after->v[i], r->js.err);
    return rc;
}

static int add_post(struct reader *r, const cJSON *obj)
{
    const char *type = type_of(obj);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(obj, "processors"), *child;
    struct ll_ids before = {0}, after = {0};
    int rc = LL_OK;
    if (!type)
        return ll_fail(r->js.err, LL_EUSAGE, "%s: post_processor: expected a \"type\"", r->name);
    if (!strcmp(type, "Sequence")) {
        cJSON_ArrayForEach(child, list)
            if (!rc)
                rc = add_post(r, child);
        return rc;
    }
    for (size_t i = 0; i < sizeof post_rows / sizeof post_rows[0]; i++)
        if (!strcmp(post_rows[i].name, type)) {
            rc = post_rows[i].read(r, obj, &before, &after);
            if (!rc)
                rc = wrap(r, &before, &after);
            ll_ids_free(&before);
            ll_ids_free(&after);
            return rc;
        }
    return ll_fail(r->js.err, LL_EUNSUP, "%s: post_processor of type \"%.60s\" is not supported", r->name, type);
}

static int read_post(struct reader *r)
{
    cJSON *tree;
    int rc = tree_of(r, &r->post, "post_processor", &tree);
    if (!rc && tree)
        rc = add_post(r, tree);
    cJSON_Delete(tree);
    return rc;
}

/* ---- the file ---- */

static int top_level(struct reader *r, struct section *added, struct section *model)
{
    const struct { const char *key; struct section *sec; } wanted[] = {
        {"added_tokens", added},      {"normalizer", &r->normalizer}, {"pre_tokenizer", &r->pretok},
        {"post_processor", &r->post}, {"decoder", &r->decoder},       {"model", model},
    };
    const char *key;
    size_t n;
    int first = 1, more, rc = ll_js_open(&r->js, '{');
    while (!rc && (more = ll_js_key(&r->js, &first, &key, &n))) {
        size_t k = 0;
        if (more < 0)
            return more;
        while (k < 6 && !equal(key, n, wanted[k].key))
            k++;
        if (k == 5 && !model->s) { /* large: its settings are read in passing */
            r->js.where = "model";
            model->s = r->js.s;
            rc = model_settings(r);
            r->js.where = "";
        } else {
            rc = k < 6 ? once(r, wanted[k].sec, wanted[k].key) : ll_js_skip(&r->js, NULL, NULL);
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
        } else if (equal(key, kn, "add_bos_token")) {
            js.where = "add_bos_token";
            if (!ll_js_null(&js) && !(rc = ll_js_bool(&js, &flag)))
                c->add_bos = flag;
            js.where = "";
        } else if (equal(key, kn, "bos_token") && ll_js_peek(&js) == '"') {
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
    if ((rc = model_tables(r)))
        return rc;
    if (added.s && (rc = at_section(r, &added, "added_tokens", read_added)))
        return rc;
    r->js.where = "";
    if ((rc = read_steps(r, &ll_normalizers, &r->normalizer, &r->tok->normalizer)) || (rc = read_steps(r, &ll_pretokenizers, &r->pretok, &r->tok->pretok)) ||
        (rc = read_steps(r, &ll_decoders, &r->decoder, &r->tok->decoder)) || (rc = read_post(r)))
        return rc;
    r->tok->has_decoder = r->decoder.s && !equal(r->decoder.s, r->decoder.n, "null");
    return LL_OK;
}

int ll_tokenizer_read(struct ll_tokenizer *tok, const char *name, const char *json, size_t n, const char *config, size_t config_n, struct ll_err *err)
{
    struct reader r = {.tok = tok, .name = name, .max_id = n > MIN_ID_BOUND ? (long long)n : MIN_ID_BOUND};
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
