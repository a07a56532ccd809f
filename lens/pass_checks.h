/* pass_checks.h - checks of a pass that decode its residuals again: its last row against the model's own
 * output, its rows a second time, and its milestones through the norms on either side
 * (docs/experiment.md 9.1, 9.2, 9.9). */
#ifndef LL_PASS_CHECKS_H
#define LL_PASS_CHECKS_H
#include "analysis.h"
#include "milestones.h"

enum { LL_MAX_POINTS = 6 };
struct ll_pass_checks {
    struct ll_last_row last;
    struct ll_repeatability repeat;
    const char *point_names[LL_MAX_POINTS]; /* of the milestones; constants */
    struct ll_decoding_point points[LL_MAX_POINTS];
    int n_points; /* 0: the family lacks a norm, or there is no milestone behind a block */
};
/* job: as ll_analysis_run took it for this pass; s, m: what it found. LL_OK, or as those of analysis.h. */
int ll_pass_checks_run(struct ll_pass_checks *out, const struct ll_analysis *job,
                       const struct ll_pass_stats *s, const struct ll_pass_milestones *m, struct ll_err *err);
#endif
