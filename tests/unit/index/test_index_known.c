/* test_index_known.c - both eras of the original's runs into a fresh index: every fact of
 * ../shared/data/runs/known-facts.json by SQL, the conflicts, and a second import that changes nothing. The
 * facts were derived from the CSV files by another program. */
#include "unit/base/files.h"
#include "index.h"
#include "sha256.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <sqlite3.h>

#define RUNS LL_SHARED_DIR "/data/runs"

/* ---- facts and the SQL that must give them: :e era, :m model --------------------------------- */
#define OF " era = :e AND model = :m"
#define BASE OF " AND is_main AND lens = 'norm'"
#define PURE "FROM v_pure WHERE" BASE
#define LAST PURE " AND layer = n_layers"
#define LAYER_OF(name) "(SELECT \"" name "\" FROM v_milestones WHERE" BASE ")"
#define MILESTONE(name) "SELECT \"" name "\" FROM v_milestones WHERE" BASE
#define LISTED(name) \
    "SELECT x.layer FROM v_milestone_list x JOIN v_passes v ON v.pass = x.pass WHERE v.era = :e AND " \
    "v.model = :m AND v.is_main AND x.lens = 'norm' AND x.milestone = '" name "'"
#define STORED(name) \
    "SELECT layer FROM stored_milestones s JOIN v_passes v ON v.pass = s.pass WHERE" OF \
    " AND is_main AND name = '" name "'"
#define MODEL(what) \
    "SELECT " what " FROM run_models rm JOIN runs r ON r.run_id = rm.run JOIN models m ON m.id = rm.model " \
    "WHERE r.era = :e AND rm.stem = :m"
#define RM "(" MODEL("rm.id") ")"
#define LEAF "replace(r.folder, rtrim(r.folder, replace(r.folder, '/', '')), '')"
#define FILE_OF(what, end) \
    "SELECT " what \
    " FROM files f JOIN runs r ON r.run_id = f.run WHERE r.era = :e AND f.name = 'output-' || :m || '" end \
    "' AND f.problem IS NULL"
#define PATH_OF(end) FILE_OF("'001_layers_baseline/' || " LEAF " || '/' || f.name", end)
#define TEMPERATURE(t, what) "SELECT " what " FROM temperatures WHERE temperature = " t " AND run_model = " RM
#define DROPS \
    "(SELECT layer, lag(layer) OVER (ORDER BY layer) AS before, lag(entropy_bits) OVER (ORDER BY layer) - " \
    "entropy_bits AS bits " PURE ") ORDER BY bits DESC, layer LIMIT 1"
#define ANSWER_ABOVE(p) "SELECT min(layer) " PURE " AND is_answer AND prob1 > " p
#define ABLATION(what) "SELECT " what " FROM v_ablation WHERE" BASE
#define CONTROL(what) "SELECT " what " FROM v_control WHERE" OF
#define RECORD_PASSES "(SELECT pass FROM v_passes WHERE" OF ")"
#define MAIN_PASS "(SELECT pass FROM v_passes WHERE" OF " AND is_main)"
#define MAIN_RECORDS "FROM records WHERE pass = " MAIN_PASS
/* Fields of the file, one each cell: the row's own token and all that are listed. */
#define IN5(a, b, c, d, e) \
    "(tok" #a " IN w) + (tok" #b " IN w) + (tok" #c " IN w) + (tok" #d " IN w) + (tok" #e " IN w)"
#define FIELDS_WITH(c) \
    "WITH w AS MATERIALIZED (SELECT id FROM tokens WHERE instr(CAST(text AS BLOB), " c \
    ")), p AS MATERIALIZED " RECORD_PASSES \
    " SELECT (SELECT sum((token IN w) + ifnull(tok1 IN w, 0) + ifnull(tok2 IN w, 0) + ifnull(tok3 IN w, 0) " \
    "+ ifnull(tok4 IN w, 0) + ifnull(tok5 IN w, 0)) FROM records WHERE pass IN p)" \
    " + (SELECT sum(" IN5(6, 7, 8, 9, 10) " + " IN5(11, 12, 13, 14, \
                                                    15) " + " IN5(16, 17, 18, 19, \
                                                                  20) ") FROM records_more WHERE pass IN p)"
#define BY_DEPTH \
    "SELECT json_group_array(json_array(model, depth)) FROM (SELECT model, round(1.0 * L_semantic / " \
    "n_layers, 3) AS depth FROM v_milestones WHERE era = :e AND is_main AND lens = 'norm' ORDER BY depth, " \
    "model)"

enum how { EXACT, CELL, COMPUTED, JSON };
static const struct fact {
    const char *path, *sql;
    enum how how;
} facts[] = {
    {"run", MODEL(LEAF), EXACT},
    {"paths.json", PATH_OF(".json"), EXACT},
    {"paths.pure", PATH_OF("-pure-next-token.csv"), EXACT},
    {"paths.records", PATH_OF("-records.csv"), EXACT},
    {"json.model_id", MODEL("model_id"), EXACT},
    {"json.device", MODEL("device"), EXACT},
    {"json.unembed_dtype", MODEL("unembed_dtype"), EXACT},
    {"json.use_norm_lens", MODEL("use_norm_lens"), EXACT},
    {"json.use_fp32_unembed", MODEL("use_fp32_unembed"), EXACT},
    {"json.model_stats.num_layers", MODEL("n_layers"), EXACT},
    {"json.model_stats.d_model", MODEL("d_model"), EXACT},
    {"json.model_stats.n_heads", MODEL("n_heads"), EXACT},
    {"json.model_stats.d_vocab", MODEL("d_vocab"), EXACT},
    {"json.model_stats.n_ctx", MODEL("n_ctx"), EXACT},
    {"json.model_stats.architecture", MODEL("architecture"), EXACT},
    {"json.final_prediction.entropy_bits", MODEL("final_entropy_bits"), CELL},
    {"json.final_prediction.top1", MODEL("final_top1"), EXACT},
    {"json.final_prediction.p_top1", MODEL("final_p_top1"), CELL},
    {"json.test_prompt_count", "SELECT count(*) FROM test_prompts WHERE run_model = " RM, EXACT},
    {"json.leak_probe_top1",
     "SELECT top1 FROM test_prompts WHERE nr = 0 AND prompt = 'Berlin is the capital of' AND run_model = " RM,
     EXACT},
    {"json.leak_probe_entropy_bits", "SELECT entropy_bits FROM test_prompts WHERE nr = 0 AND run_model = " RM,
     CELL},
    {"json.temperature.0.1.entropy_bits", TEMPERATURE("0.1", "entropy_bits"), CELL},
    {"json.temperature.0.1.top1", TEMPERATURE("0.1", "top1"), EXACT},
    {"json.temperature.0.1.p_top1", TEMPERATURE("0.1", "p_top1"), CELL},
    {"json.temperature.2.0.entropy_bits", TEMPERATURE("2.0", "entropy_bits"), CELL},
    {"json.temperature.2.0.top1", TEMPERATURE("2.0", "top1"), EXACT},
    {"json.temperature.2.0.p_top1", TEMPERATURE("2.0", "p_top1"), CELL},
    {"json.diagnostics.L_copy", STORED("L_copy"), EXACT},
    {"json.diagnostics.L_copy_H", STORED("L_copy_H"), EXACT},
    {"json.diagnostics.L_semantic", STORED("L_semantic"), EXACT},
    {"json.diagnostics.delta_layers", STORED("delta_layers"), EXACT},

    {"pure.columns", FILE_OF("n_columns", "-pure-next-token.csv"), EXACT},
    {"pure.rows", FILE_OF("n_rows", "-pure-next-token.csv"), EXACT},
    {"pure.groups", "SELECT count(DISTINCT pass) FROM v_pure WHERE lens = 'norm' AND" OF, EXACT},
    {"pure.baseline.rows", "SELECT count(*) " PURE, EXACT},
    {"pure.baseline.first_layer", "SELECT min(layer) " PURE, EXACT},
    {"pure.baseline.n_layers", "SELECT max(layer) " PURE, EXACT},
    {"pure.baseline.L_copy", MILESTONE("L_copy"), EXACT},
    {"pure.baseline.L_copy_H", MILESTONE("L_copy_H"), EXACT},
    {"pure.baseline.L_semantic", MILESTONE("L_semantic"), EXACT},
    {"pure.baseline.delta_layers", MILESTONE("delta_layers"), EXACT},
    {"pure.baseline.L_semantic_frac",
     "SELECT round(1.0 * L_semantic / n_layers, 3) FROM v_milestones WHERE" BASE, CELL},
    {"pure.baseline.copy_reflex_layers_0_3", "SELECT max(copy_collapse) " PURE " AND layer <= 3", EXACT},
    {"pure.baseline.copy_collapse_row_count", "SELECT sum(copy_collapse) " PURE, EXACT},
    {"pure.baseline.is_answer_row_count", "SELECT sum(is_answer) " PURE, EXACT},
    {"pure.baseline.final_entropy_bits", "SELECT entropy_bits " LAST, CELL},
    {"pure.baseline.final_top1", "SELECT top1 " LAST, EXACT},
    {"pure.baseline.final_p_top1", "SELECT prob1 " LAST, CELL},
    {"pure.baseline.entropy_layer0_bits", "SELECT entropy_bits " PURE " AND layer = 0", CELL},
    {"pure.baseline.entropy_max.layer", "SELECT layer " PURE " ORDER BY entropy_bits DESC, layer LIMIT 1",
     EXACT},
    {"pure.baseline.entropy_max.bits", "SELECT max(entropy_bits) " PURE, CELL},
    {"pure.baseline.entropy_min.layer", "SELECT layer " PURE " ORDER BY entropy_bits, layer LIMIT 1", EXACT},
    {"pure.baseline.entropy_min.bits", "SELECT min(entropy_bits) " PURE, CELL},
    {"pure.baseline.largest_entropy_drop.from_layer", "SELECT before FROM " DROPS, EXACT},
    {"pure.baseline.largest_entropy_drop.to_layer", "SELECT layer FROM " DROPS, EXACT},
    {"pure.baseline.largest_entropy_drop.bits", "SELECT bits FROM " DROPS, COMPUTED},
    {"pure.baseline.delta_H_copy_minus_semantic_bits",
     "SELECT (SELECT entropy_bits " PURE " AND layer = " LAYER_OF(
         "L_copy") ") - (SELECT entropy_bits " PURE " AND layer = " LAYER_OF("L_semantic") ")",
     COMPUTED},
    {"pure.baseline.first_layer_answer_p_gt_0.30", ANSWER_ABOVE("0.30"), EXACT},
    {"pure.baseline.first_layer_answer_p_gt_0.60", ANSWER_ABOVE("0.60"), EXACT},
    {"pure.baseline.first_layer_answer_string_in_top5",
     "SELECT min(layer) " PURE
     " AND 'Berlin' IN (trim(top1), trim(top2), trim(top3), trim(top4), trim(top5))",
     EXACT},
    {"pure.baseline.rest_mass_max_from_L_semantic",
     "SELECT max(rest_mass) " PURE " AND layer >= " LAYER_OF("L_semantic"), CELL},

    {"pure.baseline_late.first_kl_below_0.5", MILESTONE("first_kl_below_0.5"), EXACT},
    {"pure.baseline_late.first_kl_below_1.0", MILESTONE("first_kl_below_1.0"), EXACT},
    {"pure.baseline_late.first_rank_le_1", MILESTONE("first_rank_le_1"), EXACT},
    {"pure.baseline_late.first_rank_le_5", MILESTONE("first_rank_le_5"), EXACT},
    {"pure.baseline_late.first_rank_le_10", MILESTONE("first_rank_le_10"), EXACT},
    {"pure.baseline_late.L_copy_strict.0.7", LISTED("L_copy_strict@0.7"), EXACT},
    {"pure.baseline_late.L_copy_strict.0.8", LISTED("L_copy_strict@0.8"), EXACT},
    {"pure.baseline_late.L_copy_strict.0.9", LISTED("L_copy_strict@0.9"), EXACT},
    {"pure.baseline_late.L_copy_strict.0.95", LISTED("L_copy_strict@0.95"), EXACT},
    {"pure.baseline_late.L_copy_soft@0.5.k1", LISTED("L_copy_soft_k1@0.5"), EXACT},
    {"pure.baseline_late.L_copy_soft@0.5.k2", LISTED("L_copy_soft_k2@0.5"), EXACT},
    {"pure.baseline_late.L_copy_soft@0.5.k3", LISTED("L_copy_soft_k3@0.5"), EXACT},
    {"pure.baseline_late.L_semantic_margin_ok", MILESTONE("L_semantic_margin_ok"), EXACT},
    {"pure.baseline_late.L_semantic_run2", MILESTONE("L_semantic_run2"), EXACT},
    {"pure.baseline_late.L_semantic_top2_ok", MILESTONE("L_semantic_top2_ok"), EXACT},
    {"pure.baseline_late.L_semantic_strong", MILESTONE("L_semantic_strong"), EXACT},
    {"pure.baseline_late.L_semantic_strong_run2", MILESTONE("L_semantic_strong_run2"), EXACT},
    {"pure.baseline_late.L_surface_to_meaning", MILESTONE("L_surface_to_meaning"), EXACT},
    {"pure.baseline_late.L_geom", MILESTONE("L_geom"), EXACT},
    {"pure.baseline_late.L_topk_decay", MILESTONE("L_topk_decay"), EXACT},
    {"pure.baseline_late.cos_milestones.ge_0.2", MILESTONE("cos_ge_0.2"), EXACT},
    {"pure.baseline_late.cos_milestones.ge_0.4", MILESTONE("cos_ge_0.4"), EXACT},
    {"pure.baseline_late.cos_milestones.ge_0.6", MILESTONE("cos_ge_0.6"), EXACT},
    {"pure.baseline_late.teacher_entropy_bits", "SELECT max(teacher_entropy_bits) " PURE, CELL},
    {"pure.baseline_late.entropy_gap_bits.p25", "SELECT p25 FROM v_entropy_gap WHERE" BASE, COMPUTED},
    {"pure.baseline_late.entropy_gap_bits.p50", "SELECT p50 FROM v_entropy_gap WHERE" BASE, COMPUTED},
    {"pure.baseline_late.entropy_gap_bits.p75", "SELECT p75 FROM v_entropy_gap WHERE" BASE, COMPUTED},
    {"pure.baseline_late.kl_to_final_bits_last_layer", "SELECT kl_to_final_bits " LAST, CELL},
    {"pure.baseline_late.resid_norm_ratio_layer0", "SELECT resid_norm_ratio " PURE " AND layer = 0", CELL},
    {"pure.baseline_late.delta_resid_cos_last_layer", "SELECT delta_resid_cos " LAST, CELL},
    {"pure.baseline_late.n_layers", MODEL("n_layers"), EXACT},

    {"pure.ablation.L_copy_orig", ABLATION("L_copy_orig"), EXACT},
    {"pure.ablation.L_sem_orig", ABLATION("L_sem_orig"), EXACT},
    {"pure.ablation.L_copy_nf", ABLATION("L_copy_nf"), EXACT},
    {"pure.ablation.L_sem_nf", ABLATION("L_sem_nf"), EXACT},
    {"pure.ablation.delta_L_copy", ABLATION("delta_L_copy"), EXACT},
    {"pure.ablation.delta_L_sem", ABLATION("delta_L_sem"), EXACT},
    {"pure.control.first_control_margin_pos", CONTROL("first_control_margin_pos"), EXACT},
    {"pure.control.max_control_margin", CONTROL("max_control_margin"), CELL},
    {"pure.control.last_layer_control_margin", CONTROL("last_layer_control_margin"), CELL},
    {"pure.control.first_control_strong_pos", CONTROL("first_control_strong_pos"), EXACT},
    {"pure.control.max_control_top2_logit_gap", CONTROL("max_control_top2_logit_gap"), CELL},
    {"pure.micro_suite.L_semantic",
     "SELECT json_group_object(fact_key, L_semantic) FROM v_milestones WHERE lens = 'norm' AND "
     "prompt_variant = 'orig' AND fact_index IS NOT NULL AND" OF,
     JSON},
    {"pure.micro_suite.median", "SELECT L_semantic_median FROM v_micro_suite WHERE" OF, CELL},
    {"pure.micro_suite.n_missing", "SELECT n_missing FROM v_micro_suite WHERE" OF, EXACT},

    /* the original leaves the gap thresholds null, too (docs/experiment.md 16.2); the list of facts names the
       gates only */
    {"csv_vs_json_differences",
     "SELECT json_group_object(milestone, json_object('csv', recomputed, 'json', stored)) FROM "
     "v_milestone_conflicts WHERE milestone NOT LIKE 'gap_ge_%' AND" OF,
     JSON},

    {"records.columns", FILE_OF("n_columns", "-records.csv"), EXACT},
    {"records.rows", FILE_OF("n_rows", "-records.csv"), EXACT},
    {"records.groups", "SELECT count(DISTINCT pass) FROM records WHERE pass IN " RECORD_PASSES, EXACT},
    {"records.baseline_rows", "SELECT count(*) " MAIN_RECORDS, EXACT},
    {"records.prompt_positions", "SELECT count(DISTINCT pos) " MAIN_RECORDS, EXACT},
    {"records.baseline_rows_with_20_topk", "SELECT count(*) FROM topk WHERE rank = 20 AND pass = " MAIN_PASS,
     EXACT},
    {"records.baseline_rows_with_5_topk",
     "SELECT (SELECT count(*) FROM topk WHERE rank = 5 AND pass = " MAIN_PASS
     ") - (SELECT count(*) FROM topk WHERE rank = 6 AND pass = " MAIN_PASS ")",
     EXACT},
    {"records.tokens_layer0",
     "SELECT json_group_array(token) FROM (SELECT token FROM v_records WHERE" BASE
     " AND layer = 0 ORDER BY pos)",
     JSON},
    {"records.mean_entropy_baseline", "SELECT avg(entropy_bits) " MAIN_RECORDS, COMPUTED},
    {"records.entropy_last_pos_last_layer",
     "SELECT entropy_bits FROM v_records WHERE" BASE " AND layer = n_layers ORDER BY pos DESC LIMIT 1", CELL},
    {"records.first_layer_Berlin_in_top20_last_pos",
     "SELECT min(layer) FROM topk WHERE pass = " MAIN_PASS " AND pos = (SELECT max(pos) " MAIN_RECORDS
     ") AND trim(token) = 'Berlin'",
     EXACT},
    {"records.fields_with_newline", FIELDS_WITH("x'0a'"), EXACT},
    {"records.fields_with_carriage_return", FIELDS_WITH("x'0d'"), EXACT},
    {"records.fields_with_quote", FIELDS_WITH("x'22'"), EXACT},
    {"records.fields_with_comma", FIELDS_WITH("x'2c'"), EXACT},
    {"records.fields_with_backslash", FIELDS_WITH("x'5c'"), EXACT},
    {"records.fields_with_nul", FIELDS_WITH("x'00'"), EXACT},
};
static const struct fact cross[] = {
    {"by_relative_semantic_depth", BY_DEPTH, JSON},
    {"with_copy_reflex",
     "SELECT json_group_array(model) FROM (SELECT DISTINCT model FROM v_pure WHERE era = :e AND is_main AND "
     "lens = 'norm' AND layer <= 3 AND copy_collapse ORDER BY model)",
     JSON},
    {"by_final_entropy_bits",
     "SELECT json_group_array(json_array(model, entropy_bits)) FROM (SELECT model, entropy_bits FROM v_pure "
     "WHERE era = :e AND is_main AND lens = 'norm' AND layer = n_layers ORDER BY entropy_bits)",
     JSON},
    {"total_pure_rows", "SELECT count(*) FROM v_pure WHERE era = :e AND lens = 'norm'", EXACT},
    {"total_records_rows_present", "SELECT count(*) FROM v_records WHERE era = :e AND lens = 'norm'", EXACT},
    {"late_meaning_ge_0.70_depth",
     "SELECT json_group_array(model) FROM (SELECT model FROM v_milestones WHERE era = :e AND is_main AND "
     "lens = 'norm' AND 1.0 * L_semantic / n_layers >= 0.70 ORDER BY model)",
     JSON},
};

/* ---- comparing ------------------------------------------------------------------------------- */
static int n_compared;

static int is_near(double a, double b, enum how how)
{
    double d = fabs(a - b);
    return how == EXACT ? d == 0 : how == COMPUTED ? d <= 1e-9 : d <= 1e-15 || d <= 1e-12 * fabs(b);
}

/* Numbers within tolerance, all else equal. */
static int is_same_json(const cJSON *a, const cJSON *b)
{
    if (cJSON_IsNumber(a) && cJSON_IsNumber(b))
        return is_near(a->valuedouble, b->valuedouble, CELL);
    if (!cJSON_IsArray(a) && !cJSON_IsObject(a))
        return cJSON_Compare(a, b, 1);
    if (a->type != b->type || cJSON_GetArraySize(a) != cJSON_GetArraySize(b))
        return 0;
    const cJSON *x;
    int i = 0;
    cJSON_ArrayForEach(x, a)
    {
        const cJSON *y =
            cJSON_IsObject(a) ? cJSON_GetObjectItemCaseSensitive(b, x->string) : cJSON_GetArrayItem(b, i++);
        if (!y || !is_same_json(x, y))
            return 0;
    }
    return 1;
}

static int is_expected(sqlite3_stmt *st, const cJSON *want, enum how how)
{
    int type = sqlite3_column_type(st, 0);
    const char *text = (const char *)sqlite3_column_text(st, 0);
    if (how == JSON) {
        cJSON *got = text ? cJSON_Parse(text) : NULL;
        int same = got && is_same_json(got, want);
        cJSON_Delete(got);
        return same;
    }
    if (cJSON_IsNull(want))
        return type == SQLITE_NULL;
    if (cJSON_IsString(want))
        return text && !strcmp(text, want->valuestring);
    if (cJSON_IsBool(want))
        return type == SQLITE_INTEGER && sqlite3_column_int(st, 0) == cJSON_IsTrue(want);
    return cJSON_IsNumber(want) && type != SQLITE_NULL && type != SQLITE_TEXT
        && is_near(sqlite3_column_double(st, 0), want->valuedouble, how);
}

static void compare(sqlite3 *db, const struct fact *f, const char *era, const char *model, const cJSON *want)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(db, f->sql, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", f->path, sqlite3_errmsg(db));
    sqlite3_bind_text(st, sqlite3_bind_parameter_index(st, ":e"), era, -1, SQLITE_STATIC);
    if (sqlite3_bind_parameter_index(st, ":m"))
        sqlite3_bind_text(st, sqlite3_bind_parameter_index(st, ":m"), model, -1, SQLITE_STATIC);
    if (sqlite3_step(st) != SQLITE_ROW || !is_expected(st, want, f->how)) {
        const unsigned char *got = sqlite3_column_text(st, 0);
        char *text = cJSON_PrintUnformatted(want);
        fail_msg("%s, %s: %s: expected %s, found %s", model, era, f->path, text,
                 got ? (const char *)got : "null");
    }
    if (sqlite3_step(st) == SQLITE_ROW)
        fail_msg("%s, %s: %s: more than one row", model, era, f->path);
    sqlite3_finalize(st);
    n_compared++;
}

/* Every leaf of v must be a path of the table; a fact without SQL is a failure. */
static void walk(sqlite3 *db, const struct fact *table, int n, const char *era, const char *model,
                 const char *path, const cJSON *v)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(table[i].path, path)) {
            compare(db, &table[i], era, model, v);
            return;
        }
    if (!cJSON_IsObject(v))
        fail_msg("%s, %s: no SQL for the fact %s", model, era, path);
    const cJSON *x;
    cJSON_ArrayForEach(x, v)
    {
        char below[300];
        snprintf(below, sizeof below, "%s%s%s", path, *path ? "." : "", x->string);
        walk(db, table, n, era, model, below, x);
    }
}

/* ---- the tests ------------------------------------------------------------------------------- */
struct place {
    char *dir, *db;
};

static void import_both(const char *db, struct ll_import_report r[2])
{
    static const char *const folders[2] = {RUNS "/run-20250824-1549", RUNS "/run-latest"};
    for (int i = 0; i < 2; i++) {
        struct ll_err err = {0};
        OK(ll_index_import(db, folders[i], &r[i], NULL, NULL, &err), &err);
    }
}

static int set_up(void **state)
{
    struct ll_import_report r[2];
    struct place *p = calloc(1, sizeof *p);
    *state = p;
    if (!ll_is_file(RUNS "/known-facts.json"))
        return 0;
    p->dir = tmp_folder();
    p->db = path2(p->dir, "index.sqlite");
    import_both(p->db, r);
    assert_int_equal(r[0].n_rows, 3482 + 207);
    assert_int_equal(r[1].n_files, 5 * 11);
    assert_int_equal(r[0].n_problems + r[1].n_problems + r[0].n_skipped_models + r[1].n_skipped_models, 0);
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    if (p->dir)
        remove_tree(p->dir);
    free(p->dir);
    free(p->db);
    free(p);
    return 0;
}

static sqlite3 *open_or_skip(void **state)
{
    struct place *p = *state;
    sqlite3 *db;
    if (!p->dir) {
        print_message("../shared/data/runs is not there\n");
        skip();
    }
    assert_int_equal(sqlite3_open_v2(p->db, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    return db;
}

static void every_known_fact_is_reproduced(void **state)
{
    sqlite3 *db = open_or_skip(state);
    struct ll_buf text = slurp(RUNS, "known-facts.json");
    cJSON *doc = cJSON_Parse(text.s);
    const cJSON *model, *era;
    assert_non_null(doc);
    n_compared = 0;
    cJSON_ArrayForEach(model, cJSON_GetObjectItem(doc, "models"))
    {
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(model, "missing")), 0);
        cJSON_ArrayForEach(era, cJSON_GetObjectItem(model, "eras"))
            walk(db, facts, sizeof facts / sizeof facts[0], era->string,
                 cJSON_GetObjectItem(model, "model")->valuestring, "", era);
    }
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(doc, "models")), 5);
    cJSON_ArrayForEach(era, cJSON_GetObjectItem(doc, "cross_model"))
        walk(db, cross, sizeof cross / sizeof cross[0], era->string, "all", "", era);
    print_message("%d facts compared\n", n_compared);
    assert_true(n_compared > 5 * 2 * 70);
    cJSON_Delete(doc);
    ll_buf_free(&text);
    sqlite3_close(db);
}

/* Every value of every table, row numbers included. */
static void digest(const char *path, char hex[65])
{
    sqlite3 *db;
    sqlite3_stmt *names, *rows;
    struct ll_sha256 sha;
    ll_sha256_init(&sha);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT name, sql FROM sqlite_schema ORDER BY name", -1, &names,
                                        NULL),
                     SQLITE_OK);
    while (sqlite3_step(names) == SQLITE_ROW) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", sqlite3_column_text(names, 0));
        if (!sqlite3_column_text(names, 1)
            || strncmp((const char *)sqlite3_column_text(names, 1), "CREATE TABLE", 12))
            continue;
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &rows, NULL), SQLITE_OK);
        while (sqlite3_step(rows) == SQLITE_ROW)
            for (int i = 0; i < sqlite3_column_count(rows); i++) {
                unsigned char type = (unsigned char)sqlite3_column_type(rows, i);
                double v = sqlite3_column_double(rows, i);
                ll_sha256_add(&sha, &type, 1);
                if (type == SQLITE_FLOAT)
                    ll_sha256_add(&sha, &v, sizeof v);
                else
                    ll_sha256_add(&sha, sqlite3_column_blob(rows, i), (size_t)sqlite3_column_bytes(rows, i));
            }
        sqlite3_finalize(rows);
    }
    sqlite3_finalize(names);
    sqlite3_close(db);
    ll_sha256_hex(&sha, hex);
}

static void references_hold(void **state)
{
    sqlite3 *db = open_or_skip(state);
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_DONE);
    sqlite3_finalize(st);
    assert_int_equal(
        sqlite3_prepare_v2(
            db, "SELECT count(*) - count(DISTINCT text || char(1) || coalesce(token_id, -1)) FROM tokens", -1,
            &st, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(st, 0), 0); /* each token once, though no index sees to it */
    sqlite3_finalize(st);
    sqlite3_close(db);
}

static void a_second_import_changes_nothing(void **state)
{
    const struct place *p = *state;
    struct ll_import_report r[2];
    char before[65], after[65], fresh[65];
    sqlite3_close(open_or_skip(state));
    digest(p->db, before);
    import_both(p->db, r);
    digest(p->db, after);
    assert_string_equal(before, after);
    assert_int_equal(r[0].n_unchanged + r[1].n_unchanged, 15 + 55);
    assert_int_equal(r[0].n_rows + r[1].n_rows, 0);
    char *again = path2(p->dir, "again.sqlite"); /* and a new index holds the same */
    import_both(again, r);
    digest(again, fresh);
    assert_string_equal(before, fresh);
    free(again);
}

/* Values of the CSV files, cell by cell, against the views: the very same doubles. */
static void values_read_back_are_the_files(void **state)
{
    sqlite3 *db = open_or_skip(state);
    sqlite3_stmt *st;
    static const char name[] = "output-Yi-34B-records.csv";
    struct ll_buf text = slurp(RUNS "/run-20250824-1549", name);
    double want, worst = 0;
    int n = 0;
    assert_int_equal(
        sqlite3_prepare_v2(
            db,
            "SELECT rest_mass FROM v_records WHERE era = 'early' AND model = 'Yi-34B' ORDER BY layer, pos",
            -1, &st, NULL),
        SQLITE_OK);
    for (char *line = strchr(text.s, '\n') + 1; *line
         && line
             < text.s + text.len;) { /* rest_mass is the last field; tokens hold line ends, numbers do not */
        char *end = memchr(line, '\n', (size_t)(text.s + text.len - line)), *comma = end;
        while (comma > line && comma[-1] != ',')
            comma--;
        if (end - comma > 1 && strspn(comma, "0123456789.e-") == (size_t)(end - comma) && comma[-1] == ',') {
            assert_int_equal(sqlite3_step(st), SQLITE_ROW);
            want = strtod(comma, NULL);
            worst = fmax(worst, fabs(want - sqlite3_column_double(st, 0)));
            n++;
        }
        line = end + 1;
    }
    assert_int_equal(n, 1037);
    assert_true(worst == 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    ll_buf_free(&text);
}

/* Known (docs/experiment.md 16.2): what the late documents lack; nothing else disagrees, in either era. */
static void conflicts_are_those_of_defect_d1(void **state)
{
    static const char expected[] =
        "Meta-Llama-3-8B,L_semantic_strong,32\nMeta-Llama-3-8B,L_semantic_top2_ok,26\nMeta-Llama-3-8B,gap_ge_"
        "0.5,26\nMeta-Llama-3-8B,gap_ge_1.0,32\n"
        "Mistral-7B-v0.1,L_semantic_strong,26\nMistral-7B-v0.1,L_semantic_strong_run2,26\nMistral-7B-v0.1,L_"
        "semantic_top2_ok,26\nMistral-7B-v0.1,gap_ge_0.5,26\n"
        "Qwen3-8B,L_semantic_strong,31\nQwen3-8B,L_semantic_top2_ok,31\nQwen3-8B,gap_ge_0.5,31\nQwen3-8B,gap_"
        "ge_1.0,31\n"
        "Yi-34B,L_semantic_strong,44\nYi-34B,L_semantic_strong_run2,46\nYi-34B,L_semantic_top2_ok,44\nYi-34B,"
        "gap_ge_0.5,44\nYi-34B,gap_ge_1.0,51\n"
        "gemma-2-9b,L_semantic_strong,42\ngemma-2-9b,L_semantic_top2_ok,42\ngemma-2-9b,gap_ge_0.5,42\ngemma-"
        "2-9b,gap_ge_1.0,42\n";
    const struct place *p = *state;
    struct ll_err err = {0};
    struct ll_buf out = {0};
    sqlite3_close(open_or_skip(state));
    OK(ll_index_query(p->db,
                      "SELECT model, milestone, recomputed FROM v_milestone_conflicts WHERE era = 'late' AND "
                      "stored IS NULL AND pass_key = 'pos.orig.0' ORDER BY 1, 2",
                      LL_OUT_CSV, 60, &out, &err),
       &err);
    assert_string_equal(strchr(out.s, '\n') + 1, expected);
    ll_buf_reset(&out);
    OK(ll_index_query(p->db, "SELECT count(*) AS n FROM v_milestone_conflicts", LL_OUT_CSV, 60, &out, &err),
       &err);
    assert_string_equal(out.s, "n\n21\n");
    ll_buf_reset(&out); /* and there was something to agree */
    OK(ll_index_query(p->db,
                      "SELECT count(*) > 200 AS many FROM stored_milestones s JOIN v_passes v ON v.pass = "
                      "s.pass WHERE era = 'late'",
                      LL_OUT_CSV, 60, &out, &err),
       &err);
    assert_string_equal(out.s, "many\n1\n");
    ll_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_fact_is_reproduced),   cmocka_unit_test(values_read_back_are_the_files),
        cmocka_unit_test(conflicts_are_those_of_defect_d1), cmocka_unit_test(references_hold),
        cmocka_unit_test(a_second_import_changes_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
