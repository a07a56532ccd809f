/* reading.h - one vector of logits, perhaps at a temperature, as a struct ll_reading: one exponential a
 * logit, from which log-sum-exp, entropy, divergence and (by the caller, who keeps them) masses and
 * comparisons follow. */
#ifndef LL_READING_H
#define LL_READING_H
#include "dist.h"
#include "pass_stats.h"

struct ll_reader {
    const struct ll_vec *vec;
    const struct ll_tile_ops *ops;
    int n;            /* d_vocab */
    int answer_id;    /* -1: none */
    const float *own; /* [n] the model's own logits; NULL: divergences stay NAN */
    double own_lse;
};
struct ll_reader ll_reader_of(struct ll_engine *eng, int n, int answer_id);

/* Weights of softmax(beta z): e[n] gets e^(beta z - max) and w->sum their sum (w->z is z whatever beta is).
 * Returns 1, or 0 when z holds a NaN or +inf (or nothing else than -inf): w->lse is NAN then and e not to be
 * read. beta > 0. */
int ll_weigh(const struct ll_reader *r, const float *z, double beta, double *e, struct ll_weights *w);
/* The probability of an id there. */
double ll_weights_p(const struct ll_weights *w, double beta, int id);
/* KL(softmax(beta z) || own) in bits, w from ll_weigh with the same beta. Exactly 0 for the model's own
 * logits at beta 1. */
double ll_weights_kl_bits(const struct ll_reader *r, const struct ll_weights *w, double beta);

/* Everything but norm, which the caller knows. Logits that are not finite leave it cleared, but for the top
 * list. */
void ll_reading_of(const struct ll_reader *r, const float *z, double beta, double *e, struct ll_weights *w,
                   struct ll_reading *out);
#endif
