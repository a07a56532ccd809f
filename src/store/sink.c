/* sink.c - the table of output formats. A format is a file with a `struct ll_sink_type` and a row here. */
#include "sinks.h"

#include <stddef.h>

const struct ll_sink_type *const ll_sinks[] = {
    &ll_sink_csv,
    &ll_sink_json,
    NULL,
};
