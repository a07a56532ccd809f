/* sink.c - the table of output formats (sinks.h). */
#include "sinks.h"

#include <stddef.h>

#define X(name) &ll_sink_##name,
const struct ll_sink_type *const ll_sinks[] = {LL_SINK_LIST(X) NULL};
#undef X
