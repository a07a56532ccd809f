/* test_ref.c - activations from elsewhere: containers, archives, text; their names and places. */
#include "map.h"
#include "ref.h"
#include "ref_place.h"
#include "variant.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define REFS LL_SOURCE_DIR "/tests/fixtures/refs/"

static struct ll_buf file(const char *name)
{
    struct ll_buf b = {0};
    struct ll_err err = {0};
    char path[1024];
    snprintf(path, sizeof path, REFS "%s", name);
    if (ll_file_read(path, 1 << 20, &b, &err))
        fail_msg("%s", err.msg);
    return b;
}

static void refused(int rc, const struct ll_err *err, int code, const char *says)
{
    assert_int_equal(rc, code);
    if (!strstr(err->msg, says))
        fail_msg("expected \"%s\", found \"%s\"", says, err->msg);
}

/* Values alone: the size of the file and of the point tell the type; where two fit, the user must. */
static void values_alone(void **state)
{
    static const struct {
        const char *type;
        size_t bytes;
        int64_t width, rows;
        int one;
        const char *dtype, *says;
    } all[] = {
        {NULL, 48, 4, 3, 0, "float32", NULL},
        {NULL, 96, 4, 3, 0, "float64", NULL},
        {NULL, 24, 4, 3, 0, NULL, "24 bytes may be float16 or bfloat16: say which (--raw TYPE)"},
        {"bfloat16", 24, 4, 3, 0, "bfloat16", NULL},
        {"float16", 24, 4, 3, 0, "float16", NULL},
        {"float64", 48, 4, 3, 0, NULL, "found 48 bytes"},
        {NULL, 16, 4, 3, 1, "float32", NULL},
        {NULL, 16, 4, 3, 0, NULL, "one for each of 3 tokens, found 1 in float32 (--pos says whose)"},
        {NULL, 32, 4, 2, 1, NULL, "may be float32 or float64"},
        {NULL, 44, 4, 3, 0, NULL, "expected 4 + 4 * 12 bytes"},
    };
    static const uint8_t zeros[96];
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct ll_ref r = {0};
        struct ll_ref_array out = {0};
        struct ll_err err = {0};
        assert_int_equal(ll_ref_parse_bin(&r, "x.bin", "x", zeros, all[i].bytes, &err), LL_OK);
        assert_true(r.n == 1 && r.a[0].raw && !r.a[0].x);
        int rc = ll_ref_raw_read(&r.a[0], all[i].type, all[i].width, all[i].rows, all[i].one, &out, &err);
        if (all[i].says)
            refused(rc, &err, LL_EUSAGE, all[i].says);
        else {
            assert_int_equal(rc, LL_OK);
            assert_string_equal(out.dtype, all[i].dtype);
            free(out.x);
        }
        ll_ref_free(&r);
    }
}

static void bin_files(void **state)
{
    static const struct {
        uint8_t bytes[16];
        size_t n;
        const char *says;
    } bad[] = {{{1, 0, 0}, 3, "found 3 bytes"},
               {{0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0}, 12, "looks big-endian"},
               {{1, 0, 0, 0, 0, 0, 0, 0, 0},
                9,
                "= 8 bytes (a count and float32 values) or values alone, found 9"}};
    const uint8_t good[] = {2, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 192}; /* 1, -2 */
    struct ll_ref r = {0};
    struct ll_err err = {0};
    (void)state;
    assert_int_equal(ll_ref_parse_bin(&r, "x.bin", "x", good, sizeof good, &err), LL_OK);
    assert_true(r.n == 1 && r.a[0].n == 2 && r.a[0].x[0] == 1 && r.a[0].x[1] == -2);
    ll_ref_free(&r);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ll_err e = {0};
        refused(ll_ref_parse_bin(&r, "x.bin", "x", bad[i].bytes, bad[i].n, &e), &e, LL_EUSAGE, bad[i].says);
        assert_int_equal(r.n, 0);
        ll_ref_free(&r);
    }
}

static void npy_files(void **state)
{
    static const char *const good[] = {"f2.npy", "f4.npy", "f8.npy"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct ll_buf b = file(good[i]);
        struct ll_ref r = {0};
        struct ll_err err = {0};
        if (ll_ref_parse_npy(&r, good[i], "x", (const uint8_t *)b.s, b.len, &err))
            fail_msg("%s", err.msg);
        assert_true(r.n == 1 && r.a[0].n_dims == 2 && r.a[0].dims[0] == 2 && r.a[0].dims[1] == 3);
        assert_true(r.a[0].x[1] == -2.5f && r.a[0].x[4] == 65504.0f && r.a[0].x[5] > 5.9e-8f
                    && r.a[0].x[5] < 6.1e-8f); /* the least half: 5.96e-8 */
        ll_ref_free(&r);
        struct ll_err e = {0};
        refused(ll_ref_parse_npy(&r, good[i], "x", (const uint8_t *)b.s, b.len - 1, &e), &e, LL_EUSAGE,
                "bytes of values");
        ll_ref_free(&r);
        ll_buf_free(&b);
    }
    static const struct {
        const char *name, *says;
    } bad[] = {{"big.npy", "\">f4\""}, {"fortran.npy", "fortran_order"}};
    for (int i = 0; i < 2; i++) {
        struct ll_buf b = file(bad[i].name);
        struct ll_ref r = {0};
        struct ll_err e = {0};
        refused(ll_ref_parse_npy(&r, bad[i].name, "x", (const uint8_t *)b.s, b.len, &e), &e, LL_EUNSUP,
                bad[i].says);
        ll_ref_free(&r);
        ll_buf_free(&b);
    }
}

/* ---- archives: deflated members, what torch.save wrote ---- */

static struct ll_ref opened(const char *name)
{
    struct ll_ref r;
    struct ll_err err = {0};
    char path[512];
    snprintf(path, sizeof path, REFS "%s", name);
    if (ll_ref_open(&r, path, NULL, 0, &err))
        fail_msg("%s", err.msg);
    return r;
}

static const struct ll_ref_array *named(const struct ll_ref *r, const char *name)
{
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->a[i].name, name))
            return &r->a[i];
    fail_msg("no %s", name);
    return NULL;
}

/* Array `theirs` of one reference has the values of `ours` of another, bit for bit. */
static void same_values(const struct ll_ref *a, const char *ours, const struct ll_ref *b, const char *theirs,
                        const char *dtype)
{
    const struct ll_ref_array *x = named(a, ours), *y = named(b, theirs);
    assert_int_equal(x->n, y->n);
    assert_memory_equal(x->x, y->x, sizeof *x->x * (size_t)x->n);
    assert_string_equal(y->dtype, dtype);
}

static void archives(void **state)
{
    struct ll_ref stored = opened("people/llama3_gqa.hidden.float32.npz"), r;
    struct ll_ref half = opened("people/llama3_gqa.hidden.bfloat16.npz");
    char list[32], own[32];
    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(own, sizeof own, "hidden_states_%d", i);
        snprintf(list, sizeof list, "hidden_states.%d", i);
        static const struct {
            const char *file, *dtype;
            int half, joined;
        } of[] = {{"deflated/llama3_gqa.hidden.float32.npz", "float32", 0, 0},
                  {"torch/llama3_gqa.dict.float32.pt", "float32", 0, 1},
                  {"torch/llama3_gqa.dict.bfloat16.pt", "bfloat16", 1, 1},
                  {"torch/llama3_gqa.double.pth", "float64", 0, 0},
                  {"torch/llama3_gqa.nested.pt", "float32", 0, 1},
                  {"torch/llama3_gqa.views.pt", "float32", 0, 0},
                  {"torch/hidden_states.pt", "float32", 0, 1},
                  {"deflated/llama3_gqa.hidden.bfloat16.npz", "float32", 1, 0}};
        for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
            r = opened(of[k].file);
            same_values(of[k].half ? &half : &stored, own, &r, of[k].joined ? list : own, of[k].dtype);
            assert_true(
                r.n_seq == (k != 6)
                && (!r.n_seq || (r.seq->n == 6 && !memcmp(r.seq->v, stored.seq->v, sizeof(int) * 6))));
            ll_ref_free(&r);
        }
    }
    r = opened("torch/after_layer_0.pt"); /* one tensor: the file's name */
    same_values(&stored, "hidden_states_1", &r, "after_layer_0", "float32");
    ll_ref_free(&r);
    r = opened("torch/llama3_gqa.nested.pt");
    same_values(&stored, "hidden_states_1", &r, "resid_post.0", "float32");
    assert_string_equal(ll_buf_str(&r.passed),
                        "inputs.attention_mask: integers that are no token ids\nprompt: a text\nseed: a "
                        "number\nloss: a number\n"
                        "none: None\npast.0: nested deeper than one level\nwide: more than 8 dimensions\n");
    ll_ref_free(&r);
    ll_ref_free(&stored);
    ll_ref_free(&half);
}

static void broken_archives(void **state)
{
    static const struct {
        const char *file;
        int code;
        const char *says;
    } bad[] = {{"deflated.npz", LL_EUSAGE, "expected activations, found none"}, /* token ids only */
               {"deflated/bad_crc.npz", LL_EUSAGE, "hidden_states_1: expected the checksum"},
               {"deflated/bad_longer.npz", LL_EUSAGE, "hidden_states_1: expected deflated data of 708 bytes"},
               {"deflated/bad_shorter.npz", LL_EUSAGE,
                "hidden_states_1: expected deflated data of 700 bytes"},
               {"deflated/bad_packed.npz", LL_EUSAGE, "hidden_states_1: expected deflated data of 704 bytes"},
               {"deflated/bad_stream.npz", LL_EUSAGE, "hidden_states_1: expected deflated data of 704 bytes"},
               {"deflated/bad_ratio.npz", LL_EUSAGE,
                "expected at most 1032 times its 429 bytes, found 2147483647"},
               {"deflated/bad_method.npz", LL_EUNSUP, "compression method 12"},
               {"deflated/bad_bomb.npz", LL_EUSAGE, "hidden_states_0: expected at most 100000 values"},
               {"torch/bad_class.pt", LL_EUNSUP, "refused the name \"elsewhere.Own\""},
               {"torch/bad_parameter.pt", LL_EUNSUP, "refused the name \"torch._utils._rebuild_parameter\""},
               {"torch/bad_protocol4.pt", LL_EUNSUP, "found protocol 4"},
               {"../tuned/bad/legacy.pt", LL_EUNSUP, "torch before 1.6"},
               {"../tuned/bad/evil.pt", LL_EUNSUP, "posix.system"},
               {"torch/containers.pkl", LL_EUNSUP, "found a pickle alone"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ll_ref r;
        struct ll_err e = {0};
        char path[512];
        snprintf(path, sizeof path, REFS "%s", bad[i].file);
        refused(ll_ref_open(&r, path, NULL, 100000, &e), &e, bad[i].code, bad[i].says);
    }
    /* what is stored has a checksum as well; and what would not fit is not read */
    struct ll_buf b = file("people/llama3_gqa.hidden.float32.npz");
    struct ll_ref r = {.room = 6 * 96 * 4};
    struct ll_err e = {0};
    refused(ll_ref_parse_npz(&r, "x", (const uint8_t *)b.s, b.len, &e), &e, LL_EFIT, "would not fit");
    ll_ref_free(&r);
    b.s[1000] ^= 1;
    e = (struct ll_err){0};
    refused(ll_ref_parse_npz(&r, "x", (const uint8_t *)b.s, b.len, &e), &e, LL_EUSAGE,
            "expected the checksum");
    ll_ref_free(&r);
    ll_buf_free(&b);
}

static const char callback[] =
    "common_debug_cb_eval:   Vcur-0 (reshaped) = (f32)  RESHAPE(Vcur-0{4, 2, 1, 1}, }) = {2, 2, 2, 1}\n"
    "   [\n    [\n  [   1.0000,  -2.0000],\n [ 3.5000, nan],\n ],\n [ [0.1,-0.2], [0.3, 4e2] ],\n ]\n   sum "
    "= 402.7\n"
    "noise\n"
    "ggml_debug:   l_out-1 = (f32) ADD(a{8, 1, 1, 1}, b{8, 1, 1, 1}}) = {8, 1, 1, 1}\n [ [ [ 1.0, 2.0, 3.0, "
    "..., 6.0, 7.0, 8.0 ], ], ]\n sum = 36.0\n"
    "ggml_debug:   bare = (f32) ADD(a{8, 1, 1, 1}, b{8, 1, 1, 1}}) = {8, 1, 1, 1}\n";

static void callback_text(void **state)
{
    struct ll_ref r = {0};
    struct ll_err err = {0};
    (void)state;
    if (ll_ref_parse_text(&r, "log", (const uint8_t *)callback, strlen(callback), &err))
        fail_msg("%s", err.msg);
    assert_int_equal(r.n, 2);
    const struct ll_ref_array *v = &r.a[0], *l = &r.a[1];
    assert_true(!strcmp(v->name, "Vcur-0 (reshaped)") && !strcmp(v->op, "RESHAPE") && v->n_dims == 3
                && v->dims[2] == 2 && v->n == 8);
    assert_true(v->x[1] == -2 && isnan(v->x[3]) && v->x[7] == 400 && v->has_sum && v->sum == 402.7);
    assert_true(!strcmp(l->name, "l_out-1") && !strcmp(l->op, "ADD") && !l->x && l->n == 8 && l->sum == 36);
    ll_ref_free(&r);
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"nothing of the kind\n", "found none"},
        {"x: a = (f32) ADD(b) = {2, 1, 1, 1}\n[ 1.0, 2.0, 3.0 ]\nsum = 6\n", "expected 2 values, found more"},
        {"x: a = (f32) ADD(b) = {3, 1, 1, 1}\n[ 1.0, 2.0 ]\nsum = 3\n", "expected 3 values, found 2"},
        {"x: a = (f32) ADD(b) = {2, 1, 1, 1}\n[ 1.0, two ]\nsum = 3\n", "expected a number, found \"two\""},
        {"x: a = (f32) ADD(b) = {2, 1, 1, 1}\n[ 1.0, 2.0 ]\nsum = many\n", "sum of a"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ll_err e = {0};
        refused(ll_ref_parse_text(&r, "log", (const uint8_t *)bad[i].text, strlen(bad[i].text), &e), &e,
                LL_EUSAGE, bad[i].says);
        ll_ref_free(&r);
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

static struct ll_model *model(void)
{
    struct ll_model *m;
    struct ll_err err = {0};
    if (ll_model_open(&m, LL_SOURCE_DIR "/tests/fixtures/models/llama3_gqa", &err))
        fail_msg("%s", err.msg);
    return m;
}

static struct ll_ref_array *give(struct ll_ref *r, const char *name, const char *op, int64_t n)
{
    struct ll_err err = {0};
    struct ll_ref_array *a =
        ll_ref_add(r, &(struct ll_ref_new){"test", name, strlen(name), &n, 1, "float32", 1}, &err);
    assert_non_null(a);
    for (int64_t i = 0; i < n; i++)
        a->x[i] = (float)(i + 1) / 3;
    snprintf(a->op, sizeof a->op, "%s", op);
    return a;
}

static void names(void **state)
{
    struct ll_model *m = model();
    struct ll_ref r = {0};
    struct ll_ref_map map;
    struct ll_acts acts;
    struct ll_err err = {0};
    int d = m->d_model, T = 3, dq = m->n_heads * m->d_head, dkv = m->n_kv_heads * m->d_head;
    (void)state;
    give(&r, "after_layer_0", "", T * d);
    give(&r, "Qcur-1", "MUL_MAT", T * dq);
    give(&r, "Qcur-1", "ROPE", T * dq)->x[0] = 77;
    give(&r, "kqv_out-0", "MUL_MAT", T * d);
    give(&r, "kqv_out-1", "CONT", T * dq);
    give(&r, "layer1_up_proj", "", T * m->d_mlp);
    give(&r, "blocks.1.attn.hook_v", "", T * dkv);
    give(&r, "my_block_1_end", "", T * d)->x[5] = INFINITY;
    give(&r, "result_norm", "", d);
    give(&r, "layer0.q", "", T * dq);
    give(&r, "entropy", "", 9);
    give(&r, "nobody_knows", "", 9);
    give(&r, "skip_me", "", 9);
    const char text[] = "# ours\nmy_block_%d_end\tresid_post\nskip_me\t-\n\n";
    assert_int_equal(ll_ref_map_parse(&map, "map", text, strlen(text), &err), LL_OK);
    struct ll_ref_place p = {.m = m, .n_pos = T, .pos = -1, .map = &map};
    if (ll_ref_place(&p, &r, &acts, &err))
        fail_msg("%s", err.msg);
    assert_true(p.n_placed == 10 && p.n_ignored == 2 && p.n_bad == 1 && p.llama);
    assert_string_equal(ll_buf_str(&p.unknown), "nobody_knows\n");
    assert_non_null(strstr(ll_buf_str(&p.bad), "my_block_1_end: value 5"));
    assert_true(ll_acts_good(&acts, LL_HOOK_RESID_POST, 0)->rows == T
                && !ll_acts_good(&acts, LL_HOOK_RESID_POST, 1));
    assert_true(ll_acts_good(&acts, LL_HOOK_ROT_Q, 1)->x[0] == 77
                && ll_acts_good(&acts, LL_HOOK_Q, 1)->x[0] != 77);
    assert_true(ll_acts_good(&acts, LL_HOOK_ATTN_OUT, 0)->width == d
                && ll_acts_good(&acts, LL_HOOK_Z, 1)->width == dq);
    assert_non_null(ll_acts_good(&acts, LL_HOOK_PRE_LINEAR, 1));
    assert_true(ll_acts_good(&acts, LL_HOOK_LN_FINAL_NORMALIZED, -1)->row0 == T - 1);
    /* layer0.q lies [heads, pos, d_head]: position 1 of head 0 comes d_head values after the start there */
    const struct ll_actv *q = ll_acts_good(&acts, LL_HOOK_ROT_Q, 0);
    assert_true(q->x[dq] == (float)(m->d_head + 1) / 3 && q->x[m->d_head] == (float)(T * m->d_head + 1) / 3);
    ll_acts_free(&acts);
    ll_ref_place_free(&p);
    ll_ref_map_free(&map);
    ll_ref_free(&r);
    static const struct {
        const char *name;
        int64_t n;
        const char *says;
    } bad[] = {{"after_layer_0", 25, "expected a multiple of 24 values"},
               {"after_layer_0", 4 * 24, "expected 3 rows of 24 values, one for each of 3 tokens, found 4"},
               {"after_layer_0", 24, "--pos"},
               {"after_layer_2", 3 * 24, "expected a layer in 0..1"},
               {"hidden_states", 2 * 3 * 24, "expected [3, 3, 24]"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ll_err e = {0};
        struct ll_ref_place b = {.m = m, .n_pos = T, .pos = -1};
        give(&r, bad[i].name, "", bad[i].n);
        refused(ll_ref_place(&b, &r, &acts, &e), &e, LL_EUSAGE, bad[i].says);
        ll_acts_free(&acts);
        ll_ref_place_free(&b);
        ll_ref_free(&r);
    }
    static const struct {
        const char *text, *says;
    } maps[] = {{"x resid_post\n", "line 1: expected PATTERN<tab>HOOK"},
                {"\na\tsilly\n", "line 2: unknown hook point"},
                {"a%d_%d\tq\n", "at most one %d"}};
    for (int i = 0; i < 3; i++) {
        struct ll_err e = {0};
        refused(ll_ref_map_parse(&map, "map", maps[i].text, strlen(maps[i].text), &e), &e, LL_EUSAGE,
                maps[i].says);
    }
    ll_model_close(m);
}

/* Leading dimensions of 1 do not count, however many; a batch of more texts is no text. */
static void batches(void **state)
{
    const int64_t of_one[] = {1, 1, 1, 2, 3}, bad[] = {2, 1, 1, 2, 3};
    /* int32 [2, 3], as numpy.save writes it */
    static const char two[] = "\x93NUMPY\1\0\x3a\0{'descr': '<i4', 'fortran_order': False, 'shape': (2, "
                              "3)}\n123412341234123412341234";
    struct ll_ref r = {0};
    struct ll_err err = {0}, e = {0};
    (void)state;
    const struct ll_ref_array *a =
        ll_ref_add(&r, &(struct ll_ref_new){"x", "a", 1, of_one, 5, "float32", 1}, &err);
    assert_true(a && a->n_dims == 2 && a->dims[0] == 2 && a->n == 6);
    assert_null(ll_ref_add(&r, &(struct ll_ref_new){"x", "a", 1, bad, 5, "float32", 1}, &err));
    assert_non_null(strstr(err.msg, "at most 4 dimensions, found 5"));
    size_t n = sizeof two - 1;
    refused(ll_ref_parse_npy(&r, "x", "input_ids", (const uint8_t *)two, n, &e), &e, LL_EUSAGE,
            "found a batch of 2");
    ll_ref_free(&r);
}

/* 1 and -2.5 in two bytes: the same bits are other numbers in the other type. */
static void types_of_two_bytes(void **state)
{
    static const struct {
        uint8_t raw[4];
        const char *type;
    } of[] = {{{0x80, 0x3f, 0x20, 0xc0}, "bfloat16"}, {{0, 0x3c, 0, 0xc1}, "float16"}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint8_t raw[4];
        memcpy(raw, of[i].raw, 4);
        struct ll_ref_array a = {.name = "x", .raw = raw, .n_raw = 4}, out;
        struct ll_err err = {0};
        assert_int_equal(ll_ref_raw_read(&a, of[i].type, 2, 1, 0, &out, &err), LL_OK);
        assert_true(out.n == 2 && out.x[0] == 1 && out.x[1] == -2.5f && !strcmp(out.dtype, of[i].type));
        free(out.x);
    }
}

/* Where the reference has an array of that name, it gets another. */
static void rename_array(struct ll_ref *r, const char *from, const char *to)
{
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->a[i].name, from)) {
            free(r->a[i].name);
            r->a[i].name = strdup(to);
        }
}

/* The embedding of a reference with hook_embed and hook_pos_embed under these names; NULL: none. `passed`
 * must be said. */
static float embedding_of(const char *model_name, const char *embed, const char *pos_embed,
                          const char *resid_pre, const char *passed)
{
    struct ll_model *m;
    struct ll_ref r;
    struct ll_acts acts;
    struct ll_err err = {0};
    char path[512];
    snprintf(path, sizeof path, LL_SOURCE_DIR "/tests/fixtures/models/%s", model_name);
    assert_int_equal(ll_model_open(&m, path, &err), LL_OK);
    snprintf(path, sizeof path, REFS "people/positions/%s.npz", model_name);
    assert_int_equal(ll_ref_open(&r, path, NULL, 0, &err), LL_OK);
    rename_array(&r, "hook_embed", embed);
    rename_array(&r, "hook_pos_embed", pos_embed);
    rename_array(&r, "blocks.0.hook_resid_pre", resid_pre);
    struct ll_ref_place p = {.m = m, .n_pos = r.seq->n, .ids = r.seq->v, .pos = -1};
    assert_int_equal(ll_ref_place(&p, &r, &acts, &err), LL_OK);
    const struct ll_actv *a = ll_acts_good(&acts, LL_HOOK_EMBED, -1);
    float last = a ? a->x[a->rows * a->width - 1] : NAN;
    assert_string_equal(ll_buf_str(&p.passed), passed);
    ll_acts_free(&acts);
    ll_ref_place_free(&p);
    ll_ref_free(&r);
    ll_model_close(m);
    return last;
}

/* TransformerLens' hook_embed lacks the positions that the stream has; ours has them. */
static void learned_positions(void **state)
{
    static const char *const models[] = {"gpt2_conv1d", "gpt_neo"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *m = models[i],
                   *alone = "hook_embed: before the positions are added, and hook_pos_embed is not there\n";
        struct ll_ref r = {0};
        struct ll_err err = {0};
        char path[512];
        snprintf(path, sizeof path, REFS "people/positions/%s.npz", m);
        assert_int_equal(ll_ref_open(&r, path, NULL, 0, &err), LL_OK);
        const struct ll_ref_array *e = named(&r, "hook_embed"), *p = named(&r, "hook_pos_embed"),
                                  *s = named(&r, "blocks.0.hook_resid_pre");
        float stream = s->x[s->n - 1], sum = e->x[e->n - 1] + p->x[p->n - 1];
        assert_true(stream == sum && stream != e->x[e->n - 1]);
        ll_ref_free(&r);
        assert_true(embedding_of(m, "hook_embed", "hook_pos_embed", "-", "") == sum);
        assert_true(embedding_of(m, "hook_embed", "-", "blocks.0.hook_resid_pre", alone)
                    == stream); /* from the stream's other name */
        assert_true(isnan(embedding_of(m, "hook_embed", "-", "-", alone)));
        assert_true(embedding_of(m, "-", "-", "hook_embed", "") == sum); /* as our dumps call the sum */
        assert_true(isnan(embedding_of(m, "-", "hook_pos_embed", "-",
                                       "hook_pos_embed: positions, and no hook_embed to add them to\n")));
    }
}

/* Values that fit a half-precision type were made in it, whatever the file says: the tolerance follows. */
static void half_precision_in_disguise(void **state)
{
    struct ll_model *m = model();
    (void)state;
    const struct {
        float from, step;
        const char *dtype;
    } cases[] = {{1025, 1.0f / 1024, "float16"},
                 {2, 1.0f / 3, "float32"},
                 {2, 65536.0f, "bfloat16"},
                 {2, 1.0f / 1024, "bfloat16"}}; /* the last fits both */
    for (int i = 0; i < 4; i++) {
        struct ll_ref r = {0};
        struct ll_acts acts;
        struct ll_err err = {0};
        struct ll_ref_place p = {.m = m, .n_pos = 1, .pos = -1};
        struct ll_ref_array *a = give(&r, "after_layer_0", "", m->d_model);
        for (int k = 0; k < m->d_model; k++)
            a->x[k] = ((float)k + cases[i].from) * cases[i].step;
        assert_int_equal(ll_ref_place(&p, &r, &acts, &err), LL_OK);
        assert_string_equal(ll_acts_good(&acts, LL_HOOK_RESID_POST, 0)->dtype, cases[i].dtype);
        ll_acts_free(&acts);
        ll_ref_place_free(&p);
        ll_ref_free(&r);
    }
    ll_model_close(m);
}

/* Reading W_Q as GGUF's pairs, biases along, gives the heads of q that putting pairs in halves gives; and
 * back. */
static void order_of_rows(void **state)
{
    struct ll_model *m, *v;
    struct ll_engine *eng;
    struct ll_err err = {0};
    struct ll_acts a, b;
    struct ll_acts_want want = {.hooks = LL_HOOK_BIT(LL_HOOK_Q)};
    const int ids[] = {5, 9, 31};
    (void)state;
    assert_int_equal(ll_engine_init(&eng, 1, &err), LL_OK);
    assert_int_equal(ll_model_open(&m, LL_SOURCE_DIR "/tests/fixtures/models/qwen2_tied", &err), LL_OK);
    assert_non_null(m->layers[0].b_Q);
    assert_int_equal(ll_variant_make(&v, m, "qk-permute=on", &err), LL_OK);
    assert_int_equal(
        ll_acts_run(
            &a,
            &(struct ll_acts_pass){.model = m, .engine = eng, .ids = ids, .n_ids = 3, .to = 1, .want = &want},
            &err),
        LL_OK);
    assert_int_equal(
        ll_acts_run(
            &b,
            &(struct ll_acts_pass){.model = v, .engine = eng, .ids = ids, .n_ids = 3, .to = 1, .want = &want},
            &err),
        LL_OK);
    struct ll_actv *q = ll_acts_at(&a, LL_HOOK_Q, 0), *permuted = ll_acts_at(&b, LL_HOOK_Q, 0);
    size_t bytes = sizeof(float) * (size_t)q->rows * (size_t)q->width;
    assert_true(memcmp(q->x, permuted->x, bytes) != 0);
    ll_ref_unpair(q, m->d_head);
    assert_memory_equal(q->x, permuted->x, bytes);
    ll_ref_pair(q, m->d_head);
    ll_acts_free(&b);
    assert_int_equal(
        ll_acts_run(
            &b,
            &(struct ll_acts_pass){.model = m, .engine = eng, .ids = ids, .n_ids = 3, .to = 1, .want = &want},
            &err),
        LL_OK);
    assert_memory_equal(q->x, ll_acts_at(&b, LL_HOOK_Q, 0)->x, bytes);
    ll_acts_free(&a);
    ll_acts_free(&b);
    ll_variant_free(v);
    ll_model_close(m);
    ll_engine_free(eng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_alone),
        cmocka_unit_test(bin_files),
        cmocka_unit_test(npy_files),
        cmocka_unit_test(archives),
        cmocka_unit_test(broken_archives),
        cmocka_unit_test(callback_text),
        cmocka_unit_test(names),
        cmocka_unit_test(batches),
        cmocka_unit_test(types_of_two_bytes),
        cmocka_unit_test(learned_positions),
        cmocka_unit_test(half_precision_in_disguise),
        cmocka_unit_test(order_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
