/* lens_report.c - see lens_report.h */
#include "lens_report.h"

int ll_lens_main_slot(const struct ll_lens_report *r) { return r->answers->n ? r->answers->v[0].slot : -1; }
