/* diag_doc.c - see diag_doc.h */
#include "diag_doc.h"

#include "engine.h"
#include "provenance.h"

#include <string.h>

static void put_model(struct ll_json *j, const struct ll_model_info *m)
{
    ll_json_obj(j, "model");
    ll_json_cstr(j, "id", m->model_id);
    ll_json_cstr(j, "identity", m->identity);
    ll_json_cstr(j, "container", m->container);
    ll_json_cstr(j, "stored_types", m->stored_types);
    ll_json_cstr(j, "family", m->family);
    ll_json_int(j, "n_layers", m->n_layers);
    ll_json_int(j, "d_model", m->d_model);
    ll_json_int(j, "n_heads", m->n_heads);
    ll_json_int(j, "n_kv_heads", m->n_kv_heads);
    ll_json_int(j, "d_head", m->d_head);
    ll_json_int(j, "d_mlp", m->d_mlp);
    ll_json_int(j, "d_vocab", m->d_vocab);
    ll_json_num(j, "norm_eps", m->norm_eps);
    ll_json_end(j);
}

void ll_diag_doc_begin(struct ll_diag_doc *d, const char *command, const struct ll_model_info *info)
{
    memset(d, 0, sizeof *d);
    ll_json_init(&d->j, &d->text);
    ll_json_obj(&d->j, NULL);
    ll_json_int(&d->j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(&d->j, "command", command);
    ll_json_obj(&d->j, "provenance");
    ll_json_cstr(&d->j, "tool", ll_tool_version());
    ll_json_cstr(&d->j, "engine", info ? info->engine : LL_ENGINE_RULE);
    ll_json_int(&d->j, "seed", LL_SEED);
    ll_json_end(&d->j);
    if (info)
        put_model(&d->j, info);
    else
        ll_json_null(&d->j, "model");
}

void ll_diag_doc_end(struct ll_diag_doc *d, const struct ll_criteria *c)
{
    ll_json_arr(&d->j, "criteria");
    for (int i = 0; i < c->n; i++) {
        ll_json_obj_flat(&d->j, NULL);
        ll_json_cstr(&d->j, "name", c->v[i].name);
        ll_json_cstr(&d->j, "status", ll_crit_name(c->v[i].status));
        ll_json_cstr(&d->j, "detail", c->v[i].detail);
        ll_json_end(&d->j);
    }
    ll_json_end(&d->j);
    ll_json_cstr(&d->j, "verdict", ll_crit_name(ll_criteria_verdict(c)));
    ll_json_end(&d->j);
}

void ll_token_ids_json(struct ll_json *j, const int *ids, int n)
{
    ll_json_arr_flat(j, "token_ids");
    for (int i = 0; i < n; i++)
        ll_json_int(j, NULL, ids[i]);
    ll_json_end(j);
}
