/* cmd_tokens.c - what a tokenizer makes of a text. */
#include "cmd.h"
#include "json_write.h"
#include "prompts.h"
#include "provenance.h"
#include "term.h"

#include <stdio.h>
#include <string.h>

struct tokens_opts { const char *answer; int json, no_bos, as_text; };
enum { N_OPTS = 6 };

static void opt_table(struct tokens_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--answer", LL_OPT_STR, &o->answer, "TEXT", "show the ids this answer would have after the text", 0, 0, NULL},
        {"--no-bos", LL_OPT_FLAG, &o->no_bos, NULL, "leave out what the post-processor adds", 0, 0, NULL},
        {"--special-as-text", LL_OPT_FLAG, &o->as_text, NULL, "special tokens spelled in the text stay text", 0, 0, NULL},
        {"--json", LL_OPT_FLAG, &o->json, NULL, "JSON instead of the table", 0, 0, NULL},
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
    ll_buf_free(&bytes);
}

static void put_table(const struct ll_tokenizer *tok, const struct ll_ids *ids, struct ll_buf *out)
{
    ll_buf_addf(out, "%s, %d entries\nstart and end: %s\n\n", ll_tokenizer_kind(tok), ll_tokenizer_size(tok), ll_tokenizer_bos_policy(tok));
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
        ll_buf_free(&text);
        ll_buf_free(&hex);
    }
}

static void put_json(const struct ll_tokenizer *tok, const struct ll_ids *ids, const struct ll_prompt *gold, struct ll_buf *out)
{
    struct ll_json j;
    ll_json_init(&j, out);
    ll_json_obj(&j, NULL);
    ll_json_int(&j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(&j, "kind", ll_tokenizer_kind(tok));
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
        ll_buf_free(&text);
        ll_buf_free(&hex);
    }
    ll_json_end(&j);
    if (gold) {
        ll_json_obj(&j, "answer");
        ll_json_cstr(&j, "variant", gold->variant);
        ll_json_cstr(&j, "reason", gold->reason);
        ll_json_arr_flat(&j, "ids");
        for (int i = 0; i < gold->answer.n; i++)
            ll_json_int(&j, NULL, gold->answer.v[i]);
        ll_json_end(&j);
        ll_json_end(&j);
    }
    ll_json_end(&j);
}

static void put_gold(const struct ll_prompt *p, const char *answer, struct ll_buf *out)
{
    ll_buf_addf(out, "\nanswer \"%s\" after this text: %s", answer, p->variant);
    if (p->reason)
        ll_buf_addf(out, " (%s)", p->reason);
    for (int i = 0; i < p->answer.n; i++)
        ll_buf_addf(out, "%s%d", i ? ", " : ", ids ", p->answer.v[i]);
    for (int i = 0; i < p->n_pieces; i++)
        ll_buf_addf(out, "%s%s", i ? " " : ", pieces ", p->pieces[i]);
    ll_buf_addc(out, '\n');
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
    struct ll_ckpt *ckpt = NULL;
    struct ll_session s = {0};
    struct ll_buf text = {0}, out = {0};
    struct ll_ids ids = {0};
    struct ll_prompt gold = {0};
    /* a folder with just a tokenizer.json will do */
    struct ll_err no_ckpt = {0};
    if (ll_tokenizer_open(&s.tok, args[0], &no_ckpt)) {
        size_t len = strlen(args[0]);
        s.tok = NULL;
        if (len > 5 && !strcmp(args[0] + len - 5, ".gguf")) /* has its tokenizer inside or nowhere */
            rc = ll_fail(err, no_ckpt.code, "%s", no_ckpt.msg);
        else if (!(rc = ll_ckpt_open(&ckpt, args[0], err)))
            rc = ll_tokenizer_open(&s.tok, ckpt->dir, err);
    }
    if (!rc && !(rc = ll_read_text(n_args > 1 ? args[1] : NULL, &text, err)))
        rc = ll_tokenizer_encode(s.tok, ll_buf_str(&text), text.len, (o.no_bos ? 0 : LL_ENC_BOS) | (o.as_text ? LL_ENC_SPECIAL_AS_TEXT : 0), &ids, err);
    if (!rc && o.answer)
        rc = ll_prompt_from_text(&gold, &s, ll_buf_str(&text), text.len, o.answer, err);
    if (!rc && o.json)
        put_json(s.tok, &ids, o.answer ? &gold : NULL, &out);
    else if (!rc) {
        put_table(s.tok, &ids, &out);
        if (o.answer)
            put_gold(&gold, o.answer, &out);
    }
    if (!rc)
        rc = ll_print(&out, err);
    ll_prompt_free(&gold);
    ll_ids_free(&ids);
    ll_buf_free(&text);
    ll_buf_free(&out);
    ll_tokenizer_close(s.tok);
    ll_ckpt_close(ckpt);
    return rc;
}
