/* program.c - the program's main routine: find the command, run it, say on one line why it failed. */
#include "cmd.h"
#include "help.h"
#include "json_tree.h"
#include "memory.h"
#include "print.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return 1;
    return 0;
}

static int dispatch(int argc, char **argv, struct ll_err *err)
{
    if (argc < 2) {
        ll_help(NULL, err);
        return ll_fail(err, LL_EUSAGE, "expected a command");
    }
    const char *name = argv[1];
    if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
        return ll_help(argc > 2 ? argv[2] : NULL, err);
    if (!strcmp(name, "--version") || !strcmp(name, "version"))
        return ll_help_version(err);
    const struct ll_cmd *c = ll_cmd_find(name);
    if (!c)
        return ll_fail(err, LL_EUSAGE, "unknown command \"%s\" (see: logitlens help)", name);
    if (wants_help(argc - 1, argv + 1))
        return ll_help(name, err);
    return c->run(argc - 1, argv + 1, err);
}

/* A file that we open must not get the number of a standard stream that the caller closed: what is printed
 * would go into it. The places are taken by descriptors that fail when they are used. */
static void take_closed_streams(void)
{
    static const int flags[] = {O_WRONLY, O_RDONLY, O_WRONLY /* what is written there is lost */};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags[fd]) != fd)
            break;
}

int ll_main(int argc, char **argv)
{
    struct ll_err err = {0};
    take_closed_streams();
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is then a failed write like a full disk */
    ll_json_watch_memory();
    int rc = dispatch(argc, argv, &err);
    if (!rc && (fflush(stdout) || ferror(stdout))) /* in whichever function it was printed */
        rc = ll_fail(&err, LL_EFAIL, "standard output: %s", strerror(errno));
    if (ll_memory_ran_out() && rc != LL_EFAIL) { /* any other message is a consequence of it */
        struct ll_err short_of = {0};
        rc = ll_memory_ok(&short_of);
        err = short_of;
    }
    if (rc)
        ll_say_line("logitlens: %s", *err.msg ? err.msg : "failed without a reason");
    return ll_exit_code(rc);
}
