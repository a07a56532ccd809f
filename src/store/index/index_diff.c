/* index_diff.c - see index_diff.h. Columns of diff_rows are those of ll_schema_diff. */
#include "index_diff.h"
#include "buf.h"
#include "index_schema.h"

#include <math.h>
#include <string.h>

#define BEYOND(t, cmp, value) "(d." t " >= 0 AND coalesce(" value " " cmp " d." t ", 0))"

/* clang-format off */
static const char before_rows[] =
    "CREATE TABLE IF NOT EXISTS diffs (     -- two checkpoints compared on the same prompts\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  key TEXT NOT NULL UNIQUE,        -- SHA-256 of what was compared and of all rows\n"
    "  model_a TEXT NOT NULL, model_b TEXT NOT NULL,\n"
    "  identity_a TEXT, identity_b TEXT, types_a TEXT, types_b TEXT, container_a TEXT, container_b TEXT,\n"
    "  n_layers_a INTEGER, n_layers_b INTEGER, d_model_a INTEGER, d_model_b INTEGER, d_vocab INTEGER,\n"
    "  lens_norm TEXT, engine TEXT, positions TEXT, prompts_from TEXT, n_prompts INTEGER,"
    " n_positions INTEGER,\n"
    "  max_kl_bits REAL, max_js_bits REAL, max_flip_share REAL, min_cos REAL,"
    " max_rel_err REAL, -- tolerances of a row's mean; below 0: not asked\n"
    "  first_beyond INTEGER,            -- first lens row beyond one of them\n"
    "  command TEXT, tool_version TEXT\n"
    ") STRICT;\n"
    "CREATE TABLE IF NOT EXISTS diff_prompts (\n"
    "  diff INTEGER NOT NULL REFERENCES diffs(id) ON DELETE CASCADE,\n"
    "  prompt INTEGER NOT NULL, text TEXT, token_ids TEXT, n_pos INTEGER,\n"
    "  PRIMARY KEY (diff, prompt)\n"
    ") STRICT, WITHOUT ROWID;\n";
/* clang-format on */
/* clang-format off */
static const char after_rows[] =
    "CREATE VIEW IF NOT EXISTS v_diff_rows AS\n"
    "  SELECT d.model_a, d.model_b, d.lens_norm, r.*, p.text AS prompt_text\n"
    "  FROM diff_rows r JOIN diffs d ON d.id = r.diff"
    " LEFT JOIN diff_prompts p ON p.diff = r.diff AND p.prompt = r.prompt;\n"
    "CREATE VIEW IF NOT EXISTS v_diff_layers AS\n"
    "  SELECT d.id AS diff, d.model_a, d.model_b, d.lens_norm, s.layer, s.n, s.kl_mean_bits, s.kl_max_bits,"
    " s.kl_b_to_a_mean_bits, s.js_mean_bits, s.js_max_bits,\n"
    "    s.entropy_a_mean_bits, s.entropy_b_mean_bits, s.flips, s.flip_share, s.top5_jaccard_mean,"
    " s.cos_mean, s.cos_min, s.rel_err_mean, s.rel_err_max,\n"
    "    " BEYOND("max_kl_bits", ">", "s.kl_mean_bits") " OR " BEYOND("max_js_bits", ">", "s.js_mean_bits")
    " OR " BEYOND("max_flip_share", ">", "s.flip_share") "\n"
    "      OR " BEYOND("min_cos", "<", "s.cos_mean")
    " OR " BEYOND("max_rel_err", ">", "s.rel_err_mean") " AS beyond\n"
    "  FROM diffs d JOIN (SELECT diff, layer, count(*) AS n, avg(kl_a_to_b_bits) AS kl_mean_bits,"
    " max(kl_a_to_b_bits) AS kl_max_bits, avg(kl_b_to_a_bits) AS kl_b_to_a_mean_bits,\n"
    "      avg(js_bits) AS js_mean_bits, max(js_bits) AS js_max_bits,"
    " avg(entropy_a_bits) AS entropy_a_mean_bits, avg(entropy_b_bits) AS entropy_b_mean_bits,\n"
    "      sum(top1_flip) AS flips, avg(top1_flip) AS flip_share, avg(top5_jaccard) AS top5_jaccard_mean,"
    " avg(resid_cos) AS cos_mean, min(resid_cos) AS cos_min,\n"
    "      avg(resid_rel_err) AS rel_err_mean, max(resid_rel_err) AS rel_err_max"
    " FROM diff_rows GROUP BY diff, layer) s ON s.diff = d.id;\n";
/* clang-format on */

static void put_rows_table(struct ll_buf *sql)
{
    ll_buf_addf(sql, "CREATE TABLE IF NOT EXISTS %s (\n", ll_schema_diff.table);
    ll_buf_adds(sql, "  diff INTEGER NOT NULL REFERENCES diffs(id) ON DELETE CASCADE");
    for (int i = 0; i < LL_DIFF_COLS; i++) {
        const struct ll_col *c = &ll_schema_diff.cols[i];
        ll_buf_addf(sql, ",\n  %s %s%s", c->name, ll_sql_type(c->kind),
                    c->keep == LL_KEEP_PLACE ? " NOT NULL" : "");
    }
    ll_buf_adds(sql, ",\n  PRIMARY KEY (diff, layer, prompt, pos)\n) STRICT, WITHOUT ROWID;\n");
}

void ll_index_put_diff_schema(struct ll_buf *sql)
{
    ll_buf_adds(sql, before_rows);
    put_rows_table(sql);
    ll_buf_adds(sql, after_rows);
}

/* "prompt, pos, ..." or "?1, ?2, ..." */
static void columns(struct ll_buf *sql, int numbers)
{
    for (int i = 0; i < LL_DIFF_COLS; i++)
        if (numbers)
            ll_buf_addf(sql, "%s?%d", i ? ", " : "", i + 1);
        else
            ll_buf_addf(sql, "%s%s", i ? ", " : "", ll_schema_diff.cols[i].name);
}

int ll_diff_load_begin(struct ll_diff_load *l, const char *index, struct ll_err *err)
{
    struct ll_buf sql = {0};
    memset(l, 0, sizeof *l);
    int rc = ll_db_open_write(&l->db, index, err);
    ll_index_put_diff_schema(&sql);
    if (!rc && !(rc = ll_buf_ok(&sql, err)))
        rc = ll_db_exec(l->db, sql.s, err);
    ll_buf_reset(&sql);
    ll_buf_adds(&sql, "CREATE TEMP TABLE new_rows AS SELECT ");
    columns(&sql, 0);
    ll_buf_adds(&sql, " FROM diff_rows WHERE 0");
    if (!rc && !(rc = ll_buf_ok(&sql, err)))
        rc = ll_db_exec(l->db, sql.s, err);
    ll_buf_reset(&sql);
    ll_buf_adds(&sql, "INSERT INTO temp.new_rows VALUES (");
    columns(&sql, 1);
    ll_buf_addc(&sql, ')');
    if (!rc && !(rc = ll_buf_ok(&sql, err)))
        rc = ll_db_prepare(l->db, &l->insert, sql.s, err);
    ll_buf_free(&sql);
    if (rc)
        ll_diff_load_close(l);
    return rc;
}

int ll_diff_load_row(struct ll_diff_load *l, const struct ll_row *row, struct ll_err *err)
{
    for (int i = 0; i < LL_DIFF_COLS; i++) {
        const struct ll_cell *c = &row->cells[i];
        size_t n = 0;
        if (!c->set)
            sqlite3_bind_null(l->insert, i + 1);
        else if (ll_schema_diff.cols[i].kind == LL_TEXT) {
            const char *s = ll_row_str(row, i, &n);
            ll_db_bind_text(l->insert, i + 1, s, n);
        } else if (ll_schema_diff.cols[i].kind == LL_REAL)
            sqlite3_bind_double(l->insert, i + 1, c->v.r);
        else
            sqlite3_bind_int64(l->insert, i + 1, c->v.i);
    }
    return ll_db_run(l->db, l->insert, err);
}

static int put_diff(sqlite3 *db, const struct ll_diff_doc *d, const char *key, struct ll_err *err)
{
    const double *t = d->tolerance;
    return ll_db_do(db, err,
                    "INSERT INTO diffs (key, model_a, model_b, identity_a, identity_b, types_a, types_b,"
                    " container_a, container_b, n_layers_a, n_layers_b, d_model_a, d_model_b, d_vocab,"
                    " lens_norm, engine, positions, prompts_from, n_prompts, n_positions,"
                    " max_kl_bits, max_js_bits, max_flip_share, min_cos, max_rel_err,"
                    " first_beyond, command, tool_version)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                    " nullif(?, -1), ?, ?)",
                    "sssssssssiiiiissssiidddddiss", key, d->a->model_id, d->b->model_id, d->a->identity,
                    d->b->identity, d->a->stored_types, d->b->stored_types, d->a->container, d->b->container,
                    (long long)d->a->n_layers, (long long)d->b->n_layers, (long long)d->a->d_model,
                    (long long)d->b->d_model, (long long)d->a->d_vocab, d->a->lens_norm, d->a->engine,
                    d->positions, d->prompts_from, (long long)d->n_prompts,
                    (long long)(d->n_layers ? d->layers[0].n : 0), t[LL_DIFF_T_KL], t[LL_DIFF_T_JS],
                    t[LL_DIFF_T_FLIPS], t[LL_DIFF_T_COS], t[LL_DIFF_T_REL_ERR],
                    (long long)(d->first_beyond < 0 ? -1 : d->layers[d->first_beyond].layer), d->command,
                    d->tool);
}

static int put_prompts(sqlite3 *db, const struct ll_diff_doc *d, long long diff, struct ll_err *err)
{
    sqlite3_stmt *st;
    int rc = ll_db_prepare(db, &st, "INSERT INTO diff_prompts VALUES (?, ?, ?, ?, ?)", err);
    for (int i = 0; i < d->n_prompts && !rc; i++) {
        struct ll_buf ids = {0};
        for (int k = 0; k < d->prompts[i].n_ids; k++)
            ll_buf_addf(&ids, "%s%d", k ? " " : "", d->prompts[i].ids[k]);
        sqlite3_bind_int64(st, 1, diff);
        sqlite3_bind_int(st, 2, i);
        ll_db_bind_text(st, 3, d->prompts[i].text, d->prompts[i].n);
        ll_db_bind_text(st, 4, ll_buf_str(&ids), ids.len);
        sqlite3_bind_int(st, 5, d->prompts[i].n_ids);
        if (!(rc = ll_buf_ok(&ids, err)))
            rc = ll_db_run(db, st, err);
        ll_buf_free(&ids);
    }
    sqlite3_finalize(st);
    return rc;
}

static int put_rows(sqlite3 *db, long long diff, struct ll_err *err)
{
    struct ll_buf sql = {0};
    ll_buf_adds(&sql, "INSERT INTO diff_rows (diff, ");
    columns(&sql, 0);
    ll_buf_adds(&sql, ") SELECT ?1, ");
    columns(&sql, 0);
    ll_buf_adds(&sql, " FROM temp.new_rows ORDER BY layer, prompt, pos");
    int rc = ll_buf_ok(&sql, err);
    if (!rc)
        rc = ll_db_do(db, err, sql.s, "i", diff);
    ll_buf_free(&sql);
    return rc;
}

int ll_diff_load_finish(struct ll_diff_load *l, const struct ll_diff_doc *doc, const char *key, int *added,
                        struct ll_err *err)
{
    long long have = 0;
    int rc = ll_db_exec(l->db, "BEGIN IMMEDIATE", err);
    *added = 0;
    if (!rc)
        rc = ll_db_get(l->db, &have, 0, err, "SELECT id FROM diffs WHERE key = ?", "s", key);
    if (!rc && !have && !(rc = put_diff(l->db, doc, key, err))) {
        long long diff = sqlite3_last_insert_rowid(l->db);
        rc = put_prompts(l->db, doc, diff, err);
        if (!rc)
            rc = put_rows(l->db, diff, err);
        *added = !rc;
    }
    if (!rc)
        rc = ll_db_exec(l->db, "COMMIT", err);
    if (rc) {
        sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
        *added = 0;
    }
    return rc;
}

void ll_diff_load_close(struct ll_diff_load *l)
{
    sqlite3_finalize(l->insert);
    ll_db_close_write(l->db, -1);
    memset(l, 0, sizeof *l);
}
