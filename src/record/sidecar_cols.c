/* sidecar_cols.c - see sidecar_cols.h */
#include "sidecar_cols.h"

#define COLUMN(id, name, kind, unit, doc) {name, kind, unit, doc},
static const struct ll_col milestones_cols[] = {LL_MILESTONES_COLUMNS(COLUMN)};
static const struct ll_col artifact_cols[] = {LL_ARTIFACT_COLUMNS(COLUMN)};
static const struct ll_col window_cols[] = {LL_WINDOW_COLUMNS(COLUMN)};

const struct ll_schema ll_schema_milestones = {"milestones", "-milestones.csv", milestones_cols, LL_MS_COLS, LL_MS_COLS};
const struct ll_schema ll_schema_artifact = {"artifact_audit", "-artifact-audit.csv", artifact_cols, LL_ART_COLS, LL_ART_COLS};
const struct ll_schema ll_schema_window = {"rawlens_window", "-pure-next-token-rawlens-window.csv", window_cols, LL_WIN_COLS, LL_WIN_COLS};
