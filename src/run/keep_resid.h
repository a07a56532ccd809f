/* keep_resid.h - the main pass's raw residuals as files beside the tables (--keep-residuals).
 *
 * "<stem>_<LL>_resid.bin", LL = lens row 00..n_layers: what the lens read before its norm, all positions kept
 * (row-major, position by position; the last only with last_position_only), float32 behind a count
 * (refstack.h, ll_bin_write). */
#ifndef LL_KEEP_RESID_H
#define LL_KEEP_RESID_H
#include "sweep.h"

/* Write all rows of r. After a failure none is left. */
int ll_keep_resid(const char *folder, const char *stem, const struct ll_sweep_result *r, struct ll_err *err);
/* Remove the files of rows 0..n_rows-1 that are there. */
void ll_drop_resid(const char *folder, const char *stem, int n_rows);
#endif
