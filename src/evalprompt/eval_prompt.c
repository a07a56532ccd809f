/* eval_prompt.c - see eval_prompt.h */
#include "eval_prompt.h"

#include "eval_data.h"
#include "eval_templates.h"
#include "literal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BLOCKS = 32, MAX_NAME = 40 };

static const struct ll_eval_info infos[LL_N_EVALS] = {
    [LL_EVAL_SINGLE] = {"single", "prompt-evaluation-%s.md", ll_template_single},
    [LL_EVAL_CROSS] = {"cross", "prompt-cross-model-evaluation.md", ll_template_cross},
    [LL_EVAL_META] = {"meta", "prompt-meta-evaluation.md", ll_template_meta},
};
const struct ll_eval_info *ll_eval_info(enum ll_eval_kind kind) { return &infos[kind]; }

struct fill {
    const struct ll_eval_input *in;
    struct ll_eval_block own[MAX_BLOCKS];
    int n_own; /* made here */
    char *sources[MAX_BLOCKS];
};

/* ---- values and blocks ----------------------------------------------------------------------- */

static int on_value(void *arg, int n, const char *const *names, const struct ll_value *v, struct ll_err *err)
{
    struct ll_buf *out = arg;
    (void)n, (void)names;
    if (v->kind == LL_V_TEXT)
        ll_buf_add(out, v->s, v->n);
    else if (v->kind == LL_V_INT)
        ll_buf_addf(out, "%lld", v->i);
    return ll_buf_ok(out, err);
}

static int is_name(const char *have, const char *name, size_t n)
{
    return strlen(have) == n && !strncmp(have, name, n);
}

static const struct ll_eval_source *find(const struct ll_eval_source *table, const char *name, size_t n)
{
    while (table->name && !is_name(table->name, name, n))
        table++;
    return table->name ? table : NULL;
}

/* The block of that name: given by the caller or made before; else made now from its SELECT. NULL: unknown,
 * or *rc. */
static const struct ll_eval_block *block(struct fill *f, const char *name, size_t n, int *rc,
                                         struct ll_err *err)
{
    const struct ll_eval_source *src = find(ll_eval_blocks, name, n);
    const char *binds[1] = {f->in->stem};
    *rc = LL_OK;
    for (int i = 0; i < f->in->n_given; i++)
        if (is_name(f->in->given[i].name, name, n))
            return &f->in->given[i];
    for (int i = 0; i < f->n_own; i++)
        if (is_name(f->own[i].name, name, n))
            return &f->own[i];
    if (!src || f->n_own == MAX_BLOCKS)
        return NULL;
    struct ll_eval_block *b = &f->own[f->n_own];
    struct ll_buf where = {0};
    if (src->source)
        ll_buf_addf(&where, src->source, f->in->stem ? f->in->stem : "*");
    f->sources[f->n_own++] = where.s;
    *b = (struct ll_eval_block){.name = src->name, .importance = src->importance, .source = where.s};
    *rc = src->is_facts ? ll_eval_block_facts(b, f->in->reader, src->sql, binds, 1, err)
                        : ll_eval_block_query(b, f->in->reader, src->sql, binds, 1, err);
    return *rc ? NULL : b;
}

/* ---- the template ---------------------------------------------------------------------------- */

static int unknown(const char *text, const char *at, size_t n, struct ll_err *err)
{
    int line = 1;
    for (const char *p = text; p < at; p++)
        line += *p == '\n';
    return ll_fail(err, LL_EUSAGE, "template, line %d: unknown {{%.*s}}", line,
                   (int)(n < MAX_NAME ? n : MAX_NAME), at);
}

/* 1: the section's block has lines, or its value is not empty. */
static int has_content(struct fill *f, const char *text, const char *name, size_t n, int *rc,
                       struct ll_err *err)
{
    const struct ll_eval_block *b = block(f, name, n, rc, err);
    if (b || *rc)
        return b && b->n > 0;
    const struct ll_eval_source *v = find(ll_eval_values, name, n);
    const char *binds[1] = {f->in->stem};
    struct ll_buf value = {0};
    *rc = v ? ll_reader_each(f->in->reader, v->sql, binds, 1, on_value, &value, err)
            : unknown(text, name, n, err);
    int has = value.len > 0;
    ll_buf_free(&value);
    return has;
}

static int put_named(struct fill *f, const char *text, const char *name, size_t n, struct ll_buf *out,
                     struct ll_err *err)
{
    static const char rows[] = "rows ";
    const char *binds[1] = {f->in->stem};
    int rc;
    if (n > strlen(rows) && !strncmp(name, rows, strlen(rows))) {
        const struct ll_eval_block *b = block(f, name + strlen(rows), n - strlen(rows), &rc, err);
        if (b && out)
            ll_eval_block_put(b, out);
        return b || rc ? rc : unknown(text, name, n, err);
    }
    const struct ll_eval_source *v = find(ll_eval_values, name, n);
    if (!v)
        return unknown(text, name, n, err);
    return out ? ll_reader_each(f->in->reader, v->sql, binds, 1, on_value, out, err) : LL_OK;
}

/* Walk the template; out NULL: only make the blocks it needs. */
static int expand(struct fill *f, const char *text, struct ll_buf *out, struct ll_err *err)
{
    int rc = LL_OK, skipping = 0;
    char section[MAX_NAME] = "";
    for (const char *p = text; *p && !rc;) {
        const char *open = strstr(p, "{{"), *close = open ? strstr(open, "}}") : NULL;
        if (!close) {
            if (out && !skipping)
                ll_buf_adds(out, p);
            break;
        }
        if (out && !skipping)
            ll_buf_add(out, p, (size_t)(open - p));
        const char *name = open + 2;
        size_t n = (size_t)(close - name);
        p = close + 2;
        if (*name == '#' || *name == '/') {
            p += *p == '\n';
            if (n < 2 || n > MAX_NAME || (*name == '#') != !*section
                || (*name == '/' && !is_name(section, name + 1, n - 1)))
                rc = unknown(text, name, n, err);
            else if (*name == '#') {
                snprintf(section, sizeof section, "%.*s", (int)n - 1, name + 1);
                skipping = !has_content(f, text, name + 1, n - 1, &rc, err);
            } else
                *section = skipping = 0;
        } else if (!skipping) {
            rc = put_named(f, text, name, n, out, err);
            if (n > 5 && LL_BEGINS(name, "rows "))
                p += *p == '\n'; /* the block ends its own lines */
        }
    }
    return !rc && *section ? ll_fail(err, LL_EUSAGE, "template: {{#%s}} is never closed", section) : rc;
}

/* ---- the budget ------------------------------------------------------------------------------ */

static int fit(struct fill *f, size_t bytes, size_t budget, struct ll_buf *said, struct ll_err *err)
{
    int most = 0;
    for (int i = 0; i < f->n_own; i++)
        most = f->own[i].importance > most ? f->own[i].importance : most;
    for (int level = most; level > 0 && bytes > budget; level--)
        for (int i = 0; i < f->n_own && bytes > budget; i++) {
            struct ll_eval_block *b = &f->own[i];
            if (b->importance != level)
                continue;
            bytes -= ll_eval_block_cut(b, bytes - budget);
            if (b->n_cut)
                ll_buf_addf(said, "%s: %d of %d lines left out\n", b->name, b->n_cut, b->n);
        }
    if (bytes > budget)
        return ll_fail(err, LL_EUSAGE, "--max-tokens: expected at least %zu for what is never cut, found %zu",
                       bytes / LL_BYTES_A_TOKEN + 1, budget / LL_BYTES_A_TOKEN);
    return LL_OK;
}

int ll_eval_prompt(enum ll_eval_kind kind, const struct ll_eval_input *in, struct ll_buf *out,
                   struct ll_buf *said, struct ll_err *err)
{
    enum { NOTE = 160 }; /* the line that says what was cut, a block */
    struct fill f = {.in = in};
    struct ll_buf whole = {0};
    const char *text = in->template_text ? in->template_text : infos[kind].text;
    size_t budget = (size_t)in->max_tokens * LL_BYTES_A_TOKEN;
    int rc = expand(&f, text, NULL, err);
    if (!rc)
        rc = expand(&f, text, &whole, err);
    if (!rc && whole.len > budget && !(rc = fit(&f, whole.len + (size_t)f.n_own * NOTE, budget, said, err))) {
        ll_buf_reset(&whole);
        rc = expand(&f, text, &whole, err);
    }
    if (!rc && !(rc = ll_buf_ok(&whole, err)))
        ll_buf_add(out, whole.s, whole.len);
    ll_buf_free(&whole);
    for (int i = 0; i < f.n_own; i++) {
        ll_eval_block_free(&f.own[i]);
        free(f.sources[i]);
    }
    return rc ? rc : ll_buf_ok(out, err);
}
