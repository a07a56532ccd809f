/* memory_facts.h - the plan of a model's memory as facts of its document. */
#ifndef LL_MEMORY_FACTS_H
#define LL_MEMORY_FACTS_H
#include "document.h"
#include "memory_plan.h"

struct ll_doc_fit ll_memory_facts(const struct ll_memory_plan *plan);
/* The same as text, appended: for the key of what shapes the outputs. */
void ll_memory_facts_text(const struct ll_memory_plan *plan, struct ll_buf *out);
#endif
