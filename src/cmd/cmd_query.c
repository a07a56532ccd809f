/* cmd_query.c - ask the index. */
#include "cmd.h"
#include "index.h"
#include "opt.h"
#include "terminal.h"
#include "print.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

struct query_opts {
    const char *index;
    int csv, json;
    double limit;
};
enum { N_OPTS = 5, MAX_WORDS = 64 };

static void opt_table(struct query_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--index", LL_OPT_STR, &o->index, "FILE", "the SQLite index", 0, 0, NULL},
        {"--csv", LL_OPT_FLAG, &o->csv, NULL, "CSV instead of a table", 0, 0, NULL},
        {"--json", LL_OPT_FLAG, &o->json, NULL, "JSON instead of a table", 0, 0, NULL},
        {"--limit", LL_OPT_NUM, &o->limit, "S", "seconds a query may take", 0.001, 1e6, NULL},
        {NULL, LL_OPT_FLAG, NULL, NULL, NULL, 0, 0, NULL},
    };
    memcpy(t, rows, sizeof rows);
}

static const struct query_opts defaults = {.index = "output/index.sqlite", .limit = 60};

static void list_queries(struct ll_buf *out)
{
    for (const struct ll_query *q = ll_queries; q->name; q++)
        ll_buf_addf(out, "  %-24s %s%s%s%s\n", q->name, q->help, *q->params ? "  [" : "", q->params,
                    *q->params ? "]" : "");
}

void ll_cmd_query_options(struct ll_buf *out)
{
    struct query_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
    ll_buf_adds(out,
                "\nparameters follow the name as key=value:\n"
                "  run=    a stamp, a folder, a run_id, or all; without: the newest run of each era\n"
                "  era=    early, late or ours; without: all three\n"
                "  model=  a name or a part of one\n"
                "  pass=   a pass key such as pos.orig.0, or all; without: each model's main pass\n"
                "  lens=   norm, raw, prism, tuned, or all; without: the run's own lens\n");
    ll_buf_adds(out, "\nnamed queries:\n");
    list_queries(out);
}

static int count_lines(const struct ll_buf *b)
{
    int n = 0;
    for (size_t i = 0; i < b->len; i++)
        n += b->s[i] == '\n';
    return n;
}

/* No line is wider than the terminal (bytes are at least columns); 0 columns: nothing has to fit. */
static int fits(const struct ll_buf *b, int columns)
{
    size_t width = 0;
    for (size_t i = 0; i < b->len && columns; i++)
        if ((width = b->s[i] == '\n' ? 0 : width + 1) > (size_t)columns)
            return 0;
    return 1;
}

/* The index asks for the time between two steps of a query; a single step may be long (a function over
 * megabytes), and nothing can stop it from outside. Nothing was printed by then and nothing is written, so
 * the process may end where it stands. */
static void too_late(int nr)
{
    static const char line[] = "logitlens: query: stopped after its time limit (--limit)\n";
    (void)nr;
    _exit(write(STDERR_FILENO, line, sizeof line - 1) < 0 ? 1 : 1);
}

/* seconds 0: no limit from here on. */
static void set_alarm(double seconds)
{
    const double grace = 1; /* the index itself stops earlier and says more, where it can */
    struct itimerval t = {0};
    if (seconds > 0) {
        t.it_value.tv_sec = (time_t)(seconds + grace);
        t.it_value.tv_usec = (suseconds_t)((seconds + grace - (double)t.it_value.tv_sec) * 1e6);
    }
    signal(SIGALRM, too_late);
    setitimer(ITIMER_REAL, &t, NULL);
}

int ll_cmd_query(int argc, char **argv, struct ll_err *err)
{
    struct query_opts o = defaults;
    struct ll_opt t[N_OPTS];
    struct ll_buf out = {0}, ask = {0};
    const char *args[MAX_WORDS];
    int n_args, rc, is_table;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, MAX_WORDS, &n_args, err)))
        return rc;
    if (o.csv && o.json)
        return ll_fail(err, LL_EUSAGE, "query: expected one of --csv and --json");
    is_table = !o.json && !o.csv;
    for (int i = 0; i < n_args; i++)
        ll_buf_addf(&ask, "%s%s", i ? " " : "", args[i]);
    if (n_args)
        set_alarm(o.limit);
    if (n_args && !(rc = ll_buf_ok(&ask, err)))
        rc = ll_index_query(o.index, ask.s,
                            o.json      ? LL_OUT_JSON
                                : o.csv ? LL_OUT_CSV
                                        : LL_OUT_WIDE,
                            o.limit, &out, err);
    if (n_args && !rc && is_table && !fits(&out, ll_stdout_columns())) { /* once more, cut to fit */
        ll_buf_reset(&out);
        set_alarm(o.limit);
        rc = ll_index_query(o.index, ask.s, LL_OUT_TABLE, o.limit, &out, err);
    } else if (!n_args)
        list_queries(&out);
    set_alarm(0); /* printing may take as long as the reader wants */
    if (!rc)
        rc = ll_print_as(o.json || o.csv, &out, err);
    if (!rc && n_args && is_table && count_lines(&out) <= 2) /* the header and its rule */
        ll_say_line("no rows: nothing in the index matches");
    ll_buf_free(&ask);
    ll_buf_free(&out);
    return rc;
}
