/* test_pass_ops.c - the operations between the hooks (pass_ops.h): a table that counts sees each of them as
 * often as the block's description says, and changes no bit; the half-precision table gives what the plain
 * one gives, rounded, at the points where activations are stored and nowhere else. Caught: a rounding left
 * out after the norm of heads, one too many at the shared expert's weight, an addition outside the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "half.h"
#include "half_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURES LL_SOURCE_DIR "/tests/fixtures/models/"
#define OK(call) \
    do { \
        struct ll_err err = {0}; \
        if (call) \
            fail_msg("%s: %s", #call, err.msg); \
    } while (0)
enum { N = 9 };
static const int ids[N] = {1, 5, 9, 2, 14, 3, 8, 2, 11};

/* The functions of struct ll_pass_ops. */
enum { EMBED, NORM, LINEAR, NORM_HEADS, ROTATE, ATTEND, ACTIVATE, ADDEND, ADD, HEAD, N_KINDS };
static const char *const kinds[N_KINDS] = {"embed",  "norm",     "linear", "norm_heads", "rotate",
                                           "attend", "activate", "addend", "add",        "head"};

/* ---- a pass ---------------------------------------------------------------------------------- */

static int keep_logits(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    (void)err;
    memcpy(arg, v->data, sizeof(float) * (size_t)v->n_rows * (size_t)v->width);
    return LL_OK;
}

static int look_on(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    (void)arg, (void)v, (void)err;
    return LL_OK;
}

/* Logits [N, d_vocab] of two sequences, 4 and 5 tokens; also: more hooks that somebody listens at. */
static float *logits_of(const struct ll_model *m, const struct ll_pass_ops *ops, uint32_t also)
{
    static const int start[3] = {0, 4, N};
    const struct ll_batch batch = {2, start, ids};
    float *logits = malloc(sizeof *logits * N * (size_t)m->d_vocab);
    const struct ll_listener l[] = {{LL_HOOK_BIT(LL_HOOK_LOGITS), keep_logits, logits},
                                    {also, look_on, NULL}};
    struct ll_engine *eng;
    struct ll_pass pass;
    assert_non_null(logits);
    OK(ll_engine_init(&eng, 2, &err));
    OK(ll_pass_init(&pass, &(struct ll_pass_plan){m, N, 5, l, 2}, eng, &err));
    if (ops)
        pass.ops = ops;
    OK(ll_forward(&pass, &batch, 0, m->n_layers, &err));
    ll_pass_free(&pass);
    ll_engine_free(eng);
    return logits;
}

static struct ll_model *open_model(const char *name)
{
    char path[1024];
    struct ll_model *m;
    snprintf(path, sizeof path, FIXTURES "%s", name);
    OK(ll_model_open(&m, path, &err));
    return m;
}

/* ---- counting -------------------------------------------------------------------------------- */

enum { MOST_LAYERS = 16 };
struct counts {
    int n[MOST_LAYERS + 1][N_KINDS]; /* the last: outside the blocks */
};

static void count(const struct ll_pass *p, const struct ll_chunk *c, int kind)
{
    struct counts *to = p->ops->own;
    to->n[c->layer < 0 ? MOST_LAYERS : c->layer][kind]++;
}

#define COUNTED(name, kind, args, call) \
    static void count_##name args \
    { \
        count(p, c, kind); \
        ll_pass_ops_plain.name call; \
    }
#define WHERE struct ll_pass *p, const struct ll_chunk *c
COUNTED(embed, EMBED, (WHERE, struct ll_rows x), (p, c, x))
COUNTED(norm, NORM, (WHERE, const struct ll_norm *norm, struct ll_rows x, struct ll_rows y, float *scale),
        (p, c, norm, x, y, scale))
COUNTED(linear, LINEAR, (WHERE, const struct ll_product *op), (p, c, op))
COUNTED(norm_heads, NORM_HEADS, (WHERE, const struct ll_heads *h), (p, c, h))
COUNTED(rotate, ROTATE, (WHERE, const struct ll_heads *h), (p, c, h))
COUNTED(attend, ATTEND, (WHERE, const struct ll_attn *a, int n), (p, c, a, n))
COUNTED(activate, ACTIVATE, (WHERE, struct ll_rows gate, struct ll_rows up), (p, c, gate, up))
COUNTED(addend, ADDEND, (WHERE, const struct ll_norm *post, struct ll_rows y), (p, c, post, y))
COUNTED(add, ADD, (WHERE, struct ll_rows stream, struct ll_rows y), (p, c, stream, y))
COUNTED(head, HEAD, (WHERE, struct ll_rows x, struct ll_rows logits), (p, c, x, logits))

static const struct ll_pass_ops counting = {.embed = count_embed,
                                            .norm = count_norm,
                                            .linear = count_linear,
                                            .norm_heads = count_norm_heads,
                                            .rotate = count_rotate,
                                            .attend = count_attend,
                                            .activate = count_activate,
                                            .addend = count_addend,
                                            .add = count_add,
                                            .head = count_head};

static void check_counts(const char *model, int layer, const int *got, const int *expected)
{
    for (int k = 0; k < N_KINDS; k++)
        if (got[k] != expected[k])
            fail_msg("%s, layer %d: expected %d calls of %s, found %d", model, layer, expected[k], kinds[k],
                     got[k]);
}

/* The same bits, and how often each operation of a layer was called. */
static struct counts count_of(const struct ll_model *m, uint32_t also)
{
    struct counts counts = {0};
    struct ll_pass_ops ops = counting;
    ops.own = &counts;
    assert_true(m->n_layers <= MOST_LAYERS);
    float *plain = logits_of(m, NULL, also), *counted = logits_of(m, &ops, also);
    assert_memory_equal(plain, counted, sizeof *plain * N * (size_t)m->d_vocab);
    free(plain);
    free(counted);
    return counts;
}

static void each_operation_is_counted(void **state)
{
    static const struct {
        const char *model;
        int layer[N_KINDS];
    } all[] = {
        /*                   embed norm linear norm_heads rotate attend activate addend add head */
        {"../../../experiments/demo_models/demo-llama", {0, 2, 7, 0, 2, 1, 1, 2, 2, 0}},
        {"llama3_gqa", {0, 2, 7, 0, 2, 1, 1, 2, 2, 0}},
        {"qwen3_tied", {0, 2, 7, 2, 2, 1, 1, 2, 2, 0}},
        {"olmo2_norms", {0, 0, 7, 2, 2, 1, 1, 2, 2, 0}},     /* norms only after attention and MLP */
        {"gemma2_caps", {0, 2, 7, 0, 2, 1, 1, 2, 2, 0}},     /* before and after */
        {"gpt2_conv1d", {0, 2, 6, 0, 2, 1, 1, 2, 2, 0}},     /* no gate, and nothing to rotate */
        {"neox_sequential", {0, 2, 4, 0, 2, 1, 1, 2, 2, 0}}, /* q, k, v in one product */
        {"phi_parallel", {0, 1, 6, 0, 2, 1, 1, 2, 2, 0}},    /* both halves read ln1's output */
    };
    static const int outside[N_KINDS] = {[EMBED] = 1, [NORM] = 1, [LINEAR] = 1, [HEAD] = 1};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct ll_model *m = open_model(all[i].model);
        struct counts got = count_of(m, 0);
        for (int l = 0; l < m->n_layers; l++)
            check_counts(all[i].model, l, got.n[l], all[i].layer);
        check_counts(all[i].model, -1, got.n[MOST_LAYERS], outside);
        ll_model_close(m);
    }
}

/* Listeners at the scores take each sequence by itself, in three steps. */
static void shown_attention_goes_in_steps(void **state)
{
    (void)state;
    struct ll_model *m = open_model("llama3_gqa");
    struct counts got = count_of(m, LL_HOOK_BIT(LL_HOOK_ATTN_SCORES));
    for (int l = 0; l < m->n_layers; l++)
        assert_int_equal(got.n[l][ATTEND], 2 * 3);
    ll_model_close(m);
}

/* Of experts, which the tokens choose: an activation for each that is used, and three products; the router,
 * and the shared expert's weight. */
static void experts_are_counted(void **state)
{
    static const char *const models[] = {"mixtral_top2", "qwen2_moe"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct ll_model *m = open_model(models[i]);
        struct counts got = count_of(m, 0);
        int seen = 0;
        for (int l = 0; l < m->n_layers; l++) {
            const struct ll_experts *moe = &m->layers[l].experts;
            const int *n = got.n[l];
            int shared = moe->shared.W_in.n != 0;
            if (!moe->n)
                continue;
            seen++;
            assert_true(n[ACTIVATE] >= moe->top_k + shared && n[ACTIVATE] <= moe->n + shared);
            const int expected[N_KINDS] = {0, 2, 4 + 1 + 3 * n[ACTIVATE] + shared, 0, 2, 1, n[ACTIVATE],
                                           2, 2};
            check_counts(models[i], l, n, expected);
        }
        assert_true(seen > 0);
        ll_model_close(m);
    }
}

/* ---- plain and half -------------------------------------------------------------------------- */

struct both {
    struct ll_half_policy half;
    int calls[N_KINDS];
};

static struct ll_rows kept(struct ll_rows x)
{
    struct ll_rows y = ll_rows(malloc(sizeof(float) * (size_t)x.n * (size_t)x.width), x.n, x.width);
    assert_non_null(y.x);
    for (int r = 0; r < x.n; r++)
        memcpy(y.x + r * y.ld, x.x + r * x.ld, sizeof(float) * (size_t)x.width);
    return y;
}

static void put_back(struct ll_rows from, struct ll_rows to)
{
    for (int r = 0; r < to.n; r++)
        memcpy(to.x + r * to.ld, from.x + r * from.ld, sizeof(float) * (size_t)to.width);
    free(from.x);
}

/* found [n, width] = plain, rounded or as it is. plain is freed. */
static float round_to(enum ll_half_format f, float x)
{
    return f == LL_HALF_F16 ? ll_round_f16(x) : ll_round_bf16(x);
}

static void check_rows(const struct both *b, int kind, int rounded, struct ll_rows plain,
                       struct ll_rows found)
{
    for (int r = 0; r < found.n; r++)
        for (int i = 0; i < found.width; i++) {
            float x = plain.x[r * plain.ld + i], want = rounded ? round_to(b->half.format, x) : x,
                  y = found.x[r * found.ld + i];
            if (memcmp(&want, &y, sizeof y) != 0)
                fail_msg("%s: row %d, value %d: expected %.9g%s, found %.9g", kinds[kind], r, i, (double)want,
                         rounded ? " (rounded)" : "", (double)y);
        }
    free(plain.x);
}

/* Run `call` by the plain table and then, from the same values, by the half one; `out` is what it writes. */
#define BOTH(kind, rounded, out, call) \
    do { \
        const struct ll_pass_ops *own_ops = p->ops; \
        struct both *b = own_ops->own; \
        struct ll_rows written = (out), before = kept(written), plain; \
        p->ops = &ll_pass_ops_plain; \
        p->ops->call; \
        plain = kept(written); \
        put_back(before, written); \
        p->ops = &b->half.ops; \
        p->ops->call; \
        p->ops = own_ops; \
        b->calls[kind]++; \
        check_rows(b, kind, rounded, plain, written); \
    } while (0)

static int stream_rounded(const struct ll_pass *p)
{
    return !((const struct both *)p->ops->own)->half.resid_f32;
}
static void both_embed(WHERE, struct ll_rows x) { BOTH(EMBED, stream_rounded(p), x, embed(p, c, x)); }
static void both_norm(WHERE, const struct ll_norm *norm, struct ll_rows x, struct ll_rows y, float *scale)
{
    BOTH(NORM, 1, y, norm(p, c, norm, x, y, scale));
}
static void both_linear(WHERE, const struct ll_product *op)
{
    BOTH(LINEAR, op->role != LL_R_W_U && op->role != LL_R_SHARED_ROUTER, op->y, linear(p, c, op));
}
static void both_norm_heads(WHERE, const struct ll_heads *h)
{
    BOTH(NORM_HEADS, 1, h->rows, norm_heads(p, c, h));
}
static void both_rotate(WHERE, const struct ll_heads *h) { BOTH(ROTATE, 1, h->rows, rotate(p, c, h)); }
static void both_activate(WHERE, struct ll_rows gate, struct ll_rows up)
{
    BOTH(ACTIVATE, 1, gate.x ? gate : up, activate(p, c, gate, up));
}
static void both_addend(WHERE, const struct ll_norm *post, struct ll_rows y)
{
    BOTH(ADDEND, 1, y, addend(p, c, post, y));
}
static void both_add(WHERE, struct ll_rows stream, struct ll_rows y)
{
    BOTH(ADD, stream_rounded(p), stream, add(p, c, stream, y));
}
static void both_head(WHERE, struct ll_rows x, struct ll_rows logits)
{
    BOTH(HEAD, 1, logits, head(p, c, x, logits));
}
/* Scores and pattern are rounded inside: z is of the format, but not the rounded z of the plain function. */
static void half_attend(WHERE, const struct ll_attn *a, int n)
{
    const struct ll_pass_ops *own_ops = p->ops;
    struct both *b = own_ops->own;
    p->ops = &b->half.ops;
    p->ops->attend(p, c, a, n);
    p->ops = own_ops;
    b->calls[ATTEND]++;
    for (int i = 0; i < n; i++) {
        struct ll_rows z = {a[i].z, a[i].n_pos, a[i].n_heads * a[i].d_head, a[i].ldz};
        check_rows(b, ATTEND, 1, kept(z), z);
    }
}

static const struct ll_pass_ops comparing = {.hides_scores = 1,
                                             .embed = both_embed,
                                             .norm = both_norm,
                                             .linear = both_linear,
                                             .norm_heads = both_norm_heads,
                                             .rotate = both_rotate,
                                             .attend = half_attend,
                                             .activate = both_activate,
                                             .addend = both_addend,
                                             .add = both_add,
                                             .head = both_head};

static void half_is_plain_then_rounded(void **state)
{
    static const char *const models[] = {"qwen2_moe",   "qwen3_tied",     "olmo2_norms",  "gpt2_conv1d",
                                         "gemma2_caps", "granite_scales", "phi_parallel", "falcon_groups"};
    int calls[N_KINDS] = {0};
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        for (int resid_f32 = 0; resid_f32 < 2; resid_f32++) {
            struct ll_model *m = open_model(models[i]);
            struct both b = {0};
            struct ll_pass_ops ops = comparing;
            ops.own = &b;
            OK(ll_half_policy_init(&b.half, m, N, resid_f32 ? LL_HALF_BF16 : LL_HALF_F16, 0, resid_f32,
                                   &err));
            free(logits_of(m, &ops, 0));
            for (int k = 0; k < N_KINDS; k++)
                calls[k] += b.calls[k];
            ll_half_policy_free(&b.half);
            ll_model_close(m);
        }
    for (int k = 0; k < N_KINDS; k++)
        if (!calls[k])
            fail_msg("no model calls %s", kinds[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_operation_is_counted),
                                       cmocka_unit_test(shown_attention_goes_in_steps),
                                       cmocka_unit_test(experts_are_counted),
                                       cmocka_unit_test(half_is_plain_then_rounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
