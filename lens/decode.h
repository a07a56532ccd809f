/* decode.h - the full logits of rows that the unembedding reads, a bounded buffer at a time, and the threads
 * that then look at them. Logits have the bits of ll_head_logits, whatever the buffer holds. */
#ifndef LL_DECODE_H
#define LL_DECODE_H
#include "head_pass.h"

struct ll_decode {
    const struct ll_model *model;
    struct ll_engine *engine;
    int bare;      /* without multiplier and soft cap (head_pass.h) */
    int max_slots; /* rows the buffer holds */
    int n_weights;
    float *x;        /* [max_slots, d_model], written by the caller; owned */
    float *logits;   /* [max_slots, d_vocab]; owned */
    double *weights; /* [threads, n_weights, d_vocab] scratch of who looks; owned */
};

struct ll_decode_plan {
    const struct ll_model *model; /* borrowed, as is the engine */
    struct ll_engine *engine;
    int bare, min_slots, max_slots;
    long long bytes; /* of logits */
    int n_weights;
};
/* As many slots as the plan's `bytes` allow, min_slots..max_slots. The engine is reserved for them. LL_OK or
 * LL_EFAIL (memory); after a failure there is nothing to free. */
int ll_decode_init(struct ll_decode *d, const struct ll_decode_plan *plan, struct ll_err *err);
void ll_decode_free(struct ll_decode *d);                             /* {0} and twice are fine */
float *ll_decode_x(const struct ll_decode *d, int slot);              /* [d_model] */
const float *ll_decode_logits(const struct ll_decode *d, int slot);   /* [d_vocab], after ll_decode_run */
double *ll_decode_weights(const struct ll_decode *d, int tid, int i); /* [d_vocab] */
void ll_decode_run(struct ll_decode *d, int n_slots);                 /* x of slots 0..n_slots to logits */
/* fn(arg, tid, i) for each i of 0..n once, by any thread. */
void ll_decode_each(const struct ll_decode *d, int n, void (*fn)(void *arg, int tid, int i), void *arg);
#endif
