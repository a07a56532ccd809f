/* test_invariants.c - what must hold of any model without a reference, on the bundled demo models, on
 * fixtures of families that compute otherwise (parallel blocks, LayerNorm, experts, fused projections,
 * learned positions), and on some of
 * ../shared/oracle where it is there (longrope, Conv1D).
 *
 * Last row = the model's logits; resid_mid = resid_pre + attn_out, resid_post = resid_mid + mlp_out;
 * probabilities sum to 1; listening changes no bit; layers 0..n = 0..k then k..n; 1 and 3 threads, every
 * vector unit, a prompt alone or in a sweep, small or large batches: the same bits; appended tokens change no
 * earlier row; scaling x leaves the lens alone. */
#include "capture.h"
#include "map.h"
#include "ops.h"
#include "sweep.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above */
#include <cmocka.h>

#define OWN LL_SOURCE_DIR "/tests/fixtures/models/"
#define ORACLE LL_SHARED_DIR "/oracle/models/"
static const char *const models[] = {LL_SOURCE_DIR "/experiments/demo_models/demo-llama",
                                     LL_SOURCE_DIR "/experiments/demo_models/demo-gemma2",
                                     OWN "stablelm_parallel",
                                     OWN "falcon_groups",
                                     OWN "qwen2_moe",
                                     OWN "gpt_neo",
                                     ORACLE "phi3_longrope",
                                     ORACLE "gpt2",
                                     ORACLE "mixtral",
                                     ORACLE "olmo2",
                                     ORACLE "granite"};
enum { N_ALWAYS = 6, LONG = 75 }; /* LONG: beyond demo-gemma2's sliding window */
static int n_models = N_ALWAYS;   /* all of them where the shared folder is there */

struct world {
    struct ll_model *m;
    struct ll_engine *eng;
    struct ll_err err;
    int n;
}; /* n: a long prompt for this model */

static void world_open(struct world *w, int which, int threads, const char *isa)
{
    memset(w, 0, sizeof *w);
    if (isa)
        setenv("LL_ENGINE_ISA", isa, 1);
    else
        unsetenv("LL_ENGINE_ISA");
    if (ll_model_open(&w->m, models[which], &w->err) || ll_engine_init(&w->eng, threads, &w->err))
        fail_msg("%s", w->err.msg);
    unsetenv("LL_ENGINE_ISA");
    w->n = w->m->n_positions && w->m->n_positions < LONG ? w->m->n_positions : LONG;
}
static void world_close(struct world *w)
{
    ll_engine_free(w->eng);
    ll_model_close(w->m);
}

static void make_ids(int *ids, int n, int vocab, unsigned seed)
{
    for (int i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        ids[i] = (int)((seed >> 8) % (unsigned)vocab);
    }
}

/* Residual stack of one sequence, and the final normalised rows. */
struct run {
    struct ll_stack st;
    struct ll_pass pass;
};

static void run_ids(struct world *w, struct run *r, const int *ids, int n)
{
    int start[2] = {0, n};
    struct ll_batch b = {1, start, ids};
    assert_int_equal(ll_stack_init(&r->st, w->m, n, NULL, 0, &w->err), LL_OK);
    struct ll_listener l = ll_stack_listener(&r->st);
    assert_int_equal(ll_pass_init(&r->pass, &(struct ll_pass_plan){w->m, n, n, &l, 1}, w->eng, &w->err),
                     LL_OK);
    if (ll_forward(&r->pass, &b, 0, w->m->n_layers, &w->err))
        fail_msg("%s", w->err.msg);
}
static void run_free(struct run *r)
{
    ll_pass_free(&r->pass);
    ll_stack_free(&r->st);
}
static size_t stack_floats(const struct ll_stack *st)
{
    return (size_t)(st->n_layers + 1) * (size_t)st->n_kept * (size_t)st->d_model;
}

static void threads_and_units(void **state)
{
    static const char *const units[] = {"plain", "avx2", "avx512"};
    int ids[LONG], compared = 0;
    (void)state;
    for (int which = 0; which < n_models; which++) {
        struct world base;
        struct run want;
        world_open(&base, which, 1, "plain");
        make_ids(ids, LONG, base.m->d_vocab, 1);
        run_ids(&base, &want, ids, base.n);
        for (int u = 0; u < 3; u++) {
            struct ll_engine *probe;
            setenv("LL_ENGINE_ISA", units[u], 1);
            int absent = ll_engine_init(&probe, 1, NULL);
            if (absent)
                continue; /* this processor has no such unit */
            ll_engine_free(probe);
            for (int threads = 1; threads <= 3; threads += 2) {
                struct world w;
                struct run got;
                world_open(&w, which, threads, units[u]);
                run_ids(&w, &got, ids, w.n);
                assert_memory_equal(got.st.x, want.st.x, sizeof(float) * stack_floats(&want.st));
                assert_memory_equal(got.pass.final, want.pass.final,
                                    sizeof(float) * (size_t)w.n * (size_t)w.m->d_model);
                run_free(&got);
                world_close(&w);
                compared++;
            }
        }
        run_free(&want);
        world_close(&base);
    }
    unsetenv("LL_ENGINE_ISA");
    printf("compared %d combinations of vector unit and threads\n", compared);
}

static void appended_tokens(void **state)
{
    int ids[LONG];
    (void)state;
    for (int which = 0; which < n_models; which++) {
        struct world w;
        struct run longer, shorter;
        world_open(&w, which, 2, NULL);
        make_ids(ids, LONG, w.m->d_vocab, 2);
        int less = w.n * 41
            / LONG; /* with longrope both are long ones: it turns all rows when a prompt passes its bound */
        run_ids(&w, &longer, ids, w.n);
        run_ids(&w, &shorter, ids, less);
        for (int l = 0; l <= w.m->n_layers; l++)
            for (int p = 0; p < less; p++)
                assert_memory_equal(ll_stack_row(&longer.st, l, p), ll_stack_row(&shorter.st, l, p),
                                    sizeof(float) * (size_t)w.m->d_model);
        run_free(&longer);
        run_free(&shorter);
        world_close(&w);
    }
}

/* ---- hooks ----------------------------------------------------------------------------------- */

struct sums {
    float *pre, *attn, *mid, *mlp;
    int d, n;
    int visits[LL_N_HOOKS];
    int bad;
};

static void keep(float *to, const struct ll_hook_visit *v)
{
    for (int r = 0; r < v->n_rows; r++)
        memcpy(to + (size_t)r * (size_t)v->width, v->data + r * v->stride, sizeof(float) * (size_t)v->width);
}

static int on_all(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct sums *s = arg;
    size_t n = (size_t)s->n * (size_t)s->d;
    (void)err;
    s->visits[v->hook]++;
    switch (v->hook) {
    case LL_HOOK_RESID_PRE: keep(s->pre, v); break;
    case LL_HOOK_ATTN_OUT:
        keep(s->attn, v);
        for (size_t i = 0; i < n; i++) /* parallel blocks have no resid_mid, but add in the same order */
            s->mid[i] = s->pre[i] + s->attn[i];
        break;
    case LL_HOOK_MLP_OUT: keep(s->mlp, v); break;
    case LL_HOOK_RESID_MID:
        for (size_t i = 0; i < n; i++)
            s->bad |= v->data[i] != s->mid[i];
        break;
    case LL_HOOK_RESID_POST:
        for (size_t i = 0; i < n; i++)
            s->bad |= v->data[i] != s->mid[i] + s->mlp[i];
        break;
    case LL_HOOK_PATTERN:
        for (int row = 0; row < s->n; row++) { /* head 0: a distribution over the past */
            double sum = 0;
            for (int c = 0; c < s->n; c++) {
                double p = (double)v->data[(size_t)row * (size_t)s->n + (size_t)c];
                s->bad |= c > row && p != 0;
                sum += p;
            }
            s->bad |= fabs(sum - 1) > 1e-5;
        }
        break;
    default: break;
    }
    return LL_OK;
}

/* How often a point fires in one pass over one sequence: once a layer that has it (hook.h). */
static int expected_visits(const struct ll_model *m, enum ll_hook h)
{
    int n = 0;
    for (int l = 0; l < m->n_layers; l++) {
        const struct ll_layer *L = &m->layers[l];
        switch (h) {
        case LL_HOOK_LN1_SCALE:
        case LL_HOOK_LN1_NORMALIZED: n += L->ln1.w != NULL; break;
        case LL_HOOK_LN2_SCALE:
        case LL_HOOK_LN2_NORMALIZED: n += L->ln2.w != NULL; break;
        case LL_HOOK_RESID_MID: n += !L->parallel; break;
        case LL_HOOK_PRE:
        case LL_HOOK_POST: n += !L->experts.n; break;
        case LL_HOOK_PRE_LINEAR: n += L->mlp.W_gate.n != 0; break;
        default: n++;
        }
    }
    return ll_hook_info(h)->per_layer ? n : 1;
}

static void hooks_listen_only(void **state)
{
    enum { N = 40 };
    int ids[N], start[2] = {0, N};
    (void)state;
    for (int which = 0; which < n_models; which++) {
        struct world w;
        struct run plain;
        struct ll_pass pass;
        world_open(&w, which, 2, NULL);
        make_ids(ids, N, w.m->d_vocab, 3);
        run_ids(&w, &plain, ids, N);
        size_t floats = (size_t)N * (size_t)w.m->d_model;
        struct sums s = {.d = w.m->d_model,
                         .n = N,
                         .pre = malloc(floats * 4),
                         .attn = malloc(floats * 4),
                         .mid = malloc(floats * 4),
                         .mlp = malloc(floats * 4)};
        struct ll_listener l = {LL_HOOK_BIT(LL_N_HOOKS) - 1, on_all, &s};
        struct ll_batch b = {1, start, ids};
        assert_int_equal(ll_pass_init(&pass, &(struct ll_pass_plan){w.m, N, N, &l, 1}, w.eng, &w.err), LL_OK);
        assert_int_equal(ll_forward(&pass, &b, 0, w.m->n_layers, &w.err), LL_OK);
        assert_memory_equal(pass.final, plain.pass.final, floats * 4);
        assert_false(s.bad);
        for (int h = 0; h < LL_N_HOOKS; h++)
            assert_int_equal(s.visits[h], expected_visits(w.m, (enum ll_hook)h));
        /* the logits that the pass hands to listeners are those of the head routine */
        float *logits = malloc(sizeof *logits * (size_t)w.m->d_vocab);
        ll_head_logits(w.m, w.eng, pass.final + (size_t)(N - 1) * (size_t)w.m->d_model, logits);
        assert_memory_equal(logits, pass.logits + (size_t)(N - 1) * (size_t)w.m->d_vocab,
                            sizeof *logits * (size_t)w.m->d_vocab);
        free(logits);
        free(s.pre);
        free(s.attn);
        free(s.mid);
        free(s.mlp);
        ll_pass_free(&pass);
        run_free(&plain);
        world_close(&w);
    }
}

static int zero_mlp(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    (void)err;
    if (v->layer == *(int *)arg)
        for (int r = 0; r < v->n_rows; r++)
            memset(v->data + r * v->stride, 0, sizeof(float) * (size_t)v->width);
    return LL_OK;
}

static int equal_pre(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct sums *s = arg;
    (void)err;
    if (v->layer != 2)
        return LL_OK;
    if (v->hook == LL_HOOK_RESID_MID)
        keep(s->mid, v);
    else
        s->bad |= memcmp(s->mid, v->data, sizeof(float) * (size_t)s->n * (size_t)s->d) != 0;
    return LL_OK;
}

static void hooks_change(void **state)
{
    enum { N = 12 };
    int ids[N], start[2] = {0, N}, layer = 2;
    struct world w;
    struct ll_pass pass;
    (void)state;
    world_open(&w, 0, 1, NULL);
    make_ids(ids, N, w.m->d_vocab, 4);
    struct sums s = {.d = w.m->d_model, .n = N, .mid = malloc(sizeof(float) * N * (size_t)w.m->d_model)};
    struct ll_listener l[2] = {{LL_HOOK_BIT(LL_HOOK_MLP_OUT), zero_mlp, &layer},
                               {LL_HOOK_BIT(LL_HOOK_RESID_MID) | LL_HOOK_BIT(LL_HOOK_RESID_POST), equal_pre,
                                &s}};
    struct ll_batch b = {1, start, ids};
    assert_int_equal(ll_pass_init(&pass, &(struct ll_pass_plan){w.m, N, N, l, 2}, w.eng, &w.err), LL_OK);
    assert_int_equal(ll_forward(&pass, &b, 0, w.m->n_layers, &w.err), LL_OK);
    assert_false(s.bad); /* an ablated MLP adds nothing */
    free(s.mid);
    ll_pass_free(&pass);
    world_close(&w);
}

static void split_layers(void **state)
{
    enum { N = 20 };
    int ids[N], start[2] = {0, N};
    (void)state;
    for (int which = 0; which < n_models; which++) {
        struct world w;
        struct run whole;
        struct ll_pass pass;
        struct ll_batch b = {1, start, ids};
        world_open(&w, which, 2, NULL);
        make_ids(ids, N, w.m->d_vocab, 5);
        run_ids(&w, &whole, ids, N);
        assert_int_equal(ll_pass_init(&pass, &(struct ll_pass_plan){w.m, N, N, NULL, 0}, w.eng, &w.err),
                         LL_OK);
        int k = w.m->n_layers / 2;
        assert_int_equal(ll_forward(&pass, &b, 0, k, &w.err), LL_OK);
        assert_memory_equal(pass.resid, ll_stack_row(&whole.st, k, 0),
                            sizeof(float) * N * (size_t)w.m->d_model);
        assert_int_equal(ll_forward(&pass, &b, k, w.m->n_layers, &w.err), LL_OK);
        assert_memory_equal(pass.final, whole.pass.final, sizeof(float) * N * (size_t)w.m->d_model);
        ll_pass_free(&pass);
        run_free(&whole);
        world_close(&w);
    }
}

/* ---- sweeps ---------------------------------------------------------------------------------- */

enum { N_PROMPTS = 9, K = 20 };
struct kept {
    struct ll_head_out rows[N_PROMPTS][64];
    struct ll_hit top[N_PROMPTS][64][K];
    int n_layers;
};

static int on_result(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct kept *k = arg;
    (void)err;
    for (int l = 0; l < r->n_rows; l++) { /* the last position of every layer */
        struct ll_head_out *o = &k->rows[r->prompt][l];
        *o = r->rows[(size_t)(l + 1) * (size_t)r->n_pos - 1];
        memcpy(k->top[r->prompt][l], o->top, sizeof(struct ll_hit) * (size_t)o->n_top);
        o->top = NULL;
        double sum = 0;
        for (int i = 0; i < o->n_top; i++) {
            const struct ll_hit *hit = &k->top[r->prompt][l][i];
            assert_true(!i || hit[-1].v > hit->v || (hit[-1].v == hit->v && hit[-1].id < hit->id));
            sum += ll_head_p(o, hit->v);
        }
        assert_true(sum <= 1 + 1e-6);
        assert_true(o->entropy_bits >= 0);
    }
    const struct ll_head_out *last = &r->rows[(size_t)r->n_rows * (size_t)r->n_pos - 1],
                             *own = &r->own[r->n_pos - 1];
    assert_true(last->lse == own->lse && last->entropy_bits == own->entropy_bits
                && last->kl_to_final_bits == 0);
    return LL_OK;
}

static void sweep(struct world *w, struct kept *out, const struct ll_sweep_prompt *prompts, int n, int first,
                  long long budget)
{
    struct kept *tmp = calloc(1, sizeof *tmp);
    struct ll_sweep s = {.model = w->m,
                         .engine = w->eng,
                         .k = K,
                         .prompts = prompts,
                         .n_prompts = n,
                         .memory_budget = budget,
                         .result = on_result,
                         .result_arg = tmp};
    if (ll_sweep_run(&s, &w->err))
        fail_msg("%s", w->err.msg);
    for (int i = 0; i < n; i++) {
        memcpy(out->rows[first + i], tmp->rows[i], sizeof tmp->rows[i]);
        memcpy(out->top[first + i], tmp->top[i], sizeof tmp->top[i]);
    }
    free(tmp);
}

static void sweeps_agree(void **state)
{
    (void)state;
    for (int which = 0; which < n_models; which++) {
        struct world w;
        struct ll_sweep_prompt prompts[N_PROMPTS];
        int ids[N_PROMPTS][64], tracked[N_PROMPTS];
        struct kept *all = calloc(1, sizeof *all), *alone = calloc(1, sizeof *alone),
                    *small = calloc(1, sizeof *small);
        world_open(&w, which, 2, NULL);
        for (int i = 0; i < N_PROMPTS; i++) {
            make_ids(ids[i], 64, w.m->d_vocab, (unsigned)(10 + i));
            tracked[i] = ids[i][5];
            prompts[i] = (struct ll_sweep_prompt){.ids = ids[i],
                                                  .n_ids = 1 + 7 * i < w.n ? 1 + 7 * i : w.n,
                                                  .want = i % 3 == 1 ? LL_SWEEP_LAST : LL_SWEEP_ALL,
                                                  .tracked = &tracked[i],
                                                  .n_tracked = 1};
        }
        sweep(&w, all, prompts, N_PROMPTS, 0, 0);
        sweep(&w, small, prompts, N_PROMPTS, 0, 1); /* a budget of one byte: a batch a prompt */
        for (int i = N_PROMPTS - 1; i >= 0; i--)
            sweep(&w, alone, &prompts[i], 1, i, 0);
        assert_memory_equal(all->rows, alone->rows, sizeof all->rows);
        assert_memory_equal(all->top, alone->top, sizeof all->top);
        assert_memory_equal(all->rows, small->rows, sizeof all->rows);
        world_close(&w);
        free(all);
        free(alone);
        free(small);
    }
}

/* Dropping a LayerNorm's bias changes the rows before the last and no other, and is what the head makes of
 * them. */
struct dropped {
    struct world *w;
    const struct ll_stack *st;
    int drop;
    float lse[8];
    int differ;
};

static int on_dropped(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct dropped *d = arg;
    const struct ll_model *m = d->w->m;
    float *x = malloc(sizeof *x * (size_t)m->d_model), *logits = malloc(sizeof *logits * (size_t)m->d_vocab);
    (void)err;
    for (int l = 0; l < r->n_rows; l++) {
        struct ll_norm norm = m->ln_final;
        struct ll_hit top[K];
        int n;
        double bits, lse;
        if (d->drop && l < m->n_layers)
            norm.b = NULL;
        ll_norm_row(ll_engine_vec(d->w->eng), &norm, ll_stack_row(d->st, l, r->pos0), x);
        ll_head_logits(m, d->w->eng, x, logits);
        ll_logits_stats(logits, m->d_vocab, 1, K, top, &n, &bits, &lse);
        assert_memory_equal(top, r->rows[l].top, sizeof top);
        d->differ += d->lse[l] != (float)lse;
        d->lse[l] = (float)lse;
    }
    free(x);
    free(logits);
    return LL_OK;
}

static void ln_bias(void **state)
{
    enum { N = 9, PARALLEL = 2 };
    int ids[N];
    struct world w;
    struct run run;
    (void)state;
    world_open(&w, PARALLEL, 2, NULL);
    assert_non_null(w.m->ln_final.b);
    make_ids(ids, N, w.m->d_vocab, 9);
    run_ids(&w, &run, ids, N);
    struct ll_sweep_prompt p = {.ids = ids, .n_ids = N, .want = LL_SWEEP_LAST};
    struct dropped d = {.w = &w, .st = &run.st};
    for (d.drop = 0; d.drop < 2; d.drop++) {
        struct ll_sweep s = {.model = w.m,
                             .engine = w.eng,
                             .ln_bias_drop = d.drop,
                             .k = K,
                             .prompts = &p,
                             .n_prompts = 1,
                             .result = on_dropped,
                             .result_arg = &d};
        d.differ = 0;
        if (ll_sweep_run(&s, &w.err))
            fail_msg("%s", w.err.msg);
    }
    assert_int_equal(d.differ, w.m->n_layers); /* all but row n */
    run_free(&run);
    world_close(&w);
}

/* More tokens than learned positions are refused, not read past the table. */
static void too_many_positions(void **state)
{
    enum { LEARNED = 5 };
    int ids[LONG], start[2] = {0, 0};
    struct world w;
    struct ll_pass pass;
    (void)state;
    world_open(&w, LEARNED, 1, NULL);
    make_ids(ids, LONG, w.m->d_vocab, 1);
    start[1] = w.m->n_positions + 1;
    struct ll_batch b = {1, start, ids};
    assert_int_equal(ll_pass_init(&pass, &(struct ll_pass_plan){w.m, LONG, LONG, NULL, 0}, w.eng, &w.err),
                     LL_OK);
    assert_int_equal(ll_forward(&pass, &b, 0, w.m->n_layers, &w.err), LL_EUSAGE);
    assert_non_null(strstr(w.err.msg, "learned positions"));
    ll_pass_free(&pass);
    world_close(&w);
}

/* The walk's statistics against a whole vector of logits, sums in double. */
static int on_compare(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct world *w = arg;
    int V = w->m->d_vocab, n;
    float *own = malloc(sizeof *own * (size_t)V);
    struct ll_hit top[K];
    double bits, lse;
    (void)err;
    ll_head_logits(w->m, w->eng, r->final_last, own);
    ll_logits_stats(own, V, 1, K, top, &n, &bits, &lse);
    const struct ll_head_out *o = &r->own[r->n_pos - 1];
    assert_true(fabs(bits - o->entropy_bits) < 2e-6 && fabs(lse - o->lse) < 2e-6);
    assert_memory_equal(top, o->top, sizeof top);
    int rank = 1;
    for (int v = 0; v < V; v++)
        rank += own[v] > own[7];
    assert_int_equal(o->tracked_rank[0], rank);
    assert_true(o->tracked_logit[0] == own[7]);
    free(own);
    return LL_OK;
}

static void walk_against_whole(void **state)
{
    (void)state;
    for (int which = 0; which < n_models; which++) {
        struct world w;
        int ids[30], tracked = 7;
        world_open(&w, which, 2, NULL);
        make_ids(ids, 30, w.m->d_vocab, 77);
        struct ll_sweep_prompt p = {
            .ids = ids, .n_ids = 30, .want = LL_SWEEP_ALL, .tracked = &tracked, .n_tracked = 1};
        struct ll_sweep s = {.model = w.m,
                             .engine = w.eng,
                             .k = K,
                             .prompts = &p,
                             .n_prompts = 1,
                             .result = on_compare,
                             .result_arg = &w};
        if (ll_sweep_run(&s, &w.err))
            fail_msg("%s", w.err.msg);
        world_close(&w);
    }
}

static void scale_invariance(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, 1, NULL);
    size_t d = (size_t)w.m->d_model;
    float *x = malloc(d * 4), *y = malloc(d * 4), *z = malloc(d * 4);
    for (size_t i = 0; i < d; i++)
        x[i] = sinf((float)i) * 3;
    ll_lens_normalize(w.m, ll_engine_vec(w.eng), LL_LENS_FINAL, 0, 3, x, y);
    for (size_t i = 0; i < d; i++)
        x[i] *= 8;
    ll_lens_normalize(w.m, ll_engine_vec(w.eng), LL_LENS_FINAL, 0, 3, x, z);
    for (size_t i = 0; i < d; i++)
        assert_true(fabsf(y[i] - z[i]) <= 1e-3f * (1 + fabsf(y[i])));
    const struct ll_norm plain = {.d = (int)d, .eps = 1e-5f, .kind = LL_NORM_RMS};
    ll_norm_row(ll_engine_vec(w.eng), &plain, x, y);
    double sq = 0;
    for (size_t i = 0; i < d; i++)
        sq += (double)y[i] * (double)y[i];
    assert_true(fabs(sqrt(sq / (double)d) - 1) < 1e-4);
    free(x);
    free(y);
    free(z);
    world_close(&w);
}

static void refusals(void **state)
{
    struct world w;
    int ids[3] = {1, 2, 3}, bad[3] = {1, -1, 2}, far[1] = {1 << 30};
    (void)state;
    world_open(&w, 0, 1, NULL);
    struct {
        struct ll_sweep_prompt p;
        int k;
    } cases[] = {{{.ids = ids, .n_ids = 0}, 5},
                 {{.ids = bad, .n_ids = 3}, 5},
                 {{.ids = far, .n_ids = 1}, 5},
                 {{.ids = ids, .n_ids = 3}, w.m->d_vocab + 1},
                 {{.ids = ids, .n_ids = 3}, 0},
                 {{.ids = ids, .n_ids = 3, .tracked = far, .n_tracked = 1}, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ll_err err = {0};
        struct ll_sweep s = {.model = w.m,
                             .engine = w.eng,
                             .k = cases[i].k,
                             .prompts = &cases[i].p,
                             .n_prompts = 1,
                             .result = on_compare,
                             .result_arg = &w};
        assert_int_equal(ll_sweep_run(&s, &err), LL_EUSAGE);
        assert_true(strstr(err.msg, "expected") || strstr(err.msg, "empty"));
    }
    world_close(&w);
}

int main(void)
{
    if (ll_is_dir(ORACLE))
        n_models = sizeof models / sizeof *models;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_and_units),  cmocka_unit_test(appended_tokens),
        cmocka_unit_test(hooks_listen_only),  cmocka_unit_test(hooks_change),
        cmocka_unit_test(split_layers),       cmocka_unit_test(sweeps_agree),
        cmocka_unit_test(walk_against_whole), cmocka_unit_test(scale_invariance),
        cmocka_unit_test(refusals),           cmocka_unit_test(ln_bias),
        cmocka_unit_test(too_many_positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
