/* experiment_models.c - "models" of an experiment: paths, globs and hub names (experiment_parts.h). */
#include "experiment_parts.h"

#include "map.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add(struct ll_experiment *e, char *owned, struct ll_err *err)
{
    char **more = owned ? realloc(e->models, sizeof *more * (size_t)(e->n_models + 1)) : NULL;
    if (!more) {
        free(owned);
        return ll_fail_mem(err, "models", sizeof *more * (size_t)(e->n_models + 1));
    }
    e->models = more;
    e->models[e->n_models++] = owned;
    return LL_OK;
}

/* A folder's own name is no pattern: backslash takes the meaning from it. */
static int put_literal(struct ll_buf *out, const char *dir, struct ll_err *err)
{
    for (const char *c = dir; *c; c++) {
        if (strchr("*?[\\", *c))
            ll_buf_addc(out, '\\');
        ll_buf_addc(out, *c);
    }
    return ll_buf_ok(out, err);
}

/* [ is no pattern here: brackets in model names are more common than patterns of sets. */
static int put_pattern(struct ll_buf *out, const char *pattern, struct ll_err *err)
{
    for (const char *c = pattern; *c; c++) {
        if (*c == '[' || *c == '\\')
            ll_buf_addc(out, '\\');
        ll_buf_addc(out, *c);
    }
    return ll_buf_ok(out, err);
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int add_matches(struct ll_experiment *e, const struct ll_settings *s, const char *at,
                       const char *pattern, const char *dir, struct ll_err *err)
{
    struct ll_buf full = {0};
    glob_t found = {0};
    int rc = LL_OK;
    if (*pattern != '/' && !(rc = put_literal(&full, dir, err)))
        ll_buf_addc(&full, '/');
    if (!rc && !(rc = put_pattern(&full, pattern, err))) {
        int g = glob(full.s, GLOB_NOSORT, NULL, &found); /* sorted below, by bytes: glob sorts by locale */
        if (g == GLOB_NOSPACE)
            rc = ll_fail_mem(err, "models", 0);
        else if (g && g != GLOB_NOMATCH)
            rc = ll_fail(err, LL_EFAIL, "models: %s: a folder cannot be read", pattern);
        else if (!found.gl_pathc)
            ll_settings_fail(s, at, &e->models_err, "expected at least one path that fits \"%s\", found none",
                             pattern);
        else if (found.gl_pathc + (size_t)e->n_models > LL_MAX_MODELS)
            rc = ll_settings_fail(s, at, err, "expected at most %d models, found more", LL_MAX_MODELS);
    }
    int first = e->n_models;
    for (size_t i = 0; i < found.gl_pathc && !rc; i++)
        rc = add(e, strdup(found.gl_pathv[i]), err);
    if (!rc && e->n_models > first)
        qsort(e->models + first, (size_t)(e->n_models - first), sizeof *e->models, by_bytes);
    globfree(&found);
    ll_buf_free(&full);
    return rc;
}

static int add_path(struct ll_experiment *e, const char *path, const char *dir, struct ll_err *err)
{
    char *joined = *path == '/' ? NULL : ll_path_join(dir, path);
    if (joined && ll_is_there(joined))
        return add(e, joined, err);
    free(joined);
    return add(e, strdup(path), err);
}

int ll_resolve_models(struct ll_experiment *e, const struct ll_settings *s, const char *dir,
                      struct ll_err *err)
{
    char **given = NULL;
    int n = 0, rc = ll_read_texts(s, "models", &given, &n, err);
    for (int i = 0; i < n && !rc; i++) {
        char at[32];
        snprintf(at, sizeof at, "models.%d", i);
        rc = strpbrk(given[i], "*?") ? add_matches(e, s, at, given[i], dir, err)
                                     : add_path(e, given[i], dir, err);
    }
    for (int i = 0; i < n; i++)
        free(given[i]);
    free(given);
    return rc;
}

int ll_experiment_models(struct ll_experiment *e, const char *const *models, int n, struct ll_err *err)
{
    while (n && e->n_models)
        free(e->models[--e->n_models]);
    for (int i = 0; i < n; i++) {
        int rc = add(e, strdup(models[i]), err);
        if (rc)
            return rc;
    }
    if (!n && e->models_err.code)
        return ll_fail(err, e->models_err.code, "%s", e->models_err.msg);
    return e->n_models
        ? LL_OK
        : ll_fail(err, LL_EUSAGE, "no models: expected \"models\" in the experiment or names after it");
}
