/* lines.c - see lines.h */
#include "lines.h"

#include <stdlib.h>

enum { LINE = 64 };

void *ll_lines_alloc(size_t bytes) { return aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE); }
