/* experiment_file.c - prompts from a CSV or JSONL file (experiment_parts.h).
 *
 * A CSV file has a header line, RFC 4180; a JSONL file holds one object a line. Which column (key) says what
 * is told by the experiment; the default is the name itself. A name that is nearly one of these is refused;
 * other columns are not read, and one line says so. */
#include "experiment_parts.h"

#include "column_names.h"
#include "csv_read.h"
#include "literal.h"
#include "map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_FILE = 1 << 30, N_WHAT = 8 };
enum what { ID, VARIANT, TEXT, ANSWER, ANSWERS, FACT, FACT_INDEX, ROLE };
static const char *const what_names[N_WHAT] = {"id",      "variant", "text",       "answer",
                                               "answers", "fact",    "fact_index", "role"};

static const struct ll_settings_row file_rows[] = {
    {"file", LL_SET_STR, 1, LL_MAX_TEXT, 1},    {"format", LL_SET_STR, 0, 0, 0},
    {"id", LL_SET_STR, 1, LL_MAX_TEXT, 0},      {"variant", LL_SET_STR, 1, LL_MAX_TEXT, 0},
    {"text", LL_SET_STR, 1, LL_MAX_TEXT, 0},    {"answer", LL_SET_STR, 1, LL_MAX_TEXT, 0},
    {"answers", LL_SET_STR, 1, LL_MAX_TEXT, 0}, {"answers_separator", LL_SET_STR, 1, 8, 0},
    {"fact", LL_SET_STR, 1, LL_MAX_TEXT, 0},    {"fact_index", LL_SET_STR, 1, LL_MAX_TEXT, 0},
    {"role", LL_SET_STR, 1, LL_MAX_TEXT, 0},    {NULL, LL_SET_INT, 0, 0, 0}};

struct file {
    struct ll_experiment *e;
    char at[40];               /* "prompts_from.0" */
    int number;                /* of the file in the list */
    const char *path;          /* as written in the experiment */
    const char *names[N_WHAT]; /* column or key; borrowed from s */
    int is_named[N_WHAT];      /* the experiment names it, so it must be there */
    const char *separator;     /* of several answers in a CSV cell */
    int column[N_WHAT];        /* CSV: where, -1: not there */
    int is_seen[N_WHAT];       /* JSONL: some line has the key */
    long long rows;
    struct ll_buf unread; /* names of columns (keys) that nobody asks for; owned */
    int n_unread;
};

/* What one row says; NULL: nothing. Borrowed for the call of take_row. */
struct row {
    const char *v[N_WHAT];
    char **answers;
    int n_answers;    /* JSONL: the list at `answers`, moved into the ask */
    const char *unit; /* "data row" or "line" */
    long long nr;
};

static int bad(const struct file *f, const struct row *r, struct ll_err *err, const char *what,
               const char *expected, const char *found)
{
    return ll_fail(err, LL_EUSAGE, "%s: %s %lld: %s: expected %s, found %s%.80s%s", f->path, r->unit, r->nr,
                   what, expected, found ? "\"" : "nothing", found ? found : "", found ? "\"" : "");
}

static int split_answers(struct ll_ask *a, const struct file *f, const struct row *r, struct ll_err *err)
{
    for (const char *p = r->v[ANSWERS]; p;) {
        const char *end = strstr(p, f->separator);
        size_t n = end ? (size_t)(end - p) : strlen(p);
        char *one = strndup(p, n);
        int rc = one ? LL_OK : ll_fail_mem(err, "answers", n);
        if (!rc && (!n || a->n_answers == LL_MAX_ANSWERS))
            rc = bad(f, r, err, f->names[ANSWERS], n ? "at most 15 answers" : "answers that are not empty",
                     r->v[ANSWERS]);
        if (!rc)
            rc = ll_ask_answer(a, one, err);
        free(one);
        if (rc)
            return rc;
        p = end ? end + strlen(f->separator) : NULL;
    }
    return LL_OK;
}

static int take_row(struct file *f, struct row *r, struct ll_err *err)
{
    char name[48];
    struct ll_ask *a;
    int rc;
    if (!r->v[TEXT] || !*r->v[TEXT])
        return bad(f, r, err, f->names[TEXT], "some text", r->v[TEXT]);
    if (r->v[ANSWER] && (r->v[ANSWERS] || r->answers))
        return bad(f, r, err, f->names[ANSWERS], "nothing beside an answer",
                   r->v[ANSWERS] ? r->v[ANSWERS] : r->answers[0]);
    if ((rc = ll_ask_add(f->e, &a, err)))
        return rc;
    a->answers = r->answers;
    a->n_answers = r->n_answers;
    r->answers = NULL;
    const char *role = r->v[ROLE];
    a->is_control = role && !strcmp(role, "control");
    if (role && *role && !a->is_control && strcmp(role, "probe"))
        return bad(f, r, err, f->names[ROLE], "probe or control", role);
    snprintf(name, sizeof name, "f%d-%lld", f->number, f->rows++);
    if ((rc = ll_copy_text(&a->prompt_id, r->v[ID] && *r->v[ID] ? r->v[ID] : name, err))
        || (rc = ll_copy_text(&a->variant, r->v[VARIANT] && *r->v[VARIANT] ? r->v[VARIANT] : "orig", err))
        || (rc = ll_copy_text(&a->text, r->v[TEXT], err))
        || (rc = ll_copy_text(&a->fact_key, r->v[FACT] && *r->v[FACT] ? r->v[FACT] : NULL, err)))
        return rc;
    if (strlen(a->prompt_id) > LL_MAX_NAME)
        return bad(f, r, err, f->names[ID], "a text of 1..60 bytes", a->prompt_id);
    if (ll_bad_variant(a->variant))
        return bad(f, r, err, f->names[VARIANT], ll_bad_variant(a->variant), a->variant);
    if (r->v[FACT_INDEX] && *r->v[FACT_INDEX]) {
        const struct ll_field field = {r->v[FACT_INDEX], strlen(r->v[FACT_INDEX])};
        long long v;
        if (!ll_field_int(&field, &v) || v < 0 || v > 0x7fffffff)
            return bad(f, r, err, f->names[FACT_INDEX], "an integer in 0..2147483647", r->v[FACT_INDEX]);
        a->fact_index = (int)v;
    }
    if (r->v[ANSWER] && *r->v[ANSWER])
        rc = ll_ask_answer(a, r->v[ANSWER], err);
    else if (r->v[ANSWERS] && *r->v[ANSWERS])
        rc = split_answers(a, f, r, err);
    return rc ? rc : ll_ask_name(a, err);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Keep a name that nobody asks for, once; the first few are enough. */
static void add_unread(struct file *f, const char *name, size_t n)
{
    enum { MANY = 12, LONG = 40 };
    struct ll_buf one = {0};
    ll_buf_adds(&one, ", ");
    ll_put_name(&one, name, n, LONG);
    ll_buf_addc(&one, ',');
    ll_buf_addc(&f->unread, ','); /* only while looking: names stand between commas */
    if (f->unread.failed || one.failed) {
        ll_buf_free(&one);
        return; /* the next buffer that grows reports it */
    }
    int there = f->n_unread > MANY || strstr(ll_buf_str(&f->unread), ll_buf_str(&one)) != NULL;
    f->unread.len--;
    f->unread.s[f->unread.len] = 0;
    if (!there && ++f->n_unread > MANY)
        ll_buf_adds(&f->unread, ", …");
    else if (!there)
        ll_buf_add(&f->unread, one.s, one.len - 1);
    ll_buf_free(&one);
}

/* A name found in the file: one of those asked for; nearly one of them that is missing (refused); or one that
 * nobody asks for. has: which of those asked for are there. */
static int check_name(struct file *f, const char *name, size_t n, const int has[N_WHAT], const char *kind,
                      struct ll_err *err)
{
    struct ll_buf known = {0}, shown = {0};
    int near = -1, least = 0, answered = has[ANSWER] || has[ANSWERS]; /* of these two only one is ever read */
    for (int w = 0; w < N_WHAT; w++) {
        if (strlen(f->names[w]) == n && !memcmp(f->names[w], name, n))
            return LL_OK;
        int taken = has[w] || (answered && (w == ANSWER || w == ANSWERS));
        int how = taken ? 0 : ll_name_near(name, n, f->names[w]);
        if (how && (!least || how < least)) {
            near = w;
            least = how;
        }
        ll_buf_addf(&known, "%s%s", w ? ", " : "", f->names[w]);
    }
    if (near < 0) {
        add_unread(f, name, n);
        return LL_OK;
    }
    ll_put_name(&shown, name, n, LL_MAX_NAME);
    int rc = ll_fail(err, LL_EUSAGE, "%s: %s \"%s\": expected %s, found what may be meant for %s", f->path,
                     kind, ll_buf_str(&shown), ll_buf_str(&known), f->names[near]);
    ll_buf_free(&known);
    ll_buf_free(&shown);
    return rc;
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static int on_header(void *arg, const struct ll_csv_row *names, struct ll_err *err)
{
    struct file *f = arg;
    int has[N_WHAT], rc;
    for (int w = 0; w < N_WHAT; w++) {
        f->column[w] = -1;
        for (int i = 0; i < names->n; i++)
            if (names->field[i].s && strlen(f->names[w]) == names->field[i].n
                && !memcmp(f->names[w], names->field[i].s, names->field[i].n))
                f->column[w] = i;
        has[w] = f->column[w] >= 0;
    }
    for (int i = 0; i < names->n; i++)
        if (names->field[i].s
            && (rc = check_name(f, names->field[i].s, names->field[i].n, has, "column", err)))
            return rc;
    for (int w = 0; w < N_WHAT; w++)
        if (f->column[w] < 0 && (w == TEXT || f->is_named[w]))
            return ll_fail(err, LL_EUSAGE, "%s: expected a column \"%s\" (%s), found none of that name",
                           f->path, f->names[w], what_names[w]);
    return LL_OK;
}

static int on_row(void *arg, const struct ll_csv_row *csv, struct ll_err *err)
{
    struct file *f = arg;
    struct row r = {.unit = "data row", .nr = csv->nr};
    for (int w = 0; w < N_WHAT; w++) {
        const struct ll_field *field = f->column[w] < 0 ? NULL : &csv->field[f->column[w]];
        if (!field || !field->s)
            continue;
        if (memchr(field->s, 0, field->n))
            return bad(f, &r, err, f->names[w], "a text without NUL bytes", field->s);
        r.v[w] = field->s;
    }
    return take_row(f, &r, err);
}

static int read_csv(struct file *f, struct ll_buf *b, struct ll_err *err)
{
    const struct ll_csv_user user = {on_header, on_row, f};
    if (b->len && b->s[b->len - 1] != '\n') { /* editors leave it out */
        ll_buf_addc(b, '\n');
        int rc = ll_buf_ok(b, err);
        if (rc)
            return rc;
    }
    return ll_csv_read(f->path, ll_buf_str(b), b->len, LL_RFC4180, &user, NULL, err);
}

/* ---- JSONL ----------------------------------------------------------------------------------- */

/* The text at a key; numbers stand for themselves where an id or a fact_index is asked for. */
static int take_value(struct file *f, struct row *r, const struct ll_settings *line, enum what w,
                      char number[32], struct ll_err *err)
{
    long long v;
    f->is_seen[w] |= ll_settings_has(line, f->names[w]) || ll_settings_is_null(line, f->names[w]);
    if (!ll_settings_has(line, f->names[w]))
        return LL_OK;
    if (w == ANSWERS) {
        int n = ll_settings_len(line, f->names[w]);
        if (!ll_settings_is_array(line, f->names[w]) || n < 1 || n > LL_MAX_ANSWERS)
            return bad(f, r, err, f->names[w], "a list of 1..15 texts",
                       ll_settings_is_array(line, f->names[w]) ? "a list of another length" : "no list");
        return ll_read_texts(line, f->names[w], &r->answers, &r->n_answers, err);
    }
    if ((r->v[w] = ll_settings_str(line, f->names[w], NULL)))
        return LL_OK;
    if ((w != ID && w != FACT_INDEX) || ll_settings_need_int(line, f->names[w], 0, 1LL << 53, &v, NULL))
        return bad(f, r, err, f->names[w], w == FACT_INDEX ? "an integer" : "a text",
                   "another kind of value");
    snprintf(number, 32, "%lld", v);
    r->v[w] = number;
    return LL_OK;
}

static int read_line(struct file *f, const char *s, size_t n, long long nr, struct ll_err *err)
{
    static const struct ll_settings_row any[] = {{NULL, LL_SET_INT, 0, 0, 0}};
    struct ll_settings *line = NULL;
    struct row r = {.unit = "line", .nr = nr};
    char number[N_WHAT][32];
    int rc = ll_settings_parse(&line, f->path, s, n, err);
    if (!rc)
        rc = ll_settings_check(line, "", any, LL_OTHERS_PASS, err);
    if (rc) {
        ll_settings_free(line);
        return ll_context(err, "line %lld", nr);
    }
    int has[N_WHAT];
    for (int w = 0; w < N_WHAT; w++)
        has[w] = !rc && (ll_settings_has(line, f->names[w]) || ll_settings_is_null(line, f->names[w]));
    const char *key;
    for (int i = 0; !rc && (key = ll_settings_key(line, "", i)); i++)
        if ((rc = check_name(f, key, strlen(key), has, "key", err)))
            ll_context(err, "line %lld", nr);
    for (int w = 0; w < N_WHAT && !rc; w++)
        rc = take_value(f, &r, line, (enum what)w, number[w], err);
    if (!rc)
        rc = take_row(f, &r, err);
    for (int i = 0; r.answers && i < r.n_answers; i++)
        free(r.answers[i]);
    free(r.answers);
    ll_settings_free(line);
    return rc;
}

static int read_jsonl(struct file *f, struct ll_buf *b, struct ll_err *err)
{
    const char *p = ll_buf_str(b), *end = p + b->len;
    int rc = LL_OK;
    for (long long nr = 1; p < end && !rc; nr++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((stop ? stop : end) - p);
        if (strspn(p, " \t\r") < n)
            rc = read_line(f, p, n, nr, err);
        p += n + 1;
    }
    for (int w = 0; w < N_WHAT && !rc && f->rows; w++)
        if (f->is_named[w] && !f->is_seen[w])
            rc = ll_fail(err, LL_EUSAGE,
                         "%s: expected a key \"%s\" (%s) in some line, found none of that name", f->path,
                         f->names[w], what_names[w]);
    return rc;
}

/* ---- one file -------------------------------------------------------------------------------- */

/* 1: JSON lines, 0: CSV, -1: neither is said nor shown by the name. */
static int format_of(const char *said, const char *path)
{
    static const struct {
        const char *name;
        int is_jsonl;
    } known[] = {{"csv", 0}, {"jsonl", 1}, {"ndjson", 1}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (said ? i < 2 && !strcmp(said, known[i].name) : dot && !strcasecmp(dot + 1, known[i].name))
            return known[i].is_jsonl;
    return -1;
}

/* A byte order mark belongs to no prompt and to no name. */
static int leave_out_mark(const struct file *f, struct ll_buf *b, struct ll_err *err)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    if (b->len >= 2 && (LL_BYTES_ARE(b->s, "\xff\xfe") || LL_BYTES_ARE(b->s, "\xfe\xff")))
        return ll_fail(err, LL_EUSAGE, "%s: expected UTF-8, found UTF-16 (by its byte order mark)", f->path);
    if (b->len < sizeof mark || memcmp(b->s, mark, sizeof mark))
        return LL_OK;
    memmove(b->s, b->s + sizeof mark, b->len - sizeof mark + 1);
    b->len -= sizeof mark;
    ll_buf_addf(&f->e->notes, "%s: left out the byte order mark\n", f->path);
    return LL_OK;
}

int ll_is_prompt_file(const char *path) { return format_of(NULL, path) >= 0; }

int ll_read_prompt_file(struct ll_experiment *e, const struct ll_settings *s, int i, const char *dir,
                        struct ll_err *err)
{
    struct file f = {.e = e, .number = i};
    struct ll_buf b = {0};
    char path[80];
    snprintf(f.at, sizeof f.at, "prompts_from.%d", i);
    int rc = ll_settings_check(s, f.at, file_rows, LL_OTHERS_REFUSED, err);
    if (rc)
        return rc;
    for (int w = 0; w < N_WHAT; w++) {
        snprintf(path, sizeof path, "%s.%s", f.at, what_names[w]);
        f.is_named[w] = ll_settings_has(s, path);
        f.names[w] = ll_settings_str(s, path, what_names[w]);
    }
    snprintf(path, sizeof path, "%s.answers_separator", f.at);
    f.separator = ll_settings_str(s, path, "|");
    snprintf(path, sizeof path, "%s.format", f.at);
    const char *said = ll_settings_str(s, path, NULL);
    snprintf(path, sizeof path, "%s.file", f.at);
    f.path = ll_settings_str(s, path, "");
    int is_jsonl = format_of(said, f.path);
    if (is_jsonl < 0)
        return ll_settings_fail(s, path, err,
                                "expected a name ending in .csv, .jsonl or .ndjson, or \"format\": \"csv\" "
                                "or \"jsonl\", found \"%.80s\"%s%.20s",
                                f.path, said ? " and " : "", said ? said : "");
    char *full = *f.path == '/' ? strdup(f.path) : ll_path_join(dir, f.path);
    if (!full)
        return ll_fail_mem(err, "path", strlen(f.path));
    int before = e->n_asks;
    if (!(rc = ll_file_read(full, MAX_FILE, &b, err)) && !(rc = leave_out_mark(&f, &b, err)))
        rc = is_jsonl ? read_jsonl(&f, &b, err) : read_csv(&f, &b, err);
    if (!rc && e->n_asks == before)
        rc = ll_settings_fail(s, path, err, "expected at least one prompt in %s, found none", f.path);
    if (!rc && f.unread.len)
        ll_buf_addf(&e->notes, "%s: %s not read:%s\n", f.path, is_jsonl ? "keys" : "columns", f.unread.s + 1);
    ll_buf_free(&f.unread);
    ll_buf_free(&b);
    free(full);
    return rc;
}
