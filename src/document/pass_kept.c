/* pass_kept.c - see pass_kept.h */
#include "pass_kept.h"

#include <stdlib.h>
#include <string.h>

int ll_same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

void ll_doc_pass_free(struct ll_doc_pass *p)
{
    for (int i = 0; i < p->gold.n_pieces; i++)
        free((char *)(uintptr_t)p->gold.pieces[i]);
    void *owned[] = {p->fact_key,
                     p->prompt_id,
                     p->variant,
                     p->text,
                     p->window,
                     (void *)(uintptr_t)p->gold.text,
                     (void *)(uintptr_t)p->gold.ids,
                     (void *)(uintptr_t)p->gold.pieces};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    memset(p, 0, sizeof *p);
}

/* A copy of text, or NULL for NULL; *failed when memory is short. */
static char *keep_text(const char *s, int *failed)
{
    char *copy = s ? strdup(s) : NULL;
    *failed |= s && !copy;
    return copy;
}

static int keep_gold(struct ll_gold *to, const struct ll_gold *from)
{
    int failed = 0;
    int *ids = malloc(sizeof *ids * (size_t)(from->n + 1));
    const char **pieces = calloc((size_t)from->n_pieces + 1, sizeof *pieces);
    *to = (struct ll_gold){.text = keep_text(from->text, &failed),
                           .variant = from->variant,
                           .reason = from->reason,
                           .ids = ids,
                           .pieces = pieces};
    if (!ids || !pieces)
        return 1;
    for (int i = 0; i < from->n; i++)
        ids[i] = from->ids[i];
    to->n = from->n;
    for (int i = 0; i < from->n_pieces; i++)
        pieces[i] = keep_text(from->pieces[i], &failed);
    to->n_pieces = from->n_pieces;
    return failed;
}

static struct ll_doc_alignment alignment_of(const struct ll_gold *g)
{
    int is_asked = g->text != NULL || g->n > 0, ok = g->n > 0;
    return (struct ll_doc_alignment){is_asked, ok, !is_asked ? "none" : ok ? "ok" : "unresolved"};
}

int ll_doc_pass_keep_info(struct ll_doc_pass *p, const struct ll_doc_pass_given *g, struct ll_err *err)
{
    const struct ll_pass_info *info = g->info;
    int failed = 0;
    p->fact_key = keep_text(info->fact_key, &failed);
    p->prompt_id = keep_text(info->prompt_id, &failed);
    p->variant = keep_text(info->prompt_variant, &failed);
    p->text = info->prompt_text ? strndup(info->prompt_text, info->prompt_len) : NULL;
    p->text_len = info->prompt_len;
    p->fact_index = info->fact_index;
    p->n_ids = info->n_ids;
    p->first_row = g->first_row;
    p->is_control = g->has_control || ll_same_text(info->prompt_id, "ctl");
    failed |= info->prompt_text && !p->text;
    failed |= keep_gold(&p->gold, &info->gold);
    p->alignment = alignment_of(&p->gold);
    return failed ? ll_fail_mem(err, "pass of the document", sizeof *p) : LL_OK;
}

static struct ll_doc_reading brief(const struct ll_reading *r)
{
    return (struct ll_doc_reading){.p_top1 = r->p_top1,
                                   .p_answer = r->p_answer,
                                   .top_id = r->n_top ? r->top[0].id : 0,
                                   .answer_rank = r->answer_rank,
                                   .is_answer = r->answer_rank == 1};
}

/* Those of the listed rows that were read raw. Returns how many. */
static int keep_raw_rows(struct ll_doc_raw_row *out, const struct ll_pass_stats *s, const int *layers, int n)
{
    int k = 0;
    for (int i = 0; i < n; i++) {
        const struct ll_row_stats *r = &s->rows[layers[i]];
        if (!r->raw.is_set)
            continue;
        out[k] = (struct ll_doc_raw_row){.layer = layers[i],
                                         .norm = brief(&r->norm),
                                         .raw = brief(&r->raw),
                                         .kl_bits = r->kl_norm_raw_bits,
                                         .norm_only = ll_norm_only_semantic(r)};
        out[k].top1_agree = out[k].norm.top_id == out[k].raw.top_id;
        k++;
    }
    return k;
}

void ll_doc_pass_keep_samples(struct ll_doc_pass *p, const struct ll_pass_stats *s)
{
    int layers[LL_RAW_SAMPLES];
    ll_raw_sampled(&p->sampled, s);
    p->n_samples = keep_raw_rows(p->samples, s, layers, ll_raw_sample_rows(s->n_layers, layers));
}

int ll_doc_pass_keep_window(struct ll_doc_pass *p, const struct ll_pass_stats *s, int radius,
                            struct ll_err *err)
{
    int *layers = malloc(sizeof *layers * (size_t)s->n_rows),
        n = layers ? ll_raw_window_layers(&p->m, radius, layers) : 0;
    p->window = layers ? calloc((size_t)n + 1, sizeof *p->window) : NULL;
    if (p->window)
        p->n_window = keep_raw_rows(p->window, s, layers, n);
    free(layers);
    return p->window ? LL_OK : ll_fail_mem(err, "raw-lens window", sizeof *p->window * (size_t)s->n_rows);
}
