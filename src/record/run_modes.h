/* run_modes.h - choices of a run that its outputs name. */
#ifndef LL_RUN_MODES_H
#define LL_RUN_MODES_H

enum ll_tuned_mode { LL_TUNED_OFF, LL_TUNED_AUTO, LL_TUNED_REQUIRE };
#define LL_TUNED_CHOICES "off|auto|require"
enum ll_repeat_mode {
    LL_REPEAT_AUTO, /* a second pass only where decoding the rows again did not give the same
                       (docs/experiment.md 9.3) */
    LL_REPEAT_ALWAYS,
    LL_REPEAT_OFF
};
#define LL_REPEAT_CHOICES "auto|always|off"
const char *ll_tuned_mode_name(enum ll_tuned_mode m);   /* "off", "auto", "require" */
const char *ll_repeat_mode_name(enum ll_repeat_mode m); /* "auto", "always", "off" */
#endif
