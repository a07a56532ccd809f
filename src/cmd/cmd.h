/* cmd.h - the table of commands. A command is one file, cmd_<name>.c, and one row in cmd_list.h.
 *
 * Data goes to stdout or the named file, talk and progress to stderr. Exit codes: 0 done, 1 failed, 2 usage
 * or bad input, 3 unsupported model, 4 would not fit, 5 verification failed (fail.h). */
#ifndef LL_CMD_H
#define LL_CMD_H
#include "buf.h"
#include "cmd_list.h"
#include "fail.h"

struct ll_cmd {
    const char *name;
    const char *args;    /* "MODEL [TEXT]" */
    const char *summary; /* one line */
    const char *example; /* one worked example, may hold several lines */
    /* argv[0] is the command's name. Returns LL_OK or a code with *err filled in. */
    int (*run)(int argc, char **argv, struct ll_err *err);
    /* Append the option lines. */
    void (*options)(struct ll_buf *out);
};
extern const struct ll_cmd ll_cmds[];               /* name NULL at the end */
const struct ll_cmd *ll_cmd_find(const char *name); /* NULL: none of that name */

/* The whole program (program.c): find the command, run it, one line on stderr when it fails. Returns the exit
 * code. */
int ll_main(int argc, char **argv);

#define X(name, args, summary, example) \
    int ll_cmd_##name(int argc, char **argv, struct ll_err *err); \
    void ll_cmd_##name##_options(struct ll_buf *out);
LL_CMD_LIST(X)
#undef X
#endif
