/* index_rows.c - CSV rows into records and pure, see index_load.h */
#include "index_db.h"
#include "index_load.h"
#include "index_schema.h"
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a known column is. Plain values go from the field to a parameter of the INSERT; the others are looked at. */
enum what {
    W_LAYER, W_POS, W_TOKEN, W_TOKEN_ID, W_ENTROPY, W_ENTROPY_BITS, W_TOP_IDS, W_ROW_ID,
    W_FACT_KEY, W_FACT_INDEX, W_PROMPT_ID, W_PROMPT_VARIANT, W_N
};
static const char *const looked_at[W_N] = {
    "layer", "pos", "token", "token_id", "entropy", "entropy_bits", "top_ids", "row_id",
    "fact_key", "fact_index", "prompt_id", "prompt_variant",
};
struct plain { const char *name; enum ll_kind kind; int param; };
static const struct plain records_plain[] = {{"rest_mass", LL_REAL, 6}, {NULL, LL_TEXT, 0}};
static const struct plain pure_plain[] = {
    {"rest_mass", LL_REAL, 6}, {"copy_collapse", LL_BOOL, 7}, {"entropy_collapse", LL_BOOL, 8}, {"is_answer", LL_BOOL, 9},
    {"p_top1", LL_REAL, 10}, {"p_answer", LL_REAL, 11}, {"answer_rank", LL_INT, 12}, {"kl_to_final_bits", LL_REAL, 13},
    {NULL, LL_TEXT, 0},
};

#define TOP5_NAMES "tok1, p1, tok2, p2, tok3, p3, tok4, p4, tok5, p5"
#define MORE_PARAMS "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?" /* the row, 15 pairs */
static const struct kind {
    const char *insert, *insert_more_top, *insert_extra, *count;
    const struct plain *plain;
    int first_top;        /* parameter of tok1 */
    int needs_pos;
} kinds[] = {
    [LL_IN_RECORDS] = {
        "INSERT INTO records (pass, layer, pos, token, entropy_bits, rest_mass, " TOP5_NAMES ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "INSERT INTO records_more VALUES (" MORE_PARAMS ")", "INSERT INTO records_extra VALUES (?,?,?)",
        "SELECT p.pass_key, count(*), max(c.layer), (max(c.layer) + 1) * (max(c.pos) + 1) FROM records c JOIN passes p ON p.id = c.pass WHERE p.run_model = ? GROUP BY c.pass",
        records_plain, 7, 1},
    [LL_IN_PURE] = {
        "INSERT INTO pure (pass, layer, pos, lens, entropy_bits, rest_mass, copy_collapse, entropy_collapse, is_answer, p_top1, p_answer, answer_rank,"
        " kl_to_final_bits, " TOP5_NAMES ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "INSERT INTO pure_more VALUES (" MORE_PARAMS ")", "INSERT INTO pure_extra VALUES (?,?,?)",
        "SELECT p.pass_key, count(*), max(c.layer), max(c.layer) + 1 FROM pure c JOIN passes p ON p.id = c.pass WHERE p.run_model = ? GROUP BY c.pass",
        pure_plain, 14, 0},
};

enum { MAX_LAYER = 100000, MAX_POS = 10000000, MAX_PLAIN = 16, MAX_EXTRA = 4096 };
static const struct ll_field null_field = {NULL, 0};

struct loader {
    struct ll_load *l;
    const struct kind *k;
    sqlite3_stmt *insert, *insert_more_top, *insert_extra;
    int col[W_N], plain_col[MAX_PLAIN], top_col[LL_TOP_COLS], prob_col[LL_TOP_COLS]; /* -1: absent */
    int *extra_col, n_extra;       /* owned */
    struct ll_buf extra_names;     /* owned: names with NULs, in the order of extra_col */
    const char **extra_name;       /* owned, into extra_names */
    struct ll_buf key, last_key;   /* owned: pass key of this row and of pass */
    long long pass;                /* row of last_key; 0: none yet */
    int told_entropy;
};

static int bad(const struct ll_csv_row *row, struct ll_err *err, const char *column, const char *expected, const struct ll_field *f)
{
    return ll_fail(err, LL_EUSAGE, "%s: data row %lld: column %s: expected %s, found \"%.60s\"", row->file, row->nr, column, expected, f->s ? f->s : "");
}

/* ---- header ----------------------------------------------------------------------------------------------------- */
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

static int known_column(struct loader *d, const char *name, int col)
{
    int k;
    for (int w = 0; w < W_N; w++)
        if (!strcmp(name, looked_at[w]))
            return d->col[w] = col, 1;
    for (int i = 0; d->k->plain[i].name; i++)
        if (!strcmp(name, d->k->plain[i].name))
            return d->plain_col[i] = col, 1;
    if (is_numbered(name, "top", &k))
        return d->top_col[k] = col, 1;
    if (is_numbered(name, "prob", &k))
        return d->prob_col[k] = col, 1;
    return 0;
}

static int on_header(void *arg, const struct ll_csv_row *h, struct ll_err *err)
{
    struct loader *d = arg;
    memset(d->col, -1, sizeof d->col);
    memset(d->plain_col, -1, sizeof d->plain_col);
    memset(d->top_col, -1, sizeof d->top_col);
    memset(d->prob_col, -1, sizeof d->prob_col);
    d->extra_col = malloc((size_t)h->n * sizeof *d->extra_col);
    d->extra_name = malloc((size_t)h->n * sizeof *d->extra_name);
    if (!d->extra_col || !d->extra_name)
        return ll_fail_mem(err, "columns", (size_t)h->n * sizeof *d->extra_col);
    struct ll_buf list = {0};
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
        ll_talk(d->l, "%s: columns that this version does not know, kept as text: %s", h->file, ll_buf_str(&list));
    ll_buf_free(&list);
    if (d->col[W_LAYER] < 0 || (d->k->needs_pos && d->col[W_POS] < 0) || (d->col[W_ENTROPY] < 0 && d->col[W_ENTROPY_BITS] < 0))
        return ll_fail(err, LL_EUSAGE, "%s: header: expected the columns layer%s and entropy", h->file, d->k->needs_pos ? ", pos" : "");
    return ll_buf_ok(&d->extra_names, err);
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */
static const struct ll_field *at(const struct ll_csv_row *row, int col) { return col < 0 ? &null_field : &row->field[col]; }

static int get_int(const struct ll_csv_row *row, int col, const char *name, long long max, long long *v, struct ll_err *err)
{
    const struct ll_field *f = at(row, col);
    if (ll_field_int(f, v) && *v >= 0 && *v <= max)
        return LL_OK;
    char want[64];
    snprintf(want, sizeof want, "a whole number from 0 to %lld", max);
    return bad(row, err, name, want, f);
}

static int bind_plain(struct loader *d, const struct ll_csv_row *row, const struct plain *p, const struct ll_field *f, struct ll_err *err)
{
    long long i;
    double r;
    if (!f->s)
        sqlite3_bind_null(d->insert, p->param);
    else if (p->kind == LL_REAL && ll_field_real(f, &r))
        sqlite3_bind_double(d->insert, p->param, r);
    else if (p->kind == LL_INT && ll_field_int(f, &i))
        sqlite3_bind_int64(d->insert, p->param, i);
    else if (p->kind == LL_BOOL && ll_field_bool(f, &i))
        sqlite3_bind_int64(d->insert, p->param, i);
    else
        return bad(row, err, p->name, p->kind == LL_BOOL ? "True or False" : "a number", f);
    return LL_OK;
}

static int bind_entropy(struct loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    static const struct plain p = {"entropy", LL_REAL, 5}, p_bits = {"entropy_bits", LL_REAL, 5};
    const struct ll_field *a = at(row, d->col[W_ENTROPY]), *b = at(row, d->col[W_ENTROPY_BITS]);
    double va, vb;
    if (a->s && b->s && !d->told_entropy && ll_field_real(a, &va) && ll_field_real(b, &vb) && va != vb) {
        d->told_entropy = 1;
        ll_talk(d->l, "%s: data row %lld: entropy and entropy_bits differ; entropy_bits is taken", row->file, row->nr);
    }
    int rc = bind_plain(d, row, &p, a, err);
    return rc || !b->s ? rc : bind_plain(d, row, &p_bits, b, err);
}

/* The pass's name from row_id; where there is none, from the columns that describe the pass (early rows are of fact 0,
 * the probe in its original wording). */
static int pass_key(struct loader *d, const struct ll_csv_row *row, long long layer, long long pos, struct ll_err *err)
{
    const struct ll_field *id = at(row, d->col[W_ROW_ID]);
    ll_buf_reset(&d->key);
    if (id->s) {
        char tail[64];
        size_t n = (size_t)snprintf(tail, sizeof tail, ":L%03lld:P%04lld", layer, pos);
        if (id->n <= n || memcmp(id->s + id->n - n, tail, n) || memchr(id->s, 0, id->n))
            return bad(row, err, "row_id", "a pass and the row's own layer and position", id);
        ll_buf_add(&d->key, id->s, id->n - n);
        return ll_buf_ok(&d->key, err);
    }
    const struct ll_field *fact = at(row, d->col[W_FACT_INDEX]), *prompt = at(row, d->col[W_PROMPT_ID]), *variant = at(row, d->col[W_PROMPT_VARIANT]);
    ll_buf_addf(&d->key, "%s.%s", prompt->s ? prompt->s : "pos", variant->s ? variant->s : "orig");
    if (fact->s || d->col[W_FACT_INDEX] < 0)
        ll_buf_addf(&d->key, ".%s", fact->s ? fact->s : "0");
    return ll_buf_ok(&d->key, err);
}

static int make_pass(struct loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    const struct ll_field *index = at(row, d->col[W_FACT_INDEX]);
    long long fact = -1;
    if (index->s && get_int(row, d->col[W_FACT_INDEX], "fact_index", 1000000000, &fact, err))
        return err ? err->code : LL_EUSAGE;
    if (d->col[W_FACT_INDEX] < 0)
        fact = 0;
    const struct ll_field *prompt = at(row, d->col[W_PROMPT_ID]), *variant = at(row, d->col[W_PROMPT_VARIANT]);
    int rc = ll_db_do(d->l->db, err,
        "INSERT INTO passes (run_model, pass_key, is_main, fact_key, fact_index, prompt_id, prompt_variant)"
        " VALUES (?1, ?2, NOT EXISTS (SELECT 1 FROM passes WHERE run_model = ?1 AND is_main), ?3, nullif(?4, -1), ?5, ?6)",
        "ississ", d->l->run_model, d->key.s, at(row, d->col[W_FACT_KEY])->s, fact, prompt->s ? prompt->s : "pos", variant->s ? variant->s : "orig");
    d->pass = sqlite3_last_insert_rowid(d->l->db);
    return rc;
}

static int find_pass(struct loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    if (d->pass && d->key.len == d->last_key.len && !memcmp(d->key.s, d->last_key.s, d->key.len))
        return LL_OK;
    int rc = ll_db_get(d->l->db, &d->pass, 0, err, "SELECT id FROM passes WHERE run_model = ?1 AND pass_key = ?2", "is", d->l->run_model, d->key.s);
    if (!rc && !d->pass)
        rc = make_pass(d, row, err);
    ll_buf_reset(&d->last_key);
    ll_buf_add(&d->last_key, d->key.s, d->key.len);
    return rc ? rc : ll_buf_ok(&d->last_key, err);
}

struct top { int n; long long token[LL_TOP_COLS]; double prob[LL_TOP_COLS]; };

/* Ids of top_ids in order; *n: how many. */
static int parse_ids(const struct ll_csv_row *row, const struct ll_field *f, long long *ids, int *n, struct ll_err *err)
{
    *n = 0;
    for (const char *s = f->s, *end = s ? s + f->n : s; s < end; ) {
        size_t k = strcspn(s, " ");
        char word[24] = "";
        struct ll_field one = {word, k};
        if (k < sizeof word)
            memcpy(word, s, k);
        if (*n == LL_TOP_COLS || k >= sizeof word || !ll_field_int(&one, &ids[*n]) || ids[*n] < 0)
            return bad(row, err, "top_ids", "up to 20 vocabulary ids separated by spaces", f);
        ++*n;
        s += k < (size_t)(end - s) ? k + 1 : k;
    }
    return LL_OK;
}

static int read_top(struct loader *d, const struct ll_csv_row *row, struct top *top, struct ll_err *err)
{
    long long ids[LL_TOP_COLS];
    int n_ids, rc = parse_ids(row, at(row, d->col[W_TOP_IDS]), ids, &n_ids, err);
    top->n = 0;
    for (int k = 0; k < LL_TOP_COLS && !rc; k++) {
        const struct ll_field *text = at(row, d->top_col[k]), *prob = at(row, d->prob_col[k]);
        char name[16];
        if (!prob->s && !text->s)
            continue;
        snprintf(name, sizeof name, "prob%d", k + 1);
        if (k != top->n)
            return bad(row, err, name, "no gap in the list of tokens", prob);
        if (!ll_field_real(prob, &top->prob[k]))
            return bad(row, err, name, "a number", prob);
        rc = ll_tokens_row(&d->l->tokens, text->s ? text->s : "", text->n, k < n_ids ? ids[k] : LL_NO_TOKEN_ID, &top->token[k], err);
        top->n++;
    }
    if (!rc && n_ids && n_ids != top->n)
        return bad(row, err, "top_ids", "as many ids as there are tokens", at(row, d->col[W_TOP_IDS]));
    return rc;
}

/* Ranks from..to-1 (counted from 0) to the pairs of parameters that begin at nr. */
static void bind_top(sqlite3_stmt *st, int nr, const struct top *top, int from, int to)
{
    for (int k = from; k < to; k++, nr += 2) {
        if (k < top->n) {
            sqlite3_bind_int64(st, nr, top->token[k]);
            sqlite3_bind_double(st, nr + 1, top->prob[k]);
        } else {
            sqlite3_bind_null(st, nr);
            sqlite3_bind_null(st, nr + 1);
        }
    }
}

static int bind_place(struct loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    long long layer, pos = -1;
    int rc = get_int(row, d->col[W_LAYER], "layer", MAX_LAYER, &layer, err);
    if (!rc && (d->k->needs_pos || at(row, d->col[W_POS])->s))
        rc = get_int(row, d->col[W_POS], "pos", MAX_POS, &pos, err);
    if (!rc)
        rc = pass_key(d, row, layer, pos, err);
    if (!rc)
        rc = find_pass(d, row, err);
    sqlite3_bind_int64(d->insert, 1, d->pass);
    sqlite3_bind_int64(d->insert, 2, rc ? 0 : layer);
    if (pos >= 0)
        sqlite3_bind_int64(d->insert, 3, pos);
    else
        sqlite3_bind_null(d->insert, 3);
    return rc;
}

/* Parameter 4: a record's own token, a pure row's lens. */
static int bind_fourth(struct loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    const struct ll_field *text = at(row, d->col[W_TOKEN]), *id = at(row, d->col[W_TOKEN_ID]);
    long long token, token_id = LL_NO_TOKEN_ID;
    if (!d->k->needs_pos) {
        ll_db_bind_text(d->insert, 4, d->l->lens, strlen(d->l->lens));
        return LL_OK;
    }
    if (id->s && (!ll_field_int(id, &token_id) || token_id < 0))
        return bad(row, err, "token_id", "a vocabulary id", id);
    int rc = ll_tokens_row(&d->l->tokens, text->s ? text->s : "", text->n, token_id, &token, err);
    sqlite3_bind_int64(d->insert, 4, token);
    return rc;
}

static int insert_row(struct loader *d, const struct ll_csv_row *row, struct ll_err *err)
{
    int step = sqlite3_step(d->insert);
    int code = sqlite3_extended_errcode(d->l->db);
    sqlite3_reset(d->insert);
    if (step == SQLITE_DONE)
        return LL_OK;
    if (code == SQLITE_CONSTRAINT_UNIQUE)
        return ll_fail(err, LL_EUSAGE, "%s: data row %lld: an earlier row has the same pass, layer and position", row->file, row->nr);
    return ll_db_fail(d->l->db, "cannot write", err);
}

static int insert_more(struct loader *d, const struct ll_csv_row *row, const struct top *top, struct ll_err *err)
{
    long long id = sqlite3_last_insert_rowid(d->l->db);
    int rc = LL_OK;
    if (top->n > LL_INDEX_TOP) {
        sqlite3_bind_int64(d->insert_more_top, 1, id);
        bind_top(d->insert_more_top, 2, top, LL_INDEX_TOP, LL_TOP_COLS);
        rc = ll_db_run(d->l->db, d->insert_more_top, err);
    }
    for (int i = 0; i < d->n_extra && !rc; i++) {
        const struct ll_field *f = &row->field[d->extra_col[i]];
        if (!f->s)
            continue;
        sqlite3_bind_int64(d->insert_extra, 1, id);
        ll_db_bind_text(d->insert_extra, 2, d->extra_name[i], strlen(d->extra_name[i]));
        ll_db_bind_text(d->insert_extra, 3, f->s, f->n);
        rc = ll_db_run(d->l->db, d->insert_extra, err);
    }
    return rc;
}

static int on_row(void *arg, const struct ll_csv_row *row, struct ll_err *err)
{
    struct loader *d = arg;
    struct top top;
    int rc = bind_place(d, row, err);
    if (!rc)
        rc = bind_fourth(d, row, err);
    if (!rc)
        rc = bind_entropy(d, row, err);
    for (int i = 0; !rc && d->k->plain[i].name; i++)
        rc = bind_plain(d, row, &d->k->plain[i], at(row, d->plain_col[i]), err);
    if (!rc)
        rc = read_top(d, row, &top, err);
    if (rc)
        return rc;
    bind_top(d->insert, d->k->first_top, &top, 0, LL_INDEX_TOP);
    rc = insert_row(d, row, err);
    return rc ? rc : insert_more(d, row, &top, err);
}

/* ---- the file --------------------------------------------------------------------------------------------------- */
/* Every row and position of every pass must be there: a file cut between two rows shows only here. */
static int check_complete(struct loader *d, const char *name, struct ll_err *err)
{
    sqlite3_stmt *st;
    int rc = ll_db_prepare(d->l->db, &st, d->k->count, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(st, 1, d->l->run_model);
    while (!rc && sqlite3_step(st) == SQLITE_ROW) {
        long long n = sqlite3_column_int64(st, 1), top = sqlite3_column_int64(st, 2), expected = sqlite3_column_int64(st, 3);
        const char *key = (const char *)sqlite3_column_text(st, 0);
        if (d->l->n_layers >= 0 && top != d->l->n_layers)
            rc = ll_fail(err, LL_EUSAGE, "%s: pass %s: expected layers 0 to %d, found 0 to %lld (file cut short?)", name, key, d->l->n_layers, top);
        else if (n != expected)
            rc = ll_fail(err, LL_EUSAGE, "%s: pass %s: expected %lld rows, found %lld (file cut short?)", name, key, expected, n);
    }
    sqlite3_finalize(st);
    return rc;
}

int ll_load_csv(struct ll_load *l, enum ll_table table, const char *name, const void *bytes, size_t n, enum ll_dialect dialect, long long *n_rows, struct ll_err *err)
{
    struct loader d = {.l = l, .k = &kinds[table]};
    struct ll_csv_user user = {on_header, on_row, &d};
    int rc = ll_db_prepare(l->db, &d.insert, d.k->insert, err);
    if (!rc)
        rc = ll_db_prepare(l->db, &d.insert_more_top, d.k->insert_more_top, err);
    if (!rc)
        rc = ll_db_prepare(l->db, &d.insert_extra, d.k->insert_extra, err);
    if (!rc)
        rc = ll_csv_read(name, bytes, n, dialect, &user, n_rows, err);
    if (!rc)
        rc = check_complete(&d, name, err);
    sqlite3_finalize(d.insert);
    sqlite3_finalize(d.insert_more_top);
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
        if (!memcmp(s, "row_id", 6))
            return LL_RFC4180;
    return LL_BACKSLASH_TWICE;
}
