/* blame.h - which tensor made the pass leave the finite numbers.
 *
 * The one at fault belongs to the first operation whose result is not finite although what it reads is: what
 * a pass has not reached (a word that the prompt lacks, an expert that no row chose) is not to blame, and
 * neither is a tensor further on. The pass looks at every addend of the stream, so that all steps of the half
 * block that made it are still in its buffers. Where no tensor that the operation reads holds a NaN or an
 * infinity, the numbers grew too large by themselves. */
#ifndef LL_BLAME_H
#define LL_BLAME_H
#include "pass.h"

/* The first row of x [n, width] (ld floats from row to row) with a value that is not finite, -1: none. */
int ll_first_bad_row(const struct ll_vec *vec, const float *x, long ld, int n, int width);

/* Each fills *err and returns LL_EUSAGE; where tensors hold no such value, the reason says that the stream is
 * not finite. */
int ll_blame_embedding(struct ll_pass *p, int id, int position, struct ll_err *err);
/* x is what attention or MLP read; p->out holds what it gave, at row `row` of the chunk not finite. */
int ll_blame_attention(struct ll_pass *p, const struct ll_chunk *c, int layer, const float *x, int row,
                       struct ll_err *err);
int ll_blame_mlp(struct ll_pass *p, const struct ll_chunk *c, int layer, const float *x, int row,
                 struct ll_err *err);
/* The stream itself left the finite numbers: finite addends, too large a sum. */
int ll_blame_stream(struct ll_pass *p, const char *where, int layer, int row, struct ll_err *err);
#endif
