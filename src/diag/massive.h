/* massive.h - the few values of the residual stream that dwarf all others: found, followed through the
 * layers, excluded.
 *
 * Trained models park magnitudes of hundreds or thousands in one or two dimensions of a few tokens (mostly
 * the first), from an early to a late layer; they are harmless, but they carry nearly all of every squared
 * error and cosine. A value is massive in a lens row (0: the embedding, l: what leaves block l-1) when |x| >
 * factor * the median of |x| over all positions and dimensions of that row. Source: Sun, Chen, Kolter & Liu
 * 2024, "Massive Activations in Large Language Models" (theirs asks for |x| > 100 besides; here the size is
 * reported and the reader judges).
 *
 *     struct ll_massive m;
 *     ll_massive_init(&m, n_pos, d_model, 100, err);
 *     for (l = 0; l <= n_layers; l++) ll_massive_add(&m, row_l, err);      each [n_pos, d_model]
 *     m.at[0..m.n)                      the places that were massive in any row
 *
 * One sequence each. Not finite values are never massive and count as largest in the median. */
#ifndef LL_MASSIVE_H
#define LL_MASSIVE_H
#include "fail.h"

#include <stddef.h>

#define LL_MASSIVE_FACTOR 100.0

/* One place that was massive somewhere. */
struct ll_massive_at {
    int pos, dim;
    int first, last;     /* lens rows: first and last where it was */
    int n_rows;          /* in how many */
    int peak;            /* row of its largest magnitude */
    double value, ratio; /* the value there, and its magnitude in medians of that row */
};
struct ll_massive_row {
    double median; /* of |x|, exact; the mean of the middle two of an even number */
    double max_abs;
    int max_pos, max_dim; /* largest finite magnitude and its place */
    int n;                /* massive values */
};
struct ll_massive {
    int n_pos, d_model, n_rows;
    double factor;
    struct ll_massive_row *rows; /* [n_rows]; owned */
    struct ll_massive_at *at;
    int n, cap;                  /* by position, then dimension; owned */
    int *slot;                   /* [n_pos, d_model] index into found + 1, 0: never massive; owned */
    struct ll_massive_at *found; /* in order of finding; owned */
};
/* Returns LL_OK, LL_EUSAGE (sizes below 1, factor not above 1) or LL_EFAIL (memory); after a failure there is
 * nothing to free. */
int ll_massive_init(struct ll_massive *m, int n_pos, int d_model, double factor, struct ll_err *err);
/* The next lens row, x [n_pos, d_model]; m->at is sorted again, m->n places so far. */
int ll_massive_add(struct ll_massive *m, const float *x, struct ll_err *err);
/* Dimensions that are massive at any position, rising, into dims[d_model] (may be NULL); returns how many. */
int ll_massive_dims(const struct ll_massive *m, int *dims);
/* Positions that have a massive value, rising, into positions[n_pos] (may be NULL); returns how many. */
int ll_massive_positions(const struct ll_massive *m, int *positions);
void ll_massive_free(struct ll_massive *m); /* {0} is fine */
#endif
