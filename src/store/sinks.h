/* sinks.h - the formats that sink.c lists; for src/store only. */
#ifndef LL_SINKS_H
#define LL_SINKS_H
#include "sink.h"

extern const struct ll_sink_type ll_sink_csv, ll_sink_json;
#endif
