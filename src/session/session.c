/* session.c - see session.h */
#include "session.h"
#include "print.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ll_session_open(struct ll_session *s, const char *model, struct ll_engine *engine, int threads,
                    struct ll_err *err)
{
    memset(s, 0, sizeof *s);
    int rc = ll_model_open(&s->model, model, err);
    if (!rc
        && (s->model->ckpt->gguf ? ll_tokenizer_open_gguf(&s->tok, s->model->ckpt->gguf,
                                                          s->model->ckpt->files[0].name, &s->tok_err)
                                 : ll_tokenizer_open(&s->tok, s->model->ckpt->dir, &s->tok_err)))
        s->tok = NULL; /* ids may still be given; whoever needs text reports tok_err */
    if (!rc
        && s->tok_err.code
            == LL_EFAIL) /* nothing about the tokenizer: memory, or a disk that cannot be read */
        rc = ll_fail(err, LL_EFAIL, "%s", s->tok_err.msg);
    s->engine = engine;
    s->engine_lent = engine != NULL;
    if (!rc && !engine)
        rc = ll_engine_init(&s->engine, threads, err);
    if (rc)
        ll_session_close(s);
    return rc;
}

void ll_session_close(struct ll_session *s)
{
    ll_tokenizer_close(s->tok);
    if (!s->engine_lent)
        ll_engine_free(s->engine);
    ll_model_close(s->model);
    memset(s, 0, sizeof *s);
}

/* Storage types of the tensors the pass reads, most bytes first. */
static void stored_types(const struct ll_model *m, char *out, size_t size)
{
    double bytes[LL_N_DTYPES] = {0};
    size_t at = 0;
    out[0] = 0;
    for (int i = 0; i < m->ckpt->n_tensors; i++)
        if (m->layer_of[i] != LL_UNUSED)
            bytes[m->ckpt->tensors[i].dtype] += (double)m->ckpt->tensors[i].size;
    for (;;) {
        int best = -1;
        for (int t = 0; t < LL_N_DTYPES; t++)
            if (bytes[t] > 0 && (best < 0 || bytes[t] > bytes[best]))
                best = t;
        if (best < 0 || at + 16 > size)
            return;
        at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "",
                               ll_dtype_info((enum ll_dtype)best)->name);
        bytes[best] = 0;
    }
}

int ll_session_info(const struct ll_session *s, enum ll_lens_kind lens, struct ll_model_info *info,
                    struct ll_info_text *keep, struct ll_err *err)
{
    const struct ll_model *m = s->model;
    int rc = ll_ckpt_identity(m->ckpt, keep->identity, err);
    if (rc)
        return rc;
    stored_types(m, keep->types, sizeof keep->types);
    *info = (struct ll_model_info){.model_id = m->ckpt->model_id,
                                   .clean = m->ckpt->clean,
                                   .family = m->family->name,
                                   .architecture = m->family->post_norms ? "post_norm" : "pre_norm",
                                   .container = m->ckpt->container,
                                   .stored_types = keep->types,
                                   .identity = keep->identity,
                                   .n_layers = m->n_layers,
                                   .d_model = m->d_model,
                                   .n_heads = m->n_heads,
                                   .n_kv_heads = m->n_kv_heads,
                                   .d_head = m->d_head,
                                   .d_mlp = m->d_mlp,
                                   .d_vocab = m->d_vocab,
                                   .n_ctx = m->n_ctx,
                                   .n_params = m->n_params,
                                   .norm_kind = ll_norm_kind_name(m),
                                   .norm_eps = m->norm_eps,
                                   .lens_norm = ll_lens_info(lens)->name,
                                   .engine = LL_ENGINE_RULE,
                                   .logit_scale = (double)m->logit_scale,
                                   .logit_cap = (double)m->logit_cap,
                                   .bos_policy = s->tok ? ll_tokenizer_bos_policy(s->tok)
                                                        : "no tokenizer: token ids as given",
                                   .emb_scale = (double)m->emb_scale,
                                   .learned_positions = m->n_positions > 0};
    return LL_OK;
}

int ll_device_check(const char *device, struct ll_err *err)
{
    if (!device || !strcmp(device, "auto") || !strcmp(device, "cpu"))
        return LL_OK;
    return ll_fail(err, LL_EFIT,
                   "--device %s: this build computes on the CPU: expected auto or cpu (show --plan --device "
                   "%s says what the original would have needed there)",
                   device, device);
}

void ll_session_show(const struct ll_session *s, int id, struct ll_buf *out)
{
    ll_token_show(s->tok, id, out);
}

void ll_session_bytes(const struct ll_session *s, int id, struct ll_buf *out)
{
    size_t before = out->len;
    if (s->tok && !ll_tokenizer_is_special(s->tok, id))
        ll_tokenizer_bytes(s->tok, id, out);
    if (out->len == before)
        ll_session_show(s, id, out);
}

static void show_name(const void *session, int id, struct ll_buf *out) { ll_session_show(session, id, out); }
static void show_bytes(const void *session, int id, struct ll_buf *out)
{
    ll_session_bytes(session, id, out);
}

struct ll_token_names ll_session_names(const struct ll_session *s)
{
    return (struct ll_token_names){show_name, show_bytes, s};
}

void ll_warn_lens(enum ll_lens_kind lens, int quiet)
{
    const struct ll_lens_info *info = ll_lens_info(lens);
    if (info->warning && !quiet)
        ll_say_line("logitlens: warning: %s lens: %s", info->name, info->warning);
}

void ll_warn_notes(const struct ll_model *m, int quiet)
{
    for (int i = 0; i < m->ckpt->n_notes && !quiet; i++)
        ll_say_line("logitlens: warning: %s: %s", m->ckpt->clean, m->ckpt->notes[i]);
}

void ll_warn_length(const struct ll_session *s, int n, int quiet)
{
    if (!quiet && s->model->n_ctx > 0 && n > s->model->n_ctx)
        ll_say_line("logitlens: warning: %d tokens, but the model was made for at most %lld", n,
                    s->model->n_ctx);
}

void ll_session_warn(const struct ll_session *s, enum ll_lens_kind lens, int n, int quiet)
{
    ll_warn_notes(s->model, quiet);
    ll_warn_lens(lens, quiet);
    ll_warn_length(s, n, quiet);
}

/* Numbers, with one comma or just white space between two, in brackets or not. */
int ll_parse_ids(const char *s, struct ll_ids *ids, struct ll_err *err)
{
    const char *p = s + strspn(s, " \t\n");
    int bracket = *p == '[';
    p += bracket;
    for (;;) {
        char *end;
        errno = 0;
        long v = strtol(p, &end, 10);
        if (end == p || errno || v < 0 || v > 0x7fffffff)
            return ll_fail(err, LL_EUSAGE,
                           "--ids: expected numbers from 0 separated by commas, found \"%.20s\"", *p ? p : s);
        int rc = ll_ids_add(ids, (int)v, err);
        if (rc)
            return rc;
        p = end + strspn(end, " \t\n");
        if (bracket && *p == ']') {
            p++;
            bracket = 0;
            p += strspn(p, " \t\n");
            return *p ? ll_fail(err, LL_EUSAGE, "--ids: expected nothing after ], found \"%.20s\"", p)
                      : LL_OK;
        }
        if (!*p)
            return bracket ? ll_fail(err, LL_EUSAGE, "--ids: expected ] at the end") : LL_OK;
        p += *p == ',';
    }
}
