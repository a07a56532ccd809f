/* write_guide.c - flags, guidance and the summary that mirrors what is looked at first, see doc_guide.h */
#include "doc_guide.h"

void ll_put_flags(struct ll_key_out *o, const struct ll_doc_figures *f)
{
    ll_key_open(o, LL_K_DIAG_FLAGS);
    for (int i = 0; i < LL_N_REASONS; i++) {
        struct ll_doc_reason reason = ll_doc_reason(i);
        if (reason.flag >= 0 && f->guide.applies[i])
            ll_key_bool(o, (enum ll_doc_key)reason.flag, 1);
    }
    if (f->trust.forward_skipped)
        ll_key_text(o, LL_K_FLAGS_SKIPPED, f->trust.forward_skipped);
    ll_key_end(o);
}

static void put_summary(struct ll_key_out *o, const struct ll_doc_figures *f)
{
    ll_key_open(o, LL_K_ROOT_SUMMARY);
    ll_put_semantic_margin(o, LL_K_SUMMARY_MARGIN, &f->milestones);
    ll_put_semantic_gate(o, LL_K_SUMMARY_GATE, &f->milestones);
    ll_put_aggregates(o, LL_K_SUMMARY_SUITE, &f->suite.s);
    ll_put_positions(o, LL_K_SUMMARY_POSITIONS, &f->positions);
    ll_key_end(o);
}

static void put_guidance(struct ll_key_out *o, const struct ll_doc_guide *g)
{
    ll_key_open(o, LL_K_ROOT_GUIDANCE);
    ll_key_bool(o, LL_K_GUIDANCE_PREFER_RANKS, g->needs_care);
    ll_key_bool(o, LL_K_GUIDANCE_SUPPRESS, g->needs_care);
    ll_key_open(o, LL_K_GUIDANCE_REASONS);
    for (int i = 0; i < LL_N_REASONS; i++)
        if (g->applies[i])
            ll_json_cstr(&o->j, NULL, ll_doc_reason(i).name);
    ll_key_end(o);
    ll_key_text(
        o, LL_K_GUIDANCE_NOTES,
        "Compare probabilities within this model only; across models compare ranks and relative depth.");
    ll_key_text(o, LL_K_GUIDANCE_PREFERRED, g->lens);
    ll_key_text(o, LL_K_GUIDANCE_HINT, g->lens);
    ll_key_bool(o, LL_K_GUIDANCE_USE_CONFIRMED, g->use_confirmed);
    ll_key_end(o);
}

void ll_put_guide(struct ll_key_out *o, const struct ll_doc_figures *f)
{
    put_summary(o, f);
    put_guidance(o, &f->guide);
}
