/* setting.c - see setting.h */
#include "setting.h"

#include "gguf_setting.h"
#include "meaning.h"
#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ll_setting_row *row_of(const struct ll_model *m, enum ll_setting what)
{
    for (int i = 0; i < m->family->n_settings; i++)
        if (m->family->settings[i].what == what)
            return &m->family->settings[i];
    return NULL;
}

/* ---- where a value stands -------------------------------------------------------------------- */

static const char *names_of(const struct ll_setting_row *r)
{
    return r->keys ? r->keys : ll_meanings[r->what].usual;
}

static const char *root_of(const struct ll_model *m, const struct ll_setting_row *r)
{
    return r->outside ? "" : m->root;
}

/* The i-th name of a row as a path; 0: it has fewer. */
static int name_path(const struct ll_model *m, const struct ll_setting_row *r, int i,
                     char out[LL_SETTING_PATH])
{
    const char *at = names_of(r), *root = root_of(m, r);
    for (; i > 0 && at; i--)
        at = (at = strchr(at, '|')) ? at + 1 : NULL;
    if (at)
        snprintf(out, LL_SETTING_PATH, "%s%s%.*s", root, *root ? "." : "", (int)strcspn(at, "|"), at);
    return at != NULL;
}

/* The path of the name that counts, present or null; 0: none of them is there. */
static int find(const struct ll_model *m, const struct ll_setting_row *r, char out[LL_SETTING_PATH])
{
    const struct ll_settings *s = m->ckpt->settings;
    for (int i = 0; name_path(m, r, i, out); i++)
        if (ll_settings_has(s, out) || ll_settings_is_null(s, out))
            return 1;
    return 0;
}

enum from { NOWHERE, STORED, DEFAULT };

/* Where the value of a meaning comes from; *row its row, path where it is stored. */
static enum from seek(const struct ll_model *m, enum ll_setting what, const struct ll_setting_row **row,
                      char path[LL_SETTING_PATH])
{
    const struct ll_setting_row *r = *row = row_of(m, what);
    if (!r)
        return NOWHERE;
    if (find(m, r, path))
        return ll_settings_has(m->ckpt->settings, path) ? STORED : NOWHERE;
    return r->has_default ? DEFAULT : NOWHERE;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static int check_entries(const struct ll_model *m, const char *list, enum ll_settings_kind kind,
                         struct ll_err *err)
{
    const struct ll_settings *s = m->ckpt->settings;
    int rc = LL_OK, n = ll_settings_len(s, list);
    for (int i = 0; i < n && !rc && kind != LL_SET_LIST; i++) {
        char key[LL_SETTING_PATH + 16];
        const char *text;
        long long v;
        snprintf(key, sizeof key, "%s.%d", list, i);
        rc = kind == LL_SET_STR ? ll_settings_need_str(s, key, &text, err)
                                : ll_settings_need_int(s, key, 0, 0x7fffffff, &v, err);
    }
    return rc;
}

static int check_only(const struct ll_model *m, const struct ll_setting_row *r, const char *path,
                      struct ll_err *err)
{
    int value = ll_settings_bool(m->ckpt->settings, path, (int)r->value);
    if (!r->only_default || value == (int)r->value)
        return LL_OK;
    return ll_fail(err, LL_EUNSUP, "config.json: %s: %s is not supported in family %s", path,
                   value ? "true" : "false", m->family->name);
}

/* One stored value against its meaning. */
static int check_row(const struct ll_model *m, const struct ll_setting_row *r, struct ll_err *err)
{
    char path[LL_SETTING_PATH];
    if (!find(m, r, path))
        return LL_OK;
    const char *root = root_of(m, r), *key = path + (*root ? strlen(root) + 1 : 0);
    const struct ll_settings_row rows[] = {{key, ll_meanings[r->what].kind, ll_meanings[r->what].lo,
                                            ll_meanings[r->what].hi, r->null == LL_NULL_REFUSED},
                                           {NULL, LL_SET_INT, 0, 0, 0}};
    int rc = ll_settings_check(m->ckpt->settings, root, rows, LL_OTHERS_PASS, err);
    if (!rc && ll_meanings[r->what].kind == LL_SET_LIST)
        rc = check_entries(m, path, ll_meanings[r->what].entries, err);
    return rc ? rc : check_only(m, r, path, err);
}

int ll_settings_of_family(const struct ll_model *m, struct ll_err *err)
{
    int rc = LL_OK;
    if (m->ckpt->gguf)
        return ll_gguf_check(m, err);
    for (int i = 0; i < m->family->n_settings && !rc; i++)
        rc = check_row(m, &m->family->settings[i], err);
    return rc;
}

/* ---- readers --------------------------------------------------------------------------------- */

/* A meaning without a GGUF key is looked up as in an empty config.json: the family's default holds. */
static int from_gguf(const struct ll_model *m, enum ll_setting what)
{
    return m->ckpt->gguf && ll_gguf_answers(m, what);
}

int ll_setting_int(const struct ll_model *m, enum ll_setting what, int *out)
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    double v = 0;
    if (from_gguf(m, what)) {
        int there = ll_gguf_value(m, what, &v);
        *out = there ? (int)v : *out;
        return there;
    }
    enum from from = seek(m, what, &r, path);
    if (from != NOWHERE)
        *out = from == STORED ? (int)ll_settings_int(m->ckpt->settings, path, 0) : (int)r->value;
    return from != NOWHERE;
}

int ll_setting_num(const struct ll_model *m, enum ll_setting what, double *out)
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    if (from_gguf(m, what))
        return ll_gguf_value(m, what, out);
    enum from from = seek(m, what, &r, path);
    if (from != NOWHERE)
        *out = from == STORED ? ll_settings_num(m->ckpt->settings, path, 0) : r->value;
    return from != NOWHERE;
}

const char *ll_setting_str(const struct ll_model *m, enum ll_setting what)
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    enum from from = seek(m, what, &r, path);
    return from == STORED ? ll_settings_str(m->ckpt->settings, path, NULL) : from == DEFAULT ? r->text : NULL;
}

int ll_setting_on(const struct ll_model *m, enum ll_setting what)
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    double v = 0;
    if (from_gguf(m, what))
        return ll_gguf_value(m, what, &v) && v != 0;
    enum from from = seek(m, what, &r, path);
    return from == STORED ? ll_settings_bool(m->ckpt->settings, path, 0) : from == DEFAULT && r->value != 0;
}

int ll_setting_has(const struct ll_model *m, enum ll_setting what)
{
    double v;
    return from_gguf(m, what) ? ll_gguf_value(m, what, &v) : row_of(m, what) != NULL;
}

int ll_setting_given(const struct ll_model *m, enum ll_setting what)
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    return m->ckpt->gguf ? ll_gguf_given(m, what) : seek(m, what, &r, path) == STORED;
}

int ll_setting_len(const struct ll_model *m, enum ll_setting what)
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    if (m->ckpt->gguf)
        return ll_gguf_len(m, what);
    return seek(m, what, &r, path) == STORED ? ll_settings_len(m->ckpt->settings, path) : -1;
}

/* Path of entry i of a stored list; 0: no list. */
static int item_path(const struct ll_model *m, enum ll_setting what, int i, char out[LL_SETTING_PATH + 16])
{
    const struct ll_setting_row *r;
    char path[LL_SETTING_PATH];
    if (seek(m, what, &r, path) != STORED)
        return 0;
    snprintf(out, LL_SETTING_PATH + 16, "%s.%d", path, i);
    return 1;
}

const char *ll_setting_item_str(const struct ll_model *m, enum ll_setting what, int i)
{
    char path[LL_SETTING_PATH + 16];
    return item_path(m, what, i, path) ? ll_settings_str(m->ckpt->settings, path, "") : "";
}

long long ll_setting_item_int(const struct ll_model *m, enum ll_setting what, int i, long long fallback)
{
    char path[LL_SETTING_PATH + 16];
    if (m->ckpt->gguf)
        return (long long)ll_gguf_item(m, what, i);
    return item_path(m, what, i, path) ? ll_settings_int(m->ckpt->settings, path, fallback) : fallback;
}

const char *ll_setting_key(const struct ll_model *m, enum ll_setting what, char out[LL_SETTING_PATH])
{
    const struct ll_setting_row *r = row_of(m, what);
    if (m->ckpt->gguf) { /* without the word in front */
        const char *name = strchr(ll_gguf_place(m, what, out), ' ');
        return name ? memmove(out, name + 1, strlen(name)) : out;
    }
    if (!r)
        snprintf(out, LL_SETTING_PATH, "%s%s%s", m->root, *m->root ? "." : "", ll_meanings[what].usual);
    else if (!find(m, r, out))
        name_path(m, r, 0, out);
    return out;
}

const char *ll_setting_place(const struct ll_model *m, enum ll_setting what, char out[LL_SETTING_PLACE])
{
    char key[LL_SETTING_PATH];
    if (m->ckpt->gguf)
        snprintf(out, LL_SETTING_PLACE, "%.280s: %s", m->ckpt->files[0].name, ll_gguf_place(m, what, key));
    else
        snprintf(out, LL_SETTING_PLACE, "config.json: %s", ll_setting_key(m, what, key));
    return out;
}

static int fail_at(const struct ll_model *m, enum ll_setting what, int code, struct ll_err *err,
                   const char *fmt, va_list args)
{
    char place[LL_SETTING_PLACE], why[600];
    vsnprintf(why, sizeof why, fmt, args);
    return ll_fail(err, code, "%s: %s", ll_setting_place(m, what, place), why);
}

int ll_setting_fail(const struct ll_model *m, enum ll_setting what, struct ll_err *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int rc = fail_at(m, what, LL_EUSAGE, err, fmt, args);
    va_end(args);
    return rc;
}

int ll_setting_refuse(const struct ll_model *m, enum ll_setting what, struct ll_err *err, const char *fmt,
                      ...)
{
    va_list args;
    va_start(args, fmt);
    int rc = fail_at(m, what, LL_EUNSUP, err, fmt, args);
    va_end(args);
    return rc;
}
