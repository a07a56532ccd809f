/* diff_run.c - see diff_run.h */
#include "diff_run.h"

#include "diff_rows.h"
#include "provenance.h"

#include <stdlib.h>
#include <string.h>

void ll_comparison_free(struct ll_comparison *r)
{
    ll_diff_out_close(r->out);
    ll_diff_stats_free(&r->stats);
    ll_diff_prompts_free(&r->prompts);
    ll_row_free(&r->row);
    free(r->sweep);
    free(r->layers);
    ll_buf_free(&r->command);
    for (int i = 0; i < 3; i++)
        ll_buf_free(&r->token[i]);
    ll_session_close(&r->s[1]); /* uses the first one's engine */
    ll_session_close(&r->s[0]);
}

static int on_result(void *arg, const struct ll_diff_result *d, struct ll_err *err)
{
    struct ll_comparison *r = arg;
    int rc = LL_OK;
    ll_diff_stats_add(&r->stats, d);
    for (int i = 0; i < d->n_pos && !rc; i++)
        for (int l = 0; l < d->n_rows && !rc; l++) {
            int pos = d->pos0 + i;
            ll_fill_diff(&r->row, d->prompt, pos, r->stats.first_layer + l,
                         r->prompts.v[d->prompt].ids.v[pos],
                         &d->rows[(size_t)l * (size_t)d->n_pos + (size_t)i], &r->names);
            rc = ll_diff_out_row(r->out, &r->row, err);
        }
    return rc;
}

static int open_both(struct ll_comparison *r, struct ll_err *err)
{
    int rc = ll_session_open(&r->s[0], r->ask->a, NULL, r->ask->threads, err);
    if (!rc)
        rc = ll_session_open(&r->s[1], r->ask->b, r->s[0].engine, 0, err);
    const struct ll_model *a = r->s[0].model, *b = r->s[1].model;
    if (!rc && a->d_vocab != b->d_vocab)
        rc = ll_fail(err, LL_EUSAGE,
                     "expected two models of one vocabulary, found %s with %d tokens and %s with %d",
                     a->ckpt->clean, a->d_vocab, b->ckpt->clean, b->d_vocab);
    for (int i = 0; i < 2 && !rc; i++)
        ll_warn_notes(r->s[i].model, r->ask->quiet);
    for (int i = 0; i < 2 && !rc; i++)
        rc = ll_session_info(&r->s[i], r->ask->lens, &r->info[i], &r->info_text[i], err);
    return rc;
}

static int prepare(struct ll_comparison *r, struct ll_err *err)
{
    const struct ll_model *a = r->s[0].model, *b = r->s[1].model;
    int n = r->prompts.n, n_rows = ll_diff_rows(a, b), last = !strcmp(r->ask->positions, "last");
    size_t positions = 0;
    if (!(r->sweep = calloc((size_t)n, sizeof *r->sweep))
        || !(r->layers = calloc((size_t)n_rows, sizeof *r->layers)))
        return ll_fail_mem(err, "prompts", sizeof *r->sweep * (size_t)n);
    for (int i = 0; i < n; i++) {
        r->sweep[i] = (struct ll_sweep_prompt){.ids = r->prompts.v[i].ids.v,
                                               .n_ids = r->prompts.v[i].ids.n,
                                               .want = last ? LL_SWEEP_LAST : LL_SWEEP_ALL};
        positions += last ? 1 : (size_t)r->sweep[i].n_ids;
    }
    int rc = ll_diff_stats_init(&r->stats, n_rows, n_rows == 1 ? a->n_layers : 0, positions, err);
    if (!rc)
        rc = ll_row_init(&r->row, &ll_schema_diff, err);
    return rc ? rc : ll_diff_out_open(&r->out, r->ask->csv, r->ask->index, err);
}

static int compare(struct ll_comparison *r, struct ll_err *err)
{
    struct ll_diff d = {.a = r->s[0].model,
                        .b = r->s[1].model,
                        .engine = r->s[0].engine,
                        .lens = r->ask->lens,
                        .prompts = r->sweep,
                        .n_prompts = r->prompts.n,
                        .result = on_result,
                        .result_arg = r,
                        .progress = r->ask->progress,
                        .progress_arg = r->ask->progress_arg};
    return ll_diff_run(&d, err);
}

static void gather(struct ll_comparison *r)
{
    struct ll_diff_doc *doc = &r->doc;
    const struct ll_diff_stats *s = &r->stats;
    *doc = (struct ll_diff_doc){.a = &r->info[0],
                                .b = &r->info[1],
                                .path_a = r->ask->a,
                                .path_b = r->ask->b,
                                .prompts_from = r->prompts.from,
                                .positions = r->ask->positions,
                                .prompts = r->prompts.list,
                                .n_prompts = r->prompts.n,
                                .layers = r->layers,
                                .n_layers = s->n_rows,
                                .first_beyond = -1,
                                .worst_prompt = s->worst_prompt,
                                .worst_pos = s->worst_pos,
                                .worst_kl_bits = s->worst.div.kl_ab_bits,
                                .worst_p_a = s->worst.top_p[0][0],
                                .worst_p_b = s->worst.top_p[1][0],
                                .tool = ll_tool_version()};
    memcpy(doc->tolerance, r->ask->tolerance, sizeof doc->tolerance);
    for (int l = 0; l < s->n_rows; l++) {
        ll_diff_stats_layer(&r->stats, l, doc->tolerance, &r->layers[l]);
        if (doc->first_beyond < 0 && r->layers[l].beyond)
            doc->first_beyond = l;
    }
    ll_token_name(&r->names, r->prompts.v[s->worst_prompt].ids.v[s->worst_pos], &r->token[0]);
    ll_token_name(&r->names, s->worst.top_id[0][0], &r->token[1]);
    ll_token_name(&r->names, s->worst.top_id[1][0], &r->token[2]);
    doc->worst_token = ll_buf_str(&r->token[0]);
    doc->worst_top1_a = ll_buf_str(&r->token[1]);
    doc->worst_top1_b = ll_buf_str(&r->token[2]);
    ll_buf_addf(&r->command, "diff %s %s --norm %s --positions %s", r->info[0].clean, r->info[1].clean,
                r->ask->norm, r->ask->positions);
    doc->command = ll_buf_str(&r->command);
}

int ll_diff_compare(struct ll_comparison *r, const struct ll_diff_ask *ask, struct ll_err *err)
{
    r->ask = ask;
    int rc = open_both(r, err);
    if (rc)
        return rc;
    r->names = ll_session_names(&r->s[r->s[0].tok ? 0 : 1]);
    if (!(rc = ll_diff_prompts_make(&r->prompts, &ask->prompts, &r->s[0], &r->s[1], err))
        && !(rc = prepare(r, err)) && !(rc = compare(r, err)))
        gather(r);
    return rc;
}
