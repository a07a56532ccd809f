/* test_gguf_loader.c - GGUF files in GGUF's own words: every key of every architecture absent, keys of other
 * ones present, odd values, tensors left out and added, against llama.cpp's results for the same files
 * (tests/fixtures/gguf/loader.inc, made by make_loader.py there). Caught: a default of config.json in place
 * of llama.cpp's, a key read in an architecture that has none, a scaling kind or an old key name overlooked,
 * a message in the words of config.json. */
#define _GNU_SOURCE
#include "capture.h"
#include "forward.h"
#include "head_pass.h"
#include "lens.h"
#include "outfile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs the four above */
#include <cmocka.h>

#include "fixtures/gguf/loader.inc"

#define COUNT(list) (sizeof list / sizeof *list)
enum { N = 20, V = 32, MAX_LINES = 300 };
static struct ll_engine *eng;
static char path[] = "/tmp/ll_loader_XXXXXX";

/* ---- a file made of words -------------------------------------------------------------------- */

struct lines {
    char *text;
    char *line[MAX_LINES];
    int n, number[MAX_LINES];
};

static void split(struct lines *l, const char *text)
{
    l->n = 0;
    l->text = strdup(text);
    for (char *s = strtok(l->text, "\n"); s; s = strtok(NULL, "\n")) {
        assert_true(l->n < MAX_LINES);
        l->number[l->n] = l->n;
        l->line[l->n++] = s;
    }
}

static size_t word(const char *s) { return strcspn(s, " "); }

static void drop(struct lines *l, const char *name, size_t n)
{
    for (int i = 0; i < l->n; i++)
        if (word(l->line[i]) == n && !strncmp(l->line[i], name, n)) {
            l->n--;
            memmove(l->line + i, l->line + i + 1, sizeof *l->line * (size_t)(l->n - i));
            memmove(l->number + i, l->number + i + 1, sizeof *l->number * (size_t)(l->n - i));
            return;
        }
}

static void append(struct lines *l, char *line, int number)
{
    assert_true(l->n < MAX_LINES);
    l->number[l->n] = number;
    l->line[l->n++] = line;
}

static const struct {
    const char *name;
    uint32_t type;
} types[] = {{"u32", 4}, {"i32", 5}, {"f32", 6}, {"bool", 7}, {"str", 8}};

static uint32_t type_of(const char *s, size_t n)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (strlen(types[i].name) == n && !strncmp(types[i].name, s, n))
            return types[i].type;
    fail_msg("type %.*s", (int)n, s);
    return 0;
}

static void put_u32(struct ll_buf *b, uint32_t v) { ll_buf_add(b, &v, 4); }
static void put_u64(struct ll_buf *b, uint64_t v) { ll_buf_add(b, &v, 8); }
static void put_str(struct ll_buf *b, const char *s, size_t n)
{
    put_u64(b, n);
    ll_buf_add(b, s, n);
}

static void put_value(struct ll_buf *b, uint32_t type, const char *s)
{
    float f = strtof(s, NULL);
    char on = *s == '1';
    if (type == 8)
        put_str(b, s, strcspn(s, "\n"));
    else if (type == 7)
        ll_buf_add(b, &on, 1);
    else if (type == 6)
        ll_buf_add(b, &f, 4);
    else
        put_u32(b, (uint32_t)strtol(s, NULL, 10));
}

/* "KEY TYPE VALUE", "KEY [TYPE] VALUE,VALUE" */
static void put_pair(struct ll_buf *b, const char *line)
{
    const char *type = line + word(line) + 1, *value = type + word(type) + 1;
    put_str(b, line, word(line));
    if (*type != '[') {
        put_u32(b, type_of(type, word(type)));
        put_value(b, type_of(type, word(type)), value);
        return;
    }
    uint64_t n = 1;
    for (const char *s = value; *s; s++)
        n += *s == ',';
    put_u32(b, 9);
    put_u32(b, type_of(type + 1, word(type) - 2));
    put_u64(b, n);
    for (uint64_t i = 0; i < n; i++, value += strcspn(value, ",") + 1)
        put_value(b, type_of(type + 1, word(type) - 2), value);
}

/* Weight i of tensor number t, as in make_loader.py. */
static float weight(const char *name, int t, uint64_t i)
{
    uint64_t x = (i + 1 + (uint64_t)t * 0x100000u) * 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    x ^= x >> 31;
    float v = ((float)(x >> 48) - 32768) / 32768;
    size_t n = word(name);
    int is_weight = n > 6 && !strncmp(name + n - 6, "weight", 6);
    if (!strncmp(name, "rope", 4))
        return 1.5f + v / 2;
    if (is_weight && memmem(name, n, "norm", 4))
        return 1 + v / 4;
    return is_weight && !memmem(name, n, "embd", 4) ? v / 4 : v;
}

/* "NAME ROWS [COLUMNS ...]" */
static void put_tensor(struct ll_buf *info, struct ll_buf *data, const char *line, int number)
{
    uint64_t dims[4], total = 1;
    uint32_t n = 0;
    for (const char *s = line + word(line); *s; n++) {
        char *end;
        dims[n] = strtoull(s, &end, 10);
        total *= dims[n];
        s = end;
    }
    while (data->len % 32)
        ll_buf_addc(data, 0);
    put_str(info, line, word(line));
    put_u32(info, n);
    for (uint32_t i = n; i > 0; i--)
        put_u64(info, dims[i - 1]);
    put_u32(info, 0);
    put_u64(info, data->len);
    for (uint64_t i = 0; i < total; i++) {
        float v = weight(line, number, i);
        ll_buf_add(data, &v, 4);
    }
}

static void write_file(const struct model *m, const char *edits)
{
    struct lines pairs, tensors, more;
    struct ll_buf b = {0}, data = {0};
    struct ll_err err = {0};
    int added = 0;
    split(&pairs, m->pairs);
    split(&tensors, m->tensors);
    split(&more, edits);
    for (int i = 0; i < more.n; i++) {
        char *s = more.line[i];
        if (*s == '-' || (*s != '+' && *s != '!'))
            drop(&pairs, s + (*s == '-'), word(s + (*s == '-')));
        if (*s == '!')
            drop(&tensors, s + 1, word(s + 1));
        else if (*s == '+')
            append(&tensors, s + 1, 900 + added++);
        else if (*s != '-')
            append(&pairs, s, 0);
    }
    ll_buf_adds(&b, "GGUF");
    put_u32(&b, 3);
    put_u64(&b, (uint64_t)tensors.n);
    put_u64(&b, (uint64_t)pairs.n);
    for (int i = 0; i < pairs.n; i++)
        put_pair(&b, pairs.line[i]);
    for (int i = 0; i < tensors.n; i++)
        put_tensor(&b, &data, tensors.line[i], tensors.number[i]);
    while (b.len % 32)
        ll_buf_addc(&b, 0);
    ll_buf_add(&b, data.s, data.len);
    assert_int_equal(ll_file_write(path, b.s, b.len, &err), LL_OK);
    ll_buf_free(&b), ll_buf_free(&data);
    free(pairs.text), free(tensors.text), free(more.text);
}

/* ---- what it gives --------------------------------------------------------------------------- */

static void last_row(const struct ll_model *m, float *logits)
{
    struct ll_err err = {0};
    struct ll_pass run;
    struct ll_stack st;
    int start[2] = {0, N}, ids[N];
    float *x = malloc(sizeof *x * (size_t)m->d_model);
    for (int i = 0; i < N; i++)
        ids[i] = (i * 11 + 5) % V;
    assert_int_equal(ll_stack_init(&st, m, N, NULL, 0, &err), LL_OK);
    struct ll_listener listener = ll_stack_listener(&st);
    assert_int_equal(ll_pass_init(&run, &(struct ll_pass_plan){m, N, N, &listener, 1}, eng, &err), LL_OK);
    struct ll_batch batch = {1, start, ids};
    assert_int_equal(ll_forward(&run, &batch, 0, m->n_layers, &err), LL_OK);
    ll_lens_normalize(m, ll_engine_vec(eng), LL_LENS_FINAL, 0, m->n_layers,
                      ll_stack_row(&st, m->n_layers, N - 1), x);
    ll_head_logits(m, eng, x, logits);
    ll_pass_free(&run);
    ll_stack_free(&st);
    free(x);
}

static double bits_of(const float *x)
{
    double top = (double)x[0], sum = 0, h = 0;
    for (int i = 1; i < V; i++)
        top = fmax(top, (double)x[i]);
    for (int i = 0; i < V; i++)
        sum += exp((double)x[i] - top);
    for (int i = 0; i < V; i++) {
        double p = exp((double)x[i] - top) / sum;
        h -= p > 0 ? p * log2(p) : 0;
    }
    return h;
}

static const struct model *model_of(const char *name)
{
    for (size_t i = 0; i < COUNT(models); i++)
        if (!strcmp(models[i].name, name))
            return &models[i];
    fail_msg("model %s", name);
    return NULL;
}

static int check_refusal(const struct loader_case *c, int rc, const struct ll_err *err)
{
    int good = rc == -c->code && strstr(err->msg, c->says) && !strstr(err->msg, "config.json")
        && !strchr(err->msg, '\n');
    if (!good)
        printf("%s with \"%s\": expected %d and \"%s\", got %d: %s\n", c->model, c->edits, c->code, c->says,
               rc, rc ? err->msg : "no error");
    return !good;
}

static int check_row(const struct loader_case *c, const struct ll_model *m, double *worst)
{
    float x[V];
    double largest = 0, off = 0;
    assert_int_equal(m->d_vocab, V);
    last_row(m, x);
    for (int i = 0; i < V; i++)
        largest = fmax(largest, fabs((double)x[i]));
    for (int i = 0; i < 6; i++)
        off = fmax(off, fabs((double)x[i] - (double)c->logits[i]) / largest);
    off = fmax(off, fabs(bits_of(x) - c->bits) / 5);
    *worst = fmax(*worst, off);
    double tolerance =
        m->act == LL_ACT_SILU ? 5e-5 : 4e-4; /* ggml looks gelu up in a table of half precision */
    if (off < tolerance)
        return 0;
    printf("%s with \"%s\": off by %.3g\n", c->model, c->edits, off);
    return 1;
}

static void as_llama_cpp(void **state)
{
    double worst = 0;
    int bad = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ll_model *m = NULL;
        struct ll_err err = {0};
        write_file(model_of(cases[i].model), cases[i].edits);
        int rc = ll_model_open(&m, path, &err);
        if (rc || cases[i].code)
            bad += cases[i].code
                ? check_refusal(&cases[i], rc, &err)
                : (printf("%s with \"%s\": %s\n", cases[i].model, cases[i].edits, err.msg), 1);
        else
            bad += check_row(&cases[i], m, &worst);
        ll_model_close(m);
    }
    printf("%zu cases, worst deviation %.3g of the largest logit\n", COUNT(cases), worst);
    assert_int_equal(bad, 0);
}

/* What llama.cpp leaves out is used and said: windows of Mistral, Mixtral and Phi 3. */
static void windows(void **state)
{
    static const char *const models_with[] = {"llama", "mixtral", "phi3"};
    (void)state;
    for (size_t i = 0; i < COUNT(models_with); i++) {
        const struct model *of = model_of(models_with[i]);
        char edit[96];
        struct ll_model *m = NULL;
        struct ll_err err = {0};
        snprintf(edit, sizeof edit, "%s.attention.sliding_window u32 5\n",
                 strcmp(of->name, "phi3") ? "llama" : "phi3");
        write_file(of, edit);
        assert_int_equal(ll_model_open(&m, path, &err), LL_OK);
        assert_int_equal(ll_layer_window(m, 1), 5);
        assert_int_equal(m->ckpt->n_notes, 1);
        assert_non_null(
            strstr(m->ckpt->notes[0], "attention.sliding_window: a window of 5 positions is used"));
        ll_model_close(m);
    }
}

static struct ll_model *settings_of(const char *name, const char *edits)
{
    struct ll_model *m = NULL;
    struct ll_err err = {0};
    write_file(model_of(name), edits);
    if (ll_model_open_settings(&m, path, &err))
        fail_msg("%s", err.msg);
    return m;
}

/* Defaults that 20 tokens of tiny models cannot show. Source: load_arch_hparams in llama.cpp's gemma2.cpp and
 * gemma3.cpp. */
static void facts(void **state)
{
    (void)state;
    struct ll_model *m = settings_of("gemma2",
                                     "-gemma2.attn_logit_softcapping\n-gemma2.final_logit_softcapping\n"
                                     "-gemma2.attention.sliding_window\n-gemma2.rope.freq_base\n");
    assert_true(m->attn_cap == 50 && m->logit_cap == 30 && m->ropes[LL_ROPE_MAIN].theta == 10000
                && m->ropes[LL_ROPE_LOCAL].theta == 10000);
    assert_int_equal(ll_layer_window(m, 0), 4096);
    assert_int_equal(ll_layer_window(m, 1), 0);
    ll_model_close(m);
    m = settings_of("gemma3", "-gemma3.attention.sliding_window\n");
    for (int l = 0; l < m->n_layers; l++)
        assert_int_equal(ll_layer_window(m, l), 0);
    assert_true(m->attn_cap == 0 && m->logit_cap == 0 && m->ropes[LL_ROPE_LOCAL].theta == 10000);
    ll_model_close(m);
    static const struct {
        const char *name, *edit;
        int wide;
    } deep[] = {{"gemma2", "gemma2.block_count u32 46\n", 1},
                {"gemma2", "gemma2.block_count u32 42\n", 0},
                {"gemma3", "gemma3.block_count u32 62\n", 1}};
    for (size_t i = 0; i < COUNT(deep);
         i++) { /* the 27B models divide scores by the root of width / heads: 32 / 4, not 12 */
        m = settings_of(deep[i].name, deep[i].edit);
        assert_true(fabs((double)m->attn_scale - 1 / sqrt(deep[i].wide ? 8 : 12)) < 1e-7);
        ll_model_close(m);
    }
}

/* 64 of 98 values turn, not 63. */
static void width_by_count(void **state)
{
    static const struct model wide = {
        "wide",
        "general.architecture str stablelm\nstablelm.context_length u32 64\nstablelm.embedding_length u32 "
        "98\n"
        "stablelm.block_count u32 1\nstablelm.feed_forward_length u32 8\nstablelm.attention.head_count u32 "
        "1\n"
        "stablelm.attention.layer_norm_epsilon f32 1e-5\nstablelm.rope.dimension_count u32 64\n",
        "token_embd.weight 4 98\noutput.weight 4 98\n"};
    struct ll_model *m = NULL;
    struct ll_err err = {0};
    (void)state;
    write_file(&wide, "");
    assert_int_equal(ll_model_open_settings(&m, path, &err), LL_OK);
    assert_int_equal(m->ropes[LL_ROPE_MAIN].d_rot, 64);
    assert_int_equal(m->d_head, 98);
    assert_true(m->ropes[LL_ROPE_MAIN].theta == 10000);
    ll_model_close(m);
}

static void unknown_architecture(void **state)
{
    struct ll_model *m = NULL;
    struct ll_err err = {0};
    (void)state;
    write_file(&models[0], "general.architecture str rwkv7\n");
    assert_int_equal(ll_model_open(&m, path, &err), LL_EUNSUP);
    assert_non_null(strstr(
        err.msg,
        "key general.architecture: \"rwkv7\" is not supported; known: llama, qwen2, qwen3, qwen3moe, gemma"));
    write_file(&models[0], "-general.architecture\n");
    assert_int_equal(ll_model_open(&m, path, &err), LL_EUSAGE);
}

int main(void)
{
    struct ll_err err = {0};
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_llama_cpp), cmocka_unit_test(windows),
                                       cmocka_unit_test(facts), cmocka_unit_test(width_by_count),
                                       cmocka_unit_test(unknown_architecture)};
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) || ll_engine_init(&eng, 1, &err)) {
        printf("%s\n", err.msg);
        return 1;
    }
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    ll_engine_free(eng);
    unlink(path);
    return rc;
}
