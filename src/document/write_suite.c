/* write_suite.c - see doc_suite.h */
#include "doc_suite.h"

void ll_put_facts(struct ll_key_out *o, const struct ll_doc_suite *s, int whole)
{
    ll_key_open(o, LL_K_SUITE_FACTS);
    for (int i = 0; i < s->n; i++) {
        const struct ll_doc_pass *p = s->fact_passes[i];
        const struct ll_fact *f = &s->facts[i];
        ll_key_item(o, NULL);
        ll_key_text(o, LL_K_FACT_FACT_KEY, p->fact_key);
        ll_key_layer(o, LL_K_FACT_FACT_INDEX, p->fact_index);
        ll_key_layer(o, LL_K_FACT_L_COPY_STRICT, f->L_copy_strict);
        if (whole)
            ll_key_layer(o, LL_K_FACT_L_COPY_SOFT_K1, f->L_copy_soft_k1);
        ll_key_layer(o, LL_K_FACT_L_SEMANTIC, f->L_semantic);
        ll_key_layer(o, LL_K_FACT_L_CONFIRMED, f->L_confirmed);
        ll_key_layer(o, LL_K_FACT_L_MARGIN_OK, f->L_margin_ok);
        ll_key_real(o, LL_K_FACT_DELTA_HAT, f->delta_hat);
        if (whole)
            ll_key_layer(o, LL_K_FACT_ROW_INDEX, f->row_index);
        ll_key_end(o);
    }
    ll_key_end(o);
}

void ll_put_aggregates(struct ll_key_out *o, enum ll_doc_key k, const struct ll_suite *s)
{
    ll_key_open(o, k);
    ll_key_int(o, LL_K_AGGREGATES_N, s->n);
    ll_key_layer(o, LL_K_AGGREGATES_L_COPY_STRICT, s->L_copy_strict);
    ll_key_layer(o, LL_K_AGGREGATES_L_COPY_SOFT_K1, s->L_copy_soft_k1);
    ll_key_layer(o, LL_K_AGGREGATES_L_SEMANTIC, s->L_semantic);
    ll_key_layer(o, LL_K_AGGREGATES_L_CONFIRMED, s->L_confirmed);
    ll_key_layer(o, LL_K_AGGREGATES_L_MARGIN_OK, s->L_margin_ok);
    ll_key_real(o, LL_K_AGGREGATES_DELTA_HAT, s->delta_hat);
    ll_key_open_flat(o, LL_K_AGGREGATES_IQR);
    ll_json_layer(&o->j, NULL, s->iqr[0]);
    ll_json_layer(&o->j, NULL, s->iqr[1]);
    ll_key_end(o);
    ll_key_int(o, LL_K_AGGREGATES_N_MISSING, s->n_missing);
    ll_key_end(o);
}

void ll_put_fact_rows(struct ll_key_out *o, const struct ll_doc_suite *s)
{
    ll_key_open(o, LL_K_SUITE_CITATIONS);
    ll_key_open(o, LL_K_FACT_ROWS_ROWS);
    for (int i = 0; i < s->n; i++)
        ll_json_layer(&o->j, s->fact_passes[i]->fact_key, s->facts[i].row_index);
    ll_key_end(o);
    ll_key_end(o);
}

static void put_ablation(struct ll_key_out *o, const struct ll_doc_ablation *a)
{
    if (!a->is_there) {
        ll_key_null(o, LL_K_ROOT_ABLATION);
        return;
    }
    ll_key_open(o, LL_K_ROOT_ABLATION);
    ll_key_layer(o, LL_K_ABLATION_L_COPY_ORIG, a->L_copy[0]);
    ll_key_layer(o, LL_K_ABLATION_L_SEM_ORIG, a->L_semantic[0]);
    ll_key_layer(o, LL_K_ABLATION_L_COPY_NF, a->L_copy[1]);
    ll_key_layer(o, LL_K_ABLATION_L_SEM_NF, a->L_semantic[1]);
    ll_key_delta(o, LL_K_ABLATION_DELTA_COPY, a->delta_copy);
    ll_key_delta(o, LL_K_ABLATION_DELTA_SEM, a->delta_semantic);
    ll_key_choice(o, LL_K_ABLATION_STYLE_SENSITIVE, a->style_sensitive);
    ll_key_end(o);
}

/* ---- answers --------------------------------------------------------------------------------- */
static void put_pieces(struct ll_key_out *o, enum ll_doc_key k, const struct ll_gold *g)
{
    ll_key_open_flat(o, k);
    for (int i = 0; i < g->n_pieces; i++)
        ll_json_cstr(&o->j, NULL, g->pieces[i]);
    ll_key_end(o);
}

/* Members of an open alignment. */
static void put_alignment(struct ll_key_out *o, const struct ll_doc_pass *p)
{
    const struct ll_gold *g = &p->gold;
    ll_key_bool(o, LL_K_ALIGNMENT_OK, p->alignment.ok);
    ll_key_text(o, LL_K_ALIGNMENT_STATUS, p->alignment.status);
    ll_key_text(o, LL_K_ALIGNMENT_VARIANT, g->variant);
    if (g->reason)
        ll_key_text(o, LL_K_ALIGNMENT_REASON, g->reason);
    ll_key_layer(o, LL_K_ALIGNMENT_FIRST_ID, g->n > 0 ? g->ids[0] : -1);
    ll_key_ints(o, LL_K_ALIGNMENT_ANSWER_IDS, g->ids, g->n);
    put_pieces(o, LL_K_ALIGNMENT_PIECES, g);
}

static void put_alignments(struct ll_key_out *o, const struct ll_doc_suite *s)
{
    ll_key_open(o, LL_K_DIAG_GOLD_ALIGNMENT);
    put_alignment(o, &s->passes[0]);
    ll_key_end(o);
    ll_key_real(o, LL_K_DIAG_ALIGNMENT_RATE, s->alignment_rate);
    ll_key_open(o, LL_K_DIAG_ALIGNMENT_PROMPTS);
    for (int i = 0; i < s->n_passes; i++) {
        const struct ll_doc_pass *p = &s->passes[i];
        ll_key_item(o, NULL);
        ll_key_text(o, LL_K_ALIGNMENT_PROMPT_ID, p->prompt_id);
        ll_key_text(o, LL_K_ALIGNMENT_PROMPT_VARIANT, p->variant);
        put_alignment(o, p);
        ll_key_text(o, LL_K_ALIGNMENT_STRING, p->gold.text);
        ll_key_text(o, LL_K_ALIGNMENT_FACT_KEY, p->fact_key);
        ll_key_layer(o, LL_K_ALIGNMENT_FACT_INDEX, p->fact_index);
        ll_key_end(o);
    }
    ll_key_end(o);
}

static void put_control(struct ll_key_out *o, const struct ll_doc_suite *s)
{
    const struct ll_doc_pass *p = s->control;
    if (!p) {
        ll_key_null(o, LL_K_ROOT_CONTROL_PROMPT);
        ll_key_null(o, LL_K_ROOT_CONTROL_SUMMARY);
        return;
    }
    ll_key_open(o, LL_K_ROOT_CONTROL_PROMPT);
    ll_key_bytes(o, LL_K_CONTROL_CONTEXT_PROMPT, p->text, p->text_len);
    ll_key_open(o, LL_K_CONTROL_GOLD_ANSWER);
    ll_key_text(o, LL_K_GOLD_STRING, p->gold.text);
    ll_key_layer(o, LL_K_GOLD_FIRST_ID, p->gold.n > 0 ? p->gold.ids[0] : -1);
    ll_key_ints(o, LL_K_GOLD_ANSWER_IDS, p->gold.ids, p->gold.n);
    put_pieces(o, LL_K_GOLD_PIECES, &p->gold);
    ll_key_text(o, LL_K_GOLD_VARIANT, p->gold.variant);
    ll_key_end(o);
    ll_key_open(o, LL_K_CONTROL_GOLD_ALIGNMENT);
    put_alignment(o, p);
    ll_key_end(o);
    ll_key_end(o);
    ll_key_open(o, LL_K_ROOT_CONTROL_SUMMARY);
    ll_key_layer(o, LL_K_CONTROL_SUMMARY_FIRST_MARGIN, p->control.first_margin);
    ll_key_real(o, LL_K_CONTROL_SUMMARY_MAX_MARGIN, p->control.max_margin);
    ll_key_layer(o, LL_K_CONTROL_SUMMARY_FIRST_STRONG, p->control.first_strong);
    ll_key_real(o, LL_K_CONTROL_SUMMARY_MAX_GAP, p->control.max_gap);
    ll_key_real(o, LL_K_CONTROL_SUMMARY_DELTA, s->control_gap);
    ll_key_end(o);
}

void ll_put_suite_diag(struct ll_key_out *o, const struct ll_doc_suite *s)
{
    ll_key_open(o, LL_K_DIAG_MICRO_SUITE);
    ll_put_facts(o, s, 1);
    ll_put_aggregates(o, LL_K_SUITE_AGGREGATES, &s->s);
    ll_put_fact_rows(o, s);
    ll_key_end(o);
    put_alignments(o, s);
}

void ll_put_suite(struct ll_key_out *o, const struct ll_doc_suite *s)
{
    ll_key_open(o, LL_K_ROOT_MICRO_SUITE);
    ll_put_facts(o, s, 1);
    ll_put_aggregates(o, LL_K_SUITE_AGGREGATES, &s->s);
    ll_key_end(o);
    ll_key_open(o, LL_K_ROOT_PROMPTS);
    ll_key_open_flat(o, LL_K_PROMPTS_FACTS);
    for (int i = 0; i < s->n; i++)
        ll_json_cstr(&o->j, NULL, s->fact_passes[i]->fact_key);
    ll_key_end(o);
    ll_key_end(o);
    put_ablation(o, &s->ablation);
    put_control(o, s);
}
