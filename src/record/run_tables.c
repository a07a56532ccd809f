/* run_tables.c - see run_tables.h */
#include "run_tables.h"

#include "sidecar_cols.h"
#include "tuned_cols.h"

const struct ll_schema *const ll_run_tables[] = {&ll_schema_records,
                                                 &ll_schema_pure,
                                                 &ll_schema_rawlens,
                                                 &ll_schema_answers,
                                                 &ll_schema_positions,
                                                 &ll_schema_milestones,
                                                 &ll_schema_artifact,
                                                 &ll_schema_tuned_variants,
                                                 &ll_schema_pos_audit,
                                                 &ll_schema_window,
                                                 NULL};
