/* doc_suite.c - what the passes say together, and what was asked: micro-suite, ablation, control, answers,
 * copy rules (docs/experiment.md 5, 12, 13.4) */
#include "doc_parts.h"
#include "provenance.h"

#include <math.h>
#include <stdlib.h>

static const double STYLE_SHIFT = 0.10; /* of the layers, docs/experiment.md 12.2 */

/* ---- docs/experiment.md 12.1 ----------------------------------------------------------------- */
static void put_facts(struct ll_doc *d, struct ll_json *j, const char *key)
{
    ll_json_arr(j, key);
    for (int i = 0; i < d->n_facts; i++) {
        const struct ll_doc_pass *p = &d->passes[d->fact_pass[i]];
        const struct ll_fact *f = &d->facts[i];
        ll_json_obj(j, NULL);
        ll_json_cstr(j, "fact_key", p->fact_key);
        ll_json_layer(j, "fact_index", p->fact_index);
        ll_json_layer(j, "L_copy_strict", f->L_copy_strict);
        ll_json_layer(j, "L_copy_soft_k1", f->L_copy_soft_k1);
        ll_json_layer(j, "L_semantic_norm", f->L_semantic);
        ll_json_layer(j, "L_semantic_confirmed", f->L_confirmed);
        ll_json_layer(j, "L_semantic_margin_ok_norm", f->L_margin_ok);
        ll_json_num(j, "delta_hat", f->delta_hat);
        ll_json_layer(j, "row_index", f->row_index);
        ll_json_end(j);
    }
    ll_json_end(j);
}

void ll_doc_aggregates(struct ll_doc *d, struct ll_json *j, const char *key)
{
    const struct ll_suite *s = &d->suite;
    ll_json_obj(j, key);
    ll_json_int(j, "n", s->n);
    ll_json_layer(j, "L_copy_strict_median", s->L_copy_strict);
    ll_json_layer(j, "L_copy_soft_k1_median", s->L_copy_soft_k1);
    ll_json_layer(j, "L_semantic_norm_median", s->L_semantic);
    ll_json_layer(j, "L_semantic_confirmed_median", s->L_confirmed);
    ll_json_layer(j, "L_semantic_margin_ok_norm_median", s->L_margin_ok);
    ll_json_num(j, "delta_hat_median", s->delta_hat);
    ll_json_arr_flat(j, "L_semantic_norm_iqr");
    ll_json_layer(j, NULL, s->iqr[0]);
    ll_json_layer(j, NULL, s->iqr[1]);
    ll_json_end(j);
    ll_json_int(j, "n_missing", s->n_missing);
    ll_json_end(j);
}

void ll_doc_fact_rows(struct ll_doc *d, struct ll_json *j, const char *key)
{
    ll_json_obj(j, key);
    for (int i = 0; i < d->n_facts; i++)
        ll_json_layer(j, d->passes[d->fact_pass[i]].fact_key, d->facts[i].row_index);
    ll_json_end(j);
}

static void put_micro_suite(struct ll_doc *d)
{
    static const char *const parents[] = {"diagnostics", NULL};
    for (int i = 0; i < 2; i++) {
        struct ll_json *j = ll_doc_value(d, parents[i], "micro_suite");
        ll_json_obj(j, NULL);
        put_facts(d, j, "facts");
        ll_doc_aggregates(d, j, "aggregates");
        if (parents[i]) {
            ll_json_obj(j, "citations");
            ll_doc_fact_rows(d, j, "fact_rows");
            ll_json_end(j);
        }
        ll_json_end(j);
    }
    struct ll_json *j = ll_doc_value(d, NULL, "prompts");
    ll_json_obj(j, NULL);
    ll_json_arr_flat(j, "facts_micro_suite");
    for (int i = 0; i < d->n_facts; i++)
        ll_json_cstr(j, NULL, d->passes[d->fact_pass[i]].fact_key);
    ll_json_end(j);
    ll_json_end(j);
}

/* ---- docs/experiment.md 12.2 ----------------------------------------------------------------- */
static void put_later(struct ll_json *j, const char *key, int orig, int nf)
{
    if (orig < 0 || nf < 0)
        ll_json_null(j, key);
    else
        ll_json_int(j, key, nf - orig);
}

static void put_ablation(struct ll_doc *d)
{
    const struct ll_doc_pass *a = &d->passes[0], *b = ll_doc_find(d, a->prompt_id, a->fact_key, "no_filler");
    struct ll_json *j = ll_doc_value(d, NULL, "ablation_summary");
    if (!b) {
        ll_json_null(j, NULL);
        return;
    }
    ll_json_obj(j, NULL);
    ll_json_layer(j, "L_copy_orig", a->m.L_copy);
    ll_json_layer(j, "L_sem_orig", a->m.L_semantic);
    ll_json_layer(j, "L_copy_nf", b->m.L_copy);
    ll_json_layer(j, "L_sem_nf", b->m.L_semantic);
    put_later(j, "delta_L_copy", a->m.L_copy, b->m.L_copy);
    put_later(j, "delta_L_sem", a->m.L_semantic, b->m.L_semantic);
    int shift = abs(b->m.L_semantic - a->m.L_semantic),
        is_known = a->m.L_semantic >= 0 && b->m.L_semantic >= 0;
    ll_doc_tri(j, "style_sensitive", is_known ? shift >= STYLE_SHIFT * a->m.n_layers : -1); /* ours */
    ll_json_end(j);
}

/* ---- answers --------------------------------------------------------------------------------- */
static void put_ids(struct ll_json *j, const struct ll_gold *g)
{
    if (g->n > 0)
        ll_json_int(j, "first_id", g->ids[0]);
    else
        ll_json_null(j, "first_id");
    ll_json_arr_flat(j, "answer_ids");
    for (int i = 0; i < g->n; i++)
        ll_json_int(j, NULL, g->ids[i]);
    ll_json_end(j);
    ll_json_arr_flat(j, "pieces");
    for (int i = 0; i < g->n_pieces; i++)
        ll_json_cstr(j, NULL, g->pieces[i]);
    ll_json_end(j);
}

/* Members of an open object. */
static void put_alignment(struct ll_json *j, const struct ll_gold *g)
{
    int is_asked = g->text != NULL || g->n > 0;
    ll_json_bool(j, "ok", g->n > 0);
    ll_json_cstr(j, "status", !is_asked ? "none" : g->n > 0 ? "ok" : "unresolved");
    ll_json_cstr(j, "variant", g->variant);
    if (g->reason)
        ll_json_cstr(j, "reason", g->reason);
    put_ids(j, g);
}

static void put_alignments(struct ll_doc *d)
{
    struct ll_json *j = ll_doc_value(d, "diagnostics", "gold_alignment");
    ll_json_obj(j, NULL);
    put_alignment(j, &d->passes[0].gold);
    ll_json_end(j);
    ll_doc_num(d, "gold_alignment_rate", d->alignment_rate);
    j = ll_doc_value(d, "diagnostics", "gold_alignment_prompts");
    ll_json_arr(j, NULL);
    for (int i = 0; i < d->n_passes; i++) {
        const struct ll_doc_pass *p = &d->passes[i];
        ll_json_obj(j, NULL);
        ll_json_cstr(j, "prompt_id", p->prompt_id);
        ll_json_cstr(j, "prompt_variant", p->variant);
        put_alignment(j, &p->gold);
        ll_json_cstr(j, "string", p->gold.text);
        ll_json_cstr(j, "fact_key", p->fact_key);
        ll_json_layer(j, "fact_index", p->fact_index);
        ll_json_end(j);
    }
    ll_json_end(j);
}

/* ---- docs/experiment.md 12.3 ----------------------------------------------------------------- */
static void put_control(struct ll_doc *d)
{
    const struct ll_doc_pass *p = ll_doc_control(d);
    struct ll_json *j = ll_doc_value(d, NULL, "control_prompt");
    if (!p) {
        ll_json_null(j, NULL);
        ll_json_null(ll_doc_value(d, NULL, "control_summary"), NULL);
        return;
    }
    ll_json_obj(j, NULL);
    ll_json_str(j, "context_prompt", p->text, p->text_len);
    ll_json_obj(j, "gold_answer");
    ll_json_cstr(j, "string", p->gold.text);
    put_ids(j, &p->gold);
    ll_json_cstr(j, "variant", p->gold.variant);
    ll_json_end(j);
    ll_json_obj(j, "gold_alignment");
    put_alignment(j, &p->gold);
    ll_json_end(j);
    ll_json_end(j);
    j = ll_doc_value(d, NULL, "control_summary");
    ll_json_obj(j, NULL);
    ll_json_layer(j, "first_control_margin_pos", p->control.first_margin);
    ll_json_num(j, "max_control_margin", p->control.max_margin);
    ll_json_layer(j, "first_control_strong_pos", p->control.first_strong);
    ll_json_num(j, "max_control_top2_logit_gap", p->control.max_gap);
    ll_json_num(j, "delta_top2_logit_ctl", d->rules.top2_gap);
    ll_json_end(j);
}

static void put_prompt_and_env(struct ll_doc *d)
{
    const struct ll_doc_pass *p = &d->passes[0];
    ll_json_cstr(ll_doc_value(d, "prompt", "fact_key"), NULL, p->fact_key);
    ll_json_layer(ll_doc_value(d, "prompt", "fact_index"), NULL, p->fact_index);
    /* what made the numbers; nothing that differs between machines or numbers of threads, as no result does
     */
    struct ll_json *j = ll_doc_value(d, "provenance", "env");
    ll_json_obj(j, NULL);
    ll_json_cstr(j, "tool", ll_tool_version());
    ll_json_cstr(j, "engine", LL_ENGINE_RULE);
    ll_json_cstr(j, "device", "cpu");
    ll_json_cstr(j, "dtype_compute", "float32");
    ll_json_bool(j, "deterministic_algorithms", 1);
    ll_json_int(j, "seed", LL_SEED);
    ll_json_end(j);
}

void ll_doc_put_suite(struct ll_doc *d)
{
    put_prompt_and_env(d);
    put_micro_suite(d);
    put_ablation(d);
    put_control(d);
    put_alignments(d);
}

/* ---- copy rules ------------------------------------------------------------------------------ */
static void put_flag_columns(struct ll_doc *d)
{
    const struct ll_copy_labels *l = d->set.labels;
    char name[64];
    struct ll_json *j = ll_doc_value(d, NULL, "copy_flag_columns");
    ll_json_arr_flat(j, NULL);
    for (int i = 0; i < l->n_strict; i++) {
        ll_copy_strict_name(l, i, name);
        ll_json_cstr(j, NULL, name);
    }
    for (int i = 0; i < l->n_soft; i++) {
        ll_copy_soft_name(l, i, name);
        ll_json_cstr(j, NULL, name);
    }
    ll_json_end(j);
}

static double main_soft(const struct ll_copy_labels *l) { return l->n_soft ? l->soft[0].threshold : NAN; }

/* The ks of the soft labels at the main threshold. */
static void put_ks(struct ll_json *j, const char *key, const struct ll_copy_labels *l)
{
    ll_json_arr_flat(j, key);
    for (int i = 0; i < l->n_soft; i++)
        if (l->soft[i].threshold == main_soft(l))
            ll_json_int(j, NULL, l->soft[i].k);
    ll_json_end(j);
}

/* extra_thresholds: those of the other soft labels, each once. */
static void put_soft_config(struct ll_doc *d)
{
    const struct ll_copy_labels *l = d->set.labels;
    struct ll_json *j = ll_doc_value(d, "diagnostics", "copy_soft_config");
    ll_json_obj(j, NULL);
    ll_json_num(j, "threshold", main_soft(l));
    put_ks(j, "window_ks", l);
    ll_json_arr_flat(j, "extra_thresholds");
    for (int i = 0; i < l->n_soft; i++) {
        int seen = l->soft[i].threshold == main_soft(l);
        for (int k = 0; k < i; k++)
            seen |= l->soft[k].threshold == l->soft[i].threshold;
        if (!seen)
            ll_json_num(j, NULL, l->soft[i].threshold);
    }
    ll_json_end(j);
    ll_json_end(j);
    ll_doc_num(d, "copy_soft_threshold", main_soft(l));
    put_ks(ll_doc_value(d, "diagnostics", "copy_soft_window_ks"), NULL, l);
}

static void put_mask(struct ll_doc *d)
{
    struct ll_json *j = ll_doc_value(d, "diagnostics", "copy_mask");
    if (!d->set.s->tok) { /* which ids are blank is not known without texts */
        ll_json_null(j, NULL);
        return;
    }
    struct ll_buf text = {0};
    ll_json_obj(j, NULL);
    ll_json_arr_flat(j, "ignored_token_ids");
    for (int i = 0; i < d->mask.n; i++)
        ll_json_int(j, NULL, d->mask.v[i]);
    ll_json_end(j);
    ll_json_arr_flat(j, "ignored_token_str_sample");
    for (int i = 0; i < d->mask.n && i < LL_COPY_MASK_SAMPLE; i++) {
        ll_buf_reset(&text);
        ll_tokenizer_show(d->set.s->tok, d->mask.v[i], &text);
        ll_json_str(j, NULL, ll_buf_str(&text), text.len);
    }
    ll_json_end(j);
    ll_json_int(j, "size", d->mask.n);
    ll_json_end(j);
    ll_buf_free(&text);
}

void ll_doc_put_copy(struct ll_doc *d)
{
    put_flag_columns(d);
    put_soft_config(d);
    put_mask(d);
    ll_doc_num(d, "copy_thresh", d->set.labels->strict[0]);
    ll_doc_layer(d, "copy_window_k", 1);
    ll_json_cstr(ll_doc_value(d, "diagnostics", "copy_match_level"), NULL, "id_subsequence");
}
