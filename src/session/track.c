/* track.c - see track.h */
#include "track.h"

#include <stdlib.h>
#include <string.h>

static int same_ids(const struct ll_tracked *a, const struct ll_tracked *b)
{
    return a->n_ids == b->n_ids && !memcmp(a->ids, b->ids, sizeof *a->ids * (size_t)a->n_ids);
}

static int check_count(const struct ll_track_ask *ask, struct ll_err *err)
{
    int n = ask->answers->n + ask->answer_ids->n;
    if (n > LL_MAX_TRACKED)
        return ll_fail(err, LL_EUSAGE, "--answer: expected at most %d answers, found %d", LL_MAX_TRACKED, n);
    for (int i = 0; i < ask->answers->n; i++)
        if (!*ask->answers->v[i])
            return ll_fail(err, LL_EUSAGE, "--answer: expected some text, found an empty one");
    return LL_OK;
}

static int add_id(struct ll_tracked_set *f, const struct ll_session *s, const char *arg, struct ll_err *err)
{
    char *end;
    long id = strtol(arg, &end, 10);
    struct ll_tracked *v = &f->v[f->n++];
    *v = (struct ll_tracked){.variant = "ids", .slot = -1};
    if (end == arg || *end || id < 0 || id >= s->model->d_vocab)
        return ll_fail(err, LL_EUSAGE, "--answer-id: answer id: expected 0..%d, found \"%s\"",
                       s->model->d_vocab - 1, arg);
    if (!(v->ids = malloc(sizeof *v->ids)))
        return ll_fail_mem(err, "answers", sizeof *v->ids);
    v->ids[v->n_ids++] = (int)id;
    return LL_OK;
}

/* The other spellings, behind the entries they belong to, and the ids they begin with: the chosen ones first,
 * they must have a place. */
static int place(struct ll_tracked_set *f, struct ll_tracked *others, struct ll_err *err)
{
    struct ll_tracked *all = calloc(2 * (size_t)f->n + 1, sizeof *all);
    int n = 0;
    if (!all)
        return ll_fail_mem(err, "answers", 2 * sizeof *all * (size_t)f->n);
    for (int i = 0; i < f->n; i++)
        f->v[i].slot = f->v[i].n_ids ? ll_tracked_slot(f->tracked, &f->n_tracked, f->v[i].ids[0]) : -1;
    for (int i = 0; i < f->n; i++) {
        struct ll_tracked *o = &others[i];
        all[n++] = f->v[i];
        if (!f->v[i].n_ids || !o->n_ids || same_ids(o, &f->v[i])
            || (o->slot = ll_tracked_slot(f->tracked, &f->n_tracked, o->ids[0])) < 0)
            continue;
        all[n++] = *o;
        o->ids = NULL; /* moved */
    }
    free(f->v);
    f->v = all;
    f->n = n;
    return LL_OK;
}

static int resolve(struct ll_tracked *v, const struct ll_session *s, const struct ll_prompt_text *behind,
                   enum ll_spelling how, struct ll_err *err)
{
    struct ll_spelled found;
    int rc = ll_prompt_resolve(s, behind, v->text, how, &found, err);
    v->variant = found.variant;
    v->reason = found.reason;
    v->ids = found.ids.v; /* taken over */
    v->n_ids = found.ids.n;
    return rc;
}

int ll_track_answers(struct ll_tracked_set *f, const struct ll_session *s, const char *text, size_t n,
                     const struct ll_ids *ctx, const struct ll_track_ask *ask, struct ll_err *err)
{
    const struct ll_prompt_text behind = {text, n, ctx};
    struct ll_tracked others[LL_MAX_TRACKED] = {0};
    memset(f, 0, sizeof *f);
    int rc = check_count(ask, err);
    if (!rc && !(f->v = calloc(LL_MAX_TRACKED, sizeof *f->v)))
        rc = ll_fail_mem(err, "answers", LL_MAX_TRACKED * sizeof *f->v);
    for (int i = 0; i < ask->answers->n && !rc; i++) {
        struct ll_tracked *v = &f->v[f->n++], *o = &others[i];
        *v = (struct ll_tracked){.text = ask->answers->v[i], .slot = -1};
        *o = (struct ll_tracked){.text = v->text, .slot = -1, .is_other = 1};
        rc = resolve(v, s, &behind, ask->exact ? LL_SPELL_EXACT : LL_SPELL_AUTO, err);
        if (!rc && !ask->exact)
            rc = resolve(o, s, &behind, LL_SPELL_OTHER, err);
    }
    for (int i = 0; i < ask->answer_ids->n && !rc; i++)
        rc = add_id(f, s, ask->answer_ids->v[i], err);
    if (!rc)
        rc = place(f, others, err);
    for (int i = 0; i < LL_MAX_TRACKED; i++)
        free(others[i].ids);
    return rc;
}

/* What the prompt's tokens up to position pos spell; *n_ctx: how many of them the text gave. */
static int text_so_far(const struct ll_session *s, const struct ll_prompt *p, const struct ll_buf *text,
                       int pos, struct ll_buf *part, int *n_ctx, struct ll_err *err)
{
    int added = p->ids.n - p->ctx.n; /* in front, by the tokenizer */
    *n_ctx = pos + 1 > added ? pos + 1 - added : 0;
    for (int i = 0; i < *n_ctx; i++)
        ll_session_bytes(s, p->ctx.v[i], part);
    if (part->len && part->s[0] == ' ' && *ll_buf_str(text) != ' ') /* a first word's mark is no space */
        memmove(part->s, part->s + 1, part->len--);
    return ll_buf_ok(part, err);
}

int ll_track_answers_at(struct ll_tracked_set *f, const struct ll_session *s, const struct ll_prompt *p,
                        const struct ll_buf *text, int pos, const struct ll_track_ask *ask,
                        struct ll_err *err)
{
    struct ll_buf part = {0};
    struct ll_ids ctx = p->ctx; /* borrowed */
    if (pos == p->ids.n - 1 || !ask->answers->n)
        return ll_track_answers(f, s, ll_buf_str(text), text->len, &ctx, ask, err);
    int rc = text_so_far(s, p, text, pos, &part, &ctx.n, err);
    if (!rc)
        rc = ll_track_answers(f, s, ll_buf_str(&part), part.len, &ctx, ask, err);
    ll_buf_free(&part);
    return rc;
}
