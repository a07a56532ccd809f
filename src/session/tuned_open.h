/* tuned_open.h - a tuned lens from its folder, checked against the model it will read. */
#ifndef LL_TUNED_OPEN_H
#define LL_TUNED_OPEN_H
#include "session.h"
#include "tuned.h"

/* What --lens says: "norm" (the kind that --norm names), "raw", or "tuned:DIR" (that kind's norm after the
 * translators): *kind, and *dir (borrowed; NULL: not tuned). LL_OK, or LL_EUSAGE for anything else. */
int ll_lens_choice(const char *lens, const char *norm, enum ll_lens_kind *kind, const char **dir,
                   struct ll_err *err);
/* Open the folder (ckpt/tuned_file.h) for this model. Returns LL_OK, LL_EUSAGE (files missing or broken, or
 * made for a model of another width or depth), LL_EUNSUP (another kind of lens) or LL_EFAIL; *t then NULL.
 * Free with ll_tuned_free. */
int ll_tuned_open(struct ll_tuned **t, const char *dir, const struct ll_model *model, struct ll_err *err);
#endif
