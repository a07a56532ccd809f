/* replay.h - the command line of a run, kept in its folder as .command so that it can be given again.
 *
 *   {"folder": where it was given, "options": [...], "experiment": "...", "models": [...]}
 *
 * It holds machine paths, so it is no output: hidden, in no manifest, never compared. */
#ifndef LL_REPLAY_H
#define LL_REPLAY_H
#include "fail.h"

/* The words of a command line; all borrowed. */
struct ll_command_line {
    int argc;
    char **argv;             /* as given; argv[0]: "run" */
    const char *const *args; /* those of argv that are not options: the experiment, then models */
    int n_args;
    const char *const *more; /* options that the environment stands for */
    int n_more;
};
/* Write it into the run folder. LL_OK or LL_EFAIL. */
int ll_replay_write(const char *folder, const struct ll_command_line *line, struct ll_err *err);
/* Run it again, as the run in `folder` says, with `more` options behind (they count instead of earlier ones
 * of the same name; --resume is left out). experiment: another file in its place (NULL: the recorded one);
 * models[n_models] in place of the recorded ones (0: those). The working folder is the recorded one
 * meanwhile. LL_EUSAGE when nothing is recorded. */
struct ll_replay {
    const char *folder, *experiment;
    const char *const *models;
    int n_models;
    const char *const *more;
    int n_more;
    int (*run)(int argc, char **argv, struct ll_err *err); /* the command itself */
};
int ll_replay_run(const struct ll_replay *r, struct ll_err *err);
#endif
