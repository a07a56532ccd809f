/* cmd_tokens.c - what a tokenizer makes of a text. */
#include "cmd.h"
#include "followed.h"
#include "gguf.h"
#include "hub.h"
#include "provenance.h"
#include "cells.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
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

static void hex_of(const struct ll_tokenizer *tok, int id, struct ll_buf *out)
{
    struct ll_buf bytes = {0};
    ll_tokenizer_bytes(tok, id, &bytes);
    for (size_t i = 0; i < bytes.len; i++)
        ll_buf_addf(out, "%s%02x", i ? " " : "", (unsigned char)bytes.s[i]);
    out->failed |= bytes.failed;
    ll_buf_free(&bytes);
}

static void put_table(const struct ll_tokenizer *tok, const struct ll_ids *ids, struct ll_buf *out)
{
    ll_buf_addf(out, "%s, %d entries\nread from: %s\nstart and end: %s\n\n", ll_tokenizer_kind(tok),
                ll_tokenizer_size(tok), ll_tokenizer_files(tok), ll_tokenizer_bos_policy(tok));
    ll_buf_addf(out, "%5s %8s  %-20s %-20s %s\n", "pos", "id", "text", "piece", "bytes");
    for (int i = 0; i < ids->n; i++) {
        struct ll_buf text = {0}, hex = {0};
        size_t n = 0;
        const char *piece = ll_tokenizer_piece(tok, ids->v[i], &n);
        ll_tokenizer_show(tok, ids->v[i], &text);
        hex_of(tok, ids->v[i], &hex);
        ll_buf_addf(out, "%5d %8d  ", i, ids->v[i]);
        ll_put_cell(out, ll_buf_str(&text), text.len, 20, 1);
        ll_buf_addc(out, ' ');
        ll_put_cell(out, piece ? piece : "", n, 20, 1);
        ll_buf_addc(out, ' ');
        if (ll_tokenizer_is_special(tok, ids->v[i]))
            ll_buf_adds(out, "special");
        else
            ll_buf_add(out, ll_buf_str(&hex), hex.len);
        ll_buf_addc(out, '\n');
        out->failed |= text.failed | hex.failed;
        ll_buf_free(&text);
        ll_buf_free(&hex);
    }
}

static void put_json(const struct ll_tokenizer *tok, const struct ll_ids *ids, const struct ll_follows *f,
                     struct ll_buf *out)
{
    struct ll_json j;
    ll_json_init(&j, out);
    ll_json_obj(&j, NULL);
    ll_json_int(&j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(&j, "kind", ll_tokenizer_kind(tok));
    ll_json_cstr(&j, "files", ll_tokenizer_files(tok));
    ll_json_cstr(&j, "bos_policy", ll_tokenizer_bos_policy(tok));
    ll_json_arr_flat(&j, "ids");
    for (int i = 0; i < ids->n; i++)
        ll_json_int(&j, NULL, ids->v[i]);
    ll_json_end(&j);
    ll_json_arr(&j, "tokens");
    for (int i = 0; i < ids->n; i++) {
        struct ll_buf text = {0}, hex = {0};
        size_t n = 0;
        const char *piece = ll_tokenizer_piece(tok, ids->v[i], &n);
        ll_tokenizer_show(tok, ids->v[i], &text);
        hex_of(tok, ids->v[i], &hex);
        ll_json_obj_flat(&j, NULL);
        ll_json_int(&j, "id", ids->v[i]);
        ll_json_str(&j, "text", ll_buf_str(&text), text.len);
        ll_json_str(&j, "piece", piece, n);
        ll_json_cstr(&j, "bytes", ll_buf_str(&hex));
        ll_json_bool(&j, "special", ll_tokenizer_is_special(tok, ids->v[i]));
        ll_json_end(&j);
        out->failed |= text.failed | hex.failed;
        ll_buf_free(&text);
        ll_buf_free(&hex);
    }
    ll_json_end(&j);
    if (f->n) { /* the first once more by itself: its name is older than the list */
        ll_json_obj(&j, "answer");
        ll_json_cstr(&j, "variant", f->v[0].variant);
        ll_json_cstr(&j, "reason", f->v[0].reason);
        ll_json_arr_flat(&j, "ids");
        for (int i = 0; i < f->v[0].ids.n; i++)
            ll_json_int(&j, NULL, f->v[0].ids.v[i]);
        ll_json_end(&j);
        ll_json_end(&j);
        ll_json_arr(&j, "answers");
        for (int i = 0; i < f->n; i++) {
            ll_json_obj_flat(&j, NULL);
            ll_followed_json(&j, &f->v[i]);
            ll_json_end(&j);
        }
        ll_json_end(&j);
    }
    ll_json_end(&j);
}

static void put_answer(const struct ll_tokenizer *tok, const struct ll_followed *a, struct ll_buf *out)
{
    if (a->is_other)
        ll_buf_addf(out, "  %s it would be", ll_followed_spelling(a));
    else
        ll_buf_addf(out, "\nanswer \"%s\" after this text: %s", a->text, a->variant);
    if (a->reason)
        ll_buf_addf(out, " (%s)", a->reason);
    for (int i = 0; i < a->ids.n; i++)
        ll_buf_addf(out, "%s%d", i ? ", " : a->is_other ? " ids " : ", ids ", a->ids.v[i]);
    for (int i = 0; i < a->ids.n && i < LL_GOLD_PIECES; i++) {
        size_t n = 0;
        const char *piece = ll_tokenizer_piece(tok, a->ids.v[i], &n);
        ll_buf_addf(out, "%s%.*s", i ? " " : ", pieces ", (int)n, piece ? piece : "");
    }
    ll_buf_addc(out, '\n');
}

/* Answers behind the text without what the post-processor adds; a word when it spells the start token, too.
 */
static int follow(const struct tokens_opts *o, const struct ll_session *s, const struct ll_buf *text,
                  struct ll_follows *f, struct ll_err *err)
{
    const struct ll_opt_list none = {.n = 0};
    const struct ll_follow_ask ask = {&o->answers, &none, o->exact};
    struct ll_prompt p = {0};
    if (!text->len || (!o->answers.n && (o->no_bos || o->as_text)))
        return LL_OK;
    int rc = ll_prompt_from_text(&p, s, ll_buf_str(text), text->len, NULL, LL_SPELL_AUTO, err);
    if (!rc && !o->no_bos && !o->as_text)
        ll_prompts_warn(s, &p, 1, o->quiet);
    if (!rc && o->answers.n)
        rc = ll_follows_make(f, s, ll_buf_str(text), text->len, &p.ctx, &ask, err);
    ll_prompt_free(&p);
    return rc;
}

/* Not a tokenizer's own path: a weights file beside one, a folder or name of the hub cache (whose weights may
 * be absent). */
static int open_of_model(struct ll_tokenizer **tok, const char *model, const struct ll_err *own,
                         struct ll_err *err)
{
    struct ll_ckpt *ckpt = NULL;
    struct ll_err no_hub = {0};
    char *dir = NULL, *id = NULL;
    int rc = ll_ckpt_open(&ckpt, model, err);
    if (!rc)
        rc = ll_tokenizer_open(tok, ckpt->dir, err);
    else if (ll_is_dir(model))
        memset(err, 0, sizeof *err), rc = ll_fail(err, own->code, "%s", own->msg);
    else if (!ll_is_file(model) && !ll_hub_find(model, &dir, &id, &no_hub))
        memset(err, 0, sizeof *err), rc = ll_tokenizer_open(tok, dir, err);
    ll_ckpt_close(ckpt);
    free(dir);
    free(id);
    return rc;
}

int ll_cmd_tokens(int argc, char **argv, struct ll_err *err)
{
    struct tokens_opts o = {0};
    struct ll_opt t[N_OPTS];
    const char *args[2];
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, 2, &n_args, err)))
        return rc;
    if (n_args < 1)
        return ll_fail(err, LL_EUSAGE, "tokens: expected a model (see: logitlens help tokens)");
    struct ll_session s = {0};
    struct ll_buf text = {0}, out = {0};
    struct ll_ids ids = {0};
    struct ll_follows follows = {0};
    /* a folder with just a tokenizer will do */
    struct ll_err no_ckpt = {0};
    if (ll_tokenizer_open(&s.tok, args[0], &no_ckpt)) {
        size_t len = strlen(args[0]);
        s.tok = NULL;
        if ((len > 5 && !strcmp(args[0] + len - 5, ".gguf"))
            || ll_is_gguf(args[0])) /* has its tokenizer inside or nowhere */
            rc = ll_fail(err, no_ckpt.code, "%s", no_ckpt.msg);
        else
            rc = open_of_model(&s.tok, args[0], &no_ckpt, err);
    }
    const struct ll_text_how how = {o.exact, o.quiet};
    if (!rc && !(rc = ll_text_read(n_args > 1 ? args[1] : NULL, &how, &text, err)))
        rc = ll_tokenizer_encode(s.tok, ll_buf_str(&text), text.len,
                                 (o.no_bos ? 0 : LL_ENC_BOS) | (o.as_text ? LL_ENC_SPECIAL_AS_TEXT : 0), &ids,
                                 err);
    if (!rc)
        rc = follow(&o, &s, &text, &follows, err);
    if (!rc && o.json)
        put_json(s.tok, &ids, &follows, &out);
    else if (!rc) {
        put_table(s.tok, &ids, &out);
        for (int i = 0; i < follows.n; i++)
            put_answer(s.tok, &follows.v[i], &out);
    }
    if (!rc)
        rc = (o.json ? ll_print : ll_print_text)(&out, err);
    ll_follows_free(&follows);
    ll_ids_free(&ids);
    ll_buf_free(&text);
    ll_buf_free(&out);
    ll_tokenizer_close(s.tok);
    return rc;
}
