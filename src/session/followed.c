/* followed.c - see followed.h */
#include "followed.h"

#include <stdlib.h>
#include <string.h>

int ll_follow_slot(int tracked[LL_MAX_TRACKED], int *n, int id)
{
    for (int i = 0; i < *n; i++)
        if (tracked[i] == id)
            return i;
    if (*n == LL_MAX_TRACKED)
        return -1;
    tracked[*n] = id;
    return (*n)++;
}

static int same(const struct ll_ids *a, const struct ll_ids *b)
{
    return a->n == b->n && !memcmp(a->v, b->v, sizeof(int) * (size_t)a->n);
}

static int check_count(const struct ll_follow_ask *ask, struct ll_err *err)
{
    int n = ask->answers->n + ask->answer_ids->n;
    if (n > LL_MAX_TRACKED)
        return ll_fail(err, LL_EUSAGE, "--answer: expected at most %d answers, found %d", LL_MAX_TRACKED, n);
    for (int i = 0; i < ask->answers->n; i++)
        if (!*ask->answers->v[i])
            return ll_fail(err, LL_EUSAGE, "--answer: expected some text, found an empty one");
    return LL_OK;
}

static int add_id(struct ll_follows *f, const struct ll_session *s, const char *arg, struct ll_err *err)
{
    char *end;
    long id = strtol(arg, &end, 10);
    struct ll_followed *v = &f->v[f->n++];
    *v = (struct ll_followed){.variant = "ids", .slot = -1};
    if (end == arg || *end || id < 0 || id >= s->model->d_vocab)
        return ll_fail(err, LL_EUSAGE, "--answer-id: answer id: expected 0..%d, found \"%s\"",
                       s->model->d_vocab - 1, arg);
    return ll_ids_add(&v->ids, (int)id, err);
}

/* The other spellings, behind the entries they belong to, and the ids they begin with: the chosen ones first,
 * they must have a place. */
static int place(struct ll_follows *f, struct ll_followed *others, struct ll_err *err)
{
    struct ll_followed *all = calloc(2 * (size_t)f->n + 1, sizeof *all);
    int n = 0;
    if (!all)
        return ll_fail_mem(err, "answers", 2 * sizeof *all * (size_t)f->n);
    for (int i = 0; i < f->n; i++)
        f->v[i].slot = f->v[i].ids.n ? ll_follow_slot(f->tracked, &f->n_tracked, f->v[i].ids.v[0]) : -1;
    for (int i = 0; i < f->n; i++) {
        struct ll_followed *o = &others[i];
        all[n++] = f->v[i];
        if (!f->v[i].ids.n || !o->ids.n || same(&o->ids, &f->v[i].ids)
            || (o->slot = ll_follow_slot(f->tracked, &f->n_tracked, o->ids.v[0])) < 0)
            continue;
        all[n++] = *o;
        o->ids = (struct ll_ids){0}; /* moved */
    }
    free(f->v);
    f->v = all;
    f->n = n;
    return LL_OK;
}

int ll_follows_make(struct ll_follows *f, const struct ll_session *s, const char *text, size_t n,
                    const struct ll_ids *ctx, const struct ll_follow_ask *ask, struct ll_err *err)
{
    struct ll_followed others[LL_MAX_TRACKED] = {0};
    memset(f, 0, sizeof *f);
    int rc = check_count(ask, err);
    if (!rc && !(f->v = calloc(LL_MAX_TRACKED, sizeof *f->v)))
        rc = ll_fail_mem(err, "answers", LL_MAX_TRACKED * sizeof *f->v);
    for (int i = 0; i < ask->answers->n && !rc; i++) {
        struct ll_followed *v = &f->v[f->n++], *o = &others[i];
        *v = (struct ll_followed){.text = ask->answers->v[i], .slot = -1};
        *o = (struct ll_followed){.text = v->text, .slot = -1, .is_other = 1};
        rc = ll_prompt_resolve(s, text, n, ctx, v->text, ask->exact ? LL_SPELL_EXACT : LL_SPELL_AUTO, &v->ids,
                               &v->variant, &v->reason, err);
        if (!rc && !ask->exact)
            rc = ll_prompt_resolve(s, text, n, ctx, v->text, LL_SPELL_OTHER, &o->ids, &o->variant, &o->reason,
                                   err);
    }
    for (int i = 0; i < ask->answer_ids->n && !rc; i++)
        rc = add_id(f, s, ask->answer_ids->v[i], err);
    if (!rc)
        rc = place(f, others, err);
    for (int i = 0; i < LL_MAX_TRACKED; i++)
        ll_ids_free(&others[i].ids);
    return rc;
}

void ll_follows_free(struct ll_follows *f)
{
    for (int i = 0; i < f->n; i++)
        ll_ids_free(&f->v[i].ids);
    free(f->v);
    memset(f, 0, sizeof *f);
}

void ll_followed_json(struct ll_json *j, const struct ll_followed *v)
{
    ll_json_cstr(j, "text", v->text);
    ll_json_cstr(j, "spelling", v->variant);
    ll_json_cstr(j, "reason", v->reason);
    ll_json_bool(j, "is_followed", !v->is_other && v->ids.n);
    ll_json_arr_flat(j, "ids");
    for (int i = 0; i < v->ids.n; i++)
        ll_json_int(j, NULL, v->ids.v[i]);
    ll_json_end(j);
}

const char *ll_followed_spelling(const struct ll_followed *v)
{
    return !strcmp(v->variant, "with_space") ? "with the space"
        : !strcmp(v->variant, "no_space")    ? "without the space"
                                             : "as given";
}
