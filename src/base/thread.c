/* thread.c - see thread.h. Workers spin for a moment before they sleep: a pass makes some thousand short
 * runs. */
#define _GNU_SOURCE
#include "thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

enum { SPIN = 4000, MAX_THREADS = 256 };

struct worker {
    struct ll_pool *pool;
    int tid;
    pthread_t thread;
};

struct ll_pool {
    int n;
    struct worker *w; /* owned; w[0] is the caller's place */
    ll_pool_fn fn;
    void *arg;
    _Atomic unsigned turn; /* rises by one with every run */
    _Atomic int left;      /* workers that have not finished this run */
    _Atomic int stop;
    pthread_mutex_t lock;
    pthread_cond_t go, done;
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void *worker_main(void *v)
{
    struct worker *w = v;
    struct ll_pool *p = w->pool;
    unsigned seen = 0;
    for (;;) {
        for (int i = 0; i < SPIN && atomic_load(&p->turn) == seen; i++)
            relax();
        if (atomic_load(&p->turn) == seen) {
            pthread_mutex_lock(&p->lock);
            while (atomic_load(&p->turn) == seen)
                pthread_cond_wait(&p->go, &p->lock);
            pthread_mutex_unlock(&p->lock);
        }
        seen = atomic_load(&p->turn);
        if (atomic_load(&p->stop))
            return NULL;
        p->fn(p->arg, w->tid, p->n);
        if (atomic_fetch_sub(&p->left, 1) == 1) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static void start_turn(struct ll_pool *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->turn, 1);
    pthread_cond_broadcast(&p->go);
    pthread_mutex_unlock(&p->lock);
}

int ll_cpu_count(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set) && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

int ll_pool_init(struct ll_pool **pool, int n_threads, struct ll_err *err)
{
    *pool = NULL;
    if (n_threads < 0 || n_threads > MAX_THREADS)
        return ll_fail(err, LL_EUSAGE, "threads: expected 1..%d (0: all processors), found %d", MAX_THREADS,
                       n_threads);
    int n = n_threads ? n_threads : ll_cpu_count();
    if (n > MAX_THREADS)
        n = MAX_THREADS;
    struct ll_pool *p = calloc(1, sizeof *p);
    struct worker *w = calloc((size_t)n, sizeof *w);
    if (!p || !w) {
        free(p);
        free(w);
        return ll_fail_mem(err, "thread pool", sizeof *w * (size_t)n);
    }
    p->n = 1;
    p->w = w;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->go, NULL);
    pthread_cond_init(&p->done, NULL);
    for (int i = 1; i < n; i++) {
        w[i] = (struct worker){.pool = p, .tid = i};
        if (pthread_create(&w[i].thread, NULL, worker_main, &w[i])) {
            ll_pool_free(p);
            return ll_fail(err, LL_EFAIL, "threads: could start only %d of %d", i, n);
        }
        p->n = i + 1;
    }
    *pool = p;
    return LL_OK;
}

void ll_pool_free(struct ll_pool *p)
{
    if (!p)
        return;
    atomic_store(&p->stop, 1);
    start_turn(p);
    for (int i = 1; i < p->n; i++)
        pthread_join(p->w[i].thread, NULL);
    pthread_cond_destroy(&p->go);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    free(p->w);
    free(p);
}

int ll_pool_size(const struct ll_pool *p) { return p->n; }

void ll_pool_run(struct ll_pool *p, ll_pool_fn fn, void *arg)
{
    if (p->n == 1) {
        fn(arg, 0, 1);
        return;
    }
    p->fn = fn;
    p->arg = arg;
    atomic_store(&p->left, p->n - 1);
    start_turn(p);
    fn(arg, 0, p->n);
    for (int i = 0; i < SPIN && atomic_load(&p->left); i++)
        relax();
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->left))
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
