/* product.c - the one driver of products by rule B, for every unit: which panel meets which tile when.
 * Nothing of this shows in the result.
 *
 * Few rows: group by group of w over all columns, while the bytes of the next group are prefetched. Many
 * rows: a panel's columns of all groups are packed once and all tiles go by; the next tile is prefetched. */
#include "engine_priv.h"

enum {
    FEW_ROWS = 96,
    NEAR_FLOATS = 800000, /* packed x that stays in the caches while each group of w reads it */
    SLAB_ROWS = 96
};

/* Tiles of rows m0..m1 by one panel of columns k0..k0+kl. */
struct tiles {
    const struct ll_product_task *p;
    const ll_tile_fn *fn;
    int m0, m1, k0, kl, fresh;
    const float *panel;
    float *y;
    long ldy;
    const uint8_t *ask; /* NULL: the next tile of x */
    long ask_step;
};

static void run_tiles(const struct tiles *t)
{
    const struct ll_product_task *p = t->p;
    const int k = p->w->k;
    struct ll_tile tile = {
        .w = t->panel, .kl = t->kl, .ldy = t->ldy, .fresh = t->fresh, .ask = t->ask, .ask_step = t->ask_step};
    for (int m = t->m0, rows; m < t->m1; m += rows) {
        rows = ll_tile_rows(p->kern, p->left - m);
        tile.x = p->x + (long)m * k + (long)t->k0 * rows;
        tile.y = t->y + m * t->ldy;
        if (!t->ask) {
            const int next = m + rows < t->m1 ? rows : 0;
            tile.ask = (const uint8_t *)(tile.x + (long)next * k);
            tile.ask_step = next ? 8 * next : 0;
        }
        t->fn[rows](&tile);
        tile.ask += t->ask ? t->ask_step * (t->kl / 2) : 0;
    }
}

/* Columns g..g+n of y: the stretch that is complete joins the sum. */
static void add_stretch(const struct ll_product_task *p, const struct ll_scratch *s, int g, int n)
{
    for (int i = 0; i < p->m; i++)
        p->kern->vec.add(p->y + i * p->ldy + g, p->y + i * p->ldy + g, s->more + (long)i * LL_TASK_N,
                         (size_t)n);
}

static int count_tiles(const struct ll_product_task *p)
{
    int n = 0;
    for (int m = 0; m < p->m; m += ll_tile_rows(p->kern, p->left - m))
        n++;
    return n;
}

/* Group by group of w, over all columns: its rows are read from end to end once. */
static void group_by_group(const struct ll_product_task *p, struct ll_scratch *s)
{
    const struct ll_mat *w = p->w;
    const struct ll_kernels *kern = p->kern;
    const int nr = kern->nr, by_rows = !w->transposed && !w->packed;
    const int pairs = w->type == LL_BF16 && by_rows && p->m <= kern->pair_m;
    const size_t group = (size_t)nr * w->row_bytes, per_column = group / (size_t)w->k;
    struct tiles t = {.p = p, .m1 = p->m, .panel = s->panel};
    const long n_tiles = count_tiles(p);
    t.ask_step = (2 * (long)per_column + n_tiles - 1) / n_tiles;
    for (int g = 0; g < p->n; g += nr) {
        const int n = ll_min(nr, p->n - g), as_pairs = pairs && n == nr;
        const uint8_t *next =
            by_rows && p->n0 + g + 2 * nr <= w->n ? w->data + (size_t)(p->n0 + g + nr) * w->row_bytes : NULL;
        t.fn = as_pairs ? kern->tile_pairs : kern->tile;
        for (t.k0 = 0; t.k0 < w->k; t.k0 += t.kl) {
            const int in_stretch = t.k0 % LL_STRETCH, later = t.k0 >= LL_STRETCH;
            t.kl = ll_min(LL_PANEL_K, w->k - t.k0);
            t.fresh = !in_stretch;
            t.y = later ? s->more : p->y + g;
            t.ldy = later ? LL_TASK_N : p->ldy;
            t.ask = next ? next + per_column * (size_t)t.k0 : NULL;
            ll_pack_w(kern, w, &(struct ll_part){p->n0 + g, n, t.k0, t.kl}, as_pairs, s->panel);
            run_tiles(&t);
            if (later && (t.k0 + t.kl == w->k || in_stretch + t.kl == LL_STRETCH))
                add_stretch(p, s, g, nr);
        }
    }
}

/* Panel by panel of all groups of w; a part of them that stays in L1 at a time meets all rows. */
static void panel_by_panel(const struct ll_product_task *p, struct ll_scratch *s)
{
    const struct ll_kernels *kern = p->kern;
    const int nr = kern->nr, k = p->w->k;
    struct tiles t = {.p = p, .fn = kern->tile};
    for (int k0 = 0; k0 < k; k0 += LL_PANEL_K) {
        const int kl = ll_min(LL_PANEL_K, k - k0);
        for (int g = 0; g < p->n; g += nr)
            ll_pack_w(kern, p->w, &(struct ll_part){p->n0 + g, ll_min(nr, p->n - g), k0, kl}, 0,
                      s->panel + (long)g * kl);
        for (t.k0 = k0; t.k0 < k0 + kl; t.k0 += t.kl) {
            const int later = t.k0 >= LL_STRETCH;
            t.kl = ll_min(kern->panel_k, k0 + kl - t.k0);
            t.fresh = t.k0 % LL_STRETCH == 0;
            t.ldy = later ? LL_TASK_N : p->ldy;
            for (t.m0 = 0; t.m0 < p->m; t.m0 = t.m1) {
                t.m1 = t.m0;
                while (t.m1 < p->m && t.m1 - t.m0 < SLAB_ROWS)
                    t.m1 += ll_tile_rows(kern, p->left - t.m1);
                for (int g = 0; g < p->n; g += nr) {
                    t.panel = s->panel + (long)g * kl + (long)(t.k0 - k0) * nr;
                    t.y = (later ? s->more : p->y) + g;
                    run_tiles(&t);
                }
            }
        }
        if (k0 >= LL_STRETCH && (k0 + kl == k || (k0 + kl) % LL_STRETCH == 0))
            add_stretch(p, s, 0, ll_round_up(p->n, nr));
    }
}

/* A few rows by whole groups of w as stored. Returns how many columns are done. */
static int run_fused(const struct ll_product_task *p)
{
    const struct ll_kernels *kern = p->kern;
    const struct ll_mat *w = p->w;
    int n = 0;
    if (p->m > kern->fused_m || !kern->fused[w->type] || w->transposed || w->packed)
        return 0;
    for (; n + kern->fused_n <= p->n; n += kern->fused_n)
        kern->fused[w->type](&(struct ll_fused){.x = p->x,
                                                .rows = p->m,
                                                .w = w->data + (size_t)(p->n0 + n) * w->row_bytes,
                                                .row_bytes = w->row_bytes,
                                                .k = w->k,
                                                .y = p->y + n,
                                                .ldy = p->ldy,
                                                .asks = p->n0 + n + 2 * kern->fused_n <= w->n});
    return n;
}

void ll_product_run(const struct ll_product_task *whole, struct ll_scratch *s)
{
    const int done = run_fused(whole);
    struct ll_product_task rest = *whole;
    rest.n0 += done;
    rest.n -= done;
    rest.y += done;
    if (rest.n)
        (rest.m <= FEW_ROWS || (long)rest.m * rest.w->k <= NEAR_FLOATS ? group_by_group
                                                                       : panel_by_panel)(&rest, s);
}
