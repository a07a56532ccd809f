/* provenance.c - see provenance.h */
#include "provenance.h"

const char *ll_tool_version(void) { return "logitlens " LL_VERSION; }

const char *ll_compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}
