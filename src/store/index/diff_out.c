/* diff_out.c - see diff_out.h */
#include "diff_out.h"
#include "csv_row.h"
#include "index_diff.h"
#include "json_write.h"
#include "outfile.h"
#include "provenance.h"
#include "sha256.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ll_diff_out {
    struct ll_outfile csv;     /* f NULL: not wanted, or standard output */
    FILE *to;                  /* where lines go, NULL: nowhere */
    struct ll_diff_load index; /* db NULL: not wanted */
    struct ll_sha256 sha;
    struct ll_buf line; /* owned */
};

static int put_line(struct ll_diff_out *o, struct ll_err *err)
{
    int rc = ll_buf_ok(&o->line, err);
    if (!rc) {
        ll_sha256_add(&o->sha, o->line.s, o->line.len);
        if (o->to && fwrite(o->line.s, 1, o->line.len, o->to) != o->line.len)
            rc = ll_fail(err, LL_EFAIL, "%s: write failed: %s", o->csv.f ? o->csv.path : "standard output",
                         strerror(errno));
    }
    ll_buf_reset(&o->line);
    return rc;
}

int ll_diff_out_open(struct ll_diff_out **out, const char *csv, const char *index, struct ll_err *err)
{
    struct ll_diff_out *o = *out = calloc(1, sizeof *o);
    int rc = o ? LL_OK : ll_fail_mem(err, "diff output", sizeof *o);
    if (!rc && csv && strcmp(csv, "-"))
        rc = ll_outfile_open(&o->csv, csv, err);
    if (!rc)
        o->to = !csv ? NULL : o->csv.f ? o->csv.f : stdout;
    if (!rc && index)
        rc = ll_diff_load_begin(&o->index, index, err);
    if (!rc) {
        ll_sha256_init(&o->sha);
        ll_csv_header(&o->line, &ll_schema_diff);
        rc = put_line(o, err);
    }
    if (rc) {
        ll_diff_out_close(o);
        *out = NULL;
    }
    return rc;
}

int ll_diff_out_row(struct ll_diff_out *o, const struct ll_row *row, struct ll_err *err)
{
    int rc = ll_buf_ok(&row->text, err);
    if (rc)
        return rc;
    ll_csv_row(&o->line, row);
    rc = put_line(o, err);
    return rc || !o->index.db ? rc : ll_diff_load_row(&o->index, row, err);
}

static void hash_text(struct ll_sha256 *sha, const char *s)
{
    ll_sha256_add(sha, s ? s : "", s ? strlen(s) + 1 : 1);
}

int ll_diff_out_finish(struct ll_diff_out *o, const struct ll_diff_doc *doc, char key[65], int *added,
                       struct ll_err *err)
{
    const char *const facts[] = {doc->a->model_id, doc->a->identity,  doc->b->model_id,
                                 doc->b->identity, doc->a->lens_norm, doc->positions};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        hash_text(&o->sha, facts[i]);
    for (int i = 0; i < doc->n_prompts; i++)
        ll_sha256_add(&o->sha, doc->prompts[i].ids,
                      sizeof *doc->prompts[i].ids * (size_t)doc->prompts[i].n_ids);
    for (int t = 0; t < LL_DIFF_TOLERANCES; t++)
        ll_sha256_add(&o->sha, &doc->tolerance[t], sizeof doc->tolerance[t]);
    ll_sha256_hex(&o->sha, key);
    *added = 0;
    int rc = o->csv.f ? ll_outfile_commit(&o->csv, err) : LL_OK;
    if (!rc && o->to == stdout && fflush(stdout))
        rc = ll_fail(err, LL_EFAIL, "standard output: %s", strerror(errno));
    o->to = NULL;
    return rc || !o->index.db ? rc : ll_diff_load_finish(&o->index, doc, key, added, err);
}

void ll_diff_out_close(struct ll_diff_out *o)
{
    if (!o)
        return;
    ll_outfile_abort(&o->csv);
    ll_diff_load_close(&o->index);
    ll_buf_free(&o->line);
    free(o);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

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
