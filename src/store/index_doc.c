/* index_doc.c - output-<stem>.json into the index, see index_load.h
 *
 * One reader for three documents: ours, the original's (early and late: the sections of spec 12.1 have the same keys), and
 * the short ones of models that failed or were skipped. A key that is absent gives null. */
#include "index_db.h"
#include "index_load.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TALK = 1000, MAX_SKIP_TEXT = 4096 };

void ll_talk(const struct ll_load *l, const char *fmt, ...)
{
    char line[MAX_TALK];
    va_list ap;
    if (!l->talk)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    for (char *s = line; *s; s++) /* file names and columns come from outside */
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = ' ';
    l->talk(l->talk_arg, line);
}

/* ---- values by path --------------------------------------------------------------------------------------------- */
/* get(doc, "provenance", "model", NULL): a member's member, NULL when any is absent or null. */
static const cJSON *get(const cJSON *v, ...)
{
    va_list ap;
    const char *key;
    va_start(ap, v);
    while (v && (key = va_arg(ap, const char *)))
        v = cJSON_GetObjectItemCaseSensitive(v, key);
    va_end(ap);
    return v && !cJSON_IsNull(v) ? v : NULL;
}

static const char *text(const cJSON *v) { return v && cJSON_IsString(v) ? v->valuestring : NULL; }

static void bind_text(sqlite3_stmt *st, int nr, const cJSON *v)
{
    const char *s = text(v);
    ll_db_bind_text(st, nr, s, s ? strlen(s) : 0);
}

static void bind_int(sqlite3_stmt *st, int nr, const cJSON *v)
{
    if (v && cJSON_IsNumber(v) && fabs(v->valuedouble) < 9e15 && v->valuedouble == floor(v->valuedouble))
        sqlite3_bind_int64(st, nr, (sqlite3_int64)v->valuedouble);
    else if (v && cJSON_IsBool(v))
        sqlite3_bind_int(st, nr, cJSON_IsTrue(v));
    else
        sqlite3_bind_null(st, nr);
}

static void bind_real(sqlite3_stmt *st, int nr, const cJSON *v)
{
    if (v && cJSON_IsNumber(v) && isfinite(v->valuedouble))
        sqlite3_bind_double(st, nr, v->valuedouble);
    else
        sqlite3_bind_null(st, nr);
}

static void bind_json(sqlite3_stmt *st, int nr, const cJSON *v)
{
    char *s = v ? cJSON_PrintUnformatted(v) : NULL;
    if (s)
        sqlite3_bind_text64(st, nr, s, strlen(s), SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        sqlite3_bind_null(st, nr);
    cJSON_free(s);
}

/* ---- models and run_models -------------------------------------------------------------------------------------- */
enum value { V_TEXT, V_INT, V_REAL };
/* Columns of run_models that are taken as they are; the first path that exists counts (ours, then the original's). */
static const struct { const char *column; enum value kind; const char *path[2][3]; } plain[] = {
    {"reason", V_TEXT, {{"reason"}}},
    {"device", V_TEXT, {{"diagnostics", "device"}}},
    {"dtype", V_TEXT, {{"provenance", "model", "stored_types"}, {"provenance", "env", "dtype_compute"}}},
    {"unembed_dtype", V_TEXT, {{"diagnostics", "unembed_dtype"}}},
    {"use_norm_lens", V_INT, {{"diagnostics", "use_norm_lens"}}},
    {"lens_norm", V_TEXT, {{"provenance", "model", "lens_norm"}}},
    {"engine", V_TEXT, {{"provenance", "model", "engine"}}},
    {"container", V_TEXT, {{"provenance", "model", "container"}}},
    {"identity", V_TEXT, {{"provenance", "model", "identity"}}},
    {"family", V_TEXT, {{"provenance", "model", "family"}}},
    {"norm_kind", V_TEXT, {{"provenance", "model", "norm_kind"}, {"diagnostics", "final_ln_type"}}},
    {"norm_eps", V_REAL, {{"provenance", "model", "norm_eps"}}},
    {"logit_scale", V_REAL, {{"provenance", "model", "logit_scale"}}},
    {"logit_cap", V_REAL, {{"provenance", "model", "logit_cap"}}},
    {"embedding_scale", V_REAL, {{"provenance", "model", "embedding_scale"}}},
    {"bos_policy", V_TEXT, {{"provenance", "model", "bos_policy"}}},
    {"n_ctx", V_INT, {{"model_stats", "n_ctx"}}},
    {"n_params", V_INT, {{"model_stats", "n_params"}}},
    {"n_kv_heads", V_INT, {{"model_stats", "n_kv_heads"}}},
    {"d_head", V_INT, {{"model_stats", "d_head"}}},
    {"d_mlp", V_INT, {{"model_stats", "d_mlp"}}},
    {"copy_threshold", V_REAL, {{"provenance", "copy_threshold"}, {"diagnostics", "copy_thresh"}}},
    {"copy_margin", V_REAL, {{"provenance", "copy_margin"}}},
    {"final_entropy_bits", V_REAL, {{"final_prediction", "entropy"}}},
    {"last_row_equals_model", V_INT, {{"last_row_equals_model"}}},
};

static const cJSON *first_of(const cJSON *doc, const char *const path[2][3])
{
    const cJSON *v = get(doc, path[0][0], path[0][1], path[0][2], NULL);
    return v || !path[1][0] ? v : get(doc, path[1][0], path[1][1], path[1][2], NULL);
}

static int set_plain(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    int rc = LL_OK;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0] && !rc; i++) {
        const cJSON *v = first_of(doc, plain[i].path);
        char sql[128];
        sqlite3_stmt *st;
        if (!v)
            continue;
        snprintf(sql, sizeof sql, "UPDATE run_models SET %s = ?1 WHERE id = ?2", plain[i].column);
        if ((rc = ll_db_prepare(l->db, &st, sql, err)))
            return rc;
        (plain[i].kind == V_TEXT ? bind_text : plain[i].kind == V_INT ? bind_int : bind_real)(st, 1, v);
        sqlite3_bind_int64(st, 2, l->run_model);
        rc = ll_db_run(l->db, st, err);
        sqlite3_finalize(st);
    }
    return rc;
}

/* The row of models with these very dimensions: a model retrained under its old name is another model. */
static int model_row(struct ll_load *l, const char *model_id, const cJSON *stats, long long *row, struct ll_err *err)
{
    static const char *const sql[] = {
        "SELECT id FROM models WHERE model_id = ?1 AND clean = ?2 AND n_layers IS ?3 AND d_model IS ?4 AND n_heads IS ?5 AND d_vocab IS ?6 AND architecture IS ?7",
        "INSERT INTO models (model_id, clean, n_layers, d_model, n_heads, d_vocab, architecture) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
    };
    const char *slash = strrchr(model_id, '/'), *clean = slash && slash[1] ? slash + 1 : model_id;
    *row = 0;
    for (int i = 0; i < 2 && !*row; i++) {
        sqlite3_stmt *st;
        int rc = ll_db_prepare(l->db, &st, sql[i], err);
        if (rc)
            return rc;
        ll_db_bind_text(st, 1, model_id, strlen(model_id));
        ll_db_bind_text(st, 2, clean, strlen(clean));
        bind_int(st, 3, get(stats, "num_layers", NULL));
        bind_int(st, 4, get(stats, "d_model", NULL));
        bind_int(st, 5, get(stats, "n_heads", NULL));
        bind_int(st, 6, get(stats, "d_vocab", NULL));
        bind_text(st, 7, get(stats, "architecture", NULL));
        int step = sqlite3_step(st);
        if (step == SQLITE_ROW)
            *row = sqlite3_column_int64(st, 0);
        else if (step != SQLITE_DONE)
            rc = ll_db_fail(l->db, "cannot write", err);
        if (step == SQLITE_ROW && i == 1)
            sqlite3_step(st); /* the insert is done when the statement is */
        sqlite3_finalize(st);
        if (rc)
            return rc;
    }
    return LL_OK;
}

static int make_run_model(struct ll_load *l, const char *stem, const char *model_id, const cJSON *stats, const char *status, const char *reason, struct ll_err *err)
{
    long long model;
    const cJSON *n = get(stats, "num_layers", NULL);
    int rc = model_row(l, model_id, stats, &model, err);
    if (!rc)
        rc = ll_db_do(l->db, err, "INSERT INTO run_models (run, model, stem, status, reason) VALUES (?, ?, ?, ?, ?)", "iisss", l->run, model, stem, status, reason);
    l->run_model = sqlite3_last_insert_rowid(l->db);
    l->n_layers = n && cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble < 1e5 ? (int)n->valuedouble : -1;
    snprintf(l->status, sizeof l->status, "%s", status);
    snprintf(l->lens, sizeof l->lens, "norm");
    return rc;
}

int ll_load_no_doc(struct ll_load *l, const char *stem, struct ll_err *err)
{
    return make_run_model(l, stem, stem, NULL, "unknown", "no JSON file", err);
}

/* ---- predictions ------------------------------------------------------------------------------------------------ */
/* Text and probability of the first [text, p] pair. */
static const cJSON *pair(const cJSON *prediction, int which)
{
    return cJSON_GetArrayItem(cJSON_GetArrayItem(get(prediction, "topk", NULL), 0), which);
}

static int put_predictions(struct ll_load *l, const cJSON *list, const char *sql, const char *key, int key_is_text, struct ll_err *err)
{
    sqlite3_stmt *st;
    int nr = 0, rc = ll_db_prepare(l->db, &st, sql, err);
    const cJSON *p;
    if (rc)
        return rc;
    cJSON_ArrayForEach(p, list) {
        sqlite3_bind_int64(st, 1, l->run_model);
        sqlite3_bind_int(st, 2, nr++);
        (key_is_text ? bind_text : bind_real)(st, 3, get(p, key, NULL));
        bind_real(st, 4, get(p, "entropy", NULL));
        bind_text(st, 5, pair(p, 0));
        bind_real(st, 6, pair(p, 1));
        bind_json(st, 7, get(p, "topk", NULL));
        if ((rc = ll_db_run(l->db, st, err)))
            break;
    }
    sqlite3_finalize(st);
    return rc;
}

static int put_final(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    sqlite3_stmt *st;
    int rc = ll_db_prepare(l->db, &st, "UPDATE run_models SET final_top1 = ?1, final_p_top1 = ?2 WHERE id = ?3", err);
    if (rc)
        return rc;
    bind_text(st, 1, pair(get(doc, "final_prediction", NULL), 0));
    bind_real(st, 2, pair(get(doc, "final_prediction", NULL), 1));
    sqlite3_bind_int64(st, 3, l->run_model);
    rc = ll_db_run(l->db, st, err);
    sqlite3_finalize(st);
    return rc;
}

/* ---- diagnostics ------------------------------------------------------------------------------------------------ */
static int put_members(struct ll_load *l, const cJSON *object, int is_top, struct ll_err *err)
{
    static const char *const has_table[] = {"prompt", "test_prompts", "temperature_exploration", "diagnostics", "passes", NULL};
    sqlite3_stmt *st;
    int rc = ll_db_prepare(l->db, &st, "INSERT OR IGNORE INTO diagnostics VALUES (?, ?, ?)", err); /* a key of both levels: the first counts */
    const cJSON *v;
    if (rc)
        return rc;
    cJSON_ArrayForEach(v, object) {
        int i = 0;
        while (is_top && has_table[i] && v->string && strcmp(has_table[i], v->string))
            i++;
        if (!v->string || (is_top && has_table[i]))
            continue;
        sqlite3_bind_int64(st, 1, l->run_model);
        ll_db_bind_text(st, 2, v->string, strlen(v->string));
        bind_json(st, 3, v);
        if ((rc = ll_db_run(l->db, st, err)))
            break;
    }
    sqlite3_finalize(st);
    return rc;
}

/* ---- passes ----------------------------------------------------------------------------------------------------- */
struct pass_values {
    const char *key, *fact_key, *prompt_id, *variant;
    long long fact_index; /* -1: none */
    int is_main;
    const cJSON *prompt, *gold, *gold_text, *milestones, *ids;
};

static void bind_ids(sqlite3_stmt *st, int nr, const cJSON *ids)
{
    struct ll_buf b = {0};
    const cJSON *v;
    cJSON_ArrayForEach(v, ids)
        ll_buf_addf(&b, "%s%.0f", b.len ? " " : "", v->valuedouble);
    if (ids && cJSON_IsArray(ids))
        sqlite3_bind_text64(st, nr, ll_buf_str(&b), b.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        sqlite3_bind_null(st, nr);
    ll_buf_free(&b);
}

static void bind_cstr(sqlite3_stmt *st, int nr, const char *s) { ll_db_bind_text(st, nr, s, s ? strlen(s) : 0); }

static int put_pass(struct ll_load *l, const struct pass_values *p, struct ll_err *err)
{
    sqlite3_stmt *st;
    int rc = ll_db_prepare(l->db, &st,
        "INSERT INTO passes (run_model, pass_key, is_main, fact_key, fact_index, prompt_id, prompt_variant, prompt_text, token_ids, n_pos,"
        " gold_text, gold_first_id, gold_status, has_milestones, L_copy, L_copy_H, L_semantic, delta_layers)"
        " VALUES (?1, ?2, ?3, ?4, nullif(?5, -1), ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)", err);
    if (rc)
        return rc;
    sqlite3_bind_int64(st, 1, l->run_model);
    bind_cstr(st, 2, p->key);
    sqlite3_bind_int(st, 3, p->is_main);
    bind_cstr(st, 4, p->fact_key);
    sqlite3_bind_int64(st, 5, p->fact_index);
    bind_cstr(st, 6, p->prompt_id);
    bind_cstr(st, 7, p->variant);
    bind_text(st, 8, p->prompt);
    bind_ids(st, 9, p->ids);
    if (cJSON_IsArray(p->ids))
        sqlite3_bind_int(st, 10, cJSON_GetArraySize(p->ids));
    bind_text(st, 11, p->gold_text);
    bind_int(st, 12, get(p->gold, "first_id", NULL));
    bind_text(st, 13, get(p->gold, "variant", NULL));
    sqlite3_bind_int(st, 14, p->milestones != NULL);
    bind_int(st, 15, get(p->milestones, "L_copy", NULL));
    bind_int(st, 16, get(p->milestones, "L_copy_H", NULL));
    bind_int(st, 17, get(p->milestones, "L_semantic", NULL));
    bind_int(st, 18, get(p->milestones, "delta_layers", NULL));
    if (sqlite3_step(st) != SQLITE_DONE)
        rc = sqlite3_extended_errcode(l->db) == SQLITE_CONSTRAINT_UNIQUE ? ll_fail(err, LL_EUSAGE, "passes: pass_key %.100s stands there twice", p->key)
                                                                          : ll_db_fail(l->db, "cannot write", err);
    sqlite3_finalize(st);
    return rc;
}

static int put_our_passes(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    const char *main_key = text(get(doc, "main_pass", NULL));
    const cJSON *v;
    int rc = LL_OK;
    cJSON_ArrayForEach(v, get(doc, "passes", NULL)) {
        const cJSON *index = get(v, "fact_index", NULL);
        struct pass_values p = {
            .key = text(get(v, "pass_key", NULL)), .fact_key = text(get(v, "fact_key", NULL)),
            .prompt_id = text(get(v, "prompt_id", NULL)), .variant = text(get(v, "prompt_variant", NULL)),
            .fact_index = index && cJSON_IsNumber(index) && index->valuedouble >= 0 && index->valuedouble < 1e9 ? (long long)index->valuedouble : -1,
            .prompt = get(v, "prompt", NULL), .gold = get(v, "gold_answer", NULL), .gold_text = get(v, "gold_answer", "string", NULL),
            .milestones = get(v, "milestones", NULL), .ids = get(v, "token_ids", NULL),
        };
        if (!p.key)
            return ll_fail(err, LL_EUSAGE, "passes: expected a text pass_key in each");
        p.is_main = main_key && !strcmp(main_key, p.key);
        if ((rc = put_pass(l, &p, err)))
            break;
    }
    return rc;
}

/* The original names its one or main pass in `prompt` only. */
static int put_old_pass(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    const char *fact = text(get(doc, "prompt", "fact_key", NULL)), *gold = text(get(doc, "prompt", "ground_truth", NULL));
    struct pass_values p = {
        .key = "pos.orig.0", .fact_key = fact ? fact : gold && !strcmp(gold, "Berlin") ? "Germany→Berlin" : NULL, .fact_index = 0,
        .prompt_id = "pos", .variant = "orig", .is_main = 1, .prompt = get(doc, "prompt", "context_prompt", NULL),
        .gold = get(doc, "gold_answer", NULL), .gold_text = get(doc, "prompt", "ground_truth", NULL), .milestones = get(doc, "diagnostics", NULL),
    };
    return put_pass(l, &p, err);
}

/* ---- the document ----------------------------------------------------------------------------------------------- */
static int describe_run(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    const char *tool = text(get(doc, "provenance", "tool", NULL));
    const char *era = tool ? "ours" : get(doc, "copy_flag_columns", NULL) || get(doc, "provenance", NULL) ? "late" : "early";
    const cJSON *seed = get(doc, "provenance", "seed", NULL);
    sqlite3_stmt *st;
    if (!seed)
        seed = get(doc, "provenance", "env", "seed", NULL);
    int rc = ll_db_prepare(l->db, &st,
        "UPDATE runs SET era = CASE era WHEN 'unknown' THEN ?1 ELSE era END, tool_version = coalesce(tool_version, ?2), seed = coalesce(seed, ?3),"
        " experiment = coalesce(experiment, ?4), command = coalesce(command, ?5) WHERE run_id = ?6", err);
    if (rc)
        return rc;
    bind_cstr(st, 1, era);
    bind_cstr(st, 2, tool);
    bind_int(st, 3, seed);
    bind_text(st, 4, get(doc, "provenance", "experiment", NULL));
    bind_text(st, 5, get(doc, "provenance", "command", NULL));
    sqlite3_bind_int64(st, 6, l->run);
    rc = ll_db_run(l->db, st, err);
    sqlite3_finalize(st);
    return rc;
}

static int load_object(struct ll_load *l, const char *stem, const cJSON *doc, struct ll_err *err)
{
    const char *status = text(get(doc, "status", NULL)), *id = text(get(doc, "provenance", "model", "id", NULL));
    const char *lens = text(get(doc, "provenance", "model", "lens_norm", NULL));
    if (!id)
        id = text(get(doc, "diagnostics", "model", NULL));
    if (!id)
        id = text(get(doc, "model", NULL));
    int rc = make_run_model(l, stem, id ? id : stem, get(doc, "model_stats", NULL), status ? status : "ok", NULL, err);
    if ((lens && !strcmp(lens, "raw")) || cJSON_IsFalse(get(doc, "diagnostics", "use_norm_lens", NULL)))
        snprintf(l->lens, sizeof l->lens, "raw");
    if (!rc)
        rc = set_plain(l, doc, err);
    if (!rc)
        rc = put_final(l, doc, err);
    if (!rc)
        rc = put_predictions(l, get(doc, "test_prompts", NULL), "INSERT INTO test_prompts VALUES (?,?,?,?,?,?,?)", "prompt", 1, err);
    if (!rc)
        rc = put_predictions(l, get(doc, "temperature_exploration", NULL), "INSERT INTO temperatures VALUES (?,?,?,?,?,?,?)", "temperature", 0, err);
    if (!rc && get(doc, "passes", NULL))
        rc = put_our_passes(l, doc, err);
    else if (!rc && get(doc, "prompt", NULL))
        rc = put_old_pass(l, doc, err);
    if (!rc)
        rc = put_members(l, get(doc, "diagnostics", NULL), 0, err);
    if (!rc)
        rc = put_members(l, doc, 1, err);
    return rc ? rc : describe_run(l, doc, err);
}

/* The original left three lines of plain text under the .json name of a model that it skipped (spec 12.3). */
static int load_skip_text(struct ll_load *l, const char *name, const char *stem, const char *s, size_t n, struct ll_err *err)
{
    struct ll_buf reason = {0};
    for (size_t i = 0; i < n; i++)
        ll_buf_addc(&reason, (unsigned char)s[i] < 0x20 ? ' ' : s[i]);
    while (reason.len && reason.s[reason.len - 1] == ' ')
        reason.s[--reason.len] = 0;
    ll_talk(l, "%s: plain text, no JSON: taken as a skipped model", name);
    int rc = ll_buf_ok(&reason, err);
    if (!rc)
        rc = make_run_model(l, stem, stem, NULL, "skipped", ll_buf_str(&reason), err);
    ll_buf_free(&reason);
    return rc;
}

static int is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

int ll_load_doc(struct ll_load *l, const char *name, const char *stem, const void *bytes, size_t n, struct ll_err *err)
{
    const char *s = bytes, *end = NULL, *first = s;
    while (first < s + n && is_space(*first))
        first++;
    if (first < s + n && *first != '{' && n <= MAX_SKIP_TEXT && !memchr(s, 0, n))
        return load_skip_text(l, name, stem, s, n, err);
    cJSON *doc = n ? cJSON_ParseWithLengthOpts(s, n, &end, 0) : NULL;
    while (doc && end < s + n && is_space(*end))
        end++;
    int rc = LL_OK;
    if (!doc || end != s + n || !cJSON_IsObject(doc))
        rc = ll_fail(err, LL_EUSAGE, "%s: not a JSON object; first wrong byte near offset %zu of %zu (file cut short?)", name, end ? (size_t)(end - s) : 0, n);
    else if ((rc = load_object(l, stem, doc, err)))
        ll_context(err, "%s", name);
    cJSON_Delete(doc);
    return rc;
}
