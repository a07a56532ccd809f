/* test_positions.c - a position read inside the whole prompt, over all families.
 *
 * Reading position P of a prompt is the row P of an all-positions sweep of it, bit for bit, and (where no
 * rotation depends on the length) that of the prompt cut off behind P. A whole answer's probability takes
 * each factor at its own length. Models: the fixtures, and ../shared/oracle where it is there (longrope,
 * whose earlier rows a longer prompt changes). */
#include "answers.h"
#include "map.h"
#include "rope.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above */
#include <cmocka.h>

#define ORACLE LL_SHARED_DIR "/oracle/models"
enum {
    N = 24,
    K = 5,
    N_AT = 6,
    MAX_LAYERS = 40
}; /* N: past the 16 positions where the longrope model changes tables */
static const int read_at[N_AT] = {0, 3, 14, 15, 16, N - 1};

/* The rows at one position: what the head says of them, and the residuals. */
struct rows {
    struct ll_head_out out[MAX_LAYERS + 1];
    struct ll_hit top[MAX_LAYERS + 1][K];
    float *resid[MAX_LAYERS + 1];
};
struct seen {
    const struct ll_model *m;
    struct rows whole[N], at[N_AT], cut[N_AT];
};

static void keep(struct rows *to, const struct ll_sweep_result *r, int i, const struct ll_model *m)
{
    for (int l = 0; l < r->n_rows; l++) {
        to->out[l] = r->rows[l * r->n_pos + i];
        memcpy(to->top[l], to->out[l].top, sizeof to->top[l]);
        to->out[l].top = NULL;
        to->out[l].tracked_rank[0] = 0; /* only asked for at the position read */
        to->out[l].tracked_logit[0] = 0;
        to->resid[l] = malloc(sizeof(float) * (size_t)m->d_model);
        memcpy(to->resid[l], ll_stack_row(r->stack, l, r->kept0 + i), sizeof(float) * (size_t)m->d_model);
    }
}

static int on_result(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct seen *s = arg;
    (void)err;
    if (r->prompt == 0)
        for (int i = 0; i < r->n_pos; i++)
            keep(&s->whole[i], r, i, s->m);
    else {
        int i = (r->prompt - 1) / 2;
        assert_int_equal(r->n_pos, 1);
        assert_int_equal(r->pos0, read_at[i]);
        keep(r->prompt % 2 ? &s->at[i] : &s->cut[i], r, 0, s->m);
        assert_memory_equal(r->resid_last[r->n_rows - 1], ll_stack_row(r->stack, r->n_rows - 1, r->kept0),
                            sizeof(float) * (size_t)s->m->d_model);
    }
    return LL_OK;
}

static int equal(const struct seen *s, const struct rows *a, const struct rows *b)
{
    size_t n = (size_t)s->m->n_layers + 1;
    int same = !memcmp(a->top, b->top, n * sizeof *a->top);
    for (size_t l = 0; l < n; l++)
        same = same && a->out[l].lse == b->out[l].lse && a->out[l].entropy_bits == b->out[l].entropy_bits
            && a->out[l].kl_to_final_bits == b->out[l].kl_to_final_bits
            && !memcmp(a->resid[l], b->resid[l], sizeof(float) * (size_t)s->m->d_model);
    return same;
}

static void free_rows(struct rows *r, int n)
{
    for (int i = 0; i < n; i++)
        for (int l = 0; l <= MAX_LAYERS; l++)
            free(r[i].resid[l]);
}

/* One model; *n_turned counts positions whose rows the rest of the prompt changes. */
static void one_model(const char *path, struct ll_engine *eng, int *n_turned)
{
    struct seen *s = calloc(1, sizeof *s);
    struct ll_err err = {0};
    struct ll_model *m;
    struct ll_sweep_prompt prompts[1 + 2 * N_AT];
    int ids[N];
    if (ll_model_open(&m, path, &err))
        fail_msg("%s", err.msg);
    s->m = m;
    assert_true(m->n_layers <= MAX_LAYERS && (!m->n_positions || m->n_positions >= N));
    for (int i = 0; i < N; i++)
        ids[i] = (7 + 31 * i) % m->d_vocab;
    prompts[0] = (struct ll_sweep_prompt){.ids = ids, .n_ids = N, .want = LL_SWEEP_ALL};
    for (int i = 0; i < N_AT; i++) {
        prompts[1 + 2 * i] = (struct ll_sweep_prompt){
            .ids = ids, .n_ids = N, .want = LL_SWEEP_AT, .at = read_at[i], .tracked = ids, .n_tracked = 1};
        prompts[2 + 2 * i] =
            (struct ll_sweep_prompt){.ids = ids, .n_ids = read_at[i] + 1, .want = LL_SWEEP_LAST};
    }
    struct ll_sweep sweep = {.model = m,
                             .engine = eng,
                             .k = K,
                             .prompts = prompts,
                             .n_prompts = 1 + 2 * N_AT,
                             .result = on_result,
                             .result_arg = s};
    if (ll_sweep_run(&sweep, &err))
        fail_msg("%s: %s", path, err.msg);
    for (int i = 0; i < N_AT; i++) {
        int stays = ll_rope_rows_stay(m, read_at[i] + 1, N);
        if (!equal(s, &s->at[i], &s->whole[read_at[i]]))
            fail_msg("%s: position %d read alone is not row %d of the whole", path, read_at[i], read_at[i]);
        if (stays != equal(s, &s->at[i], &s->cut[i])
            && read_at[i]) /* position 0 is not turned by any rotation */
            fail_msg("%s: position %d: the cut prompt %s", path, read_at[i],
                     stays ? "says something else" : "says the same");
        *n_turned += !stays;
    }
    free_rows(s->whole, N);
    free_rows(s->at, N_AT);
    free_rows(s->cut, N_AT);
    ll_model_close(m);
    free(s);
}

static void all_of(const char *folder, struct ll_engine *eng, int *n_models, int *n_turned)
{
    DIR *dir = opendir(folder);
    char path[1024];
    for (struct dirent *e; dir && (e = readdir(dir));) {
        snprintf(path, sizeof path, "%s/%s/config.json", folder, e->d_name);
        if (!ll_is_file(path))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        one_model(path, eng, n_turned);
        ++*n_models;
    }
    if (dir)
        closedir(dir);
}

static void every_family(void **state)
{
    struct ll_engine *eng;
    int n_models = 0, n_shared = 0, n_turned = 0;
    (void)state;
    assert_int_equal(ll_engine_init(&eng, 2, NULL), LL_OK);
    all_of(LL_SOURCE_DIR "/tests/fixtures/models", eng, &n_models, &n_turned);
    assert_true(n_models >= 22);
    all_of(ORACLE, eng, &n_shared, &n_turned);
    printf("%d fixtures, %d of the shared folder, %d positions turned by the rest of the prompt\n", n_models,
           n_shared, n_turned);
    assert_true(!n_shared || n_turned > 0);
    ll_engine_free(eng);
}

/* ---- whole answers --------------------------------------------------------------------------- */

static int on_run(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    return ll_answers_take(arg, 0, r, err);
}

/* ln p of five tokens after fourteen, the bound of the longrope model (16) between them: transformers 5.24 in
 * float64, each factor from a pass of its own length; the rows of one pass over all would give -49.45. */
static void answer_across_the_bound(void **state)
{
    enum { PROMPT = 14, ANSWER = 5 };
    static const double expected = -51.76274890520098;
    struct ll_session s = {0};
    struct ll_err err = {0};
    struct ll_prompt p;
    struct ll_answers a;
    struct ll_sweep_prompt runs[ANSWER];
    int ids[PROMPT + ANSWER], n = 0;
    unsigned seed = 4;
    char *text = (char *)(uintptr_t) "x";
    const struct ll_experiment e = {.teacher_forcing = 1};
    struct ll_ask ask = {.answers = &text, .n_answers = 1, .answer_id = -1};
    (void)state;
    if (!ll_is_dir(ORACLE "/phi3_longrope"))
        skip();
    assert_int_equal(ll_session_open(&s, ORACLE "/phi3_longrope", NULL, 2, &err), LL_OK);
    for (int i = 0; i < PROMPT + ANSWER; i++) {
        seed = seed * 1664525u + 1013904223u;
        ids[i] = (int)((seed >> 8) % (unsigned)s.model->d_vocab);
    }
    assert_int_equal(ll_prompt_from_ids(&p, &s, ids, PROMPT, -1, &err), LL_OK);
    for (int i = 0; i < ANSWER; i++)
        assert_int_equal(ll_ids_add(&p.answer, ids[PROMPT + i], &err), LL_OK);
    assert_int_equal(ll_answers_init(&a, &s, &p, &ask, -1, &e, &err), LL_OK);
    while (n < ANSWER && ll_answers_prompt(&a, 0, n, &runs[n]))
        n++;
    assert_int_equal(n, ANSWER);
    struct ll_sweep sweep = {.model = s.model,
                             .engine = s.engine,
                             .k = K,
                             .prompts = runs,
                             .n_prompts = n,
                             .result = on_run,
                             .result_arg = &a};
    for (int again = 0; again < 2; again++) { /* a resumed run hands the same results once more */
        assert_int_equal(ll_sweep_run(&sweep, &err), LL_OK);
        assert_true(fabs(ll_answer_logprob(&a.figures[0], s.model->n_layers, NULL) - expected) < 1e-4);
    }
    ll_answers_free(&a);
    ll_prompt_free(&p);
    ll_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_family),
                                       cmocka_unit_test(answer_across_the_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
