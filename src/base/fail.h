/* fail.h - how a function says what went wrong.
 *
 * A function that can fail returns 0 (LL_OK) or one of the negative codes below and takes a
 * `struct ll_err *err` as its last argument. The reason is stated once, where it happens, with the file,
 * field or offset at fault, what was expected and what was found; callers pass it up untouched or put one
 * word of context in front. Libraries never print and never exit; a command turns the error into one line on
 * stderr and an exit code (ll_exit_code).
 *
 * err may be NULL, everywhere: the caller wants the code alone. So a function only passes on the err it was
 * given; one that needs the reason of a call gives that call an err of its own. */
#ifndef LL_FAIL_H
#define LL_FAIL_H
#include <stdarg.h>

enum ll_code {
    LL_OK = 0,
    LL_EFAIL = -1,  /* the system said no (I/O, memory, disk full)        exit 1 */
    LL_EUSAGE = -2, /* wrong usage or bad input (arguments, broken files)  exit 2 */
    LL_EUNSUP = -3, /* a valid model that this program does not support    exit 3 */
    LL_EFIT = -4,   /* would not fit into memory                           exit 4 */
    LL_ECHECK = -5, /* a verification or criterion failed                  exit 5 */
};

struct ll_err {
    int code;
    char msg[1024]; /* one line, no line end */
};

/* Fill *err with a printf-style reason; the first reason stays. Returns code. */
int ll_fail(struct ll_err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Put "what: " in front of the reason. Returns err->code (or LL_EFAIL when err is NULL). */
int ll_context(struct ll_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The standard reason for a failed allocation of `bytes` for `what`. Where err is NULL the reason would
 * be lost, so it is noted for the whole process (memory.h). */
int ll_fail_mem(struct ll_err *err, const char *what, unsigned long long bytes);
/* The code in err; `otherwise` where err is NULL. For callers of what gives NULL for a failure. */
int ll_err_code(const struct ll_err *err, int otherwise);
/* The code of an open or opendir that left this errno: LL_EFAIL where the machine has no room for it (memory,
 * handles), else LL_EUSAGE, as the path is the user's. */
int ll_open_code(int errno_value);
/* Exit code of the process for a result code: 0 for LL_OK, else 1..5. */
int ll_exit_code(int code);
#endif
