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
#define UP_TO(level) " <= " LL_SAID(level)
#define FROM(level) " >= " LL_SAID(level)
#define STRONG(c) c ".answer_rank = 1 AND " c OVER_UNIFORM " AND " c LEADS

const struct ll_milestone ll_milestone_list[] = {
    {"L_copy", "c.copy_collapse", {{"L_copy"}}},
    {"L_copy_H", "c.entropy_collapse", {{"L_copy_H"}}},
    {"L_semantic", "c.is_answer", {{"L_semantic"}}},
    {"first_kl_below_" LL_SAID(LL_KL_AT_1),
     "c.kl_to_final_bits" UP_TO(LL_KL_AT_1),
     {{"first_kl_below_" LL_SAID(LL_KL_AT_1)}}},
    {"first_kl_below_" LL_SAID(LL_KL_AT_2),
     "c.kl_to_final_bits" UP_TO(LL_KL_AT_2),
     {{"first_kl_below_" LL_SAID(LL_KL_AT_2)}}},
    {"first_rank_le_" LL_SAID(LL_RANK_AT_1),
     "c.answer_rank" UP_TO(LL_RANK_AT_1),
     {{"first_rank_le_" LL_SAID(LL_RANK_AT_1)}}},
    {"first_rank_le_" LL_SAID(LL_RANK_AT_2),
     "c.answer_rank" UP_TO(LL_RANK_AT_2),
     {{"first_rank_le_" LL_SAID(LL_RANK_AT_2)}}},
    {"first_rank_le_" LL_SAID(LL_RANK_AT_3),
     "c.answer_rank" UP_TO(LL_RANK_AT_3),
     {{"first_rank_le_" LL_SAID(LL_RANK_AT_3)}}},
    {"gap_ge_" LL_SAID(LL_GAP_AT_1),
     "c.answer_logit_gap" FROM(LL_GAP_AT_1),
     {{"answer_margin_thresholds", "gap_ge_" LL_SAID(LL_GAP_AT_1)}}},
    {"gap_ge_" LL_SAID(LL_GAP_AT_2),
     "c.answer_logit_gap" FROM(LL_GAP_AT_2),
     {{"answer_margin_thresholds", "gap_ge_" LL_SAID(LL_GAP_AT_2)}}},
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
    {"cos_ge_" LL_SAID(LL_COS_AT_1),
     "c.cos_to_final" FROM(LL_COS_AT_1),
     {{"cos_milestones", "norm", "ge_" LL_SAID(LL_COS_AT_1)}}},
    {"cos_ge_" LL_SAID(LL_COS_AT_2),
     "c.cos_to_final" FROM(LL_COS_AT_2),
     {{"cos_milestones", "norm", "ge_" LL_SAID(LL_COS_AT_2)}}},
    {"cos_ge_" LL_SAID(LL_COS_AT_3),
     "c.cos_to_final" FROM(LL_COS_AT_3),
     {{"cos_milestones", "norm", "ge_" LL_SAID(LL_COS_AT_3)}}},
    {"delta_layers", NULL, {{"delta_layers"}}},
    {"L_semantic_raw", NULL, {{"confirmed_semantics", "L_semantic_raw"}}},
    {"L_semantic_tuned", NULL, {{"confirmed_semantics", "L_semantic_tuned"}}},
    {"L_semantic_confirmed",
     NULL,
     {{"L_semantic_confirmed"}, {"confirmed_semantics", "L_semantic_confirmed"}}},
    {NULL, NULL, {{NULL}}},
};
