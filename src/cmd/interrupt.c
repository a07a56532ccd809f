/* interrupt.c - see interrupt.h */
#include "interrupt.h"

#include <stddef.h>

static volatile sig_atomic_t interrupted; /* set by the handler, hence not an argument */

static void on_signal(int nr)
{
    (void)nr;
    interrupted = 1;
}

const volatile sig_atomic_t *ll_interrupt_catch(void)
{
    static const int nrs[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        struct sigaction old, ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
        if (!sigaction(nrs[i], NULL, &old) && old.sa_handler != SIG_IGN)
            sigaction(nrs[i], &ours, NULL);
    }
    return &interrupted;
}
