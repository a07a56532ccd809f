/* drift_json.c - see drift_json.h. Rows for the index: step "depth" (the accumulation table, layer -1 the
 * embedding), and the points by hook name. */
#include "drift_json.h"

#include "diag_doc.h"

#include <math.h>
#include <string.h>

static void put_lines(struct ll_json *j, const char *key, const struct ll_buf *lines)
{
    ll_json_arr(j, key);
    for (const char *p = ll_buf_str(lines); *p;) {
        size_t n = strcspn(p, "\n");
        ll_json_str(j, NULL, p, n);
        p += n + (p[n] == '\n');
    }
    ll_json_end(j);
}

static void put_missing(struct ll_json *j, const struct ll_drift *d)
{
    ll_json_arr_flat(j, "missing_layers");
    for (int k = 1; k <= d->m->n_layers; k++)
        if (!d->depths[k].known)
            ll_json_int(j, NULL, k - 1);
    ll_json_end(j);
}

static void put_reference(struct ll_json *j, const struct ll_drift_report *r)
{
    static const char *const orders[] = {"", "halves", "pairs, put in halves"};
    ll_json_obj(j, "reference");
    ll_json_cstr(j, "kind", r->ref->kind);
    ll_json_cstr(j, "sequence", r->ref->n_seq && r->ref->seq[0].sequence[0] ? r->ref->seq[0].sequence : NULL);
    ll_json_int(j, "n_arrays", r->ref->n);
    ll_json_int(j, "n_placed", r->place->n_placed);
    ll_json_int(j, "n_ignored", r->place->n_ignored);
    put_lines(j, "unknown", &r->place->unknown);
    put_lines(j, "not_used", &r->place->passed);
    put_lines(j, "not_finite", &r->place->bad);
    put_missing(j, r->d);
    ll_json_cstr(j, "qk_order", r->order ? orders[r->order] : NULL);
    ll_json_end(j);
}

static void put_cmp(struct ll_json *j, const struct ll_cmp *c, const struct ll_cmp *x)
{
    ll_json_num(j, "mae", c->mae);
    ll_json_num(j, "rmse", c->rmse);
    ll_json_num(j, "max_error", c->max);
    ll_json_int(j, "max_row", c->max_row);
    ll_json_int(j, "max_dim", c->max_col);
    ll_json_num(j, "relative_rmse", c->rel);
    ll_json_num(j, "relative_mae", c->mae_rel);
    ll_json_num(j, "cosine", c->cosine);
    ll_json_num(j, "top3_dims_share", c->top3);
    ll_json_int(j, "n_not_finite", c->n_bad);
    ll_json_num(j, "mae_without",
                x->n ? x->mae
                     : NAN); /* without the first token and massive dimensions; null: nothing is left */
    ll_json_num(j, "rmse_without", x->n ? x->rmse : NAN);
    ll_json_num(j, "max_error_without", x->n ? x->max : NAN);
    ll_json_num(j, "cosine_without", x->n ? x->cosine : NAN);
    ll_json_num(j, "mean", ll_tensor_mean(&c->ours));
    ll_json_num(j, "std", ll_tensor_std(&c->ours));
    ll_json_num(j, "min", c->ours.min);
    ll_json_num(j, "max", c->ours.max);
    ll_json_num(j, "rms", ll_tensor_rms(&c->ours));
    ll_json_num(j, "ref_mean", ll_tensor_mean(&c->ref));
    ll_json_num(j, "ref_std", ll_tensor_std(&c->ref));
    ll_json_num(j, "ref_min", c->ref.min);
    ll_json_num(j, "ref_max", c->ref.max);
    ll_json_num(j, "ref_rms", ll_tensor_rms(&c->ref));
}

static void put_depth(struct ll_json *j, const struct ll_drift_depth *d, int k)
{
    ll_json_obj(j, NULL);
    ll_json_int(j, "layer", k - 1);
    ll_json_cstr(j, "step", "depth");
    ll_json_int(j, "layers", k);
    ll_json_cstr(j, "known", d->known ? d->normed ? "after the final norm" : "yes" : "missing");
    if (d->known) {
        put_cmp(j, &d->c, &d->cx);
        ll_json_cstr(j, "status", ll_drift_depth_status(d));
    }
    if (d->known && k > 0) {
        ll_json_num(j, "growth", d->growth);
        ll_json_bool(j, "growth_judged", d->judged);
        ll_json_num(j, "ref_std_ratio", d->std_ratio);
    }
    if (d->has_iso) {
        ll_json_num(j, "isolated_mae", d->iso.mae);
        ll_json_num(j, "isolated_rmse", d->iso.rmse);
        ll_json_num(j, "isolated_max_error", d->iso.max);
        ll_json_num(j, "isolated_relative_rmse", d->iso.rel);
        ll_json_num(j, "isolated_mae_without", d->iso_x.n ? d->iso_x.mae : NAN);
        ll_json_num(j, "isolated_rmse_without", d->iso_x.n ? d->iso_x.rmse : NAN);
        ll_json_num(j, "isolated_max_error_without", d->iso_x.n ? d->iso_x.max : NAN);
        ll_json_cstr(j, "isolated_status", ll_drift_isolated_status(d));
    }
    ll_json_end(j);
}

static void put_point(struct ll_json *j, const struct ll_drift_report *r, const struct ll_drift_point *p)
{
    const struct ll_actv *ref = ll_acts_at(r->d->ref, p->hook, p->layer);
    ll_json_obj(j, NULL);
    if (p->layer >= 0)
        ll_json_int(j, "layer", p->layer);
    ll_json_cstr(j, "step", ll_hook_info((enum ll_hook)p->hook)->name);
    ll_json_cstr(j, "operation", ll_drift_operation(p->hook));
    ll_json_cstr(j, "source", p->self ? "self" : "reference");
    ll_json_cstr(j, "origin", p->self ? NULL : ref->origin);
    ll_json_cstr(j, "dtype", p->self ? "float64" : ref->dtype);
    ll_json_int(j, "rows", p->self ? r->d->n : ref->rows);
    ll_json_int(j, "width", p->self ? ll_acts_at(&r->d->ours, p->hook, p->layer)->width : ref->width);
    ll_json_cstr(j, "verdict", ll_drift_verdict_name(p->verdict));
    ll_json_num(j, "tolerance", p->tol);
    put_cmp(j, &p->running, &p->running_x);
    if (p->has_isolated) {
        ll_json_num(j, "isolated_mae", p->isolated.mae);
        ll_json_num(j, "isolated_rmse", p->isolated.rmse);
        ll_json_num(j, "isolated_max_error", p->isolated.max);
        ll_json_num(j, "isolated_relative_rmse", p->isolated.rel);
        ll_json_num(j, "isolated_mae_without", p->isolated_x.n ? p->isolated_x.mae : NAN);
        ll_json_num(j, "isolated_rmse_without", p->isolated_x.n ? p->isolated_x.rmse : NAN);
        ll_json_num(j, "isolated_max_error_without", p->isolated_x.n ? p->isolated_x.max : NAN);
    }
    if (r->place->llama && !p->self) {
        struct ll_node_check c = ll_drift_node(r, p);
        ll_json_num(j, "rms_difference_percent", c.rms_percent);
        ll_json_bool(j, "node_within", c.good);
    }
    ll_json_end(j);
}

static void put_sums(struct ll_json *j, const struct ll_drift_report *r)
{
    struct ll_sum_check c;
    for (int hook = -1, layer; ll_drift_next_sum(r, &hook, &layer, &c);) {
        ll_json_obj(j, NULL);
        if (layer >= 0)
            ll_json_int(j, "layer", layer);
        ll_json_cstr(j, "step", ll_hook_info((enum ll_hook)hook)->name);
        ll_json_cstr(j, "source", "statistics only");
        ll_json_cstr(j, "origin", c.origin);
        ll_json_num(j, "sum", c.ours);
        ll_json_num(j, "ref_sum", c.ref);
        ll_json_num(j, "difference_percent", c.percent);
        ll_json_bool(j, "node_within", c.good);
        ll_json_end(j);
    }
}

static void put_first(struct ll_json *j, const struct ll_drift_report *r)
{
    const struct ll_drift *d = r->d;
    if (d->first < 0) {
        ll_json_null(j, "first_divergence");
        return;
    }
    const struct ll_drift_point *p = &d->points[d->first];
    struct ll_buf about = {0};
    char name[64];
    ll_hook_full_name((enum ll_hook)p->hook, p->layer, name);
    int between = ll_drift_describe(d, p->hook, p->layer, &about);
    ll_json_obj(j, "first_divergence");
    ll_json_cstr(j, "hook", name);
    ll_json_int(j, "layer", p->layer);
    ll_json_cstr(j, "operation", ll_drift_operation(p->hook));
    ll_json_cstr(j, "computed", ll_buf_str(&about));
    ll_json_int(j, "operations_not_shown", between);
    ll_json_cstr(j, "verdict", ll_drift_verdict_name(p->verdict));
    ll_json_num(j, "relative_rmse", p->off);
    if (p->rerun.done) {
        ll_json_num(j, "ours_to_float64", p->rerun.ours);
        ll_json_num(j, "reference_to_float64", p->rerun.ref);
    }
    ll_buf_reset(&about);
    ll_drift_read_off(d, p, &about);
    ll_json_cstr(j, "read_off", about.len ? ll_buf_str(&about) : NULL);
    ll_json_obj(j, "shape");
    ll_json_int(j, "first_bad_position", r->shape.first_bad_row);
    ll_json_num(j, "position_0", r->shape.first_row);
    ll_json_num(j, "later_over_earlier", r->shape.last_over_first);
    ll_json_num(j, "factor", r->shape.factor);
    ll_json_num(j, "left_after_factor", r->shape.factor_left);
    ll_json_num(j, "left_after_constant", r->shape.constant_left);
    ll_json_num(j, "left_after_sorting", r->shape.sorted_left);
    ll_json_num(j, "three_columns", r->shape.columns3);
    ll_json_end(j);
    ll_json_end(j);
    ll_buf_free(&about);
}

static void put_tries(struct ll_json *j, const struct ll_drift_report *r)
{
    ll_json_arr(j, "tries");
    for (int i = 0; i < r->n_tries; i++) {
        ll_json_obj_flat(j, NULL);
        ll_json_cstr(j, "switch", r->tries[i].name);
        ll_json_num(j, "relative_rmse", r->tries[i].rel);
        ll_json_int(j, "points_beyond", r->tries[i].n_beyond);
        ll_json_cstr(j, "verdict", ll_try_verdict_name(r->tries[i].verdict));
        ll_json_end(j);
    }
    ll_json_end(j);
}

static void put_symptoms(struct ll_json *j, const struct ll_drift_report *r)
{
    const struct ll_drift_point *p = r->d->first < 0 ? NULL : &r->d->points[r->d->first];
    ll_json_arr(j, "symptoms");
    for (const struct ll_drift_symptom *s = ll_drift_symptoms; s->symptom; s++) {
        ll_json_obj(j, NULL);
        ll_json_cstr(j, "symptom", s->symptom);
        ll_json_cstr(j, "likely_cause", s->cause);
        ll_json_cstr(j, "try", s->tries);
        ll_json_bool(j, "seen", s->seen(r->d, p, &r->shape));
        ll_json_end(j);
    }
    ll_json_end(j);
}

static void put_facts(struct ll_json *j, const struct ll_drift_report *r)
{
    const struct ll_drift *d = r->d;
    struct ll_drift_summary s = ll_drift_summarise(d->depths, d->m->n_layers);
    ll_json_obj(j, "epsilon");
    ll_json_num(j, "used", (double)d->m->ln_final.eps);
    ll_json_num(j, "config", r->settings_eps);
    ll_json_cstr(j, "first_divergence_vanishes_with", r->eps_hint);
    if (r->eps >= 0) {
        ll_json_num(j, "mean_mae_without_override", r->eps_mae[0]);
        ll_json_num(j, "mean_mae_with_override", r->eps_mae[1]);
    }
    ll_json_end(j);
    ll_json_obj(j, "last_dump");
    ll_json_cstr(j, "is",
                 !d->trap_tested ? "missing"
                     : d->trap   ? "after the final norm"
                                 : "the last block's output");
    if (d->trap_tested) {
        ll_json_num(j, "relative_rmse_as_block", d->trap_raw);
        ll_json_num(j, "relative_rmse_as_normed", d->trap_normed);
    }
    ll_json_end(j);
    ll_json_obj(j, "left_out");
    ll_json_bool(j, "first_token", d->skip_rows[0]);
    ll_json_arr_flat(j, "massive_dims");
    for (int i = 0; i < d->m->d_model; i++)
        if (d->skip_cols[i])
            ll_json_int(j, NULL, i);
    ll_json_end(j);
    ll_json_end(j);
    ll_json_obj(j, "growth");
    ll_json_num(j, "first_mae", s.first);
    ll_json_num(j, "last_mae", s.last);
    ll_json_num(j, "mean", s.mean_growth);
    ll_json_num(j, "geometric_mean", s.geometric_growth);
    ll_json_num(j, "total", s.total_growth);
    ll_json_int(j, "jumps", s.n_jumps);
    ll_json_int(j, "moderate", s.n_moderate);
    ll_json_end(j);
    ll_json_int(j, "token_obtained", r->token_ours);
    ll_json_int(j, "token_expected", r->token_ref);
    ll_json_cstr(j, "broken_on_purpose", r->broken);
}

void ll_drift_json(struct ll_json *j, const struct ll_drift_report *r, const char *identity)
{
    if (*r->ref->model)
        ll_json_cstr(j, "reference_model", r->ref->model);
    if (*r->ref->identity)
        ll_json_bool(j, "reference_is_this_checkpoint", !strcmp(r->ref->identity, identity));
    put_reference(j, r);
    ll_token_ids_json(j, r->d->ids, r->d->n);
    put_facts(j, r);
    put_first(j, r);
    if (r->tried)
        put_tries(j, r);
    if (r->explain)
        put_symptoms(j, r);
    ll_json_arr(j, "rows");
    for (int k = 0; k <= r->d->m->n_layers; k++)
        put_depth(j, &r->d->depths[k], k);
    for (int i = 0; i < r->d->n_points; i++)
        put_point(j, r, &r->d->points[i]);
    put_sums(j, r);
    ll_json_end(j);
}
