/* test_intervene.c - interventions: against PyTorch with the same parts silenced, replaced or pushed
 * (interventions.inc, made by tests/fixtures/make_interventions.py); identities that need no reference, in
 * every family; texts that are refused. */
#include "fixtures/models.h"
#include "capture.h"
#include "intervene.h"
#include "refstack.h"
#include "sweep.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs the headers above */
#include <cmocka.h>

#define MODELS LL_SOURCE_DIR "/tests/fixtures/models/"
enum { N = 7 };
static const int ids[N] = {1, 5, 9, 33, 17, 2, 40}, others[N] = {3, 7, 60, 12, 50, 8, 21};

/* "ids:1,2,3" -> ids. The test has no tokenizer. */
static int encode(void *arg, const char *text, size_t n, int **out, int *n_ids, struct ll_err *err)
{
    (void)arg;
    (void)err;
    char *copy = strndup(text, n), *s = copy + 4;
    assert_memory_equal(copy, "ids:", 4);
    *out = malloc(sizeof **out * n);
    for (*n_ids = 0; *s; s += *s == ',')
        (*out)[(*n_ids)++] = (int)strtol(s, &s, 10);
    free(copy);
    return LL_OK;
}
static const struct ll_intervene_prompts prompts = {encode, NULL};

struct run {
    struct ll_stack st;
    float *logits;
};

static int keep_logits(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    struct run *r = arg;
    (void)err;
    r->logits = malloc(sizeof(float) * (size_t)v->width);
    memcpy(r->logits, v->data + (v->n_rows - 1) * v->stride, sizeof(float) * (size_t)v->width);
    return LL_OK;
}

static void run_model(struct run *r, struct ll_intervene *iv, struct ll_engine *eng, const int *tokens)
{
    struct ll_err err = {0};
    struct ll_pass pass;
    int start[2] = {0, N};
    struct ll_batch b = {1, start, tokens};
    assert_int_equal(ll_stack_init(&r->st, iv->model, N, NULL, 0, &err), LL_OK);
    struct ll_listener all[] = {ll_intervene_listener(iv),
                                ll_stack_listener(&r->st),
                                {LL_HOOK_BIT(LL_HOOK_LOGITS), keep_logits, r}};
    if (ll_pass_init(&pass, &(struct ll_pass_plan){iv->model, N, N, all, 3}, eng, &err)
        || ll_forward(&pass, &b, 0, iv->model->n_layers, &err))
        fail_msg("%s", err.msg);
    ll_pass_free(&pass);
}
static void run_free(struct run *r)
{
    ll_stack_free(&r->st);
    free(r->logits);
}

/* Interventions separated by '\n'. */
static void open_all(struct ll_intervene *iv, const struct ll_model *m, struct ll_engine *eng,
                     const char *specs)
{
    struct ll_err err = {0};
    char *copy = strdup(specs), *save = NULL;
    memset(iv, 0, sizeof *iv);
    for (char *s = strtok_r(copy, "\n", &save); s; s = strtok_r(NULL, "\n", &save))
        if (ll_intervene_parse(iv, s, &err))
            fail_msg("%s", err.msg);
    if (ll_intervene_ready(iv, m, eng, &prompts, &err) || ll_intervene_fits(iv, N, &err))
        fail_msg("%s", err.msg);
    free(copy);
}

static void against_torch(void **state)
{
    static const struct {
        const char *model, *spec;
        double logits[8];
    } rows[] = {
#include "fixtures/interventions.inc"
    };
    struct ll_engine *eng;
    struct ll_model *m = NULL;
    struct ll_err err = {0};
    double worst = 0, moved_least = 1e9, plain[8] = {0};
    (void)state;
    assert_int_equal(ll_engine_init(&eng, 2, &err), LL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[512];
        struct ll_intervene iv;
        struct run r;
        snprintf(path, sizeof path, "%s%s", MODELS, rows[i].model);
        assert_int_equal(ll_model_open(&m, path, &err), LL_OK);
        open_all(&iv, m, eng, rows[i].spec);
        run_model(&r, &iv, eng, ids);
        double moved = 0, off = 0, largest = 1;
        for (int k = 0; k < 8; k++) {
            off = fmax(off, fabs((double)r.logits[k] - rows[i].logits[k]));
            largest = fmax(largest, fabs(rows[i].logits[k]));
            plain[k] = *rows[i].spec ? plain[k] : rows[i].logits[k];
            moved = fmax(moved, fabs(plain[k] - rows[i].logits[k]));
        }
        moved_least = *rows[i].spec && moved < moved_least ? moved : moved_least;
        if (!(off < 2e-5 * largest)) /* ../shared/oracle/README.md: two float32 computations of one sum */
            fail_msg("%s \"%s\": off by %g", rows[i].model, rows[i].spec, off);
        worst = fmax(worst, off / largest);
        run_free(&r);
        ll_intervene_free(&iv);
        ll_model_close(m);
    }
    printf("worst logit off by %.1e of the largest; the least intervention moves one by %.2g\n", worst,
           moved_least);
    assert_true(moved_least > 1e-2); /* so that an intervention at the wrong place would show */
    ll_engine_free(eng);
}

/* ---- identities, in every family ------------------------------------------------------------- */

static size_t row_bytes(const struct ll_model *m) { return sizeof(float) * N * (size_t)m->d_model; }

static void same_run(const struct run *a, const struct run *b, const struct ll_model *m)
{
    assert_memory_equal(ll_stack_row(&a->st, m->n_layers, 0), ll_stack_row(&b->st, m->n_layers, 0),
                        row_bytes(m));
    assert_memory_equal(a->logits, b->logits, sizeof(float) * (size_t)m->d_vocab);
}

static void identities_of(const struct ll_model *m, struct ll_engine *eng)
{
    char spec[512];
    struct ll_intervene none = {.model = m}, iv;
    struct run plain, other, got;
    int last = m->n_layers - 1;
    run_model(&plain, &none, eng, ids);
    run_model(&other, &none, eng, others);

    /* all positions of the last residual from another prompt: that prompt's output */
    snprintf(spec, sizeof spec, "patch:blocks.%d.hook_resid_post=ids:3,7,60,12,50,8,21", last);
    open_all(&iv, m, eng, spec);
    run_model(&got, &iv, eng, ids);
    same_run(&got, &other, m);
    run_free(&got);
    ll_intervene_free(&iv);

    /* all blocks skipped: row 0 everywhere */
    struct ll_buf all = {0};
    for (int l = 0; l < m->n_layers; l++)
        ll_buf_addf(&all, "skip:%d\n", l);
    open_all(&iv, m, eng, ll_buf_str(&all));
    run_model(&got, &iv, eng, ids);
    for (int l = 0; l <= m->n_layers; l++)
        assert_memory_equal(ll_stack_row(&got.st, l, 0), ll_stack_row(&plain.st, 0, 0), row_bytes(m));
    run_free(&got);
    ll_intervene_free(&iv);
    ll_buf_free(&all);

    /* swapped twice, pushed by 0, silenced and restored: nothing changes; swapped once: something does */
    static const struct {
        const char *spec;
        int changes;
    } texts[] = {{"swap:0,1\nswap:1,0", 0},
                 {"swap:0,1", 1},
                 {"steer:blocks.0.hook_resid_post=ids:3,7*0", 0},
                 {"zero:hook_embed\npatch:hook_embed=ids:1,5,9,33,17,2,40", 0},
                 {"zero:blocks.0.attn.hook_pattern[0]", 1},
                 {"zero:blocks.1.attn.hook_rot_q", 1},
                 {"zero:attn_out@pos=-1", 1},
                 {"zero:blocks.1.hook_resid_pre[3]", 1}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        open_all(&iv, m, eng, texts[i].spec);
        run_model(&got, &iv, eng, ids);
        if (!texts[i].changes)
            same_run(&got, &plain, m);
        else if (!memcmp(ll_stack_row(&got.st, m->n_layers, 0), ll_stack_row(&plain.st, m->n_layers, 0),
                         row_bytes(m)))
            fail_msg("%s: \"%s\" changes nothing", m->ckpt->clean, texts[i].spec);
        run_free(&got);
        ll_intervene_free(&iv);
    }
    run_free(&plain);
    run_free(&other);
}

static void identities(void **state)
{
    struct ll_engine *eng;
    struct ll_err err = {0};
    DIR *dir = opendir(MODELS);
    int n = 0;
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
        identities_of(m, eng);
        ll_model_close(m);
        n++;
    }
    closedir(dir);
    ll_engine_free(eng);
    assert_int_equal(n, N_FIXTURE_MODELS);
}

/* ---- in a sweep, and from files -------------------------------------------------------------- */

struct seen {
    int n;
    double lse[3];
};
static int on_result(void *arg, const struct ll_sweep_result *r, struct ll_err *err)
{
    struct seen *s = arg;
    (void)err;
    s->lse[s->n++] = r->rows[(size_t)(r->n_rows - 1)].lse;
    return LL_OK;
}

/* Prompts of different length in one batch: each as if alone; the last row stays the model's output
 * (ll_head_pass checks). */
static void in_a_sweep(void **state)
{
    struct ll_engine *eng;
    struct ll_model *m;
    struct ll_err err = {0};
    struct ll_intervene iv;
    (void)state;
    assert_int_equal(ll_engine_init(&eng, 2, &err), LL_OK);
    assert_int_equal(ll_model_open(&m, MODELS "gemma2_caps", &err), LL_OK);
    open_all(&iv, m, eng,
             "mean:blocks.0.hook_attn_out\nzero:blocks.1.attn.hook_z[1]@pos=-1\nskip:1\nsteer:blocks.1.hook_"
             "resid_post=ids:3,7*2\nzero:blocks.0.attn.hook_pattern[2]");
    struct ll_sweep_prompt p[3] = {{.ids = ids, .n_ids = N, .want = LL_SWEEP_LAST},
                                   {.ids = others, .n_ids = 3, .want = LL_SWEEP_LAST},
                                   {.ids = ids, .n_ids = 5, .want = LL_SWEEP_LAST}};
    struct ll_listener writes = ll_intervene_listener(&iv);
    struct seen together = {0}, alone = {0};
    struct ll_sweep s = {.model = iv.model,
                         .engine = eng,
                         .k = 1,
                         .prompts = p,
                         .n_prompts = 3,
                         .extra = &writes,
                         .n_extra = 1,
                         .result = on_result,
                         .result_arg = &together};
    if (ll_sweep_run(&s, &err))
        fail_msg("%s", err.msg);
    s.n_prompts = 1;
    s.result_arg = &alone;
    for (int i = 0; i < 3; i++) {
        s.prompts = &p[i];
        assert_int_equal(ll_sweep_run(&s, &err), LL_OK);
    }
    assert_memory_equal(&together, &alone, sizeof alone);
    struct run r;
    double sum = 0;
    run_model(&r, &iv, eng, ids); /* the pass by hand */
    for (int v = 0; v < m->d_vocab; v++)
        sum += exp((double)r.logits[v]);
    assert_true(fabs(log(sum) - alone.lse[0]) < 1e-6);
    run_free(&r);
    ll_intervene_free(&iv);
    ll_model_close(m);
    ll_engine_free(eng);
}

static void from_files(void **state)
{
    struct ll_engine *eng;
    struct ll_model *m;
    struct ll_err err = {0};
    struct ll_intervene none, iv;
    struct run other, got;
    char dir[] = "/tmp/ll_intervene_XXXXXX", path[64], spec[160];
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(ll_engine_init(&eng, 2, &err), LL_OK);
    assert_int_equal(ll_model_open(&m, MODELS "llama3_gqa", &err), LL_OK);
    none = (struct ll_intervene){.model = m};
    run_model(&other, &none, eng, others);
    char first[] = "blocks.1.hook_resid_post", name[] = "blocks.0.hook_resid_post", hex[65];
    struct ll_array arrays[2] = {{.name = first,
                                  .type = LL_ARRAY_F32,
                                  .n_dims = 2,
                                  .dims = {N, m->d_model},
                                  .data = ll_stack_row(&other.st, 2, 0)},
                                 {.name = name,
                                  .type = LL_ARRAY_F32,
                                  .n_dims = 2,
                                  .dims = {N, m->d_model},
                                  .data = ll_stack_row(&other.st, 1, 0)}};
    for (int kind = 0; kind < 2; kind++) {
        snprintf(path, sizeof path, "%s/x.%s", dir, kind ? "bin" : "safetensors");
        if (kind)
            assert_int_equal(ll_bin_write(dir, "x.bin", ll_stack_row(&other.st, 1, 0),
                                          (int64_t)N * m->d_model, hex, &err),
                             LL_OK);
        else
            assert_int_equal(ll_safetensors_write(path, arrays, 2, NULL, &err), LL_OK);
        snprintf(spec, sizeof spec, "patch:blocks.0.hook_resid_post=%s", path);
        open_all(&iv, m, eng, spec);
        run_model(&got, &iv, eng, ids);
        same_run(&got, &other, m);
        run_free(&got);
        ll_intervene_free(&iv);

        /* steer wants one row, a point of another width another file, and a truncated file says so */
        static const char *const want[2][2] = {{"expected one row", "expected a tensor named"},
                                               {"expected one row", "whole number of rows"}};
        for (int i = 0; i < 2; i++) {
            struct ll_intervene x = {0};
            struct ll_err e = {0};
            snprintf(spec, sizeof spec,
                     i ? "patch:blocks.0.mlp.hook_post=%s" : "steer:blocks.0.hook_resid_post=%s", path);
            assert_int_equal(ll_intervene_parse(&x, spec, &e), LL_OK);
            assert_int_equal(ll_intervene_ready(&x, m, eng, NULL, &e), LL_EUSAGE);
            assert_non_null(strstr(e.msg, want[kind][i]));
            ll_intervene_free(&x);
        }
        FILE *f = fopen(path, "r+b");
        assert_int_equal(ftruncate(fileno(f), 90), 0);
        fclose(f);
        struct ll_intervene x = {0};
        struct ll_err e = {0};
        snprintf(spec, sizeof spec, "patch:blocks.0.hook_resid_post=%s", path);
        assert_int_equal(ll_intervene_parse(&x, spec, &e), LL_OK);
        assert_int_equal(ll_intervene_ready(&x, m, eng, NULL, &e), LL_EUSAGE);
        ll_intervene_free(&x);
        remove(path);
    }
    rmdir(dir);
    run_free(&other);
    ll_model_close(m);
    ll_engine_free(eng);
}

/* Adding nothing leaves even the sign of a zero alone. */
static int on_zero(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    int *calls = arg;
    (void)err;
    if (!(*calls)++)
        v->data[0] = -0.0f;
    else
        assert_true(v->data[0] == 0 && signbit(v->data[0]));
    return LL_OK;
}

static void pushed_by_nothing(void **state)
{
    struct ll_engine *eng;
    struct ll_model *m;
    struct ll_err err = {0};
    struct ll_intervene iv;
    struct ll_pass pass;
    int start[2] = {0, N}, calls = 0;
    struct ll_batch b = {1, start, ids};
    (void)state;
    assert_int_equal(ll_engine_init(&eng, 1, &err), LL_OK);
    assert_int_equal(ll_model_open(&m, MODELS "llama3_gqa", &err), LL_OK);
    open_all(&iv, m, eng, "steer:hook_embed=ids:3,7*0");
    struct ll_listener zero = {LL_HOOK_BIT(LL_HOOK_EMBED), on_zero, &calls},
                       all[] = {zero, ll_intervene_listener(&iv), zero};
    assert_int_equal(ll_pass_init(&pass, &(struct ll_pass_plan){m, N, N, all, 3}, eng, &err), LL_OK);
    assert_int_equal(ll_forward(&pass, &b, 0, 1, &err), LL_OK);
    assert_int_equal(calls, 2);
    ll_pass_free(&pass);
    ll_intervene_free(&iv);
    ll_model_close(m);
    ll_engine_free(eng);
}

/* ---- refused --------------------------------------------------------------------------------- */

static void refused(void **state)
{
    static const struct {
        const char *spec, *want;
        int needs_model;
    } bad[] = {{"", "expected zero:", 0},
               {"zero", "expected zero:", 0},
               {"zap:blocks.0.hook_attn_out", "expected zero:", 0},
               {"zero:", "unknown point", 0},
               {"zero:blocks.0.hook_nope", "unknown point", 0},
               {"zero:blocks.0.attn.hook_z[", "a number from 0", 0},
               {"zero:blocks.0.attn.hook_z[-1]", "a number from 0", 0},
               {"zero:blocks.0.attn.hook_z[1", "a number from 0", 0},
               {"zero:blocks.0.hook_attn_out@pos", "@pos=P", 0},
               {"zero:blocks.0.hook_attn_out@pos=x", "@pos=P", 0},
               {"zero:blocks.0.hook_attn_out@pos=99999999999999", "@pos=P", 0},
               {"zero:blocks.0.hook_attn_out@pos=1x", "not understood", 0},
               {"zero:blocks.0.hook_attn_out=x", "no =SOURCE", 0},
               {"steer:blocks.0.hook_attn_out", "takes =SOURCE", 0},
               {"patch:blocks.0.hook_attn_out=", "source is empty", 0},
               {"skip:", "skip:L", 0},
               {"skip:-1", "skip:L", 0},
               {"skip:1,2", "skip:L", 0},
               {"swap:1", "swap:A,B", 0},
               {"swap:1,", "swap:A,B", 0},
               {"skip:2", "block: expected 0..1", 1},
               {"swap:0,9", "block: expected 0..1", 1},
               {"zero:blocks.2.hook_attn_out", "block: expected 0..1", 1},
               {"zero:blocks.0.attn.hook_z[4]", "expected 0..3", 1},
               {"zero:blocks.0.attn.hook_k[2]", "expected 0..1", 1},
               {"zero:blocks.0.mlp.hook_post[32]", "expected 0..31", 1},
               {"zero:blocks.0.hook_resid_post[24]", "expected 0..23", 1},
               {"zero:blocks.0.ln1.hook_scale", "nothing reads", 1},
               {"zero:ln_final.hook_normalized", "after the last residual", 1},
               {"zero:logits", "after the last residual", 1},
               {"mean:blocks.0.attn.hook_pattern", "takes zero: only", 1},
               {"patch:resid_post=x.bin", "expected one block", 1},
               {"steer:blocks.0.hook_resid_post=/no/such.bin", "No such", 1},
               {"steer:blocks.0.hook_resid_post=diff:a", "diff:PROMPT|PROMPT", 1},
               {"steer:blocks.0.hook_resid_post=words", "expected a file", 1}};
    struct ll_engine *eng;
    struct ll_model *m;
    struct ll_err err = {0};
    (void)state;
    assert_int_equal(ll_engine_init(&eng, 1, &err), LL_OK);
    assert_int_equal(ll_model_open(&m, MODELS "llama3_gqa", &err), LL_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ll_intervene iv = {0};
        struct ll_err e = {0};
        int rc = ll_intervene_parse(&iv, bad[i].spec, &e);
        if (bad[i].needs_model && !rc)
            rc = ll_intervene_ready(&iv, m, eng, NULL, &e);
        if (rc != LL_EUSAGE || !strstr(e.msg, bad[i].want))
            fail_msg("\"%s\": code %d, \"%s\", expected \"%s\"", bad[i].spec, rc, e.msg, bad[i].want);
        ll_intervene_free(&iv);
    }
    struct ll_intervene iv = {0};
    assert_int_equal(ll_intervene_parse(&iv, "zero:attn_out@pos=-8", &err), LL_OK);
    assert_int_equal(ll_intervene_ready(&iv, m, eng, NULL, &err), LL_OK);
    assert_int_equal(ll_intervene_fits(&iv, 8, &err), LL_OK);
    assert_int_equal(ll_intervene_fits(&iv, 7, &err), LL_EUSAGE);
    ll_intervene_free(&iv);
    ll_model_close(m);
    ll_engine_free(eng);
}

/* Texts made of pieces in random order: never a crash, never anything but done or refused. */
static void random_texts(void **state)
{
    static const char *const pieces[] = {"zero:",
                                         "mean:",
                                         "patch:",
                                         "steer:",
                                         "skip:",
                                         "swap:",
                                         "blocks.0.hook_attn_out",
                                         "blocks.1.attn.hook_z",
                                         "resid_post",
                                         "[2]",
                                         "[",
                                         "]",
                                         "@pos=",
                                         "@",
                                         "-1",
                                         "3",
                                         ",",
                                         "=",
                                         "*2.5",
                                         "*",
                                         "diff:",
                                         "|",
                                         "999999999999",
                                         "ids:1,2",
                                         "\xff",
                                         ".bin",
                                         ".safetensors",
                                         "%s",
                                         " "};
    unsigned seed = 316;
    struct ll_intervene iv = {0};
    int good = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct ll_buf text = {0};
        struct ll_err err = {0};
        seed = seed * 1664525u + 1013904223u;
        for (unsigned k = 0, n = seed >> 29; k <= n; k++) {
            seed = seed * 1664525u + 1013904223u;
            ll_buf_adds(&text, pieces[(seed >> 8) % (sizeof pieces / sizeof *pieces)]);
        }
        int rc = ll_intervene_parse(&iv, ll_buf_str(&text), &err);
        assert_true(rc == LL_OK || rc == LL_EUSAGE);
        good += rc == LL_OK;
        ll_buf_free(&text);
    }
    assert_true(good > 10);
    assert_int_equal(iv.n, good);
    ll_intervene_free(&iv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_torch),     cmocka_unit_test(identities),
                                       cmocka_unit_test(in_a_sweep),        cmocka_unit_test(from_files),
                                       cmocka_unit_test(pushed_by_nothing), cmocka_unit_test(refused),
                                       cmocka_unit_test(random_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
