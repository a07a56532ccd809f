/* index_schema.c - tables of the index (docs/index.md 2); its views: index_views.c.
 *
 * Decisions:
 * - The unit that is replaced is a model within a run: everything below run_models goes with it.
 * - A token is its text and its vocabulary id; each pair stands once in `tokens` (the import sees to it),
 *   rows hold a reference.
 * - The first five of the most likely tokens stand within their row (tok1, p1, ...): a row of its own for
 *   each would triple the size and the time of an import; ranks 6 to 20 stand in a second, wide table for the
 *   rows that have them. The view `topk` shows all as (pass, lens, layer, pos, rank, token, prob).
 * - `records` is nine tenths of an index: it lies in the order of its key, without row number and second
 *   index, and leaves out rest_mass where 1 - (p1 + p2 + ...) is that very number (v_records computes
 *   it).
 * - entropy and entropy_bits are one number, row_id is computed (views), so neither is stored twice. Copy
 *   flags, whose number and names differ from file to file, are bits (view pure_flags).
 * - Tables of the further CSV files are made from the list of kinds (index_kinds.c).
 * - Columns of a CSV that this version does not know are kept as text in `extra`. */
#include "index_schema.h"
#include "index.h"
#include "index_kinds.h"

#include <string.h>

/* clang-format off */
#define TOP(k) "tok" #k " INTEGER REFERENCES tokens(id), p" #k " REAL"
#define TOP5_COLUMNS "  " TOP(1) ", " TOP(2) ", " TOP(3) ",\n  " TOP(4) ", " TOP(5)
#define MORE_COLUMNS \
    "  " TOP(6) ", " TOP(7) ", " TOP(8) ",\n  " TOP(9) ", " TOP(10) ", " TOP(11) ",\n" \
    "  " TOP(12) ", " TOP(13) ", " TOP(14) ",\n  " TOP(15) ", " TOP(16) ", " TOP(17) ",\n" \
    "  " TOP(18) ", " TOP(19) ", " TOP(20)

/* clang-format on */

const char *ll_sql_type(enum ll_kind kind)
{
    return kind == LL_REAL ? "REAL" : kind == LL_TEXT ? "TEXT" : "INTEGER";
}

static void put_columns(struct ll_buf *sql, const struct ll_file_kind *k)
{
    for (const struct ll_col *c = NULL; (c = ll_kind_next_col(k, c));)
        ll_buf_addf(sql, ",\n  \"%s\" %s%s", c->name, ll_sql_type(c->kind),
                    k->key && c == &k->schema->cols[k->key] ? " NOT NULL" : "");
}

static void put_records(struct ll_buf *sql)
{
    ll_buf_adds(sql,
                "  pass INTEGER NOT NULL REFERENCES passes(id) ON DELETE CASCADE,\n"
                "  lens_nr INTEGER NOT NULL,        -- 0 norm, 1 raw, 2 prism, 3 tuned\n"
                "  layer INTEGER NOT NULL, pos INTEGER NOT NULL,\n"
                "  token INTEGER REFERENCES tokens(id),\n"
                "  entropy_bits REAL,\n"
                "  rest_mass REAL,                  -- NULL: max(0, 1 - what is listed), see v_records;"
                " -1: the file gives none\n" TOP5_COLUMNS);
    put_columns(sql, ll_kind_of(LL_SHAPE_RECORDS));
    ll_buf_adds(sql, ",\n  PRIMARY KEY (pass, lens_nr, layer, pos)\n");
}

static void put_pure(struct ll_buf *sql)
{
    ll_buf_adds(
        sql,
        "  id INTEGER PRIMARY KEY,\n"
        "  pass INTEGER NOT NULL REFERENCES passes(id) ON DELETE CASCADE,\n"
        "  lens TEXT NOT NULL,              -- norm, raw, prism, tuned\n"
        "  layer INTEGER NOT NULL, pos INTEGER,\n"
        "  entropy_bits REAL,\n"
        "  flag_set INTEGER, flags INTEGER, flags_null INTEGER, -- bits: see flag_names\n" TOP5_COLUMNS);
    put_columns(sql, ll_kind_of(LL_SHAPE_PURE));
    ll_buf_adds(sql, ",\n  UNIQUE (pass, lens, layer)\n");
}

/* clang-format off */
/* doc NULL: that of the schema in src/record.
 * columns: everything between the parentheses; NULL: put writes it. */
static const struct table {
    const char *name, *doc, *columns, *tail;
    void (*put)(struct ll_buf *);
} tables[] = {
    {"runs", "A run folder.",
     "  run_id INTEGER PRIMARY KEY,\n"
     "  folder TEXT,                     -- relative to the index where it lies below it;"
     " NULL: moved away unseen\n"
     "  stamp TEXT NOT NULL,             -- YYYYMMDD-HHMM of its timestamp file, '' without one\n"
     "  started_at TEXT,                 -- local time\n"
     "  era TEXT NOT NULL,               -- ours, early, late\n"
     "  tool_version TEXT, seed INTEGER, experiment TEXT, command TEXT\n", "STRICT"},
    {"models", "A model by name and dimensions.",
     "  id INTEGER PRIMARY KEY,\n"
     "  model_id TEXT NOT NULL,          -- org/name\n"
     "  clean TEXT NOT NULL,             -- what follows the last '/'\n"
     "  n_layers INTEGER, d_model INTEGER, n_heads INTEGER, d_vocab INTEGER,\n"
     "  architecture TEXT                -- pre_norm, post_norm\n", "STRICT"},
    {"run_models", "One model in one run: how it was read, what it says itself.",
     "  id INTEGER PRIMARY KEY,\n"
     "  run INTEGER NOT NULL REFERENCES runs(run_id) ON DELETE CASCADE,\n"
     "  model INTEGER NOT NULL REFERENCES models(id),\n"
     "  stem TEXT NOT NULL,              -- its files are output-<stem>...\n"
     "  status TEXT NOT NULL,            -- ok, failed, skipped, unknown (no JSON file, or a broken one)\n"
     "  reason TEXT,\n"
     "  device TEXT, dtype TEXT,         -- dtype: the types the weights are stored in\n"
     "  unembed_dtype TEXT, use_norm_lens INTEGER, use_fp32_unembed INTEGER, lens_norm TEXT, engine TEXT,"
     " container TEXT, identity TEXT, family TEXT,\n"
     "  norm_kind TEXT, norm_eps REAL, logit_scale REAL, logit_cap REAL, embedding_scale REAL,"
     " bos_policy TEXT,\n"
     "  n_ctx INTEGER, n_params INTEGER, n_kv_heads INTEGER, d_head INTEGER, d_mlp INTEGER,\n"
     "  copy_threshold REAL, copy_margin REAL,\n"
     "  final_entropy_bits REAL, final_top1 TEXT, final_p_top1 REAL, -- the model's own output\n"
     "  last_row_equals_model INTEGER,\n"
     "  last_position_only INTEGER,      -- 1: the run was asked for no records file\n"
     "  UNIQUE (run, stem)\n", "STRICT; CREATE INDEX run_models_by_model ON run_models(model)"},
    {"files", "What was imported, and what could not be.",
     "  id INTEGER PRIMARY KEY,\n"
     "  run INTEGER NOT NULL REFERENCES runs(run_id) ON DELETE CASCADE,\n"
     "  run_model INTEGER REFERENCES run_models(id) ON DELETE CASCADE,\n"
     "  name TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,\n"
     "  n_rows INTEGER, n_columns INTEGER, -- of a CSV file\n"
     "  dialect TEXT,                    -- rfc4180, backslash-twice\n"
     "  problem TEXT,                    -- why nothing (or not all) of it is here; NULL: all is well\n"
     "  UNIQUE (run, name)\n", "STRICT; CREATE INDEX files_by_run_model ON files(run_model)"},
    {"tokens", "Token texts with their vocabulary ids.",
     "  id INTEGER PRIMARY KEY,\n"
     "  text TEXT NOT NULL,\n"
     "  token_id INTEGER                 -- in the vocabulary of whichever model; NULL: not recorded\n",
     "STRICT"},
    {"passes", "One prompt through one model.",
     "  id INTEGER PRIMARY KEY,\n"
     "  run_model INTEGER NOT NULL REFERENCES run_models(id) ON DELETE CASCADE,\n"
     "  pass_key TEXT NOT NULL, is_main INTEGER NOT NULL,\n"
     "  fact_key TEXT, fact_index INTEGER, prompt_id TEXT, prompt_variant TEXT,\n"
     "  prompt_text TEXT, token_ids TEXT, n_pos INTEGER,\n"
     "  gold_text TEXT, gold_first_id INTEGER,\n"
     "  gold_status TEXT,                -- with_space, no_space, exact, ids, unresolved;"
     " NULL: not recorded\n"
     "  UNIQUE (run_model, pass_key)\n", "STRICT"},
    {"stored_milestones",
     "Summary layers as the JSON file says them; layer null: it says that there is none.",
     "  pass INTEGER NOT NULL REFERENCES passes(id) ON DELETE CASCADE, name TEXT NOT NULL, layer INTEGER,\n"
     "  PRIMARY KEY (pass, name)\n", "STRICT, WITHOUT ROWID"},
    {"records", NULL, NULL, "STRICT, WITHOUT ROWID", put_records},
    {"records_more", "Ranks 6 to 20, where a record lists so many.",
     "  pass INTEGER NOT NULL REFERENCES passes(id) ON DELETE CASCADE,\n"
     "  lens_nr INTEGER NOT NULL, layer INTEGER NOT NULL, pos INTEGER NOT NULL,\n" MORE_COLUMNS ",\n"
     "  PRIMARY KEY (pass, lens_nr, layer, pos)\n", "STRICT, WITHOUT ROWID"},
    {"pure", NULL, NULL, "STRICT", put_pure},
    {"pure_more", "Ranks 6 to 20, where a pure row lists so many.",
     "  pure INTEGER PRIMARY KEY REFERENCES pure(id) ON DELETE CASCADE,\n" MORE_COLUMNS "\n", "STRICT"},
    {"flag_names", "Names of the copy flags of a header: bit 0, 1, ... of pure.flags.",
     "  flag_set INTEGER NOT NULL, bit INTEGER NOT NULL, name TEXT NOT NULL,\n"
     "  PRIMARY KEY (flag_set, bit)\n", "STRICT, WITHOUT ROWID"},
    {"extra", "Columns of a CSV file that this version does not know, as text.",
     "  file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE,\n"
     "  nr INTEGER NOT NULL,             -- data row, 1 = first\n"
     "  name TEXT NOT NULL, value TEXT, pass INTEGER, layer INTEGER, pos INTEGER,\n"
     "  PRIMARY KEY (file, nr, name)\n", "STRICT, WITHOUT ROWID"},
    {"diagnostics", "The JSON file: members of `diagnostics`, and the sections that have no table.",
     "  run_model INTEGER NOT NULL REFERENCES run_models(id) ON DELETE CASCADE,\n"
     "  key TEXT NOT NULL, json TEXT NOT NULL,\n"
     "  PRIMARY KEY (run_model, key)\n", "STRICT, WITHOUT ROWID"},
    {"test_prompts", "Further prompts: the model's own output only.",
     "  run_model INTEGER NOT NULL REFERENCES run_models(id) ON DELETE CASCADE,\n"
     "  nr INTEGER NOT NULL, prompt TEXT, entropy_bits REAL, top1 TEXT, p_top1 REAL,"
     " topk TEXT, -- topk: JSON pairs\n"
     "  PRIMARY KEY (run_model, nr)\n", "STRICT, WITHOUT ROWID"},
    {"temperatures", "The main prompt's own output at other temperatures.",
     "  run_model INTEGER NOT NULL REFERENCES run_models(id) ON DELETE CASCADE,\n"
     "  nr INTEGER NOT NULL, temperature REAL, entropy_bits REAL, top1 TEXT, p_top1 REAL, topk TEXT,\n"
     "  PRIMARY KEY (run_model, nr)\n", "STRICT, WITHOUT ROWID"},
    {"evaluations", "Evaluation texts of a run; model null: across models or of the evaluations themselves.",
     "  run INTEGER NOT NULL REFERENCES runs(run_id) ON DELETE CASCADE,\n"
     "  path TEXT NOT NULL,              -- within the run folder\n"
     "  kind TEXT NOT NULL,              -- single, cross, meta\n"
     "  model TEXT,                      -- the stem\n"
     "  PRIMARY KEY (run, path)\n", "STRICT, WITHOUT ROWID"},
};
/* clang-format on */
enum { N_TABLES = sizeof tables / sizeof tables[0] };

static void put_further(struct ll_buf *sql, const struct ll_file_kind *k)
{
    int by_pass = k->shape == LL_SHAPE_PASS;
    const char *key = ll_kind_key(k);
    ll_buf_addf(
        sql, "CREATE TABLE %s (\n%s", k->schema->table,
        by_pass ? "  pass INTEGER NOT NULL REFERENCES passes(id) ON DELETE CASCADE,\n  layer INTEGER NOT NULL"
                : "  run_model INTEGER NOT NULL REFERENCES run_models(id) ON DELETE CASCADE,\n"
                  "  nr INTEGER NOT NULL,             -- data row, 1 = first\n"
                  "  pass INTEGER,                    -- NULL: the file does not say which\n"
                  "  layer INTEGER");
    put_columns(sql, k);
    ll_buf_addf(sql, ",\n  PRIMARY KEY (%s%s%s)\n) STRICT, WITHOUT ROWID;\n",
                by_pass ? "pass, layer" : "run_model, nr", key ? ", " : "", key ? key : "");
}

#define EACH_KIND(k) (const struct ll_file_kind *k = ll_file_kinds; k < ll_file_kinds + ll_n_file_kinds; k++)

/* What a table holds: its schema's text, or its own. */
static const char *doc_of(const struct table *t)
{
    for
        EACH_KIND(k)
    if (!t->doc && k->schema && !strcmp(k->schema->table, t->name))
        return k->schema->doc;
    return t->doc;
}

static int is_further(const struct ll_file_kind *k)
{
    return k->shape == LL_SHAPE_PASS || k->shape == LL_SHAPE_MODEL;
}

void ll_index_put_schema(struct ll_buf *sql)
{
    for (int i = 0; i < N_TABLES; i++) {
        ll_buf_addf(sql, "CREATE TABLE %s (\n", tables[i].name);
        if (tables[i].put)
            tables[i].put(sql);
        else
            ll_buf_adds(sql, tables[i].columns);
        ll_buf_addf(sql, ") %s;\n", tables[i].tail);
    }
    for
        EACH_KIND(k)
    if (is_further(k))
        put_further(sql, k);
    ll_buf_adds(sql, "CREATE INDEX models_by_id ON models(model_id);\n");
    ll_index_put_views(sql);
}

void ll_index_put_tables(struct ll_buf *out)
{
    ll_buf_adds(out, "| table | holds |\n| --- | --- |\n");
    for (int i = 0; i < N_TABLES; i++)
        ll_buf_addf(out, "| %s | %s |\n", tables[i].name, doc_of(&tables[i]));
    for
        EACH_KIND(k)
    if (is_further(k))
        ll_buf_addf(out, "| %s | %s |\n", k->schema->table, k->schema->doc);
    ll_buf_adds(out, "\n| view | shows |\n| --- | --- |\n");
    ll_index_put_view_docs(out);
    ll_buf_adds(out, "\n| file of a model | goes to | lens |\n| --- | --- | --- |\n");
    for
        EACH_KIND(k)
    ll_buf_addf(
        out, "| output-MODEL%s | %s | %s |\n", ll_kind_suffix(k),
        k->schema ? k->schema->table
                  : "models, run_models, passes, stored_milestones, test_prompts, temperatures, diagnostics",
        k->lens                                                         ? k->lens
            : k->shape == LL_SHAPE_PURE || k->shape == LL_SHAPE_RECORDS ? "norm, or raw"
                                                                        : "");
}

int ll_lens_nr(const char *lens)
{
    static const char *const names[] = {"norm", "raw", "prism", "tuned"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(names[i], lens))
            return i;
    return -1;
}
