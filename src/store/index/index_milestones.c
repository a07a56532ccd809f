/* index_milestones.c - see index_milestones.h
 * The layer is the first, in order, for which the rule holds. Thresholds: rules.h
 * (LL_GEOM_GAMMA is in geom_crossover). */
#include "index_milestones.h"

#include "rules.h"

#include <stddef.h>

#define NEXT(condition) \
    "EXISTS (SELECT 1 FROM pure d WHERE d.pass = c.pass AND d.lens = c.lens AND d.layer = c.layer + 1 " \
    "AND " condition ")"
#define OVER_UNIFORM ".answer_minus_uniform >= " LL_SAID(LL_MARGIN_DELTA)
#define LEADS ".answer_logit_gap >= " LL_SAID(LL_TOP2_GAP)
#define STRONG(c) c ".answer_rank = 1 AND " c OVER_UNIFORM " AND " c LEADS

const struct ll_milestone ll_milestone_list[] = {
    {"L_copy", "c.copy_collapse", {{"L_copy"}}},
    {"L_copy_H", "c.entropy_collapse", {{"L_copy_H"}}},
    {"L_semantic", "c.is_answer", {{"L_semantic"}}},
    {"first_kl_below_0.5", "c.kl_to_final_bits <= 0.5", {{"first_kl_below_0.5"}}},
    {"first_kl_below_1.0", "c.kl_to_final_bits <= 1.0", {{"first_kl_below_1.0"}}},
    {"first_rank_le_1", "c.answer_rank <= 1", {{"first_rank_le_1"}}},
    {"first_rank_le_5", "c.answer_rank <= 5", {{"first_rank_le_5"}}},
    {"first_rank_le_10", "c.answer_rank <= 10", {{"first_rank_le_10"}}},
    {"gap_ge_0.5", "c.answer_logit_gap >= 0.5", {{"answer_margin_thresholds", "gap_ge_0.5"}}},
    {"gap_ge_1.0", "c.answer_logit_gap >= 1.0", {{"answer_margin_thresholds", "gap_ge_1.0"}}},
    {"L_semantic_margin_ok",
     "c.semantic_margin_ok",
     {{"L_semantic_margin_ok"}, {"semantic_margin", "L_semantic_margin_ok_norm"}}},
    {"L_semantic_top2_ok",
     "c.answer_rank = 1 AND c" LEADS,
     {{"semantic_gate", "L_semantic_top2_ok_norm"}, {"L_semantic_top2_ok"}}},
    {"L_semantic_run2",
     "c.answer_rank = 1 AND " NEXT("d.answer_rank = 1"),
     {{"semantic_gate", "L_semantic_run2"}, {"L_semantic_run2"}}},
    {"L_semantic_strong", STRONG("c"), {{"semantic_gate", "L_semantic_strong"}, {"L_semantic_strong"}}},
    {"L_semantic_strong_run2",
     STRONG("c") " AND " NEXT(STRONG("d")),
     {{"semantic_gate", "L_semantic_strong_run2"}, {"L_semantic_strong_run2"}}},
    {"L_surface_to_meaning",
     "c.answer_mass >= c.echo_mass_prompt + " LL_SAID(LL_SURFACE_DELTA),
     {{"L_surface_to_meaning_norm"}, {"L_surface_to_meaning"}}},
    {"L_geom", "c.geom_crossover", {{"L_geom_norm"}, {"L_geom"}}},
    {"L_topk_decay",
     "c.\"topk_prompt_mass@50\" <= " LL_SAID(LL_DECAY_TAU),
     {{"L_topk_decay_norm"}, {"L_topk_decay"}}},
    {"cos_ge_0.2", "c.cos_to_final >= 0.2", {{"cos_milestones", "norm", "ge_0.2"}}},
    {"cos_ge_0.4", "c.cos_to_final >= 0.4", {{"cos_milestones", "norm", "ge_0.4"}}},
    {"cos_ge_0.6", "c.cos_to_final >= 0.6", {{"cos_milestones", "norm", "ge_0.6"}}},
    {"delta_layers", NULL, {{"delta_layers"}}},
    {"L_semantic_raw", NULL, {{"confirmed_semantics", "L_semantic_raw"}}},
    {"L_semantic_tuned", NULL, {{"confirmed_semantics", "L_semantic_tuned"}}},
    {"L_semantic_confirmed",
     NULL,
     {{"L_semantic_confirmed"}, {"confirmed_semantics", "L_semantic_confirmed"}}},
    {NULL, NULL, {{NULL}}},
};
