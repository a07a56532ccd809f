/* cmd_tokens.c - what a tokenizer makes of a text. */
#include "cmd.h"
#include "print.h"
#include "tokenizer_open.h"
#include "tokens_json.h"
#include "tokens_view.h"
#include "track.h"

#include <string.h>

struct tokens_opts {
    struct ll_opt_list answers;
    int json, no_bos, as_text, exact, quiet;
};
enum { N_OPTS = 8 };

static void opt_table(struct tokens_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--answer", LL_OPT_LIST, &o->answers, "TEXT",
         "show the ids this answer would have after the text; several may be given", 0, 0, NULL},
        {"--exact", LL_OPT_FLAG, &o->exact, NULL,
         "take standard input byte by byte, and answers as they are written", 0, 0, NULL},
        {"--no-bos", LL_OPT_FLAG, &o->no_bos, NULL, "leave out what the post-processor adds", 0, 0, NULL},
        {"--special-as-text", LL_OPT_FLAG, &o->as_text, NULL, "special tokens spelled in the text stay text",
         0, 0, NULL},
        {"--json", LL_OPT_FLAG, &o->json, NULL, "JSON instead of the table", 0, 0, NULL},
        LL_OPT_QUIET(*o),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_tokens_options(struct ll_buf *out)
{
    struct tokens_opts o = {0};
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
}

/* The answers, resolved behind the text's own ids (without what the post-processor adds). Warns when the text
 * spells the start token that is added as well.
 */
static int track(const struct tokens_opts *o, const struct ll_session *s, const struct ll_buf *text,
                 struct ll_tracked_set *f, struct ll_err *err)
{
    const struct ll_opt_list none = {.n = 0};
    const struct ll_track_ask ask = {&o->answers, &none, o->exact};
    struct ll_prompt p = {0};
    if (!text->len || (!o->answers.n && (o->no_bos || o->as_text)))
        return LL_OK;
    int rc = ll_prompt_from_text(&p, s, ll_buf_str(text), text->len, NULL, LL_SPELL_AUTO, err);
    if (!rc && !o->no_bos && !o->as_text)
        ll_prompts_warn(s, &p, 1, o->quiet);
    if (!rc && o->answers.n)
        rc = ll_track_answers(f, s, ll_buf_str(text), text->len, &p.ctx, &ask, err);
    ll_prompt_free(&p);
    return rc;
}

static void put_piece(const void *tok, int id, struct ll_buf *out) { ll_put_piece(tok, id, out); }

static int print(const struct ll_tokenizer *tok, const struct ll_ids *ids,
                 const struct ll_tracked_set *answers, int json, struct ll_err *err)
{
    const struct ll_token_names pieces = {put_piece, put_piece, tok};
    struct ll_token_list l;
    struct ll_buf out = {0};
    int rc = ll_token_list_make(&l, tok, ids, err);
    if (!rc && json)
        ll_tokens_json(&out, &l, answers);
    else if (!rc)
        ll_tokens_view(&out, &l, answers, &pieces);
    if (!rc)
        rc = ll_print_as(json, &out, err);
    ll_buf_free(&out);
    ll_token_list_free(&l);
    return rc;
}

int ll_cmd_tokens(int argc, char **argv, struct ll_err *err)
{
    struct tokens_opts o = {0};
    struct ll_opt t[N_OPTS];
    const char *v[2] = {NULL, NULL};
    struct ll_args args = {.v = v, .least = 1, .most = 2, .expected = "a model"};
    struct ll_session s = {0};
    struct ll_buf text = {0};
    struct ll_ids ids = {0};
    struct ll_tracked_set answers = {0};
    int rc;
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)))
        return rc;
    const struct ll_text_how how = {o.exact, o.quiet};
    const int flags = (o.no_bos ? 0 : LL_ENC_BOS) | (o.as_text ? LL_ENC_SPECIAL_AS_TEXT : 0);
    if (!(rc = ll_tokenizer_of_model(&s.tok, v[0], err)) && !(rc = ll_text_read(v[1], &how, &text, err))
        && !(rc = ll_tokenizer_encode(s.tok, ll_buf_str(&text), text.len, flags, &ids, err))
        && !(rc = track(&o, &s, &text, &answers, err)))
        rc = print(s.tok, &ids, &answers, o.json, err);
    ll_tracked_free(&answers);
    ll_ids_free(&ids);
    ll_buf_free(&text);
    ll_tokenizer_close(s.tok);
    return rc;
}
