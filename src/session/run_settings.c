/* run_settings.c - see run_settings.h */
#include "run_settings.h"

#include "provenance.h"
#include "record.h"
#include "run_options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char truth[] = "false|true";

/* ---- what outputs say, pair by pair ---------------------------------------------------------- */

struct pairs {
    struct ll_run_settings *s;
    int n;
};

static void put_n(struct pairs *p, const char *key, const char *value, size_t n)
{
    char *text = p->s->text[p->n];
    snprintf(text, sizeof p->s->text[p->n], "%.*s", (int)n, value);
    p->s->v[p->n++] = key;
    p->s->v[p->n++] = text;
    p->s->v[p->n] = NULL;
}
static void put(struct pairs *p, const char *key, const char *value) { put_n(p, key, value, strlen(value)); }

static void put_numbers(struct pairs *p, const char *key, const double *v, int n)
{
    char text[96] = "", one[32];
    for (int i = 0; i < n; i++) {
        ll_fmt_double(one, v[i]);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "", one);
    }
    put(p, key, text);
}

static void put_copy(struct pairs *p, const struct ll_experiment *e)
{
    struct ll_copy_choice c;
    double ks[8];
    ll_copy_choice_of(&c, &e->labels);
    for (int i = 0; i < c.n_ks; i++)
        ks[i] = c.ks[i];
    put_numbers(p, "copy_threshold", &e->copy.threshold, 1);
    put_numbers(p, "copy_margin", &e->copy.margin, 1);
    put_numbers(p, "copy_thresholds", c.thresholds, c.n_thresholds);
    put_numbers(p, "copy_soft_threshold", &c.soft, 1);
    put_numbers(p, "copy_soft_window_ks", ks, c.n_ks);
    put_numbers(p, "copy_soft_extra_thresholds", c.extra, c.n_extra);
}

static void put_tuned(struct pairs *p, const struct ll_experiment *e)
{
    put(p, "tuned", ll_tuned_mode_name(e->tuned_dir && e->analysis ? e->tuned : LL_TUNED_OFF));
}

/* Switches of the original that have one position here. */
static void put_fixed(struct pairs *p, const struct ll_experiment *e)
{
    (void)e;
    put(p, "device", "cpu");
    put(p, "fp32_unembed", "true");
}

/* ---- the rows -------------------------------------------------------------------------------- */

enum { NONE = -1 };
#define AT(member) offsetof(struct ll_experiment, member)
#define OPTION(member) (int)offsetof(struct ll_run_options, member)

/* In the order of the outputs. */
static const struct row {
    const char *name; /* in the settings of every output; NULL: not there */
    const char
        *key; /* in the experiment file; NULL: not there, or read together with other keys (experiment.c) */
    const char *words; /* the values 0, 1, ...; NULL: a number */
    size_t at;         /* of the int (or enum) in struct ll_experiment */
    int usual;         /* by default */
    int option;        /* in struct ll_run_options: a word, or a flag that sets the opposite of `usual` */
    int is_flag;
    const char
        *idle; /* what outputs say where it does nothing because analysis is off; NULL: it always does */
    void (*put)(struct pairs *, const struct ll_experiment *); /* pairs that are no single value: only this */
} rows[] = {
    {"lens_norm", "norm", LL_LENS_CHOICES, AT(lens), LL_LENS_FINAL, OPTION(norm), 0, NULL, NULL},
    {"lens_site", "site", LL_SITE_CHOICES, AT(site), LL_SITE_RESID_POST, OPTION(site), 0, NULL, NULL},
    {"lens_head", "head", "model|bare", AT(bare_head), 0, OPTION(head), 0, NULL, NULL},
    {"ln_bias", "ln_bias", "keep|drop", AT(ln_bias_drop), 0, OPTION(ln_bias), 0, NULL, NULL},
    {"copy_rule", NULL, "strict|legacy", AT(copy.rule), LL_COPY_STRICT, NONE, 0, NULL, NULL},
    {.put = put_copy},
    {"top_k_record", "top_k.record", NULL, AT(top_record), LL_TOP_RECORD, NONE, 0, NULL, NULL},
    {"top_k_verbose", "top_k.verbose", NULL, AT(top_verbose), LL_TOP_VERBOSE, NONE, 0, NULL, NULL},
    {"last_position_only", NULL, truth, AT(last_only), 0, OPTION(last_only), 1, NULL, NULL},
    {"answers_by_teacher_forcing", "answers_by_teacher_forcing", truth, AT(teacher_forcing), 1, NONE, 0, NULL,
     NULL},
    {"answers_exact", "answers_exact", truth, AT(answers_exact), 0, NONE, 0, NULL, NULL},
    {"analysis", "analysis", truth, AT(analysis), 1, OPTION(no_analysis), 1, NULL, NULL},
    {"raw_lens", "raw_lens", LL_RAW_CHOICES, AT(raw), LL_RAW_FULL, OPTION(raw_lens), 0, "off", NULL},
    {"calibrate", "calibrate", truth, AT(calibrate), 1, OPTION(no_calibrate), 1, "false", NULL},
    {.put = put_tuned},
    {"repeat_forward", "repeat_forward", LL_REPEAT_CHOICES, AT(repeat), LL_REPEAT_AUTO,
     OPTION(repeat_forward), 0, "off", NULL},
    {.put = put_fixed},
    {"residual_cache", NULL, "fp32|compute", AT(residual_compute), 0, OPTION(residual_cache), 0, NULL, NULL},
    {"prism", NULL, "auto|off", AT(prism_off), 0, NONE, 0, NULL, NULL},
    {NULL, "seed", NULL, AT(seed), LL_SEED, NONE, 0, NULL, NULL},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static int value_of(const struct ll_experiment *e, const struct row *r)
{
    int v;
    memcpy(&v, (const char *)e + r->at, sizeof v);
    return v;
}
static void set_value(struct ll_experiment *e, const struct row *r, int v)
{
    memcpy((char *)e + r->at, &v, sizeof v);
}

/* The words behind the first nr bars, up to the next. */
static const char *word_at(const char *words, int nr, size_t *n)
{
    for (; nr > 0; nr--)
        words = strchr(words, '|') + 1;
    *n = strcspn(words, "|");
    return words;
}

int ll_word_nr(const char *words, const char *s, size_t n)
{
    for (int i = 0;; i++) {
        size_t len = strcspn(words, "|");
        if (len == n && !memcmp(words, s, n))
            return i;
        if (!words[len])
            return -1;
        words += len + 1;
    }
}

int ll_read_word(const struct ll_settings *s, const char *key, const char *words, int *nr, struct ll_err *err)
{
    const char *text = ll_settings_str(s, key, NULL);
    int found = text ? ll_word_nr(words, text, strlen(text)) : *nr;
    struct ll_buf list = {0};
    if (found >= 0)
        return *nr = found, LL_OK;
    for (const char *c = words; *c; c++) {
        if (*c != '|')
            ll_buf_addc(&list, *c);
        else
            ll_buf_adds(&list, strchr(c + 1, '|') ? ", " : " or ");
    }
    int rc = ll_settings_fail(s, key, err, "expected %s, found \"%.60s\"", ll_buf_str(&list), text);
    ll_buf_free(&list);
    return rc;
}

int ll_run_settings_read(struct ll_experiment *e, const struct ll_settings *s, struct ll_err *err)
{
    for (const struct row *r = rows; r < rows + N_ROWS; r++) {
        int v = r->usual, rc = LL_OK;
        if (!r->key)
            continue;
        if (!r->words)
            v = (int)ll_settings_int(s, r->key, v);
        else if (r->words == truth)
            v = ll_settings_bool(s, r->key, v);
        else
            rc = ll_read_word(s, r->key, r->words, &v, err);
        if (rc)
            return rc;
        set_value(e, r, v);
    }
    return LL_OK;
}

void ll_run_settings_choose(struct ll_experiment *e, const struct ll_run_options *o)
{
    for (const struct row *r = rows; r < rows + N_ROWS; r++) {
        const char *at = (const char *)o + r->option, *word;
        int flag;
        if (r->put || r->option == NONE)
            continue;
        if (r->is_flag) {
            memcpy(&flag, at, sizeof flag);
            if (flag)
                set_value(e, r, !r->usual);
        } else {
            memcpy(&word, at, sizeof word);
            if (word)
                set_value(e, r, ll_word_nr(r->words, word, strlen(word)));
        }
    }
}

int ll_run_setting_at(const struct ll_experiment *e, int nr, const char **name, int *value)
{
    for (const struct row *r = rows; r < rows + N_ROWS; r++)
        if (!r->put && !nr--) {
            *name = r->name ? r->name : r->key;
            *value = value_of(e, r);
            return 1;
        }
    return 0;
}

void ll_run_settings(const struct ll_experiment *e, struct ll_run_settings *out)
{
    struct pairs p = {out, 0};
    for (const struct row *r = rows; r < rows + N_ROWS; r++) {
        size_t n;
        if (r->put)
            r->put(&p, e);
        else if (r->idle && !e->analysis)
            put(&p, r->name, r->idle);
        else if (r->name && !r->words)
            put_numbers(&p, r->name, (double[]){value_of(e, r)}, 1);
        else if (r->name) {
            const char *word = word_at(r->words, value_of(e, r), &n);
            put_n(&p, r->name, word, n);
        }
    }
    if (e->n_interventions) { /* of any length, hence not a copy */
        out->v[p.n] = "interventions";
        out->v[p.n + 1] = e->interventions_text;
        out->v[p.n + 2] = NULL;
    }
}
