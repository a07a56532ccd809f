/* sidecar_cols.c - see sidecar_cols.h */
#include "sidecar_cols.h"

#define COLUMN(id, name, kind, unit, keep, doc) {name, kind, unit, LL_KEEP_##keep, doc},
static const struct ll_col milestones_cols[] = {LL_MILESTONES_COLUMNS(COLUMN)};
static const struct ll_col artifact_cols[] = {LL_ARTIFACT_COLUMNS(COLUMN)};
static const struct ll_col window_cols[] = {LL_WINDOW_COLUMNS(COLUMN)};
static const struct ll_col positions_cols[] = {LL_POSITIONS_COLUMNS(COLUMN)};

const struct ll_schema ll_schema_milestones = {
    .table = "milestones",
    .file_suffix = "-milestones.csv",
    .doc = "The four citation rows: strict copy, soft copy, semantic, confirmed.",
    .cols = milestones_cols,
    .n_cols = LL_MS_COLS,
    .n_seed = LL_MS_COLS};
const struct ll_schema ll_schema_artifact = {.table = "artifact_audit",
                                             .file_suffix = "-artifact-audit.csv",
                                             .doc = "Lens artefacts; layer null is the file's _summary row.",
                                             .cols = artifact_cols,
                                             .n_cols = LL_ART_COLS,
                                             .n_seed = LL_ART_COLS};
const struct ll_schema ll_schema_window = {.table = "rawlens_window",
                                           .file_suffix = LL_PURE_FILE "-rawlens-window.csv",
                                           .doc = "Raw and norm lens near the milestones, a row each.",
                                           .cols = window_cols,
                                           .n_cols = LL_WIN_COLS,
                                           .n_seed = LL_WIN_COLS};
const struct ll_schema ll_schema_positions = {
    .table = "positions",
    .file_suffix = "-positions.csv",
    .doc = "The prompt's own next token at positions along it, row by row: rank and probability "
           "(at the last position the answer's).",
    .cols = positions_cols,
    .n_cols = LL_POS_COLS};
