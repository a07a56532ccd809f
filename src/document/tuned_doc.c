/* tuned_doc.c - see tuned_doc.h */
#include "tuned_doc.h"

#include "map.h"
#include "settings.h"
#include "stats.h"
#include "print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- facts ----------------------------------------------------------------------------------- */

static int keep(char **out, const char *s, struct ll_err *err)
{
    *out = s ? strdup(s) : NULL;
    return s && !*out ? ll_fail_mem(err, "tuned lens", strlen(s)) : LL_OK;
}

static int read_facts(struct ll_tuned_facts *f, const struct ll_settings *s, struct ll_err *err)
{
    const struct {
        char **to;
        const char *key;
    } texts[] = {{&f->base_model, "base_model_name_or_path"},
                 {&f->revision, "base_model_revision"},
                 {&f->unembed_hash, "unembed_hash"},
                 {&f->lens_type, "lens_type"},
                 {&f->identity, "logitlens.identity"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int rc = keep(texts[i].to, ll_settings_str(s, texts[i].key, NULL), err);
        if (rc)
            return rc;
    }
    f->d_model = (int)ll_settings_int(s, "d_model", 0);
    f->n_layers = (int)ll_settings_int(s, "num_hidden_layers", 0);
    f->has_bias = ll_settings_bool(s, "bias", 1);
    f->provenance = ll_settings_json(s, "logitlens");
    return LL_OK;
}

int ll_tuned_facts_read(struct ll_tuned_facts *f, const char *dir, struct ll_err *err)
{
    struct ll_settings *s = NULL;
    char *path = ll_path_join(dir, "config.json");
    memset(f, 0, sizeof *f);
    f->name = ll_path_base(dir);
    int rc = path && f->name ? ll_settings_read(&s, path, err) : ll_fail_mem(err, "path", strlen(dir));
    if (!rc)
        rc = read_facts(f, s, err);
    if (rc)
        ll_tuned_facts_free(f);
    ll_settings_free(s);
    free(path);
    return rc;
}

void ll_tuned_facts_free(struct ll_tuned_facts *f)
{
    char *owned[] = {f->name,      f->base_model, f->revision,  f->unembed_hash,
                     f->lens_type, f->identity,   f->provenance};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    memset(f, 0, sizeof *f);
}

void ll_tuned_warn(const struct ll_tuned_facts *f, const char *identity, int quiet)
{
    if (!quiet && f->identity && strcmp(f->identity, identity))
        ll_say_line("logitlens: warning: %s was fitted to another checkpoint (%s)", f->name,
                    f->base_model ? f->base_model : "unnamed");
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct ll_tuned_point ll_tuned_point_of(const struct ll_reading *r)
{
    return r->is_set ? (struct ll_tuned_point){r->kl_to_final_bits, r->entropy_bits, r->answer_rank}
                     : (struct ll_tuned_point){NAN, NAN, -1};
}

struct ll_tuned_point ll_tuned_point_of_head(const struct ll_head_out *o, int has_answer)
{
    return (struct ll_tuned_point){o->kl_to_final_bits, o->entropy_bits,
                                   has_answer ? o->tracked_rank[0] : -1};
}

static void put_rank(struct ll_row *row, int col, int rank)
{
    if (rank > 0)
        ll_row_int(row, col, rank);
}

/* A variant against the baseline: its KL and rank, their differences. Columns: kl, delta, rank, shift. */
static void put_variant(struct ll_row *row, const int col[4], struct ll_tuned_point base,
                        struct ll_tuned_point p)
{
    ll_row_real(row, col[0], p.kl_bits);
    ll_row_real(row, col[1], base.kl_bits - p.kl_bits);
    put_rank(row, col[2], p.answer_rank);
    if (base.answer_rank > 0 && p.answer_rank > 0)
        ll_row_int(row, col[3], base.answer_rank - p.answer_rank);
}

static void put_pass(struct ll_row *row, int first, const struct ll_pass_info *info)
{
    if (info->fact_key)
        ll_row_text(row, first, info->fact_key, strlen(info->fact_key));
    if (info->fact_index >= 0)
        ll_row_int(row, first + 1, info->fact_index);
    ll_row_text(row, first + 2, info->prompt_id, strlen(info->prompt_id));
    ll_row_text(row, first + 3, info->prompt_variant, strlen(info->prompt_variant));
}

void ll_fill_tuned_variant(struct ll_row *row, const struct ll_pass_info *info, int layer,
                           const struct ll_row_stats *s)
{
    static const int tuned_cols[] = {LL_TV_KL_TUNED, LL_TV_DELTA_TUNED, LL_TV_RANK_TUNED, LL_TV_SHIFT_TUNED};
    static const int temp_cols[] = {LL_TV_KL_TEMP, LL_TV_DELTA_TEMP, LL_TV_RANK_TEMP, LL_TV_SHIFT_TEMP};
    struct ll_tuned_point base = ll_tuned_point_of(&s->norm), tuned = ll_tuned_point_of(&s->tuned);
    ll_row_int(row, LL_TV_LAYER, layer);
    ll_row_real(row, LL_TV_KL_BASELINE, base.kl_bits);
    put_rank(row, LL_TV_RANK_BASELINE, base.answer_rank);
    put_variant(row, tuned_cols, base, tuned);
    put_variant(row, temp_cols, base, ll_tuned_point_of(&s->tuned_temp));
    ll_row_real(row, LL_TV_ENTROPY_BASELINE, base.entropy_bits);
    ll_row_real(row, LL_TV_ENTROPY_TUNED, tuned.entropy_bits);
    put_pass(row, LL_TV_FACT_KEY, info);
}

static const double fractions[LL_N_POS_FRACS] = {0.20, 0.40, 0.60, 0.80, 0.92, 0.96, 0.98, 1.00};

int ll_position_fractions(int n_ids, struct ll_pos_frac out[LL_N_POS_FRACS])
{
    int n = 0;
    for (int i = 0; i < LL_N_POS_FRACS; i++) {
        int pos = (int)nearbyint(fractions[i] * (n_ids - 1)); /* half to even */
        if (!n || out[n - 1].pos != pos)
            out[n++] = (struct ll_pos_frac){fractions[i], pos};
    }
    return n;
}

void ll_fill_pos_audit(struct ll_row *row, const struct ll_pass_info *info, struct ll_pos_frac at, int layer,
                       struct ll_tuned_point base, struct ll_tuned_point tuned)
{
    static const int cols[] = {LL_PA_KL_TUNED, LL_PA_DELTA_TUNED, LL_PA_RANK_TUNED, LL_PA_SHIFT_TUNED};
    ll_row_real(row, LL_PA_POS_FRAC, at.frac);
    ll_row_int(row, LL_PA_POS_INDEX, at.pos);
    ll_row_int(row, LL_PA_LAYER, layer);
    ll_row_real(row, LL_PA_KL_BASELINE, base.kl_bits);
    put_rank(row, LL_PA_RANK_BASELINE, base.answer_rank);
    put_variant(row, cols, base, tuned);
    ll_row_real(row, LL_PA_ENTROPY_BASELINE, base.entropy_bits);
    ll_row_real(row, LL_PA_ENTROPY_TUNED, tuned.entropy_bits);
    put_pass(row, LL_PA_FACT_KEY, info);
}

/* ---- the document ---------------------------------------------------------------------------- */

static void add_delta(struct ll_tuned_doc *d, struct ll_tuned_deltas *to, double v)
{
    if (!isfinite(v))
        return;
    if (to->n == to->cap) {
        size_t cap = to->cap ? 2 * to->cap : 64;
        double *more = realloc(to->v, cap * sizeof *more);
        if (!more) {
            d->failed = 1;
            return;
        }
        to->v = more;
        to->cap = cap;
    }
    to->v[to->n++] = v;
}

void ll_tuned_doc_pass(struct ll_tuned_doc *d, const struct ll_pass_stats *stats)
{
    for (int l = 0; l < stats->n_layers; l++) {
        const struct ll_row_stats *s = &stats->rows[l];
        double base = s->norm.kl_to_final_bits;
        if (!s->tuned.is_set)
            continue;
        double tuned = base - s->tuned.kl_to_final_bits;
        add_delta(d, &d->tuned, tuned);
        if (s->tuned_temp.is_set)
            add_delta(d, &d->temp, base - s->tuned_temp.kl_to_final_bits);
    }
    const struct ll_reading *last = &stats->rows[stats->n_layers].tuned;
    if (last->is_set && last->kl_to_final_bits > d->kl_final)
        d->kl_final = last->kl_to_final_bits;
}

void ll_tuned_doc_position(struct ll_tuned_doc *d, double frac, struct ll_tuned_point base,
                           struct ll_tuned_point tuned)
{
    for (int i = 0; i < LL_N_POS_FRACS; i++)
        if (fractions[i] == frac)
            add_delta(d, &d->at[i], base.kl_bits - tuned.kl_bits);
}

int ll_tuned_doc_ok(const struct ll_tuned_doc *d, struct ll_err *err)
{
    return d->failed ? ll_fail_mem(err, "figures of the tuned lens", d->tuned.n * sizeof(double)) : LL_OK;
}

void ll_tuned_doc_free(struct ll_tuned_doc *d)
{
    free(d->tuned.v);
    free(d->temp.v);
    for (int i = 0; i < LL_N_POS_FRACS; i++)
        free(d->at[i].v);
    memset(d, 0, sizeof *d);
}

void ll_put_tuned_facts(struct ll_json *j, const struct ll_tuned_facts *f, const struct ll_tuned *t,
                        int n_layers)
{
    ll_json_cstr(j, "path", f->name);
    ll_json_obj(j, "config");
    ll_json_cstr(j, "base_model_name_or_path", f->base_model);
    ll_json_cstr(j, "base_model_revision", f->revision);
    ll_json_cstr(j, "unembed_hash", f->unembed_hash);
    ll_json_cstr(j, "lens_type", f->lens_type);
    ll_json_int(j, "d_model", f->d_model);
    ll_json_int(j, "num_hidden_layers", f->n_layers);
    ll_json_bool(j, "bias", f->has_bias);
    ll_json_end(j);
    ll_json_arr_flat(j, "temperatures");
    for (int l = 0; l < n_layers; l++)
        ll_json_num(j, NULL, ll_tuned_temperature(t, l));
    ll_json_end(j);
    if (f->provenance)
        ll_json_raw(j, "provenance", f->provenance);
    else
        ll_json_null(j, "provenance");
}

static double percentile(struct ll_tuned_deltas *l, double q)
{
    return l->n ? ll_percentile(l->v, l->n, q) : NAN;
}

static void put_quartiles(struct ll_json *j, const char *what, struct ll_tuned_deltas *l)
{
    static const struct {
        const char *name;
        double q;
    } at[] = {{"p25", 0.25}, {"p50", 0.5}, {"p75", 0.75}};
    for (int i = 0; i < 3; i++) {
        char key[64];
        snprintf(key, sizeof key, "delta_kl_%s_%s", what, at[i].name);
        ll_json_num(j, key, percentile(l, at[i].q));
    }
}

/* Median over the positions with lo <= fraction <= hi. */
static double median_between(struct ll_tuned_doc *d, double lo, double hi)
{
    struct ll_tuned_deltas all = {0};
    for (int i = 0; i < LL_N_POS_FRACS; i++)
        for (size_t k = 0; k < d->at[i].n && fractions[i] >= lo && fractions[i] <= hi; k++)
            add_delta(d, &all, d->at[i].v[k]);
    double m = percentile(&all, 0.5);
    free(all.v);
    return m;
}

static void put_positional(struct ll_json *j, struct ll_tuned_doc *d)
{
    double in = median_between(d, 0, 0.92), out = median_between(d, 0.96, 1);
    ll_json_obj(j, "positional");
    ll_json_arr_flat(j, "pos_grid");
    for (int i = 0; i < LL_N_POS_FRACS; i++)
        if (d->at[i].n)
            ll_json_num(j, NULL, fractions[i]);
    ll_json_end(j);
    ll_json_num(j, "pos_in_dist_le_0.92", in);
    ll_json_num(j, "pos_ood_ge_0.96", out);
    ll_json_num(j, "pos_ood_gap", out - in);
    ll_json_end(j);
}

void ll_put_tuned_audit(struct ll_json *j, struct ll_tuned_doc *d)
{
    double tuned = percentile(&d->tuned, 0.5);
    ll_json_obj(j, "audit_summary");
    ll_json_obj(j, "rotation_vs_temperature");
    put_quartiles(j, "tuned", &d->tuned);
    put_quartiles(j, "temp", &d->temp);
    ll_json_end(j);
    put_positional(j, d);
    ll_json_obj(j, "head_mismatch");
    ll_json_num(j, "kl_bits_tuned_final", d->kl_final);
    ll_json_num(j, "kl_bits_tuned_final_after_tau_star", d->kl_final);
    ll_json_num(j, "tau_star_modelcal",
                1); /* row n_layers is the model's own output (ECHECK otherwise): no temperature is nearer */
    ll_json_end(j);
    ll_json_bool(j, "tuned_is_calibration_only", 0); /* without temperatures all of it is the translator's */
    ll_json_cstr(j, "preferred_semantics_lens_hint", tuned > 0.2 ? "tuned" : NULL);
    ll_json_int(j, "n_rows", (long long)d->tuned.n);
    ll_json_end(j);
}

/* ---- skip-layers sanity ---------------------------------------------------------------------- */

int ll_tuned_skip_check(const struct ll_session *s, enum ll_lens_kind lens, int ln_bias_drop,
                        const struct ll_tuned *t, const struct ll_sweep_prompt *prompts, int n_prompts,
                        struct ll_skip_sanity *out, struct ll_err *err)
{
    enum { LEAST_IDS = 3 };
    size_t total = 0;
    for (int i = 0; i < n_prompts; i++)
        total += (size_t)prompts[i].n_ids;
    int *ids = malloc(sizeof *ids * (total + 1)), *start = calloc((size_t)n_prompts + 1, sizeof *start),
        n = 0;
    struct ll_tuned_gain *gain = calloc((size_t)s->model->n_layers, sizeof *gain);
    double own = 0;
    long long n_pos;
    int rc = ids && start && gain ? LL_OK : ll_fail_mem(err, "prompts", sizeof *ids * total);
    *out = (struct ll_skip_sanity){{NAN, NAN, NAN}, -1};
    for (int i = 0; i < n_prompts && !rc; i++) {
        if (prompts[i].n_ids < LEAST_IDS)
            continue;
        memcpy(ids + start[n], prompts[i].ids, sizeof *ids * (size_t)prompts[i].n_ids);
        start[n + 1] = start[n] + prompts[i].n_ids;
        n++;
    }
    struct ll_tuned_eval job = {.model = s->model,
                                .engine = s->engine,
                                .lens = lens,
                                .ln_bias_drop = ln_bias_drop,
                                .tuned = t,
                                .text = {ids, start, n}};
    if (!rc && n && !(rc = ll_tuned_evaluate(&job, gain, &own, &n_pos, err)))
        ll_skip_sanity(gain, s->model->n_layers, own, out);
    free(ids);
    free(start);
    free(gain);
    return rc;
}

void ll_put_skips(struct ll_json *j, const struct ll_skip_sanity *s)
{
    ll_json_obj(j, "skip_layers_sanity");
    for (int i = 0; i < LL_N_SKIPS; i++) {
        char key[16];
        snprintf(key, sizeof key, "m=%d", ll_skips[i]);
        ll_json_num(j, key, s->ppl_increase[i]);
    }
    ll_json_end(j);
    if (s->regression < 0)
        ll_json_null(j, "tuned_lens_regression");
    else
        ll_json_bool(j, "tuned_lens_regression", s->regression);
}
