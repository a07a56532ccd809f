/* provenance.h - what made an output. Nothing here varies between machines except the functions that say
 * so. */
#ifndef LL_PROVENANCE_H
#define LL_PROVENANCE_H
#define LL_VERSION "0.1.0"
#define LL_SEED 316                /* docs/experiment.md 13.4; the pass uses no randomness */
#define LL_SCHEMA_VERSION 1        /* of every --json output */
const char *ll_tool_version(void); /* "logitlens 0.1.0" */
const char *ll_compiler(void);     /* of this binary; goes to the run log only, not to compared files */
#endif
