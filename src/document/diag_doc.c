/* diag_doc.c - see diag_doc.h */
#include "diag_doc.h"

#include "cells.h"
#include "engine.h"
#include "provenance.h"
#include "terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [LL_CRIT_PASS] = "pass", [LL_CRIT_WARN] = "warn", [LL_CRIT_FAIL] = "fail", [LL_CRIT_NOT_RUN] = "not run"};

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

void ll_diag_begin(struct ll_diag *d, const char *command, const struct ll_model_info *info)
{
    memset(d, 0, sizeof *d);
    d->command = command;
    d->model_id = info ? info->model_id : NULL;
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

void ll_diag_criterion(struct ll_diag *d, enum ll_crit status, const char *name, const char *fmt, ...)
{
    char detail[400] = "";
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    d->count[status]++;
    ll_buf_adds(&d->criteria, d->criteria.len ? ",\n    {\"name\": " : "    {\"name\": ");
    ll_json_quote(&d->criteria, name, strlen(name));
    ll_buf_addf(&d->criteria, ", \"status\": \"%s\", \"detail\": ", names[status]);
    ll_json_quote(&d->criteria, detail, strlen(detail));
    ll_buf_addc(&d->criteria, '}');
    struct ll_buf line = {0};
    char lead[16];
    snprintf(lead, sizeof lead, "%-8s ", names[status]);
    ll_buf_addf(&line, "%s%s%s", name, *detail ? ": " : "", detail);
    ll_put_wrapped(&d->table, ll_stdout_columns(), lead, ll_buf_str(&line));
    d->table.failed |= line.failed;
    ll_buf_free(&line);
    ll_buf_addf(&d->markdown, "- **%s** %s%s%s\n", names[status], name, *detail ? ": " : "", detail);
}

int ll_diag_close(struct ll_diag *d, struct ll_err *err)
{
    struct ll_buf list = {0};
    int rc;
    ll_buf_addf(&list, "[\n%s\n  ]", ll_buf_str(&d->criteria));
    ll_json_raw(&d->j, "criteria", d->criteria.len ? ll_buf_str(&list) : "[]");
    ll_json_cstr(&d->j, "verdict",
                 names[d->count[LL_CRIT_FAIL]       ? LL_CRIT_FAIL
                           : d->count[LL_CRIT_WARN] ? LL_CRIT_WARN
                           : d->count[LL_CRIT_PASS] ? LL_CRIT_PASS
                                                    : LL_CRIT_NOT_RUN]);
    ll_json_end(&d->j);
    ll_buf_free(&list);
    if ((rc = ll_buf_ok(&d->text, err)) || (rc = ll_buf_ok(&d->table, err))
        || (rc = ll_buf_ok(&d->markdown, err)) || (rc = ll_buf_ok(&d->criteria, err)))
        return rc;
    return LL_OK;
}

void ll_diag_free(struct ll_diag *d)
{
    ll_buf_free(&d->text);
    ll_buf_free(&d->table);
    ll_buf_free(&d->markdown);
    ll_buf_free(&d->criteria);
}
