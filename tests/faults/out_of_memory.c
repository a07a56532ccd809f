/* out_of_memory.c - preloaded into a program: one chosen allocation fails, or it and all after it.
 *
 *     cc -shared -fPIC out_of_memory.c -o out_of_memory.so -ldl
 *     OOM_COUNT=FILE       write the number of allocations of the run to FILE
 *     OOM_AT=N             the Nth (from 1) fails; OOM_FROM=N: that one and all after it
 *     OOM_TRACE=FILE       write where the (first) failed allocation was asked for to FILE: one address a
 *                          line
 *
 * Allocations are counted in the order asked for: a program on one thread gives the same numbers every time.
 * Memory that libraries take before main runs is not counted, so that what they do at load time does not
 * shift the numbers. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* glibc's own functions under the names that it keeps for programs that replace them. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static atomic_long count;
static long at = -1, from = -1;
static const char *count_file, *trace_file;
static int counting;

static long number_of(const char *name)
{
    const char *s = getenv(name);
    return s ? atol(s) : -1;
}

__attribute__((constructor)) static void start(void)
{
    void *warm[1];
    backtrace(warm, 1); /* loads what it needs now */
    at = number_of("OOM_AT");
    from = number_of("OOM_FROM");
    count_file = getenv("OOM_COUNT");
    trace_file = getenv("OOM_TRACE");
    counting = 1;
}

__attribute__((destructor)) static void stop(void)
{
    counting = 0;
    if (count_file) {
        char text[32];
        int n = snprintf(text, sizeof text, "%ld\n", (long)count),
            fd = open(count_file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        if (fd < 0 || write(fd, text, (size_t)n) != n)
            _exit(99);
        close(fd);
    }
}

static void trace(void)
{
    void *frames[48];
    int n = backtrace(frames, 48), fd = open(trace_file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd >= 0)
        backtrace_symbols_fd(frames, n, fd), close(fd);
    trace_file = NULL;
}

static int fails(void)
{
    if (!counting)
        return 0;
    long i = atomic_fetch_add(&count, 1) + 1;
    if (i != at && !(from > 0 && i >= from))
        return 0;
    if (trace_file)
        trace();
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n) { return fails() ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return fails() ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { return fails() ? NULL : __libc_realloc(p, n); }
void *aligned_alloc(size_t align, size_t n) { return fails() ? NULL : __libc_memalign(align, n); }
void *memalign(size_t align, size_t n) { return fails() ? NULL : __libc_memalign(align, n); }

int posix_memalign(void **out, size_t align, size_t n)
{
    void *p = fails() ? NULL : __libc_memalign(align, n);
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}
