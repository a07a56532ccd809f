/* index_csv.c - a CSV file into its table: columns by name, the pass of each row, completeness; see
 * index_load.h. The values: index_rows.c */
#include "index_csv.h"
#include "index_db.h"
#include "index_schema.h"
#include "literal.h"
#include "record_cols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(shape) (1u << (shape))
enum {
    TOKENS = BIT(LL_SHAPE_RECORDS) | BIT(LL_SHAPE_PURE),
    ALL = TOKENS | BIT(LL_SHAPE_PASS) | BIT(LL_SHAPE_MODEL)
};
/* col: of the table of records, which has them all; other tables spell them alike. */
static const struct {
    enum ll_rec_col col;
    unsigned shapes;
} special[LL_W_N] = {
    [LL_W_LAYER] = {LL_REC_LAYER, ALL},
    [LL_W_POS] = {LL_REC_POS, TOKENS},
    [LL_W_TOKEN] = {LL_REC_TOKEN, TOKENS},
    [LL_W_TOKEN_ID] = {LL_REC_TOKEN_ID, TOKENS},
    [LL_W_ENTROPY] = {LL_REC_ENTROPY, TOKENS},
    [LL_W_ENTROPY_BITS] = {LL_REC_ENTROPY_BITS, TOKENS},
    [LL_W_TOP_IDS] = {LL_REC_TOP_IDS, TOKENS},
    [LL_W_ROW_ID] = {LL_REC_ROW_ID, ALL},
    [LL_W_FACT_KEY] = {LL_REC_FACT_KEY, ALL},
    [LL_W_FACT_INDEX] = {LL_REC_FACT_INDEX, ALL},
    [LL_W_REST_MASS] = {LL_REC_REST_MASS, BIT(LL_SHAPE_RECORDS)},
    [LL_W_PROMPT_ID] = {LL_REC_PROMPT_ID, ALL},
    [LL_W_PROMPT_VARIANT] = {LL_REC_PROMPT_VARIANT, ALL},
};

const char *ll_special_name(enum ll_special w) { return ll_schema_records.cols[special[w].col].name; }

const struct ll_field *ll_at(const struct ll_csv_row *row, int col)
{
    static const struct ll_field null_field = {NULL, 0};
    return col < 0 ? &null_field : &row->field[col];
}

int ll_bad_cell(const struct ll_csv_row *row, struct ll_err *err, const char *column, const char *expected,
                const struct ll_field *f)
{
    return ll_fail(err, LL_EUSAGE, "%s: data row %lld: column %s: expected %s, found \"%.60s\"", row->file,
                   row->nr, column, expected, f->s ? f->s : "");
}

/* A number from 0 to max in a special column. */
static int get_int(const struct ll_loader *d, const struct ll_csv_row *row, enum ll_special w, long long max,
                   long long *v, struct ll_err *err)
{
    const struct ll_field *f = ll_at(row, d->col[w]);
    if (ll_field_int(f, v) && *v >= 0 && *v <= max)
        return LL_OK;
    char want[64];
    snprintf(want, sizeof want, "a whole number from 0 to %lld", max);
    return ll_bad_cell(row, err, ll_special_name(w), want, f);
}

/* ---- header ---------------------------------------------------------------------------------- */
static int has_tokens(const struct ll_loader *d) { return (BIT(d->k->shape) & TOKENS) != 0; }

static int is_numbered(const char *name, const char *head, int *k)
{
    size_t n = strlen(head);
    struct ll_field f = {name + n, strlen(name) > n ? strlen(name) - n : 0};
    long long v;
    if (strncmp(name, head, n) || !ll_field_int(&f, &v) || v < 1 || v > LL_TOP_COLS || name[n] == '0')
        return 0;
    *k = (int)v - 1;
    return 1;
}

static int known_column(struct ll_loader *d, const char *name, int col)
{
    int k;
    for (int i = 0; i < d->n_plain; i++)
        if (!strcmp(name, d->plain[i]->name))
            return d->plain_col[i] = col, 1;
    for (int w = 0; w < LL_W_N; w++)
        if (special[w].shapes & BIT(d->k->shape) && !strcmp(name, ll_special_name((enum ll_special)w)))
            return d->col[w] = col, 1;
    if (has_tokens(d) && is_numbered(name, "top", &k))
        return d->top_col[k] = col, 1;
    if (has_tokens(d) && is_numbered(name, "prob", &k))
        return d->prob_col[k] = col, 1;
    if (d->k->shape == LL_SHAPE_PURE && ll_is_flag_column(name) && d->n_flags < LL_MAX_FLAGS)
        return d->flag_col[d->n_flags++] = col, 1;
    return 0;
}

/* The set of flag names of this header: an earlier file's where it has the same, else a new one. */
static int flag_set(struct ll_loader *d, const struct ll_csv_row *h, struct ll_err *err)
{
    struct ll_buf names = {0};
    for (int i = 0; i < d->n_flags; i++)
        ll_buf_addf(&names, "%s%s", i ? "\n" : "", h->field[d->flag_col[i]].s);
    int rc = ll_buf_ok(&names, err);
    if (!rc)
        rc = ll_db_get(d->l->db, &d->flag_set, 0, err,
                       "SELECT flag_set FROM (SELECT flag_set, group_concat(name, char(10)) AS names FROM "
                       "(SELECT * FROM flag_names ORDER BY flag_set, bit) GROUP BY flag_set)"
                       " WHERE names = ?",
                       "s", ll_buf_str(&names));
    ll_buf_free(&names);
    if (rc || d->flag_set)
        return rc;
    rc = ll_db_get(d->l->db, &d->flag_set, 0, err, "SELECT coalesce(max(flag_set), 0) + 1 FROM flag_names",
                   "");
    for (int i = 0; i < d->n_flags && !rc; i++)
        rc = ll_db_do(d->l->db, err, "INSERT INTO flag_names VALUES (?, ?, ?)", "iis", d->flag_set,
                      (long long)i, h->field[d->flag_col[i]].s);
    return rc;
}

static int keep_unknown(struct ll_loader *d, const struct ll_csv_row *h, struct ll_err *err)
{
    struct ll_buf list = {0};
    d->extra_col = malloc((size_t)h->n * sizeof *d->extra_col);
    d->extra_name = malloc((size_t)h->n * sizeof *d->extra_name);
    if (!d->extra_col || !d->extra_name)
        return ll_fail_mem(err, "columns", (size_t)h->n * sizeof *d->extra_col);
    for (int i = 0; i < h->n; i++)
        if (!known_column(d, h->field[i].s, i)) {
            d->extra_col[d->n_extra++] = i;
            ll_buf_add(&d->extra_names, h->field[i].s, h->field[i].n + 1);
            ll_buf_addf(&list, "%s%s", list.len ? ", " : "", h->field[i].s);
        }
    const char *s = d->extra_names.s;
    for (int i = 0; i < d->n_extra && !d->extra_names.failed; i++, s += strlen(s) + 1)
        d->extra_name[i] = s;
    if (d->n_extra)
        ll_talk(d->l, "%s: columns that this version does not know, kept as text: %s", h->file,
                ll_buf_str(&list));
    ll_buf_free(&list);
    return ll_buf_ok(&d->extra_names, err);
}

/* A file none of whose own columns is known is a file of another kind. */
static int is_its_kind(const struct ll_loader *d)
{
    int n = 0;
    if (d->col[LL_W_LAYER] < 0 || (d->k->shape == LL_SHAPE_RECORDS && d->col[LL_W_POS] < 0))
        return 0;
    if (has_tokens(d))
        return d->col[LL_W_ENTROPY] >= 0 || d->col[LL_W_ENTROPY_BITS] >= 0;
    for (int i = 0; i < d->n_plain; i++) {
        n += d->plain_col[i] >= 0;
        if (d->k->key && d->plain[i] == &d->k->schema->cols[d->k->key] && d->plain_col[i] < 0)
            return 0;
    }
    return n > 0;
}

static int on_header(void *arg, const struct ll_csv_row *h, struct ll_err *err)
{
    struct ll_loader *d = arg;
    const char *key = ll_kind_key(d->k);
    d->n_plain = 0;
    for (const struct ll_col *c = NULL; d->n_plain < LL_MAX_PLAIN && (c = ll_kind_next_col(d->k, c));)
        d->plain[d->n_plain++] = c;
    memset(d->col, -1, sizeof d->col);
    memset(d->plain_col, -1, sizeof d->plain_col);
    memset(d->top_col, -1, sizeof d->top_col);
    memset(d->prob_col, -1, sizeof d->prob_col);
    d->n_columns = h->n;
    int rc = keep_unknown(d, h, err);
    if (!rc && !is_its_kind(d))
        return ll_fail(err, LL_EUSAGE, "%s: header: expected the columns layer%s and %s%s", h->file,
                       d->k->shape == LL_SHAPE_RECORDS ? ", pos" : "",
                       has_tokens(d) ? ll_special_name(LL_W_ENTROPY)
                           : key     ? key
                                     : d->plain[0]->name,
                       has_tokens(d) || key ? "" : " or another of its kind");
    if (!rc && d->n_flags)
        rc = flag_set(d, h, err);
    return rc ? rc : ll_rows_prepare(d, err);
}

/* ---- pass ------------------------------------------------------------------------------------ */
/* pass_key of row_id "pass_key:Llll:Ppppp" or "pass_key:Llll:...": up to the row's own layer (and position,
 * where it has one). */
static int key_of_row_id(struct ll_loader *d, const struct ll_csv_row *row, const struct ll_field *id,
                         struct ll_err *err)
{
    char tail[64];
    int n = snprintf(tail, sizeof tail, ":L%03lld", d->layer);
    if (d->pos >= 0)
        n += snprintf(tail + n, sizeof tail - (size_t)n, ":P%04lld", d->pos);
    for (size_t at = id->n >= (size_t)n && !memchr(id->s, 0, id->n) ? id->n - (size_t)n : 0; at; at--) {
        char next = id->s[at + (size_t)n];
        if (!memcmp(id->s + at, tail, (size_t)n) && (!next || (d->pos < 0 && next == ':'))) {
            ll_buf_add(&d->key, id->s, at);
            return ll_buf_ok(&d->key, err);
        }
        if (d->pos >= 0)
            break; /* only at the end */
    }
    return ll_bad_cell(row, err, "row_id", "a pass and the row's own layer and position", id);
}

/* The pass's name from row_id; where there is none, from the columns that describe the pass (early rows are
 * of fact 0, the probe in its original wording). */
static int pass_key(struct ll_loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    const struct ll_field *id = ll_at(row, d->col[LL_W_ROW_ID]), *fact = ll_at(row, d->col[LL_W_FACT_INDEX]);
    const struct ll_field *prompt = ll_at(row, d->col[LL_W_PROMPT_ID]),
                          *variant = ll_at(row, d->col[LL_W_PROMPT_VARIANT]);
    ll_buf_reset(&d->key);
    if (id->s)
        return key_of_row_id(d, row, id, err);
    ll_buf_addf(&d->key, "%s.%s", prompt->s ? prompt->s : "pos", variant->s ? variant->s : "orig");
    if (fact->s || d->col[LL_W_FACT_INDEX] < 0)
        ll_buf_addf(&d->key, ".%s", fact->s ? fact->s : "0");
    return ll_buf_ok(&d->key, err);
}

static int make_pass(struct ll_loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    const struct ll_field *prompt = ll_at(row, d->col[LL_W_PROMPT_ID]),
                          *variant = ll_at(row, d->col[LL_W_PROMPT_VARIANT]);
    const char *fact_key = ll_at(row, d->col[LL_W_FACT_KEY])->s;
    long long fact = d->col[LL_W_FACT_INDEX] < 0 ? 0 : -1;
    int rc = LL_OK;
    if (ll_at(row, d->col[LL_W_FACT_INDEX])->s)
        rc = get_int(d, row, LL_W_FACT_INDEX, 1000000000, &fact, err);
    if (!rc)
        rc = ll_db_do(d->l->db, err,
                      "INSERT INTO passes (run_model, pass_key, is_main, fact_key, fact_index, prompt_id, "
                      "prompt_variant)"
                      " VALUES (?1, ?2, NOT EXISTS (SELECT 1 FROM passes WHERE run_model = ?1 AND is_main), "
                      "?3, nullif(?4, -1), ?5, ?6)",
                      "ississ", d->l->run_model, d->key.s, fact_key, fact, prompt->s ? prompt->s : "pos",
                      variant->s ? variant->s : "orig");
    d->pass = sqlite3_last_insert_rowid(d->l->db);
    return rc;
}

static int find_pass(struct ll_loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    int rc = pass_key(d, row, err);
    if (rc || (d->pass && d->key.len == d->last_key.len && !memcmp(d->key.s, d->last_key.s, d->key.len)))
        return rc;
    rc = ll_db_get(d->l->db, &d->pass, 0, err, "SELECT id FROM passes WHERE run_model = ?1 AND pass_key = ?2",
                   "is", d->l->run_model, d->key.s);
    if (!rc && !d->pass)
        rc = make_pass(d, row, err);
    ll_buf_reset(&d->last_key);
    ll_buf_add(&d->last_key, d->key.s, d->key.len);
    return rc ? rc : ll_buf_ok(&d->last_key, err);
}

/* ---- rows ------------------------------------------------------------------------------------ */
/* Files about the model as a whole may leave the layer empty or write _summary, and may say no pass. */
static int find_place(struct ll_loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    const struct ll_field *layer = ll_at(row, d->col[LL_W_LAYER]);
    int by_model = d->k->shape == LL_SHAPE_MODEL, rc = LL_OK;
    d->layer = d->pos = -1;
    if (!by_model || (layer->s && strcmp(layer->s, "_summary")))
        rc = get_int(d, row, LL_W_LAYER, LL_MAX_LAYER, &d->layer, err);
    if (!rc && (d->k->shape == LL_SHAPE_RECORDS || ll_at(row, d->col[LL_W_POS])->s))
        rc = get_int(d, row, LL_W_POS, LL_MAX_POS, &d->pos, err);
    if (rc
        || (by_model && d->col[LL_W_ROW_ID] < 0 && d->col[LL_W_PROMPT_ID] < 0 && d->col[LL_W_FACT_INDEX] < 0))
        return rc;
    if (d->layer < 0
        && ll_at(row, d->col[LL_W_ROW_ID])
               ->s) { /* a row about no layer: its row_id names no layer to look for */
        d->pass = 0;
        return LL_OK;
    }
    return find_pass(d, row, err);
}

static int on_row(void *arg, const struct ll_csv_row *row, struct ll_err *err)
{
    struct ll_loader *d = arg;
    int rc = find_place(d, row, err);
    return rc ? rc : ll_rows_put(d, row, err);
}

/* ---- the file -------------------------------------------------------------------------------- */
/* A query that gives, for each pass (or the model): its name, rows, first and last layer, rows a layer. */
static void count_sql(const struct ll_loader *d, struct ll_buf *sql)
{
    const struct ll_file_kind *k = d->k;
    const char *key = ll_kind_key(k);
    if (k->shape == LL_SHAPE_MODEL) {
        ll_buf_addf(sql,
                    "SELECT NULL, count(layer), min(layer), max(layer), (count(layer) + max(layer) - "
                    "min(layer)) / (max(layer) - min(layer) + 1) FROM %s WHERE run_model = ?1",
                    k->schema->table);
        return;
    }
    ll_buf_addf(sql,
                "SELECT p.pass_key, count(*), min(c.layer), max(c.layer), %s%s%s FROM passes p JOIN %s c ON "
                "c.pass = p.id%s WHERE p.run_model = ?1 GROUP BY p.id",
                k->shape == LL_SHAPE_RECORDS ? "max(c.pos) + 1"
                    : key                    ? "count(DISTINCT c."
                                             : "1",
                key ? key : "", key ? ")" : "", k->schema->table,
                k->shape == LL_SHAPE_RECORDS    ? " AND c.lens_nr = ?2"
                    : k->shape == LL_SHAPE_PURE ? " AND c.lens = ?2"
                                                : "");
}

/* Does a pass have the rows of the sampled raw-lens check and no others? */
static int is_sample(long long n_layers, long long n, long long first, long long last)
{
    long long n_rows = 1, to = 0;
    for (int quarter = 1; quarter <= 3; quarter++) {
        long long row = quarter * n_layers / 4 + 1;
        if (row > to && row <= n_layers)
            n_rows++, to = row;
    }
    return n == n_rows && !first && last == to;
}

/* Every row and position of every pass must be there: a file cut between two rows shows only here. */
static int check_complete(struct ll_loader *d, const char *name, struct ll_err *err)
{
    sqlite3_stmt *st = NULL;
    struct ll_buf sql = {0};
    count_sql(d, &sql);
    int rc = ll_buf_ok(&sql, err);
    if (!rc)
        rc = ll_db_prepare(d->l->db, &st, sql.s, err);
    ll_buf_free(&sql);
    if (rc)
        return rc;
    sqlite3_bind_int64(st, 1, d->l->run_model);
    if (d->k->shape == LL_SHAPE_RECORDS)
        sqlite3_bind_int(st, 2, ll_lens_nr(d->lens));
    else if (d->k->shape == LL_SHAPE_PURE)
        sqlite3_bind_text(st, 2, d->lens, -1, SQLITE_STATIC);
    while (!rc && sqlite3_step(st) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(st, 0);
        long long n = sqlite3_column_int64(st, 1), first = sqlite3_column_int64(st, 2),
                  last = sqlite3_column_int64(st, 3);
        long long expected = (last - first + 1) * sqlite3_column_int64(st, 4);
        const char *what = key ? "pass " : "", *colon = key ? ": " : "";
        if (d->k->first_layer == LL_ALL_OR_SAMPLE && is_sample(d->l->n_layers, n, first, last))
            continue;
        long long from = d->k->first_layer == LL_ANY_FIRST ? first
            : d->k->first_layer < 0                        ? 0
                                                           : d->k->first_layer,
                  to = d->l->n_layers < 0 ? last : d->l->n_layers;
        if (d->k->first_layer == LL_ANY_FIRST && d->k->shape != LL_SHAPE_PASS && !first
            && last == to - 1) /* a tuned lens of ours: a translator for each row but the last */
            to = last;
        if (first != from || last != to)
            rc = ll_fail(err, LL_EUSAGE,
                         "%s: %s%s%sexpected layers %lld to %lld, found %lld to %lld (file cut short?)", name,
                         what, key ? key : "", colon, from, to, first, last);
        else if (n != expected)
            rc = ll_fail(err, LL_EUSAGE, "%s: %s%s%sexpected %lld rows, found %lld (file cut short?)", name,
                         what, key ? key : "", colon, expected, n);
    }
    sqlite3_finalize(st);
    return rc;
}

int ll_load_csv(struct ll_load *l, const struct ll_file_kind *kind, const struct ll_csv_file *file,
                struct ll_csv_size *size, struct ll_err *err)
{
    struct ll_loader d = {.l = l, .k = kind, .lens = kind->lens ? kind->lens : l->lens};
    struct ll_csv_user user = {on_header, on_row, &d};
    int rc = ll_csv_read(file->name, file->bytes, file->n, file->dialect, &user, &size->n_rows, err);
    size->n_columns = d.n_columns;
    if (!rc && !size->n_rows)
        rc = ll_fail(err, LL_EUSAGE, "%s: expected rows, found only a header (file cut short?)", file->name);
    if (!rc && kind->first_layer != LL_ANY_ROWS)
        rc = check_complete(&d, file->name, err);
    sqlite3_finalize(d.insert);
    sqlite3_finalize(d.insert_more);
    sqlite3_finalize(d.insert_extra);
    free(d.extra_col);
    free(d.extra_name);
    ll_buf_free(&d.extra_names);
    ll_buf_free(&d.key);
    ll_buf_free(&d.last_key);
    return rc;
}

enum ll_dialect ll_guess_dialect(const void *bytes, size_t n)
{
    const char *s = bytes, *end = n ? memchr(s, '\n', n) : NULL;
    for (size_t len = end ? (size_t)(end - s) : 0; len >= 6; s++, len--)
        if (LL_BYTES_ARE(s, "row_id"))
            return LL_RFC4180;
    return LL_BACKSLASH_TWICE;
}
