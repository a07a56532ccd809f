/* derive_guide.c - see doc_guide.h */
#include "doc_guide.h"

#include "record_cols.h"
#include "rules.h"
#include "sidecar_cols.h"

#include <string.h>

static const double GATE_SENSITIVE = 0.75; /* docs/experiment.md 9.4 */

/* Why probabilities, or more, need care. */
typedef int (*applies)(const struct ll_doc_figures *f);
static int last_row(const struct ll_doc_figures *f) { return f->trust.warn_last; }
static int norm_only(const struct ll_doc_figures *f) { return f->raw.has_norm_only; }
static int risky(const struct ll_doc_figures *f)
{
    return f->raw.summary.n && f->raw.summary.risk == LL_TIER_HIGH;
}
static int scored(const struct ll_doc_figures *f)
{
    return f->raw.is_full && f->raw.full.tier == LL_TIER_HIGH;
}
static int varies(const struct ll_doc_figures *f) { return !f->trust.is_repeatable; }
static int forward_disagrees(const struct ll_doc_figures *f)
{
    return f->trust.forward.is_run && !f->trust.forward.agrees;
}
static int partial(const struct ll_doc_figures *f) { return f->suite.alignment_rate < 1; }
static int spiky(const struct ll_doc_figures *f) { return f->trust.trajectory.shape == LL_SHAPE_SPIKE; }
static int unhealthy(const struct ll_doc_figures *f)
{
    return f->trust.health.any_nan || f->trust.health.any_inf;
}
static int maskless(const struct ll_doc_figures *f) { return !f->copy.mask; }
static int near_uniform(const struct ll_doc_figures *f) { return f->milestones.is_near_uniform; }
static int sensitive_point(const struct ll_doc_figures *f) { return f->lens.is_consistent == 0; }
static int disagrees(const struct ll_doc_figures *f) { return f->lens.is_low_agreement; }
static int unstable_positions(const struct ll_doc_figures *f) { return f->positions.is_fragile == 1; }
static int scale_sensitive(const struct ll_doc_figures *f) { return f->trust.least_gate < GATE_SENSITIVE; }

static const struct {
    const char *name; /* NULL: that of the flag */
    int flag;         /* -1: none */
    applies applies;
} reasons[LL_N_REASONS] = {
    {"warn_high_last_layer_kl", -1, last_row},
    {"norm_only_semantics_window", -1, norm_only},
    {"high_lens_artifact_risk", -1, risky},
    {"high_lens_artifact_score", -1, scored},
    {NULL, LL_K_FLAGS_VARIANCE, varies},
    {NULL, LL_K_FLAGS_FORWARD, forward_disagrees},
    {"gold_alignment_partial", -1, partial},
    {NULL, LL_K_FLAGS_SPIKE, spiky},
    {NULL, LL_K_FLAGS_HEALTH, unhealthy},
    {"copy_mask_missing", -1, maskless},
    {NULL, LL_K_FLAGS_NEAR_UNIFORM, near_uniform},
    {NULL, LL_K_FLAGS_POINT, sensitive_point},
    {NULL, LL_K_FLAGS_LENSES, disagrees},
    {NULL, LL_K_FLAGS_POSITIONS, unstable_positions},
    {"scale_sensitive_semantic_gate", -1, scale_sensitive},
};

struct ll_doc_reason ll_doc_reason(int i)
{
    int flag = reasons[i].flag;
    return (struct ll_doc_reason){flag < 0 ? reasons[i].name : ll_doc_key((enum ll_doc_key)flag).name, flag};
}

/* Data row of a layer of the main pass in the pure table. */
static long long main_row(const struct ll_doc_pass *p, int layer)
{
    return layer < 0 ? -1 : p->first_row + layer;
}

static int name_files(struct ll_doc_guide *out, const struct ll_doc_figures *f, const char *stem,
                      struct ll_err *err)
{
    const struct {
        struct ll_buf *name;
        const char *suffix;
        int is_there;
    } of[] = {{&out->files.pure, ll_schema_pure.file_suffix, 1},
              {&out->files.rawlens, ll_schema_rawlens.file_suffix, f->raw.is_full},
              {&out->files.tuned, LL_PURE_FILE "-tuned.csv", f->tuned.lens.is_loaded},
              {&out->files.milestones, ll_schema_milestones.file_suffix, 1}};
    int rc = LL_OK;
    for (size_t i = 0; i < sizeof of / sizeof *of && !rc; i++) {
        if (of[i].is_there)
            ll_buf_addf(of[i].name, "output-%s%s", stem, of[i].suffix);
        rc = ll_buf_ok(of[i].name, err);
    }
    return rc;
}

int ll_doc_guide_of(struct ll_doc_figures *f, const struct ll_doc_given *g, struct ll_err *err)
{
    enum { DECIMALS = 4 };
    const struct ll_doc_pass *p = &g->passes[0];
    const struct ll_pass_milestones *m = &p->m;
    struct ll_doc_guide *out = &f->guide;
    struct ll_fact fact;
    ll_fact_from(&fact, m, 0, 1);
    *out = (struct ll_doc_guide){.lens = f->tuned.gain_p50 > LL_TUNED_HINT_BITS ? "tuned" : "norm",
                                 .use_confirmed = m->confirmed >= 0,
                                 .L_copy_frac = ll_depth_fraction(m->L_copy, m->n_layers, DECIMALS),
                                 .L_semantic_frac = ll_depth_fraction(m->L_semantic, m->n_layers, DECIMALS),
                                 .delta_hat = ll_round_even(fact.delta_hat, DECIMALS),
                                 .copy_row = main_row(p, m->L_copy),
                                 .soft_row = main_row(p, m->soft_first),
                                 .semantic_row = main_row(p, m->L_semantic),
                                 .confirmed_row = main_row(p, m->confirmed),
                                 .model = g->set->model->clean,
                                 .n_layers = g->main->n_layers,
                                 .alignment_variant = p->gold.variant};
    for (int i = 0; i < LL_N_REASONS; i++) {
        out->applies[i] = (unsigned char)(reasons[i].applies(f) != 0);
        out->needs_care |= out->applies[i];
    }
    return name_files(out, f, g->set->model->stem, err);
}

void ll_doc_guide_free(struct ll_doc_guide *guide)
{
    struct ll_buf *owned[] = {&guide->files.pure, &guide->files.rawlens, &guide->files.tuned,
                              &guide->files.milestones};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        ll_buf_free(owned[i]);
}
