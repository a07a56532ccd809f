/* experiment.c - see experiment.h: the file as a whole and its options. Prompts: experiment_prompts.c;
 * models: experiment_models.c. */
#include "experiment.h"
#include "rules.h"

#include "experiment_parts.h"
#include "intervene.h"
#include "json_write.h"
#include "map.h"
#include "provenance.h"
#include "record.h"
#include "run_settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what each object may hold (experiments/README.md says what it means) -------------------- */

#define END \
    { \
        NULL, LL_SET_INT, 0, 0, 0 \
    }
static const struct ll_settings_row top_rows[] = {{"name", LL_SET_STR, 1, 200, 0},
                                                  {"description", LL_SET_STR, 0, 0, 0},
                                                  {"models", LL_SET_LIST, 0, LL_MAX_MODELS, 0},
                                                  {"prompts", LL_SET_LIST, 0, LL_MAX_ASKS, 0},
                                                  {"prompts_from", LL_SET_LIST, 0, 1000, 0},
                                                  {"facts", LL_SET_OBJECT, 0, 0, 0},
                                                  {"main", LL_SET_STR, 1, LL_MAX_TEXT, 0},
                                                  {"test_prompts", LL_SET_LIST, 0, LL_MAX_ASKS, 0},
                                                  {"temperatures", LL_SET_LIST, 0, 1000, 0},
                                                  {"top_k", LL_SET_OBJECT, 0, 0, 0},
                                                  {"copy", LL_SET_OBJECT, 0, 0, 0},
                                                  {"norm", LL_SET_STR, 0, 0, 0},
                                                  {"ln_bias", LL_SET_STR, 0, 0, 0},
                                                  {"head", LL_SET_STR, 0, 0, 0},
                                                  {"site", LL_SET_STR, 0, 0, 0},
                                                  {"analysis", LL_SET_BOOL, 0, 0, 0},
                                                  {"raw_lens", LL_SET_STR, 0, 0, 0},
                                                  {"calibrate", LL_SET_BOOL, 0, 0, 0},
                                                  {"tuned", LL_SET_OBJECT, 0, 0, 0},
                                                  {"answers_by_teacher_forcing", LL_SET_BOOL, 0, 0, 0},
                                                  {"answers_exact", LL_SET_BOOL, 0, 0, 0},
                                                  {"seed", LL_SET_INT, 0, LL_MAX_ID, 0},
                                                  {"important_words", LL_SET_LIST, 0, LL_MAX_LIST, 0},
                                                  {"last_position_only", LL_SET_BOOL, 0, 0, 0},
                                                  {"positions", LL_SET_STR, 0, 0, 0},
                                                  {"repeat_forward", LL_SET_STR, 0, 0, 0},
                                                  {"interventions", LL_SET_LIST, 0, LL_MAX_INTERVENTIONS, 0},
                                                  END};
static const struct ll_settings_row top_k_rows[] = {{"record", LL_SET_INT, 1, LL_TOP_COLS, 0},
                                                    {"verbose", LL_SET_INT, 1, LL_TOP_COLS, 0},
                                                    END};
static const struct ll_settings_row copy_rows[] = {
    {"rule", LL_SET_STR, 0, 0, 0},        {"threshold", LL_SET_NUM, 0, 1, 0}, {"margin", LL_SET_NUM, 0, 1, 0},
    {"thresholds", LL_SET_LIST, 0, 7, 0}, {"soft", LL_SET_OBJECT, 0, 0, 0},   END};
static const struct ll_settings_row soft_rows[] = {{"threshold", LL_SET_NUM, 0, 1, 0},
                                                   {"window_ks", LL_SET_LIST, 0, 8, 0},
                                                   {"extra_thresholds", LL_SET_LIST, 0, 8, 0},
                                                   END};
static const struct ll_settings_row tuned_rows[] = {{"dir", LL_SET_STR, 1, LL_MAX_TEXT, 1},
                                                    {"mode", LL_SET_STR, 0, 0, 0},
                                                    END};

static int check_objects(const struct ll_settings *s, struct ll_err *err)
{
    static const struct {
        const char *key;
        const struct ll_settings_row *rows;
    } objects[] = {{"top_k", top_k_rows},
                   {"copy", copy_rows},
                   {"copy.soft", soft_rows},
                   {"tuned", tuned_rows}};
    int rc = ll_settings_check(s, "", top_rows, LL_OTHERS_REFUSED, err);
    for (size_t i = 0; i < sizeof objects / sizeof *objects && !rc; i++)
        if (ll_settings_has(s, objects[i].key))
            rc = ll_settings_check(s, objects[i].key, objects[i].rows, LL_OTHERS_REFUSED, err);
    return rc;
}

int ll_copy_text(char **out, const char *s, struct ll_err *err)
{
    *out = s ? strdup(s) : NULL;
    return s && !*out ? ll_fail_mem(err, "experiment", strlen(s)) : LL_OK;
}

int ll_read_texts(const struct ll_settings *s, const char *key, char ***out, int *n, struct ll_err *err)
{
    int len = ll_settings_len(s, key);
    *n = 0;
    if (!ll_settings_has(s, key))
        return LL_OK;
    if (!(*out = calloc((size_t)len + 1, sizeof **out)))
        return ll_fail_mem(err, key, sizeof **out * (size_t)len);
    for (int i = 0; i < len; i++) {
        char path[128];
        const char *text;
        snprintf(path, sizeof path, "%.100s.%d", key, i);
        int rc = ll_settings_need_str(s, path, &text, err);
        if (!rc && !*text)
            rc = ll_settings_fail(s, path, err, "expected a text, found an empty one");
        if (rc || (rc = ll_copy_text(&(*out)[i], text, err)))
            return rc;
        *n = i + 1;
    }
    return LL_OK;
}

/* A list of numbers: where they go and what they may be. */
struct numbers {
    double lo, hi, *out;
    int max, *n;
};

/* Up to n.max of them. The count stays when the key is absent. */
static int read_numbers(const struct ll_settings *s, const char *key, struct numbers n, struct ll_err *err)
{
    int len = ll_settings_len(s, key);
    if (!ll_settings_has(s, key))
        return LL_OK;
    *n.n = 0;
    for (int i = 0; i < len && i < n.max; i++) {
        char path[64];
        snprintf(path, sizeof path, "%.40s.%d", key, i);
        int rc = ll_settings_need_num(s, path, n.lo, n.hi, &n.out[i], err);
        if (rc)
            return rc;
        *n.n = i + 1;
    }
    return LL_OK;
}

/* ---- options --------------------------------------------------------------------------------- */

static int read_copy(struct ll_experiment *e, const struct ll_settings *s, struct ll_err *err)
{
    struct ll_copy_choice c;
    int rule = 0, rc = ll_read_word(s, "copy.rule", "strict|legacy", &rule, err);
    double ks[8];
    ll_copy_choice_default(&c);
    e->copy = rule ? ll_copy_legacy : ll_copy_strict;
    e->copy.threshold = ll_settings_num(s, "copy.threshold", e->copy.threshold);
    e->copy.margin = ll_settings_num(s, "copy.margin", e->copy.margin);
    c.threshold = e->copy.threshold;
    c.margin = e->copy.margin;
    c.soft = ll_settings_num(s, "copy.soft.threshold", c.soft);
    int n_ks = -1;
    if (rc
        || (rc = read_numbers(s, "copy.thresholds", (struct numbers){0, 1, c.thresholds, 8, &c.n_thresholds},
                              err))
        || (rc = read_numbers(s, "copy.soft.extra_thresholds", (struct numbers){0, 1, c.extra, 8, &c.n_extra},
                              err))
        || (rc = read_numbers(s, "copy.soft.window_ks", (struct numbers){1, 64, ks, 8, &n_ks}, err)))
        return rc;
    for (int i = 0; i < n_ks; i++) {
        c.ks[i] = (int)ks[i];
        if ((double)c.ks[i] != ks[i])
            return ll_settings_fail(s, "copy.soft.window_ks", err, "expected integers in 1..64, found %g",
                                    ks[i]);
    }
    c.n_ks = n_ks < 0 ? c.n_ks : n_ks;
    rc = ll_copy_choose(&e->labels, &c, NULL);
    return rc ? ll_settings_fail(s, "copy", err, "expected at most 8 strict and 16 soft columns, found more")
              : LL_OK;
}

/* A relative path is meant relative to dir. */
static int read_tuned(struct ll_experiment *e, const struct ll_settings *s, const char *dir,
                      struct ll_err *err)
{
    int mode = LL_TUNED_AUTO, rc = ll_read_word(s, "tuned.mode", LL_TUNED_CHOICES, &mode, err);
    const char *path = ll_settings_str(s, "tuned.dir", NULL);
    if (rc || !path)
        return rc;
    e->tuned = (enum ll_tuned_mode)mode;
    e->tuned_dir = *path == '/' ? strdup(path) : ll_path_join(dir, path);
    return e->tuned_dir ? LL_OK : ll_fail_mem(err, "path", strlen(path));
}

static int read_positions(struct ll_experiment *e, const struct ll_settings *s, struct ll_err *err)
{
    int last = 0, rc = ll_read_word(s, "positions", "all|last", &last, err);
    e->last_only = last;
    if (rc || !ll_settings_has(s, "last_position_only"))
        return rc;
    e->last_only = ll_settings_bool(s, "last_position_only", 0);
    if (ll_settings_has(s, "positions") && e->last_only != last)
        return ll_settings_fail(s, "positions", err,
                                "expected the same as last_position_only says (%s), found \"%s\"",
                                e->last_only ? "last" : "all", last ? "last" : "all");
    return LL_OK;
}

static int read_options(struct ll_experiment *e, const struct ll_settings *s, const char *dir,
                        struct ll_err *err)
{
    int rc = ll_run_settings_read(e, s, err);
    if (rc || (rc = read_copy(e, s, err)) || (rc = read_tuned(e, s, dir, err))
        || (rc = read_positions(e, s, err)))
        return rc;
    if (e->top_record < 1 || e->top_record > LL_TOP_COLS || e->top_verbose < e->top_record
        || e->top_verbose > LL_TOP_COLS)
        return ll_settings_fail(s, "top_k", err, "expected 1 <= record <= verbose <= %d, found %d and %d",
                                LL_TOP_COLS, e->top_record, e->top_verbose);
    int n = ll_settings_len(s, "temperatures");
    if (n > 0 && !(e->temperatures = malloc(sizeof(double) * (size_t)n)))
        return ll_fail_mem(err, "temperatures", sizeof(double) * (size_t)n);
    return n > 0 ? read_numbers(s, "temperatures",
                                (struct numbers){1e-3, 1e3, e->temperatures, n, &e->n_temperatures}, err)
                 : LL_OK;
}

/* ---- interventions --------------------------------------------------------------------------- */

static void free_texts(char **v, int n)
{
    for (int i = 0; i < n; i++)
        free(v[i]);
    free(v);
}

/* Only the texts are looked at here: whether they fit is a matter of each model. */
static int check_interventions(const char *const *texts, int n, struct ll_err *err)
{
    struct ll_intervene iv = {0};
    int rc = LL_OK;
    for (int i = 0; i < n && !rc; i++)
        rc = ll_intervene_parse(&iv, texts[i], err);
    ll_intervene_free(&iv);
    return rc;
}

/* As outputs have it: of a file as source, when its path is absolute, only the name. */
static void put_intervention(struct ll_buf *out, const char *text)
{
    const char *source = strchr(text, '='), *last = source ? strrchr(source, '/') : NULL;
    int is_file = last && source[1] == '/' && (strstr(last, ".safetensors") || strstr(last, ".bin"));
    ll_buf_add(out, text, is_file ? (size_t)(source + 1 - text) : strlen(text));
    if (is_file)
        ll_buf_adds(out, last + 1);
}

int ll_experiment_intervene(struct ll_experiment *e, const char *const *texts, int n, struct ll_err *err)
{
    struct ll_buf all = {0};
    char **copies = calloc((size_t)n + 1, sizeof *copies);
    int rc = copies ? check_interventions(texts, n, err)
                    : ll_fail_mem(err, "interventions", sizeof *copies * (size_t)n);
    for (int i = 0; i < n && !rc; i++) {
        ll_buf_adds(&all, i ? "; " : "");
        put_intervention(&all, texts[i]);
        rc = ll_copy_text(&copies[i], texts[i], err);
    }
    if (rc || (rc = ll_buf_ok(&all, err))) {
        free_texts(copies, copies ? n : 0);
        ll_buf_free(&all);
        return rc;
    }
    free_texts(e->interventions, e->n_interventions);
    free(e->interventions_text);
    e->interventions = copies;
    e->n_interventions = n;
    e->interventions_text = all.s;
    return LL_OK;
}

static int read_interventions(struct ll_experiment *e, const struct ll_settings *s, struct ll_err *err)
{
    char **texts = NULL;
    struct ll_err why = {0};
    int n = 0, rc = ll_read_texts(s, "interventions", &texts, &n, err);
    if (!rc && n && ll_experiment_intervene(e, (const char *const *)texts, n, &why))
        rc = why.code == LL_EUSAGE ? ll_settings_fail(s, "interventions", err, "%s", why.msg)
                                   : ll_fail(err, why.code, "%s", why.msg);
    free_texts(texts, n);
    return rc;
}

/* ---- copy labels ----------------------------------------------------------------------------- */

#define ONE(x) +1
#define VALUE(x) x,
void ll_copy_choice_default(struct ll_copy_choice *c)
{
    *c = (struct ll_copy_choice){.threshold = LL_COPY_THRESHOLD,
                                 .margin = LL_COPY_MARGIN,
                                 .thresholds = {LL_COPY_SWEEP(VALUE) LL_COPY_THRESHOLD},
                                 .n_thresholds = 1 LL_COPY_SWEEP(ONE),
                                 .soft = LL_COPY_SOFT_THRESHOLD,
                                 .ks = {LL_COPY_SOFT_KS(VALUE)},
                                 .n_ks = 0 LL_COPY_SOFT_KS(ONE)};
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static int by_int(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

int ll_copy_choose(struct ll_copy_labels *l, const struct ll_copy_choice *given, struct ll_err *err)
{
    struct ll_copy_choice c = *given;
    *l = (struct ll_copy_labels){.n_strict = 1, .strict = {c.threshold}, .margin = c.margin};
    qsort(c.thresholds, (size_t)c.n_thresholds, sizeof *c.thresholds, by_number);
    qsort(c.extra, (size_t)c.n_extra, sizeof *c.extra, by_number);
    qsort(c.ks, (size_t)c.n_ks, sizeof *c.ks, by_int);
    for (int i = 0; i < c.n_thresholds; i++) {
        if (c.thresholds[i] == c.threshold || (i && c.thresholds[i] == c.thresholds[i - 1]))
            continue;
        if (l->n_strict == (int)(sizeof l->strict / sizeof *l->strict))
            return ll_fail(err, LL_EUSAGE, "copy thresholds: expected at most %d, found more", l->n_strict);
        l->strict[l->n_strict++] = c.thresholds[i];
    }
    for (int t = -1; t < c.n_extra; t++) {
        double threshold = t < 0 ? c.soft : c.extra[t];
        if (t >= 0 && (threshold == c.soft || (t && threshold == c.extra[t - 1])))
            continue;
        for (int i = 0; i < c.n_ks; i++) {
            if (i && c.ks[i] == c.ks[i - 1])
                continue;
            if (l->n_soft == (int)(sizeof l->soft / sizeof *l->soft))
                return ll_fail(err, LL_EUSAGE, "soft copy columns: expected at most %d, found more",
                               l->n_soft);
            l->soft[l->n_soft].k = c.ks[i];
            l->soft[l->n_soft++].threshold = threshold;
        }
    }
    return LL_OK;
}

void ll_copy_choice_of(struct ll_copy_choice *c, const struct ll_copy_labels *l)
{
    *c = (struct ll_copy_choice){.threshold = l->strict[0],
                                 .margin = l->margin,
                                 .n_thresholds = l->n_strict - 1,
                                 .soft = l->n_soft ? l->soft[0].threshold : 0.5};
    memcpy(c->thresholds, l->strict + 1, sizeof *c->thresholds * (size_t)c->n_thresholds);
    for (int i = 0; i < l->n_soft; i++) {
        if (l->soft[i].threshold == c->soft && c->n_ks < 8)
            c->ks[c->n_ks++] = l->soft[i].k;
        else if ((!c->n_extra || c->extra[c->n_extra - 1] != l->soft[i].threshold) && c->n_extra < 8)
            c->extra[c->n_extra++] = l->soft[i].threshold;
    }
}

/* ---- the file -------------------------------------------------------------------------------- */

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

int ll_experiment_of_prompts(struct ll_experiment *e, const char *path, struct ll_err *err)
{
    struct ll_settings *s = NULL;
    struct ll_buf text = {0};
    struct ll_json j;
    memset(e, 0, sizeof *e);
    ll_json_init(&j, &text);
    ll_json_obj(&j, NULL);
    ll_json_arr(&j, "prompts_from");
    ll_json_obj(&j, NULL);
    ll_json_cstr(&j, "file", path);
    ll_json_end(&j);
    ll_json_end(&j);
    ll_json_end(&j);
    int rc = ll_buf_ok(&text, err);
    if (!rc && !(rc = ll_settings_parse(&s, path, ll_buf_str(&text), text.len, err)))
        rc = ll_read_asks(e, s, ".", err);
    ll_settings_free(s);
    ll_buf_free(&text);
    if (rc)
        ll_experiment_free(e);
    return rc;
}

void ll_experiment_say(const struct ll_experiment *e, int quiet)
{
    for (const char *p = ll_buf_str(&e->notes); *p && !quiet;) {
        int n = (int)strcspn(p, "\n");
        fprintf(stderr, "logitlens: note: %.*s\n", n, p);
        p += n + 1;
    }
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
    if (!rc && !(rc = ll_resolve_models(e, s, dir, err))
        && !(rc = ll_read_texts(s, "test_prompts", &e->test_prompts, &e->n_test_prompts, err))
        && !(rc = ll_read_texts(s, "important_words", &e->words, &e->n_words, err))
        && !(rc = read_options(e, s, dir, err)))
        rc = ll_read_asks(e, s, dir, err);
    if (!rc)
        rc = read_interventions(e, s, err);
    for (int i = 0; i < e->n_words; i++)
        for (char *c = e->words[i]; *c; c++)
            *c = (char)tolower((unsigned char)*c);
    ll_settings_free(s);
    free(dir);
    if (rc)
        ll_experiment_free(e);
    return rc;
}

void ll_experiment_free(struct ll_experiment *e)
{
    for (int i = 0; i < e->n_asks; i++) {
        struct ll_ask *a = &e->asks[i];
        char *owned[] = {a->pass_key, a->fact_key, a->prompt_id, a->variant, a->text, a->control_of};
        for (size_t k = 0; k < sizeof owned / sizeof *owned; k++)
            free(owned[k]);
        free_texts(a->answers, a->n_answers);
        free(a->ids);
    }
    free(e->asks);
    ll_buf_free(&e->notes);
    free_texts(e->models, e->n_models);
    free_texts(e->test_prompts, e->n_test_prompts);
    free_texts(e->words, e->n_words);
    free_texts(e->interventions, e->n_interventions);
    free(e->interventions_text);
    free(e->temperatures);
    free(e->tuned_dir);
    free(e->name);
    memset(e, 0, sizeof *e);
}
