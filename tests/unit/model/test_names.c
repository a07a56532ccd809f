/* test_names.c - tensors under other names than the family's: bodies saved without their root, wrappers in
 * front and inside. Every fixture is written anew under each spelling; each role must find the same bytes as
 * in the original. transformers reads the spellings of a body without its root the same way
 * (base_model_prefix); ../shared/cases has one with its figures. Caught: a head looked for below the body
 * only, a spelling guessed tensor by tensor (two models mixed), a wrapper's part that is the beginning of
 * another word, names of one layer wrapped and not of the others. */
#include "buf.h"
#include "names.h"
#include "safetensors.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka needs some of the headers above */
#include <cmocka.h>

#define MODELS LL_SOURCE_DIR "/tests/fixtures/models"
static char work[] = "/tmp/ll-names-XXXXXX";

typedef void spelling(const char *name, struct ll_buf *out);

static const char *after(const char *name, const char *before)
{
    return strncmp(name, before, strlen(before)) ? NULL : name + strlen(before);
}

static void without_root(const char *name, struct ll_buf *out)
{
    static const char *const roots[] = {"language_model.model.",
                                        "model.language_model.",
                                        "language_model.",
                                        "model.",
                                        "transformer.",
                                        "gpt_neox.",
                                        NULL};
    const char *rest = NULL;
    for (int i = 0; roots[i] && !rest; i++)
        rest = after(name, roots[i]);
    ll_buf_adds(out, rest ? rest : name);
}

static void twice_model(const char *name, struct ll_buf *out) { ll_buf_addf(out, "model.%s", name); }
static void compiled(const char *name, struct ll_buf *out) { ll_buf_addf(out, "_orig_mod.%s", name); }
static void data_parallel(const char *name, struct ll_buf *out) { ll_buf_addf(out, "module.%s", name); }
static void peft(const char *name, struct ll_buf *out) { ll_buf_addf(out, "base_model.model.%s", name); }
static void unknown_wrapper(const char *name, struct ll_buf *out)
{
    ll_buf_addf(out, "policy.net_7.%s", name);
}

/* Only the first layer's, and inside: ".0." */
static void inside_one_layer(const char *name, struct ll_buf *out)
{
    const char *at = strstr(name, ".0.");
    if (at)
        ll_buf_addf(out, "%.*s.0._fsdp_wrapped_module._orig_mod.%s", (int)(at - name), name, at + 3);
    else
        ll_buf_adds(out, name);
}

/* As PEFT saves a model whose linear layers it has wrapped. */
static void base_layers(const char *name, struct ll_buf *out)
{
    const char *last = strrchr(name, '.');
    ll_buf_addf(out, "base_model.model.%.*s%s%s", (int)(last - name), name,
                strstr(name, "q_proj") || strstr(name, "c_attn") || strstr(name, "qkv") ? ".base_layer" : "",
                last);
}

static const struct {
    const char *what;
    spelling *spell;
} spellings[] = {
    {"without its root", without_root},
    {"model.model.", twice_model},
    {"_orig_mod.", compiled},
    {"module.", data_parallel},
    {"base_model.model.", peft},
    {"a wrapper nobody knows", unknown_wrapper},
    {"wrapped inside one layer", inside_one_layer},
    {".base_layer.", base_layers},
};

static void write_all(const char *path, const void *a, size_t n_a, const void *b, size_t n_b)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fwrite(a, 1, n_a, f) == n_a && fwrite(b, 1, n_b, f) == n_b);
    assert_int_equal(fclose(f), 0);
}

static const char *in_work(const char *name)
{
    static char path[2][512];
    static int turn;
    char *p = path[turn++ % 2];
    snprintf(p, 512, "%s/%s", work, name);
    return p;
}

/* The fixture with every name spelled anew, and `extra` members of the header (an empty tensor each), into
 * the folder `work`. */
static void respell(const char *fixture, spelling *spell, const char *extra)
{
    char path[512];
    struct ll_map map;
    struct ll_st_header h;
    struct ll_err err = {0};
    struct ll_buf head = {0}, config = {0};
    snprintf(path, sizeof path, MODELS "/%s/model.safetensors", fixture);
    assert_int_equal(ll_map_open(&map, path, &err), LL_OK);
    assert_int_equal(ll_st_parse(&h, fixture, map.data, map.size, &err), LL_OK);
    ll_buf_add(&head, "\0\0\0\0\0\0\0\0{", 9);
    for (int i = 0; i < h.n_tensors; i++) {
        const struct ll_tensor *t = &h.tensors[i];
        long long at = (long long)(t->data - (map.data + h.size));
        ll_buf_addf(&head, "%s\"", i ? "," : "");
        if (spell)
            spell(t->name, &head);
        else
            ll_buf_adds(&head, t->name);
        ll_buf_addf(&head, "\":{\"dtype\":\"%s\",\"shape\":[", ll_tensor_type(t));
        for (int k = 0; k < t->n_dims; k++)
            ll_buf_addf(&head, "%s%lld", k ? "," : "", (long long)t->dims[k]);
        ll_buf_addf(&head, "],\"data_offsets\":[%lld,%lld]}", at, at + (long long)t->size);
    }
    ll_buf_addf(&head, "%s}", extra);
    for (int i = 0; i < 8; i++)
        head.s[i] = (char)((head.len - 8) >> 8 * i);
    write_all(in_work("model.safetensors"), head.s, head.len, map.data + h.size, map.size - h.size);
    snprintf(path, sizeof path, MODELS "/%s/config.json", fixture);
    assert_int_equal(ll_file_read(path, 1 << 20, &config, &err), LL_OK);
    write_all(in_work("config.json"), config.s, config.len, "", 0);
    ll_buf_free(&head);
    ll_buf_free(&config);
    ll_st_free(&h);
    ll_map_close(&map);
}

static int same(const struct ll_tensor *a, const struct ll_tensor *b)
{
    return (!a && !b) || (a && b && a->size == b->size && !memcmp(a->data, b->data, a->size));
}

static void check_model(const char *fixture, const char *what)
{
    char path[512], name[LL_NAME_BYTES];
    struct ll_model *a, *b;
    struct ll_err err = {0};
    snprintf(path, sizeof path, MODELS "/%s", fixture);
    if (ll_model_open(&a, path, &err))
        fail_msg("%s", err.msg);
    if (ll_model_open(&b, work, &err))
        fail_msg("%s, %s: %s", fixture, what, err.msg);
    for (int r = 0; r < LL_N_ROLES; r++)
        for (int l = 0; l < a->n_layers; l++)
            for (int e = 0; e < (a->n_experts ? a->n_experts : 1); e++)
                if (!same(ll_role_tensor(a, (enum ll_role)r, l, e), ll_role_tensor(b, (enum ll_role)r, l, e)))
                    fail_msg("%s, %s: role %d, layer %d, expert %d: another tensor", fixture, what, r, l, e);
    assert_true(a->n_params == b->n_params);
    for (int i = 0; i < b->ckpt->n_tensors; i++) {
        const char *rest = "";
        int layer = ll_name_layer(b, b->ckpt->tensors[i].name, &rest);
        if (b->layer_of[i] >= 0 && b->layer_of[i] < b->n_layers
            && (layer != b->layer_of[i] || !strstr(b->ckpt->tensors[i].name, rest)))
            fail_msg("%s, %s: %s: layer %d, expected %d (%s)", fixture, what, b->ckpt->tensors[i].name, layer,
                     b->layer_of[i], rest);
    }
    assert_true(ll_role_name(b, LL_R_W_E, 0, 0, name));
    ll_model_close(a);
    ll_model_close(b);
}

static void every_fixture_under_every_name(void **state)
{
    (void)state;
    DIR *d = opendir(MODELS);
    int n = 0;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++, n++) {
            respell(e->d_name, spellings[i].spell, "");
            check_model(e->d_name, spellings[i].what);
        }
    }
    closedir(d);
    assert_true(n > 100);
}

/* A tied head without the embedding, which serves as both, is found wherever the body stands. */
static void as_head(const char *name, struct ll_buf *out)
{
    static const char emb[] = "language_model.model.embed_tokens.weight";
    const char *rest = after(name, "language_model.");
    ll_buf_adds(out, strcmp(name, emb) ? name : rest ? "language_model.lm_head.weight" : "lm_head.weight");
}
static void as_module_head(const char *name, struct ll_buf *out)
{
    ll_buf_adds(out, "module.");
    ll_buf_adds(out, strcmp(name, "model.embed_tokens.weight") ? name : "lm_head.weight");
}

static void head_alone(void **state)
{
    static const struct {
        const char *fixture;
        spelling *spell;
    } cases[] = {{"gemma3_wrapped", as_head}, {"qwen2_tied", as_module_head}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ll_model *m;
        struct ll_err err = {0};
        respell(cases[i].fixture, cases[i].spell, "");
        if (ll_model_open(&m, work, &err))
            fail_msg("%s: %s", cases[i].fixture, err.msg);
        assert_true(m->tied && strstr(m->W_E->name, "lm_head.weight") && !m->ckpt->n_notes);
        ll_model_close(m);
    }
}

static void refused(const char *say1, const char *say2)
{
    struct ll_model *m;
    struct ll_err err = {0};
    int rc = ll_model_open(&m, work, &err);
    assert_int_equal(rc, LL_EUSAGE);
    if (!strstr(err.msg, say1) || !strstr(err.msg, say2))
        fail_msg("expected \"%s\" and \"%s\" in: %s", say1, say2, err.msg);
}

#define EMPTY(name) ",\"" name "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}"

static void never_two_models(void **state)
{
    (void)state;
    /* the family's own names count, whatever else is there */
    respell("llama3_gqa", NULL,
            EMPTY("ema.model.embed_tokens.weight") EMPTY("ema.model.layers.0.x") EMPTY("embed_tokens.weight")
                EMPTY("layers.0.input_layernorm.weight"));
    check_model("llama3_gqa", "beside another");
    respell("llama3_gqa", peft, EMPTY("ema.model.embed_tokens.weight") EMPTY("ema.model.layers.0.x"));
    refused("expected one model, found the tensors of several", "ema.model.");
    respell("llama3_gqa", base_layers, EMPTY("base_model.model.model.layers.0.self_attn.q_proj.weight"));
    refused("expected one of that name without wrappers, found both", "q_proj.base_layer.weight");
    respell("llama3_gqa", peft,
            EMPTY("base_model.model.model.layers.0.my_orig_mod.x")
                EMPTY("base_model.model.model.layers.0.x")); /* no wrapper */
    check_model("llama3_gqa", "another word");
}

static void renamed(const char *name, struct ll_buf *out)
{
    const char *rest = after(name, "model.embed_tokens.");
    ll_buf_addf(out, "%s%s", rest ? "tok_embeddings." : "", rest ? rest : name);
}

static void headless(const char *name, struct ll_buf *out)
{
    ll_buf_adds(out, strcmp(name, "lm_head.weight") ? name : "score.weight");
}

static void what_is_there_is_shown(void **state)
{
    (void)state;
    respell("llama3_gqa", renamed, "");
    refused("tensor model.embed_tokens.weight is missing; there are ", "tensors, such as ");
    respell("granite_scales", renamed, "");
    refused("tensor model.embed_tokens.weight is missing", "such as ");
    respell("cohere_qk_norm", NULL, "");
    respell("phi_parallel", headless, "");
    refused("tensor lm_head.weight is missing; tie_word_embeddings is not true", "a body without its head");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_fixture_under_every_name),
                                       cmocka_unit_test(never_two_models), cmocka_unit_test(head_alone),
                                       cmocka_unit_test(what_is_there_is_shown)};
    if (!mkdtemp(work))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(in_work("model.safetensors"));
    unlink(in_work("config.json"));
    rmdir(work);
    return rc;
}
