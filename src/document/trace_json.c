/* trace_json.c - see trace_json.h */
#include "trace_json.h"

#include "diag_doc.h"
#include "intervene_doc.h"
#include "tensor_json.h"

#include <math.h>

static void put_row(struct ll_json *j, const struct ll_trace *t, enum ll_hook h, int layer)
{
    const struct ll_step *s = ll_step_at(&t->watch, h, layer);
    if (!s)
        return;
    ll_json_obj_flat(j, NULL);
    if (layer >= 0)
        ll_json_int(j, "layer", layer);
    ll_json_cstr(j, "step", ll_hook_info(h)->name);
    ll_json_int(j, "rows", s->n_rows);
    ll_json_int(j, "width", s->width);
    if (s->n_heads)
        ll_json_int(j, "heads", s->n_heads);
    ll_tensor_stats_json(j, &s->s);
    ll_json_int(j, "n_over_f16", s->n_over_f16);
    ll_json_int(j, "n_under_f16", s->n_under_f16);
    ll_json_int(j, "max_abs_pos", s->max_pos);
    ll_json_int(j, "max_abs_index", s->max_index);
    ll_json_end(j);
}

static void put_rows(struct ll_json *j, const struct ll_trace *t, const struct ll_trace_parts *p)
{
    static const enum ll_hook stream[] = {LL_HOOK_ATTN_OUT, LL_HOOK_MLP_OUT, LL_HOOK_RESID_POST};
    ll_json_arr(j, "rows");
    for (int h = 0; h < LL_HOOK_LOGITS; h++)
        if (!ll_hook_info((enum ll_hook)h)->per_layer)
            put_row(j, t, (enum ll_hook)h, -1);
    for (int l = 0; l < t->model->n_layers; l++) {
        int all = p->stability || (p->steps && l == t->layer);
        for (int h = 0; h < LL_HOOK_LOGITS && all; h++)
            if (ll_hook_info((enum ll_hook)h)->per_layer)
                put_row(j, t, (enum ll_hook)h, l);
        for (size_t i = 0; i < 3 && p->sweep && !all; i++)
            put_row(j, t, stream[i], l);
    }
    ll_json_end(j);
}

static void put_weights(struct ll_json *j, const struct ll_trace *t)
{
    ll_json_arr(j, "weights");
    for (int i = 0; i < t->n_weights; i++) {
        const struct ll_trace_weight *w = &t->weight[i];
        ll_json_obj_flat(j, NULL);
        ll_json_cstr(j, "weight", w->name);
        ll_json_cstr(j, "used_by", ll_hook_info(w->at)->name);
        ll_json_cstr(j, "type", w->type);
        ll_json_int(j, "rows", w->n);
        ll_json_int(j, "columns", w->k);
        ll_tensor_stats_json(j, &w->s);
        ll_json_end(j);
    }
    ll_json_end(j);
    struct ll_relation r[LL_MAX_RELATIONS];
    ll_json_arr(j, "relations");
    for (int i = 0, n = ll_trace_relations(t, r); i < n; i++) {
        ll_json_obj_flat(j, NULL);
        ll_json_cstr(j, "step", ll_hook_info(r[i].hook)->name);
        ll_json_cstr(j, "verdict", !r[i].holds ? "broken" : r[i].applies ? "holds" : "note");
        ll_json_cstr(j, "text", r[i].text);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_obj(j, "final_norm_last_token");
    ll_tensor_stats_json(j, &t->final_last);
    ll_json_num(j, "divided_by", t->final_scale_last);
    ll_json_end(j);
}

static void put_swap(struct ll_json *j, const struct ll_trace *t)
{
    ll_json_arr(j, "act_order_swapped");
    for (int i = 0; i < LL_TRACE_SWAPS; i++)
        if (t->swap[i].is_set) {
            ll_json_obj_flat(j, NULL);
            ll_json_cstr(j, "step", ll_hook_info(t->swap[i].at)->name);
            ll_json_num(j, "rms", t->swap[i].rms_right);
            ll_json_num(j, "rms_swapped", t->swap[i].rms_wrong);
            ll_json_num(j, "relative_difference", t->swap[i].rel);
            ll_json_num(j, "cosine", t->swap[i].cosine);
            ll_json_end(j);
        }
    ll_json_end(j);
}

static void put_massive(struct ll_json *j, const struct ll_massive *m)
{
    ll_json_obj(j, "massive");
    ll_json_num(j, "factor", m->factor);
    ll_json_arr(j, "lens_rows");
    for (int l = 0; l < m->n_rows; l++) {
        ll_json_obj_flat(j, NULL);
        ll_json_int(j, "lens_row", l);
        ll_json_num(j, "median_abs", m->rows[l].median);
        ll_json_num(j, "max_abs", m->rows[l].max_abs);
        ll_json_int(j, "max_pos", m->rows[l].max_pos);
        ll_json_int(j, "max_dim", m->rows[l].max_dim);
        ll_json_int(j, "n_massive", m->rows[l].n);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_arr(j, "places");
    for (int i = 0; i < m->n; i++) {
        ll_json_obj_flat(j, NULL);
        ll_json_int(j, "pos", m->at[i].pos);
        ll_json_int(j, "dim", m->at[i].dim);
        ll_json_int(j, "first_lens_row", m->at[i].first);
        ll_json_int(j, "last_lens_row", m->at[i].last);
        ll_json_int(j, "peak_lens_row", m->at[i].peak);
        ll_json_num(j, "peak", m->at[i].value);
        ll_json_num(j, "medians", m->at[i].ratio);
        ll_json_end(j);
    }
    ll_json_end(j);
    ll_json_end(j);
}

static void put_attention(struct ll_json *j, const struct ll_trace *t)
{
    ll_json_arr(j, "attention");
    for (int l = 0; l < t->model->n_layers; l++)
        for (int h = 0; h < t->model->n_heads; h++) {
            const struct ll_head_pattern *p =
                &t->watch.pattern[(size_t)l * (size_t)t->model->n_heads + (size_t)h];
            ll_json_obj_flat(j, NULL);
            ll_json_int(j, "layer", l);
            ll_json_int(j, "head", h);
            ll_json_num(j, "entropy_bits", p->entropy_bits);
            ll_json_num(j, "entropy_share", p->entropy_share);
            ll_json_num(j, "sink_mass", p->sink);
            ll_json_end(j);
        }
    ll_json_end(j);
}

static void put_norm(struct ll_json *j, const struct ll_trace *t, int which, int layer)
{
    static const char *const names[] = {
        [LL_CHECK_LN1] = "ln1", [LL_CHECK_LN2] = "ln2", [LL_CHECK_FINAL] = "ln_final"};
    const struct ll_norm_check *c = ll_norm_check_at(&t->watch, which, layer);
    if (!c)
        return;
    ll_json_obj_flat(j, NULL);
    ll_json_cstr(j, "norm", names[which]);
    if (which != LL_CHECK_FINAL)
        ll_json_int(j, "layer", layer);
    ll_json_num(j, "worst_relative_to_float64", c->worst_rel);
    ll_json_num(j, "mean_square_min", c->ms_min);
    ll_json_num(j, "mean_square_max", c->ms_max);
    ll_json_num(j, "rms_before_gain_min", c->rms_min);
    ll_json_num(j, "rms_before_gain_max", c->rms_max);
    ll_json_end(j);
}

static void put_checks(struct ll_json *j, const struct ll_trace *t)
{
    ll_json_arr(j, "norms");
    for (int l = 0; l < t->model->n_layers; l++)
        for (int which = LL_CHECK_LN1; which <= LL_CHECK_LN2; which++)
            put_norm(j, t, which, l);
    put_norm(j, t, LL_CHECK_FINAL, -1);
    ll_json_end(j);
    ll_json_arr(j, "offences"); /* the first, in pass order */
    for (int i = 0; i < t->watch.n_first; i++) {
        const struct ll_offence *o = &t->watch.first[i];
        ll_json_obj_flat(j, NULL);
        ll_json_cstr(j, "bound", ll_bound_name(o->bound));
        if (o->layer >= 0)
            ll_json_int(j, "layer", o->layer);
        ll_json_cstr(j, "step", ll_hook_info(o->hook)->name);
        if (o->head >= 0)
            ll_json_int(j, "head", o->head);
        ll_json_int(j, "pos", o->pos);
        ll_json_int(j, "index", o->index);
        char value[32];
        ll_fmt_double(value, o->value);
        if (isfinite(o->value))
            ll_json_num(j, "value", o->value);
        else
            ll_json_cstr(j, "value", value);
        ll_json_end(j);
    }
    ll_json_end(j);
}

static void put_findings(struct ll_json *j, const struct ll_findings *f)
{
    for (int i = 0; i < f->n; i++) {
        ll_json_obj_flat(j, NULL);
        ll_json_cstr(j, "kind", f->v[i].suspicious ? "suspicious" : "note");
        if (f->v[i].layer >= 0)
            ll_json_int(j, "layer", f->v[i].layer);
        ll_json_cstr(j, "step", ll_hook_info(f->v[i].hook)->name);
        ll_json_cstr(j, "text", f->v[i].text);
        ll_json_end(j);
    }
}

void ll_trace_json(struct ll_json *j, const struct ll_trace_report *r)
{
    const struct ll_trace *t = r->t;
    const struct ll_trace_parts *p = &r->parts;
    ll_json_int(j, "block", t->layer);
    ll_token_ids_json(j, r->ids, t->n_pos);
    ll_intervene_json(j, r->iv);
    if (p->steps)
        put_weights(j, t);
    if (t->swap[1].is_set)
        put_swap(j, t);
    if (p->massive || p->sweep)
        put_massive(j, &t->massive);
    if (p->attention)
        put_attention(j, t);
    put_checks(j, t);
    ll_json_arr(j, "findings");
    put_findings(j, &r->layer);
    put_findings(j, &r->sweep);
    ll_json_end(j);
    put_rows(j, t, p);
}
