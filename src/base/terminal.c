/* terminal.c - see terminal.h */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct ll_term ll_term_of(FILE *f)
{
    struct ll_term t = {0, 80};
    struct winsize w;
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    if (isatty(fileno(f))) {
        t.colour = !(no && *no) && term && strcmp(term, "dumb");
        if (!ioctl(fileno(f), TIOCGWINSZ, &w) && w.ws_col >= 40)
            t.width = w.ws_col;
    }
    return t;
}

static const char *const styles[] = {
    [LL_PLAIN] = "\033[0m",    [LL_BOLD] = "\033[1m",    [LL_DIM] = "\033[2m",
    [LL_GREEN] = "\033[1;32m", [LL_YELLOW] = "\033[33m", [LL_CYAN] = "\033[36m"};

void ll_style(struct ll_buf *out, const struct ll_term *t, enum ll_style s)
{
    if (t->colour)
        ll_buf_adds(out, styles[s]);
}

size_t ll_style_len(const char *s)
{
    for (size_t i = 0; isatty(STDOUT_FILENO) && i < sizeof styles / sizeof *styles; i++)
        if (!strncmp(s, styles[i], strlen(styles[i])))
            return strlen(styles[i]);
    return 0;
}

int ll_stdout_columns(void) { return isatty(fileno(stdout)) ? ll_term_of(stdout).width : 0; }
