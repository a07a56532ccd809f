/* ref_place.c - see ref_place.h */
#include "ref_place.h"

#include "dtype.h"
#include "exact.h"
#include "map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ----------------------------------------------------------------------------------- */

/* Does the name fit the pattern? *layer: what stands for %d, else -1. loose: any separator for any. */
static int fits(const char *pattern, const char *name, const char *op, int loose, int *layer)
{
    const char *at = strchr(pattern, '@');
    size_t n = at ? (size_t)(at - pattern) : strlen(pattern);
    *layer = -1;
    if (at && strcmp(at + 1, op))
        return 0;
    for (size_t i = 0; i < n; i++)
        if (pattern[i] == '%' && i + 1 < n && pattern[i + 1] == 'd') {
            char *end;
            if (*name < '0' || *name > '9')
                return 0;
            long l = strtol(name, &end, 10);
            if (l > 100000)
                return 0;
            *layer = (int)l;
            name = end;
            i++;
        } else if (*name != pattern[i] && !(loose && *name && ll_ref_same_separator(*name, pattern[i])))
            return 0;
        else
            name++;
    return !*name;
}

static int has_point(const struct ll_model *m, unsigned flags, int hook, int layer)
{
    if (flags & LL_REF_RAW_EMBED && (m->emb_scale != 1.0f || m->W_pos))
        return 0;
    if (flags & LL_REF_RAW_LOGITS && (m->logit_scale != 1.0f || m->logit_cap > 0))
        return 0;
    if (layer < 0 || layer >= m->n_layers)
        return 1; /* refused later */
    const struct ll_layer *L = &m->layers[layer];
    if (flags & LL_REF_UNGATED && (L->mlp.W_gate.n || L->experts.n))
        return 0;
    int post = hook == LL_HOOK_MLP_OUT ? L->ln2_post.w != NULL : L->ln1_post.w != NULL;
    return flags & LL_REF_NO_POST ? !post : flags & LL_REF_POST ? post : 1;
}

/* The module of that name; of rows with its pattern the first one that is a point, else the last. */
static const struct ll_ref_name *module_of(const struct ll_ref_place *p, const char *name, int loose,
                                           int *layer)
{
    const struct ll_ref_name *found = NULL;
    int l;
    for (const struct ll_ref_name *r = ll_ref_modules; r->pattern; r++)
        if (fits(r->pattern, name, "", loose, &l)) {
            found = r;
            *layer = l;
            if (has_point(p->m, r->flags, r->hook, l))
                break;
        }
    return found;
}

static const struct ll_ref_name *module(const struct ll_ref_place *p, const char *name, int *layer)
{
    static const char *const endings[] = {"output", "out", NULL};
    const char *bare = ll_ref_bare_name(name);
    const struct ll_ref_name *r = module_of(p, bare, bare != name, layer);
    for (int i = 0; !r && endings[i]; i++) {
        size_t n = strlen(bare), e = strlen(endings[i]);
        char cut[256];
        if (n > e + 1 && n < sizeof cut && !strcmp(bare + n - e, endings[i])
            && ll_ref_same_separator(bare[n - e - 1], '.')) {
            snprintf(cut, sizeof cut, "%.*s", (int)(n - e - 1), bare);
            r = module_of(p, cut, bare != name, layer);
        }
    }
    return r;
}

/* Hook (or -1: unknown), flags and layer of an array. */
static int meaning(const struct ll_ref_place *p, const struct ll_ref_array *a, unsigned *flags, int *layer)
{
    *flags = 0;
    for (int i = 0; p->map && i < p->map->n; i++)
        if (fits(p->map->rows[i].pattern, a->name, a->op, 0, layer)) {
            *flags = p->map->rows[i].flags;
            return p->map->rows[i].hook;
        }
    int h = ll_hook_parse(a->name, layer);
    if (h >= 0 && (*layer >= 0) == (ll_hook_info((enum ll_hook)h)->per_layer != 0))
        return h;
    for (const struct ll_ref_name *r = ll_ref_names; r->pattern; r++)
        if (fits(r->pattern, a->name, a->op, 0, layer)) {
            *flags = r->flags;
            return r->hook;
        }
    const struct ll_ref_name *r = module(p, a->name, layer);
    if (r)
        *flags = r->flags;
    return r ? r->hook : -1;
}

static int width_of(const struct ll_model *m, int hook, int n_pos)
{
    const int widths[] = {[LL_WIDTH_ONE] = 1,
                          [LL_WIDTH_D_MODEL] = m->d_model,
                          [LL_WIDTH_HEADS] = m->n_heads * m->d_head,
                          [LL_WIDTH_KV_HEADS] = m->n_kv_heads * m->d_head,
                          [LL_WIDTH_D_MLP] = m->d_mlp,
                          [LL_WIDTH_D_VOCAB] = m->d_vocab,
                          [LL_WIDTH_POS_POS] = n_pos};
    return widths[ll_hook_info((enum ll_hook)hook)->width];
}

int64_t ll_ref_most_values(const struct ll_model *m, long long n_tokens)
{
    int qkv = (m->n_heads + 2 * m->n_kv_heads) * m->d_head;
    const double widths[] = {m->d_model, m->d_vocab, 2.0 * m->d_mlp, qkv,
                             (double)m->n_heads * (double)n_tokens};
    double most = 1;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        most = fmax(most, widths[i] * (double)n_tokens * (m->n_layers + 1));
    return most < 0x7fffffff ? (int64_t)most : 0x7fffffff;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Values that a half-precision type holds exactly, all of them, were computed or stored in it, whatever the
 * file says. */
static int all_in_bfloat16(const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], 4);
        if (bits & 0xffff)
            return 0;
    }
    return 1;
}
enum { FEW_VALUES = 8 }; /* fewer may be round by chance */
static int is_half(const char *dtype) { return !strcmp(dtype, "float16") || !strcmp(dtype, "bfloat16"); }
static int all_in_float16(const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], 4);
        if (isinf(x[i]))
            continue;
        float size = fabsf(x[i]), units = size * 16777216.0f; /* subnormals are multiples of 2^-24 */
        if (size < 6.103515625e-5f ? units != rintf(units) : size > 65504.0f || (bits & 0x1fff))
            return 0;
    }
    return 1;
}
static const char *true_type(const char *dtype, const float *x, int64_t n)
{
    if (strcmp(dtype, "float32") && strcmp(dtype, "float64"))
        return dtype;
    return n < FEW_VALUES       ? dtype
        : all_in_bfloat16(x, n) ? "bfloat16"
        : all_in_float16(x, n)  ? "float16"
                                : dtype; /* what fits both has the bits of the coarser */
}

/* One row may stand for a token: that of --pos, or the last one, of which nodes of llama.cpp and logits often
 * are. */
static int may_be_one(const struct ll_ref_place *p, int hook, unsigned flags)
{
    return p->pos >= 0 || flags & LL_REF_LAST_ROW || hook == LL_HOOK_LOGITS;
}

/* n values of an array, and the point that they belong to. */
struct piece {
    int hook, layer;
    unsigned flags; /* LL_REF_* */
    const float *x;
    int64_t n;
};

/* A piece of the array, as the point's rows, into its place. */
static int put(struct ll_ref_place *p, struct ll_acts *acts, const struct ll_ref_array *a,
               const struct piece *piece, struct ll_err *err)
{
    const struct ll_model *m = p->m;
    const int hook = piece->hook, layer = piece->layer;
    const unsigned flags = piece->flags;
    const float *x = piece->x;
    const int64_t n = piece->n;
    struct ll_actv *to = ll_acts_at(acts, hook, layer);
    int width = width_of(m, hook, p->n_pos),
        square = ll_hook_info((enum ll_hook)hook)->width == LL_WIDTH_POS_POS,
        want = square ? m->n_heads * p->n_pos : p->n_pos;
    int64_t rows = n / width;
    if (n % width)
        return ll_fail(err, LL_EUSAGE, "%s: expected a multiple of %d values (%s), found %lld", a->name,
                       width, ll_hook_info((enum ll_hook)hook)->name, (long long)n);
    int one = rows == 1 && want > 1 && !square && may_be_one(p, hook, flags);
    if (rows != want && !one)
        return ll_fail(err, LL_EUSAGE,
                       "%s: expected %d rows of %d values, one for each of %d tokens, found %lld%s", a->name,
                       want, width, p->n_pos, (long long)rows, rows == 1 ? " (--pos says whose)" : "");
    ll_actv_free(to);
    *to = (struct ll_actv){.rows = (int)rows,
                           .width = width,
                           .row0 = one ? (p->pos >= 0 ? p->pos : p->n_pos - 1) : 0,
                           .heads = square ? m->n_heads : 0,
                           .dtype = true_type(a->dtype, x, n),
                           .bad_at = -1};
    to->x = malloc(sizeof(float) * (size_t)n);
    to->origin = strdup(a->name);
    if (!to->x || !to->origin)
        return ll_fail_mem(err, "reference", sizeof(float) * (size_t)n);
    int dh = m->d_head, heads_first = flags & LL_REF_HEADS_FIRST && width % dh == 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t r = i / width, c = i % width;
        float v = heads_first ? x[(c / dh * rows + r) * dh + c % dh] : x[i];
        to->x[i] = flags & LL_REF_UNSCALED ? v * m->layers[layer].resid_scale : v;
    }
    ll_actv_check(to, hook == LL_HOOK_ATTN_SCORES);
    if (to->bad_at >= 0) {
        p->n_bad++;
        ll_buf_addf(&p->bad, "%s: value %lld is not finite\n", a->name, (long long)to->bad_at);
    }
    p->n_placed++;
    return LL_OK;
}

/* [n_layers + 1, n_pos, d_model] */
static int put_stack(struct ll_ref_place *p, struct ll_acts *acts, const struct ll_ref_array *a,
                     struct ll_err *err)
{
    int64_t one = (int64_t)p->n_pos * p->m->d_model, want = one * (p->m->n_layers + 1);
    int rc = LL_OK;
    if (a->n != want)
        return ll_fail(err, LL_EUSAGE,
                       "%s: expected [%d, %d, %d] values, layers and the embedding, found %lld", a->name,
                       p->m->n_layers + 1, p->n_pos, p->m->d_model, (long long)a->n);
    for (int l = 0; l <= p->m->n_layers && !rc; l++)
        rc = put(p, acts, a,
                 &(struct piece){l ? LL_HOOK_RESID_POST : LL_HOOK_EMBED, l - 1, 0, a->x + l * one, one}, err);
    return rc;
}

static void put_sum(struct ll_acts *acts, const struct ll_ref_array *a, int hook, int layer)
{
    struct ll_actv *to = ll_acts_at(acts, hook, layer);
    char *origin = to->x ? NULL : strdup(a->name);
    if (!origin)
        return; /* values stay; without memory the sum is only not shown */
    free(to->origin);
    to->origin = origin;
    to->has_sum = 1;
    to->sum = a->sum;
    to->sum_n = a->n;
    to->dtype = a->dtype;
}

static void note_paired(struct ll_ref_place *p, int hook, int layer)
{
    p->paired[layer] |= hook == LL_HOOK_Q ? 1 : hook == LL_HOOK_K ? 2 : hook == LL_HOOK_ROT_Q ? 4 : 8;
}

/* ---- fused projections ----------------------------------------------------------------------- */

struct slice {
    int hook, from, width;
}; /* columns of one head of a group, or of all */

/* The slices of a row that repeat n_groups times side by side. */
struct slices {
    const struct slice *at; /* [n] in rising order */
    int n, n_groups;
};

/* Rows [n_groups * sum of widths] apart into their points. */
static int put_slices(struct ll_ref_place *p, struct ll_acts *acts, const struct ll_ref_array *a, int layer,
                      const struct slices *s, struct ll_err *err)
{
    int group = s->at[s->n - 1].from + s->at[s->n - 1].width, rc = LL_OK;
    int64_t width = (int64_t)group * s->n_groups, rows = a->n / width;
    if (a->n % width)
        return ll_fail(err, LL_EUSAGE, "%s: expected a multiple of %lld values, found %lld", a->name,
                       (long long)width, (long long)a->n);
    for (int i = 0; i < s->n && !rc; i++) {
        int64_t n = rows * s->n_groups * s->at[i].width;
        float *x = malloc(sizeof *x * (size_t)n), *to = x;
        if (!x)
            return ll_fail_mem(err, "reference", sizeof *x * (size_t)n);
        for (int64_t g = 0; g < rows * s->n_groups; g++, to += s->at[i].width)
            memcpy(to, a->x + g * group + s->at[i].from, sizeof *x * (size_t)s->at[i].width);
        rc = put(p, acts, a, &(struct piece){s->at[i].hook, layer, 0, x, n}, err);
        free(x);
    }
    return rc;
}

static int put_fused(struct ll_ref_place *p, struct ll_acts *acts, const struct ll_ref_array *a, int layer,
                     unsigned flags, struct ll_err *err)
{
    const struct ll_model *m = p->m;
    int dh = m->d_head, n = flags & LL_REF_GROUPED ? m->n_kv_heads : 1, q = m->n_heads / n * dh,
        kv = m->n_kv_heads / n * dh;
    const struct slice qkv[] = {{LL_HOOK_Q, 0, q}, {LL_HOOK_K, q, kv}, {LL_HOOK_V, q + kv, kv}};
    const struct slice gate_up[] = {{LL_HOOK_PRE, 0, m->d_mlp}, {LL_HOOK_PRE_LINEAR, m->d_mlp, m->d_mlp}};
    const struct slices s = flags & LL_REF_QKV ? (struct slices){qkv, 3, n} : (struct slices){gate_up, 2, 1};
    return put_slices(p, acts, a, layer, &s, err);
}

/* ---- one array ------------------------------------------------------------------------------- */

static int pass_over(struct ll_ref_place *p, const struct ll_ref_array *a, const char *why)
{
    p->n_ignored++;
    ll_buf_addf(&p->passed, "%s: %s\n", a->name, why);
    return LL_OK;
}

/* Values a token that an array of this meaning has. */
static int64_t width_with(const struct ll_ref_place *p, int hook, unsigned flags)
{
    const struct ll_model *m = p->m;
    if (flags & LL_REF_STACK)
        return (int64_t)(m->n_layers + 1) * m->d_model;
    if (flags & LL_REF_QKV)
        return (int64_t)(m->n_heads + 2 * m->n_kv_heads) * m->d_head;
    return flags & LL_REF_GATE_UP ? 2 * (int64_t)m->d_mlp : width_of(m, hook, p->n_pos);
}

static int place_known(struct ll_ref_place *p, struct ll_acts *acts, const struct ll_ref_array *a, int hook,
                       int layer, unsigned flags, struct ll_err *err);

static int place_raw(struct ll_ref_place *p, struct ll_acts *acts, const struct ll_ref_array *a, int hook,
                     int layer, unsigned flags, struct ll_err *err)
{
    struct ll_ref_array read;
    int square = !(flags & (LL_REF_STACK | LL_REF_QKV | LL_REF_GATE_UP))
        && ll_hook_info((enum ll_hook)hook)->width == LL_WIDTH_POS_POS;
    int one = !square && !(flags & LL_REF_STACK) && may_be_one(p, hook, flags);
    int rc = ll_ref_raw_read(a, p->raw, width_with(p, hook, flags),
                             (int64_t)p->n_pos * (square ? p->m->n_heads : 1), one, &read, err);
    if (rc)
        return rc;
    rc = place_known(p, acts, &read, hook, layer, flags, err);
    free(read.x);
    return rc;
}

static int place_one(struct ll_ref_place *p, struct ll_acts *acts, const struct ll_ref_array *a,
                     struct ll_err *err)
{
    unsigned flags;
    int layer, hook = meaning(p, a, &flags, &layer);
    if (hook < 0 && !(flags & LL_REF_IGNORE))
        return ll_buf_addf(&p->unknown, "%s%s%s\n", a->name, a->op[0] ? " " : "", a->op), LL_OK;
    if (flags & LL_REF_STREAM) {
        if (layer > p->m->n_layers)
            return ll_fail(err, LL_EUSAGE, "%s: expected 0 (the embedding) to %d, one more than layers",
                           a->name, p->m->n_layers);
        hook = layer ? LL_HOOK_RESID_POST : LL_HOOK_EMBED;
        layer--;
    }
    if (flags & LL_REF_UP)
        hook = layer >= 0 && layer < p->m->n_layers && p->m->layers[layer].mlp.W_gate.n ? LL_HOOK_PRE_LINEAR
                                                                                        : LL_HOOK_PRE;
    if (layer >= p->m->n_layers)
        return ll_fail(err, LL_EUSAGE, "%s: expected a layer in 0..%d", a->name, p->m->n_layers - 1);
    if (flags & LL_REF_IGNORE)
        return pass_over(p, a, "no point of the pass");
    if (flags & LL_REF_POSITIONS)
        return LL_OK; /* settled when all are placed */
    int wide = (flags & (LL_REF_STACK | LL_REF_QKV | LL_REF_GATE_UP)) != 0;
    if (!wide && (layer < 0) == (ll_hook_info((enum ll_hook)hook)->per_layer != 0))
        return pass_over(p, a,
                         layer < 0 ? "a point of every layer, and the name has no layer"
                                   : "a point outside the layers");
    if (!has_point(p->m, flags, hook, layer))
        return pass_over(p, a, "this model changes it before it is a point (norm, scale, gate or positions)");
    return (a->raw ? place_raw : place_known)(p, acts, a, hook, layer, flags, err);
}

static int place_known(struct ll_ref_place *p, struct ll_acts *acts, const struct ll_ref_array *a, int hook,
                       int layer, unsigned flags, struct ll_err *err)
{
    if (flags & LL_REF_STACK)
        return a->x ? put_stack(p, acts, a, err) : LL_OK;
    if (flags & (LL_REF_QKV | LL_REF_GATE_UP))
        return a->x ? put_fused(p, acts, a, layer, flags, err) : LL_OK;
    p->llama |= (flags & LL_REF_LAST_ROW) != 0;
    if (!a->x)
        return p->n_sums++, put_sum(acts, a, hook, layer), LL_OK;
    if (flags & LL_REF_ROWS_PAIRED)
        note_paired(p, hook, layer);
    if (!(flags & LL_REF_LAST))
        return put(p, acts, a, &(struct piece){hook, layer, flags, a->x, a->n}, err);
    int64_t one = (int64_t)p->n_pos * p->m->d_vocab;
    return a->n >= one && a->n % one == 0
        ? put(p, acts, a, &(struct piece){hook, layer, 0, a->x + a->n - one, one}, err)
        : ll_fail(err, LL_EUSAGE, "%s: expected a multiple of %lld values, found %lld", a->name,
                  (long long)one, (long long)a->n);
}

/* Embeddings are copied: those of a half-precision checkpoint look half precise also in a float32 run. What
 * was computed tells. */
static void settle_embed(const struct ll_ref_place *p, struct ll_acts *acts)
{
    struct ll_actv *embed = ll_acts_at(acts, LL_HOOK_EMBED, -1);
    for (int h = 0; embed->x && h < LL_N_HOOKS; h++)
        for (int l = -1; l < p->m->n_layers; l++) {
            const struct ll_actv *a = ll_acts_at(acts, h, l);
            if (a != embed && a->x && (int64_t)a->rows * a->width >= FEW_VALUES
                && !(h == LL_HOOK_RESID_PRE && l == 0) && !is_half(a->dtype) && strcmp(a->dtype, "text") != 0)
                embed->dtype = a->dtype;
        }
}

static double distance(const float *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sum;
}

/* Is this activation nearer to the tokens' embeddings alone than to those with the positions? */
static int lacks_positions(const struct ll_ref_place *p, const struct ll_actv *embed)
{
    const struct ll_tensor *pos = p->m->W_pos;
    const struct ll_dtype_info *type = ll_dtype_info(pos->dtype);
    struct ll_exact e = {.m = p->m, .ids = p->ids, .n = p->n_pos};
    size_t d = (size_t)p->m->d_model, from = (size_t)embed->row0 * d, n = (size_t)embed->rows * d;
    double *x = NULL;
    int rows, width, lacks = 0;
    float *row = p->n_pos <= p->m->n_positions ? malloc(sizeof *row * d) : NULL;
    if (row && !ll_exact_point(&e, LL_HOOK_EMBED, -1, &x, &rows, &width, NULL)) {
        double whole = distance(embed->x, x + from, n);
        for (int r = 0; r < p->n_pos; r++) {
            type->to_f32(pos->data + (size_t)r * d * (size_t)type->block_bytes, row, d);
            for (size_t i = 0; i < d; i++)
                x[(size_t)r * d + i] -= (double)row[i];
        }
        lacks = distance(embed->x, x + from, n) < whole;
    }
    free(row);
    free(x);
    return lacks;
}

/* The array of that meaning, or NULL. */
static const struct ll_ref_array *positions_of(const struct ll_ref_place *p, const struct ll_ref *r)
{
    unsigned flags;
    int layer;
    for (int i = 0; i < r->n; i++)
        if (meaning(p, &r->a[i], &flags, &layer) >= 0 && flags & LL_REF_POSITIONS)
            return &r->a[i];
    return NULL;
}

/* TransformerLens' hook_embed is before learned positions are added; hook_pos_embed is what is added. Our own
 * dumps call the sum hook_embed: without hook_pos_embed the weights tell which it is. */
static void settle_positions(struct ll_ref_place *p, const struct ll_ref *r, struct ll_acts *acts)
{
    struct ll_actv *embed = ll_acts_at(acts, LL_HOOK_EMBED, -1);
    const struct ll_ref_array *positions = positions_of(p, r);
    int of_tokens = embed->x && !strcmp(embed->origin, "hook_embed");
    int plain = p->m->W_pos && ll_dtype_info(p->m->W_pos->dtype)->block == 1;
    if (positions && !of_tokens)
        pass_over(p, positions, "positions, and no hook_embed to add them to");
    else if (positions && positions->x && positions->n == (int64_t)embed->rows * embed->width) {
        for (int64_t k = 0; k < positions->n; k++)
            embed->x[k] += positions->x[k];
    } else if (positions) {
        ll_buf_addf(&p->passed, "%s: not as many values as hook_embed has, which is not compared, either\n",
                    positions->name);
        p->n_ignored++;
        ll_actv_free(embed);
    } else if (of_tokens && p->ids && plain && lacks_positions(p, embed)) {
        ll_buf_adds(&p->passed,
                    "hook_embed: before the positions are added, and hook_pos_embed is not there\n");
        p->n_ignored++;
        ll_actv_free(embed);
    }
}

/* What enters a layer is what left the one before: known under one name, known under both. */
static int same_stream(struct ll_ref_place *p, struct ll_acts *acts, struct ll_err *err)
{
    for (int l = 0; l < p->m->n_layers; l++) {
        const struct ll_actv *from = ll_acts_at(acts, LL_HOOK_RESID_PRE, l);
        struct ll_actv *to =
            l ? ll_acts_at(acts, LL_HOOK_RESID_POST, l - 1) : ll_acts_at(acts, LL_HOOK_EMBED, -1);
        if (!from->x || to->x)
            continue;
        size_t bytes = sizeof(float) * (size_t)from->rows * (size_t)from->width;
        *to = *from;
        to->x = malloc(bytes);
        to->origin = strdup(from->origin);
        if (!to->x || !to->origin)
            return ll_fail_mem(err, "reference", bytes);
        memcpy(to->x, from->x, bytes);
    }
    return LL_OK;
}

int ll_ref_place(struct ll_ref_place *p, const struct ll_ref *r, struct ll_acts *acts, struct ll_err *err)
{
    int rc = ll_acts_init(acts, p->m->n_layers, p->n_pos, err);
    p->paired = calloc((size_t)p->m->n_layers, 1);
    if (!rc && !p->paired)
        rc = ll_fail_mem(err, "reference", (unsigned long long)p->m->n_layers);
    for (int i = 0; i < r->n && !rc; i++)
        rc = place_one(p, acts, &r->a[i], err);
    if (!rc)
        settle_positions(p, r, acts);
    if (!rc)
        rc = same_stream(p, acts, err);
    if (!rc)
        settle_embed(p, acts);
    return rc;
}

void ll_ref_place_free(struct ll_ref_place *p)
{
    ll_buf_free(&p->unknown);
    ll_buf_free(&p->passed);
    ll_buf_free(&p->bad);
    free(p->paired);
    p->paired = NULL;
}

static void reorder(struct ll_actv *act, int d_head, int to_halves)
{
    float head[4096];
    int half = d_head / 2;
    for (int64_t at = 0; d_head <= 4096 && d_head % 2 == 0 && at + d_head <= (int64_t)act->rows * act->width;
         at += d_head) {
        memcpy(head, act->x + at, sizeof *head * (size_t)d_head);
        for (int i = 0; i < d_head; i++) {
            int pairs =
                i < half ? 2 * i : 2 * (i - half) + 1; /* where value i of the halves lies among pairs */
            act->x[at + (to_halves ? i : pairs)] = head[to_halves ? pairs : i];
        }
    }
}

void ll_ref_unpair(struct ll_actv *act, int d_head) { reorder(act, d_head, 1); }
void ll_ref_pair(struct ll_actv *act, int d_head) { reorder(act, d_head, 0); }

/* ---- map files ------------------------------------------------------------------------------- */

static int map_line(struct ll_ref_map *map, const char *file, int line, char *s, struct ll_err *err)
{
    int layer;
    s[strcspn(s, "\r#")] = 0;
    char *tab = strchr(s, '\t');
    if (!s[strspn(s, " \t")])
        return LL_OK;
    if (!tab || tab == s || !tab[1])
        return ll_fail(err, LL_EUSAGE, "%s: line %d: expected PATTERN<tab>HOOK, found \"%.40s\"", file, line,
                       s);
    *tab++ = 0;
    tab[strcspn(tab, " \t")] = 0;
    struct ll_ref_name row = {s, strcmp(tab, "-") ? ll_hook_parse(tab, &layer) : 0,
                              strcmp(tab, "-") ? 0 : LL_REF_IGNORE};
    if (row.hook < 0)
        return ll_fail(err, LL_EUSAGE, "%s: line %d: unknown hook point \"%.40s\" (see: logitlens help dump)",
                       file, line, tab);
    const char *one = strstr(s, "%d");
    if (one && strstr(one + 2, "%d"))
        return ll_fail(err, LL_EUSAGE, "%s: line %d: expected at most one %%d, found \"%.40s\"", file, line,
                       s);
    struct ll_ref_name *grown = realloc(map->rows, sizeof *grown * (size_t)(map->n + 1));
    if (!grown)
        return ll_fail_mem(err, "name map", sizeof *grown * (size_t)(map->n + 1));
    map->rows = grown;
    map->rows[map->n++] = row;
    return LL_OK;
}

int ll_ref_map_parse(struct ll_ref_map *map, const char *file, const char *text, size_t n, struct ll_err *err)
{
    int rc = LL_OK, line = 1;
    memset(map, 0, sizeof *map);
    if (!(map->text = strndup(text ? text : "", n)))
        return ll_fail_mem(err, "name map", n);
    for (char *p = map->text; *p && !rc; line++) {
        char *end = p + strcspn(p, "\n"), more = *end;
        *end = 0;
        rc = map_line(map, file, line, p, err);
        p = end + (more != 0);
    }
    if (rc)
        ll_ref_map_free(map);
    return rc;
}

int ll_ref_map_read(struct ll_ref_map *map, const char *path, struct ll_err *err)
{
    struct ll_buf b = {0};
    char *base = ll_path_base(path);
    int rc = ll_file_read(path, 1 << 20, &b, err);
    if (!rc)
        rc = ll_ref_map_parse(map, base ? base : "map", ll_buf_str(&b), b.len, err);
    free(base);
    ll_buf_free(&b);
    return rc;
}

void ll_ref_map_free(struct ll_ref_map *map)
{
    free(map->rows);
    free(map->text);
    memset(map, 0, sizeof *map);
}
