/* dispatch.c - which kernels run: plain always exists, the best unit this processor has replaces it. */
#include "kernels.h"

#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

struct choice {
    const struct ll_kernels *kern;
    int present; /* this processor has it */
};

#if defined(__x86_64__)
/* Older clang does not know the name "f16c"; asking for "avx2" includes that the system saves the
 * registers. */
static int have_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
static int have_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && have_f16c();
}
static int have_avx512(void)
{
    return have_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

const struct ll_kernels *ll_kernels_choose(struct ll_err *err)
{
    /* rising: the last one present wins */
    const struct choice choices[] = {
        {&ll_kernels_plain, 1},
#if defined(__x86_64__)
        {&ll_kernels_avx2, have_avx2()},
        {&ll_kernels_avx512, have_avx512()},
#elif defined(__aarch64__)
        {&ll_kernels_neon, 1},
#endif
    };
    const int n = (int)(sizeof choices / sizeof *choices);
    const char *want = getenv("LL_ENGINE_ISA");
    if (!want || !*want) {
        int best = 0;
        for (int i = 1; i < n; i++)
            if (choices[i].present)
                best = i;
        return choices[best].kern;
    }
    for (int i = 0; i < n; i++)
        if (!strcmp(want, choices[i].kern->name)) {
            if (choices[i].present)
                return choices[i].kern;
            ll_fail(err, LL_EUSAGE, "LL_ENGINE_ISA=%s: this processor does not have it", want);
            return NULL;
        }
    ll_fail(
        err, LL_EUSAGE,
        "LL_ENGINE_ISA=%s: unknown vector unit (plain, avx2, avx512, neon, as far as this build has them)",
        want);
    return NULL;
}
