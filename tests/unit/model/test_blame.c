/* test_blame.c - the tensor at fault is the one that the first operation to leave the finite numbers reads.
 * Every tensor of every family's fixture is given a NaN in turn; then two at once, of which one is reached
 * first or alone. Caught: the first bad tensor in file order named, a word's row that no prompt uses, an
 * expert nobody chose, a later layer. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

#include "unit/model/blame_sweep.h"

#include <dirent.h>

#define MODELS LL_SOURCE_DIR "/tests/fixtures/models"

static struct ll_engine *eng;

static int make_engine(void **state)
{
    struct ll_err err = {0};
    (void)state;
    return ll_engine_init(&eng, 2, &err);
}

static int drop_engine(void **state)
{
    (void)state;
    ll_engine_free(eng);
    return 0;
}

static struct ll_model *opened(const char *name)
{
    char path[512];
    struct ll_model *m = NULL;
    struct ll_err err = {0};
    snprintf(path, sizeof path, MODELS "/%s", name);
    if (ll_model_open(&m, path, &err))
        fail_msg("%s: %s", name, err.msg);
    return m;
}

static void every_tensor_of_every_family(void **state)
{
    (void)state;
    int n_models = 0, n_named = 0, n_unreached = 0;
    DIR *d = opendir(MODELS);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        struct ll_model *m = opened(e->d_name);
        struct sweep_counts n = blame_sweep(m, eng, e->d_name);
        n_models++;
        n_named += n.named;
        n_unreached += n.unreached;
        if (!m->tied) /* row 0 is of no word here; a tied head reads it all the same */
            assert_true(n.unreached >= 1);
        ll_model_close(m);
    }
    closedir(d);
    assert_true(n_models >= 20 && n_named > 300);
    print_message("%d models, %d tensors named, %d not reached\n", n_models, n_named, n_unreached);
}

static const struct ll_tensor *tensor(const struct ll_model *m, const char *name)
{
    const struct ll_tensor *t = ll_ckpt_find(m->ckpt, name);
    if (!t)
        fail_msg("no tensor %s", name);
    return t;
}

/* Two at once: the name of the one to blame, and where the first lies. */
static void two_tensors(void **state)
{
    (void)state;
    static const struct {
        const char *model, *first;
        int first_value;
        const char *second;
        int second_value;
        const char *blamed;
    } rows[] = {
        /* file order is by name: layer 1 before layer 0's later parts must not matter, nor what no word of
           the prompt reads */
        {"llama3_gqa", "model.layers.1.input_layernorm.weight", 0, "model.layers.0.self_attn.v_proj.weight",
         0, "model.layers.0.self_attn.v_proj.weight"},
        {"llama3_gqa", "model.layers.0.mlp.down_proj.weight", 0, "model.layers.0.self_attn.o_proj.weight", 0,
         "model.layers.0.self_attn.o_proj.weight"},
        {"llama3_gqa", "model.layers.0.mlp.down_proj.weight", 0, "model.layers.0.mlp.up_proj.weight", 3,
         "model.layers.0.mlp.up_proj.weight"},
        {"llama3_gqa", "model.embed_tokens.weight", 0, "model.layers.1.mlp.gate_proj.weight", 1,
         "model.layers.1.mlp.gate_proj.weight"},
        {"llama3_gqa", "model.norm.weight", 0, "model.layers.1.self_attn.q_proj.weight", 1,
         "model.layers.1.self_attn.q_proj.weight"},
        {"gpt2_conv1d", "h.0.mlp.c_fc.bias", 1, "h.0.attn.c_proj.bias", 0, "h.0.attn.c_proj.bias"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ll_model *m = opened(rows[i].model);
        const struct ll_tensor *blamed = tensor(m, rows[i].blamed);
        struct ll_pass pass;
        struct ll_err err = {0};
        make_writable(m->ckpt);
        assert_int_equal(ll_pass_init(&pass, &(struct ll_pass_plan){m, BLAME_IDS, BLAME_IDS, NULL, 0}, eng,
                                      &err),
                         LL_OK);
        struct poison a = poison(m, tensor(m, rows[i].first), (size_t)rows[i].first_value),
                      b = poison(m, tensor(m, rows[i].second), (size_t)rows[i].second_value);
        if (!run_pass(&pass, &err) || !names(&err, blamed))
            fail_msg("%s: NaN in %s and %s: %s", rows[i].model, rows[i].first, rows[i].second, err.msg);
        heal(&a);
        heal(&b);
        ll_pass_free(&pass);
        ll_model_close(m);
    }
}

/* Finite weights, too large a result: no tensor is named. */
static void overflow_names_no_tensor(void **state)
{
    (void)state;
    struct ll_model *m = opened("llama3_gqa");
    struct ll_pass pass;
    struct ll_err err = {0};
    struct ll_small *gain = NULL;
    for (int i = 0; i < m->n_small; i++)
        if (m->small[i].from == tensor(m, "model.layers.1.post_attention_layernorm.weight"))
            gain = &m->small[i];
    assert_non_null(gain);
    for (int i = 0; i < gain->n; i++)
        gain->v[i] = 1e38f;
    assert_int_equal(ll_pass_init(&pass, &(struct ll_pass_plan){m, BLAME_IDS, BLAME_IDS, NULL, 0}, eng, &err),
                     LL_OK);
    assert_int_equal(run_pass(&pass, &err), LL_EUSAGE);
    assert_null(strstr(err.msg, "tensor"));
    assert_non_null(strstr(err.msg, "layer 1"));
    assert_int_equal(pass.met_nonfinite, 2);
    ll_pass_free(&pass);
    ll_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_tensor_of_every_family),
                                       cmocka_unit_test(two_tensors),
                                       cmocka_unit_test(overflow_names_no_tensor)};
    return cmocka_run_group_tests(tests, make_engine, drop_engine);
}
