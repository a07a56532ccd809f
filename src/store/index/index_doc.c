/* index_doc.c - output-<stem>.json into the index, see index_load.h
 *
 * One reader for three documents: ours, the original's (early and late: the sections of
 * docs/experiment.md 13.1 have the same keys), and the short ones of models that failed or were skipped. A
 * key that is absent gives null. */
#include "index_db.h"
#include "index_json.h"
#include "index_keys.h"
#include "index_load.h"

#include <cjson/cJSON.h>
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

/* ---- models and run_models ------------------------------------------------------------------- */
enum value { V_TEXT, V_INT, V_REAL };
/* Columns of run_models that are taken as they are; the first path that exists counts (ours, then the
 * original's). */
static const struct {
    const char *column;
    enum value kind;
    const int *path[2];
} plain[] = {
    {"reason", V_TEXT, {LL_PATH(LL_K_FAILED_REASON)}},
    {"device", V_TEXT, {LL_PATH(LL_K_ROOT_DIAGNOSTICS, LL_K_DIAG_DEVICE)}},
    {"dtype",
     V_TEXT,
     {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_STORED_TYPES),
      LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_ENV, LL_K_ENV_DTYPE_COMPUTE)}},
    {"unembed_dtype", V_TEXT, {LL_PATH(LL_K_ROOT_DIAGNOSTICS, LL_K_DIAG_UNEMBED_DTYPE)}},
    {"use_norm_lens", V_INT, {LL_PATH(LL_K_ROOT_DIAGNOSTICS, LL_K_DIAG_USE_NORM_LENS)}},
    {"use_fp32_unembed", V_INT, {LL_PATH(LL_K_ROOT_DIAGNOSTICS, LL_K_DIAG_USE_FP32_UNEMBED)}},
    {"lens_norm", V_TEXT, {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_LENS_NORM)}},
    {"engine", V_TEXT, {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_ENGINE)}},
    {"container", V_TEXT, {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_CONTAINER)}},
    {"identity", V_TEXT, {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_IDENTITY)}},
    {"family", V_TEXT, {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_FAMILY)}},
    {"norm_kind",
     V_TEXT,
     {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_NORM_KIND),
      LL_PATH(LL_K_ROOT_DIAGNOSTICS, LL_K_DIAG_FINAL_NORM_TYPE)}},
    {"norm_eps", V_REAL, {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_NORM_EPS)}},
    {"logit_scale", V_REAL, {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_LOGIT_SCALE)}},
    {"logit_cap", V_REAL, {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_LOGIT_CAP)}},
    {"embedding_scale",
     V_REAL,
     {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_EMBEDDING_SCALE)}},
    {"bos_policy", V_TEXT, {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_BOS_POLICY)}},
    {"n_ctx", V_INT, {LL_PATH(LL_K_ROOT_MODEL_STATS, LL_K_STATS_N_CTX)}},
    {"n_params", V_INT, {LL_PATH(LL_K_ROOT_MODEL_STATS, LL_K_STATS_N_PARAMS)}},
    {"n_kv_heads", V_INT, {LL_PATH(LL_K_ROOT_MODEL_STATS, LL_K_STATS_N_KV_HEADS)}},
    {"d_head", V_INT, {LL_PATH(LL_K_ROOT_MODEL_STATS, LL_K_STATS_D_HEAD)}},
    {"d_mlp", V_INT, {LL_PATH(LL_K_ROOT_MODEL_STATS, LL_K_STATS_D_MLP)}},
    {"copy_threshold",
     V_REAL,
     {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_COPY_THRESHOLD),
      LL_PATH(LL_K_ROOT_DIAGNOSTICS, LL_K_DIAG_COPY_THRESH)}},
    {"copy_margin", V_REAL, {LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_COPY_MARGIN)}},
    {"final_entropy_bits", V_REAL, {LL_PATH(LL_K_ROOT_FINAL_PREDICTION, LL_K_PREDICTION_ENTROPY)}},
    {"last_row_equals_model", V_INT, {LL_PATH(LL_K_ROOT_LAST_ROW_EQUALS_MODEL)}},
};

static const cJSON *first_of(const cJSON *doc, const int *const path[2])
{
    const cJSON *v = ll_j_at(doc, path[0]);
    return v || !path[1] ? v : ll_j_at(doc, path[1]);
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
        (plain[i].kind == V_TEXT      ? ll_j_bind_text
             : plain[i].kind == V_INT ? ll_j_bind_int
                                      : ll_j_bind_real)(st, 1, v);
        sqlite3_bind_int64(st, 2, l->run_model);
        rc = ll_db_run(l->db, st, err);
        sqlite3_finalize(st);
    }
    return rc;
}

/* The row of models with these very dimensions: a model retrained under its old name is another model. */
static int model_row(struct ll_load *l, const char *model_id, const cJSON *stats, long long *row,
                     struct ll_err *err)
{
    static const char *const sql[] = {
        "SELECT id FROM models WHERE model_id = ?1 AND clean = ?2 AND n_layers IS ?3 AND d_model IS ?4 AND "
        "n_heads IS ?5 AND d_vocab IS ?6 AND architecture IS ?7",
        "INSERT INTO models (model_id, clean, n_layers, d_model, n_heads, d_vocab, architecture) VALUES (?1, "
        "?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
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
        ll_j_bind_int(st, 3, ll_j_at(stats, LL_PATH(LL_K_STATS_NUM_LAYERS)));
        ll_j_bind_int(st, 4, ll_j_at(stats, LL_PATH(LL_K_STATS_D_MODEL)));
        ll_j_bind_int(st, 5, ll_j_at(stats, LL_PATH(LL_K_STATS_N_HEADS)));
        ll_j_bind_int(st, 6, ll_j_at(stats, LL_PATH(LL_K_STATS_D_VOCAB)));
        ll_j_bind_text(st, 7, ll_j_at(stats, LL_PATH(LL_K_STATS_ARCHITECTURE)));
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

static int make_run_model(struct ll_load *l, const char *stem, const char *model_id, const cJSON *stats,
                          const char *status, const char *reason, struct ll_err *err)
{
    long long model;
    const cJSON *n = ll_j_at(stats, LL_PATH(LL_K_STATS_NUM_LAYERS));
    int rc = model_row(l, model_id, stats, &model, err);
    if (!rc)
        rc = ll_db_do(l->db, err,
                      "INSERT INTO run_models (run, model, stem, status, reason) VALUES (?, ?, ?, ?, ?)",
                      "iisss", l->run, model, stem, status, reason);
    l->run_model = sqlite3_last_insert_rowid(l->db);
    l->n_layers =
        n && cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble < 1e5 ? (int)n->valuedouble : -1;
    snprintf(l->status, sizeof l->status, "%s", status);
    snprintf(l->lens, sizeof l->lens, "norm");
    l->is_ours = 0;
    return rc;
}

int ll_load_no_doc(struct ll_load *l, const char *stem, const char *reason, struct ll_err *err)
{
    return make_run_model(l, stem, stem, NULL, "unknown", reason, err);
}

/* ---- predictions ----------------------------------------------------------------------------- */
/* Text and probability of the first [text, p] pair. */
static const cJSON *pair(const cJSON *prediction, int which)
{
    return cJSON_GetArrayItem(cJSON_GetArrayItem(ll_j_at(prediction, LL_PATH(LL_K_PREDICTION_TOPK)), 0),
                              which);
}

static int put_predictions(struct ll_load *l, const cJSON *list, const char *sql, int key, int key_is_text,
                           struct ll_err *err)
{
    sqlite3_stmt *st;
    int nr = 0, rc = ll_db_prepare(l->db, &st, sql, err);
    const cJSON *p;
    if (rc)
        return rc;
    cJSON_ArrayForEach(p, list)
    {
        sqlite3_bind_int64(st, 1, l->run_model);
        sqlite3_bind_int(st, 2, nr++);
        (key_is_text ? ll_j_bind_text : ll_j_bind_real)(st, 3, ll_j_at(p, LL_PATH(key)));
        ll_j_bind_real(st, 4, ll_j_at(p, LL_PATH(LL_K_PREDICTION_ENTROPY)));
        ll_j_bind_text(st, 5, pair(p, 0));
        ll_j_bind_real(st, 6, pair(p, 1));
        ll_j_bind_json(st, 7, ll_j_at(p, LL_PATH(LL_K_PREDICTION_TOPK)));
        if ((rc = ll_db_run(l->db, st, err)))
            break;
    }
    sqlite3_finalize(st);
    return rc;
}

static int put_final(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    sqlite3_stmt *st;
    int rc = ll_db_prepare(l->db, &st,
                           "UPDATE run_models SET final_top1 = ?1, final_p_top1 = ?2 WHERE id = ?3", err);
    if (rc)
        return rc;
    ll_j_bind_text(st, 1, pair(ll_j_at(doc, LL_PATH(LL_K_ROOT_FINAL_PREDICTION)), 0));
    ll_j_bind_real(st, 2, pair(ll_j_at(doc, LL_PATH(LL_K_ROOT_FINAL_PREDICTION)), 1));
    sqlite3_bind_int64(st, 3, l->run_model);
    rc = ll_db_run(l->db, st, err);
    sqlite3_finalize(st);
    return rc;
}

/* ---- diagnostics ----------------------------------------------------------------------------- */
static int put_members(struct ll_load *l, const cJSON *object, int is_top, struct ll_err *err)
{
    static const int has_table[] = {LL_K_ROOT_PROMPT, LL_K_ROOT_TEST_PROMPTS, LL_K_ROOT_TEMPERATURES,
                                    LL_K_ROOT_DIAGNOSTICS, LL_K_ROOT_PASSES};
    enum { N_HAVE = sizeof has_table / sizeof *has_table };
    sqlite3_stmt *st;
    int rc = ll_db_prepare(l->db, &st, "INSERT OR IGNORE INTO diagnostics VALUES (?, ?, ?)",
                           err); /* a key of both levels: the first counts */
    const cJSON *v;
    if (rc)
        return rc;
    cJSON_ArrayForEach(v, object)
    {
        int i = 0;
        while (i < N_HAVE && v->string && strcmp(ll_index_key_name(has_table[i]), v->string))
            i++;
        if (!v->string || (is_top && i < N_HAVE))
            continue;
        sqlite3_bind_int64(st, 1, l->run_model);
        ll_db_bind_text(st, 2, v->string, strlen(v->string));
        ll_j_bind_json(st, 3, v);
        if ((rc = ll_db_run(l->db, st, err)))
            break;
    }
    sqlite3_finalize(st);
    return rc;
}

/* ---- the document ---------------------------------------------------------------------------- */
static int describe_run(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    const char *tool = ll_j_text(ll_j_at(doc, LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_TOOL)));
    const char *era = tool ? "ours"
        : ll_j_at(doc, LL_PATH(LL_K_ROOT_COPY_FLAG_COLUMNS)) || ll_j_at(doc, LL_PATH(LL_K_ROOT_PROVENANCE))
        ? "late"
        : "early";
    const cJSON *seed = ll_j_at(doc, LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_SEED));
    sqlite3_stmt *st;
    if (!seed)
        seed = ll_j_at(doc, LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_ENV, LL_K_ENV_SEED));
    int rc = ll_db_prepare(
        l->db, &st,
        "UPDATE runs SET era = CASE era WHEN 'unknown' THEN ?1 ELSE era END, tool_version = "
        "coalesce(tool_version, ?2), seed = coalesce(seed, ?3),"
        " experiment = coalesce(experiment, ?4), command = coalesce(command, ?5) WHERE run_id = ?6",
        err);
    if (rc)
        return rc;
    ll_db_bind_cstr(st, 1, era);
    ll_db_bind_cstr(st, 2, tool);
    ll_j_bind_int(st, 3, seed);
    ll_j_bind_text(st, 4, ll_j_at(doc, LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_EXPERIMENT)));
    ll_j_bind_text(st, 5, ll_j_at(doc, LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_COMMAND)));
    sqlite3_bind_int64(st, 6, l->run);
    rc = ll_db_run(l->db, st, err);
    sqlite3_finalize(st);
    return rc;
}

/* Settings are texts. */
static int set_last_only(struct ll_load *l, const cJSON *doc, struct ll_err *err)
{
    const char *only = ll_j_text(
        ll_j_at(doc, LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_SETTINGS, LL_OTHER_LAST_POSITION_ONLY)));
    return ll_db_do(l->db, err, "UPDATE run_models SET last_position_only = ? WHERE id = ?", "ii",
                    (long long)(only && !strcmp(only, "true")), l->run_model);
}

static int load_object(struct ll_load *l, const char *stem, const cJSON *doc, struct ll_err *err)
{
    const char *status = ll_j_text(ll_j_at(doc, LL_PATH(LL_K_ROOT_STATUS))),
               *id = ll_j_text(
                   ll_j_at(doc, LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_ID)));
    const char *lens =
        ll_j_text(ll_j_at(doc, LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_MODEL, LL_K_MODEL_LENS_NORM)));
    if (!id)
        id = ll_j_text(ll_j_at(doc, LL_PATH(LL_K_ROOT_DIAGNOSTICS, LL_K_DIAG_MODEL)));
    if (!id)
        id = ll_j_text(ll_j_at(doc, LL_PATH(LL_K_FAILED_MODEL)));
    int rc = make_run_model(l, stem, id ? id : stem, ll_j_at(doc, LL_PATH(LL_K_ROOT_MODEL_STATS)),
                            status ? status : "ok", NULL, err);
    if ((lens && !strcmp(lens, "raw"))
        || cJSON_IsFalse(ll_j_at(doc, LL_PATH(LL_K_ROOT_DIAGNOSTICS, LL_K_DIAG_USE_NORM_LENS))))
        snprintf(l->lens, sizeof l->lens, "raw");
    if (!rc)
        rc = set_plain(l, doc, err);
    l->is_ours = ll_j_at(doc, LL_PATH(LL_K_ROOT_PROVENANCE, LL_K_PROVENANCE_TOOL)) != NULL;
    if (!rc && l->is_ours)
        rc = set_last_only(l, doc, err);
    if (!rc)
        rc = put_final(l, doc, err);
    if (!rc)
        rc = put_predictions(l, ll_j_at(doc, LL_PATH(LL_K_ROOT_TEST_PROMPTS)),
                             "INSERT INTO test_prompts VALUES (?,?,?,?,?,?,?)", LL_K_PREDICTION_PROMPT, 1,
                             err);
    if (!rc)
        rc = put_predictions(l, ll_j_at(doc, LL_PATH(LL_K_ROOT_TEMPERATURES)),
                             "INSERT INTO temperatures VALUES (?,?,?,?,?,?,?)", LL_K_PREDICTION_TEMPERATURE,
                             0, err);
    if (!rc)
        rc = ll_load_passes(l, doc, err);
    if (!rc)
        rc = put_members(l, ll_j_at(doc, LL_PATH(LL_K_ROOT_DIAGNOSTICS)), 0, err);
    if (!rc)
        rc = put_members(l, doc, 1, err);
    return rc ? rc : describe_run(l, doc, err);
}

/* The original left three lines of plain text under the .json name of a model that it skipped
 * (docs/experiment.md 16.2). */
static int load_skip_text(struct ll_load *l, const char *name, const char *stem, const char *s, size_t n,
                          struct ll_err *err)
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

int ll_load_doc(struct ll_load *l, const char *name, const char *stem, const void *bytes, size_t n,
                struct ll_err *err)
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
        rc = ll_fail(err, LL_EUSAGE,
                     "%s: not a JSON object; first wrong byte near offset %zu of %zu (file cut short?)", name,
                     end ? (size_t)(end - s) : 0, n);
    else if ((rc = load_object(l, stem, doc, err)))
        ll_context(err, "%s", name);
    cJSON_Delete(doc);
    return rc;
}
