/* eval_data.c - see eval_data.h */
#include "eval_data.h"

#define MODEL_COLUMNS \
    "m.model_id, m.clean, rm.status, rm.reason, rm.family, m.architecture, m.n_layers, m.d_model, " \
    "m.n_heads, rm.n_kv_heads, rm.d_head, rm.d_mlp, m.d_vocab," \
    " rm.n_ctx, rm.n_params, rm.container, rm.dtype AS stored_types, rm.device, rm.engine, rm.norm_kind, " \
    "rm.norm_eps, rm.lens_norm, rm.logit_scale, rm.logit_cap," \
    " rm.bos_policy, rm.copy_threshold, rm.copy_margin, rm.last_row_equals_model, rm.final_entropy_bits, " \
    "rm.final_top1, rm.final_p_top1"
#define FROM_MODELS " FROM run_models rm JOIN models m ON m.id = rm.model JOIN runs r ON r.run_id = rm.run"
#define LAYER_COLUMNS \
    "v.row_id, v.layer, v.entropy_bits, v.top1, coalesce(v.p_top1, v.prob1) AS p_top1, v.top2, v.prob2, " \
    "v.p_answer, v.answer_rank, v.kl_to_final_bits," \
    " v.copy_collapse, v.entropy_collapse, v.is_answer, v.rest_mass"
/* Rows near the milestones say most: those stay. */
#define NEAR_MILESTONES \
    ", (SELECT min(abs(v.layer - coalesce(s.L_semantic, 1e6)), abs(v.layer - coalesce(s.L_copy, 1e6)), " \
    "abs(v.layer - coalesce(s.L_copy_H, 1e6)), v.layer, v.n_layers - v.layer)" \
    " FROM v_milestones s WHERE s.pass = v.pass AND s.lens = 'norm') AS _rank"
/* A sidecar lens, main pass. */
#define SIDECAR(lens) \
    { \
        lens, \
            "SELECT v.row_id, v.layer, v.entropy_bits, v.top1, coalesce(v.p_top1, v.prob1) AS p_top1, " \
            "v.p_answer, v.answer_rank, v.kl_to_final_bits FROM v_pure v" \
            " WHERE v.model = ?1 AND v.is_main AND v.lens = '" lens "' ORDER BY v.layer", \
            0, 6, "output-%s-pure-next-token-" lens ".csv" \
    }
#define ONE_LENS " v.lens = 'norm'"

const struct ll_eval_source ll_eval_values[] = {
    {"model", "SELECT rm.stem" FROM_MODELS " WHERE ?1 IS NULL OR rm.stem = ?1 ORDER BY rm.id LIMIT 1", 0, 0,
     NULL},
    {"stem", "SELECT rm.stem" FROM_MODELS " WHERE ?1 IS NULL OR rm.stem = ?1 ORDER BY rm.id LIMIT 1", 0, 0,
     NULL},
    {"n_layers", "SELECT m.n_layers" FROM_MODELS " WHERE ?1 IS NULL OR rm.stem = ?1 ORDER BY rm.id LIMIT 1",
     0, 0, NULL},
    {"n_models", "SELECT count(*) FROM run_models WHERE status IN ('ok', 'unknown')", 0, 0, NULL},
    {"experiment", "SELECT coalesce(experiment, 'layers and logits') FROM runs LIMIT 1", 0, 0, NULL},
    {"prompt", "SELECT prompt_text FROM v_passes WHERE is_main AND (?1 IS NULL OR model = ?1) LIMIT 1", 0, 0,
     NULL},
    {NULL, NULL, 0, 0, NULL},
};

const struct ll_eval_source ll_eval_blocks[] = {
    {"facts",
     "SELECT r.stamp AS run, r.started_at, r.era, r.tool_version, r.seed, " MODEL_COLUMNS FROM_MODELS
     " WHERE rm.stem = ?1",
     1, 0, NULL},
    {"milestones",
     "SELECT s.*, s.L_semantic * 1.0 / s.n_layers AS L_semantic_frac FROM v_milestones s WHERE s.model = ?1 "
     "AND s.lens = 'norm' ORDER BY s.is_main DESC, s.pass",
     0, 1, "output-%s-pure-next-token.csv"},
    {"layers",
     "SELECT " LAYER_COLUMNS NEAR_MILESTONES " FROM v_pure v WHERE v.model = ?1 AND v.is_main AND" ONE_LENS
     " ORDER BY v.layer",
     0, 2, "output-%s-pure-next-token.csv"},
    {"passes",
     "SELECT pass_key, fact_key, prompt_id, prompt_variant, prompt_text, n_pos, gold_text, gold_first_id, "
     "gold_status FROM v_passes WHERE model = ?1 ORDER BY pass",
     0, 3, "output-%s.json"},
    {"control",
     "SELECT v.row_id, v.layer, v.entropy_bits, v.top1, coalesce(v.p_top1, v.prob1) AS p_top1, v.p_answer, "
     "v.answer_rank, v.control_margin FROM v_pure v"
     " WHERE v.model = ?1 AND v.prompt_id = 'ctl' AND" ONE_LENS " ORDER BY v.pass, v.layer",
     0, 4, "output-%s-pure-next-token.csv"},
    {"test_prompts",
     "SELECT t.nr, t.prompt, t.entropy_bits, t.top1, t.p_top1, t.topk FROM test_prompts t JOIN run_models rm "
     "ON rm.id = t.run_model WHERE rm.stem = ?1 ORDER BY t.nr",
     0, 5, "output-%s.json"},
    {"temperatures",
     "SELECT t.temperature, t.entropy_bits, t.top1, t.p_top1, t.topk FROM temperatures t JOIN run_models rm "
     "ON rm.id = t.run_model WHERE rm.stem = ?1 ORDER BY t.nr",
     0, 5, "output-%s.json"},
    {"rawlens",
     "SELECT (SELECT x.row_id FROM v_pure x WHERE x.pass = w.pass AND x.layer = w.layer LIMIT 1) AS row_id, "
     "w.* FROM rawlens w JOIN v_passes v ON v.pass = w.pass WHERE v.model = ?1 AND v.is_main ORDER BY "
     "w.layer",
     0, 6, "output-%s-pure-next-token-rawlens.csv"},
    SIDECAR("tuned"),
    SIDECAR("prism"),
    {"document",
     "SELECT d.key, d.json, length(d.json) AS _rank FROM diagnostics d JOIN run_models rm ON rm.id = "
     "d.run_model WHERE rm.stem = ?1 ORDER BY d.key",
     0, 7, "output-%s.json"},
    {"other_layers",
     "SELECT " LAYER_COLUMNS NEAR_MILESTONES
     " FROM v_pure v WHERE v.model = ?1 AND NOT v.is_main AND" ONE_LENS " ORDER BY v.pass, v.layer",
     0, 8, "output-%s-pure-next-token.csv"},
    {"records",
     "SELECT c.row_id, c.layer, c.pos, c.token, c.entropy_bits, c.top1, c.prob1, c.top2, c.prob2, "
     "c.rest_mass, p.n_pos - 1 - c.pos AS _rank"
     " FROM v_records c JOIN v_passes p ON p.pass = c.pass WHERE c.model = ?1 AND c.is_main ORDER BY "
     "c.layer, c.pos",
     0, 9, "output-%s-records.csv"},
    {"model_facts", "SELECT " MODEL_COLUMNS FROM_MODELS " ORDER BY rm.id", 0, 0, "output-%s.json"},
    {"all_milestones",
     "SELECT s.*, s.L_semantic * 1.0 / s.n_layers AS L_semantic_frac, NOT s.is_main AS _rank FROM "
     "v_milestones s WHERE s.lens = 'norm' ORDER BY s.model, s.is_main DESC, s.pass",
     0, 1, "output-%s-pure-next-token.csv"},
    {"all_control",
     "SELECT v.model, max(v.control_margin) AS max_control_margin, min(CASE WHEN v.control_margin > 0 THEN "
     "v.layer END) AS first_control_margin_pos"
     " FROM v_pure v WHERE v.prompt_id = 'ctl' AND" ONE_LENS " GROUP BY v.model, v.pass ORDER BY v.model",
     0, 2, "output-%s-pure-next-token.csv"},
    {"drops",
     "SELECT model, pass_key, layer - 1 AS from_layer, layer AS to_layer, before - entropy_bits AS "
     "drop_bits, before AS entropy_before_bits, entropy_bits AS entropy_after_bits FROM ("
     "SELECT v.*, lag(v.entropy_bits) OVER (PARTITION BY v.pass ORDER BY v.layer) AS before FROM v_pure v "
     "WHERE v.is_main AND" ONE_LENS ") WHERE before - entropy_bits > 1 ORDER BY model, drop_bits DESC",
     0, 3, "output-%s-pure-next-token.csv"},
    {"all_layers",
     "SELECT v.model, " LAYER_COLUMNS NEAR_MILESTONES " FROM v_pure v WHERE v.is_main AND" ONE_LENS
     " ORDER BY v.model, v.layer",
     0, 4, "output-%s-pure-next-token.csv"},
    {"provenance",
     "SELECT r.stamp AS run, f.name AS file, f.sha256, f.bytes, f.n_rows FROM files f JOIN runs r ON "
     "r.run_id = f.run LEFT JOIN run_models rm ON rm.id = f.run_model"
     " WHERE ?1 IS NULL OR rm.stem = ?1 ORDER BY f.name",
     0, 6, NULL},
    {NULL, NULL, 0, 0, NULL},
};
