/* test_gguf.c - whole GGUF models: against what PyTorch computes from the same weights (shared/oracle/gguf),
 * and against the same weights as a safetensors folder written here, bit for bit, every hook included.
 * Tolerances: shared/oracle/README.md, or 8 noise floors of the file at hand. The reference of a quantised
 * file is float32 arithmetic on the dequantised weights, as here. Caught: rows of q and k left in pairs, a
 * norm's 1 added twice, rope_freqs.weight ignored or multiplied, a key read under the wrong name, rows
 * starting at the wrong block. */
#define _GNU_SOURCE
#include "capture.h"
#include "gguf.h"
#include "head_pass.h"
#include "json_write.h"
#include "lens.h"
#include "outfile.h"
#include "reference.h"
#include "settings.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the four above */
#include <cmocka.h>

#define DIR_GGUF LL_SHARED_DIR "/oracle/gguf"
static struct ll_engine *eng;
static int n_checked;

/* Every one of these must be there and agree. */
static const char *const must[] = {"llama_f32",    "llama_f16",       "llama_bf16",  "llama_q8_0",
                                   "llama_q4_0",   "llama_q4_1",      "llama_q5_0",  "llama_q5_1",
                                   "llama_iq4_nl", "llama_k_mixture", "llama31_f16", "mistral_f16",
                                   "qwen2_q8_0",   "qwen3_bf16",      "gemma2_f16",  NULL};

static struct ll_model *opened(const char *path)
{
    struct ll_model *m = NULL;
    struct ll_err err = {0};
    if (ll_model_open(&m, path, &err))
        fail_msg("%s", err.msg);
    return m;
}

/* ---- against the reference ------------------------------------------------------------------- */

struct tolerance {
    double hidden, logits, entropy, p;
};
struct results {
    struct worst hidden, logits, entropy, p;
};

static const struct ll_tensor *get(const struct reference *ref, const char *seq, const char *what)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s", seq, what);
    return reference_find(ref, name);
}

static struct tolerance read_tolerance(const struct ll_settings *s)
{
    return (
        struct tolerance){fmax(5e-5, 8 * ll_settings_num(s, "float32_noise_floor.hidden_relative", 0)),
                          fmax(2e-5, 8 * ll_settings_num(s, "float32_noise_floor.lens_logits_relative", 0)),
                          fmax(5e-5, 8 * ll_settings_num(s, "float32_noise_floor.entropy_absolute", 0)),
                          fmax(2e-5, 8 * ll_settings_num(s, "float32_noise_floor.probability_absolute", 0))};
}

/* Probability and entropy (nats) of one row of logits, in double. */
static double softmax(const float *x, int n, double *p)
{
    double top = (double)x[0], sum = 0, h = 0;
    for (int i = 0; i < n; i++)
        top = fmax(top, (double)x[i]);
    for (int i = 0; i < n; i++)
        sum += p[i] = exp((double)x[i] - top);
    for (int i = 0; i < n; i++) {
        p[i] /= sum;
        h -= p[i] > 0 ? p[i] * log(p[i]) : 0;
    }
    return h;
}

static void compare_rows(const struct ll_model *m, const struct reference *ref, const char *seq,
                         const struct ll_stack *st, int n, const struct tolerance *tol, struct results *res)
{
    const struct ll_tensor *hidden = get(ref, seq, "hidden"), *want = get(ref, seq, "lens_logits"),
                           *entropy = get(ref, seq, "entropy"), *ids = get(ref, seq, "top5_ids"),
                           *probs = get(ref, seq, "top5_probs");
    size_t d = (size_t)m->d_model, V = (size_t)m->d_vocab, row = 0;
    float *x = malloc(sizeof *x * d), *logits = malloc(sizeof *logits * V);
    double *p = malloc(sizeof *p * V), largest = 0;
    assert_int_equal(want->size / 4, (size_t)(m->n_layers + 1) * (size_t)n * V);
    for (size_t i = 0; i < want->size / 4; i++)
        largest = fmax(largest, fabs((double)reference_f32(want, i)));
    for (int l = 0; l <= m->n_layers; l++)
        for (int at = 0; at < n; at++, row++) {
            double sq = 0;
            for (size_t i = 0; i < d; i++)
                sq += pow((double)reference_f32(hidden, row * d + i), 2);
            for (size_t i = 0; i < d; i++)
                worst_add(&res->hidden, (double)ll_stack_row(st, l, at)[i],
                          (double)reference_f32(hidden, row * d + i), tol->hidden * sqrt(sq / (double)d), seq,
                          l, at);
            ll_lens_normalize(m, ll_engine_vec(eng), LL_LENS_FINAL, 0, l, ll_stack_row(st, l, at), x);
            ll_head_logits(m, eng, x, logits);
            for (size_t v = 0; v < V; v++)
                worst_add(&res->logits, (double)logits[v], (double)reference_f32(want, row * V + v),
                          tol->logits * largest, seq, l, at);
            worst_add(&res->entropy, softmax(logits, m->d_vocab, p), (double)reference_f32(entropy, row),
                      tol->entropy, seq, l, at);
            for (size_t k = 0; k < 5; k++)
                worst_add(&res->p, p[reference_i32(ids, row * 5 + k)],
                          (double)reference_f32(probs, row * 5 + k), tol->p, seq, l, at);
        }
    free(x), free(logits), free(p);
}

/* One pass; the caller frees the stack. */
static void pass(const struct ll_model *m, const int *ids, int n, struct ll_stack *st,
                 const struct ll_listener *extra)
{
    struct ll_err err = {0};
    struct ll_pass run;
    int start[2] = {0, n};
    assert_int_equal(ll_stack_init(st, m, n, NULL, 0, &err), LL_OK);
    struct ll_listener listeners[2] = {ll_stack_listener(st), extra ? *extra : (struct ll_listener){0}};
    assert_int_equal(ll_pass_init(&run, &(struct ll_pass_plan){m, n, n, listeners, extra ? 2 : 1}, eng, &err),
                     LL_OK);
    struct ll_batch batch = {1, start, ids};
    if (ll_forward(&run, &batch, 0, m->n_layers, &err))
        fail_msg("%s", err.msg);
    ll_pass_free(&run);
}

static int report(const char *name, const struct results *r)
{
    const struct {
        const char *what;
        const struct worst *w;
    } all[] = {{"hidden", &r->hidden}, {"logits", &r->logits}, {"entropy", &r->entropy}, {"p", &r->p}};
    int bad = 0;
    printf("%-18s", name);
    for (int i = 0; i < 4; i++) {
        printf(" %s %.3f", all[i].what, all[i].w->ratio);
        bad |= !(all[i].w->ratio <= 1);
    }
    printf("\n");
    for (int i = 0; i < 4 && bad; i++)
        if (!(all[i].w->ratio <= 1))
            printf("    %s beyond tolerance: %s: got %.9g, expected %.9g, difference %.3g\n", all[i].what,
                   all[i].w->at, all[i].w->got, all[i].w->want, all[i].w->diff);
    return bad;
}

/* "llama_f16" has its numbers in "llama_f32.reference". */
static struct ll_settings *open_reference(const char *name, struct reference *ref)
{
    struct ll_settings *s = NULL;
    struct ll_err err = {0};
    char path[512], stem[128];
    snprintf(stem, sizeof stem, "%s.reference", name);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s.json", DIR_GGUF, stem);
        if (ll_settings_read(&s, path, &err))
            fail_msg("%s", err.msg);
        const char *other = ll_settings_str(s, "same_numbers_as", NULL);
        if (!other)
            break;
        snprintf(stem, sizeof stem, "%s", other);
        ll_settings_free(s);
    }
    snprintf(path, sizeof path, "%s/%s.safetensors", DIR_GGUF, stem);
    if (reference_open(ref, path, &err))
        fail_msg("%s", err.msg);
    return s;
}

static int check_file(const char *name)
{
    static const char *const sequences[] = {"len1", "len5", "len17", "text"};
    char path[512];
    struct reference ref;
    struct results res = {0};
    snprintf(path, sizeof path, "%s/%s.gguf", DIR_GGUF, name);
    struct ll_settings *s = open_reference(name, &ref);
    struct tolerance tol = read_tolerance(s);
    struct ll_model *m = opened(path);
    int seen = 0;
    for (int q = 0; q < 4; q++) {
        const struct ll_tensor *t = get(&ref, sequences[q], "input_ids");
        struct ll_stack st;
        int ids[64];
        if (!t)
            continue;
        for (int i = 0; i < t->dims[0]; i++)
            ids[i] = reference_i32(t, (size_t)i);
        pass(m, ids, (int)t->dims[0], &st, NULL);
        compare_rows(m, &ref, sequences[q], &st, (int)t->dims[0], &tol, &res);
        ll_stack_free(&st);
        seen++;
    }
    assert_true(seen >= 1);
    ll_settings_free(s);
    reference_close(&ref);
    ll_model_close(m);
    n_checked++;
    return report(name, &res);
}

static void references(void **state)
{
    int bad = 0;
    (void)state;
    printf("worst deviation in units of the tolerance (1 = at the limit)\n");
    for (int i = 0; must[i]; i++)
        bad += check_file(must[i]);
    assert_int_equal(bad, 0);
}

/* ---- the same weights as safetensors --------------------------------------------------------- */

struct st_file {
    struct ll_buf head, data;
};

static void put_tensor(struct st_file *f, const char *name, const float *v, size_t n, size_t k)
{
    size_t begin = f->data.len;
    ll_buf_add(&f->data, v, 4 * n * (k ? k : 1));
    ll_buf_addf(&f->head, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%zu", f->head.len ? "," : "{", name, n);
    if (k)
        ll_buf_addf(&f->head, ",%zu", k);
    ll_buf_addf(&f->head, "],\"data_offsets\":[%zu,%zu]}", begin, f->data.len);
}

/* Role of a GGUF model -> the family's name and order in an ordinary checkpoint, as float32. */
static void copy_role(struct st_file *f, const struct ll_model *m, enum ll_role role, int layer)
{
    char from[96], to[96];
    if (!ll_gguf_names[role] || !m->family->names[role])
        return;
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(from, sizeof from, ll_gguf_names[role], layer);
    snprintf(to, sizeof to, m->family->names[role], layer);
    const struct ll_tensor *t = ll_ckpt_find(m->ckpt, from);
    if (!t)
        return;
    size_t n = (size_t)t->dims[0], k = t->n_dims > 1 ? (size_t)t->dims[1] : 0, row = k ? k : 1,
           dh = (size_t)m->d_head;
    float *v = malloc(4 * n * row), *w = malloc(4 * n * row);
    ll_dtype_info(t->dtype)->to_f32(t->data, v, n * row);
    memcpy(w, v, 4 * n * row);
    int is_qk = role == LL_R_W_Q || role == LL_R_W_K || role == LL_R_B_Q || role == LL_R_B_K;
    for (size_t r = 0; r < n && is_qk && m->family->gguf.paired_rows; r++) {
        size_t at = r % dh, stored = r - at + (at < dh / 2 ? 2 * at : 2 * (at - dh / 2) + 1);
        memcpy(w + r * row, v + stored * row, 4 * row);
    }
    for (size_t i = 0; i < n && !k && strstr(from, "norm") && m->family->gguf.norms_complete; i++)
        w[i] = v[i] - 1.0f; /* exact near 1, and 1 + it is what was stored */
    put_tensor(f, to, w, n, k);
    free(v), free(w);
}

/* The facts of a GGUF model as a config.json of its family. */
static char *config_of(const struct ll_model *m)
{
    struct ll_buf text = {0};
    struct ll_json j;
    double v;
    int n;
    ll_json_init(&j, &text);
    ll_json_obj(&j, NULL);
    ll_json_cstr(&j, "model_type", m->family->model_types[0]);
    ll_json_int(&j, "vocab_size", m->d_vocab);
    ll_json_int(&j, "hidden_size", m->d_model);
    ll_json_int(&j, "intermediate_size", m->d_mlp);
    ll_json_int(&j, "num_hidden_layers", m->n_layers);
    ll_json_int(&j, "num_attention_heads", m->n_heads);
    ll_json_int(&j, "num_key_value_heads", m->n_kv_heads);
    ll_json_int(&j, "head_dim", m->d_head);
    ll_json_int(&j, "max_position_embeddings", m->n_ctx);
    ll_json_num(&j, "rms_norm_eps", m->norm_eps);
    ll_json_bool(&j, "tie_word_embeddings", m->tied);
    ll_json_num(&j, "rope_theta", m->ropes[LL_ROPE_MAIN].theta);
    ll_json_num(&j, "query_pre_attn_scalar", m->d_head);
    if (ll_setting_int(m, LL_S_WINDOW, &n))
        ll_json_int(&j, "sliding_window", n);
    if (ll_setting_num(m, LL_S_ATTN_CAP, &v))
        ll_json_num(&j, "attn_logit_softcapping", v);
    if (ll_setting_num(m, LL_S_LOGIT_CAP, &v))
        ll_json_num(&j, "final_logit_softcapping", v);
    if (!strcmp(m->ropes[LL_ROPE_MAIN].kind,
                "divisors")) { /* Llama 3.1's, which the converter wrote out as a tensor */
        ll_json_obj(&j, "rope_scaling");
        ll_json_cstr(&j, "rope_type", "llama3");
        ll_json_num(&j, "factor", 8);
        ll_json_num(&j, "low_freq_factor", 1);
        ll_json_num(&j, "high_freq_factor", 4);
        ll_json_num(&j, "original_max_position_embeddings", 64);
        ll_json_end(&j);
    }
    ll_json_end(&j);
    return text.s;
}

static void write_folder(const struct ll_model *m, const char *dir)
{
    struct st_file f = {0};
    struct ll_err err = {0};
    char path[300], *config = config_of(m);
    for (enum ll_role r = 0; r < LL_N_ROLES; r++) {
        int per_layer = ll_gguf_names[r] && strstr(ll_gguf_names[r], "%d");
        for (int l = 0; l < (per_layer ? m->n_layers : 1); l++)
            copy_role(&f, m, r, l);
    }
    ll_buf_adds(&f.head, "}");
    while (f.head.len % 8)
        ll_buf_adds(&f.head, " ");
    uint64_t len = f.head.len;
    struct ll_buf all = {0};
    ll_buf_add(&all, &len, 8);
    ll_buf_add(&all, f.head.s, f.head.len);
    ll_buf_add(&all, f.data.s, f.data.len);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    assert_int_equal(ll_file_write(path, all.s, all.len, &err), LL_OK);
    snprintf(path, sizeof path, "%s/config.json", dir);
    assert_int_equal(ll_file_write(path, config, strlen(config), &err), LL_OK);
    free(config);
    ll_buf_free(&all), ll_buf_free(&f.head), ll_buf_free(&f.data);
}

/* All that a pass shows, one after another. */
static int keep_all(void *arg, const struct ll_hook_visit *v, struct ll_err *err)
{
    (void)err;
    for (int r = 0; r < v->n_rows; r++)
        ll_buf_add(arg, v->data + (long)r * v->stride, sizeof(float) * (size_t)v->width);
    return LL_OK;
}

/* Frequencies of the two agree to what float32 divisors lose; then bits are compared with the same ones. */
static void same_turns(struct ll_model *m, const struct ll_model *g)
{
    assert_int_equal(m->ropes[LL_ROPE_MAIN].d_rot, g->ropes[LL_ROPE_MAIN].d_rot);
    for (int i = 0; i < m->ropes[LL_ROPE_MAIN].d_rot / 2; i++) {
        float f = m->ropes[LL_ROPE_MAIN].inv_freq[i], want = g->ropes[LL_ROPE_MAIN].inv_freq[i];
        assert_true(fabs((double)f - (double)want)
                    <= (strcmp(g->ropes[LL_ROPE_MAIN].kind, "divisors") ? 0 : 3e-7 * (double)want));
        m->ropes[LL_ROPE_MAIN].inv_freq[i] = want;
    }
}

static void same_as_safetensors(void **state)
{
    (void)state;
    for (int i = 0; must[i]; i++) {
        char path[512], dir[] = "/tmp/ll_gguf_XXXXXX", cmd[128];
        struct ll_buf shown[2] = {{0}, {0}};
        int ids[24];
        snprintf(path, sizeof path, "%s/%s.gguf", DIR_GGUF, must[i]);
        struct ll_model *g = opened(path);
        assert_non_null(mkdtemp(dir));
        write_folder(g, dir);
        struct ll_model *m = opened(dir);
        assert_string_equal(m->ckpt->container, "safetensors");
        same_turns(m, g);
        for (int k = 0; k < 24; k++)
            ids[k] = (k * 37 + 11) % m->d_vocab;
        for (int k = 0; k < 2; k++) {
            struct ll_listener all = {~0u, keep_all, &shown[k]};
            struct ll_stack st;
            pass(k ? m : g, ids, 24, &st, &all);
            ll_stack_free(&st);
        }
        assert_true(shown[0].len > 100000);
        if (shown[0].len != shown[1].len || memcmp(shown[0].s, shown[1].s, shown[0].len))
            fail_msg("%s: differs from the same weights as safetensors", must[i]);
        ll_buf_free(&shown[0]), ll_buf_free(&shown[1]);
        ll_model_close(g);
        ll_model_close(m);
        snprintf(cmd, sizeof cmd, "rm -r '%s'", dir);
        assert_int_equal(system(cmd), 0);
    }
}

int main(void)
{
    struct ll_err err = {0};
    if (!ll_is_dir(DIR_GGUF)) {
        printf("skipped: no shared folder\n");
        return 77;
    }
    if (ll_engine_init(&eng, 2, &err)) {
        printf("%s\n", err.msg);
        return 1;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(references), cmocka_unit_test(same_as_safetensors)};
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    ll_engine_free(eng);
    return rc;
}
