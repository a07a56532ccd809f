/* tuned_text.c - see tuned_text.h */
#include "tuned_text.h"

#include "map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 1 << 30, LEAST_IDS = 3, MAX_IDS = 1 << 30 };

struct ll_windows ll_split_windows(const struct ll_split_part *p)
{
    return (struct ll_windows){p->ids, p->start, p->n};
}

static void part_free(struct ll_split_part *p)
{
    free(p->ids);
    free(p->start);
    memset(p, 0, sizeof *p);
}

void ll_split_free(struct ll_split *s)
{
    part_free(&s->fit);
    part_free(&s->held_out);
}

static int add_window(struct ll_split_part *p, const struct ll_ids *first, const int *ids, int n,
                      struct ll_err *err)
{
    size_t total = p->n_ids + (size_t)(first->n ? 1 : 0) + (size_t)n;
    if (total > MAX_IDS)
        return ll_fail(err, LL_EUSAGE, "text: expected at most %d tokens, found more (--tokens)", MAX_IDS);
    int *more = realloc(p->ids, sizeof *more * total),
        *start = realloc(p->start, sizeof *start * (size_t)(p->n + 2));
    p->ids = more ? more : p->ids;
    p->start = start ? start : p->start;
    if (!more || !start)
        return ll_fail_mem(err, "tokens of a text", sizeof *more * total);
    if (!p->n)
        p->start[0] = 0;
    if (first->n)
        p->ids[p->n_ids++] = first->v[0];
    memcpy(p->ids + p->n_ids, ids, sizeof *ids * (size_t)n);
    p->n_ids = total;
    p->start[++p->n] = (int)total;
    return LL_OK;
}

/* Each time n * share passes a whole number, one more window is held out. */
static int is_held_out(long long number, double share)
{
    return floor((double)(number + 1) * share) > floor((double)number * share);
}

struct state {
    long long number, left;
};

static int cut(struct ll_split *split, const struct ll_ids *first, const struct ll_ids *ids,
               const struct ll_split_opts *o, struct state *st, struct ll_err *err)
{
    int room = o->seq - (first->n ? 1 : 0), rc = LL_OK;
    for (int at = 0; at < ids->n && st->left > 0 && !rc; at += room) {
        int n = ids->n - at < room ? ids->n - at : room;
        n = n < st->left ? n : (int)st->left;
        st->left -= n;
        if (n + (first->n ? 1 : 0) < LEAST_IDS)
            continue;
        rc = add_window(is_held_out(st->number++, o->held_out) ? &split->held_out : &split->fit, first,
                        ids->v + at, n, err);
    }
    return rc;
}

static int add_file(struct ll_split *split, const struct ll_session *s, const char *path,
                    const struct ll_ids *first, const struct ll_split_opts *o, struct state *st,
                    struct ll_err *err)
{
    struct ll_buf text = {0};
    struct ll_ids ids = {0};
    const char *slash = strrchr(path, '/');
    int rc = ll_file_read(path, MAX_TEXT, &text, err);
    if (!rc)
        rc = ll_text_clean(&text, slash ? slash + 1 : path, LL_END_OWN, &o->how, err);
    if (!rc
        && (rc = ll_tokenizer_encode(s->tok, ll_buf_str(&text), text.len, LL_ENC_SPECIAL_AS_TEXT, &ids, err)))
        ll_context(err, "%s", path);
    if (!rc)
        rc = cut(split, first, &ids, o, st, err);
    ll_ids_free(&ids);
    ll_buf_free(&text);
    return rc;
}

int ll_split_files(struct ll_split *split, const struct ll_session *s, const char *const *files, int n_files,
                   const struct ll_split_opts *o, struct ll_err *err)
{
    struct ll_ids first = {0};
    struct state st = {0, o->tokens > 0 ? o->tokens : MAX_IDS};
    memset(split, 0, sizeof *split);
    if (!s->tok)
        return ll_fail(err, s->tok_err.code ? s->tok_err.code : LL_EUSAGE, "%s", s->tok_err.msg);
    int rc = ll_tokenizer_encode(s->tok, "", 0, LL_ENC_BOS, &first, err);
    for (int i = 0; i < n_files && st.left > 0 && !rc; i++)
        rc = add_file(split, s, files[i], &first, o, &st, err);
    if (!rc && !split->fit.n)
        rc = ll_fail(err, LL_EUSAGE,
                     "text: expected at least one window to fit on, found %d windows of %d tokens, %d of "
                     "them held out",
                     split->held_out.n, o->seq, split->held_out.n);
    if (!rc && o->held_out > 0 && !split->held_out.n)
        rc = ll_fail(err, LL_EUSAGE,
                     "--held-out %g: expected at least one window held out, found %d windows of up to %d "
                     "tokens in all (more text, or a smaller --seq)",
                     o->held_out, split->fit.n, o->seq);
    if (rc)
        ll_split_free(split);
    ll_ids_free(&first);
    return rc;
}
