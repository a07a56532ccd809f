/* thread.h - a fixed pool of threads that run one function together.
 *
 * ll_pool_run(pool, fn, arg) calls fn(arg, tid, n) once on every thread, tid 0 being the caller, and returns
 * when all have returned. Work is shared by taking numbers from a counter of the caller's. Which thread does
 * which part must never show in the result. One run at a time a pool; fn must not call ll_pool_run. */
#ifndef LL_THREAD_H
#define LL_THREAD_H
#include "fail.h"

#include <stdatomic.h>

struct ll_pool;
typedef void (*ll_pool_fn)(void *arg, int tid, int n_threads);

/* n_threads: 1..256, or 0 for the number of processors this process may use. */
int ll_pool_init(struct ll_pool **pool, int n_threads, struct ll_err *err);
void ll_pool_free(struct ll_pool *pool); /* NULL is fine */
int ll_pool_size(const struct ll_pool *pool);
void ll_pool_run(struct ll_pool *pool, ll_pool_fn fn, void *arg);
int ll_cpu_count(void); /* processors this process may use, at least 1 */
#endif
