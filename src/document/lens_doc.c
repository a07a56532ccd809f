/* lens_doc.c - see lens_doc.h */
#include "lens_doc.h"

#include "attribution_doc.h"
#include "csv_row.h"
#include "intervene_doc.h"
#include "lens_cols.h"
#include "provenance.h"
#include "row_json.h"
#include "rows.h"
#include "tracked_json.h"

#include <string.h>

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Rows of the three schemas that the document has. */
struct json_rows {
    struct ll_row layer, top, answer; /* owned */
};

static void json_rows_free(struct json_rows *r)
{
    ll_row_free(&r->layer);
    ll_row_free(&r->top);
    ll_row_free(&r->answer);
}

static void put_ids(struct ll_json *j, const char *key, const int *ids, int n)
{
    ll_json_arr_flat(j, key);
    for (int i = 0; i < n; i++)
        ll_json_int(j, NULL, ids[i]);
    ll_json_end(j);
}

static void put_answers(struct ll_json *j, const struct ll_lens_report *d)
{
    if (ll_lens_main_slot(d) >= 0)
        ll_json_int(j, "answer_id", d->answers->v[0].ids[0]);
    if (d->answers->n)
        ll_tracked_set_json(j, d->answers);
}

static void put_head(struct ll_json *j, const struct ll_lens_report *d, const struct ll_model_info *info)
{
    ll_json_int(j, "schema_version", LL_SCHEMA_VERSION);
    ll_json_cstr(j, "tool", ll_tool_version());
    ll_json_cstr(j, "model", info->model_id);
    ll_json_cstr(j, "identity", info->identity);
    ll_json_cstr(j, "family", info->family);
    ll_json_cstr(j, "stored_types", info->stored_types);
    ll_json_cstr(j, "lens", d->lens);
    if (d->tuned_lens)
        ll_json_cstr(j, "tuned_lens", d->tuned_lens);
    ll_json_cstr(j, "ln_bias", d->ln_bias);
    ll_json_cstr(j, "lens_site", d->site);
    ll_json_cstr(j, "lens_head", d->head);
    ll_json_cstr(j, "engine", info->engine);
    ll_json_int(j, "n_layers", d->model->n_layers);
    ll_json_int(j, "pos", d->pos);
    put_ids(j, "ids", d->ids, d->n_ids);
    put_answers(j, d);
    ll_intervene_json(j, d->iv);
    ll_json_bool(j, "last_row_equals_model", d->last_row_is_own); /* the walk fails otherwise */
}

/* Rank and p of each answer; null where it is not resolved. */
static void put_layer_answers(struct ll_json *j, const struct ll_lens_report *d, const struct ll_head_out *o,
                              struct ll_row *row)
{
    if (!d->answers->n)
        return;
    ll_json_arr(j, ll_schema_lens_answer.table);
    for (int i = 0; i < d->answers->n; i++) {
        int slot = d->answers->v[i].slot;
        if (slot < 0) {
            ll_json_null(j, NULL);
            continue;
        }
        ll_row_clear(row);
        ll_row_int(row, LL_LENSANSWER_RANK, o->tracked_rank[slot]);
        ll_row_real(row, LL_LENSANSWER_P, ll_head_p(o, o->tracked_logit[slot]));
        ll_json_obj_flat(j, NULL);
        ll_row_json(j, row, 0, LL_LENSANSWER_COLS - 1);
        ll_json_end(j);
    }
    ll_json_end(j);
}

static void put_top(struct ll_json *j, const struct ll_lens_report *d, const struct ll_head_out *o,
                    struct ll_row *row)
{
    ll_json_arr(j, ll_schema_lens_top.table);
    for (int i = 0; i < o->n_top; i++) {
        struct ll_buf text = {0};
        ll_token_name(d->names, o->top[i].id, &text);
        ll_row_clear(row);
        ll_row_int(row, LL_LENSTOP_ID, o->top[i].id);
        ll_row_text(row, LL_LENSTOP_TEXT, ll_buf_str(&text), text.len);
        ll_row_real(row, LL_LENSTOP_P, ll_head_p(o, o->top[i].v));
        ll_json_obj_flat(j, NULL);
        ll_row_json(j, row, 0, LL_LENSTOP_COLS - 1);
        ll_json_end(j);
        ll_buf_free(&text);
    }
    ll_json_end(j);
}

static void put_layer(struct ll_json *j, const struct ll_lens_report *d, int layer, struct json_rows *r)
{
    const struct ll_head_out *o = &d->rows[layer];
    int slot = ll_lens_main_slot(d);
    ll_row_clear(&r->layer);
    ll_fill_lens(&r->layer, layer, d->pos, o, slot);
    ll_json_obj(j, NULL);
    ll_row_json(j, &r->layer, LL_LENSROW_LAYER, LL_LENSROW_LAYER); /* pos is the document's */
    ll_row_json(j, &r->layer, LL_LENSROW_POS + 1,
                slot >= 0 ? LL_LENSROW_P_ANSWER : LL_LENSROW_ANSWER_RANK - 1);
    put_layer_answers(j, d, o, &r->answer);
    put_top(j, d, o, &r->top);
    ll_json_end(j);
}

int ll_lens_json(struct ll_buf *out, const struct ll_lens_report *d, const struct ll_model_info *info,
                 struct ll_err *err)
{
    struct json_rows r = {0};
    struct ll_json j;
    int rc = ll_row_init(&r.layer, &ll_schema_lens, err);
    if (!rc)
        rc = ll_row_init(&r.top, &ll_schema_lens_top, err);
    if (!rc)
        rc = ll_row_init(&r.answer, &ll_schema_lens_answer, err);
    if (!rc) {
        ll_json_init(&j, out);
        ll_json_obj(&j, NULL);
        put_head(&j, d, info);
        ll_json_arr(&j, "layers");
        for (int l = 0; l <= d->model->n_layers; l++)
            put_layer(&j, d, l, &r);
        ll_json_end(&j);
        if (d->attribution)
            ll_attribution_json(&j, d->attribution, d->attributed_id, d->against_id);
        ll_json_end(&j);
        rc = ll_buf_ok(&r.top.text, err);
    }
    json_rows_free(&r);
    return rc;
}

/* ---- CSV ------------------------------------------------------------------------------------- */

/* The columns of answers 2, 3, ... */
static void fill_tracked(struct ll_row *row, const struct ll_lens_report *d, const struct ll_head_out *o)
{
    for (int i = 1; i < d->answers->n; i++) {
        const struct ll_tracked *a = &d->answers->v[i];
        const int at = ll_tracked_col(i - 1, LL_TRACKED_ANSWER);
        if (a->text)
            ll_row_text(row, at + LL_TRACKED_ANSWER, a->text, strlen(a->text));
        ll_row_text(row, at + LL_TRACKED_SPELLING, a->variant, strlen(a->variant));
        if (a->slot < 0)
            continue;
        ll_row_int(row, at + LL_TRACKED_ANSWER_ID, a->ids[0]);
        ll_row_int(row, at + LL_TRACKED_ANSWER_RANK, o->tracked_rank[a->slot]);
        ll_row_real(row, at + LL_TRACKED_P_ANSWER, ll_head_p(o, o->tracked_logit[a->slot]));
    }
}

static void put_lines(struct ll_buf *out, const struct ll_lens_report *d, struct ll_row *row,
                      const struct ll_buf *interventions)
{
    struct ll_buf text = {0};
    for (int l = 0; l <= d->model->n_layers; l++) {
        const struct ll_head_out *o = &d->rows[l];
        for (int i = 0; i < o->n_top; i++) {
            ll_row_clear(row);
            ll_fill_lens(row, l, d->pos, o, ll_lens_main_slot(d));
            ll_buf_reset(&text);
            ll_token_name(d->names, o->top[i].id, &text);
            ll_row_int(row, LL_LENSROW_RANK, i + 1);
            ll_row_int(row, LL_LENSROW_TOKEN_ID, o->top[i].id);
            ll_row_text(row, LL_LENSROW_TOKEN, ll_buf_str(&text), text.len);
            ll_row_real(row, LL_LENSROW_P, ll_head_p(o, o->top[i].v));
            if (interventions->len)
                ll_row_text(row, LL_LENSROW_INTERVENTIONS, interventions->s, interventions->len);
            fill_tracked(row, d, o);
            ll_csv_row(out, row);
        }
    }
    ll_buf_free(&text);
}

int ll_lens_csv(struct ll_buf *out, const struct ll_lens_report *d, struct ll_err *err)
{
    struct ll_lens_schema schema;
    struct ll_row row = {0};
    struct ll_buf interventions = {0};
    int rc;
    if (d->attribution) /* a table of its own: the shares instead of the layers */
        return ll_attribution_csv(out, d->attribution, d->iv, err);
    if ((rc = ll_lens_schema_init(&schema, d->answers->n > 1 ? d->answers->n - 1 : 0, err)))
        return rc;
    if (!(rc = ll_row_init(&row, &schema.schema, err))) {
        ll_intervene_text(&interventions, d->iv);
        ll_csv_header(out, &schema.schema);
        put_lines(out, d, &row, &interventions);
        if (!(rc = ll_buf_ok(&row.text, err)))
            rc = ll_buf_ok(&interventions, err);
    }
    ll_buf_free(&interventions);
    ll_row_free(&row);
    ll_lens_schema_free(&schema);
    return rc;
}
