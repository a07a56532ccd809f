/* query_out.c - see query_out.h */
#include "query_out.h"
#include "csv_text.h"
#include "json_write.h"
#include "utf8.h"
#include "width.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 80, MIN_TEXT = 8, GAP = 2 };

/* Bytes of s that fill at most `room` columns; *used: the columns. */
static size_t fit(const char *s, size_t n, int room, int *used)
{
    size_t at = 0;
    *used = 0;
    while (at < n) {
        uint32_t cp = 0xFFFD;
        int k = ll_utf8_next(s + at, n - at, &cp, NULL), w = k ? ll_cp_width(cp) : 1;
        if (*used + w > room)
            break;
        *used += w;
        at += k ? (size_t)k : 1;
    }
    return at;
}

/* Nothing a token holds may reach the terminal as a control. Bidirectional overrides count as such. */
static void add_visible(struct ll_buf *out, const char *s, size_t n)
{
    struct ll_buf clean = {0};
    ll_utf8_clean(&clean, s, n);
    out->failed |= clean.failed;
    for (size_t at = 0; at < clean.len;) {
        uint32_t cp = 0;
        int k = ll_utf8_next(clean.s + at, clean.len - at, &cp, NULL);
        if (cp == '\n' || cp == '\r' || cp == '\t')
            ll_buf_adds(out, cp == '\n' ? "\\n" : cp == '\r' ? "\\r" : "\\t");
        else if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0))
            ll_buf_addf(out, "\\x%02x", (unsigned)cp);
        else if ((cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069) || cp == 0x2028
                 || cp == 0x2029)
            ll_buf_addf(out, "\\u%04x", (unsigned)cp);
        else
            ll_buf_add(out, clean.s + at, (size_t)(k ? k : 1));
        at += (size_t)(k ? k : 1);
    }
    ll_buf_free(&clean);
}

/* ---- values ---------------------------------------------------------------------------------- */
static void add_hex(struct ll_buf *out, sqlite3_stmt *st, int i)
{
    static const char digit[] = "0123456789abcdef";
    const unsigned char *b = sqlite3_column_blob(st, i);
    char part[512];
    size_t n = b ? (size_t)sqlite3_column_bytes(st, i) : 0, used = 0;
    for (size_t k = 0; k < n && out->len <= LL_MAX_OUTPUT; k++) { /* the rest is cut from the output anyway */
        part[used++] = digit[b[k] >> 4];
        part[used++] = digit[b[k] & 15];
        if (used == sizeof part || k + 1 == n) {
            ll_buf_add(out, part, used);
            used = 0;
        }
    }
}

static const char *text_at(sqlite3_stmt *st, int i, size_t *n)
{
    const char *s = (const char *)sqlite3_column_text(st, i);
    *n = (size_t)sqlite3_column_bytes(st, i);
    return s ? s : "";
}

static void csv_value(struct ll_buf *out, sqlite3_stmt *st, int i)
{
    char number[32];
    size_t n;
    const char *s;
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_NULL: break;
    case SQLITE_INTEGER: ll_buf_addf(out, "%lld", (long long)sqlite3_column_int64(st, i)); break;
    case SQLITE_FLOAT:
        ll_buf_add(out, number, (size_t)ll_fmt_double(number, sqlite3_column_double(st, i)));
        break;
    case SQLITE_BLOB: add_hex(out, st, i); break;
    default: s = text_at(st, i, &n); ll_csv_field(out, s, n);
    }
}

static int write_csv(sqlite3_stmt *st, struct ll_buf *out)
{
    int step, n = sqlite3_column_count(st);
    for (int i = 0; i < n; i++) {
        const char *name = sqlite3_column_name(st, i);
        ll_buf_adds(out, i ? "," : "");
        ll_csv_field(out, name ? name : "", name ? strlen(name) : 0);
    }
    ll_buf_addc(out, '\n');
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        for (int i = 0; i < n; i++) {
            ll_buf_adds(out, i ? "," : "");
            csv_value(out, st, i);
        }
        ll_buf_addc(out, '\n');
        if (out->len > LL_MAX_OUTPUT)
            return SQLITE_TOOBIG;
    }
    return step;
}

/* Two columns of one name would hide each other in an object: the second becomes name_2. */
static void json_key(struct ll_buf *key, sqlite3_stmt *st, int i)
{
    const char *name = sqlite3_column_name(st, i);
    int same = 1;
    for (int k = 0; k < i; k++)
        same += name && sqlite3_column_name(st, k) && !strcmp(name, sqlite3_column_name(st, k));
    ll_buf_reset(key);
    ll_buf_adds(key, name ? name : "");
    if (same > 1)
        ll_buf_addf(key, "_%d", same);
}

static void json_value(struct ll_json *j, const char *key, sqlite3_stmt *st, int i)
{
    struct ll_buf hex = {0};
    size_t n;
    const char *s;
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_NULL: ll_json_null(j, key); break;
    case SQLITE_INTEGER: ll_json_int(j, key, sqlite3_column_int64(st, i)); break;
    case SQLITE_FLOAT: ll_json_num(j, key, sqlite3_column_double(st, i)); break;
    case SQLITE_BLOB:
        add_hex(&hex, st, i);
        ll_json_str(j, key, ll_buf_str(&hex), hex.len);
        break;
    default: s = text_at(st, i, &n); ll_json_str(j, key, s, n);
    }
    ll_buf_free(&hex);
}

static int write_json(sqlite3_stmt *st, struct ll_buf *out)
{
    struct ll_json j;
    struct ll_buf key = {0};
    int step;
    ll_json_init(&j, out);
    ll_json_arr(&j, NULL);
    while ((step = sqlite3_step(st)) == SQLITE_ROW && out->len <= LL_MAX_OUTPUT) {
        ll_json_obj(&j, NULL);
        for (int i = 0; i < sqlite3_column_count(st); i++) {
            json_key(&key, st, i);
            json_value(&j, ll_buf_str(&key), st, i);
        }
        ll_json_end(&j);
    }
    ll_json_end(&j);
    ll_buf_free(&key);
    return step == SQLITE_ROW ? SQLITE_TOOBIG : step;
}

/* ---- table ----------------------------------------------------------------------------------- */
struct cell {
    size_t at, n;
    int width;
};
struct table {
    int n_cols;
    struct cell *cell; /* [rows + 1][n_cols], the header first; owned */
    size_t n, cap;
    struct ll_buf text;   /* owned */
    int *width, *is_text; /* [n_cols], owned */
};

static struct cell *new_cell(struct table *t)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 256;
        struct cell *more = realloc(t->cell, cap * sizeof *more);
        if (!more)
            return NULL;
        t->cell = more;
        t->cap = cap;
    }
    return &t->cell[t->n++];
}

static int end_cell(struct table *t, int col, size_t at)
{
    struct cell *c = new_cell(t);
    if (!c || t->text.failed)
        return SQLITE_NOMEM;
    c->at = at;
    c->n = t->text.len - at;
    c->width = ll_text_width(ll_buf_str(&t->text) + at, c->n);
    if (c->width > t->width[col])
        t->width[col] = c->width;
    return SQLITE_OK;
}

static void table_value(struct table *t, sqlite3_stmt *st, int i)
{
    size_t n;
    const char *s;
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_NULL: ll_buf_adds(&t->text, "null"); break;
    case SQLITE_INTEGER: ll_buf_addf(&t->text, "%lld", (long long)sqlite3_column_int64(st, i)); break;
    case SQLITE_FLOAT: ll_buf_addf(&t->text, "%.6g", sqlite3_column_double(st, i)); break;
    case SQLITE_BLOB: add_hex(&t->text, st, i); break;
    default:
        s = text_at(st, i, &n);
        t->is_text[i] = 1;
        add_visible(&t->text, s, n);
    }
}

static int read_table(struct table *t, sqlite3_stmt *st)
{
    int step, rc = SQLITE_OK;
    for (int i = 0; i < t->n_cols && !rc; i++) {
        size_t at = t->text.len;
        const char *name = sqlite3_column_name(st, i);
        add_visible(&t->text, name ? name : "", name ? strlen(name) : 0);
        rc = end_cell(t, i, at);
    }
    if (rc)
        return rc;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        for (int i = 0; i < t->n_cols && !rc; i++) {
            size_t at = t->text.len;
            table_value(t, st, i);
            rc = end_cell(t, i, at);
        }
        if (rc || t->text.len > LL_MAX_OUTPUT)
            return rc ? rc : SQLITE_TOOBIG;
    }
    return step;
}

/* Take columns from the widest text until the line fits, or no text is wider than MIN_TEXT. */
static void narrow(struct table *t)
{
    for (;;) {
        int total = -GAP, widest = -1;
        for (int i = 0; i < t->n_cols; i++) {
            total += t->width[i] + GAP;
            if (t->is_text[i] && t->width[i] > MIN_TEXT && (widest < 0 || t->width[i] > t->width[widest]))
                widest = i;
        }
        if (total <= LINE || widest < 0)
            return;
        t->width[widest]--;
    }
}

static void pad(struct ll_buf *out, int n)
{
    while (n-- > 0)
        ll_buf_addc(out, ' ');
}

static void add_cell(struct ll_buf *out, const struct table *t, const struct cell *c, int col)
{
    const char *s = ll_buf_str(&t->text) + c->at;
    int width = t->width[col], used = c->width;
    if (!t->is_text[col])
        pad(out, width - used);
    if (used <= width) {
        ll_buf_add(out, s, c->n);
    } else {
        ll_buf_add(out, s, fit(s, c->n, width - 1, &used));
        ll_buf_adds(out, "…");
        used++;
    }
    if (col + 1 < t->n_cols)
        pad(out, (t->is_text[col] ? width - used : 0) + GAP);
}

static int write_lines(sqlite3_stmt *st, struct ll_buf *out, int whole)
{
    struct table t = {.n_cols = sqlite3_column_count(st)};
    size_t n = (size_t)(t.n_cols > 0 ? t.n_cols : 1);
    t.width = calloc(n, sizeof *t.width);
    t.is_text = calloc(n, sizeof *t.is_text);
    int rc = t.width && t.is_text ? read_table(&t, st) : SQLITE_NOMEM;
    if (rc == SQLITE_DONE) {
        if (!whole)
            narrow(&t);
        for (size_t i = 0; i < t.n; i++) {
            int col = (int)(i % n);
            add_cell(out, &t, &t.cell[i], col);
            if (col + 1 < t.n_cols)
                continue;
            ll_buf_addc(out, '\n');
            for (int k = 0; i + 1 == n && k < t.n_cols; k++) { /* the rule below the header */
                for (int w = 0; w < t.width[k]; w++)
                    ll_buf_addc(out, '-');
                if (k + 1 < t.n_cols)
                    pad(out, GAP);
                else
                    ll_buf_addc(out, '\n');
            }
        }
    }
    free(t.width);
    free(t.is_text);
    free(t.cell);
    ll_buf_free(&t.text);
    return rc;
}

static int write_table(sqlite3_stmt *st, struct ll_buf *out) { return write_lines(st, out, 0); }
static int write_wide(sqlite3_stmt *st, struct ll_buf *out) { return write_lines(st, out, 1); }

int ll_query_write(sqlite3_stmt *st, enum ll_query_format format, struct ll_buf *out)
{
    static int (*const write[])(sqlite3_stmt *, struct ll_buf *) = {
        [LL_OUT_TABLE] = write_table,
        [LL_OUT_CSV] = write_csv,
        [LL_OUT_JSON] = write_json,
        [LL_OUT_WIDE] = write_wide,
    };
    size_t before = out->len;
    int rc = write[format](st, out);
    if (rc == SQLITE_DONE && out->failed)
        rc = SQLITE_NOMEM;
    if (rc != SQLITE_DONE && out->s && !out->failed) { /* nothing half-written */
        out->len = before;
        out->s[before] = 0;
    }
    return rc;
}
