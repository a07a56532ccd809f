/* write_provenance.c - what made the numbers; nothing that differs between machines or numbers of threads, as
 * no result does. See document.h. */
#include "doc_head.h"

#include "engine.h"
#include "provenance.h"

#include <string.h>

/* What is unknown of a model that was not run is left out: a zero would be taken for a value. */
static void put_model(struct ll_key_out *o, const struct ll_model_info *m, int is_done)
{
    ll_key_open(o, LL_K_PROVENANCE_MODEL);
    ll_key_text(o, LL_K_MODEL_ID, m->model_id);
    if (is_done) {
        ll_key_text(o, LL_K_MODEL_IDENTITY, m->identity);
        ll_key_text(o, LL_K_MODEL_CONTAINER, m->container);
        ll_key_text(o, LL_K_MODEL_STORED_TYPES, m->stored_types);
        ll_key_text(o, LL_K_MODEL_FAMILY, m->family);
        ll_key_text(o, LL_K_MODEL_ENGINE, m->engine);
        ll_key_text(o, LL_K_MODEL_LENS_NORM, m->lens_norm);
        if (m->lens_site)
            ll_key_text(o, LL_K_MODEL_LENS_SITE, m->lens_site);
        if (m->lens_head)
            ll_key_text(o, LL_K_MODEL_LENS_HEAD, m->lens_head);
        ll_key_text(o, LL_K_MODEL_NORM_KIND, m->norm_kind);
        ll_key_real(o, LL_K_MODEL_NORM_EPS, m->norm_eps);
        ll_key_text(o, LL_K_MODEL_BOS_POLICY, m->bos_policy);
        ll_key_real(o, LL_K_MODEL_LOGIT_SCALE, m->logit_scale);
        ll_key_real(o, LL_K_MODEL_LOGIT_CAP, m->logit_cap);
        ll_key_real(o, LL_K_MODEL_EMBEDDING_SCALE, m->emb_scale);
    }
    ll_key_end(o);
}

static void put_env(struct ll_key_out *o)
{
    ll_key_open(o, LL_K_PROVENANCE_ENV);
    ll_key_text(o, LL_K_ENV_TOOL, ll_tool_version());
    ll_key_text(o, LL_K_ENV_ENGINE, LL_ENGINE_RULE);
    ll_key_text(o, LL_K_ENV_DEVICE, "cpu");
    ll_key_text(o, LL_K_ENV_DTYPE_COMPUTE, "float32");
    ll_key_bool(o, LL_K_ENV_DETERMINISTIC, 1);
    ll_key_int(o, LL_K_ENV_SEED, LL_SEED);
    ll_key_end(o);
}

void ll_put_fit(struct ll_key_out *o, const struct ll_doc_fit *fit)
{
    ll_key_open(o, LL_K_PROVENANCE_MEMORY_FIT);
    ll_key_text(o, LL_K_FIT_DEVICE, "cpu"); /* what computes here, whatever the original would have chosen */
    ll_key_text(o, LL_K_FIT_DTYPE_COMPUTE, "float32");
    ll_key_open(o, LL_K_FIT_ESTIMATE);
    ll_key_real(o, LL_K_ESTIMATE_PARAMS, fit->params);
    ll_key_real(o, LL_K_ESTIMATE_PARAMS_BY_NAME, fit->params_by_name);
    ll_key_open(o, LL_K_ESTIMATE_DEVICES);
    for (int i = 0; i < LL_FIT_DEVICES; i++) {
        ll_key_item_flat(o);
        ll_key_text(o, LL_K_DEVICE_DEVICE, fit->devices[i].device);
        ll_key_text(o, LL_K_DEVICE_DTYPE, fit->devices[i].dtype);
        ll_key_int(o, LL_K_DEVICE_ESTIMATE_BYTES, fit->devices[i].estimate_bytes);
        ll_key_real(o, LL_K_DEVICE_OVERHEAD, fit->devices[i].overhead);
        ll_key_int(o, LL_K_DEVICE_RESERVE_BYTES, fit->devices[i].reserve_bytes);
        ll_key_end(o);
    }
    ll_key_end(o);
    ll_key_end(o);
    ll_key_end(o);
}

void ll_put_provenance(struct ll_key_out *o, const struct ll_document *d, enum ll_doc_key k)
{
    const struct ll_run_info *run = d->run;
    int is_done = !strcmp(d->status, "ok");
    ll_key_open(o, k);
    ll_key_text(o, LL_K_PROVENANCE_TOOL, run->tool);
    ll_key_int(o, LL_K_PROVENANCE_SEED, run->seed);
    ll_key_text(o, LL_K_PROVENANCE_COMMAND, run->command);
    ll_key_text(o, LL_K_PROVENANCE_EXPERIMENT, run->experiment);
    ll_key_open(o, LL_K_PROVENANCE_SETTINGS);
    for (const char *const *s = run->settings; s && s[0]; s += 2)
        ll_json_cstr(&o->j, s[0], s[1]);
    ll_key_end(o);
    put_model(o, d->model, is_done);
    if (is_done) {
        ll_key_real(o, LL_K_PROVENANCE_COPY_THRESHOLD, d->copy_threshold);
        ll_key_real(o, LL_K_PROVENANCE_COPY_MARGIN, d->copy_margin);
    }
    if (d->figures)
        put_env(o);
    if (d->fit)
        ll_put_fit(o, d->fit);
    ll_key_end(o);
}
