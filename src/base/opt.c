/* opt.c - see opt.h */
#include "opt.h"
#include "literal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct ll_opt *find(const struct ll_opt *opts, const char *s, size_t n)
{
    for (; opts->name; opts++)
        if (strlen(opts->name) == n && !strncmp(opts->name, s, n))
            return opts;
    return NULL;
}

static int in_range(const struct ll_opt *o, double v)
{
    return (o->lo == 0 && o->hi == 0) || (v >= o->lo && v <= o->hi);
}

static int one_of(const char *choices, const char *s)
{
    size_t n = strlen(s);
    for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL)
        if (!strncmp(c, s, n) && (c[n] == '|' || !c[n]))
            return 1;
    return 0;
}

static int set_number(const struct ll_opt *o, const char *s, struct ll_err *err)
{
    char *end;
    errno = 0;
    double v = strtod(s, &end);
    int is_int = o->kind == LL_OPT_INT;
    if (end == s || *end || errno || !isfinite(v) || (is_int && v != floor(v)) || !in_range(o, v)
        || fabs(v) > 2e9) {
        if (o->lo == 0 && o->hi == 0)
            return ll_fail(err, LL_EUSAGE, "%s: expected %s, found \"%s\"", o->name,
                           is_int ? "an integer" : "a number", s);
        return is_int ? ll_fail(err, LL_EUSAGE, "%s: expected an integer in %.0f..%.0f, found \"%s\"",
                                o->name, o->lo, o->hi, s)
                      : ll_fail(err, LL_EUSAGE, "%s: expected a number in %g..%g, found \"%s\"", o->name,
                                o->lo, o->hi, s);
    }
    if (is_int)
        *(int *)o->target = (int)v;
    else
        *(double *)o->target = v;
    return LL_OK;
}

static int set_value(const struct ll_opt *o, const char *s, struct ll_err *err)
{
    if (o->kind == LL_OPT_LIST) {
        struct ll_opt_list *list = o->target;
        if (list->n == LL_OPT_LIST_MAX)
            return ll_fail(err, LL_EUSAGE, "%s: expected at most %d of them", o->name, LL_OPT_LIST_MAX);
        list->v[list->n++] = s;
        return LL_OK;
    }
    if (o->kind != LL_OPT_STR)
        return set_number(o, s, err);
    if (o->choices && !one_of(o->choices, s))
        return ll_fail(err, LL_EUSAGE, "%s: expected one of %s, found \"%s\"", o->name, o->choices, s);
    *(const char **)o->target = s;
    return LL_OK;
}

int ll_opt_parse(const struct ll_opt *opts, int argc, char **argv, const char **args, int max_args,
                 int *n_args, struct ll_err *err)
{
    int only_args = 0;
    *n_args = 0;
    for (int i = 1; i < argc; i++) {
        const char *s = argv[i];
        if (!only_args && s[0] == '-' && s[1] && s[1] != '-')
            return ll_fail(err, LL_EUSAGE,
                           "%s: unknown option \"%s\" (see: logitlens help %s; text that begins with a dash "
                           "goes after --)",
                           argv[0], s, argv[0]);
        if (only_args || !LL_BEGINS(s, "--")) {
            if (*n_args >= max_args)
                return ll_fail(err, LL_EUSAGE, "%s: unexpected argument \"%s\"", argv[0], s);
            args[(*n_args)++] = s;
            continue;
        }
        if (!s[2]) {
            only_args = 1;
            continue;
        }
        const char *eq = strchr(s, '=');
        const struct ll_opt *o = find(opts, s, eq ? (size_t)(eq - s) : strlen(s));
        if (!o)
            return ll_fail(err, LL_EUSAGE, "%s: unknown option \"%s\" (see: logitlens help %s)", argv[0], s,
                           argv[0]);
        if (o->kind == LL_OPT_FLAG) {
            if (eq)
                return ll_fail(err, LL_EUSAGE, "%s: takes no value, found \"%s\"", o->name, eq + 1);
            *(int *)o->target = 1;
            continue;
        }
        if (!eq && i + 1 >= argc)
            return ll_fail(err, LL_EUSAGE, "%s: expected a value (%s)", o->name, o->arg);
        int rc = set_value(o, eq ? eq + 1 : argv[++i], err);
        if (rc)
            return rc;
    }
    return LL_OK;
}

int ll_opt_expected(const char *name, const char *expected, struct ll_err *err)
{
    return ll_fail(err, LL_EUSAGE, "%s: expected %s (see: logitlens help %s)", name, expected, name);
}

int ll_opt_args(const struct ll_opt *opts, int argc, char **argv, struct ll_args *a, struct ll_err *err)
{
    int rc = ll_opt_parse(opts, argc, argv, a->v, a->most, &a->n, err);
    return rc || a->n >= a->least ? rc : ll_opt_expected(argv[0], a->expected, err);
}

static void put_default(const struct ll_opt *o, struct ll_buf *out)
{
    if (o->kind == LL_OPT_STR && *(const char **)o->target)
        ll_buf_addf(out, " [%s]", *(const char **)o->target);
    else if (o->kind == LL_OPT_INT)
        ll_buf_addf(out, " [%d]", *(int *)o->target);
    else if (o->kind == LL_OPT_NUM)
        ll_buf_addf(out, " [%g]", *(double *)o->target);
}

void ll_opt_help(const struct ll_opt *opts, struct ll_buf *out)
{
    enum { COLUMN = 26, WIDTH = 79 };
    for (const struct ll_opt *o = opts; o->name; o++) {
        struct ll_buf left = {0}, text = {0};
        ll_buf_addf(&left, "  %s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        ll_buf_adds(&text, o->help);
        if (o->choices)
            ll_buf_addf(&text, ": %s", o->choices);
        put_default(o, &text);
        ll_buf_addf(out, "%-*s", COLUMN, ll_buf_str(&left));
        size_t at = left.len < COLUMN ? COLUMN : left.len;
        for (const char *w = ll_buf_str(&text); *w;) {
            size_t n = strcspn(w, " ");
            if (at + n + 1 > WIDTH) {
                ll_buf_addf(out, "\n%*s", COLUMN, "");
                at = COLUMN;
            }
            ll_buf_addc(out, ' ');
            ll_buf_add(out, w, n);
            at += n + 1;
            w += n;
            while (*w == ' ')
                w++;
        }
        ll_buf_addc(out, '\n');
        ll_buf_free(&left);
        ll_buf_free(&text);
    }
}
