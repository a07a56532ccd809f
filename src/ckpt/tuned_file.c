/* tuned_file.c - see tuned_file.h */
#include "tuned_file.h"

#include "safetensors.h"
#include "torch_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_D_MODEL = 1 << 20, MAX_LAYERS = 1 << 14, BAD_NAME = -1 };

/* What the tensors are borrowed from. */
struct params {
    struct ll_map map;
    struct ll_torch_file torch;
    struct ll_st_header st;
    const struct ll_tensor *tensors;
    int n_tensors;
};

static const struct ll_settings_row rows[] = {
    {"base_model_name_or_path", LL_SET_STR, 0, 0, 0},
    {"d_model", LL_SET_INT, 1, MAX_D_MODEL, 1},
    {"num_hidden_layers", LL_SET_INT, 1, MAX_LAYERS, 1},
    {"bias", LL_SET_BOOL, 0, 0, 0},
    {"base_model_revision", LL_SET_STR, 0, 0, 0},
    {"unembed_hash", LL_SET_STR, 0, 0, 0},
    {"lens_type", LL_SET_STR, 0, 0, 0},
    {NULL, 0, 0, 0, 0},
};

static int read_config(struct ll_tuned_file *f, const char *dir, struct ll_err *err)
{
    char *path = ll_path_join(dir, "config.json");
    if (!path)
        return ll_fail_mem(err, "path", strlen(dir));
    int rc = ll_settings_read(&f->config, path, err);
    free(path);
    if (rc || (rc = ll_settings_check(f->config, "", rows, LL_OTHERS_PASS, err)))
        return rc;
    const char *type = ll_settings_str(f->config, "lens_type", "linear_tuned_lens");
    if (strcmp(type, "linear_tuned_lens"))
        return ll_fail(err, LL_EUNSUP,
                       "config.json: lens_type: expected \"linear_tuned_lens\", found \"%.60s\"", type);
    f->d_model = (int)ll_settings_int(f->config, "d_model", 0);
    f->n_layers = (int)ll_settings_int(f->config, "num_hidden_layers", 0);
    f->has_bias = ll_settings_bool(f->config, "bias", 1);
    return LL_OK;
}

static int read_params(struct ll_tuned_file *f, const char *dir, struct ll_err *err)
{
    static const char *const names[] = {"params.safetensors", "params.pt"};
    struct params *p = f->params;
    char *path = NULL;
    for (int i = 0; i < 2; i++) {
        free(path);
        path = ll_path_join(dir, f->params_name = names[i]);
        if (!path)
            return ll_fail_mem(err, "path", strlen(dir));
        if (ll_is_file(path))
            break;
    }
    int rc = ll_is_file(path)
        ? ll_map_open(&p->map, path, err)
        : ll_fail(err, LL_EUSAGE, "expected params.pt or params.safetensors, found neither");
    free(path);
    if (rc)
        return rc;
    if (!strcmp(f->params_name, names[0])) {
        if ((rc = ll_st_parse(&p->st, f->params_name, p->map.data, p->map.size, err)))
            return rc;
        p->tensors = p->st.tensors;
        p->n_tensors = p->st.n_tensors;
    } else {
        if ((rc = ll_torch_parse(&p->torch, f->params_name, NULL, p->map.data, p->map.size, err)))
            return rc;
        p->tensors = p->torch.tensors;
        p->n_tensors = p->torch.n_tensors;
    }
    return LL_OK;
}

/* "12.weight" -> 12, *is_bias 0; BAD_NAME for what is no translator's name. */
static int layer_of(const char *name, int *is_bias)
{
    int n = 0, digits = 0;
    for (; name[digits] >= '0' && name[digits] <= '9' && digits < 6; digits++)
        n = 10 * n + name[digits] - '0';
    if (!digits || (digits > 1 && name[0] == '0'))
        return BAD_NAME;
    *is_bias = !strcmp(name + digits, ".bias");
    return *is_bias || !strcmp(name + digits, ".weight") ? n : BAD_NAME;
}

static int check_tensor(const struct ll_tuned_file *f, const struct ll_tensor *t, int is_bias,
                        struct ll_err *err)
{
    const char *name = f->params_name;
    const struct ll_dtype_info *d = ll_dtype_info(t->dtype);
    if (!d->is_float || d->block > 1 || t->packed)
        return ll_fail(err, LL_EUNSUP, "%s: tensor \"%.100s\": expected float values, found %s", name,
                       t->name, ll_tensor_type(t));
    int n_dims = is_bias ? 1 : 2;
    if (t->n_dims != n_dims || t->dims[0] != f->d_model || (!is_bias && t->dims[1] != f->d_model))
        return ll_fail(err, LL_EUSAGE,
                       "%s: tensor \"%.100s\": expected %s of d_model %d, found %d dimensions of %lld, %lld",
                       name, t->name, is_bias ? "a vector" : "a square matrix", f->d_model, t->n_dims,
                       (long long)t->dims[0], (long long)t->dims[1]);
    int64_t bad = ll_tensor_nonfinite(t);
    return bad < 0 ? LL_OK
                   : ll_fail(err, LL_EUSAGE,
                             "%s: tensor \"%.100s\": expected finite values, found NaN or infinity at %lld",
                             name, t->name, (long long)bad);
}

static int sort_tensors(struct ll_tuned_file *f, struct ll_err *err)
{
    const struct params *p = f->params;
    f->weight = calloc((size_t)f->n_layers, sizeof *f->weight);
    f->bias = calloc((size_t)f->n_layers, sizeof *f->bias);
    if (!f->weight || !f->bias)
        return ll_fail_mem(err, "translators", (size_t)f->n_layers * sizeof *f->weight);
    for (int i = 0; i < p->n_tensors; i++) {
        const struct ll_tensor *t = &p->tensors[i];
        int is_bias = 0, l = layer_of(t->name, &is_bias);
        if (l == BAD_NAME || l >= f->n_layers)
            return ll_fail(
                err, LL_EUSAGE,
                "%s: expected tensors \"0.weight\", \"0.bias\" ... up to layer %d, found \"%.100s\"",
                f->params_name, f->n_layers - 1, t->name);
        const struct ll_tensor **slot = is_bias ? &f->bias[l] : &f->weight[l];
        if (*slot)
            return ll_fail(err, LL_EUSAGE, "%s: tensor \"%.100s\": expected once, found twice",
                           f->params_name, t->name);
        int rc = check_tensor(f, t, is_bias, err);
        if (rc)
            return rc;
        *slot = t;
    }
    for (int l = 0; l < f->n_layers; l++)
        if (!f->weight[l] || (f->bias[l] != NULL) != f->has_bias)
            return ll_fail(err, LL_EUSAGE, "%s: translator %d: expected %s, found %s", f->params_name, l,
                           f->has_bias ? "weight and bias" : "a weight alone (bias false)",
                           !f->weight[l]    ? "no weight"
                               : f->bias[l] ? "a bias, too"
                                            : "no bias");
    return LL_OK;
}

int ll_tuned_file_open(struct ll_tuned_file **out, const char *dir, struct ll_err *err)
{
    *out = NULL;
    if (!ll_is_dir(dir))
        return ll_fail(err, LL_EUSAGE,
                       "%s: expected the folder of a tuned lens (config.json, params.pt), found none", dir);
    struct ll_tuned_file *f = calloc(1, sizeof *f);
    if (!f || !(f->params = calloc(1, sizeof(struct params)))) {
        free(f);
        return ll_fail_mem(err, "tuned lens", sizeof *f);
    }
    int rc = read_config(f, dir, err);
    if (!rc)
        rc = read_params(f, dir, err);
    if (!rc)
        rc = sort_tensors(f, err);
    if (rc) {
        ll_tuned_file_close(f);
        return ll_context(err, "%s", dir);
    }
    *out = f;
    return LL_OK;
}

void ll_tuned_file_close(struct ll_tuned_file *f)
{
    if (!f)
        return;
    struct params *p = f->params;
    ll_st_free(&p->st);
    ll_torch_free(&p->torch);
    ll_map_close(&p->map);
    free(p);
    ll_settings_free(f->config);
    free(f->weight);
    free(f->bias);
    free(f);
}
