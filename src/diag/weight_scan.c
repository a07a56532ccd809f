/* weight_scan.c - see weight_scan.h */
#include "weight_scan.h"

#include "packed.h"
#include "quants.h"
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a stretch of floats ------------------------------------------------------------------------------------------ */

typedef float f4 __attribute__((vector_size(16)));
typedef int32_t i4 __attribute__((vector_size(16)));
typedef double d4 __attribute__((vector_size(32)));

struct lanes { d4 sum[4], sq[4]; f4 min[4], max[4]; i4 low[4], high[4]; }; /* low, high: of the bits without sign */

static inline __attribute__((always_inline)) i4 pick(i4 mask, i4 yes, i4 no) { return (mask & yes) | (~mask & no); }

/* n a multiple of 16. The compiler splits these vectors as the processor needs; the operations of a lane stay the same. */
LL_CLONES static void scan_16(const float *x, size_t n, struct lanes *out)
{
    struct lanes a;
    for (int g = 0; g < 4; g++) {
        memcpy(&a.min[g], x + 4 * g, sizeof a.min[g]);
        a.max[g] = a.min[g];
        a.sum[g] = a.sq[g] = (d4){0, 0, 0, 0};
        a.low[g] = (i4){0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff};
        a.high[g] = (i4){0, 0, 0, 0};
    }
    for (size_t i = 0; i < n; i += 16)
        for (int g = 0; g < 4; g++) {
            f4 v;
            memcpy(&v, x + i + 4 * (size_t)g, sizeof v);
            d4 d = __builtin_convertvector(v, d4);
            i4 bits = (i4)v & 0x7fffffff;
            a.sum[g] += d;
            a.sq[g] += d * d;
            a.min[g] = (f4)pick(v < a.min[g], (i4)v, (i4)a.min[g]);
            a.max[g] = (f4)pick(v > a.max[g], (i4)v, (i4)a.max[g]);
            a.low[g] = pick(bits < a.low[g], bits, a.low[g]);
            a.high[g] = pick(bits > a.high[g], bits, a.high[g]);
        }
    *out = a;
}

static double tree(const d4 v[4])
{
    double c[16];
    for (int j = 0; j < 16; j++)
        c[j] = v[j / 4][j % 4];
    for (int half = 8; half; half /= 2)
        for (int j = 0; j < half; j++)
            c[j] += c[j + half];
    return c[0];
}

static uint32_t magnitude(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u & 0x7fffffff;
}

/* All 16-blocks of a stretch whose values are finite. */
static void from_lanes(const float *x, size_t n, const struct lanes *a, uint32_t low, uint32_t high, struct ll_tensor_stats *s)
{
    ll_tensor_stats_init(s);
    s->n = (int64_t)n;
    s->sum = tree(a->sum);
    s->sum_sq = tree(a->sq);
    s->min = s->max = (double)x[0];
    for (int j = 0; j < 16; j++) {
        s->min = fmin(s->min, (double)a->min[j / 4][j % 4]);
        s->max = fmax(s->max, (double)a->max[j / 4][j % 4]);
    }
    float top;
    memcpy(&top, &high, sizeof top);
    s->max_abs = (double)top;
    for (size_t i = 0; low < 0x00800000 && i < n; i++) {
        s->n_zero += magnitude(x[i]) == 0;
        s->n_subnormal += magnitude(x[i]) - 1u < 0x007fffff;
    }
}

/* Where the largest magnitude is only matters when it is larger than all before. */
static void locate(const float *x, size_t n, uint32_t high, const struct ll_tensor_stats *before, struct ll_tensor_stats *s)
{
    s->max_abs_at = 0;
    if (before->max_abs_at >= 0 && s->max_abs <= before->max_abs)
        return;
    for (size_t i = 0; i < n; i++)
        if (magnitude(x[i]) == high) {
            s->max_abs_at = (int64_t)i;
            return;
        }
}

static void scan_stretch(const float *x, size_t n, struct ll_tensor_stats *s)
{
    size_t whole = n & ~(size_t)15;
    uint32_t low = 0x7fffffff, high = 0;
    struct lanes a;
    struct ll_tensor_stats part;
    if (whole)
        scan_16(x, whole, &a);
    for (int j = 0; whole && j < 16; j++) {
        uint32_t lo = (uint32_t)a.low[j / 4][j % 4], hi = (uint32_t)a.high[j / 4][j % 4];
        low = lo < low ? lo : low;
        high = hi > high ? hi : high;
    }
    if (!whole || high >= 0x7f800000) { /* a NaN or infinity: value by value */
        ll_tensor_stats_add(s, x, n);
        return;
    }
    from_lanes(x, whole, &a, low, high, &part);
    locate(x, whole, high, s, &part);
    ll_tensor_stats_merge(s, &part);
    ll_tensor_stats_add(s, x + whole, n - whole);
}

void ll_scan_values(const float *x, size_t n, struct ll_tensor_stats *s)
{
    for (size_t i = 0; i < n; i += LL_SCAN_STRETCH)
        scan_stretch(x + i, n - i < LL_SCAN_STRETCH ? n - i : LL_SCAN_STRETCH, s);
}

/* ---- blocks ------------------------------------------------------------------------------------------------------- */

/* Rows row0..row0+n_rows, columns col0..col0+n_cols of a run's tensor; a stretch of one long row, or whole rows. */
struct block {
    const struct ll_weight_run *run;
    int64_t row0, n_rows, col0, n_cols;
    struct ll_tensor_stats stats;
    int64_t bad_at;                    /* flat index in the tensor, -1: none */
};

struct scan {
    struct ll_weights *w;
    struct block *blocks;
    int n, cap, let_go;
    _Atomic int next;
    void (*progress)(void *arg, double done);
    void *progress_arg;
};

static int add_block(struct scan *s, struct block b, struct ll_err *err)
{
    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 1024;
        struct block *grown = realloc(s->blocks, sizeof *grown * (size_t)cap);
        if (!grown)
            return ll_fail_mem(err, "list of blocks", sizeof *grown * (size_t)cap);
        s->blocks = grown;
        s->cap = cap;
    }
    b.bad_at = -1;
    ll_tensor_stats_init(&b.stats);
    s->blocks[s->n++] = b;
    return LL_OK;
}

static int cut(struct scan *s, const struct ll_weight_run *r, struct ll_err *err)
{
    int64_t step = r->n_cols >= LL_SCAN_VALUES ? 1 : LL_SCAN_VALUES / (r->n_cols ? r->n_cols : 1);
    int rc = LL_OK;
    if (r->tensor->packed)
        step = LL_PACKED_ROWS;
    for (int64_t row = 0; row < r->n_rows && !rc; row += step)
        for (int64_t col = 0; col < r->n_cols && !rc; col += LL_SCAN_VALUES)
            rc = add_block(s, (struct block){.run = r, .row0 = r->row0 + row, .n_rows = r->n_rows - row < step ? r->n_rows - row : step, .col0 = r->col0 + col,
                                             .n_cols = r->n_cols - col < LL_SCAN_VALUES ? r->n_cols - col : LL_SCAN_VALUES}, err);
    return rc;
}

static int by_place(const void *a, const void *b)
{
    const struct ll_weight_run *x = a, *y = b;
    if (x->tensor->file != y->tensor->file)
        return x->tensor->file < y->tensor->file ? -1 : 1;
    if (x->tensor->data != y->tensor->data)
        return x->tensor->data < y->tensor->data ? -1 : 1;
    if (x->row0 != y->row0)
        return x->row0 < y->row0 ? -1 : 1;
    return x->col0 < y->col0 ? -1 : x->col0 > y->col0;
}

/* The bytes a block reads. */
static void place_of(const struct block *b, size_t *off, size_t *len)
{
    const struct ll_tensor *t = b->run->tensor;
    const struct ll_dtype_info *type = ll_dtype_info(t->dtype);
    if (t->packed) { /* four-bit formats lie column by column: take it all, once */
        *off = 0;
        *len = b->row0 == b->run->row0 ? t->size : 0;
        return;
    }
    int64_t first = b->row0 * b->run->row_len + b->col0, n = (b->n_rows - 1) * b->run->row_len + b->n_cols;
    *off = (size_t)(first / type->block) * (size_t)type->block_bytes;
    *len = (size_t)((n + type->block - 1) / type->block) * (size_t)type->block_bytes;
}

static void advise(struct scan *s, int i, void (*tell)(const struct ll_map *, size_t, size_t))
{
    if (i < 0 || i >= s->n)
        return;
    const struct ll_tensor *t = s->blocks[i].run->tensor;
    const struct ll_map *map = &s->w->model->ckpt->files[t->file].map;
    size_t off, len;
    place_of(&s->blocks[i], &off, &len);
    if (len)
        tell(map, (size_t)(t->data - map->data) + off, len);
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static void note_bad(struct block *b, int64_t before, int64_t flat0)
{
    if (b->bad_at < 0 && b->stats.first_bad >= 0)
        b->bad_at = flat0 + (b->stats.first_bad - before);
}

/* n values from flat index `at` on (whole blocks of the type, or one value a block). */
static void read_flat(struct block *b, int64_t at, int64_t n)
{
    const struct ll_tensor *t = b->run->tensor;
    const struct ll_dtype_info *type = ll_dtype_info(t->dtype);
    float x[LL_SCAN_STRETCH] __attribute__((aligned(64)));
    for (int64_t i = 0; i < n; i += LL_SCAN_STRETCH) {
        size_t k = (size_t)(n - i < LL_SCAN_STRETCH ? n - i : LL_SCAN_STRETCH);
        int64_t before = b->stats.n;
        type->to_f32(t->data + (size_t)((at + i) / type->block) * (size_t)type->block_bytes, x, k);
        scan_stretch(x, k, &b->stats);
        note_bad(b, before, at + i);
    }
}

static void read_packed(struct block *b)
{
    enum { COLS = 64 };
    const struct ll_tensor *t = b->run->tensor;
    float x[LL_PACKED_ROWS * COLS] __attribute__((aligned(64)));
    for (int64_t c = b->col0; c < b->col0 + b->n_cols; c += COLS) {
        int64_t left = b->col0 + b->n_cols - c;
        int cols = left < COLS ? (int)left : COLS;
        ll_packed_read(t->packed, t->data, (int)b->row0, (int)b->n_rows, (int)c, cols, x, cols);
        int64_t before = b->stats.n;
        ll_scan_values(x, (size_t)b->n_rows * (size_t)cols, &b->stats);
        if (b->bad_at < 0 && b->stats.first_bad >= 0) {
            int64_t i = b->stats.first_bad - before;
            b->bad_at = (b->row0 + i / cols) * b->run->row_len + c + i % cols;
        }
    }
}

static void read_block(struct block *b)
{
    int64_t len = b->run->row_len;
    if (b->run->tensor->packed)
        read_packed(b);
    else if (b->n_cols == len)
        read_flat(b, b->row0 * len, b->n_rows * len);
    else
        for (int64_t r = b->row0; r < b->row0 + b->n_rows; r++)
            read_flat(b, r * len + b->col0, b->n_cols);
}

static void scan_some(void *arg, int tid, int n_threads)
{
    enum { AHEAD = 32 };
    struct scan *s = arg;
    (void)n_threads;
    for (int i; (i = atomic_fetch_add(&s->next, 1)) < s->n;) {
        advise(s, i + AHEAD, ll_map_will_need);
        read_block(&s->blocks[i]);
        if (s->let_go)
            advise(s, i, ll_map_dont_need);
        if (tid == 0 && s->progress)
            s->progress(s->progress_arg, (double)(i + 1) / s->n);
    }
}

static void merge(struct scan *s)
{
    for (int i = 0; i < s->n; i++) {
        const struct block *b = &s->blocks[i];
        struct ll_weight_cell *c = &s->w->layers[b->run->row].cell[b->run->part];
        ll_tensor_stats_merge(&c->stats, &b->stats);
        if (b->bad_at >= 0 && !c->bad) {
            c->bad = b->run->tensor;
            c->bad_at = b->bad_at;
        }
    }
}

int ll_weight_scan(struct ll_weights *w, struct ll_pool *pool, void (*progress)(void *arg, double done), void *arg, long long *bytes, struct ll_err *err)
{
    struct scan s = {.w = w, .progress = progress, .progress_arg = arg};
    long long read = 0, room = ll_available_bytes();
    int rc = LL_OK;
    if (w->n_runs)
        qsort(w->runs, (size_t)w->n_runs, sizeof *w->runs, by_place);
    for (int i = 0; i < w->n_runs && !rc; i++)
        rc = cut(&s, &w->runs[i], err);
    for (int i = 0; i < s.n; i++) {
        size_t off, len;
        place_of(&s.blocks[i], &off, &len);
        read += (long long)len;
    }
    s.let_go = room >= 0 && read > room / 2;
    for (int i = 0; i < 32; i++)
        advise(&s, i, ll_map_will_need);
    if (!rc) {
        ll_pool_run(pool, scan_some, &s);
        merge(&s);
    }
    free(s.blocks);
    if (bytes)
        *bytes = read;
    return rc;
}
