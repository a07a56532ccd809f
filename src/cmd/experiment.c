/* experiment.c - see experiment.h */
#include "experiment.h"

#include "map.h"
#include "record.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ASKS = 1 << 20, MAX_MODELS = 10000, MAX_LIST = 1 << 20, MAX_NAME = 60 };
#define MAX_ID 2147483647.0

/* ---- what each object may hold (experiments/README.md says what it means) ------------------------------------------- */

static const struct ll_settings_row top_rows[] = {
    {"name", LL_SET_STR, 1, 200, 0}, {"description", LL_SET_STR, 0, 0, 0}, {"models", LL_SET_LIST, 0, MAX_MODELS, 0}, {"prompts", LL_SET_LIST, 0, MAX_ASKS, 0},
    {"facts", LL_SET_OBJECT, 0, 0, 0}, {"test_prompts", LL_SET_LIST, 0, MAX_ASKS, 0}, {"temperatures", LL_SET_LIST, 0, 1000, 0},
    {"top_k", LL_SET_OBJECT, 0, 0, 0}, {"copy", LL_SET_OBJECT, 0, 0, 0}, {"norm", LL_SET_STR, 0, 0, 0}, {"ln_bias", LL_SET_STR, 0, 0, 0},
    {"important_words", LL_SET_LIST, 0, MAX_LIST, 0}, {"last_position_only", LL_SET_BOOL, 0, 0, 0}, {NULL, LL_SET_INT, 0, 0, 0}};
static const struct ll_settings_row top_k_rows[] = {
    {"record", LL_SET_INT, 1, LL_TOP_COLS, 0}, {"verbose", LL_SET_INT, 1, LL_TOP_COLS, 0}, {NULL, LL_SET_INT, 0, 0, 0}};
static const struct ll_settings_row copy_rows[] = {
    {"rule", LL_SET_STR, 0, 0, 0}, {"threshold", LL_SET_NUM, 0, 1, 0}, {"margin", LL_SET_NUM, 0, 1, 0}, {NULL, LL_SET_INT, 0, 0, 0}};
static const struct ll_settings_row facts_rows[] = {
    {"variants", LL_SET_OBJECT, 0, 0, 1}, {"items", LL_SET_LIST, 1, MAX_ASKS, 1}, {NULL, LL_SET_INT, 0, 0, 0}};
static const struct ll_settings_row prompt_rows[] = {
    {"id", LL_SET_STR, 1, MAX_NAME, 0}, {"variant", LL_SET_STR, 1, MAX_NAME, 0}, {"text", LL_SET_STR, 0, 0, 0}, {"ids", LL_SET_LIST, 1, MAX_LIST, 0},
    {"answer", LL_SET_STR, 0, 0, 0}, {"answer_id", LL_SET_INT, 0, MAX_ID, 0}, {"fact", LL_SET_STR, 1, 400, 0}, {"fact_index", LL_SET_INT, 0, MAX_ID, 0},
    {NULL, LL_SET_INT, 0, 0, 0}};

static int check_objects(const struct ll_settings *s, struct ll_err *err)
{
    static const struct { const char *key; const struct ll_settings_row *rows; } objects[] = {{"top_k", top_k_rows}, {"copy", copy_rows}, {"facts", facts_rows}};
    int rc = ll_settings_check(s, "", top_rows, LL_OTHERS_REFUSED, err);
    for (size_t i = 0; i < sizeof objects / sizeof *objects && !rc; i++)
        if (ll_settings_has(s, objects[i].key))
            rc = ll_settings_check(s, objects[i].key, objects[i].rows, LL_OTHERS_REFUSED, err);
    return rc;
}

static int copy_text(char **out, const char *s, struct ll_err *err)
{
    *out = s ? strdup(s) : NULL;
    return s && !*out ? ll_fail_mem(err, "experiment", strlen(s)) : LL_OK;
}

/* A text with something in it. */
static int need_filled(const struct ll_settings *s, const char *path, const char **out, struct ll_err *err)
{
    int rc = ll_settings_need_str(s, path, out, err);
    return rc || **out ? rc : ll_fail(err, LL_EUSAGE, "experiment: %s: expected a text, found an empty one", path);
}

/* A list of texts at `key`, none of them empty. */
static int read_texts(const struct ll_settings *s, const char *key, char ***out, int *n, struct ll_err *err)
{
    int len = ll_settings_len(s, key);
    *n = 0;
    if (!ll_settings_has(s, key))
        return LL_OK;
    if (!(*out = calloc((size_t)len + 1, sizeof **out)))
        return ll_fail_mem(err, key, sizeof **out * (size_t)len);
    for (int i = 0; i < len; i++) {
        char path[96];
        const char *text;
        snprintf(path, sizeof path, "%s.%d", key, i);
        int rc = need_filled(s, path, &text, err);
        if (rc || (rc = copy_text(&(*out)[i], text, err)))
            return rc;
        *n = i + 1;
    }
    return LL_OK;
}

static int add_ask(struct ll_experiment *e, struct ll_ask **ask, struct ll_err *err)
{
    if (e->n_asks >= MAX_ASKS)
        return ll_fail(err, LL_EUSAGE, "experiment: expected at most %d prompts", MAX_ASKS);
    if (!(e->n_asks & (e->n_asks - 1))) { /* capacity doubles at powers of two */
        struct ll_ask *grown = realloc(e->asks, sizeof *grown * (size_t)(e->n_asks ? e->n_asks * 2 : 1));
        if (!grown)
            return ll_fail_mem(err, "prompts", sizeof *grown * (size_t)e->n_asks * 2);
        e->asks = grown;
    }
    *ask = &e->asks[e->n_asks++];
    memset(*ask, 0, sizeof **ask);
    (*ask)->fact_index = (*ask)->answer_id = -1;
    return LL_OK;
}

/* pass_key: "pos.orig.0", "ctl.orig"; made unique by the experiment's author through ids and variants. */
static int name_pass(struct ll_ask *a, struct ll_err *err)
{
    struct ll_buf b = {0};
    ll_buf_addf(&b, "%s.%s", a->prompt_id, a->variant);
    if (a->fact_index >= 0)
        ll_buf_addf(&b, ".%d", a->fact_index);
    a->pass_key = b.s;
    return ll_buf_ok(&b, err);
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static int check_unique(const struct ll_experiment *e, struct ll_err *err)
{
    /* a sorted copy keeps thousands of prompts cheap */
    const char **keys = malloc(sizeof *keys * (size_t)(e->n_asks + 1));
    int rc = keys ? LL_OK : ll_fail_mem(err, "pass keys", sizeof *keys * (size_t)e->n_asks);
    for (int i = 0; i < e->n_asks && !rc; i++)
        keys[i] = e->asks[i].pass_key;
    if (!rc)
        qsort(keys, (size_t)e->n_asks, sizeof *keys, by_text);
    for (int i = 1; i < e->n_asks && !rc; i++)
        if (!strcmp(keys[i - 1], keys[i]))
            rc = ll_fail(err, LL_EUSAGE, "experiment: two prompts share the key \"%s\": give one another id or variant", keys[i]);
    free(keys);
    return rc;
}

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

/* Names become part of pass keys ("pos.orig.0"): no dots, no surprise in length. */
static int check_variant(const char *at, const char *name, struct ll_err *err)
{
    if (!*name || strlen(name) > MAX_NAME || strchr(name, '.'))
        return ll_fail(err, LL_EUSAGE, "experiment: %s: expected a variant's name of 1..%d bytes without dots, found \"%.80s\"", at, MAX_NAME, name);
    return LL_OK;
}

static int check_templates(const struct ll_settings *s, struct ll_err *err)
{
    int n = ll_settings_len(s, "facts.variants"), rc;
    if (n < 1)
        return ll_fail(err, LL_EUSAGE, "experiment: facts.variants: expected at least one \"name\": \"template\", found none");
    for (int v = 0; v < n; v++) {
        const char *name = ll_settings_key(s, "facts.variants", v), *tmpl, *first;
        char path[160];
        if ((rc = check_variant("facts.variants", name, err)))
            return rc;
        snprintf(path, sizeof path, "facts.variants.%s", name);
        if ((rc = ll_settings_need_str(s, path, &tmpl, err)))
            return rc;
        if (!(first = strstr(tmpl, hole)) || strstr(first + 1, hole))
            return ll_fail(err, LL_EUSAGE, "experiment: %s: expected {country} once in the template, found it %s", path, first ? "more than once" : "nowhere");
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
        if (!ll_settings_is_array(s, path) || n != 2)
            return ll_settings_is_array(s, path) ? ll_fail(err, LL_EUSAGE, "experiment: %s: expected a pair [\"word\", \"answer\"], found a list of %d", path, n)
                                                 : ll_fail(err, LL_EUSAGE, "experiment: %s: expected a pair [\"word\", \"answer\"], found no list", path);
        for (int k = 0; k < 2; k++) {
            snprintf(path, sizeof path, "facts.items.%d.%d", i, k);
            if ((rc = need_filled(s, path, &text, err)))
                return rc;
        }
    }
    return LL_OK;
}

static int read_facts(struct ll_experiment *e, const struct ll_settings *s, struct ll_err *err)
{
    int n_items = ll_settings_len(s, "facts.items"), n_variants = ll_settings_len(s, "facts.variants"), rc;
    if (!ll_settings_has(s, "facts"))
        return LL_OK;
    if ((rc = check_templates(s, err)) || (rc = check_items(s, err)))
        return rc;
    for (int i = 0; i < n_items; i++)
        for (int v = 0; v < n_variants; v++) {
            const char *variant = ll_settings_key(s, "facts.variants", v), *word, *answer, *tmpl;
            struct ll_ask *a;
            char path[160];
            snprintf(path, sizeof path, "facts.items.%d.0", i);
            if ((rc = ll_settings_need_str(s, path, &word, err)))
                return rc;
            snprintf(path, sizeof path, "facts.items.%d.1", i);
            if ((rc = ll_settings_need_str(s, path, &answer, err)))
                return rc;
            snprintf(path, sizeof path, "facts.variants.%.100s", variant ? variant : "");
            if ((rc = ll_settings_need_str(s, path, &tmpl, err)) || (rc = add_ask(e, &a, err)))
                return rc;
            struct ll_buf key = {0};
            ll_buf_addf(&key, "%s\u2192%s", word, answer);
            a->fact_key = key.s;
            a->fact_index = i;
            a->text = fill(tmpl, word);
            if ((rc = copy_text(&a->prompt_id, "pos", err)) || (rc = copy_text(&a->variant, variant, err)) || (rc = copy_text(&a->answer, answer, err)) || (rc = name_pass(a, err)))
                return rc;
            if (!a->text || key.failed)
                return ll_fail_mem(err, "experiment", strlen(tmpl));
        }
    return LL_OK;
}

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

/* What goes together: text or ids; an answer in words for a text, by token id for either, not both. */
static int check_prompt(const struct ll_settings *s, const char *at, struct ll_err *err)
{
    static const char *const keys[] = {"text", "ids", "answer", "answer_id"};
    int has[4];
    for (int i = 0; i < 4; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s.%s", at, keys[i]);
        has[i] = ll_settings_has(s, path);
    }
    if (has[0] == has[1])
        return ll_fail(err, LL_EUSAGE, "experiment: %s: expected \"text\" or \"ids\", found %s", at, has[0] ? "both" : "neither");
    if (has[2] && has[3])
        return ll_fail(err, LL_EUSAGE, "experiment: %s: expected \"answer\" or \"answer_id\", found both", at);
    if (has[2] && has[1])
        return ll_fail(err, LL_EUSAGE, "experiment: %s.answer: expected \"answer_id\" for a prompt of token ids, found a text", at);
    return LL_OK;
}

static int read_prompt(struct ll_experiment *e, const struct ll_settings *s, int i, struct ll_err *err)
{
    struct ll_ask *a;
    char at[40], path[96], name[24];
    int rc;
    snprintf(at, sizeof at, "prompts.%d", i);
    if ((rc = ll_settings_check(s, at, prompt_rows, LL_OTHERS_REFUSED, err)) || (rc = check_prompt(s, at, err)) || (rc = add_ask(e, &a, err)))
        return rc;
    snprintf(name, sizeof name, "p%d", i);
#define TEXT(key, fallback) (snprintf(path, sizeof path, "%s." key, at), ll_settings_str(s, path, fallback))
    if ((rc = copy_text(&a->prompt_id, TEXT("id", name), err)) || (rc = copy_text(&a->variant, TEXT("variant", "orig"), err)) ||
        (rc = copy_text(&a->fact_key, TEXT("fact", NULL), err)) || (rc = copy_text(&a->answer, TEXT("answer", NULL), err)) ||
        (rc = copy_text(&a->text, TEXT("text", NULL), err)))
        return rc;
#undef TEXT
    snprintf(path, sizeof path, "%s.variant", at);
    if ((rc = check_variant(path, a->variant, err)))
        return rc;
    if (a->answer && !*a->answer)
        return ll_fail(err, LL_EUSAGE, "experiment: %s.answer: expected some text, found an empty one", at);
    snprintf(path, sizeof path, "%s.fact_index", at);
    a->fact_index = (int)ll_settings_int(s, path, -1);
    snprintf(path, sizeof path, "%s.answer_id", at);
    a->answer_id = (int)ll_settings_int(s, path, -1);
    if ((rc = name_pass(a, err)))
        return rc;
    if (a->text)
        return *a->text ? LL_OK : ll_fail(err, LL_EUSAGE, "experiment: %s.text: the prompt is empty: expected some text", at);
    return read_ids(a, s, at, err);
}

static int read_options(struct ll_experiment *e, const struct ll_settings *s, struct ll_err *err)
{
    const char *rule = ll_settings_str(s, "copy.rule", "strict"), *norm = ll_settings_str(s, "norm", "final"), *bias = ll_settings_str(s, "ln_bias", "keep");
    int lens = ll_lens_by_name(norm);
    if (lens < 0)
        return ll_fail(err, LL_EUSAGE, "experiment: norm: expected final, next-ln1, post-ln2 or raw, found \"%s\"", norm);
    e->lens = (enum ll_lens_kind)lens;
    if (strcmp(bias, "keep") && strcmp(bias, "drop"))
        return ll_fail(err, LL_EUSAGE, "experiment: ln_bias: expected keep or drop, found \"%s\"", bias);
    e->ln_bias_drop = !strcmp(bias, "drop");
    if (strcmp(rule, "strict") && strcmp(rule, "legacy"))
        return ll_fail(err, LL_EUSAGE, "experiment: copy.rule: expected strict or legacy, found \"%s\"", rule);
    e->copy = strcmp(rule, "legacy") ? ll_copy_strict : ll_copy_legacy;
    e->copy.threshold = ll_settings_num(s, "copy.threshold", e->copy.threshold);
    e->copy.margin = ll_settings_num(s, "copy.margin", e->copy.margin);
    e->last_only = ll_settings_bool(s, "last_position_only", 0);
    e->top_record = (int)ll_settings_int(s, "top_k.record", LL_TOP_RECORD);
    e->top_verbose = (int)ll_settings_int(s, "top_k.verbose", LL_TOP_VERBOSE);
    if (e->top_record < 1 || e->top_record > LL_TOP_COLS || e->top_verbose < e->top_record || e->top_verbose > LL_TOP_COLS)
        return ll_fail(err, LL_EUSAGE, "experiment: top_k: expected 1 <= record <= verbose <= %d, found %d and %d", LL_TOP_COLS, e->top_record, e->top_verbose);
    int n = ll_settings_len(s, "temperatures");
    if (n > 0 && !(e->temperatures = malloc(sizeof(double) * (size_t)n)))
        return ll_fail_mem(err, "temperatures", sizeof(double) * (size_t)n);
    for (int i = 0; i < n; i++, e->n_temperatures++) {
        char path[32];
        snprintf(path, sizeof path, "temperatures.%d", i);
        int rc = ll_settings_need_num(s, path, 1e-3, 1e3, &e->temperatures[i], err);
        if (rc)
            return rc;
    }
    return LL_OK;
}

/* Paths are meant relative to the experiment file; what is no such path stays as it is (a hub name, an absolute path). */
static int resolve_models(struct ll_experiment *e, const char *dir, struct ll_err *err)
{
    for (int i = 0; i < e->n_models; i++) {
        if (e->models[i][0] == '/')
            continue;
        char *joined = ll_path_join(dir, e->models[i]);
        if (!joined)
            return ll_fail_mem(err, "models", strlen(e->models[i]));
        if (ll_is_dir(joined) || ll_is_file(joined)) {
            free(e->models[i]);
            e->models[i] = joined;
        } else
            free(joined);
    }
    return LL_OK;
}

static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
}

/* The folder's name: "experiments/001_x/experiment.json" -> "001_x". */
static char *name_of(const char *dir, const char *path)
{
    if (strcmp(dir, "."))
        return ll_path_base(dir);
    char *base = ll_path_base(path), *dot = base ? strrchr(base, '.') : NULL;
    if (dot)
        *dot = 0;
    return base;
}

int ll_experiment_read(struct ll_experiment *e, const char *path, struct ll_err *err)
{
    struct ll_settings *s = NULL;
    char *dir = dir_of(path);
    memset(e, 0, sizeof *e);
    int rc = dir ? ll_settings_read_strict(&s, path, err) : ll_fail_mem(err, "path", strlen(path));
    if (!rc)
        rc = check_objects(s, err);
    if (!rc) {
        const char *name = ll_settings_str(s, "name", NULL);
        e->name = name ? strdup(name) : name_of(dir, path);
        rc = e->name ? LL_OK : ll_fail_mem(err, "name", 64);
    }
    if (!rc && !(rc = read_texts(s, "models", &e->models, &e->n_models, err)) && !(rc = resolve_models(e, dir, err)) &&
        !(rc = read_texts(s, "test_prompts", &e->test_prompts, &e->n_test_prompts, err)) &&
        !(rc = read_texts(s, "important_words", &e->words, &e->n_words, err)) && !(rc = read_options(e, s, err)))
        rc = read_facts(e, s, err);
    for (int i = 0, n = rc ? 0 : ll_settings_len(s, "prompts"); i < n && !rc; i++)
        rc = read_prompt(e, s, i, err);
    if (!rc && !e->n_asks)
        rc = ll_fail(err, LL_EUSAGE, "%s: no prompts: expected \"prompts\" or \"facts\"", path);
    if (!rc)
        rc = check_unique(e, err);
    for (int i = 0; i < e->n_words; i++)
        for (char *c = e->words[i]; *c; c++)
            *c = (char)tolower((unsigned char)*c);
    ll_settings_free(s);
    free(dir);
    if (rc)
        ll_experiment_free(e);
    return rc;
}

static void free_texts(char **v, int n)
{
    for (int i = 0; i < n; i++)
        free(v[i]);
    free(v);
}

void ll_experiment_free(struct ll_experiment *e)
{
    for (int i = 0; i < e->n_asks; i++) {
        struct ll_ask *a = &e->asks[i];
        char *owned[] = {a->pass_key, a->fact_key, a->prompt_id, a->variant, a->text, a->answer};
        for (size_t k = 0; k < sizeof owned / sizeof *owned; k++)
            free(owned[k]);
        free(a->ids);
    }
    free(e->asks);
    free_texts(e->models, e->n_models);
    free_texts(e->test_prompts, e->n_test_prompts);
    free_texts(e->words, e->n_words);
    free(e->temperatures);
    free(e->name);
    memset(e, 0, sizeof *e);
}
