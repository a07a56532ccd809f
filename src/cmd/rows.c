/* rows.c - see rows.h */
#include "rows.h"

#include "record_cols.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void ll_row_context_free(struct ll_row_context *c) { ll_buf_free(&c->scratch); }

static const struct ll_buf *show(struct ll_row_context *c, int id)
{
    ll_buf_reset(&c->scratch);
    ll_session_show(c->s, id, &c->scratch);
    return &c->scratch;
}

/* Lower case, without .,!?;: and white space at the ends. Only ASCII letters fold: the words of the experiment are ASCII. */
static int matches_word(const char *s, size_t n, const char *word)
{
    while (n && strchr(".,!?;: \t\r\n", s[n - 1]))
        n--;
    while (n && strchr(".,!?;: \t\r\n", *s)) {
        s++;
        n--;
    }
    size_t w = strlen(word);
    for (size_t at = 0; w && at + w <= n; at++) {
        size_t i = 0;
        while (i < w && tolower((unsigned char)s[at + i]) == (unsigned char)word[i])
            i++;
        if (i == w)
            return 1;
    }
    return 0;
}

int ll_is_verbose(struct ll_row_context *c, int pos)
{
    if (pos == c->prompt->ids.n - 1)
        return 1;
    const struct ll_buf *text = show(c, c->prompt->ids.v[pos]);
    for (int i = 0; i < c->e->n_words; i++)
        if (matches_word(ll_buf_str(text), text->len, c->e->words[i]))
            return 1;
    return 0;
}

/* topK, probK, rest_mass, top_ids: columns of both tables, so their places come as arguments. */
static void fill_top(struct ll_row *row, struct ll_row_context *c, const struct ll_head_out *o, int k, int top1, int prob1, int rest, int ids_col)
{
    double sum = 0;
    struct ll_buf ids = {0};
    for (int i = 0; i < k && i < o->n_top; i++) {
        double p = ll_head_p(o, o->top[i].v);
        const struct ll_buf *text = show(c, o->top[i].id);
        ll_row_text(row, top1 + 2 * i, ll_buf_str(text), text->len);
        ll_row_real(row, prob1 + 2 * i, p);
        ll_buf_addf(&ids, "%s%d", i ? " " : "", o->top[i].id);
        sum += p;
    }
    ll_row_real(row, rest, sum < 1 ? 1 - sum : 0);
    ll_row_text(row, ids_col, ll_buf_str(&ids), ids.len);
    ll_buf_free(&ids);
}

static void fill_pass(struct ll_row *row, const struct ll_pass_info *info, int fact_key, int fact_index, int prompt_id, int variant)
{
    if (info->fact_key)
        ll_row_text(row, fact_key, info->fact_key, strlen(info->fact_key));
    if (info->fact_index >= 0)
        ll_row_int(row, fact_index, info->fact_index);
    ll_row_text(row, prompt_id, info->prompt_id, strlen(info->prompt_id));
    ll_row_text(row, variant, info->prompt_variant, strlen(info->prompt_variant));
}

void ll_fill_record(struct ll_row *row, struct ll_row_context *c, int layer, int pos, const struct ll_head_out *o)
{
    int id = c->prompt->ids.v[pos];
    const struct ll_buf *text = show(c, id);
    ll_row_int(row, LL_REC_LAYER, layer);
    ll_row_int(row, LL_REC_POS, pos);
    ll_row_text(row, LL_REC_TOKEN, ll_buf_str(text), text->len);
    ll_row_real(row, LL_REC_ENTROPY, o->entropy_bits);
    ll_row_real(row, LL_REC_ENTROPY_BITS, o->entropy_bits);
    fill_top(row, c, o, ll_is_verbose(c, pos) ? c->e->top_verbose : c->e->top_record, LL_REC_TOP(1), LL_REC_PROB(1), LL_REC_REST_MASS, LL_REC_TOP_IDS);
    fill_pass(row, c->info, LL_REC_FACT_KEY, LL_REC_FACT_INDEX, LL_REC_PROMPT_ID, LL_REC_PROMPT_VARIANT);
    ll_row_int(row, LL_REC_TOKEN_ID, id);
    ll_row_id(row, LL_REC_ROW_ID, c->info->pass_key, layer, pos);
}

/* The early string rule (spec 9.1), for answers whose id is unknown: top-1's text, trimmed, is the answer. */
static int says_answer(struct ll_row_context *c, const struct ll_head_out *o)
{
    const char *want = c->info->gold.text;
    if (!want || !o->n_top)
        return 0;
    const struct ll_buf *text = show(c, o->top[0].id);
    const char *s = ll_buf_str(text);
    size_t n = text->len;
    while (n && isspace((unsigned char)s[n - 1]))
        n--;
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    return n == strlen(want) && !memcmp(s, want, n);
}

void ll_fill_pure(struct ll_row *row, struct ll_row_context *c, int layer, const struct ll_head_out *o, struct ll_row_flags *flags)
{
    int pos = c->prompt->ids.n - 1, resolved = c->prompt->answer.n > 0, blank = 0;
    if (o->n_top) {
        const struct ll_buf *text = show(c, o->top[0].id);
        blank = ll_text_is_blank(ll_buf_str(text), text->len);
    }
    flags->copy_collapse = ll_copy_collapse(o, c->prompt->ctx.v, c->prompt->ctx.n, blank, &c->e->copy);
    flags->entropy_collapse = ll_entropy_collapse(o);
    flags->is_answer = resolved ? o->tracked_rank[0] == 1 : says_answer(c, o);

    ll_row_int(row, LL_PURE_LAYER, layer);
    ll_row_int(row, LL_PURE_POS, pos);
    ll_row_text(row, LL_PURE_TOKEN, LL_NEXT_TOKEN, strlen(LL_NEXT_TOKEN));
    ll_row_real(row, LL_PURE_ENTROPY, o->entropy_bits);
    ll_row_real(row, LL_PURE_ENTROPY_BITS, o->entropy_bits);
    fill_top(row, c, o, c->e->top_record, LL_PURE_TOP(1), LL_PURE_PROB(1), LL_PURE_REST_MASS, LL_PURE_TOP_IDS);
    ll_row_bool(row, LL_PURE_COPY_COLLAPSE, flags->copy_collapse);
    ll_row_bool(row, LL_PURE_ENTROPY_COLLAPSE, flags->entropy_collapse);
    ll_row_bool(row, LL_PURE_IS_ANSWER, flags->is_answer);
    fill_pass(row, c->info, LL_PURE_FACT_KEY, LL_PURE_FACT_INDEX, LL_PURE_PROMPT_ID, LL_PURE_PROMPT_VARIANT);
    if (o->n_top)
        ll_row_real(row, LL_PURE_P_TOP1, ll_head_p(o, o->top[0].v));
    if (resolved) {
        ll_row_real(row, LL_PURE_P_ANSWER, ll_head_p(o, o->tracked_logit[0]));
        ll_row_int(row, LL_PURE_ANSWER_RANK, o->tracked_rank[0]);
    }
    ll_row_real(row, LL_PURE_KL_TO_FINAL_BITS, o->kl_to_final_bits);
    ll_row_id(row, LL_PURE_ROW_ID, c->info->pass_key, layer, pos);
}

int ll_prediction_keep(struct ll_kept_prediction *k, const struct ll_session *s, const char *prompt, double temperature, double entropy_bits,
                       double lse, const struct ll_hit *top, int n_top, struct ll_err *err)
{
    struct ll_buf texts = {0};
    memset(k, 0, sizeof *k);
    if (!(k->top = calloc((size_t)n_top + 1, sizeof *k->top)))
        return ll_fail_mem(err, "prediction", sizeof *k->top * (size_t)n_top);
    for (int i = 0; i < n_top; i++) {
        size_t at = texts.len;
        ll_session_show(s, top[i].id, &texts);
        k->top[i].n = texts.len - at;
        k->top[i].id = top[i].id;
        k->top[i].p = ll_exp((temperature > 0 ? (double)top[i].v / temperature : (double)top[i].v) - lse);
    }
    ll_buf_addc(&texts, 0);
    k->texts = texts.s;
    for (size_t i = 0, at = 0; i < (size_t)n_top && texts.s; at += k->top[i++].n)
        k->top[i].text = texts.s + at;
    k->p = (struct ll_prediction){prompt, prompt ? strlen(prompt) : 0, temperature, entropy_bits, k->top, n_top};
    int rc = ll_buf_ok(&texts, err);
    if (rc)
        ll_prediction_free(k);
    return rc;
}

void ll_prediction_free(struct ll_kept_prediction *k)
{
    free(k->top);
    free(k->texts);
    memset(k, 0, sizeof *k);
}
