/* test_variant.c - every named mistake does what its name says, on the committed fixture of a family that has
 * the part. */
#include "capture.h"
#include "map.h"
#include "variant.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the four above */
#include <cmocka.h>

#define MODELS LL_SOURCE_DIR "/tests/fixtures/models"
enum { N = 12 };

struct run {
    struct ll_stack st;
    float *logits;
    size_t n;
};

static int keep_logits(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct run *r = arg;
    (void)err;
    r->n = (size_t)v->n_rows * (size_t)v->width;
    r->logits = malloc(sizeof(float) * r->n);
    memcpy(r->logits, v->data, sizeof(float) * r->n);
    return LL_OK;
}

static struct run run(const struct ll_model *m, struct ll_engine *eng)
{
    struct run r = {0};
    struct ll_err err = {0};
    struct ll_pass pass;
    int ids[N], start[2] = {0, N};
    for (int i = 0; i < N; i++)
        ids[i] = (7 + 13 * i) % m->d_vocab;
    assert_int_equal(ll_stack_init(&r.st, m, N, NULL, 0, &err), LL_OK);
    struct ll_listener l[] = {ll_stack_listener(&r.st), {LL_HOOK_BIT(LL_HOOK_LOGITS), keep_logits, &r}};
    assert_int_equal(ll_pass_init(&pass, &(struct ll_pass_plan){m, N, N, l, 2}, eng, &err), LL_OK);
    struct ll_batch b = {1, start, ids};
    if (ll_forward(&pass, &b, 0, m->n_layers, &err))
        fail_msg("%s", err.msg);
    ll_pass_free(&pass);
    return r;
}
static void run_free(struct run *r)
{
    ll_stack_free(&r->st);
    free(r->logits);
}
static int same_row(const struct run *a, const struct run *b, int layer)
{
    return !memcmp(ll_stack_row(&a->st, layer, 0), ll_stack_row(&b->st, layer, 0),
                   sizeof(float) * (size_t)N * (size_t)a->st.d_model);
}
static int same_logits(const struct run *a, const struct run *b)
{
    return !memcmp(a->logits, b->logits, sizeof(float) * a->n);
}

/* What exact GELU and its tanh form, or a window longer than the prompt, need not change. */
static int may_be_silent(const char *name) { return !strncmp(name, "window", 6); }

static void check_switch(const struct ll_model *m, struct ll_engine *eng, const struct run *base, int i,
                         int *seen)
{
    struct ll_err err = {0};
    struct ll_model *v;
    char name[96];
    const struct ll_switch *row = ll_switch_row(i);
    snprintf(name, sizeof name, "%.*s%s", (int)(strlen(row->name) - (strstr(row->name, "=VALUE") ? 5 : 0)),
             row->name,
             strstr(row->name, "eps=VALUE")    ? "0.01"
                 : strstr(row->name, "=VALUE") ? "123"
                                               : "");
    int rc = ll_variant_make(&v, m, name, &err), last = m->n_layers - 1;
    if (rc == LL_EUNSUP)
        return;
    if (rc)
        fail_msg("%s: %s", name, err.msg);
    struct run r = run(v, eng);
    int changed = !same_logits(base, &r);
    if (!changed && !may_be_silent(name))
        fail_msg("%s: %s changed nothing", m->ckpt->clean, name);
    seen[i] |= changed;
    if (row->scope == LL_SWITCH_LAYER)
        assert_true(same_row(base, &r, 0)); /* nothing before the first block */
    run_free(&r);
    ll_variant_free(v);
    if (row->scope == LL_SWITCH_ENDS)
        return;
    /* confined to the last layer: no earlier one may change */
    char one[128];
    snprintf(one, sizeof one, "%s@%d", name, last);
    rc = ll_variant_make(&v, m, one, &err);
    if (rc == LL_EUNSUP)
        return; /* the last layer has no such part */
    assert_int_equal(rc, LL_OK);
    r = run(v, eng);
    for (int l = 0; l <= last; l++)
        if (!same_row(base, &r, l))
            fail_msg("%s: %s changed layer %d", m->ckpt->clean, one, l - 1);
    if (same_row(base, &r, m->n_layers) && !may_be_silent(name))
        fail_msg("%s: %s changed nothing", m->ckpt->clean, one);
    run_free(&r);
    ll_variant_free(v);
}

static void every_switch(void **state)
{
    (void)state;
    struct ll_engine *eng;
    struct ll_err err = {0};
    int seen[128] = {0}, missing = 0;
    assert_int_equal(ll_engine_init(&eng, 1, &err), LL_OK);
    DIR *d = opendir(MODELS);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        char path[1024];
        struct ll_model *m, *copy;
        snprintf(path, sizeof path, MODELS "/%s", e->d_name);
        if (e->d_name[0] == '.' || ll_model_open(&m, path, &err))
            continue;
        struct run base = run(m, eng);
        assert_int_equal(ll_variant_make(&copy, m, NULL, &err), LL_OK);
        struct run plain = run(copy, eng);
        assert_true(same_logits(&base, &plain));
        run_free(&plain);
        ll_variant_free(copy);
        for (int i = 0; i < ll_n_switches(); i++)
            check_switch(m, eng, &base, i, seen);
        run_free(&base);
        ll_model_close(m);
    }
    closedir(d);
    for (int i = 0; i < ll_n_switches(); i++)
        if (!seen[i] && strcmp(ll_switch_row(i)->name, "qk-permute=off")) { /* that one needs a GGUF file */
            printf("no fixture shows %s\n", ll_switch_row(i)->name);
            missing++;
        }
    assert_int_equal(missing, 0);
    ll_engine_free(eng);
}

/* Doing it twice, or there and back, is as before; the order of biases included. */
static void there_and_back(void **state)
{
    static const struct {
        const char *model, *list;
    } pairs[] = {{"qwen2_tied", "qk-permute=on,qk-permute=off"},
                 {"qwen2_tied", "rope=interleaved,rope=halves"},
                 {"qwen2_tied", "kv=swapped,kv=swapped"},
                 {"qwen2_tied", "mlp=swapped@1,mlp=swapped@1"},
                 {"qwen2_tied", "grouping=modulo,grouping=modulo"},
                 {"qwen3_tied", "qk-norm=late,qk-norm=late"},
                 {"qwen2_tied", "act-order=swapped,act-order=swapped"},
                 {"qwen2_tied", "bias-qk=late,bias-qk=late"},
                 {"llama3_gqa", "rope=interleaved@1,rope=halves@1"}};
    (void)state;
    struct ll_engine *eng;
    struct ll_err err = {0};
    assert_int_equal(ll_engine_init(&eng, 1, &err), LL_OK);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char path[1024];
        struct ll_model *m, *v;
        snprintf(path, sizeof path, MODELS "/%s", pairs[i].model);
        assert_int_equal(ll_model_open(&m, path, &err), LL_OK);
        if (ll_variant_make(&v, m, pairs[i].list, &err))
            fail_msg("%s: %s", pairs[i].list, err.msg);
        struct run a = run(m, eng), b = run(v, eng);
        if (!same_logits(&a, &b))
            fail_msg("%s: %s is not the model itself", pairs[i].model, pairs[i].list);
        run_free(&a);
        run_free(&b);
        ll_variant_free(v);
        ll_model_close(m);
    }
    ll_engine_free(eng);
}

static void refusals(void **state)
{
    static const struct {
        const char *list;
        int code;
        const char *says;
    } bad[] = {{"silly", LL_EUSAGE, "unknown switch"},
               {"rope=interleaved@99", LL_EUSAGE, "expected a layer in 0.."},
               {"rope=interleaved@", LL_EUSAGE, "expected a layer"},
               {"rope=interleaved@1x", LL_EUSAGE, "expected a layer"},
               {"eps=", LL_EUSAGE, "expected a number"},
               {"eps=nan", LL_EUSAGE, "expected a number"},
               {"eps=2", LL_EUSAGE, "0..1"},
               {"eps=VALUE", LL_EUSAGE, "expected a number"},
               {"emb-scale=sqrt-d@0", LL_EUSAGE, "no @layer"},
               {"attn-cap=off", LL_EUNSUP, "changes nothing"},
               {"rope=halves", LL_EUNSUP, "changes nothing"}};
    (void)state;
    struct ll_err err = {0};
    struct ll_model *m, *v;
    assert_int_equal(ll_model_open(&m, MODELS "/qwen2_tied", &err), LL_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ll_err e = {0};
        assert_int_equal(ll_variant_make(&v, m, bad[i].list, &e), bad[i].code);
        assert_null(v);
        if (!strstr(e.msg, bad[i].says))
            fail_msg("%s: %s", bad[i].list, e.msg);
    }
    ll_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_switch), cmocka_unit_test(there_and_back),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
