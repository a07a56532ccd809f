/* experiment_prompts.c - "facts", "prompts" and "main" of an experiment (experiment_parts.h). */
#include "experiment_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END \
    { \
        NULL, LL_SET_INT, 0, 0, 0 \
    }
static const struct ll_settings_row facts_rows[] = {{"variants", LL_SET_OBJECT, 0, 0, 1},
                                                    {"items", LL_SET_LIST, 1, LL_MAX_ASKS, 1},
                                                    END};
static const struct ll_settings_row prompt_rows[] = {{"id", LL_SET_STR, 1, LL_MAX_NAME, 0},
                                                     {"variant", LL_SET_STR, 1, LL_MAX_NAME, 0},
                                                     {"text", LL_SET_STR, 0, 0, 0},
                                                     {"ids", LL_SET_LIST, 1, LL_MAX_LIST, 0},
                                                     {"answer", LL_SET_STR, 0, 0, 0},
                                                     {"answers", LL_SET_LIST, 1, LL_MAX_ANSWERS, 0},
                                                     {"answer_id", LL_SET_INT, 0, LL_MAX_ID, 0},
                                                     {"fact", LL_SET_STR, 1, 400, 0},
                                                     {"fact_index", LL_SET_INT, 0, LL_MAX_ID, 0},
                                                     {"role", LL_SET_STR, 0, 0, 0},
                                                     {"control_of", LL_SET_STR, 1, LL_MAX_TEXT, 0},
                                                     END};

/* ---- asks ------------------------------------------------------------------------------------ */

int ll_ask_add(struct ll_experiment *e, struct ll_ask **a, struct ll_err *err)
{
    if (e->n_asks >= LL_MAX_ASKS)
        return ll_fail(err, LL_EUSAGE, "experiment: expected at most %d prompts", LL_MAX_ASKS);
    if (!(e->n_asks & (e->n_asks - 1))) { /* capacity doubles at powers of two */
        struct ll_ask *grown = realloc(e->asks, sizeof *grown * (size_t)(e->n_asks ? e->n_asks * 2 : 1));
        if (!grown)
            return ll_fail_mem(err, "prompts", sizeof *grown * (size_t)e->n_asks * 2);
        e->asks = grown;
    }
    *a = &e->asks[e->n_asks++];
    **a = (struct ll_ask){.fact_index = -1, .answer_id = -1, .control_index = -1};
    return LL_OK;
}

int ll_ask_answer(struct ll_ask *a, const char *text, struct ll_err *err)
{
    char **more = realloc(a->answers, sizeof *more * (size_t)(a->n_answers + 1));
    if (!more)
        return ll_fail_mem(err, "answers", sizeof *more);
    a->answers = more;
    int rc = ll_copy_text(&a->answers[a->n_answers], text, err);
    a->n_answers += !rc;
    return rc;
}

int ll_ask_name(struct ll_ask *a, struct ll_err *err)
{
    struct ll_buf b = {0};
    ll_buf_addf(&b, "%s.%s", a->prompt_id, a->variant);
    if (a->fact_index >= 0)
        ll_buf_addf(&b, ".%d", a->fact_index);
    a->pass_key = b.s;
    a->is_control |= !strcmp(a->prompt_id, "ctl");
    return ll_buf_ok(&b, err);
}

const char *ll_bad_variant(const char *name)
{
    return !*name || strlen(name) > LL_MAX_NAME || strchr(name, '.')
        ? "a variant's name of 1..60 bytes without dots"
        : NULL;
}

/* ---- facts ----------------------------------------------------------------------------------- */

static const char hole[] = "{country}";

/* Template with its one {country} replaced; NULL without memory. */
static char *fill(const char *tmpl, const char *word)
{
    struct ll_buf b = {0};
    const char *at = strstr(tmpl, hole);
    ll_buf_add(&b, tmpl, (size_t)(at - tmpl));
    ll_buf_adds(&b, word);
    ll_buf_adds(&b, at + strlen(hole));
    if (b.failed)
        ll_buf_free(&b);
    return b.s;
}

static int check_templates(const struct ll_settings *s, struct ll_err *err)
{
    int n = ll_settings_len(s, "facts.variants"), rc;
    if (n < 1)
        return ll_settings_fail(s, "facts.variants", err,
                                "expected at least one \"name\": \"template\", found none");
    for (int v = 0; v < n; v++) {
        const char *name = ll_settings_key(s, "facts.variants", v), *tmpl, *first;
        char path[160];
        if (ll_bad_variant(name))
            return ll_settings_fail(s, "facts.variants", err, "expected %s, found \"%.80s\"",
                                    ll_bad_variant(name), name);
        snprintf(path, sizeof path, "facts.variants.%s", name);
        if ((rc = ll_settings_need_str(s, path, &tmpl, err)))
            return rc;
        if (!(first = strstr(tmpl, hole)) || strstr(first + 1, hole))
            return ll_settings_fail(s, path, err, "expected {country} once in the template, found it %s",
                                    first ? "more than once" : "nowhere");
    }
    return LL_OK;
}

static int check_items(const struct ll_settings *s, struct ll_err *err)
{
    for (int i = 0, rc; i < ll_settings_len(s, "facts.items"); i++) {
        char path[64];
        const char *text;
        snprintf(path, sizeof path, "facts.items.%d", i);
        int n = ll_settings_len(s, path);
        if (!ll_settings_is_array(s, path))
            return ll_settings_fail(s, path, err, "expected a pair [\"word\", \"answer\"], found no list");
        if (n != 2)
            return ll_settings_fail(s, path, err,
                                    "expected a pair [\"word\", \"answer\"], found a list of %d", n);
        for (int k = 0; k < 2; k++) {
            snprintf(path, sizeof path, "facts.items.%d.%d", i, k);
            if ((rc = ll_settings_need_str(s, path, &text, err)))
                return rc;
            if (!*text)
                return ll_settings_fail(s, path, err, "expected a text, found an empty one");
        }
    }
    return LL_OK;
}

static int add_fact(struct ll_experiment *e, const struct ll_settings *s, int i, int v, struct ll_err *err)
{
    const char *variant = ll_settings_key(s, "facts.variants", v);
    char path[160];
    snprintf(path, sizeof path, "facts.items.%d.0", i);
    const char *word = ll_settings_str(s, path, "");
    snprintf(path, sizeof path, "facts.items.%d.1", i);
    const char *answer = ll_settings_str(s, path, "");
    snprintf(path, sizeof path, "facts.variants.%.100s", variant);
    const char *tmpl = ll_settings_str(s, path, hole);
    struct ll_ask *a;
    struct ll_buf key = {0};
    int rc = ll_ask_add(e, &a, err);
    if (rc)
        return rc;
    ll_buf_addf(&key, "%s\u2192%s", word, answer);
    a->fact_key = key.s;
    a->fact_index = i;
    a->text = fill(tmpl, word);
    if ((rc = ll_copy_text(&a->prompt_id, "pos", err)) || (rc = ll_copy_text(&a->variant, variant, err))
        || (rc = ll_ask_answer(a, answer, err)))
        return rc;
    return !a->text || key.failed ? ll_fail_mem(err, "experiment", strlen(tmpl)) : ll_ask_name(a, err);
}

static int read_facts(struct ll_experiment *e, const struct ll_settings *s, struct ll_err *err)
{
    int rc = LL_OK;
    if (!ll_settings_has(s, "facts"))
        return LL_OK;
    if ((rc = ll_settings_check(s, "facts", facts_rows, LL_OTHERS_REFUSED, err))
        || (rc = check_templates(s, err)) || (rc = check_items(s, err)))
        return rc;
    for (int i = 0; i < ll_settings_len(s, "facts.items") && !rc; i++)
        for (int v = 0; v < ll_settings_len(s, "facts.variants") && !rc; v++)
            rc = add_fact(e, s, i, v, err);
    return rc;
}

/* ---- prompts --------------------------------------------------------------------------------- */

static int read_ids(struct ll_ask *a, const struct ll_settings *s, const char *at, struct ll_err *err)
{
    char path[96];
    snprintf(path, sizeof path, "%s.ids", at);
    int n = ll_settings_len(s, path);
    if (!(a->ids = malloc(sizeof *a->ids * (size_t)n)))
        return ll_fail_mem(err, "token ids", sizeof *a->ids * (size_t)n);
    for (int i = 0; i < n; i++) {
        long long v;
        snprintf(path, sizeof path, "%s.ids.%d", at, i);
        int rc = ll_settings_need_int(s, path, 0, 0x7fffffff, &v, err);
        if (rc)
            return rc;
        a->ids[i] = (int)v;
    }
    a->n_ids = n;
    return LL_OK;
}

/* Which keys go together: text or ids; answers in words for a text, by token id for either, not both. */
static int check_prompt(const struct ll_settings *s, const char *at, struct ll_err *err)
{
    static const char *const keys[] = {"text", "ids", "answer", "answers", "answer_id"};
    int has[5];
    char path[96];
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s.%s", at, keys[i]);
        has[i] = ll_settings_has(s, path);
    }
    if (has[0] == has[1])
        return ll_settings_fail(s, at, err, "expected \"text\" or \"ids\", found %s",
                                has[0] ? "both" : "neither");
    if (has[2] && has[3])
        return ll_settings_fail(s, at, err, "expected \"answer\" or \"answers\", found both");
    if ((has[2] || has[3]) && has[4])
        return ll_settings_fail(s, at, err, "expected \"%s\" or \"answer_id\", found both",
                                keys[has[2] ? 2 : 3]);
    snprintf(path, sizeof path, "%s.%s", at, keys[has[2] ? 2 : 3]);
    if ((has[2] || has[3]) && has[1])
        return ll_settings_fail(s, path, err,
                                "expected \"answer_id\" for a prompt of token ids, found a text");
    return LL_OK;
}

static int read_answers(struct ll_ask *a, const struct ll_settings *s, const char *at, struct ll_err *err)
{
    char path[96], **list = NULL;
    int n = 0, rc = LL_OK;
    snprintf(path, sizeof path, "%s.answer", at);
    const char *one = ll_settings_str(s, path, NULL);
    if (one)
        return *one ? ll_ask_answer(a, one, err)
                    : ll_settings_fail(s, path, err, "expected some text, found an empty one");
    snprintf(path, sizeof path, "%s.answers", at);
    rc = ll_read_texts(s, path, &list, &n, err);
    a->answers = list;
    a->n_answers = n;
    return rc;
}

/* "role" and "control_of". */
static int read_role(struct ll_ask *a, const struct ll_settings *s, const char *at, struct ll_err *err)
{
    char path[96];
    snprintf(path, sizeof path, "%s.role", at);
    const char *role = ll_settings_str(s, path, NULL);
    if (role && strcmp(role, "probe") && strcmp(role, "control"))
        return ll_settings_fail(s, path, err, "expected probe or control, found \"%.60s\"", role);
    a->is_control = role && !strcmp(role, "control");
    snprintf(path, sizeof path, "%s.control_of", at);
    int rc = ll_copy_text(&a->control_of, ll_settings_str(s, path, NULL), err);
    if (!rc && a->control_of && role && !a->is_control)
        rc = ll_settings_fail(s, path, err, "expected none beside \"role\": \"probe\", found \"%.60s\"",
                              a->control_of);
    a->is_control |= a->control_of != NULL;
    return rc;
}

static int read_prompt(struct ll_experiment *e, const struct ll_settings *s, int i, struct ll_err *err)
{
    struct ll_ask *a;
    char at[40], path[96], name[24];
    int rc;
    snprintf(at, sizeof at, "prompts.%d", i);
    if ((rc = ll_settings_check(s, at, prompt_rows, LL_OTHERS_REFUSED, err))
        || (rc = check_prompt(s, at, err)))
        return rc;
    if ((rc = ll_ask_add(e, &a, err)))
        return rc;
    snprintf(name, sizeof name, "p%d", i);
#define TEXT(key, fallback) (snprintf(path, sizeof path, "%s." key, at), ll_settings_str(s, path, fallback))
    if ((rc = read_role(a, s, at, err)) || (rc = read_answers(a, s, at, err))
        || (rc = ll_copy_text(&a->prompt_id, TEXT("id", a->is_control ? "ctl" : name), err))
        || (rc = ll_copy_text(&a->variant, TEXT("variant", "orig"), err))
        || (rc = ll_copy_text(&a->fact_key, TEXT("fact", NULL), err))
        || (rc = ll_copy_text(&a->text, TEXT("text", NULL), err)))
        return rc;
#undef TEXT
    snprintf(path, sizeof path, "%s.variant", at);
    if (ll_bad_variant(a->variant))
        return ll_settings_fail(s, path, err, "expected %s, found \"%.80s\"", ll_bad_variant(a->variant),
                                a->variant);
    snprintf(path, sizeof path, "%s.fact_index", at);
    a->fact_index = (int)ll_settings_int(s, path, -1);
    snprintf(path, sizeof path, "%s.answer_id", at);
    a->answer_id = (int)ll_settings_int(s, path, -1);
    if ((rc = ll_ask_name(a, err)))
        return rc;
    snprintf(path, sizeof path, "%s.text", at);
    if (a->text)
        return *a->text ? LL_OK : ll_settings_fail(s, path, err, "the prompt is empty: expected some text");
    return read_ids(a, s, at, err);
}

/* ---- all of them ----------------------------------------------------------------------------- */

struct keyed {
    const char *key;
    int index;
};
static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int c = strcmp(x->key, y->key);
    return c ? c : x->index - y->index;
}

/* [n_asks] keys in order: keeps thousands of prompts cheap. Equal keys are LL_EUSAGE. */
static int sort_keys(const struct ll_experiment *e, struct keyed **keys, struct ll_err *err)
{
    *keys = malloc(sizeof **keys * (size_t)(e->n_asks + 1));
    if (!*keys)
        return ll_fail_mem(err, "pass keys", sizeof **keys * (size_t)e->n_asks);
    for (int i = 0; i < e->n_asks; i++)
        (*keys)[i] = (struct keyed){e->asks[i].pass_key, i};
    qsort(*keys, (size_t)e->n_asks, sizeof **keys, by_key);
    for (int i = 1; i < e->n_asks; i++)
        if (!strcmp((*keys)[i - 1].key, (*keys)[i].key))
            return ll_fail(err, LL_EUSAGE,
                           "experiment: two prompts share the key \"%s\": give one another id or variant",
                           (*keys)[i].key);
    return LL_OK;
}

static int find_key(const struct keyed *keys, int n, const char *key)
{
    int lo = 0, hi = n;
    while (lo < hi) {
        int mid = (lo + hi) / 2, c = strcmp(keys[mid].key, key);
        if (!c)
            return keys[mid].index;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1;
}

static void move_first(struct ll_experiment *e, int main_ask)
{
    struct ll_ask first = e->asks[main_ask];
    memmove(e->asks + 1, e->asks, sizeof *e->asks * (size_t)main_ask);
    e->asks[0] = first;
}

/* Where each control's counterpart lies. The place of an ask before move_first(main_ask). */
static int find_controls(struct ll_experiment *e, const struct keyed *keys, int main_ask, struct ll_err *err)
{
    for (int i = 0; i < e->n_asks; i++) {
        struct ll_ask *a = &e->asks[i];
        int at = a->control_of ? find_key(keys, e->n_asks, a->control_of) : main_ask;
        if (at < 0 || (a->control_of && at == i))
            return ll_fail(
                err, LL_EUSAGE,
                "experiment: prompt %s: control_of: expected the key of another prompt, found \"%.80s\"",
                a->pass_key, a->control_of);
        if (a->is_control && at != i)
            a->control_index = at == main_ask ? 0 : at + (at < main_ask);
    }
    return LL_OK;
}

int ll_read_asks(struct ll_experiment *e, const struct ll_settings *s, const char *dir, struct ll_err *err)
{
    struct keyed *keys = NULL;
    const char *want = ll_settings_str(s, "main", NULL);
    int main_ask = 0, rc = read_facts(e, s, err);
    for (int i = 0, n = rc ? 0 : ll_settings_len(s, "prompts"); i < n && !rc; i++)
        rc = read_prompt(e, s, i, err);
    for (int i = 0, n = rc ? 0 : ll_settings_len(s, "prompts_from"); i < n && !rc; i++)
        rc = ll_read_prompt_file(e, s, i, dir, err);
    if (!rc && !e->n_asks)
        rc = ll_settings_fail(s, "", err, "no prompts: expected \"prompts\", \"prompts_from\" or \"facts\"");
    if (!rc)
        rc = sort_keys(e, &keys, err);
    if (!rc && want && (main_ask = find_key(keys, e->n_asks, want)) < 0)
        rc = ll_settings_fail(s, "main", err, "expected the key of a prompt such as \"%s\", found \"%.80s\"",
                              e->asks[0].pass_key, want);
    if (!rc && !(rc = find_controls(e, keys, main_ask, err)))
        move_first(e, main_ask);
    free(keys);
    return rc;
}
