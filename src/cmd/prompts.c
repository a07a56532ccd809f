/* prompts.c - see prompts.h */
#include "prompts.h"

#include <stdlib.h>
#include <string.h>

static int encode(const struct ll_session *s, const struct ll_buf *text, int flags, struct ll_ids *out, struct ll_err *err)
{
    return ll_tokenizer_encode(s->tok, ll_buf_str(text), text->len, flags, out, err);
}

/* Ids of prompt + joint + answer, without specials. */
static int encode_joined(const struct ll_session *s, const char *text, size_t n, const char *joint, const char *answer, struct ll_ids *out, struct ll_err *err)
{
    struct ll_buf b = {0};
    ll_buf_add(&b, text, n);
    ll_buf_adds(&b, joint);
    ll_buf_adds(&b, answer);
    int rc = ll_buf_ok(&b, err);
    if (!rc)
        rc = encode(s, &b, 0, out, err);
    ll_buf_free(&b);
    return rc;
}

/* The answer's ids: those past the prompt's, which must be a prefix (spec 5.3). */
static int take_answer(const struct ll_ids *joined, const struct ll_ids *ctx, struct ll_ids *ids, const char **variant, const char **reason, struct ll_err *err)
{
    if (memcmp(joined->v, ctx->v, sizeof(int) * (size_t)ctx->n)) {
        *variant = "unresolved";
        *reason = "prefix_changed"; /* a merge crossed the boundary */
        return LL_OK;
    }
    int rc = LL_OK;
    for (int i = ctx->n; i < joined->n && !rc; i++)
        rc = ll_ids_add(ids, joined->v[i], err);
    return rc;
}

static int add_pieces(struct ll_prompt *p, const struct ll_session *s, struct ll_err *err)
{
    for (int i = 0; s->tok && i < p->answer.n && i < LL_GOLD_PIECES; i++) {
        size_t n = 0;
        const char *piece = ll_tokenizer_piece(s->tok, p->answer.v[i], &n);
        if (!(p->pieces[p->n_pieces] = strndup(piece ? piece : "", piece ? n : 0)))
            return ll_fail_mem(err, "answer", n);
        p->n_pieces++;
    }
    return LL_OK;
}

int ll_prompt_resolve(const struct ll_session *s, const char *text, size_t n, const struct ll_ids *ctx, const char *answer, struct ll_ids *ids, const char **variant,
                      const char **reason, struct ll_err *err)
{
    static const struct { const char *joint, *variant; } ways[] = {{" ", "with_space"}, {"", "no_space"}};
    int rc = LL_OK;
    *variant = *reason = NULL;
    for (int i = 0; i < 2 && !rc && !*variant; i++) {
        struct ll_ids joined = {0};
        rc = encode_joined(s, text, n, ways[i].joint, answer, &joined, err);
        if (!rc && joined.n > ctx->n) {
            *variant = ways[i].variant;
            rc = take_answer(&joined, ctx, ids, variant, reason, err);
        }
        ll_ids_free(&joined);
    }
    if (!rc && !*variant) {
        *variant = "unresolved";
        *reason = "no_new_token";
    }
    return rc;
}

int ll_prompt_from_text(struct ll_prompt *p, const struct ll_session *s, const char *text, size_t n, const char *answer, struct ll_err *err)
{
    memset(p, 0, sizeof *p);
    if (!s->tok) {
        ll_fail(err, s->tok_err.code, "%s", s->tok_err.msg);
        return ll_context(err, "text needs a tokenizer (token ids do not)");
    }
    if (!n)
        return ll_fail(err, LL_EUSAGE, "the prompt is empty: expected some text");
    struct ll_buf b = {.s = (char *)(uintptr_t)text, .len = n};
    int rc = encode(s, &b, LL_ENC_BOS, &p->ids, err);
    if (!rc)
        rc = encode(s, &b, 0, &p->ctx, err);
    if (!rc && p->ids.n < 1)
        rc = ll_fail(err, LL_EUSAGE, "the prompt gives no tokens");
    if (!rc && answer && !(rc = ll_prompt_resolve(s, text, n, &p->ctx, answer, &p->answer, &p->variant, &p->reason, err)))
        rc = add_pieces(p, s, err);
    if (rc)
        ll_prompt_free(p);
    return rc;
}

int ll_prompt_follow(struct ll_prompt *p, const struct ll_session *s, int answer_id, struct ll_err *err)
{
    if (answer_id < 0 || answer_id >= s->model->d_vocab)
        return ll_fail(err, LL_EUSAGE, "answer id: expected 0..%d, found %d", s->model->d_vocab - 1, answer_id);
    p->variant = "ids";
    int rc = ll_ids_add(&p->answer, answer_id, err);
    return rc ? rc : add_pieces(p, s, err);
}

int ll_prompt_from_ids(struct ll_prompt *p, const struct ll_session *s, const int *ids, int n, int answer_id, struct ll_err *err)
{
    memset(p, 0, sizeof *p);
    int rc = n > 0 ? LL_OK : ll_fail(err, LL_EUSAGE, "the prompt is empty: expected at least one token id");
    for (int i = 0; i < n && !rc; i++) {
        rc = ids[i] >= 0 && ids[i] < s->model->d_vocab ? ll_ids_add(&p->ids, ids[i], err)
             : ll_fail(err, LL_EUSAGE, "token id at position %d: expected 0..%d, found %d", i, s->model->d_vocab - 1, ids[i]);
        if (!rc && !(s->tok && ll_tokenizer_is_special(s->tok, ids[i])))
            rc = ll_ids_add(&p->ctx, ids[i], err);
    }
    if (!rc && answer_id >= 0)
        rc = ll_prompt_follow(p, s, answer_id, err);
    if (rc)
        ll_prompt_free(p);
    return rc;
}

int ll_prompt_read(struct ll_prompt *p, const struct ll_session *s, const char *ids, const char *text, const char *answer, int answer_id, struct ll_err *err)
{
    struct ll_ids list = {0};
    struct ll_buf b = {0};
    int rc;
    memset(p, 0, sizeof *p);
    if (ids && text)
        return ll_fail(err, LL_EUSAGE, "expected a text or --ids, found both");
    if (answer && (ids || answer_id >= 0))
        return ll_fail(err, LL_EUSAGE, "--answer: expected a text prompt and no --answer-id%s", ids ? ", found --ids (follow an id with --answer-id)" : "");
    if (ids) {
        if (!(rc = ll_parse_ids(ids, &list, err)))
            rc = ll_prompt_from_ids(p, s, list.v, list.n, answer_id, err);
    } else if (!(rc = ll_read_text(text, &b, err)) && !(rc = ll_prompt_from_text(p, s, ll_buf_str(&b), b.len, answer, err)) && answer_id >= 0 &&
               (rc = ll_prompt_follow(p, s, answer_id, err)))
        ll_prompt_free(p);
    ll_ids_free(&list);
    ll_buf_free(&b);
    return rc;
}

void ll_prompt_free(struct ll_prompt *p)
{
    ll_ids_free(&p->ids);
    ll_ids_free(&p->ctx);
    ll_ids_free(&p->answer);
    for (int i = 0; i < p->n_pieces; i++)
        free(p->pieces[i]);
    memset(p, 0, sizeof *p);
}

struct ll_gold ll_prompt_gold(const struct ll_prompt *p, const char *answer)
{
    return (struct ll_gold){.text = answer, .variant = p->variant, .reason = p->reason, .ids = p->answer.v, .n = p->answer.n,
                            .pieces = (const char *const *)p->pieces, .n_pieces = p->n_pieces};
}
