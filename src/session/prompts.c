/* prompts.c - see prompts.h */
#include "prompts.h"

#include "spacing.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int encode(const struct ll_session *s, const struct ll_buf *text, int flags, struct ll_ids *out,
                  struct ll_err *err)
{
    return ll_tokenizer_encode(s->tok, ll_buf_str(text), text->len, flags, out, err);
}

/* Ids of prompt + joint + answer, without specials. */
static int encode_joined(const struct ll_session *s, const char *text, size_t n, const char *joint,
                         const char *answer, struct ll_ids *out, struct ll_err *err)
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

/* The ids of joined behind ctx, which must be its beginning: 1 and *ids; 0 when it is not, or nothing
 * follows; negative: a code. */
static int take_rest(const struct ll_ids *joined, const struct ll_ids *ctx, struct ll_ids *ids,
                     struct ll_err *err)
{
    int rc = LL_OK;
    if (joined->n <= ctx->n || memcmp(joined->v, ctx->v, sizeof(int) * (size_t)ctx->n))
        return 0;
    for (int i = ctx->n; i < joined->n && !rc; i++)
        rc = ll_ids_add(ids, joined->v[i], err);
    return rc ? rc : 1;
}

/* The answer's ids behind a boundary that no merge crosses: they continue the prompt's own ids, which are fed
 * as they are. */
static int encode_alone(const struct ll_session *s, const char *joint, const char *answer, struct ll_ids *ids,
                        struct ll_err *err)
{
    static const char *const boundaries[] = {"\n", ".", "\t"};
    int got = 0;
    for (size_t i = 0; i < sizeof boundaries / sizeof *boundaries && !got; i++) {
        struct ll_ids before = {0}, joined = {0};
        struct ll_buf b = {.s = (char *)(uintptr_t)boundaries[i], .len = 1};
        int rc = encode(s, &b, 0, &before, err);
        if (!rc)
            rc = encode_joined(s, boundaries[i], 1, joint, answer, &joined, err);
        got = rc ? rc : take_rest(&joined, &before, ids, err);
        ll_ids_free(&before);
        ll_ids_free(&joined);
    }
    return got;
}

/* What is put between prompt and answer, and which of its own spaces the answer loses for it. */
struct joint {
    const char *text, *answer;
};

static struct joint joint_of(const struct ll_session *s, const char *text, size_t n, const struct ll_ids *ctx,
                             const char *answer, enum ll_spelling how)
{
    int has_space = answer[0] == ' ' && answer[1] && answer[1] != ' ',
        after_special = ctx->n && ll_tokenizer_is_special(s->tok, ctx->v[ctx->n - 1]);
    if (how == LL_SPELL_EXACT)
        return (struct joint){"", answer};
    int space = has_space || (!after_special && ll_takes_space(text, n, answer, strlen(answer)));
    return (struct joint){space == (how == LL_SPELL_AUTO) ? " " : "", answer + has_space};
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

int ll_prompt_resolve(const struct ll_session *s, const struct ll_prompt_text *behind, const char *answer,
                      enum ll_spelling how, struct ll_spelled *out, struct ll_err *err)
{
    const struct ll_ids *ctx = behind->ctx;
    struct joint j = joint_of(s, behind->s, behind->n, ctx, answer, how);
    struct ll_ids joined = {0};
    *out = (struct ll_spelled){.variant = how == LL_SPELL_EXACT ? "exact"
                                   : *j.text                    ? "with_space"
                                                                : "no_space"};
    int got = encode_joined(s, behind->s, behind->n, j.text, j.answer, &joined, err);
    if (!got && !(got = take_rest(&joined, ctx, &out->ids, err))) {
        int gone = joined.n == ctx->n && !memcmp(joined.v, ctx->v, sizeof(int) * (size_t)ctx->n);
        out->reason = gone
            ? "no_new_token"
            : "prefix_changed"; /* normalizing removes the answer, or a merge crosses the boundary */
        got = !gone ? encode_alone(s, j.text, j.answer, &out->ids, err) : 0;
        out->variant = got == 1 ? out->variant : "unresolved";
    }
    ll_ids_free(&joined);
    return got < 0 ? got : LL_OK;
}

/* Does the tokenizer add a start token to a text that spells it already? */
static int starts_twice(const struct ll_session *s, const struct ll_ids *ids, const struct ll_ids *ctx)
{
    return ctx->n && ids->n > ctx->n && ids->v[0] == ctx->v[0] && ids->v[1] == ctx->v[0]
        && ll_tokenizer_is_special(s->tok, ids->v[0]);
}

int ll_prompt_from_text(struct ll_prompt *p, const struct ll_session *s, const char *text, size_t n,
                        const char *answer, enum ll_spelling how, struct ll_err *err)
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
    p->starts_twice = !rc && starts_twice(s, &p->ids, &p->ctx);
    if (!rc && answer) {
        struct ll_spelled found;
        rc = ll_prompt_resolve(s, &(struct ll_prompt_text){text, n, &p->ctx}, answer, how, &found, err);
        p->answer = found.ids; /* taken over */
        p->variant = found.variant;
        p->reason = found.reason;
    }
    if (!rc && answer)
        rc = add_pieces(p, s, err);
    if (rc)
        ll_prompt_free(p);
    return rc;
}

int ll_prompt_follow(struct ll_prompt *p, const struct ll_session *s, int answer_id, struct ll_err *err)
{
    if (answer_id < 0 || answer_id >= s->model->d_vocab)
        return ll_fail(err, LL_EUSAGE, "answer id: expected 0..%d, found %d", s->model->d_vocab - 1,
                       answer_id);
    p->variant = "ids";
    int rc = ll_ids_add(&p->answer, answer_id, err);
    return rc ? rc : add_pieces(p, s, err);
}

int ll_prompt_from_ids(struct ll_prompt *p, const struct ll_session *s, const int *ids, int n, int answer_id,
                       struct ll_err *err)
{
    memset(p, 0, sizeof *p);
    int rc = n > 0 ? LL_OK : ll_fail(err, LL_EUSAGE, "the prompt is empty: expected at least one token id");
    for (int i = 0; i < n && !rc; i++) {
        rc = ids[i] >= 0 && ids[i] < s->model->d_vocab
            ? ll_ids_add(&p->ids, ids[i], err)
            : ll_fail(err, LL_EUSAGE, "token id at position %d: expected 0..%d, found %d", i,
                      s->model->d_vocab - 1, ids[i]);
        if (!rc && !(s->tok && ll_tokenizer_is_special(s->tok, ids[i])))
            rc = ll_ids_add(&p->ctx, ids[i], err);
    }
    if (!rc && answer_id >= 0)
        rc = ll_prompt_follow(p, s, answer_id, err);
    if (rc)
        ll_prompt_free(p);
    return rc;
}

int ll_prompt_read(struct ll_prompt *p, const struct ll_session *s, const char *ids, const char *text,
                   const struct ll_text_how *how, struct ll_buf *kept, struct ll_err *err)
{
    struct ll_ids list = {0};
    struct ll_buf own = {0}, *b = kept ? kept : &own;
    int rc;
    memset(p, 0, sizeof *p);
    if (ids && text)
        return ll_fail(err, LL_EUSAGE, "expected a text or --ids, found both");
    if (ids) {
        if (!(rc = ll_parse_ids(ids, &list, err)))
            rc = ll_prompt_from_ids(p, s, list.v, list.n, -1, err);
    } else if (!(rc = ll_text_read(text, how, b, err)))
        rc = ll_prompt_from_text(p, s, ll_buf_str(b), b->len, NULL, LL_SPELL_AUTO, err);
    if (!rc)
        ll_prompts_warn(s, p, 1, how->quiet);
    ll_ids_free(&list);
    ll_buf_free(&own);
    return rc;
}

void ll_prompts_warn(const struct ll_session *s, const struct ll_prompt *p, int n, int quiet)
{
    struct ll_buf b = {0};
    int twice = 0, first = -1;
    for (int i = 0; i < n; i++) {
        twice += p[i].starts_twice;
        first = first < 0 && p[i].starts_twice ? i : first;
    }
    if (!twice || quiet)
        return;
    ll_session_show(s, p[first].ids.v[0], &b);
    ll_buf_addf(&b, " and the tokenizer adds one: the ids begin %d, %d (leave it out of the text)",
                p[first].ids.v[0], p[first].ids.v[1]);
    if (n > 1)
        ll_say_line("logitlens: warning: two start tokens: %d of %d prompts spell %s", twice, n,
                    ll_buf_str(&b));
    else
        ll_say_line("logitlens: warning: two start tokens: the prompt spells %s", ll_buf_str(&b));
    ll_buf_free(&b);
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
    return (struct ll_gold){.text = answer,
                            .variant = p->variant,
                            .reason = p->reason,
                            .ids = p->answer.v,
                            .n = p->answer.n,
                            .pieces = (const char *const *)p->pieces,
                            .n_pieces = p->n_pieces};
}
