/* result_pack.c - see result_pack.h */
#include "result_pack.h"

#include <stdlib.h>
#include <string.h>

/* Front of the bytes. */
struct head {
    unsigned size_head, size_out, size_hit, size_row, size_stats;
    int d_model, n_layers, d_vocab;
    int prompt, n_rows, n_pos, pos0, has_resid, has_stack, has_stats;
    long long n_hits; /* of all outs together */
};

static struct head head_of(const struct ll_model *m)
{
    struct head h;
    memset(&h, 0, sizeof h);
    h.size_head = sizeof h;
    h.size_out = sizeof(struct ll_head_out);
    h.size_hit = sizeof(struct ll_hit);
    h.size_row = sizeof(struct ll_row_stats);
    h.size_stats = sizeof(struct ll_pass_stats);
    h.d_model = m->d_model;
    h.n_layers = m->n_layers;
    h.d_vocab = m->d_vocab;
    return h;
}

/* Outs in one order: the rows, then the model's own. */
static const struct ll_head_out *out_at(const struct ll_sweep_result *r, long long i)
{
    long long n = (long long)r->n_rows * r->n_pos;
    return i < n ? &r->rows[i] : &r->own[i - n];
}

void ll_result_pack(struct ll_buf *b, const struct ll_model *m, const struct ll_sweep_result *r,
                    enum ll_pack_resid which, const struct ll_pass_stats *stats)
{
    size_t row = sizeof(float) * (size_t)m->d_model;
    long long n_out = (long long)(r->n_rows + 1) * r->n_pos;
    struct head h = head_of(m);
    h.prompt = r->prompt;
    h.n_rows = r->n_rows;
    h.n_pos = r->n_pos;
    h.pos0 = r->pos0;
    h.has_resid = which != LL_PACK_NONE && r->n_rows > 0;
    h.has_stack = which == LL_PACK_ALL && r->n_rows > 0 && r->stack;
    h.has_stats = stats != NULL;
    for (long long i = 0; i < n_out; i++)
        h.n_hits += out_at(r, i)->n_top;
    ll_buf_add(b, &h, sizeof h);
    for (long long i = 0; i < n_out; i++) {
        struct ll_head_out o = *out_at(r, i);
        o.top = NULL;
        ll_buf_add(b, &o, sizeof o);
    }
    for (long long i = 0; i < n_out; i++)
        ll_buf_add(b, out_at(r, i)->top, sizeof(struct ll_hit) * (size_t)out_at(r, i)->n_top);
    ll_buf_add(b, r->final_last, row);
    for (int l = 0; l < r->n_rows && h.has_resid; l++)
        ll_buf_add(b, r->resid_last[l], row);
    for (int l = 0; l < r->n_rows && h.has_stack; l++) /* a layer's positions lie one behind the other */
        ll_buf_add(b, ll_stack_row(r->stack, l, r->kept0), row * (size_t)r->n_pos);
    if (stats) {
        struct ll_pass_stats plain = *stats;
        plain.rows = NULL;
        ll_buf_add(b, &plain, sizeof plain);
        ll_buf_add(b, stats->rows, sizeof *stats->rows * (size_t)stats->n_rows);
    }
}

/* The next n bytes into `to`; 0 when there are not so many. */
static int take(const char **p, size_t *left, void *to, size_t n)
{
    if (n > *left)
        return 0;
    memcpy(to, *p, n);
    *p += n;
    *left -= n;
    return 1;
}

static int is_ours(const struct head *h, const struct ll_model *m, size_t left)
{
    struct head want = head_of(m);
    return !memcmp(h, &want, offsetof(struct head, prompt))
        && (h->n_rows == 0 || h->n_rows == m->n_layers + 1) && h->n_pos > 0 && h->n_pos < 1 << 28
        && h->n_hits >= 0 && (unsigned long long)h->n_hits * sizeof(struct ll_hit) <= left
        && (unsigned long long)(h->n_rows + 1) * (unsigned long long)h->n_pos * sizeof(struct ll_head_out)
        <= left;
}

static int take_stats(const char **p, size_t *left, struct ll_pass_stats *stats)
{
    struct ll_row_stats *rows = stats->rows;
    int n = stats->n_rows, ok = take(p, left, stats, sizeof *stats) && stats->n_rows == n;
    stats->rows = rows;
    stats->n_rows = n;
    return ok && take(p, left, rows, sizeof *rows * (size_t)n);
}

int ll_result_unpack(struct ll_unpacked *u, const struct ll_model *m, const void *bytes, size_t n,
                     struct ll_pass_stats *stats, struct ll_err *err)
{
    const char *p = bytes;
    size_t left = n, d = (size_t)m->d_model;
    struct head h;
    long long at = 0;
    memset(u, 0, sizeof *u);
    if (!take(&p, &left, &h, sizeof h) || !is_ours(&h, m, left))
        return ll_fail(err, LL_EUSAGE, "journal: not a result of this program and model");
    size_t n_out = (size_t)(h.n_rows + 1) * (size_t)h.n_pos, n_last = h.has_resid ? (size_t)h.n_rows : 0;
    size_t kept = 1 + n_last + (h.has_stack ? (size_t)h.n_rows * (size_t)h.n_pos : 0); /* rows of floats */
    if (kept > left / (sizeof *u->floats * d))
        return ll_fail(err, LL_EUSAGE, "journal: a result is harmed");
    u->out = malloc(sizeof *u->out * n_out);
    u->hits = malloc(sizeof *u->hits * (size_t)(h.n_hits + 1));
    u->floats = malloc(sizeof *u->floats * d * kept);
    u->resid = malloc(sizeof *u->resid * (n_last + 1));
    if (!u->out || !u->hits || !u->floats || !u->resid) {
        ll_unpacked_free(u);
        return ll_fail_mem(err, "a result of the journal", n);
    }
    int ok = take(&p, &left, u->out, sizeof *u->out * n_out)
        && take(&p, &left, u->hits, sizeof *u->hits * (size_t)h.n_hits)
        && take(&p, &left, u->floats, sizeof *u->floats * d * kept)
        && (!h.has_stats || (stats && take_stats(&p, &left, stats))) && !left;
    for (size_t i = 0; i < n_out && ok; i++) {
        u->out[i].top = u->hits + at;
        ok = u->out[i].n_top >= 0 && (at += u->out[i].n_top) <= h.n_hits;
    }
    if (!ok) {
        ll_unpacked_free(u);
        return ll_fail(err, LL_EUSAGE, "journal: a result is harmed");
    }
    for (size_t l = 0; l < n_last; l++)
        u->resid[l] = u->floats + d * (l + 1);
    u->stack = (struct ll_stack){.n_layers = m->n_layers,
                                 .d_model = m->d_model,
                                 .n_kept = h.n_pos,
                                 .x = u->floats + d * (1 + n_last)};
    u->has_stats = h.has_stats;
    u->r = (struct ll_sweep_result){.prompt = h.prompt,
                                    .n_rows = h.n_rows,
                                    .n_pos = h.n_pos,
                                    .pos0 = h.pos0,
                                    .rows = u->out,
                                    .own = u->out + (size_t)h.n_rows * (size_t)h.n_pos,
                                    .final_last = u->floats,
                                    .resid_last = h.has_resid ? u->resid : NULL,
                                    .stack = h.has_stack ? &u->stack : NULL};
    return LL_OK;
}

void ll_unpacked_free(struct ll_unpacked *u)
{
    free(u->out);
    free(u->hits);
    free(u->floats);
    free(u->resid);
    memset(u, 0, sizeof *u);
}
