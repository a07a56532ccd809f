/* tuned_cols.c - see tuned_cols.h */
#include "tuned_cols.h"

#define COLUMN(id, name, kind, unit, doc) {name, kind, unit, doc},
static const struct ll_col variants_cols[] = {LL_TUNED_VARIANTS_COLUMNS(COLUMN)};
static const struct ll_col audit_cols[] = {LL_POS_AUDIT_COLUMNS(COLUMN)};

#define ONE(...) +1
const struct ll_schema ll_schema_tuned_variants = {"tuned_variants", "-pure-next-token-tuned-variants.csv", variants_cols, LL_TV_COLS, 0 LL_TUNED_VARIANTS_SEED_COLUMNS(ONE), 0};
const struct ll_schema ll_schema_pos_audit = {"positions_audit", "-positions-tuned-audit.csv", audit_cols, LL_PA_COLS, 0 LL_POS_AUDIT_SEED_COLUMNS(ONE), 0};
