/* tuned_cols.c - see tuned_cols.h */
#include "tuned_cols.h"

#define COLUMN(id, name, kind, unit, keep, doc) {name, kind, unit, LL_KEEP_##keep, doc},
static const struct ll_col variants_cols[] = {LL_TUNED_VARIANTS_COLUMNS(COLUMN)};
static const struct ll_col audit_cols[] = {LL_POS_AUDIT_COLUMNS(COLUMN)};

#define ONE(...) +1
const struct ll_schema ll_schema_tuned_variants = {
    .table = "tuned_variants",
    .file_suffix = LL_PURE_FILE "-tuned-variants.csv",
    .doc = "Tuned lens against its rotation or temperature alone (the original's files: Canada→Ottawa only).",
    .cols = variants_cols,
    .n_cols = LL_TV_COLS,
    .n_seed = 0 LL_TUNED_VARIANTS_SEED_COLUMNS(ONE)};
const struct ll_schema ll_schema_pos_audit = {
    .table = "positions_audit",
    .file_suffix = "-positions-tuned-audit.csv",
    .doc = "Tuned lens at positions along the prompt (the original's files: Canada→Ottawa only).",
    .cols = audit_cols,
    .n_cols = LL_PA_COLS,
    .n_seed = 0 LL_POS_AUDIT_SEED_COLUMNS(ONE)};
