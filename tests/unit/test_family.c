/* test_family.c - configurations that a row does not cover are refused by name, and bad ones name the key or tensor.
 * Each case is a fixture's config.json with one text replaced beside the unchanged weights.
 * Caught: a switch silently ignored (ALiBi, bidirectional attention), another model inside a wrapper taken for the row's
 * own, expert and position counts believed before the tensors are looked at, layer facts read at the wrong index. */
#include "buf.h"
#include "config.h"
#include "map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs some of the headers above */
#include <cmocka.h>

static char work[] = "/tmp/ll-family-XXXXXX";

/* A model folder whose config.json has `from` replaced by `to`; from NULL: all of it is `to`. Returns its path. */
static const char *folder_with(const char *fixture, const char *from, const char *to)
{
    static char weights[512], link_to[512], config[512];
    struct ll_buf text = {0}, out = {0};
    struct ll_err err = {0};
    snprintf(config, sizeof config, LL_SOURCE_DIR "/tests/fixtures/models/%s/config.json", fixture);
    snprintf(weights, sizeof weights, LL_SOURCE_DIR "/tests/fixtures/models/%s/model.safetensors", fixture);
    snprintf(link_to, sizeof link_to, "%s/model.safetensors", work);
    assert_int_equal(ll_file_read(config, 1 << 20, &text, &err), LL_OK);
    const char *all = ll_buf_str(&text), *at = from ? strstr(all, from) : all;
    if (!at)
        fail_msg("%s: config.json has no %s", fixture, from);
    ll_buf_add(&out, all, (size_t)(at - all));
    ll_buf_adds(&out, to);
    if (from)
        ll_buf_adds(&out, at + strlen(from));
    snprintf(config, sizeof config, "%s/config.json", work);
    FILE *f = fopen(config, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(out.s, 1, out.len, f), out.len);
    assert_int_equal(fclose(f), 0);
    unlink(link_to);
    assert_int_equal(symlink(weights, link_to), 0);
    ll_buf_free(&text);
    ll_buf_free(&out);
    return work;
}

static void refusals(void **state)
{
    static const struct { const char *fixture, *from, *to; int code; const char *says; } cases[] = {
        {"falcon_groups", "\"alibi\": false", "\"alibi\": true", LL_EUNSUP, "alibi: true is not supported in family falcon"},
        {"stablelm_parallel", "\"qk_layernorm\": false", "\"qk_layernorm\": true", LL_EUNSUP, "qk_layernorm"},
        {"gemma3_wrapped", "\"model_type\": \"gemma3_text\"", "\"model_type\": \"llama\"", LL_EUNSUP, "text_config.model_type \"llama\""},
        {"gemma3_wrapped", "\"vocab_size\": 64", "\"vocab_size\": 65", LL_EUSAGE, "language_model.model.embed_tokens.weight"},
        {"qwen2_moe", "\"num_experts\": 5", "\"num_experts\": 6", LL_EUSAGE, "model.layers.0.mlp.gate.weight: expected shape [6, 24]"},
        {"qwen2_moe", "\"num_experts_per_tok\": 3", "\"num_experts_per_tok\": 7", LL_EUSAGE, "num_experts_per_tok"},
        {"qwen2_moe", "\"mlp_only_layers\": [\n  1\n ]", "\"mlp_only_layers\": []", LL_EUSAGE, "model.layers.1.mlp.gate.weight is missing"},
        {"gpt_neo", "\"max_position_embeddings\": 40", "\"max_position_embeddings\": 41", LL_EUSAGE, "transformer.wpe.weight"},
        {"gpt_neo", "\"activation_function\": \"gelu_new\"", "\"activation_function\": \"mish\"", LL_EUNSUP, "mish"},
        {"falcon_groups", "\"num_kv_heads\": 2", "\"num_kv_heads\": 4", LL_EUSAGE, "divisor"},
        {"neox_sequential", "\"partial_rotary_factor\": 0.5", "\"partial_rotary_factor\": 1.5", LL_EUSAGE, "partial_rotary_factor"},
        {"neox_sequential", "\"partial_rotary_factor\": 0.5", "\"partial_rotary_factor\": 0.4", LL_EUSAGE, "even"},
        {"neox_sequential", "\"rope_type\": \"default\"", "\"rope_type\": \"longrope\", \"original_max_position_embeddings\": 8, \"long_factor\": [1], \"short_factor\": [1, 2]", LL_EUSAGE, "long_factor"},
        {"neox_sequential", "\"rope_type\": \"default\"", "\"rope_type\": \"dynamic\"", LL_EUNSUP, "dynamic"},
        {"cohere2", "\"model_type\": \"cohere2\"", "\"model_type\": \"nobody\"", LL_EUNSUP, "known: llama"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ll_model *m = NULL;
        struct ll_err err = {0};
        int rc = ll_model_open(&m, folder_with(cases[i].fixture, cases[i].from, cases[i].to), &err);
        if (rc != cases[i].code || !strstr(err.msg, cases[i].says))
            fail_msg("%s with %s: code %d, \"%s\"; expected %d, \"...%s...\"", cases[i].fixture, cases[i].to, rc, err.msg, cases[i].code, cases[i].says);
        assert_null(m);
    }
}

/* Facts of single layers, in both spellings. */
static void layer_facts(void **state)
{
    struct ll_model *m;
    struct ll_err err = {0};
    (void)state;
    static const char *const neo[] = {"\"attention_types\": [[[\"global\", \"local\"], 2]]", "\"attention_layers\": [\"global\", \"local\", \"global\", \"local\"]"};
    const char *rest = "\"hidden_size\": 24, \"intermediate_size\": 48, \"layer_norm_epsilon\": 1e-4, \"max_position_embeddings\": 40, \"model_type\": \"gpt_neo\","
                       "\"num_heads\": 3, \"num_layers\": 4, \"vocab_size\": 64, \"window_size\": 6";
    for (int i = 0; i < 2; i++) {
        char config[1024];
        snprintf(config, sizeof config, "{%s, %s}", neo[i], rest);
        assert_int_equal(ll_model_open(&m, folder_with("gpt_neo", NULL, config), &err), LL_OK);
        for (int l = 0; l < 4; l++) {
            assert_int_equal(m->layers[l].window, l % 2 ? 6 : 0);
            assert_null(m->layers[l].rope);
        }
        assert_true(m->attn_scale == 1.0f && m->n_positions == 40 && m->act == LL_ACT_GELU_TANH);
        ll_model_close(m);
    }
    assert_int_equal(ll_model_open(&m, LL_SOURCE_DIR "/tests/fixtures/models/gemma3_wrapped", &err), LL_OK);
    for (int l = 0; l < 3; l++) { /* two local layers, then a global one with linear scaling */
        assert_ptr_equal(m->layers[l].rope, l < 2 ? &m->rope_local : &m->rope);
        assert_int_equal(m->layers[l].window, l < 2 ? 6 : 0);
    }
    assert_string_equal(m->rope.kind, "linear");
    assert_string_equal(m->rope_local.kind, "default");
    ll_model_close(m);
    assert_int_equal(ll_model_open(&m, LL_SOURCE_DIR "/tests/fixtures/models/cohere2", &err), LL_OK);
    for (int l = 0; l < 4; l++)
        assert_true((m->layers[l].rope != NULL) == (l < 3) && m->layers[l].parallel && !m->layers[l].ln2.w);
    assert_string_equal(ll_norm_kind_name(m), "LayerNorm without bias");
    ll_model_close(m);
}

static int make_work(void **state)
{
    (void)state;
    return mkdtemp(work) ? 0 : -1;
}
static int remove_work(void **state)
{
    char path[512];
    (void)state;
    snprintf(path, sizeof path, "%s/config.json", work);
    unlink(path);
    snprintf(path, sizeof path, "%s/model.safetensors", work);
    unlink(path);
    return rmdir(work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refusals), cmocka_unit_test(layer_facts)};
    return cmocka_run_group_tests(tests, make_work, remove_work);
}
