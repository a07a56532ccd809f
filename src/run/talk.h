/* talk.h - how a run shows that it is at work; who shows it is the caller's business. */
#ifndef LL_TALK_H
#define LL_TALK_H

struct ll_run_talk {
    int quiet; /* no lines on stderr about what goes well */
    void (*begin)(void *arg,
                  const char *what);      /* long work on this begins; NULL, with the two below: not shown */
    void (*show)(void *arg, double done); /* 0..1 of it */
    void (*end)(void *arg);
    void *arg;
};
#endif
