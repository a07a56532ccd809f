/* tuned_open.c - see tuned_open.h */
#include "tuned_open.h"

#include "tuned_file.h"

#include <stdlib.h>
#include <string.h>

int ll_lens_choice(const char *lens, const char *norm, enum ll_lens_kind *kind, const char **dir,
                   struct ll_err *err)
{
    static const char head[] = "tuned:";
    int is_tuned = !strncmp(lens, head, sizeof head - 1) && lens[sizeof head - 1],
        is_raw = !strcmp(lens, "raw");
    if (!is_tuned && !is_raw && strcmp(lens, "norm"))
        return ll_fail(err, LL_EUSAGE, "--lens: expected norm, raw or tuned:DIR, found \"%s\"", lens);
    *kind = is_raw ? LL_LENS_RAW : (enum ll_lens_kind)ll_lens_by_name(norm);
    *dir = is_tuned ? lens + sizeof head - 1 : NULL;
    if (is_tuned && *kind == LL_LENS_RAW)
        return ll_fail(err, LL_EUSAGE,
                       "--lens tuned: expected a norm behind the translator, found --norm raw");
    return LL_OK;
}

static void release(void *file) { ll_tuned_file_close(file); }

static struct ll_mat as_matrix(const struct ll_tensor *t)
{
    return (struct ll_mat){.type = t->dtype,
                           .data = t->data,
                           .row_bytes = ll_wtype_row_bytes(t->dtype, (int)t->dims[1]),
                           .n = (int)t->dims[0],
                           .k = (int)t->dims[1]};
}

static int make(struct ll_tuned **t, struct ll_tuned_file *f, const struct ll_model *model,
                struct ll_err *err)
{
    size_t n = (size_t)f->n_layers, d = (size_t)f->d_model;
    struct ll_translator *layers = calloc(n, sizeof *layers);
    float *b = malloc(sizeof *b * n * d);
    int rc = layers && b ? LL_OK : ll_fail_mem(err, "tuned lens", sizeof *b * n * d);
    for (size_t l = 0; l < n && !rc; l++) {
        layers[l].W = as_matrix(f->weight[l]);
        if (!f->bias[l])
            continue;
        ll_dtype_info(f->bias[l]->dtype)->to_f32(f->bias[l]->data, b + l * d, d);
        layers[l].b = b + l * d;
    }
    if (!rc)
        rc = ll_tuned_make(t, model, layers, f->n_layers, f, release, err);
    free(layers);
    free(b);
    return rc;
}

int ll_tuned_open(struct ll_tuned **t, const char *dir, const struct ll_model *model, struct ll_err *err)
{
    struct ll_tuned_file *f;
    *t = NULL;
    int rc = ll_tuned_file_open(&f, dir, err);
    if (rc)
        return rc;
    if (f->d_model != model->d_model || f->n_layers != model->n_layers)
        rc = ll_fail(
            err, LL_EUSAGE,
            "%s: expected a tuned lens for %d layers of width %d (%s), found one for %d layers of width %d",
            dir, model->n_layers, model->d_model, model->ckpt->clean, f->n_layers, f->d_model);
    else
        rc = make(t, f, model, err);
    if (rc)
        ll_tuned_file_close(f);
    return rc;
}
