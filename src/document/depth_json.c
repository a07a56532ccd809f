/* depth_json.c - see depth_json.h */
#include "depth_json.h"

#include "diag_doc.h"
#include "tensor_json.h"

/* The five most likely: "id:logit id:logit ...", then their first as text. */
static void put_top(struct ll_json *j, const struct ll_logit_health *h, const struct ll_token_names *names)
{
    struct ll_buf top = {0}, text = {0};
    ll_token_name(names, h->top[0].id, &text);
    for (int i = 0; i < h->n_top; i++)
        ll_buf_addf(&top, "%s%d:%.9g", i ? " " : "", h->top[i].id, (double)h->top[i].v);
    ll_json_int(j, "top1_id", h->top[0].id);
    ll_json_str(j, "top1", ll_buf_str(&text), text.len);
    ll_json_cstr(j, "top5", ll_buf_str(&top));
    ll_buf_free(&top);
    ll_buf_free(&text);
}

static void put_row(struct ll_json *j, const char *step, const struct ll_depth_row *r,
                    const struct ll_token_names *names)
{
    const struct ll_logit_health *h = &r->health;
    ll_json_obj_flat(j, NULL);
    ll_json_int(j, "layer", r->k);
    ll_json_cstr(j, "step", step);
    if (h->n_top)
        put_top(j, h, names);
    ll_json_num(j, "entropy_bits", h->entropy_bits);
    ll_json_num(j, "kl_to_full_bits", r->kl_bits);
    ll_json_num(j, "p_top1", h->p_top1);
    ll_json_num(j, "gap", h->gap);
    ll_json_num(j, "range", h->range);
    ll_tensor_stats_json(j, &h->stats);
    ll_json_bool(j, "looks_like_fp16", h->is_f16);
    ll_json_cstr(j, "health", ll_health_name(h->health));
    ll_json_cstr(j, "verdict", r->verdict);
    ll_json_end(j);
}

void ll_depth_json(struct ll_json *j, const struct ll_depth *d, const struct ll_depth_job *job,
                   const struct ll_token_names *names)
{
    ll_token_ids_json(j, job->ids, job->n_ids);
    ll_json_arr(j, "rows");
    for (int i = 0; i < d->n_k; i++)
        put_row(j, "final norm", &d->final[i], names);
    for (int i = 0; i < d->n_ln1; i++)
        put_row(j, "next ln1", &d->ln1[i], names);
    ll_json_end(j);
}
