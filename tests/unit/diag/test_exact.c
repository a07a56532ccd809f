/* test_exact.c - the double-precision formulas and the pass agree on every point of every committed fixture,
 * and of every mistake that a variant makes: two writings of the same mathematics. */
#include "fixtures/models.h"
#include "compare.h"
#include "exact.h"
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
enum { N = 11 };

/* Largest difference over the rms of the exact values; masked scores must be masked in both. */
static double off(const struct ll_actv *a, const double *x)
{
    size_t n = (size_t)a->rows * (size_t)a->width;
    double sq = 0, max = 0;
    for (size_t i = 0; i < n; i++)
        if (isinf(x[i]) || isinf(a->x[i]))
            max = isinf(x[i]) && isinf(a->x[i]) ? max : INFINITY;
        else {
            sq += x[i] * x[i];
            max = fmax(max, fabs((double)a->x[i] - x[i]));
        }
    return max / (sqrt(sq / (double)n) + 1e-30);
}

static int check_points(const struct ll_model *m, const struct ll_acts *ours, const struct ll_acts *from,
                        const int *ids, double tol, const char *what)
{
    struct ll_exact e = {m, from, ids, N};
    int seen = 0;
    for (int h = 0; h < LL_N_HOOKS; h++)
        for (int l = ll_hook_info((enum ll_hook)h)->per_layer ? 0 : -1;
             l < (ll_hook_info((enum ll_hook)h)->per_layer ? m->n_layers : 0); l++) {
            const struct ll_actv *a = ll_acts_at(ours, h, l);
            struct ll_err err = {0};
            double *x;
            int rows, width, rc = ll_exact_point(&e, h, l, &x, &rows, &width, &err);
            if (!a->x) { /* a point that does not fire: a step inside experts can still not be computed,
                            resid_pre always */
                if (!rc)
                    fail_msg("%s: %s of layer %d did not fire but was computed", m->ckpt->clean,
                             ll_hook_info((enum ll_hook)h)->name, l);
                continue;
            }
            if (rc)
                fail_msg("%s: %s of layer %d: %s", m->ckpt->clean, ll_hook_info((enum ll_hook)h)->name, l,
                         err.msg);
            assert_int_equal(rows, a->rows);
            assert_int_equal(width, a->width);
            double d = off(a, x);
            if (!(d < tol))
                fail_msg("%s: %s: %s of layer %d is off by %g of its rms", m->ckpt->clean, what,
                         ll_hook_info((enum ll_hook)h)->name, l, d);
            free(x);
            seen++;
        }
    return seen;
}

static void check_model(const struct ll_model *m, struct ll_engine *eng, const char *what)
{
    struct ll_err err = {0};
    struct ll_acts ours, nothing;
    struct ll_acts_want want = {.hooks = LL_HOOK_BIT(LL_N_HOOKS) - 1};
    int ids[N];
    for (int i = 0; i < N; i++)
        ids[i] = (5 + 17 * i) % m->d_vocab;
    if (ll_acts_run(&ours,
                    &(struct ll_acts_pass){
                        .model = m, .engine = eng, .ids = ids, .n_ids = N, .to = m->n_layers, .want = &want},
                    &err))
        fail_msg("%s", err.msg);
    assert_int_equal(ll_acts_init(&nothing, m->n_layers, N, &err), LL_OK);
    int n =
        check_points(m, &ours, &ours, ids, 3e-5, what); /* each operation by itself, from the pass' inputs */
    assert_true(n > 8 * m->n_layers);
    if (!what[0])
        check_points(m, &ours, &nothing, ids, 1e-3,
                     "from the ids alone"); /* 3 to 5 layers of float32 in between */
    ll_acts_free(&ours);
    ll_acts_free(&nothing);
}

static void every_fixture(void **state)
{
    (void)state;
    struct ll_engine *eng;
    struct ll_err err = {0};
    assert_int_equal(ll_engine_init(&eng, 1, &err), LL_OK);
    DIR *d = opendir(MODELS);
    assert_non_null(d);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char path[1024];
        struct ll_model *m, *v;
        snprintf(path, sizeof path, MODELS "/%s", e->d_name);
        if (e->d_name[0] == '.' || ll_model_open(&m, path, &err))
            continue;
        check_model(m, eng, "");
        for (int i = 0; i < ll_n_switches(); i++)
            if (!strstr(ll_switch_row(i)->name, "VALUE")
                && !ll_variant_make(&v, m, ll_switch_row(i)->name, &(struct ll_err){0})) {
                check_model(v, eng, ll_switch_row(i)->name);
                ll_variant_free(v);
            }
        ll_model_close(m);
        n++;
    }
    closedir(d);
    assert_int_equal(n, N_FIXTURE_MODELS);
    ll_engine_free(eng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_fixture)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
