/* index_diag.c - see index_diag.h */
#include "index_diag.h"
#include "buf.h"
#include "index_db.h"
#include "sha256.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

/* clang-format off */
const char ll_index_diag_schema[] =
    "CREATE TABLE IF NOT EXISTS diag_reports ( -- one report of a diagnostic command\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  sha256 TEXT NOT NULL UNIQUE,     -- of the JSON document\n"
    "  command TEXT NOT NULL, model_id TEXT, identity TEXT, verdict TEXT, tool_version TEXT,\n"
    "  header TEXT NOT NULL             -- the document without rows and criteria\n"
    ") STRICT;\n"
    "CREATE TABLE IF NOT EXISTS diag_rows (\n"
    "  report INTEGER NOT NULL REFERENCES diag_reports(id) ON DELETE CASCADE,\n"
    "  nr INTEGER NOT NULL, layer INTEGER, step TEXT,\n"
    "  json TEXT NOT NULL,              -- the other members\n"
    "  PRIMARY KEY (report, nr)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE IF NOT EXISTS diag_criteria (\n"
    "  report INTEGER NOT NULL REFERENCES diag_reports(id) ON DELETE CASCADE,\n"
    "  nr INTEGER NOT NULL, name TEXT NOT NULL,\n"
    "  status TEXT NOT NULL CHECK (status IN ('pass', 'warn', 'fail', 'not run')), detail TEXT,\n"
    "  PRIMARY KEY (report, nr)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE VIEW IF NOT EXISTS v_diag_rows AS\n"
    "  SELECT d.id AS report, d.command, d.model_id, r.nr, r.layer, r.step, r.json"
    " FROM diag_rows r JOIN diag_reports d ON d.id = r.report;\n";
/* clang-format on */

static const char *text_of(const cJSON *obj, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(obj, key);
    return v && cJSON_IsString(v) ? v->valuestring : NULL;
}

/* obj as compact JSON, bound to parameter nr. */
static int bind_json(sqlite3_stmt *st, int nr, const cJSON *obj, struct ll_err *err)
{
    char *s = cJSON_PrintUnformatted(obj);
    if (!s)
        return ll_fail_mem(err, "report", 1);
    sqlite3_bind_text(st, nr, s, -1, SQLITE_TRANSIENT);
    cJSON_free(s);
    return LL_OK;
}

static void bind_string(sqlite3_stmt *st, int nr, const char *s)
{
    ll_db_bind_text(st, nr, s, s ? strlen(s) : 0);
}

static int put_report(sqlite3 *db, const cJSON *doc, const char *key, struct ll_err *err)
{
    sqlite3_stmt *st;
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(doc, "model"),
                *made = cJSON_GetObjectItemCaseSensitive(doc, "provenance");
    int rc = ll_db_prepare(db, &st,
                           "INSERT INTO diag_reports (sha256, command, model_id, identity, verdict, "
                           "tool_version, header) VALUES (?, ?, ?, ?, ?, ?, ?)",
                           err);
    if (rc)
        return rc;
    const char *const texts[] = {key,
                                 text_of(doc, "command"),
                                 text_of(model, "id"),
                                 text_of(model, "identity"),
                                 text_of(doc, "verdict"),
                                 text_of(made, "tool")};
    for (int i = 0; i < 6; i++)
        bind_string(st, i + 1, texts[i]);
    if (!(rc = bind_json(st, 7, doc, err)))
        rc = ll_db_run(db, st, err);
    sqlite3_finalize(st);
    return rc;
}

/* The member `key` of a row, taken out of it; to be deleted by the caller. */
static cJSON *take(cJSON *row, const char *key) { return cJSON_DetachItemFromObjectCaseSensitive(row, key); }

static int put_rows(sqlite3 *db, const cJSON *rows, long long report, struct ll_err *err)
{
    sqlite3_stmt *st;
    int nr = 0,
        rc = ll_db_prepare(db, &st,
                           "INSERT INTO diag_rows (report, nr, layer, step, json) VALUES (?, ?, ?, ?, ?)",
                           err);
    for (cJSON *r = rows ? rows->child : NULL; r && !rc; r = r->next, nr++) {
        if (!cJSON_IsObject(r)) {
            rc = ll_fail(err, LL_EUSAGE, "report: rows.%d: expected an object", nr);
            break;
        }
        cJSON *layer = take(r, "layer"), *step = take(r, "step");
        sqlite3_bind_int64(st, 1, report);
        sqlite3_bind_int(st, 2, nr);
        if (cJSON_IsNumber(layer) && fabs(layer->valuedouble) < 1e9)
            sqlite3_bind_int64(st, 3, (sqlite3_int64)layer->valuedouble);
        else
            sqlite3_bind_null(st, 3);
        bind_string(st, 4, cJSON_IsString(step) ? step->valuestring : NULL);
        if (!(rc = bind_json(st, 5, r, err)))
            rc = ll_db_run(db, st, err);
        cJSON_Delete(layer);
        cJSON_Delete(step);
    }
    sqlite3_finalize(st);
    return rc;
}

static int put_criteria(sqlite3 *db, const cJSON *list, long long report, struct ll_err *err)
{
    int nr = 0, rc = LL_OK;
    for (const cJSON *c = list ? list->child : NULL; c && !rc; c = c->next, nr++) {
        const char *status = text_of(c, "status"), *name = text_of(c, "name");
        if (!name || !status
            || (strcmp(status, "pass") && strcmp(status, "warn") && strcmp(status, "fail")
                && strcmp(status, "not run")))
            return ll_fail(err, LL_EUSAGE,
                           "report: criteria.%d: expected a name and one of pass, warn, fail, not run", nr);
        rc = ll_db_do(db, err, "INSERT INTO diag_criteria VALUES (?, ?, ?, ?, ?)", "iisss", report,
                      (long long)nr, name, status, text_of(c, "detail"));
    }
    return rc;
}

/* doc loses its rows and criteria. */
static int put_all(sqlite3 *db, cJSON *doc, const char *key, int *added, struct ll_err *err)
{
    cJSON *rows = take(doc, "rows"), *criteria = take(doc, "criteria");
    long long have = 0;
    int rc = ll_db_exec(db, ll_index_diag_schema, err);
    if (!rc)
        rc = ll_db_exec(db, "BEGIN IMMEDIATE", err);
    if (!rc)
        rc = ll_db_get(db, &have, 0, err, "SELECT id FROM diag_reports WHERE sha256 = ?", "s", key);
    if (!rc && !have && !(rc = put_report(db, doc, key, err))) {
        long long report = sqlite3_last_insert_rowid(db);
        if (!(rc = put_rows(db, rows, report, err)))
            rc = put_criteria(db, criteria, report, err);
        *added = !rc;
    }
    if (!rc)
        rc = ll_db_exec(db, "COMMIT", err);
    if (rc) {
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        *added = 0;
    }
    cJSON_Delete(rows);
    cJSON_Delete(criteria);
    return rc;
}

static int check_document(const cJSON *doc, struct ll_err *err)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(doc, "rows"),
                *criteria = cJSON_GetObjectItemCaseSensitive(doc, "criteria");
    if (!cJSON_IsObject(doc) || !text_of(doc, "command") || !cJSON_IsArray(criteria))
        return ll_fail(err, LL_EUSAGE,
                       "report: expected a JSON document of a diagnostic command (an object with command, "
                       "rows, criteria)");
    if (rows && !cJSON_IsArray(rows))
        return ll_fail(err, LL_EUSAGE, "report: rows: expected a list");
    return LL_OK;
}

int ll_index_diag(const char *path, const char *json, size_t n, int *added, struct ll_err *err)
{
    sqlite3 *db = NULL;
    struct ll_sha256 sha;
    char key[65];
    int is_new = 0;
    const char *end = json;
    cJSON *doc = n ? cJSON_ParseWithLengthOpts(json, n, &end, 0) : NULL;
    while (doc && end < json + n && strchr(" \t\r\n", *end) && *end)
        end++;
    int rc = doc && end < json + n
        ? ll_fail(err, LL_EUSAGE, "report: expected nothing after the document, found \"%.*s\"",
                  json + n - end < 20 ? (int)(json + n - end) : 20, end)
        : check_document(doc, err);
    ll_sha256_init(&sha);
    ll_sha256_add(&sha, json, n);
    ll_sha256_hex(&sha, key);
    if (!rc && !(rc = ll_db_open_write(&db, path, err))) {
        rc = put_all(db, doc, key, &is_new, err);
        ll_db_close_write(db, -1);
    }
    cJSON_Delete(doc);
    if (added)
        *added = is_new;
    return rc;
}
