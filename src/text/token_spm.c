/* token_spm.c - tokenizer.model -> tables and settings, as transformers 5.24 builds them: for a class that
 * has a pipeline of its own (LlamaTokenizer, GemmaTokenizer) vocabulary and merges only, else by the model's
 * own settings (convert_slow_tokenizer.py: SentencePieceExtractor, build_tokenizer_from_spm_proto). */
#define _GNU_SOURCE /* qsort_r */
#include "literal.h"
#include "merges.h"
#include "precompiled.h"
#include "spm_model.h"
#include "token_class.h"
#include "token_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct spm {
    struct ll_tokenizer *tok;
    struct ll_token_config *c;
    struct ll_spm_model m;
    const char *name;
    struct ll_err *err;
    int *order;            /* owned: ids by rising rank of their merges */
    unsigned char *normal; /* owned: by id: a normal piece */
};

/* ---- vocabulary ------------------------------------------------------------------------------ */

/* A piece that added_tokens_decoder names otherwise takes that name, unless another piece keeps it. */
static struct ll_spm_text name_of(const struct spm *x, int id, int renames)
{
    const struct ll_named_tokens *d = &x->c->decoder;
    struct ll_spm_text text = x->m.pieces[id].text;
    size_t lo = 0, hi = renames ? d->n : 0;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (d->v[mid].t.id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (renames && lo < d->n && d->v[lo].t.id == id)
        return (struct ll_spm_text){ll_token_text(x->c, &d->v[lo]), d->v[lo].t.len};
    return text;
}

static int is_renamed(const struct spm *x, int id)
{
    struct ll_spm_text name = name_of(x, id, 1), own = x->m.pieces[id].text;
    return name.n != own.n || memcmp(name.s, own.s, own.n);
}

static int add_piece(struct spm *x, int id, struct ll_spm_text text)
{
    int old, added = ll_vocab_add(&x->tok->bpe.vocab, text.s, text.n, id, &old);
    if (added < 0)
        return ll_fail_mem(x->err, "vocabulary", text.n);
    if (added)
        return ll_fail(x->err, LL_EUSAGE, "%s: piece %d: expected each piece once, found \"%.*s\" again",
                       x->name, id, text.n > 60 ? 60 : (int)text.n, text.s);
    return LL_OK;
}

static int add_pieces(struct spm *x, int renames)
{
    int rc = LL_OK, n = (int)x->m.n;
    for (int id = 0; id < n && !rc; id++) /* pieces that keep their names come first: two may swap theirs */
        if (!renames || !is_renamed(x, id))
            rc = add_piece(x, id, x->m.pieces[id].text);
    for (int id = 0; id < n && renames && !rc; id++)
        if (is_renamed(x, id)) {
            struct ll_spm_text name = name_of(x, id, 1);
            rc = add_piece(x, id,
                           ll_vocab_find(&x->tok->bpe.vocab, name.s, name.n) >= 0 ? x->m.pieces[id].text
                                                                                  : name);
        }
    return rc;
}

static int by_score(const void *a, const void *b, void *arg)
{
    const struct spm *x = arg;
    int i = *(const int *)a, k = *(const int *)b;
    float p = x->m.pieces[i].score, q = x->m.pieces[k].score;
    return p != q ? (p > q ? -1 : 1) : (i > k) - (i < k);
}

/* general: only normal pieces, the highest score first; else all pieces, the lowest id first. */
static int make_merges(struct spm *x, int general)
{
    x->order = malloc(x->m.n * sizeof *x->order);
    x->normal = malloc(x->m.n);
    if (!x->order || !x->normal)
        return ll_fail_mem(x->err, "merges", x->m.n * sizeof *x->order);
    for (size_t i = 0; i < x->m.n; i++) {
        x->order[i] = (int)i;
        x->normal[i] = x->m.pieces[i].type == LL_SPM_NORMAL;
    }
    if (general)
        qsort_r(x->order, x->m.n, sizeof *x->order, by_score, x);
    const struct ll_merge_rule rule = {x->order, x->m.n, general ? x->normal : NULL, 0};
    return ll_merges_make(&x->tok->bpe, &rule, x->name, x->err);
}

static int make_unigram(struct spm *x)
{
    struct ll_unigram *u = &x->tok->unigram;
    int rc = LL_OK;
    for (size_t i = 0; i < x->m.n && !rc; i++)
        rc = ll_unigram_add(u, x->m.pieces[i].score, x->err);
    u->vocab = &x->tok->bpe.vocab;
    u->unk_id = x->m.unk_id;
    u->byte_fallback = x->tok->bpe.byte_fallback = x->m.byte_fallback;
    x->tok->model = ll_model_kind(LL_LIT("Unigram"));
    return rc ? rc : ll_unigram_ready(u, x->err);
}

/* ---- the general pipeline -------------------------------------------------------------------- */

#define MARKED "\"" LL_WORD_MARK "\""

static void put_normalizer(const struct spm *x, int legacy, struct ll_buf *out)
{
    const char *gap = "";
    ll_buf_adds(out, "{\"type\":\"Sequence\",\"normalizers\":[");
    if (x->m.charsmap.n) {
        ll_buf_adds(out, "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"");
        ll_base64_encode(x->m.charsmap.s, x->m.charsmap.n, out);
        ll_buf_adds(out, "\"}");
        gap = ",";
    }
    if (x->m.remove_extra_spaces) {
        ll_buf_addf(out,
                    "%s{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\A +| +\\\\z\"},\"content\":\"\"}"
                    ",{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\" \"}",
                    gap);
        gap = ",";
    }
    if (x->m.escape_spaces) {
        ll_buf_addf(out, "%s{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":" MARKED "}",
                    gap);
        gap = ",";
    }
    if (x->m.add_dummy_prefix
        && legacy) /* Metaspace leaves out the prefix where a mark stands already, sentencepiece does not */
        ll_buf_addf(out,
                    "%s{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\A" LL_WORD_MARK
                    "\"},\"content\":\"" LL_WORD_MARK LL_WORD_MARK "\"}",
                    gap);
    ll_buf_adds(out, "]}");
}

static void put_decoder(const struct spm *x, struct ll_buf *out)
{
    ll_buf_adds(out,
                "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":" MARKED
                "},\"content\":\" \"}");
    if (x->m.byte_fallback)
        ll_buf_adds(out, ",{\"type\":\"ByteFallback\"}");
    if (x->m.add_dummy_prefix)
        ll_buf_adds(out,
                    ",{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}");
    else if (x->m.byte_fallback)
        ll_buf_adds(out, ",{\"type\":\"Fuse\"}");
    ll_buf_adds(out, "]}");
}

/* User-defined pieces stand whole, after the prefix: the longest first, as in an expression that lists them
 * so. */
static int cut_user_pieces(struct spm *x)
{
    struct ll_step *step = NULL;
    int rc = LL_OK;
    for (size_t i = 0; i < x->m.n && !rc; i++) {
        if (x->m.pieces[i].type != LL_SPM_USER)
            continue;
        if (!step && !(step = ll_steps_add(&x->tok->pretok, &ll_pretokenizers, "Split")))
            return ll_fail_mem(x->err, "pre_tokenizer", sizeof *step);
        size_t n;
        const char *s = ll_vocab_piece(&x->tok->bpe.vocab, (int)i, &n);
        rc = ll_pattern_set_add(&step->pattern, s, n, x->err);
    }
    return rc;
}

static int general_pipeline(struct spm *x)
{
    const struct ll_switch *said = &x->c->legacy;
    int legacy = said->said == LL_UNSAID || (said->said == LL_SAID && said->on), rc;
    struct ll_buf normalizer = {0}, pretok = {0}, decoder = {0};
    put_normalizer(x, legacy, &normalizer);
    if (x->m.add_dummy_prefix)
        ll_buf_addf(&pretok,
                    "{\"type\":\"Metaspace\",\"replacement\":" MARKED
                    ",\"prepend_scheme\":\"%s\",\"split\":false}",
                    legacy ? "always" : "first");
    put_decoder(x, &decoder);
    rc = ll_tokenizer_sections(x->tok, x->name, &normalizer, &pretok, &decoder, x->err);
    ll_buf_free(&normalizer);
    ll_buf_free(&pretok);
    ll_buf_free(&decoder);
    return rc ? rc : cut_user_pieces(x);
}

static int general_bpe(struct spm *x)
{
    struct ll_bpe *bpe = &x->tok->bpe;
    bpe->fuse_unk = bpe->has_unk = 1;
    bpe->byte_fallback = x->m.byte_fallback;
    for (size_t i = 0; i < x->m.n; i++)
        bpe->ignore_merges |= x->m.pieces[i].type == LL_SPM_USER;
    ll_buf_reset(&bpe->unk_token);
    ll_buf_add(&bpe->unk_token, x->m.unk.s, x->m.unk.n);
    int rc = ll_buf_ok(&bpe->unk_token, x->err);
    return rc ? rc : make_merges(x, 1);
}

static int role_of_model(struct spm *x, enum ll_token_role role, int id, const struct ll_spm_text *piece,
                         const char *otherwise)
{
    if (id < 0)
        return LL_OK;
    return ll_role_default(x->c, role, piece->n ? piece->s : otherwise,
                           piece->n ? piece->n : strlen(otherwise), x->err);
}

static int general(struct spm *x)
{
    int rc;
    if (x->m.kind == LL_SPM_UNIGRAM)
        rc = (rc = add_pieces(x, 0)) ? rc : make_unigram(x);
    else
        rc = (rc = add_pieces(x, 1)) ? rc : general_bpe(x);
    if (rc || (rc = general_pipeline(x)))
        return rc;
    for (size_t i = 0; i < x->c->decoder.n && x->m.add_dummy_prefix;
         i++) /* so that each stretch between them has its own prefix */
        x->c->decoder.v[i].t.normalized = 0;
    if ((rc = role_of_model(x, LL_ROLE_BOS, x->m.bos_id, &x->m.bos, "<s>"))
        || (rc = role_of_model(x, LL_ROLE_EOS, x->m.eos_id, &x->m.eos, "</s>")))
        return rc;
    return role_of_model(x, LL_ROLE_UNK, x->m.unk_id, &x->m.unk, "<unk>");
}

/* ---- both ways ------------------------------------------------------------------------------- */

/* Control pieces are special added tokens; user-defined ones are added tokens, too, where no pre-tokenizer
 * cuts them out. They are used where the settings name no extra special tokens. */
static int add_control(struct spm *x, int with_user)
{
    int rc = LL_OK;
    if (x->c->has_extra)
        return LL_OK;
    x->c->extra.n = 0;
    for (size_t i = 0; i < x->m.n && !rc; i++) {
        const struct ll_spm_piece *p = &x->m.pieces[i];
        const struct ll_added_token t = {.special = p->type == LL_SPM_CONTROL};
        if (p->type == LL_SPM_CONTROL || (p->type == LL_SPM_USER && with_user))
            rc = ll_named_add(x->c, &x->c->extra, p->text.s, p->text.n, &t, x->err);
    }
    return rc;
}

static int read_all(struct spm *x, const char *bytes, size_t n)
{
    const struct ll_token_class *row;
    char by[100];
    int rc = ll_spm_model_read(&x->m, x->name, bytes, n, x->err);
    if (rc || (rc = ll_token_class_choose(x->c, LL_FILES_SENTENCEPIECE, x->name, &row, x->err)))
        return rc;
    x->tok->model = ll_model_kind(LL_LIT("BPE"));
    if (!row->files)
        rc = general(x);
    else if (!(rc = add_pieces(x, 0)) && !(rc = make_merges(x, 0)))
        rc = ll_token_class_apply(x->tok, row, x->c, x->name, x->err);
    if (!rc)
        rc = add_control(x, row->files != 0);
    snprintf(by, sizeof by, "%s%s", row->files ? row->name : x->name,
             row->files ? "" : " by its own settings");
    return rc ? rc : ll_tokenizer_finish(x->tok, x->c, by, row->plain_specials, row->cls_and_sep, x->err);
}

int ll_tokenizer_read_spm(struct ll_tokenizer *tok, const char *name, const char *bytes, size_t n,
                          struct ll_token_config *c, struct ll_err *err)
{
    struct spm x = {.tok = tok, .c = c, .name = name, .err = err};
    int rc = read_all(&x, bytes, n);
    ll_spm_model_free(&x.m);
    free(x.order);
    free(x.normal);
    return rc;
}
