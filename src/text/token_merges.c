/* token_merges.c - vocab.json and merges.txt, the two files of byte-level BPE before tokenizer.json. The
 * pipeline is that of the folder's class (token_class.c). Source: tokenizers 0.23 (BPE::read_file). */
#include "literal.h"
#include "reader.h"
#include "token_class.h"
#include "token_files.h"

#include <string.h>

struct lines {
    const char *s;
    size_t n, pos, nr;
};

/* The next line without its end (LF or CR LF): 1, or 0 at the end. */
static int next_line(struct lines *l, const char **s, size_t *n)
{
    if (l->pos >= l->n)
        return 0;
    const char *end = memchr(l->s + l->pos, '\n', l->n - l->pos);
    *s = l->s + l->pos;
    *n = end ? (size_t)(end - *s) : l->n - l->pos;
    l->pos += *n + (end != NULL);
    if (end && *n && (*s)[*n - 1] == '\r')
        --*n;
    l->nr++;
    return 1;
}

static int only_blank_left(const struct lines *l)
{
    for (size_t i = l->pos; i < l->n; i++)
        if (l->s[i] != '\n' && l->s[i] != '\r')
            return 0;
    return 1;
}

static int read_merges(struct reader *r, const struct ll_buf *text)
{
    struct lines l = {ll_buf_str(text), text->len, 0, 0};
    struct ll_buf joined = {0};
    const char *s;
    size_t n;
    int rc = LL_OK;
    while (!rc && next_line(&l, &s, &n)) {
        const char *gap = memchr(s, ' ', n);
        size_t left = gap ? (size_t)(gap - s) : 0;
        if (n >= strlen("#version") && LL_BYTES_ARE(s, "#version"))
            continue;
        if (!n && only_blank_left(&l))
            break;
        if (!left || left + 1 == n || memchr(gap + 1, ' ', n - left - 1)) {
            rc = ll_fail(r->js.err, LL_EUSAGE,
                         "merges.txt: line %zu: expected two tokens with one space between, found \"%.*s\"",
                         l.nr, n > 60 ? 60 : (int)n, s);
            break;
        }
        const struct merge_line merge = {{{s, left}, {gap + 1, n - left - 1}}, "merges.txt", l.nr};
        rc = ll_reader_merge(r, &merge, &joined);
    }
    if (!rc)
        rc = ll_buf_ok(&joined, r->js.err);
    ll_buf_free(&joined);
    return rc;
}

int ll_tokenizer_read_merges(struct ll_tokenizer *tok, const char *name, const struct ll_buf *vocab,
                             const struct ll_buf *merges, struct ll_token_config *c, struct ll_err *err)
{
    const struct ll_token_class *row;
    struct reader r = {.tok = tok, .name = name, .unk_id = -1, .max_id = ll_reader_max_id(vocab->len)};
    if (!merges->len)
        return ll_fail(err, LL_EUSAGE, "merges.txt: expected merges, found an empty file");
    int rc = ll_token_class_choose(c, LL_FILES_MERGES, name, &row, err);
    if (rc)
        return rc;
    ll_js_init(&r.js, name, ll_buf_str(vocab), vocab->len, err);
    if (!(rc = ll_read_vocab(&r)))
        rc = ll_js_end(&r.js);
    ll_js_free(&r.js);
    r.js.err = err;
    tok->model = ll_model_kind(LL_LIT("BPE"));
    if (!rc)
        rc = read_merges(&r, merges);
    if (!rc)
        rc = ll_token_class_apply(tok, row, c, name, err);
    return rc ? rc : ll_tokenizer_finish(tok, c, row->name, row->plain_specials, row->cls_and_sep, err);
}
