/* progress.h - one line on stderr about long work. */
#ifndef LL_PROGRESS_H
#define LL_PROGRESS_H

/* One progress line on stderr, shown only on a terminal, only after two seconds, not with --quiet. */
struct ll_progress {
    const char *label;
    double t0, last;
    int on, shown;
};
void ll_progress_start(struct ll_progress *p, const char *label, int quiet);
void ll_progress_show(struct ll_progress *p, double done /* 0..1 */);
void ll_progress_tick(void *bar, double done); /* the same, as a callback */
void ll_progress_end(struct ll_progress *p);   /* clears the line */
#endif
