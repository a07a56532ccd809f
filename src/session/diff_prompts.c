/* diff_prompts.c - see diff_prompts.h */
#include "diff_prompts.h"

#include "experiment.h"
#include "map.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 64 << 20 };

/* Plain statements, reported speech, a list, numbers, code: what a comparison asks when nobody says
 * otherwise. */
static const char *const built_in[] = {
    "The sun rises in the east and sets in the west, and in between it gives light to everything that grows.",
    "The capital of Germany is called Berlin, and the capital of France is called Paris.",
    "She put the bread on the table, poured two cups of coffee and asked him how the journey had been.",
    "Water boils at one hundred degrees and freezes at zero; between the two it is a liquid.",
    "One, two, three, four, five, six, seven, eight, nine, ten.",
    "The committee decided to postpone the meeting until Thursday because two of its members were ill.",
    "In 1969 two people walked on the moon for the first time, and 600 million others watched them.",
    "for (int i = 0; i < n; i++) { sum += values[i] * weights[i]; }",
};

static int grow(struct ll_diff_prompts *p, struct ll_err *err)
{
    if (p->n < p->cap)
        return LL_OK;
    int cap = p->cap ? 2 * p->cap : 16;
    struct ll_prompt *v = realloc(p->v, sizeof *v * (size_t)cap);
    p->v = v ? v : p->v;
    char **texts = v ? realloc(p->texts, sizeof *texts * (size_t)cap) : NULL;
    p->texts = texts ? texts : p->texts;
    if (!v || !texts)
        return ll_fail_mem(err, "prompts", sizeof *v * (size_t)cap);
    p->cap = cap;
    return LL_OK;
}

/* ---- one vocabulary? ------------------------------------------------------------------------- */

static int first_difference(const struct ll_ids *x, const struct ll_ids *y)
{
    int i = 0;
    while (i < x->n && i < y->n && x->v[i] == y->v[i])
        i++;
    return i;
}

static int same_ids(const struct ll_prompt *x, const struct ll_prompt *y, const struct ll_session *a,
                    const struct ll_session *b, int nr, struct ll_err *err)
{
    int at = first_difference(&x->ids, &y->ids);
    if (at == x->ids.n && at == y->ids.n)
        return LL_OK;
    return ll_fail(err, LL_EUSAGE,
                   "expected two models of one vocabulary: the tokenizers of %s and %s read prompt %d "
                   "differently from token %d on (%d and %d tokens)",
                   a->model->ckpt->clean, b->model->ckpt->clean, nr, at, x->ids.n, y->ids.n);
}

/* Given ids stand for the same vocabulary strings in both. */
static int same_pieces(const struct ll_prompt *p, const struct ll_session *a, const struct ll_session *b,
                       struct ll_err *err)
{
    for (int i = 0; a->tok && b->tok && i < p->ids.n; i++) {
        size_t n = 0, m = 0;
        const char *x = ll_tokenizer_piece(a->tok, p->ids.v[i], &n),
                   *y = ll_tokenizer_piece(b->tok, p->ids.v[i], &m);
        if ((x != NULL) != (y != NULL) || (x && (n != m || memcmp(x, y, n))))
            return ll_fail(
                err, LL_EUSAGE,
                "expected two models of one vocabulary: token %d is \"%.*s\" in %s and \"%.*s\" in %s",
                p->ids.v[i], (int)(x ? n : 0), x ? x : "", a->model->ckpt->clean, (int)(y ? m : 0),
                y ? y : "", b->model->ckpt->clean);
    }
    return LL_OK;
}

/* ---- adding ---------------------------------------------------------------------------------- */

static int add_text(struct ll_diff_prompts *p, const char *text, size_t n, const struct ll_session *a,
                    const struct ll_session *b, struct ll_err *err)
{
    struct ll_prompt other;
    int rc = grow(p, err);
    if (!rc)
        rc = ll_prompt_from_text(&p->v[p->n], a->tok ? a : b, text, n, NULL, LL_SPELL_AUTO, err);
    if (rc)
        return rc;
    p->texts[p->n++] = strndup(text, n);
    if (!p->texts[p->n - 1])
        return ll_fail_mem(err, "prompt", n);
    if (!a->tok || !b->tok)
        return LL_OK;
    if ((rc = ll_prompt_from_text(&other, b, text, n, NULL, LL_SPELL_AUTO, err)))
        return rc;
    rc = same_ids(&p->v[p->n - 1], &other, a, b, p->n - 1, err);
    ll_prompt_free(&other);
    return rc ? rc : same_pieces(&p->v[p->n - 1], a, b, err);
}

static int add_ids(struct ll_diff_prompts *p, const int *ids, int n, const struct ll_session *a,
                   const struct ll_session *b, struct ll_err *err)
{
    int rc = grow(p, err);
    if (!rc)
        rc = ll_prompt_from_ids(&p->v[p->n], a, ids, n, -1, err);
    if (rc)
        return rc;
    p->texts[p->n++] = NULL;
    return same_pieces(&p->v[p->n - 1], a, b, err);
}

static int add_experiment(struct ll_diff_prompts *p, const char *file, int quiet, const struct ll_session *a,
                          const struct ll_session *b, struct ll_err *err)
{
    struct ll_experiment e;
    int rc =
        ll_is_prompt_file(file) ? ll_experiment_of_prompts(&e, file, err) : ll_experiment_read(&e, file, err);
    if (rc)
        return rc;
    ll_experiment_say(&e, quiet);
    for (int i = 0; i < e.n_asks && !rc; i++)
        rc = e.asks[i].text ? add_text(p, e.asks[i].text, strlen(e.asks[i].text), a, b, err)
                            : add_ids(p, e.asks[i].ids, e.asks[i].n_ids, a, b, err);
    for (int i = 0; i < e.n_test_prompts && !rc; i++)
        rc = add_text(p, e.test_prompts[i], strlen(e.test_prompts[i]), a, b, err);
    ll_experiment_free(&e);
    return rc;
}

static int add_lines(struct ll_diff_prompts *p, const struct ll_buf *text, const struct ll_session *a,
                     const struct ll_session *b, struct ll_err *err)
{
    int rc = LL_OK;
    for (const char *s = ll_buf_str(text), *end = s + text->len; s < end && !rc;) {
        const char *eol = memchr(s, '\n', (size_t)(end - s));
        size_t n = eol ? (size_t)(eol - s) : (size_t)(end - s);
        if (n)
            rc = add_text(p, s, n, a, b, err);
        s += n + 1;
    }
    return rc;
}

/* Without the folder: outputs name no place of this machine. */
static const char *name_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash && slash[1] ? slash + 1 : file;
}

static int add_file(struct ll_diff_prompts *p, const char *file, const struct ll_text_how *how,
                    const struct ll_session *a, const struct ll_session *b, struct ll_err *err)
{
    size_t n = strlen(file);
    struct ll_buf text = {0};
    int rc;
    if (ll_is_prompt_file(file) || (n > 5 && !strcmp(file + n - 5, ".json")))
        return add_experiment(p, file, how->quiet, a, b, err);
    if (!(rc = ll_file_read(file, MAX_FILE, &text, err))
        && !(rc = ll_text_clean(&text, name_of(file), LL_END_OWN, how, err)))
        rc = add_lines(p, &text, a, b, err);
    if (!rc && !p->n)
        rc = ll_fail(err, LL_EUSAGE, "%s: expected one prompt a line, found none", file);
    ll_buf_free(&text);
    return rc;
}

/* A text of the command line, or standard input for "-". */
static int add_given(struct ll_diff_prompts *p, const char *arg, const struct ll_text_how *how,
                     const struct ll_session *a, const struct ll_session *b, struct ll_err *err)
{
    struct ll_buf text = {0};
    int rc = ll_text_read(arg, how, &text, err);
    if (!rc)
        rc = add_text(p, ll_buf_str(&text), text.len, a, b, err);
    ll_buf_free(&text);
    return rc;
}

static int add_ids_text(struct ll_diff_prompts *p, const char *list, const struct ll_session *a,
                        const struct ll_session *b, struct ll_err *err)
{
    struct ll_ids ids = {0};
    int rc = ll_parse_ids(list, &ids, err);
    if (!rc)
        rc = add_ids(p, ids.v, ids.n, a, b, err);
    ll_ids_free(&ids);
    return rc;
}

static int make_list(struct ll_diff_prompts *p, struct ll_err *err)
{
    if (!(p->list = calloc((size_t)p->n + 1, sizeof *p->list)))
        return ll_fail_mem(err, "prompts", sizeof *p->list * (size_t)p->n);
    for (int i = 0; i < p->n; i++)
        p->list[i] = (struct ll_diff_prompt){p->texts[i], p->texts[i] ? strlen(p->texts[i]) : 0,
                                             p->v[i].ids.v, p->v[i].ids.n};
    return LL_OK;
}

int ll_diff_prompts_make(struct ll_diff_prompts *p, const struct ll_diff_asked *asked,
                         const struct ll_session *a, const struct ll_session *b, struct ll_err *err)
{
    int rc = LL_OK, n_built_in = (int)(sizeof built_in / sizeof *built_in);
    const char *const *texts = asked->n_texts ? asked->texts : built_in;
    memset(p, 0, sizeof *p);
    p->from = asked->n_texts ? "text"
        : asked->ids         ? "ids"
        : asked->file        ? name_of(asked->file)
                             : "built-in sentences";
    if ((asked->n_texts > 0) + (asked->ids != NULL) + (asked->file != NULL) > 1)
        return ll_fail(err, LL_EUSAGE, "expected one of TEXT, --ids and --prompts");
    if (asked->ids)
        rc = add_ids_text(p, asked->ids, a, b, err);
    else if (asked->file)
        rc = add_file(p, asked->file, &asked->how, a, b, err);
    else
        for (int i = 0; i < (asked->n_texts ? asked->n_texts : n_built_in) && !rc; i++)
            rc = add_given(p, texts[i], &asked->how, a, b, err);
    if (!rc)
        ll_prompts_warn(a->tok ? a : b, p->v, p->n, asked->how.quiet);
    return rc ? rc : make_list(p, err);
}

void ll_diff_prompts_free(struct ll_diff_prompts *p)
{
    for (int i = 0; i < p->n; i++) {
        ll_prompt_free(&p->v[i]);
        free(p->texts[i]);
    }
    free(p->v);
    free(p->texts);
    free(p->list);
    memset(p, 0, sizeof *p);
}
