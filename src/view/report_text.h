/* report_text.h - a diagnostic's report as people read it, written twice: for a terminal and as Markdown. */
#ifndef LL_REPORT_TEXT_H
#define LL_REPORT_TEXT_H
#include "buf.h"
#include "criteria.h"

/* {0} is an empty report. */
struct ll_report_text {
    struct ll_buf screen;   /* for stdout; owned */
    struct ll_buf markdown; /* owned */
};
/* The same words into both. */
void ll_report_say(struct ll_report_text *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The criteria of one section of the report, one line each. */
void ll_report_criteria(struct ll_report_text *r, const struct ll_criteria *c, int section);
int ll_report_text_ok(const struct ll_report_text *r, struct ll_err *err); /* as ll_buf_ok */
void ll_report_text_free(struct ll_report_text *r);
#endif
