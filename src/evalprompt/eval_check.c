/* eval_check.c - see eval_check.h */
#include "eval_check.h"
#include "literal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CITED = 4096 };

/* ---- the values a figure may be -------------------------------------------------------------- */

struct number {
    double v;
    int column;
}; /* column: hash of its name, so that differences stay within one */
struct numbers {
    struct number *v;
    size_t n, cap;
    int failed;
};

static void keep(struct numbers *s, double v, int column)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 256;
        struct number *more = realloc(s->v, cap * sizeof *more);
        if (!more) {
            s->failed = 1;
            return;
        }
        s->v = more;
        s->cap = cap;
    }
    s->v[s->n++] = (struct number){v, column};
}

static int column_of(const char *name)
{
    unsigned h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return (int)(h >> 1);
}

/* Numbers within a JSON text, those inside its strings too when they are nothing but a number. */
static void keep_json(struct numbers *s, const char *json, size_t n, int column)
{
    for (const char *p = json, *end = json + n; p < end;) {
        char *after;
        if ((*p == '-' || isdigit((unsigned char)*p)) && (p == json || strchr("[:, \n\t\"", p[-1]))) {
            double v = strtod(p, &after);
            if (after > p && after <= end) {
                keep(s, v, column);
                p = after;
                continue;
            }
        }
        p++;
    }
}

struct gather {
    struct numbers *s;
    int rows, hidden_keys;
};

static int on_values(void *arg, int n, const char *const *names, const struct ll_value *v, struct ll_err *err)
{
    struct gather *g = arg;
    g->rows++;
    for (int i = 0; i < n; i++) {
        if (!strcmp(names[i], "pass") || !strcmp(names[i], "pure") || !strcmp(names[i], "record")
            || !strcmp(names[i], "run_id") || !strcmp(names[i], "run_model"))
            continue; /* the index's own keys */
        if (v[i].kind == LL_V_INT || v[i].kind == LL_V_REAL)
            keep(g->s, v[i].r, column_of(names[i]));
        else if (v[i].kind == LL_V_TEXT && v[i].n && (*v[i].s == '[' || *v[i].s == '{'))
            keep_json(g->s, v[i].s, v[i].n, column_of(names[i]));
    }
    return g->s->failed ? ll_fail_mem(err, "values of the run", g->s->cap * sizeof *g->s->v) : LL_OK;
}

static int by_value(const void *a, const void *b)
{
    double x = ((const struct number *)a)->v, y = ((const struct number *)b)->v;
    return x < y ? -1 : x > y;
}

/* A figure as written: its value, half a unit of its last place, and whether a percent sign follows. */
struct figure {
    double v, half;
    int percent;
};

/* A half rounds either way; the prompts show six digits, from which the writer rounds once more. */
static double slack_of(const struct figure *f) { return f->half * 1.0000001 + fabs(f->v) * 5e-6 + 1e-12; }

static int is_same(const struct figure *f, double v)
{
    double slack = slack_of(f);
    return fabs(v - f->v) <= slack || (f->percent && fabs(100 * v - f->v) <= slack);
}

static int holds(const struct numbers *sorted, const struct figure *f)
{
    double factors[2] = {1, 0.01};
    for (int k = 0; k < 1 + f->percent; k++) {
        double want = f->v * factors[k] - 1.01 * slack_of(f) * factors[k];
        size_t lo = 0, hi = sorted->n;
        while (lo < hi) {
            size_t mid = (lo + hi) / 2;
            if (sorted->v[mid].v < want)
                lo = mid + 1;
            else
                hi = mid;
        }
        for (; lo < sorted->n && sorted->v[lo].v <= f->v * factors[k] + 1.01 * slack_of(f) * factors[k]; lo++)
            if (is_same(f, sorted->v[lo].v))
                return 1;
    }
    return 0;
}

/* One of the cited values, or a difference within a column. */
static int holds_cited(const struct numbers *cited, const struct figure *f)
{
    for (size_t i = 0; i < cited->n; i++)
        if (is_same(f, cited->v[i].v))
            return 1;
    for (size_t i = 0; i < cited->n && cited->n < MAX_CITED; i++)
        for (size_t j = 0; j < cited->n; j++)
            if (i != j && cited->v[i].column == cited->v[j].column
                && is_same(f, cited->v[i].v - cited->v[j].v))
                return 1;
    return 0;
}

/* ---- reading the evaluation ------------------------------------------------------------------ */

struct check {
    struct ll_reader *r;
    const char *stem;
    struct numbers all, cited;
    struct ll_eval_verdict *v;
    struct ll_buf *out;
    int line, has_citation;
};

static int complain(struct check *c, const char *what, const char *s, size_t n)
{
    c->v->n_bad++;
    ll_buf_addf(c->out, "line %d: %.*s: %s\n", c->line, (int)(n < 200 ? n : 200), s, what);
    return LL_OK;
}

static int is_id_byte(char ch) { return !isspace((unsigned char)ch) && !strchr("`\"'()[]{}<>,;|*", ch); }

/* PASS:Llll:Ppppp around ":L" at `at` in [s, end): its extent; 0 when it is none. */
static int row_id_at(const char *s, const char *end, const char *at, const char **from, const char **to)
{
    const char *p = at + 2;
    while (p < end && isdigit((unsigned char)*p))
        p++;
    if (p == at + 2 || end - p < 3 || p[0] != ':' || p[1] != 'P' || !isdigit((unsigned char)p[2]))
        return 0;
    for (p += 2; p < end && isdigit((unsigned char)*p); p++)
        ;
    *to = p;
    for (p = at; p > s && is_id_byte(p[-1]); p--)
        ;
    *from = p;
    return p < at;
}

static int check_row(struct check *c, const char *s, size_t n, struct ll_err *err)
{
    char id[256], layer[24], pos[24], *model = NULL, *key = id;
    snprintf(id, sizeof id, "%.*s", (int)(n < 255 ? n : 255), s);
    char *P = strrchr(id, ':'), *L = NULL;
    if (P) {
        *P = 0;
        L = strrchr(id, ':');
    }
    if (!L)
        return LL_OK;
    *L = 0;
    snprintf(layer, sizeof layer, "%ld", strtol(L + 2, NULL, 10));
    snprintf(pos, sizeof pos, "%ld", strtol(P + 2, NULL, 10));
    if ((key = strrchr(id, '/'))) {
        *key++ = 0;
        model = strrchr(id, '/') ? strrchr(id, '/') + 1 : id;
    } else
        key = id;
    const char *binds[4] = {model ? model : c->stem, key, layer, pos};
    struct gather g = {.s = &c->cited};
    static const char *const tables[] = {
        "SELECT *, layer * 1.0 / n_layers AS depth FROM v_pure WHERE (?1 IS NULL OR model = ?1) AND pass_key "
        "= ?2 AND layer = CAST(?3 AS INTEGER) AND pos = CAST(?4 AS INTEGER)",
        "SELECT * FROM v_records WHERE (?1 IS NULL OR model = ?1) AND pass_key = ?2 AND layer = CAST(?3 AS "
        "INTEGER) AND pos = CAST(?4 AS INTEGER)",
        /* at the last position alone, as v_pure is */
        ("SELECT * FROM v_rawlens w WHERE (?1 IS NULL OR model = ?1) AND pass_key = ?2 AND layer = CAST(?3 "
         "AS INTEGER)"
         " AND EXISTS (SELECT 1 FROM v_pure v WHERE v.pass = w.pass AND v.layer = w.layer AND v.pos = "
         "CAST(?4 AS INTEGER))")};
    int rc = LL_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && !rc; i++)
        rc = ll_reader_each(c->r, tables[i], binds, 4, on_values, &g, err);
    c->v->n_rows++;
    c->has_citation = 1;
    return rc || g.rows ? rc : complain(c, "no such row in the run", s, n);
}

/* Members of the document that have a table of their own; a number behind the name picks one of them. */
static const struct own_table {
    const char *key, *sql;
} own_tables[] = {
#define OF(table) \
    "SELECT t.* FROM " table " t JOIN run_models rm ON rm.id = t.run_model WHERE (?1 IS NULL OR rm.stem = " \
    "?1) AND (?2 IS NULL OR t.nr = CAST(?2 AS INTEGER))"
    {"test_prompts", OF("test_prompts")},
    {"temperature_exploration", OF("temperatures")},
#undef OF
};

/* 1: s[n] is such a member, its values gathered. */
static int check_own_table(struct check *c, const char *s, size_t n_path, struct gather *g, int *rc,
                           struct ll_err *err)
{
    char path[256];
    snprintf(path, sizeof path, "%.*s", (int)(n_path < 255 ? n_path : 255), s);
    for (size_t i = 0; i < sizeof own_tables / sizeof *own_tables; i++) {
        size_t n = strlen(own_tables[i].key);
        if (strncmp(path, own_tables[i].key, n) || (path[n] && path[n] != '.'))
            continue;
        const char *binds[2] = {c->stem, path[n] ? path + n + 1 : NULL};
        *rc = ll_reader_each(c->r, own_tables[i].sql, binds, 2, on_values, g, err);
        return 1;
    }
    return 0;
}

static int check_member(struct check *c, const char *s, size_t n, struct ll_err *err)
{
    char path[256], *dot;
    snprintf(path, sizeof path, "%.*s", (int)(n < 255 ? n : 255), s);
    struct ll_buf rest = {0};
    if (LL_BEGINS(path, "diagnostics.")) /* its members are rows of that table */
        memmove(path, path + 12, strlen(path + 12) + 1);
    ll_buf_addc(&rest, '$');
    if ((dot = strchr(path, '.')))
        for (char *part = (*dot = 0, dot + 1); part; part = dot) {
            if ((dot = strchr(part, '.')))
                *dot++ = 0;
            if (*part && strspn(part, "0123456789") == strlen(part))
                ll_buf_addf(&rest, "[%s]", part);
            else if (!strchr(part, '"'))
                ll_buf_addf(&rest, ".\"%s\"", part);
        }
    const char *binds[3] = {c->stem, path, ll_buf_str(&rest)};
    struct gather g = {.s = &c->cited};
    int rc = LL_OK;
    if (!check_own_table(c, s, n, &g, &rc, err)) /* a layer's depth goes with it */
        rc = ll_reader_each(
            c->r,
            "SELECT json_extract(d.json, ?3) AS member, CASE WHEN json_type(d.json, ?3) = 'integer' THEN "
            "json_extract(d.json, ?3) * 1.0 / m.n_layers END AS depth FROM diagnostics d JOIN run_models rm "
            "ON rm.id = d.run_model JOIN models m ON m.id = rm.model"
            " WHERE (?1 IS NULL OR rm.stem = ?1) AND d.key = ?2 AND json_type(d.json, ?3) IS NOT NULL",
            binds, 3, on_values, &g, err);
    ll_buf_free(&rest);
    c->v->n_members++;
    c->has_citation = 1;
    return rc || g.rows ? rc : complain(c, "no such member in the document", s, n);
}

/* The word that ends before q, white space, marks of emphasis, "=" and ":" between left out; n 0: none. */
static const char *word_before(const char *s, const char *q, size_t *n, int *linked)
{
    while (q > s && strchr(" \t=:*`", q[-1]))
        *linked |= *--q == '=' || *q == ':';
    const char *to = q;
    while (q > s && (isalnum((unsigned char)q[-1]) || q[-1] == '_' || q[-1] == '.'))
        q--;
    *n = (size_t)(to - q);
    return q;
}

static int is_word(const char *s, size_t n, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == n && !strncasecmp(s, *words, n))
            return 1;
    return 0;
}

/* The number at p is a figure: with a point, a percent sign or a unit, or behind a word that makes it one
 * ("rank 3", "rank is 3", "L_semantic: 4", "n = 4"). */
static int is_figure(const char *s, const char *p, const char *after, int has_point)
{
    static const char *const words[] = {"layer", "layers", "row",          "rows", "rank",
                                        "ranks", "ranked", "delta_layers", NULL};
    static const char *const links[] = {"is", "of", "to", "was", "equals", NULL};
    after += *after == ' ';
    if (has_point || *after == '%'
        || (LL_BEGINS_ANY_CASE(after, "bits") && !isalnum((unsigned char)after[4])))
        return 1;
    int linked = 0, is_named;
    size_t n;
    const char *q = p;
    while (q > s && q[-1] == ' ')
        q--;
    if (q > s && q[-1] == '=')
        return 1;
    const char *w = word_before(s, p, &n, &linked);
    if (is_word(w, n, links))
        w = word_before(s, w, &n, &linked);
    is_named = n > 2 && (LL_BEGINS(w, "L_") || (n > 6 && LL_BEGINS(w, "first_")));
    return is_named || is_word(w, n, words);
}

/* Signs beyond ASCII that stand beside figures become what the reading of figures knows, of the same length:
 * minus and a hyphen that does not break become "-", arrows, signs such as approx and typographic quotes
 * become spaces. Left are dashes between digits (ranges), comparison signs before a whole number (a threshold
 * such as rank <= 5) and the times sign (powers of ten). */
static void plain_signs(char *s, char *end)
{
    for (char *p = s; p + 2 < end; p++) {
        unsigned char a = (unsigned char)p[0], b = (unsigned char)p[1], d = (unsigned char)p[2];
        if (a == 0xC2 && (b == 0xA0 || b == 0xB1)) /* no-break space, plus-minus */
            p[0] = p[1] = ' ';
        if (a != 0xE2)
            continue;
        int is_dash = b == 0x80 && d >= 0x90 && d <= 0x95,
            in_range = is_dash && p > s && isdigit((unsigned char)p[-1]) && isdigit((unsigned char)p[3]);
        int is_bound = b == 0x89 && d >= 0xA4 && d <= 0xAB, is_sign = b == 0x88 && d == 0x92;
        if (in_range || is_bound || b == 0x81 || b == 0x82) /* super- and subscripts stay too */
            continue;
        int is_minus = is_sign || (is_dash && isdigit((unsigned char)p[3]) && p > s && strchr(" (=|", p[-1]));
        p[0] = p[1] = p[2] = ' ';
        if (is_minus)
            p[2] = '-';
    }
}

/* Bytes that join a number to a name, a date, a path or an identifier. */
static int joins(char ch)
{
    return isalnum((unsigned char)ch) || strchr("_/@#:", ch) || (unsigned char)ch >= 0x80;
}

static int check_figures(struct check *c, const char *s, const char *end)
{
    int rc = LL_OK;
    for (const char *p = s; p < end && !rc; p++) {
        const char *from = p, *q = p;
        if (!isdigit((unsigned char)*p))
            continue;
        while (q < end && isdigit((unsigned char)*q))
            q++;
        int decimals = 0, exponent = 0, has_point = q + 1 < end && *q == '.' && isdigit((unsigned char)q[1]);
        if (has_point)
            for (q++; q < end && isdigit((unsigned char)*q); q++)
                decimals++;
        if (q + 1 < end && (*q == 'e' || *q == 'E')
            && (isdigit((unsigned char)q[1])
                || ((q[1] == '-' || q[1] == '+') && q + 2 < end && isdigit((unsigned char)q[2])))) {
            exponent = (int)strtol(q + 1, NULL, 10);
            for (q += 2; q < end && isdigit((unsigned char)*q); q++)
                ;
            has_point = 1;
        }
        int negative = from > s && from[-1] == '-' && (from - 1 == s || strchr(" =(|~+,", from[-2]));
        char before = from - negative > s ? from[-1 - negative] : ' ', next = q < end ? *q : ' ';
        p = q - 1;
        if (joins(before) || (before == '.' && from - s > 1) || (before == '-' && !negative)
            || (joins(next) && next != ':') || (next == '-' && q + 1 < end && isdigit((unsigned char)q[1]))
            || (next == '.' && q + 1 < end && isalnum((unsigned char)q[1]))) {
            while (p + 1 < end && (joins(p[1]) || p[1] == '.' || p[1] == '-'))
                p++; /* the rest of the name */
            continue;
        }
        if (!is_figure(s, from - negative, q, has_point))
            continue;
        struct figure f = {.v = strtod(from, NULL) * (negative ? -1 : 1),
                           .half = 0.5 * pow(10, exponent - decimals),
                           .percent = *q == '%' || (*q == ' ' && q + 1 < end && q[1] == '%')};
        c->v->n_figures++;
        if (c->has_citation ? !holds_cited(&c->cited, &f) : !holds(&c->all, &f))
            rc = complain(c, c->has_citation ? "not in the cited rows" : "not in the data of the run",
                          from - negative, (size_t)(q - from) + (size_t)negative);
    }
    return rc;
}

/* One line: its citations first, blanked out in a copy; then its figures. */
static int check_line(struct check *c, const char *s, size_t n, struct ll_err *err)
{
    char *copy = malloc(n + 3);
    int rc = copy ? LL_OK : ll_fail_mem(err, "line of the evaluation", n);
    if (rc)
        return rc;
    memcpy(copy, s, n);
    copy[n] = copy[n + 1] = copy[n + 2] = 0;
    char *end = copy + n;
    c->cited.n = 0;
    c->has_citation = 0;
    for (char *at = copy; !rc && (at = strstr(at, ":L")); at++) {
        const char *from, *to;
        if (!row_id_at(copy, end, at, &from, &to))
            continue;
        rc = check_row(c, from, (size_t)(to - from), err);
        memset(copy + (from - copy), ' ', (size_t)(to - from));
    }
    for (char *at = copy; !rc && (at = strstr(at, "json:")); at++) {
        char *to = at + 5;
        while (to < end && is_id_byte(*to))
            to++;
        while (to > at + 5 && (to[-1] == '.' || to[-1] == ':'))
            to--;
        rc = check_member(c, at + 5, (size_t)(to - at) - 5, err);
        memset(at, ' ', (size_t)(to - at));
    }
    /* links, arXiv and DOI numbers are not figures */
    static const char *const sources[] = {"http://", "https://", "arXiv", "arxiv", "doi:", "DOI"};
    for (size_t k = 0; k < sizeof sources / sizeof *sources; k++)
        for (char *at = copy; (at = strstr(at, sources[k]));) {
            size_t len = strcspn(at, " )>");
            if (at[len] == ' ' && strcspn(at, ":/") >= len)
                len += 1 + strcspn(at + len + 1, " )>");
            memset(at, ' ', len);
        }
    char *start = copy + strspn(copy, " \t>-*");
    if (isdigit((unsigned char)*start)) { /* "3. " and "3) " number a list */
        size_t digits = strspn(start, "0123456789");
        if ((start[digits] == '.' || start[digits] == ')')
            && (start[digits + 1] == ' ' || !start[digits + 1]))
            memset(start, ' ', digits);
    }
    plain_signs(copy, end);
    if (!rc && *start != '#')
        rc = check_figures(c, copy, end);
    free(copy);
    return rc;
}

static int gather_all(struct check *c, struct ll_err *err)
{
    static const char *const sources[] = {"SELECT * FROM v_pure WHERE ?1 IS NULL OR model = ?1",
                                          "SELECT * FROM v_milestones WHERE ?1 IS NULL OR model = ?1",
                                          "SELECT d.json FROM diagnostics d JOIN run_models rm ON rm.id = "
                                          "d.run_model WHERE ?1 IS NULL OR rm.stem = ?1",
                                          "SELECT t.* FROM test_prompts t JOIN run_models rm ON rm.id = "
                                          "t.run_model WHERE ?1 IS NULL OR rm.stem = ?1",
                                          "SELECT t.* FROM temperatures t JOIN run_models rm ON rm.id = "
                                          "t.run_model WHERE ?1 IS NULL OR rm.stem = ?1",
                                          "SELECT rm.*, m.* FROM run_models rm JOIN models m ON m.id = "
                                          "rm.model WHERE ?1 IS NULL OR rm.stem = ?1"};
    struct gather g = {.s = &c->all};
    int rc = LL_OK;
    for (size_t i = 0; i < sizeof sources / sizeof *sources && !rc; i++)
        rc = ll_reader_each(c->r, sources[i], &c->stem, 1, on_values, &g, err);
    if (!rc)
        qsort(c->all.v, c->all.n, sizeof *c->all.v, by_value);
    return rc;
}

int ll_eval_check(struct ll_reader *r, const char *stem, const char *text, size_t n,
                  struct ll_eval_verdict *v, struct ll_buf *out, struct ll_err *err)
{
    struct check c = {.r = r, .stem = stem, .v = v, .out = out};
    int fenced = 0;
    memset(v, 0, sizeof *v);
    int rc = gather_all(&c, err);
    for (size_t at = 0; at < n && !rc;) {
        const char *nl = memchr(text + at, '\n', n - at);
        size_t len = nl ? (size_t)(nl - text) - at : n - at;
        c.line++;
        if (len >= 3 && LL_BEGINS(text + at, "```"))
            fenced = !fenced;
        else if (!fenced && !memchr(text + at, 0, len))
            rc = check_line(&c, text + at, len, err);
        at += len + 1;
    }
    free(c.all.v);
    free(c.cited.v);
    return rc ? rc : ll_buf_ok(out, err);
}
