/* check_json.c - see check_json.h */
#include "check_json.h"

#include "diag_doc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Rounded to three digits: one reference uses libm's sine, whose last bits differ between systems. */
static double three_digits(double v)
{
    char text[32];
    if (!isfinite(v))
        return v;
    snprintf(text, sizeof text, "%.2e", v);
    return strtod(text, NULL);
}

static void put_op(struct ll_json *j, const struct ll_op_result *r)
{
    ll_json_obj_flat(j, NULL);
    ll_json_cstr(j, "step", r->op);
    ll_json_cstr(j, "set", r->set);
    ll_json_int(j, "runs", r->runs);
    ll_json_int(j, "threads", r->threads);
    ll_json_num(j, "max_diff", r->max_diff);
    ll_json_int(j, "differing", r->n_diff);
    ll_json_int(j, "n", r->n);
    ll_json_cstr(j, "sha256", r->sha256);
    ll_json_bool(j, "deterministic", r->deterministic);
    ll_json_num(j, "error", isnan(r->limit) ? NAN : three_digits(r->error));
    ll_json_num(j, "error_limit", r->limit);
    ll_json_end(j);
}

static void put_quant(struct ll_json *j, const struct ll_quant_check *q)
{
    ll_json_obj_flat(j, NULL);
    ll_json_cstr(j, "step", q->name);
    ll_json_bool(j, "good", q->good);
    ll_json_cstr(j, "detail", q->detail);
    ll_json_end(j);
}

static void put_type(struct ll_json *j, const struct ll_block_count *n)
{
    ll_json_obj_flat(j, NULL);
    ll_json_cstr(j, "step", "stored type");
    ll_json_cstr(j, "type", ll_dtype_info(n->type)->name);
    ll_json_int(j, "tensors", n->n_tensors);
    ll_json_int(j, "values", n->n_values);
    ll_json_int(j, "blocks", n->n_blocks);
    ll_json_end(j);
}

static void put_pair(struct ll_json *j, const struct ll_weight_pair *p)
{
    ll_json_obj_flat(j, NULL);
    if (p->layer >= 0)
        ll_json_int(j, "layer", p->layer);
    ll_json_cstr(j, "step", ll_weight_part(p->part)->name);
    ll_json_num(j, "mean", p->quantised[LL_MEAN]);
    ll_json_num(j, "mean_original", p->original[LL_MEAN]);
    ll_json_num(j, "std", p->quantised[LL_STD]);
    ll_json_num(j, "std_original", p->original[LL_STD]);
    ll_json_num(j, "rms", p->quantised[LL_RMS]);
    ll_json_num(j, "rms_original", p->original[LL_RMS]);
    ll_json_end(j);
}

static void put_arm_row(struct ll_json *j, const struct ll_arm *x, int row)
{
    const struct ll_arm_row *r = &x->rows[row];
    ll_json_obj_flat(j, NULL);
    ll_json_int(j, "layer", row - 1);
    ll_json_cstr(j, "step", row ? "resid_post" : "embed");
    ll_json_cstr(j, "arm", x->name);
    ll_json_num(j, "mae", r->mae);
    ll_json_num(j, "max_err", r->max_err);
    ll_json_num(j, "rel_err", r->rel_err);
    ll_json_num(j, "cosine", r->cosine);
    ll_json_int(j, "overflow", r->overflow);
    ll_json_int(j, "n_nonfinite", r->n_nonfinite);
    ll_json_num(j, "rms", r->rms);
    ll_json_num(j, "attn_out_rms", r->attn_rms);
    ll_json_num(j, "mlp_out_rms", r->mlp_rms);
    ll_json_end(j);
}

static void put_arm_end(struct ll_json *j, const struct ll_arm *x)
{
    ll_json_obj_flat(j, NULL);
    ll_json_cstr(j, "step", "logits");
    ll_json_cstr(j, "arm", x->name);
    ll_json_num(j, "kl_bits", x->kl_bits);
    if (x->health.n_top)
        ll_json_int(j, "top1_id", x->health.top[0].id);
    ll_json_bool(j, "top1_agrees", x->top1_same);
    ll_json_bool(j, "top1_tie", x->top1_tie);
    if (x->first_beyond < 0)
        ll_json_null(j, "first_layer_above_1_percent");
    else
        ll_json_int(j, "first_layer_above_1_percent", x->first_beyond - 1);
    ll_json_int(j, "overflow", x->overflow);
    ll_json_num(j, "final_norm_input_rms", x->final_rms);
    ll_json_end(j);
}

static void put_connection(struct ll_json *j, const struct ll_arms *a, int l)
{
    ll_json_obj_flat(j, NULL);
    ll_json_int(j, "layer", l);
    ll_json_cstr(j, "step", "connection");
    ll_json_cstr(j, "input", a->input[l]);
    ll_json_cstr(j, "output_before", a->output[l]);
    ll_json_end(j);
}

static void put_arms(struct ll_json *j, const struct ll_arms *a)
{
    for (int i = 0; i < LL_N_ARMS; i++)
        put_arm_end(j, &a->arm[i]);
    for (int r = 0; r < a->n_rows; r++)
        for (int i = 0; i < LL_N_ARMS; i++)
            put_arm_row(j, &a->arm[i], r);
    for (int l = 0; l + 1 < a->n_rows; l++)
        put_connection(j, a, l);
}

void ll_check_json(struct ll_json *j, const struct ll_check *k, const struct ll_check_job *job)
{
    ll_json_int(j, "runs", job->runs);
    ll_json_cstr(j, "format", job->format == LL_HALF_BF16 ? "bf16" : "f16");
    ll_token_ids_json(j, job->ids, job->n_ids);
    ll_json_arr(j, "rows");
    for (int i = 0; i < k->n_ops; i++)
        put_op(j, &k->op[i]);
    for (int i = 0; i < k->n_quant; i++)
        put_quant(j, &k->quant[i]);
    for (int i = 0; i < k->n_types; i++)
        put_type(j, &k->type[i]);
    for (int i = 0; i < k->pairs.n; i++)
        put_pair(j, &k->pairs.v[i]);
    if (k->arms.n_rows)
        put_arms(j, &k->arms);
    ll_json_end(j);
}
