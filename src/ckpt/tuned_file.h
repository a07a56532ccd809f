/* tuned_file.h - a tuned lens as the tuned-lens package publishes it: a folder with config.json and
 * params.pt.
 *
 *     config.json         base_model_name_or_path, d_model, num_hidden_layers, bias, base_model_revision,
 *                         unembed_hash, lens_type "linear_tuned_lens"; further keys pass
 *     params.pt           torch.save of {"0.weight": [d, d], "0.bias": [d], "1.weight": ...} (torch_file.h)
 *     params.safetensors  instead of params.pt: the same names
 *
 * Everything in the files is hostile until checked; no pickle is executed. Where both
 * params files are there, params.safetensors is read. Source: tuned-lens package, TunedLensConfig and
 * TunedLens.save. */
#ifndef LL_TUNED_FILE_H
#define LL_TUNED_FILE_H
#include "ckpt.h"

struct ll_tuned_file {
    struct ll_settings *config; /* owned */
    int d_model, n_layers, has_bias;
    const struct ll_tensor *
        *weight; /* [n_layers] each [d_model, d_model], row-major; owned list of borrowed tensors */
    const struct ll_tensor **bias; /* [n_layers] each [d_model]; NULL entries without bias */
    const char *params_name;       /* "params.pt" or "params.safetensors" */
    void *params;                  /* owned: what the tensors are borrowed from */
};

/* Returns LL_OK, LL_EUSAGE (missing or broken: file, field, expected, found; values not finite), LL_EUNSUP
 * (lens_type or storage type not known) or LL_EFAIL. After a failure there is nothing to free. */
int ll_tuned_file_open(struct ll_tuned_file **f, const char *dir, struct ll_err *err);
void ll_tuned_file_close(struct ll_tuned_file *f); /* NULL is fine */
#endif
