/* diff_json.c - see diff_json.h */
#include "diff_json.h"

#include "json_write.h"
#include "provenance.h"

#include <math.h>

static void put_model(struct ll_json *j, const char *key, const struct ll_model_info *m)
{
    ll_json_obj(j, key);
    ll_json_cstr(j, "model", m->model_id);
    ll_json_cstr(j, "identity", m->identity);
    ll_json_cstr(j, "family", m->family);
    ll_json_cstr(j, "container", m->container);
    ll_json_cstr(j, "stored_types", m->stored_types);
    ll_json_int(j, "n_layers", m->n_layers);
    ll_json_int(j, "d_model", m->d_model);
    ll_json_int(j, "d_vocab", m->d_vocab);
    ll_json_end(j);
}

static void put_prompt(struct ll_json *j, const struct ll_diff_prompt *p)
{
    ll_json_obj(j, NULL);
    ll_json_str(j, "text", p->text, p->n);
    ll_json_arr_flat(j, "ids");
    for (int k = 0; k < p->n_ids; k++)
        ll_json_int(j, NULL, p->ids[k]);
    ll_json_end(j);
    ll_json_end(j);
}

static void put_beyond(struct ll_json *j, unsigned beyond)
{
    ll_json_arr_flat(j, "beyond");
    for (int t = 0; t < LL_DIFF_TOLERANCES; t++)
        if (beyond >> t & 1)
            ll_json_cstr(j, NULL, ll_diff_tolerance_names[t]);
    ll_json_end(j);
}

static void put_layer(struct ll_json *j, const struct ll_diff_layer *l)
{
    ll_json_obj(j, NULL);
    ll_json_int(j, "layer", l->layer);
    ll_json_int(j, "n", l->n);
    for (int m = 0; m < LL_DIFF_MEASURES; m++) {
        int low = ll_diff_measures[m].low_is_worse;
        ll_json_obj_flat(j, ll_diff_measures[m].name);
        ll_json_num(j, "mean", l->m[m].mean);
        ll_json_num(j, "median", l->m[m].median);
        ll_json_num(j, low ? "p5" : "p95", l->m[m].p95);
        ll_json_num(j, low ? "min" : "max", l->m[m].worst);
        ll_json_end(j);
    }
    ll_json_int(j, "top1_flips", l->flips);
    ll_json_num(j, "top1_flip_share", ll_diff_found(l, LL_DIFF_T_FLIPS));
    put_beyond(j, l->beyond);
    ll_json_end(j);
}

static void put_worst(struct ll_json *j, const struct ll_diff_doc *d)
{
    ll_json_obj(j, "worst_at_output");
    ll_json_int(j, "prompt", d->worst_prompt);
    ll_json_int(j, "pos", d->worst_pos);
    ll_json_num(j, "kl_a_to_b_bits", d->worst_kl_bits);
    ll_json_cstr(j, "token", d->worst_token);
    ll_json_cstr(j, "top1_a", d->worst_top1_a);
    ll_json_num(j, "p_top1_a", d->worst_p_a);
    ll_json_cstr(j, "top1_b", d->worst_top1_b);
    ll_json_num(j, "p_top1_b", d->worst_p_b);
    ll_json_end(j);
}

void ll_diff_json(struct ll_buf *out, const struct ll_diff_doc *d, const char *key)
{
    struct ll_json j;
    ll_json_init(&j, out);
    ll_json_obj(&j, NULL);
    ll_json_int(&j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(&j, "type", "diff");
    ll_json_cstr(&j, "tool", d->tool);
    ll_json_cstr(&j, "command", d->command);
    ll_json_cstr(&j, "key", key);
    put_model(&j, "a", d->a);
    put_model(&j, "b", d->b);
    ll_json_cstr(&j, "lens", d->a->lens_norm);
    ll_json_cstr(&j, "engine", d->a->engine);
    ll_json_cstr(&j, "positions", d->positions);
    ll_json_cstr(&j, "prompts_from", d->prompts_from);
    ll_json_obj(&j, "tolerances"); /* of a row's mean; null: not asked for */
    for (int t = 0; t < LL_DIFF_TOLERANCES; t++)
        ll_json_num(&j, ll_diff_tolerance_names[t], d->tolerance[t] >= 0 ? d->tolerance[t] : NAN);
    ll_json_end(&j);
    if (d->first_beyond < 0)
        ll_json_null(&j, "first_layer_beyond");
    else
        ll_json_int(&j, "first_layer_beyond", d->layers[d->first_beyond].layer);
    ll_json_obj(&j, "first_layer_beyond_each");
    for (int t = 0; t < LL_DIFF_TOLERANCES; t++) {
        const struct ll_diff_layer *l = ll_diff_first_beyond(d, (enum ll_diff_tolerance)t);
        if (l)
            ll_json_int(&j, ll_diff_tolerance_names[t], l->layer);
        else
            ll_json_null(&j, ll_diff_tolerance_names[t]);
    }
    ll_json_end(&j);
    ll_json_bool(&j, "output_beyond", d->n_layers && d->layers[d->n_layers - 1].beyond);
    put_worst(&j, d);
    ll_json_arr(&j, "prompts");
    for (int i = 0; i < d->n_prompts; i++)
        put_prompt(&j, &d->prompts[i]);
    ll_json_end(&j);
    ll_json_arr(&j, "layers");
    for (int i = 0; i < d->n_layers; i++)
        put_layer(&j, &d->layers[i]);
    ll_json_end(&j);
    ll_json_end(&j);
}
