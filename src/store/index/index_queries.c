/* index_queries.c - the named queries (docs/index.md 1): a row each. Parameters are null unless given as
 * key=value.
 *
 *   run=     a stamp, a folder, a run_id, or all. Without: the newest run of each era.
 *   era=     early, late (the original's two kinds of files) or ours. Without: all three.
 *   model=   a name or a part of one
 *   pass=    a pass key such as pos.orig.0, or all. Without: each model's main pass.
 *   lens=    norm, raw, prism, tuned, or all. Without: the run's own lens. */
#include "index.h"

#include <stddef.h>

/* clang-format off */
#define RUNS(alias) \
    alias ".run_id IN (SELECT run_id FROM v_runs WHERE (:era IS NULL OR era = :era)" \
    " AND CASE WHEN :run IS NULL THEN is_newest WHEN :run = 'all' THEN 1" \
    " ELSE stamp = :run OR folder = :run OR CAST(run_id AS TEXT) = :run END)"
#define MODELS(alias) \
    RUNS(alias) " AND (:model IS NULL OR " alias ".model = :model" \
    " OR " alias ".model LIKE '%' || :model || '%')"
#define PASSES(alias) \
    MODELS(alias) " AND CASE WHEN :pass IS NULL THEN " alias ".is_main" \
    " ELSE :pass IN (" alias ".pass_key, 'all') END"
#define LENSES(alias) \
    PASSES(alias) " AND CASE WHEN :lens IS NULL THEN " alias ".lens IN ('norm', 'raw')" \
    " ELSE :lens IN (" alias ".lens, 'all') END"
#define P_RUNS "era= run="
#define P_MODELS P_RUNS " model="
#define P_PASSES P_MODELS " pass="
#define P_LENSES P_PASSES " lens="
#define ONE_MODEL \
    "SELECT r.run_id, r.stamp, r.era, rm.id AS run_model, rm.stem AS model, m.n_layers" \
    " FROM run_models rm JOIN runs r ON r.run_id = rm.run JOIN models m ON m.id = rm.model"
#define DEPTH(layer) "round(1.0 * " layer " / n_layers, 3)"

const struct ll_query ll_queries[] = {
    {"tables", "tables and views of the index", "",
     "SELECT name, type"
     " FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY type, name"},
    {"columns", "columns of a table or view; of all without table=", "table=",
     "SELECT s.name AS \"table\", c.name AS \"column\", nullif(c.type, '') AS type"
     " FROM sqlite_schema s, pragma_table_info(s.name) c WHERE s.type IN ('table', 'view')"
     " AND s.name NOT LIKE 'sqlite_%' AND (:table IS NULL OR s.name = :table) ORDER BY s.name, c.cid"},
    {"runs", "all runs in the index, newest first", "",
     "SELECT r.run_id, r.stamp, r.era, r.folder, count(m.id) AS models, sum(m.status = 'ok') AS ok,"
     " r.tool_version, r.experiment FROM runs r LEFT JOIN run_models m ON m.run = r.run_id GROUP BY r.run_id"
     " ORDER BY r.stamp DESC, r.run_id DESC"},
    {"models", "models: size, status, how they were read", P_MODELS,
     "SELECT stamp, model, status, n_layers, d_model, d_vocab, dtype, lens_norm, reason"
     " FROM (SELECT r.run_id, r.stamp, rm.stem AS model, rm.status, m.n_layers, m.d_model, m.d_vocab,"
     " rm.dtype, rm.lens_norm, rm.reason FROM run_models rm JOIN runs r ON r.run_id = rm.run"
     " JOIN models m ON m.id = rm.model) v WHERE " MODELS("v") " ORDER BY stamp, run_id, model"},
    {"passes", "prompts with their gold answers", P_PASSES,
     "SELECT stamp, model, pass_key, fact_key, gold_text, gold_first_id, gold_status, n_pos, prompt_text"
     " FROM v_passes v WHERE " MODELS("v") " AND (:pass IS NULL OR :pass IN (pass_key, 'all'))"
     " ORDER BY stamp, model, pass"},
    {"milestones", "L_copy, L_copy_H, L_semantic and the gates above it, from the rows", P_LENSES,
     "SELECT stamp, model, pass_key, n_layers AS n, L_copy, L_copy_H, L_semantic AS L_sem,"
     " L_semantic_run2 AS run2, L_semantic_top2_ok AS top2, L_semantic_strong AS strong,"
     " L_semantic_strong_run2 AS strong2"
     " FROM v_milestones v WHERE " LENSES("v") " ORDER BY stamp, model, pass, lens"},
    {"milestone-list", "every milestone, a row each, from the rows", P_LENSES " milestone=",
     "SELECT v.stamp, v.model, v.pass_key, x.lens, x.milestone, x.layer,"
     " round(1.0 * x.layer / v.n_layers, 3) AS depth"
     " FROM v_milestone_list x JOIN v_passes v ON v.pass = x.pass WHERE " PASSES("v")
     " AND CASE WHEN :lens IS NULL THEN x.lens IN ('norm', 'raw') ELSE :lens IN (x.lens, 'all') END"
     " AND (:milestone IS NULL OR x.milestone = :milestone)"
     " ORDER BY v.stamp, v.model, v.pass, x.lens, x.milestone"},
    {"first-semantic-layer",
     "first row whose top token is the answer, and its relative depth, shallow first", P_LENSES,
     "SELECT stamp, model, n_layers, L_semantic, " DEPTH("L_semantic") " AS depth"
     " FROM v_milestones v WHERE " LENSES("v") " ORDER BY stamp, depth IS NULL, depth, model"},
    {"semantic-by-pass",
     "first semantic layer of every prompt, and its median over the facts in their original wording",
     P_MODELS " lens=",
     "SELECT v.stamp, v.model, v.pass_key, v.L_semantic, s.L_semantic_median AS median FROM v_milestones v"
     " LEFT JOIN v_micro_suite s ON s.run_id = v.run_id AND s.model = v.model AND s.lens = v.lens"
     " WHERE " MODELS("v") " AND CASE WHEN :lens IS NULL THEN v.lens IN ('norm', 'raw')"
     " ELSE :lens IN (v.lens, 'all') END ORDER BY v.stamp, v.model, v.pass, v.lens"},
    {"micro-suite", "median first semantic layer over the facts, and how many facts have none", P_MODELS,
     "SELECT stamp, model, n_layers, n_facts, n_missing, L_semantic_median AS median,"
     " L_semantic_min AS least, L_semantic_max AS most, " DEPTH("L_semantic_median") " AS depth"
     " FROM v_micro_suite v WHERE " MODELS("v") " ORDER BY stamp, depth IS NULL, depth, model"},
    {"ablation",
     "copy and semantic layer without the filler word, and their shift;"
     " facts of the main pass unless pass=all", P_PASSES,
     "SELECT stamp, model, fact_key, prompt_variant AS variant, L_copy_orig, L_copy_nf, L_sem_orig, L_sem_nf,"
     " delta_L_copy, delta_L_sem, " DEPTH("abs(delta_L_sem)") " >= 0.1 AS sensitive FROM v_ablation v"
     " WHERE " MODELS("v") " AND CASE WHEN :pass IS NULL THEN is_main ELSE :pass = 'all' END"
     " ORDER BY stamp, model, fact_index, variant"},
    {"control", "control prompts: first row with a positive margin, its maximum, first strong row",
    P_MODELS,
     "SELECT stamp, model, pass_key, first_control_margin_pos AS first_positive, max_control_margin,"
     " last_layer_control_margin AS last_row, first_control_strong_pos AS first_strong,"
     " max_control_top2_logit_gap AS max_gap"
     " FROM v_control v WHERE " MODELS("v") " ORDER BY stamp, model, pass"},
    {"copy-reflex", "models whose rows 0 to 3 already repeat the prompt", P_LENSES,
     "SELECT stamp, model, max(CASE WHEN copy_collapse THEN 'yes' ELSE 'no' END) AS copy_reflex,"
     " min(CASE WHEN copy_collapse THEN layer END) AS first_row FROM v_pure v WHERE layer <= 3"
     " AND " LENSES("v") " GROUP BY run_id, model, pass, lens ORDER BY stamp, copy_reflex DESC, model"},
    {"final-entropy", "models by the entropy of the last row, most certain first", P_LENSES,
     "SELECT stamp, model, entropy_bits, top1, prob1 FROM v_pure v WHERE layer = (SELECT max(layer) FROM pure"
     " WHERE pass = v.pass AND lens = v.lens) AND " LENSES("v") " ORDER BY stamp, entropy_bits, model"},
    {"entropy-drop", "largest fall of entropy from one row to the next", P_LENSES,
     "WITH d AS (SELECT *, lag(layer) OVER w AS from_layer,"
     " lag(entropy_bits) OVER w - entropy_bits AS drop_bits"
     " FROM v_pure v WHERE " LENSES("v") " WINDOW w AS (PARTITION BY pass, lens ORDER BY layer)),"
     " r AS (SELECT *, row_number() OVER (PARTITION BY pass, lens ORDER BY drop_bits DESC, layer) AS nr"
     " FROM d WHERE drop_bits IS NOT NULL) SELECT stamp, model, from_layer, layer AS to_layer, drop_bits"
     " FROM r WHERE nr = 1 ORDER BY stamp, drop_bits DESC, model"},
    {"entropy-gap", "quartiles over the rows of the entropy above the model's own", P_LENSES,
     "SELECT stamp, model, pass_key, lens, p25, p50, p75"
     " FROM v_entropy_gap v WHERE " LENSES("v") " ORDER BY stamp, model, pass, lens"},
    {"norm-raw-disagreement",
     "rows where the norm lens and the raw lens disagree on the answer being the top token", P_PASSES,
     "SELECT stamp, model, pass_key, layer, answer_rank_norm AS rank_norm, answer_rank_raw AS rank_raw,"
     " p_answer_norm AS p_norm, p_answer_raw AS p_raw, top1_token_str_norm AS top1_norm,"
     " top1_token_str_raw AS top1_raw FROM v_rawlens v WHERE (answer_rank_norm = 1) <> (answer_rank_raw = 1)"
     " AND " PASSES("v") " ORDER BY stamp, model, pass, layer"},
    {"rawlens", "raw lens beside norm lens, row by row", P_PASSES,
     "SELECT stamp, model, layer, entropy_bits_norm AS H_norm, entropy_bits_raw AS H_raw,"
     " kl_norm_vs_raw_bits AS kl_bits, js_divergence AS js_bits, \"topk_jaccard_raw_norm@50\" AS jaccard_50,"
     " norm_only_semantics AS norm_only"
     " FROM v_rawlens v WHERE " PASSES("v") " ORDER BY stamp, model, pass, layer"},
    {"artifact-tiers", "artefact score and risk tier of each model, recomputed; the stored tier beside it",
    P_PASSES,
     "SELECT stamp, model, pass_key, lens_artifact_score AS score, lens_artifact_score_v2 AS score_v2, tier,"
     " stored_tier, n_norm_only, max_kl_norm_vs_raw_bits AS max_kl_bits"
     " FROM v_artifact v WHERE " PASSES("v") " ORDER BY stamp, score DESC, model, pass"},
    {"tuned-gain",
     "how much nearer a sidecar lens is to the final distribution: median KL gain over the rows;"
     " lens=prism for Prism",
    P_LENSES,
     "WITH g AS (SELECT v.*, count(*) OVER (PARTITION BY pass, lens) AS n,"
     " row_number() OVER (PARTITION BY pass, lens ORDER BY gain_bits) AS nr"
     " FROM v_lens_gain v WHERE gain_bits IS NOT NULL AND " PASSES("v") " AND (:lens IN (v.lens, 'all')"
     " OR (:lens IS NULL AND v.lens = 'tuned'))) SELECT stamp, model, pass_key, lens, n AS n_rows,"
     " avg(CASE WHEN nr IN ((n + 1) / 2, (n + 2) / 2) THEN gain_bits END) AS median_gain_bits,"
     " sum(gain_bits > 0) AS n_better, min(CASE WHEN rank_lens = 1 THEN layer END) AS first_rank1_lens,"
     " min(CASE WHEN rank_own = 1 THEN layer END) AS first_rank1_own"
     " FROM g GROUP BY pass, lens ORDER BY stamp, model, pass, lens"},
    {"confirmed",
     "first semantic row under the norm, raw and tuned lens, and whether another lens confirms it",
     P_PASSES,
     "SELECT stamp, model, pass_key, L_semantic AS L_norm, L_semantic_raw AS L_raw,"
     " L_semantic_tuned AS L_tuned, L_semantic_confirmed AS confirmed, confirmed_source AS by"
     " FROM v_confirmed v WHERE " PASSES("v") " ORDER BY stamp, model, pass"},
    {"layers", "a pass layer by layer", P_LENSES,
     "SELECT run_id, model, layer, entropy_bits, top1, prob1, answer_rank, p_answer, copy_collapse AS copy,"
     " is_answer AS answer FROM v_pure v WHERE " LENSES("v") " ORDER BY stamp, model, pass, lens, layer"},
    {"answer-trajectory", "rank and probability of the answer, row by row", P_LENSES,
     "SELECT stamp, model, pass_key, layer, answer_rank, p_answer, kl_to_final_bits, is_answer"
     " FROM v_pure v WHERE " LENSES("v") " ORDER BY stamp, model, pass, lens, layer"},
    {"answer-confidence",
     "first row at which the answer is the top token with p > 0.30, and with p > 0.60", P_LENSES,
     "SELECT stamp, model, min(CASE WHEN is_answer AND prob1 > 0.3 THEN layer END) AS p_gt_030,"
     " min(CASE WHEN is_answer AND prob1 > 0.6 THEN layer END) AS p_gt_060"
     " FROM v_pure v WHERE " LENSES("v") " GROUP BY run_id, model, pass, lens ORDER BY stamp, model, pass"},
    {"answers",
     "every accepted answer at the last row: rank of its first token, log-probability of all its tokens;"
     " layer= for another row", P_PASSES " layer=",
     "SELECT stamp, model, pass_key, layer, answer, n_tokens, first_rank, p_first, logprob FROM v_answers v"
     " WHERE layer = coalesce(CAST(:layer AS INTEGER), (SELECT max(layer) FROM answers WHERE pass = v.pass))"
     " AND " PASSES("v") " ORDER BY stamp, model, pass, answer_index"},
    {"answer-logprobs", "log-probability of the gold answer, row by row", P_LENSES,
     "SELECT stamp, model, pass_key, layer, answer_logprob, p_answer, answer_rank, accepted_rank"
     " FROM v_pure v WHERE " LENSES("v") " ORDER BY stamp, model, pass, lens, layer"},
    {"unresolved", "prompts whose gold answer has no vocabulary id of its own", P_MODELS,
     "SELECT stamp, model, pass_key, gold_text, coalesce(gold_status, 'not recorded') AS status, prompt_text"
     " FROM v_passes v WHERE gold_first_id IS NULL AND coalesce(gold_status, 'unresolved') = 'unresolved'"
     " AND era <> 'early' AND " MODELS("v") " ORDER BY stamp, model, pass"},
    {"predictions", "what the models themselves say: the probe, the test prompts, the temperatures",
    P_MODELS,
     "SELECT v.stamp, v.model, x.kind, x.what, x.entropy_bits, x.top1, x.p_top1 FROM (" ONE_MODEL ") v"
     " JOIN (SELECT id AS rm, 0 AS o, 'probe' AS kind, NULL AS what, final_entropy_bits AS entropy_bits,"
     " final_top1 AS top1, final_p_top1 AS p_top1 FROM run_models WHERE final_top1 IS NOT NULL"
     " UNION ALL SELECT run_model, 1 + nr, 'test', prompt, entropy_bits, top1, p_top1 FROM test_prompts"
     " UNION ALL SELECT run_model, 10000 + nr, 'temperature', temperature, entropy_bits, top1, p_top1"
     " FROM temperatures) x ON x.rm = v.run_model WHERE " MODELS("v") " ORDER BY v.stamp, v.model, x.o"},
    {"document",
     "members of the JSON files that have no table of their own, as JSON: document key=numeric_health",
     P_MODELS " key=",
     "SELECT v.stamp, v.model, d.key, d.json"
     " FROM diagnostics d JOIN (" ONE_MODEL ") v ON v.run_model = d.run_model"
     " WHERE (:key IS NULL OR d.key = :key) AND " MODELS("v") " ORDER BY v.stamp, v.model, d.key"},
    {"conflicts", "milestones where the JSON file and the rows disagree", P_MODELS,
     "SELECT stamp, model, pass_key, milestone, stored, recomputed"
     " FROM v_milestone_conflicts v WHERE " MODELS("v") " ORDER BY stamp, model, pass, milestone"},
    {"evaluations", "evaluation texts of the runs", P_RUNS,
     "SELECT r.stamp, r.folder, v.kind, v.model, v.path FROM (SELECT *, run AS run_id FROM evaluations) v"
     " JOIN runs r ON r.run_id = v.run WHERE " RUNS("v") " ORDER BY r.stamp, v.path"},
    {"problems", "files that are broken, with the reason", "",
     "SELECT r.stamp, r.folder, f.name, f.problem"
     " FROM files f JOIN runs r ON r.run_id = f.run WHERE f.problem IS NOT NULL ORDER BY r.stamp, f.name"},
    {"files", "imported files with rows and SHA-256", "",
     "SELECT r.stamp, f.name, f.n_rows, f.bytes, f.dialect, f.sha256"
     " FROM files f JOIN runs r ON r.run_id = f.run ORDER BY r.stamp, f.name"},
    {"diffs", "comparisons of two checkpoints (logitlens diff --index), newest last", "",
     "SELECT d.id AS diff, d.model_a, d.model_b, d.types_a, d.types_b, d.n_prompts,"
     " d.n_positions AS positions, d.first_beyond, l.kl_mean_bits, l.flip_share"
     " FROM diffs d JOIN v_diff_layers l ON l.diff = d.id"
     " AND l.layer = (SELECT max(layer) FROM diff_rows WHERE diff = d.id) ORDER BY d.id"},
    {"diff-layers", "a comparison layer by layer; the newest without diff=", "diff=",
     "SELECT model_a, model_b, layer, kl_mean_bits, js_mean_bits, flips, n, cos_mean, rel_err_mean, beyond"
     " FROM v_diff_layers WHERE diff = coalesce(CAST(:diff AS INTEGER), (SELECT max(id) FROM diffs))"
     " ORDER BY layer"},
    {"diff-flips",
     "positions whose output's top token differs, worst first; the newest comparison without diff=",
     "diff=",
     "SELECT prompt, pos, token, top1_a, p_top1_a, top1_b, p_top1_b, kl_a_to_b_bits"
     " FROM diff_rows r WHERE diff = coalesce(CAST(:diff AS INTEGER), (SELECT max(id) FROM diffs))"
     " AND layer = (SELECT max(layer) FROM diff_rows WHERE diff = r.diff) AND top1_flip"
     " ORDER BY kl_a_to_b_bits DESC, prompt, pos"},
    {"diag-reports", "reports of the diagnostic commands (--index), newest last", "",
     "SELECT d.id AS report, d.command, d.model_id, d.verdict, (SELECT count(*)"
     " FROM diag_rows WHERE report = d.id) AS rows, (SELECT count(*) FROM diag_criteria"
     " WHERE report = d.id AND status = 'fail') AS failed FROM diag_reports d ORDER BY d.id"},
    {"diag-criteria", "criteria of a report of a diagnostic; the newest without report=", "report=",
     "SELECT name, status, detail FROM diag_criteria"
     " WHERE report = coalesce(CAST(:report AS INTEGER), (SELECT max(id) FROM diag_reports)) ORDER BY nr"},
    {"diag-rows", "rows of a report of a diagnostic; the newest without report=", "report= layer= step=",
     "SELECT layer, step, json"
     " FROM diag_rows WHERE report = coalesce(CAST(:report AS INTEGER), (SELECT max(id) FROM diag_reports))"
     " AND (:layer IS NULL OR layer = CAST(:layer AS INTEGER)) AND (:step IS NULL OR step = :step)"
     " ORDER BY nr"},
    {NULL, NULL, NULL, NULL},
};
/* clang-format on */
