/* sinks.h - the output formats, a row each: ll_sink_NAME in NAME_sink.c; for src/store only. */
#ifndef LL_SINKS_H
#define LL_SINKS_H
#include "sink.h"

#define LL_SINK_LIST(X) X(csv) X(json)

#define X(name) extern const struct ll_sink_type ll_sink_##name;
LL_SINK_LIST(X)
#undef X
#endif
