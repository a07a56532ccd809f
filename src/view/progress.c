/* progress.c - see progress.h */
#include "progress.h"

#include "cells.h"
#include "human.h"
#include "stats.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void ll_progress_start(struct ll_progress *p, const char *label, int quiet)
{
    *p = (struct ll_progress){.label = label, .t0 = ll_now_s(), .on = !quiet && isatty(STDERR_FILENO)};
}

void ll_progress_show(struct ll_progress *p, double done)
{
    enum {
        LABEL = 18,
        BAR = 20
    }; /* the whole line stays below 80 columns: a wrapped line cannot be redrawn */
    double now = ll_now_s(), gone = now - p->t0;
    if (!p->on || gone < 2 || now - p->last < 0.1)
        return;
    struct ll_buf line = {0};
    char b[24];
    double left = done > 1e-6 ? gone * (1 - done) / done : 0;
    ll_buf_adds(&line, "\r\033[K");
    ll_put_cell(&line, p->label, strlen(p->label), LABEL, 1);
    ll_buf_adds(&line, " [");
    ll_put_bar(&line, done, BAR);
    ll_buf_addf(&line, "] %3.0f %%  %.2g %%/s  %s left", 100 * done, 100 * done / gone,
                ll_human_time(left, b));
    if (!line.failed)
        fwrite(line.s, 1, line.len, stderr);
    fflush(stderr);
    ll_buf_free(&line);
    p->last = now;
    p->shown = 1;
}

void ll_progress_tick(void *bar, double done) { ll_progress_show(bar, done); }

void ll_progress_end(struct ll_progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    fflush(stderr);
    p->on = p->shown = 0;
}
