/* sidecar_cols.c - see sidecar_cols.h */
#include "sidecar_cols.h"

#define COLUMN(id, name, kind, unit, doc) {name, kind, unit, doc},
static const struct ll_col milestones_cols[] = {LL_MILESTONES_COLUMNS(COLUMN)};
static const struct ll_col artifact_cols[] = {LL_ARTIFACT_COLUMNS(COLUMN)};
static const struct ll_col window_cols[] = {LL_WINDOW_COLUMNS(COLUMN)};
static const struct ll_col positions_cols[] = {LL_POSITIONS_COLUMNS(COLUMN)};

const struct ll_schema ll_schema_milestones = {.table = "milestones", .file_suffix = "-milestones.csv", .cols = milestones_cols, .n_cols = LL_MS_COLS, .n_seed = LL_MS_COLS};
const struct ll_schema ll_schema_artifact = {.table = "artifact_audit", .file_suffix = "-artifact-audit.csv", .cols = artifact_cols, .n_cols = LL_ART_COLS, .n_seed = LL_ART_COLS};
const struct ll_schema ll_schema_window = {.table = "rawlens_window", .file_suffix = "-pure-next-token-rawlens-window.csv", .cols = window_cols, .n_cols = LL_WIN_COLS, .n_seed = LL_WIN_COLS};
const struct ll_schema ll_schema_positions = {.table = "positions", .file_suffix = "-positions.csv", .cols = positions_cols, .n_cols = LL_POS_COLS};
