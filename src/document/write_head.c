/* write_head.c - what is known without the analysis: prompts, the model's own predictions, its sizes, the
 * passes; see document.h */
#include "doc_head.h"

void ll_put_prompt(struct ll_key_out *o, const struct ll_document *d, const struct ll_doc_head *h)
{
    const struct ll_pass_info *p = h->main;
    ll_key_open(o, LL_K_ROOT_PROMPT);
    ll_key_text(o, LL_K_PROMPT_TYPE, "prompt");
    ll_key_bytes(o, LL_K_PROMPT_CONTEXT_PROMPT, p ? p->prompt_text : NULL, p ? p->prompt_len : 0);
    ll_key_text(o, LL_K_PROMPT_GROUND_TRUTH, p ? p->gold.text : NULL);
    if (d->figures) {
        ll_key_text(o, LL_K_PROMPT_FACT_KEY, d->figures->suite.passes[0].fact_key);
        ll_key_layer(o, LL_K_PROMPT_FACT_INDEX, d->figures->suite.passes[0].fact_index);
    }
    ll_key_end(o);
}

/* ---- predictions ----------------------------------------------------------------------------- */
/* Members entropy and topk; topk_ids, ours, tells apart tokens of the same text. */
static void put_distribution(struct ll_key_out *o, const struct ll_prediction *p)
{
    ll_key_real(o, LL_K_PREDICTION_ENTROPY, p->entropy_bits);
    ll_key_open(o, LL_K_PREDICTION_TOPK);
    for (int i = 0; i < p->n_top; i++) {
        ll_json_arr_flat(&o->j, NULL);
        ll_json_str(&o->j, NULL, p->top[i].text, p->top[i].n);
        ll_json_num(&o->j, NULL, p->top[i].p);
        ll_json_end(&o->j);
    }
    ll_key_end(o);
    ll_key_open_flat(o, LL_K_PREDICTION_TOPK_IDS);
    for (int i = 0; i < p->n_top; i++)
        ll_json_int(&o->j, NULL, p->top[i].id);
    ll_key_end(o);
}

void ll_put_predictions(struct ll_key_out *o, const struct ll_document *d)
{
    ll_key_open(o, LL_K_ROOT_TEST_PROMPTS);
    for (int i = 0; i < d->n_test_prompts; i++) {
        ll_key_item(o, NULL);
        ll_key_text(o, LL_K_PREDICTION_TYPE, "test_prompt");
        ll_key_bytes(o, LL_K_PREDICTION_PROMPT, d->test_prompts[i].prompt, d->test_prompts[i].prompt_len);
        put_distribution(o, &d->test_prompts[i]);
        ll_key_end(o);
    }
    ll_key_end(o);
    ll_key_open(o, LL_K_ROOT_TEMPERATURES);
    for (int i = 0; i < d->n_temperatures; i++) {
        ll_key_item(o, NULL);
        ll_key_text(o, LL_K_PREDICTION_TYPE, "temperature_exploration");
        ll_key_real(o, LL_K_PREDICTION_TEMPERATURE, d->temperatures[i].temperature);
        put_distribution(o, &d->temperatures[i]);
        ll_key_end(o);
    }
    ll_key_end(o);
}

void ll_put_final_prediction(struct ll_key_out *o, const struct ll_document *d)
{
    if (!d->final_prediction) {
        ll_key_null(o, LL_K_ROOT_FINAL_PREDICTION);
        return;
    }
    ll_key_open(o, LL_K_ROOT_FINAL_PREDICTION);
    ll_key_text(o, LL_K_PREDICTION_TYPE, "final_prediction");
    put_distribution(o, d->final_prediction);
    ll_key_end(o);
}

/* ---- model and passes ------------------------------------------------------------------------ */
void ll_put_stats(struct ll_key_out *o, const struct ll_model_info *m)
{
    ll_key_open(o, LL_K_ROOT_MODEL_STATS);
    ll_key_text(o, LL_K_STATS_TYPE, "model_stats");
    ll_key_int(o, LL_K_STATS_NUM_LAYERS, m->n_layers);
    ll_key_int(o, LL_K_STATS_D_MODEL, m->d_model);
    ll_key_int(o, LL_K_STATS_N_HEADS, m->n_heads);
    ll_key_int(o, LL_K_STATS_D_VOCAB, m->d_vocab);
    ll_key_int(o, LL_K_STATS_N_CTX, m->n_ctx);
    ll_key_text(o, LL_K_STATS_ARCHITECTURE, m->architecture);
    ll_key_int(o, LL_K_STATS_N_KV_HEADS, m->n_kv_heads); /* from here on ours */
    ll_key_int(o, LL_K_STATS_D_HEAD, m->d_head);
    ll_key_int(o, LL_K_STATS_D_MLP, m->d_mlp);
    ll_key_int(o, LL_K_STATS_N_PARAMS, m->n_params);
    ll_key_end(o);
}

static void put_gold(struct ll_key_out *o, enum ll_doc_key k, const struct ll_gold *gold)
{
    if (!gold || (!gold->text && gold->n <= 0)) { /* an answer given by its id has no text */
        ll_key_null(o, k);
        return;
    }
    ll_key_open(o, k);
    ll_key_text(o, LL_K_GOLD_STRING, gold->text);
    ll_key_open_flat(o, LL_K_GOLD_PIECES);
    for (int i = 0; i < gold->n_pieces; i++)
        ll_json_cstr(&o->j, NULL, gold->pieces[i]);
    ll_key_end(o);
    ll_key_layer(o, LL_K_GOLD_FIRST_ID, gold->n > 0 ? gold->ids[0] : -1);
    ll_key_ints(o, LL_K_GOLD_ANSWER_IDS, gold->ids, gold->n);
    ll_key_text(o, LL_K_GOLD_VARIANT, gold->variant);
    if (gold->reason)
        ll_key_text(o, LL_K_GOLD_REASON, gold->reason);
    ll_key_end(o);
}

static void put_pass(struct ll_key_out *o, const struct ll_pass_info *p, const struct ll_milestones *m,
                     int delta)
{
    ll_key_item(o, NULL);
    ll_key_text(o, LL_K_PASS_PASS_KEY, p->pass_key);
    ll_key_text(o, LL_K_PASS_FACT_KEY, p->fact_key);
    ll_key_layer(o, LL_K_PASS_FACT_INDEX, p->fact_index);
    ll_key_text(o, LL_K_PASS_PROMPT_ID, p->prompt_id);
    ll_key_text(o, LL_K_PASS_PROMPT_VARIANT, p->prompt_variant);
    ll_key_bytes(o, LL_K_PASS_PROMPT, p->prompt_text, p->prompt_len);
    ll_key_ints(o, LL_K_PASS_TOKEN_IDS, p->ids, p->n_ids);
    put_gold(o, LL_K_PASS_GOLD_ANSWER, &p->gold);
    ll_key_open(o, LL_K_PASS_MILESTONES);
    ll_key_layer(o, LL_K_FIRST_LAYERS_L_COPY, m->L_copy);
    ll_key_layer(o, LL_K_FIRST_LAYERS_L_COPY_H, m->L_copy_H);
    ll_key_layer(o, LL_K_FIRST_LAYERS_L_SEMANTIC, m->L_semantic);
    ll_key_delta(o, LL_K_FIRST_LAYERS_DELTA_LAYERS, delta);
    ll_key_end(o);
    ll_key_end(o);
}

void ll_put_passes(struct ll_key_out *o, const struct ll_document *d, const struct ll_doc_head *h)
{
    put_gold(o, LL_K_ROOT_GOLD_ANSWER, h->main ? &h->main->gold : NULL);
    ll_key_text(o, LL_K_ROOT_MAIN_PASS, h->main ? h->main->pass_key : NULL);
    ll_key_open(o, LL_K_ROOT_PASSES);
    for (int i = 0; i < d->n_passes; i++)
        put_pass(o, &d->passes[i], &d->milestones[i], h->deltas[i]);
    ll_key_end(o);
}
