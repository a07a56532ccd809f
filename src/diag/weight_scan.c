/* weight_scan.c - see weight_scan.h */
#include "weight_scan.h"

#include "grow.h"
#include "packed.h"
#include "quants.h"
#include "stats.h"

#include <stdlib.h>
#include <string.h>

/* ---- a stretch of floats --------------------------------------------------------------------- */

/* Of the bits: least and greatest in the order of the numbers (as signed integers, negative ones with their
 * other bits turned round), least and greatest magnitude. */
struct extremes {
    int32_t min, max, low, high;
};

#if defined(__GNUC__) && !defined(__clang__)
#define VECTORISED __attribute__((optimize("O3"))) /* clang does so at -O2 */
#else
#define VECTORISED
#endif

/* min and max of integers in any order are the same: the compiler may vectorise this as it likes. */
LL_CLONES VECTORISED static void extremes_of(const float *x, size_t n, struct extremes *out)
{
    int32_t min = INT32_MAX, max = INT32_MIN, low = INT32_MAX, high = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        int32_t mag = bits & 0x7fffffff, key = bits ^ (bits >> 31 & 0x7fffffff);
        min = key < min ? key : min;
        max = key > max ? key : max;
        low = mag < low ? mag : low;
        high = mag > high ? mag : high;
    }
    *out = (struct extremes){min, max, low, high};
}

static double from_key(int32_t key)
{
    int32_t bits = key ^ (key >> 31 & 0x7fffffff);
    float f;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

static int32_t magnitude(float f)
{
    int32_t u;
    memcpy(&u, &f, sizeof u);
    return u & 0x7fffffff;
}

/* Where the largest magnitude is only matters when it is larger than all before. */
static void locate(const float *x, size_t n, int32_t high, const struct ll_tensor_stats *before,
                   struct ll_tensor_stats *s)
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

static void scan_stretch(const struct ll_vec *vec, const float *x, size_t n, struct ll_tensor_stats *s)
{
    struct extremes e;
    struct ll_tensor_stats part;
    extremes_of(x, n, &e);
    if (e.high >= 0x7f800000) { /* a NaN or infinity: value by value */
        ll_tensor_stats_add(s, x, n);
        return;
    }
    ll_tensor_stats_init(&part);
    part.n = (int64_t)n;
    part.sum = vec->sum(x, n);
    part.sum_sq = vec->sum_sq(x, n);
    part.min = from_key(e.min);
    part.max = from_key(e.max);
    part.max_abs = from_key(e.high);
    for (size_t i = 0; e.low < 0x00800000 && i < n; i++) {
        part.n_zero += magnitude(x[i]) == 0;
        part.n_subnormal += magnitude(x[i]) && magnitude(x[i]) < 0x00800000;
    }
    locate(x, n, e.high, s, &part);
    ll_tensor_stats_merge(s, &part);
}

void ll_scan_values(const struct ll_vec *vec, const float *x, size_t n, struct ll_tensor_stats *s)
{
    for (size_t i = 0; i < n; i += LL_SCAN_STRETCH)
        scan_stretch(vec, x + i, n - i < LL_SCAN_STRETCH ? n - i : LL_SCAN_STRETCH, s);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Rows row0..row0+n_rows, columns col0..col0+n_cols of a run's tensor; a stretch of one long row, or whole
 * rows. */
struct block {
    const struct ll_weight_run *run;
    int64_t row0, n_rows, col0, n_cols;
    struct ll_tensor_stats stats;
    int64_t bad_at; /* flat index in the tensor, -1: none */
};

struct scan {
    struct ll_weights *w;
    const struct ll_vec *vec;
    struct block *blocks;
    int n, cap, let_go;
    _Atomic int next;
    void (*progress)(void *arg, double done);
    void *progress_arg;
};

static int add_block(struct scan *s, struct block b, struct ll_err *err)
{
    if (s->n == s->cap) {
        struct block *grown = ll_grow_int(s->blocks, &s->cap, sizeof *grown, 1024, "list of blocks", err);
        if (!grown)
            return LL_EFAIL;
        s->blocks = grown;
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
            rc = add_block(s,
                           (struct block){.run = r,
                                          .row0 = r->row0 + row,
                                          .n_rows = r->n_rows - row < step ? r->n_rows - row : step,
                                          .col0 = r->col0 + col,
                                          .n_cols = r->n_cols - col < LL_SCAN_VALUES ? r->n_cols - col
                                                                                     : LL_SCAN_VALUES},
                           err);
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

/* ---- reading --------------------------------------------------------------------------------- */

static void note_bad(struct block *b, int64_t before, int64_t flat0)
{
    if (b->bad_at < 0 && b->stats.first_bad >= 0)
        b->bad_at = flat0 + (b->stats.first_bad - before);
}

/* n values from flat index `at` on (whole blocks of the type, or one value a block). */
static void read_flat(const struct ll_vec *vec, struct block *b, int64_t at, int64_t n)
{
    const struct ll_tensor *t = b->run->tensor;
    const struct ll_dtype_info *type = ll_dtype_info(t->dtype);
    float x[LL_SCAN_STRETCH] __attribute__((aligned(64)));
    for (int64_t i = 0; i < n; i += LL_SCAN_STRETCH) {
        size_t k = (size_t)(n - i < LL_SCAN_STRETCH ? n - i : LL_SCAN_STRETCH);
        int64_t before = b->stats.n;
        type->to_f32(t->data + (size_t)((at + i) / type->block) * (size_t)type->block_bytes, x, k);
        scan_stretch(vec, x, k, &b->stats);
        note_bad(b, before, at + i);
    }
}

static void read_packed(const struct ll_vec *vec, struct block *b)
{
    enum { COLS = 64 };
    const struct ll_tensor *t = b->run->tensor;
    float x[LL_PACKED_ROWS * COLS] __attribute__((aligned(64)));
    for (int64_t c = b->col0; c < b->col0 + b->n_cols; c += COLS) {
        int64_t left = b->col0 + b->n_cols - c;
        int cols = left < COLS ? (int)left : COLS;
        const struct ll_packed_part part = {(int)b->row0, (int)b->n_rows, (int)c, cols};
        ll_packed_read(t->packed, t->data, &part, x, cols);
        int64_t before = b->stats.n;
        ll_scan_values(vec, x, (size_t)b->n_rows * (size_t)cols, &b->stats);
        if (b->bad_at < 0 && b->stats.first_bad >= 0) {
            int64_t i = b->stats.first_bad - before;
            b->bad_at = (b->row0 + i / cols) * b->run->row_len + c + i % cols;
        }
    }
}

static void read_block(const struct ll_vec *vec, struct block *b)
{
    int64_t len = b->run->row_len;
    if (b->run->tensor->packed)
        read_packed(vec, b);
    else if (b->n_cols == len)
        read_flat(vec, b, b->row0 * len, b->n_rows * len);
    else
        for (int64_t r = b->row0; r < b->row0 + b->n_rows; r++)
            read_flat(vec, b, r * len + b->col0, b->n_cols);
}

static void scan_some(void *arg, int tid, int n_threads)
{
    enum { AHEAD = 32 };
    struct scan *s = arg;
    (void)n_threads;
    for (int i; (i = atomic_fetch_add(&s->next, 1)) < s->n;) {
        advise(s, i + AHEAD, ll_map_will_need);
        read_block(s->vec, &s->blocks[i]);
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

int ll_weight_scan(struct ll_weights *w, struct ll_engine *eng, void (*progress)(void *arg, double done),
                   void *arg, long long *bytes, struct ll_err *err)
{
    struct scan s = {.w = w, .vec = ll_engine_vec(eng), .progress = progress, .progress_arg = arg};
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
        ll_pool_run(ll_engine_pool(eng), scan_some, &s);
        merge(&s);
    }
    free(s.blocks);
    if (!rc)
        rc = ll_ckpt_unchanged(w->model->ckpt, err);
    if (bytes)
        *bytes = read;
    return rc;
}
