/* interrupt.h - Ctrl-C and kill, seen by long work between its steps. */
#ifndef LL_INTERRUPT_H
#define LL_INTERRUPT_H
#include <signal.h>

/* From now on the first SIGINT or SIGTERM sets the flag that is returned instead of ending the process; a
 * second one ends it at once. A signal that is ignored already (nohup, background jobs) stays so. */
const volatile sig_atomic_t *ll_interrupt_catch(void);
#endif
