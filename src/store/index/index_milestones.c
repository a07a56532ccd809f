/* index_milestones.c - see index_milestones.h
 * The layer is the first, in order, for which the rule holds. Thresholds: rules.h
 * (LL_GEOM_GAMMA is in geom_crossover). The original's earlier files hold the layers of the gate beside the
 * other layers, too, by the same names. */
#include "index_milestones.h"

#include "index_keys.h"
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
    {"L_copy", "c.copy_collapse", {LL_PATH(LL_K_DIAG_L_COPY)}},
    {"L_copy_H", "c.entropy_collapse", {LL_PATH(LL_K_DIAG_L_COPY_H)}},
    {"L_semantic", "c.is_answer", {LL_PATH(LL_K_DIAG_L_SEMANTIC)}},
    {"first_kl_below_" LL_SAID(LL_KL_AT_1),
     "c.kl_to_final_bits" UP_TO(LL_KL_AT_1),
     {LL_PATH(LL_K_DIAG_KL_BELOW_HALF)}},
    {"first_kl_below_" LL_SAID(LL_KL_AT_2),
     "c.kl_to_final_bits" UP_TO(LL_KL_AT_2),
     {LL_PATH(LL_K_DIAG_KL_BELOW_1)}},
    {"first_rank_le_" LL_SAID(LL_RANK_AT_1),
     "c.answer_rank" UP_TO(LL_RANK_AT_1),
     {LL_PATH(LL_K_DIAG_RANK_1)}},
    {"first_rank_le_" LL_SAID(LL_RANK_AT_2),
     "c.answer_rank" UP_TO(LL_RANK_AT_2),
     {LL_PATH(LL_K_DIAG_RANK_5)}},
    {"first_rank_le_" LL_SAID(LL_RANK_AT_3),
     "c.answer_rank" UP_TO(LL_RANK_AT_3),
     {LL_PATH(LL_K_DIAG_RANK_10)}},
    {"gap_ge_" LL_SAID(LL_GAP_AT_1),
     "c.answer_logit_gap" FROM(LL_GAP_AT_1),
     {LL_PATH(LL_K_DIAG_MARGIN_THRESHOLDS, LL_K_GAPS_HALF)}},
    {"gap_ge_" LL_SAID(LL_GAP_AT_2),
     "c.answer_logit_gap" FROM(LL_GAP_AT_2),
     {LL_PATH(LL_K_DIAG_MARGIN_THRESHOLDS, LL_K_GAPS_ONE)}},
    {"L_semantic_margin_ok",
     "c.semantic_margin_ok",
     {LL_PATH(LL_K_DIAG_L_MARGIN_OK), LL_PATH(LL_K_DIAG_SEMANTIC_MARGIN, LL_K_MARGIN_LAYER)}},
    {"L_semantic_top2_ok",
     "c.answer_rank = 1 AND c" LEADS,
     {LL_PATH(LL_K_DIAG_SEMANTIC_GATE, LL_K_GATE_TOP2_OK), LL_PATH(LL_OTHER_TOP2_OK)}},
    {"L_semantic_run2",
     "c.answer_rank = 1 AND " NEXT("d.answer_rank = 1"),
     {LL_PATH(LL_K_DIAG_SEMANTIC_GATE, LL_K_GATE_RUN2), LL_PATH(LL_K_GATE_RUN2)}},
    {"L_semantic_strong",
     STRONG("c"),
     {LL_PATH(LL_K_DIAG_SEMANTIC_GATE, LL_K_GATE_STRONG), LL_PATH(LL_K_GATE_STRONG)}},
    {"L_semantic_strong_run2",
     STRONG("c") " AND " NEXT(STRONG("d")),
     {LL_PATH(LL_K_DIAG_SEMANTIC_GATE, LL_K_GATE_STRONG_RUN2), LL_PATH(LL_K_GATE_STRONG_RUN2)}},
    {"L_surface_to_meaning",
     "c.answer_mass >= c.echo_mass_prompt + " LL_SAID(LL_SURFACE_DELTA),
     {LL_PATH(LL_OTHER_SURFACE_NORM), LL_PATH(LL_OTHER_SURFACE)}},
    {"L_geom", "c.geom_crossover", {LL_PATH(LL_OTHER_GEOM_NORM), LL_PATH(LL_OTHER_GEOM)}},
    {"L_topk_decay",
     "c.\"topk_prompt_mass@50\" <= " LL_SAID(LL_DECAY_TAU),
     {LL_PATH(LL_OTHER_DECAY_NORM), LL_PATH(LL_OTHER_DECAY)}},
    {"cos_ge_" LL_SAID(LL_COS_AT_1),
     "c.cos_to_final" FROM(LL_COS_AT_1),
     {LL_PATH(LL_K_DIAG_COS_MILESTONES, LL_K_COS_NORM, LL_K_COS_NORM_AT_2)}},
    {"cos_ge_" LL_SAID(LL_COS_AT_2),
     "c.cos_to_final" FROM(LL_COS_AT_2),
     {LL_PATH(LL_K_DIAG_COS_MILESTONES, LL_K_COS_NORM, LL_K_COS_NORM_AT_4)}},
    {"cos_ge_" LL_SAID(LL_COS_AT_3),
     "c.cos_to_final" FROM(LL_COS_AT_3),
     {LL_PATH(LL_K_DIAG_COS_MILESTONES, LL_K_COS_NORM, LL_K_COS_NORM_AT_6)}},
    {"delta_layers", NULL, {LL_PATH(LL_K_DIAG_DELTA_LAYERS)}},
    {"L_semantic_raw", NULL, {LL_PATH(LL_K_DIAG_CONFIRMED, LL_K_CONFIRMED_RAW)}},
    {"L_semantic_tuned", NULL, {LL_PATH(LL_K_DIAG_CONFIRMED, LL_K_CONFIRMED_TUNED)}},
    {"L_semantic_confirmed",
     NULL,
     {LL_PATH(LL_K_DIAG_L_CONFIRMED), LL_PATH(LL_K_DIAG_CONFIRMED, LL_K_CONFIRMED_LAYER)}},
    {NULL, NULL, {NULL}},
};
