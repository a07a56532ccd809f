/* memory.h - has memory run out while text was made?
 *
 * A growing buffer or a JSON tree that could not be made leaves a gap in whatever is built from it: a token
 * without its text, a member that looks absent. The gap may be far from where the result is written, so it is
 * noted here for the whole process, and nothing leaves the program afterwards: ll_buf_ok and
 * ll_outfile_commit refuse, and every sink, journal and printer asks one of them. Arrays are not noted:
 * whoever asks for one has its NULL in hand and says so. This is the program's one piece of state that
 * changes: like errno, it is about the process and not about a model. */
#ifndef LL_MEMORY_H
#define LL_MEMORY_H
#include "fail.h"

void ll_memory_note(void);            /* an allocation for text failed; from any thread */
int ll_memory_ran_out(void);          /* 1 once it was noted */
int ll_memory_ok(struct ll_err *err); /* LL_OK, or LL_EFAIL with the reason once it was noted */
#endif
