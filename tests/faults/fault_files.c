/* fault_files.c - preloaded into the program by the scripts in tests/cli: the Nth call that changes a file
 * kills or fails.
 *
 *   KILL_AT=N              SIGKILL before call N (from 0) is made
 *   FAIL_AT=N  FAIL_FROM=N that call, or it and all later ones, fail with FAIL_ERRNO (default ENOSPC) and
 *              change nothing
 *   COUNT_FILE=F           the number of calls, written to F at exit
 *
 * Counted: opening for writing, write, pwrite, fwrite, fflush, fclose, fsync, fdatasync, ftruncate, rename,
 * unlink, remove, mkdir, rmdir, of the program and of the libraries that it links dynamically; standard
 * streams do not count. With one thread and one order of folders the numbers repeat. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long n_calls;

static long number(const char *name)
{
    const char *s = getenv(name);
    return s && *s ? atol(s) : -1;
}

/* Count a call. 1: it is to fail, errno set. */
static int is_hit(void)
{
    long nr = __atomic_fetch_add(&n_calls, 1, __ATOMIC_SEQ_CST), from = number("FAIL_FROM"),
         why = number("FAIL_ERRNO");
    if (nr == number("KILL_AT"))
        kill(getpid(), SIGKILL);
    if (nr != number("FAIL_AT") && (from < 0 || nr < from))
        return 0;
    errno = why > 0 ? (int)why : ENOSPC;
    return 1;
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("COUNT_FILE");
    long n = n_calls;
    FILE *(*real)(const char *, const char *) =
        (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");
    FILE *f = path ? real(path, "w") : NULL;
    if (f)
        fprintf(f, "%ld\n", n);
    if (f)
        ((int (*)(FILE *))dlsym(RTLD_NEXT, "fclose"))(f);
}

#define REAL(name, type, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))
#define HOOK(type, name, bad, params, args, ...) \
    type name params \
    { \
        static type (*real)(__VA_ARGS__); \
        if (!real) \
            real = REAL(#name, type, __VA_ARGS__); \
        return is_hit() ? (type)(bad) : real args; \
    }

HOOK(ssize_t, pwrite, -1, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at), int, const void *,
     size_t, off_t)
HOOK(ssize_t, pwrite64, -1, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at), int, const void *,
     size_t, off64_t)
HOOK(int, fsync, -1, (int fd), (fd), int)
HOOK(int, fdatasync, -1, (int fd), (fd), int)
HOOK(int, ftruncate, -1, (int fd, off_t n), (fd, n), int, off_t)
HOOK(int, ftruncate64, -1, (int fd, off64_t n), (fd, n), int, off64_t)
HOOK(int, rename, -1, (const char *a, const char *b), (a, b), const char *, const char *)
HOOK(int, unlink, -1, (const char *a), (a), const char *)
HOOK(int, unlinkat, -1, (int fd, const char *a, int flags), (fd, a, flags), int, const char *, int)
HOOK(int, remove, -1, (const char *a), (a), const char *)
HOOK(int, mkdir, -1, (const char *a, mode_t mode), (a, mode), const char *, mode_t)
HOOK(int, rmdir, -1, (const char *a), (a), const char *)

ssize_t write(int fd, const void *p, size_t n)
{
    return fd > 2 && is_hit() ? -1 : REAL("write", ssize_t, int, const void *, size_t)(fd, p, n);
}
size_t fwrite(const void *p, size_t size, size_t n, FILE *f)
{
    return fileno(f) > 2 && is_hit()
        ? 0
        : REAL("fwrite", size_t, const void *, size_t, size_t, FILE *)(p, size, n, f);
}
int fflush(FILE *f) { return f && fileno(f) > 2 && is_hit() ? EOF : REAL("fflush", int, FILE *)(f); }

/* Files for reading are closed in peace: their closing changes nothing. */
int fclose(FILE *f)
{
    int fd = fileno(f), hit = fd > 2 && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY && is_hit(), why = errno;
    int rc = REAL("fclose", int, FILE *)(f);
    if (hit)
        errno = why;
    return hit ? EOF : rc;
}

#define OPEN(name, head, ...) \
    { \
        mode_t mode = 0; \
        if (flags & O_CREAT) { \
            va_list ap; \
            va_start(ap, flags); \
            mode = (mode_t)va_arg(ap, int); \
            va_end(ap); \
        } \
        return (flags & O_ACCMODE) != O_RDONLY && is_hit() \
            ? -1 \
            : REAL(name, int, head, int, ...)(__VA_ARGS__, flags, mode); \
    }
int open(const char *path, int flags, ...)
    OPEN("open", const char *, path) int open64(const char *path, int flags, ...)
        OPEN("open64", const char *, path)
