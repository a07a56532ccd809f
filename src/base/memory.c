/* memory.c - see memory.h */
#include "memory.h"

#include <stdatomic.h>

static atomic_int ran_out;

void ll_memory_note(void) { atomic_store(&ran_out, 1); }
int ll_memory_ran_out(void) { return atomic_load(&ran_out); }

int ll_memory_ok(struct ll_err *err)
{
    return ll_memory_ran_out()
        ? ll_fail(err, LL_EFAIL, "out of memory: text is missing, so nothing was written")
        : LL_OK;
}
