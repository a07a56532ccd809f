/* cmd_prompt.c - prompts for an evaluating model, filled from a run; and its answer checked against the same
 * run. */
#include "cmd.h"
#include "eval_check.h"
#include "eval_given.h"
#include "eval_index.h"
#include "map.h"
#include "opt.h"
#include "outfile.h"
#include "print.h"
#include "shown.h"

#include <stdlib.h>
#include <string.h>

struct prompt_opts {
    const char *out, *check, *model, *template, *sql, *scores;
    int max_tokens, print, quiet;
};
static const struct prompt_opts defaults = {.max_tokens = 100000};
enum { N_OPTS = 10 };

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

static void talk(void *arg, const char *line)
{
    const struct prompt_opts *o = arg;
    if (!o->quiet)
        ll_say_line("%s", line);
}

/* ---- filling --------------------------------------------------------------------------------- */

static void say_what_is_cut(const struct ll_buf *said, const char *name, int max_tokens)
{
    ll_say_line("cut to --max-tokens %d (%s):", max_tokens, name);
    for (const char *s = ll_buf_str(said); *s; s += strcspn(s, "\n"), s += *s == '\n')
        ll_say_line("%.*s", (int)strcspn(s, "\n"), s);
}

/* The prompt as a file of the folder, with a line on stdout about it. */
static int write_file(const char *folder, const struct ll_buf *name, const struct ll_buf *text,
                      struct ll_err *err)
{
    struct ll_buf line = {0};
    char *path = ll_path_join(folder, ll_buf_str(name));
    int rc = path ? ll_make_dirs(folder, err) : ll_fail_mem(err, "path", name->len);
    if (!rc)
        rc = ll_file_write(path, text->s, text->len, err);
    if (path)
        ll_shown(&line, path, strlen(path), "");
    ll_buf_addf(&line, ": about %zu tokens\n", text->len / LL_BYTES_A_TOKEN);
    if (!rc)
        rc = ll_print_text(&line, err);
    ll_buf_free(&line);
    free(path);
    return rc;
}

static int write_one(enum ll_eval_kind kind, const struct ll_eval_input *in, const char *folder,
                     const struct prompt_opts *o, struct ll_err *err)
{
    struct ll_buf text = {0}, said = {0}, name = {0};
    int rc = ll_eval_prompt(kind, in, &text, &said, err);
    ll_buf_addf(&name, ll_eval_info(kind)->file, in->stem ? in->stem : "");
    if (!rc && o->print)
        rc = ll_print_text(&text, err);
    else if (!rc && !(rc = ll_buf_ok(&name, err)))
        rc = write_file(folder, &name, &text, err);
    if (!rc && said.len && !o->quiet)
        say_what_is_cut(&said, name.s, o->max_tokens);
    ll_buf_free(&text);
    ll_buf_free(&said);
    ll_buf_free(&name);
    return rc;
}

/* One prompt a model (single), or one in all. */
static int write_all(enum ll_eval_kind kind, const struct ll_eval_index *x, struct ll_eval_input *in,
                     const struct prompt_opts *o, const char *run, struct ll_err *err)
{
    const int single = kind == LL_EVAL_SINGLE;
    char *folder = o->out ? strdup(o->out) : ll_path_join(run, "prompts");
    int n = 0, rc = folder ? LL_OK : ll_fail_mem(err, "path", 64);
    for (int i = 0; i < (single ? x->n_stems : 1) && !rc; i++) {
        if (single && o->model && strcmp(o->model, x->stems[i]))
            continue;
        in->stem = single ? x->stems[i] : NULL;
        rc = write_one(kind, in, folder, o, err);
        n++;
    }
    free(folder);
    return rc || n ? rc
                   : ll_fail(err, LL_EUSAGE, "%s: expected a model \"%s\", found %d other%s", run,
                             o->model ? o->model : "", x->n_stems, x->n_stems == 1 ? "" : "s");
}

static int fill(enum ll_eval_kind kind, const struct ll_eval_index *x, const char *run,
                const struct prompt_opts *o, struct ll_err *err)
{
    const struct ll_eval_given_ask ask = {.run = run, .db = x->db, .sql = o->sql, .scores = o->scores};
    struct ll_eval_block given[LL_N_GIVEN];
    struct ll_buf template = {0};
    int rc = ll_eval_given(given, kind, &ask, err);
    if (!rc && o->template)
        rc = ll_file_read(o->template, LL_EVAL_MAX_TEXT, &template, err);
    struct ll_eval_input in = {.reader = x->reader,
                               .template_text = o->template ? ll_buf_str(&template) : NULL,
                               .given = given,
                               .n_given = LL_N_GIVEN,
                               .max_tokens = o->max_tokens};
    if (!rc)
        rc = write_all(kind, x, &in, o, run, err);
    for (int i = 0; i < LL_N_GIVEN; i++)
        ll_eval_block_free(&given[i]);
    ll_buf_free(&template);
    return rc;
}

/* ---- checking -------------------------------------------------------------------------------- */

static int check(const struct ll_eval_index *x, const struct prompt_opts *o, struct ll_err *err)
{
    struct ll_buf text = {0}, out = {0};
    struct ll_eval_verdict v;
    const char *model = o->model ? o->model : ll_eval_index_subject(x, o->check);
    int rc;
    if (o->model && !ll_eval_index_has(x, o->model))
        return ll_fail(err, LL_EUSAGE, "--model: expected a model of the run, found \"%s\"", o->model);
    rc = ll_file_read(o->check, LL_EVAL_MAX_TEXT, &text, err);
    if (!rc)
        rc = ll_eval_check(x->reader, model, ll_buf_str(&text), text.len, &v, &out, err);
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
    struct ll_eval_index x = {0};
    const char *v[2];
    struct ll_args args = {.v = v, .most = 2};
    int rc, kind = 0;
    opt_table(&o, t);
    if ((rc = ll_opt_args(t, argc, argv, &args, err)))
        return rc;
    if (args.n != (o.check ? 1 : 2))
        return ll_opt_expected(argv[0],
                               o.check ? "--check FILE and a run folder"
                                       : "single, cross or meta, and a run folder",
                               err);
    while (!o.check && kind < LL_N_EVALS && strcmp(v[0], ll_eval_info((enum ll_eval_kind)kind)->name))
        kind++;
    if (kind == LL_N_EVALS)
        return ll_fail(err, LL_EUSAGE, "prompt: expected single, cross or meta, found \"%s\"", v[0]);
    rc = ll_eval_index_open(&x, v[args.n - 1], talk, &o, err);
    if (!rc)
        rc = o.check ? check(&x, &o, err) : fill((enum ll_eval_kind)kind, &x, v[1], &o, err);
    ll_eval_index_close(&x);
    return rc;
}
