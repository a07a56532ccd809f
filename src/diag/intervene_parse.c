/* intervene_parse.c - the text of an intervention (intervene.h). */
#include "intervene.h"
#include "literal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int has_point, has_source;
} kinds[LL_N_IV] = {
    [LL_IV_ZERO] = {"zero", 1, 0},   [LL_IV_MEAN] = {"mean", 1, 0}, [LL_IV_PATCH] = {"patch", 1, 1},
    [LL_IV_STEER] = {"steer", 1, 1}, [LL_IV_SKIP] = {"skip", 0, 0}, [LL_IV_SWAP] = {"swap", 0, 0}};

/* An integer at *s; moves on. 0 when there is none or it does not fit. */
static int take_int(const char **s, int *out)
{
    char *end;
    errno = 0;
    if (**s == ' ' || **s == '+')
        return 0;
    long v = strtol(*s, &end, 10);
    if (end == *s || errno || v < -1000000 || v > 1000000)
        return 0;
    *s = end;
    *out = (int)v;
    return 1;
}

static int parse_blocks(struct ll_intervention *v, const char *s, struct ll_err *err)
{
    int ok = take_int(&s, &v->layer) && v->layer >= 0;
    if (v->kind == LL_IV_SWAP)
        ok = ok && *s++ == ',' && take_int(&s, &v->other) && v->other >= 0;
    if (!ok || *s)
        return ll_fail(err, LL_EUSAGE, "intervention \"%s\": expected %s", v->spec,
                       v->kind == LL_IV_SWAP ? "swap:A,B with two numbers of blocks"
                                             : "skip:L with the number of a block");
    return LL_OK;
}

/* "*2.5" at the end of a source. */
static void take_factor(struct ll_intervention *v)
{
    for (size_t i = v->n_source; i-- > 0;)
        if (v->source[i] == '*') {
            char *end;
            double f = strtod(v->source + i + 1, &end);
            if (end != v->source + i + 1 && !*end && isfinite(f)) {
                v->factor = f;
                v->n_source = i;
            }
            return;
        }
}

static int parse_point(struct ll_intervention *v, const char *s, struct ll_err *err)
{
    size_t n = strcspn(s, "[@=");
    char name[80];
    if (n >= sizeof name)
        n = sizeof name - 1;
    memcpy(name, s, n);
    name[n] = 0;
    if ((v->hook = ll_hook_parse(name, &v->layer)) < 0)
        return ll_fail(err, LL_EUSAGE, "intervention \"%s\": unknown point \"%s\" (see: logitlens help dump)",
                       v->spec, name);
    s += n;
    if (*s == '[') {
        s++;
        if (!take_int(&s, &v->index) || v->index < 0 || *s++ != ']')
            return ll_fail(err, LL_EUSAGE,
                           "intervention \"%s\": expected a number from 0 in brackets after the point",
                           v->spec);
    }
    if (*s == '@') {
        if (!LL_BEGINS(s, "@pos=") || (s += 5, !take_int(&s, &v->pos)))
            return ll_fail(err, LL_EUSAGE,
                           "intervention \"%s\": expected @pos=P with a position (-1: the last)", v->spec);
        v->has_pos = 1;
    }
    if (*s && *s != '=')
        return ll_fail(err, LL_EUSAGE, "intervention \"%s\": not understood from \"%.20s\" on: expected %s",
                       v->spec, s, kinds[v->kind].has_source ? "=SOURCE" : "the end");
    if ((*s == '=') != kinds[v->kind].has_source)
        return ll_fail(err, LL_EUSAGE, "intervention \"%s\": %s takes %s", v->spec, kinds[v->kind].name,
                       kinds[v->kind].has_source ? "=SOURCE: a prompt or a file" : "no =SOURCE");
    if (!*s)
        return LL_OK;
    v->source = s + 1;
    v->n_source = strlen(v->source);
    if (v->kind == LL_IV_STEER)
        take_factor(v);
    return v->n_source
        ? LL_OK
        : ll_fail(err, LL_EUSAGE, "intervention \"%s\": the source is empty: expected a prompt or a file",
                  v->spec);
}

static int parse(struct ll_intervention *v, struct ll_err *err)
{
    const char *colon = strchr(v->spec, ':');
    int kind = 0;
    while (kind < LL_N_IV
           && (!colon || strlen(kinds[kind].name) != (size_t)(colon - v->spec)
               || strncmp(kinds[kind].name, v->spec, (size_t)(colon - v->spec))))
        kind++;
    if (kind == LL_N_IV)
        return ll_fail(err, LL_EUSAGE,
                       "intervention \"%s\": expected zero:, mean:, patch:, steer:, skip: or swap:", v->spec);
    v->kind = (enum ll_intervene_kind)kind;
    return kinds[kind].has_point ? parse_point(v, colon + 1, err) : parse_blocks(v, colon + 1, err);
}

int ll_intervene_parse(struct ll_intervene *iv, const char *spec, struct ll_err *err)
{
    struct ll_intervention *grown = realloc(iv->v, sizeof *grown * (size_t)(iv->n + 1));
    if (!grown)
        return ll_fail_mem(err, "interventions", sizeof *grown * (size_t)(iv->n + 1));
    iv->v = grown;
    struct ll_intervention *v = &iv->v[iv->n];
    *v = (struct ll_intervention){.spec = strdup(spec), .hook = -1, .layer = -1, .index = -1, .factor = 1};
    if (!v->spec)
        return ll_fail_mem(err, "interventions", strlen(spec));
    int rc = parse(v, err);
    if (rc)
        free(v->spec);
    else
        iv->n++;
    return rc;
}
