/* index_queries.c - the named queries (spec 24): a row each. Parameters (:model, :run, :pass, ...) are null unless given as
 * key=value; those of WHERE_GIVEN narrow any query that lists models. run= is a stamp, a folder or a run_id. */
#include "index.h"

#include <stddef.h>

#define WHERE_GIVEN(alias) \
    "(:model IS NULL OR " alias ".model = :model OR " alias ".model LIKE '%' || :model || '%')" \
    " AND (:run IS NULL OR " alias ".stamp = :run OR CAST(" alias ".run_id AS TEXT) = :run" \
    " OR " alias ".run_id IN (SELECT run_id FROM runs WHERE folder = :run))"
#define WHERE_PASS(alias) WHERE_GIVEN(alias) " AND CASE WHEN :pass IS NULL THEN " alias ".is_main ELSE :pass IN (" alias ".pass_key, 'all') END"

const struct ll_query ll_queries[] = {
    {"tables", "tables and views of the index",
     "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY type, name"},
    {"columns", "columns of a table or view: columns table=v_pure; of all without",
     "SELECT s.name AS \"table\", c.name AS \"column\", nullif(c.type, '') AS type FROM sqlite_schema s, pragma_table_info(s.name) c"
     " WHERE s.type IN ('table', 'view') AND s.name NOT LIKE 'sqlite_%' AND (:table IS NULL OR s.name = :table) ORDER BY s.name, c.cid"},
    {"runs", "runs in the index, newest first",
     "SELECT r.run_id, r.stamp, r.era, r.folder, count(m.id) AS models, sum(m.status = 'ok') AS ok, r.tool_version, r.experiment"
     " FROM runs r LEFT JOIN run_models m ON m.run = r.run_id GROUP BY r.run_id ORDER BY r.stamp DESC, r.run_id DESC"},
    {"models", "models of every run: size, status, how they were read",
     "SELECT stamp, model, status, n_layers, d_model, d_vocab, dtype, lens_norm, reason FROM (SELECT r.run_id, r.stamp, rm.stem AS model, rm.status, m.n_layers, m.d_model, m.d_vocab, rm.dtype, rm.lens_norm, rm.reason"
     " FROM run_models rm JOIN runs r ON r.run_id = rm.run JOIN models m ON m.id = rm.model) v WHERE " WHERE_GIVEN("v") " ORDER BY stamp, run_id, model"},
    {"milestones", "L_copy, L_copy_H, L_semantic of main passes (pass=all: of all), from the rows",
     "SELECT stamp, model, pass_key, n_layers, L_copy, L_copy_H, L_semantic, delta_layers FROM v_milestones v WHERE " WHERE_PASS("v") " ORDER BY stamp, model, pass"},
    {"first-semantic-layer", "first row whose top token is the answer, and its relative depth, shallow first",
     "SELECT stamp, model, n_layers, L_semantic, round(1.0 * L_semantic / n_layers, 3) AS depth FROM v_milestones v"
     " WHERE " WHERE_PASS("v") " ORDER BY stamp, depth IS NULL, depth, model"},
    {"semantic-by-pass", "first semantic layer of every prompt, and its median over the facts in their original wording",
     "WITH s AS (SELECT v.*, row_number() OVER w AS nr, count(*) OVER (PARTITION BY v.run_id, v.model) AS n FROM v_milestones v JOIN passes p ON p.id = v.pass"
     " WHERE v.L_semantic IS NOT NULL AND p.fact_index IS NOT NULL AND p.prompt_variant = 'orig' AND " WHERE_GIVEN("v")
     " WINDOW w AS (PARTITION BY v.run_id, v.model ORDER BY v.L_semantic)),"
     " med AS (SELECT run_id, model, avg(L_semantic) AS median FROM s WHERE nr IN ((n + 1) / 2, (n + 2) / 2) GROUP BY run_id, model)"
     " SELECT v.stamp, v.model, v.pass_key, v.L_semantic, med.median FROM v_milestones v LEFT JOIN med ON med.run_id = v.run_id AND med.model = v.model"
     " WHERE " WHERE_GIVEN("v") " ORDER BY v.stamp, v.model, v.pass"},
    {"copy-reflex", "models whose rows 0 to 3 already repeat the prompt",
     "SELECT stamp, model, max(CASE WHEN copy_collapse THEN 'yes' ELSE 'no' END) AS copy_reflex, min(CASE WHEN copy_collapse THEN layer END) AS first_row"
     " FROM v_pure v WHERE layer <= 3 AND " WHERE_PASS("v") " GROUP BY run_id, model, pass, lens ORDER BY stamp, copy_reflex DESC, model"},
    {"final-entropy", "models by the entropy of the last row, most certain first",
     "SELECT stamp, model, entropy_bits, top1, prob1 FROM v_pure v WHERE layer = (SELECT max(layer) FROM pure WHERE pass = v.pass AND lens = v.lens)"
     " AND " WHERE_PASS("v") " ORDER BY stamp, entropy_bits, model"},
    {"entropy-drop", "largest fall of entropy from one row to the next",
     "WITH d AS (SELECT *, lag(layer) OVER w AS from_layer, lag(entropy_bits) OVER w - entropy_bits AS drop_bits FROM v_pure v WHERE " WHERE_PASS("v")
     " WINDOW w AS (PARTITION BY pass, lens ORDER BY layer)),"
     " r AS (SELECT *, row_number() OVER (PARTITION BY pass, lens ORDER BY drop_bits DESC, layer) AS nr FROM d WHERE drop_bits IS NOT NULL)"
     " SELECT stamp, model, from_layer, layer AS to_layer, drop_bits FROM r WHERE nr = 1 ORDER BY stamp, drop_bits DESC, model"},
    {"layers", "a pass layer by layer: layers model=NAME pass=KEY",
     "SELECT run_id, model, layer, entropy_bits, top1, prob1, answer_rank, p_answer, copy_collapse AS copy, is_answer AS answer"
     " FROM v_pure v WHERE " WHERE_PASS("v") " ORDER BY stamp, model, pass, layer"},
    {"answer-trajectory", "rank and probability of the answer, row by row",
     "SELECT stamp, model, pass_key, layer, answer_rank, p_answer, kl_to_final_bits, is_answer FROM v_pure v WHERE " WHERE_PASS("v") " ORDER BY stamp, model, pass, layer"},
    {"answer-confidence", "first row at which the answer is the top token with p > 0.30, and with p > 0.60",
     "SELECT stamp, model, min(CASE WHEN is_answer AND prob1 > 0.3 THEN layer END) AS p_gt_030, min(CASE WHEN is_answer AND prob1 > 0.6 THEN layer END) AS p_gt_060"
     " FROM v_pure v WHERE " WHERE_PASS("v") " GROUP BY run_id, model, pass, lens ORDER BY stamp, model"},
    {"predictions", "what the models themselves say: the probe, the test prompts, the temperatures",
     "SELECT v.stamp, v.model, x.kind, x.what, x.entropy_bits, x.top1, x.p_top1 FROM (SELECT r.run_id, r.stamp, rm.stem AS model, rm.id FROM run_models rm JOIN runs r ON r.run_id = rm.run) v"
     " JOIN (SELECT id AS rm, 0 AS o, 'probe' AS kind, NULL AS what, final_entropy_bits AS entropy_bits, final_top1 AS top1, final_p_top1 AS p_top1 FROM run_models WHERE final_top1 IS NOT NULL"
     " UNION ALL SELECT run_model, 1 + nr, 'test', prompt, entropy_bits, top1, p_top1 FROM test_prompts"
     " UNION ALL SELECT run_model, 10000 + nr, 'temperature', temperature, entropy_bits, top1, p_top1 FROM temperatures) x ON x.rm = v.id"
     " WHERE " WHERE_GIVEN("v") " ORDER BY v.stamp, v.model, x.o"},
    {"conflicts", "milestones where the JSON file and the rows disagree",
     "SELECT stamp, model, pass_key, milestone, stored, recomputed FROM v_milestone_conflicts v WHERE " WHERE_GIVEN("v") " ORDER BY stamp, model, pass, milestone"},
    {"files", "imported files with rows and SHA-256",
     "SELECT r.stamp, f.name, f.n_rows, f.bytes, f.dialect, f.sha256 FROM files f JOIN runs r ON r.run_id = f.run ORDER BY r.stamp, f.name"},
    {"diffs", "comparisons of two checkpoints (logitlens diff --index), newest last",
     "SELECT d.id AS diff, d.model_a, d.model_b, d.types_a, d.types_b, d.n_prompts, d.n_positions AS positions, d.first_beyond, l.kl_mean_bits, l.flip_share FROM diffs d"
     " JOIN v_diff_layers l ON l.diff = d.id AND l.layer = (SELECT max(layer) FROM diff_rows WHERE diff = d.id) ORDER BY d.id"},
    {"diff-layers", "a comparison layer by layer: diff-layers diff=1; the newest without",
     "SELECT model_a, model_b, layer, kl_mean_bits, js_mean_bits, flips, n, cos_mean, rel_err_mean, beyond FROM v_diff_layers"
     " WHERE diff = coalesce(CAST(:diff AS INTEGER), (SELECT max(id) FROM diffs)) ORDER BY layer"},
    {"diff-flips", "positions whose output's top token differs, worst first: diff-flips diff=1; the newest without",
     "SELECT prompt, pos, token, top1_a, p_top1_a, top1_b, p_top1_b, kl_a_to_b_bits FROM diff_rows r"
     " WHERE diff = coalesce(CAST(:diff AS INTEGER), (SELECT max(id) FROM diffs)) AND layer = (SELECT max(layer) FROM diff_rows WHERE diff = r.diff) AND top1_flip"
     " ORDER BY kl_a_to_b_bits DESC, prompt, pos"},
    {"diag-reports", "reports of the diagnostic commands (--index), newest last",
     "SELECT d.id AS report, d.command, d.model_id, d.verdict, (SELECT count(*) FROM diag_rows WHERE report = d.id) AS rows,"
     " (SELECT count(*) FROM diag_criteria WHERE report = d.id AND status = 'fail') AS failed FROM diag_reports d ORDER BY d.id"},
    {"diag-criteria", "criteria of a report: diag-criteria report=1; the newest without",
     "SELECT name, status, detail FROM diag_criteria WHERE report = coalesce(CAST(:report AS INTEGER), (SELECT max(id) FROM diag_reports)) ORDER BY nr"},
    {"diag-rows", "rows of a report: diag-rows report=1 layer=0 step=NAME; the newest without",
     "SELECT layer, step, json FROM diag_rows WHERE report = coalesce(CAST(:report AS INTEGER), (SELECT max(id) FROM diag_reports))"
     " AND (:layer IS NULL OR layer = CAST(:layer AS INTEGER)) AND (:step IS NULL OR step = :step) ORDER BY nr"},
    {NULL, NULL, NULL},
};
