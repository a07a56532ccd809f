/* test_ckpt.c - checkpoints as they should be: one file, shards, identity, sizes, the oracle's. */
#define _GNU_SOURCE
#include "unit/ckpt/made_ckpt.h"
#include "stats.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void one_file(void **state)
{
    (void)state;
    puts_to("one/config.json", "{\"n\": 1}");
    weights("one/model.safetensors",
            "{\"__metadata__\":{\"format\":\"pt\"}," T("b", "BF16", "[2,3]", 4,
                                                       16) "," T("a", "F32", "[]", 0,
                                                                 4) "," T("e", "F16", "[0,7]", 4, 4) "}   ",
            16);
    char slashed[600];
    snprintf(slashed, sizeof slashed, "%s//", at("one"));
    const char *const names[] = {at("one"), slashed, at("one/model.safetensors")};
    for (int i = 0; i < 3; i++) {
        struct ll_ckpt *c = opened(names[i]);
        assert_string_equal(c->clean, "one");
        assert_string_equal(c->model_id, "one");
        assert_string_equal(c->dir, at("one"));
        assert_string_equal(c->container, "safetensors");
        assert_int_equal(ll_settings_int(c->settings, "n", 0), 1);
        assert_int_equal(c->n_files, 1);
        assert_string_equal(c->files[0].name, "model.safetensors");
        assert_string_equal(c->files[0].path, at("one/model.safetensors"));
        assert_int_equal(c->n_tensors, 3);
        assert_string_equal(c->tensors[0].name, "a");
        assert_string_equal(c->tensors[2].name, "e");
        const struct ll_tensor *b = ll_ckpt_find(c, "b"), *e = ll_ckpt_find(c, "e");
        assert_int_equal(b->dtype, LL_BF16);
        assert_int_equal(b->n_dims, 2);
        assert_true(b->dims[0] == 2 && b->dims[1] == 3 && b->dims[2] == 0);
        assert_int_equal(b->size, 12);
        assert_int_equal(b->data[0], 5);
        assert_ptr_equal(b->data, c->files[0].map.data + c->files[0].header_size + 4);
        assert_int_equal(e->size, 0);
        assert_true(ll_tensor_nonfinite(e) == -1);
        assert_int_equal(ll_ckpt_find(c, "a")->n_dims, 0);
        assert_null(ll_ckpt_find(c, "A"));
        ll_ckpt_will_need(c, b);
        ll_ckpt_dont_need(c, b);
        assert_int_equal(b->data[11], 16);
        ll_ckpt_close(c);
    }
    ll_ckpt_close(NULL);
}

static void names_from_paths(void **state)
{
    (void)state;
    char here[512];
    assert_non_null(getcwd(here, sizeof here));
    puts_to("one/config.json", "{}");
    weights("one/other.safetensors", "{}", 0);
    weights("one/model.safetensors", "{}", 0);
    struct ll_ckpt *c = opened(at("one/other.safetensors"));
    assert_string_equal(c->clean, "other");
    assert_int_equal(c->n_tensors, 0);
    assert_null(ll_ckpt_find(c, "x"));
    ll_ckpt_close(c);
    assert_int_equal(chdir(at("one")), 0);
    c = opened(".");
    assert_string_equal(c->clean, "one");
    ll_ckpt_close(c);
    c = opened("model.safetensors");
    assert_string_equal(c->clean, "one");
    ll_ckpt_close(c);
    assert_int_equal(chdir(here), 0);
}

static void the_only_file(void **state)
{
    (void)state;
    puts_to("only/config.json", "{}");
    weights("only/consolidated.safetensors", "{" T("x", "U8", "[4]", 0, 4) "}", 4);
    struct ll_ckpt *c = opened(at("only"));
    assert_string_equal(c->clean, "only");
    assert_string_equal(c->files[0].name, "consolidated.safetensors");
    ll_ckpt_close(c);
    weights("only/second.safetensors", "{}", 0);
    refused(at("only"), LL_EUSAGE, "only: 2 .safetensors files", "consolidated.safetensors", NULL);
}

static void shards(void **state)
{
    (void)state;
    puts_to("sh/config.json", "{}");
    weights("sh/model-00001-of-00002.safetensors",
            "{" T("b", "F32", "[1]", 0, 4) "," T("more", "U8", "[1]", 4, 5) "}", 5);
    weights("sh/model-00002-of-00002.safetensors", "{" T("a", "F32", "[1]", 0, 4) "}", 4);
    put_index("sh",
              "{\"a\": \"model-00002-of-00002.safetensors\", \"b\": \"model-00001-of-00002.safetensors\"}");
    const char *const names[] = {at("sh"), at("sh/model.safetensors.index.json")};
    for (int i = 0; i < 2; i++) {
        struct ll_ckpt *c = opened(names[i]);
        assert_string_equal(c->clean, "sh");
        assert_int_equal(c->n_files, 2);
        assert_int_equal(c->n_tensors, 3); /* one more than the index names */
        assert_string_equal(c->files[ll_ckpt_find(c, "a")->file].name, "model-00002-of-00002.safetensors");
        assert_int_equal(ll_ckpt_find(c, "b")->file, 0);
        ll_ckpt_close(c);
    }
}

static void identity(void **state)
{
    (void)state;
    char first[65], other[65];
    struct ll_err e = {0};
    const char *ab = "{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 4, 8) "}";
    const char *ba = "{" T("b", "F32", "[1]", 4, 8) "," T("a", "F32", "[1]", 0, 4) ",\"__metadata__\":{}}";
    puts_to("id/config.json", "{}");
    puts_to("id/tokenizer.json", "{\"t\": 1}");
    weights("id/model.safetensors", ab, 8);
    struct ll_ckpt *c = opened(at("id"));
    assert_int_equal(ll_ckpt_identity(c, first, &e), LL_OK);
    assert_int_equal(strlen(first), 64);
    ll_ckpt_close(c);
    const struct {
        const char *file, *text, *header;
        size_t n;
        int same;
    } rows[] = {
        /* what is changed; does identity stay? */
        {NULL, NULL, ba, 8, 1},
        {"id/config.json", "{ }", ab, 8, 0},
        {"id/config.json", "{}", ab, 8, 1},
        {"id/tokenizer.json", "{\"t\": 2}", ab, 8, 0},
        {"id/tokenizer.json", "{\"t\": 1}", "{" T("a", "F32", "[1]", 4, 8) "," T("b", "F32", "[1]", 0, 4) "}",
         8, 0}, /* values */
        {NULL, NULL, "{" T("a", "F32", "[1]", 0, 4) "," T("c", "F32", "[1]", 4, 8) "}", 8, 0},
        {NULL, NULL, "{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1,1]", 4, 8) "}", 8, 0},
        {NULL, NULL, "{" T("a", "F32", "[1]", 0, 4) "," T("b", "I32", "[1]", 4, 8) "}", 8, 0},
        {NULL, NULL, ab, 8, 1},
        {"id/tokenizer_config.json", "{}", ab, 8, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].file)
            puts_to(rows[i].file, rows[i].text);
        weights("id/model.safetensors", rows[i].header, rows[i].n);
        c = opened(at("id"));
        assert_int_equal(ll_ckpt_identity(c, other, &e), LL_OK);
        if ((strcmp(first, other) == 0) != rows[i].same)
            fail_msg("row %zu: identity %s", i, rows[i].same ? "changed" : "stayed");
        ll_ckpt_close(c);
    }
}

static void identity_of_shards(void **state)
{
    (void)state;
    char one[65], two[65];
    struct ll_err e = {0};
    puts_to("i1/config.json", "{}");
    weights("i1/model.safetensors", "{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 2, 4) "}", 4);
    puts_to("i2/config.json", "{}");
    weights("i2/x.safetensors", "{" T("a", "U8", "[2]", 0, 2) "}", 2);
    put_weights("i2/y.safetensors", "{" T("b", "U8", "[2]", 0, 2) "}",
                strlen("{" T("b", "U8", "[2]", 0, 2) "}"), 0);
    char file[512]; /* y holds bytes 3, 4: the same values as in one file */
    snprintf(file, sizeof file, "%s", at("i2/y.safetensors"));
    FILE *f = fopen(file, "ab");
    assert_non_null(f);
    fputc(3, f), fputc(4, f);
    fclose(f);
    put_index("i2", "{\"a\": \"x.safetensors\", \"b\": \"y.safetensors\"}");
    struct ll_ckpt *c = opened(at("i1")), *d = opened(at("i2"));
    assert_int_equal(ll_ckpt_identity(c, one, &e), LL_OK);
    assert_int_equal(ll_ckpt_identity(d, two, &e), LL_OK);
    assert_string_equal(one, two);
    ll_ckpt_close(c);
    ll_ckpt_close(d);
}

static void thirty_thousand_tensors(void **state)
{
    (void)state;
    struct ll_buf b = {0};
    ll_buf_adds(&b, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (int i = 0; i < 30000; i++)
        ll_buf_addf(&b,
                    ",\"model.layers.%d.mlp.experts.%d.down_proj.weight\":{\"dtype\":\"BF16\",\"shape\":[2,3]"
                    ",\"data_offsets\":[%d,%d]}",
                    i / 512, i % 512, i * 12, i * 12 + 12);
    ll_buf_adds(&b, "}");
    puts_to("many/config.json", "{}");
    put_weights("many/model.safetensors", b.s, b.len, 30000 * 12);
    ll_buf_free(&b);
    double best = 1e9, id = 1e9;
    for (int i = 0; i < 3; i++) {
        char hex[65];
        struct ll_err e = {0};
        double t = ll_now_s();
        struct ll_ckpt *c = opened(at("many"));
        t = ll_now_s() - t;
        best = t < best ? t : best;
        assert_int_equal(c->n_tensors, 30000);
        assert_non_null(ll_ckpt_find(c, "model.layers.58.mlp.experts.303.down_proj.weight"));
        t = ll_now_s();
        assert_int_equal(ll_ckpt_identity(c, hex, &e), LL_OK);
        id = ll_now_s() - t < id ? ll_now_s() - t : id;
        ll_ckpt_close(c);
    }
    print_message("30000 tensors: open %.1f ms, identity %.1f ms\n", best * 1e3, id * 1e3);
}

static void oracle_models(void **state)
{
    (void)state;
    const char *dir = LL_SHARED_DIR "/oracle/models";
    DIR *d = opendir(dir);
    int n = 0;
    if (!d)
        skip();
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        char *path = ll_path_join(dir, e->d_name), *ref_path = ll_path_join(path, "reference.safetensors");
        struct ll_ckpt *c = opened(path), *ref = opened(ref_path);
        long long layers =
            ll_settings_int(c->settings, "num_hidden_layers", ll_settings_int(c->settings, "n_layer", 0));
        const struct ll_tensor *h = ll_ckpt_find(ref, "len17.hidden");
        assert_non_null(h);
        assert_int_equal(h->dtype, LL_F32);
        assert_int_equal(h->n_dims, 3);
        assert_true(layers >= 3 && h->dims[0] == layers + 1 && h->dims[1] == 17);
        assert_string_equal(c->clean, e->d_name);
        for (int i = 0; i < c->n_tensors; i++) /* stored causal masks of GPT-2 and Pythia may hold anything */
            assert_true(ll_tensor_nonfinite(&c->tensors[i]) == -1);
        ll_ckpt_close(c);
        ll_ckpt_close(ref);
        free(ref_path);
        free(path);
        n++;
    }
    closedir(d);
    assert_int_equal(n, 30);
}

/* First values of a tensor as Python's safetensors and torch read them (float16 and bfloat16 to float32). */
static void oracle_values(void **state)
{
    (void)state;
    const struct {
        const char *model, *tensor;
        long long d0, d1;
        double v[4];
    } rows[] = {
        {"llama31_rope",
         "model.layers.2.mlp.down_proj.weight",
         64,
         80,
         {-0.1376953125, -0.0206298828125, -0.01123046875, 0.04833984375}},
        {"llama_gqa_tied",
         "model.embed_tokens.weight",
         320,
         60,
         {0.0770263671875, -0.4091796875, -0.1715087890625, -0.298583984375}},
        {"gpt2",
         "wte.weight",
         320,
         48,
         {-0.432363361120224, -0.16969949007034302, 0.08968014270067215, -0.18031033873558044}},
        {"pythia",
         "gpt_neox.layers.0.attention.dense.weight",
         64,
         64,
         {0.1483154296875, -0.0687255859375, 0.0290679931640625, 0.0244598388671875}},
        {"mixtral",
         "model.layers.1.self_attn.q_proj.weight",
         48,
         48,
         {0.0137939453125, 0.044189453125, -0.032470703125, -0.36328125}},
    };
    if (!ll_is_dir(LL_SHARED_DIR "/oracle/models"))
        skip();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[512];
        float f[4];
        snprintf(path, sizeof path, "%s/oracle/models/%s", LL_SHARED_DIR, rows[i].model);
        struct ll_ckpt *c = opened(path);
        const struct ll_tensor *t = ll_ckpt_find(c, rows[i].tensor);
        assert_non_null(t);
        assert_true(t->dims[0] == rows[i].d0 && t->dims[1] == rows[i].d1);
        const struct ll_dtype_info *d = ll_dtype_info(t->dtype);
        d->to_f32(t->data + t->size - 4 * (size_t)d->block_bytes, f, 4); /* the last four */
        for (int k = 0; k < 4; k++)
            assert_true(f[k] == rows[i].v[k]);
        ll_ckpt_close(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_file),
        cmocka_unit_test(names_from_paths),
        cmocka_unit_test(the_only_file),
        cmocka_unit_test(shards),
        cmocka_unit_test(identity),
        cmocka_unit_test(identity_of_shards),
        cmocka_unit_test(thirty_thousand_tensors),
        cmocka_unit_test(oracle_models),
        cmocka_unit_test(oracle_values),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
