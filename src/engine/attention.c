/* attention.c - causal attention of many sequences as one list of tasks (sequence, kv head, block of query
 * rows).
 *
 * A key whose p is 0 (masked or underflowed) contributes nothing, whatever v is there: its term is +0. Where
 * all values are finite that is what the product gives anyway, up to the sign of a zero, and z is made +0 by
 * one last addition; so keys before the window or after the block's last query may be left out or taken along
 * without changing a bit. Where a value is not finite, the slow form below keeps 0 * inf away. */
#include "engine_priv.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

struct job {
    struct ll_engine *eng;
    const struct ll_attn *seq;
    int n;
    _Atomic int next;
};

/* What a thread has packed: keys 0..end of one kv head of one sequence. */
struct packed {
    int seq, kv_head, end;
    int v_nonfinite; /* a value among them is not finite */
};

/* One head's block of query rows t0..t0+rows; columns lo..hi hold all keys they look at: lo a multiple of
 * LL_CHAIN, hi of LL_MAX_NR. */
struct rows {
    const struct ll_attn *a;
    const struct ll_kernels *kern;
    struct ll_scratch *s;
    int head, t0, rows, lo, hi;
    long ld; /* of scores */
};

static int max_int(int a, int b) { return a > b ? a : b; }

static int tasks_of(const struct ll_attn *a)
{
    return (a->n_pos + LL_Q_BLOCK - 1) / LL_Q_BLOCK * a->n_kv_heads;
}

/* First key that query t looks at. */
static int first_key(const struct ll_attn *a, int t)
{
    return a->window > 0 ? max_int(0, t - a->window + 1) : 0;
}

/* Keys and values are packed in groups of LL_MAX_NR positions, which every unit's groups divide. */
static int padded_pos(int n) { return ll_round_up(n, LL_CHAIN); }

/* Values of positions s..s+n, zeros up to LL_MAX_NR, as lines of panels: panel g has columns g * nr.. of all
 * positions. Returns 1 when a value is not finite. */
static int pack_values(const struct ll_attn *a, const struct ll_kernels *kern, const float *v, int s, int n,
                       float *panel)
{
    const int d = a->d_head, nr = kern->nr;
    const long group = (long)padded_pos(a->n_pos) * nr;
    float nan = 0.0f; /* becomes NaN when a value is not finite */
    for (int i = 0; i < LL_MAX_NR; i++)
        for (int c0 = 0; c0 < d; c0 += nr) {
            float *line = panel + c0 / nr * group + (long)(s + i) * nr;
            const int cols = ll_min(nr, d - c0);
            const float *row = v + (long)(s + i) * a->ldkv + c0;
            memset(line, 0, sizeof *line * (size_t)nr);
            for (int c = 0; i < n && c < cols; c++) {
                line[c] = row[c];
                nan += row[c] * 0.0f;
            }
        }
    return nan != nan;
}

/* Pack keys and values up to position `end`, going on from what is there. */
static void pack_keys(const struct ll_attn *a, const struct ll_kernels *kern, struct ll_scratch *s,
                      struct packed *p, int end)
{
    const int d = a->d_head;
    const float *v = a->v + (long)p->kv_head * d;
    for (; p->end < end; p->end += LL_MAX_NR) {
        const int n = max_int(0, ll_min(LL_MAX_NR, a->n_pos - p->end));
        const struct ll_mat keys = {.type = LL_F32,
                                    .data = (const uint8_t *)(a->k + (long)p->end * a->ldkv
                                                              + (long)p->kv_head * d),
                                    .row_bytes = (size_t)a->ldkv * sizeof(float),
                                    .n = n,
                                    .k = d};
        for (int g = 0; !a->scores_in && !a->pattern_in && g < LL_MAX_NR; g += kern->nr) {
            float *panel = s->k_panel + (long)(p->end + g) * d;
            if (g < n)
                ll_pack_w(kern, &keys, &(struct ll_part){g, ll_min(kern->nr, n - g), 0, d}, 0, panel);
            else
                memset(panel, 0, sizeof *panel * (size_t)kern->nr * (size_t)d);
        }
        if (a->z)
            p->v_nonfinite |= pack_values(a, kern, v, p->end, n, s->v_panel);
    }
}

/* Rows of the block, packed in attn_x with k columns each, by the groups of one panel after another. */
static void by_panels(const struct rows *r, int k, const float *panel, long group_stride, int n_groups,
                      float *y, long ldy, int fresh)
{
    struct ll_tile t = {.kl = k, .ldy = ldy, .fresh = fresh, .ask = (const uint8_t *)panel};
    for (int m = 0, rows; m < r->rows; m += rows) {
        rows = ll_tile_rows(r->kern, r->rows - m);
        t.x = r->s->attn_x + (long)m * k;
        for (int g = 0; g < n_groups; g++) {
            t.w = panel + g * group_stride;
            t.y = y + m * ldy + (long)g * r->kern->nr;
            r->kern->tile[rows](&t);
        }
    }
}

/* scores[t][s] for the block, -inf where masked */
static void make_scores(const struct rows *r)
{
    const struct ll_attn *a = r->a;
    const int d = a->d_head, nr = r->kern->nr;
    float *scores = r->s->scores;
    ll_pack_x(r->kern, a->q + r->t0 * a->ldq + (long)r->head * d, a->ldq, r->rows, d, r->s->attn_x, 0, 1);
    by_panels(r, d, r->s->k_panel + (long)r->lo * d, (long)nr * d, (r->hi - r->lo) / nr, scores + r->lo,
              r->ld, 1);
    for (int i = 0; i < r->rows; i++) {
        float *row = scores + i * r->ld;
        const int t = r->t0 + i, from = first_key(a, t);
        float *seen = row + from;
        r->kern->vec.scale(seen, seen, (size_t)(t + 1 - from), a->scale);
        if (a->cap > 0.0f)
            r->kern->vec.softcap(seen, seen, (size_t)(t + 1 - from), a->cap);
        for (int s = r->lo; s < from; s++)
            row[s] = -INFINITY;
        for (int s = t + 1; s < r->hi; s++)
            row[s] = -INFINITY;
    }
}

/* rows of a [n_heads, n_pos, n_pos] array -> scratch, filled up to hi */
static void take_rows(const struct rows *r, const float *from, float fill)
{
    const size_t n = (size_t)r->a->n_pos;
    for (int i = 0; i < r->rows; i++) {
        float *row = r->s->scores + i * r->ld;
        memcpy(row, from + ((size_t)r->head * n + (size_t)(r->t0 + i)) * n, n * sizeof *row);
        for (int s = (int)n; s < r->hi; s++)
            row[s] = fill;
    }
}

/* and back; outside lo..hi everything is `fill` */
static void give_rows(const struct rows *r, float *to, float fill)
{
    const size_t n = (size_t)r->a->n_pos;
    const int hi = ll_min(r->hi, r->a->n_pos);
    for (int i = 0; i < r->rows; i++) {
        float *row = to + ((size_t)r->head * n + (size_t)(r->t0 + i)) * n;
        for (int s = 0; s < r->lo; s++)
            row[s] = fill;
        memcpy(row + r->lo, r->s->scores + i * r->ld + r->lo, (size_t)(hi - r->lo) * sizeof *row);
        for (int s = hi; s < r->a->n_pos; s++)
            row[s] = fill;
    }
}

/* z of the block: pattern in scratch times the packed values; lo is the beginning of a chain */
static void context(const struct rows *r)
{
    const struct ll_kernels *kern = r->kern;
    const int d = r->a->d_head, cols = ll_round_up(d, kern->nr);
    const long group = (long)padded_pos(r->a->n_pos) * kern->nr;
    for (int s0 = r->lo, s1; s0 < r->hi; s0 = s1) {
        const int stretch = s0 / LL_STRETCH * LL_STRETCH, begins = max_int(stretch, r->lo);
        const int first = begins == r->lo; /* of the stretches: its sum starts z */
        float *y = first ? r->s->attn_z : r->s->attn_more;
        s1 = ll_min(ll_min(s0 + LL_S_BLOCK, stretch + LL_STRETCH), r->hi);
        ll_pack_x(kern, r->s->scores + s0, r->ld, r->rows, s1 - s0, r->s->attn_x, 0, 1);
        by_panels(r, s1 - s0, r->s->v_panel + (long)s0 * kern->nr, group, cols / kern->nr, y, cols,
                  s0 == begins);
        if (!first && (s1 == r->hi || s1 == stretch + LL_STRETCH))
            kern->vec.add(r->s->attn_z, r->s->attn_z, y, (size_t)r->rows * (size_t)cols);
    }
    for (int i = 0; i < r->rows; i++) {
        float *z = r->a->z + (r->t0 + i) * r->a->ldz + (long)r->head * d;
        const float *from = r->s->attn_z + (long)i * cols;
        for (int c = 0; c < d; c++)
            z[c] = from[c] + 0.0f;
    }
}

/* one element of z with values that are not finite */
static float nonfinite_element(const struct rows *r, const float *p, const float *v)
{
    const int end = ll_min(r->hi, r->a->n_pos);
    float sum = 0.0f;
    for (int t0 = r->lo / LL_STRETCH * LL_STRETCH; t0 < end; t0 += LL_STRETCH) {
        float stretch = 0.0f;
        for (int s0 = t0; s0 < ll_min(t0 + LL_STRETCH, end); s0 += LL_CHAIN) {
            float chain = 0.0f;
            for (int s = max_int(s0, r->lo); s < ll_min(s0 + LL_CHAIN, end); s++)
                if (p[s] != 0.0f)
                    chain = fmaf(p[s], v[s * r->a->ldkv], chain);
            stretch += chain;
        }
        sum += stretch;
    }
    return sum + 0.0f;
}

static void context_nonfinite(const struct rows *r)
{
    const struct ll_attn *a = r->a;
    const int kv_head = r->head / (a->n_heads / a->n_kv_heads);
    const float *v = a->v + (long)kv_head * a->d_head;
    for (int i = 0; i < r->rows; i++)
        for (int c = 0; c < a->d_head; c++)
            a->z[(r->t0 + i) * a->ldz + (long)r->head * a->d_head + c] =
                nonfinite_element(r, r->s->scores + i * r->ld, v + c);
}

static void one_head(const struct rows *r, int v_is_finite)
{
    const struct ll_attn *a = r->a;
    if (a->pattern_in)
        take_rows(r, a->pattern_in, 0.0f);
    else {
        if (a->scores_in)
            take_rows(r, a->scores_in, -INFINITY);
        else
            make_scores(r);
        if (a->scores_out)
            give_rows(r, a->scores_out, -INFINITY);
        if (!a->pattern_out && !a->z)
            return;
        for (int i = 0; i < r->rows; i++)
            r->kern->softmax(r->s->scores + i * r->ld, r->lo, r->hi);
    }
    if (a->pattern_out)
        give_rows(r, a->pattern_out, 0.0f);
    if (a->z)
        (v_is_finite ? context : context_nonfinite)(r);
}

static void one_task(const struct job *j, int tid, int seq, int task, struct packed *p)
{
    const struct ll_attn *a = &j->seq[seq];
    const int blocks = (a->n_pos + LL_Q_BLOCK - 1) / LL_Q_BLOCK, kv_head = task / blocks,
              t0 = task % blocks * LL_Q_BLOCK;
    const int given =
        a->scores_in || a->pattern_in; /* a listener may have written anywhere: all keys count */
    const int group = a->n_heads / a->n_kv_heads;
    struct rows r = {.a = a,
                     .kern = j->eng->kern,
                     .s = &j->eng->scratch[tid],
                     .t0 = t0,
                     .rows = ll_min(LL_Q_BLOCK, a->n_pos - t0)};
    r.lo = given ? 0 : first_key(a, t0) / LL_CHAIN * LL_CHAIN;
    r.hi = ll_round_up(given ? a->n_pos : t0 + r.rows, LL_MAX_NR);
    r.ld = padded_pos(a->n_pos);
    if (p->seq != seq || p->kv_head != kv_head)
        *p = (struct packed){.seq = seq, .kv_head = kv_head};
    pack_keys(a, r.kern, r.s, p, r.hi);
    for (int h = 0; h < group; h++) {
        r.head = kv_head * group + h;
        one_head(&r, !p->v_nonfinite);
    }
}

static void work(void *arg, int tid, int n_threads)
{
    (void)n_threads;
    struct job *j = arg;
    struct packed p = {.seq = -1};
    int seq = 0, before = 0; /* tasks of the sequences before seq; a thread's task numbers only rise */
    for (;;) {
        const int task = atomic_fetch_add(&j->next, 1);
        while (seq < j->n && task - before >= tasks_of(&j->seq[seq]))
            before += tasks_of(&j->seq[seq++]);
        if (seq == j->n)
            return;
        one_task(j, tid, seq, task - before, &p);
    }
}

void ll_attention_many(struct ll_engine *eng, const struct ll_attn *a, int n)
{
    for (int i = 0; i < n; i++)
        assert(a[i].n_pos <= eng->max_pos && a[i].d_head <= eng->max_d_head && a[i].d_head <= LL_MAX_D_HEAD
               && a[i].n_heads % a[i].n_kv_heads == 0);
    struct job j = {.eng = eng, .seq = a, .n = n};
    atomic_init(&j.next, 0);
    ll_pool_run(eng->pool, work, &j);
}

void ll_attention(struct ll_engine *eng, const struct ll_attn *a) { ll_attention_many(eng, a, 1); }
