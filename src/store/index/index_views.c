/* index_views.c - the views of the index, a row each: name, what it shows, how it is made. The documentation
 * prints the same list. */
#include "index_kinds.h"
#include "index_milestones.h"
#include "index_schema.h"
#include "rules.h"

#include <string.h>

/* One SELECT a rank; SQLite pushes conditions on place, rank and token into each. */
/* clang-format off */
#define PLACE "pass, lens_nr, layer, pos"
#define RANK(table, id, k) \
    "SELECT " id ", " #k " AS rank, tok" #k " AS tok, p" #k " AS prob" \
    " FROM " table " WHERE p" #k " IS NOT NULL"
#define AND(table, id, k) " UNION ALL\n    " RANK(table, id, k)
#define RANKS(table, id, first_id) \
    RANK(table, first_id, 1) AND(table, id, 2) AND(table, id, 3) AND(table, id, 4) AND(table, id, 5)
#define MORE_RANKS(more, id) \
    AND(more, id, 6) AND(more, id, 7) AND(more, id, 8) AND(more, id, 9) AND(more, id, 10) \
    AND(more, id, 11) AND(more, id, 12) AND(more, id, 13) AND(more, id, 14) AND(more, id, 15) \
    AND(more, id, 16) AND(more, id, 17) AND(more, id, 18) AND(more, id, 19) AND(more, id, 20)

#define PASS_COLUMNS \
    "v.run_id, v.stamp, v.era, v.model, v.n_layers, v.pass, v.pass_key, v.is_main," \
    " v.fact_key, v.fact_index, v.prompt_id, v.prompt_variant"
#define TOP_COLUMNS \
    "t1.text AS top1, c.p1 AS prob1, t2.text AS top2, c.p2 AS prob2, t3.text AS top3, c.p3 AS prob3,\n" \
    "    t4.text AS top4, c.p4 AS prob4, t5.text AS top5, c.p5 AS prob5"
#define TOP_JOINS \
    "\n    LEFT JOIN tokens t1 ON t1.id = c.tok1 LEFT JOIN tokens t2 ON t2.id = c.tok2" \
    " LEFT JOIN tokens t3 ON t3.id = c.tok3\n" \
    "    LEFT JOIN tokens t4 ON t4.id = c.tok4 LEFT JOIN tokens t5 ON t5.id = c.tok5"
/* The same sum in the same order as when the row was read: the very same number. */
#define P(k) " + coalesce(m.p" #k ", 0.0)"
#define SUM5 \
    "coalesce(c.p1, 0.0) + coalesce(c.p2, 0.0) + coalesce(c.p3, 0.0) + coalesce(c.p4, 0.0)" \
    " + coalesce(c.p5, 0.0)"
#define REST_MASS \
    "CASE WHEN c.rest_mass < 0 THEN NULL WHEN c.rest_mass IS NOT NULL THEN c.rest_mass" \
    " ELSE max(0.0, 1.0 - coalesce(\n" \
    "      (SELECT " SUM5 P(6) P(7) P(8) P(9) P(10) P(11) P(12) P(13) P(14) P(15) P(16) P(17) P(18) \
    P(19) P(20) "\n" \
    "        FROM records_more m" \
    " WHERE m.pass = c.pass AND m.lens_nr = c.lens_nr AND m.layer = c.layer AND m.pos = c.pos), " \
    SUM5 ")) END AS rest_mass"
#define RECORD_LENS LL_LENS_OF_NR("c.lens_nr")
#define ROW_ID "printf('%s:L%03d:P%04d', v.pass_key, c.layer, c.pos) AS row_id"
#define SHARE_KL_HIGH "avg(r.kl_norm_vs_raw_bits >= " LL_SAID(LL_RAW_KL_HIGH) ")"

/* Value at q of the sorted list of n values, linear between neighbours
 * (docs/experiment.md 4.7); nr counts from 0. */
#define PERCENTILE(value, q) \
    "sum(CASE nr - CAST((n - 1) * " q " AS INTEGER)" \
    " WHEN 0 THEN " value " * (1 - ((n - 1) * " q " - CAST((n - 1) * " q " AS INTEGER)))" \
    " WHEN 1 THEN " value " * ((n - 1) * " q " - CAST((n - 1) * " q " AS INTEGER)) END)"
#define IS_OWN_LENS(alias) alias ".lens IN ('norm', 'raw')"
/* clang-format on */

/* The columns that a table keeps under their own names. */
static void put_columns(struct ll_buf *sql, enum ll_shape shape)
{
    const struct ll_file_kind *k = ll_kind_of(shape);
    for (const struct ll_col *c = NULL; (c = ll_kind_next_col(k, c));)
        ll_buf_addf(sql, ", c.\"%s\"", c->name);
}

static void put_records(struct ll_buf *sql)
{
    ll_buf_adds(sql,
                "SELECT " PASS_COLUMNS ",\n    " RECORD_LENS " AS lens, c.layer, c.pos,"
                " t.token_id, t.text AS token, c.entropy_bits,\n    " TOP_COLUMNS ",\n    " REST_MASS);
    put_columns(sql, LL_SHAPE_RECORDS);
    ll_buf_adds(sql,
                ",\n    " ROW_ID "\n  FROM records c JOIN v_passes v ON v.pass = c.pass"
                " LEFT JOIN tokens t ON t.id = c.token" TOP_JOINS);
}

static void put_pure(struct ll_buf *sql)
{
    ll_buf_adds(sql,
                "SELECT c.id AS pure, " PASS_COLUMNS
                ",\n    c.lens, c.layer, c.pos, c.entropy_bits,\n    " TOP_COLUMNS);
    put_columns(sql, LL_SHAPE_PURE);
    ll_buf_adds(sql, ",\n    " ROW_ID "\n  FROM pure c JOIN v_passes v ON v.pass = c.pass" TOP_JOINS);
}

static void put_milestones(struct ll_buf *sql)
{
    ll_buf_adds(sql,
                "SELECT *, L_semantic - L_copy AS delta_layers FROM (\n  SELECT " PASS_COLUMNS ", c.lens");
    for (const struct ll_milestone *m = ll_milestone_list; m->name; m++)
        if (m->rule)
            ll_buf_addf(sql, ",\n    min(CASE WHEN %s THEN c.layer END) AS \"%s\"", m->rule, m->name);
    ll_buf_adds(sql, "\n  FROM v_passes v JOIN pure c ON c.pass = v.pass GROUP BY v.pass, c.lens)");
}

/* The wide view turned into rows; then the milestones that need more than the rows of one lens. */
static void put_milestone_list(struct ll_buf *sql)
{
    const char *sep = "";
    ll_buf_adds(sql, "SELECT m.pass, m.lens, n.column1 AS milestone, CASE n.column1");
    for (const struct ll_milestone *m = ll_milestone_list; m->name; m++)
        if (m->rule || !strcmp(m->name, "delta_layers"))
            ll_buf_addf(sql, " WHEN '%s' THEN m.\"%s\"", m->name, m->name);
    ll_buf_adds(sql, " END AS layer\n  FROM v_milestones m CROSS JOIN (VALUES ");
    for (const struct ll_milestone *m = ll_milestone_list; m->name; m++)
        if (m->rule || !strcmp(m->name, "delta_layers")) {
            ll_buf_addf(sql, "%s('%s')", sep, m->name);
            sep = ", ";
        }
    ll_buf_adds(
        sql,
        ") n\n"
        "  UNION ALL SELECT c.pass, c.lens, 'L_' || f.name,"
        " min(CASE WHEN c.flags >> f.bit & 1 THEN c.layer END)\n"
        "    FROM pure c JOIN flag_names f ON f.flag_set = c.flag_set GROUP BY c.pass, c.lens, f.name\n"
        "  UNION ALL SELECT x.pass, x.lens, n.column1,"
        " CASE n.column1 WHEN 'L_semantic_raw' THEN x.L_semantic_raw"
        " WHEN 'L_semantic_tuned' THEN x.L_semantic_tuned ELSE x.L_semantic_confirmed END\n"
        "    FROM v_confirmed x"
        " CROSS JOIN (VALUES ('L_semantic_raw'), ('L_semantic_tuned'), ('L_semantic_confirmed')) n"
        " WHERE x.has_raw OR x.has_tuned\n"
        "  UNION ALL SELECT x.pass, x.lens, n.column1,"
        " CASE n.column1 WHEN 'first_control_margin_pos' THEN x.first_control_margin_pos"
        " ELSE x.first_control_strong_pos END\n"
        "    FROM v_control x"
        " CROSS JOIN (VALUES ('first_control_margin_pos'), ('first_control_strong_pos')) n");
}

static void put_milestones_json(struct ll_buf *sql)
{
    ll_buf_adds(sql, "SELECT " PASS_COLUMNS);
    for (const struct ll_milestone *m = ll_milestone_list; m->name; m++)
        ll_buf_addf(sql, ",\n    max(CASE s.name WHEN '%s' THEN s.layer END) AS \"%s\"", m->name, m->name);
    ll_buf_adds(sql, "\n  FROM v_passes v JOIN stored_milestones s ON s.pass = v.pass GROUP BY v.pass");
}

/* clang-format off */
static const struct view { const char *name, *doc, *sql; void (*put)(struct ll_buf *); } views[] = {
    {"v_runs", "Runs, with is_newest: the newest of its era.",
     "SELECT r.*, row_number() OVER (PARTITION BY era"
     " ORDER BY stamp DESC, started_at DESC, run_id DESC) = 1 AS is_newest FROM runs r", NULL},
    {"topk", "Listed tokens of records: (pass, lens, layer, pos, rank, token_id, token, prob).",
     "SELECT t.pass, " LL_LENS_OF_NR("t.lens_nr") " AS lens, t.layer, t.pos, t.rank, k.token_id,"
     " k.text AS token, t.prob FROM (\n"
     "    " RANKS("records", PLACE, PLACE) MORE_RANKS("records_more", PLACE) ") t"
     " LEFT JOIN tokens k ON k.id = t.tok", NULL},
    {"pure_topk", "Listed tokens of pure rows: (pure, rank, token_id, token, prob).",
     "SELECT t.pure, t.rank, k.token_id, k.text AS token, t.prob FROM (\n"
     "    " RANKS("pure", "id", "id AS pure") MORE_RANKS("pure_more", "pure") ") t"
     " LEFT JOIN tokens k ON k.id = t.tok", NULL},
    {"pure_flags", "Copy flags of pure rows: (pure, name, value); a row for each flag that its file gives.",
     "SELECT c.id AS pure, f.name, c.flags >> f.bit & 1 AS value"
     " FROM pure c JOIN flag_names f ON f.flag_set = c.flag_set WHERE NOT c.flags_null >> f.bit & 1", NULL},
    {"v_passes", "Passes with their run and model; the other views take these columns from here.",
     "SELECT p.id AS pass, rm.run AS run_id, r.stamp, r.folder, r.era, rm.id AS run_model, m.model_id,"
     " rm.stem AS model, m.n_layers, m.d_vocab,\n"
     "    p.pass_key, p.is_main, p.fact_key, p.fact_index, p.prompt_id, p.prompt_variant, p.prompt_text,"
     " p.n_pos,\n"
     "    p.gold_text, p.gold_first_id, p.gold_status\n"
     "  FROM passes p JOIN run_models rm ON rm.id = p.run_model JOIN runs r ON r.run_id = rm.run"
     " JOIN models m ON m.id = rm.model", NULL},
    {"v_records", "records with token texts, rest_mass and row_id.", NULL, put_records},
    {"v_pure", "pure with token texts and row_id.", NULL, put_pure},
    {"v_rawlens", "rawlens with its pass: raw lens beside norm lens, every row.",
     "SELECT " PASS_COLUMNS ", c.* FROM rawlens c JOIN v_passes v ON v.pass = c.pass", NULL},
    {"v_answers", "answers with their pass and its gold answer.",
     "SELECT " PASS_COLUMNS ", v.gold_text, c.* FROM answers c JOIN v_passes v ON v.pass = c.pass", NULL},
    {"v_milestones", "Summary layers recomputed from the rows: one row a pass and lens, a column each.",
    NULL, put_milestones},
    {"v_confirmed",
     "First row of rank 1 under the norm, raw and tuned lens;"
     " L_semantic_confirmed where raw or tuned agree within 2 layers.",
     "SELECT *, CASE WHEN raw_near OR tuned_near THEN L_semantic END AS L_semantic_confirmed,\n"
     "    CASE WHEN raw_near AND tuned_near THEN 'both' WHEN raw_near THEN 'raw' WHEN tuned_near THEN 'tuned'"
     " ELSE 'none' END AS confirmed_source FROM (\n"
     "  SELECT s.*, EXISTS (SELECT 1 FROM rawlens w WHERE w.pass = s.pass) AS has_raw,"
     " EXISTS (SELECT 1 FROM pure t WHERE t.pass = s.pass AND t.lens = 'tuned') AS has_tuned,\n"
     "    (SELECT min(w.layer)"
     " FROM rawlens w WHERE w.pass = s.pass AND w.answer_rank_raw = 1) AS L_semantic_raw,\n"
     "    (SELECT min(t.layer)"
     " FROM pure t WHERE t.pass = s.pass AND t.lens = 'tuned' AND t.answer_rank = 1) AS L_semantic_tuned,\n"
     "    EXISTS (SELECT 1 FROM rawlens w WHERE w.pass = s.pass"
     " AND w.layer BETWEEN s.L_semantic - 2 AND s.L_semantic + 2 AND w.answer_rank_raw = 1) AS raw_near,\n"
     "    EXISTS (SELECT 1 FROM pure t WHERE t.pass = s.pass AND t.lens = 'tuned'"
     " AND t.layer BETWEEN s.L_semantic - 2 AND s.L_semantic + 2 AND t.answer_rank = 1) AS tuned_near\n"
     "  FROM (SELECT " PASS_COLUMNS ", c.lens, min(CASE WHEN c.is_answer THEN c.layer END) AS L_semantic"
     " FROM v_passes v JOIN pure c ON c.pass = v.pass WHERE " IS_OWN_LENS("c")
     " GROUP BY v.pass, c.lens) s)", NULL},
    {"v_control",
     "Control prompts: where the margin of the control's answer over the probe's turns positive and strong.",
     "SELECT " PASS_COLUMNS ", c.lens,\n"
     "    min(CASE WHEN c.control_margin > 0 THEN c.layer END) AS first_control_margin_pos,"
     " max(c.control_margin) AS max_control_margin,\n"
     "    max(CASE WHEN c.layer = v.n_layers THEN c.control_margin END) AS last_layer_control_margin,\n"
     "    min(CASE WHEN c.control_margin > 0 AND c.answer_logit_gap >= " LL_SAID(LL_TOP2_GAP)
     " THEN c.layer END) AS first_control_strong_pos, max(c.answer_logit_gap) AS max_control_top2_logit_gap\n"
     "  FROM v_passes v JOIN pure c ON c.pass = v.pass"
     " WHERE c.control_margin IS NOT NULL AND " IS_OWN_LENS("c") " GROUP BY v.pass, c.lens", NULL},
    {"v_milestone_list",
     "The same as rows (pass, lens, milestone, layer), with the copy flags (L_copy_strict@"
     LL_SAID(LL_COPY_THRESHOLD) ", ...),"
     " the confirmed layer and the control.",
    NULL, put_milestone_list},
    {"v_milestones_json", "The milestones as the JSON files say them, a column each.", NULL,
    put_milestones_json},
    {"v_milestone_conflicts",
     "Milestones that the JSON file states and the rows do not bear out, or the other way round.",
     "SELECT " PASS_COLUMNS ", r.lens, s.name AS milestone, s.layer AS stored, r.layer AS recomputed\n"
     "  FROM stored_milestones s JOIN v_milestone_list r ON r.pass = s.pass AND r.milestone = s.name"
     " JOIN v_passes v ON v.pass = s.pass\n"
     "  WHERE " IS_OWN_LENS("r") " AND s.layer IS NOT r.layer", NULL},
    {"v_micro_suite",
     "The facts in their original wording, one row a model:"
     " first semantic layer, its median, how many have none.",
     "SELECT run_id, stamp, era, model, n_layers, lens, n AS n_facts, n - known AS n_missing,\n"
     "    avg(CASE WHEN L_semantic IS NOT NULL"
     " AND nr IN ((known + 1) / 2, (known + 2) / 2) THEN L_semantic END) AS L_semantic_median,\n"
     "    min(L_semantic) AS L_semantic_min, max(L_semantic) AS L_semantic_max FROM (\n"
     "    SELECT m.*, count(*) OVER g AS n, count(m.L_semantic) OVER g AS known,\n"
     "      row_number() OVER (PARTITION BY m.run_id, m.model, m.lens"
     " ORDER BY m.L_semantic IS NULL, m.L_semantic) AS nr\n"
     "    FROM (SELECT v.run_id, v.stamp, v.era, v.model, v.n_layers, c.lens,"
     " min(CASE WHEN c.is_answer THEN c.layer END) AS L_semantic\n"
     "      FROM v_passes v JOIN pure c ON c.pass = v.pass WHERE v.fact_index IS NOT NULL"
     " AND v.prompt_variant = 'orig' AND " IS_OWN_LENS("c") " GROUP BY v.pass, c.lens) m\n"
     "    WINDOW g AS (PARTITION BY m.run_id, m.model, m.lens)) GROUP BY run_id, model, lens", NULL},
    {"v_ablation",
     "A fact's original wording beside its other wordings: layers of copy and meaning, and their shift.",
     "SELECT b.run_id, b.stamp, b.era, b.model, b.n_layers, b.fact_key, b.fact_index, b.prompt_variant,"
     " b.lens, a.L_copy AS L_copy_orig, a.L_semantic AS L_sem_orig,\n"
     "    b.L_copy AS L_copy_nf, b.L_semantic AS L_sem_nf, b.L_copy - a.L_copy AS delta_L_copy,"
     " b.L_semantic - a.L_semantic AS delta_L_sem, b.is_main OR a.is_main AS is_main\n"
     "  FROM v_milestones b JOIN v_milestones a ON a.run_id = b.run_id AND a.model = b.model"
     " AND a.fact_index = b.fact_index AND a.lens = b.lens\n"
     "    AND a.prompt_id = b.prompt_id AND a.prompt_variant = 'orig'"
     " WHERE b.prompt_variant <> 'orig' AND " IS_OWN_LENS("b"), NULL},
    {"v_entropy_gap", "Percentiles over the rows of entropy_bits - teacher_entropy_bits.",
     "SELECT " PASS_COLUMNS ", g.lens, " PERCENTILE("g.gap", LL_SAID(LL_P25)) " AS p25, "
     PERCENTILE("g.gap", LL_SAID(LL_P50)) " AS p50,\n"
     "    " PERCENTILE("g.gap", LL_SAID(LL_P75)) " AS p75\n"
     "  FROM v_passes v JOIN (SELECT pass, lens, entropy_bits - teacher_entropy_bits AS gap,"
     " count(*) OVER (PARTITION BY pass, lens) AS n,\n"
     "    row_number() OVER (PARTITION BY pass, lens ORDER BY entropy_bits - teacher_entropy_bits)"
     " - 1 AS nr\n"
     "    FROM pure WHERE teacher_entropy_bits IS NOT NULL AND entropy_bits IS NOT NULL) g ON g.pass = v.pass"
     " GROUP BY v.pass, g.lens", NULL},
    {"v_artifact",
     "Artefact score of the raw lens beside the norm lens, recomputed from rawlens;"
     " the tier the audit file says beside it.",
     "SELECT *, CASE WHEN lens_artifact_score < " LL_SAID(LL_ARTIFACT_LOW) " THEN 'low'"
     " WHEN lens_artifact_score <= " LL_SAID(LL_ARTIFACT_HIGH) " THEN 'medium' ELSE 'high' END AS tier,\n"
     "    min(1.0, max(0.0, lens_artifact_score"
     " + " LL_SAID(LL_ARTIFACT_JS) " * min(1.0, js_p50 / " LL_SAID(LL_ARTIFACT_JS_FULL) ")"
     " + " LL_SAID(LL_ARTIFACT_L1) " * min(1.0, l1_p50 / " LL_SAID(LL_ARTIFACT_L1_FULL) ")))"
     " AS lens_artifact_score_v2,\n"
     "    (SELECT a.risk_tier FROM artifact_audit a"
     " WHERE a.run_model = x.run_model AND a.layer IS NULL AND x.is_main) AS stored_tier FROM (\n"
     "  SELECT " PASS_COLUMNS ", v.run_model,"
     " " LL_SAID(LL_ARTIFACT_PCT_KL) " * " SHARE_KL_HIGH
     " + " LL_SAID(LL_ARTIFACT_NORM_ONLY) " * (sum(r.norm_only_semantics) > 0)"
     " + " LL_SAID(LL_ARTIFACT_MAX_KL) " * min(1.0, max(r.kl_norm_vs_raw_bits) / "
     LL_SAID(LL_ARTIFACT_KL_FULL) ") AS lens_artifact_score,\n"
     "    " SHARE_KL_HIGH " AS share_kl_ge_1, sum(r.norm_only_semantics) AS n_norm_only,"
     " max(r.kl_norm_vs_raw_bits) AS max_kl_norm_vs_raw_bits,\n"
     "    avg(CASE WHEN r.js_nr IN ((r.n + 1) / 2, (r.n + 2) / 2) THEN r.js_divergence END) AS js_p50,"
     " avg(CASE WHEN r.l1_nr IN ((r.n + 1) / 2, (r.n + 2) / 2) THEN r.l1_prob_diff END) AS l1_p50\n"
     "  FROM v_passes v JOIN (SELECT pass, kl_norm_vs_raw_bits, norm_only_semantics, js_divergence,"
     " l1_prob_diff, count(*) OVER (PARTITION BY pass) AS n,\n"
     "    row_number() OVER (PARTITION BY pass ORDER BY js_divergence) AS js_nr,"
     " row_number() OVER (PARTITION BY pass ORDER BY l1_prob_diff) AS l1_nr"
     " FROM rawlens) r ON r.pass = v.pass\n"
     "  GROUP BY v.pass) x", NULL},
    {"v_lens_gain",
     "Sidecar lenses (prism, tuned) beside the run's own, row by row: gain_bits > 0:"
     " nearer to the final distribution.",
     "SELECT " PASS_COLUMNS ", a.lens, a.layer, n.kl_to_final_bits AS kl_own_bits,"
     " a.kl_to_final_bits AS kl_lens_bits, n.kl_to_final_bits - a.kl_to_final_bits AS gain_bits,\n"
     "    n.answer_rank AS rank_own, a.answer_rank AS rank_lens, n.entropy_bits AS entropy_own_bits,"
     " a.entropy_bits AS entropy_lens_bits\n"
     "  FROM pure a JOIN pure n ON n.pass = a.pass AND n.lens = 'norm' AND n.layer = a.layer"
     " JOIN v_passes v ON v.pass = a.pass WHERE a.lens IN ('prism', 'tuned')", NULL},
};
/* clang-format on */
enum { N_VIEWS = sizeof views / sizeof views[0] };

void ll_index_put_views(struct ll_buf *sql)
{
    for (int i = 0; i < N_VIEWS; i++) {
        ll_buf_addf(sql, "CREATE VIEW %s AS -- %s\n  ", views[i].name, views[i].doc);
        if (views[i].put)
            views[i].put(sql);
        else
            ll_buf_adds(sql, views[i].sql);
        ll_buf_adds(sql, ";\n");
    }
}

void ll_index_put_view_docs(struct ll_buf *out)
{
    for (int i = 0; i < N_VIEWS; i++)
        ll_buf_addf(out, "| %s | %s |\n", views[i].name, views[i].doc);
}
