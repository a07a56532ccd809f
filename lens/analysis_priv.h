/* analysis_priv.h - what the parts of the analysis share. */
#ifndef LL_ANALYSIS_PRIV_H
#define LL_ANALYSIS_PRIV_H
#include "analysis.h"
#include "reading.h"

enum { LL_N_TEMPERATURES = 25 };
/* The i-th of 25 log-spaced values in [1/span, span]; the middle one (12) is exactly 1. */
double ll_temperature(double span, int i);

/* Ids and temperatures in range, else LL_EUSAGE. */
int ll_analysis_check(const struct ll_analysis *job, struct ll_err *err);
/* The model's own logits into own[d_vocab], and a reader that measures against them. e: [d_vocab] scratch.
 * LL_OK, LL_EUSAGE (not finite) or LL_EFAIL (memory). */
int ll_analysis_own(const struct ll_analysis *job, struct ll_reader *reader, float *own, double *e,
                    struct ll_err *err);
long long ll_analysis_buffer(const struct ll_analysis *job);
#endif
