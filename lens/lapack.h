/* lapack.h - the one place that knows LAPACK: the library is opened when a fit asks for it, never before.
 *
 * Linked the usual way, OpenBLAS would start one thread for each core when the program starts: they spin
 * beside commands that never solve anything, and with little address space their start-up loops for ever. So
 * it is loaded here, on one thread (its results depend on their number), and only after there was room for
 * its buffers. */
#ifndef LL_LAPACK_H
#define LL_LAPACK_H
#include "fail.h"

#include <stddef.h>

struct ll_lapack {
    void *library; /* owned; NULL: not open */
    /* Solve A X = B for symmetric positive definite A, column-major, in place (LAPACK's dposv). */
    void (*dposv)(const char *uplo, const int *n, const int *n_rhs, double *a, const int *lda, double *b,
                  const int *ldb, int *info, size_t uplo_len);
};

/* Open the library. Returns LL_OK, or LL_EFAIL with the reason (no such library, no room) and nothing held.
 * Not for two threads at once: the environment is changed for the time of loading. */
int ll_lapack_open(struct ll_lapack *lapack, struct ll_err *err);
void ll_lapack_close(struct ll_lapack *lapack); /* one that is not open is fine */
#endif
