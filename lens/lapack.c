/* lapack.c - see lapack.h */
#include "lapack.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* In the order tried; the names that systems give an OpenBLAS with LAPACK in it. */
static const char *const names[] = {"libopenblas.so.0", "libopenblas.so", "libopenblas.0.dylib",
                                    "libopenblas.dylib"};

static const char one_thread[] = "OPENBLAS_NUM_THREADS";

/* OpenBLAS maps one buffer of this many bytes a thread and tries for ever where it cannot; with what its code
 * needs. */
static const size_t ROOM = (size_t)192 << 20;

static int has_room(struct ll_err *err)
{
    void *p = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return ll_fail_mem(err, "OpenBLAS", ROOM);
    munmap(p, ROOM);
    return LL_OK;
}

/* The library starts its threads while it is loaded, as many as the environment says. */
static void *load(void)
{
    const char *set = getenv(one_thread);
    char *was = set ? strdup(set) : NULL;
    void *lib = NULL;
    if ((set && !was) || setenv(one_thread, "1", 1)) {
        free(was);
        return NULL;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names && !lib; i++)
        lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (was)
        setenv(one_thread, was, 1);
    else
        unsetenv(one_thread);
    free(was);
    return lib;
}

int ll_lapack_open(struct ll_lapack *lapack, struct ll_err *err)
{
    void (*set_threads)(int) = NULL;
    memset(lapack, 0, sizeof *lapack);
    if (has_room(err))
        return LL_EFAIL;
    if (!(lapack->library = load()))
        return ll_fail(err, LL_EFAIL, "cannot open OpenBLAS (%s), which solves the equations: %s", names[0],
                       dlerror());
    /* POSIX promises that a function's address survives the way through void *; ISO C has no cast for it. */
    *(void **)&lapack->dposv = dlsym(lapack->library, "dposv_");
    *(void **)&set_threads = dlsym(lapack->library, "openblas_set_num_threads");
    if (!lapack->dposv || !set_threads) {
        ll_lapack_close(lapack);
        return ll_fail(err, LL_EFAIL,
                       "OpenBLAS: expected one with LAPACK (dposv_, openblas_set_num_threads), found none");
    }
    set_threads(1); /* also where something else had loaded it before */
    return LL_OK;
}

void ll_lapack_close(struct ll_lapack *lapack)
{
    if (lapack->library)
        dlclose(lapack->library);
    memset(lapack, 0, sizeof *lapack);
}
