/* opt.h - command-line options from a table: parsing, checking and the help text come from the same rows. */
#ifndef LL_OPT_H
#define LL_OPT_H
#include "buf.h"
#include "fail.h"

enum ll_opt_kind { LL_OPT_FLAG, LL_OPT_INT, LL_OPT_NUM, LL_OPT_STR, LL_OPT_LIST };

/* Target of LL_OPT_LIST: an option that may be given several times. Texts borrowed from argv, in order. */
enum { LL_OPT_LIST_MAX = 64 };
struct ll_opt_list {
    const char *v[LL_OPT_LIST_MAX];
    int n;
};

struct ll_opt {
    const char *name; /* "--top-k"; NULL ends the table */
    enum ll_opt_kind kind;
    void *target;     /* int * (FLAG: set to 1; INT), double * (NUM), const char ** (STR, borrowed from argv),
                         struct ll_opt_list * */
    const char *arg;  /* "N", shown in the help; NULL for flags */
    const char *help; /* one line; the default is shown from the target's value */
    double lo, hi;    /* range of INT and NUM; both 0: any */
    const char *choices; /* STR: "a|b|c", anything else is refused; NULL: any text */
};

/* Parse argv[1..argc-1] (argv[0]: the command's name). Options may stand anywhere, "--name value" or
 * "--name=value"; "--" ends them. Everything else goes to args[] (at most max_args, *n_args of them,
 * borrowed). Returns LL_OK or LL_EUSAGE naming the option, expected and found. */
int ll_opt_parse(const struct ll_opt *opts, int argc, char **argv, const char **args, int max_args,
                 int *n_args, struct ll_err *err);
/* What a command line has beside its options. */
struct ll_args {
    const char **v;       /* [most] place for them; borrowed, and so are the texts */
    int least, most;      /* how many there must and may be */
    const char *expected; /* what is missing where there are fewer: "a model" */
    int n;                /* how many there are */
};
/* ll_opt_parse, and LL_EUSAGE "NAME: expected ... (see: logitlens help NAME)" for fewer than a->least. */
int ll_opt_args(const struct ll_opt *opts, int argc, char **argv, struct ll_args *a, struct ll_err *err);
/* That LL_EUSAGE, for a command named name. */
int ll_opt_expected(const char *name, const char *expected, struct ll_err *err);
/* Append the table as help lines of at most 80 columns; call before parsing, so that targets hold the
 * defaults. */
void ll_opt_help(const struct ll_opt *opts, struct ll_buf *out);
#endif
