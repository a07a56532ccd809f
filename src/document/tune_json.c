/* tune_json.c - see tune_json.h */
#include "tune_json.h"

#include "json_write.h"
#include "provenance.h"

static void put_rows(struct ll_json *j, const struct ll_tune_doc *d)
{
    ll_json_arr(j, "rows");
    for (int l = 0; l < d->info->n_layers; l++) {
        const struct ll_tuned_gain *g = &d->found->gain[l];
        ll_json_obj_flat(j, NULL);
        ll_json_int(j, "layer", l);
        ll_json_num(j, "kl_lens_bits", g->kl_lens_bits);
        ll_json_num(j, "kl_tuned_bits", g->kl_tuned_bits);
        ll_json_num(j, "nll_lens_bits", g->nll_lens_bits);
        ll_json_num(j, "nll_tuned_bits", g->nll_tuned_bits);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_arr(j, "skip_layers_sanity");
    for (int i = 0; i < LL_N_SKIPS; i++) {
        ll_json_obj_flat(j, NULL);
        ll_json_int(j, "m", ll_skips[i]);
        ll_json_num(j, "ppl_increase", d->found->skips.ppl_increase[i]);
        ll_json_end(j);
    }
    ll_json_end(j);
}

/* How it was made; the same members in config.json and on stdout. */
static void put_facts(struct ll_json *j, const struct ll_tune_doc *d)
{
    ll_json_cstr(j, "tool", ll_tool_version());
    ll_json_cstr(j, "identity", d->info->identity);
    ll_json_cstr(j, "stored_types", d->info->stored_types);
    ll_json_cstr(j, "engine", d->info->engine);
    ll_json_cstr(j, "method",
                 "weighted ridge regression to the final residual, weights 1/mean(h_n^2), position 0 of "
                 "windows left out");
    ll_json_cstr(j, "solver", "OpenBLAS dposv: reproducible on one machine only");
    ll_json_num(j, "ridge", d->job->ridge);
    ll_json_int(j, "seq", d->job->seq);
    ll_json_int(j, "n_fit_tokens", d->found->n_fit_tokens);
    ll_json_int(j, "n_held_out_positions", d->found->n_held_out);
    ll_json_num(j, "own_nll_bits", d->found->own_nll_bits);
    put_rows(j, d);
}

void ll_tune_config(struct ll_buf *out, const struct ll_tune_doc *d)
{
    struct ll_json j;
    ll_json_init(&j, out);
    ll_json_obj(&j, NULL);
    ll_json_cstr(&j, "base_model_name_or_path", d->info->model_id);
    ll_json_int(&j, "d_model", d->info->d_model);
    ll_json_int(&j, "num_hidden_layers", d->info->n_layers);
    ll_json_bool(&j, "bias", 1);
    ll_json_null(&j, "base_model_revision");
    ll_json_null(&j, "unembed_hash");
    ll_json_cstr(&j, "lens_type", "linear_tuned_lens");
    ll_json_obj(&j, "logitlens");
    put_facts(&j, d);
    ll_json_end(&j);
    ll_json_end(&j);
}

void ll_tune_json(struct ll_buf *out, const struct ll_tune_doc *d)
{
    struct ll_json j;
    ll_json_init(&j, out);
    ll_json_obj(&j, NULL);
    ll_json_int(&j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(&j, "model", d->info->model_id);
    put_facts(&j, d);
    ll_json_end(&j);
}
