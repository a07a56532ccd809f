/* show_json.c - see show_json.h */
#include "show_json.h"

#include "json_write.h"
#include "provenance.h"

/* What the original would have needed, and where. */
static void put_estimate(struct ll_json *j, const struct ll_plan *p)
{
    ll_json_obj(j, "original_estimate");
    ll_json_num(j, "params", p->fit[0].params);
    if (p->params_by_name > 0)
        ll_json_num(j, "params_by_name", p->params_by_name);
    else
        ll_json_null(j, "params_by_name");
    ll_json_cstr(j, "device", p->chosen < 0 ? NULL : ll_device_name((enum ll_device)p->chosen));
    ll_json_arr(j, "devices");
    for (int d = 0; d < LL_N_DEVICES; d++) {
        const struct ll_device_estimate *f = &p->fit[d];
        ll_json_obj(j, NULL);
        ll_json_cstr(j, "device", ll_device_name(f->device));
        ll_json_cstr(j, "dtype", f->dtype);
        ll_json_int(j, "peak_bytes", f->peak_bytes);
        if (f->free_bytes < 0)
            ll_json_null(j, "free_bytes");
        else
            ll_json_int(j, "free_bytes", f->free_bytes);
        ll_json_num(j, "overhead", f->overhead);
        ll_json_int(j, "reserve_bytes", f->reserve_bytes);
        ll_json_bool(j, "fits", f->fits);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_end(j);
}

/* Member "plan" of the object that is open. */
static void put_plan(struct ll_json *j, const struct ll_plan *p, const struct ll_plan_opts *o)
{
    ll_json_obj(j, "plan");
    ll_json_int(j, "prompts", o->prompts);
    ll_json_int(j, "tokens", o->tokens);
    ll_json_int(j, "batches", p->p.n_batches);
    ll_json_int(j, "pass_bytes", p->p.pass_bytes);
    ll_json_int(j, "stack_bytes", p->p.stack_bytes);
    ll_json_int(j, "head_bytes", p->p.head_bytes);
    ll_json_int(j, "available_bytes", p->available);
    ll_json_int(j, "weight_bytes_read", p->p.weight_bytes_read);
    ll_json_num(j, "flops_pass", p->p.flops_pass);
    ll_json_num(j, "flops_head", p->p.flops_head);
    ll_json_num(j, "flops_per_s", p->rate);
    ll_json_num(j, "time_s", p->seconds);
    put_estimate(j, p);
    ll_json_end(j);
}

void ll_show_json(struct ll_buf *out, const struct ll_model *m, const struct ll_model_info *i,
                  const struct ll_plan *p, const struct ll_plan_opts *o)
{
    struct ll_json j;
    ll_json_init(&j, out);
    ll_json_obj(&j, NULL);
    ll_json_int(&j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(&j, "tool", ll_tool_version());
    ll_json_cstr(&j, "model", i->model_id);
    ll_json_cstr(&j, "identity", i->identity);
    ll_json_cstr(&j, "family", i->family);
    ll_json_cstr(&j, "architecture", i->architecture);
    ll_json_cstr(&j, "container", i->container);
    ll_json_cstr(&j, "stored_types", i->stored_types);
    const struct {
        const char *key;
        long long v;
    } ints[] = {{"n_layers", m->n_layers},
                {"d_model", m->d_model},
                {"n_heads", m->n_heads},
                {"n_kv_heads", m->n_kv_heads},
                {"d_head", m->d_head},
                {"d_mlp", m->d_mlp},
                {"d_vocab", m->d_vocab},
                {"n_ctx", m->n_ctx},
                {"n_params", m->n_params},
                {"weight_bytes", ll_model_weight_bytes(m)},
                {"n_files", m->ckpt->n_files},
                {"n_tensors", m->ckpt->n_tensors},
                {"n_tensors_unused", ll_model_n_unused(m)}};
    for (size_t k = 0; k < sizeof ints / sizeof *ints; k++)
        ll_json_int(&j, ints[k].key, ints[k].v);
    ll_json_cstr(&j, "norm", i->norm_kind);
    ll_json_num(&j, "norm_eps", i->norm_eps);
    ll_json_bool(&j, "tied", m->tied);
    ll_json_bool(&j, "parallel", m->layers[0].parallel);
    ll_json_cstr(&j, "rope", m->ropes[LL_ROPE_MAIN].kind);
    ll_json_int(&j, "d_rot", m->ropes[LL_ROPE_MAIN].d_rot);
    ll_json_int(&j, "learned_positions", m->n_positions);
    ll_json_int(&j, "n_experts", m->n_experts);
    ll_json_int(&j, "experts_per_token", m->top_k);
    ll_json_cstr(&j, "activation", ll_act_name(m->act));
    ll_json_num(&j, "attn_scale", (double)m->attn_scale);
    ll_json_num(&j, "attn_cap", (double)m->attn_cap);
    ll_json_num(&j, "logit_cap", (double)m->logit_cap);
    ll_json_num(&j, "emb_scale", (double)m->emb_scale);
    ll_json_num(&j, "resid_scale", (double)m->resid_scale);
    ll_json_num(&j, "logit_scale", (double)m->logit_scale);
    ll_json_bool(&j, "head_bias", m->b_U != NULL);
    ll_json_cstr(&j, "bos_policy", i->bos_policy);
    ll_json_arr(&j, "warnings");
    for (int k = 0; k < m->ckpt->n_notes; k++)
        ll_json_cstr(&j, NULL, m->ckpt->notes[k]);
    ll_json_end(&j);
    if (p)
        put_plan(&j, p, o);
    ll_json_end(&j);
}
