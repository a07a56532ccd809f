/* sections_json.c - the small parts of a tokenizer.json, as trees: normalizer, pre_tokenizer, post_processor,
 * decoder. */
#include "literal.h"
#include "reader.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECTION_MAX = 1 << 20, /* bytes of one section; published ones have under 10 kB */
    STEPS_MAX = 64,        /* of a Sequence; published ones have up to five */
};

static int tree_of(struct reader *r, const struct section *sec, const char *key, cJSON **tree)
{
    *tree = NULL;
    if (!sec->s || ll_reader_equal(sec->s, sec->n, "null"))
        return LL_OK;
    if (sec->n > SECTION_MAX)
        return ll_fail(r->js.err, LL_EUNSUP, "%s: %s has %zu bytes, more than the %d supported", r->name, key,
                       sec->n, SECTION_MAX);
    for (size_t i = 0; i + 6 <= sec->n; i++)
        if (LL_BYTES_ARE(sec->s + i, "\\u0000")) /* cJSON strings end at a NUL */
            return ll_fail(r->js.err, LL_EUNSUP, "%s: %s holds a NUL character, which is not supported",
                           r->name, key);
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

/* The fields of all steps, by name; a kind ignores those that it does not know. */
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
    {"precompiled_charsmap", TEXT, 0},
    {"behavior", BEHAVIOR, offsetof(struct ll_step, behavior)},
    {"prepend_scheme", SCHEME, offsetof(struct ll_step, scheme)},
};
static const char *const behavior_names[] = {"Isolated",           "Removed",        "Contiguous",
                                             "MergedWithPrevious", "MergedWithNext", NULL};
static const char *const scheme_names[] = {"always", "first", "never", NULL};

static int name_index(const char *const *names, const cJSON *v)
{
    for (int i = 0; cJSON_IsString(v) && names[i]; i++)
        if (!strcmp(names[i], v->valuestring))
            return i;
    return -1;
}

static int read_field(struct reader *r, const char *key, const struct field *f, const cJSON *v,
                      struct ll_step *step)
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
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(v, "String"),
                *x = cJSON_GetObjectItemCaseSensitive(v, "Regex");
    char what[200];
    snprintf(what, sizeof what, "%.120s: %s", r->name, key);
    if (cJSON_IsString(s))
        return ll_pattern_literal(&step->pattern, s->valuestring, strlen(s->valuestring), r->js.err);
    if (cJSON_IsString(x))
        return ll_pattern_regex(&step->pattern, x->valuestring, strlen(x->valuestring), what, r->js.err);
    return ll_fail(r->js.err, LL_EUSAGE, "%s: %s.pattern: expected {\"String\": ...} or {\"Regex\": ...}",
                   r->name, key);
}

static int step_fields(struct reader *r, const struct ll_stage *stage, const struct ll_step_kind *kind,
                       const cJSON *obj, struct ll_step *step)
{
    const cJSON *v, *pattern = cJSON_GetObjectItemCaseSensitive(obj, "pattern");
    int rc = LL_OK;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && !rc; i++)
        if ((v = cJSON_GetObjectItemCaseSensitive(obj, fields[i].name)))
            rc = read_field(r, stage->key, &fields[i], v, step);
    v = cJSON_GetObjectItemCaseSensitive(obj, "add_prefix_space");
    if (cJSON_IsFalse(v) && !strcmp(kind->name, "Metaspace")) { /* the spelling before prepend_scheme */
        if (!rc && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(obj, "prepend_scheme"))
            && step->scheme != LL_NEVER)
            rc = ll_fail(r->js.err, LL_EUSAGE,
                         "%s: %s: add_prefix_space false and prepend_scheme \"%s\" contradict each other",
                         r->name, stage->key, scheme_names[step->scheme]);
        step->scheme = LL_NEVER;
    }
    if (!rc && (kind->need & LL_NEED_PATTERN))
        rc = read_pattern(r, stage->key, pattern, step);
    if (!rc && (kind->need & LL_NEED_TEXT) && !step->has_text)
        rc = ll_fail(r->js.err, LL_EUSAGE, "%s: %s: %s lacks its text", r->name, stage->key, kind->name);
    if (rc || !kind->finish || !(rc = kind->finish(step, r->js.err)))
        return rc;
    ll_context(r->js.err, "%s: %s", r->name, stage->key);
    return rc;
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
        return ll_fail(r->js.err, LL_EUNSUP, "%s: %s of type \"%.60s\" is not supported", r->name, stage->key,
                       type);
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
        return ll_fail(r->js.err, LL_EUSAGE, "%s: %s: expected a list \"%s\" in the Sequence", r->name,
                       stage->key, stage->children);
    cJSON_ArrayForEach(child, list) if (!rc) rc = add_steps(r, stage, child, steps);
    return rc;
}

static int read_steps(struct reader *r, const struct ll_stage *stage, const struct section *sec,
                      struct ll_steps *steps)
{
    cJSON *tree;
    int rc = tree_of(r, sec, stage->key, &tree);
    if (!rc && tree)
        rc = add_steps(r, stage, tree, steps);
    cJSON_Delete(tree);
    return rc;
}

/* ---- post-processor -------------------------------------------------------------------------- */

static int post_id(struct reader *r, const cJSON *v, struct ll_ids *ids)
{
    if (!cJSON_IsNumber(v) || v->valuedouble < 0 || v->valuedouble > (double)r->max_id
        || v->valuedouble != (double)(int)v->valuedouble)
        return ll_fail(r->js.err, LL_EUSAGE, "%s: post_processor: expected a token id from 0 to %lld",
                       r->name, r->max_id);
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
        return ll_fail(r->js.err, LL_EUSAGE,
                       "%s: post_processor: expected ids for \"%.60s\" under special_tokens", r->name,
                       cJSON_IsString(name) ? name->valuestring : "?");
    cJSON_ArrayForEach(v, list) if (!rc) rc = post_id(r, v, ids);
    return rc;
}

static int template(struct reader *r, const cJSON *obj, struct ll_ids *before, struct ll_ids *after)
{
    const cJSON *single = cJSON_GetObjectItemCaseSensitive(obj, "single"),
                *specials = cJSON_GetObjectItemCaseSensitive(obj, "special_tokens"), *item, *id;
    int rc = LL_OK, texts = 0;
    if (!cJSON_IsArray(single))
        return ll_fail(r->js.err, LL_EUSAGE,
                       "%s: post_processor: expected a list \"single\" in the TemplateProcessing", r->name);
    cJSON_ArrayForEach(item, single)
    {
        const cJSON *special = cJSON_GetObjectItemCaseSensitive(item, "SpecialToken"),
                    *seq = cJSON_GetObjectItemCaseSensitive(item, "Sequence");
        if (cJSON_IsObject(special))
            rc = template_special(r, specials, special, texts ? after : before);
        else if (cJSON_IsObject(seq) && ++texts > 1)
            rc = ll_fail(r->js.err, LL_EUNSUP,
                         "%s: post_processor: a template with the text twice is not supported", r->name);
        else if (!cJSON_IsObject(seq))
            rc = ll_fail(r->js.err, LL_EUSAGE, "%s: post_processor.single: expected SpecialToken or Sequence",
                         r->name);
        else if (cJSON_IsString(id = cJSON_GetObjectItemCaseSensitive(seq, "id"))
                 && strcmp(id->valuestring, "A"))
            rc = ll_fail(r->js.err, LL_EUSAGE,
                         "%s: post_processor.single: expected Sequence A, found \"%.20s\"", r->name,
                         id->valuestring);
        if (rc)
            return rc;
    }
    return texts
        ? LL_OK
        : ll_fail(r->js.err, LL_EUSAGE, "%s: post_processor.single: expected a place for the text", r->name);
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

/* Only one member of a Sequence may add tokens: in the reference a second one takes the first one's tokens
 * for texts of their own. */
static int put_around(struct reader *r, struct ll_ids *before, struct ll_ids *after)
{
    struct ll_tokenizer *tok = r->tok;
    if (!before->n && !after->n)
        return LL_OK;
    if (tok->before.n || tok->after.n)
        return ll_fail(r->js.err, LL_EUNSUP,
                       "%s: post_processor: two that add tokens, one after the other, are not supported",
                       r->name);
    tok->before = *before;
    tok->after = *after;
    *before = *after = (struct ll_ids){0};
    return LL_OK;
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
        cJSON_ArrayForEach(child, list) if (!rc) rc = add_post(r, child);
        return rc;
    }
    for (size_t i = 0; i < sizeof post_rows / sizeof post_rows[0]; i++)
        if (!strcmp(post_rows[i].name, type)) {
            rc = post_rows[i].read(r, obj, &before, &after);
            if (!rc)
                rc = put_around(r, &before, &after);
            ll_ids_free(&before);
            ll_ids_free(&after);
            return rc;
        }
    return ll_fail(r->js.err, LL_EUNSUP, "%s: post_processor of type \"%.60s\" is not supported", r->name,
                   type);
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

static int is_kind(const struct ll_stage *stage, const struct ll_step *step, const char *name)
{
    return !strcmp(stage->kind((size_t)step->kind)->name, name);
}

/* Metaspace's "first" after a step that puts a mark in front or writes bytes: the reference takes the mark,
 * or each byte of the first character, for a first character, too. */
static int check_first(struct reader *r)
{
    const struct ll_tokenizer *tok = r->tok;
    int several = 0;
    for (size_t i = 0; i < tok->normalizer.n; i++)
        several |= is_kind(&ll_normalizers, &tok->normalizer.v[i], "ByteLevel");
    for (size_t i = 0; i < tok->pretok.n; i++) {
        const struct ll_step *step = &tok->pretok.v[i];
        int is_metaspace = is_kind(&ll_pretokenizers, step, "Metaspace");
        if (several && is_metaspace && step->scheme == LL_FIRST)
            return ll_fail(r->js.err, LL_EUNSUP,
                           "%s: pre_tokenizer: Metaspace with prepend_scheme first after ByteLevel or "
                           "Metaspace is not supported",
                           r->name);
        several |= is_metaspace ? step->scheme != LL_NEVER : is_kind(&ll_pretokenizers, step, "ByteLevel");
    }
    return LL_OK;
}

int ll_read_sections(struct reader *r)
{
    int rc;
    if ((rc = read_steps(r, &ll_normalizers, &r->normalizer, &r->tok->normalizer))
        || (rc = read_steps(r, &ll_pretokenizers, &r->pretok, &r->tok->pretok))
        || (rc = read_steps(r, &ll_decoders, &r->decoder, &r->tok->decoder)) || (rc = read_post(r))
        || (rc = check_first(r)))
        return rc;
    r->tok->has_decoder = r->decoder.s && !ll_reader_equal(r->decoder.s, r->decoder.n, "null");
    return LL_OK;
}
