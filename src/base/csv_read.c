/* csv_read.c - see csv_read.h */
#include "csv_read.h"
#include "literal.h"

#include <csv.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 1 << 18,     /* bytes between two looks at the error */
    MAX_FIELD = 1 << 20, /* a field beyond is no token and no number: a quote left open, or an attack */
    MAX_FIELDS = 4096,
};

struct reader {
    const struct ll_csv_user *user;
    enum ll_dialect dialect;
    struct ll_csv_row row;
    int rc, n_cols; /* n_cols: of the header, 0 before it */
    struct ll_err *err;
    struct ll_buf text;     /* the row's fields, each with a NUL */
    struct ll_field *field; /* owned, [cap]; while a row grows, s is 1 + the offset into text */
    size_t n, cap;
};

/* libcsv would strip blanks around fields; a token's blanks are part of it. */
static int no_space(unsigned char c) { return (void)c, 0; }

static int bad_row(struct reader *r, const char *what)
{
    return r->rc = ll_fail(r->err, LL_EUSAGE, "%s: data row %lld: %s", r->row.file, r->row.nr, what);
}

/* "\\\\" -> "\\", in place at the end of text from offset at. */
static size_t halve_backslashes(char *s, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\\' && i + 1 < n && s[i + 1] == '\\')
            i++;
        s[out++] = s[i];
    }
    return out;
}

static void on_field(void *s, size_t n, void *arg)
{
    struct reader *r = arg;
    if (r->rc)
        return;
    if (r->n >= MAX_FIELDS || n > MAX_FIELD) {
        bad_row(r,
                n > MAX_FIELD ? "a field of more than 1 MiB (a quote left open?)" : "more than 4096 fields");
        return;
    }
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 64;
        struct ll_field *more = realloc(r->field, cap * sizeof *more);
        if (!more) {
            r->rc = ll_fail_mem(r->err, "CSV row", cap * sizeof *more);
            return;
        }
        r->field = more;
        r->cap = cap;
    }
    size_t at = r->text.len;
    if (s) {
        ll_buf_add(&r->text, s, n);
        if (r->dialect == LL_BACKSLASH_TWICE && n && !r->text.failed && memchr(s, '\\', n)) {
            n = halve_backslashes(r->text.s + at, n);
            r->text.len = at + n;
        }
        ll_buf_addc(&r->text, 0);
    }
    r->field[r->n].s = s ? (const char *)1 + at : NULL;
    r->field[r->n++].n = n;
}

static int check_header(struct reader *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct ll_field *a = &r->field[i];
        if (!a->s || !a->n || memchr(a->s, 0, a->n))
            return r->rc = ll_fail(r->err, LL_EUSAGE, "%s: header: column %zu has no proper name",
                                   r->row.file, i + 1);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(r->field[k].s, a->s))
                return r->rc = ll_fail(r->err, LL_EUSAGE, "%s: header: column %.100s stands there twice",
                                       r->row.file, a->s);
    }
    return LL_OK;
}

static void on_row(int c, void *arg)
{
    struct reader *r = arg;
    if (!r->rc)
        r->rc = ll_buf_ok(&r->text, r->err);
    if (r->rc)
        return;
    for (size_t i = 0; i < r->n; i++)
        if (r->field[i].s)
            r->field[i].s = r->text.s + (r->field[i].s - (const char *)1);
    r->row.field = r->field;
    r->row.n = (int)r->n;
    if (!r->n_cols) {
        r->n_cols = (int)r->n;
        if (!check_header(r))
            r->rc = r->user->header(r->user->arg, &r->row, r->err);
    } else if (r->row.n != r->n_cols) {
        char what[80];
        snprintf(what, sizeof what, "expected %d fields as in the header, found %d", r->n_cols, r->row.n);
        bad_row(r, what);
    } else {
        r->rc = r->user->row(r->user->arg, &r->row, r->err);
    }
    (void)c;
    r->row.nr++;
    r->n = 0;
    ll_buf_reset(&r->text);
}

static int finish(struct reader *r, struct csv_parser *p, const unsigned char *s, size_t n)
{
    if (n && s[n - 1] != '\n')
        return bad_row(r, "the file ends within it (no line end)");
    if (csv_fini(p, on_field, on_row, r))
        return bad_row(r, "a quote is not closed");
    if (!r->rc && !r->n_cols)
        return r->rc =
                   ll_fail(r->err, LL_EUSAGE, "%s: expected a header line, found an empty file", r->row.file);
    return r->rc;
}

int ll_csv_read(const char *name, const void *bytes, size_t n, enum ll_dialect dialect,
                const struct ll_csv_user *user, long long *n_rows, struct ll_err *err)
{
    struct reader r = {.user = user, .dialect = dialect, .err = err, .row = {.file = name}};
    const unsigned char *s = bytes;
    struct csv_parser p;
    if (n >= 3 && LL_BYTES_ARE(s, "\xEF\xBB\xBF")) {
        s += 3;
        n -= 3;
    }
    if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL))
        return ll_fail(err, LL_EFAIL, "%s: cannot set up the CSV reader", name);
    csv_set_space_func(&p, no_space);
    for (size_t at = 0; at < n && !r.rc;) {
        size_t k = n - at < CHUNK ? n - at : CHUNK;
        if (csv_parse(&p, s + at, k, on_field, on_row, &r) != k && !r.rc)
            bad_row(&r,
                    csv_error(&p) == CSV_EPARSE
                        ? "a quote inside a field that is not quoted, or text behind a closing quote"
                        : csv_strerror(csv_error(&p)));
        if (!r.rc && csv_get_buffer_size(&p) > 4 * (size_t)MAX_FIELD)
            bad_row(&r, "a field of more than 1 MiB (a quote left open?)");
        at += k;
    }
    if (!r.rc)
        finish(&r, &p, s, n);
    if (n_rows)
        *n_rows = r.row.nr > 0 ? r.row.nr - 1 : 0;
    csv_free(&p);
    free(r.field);
    ll_buf_free(&r.text);
    return r.rc;
}

int ll_field_int(const struct ll_field *f, long long *v)
{
    char *end;
    if (!f->s || !f->n || f->n > 20 || strspn(f->s, "-0123456789") != f->n)
        return 0;
    errno = 0;
    *v = strtoll(f->s, &end, 10);
    return !errno && end == f->s + f->n;
}

int ll_field_real(const struct ll_field *f, double *v)
{
    char *end;
    if (!f->s || !f->n || f->n > 400 || strspn(f->s, "+-.eE0123456789") != f->n)
        return 0;
    *v = strtod(f->s, &end);
    return end == f->s + f->n && isfinite(*v);
}

int ll_field_bool(const struct ll_field *f, long long *v)
{
    if (!f->s)
        return 0;
    *v = LL_IS(f->s, f->n, "True");
    return *v || LL_IS(f->s, f->n, "False");
}
