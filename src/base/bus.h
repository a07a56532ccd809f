/* bus.h - a mapped file that is cut short while it is in use, or whose disk fails, ends in SIGBUS: one line
 * and exit 1. */
#ifndef LL_BUS_H
#define LL_BUS_H

/* From now on SIGBUS on a mapped file says on stderr which file, and ends the program at once with exit code
 * 1. No unfinished output gets its final name, and a run can be resumed, as after a kill. Call it once, at
 * the start of the program. */
void ll_bus_catch(void);
#endif
