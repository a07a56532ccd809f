/* human.h - sizes, counts and times in a form that is read at a glance. */
#ifndef LL_HUMAN_H
#define LL_HUMAN_H

/* "1.5 GB", "730 kB"; powers of 1000. out: at least 16 bytes. */
const char *ll_human_bytes(double bytes, char out[16]);
const char *ll_human_count(double n, char out[16]);
/* "0.8 s", "3 min 20 s" */
const char *ll_human_time(double s, char out[24]);
#endif
