/* attribution_doc.c - see attribution_doc.h */
#include "attribution_doc.h"

#include "csv_row.h"
#include "intervene_doc.h"
#include "lens_cols.h"

#include <string.h>

void ll_attribution_json(struct ll_json *j, const struct ll_attribution *a, int id, int other)
{
    ll_json_obj(j, "attribution");
    ll_json_int(j, "id", id);
    if (other >= 0)
        ll_json_int(j, "against_id", other);
    ll_json_num(j, "logit", a->logit);
    ll_json_num(j, "logit_after_cap", a->capped);
    ll_json_num(j, "final_norm_scale", a->scale);
    ll_json_num(j, "embed", a->embed);
    ll_json_num(j, "bias", a->bias);
    ll_json_arr(j, "blocks");
    for (int l = 0; l < a->n_layers; l++) {
        ll_json_obj_flat(j, NULL);
        ll_json_int(j, "layer", l);
        ll_json_num(j, "attn", a->attn[l]);
        ll_json_num(j, "attn_bias", a->attn_bias[l]);
        ll_json_num(j, "mlp", a->mlp[l]);
        ll_json_num(j, "mlp_bias", a->mlp_bias[l]);
        ll_json_num(j, "written", a->written[l]);
        ll_json_arr(j, "heads");
        for (int h = 0; h < a->n_heads; h++)
            ll_json_num(j, NULL, a->head[(size_t)l * (size_t)a->n_heads + (size_t)h]);
        ll_json_end(j);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_num(j, "residue", a->residue);
    ll_json_num(j, "head_residue", a->head_residue);
    ll_json_end(j);
}

struct part_rows {
    struct ll_row row;           /* owned */
    struct ll_buf interventions; /* owned */
    struct ll_buf *out;
};

static void put_row(struct part_rows *p, const char *part, int layer, int head, double share)
{
    ll_row_clear(&p->row);
    ll_row_text(&p->row, LL_ATTR_PART, part, strlen(part));
    if (layer >= 0)
        ll_row_int(&p->row, LL_ATTR_LAYER, layer);
    if (head >= 0)
        ll_row_int(&p->row, LL_ATTR_HEAD, head);
    ll_row_real(&p->row, LL_ATTR_SHARE, share);
    if (p->interventions.len)
        ll_row_text(&p->row, LL_ATTR_INTERVENTIONS, p->interventions.s, p->interventions.len);
    ll_csv_row(p->out, &p->row);
}

static void put_block(struct part_rows *p, const struct ll_attribution *a, int l)
{
    const struct {
        const char *part;
        double share;
    } whole[] = {{"attn", a->attn[l]},
                 {"attn_bias", a->attn_bias[l]},
                 {"mlp", a->mlp[l]},
                 {"mlp_bias", a->mlp_bias[l]},
                 {"written", a->written[l]}};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        put_row(p, whole[i].part, l, -1, whole[i].share);
    for (int h = 0; h < a->n_heads; h++)
        put_row(p, "head", l, h, a->head[(size_t)l * (size_t)a->n_heads + (size_t)h]);
}

int ll_attribution_csv(struct ll_buf *out, const struct ll_attribution *a, const struct ll_intervene *iv,
                       struct ll_err *err)
{
    struct part_rows p = {.out = out};
    int rc = ll_row_init(&p.row, &ll_schema_attribution, err);
    if (rc)
        return rc;
    ll_intervene_text(&p.interventions, iv);
    ll_csv_header(out, &ll_schema_attribution);
    put_row(&p, "embed", -1, -1, a->embed);
    for (int l = 0; l < a->n_layers; l++)
        put_block(&p, a, l);
    put_row(&p, "bias", -1, -1, a->bias);
    put_row(&p, "logit", -1, -1, a->logit);
    put_row(&p, "residue", -1, -1, a->residue);
    if (!(rc = ll_buf_ok(&p.row.text, err)))
        rc = ll_buf_ok(&p.interventions, err);
    ll_buf_free(&p.interventions);
    ll_row_free(&p.row);
    return rc;
}
