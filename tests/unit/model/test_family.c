/* test_family.c - configurations that a row does not cover are refused by name, and bad ones name the key or
 * tensor. Each case is a fixture's config.json with one text replaced beside the unchanged weights. Also: a
 * value of another type is never taken for an absent one, nor null for a default. Caught: a switch silently
 * ignored (ALiBi, bidirectional attention), another model inside a wrapper taken for the row's own, expert
 * and position counts believed before the tensors are looked at, layer facts read at the wrong index. */
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

/* A model folder whose config.json has `from` replaced by `to`; from NULL: all of it is `to`. Returns its
 * path. */
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
    static const struct {
        const char *fixture, *from, *to;
        int code;
        const char *says;
    } cases[] = {
        {"falcon_groups", "\"alibi\": false", "\"alibi\": true", LL_EUNSUP,
         "alibi: true is not supported in family falcon"},
        {"stablelm_parallel", "\"qk_layernorm\": false", "\"qk_layernorm\": true", LL_EUNSUP, "qk_layernorm"},
        {"gemma3_wrapped", "\"model_type\": \"gemma3_text\"", "\"model_type\": \"llama\"", LL_EUNSUP,
         "text_config.model_type \"llama\""},
        {"gemma3_wrapped", "\"vocab_size\": 64", "\"vocab_size\": 65", LL_EUSAGE,
         "language_model.model.embed_tokens.weight"},
        {"qwen2_moe", "\"num_experts\": 5", "\"num_experts\": 6", LL_EUSAGE,
         "model.layers.0.mlp.gate.weight: expected shape [6, 24]"},
        {"qwen2_moe", "\"num_experts_per_tok\": 3", "\"num_experts_per_tok\": 7", LL_EUSAGE,
         "num_experts_per_tok"},
        {"qwen2_moe", "\"mlp_only_layers\": [\n  1\n ]", "\"mlp_only_layers\": []", LL_EUSAGE,
         "model.layers.1.mlp.gate.weight is missing"},
        {"gpt_neo", "\"max_position_embeddings\": 40", "\"max_position_embeddings\": 41", LL_EUSAGE,
         "transformer.wpe.weight"},
        {"gpt_neo", "\"activation_function\": \"gelu_new\"", "\"activation_function\": \"mish\"", LL_EUNSUP,
         "mish"},
        {"falcon_groups", "\"num_kv_heads\": 2", "\"num_kv_heads\": 4", LL_EUSAGE, "divisor"},
        {"neox_sequential", "\"partial_rotary_factor\": 0.5", "\"partial_rotary_factor\": 1.5", LL_EUSAGE,
         "partial_rotary_factor"},
        {"neox_sequential", "\"partial_rotary_factor\": 0.5", "\"partial_rotary_factor\": 0.4", LL_EUSAGE,
         "even"},
        {"neox_sequential", "\"rope_type\": \"default\"",
         "\"rope_type\": \"longrope\", \"original_max_position_embeddings\": 8, \"long_factor\": [1], "
         "\"short_factor\": [1, 2]",
         LL_EUSAGE, "long_factor"},
        {"neox_sequential", "\"rope_type\": \"default\"", "\"rope_type\": \"proportional\"", LL_EUNSUP,
         "proportional"},
        {"neox_sequential", "\"rope_type\": \"default\"", "\"rope_type\": \"dynamic\"", LL_EUSAGE,
         "rope_parameters.factor: expected a number"},
        {"llama3_gqa", "\"head_dim\": ", "\"head_dim\": 1026, \"x\": ", LL_EUNSUP,
         "head_dim: heads of at most 1024 values are supported, found 1026"},
        {"cohere2", "\"layer_types\": [", "\"layer_types\": [\"full_attention\"], \"x\": [", LL_EUSAGE,
         "layer_types: expected one entry for each of 4 layers, found 1"},
        /* a list of kinds that does not fit the layers is refused by every family, be it of use to it or
         * not */
        {"llama3_gqa", "\"model_type\"", "\"layer_types\": [\"full_attention\"], \"model_type\"", LL_EUSAGE,
         "layer_types: expected one entry for each of 2 layers, found 1"},
        {"gpt_neo", "\"model_type\"", "\"layer_types\": [], \"model_type\"", LL_EUSAGE,
         "layer_types: expected one entry for each of 4 layers, found 0"},
        {"gemma3_wrapped", "\"text_config\": {",
         "\"text_config\": {\"layer_types\": [\"sliding_attention\"],", LL_EUSAGE,
         "text_config.layer_types: expected one entry for each of 3 layers"},
        /* windows without a width, and of width 0 (a position would not see itself) */
        {"cohere2", "\"sliding_window\": 6", "\"sliding_window\": null", LL_EUSAGE,
         "sliding_window: expected a number, as layer_types.0 is sliding_attention, found null"},
        {"qwen2_tied", "\"sliding_window\": 6", "\"sliding_window\": null", LL_EUSAGE,
         "sliding_window: expected a number, as layer_types.1 is sliding_attention"},
        {"cohere2", "\"sliding_window\": 6", "\"sliding_window\": 0", LL_EUSAGE,
         "sliding_window: expected a positive number, as layer 0 has a window, found 0"},
        {"mistral_head_dim", "\"sliding_window\": 6", "\"sliding_window\": 0", LL_EUSAGE,
         "sliding_window: expected a positive number"},
        {"gpt_neo", "\"window_size\": 6", "\"window_size\": 0", LL_EUSAGE,
         "window_size: expected a positive number, as layer 1 has a window"},
        /* the length of the first training, written down as null, where a scaled rotation asks for it */
        {"llama3_gqa", "\"model_type\"", "\"original_max_position_embeddings\": null, \"model_type\"",
         LL_EUSAGE, "original_max_position_embeddings: expected a number, found null"},
        {"gemma3_wrapped", "\"text_config\": {", "\"text_config\": {\"partial_rotary_factor\": 0.5,",
         LL_EUNSUP, "partial_rotary_factor: 0.5 together with rope scaling \"linear\""},
        {"gemma3_wrapped", "\"text_config\": {", "\"text_config\": {\"rope_local_base_freq\": null,",
         LL_EUSAGE, "rope_local_base_freq: expected a number, found null"},
        {"phi_parallel", "\"partial_rotary_factor\": 0.5", "\"partial_rotary_factor\": null", LL_EUSAGE,
         "partial_rotary_factor: expected a number, found null"},
        {"gemma3_wrapped", "\"text_config\": {", "\"text_config\": null, \"x\": {", LL_EUSAGE,
         "text_config: expected an object"},
        {"cohere2", "\"model_type\": \"cohere2\"", "\"model_type\": \"nobody\"", LL_EUNSUP, "known: llama"},
        /* a value of another type is no absent one */
        {"cohere2", "\"model_type\": \"cohere2\"", "\"model_type\": 2", LL_EUSAGE,
         "model_type: expected a text, found 2"},
        {"cohere2", "\"rope_theta\": 10000.0", "\"rope_theta\": \"10000\"", LL_EUSAGE,
         "rope_parameters.rope_theta: expected a number in 1..1e+12, found \"10000\""},
        {"cohere2", "\"rope_theta\": 10000.0", "\"rope_theta\": 1e13", LL_EUSAGE,
         "rope_parameters.rope_theta"},
        {"cohere2", "\"rope_type\": \"default\"", "\"rope_type\": 1", LL_EUSAGE,
         "rope_parameters.rope_type: expected a text, found 1"},
        {"cohere2", "\"rope_parameters\": {", "\"rope_parameters\": [1], \"x\": {", LL_EUSAGE,
         "rope_parameters: expected an object {...}, found an array"},
        {"cohere2", "\"rope_parameters\": {", "\"rope_scaling\": \"yarn\", \"rope_parameters\": {", LL_EUSAGE,
         "rope_scaling: expected an object {...}, found \"yarn\""},
        {"cohere2", "\"sliding_window\": 6", "\"sliding_window\": \"6\"", LL_EUSAGE,
         "sliding_window: expected an integer in 0..2147483647, found \"6\""},
        {"cohere2", "\"sliding_window\": 6", "\"sliding_window\": 4294967302", LL_EUSAGE,
         "sliding_window: expected an integer"},
        {"cohere2", "\"sliding_attention\"", "\"chunked_attention\"", LL_EUNSUP,
         "layer_types.0: \"chunked_attention\" is not supported"},
        {"cohere2", "\"sliding_attention\"", "3", LL_EUSAGE, "layer_types.0: expected a text, found 3"},
        {"cohere2", "\"model_type\"", "\"attention_bias\": 0, \"model_type\"", LL_EUSAGE,
         "attention_bias: expected true or false, found 0"},
        {"../../../experiments/demo_models/demo-llama",
         "\"mlp_bias\": ", "\"mlp_bias\": \"no\", \"x\": ", LL_EUSAGE, "mlp_bias: expected true or false"},
        {"cohere2", "\"tie_word_embeddings\": ", "\"tie_word_embeddings\": 1, \"x\": ", LL_EUSAGE,
         "tie_word_embeddings: expected true or false, found 1"},
        {"cohere2", "\"hidden_act\": ", "\"hidden_act\": 7, \"x\": ", LL_EUSAGE,
         "hidden_act: expected a text, found 7"},
        {"cohere2", "\"max_position_embeddings\": ", "\"max_position_embeddings\": \"40\", \"x\": ",
         LL_EUSAGE, "max_position_embeddings: expected an integer"},
        {"qwen2_moe", "\"use_sliding_window\": false", "\"use_sliding_window\": \"false\"", LL_EUSAGE,
         "use_sliding_window: expected true or false, found \"false\""},
        {"qwen2_moe", "\"mlp_only_layers\": [\n  1\n ]", "\"mlp_only_layers\": [\"1\"]", LL_EUSAGE,
         "mlp_only_layers.0: expected an integer"},
        {"falcon_groups", "\"alibi\": false", "\"alibi\": \"true\"", LL_EUSAGE,
         "alibi: expected true or false, found \"true\""},
        {"falcon_groups", "\"new_decoder_architecture\": true", "\"new_decoder_architecture\": 1", LL_EUSAGE,
         "new_decoder_architecture: expected true or false"},
        {"gemma3_wrapped", "\"text_config\": {", "\"text_config\": 1, \"x\": {", LL_EUSAGE,
         "text_config: expected an object {...}, found 1"},
        {"gemma3_wrapped", "\"text_config\": {", "\"tie_word_embeddings\": \"yes\", \"text_config\": {",
         LL_EUSAGE, "tie_word_embeddings: expected true or false"},
        {"gemma3_wrapped", "\"query_pre_attn_scalar\": 10", "\"query_pre_attn_scalar\": [10]", LL_EUSAGE,
         "query_pre_attn_scalar: expected a number"},
        {"gpt_neo", "\"model_type\"", "\"attention_types\": [[\"global\", 2]], \"x\": 0, \"model_type\"",
         LL_EUSAGE, "attention_types"},
        {"../../../experiments/demo_models/demo-gemma2", "\"attn_logit_softcapping\": 50.0",
         "\"attn_logit_softcapping\": \"50\"", LL_EUSAGE, "attn_logit_softcapping: expected a number"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ll_model *m = NULL;
        struct ll_err err = {0};
        int rc = ll_model_open(&m, folder_with(cases[i].fixture, cases[i].from, cases[i].to), &err);
        if (rc != cases[i].code || !strstr(err.msg, cases[i].says))
            fail_msg("%s with %s: code %d, \"%s\"; expected %d, \"...%s...\"", cases[i].fixture, cases[i].to,
                     rc, err.msg, cases[i].code, cases[i].says);
        assert_null(m);
    }
}

/* Facts of single layers, in both spellings. */
static void layer_facts(void **state)
{
    struct ll_model *m;
    struct ll_err err = {0};
    (void)state;
    static const char *const neo[] = {"\"attention_types\": [[[\"global\", \"local\"], 2]]",
                                      "\"attention_layers\": [\"global\", \"local\", \"global\", \"local\"]"};
    const char *rest = "\"hidden_size\": 24, \"intermediate_size\": 48, \"layer_norm_epsilon\": 1e-4, "
                       "\"max_position_embeddings\": 40, \"model_type\": \"gpt_neo\","
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
        assert_ptr_equal(m->layers[l].rope, l < 2 ? &m->ropes[LL_ROPE_LOCAL] : &m->ropes[LL_ROPE_MAIN]);
        assert_int_equal(m->layers[l].window, l < 2 ? 6 : 0);
    }
    assert_string_equal(m->ropes[LL_ROPE_MAIN].kind, "linear");
    assert_string_equal(m->ropes[LL_ROPE_LOCAL].kind, "default");
    ll_model_close(m);
    assert_int_equal(ll_model_open(&m, LL_SOURCE_DIR "/tests/fixtures/models/cohere2", &err), LL_OK);
    for (int l = 0; l < 4; l++)
        assert_true((m->layers[l].rope != NULL) == (l < 3) && m->layers[l].parallel && !m->layers[l].ln2.w);
    assert_string_equal(ll_norm_kind_name(m), "LayerNorm without bias");
    ll_model_close(m);
}

/* Gemma 2: what config.json leaves out is as in transformers' Gemma2Config; null is another matter than
 * absent. */
static void caps(void **state)
{
    static const char demo[] = "../../../experiments/demo_models/demo-gemma2";
    static const struct {
        const char *from, *to;
        float attn, logit;
    } cases[] = {
        {"\"attn_logit_softcapping\": 50.0", "\"attn_logit_softcapping\": 20", 20, 30},
        {"\"attn_logit_softcapping\": 50.0", "\"x\": 0", 50, 30},
        {"\"final_logit_softcapping\": 30.0", "\"x\": 0", 50, 30},
        {"\"attn_logit_softcapping\": 50.0", "\"attn_logit_softcapping\": null", 0, 30},
        {"\"final_logit_softcapping\": 30.0", "\"final_logit_softcapping\": null", 50, 0},
    };
    struct ll_model *m;
    struct ll_err err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ll_model_open(&m, folder_with(demo, cases[i].from, cases[i].to), &err), LL_OK);
        if (m->attn_cap != cases[i].attn || m->logit_cap != cases[i].logit)
            fail_msg("%s: caps %g and %g, expected %g and %g", cases[i].to, (double)m->attn_cap,
                     (double)m->logit_cap, (double)cases[i].attn, (double)cases[i].logit);
        ll_model_close(m);
    }
    for (int i = 0; i < 2; i++) { /* the window: 4096 when absent, none when null */
        assert_int_equal(ll_model_open(&m,
                                       folder_with(demo, "\"sliding_window\": 32",
                                                   i ? "\"sliding_window\": null" : "\"x\": 0"),
                                       &err),
                         LL_OK);
        assert_int_equal(m->layers[0].window, i ? 0 : 4096);
        assert_int_equal(m->layers[1].window, 0);
        ll_model_close(m);
    }
}

/* Two names of one setting with different values: which counts in transformers 5.24 (attribute_map sets the
 * one that the class maps, whatever the order in the file), and null where nothing asks for the value. */
static void two_names(void **state)
{
    static const struct {
        const char *config;
        int experts, d_model, layers, heads;
    } cases[] = {
        {"\"model_type\": \"mixtral\", \"num_local_experts\": 4, \"num_experts\": 2", 2, 4096, 32, 32},
        {"\"model_type\": \"mixtral\", \"num_experts\": 2, \"num_local_experts\": 4", 2, 4096, 32, 32},
        {"\"model_type\": \"qwen3_moe\", \"num_local_experts\": 2, \"num_experts\": 4, "
         "\"num_experts_per_tok\": 1",
         2, 2048, 24, 32},
        {"\"model_type\": \"qwen3_moe\", \"num_experts\": 4, \"num_local_experts\": 2, "
         "\"num_experts_per_tok\": 1",
         2, 2048, 24, 32},
        {"\"model_type\": \"qwen2_moe\", \"num_local_experts\": 2, \"num_experts\": 4, "
         "\"num_experts_per_tok\": 1",
         4, 2048, 24, 16},
        {"\"model_type\": \"falcon\", \"hidden_size\": 142, \"n_embed\": 284, \"n_head\": 2, \"n_layer\": 2",
         0, 284, 32, 71},
        {"\"model_type\": \"gpt2\", \"n_embd\": 24, \"hidden_size\": 48, \"n_layer\": 4, "
         "\"num_hidden_layers\": 2, \"n_head\": 4, \"num_attention_heads\": 2",
         0, 48, 2, 2},
        {"\"model_type\": \"llama\", \"original_max_position_embeddings\": null", 0, 4096, 32, 32},
        {"\"model_type\": \"llama\", \"rope_theta\": null, \"rope_parameters\": {\"rope_type\": \"default\", "
         "\"rope_theta\": 77}",
         0, 4096, 32, 32},
        {"\"model_type\": \"phi\", \"partial_rotary_factor\": null, \"rope_parameters\": "
         "{\"partial_rotary_factor\": 0.25}",
         0, 2048, 24, 32},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char config[400];
        struct ll_model *m;
        struct ll_err err = {0};
        snprintf(config, sizeof config, "{%s}", cases[i].config);
        if (ll_model_open_settings(&m, folder_with("cohere2", NULL, config), &err))
            fail_msg("%s: %s", config, err.msg);
        if (m->n_experts != cases[i].experts || m->d_model != cases[i].d_model
            || m->n_layers != cases[i].layers || m->n_heads != cases[i].heads)
            fail_msg("%s: found %d experts, width %d, %d layers, %d heads", config, m->n_experts, m->d_model,
                     m->n_layers, m->n_heads);
        ll_model_close(m);
    }
}

/* Values asked for by type and range: another type or range is refused and leaves the old value; so does
 * absent or null for the opt_ functions, which is fine there. */
static void optional_settings(void **state)
{
    static const char text[] =
        "{\"i\": 3, \"x\": 0.5, \"b\": true, \"s\": \"t\", \"z\": null, \"o\": {}, \"inf\": 1e999}";
    struct ll_settings *s;
    struct ll_err err = {0};
    long long i = 7;
    double x = 7;
    int b = 7;
    const char *str = "7";
    (void)state;
    assert_int_equal(ll_settings_parse(&s, "doc", text, sizeof text - 1, &err), LL_OK);
    static const char *const keeps[] = {"nowhere", "z", NULL};
    for (int k = 0; k < 3; k++) {
        assert_int_equal(ll_settings_opt_bool(s, keeps[k], &b, &err), LL_OK);
        assert_int_equal(ll_settings_opt_str(s, keeps[k], &str, &err), LL_OK);
        assert_int_equal(ll_settings_opt_object(s, keeps[k], &err), LL_OK);
    }
    assert_true(i == 7 && x == 7 && b == 7 && !strcmp(str, "7"));
    assert_true(ll_settings_is_null(s, "z") && !ll_settings_is_null(s, "nowhere")
                && !ll_settings_is_null(s, "i"));
    assert_int_equal(ll_settings_need_int(s, "i", 4, 9, &i, &err), LL_EUSAGE);
    assert_string_equal(err.msg, "doc: i: expected an integer in 4..9, found 3");
    err = (struct ll_err){0}; /* it keeps the first message */
    assert_int_equal(ll_settings_need_num(s, "s", 0, 9, &x, &err), LL_EUSAGE);
    assert_string_equal(err.msg, "doc: s: expected a number in 0..9, found \"t\"");
    assert_int_equal(ll_settings_need_num(s, "inf", 0, 9, &x, &err), LL_EUSAGE);
    err = (struct ll_err){0}; /* it keeps the first message */
    assert_int_equal(ll_settings_opt_bool(s, "i", &b, &err), LL_EUSAGE);
    assert_string_equal(err.msg, "doc: i: expected true or false, found 3");
    assert_int_equal(ll_settings_opt_str(s, "b", &str, &err), LL_EUSAGE);
    assert_int_equal(ll_settings_opt_object(s, "s", &err), LL_EUSAGE);
    assert_true(i == 7 && x == 7 && b == 7 && !strcmp(str, "7"));
    assert_int_equal(ll_settings_need_int(s, "i", 0, 9, &i, &err), LL_OK);
    assert_int_equal(ll_settings_need_num(s, "x", 0, 9, &x, &err), LL_OK);
    assert_int_equal(ll_settings_opt_bool(s, "b", &b, &err), LL_OK);
    assert_int_equal(ll_settings_opt_str(s, "s", &str, &err), LL_OK);
    assert_true(i == 3 && x == 0.5 && b == 1 && !strcmp(str, "t"));
    ll_settings_free(s);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(refusals), cmocka_unit_test(layer_facts),
                                       cmocka_unit_test(caps), cmocka_unit_test(two_names),
                                       cmocka_unit_test(optional_settings)};
    return cmocka_run_group_tests(tests, make_work, remove_work);
}
