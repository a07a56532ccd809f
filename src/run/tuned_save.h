/* tuned_save.h - a fitted lens as a folder in the published layout (ckpt/tuned_file.h). */
#ifndef LL_TUNED_SAVE_H
#define LL_TUNED_SAVE_H
#include "fail.h"

#include <stddef.h>

struct ll_tuned_new {
    const char *config; /* the text of config.json; all borrowed */
    size_t n_config;
    const float *W, *b; /* [n_layers, d_model, d_model], [n_layers, d_model] */
    int n_layers, d_model;
};
/* The folder is written under a temporary name beside dir and renamed when complete; dir must be absent or an
 * empty folder (ll_tuned_can_save says so before the work). LL_OK, LL_EUSAGE or LL_EFAIL. */
int ll_tuned_save(const char *dir, const struct ll_tuned_new *lens, struct ll_err *err);
int ll_tuned_can_save(const char *dir, struct ll_err *err);
#endif
