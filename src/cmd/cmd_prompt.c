/* cmd_prompt.c - prompts for an evaluating model, filled from a run; and its answer checked against the same
 * run. */
#include "cmd.h"
#include "eval_check.h"
#include "eval_prompt.h"
#include "index.h"
#include "literal.h"
#include "map.h"
#include "opt.h"
#include "outfile.h"
#include "shown.h"
#include "tables.h"
#include "print.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct prompt_opts {
    const char *out, *check, *model, *template, *sql, *scores;
    int max_tokens, print, quiet;
};
static const struct prompt_opts defaults = {.max_tokens = 100000};
enum { N_OPTS = 10, MAX_STEMS = 1000, MAX_FILES = 1000, MAX_TEXT = 1 << 26 };

static void opt_table(struct prompt_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--max-tokens", LL_OPT_INT, &o->max_tokens, "N",
         "size budget of a prompt, tokens estimated at 3 bytes", 100, 100000000, NULL},
        {"--model", LL_OPT_STR, &o->model, "NAME", "only this model of the run", 0, 0, NULL},
        {"--sql", LL_OPT_STR, &o->sql, "SQL", "put these rows in too (or a named query)", 0, 0, NULL},
        {"--scores", LL_OPT_STR, &o->scores, "FILE", "cross: benchmark scores, CSV with a source column", 0,
         0, NULL},
        {"--template", LL_OPT_STR, &o->template, "FILE", "in place of the built-in template", 0, 0, NULL},
        {"--out", LL_OPT_STR, &o->out, "DIR", "folder for the prompts (default: prompts in the run folder)",
         0, 0, NULL},
        {"--print", LL_OPT_FLAG, &o->print, NULL, "on stdout instead of files", 0, 0, NULL},
        {"--check", LL_OPT_STR, &o->check, "FILE",
         "hold an evaluation against the run: cited rows and figures", 0, 0, NULL},
        {"--quiet", LL_OPT_FLAG, &o->quiet, NULL, "no talk on stderr", 0, 0, NULL},
        {NULL, LL_OPT_FLAG, NULL, NULL, NULL, 0, 0, NULL},
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_prompt_options(struct ll_buf *out)
{
    struct prompt_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
}

/* ---- an index of the run alone --------------------------------------------------------------- */

struct scratch {
    char dir[256], *db;
    struct ll_reader *reader;
    char *stems[MAX_STEMS];
    int n_stems;
};

static void talk(void *arg, const char *line)
{
    const struct prompt_opts *o = arg;
    if (!o->quiet)
        ll_say_line("%s", line);
}

static int on_stem(void *arg, int n, const char *const *names, const struct ll_value *v, struct ll_err *err)
{
    struct scratch *s = arg;
    (void)n, (void)names;
    if (s->n_stems == MAX_STEMS)
        return ll_fail(err, LL_EUSAGE, "prompt: more than %d models in the run", MAX_STEMS);
    s->stems[s->n_stems] = strdup(v->s ? v->s : "");
    return s->stems[s->n_stems++] ? LL_OK : ll_fail_mem(err, "model name", v->n);
}

static int scratch_open(struct scratch *s, const char *run, struct prompt_opts *o, struct ll_err *err)
{
    const char *tmp = getenv("TMPDIR");
    memset(s, 0, sizeof *s);
    snprintf(s->dir, sizeof s->dir, "%s/logitlens-XXXXXX", tmp && *tmp && strlen(tmp) < 200 ? tmp : "/tmp");
    if (!mkdtemp(s->dir)) {
        *s->dir = 0;
        return ll_fail(err, LL_EFAIL, "prompt: cannot make a temporary folder for the index");
    }
    s->db = ll_path_join(s->dir, "index.sqlite");
    int rc = s->db ? ll_index_import(s->db, run, NULL, talk, o, err) : ll_fail_mem(err, "path", 64);
    if (!rc && !(rc = ll_reader_open(&s->reader, s->db, err)))
        rc = ll_reader_each(s->reader,
                            "SELECT stem FROM run_models WHERE status IN ('ok', 'unknown') ORDER BY id", NULL,
                            0, on_stem, s, err);
    return rc;
}

static void scratch_close(struct scratch *s)
{
    ll_reader_close(s->reader);
    if (s->db)
        unlink(s->db);
    if (*s->dir)
        rmdir(s->dir);
    free(s->db);
    for (int i = 0; i < s->n_stems; i++)
        free(s->stems[i]);
    memset(s, 0, sizeof *s);
}

/* ---- blocks that do not come from the index -------------------------------------------------- */

enum { B_COLUMNS, B_EXTRA, B_EVALUATIONS, B_SCORES, N_GIVEN };

/* Lines of a text; a line end inside quotes does not end one when quoted is set. */
static int add_lines(struct ll_eval_block *b, const char *s, size_t n, const char *prefix, int quoted,
                     struct ll_err *err)
{
    int rc = LL_OK, nr = 0, in_quotes = 0;
    struct ll_buf line = {0};
    for (size_t from = 0, i = 0; i <= n && !rc; i++) {
        if (i < n && s[i] == '"')
            in_quotes = quoted && !in_quotes;
        if (i < n && (s[i] != '\n' || in_quotes))
            continue;
        if (i > from || i < n) {
            ll_buf_reset(&line);
            if (prefix)
                ll_buf_addf(&line, "%s:%d: ", prefix, ++nr);
            ll_buf_add(&line, s + from, i - from);
            rc = ll_buf_ok(&line, err);
            if (!rc)
                rc = ll_eval_block_add(b, ll_buf_str(&line), line.len, b->n, err);
        }
        from = i + 1;
    }
    ll_buf_free(&line);
    return rc;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* evaluation-<stem>.md of the run, for a review also the cross evaluation; a stub of a few lines is none. */
static int add_evaluations(struct ll_eval_block *b, const char *run, int with_cross, struct ll_err *err)
{
    enum { STUB_LINES = 4 };
    char *names[MAX_FILES];
    int n = 0, rc = LL_OK;
    DIR *d = opendir(run);
    for (struct dirent *e; d && n < MAX_FILES && (e = readdir(d));) {
        size_t len = strlen(e->d_name);
        int is_cross = strstr(e->d_name, "cross-model") != NULL, is_meta = strstr(e->d_name, "meta") != NULL;
        if (LL_BEGINS(e->d_name, "evaluation-") && len > 14 && !strcmp(e->d_name + len - 3, ".md") && !is_meta
            && (with_cross || !is_cross))
            names[n++] = strdup(e->d_name);
    }
    if (d)
        closedir(d);
    qsort(names, (size_t)n, sizeof *names, by_name);
    for (int i = 0; i < n; i++) {
        struct ll_buf text = {0};
        char *path = names[i] ? ll_path_join(run, names[i]) : NULL;
        int lines = 0;
        if (!rc)
            rc = path ? ll_file_read(path, MAX_TEXT, &text, err) : ll_fail_mem(err, "path", 64);
        for (size_t k = 0; k < text.len; k++)
            lines += text.s[k] == '\n';
        if (!rc && lines > STUB_LINES)
            rc = add_lines(b, text.s, text.len, names[i], 0, err);
        ll_buf_free(&text);
        free(path);
        free(names[i]);
    }
    return rc;
}

/* The two column lists of the program's own tables (help tables). */
static int add_columns(struct ll_eval_block *b, struct ll_err *err)
{
    struct ll_buf all = {0};
    ll_put_tables(&all);
    int rc = ll_buf_ok(&all, err);
    for (const char *part = all.s; part && !rc;) {
        const char *next = strstr(part + 1, "\n### ");
        size_t n = next ? (size_t)(next - part) : strlen(part);
        const char *title_end = memchr(part + 1, '\n', n - 1);
        struct ll_buf title = {0};
        ll_buf_add(&title, part, title_end ? (size_t)(title_end - part) : n);
        if (strstr(ll_buf_str(&title), "-records.csv") || strstr(ll_buf_str(&title), "-next-token.csv"))
            rc = add_lines(b, part, n, NULL, 0, err);
        ll_buf_free(&title);
        part = next;
    }
    ll_buf_free(&all);
    return rc;
}

static int add_extra(struct ll_eval_block *b, const struct scratch *s, const char *sql, struct ll_err *err)
{
    struct ll_buf csv = {0};
    b->is_table = 1;
    int rc = ll_index_query(s->db, sql, LL_OUT_CSV, 60, &csv, err);
    if (!rc)
        rc = add_lines(b, ll_buf_str(&csv), csv.len, NULL, 1, err);
    ll_buf_free(&csv);
    return rc;
}

static int add_scores(struct ll_eval_block *b, const char *path, struct ll_err *err)
{
    struct ll_buf csv = {0};
    b->is_table = 1;
    int rc = ll_file_read(path, MAX_TEXT, &csv, err);
    size_t head = csv.s ? strcspn(csv.s, "\n") : 0;
    if (!rc) {
        char *first = strndup(ll_buf_str(&csv), head);
        if (!first || !strstr(first, "source"))
            rc = ll_fail(
                err, LL_EUSAGE,
                "%s: expected a column \"source\" in the first line: scores without a source are not used",
                path);
        free(first);
    }
    if (!rc)
        rc = add_lines(b, csv.s, csv.len, NULL, 1, err);
    ll_buf_free(&csv);
    return rc;
}

/* ---- filling --------------------------------------------------------------------------------- */

static void say_what_is_cut(const struct ll_buf *said, const char *name, int max_tokens)
{
    ll_say_line("cut to --max-tokens %d (%s):", max_tokens, name);
    for (const char *s = ll_buf_str(said); *s; s += strcspn(s, "\n"), s += *s == '\n')
        ll_say_line("%.*s", (int)strcspn(s, "\n"), s);
}

static int write_one(enum ll_eval_kind kind, const struct ll_eval_input *in, const char *folder,
                     const struct prompt_opts *o, struct ll_err *err)
{
    struct ll_buf text = {0}, said = {0}, name = {0};
    int rc = ll_eval_prompt(kind, in, &text, &said, err);
    ll_buf_addf(&name, ll_eval_info(kind)->file, in->stem ? in->stem : "");
    if (!rc && o->print)
        rc = ll_print_text(&text, err);
    else if (!rc && !(rc = ll_buf_ok(&name, err))) {
        char *path = ll_path_join(folder, name.s);
        struct ll_buf line = {0};
        rc = path ? ll_make_dirs(folder, err) : ll_fail_mem(err, "path", name.len);
        if (!rc)
            rc = ll_file_write(path, text.s, text.len, err);
        if (path)
            ll_shown(&line, path, strlen(path), "");
        ll_buf_addf(&line, ": about %zu tokens\n", text.len / LL_BYTES_A_TOKEN);
        if (!rc)
            rc = ll_print_text(&line, err);
        ll_buf_free(&line);
        free(path);
    }
    if (!rc && said.len && !o->quiet)
        say_what_is_cut(&said, name.s, o->max_tokens);
    ll_buf_free(&text);
    ll_buf_free(&said);
    ll_buf_free(&name);
    return rc;
}

static int fill(enum ll_eval_kind kind, const struct scratch *s, const char *run, const struct prompt_opts *o,
                struct ll_err *err)
{
    struct ll_eval_block given[N_GIVEN] = {{.name = "columns", .importance = 0},
                                           {.name = "extra"},
                                           {.name = "evaluations"},
                                           {.name = "scores"}};
    struct ll_buf template = {0};
    char *folder = o->out ? strdup(o->out) : ll_path_join(run, "prompts");
    int rc = folder ? LL_OK : ll_fail_mem(err, "path", 64), n = 0;
    if (!rc)
        rc = add_columns(&given[B_COLUMNS], err);
    if (!rc && o->sql)
        rc = add_extra(&given[B_EXTRA], s, o->sql, err);
    if (!rc && kind != LL_EVAL_SINGLE)
        rc = add_evaluations(&given[B_EVALUATIONS], run, kind == LL_EVAL_META, err);
    if (!rc && o->scores)
        rc = add_scores(&given[B_SCORES], o->scores, err);
    if (!rc && o->template)
        rc = ll_file_read(o->template, MAX_TEXT, &template, err);
    struct ll_eval_input in = {.reader = s->reader,
                               .template_text = o->template ? ll_buf_str(&template) : NULL,
                               .given = given,
                               .n_given = N_GIVEN,
                               .max_tokens = o->max_tokens};
    for (int i = 0; i < (kind == LL_EVAL_SINGLE ? s->n_stems : 1) && !rc; i++) {
        if (kind == LL_EVAL_SINGLE && o->model && strcmp(o->model, s->stems[i]))
            continue;
        in.stem = kind == LL_EVAL_SINGLE ? s->stems[i] : NULL;
        rc = write_one(kind, &in, folder, o, err);
        n++;
    }
    if (!rc && !n)
        rc = ll_fail(err, LL_EUSAGE, "%s: expected a model \"%s\", found %d other%s", run,
                     o->model ? o->model : "", s->n_stems, s->n_stems == 1 ? "" : "s");
    for (int i = 0; i < N_GIVEN; i++)
        ll_eval_block_free(&given[i]);
    ll_buf_free(&template);
    free(folder);
    return rc;
}

/* ---- checking -------------------------------------------------------------------------------- */

/* The model an evaluation is about: --model, else evaluation-<stem>.md, else the run's only one; NULL: any.
 */
static const char *subject(const struct scratch *s, const struct prompt_opts *o)
{
    const char *base = strrchr(o->check, '/') ? strrchr(o->check, '/') + 1 : o->check;
    if (o->model)
        return o->model;
    for (int i = 0; i < s->n_stems; i++) {
        size_t n = strlen(s->stems[i]);
        if (LL_BEGINS(base, "evaluation-") && !strncmp(base + 11, s->stems[i], n)
            && !strcmp(base + 11 + n, ".md"))
            return s->stems[i];
    }
    return s->n_stems == 1 ? s->stems[0] : NULL;
}

static int check(const struct scratch *s, const struct prompt_opts *o, struct ll_err *err)
{
    struct ll_buf text = {0}, out = {0};
    struct ll_eval_verdict v;
    const char *model = subject(s, o);
    int known = !o->model, rc;
    for (int i = 0; i < s->n_stems; i++)
        known |= o->model && !strcmp(o->model, s->stems[i]);
    if (!known)
        return ll_fail(err, LL_EUSAGE, "--model: expected a model of the run, found \"%s\"", o->model);
    rc = ll_file_read(o->check, MAX_TEXT, &text, err);
    if (!rc)
        rc = ll_eval_check(s->reader, model, ll_buf_str(&text), text.len, &v, &out, err);
    if (!rc) {
        ll_buf_addf(
            &out, "%d cited rows, %d members of documents, %d figures, held against %s: %d not in the data\n",
            v.n_rows, v.n_members, v.n_figures, model ? model : "any model of the run", v.n_bad);
        rc = ll_print_text(&out, err);
    }
    if (!rc && v.n_bad)
        rc = ll_fail(err, LL_ECHECK, "%s: %d statements are not in the data (see above)", o->check, v.n_bad);
    ll_buf_free(&text);
    ll_buf_free(&out);
    return rc;
}

int ll_cmd_prompt(int argc, char **argv, struct ll_err *err)
{
    struct prompt_opts o = defaults;
    struct ll_opt t[N_OPTS];
    struct scratch s;
    const char *args[2];
    int n_args, rc, kind = 0;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, 2, &n_args, err)))
        return rc;
    if (n_args != (o.check ? 1 : 2))
        return ll_fail(err, LL_EUSAGE, "prompt: expected %s (see: logitlens help prompt)",
                       o.check ? "--check FILE and a run folder" : "single, cross or meta, and a run folder");
    while (!o.check && kind < LL_N_EVALS && strcmp(args[0], ll_eval_info((enum ll_eval_kind)kind)->name))
        kind++;
    if (kind == LL_N_EVALS)
        return ll_fail(err, LL_EUSAGE, "prompt: expected single, cross or meta, found \"%s\"", args[0]);
    rc = scratch_open(&s, args[n_args - 1], &o, err);
    if (!rc)
        rc = o.check ? check(&s, &o, err) : fill((enum ll_eval_kind)kind, &s, args[1], &o, err);
    scratch_close(&s);
    return rc;
}
