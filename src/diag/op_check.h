/* op_check.h - is each operation of the pass deterministic, and is it right (docs/diagnostics.md 6.1)?
 *
 * Every operation runs several times on the same inputs with 1, 2 and all threads; every result is compared
 * bit for bit with the first. Since determinism does not show correctness, each has a known answer in double
 * too: the largest error, divided by the scale of what was summed (the sum of |x w|, |p v|; the length of a
 * rotated pair; the value itself). Of a layer and of what the head reads it is |y - ref| / |ref|, the
 * reference having all products and attention in float64. Inputs are seeded, or adversarial: magnitudes from
 * 1e-8 to 1e4 mixed, negative zero, denormals. */
#ifndef LL_OP_CHECK_H
#define LL_OP_CHECK_H
#include "forward.h"

enum { LL_OP_SETS = 2 };
extern const char *const ll_op_sets[LL_OP_SETS]; /* "seeded", "adversarial" */

struct ll_op_result {
    const char *op, *set;
    int threads, runs;
    double max_diff;     /* over all runs, against the first run with one thread */
    long long n_diff, n; /* differing elements over all runs; elements of a result */
    char sha256[65];     /* of the first result with this number of threads */
    int deterministic;
    double error, limit; /* known answer; NAN: none */
};
enum { LL_OP_MAX = 64 };
struct ll_op_job {
    const struct ll_model *model;             /* NULL: none */
    const int *ids;                           /* [n_ids] of the pass with a model; all borrowed */
    int n_ids, runs;                          /* runs: of each operation, with each number of threads */
    void (*progress)(void *arg, double done); /* may be NULL */
    void *progress_arg;
};
/* Run everything: the operations without a model, and with one the unembedding of the last of ids, block 0
 * and the whole pass over ids. results: LL_OP_MAX of them. Returns LL_OK, or LL_EUSAGE (ids; a pass that
 * meets a NaN) or LL_EFAIL: then results hold what came before. */
int ll_op_check(const struct ll_op_job *job, struct ll_op_result *results, int *n_results,
                struct ll_err *err);
#endif
