/* findings.c - see findings.h */
#include "findings.h"

#include "relations.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say(struct ll_findings *f, int suspicious, enum ll_hook h, int layer, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
static void say(struct ll_findings *f, int suspicious, enum ll_hook h, int layer, const char *fmt, ...)
{
    if (f->n == LL_MAX_FINDINGS)
        return;
    struct ll_finding *x = &f->v[f->n++];
    *x = (struct ll_finding){.suspicious = suspicious, .hook = h, .layer = layer};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(x->text, sizeof x->text, fmt, ap);
    va_end(ap);
}

const struct ll_finding *ll_finding_at(const struct ll_findings *f, enum ll_hook h, int layer, int suspicious)
{
    for (int i = 0; i < f->n; i++)
        if (f->v[i].hook == h && f->v[i].layer == layer && f->v[i].suspicious == suspicious)
            return &f->v[i];
    return NULL;
}

static double rms_at(const struct ll_trace *t, enum ll_hook h, int layer)
{
    const struct ll_step *s = ll_step_at(&t->watch, h, layer);
    return s ? ll_tensor_rms(&s->s) : NAN;
}

/* What enters an addition: the stream's hook before it. */
static enum ll_hook before_mlp(const struct ll_trace *t, int layer)
{
    return t->model->layers[layer].parallel ? LL_HOOK_RESID_PRE : LL_HOOK_RESID_MID;
}

/* ---- one block: each rule looks at one thing ------------------------------------------------- */

static void not_finite(struct ll_findings *f, const struct ll_trace *t)
{
    for (int i = 0; i < t->watch.n_first; i++) {
        const struct ll_offence *o = &t->watch.first[i];
        if (o->bound != LL_BOUND_FINITE)
            continue;
        char point[64];
        ll_hook_full_name(o->hook, o->layer, point);
        say(f, 1, o->hook, o->layer,
            "the first value that is not finite: %s, position %d, element %d; what it flows into is "
            "spoilt%s%s",
            point, o->pos, o->index, *t->blame ? "; " : "", t->blame);
        return;
    }
}

/* A norm's output is large because its input is small: eps above 1 % of the divisor is worth a word, above 50
 * % the input is lost. */
static void eps_matters(struct ll_findings *f, const struct ll_trace *t)
{
    static const struct {
        enum ll_hook in, out;
    } norms[] = {{LL_HOOK_RESID_PRE, LL_HOOK_LN1_NORMALIZED}, {LL_HOOK_RESID_MID, LL_HOOK_LN2_NORMALIZED}};
    const struct ll_layer *L = &t->model->layers[t->layer];
    for (int i = 0; i < 2; i++) {
        const struct ll_norm *norm = i ? &L->ln2 : &L->ln1;
        const struct ll_step *in = ll_step_at(&t->watch, i ? before_mlp(t, t->layer) : norms[i].in, t->layer);
        if (!norm->w || !in)
            continue;
        struct ll_norm_arithmetic a =
            ll_norm_arithmetic(ll_tensor_rms(&in->s), (double)norm->eps, in->s.max_abs, 0);
        if (a.eps_share > 0.01)
            say(f, a.eps_share > 0.5, norms[i].out, t->layer,
                "epsilon makes what this norm divides by %.1f %% larger, because the stream is small here "
                "(rms %.3g): %s",
                100 * a.eps_share, ll_tensor_rms(&in->s),
                a.eps_share > 0.5   ? "the norm hardly normalises, its input is nearly lost"
                    : t->layer == 0 ? "usual before the first block"
                                    : "another epsilon would show");
    }
}

/* Do a few values carry the whole size of a step? One above 30 times the rms is 900 times the mean square. */
static int ruled_by_few(const struct ll_trace *t, enum ll_hook h, int layer)
{
    const struct ll_step *s = ll_step_at(&t->watch, h, layer);
    return s && s->s.max_abs > 30 * ll_tensor_rms(&s->s);
}

/* A branch above 3 times the stream it joins; one below a millionth of it; one that is all zero. */
static void branch_sizes(struct ll_findings *f, const struct ll_trace *t)
{
    static const struct {
        enum ll_hook h;
        const char *what;
    } branches[] = {{LL_HOOK_ATTN_OUT, "attention"}, {LL_HOOK_MLP_OUT, "the MLP"}};
    for (int i = 0; i < 2; i++) {
        double b = rms_at(t, branches[i].h, t->layer),
               s = rms_at(t, i ? before_mlp(t, t->layer) : LL_HOOK_RESID_PRE, t->layer);
        if (b == 0)
            say(f, 1, branches[i].h, t->layer,
                "%s adds exactly nothing: is a weight zero, or the output silenced?", branches[i].what);
        else if (b > 3 * s && ruled_by_few(t, branches[i].h, t->layer))
            say(f, 0, branches[i].h, t->layer,
                "%s adds %.1f times what is there, but in a few massive values only: this block writes "
                "massive activations",
                branches[i].what, b / s);
        else if (b > 3 * s)
            say(f, t->layer > 0, branches[i].h, t->layer, "%s adds %.1f times what is there: %s",
                branches[i].what, b / s,
                t->layer ? "this block writes over the stream"
                         : "the first block often builds the stream anew from the embedding");
        else if (b < 1e-6 * s)
            say(f, 1, branches[i].h, t->layer,
                "%s adds %.1g of the stream's size: too little for float32 to keep", branches[i].what, b / s);
    }
}

/* One value above 50 times its step's rms carries the statistics of the whole step. */
static void one_value(struct ll_findings *f, const struct ll_trace *t)
{
    static const enum ll_hook points[] = {LL_HOOK_RESID_PRE, LL_HOOK_ATTN_OUT, LL_HOOK_RESID_MID,
                                          LL_HOOK_MLP_OUT, LL_HOOK_RESID_POST};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        const struct ll_step *s = ll_step_at(&t->watch, points[i], t->layer);
        double rms = s ? ll_tensor_rms(&s->s) : 0;
        if (s && s->s.max_abs > 50 * rms && rms > 0)
            say(f, 0, points[i], t->layer,
                "one value is %.0f times the rms: dimension %d at position %d, %.4g; such massive "
                "activations are harmless but rule means and errors (--massive)",
                s->s.max_abs / rms, s->max_index, s->max_pos, s->s.max_abs);
    }
}

/* Magnitudes that binary16 cannot hold. */
static void beyond_f16(struct ll_findings *f, const struct ll_trace *t)
{
    for (int h = 0; h < LL_HOOK_LN_FINAL_SCALE; h++) {
        const struct ll_step *s = ll_step_at(&t->watch, (enum ll_hook)h, t->layer);
        if (s && s->n_over_f16)
            say(f, 1, (enum ll_hook)h, t->layer,
                "%lld values exceed 65504: in float16 they would be infinite", (long long)s->n_over_f16);
    }
}

/* More than half of the values of a dense step exactly zero. */
static void dead(struct ll_findings *f, const struct ll_trace *t)
{
    static const enum ll_hook points[] = {
        LL_HOOK_LN1_NORMALIZED, LL_HOOK_Q,   LL_HOOK_K,          LL_HOOK_V,   LL_HOOK_Z,
        LL_HOOK_LN2_NORMALIZED, LL_HOOK_PRE, LL_HOOK_PRE_LINEAR, LL_HOOK_POST};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        const struct ll_step *s = ll_step_at(&t->watch, points[i], t->layer);
        if (s && 2 * s->s.n_zero > s->s.n)
            say(f, 1, points[i], t->layer,
                "%.0f %% of the values are exactly zero: dead parts, or something was silenced",
                100.0 * (double)s->s.n_zero / (double)s->s.n);
    }
}

/* Scores beyond +-80 make a softmax one-hot; exp of the difference underflows. */
static void extreme_scores(struct ll_findings *f, const struct ll_trace *t)
{
    const struct ll_step *s = ll_step_at(&t->watch, LL_HOOK_ATTN_SCORES, t->layer);
    if (s && s->s.max - s->s.min > 160)
        say(f, 1, LL_HOOK_ATTN_SCORES, t->layer,
            "scores span %.0f: softmax is one-hot for such rows and its weights underflow; is the scale "
            "1/sqrt(d_head) or the cap missing?",
            s->s.max - s->s.min);
}

enum { PRODUCT_OFF = 3 };             /* times: uncorrelated Gaussians give 1, equal ones sqrt(3) */
static const double SMALL_GATE = 0.5; /* rms up to which act(x) is about x/2 */

static void product_off(struct ll_findings *f, const struct ll_trace *t)
{
    double g = rms_at(t, LL_HOOK_PRE, t->layer), p = rms_at(t, LL_HOOK_POST, t->layer),
           want = ll_product_rms(g, rms_at(t, LL_HOOK_PRE_LINEAR, t->layer));
    if (g < SMALL_GATE && p > 0 && (p > PRODUCT_OFF * want || p < want / PRODUCT_OFF))
        say(f, 1, LL_HOOK_POST, t->layer,
            "the product is %.3g times what its small factors make (0.5 * rms_gate * rms_up = %.3g): gate "
            "and up rise and fall together, or the activation is another",
            p / want, want);
}

/* A norm's gain multiplies sizes by more than 5 or less than 1/5: looks like growth, is a choice of the
 * model. */
static void norm_ratio(struct ll_findings *f, const struct ll_trace *t)
{
    static const enum ll_hook in[] = {LL_HOOK_RESID_PRE, LL_HOOK_RESID_MID},
                              out[] = {LL_HOOK_LN1_NORMALIZED, LL_HOOK_LN2_NORMALIZED};
    for (int i = 0; i < 2; i++) {
        double a = rms_at(t, i ? before_mlp(t, t->layer) : in[0], t->layer), b = rms_at(t, out[i], t->layer);
        if (b > 5 * a || b < a / 5)
            say(f, 0, out[i], t->layer,
                "the norm's output is %.3g times its input: it divides by the input's rms and multiplies by "
                "its gain, so this ratio says nothing about growth",
                b / a);
    }
}

/* With one token attention has nothing to choose from. */
static void one_token(struct ll_findings *f, const struct ll_trace *t)
{
    if (t->n_pos == 1)
        say(f, 0, LL_HOOK_PATTERN, t->layer,
            "one token only: every pattern row is 1 and z equals v, so nothing about attention can be seen");
}

void ll_findings_layer(struct ll_findings *f, const struct ll_trace *t)
{
    static void (*const rules[])(struct ll_findings *,
                                 const struct ll_trace *) = {not_finite,     branch_sizes, dead,
                                                             extreme_scores, product_off,  beyond_f16,
                                                             one_value,      eps_matters,  norm_ratio,
                                                             one_token};
    f->n = 0;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        rules[i](f, t);
}

/* ---- the stream ------------------------------------------------------------------------------ */

/* All massive places in one sentence: the largest, when they come and go. */
static void say_massive(struct ll_findings *f, const struct ll_massive *m)
{
    if (!m->n)
        return;
    const struct ll_massive_at *top = &m->at[0];
    int first = m->n_rows, last = 0;
    for (int i = 0; i < m->n; i++) {
        top = m->at[i].ratio > top->ratio ? &m->at[i] : top;
        first = m->at[i].first < first ? m->at[i].first : first;
        last = m->at[i].last > last ? m->at[i].last : last;
    }
    say(f, 0, LL_HOOK_RESID_POST, top->peak - 1,
        "massive activations at %d place%s (dimensions: %d, positions: %d), from lens row %d to %d; the "
        "largest is dimension %d at position %d: %.4g, %.0f times the median "
        "magnitude; harmless, but they rule means and errors (--massive)",
        m->n, m->n == 1 ? "" : "s", ll_massive_dims(m, NULL), ll_massive_positions(m, NULL), first, last,
        top->dim, top->pos, top->value, top->ratio);
}

void ll_findings_sweep(struct ll_findings *f, const struct ll_trace *t)
{
    const struct ll_massive *ms = &t->massive;
    int n = t->model->n_layers;
    f->n = 0;
    not_finite(f, t);
    for (int l = 0; l < n; l++) {
        double before = l ? rms_at(t, LL_HOOK_RESID_POST, l - 1) : rms_at(t, LL_HOOK_EMBED, -1),
               after = rms_at(t, LL_HOOK_RESID_POST, l), growth = after / before;
        double a = rms_at(t, LL_HOOK_ATTN_OUT, l), m = rms_at(t, LL_HOOK_MLP_OUT, l);
        int few_after = ruled_by_few(t, LL_HOOK_RESID_POST, l),
            few_before = l ? ruled_by_few(t, LL_HOOK_RESID_POST, l - 1) : ruled_by_few(t, LL_HOOK_EMBED, -1);
        if (growth > 2)
            say(f, l > 0 && growth > 10 && !few_after, LL_HOOK_RESID_POST, l,
                "block %d: the stream grows %.3g times, mostly by %s (rms %.3g against %.3g)%s", l, growth,
                m >= a ? "the MLP" : "attention", m >= a ? m : a, m >= a ? a : m,
                few_after ? "; a few massive values carry it"
                    : l   ? "; what was there before counts for little after it"
                          : "; usual in the first block");
        else if (growth < 0.5)
            say(f, l < n - 1 && !few_before, LL_HOOK_RESID_POST, l,
                "block %d: the stream shrinks to %.3g of its size: the block takes away what earlier ones "
                "wrote%s",
                l, growth,
                few_before       ? ", massive values above all"
                    : l == n - 1 ? "; usual in the last block, which clears massive activations"
                                 : "");
        if (a == 0 && m == 0)
            say(f, 1, LL_HOOK_RESID_POST, l, "block %d adds exactly nothing", l);
    }
    say_massive(f, ms);
    double from = rms_at(t, LL_HOOK_EMBED, -1), to = rms_at(t, LL_HOOK_RESID_POST, n - 1);
    say(f, 0, LL_HOOK_LN_FINAL_SCALE, -1,
        "the stream goes from rms %.3g to %.3g, %.3g times; the final norm takes the size off, only "
        "directions and what outgrows the rest count",
        from, to, to / from);
}

/* ---- relations ------------------------------------------------------------------------------- */

static struct ll_relation *add(struct ll_relation *out, int *n, int applies, int holds, enum ll_hook h,
                               int layer)
{
    struct ll_relation *r = &out[(*n)++];
    *r = (struct ll_relation){.applies = applies, .holds = holds, .layer = layer, .hook = h};
    return r;
}

static void add_sum(struct ll_relation *out, int *n, const struct ll_trace *t, enum ll_hook stream,
                    enum ll_hook branch, enum ll_hook sum, const char *what)
{
    double a = rms_at(t, stream, t->layer), b = rms_at(t, branch, t->layer), s = rms_at(t, sum, t->layer),
           c = ll_rms_correlation(a, b, s);
    struct ll_relation *r = add(out, n, 1, ll_rms_within(a, b, s), sum, t->layer);
    snprintf(r->text, sizeof r->text,
             "stream after %s: rms %.6f; uncorrelated sqrt(a^2 + b^2) = %.6f, possible %.6f..%.6f; "
             "correlation %+.2f: %s",
             what, s, ll_rms_uncorrelated(a, b), fabs(a - b), a + b, c,
             c > 0.5        ? "it adds to what is there"
                 : c < -0.5 ? "it takes away what is there"
                            : "mostly new directions");
}

/* Both halves read the block's input: a sum of three. */
static void add_parallel_sum(struct ll_relation *out, int *n, const struct ll_trace *t)
{
    double a = rms_at(t, LL_HOOK_RESID_PRE, t->layer), b = rms_at(t, LL_HOOK_ATTN_OUT, t->layer),
           c = rms_at(t, LL_HOOK_MLP_OUT, t->layer), s = rms_at(t, LL_HOOK_RESID_POST, t->layer);
    double most = fmax(a, fmax(b, c)), least = fmax(0, 2 * most - (a + b + c)), slack = 1e-5 * (a + b + c);
    struct ll_relation *r =
        add(out, n, 1, s >= least - slack && s <= a + b + c + slack, LL_HOOK_RESID_POST, t->layer);
    snprintf(r->text, sizeof r->text,
             "stream after attention and MLP (parallel): rms %.6f; uncorrelated %.6f, possible %.6f..%.6f", s,
             ll_rms_uncorrelated(ll_rms_uncorrelated(a, b), c), least, a + b + c);
}

static void add_norm(struct ll_relation *out, int *n, const struct ll_trace *t, const struct ll_norm *norm,
                     enum ll_hook in, enum ll_hook normed, const char *what)
{
    const struct ll_step *x = ll_step_at(&t->watch, in, t->layer),
                         *y = ll_step_at(&t->watch, normed, t->layer);
    if (!norm->w || !x || !y)
        return;
    int centred = norm->kind == LL_NORM_LAYER || norm->kind == LL_NORM_LAYER_NO_BIAS;
    struct ll_norm_arithmetic a = ll_norm_arithmetic(centred ? ll_tensor_std(&x->s) : ll_tensor_rms(&x->s),
                                                     (double)norm->eps, x->s.max_abs, ll_tensor_rms(&y->s));
    struct ll_relation *r = add(out, n, 0, 1, normed, t->layer);
    snprintf(r->text, sizeof r->text,
             "%s: sqrt(%s + eps) = %.6f, eps %.3g makes it %.2f %% larger; largest value before the gain "
             "about %.3g; output/input %.3g",
             what, centred ? "var" : "rms^2", a.root, (double)norm->eps, 100 * a.eps_share, a.largest,
             a.ratio);
}

static void add_product(struct ll_relation *out, int *n, const struct ll_trace *t)
{
    double g = rms_at(t, LL_HOOK_PRE, t->layer), u = rms_at(t, LL_HOOK_PRE_LINEAR, t->layer),
           p = rms_at(t, LL_HOOK_POST, t->layer), want = ll_product_rms(g, u);
    if (isnan(p) || isnan(u))
        return;
    enum ll_act act = t->model->layers[t->layer].act;
    int small = g < SMALL_GATE,
        bends = act == LL_ACT_RELU || act == LL_ACT_RELU2; /* these have no slope of a half at 0 */
    struct ll_relation *r = add(out, n, 0, 1, LL_HOOK_POST, t->layer);
    snprintf(r->text, sizeof r->text,
             "%s(gate) * up: rms %.6f; for small gates about 0.5 * rms_gate * rms_up = %.6f (ratio %.2f)%s",
             ll_act_name(act), p, want, p / want,
             bends       ? "; this activation is no half of its input near 0, so only a scale"
                 : small ? ""
                         : "; gates are not small here, so only a scale");
}

int ll_trace_relations(const struct ll_trace *t, struct ll_relation out[LL_MAX_RELATIONS])
{
    const struct ll_layer *L = &t->model->layers[t->layer];
    int n = 0;
    add_norm(out, &n, t, &L->ln1, LL_HOOK_RESID_PRE, LL_HOOK_LN1_NORMALIZED, "attention norm");
    if (!L->parallel)
        add_sum(out, &n, t, LL_HOOK_RESID_PRE, LL_HOOK_ATTN_OUT, LL_HOOK_RESID_MID, "attention");
    add_norm(out, &n, t, &L->ln2, before_mlp(t, t->layer), LL_HOOK_LN2_NORMALIZED, "MLP norm");
    add_product(out, &n, t);
    if (L->parallel)
        add_parallel_sum(out, &n, t);
    else
        add_sum(out, &n, t, LL_HOOK_RESID_MID, LL_HOOK_MLP_OUT, LL_HOOK_RESID_POST, "the MLP");
    struct ll_relation *r = add(out, &n, 0, 1, LL_HOOK_LN_FINAL_NORMALIZED, -1);
    for (int i = 0; i < n && t->watch.n_offences[LL_BOUND_FINITE];
         i++) { /* sizes are those of the finite values: nothing follows */
        out[i].applies = 0;
        out[i].holds = 1;
    }
    snprintf(r->text, sizeof r->text,
             "after the final norm, last token: rms %.6f, largest %.6f. That size is set by this norm's "
             "gain: it says nothing about growth",
             ll_tensor_rms(&t->final_last), t->final_last.max_abs);
    return n;
}
