/* doc_tables.c - the tables made at a model's end: milestones, artefact audit, raw-lens window
 * (docs/experiment.md 7.7, 8.4, 8.5) */
#include "doc_parts.h"
#include "sidecar_cols.h"

#include <stdio.h>
#include <string.h>

static void text(struct ll_row *row, int col, const char *s) { ll_row_text(row, col, s, s ? strlen(s) : 0); }

/* An integer that is -1 when not known stays an empty cell. */
static void index_or_empty(struct ll_row *row, int col, long long v)
{
    if (v >= 0)
        ll_row_int(row, col, v);
}

/* One line a milestone, four always; a milestone that no row reaches leaves its place empty. */
static int milestones_table(const struct ll_doc *d, struct ll_row_taker rows, struct ll_row *row,
                            struct ll_err *err)
{
    enum { STRICT, SOFT, SEMANTIC, CONFIRMED, LINES };
    const struct ll_doc_pass *p = &d->passes[0];
    const int layer[LINES] = {p->m.L_copy, p->m.soft_first, p->m.L_semantic, p->m.confirmed};
    int rc = LL_OK;
    for (int i = 0; i < LINES && !rc; i++) {
        ll_row_clear(row);
        ll_row_bool(row, LL_MS_IS_COPY_STRICT, i == STRICT && layer[i] >= 0);
        ll_row_bool(row, LL_MS_IS_SEMANTIC_NORM, i == SEMANTIC && layer[i] >= 0);
        ll_row_bool(row, LL_MS_IS_SEMANTIC_CONFIRMED, i == CONFIRMED && layer[i] >= 0);
        text(row, LL_MS_LENS, i == CONFIRMED && layer[i] >= 0 ? p->m.confirmed_source : "norm");
        if (layer[i] >= 0) {
            const struct ll_reading *r = &d->main.rows[layer[i]].norm;
            ll_row_int(row, LL_MS_LAYER, layer[i]);
            ll_row_int(row, LL_MS_CSV_ROW_INDEX, p->first_row + layer[i]);
            if (i == SOFT)
                ll_row_int(row, LL_MS_IS_COPY_SOFT_K, p->m.soft_k);
            index_or_empty(row, LL_MS_ANSWER_RANK, r->answer_rank);
            ll_row_real(row, LL_MS_P_ANSWER, r->p_answer);
            ll_row_real(row, LL_MS_KL_TO_FINAL_BITS, r->kl_to_final_bits);
            ll_row_real(row, LL_MS_ENTROPY_BITS, r->entropy_bits);
        }
        rc = rows.take(rows.arg, row, err);
    }
    return rc;
}

static int artifact_table(const struct ll_doc *d, struct ll_row_taker rows, struct ll_row *row,
                          struct ll_err *err)
{
    const struct ll_raw_full *f = &d->figures.raw.full;
    int rc = LL_OK;
    for (int l = -1; l < d->main.n_rows && !rc; l++) { /* -1: the summary */
        const struct ll_row_stats *r = l < 0 ? NULL : &d->main.rows[l];
        char name[16] = "_summary";
        if (r)
            snprintf(name, sizeof name, "%d", l);
        ll_row_clear(row);
        text(row, LL_ART_LAYER, name);
        ll_row_real(row, LL_ART_JS_DIVERGENCE, r ? r->js_bits : f->js[1]);
        ll_row_real(row, LL_ART_KL_RAW_TO_NORM_BITS, r ? r->kl_raw_norm_bits : f->kl_raw_norm_p50);
        ll_row_real(row, LL_ART_L1_PROB_DIFF, r ? r->l1 : f->l1[1]);
        ll_row_real(row, LL_ART_TOPK_JACCARD, r ? r->jaccard50_raw : f->jaccard50_p50);
        if (!r) {
            ll_row_real(row, LL_ART_SCORE_V2, f->score_v2);
            text(row, LL_ART_RISK_TIER, ll_tier_name(f->tier));
        }
        rc = rows.take(rows.arg, row, err);
    }
    return rc;
}

static void fill_window(struct ll_row *row, const struct ll_doc *d, const struct ll_doc_pass *p,
                        const struct ll_doc_raw_row *w, int is_raw, struct ll_buf *shown)
{
    const struct ll_doc_reading *r = is_raw ? &w->raw : &w->norm;
    ll_row_clear(row);
    text(row, LL_WIN_FACT_KEY, p->fact_key);
    index_or_empty(row, LL_WIN_FACT_INDEX, p->fact_index);
    text(row, LL_WIN_PROMPT_ID, p->prompt_id);
    text(row, LL_WIN_PROMPT_VARIANT, p->variant);
    ll_row_int(row, LL_WIN_LAYER, w->layer);
    text(row, LL_WIN_LENS, is_raw ? "raw" : "norm");
    ll_row_real(row, LL_WIN_P_TOP1, r->p_top1);
    ll_row_int(row, LL_WIN_TOP1_TOKEN_ID, r->top_id);
    ll_buf_reset(shown);
    ll_token_show(d->set.tok, r->top_id, shown);
    ll_row_text(row, LL_WIN_TOP1_TOKEN_STR, ll_buf_str(shown), shown->len);
    ll_row_real(row, LL_WIN_P_ANSWER, r->p_answer);
    index_or_empty(row, LL_WIN_ANSWER_RANK, r->answer_rank);
    ll_row_real(row, LL_WIN_KL_NORM_VS_RAW_BITS, w->kl_bits);
}

static int window_table(const struct ll_doc *d, struct ll_row_taker rows, struct ll_row *row,
                        struct ll_err *err)
{
    struct ll_buf shown = {0};
    int rc = LL_OK;
    for (int i = 0; i < d->n_passes; i++)
        for (int k = 0; k < 2 * d->passes[i].n_window && !rc; k++) {
            fill_window(row, d, &d->passes[i], &d->passes[i].window[k / 2], k % 2, &shown);
            rc = rows.take(rows.arg, row, err);
        }
    if (!rc)
        rc = ll_buf_ok(&shown, err);
    ll_buf_free(&shown);
    return rc;
}

int ll_doc_tables(const struct ll_doc *d, struct ll_row_taker rows, struct ll_err *err)
{
    const struct {
        const struct ll_schema *schema;
        int (*fill)(const struct ll_doc *, struct ll_row_taker, struct ll_row *, struct ll_err *);
        int is_wanted;
    } tables[] = {{&ll_schema_window, window_table, d->set.raw != LL_RAW_OFF},
                  {&ll_schema_artifact, artifact_table, d->figures.raw.is_full},
                  {&ll_schema_milestones, milestones_table, 1}};
    int rc = LL_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && !rc; i++) {
        struct ll_row row;
        if (!tables[i].is_wanted)
            continue;
        if (!(rc = ll_row_init(&row, tables[i].schema, err)))
            rc = tables[i].fill(d, rows, &row, err);
        ll_row_free(&row);
    }
    return rc;
}
