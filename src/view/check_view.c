/* check_view.c - see check_view.h */
#include "check_view.h"

#include "text_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void title(struct ll_report_text *r, const char *text)
{
    ll_buf_addf(&r->screen, "%s%s\n", r->screen.len ? "\n" : "", text);
    ll_buf_addf(&r->markdown, "\n## %s\n\n", text);
}

static void end_table(struct ll_report_text *r, struct ll_text_table *t)
{
    ll_text_table_put(t, &r->screen, &r->markdown);
}

/* ---- operations, blocks, weights ------------------------------------------------------------- */

static void put_op(struct ll_text_table *t, const struct ll_op_result *x)
{
    ll_text_table_cell(t, "%s", x->op);
    ll_text_table_cell(t, "%s", x->set);
    ll_text_table_cell(t, "%d", x->runs);
    ll_text_table_cell(t, "%d", x->threads);
    ll_text_table_cell(t, "%g", x->max_diff);
    ll_text_table_cell(t, "%lld", x->n_diff);
    ll_text_table_cell(t, "%.16s", x->sha256);
    ll_text_table_cell(t, "%s", x->deterministic ? "DETERMINISTIC" : "**DIFFERS**");
    ll_text_table_cell(t, isnan(x->limit) ? "-" : "%.2e", x->error);
}

static void put_ops(struct ll_report_text *r, const struct ll_check *k)
{
    struct ll_text_table t =
        ll_text_table("Operation|Inputs|Runs|Threads|Max diff|Differing|SHA-256|Verdict|Error (float64)");
    t.spare = "SHA-256|Runs|Differing|Max diff";
    title(r, "Determinism and known answers");
    for (int i = 0; i < k->n_ops; i++)
        put_op(&t, &k->op[i]);
    end_table(r, &t);
    ll_buf_addc(&r->screen, '\n');
}

static void put_types(struct ll_report_text *r, const struct ll_check *k)
{
    struct ll_text_table t = ll_text_table("Type|Tensors|Values|Blocks");
    title(r, "Stored types");
    for (int i = 0; i < k->n_types; i++) {
        ll_text_table_cell(&t, "%s", ll_dtype_info(k->type[i].type)->name);
        ll_text_table_cell(&t, "%d", k->type[i].n_tensors);
        ll_text_table_cell(&t, "%lld", k->type[i].n_values);
        ll_text_table_cell(&t, "%lld", k->type[i].n_blocks);
    }
    end_table(r, &t);
    ll_buf_addc(&r->screen, '\n');
}

static void put_pairs(struct ll_report_text *r, const struct ll_weight_pairs *p)
{
    struct ll_text_table t =
        ll_text_table("Layer|Part|Type|Mean|Mean original|Std|Std original|rms|rms original|rms %");
    t.spare = "Mean|Mean original|Type|Std|Std original";
    title(r, "Weights beside the original");
    for (int i = 0; i < p->n; i++) {
        const struct ll_weight_pair *x = &p->v[i];
        ll_text_table_cell(&t, x->layer < 0 ? "-" : "%d", x->layer);
        ll_text_table_cell(&t, "%s", ll_weight_part(x->part)->name);
        ll_text_table_cell(&t, "%s", ll_dtype_info(x->type)->name);
        for (int m = 0; m < LL_N_MOMENTS; m++) {
            ll_text_table_cell(&t, "%.6f", x->quantised[m]);
            ll_text_table_cell(&t, "%.6f", x->original[m]);
        }
        ll_text_table_cell(&t, "%+.3f", x->percent);
    }
    end_table(r, &t);
    ll_buf_addc(&r->screen, '\n');
}

/* ---- lower precision ------------------------------------------------------------------------- */

static void number(struct ll_text_table *t, const char *fmt, double v)
{
    if (isnan(v))
        ll_text_table_cell(t, "-");
    else {
        char text[32];
        snprintf(text, sizeof text, fmt, v);
        ll_text_table_cell(t, "%s", text);
    }
}

static void put_ends(struct ll_report_text *r, const struct ll_arms *a)
{
    static const char *const agrees[] = {[LL_ARM_OTHER] = "no", [LL_ARM_TIE] = "tie", [LL_ARM_SAME] = "yes"};
    struct ll_text_table t =
        ll_text_table("Arm|Computed|KL bits|Top-1|Agrees|First above 1 %|Overflow|Logits");
    for (int i = 0; i < LL_N_ARMS; i++) {
        const struct ll_arm *x = &a->arm[i];
        ll_text_table_cell(&t, "%s", x->name);
        ll_text_table_cell(&t, "%s", x->what);
        number(&t, "%.6f", x->kl_bits);
        ll_text_table_cell(&t, x->health.n_top ? "%d" : "-", x->health.n_top ? x->health.top[0].id : 0);
        ll_text_table_cell(&t, "%s", agrees[ll_arm_agreement(x)]);
        ll_text_table_cell(&t,
                           x->first_beyond < 0   ? "none"
                               : x->first_beyond ? "layer %d"
                                                 : "embedding",
                           x->first_beyond - 1);
        ll_text_table_cell(&t, "%lld", (long long)x->overflow);
        ll_text_table_cell(&t, "%s", ll_health_name(x->health.health));
    }
    end_table(r, &t);
}

static void put_errors(struct ll_report_text *r, const struct ll_arms *a)
{
    struct ll_text_table t = ll_text_table("Layer|Arm|MAE|Max error|Relative|Cosine|Overflow");
    ll_report_say(r, "\nerrors of the stream against arm a; layer -1: embedding\n");
    for (int row = 0; row < a->n_rows; row++)
        for (int i = 1; i < LL_N_ARMS; i++) {
            const struct ll_arm_row *x = &a->arm[i].rows[row];
            ll_text_table_cell(&t, "%d", row - 1);
            ll_text_table_cell(&t, "%s", a->arm[i].name);
            number(&t, "%.3e", x->mae);
            number(&t, "%.3e", x->max_err);
            number(&t, "%.3e", x->rel_err);
            number(&t, "%.8f", x->cosine);
            ll_text_table_cell(&t, "%lld", (long long)x->overflow);
        }
    end_table(r, &t);
}

/* Second and third hypotheses: scale drift and residual handling. */
static void put_drift(struct ll_report_text *r, const struct ll_arms *a)
{
    struct ll_text_table t =
        ll_text_table("Layer|rms a|b|c|d|attn_out a|mlp_out a|attn/stream a|b|c|d|mlp/stream a|b|c|d");
    ll_report_say(
        r,
        "\nscale drift (rms of the stream and of what the halves add) and residual handling (halves / "
        "stream before the block)\n");
    for (int row = 0; row < a->n_rows; row++) {
        ll_text_table_cell(&t, "%d", row - 1);
        for (int i = 0; i < LL_N_ARMS; i++)
            number(&t, "%.5g", a->arm[i].rows[row].rms);
        number(&t, "%.5g", a->arm[0].rows[row].attn_rms);
        number(&t, "%.5g", a->arm[0].rows[row].mlp_rms);
        for (int i = 0; i < LL_N_ARMS; i++)
            number(&t, "%.4f", row ? a->arm[i].rows[row].attn_rms / a->arm[i].rows[row - 1].rms : NAN);
        for (int i = 0; i < LL_N_ARMS; i++)
            number(&t, "%.4f", row ? a->arm[i].rows[row].mlp_rms / a->arm[i].rows[row - 1].rms : NAN);
    }
    end_table(r, &t);
    ll_report_say(r, "the final norm reads rms %.5g (a), %.5g (b), %.5g (c), %.5g (d)\n", a->arm[0].final_rms,
                  a->arm[1].final_rms, a->arm[2].final_rms, a->arm[3].final_rms);
}

static void put_connection(struct ll_report_text *r, const struct ll_arms *a)
{
    struct ll_text_table t = ll_text_table("Layer|Input|Output before it|Equal");
    ll_report_say(r, "\nlayer connection: SHA-256 of each layer's input and of the output before it\n");
    for (int l = 0; l + 1 < a->n_rows; l++) {
        ll_text_table_cell(&t, "%d", l);
        ll_text_table_cell(&t, "%.16s", a->input[l]);
        ll_text_table_cell(&t, "%.16s", a->output[l]);
        ll_text_table_cell(&t, "%s", ll_arms_connected(a, l) ? "yes" : "**no**");
    }
    end_table(r, &t);
    ll_buf_addc(&r->screen, '\n');
}

static void put_arms(struct ll_report_text *r, const struct ll_arms *a, enum ll_half_format f)
{
    title(r,
          f == LL_HALF_F16 ? "Precision: float32 (a) against binary16 (b, c, d)"
                           : "Precision: float32 (a) against bfloat16 (b, c, d)");
    put_ends(r, a);
    put_errors(r, a);
    put_drift(r, a);
    put_connection(r, a);
}

void ll_check_view(struct ll_report_text *r, const struct ll_check *k, const struct ll_check_job *job,
                   const struct ll_criteria *c, const char *model)
{
    ll_buf_addf(&r->markdown, "# Checks%s%s\n\n", model ? " of " : "", model ? model : "");
    ll_report_criteria(r, c, LL_CHECK_NO_PASS);
    if (k->ran_ops)
        put_ops(r, k);
    ll_report_criteria(r, c, LL_CHECK_OPS);
    if (k->ran_blocks)
        title(r, "Quantised blocks");
    ll_report_criteria(r, c, LL_CHECK_BLOCKS);
    if (k->n_types)
        put_types(r, k);
    ll_report_criteria(r, c, LL_CHECK_TYPES);
    if (k->ran_original)
        put_pairs(r, &k->pairs);
    ll_report_criteria(r, c, LL_CHECK_ORIGINAL);
    if (k->arms.n_rows)
        put_arms(r, &k->arms, job->format);
    ll_report_criteria(r, c, LL_CHECK_ARMS);
}
