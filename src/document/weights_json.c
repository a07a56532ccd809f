/* weights_json.c - see weights_json.h */
#include "weights_json.h"

#include "tensor_json.h"

static void put_row(struct ll_json *j, const struct ll_weight_report *r, int row, int part)
{
    const struct ll_weight_cell *c = ll_weight_at(r, row, part);
    struct ll_buf shape = {0};
    ll_buf_addf(&shape,
                c->rows == 1 && ll_weight_part(part)->kind != LL_PART_MATRIX ? "[%lld]" : "[%lld, %lld]",
                (long long)(c->rows == 1 && ll_weight_part(part)->kind != LL_PART_MATRIX ? c->cols : c->rows),
                (long long)c->cols);
    ll_json_obj_flat(j, NULL);
    if (row < r->w.n_layers)
        ll_json_int(j, "layer", row);
    ll_json_cstr(j, "step", ll_weight_part(part)->name);
    ll_json_cstr(j, "tensor", c->tensor->name);
    ll_json_cstr(j, "dtype", ll_dtype_info(c->tensor->dtype)->name);
    ll_json_cstr(j, "shape", ll_buf_str(&shape));
    if (c->n_tensors > 1)
        ll_json_int(j, "tensors", c->n_tensors);
    ll_tensor_stats_json(j, &c->stats);
    if (c->bad) {
        ll_json_cstr(j, "not_finite_tensor", c->bad->name);
        ll_json_int(j, "not_finite_at", c->bad_at);
    }
    ll_json_end(j);
    ll_buf_free(&shape);
}

void ll_weights_json(struct ll_json *j, const struct ll_weight_report *r)
{
    ll_json_int(j, "layers_in_config", r->w.n_config);
    ll_json_int(j, "layers_in_tensors", r->w.n_stored);
    ll_json_arr_flat(j, "marked");
    for (int i = 0; i < r->n_marks; i++)
        ll_json_int(j, NULL, r->marks[i]);
    ll_json_end(j);
    ll_json_arr(j, "layers");
    for (int l = 0; l < r->w.n_layers; l++) {
        const struct ll_weight_layer *L = &r->w.layers[l];
        ll_json_obj_flat(j, NULL);
        ll_json_int(j, "layer", l);
        ll_json_cstr(j, "status", ll_weight_status(r, l));
        ll_json_int(j, "params", L->params);
        ll_json_bool(j, "qk_norm", ll_weight_has_qk_norm(r, l));
        ll_json_bool(j, "q_bias", ll_weight_has(r, l, LL_WP_B_Q));
        ll_json_bool(j, "k_bias", ll_weight_has(r, l, LL_WP_B_K));
        ll_json_bool(j, "v_bias", ll_weight_has(r, l, LL_WP_B_V));
        ll_json_cstr(j, "missing", ll_buf_str(&L->missing));
        ll_json_cstr(j, "shapes", ll_buf_str(&L->wrong_shapes));
        ll_json_cstr(j, "extra", ll_buf_str(&L->extra));
        ll_json_bool(j, "differs_from_most", r->f.differs[l]);
        ll_json_num(j, "max_abs_z", r->f.max_z[l]);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_arr(j, "outliers");
    for (int i = 0; i < r->f.n; i++) {
        const struct ll_weight_flag *f = &r->f.flags[i];
        ll_json_obj_flat(j, NULL);
        ll_json_int(j, "layer", f->layer);
        ll_json_cstr(j, "part", ll_weight_part(f->part)->name);
        ll_json_cstr(j, "statistic", f->is_std ? "std" : "mean");
        ll_json_num(j, "value", f->value);
        ll_json_num(j, "median", f->of.median);
        ll_json_num(j, "mad", f->of.mad);
        ll_json_num(j, "z", f->z);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_arr(j, "rows");
    for (int l = 0; l <= r->w.n_layers; l++)
        for (int p = 0; p < LL_N_WEIGHT_PARTS; p++)
            if (ll_weight_has(r, l, p))
                put_row(j, r, l, p);
    ll_json_end(j);
}
