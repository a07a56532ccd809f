/* run_modes.c - see run_modes.h */
#include "run_modes.h"

const char *ll_tuned_mode_name(enum ll_tuned_mode m)
{
    static const char *const names[] = {
        [LL_TUNED_OFF] = "off", [LL_TUNED_AUTO] = "auto", [LL_TUNED_REQUIRE] = "require"};
    return names[m];
}

const char *ll_repeat_mode_name(enum ll_repeat_mode m)
{
    static const char *const names[] = {
        [LL_REPEAT_AUTO] = "auto", [LL_REPEAT_ALWAYS] = "always", [LL_REPEAT_OFF] = "off"};
    return names[m];
}
