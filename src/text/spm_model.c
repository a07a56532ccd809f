/* spm_model.c - see spm_model.h */
#include "spm_model.h"

#include "grow.h"
#include "utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PIECES = 1 << 24, VARINT_BYTES = 10 };
enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

struct cursor {
    const unsigned char *all, *p, *end; /* of the file; the message at hand */
    const char *file, *where;
    struct ll_err *err;
};

struct field {
    unsigned number, wire;
    uint64_t v;              /* VARINT, FIXED32 */
    struct ll_spm_text text; /* BYTES */
};

static int bad(const struct cursor *c, const char *expected)
{
    return ll_fail(c->err, LL_EUSAGE, "%s: %s (byte %zu): expected %s", c->file, c->where,
                   (size_t)(c->p - c->all), expected);
}

static int varint(struct cursor *c, uint64_t *v)
{
    *v = 0;
    for (int i = 0; i < VARINT_BYTES; i++) {
        if (c->p == c->end)
            return bad(c, "a whole number, found the end");
        unsigned char b = *c->p++;
        if (i == VARINT_BYTES - 1 && b > 1)
            break;
        *v |= (uint64_t)(b & 0x7F) << (7 * i);
        if (!(b & 0x80))
            return LL_OK;
    }
    return bad(c, "a whole number of at most 64 bits");
}

static int take(struct cursor *c, uint64_t n, const unsigned char **at)
{
    if (n > (uint64_t)(c->end - c->p))
        return ll_fail(c->err, LL_EUSAGE, "%s: %s (byte %zu): expected %" PRIu64 " bytes more, found %zu",
                       c->file, c->where, (size_t)(c->p - c->all), n, (size_t)(c->end - c->p));
    *at = c->p;
    c->p += n;
    return LL_OK;
}

/* The next field of the message: 1, or 0 at its end. */
static int next_field(struct cursor *c, struct field *f)
{
    const unsigned char *at = NULL;
    uint64_t key, n;
    int rc;
    if (c->p == c->end)
        return 0;
    if ((rc = varint(c, &key)))
        return rc;
    *f = (struct field){.number = key >> 3 > UINT32_MAX ? 0 : (unsigned)(key >> 3),
                        .wire = (unsigned)(key & 7)};
    if (!f->number)
        return bad(c, "a field number");
    switch (f->wire) {
    case VARINT: return (rc = varint(c, &f->v)) ? rc : 1;
    case FIXED64: return (rc = take(c, 8, &at)) ? rc : 1;
    case FIXED32:
        if ((rc = take(c, 4, &at)))
            return rc;
        f->v = (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24;
        return 1;
    case BYTES:
        if ((rc = varint(c, &n)) || (rc = take(c, n, &at)))
            return rc;
        f->text = (struct ll_spm_text){(const char *)at, (size_t)n};
        return 1;
    default: return bad(c, "a field of wire type 0, 1, 2 or 5");
    }
}

/* What a field must be; the value goes to *out. */
static int want(struct cursor *c, const struct field *f, enum wire wire)
{
    static const char *const names[] = {
        [VARINT] = "a whole number", [BYTES] = "a text or a message", [FIXED32] = "a 32-bit number"};
    return f->wire == wire ? LL_OK : bad(c, names[wire]);
}

static int to_int(struct cursor *c, const struct field *f, int *out)
{
    int rc = want(c, f, VARINT);
    int64_t v = (int64_t)f->v;
    if (!rc && (v < INT32_MIN || v > INT32_MAX))
        return bad(c, "a 32-bit number");
    *out = (int)v;
    return rc;
}

static int to_flag(struct cursor *c, const struct field *f, int *out)
{
    int rc = want(c, f, VARINT);
    *out = f->v != 0;
    return rc;
}

static int to_text(struct cursor *c, const struct field *f, struct ll_spm_text *out)
{
    int rc = want(c, f, BYTES);
    if (!rc && ll_utf8_check(f->text.s, f->text.n) < f->text.n)
        return bad(c, "UTF-8");
    *out = f->text;
    return rc;
}

static struct cursor inside(const struct cursor *c, const struct field *f, const char *where)
{
    struct cursor in = *c;
    in.p = (const unsigned char *)f->text.s;
    in.end = in.p + f->text.n;
    in.where = where;
    return in;
}

static int add_piece(struct ll_spm_model *m, struct cursor *c, const struct ll_spm_piece *piece)
{
    if (!piece->text.n)
        return bad(c, "a piece with its text, found none");
    if (!isfinite(piece->score))
        return bad(c, "a finite score");
    if (piece->type < LL_SPM_NORMAL || piece->type > LL_SPM_BYTE)
        return bad(c, "a type from 1 to 6");
    if (m->n == MAX_PIECES)
        return bad(c, "no more than 16777216 pieces");
    if (m->n == m->cap) {
        struct ll_spm_piece *v = ll_grow(m->pieces, &m->cap, sizeof *v, 1024, "pieces", c->err);
        if (!v)
            return LL_EFAIL;
        m->pieces = v;
    }
    m->pieces[m->n++] = *piece;
    return LL_OK;
}

static int read_piece(struct ll_spm_model *m, struct cursor c)
{
    struct ll_spm_piece piece = {.type = LL_SPM_NORMAL};
    struct field f;
    int more, rc = LL_OK;
    while (!rc && (more = next_field(&c, &f))) {
        if (more < 0)
            return more;
        if (f.number == 1)
            rc = to_text(&c, &f, &piece.text);
        else if (f.number == 3)
            rc = to_int(&c, &f, &piece.type);
        else if (f.number == 2 && !(rc = want(&c, &f, FIXED32))) {
            uint32_t bits = (uint32_t)f.v;
            memcpy(&piece.score, &bits, sizeof bits);
        }
    }
    return rc ? rc : add_piece(m, &c, &piece);
}

static int read_trainer(struct ll_spm_model *m, struct cursor c)
{
    struct field f;
    int more, rc = LL_OK;
    while (!rc && (more = next_field(&c, &f))) {
        if (more < 0)
            return more;
        switch (f.number) {
        case 3: rc = to_int(&c, &f, &m->kind); break;
        case 35: rc = to_flag(&c, &f, &m->byte_fallback); break;
        case 40: rc = to_int(&c, &f, &m->unk_id); break;
        case 41: rc = to_int(&c, &f, &m->bos_id); break;
        case 42: rc = to_int(&c, &f, &m->eos_id); break;
        case 45: rc = to_text(&c, &f, &m->unk); break;
        case 46: rc = to_text(&c, &f, &m->bos); break;
        case 47: rc = to_text(&c, &f, &m->eos); break;
        default: break;
        }
    }
    return rc;
}

static int read_normalizer(struct ll_spm_model *m, struct cursor c)
{
    struct field f;
    int more, rc = LL_OK;
    while (!rc && (more = next_field(&c, &f))) {
        if (more < 0)
            return more;
        switch (f.number) {
        case 2:
            rc = want(&c, &f, BYTES);
            m->charsmap = f.text;
            break;
        case 3: rc = to_flag(&c, &f, &m->add_dummy_prefix); break;
        case 4: rc = to_flag(&c, &f, &m->remove_extra_spaces); break;
        case 5: rc = to_flag(&c, &f, &m->escape_spaces); break;
        default: break;
        }
    }
    return rc;
}

/* Lines of base64, a space, a number: tiktoken's file of ranks, which goes by the same name in some
 * folders. */
static int is_tiktoken(const char *s, size_t n)
{
    size_t i = 0, digits = 0;
    while (i < n
           && ((s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9')
               || strchr("+/=", s[i]) || !s[i])
           && s[i])
        i++;
    if (!i || i == n || s[i] != ' ')
        return 0;
    for (i++; i < n && s[i] >= '0' && s[i] <= '9'; i++)
        digits++;
    return digits && (i == n || s[i] == '\n' || s[i] == '\r');
}

/* has: a bit for the number of each part. Both specs follow the pieces in every model: without them the file
 * was cut between two fields, which protobuf itself cannot tell. */
static int check(const struct ll_spm_model *m, unsigned has, const struct cursor *c)
{
    static const char *const kinds[] = {[LL_SPM_WORD] = "WORD", [LL_SPM_CHAR] = "CHAR"};
    if (!m->n)
        return ll_fail(c->err, LL_EUSAGE, "%s: expected pieces (a sentencepiece model), found none", c->file);
    for (unsigned part = 2; part <= 3; part++)
        if (!(has & 1u << part))
            return ll_fail(
                c->err, LL_EUSAGE,
                "%s: expected a %s after its %zu pieces, found the end of the file: it is cut short", c->file,
                part == 2 ? "trainer_spec" : "normalizer_spec", m->n);
    if (m->kind == LL_SPM_WORD || m->kind == LL_SPM_CHAR)
        return ll_fail(c->err, LL_EUNSUP,
                       "%s: trainer_spec.model_type %s is not supported (UNIGRAM and BPE are)", c->file,
                       kinds[m->kind]);
    if (m->kind != LL_SPM_UNIGRAM && m->kind != LL_SPM_BPE)
        return ll_fail(c->err, LL_EUSAGE,
                       "%s: trainer_spec.model_type: expected 1 (UNIGRAM) or 2 (BPE), found %d", c->file,
                       m->kind);
    if (m->unk_id >= 0 && (size_t)m->unk_id >= m->n)
        return ll_fail(c->err, LL_EUSAGE, "%s: trainer_spec.unk_id: expected an id below %zu, found %d",
                       c->file, m->n, m->unk_id);
    return LL_OK;
}

int ll_spm_model_read(struct ll_spm_model *m, const char *file, const char *bytes, size_t n,
                      struct ll_err *err)
{
    struct cursor c = {(const unsigned char *)bytes,
                       (const unsigned char *)bytes,
                       (const unsigned char *)bytes + n,
                       file,
                       "model",
                       err};
    struct field f;
    unsigned has = 0;
    int more, rc = LL_OK;
    *m = (struct ll_spm_model){.kind = LL_SPM_UNIGRAM,
                               .bos_id = 1,
                               .eos_id = 2,
                               .unk = {"<unk>", strlen("<unk>")},
                               .bos = {"<s>", strlen("<s>")},
                               .eos = {"</s>", strlen("</s>")},
                               .add_dummy_prefix = 1,
                               .remove_extra_spaces = 1,
                               .escape_spaces = 1};
    if (is_tiktoken(bytes, n))
        return ll_fail(err, LL_EUNSUP,
                       "%s: a tiktoken file of ranks, which is not supported without a tokenizer.json", file);
    while (!rc && (more = next_field(&c, &f))) {
        if (more < 0)
            return more;
        if (f.number == 1 || f.number == 2 || f.number == 3)
            rc = want(&c, &f, BYTES), has |= 1u << f.number;
        if (rc)
            return rc;
        if (f.number == 1)
            rc = read_piece(m, inside(&c, &f, "pieces"));
        else if (f.number == 2)
            rc = read_trainer(m, inside(&c, &f, "trainer_spec"));
        else if (f.number == 3)
            rc = read_normalizer(m, inside(&c, &f, "normalizer_spec"));
    }
    return rc ? rc : check(m, has, &c);
}

void ll_spm_model_free(struct ll_spm_model *m)
{
    free(m->pieces);
    memset(m, 0, sizeof *m);
}
