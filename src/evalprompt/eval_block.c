/* eval_block.c - see eval_block.h */
#include "eval_block.h"

#include "json_write.h"

#include <stdlib.h>
#include <string.h>

void ll_eval_block_free(struct ll_eval_block *b)
{
    for (int i = 0; i < b->n; i++)
        free(b->lines[i].s);
    free(b->lines);
    free(b->head);
    memset(b, 0, sizeof *b);
}

int ll_eval_block_add(struct ll_eval_block *b, const char *s, size_t n, double rank, struct ll_err *err)
{
    if (b->n == b->cap) {
        int cap = b->cap ? 2 * b->cap : 32;
        struct ll_eval_line *more = realloc(b->lines, sizeof *more * (size_t)cap);
        if (!more)
            return ll_fail_mem(err, "lines of a prompt", sizeof *more * (size_t)cap);
        b->lines = more;
        b->cap = cap;
    }
    struct ll_eval_line *l = &b->lines[b->n];
    *l = (struct ll_eval_line){.s = malloc(n + 1), .n = n, .rank = rank};
    if (!l->s)
        return ll_fail_mem(err, "line of a prompt", n);
    memcpy(l->s, s, n);
    l->s[n] = 0;
    b->n++;
    b->bytes += n + 1;
    return LL_OK;
}

/* Six digits are more than an evaluation quotes, and half the size of all seventeen. Text goes in as a JSON
 * string, so that a token's blanks and line ends show; a backquote would end the fence. */
static void put_value(struct ll_buf *out, const struct ll_value *v)
{
    if (v->kind == LL_V_INT)
        ll_buf_addf(out, "%lld", v->i);
    else if (v->kind == LL_V_REAL)
        ll_buf_addf(out, "%.6g", v->r);
    else if (v->kind == LL_V_TEXT) {
        struct ll_buf quoted = {0};
        ll_json_quote(&quoted, v->s, v->n);
        for (size_t i = 0; i < quoted.len; i++)
            if (quoted.s[i] == '`')
                ll_buf_adds(out, "\\u0060");
            else
                ll_buf_addc(out, quoted.s[i]);
        out->failed |= quoted.failed;
        ll_buf_free(&quoted);
    }
}

struct collect {
    struct ll_eval_block *b;
    struct ll_buf line;
};

/* Not printed: the ranking column, and the index's own keys, which SELECT * brings along. */
static int is_rank(const char *name) { return !strcmp(name, "_rank"); }
static int is_hidden(const char *name)
{
    static const char *const keys[] = {"_rank",     "pass",   "pure",  "record",
                                       "run_model", "run_id", "stamp", NULL};
    for (const char *const *k = keys; *k; k++)
        if (!strcmp(*k, name))
            return 1;
    return 0;
}

static int on_row(void *arg, int n, const char *const *names, const struct ll_value *v, struct ll_err *err)
{
    struct collect *c = arg;
    double rank = c->b->n;
    int first = 1;
    if (!c->b->head) {
        ll_buf_reset(&c->line);
        for (int i = 0; i < n; i++)
            if (!is_hidden(names[i]))
                ll_buf_addf(&c->line, "%s%s", c->line.len ? "," : "", names[i]);
        c->b->head = strdup(ll_buf_str(&c->line));
        if (!c->b->head)
            return ll_fail_mem(err, "head of a prompt's table", c->line.len);
        c->b->bytes += c->line.len + 1;
    }
    ll_buf_reset(&c->line);
    for (int i = 0; i < n; i++) {
        if (is_rank(names[i]))
            rank = v[i].kind == LL_V_NULL ? 1e9 : v[i].r;
        if (is_hidden(names[i]))
            continue;
        if (!first)
            ll_buf_addc(&c->line, ',');
        first = 0;
        put_value(&c->line, &v[i]);
    }
    int rc = ll_buf_ok(&c->line, err);
    return rc ? rc : ll_eval_block_add(c->b, ll_buf_str(&c->line), c->line.len, rank, err);
}

int ll_eval_block_query(struct ll_eval_block *b, struct ll_reader *r, const char *sql,
                        const char *const *binds, int n_binds, struct ll_err *err)
{
    struct collect c = {.b = b};
    b->is_table = 1;
    int rc = ll_reader_each(r, sql, binds, n_binds, on_row, &c, err);
    ll_buf_free(&c.line);
    return rc;
}

static int on_fact(void *arg, int n, const char *const *names, const struct ll_value *v, struct ll_err *err)
{
    struct collect *c = arg;
    for (int i = 0; i < n; i++) {
        if (v[i].kind == LL_V_NULL)
            continue;
        ll_buf_reset(&c->line);
        ll_buf_addf(&c->line, "- %s: ", names[i]);
        put_value(&c->line, &v[i]);
        int rc = ll_buf_ok(&c->line, err);
        if (rc || (rc = ll_eval_block_add(c->b, ll_buf_str(&c->line), c->line.len, 0, err)))
            return rc;
    }
    return LL_OK;
}

int ll_eval_block_facts(struct ll_eval_block *b, struct ll_reader *r, const char *sql,
                        const char *const *binds, int n_binds, struct ll_err *err)
{
    struct collect c = {.b = b};
    int rc = ll_reader_each(r, sql, binds, n_binds, on_fact, &c, err);
    ll_buf_free(&c.line);
    return rc;
}

struct order {
    double rank;
    int at;
};
static int worst_first(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    return x->rank != y->rank ? (x->rank > y->rank ? -1 : 1) : y->at - x->at;
}

size_t ll_eval_block_cut(struct ll_eval_block *b, size_t bytes)
{
    struct order *o = malloc(sizeof *o * (size_t)(b->n + 1));
    size_t gone = 0;
    int n = 0;
    if (!o)
        return 0;
    for (int i = 0; i < b->n; i++)
        if (!b->lines[i].is_cut)
            o[n++] = (struct order){b->lines[i].rank, i};
    qsort(o, (size_t)n, sizeof *o, worst_first);
    for (int i = 0; i < n && gone < bytes; i++) {
        b->lines[o[i].at].is_cut = 1;
        gone += b->lines[o[i].at].n + 1;
        b->n_cut++;
    }
    b->bytes -= gone;
    free(o);
    return gone;
}

void ll_eval_block_put(const struct ll_eval_block *b, struct ll_buf *out)
{
    int fenced = b->is_table && b->n > b->n_cut;
    if (!b->n)
        ll_buf_adds(out, "(none)\n");
    if (fenced)
        ll_buf_addf(out, "```csv\n%s%s", b->head ? b->head : "", b->head ? "\n" : "");
    for (int i = 0; i < b->n; i++)
        if (!b->lines[i].is_cut) {
            ll_buf_add(out, b->lines[i].s, b->lines[i].n);
            ll_buf_addc(out, '\n');
        }
    if (fenced)
        ll_buf_adds(out, "```\n");
    if (b->n_cut)
        ll_buf_addf(out, "(%d of %d lines left out to stay within the size budget%s%s)\n", b->n_cut, b->n,
                    b->source ? "; all of them: " : "", b->source ? b->source : "");
}
