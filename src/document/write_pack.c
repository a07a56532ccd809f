/* write_pack.c - the evaluation pack: what an evaluation cites, see doc_guide.h */
#include "doc_guide.h"

static void put_milestones(struct ll_key_out *o, const struct ll_doc_figures *f)
{
    const struct ll_pass_milestones *m = &f->milestones.m;
    ll_key_open(o, LL_K_PACK_MILESTONES);
    ll_key_layer(o, LL_K_PACK_LAYERS_COPY_STRICT, m->L_copy);
    ll_key_open(o, LL_K_PACK_LAYERS_COPY_SOFT);
    ll_key_layer(o, LL_K_PACK_SOFT_K, m->soft_k);
    ll_key_layer(o, LL_K_PACK_SOFT_LAYER, m->soft_first);
    ll_key_end(o);
    ll_key_layer(o, LL_K_PACK_LAYERS_SEMANTIC, m->L_semantic);
    ll_key_open(o, LL_K_PACK_LAYERS_CONFIRMED);
    ll_key_layer(o, LL_K_PACK_CONFIRMED_LAYER, m->confirmed);
    ll_key_text(o, LL_K_PACK_CONFIRMED_SOURCE, m->confirmed_source);
    ll_key_end(o);
    ll_key_open(o, LL_K_PACK_LAYERS_FRACTIONS);
    ll_key_real(o, LL_K_PACK_FRACTIONS_COPY, f->guide.L_copy_frac);
    ll_key_real(o, LL_K_PACK_FRACTIONS_SEMANTIC, f->guide.L_semantic_frac);
    ll_key_real(o, LL_K_PACK_FRACTIONS_DELTA_HAT, f->guide.delta_hat);
    ll_key_end(o);
    ll_key_end(o);
}

static void put_artifact(struct ll_key_out *o, const struct ll_doc_raw *r)
{
    const struct ll_raw_full *f = &r->full;
    if (!r->is_full) {
        ll_key_null(o, LL_K_PACK_ARTIFACT);
        return;
    }
    ll_key_open(o, LL_K_PACK_ARTIFACT);
    ll_key_real(o, LL_K_PACK_ARTIFACT_SCORE, f->score);
    ll_key_real(o, LL_K_PACK_ARTIFACT_SCORE_V2, f->score_v2);
    ll_key_real(o, LL_K_PACK_ARTIFACT_JS, f->js[1]);
    ll_key_real(o, LL_K_PACK_ARTIFACT_L1, f->l1[1]);
    ll_key_layer(o, LL_K_PACK_ARTIFACT_FIRST_JS, f->first_js);
    ll_key_layer(o, LL_K_PACK_ARTIFACT_FIRST_L1, f->first_l1);
    ll_key_real(o, LL_K_PACK_ARTIFACT_JACCARD, f->jaccard50_p50);
    ll_key_layer(o, LL_K_PACK_ARTIFACT_FIRST_JACCARD, f->first_jaccard);
    ll_key_real(o, LL_K_PACK_ARTIFACT_PCT, f->pct_kl_ge_1);
    ll_key_int(o, LL_K_PACK_ARTIFACT_N_NORM_ONLY, f->n_norm_only);
    ll_key_layer(o, LL_K_PACK_ARTIFACT_EARLIEST, f->earliest_norm_only);
    ll_key_text(o, LL_K_PACK_ARTIFACT_TIER, ll_tier_name(f->tier));
    ll_key_end(o);
}

static void put_trust(struct ll_key_out *o, const struct ll_doc_figures *f)
{
    const struct ll_doc_trust *t = &f->trust;
    const double *gap = f->milestones.m.entropy_gap_bits;
    ll_key_open(o, LL_K_PACK_REPEATABILITY);
    ll_key_real(o, LL_K_PACK_REPEAT_MAX_DEV, t->repeat.max_rank_dev);
    ll_key_real(o, LL_K_PACK_REPEAT_P95_DEV, t->repeat.p95_rank_dev);
    ll_key_real(o, LL_K_PACK_REPEAT_FLIPS, t->repeat.top1_flip_rate);
    ll_key_text(o, LL_K_PACK_REPEAT_FLAG, t->is_repeatable ? "ok" : "variance_high");
    ll_key_end(o);
    ll_key_open(o, LL_K_PACK_ALIGNMENT);
    ll_key_real(o, LL_K_PACK_ALIGNMENT_RATE, f->suite.alignment_rate);
    ll_key_text(o, LL_K_PACK_ALIGNMENT_VARIANT, f->guide.alignment_variant);
    ll_key_end(o);
    ll_key_open(o, LL_K_PACK_TRAJECTORY);
    ll_key_text(o, LL_K_TRAJECTORY_SHAPE, ll_shape_name(t->trajectory.shape));
    ll_key_real(o, LL_K_TRAJECTORY_SLOPE, t->trajectory.slope);
    ll_key_real(o, LL_K_TRAJECTORY_R2, t->trajectory.r2);
    ll_key_int(o, LL_K_TRAJECTORY_SPIKES, t->trajectory.n_spikes);
    ll_key_end(o);
    ll_key_open(o, LL_K_PACK_ENTROPY);
    ll_key_real(o, LL_K_PACK_ENTROPY_P25, gap[0]);
    ll_key_real(o, LL_K_PACK_ENTROPY_P50, gap[1]);
    ll_key_real(o, LL_K_PACK_ENTROPY_P75, gap[2]);
    ll_key_end(o);
}

static void put_suite(struct ll_key_out *o, const struct ll_doc_suite *s)
{
    ll_key_open(o, LL_K_PACK_SUITE);
    ll_put_facts(o, s, 0);
    ll_key_open(o, LL_K_SUITE_AGGREGATES);
    ll_key_layer(o, LL_K_AGGREGATES_L_CONFIRMED, s->s.L_confirmed);
    ll_key_real(o, LL_K_AGGREGATES_DELTA_HAT, s->s.delta_hat);
    ll_key_int(o, LL_K_AGGREGATES_N_MISSING, s->s.n_missing);
    ll_key_int(o, LL_K_AGGREGATES_N, s->s.n);
    ll_key_end(o);
    ll_put_fact_rows(o, s);
    ll_key_end(o);
}

static void put_file(struct ll_key_out *o, enum ll_doc_key k, const struct ll_buf *name)
{
    if (name->len)
        ll_key_bytes(o, k, name->s, name->len);
}

static void put_citations(struct ll_key_out *o, const struct ll_doc_guide *g)
{
    ll_key_open(o, LL_K_PACK_CITATIONS);
    ll_key_open(o, LL_K_CITATIONS_LAYERS);
    ll_key_layer(o, LL_K_CITED_ROWS_COPY_STRICT, g->copy_row);
    ll_key_layer(o, LL_K_CITED_ROWS_COPY_SOFT, g->soft_row);
    ll_key_layer(o, LL_K_CITED_ROWS_SEMANTIC, g->semantic_row);
    ll_key_layer(o, LL_K_CITED_ROWS_CONFIRMED, g->confirmed_row);
    ll_key_end(o);
    ll_key_open(o, LL_K_CITATIONS_FILES);
    put_file(o, LL_K_CITED_FILES_PURE, &g->files.pure);
    put_file(o, LL_K_CITED_FILES_RAWLENS, &g->files.rawlens);
    put_file(o, LL_K_CITED_FILES_TUNED, &g->files.tuned);
    put_file(o, LL_K_CITED_FILES_MILESTONES, &g->files.milestones);
    ll_key_end(o);
    ll_key_end(o);
}

void ll_put_pack(struct ll_key_out *o, const struct ll_doc_figures *f)
{
    ll_key_open(o, LL_K_ROOT_PACK);
    ll_key_text(o, LL_K_PACK_MODEL, f->guide.model);
    ll_key_int(o, LL_K_PACK_N_LAYERS, f->guide.n_layers);
    ll_key_text(o, LL_K_PACK_PREFERRED, f->guide.lens);
    ll_key_bool(o, LL_K_PACK_USE_CONFIRMED, f->guide.use_confirmed);
    put_milestones(o, f);
    put_artifact(o, &f->raw);
    put_trust(o, f);
    put_suite(o, &f->suite);
    put_citations(o, &f->guide);
    ll_key_end(o);
}
