/* cmd_check.c - determinism and known answers of every operation, quantised blocks, and the same prompt in
 * lower precision (docs/diagnostics.md 6). Without a model only what needs none is run. */
#include "cmd.h"
#include "config.h"
#include "diag_out.h"
#include "grid.h"
#include "half_arms.h"
#include "op_check.h"
#include "op_inputs.h"
#include "prompts.h"
#include "quant_check.h"
#include "weight_scan.h"
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check_opts {
    struct ll_diag_opts out;
    int threads, quiet, runs, exact;
    const char *ids, *parts, *format, *original;
};
enum { N_OPTS = LL_N_DIAG_OPTS + 9, DEFAULT_IDS = 8 };
static const struct check_opts defaults = {.runs = 10, .parts = "all", .format = "f16"};

static void opt_table(struct check_opts *o, struct ll_opt t[N_OPTS])
{
    const struct ll_opt rows[] = {
        {"--runs", LL_OPT_INT, &o->runs, "N", "how often each operation runs on the same inputs", 2, 1000,
         NULL},
        {"--parts", LL_OPT_STR, &o->parts, "WHAT",
         "ops: determinism and known answers; blocks: quantised blocks; arms: lower precision", 0, 0,
         "all|ops|blocks|arms"},
        {"--format", LL_OPT_STR, &o->format, "TYPE", "of the lower precision", 0, 0, "f16|bf16"},
        {"--ids", LL_OPT_STR, &o->ids, "LIST",
         "token ids instead of text: 1,2,3; with neither, eight seeded ones", 0, 0, NULL},
        {"--original", LL_OPT_STR, &o->original, "MODEL",
         "the unquantised checkpoint: mean, std and rms of every part beside it", 0, 0, NULL},
        LL_OPT_EXACT(*o),
        LL_OPT_DIAG(o->out),
        LL_OPT_THREADS(*o),
        LL_OPT_QUIET(*o),
        LL_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

void ll_cmd_check_options(struct ll_buf *out)
{
    struct check_opts o = defaults;
    struct ll_opt t[N_OPTS];
    opt_table(&o, t);
    ll_opt_help(t, out);
}

struct check {
    struct ll_diag d;
    struct ll_session s;
    struct ll_prompt p;
    int has_model;
    const struct check_opts *o;
    struct ll_progress bar;
};

static int wanted(const struct check *c, const char *part)
{
    return !strcmp(c->o->parts, "all") || !strcmp(c->o->parts, part);
}

static void say(struct check *c, const char *title)
{
    ll_say(&c->d.table, NULL, "%s%s\n", c->d.table.len ? "\n" : "", title);
    ll_say(NULL, &c->d.markdown, "%s## %s\n\n", c->d.table.len ? "\n" : "", title);
}

static void show_progress(void *arg, double done) { ll_progress_show(arg, done); }

/* ---- operations ------------------------------------------------------------------------------ */

/* To three digits: libm's sine has a part in one of the references, and its last bits are not everywhere the
 * same. */
static double three_digits(double v)
{
    char text[32];
    if (!isfinite(v))
        return v;
    snprintf(text, sizeof text, "%.2e", v);
    return strtod(text, NULL);
}

static void put_op(struct check *c, struct ll_grid *g, const struct ll_op_result *r)
{
    struct ll_json *j = &c->d.j;
    ll_grid_cell(g, "%s", r->op);
    ll_grid_cell(g, "%s", r->set);
    ll_grid_cell(g, "%d", r->runs);
    ll_grid_cell(g, "%d", r->threads);
    ll_grid_cell(g, "%g", r->max_diff);
    ll_grid_cell(g, "%lld", r->n_diff);
    ll_grid_cell(g, "%.16s", r->sha256);
    ll_grid_cell(g, "%s", r->deterministic ? "DETERMINISTIC" : "**DIFFERS**");
    ll_grid_cell(g, isnan(r->limit) ? "-" : "%.2e", r->error);
    ll_json_obj_flat(j, NULL);
    ll_json_cstr(j, "step", r->op);
    ll_json_cstr(j, "set", r->set);
    ll_json_int(j, "runs", r->runs);
    ll_json_int(j, "threads", r->threads);
    ll_json_num(j, "max_diff", r->max_diff);
    ll_json_int(j, "differing", r->n_diff);
    ll_json_int(j, "n", r->n);
    ll_json_cstr(j, "sha256", r->sha256);
    ll_json_bool(j, "deterministic", r->deterministic);
    ll_json_num(j, "error", isnan(r->limit) ? NAN : three_digits(r->error));
    ll_json_num(j, "error_limit", r->limit);
    ll_json_end(j);
}

/* What a pass said that could not end becomes a criterion. */
static int cannot_pass(struct check *c, enum ll_crit status, const char *name, struct ll_err *err)
{
    ll_diag_criterion(&c->d, status, name, "%.300s", err->msg);
    memset(err, 0, sizeof *err);
    return LL_OK;
}

static int run_ops(struct check *c, struct ll_err *err)
{
    struct ll_op_result r[LL_OP_MAX];
    struct ll_grid g =
        ll_grid("Operation|Inputs|Runs|Threads|Max diff|Differing|SHA-256|Verdict|Error (float64)");
    g.spare = "SHA-256|Runs|Differing|Max diff";
    const struct ll_op_result *differs = NULL, *wrong = NULL;
    int n = 0, rc;
    ll_progress_start(&c->bar, "operations", c->o->quiet);
    rc = ll_op_check(c->has_model ? c->s.model : NULL, c->p.ids.v, c->p.ids.n, c->o->runs, r, &n,
                     show_progress, &c->bar, err);
    ll_progress_end(&c->bar);
    if (rc == LL_EUSAGE && c->has_model) /* a pass that met a NaN: the operations before it stand */
        rc = cannot_pass(c, LL_CRIT_FAIL, "whole layer and whole pass", err);
    say(c, "Determinism and known answers");
    for (int i = 0; i < n; i++) {
        put_op(c, &g, &r[i]);
        differs = differs || r[i].deterministic ? differs : &r[i];
        wrong = wrong || isnan(r[i].limit) || r[i].error <= r[i].limit ? wrong : &r[i];
    }
    ll_grid_put(&g, &c->d.table, &c->d.markdown);
    ll_buf_addc(&c->d.table, '\n');
    if (rc)
        return rc;
    if (differs)
        ll_diag_criterion(&c->d, LL_CRIT_FAIL, "every operation gives the same bits every time",
                          "%s, %s inputs, %d threads: %lld differ, by up to %g", differs->op, differs->set,
                          differs->threads, differs->n_diff, differs->max_diff);
    else
        ll_diag_criterion(&c->d, LL_CRIT_PASS, "every operation gives the same bits every time",
                          "%d runs each, 1, 2 and all threads: maximum difference exactly 0", c->o->runs);
    if (wrong)
        ll_diag_criterion(&c->d, LL_CRIT_FAIL, "every operation agrees with float64",
                          "%s, %s inputs: error %.2e, limit %.2e", wrong->op, wrong->set, wrong->error,
                          wrong->limit);
    else
        ll_diag_criterion(&c->d, LL_CRIT_PASS, "every operation agrees with float64", "errors as printed");
    if (!c->has_model)
        ll_diag_criterion(&c->d, LL_CRIT_NOT_RUN, "whole layer and whole pass", "no model");
    return LL_OK;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void put_counts(struct check *c)
{
    struct ll_block_count n[LL_N_DTYPES];
    const struct ll_tensor *bad, *odd;
    int64_t at;
    struct ll_grid g = ll_grid("Type|Tensors|Values|Blocks");
    int n_types = ll_count_blocks(c->s.model->ckpt, n, &bad, &at, &odd);
    say(c, "Stored types");
    for (int i = 0; i < n_types; i++) {
        ll_grid_cell(&g, "%s", ll_dtype_info(n[i].type)->name);
        ll_grid_cell(&g, "%d", n[i].n_tensors);
        ll_grid_cell(&g, "%lld", n[i].n_values);
        ll_grid_cell(&g, "%lld", n[i].n_blocks);
        ll_json_obj_flat(&c->d.j, NULL);
        ll_json_cstr(&c->d.j, "step", "stored type");
        ll_json_cstr(&c->d.j, "type", ll_dtype_info(n[i].type)->name);
        ll_json_int(&c->d.j, "tensors", n[i].n_tensors);
        ll_json_int(&c->d.j, "values", n[i].n_values);
        ll_json_int(&c->d.j, "blocks", n[i].n_blocks);
        ll_json_end(&c->d.j);
    }
    ll_grid_put(&g, &c->d.table, &c->d.markdown);
    ll_buf_addc(&c->d.table, '\n');
    ll_diag_criterion(&c->d, odd ? LL_CRIT_FAIL : LL_CRIT_PASS, "blocks are values / values a block", "%s",
                      odd ? odd->name : "every tensor");
    if (bad)
        ll_diag_criterion(&c->d, LL_CRIT_FAIL, "all stored values are finite", "tensor %s, value %lld",
                          bad->name, (long long)at);
    else
        ll_diag_criterion(&c->d, LL_CRIT_PASS, "all stored values are finite", "every tensor");
}

/* A checkpoint's weights by part, scanned. */
struct scanned {
    struct ll_model *m;
    struct ll_weights w;
};

static int scan_model(struct scanned *s, const char *path, struct ll_engine *eng, struct ll_err *err)
{
    int rc = ll_model_open_settings(&s->m, path, err);
    if (!rc)
        rc = ll_weights_find(&s->w, s->m, err);
    return rc ? rc : ll_weight_scan(&s->w, eng, NULL, NULL, NULL, err);
}

static void scanned_free(struct scanned *s)
{
    ll_weights_free(&s->w);
    ll_model_close(s->m);
}

/* Gemma's gains lack 1 in safetensors and have it in GGUF: what must be added to compare with the other
 * container. */
static double gain_offset(const struct ll_model *m, int part)
{
    return ll_weight_part(part)->kind == LL_PART_NORM && m->family->norm == LL_NORM_RMS_PLUS_ONE
        && !ll_norms_complete(m);
}

/* mean, std, rms as multiplied. */
static void moments(const struct scanned *s, int row, int part, double out[3])
{
    const struct ll_tensor_stats *t = &s->w.layers[row].cell[part].stats;
    out[1] = ll_tensor_std(t);
    out[0] = ll_tensor_mean(t) + gain_offset(s->m, part);
    out[2] = sqrt(out[0] * out[0] + out[1] * out[1]);
}

/* Part beside part, where both have it in the same size; returns how many. */
static int put_pairs(struct check *c, const struct scanned *q, const struct scanned *f, double *worst,
                     struct ll_buf *where)
{
    struct ll_grid g = ll_grid("Layer|Part|Type|Mean|Mean original|Std|Std original|rms|rms original|rms %");
    g.spare = "Mean|Mean original|Type|Std|Std original";
    int n = 0;
    for (int l = 0; l <= q->w.n_layers; l++)
        for (int p = 0; p < LL_N_WEIGHT_PARTS; p++) {
            const struct ll_weight_cell *a = &q->w.layers[l].cell[p], *b = &f->w.layers[l].cell[p];
            double x[3], y[3];
            if (!a->tensor || !b->tensor || a->n != b->n)
                continue;
            moments(q, l, p, x);
            moments(f, l, p, y);
            double percent = y[2] > 0 ? 100 * (x[2] - y[2]) / y[2] : x[2] > 0 ? INFINITY : 0;
            if (!n++ || fabs(percent) > fabs(*worst)) {
                *worst = percent;
                ll_buf_reset(where);
                if (l < q->w.n_layers)
                    ll_buf_addf(where, "layer %d, ", l);
                ll_buf_adds(where, ll_weight_part(p)->name);
            }
            ll_grid_cell(&g, l < q->w.n_layers ? "%d" : "-", l);
            ll_grid_cell(&g, "%s", ll_weight_part(p)->name);
            ll_grid_cell(&g, "%s", ll_dtype_info(a->tensor->dtype)->name);
            for (int i = 0; i < 3; i++) {
                ll_grid_cell(&g, "%.6f", x[i]);
                ll_grid_cell(&g, "%.6f", y[i]);
            }
            ll_grid_cell(&g, "%+.3f", percent);
            ll_json_obj_flat(&c->d.j, NULL);
            if (l < q->w.n_layers)
                ll_json_int(&c->d.j, "layer", l);
            ll_json_cstr(&c->d.j, "step", ll_weight_part(p)->name);
            ll_json_num(&c->d.j, "mean", x[0]);
            ll_json_num(&c->d.j, "mean_original", y[0]);
            ll_json_num(&c->d.j, "std", x[1]);
            ll_json_num(&c->d.j, "std_original", y[1]);
            ll_json_num(&c->d.j, "rms", x[2]);
            ll_json_num(&c->d.j, "rms_original", y[2]);
            ll_json_end(&c->d.j);
        }
    ll_grid_put(&g, &c->d.table, &c->d.markdown);
    return n;
}

/* The quantised checkpoint beside its original, whatever containers they are in: order of rows does not
 * change a mean. */
static int compare_original(struct check *c, const char *path, struct ll_err *err)
{
    struct scanned q = {0}, f = {0};
    struct ll_buf where = {0};
    double worst = 0;
    int rc = scan_model(&q, path, c->s.engine, err);
    if (!rc)
        rc = scan_model(&f, c->o->original, c->s.engine, err);
    if (!rc && (q.w.n_layers != f.w.n_layers || q.m->d_model != f.m->d_model))
        rc = ll_fail(err, LL_EUSAGE, "--original: expected %d layers of width %d, found %d of %d",
                     q.w.n_layers, q.m->d_model, f.w.n_layers, f.m->d_model);
    if (!rc) {
        say(c, "Weights beside the original");
        int n = put_pairs(c, &q, &f, &worst, &where);
        ll_buf_addc(&c->d.table, '\n');
        ll_diag_criterion(&c->d,
                          !n                     ? LL_CRIT_NOT_RUN
                              : fabs(worst) <= 5 ? LL_CRIT_PASS
                                                 : LL_CRIT_FAIL,
                          "rms of every part within 5 % of the original",
                          "%d parts; largest difference %+.3f %% (%s)", n, worst, ll_buf_str(&where));
    }
    ll_buf_free(&where);
    scanned_free(&q);
    scanned_free(&f);
    return rc;
}

static void run_blocks(struct check *c)
{
    struct ll_quant_check r[LL_QUANT_CHECKS];
    int n = ll_quant_check(r);
    say(c, "Quantised blocks");
    for (int i = 0; i < n; i++) {
        ll_json_obj_flat(&c->d.j, NULL);
        ll_json_cstr(&c->d.j, "step", r[i].name);
        ll_json_bool(&c->d.j, "good", r[i].good);
        ll_json_cstr(&c->d.j, "detail", r[i].detail);
        ll_json_end(&c->d.j);
        ll_diag_criterion(&c->d, r[i].good ? LL_CRIT_PASS : LL_CRIT_FAIL, r[i].name, "%s", r[i].detail);
    }
    if (c->has_model)
        put_counts(c);
    else
        ll_diag_criterion(&c->d, LL_CRIT_NOT_RUN, "blocks of a checkpoint", "no model");
}

/* ---- arms ------------------------------------------------------------------------------------ */

static void grid_num(struct ll_grid *g, const char *fmt, double v)
{
    if (isnan(v))
        ll_grid_cell(g, "-");
    else {
        char text[32];
        snprintf(text, sizeof text, fmt, v);
        ll_grid_cell(g, "%s", text);
    }
}

static void json_arm_row(struct check *c, const struct ll_arm *x, int row)
{
    struct ll_json *j = &c->d.j;
    const struct ll_arm_row *r = &x->rows[row];
    ll_json_obj_flat(j, NULL);
    ll_json_int(j, "layer", row - 1);
    ll_json_cstr(j, "step", row ? "resid_post" : "embed");
    ll_json_cstr(j, "arm", x->name);
    ll_json_num(j, "mae", r->mae);
    ll_json_num(j, "max_err", r->max_err);
    ll_json_num(j, "rel_err", r->rel_err);
    ll_json_num(j, "cosine", r->cosine);
    ll_json_int(j, "overflow", r->overflow);
    ll_json_int(j, "n_nonfinite", r->n_nonfinite);
    ll_json_num(j, "rms", r->rms);
    ll_json_num(j, "attn_out_rms", r->attn_rms);
    ll_json_num(j, "mlp_out_rms", r->mlp_rms);
    ll_json_end(j);
}

static void put_errors(struct check *c, const struct ll_arms *a)
{
    struct ll_grid g = ll_grid("Layer|Arm|MAE|Max error|Relative|Cosine|Overflow");
    ll_say(&c->d.table, &c->d.markdown, "\nerrors of the stream against arm a; layer -1: embedding\n");
    for (int r = 0; r < a->n_rows; r++)
        for (int i = 0; i < LL_N_ARMS; i++) {
            const struct ll_arm_row *x = &a->arm[i].rows[r];
            json_arm_row(c, &a->arm[i], r);
            if (!i)
                continue;
            ll_grid_cell(&g, "%d", r - 1);
            ll_grid_cell(&g, "%s", a->arm[i].name);
            grid_num(&g, "%.3e", x->mae);
            grid_num(&g, "%.3e", x->max_err);
            grid_num(&g, "%.3e", x->rel_err);
            grid_num(&g, "%.8f", x->cosine);
            ll_grid_cell(&g, "%lld", (long long)x->overflow);
        }
    ll_grid_put(&g, &c->d.table, &c->d.markdown);
}

/* Does the best token agree with arm a's? */
static const struct {
    const char *cell, *word;
} agreement[] = {{"no", "changed"}, {"tie", "as good as equal"}, {"yes", "same"}};
static int top1_of(const struct ll_arm *x) { return x->top1_same ? 2 : x->top1_tie; }

static void put_ends(struct check *c, const struct ll_arms *a)
{
    struct ll_grid g = ll_grid("Arm|Computed|KL bits|Top-1|Agrees|First above 1 %|Overflow|Logits");
    for (int i = 0; i < LL_N_ARMS; i++) {
        const struct ll_arm *x = &a->arm[i];
        struct ll_json *j = &c->d.j;
        ll_grid_cell(&g, "%s", x->name);
        ll_grid_cell(&g, "%s", x->what);
        grid_num(&g, "%.6f", x->kl_bits);
        ll_grid_cell(&g, x->health.n_top ? "%d" : "-", x->health.n_top ? x->health.top[0].id : 0);
        ll_grid_cell(&g, "%s", agreement[top1_of(x)].cell);
        ll_grid_cell(&g,
                     x->first_beyond < 0   ? "none"
                         : x->first_beyond ? "layer %d"
                                           : "embedding",
                     x->first_beyond - 1);
        ll_grid_cell(&g, "%lld", (long long)x->overflow);
        ll_grid_cell(&g, "%s", ll_health_name(x->health.health));
        ll_json_obj_flat(j, NULL);
        ll_json_cstr(j, "step", "logits");
        ll_json_cstr(j, "arm", x->name);
        ll_json_num(j, "kl_bits", x->kl_bits);
        if (x->health.n_top)
            ll_json_int(j, "top1_id", x->health.top[0].id);
        ll_json_bool(j, "top1_agrees", x->top1_same);
        ll_json_bool(j, "top1_tie", x->top1_tie);
        if (x->first_beyond < 0)
            ll_json_null(j, "first_layer_above_1_percent");
        else
            ll_json_int(j, "first_layer_above_1_percent", x->first_beyond - 1);
        ll_json_int(j, "overflow", x->overflow);
        ll_json_num(j, "final_norm_input_rms", x->final_rms);
        ll_json_end(j);
    }
    ll_grid_put(&g, &c->d.table, &c->d.markdown);
}

/* Second and third hypotheses: scale drift and residual handling. */
static void put_drift(struct check *c, const struct ll_arms *a)
{
    struct ll_grid g =
        ll_grid("Layer|rms a|b|c|d|attn_out a|mlp_out a|attn/stream a|b|c|d|mlp/stream a|b|c|d");
    ll_say(&c->d.table, &c->d.markdown,
           "\nscale drift (rms of the stream and of what the halves add) and residual handling (halves / "
           "stream before the block)\n");
    for (int r = 0; r < a->n_rows; r++) {
        ll_grid_cell(&g, "%d", r - 1);
        for (int i = 0; i < LL_N_ARMS; i++)
            grid_num(&g, "%.5g", a->arm[i].rows[r].rms);
        grid_num(&g, "%.5g", a->arm[0].rows[r].attn_rms);
        grid_num(&g, "%.5g", a->arm[0].rows[r].mlp_rms);
        for (int i = 0; i < LL_N_ARMS; i++)
            grid_num(&g, "%.4f", r ? a->arm[i].rows[r].attn_rms / a->arm[i].rows[r - 1].rms : NAN);
        for (int i = 0; i < LL_N_ARMS; i++)
            grid_num(&g, "%.4f", r ? a->arm[i].rows[r].mlp_rms / a->arm[i].rows[r - 1].rms : NAN);
    }
    ll_grid_put(&g, &c->d.table, &c->d.markdown);
    ll_say(&c->d.table, &c->d.markdown, "the final norm reads rms %.5g (a), %.5g (b), %.5g (c), %.5g (d)\n",
           a->arm[0].final_rms, a->arm[1].final_rms, a->arm[2].final_rms, a->arm[3].final_rms);
}

static void put_connection(struct check *c, const struct ll_arms *a)
{
    struct ll_grid g = ll_grid("Layer|Input|Output before it|Equal");
    int broken = -1;
    ll_say(&c->d.table, &c->d.markdown,
           "\nlayer connection: SHA-256 of each layer's input and of the output before it\n");
    for (int l = 0; l + 1 < a->n_rows; l++) {
        int equal = !strcmp(a->input[l], a->output[l]);
        broken = broken < 0 && !equal ? l : broken;
        ll_grid_cell(&g, "%d", l);
        ll_grid_cell(&g, "%.16s", a->input[l]);
        ll_grid_cell(&g, "%.16s", a->output[l]);
        ll_grid_cell(&g, "%s", equal ? "yes" : "**no**");
        ll_json_obj_flat(&c->d.j, NULL);
        ll_json_int(&c->d.j, "layer", l);
        ll_json_cstr(&c->d.j, "step", "connection");
        ll_json_cstr(&c->d.j, "input", a->input[l]);
        ll_json_cstr(&c->d.j, "output_before", a->output[l]);
        ll_json_end(&c->d.j);
    }
    ll_grid_put(&g, &c->d.table, &c->d.markdown);
    ll_buf_addc(&c->d.table, '\n');
    if (broken < 0)
        ll_diag_criterion(&c->d, LL_CRIT_PASS, "each layer reads what the one before wrote", "%d layers",
                          a->n_rows - 1);
    else
        ll_diag_criterion(&c->d, LL_CRIT_FAIL, "each layer reads what the one before wrote",
                          "layer %d does not", broken);
}

static void judge_arms(struct check *c, const struct ll_arms *a)
{
    int hurt = ll_arms_hurt(a), repaired = ll_arms_repaired(a);
    const struct ll_arm *x = a->arm;
    const char *name = "lower precision leaves the prediction alone";
    ll_diag_criterion(
        &c->d, hurt ? LL_CRIT_WARN : LL_CRIT_PASS, name,
        "KL b %.4f, c %.4f, d %.4f bits; top-1 %s, %s, %s; \"precision explains the failure\" %s",
        x[1].kl_bits, x[2].kl_bits, x[3].kl_bits, agreement[top1_of(&x[1])].word,
        agreement[top1_of(&x[2])].word, agreement[top1_of(&x[3])].word,
        !hurt          ? "does not hold: neither b nor c changes the top token or has a KL above 0.1 bit"
            : repaired ? "holds: b or c fails and d repairs it"
                       : "does not hold: b or c fails, but d does not repair it");
}

static int run_arms(struct check *c, struct ll_err *err)
{
    struct ll_arms a = {0};
    enum ll_half_format f = !strcmp(c->o->format, "bf16") ? LL_HALF_BF16 : LL_HALF_F16;
    if (!c->has_model) {
        ll_diag_criterion(&c->d, LL_CRIT_NOT_RUN, "lower precision leaves the prediction alone", "no model");
        ll_diag_criterion(&c->d, LL_CRIT_NOT_RUN, "each layer reads what the one before wrote", "no model");
        return LL_OK;
    }
    int rc = ll_arms_run(&a, c->s.model, c->s.engine, c->p.ids.v, c->p.ids.n, f, err);
    if (rc == LL_EUSAGE)
        rc = cannot_pass(c, LL_CRIT_NOT_RUN, "lower precision leaves the prediction alone", err);
    else if (!rc) {
        say(c,
            f == LL_HALF_F16 ? "Precision: float32 (a) against binary16 (b, c, d)"
                             : "Precision: float32 (a) against bfloat16 (b, c, d)");
        put_ends(c, &a);
        put_errors(c, &a);
        put_drift(c, &a);
        put_connection(c, &a);
        judge_arms(c, &a);
    }
    ll_arms_free(&a);
    return rc;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* The text, the ids, or eight ids from the seeded generator. */
static int read_prompt(struct check *c, const char *text, struct ll_err *err)
{
    int ids[DEFAULT_IDS];
    uint32_t state = LL_OP_SEED;
    const struct ll_text_how how = {c->o->exact, c->o->quiet};
    if (text || c->o->ids)
        return ll_prompt_read(&c->p, &c->s, c->o->ids, text, &how, NULL, err);
    for (int i = 0; i < DEFAULT_IDS; i++)
        ids[i] = (int)(ll_op_bits(&state) % (uint32_t)c->s.model->d_vocab);
    return ll_prompt_from_ids(&c->p, &c->s, ids, DEFAULT_IDS, -1, err);
}

static int write_report(struct check *c, const char *path, struct ll_err *err)
{
    struct ll_model_info info;
    struct ll_info_text keep;
    int rc = c->has_model ? ll_session_info(&c->s, LL_LENS_FINAL, &info, &keep, err) : LL_OK;
    if (rc)
        return rc;
    ll_diag_begin(&c->d, "check", c->has_model ? &info : NULL);
    ll_buf_addf(&c->d.markdown, "# Checks%s%s\n\n", c->has_model ? " of " : "",
                c->has_model ? info.model_id : "");
    ll_json_int(&c->d.j, "runs", c->o->runs);
    ll_json_cstr(&c->d.j, "format", c->o->format);
    ll_json_arr_flat(&c->d.j, "token_ids");
    for (int i = 0; i < c->p.ids.n; i++)
        ll_json_int(&c->d.j, NULL, c->p.ids.v[i]);
    ll_json_end(&c->d.j);
    ll_json_arr(&c->d.j, "rows");
    if (wanted(c, "ops"))
        rc = run_ops(c, err);
    if (!rc && wanted(c, "blocks"))
        run_blocks(c);
    if (!rc && c->o->original)
        rc = compare_original(c, path, err);
    if (!rc && wanted(c, "arms"))
        rc = run_arms(c, err);
    ll_json_end(&c->d.j);
    return rc ? rc : ll_diag_finish(&c->d, &c->o->out, err);
}

int ll_cmd_check(int argc, char **argv, struct ll_err *err)
{
    struct check_opts o = defaults;
    struct ll_opt t[N_OPTS];
    struct check c = {.o = &o};
    const char *args[2];
    int n_args, rc;
    opt_table(&o, t);
    if ((rc = ll_opt_parse(t, argc, argv, args, 2, &n_args, err)))
        return rc;
    if (!n_args && (o.ids || o.original))
        return ll_fail(err, LL_EUSAGE, "%s: expected a model, too", o.ids ? "--ids" : "--original");
    c.has_model = n_args > 0;
    if (c.has_model && !(rc = ll_session_open(&c.s, args[0], NULL, o.threads, err))) {
        ll_warn_notes(c.s.model, o.quiet);
        rc = read_prompt(&c, n_args > 1 ? args[1] : NULL, err);
    }
    if (!rc)
        rc = write_report(&c, c.has_model ? args[0] : NULL, err);
    ll_diag_free(&c.d);
    ll_prompt_free(&c.p);
    if (c.has_model)
        ll_session_close(&c.s);
    return rc;
}
