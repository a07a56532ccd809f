/* index_kinds.c - see index_kinds.h. Source of the names: spec 8, 9, 15, 17, 18. */
#include "index_kinds.h"

#include <string.h>

#define END {NULL, LL_TEXT}
static const struct ll_index_col records[] = {END}, none[] = {END};

static const struct ll_index_col pure[] = {
    {"rest_mass", LL_REAL}, {"copy_collapse", LL_BOOL}, {"entropy_collapse", LL_BOOL}, {"is_answer", LL_BOOL},
    {"p_top1", LL_REAL}, {"p_top5", LL_REAL}, {"p_answer", LL_REAL}, {"answer_minus_uniform", LL_REAL},
    {"semantic_margin_ok", LL_BOOL}, {"teacher_entropy_bits", LL_REAL}, {"kl_to_final_bits", LL_REAL},
    {"kl_to_final_bits_norm_temp", LL_REAL}, {"answer_rank", LL_INT}, {"topk_jaccard_raw_norm@50", LL_REAL},
    {"topk_jaccard_consecutive@50", LL_REAL}, {"cos_to_final", LL_REAL}, {"cos_to_answer", LL_REAL},
    {"cos_to_prompt_max", LL_REAL}, {"geom_crossover", LL_BOOL}, {"echo_mass_prompt", LL_REAL}, {"answer_mass", LL_REAL},
    {"answer_minus_echo_mass", LL_REAL}, {"mass_ratio_ans_over_prompt", LL_REAL}, {"topk_prompt_mass@50", LL_REAL},
    {"control_margin", LL_REAL}, {"resid_norm_ratio", LL_REAL}, {"delta_resid_cos", LL_REAL}, {"answer_logit_gap", LL_REAL},
    {"answer_vs_top1_gap", LL_REAL}, {"answer_logprob", LL_REAL}, {"accepted_rank", LL_INT}, END,
};

#define ONE_LENS(lens) {"p_top1_" lens, LL_REAL}, {"top1_token_id_" lens, LL_INT}, {"top1_token_str_" lens, LL_TEXT}, \
    {"p_answer_" lens, LL_REAL}, {"answer_rank_" lens, LL_INT}
static const struct ll_index_col rawlens[] = {
    ONE_LENS("raw"), ONE_LENS("norm"),
    {"kl_norm_vs_raw_bits", LL_REAL}, {"kl_raw_to_norm_bits", LL_REAL}, {"js_divergence", LL_REAL}, {"entropy_bits_norm", LL_REAL},
    {"entropy_bits_raw", LL_REAL}, {"entropy_gap_bits", LL_REAL}, {"l1_prob_diff", LL_REAL}, {"topk_jaccard_raw_norm@50", LL_REAL},
    {"topk_jaccard_consecutive@50", LL_REAL}, {"norm_only_semantics", LL_BOOL}, END,
};
static const struct ll_index_col rawlens_window[] = {
    {"lens", LL_TEXT}, {"p_top1", LL_REAL}, {"top1_token_id", LL_INT}, {"top1_token_str", LL_TEXT}, {"p_answer", LL_REAL},
    {"answer_rank", LL_INT}, {"kl_norm_vs_raw_bits", LL_REAL}, END,
};
static const struct ll_index_col answers[] = {
    {"answer_index", LL_INT}, {"answer", LL_TEXT}, {"n_tokens", LL_INT}, {"first_id", LL_INT}, {"first_rank", LL_INT},
    {"p_first", LL_REAL}, {"logprob", LL_REAL}, END,
};
static const struct ll_index_col tuned_variants[] = {
    {"kl_bits_baseline", LL_REAL}, {"kl_bits_tuned", LL_REAL}, {"kl_bits_rot_only", LL_REAL}, {"kl_bits_temp_only", LL_REAL},
    {"delta_kl_bits_tuned", LL_REAL}, {"delta_kl_bits_rot_only", LL_REAL}, {"delta_kl_bits_temp_only", LL_REAL},
    {"delta_kl_bits_interaction", LL_REAL}, {"answer_rank_baseline", LL_INT}, {"answer_rank_tuned", LL_INT},
    {"answer_rank_rot_only", LL_INT}, {"answer_rank_temp_only", LL_INT}, {"rank_shift_tuned", LL_INT}, {"rank_shift_rot_only", LL_INT},
    {"rank_shift_temp_only", LL_INT}, {"entropy_bits_baseline", LL_REAL}, {"entropy_bits_tuned", LL_REAL}, END,
};
static const struct ll_index_col positions_audit[] = {
    {"pos_frac", LL_REAL}, {"pos_index", LL_INT}, {"kl_bits_baseline", LL_REAL}, {"kl_bits_tuned", LL_REAL},
    {"delta_kl_bits_tuned", LL_REAL}, {"answer_rank_baseline", LL_INT}, {"answer_rank_tuned", LL_INT}, {"rank_shift_tuned", LL_INT},
    {"entropy_bits_baseline", LL_REAL}, {"entropy_bits_tuned", LL_REAL}, END,
};
static const struct ll_index_col positions[] = {
    {"pos_frac", LL_REAL}, {"pos_index", LL_INT}, {"target_id", LL_INT}, {"target", LL_TEXT}, {"target_rank", LL_INT}, {"p_target", LL_REAL},
    {"top1_id", LL_INT}, {"entropy_bits", LL_REAL}, {"kl_to_final_bits", LL_REAL}, END,
};
static const struct ll_index_col milestones[] = {
    {"csv_row_index", LL_INT}, {"is_copy_strict", LL_BOOL}, {"is_copy_soft_k", LL_TEXT}, {"is_semantic_norm", LL_BOOL},
    {"is_semantic_confirmed", LL_BOOL}, {"answer_rank", LL_INT}, {"p_answer", LL_REAL}, {"kl_to_final_bits", LL_REAL},
    {"entropy_bits", LL_REAL}, {"lens", LL_TEXT}, END,
};
static const struct ll_index_col artifact_audit[] = {
    {"js_divergence", LL_REAL}, {"kl_raw_to_norm_bits", LL_REAL}, {"l1_prob_diff", LL_REAL}, {"topk_jaccard_raw_norm@50", LL_REAL},
    {"lens_artifact_score_v2", LL_REAL}, {"risk_tier", LL_TEXT}, END,
};

const struct ll_file_kind ll_file_kinds[] = {
    {".json", LL_SHAPE_DOC, NULL, NULL, NULL, LL_ANY_ROWS, none, NULL},
    {"-pure-next-token.csv", LL_SHAPE_PURE, "pure", NULL, NULL, 0, pure, "The first unseen token, every row of every pass; lens norm or raw, prism and tuned from the sidecar files."},
    {"-records.csv", LL_SHAPE_RECORDS, "records", NULL, NULL, 0, records, "Every row and position of every pass."},
    {"-pure-next-token-prism.csv", LL_SHAPE_PURE, "pure", "prism", NULL, 0, pure, NULL},
    {"-records-prism.csv", LL_SHAPE_RECORDS, "records", "prism", NULL, 0, records, NULL},
    {"-pure-next-token-tuned.csv", LL_SHAPE_PURE, "pure", "tuned", NULL, LL_ANY_FIRST, pure, NULL},
    {"-records-tuned.csv", LL_SHAPE_RECORDS, "records", "tuned", NULL, LL_ANY_FIRST, records, NULL},
    {"-answers.csv", LL_SHAPE_PASS, "answers", NULL, "answer_index", LL_ANY_FIRST, answers, "Every accepted answer of a pass, row by row: rank of its first token, log-probability of all its tokens."},
    {"-pure-next-token-rawlens.csv", LL_SHAPE_PASS, "rawlens", NULL, NULL, LL_ALL_OR_SAMPLE, rawlens, "Raw lens beside norm lens, every row, or four of them (raw_lens sample)."},
    {"-pure-next-token-rawlens-window.csv", LL_SHAPE_PASS, "rawlens_window", NULL, "lens", LL_ANY_ROWS, rawlens_window, "Raw and norm lens near the milestones, a row each."},
    {"-pure-next-token-tuned-variants.csv", LL_SHAPE_MODEL, "tuned_variants", NULL, NULL, LL_ANY_FIRST, tuned_variants, "Tuned lens against its rotation or temperature alone (the original's files: Canada→Ottawa only)."},
    {"-positions-tuned-audit.csv", LL_SHAPE_MODEL, "positions_audit", NULL, NULL, LL_ANY_FIRST, positions_audit, "Tuned lens at positions along the prompt (the original's files: Canada→Ottawa only)."},
    {"-positions.csv", LL_SHAPE_PASS, "positions", NULL, "pos_index", 0, positions, "The prompt's own next token at positions along it, row by row: rank and probability (at the last position the answer's)."},
    {"-milestones.csv", LL_SHAPE_MODEL, "milestones", NULL, NULL, LL_ANY_ROWS, milestones, "The four citation rows: strict copy, soft copy, semantic, confirmed."},
    {"-artifact-audit.csv", LL_SHAPE_MODEL, "artifact_audit", NULL, NULL, 0, artifact_audit, "Lens artefacts; layer null is the file's _summary row."},
    {NULL, LL_SHAPE_DOC, NULL, NULL, NULL, LL_ANY_ROWS, NULL, NULL},
};

const struct ll_file_kind *ll_file_kind_of(const char *name, int *stem_len)
{
    static const char head[] = "output-";
    size_t n = strlen(name), best = 0;
    const struct ll_file_kind *found = NULL;
    if (strncmp(name, head, sizeof head - 1))
        return NULL;
    for (const struct ll_file_kind *k = ll_file_kinds; k->suffix; k++) {
        size_t m = strlen(k->suffix);
        if (m > best && n > sizeof head - 1 + m && !strcmp(name + n - m, k->suffix)) {
            found = k;
            best = m;
        }
    }
    *stem_len = (int)(n - (sizeof head - 1) - best);
    return found;
}

int ll_is_flag_column(const char *name)
{
    return (!strncmp(name, "copy_strict@", 12) || !strncmp(name, "copy_soft_k", 11)) && strchr(name, '@');
}
