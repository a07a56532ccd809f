/* run_options.c - see run_options.h */
#include "run_options.h"

#include "original_memory.h"
#include "run_settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of lo..hi separated by commas; at most max of them. */
struct numbers {
    const char *option;
    double lo, hi, *out;
    int max, *n;
};

static int parse_numbers(const char *s, const struct numbers *to, struct ll_err *err)
{
    const int max = to->max;
    const char *p = s;
    for (*to->n = 0;; p++) {
        char *end;
        double v = strtod(p, &end);
        if (end == p || (*end && *end != ',') || !(v >= to->lo && v <= to->hi))
            return ll_fail(err, LL_EUSAGE, "%s: expected %s in %g..%g, found \"%.60s\"", to->option,
                           max > 1 ? "numbers separated by commas, each" : "a number", to->lo, to->hi, s);
        if (*to->n == max)
            return ll_fail(err, LL_EUSAGE, "%s: expected at most %d number%s, found \"%.60s\"", to->option,
                           max, max > 1 ? "s" : "", s);
        to->out[(*to->n)++] = v;
        p = end;
        if (!*p)
            return LL_OK;
    }
}

static int choose_copy(struct ll_experiment *e, const struct ll_run_options *c, struct ll_err *err)
{
    struct ll_copy_choice l;
    double ks[8];
    int n, n_ks = 0, rc = LL_OK;
    ll_copy_choice_of(&l, &e->labels);
    if (c->copy_rule) {
        e->copy = strcmp(c->copy_rule, "legacy") ? ll_copy_strict : ll_copy_legacy;
        l.threshold = e->copy.threshold;
        l.margin = e->copy.margin;
    }
    const struct {
        const char *given;
        struct numbers to;
    } lists[] = {
        {c->copy_threshold, {"--copy-threshold", 0, 1, &l.threshold, 1, &n}},
        {c->copy_margin, {"--copy-margin", 0, 1, &l.margin, 1, &n}},
        {c->copy_thresholds, {"--copy-thresh-list", 0, 1, l.thresholds, 7, &l.n_thresholds}},
        {c->soft, {"--copy-soft-thresh", 0, 1, &l.soft, 1, &n}},
        {c->soft_list, {"--copy-soft-thresh-list", 0, 1, l.extra, 8, &l.n_extra}},
        {c->soft_ks, {"--copy-soft-window-ks", 1, 64, ks, 8, &n_ks}},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists && !rc; i++)
        if (lists[i].given)
            rc = parse_numbers(lists[i].given, &lists[i].to, err);
    if (rc)
        return rc;
    for (int i = 0; i < n_ks; i++) {
        if (ks[i] != floor(ks[i]))
            return ll_fail(err, LL_EUSAGE,
                           "--copy-soft-window-ks: expected integers in 1..64, found \"%.60s\"", c->soft_ks);
        l.ks[i] = (int)ks[i];
    }
    l.n_ks = n_ks ? n_ks : l.n_ks;
    e->copy.threshold = l.threshold;
    e->copy.margin = l.margin;
    return ll_copy_choose(&e->labels, &l, err);
}

int ll_run_options_env(struct ll_run_options *c, const char *more[LL_N_ENV_WORDS], int *n, struct ll_err *err)
{
    const struct {
        const char *variable, *option, *choices;
        const char **target;
    } rows[] = {{"LOGOS_RAW_LENS", "--raw-lens", LL_RAW_CHOICES, &c->raw_lens},
                {"LOGOS_REPEAT_FORWARD", "--repeat-forward", LL_REPEAT_CHOICES, &c->repeat_forward}};
    *n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = getenv(rows[i].variable);
        if (!value || !*value || *rows[i].target)
            continue;
        if (ll_word_nr(rows[i].choices, value, strlen(value)) < 0)
            return ll_fail(err, LL_EUSAGE, "environment: %s: expected one of %s, found \"%.60s\"",
                           rows[i].variable, rows[i].choices, value);
        *rows[i].target = value;
        more[(*n)++] = rows[i].option;
        more[(*n)++] = value;
    }
    return LL_OK;
}

/* Switches of the original that this build knows one answer to (docs/experiment.md 16.1). */
static int choose_fixed(struct ll_experiment *e, const struct ll_run_options *c, struct ll_err *err)
{
    struct ll_capacity any;
    int rc = ll_device_check(c->device, err);
    if (rc)
        return rc;
    if (c->prism && !strcmp(c->prism, "on"))
        return ll_fail(err, LL_EUNSUP,
                       "--prism on: a Prism lens is not fitted or applied here, only read from the "
                       "original's files: expected auto or off");
    if (c->prism && !strcmp(c->prism, "off") && c->prism_dir)
        return ll_fail(err, LL_EUSAGE, "--prism-dir: expected none with --prism off, found \"%.60s\"",
                       c->prism_dir);
    if (c->no_norm_lens && c->norm && strcmp(c->norm, "raw"))
        return ll_fail(err, LL_EUSAGE, "--no-norm-lens: expected no --norm beside it, or raw, found %s",
                       c->norm);
    if (c->no_norm_lens)
        e->lens = LL_LENS_RAW;
    e->prism_off = c->prism && !strcmp(c->prism, "off");
    return c->capacity ? ll_capacity_parse(&any, c->capacity, err) : LL_OK;
}

/* --tuned DIR, or one of the modes under the name it had in the original; a folder of such a name is ./auto.
 */
static int choose_tuned(struct ll_experiment *e, const struct ll_run_options *c, struct ll_err *err)
{
    int word = c->tuned ? ll_word_nr(LL_TUNED_CHOICES, c->tuned, strlen(c->tuned)) : -1;
    if (word >= 0 && c->tuned_mode && strcmp(c->tuned_mode, c->tuned))
        return ll_fail(err, LL_EUSAGE, "--tuned %s: expected the same of --tuned-mode, found %s", c->tuned,
                       c->tuned_mode);
    if (c->tuned && word < 0) {
        free(e->tuned_dir);
        if (!(e->tuned_dir = strdup(c->tuned)))
            return ll_fail_mem(err, "path", strlen(c->tuned));
        e->tuned = LL_TUNED_REQUIRE; /* asked for by name */
    }
    const char *mode = word >= 0 ? c->tuned : c->tuned_mode;
    if (mode)
        e->tuned = (enum ll_tuned_mode)ll_word_nr(LL_TUNED_CHOICES, mode, strlen(mode));
    return LL_OK;
}

int ll_run_options_take(struct ll_experiment *e, const struct ll_run_options *c, struct ll_err *err)
{
    int rc = choose_copy(e, c, err);
    if (rc || (rc = choose_fixed(e, c, err)) || (rc = choose_tuned(e, c, err)))
        return rc;
    if (c->intervene.n && (rc = ll_experiment_intervene(e, c->intervene.v, c->intervene.n, err)))
        return rc;
    ll_run_settings_choose(e, c);
    return LL_OK;
}

int ll_run_check(const struct ll_experiment *e, struct ll_err *err)
{
    if (!e->tuned_dir && e->tuned == LL_TUNED_REQUIRE)
        return ll_fail(
            err, LL_EUSAGE,
            "tuned: mode require: expected a folder (\"tuned\": {\"dir\": ...} or --tuned), found none");
    if (e->tuned_dir && e->tuned != LL_TUNED_OFF && e->site != LL_SITE_RESID_POST)
        return ll_fail(
            err, LL_EUSAGE,
            "tuned: a tuned lens reads resid_post: expected site resid_post or tuned mode off, found site %s",
            ll_site_name(e->site));
    if (e->tuned_dir && e->tuned == LL_TUNED_REQUIRE && !e->analysis)
        return ll_fail(err, LL_EUSAGE, "tuned: mode require: expected analysis, found it turned off");
    if (e->repeat == LL_REPEAT_ALWAYS && !e->analysis)
        return ll_fail(
            err, LL_EUSAGE,
            "repeat_forward: always: expected analysis, which compares the two passes, found it turned off");
    return LL_OK;
}
