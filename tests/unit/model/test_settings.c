/* test_settings.c - what a config.json means, family by family, against transformers
 * (tests/fixtures/settings/make.py).
 *
 * Every family with each of its keys absent or null, with each key of every other family present, with old
 * and new spellings of its rotation, its windows and its activation: the last row's logits for one prompt,
 * over weights that follow from their names. What transformers refuses may be refused or computed here; what
 * it computes is computed here, or refused by a name in `lacking`. Caught: a key read by a family that does
 * not know it, another family's default, one spelling taken for the other. */
#include "config.h"
#include "settings_text.h"
#include "forward.h"
#include "map.h"
#include "names.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs some of the headers above */
#include <cmocka.h>

static const char cases_file[] = LL_SOURCE_DIR "/tests/fixtures/settings/cases.json";
enum { MAX_TOKENS = 32, KEPT = 4, MAX_ELEMENTS = 8192 };
/* The values are stored with five digits, and both sides compute in float32. */
static const double tolerance = 1e-3;
/* Cases that transformers computes and we refuse, by parts of their names. "types, unused": layers listed as
 * sliding while windows are switched off; one family then masks every position there, the others fail. */
static const char *const lacking[] = {"proportional", "nested",      "types, unused", " mish",
                                      " gelu_10",     " sigmoid",    " tanh",         " linear",
                                      " hardswish",   " leaky_relu", " relu6",        NULL};

static char work[] = "/tmp/ll-settings-XXXXXX";
static struct ll_settings *doc;
static struct ll_engine *engine;
static int ids[MAX_TOKENS], n_ids;

/* ---- weights --------------------------------------------------------------------------------- */

/* As weights() of make.py has them, to the bit. */
static void fill(const char *name, int is_vector, float *out, size_t n)
{
    uint32_t seed = 2166136261u;
    size_t len = strlen(name);
    for (const char *c = name; *c; c++)
        seed = (seed ^ (uint8_t)*c) * 16777619u;
    int is_matrix = !is_vector && !strstr(name, "norm"),
        is_gain = len > 6 && !strcmp(name + len - 6, "weight");
    for (size_t i = 0; i < n; i++) {
        uint32_t x = (uint32_t)i * 0x9E3779B1u + seed;
        x = (x ^ x >> 16) * 0x85EBCA6Bu;
        x = (x ^ x >> 13) * 0xC2B2AE35u;
        x ^= x >> 16;
        float u = (float)(x >> 8) * 0x1p-23f - 1.0f;
        out[i] = is_matrix ? u * 0.5f : is_gain ? 0.75f + u * 0.25f : u * 0.25f;
    }
}

static const char *path(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *path(const char *fmt, ...)
{
    static char ring[8][300];
    static int at;
    va_list args;
    at = (at + 1) % 8;
    va_start(args, fmt);
    vsnprintf(ring[at], sizeof ring[at], fmt, args);
    va_end(args);
    return ring[at];
}

static void write_file(const char *name, const void *data, size_t n)
{
    FILE *f = fopen(path("%s/%s", work, name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* model.safetensors of a family's tensors, those named `without` left out, and `twin` holding what `of`
 * does. */
static void write_weights(const char *at, const char *without, const char *twin, const char *of)
{
    struct ll_buf head = {0}, data = {0};
    float *values = malloc(sizeof *values * MAX_ELEMENTS);
    int n = ll_settings_len(doc, path("%s.tensors", at));
    assert_non_null(values);
    ll_buf_addc(&head, '{');
    for (int i = 0; i < n; i++) {
        const char *t = path("%s.tensors.%d", at, i), *name = ll_settings_str(doc, path("%s.0", t), "");
        int n_dims = ll_settings_len(doc, t) - 1;
        size_t elements = 1;
        if (without && !strcmp(name, without))
            continue;
        ll_buf_addf(&head, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", head.len > 1 ? "," : "", name);
        for (int k = 1; k <= n_dims; k++) {
            long long d = ll_settings_int(doc, path("%s.%d", t, k), 0);
            ll_buf_addf(&head, "%s%lld", k > 1 ? "," : "", d);
            elements *= (size_t)d;
        }
        assert_true(elements <= MAX_ELEMENTS);
        ll_buf_addf(&head, "],\"data_offsets\":[%zu,%zu]}", data.len, data.len + 4 * elements);
        fill(twin && !strcmp(name, twin) ? of : name, n_dims < 2, values, elements);
        ll_buf_add(&data, values, 4 * elements);
    }
    ll_buf_addc(&head, '}');
    struct ll_buf all = {0};
    uint64_t len = head.len;
    ll_buf_add(&all, &len, 8);
    ll_buf_add(&all, head.s, head.len);
    ll_buf_add(&all, data.s, data.len);
    write_file("model.safetensors", all.s, all.len);
    ll_buf_free(&all);
    ll_buf_free(&head);
    ll_buf_free(&data);
    free(values);
}

/* ---- configurations -------------------------------------------------------------------------- */

static void put_member(struct ll_buf *out, const char *key, const char *at)
{
    char *json = settings_text(doc, at);
    ll_buf_addf(out, "%s\"%s\": %s", out->len > 1 ? ", " : "", key, json ? json : "null");
    free(json);
}

static int listed(const char *list, const char *key)
{
    for (int i = 0; i < ll_settings_len(doc, list); i++)
        if (!strcmp(ll_settings_str(doc, path("%s.%d", list, i), ""), key))
            return 1;
    return 0;
}

/* config.json of a family, the members of `set` in place of its own, those of the list `gone` left out;
 * null_key: that is null. */
static void write_config(const char *at, const char *set, const char *gone, const char *null_key)
{
    struct ll_buf out = {0};
    char base[64];
    const char *key;
    snprintf(base, sizeof base, "%s.config", at);
    ll_buf_addc(&out, '{');
    for (int i = 0; (key = ll_settings_key(doc, base, i)); i++) {
        int replaced = set
            && (ll_settings_has(doc, path("%s.%s", set, key))
                || ll_settings_is_null(doc, path("%s.%s", set, key)));
        if (!replaced && !(gone && listed(gone, key)) && !(null_key && !strcmp(key, null_key)))
            put_member(&out, key, path("%s.%s", base, key));
    }
    for (int i = 0; set && (key = ll_settings_key(doc, set, i)); i++)
        put_member(&out, key, path("%s.%s", set, key));
    if (null_key)
        ll_buf_addf(&out, ", \"%s\": null", null_key);
    ll_buf_addc(&out, '}');
    write_file("config.json", out.s, out.len);
    ll_buf_free(&out);
}

struct got {
    float v[KEPT];
};

static int keep(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    (void)err;
    memcpy(((struct got *)arg)->v, v->data + (size_t)(v->n_rows - 1) * (size_t)v->stride, sizeof(struct got));
    return LL_OK;
}

/* The last row's first logits of the folder. */
static int compute(struct got *got, struct ll_err *err)
{
    struct ll_model *m;
    struct ll_pass pass;
    int start[2] = {0, n_ids}, rc = ll_model_open(&m, work, err);
    if (rc)
        return rc;
    struct ll_listener l[] = {{LL_HOOK_BIT(LL_HOOK_LOGITS), keep, got}};
    struct ll_batch b = {1, start, ids};
    rc = ll_pass_init(&pass, &(struct ll_pass_plan){m, n_ids, n_ids, l, 1}, engine, err);
    if (!rc) {
        rc = ll_forward(&pass, &b, 0, m->n_layers, err);
        ll_pass_free(&pass);
    }
    ll_model_close(m);
    return rc;
}

static int may_lack(const char *name)
{
    for (const char *const *l = lacking; *l; l++)
        if (strstr(name, *l))
            return 1;
    return 0;
}

/* A case's name without what is said of the removed keys, and whether it is "KEY null". */
static const char *set_of(const char *name, char key[100])
{
    static const char at_top[] = ", none at top", null[] = " null";
    char stem[100];
    size_t n = strlen(name), tail = sizeof at_top - 1;
    snprintf(stem, sizeof stem, "%.*s", (int)(n > tail && !strcmp(name + n - tail, at_top) ? n - tail : n),
             name);
    *key = 0;
    const char *set = path("sets.%s", stem);
    if (ll_settings_len(doc, set) > 0)
        return set;
    n = strlen(stem);
    tail = sizeof null - 1;
    if (n > tail && !strcmp(stem + n - tail, null))
        snprintf(key, 100, "%.*s", (int)(n - tail), stem);
    return NULL;
}

/* One case; returns what is wrong, 0 or 1. */
static int run_case(const char *at, const char *family, int i, int *refused, int *lenient)
{
    char c[60], gone[64], list[64], own[64], key[100], set[300] = "";
    struct ll_err err = {0};
    struct got got = {{0}};
    snprintf(c, sizeof c, "%s.cases.%d", at, i);
    snprintf(gone, sizeof gone, "%s.1", c);
    snprintf(list, sizeof list, "%s.2", c);
    snprintf(own, sizeof own, "%s.logits", at);
    const char *name = ll_settings_str(doc, path("%s.0", c), "?");
    const char *found = set_of(name, key);
    if (found)
        snprintf(set, sizeof set, "%s", found);
    write_config(at, *set ? set : NULL, gone, *key ? key : NULL);
    int known = !ll_settings_is_null(doc, list), rc = compute(&got, &err);
    if (!known) {
        *lenient += rc == LL_OK;
        if (!rc && getenv("LL_SHOW"))
            fprintf(stderr, "%s, %s: computed, though transformers refuses it\n", family, name);
        return 0;
    }
    if (rc && may_lack(name)) {
        *refused += 1;
        return rc != LL_EUNSUP && rc != LL_EUSAGE;
    }
    if (rc) {
        fprintf(stderr, "%s, %s: refused: %s\n", family, name, err.msg);
        return 1;
    }
    const char *from = ll_settings_len(doc, list) < 0 ? own : list;
    for (int k = 0; k < KEPT; k++) {
        double want = ll_settings_num(doc, path("%s.%d", from, k), NAN), is = (double)got.v[k];
        if (!(fabs(is - want) <= tolerance * fmax(1, fabs(want)))) {
            fprintf(stderr, "%s, %s: logit %d: expected %.5g%s, found %.5g\n", family, name, k, want,
                    from == own ? " (as without it)" : "", is);
            return 1;
        }
    }
    return 0;
}

static void against_transformers(void **state)
{
    int wrong = 0, all = 0, refused = 0, lenient = 0;
    (void)state;
    for (int f = 0; f < ll_settings_len(doc, "families"); f++) {
        char at[40], family[40];
        snprintf(at, sizeof at, "families.%d", f);
        snprintf(family, sizeof family, "%s", ll_settings_str(doc, path("%s.family", at), "?"));
        write_weights(at, NULL, NULL, NULL);
        int n = ll_settings_len(doc, path("%s.cases", at));
        assert_true(n > 50);
        for (int i = 0; i < n; i++, all++)
            wrong += run_case(at, family, i, &refused, &lenient);
    }
    printf("%d configurations: %d wrong; %d that transformers computes are refused by name, %d that it "
           "refuses are computed\n",
           all, wrong, refused, lenient);
    assert_int_equal(wrong, 0);
    assert_true(all > 1000);
}

/* What an otherwise empty config.json means. */
static void defaults(void **state)
{
    (void)state;
    for (int f = 0; f < ll_settings_len(doc, "families"); f++) {
        char at[40];
        struct ll_model *m;
        struct ll_err err = {0};
        snprintf(at, sizeof at, "families.%d", f);
        const char *type = ll_settings_str(doc, path("%s.family", at), "?");
        write_weights(at, "lm_head.weight", NULL, NULL); /* a stored one would settle whether it is tied */
        const char *text = path("{\"model_type\": \"%s\"}", type);
        write_file("config.json", text, strlen(text));
        if (ll_model_open_settings(&m, work, &err))
            fail_msg("%s: %s", type, err.msg);
        const struct {
            const char *name;
            double is;
        } facts[] = {{"d_vocab", m->d_vocab},
                     {"d_model", m->d_model},
                     {"d_mlp", m->d_mlp},
                     {"n_layers", m->n_layers},
                     {"n_heads", m->n_heads},
                     {"n_kv_heads", m->n_kv_heads},
                     {"d_head", m->d_head},
                     {"n_ctx", (double)m->n_ctx},
                     {"norm_eps", m->norm_eps},
                     {"tied", m->tied},
                     {"n_experts", m->n_experts},
                     {"top_k", m->top_k},
                     {"d_expert", m->d_expert},
                     {"d_shared", m->d_shared},
                     {"theta", m->ropes[LL_ROPE_MAIN].theta},
                     {"theta_local", m->ropes[LL_ROPE_LOCAL].theta}};
        for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
            double want = ll_settings_num(doc, path("%s.defaults.%s", at, facts[i].name), NAN);
            if (facts[i].is != want)
                fail_msg("%s: %s: expected %g, found %g", type, facts[i].name, want, facts[i].is);
        }
        ll_model_close(m);
    }
}

/* tie_word_embeddings true: another stored head counts and is told, an equal one is the embedding's, a head
 * alone serves as both. */
static void stored_heads(void **state)
{
    static const char at[] = "families.0", head[] = "lm_head.weight", emb[] = "model.embed_tokens.weight";
    static const struct {
        const char *without, *twin, *of;
        int tied, notes;
    } cases[] = {{NULL, NULL, NULL, 0, 1},
                 {NULL, head, emb, 1, 0},
                 {head, NULL, NULL, 1, 0},
                 {emb, head, emb, 1, 0}};
    struct got all[4] = {0};
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct ll_err err = {0};
        struct ll_model *m;
        write_weights(at, cases[i].without, cases[i].twin, cases[i].of);
        write_config(at, NULL, NULL, NULL);
        struct ll_buf text = {0};
        assert_int_equal(ll_file_read(path("%s/config.json", work), 1 << 16, &text, &err), LL_OK);
        char *tie = strstr(text.s, "\"tie_word_embeddings\": false");
        assert_non_null(tie);
        memcpy(tie, "\"tie_word_embeddings\": true ", strlen("\"tie_word_embeddings\": true "));
        write_file("config.json", text.s, text.len);
        ll_buf_free(&text);
        assert_int_equal(ll_model_open(&m, work, &err), LL_OK);
        assert_int_equal(m->tied, cases[i].tied);
        assert_int_equal(m->ckpt->n_notes, cases[i].notes);
        if (cases[i].notes)
            assert_non_null(strstr(m->ckpt->notes[0], "lm_head.weight is stored and differs"));
        ll_model_close(m);
        assert_int_equal(compute(&all[i], &err), LL_OK);
    }
    for (int k = 0; k < KEPT; k++) /* the same as untied, which is what transformers does with it */
        assert_true(fabs((double)all[0].v[k] - ll_settings_num(doc, path("%s.logits.%d", at, k), NAN))
                    < tolerance * 4);
    assert_memory_equal(&all[1], &all[2], sizeof all[1]);
    assert_memory_equal(&all[1], &all[3], sizeof all[1]);
    assert_memory_not_equal(&all[0], &all[1], sizeof all[1]);
    struct ll_err err = {0}; /* untied, and no head: nothing to fall back on */
    write_weights(at, head, NULL, NULL);
    write_config(at, NULL, NULL, NULL);
    assert_int_equal(compute(&all[0], &err), LL_EUSAGE);
    assert_non_null(strstr(err.msg, "lm_head.weight is missing"));
}

static int open_cases(void **state)
{
    struct ll_err err = {0};
    (void)state;
    if (!mkdtemp(work) || ll_settings_read(&doc, cases_file, &err) || ll_engine_init(&engine, 1, &err))
        return -1;
    n_ids = ll_settings_len(doc, "tokens");
    for (int i = 0; i < n_ids && i < MAX_TOKENS; i++)
        ids[i] = (int)ll_settings_int(doc, path("tokens.%d", i), 0);
    return 0;
}

static int close_cases(void **state)
{
    (void)state;
    ll_engine_free(engine);
    ll_settings_free(doc);
    unlink(path("%s/config.json", work));
    unlink(path("%s/model.safetensors", work));
    return rmdir(work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(defaults), cmocka_unit_test(stored_heads),
                                       cmocka_unit_test(against_transformers)};
    return cmocka_run_group_tests(tests, open_cases, close_cases);
}
