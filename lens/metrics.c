/* metrics.c - see metrics.h */
#include "metrics.h"

#include "utf8.h"

#include <string.h>

const struct ll_copy_opts ll_copy_strict = {LL_COPY_STRICT, LL_COPY_THRESHOLD, LL_COPY_MARGIN},
                          ll_copy_legacy = {LL_COPY_LEGACY, 0.90, 0.05};

/* ctx: ids of the prompt without special tokens. blank: 1 when the top-1 token is white space or punctuation
 * only. */
static int copy_collapse(const struct ll_head_out *o, const int *ctx, int n_ctx, int blank,
                         const struct ll_copy_opts *opts)
{
    int in_prompt = 0;
    if (o->n_top < 1)
        return 0;
    for (int i = 0; i < n_ctx && !in_prompt; i++)
        in_prompt = ctx[i] == o->top[0].id;
    double p1 = ll_head_p(o, o->top[0].v), p2 = o->n_top > 1 ? ll_head_p(o, o->top[1].v) : 0;
    int copied = in_prompt && p1 > opts->threshold && p1 - p2 > opts->margin;
    if (opts->rule == LL_COPY_LEGACY)
        return copied || o->entropy_bits < LL_ENTROPY_COLLAPSE_BITS;
    return copied && !blank;
}

/* The soft rule (docs/experiment.md 5.3): p1 > threshold, and the last k of the n best ids of consecutive
 * rows (tops[n - 1]: this row's) exist and stand side by side in ctx. No margin, no blank guard. */
static int copy_soft(const int *tops, int n, int k, double p1, double threshold, const int *ctx, int n_ctx)
{
    if (k > n || !(p1 > threshold))
        return 0;
    for (int at = 0; at + k <= n_ctx; at++)
        if (!memcmp(ctx + at, tops + n - k, sizeof *ctx * (size_t)k))
            return 1;
    return 0;
}

void ll_copy_flags(const struct ll_head_out *o, const struct ll_copy_place *at,
                   const struct ll_copy_opts *opts, const struct ll_copy_labels *labels,
                   struct ll_row_flags *flags)
{
    double p1 = o->n_top ? ll_head_p(o, o->top[0].v) : 0;
    flags->copy_collapse = copy_collapse(o, at->ctx, at->n_ctx, at->blank, opts);
    flags->entropy_collapse = o->entropy_bits <= LL_ENTROPY_COLLAPSE_BITS;
    for (int i = 0; i < labels->n_strict; i++) {
        const struct ll_copy_opts strict = {LL_COPY_STRICT, labels->strict[i], labels->margin};
        flags->strict[i] = (unsigned char)copy_collapse(o, at->ctx, at->n_ctx, at->blank, &strict);
    }
    for (int i = 0; i < labels->n_soft; i++)
        flags->soft[i] = (unsigned char)copy_soft(at->tops, at->n_tops, labels->soft[i].k, p1,
                                                  labels->soft[i].threshold, at->ctx, at->n_ctx);
}

/* Unicode White_Space; and ASCII punctuation. */
static int is_blank(uint32_t c)
{
    static const uint32_t marks[] = {0x2581, 0x0120, 0x010A, 0x85,   0xA0,  0x1680,
                                     0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (c == marks[i])
            return 1;
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x2000 && c <= 0x200A) || (c >= 0x1C && c <= 0x1F)
        || (c >= 0x20 && c <= 0x2F) || (c >= 0x3A && c <= 0x40) || (c >= 0x5B && c <= 0x60)
        || (c >= 0x7B && c <= 0x7E);
}

int ll_text_is_blank(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        int len = ll_utf8_next(s + i, n - i, &cp, NULL);
        if (!len || !is_blank(cp))
            return 0;
        i += (size_t)len;
    }
    return 1;
}

void ll_first_layers(const struct ll_row_flags *rows, int n, int *L_copy, int *L_copy_H, int *L_semantic)
{
    *L_copy = *L_copy_H = *L_semantic = -1;
    for (int l = n - 1; l >= 0; l--) {
        *L_copy = rows[l].copy_collapse ? l : *L_copy;
        *L_copy_H = rows[l].entropy_collapse ? l : *L_copy_H;
        *L_semantic = rows[l].is_answer ? l : *L_semantic;
    }
}
