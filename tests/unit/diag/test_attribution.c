/* test_attribution.c - shares of a logit: against PyTorch's autograd (attribution.inc, made by
 * tests/fixtures/make_attribution.py), and closing on the model's own logit in every family, with and without
 * interventions. */
#include "fixtures/models.h"
#include "attribution.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above */
#include <cmocka.h>

#define MODELS LL_SOURCE_DIR "/tests/fixtures/models/"
enum { N = 7, TOKEN = 5, OTHER = 11 };
static const int ids[N] = {1, 5, 9, 33, 17, 2, 40};

static struct ll_attribution attribute(const struct ll_model *m, struct ll_engine *eng,
                                       const char *const *specs, int n_specs, int id, int other)
{
    struct ll_attribution a = {0};
    struct ll_intervene iv = {.model = m};
    struct ll_err err = {0};
    for (int i = 0; i < n_specs; i++)
        assert_int_equal(ll_intervene_parse(&iv, specs[i], &err), LL_OK);
    struct ll_attribution_job job = {
        .engine = eng, .iv = &iv, .ids = ids, .n_ids = N, .pos = -1, .id = id, .other = other};
    if (ll_intervene_ready(&iv, m, eng, NULL, &err) || ll_attribution_run(&a, &job, &err))
        fail_msg("%s", err.msg);
    ll_intervene_free(&iv);
    return a;
}

/* Sum of the magnitudes of all shares: what rounding is relative to. */
static double magnitude(const struct ll_attribution *a)
{
    double s = fabs(a->embed) + fabs(a->bias);
    for (int l = 0; l < a->n_layers; l++)
        s += fabs(a->attn[l]) + fabs(a->mlp[l]) + fabs(a->written[l]);
    return s;
}

static void against_autograd(void **state)
{
    static const struct {
        const char *model;
        int layer;
        double logit, mlp, head[4];
    } rows[] = {
#include "fixtures/attribution.inc"
    };
    struct ll_engine *eng;
    struct ll_err err = {0};
    double worst = 0;
    (void)state;
    assert_int_equal(ll_engine_init(&eng, 2, &err), LL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ll_model *m;
        char path[512];
        snprintf(path, sizeof path, "%s%s", MODELS, rows[i].model);
        assert_int_equal(ll_model_open(&m, path, &err), LL_OK);
        struct ll_attribution a = attribute(m, eng, NULL, 0, TOKEN, -1);
        worst = fmax(worst, fabs(a.logit - rows[i].logit));
        worst = fmax(worst, fabs(a.mlp[rows[i].layer] - rows[i].mlp));
        for (int h = 0; h < m->n_heads; h++)
            worst = fmax(worst, fabs(a.head[rows[i].layer * m->n_heads + h] - rows[i].head[h]));
        ll_attribution_free(&a);
        ll_model_close(m);
    }
    printf("worst share off by %.1e\n", worst);
    assert_true(worst < 5e-6);
    ll_engine_free(eng);
}

static void closes(void **state)
{
    static const char *const changed[] = {"skip:0", "zero:blocks.1.hook_attn_out",
                                          "mean:blocks.0.hook_resid_post"};
    struct ll_engine *eng;
    struct ll_err err = {0};
    double worst = 0, worst_heads = 0;
    int n = 0;
    DIR *dir = opendir(MODELS);
    (void)state;
    assert_int_equal(ll_engine_init(&eng, 2, &err), LL_OK);
    for (struct dirent *e; (e = readdir(dir));) {
        struct ll_model *m;
        char path[512];
        if (*e->d_name == '.')
            continue;
        snprintf(path, sizeof path, "%s%s", MODELS, e->d_name);
        if (ll_model_open(&m, path, &err))
            fail_msg("%s", err.msg);
        struct ll_attribution a = attribute(m, eng, NULL, 0, TOKEN, -1),
                              b = attribute(m, eng, NULL, 0, OTHER, -1),
                              d = attribute(m, eng, NULL, 0, TOKEN, OTHER),
                              c = attribute(m, eng, changed, 3, TOKEN, -1);
        worst = fmax(worst, fmax(fabs(a.residue) / magnitude(&a), fabs(d.residue) / magnitude(&d)));
        worst = fmax(worst, fabs(c.residue) / magnitude(&c));
        worst_heads = fmax(worst_heads, fmax(a.head_residue / magnitude(&a), d.head_residue / magnitude(&d)));
        assert_true(fabs(d.mlp[1] - (a.mlp[1] - b.mlp[1])) < 1e-9 * magnitude(&a));
        assert_true(fabs(d.embed - (a.embed - b.embed)) < 1e-9 * magnitude(&a));
        assert_true(d.logit == a.logit - b.logit);
        assert_true(c.attn[1] == 0 && fabs(c.written[0]) > 1e-3);
        for (int l = 0; l < m->n_layers; l++)
            assert_true(fabs(a.written[l]) < 1e-6 * magnitude(&a)); /* rounding of the stream */
        ll_attribution_free(&a);
        ll_attribution_free(&b);
        ll_attribution_free(&c);
        ll_attribution_free(&d);
        ll_model_close(m);
        n++;
    }
    printf("%d families: residue at most %.1e of the shares' magnitude, heads %.1e\n", n, worst, worst_heads);
    assert_int_equal(n, N_FIXTURE_MODELS);
    assert_true(worst < 5e-7 && worst_heads < 5e-7); /* a few roundings of float32 (6e-8) */
    closedir(dir);
    ll_engine_free(eng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_autograd), cmocka_unit_test(closes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
