/* index_rows.c - values of a CSV row into the statement that inserts it; see index_csv.h
 *
 * Parameters of the insert: the row's place and what is peculiar to its shape, the first tokens, then the
 * plain columns in the order of the kind's list. */
#include "index_csv.h"
#include "index_db.h"
#include "index_schema.h"

#include <stdio.h>
#include <string.h>

/* Columns that are bound here by hand, per shape, in the order of the parameters. */
static const char *const leading[] = {
    [LL_SHAPE_RECORDS] = "pass, lens_nr, layer, pos, token, entropy_bits, rest_mass, ",
    [LL_SHAPE_PURE] = "pass, lens, layer, pos, entropy_bits, flag_set, flags, flags_null, ",
    [LL_SHAPE_PASS] = "pass, layer, ",
    [LL_SHAPE_MODEL] = "run_model, nr, pass, layer, ",
};
enum { N_LEADING_RECORDS = 7, N_LEADING_PURE = 8, N_LEADING_PASS = 2, N_LEADING_MODEL = 4 };
static const int n_leading[] = {[LL_SHAPE_RECORDS] = N_LEADING_RECORDS,
                                [LL_SHAPE_PURE] = N_LEADING_PURE,
                                [LL_SHAPE_PASS] = N_LEADING_PASS,
                                [LL_SHAPE_MODEL] = N_LEADING_MODEL};

static int has_tokens(const struct ll_loader *d)
{
    return d->k->shape == LL_SHAPE_RECORDS || d->k->shape == LL_SHAPE_PURE;
}

/* "?,?,..." */
static void put_marks(struct ll_buf *sql, int n)
{
    for (int i = 0; i < n; i++)
        ll_buf_adds(sql, i ? ",?" : "?");
}

static int prepare_insert(struct ll_loader *d, struct ll_err *err)
{
    struct ll_buf sql = {0};
    int n = n_leading[d->k->shape];
    ll_buf_addf(&sql, "INSERT INTO %s (%s", d->k->schema->table, leading[d->k->shape]);
    d->first_top = n + 1;
    if (has_tokens(d))
        for (int k = 1; k <= LL_INDEX_TOP; k++, n += 2)
            ll_buf_addf(&sql, "tok%d, p%d, ", k, k);
    d->first_plain = n + 1;
    for (int i = 0; i < d->n_plain; i++, n++)
        ll_buf_addf(&sql, "\"%s\", ", d->plain[i]->name);
    sql.len -= sql.len >= 2 ? 2 : 0; /* the last ", " */
    ll_buf_adds(&sql, ") VALUES (");
    put_marks(&sql, n);
    ll_buf_addc(&sql, ')');
    int rc = ll_buf_ok(&sql, err);
    if (!rc)
        rc = ll_db_prepare(d->l->db, &d->insert, sql.s, err);
    ll_buf_free(&sql);
    return rc;
}

static int prepare_more(struct ll_loader *d, struct ll_err *err)
{
    struct ll_buf sql = {0};
    ll_buf_addf(&sql, "INSERT INTO %s_more VALUES (", d->k->schema->table);
    put_marks(&sql, (d->k->shape == LL_SHAPE_RECORDS ? 4 : 1) + 2 * (LL_TOP_COLS - LL_INDEX_TOP));
    ll_buf_addc(&sql, ')');
    int rc = ll_buf_ok(&sql, err);
    if (!rc)
        rc = ll_db_prepare(d->l->db, &d->insert_more, sql.s, err);
    ll_buf_free(&sql);
    return rc;
}

int ll_rows_prepare(struct ll_loader *d, struct ll_err *err)
{
    int rc = prepare_insert(d, err);
    if (!rc && has_tokens(d))
        rc = prepare_more(d, err);
    if (!rc && d->n_extra)
        rc = ll_db_prepare(d->l->db, &d->insert_extra, "INSERT INTO extra VALUES (?,?,?,?,?,?,?)", err);
    return rc;
}

/* ---- values ---------------------------------------------------------------------------------- */
static void bind_or_null(sqlite3_stmt *st, int nr, long long v, int is_there)
{
    if (is_there)
        sqlite3_bind_int64(st, nr, v);
    else
        sqlite3_bind_null(st, nr);
}

static int bind_value(struct ll_loader *d, const struct ll_csv_row *row, int nr, const char *name,
                      enum ll_kind kind, const struct ll_field *f, struct ll_err *err)
{
    long long i;
    double r;
    if (!f->s)
        sqlite3_bind_null(d->insert, nr);
    else if (kind == LL_TEXT)
        ll_db_bind_text(d->insert, nr, f->s, f->n);
    else if (kind == LL_REAL && ll_field_real(f, &r))
        sqlite3_bind_double(d->insert, nr, r);
    else if (kind == LL_INT && ll_field_int(f, &i))
        sqlite3_bind_int64(d->insert, nr, i);
    else if (kind == LL_BOOL && ll_field_bool(f, &i))
        sqlite3_bind_int64(d->insert, nr, i);
    else
        return ll_bad_cell(row, err, name,
                           kind == LL_BOOL      ? "True or False"
                               : kind == LL_INT ? "a whole number"
                                                : "a number",
                           f);
    return LL_OK;
}

static int bind_entropy(struct ll_loader *d, const struct ll_csv_row *row, int nr, struct ll_err *err)
{
    const struct ll_field *a = ll_at(row, d->col[LL_W_ENTROPY]), *b = ll_at(row, d->col[LL_W_ENTROPY_BITS]);
    double va, vb;
    int rc = bind_value(d, row, nr, ll_special_name(LL_W_ENTROPY), LL_REAL, a, err);
    if (rc || !b->s)
        return rc;
    if (a->s && a->n == b->n && !memcmp(a->s, b->s, a->n))
        return LL_OK;
    rc = bind_value(d, row, nr, ll_special_name(LL_W_ENTROPY_BITS), LL_REAL, b, err);
    if (!rc && a->s && !d->told_entropy && ll_field_real(a, &va) && ll_field_real(b, &vb) && va != vb) {
        d->told_entropy = 1;
        ll_talk(d->l, "%s: data row %lld: entropy and entropy_bits differ; entropy_bits is taken", row->file,
                row->nr);
    }
    return rc;
}

/* ---- tokens ---------------------------------------------------------------------------------- */
struct top {
    int n;
    long long token[LL_TOP_COLS];
    double prob[LL_TOP_COLS];
};

/* Ids of top_ids in order; *n: how many. */
static int parse_ids(const struct ll_csv_row *row, const struct ll_field *f, long long *ids, int *n,
                     struct ll_err *err)
{
    *n = 0;
    for (const char *s = f->s, *end = s ? s + f->n : s; s < end;) {
        size_t k = strcspn(s, " ");
        char word[24] = "";
        struct ll_field one = {word, k};
        if (k < sizeof word)
            memcpy(word, s, k);
        if (*n == LL_TOP_COLS || k >= sizeof word || !ll_field_int(&one, &ids[*n]) || ids[*n] < 0)
            return ll_bad_cell(row, err, ll_special_name(LL_W_TOP_IDS),
                               "up to 20 vocabulary ids separated by spaces", f);
        ++*n;
        s += k < (size_t)(end - s) ? k + 1 : k;
    }
    return LL_OK;
}

static int read_top(struct ll_loader *d, const struct ll_csv_row *row, struct top *top, struct ll_err *err)
{
    long long ids[LL_TOP_COLS];
    int n_ids, rc = parse_ids(row, ll_at(row, d->col[LL_W_TOP_IDS]), ids, &n_ids, err);
    top->n = 0;
    for (int k = 0; k < LL_TOP_COLS && !rc; k++) {
        const struct ll_field *text = ll_at(row, d->top_col[k]), *prob = ll_at(row, d->prob_col[k]);
        char name[16];
        if (!prob->s && !text->s)
            continue;
        snprintf(name, sizeof name, "prob%d", k + 1);
        if (k != top->n)
            return ll_bad_cell(row, err, name, "no gap in the list of tokens", prob);
        if (!ll_field_real(prob, &top->prob[k]))
            return ll_bad_cell(row, err, name, "a number", prob);
        rc = ll_tokens_row(&d->l->tokens, text->s ? text->s : "", text->n,
                           k < n_ids ? ids[k] : LL_NO_TOKEN_ID, &top->token[k], err);
        top->n++;
    }
    if (!rc && n_ids && n_ids != top->n)
        return ll_bad_cell(row, err, ll_special_name(LL_W_TOP_IDS), "as many ids as there are tokens",
                           ll_at(row, d->col[LL_W_TOP_IDS]));
    return rc;
}

/* Ranks from..to-1 (counted from 0) to the pairs of parameters that begin at nr. */
static void bind_top(sqlite3_stmt *st, int nr, const struct top *top, int from, int to)
{
    for (int k = from; k < to; k++, nr += 2) {
        bind_or_null(st, nr, k < top->n ? top->token[k] : 0, k < top->n);
        if (k < top->n)
            sqlite3_bind_double(st, nr + 1, top->prob[k]);
        else
            sqlite3_bind_null(st, nr + 1);
    }
}

/* Left out where the view v_records computes the very same number. */
static int bind_rest_mass(struct ll_loader *d, const struct ll_csv_row *row, int nr, const struct top *top,
                          struct ll_err *err)
{
    const struct ll_field *f = ll_at(row, d->col[LL_W_REST_MASS]);
    double v, sum = 0;
    if (!f->s) {
        sqlite3_bind_double(d->insert, nr, -1);
        return LL_OK;
    }
    if (!ll_field_real(f, &v) || v < 0)
        return ll_bad_cell(row, err, ll_special_name(LL_W_REST_MASS), "a number not below 0", f);
    for (int k = 0; k < top->n; k++)
        sum += top->prob[k];
    if (v == (1.0 - sum > 0 ? 1.0 - sum : 0))
        sqlite3_bind_null(d->insert, nr);
    else
        sqlite3_bind_double(d->insert, nr, v);
    return LL_OK;
}

/* ---- what is peculiar to a shape ------------------------------------------------------------- */
static int lead_records(struct ll_loader *d, const struct ll_csv_row *row, const struct top *top,
                        struct ll_err *err)
{
    const struct ll_field *text = ll_at(row, d->col[LL_W_TOKEN]), *id = ll_at(row, d->col[LL_W_TOKEN_ID]);
    long long token = 0, token_id = LL_NO_TOKEN_ID;
    if (id->s && (!ll_field_int(id, &token_id) || token_id < 0))
        return ll_bad_cell(row, err, ll_special_name(LL_W_TOKEN_ID), "a vocabulary id", id);
    int rc = ll_tokens_row(&d->l->tokens, text->s ? text->s : "", text->n, token_id, &token, err);
    sqlite3_bind_int64(d->insert, 1, d->pass);
    sqlite3_bind_int(d->insert, 2, ll_lens_nr(d->lens));
    sqlite3_bind_int64(d->insert, 3, d->layer);
    sqlite3_bind_int64(d->insert, 4, d->pos);
    sqlite3_bind_int64(d->insert, 5, token);
    if (!rc)
        rc = bind_entropy(d, row, 6, err);
    return rc ? rc : bind_rest_mass(d, row, 7, top, err);
}

static int lead_pure(struct ll_loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    long long flags = 0, null = 0, v;
    for (int i = 0; i < d->n_flags; i++) {
        const struct ll_field *f = ll_at(row, d->flag_col[i]);
        if (!f->s)
            null |= 1LL << i;
        else if (!ll_field_bool(f, &v))
            return ll_bad_cell(row, err, "copy flag", "True or False", f);
        else
            flags |= v << i;
    }
    sqlite3_bind_int64(d->insert, 1, d->pass);
    sqlite3_bind_text(d->insert, 2, d->lens, -1, SQLITE_STATIC);
    sqlite3_bind_int64(d->insert, 3, d->layer);
    bind_or_null(d->insert, 4, d->pos, d->pos >= 0);
    bind_or_null(d->insert, 6, d->flag_set, d->n_flags > 0);
    bind_or_null(d->insert, 7, flags, d->n_flags > 0);
    bind_or_null(d->insert, 8, null, d->n_flags > 0);
    return bind_entropy(d, row, 5, err);
}

static int bind_leading(struct ll_loader *d, const struct ll_csv_row *row, struct top *top,
                        struct ll_err *err)
{
    int rc = has_tokens(d) ? read_top(d, row, top, err) : LL_OK;
    if (rc)
        return rc;
    switch (d->k->shape) {
    case LL_SHAPE_RECORDS: rc = lead_records(d, row, top, err); break;
    case LL_SHAPE_PURE: rc = lead_pure(d, row, err); break;
    case LL_SHAPE_PASS:
        sqlite3_bind_int64(d->insert, 1, d->pass);
        sqlite3_bind_int64(d->insert, 2, d->layer);
        break;
    default:
        sqlite3_bind_int64(d->insert, 1, d->l->run_model);
        sqlite3_bind_int64(d->insert, 2, row->nr);
        bind_or_null(d->insert, 3, d->pass, d->pass != 0);
        bind_or_null(d->insert, 4, d->layer, d->layer >= 0);
    }
    if (has_tokens(d))
        bind_top(d->insert, d->first_top, top, 0, LL_INDEX_TOP);
    return rc;
}

/* ---- the row --------------------------------------------------------------------------------- */
static int insert_row(struct ll_loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    int step = sqlite3_step(d->insert);
    int code = sqlite3_extended_errcode(d->l->db);
    const char *key = ll_kind_key(d->k);
    sqlite3_reset(d->insert);
    if (step == SQLITE_DONE)
        return LL_OK;
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
        return ll_fail(err, LL_EUSAGE, "%s: data row %lld: an earlier row has the same pass, layer and %s",
                       row->file, row->nr, key ? key : "position");
    if (code == SQLITE_CONSTRAINT_NOTNULL)
        return ll_fail(err, LL_EUSAGE, "%s: data row %lld: column %s is empty", row->file, row->nr,
                       key ? key : ll_special_name(LL_W_LAYER));
    return ll_db_fail(d->l->db, "cannot write", err);
}

static int insert_more(struct ll_loader *d, const struct top *top, struct ll_err *err)
{
    int nr = 1;
    if (d->k->shape == LL_SHAPE_RECORDS)
        for (; nr <= 4; nr++)
            sqlite3_bind_int64(d->insert_more, nr,
                               nr == 1       ? d->pass
                                   : nr == 2 ? ll_lens_nr(d->lens)
                                   : nr == 3 ? d->layer
                                             : d->pos);
    else
        sqlite3_bind_int64(d->insert_more, nr++, sqlite3_last_insert_rowid(d->l->db));
    bind_top(d->insert_more, nr, top, LL_INDEX_TOP, LL_TOP_COLS);
    return ll_db_run(d->l->db, d->insert_more, err);
}

static int insert_extra(struct ll_loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    int rc = LL_OK;
    for (int i = 0; i < d->n_extra && !rc; i++) {
        const struct ll_field *f = &row->field[d->extra_col[i]];
        if (!f->s)
            continue;
        sqlite3_bind_int64(d->insert_extra, 1, d->l->file);
        sqlite3_bind_int64(d->insert_extra, 2, row->nr);
        ll_db_bind_text(d->insert_extra, 3, d->extra_name[i], strlen(d->extra_name[i]));
        ll_db_bind_text(d->insert_extra, 4, f->s, f->n);
        bind_or_null(d->insert_extra, 5, d->pass, d->pass != 0);
        bind_or_null(d->insert_extra, 6, d->layer, d->layer >= 0);
        bind_or_null(d->insert_extra, 7, d->pos, d->pos >= 0);
        rc = ll_db_run(d->l->db, d->insert_extra, err);
    }
    return rc;
}

int ll_rows_put(struct ll_loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    struct top top = {0};
    int rc = bind_leading(d, row, &top, err);
    for (int i = 0; !rc && i < d->n_plain; i++)
        rc = bind_value(d, row, d->first_plain + i, d->plain[i]->name, d->plain[i]->kind,
                        ll_at(row, d->plain_col[i]), err);
    if (!rc)
        rc = insert_row(d, row, err);
    if (!rc && top.n > LL_INDEX_TOP)
        rc = insert_more(d, &top, err);
    return rc ? rc : insert_extra(d, row, err);
}
